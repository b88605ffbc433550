/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_state_merge.c - state diff and merge: two stores side by side. */
#include "base/str.h"
#include "cmd/cmd_state.h"
#include "engine/dump.h"
#include "engine/merge.h"

static void print(void *arg _unused_, const char *line)
{
    state_progress_end();
    puts(line);
}

static int diff_run(struct cli *cli, void *opts _unused_, int argc _unused_, char **argv,
                    struct berth_error *err)
{
    struct state *a = NULL, *b = NULL;
    struct conf *conf;
    int64_t n = cli_inside(cli, &conf, err);

    state_catch_signals();
    if (n == 0)
        n = dump_open(conf, argv[0], &a, err);
    if (n == 0)
        n = dump_open(conf, argv[1], &b, err);
    if (n == 0)
        n = diff_states(a, b, print, NULL, err);
    state_close(a);
    state_close(b);
    return n < 0 ? (int)n : n > 0;
}

const struct cmd cmd_state_diff = {
    .name = "state diff",
    .args = "TYPE:PATH TYPE:PATH",
    .summary = "Show what differs between two state stores",
    .text =
        "Compare two state stores, of any types, record by record. \"-\" marks what only the "
        "first has, \"+\" what only the second has, \"!\" a member that differs. The exit "
        "status is 1 if anything does.",
    .interspersed = true,
    .min_args = 2,
    .max_args = 2,
    .run = diff_run,
};

struct merge_opts {
    char *from, *prefer;
    bool dry_run, force;
};

static const struct opt merge_options[] = {
    {"dry-run", 0, OPT_BOOL, offsetof(struct merge_opts, dry_run), "", "",
     "Tell what would be done, and change nothing"},
    {"force", 0, OPT_BOOL, offsetof(struct merge_opts, force), "", "",
     "Merge also while containers of the other store run"},
    {"from", 0, OPT_STRING, offsetof(struct merge_opts, from), "type:path", "",
     "Take the records of this store, which is only read, instead of this host's other one"},
    {"prefer", 0, OPT_STRING, offsetof(struct merge_opts, prefer), "this|other|type", "",
     "Whose record counts where both have one and they differ"},
    {""},
};

static int merge_cmd(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                     struct berth_error *err)
{
    struct merge_opts *o = opts;
    struct merge m = {.from = str_empty(o->from) ? NULL : o->from,
                      .prefer = o->prefer,
                      .dry_run = o->dry_run,
                      .force = o->force,
                      .say = print};
    int r = cli_inside(cli, &m.conf, err);

    if (r < 0)
        return r;
    state_catch_signals();
    r = merge_run(&m, err);
    if (r < 0)
        return r;
    printf("%zu records added, %zu the same in both, %zu conflicts\n", m.added, m.same,
           m.conflicts);
    if (r == 1)
        puts("nothing was changed: choose whose records count with --prefer, or put right one "
             "of the stores");
    else if (m.dry_run)
        puts("dry run: nothing was changed");
    return r;
}

const struct cmd cmd_state_merge = {
    .name = "state merge",
    .args = "[options]",
    .summary = "Bring the records of another state store into this one",
    .text = "Bring the records of another state store into the one in use, in one transaction: "
            "for hosts whose containers are split over a bolt_state.db and a db.sql. What both "
            "have and tell differently is shown, and nothing is changed until --prefer says "
            "whose record counts; the exit status is 1 then. No record is dropped: a name that "
            "is taken becomes NAME-ID, and the other store is kept under another name.",
    .opts = merge_options,
    .size = sizeof(struct merge_opts),
    .interspersed = true,
    .run = merge_cmd,
};
