/* SPDX-License-Identifier: Apache-2.0 */
/* ctr.c - the container object: its record, its lock, and keeping it true; see ctr.h. */
#include "engine/ctr.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/ctr_life.h"
#include "engine/events.h"
#include "engine/lockorder.h"
#include "engine/store.h"
#include <signal.h>

static const char *const status_names[] = {"unknown", "created",  "initialized",
                                           "running", "stopped",  "paused",
                                           "exited",  "removing", "stopping"};

const char *ctr_status_name(int status)
{
    if (status < 0 || (size_t)status >= ARRAY_LEN(status_names))
        return "bad state";
    return status_names[status];
}

int ctr_status_parse(const char *word, int *out)
{
    for (size_t i = 0; i < ARRAY_LEN(status_names); i++)
        if (str_eq(word, status_names[i])) {
            *out = (int)i;
            return 0;
        }
    return -EINVAL;
}

void ctr_free(struct ctr *c)
{
    if (!c)
        return;
    ctr_unlock(c);
    ctr_net_let_go(c);
    free(c->name);
    free(c->pod);
    free(c->ns);
    free(c->netns);
    json_putp(&c->config);
    json_putp(&c->state);
    json_putp(&c->addresses);
    free(c);
}

const char *ctr_static_dir(const struct ctr *c)
{
    return str_or(json_str(c->config, "staticDir"), "");
}

const char *ctr_run_dir(const struct ctr *c)
{
    return str_or(json_str(c->state, "runDir"), "");
}

uint32_t ctr_lock_id(const struct ctr *c)
{
    int64_t id = json_i64(c->config, "lockID", -1);

    return id < 0 || id > UINT32_MAX ? UINT32_MAX : (uint32_t)id;
}

const char *ctr_runtime(const struct ctr *c)
{
    const char *name = json_str(c->config, "runtime");

    return str_empty(name) ? NULL : name;
}

bool ctr_alive(const struct ctr *c)
{
    int status = ctr_status(c);

    return status == CTR_RUNNING || status == CTR_PAUSED || status == CTR_STOPPING;
}

uint32_t ctr_stop_timeout(const struct ctr *c)
{
    return (uint32_t)MIN(json_u64(c->config, "stopTimeout", 0), UINT32_MAX - 1);
}

int ctr_stop_signal(const struct ctr *c)
{
    int64_t number = json_i64(c->config, "stopSignal", 0);

    return number > 0 && number <= SIGRTMAX ? (int)number : SIGTERM;
}

/* --------------------------------------------------------------------- lock */

int ctr_lock(struct ctr *c, struct berth_error *err)
{
    uint32_t id = ctr_lock_id(c);
    struct locks *locks;
    bool orphaned;
    int r = engine_locks(c->e, &locks, err);

    if (r < 0)
        return r;
    for (;;) {
        r = lockorder_acquire(locks, LOCK_CLASS_CONTAINER, c->id, id, BERTH_WAIT_FOREVER, err);
        if (r < 0)
            return error_wrap(err, "acquiring lock %u of container %s", id, c->id);
        c->locked = true;
        orphaned = r == BERTH_LOCK_ORPHANED;
        if (orphaned)
            log_debug("the last holder of lock %u of container %s died", id, c->id);
        r = store_reload(c, err);
        if (r < 0)
            break;
        if (ctr_lock_id(c) == id) {
            r = ctr_sync_locked(c, err);
            if (r == 0 && orphaned)
                r = ctr_sync_orphaned(c, err);
            if (r < 0)
                break;
            ctr_net_recover(c);
            return 0;
        }
        /* Renumbered while we waited: the number we hold guards something else now. */
        lockorder_drop(locks, id, NULL);
        c->locked = false;
        id = ctr_lock_id(c);
    }
    lockorder_drop(locks, id, NULL);
    c->locked = false;
    return r;
}

int ctr_lock_new(struct ctr *c, struct berth_error *err)
{
    uint32_t id = ctr_lock_id(c);
    int r = lockorder_acquire(c->e->locks, LOCK_CLASS_CONTAINER, c->id, id, BERTH_WAIT_FOREVER,
                              err);

    if (r < 0)
        return error_wrap(err, "acquiring lock %u of container %s", id, c->id);
    c->locked = true;
    return 0;
}

void ctr_unlock(struct ctr *c)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    if (!c->locked)
        return;
    c->locked = false;
    if (lockorder_drop(c->e->locks, ctr_lock_id(c), &err) < 0)
        log_error("releasing lock %u of container %s: %s", ctr_lock_id(c), c->id,
                  error_text(&err));
}

/* --------------------------------------------------------------------- sync */

/* Is there no such process?  Zero and less never mean one process. */
static bool is_dead(int64_t pid)
{
    return pid <= 0 || pid > INT32_MAX || (kill((pid_t)pid, 0) < 0 && errno == ESRCH);
}

bool ctr_is_stale(struct engine *e, const char *id, int status, int64_t pid, int64_t conmon_pid)
{
    _cleanup_free_ char *exit_file = NULL;

    if (status != CTR_RUNNING && status != CTR_PAUSED && status != CTR_STOPPING)
        return false;
    exit_file = str_printf("%s/exits/%s", e->conf->tmp_dir, id);
    if (exit_file && access(exit_file, F_OK) == 0)
        return true;
    /* A monitor that is gone writes no exit file any more. */
    return conmon_pid > 0 && is_dead(conmon_pid) && is_dead(pid);
}

/* The runtime of c, or the default one where c's is gone: reading an exit file needs the
 * monitor's side only. */
static int runtime_for_sync(struct ctr *c, struct oci **out, struct berth_error *err)
{
    int r = engine_oci(c->e, ctr_runtime(c), out, err);

    if (r == 0)
        return 0;
    log_debug("container %s: %s", c->id, error_text(err));
    error_clear(err);
    return engine_oci(c->e, NULL, out, err);
}

/* Record the end of the process. */
static int record_end(struct ctr *c, const struct berth_oci_status *how,
                      struct berth_error *err)
{
    const char *policy = json_str(c->config, "restart_policy");
    char text[TIME_TEXT_MAX];
    int old = ctr_status(c), r;
    int64_t code = how->exit_code;

    json_set_i64(c->state, "state", CTR_STOPPED);
    json_del(c->state, "pid");
    json_del(c->state, "conmonPid");
    json_set_str(c->state, "finishedTime",
                 time_format(how->finished ? how->finished : time_now(), text));
    json_opt_i64(c->state, "exitCode", code);
    json_set_bool(c->state, "exited", true);
    json_opt_bool(c->state, "oomKilled", how->oom_killed);
    if (!str_empty(policy) && !str_eq(policy, "no") && old != CTR_STOPPING &&
        !json_flag(c->state, "stoppedByUser", false))
        json_set_bool(c->state, "restartPolicyMatch", true);
    r = store_save(c, (int32_t)code, err);
    if (r == 0)
        event_ctr(c, "died",
                  &(struct event_extra){.exit_code = (int32_t)code, .has_exit_code = true});
    return r;
}

int ctr_sync_end(struct ctr *c, berth_deadline deadline, struct berth_error *err)
{
    struct berth_oci_status how = {.size = sizeof(how)};
    _cleanup_view_ struct ctr_view view = {0};
    struct oci *oci;
    int r = runtime_for_sync(c, &oci, err);

    if (r == 0)
        r = ctr_view_make(c, &view, err);
    if (r < 0)
        return r;
    r = oci_wait(oci, &view.c, NULL, deadline, &how, err);
    if (r == -ENOTRECOVERABLE && how.status != BERTH_OCI_RUNNING) {
        error_clear(err);
        log_warning("container %s: its monitor was killed, so its exit code is not known",
                    c->id);
        how.exit_code = -1;
        return record_end(c, &how, err);
    }
    if (r == -ENOTRECOVERABLE || r == 0) {
        error_clear(err);
        return 0;
    }
    if (r < 0)
        return error_wrap(err, "reading how container %s ended", c->id);
    if (how.status != BERTH_OCI_STOPPED)
        how.exit_code = -1; /* the exit file was taken by somebody who did not record it */
    return record_end(c, &how, err);
}

int ctr_sync_locked(struct ctr *c, struct berth_error *err)
{
    return ctr_is_stale(c->e, c->id, ctr_status(c), json_i64(c->state, "pid", 0),
                        json_i64(c->state, "conmonPid", 0))
               ? ctr_sync_end(c, BERTH_NO_WAIT, err)
               : 0;
}

/* --------------------------------------------------------------------- view */

static const char *keep(struct ctr_view *view, char *s)
{
    return list_take(&view->strings, s) < 0 ? NULL : s;
}

/* A view outlives the record it was made of: taking the lock again reads that anew. */
static const char *copy(struct ctr_view *view, const char *s)
{
    return str_empty(s) ? NULL : keep(view, strdup(s));
}

static uint32_t view_flags(const struct ctr *c)
{
    const char *mode = json_str(c->config, "cgroupsMode");
    bool disabled = str_eq(mode, "disabled"), split = str_eq(mode, "split");
    uint32_t flags = 0;

    if (json_flag(json_at(c->config, "spec", "process", NULL), "terminal", false))
        flags |= BERTH_CTR_TERMINAL;
    if (json_flag(c->config, "stdin", false))
        flags |= BERTH_CTR_STDIN;
    if (disabled)
        flags |= BERTH_CTR_NO_CGROUPS;
    if (str_eq(json_str(c->config, "cgroupManager"), "systemd") && !disabled && !split)
        flags |= BERTH_CTR_SYSTEMD;
    if (disabled || split || str_eq(mode, "no-conmon") || getenv("INVOCATION_ID"))
        flags |= BERTH_CTR_MONITOR_STAYS;
    return flags;
}

/* Only the journal has tags. */
static int view_log_tag(struct ctr *c, struct ctr_view *view, struct berth_error *err)
{
    const char *tag = json_str(c->config, "logTag");
    char *text = NULL;
    int r;

    if (str_empty(tag) || !str_eq(json_str(c->config, "logDriver"), "journald"))
        return 0;
    if (!c->e->expand || !strstr(tag, "{{")) {
        view->c.log_tag = copy(view, tag);
        return 0;
    }
    r = c->e->expand(c, tag, &text, err);
    if (r == 0)
        view->c.log_tag = keep(view, text);
    return r;
}

int ctr_view_make(struct ctr *c, struct ctr_view *view, struct berth_error *err)
{
    const char *autoremove = json_str(json_at(c->config, "spec", "annotations", NULL),
                                      "io.podman.annotations.autoremove");
    const char *run_dir = ctr_run_dir(c), *parent = json_str(c->config, "cgroupParent");
    const char *pid_file = json_str(c->config, "pid_file");
    const char *monitor_pid_file = json_str(c->config, "conmonPidFile");
    int64_t log_size = json_i64(c->config, "logSize", 0);
    int r = engine_exit_command(c->e, str_eq(autoremove, "TRUE"), &view->exit_command, err);

    if (r < 0)
        return r;
    list_add(&view->exit_command, c->id);
    json_write(c->config, 0, &view->config);
    json_write(c->state, 0, &view->state);
    view->c = (struct berth_container){
        .size = sizeof(view->c),
        .flags = view_flags(c),
        .id = c->id,
        .name = copy(view, c->name),
        .bundle = keep(view, strdup(ctr_static_dir(c))),
        .run_dir = keep(view, strdup(run_dir)),
        .exit_dir = keep(view, str_printf("%s/exits", c->e->conf->tmp_dir)),
        .log_driver = copy(view, json_str(c->config, "logDriver")),
        .log_path = copy(view, json_str(c->config, "logPath")),
        .log_size_max = log_size > 0 ? (uint64_t)log_size : 0,
        .cgroup_parent = copy(view, parent),
        .pid_file = str_empty(pid_file) ? keep(view, path_join(run_dir, "pidfile"))
                                        : copy(view, pid_file),
        .monitor_pid_file = str_empty(monitor_pid_file)
                                ? keep(view, path_join(run_dir, "conmon.pid"))
                                : copy(view, monitor_pid_file),
        .sdnotify_socket = copy(view, json_str(c->config, "sdnotifySocket")),
        .exit_command = (const char *const *)list_argv(&view->exit_command),
        .timeout = (uint32_t)MIN(json_u64(c->config, "timeout", 0), UINT32_MAX),
        .stop_signal = ctr_stop_signal(c),
        .pid = (int32_t)json_i64(c->state, "pid", 0),
        .monitor_pid = (int32_t)json_i64(c->state, "conmonPid", 0),
        .config = buf_blob(&view->config),
        .state = buf_blob(&view->state),
    };
    r = view_log_tag(c, view, err);
    if (r < 0)
        return r;
    if (view->strings.error || view->exit_command.error || buf_error(&view->config) ||
        buf_error(&view->state))
        return fail(err, ENOMEM, "out of memory");
    return 0;
}

void ctr_view_free(struct ctr_view *view)
{
    list_free(&view->strings);
    list_free(&view->exit_command);
    buf_free(&view->config);
    buf_free(&view->state);
}
