/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_port.c - `berth port`: the published ports of running containers. */
#include "base/str.h"
#include "cmd/each.h"
#include "engine/store.h"

struct port_opts {
    bool all, latest;
};

/* The port inside that is asked for. */
struct wanted {
    const char *text; /* NULL: all of them */
    uint64_t port;
    const char *protocol;
    bool found;
};

static int parse_wanted(const char *text, struct wanted *out, struct berth_error *err)
{
    size_t len = strcspn(text, "/");
    _cleanup_free_ char *number = strndup(text, len);
    int r = number ? str_to_u64(number, &out->port) : -ENOMEM;

    if (r == -ERANGE || (r == 0 && out->port > UINT16_MAX))
        return fail(err, EINVAL, "strconv.ParseUint: parsing \"%s\": value out of range",
                    number);
    if (r < 0)
        return fail(err, EINVAL, "strconv.ParseUint: parsing \"%s\": invalid syntax",
                    str_or(number, ""));
    out->text = text;
    out->protocol = text[len] ? text + len + 1 : "tcp";
    return 0;
}

/* One mapping of one protocol. */
static void put_mapping(const json *mapping, const char *protocol, const char *prefix,
                        struct wanted *w)
{
    const char *ip = json_str(mapping, "host_ip");
    uint64_t inside = json_u64(mapping, "container_port", 0);
    uint64_t outside = json_u64(mapping, "host_port", 0);
    uint64_t range = MIN(json_u64(mapping, "range", 1), (uint64_t)UINT16_MAX + 1);

    if (str_empty(ip))
        ip = "0.0.0.0";
    for (uint64_t i = 0; i < range; i++) {
        if (!w->text)
            printf("%s%llu/%s -> %s:%llu\n", prefix, (unsigned long long)(inside + i), protocol,
                   ip, (unsigned long long)(outside + i));
        else if (inside + i == w->port && str_eq(protocol, w->protocol)) {
            printf("%s%s:%llu\n", prefix, ip, (unsigned long long)(outside + i));
            w->found = true;
        }
    }
}

static int put_ports(struct ctr *c, bool all, struct wanted *w, struct berth_error *err)
{
    const json *mappings = json_get(c->config, "newPortMappings");
    char prefix[ID_SHORT_LEN + 2] = "";

    if (ctr_status(c) != CTR_RUNNING || json_len(mappings) == 0)
        return 0;
    if (all)
        snprintf(prefix, sizeof(prefix), "%.*s\t", ID_SHORT_LEN, c->id);
    for (size_t i = 0; i < json_len(mappings); i++) {
        const json *mapping = json_item(mappings, i);
        _cleanup_list_ struct berth_list protocols = LIST_INIT;

        list_split(&protocols, str_or(json_str(mapping, "protocol"), "tcp"), ',', false);
        for (size_t k = 0; k < protocols.n; k++)
            put_mapping(mapping, protocols.items[k], prefix, w);
    }
    return !w->text || w->found
               ? 0
               : fail(err, ENOENT, "failed to find published port \"%s\"", w->text);
}

/* The record may not have heard of its end yet. */
static int follow_reality(struct ctr *c, struct berth_error *err)
{
    int r = 0;

    if (ctr_is_stale(c->e, c->id, ctr_status(c), json_i64(c->state, "pid", 0),
                     json_i64(c->state, "conmonPid", 0))) {
        r = ctr_lock(c, err);
        ctr_unlock(c);
    }
    return r;
}

static int check_args(const struct port_opts *o, int argc, struct berth_error *err)
{
    if (o->all && o->latest)
        return fail(err, EINVAL, "--all and --latest cannot be used together");
    if (o->all && argc)
        return fail(err, EINVAL, "no arguments are needed with --all");
    if (argc > (o->latest ? 1 : 2))
        return fail(err, EINVAL, "`port` accepts at most %d arguments", o->latest ? 1 : 2);
    if (argc == 0 && !o->all && !o->latest)
        return fail(err, EINVAL, "you must supply a running container name or id");
    return 0;
}

static int port_all(struct engine *e, struct berth_error *err)
{
    struct wanted w = {0};
    struct ctr **ctrs = NULL;
    size_t n = 0;
    int r = ctr_load_all(e, 1u << CTR_RUNNING, &ctrs, &n, err);

    for (size_t i = 0; r == 0 && i < n; i++) {
        r = follow_reality(ctrs[i], err);
        if (r == 0)
            r = put_ports(ctrs[i], true, &w, err);
        else if (r == -ENOENT) {
            error_clear(err);
            r = 0;
        }
    }
    ctr_free_all(ctrs, n);
    return r;
}

static int port_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    const struct port_opts *o = opts;
    const char *port = o->latest ? argv[0] : argc > 1 ? argv[1] : NULL;
    _cleanup_ctr_ struct ctr *c = NULL;
    struct wanted w = {0};
    struct engine *e;
    int r = check_args(o, argc, err);

    if (r == 0 && !o->all && port)
        r = parse_wanted(port, &w, err);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r == 0 && o->all)
        return port_all(e, err);
    if (r == 0)
        r = o->latest ? ctr_latest(e, &c, err) : ctr_lookup(e, argv[0], &c, err);
    if (r == 0)
        r = follow_reality(c, err);
    return r == 0 ? put_ports(c, false, &w, err) : r;
}

static const struct opt port_options[] = {
    {"all", 'a', OPT_BOOL, offsetof(struct port_opts, all), "", "",
     "Show the ports of every running container"},
    {"latest", 'l', OPT_BOOL, offsetof(struct port_opts, latest), "", "",
     "Take the container that was created last"},
    {""}};

const struct cmd cmd_port = {
    .name = "port",
    .args = "[options] CONTAINER [PORT]",
    .summary = "Show the published ports of a container",
    .text = "Print the ports that a running container publishes, or where one of them "
            "(\"80\", \"53/udp\") is found on the host.",
    .opts = port_options,
    .size = sizeof(struct port_opts),
    .interspersed = true,
    .max_args = -1,
    .run = port_run,
};
