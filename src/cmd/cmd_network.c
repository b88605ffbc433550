/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_network.c - network exists, inspect, ls, prune and rm. */
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/format.h"
#include "engine/ctr.h"
#include "engine/network.h"
#include "engine/store.h"

/* A network as templates see it: the names of podman's fields. */
static json *as_row(const json *net, bool short_id)
{
    static const struct {
        const char *field, *member;
    } fields[] = {{"Name", "name"},         {"ID", "id"},
                  {"Driver", "driver"},     {"NetworkInterface", "network_interface"},
                  {"Created", "created"},   {"IPv6Enabled", "ipv6_enabled"},
                  {"Internal", "internal"}, {"DNSEnabled", "dns_enabled"},
                  {"Options", "options"},   {"IPAMOptions", "ipam_options"}};
    json *row = json_new(), *subnets = json_new_array(), *labels = json_get(net, "labels");
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        json_set(row, fields[i].field, json_ref(json_get(net, fields[i].member)));
    if (short_id) {
        char id[ID_SHORT_LEN + 1];

        snprintf(id, sizeof(id), "%.*s", ID_SHORT_LEN, str_or(json_str(net, "id"), ""));
        json_set_str(row, "ID", id);
    }
    for (size_t i = 0; i < json_len(json_get(net, "subnets")); i++) {
        json *from = json_item(json_get(net, "subnets"), i), *to = json_new();

        json_set_str(to, "Subnet", str_or(json_str(from, "subnet"), ""));
        json_set_str(to, "Gateway", str_or(json_str(from, "gateway"), ""));
        json_add(subnets, to);
    }
    json_set(row, "Subnets", subnets);
    if (!short_id) {
        json_set(row, "Labels", labels ? json_ref(labels) : json_new());
        return row;
    }
    if (labels && json_object_is_type(labels, json_type_object)) {
        json_object_object_foreach (labels, key, value) {
            (void)value;
            buf_printf(&text, "%s%s=%s", text.len ? "," : "", key,
                       str_or(json_str(labels, key), ""));
        }
    }
    json_set_str(row, "Labels", buf_str(&text));
    return row;
}

/* ------------------------------------------------------------------- exists */

static int exists_run(struct cli *cli, void *opts _unused_, int argc _unused_, char **argv,
                      struct berth_error *err)
{
    _cleanup_json_ json *net = NULL;
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    if (r == 0)
        r = network_get(e, argv[0], &net, err);
    return cli_exists(r, err);
}

const struct cmd cmd_network_exists = {
    .name = "network exists",
    .args = "NETWORK",
    .summary = "Tell by the exit status whether a network is there",
    .text = "The exit status is 0 if the network is there, 1 if it is not, and 125 after an "
            "error.",
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = exists_run,
};

/* ------------------------------------------------------------------ inspect */

struct inspect_opts {
    char *format;
};

static const struct opt inspect_options[] = {{"format", 'f', OPT_STRING,
                                              offsetof(struct inspect_opts, format), "", "",
                                              "Print as JSON (\"json\") or by a Go template"},
                                             {""}};

static int inspect_run(struct cli *cli, void *opts, int argc, char **argv,
                       struct berth_error *err)
{
    const struct inspect_opts *o = opts;
    _cleanup_format_ struct format format = {0};
    _cleanup_json_ json *found = json_new_array(), *rows = json_new_array();
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err), last = 0;

    if (r == 0 && !str_empty(o->format) && !format_is_json(o->format))
        r = format_parse("network inspect", o->format, true, &format, err);
    for (int i = 0; r == 0 && i < argc; i++) {
        json *net;
        int done;

        if (last < 0) { /* the last failure is printed by the caller */
            cli_print_error(err);
            error_clear(err);
        }
        done = network_get(e, argv[i], &net, err);
        if (done < 0)
            error_wrap(err, "inspecting object: network %s", argv[i]);
        last = done < 0 ? done : 0;
        if (done < 0)
            continue;
        json_add(found, net);
        json_add(rows, as_row(net, false));
    }
    if (r < 0)
        return r;
    if (format.t) {
        r = format_run(&format, rows, NULL, &text, last < 0 ? NULL : err);
    } else {
        json_write_pretty(found, JSON_RAW, "", "     ", &text);
        buf_putc(&text, '\n');
    }
    fputs(buf_str(&text), stdout);
    return last < 0 ? last : r;
}

const struct cmd cmd_network_inspect = {
    .name = "network inspect",
    .args = "[options] NETWORK [NETWORK...]",
    .summary = "Show the definitions of networks",
    .opts = inspect_options,
    .size = sizeof(struct inspect_opts),
    .interspersed = true,
    .min_args = 1,
    .max_args = -1,
    .run = inspect_run,
};

/* ----------------------------------------------------------------------- ls */

#define LIST_TABLE "table {{.ID}}\t{{.Name}}\t{{.Driver}}"

struct list_opts {
    char *format;
    bool no_trunc, noheading, quiet;
};

#define AT(member) offsetof(struct list_opts, member)
static const struct opt list_options[] = {
    {"format", 0, OPT_STRING, AT(format), "", "",
     "Print as JSON (\"json\") or by a Go template"},
    {"no-trunc", 0, OPT_BOOL, AT(no_trunc), "", "", "Cut nothing short"},
    {"noheading", 'n', OPT_BOOL, AT(noheading), "", "", "Print no titles"},
    {"quiet", 'q', OPT_BOOL, AT(quiet), "", "", "Print names only"},
    {""}};
#undef AT

static json *list_headers(void)
{
    static const char *const titles[][2] = {
        {"ID", "NETWORK ID"},        {"Name", "NAME"},
        {"Driver", "DRIVER"},        {"Labels", "LABELS"},
        {"Created", "CREATED"},      {"NetworkInterface", "NETWORKINTERFACE"},
        {"Internal", "INTERNAL"},    {"IPv6Enabled", "IPV6ENABLED"},
        {"DNSEnabled", "DNSENABLED"}};
    json *headers = json_new();

    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        json_set_str(headers, titles[i][0], titles[i][1]);
    return headers;
}

static int list_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                    struct berth_error *err)
{
    const struct list_opts *o = opts;
    const char *how = o->quiet ? "{{.Name}}" : str_or(o->format, LIST_TABLE);
    _cleanup_format_ struct format format = {0};
    _cleanup_json_ json *all = NULL, *rows = json_new_array(), *headers = list_headers();
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    if (r == 0 && !format_is_json(how))
        r = format_parse("network ls", how, true, &format, err);
    if (r == 0)
        r = network_all(e, &all, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < json_len(all); i++) {
        json *row = as_row(json_item(all, i), true);

        if (o->no_trunc)
            json_set_str(row, "ID", str_or(json_str(json_item(all, i), "id"), ""));
        json_add(rows, row);
    }
    if (format.t) {
        r = format_run(&format, rows, o->noheading ? NULL : headers, &text, err);
    } else {
        json_write_pretty(all, JSON_RAW, "", "     ", &text);
        buf_putc(&text, '\n');
    }
    fputs(buf_str(&text), stdout);
    return r;
}

const struct cmd cmd_network_list = {
    .name = "network ls",
    .aliases = "network list",
    .args = "[options]",
    .summary = "List networks",
    .opts = list_options,
    .size = sizeof(struct list_opts),
    .interspersed = true,
    .run = list_run,
};

/* ------------------------------------------------------------------- remove */

struct rm_opts {
    bool force;
    uint64_t time;
};

#define AT(member) offsetof(struct rm_opts, member)
static const struct opt rm_options[] = {
    {"force", 'f', OPT_BOOL, AT(force), "", "", "Remove the containers on it as well"},
    {"time", 't', OPT_UINT, AT(time), "seconds", "10",
     "How long to wait before a running container is killed"},
    {""}};
#undef AT

static int remove_users(struct engine *e, const struct berth_list *users, uint32_t timeout,
                        struct berth_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < users->n; i++) {
        _cleanup_ctr_ struct ctr *c = NULL;

        r = ctr_load(e, users->items[i], &c, err);
        if (r == 0)
            r = ctr_remove(c, CTR_REMOVE_FORCE, timeout, err);
        if (r == -ENOENT) {
            error_clear(err);
            r = 0;
        }
    }
    return r;
}

static int rm_one(struct engine *e, const char *word, bool force, uint32_t timeout,
                  struct berth_error *err)
{
    _cleanup_list_ struct berth_list users = LIST_INIT;
    _cleanup_json_ json *net = NULL;
    const char *name;
    struct net *plugin;
    int r = network_get(e, word, &net, err);

    if (r == -ENOENT && err)
        err->exit_status = 1;
    if (r < 0)
        return r;
    name = str_or(json_str(net, "name"), word);
    r = network_users(e, name, &users, err);
    if (r == 0 && users.n && !force) {
        fail(err, EBUSY,
             "\"%s\" has associated containers with it. Use -f to forcibly delete containers "
             "and pods: network is being used",
             word);
        if (err)
            err->exit_status = 2;
        return -EBUSY;
    }
    if (r == 0)
        r = remove_users(e, &users, timeout, err);
    if (r == 0)
        r = engine_net(e, &plugin, err);
    return r < 0 ? r : net_remove(plugin, name, err);
}

static int rm_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    const struct rm_opts *o = opts;
    uint32_t timeout =
        cli_given(cli, "time") ? (uint32_t)MIN(o->time, UINT32_MAX - 1) : UINT32_MAX;
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err), last = r;

    for (int i = 0; r == 0 && i < argc; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        int done = rm_one(e, argv[i], o->force, timeout, &why);

        if (done == 0) {
            puts(argv[i]);
            continue;
        }
        if (last < 0)
            cli_print_error(err);
        error_clear(err);
        error_move(err, &why);
        last = done;
    }
    return last;
}

const struct cmd cmd_network_rm = {
    .name = "network rm",
    .aliases = "network remove",
    .args = "[options] NETWORK [NETWORK...]",
    .summary = "Remove networks",
    .opts = rm_options,
    .size = sizeof(struct rm_opts),
    .interspersed = true,
    .min_args = 1,
    .max_args = -1,
    .run = rm_run,
};

/* -------------------------------------------------------------------- prune */

struct prune_opts {
    bool force;
};

static const struct opt prune_options[] = {{"force", 'f', OPT_BOOL,
                                            offsetof(struct prune_opts, force), "", "",
                                            "Do not ask whether this is meant"},
                                           {""}};

static bool confirmed(void)
{
    puts("WARNING! This will remove all networks not used by at least one container.");
    return ask() == 1;
}

static int prune_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                     struct berth_error *err)
{
    const struct prune_opts *o = opts;
    _cleanup_json_ json *all = NULL;
    struct net *plugin;
    struct engine *e;
    int r;

    if (!o->force && !confirmed())
        return 0;
    r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = engine_net(e, &plugin, err);
    if (r == 0)
        r = network_all(e, &all, err);
    for (size_t i = 0; r == 0 && i < json_len(all); i++) {
        _cleanup_list_ struct berth_list users = LIST_INIT;
        const char *name = str_or(json_str(json_item(all, i), "name"), "");

        if (str_eq(name, net_default_name(plugin)))
            continue;
        r = network_users(e, name, &users, err);
        if (r == 0 && users.n == 0) {
            r = net_remove(plugin, name, err);
            if (r == 0)
                puts(name);
        }
    }
    return r;
}

const struct cmd cmd_network_prune = {
    .name = "network prune",
    .args = "[options]",
    .summary = "Remove networks that no container is on",
    .opts = prune_options,
    .size = sizeof(struct prune_opts),
    .interspersed = true,
    .run = prune_run,
};
