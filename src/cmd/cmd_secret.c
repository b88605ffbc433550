/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_secret.c - secret create, exists, inspect, ls and rm. */
#include "base/fs.h"
#include "base/str.h"
#include "base/time.h"
#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/volumes.h"
#include "engine/secret.h"
#include "engine/spec_priv.h"
#include <fcntl.h>
#include <regex.h>

/* ------------------------------------------------------------------- create */

struct create_opts {
    char *driver;
    struct berth_list driver_opts, label;
    bool env;
};

#define AT(member) offsetof(struct create_opts, member)
static const struct opt create_options[] = {
    {"driver", 'd', OPT_STRING, AT(driver), "driver", "file", "Who keeps it: file or shell"},
    {"driver-opts", 0, OPT_CSV, AT(driver_opts), "name=value", "", "Option for the driver"},
    {"env", 0, OPT_BOOL, AT(env), "", "",
     "The second argument names an environment variable that has it"},
    {"label", 'l', OPT_LIST, AT(label), "name=value", "", "Attach a label"},
    {""}};
#undef AT

static int read_value(const struct create_opts *o, const char *source, struct berth_buf *out,
                      struct berth_error *err)
{
    _cleanup_close_ int fd = -1;
    int r;

    if (o->env) {
        const char *value = getenv(source);

        if (!value)
            return fail(err, ENOENT,
                        "cannot create store secret data: environment variable %s is not set",
                        source);
        return buf_puts(out, value) < 0 ? fail(err, ENOMEM, "out of memory") : 0;
    }
    if (str_eq(source, "-") && isatty(STDIN_FILENO))
        return fail(err, EINVAL, "if `-` is used, data must be passed into stdin");
    fd = str_eq(source, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                             : open(source, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return spec_fail_errno(err, errno, "open %s", source);
    r = fs_read_fd(fd, source, SECRET_MAX, out, err);
    if (r == -EFBIG)
        return fail(err, EINVAL, "secret data must be larger than 0 and less than %d bytes",
                    SECRET_MAX);
    return r;
}

static int create_run(struct cli *cli, void *opts, int argc _unused_, char **argv,
                      struct berth_error *err)
{
    const struct create_opts *o = opts;
    _cleanup_buf_ struct berth_buf value = BUF_INIT;
    _cleanup_json_ json *labels = json_new(), *options = json_new();
    struct secret_new what = {.name = argv[0], .driver = o->driver};
    char id[SECRET_ID_LEN + 1];
    struct engine *e;
    int r = read_value(o, argv[1], &value, err);

    if (r == 0)
        r = pairs_add(labels, &o->label, "label", err);
    if (r == 0)
        r = pairs_add(options, &o->driver_opts, "option", err);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r < 0)
        return r;
    what.labels = labels;
    what.options = options;
    what.data = buf_blob(&value);
    r = secret_create(e, &what, id, err);
    if (r == 0)
        puts(id);
    return r;
}

const struct cmd cmd_secret_create = {
    .name = "secret create",
    .args = "[options] NAME FILE|-",
    .summary = "Create a secret",
    .text = "Create a secret of what a file, or with \"-\" standard input, has, and print its "
            "ID. It must have fewer than 512000 bytes. The file driver keeps it unencrypted; "
            "the shell driver runs the commands of its options list, lookup, store and delete "
            "with the ID in SECRET_ID.",
    .opts = create_options,
    .size = sizeof(struct create_opts),
    .interspersed = true,
    .min_args = 2,
    .max_args = 2,
    .run = create_run,
};

/* ------------------------------------------------------------------- exists */

static int exists_run(struct cli *cli, void *opts _unused_, int argc _unused_, char **argv,
                      struct berth_error *err)
{
    _cleanup_json_ json *secret = NULL;
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    if (r == 0)
        r = secret_lookup(e, argv[0], &secret, err);
    return cli_exists(r, err);
}

const struct cmd cmd_secret_exists = {
    .name = "secret exists",
    .args = "SECRET",
    .summary = "Tell by the exit status whether a secret is there",
    .text = "The exit status is 0 if the secret is there, 1 if it is not, and 125 after an "
            "error.",
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = exists_run,
};

/* ------------------------------------------------------------------ inspect */

struct inspect_opts {
    char *format;
    bool pretty;
};

static const struct opt inspect_options[] = {
    {"format", 'f', OPT_STRING, offsetof(struct inspect_opts, format), "format", "",
     "Print by a Go template"},
    {"pretty", 0, OPT_BOOL, offsetof(struct inspect_opts, pretty), "", "",
     "Print for people to read"},
    {""}};

static json *strings(const json *o, const char *member)
{
    json *map = json_get(o, member);

    return template_type(map ? spec_sorted(json_copy(map)) : json_new(), "map[string]string");
}

static json *time_of(const json *secret)
{
    return template_type(json_new_str(str_or(json_str(secret, "createdAt"), "")), "time.Time");
}

/* As podman shows it.  Nothing changes a secret, so it was updated when it was created. */
static json *document(const json *secret)
{
    json *o = json_new(), *spec = json_new(), *driver = json_new();

    json_set_str(o, "ID", str_or(json_str(secret, "id"), ""));
    json_set(o, "CreatedAt", time_of(secret));
    json_set(o, "UpdatedAt", time_of(secret));
    json_set_str(spec, "Name", str_or(json_str(secret, "name"), ""));
    json_set_str(driver, "Name", str_or(json_str(secret, "driver"), ""));
    json_set(driver, "Options", strings(secret, "driverOptions"));
    json_set(spec, "Driver", template_type(driver, "entities.SecretDriverSpec"));
    json_set(spec, "Labels", strings(secret, "labels"));
    json_set(o, "Spec", template_type(spec, "entities.SecretSpec"));
    return template_type(o, "*entities.SecretInfoReport");
}

static void print_pretty(const json *secret)
{
    json *labels = json_get(secret, "labels");
    char text[TIME_TEXT_MAX] = "";
    berth_date created;

    if (time_parse(str_or(json_str(secret, "createdAt"), ""), &created) == 0)
        time_format_go(created, text);
    printf("ID:              %s\nName:              %s\n", json_str(secret, "id"),
           json_str(secret, "name"));
    if (labels && json_object_object_length(labels)) {
        puts("Labels:");
        json_object_object_foreach (labels, name, value) {
            const char *s = str_or(json_object_get_string(value), "");

            printf(" - %s%s%s\n", name, *s ? "=" : "", s);
        }
    }
    printf("Driver:            %s\nCreated at:        %s\nUpdated at:        %s\n",
           str_or(json_str(secret, "driver"), ""), text, text);
}

static int print_all(const struct inspect_opts *o, json *found, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_format_ struct format format = {0};
    _cleanup_json_ json *rows = json_new_array();
    int r = 0;

    for (size_t i = 0; i < json_len(found); i++) {
        if (o->pretty)
            print_pretty(json_item(found, i));
        else
            json_add(rows, document(json_item(found, i)));
    }
    if (o->pretty)
        return 0;
    if (!str_empty(o->format))
        r = format_parse("inspect", o->format, true, &format, err);
    if (r == 0 && format.t) {
        r = json_len(rows) ? format_run(&format, rows, NULL, &text, err) : 0;
    } else if (r == 0) {
        json_write_pretty(rows, 0, "", "    ", &text);
        buf_putc(&text, '\n');
    }
    fputs(buf_str(&text), stdout);
    return r;
}

static int inspect_run(struct cli *cli, void *opts, int argc, char **argv,
                       struct berth_error *err)
{
    _cleanup_json_ json *found = json_new_array();
    _cleanup_error_ struct berth_error first = ERROR_INIT;
    _cleanup_list_ struct berth_list others = LIST_INIT;
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err), missing = 0;

    for (int i = 0; r == 0 && i < argc; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        json *secret;
        int one = secret_lookup(e, argv[i], &secret, &why);

        if (one == 0)
            json_add(found, secret);
        else if (missing++)
            list_add(&others, error_text(&why));
        else
            error_move(&first, &why);
    }
    if (r == 0)
        r = print_all(opts, found, err);
    if (r < 0 || !missing)
        return r;
    fflush(stdout);
    for (size_t i = 0; i < others.n; i++)
        fprintf(stderr, "error inspecting secret: %s\n", others.items[i]);
    error_move(err, &first);
    return error_wrap(err, "inspecting secret");
}

const struct cmd cmd_secret_inspect = {
    .name = "secret inspect",
    .args = "[options] SECRET [SECRET...]",
    .summary = "Show what is known of secrets, but not what they are",
    .opts = inspect_options,
    .size = sizeof(struct inspect_opts),
    .interspersed = true,
    .min_args = 1,
    .max_args = -1,
    .run = inspect_run,
};

/* ----------------------------------------------------------------------- ls */

#define LIST_TABLE "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.CreatedAt}}\t{{.UpdatedAt}}"

struct list_opts {
    struct berth_list filter;
    char *format;
    bool noheading, quiet;
};

#define AT(member) offsetof(struct list_opts, member)
static const struct opt list_options[] = {
    {"filter", 'f', OPT_CSV, AT(filter), "condition", "", "Only those that fit: id or name"},
    {"format", 0, OPT_STRING, AT(format), "format", "",
     "Print as JSON (\"json\") or by a Go template"},
    {"noheading", 0, OPT_BOOL, AT(noheading), "", "", "Print no titles"},
    {"quiet", 'q', OPT_BOOL, AT(quiet), "", "", "Print IDs only"},
    {""}};
#undef AT

static json *list_headers(void)
{
    static const char *const titles[][2] = {{"ID", "ID"},
                                            {"Name", "NAME"},
                                            {"Driver", "DRIVER"},
                                            {"CreatedAt", "CREATED"},
                                            {"UpdatedAt", "UPDATED"}};
    json *headers = json_new();

    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        json_set_str(headers, titles[i][0], titles[i][1]);
    return headers;
}

static json *list_row(const json *secret)
{
    _cleanup_free_ char *ago = NULL;
    char text[TIME_TEXT_MAX];
    json *row = json_new();
    berth_date created;

    if (time_parse(str_or(json_str(secret, "createdAt"), ""), &created) == 0)
        ago = str_printf("%s ago", time_human(time_now() - created, text));
    json_set_str(row, "ID", str_or(json_str(secret, "id"), ""));
    json_set_str(row, "Name", str_or(json_str(secret, "name"), ""));
    json_set_str(row, "Driver", str_or(json_str(secret, "driver"), ""));
    json_set_str(row, "CreatedAt", str_or(ago, ""));
    json_set_str(row, "UpdatedAt", str_or(ago, ""));
    return template_type(row, "secrets.listReport");
}

static bool fits_regex(const char *pattern, const char *text)
{
    regex_t re;
    bool fits;

    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    fits = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return fits;
}

/* Of one key any value, and of each key one. */
static bool fits(const struct berth_list *filters, const json *secret)
{
    static const char *const keys[][2] = {{"name=", "name"}, {"id=", "id"}};

    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        bool asked = false, found = false;

        for (size_t i = 0; i < filters->n; i++) {
            const char *value = str_starts(filters->items[i], keys[k][0]);

            asked = asked || value;
            found =
                found || (value && fits_regex(value, str_or(json_str(secret, keys[k][1]), "")));
        }
        if (asked && !found)
            return false;
    }
    return true;
}

static int check_filters(const struct berth_list *filters, struct berth_error *err)
{
    for (size_t i = 0; i < filters->n; i++) {
        const char *text = filters->items[i];
        int len = (int)strcspn(text, "=");

        if (!text[len])
            return fail(err, EINVAL,
                        "filter input must be in the form of filter=value: %s is invalid",
                        text);
        if (!str_starts(text, "name=") && !str_starts(text, "id="))
            return fail(err, EINVAL, "invalid filter \"%.*s\"", len, text);
    }
    return 0;
}

static int list_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                    struct berth_error *err)
{
    const struct list_opts *o = opts;
    const char *how = o->quiet ? "{{.ID}}" : str_or(o->format, LIST_TABLE);
    _cleanup_format_ struct format format = {0};
    _cleanup_json_ json *all = NULL, *rows = json_new_array(), *headers = list_headers();
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct engine *e;
    int r = check_filters(&o->filter, err);

    if (r == 0)
        r = format_parse("list", how, true, &format, err);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = secret_all(e, &all, err);
    for (size_t i = 0; r == 0 && i < json_len(all); i++)
        if (fits(&o->filter, json_item(all, i)))
            json_add(rows, list_row(json_item(all, i)));
    if (r == 0)
        r = format_run(&format, rows, o->noheading ? NULL : headers, &text, err);
    fputs(buf_str(&text), stdout);
    return r;
}

const struct cmd cmd_secret_list = {
    .name = "secret ls",
    .aliases = "secret list",
    .args = "[options]",
    .summary = "List secrets",
    .opts = list_options,
    .size = sizeof(struct list_opts),
    .interspersed = true,
    .run = list_run,
};

/* ----------------------------------------------------------------------- rm */

struct rm_opts {
    bool all;
};

static const struct opt rm_options[] = {
    {"all", 'a', OPT_BOOL, offsetof(struct rm_opts, all), "", "", "Remove all secrets"}, {""}};

static int rm_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    const struct rm_opts *o = opts;
    _cleanup_list_ struct berth_list names = LIST_INIT;
    _cleanup_json_ json *all = NULL;
    struct engine *e;
    int r, last = 0;

    if ((argc > 0) == o->all)
        return fail(err, EINVAL, "`berth secret rm` requires one argument, or the --all flag");
    r = cli_engine(cli, 0, &e, err);
    if (r == 0 && o->all)
        r = secret_all(e, &all, err);
    for (size_t i = 0; i < json_len(all); i++)
        list_add(&names, json_str(json_item(all, i), "id"));
    list_addv(&names, (const char *const *)(uintptr_t)argv);
    for (size_t i = 0; r == 0 && i < names.n; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        char id[SECRET_ID_LEN + 1];
        int one = secret_remove(e, names.items[i], id, &why);

        if (one == 0) {
            puts(id);
        } else if (!(o->all && one == -ENOENT)) {
            if (last < 0)
                cli_print_error(err);
            error_move(err, &why);
            last = one;
        }
    }
    return r < 0 ? r : last;
}

const struct cmd cmd_secret_rm = {
    .name = "secret rm",
    .aliases = "secret remove",
    .args = "[options] SECRET [SECRET...]",
    .summary = "Remove secrets",
    .text = "Remove secrets. Containers that were created with one keep their copy of it, but "
            "in the environment it is missing at their next start.",
    .opts = rm_options,
    .size = sizeof(struct rm_opts),
    .interspersed = true,
    .max_args = -1,
    .run = rm_run,
};
