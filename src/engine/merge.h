/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge.h - two state stores side by side: what differs, and bringing them together.
 *
 * podman 5.8.0 left hosts on which some records are in a bolt_state.db and some in a db.sql.
 * No record is ever dropped: what both have and tell differently is shown and left to the
 * user, and the store that was merged stays on disk under another name.
 */
#ifndef BERTH_ENGINE_MERGE_H
#define BERTH_ENGINE_MERGE_H

#include "engine/migrate.h"

typedef void diff_fn(void *arg, const char *line);

/*
 * Compare two stores, record by record: a line "- ..." for what only the first has, "+ ..."
 * for what only the second has, "! ..." for each member that differs.  Gives the number of
 * lines.
 */
int64_t diff_states(struct state *a, struct state *b, diff_fn *fn, void *arg,
                    struct berth_error *err);

/* Members in which two documents differ, as "PATH: A | B", behind `prefix`. */
int diff_documents(const char *prefix, const json *a, const json *b, struct berth_list *out);

enum merge_prefer { MERGE_ASK, MERGE_THIS, MERGE_OTHER };

struct merge {
    struct conf *conf;
    const char *from;   /* TYPE:PATH, which is only read; NULL: the other store of this host */
    const char *prefer; /* "this", "other" or a type: whose record counts; NULL: ask */
    bool dry_run;
    bool force; /* also while containers of the other store run */
    diff_fn *say;
    void *say_arg;
    copy_progress_fn *progress;
    void *progress_arg;
    size_t added, same, conflicts; /* out */
};

/*
 * Bring the records of another store into the configured one, in one transaction, and
 * rename the other out of the way.  1: there are conflicts, which were told, and nothing
 * was changed.  -ENOENT: there is no other store.
 */
int merge_run(struct merge *m, struct berth_error *err);

#endif
