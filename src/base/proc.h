/* SPDX-License-Identifier: Apache-2.0 */
/* proc.h - running other programs. */
#ifndef BERTH_BASE_PROC_H
#define BERTH_BASE_PROC_H

#include "base/buf.h"
#include "base/error.h"
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* Run a program to its end; the request is the plugin ABI's, see berth/plugin.h.  Its exit
 * status (128+n for signal n), or -errno when it could not be started (-ENOENT, -EACCES,
 * ...), was killed at the deadline (-ETIMEDOUT) or by the user's wish (-ECANCELED). */
int proc_run(const struct berth_run *what, struct berth_error *err);

/*
 * Work for the time in which this thread's next program runs, when proc_run() would only wait:
 * done once, as soon as the program has begun.  proc_meanwhile(NULL, NULL) takes back what no
 * program has been run for.
 */
void proc_meanwhile(void (*work)(void *arg), void *arg);

/* Set by proc_catch_signals() once SIGINT or SIGTERM arrived. */
extern volatile sig_atomic_t proc_cancelled;

/* A program's path, looked up in $PATH; allocated.  NULL: it is not there. */
char *proc_find(const char *name);

/*
 * Start a program that lives on without us: in a session of its own, with / as its working
 * directory, our environment, /dev/null for its standard streams and no descriptor of ours
 * but `fd`, which becomes its descriptor 3 (-1: none).  argv[0] is the path.  Returns when
 * it runs, or -errno when it could not be started.
 */
int proc_leave(const char *const *argv, int fd, struct berth_error *err);

/* Has this process a capability (CAP_*) in its effective set? */
bool proc_has_cap(int cap);

/* A descriptor of that process, or -errno (-ESRCH: gone).  On old kernels it is no pidfd, so
 * that these two have to be used with it. */
int proc_pidfd(pid_t pid);
int proc_poll(struct pollfd *fds, size_t n, int ms); /* poll(2); POLLIN: it has ended */
int proc_signal(int fd, int number);                 /* 0 or -errno (-ESRCH: it has ended) */

/* Close all descriptors from this one on: now, or when another program is executed. */
void proc_close_from(int first, bool at_exec);

#endif
