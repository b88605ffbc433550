/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_system.c - system locks, renumber, refresh, migrate. */
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/format.h"
#include "engine/boot.h"
#include "engine/renumber.h"
#include "engine/system_locks.h"
#include "engine/system_migrate.h"

/* -------------------------------------------------------------------- locks */

#define LOCKS_TABLE                                                                            \
    "table {{.Lock}}\t{{.Allocated}}\t{{.Held}}\t{{.Kind}}\t{{.Name}}\t{{.ID}}\t{{.Problem}}"

struct locks_opts {
    char *format;
    bool no_trunc, quiet;
};

static json *lock_json(const struct lock_row *row, const struct locks_opts *o, bool full)
{
    const struct numbered *owner = row->owner;
    const char *id = owner ? owner->id : "", *problem = lock_row_problem(row);
    json *line = json_new();
    char short_id[ID_SHORT_LEN + 1];

    snprintf(short_id, sizeof(short_id), "%s", id);
    json_set_i64(line, "Lock", row->lock);
    json_set_bool(line, "Allocated", row->allocated);
    json_set_bool(line, "Held", row->held);
    json_set_str(line, "Kind",
                 owner            ? numbered_kind(owner->kind)
                 : row->elsewhere ? "(other store)"
                                  : "");
    json_set_str(line, "Name", owner ? str_or(owner->name, "") : "");
    json_set_str(line, "ID", full || o->no_trunc ? id : short_id);
    json_set_str(line, "Problem", problem ? problem : "");
    return line;
}

static json *locks_headers(void)
{
    static const char *const columns[][2] = {{"Lock", "LOCK"},      {"Allocated", "ALLOCATED"},
                                             {"Held", "HELD"},      {"Kind", "KIND"},
                                             {"Name", "NAME"},      {"ID", "ID"},
                                             {"Problem", "PROBLEM"}};
    json *headers = json_new();

    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        json_set_str(headers, columns[i][0], columns[i][1]);
    return headers;
}

static int locks_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                     struct berth_error *err)
{
    const struct locks_opts *o = opts;
    _cleanup_lock_rows_ struct lock_rows rows = {0};
    _cleanup_format_ struct format format = {0};
    _cleanup_json_ json *list = json_new_array(), *headers = locks_headers();
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    bool as_json = format_is_json(str_or(o->format, ""));
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    if (r == 0 && !as_json)
        r = format_parse("system locks",
                         o->quiet && str_empty(o->format) ? "{{.Lock}}"
                                                          : str_or(o->format, LOCKS_TABLE),
                         true, &format, err);
    if (r == 0)
        r = system_locks(e, &rows, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < rows.n; i++)
        if (!o->quiet || lock_row_problem(&rows.items[i]))
            json_add(list, lock_json(&rows.items[i], o, as_json));
    if (as_json)
        format_json(list, &text);
    else
        r = format_run(&format, list, headers, &text, err);
    fputs(buf_str(&text), stdout);
    return r;
}

#define AT(member) offsetof(struct locks_opts, member)
static const struct opt locks_options[] = {
    {"format", 0, OPT_STRING, AT(format), "format", "",
     "Print in this form: \"json\", or a Go template"},
    {"no-trunc", 0, OPT_BOOL, AT(no_trunc), "", "", "Print IDs in full"},
    {"quiet", 'q', OPT_BOOL, AT(quiet), "", "",
     "Print only the numbers of locks that something is wrong with"},
    {""}};
#undef AT

const struct cmd cmd_system_locks = {
    .name = "system locks",
    .args = "[options]",
    .summary = "Show which lock is whose",
    .text = "Show every lock number that is allocated or that a container, pod or volume has: "
            "whether it is allocated, whether somebody holds it now, whose it is, and what is "
            "wrong with it: \"used twice\", \"used by another store too\", \"not "
            "allocated\", \"nobody's\", \"no usable number\".  `berth system check --repair` "
            "mends these, and `berth system renumber` gives all objects new numbers.",
    .opts = locks_options,
    .size = sizeof(struct locks_opts),
    .interspersed = true,
    .run = locks_run,
};

/* ----------------------------------------------------------------- renumber */

static int renumber_run(struct cli *cli, void *opts _unused_, int argc _unused_,
                        char **argv _unused_, struct berth_error *err)
{
    struct engine *e;
    int r = cli_engine(cli, ENGINE_NO_BOOT, &e, err);

    return r < 0 ? r : renumber(e, err);
}

const struct cmd cmd_system_renumber = {
    .name = "system renumber",
    .summary = "Give every object a new lock number",
    .text = "Give all containers, pods and volumes new lock numbers, and make the locks anew "
            "if num_locks was changed.  Needed after such a change and where numbers are used "
            "twice.  No other command should run meanwhile.",
    .interspersed = true,
    .run = renumber_run,
};

/* ------------------------------------------------------------------ refresh */

static int refresh_run(struct cli *cli, void *opts _unused_, int argc _unused_,
                       char **argv _unused_, struct berth_error *err)
{
    struct engine *e;
    int r = cli_engine(cli, ENGINE_NO_BOOT, &e, err);

    return r < 0 ? r : boot_refresh(e, err);
}

const struct cmd cmd_system_refresh = {
    .name = "system refresh",
    .summary = "Put everything right as after a boot",
    .text = "Do what the first command after a boot of the machine does: forget what no longer "
            "runs, make directories, claim lock numbers.  Containers that run are left alone.",
    .interspersed = true,
    .run = refresh_run,
};

/* ------------------------------------------------------------------ migrate */

struct migrate_opts {
    char *new_runtime;
};

static void print_stopped(const struct ctr *c)
{
    printf("stopped %s\n", c->id);
    fflush(stdout);
}

static int migrate_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                       struct berth_error *err)
{
    const struct migrate_opts *o = opts;
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    return r < 0 ? r : system_migrate(e, o->new_runtime, print_stopped, err);
}

static const struct opt migrate_options[] = {
    {"new-runtime", 0, OPT_STRING, offsetof(struct migrate_opts, new_runtime), "name", "",
     "Let all containers run with this OCI runtime from now on"},
    {""}};

const struct cmd cmd_system_migrate = {
    .name = "system migrate",
    .args = "[options]",
    .summary = "Move containers to another version or runtime",
    .text = "Stop all running containers, and change what is recorded of all of them as a new "
            "version or another OCI runtime needs it.  They are not started again.",
    .opts = migrate_options,
    .size = sizeof(struct migrate_opts),
    .interspersed = true,
    .run = migrate_run,
};
