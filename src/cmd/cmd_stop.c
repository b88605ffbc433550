/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_stop.c - stop, kill, pause, unpause, init: one change of state for each container. */
#include "base/str.h"
#include "cmd/each.h"
#include "engine/spec_priv.h"
#include <signal.h>

#define BIT(status) (1u << (status))

struct many_opts {
    bool all, latest, ignore;
    struct berth_list cidfile, filter;
    uint64_t time;
    char *signal;
};

#define OPT_ALL                                                                                \
    {                                                                                          \
        "all", 'a', OPT_BOOL, offsetof(struct many_opts, all), "", "",
#define OPT_LATEST                                                                             \
    {                                                                                          \
        "latest", 'l', OPT_BOOL, offsetof(struct many_opts, latest), "", "",                   \
            "Take the container that was created last"                                         \
    }
#define OPT_CIDFILE                                                                            \
    {                                                                                          \
        "cidfile", 0, OPT_LIST, offsetof(struct many_opts, cidfile), "file", "",               \
            "Read the ID from this file"                                                       \
    }
#define OPT_FILTER                                                                             \
    {                                                                                          \
        "filter", 'f', OPT_CSV, offsetof(struct many_opts, filter), "condition", "",           \
            "Take the containers that fit a condition, as for ps"                              \
    }
#define OPT_IGNORE                                                                             \
    {                                                                                          \
        "ignore", 'i', OPT_BOOL, offsetof(struct many_opts, ignore), "", "",                   \
            "A container that is missing is no error"                                          \
    }

static struct each_select select_of(const struct many_opts *o, int argc, char **argv,
                                    uint32_t mask)
{
    return (struct each_select){.names = argv,
                                .n_names = argc,
                                .all = o->all,
                                .latest = o->latest,
                                .cidfiles = &o->cidfile,
                                .filters = &o->filter,
                                .ignore = o->ignore,
                                .all_mask = mask};
}

/* --------------------------------------------------------------------- stop */

struct stop_arg {
    bool all;
    bool given; /* --time */
    uint64_t seconds;
};

static int stop_one(struct ctr *c, const char *name _unused_, void *arg,
                    struct berth_error *err)
{
    const struct stop_arg *a = arg;
    uint32_t seconds =
        a->given ? (uint32_t)MIN(a->seconds, UINT32_MAX - 1) : ctr_stop_timeout(c);
    int r = ctr_stop(c, seconds, err);

    /* It does not run: what was asked for holds.  Of a paused one cleaning up complains. */
    if (r == -ESRCH || (r == -EINVAL && (a->all || ctr_status(c) == CTR_CONFIGURED ||
                                         ctr_status(c) == CTR_PAUSED))) {
        error_clear(err);
        r = 0;
    }
    if (r < 0 || ctr_status(c) == CTR_CONFIGURED)
        return r;
    r = ctr_cleanup(c, err);
    if (r == -ENOENT || (r == -EINVAL && ctr_status(c) != CTR_PAUSED)) {
        error_clear(err); /* its exit command was faster, or it was started again */
        r = 0;
    }
    return r;
}

static int stop_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    struct many_opts *o = opts;
    struct each_select which = select_of(o, argc, argv, 0);
    struct stop_arg arg = {o->all, cli_given(cli, "time"), o->time};
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    return r < 0 ? r : each_ctr(e, &which, stop_one, &arg, err);
}

static const struct opt stop_options[] = {OPT_ALL "Stop every container that runs"},
                        OPT_CIDFILE, OPT_FILTER, OPT_IGNORE, OPT_LATEST,
                        {"time",
                         't',
                         OPT_UINT,
                         offsetof(struct many_opts, time),
                         "seconds",
                         "10",
                         "How long to wait before it is killed"},
{
    ""
}
}
;

const struct cmd cmd_stop = {
    .name = "stop",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Stop one or more containers",
    .text = "Send each container its stop signal, and SIGKILL when the time is over.",
    .opts = stop_options,
    .size = sizeof(struct many_opts),
    .interspersed = true,
    .max_args = -1,
    .run = stop_run,
};

/* --------------------------------------------------------------------- kill */

static int kill_one(struct ctr *c, const char *name _unused_, void *arg,
                    struct berth_error *err)
{
    return ctr_kill(c, *(int *)arg, err);
}

static int kill_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    struct many_opts *o = opts;
    struct each_select which = select_of(o, argc, argv, BIT(CTR_RUNNING));
    int number = spec_signal(str_or(o->signal, "KILL"));
    struct engine *e;
    int r;

    if (number <= 0)
        return str_to_u64(o->signal, &(uint64_t){0}) == 0
                   ? fail(err, EINVAL, "valid signals are 1 through 64")
                   : fail(err, EINVAL, "invalid signal: %s", o->signal);
    r = cli_engine(cli, 0, &e, err);
    return r < 0 ? r : each_ctr(e, &which, kill_one, &number, err);
}

static const struct opt kill_options[] = {OPT_ALL "Signal every container that runs"},
                        OPT_CIDFILE, OPT_LATEST,
                        {"signal",
                         's',
                         OPT_STRING,
                         offsetof(struct many_opts, signal),
                         "signal",
                         "KILL",
                         "Signal to send, as a name or a number"},
{
    ""
}
}
;

const struct cmd cmd_kill = {
    .name = "kill",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Send a signal to one or more running containers",
    .opts = kill_options,
    .size = sizeof(struct many_opts),
    .interspersed = true,
    .max_args = -1,
    .run = kill_run,
};

/* ------------------------------------------------------------ pause, unpause */

static int pause_one(struct ctr *c, const char *name _unused_, void *arg _unused_,
                     struct berth_error *err)
{
    return ctr_pause(c, err);
}

static int unpause_one(struct ctr *c, const char *name _unused_, void *arg _unused_,
                       struct berth_error *err)
{
    return ctr_unpause(c, err);
}

static int pause_run(struct cli *cli, void *opts, int argc, char **argv,
                     struct berth_error *err)
{
    struct each_select which = select_of(opts, argc, argv, BIT(CTR_RUNNING));
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    return r < 0 ? r : each_ctr(e, &which, pause_one, NULL, err);
}

static int unpause_run(struct cli *cli, void *opts, int argc, char **argv,
                       struct berth_error *err)
{
    struct each_select which = select_of(opts, argc, argv, BIT(CTR_PAUSED));
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    return r < 0 ? r : each_ctr(e, &which, unpause_one, NULL, err);
}

static const struct opt pause_options[] = {OPT_ALL "Take every container in the right state"},
                        OPT_CIDFILE, OPT_FILTER, OPT_LATEST,
{
    ""
}
}
;

const struct cmd cmd_pause = {
    .name = "pause",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Freeze all the processes of one or more containers",
    .opts = pause_options,
    .size = sizeof(struct many_opts),
    .interspersed = true,
    .max_args = -1,
    .run = pause_run,
};

const struct cmd cmd_unpause = {
    .name = "unpause",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Let the processes of one or more frozen containers go on",
    .opts = pause_options,
    .size = sizeof(struct many_opts),
    .interspersed = true,
    .max_args = -1,
    .run = unpause_run,
};

/* --------------------------------------------------------------------- init */

static int init_one(struct ctr *c, const char *name _unused_, void *arg,
                    struct berth_error *err)
{
    int r = ctr_init(c, err);

    if (r == -EINVAL && *(bool *)arg) {
        error_clear(err); /* with --all, those in another state are passed over */
        r = 1;
    }
    return r;
}

static int init_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    struct many_opts *o = opts;
    struct each_select which = select_of(o, argc, argv, 0);
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    return r < 0 ? r : each_ctr(e, &which, init_one, &o->all, err);
}

static const struct opt init_options[] = {OPT_ALL
                                          "Take every container that was not initialized"},
                        OPT_LATEST,
{
    ""
}
}
;

const struct cmd cmd_init = {
    .name = "init",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Prepare one or more containers without starting them",
    .text = "Create the container in its OCI runtime, mount its file system and write its "
            "config.json, and do not start its command.",
    .opts = init_options,
    .size = sizeof(struct many_opts),
    .interspersed = true,
    .max_args = -1,
    .run = init_run,
};
