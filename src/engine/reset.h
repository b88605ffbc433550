/* SPDX-License-Identifier: Apache-2.0 */
/* reset.h - removing everything. */
#ifndef BERTH_ENGINE_RESET_H
#define BERTH_ENGINE_RESET_H

#include "engine/engine.h"

/*
 * Remove a volume that no container uses: record, directory, lock number.
 * -ENOENT; -EBUSY: a container uses it; -ENOTSUP: it belongs to a volume plugin.
 */
int reset_volume(struct engine *e, const char *name, struct berth_error *err);

/* Does a container that exists use it?  1, 0 or -errno. */
int reset_volume_used(struct txn *t, const char *name, struct berth_error *err);

/*
 * Under the alive lock, remove all containers, pods, volumes and networks, and then what
 * containers/storage and libpod keep in the graph root, the run root and the tmp directory.
 * Only entries that these programs are known to make are removed; what else is there is left,
 * with the directory, and added to `left`.  What another store of the same tmp directory
 * needs stays too.
 *
 * It goes on after a failure; the last one is returned, the others are logged.
 */
int reset_all(struct engine *e, struct berth_list *left, struct berth_error *err);

/* Storage containers that are no libpod containers, one "ID (names)" each: a reset removes
 * them with the graph root. */
int reset_external(struct engine *e, struct berth_list *out, struct berth_error *err);

#endif
