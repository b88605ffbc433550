/* SPDX-License-Identifier: Apache-2.0 */
/* each.h - commands that do one thing to each of several containers. */
#ifndef BERTH_CMD_EACH_H
#define BERTH_CMD_EACH_H

#include "cmd/cmd.h"
#include "engine/ctr.h"

/* Which containers: those that are named, or by one of the flags. */
struct each_select {
    char **names;
    int n_names;
    bool all, latest;
    const struct berth_list *cidfiles; /* files with an ID each; NULL: no such flag */
    const struct berth_list *filters;  /* conditions as for ps; NULL: no such flag */
    bool ignore;                       /* what is missing is no failure */
    uint32_t all_mask;                 /* with `all`: bit per enum ctr_status; 0: every one */
};

/* The work on one; the name is as the user typed it, or the full ID.  Prints on success.
 * A positive return: done, but nothing is to be said of it. */
typedef int each_fn(struct ctr *c, const char *name, void *arg, struct berth_error *err);

/*
 * Do it to all of them, if all of them are there.  Failures are printed as they come and the
 * others are still done; the last one is returned.  -EINVAL: names and flags contradict each
 * other.
 */
int each_ctr(struct engine *e, const struct each_select *which, each_fn *fn, void *arg,
             struct berth_error *err);

/* The container that was created last.  -ENOENT: there is none. */
int ctr_latest(struct engine *e, struct ctr **out, struct berth_error *err);

#endif
