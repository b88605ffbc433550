/* SPDX-License-Identifier: Apache-2.0 */
/* exec.c - exec sessions; see exec.h. */
#include "engine/exec.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/ctr_life.h"
#include "engine/events.h"
#include "engine/exec_process.h"
#include "engine/store.h"
#include "engine/stream.h"
#include <signal.h>

#define FINISH_SECONDS 5 /* from the end of the streams to the exit code */

/* libpod's numbers for the state of a session. */
enum { SESSION_CREATED = 1, SESSION_RUNNING = 2, SESSION_STOPPED = 3 };

static json *session_of(const struct ctr *c, const char *session)
{
    return json_at(c->state, "newExecSessions", session, NULL);
}

static json *session_config(const struct ctr *c, const struct exec_options *o,
                            const struct berth_list *exit_command)
{
    json *config = json_new(), *env = json_new();

    json_set_list(config, "command", &o->command);
    json_opt_bool(config, "terminal", o->terminal);
    json_opt_bool(config, "attachStdin", o->interactive);
    json_opt_bool(config, "attachStdout", !o->detach);
    json_opt_bool(config, "attachStderr", !o->detach);
    json_opt_str(config, "detachKeys",
                 o->detach_keys ? o->detach_keys : c->e->conf->detach_keys);
    for (size_t i = 0; i < o->env.n; i++) {
        const char *eq = strchr(o->env.items[i], '=');
        _cleanup_free_ char *name = strndup(o->env.items[i], strcspn(o->env.items[i], "="));

        if (name)
            json_set_str(env, name, eq ? eq + 1 : "");
    }
    if (o->env.n)
        json_set(config, "environment", env);
    else
        json_object_put(env);
    json_opt_bool(config, "privileged", o->privileged);
    json_opt_str(config, "user", o->user);
    json_opt_str(config, "workDir", o->cwd);
    json_opt_i64(config, "preserveFds", (int64_t)o->preserve_fds);
    json_opt_list(config, "exitCommand", exit_command);
    return config;
}

/* Our own program, told to clean up this session. */
static int exit_command(struct ctr *c, const char *session, struct berth_list *out,
                        struct berth_error *err)
{
    int r = engine_exit_command(c->e, false, out, err);

    if (r < 0)
        return r;
    list_add(out, "--exec");
    list_add(out, session);
    list_add(out, c->id);
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}

int exec_create(struct ctr *c, const struct exec_options *o, char session[static ID_LEN + 1],
                struct berth_error *err)
{
    _cleanup_list_ struct berth_list command = LIST_INIT;
    json *record;
    int r;

    if (o->command.n == 0)
        return fail(err, EINVAL,
                    "must provide a non-empty command to start an exec session: invalid "
                    "argument");
    r = ctr_lock(c, err);
    if (r < 0)
        return r;
    if (ctr_status(c) != CTR_RUNNING)
        r = fail(err, EINVAL,
                 "can only create exec sessions on running containers: container state "
                 "improper");
    id_generate(session);
    if (r == 0)
        r = exit_command(c, session, &command, err);
    if (r == 0) {
        record = json_new();
        json_set_str(record, "id", session);
        json_set_str(record, "containerId", c->id);
        json_set_i64(record, "state", SESSION_CREATED);
        json_set(record, "config", session_config(c, o, &command));
        json_set(json_need(c->state, "newExecSessions"), session, record);
        r = store_save(c, EXIT_NONE, err);
    }
    if (r == 0)
        r = store_exec_add(c, session, err);
    ctr_unlock(c);
    return r;
}

/* podman's, where the runtime could not invoke the command; 0: as the program has it */
static int status_of(int r)
{
    if (r == -ENOENT || r == -ENOEXEC)
        return 127;
    return r == -EACCES || r == -EREMOTEIO ? 126 : 0;
}

static int run_session(struct ctr *c, const char *session, const struct exec_options *o,
                       int *out_fd, int32_t *pid, struct berth_error *err)
{
    _cleanup_list_ struct berth_list command = LIST_INIT;
    _cleanup_buf_ struct berth_buf process = BUF_INIT;
    _cleanup_view_ struct ctr_view view = {0};
    _cleanup_free_ int *fds = ctr_inherited((uint32_t)o->preserve_fds);
    struct berth_oci_exec what = {.size = sizeof(what), .session = session};
    struct oci *oci;
    int r = exec_process(c, o, &process, err);

    if (r == 0)
        r = exit_command(c, session, &command, err);
    if (r == 0)
        r = engine_oci(c->e, ctr_runtime(c), &oci, err);
    if (r == 0)
        r = ctr_view_make(c, &view, err);
    if (r < 0)
        return r;
    what.flags = (o->terminal ? BERTH_OCI_EXEC_TERMINAL : 0) |
                 (o->privileged ? BERTH_OCI_EXEC_PRIVILEGED : 0) |
                 (o->interactive ? BERTH_OCI_EXEC_STDIN : 0);
    what.argv = (const char *const *)list_argv(&o->command);
    what.exit_command = (const char *const *)list_argv(&command);
    what.process = buf_blob(&process);
    what.fds = fds;
    what.n_fds = fds ? (uint32_t)o->preserve_fds : 0;
    if (o->terminal && out_fd)
        stream_own_size(&what.tty);
    r = ctr_classify(oci_exec(oci, &view.c, &what, out_fd, pid, err), err);
    if (r < 0 && err)
        err->exit_status = status_of(r);
    return r;
}

int exec_start(struct ctr *c, const char *session, const struct exec_options *o, int *out_fd,
               struct berth_error *err)
{
    int32_t pid = 0;
    json *record;
    int r = ctr_lock(c, err);

    if (r < 0)
        return r;
    record = session_of(c, session);
    if (ctr_status(c) != CTR_RUNNING || !record)
        r = fail(err, EINVAL,
                 "can only start exec sessions when their container is running: container "
                 "state improper");
    if (r == 0)
        r = run_session(c, session, o, out_fd, &pid, err);
    if (r == 0) {
        json_set_i64(record, "state", SESSION_RUNNING);
        json_opt_i64(record, "pid", pid);
        r = store_save(c, EXIT_NONE, err);
        if (o->health)
            event_ctr(c, "health_status", &(struct event_extra){.health = o->health});
        else
            event_ctr(c, "exec", &(struct event_extra){.exec_id = session});
    }
    ctr_unlock(c);
    return r;
}

/* ------------------------------------------------------------------ the end */

static void remove_files(struct ctr *c, const char *session)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_free_ char *dir = path_join(ctr_static_dir(c), session);

    if (dir && fs_remove_tree(dir, &why) < 0)
        log_error("exec session %s: %s", session, error_text(&why));
}

/* Note the end in the record (not saved yet); false if it was noted already. */
static bool note_end(struct ctr *c, const char *session, int32_t code)
{
    json *record = session_of(c, session);

    if (!record || json_i64(record, "state", 0) == SESSION_STOPPED)
        return false;
    json_set_i64(record, "state", SESSION_STOPPED);
    json_del(record, "pid");
    json_opt_i64(record, "exitCode", code);
    event_ctr(
        c, "exec_died",
        &(struct event_extra){.exec_id = session, .exit_code = code, .has_exit_code = true});
    return true;
}

static int await_code(struct ctr *c, const char *session, berth_deadline deadline, int32_t *out,
                      struct berth_error *err)
{
    struct berth_oci_status status = {.size = sizeof(status)};
    _cleanup_view_ struct ctr_view view = {0};
    struct oci *oci;
    int r = engine_oci(c->e, ctr_runtime(c), &oci, err);

    if (r == 0)
        r = ctr_view_make(c, &view, err);
    if (r == 0)
        r = oci_wait(oci, &view.c, session, deadline, &status, err);
    if (r == 0)
        return fail(err, ETIMEDOUT, "timed out waiting for the exit code of exec session %s",
                    session);
    if (r < 0)
        return r;
    *out = status.status == BERTH_OCI_STOPPED ? status.exit_code : -1;
    return 0;
}

/* The lock is held: record the end and forget what is to be forgotten. */
static int settle(struct ctr *c, const char *session, int32_t code, bool forget,
                  struct berth_error *err)
{
    bool changed = note_end(c, session, code);
    int r = 0;

    remove_files(c, session);
    if (forget && session_of(c, session)) {
        json *sessions = json_get(c->state, "newExecSessions");

        json_del(sessions, session);
        if (json_object_object_length(sessions) == 0)
            json_del(c->state, "newExecSessions");
        changed = true;
        r = store_exec_remove(c, session, err);
        if (r == -ENOENT) {
            error_clear(err);
            r = 0;
        }
    }
    return r == 0 && changed ? store_save(c, EXIT_NONE, err) : r;
}

int exec_finish(struct ctr *c, const char *session, bool forget, int32_t *out,
                struct berth_error *err)
{
    json *record;
    int r = await_code(c, session, time_deadline(FINISH_SECONDS), out, err);
    int locked;

    if (r < 0)
        *out = -1;
    locked = ctr_lock(c, r < 0 ? NULL : err);
    if (locked == -ENOENT && r == 0) {
        error_clear(err); /* the container is gone, and the session with it */
        return 0;
    }
    if (locked < 0)
        return locked;
    /* The exit command may have been faster and have recorded the code. */
    record = session_of(c, session);
    if (*out == -1 && record && json_i64(record, "state", 0) == SESSION_STOPPED) {
        *out = (int32_t)json_i64(record, "exitCode", 0);
        error_clear(err);
        r = 0;
    }
    if (r == 0)
        r = settle(c, session, *out, forget, err);
    ctr_unlock(c);
    return r;
}

int exec_cleanup(struct ctr *c, const char *session, bool remove, struct berth_error *err)
{
    int32_t code = -1;
    int r = ctr_lock(c, err);

    if (r < 0)
        return r;
    if (session_of(c, session)) {
        if (await_code(c, session, BERTH_NO_WAIT, &code, err) < 0)
            error_clear(err);
        r = settle(c, session, code, remove, err);
    }
    ctr_unlock(c);
    return r;
}

bool exec_any_alive(struct ctr *c)
{
    json *sessions = json_get(c->state, "newExecSessions");

    if (!sessions)
        return false;
    json_object_object_foreach (sessions, id, record) {
        int64_t pid = json_i64(record, "pid", 0);

        (void)id;
        if (json_i64(record, "state", 0) == SESSION_RUNNING && pid > 0 && pid <= INT32_MAX &&
            kill((pid_t)pid, 0) == 0)
            return true;
    }
    return false;
}

void exec_remove_all(struct ctr *c)
{
    _cleanup_view_ struct ctr_view view = {0};
    json *sessions = json_get(c->state, "newExecSessions");
    struct oci *oci;

    if (!sessions)
        return;
    json_object_object_foreach (sessions, id, record) {
        bool runs = json_i64(record, "state", 0) == SESSION_RUNNING;

        if (runs && engine_oci(c->e, ctr_runtime(c), &oci, NULL) == 0 &&
            (view.c.size || ctr_view_make(c, &view, NULL) == 0))
            oci_exec_stop(oci, &view.c, id, BERTH_NO_WAIT, NULL);
        remove_files(c, id);
    }
    json_del(c->state, "newExecSessions");
}
