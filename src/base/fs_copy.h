/* SPDX-License-Identifier: Apache-2.0 */
/* fs_copy.h - copies of trees. */
#ifndef BERTH_BASE_FS_COPY_H
#define BERTH_BASE_FS_COPY_H

#include "base/error.h"

/*
 * Copy what is in one directory into another: files with their owners, modes, times, extended
 * attributes, several names and holes, links as they are, devices and pipes; sockets are left
 * out.  No link is followed, on neither side, and nothing that is there is replaced
 * (-EEXIST).  Does not look below mounts of the source.
 */
int fs_copy_tree(int from, int to, struct berth_error *err);

/* Remove what is in a directory, as far as that can be done. */
void fs_empty(int dir);

#endif
