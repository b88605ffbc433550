/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_net.c - the networks of a container in the store; see store.h.
 *
 * A format keeps them as links, or inside the configuration of the container.  There podman
 * before 6 has a map `newNetworks`, podman 6 a list `orderedNetworks`; what is written here
 * is always the map, which all of them read.
 */
#include "base/str.h"
#include "engine/store_priv.h"

/* The networks of one container while they are read or changed. */
struct networks {
    struct ctr *c;
    json *all;             /* name -> options */
    struct berth_list old; /* names whose link has no options yet: podman before 4.0 */
    struct berth_error *err;
};

static void networks_free(struct networks *n)
{
    json_putp(&n->all);
    list_free(&n->old);
}
#define _cleanup_networks_ _cleanup_(networks_free)

static bool has_links(const struct ctr *c)
{
    return state_caps(c->e->state) & BERTH_STATE_CAP_NETWORKS;
}

/* Only in this mode are a container's networks its own to choose. */
static bool is_bridge(const struct ctr *c)
{
    return str_eq(json_str(c->config, "networkMode"), "bridge");
}

/* ------------------------------------------------------------------ reading */

/* Options of the index-th network of a container that podman before 4.0 made: addresses stand
 * in its configuration, for the first network, and numbers of interfaces in its state. */
static json *old_options(const struct ctr *c, const char *name, size_t index)
{
    json *options = json_new(), *numbers = json_get(c->state, "networkDescriptions");
    const char *ip = json_str(c->config, "staticIP"), *mac = json_str(c->config, "staticMAC");
    _cleanup_free_ char *interface =
        str_printf("eth%lld", (long long)json_i64(numbers, name, (int64_t)index));
    _cleanup_free_ char *alias = str_printf("%.12s", c->id);

    if (index == 0 && !str_empty(ip))
        json_add_str(json_need_array(options, "static_ips"), ip);
    json_add_str(json_need_array(options, "aliases"), alias);
    if (index == 0 && !str_empty(mac))
        json_set_str(options, "static_mac", mac);
    json_set_str(options, "interface_name", interface);
    return options;
}

static int add_link(void *arg, const struct berth_link *link)
{
    struct networks *n = arg;
    char what[ID_LEN + 64];
    json *options = NULL;
    int r;

    if (link->value.len == 0 || (link->value.len == strlen(n->c->id) &&
                                 memcmp(link->value.data, n->c->id, link->value.len) == 0)) {
        size_t index = (size_t)json_object_object_length(n->all);

        json_set(n->all, link->to, old_options(n->c, link->to, index));
        return list_add(&n->old, link->to);
    }
    snprintf(what, sizeof(what), "options of a network of container %.12s", n->c->id);
    r = json_parse_object(link->value, what, &options, n->err);
    if (r == 0)
        json_set(n->all, link->to, options);
    return r;
}

/* What a configuration says of networks, as name -> options. */
static json *networks_in(const json *config)
{
    json *map = json_get(config, "newNetworks"), *list = json_get(config, "orderedNetworks");
    json *all = json_new();

    if (json_object_is_type(map, json_type_object)) {
        json_object_object_foreach (map, name, options)
            json_set(all, name, options ? json_copy(options) : json_new());
        return all;
    }
    for (size_t i = 0; i < json_len(list); i++) {
        const char *name = json_str(json_item(list, i), "name");
        json *options = str_empty(name) ? NULL : json_copy(json_item(list, i));

        if (!options)
            continue;
        json_del(options, "name");
        json_set(all, name, options);
    }
    return all;
}

static int read_links(struct networks *n, struct txn *t)
{
    struct berth_record rec = {.size = sizeof(rec)};
    int r = txn_get(t, BERTH_CONTAINER, n->c->id, 0, &rec, n->err);

    n->all = json_new();
    r = store_ctr_gone(n->c, r, n->err);
    return r < 0 ? r
                 : txn_links(t, BERTH_LINK_NETWORK, BERTH_FROM, n->c->id, add_link, n, n->err);
}

int store_networks(struct ctr *c, json **out, struct berth_error *err)
{
    _cleanup_networks_ struct networks n = {.c = c, .old = LIST_INIT, .err = err};
    _cleanup_txn_ struct txn *t = NULL;
    int r = store_ctr_valid(c, err);

    if (r < 0)
        return r;
    if (!is_bridge(c)) {
        *out = json_new();
        return 0;
    }
    if (!has_links(c)) {
        *out = networks_in(c->config);
        return 0;
    }
    r = store_begin(c->e, false, &t, err);
    if (r == 0)
        r = read_links(&n, t);
    if (r == 0)
        *out = TAKE(n.all);
    return r;
}

int store_networks_check(json *networks, struct berth_error *err)
{
    json_object_object_foreach (networks, name, options) {
        if (str_empty(name))
            return fail(err, EINVAL,
                        "network names cannot be an empty string: invalid argument");
        if (str_empty(json_str(options, "interface_name")))
            return fail(err, EINVAL,
                        "network interface name cannot be an empty string: invalid argument");
    }
    return 0;
}

/* ----------------------------------------------------------------- changing */

enum change {
    CONNECT,
    MODIFY,
    DISCONNECT,
};

/* Does the change suit what is there? */
static int may_change(const struct networks *n, const char *name, enum change what)
{
    bool connected = json_object_object_get_ex(n->all, name, NULL);

    if (what == CONNECT && connected)
        return fail(n->err, EEXIST,
                    "container %s is already connected to network \"%s\": network is already "
                    "connected",
                    n->c->id, name);
    if (what != CONNECT && !connected)
        return fail(n->err, ENOENT,
                    "container %s is not connected to CNI network \"%s\": network not found",
                    n->c->id, name);
    return 0;
}

static int put_link(struct networks *n, struct txn *t, const char *name, const json *options)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct berth_link link = {
        .size = sizeof(link), .kind = BERTH_LINK_NETWORK, .from = n->c->id, .to = name};

    if (json_write(options, 0, &text) < 0)
        return fail(n->err, ENOMEM, "out of memory");
    link.value = buf_blob(&text);
    return txn_link(t, &link, n->err);
}

/* Change one link.  Those without options get theirs: podman does not read a mixture. */
static int change_links(struct networks *n, struct txn *t, const char *name, json *options,
                        enum change what)
{
    int r = read_links(n, t);

    if (r == 0)
        r = may_change(n, name, what);
    for (size_t i = 0; r == 0 && i < n->old.n; i++) {
        const char *old = n->old.items[i];

        if (str_eq(old, name))
            continue;
        r = txn_unlink(t, BERTH_LINK_NETWORK, n->c->id, old, n->err);
        if (r == 0)
            r = put_link(n, t, old, json_get(n->all, old));
    }
    if (r == 0 && what != CONNECT)
        r = txn_unlink(t, BERTH_LINK_NETWORK, n->c->id, name, n->err);
    if (r == 0 && what != DISCONNECT)
        r = put_link(n, t, name, options);
    return r;
}

/* Change the stored configuration, and nothing else of it. */
static int change_config(struct networks *n, struct txn *t, const char *name, json *options,
                         enum change what)
{
    _cleanup_json_ json *config = NULL;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct berth_record rec = {.size = sizeof(rec)};
    int r = txn_get(t, BERTH_CONTAINER, n->c->id, BERTH_REC_CONFIG, &rec, n->err);
    char where[ID_LEN + 32];

    r = store_ctr_gone(n->c, r, n->err);
    snprintf(where, sizeof(where), "configuration of container %.12s", n->c->id);
    if (r == 0)
        r = json_parse_object(rec.config, where, &config, n->err);
    if (r < 0)
        return r;
    n->all = networks_in(config);
    r = may_change(n, name, what);
    if (r < 0)
        return r;
    if (what == DISCONNECT)
        json_del(n->all, name);
    else
        json_set(n->all, name, json_copy(options));
    json_del(config, "orderedNetworks");
    json_set(config, "newNetworks", json_ref(n->all));
    if (json_write(config, 0, &text) < 0)
        return fail(n->err, ENOMEM, "out of memory");
    rec = (struct berth_record){.size = sizeof(rec),
                                .kind = BERTH_CONTAINER,
                                .has = BERTH_REC_CONFIG,
                                .id = n->c->id,
                                .config = buf_blob(&text)};
    return txn_update(t, &rec, n->err);
}

static int change(struct ctr *c, const char *name, json *options, enum change what,
                  struct berth_error *err)
{
    _cleanup_networks_ struct networks n = {.c = c, .old = LIST_INIT, .err = err};
    _cleanup_txn_ struct txn *t = NULL;
    int r = store_ctr_valid(c, err);

    if (r < 0)
        return r;
    if (str_empty(name))
        return fail(err, EINVAL, "network names must not be empty: invalid argument");
    if (what != DISCONNECT && str_empty(json_str(options, "interface_name")))
        return fail(err, EINVAL,
                    "network interface name cannot be an empty string: invalid argument");
    if (!is_bridge(c))
        return fail(err, ENOENT,
                    "container %s does not have a network bucket: network not found", c->id);
    r = store_begin(c->e, true, &t, err);
    if (r == 0)
        r = has_links(c) ? change_links(&n, t, name, options, what)
                         : change_config(&n, t, name, options, what);
    if (r == 0)
        r = txn_commit(&t, err);
    if (r == 0 && !has_links(c)) {
        json_del(c->config, "orderedNetworks");
        json_set(c->config, "newNetworks", TAKE(n.all));
    }
    return r;
}

int store_network_connect(struct ctr *c, const char *name, json *options,
                          struct berth_error *err)
{
    return change(c, name, options, CONNECT, err);
}

int store_network_modify(struct ctr *c, const char *name, json *options,
                         struct berth_error *err)
{
    return change(c, name, options, MODIFY, err);
}

int store_network_disconnect(struct ctr *c, const char *name, struct berth_error *err)
{
    return change(c, name, NULL, DISCONNECT, err);
}
