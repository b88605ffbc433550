/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.h - one start of conmon, up to the pid of what it watches.
 *
 *      rt_launch_begin()    conmon is started and waits to be told to go on
 *      rt_launch_go()       it goes on, and its first process ends
 *      rt_launch_ready()    exec only: its socket can be connected to
 *      rt_launch_resume()   exec only: it starts the runtime
 *      rt_launch_pid()      the runtime succeeded or failed
 *      rt_launch_end()      always
 */
#ifndef OCI_LAUNCH_H
#define OCI_LAUNCH_H

#include "runtime.h"

struct rt_launch {
    /* What to start; lent until rt_launch_end(). */
    char *const *argv;
    const char *cwd;
    const struct berth_container *container;
    const char *oci_log;
    const int *fds, *keep_fds;
    size_t n_fds, n_keep_fds;
    bool exec, passthrough;
    bool may_exist; /* that the runtime has it already is told by -EEXIST alone */

    /* What is going on. */
    berth_deadline deadline;
    pid_t pid; /* of conmon's first process, 0 once reaped */
    int pidfd;
    int sync, start, attach;
    int text;        /* what conmon wrote to its standard streams */
    bool told;       /* conmon may have called the runtime */
    int32_t monitor; /* that was looked for, as it did not answer; 0: none */
};

#define RT_LAUNCH                                                                              \
    {                                                                                          \
        .pidfd = -1, .sync = -1, .start = -1, .attach = -1, .text = -1                         \
    }

/* All give 0 or -errno with the error described. */
int rt_launch_begin(struct berth_oci *r, struct rt_launch *l, struct berth_error *err);
int rt_launch_go(struct berth_oci *r, struct rt_launch *l, struct berth_error *err);
int rt_launch_ready(struct berth_oci *r, struct rt_launch *l, struct berth_error *err);
int rt_launch_resume(struct berth_oci *r, struct rt_launch *l, struct berth_error *err);
int rt_launch_pid(struct berth_oci *r, struct rt_launch *l, int32_t *out_pid,
                  struct berth_error *err);

/* Close everything; a first process that has not ended is killed and reaped. */
void rt_launch_end(struct rt_launch *l);

#endif
