/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.h - the cgroup that conmon lives in. */
#ifndef OCI_CGROUP_H
#define OCI_CGROUP_H

#include "runtime.h"

/* Move a process into the cgroup `conmon` below `parent` (absolute, from the root of
 * the hierarchies), made where it is missing.  Only tries: failures are logged. */
void rt_cgroup_join(struct berth_oci *r, const char *parent, pid_t pid);

#endif
