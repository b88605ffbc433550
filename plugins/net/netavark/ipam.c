/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipam.c - addresses of containers, in podman's ipam.db; see netavark.h.
 *
 *      NETWORK          bucket
 *        ids            bucket: container ID -> JSON list of its addresses, subnet by subnet
 *        SUBNET         bucket: address (its 4 or 16 bytes) -> container ID;
 *                       "lastIP" -> the address that was handed out last
 */
#include "netavark.h"

#include "plugins/common/bolt/bolt.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct ipam {
    struct berth_net *n;
    struct bolt *db;
    struct bolt_tx *tx;
    struct berth_error *err;
};

#define FAIL(i, code, ...) berth_fail((i)->n->h, (i)->err, code, "IPAM error: " __VA_ARGS__)

static int asked_to_stop(void *arg)
{
    struct berth_net *n = arg;

    return n->h->cancelled(n->h->core);
}

static int bolt_failed(struct ipam *i, int r)
{
    return FAIL(i, -r, "%s", bolt_error(i->db));
}

static int ipam_begin(struct ipam *i, struct berth_net *n, bool write, struct berth_error *err)
{
    char *path = na_format("%s/ipam.db", n->run_dir);
    int r;

    *i = (struct ipam){.n = n, .err = err};
    if (path)
        i->db = bolt_new(path, (write ? BOLT_CREATE : BOLT_READONLY) | BOLT_NOSYNC);
    free(path);
    if (!i->db)
        return NO_MEMORY(n, err);
    bolt_on_wait(i->db, asked_to_stop, n);
    r = bolt_begin(i->db, write ? BOLT_WRITE : 0, BOLT_FOREVER, &i->tx);
    if (r < 0)
        r = bolt_failed(i, r);
    return r;
}

static int ipam_end(struct ipam *i, int r)
{
    if (i->tx && r == 0) {
        r = bolt_commit(i->tx);
        if (r < 0)
            r = bolt_failed(i, r);
    } else {
        bolt_rollback(i->tx);
    }
    bolt_free(i->db);
    return r;
}

static int need_bucket(struct ipam *i, struct bolt_bucket *parent, const char *name,
                       struct bolt_bucket **out)
{
    int r = bolt_open(parent, name, strlen(name), out);

    if (r == -ENOENT)
        r = bolt_make(parent, name, strlen(name), out);
    if (r == -EEXIST)
        return FAIL(i, EUCLEAN, "%s is not a bucket", name);
    return r < 0 ? bolt_failed(i, r) : 0;
}

bool ipam_is_used(const json *net)
{
    const char *driver = js_str(js_get(net, "ipam_options"), "driver");

    return (!*driver || strcmp(driver, "host-local") == 0) && js_len(net, "subnets") > 0;
}

/* ---------------------------------------------------------------- allocation */

struct range {
    struct cidr subnet;
    struct addr start, end, gateway;
    bool has_gateway;
};

static int read_range(struct ipam *i, const json *s, struct range *out)
{
    const json *lease = js_get(s, "lease_range");
    const char *text = js_str(s, "subnet");

    if (!cidr_parse(text, &out->subnet))
        return FAIL(i, EINVAL, "invalid CIDR address: %s", text);
    cidr_mask(&out->subnet);
    out->start = out->subnet.at;
    addr_next(&out->start);
    if (*js_str(lease, "start_ip"))
        addr_parse(js_str(lease, "start_ip"), &out->start);
    out->end = cidr_last(&out->subnet);
    if (out->end.len == 4)
        addr_prev(&out->end);
    if (*js_str(lease, "end_ip"))
        addr_parse(js_str(lease, "end_ip"), &out->end);
    out->has_gateway = addr_parse(js_str(s, "gateway"), &out->gateway);
    return 0;
}

static bool is_free(struct bolt_bucket *b, const struct addr *a)
{
    struct bolt_bytes value;

    return bolt_get(b, a->b, a->len, &value) == -ENOENT;
}

/* The first free address behind the one that was handed out last, once around. */
static int pick(struct ipam *i, struct bolt_bucket *b, const struct range *g, struct addr *out)
{
    struct addr at = g->start, begin;
    struct bolt_bytes last;
    char from[ADDR_TEXT], to[ADDR_TEXT];

    if (bolt_get(b, "lastIP", 6, &last) == 0 && last.len == g->start.len) {
        memcpy(at.b, last.data, last.len);
        if (!addr_next(&at) || addr_cmp(&at, &g->start) < 0 || addr_cmp(&at, &g->end) > 0)
            at = g->start;
    }
    if (addr_cmp(&g->start, &g->end) <= 0) {
        begin = at;
        do {
            bool gateway = g->has_gateway && addr_cmp(&at, &g->gateway) == 0;

            if (!gateway && is_free(b, &at)) {
                int r = bolt_put(b, "lastIP", 6, at.b, at.len);

                *out = at;
                return r < 0 ? bolt_failed(i, r) : 0;
            }
            if (addr_cmp(&at, &g->end) == 0)
                at = g->start;
            else
                addr_next(&at);
        } while (addr_cmp(&at, &begin) != 0);
    }
    return FAIL(i, ENOSPC, "failed to find free IP in range: %s - %s",
                addr_text(&g->start, from), addr_text(&g->end, to));
}

/* The first address that was asked for in this subnet; false: none. */
static bool asked_for(const json *options, const struct cidr *subnet, struct addr *out)
{
    for (size_t k = 0; k < js_len(options, "static_ips"); k++) {
        json *item = js_at(options, "static_ips", k);

        if (item && json_object_is_type(item, json_type_string) &&
            addr_parse(json_object_get_string(item), out) && cidr_has(subnet, out))
            return true;
    }
    return false;
}

static int take_asked(struct ipam *i, struct bolt_bucket *b, const struct range *g,
                      const struct addr *a)
{
    struct bolt_bytes owner;
    char text[ADDR_TEXT];
    int r = bolt_get(b, a->b, a->len, &owner);

    if (r == 0)
        return FAIL(i, EADDRINUSE,
                    "requested ip address %s is already allocated to container ID %.*s",
                    addr_text(a, text), (int)owner.len, (const char *)owner.data);
    if (r != -ENOENT)
        return bolt_failed(i, r);
    if (g->has_gateway && addr_cmp(a, &g->gateway) == 0)
        return FAIL(i, EADDRINUSE, "requested ip address %s is the gateway of its network",
                    addr_text(a, text));
    return 0;
}

static int allocate_subnet(struct ipam *i, struct bolt_bucket *network, const char *id,
                           const json *s, const json *options, json *ips)
{
    struct bolt_bucket *b;
    struct range g;
    struct addr a;
    char text[CIDR_TEXT];
    json *item;
    int r = read_range(i, s, &g);

    if (r == 0)
        r = need_bucket(i, network, cidr_text(&g.subnet, text), &b);
    if (r < 0)
        return r;
    r = asked_for(options, &g.subnet, &a) ? take_asked(i, b, &g, &a) : pick(i, b, &g, &a);
    if (r < 0)
        return r;
    r = bolt_put(b, a.b, a.len, id, strlen(id));
    if (r < 0)
        return bolt_failed(i, r);
    item = json_object_new_string(addr_text(&a, text));
    return js_append(ips, item) < 0 ? NO_MEMORY(i->n, i->err) : 0;
}

static int release_network(struct ipam *i, const char *name, const char *id);

static int allocate_network(struct ipam *i, const char *name, const char *id, json *options)
{
    const json *net = js_get(i->n->nets, name);
    struct bolt_bucket *network, *ids;
    json *ips = json_object_new_array();
    const char *text;
    int r = ips ? need_bucket(i, bolt_root(i->tx), name, &network) : NO_MEMORY(i->n, i->err);

    /* What an earlier attempt for this container left, which nobody could tell us of. */
    if (r == 0)
        r = release_network(i, name, id);
    for (size_t k = 0; k < js_len(net, "subnets") && r == 0; k++)
        r = allocate_subnet(i, network, id, js_at(net, "subnets", k), options, ips);
    if (r == 0)
        r = need_bucket(i, network, "ids", &ids);
    if (r == 0) {
        text = json_object_to_json_string_ext(ips, JSON_C_TO_STRING_PLAIN);
        r = bolt_put(ids, id, strlen(id), text, strlen(text));
        if (r < 0)
            r = bolt_failed(i, r);
    }
    if (r == 0 && js_set(options, "static_ips", json_object_get(ips)) < 0)
        r = NO_MEMORY(i->n, i->err);
    json_object_put(ips);
    return r;
}

int ipam_allocate(struct berth_net *n, const char *id, json *networks, struct berth_error *err)
{
    bool wanted = false;
    struct ipam i;
    int r;

    json_object_object_foreach (networks, some, unused) {
        (void)unused;
        wanted = wanted || ipam_is_used(js_get(n->nets, some));
    }
    if (!wanted)
        return 0;
    r = ipam_begin(&i, n, true, err);
    json_object_object_foreach (networks, name, options) {
        if (r == 0 && ipam_is_used(js_get(n->nets, name)))
            r = allocate_network(&i, name, id, options);
    }
    return ipam_end(&i, r);
}

/* ------------------------------------------------------- reading and release */

/* The list of addresses of a container, checked; NULL: none, or it cannot be used. */
static json *addresses_of(struct bolt_bucket *network, const char *id)
{
    struct bolt_bytes text;
    struct bolt_bucket *ids;
    struct addr a;
    json *list;

    if (bolt_open(network, "ids", 3, &ids) < 0 || bolt_get(ids, id, strlen(id), &text) < 0)
        return NULL;
    list = js_parse((struct berth_blob){text.data, text.len});
    if (!list || !json_object_is_type(list, json_type_array)) {
        json_object_put(list);
        return NULL;
    }
    for (size_t k = 0; k < json_object_array_length(list); k++) {
        json *item = json_object_array_get_idx(list, k);

        if (!item || !json_object_is_type(item, json_type_string) ||
            !addr_parse(json_object_get_string(item), &a)) {
            json_object_put(list);
            return NULL;
        }
    }
    return list;
}

int ipam_read(struct berth_net *n, const char *id, json *networks, struct berth_error *err)
{
    struct ipam i;
    int r = ipam_begin(&i, n, false, err), first = r;

    json_object_object_foreach (networks, name, options) {
        struct bolt_bucket *network;
        json *ips = NULL;

        if (r < 0 || !ipam_is_used(js_get(n->nets, name)))
            continue;
        if (bolt_open(bolt_root(i.tx), name, strlen(name), &network) == 0)
            ips = addresses_of(network, id);
        if (ips && js_set(options, "static_ips", ips) < 0)
            first = NO_MEMORY(n, err);
        else if (!ips && first == 0)
            first = FAIL(&i, ENOENT, "failed to get ips for container ID %s on network %s", id,
                         name);
    }
    bolt_rollback(i.tx);
    bolt_free(i.db);
    return first;
}

/* An address in b that belongs to the container; false: none (any more). */
static bool find_owned(struct bolt_bucket *b, const char *id, struct addr *out)
{
    struct bolt_cursor c;

    for (int r = bolt_first(&c, b); r == 1; r = bolt_next(&c)) {
        if (c.is_bucket || (c.key.len != 4 && c.key.len != 16) || c.value.len != strlen(id) ||
            memcmp(c.value.data, id, c.value.len) != 0)
            continue;
        out->len = (unsigned)c.key.len;
        memcpy(out->b, c.key.data, c.key.len);
        return true;
    }
    return false;
}

/* All that a container has in one subnet; addresses that `known` lists are not searched for.*/
static int release_subnet(struct ipam *i, struct bolt_bucket *b, const char *id,
                          const json *known)
{
    size_t n = known ? json_object_array_length(known) : 0;
    struct bolt_bytes owner;
    struct addr a;
    int r = 0;

    for (size_t k = 0; k < n && r == 0; k++) {
        if (addr_parse(json_object_get_string(json_object_array_get_idx(known, k)), &a) &&
            bolt_get(b, a.b, a.len, &owner) == 0 && owner.len == strlen(id) &&
            memcmp(owner.data, id, owner.len) == 0)
            r = bolt_delete(b, a.b, a.len);
    }
    while (r == 0 && !known && find_owned(b, id, &a))
        r = bolt_delete(b, a.b, a.len);
    return r < 0 ? bolt_failed(i, r) : 0;
}

#define SUBNETS_MAX 64

static int release_network(struct ipam *i, const char *name, const char *id)
{
    struct bolt_bucket *network, *subnets[SUBNETS_MAX], *ids;
    struct bolt_cursor c;
    size_t n = 0;
    json *known;
    int r = bolt_open(bolt_root(i->tx), name, strlen(name), &network);

    if (r < 0)
        return r == -ENOENT ? 0 : bolt_failed(i, r);
    known = addresses_of(network, id);
    for (r = bolt_first(&c, network); r == 1 && n < SUBNETS_MAX; r = bolt_next(&c))
        if (c.is_bucket && !(c.key.len == 3 && memcmp(c.key.data, "ids", 3) == 0) &&
            bolt_open(network, c.key.data, c.key.len, &subnets[n]) == 0)
            n++;
    r = r < 0 ? bolt_failed(i, r) : 0;
    for (size_t k = 0; k < n && r == 0; k++)
        r = release_subnet(i, subnets[k], id, known);
    json_object_put(known);
    if (r == 0 && bolt_open(network, "ids", 3, &ids) == 0) {
        r = bolt_delete(ids, id, strlen(id));
        r = r < 0 && r != -ENOENT ? bolt_failed(i, r) : 0;
    }
    return r;
}

int ipam_release(struct berth_net *n, const char *id, const json *networks,
                 struct berth_error *err)
{
    struct ipam i;
    int r = ipam_begin(&i, n, true, err);

    json_object_object_foreach (networks, name, options) {
        (void)options;
        if (r == 0)
            r = release_network(&i, name, id);
    }
    return ipam_end(&i, r);
}

/* ------------------------------------------------------------------- listing */

/* The object of a member, made when it is missing; NULL: no memory. */
static json *need(json *o, const char *key, bool array)
{
    json *value = js_get(o, key);

    if (value)
        return value;
    value = array ? json_object_new_array() : json_object_new_object();
    return js_set(o, key, value) < 0 ? NULL : value;
}

/* One address of a subnet.  What is no address and no ID is passed over. */
static int list_address(const struct bolt_cursor *c, json *owners)
{
    char text[ADDR_TEXT], id[256];
    struct addr a;
    json *ips, *item;

    if (c->is_bucket || (c->key.len != 4 && c->key.len != 16) || c->value.len == 0 ||
        c->value.len >= sizeof(id))
        return 0;
    a.len = (unsigned)c->key.len;
    memcpy(a.b, c->key.data, c->key.len);
    memcpy(id, c->value.data, c->value.len);
    id[c->value.len] = '\0';
    if (strlen(id) != c->value.len)
        return 0;
    ips = need(owners, id, true);
    item = ips ? json_object_new_string(addr_text(&a, text)) : NULL;
    return js_append(ips, item);
}

static int list_network(struct bolt_bucket *network, json *owners)
{
    struct bolt_bucket *subnet;
    struct bolt_cursor c, in;
    int r, s = 0;

    for (r = bolt_first(&c, network); r == 1 && s == 0; r = bolt_next(&c)) {
        if (!c.is_bucket || (c.key.len == 3 && memcmp(c.key.data, "ids", 3) == 0) ||
            bolt_open(network, c.key.data, c.key.len, &subnet) < 0)
            continue;
        for (s = bolt_first(&in, subnet); s == 1;) {
            s = list_address(&in, owners);
            if (s == 0)
                s = bolt_next(&in);
        }
    }
    return r < 0 ? r : s;
}

int ipam_list(struct berth_net *n, json **out, struct berth_error *err)
{
    char *path = na_format("%s/ipam.db", n->run_dir), name[256];
    bool there = path && access(path, F_OK) == 0;
    struct bolt_bucket *network;
    struct bolt_cursor c;
    struct ipam i;
    int r;

    free(path);
    *out = json_object_new_object();
    if (!*out)
        return NO_MEMORY(n, err);
    if (!there)
        return 0;
    r = ipam_begin(&i, n, false, err);
    if (r == 0) {
        for (r = bolt_first(&c, bolt_root(i.tx)); r == 1;) {
            json *owners;

            r = 0;
            snprintf(name, sizeof(name), "%.*s", (int)c.key.len, (const char *)c.key.data);
            if (c.is_bucket && c.key.len < sizeof(name) &&
                bolt_open(bolt_root(i.tx), c.key.data, c.key.len, &network) == 0) {
                owners = need(*out, name, false);
                r = owners ? list_network(network, owners) : -ENOMEM;
            }
            if (r == 0)
                r = bolt_next(&c);
        }
        if (r < 0)
            r = r == -ENOMEM ? NO_MEMORY(n, err) : bolt_failed(&i, r);
    }
    bolt_rollback(i.tx);
    bolt_free(i.db);
    return r;
}

int ipam_forget(struct berth_net *n, const char *network, struct berth_error *err)
{
    struct ipam i;
    int r = ipam_begin(&i, n, true, err);

    if (r == 0) {
        r = bolt_drop(bolt_root(i.tx), network, strlen(network));
        r = r < 0 && r != -ENOENT ? bolt_failed(&i, r) : 0;
    }
    return ipam_end(&i, r);
}
