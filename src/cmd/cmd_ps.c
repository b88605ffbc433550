/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ps.c - `berth ps`: the list of containers. */
#include "base/str.h"
#include "base/time.h"
#include "cmd/format.h"
#include "cmd/ps.h"
#include "cmd/table.h"
#include <time.h>

#define SORTS "command, created, id, image, names, runningfor, size, status"

struct ps_opts {
    bool all, external, latest, no_trunc, noheading, ns, pod, quiet, size, sync;
    struct berth_list filter;
    char *format, *sort;
    int64_t last;
    uint64_t watch;
};

#define AT(member) offsetof(struct ps_opts, member)
static const struct opt ps_options[] = {
    {"all", 'a', OPT_BOOL, AT(all), "", "", "Show all containers, not only running ones"},
    {"external", 0, OPT_BOOL, AT(external), "", "",
     "Show containers of other programs in the same storage, too"},
    {"filter", 'f', OPT_CSV, AT(filter), "", "",
     "Show containers that fit a condition such as status=exited (see the manual)"},
    {"format", 0, OPT_STRING, AT(format), "", "",
     "Print as JSON (\"json\") or by a Go template"},
    {"last", 'n', OPT_INT, AT(last), "", "-1", "Show the N newest containers, running or not"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Show the newest container"},
    {"no-trunc", 0, OPT_BOOL, AT(no_trunc), "", "", "Cut nothing short"},
    {"noheading", 0, OPT_BOOL, AT(noheading), "", "", "Print no titles"},
    {"ns", 0, OPT_BOOL, AT(ns), "", "", "Show the namespaces of each container"},
    {"pod", 'p', OPT_BOOL, AT(pod), "", "", "Show ID and name of each container's pod"},
    {"quiet", 'q', OPT_BOOL, AT(quiet), "", "", "Print IDs only"},
    {"size", 's', OPT_BOOL, AT(size), "", "", "Show how much each container wrote"},
    {"sort", 0, OPT_STRING, AT(sort), "KEY", "created", "Sort by one of: " SORTS},
    {"sync", 0, OPT_BOOL, AT(sync), "", "",
     "Look after every container first, not only after those that seem to have ended"},
    {"watch", 'w', OPT_UINT, AT(watch), "", "", "Print the list again every N seconds"},
    {""}};

static int check_options(const struct ps_opts *o, int argc, struct berth_error *err)
{
    (void)argc;
    if (o->last >= 0 && o->latest)
        return fail(err, EINVAL, "last and latest are mutually exclusive");
    if (o->quiet && (o->size || o->ns))
        return fail(err, EINVAL, "quiet conflicts with size and namespace");
    if (o->size && o->ns)
        return fail(err, EINVAL, "size and namespace options conflict");
    for (const char *at = SORTS; at;) {
        size_t len = strcspn(at, ",");

        if (strlen(o->sort) == len && strncmp(at, o->sort, len) == 0)
            return 0;
        at = at[len] ? at + len + 2 : NULL;
    }
    return fail(err, EINVAL,
                "invalid argument \"%s\" for \"--sort\" flag: \"%s\" is not a valid value.  "
                "Choose from: \"" SORTS "\"\nSee 'berth ps --help'",
                o->sort, o->sort);
}

static void put_id(const char *id, bool whole, struct berth_buf *out)
{
    buf_put(out, id, MIN(strlen(id), whole ? (size_t)ID_LEN : (size_t)ID_SHORT_LEN));
}

static void put_row(const struct ps_opts *o, const struct row *row, struct berth_buf *out)
{
    char age[TIME_TEXT_MAX];

    put_id(row->id, o->no_trunc, out);
    buf_printf(out, "\t%s\t", str_or(row->image, ""));
    row_command(row, o->no_trunc, out);
    buf_printf(out, "\t%s ago\t", time_human(time_now() - row->created, age));
    row_status(row, out);
    buf_putc(out, '\t');
    row_ports(row, out);
    buf_printf(out, "\t%s", str_or(row->name, ""));
    if (o->pod) {
        buf_putc(out, '\t');
        put_id(str_or(row->pod, ""), o->no_trunc, out);
        buf_printf(out, "\t%s", str_or(row->pod_name, ""));
    }
    if (o->size) {
        buf_putc(out, '\t');
        row_size(row, out);
    }
    buf_putc(out, '\n');
}

static void put_spaces(const struct ps_opts *o, const struct row *row, struct berth_buf *out)
{
    static const enum ps_space order[] = {SPACE_CGROUP, SPACE_IPC,  SPACE_MNT, SPACE_NET,
                                          SPACE_PID,    SPACE_USER, SPACE_UTS};

    put_id(row->id, o->no_trunc, out);
    buf_printf(out, "\t%s\t%lld", str_or(row->name, ""), (long long)row->pid);
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        buf_printf(out, "\t%s", str_or(row->spaces[order[i]], ""));
    buf_putc(out, '\n');
}

static int print_table(const struct ps_opts *o, const struct rows *rows,
                       struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT, aligned = BUF_INIT;

    if (!o->noheading && o->ns)
        buf_puts(&text,
                 "CONTAINER ID\tNAMES\tPID\tCGROUPNS\tIPC\tMNT\tNET\tPIDNS\tUSERNS\tUTS\n");
    else if (!o->noheading)
        buf_printf(&text, "CONTAINER ID\tIMAGE\tCOMMAND\tCREATED\tSTATUS\tPORTS\tNAMES%s%s\n",
                   o->pod ? "\tPOD ID\tPODNAME" : "", o->size ? "\tSIZE" : "");
    for (size_t i = 0; i < rows->n; i++) {
        if (o->ns)
            put_spaces(o, &rows->items[i], &text);
        else
            put_row(o, &rows->items[i], &text);
    }
    if (buf_error(&text) || table_align(buf_str(&text), text.len, &aligned) < 0)
        return fail(err, ENOMEM, "out of memory");
    fputs(buf_str(&aligned), stdout);
    return 0;
}

static int print_format(const struct ps_opts *o, const struct format *format,
                        const struct rows *rows, struct berth_error *err)
{
    _cleanup_json_ json *data = json_new_array(), *headers = ps_headers();
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r;

    for (size_t i = 0; i < rows->n; i++)
        json_add(data, format->kind == FORMAT_JSON
                           ? row_document(&rows->items[i])
                           : row_reporter(&rows->items[i], o->no_trunc, o->size));
    r = format_run(format, data, o->noheading ? NULL : headers, &text, err);
    fputs(buf_str(&text), stdout);
    return r;
}

static int print_rows(const struct ps_opts *o, const struct format *format,
                      const struct rows *rows, struct berth_error *err)
{
    if (o->format)
        return print_format(o, format, rows, err);
    if (!o->quiet)
        return print_table(o, rows, err);
    for (size_t i = 0; i < rows->n; i++)
        printf("%.*s\n", o->no_trunc ? ID_LEN : ID_SHORT_LEN, rows->items[i].id);
    return 0;
}

/* What of the containers is to be read for these options. */
static unsigned wanted(const struct ps_opts *o, const struct format *format)
{
    unsigned want = PS_CREATED; /* the default order */

    if (o->format && format->kind == FORMAT_JSON)
        want |= PS_ALL & ~(PS_SPACES | PS_SIZE | PS_POD_NAME | PS_POLICY | PS_VOLUMES);
    else if (o->format)
        want |= ps_wanted(format->t) & ~PS_POD_NAME;
    else if (!o->quiet && !o->ns)
        want |= PS_IMAGE | PS_COMMAND | PS_PORTS | PS_HEALTH;
    if (o->ns)
        want |= PS_SPACES;
    if (o->pod)
        want |= PS_POD_NAME;
    if (o->size)
        want |= PS_SIZE;
    if (o->external)
        want |= PS_EXTERNAL;
    if (o->sync)
        want |= PS_SYNC;
    if (str_eq(o->sort, "command"))
        want |= PS_COMMAND;
    if (str_eq(o->sort, "image"))
        want |= PS_IMAGE;
    return want;
}

static int list_once(struct engine *e, const struct ps_opts *o, const struct format *format,
                     struct berth_error *err)
{
    _cleanup_rows_ struct rows rows = {0};
    struct ps_filter *filter = NULL;
    unsigned want = wanted(o, format);
    int64_t last = o->latest ? 1 : o->last;
    int r = ps_filter_parse(&o->filter, &filter, &want, err);

    if (r < 0)
        return r;
    r = rows_read(e, want, &rows, err);
    if (r == 0)
        r = ps_filter_prepare(filter, &rows, err);
    if (r == 0)
        rows_select(&rows, filter, o->all || last > 0 || ps_filter_has(filter, "status"), last,
                    o->sort);
    ps_filter_free(filter);
    for (size_t i = 0; i < rows.n && r == 0; i++)
        r = row_complete(e, &rows.items[i], want, err);
    if (r == 0 && str_eq(o->sort, "size"))
        rows_sort(&rows, o->sort);
    return r < 0 ? r : print_rows(o, format, &rows, err);
}

static int ps_run(struct cli *cli, void *opts, int argc, char **argv _unused_,
                  struct berth_error *err)
{
    const struct ps_opts *o = opts;
    _cleanup_format_ struct format format = {0};
    struct engine *e;
    int r = check_options(o, argc, err);

    if (r == 0 && o->format)
        r = format_parse("ps", o->format, true, &format, err);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r < 0)
        return r;
    for (;;) {
        r = list_once(e, o, &format, err);
        if (r < 0 || !o->watch)
            return r;
        fflush(stdout);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_sec = (time_t)o->watch},
                        NULL);
        fputs("\033[2J\033[H", stdout); /* clear the screen */
    }
}

const struct cmd cmd_ps = {
    .name = "ps",
    .aliases = "container list,container ls",
    .args = "[options]",
    .summary = "List containers",
    .text = "Prints the running containers, or with -a all of them, oldest first.",
    .opts = ps_options,
    .size = sizeof(struct ps_opts),
    .interspersed = true,
    .run = ps_run,
};
