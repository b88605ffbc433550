/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migrate.h - moving the state store to another backend.
 *
 * There is never a moment with two stores in use and none with no store at all.  What is
 * done is noted in the file `state-migration` of static_dir, so that whoever starts after a
 * crash refuses to guess, and migrate_resume() or migrate_abort() know what to do.
 */
#ifndef BERTH_ENGINE_MIGRATE_H
#define BERTH_ENGINE_MIGRATE_H

#include "engine/engine.h"
#include "engine/migrate_copy.h"

struct migrate {
    struct conf *conf; /* lent */
    const char *to;    /* plugin of the new store */
    bool dry_run;      /* everything but the switch; the new store is removed again */
    bool keep;         /* with dry_run: leave the new store in its folder */
    bool stop;         /* stop containers that run */
    bool force;        /* leave behind what cannot be moved */
    copy_progress_fn *progress;
    void *progress_arg;
    void (*say)(void *arg, const char *line); /* what the user should know, line by line */
    void *say_arg;
    bool done;      /* out: the new store is in use */
    char *moved_to; /* out: its type; the caller's */
};

/*
 * Move it.  -EBUSY: containers run, or another process is at it; -EEXIST: there is a store of
 * that type already, or `to` is the type in use; -EUCLEAN: what was found is told through
 * say(), and nothing was changed; -ECANCELED: stopped, and nothing was changed.
 */
int migrate_run(struct migrate *m, struct berth_error *err);

/* Finish a move that was interrupted, or undo it.  -ENOENT: there is none.  -EEXIST: both
 * stores were used since, by programs that know nothing of the move. */
int migrate_resume(struct migrate *m, struct berth_error *err);
int migrate_abort(struct migrate *m, struct berth_error *err);

/* Write a store anew, without the room that removed records left.  In the same file, by one
 * rename at the end.  before, after: bytes. */
int migrate_compact(struct migrate *m, uint64_t *before, uint64_t *after,
                    struct berth_error *err);

/* 0, or -EBUSY: a move is going on or was interrupted; the error says how to go on.  Every
 * start asks. */
int migrate_check(const struct conf *conf, struct berth_error *err);

/* A lock that excludes all that rearranges stores: moves, merges, compaction.  The
 * descriptor, or -EBUSY. */
int migrate_lock(const struct conf *conf, struct berth_error *err);

/* Rename the files of a store out of the way: NAME.WHAT-DATE, with a number where that is
 * taken.  Directories are synced.  *suffix: what was appended, the caller's. */
int migrate_retire(const struct berth_list *files, const char *what, char **suffix,
                   struct berth_error *err);

/* Names of containers whose process is there; their records are brought up to date first.
 * With `stop` they are stopped instead. */
int migrate_running(struct engine *e, bool stop, struct berth_list *names,
                    struct berth_error *err);

/* Set StateType in a configuration file: the line that has it, or a new one.  The file is
 * replaced as a whole and made where there is none. */
int migrate_set_type(const char *file, unsigned line, const char *type,
                     struct berth_error *err);

/* Where StateType was set: "FILE" and line (0: nowhere in a file), or the name of a flag. */
struct migrate_origin {
    char *file; /* NULL: none */
    unsigned line;
    bool flag;
};
void migrate_find_type(const struct conf *conf, struct migrate_origin *out);

#endif
