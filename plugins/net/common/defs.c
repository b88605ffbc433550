/* SPDX-License-Identifier: Apache-2.0 */
/* defs.c - definitions of networks in memory: podman's checks, podman's order, the default
 * network; see net_common.h. */
#include "making.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

char *na_format(const char *fmt, ...)
{
    va_list ap;
    char *text;
    int len;

    va_start(ap, fmt);
    len = vasprintf(&text, fmt, ap);
    va_end(ap);
    return len < 0 ? NULL : text;
}

bool defs_name_ok(const char *name)
{
    static const char first[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    return *name && strchr(first, *name) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
               strlen(name);
}

void defs_now(struct berth_net *n, char buf[48])
{
    defs_time(n->h->now(n->h->core), buf);
}

void defs_time(berth_date now, char buf[48])
{
    time_t seconds = (time_t)(now / 1000000000);
    char fraction[16];
    struct tm tm;
    size_t len;

    localtime_r(&seconds, &tm);
    len = strftime(buf, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(fraction, sizeof(fraction), ".%09ld", (long)(now % 1000000000));
    for (size_t i = strlen(fraction); i > 0 && (fraction[i - 1] == '0' || i == 1); i--)
        fraction[i - 1] = '\0';
    if (tm.tm_gmtoff == 0)
        snprintf(buf + len, 48 - len, "%sZ", fraction);
    else
        snprintf(buf + len, 48 - len, "%s%c%02ld:%02ld", fraction, tm.tm_gmtoff < 0 ? '-' : '+',
                 labs(tm.tm_gmtoff) / 3600 % 100, labs(tm.tm_gmtoff) / 60 % 60);
}

/* -------------------------------------------------------------------- order */

/* Maps of strings are written sorted, and not at all when they are empty. */
static int add_map(json *to, const char *key, const json *map)
{
    const char **names;
    json *sorted;
    int r = 0;

    if (!map || !json_object_is_type(map, json_type_object) ||
        json_object_object_length(map) == 0)
        return 0;
    names = js_sorted(map);
    sorted = json_object_new_object();
    for (size_t i = 0; names && sorted && names[i] && r == 0; i++)
        r = js_set(sorted, names[i], json_object_get(js_get(map, names[i])));
    if (!names || !sorted || r < 0) {
        json_object_put(sorted);
        free(names);
        return -ENOMEM;
    }
    free(names);
    return js_set(to, key, sorted);
}

static int add_member(json *to, const json *from, const char *key)
{
    static const char *const strings[] = {"name", "id", "driver", "created", NULL};
    static const char *const bools[] = {"ipv6_enabled", "internal", "dns_enabled", NULL};
    static const char *const maps[] = {"labels", "options", "ipam_options", NULL};

    for (size_t i = 0; strings[i]; i++)
        if (strcmp(strings[i], key) == 0)
            return js_set_str(to, key, js_str(from, key));
    for (size_t i = 0; bools[i]; i++)
        if (strcmp(bools[i], key) == 0)
            return js_set_bool(to, key, js_bool(from, key, false));
    for (size_t i = 0; maps[i]; i++)
        if (strcmp(maps[i], key) == 0)
            return add_map(to, key, js_get(from, key));
    if (strcmp(key, "network_interface") == 0)
        return *js_str(from, key) ? js_set_str(to, key, js_str(from, key)) : 0;
    if (strcmp(key, "subnets") == 0)
        return js_len(from, key) ? js_set(to, key, json_object_get(js_get(from, key))) : 0;
    return js_get(from, key) ? js_set(to, key, json_object_get(js_get(from, key))) : 0;
}

json *defs_ordered(const json *net)
{
    static const char *const order[] = {"name",
                                        "id",
                                        "driver",
                                        "network_interface",
                                        "created",
                                        "subnets",
                                        "routes",
                                        "ipv6_enabled",
                                        "internal",
                                        "dns_enabled",
                                        "network_dns_servers",
                                        "labels",
                                        "options",
                                        "ipam_options",
                                        NULL};
    json *to = json_object_new_object();
    int r = to ? 0 : -ENOMEM;

    for (size_t i = 0; order[i] && r == 0; i++)
        r = add_member(to, net, order[i]);
    if (r == 0) {
        /* What newer podman knows and we do not is kept. */
        json_object_object_foreach (net, key, value) {
            bool known = false;

            for (size_t i = 0; order[i] && !known; i++)
                known = strcmp(order[i], key) == 0;
            if (!known && value && r == 0)
                r = js_set(to, key, json_object_get(value));
        }
    }
    if (r < 0) {
        json_object_put(to);
        return NULL;
    }
    return to;
}

/* ------------------------------------------------------------------ subnets */

static int check_inside(struct berth_net *n, const char *what, const char *text,
                        const struct cidr *subnet, struct addr *out, struct berth_error *err)
{
    char cidr[CIDR_TEXT];

    if (!addr_parse(text, out))
        return berth_fail(n->h, err, EINVAL, "invalid IP address: %s", text);
    if (!cidr_has(subnet, out))
        return berth_fail(n->h, err, EINVAL, "%s %s not in subnet %s", what, text,
                          cidr_text(subnet, cidr));
    return 0;
}

/* One subnet: the network's address, the gateway, the range. */
static int check_subnet(struct berth_net *n, json *net, json *s, used_fn *used, void *arg,
                        struct berth_error *err)
{
    const char *text = js_str(s, "subnet");
    char buf[CIDR_TEXT];
    struct cidr subnet;
    struct addr a;
    json *range;
    int r = 0;

    if (!cidr_parse(text, &subnet))
        return berth_fail(n->h, err, EINVAL, "subnet invalid: invalid CIDR address: %s", text);
    if (used && used(arg, &subnet))
        return berth_fail(n->h, err, EEXIST,
                          "subnet %s is already used on the host or by another config", text);
    cidr_mask(&subnet);
    if (js_set_str(s, "subnet", cidr_text(&subnet, buf)) < 0)
        return NO_MEMORY(n, err);
    if (*js_str(s, "gateway")) {
        r = check_inside(n, "gateway", js_str(s, "gateway"), &subnet, &a, err);
    } else if (!js_bool(net, "internal", false) || js_bool(net, "dns_enabled", false)) {
        struct addr first = cidr_first(&subnet);

        if (js_set_str(s, "gateway", addr_text(&first, buf)) < 0)
            return NO_MEMORY(n, err);
    }
    range = js_get(s, "lease_range");
    if (r == 0 && *js_str(range, "start_ip"))
        r = check_inside(n, "lease range start ip", js_str(range, "start_ip"), &subnet, &a,
                         err);
    if (r == 0 && *js_str(range, "end_ip"))
        r = check_inside(n, "lease range end ip", js_str(range, "end_ip"), &subnet, &a, err);
    if (r == 0 && subnet.at.len == 16 && js_set_bool(net, "ipv6_enabled", true) < 0)
        r = NO_MEMORY(n, err);
    return r;
}

/* The members of a subnet in podman's order. */
static json *order_subnet(const json *s)
{
    static const char *const order[] = {"subnet", "gateway", "lease_range"};
    json *to = json_object_new_object();
    int r = to ? 0 : -ENOMEM;

    for (size_t i = 0; i < 3 && r == 0; i++)
        if (js_get(s, order[i]))
            r = js_set(to, order[i], json_object_get(js_get(s, order[i])));
    if (r == 0) {
        json_object_object_foreach (s, key, value) {
            if (r == 0 && value && !js_get(to, key))
                r = js_set(to, key, json_object_get(value));
        }
    }
    if (r < 0) {
        json_object_put(to);
        return NULL;
    }
    return to;
}

int defs_check_subnets(struct berth_net *n, json *net, used_fn *used, void *arg,
                       struct berth_error *err)
{
    for (size_t i = 0; i < js_len(net, "subnets"); i++) {
        json *s = js_at(net, "subnets", i);
        int r;

        if (!s || !json_object_is_type(s, json_type_object))
            return berth_fail(n->h, err, EINVAL, "subnet invalid: not an object");
        r = check_subnet(n, net, s, used, arg, err);
        if (r < 0)
            return r;
        s = order_subnet(s);
        if (!s || json_object_array_put_idx(js_get(net, "subnets"), i, s) < 0) {
            json_object_put(s);
            return NO_MEMORY(n, err);
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ default */

/* The network that is there without a file. */
static json *make_default(struct berth_net *n)
{
    json *net = json_object_new_object(), *subnets = json_object_new_array();
    json *subnet = json_object_new_object(), *ipam = json_object_new_object();
    char now[48];
    int r = net && subnets && subnet && ipam ? 0 : -ENOMEM;

    defs_now(n, now);
    if (r == 0)
        r = js_set_str(subnet, "subnet", n->default_subnet);
    if (r == 0)
        r = js_set_str(ipam, "driver", "host-local");
    if (r == 0)
        r = js_append(subnets, json_object_get(subnet));
    if (r == 0)
        r = js_set_str(net, "name", n->default_name);
    if (r == 0)
        r = js_set_str(net, "id", n->flavor->default_id ? n->flavor->default_id : "");
    if (r == 0)
        r = js_set_str(net, "driver", "bridge");
    if (r == 0)
        r = js_set_str(net, "network_interface", n->flavor->default_device);
    if (r == 0)
        r = js_set_str(net, "created", now);
    if (r == 0)
        r = js_set(net, "subnets", json_object_get(subnets));
    if (r == 0)
        r = js_set(net, "ipam_options", json_object_get(ipam));
    json_object_put(subnets);
    json_object_put(subnet);
    json_object_put(ipam);
    if (r < 0) {
        json_object_put(net);
        return NULL;
    }
    return net;
}

int defs_add_default(struct berth_net *n, struct berth_error *err)
{
    json *net, *ordered;
    int r;

    if (js_get(n->nets, n->default_name))
        return 0;
    net = make_default(n);
    if (!net)
        return NO_MEMORY(n, err);
    r = defs_check_subnets(n, net, NULL, NULL, err);
    if (r == 0) {
        /* All three are false whatever the subnet is. */
        ordered = js_set_bool(net, "ipv6_enabled", false) < 0 ? NULL : defs_ordered(net);
        if (!ordered || js_set(n->nets, n->default_name, ordered) < 0)
            r = NO_MEMORY(n, err);
    }
    json_object_put(net);
    return r;
}

/* ------------------------------------------------------------------- lookup */

int defs_find(struct berth_net *n, const char *name_or_id, json **out, struct berth_error *err)
{
    json *found = js_get(n->nets, name_or_id);

    if (found) {
        *out = found;
        return 0;
    }
    json_object_object_foreach (n->nets, name, net) {
        (void)name;
        if (strncmp(js_str(net, "id"), name_or_id, strlen(name_or_id)) != 0)
            continue;
        if (found)
            return berth_fail(n->h, err, ENOTUNIQ, "more than one result for network ID %s",
                              name_or_id);
        found = net;
    }
    if (!found)
        return berth_fail(n->h, err, ENOENT,
                          "unable to find network with name or ID %s: network not found",
                          name_or_id);
    *out = found;
    return 0;
}

/* -------------------------------------------------------------------- pools */

int net_read_pools(struct berth_net *n, const char *text, struct berth_error *err)
{
    while (*text) {
        size_t len = strcspn(text, " ,");
        char word[64], *colon;
        struct pool *p = &n->pools[n->n_pools];
        long size = 0;

        if (len) {
            snprintf(word, sizeof(word), "%.*s", (int)len, text);
            colon = strrchr(word, ':');
            if (colon) {
                *colon = '\0';
                size = strtol(colon + 1, NULL, 10);
            }
            if (len >= sizeof(word) || !colon || !cidr_parse(word, &p->base) ||
                p->base.at.len != 4 || size < (long)p->base.bits || size > 32)
                return berth_fail(
                    n->h, err, EINVAL,
                    "default_subnet_pools: \"%.*s\" is not BASE:PREFIX with an IPv4 "
                    "subnet, as in 10.89.0.0/16:24",
                    (int)len, text);
            if (n->n_pools == POOLS_MAX - 1)
                return berth_fail(n->h, err, E2BIG, "default_subnet_pools: more than %d",
                                  POOLS_MAX - 1);
            cidr_mask(&p->base);
            p->size = (unsigned)size;
            n->n_pools++;
        }
        text += len + (text[len] != '\0');
    }
    return 0;
}
