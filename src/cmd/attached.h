/* SPDX-License-Identifier: Apache-2.0 */
/* attached.h - the foreground half of run, start and attach. */
#ifndef BERTH_CMD_ATTACHED_H
#define BERTH_CMD_ATTACHED_H

#include "engine/ctr.h"

struct attached {
    bool input, output, errors;
    bool sig_proxy;          /* forward signals to the container */
    const char *detach_keys; /* NULL: the configuration's */
};

/* Before anything is started: are the keys right, and is there a terminal where one is
 * wanted?  -EINVAL. */
int attached_check(const struct engine *e, const struct attached *how, bool terminal,
                   struct berth_error *err);

/* --preserve-fds: was this program started with n descriptors from 3 on?  -EBADF. */
int check_preserved(uint64_t n, struct berth_error *err);

/* Has the container a terminal? */
bool attached_terminal(const struct ctr *c);

/* Copy until the container has closed its streams.  STREAM_DETACHED: the user left. */
int attached_copy(struct ctr *c, int fd, const struct attached *how, struct berth_error *err);

/* After attached_copy() gave 0: wait for the end, record it, clean up, and with `remove` take
 * the container away; the exit status for our own process is in *status. */
int attached_finish(struct ctr *c, bool remove, int *status, struct berth_error *err);

#endif
