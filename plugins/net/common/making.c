/* SPDX-License-Identifier: Apache-2.0 */
/* making.c - new networks: podman's checks in podman's order, free bridges and subnets; see
 * making.h. */
#include "making.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

static bool is_used(void *arg, const struct cidr *subnet)
{
    const struct making *m = arg;

    for (size_t i = 0; i < m->n_used; i++)
        if (cidr_meets(&m->used[i], subnet))
            return true;
    return false;
}

static int add_used(struct making *m, const struct cidr *c)
{
    struct cidr *more = realloc(m->used, (m->n_used + 1) * sizeof(*more));

    if (!more)
        return NO_MEMORY(m->n, m->err);
    m->used = more;
    m->used[m->n_used] = *c;
    cidr_mask(&m->used[m->n_used++]);
    return 0;
}

/* The network of one address of the host; false: it has none. */
static bool host_network(const struct ifaddrs *i, struct cidr *out)
{
    const uint8_t *address, *mask;

    if (!i->ifa_addr || !i->ifa_netmask)
        return false;
    if (i->ifa_addr->sa_family == AF_INET) {
        out->at.len = 4;
        address =
            (const uint8_t *)&((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr;
        mask = (const uint8_t *)&((const struct sockaddr_in *)(const void *)i->ifa_netmask)
                   ->sin_addr;
    } else if (i->ifa_addr->sa_family == AF_INET6) {
        out->at.len = 16;
        address = ((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr.s6_addr;
        mask = ((const struct sockaddr_in6 *)(const void *)i->ifa_netmask)->sin6_addr.s6_addr;
    } else {
        return false;
    }
    memcpy(out->at.b, address, out->at.len);
    out->bits = 0;
    while (out->bits < out->at.len * 8 && mask[out->bits / 8] & (0x80 >> out->bits % 8))
        out->bits++;
    return true;
}

static int gather_used(struct making *m)
{
    struct ifaddrs *all = NULL;
    struct cidr c;
    int r = 0;

    json_object_object_foreach (m->n->nets, name, net) {
        (void)name;
        for (size_t i = 0; i < js_len(net, "subnets") && r == 0; i++)
            if (cidr_parse(js_str(js_at(net, "subnets", i), "subnet"), &c))
                r = add_used(m, &c);
    }
    if (r == 0 && getifaddrs(&all) < 0)
        r = BAD(m, errno, "listing the addresses of this host");
    for (struct ifaddrs *i = all; i && r == 0; i = i->ifa_next)
        if (host_network(i, &c))
            r = add_used(m, &c);
    freeifaddrs(all);
    return r;
}

/* ------------------------------------------------------------- names and IDs */

static bool bridge_used(struct berth_net *n, const char *bridge)
{
    json_object_object_foreach (n->nets, name, net) {
        (void)name;
        if (strcmp(js_str(net, "driver"), "bridge") == 0 &&
            strcmp(js_str(net, "network_interface"), bridge) == 0)
            return true;
    }
    return false;
}

static int free_device(struct making *m, char out[IFNAMSIZ])
{
    for (unsigned i = 1; i < 1000000; i++) {
        snprintf(out, IFNAMSIZ, "%s%u", m->n->flavor->device, i);
        if (!bridge_used(m->n, out) && !js_get(m->n->nets, out) && if_nametoindex(out) == 0)
            return 0;
    }
    return BAD(m, ENOSPC, "could not find free device name, to many iterations");
}

static int set_id(struct making *m)
{
    uint8_t random[32];
    char id[65];

    for (;;) {
        bool taken = false;

        if (getrandom(random, sizeof(random), 0) != sizeof(random))
            return BAD(m, errno, "drawing a random ID");
        for (size_t i = 0; i < sizeof(random); i++)
            snprintf(id + 2 * i, 3, "%02x", random[i]);
        json_object_object_foreach (m->n->nets, name, net) {
            (void)name;
            taken = taken || strcmp(js_str(net, "id"), id) == 0;
        }
        if (!taken)
            return js_set_str(m->net, "id", id) < 0 ? NO_MEMORY(m->n, m->err) : 0;
    }
}

static int set_name(struct making *m)
{
    const char *name = js_str(m->net, "name");
    char device[IFNAMSIZ];
    json *other;
    int r;

    if (!*name) {
        r = free_device(m, device);
        if (r == 0 && js_set_str(m->net, "name", device) < 0)
            r = NO_MEMORY(m->n, m->err);
        if (r == 0 && strcmp(js_str(m->net, "driver"), "bridge") == 0 &&
            !*js_str(m->net, "network_interface") &&
            js_set_str(m->net, "network_interface", device) < 0)
            r = NO_MEMORY(m->n, m->err);
        return r;
    }
    if (!defs_name_ok(name))
        return BAD(m, EINVAL,
                   "network name %s invalid: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: "
                   "invalid argument",
                   name);
    r = m->n->flavor->names_only ? -!js_get(m->n->nets, name)
                                 : defs_find(m->n, name, &other, NULL);
    if (r == 0)
        return BAD(m, EEXIST, "network name %s already used: network already exists", name);
    return 0;
}

/* ------------------------------------------------------------------ subnets */

static int add_subnet(struct making *m, const struct cidr *c)
{
    json *list = js_get(m->net, "subnets"), *s = json_object_new_object();
    char text[CIDR_TEXT];

    if (!list || !json_object_is_type(list, json_type_array)) {
        list = json_object_new_array();
        if (js_set(m->net, "subnets", list) < 0) {
            json_object_put(s);
            return NO_MEMORY(m->n, m->err);
        }
    }
    if (!s || js_set_str(s, "subnet", cidr_text(c, text)) < 0 ||
        json_object_array_add(list, s) < 0) {
        json_object_put(s);
        return NO_MEMORY(m->n, m->err);
    }
    return add_used(m, c);
}

static int free_ipv4(struct making *m)
{
    for (size_t i = 0; i < m->n->n_pools; i++) {
        const struct pool *p = &m->n->pools[i];
        struct cidr c = {p->base.at, p->size};

        cidr_mask(&c);
        do {
            if (!cidr_has(&p->base, &c.at))
                break;
            if (!is_used(m, &c))
                return add_subnet(m, &c);
        } while (cidr_next(&c));
    }
    return BAD(m, ENOSPC, "could not find free subnet from subnet pools");
}

static int free_ipv6(struct making *m)
{
    for (unsigned i = 0; i < 10000; i++) {
        struct cidr c = {{.len = 16}, 64};

        if (getrandom(c.at.b, 8, 0) != 8)
            return BAD(m, errno, "drawing a random subnet");
        c.at.b[0] = 0xfd;
        if (!is_used(m, &c))
            return add_subnet(m, &c);
    }
    return BAD(m, ENOSPC, "failed to get random ipv6 subnet");
}

static void families(const struct making *m, bool *v4, bool *v6)
{
    struct cidr c;

    *v4 = *v6 = false;
    for (size_t i = 0; i < js_len(m->net, "subnets"); i++)
        if (cidr_parse(js_str(js_at(m->net, "subnets", i), "subnet"), &c))
            *(c.at.len == 4 ? v4 : v6) = true;
}

static int pick_subnets(struct making *m)
{
    bool v4, v6;
    int r = 0;

    if (js_len(m->net, "subnets") == 0)
        r = free_ipv4(m);
    if (r == 0 && js_bool(m->net, "ipv6_enabled", false)) {
        families(m, &v4, &v6);
        if (!v4)
            r = free_ipv4(m);
        if (r == 0 && !v6)
            r = free_ipv6(m);
    }
    return r;
}

/* ------------------------------------------------------------------ options */

static int number(struct making *m, const char *text, long *out)
{
    char *end;

    errno = 0;
    *out = strtol(text, &end, 10);
    if (errno || end == text || *end || strchr(" \t\n", *text))
        return BAD(m, EINVAL, "strconv.Atoi: parsing \"%s\": invalid syntax", text);
    return 0;
}

int making_check_mtu(struct making *m, const char *text)
{
    long value;
    int r = number(m, text, &value);

    if (r == 0 && value < 0)
        r = BAD(m, EINVAL, "mtu %ld is less than zero", value);
    return r;
}

static int check_vlan(struct making *m, const char *text)
{
    long value;
    int r = number(m, text, &value);

    if (r == 0 && (value < 0 || value > 4094))
        r = BAD(m, EINVAL, "vlan ID %ld must be between 0 and 4094", value);
    return r;
}

static int check_isolate(struct making *m, const char *text, const char **stored)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};

    for (size_t i = 0; i < 6; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *stored = strcmp(text, yes[i]) == 0 ? "true" : "false";
            return 0;
        }
    }
    return BAD(m, EINVAL, "strconv.ParseBool: parsing \"%s\": invalid syntax", text);
}

static int bridge_options(struct making *m)
{
    json *options = js_get(m->net, "options");
    const char *isolate = NULL;
    int r = 0;

    if (!options || !json_object_is_type(options, json_type_object))
        return 0;
    json_object_object_foreach (options, key, value) {
        const char *text = js_str(options, key);

        (void)value;
        if (r < 0)
            break;
        if (strcmp(key, "mtu") == 0)
            r = making_check_mtu(m, text);
        else if (strcmp(key, "vlan") == 0)
            r = check_vlan(m, text);
        else if (strcmp(key, "isolate") == 0)
            r = check_isolate(m, text, &isolate);
        else
            r = BAD(m, EINVAL, "unsupported bridge network option %s", key);
    }
    if (r == 0 && isolate && js_set_str(options, "isolate", isolate) < 0)
        r = NO_MEMORY(m->n, m->err);
    return r;
}

/* ------------------------------------------------------------------ drivers */

int making_set_ipam(struct making *m, const char *driver)
{
    json *ipam = js_get(m->net, "ipam_options");

    if (!ipam || !json_object_is_type(ipam, json_type_object)) {
        ipam = json_object_new_object();
        if (js_set(m->net, "ipam_options", ipam) < 0)
            return NO_MEMORY(m->n, m->err);
    }
    return js_set_str(ipam, "driver", driver) < 0 ? NO_MEMORY(m->n, m->err) : 0;
}

static int making_bridge(struct making *m, const char *ipam)
{
    const char *bridge = js_str(m->net, "network_interface");
    char device[IFNAMSIZ];
    int r = 0;

    if (!*bridge) {
        r = free_device(m, device);
        if (r == 0 && js_set_str(m->net, "network_interface", device) < 0)
            r = NO_MEMORY(m->n, m->err);
    } else if (bridge_used(m->n, bridge)) {
        r = BAD(m, EEXIST, "bridge name %s already in use", bridge);
    } else if (!defs_name_ok(bridge)) {
        r = BAD(m, EINVAL,
                "bridge name %s invalid: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid "
                "argument",
                bridge);
    }
    if (r == 0 && strcmp(ipam, "none") != 0 && strcmp(ipam, "dhcp") != 0) {
        r = pick_subnets(m);
        if (r == 0)
            r = making_set_ipam(m, "host-local");
    }
    return r < 0 ? r : bridge_options(m);
}

static int make(struct making *m)
{
    const char *driver, *ipam;
    bool bridge, none;
    char now[48];
    int r = 0;

    if (!*js_str(m->net, "driver") && js_set_str(m->net, "driver", "bridge") < 0)
        return NO_MEMORY(m->n, m->err);
    if (*js_str(m->net, "id"))
        return BAD(m, EINVAL, "ID can not be set for network create: invalid argument");
    r = set_id(m);
    if (r == 0)
        r = set_name(m);
    if (r < 0)
        return r;
    driver = js_str(m->net, "driver");
    bridge = strcmp(driver, "bridge") == 0;
    ipam = js_str(js_get(m->net, "ipam_options"), "driver");
    none = strcmp(ipam, "none") == 0;
    r = m->n->flavor->check_ipam(m, ipam);
    if (r == 0 && bridge)
        r = gather_used(m);
    if (r == 0)
        r = bridge ? making_bridge(m, ipam) : m->n->flavor->make_other(m, driver, ipam);
    if (r == 0 && none && js_set_bool(m->net, "dns_enabled", false) < 0)
        r = NO_MEMORY(m->n, m->err);
    defs_now(m->n, now);
    if (r == 0 && js_set_str(m->net, "created", now) < 0)
        r = NO_MEMORY(m->n, m->err);
    return r;
}

/* Subnets that were picked are among the used ones, so those that the user gave are checked
 * before any is picked. */
static int check_given(struct berth_net *n, json *net, struct berth_error *err)
{
    struct making m = {.n = n, .net = net, .err = err};
    bool bridge = !*js_str(net, "driver") || strcmp(js_str(net, "driver"), "bridge") == 0;
    int r = bridge ? gather_used(&m) : 0;

    if (r == 0)
        r = defs_check_subnets(n, net, is_used, &m, err);
    free(m.used);
    return r;
}

int defs_create(struct berth_net *n, const json *wish, json **out, struct berth_error *err)
{
    struct making m = {.n = n, .err = err};
    json *given = NULL, *done = NULL;
    int r;

    if (json_object_deep_copy((json *)(uintptr_t)wish, &m.net, NULL) < 0)
        return NO_MEMORY(n, err);
    if (json_object_deep_copy((json *)(uintptr_t)wish, &given, NULL) < 0) {
        json_object_put(m.net);
        return NO_MEMORY(n, err);
    }
    r = make(&m);
    if (r == 0)
        r = check_given(n, given, err);
    if (r == 0)
        r = defs_check_subnets(n, m.net, NULL, NULL, err);
    if (r == 0 && !(done = defs_ordered(m.net)))
        r = NO_MEMORY(n, err);
    /* What is in memory goes with the lock; what was written would stay. */
    if (r == 0 && js_set(n->nets, js_str(done, "name"), json_object_get(done)) < 0)
        r = NO_MEMORY(n, err);
    if (r == 0)
        r = n->flavor->save(n, done, err);
    if (r == 0)
        *out = done;
    else
        json_object_put(done);
    json_object_put(given);
    json_object_put(m.net);
    free(m.used);
    return r;
}
