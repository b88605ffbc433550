/* SPDX-License-Identifier: Apache-2.0 */
/*
 * procs.h - the processes of a container, from /proc of the host: those in the process
 * namespace of its first one.
 */
#ifndef BERTH_ENGINE_PROCS_H
#define BERTH_ENGINE_PROCS_H

#include "engine/ctr.h"

struct proc_info {
    int64_t host_pid, host_ppid;
    int64_t pid, ppid, pgid; /* as the container sees them; 0: it does not */
    bool nested;             /* the container has a process namespace of its own */
    uint32_t uid[2], gid[2]; /* real and effective, of the host */
    struct berth_list groups;
    uint64_t caps[5]; /* enum proc_caps */
    int seccomp;      /* 0 disabled, 1 strict, 2 filter; -1: unknown */
    char state;
    int64_t nice, tty;
    int64_t cpu_seconds, started; /* seconds; seconds since 1970 */
    int64_t vsz, rss;             /* KiB */
    char *comm, *args, *label;
};

enum proc_caps { PROC_INH, PROC_PRM, PROC_EFF, PROC_BND, PROC_AMB };

struct procs {
    struct proc_info *list;
    size_t n;
};

/* In the order of their IDs in the container.  Those that end meanwhile are left out. */
int procs_read(int64_t first, struct procs *out, struct berth_error *err);
void procs_free(struct procs *p);
#define _cleanup_procs_ _cleanup_(procs_free)

#endif
