/* SPDX-License-Identifier: Apache-2.0 */
/* health.c - running a health check, and its log; see health.h. */
#include "engine/health.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/ctr_life.h"
#include "engine/exec.h"
#include "engine/health_priv.h"
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#define OUTPUT_MAX  500 /* bytes of output that are kept of a check */
#define RESULTS_MAX 5   /* checks that the log remembers */
#define LOG_MAX     (1 << 20)

#define TIMEOUT_PRESET 30000000000 /* nanoseconds, for records that have none */

/* Numbers of the record. */
enum { ACTION_KILL = 2, ACTION_RESTART = 3, ACTION_STOP = 4 };

/* Exit codes in the log that are none of the command's. */
enum { CODE_TOO_LONG = -1, CODE_FAILED = 1, CODE_ENGINE = 125 };

/* ------------------------------------------------------------------ the check */

json *health_config(const struct ctr *c)
{
    return json_get(c->config, "healthcheck");
}

/* The command line; false: there is no check. */
static bool command_of(const struct ctr *c, struct berth_list *out)
{
    json *test = json_get(health_config(c), "Test");
    const char *kind = json_item_str(test, 0);
    _cleanup_list_ struct berth_list words = LIST_INIT;

    if (str_empty(kind) || str_eq(kind, "NONE"))
        return false;
    json_to_list(test, &words);
    if (str_eq(kind, "CMD-SHELL")) {
        list_drop(&words, 0);
        list_add(out, "sh");
        list_add(out, "-c");
        list_take(out, list_join(&words, " "));
        return words.n > 0;
    }
    if (str_eq(kind, "CMD"))
        list_drop(&words, 0);
    list_addv(out, (const char *const *)list_argv(&words));
    return out->n > 0 && *out->items[0];
}

bool health_defined(const struct ctr *c)
{
    _cleanup_list_ struct berth_list command = LIST_INIT;

    return health_config(c) && command_of(c, &command);
}

/* Read what the command says until it has ended or the deadline is there. */
static int read_output(int fd, berth_deadline deadline, struct berth_buf *out,
                       struct berth_error *err)
{
    char packet[BERTH_STREAM_PACKET];
    struct pollfd p = {fd, POLLIN, 0};

    for (;;) {
        berth_deadline now = time_monotonic();
        ssize_t n;
        int r;

        if (now >= deadline)
            return -ETIMEDOUT;
        r = poll(&p, 1, (int)MIN((deadline - now) / 1000000 + 1, (berth_deadline)INT32_MAX));
        if (r < 0 && errno != EINTR)
            return fail_errno(err, errno, "waiting for the output of the health check");
        if (r <= 0)
            continue;
        n = recv(fd, packet, sizeof(packet), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 0;
        if (out->len < OUTPUT_MAX)
            buf_put(out, packet + 1, (size_t)n - 1);
    }
}

/* A command that takes too long: with all that it has started itself, where that is its own
 * process group. */
static void end_session(struct ctr *c, const char *session)
{
    json *record = json_at(c->state, "newExecSessions", session, NULL);
    int64_t pid = json_i64(record, "pid", 0);
    _cleanup_view_ struct ctr_view view = {0};
    struct oci *oci;

    if (pid > 1 && pid <= INT32_MAX && getpgid((pid_t)pid) == (pid_t)pid)
        kill(-(pid_t)pid, SIGKILL);
    if (engine_oci(c->e, ctr_runtime(c), &oci, NULL) == 0 && ctr_view_make(c, &view, NULL) == 0)
        oci_exec_stop(oci, &view.c, session, BERTH_NO_WAIT, NULL);
}

/* One run of the command.  *out_code: what the log is to say of it.  -ETIMEDOUT: it was
 * killed. */
static int run_command(struct ctr *c, struct exec_options *o, int64_t timeout,
                       int32_t *out_code, struct berth_buf *out, struct berth_error *err)
{
    berth_deadline deadline = time_monotonic() + (berth_deadline)timeout;
    _cleanup_close_ int fd = -1;
    char session[ID_LEN + 1];
    int r, finished;

    *out_code = CODE_ENGINE;
    r = exec_create(c, o, session, err);
    if (r < 0)
        return r;
    r = exec_start(c, session, o, &fd, err);
    if (r < 0) {
        exec_cleanup(c, session, true, NULL);
        if (r != -ENOENT && r != -EACCES && r != -EREMOTEIO)
            return r;
        log_info("health check of container %s: %s", c->id, error_text(err));
        error_clear(err);
        *out_code = CODE_FAILED;
        return 0;
    }
    r = read_output(fd, deadline, out, err);
    if (r == -ETIMEDOUT)
        end_session(c, session);
    finished = exec_finish(c, session, true, out_code, r < 0 ? NULL : err);
    if (r == -ETIMEDOUT) {
        *out_code = CODE_TOO_LONG;
        return r;
    }
    if (r < 0 || finished < 0) {
        *out_code = CODE_ENGINE;
        return r < 0 ? r : finished;
    }
    *out_code = *out_code ? CODE_FAILED : 0;
    return 0;
}

/* -------------------------------------------------------------------- the log */

static char *log_path(const char *run_dir)
{
    const char *slash = strrchr(run_dir, '/');

    return slash ? str_printf("%.*s/healthcheck.log", (int)(slash - run_dir), run_dir) : NULL;
}

json *health_log(const char *run_dir)
{
    _cleanup_free_ char *path = log_path(run_dir);
    _cleanup_json_ json *file = NULL;
    json *log = json_new();

    if (path && json_read_file(path, LOG_MAX, &file, NULL) < 0)
        file = NULL;
    json_set_str(log, "Status", str_or(json_str(file, "Status"), ""));
    json_set_i64(log, "FailingStreak", json_i64(file, "FailingStreak", 0));
    json_set(log, "Log",
             json_len(json_get(file, "Log")) ? json_copy(json_get(file, "Log")) : NULL);
    return log;
}

int health_log_save(const struct ctr *c, const json *log, struct berth_error *err)
{
    _cleanup_free_ char *path = log_path(ctr_run_dir(c));
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (!path || json_write(log, 0, &text) < 0)
        return fail(err, ENOMEM, "out of memory");
    return fs_replace(path, text.data, text.len, 0700, false, err);
}

struct result {
    berth_date start, end;
    int32_t code;
    const struct berth_buf *output;
};

static json *result_document(const struct result *res)
{
    size_t len = MIN(res->output->len, (size_t)OUTPUT_MAX);
    char text[TIME_TEXT_MAX];
    json *o = json_new();

    if (len == res->output->len && len && res->output->data[len - 1] == '\n')
        len--;
    json_set_str(o, "Start", time_format(res->start, text));
    json_set_str(o, "End", time_format(res->end, text));
    json_set_i64(o, "ExitCode", res->code);
    json_set(o, "Output", json_object_new_string_len(buf_str(res->output), (int)len));
    return o;
}

/* Failures at the beginning do not count. */
static bool in_start_period(const struct ctr *c, berth_date start)
{
    int64_t period = json_i64(health_config(c), "StartPeriod", 0);
    berth_date started;

    return period > 0 &&
           time_parse(str_or(json_str(c->state, "startedTime"), ""), &started) == 0 &&
           started != DATE_NEVER && start - started < period;
}

static void note_result(const struct ctr *c, json *log, const struct result *res)
{
    int64_t streak = json_i64(log, "FailingStreak", 0);
    json *results = json_need_array(log, "Log");

    if (res->code == 0) {
        json_set_str(log, "Status", "healthy");
        json_set_i64(log, "FailingStreak", 0);
    } else {
        if (str_empty(json_str(log, "Status")))
            json_set_str(log, "Status", "healthy");
        if (!in_start_period(c, res->start)) {
            json_set_i64(log, "FailingStreak", ++streak);
            if (streak >= json_i64(health_config(c), "Retries", 0))
                json_set_str(log, "Status", "unhealthy");
        }
    }
    json_add(results, result_document(res));
    if (json_len(results) > RESULTS_MAX)
        json_object_array_del_idx(results, 0, json_len(results) - RESULTS_MAX);
}

/* *out_unhealthy: is it so now? */
static int record(struct ctr *c, const struct result *res, bool *out_unhealthy,
                  struct berth_error *err)
{
    _cleanup_json_ json *log = NULL;
    int r = ctr_lock(c, err);

    if (r < 0)
        return r;
    if (ctr_status(c) != CTR_RUNNING) {
        ctr_unlock(c); /* it failed because the container was ending */
        return 0;
    }
    log = health_log(ctr_run_dir(c));
    note_result(c, log, res);
    r = health_log_save(c, log, err);
    ctr_unlock(c);
    if (r < 0)
        return error_wrap(err, "unable to update health check log for %s", c->id);
    *out_unhealthy = str_eq(json_str(log, "Status"), "unhealthy");
    return 0;
}

/* --------------------------------------------------------------------- both */

static int act(struct ctr *c, struct berth_error *err)
{
    int r = 0;

    switch (json_i64(c->config, "healthcheck_on_failure_action", 0)) {
    case ACTION_KILL:
        r = ctr_kill(c, SIGKILL, err);
        break;
    case ACTION_STOP:
        r = ctr_stop(c, ctr_stop_timeout(c), err);
        break;
    case ACTION_RESTART:
        r = health_restart(c, err);
        break;
    default:
        return 0;
    }
    /* It ended by itself meanwhile. */
    if (r == -ESRCH || r == -ENOENT) {
        error_clear(err);
        r = 0;
    }
    return r;
}

static int check_runs(struct ctr *c, struct berth_error *err)
{
    int r = ctr_lock(c, err);

    if (r < 0)
        return r;
    if (ctr_status(c) != CTR_RUNNING)
        r = fail(err, EINVAL, "container %s is not running", c->id);
    ctr_unlock(c);
    return r;
}

int health_run(struct ctr *c, bool *out_good, struct berth_error *err)
{
    int64_t timeout = json_i64(health_config(c), "Timeout", 0);
    char text[TIME_TEXT_MAX];
    _cleanup_buf_ struct berth_buf output = BUF_INIT;
    _cleanup_json_ json *before = NULL;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    struct exec_options o = {0};
    struct result res = {.output = &output};
    bool unhealthy = false;
    int r = check_runs(c, err), ran;

    *out_good = false;
    if (r == 0 && !command_of(c, &o.command))
        r = fail(err, EINVAL, "container %s has no defined healthcheck", c->id);
    if (r < 0) {
        list_free(&o.command);
        return r;
    }
    if (timeout <= 0)
        timeout = TIMEOUT_PRESET;
    before = health_log(ctr_run_dir(c));
    o.health = json_str(before, "Status");
    res.start = time_now();
    ran = run_command(c, &o, timeout, &res.code, &output, err);
    res.end = time_now();
    list_free(&o.command);
    if (ran == -ETIMEDOUT)
        fail(err, ETIMEDOUT, "healthcheck command exceeded timeout of %s",
             time_format_span(timeout, text));
    /* A container that ended meanwhile has no result. */
    if (ran == -ENOENT)
        return ran;
    *out_good = res.code == 0;
    r = record(c, &res, &unhealthy, &why);
    if (r == 0 && unhealthy)
        r = act(c, &why);
    if (ran < 0) {
        if (r < 0)
            log_error("health check of container %s: %s", c->id, error_text(&why));
        return ran;
    }
    if (r < 0)
        error_move(err, &why);
    return r;
}
