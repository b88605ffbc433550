/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_start.c - start. */
#include "base/log.h"
#include "base/str.h"
#include "cmd/attached.h"
#include "cmd/each.h"
#include "engine/store.h"
#include "engine/stream.h"

struct start_opts {
    bool all, latest, attach, interactive, sig_proxy;
    char *detach_keys;
    struct berth_list filter;
};

/* Does it run, by the record and, if that says so, in reality? */
static int is_running(struct ctr *c, struct berth_error *err)
{
    int r = 0;

    if (ctr_status(c) == CTR_RUNNING) {
        r = ctr_lock(c, err);
        ctr_unlock(c);
    }
    return r < 0 ? r : ctr_status(c) == CTR_RUNNING;
}

/* Running ones are left alone, and not named. */
static int start_one(struct ctr *c, const char *name _unused_, void *arg _unused_,
                     struct berth_error *err)
{
    int r = is_running(c, err);

    if (r != 0)
        return r;
    r = ctr_start(c, NULL, err);
    return r < 0 ? error_wrap(err, "unable to start container \"%s\"", c->id) : 0;
}

static bool is_auto_removed(const struct ctr *c)
{
    return str_eq(json_str(json_at(c->config, "spec", "annotations", NULL),
                           "io.podman.annotations.autoremove"),
                  "TRUE");
}

static int start_attached(struct engine *e, const struct start_opts *o, const char *name,
                          struct berth_error *err)
{
    struct attached how = {.input = o->interactive,
                           .output = true,
                           .errors = true,
                           .sig_proxy = o->sig_proxy,
                           .detach_keys = o->detach_keys};
    _cleanup_ctr_ struct ctr *c = NULL;
    _cleanup_close_ int fd = -1;
    bool running;
    int r = name ? ctr_lookup(e, name, &c, err) : ctr_latest(e, &c, err), status = 0;

    if (r == 0)
        r = is_running(c, err);
    if (r < 0)
        return r;
    running = r > 0;
    r = attached_check(e, &how, attached_terminal(c), err);
    if (r < 0)
        return error_wrap(err, "unable to start container %s", c->id);
    r = running ? ctr_attach(c, &fd, err) : ctr_start(c, &fd, err);
    if (r < 0)
        return error_wrap(err, "unable to start container %s", c->id);
    r = attached_copy(c, fd, &how, err);
    if (r == STREAM_DETACHED)
        return 0;
    if (r == 0)
        r = attached_finish(c, is_auto_removed(c), &status, err);
    return r < 0 ? r : status;
}

static int start_run(struct cli *cli, void *opts, int argc, char **argv,
                     struct berth_error *err)
{
    struct start_opts *o = opts;
    struct each_select which = {
        .names = argv,
        .n_names = argc,
        .all = o->all,
        .latest = o->latest,
        .filters = &o->filter,
        .all_mask =
            1u << CTR_CONFIGURED | 1u << CTR_CREATED | 1u << CTR_STOPPED | 1u << CTR_EXITED,
    };
    bool attach = o->attach || o->interactive;
    struct engine *e;
    int r;

    if (attach && (argc > 1 || o->all))
        return fail(err, EINVAL, "you cannot start and attach multiple containers at once");
    if (argc == 0 && !o->all && !o->latest && !o->filter.n)
        return fail(err, EINVAL, "start requires at least one argument");
    if (o->sig_proxy && !attach && cli_given(cli, "sig-proxy"))
        return fail(err, EINVAL, "you cannot use sig-proxy without --attach: invalid argument");
    r = cli_engine(cli, 0, &e, err);
    if (r < 0)
        return r;
    if (attach && (argc == 1 || o->latest))
        return start_attached(e, o, argc ? argv[0] : NULL, err);
    return each_ctr(e, &which, start_one, NULL, err);
}

#define AT(member) offsetof(struct start_opts, member)
static const struct opt start_options[] = {
    {"all", 0, OPT_BOOL, AT(all), "", "", "Start every container that does not run"},
    {"attach", 'a', OPT_BOOL, AT(attach), "", "",
     "Copy its output and errors, and end with its exit code"},
    {"detach-keys", 0, OPT_STRING, AT(detach_keys), "keys", "",
     "Keys that leave a container with a terminal running"},
    {"filter", 'f', OPT_CSV, AT(filter), "condition", "",
     "Take the containers that fit a condition, as for ps"},
    {"interactive", 'i', OPT_BOOL, AT(interactive), "", "", "Copy our standard input to it"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Take the container that was created last"},
    {"sig-proxy", 0, OPT_BOOL, AT(sig_proxy), "", "true",
     "Forward signals to the container while attached"},
    {""}};
#undef AT

const struct cmd cmd_start = {
    .name = "start",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Start one or more containers",
    .opts = start_options,
    .size = sizeof(struct start_opts),
    .interspersed = true,
    .max_args = -1,
    .run = start_run,
};
