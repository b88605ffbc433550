/* SPDX-License-Identifier: Apache-2.0 */
/* storage_priv.h - what the files of the container store share. */
#ifndef BERTH_STORAGE_STORAGE_PRIV_H
#define BERTH_STORAGE_STORAGE_PRIV_H

#include "storage/records.h"
#include "storage/storage.h"

struct storage {
    char *graph_root, *run_root, *driver;
    char *storage_lock, *layers_lock, *containers_lock, *mountpoints_lock;
    struct records layers;
    struct records containers;
    struct records volatile_; /* containers of podman 5 that were made with --rm */
    struct records mountpoints;
};

/* A place in one of the two files of containers. */
struct spot {
    struct records *file; /* NULL: not found */
    size_t i;
};

/* Read both files of containers, whose lock must be held. */
int storage_load_containers(struct storage *st, struct berth_error *err);
struct spot storage_find_id(struct storage *st, const char *id);

/* A decoded string member, allocated; NULL: damaged, or no memory. */
char *storage_field(const struct record *rec, enum record_field field);

/* Drop the count of a layer that is about to be unmounted for good.  The lock of the
 * layers must be held. */
int storage_forget_mount(struct storage *st, const char *layer, struct berth_error *err);

#endif
