/* SPDX-License-Identifier: Apache-2.0 */
/* wait.h - how and when a container or an exec session ended. */
#ifndef OCI_WAIT_H
#define OCI_WAIT_H

#include "runtime.h"

/* Wait for a process to end by its pidfd: 1; 0 at the deadline; -ECANCELED; -errno. */
int rt_wait_process(struct berth_oci *r, int pidfd, berth_deadline deadline);

/* Fill in what the engine lent, which may be shorter than the struct here. */
void rt_give_status(struct berth_oci_status *out, const struct berth_oci_status *s);

#endif
