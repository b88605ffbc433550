/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c - the network backend `cni`: options, podman's lock, and the operations that need
 * no more than the conflists; see cni.h. */
#include "cni.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONF_DIR  "/etc/cni/net.d"
#define CACHE_DIR "/var/lib/cni/results"
#define POOLS     "10.89.0.0/16:24 10.90.0.0/15:24 10.92.0.0/14:24 10.96.0.0/11:24 10.128.0.0/9:24"
#define PLUGINS                                                                                \
    "/usr/local/libexec/cni /usr/libexec/cni /usr/local/lib/cni /usr/lib/cni /opt/cni/bin"

static const struct berth_option options[] = {
    {"network_config_dir", BERTH_OPTION_PATH, 0, CONF_DIR, "conflists of networks"},
    {"cni_plugin_dirs", BERTH_OPTION_STRING, 0, PLUGINS,
     "directories where CNI plugins are searched for"},
    {"cache_dir", BERTH_OPTION_PATH, 0, CACHE_DIR, "what CNI plugins answered"},
    {"default_network", BERTH_OPTION_STRING, 0, "podman", "network that containers get"},
    {"default_subnet", BERTH_OPTION_STRING, 0, "10.88.0.0/16",
     "its subnet, where no file defines it"},
    {"default_subnet_pools", BERTH_OPTION_STRING, 0, POOLS,
     "where subnets of new networks come from: BASE:PREFIX, separated by blanks"},
    {"timeout", BERTH_OPTION_TIME, 0, "2min", "how long a CNI plugin may run; 0: without end"},
};

/* ---------------------------------------------------------------------- lock */

int cni_lock(struct berth_net *n, struct berth_error *err)
{
    char *path = na_format("%s/cni.lock", n->conf_dir);
    int r = path ? 0 : NO_MEMORY(n, err);

    if (r == 0 && !n->readonly)
        r = nets_make_dirs(n, n->conf_dir, 0755, err);
    if (r == 0)
        r = nets_lock_file(n, path, &n->locks[0], err);
    free(path);
    if (r == 0)
        r = lists_load(n, err);
    if (r < 0)
        nets_unlock(n);
    return r;
}

/* ------------------------------------------------------------------ instance */

/* An unprivileged user's own, unless one is configured. */
static char *conf_dir(const struct berth_net *n, const char *configured)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (!n->rootless || strcmp(configured, CONF_DIR) != 0)
        return strdup(configured);
    if (config && *config)
        return na_format("%s/cni/net.d", config);
    return home && *home ? na_format("%s/.config/cni/net.d", home) : strdup(configured);
}

static int cni_open(const struct berth_host *h, const struct berth_place *place,
                    const struct berth_config *cfg, struct berth_net **out,
                    struct berth_error *err)
{
    struct berth_net *n = calloc(1, sizeof(*n));
    int r;

    if (!n)
        return berth_fail(h, err, ENOMEM, "out of memory");
    n->h = h;
    n->flavor = &cni_flavor;
    n->locks[0] = n->locks[1] = -1;
    n->rootless = place->flags & BERTH_PLACE_ROOTLESS;
    n->readonly = place->flags & BERTH_PLACE_READONLY;
    n->conf_dir = conf_dir(n, h->option_string(cfg, "network_config_dir"));
    n->run_dir = strdup(h->option_string(cfg, "cache_dir"));
    n->helper_dirs = strdup(h->option_string(cfg, "cni_plugin_dirs"));
    n->default_name = h->option_string(cfg, "default_network");
    n->default_subnet = h->option_string(cfg, "default_subnet");
    n->timeout = h->option_int(cfg, "timeout");
    r = nets_check_instance(n, h->option_string(cfg, "default_subnet_pools"), err);
    if (r < 0) {
        nets_close(n);
        return r;
    }
    *out = n;
    return 0;
}

static int cni_probe(const struct berth_host *h, const struct berth_place *place,
                     const struct berth_config *cfg, struct berth_error *err)
{
    struct berth_net *n = NULL;
    char *bridge;
    int r = cni_open(h, place, cfg, &n, err);

    if (r < 0)
        return r;
    bridge = cni_find(n, "bridge");
    if (!bridge)
        r = berth_fail(h, err, ENOENT, "failed to find plugin \"bridge\" in path [%s]",
                       n->helper_dirs);
    free(bridge);
    nets_close(n);
    return r;
}

/* ---------------------------------------------------------------- operations */

static int cni_drivers(struct berth_net *n, struct berth_list *out, struct berth_error *err)
{
    static const char *const names[] = {"bridge", "macvlan", "ipvlan"};
    int r = 0;

    (void)err;
    for (size_t i = 0; i < 3 && r == 0; i++)
        r = n->h->add(n->h->core, out, names[i]);
    return r;
}

static int cni_info(struct berth_net *n, struct berth_buf *out, struct berth_error *err)
{
    json *info = json_object_new_object();
    char *bridge = cni_find(n, "bridge");
    int r = info ? js_set_str(info, "backend", "cni") : -ENOMEM;

    if (r == 0 && bridge) {
        *strrchr(bridge, '/') = '\0';
        r = js_set_str(info, "path", bridge);
    }
    if (r == 0)
        r = js_write(n->h, info, false, out);
    free(bridge);
    json_object_put(info);
    return r < 0 ? NO_MEMORY(n, err) : 0;
}

/* The bridge goes with its network, but only one that is a bridge, has the name that podman
 * gives and nobody on it: a definition may name any link of the host. */
static void remove_bridge(struct berth_net *n, const json *net)
{
    const char *name = js_str(net, "network_interface");
    struct link *all;
    size_t count;

    if (strcmp(js_str(net, "driver"), "bridge") != 0 || links_list(&all, &count) < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        bool ports = false;

        if (strcmp(all[i].name, name) != 0 || !all[i].bridge)
            continue;
        for (size_t j = 0; j < count; j++)
            ports = ports || all[j].master == all[i].index;
        if (ports || strncmp(name, "cni-", 4) != 0)
            berth_log(n->h, BERTH_LOG_WARNING, "bridge %s stays: it is in use", name);
        else
            links_delete(NULL, name);
    }
    free(all);
}

static int cni_remove(struct berth_net *n, const char *name_or_id, struct berth_error *err)
{
    const char *path;
    json *net;
    int r = cni_lock(n, err);

    if (r < 0)
        return r;
    r = defs_find(n, name_or_id, &net, err);
    if (r == 0 && strcmp(js_str(net, "name"), n->default_name) == 0)
        r = berth_fail(n->h, err, EBUSY, "default network %s cannot be removed",
                       n->default_name);
    if (r == 0) {
        remove_bridge(n, net);
        path = js_str(n->files, js_str(net, "name"));
        if (unlink(path) < 0 && errno != ENOENT)
            r = berth_fail(n->h, err, errno, "removing %s", path);
    }
    nets_unlock(n);
    return r;
}

static const struct berth_net_ops ops = {
    .size = sizeof(ops),
    .probe = cni_probe,
    .open = cni_open,
    .close = nets_close,
    .info = cni_info,
    .drivers = cni_drivers,
    .default_name = nets_default_name,
    .create = nets_create,
    .remove = cni_remove,
    .inspect = nets_inspect,
    .list = nets_list,
    .setup = cni_setup,
    .teardown = cni_teardown,
};

BERTH_NET_PLUGIN(net_cni, &ops, .name = "cni", .version = "1.0",
                 .summary = "networks by CNI plugins, as podman's older backend has them",
                 .license = "Apache-2.0", .contact = "berth",
                 .caps = BERTH_NET_CAP_IPV6 | BERTH_NET_CAP_CONNECT,
                 .threads = BERTH_THREADS_ONE, .n_options = sizeof(options) / sizeof(*options),
                 .options = options);
