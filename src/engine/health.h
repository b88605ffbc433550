/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health.h - health checks: running one, the log of the last ones, and when they run.
 *
 * A check is an exec session.  Its log is podman's: the file healthcheck.log beside the run
 * directory, with the status of the container and the last five results.
 *
 * Checks are started by a transient systemd timer, the one that podman makes, where systemd
 * runs; else by `berth healthcheck watch`, one process for each container, which ends with
 * the container's own.
 */
#ifndef BERTH_ENGINE_HEALTH_H
#define BERTH_ENGINE_HEALTH_H

#include "engine/ctr.h"

/* Does c have a check?  One that was switched off is none. */
bool health_defined(const struct ctr *c);

/* The log of a container whose run directory this is, as podman shows it: Status,
 * FailingStreak, Log; an empty one where there is no file.  Never NULL, the caller's. */
json *health_log(const char *run_dir);

/*
 * Run the check now, record the result, and do what the container asks for when it has
 * become unhealthy.  *out_good: did it succeed?  -EINVAL: no check, or c does not run;
 * -ETIMEDOUT: it took too long and was killed, which counts as a failure of the check.
 */
int health_run(struct ctr *c, bool *out_good, struct berth_error *err);

/*
 * The life of a container, seen from its checks; the lock is held.  Failures are logged: a
 * container runs without its checks too.  prepare: it was created in the runtime; begin: it
 * was started; end: it is being cleaned up.
 */
void health_prepare(struct ctr *c);
void health_begin(struct ctr *c);
void health_end(struct ctr *c);

/* The work of `berth healthcheck watch`: run a command line now, and again and again when
 * `interval` nanoseconds have passed since its end, until the process behind pidfd ends. */
int health_watch(int pidfd, int64_t interval, const char *const *argv, struct berth_error *err);

#endif
