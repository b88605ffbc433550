/* SPDX-License-Identifier: Apache-2.0 */
/* call.h - calls of the runtime that do not go through conmon. */
#ifndef OCI_CALL_H
#define OCI_CALL_H

#include "plugins/common/pidfd/pidfd.h"
#include "runtime.h"

struct rt_call {
    const char *const *words; /* command and its arguments, without the ID; ends with NULL */
    const char *id;           /* follows the words; NULL: none */
    const char *last;         /* follows the ID; NULL: none */
    struct berth_blob input;
    bool with_path;                        /* its environment has PATH */
    bool starting;                         /* a failure may be one of the container's command */
    bool may_be_unknown;                   /* -ENOENT is an answer, not described */
    const struct berth_container *running; /* that it has ended is -ESRCH; NULL: no matter */
};

/* Run it to its end.  0, or -errno as berth/oci.h has them, described.  *out (NULL: not
 * wanted): fresh text of its standard output. */
int rt_call(struct berth_oci *r, const struct rt_call *what, char **out,
            struct berth_error *err);

/* What the runtime says a container does: an enum berth_oci_run_state, UNKNOWN if it
 * knows none, or -errno.  *out_pid: 0 if it has none. */
int rt_state(struct berth_oci *r, const struct berth_container *c, int32_t *out_pid,
             struct berth_error *err);

/* Stop, or kill, a monitor that is left over, if the pid is still that of conmon for this ID.
 */
void rt_stop_monitor(const char *id, int32_t pid);
void rt_kill_monitor(const char *id, int32_t pid);

#endif
