/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_stop.c - ending, cleaning up, waiting and removing; see ctr.h. */
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/ctr_life.h"
#include "engine/ctr_volumes.h"
#include "engine/events.h"
#include "engine/exec.h"
#include "engine/health.h"
#include "engine/rootfs.h"
#include "engine/store.h"
#include "storage/storage.h"
#include "wrap/fault.h"
#include <signal.h>

#define EXIT_FILE_SECONDS 5 /* from a process's death to its exit file */

/* Remember the first failure, log the others: cleaning goes on whatever happens. */
static void note_failure(int r, int *first, struct berth_error *why, struct berth_error *err,
                         const struct ctr *c)
{
    if (r >= 0)
        return;
    if (*first == 0) {
        *first = r;
        error_move(err, why);
    } else {
        log_error("container %s: %s", c->id, error_text(why));
        error_clear(why);
    }
}

/* ------------------------------------------------------------------ cleanup */

bool ctr_left_in_runtime(const struct ctr *c)
{
    _cleanup_free_ char *path = path_join(ctr_run_dir(c), "conmon.pid");

    return (ctr_status(c) == CTR_CONFIGURED || ctr_status(c) == CTR_EXITED) && path &&
           fs_exists(path);
}

static int remove_from_runtime(struct ctr *c, struct berth_error *err)
{
    _cleanup_view_ struct ctr_view view = {0};
    int status = ctr_status(c), r;
    struct oci *oci;

    if (status != CTR_STOPPED && status != CTR_CREATED && !ctr_left_in_runtime(c))
        return 0;
    r = engine_oci(c->e, ctr_runtime(c), &oci, err);
    if (r == 0)
        r = ctr_view_make(c, &view, err);
    if (r == 0)
        r = oci_remove(oci, &view.c, err);
    if (r < 0)
        return r;
    json_set_i64(c->state, "state",
                 status == CTR_STOPPED || status == CTR_EXITED ? CTR_EXITED : CTR_CONFIGURED);
    json_del(c->state, "pid");
    json_del(c->state, "conmonPid");
    return 0;
}

int ctr_cleanup_parts(struct ctr *c, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int first = 0;

    health_end(c);
    note_failure(ctr_net_teardown(c, &why), &first, &why, err, c);
    note_failure(remove_from_runtime(c, &why), &first, &why, err, c);
    note_failure(fault_point("ctr", "forgotten", &why), &first, &why, err, c);
    if (json_flag(c->state, "mounted", false) || ctr_volumes_in_use(c))
        note_failure(rootfs_unmount(c, &why), &first, &why, err, c);
    note_failure(fault_point("ctr", "unmounted", &why), &first, &why, err, c);
    note_failure(store_save(c, EXIT_NONE, &why), &first, &why, err, c);
    return first;
}

int ctr_cleanup(struct ctr *c, struct berth_error *err)
{
    int r = ctr_lock(c, err), status;

    if (r < 0)
        return r;
    status = ctr_status(c);
    /* One that is being stopped still runs, or the lock would have made it stopped. */
    if (ctr_alive(c) || status == CTR_REMOVING || status == CTR_UNKNOWN)
        r = fail(err, EINVAL,
                 "container %s is running or paused, refusing to clean up: container state "
                 "improper",
                 c->id);
    else if (ctr_should_restart(c))
        r = ctr_restart_by_policy(c, err);
    else if (exec_any_alive(c))
        r = fail(err, EINVAL,
                 "container %s has active exec sessions, refusing to clean up: container "
                 "state improper",
                 c->id);
    else {
        r = ctr_cleanup_parts(c, err);
        event_ctr(c, "cleanup", NULL);
    }
    ctr_unlock(c);
    store_exit_prune(c->e, NULL);
    return r;
}

/* --------------------------------------------------------------- stop, kill */

/* Every process has to be signalled where the container has no PID namespace of its own. */
static uint32_t stop_flags(const struct ctr *c)
{
    json *namespaces = json_at(c->config, "spec", "linux", "namespaces", NULL);

    for (size_t i = 0; i < json_len(namespaces); i++) {
        json *ns = json_item(namespaces, i);

        if (str_eq(json_str(ns, "type"), "pid") && str_empty(json_str(ns, "path")))
            return 0;
    }
    if (conf_without_cgroups(c->e->conf))
        return 0;
    return str_eq(json_str(c->config, "cgroupsMode"), "disabled") ? 0 : BERTH_OCI_ALL;
}

static void give_up_waiting(struct ctr *c)
{
    char text[TIME_TEXT_MAX];

    json_set_i64(c->state, "state", CTR_STOPPED);
    json_set_i64(c->state, "exitCode", -1);
    json_set_bool(c->state, "exited", true);
    json_set_str(c->state, "finishedTime", time_format(time_now(), text));
    json_del(c->state, "pid");
    json_del(c->state, "conmonPid");
}

/* The process is dead: wait for its exit file, and record it. */
static int await_end(struct ctr *c, struct berth_error *err)
{
    int r = ctr_sync_end(c, time_deadline(EXIT_FILE_SECONDS), err);

    if (r < 0 || !ctr_alive(c))
        return r;
    give_up_waiting(c);
    r = store_save(c, -1, err);
    return r < 0 ? r
                 : fail(err, ETIMEDOUT, "container %s left no exit code within %d seconds",
                        c->id, EXIT_FILE_SECONDS);
}

int ctr_stop_locked(struct ctr *c, uint32_t seconds, struct berth_error *err)
{
    _cleanup_view_ struct ctr_view view = {0};
    int status = ctr_status(c), r;
    struct oci *oci;

    if (status == CTR_STOPPED || status == CTR_EXITED)
        return fail(err, ESRCH, "container %s is already stopped", c->id);
    if (status != CTR_CREATED && status != CTR_RUNNING && status != CTR_STOPPING)
        return fail(err, EINVAL,
                    "can only stop created or running containers. %s is in state %s: container "
                    "state improper",
                    c->id, ctr_status_name(status));
    r = engine_oci(c->e, ctr_runtime(c), &oci, err);
    if (r == 0)
        r = ctr_view_make(c, &view, err);
    if (r < 0)
        return r;
    json_set_i64(c->state, "state", CTR_STOPPING);
    r = store_save(c, EXIT_NONE, err);
    if (r < 0)
        return r;
    /* Others may look at it, and its exit command clean up, while we wait. */
    ctr_unlock(c);
    r = oci_stop(oci, &view.c, seconds ? time_deadline(seconds) : BERTH_NO_WAIT, stop_flags(c),
                 err);
    if (r == -ESRCH || r == -ENOENT) {
        error_clear(err);
        r = 0;
    }
    if (r < 0) {
        ctr_lock(c, NULL);
        return r;
    }
    r = ctr_lock(c, err);
    if (r == -ENOENT) {
        error_clear(err);
        return 0; /* removed by its exit command: stopped in any case */
    }
    if (r < 0 || ctr_status(c) != CTR_STOPPING)
        return r;
    json_set_bool(c->state, "stoppedByUser", true);
    event_ctr(c, "stop", NULL);
    return await_end(c, err);
}

int ctr_stop(struct ctr *c, uint32_t seconds, struct berth_error *err)
{
    int r = ctr_lock(c, err);

    if (r < 0)
        return r;
    r = ctr_stop_locked(c, seconds, err);
    ctr_unlock(c);
    return r;
}

int ctr_kill(struct ctr *c, int sig, struct berth_error *err)
{
    _cleanup_view_ struct ctr_view view = {0};
    struct oci *oci;
    int r = ctr_lock(c, err);

    if (r < 0)
        return r;
    if (!ctr_alive(c))
        r = fail(err, EINVAL,
                 "can only kill running containers. %s is in state %s: container state "
                 "improper",
                 c->id, ctr_status_name(ctr_status(c)));
    if (r == 0)
        r = engine_oci(c->e, ctr_runtime(c), &oci, err);
    if (r == 0)
        r = ctr_view_make(c, &view, err);
    if (r == 0)
        r = oci_kill(oci, &view.c, sig, 0, err);
    if (r == -ESRCH || r == -ENOENT) {
        ctr_sync_locked(c, NULL);
        r = fail(err, EINVAL,
                 "can only kill running containers. %s is in state %s: container state "
                 "improper",
                 c->id, ctr_status_name(ctr_status(c)));
    }
    if (r == 0 && sig == SIGKILL && ctr_status(c) == CTR_PAUSED)
        oci_unpause(oci, &view.c, NULL); /* a frozen process does not die */
    if (r == 0) {
        /* Other signals mean something else to it, and a later end is its own. */
        if (sig == SIGKILL || sig == ctr_stop_signal(c)) {
            json_set_bool(c->state, "stoppedByUser", true);
            r = store_save(c, EXIT_NONE, err);
        }
        event_ctr(c, "kill", NULL);
        if (r == 0 && sig == SIGKILL)
            r = await_end(c, err);
    }
    ctr_unlock(c);
    return r;
}

static int freeze(struct ctr *c, bool on, struct berth_error *err)
{
    _cleanup_view_ struct ctr_view view = {0};
    int want = on ? CTR_RUNNING : CTR_PAUSED;
    struct oci *oci;
    int r;

    if (conf_without_cgroups(c->e->conf))
        return fail(err, ENOTSUP,
                    "can not %spause containers on rootless containers with cgroup V1: this "
                    "container does not have a cgroup",
                    on ? "" : "un");
    r = ctr_lock(c, err);
    if (r < 0)
        return r;
    if (on && ctr_status(c) == CTR_PAUSED)
        r = fail(err, EINVAL, "\"%s\" is already paused: container state improper", c->id);
    else if (ctr_status(c) != want)
        r = on ? fail(err, EINVAL,
                      "\"%s\" is not running, can't pause: container state improper",
                      ctr_status_name(ctr_status(c)))
               : fail(err, EINVAL,
                      "\"%s\" is not paused, can't unpause: container state improper", c->id);
    if (r == 0)
        r = engine_oci(c->e, ctr_runtime(c), &oci, err);
    if (r == 0)
        r = ctr_view_make(c, &view, err);
    if (r == 0)
        r = on ? oci_pause(oci, &view.c, err) : oci_unpause(oci, &view.c, err);
    if (r == 0) {
        json_set_i64(c->state, "state", on ? CTR_PAUSED : CTR_RUNNING);
        r = store_save(c, EXIT_NONE, err);
        event_ctr(c, on ? "pause" : "unpause", NULL);
    }
    ctr_unlock(c);
    return r;
}

int ctr_pause(struct ctr *c, struct berth_error *err)
{
    return freeze(c, true, err);
}

int ctr_unpause(struct ctr *c, struct berth_error *err)
{
    return freeze(c, false, err);
}
