/* SPDX-License-Identifier: Apache-2.0 */
/* migrate_marker.h - the note of a move that is going on, and the files it is about. */
#ifndef BERTH_ENGINE_MIGRATE_MARKER_H
#define BERTH_ENGINE_MIGRATE_MARKER_H

#include "engine/engine.h"

#define MARKER_NAME "state-migration"

/* From then on files are renamed; before, the old store alone counts. */
#define MARKER_COPY   "copy"
#define MARKER_SWITCH "switch"

struct marker {
    char *from, *to; /* types */
    char *step;
    char *work;                      /* folder in which the new store is made; NULL: none yet */
    char *suffix;                    /* of the old store's files once they are out of the way */
    struct berth_list source;        /* files of the old store */
    struct berth_list made;          /* files of the new store in `work` */
    struct berth_list target;        /* and where they go */
    uint64_t source_sum, target_sum; /* copy_sum() at the switch */
};

void marker_free(struct marker *m);
#define _cleanup_marker_ _cleanup_(marker_free)

/* Read it.  -ENOENT: there is none; -EUCLEAN: it cannot be understood. */
int marker_read(const char *static_dir, struct marker *m, struct berth_error *err);

/* Write it as a whole, and make that last. */
int marker_write(const char *static_dir, const struct marker *m, struct berth_error *err);
int marker_remove(const char *static_dir, struct berth_error *err);

/* Sync the folder that a path is in. */
int fsync_parent(const char *path, struct berth_error *err);

/* Rename each file of `from` to the one of `to`, where it is still there, and sync. */
int rename_all(const struct berth_list *from, const struct berth_list *to,
               struct berth_error *err);

/* How many of them exist. */
size_t count_there(const struct berth_list *files);

/* Test points: with BERTH_FAULT=migrate.STEP=EOWNERDEAD the process dies here, with another
 * code the step fails.  Only in a build tree. */
int migrate_point(const char *step, struct berth_error *err);

#endif
