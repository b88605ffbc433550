/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_program.h - programs that carry a container's packets as long as it runs.
 *
 * They end when the last writing end of a pipe is closed, which the container's monitor has,
 * and say through another pipe that they are ready.
 */
#ifndef BERTH_ENGINE_NET_PROGRAM_H
#define BERTH_ENGINE_NET_PROGRAM_H

#include "base/error.h"
#include <stdbool.h>
#include <sys/types.h>

struct net_program {
    const char *name;        /* in messages */
    const char *path;        /* absolute */
    const char *const *argv; /* argv[0] is what messages of its failure name */
    int end_fd; /* reading end; becomes descriptor 3, and the ready pipe 4; -1: none, the latter
                   is 3 */
    const char *input; /* NULL: /dev/null */
    bool own_mounts;   /* a mount namespace of its own */
    bool tells;        /* its standard output is one line for people: what went wrong */
};

/*
 * Start it, in a process group of its own, and wait until it is ready; it is a child of this
 * process.  If it ends before, or takes longer than a minute, the error has what it wrote.
 */
int net_program_start(const struct net_program *p, pid_t *out, struct berth_error *err);

/* The pipe is closed: wait for the end of one that this process started, and help. */
void net_program_end(pid_t pid);

#endif
