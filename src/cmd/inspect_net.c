/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_net.c - NetworkSettings of a container's document. */
#include "base/id.h"
#include "base/str.h"
#include "cmd/inspect.h"
#include <stdlib.h>

static json *one_binding(const char *ip, int64_t port)
{
    json *o = json_new();
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)port);
    json_set_str(o, "HostIp", str_or(ip, ""));
    json_set_str(o, "HostPort", text);
    return o;
}

static void add_binding(json *ports, const json *p, const char *protocol, size_t len,
                        int64_t offset)
{
    _cleanup_free_ char *key =
        str_printf("%lld/%.*s", (long long)(json_i64(p, "container_port", 0) + offset),
                   (int)len, protocol);

    if (key)
        json_add(json_need_array(ports, key),
                 one_binding(json_str(p, "host_ip"), json_i64(p, "host_port", 0) + offset));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json *inspect_sorted(json *object)
{
    size_t n = (size_t)json_object_object_length(object), i = 0;
    _cleanup_free_ const char **names = calloc(n + 1, sizeof(*names));
    json *out = json_new();

    if (names) {
        json_object_object_foreach (object, key, value) {
            (void)value;
            names[i++] = key;
        }
        SORT(names, n, compare_names);
        for (i = 0; i < n; i++)
            json_set(out, names[i], json_ref(json_get(object, names[i])));
    }
    json_object_put(object);
    return out;
}

json *inspect_ports(const struct ctr *c)
{
    json *list = json_get(c->config, "newPortMappings"), *ports = json_new();
    json *exposed = json_get(c->config, "exposedPorts");

    for (size_t n = 0; n < json_len(list); n++) {
        const json *p = json_item(list, n);
        const char *protocol = str_or(json_str(p, "protocol"), "tcp");
        int64_t range = MIN(MAX(json_i64(p, "range", 1), 1), 65536);

        while (*protocol) {
            size_t len = strcspn(protocol, ",");

            for (int64_t offset = 0; offset < range; offset++)
                add_binding(ports, p, protocol, len, offset);
            protocol += len + (protocol[len] == ',');
        }
    }
    if (exposed) {
        json_object_object_foreach (exposed, port, protocols) {
            for (size_t n = 0; n < json_len(protocols); n++) {
                _cleanup_free_ char *key =
                    str_printf("%s/%s", port, str_or(json_item_str(protocols, n), "tcp"));

                if (key && !json_get(ports, key))
                    json_set(ports, key, NULL);
            }
        }
    }
    return inspect_sorted(ports);
}

/* Addresses of one network, as they stand in NetworkSettings too. */
static void set_addresses(json *o, const json *status)
{
    const char *gateway = "", *address = "", *gateway6 = "", *address6 = "", *mac = "";
    int64_t length = 0, length6 = 0;
    _cleanup_json_ json *more = json_new_array(), *more6 = json_new_array();
    _cleanup_json_ json *macs = json_new_array();
    json *interfaces = json_get(status, "interfaces");
    char text[128], text6[128];

    if (interfaces) {
        json_object_object_foreach (interfaces, name, interface) {
            json *subnets = json_get(interface, "subnets");
            const char *this_mac = str_or(json_str(interface, "mac_address"), "");

            (void)name;
            if (!*mac)
                mac = this_mac;
            else
                json_add_str(macs, this_mac);
            for (size_t n = 0; n < json_len(subnets); n++) {
                const char *net = str_or(json_str(json_item(subnets, n), "ipnet"), "");
                const char *via = str_or(json_str(json_item(subnets, n), "gateway"), "<nil>");
                const char *slash = strchr(net, '/');
                bool six = strchr(net, ':') != NULL;
                int64_t bits = slash ? atoi(slash + 1) : 0;
                int len =
                    (int)MIN(slash ? (size_t)(slash - net) : strlen(net), sizeof(text) - 1);

                if (six ? *address6 : *address) {
                    json *extra = json_new();

                    json_set(extra, "Addr", json_object_new_string_len(net, len));
                    json_set_i64(extra, "PrefixLength", bits);
                    json_add(six ? more6 : more, extra);
                } else if (six) {
                    snprintf(text6, sizeof(text6), "%.*s", len, net);
                    address6 = text6;
                    length6 = bits;
                    gateway6 = via;
                } else {
                    snprintf(text, sizeof(text), "%.*s", len, net);
                    address = text;
                    length = bits;
                    gateway = via;
                }
            }
        }
    }
    json_set_str(o, "EndpointID", "");
    json_set_str(o, "Gateway", gateway);
    json_set_str(o, "IPAddress", address);
    json_set_i64(o, "IPPrefixLen", length);
    if (json_len(more))
        json_set(o, "SecondaryIPAddresses", json_ref(more));
    json_set_str(o, "IPv6Gateway", gateway6);
    json_set_str(o, "GlobalIPv6Address", address6);
    json_set_i64(o, "GlobalIPv6PrefixLen", length6);
    if (json_len(more6))
        json_set(o, "SecondaryIPv6Addresses", json_ref(more6));
    json_set_str(o, "MacAddress", mac);
    if (json_len(macs))
        json_set(o, "AdditionalMACAddresses", json_ref(macs));
}

static json *one_network(const char *name, const json *options, const json *status)
{
    json *o = json_new(), *aliases = json_get(options, "aliases");

    set_addresses(o, status);
    json_set_str(o, "NetworkID", name);
    json_set(o, "DriverOpts", NULL);
    json_set(o, "IPAMConfig", NULL);
    json_set(o, "Links", NULL);
    if (json_len(aliases))
        json_set(o, "Aliases", json_copy(aliases));
    return o;
}

static void set_top(const struct inspection *i, const struct ctr *owner, const json *status,
                    json *o)
{
    json *ports;

    set_addresses(o, status);
    json_set_str(o, "Bridge", "");
    json_set_str(o, "SandboxID", "");
    json_set_bool(o, "HairpinMode", false);
    json_set_str(o, "LinkLocalIPv6Address", "");
    json_set_i64(o, "LinkLocalIPv6PrefixLen", 0);
    json_set(o, "Ports", ports = inspect_ports(owner));
    if (i->marked && json_object_object_length(ports) == 0)
        template_type(ports, "map[string][]define.InspectHostPort");
    json_set_str(o, "SandboxKey", str_or(owner->netns, ""));
}

int inspect_network(struct inspection *i, json **out, struct berth_error *err)
{
    const char *joined = json_str(i->c->config, "netNsCtr");
    _cleanup_ctr_ struct ctr *other = NULL;
    _cleanup_json_ json *networks = NULL, *o = json_new();
    struct ctr *owner = i->c;
    json *status, *list;
    int r = 0;

    if (!str_empty(joined)) {
        r = ctr_load(i->c->e, joined, &other, err);
        if (r < 0)
            return r;
        owner = other;
    }
    r = store_networks(owner, &networks, err);
    if (r < 0)
        return r;
    networks = inspect_sorted(TAKE(networks));
    status = json_get(owner->state, "networkStatus");
    /* The members of old stand for the default network, and only when it is the one. */
    set_top(i, owner,
            json_object_object_length(networks) == 1
                ? json_get(json_get(networks, i->c->e->conf->default_network) ? status : NULL,
                           i->c->e->conf->default_network)
                : NULL,
            o);
    if (json_object_object_length(networks) > 0) {
        json_set(o, "Networks", list = json_new());
        json_object_object_foreach (networks, name, options) {
            json_set(list, name, one_network(name, options, json_get(status, name)));
        }
    } else if (i->marked) {
        json_set(o, "Networks",
                 template_type(json_new(), "omit:map[string]*define.InspectAdditionalNetwork"));
    }
    if (i->marked)
        template_type(o, "*define.InspectNetworkSettings");
    *out = TAKE(o);
    return 0;
}
