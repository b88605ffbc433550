/* SPDX-License-Identifier: Apache-2.0 */
/* stop.c - signals to containers. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "files.h"
#include "wait.h"

#define DIE_TIME (5 * RT_SECOND) /* that SIGKILL may take */

int rt_kill(struct berth_oci *r, const struct berth_container *c, int32_t signal,
            uint32_t flags, struct berth_error *err)
{
    const char *const words[] = {"kill", flags & BERTH_OCI_ALL ? "--all" : NULL, NULL};
    char number[16];
    const struct rt_call what = {.words = words, .id = c->id, .last = number, .running = c};

    /* crun takes nonsense for signal 0 and reports success. */
    if (signal <= 0 || signal > SIGRTMAX)
        return berth_fail(r->h, err, EINVAL, "there is no signal %d", signal);
    snprintf(number, sizeof(number), "%d", (int)signal);
    return rt_call(r, &what, NULL, err);
}

/* Send a signal and wait.  1: it has ended; 0: it goes on; -errno described. */
static int signal_and_wait(struct berth_oci *r, const struct berth_container *c, int process,
                           int32_t signal, uint32_t flags, berth_deadline deadline,
                           struct berth_error *err)
{
    int rc = rt_kill(r, c, signal, flags, NULL);

    if (rc < 0) {
        /* That it ended before the signal came is what was wanted. */
        if (rt_wait_process(r, process, BERTH_NO_WAIT) == 1)
            return 1;
        rc = rt_kill(r, c, signal, flags, err);
        if (rc < 0)
            return rc;
    }
    rc = rt_wait_process(r, process, deadline);
    if (rc < 0)
        return berth_fail(r->h, err, -rc, "waiting for container %s was interrupted", c->id);
    return rc;
}

static const char *signal_text(int32_t number, char *room, size_t size)
{
    const char *name = sigabbrev_np(number);

    if (name)
        snprintf(room, size, "SIG%s", name);
    else
        snprintf(room, size, "%d", (int)number);
    return room;
}

int rt_stop(struct berth_oci *r, const struct berth_container *c, berth_deadline deadline,
            uint32_t flags, struct berth_error *err)
{
    int32_t signal = c->stop_signal > 0 ? c->stop_signal : SIGTERM;
    berth_deadline begun = rt_now();
    RT_FD int process = -1;
    char text[32];
    int rc;

    if (c->pid <= 0)
        return berth_fail(r->h, err, EINVAL, "the pid of container %s is not known", c->id);
    /* From here on the number may be given to another process, but we wait for this. */
    process = pidfd_get(c->pid);
    if (process < 0)
        return errno == ESRCH
                   ? 0
                   : berth_fail(r->h, err, errno, "cannot look at process %d: %m", (int)c->pid);
    if (deadline != BERTH_NO_WAIT) {
        rc = signal_and_wait(r, c, process, signal, flags, deadline, err);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        berth_log(r->h, BERTH_LOG_WARNING,
                  "StopSignal %s failed to stop container %s in %llu seconds, resorting to "
                  "SIGKILL",
                  signal_text(signal, text, sizeof(text)), c->name ? c->name : c->id,
                  (unsigned long long)((rt_now() - begun + RT_SECOND / 2) / RT_SECOND));
    }
    rc = signal_and_wait(r, c, process, SIGKILL, flags, rt_now() + DIE_TIME, err);
    if (rc == 0)
        return berth_fail(r->h, err, ETIMEDOUT, "container %s did not die within 5 seconds",
                          c->id);
    return rc < 0 ? rc : 0;
}
