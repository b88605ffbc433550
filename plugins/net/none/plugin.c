/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c - the network backend of hosts without one: there are no networks, and
 * containers have their loopback device, the host's network or another container's.
 */
#include <berth/net.h>

#include <stdlib.h>
#include <string.h>

struct berth_net {
    const struct berth_host *h;
};

static int none_probe(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, struct berth_error *err)
{
    (void)h;
    (void)place;
    (void)cfg;
    (void)err;
    return 0;
}

static int none_open(const struct berth_host *h, const struct berth_place *place,
                     const struct berth_config *cfg, struct berth_net **out,
                     struct berth_error *err)
{
    struct berth_net *n = calloc(1, sizeof(*n));

    (void)place;
    (void)cfg;
    if (!n)
        return berth_fail(h, err, ENOMEM, "out of memory");
    n->h = h;
    *out = n;
    return 0;
}

static void none_close(struct berth_net *n)
{
    free(n);
}

static int none_info(struct berth_net *n, struct berth_buf *out, struct berth_error *err)
{
    static const char text[] = "{\"backend\":\"none\"}";

    (void)err;
    return n->h->put(n->h->core, out, text, sizeof(text) - 1);
}

static int none_drivers(struct berth_net *n, struct berth_list *out, struct berth_error *err)
{
    (void)n;
    (void)out;
    (void)err;
    return 0;
}

/* The name of the mode rather than of a network: there is none to give. */
static const char *none_default_name(struct berth_net *n)
{
    (void)n;
    return "none";
}

static int no_backend(struct berth_net *n, struct berth_error *err)
{
    return berth_fail(n->h, err, ENOTSUP,
                      "the network backend \"none\" has no networks; "
                      "set NetworkBackend to one that has");
}

static int none_create(struct berth_net *n, struct berth_blob network, uint32_t flags,
                       struct berth_buf *out, struct berth_error *err)
{
    (void)network;
    (void)flags;
    (void)out;
    return no_backend(n, err);
}

static int not_there(struct berth_net *n, const char *name, struct berth_error *err)
{
    return berth_fail(n->h, err, ENOENT, "no network \"%s\": the network backend is \"none\"",
                      name);
}

static int none_remove(struct berth_net *n, const char *name_or_id, struct berth_error *err)
{
    return not_there(n, name_or_id, err);
}

static int none_inspect(struct berth_net *n, const char *name_or_id, struct berth_buf *out,
                        struct berth_error *err)
{
    (void)out;
    return not_there(n, name_or_id, err);
}

static int none_list(struct berth_net *n, berth_net_fn *fn, void *arg, struct berth_error *err)
{
    (void)n;
    (void)fn;
    (void)arg;
    (void)err;
    return 0;
}

/* The namespace stays as it is. */
static int none_setup(struct berth_net *n, const char *netns, struct berth_blob options,
                      struct berth_buf *out, struct berth_error *err)
{
    (void)netns;
    (void)options;
    (void)err;
    return n->h->put(n->h->core, out, "{}", 2);
}

static int none_teardown(struct berth_net *n, const char *netns, struct berth_blob options,
                         struct berth_error *err)
{
    (void)n;
    (void)netns;
    (void)options;
    (void)err;
    return 0;
}

static const struct berth_net_ops ops = {
    .size = sizeof(ops),
    .probe = none_probe,
    .open = none_open,
    .close = none_close,
    .info = none_info,
    .drivers = none_drivers,
    .default_name = none_default_name,
    .create = none_create,
    .remove = none_remove,
    .inspect = none_inspect,
    .list = none_list,
    .setup = none_setup,
    .teardown = none_teardown,
};

BERTH_NET_PLUGIN(net_none, &ops, .name = "none", .version = "1.0",
                 .summary = "no networks at all", .license = "Apache-2.0", .contact = "berth",
                 .threads = BERTH_THREADS_PARALLEL);
