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

/* --------------------------------------------------------------------- files */

#define TEXT_MAX (4u << 20)

int cni_read_text(const char *path, char **out, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), r = 0;
    struct stat st;
    ssize_t got;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > TEXT_MAX) {
        close(fd);
        return -EINVAL;
    }
    *len = 0;
    *out = malloc((size_t)st.st_size + 1);
    if (!*out)
        r = -ENOMEM;
    while (r == 0 && *len < (size_t)st.st_size) {
        got = read(fd, *out + *len, (size_t)st.st_size - *len);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            r = -errno;
        if (got > 0)
            *len += (size_t)got;
    }
    close(fd);
    if (r == 0) {
        (*out)[*len] = '\0';
    } else {
        free(*out);
        *out = NULL;
    }
    return r;
}

/* A reader sees the whole file or none; the name of the new one is not one that is read. */
int cni_write_text(const char *path, const char *text, size_t len, mode_t mode)
{
    const char *base = strrchr(path, '/') + 1;
    char *temp = na_format("%.*s.%s.new", (int)(base - path), path, base);
    int fd, r = 0;

    if (!temp)
        return -ENOMEM;
    fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        r = -errno;
    while (r == 0 && len) {
        ssize_t done = write(fd, text, len);

        if (done < 0 && errno != EINTR)
            r = -errno;
        if (done > 0) {
            text += done;
            len -= (size_t)done;
        }
    }
    if (r == 0 && (fsync(fd) < 0 || rename(temp, path) < 0))
        r = -errno;
    if (fd >= 0)
        close(fd);
    if (r < 0)
        unlink(temp);
    free(temp);
    return r;
}

/* ---------------------------------------------------------------------- lock */

static int make_dirs(const char *path, mode_t mode)
{
    char *copy = strdup(path);
    int r = copy ? 0 : -ENOMEM;

    for (char *slash = copy ? strchr(copy + 1, '/') : NULL; slash && r == 0;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        r = mkdir(copy, 0755) < 0 && errno != EEXIST ? -errno : 0;
        *slash = '/';
    }
    if (r == 0 && mkdir(copy, mode) < 0 && errno != EEXIST)
        r = -errno;
    free(copy);
    return r;
}

void cni_unlock(struct berth_net *n)
{
    if (n->locks[0] >= 0)
        close(n->locks[0]);
    n->locks[0] = -1;
}

static int take_lock(struct berth_net *n, const char *path, struct berth_error *err)
{
    struct flock lock = {.l_type = n->readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    int flags = n->readonly ? O_RDONLY : O_RDWR | O_CREAT;

    n->locks[0] = open(path, flags | O_CLOEXEC | O_NOCTTY, 0644);
    if (n->locks[0] < 0)
        return n->readonly && errno == ENOENT
                   ? 0
                   : berth_fail(n->h, err, errno, "opening %s", path);
    while (fcntl(n->locks[0], F_SETLKW, &lock) < 0) {
        if (errno == EINTR && !n->h->cancelled(n->h->core))
            continue;
        return berth_fail(n->h, err, errno == EINTR ? ECANCELED : errno, "locking %s", path);
    }
    return 0;
}

int cni_lock(struct berth_net *n, struct berth_error *err)
{
    char *path = na_format("%s/cni.lock", n->conf_dir);
    int r = path ? 0 : NO_MEMORY(n, err);

    if (r == 0 && !n->readonly) {
        r = make_dirs(n->conf_dir, 0755);
        if (r < 0)
            r = berth_fail(n->h, err, -r, "creating %s", n->conf_dir);
    }
    if (r == 0)
        r = take_lock(n, path, err);
    free(path);
    if (r == 0)
        r = lists_load(n, err);
    if (r < 0)
        cni_unlock(n);
    return r;
}

/* ------------------------------------------------------------------ instance */

static void cni_close(struct berth_net *n)
{
    if (!n)
        return;
    cni_unlock(n);
    json_object_put(n->nets);
    free(n->conf_dir);
    free(n->run_dir);
    free(n->helper_dirs);
    free(n);
}

static int cni_open(const struct berth_host *h, const struct berth_place *place,
                    const struct berth_config *cfg, struct berth_net **out,
                    struct berth_error *err)
{
    struct berth_net *n = calloc(1, sizeof(*n));
    struct cidr subnet;
    int r = 0;

    if (!n)
        return berth_fail(h, err, ENOMEM, "out of memory");
    n->h = h;
    n->flavor = &cni_flavor;
    n->locks[0] = n->locks[1] = -1;
    n->rootless = place->flags & BERTH_PLACE_ROOTLESS;
    n->readonly = place->flags & BERTH_PLACE_READONLY;
    n->conf_dir = strdup(h->option_string(cfg, "network_config_dir"));
    n->run_dir = strdup(h->option_string(cfg, "cache_dir"));
    n->helper_dirs = strdup(h->option_string(cfg, "cni_plugin_dirs"));
    n->default_name = h->option_string(cfg, "default_network");
    n->default_subnet = h->option_string(cfg, "default_subnet");
    n->timeout = h->option_int(cfg, "timeout");
    if (!n->conf_dir || !n->run_dir || !n->helper_dirs)
        r = berth_fail(h, err, ENOMEM, "out of memory");
    else if (!cidr_parse(n->default_subnet, &subnet))
        r = berth_fail(h, err, EINVAL, "default_subnet: invalid CIDR address: %s",
                       n->default_subnet);
    else if (!defs_name_ok(n->default_name))
        r = berth_fail(h, err, EINVAL, "default_network: \"%s\" is no name of a network",
                       n->default_name);
    else
        r = net_read_pools(n, h->option_string(cfg, "default_subnet_pools"), err);
    if (r < 0) {
        cni_close(n);
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
    cni_close(n);
    return r;
}

/* ---------------------------------------------------------------- operations */

static const char *cni_default_name(struct berth_net *n)
{
    return n->default_name;
}

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

static int cni_create(struct berth_net *n, struct berth_blob network, uint32_t flags,
                      struct berth_buf *out, struct berth_error *err)
{
    json *wish = js_parse(network), *net = NULL;
    int r;

    if (!wish || !json_object_is_type(wish, json_type_object)) {
        json_object_put(wish);
        return berth_fail(n->h, err, EINVAL, "the network is not a JSON object");
    }
    r = cni_lock(n, err);
    if (r == 0) {
        if (flags & BERTH_NET_IGNORE_EXISTING && js_get(n->nets, js_str(wish, "name")))
            net = json_object_get(js_get(n->nets, js_str(wish, "name")));
        else
            r = defs_create(n, wish, &net, err);
        if (r == 0 && js_write(n->h, net, false, out) < 0)
            r = NO_MEMORY(n, err);
        json_object_put(net);
        cni_unlock(n);
    }
    json_object_put(wish);
    return r;
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
    json *net;
    char *path;
    int r = cni_lock(n, err);

    if (r < 0)
        return r;
    r = defs_find(n, name_or_id, &net, err);
    if (r == 0 && strcmp(js_str(net, "name"), n->default_name) == 0)
        r = berth_fail(n->h, err, EBUSY, "default network %s cannot be removed",
                       n->default_name);
    if (r == 0) {
        remove_bridge(n, net);
        path = list_path(n, js_str(net, "name"));
        if (!path)
            r = NO_MEMORY(n, err);
        else if (unlink(path) < 0 && errno != ENOENT)
            r = berth_fail(n->h, err, errno, "removing %s", path);
        free(path);
    }
    cni_unlock(n);
    return r;
}

static int cni_inspect(struct berth_net *n, const char *name_or_id, struct berth_buf *out,
                       struct berth_error *err)
{
    json *net;
    int r = cni_lock(n, err);

    if (r < 0)
        return r;
    r = defs_find(n, name_or_id, &net, err);
    if (r == 0 && js_write(n->h, net, false, out) < 0)
        r = NO_MEMORY(n, err);
    cni_unlock(n);
    return r;
}

static int visit(struct berth_net *n, const json *net, berth_net_fn *fn, void *arg,
                 struct berth_error *err)
{
    struct berth_buf *text = n->h->buf_new(n->h->core);
    int r = text && js_write(n->h, net, false, text) == 0 ? 0 : NO_MEMORY(n, err);

    if (r == 0)
        r = fn(arg, js_str(net, "name"), js_str(net, "id"), n->h->buf_data(n->h->core, text));
    n->h->buf_free(n->h->core, text);
    return r;
}

static int cni_list(struct berth_net *n, berth_net_fn *fn, void *arg, struct berth_error *err)
{
    const char **names;
    int r = cni_lock(n, err);

    if (r < 0)
        return r;
    cni_unlock(n);
    names = js_sorted(n->nets);
    if (!names)
        return NO_MEMORY(n, err);
    for (size_t i = 0; names[i] && r == 0; i++)
        r = visit(n, js_get(n->nets, names[i]), fn, arg, err);
    free(names);
    return r;
}

static const struct berth_net_ops ops = {
    .size = sizeof(ops),
    .probe = cni_probe,
    .open = cni_open,
    .close = cni_close,
    .info = cni_info,
    .drivers = cni_drivers,
    .default_name = cni_default_name,
    .create = cni_create,
    .remove = cni_remove,
    .inspect = cni_inspect,
    .list = cni_list,
    .setup = cni_setup,
    .teardown = cni_teardown,
};

BERTH_NET_PLUGIN(net_cni, &ops, .name = "cni", .version = "1.0",
                 .summary = "networks by CNI plugins, as podman's older backend has them",
                 .license = "Apache-2.0", .contact = "berth",
                 .caps = BERTH_NET_CAP_IPV6 | BERTH_NET_CAP_CONNECT,
                 .threads = BERTH_THREADS_ONE, .n_options = sizeof(options) / sizeof(*options),
                 .options = options);
