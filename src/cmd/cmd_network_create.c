/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_network_create.c - network create. */
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/network.h"
#include <arpa/inet.h>

struct create_opts {
    char *driver, *ipam_driver;
    bool disable_dns, ignore, internal, ipv6;
    struct berth_list gateway, ip_range, label, opt, subnet;
};

#define AT(member) offsetof(struct create_opts, member)
static const struct opt create_options[] = {
    {"disable-dns", 0, OPT_BOOL, AT(disable_dns), "", "",
     "Names of containers do not resolve on it"},
    {"driver", 'd', OPT_STRING, AT(driver), "driver", "bridge", "How it is made"},
    {"gateway", 0, OPT_LIST, AT(gateway), "address", "", "Gateway of the subnet"},
    {"ignore", 0, OPT_BOOL, AT(ignore), "", "",
     "A network that has the name already is no error"},
    {"internal", 0, OPT_BOOL, AT(internal), "", "", "Without a way out"},
    {"ip-range", 0, OPT_LIST, AT(ip_range), "subnet", "",
     "Hand out addresses of this part of the subnet"},
    {"ipam-driver", 0, OPT_STRING, AT(ipam_driver), "driver", "",
     "How addresses are handed out: host-local or none"},
    {"ipv6", 0, OPT_BOOL, AT(ipv6), "", "", "With an IPv6 subnet"},
    {"label", 0, OPT_LIST, AT(label), "name=value", "", "Attach a label"},
    {"opt", 'o', OPT_LIST, AT(opt), "name=value", "", "Option for the driver"},
    {"subnet", 0, OPT_LIST, AT(subnet), "subnet", "", "Subnet, as in 10.1.2.0/24"},
    {""}};
#undef AT

/* --ip-range: the first address behind that of the range, and its last. */
static int add_range(json *subnet, const char *text, struct berth_error *err)
{
    _cleanup_free_ char *address = strndup(text, strcspn(text, "/"));
    const char *slash = strchr(text, '/');
    unsigned char first[16], last[16];
    char buf[INET6_ADDRSTRLEN];
    int family = address && strchr(address, ':') ? AF_INET6 : AF_INET;
    size_t len = family == AF_INET ? 4 : 16;
    int64_t bits = -1;
    json *range;

    if (!address)
        return fail(err, ENOMEM, "out of memory");
    if (!slash || str_to_i64(slash + 1, &bits) < 0 || bits < 0 || bits > (int64_t)len * 8 ||
        inet_pton(family, address, first) != 1)
        return fail(err, EINVAL, "invalid CIDR address: %s", text);
    for (size_t i = 0; i < len; i++) {
        int64_t rest = bits - (int64_t)i * 8;
        unsigned char mask = rest >= 8 ? 0xff : rest <= 0 ? 0 : (unsigned char)(0xff00 >> rest);

        first[i] &= mask;
        last[i] = (unsigned char)(first[i] | (unsigned char)~mask);
    }
    if (bits < (int64_t)len * 8)
        first[len - 1] |= 1;
    json_set(subnet, "lease_range", range = json_new());
    json_set_str(range, "start_ip", inet_ntop(family, first, buf, sizeof(buf)));
    json_set_str(range, "end_ip", inet_ntop(family, last, buf, sizeof(buf)));
    return 0;
}

static bool is_address(const char *text)
{
    unsigned char addr[16];

    return inet_pton(AF_INET, text, addr) == 1 || inet_pton(AF_INET6, text, addr) == 1;
}

/* The n-th gateway and the n-th range are those of the n-th subnet. */
static int add_subnets(const struct create_opts *o, json *net, struct berth_error *err)
{
    json *list = json_need_array(net, "subnets");

    if (o->subnet.n == 0 && (o->gateway.n || o->ip_range.n))
        return fail(err, EINVAL, "cannot set gateway or range without subnet");
    if (o->gateway.n > o->subnet.n)
        return fail(err, EINVAL, "cannot set more gateways than subnets");
    if (o->ip_range.n > o->subnet.n)
        return fail(err, EINVAL, "cannot set more ranges than subnets");
    for (size_t i = 0; i < o->subnet.n; i++) {
        json *subnet = json_new();
        _cleanup_free_ char *address =
            strndup(o->subnet.items[i], strcspn(o->subnet.items[i], "/"));
        int r = 0;

        json_add(list, subnet);
        if (!address || !strchr(o->subnet.items[i], '/') || !is_address(address))
            return fail(err, EINVAL, "invalid CIDR address: %s", o->subnet.items[i]);
        json_set_str(subnet, "subnet", o->subnet.items[i]);
        if (i < o->gateway.n) {
            if (!is_address(o->gateway.items[i]))
                return fail(err, EINVAL, "invalid IP address: %s", o->gateway.items[i]);
            json_set_str(subnet, "gateway", o->gateway.items[i]);
        }
        if (i < o->ip_range.n)
            r = add_range(subnet, o->ip_range.items[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

static void add_pairs(json *net, const char *member, const struct berth_list *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        const char *text = pairs->items[i];
        _cleanup_free_ char *name = strndup(text, strcspn(text, "="));

        if (name)
            json_set_str(json_need(net, member), name,
                         strchr(text, '=') ? strchr(text, '=') + 1 : "");
    }
}

static int create_run(struct cli *cli, void *opts, int argc, char **argv,
                      struct berth_error *err)
{
    static const char *const modes[] = {"none",        "host",      "bridge", "private",
                                        "slirp4netns", "container", "ns"};
    const struct create_opts *o = opts;
    _cleanup_json_ json *net = json_new(), *made = NULL;
    _cleanup_buf_ struct berth_buf wish = BUF_INIT, answer = BUF_INIT;
    const char *name = argc ? argv[0] : "";
    struct net *plugin;
    struct engine *e;
    int r;

    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        if (str_eq(name, modes[i]))
            return fail(err, EINVAL,
                        "cannot create network with name \"%s\" because it conflicts with a "
                        "valid network mode",
                        name);
    json_set_str(net, "name", name);
    json_set_str(net, "driver", str_or(o->driver, ""));
    json_set_bool(net, "ipv6_enabled", o->ipv6);
    json_set_bool(net, "internal", o->internal);
    json_set_bool(net, "dns_enabled", !o->disable_dns);
    add_pairs(net, "labels", &o->label);
    add_pairs(net, "options", &o->opt);
    if (!str_empty(o->ipam_driver))
        json_set_str(json_need(net, "ipam_options"), "driver", o->ipam_driver);
    r = add_subnets(o, net, err);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = engine_net(e, &plugin, err);
    if (r == 0 && json_write(net, 0, &wish) < 0)
        r = fail(err, ENOMEM, "out of memory");
    if (r == 0)
        r = net_create(plugin, buf_blob(&wish), o->ignore ? BERTH_NET_IGNORE_EXISTING : 0,
                       &answer, err);
    if (r == 0)
        r = json_parse_object(buf_blob(&answer), "answer of the network plugin", &made, err);
    if (r == 0)
        puts(str_or(json_str(made, "name"), name));
    return r;
}

const struct cmd cmd_network_create = {
    .name = "network create",
    .args = "[options] [NAME]",
    .summary = "Create a network",
    .text = "Create a network and print its name. What is not given is chosen: a name, a free "
            "bridge, a free subnet.",
    .opts = create_options,
    .size = sizeof(struct create_opts),
    .interspersed = true,
    .max_args = 1,
    .run = create_run,
};
