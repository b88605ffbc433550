/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_network_connect.c - network connect, disconnect, reload, update: networks of containers
 * that exist, and networks themselves, while both are in use. */
#include "base/str.h"
#include "cmd/each.h"
#include "engine/network.h"
#include "engine/store.h"
#include <arpa/inet.h>

static bool is_address(const char *text)
{
    unsigned char addr[16];

    return inet_pton(AF_INET, text, addr) == 1 || inet_pton(AF_INET6, text, addr) == 1;
}

/* ------------------------------------------------------------------ connect */

struct connect_opts {
    struct berth_list alias;
    char *ip, *ip6, *mac_address;
};

#define AT(member) offsetof(struct connect_opts, member)
static const struct opt connect_options[] = {
    {"alias", 0, OPT_CSV, AT(alias), "name", "", "Another name of it on this network"},
    {"ip", 0, OPT_STRING, AT(ip), "address", "", "Its IPv4 address on this network"},
    {"ip6", 0, OPT_STRING, AT(ip6), "address", "", "Its IPv6 address on this network"},
    {"mac-address", 0, OPT_STRING, AT(mac_address), "address", "",
     "Hardware address of its interface on this network"},
    {""}};
#undef AT

static int check_ip(const char *flag, const char *text, struct berth_error *err)
{
    return str_empty(text) || is_address(text)
               ? 0
               : fail(err, EINVAL,
                      "invalid argument \"%s\" for \"--%s\" flag: failed to parse IP: \"%s\"",
                      text, flag, text);
}

static int connect_run(struct cli *cli, void *opts, int argc _unused_, char **argv,
                       struct berth_error *err)
{
    const struct connect_opts *o = opts;
    const struct ctr_connection how = {&o->alias, o->ip, o->ip6, o->mac_address};
    _cleanup_ctr_ struct ctr *c = NULL;
    struct engine *e;
    int r = check_ip("ip", o->ip, err);

    if (r == 0)
        r = check_ip("ip6", o->ip6, err);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = ctr_lookup(e, argv[1], &c, err);
    return r == 0 ? ctr_network_connect(c, argv[1], argv[0], &how, err) : r;
}

const struct cmd cmd_network_connect = {
    .name = "network connect",
    .args = "[options] NETWORK CONTAINER",
    .summary = "Connect a container to a network",
    .text = "Connect a container to one more network.  A container that runs gets its new "
            "interface at once.",
    .opts = connect_options,
    .size = sizeof(struct connect_opts),
    .interspersed = true,
    .min_args = 2,
    .max_args = 2,
    .run = connect_run,
};

/* --------------------------------------------------------------- disconnect */

struct disconnect_opts {
    bool force;
};

static const struct opt disconnect_options[] = {
    {"force", 'f', OPT_BOOL, offsetof(struct disconnect_opts, force), "", "",
     "Also if the network is not there any more, or something of it cannot be taken down"},
    {""}};

static int disconnect_run(struct cli *cli, void *opts, int argc _unused_, char **argv,
                          struct berth_error *err)
{
    const struct disconnect_opts *o = opts;
    _cleanup_ctr_ struct ctr *c = NULL;
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    if (r == 0)
        r = ctr_lookup(e, argv[1], &c, err);
    return r == 0 ? ctr_network_disconnect(c, argv[1], argv[0], o->force, err) : r;
}

const struct cmd cmd_network_disconnect = {
    .name = "network disconnect",
    .args = "[options] NETWORK CONTAINER",
    .summary = "Disconnect a container from a network",
    .text = "Disconnect a container from a network.  A container that runs loses the interface "
            "at once.",
    .opts = disconnect_options,
    .size = sizeof(struct disconnect_opts),
    .interspersed = true,
    .min_args = 2,
    .max_args = 2,
    .run = disconnect_run,
};

/* ------------------------------------------------------------------- reload */

struct reload_opts {
    bool all, latest;
};

#define AT(member) offsetof(struct reload_opts, member)
static const struct opt reload_options[] = {
    {"all", 'a', OPT_BOOL, AT(all), "", "", "Reload every container that has networks"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Take the container that was created last"},
    {""}};
#undef AT

static int reload_one(struct ctr *c, const char *name _unused_, void *arg,
                      struct berth_error *err)
{
    const struct reload_opts *o = arg;
    int r = ctr_network_reload(c, err);

    /* One that does not run, or has no networks, is none of all those that have some. */
    if (o->all && (r == -EINVAL || r == -ENOENT)) {
        error_clear(err);
        return 1;
    }
    if (r == 0)
        puts(c->id);
    return r < 0 ? r : 1; /* printed already */
}

static int reload_run(struct cli *cli, void *opts, int argc, char **argv,
                      struct berth_error *err)
{
    struct reload_opts *o = opts;
    struct each_select which = {
        .names = argv, .n_names = argc, .all = o->all, .latest = o->latest};
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    return r < 0 ? r : each_ctr(e, &which, reload_one, o, err);
}

const struct cmd cmd_network_reload = {
    .name = "network reload",
    .args = "[options] [CONTAINER...]",
    .summary = "Set up the networks of containers anew",
    .text = "Let running containers leave their networks and join them again with the same "
            "addresses.  Rules that were lost, as after a reload of the firewall, come back.",
    .opts = reload_options,
    .size = sizeof(struct reload_opts),
    .interspersed = true,
    .max_args = -1,
    .run = reload_run,
};

/* ------------------------------------------------------------------- update */

struct update_opts {
    struct berth_list add, drop;
};

#define AT(member) offsetof(struct update_opts, member)
static const struct opt update_options[] = {
    {"dns-add", 0, OPT_CSV, AT(add), "address", "",
     "Ask this server for names that are of no container"},
    {"dns-drop", 0, OPT_CSV, AT(drop), "address", "", "Ask this server no longer"},
    {""}};
#undef AT

static int check_servers(const char *what, const struct berth_list *servers,
                         struct berth_error *err)
{
    for (size_t i = 0; i < servers->n; i++)
        if (!is_address(servers->items[i]))
            return fail(err, EINVAL, "unable to parse ip %s specified in %s", servers->items[i],
                        what);
    return 0;
}

static int update_run(struct cli *cli, void *opts, int argc _unused_, char **argv,
                      struct berth_error *err)
{
    const struct update_opts *o = opts;
    _cleanup_json_ json *change = json_new();
    struct engine *e;
    int r = check_servers("AddDNSServer", &o->add, err);

    if (r == 0)
        r = check_servers("RemoveDNSServer", &o->drop, err);
    if (r == 0 && o->add.n + o->drop.n == 0)
        r = fail(err, EINVAL, "nothing to change: give --dns-add or --dns-drop");
    json_set_list(change, "add_dns_servers", &o->add);
    json_set_list(change, "remove_dns_servers", &o->drop);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = network_update(e, argv[0], change, err);
    if (r == 0)
        puts(argv[0]);
    return r;
}

const struct cmd cmd_network_update = {
    .name = "network update",
    .args = "[options] NETWORK",
    .summary = "Change the name servers of a network",
    .text = "Change which servers the DNS server of a network asks for names that are of no "
            "container.  Containers that run on it notice at once.",
    .opts = update_options,
    .size = sizeof(struct update_opts),
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = update_run,
};
