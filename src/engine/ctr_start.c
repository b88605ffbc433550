/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_start.c - from configured to running: prepare, init, start; see ctr.h. */
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/ctr_life.h"
#include "engine/events.h"
#include "engine/health.h"
#include "engine/ports.h"
#include "engine/rootfs.h"
#include "engine/spec.h"
#include "engine/store.h"
#include "engine/stream.h"
#include "wrap/fault.h"
#include <signal.h>

#define ZERO_TIME "0001-01-01T00:00:00Z"

/* -------------------------------------------------------------- dependencies */

/* The lock is held: make a dependency run.  A frozen one is left as it is: its namespaces
 * are there. */
static int start_dependency(struct ctr *c, struct berth_error *err)
{
    switch (ctr_status(c)) {
    case CTR_RUNNING:
    case CTR_PAUSED:
        return 0;
    case CTR_CONFIGURED:
    case CTR_CREATED:
    case CTR_STOPPED:
    case CTR_EXITED:
        return ctr_start_locked(c, NULL, err);
    default:
        return fail(err, EINVAL, "it is %s: container state improper",
                    ctr_status_name(ctr_status(c)));
    }
}

/* Every container that c needs must run, or is started: podman's rule for a single start. */
static int start_dependencies(struct ctr *c, unsigned depth, struct berth_error *err)
{
    _cleanup_list_ struct berth_list needs = LIST_INIT;
    int r = ctr_dependencies(c, &needs);

    if (depth > 64)
        return fail(err, ELOOP, "container %s: dependencies form a circle", c->id);
    for (size_t i = 0; r == 0 && i < needs.n; i++) {
        _cleanup_ctr_ struct ctr *other = NULL;

        r = ctr_load(c->e, needs.items[i], &other, err);
        if (r == 0 && !str_eq(other->id, c->id))
            r = start_dependencies(other, depth + 1, err);
        if (r == 0)
            r = ctr_lock(other, err);
        if (r == 0)
            r = start_dependency(other, err);
        if (r < 0)
            return error_wrap(err, "starting dependency %s of container %s", needs.items[i],
                              c->id);
    }
    return r;
}

static int check_dependencies(struct ctr *c, struct berth_error *err)
{
    _cleanup_list_ struct berth_list needs = LIST_INIT, stopped = LIST_INIT;
    int r = ctr_dependencies(c, &needs);

    for (size_t i = 0; r == 0 && i < needs.n; i++) {
        _cleanup_ctr_ struct ctr *other = NULL;

        r = ctr_load(c->e, needs.items[i], &other, err);
        if (r == 0 && ctr_status(other) != CTR_RUNNING &&
            !json_flag(other->config, "pause", false))
            list_add(&stopped, needs.items[i]);
    }
    if (r == 0 && stopped.n) {
        _cleanup_free_ char *ids = list_join(&stopped, ",");

        return fail(err, EINVAL,
                    "some dependencies of container %s are not started: %s: container state "
                    "improper",
                    c->id, str_or(ids, ""));
    }
    return r;
}

/* ---------------------------------------------------------------- init, start */

static int record(struct ctr_making *m, struct berth_error *err)
{
    int r = m->record ? m->record(m->arg, err) : 0;

    if (r == 0)
        m->record = NULL;
    return r;
}

/* What the runtime needs, but no monitor: network namespace, root file system, config.json. */
static int make_ready(struct ctr *c, struct ctr_making *m, struct berth_error *err)
{
    int r = record(m, err);

    if (r == 0)
        r = ctr_net_setup(c, err);
    if (r == 0)
        r = fault_point("ctr", "networked", err);
    if (r == 0 && !json_flag(c->state, "mounted", false))
        r = rootfs_mount(c, err);
    if (r == 0)
        r = fault_point("ctr", "mounted", err);
    if (r == 0)
        r = spec_init(c, err);
    if (r == 0)
        r = fault_point("ctr", "configured", err);
    return r == 0 && m->prepare ? m->prepare(c, err) : r;
}

/* While the monitor starts up. */
static int meanwhile(void *arg)
{
    struct ctr_making *m = arg;

    m->failure = make_ready(m->c, m, m->err);
    m->ready = m->failure == 0;
    return m->failure;
}

static void note_created(struct ctr *c, const struct berth_oci_status *status, bool restart)
{
    static const char *const cleared[] = {"exitCode",           "exited",         "oomKilled",
                                          "checkpointed",       "stoppedByUser",  "restored",
                                          "checkpointLog",      "checkpointPath", "restoreLog",
                                          "restartPolicyMatch", "newExecSessions"};

    for (size_t i = 0; i < ARRAY_LEN(cleared); i++)
        json_del(c->state, cleared[i]);
    if (!restart)
        json_del(c->state, "restartCount");
    json_set_str(c->state, "checkpointedTime", ZERO_TIME);
    json_set_str(c->state, "restoredTime", ZERO_TIME);
    json_set_i64(c->state, "state", CTR_CREATED);
    json_opt_i64(c->state, "pid", status->pid);
    json_opt_i64(c->state, "conmonPid", status->monitor_pid);
}

/* What it ended with before is no longer so.  podman shows the time of its start, not that of
 * its restoration, as the beginning. */
static void note_restored(struct ctr *c, const struct berth_oci_status *status)
{
    static const char *const cleared[] = {
        "exitCode",           "exited",         "oomKilled", "stoppedByUser", "checkpointed",
        "restartPolicyMatch", "newExecSessions"};
    char text[TIME_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_LEN(cleared); i++)
        json_del(c->state, cleared[i]);
    json_set_bool(c->state, "restored", true);
    json_set_str(c->state, "checkpointedTime", ZERO_TIME);
    json_set_str(c->state, "restoredTime", time_format(time_now(), text));
    json_set_i64(c->state, "state", CTR_RUNNING);
    json_opt_i64(c->state, "pid", status->pid);
    json_opt_i64(c->state, "conmonPid", status->monitor_pid);
}

/* What podman appends by kind of failure. */
int ctr_classify(int r, struct berth_error *err)
{
    if (r == -ENOENT)
        error_append(err, "OCI runtime attempted to invoke a command that was not found");
    else if (r == -EACCES)
        error_append(err, "OCI permission denied");
    else if (r == -EREMOTEIO)
        error_append(err, "OCI runtime error");
    return r;
}

void ctr_hold_signals(sigset_t *old)
{
    sigset_t held;

    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigprocmask(SIG_BLOCK, &held, old);
}

int *ctr_inherited(uint32_t n)
{
    int *fds = calloc(n + 1u, sizeof(*fds));

    for (uint32_t i = 0; fds && i < n; i++)
        fds[i] = 3 + (int)i;
    return fds;
}

/* Sockets that systemd has opened for the service that we are part of; they are for the
 * container. */
static uint32_t sockets_given(void)
{
    const char *text = getenv("LISTEN_FDS");
    uint64_t n;

    return text && str_to_u64(text, &n) == 0 && n < 1024 ? (uint32_t)n : 0;
}

/* A run that nobody recorded: its monitor holds the ports. */
static int remove_left(struct ctr *c, struct berth_error *err)
{
    _cleanup_view_ struct ctr_view view = {0};
    struct oci *oci;
    int r;

    if (!ctr_left_in_runtime(c))
        return 0;
    r = engine_oci(c->e, ctr_runtime(c), &oci, err);
    if (r == 0)
        r = ctr_view_make(c, &view, err);
    return r == 0 ? oci_remove(oci, &view.c, err) : r;
}

/* What the monitor holds open. */
static int keep(struct ctr *c, struct ports *ports, struct berth_error *err)
{
    int fd = -1, r = ports_reserve(c, ports, err);

    if (r == 0)
        r = ctr_net_hold(c, &fd, err);
    return r == 0 && fd >= 0 ? ports_add(ports, fd, err) : r;
}

/* The runtime may have it already: left by an engine that died before it could record it. */
static int create_anew(struct oci *oci, const struct ctr_view *view,
                       struct berth_oci_create *how, struct berth_oci_status *status,
                       struct ctr_making *m, struct berth_error *err)
{
    int r = oci_create(oci, &view->c, how, status, &m->usec, err);

    if (r != -EEXIST || m->failure)
        return r;
    error_clear(err);
    r = oci_remove(oci, &view->c, err);
    if (m->ready)
        how->meanwhile = NULL;
    return r < 0 ? r : oci_create(oci, &view->c, how, status, &m->usec, err);
}

static int create_in_runtime(struct ctr *c, struct ctr_making *m, struct berth_error *err)
{
    struct berth_oci_create how = {.size = sizeof(how),
                                   .flags = m->flags,
                                   .checkpoint = m->checkpoint,
                                   .meanwhile = meanwhile,
                                   .arg = m};
    struct berth_oci_status status = {.size = sizeof(status)};
    _cleanup_view_ struct ctr_view view = {0};
    _cleanup_ports_ struct ports ports = {0};
    _cleanup_free_ int *fds = NULL;
    sigset_t old;
    struct oci *oci;
    int r = engine_oci(c->e, ctr_runtime(c), &oci, err);

    if (r == 0)
        r = ctr_view_make(c, &view, err);
    if (r == 0)
        r = keep(c, &ports, err);
    if (r < 0)
        return r;
    how.n_fds = c->preserve_fds ? c->preserve_fds : sockets_given();
    how.fds = fds = ctr_inherited(how.n_fds);
    if (!fds)
        return fail(err, ENOMEM, "out of memory");
    how.keep_fds = ports.fds;
    how.n_keep_fds = (uint32_t)ports.n;
    if (!c->e->conf->keyring)
        how.flags |= BERTH_OCI_CREATE_NO_KEYRING;
    if (c->e->conf->no_pivot_root)
        how.flags |= BERTH_OCI_CREATE_NO_PIVOT;
    m->c = c;
    m->err = err;
    ctr_hold_signals(&old);
    r = create_anew(oci, &view, &how, &status, m, err);
    spec_settle(c);
    if (!m->failure)
        r = ctr_classify(r, err);
    if (r >= 0) {
        if (m->checkpoint)
            note_restored(c, &status);
        else
            note_created(c, &status, m->restart);
        r = store_save(c, EXIT_NONE, err);
        if (r < 0) {
            oci_remove(oci, &view.c, NULL);
            /* It is not to be taken for one that runs. */
            if (m->checkpoint) {
                json_set_i64(c->state, "state", CTR_STOPPED);
                json_del(c->state, "restored");
                json_set_str(c->state, "restoredTime", ZERO_TIME);
            }
        }
    }
    sigprocmask(SIG_SETMASK, m->signals ? m->signals : &old, NULL);
    return r < 0 ? r : 0;
}

int ctr_make_locked(struct ctr *c, struct ctr_making *m, struct berth_error *err)
{
    bool sessions = json_get(c->state, "newExecSessions") != NULL;
    int r = m->record ? 0 : remove_left(c, err);

    if (r == 0)
        r = create_in_runtime(c, m, err);
    if (r == 0 && json_flag(c->config, "postConfigureNetNS", false)) {
        r = ctr_net_setup_late(c, err);
        if (r == 0)
            r = store_save(c, EXIT_NONE, err);
    }
    if (r == 0 && sessions)
        r = store_exec_remove_all(c, err);
    if (r < 0) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        c->defer = false;
        /* A container that cannot be started is there for all that. */
        if (m->record && (m->failure || record(m, &why) < 0))
            return r;
        if (ctr_cleanup_parts(c, &why) < 0)
            log_error("cleaning up container %s: %s", c->id, error_text(&why));
        return r;
    }
    ctr_net_let_go(c);
    health_prepare(c);
    return 0;
}

static int init(struct ctr *c, struct ctr_making *m, struct berth_error *err)
{
    int r = ctr_make_locked(c, m, err);

    if (r == 0)
        event_ctr(c, "init", NULL);
    return r;
}

int ctr_init_locked(struct ctr *c, bool restart, struct berth_error *err)
{
    struct ctr_making m = {.restart = restart};

    return init(c, &m, err);
}

int ctr_init(struct ctr *c, struct berth_error *err)
{
    int r = ctr_lock(c, err), status;

    if (r < 0)
        return r;
    status = ctr_status(c);
    if (status != CTR_CONFIGURED && status != CTR_STOPPED && status != CTR_EXITED)
        r = fail(err, EINVAL,
                 "container %s has already been created in runtime: container state improper",
                 c->id);
    else
        r = check_dependencies(c, err);
    if (r == 0 && status == CTR_STOPPED)
        r = ctr_cleanup_parts(c, err);
    if (r == 0)
        r = ctr_init_locked(c, false, err);
    ctr_unlock(c);
    return r;
}

static int start_in_runtime(struct ctr *c, int *attach_fd, struct berth_error *err)
{
    _cleanup_view_ struct ctr_view view = {0};
    _cleanup_close_ int fd = -1;
    char text[TIME_TEXT_MAX];
    struct berth_tty_size size;
    struct oci *oci;
    int r = engine_oci(c->e, ctr_runtime(c), &oci, err);

    if (r == 0)
        r = ctr_view_make(c, &view, err);
    /* With the log driver passthrough it has our own streams, and there is no socket. */
    if (r == 0 && attach_fd && !str_eq(view.c.log_driver, "passthrough"))
        r = oci_attach(oci, &view.c, NULL, &fd, err);
    /* Its command finds a terminal of the right size from the beginning. */
    if (r == 0 && fd >= 0 && (view.c.flags & BERTH_CTR_TERMINAL) && stream_own_size(&size))
        oci_resize(oci, &view.c, NULL, size, NULL);
    if (r == 0)
        r = ctr_classify(oci_start(oci, &view.c, err), err);
    if (r < 0)
        return r;
    json_set_str(c->state, "startedTime", time_format(time_now(), text));
    json_set_i64(c->state, "state", CTR_RUNNING);
    r = store_save(c, EXIT_NONE, err);
    if (r < 0)
        return r;
    health_begin(c);
    event_ctr(c, "start", NULL);
    if (attach_fd) {
        event_ctr(c, "attach", NULL);
        *attach_fd = TAKE_FD(fd);
    }
    return 0;
}

/* One transaction for both steps.  Should this process die between them, the files of the
 * monitor tell the next one: ctr_left_in_runtime(). */
static int init_and_start(struct ctr *c, struct ctr_making *m, int *attach_fd,
                          struct berth_error *err)
{
    int r = 0;

    c->defer = true;
    if (m->record || ctr_status(c) != CTR_CREATED)
        r = init(c, m, err);
    c->defer = false;
    if (r < 0)
        return r;
    r = start_in_runtime(c, attach_fd, err);
    if (r < 0) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        if (ctr_cleanup_parts(c, &why) < 0)
            log_error("cleaning up container %s: %s", c->id, error_text(&why));
    }
    return r;
}

int ctr_start_locked(struct ctr *c, int *attach_fd, struct berth_error *err)
{
    struct ctr_making m = {0};
    int r = ctr_status(c) == CTR_STOPPED ? ctr_cleanup_parts(c, err) : 0;

    return r < 0 ? r : init_and_start(c, &m, attach_fd, err);
}

int ctr_start_new(struct ctr *c, struct ctr_making *m, int *attach_fd, struct berth_error *err)
{
    int r = ctr_lock_new(c, err);

    if (r == 0)
        r = init_and_start(c, m, attach_fd, err);
    ctr_unlock(c);
    return r;
}

int ctr_start(struct ctr *c, int *attach_fd, struct berth_error *err)
{
    int r = start_dependencies(c, 0, err), status;

    if (r == 0)
        r = ctr_lock(c, err);
    if (r < 0)
        return r;
    status = ctr_status(c);
    if (status != CTR_CONFIGURED && status != CTR_CREATED && status != CTR_STOPPED &&
        status != CTR_EXITED)
        r = fail(err, EINVAL,
                 "container %s must be in Created or Stopped state to be started: container "
                 "state improper",
                 c->id);
    else
        r = ctr_start_locked(c, attach_fd, err);
    ctr_unlock(c);
    return r;
}

/* The lock is held. */
static int stop_and_start(struct ctr *c, uint32_t seconds, struct berth_error *err)
{
    int status = ctr_status(c), r;

    if (status == CTR_UNKNOWN || status == CTR_PAUSED || status == CTR_REMOVING ||
        status == CTR_STOPPING)
        return fail(err, EINVAL,
                    "unable to restart a container in a paused or unknown state: container "
                    "state improper");
    r = check_dependencies(c, err);
    if (r < 0)
        return r;
    event_ctr(c, "restart", NULL);
    if (status == CTR_RUNNING) {
        r = ctr_stop_locked(c, seconds, err);
        if (r < 0)
            return r;
        if (!c->locked)
            return fail(err, ENOENT, "container %s has already been removed", c->id);
    }
    return ctr_start_locked(c, NULL, err);
}

int ctr_restart(struct ctr *c, uint32_t seconds, struct berth_error *err)
{
    int r = ctr_lock(c, err);

    if (r < 0)
        return r;
    r = stop_and_start(c, seconds, err);
    ctr_unlock(c);
    return r;
}

/* ------------------------------------------------------------------- attach */

int ctr_attach(struct ctr *c, int *out_fd, struct berth_error *err)
{
    _cleanup_view_ struct ctr_view view = {0};
    struct oci *oci;
    int r = ctr_lock(c, err);

    if (r < 0)
        return r;
    if (ctr_status(c) != CTR_CREATED && ctr_status(c) != CTR_RUNNING)
        r = fail(err, EINVAL,
                 "can only attach to created or running containers: container state improper");
    else if (str_eq(json_str(c->config, "logDriver"), "passthrough"))
        r = fail(err, EINVAL,
                 "this container is using the 'passthrough' log driver, cannot attach: this "
                 "container is not logging output");
    ctr_unlock(c);
    if (r == 0)
        r = engine_oci(c->e, ctr_runtime(c), &oci, err);
    if (r == 0)
        r = ctr_view_make(c, &view, err);
    if (r == 0)
        r = oci_attach(oci, &view.c, NULL, out_fd, err);
    if (r == 0) {
        /* So that what it has on its screen is drawn again, on ours. */
        if (view.c.flags & BERTH_CTR_TERMINAL)
            oci_kill(oci, &view.c, SIGWINCH, 0, NULL);
        event_ctr(c, "attach", NULL);
    }
    return r;
}

int ctr_resize(struct ctr *c, struct berth_tty_size size, struct berth_error *err)
{
    _cleanup_view_ struct ctr_view view = {0};
    struct oci *oci;
    int r = engine_oci(c->e, ctr_runtime(c), &oci, err);

    if (r == 0)
        r = ctr_view_make(c, &view, err);
    return r == 0 ? oci_resize(oci, &view.c, NULL, size, err) : r;
}

/* ------------------------------------------------------------ restart policy */

bool ctr_should_restart(const struct ctr *c)
{
    const char *policy = json_str(c->config, "restart_policy");
    uint64_t tries = json_u64(c->config, "restart_retries", 0);

    if (!json_flag(c->state, "restartPolicyMatch", false) || str_empty(policy) ||
        str_eq(policy, "no"))
        return false;
    if (!str_eq(policy, "on-failure"))
        return true;
    return json_i64(c->state, "exitCode", 0) != 0 &&
           (tries == 0 || json_u64(c->state, "restartCount", 0) < tries);
}

int ctr_restart_by_policy(struct ctr *c, struct berth_error *err)
{
    int r = check_dependencies(c, err);

    if (r < 0)
        return r;
    event_ctr(c, "restart", NULL);
    json_set_u64(c->state, "restartCount", json_u64(c->state, "restartCount", 0) + 1);
    /* In between nobody who reads without the lock may take it for one that has ended. */
    c->defer = true;
    if (ctr_status(c) == CTR_STOPPED)
        r = ctr_cleanup_parts(c, err);
    if (r == 0)
        r = ctr_init_locked(c, true, err);
    c->defer = false;
    if (r == 0)
        r = start_in_runtime(c, NULL, err);
    if (r < 0)
        ctr_cleanup_parts(c, NULL);
    return r;
}
