/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c - the network backend `netavark`: options, podman's lock, and the operations that
 * need no more than the definitions; see netavark.h. */
#include "netavark.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONF_DIR "/etc/containers/networks"
#define RUN_DIR  "/run/containers/networks"
#define POOLS    "10.89.0.0/16:24 10.90.0.0/15:24 10.92.0.0/14:24 10.96.0.0/11:24 10.128.0.0/9:24"
#define HELPERS                                                                                \
    "/usr/local/libexec/podman /usr/local/lib/podman /usr/libexec/podman /usr/lib/podman"

static const struct berth_option options[] = {
    {"path", BERTH_OPTION_PATH, 0, NULL, "the program netavark; none: searched for"},
    {"dns_path", BERTH_OPTION_PATH, 0, NULL, "the program aardvark-dns; none: searched for"},
    {"helper_binaries_dir", BERTH_OPTION_STRING, 0, HELPERS,
     "directories where both are searched for"},
    {"network_config_dir", BERTH_OPTION_PATH, 0, NULL,
     "definitions of networks; none: podman's directory"},
    {"run_dir", BERTH_OPTION_PATH, 0, NULL,
     "addresses in use and files of aardvark-dns; none: podman's directory"},
    {"default_network", BERTH_OPTION_STRING, 0, "podman", "network that containers get"},
    {"default_subnet", BERTH_OPTION_STRING, 0, "10.88.0.0/16",
     "its subnet, where no file defines it"},
    {"default_subnet_pools", BERTH_OPTION_STRING, 0, POOLS,
     "where subnets of new networks come from: BASE:PREFIX, separated by blanks"},
    {"dns_bind_port", BERTH_OPTION_INT, 0, "0", "port of the DNS server; 0: 53"},
    {"timeout", BERTH_OPTION_TIME, 0, "2min", "how long netavark may run; 0: without end"},
};

/* --------------------------------------------------------------- the lock */

int na_lock(struct berth_net *n, struct berth_error *err)
{
    char *path = na_format("%s/netavark.lock", n->conf_dir);
    int r = path ? 0 : NO_MEMORY(n, err);

    if (r == 0 && !n->readonly)
        r = nets_make_dirs(n, n->conf_dir, 0700, err);
    if (r == 0 && !n->readonly)
        r = nets_make_dirs(n, n->run_dir, 0755, err);
    if (r == 0)
        r = nets_lock_file(n, path, &n->locks[0], err);
    /* Podman 4.4 and newer have theirs elsewhere. */
    if (r == 0 && strcmp(n->conf_dir, CONF_DIR) == 0 && access("/run/lock", W_OK) == 0)
        r = nets_lock_file(n, "/run/lock/netavark.lock", &n->locks[1], err);
    free(path);
    if (r == 0 && !n->readonly)
        r = running_wait(n, err);
    if (r == 0)
        r = defs_load(n, err);
    if (r < 0)
        nets_unlock(n);
    return r;
}

/* ----------------------------------------------------------------- instance */

static char *directory(const struct berth_host *h, const struct berth_config *cfg,
                       const char *option, const char *rootful, const char *base)
{
    const char *given = h->option_string(cfg, option);

    if (given)
        return strdup(given);
    return base ? na_format("%s/networks", base) : strdup(rootful);
}

/* podman notes its choice of a backend beside its storage, and without a note it may choose
 * another one because there are containers.  Best effort: nothing here depends on it. */
static void note_choice(const char *graph_root)
{
    char *path = na_format("%s/defaultNetworkBackend", graph_root);
    char *temp = na_format("%s/.defaultNetworkBackend.%ld", graph_root, (long)getpid());
    int fd;

    if (path && temp && access(path, F_OK) < 0 && errno == ENOENT) {
        fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd >= 0) {
            bool written = write(fd, "netavark", 8) == 8;

            if (close(fd) == 0 && written && link(temp, path) < 0)
                errno = 0; /* somebody else was faster */
            unlink(temp);
        }
    }
    free(path);
    free(temp);
}

static int na_open(const struct berth_host *h, const struct berth_place *place,
                   const struct berth_config *cfg, struct berth_net **out,
                   struct berth_error *err)
{
    struct berth_net *n = calloc(1, sizeof(*n));
    int r;

    if (!n)
        return berth_fail(h, err, ENOMEM, "out of memory");
    n->h = h;
    n->flavor = &netavark_flavor;
    n->locks[0] = n->locks[1] = -1;
    n->rootless = place->flags & BERTH_PLACE_ROOTLESS;
    n->readonly = place->flags & BERTH_PLACE_READONLY;
    n->conf_dir = directory(h, cfg, "network_config_dir", CONF_DIR,
                            n->rootless ? place->graph_root : NULL);
    n->run_dir = directory(h, cfg, "run_dir", RUN_DIR, n->rootless ? place->run_root : NULL);
    n->helper_dirs = strdup(h->option_string(cfg, "helper_binaries_dir"));
    n->program = h->option_string(cfg, "path");
    n->dns_program = h->option_string(cfg, "dns_path");
    n->default_name = h->option_string(cfg, "default_network");
    n->default_subnet = h->option_string(cfg, "default_subnet");
    n->dns_port = h->option_int(cfg, "dns_bind_port");
    n->timeout = h->option_int(cfg, "timeout");
    r = nets_check_instance(n, h->option_string(cfg, "default_subnet_pools"), err);
    if (r == 0 && (n->dns_port < 0 || n->dns_port > 65535))
        r = berth_fail(h, err, EINVAL, "dns_bind_port: %lld is no port",
                       (long long)n->dns_port);
    if (r < 0) {
        nets_close(n);
        return r;
    }
    if (!n->readonly && place->graph_root)
        note_choice(place->graph_root);
    *out = n;
    return 0;
}

static int na_probe(const struct berth_host *h, const struct berth_place *place,
                    const struct berth_config *cfg, struct berth_error *err)
{
    struct berth_place look = {.size = sizeof(look),
                               .flags = place->flags | BERTH_PLACE_READONLY,
                               .graph_root = place->graph_root,
                               .run_root = place->run_root};
    struct berth_net *n = NULL;
    char *program = NULL;
    int r = na_open(h, &look, cfg, &n, err);

    if (r < 0)
        return r;
    r = prog_find(n, &program, err);
    free(program);
    nets_close(n);
    return r;
}

/* --------------------------------------------------------------- operations */

static int na_drivers(struct berth_net *n, struct berth_list *out, struct berth_error *err)
{
    int r = n->h->add(n->h->core, out, "bridge");

    (void)err;
    return r < 0 ? r : n->h->add(n->h->core, out, "macvlan");
}

static int na_info(struct berth_net *n, struct berth_buf *out, struct berth_error *err)
{
    json *info = json_object_new_object(), *dns = json_object_new_object();
    char *program = NULL, *dns_program = prog_find_dns(n);
    int r = info && dns ? 0 : -ENOMEM;

    prog_find(n, &program, NULL);
    if (r == 0)
        r = js_set_str(info, "backend", "netavark");
    if (r == 0 && program)
        r = js_set_str(info, "path", program);
    if (r == 0 && dns_program)
        r = js_set_str(dns, "path", dns_program);
    if (r == 0)
        r = js_set(info, "dns", json_object_get(dns));
    if (r == 0)
        r = js_write(n->h, info, false, out);
    free(program);
    free(dns_program);
    json_object_put(info);
    json_object_put(dns);
    return r < 0 ? NO_MEMORY(n, err) : 0;
}

static int na_remove(struct berth_net *n, const char *name_or_id, struct berth_error *err)
{
    const char *name;
    json *net;
    int r = na_lock(n, err);

    if (r < 0)
        return r;
    r = defs_find(n, name_or_id, &net, err);
    name = r == 0 ? js_str(net, "name") : "";
    if (r == 0 && strcmp(name, n->default_name) == 0)
        r = berth_fail(n->h, err, EBUSY, "default network %s cannot be removed", name);
    if (r == 0)
        r = defs_unlink(n, name, err);
    /* A network of the same name begins anew.  What cannot be forgotten does no harm. */
    if (r == 0 && ipam_forget(n, name, NULL) < 0)
        berth_log(n->h, BERTH_LOG_WARNING, "the addresses of network %s stay recorded", name);
    nets_unlock(n);
    return r;
}

static const struct berth_net_ops ops = {
    .size = sizeof(ops),
    .probe = na_probe,
    .open = na_open,
    .close = nets_close,
    .info = na_info,
    .drivers = na_drivers,
    .default_name = nets_default_name,
    .create = nets_create,
    .remove = na_remove,
    .inspect = nets_inspect,
    .list = nets_list,
    .update = na_update,
    .setup = na_setup,
    .teardown = na_teardown,
    .check = na_check,
};

BERTH_NET_PLUGIN(net_netavark, &ops, .name = "netavark", .version = "1.0",
                 .summary = "podman's networks, by way of netavark", .license = "Apache-2.0",
                 .contact = "berth",
                 .caps = BERTH_NET_CAP_DNS | BERTH_NET_CAP_IPV6 | BERTH_NET_CAP_CONNECT |
                         BERTH_NET_CAP_UPDATE,
                 .threads = BERTH_THREADS_ONE, .n_options = sizeof(options) / sizeof(*options),
                 .options = options);
