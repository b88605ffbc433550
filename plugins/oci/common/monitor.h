/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h - is a conmon that does not answer at work? */
#ifndef OCI_MONITOR_H
#define OCI_MONITOR_H

#include "runtime.h"

/* The conmon that was started with these arguments and has left its first process; 0: none
 * is found. */
int32_t rt_find_monitor(char *const *argv);

/* Does it have a child that is a runtime?  The processes of containers, which come to it when
 * their runtime ends, have a mount namespace of their own. */
bool rt_has_runtime(int32_t monitor);

/* A container of this ID may just be created for somebody who died, or by a runtime whose
 * conmon died: end what there is of its conmon, and wait until no runtime creates it any more.
 */
void rt_end_creation(struct berth_oci *r, const char *id, berth_deadline deadline);

#endif
