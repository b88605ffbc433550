/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plugin.c - plugin list, plugin info. */
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/format.h"
#include "load/describe.h"
#include "load/load.h"

/* --------------------------------------------------------------------- list */

#define LIST_TABLE "table {{.Kind}}\t{{.Name}}\t{{.ABI}}\t{{.Path}}\t{{.Status}}"

struct list_opts {
    char *format;
};

static const struct opt list_options[] = {{"format", 'f', OPT_STRING,
                                           offsetof(struct list_opts, format), "format", "",
                                           "Print as JSON (\"json\") or by a Go template"},
                                          {""}};

/* What is wrong with a plugin as far as can be told without loading it; "" if nothing. */
static void find_problem(const struct plugin_note *n, struct berth_buf *out)
{
    _cleanup_list_ struct berth_list missing = LIST_INIT;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_free_ char *joined = NULL;

    if (n->problem) {
        buf_puts(out, n->problem);
    } else if (!str_eq(n->path, "builtin")) {
        if (plugin_missing_libraries(n->path, &missing, &why) < 0)
            buf_puts(out, error_text(&why));
        joined = list_join(&missing, "; ");
        buf_puts(out, str_or(joined, ""));
    }
}

static json *list_row(const struct plugin_note *n)
{
    _cleanup_buf_ struct berth_buf problem = BUF_INIT, abi = BUF_INIT;
    json *row = json_new();

    find_problem(n, &problem);
    if (n->abi_major)
        buf_printf(&abi, "%u.%u/%u.%u", n->abi_major, n->abi_minor, n->ops_major, n->ops_minor);
    else
        buf_puts(&abi, "-");
    json_set_str(row, "Kind", n->kind ? plugin_kind_name(n->kind) : "-");
    json_set_str(row, "Name", n->name);
    json_set_str(row, "Module", n->module);
    json_set_str(row, "ABI", buf_str(&abi));
    json_set_str(row, "Path", n->path);
    json_set_str(row, "Problem", buf_str(&problem));
    json_set_str(row, "Status", problem.len ? buf_str(&problem) : "ok");
    return row;
}

static json *list_headers(void)
{
    static const char *const columns[] = {"Kind", "Name",    "Module", "ABI",
                                          "Path", "Problem", "Status"};
    json *headers = json_new();

    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        char title[16];
        size_t n = 0;

        for (; columns[i][n]; n++)
            title[n] = (char)(columns[i][n] & ~0x20);
        title[n] = '\0';
        json_set_str(headers, columns[i], title);
    }
    return headers;
}

static int list_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                    struct berth_error *err)
{
    const struct list_opts *o = opts;
    _cleanup_format_ struct format format = {0};
    _cleanup_json_ json *rows = json_new_array(), *headers = list_headers();
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct plugin_note *notes;
    struct conf *c;
    size_t n;
    int r = cli_conf(cli, &c, err);

    if (r == 0 && !format_is_json(str_or(o->format, "")))
        r = format_parse("plugin list", str_or(o->format, LIST_TABLE), true, &format, err);
    if (r == 0)
        r = plugin_notes(c, &notes, &n, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        json_add(rows, list_row(&notes[i]));
    plugin_notes_free(notes, n);
    if (format.t)
        r = format_run(&format, rows, headers, &text, err);
    else
        format_json(rows, &text);
    fputs(buf_str(&text), stdout);
    return r;
}

const struct cmd cmd_plugin_list = {
    .name = "plugin list",
    .aliases = "plugin ls",
    .args = "[options]",
    .summary = "List the plugins that are installed",
    .text = "List the plugins that are installed or linked in, from what their files say; none "
            "is loaded, so plugins whose libraries are missing are listed too, with what they "
            "lack.",
    .opts = list_options,
    .size = sizeof(struct list_opts),
    .interspersed = true,
    .run = list_run,
};

/* --------------------------------------------------------------------- info */

static void print_caps(const struct describe_kind *k, uint64_t caps)
{
    const char *comma = "";

    printf("caps=");
    for (unsigned bit = 0; k->caps[bit]; bit++)
        if (caps & (1ull << bit)) {
            printf("%s%s", comma, k->caps[bit]);
            comma = ",";
        }
    putchar('\n');
}

static void print_optional(const struct describe_kind *k, const void *ops)
{
    for (size_t i = 0; i < k->n_ops; i++) {
        void (*fn)(void);

        if (!k->ops[i].optional)
            continue;
        memcpy(&fn, (const char *)ops + k->ops[i].offset, sizeof(fn));
        printf("has_%s=%d\n", k->ops[i].name, fn != NULL);
    }
}

static void print_options(const struct plugin *p)
{
    static const char *const types[] = {"", "string", "path", "int", "size", "bool", "time"};

    for (uint32_t i = 0; i < p->desc.n_options; i++) {
        const struct berth_option *o = &p->desc.options[i];

        printf("option.%s=%s%s%s\n", o->name, types[o->type],
               o->flags & BERTH_OPTION_REQUIRED ? ",required" : "",
               o->flags & BERTH_OPTION_DEPRECATED ? ",deprecated" : "");
        if (o->preset)
            printf("option.%s.default=%s\n", o->name, o->preset);
        if (o->help)
            printf("option.%s.help=%s\n", o->name, o->help);
    }
}

static void print_info(const struct plugin *p)
{
    static const char *const threads[] = {"one", "instance", "parallel"};
    const struct describe_kind *k = describe_kind(p->desc.kind);

    printf("path=%s\nmodule=%s\nkind=%s\nname=%s\n", p->path, p->module, k->word, p->desc.name);
    printf("version=%s\nsummary=%s\nlicense=%s\ncontact=%s\n", p->desc.version, p->desc.summary,
           p->desc.license, p->desc.contact);
    printf("abi=%u.%u\nops_abi=%u.%u\n", p->desc.abi_major, p->desc.abi_minor,
           p->desc.ops_major, p->desc.ops_minor);
    printf("needs=%u.%u\nops_needs=%u.%u\n", p->desc.abi_major, p->desc.abi_needs,
           p->desc.ops_major, p->desc.ops_needs);
    printf("size=%u\nops_size=%u\nthreads=%s\n", p->file_size, p->file_ops_size,
           threads[p->desc.threads]);
    print_caps(k, p->desc.caps);
    print_optional(k, p->ops);
    print_options(p);
}

static int info_run(struct cli *cli, void *opts _unused_, int argc _unused_, char **argv,
                    struct berth_error *err)
{
    const struct plugin *p = NULL;
    const char *name = NULL;
    struct conf *c;
    uint32_t kind;
    int r = cli_conf(cli, &c, err);

    if (r < 0)
        return r;
    kind = note_module_kind(argv[0], &name);
    if (strchr(argv[0], '/') || str_ends(argv[0], ".so"))
        r = plugin_load_file(c, argv[0], &p, err);
    else if (kind)
        r = plugin_load(c, kind, name, &p, err);
    else
        r = fail(err, EINVAL,
                 "\"%s\" is neither a plugin like state_%s nor a file: see `berth plugin list`",
                 argv[0], BERTH_DEFAULT_STATE);
    if (r == 0)
        print_info(p);
    return r;
}

const struct cmd cmd_plugin_info = {
    .name = "plugin info",
    .args = "NAME|FILE",
    .summary = "Show what a plugin says of itself",
    .text = "Load a plugin, by its name (kind and name, like lock_file) or its file, and print "
            "what it says of itself as lines of key=value, with the options that its section "
            "in berth.conf may have.",
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = info_run,
};
