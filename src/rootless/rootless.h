/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootless.h - the namespaces in which an unprivileged user is root.
 *
 * All commands of one user, podman's and ours, share one user and one mount namespace, or
 * what one mounts would be missing for the next.  A pause process, whose pid is in
 * `<tmp dir>/pause.pid`, holds them while no container does.  The file, the process and three
 * variables of the environment are podman's, so either program finds what the other made:
 *
 *   _CONTAINERS_USERNS_CONFIGURED   not empty: this process is inside
 *   _CONTAINERS_ROOTLESS_UID, _GID  whose it is, outside
 */
#ifndef BERTH_ROOTLESS_ROOTLESS_H
#define BERTH_ROOTLESS_ROOTLESS_H

#include "conf/conf.h"

/* argv[0] of a pause process where catatonit is not installed. */
#define ROOTLESS_PAUSE "berth-pause"

/*
 * Go where everything else can be done: nowhere if this process has CAP_SYS_ADMIN or is inside
 * already; else into the namespaces of this user, which are made if need be.  No thread may run
 * yet.  Afterwards the environment has what podman puts there, and this process and all that it
 * starts are inside.  What fails has podman's exit status, 1.
 */
int rootless_enter(const struct conf *c, struct berth_error *err);

/* Is this process where its user's other programs are, and not inside? */
bool rootless_outside(const struct conf *c);

/* End the pause process of this user, if there is one; the namespaces go with the last
 * container in them. */
int rootless_end_pause(const struct conf *c, struct berth_error *err);

/* What a pause process does. */
_noreturn_ void rootless_pause(void);

#endif
