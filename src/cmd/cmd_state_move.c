/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_state_move.c - state migrate and compact. */
#include "base/str.h"
#include "cmd/cli.h"
#include "cmd/cmd_state.h"
#include "engine/migrate.h"

struct move_opts {
    char *to;
    bool dry_run, keep, write_config, stop, force, resume, abort;
};

#define FLAG(name_, member, help_)                                                             \
    {                                                                                          \
        name_, 0, OPT_BOOL, offsetof(struct move_opts, member), "", "", help_                  \
    }

static const struct opt move_options[] = {
    FLAG("abort", abort, "Undo a move that was interrupted"),
    FLAG("dry-run", dry_run, "Make and compare the new store, and change nothing"),
    FLAG("force", force, "Move also when there are findings; tells what is left behind"),
    FLAG("keep", keep, "With --dry-run: keep the new store that was made, for a look at it"),
    FLAG("resume", resume, "Finish a move that was interrupted"),
    FLAG("stop", stop, "Stop the containers that are running"),
    {"to", 0, OPT_STRING, offsetof(struct move_opts, to), "type", "",
     "Type of the new store: sqlite, boltdb, lmdb, ..."},
    FLAG("write-config", write_config, "Set StateType in the configuration file afterwards"),
    {""},
};

static void say_line(void *arg _unused_, const char *line)
{
    state_progress_end();
    puts(line);
    fflush(stdout);
}

/* The file in which a setting of this process's configuration belongs. */
static char *config_file(const struct cli *cli)
{
    const char *home = getenv("XDG_CONFIG_HOME");
    const char *named = cli->globals.config;

    if (str_empty(named))
        named = secure_getenv("BERTH_CONF");
    if (!str_empty(named))
        return strdup(named);
    if (cli->conf->rootless && !str_empty(home))
        return str_printf("%s/berth/berth.conf", home);
    if (cli->conf->rootless)
        return str_printf("%s/.config/berth/berth.conf", str_or(getenv("HOME"), ""));
    return strdup(SYSCONFDIR "/berth/berth.conf");
}

/* The configuration must not go on naming the old type. */
static int settle_config(struct cli *cli, const struct migrate_origin *origin, const char *to,
                         bool write, struct berth_error *err)
{
    _cleanup_free_ char *file = origin->file ? strdup(origin->file) : config_file(cli);
    int r = 0;

    if (!file)
        return fail(err, ENOMEM, "out of memory");
    if (write)
        r = migrate_set_type(file, origin->line, to, err);
    if (r < 0)
        return error_wrap(err, "the store is moved, but the configuration is not changed");
    if (write)
        printf("%s: StateType = \"%s\";\n", file, to);
    else if (origin->file)
        printf("NOW change line %u of %s to: StateType = \"%s\";\n", origin->line, file, to);
    else if (!origin->flag)
        printf("no configuration has to be changed; to make sure, %s may say: StateType = "
               "\"%s\";\n",
               file, to);
    if (origin->flag)
        printf("NOW use --state-type=%s\n", to);
    return 0;
}

static int migrate_cmd(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                       struct berth_error *err)
{
    struct move_opts *o = opts;
    struct migrate m = {.to = o->to,
                        .dry_run = o->dry_run,
                        .keep = o->keep,
                        .stop = o->stop,
                        .force = o->force,
                        .progress = state_progress,
                        .say = say_line};
    struct migrate_origin origin = {0};
    int r;

    if (o->resume + o->abort + !str_empty(o->to) != 1)
        return fail(err, EINVAL, "one of --to, --resume and --abort is needed");
    if (o->keep && !o->dry_run)
        return fail(err, EINVAL, "--keep goes with --dry-run: the old store is always kept");
    if ((o->resume || o->abort) && o->dry_run)
        return fail(err, EINVAL, "--dry-run goes with --to");
    r = cli_inside(cli, &m.conf, err);
    if (r < 0)
        return r;
    migrate_find_type(m.conf, &origin);
    state_catch_signals();
    if (o->abort)
        r = migrate_abort(&m, err);
    else
        r = o->resume ? migrate_resume(&m, err) : migrate_run(&m, err);
    state_progress_end();
    if (r == 0 && m.done)
        r = settle_config(cli, &origin, m.moved_to, o->write_config, err);
    free(origin.file);
    free(m.moved_to);
    return r;
}

const struct cmd cmd_state_migrate = {
    .name = "state migrate",
    .args = "[options]",
    .summary = "Move the state store to another backend",
    .text =
        "Move the state store to another backend. The new store is made beside the old one and "
        "compared with it, record by record, before it takes its place; the old one is kept "
        "under another name. No container may be running. A move that was killed is finished "
        "by --resume or undone by --abort; until then berth refuses to use either store.",
    .opts = move_options,
    .size = sizeof(struct move_opts),
    .interspersed = true,
    .run = migrate_cmd,
};

/* ------------------------------------------------------------------ compact */

struct compact_opts {
    bool stop;
};

static const struct opt compact_options[] = {
    {"stop", 0, OPT_BOOL, offsetof(struct compact_opts, stop), "", "",
     "Stop the containers that are running"},
    {""},
};

static int compact_cmd(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                       struct berth_error *err)
{
    struct compact_opts *o = opts;
    struct migrate m = {.stop = o->stop, .progress = state_progress, .say = say_line};
    uint64_t before = 0, after = 0;
    int r = cli_inside(cli, &m.conf, err);

    if (r < 0)
        return r;
    state_catch_signals();
    r = migrate_compact(&m, &before, &after, err);
    state_progress_end();
    if (r == 0)
        printf("%llu bytes before, %llu now\n", (unsigned long long)before,
               (unsigned long long)after);
    return r;
}

const struct cmd cmd_state_compact = {
    .name = "state compact",
    .args = "[options]",
    .summary = "Give back the room that removed records left",
    .text =
        "Write the state store anew, without the room that removed records left, compare it "
        "with the old one and put it in its place. No container may be running.",
    .opts = compact_options,
    .size = sizeof(struct compact_opts),
    .interspersed = true,
    .run = compact_cmd,
};
