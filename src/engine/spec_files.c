/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_files.c - the files that the engine generates for a container and binds into it:
 * hosts, resolv.conf, hostname, .containerenv, localtime.
 */
#include "engine/spec_priv.h"
#include "engine/store.h"
#include <fcntl.h>

#define HOSTS      "/etc/hosts"
#define RESOLV     "/etc/resolv.conf"
#define CTRENV     "/run/.containerenv"
#define PODMAN     "podman-4.3.1" /* what programs inside know how to read */
#define FILE_LIMIT (16u << 20)

/* Bind `source` over `path`, and into each --chrootdirs directory. */
static void bind_roots(struct spec_final *f, const char *path, const char *source)
{
    const json *dirs = json_get(f->config, "chroot_directories");

    json_set_str(f->binds, path, source);
    for (size_t i = 0; i < json_len(dirs); i++) {
        _cleanup_free_ char *joined =
            str_printf("%s%s", str_or(json_item_str(dirs, i), ""), path);
        _cleanup_free_ char *clean = joined ? path_clean(joined) : NULL;

        if (clean)
            json_set_str(f->binds, clean, source);
    }
}

static int put_file(struct spec_final *f, const char *name, const struct berth_buf *text,
                    char **out, struct berth_error *err)
{
    *out = path_join(f->run_dir, name);
    if (!*out)
        return fail(err, ENOMEM, "out of memory");
    return fs_replace(*out, buf_str(text), text->len, 0644, false, err);
}

/* podman's NetworkDisabled(): a namespace of its own that nobody configures. */
static int network_disabled(struct ctr *c, bool *out, unsigned depth, struct berth_error *err)
{
    const char *other_id = json_str(c->config, "netNsCtr");
    const json *list = json_at(c->config, "spec", "linux", "namespaces", NULL);

    *out = false;
    if (!str_empty(other_id) && depth < 16) {
        _cleanup_ctr_ struct ctr *other = NULL;
        int r = ctr_load(c->e, other_id, &other, err);

        return r < 0 ? r : network_disabled(other, out, depth + 1, err);
    }
    if (json_flag(c->config, "createNetNS", false) ||
        json_flag(c->config, "postConfigureNetNS", false))
        return 0;
    for (size_t i = 0; i < json_len(list); i++)
        if (str_eq(json_str(json_item(list, i), "type"), "network"))
            *out = str_empty(json_str(json_item(list, i), "path"));
    return 0;
}

static int make_resolv(struct spec_final *f, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_free_ char *path = NULL;
    int r = spec_resolv_conf(f, &text, err);

    if (r >= 0)
        r = put_file(f, "resolv.conf", &text, &path, err);
    if (r >= 0)
        bind_roots(f, RESOLV, path);
    return r;
}

static int make_hosts(struct spec_final *f, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_free_ char *path = NULL;
    int r = spec_hosts(f, &text, err);

    if (r >= 0)
        r = put_file(f, "hosts", &text, &path, err);
    if (r >= 0)
        bind_roots(f, HOSTS, path);
    return r;
}

static bool hosts_has(const char *text, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = text; (at = strstr(at, name)); at += len)
        if (at > text && strchr(" \t", at[-1]) && (!at[len] || strchr(" \t\n", at[len])))
            return true;
    return false;
}

/* A container that joins another's network is added to that one's hosts file, in place:
 * the file is bind mounted. */
static int join_hosts(const struct spec_final *f, const char *path, struct berth_error *err)
{
    _cleanup_close_ int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    _cleanup_buf_ struct berth_buf text = BUF_INIT, line = BUF_INIT;
    char short_id[ID_SHORT_LEN + 1];
    const char *names[] = {spec_hostname(f->c, short_id), f->c->name};
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int r;

    if (fd < 0)
        return spec_fail_errno(err, errno, "open %s", path);
    if (fcntl(fd, F_SETLKW, &lock) < 0)
        return spec_fail_errno(err, errno, "locking %s", path);
    r = fs_read_fd(fd, path, FILE_LIMIT, &text, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!str_empty(names[i]) && !hosts_has(buf_str(&text), names[i]))
            buf_printf(&line, "%s%s", line.len ? " " : "127.0.0.1\t", names[i]);
    if (line.len == 0)
        return 0;
    buf_putc(&line, '\n');
    r = fs_write_fd(fd, buf_str(&line), line.len);
    return r < 0 ? spec_fail_errno(err, -r, "writing %s", path) : 0;
}

/* Take over the files of the container whose network is joined. */
static int share_network_files(struct spec_final *f, bool resolv, bool hosts,
                               struct berth_error *err)
{
    _cleanup_ctr_ struct ctr *other = NULL;
    const char *path;
    int r = ctr_load(f->c->e, json_str(f->config, "netNsCtr"), &other, err);

    /* The one at the end of the chain owns the files. */
    for (unsigned depth = 0; r >= 0 && depth < 16; depth++) {
        const char *next = json_str(other->config, "netNsCtr");
        struct ctr *owner = NULL;

        if (str_empty(next))
            break;
        r = ctr_load(f->c->e, next, &owner, err);
        if (r >= 0) {
            ctr_free(other);
            other = owner;
        }
    }
    if (r < 0)
        return r;
    path = json_str(json_get(other->state, "bindMounts"), RESOLV);
    if (resolv && path)
        bind_roots(f, RESOLV, path);
    path = json_str(json_get(other->state, "bindMounts"), HOSTS);
    if (!hosts || !path)
        return 0;
    r = join_hosts(f, path, err);
    if (r >= 0)
        bind_roots(f, HOSTS, path);
    return r;
}

static int network_files(struct spec_final *f, struct berth_error *err)
{
    bool resolv = !json_flag(f->config, "UseImageResolvConf", false);
    bool hosts = !json_flag(f->config, "UseImageHosts", false);
    bool disabled;
    int r = network_disabled(f->c, &disabled, 0, err);

    if (r < 0)
        return r;
    if (disabled)
        return hosts && !json_get(f->binds, HOSTS) ? make_hosts(f, err) : 0;
    if (!str_empty(json_str(f->config, "netNsCtr")))
        return share_network_files(f, resolv, hosts, err);
    json_del(f->binds, RESOLV);
    json_del(f->binds, HOSTS);
    if (resolv)
        r = make_resolv(f, err);
    if (r >= 0 && hosts)
        r = make_hosts(f, err);
    return r;
}

static int make_containerenv(struct spec_final *f, struct berth_error *err)
{
    const json *mounts = json_at(f->config, "spec", "mounts", NULL);
    const char *graph_root = f->c->e->conf->graph_root;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_free_ char *path = NULL;
    bool root_mounted = false;
    int r;

    if (json_get(f->binds, CTRENV))
        return 0;
    for (size_t i = 0; i < json_len(mounts); i++) {
        const char *to = json_str(json_item(mounts, i), "destination");
        const char *from = json_str(json_item(mounts, i), "source");

        if (str_eq(to, CTRENV) || str_eq(to, "/run"))
            return 0;
        root_mounted = root_mounted || (graph_root && str_eq(from, graph_root));
    }
    if (json_flag(f->config, "privileged", false))
        buf_printf(&text,
                   "engine=\"" PODMAN "\"\nname=\"%s\"\nid=\"%s\"\nimage=\"%s\"\n"
                   "imageid=\"%s\"\nrootless=%d\n",
                   f->c->name, f->c->id, str_or(json_str(f->config, "rootfsImageName"), ""),
                   str_or(json_str(f->config, "rootfsImageID"), ""),
                   f->c->e->conf->rootless ? 1 : 0);
    if (root_mounted)
        buf_puts(&text, "graphRootMounted=1");
    r = put_file(f, ".containerenv", &text, &path, err);
    if (r >= 0)
        json_set_str(f->binds, CTRENV, path);
    return r;
}

static int make_hostname(struct spec_final *f, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_free_ char *path = NULL;
    char short_id[ID_SHORT_LEN + 1];
    int r;

    if (json_get(f->binds, "/etc/hostname"))
        return 0;
    buf_puts(&text, spec_hostname(f->c, short_id));
    r = put_file(f, "hostname", &text, &path, err);
    if (r >= 0)
        json_set_str(f->binds, "/etc/hostname", path);
    return r;
}

static int make_localtime(struct spec_final *f, struct berth_error *err)
{
    const char *tz = json_str(f->config, "timezone");
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_free_ char *zone = NULL, *path = NULL;
    int r;

    if (str_empty(tz) || json_get(f->binds, "/etc/localtime"))
        return 0;
    zone = str_eq(tz, "local") ? strdup("/etc/localtime")
                               : str_printf("/usr/share/zoneinfo/%s", tz);
    if (!zone)
        return fail(err, ENOMEM, "out of memory");
    r = fs_read(zone, FILE_LIMIT, &text, err);
    if (r < 0)
        return error_wrap(err, "setting timezone for container %s", f->c->id);
    r = put_file(f, "localtime", &text, &path, err);
    if (r >= 0)
        json_set_str(f->binds, "/etc/localtime", path);
    return r;
}

int spec_files(struct spec_final *f, struct berth_error *err)
{
    const char *shm = json_str(f->config, "ShmDir");
    int r = network_files(f, err);

    if (r < 0)
        return r;
    if (!str_empty(shm))
        json_set_str(f->binds, "/dev/shm", shm);
    r = spec_passwd(f, err);
    if (r >= 0)
        r = make_localtime(f, err);
    if (r >= 0)
        r = make_containerenv(f, err);
    if (r >= 0)
        r = spec_secret_mounts(f, err);
    if (r >= 0)
        r = make_hostname(f, err);
    return r;
}
