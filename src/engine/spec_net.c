/* SPDX-License-Identifier: Apache-2.0 */
/* spec_net.c - the network mode of a new container and the networks it joins. */
#include "engine/network.h"
#include "engine/spec_priv.h"
#include <arpa/inet.h>

static bool is_ip(const char *s, bool *v6)
{
    unsigned char addr[16];

    *v6 = inet_pton(AF_INET6, s, addr) == 1;
    return *v6 || inet_pton(AF_INET, s, addr) == 1;
}

/* "aa:bb:cc:dd:ee:ff", the only length that links here have. */
bool spec_is_mac(const char *s)
{
    static const char hex[] = "0123456789abcdefABCDEF";

    for (int i = 0; i < 6; i++, s += 3)
        if (!s[0] || !strchr(hex, s[0]) || !s[1] || !strchr(hex, s[1]) ||
            (i < 5 ? s[2] != ':' && s[2] != '-' : s[2] != '\0'))
            return false;
    return true;
}

const char *spec_mac_lower(const char *s, char buf[static 18])
{
    size_t i;

    for (i = 0; i < 17 && s[i]; i++)
        buf[i] = s[i] == '-' ? ':' : (char)(s[i] | 0x20);
    for (size_t j = 0; j < i; j++)
        if (buf[j] == (':' | 0x20))
            buf[j] = ':';
    buf[i] = '\0';
    return buf;
}

/* One "key=value" behind the name of a network. */
static int network_option(json *net, const char *name, const char *text,
                          struct berth_error *err)
{
    size_t len = strcspn(text, "=");
    const char *value = text[len] ? text + len + 1 : "";
    char mac[18];
    bool v6;

    if ((len == 2 && strncmp(text, "ip", 2) == 0) ||
        (len == 3 && strncmp(text, "ip6", 3) == 0)) {
        if (!is_ip(value, &v6))
            return fail(err, EINVAL, "invalid option for network %s: invalid ip address \"%s\"",
                        name, value);
        json_add_str(json_need_array(net, "static_ips"), value);
    } else if (len == 3 && strncmp(text, "mac", 3) == 0) {
        if (!spec_is_mac(value))
            return fail(err, EINVAL,
                        "invalid option for network %s: address %s: invalid MAC address", name,
                        value);
        json_set_str(net, "static_mac", spec_mac_lower(value, mac));
    } else if (len == 5 && strncmp(text, "alias", 5) == 0) {
        if (!*value)
            return fail(err, EINVAL, "invalid option for network %s: alias cannot be empty",
                        name);
        json_add_str(json_need_array(net, "aliases"), value);
    } else if (len == 14 && strncmp(text, "interface_name", 14) == 0) {
        if (!*value)
            return fail(err, EINVAL,
                        "invalid option for network %s: interface_name cannot be empty", name);
        json_set_str(net, "interface_name", value);
    } else {
        return fail(err, EINVAL,
                    "invalid option for network %s: unknown bridge network option: %.*s", name,
                    (int)len, text);
    }
    return 0;
}

/* NAME or NAME:OPTS. */
static int network_named(struct spec_build *b, const char *text, struct berth_error *err)
{
    _cleanup_list_ struct berth_list options = LIST_INIT;
    _cleanup_free_ char *name = strndup(text, strcspn(text, ":"));
    const char *rest = strchr(text, ':');
    json *net;
    int r = 0;

    if (!name)
        return fail(err, ENOMEM, "out of memory");
    if (!*name)
        return fail(err, EINVAL, "network name cannot be empty");
    if (str_eq(name, "default") && str_set(&name, b->conf->default_network) < 0)
        return fail(err, ENOMEM, "out of memory");
    net = json_need(b->networks, name);
    if (rest && rest[1])
        list_split(&options, rest + 1, ',', true);
    for (size_t i = 0; i < options.n && r >= 0; i++)
        r = network_option(net, name, options.items[i], err);
    return r;
}

static const char *mode_name(enum ns_mode mode)
{
    return mode == NS_HOST        ? "host"
           : mode == NS_NONE      ? "none"
           : mode == NS_CONTAINER ? "container"
           : mode == NS_PATH      ? "path"
           : mode == NS_SLIRP     ? "slirp4netns"
           : mode == NS_PASTA     ? "pasta"
                                  : "bridge";
}

/* NAME or NAME:OPTS of a program; what the options mean is found out when it starts. */
static int program_options(struct spec_build *b, const char *name, const char *text,
                           struct berth_error *err)
{
    _cleanup_list_ struct berth_list options = LIST_INIT;
    const char *rest = strchr(text, ':');

    if (!rest)
        return 0;
    if (list_split(&options, rest + 1, ',', true) < 0)
        return fail(err, ENOMEM, "out of memory");
    json_set_list(json_need(b->config, "network_options"), name, &options);
    return 0;
}

/* One that somebody made before there was a mode of that name. */
static bool is_network(const struct spec_build *b, const char *name)
{
    _cleanup_json_ json *net = NULL;

    return network_get(b->e, name, &net, NULL) == 0 && str_eq(json_str(net, "name"), name);
}

/* The first value decides the mode. */
static int network_first(struct spec_build *b, const char *text, struct berth_error *err)
{
    struct ns_choice *ns = &b->ns[NS_NET];
    const char *rest;
    int r;

    ns->mode = NS_BRIDGE;
    if (!*text || str_eq(text, "private")) {
        /* Who may not make bridges gets a network of a program. */
        if (b->conf->rootless)
            ns->mode = NS_SLIRP;
        return 0;
    }
    if (str_eq(text, "bridge"))
        return 0;
    if ((rest = str_starts(text, "bridge:"))) {
        _cleanup_free_ char *with = str_printf("default:%s", rest);

        return with ? network_named(b, with, err) : fail(err, ENOMEM, "out of memory");
    }
    if (str_eq(text, "none")) {
        ns->mode = NS_NONE;
        return 0;
    }
    if (str_eq(text, "slirp4netns") || str_starts(text, "slirp4netns:")) {
        ns->mode = NS_SLIRP;
        return program_options(b, "slirp4netns", text, err);
    }
    if ((str_eq(text, "pasta") || str_starts(text, "pasta:")) && !is_network(b, "pasta")) {
        if (!b->conf->rootless)
            return fail(err, EINVAL, "pasta networking is only supported for rootless mode");
        ns->mode = NS_PASTA;
        return program_options(b, "pasta", text, err);
    }
    if (str_eq(text, "host") || str_starts(text, "ns:") || str_starts(text, "container:")) {
        r = spec_ns_word(b, NS_NET, text, err);
        return r < 0 ? r : 0;
    }
    if (!strchr(text, ':') && strchr(text, ',')) {
        _cleanup_list_ struct berth_list names = LIST_INIT;

        list_split(&names, text, ',', true);
        for (size_t i = 0; i < names.n; i++) {
            r = network_named(b, names.items[i], err);
            if (r < 0)
                return r;
        }
        return 0;
    }
    return network_named(b, text, err);
}

/* --ip, --ip6, --mac-address and --network-alias apply to the only network. */
static int network_addresses(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    const struct {
        const char *flag, *option, *value;
    } single[] = {
        {"ip", "ip", o->ip}, {"ip6", "ip6", o->ip6}, {"mac-address", "mac", o->mac_address}};
    size_t n = (size_t)json_object_object_length(b->networks);
    bool v6;

    for (size_t i = 0; i < ARRAY_LEN(single); i++) {
        _cleanup_free_ char *text = NULL;
        int r;

        if (str_empty(single[i].value))
            continue;
        if (i == 2 ? !spec_is_mac(single[i].value)
                   : !is_ip(single[i].value, &v6) || v6 != (i == 1))
            return i == 2 ? fail(err, EINVAL, "address %s: invalid MAC address", o->mac_address)
                          : fail(err, EINVAL, "\"%s\" is not an ip address", single[i].value);
        if (n > 1)
            return fail(err, EINVAL,
                        "--%s can only be set for a single network: "
                        "invalid argument",
                        single[i].flag);
        if (spec_net_is(b, NS_SLIRP) && o->network.n == 0)
            return fail(err, EINVAL,
                        "invalid config provided: networks and static ip/mac address can only "
                        "be used with Bridge mode networking");
        if (!spec_net_is(b, NS_BRIDGE))
            return fail(err, EINVAL,
                        "--%s can only be set when the network mode is bridge: "
                        "invalid argument",
                        single[i].flag);
        text = str_printf("%s=%s", single[i].option, single[i].value);
        if (!text)
            return fail(err, ENOMEM, "out of memory");
        json_object_object_foreach (b->networks, name, net) {
            r = network_option(net, name, text, err);
            if (r < 0)
                return r;
        }
    }
    if (o->network_alias.n == 0)
        return 0;
    if (!spec_net_is(b, NS_BRIDGE))
        return fail(err, EINVAL,
                    "--network-alias can only be set when the network mode is "
                    "bridge: invalid argument");
    json_object_object_foreach (b->networks, name, net) {
        json *aliases = json_need_array(net, "aliases");

        (void)name;
        for (size_t i = 0; i < o->network_alias.n; i++)
            json_add_str(aliases, o->network_alias.items[i]);
    }
    return 0;
}

int spec_network_parse(struct spec_build *b, struct berth_error *err)
{
    const struct berth_list *given = &b->o->network;
    const char *preset = b->conf->netns;
    int r;

    if (str_empty(preset))
        preset = "private";
    r = network_first(b, given->n ? given->items[0] : preset, err);
    for (size_t i = 1; i < given->n && r >= 0; i++) {
        const char *text = given->items[i];

        if (!spec_net_is(b, NS_BRIDGE))
            return fail(err, EINVAL,
                        "cannot set multiple networks without bridge network mode, "
                        "selected mode %s: invalid argument",
                        mode_name(b->ns[NS_NET].mode));
        if (str_eq(text, "none") || str_eq(text, "host") || str_starts(text, "ns:") ||
            str_starts(text, "container:") || str_eq(text, "slirp4netns") ||
            str_starts(text, "slirp4netns:") || str_eq(text, "private") ||
            str_eq(text, "bridge"))
            return fail(err, EINVAL,
                        "can only set extra network names, selected mode %.*s "
                        "conflicts with bridge: invalid argument",
                        (int)strcspn(text, ":"), text);
        r = network_named(b, text, err);
    }
    if (r < 0)
        return r;
    if (spec_net_is(b, NS_BRIDGE) && json_object_object_length(b->networks) == 0)
        json_need(b->networks, b->conf->default_network);
    r = network_addresses(b, err);
    if (r < 0)
        return r;
    if (b->o->dns.n + b->o->dns_option.n + b->o->dns_search.n > 0 &&
        (spec_net_is(b, NS_NONE) || spec_net_is(b, NS_CONTAINER)))
        return fail(err, EINVAL, "conflicting options: dns and the network mode: %s",
                    spec_net_is(b, NS_NONE) ? "none" : "container");
    return 0;
}

/* Interfaces without a name get the first free ethN; members in podman's order. */
static int network_interfaces(struct spec_build *b, struct berth_error *err)
{
    static const char *const order[] = {"static_ips", "aliases", "static_mac", "interface_name",
                                        NULL};
    _cleanup_list_ struct berth_list used = LIST_INIT;
    json *done = json_new();
    unsigned next = 0;

    json_object_object_foreach (b->networks, name, net) {
        const char *iface = json_str(net, "interface_name");

        (void)name;
        if (!iface)
            continue;
        if (list_has(&used, iface)) {
            json_object_put(done);
            return fail(err, EEXIST,
                        "network interface name \"%s\" is already assigned to another network",
                        iface);
        }
        list_add(&used, iface);
    }
    json_object_object_foreach (b->networks, key, value) {
        char iface[32];

        if (!json_str(value, "interface_name")) {
            do
                snprintf(iface, sizeof(iface), "eth%u", next++);
            while (list_has(&used, iface));
            json_set_str(value, "interface_name", iface);
        }
        json_need_array(value, "aliases"); /* the short ID joins it later */
        json_set(done, key, spec_ordered(json_ref(value), order));
    }
    json_object_put(b->networks);
    b->networks = done;
    return 0;
}

static int network_dns(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    const struct conf *conf = b->conf;
    const struct berth_list *lists[] = {&conf->dns_servers, &o->dns};
    json *servers = json_new_array(), *search = json_new_array(), *options = json_new_array();
    bool none = false, v6;

    json_set(b->config, "dnsServer", servers);
    json_set(b->config, "dnsSearch", search);
    json_set(b->config, "dnsOption", options);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        for (size_t j = 0; j < lists[i]->n; j++) {
            const char *s = lists[i]->items[j];

            if (str_eq(s, "none")) {
                none = true;
                continue;
            }
            if (!is_ip(s, &v6))
                return fail(err, EINVAL, "%s is not an ip address", s);
            /* The configuration is applied at each start, not recorded. */
            if (i == 1)
                json_add_str(servers, s);
        }
    }
    if (none && o->dns.n > 1)
        return fail(err, EINVAL,
                    "%s is not allowed to be specified with other DNS ip addresses", "none");
    if (none && (o->dns_search.n || o->dns_option.n))
        return fail(err, EINVAL,
                    "invalid config provided: UseImageResolvConf and %s are "
                    "mutually exclusive options",
                    o->dns_search.n ? "DNSSearch" : "DNSOption");
    for (size_t i = 0; i < o->dns_search.n; i++)
        json_add_str(search, o->dns_search.items[i]);
    for (size_t i = 0; i < o->dns_option.n; i++)
        json_add_str(options, o->dns_option.items[i]);
    json_set_bool(b->config, "UseImageResolvConf", none);
    return 0;
}

static int network_hosts(struct spec_build *b, struct berth_error *err)
{
    const struct berth_list *add = &b->o->add_host;
    bool no_hosts = b->o->no_hosts >= 0 ? b->o->no_hosts : b->conf->no_hosts;
    json *list = json_new_array();
    bool v6;

    json_set(b->config, "hostsAdd", list);
    json_set_bool(b->config, "UseImageHosts", no_hosts);
    if (no_hosts && add->n)
        return fail(err, EINVAL, "--no-hosts and --add-host cannot be set together");
    for (size_t i = 0; i < add->n; i++) {
        const char *colon = strchr(add->items[i], ':');

        if (!colon || colon == add->items[i])
            return fail(err, EINVAL, "bad format for add-host: \"%s\"", add->items[i]);
        if (!is_ip(colon + 1, &v6))
            return fail(err, EINVAL, "invalid IP address in add-host: \"%s\"", colon + 1);
        json_add_str(list, add->items[i]);
    }
    if (add->n && spec_net_is(b, NS_CONTAINER))
        return fail(err, EINVAL,
                    "invalid config provided: cannot set extra host entries when the container "
                    "is joined to another containers network namespace: invalid configuration");
    return 0;
}

int spec_network(struct spec_build *b, struct berth_error *err)
{
    static const char *const lists[] = {"dnsServer", "dnsSearch", "dnsOption", "hostsAdd"};
    bool own = spec_net_own(b);
    int r;

    json_set_bool(b->config, "createNetNS", own);
    if (own)
        json_set_str(b->config, "networkMode", mode_name(b->ns[NS_NET].mode));
    json_set_bool(b->config, "postConfigureNetNS", own && b->new_userns);
    r = network_interfaces(b, err);
    if (r >= 0)
        r = network_dns(b, err);
    if (r >= 0)
        r = network_hosts(b, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (json_len(json_get(b->config, lists[i])) == 0)
            json_del(b->config, lists[i]);
    return 0;
}
