/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_remove.c - waiting for a container's end, and removing it; see ctr.h. */
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/ctr_life.h"
#include "engine/ctr_volumes.h"
#include "engine/events.h"
#include "engine/exec.h"
#include "engine/intent.h"
#include "engine/rootfs.h"
#include "engine/store.h"
#include "engine/system_signals.h"
#include "storage/storage.h"
#include "wrap/fault.h"
#include <poll.h>
#include <signal.h>
#include <time.h>

#define CLEANUP_SECONDS 20 /* podman's: how long a dead container may stay uncleaned */

/* --------------------------------------------------------------------- wait */

/* Wait until a process is gone; at once if it is. */
static void await_process(int64_t pid, int seconds)
{
    _cleanup_close_ int fd = -1;
    struct pollfd p = {.events = POLLIN};

    if (pid <= 0 || pid > INT32_MAX || (fd = proc_pidfd((pid_t)pid)) < 0)
        return;
    p.fd = fd;
    while (proc_poll(&p, 1, seconds * 1000) < 0 && errno == EINTR && !proc_cancelled)
        ;
}

/* The monitor of the last run; 0: not known.  The record forgets it when the run ends. */
static int64_t last_monitor(const struct ctr *c)
{
    const char *named = json_str(c->config, "conmonPidFile");
    _cleanup_free_ char *path =
        str_empty(named) ? path_join(ctr_run_dir(c), "conmon.pid") : strdup(named);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    uint64_t pid;

    if (!path || fs_read(path, 64, &text, NULL) < 0 || str_to_u64(buf_str(&text), &pid) < 0 ||
        pid > INT32_MAX)
        return 0;
    return (int64_t)pid;
}

static int recorded_code(struct ctr *c, int32_t *out, struct berth_error *err)
{
    int r = store_exit_code(c->e, c->id, out, err);

    if (r != -ENOENT)
        return r;
    error_clear(err);
    *out = (int32_t)json_i64(c->state, "exitCode", 0);
    return 0;
}

/* Until the process has ended and that is recorded. */
static int wait_for_end(struct ctr *c, struct berth_error *err)
{
    for (;;) {
        struct berth_oci_status status = {.size = sizeof(status)};
        _cleanup_view_ struct ctr_view view = {0};
        struct oci *oci;
        int state = ctr_status(c), r;

        if (state == CTR_STOPPED || state == CTR_EXITED || state == CTR_CONFIGURED ||
            state == CTR_REMOVING)
            return 0;
        r = engine_oci(c->e, ctr_runtime(c), &oci, err);
        if (r == 0)
            r = ctr_view_make(c, &view, err);
        if (r == 0)
            r = oci_wait(oci, &view.c, NULL,
                         state == CTR_CREATED ? time_deadline(1) : BERTH_WAIT_FOREVER, &status,
                         err);
        if (r < 0 && r != -ENOTRECOVERABLE)
            return r;
        error_clear(err);
        if (r < 0 && status.status == BERTH_OCI_RUNNING)
            await_process(status.pid, -1);
        r = ctr_lock(c, err);
        ctr_unlock(c);
        if (r < 0)
            return r;
    }
}

int ctr_end_remove(struct ctr *c, int32_t *out, struct berth_error *err)
{
    struct berth_oci_status status = {.size = sizeof(status)};
    _cleanup_view_ struct ctr_view view = {0};
    struct oci *oci;
    int r = engine_oci(c->e, ctr_runtime(c), &oci, err);

    if (r == 0)
        r = ctr_view_make(c, &view, err);
    if (r == 0)
        r = oci_wait(oci, &view.c, NULL, BERTH_WAIT_FOREVER, &status, err);
    if (r < 0 && r != -ENOTRECOVERABLE)
        return r;
    if (r != 1 || status.status != BERTH_OCI_STOPPED) {
        /* Without a monitor, or when somebody took the exit code away: by way of the record. */
        error_clear(err);
        r = ctr_end(c, out, err);
        if (r < 0)
            return r;
    } else {
        *out = status.exit_code;
    }
    return ctr_remove(c, CTR_REMOVE_VOLUMES, UINT32_MAX, err);
}

/* One run of it. */
static int end_of_run(struct ctr *c, int32_t *out, struct berth_error *err)
{
    int r = wait_for_end(c, err);

    if (r == -ENOENT) {
        error_clear(err); /* removed by its exit command; the code outlives it */
        return store_exit_code(c->e, c->id, out, err);
    }
    return r < 0 ? r : recorded_code(c, out, err);
}

/* Its restart policy asks for another run, and the exit command has not seen to it yet or
 * never will: whoever is first starts it. */
static void restart_now(struct ctr *c)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r = ctr_cleanup(c, &why);

    if (r < 0 && r != -ENOENT && !ctr_alive(c))
        log_error("restarting container %s: %s", c->id, error_text(&why));
}

/* All the runs that its restart policy asks for; cleaned: wait for what follows the last. */
static int end_of_runs(struct ctr *c, bool cleaned, int32_t *out, struct berth_error *err)
{
    int64_t waited = -1, monitor;

    /* What was read without the lock may be a moment of podman's restarting it. */
    if (ctr_status(c) == CTR_STOPPED || ctr_status(c) == CTR_EXITED) {
        int r = ctr_lock(c, err);

        ctr_unlock(c);
        if (r < 0)
            return r;
    }
    for (;; waited = monitor) {
        int r = end_of_run(c, out, err);

        if (r < 0 || ctr_status(c) != CTR_STOPPED || !(cleaned || ctr_should_restart(c)))
            return r;
        monitor = last_monitor(c);
        if (monitor == waited) {
            if (ctr_should_restart(c))
                restart_now(c);
            if (!ctr_alive(c))
                return 0;
            continue;
        }
        /* The monitor ends only after its exit command has cleaned up, or has started the
         * container again. */
        await_process(monitor, CLEANUP_SECONDS);
        r = ctr_lock(c, err);
        ctr_unlock(c);
        if (r == -ENOENT) {
            error_clear(err);
            return 0;
        }
        if (r < 0)
            return r;
    }
}

int ctr_end(struct ctr *c, int32_t *out, struct berth_error *err)
{
    return end_of_runs(c, false, out, err);
}

int ctr_wait(struct ctr *c, int32_t *out, struct berth_error *err)
{
    return end_of_runs(c, true, out, err);
}

#define ENDED (1u << CTR_STOPPED | 1u << CTR_EXITED)

int ctr_wait_status(struct ctr *c, uint32_t mask, int64_t interval, int32_t *out,
                    struct berth_error *err)
{
    const struct timespec pause = {.tv_sec = interval / 1000000000,
                                   .tv_nsec = interval % 1000000000};

    if (!(mask & ~ENDED))
        return ctr_wait(c, out, err);
    /* Other processes change it, and tell nobody. */
    for (;;) {
        int r = ctr_lock(c, err), status = ctr_status(c);

        ctr_unlock(c);
        if (r < 0)
            return r;
        if ((mask & ENDED) && (status == CTR_EXITED || status == CTR_CONFIGURED))
            return ctr_wait(c, out, err);
        if (mask & 1u << status) {
            *out = -1;
            return 0;
        }
        nanosleep(&pause, NULL);
    }
}

/* ------------------------------------------------------------------- remove */

static int refuse_running(struct ctr *c, struct berth_error *err)
{
    fail(err, EBUSY,
         "cannot remove container %s as it is %s - running or paused containers cannot be "
         "removed without force: container state improper",
         c->id, ctr_status_name(ctr_status(c)));
    if (err)
        err->exit_status = 2;
    return -EBUSY;
}

static int check_removable(struct ctr *c, unsigned flags, struct berth_error *err)
{
    _cleanup_list_ struct berth_list users = LIST_INIT;
    _cleanup_free_ char *ids = NULL;
    int status = ctr_status(c), r;

    if (!(flags & CTR_REMOVE_INFRA) && json_flag(c->config, "pause", false) && c->pod)
        return fail(err, EINVAL,
                    "container %s is the infra container of pod %s and cannot be removed "
                    "without removing the pod",
                    c->id, c->pod);
    if (!(flags & CTR_REMOVE_FORCE) &&
        (status == CTR_RUNNING || status == CTR_PAUSED || status == CTR_UNKNOWN))
        return refuse_running(c, err);
    if (!(flags & CTR_REMOVE_FORCE) && exec_any_alive(c))
        return fail(err, EBUSY,
                    "cannot remove container %s as it has active exec sessions: container "
                    "state improper",
                    c->id);
    r = store_dependents(c, &users, err);
    if (r < 0 || users.n == 0)
        return r;
    ids = list_join(&users, ", ");
    return fail(err, EEXIST,
                "container %s has dependent containers which must be removed before it: %s: "
                "container already exists",
                c->id, str_or(ids, ""));
}

static int stop_for_removal(struct ctr *c, uint32_t timeout, struct berth_error *err)
{
    int r = 0;

    if (ctr_status(c) == CTR_PAUSED) {
        _cleanup_view_ struct ctr_view view = {0};
        struct oci *oci;

        r = engine_oci(c->e, ctr_runtime(c), &oci, err);
        if (r == 0)
            r = ctr_view_make(c, &view, err);
        if (r == 0)
            r = oci_unpause(oci, &view.c, err);
        if (r == 0) {
            json_set_i64(c->state, "state", CTR_RUNNING);
            timeout = 0;
        }
    }
    if (r == 0 && (ctr_status(c) == CTR_RUNNING || ctr_status(c) == CTR_STOPPING))
        r = ctr_stop_locked(c, timeout == UINT32_MAX ? ctr_stop_timeout(c) : timeout, err);
    if (r == -ESRCH) {
        error_clear(err);
        r = 0;
    }
    return r;
}

/* What fails here is tried again, and told, when all of its storage goes. */
static void strip(void *arg)
{
    const struct ctr *c = arg;
    struct storage *storage;

    if (engine_storage(c->e, &storage, NULL) == 0)
        storage_container_strip(storage, c->id, NULL);
}

/* From here on it goes whatever fails; the first failure is told at the end. */
static int take_apart(struct ctr *c, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    struct storage *storage;
    int first, r;

    if (!rootfs_on_layer(c))
        proc_meanwhile(strip, c); /* while the runtime deletes it */
    first = ctr_cleanup_parts(c, err);
    proc_meanwhile(NULL, NULL);
    json_set_i64(c->state, "state", CTR_REMOVING);
    exec_remove_all(c);
    r = engine_storage(c->e, &storage, &why);
    if (r == 0)
        r = storage_container_delete(storage, c->id, &why);
    if (r < 0 && r != -ENOENT) {
        /* Its files are still there: keep the record too, so that rm can be repeated. */
        store_flush(c, NULL);
        if (first == 0)
            error_move(err, &why);
        return first ? first : r;
    }
    error_clear(&why);
    r = fault_point("ctr", "unstored", &why);
    if (r == 0)
        r = store_remove(c, &why);
    c->removed = r == 0 || r == -ENOENT;
    if (r < 0 && first == 0) {
        first = r;
        error_move(err, &why);
    }
    return first;
}

/* Free its number; the lock itself is still ours, and dropped after that. */
static void free_lock(struct ctr *c, struct intent *intent)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;

    intent_lock_gone(intent);
    if (lock_release(c->e->locks, ctr_lock_id(c), &why) < 0)
        log_error("freeing lock of container %s: %s", c->id, error_text(&why));
}

int ctr_remove(struct ctr *c, unsigned flags, uint32_t timeout, struct berth_error *err)
{
    _cleanup_intent_ struct intent intent = INTENT_NONE;
    _cleanup_ctr_volumes_ struct ctr_volumes doomed = {0};
    sigset_t old;
    int r;

    intent_recover(c->e); /* of a killed creation of this one there is nothing to undo */
    c->defer = true;      /* what a sync finds goes into the transaction that removes it */
    r = ctr_lock(c, err);
    if (r == 0)
        r = check_removable(c, flags, err);
    if (r == 0 && ctr_alive(c)) {
        r = store_flush(c, err);
        if (r == 0)
            r = stop_for_removal(c, timeout, err);
    }
    if (r == 0 && !c->locked)
        return 0; /* its exit command removed it while we waited */
    if (r == 0)
        r = intent_begin(c->e, c->id, &intent, err);
    if (r == 0)
        r = intent_lock_is(&intent, ctr_lock_id(c), err);
    if (r == 0)
        r = fault_point("ctr", "doomed", err);
    if (r == 0 && (flags & CTR_REMOVE_VOLUMES) && json_get(c->config, "namedVolumes"))
        r = ctr_volumes_doom(c, &doomed, err);
    if (r == 0) {
        c->defer = true;
        signals_hold(&old); /* until nothing of it is left */
        r = take_apart(c, err);
        if (c->removed) {
            free_lock(c, &intent);
            event_ctr(c, "remove", NULL);
            ctr_volumes_remove(&doomed);
        }
        signals_release(&old);
    }
    if (!c->removed && c->locked)
        store_flush(c, r < 0 ? NULL : err);
    c->defer = false;
    ctr_unlock(c);
    return r;
}
