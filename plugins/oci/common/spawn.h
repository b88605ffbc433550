/* SPDX-License-Identifier: Apache-2.0 */
/* spawn.h - start conmon with descriptors at agreed numbers. */
#ifndef OCI_SPAWN_H
#define OCI_SPAWN_H

#include "util.h"

/* What to start.  All is lent for the call. */
struct rt_spawn {
    const char *path;
    char *const *argv, *const *env;
    const char *cwd;
    int in, out, err; /* standard streams; -1: /dev/null */
    const int *fds;   /* become 3, 4, ... */
    size_t n_fds;     /* all others are closed in the program */
};

/* Start a program in a process group of its own, with default signals.  The child is
 * the caller's to reap.  0 or -errno, also that of execve(). */
int rt_spawn(const struct rt_spawn *what, pid_t *out_pid);

#endif
