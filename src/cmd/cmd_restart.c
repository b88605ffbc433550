/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_restart.c - restart. */
#include "base/str.h"
#include "cmd/each.h"

struct restart_opts {
    bool all, latest, running;
    struct berth_list cidfile, filter;
    uint64_t time;
};

struct restart_arg {
    bool given; /* --time */
    uint64_t seconds;
};

static int restart_one(struct ctr *c, const char *name _unused_, void *arg,
                       struct berth_error *err)
{
    const struct restart_arg *a = arg;

    return ctr_restart(
        c, a->given ? (uint32_t)MIN(a->seconds, UINT32_MAX - 1) : ctr_stop_timeout(c), err);
}

static int restart_run(struct cli *cli, void *opts, int argc, char **argv,
                       struct berth_error *err)
{
    struct restart_opts *o = opts;
    struct restart_arg arg = {cli_given(cli, "time"), o->time};
    struct each_select which = {.names = argv,
                                .n_names = argc,
                                .all = o->all || o->running,
                                .latest = o->latest,
                                .cidfiles = &o->cidfile,
                                .filters = &o->filter,
                                .all_mask = o->running ? 1u << CTR_RUNNING : 0};
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    return r < 0 ? r : each_ctr(e, &which, restart_one, &arg, err);
}

#define AT(member) offsetof(struct restart_opts, member)
static const struct opt restart_options[] = {
    {"all", 'a', OPT_BOOL, AT(all), "", "", "Restart every container, running or not"},
    {"cidfile", 0, OPT_LIST, AT(cidfile), "file", "", "Read the ID from this file"},
    {"filter", 'f', OPT_CSV, AT(filter), "condition", "",
     "Take the containers that fit a condition, as for ps"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Take the container that was created last"},
    {"running", 0, OPT_BOOL, AT(running), "", "", "Restart every container that runs"},
    {"time", 't', OPT_UINT, AT(time), "seconds", "10",
     "How long to wait before a container is killed"},
    {""}};
#undef AT

const struct cmd cmd_restart = {
    .name = "restart",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Restart one or more containers",
    .text = "Stop each container if it runs, and start it again.",
    .opts = restart_options,
    .size = sizeof(struct restart_opts),
    .interspersed = true,
    .max_args = -1,
    .run = restart_run,
};
