/* SPDX-License-Identifier: Apache-2.0 */
/* private.h - what the files of this folder share. */
#ifndef BERTH_ROOTLESS_PRIVATE_H
#define BERTH_ROOTLESS_PRIVATE_H

#include "base/error.h"
#include <stdbool.h>
#include <sys/types.h>

/* Environment: names of podman's. */
#define ENV_INSIDE "_CONTAINERS_USERNS_CONFIGURED"
#define ENV_UID    "_CONTAINERS_ROOTLESS_UID"
#define ENV_GID    "_CONTAINERS_ROOTLESS_GID"

/* mapping.c: give the new user namespace of a process its IDs, from outside. */
int mapping_write(pid_t pid, struct berth_error *err);

/* pause.c: a process that holds namespaces. */
struct pause_process {
    pid_t pid;
    int go; /* it ends when this is closed before pause_keep() */
};

#define PAUSE_INIT ((struct pause_process){0, -1})

/* Start one.  fresh: in namespaces of its own, whose IDs are still to be mapped. */
int pause_start(struct pause_process *p, bool fresh, struct berth_error *err);
int pause_keep(struct pause_process *p, struct berth_error *err);
void pause_drop(struct pause_process *p); /* takes any */

/* The pid in a pause file, or -errno: -ENOENT, -EINVAL where it is none. */
pid_t pause_read(const char *path);

/* Record it for all others.  -EEXIST: somebody else was first. */
int pause_publish(const char *path, pid_t pid, struct berth_error *err);

/* Remove a pause file if `is_good`, asked under podman's lock on the file, says that what it
 * names is of no use. */
int pause_remove_stale(const char *path, bool (*is_good)(pid_t pid), struct berth_error *err);

#endif
