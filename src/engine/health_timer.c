/* SPDX-License-Identifier: Apache-2.0 */
/* health_timer.c - when health checks run; see health.h. */
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/ctr_life.h"
#include "engine/events.h"
#include "engine/health_priv.h"
#include "engine/store.h"
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#define SYSTEMD_SECONDS 30 /* for one request to systemd */

/* Nanoseconds between checks; 0: they are run by hand only. */
static int64_t interval_of(const struct ctr *c)
{
    const char *off = getenv("DISABLE_HC_SYSTEMD");

    if (str_eq(off, "true") || !health_defined(c))
        return 0;
    return json_i64(health_config(c), "Interval", 0);
}

/* Our own program with its global flags and `healthcheck VERB`. */
static int own_command(const struct ctr *c, const char *verb, struct berth_list *out,
                       struct berth_error *err)
{
    int r = engine_self(c->e, out, err);

    if (r < 0)
        return r;
    list_add(out, "healthcheck");
    list_add(out, verb);
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}

/* ------------------------------------------------------------------ systemd */

static bool systemd_runs(void)
{
    return access("/run/systemd/system", F_OK) == 0;
}

/* Run systemctl or systemd-run with a list of arguments. */
static int ask_systemd(const struct ctr *c, const char *program, const struct berth_list *args,
                       struct berth_error *err)
{
    _cleanup_free_ char *path = proc_find(program);
    _cleanup_list_ struct berth_list argv = LIST_INIT;
    struct berth_run run = {.size = sizeof(run),
                            .flags = BERTH_RUN_STDERR_IS_ERROR,
                            .env = (const char *const *)environ,
                            .netns_fd = -1,
                            .deadline = time_deadline(SYSTEMD_SECONDS)};
    int r;

    if (!path)
        return fail(err, ENOENT, "the program %s is not in PATH", program);
    list_add(&argv, path);
    if (c->e->conf->rootless)
        list_add(&argv, "--user");
    list_addv(&argv, (const char *const *)list_argv(args));
    if (argv.error)
        return fail(err, ENOMEM, "out of memory");
    run.argv = (const char *const *)argv.items;
    r = proc_run(&run, err);
    return r > 0 ? -EIO : r;
}

/* The timer that podman makes too: each program stops and starts the other's. */
static int make_timer(const struct ctr *c, int64_t interval, struct berth_error *err)
{
    _cleanup_list_ struct berth_list args = LIST_INIT;
    const char *path = getenv("PATH");
    int r;

    if (path)
        list_addf(&args, "--setenv=PATH=%s", path);
    list_add(&args, "--unit");
    list_add(&args, c->id);
    list_addf(&args, "--on-unit-inactive=%lldus", (long long)MAX(interval / 1000, 1));
    list_add(&args, "--timer-property=AccuracySec=1s");
    r = own_command(c, "run", &args, err);
    if (r == 0)
        list_add(&args, c->id);
    return r == 0 ? ask_systemd(c, "systemd-run", &args, err) : r;
}

static int unit_request(const struct ctr *c, const char *const *verbs, const char *kind,
                        struct berth_error *err)
{
    _cleanup_list_ struct berth_list args = LIST_INIT;

    list_addv(&args, verbs);
    list_addf(&args, "%s.%s", c->id, kind);
    return ask_systemd(c, "systemctl", &args, err);
}

/* ------------------------------------------------------- a process of our own */

static int start_watch(const struct ctr *c, int64_t interval, struct berth_error *err)
{
    _cleanup_list_ struct berth_list argv = LIST_INIT;
    int64_t pid = json_i64(c->state, "pid", 0);
    _cleanup_close_ int pidfd = -1;
    int r;

    if (pid <= 0 || pid > INT32_MAX)
        return fail(err, ESRCH, "it has no process");
    pidfd = proc_pidfd((pid_t)pid);
    if (pidfd < 0)
        return fail_errno(err, -pidfd, "opening its process %lld", (long long)pid);
    r = own_command(c, "watch", &argv, err);
    if (r < 0)
        return r;
    list_addf(&argv, "%lld", (long long)interval);
    list_add(&argv, c->id);
    return argv.error ? fail(err, ENOMEM, "out of memory")
                      : proc_leave((const char *const *)argv.items, pidfd, err);
}

/* Run a command line to its end, without a look at how that was. */
static int run_once(const char *const *argv, struct berth_error *err)
{
    pid_t pid;
    int r = posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ);

    if (r)
        return fail_errno(err, r, "running %s", argv[0]);
    while (waitpid(pid, NULL, 0) < 0)
        if (errno != EINTR)
            return fail_errno(err, errno, "waiting for %s", argv[0]);
    return 0;
}

int health_watch(int pidfd, int64_t interval, const char *const *argv, struct berth_error *err)
{
    int pause = (int)MIN(interval / 1000000 + 1, (int64_t)INT32_MAX);
    struct pollfd p = {pidfd, POLLIN, 0};

    for (;;) {
        int r = run_once(argv, err);

        if (r < 0)
            return r;
        do
            r = proc_poll(&p, 1, pause);
        while (r < 0 && errno == EINTR);
        if (r != 0)
            return r < 0 ? fail_errno(err, errno, "waiting for the container's process") : 0;
    }
}

/* ------------------------------------------------------------------ the life */

static void report(const struct ctr *c, const char *doing, int r, struct berth_error *err)
{
    if (r < 0)
        log_error("%s health checks of container %s: %s", doing, c->id, error_text(err));
    error_clear(err);
}

void health_prepare(struct ctr *c)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    int64_t interval = interval_of(c);

    if (interval > 0 && systemd_runs())
        report(c, "scheduling the", make_timer(c, interval, &err), &err);
}

void health_begin(struct ctr *c)
{
    static const char *const start[] = {"--no-block", "restart", NULL};
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_json_ json *log = NULL;
    int64_t interval = interval_of(c);

    if (!health_defined(c))
        return;
    log = health_log(ctr_run_dir(c));
    json_set_str(log, "Status", "starting");
    report(c, "noting the state of the", health_log_save(c, log, &err), &err);
    if (interval <= 0)
        return;
    if (systemd_runs())
        report(c, "starting the", unit_request(c, start, "service", &err), &err);
    else
        report(c, "starting the", start_watch(c, interval, &err), &err);
}

void health_end(struct ctr *c)
{
    static const char *const stop[] = {"stop", NULL}, *const forget[] = {"reset-failed", NULL};
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    if (interval_of(c) <= 0 || !systemd_runs())
        return;
    /* These fail where somebody has done it already, or nothing had failed. */
    if (unit_request(c, stop, "timer", &err) < 0 || unit_request(c, stop, "service", &err) < 0)
        log_debug("health checks of container %s: %s", c->id, error_text(&err));
    unit_request(c, forget, "service", NULL);
}

/* ------------------------------------------------------------------ restart */

/* Inside the service of the check: it ends with the container that it restarts, so somebody
 * else has to do that. */
static int restart_from_outside(struct ctr *c, struct berth_error *err)
{
    _cleanup_list_ struct berth_list args = LIST_INIT;
    int r;

    list_add(&args, "--collect");
    list_add(&args, "--no-block");
    r = engine_self(c->e, &args, err);
    if (r < 0)
        return r;
    list_add(&args, "restart");
    list_add(&args, c->id);
    return ask_systemd(c, "systemd-run", &args, err);
}

int health_restart(struct ctr *c, struct berth_error *err)
{
    if (systemd_runs() && getenv("INVOCATION_ID"))
        return restart_from_outside(c, err);
    return ctr_restart(c, ctr_stop_timeout(c), err);
}
