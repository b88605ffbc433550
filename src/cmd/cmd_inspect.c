/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_inspect.c - `berth inspect`: all about a container. */
#include "base/list.h"
#include "base/str.h"
#include "cmd/each.h"
#include "cmd/format.h"
#include "cmd/inspect.h"

struct inspect_opts {
    char *format, *type;
    bool size, latest;
};

#define AT(member) offsetof(struct inspect_opts, member)
static const struct opt inspect_options[] = {
    {"format", 'f', OPT_STRING, AT(format), "", "json",
     "Print as JSON (\"json\") or by a Go template"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Show the newest container"},
    {"size", 's', OPT_BOOL, AT(size), "", "", "Show how much it wrote"},
    {"type", 't', OPT_STRING, AT(type), "TYPE", "all",
     "What is meant: container, or all, which is the same"},
    {""}};
static const struct opt container_options[] = {
    {"format", 'f', OPT_STRING, AT(format), "", "json",
     "Print as JSON (\"json\") or by a Go template"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Show the newest container"},
    {"size", 's', OPT_BOOL, AT(size), "", "", "Show how much it wrote"},
    {""}};

/* The template as written for containers of Docker: three fields have other names. */
static char *old_names(const char *format)
{
    static const struct {
        const char *old, *now;
    } names[] = {{".Src", ".Source"}, {".Dst", ".Destination"}, {".ImageID", ".Image"}};
    _cleanup_buf_ struct berth_buf out = BUF_INIT;

    while (*format) {
        size_t n;

        for (n = 0; n < ARRAY_LEN(names); n++) {
            const char *rest = str_starts(format, names[n].old);

            if (rest && strchr(" }|)", *rest)) {
                buf_puts(&out, names[n].now);
                format = rest;
                break;
            }
        }
        if (n == ARRAY_LEN(names))
            buf_putc(&out, *format++);
    }
    return buf_steal(&out);
}

static int inspect_one(struct engine *e, const char *name, const struct inspect_opts *o,
                       bool marked, bool generic, json *out, struct berth_error *err)
{
    _cleanup_ctr_ struct ctr *c = NULL;
    json *document;
    int r = ctr_lookup(e, name, &c, err);

    if (r == -ENOENT)
        return generic && str_eq(o->type, "all")
                   ? fail(err, ENOENT, "no such object: \"%s\"", name)
                   : fail(err, ENOENT, "no such container %s", name);
    if (r < 0)
        return r;
    if (ctr_is_stale(e, c->id, ctr_status(c), json_i64(c->state, "pid", 0),
                     json_i64(c->state, "conmonPid", 0))) {
        r = ctr_lock(c, err); /* its process ended: the record follows */
        if (r < 0)
            return r;
        ctr_unlock(c);
    }
    r = inspect_ctr(c, o->size, marked, &document, err);
    if (r == 0)
        json_add(out, document);
    return r;
}

static int check_type(const struct inspect_opts *o, struct berth_error *err)
{
    static const char *const types[] = {"image",   "container", "pod",
                                        "network", "volume",    "all"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq(types[i], o->type))
            return 0;
    return fail(err, EINVAL,
                "invalid type \"%s\": must be \"image\", \"container\", \"pod\", \"network\", "
                "\"volume\", or \"all\"",
                o->type);
}

static int print_documents(const struct format *format, json *documents,
                           struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = 0;

    if (format->kind == FORMAT_JSON) {
        json_write_pretty(documents, JSON_RAW, "", "     ", &text);
        buf_putc(&text, '\n');
    } else {
        r = format_run(format, documents, NULL, &text, err);
        if (r < 0)
            error_wrap(err, "inspecting object: printing inspect output");
    }
    fputs(buf_str(&text), stdout);
    return r;
}

static int inspect_all(struct cli *cli, const struct inspect_opts *o, bool generic, char **argv,
                       struct berth_error *err)
{
    _cleanup_format_ struct format format = {0};
    _cleanup_list_ struct berth_list names = LIST_INIT;
    _cleanup_json_ json *documents = json_new_array();
    _cleanup_free_ char *text = old_names(o->format);
    _cleanup_error_ struct berth_error first = ERROR_INIT;
    struct engine *e;
    int r = text ? format_parse("inspect", text, true, &format, err) : -ENOMEM;

    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r == 0 && o->latest) {
        _cleanup_ctr_ struct ctr *c = NULL;

        r = ctr_latest(e, &c, err);
        if (r == 0)
            list_add(&names, c->id);
    }
    if (r < 0)
        return r;
    list_addv(&names, (const char *const *)(uintptr_t)argv);
    for (size_t i = 0; i < names.n; i++) {
        _cleanup_error_ struct berth_error one = ERROR_INIT;

        r = inspect_one(e, names.items[i], o, format.kind != FORMAT_JSON, generic, documents,
                        &one);
        if (r < 0 && r != -ENOENT) {
            error_move(err, &one);
            return error_wrap(err, "inspecting object");
        }
        if (r < 0 && !first.code)
            error_move(&first, &one);
        else if (r < 0)
            cli_print_error(&one);
    }
    if (json_len(documents) || format.kind == FORMAT_JSON)
        r = print_documents(&format, documents, err);
    else
        r = 0;
    if (r == 0 && first.code) {
        error_move(err, &first);
        return error_wrap(err, "inspecting object");
    }
    return r;
}

static int check_args(const struct inspect_opts *o, int argc, struct berth_error *err)
{
    if (o->latest && argc)
        return fail(err, EINVAL, "--latest and arguments cannot be used together");
    if (!o->latest && !argc)
        return fail(err, EINVAL, "no names or ids specified");
    return 0;
}

static int inspect_run(struct cli *cli, void *opts, int argc, char **argv,
                       struct berth_error *err)
{
    const struct inspect_opts *o = opts;
    int r = check_args(o, argc, err);

    if (r == 0)
        r = check_type(o, err);
    if (r == 0 && !str_eq(o->type, "all") && !str_eq(o->type, "container"))
        return fail(err, ENOTSUP, "berth inspects containers only, not objects of type \"%s\"",
                    o->type);
    return r < 0 ? r : inspect_all(cli, o, true, argv, err);
}

static int container_inspect_run(struct cli *cli, void *opts, int argc, char **argv,
                                 struct berth_error *err)
{
    int r = check_args(opts, argc, err);

    return r < 0 ? r : inspect_all(cli, opts, false, argv, err);
}

const struct cmd cmd_inspect = {
    .name = "inspect",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Show all about containers",
    .text = "Prints the documents of containers as one JSON list, or what a template makes of\n"
            "each.",
    .opts = inspect_options,
    .size = sizeof(struct inspect_opts),
    .interspersed = true,
    .max_args = -1,
    .run = inspect_run,
};

const struct cmd cmd_container_inspect = {
    .name = "container inspect",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Show all about containers",
    .opts = container_options,
    .size = sizeof(struct inspect_opts),
    .interspersed = true,
    .max_args = -1,
    .run = container_inspect_run,
};
