/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_wait.c - wait. */
#include "base/str.h"
#include "cmd/each.h"
#include "engine/spec_priv.h"
#include "engine/store.h"

struct wait_opts {
    bool latest, ignore;
    struct berth_list condition;
    char *interval;
};

struct wait_arg {
    uint32_t mask;
    int64_t interval; /* nanoseconds */
};

static int wait_one(struct ctr *c, const char *name _unused_, void *arg,
                    struct berth_error *err)
{
    const struct wait_arg *a = arg;
    int32_t code = -1;
    int r = ctr_wait_status(c, a->mask, a->interval, &code, err);

    if (r < 0)
        return r;
    printf("%d\n", code);
    fflush(stdout);
    return 1;
}

static int read_conditions(const struct wait_opts *o, struct wait_arg *a,
                           struct berth_error *err)
{
    /* A bare number is one of milliseconds. */
    _cleanup_free_ char *bare = str_printf("%sms", o->interval);

    if (spec_duration(o->interval, &a->interval) < 0 &&
        (!bare || spec_duration(bare, &a->interval) < 0))
        return fail(err, EINVAL, "time: invalid duration \"%s\"", o->interval);
    a->interval = MAX(a->interval, (int64_t)1000000);
    for (size_t i = 0; i < o->condition.n; i++) {
        int status;

        if (ctr_status_parse(o->condition.items[i], &status) < 0 || status == CTR_STOPPING)
            return fail(err, EINVAL, "unknown container state: %s: invalid argument",
                        o->condition.items[i]);
        a->mask |= 1u << status;
    }
    return 0;
}

static int wait_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    struct wait_opts *o = opts;
    struct each_select which = {
        .names = argv, .n_names = argc, .latest = o->latest, .ignore = o->ignore};
    struct wait_arg arg = {0};
    struct engine *e;
    int r;

    if (argc == 0 && !o->latest)
        return fail(err, EINVAL,
                    "\"berth wait\" requires a name, id, or the \"--latest\" flag");
    r = read_conditions(o, &arg, err);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    return r < 0 ? r : each_ctr(e, &which, wait_one, &arg, err);
}

#define AT(member) offsetof(struct wait_opts, member)
static const struct opt wait_options[] = {
    {"condition", 0, OPT_CSV, AT(condition), "status", "",
     "Wait until it is created, initialized, running, paused, stopped, exited or removing"},
    {"ignore", 0, OPT_BOOL, AT(ignore), "", "", "A container that is missing is no error"},
    {"interval", 'i', OPT_STRING, AT(interval), "time", "250ms",
     "How often to look, where it cannot be waited for"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Take the container that was created last"},
    {""}};
#undef AT

const struct cmd cmd_wait = {
    .name = "wait",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Wait until one or more containers have ended",
    .text = "Wait for the end of each container and print its exit code; with other "
            "conditions, wait for one of these, and print -1.",
    .opts = wait_options,
    .size = sizeof(struct wait_opts),
    .interspersed = true,
    .max_args = -1,
    .run = wait_run,
};
