/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer.h - folders of read-write layers without a parent, as the storage drivers overlay
 * and vfs have them.  The lock of the layers must be held.
 */
#ifndef BERTH_STORAGE_LAYER_H
#define BERTH_STORAGE_LAYER_H

#include "base/error.h"
#include <stdbool.h>

/* Can layers of this driver be made and removed?  -ENOTSUP. */
int layer_check_driver(const char *driver, struct berth_error *err);

/* Make the folders of a new layer below graph_root/driver. */
int layer_make(const char *graph_root, const char *driver, const char *id,
               struct berth_error *err);

/* Unmount a layer and remove its folders with all content; what is missing is fine. */
int layer_remove(const char *graph_root, const char *driver, const char *id,
                 struct berth_error *err);

/* Remove a tree; what is mounted in it is detached first, if it is in the way. */
int layer_remove_tree(const char *path, struct berth_error *err);

#endif
