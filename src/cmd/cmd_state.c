/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_state.c - state dump, check, info, backup: looking at a state store, and never changing
 * one that --from names. */
#include "base/fs.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "engine/dump.h"
#include "engine/store_check.h"
#include <fcntl.h>

struct state_opts {
    char *from;
};

#define OPT_FROM                                                                               \
    {                                                                                          \
        "from", 0, OPT_STRING, offsetof(struct state_opts, from), "type:path", "",             \
            "Look at this store instead of the configured one"                                 \
    }

static const struct opt state_options[] = {OPT_FROM, {""}};

/* The store that is meant.  *own: to be closed by state_close(); NULL where the engine has
 * it. */
static int open_meant(struct cli *cli, const struct state_opts *o, struct state **s,
                      struct state **own, struct berth_error *err)
{
    struct engine *e;
    struct conf *conf;
    int r;

    *own = NULL;
    if (!str_empty(o->from)) {
        r = cli_inside(cli, &conf, err);
        if (r == 0)
            r = dump_open(conf, o->from, own, err);
        *s = *own;
        return r;
    }
    r = cli_engine(cli, ENGINE_READONLY, &e, err);
    if (r == 0)
        *s = e->state;
    return r;
}

/* --------------------------------------------------------------------- dump */

static int print_line(void *arg _unused_, const char *line, size_t len, struct berth_error *err)
{
    if (fwrite(line, 1, len, stdout) != len || putchar('\n') == EOF)
        return fail_errno(err, errno, "writing the dump");
    return 0;
}

static int dump_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                    struct berth_error *err)
{
    struct state *s, *own;
    int r = open_meant(cli, opts, &s, &own, err);

    if (r == 0)
        r = dump_state(s, print_line, NULL, err);
    if (r == 0 && fflush(stdout) != 0)
        r = fail_errno(err, errno, "writing the dump");
    state_close(own);
    return r;
}

const struct cmd cmd_state_dump = {
    .name = "state dump",
    .args = "[options]",
    .summary = "Print every record of a state store",
    .text = "Print every record of a state store as JSON Lines: containers, pods, volumes, "
            "links and exit codes. The text is the same for the same content, whatever the "
            "backend.",
    .opts = state_options,
    .size = sizeof(struct state_opts),
    .interspersed = true,
    .run = dump_run,
};

/* -------------------------------------------------------------------- check */

struct check_opts {
    struct state_opts which; /* first: open_meant() takes it */
    bool repair;
};

static const struct opt check_options[] = {
    OPT_FROM,
    {"repair", 0, OPT_BOOL, offsetof(struct check_opts, repair), "", "",
     "Mend what can be mended without loss, and say what was done"},
    {""},
};

static int check_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                     struct berth_error *err)
{
    _cleanup_list_ struct berth_list report = LIST_INIT, deeds = LIST_INIT;
    struct check_opts *o = opts;
    struct state *s = NULL, *own = NULL;
    struct engine *e;
    int64_t n;

    if (o->repair && !str_empty(o->which.from))
        return fail(err, EINVAL,
                    "--repair does not go with --from: that store is never written");
    if (o->repair) {
        n = cli_engine(cli, ENGINE_NO_BOOT, &e, err);
        s = n == 0 ? e->state : NULL;
    } else {
        n = open_meant(cli, &o->which, &s, &own, err);
    }
    if (n == 0)
        n = store_check(s, o->repair, &report, &deeds, err);
    state_close(own);
    for (size_t i = 0; i < report.n; i++)
        puts(report.items[i]);
    for (size_t i = 0; n >= 0 && i < deeds.n; i++)
        puts(deeds.items[i]);
    if (n < 0)
        return (int)n;
    return n > 0 ? 1 : 0;
}

const struct cmd cmd_state_check = {
    .name = "state check",
    .args = "[options]",
    .summary = "Look for damage in a state store",
    .text =
        "Check the structure of a state store and what its records say of each other: links "
        "to nothing, names and lock numbers used twice, members of pods, volumes. Print one "
        "line per finding; the exit status is 1 if there are any.",
    .opts = check_options,
    .size = sizeof(struct check_opts),
    .interspersed = true,
    .run = check_run,
};

/* --------------------------------------------------------------------- info */

struct counts {
    unsigned long records[BERTH_VOLUME + 1], exits;
};

static int count_record(void *arg, const struct berth_record *rec)
{
    struct counts *n = arg;

    if (rec->kind <= BERTH_VOLUME)
        n->records[rec->kind]++;
    return 0;
}

static int count_exit(void *arg, const struct berth_exit *code _unused_)
{
    ((struct counts *)arg)->exits++;
    return 0;
}

static void print_files(struct state *s)
{
    _cleanup_list_ struct berth_list files = LIST_INIT;
    struct stat st;

    if (state_files(s, &files, NULL) < 0)
        return;
    for (size_t i = 0; i < files.n; i++)
        if (stat(files.items[i], &st) == 0)
            printf("file:        %s (%lld bytes)\n", files.items[i], (long long)st.st_size);
}

static int info_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                    struct berth_error *err)
{
    struct berth_store_config has = {.size = sizeof(has)};
    struct berth_scan all = {.size = sizeof(all)};
    struct counts n = {0};
    struct txn *t = NULL;
    struct state *s, *own;
    int r = open_meant(cli, opts, &s, &own, err);

    if (r == 0)
        r = state_begin(s, 0, BERTH_WAIT_FOREVER, &t, err);
    if (r == 0)
        r = txn_scan(t, &all, count_record, &n, err);
    if (r == 0)
        r = txn_exit_scan(t, count_exit, &n, err);
    if (r == 0) {
        r = txn_config_get(t, &has, err);
        if (r == -ENOENT) {
            error_clear(err);
            r = 0;
        }
    }
    if (r == 0) {
        printf("type:        %s\n", state_plugin(s));
        print_files(s);
        if (has.schema)
            printf("schema:      %u\n", has.schema);
        printf("containers:  %lu\npods:        %lu\nvolumes:     %lu\nexit codes:  %lu\n",
               n.records[BERTH_CONTAINER], n.records[BERTH_POD], n.records[BERTH_VOLUME],
               n.exits);
        printf("made for:    %s\n", has.static_dir ? has.static_dir : "(not recorded)");
    }
    txn_rollback(t);
    state_close(own);
    return r;
}

const struct cmd cmd_state_info = {
    .name = "state info",
    .args = "[options]",
    .summary = "Show what a state store is and holds",
    .opts = state_options,
    .size = sizeof(struct state_opts),
    .interspersed = true,
    .run = info_run,
};

/* ------------------------------------------------------------------- backup */

static int backup_run(struct cli *cli, void *opts, int argc _unused_, char **argv,
                      struct berth_error *err)
{
    _cleanup_output_ struct output out = OUTPUT_NONE;
    struct state *s, *own;
    int r = open_meant(cli, opts, &s, &own, err);

    if (r == 0)
        r = output_open(argv[0], 0600, &out, err);
    if (r == 0)
        r = state_backup(s, out.fd, err);
    if (r == 0)
        r = output_done(&out, err);
    state_close(own);
    return r;
}

const struct cmd cmd_state_backup = {
    .name = "state backup",
    .args = "[options] FILE",
    .summary = "Copy a state store into one file",
    .text = "Write a consistent copy of a state store, taken in one transaction, to FILE.",
    .opts = state_options,
    .size = sizeof(struct state_opts),
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = backup_run,
};
