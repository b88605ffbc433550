/* SPDX-License-Identifier: Apache-2.0 */
/* usage.h - what a running container uses, from its control groups (both versions). */
#ifndef BERTH_ENGINE_USAGE_H
#define BERTH_ENGINE_USAGE_H

#include "engine/ctr.h"

struct usage {
    int64_t cpu;             /* nanoseconds since it began */
    uint64_t memory, limit;  /* bytes; without a limit that of the machine */
    uint64_t received, sent; /* bytes, by its own network interfaces */
    uint64_t read, written;  /* bytes, by block devices */
    uint64_t pids;
};

/* Of the container with this ID; pid: its first process.  What the kernel does not count is 0.
 * -ESRCH: it has ended. */
int usage_read(const char *id, int64_t pid, bool own_network, struct usage *out,
               struct berth_error *err);

#endif
