/* SPDX-License-Identifier: Apache-2.0 */
/* migrate_priv.h - what the files of a move share. */
#ifndef BERTH_ENGINE_MIGRATE_PRIV_H
#define BERTH_ENGINE_MIGRATE_PRIV_H

#include "engine/migrate.h"
#include "engine/migrate_marker.h"

/* One move while it goes on. */
struct move {
    struct migrate *m;
    char *static_dir; /* where the note is: as configured, before a store says otherwise */
    struct engine *e; /* has the old store */
    struct txn *from; /* writing, so that nobody else does; never written in */
    int lock_fd, alive_fd;
    char *root; /* folder of the new store */
    char *path; /* its file, where the configuration names one */
    struct marker marker;
    bool switching; /* files are being renamed: only --resume and --abort know what to do */
    struct berth_error *err;
};

void move_end(struct move *v);
#define _cleanup_move_ _cleanup_(move_end)

void move_say(const struct migrate *m, const char *fmt, ...) _printf_(2, 3);

/* The names of files with something behind each. */
int move_suffixed(const struct berth_list *files, const char *suffix, struct berth_list *out,
                  struct berth_error *err);

/* Out of the way with the old store's files. */
int move_retire_source(const struct marker *k, struct berth_error *err);

/* Remove what killed moves left in a folder, half-written notes too.  Under the lock, nobody
 * is using it. */
void move_remove_left(const char *dir);

/* The new store is in use: tell, and clean up. */
void move_finished(struct migrate *m, const struct marker *k);

#endif
