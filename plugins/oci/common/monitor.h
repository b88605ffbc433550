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

/* conmon may have died and left its runtime at work: wait until nobody creates a container of
 * this ID any more. */
void rt_await_runtime(struct berth_oci *r, const char *id, berth_deadline deadline);

/* A container of this ID may just be created for somebody who died: end its conmon, and wait
 * for its runtime. */
void rt_end_creation(struct berth_oci *r, const char *id, berth_deadline deadline);

#endif
