/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_healthcheck.c - healthcheck run, and what calls it at intervals. */
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/health.h"
#include "engine/store.h"
#include <fcntl.h>

#define WATCHED_FD 3 /* of the container's process, left to us by who started us */

static int run_run(struct cli *cli, void *opts _unused_, int argc _unused_, char **argv,
                   struct berth_error *err)
{
    _cleanup_ctr_ struct ctr *c = NULL;
    struct engine *e;
    bool good = false;
    int r = cli_engine(cli, 0, &e, err);

    if (r < 0)
        return r;
    r = ctr_lookup(e, argv[0], &c, err);
    if (r < 0)
        return error_wrap(err, "unable to look up %s to perform a health check", argv[0]);
    r = health_run(c, &good, err);
    if (r < 0)
        return r;
    if (!good)
        puts("unhealthy");
    return good ? 0 : 1;
}

const struct cmd cmd_healthcheck_run = {
    .name = "healthcheck run",
    .args = "CONTAINER",
    .summary = "Run the health check of a container",
    .text = "Run the health check of a running container now and record its result. The exit "
            "status is 0 when it succeeded and 1, with the word unhealthy on standard output, "
            "when it failed.",
    .min_args = 1,
    .max_args = 1,
    .run = run_run,
};

/* The command line that we were started with, with `run` in the place of `watch INTERVAL`. */
static int check_command(struct cli *cli, struct berth_list *out, struct berth_error *err)
{
    char *const *argv = cli_argv(cli);
    size_t n = 0;

    while (argv[n])
        n++;
    if (n < 4 || !str_eq(argv[n - 3], "watch"))
        return fail(err, EINVAL, "the last words must be `watch INTERVAL CONTAINER`");
    for (size_t i = 0; i < n - 3; i++)
        list_add(out, argv[i]);
    list_add(out, "run");
    list_add(out, argv[n - 1]);
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}

static int watch_run(struct cli *cli, void *opts _unused_, int argc _unused_, char **argv,
                     struct berth_error *err)
{
    _cleanup_list_ struct berth_list command = LIST_INIT;
    int64_t interval;
    int r;

    if (str_to_i64(argv[0], &interval) < 0 || interval <= 0)
        return fail(err, EINVAL, "\"%s\" is no number of nanoseconds", argv[0]);
    if (fcntl(WATCHED_FD, F_SETFD, FD_CLOEXEC) < 0)
        return fail_errno(err, errno, "descriptor %d, the container's process", WATCHED_FD);
    r = check_command(cli, &command, err);
    return r < 0 ? r
                 : health_watch(WATCHED_FD, interval, (const char *const *)command.items, err);
}

const struct cmd cmd_healthcheck_watch = {
    .name = "healthcheck watch",
    .args = "INTERVAL CONTAINER",
    .summary = "Run the health check of a container at intervals",
    .text =
        "Run the health check now and again whenever INTERVAL nanoseconds have passed, until "
        "the process ends that descriptor 3 stands for. Each container with a health check "
        "has one such process where systemd does not run; users need not call it.",
    .hidden = true,
    .min_args = 2,
    .max_args = 2,
    .run = watch_run,
};
