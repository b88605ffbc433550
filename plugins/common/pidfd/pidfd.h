/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pidfd.h - descriptors of processes, which stay theirs whoever gets the number later.
 *
 * On kernels before 5.3 they are the process's directory in /proc and no pidfd, so only what
 * is here may be used with them.
 */
#ifndef PLUGINS_PIDFD_H
#define PLUGINS_PIDFD_H

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>

/* A descriptor of that process; -1 with errno (ESRCH: gone; EINVAL: no number of one). */
int pidfd_get(pid_t pid);

/* poll(2), where POLLIN of such a descriptor says that the process has ended. */
int pidfd_poll(struct pollfd *fds, size_t n, int ms);

/* 0, or -1 with errno (ESRCH: it has ended). */
int pidfd_signal(int fd, int number);

#endif
