/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - copying between our own standard streams and a container's.
 */
#ifndef BERTH_ENGINE_STREAM_H
#define BERTH_ENGINE_STREAM_H

#include "engine/ctr.h"

struct stream_io {
    int fd;                  /* stream socket (berth/oci.h); stays the caller's */
    bool input;              /* copy standard input */
    bool output;             /* copy to standard output */
    bool errors;             /* copy to standard error */
    bool terminal;           /* the container has a terminal: raw mode, detach keys, size */
    const char *detach_keys; /* "ctrl-p,ctrl-q"; NULL or "": none */
    /* Called with each signal that arrives, in the copying thread; negative: it could not be
     * passed on, and does to us what it does to other programs.  NULL: so do all. */
    int (*on_signal)(void *arg, int signal);
    /* Called with the size of our terminal at the start and when it changes; NULL: no. */
    void (*on_resize)(void *arg, struct berth_tty_size size);
    void *arg;
};

#define STREAM_DETACHED 1

/* Copy until the container has closed its streams (0), or the detach keys were typed or our
 * terminal was closed (STREAM_DETACHED).  The terminal's mode is restored on every way out,
 * also if a signal ends the program. */
int stream_copy(const struct stream_io *io, struct berth_error *err);

/* Parse detach keys into bytes, at most n; how many, or -EINVAL.  The second only looks
 * whether they are right: 0. */
int stream_detach_keys(const char *text, unsigned char *out, size_t n, struct berth_error *err);
int stream_check_keys(const char *text, struct berth_error *err);

/* The size of the terminal that is our standard input; false: it is none. */
bool stream_own_size(struct berth_tty_size *out);

#endif
