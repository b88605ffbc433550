/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.h - the cgroup that conmon lives in. */
#ifndef OCI_CGROUP_H
#define OCI_CGROUP_H

#include "runtime.h"

/* Move a new conmon (pid; of an exec session or not) out of our cgroup, as far as the container
 * asks for it: into the cgroup `conmon` below its parent, or with systemd into a scope of its
 * own in the parent slice, which those of exec sessions join.  Only tries: failures are logged.
 */
void rt_cgroup_join(struct berth_oci *r, const struct berth_container *c, bool session,
                    pid_t pid);

#endif
