/* SPDX-License-Identifier: Apache-2.0 */
/* wrap_net.c - calls into network plugins; see wrap.h. */
#include "wrap/call.h"
#include "wrap/wrap.h"

struct net {
    struct instance i;
    const struct berth_net_ops *ops;
    struct berth_net *n;
};

#define ON_NET(n_, op, err, ...) INVOKE(&(n_)->i, (n_)->ops, op, err, (n_)->n, __VA_ARGS__)

int net_open(const struct conf *c, const char *name, const struct berth_place *place,
             const struct conf_override *overrides, size_t n, struct net **out,
             struct berth_error *err)
{
    struct net *net = calloc(1, sizeof(*net));
    int r;

    if (!net)
        return fail(err, ENOMEM, "out of memory");
    r = instance_init(&net->i, c, BERTH_KIND_NET, name, NULL, overrides, n, err);
    if (r < 0) {
        free(net);
        return r;
    }
    net->ops = net->i.plugin->ops;
    r = INVOKE(&net->i, net->ops, open, err, plugin_host(net->i.plugin), place, net->i.config,
               &net->n);
    if (r < 0) {
        instance_free(&net->i);
        free(net);
        return r;
    }
    *out = net;
    return r;
}

void net_close(struct net *n)
{
    if (!n)
        return;
    INVOKE_VOID(&n->i, n->ops, close, n->n);
    instance_free(&n->i);
    free(n);
}

uint64_t net_caps(const struct net *n)
{
    return n->i.plugin->desc.caps;
}

const char *net_plugin(const struct net *n)
{
    return n->i.plugin->desc.name;
}

int net_info(struct net *n, struct berth_buf *out, struct berth_error *err)
{
    return ON_NET(n, info, err, out);
}

int net_drivers(struct net *n, struct berth_list *out, struct berth_error *err)
{
    return ON_NET(n, drivers, err, out);
}

const char *net_default_name(struct net *n)
{
    struct call call;
    const char *name;

    call_void_begin(&call, &n->i, "default_name");
    name = n->ops->default_name(n->n);
    call_void_end(&call);
    return name;
}

int net_create(struct net *n, struct berth_blob network, uint32_t flags, struct berth_buf *out,
               struct berth_error *err)
{
    return ON_NET(n, create, err, network, flags, out);
}

int net_remove(struct net *n, const char *name_or_id, struct berth_error *err)
{
    return ON_NET(n, remove, err, name_or_id);
}

int net_inspect(struct net *n, const char *name_or_id, struct berth_buf *out,
                struct berth_error *err)
{
    return ON_NET(n, inspect, err, name_or_id, out);
}

int net_list(struct net *n, berth_net_fn *fn, void *arg, struct berth_error *err)
{
    return INVOKE_LENT(&n->i, n->ops, list, err, n->n, fn, arg);
}

int net_update(struct net *n, const char *name_or_id, struct berth_blob change,
               struct berth_error *err)
{
    return ON_NET(n, update, err, name_or_id, change);
}

int net_setup(struct net *n, const char *netns, struct berth_blob options,
              struct berth_buf *out, struct berth_error *err)
{
    return ON_NET(n, setup, err, netns, options, out);
}

int net_teardown(struct net *n, const char *netns, struct berth_blob options,
                 struct berth_error *err)
{
    return ON_NET(n, teardown, err, netns, options);
}

int net_check(struct net *n, struct berth_blob joined, berth_net_left_fn *fn, void *arg,
              struct berth_error *err)
{
    return INVOKE_LENT(&n->i, n->ops, check, err, n->n, joined, fn, arg);
}
