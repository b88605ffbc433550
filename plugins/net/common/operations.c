/* SPDX-License-Identifier: Apache-2.0 */
/* operations.c - the instance, its files of locks, and the operations that need no more than
 * the definitions; see making.h. */
#include "making.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ----------------------------------------------------------------- instance */

int nets_check_instance(struct berth_net *n, const char *pools, struct berth_error *err)
{
    struct cidr subnet;

    if (!n->conf_dir || !n->run_dir || !n->helper_dirs)
        return NO_MEMORY(n, err);
    if (!cidr_parse(n->default_subnet, &subnet))
        return berth_fail(n->h, err, EINVAL, "default_subnet: invalid CIDR address: %s",
                          n->default_subnet);
    if (!defs_name_ok(n->default_name))
        return berth_fail(n->h, err, EINVAL, "default_network: \"%s\" is no name of a network",
                          n->default_name);
    return net_read_pools(n, pools, err);
}

void nets_close(struct berth_net *n)
{
    if (!n)
        return;
    nets_unlock(n);
    json_object_put(n->nets);
    json_object_put(n->files);
    free(n->conf_dir);
    free(n->run_dir);
    free(n->helper_dirs);
    free(n);
}

/* -------------------------------------------------------------------- locks */

int nets_make_dirs(struct berth_net *n, char *path, mode_t mode, struct berth_error *err)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        int r;

        *slash = '\0';
        r = mkdir(path, 0755);
        *slash = '/';
        if (r < 0 && errno != EEXIST)
            return berth_fail(n->h, err, errno, "creating %s", path);
    }
    return mkdir(path, mode) < 0 && errno != EEXIST
               ? berth_fail(n->h, err, errno, "creating %s", path)
               : 0;
}

int nets_lock_file(struct berth_net *n, const char *path, int *out, struct berth_error *err)
{
    struct flock lock = {.l_type = n->readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    int fd =
        open(path, (n->readonly ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC | O_NOCTTY, 0644);

    if (fd < 0)
        return n->readonly && errno == ENOENT
                   ? 0
                   : berth_fail(n->h, err, errno, "opening %s", path);
    while (fcntl(fd, F_SETLKW, &lock) < 0) {
        int code = errno;

        if (code == EINTR && !n->h->cancelled(n->h->core))
            continue;
        close(fd);
        return berth_fail(n->h, err, code == EINTR ? ECANCELED : code, "locking %s", path);
    }
    *out = fd;
    return 0;
}

void nets_unlock(struct berth_net *n)
{
    for (int i = 1; i >= 0; i--) {
        if (n->locks[i] >= 0)
            close(n->locks[i]);
        n->locks[i] = -1;
    }
}

/* --------------------------------------------------------------- operations */

const char *nets_default_name(struct berth_net *n)
{
    return n->default_name;
}

int nets_create(struct berth_net *n, struct berth_blob network, uint32_t flags,
                struct berth_buf *out, struct berth_error *err)
{
    json *wish = js_parse(network), *net = NULL;
    int r;

    if (!wish || !json_object_is_type(wish, json_type_object)) {
        json_object_put(wish);
        return berth_fail(n->h, err, EINVAL, "the network is not a JSON object");
    }
    r = n->flavor->lock(n, err);
    if (r == 0) {
        if (flags & BERTH_NET_IGNORE_EXISTING && js_get(n->nets, js_str(wish, "name")))
            net = json_object_get(js_get(n->nets, js_str(wish, "name")));
        else
            r = defs_create(n, wish, &net, err);
        if (r == 0 && js_write(n->h, net, false, out) < 0)
            r = NO_MEMORY(n, err);
        json_object_put(net);
        nets_unlock(n);
    }
    json_object_put(wish);
    return r;
}

int nets_inspect(struct berth_net *n, const char *name_or_id, struct berth_buf *out,
                 struct berth_error *err)
{
    json *net;
    int r = n->flavor->lock(n, err);

    if (r < 0)
        return r;
    r = defs_find(n, name_or_id, &net, err);
    if (r == 0 && js_write(n->h, net, false, out) < 0)
        r = NO_MEMORY(n, err);
    nets_unlock(n);
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

/* The lock is given up before anything is visited. */
int nets_list(struct berth_net *n, berth_net_fn *fn, void *arg, struct berth_error *err)
{
    const char **names;
    int r = n->flavor->lock(n, err);

    if (r < 0)
        return r;
    nets_unlock(n);
    names = js_sorted(n->nets);
    if (!names)
        return NO_MEMORY(n, err);
    for (size_t i = 0; names[i] && r == 0; i++)
        r = visit(n, js_get(n->nets, names[i]), fn, arg, err);
    free(names);
    return r;
}
