/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - what containers left behind: the frame, and bridges; see check.h. */
#include "check.h"

#include <stdio.h>
#include <string.h>

int check_left(struct check *k, const char *container, const char *fmt, ...)
{
    char what[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    for (char *c = what; *c; c++)
        if ((unsigned char)*c < 0x20)
            *c = '?';
    return k->fn(k->arg, container, what);
}

bool check_is_on(const struct check *k, const char *id, const char *network)
{
    json *networks;

    if (!json_object_object_get_ex(k->joined, id, &networks))
        return false;
    return !networks || json_object_object_get_ex(networks, network, NULL);
}

bool check_subnet_used(const struct check *k, const struct cidr *subnet)
{
    struct addr a;

    json_object_object_foreach (k->addresses, text, unused) {
        (void)unused;
        if (addr_parse(text, &a) && cidr_has(subnet, &a))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------ bridges */

/* Names that are chosen by podman and us; a bridge with another one may be the user's. */
static bool is_ours(const char *name)
{
    return strncmp(name, "podman", 6) == 0 && name[6] &&
           strspn(name + 6, "0123456789") == strlen(name + 6);
}

/* Is it the bridge of a network that a container is on?  One that no definition names is
 * used while it has ports. */
static bool bridge_is_used(const struct check *k, const char *bridge, bool ports)
{
    bool defined = false;

    json_object_object_foreach (k->n->nets, name, net) {
        if (strcmp(js_str(net, "driver"), "bridge") != 0 ||
            strcmp(js_str(net, "network_interface"), bridge) != 0)
            continue;
        defined = true;
        if (js_get(k->networks, name))
            return true;
    }
    return !defined && ports;
}

static bool has_ports(const struct link *all, size_t n, const struct link *bridge)
{
    for (size_t i = 0; i < n; i++)
        if (all[i].master == bridge->index)
            return true;
    return false;
}

int check_bridges(struct check *k)
{
    struct link *all;
    size_t n;
    int r = links_list(&all, &n);

    if (r < 0)
        return berth_fail(k->n->h, k->err, -r, "listing the interfaces of this host");
    for (size_t i = 0; i < n && r == 0; i++) {
        if (!all[i].bridge || !is_ours(all[i].name) ||
            bridge_is_used(k, all[i].name, has_ports(all, n, &all[i])))
            continue;
        r = check_left(k, NULL, "bridge: %s has no containers", all[i].name);
        if (r > 0) {
            r = links_delete(NULL, all[i].name);
            if (r < 0)
                r = berth_fail(k->n->h, k->err, -r, "deleting bridge %s", all[i].name);
        }
    }
    free(all);
    return r;
}

/* ----------------------------------------------------------------- together */

static int note_container(struct check *k, const json *one)
{
    json *networks = js_get(one, "networks");
    int r = json_object_object_add(k->joined, js_str(one, "container_id"),
                                   json_object_get(networks));

    if (!networks || !json_object_is_type(networks, json_type_object))
        return r;
    json_object_object_foreach (networks, name, options) {
        if (r == 0)
            r = js_set_bool(k->networks, name, true);
        for (size_t i = 0; r == 0 && i < js_len(options, "static_ips"); i++)
            r = js_set_bool(k->addresses,
                            json_object_get_string(js_at(options, "static_ips", i)), true);
    }
    return r;
}

int na_check(struct berth_net *n, struct berth_blob joined, berth_net_left_fn *fn, void *arg,
             struct berth_error *err)
{
    struct check k = {.n = n,
                      .joined = json_object_new_object(),
                      .addresses = json_object_new_object(),
                      .networks = json_object_new_object(),
                      .fn = fn,
                      .arg = arg,
                      .err = err};
    json *list = js_parse(joined);
    int r = 0;

    if (!list || !json_object_is_type(list, json_type_array))
        r = berth_fail(n->h, err, EINVAL, "the containers are not a JSON array");
    else if (!k.joined || !k.addresses || !k.networks)
        r = NO_MEMORY(n, err);
    for (size_t i = 0; r == 0 && i < json_object_array_length(list); i++)
        if (note_container(&k, json_object_array_get_idx(list, i)) < 0)
            r = NO_MEMORY(n, err);
    if (r == 0)
        r = na_lock(n, err);
    if (r == 0) {
        r = check_ipam(&k);
        if (r == 0)
            r = check_dns(&k);
        if (r == 0)
            r = check_firewall(&k);
        if (r == 0)
            r = check_bridges(&k);
        nets_unlock(n);
    }
    json_object_put(list);
    json_object_put(k.joined);
    json_object_put(k.addresses);
    json_object_put(k.networks);
    return r;
}

/* ---------------------------------------------------------------------- sweep */

struct sweep {
    struct berth_net *n;
    const json *networks;
    json *chains; /* digits of chains in which one of the subnets was seen */
};

/* Is it a rule of one of the networks: with its subnet, or in a chain that has that? */
static int is_swept(void *arg, const char *container, const char *what)
{
    struct sweep *s = arg;
    const char *chain = strstr(what, "NETAVARK-");
    bool ours = false;

    (void)container;
    json_object_object_foreach (s->networks, name, options) {
        const json *net = js_get(s->n->nets, name);

        (void)options;
        /* While containers are joined to it, its rules are in use. */
        if (if_nametoindex(js_str(net, "network_interface")))
            continue;
        for (size_t i = 0; i < js_len(net, "subnets"); i++)
            ours = ours || strstr(what, js_str(js_at(net, "subnets", i), "subnet"));
    }
    json_object_object_foreach (s->chains, digits, unused) {
        (void)unused;
        ours = ours || strstr(what, digits);
    }
    while (ours && chain) {
        char word[14];

        chain += strncmp(chain + 9, "DN-", 3) == 0 ? 12 : 9;
        snprintf(word, sizeof(word), "%.13s", chain);
        if (strlen(word) == 13 && strspn(word, "0123456789ABCDEF") == 13)
            js_set_bool(s->chains, word, true);
        chain = strstr(chain, "NETAVARK-");
    }
    return ours;
}

/* Is it the bridge of one of these networks, and netavark's to take away? */
static bool is_bridge_of(struct berth_net *n, const json *networks, const char *bridge)
{
    json_object_object_foreach (networks, name, options) {
        const json *net = js_get(n->nets, name);

        (void)options;
        if (strcmp(js_str(net, "driver"), "bridge") == 0 &&
            strcmp(js_str(net, "network_interface"), bridge) == 0)
            return strcmp(js_str(js_get(net, "options"), "mode"), "unmanaged") != 0;
    }
    return false;
}

/* netavark takes a bridge away, and with it what is one rule for all containers, when it has
 * deleted the last container's interface.  If it was killed just then, or the interface went
 * with its namespace, it says that there is none and leaves the bridge. */
static void drop_bridges(struct berth_net *n, const json *networks)
{
    struct link *all = NULL;
    size_t count = 0;
    int r = links_list(&all, &count);

    for (size_t i = 0; i < count && r == 0; i++)
        if (all[i].bridge && !has_ports(all, count, &all[i]) &&
            is_bridge_of(n, networks, all[i].name))
            r = links_delete(NULL, all[i].name);
    if (r < 0)
        berth_log(n->h, BERTH_LOG_WARNING, "bridges of networks may stay: %s", strerror(-r));
    free(all);
}

void na_sweep(struct berth_net *n, const json *networks)
{
    struct sweep s = {n, networks, json_object_new_object()};
    struct check k = {.n = n,
                      .joined = json_object_new_object(),
                      .addresses = json_object_new_object(),
                      .networks = json_object_new_object(),
                      .fn = is_swept,
                      .arg = &s};
    json *owners = NULL;
    int r = s.chains && k.joined && k.addresses && k.networks ? ipam_list(n, &owners, NULL)
                                                              : -ENOMEM;

    drop_bridges(n, networks);
    /* Everybody who has an address may be joined. */
    if (r == 0) {
        json_object_object_foreach (owners, network, ids) {
            (void)network;
            json_object_object_foreach (ids, id, unused) {
                (void)unused;
                if (json_object_object_add(k.joined, id, NULL) < 0)
                    r = -ENOMEM;
            }
        }
    }
    if (r == 0)
        r = check_ipam(&k);
    if (r == 0)
        r = check_firewall(&k);
    if (r < 0)
        berth_log(n->h, BERTH_LOG_WARNING, "rules of networks may stay: %s", strerror(-r));
    json_object_put(owners);
    json_object_put(s.chains);
    json_object_put(k.joined);
    json_object_put(k.addresses);
    json_object_put(k.networks);
}
