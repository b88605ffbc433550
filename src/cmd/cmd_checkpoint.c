/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_checkpoint.c - checkpoint and restore. */
#include "base/str.h"
#include "base/time.h"
#include "cmd/each.h"
#include "engine/store.h"

struct checkpoint_opts {
    bool all, latest, keep, leave_running, tcp_established, file_locks, pre_checkpoint,
        with_previous, print_stats, ignore_ip, ignore_mac;
};

typedef int work_fn(struct ctr *c, unsigned flags, struct ctr_checkpoint_report *out,
                    struct berth_error *err);

struct work {
    work_fn *fn;
    unsigned flags;
    const char *verb; /* of the members of the statistics */
    char **names;     /* what the user typed; n: how many */
    int n;
    json *all; /* statistics of each; NULL: none yet */
};

static unsigned flags_of(const struct checkpoint_opts *o)
{
    return (o->keep ? CTR_CHECKPOINT_KEEP : 0) |
           (o->leave_running ? CTR_CHECKPOINT_LEAVE_RUNNING : 0) |
           (o->tcp_established ? CTR_CHECKPOINT_TCP_ESTABLISHED : 0) |
           (o->file_locks ? CTR_CHECKPOINT_FILE_LOCKS : 0) |
           (o->pre_checkpoint ? CTR_CHECKPOINT_PRE : 0) |
           (o->with_previous ? CTR_CHECKPOINT_WITH_PREVIOUS : 0) |
           (o->print_stats ? CTR_CHECKPOINT_STATS : 0) |
           (o->ignore_ip ? CTR_RESTORE_ANY_IP : 0) | (o->ignore_mac ? CTR_RESTORE_ANY_MAC : 0);
}

static int do_one(struct ctr *c, const char *name, void *arg, struct berth_error *err)
{
    _cleanup_free_ char *duration = NULL;
    struct ctr_checkpoint_report report;
    struct work *w = arg;
    int r = w->fn(c, w->flags, &report, err);
    json *one;

    if (r < 0)
        json_putp(&report.stats);
    if (r < 0 || !report.stats)
        return r;
    one = json_new();
    duration = str_printf("runtime_%s_duration", w->verb);
    json_set_str(one, "Id", c->id);
    json_set_str(one, "RawInput", w->n ? name : "");
    json_set_u64(one, str_or(duration, ""), report.usec);
    json_set(one, "criu_statistics", report.stats);
    if (!w->all)
        w->all = json_new_array();
    json_add(w->all, one);
    return 1;
}

static void print_stats(const struct work *w, int64_t usec)
{
    _cleanup_free_ char *duration = str_printf("podman_%s_duration", w->verb);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_json_ json *all = json_new();

    json_set_i64(all, str_or(duration, ""), usec);
    json_set(all, "container_statistics", json_ref(w->all));
    if (json_write_pretty(all, 0, "", "    ", &text) == 0)
        puts(buf_str(&text));
}

static int do_all(struct engine *e, const struct checkpoint_opts *o, uint32_t mask,
                  struct work *w, struct berth_error *err)
{
    const struct each_select which = {.names = w->names,
                                      .n_names = w->n,
                                      .all = o->all,
                                      .latest = o->latest,
                                      .all_mask = mask};
    berth_date begun = time_now();
    int r;

    w->flags = flags_of(o);
    r = each_ctr(e, &which, do_one, w, err);
    if (o->print_stats && (r == 0 || w->all))
        print_stats(w, (time_now() - begun) / 1000);
    json_putp(&w->all);
    return r;
}

static int need_root(struct cli *cli, const char *what, struct berth_error *err)
{
    struct conf *conf;
    int r = cli_conf(cli, &conf, err);

    return r == 0 && conf->rootless ? fail(err, EPERM, "%s a container requires root", what)
                                    : r;
}

/* --------------------------------------------------------------- checkpoint */

static int checkpoint_run(struct cli *cli, void *opts, int argc, char **argv,
                          struct berth_error *err)
{
    const struct checkpoint_opts *o = opts;
    struct work w = {.fn = ctr_checkpoint, .verb = "checkpoint", .names = argv, .n = argc};
    struct engine *e = NULL;
    int r = need_root(cli, "checkpointing", err);

    if (r == 0 && o->with_previous && o->pre_checkpoint)
        r = fail(err, EINVAL, "--with-previous can not be used with --pre-checkpoint");
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    return r == 0 ? do_all(e, o, 1u << CTR_RUNNING, &w, err) : r;
}

#define AT(member) offsetof(struct checkpoint_opts, member)
static const struct opt checkpoint_options[] = {
    {"all", 'a', OPT_BOOL, AT(all), "", "", "Checkpoint every container that runs"},
    {"file-locks", 0, OPT_BOOL, AT(file_locks), "", "",
     "Its processes may hold locks of files"},
    {"keep", 'k', OPT_BOOL, AT(keep), "", "", "Keep the log and the statistics of criu"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Take the container that was created last"},
    {"leave-running", 'R', OPT_BOOL, AT(leave_running), "", "",
     "Let it run on when its checkpoint is written"},
    {"pre-checkpoint", 'P', OPT_BOOL, AT(pre_checkpoint), "", "",
     "Write its memory only, in advance, and let it run on"},
    {"print-stats", 0, OPT_BOOL, AT(print_stats), "", "", "Print how long what took, as JSON"},
    {"tcp-established", 0, OPT_BOOL, AT(tcp_established), "", "",
     "Its processes may have TCP connections"},
    {"with-previous", 0, OPT_BOOL, AT(with_previous), "", "",
     "Write only what changed since its pre-checkpoint"},
    {""}};

const struct cmd cmd_checkpoint = {
    .name = "container checkpoint",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Checkpoint one or more running containers",
    .text = "Write the processes of running containers to disk, and end them, so that `berth "
            "container restore` can let them go on from there.  The OCI runtime does it, with "
            "CRIU.",
    .opts = checkpoint_options,
    .size = sizeof(struct checkpoint_opts),
    .interspersed = true,
    .max_args = -1,
    .run = checkpoint_run,
};

/* ------------------------------------------------------------------ restore */

static int check_names(struct engine *e, int n, char **names, struct berth_error *err)
{
    char id[ID_LEN + 1];
    int r = 0;

    for (int i = 0; r == 0 && i < n; i++) {
        r = engine_lookup_ctr(e, names[i], id, err);
        if (r == -ENOENT)
            r = fail(err, ENOENT, "no such container or image: %s", names[i]);
    }
    return r;
}

static int restore_run(struct cli *cli, void *opts, int argc, char **argv,
                       struct berth_error *err)
{
    const struct checkpoint_opts *o = opts;
    struct work w = {.fn = ctr_restore, .verb = "restore", .names = argv, .n = argc};
    struct engine *e = NULL;
    int r = need_root(cli, "restoring", err);

    if (r == 0 && o->latest && !o->all && argc)
        r = fail(err, EINVAL, "--all or --latest and containers cannot be used together");
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r == 0 && !o->all)
        r = check_names(e, argc, argv, err);
    return r == 0 ? do_all(e, o, 1u << CTR_EXITED, &w, err) : r;
}

static const struct opt restore_options[] = {
    {"all", 'a', OPT_BOOL, AT(all), "", "", "Restore every container that has exited"},
    {"file-locks", 0, OPT_BOOL, AT(file_locks), "", "",
     "Give its processes their locks of files again"},
    {"ignore-static-ip", 0, OPT_BOOL, AT(ignore_ip), "", "",
     "It gets any addresses, not those that it had"},
    {"ignore-static-mac", 0, OPT_BOOL, AT(ignore_mac), "", "",
     "It gets any MAC address, not the one that it had"},
    {"keep", 'k', OPT_BOOL, AT(keep), "", "",
     "Keep the checkpoint, and the logs and the statistics of criu"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Take the container that was created last"},
    {"print-stats", 0, OPT_BOOL, AT(print_stats), "", "", "Print how long what took, as JSON"},
    {"tcp-established", 0, OPT_BOOL, AT(tcp_established), "", "",
     "Give its processes their TCP connections again"},
    {""}};
#undef AT

const struct cmd cmd_restore = {
    .name = "container restore",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Restore one or more containers from their checkpoints",
    .text = "Let containers go on from where `berth container checkpoint` ended them, with the "
            "addresses that they had.  What was written is removed when they run.",
    .opts = restore_options,
    .size = sizeof(struct checkpoint_opts),
    .interspersed = true,
    .max_args = -1,
    .run = restore_run,
};
