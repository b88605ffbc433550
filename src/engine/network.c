/* SPDX-License-Identifier: Apache-2.0 */
/* network.c - see network.h. */
#include "engine/network.h"
#include "base/str.h"
#include "engine/store.h"

int network_get(struct engine *e, const char *name_or_id, json **out, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct net *net;
    int r = engine_net(e, &net, err);

    if (r == 0)
        r = net_inspect(net, name_or_id, &text, err);
    return r < 0 ? r : json_parse_object(buf_blob(&text), "definition of a network", out, err);
}

int network_resolve(struct engine *e, json **networks, struct berth_error *err)
{
    _cleanup_json_ json *named = json_new();

    json_object_object_foreach (*networks, name, options) {
        _cleanup_json_ json *net = NULL;
        const char *full = name;

        /* The default network is always there, and a backend need not be asked. */
        if (!str_eq(name, e->conf->default_network)) {
            int r = network_get(e, name, &net, err);

            if (r < 0)
                return r;
            full = str_or(json_str(net, "name"), name);
        }
        if (json_get(named, full))
            return fail(err, EEXIST, "network %s is named twice", full);
        json_set(named, full, json_ref(options));
    }
    json_object_put(*networks);
    *networks = TAKE(named);
    return 0;
}

struct listing {
    json *all;
    struct berth_error *err;
};

static int add_network(void *arg, const char *name _unused_, const char *id _unused_,
                       struct berth_blob network)
{
    struct listing *l = arg;
    json *net;
    int r = json_parse_object(network, "definition of a network", &net, l->err);

    if (r == 0)
        json_add(l->all, net);
    return r;
}

int network_all(struct engine *e, json **out, struct berth_error *err)
{
    _cleanup_json_ json *all = json_new_array();
    struct listing l = {all, err};
    struct net *net;
    int r = engine_net(e, &net, err);

    if (r == 0)
        r = net_list(net, add_network, &l, err);
    if (r == 0)
        *out = TAKE(all);
    return r;
}

int network_users(struct engine *e, const char *name, struct berth_list *out,
                  struct berth_error *err)
{
    _cleanup_list_ struct berth_list ids = LIST_INIT;
    int r = store_ids(e, BERTH_CONTAINER, 0, &ids, err);

    for (size_t i = 0; r == 0 && i < ids.n; i++) {
        _cleanup_ctr_ struct ctr *c = NULL;
        _cleanup_json_ json *networks = NULL;

        r = ctr_load(e, ids.items[i], &c, err);
        if (r == -ENOENT) { /* removed meanwhile */
            error_clear(err);
            r = 0;
            continue;
        }
        if (r == 0)
            r = store_networks(c, &networks, err);
        if (r == 0 && json_get(networks, name))
            list_add(out, ids.items[i]);
    }
    return r;
}

int network_update(struct engine *e, const char *name_or_id, json *change,
                   struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct net *net;
    int r = engine_net(e, &net, err);

    if (r < 0)
        return r;
    if (!(net_caps(net) & BERTH_NET_CAP_UPDATE))
        return fail(err, ENOTSUP,
                    "networks of the backend \"%s\" cannot be changed: remove this one and "
                    "create it anew",
                    net_plugin(net));
    if (json_write(change, 0, &text) < 0)
        return fail(err, ENOMEM, "out of memory");
    return net_update(net, name_or_id, buf_blob(&text), err);
}
