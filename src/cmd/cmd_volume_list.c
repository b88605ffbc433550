/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_volume_list.c - volume inspect and ls. */
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/volumes.h"
#include "engine/store.h"

/* ----------------------------------------------------------------------- ls */

#define LIST_TABLE "table {{.Driver}}\t{{.Name}}"

struct list_opts {
    struct berth_list filter;
    char *format;
    bool noheading, quiet;
};

#define AT(member) offsetof(struct list_opts, member)
static const struct opt list_options[] = {
    {"filter", 'f', OPT_CSV, AT(filter), "condition", "",
     "Only those that fit: dangling, driver, label, name, opt, scope or until"},
    {"format", 0, OPT_STRING, AT(format), "format", "",
     "Print as JSON (\"json\") or by a Go template"},
    {"noheading", 0, OPT_BOOL, AT(noheading), "", "", "Print no titles"},
    {"quiet", 'q', OPT_BOOL, AT(quiet), "", "", "Print names only"},
    {""}};
#undef AT

static json *list_headers(void)
{
    static const char *const titles[][2] = {{"Name", "VOLUME NAME"},
                                            {"Driver", "DRIVER"},
                                            {"Mountpoint", "MOUNTPOINT"},
                                            {"CreatedAt", "CREATED AT"},
                                            {"Status", "STATUS"},
                                            {"Labels", "LABELS"},
                                            {"Scope", "SCOPE"},
                                            {"Options", "OPTIONS"},
                                            {"UID", "UID"},
                                            {"GID", "GID"},
                                            {"Anonymous", "ANONYMOUS"},
                                            {"MountCount", "MOUNT COUNT"},
                                            {"NeedsCopyUp", "NEEDS COPY UP"},
                                            {"NeedsChown", "NEEDS CHOWN"},
                                            {"Timeout", "TIMEOUT"},
                                            {"StorageID", "STORAGE ID"}};
    json *headers = json_new();

    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        json_set_str(headers, titles[i][0], titles[i][1]);
    return headers;
}

static int gather(struct engine *e, const struct volume_filter *filter, bool for_template,
                  json *rows, struct berth_error *err)
{
    struct volume **all = NULL;
    size_t n = 0;
    int r = volume_load_all(e, &all, &n, err);

    for (size_t i = 0; r == 0 && i < n; i++) {
        int fits = volume_filter_match(filter, all[i], false, err);

        if (fits == -ENOENT) /* it went meanwhile */
            error_clear(err);
        else if (fits < 0)
            r = fits;
        else if (fits)
            json_add(rows, volume_document(all[i], for_template));
    }
    volume_free_all(all, n);
    return r;
}

static int list_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                    struct berth_error *err)
{
    const struct list_opts *o = opts;
    const char *how = o->quiet ? "{{.Name}}" : str_or(o->format, LIST_TABLE);
    _cleanup_volume_filter_ struct volume_filter *filter = NULL;
    _cleanup_format_ struct format format = {0};
    _cleanup_json_ json *rows = json_new_array(), *headers = list_headers();
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct engine *e;
    int r;

    if (o->quiet && cli_given(cli, "format"))
        return fail(err, EINVAL, "quiet and format flags cannot be used together");
    r = format_parse("list", how, true, &format, err);
    if (r == 0)
        r = volume_filter_parse(&o->filter, false, &filter, err);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = gather(e, filter, format.kind != FORMAT_JSON, rows, err);
    if (r == 0 && (json_len(rows) || format.kind == FORMAT_JSON))
        r = format_run(&format, rows, o->noheading ? NULL : headers, &text, err);
    fputs(buf_str(&text), stdout);
    return r;
}

const struct cmd cmd_volume_list = {
    .name = "volume ls",
    .aliases = "volume list",
    .args = "[options]",
    .summary = "List volumes",
    .opts = list_options,
    .size = sizeof(struct list_opts),
    .interspersed = true,
    .run = list_run,
};

/* ------------------------------------------------------------------ inspect */

struct inspect_opts {
    bool all;
    char *format;
};

static const struct opt inspect_options[] = {
    {"all", 'a', OPT_BOOL, offsetof(struct inspect_opts, all), "", "", "Show every volume"},
    {"format", 'f', OPT_STRING, offsetof(struct inspect_opts, format), "format", "json",
     "Print as JSON (\"json\") or by a Go template"},
    {""}};

/* Those that are missing: the first is returned, the others are printed after the rest. */
static int find_named(struct engine *e, int argc, char **argv, bool for_template, json *rows,
                      struct berth_list *missing, struct berth_error *err)
{
    for (int i = 0; i < argc; i++) {
        _cleanup_volume_ struct volume *v = NULL;
        int r = volume_lookup(e, argv[i], &v, err);

        if (r == 0) {
            json_add(rows, volume_document(v, for_template));
        } else if (r == -ENOENT) {
            error_clear(err);
            list_add(missing, argv[i]);
        } else {
            return error_wrap(err, "inspecting object");
        }
    }
    return 0;
}

static int print_inspected(const struct format *format, json *rows, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = 0;

    if (format->kind == FORMAT_JSON) {
        json_write_pretty(rows, JSON_RAW, "", "     ", &text);
        buf_putc(&text, '\n');
    } else if (json_len(rows)) {
        r = format_run(format, rows, NULL, &text, err);
        if (r < 0)
            error_wrap(err, "inspecting object: printing inspect output");
    }
    fputs(buf_str(&text), stdout);
    return r;
}

static int inspect_run(struct cli *cli, void *opts, int argc, char **argv,
                       struct berth_error *err)
{
    const struct inspect_opts *o = opts;
    _cleanup_volume_filter_ struct volume_filter *none = NULL;
    _cleanup_format_ struct format format = {0};
    _cleanup_json_ json *rows = json_new_array();
    _cleanup_list_ struct berth_list missing = LIST_INIT;
    struct engine *e;
    int r;

    if ((argc > 0) == o->all)
        return fail(err, EINVAL, "provide one or more volume names or use --all");
    r = format_parse("inspect", o->format, true, &format, err);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = volume_filter_parse(&missing, false, &none, err);
    if (r == 0)
        r = o->all ? gather(e, none, format.kind != FORMAT_JSON, rows, err)
                   : find_named(e, argc, argv, format.kind != FORMAT_JSON, rows, &missing, err);
    if (r == 0)
        r = print_inspected(&format, rows, err);
    if (r < 0 || missing.n == 0)
        return r;
    fflush(stdout);
    for (size_t i = 1; i < missing.n; i++)
        fprintf(stderr, "error inspecting object: no such volume %s\n", missing.items[i]);
    return fail(err, ENOENT, "inspecting object: no such volume %s", missing.items[0]);
}

const struct cmd cmd_volume_inspect = {
    .name = "volume inspect",
    .args = "[options] VOLUME [VOLUME...]",
    .summary = "Show all about volumes",
    .opts = inspect_options,
    .size = sizeof(struct inspect_opts),
    .interspersed = true,
    .max_args = -1,
    .run = inspect_run,
};
