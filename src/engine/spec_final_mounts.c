/* SPDX-License-Identifier: Apache-2.0 */
/* spec_final_mounts.c - mounts of stage B: volumes, overlays, generated files, systemd. */
#include "engine/spec_priv.h"
#include "engine/store.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/statvfs.h>

static json *find_mount(const json *mounts, const char *dest)
{
    for (size_t i = 0; i < json_len(mounts); i++)
        if (str_eq(json_str(json_item(mounts, i), "destination"), dest))
            return json_item(mounts, i);
    return NULL;
}

static json *add_mount(json *mounts, const char *dest, const char *type, const char *source,
                       const char *options)
{
    _cleanup_list_ struct berth_list words = LIST_INIT;
    json *m = json_new();

    list_split(&words, options, ' ', false);
    json_set_str(m, "destination", dest);
    json_set_str(m, "type", type);
    json_set_str(m, "source", source);
    json_set_list(m, "options", &words);
    json_add(mounts, m);
    return m;
}

/* ------------------------------------------------------------------ owner (U) */

/* Trees whose owners nobody means to change. */
static bool precious(const char *path)
{
    static const char *const paths[] = {
        "/",     "/bin", "/boot",  "/dev",   "/etc", "/etc/passwd", "/etc/pki", "/etc/shadow",
        "/home", "/lib", "/lib64", "/media", "/opt", "/proc",       "/root",    "/run",
        "/sbin", "/srv", "/sys",   "/tmp",   "/usr", "/var",        "/var/lib", "/var/log",
    };
    const char *home = getenv("HOME");

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (str_eq(path, paths[i]))
            return true;
    return home && str_eq(path, home);
}

/* Host ID of a container ID under the spec's mappings. */
static uint32_t map_id(const json *map, uint32_t id)
{
    for (size_t i = 0; i < json_len(map); i++) {
        const json *m = json_item(map, i);
        uint64_t from = json_u64(m, "containerID", 0);

        if (id >= from && id - from < json_u64(m, "size", 0))
            return (uint32_t)(json_u64(m, "hostID", 0) + (id - from));
    }
    return id;
}

static int chown_tree(int at, const char *name, uid_t uid, gid_t gid, unsigned depth)
{
    struct stat st;
    int r = 0;

    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if ((st.st_uid != uid || st.st_gid != gid) &&
        fchownat(at, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode) && depth < 256) {
        int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;

        if (!d) {
            r = -errno;
            if (fd >= 0)
                close(fd);
            return r;
        }
        while (r >= 0 && (entry = readdir(d)))
            if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
                r = chown_tree(dirfd(d), entry->d_name, uid, gid, depth + 1);
        closedir(d);
    }
    return r;
}

static int change_owner(struct spec_final *f, const char *path, struct berth_error *err)
{
    uint32_t uid = map_id(json_get(f->linux_, "uidMappings"), f->user.uid);
    uint32_t gid = map_id(json_get(f->linux_, "gidMappings"), f->user.gid);
    int r;

    if (str_empty(path))
        return fail(err, EUCLEAN, "a mount of container %s has no source", f->c->id);
    if (precious(path))
        return fail(err, EINVAL,
                    "chowning host path \"%s\" is not allowed. You can manually "
                    "`chown -R %u:%u %s`",
                    path, uid, gid, path);
    r = chown_tree(AT_FDCWD, path, uid, gid, 0);
    return r < 0 ? spec_fail_errno(err, -r, "failed to chown %s", path) : 0;
}

static void add_owner(json *options, const struct spec_user *user)
{
    char text[24];

    snprintf(text, sizeof(text), "uid=%u", user->uid);
    json_add_str(options, text);
    snprintf(text, sizeof(text), "gid=%u", user->gid);
    json_add_str(options, text);
}

/* z, Z and U are for the engine: act on them and take them out. */
static int act_on_options(struct spec_final *f, json *mount, struct berth_error *err)
{
    const json *options = json_get(mount, "options");
    bool tmpfs = str_eq(json_str(mount, "type"), "tmpfs"), owner = false;
    json *kept = json_new_array();

    for (size_t i = 0; i < json_len(options); i++) {
        const char *word = json_item_str(options, i);

        if (str_eq(word, "U")) {
            owner = true;
            if (tmpfs)
                add_owner(kept, &f->user);
        } else if (!str_eq(word, "z") && !str_eq(word, "Z"))
            json_add(kept, json_ref(json_item(options, i)));
    }
    if (json_len(kept))
        json_set(mount, "options", kept);
    else {
        json_object_put(kept);
        json_del(mount, "options");
    }
    return owner && !tmpfs ? change_owner(f, json_str(mount, "source"), err) : 0;
}

/* The runtime copies what a tmpfs covers (tmpcopyup) from its path, which must not lead
 * out of the root: links are followed here, inside it. */
static void follow_links(struct spec_final *f, json *mount)
{
    const char *dest = str_or(json_str(mount, "destination"), "/");
    _cleanup_close_ int fd = spec_open_in_root(f->root, dest, O_PATH);
    _cleanup_free_ char *root = realpath(f->root, NULL), *link = NULL, *path = NULL;
    const char *inside;

    if (fd < 0 || !root)
        return;
    link = str_printf("/proc/self/fd/%d", fd);
    path = link ? realpath(link, NULL) : NULL;
    inside = path ? str_starts(path, str_eq(root, "/") ? "" : root) : NULL;
    if (inside && *inside == '/' && !str_eq(inside, dest))
        json_set_str(mount, "destination", inside);
}

/* -------------------------------------------------------------------- volumes */

static int overlay_over(struct spec_final *f, const char *source, const char *dest,
                        const json *options, struct berth_error *err);

static int named_volumes(struct spec_final *f, struct berth_error *err)
{
    const json *list = json_get(f->config, "namedVolumes");

    for (size_t i = 0; i < json_len(list); i++) {
        const json *v = json_item(list, i);
        _cleanup_volume_ struct volume *volume = NULL;
        int r = volume_load(f->c->e, json_str(v, "volumeName"), &volume, err);
        json *m;

        if (r < 0)
            return error_wrap(err, "retrieving volume %s to add to container %s",
                              json_str(v, "volumeName"), f->c->id);
        if (json_has_str(json_get(v, "options"), "O")) {
            r = overlay_over(f, volume_where(volume), json_str(v, "dest"),
                             json_get(v, "options"), err);
            if (r < 0)
                return r;
            continue;
        }
        m = add_mount(f->mounts, json_str(v, "dest"), "bind", volume_where(volume), "");
        json_set(m, "options", json_copy(json_get(v, "options")));
        r = act_on_options(f, m, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static const char *option_value(const json *options, const char *key)
{
    for (size_t i = 0; i < json_len(options); i++) {
        const char *value = str_starts(str_or(json_item_str(options, i), ""), key);

        if (value)
            return value;
    }
    return NULL;
}

/* -v ...:O: a writable layer over the source that lives until cleanup. */
static int overlay_over(struct spec_final *f, const char *source, const char *dest,
                        const json *options, struct berth_error *err)
{
    static const char *const parts[] = {"upper", "work", "merge"};
    const char *upper = option_value(options, "upperdir=");
    const char *work = option_value(options, "workdir=");
    _cleanup_buf_ struct berth_buf line = BUF_INIT, merge = BUF_INIT;
    _cleanup_free_ char *dir = NULL;
    uint32_t number;

    id_random(&number, sizeof(number));
    dir = str_printf("%s/overlay/%u", ctr_static_dir(f->c), number);
    if (!dir)
        return fail(err, ENOMEM, "out of memory");
    for (size_t j = 0; j < ARRAY_LEN(parts); j++) {
        _cleanup_free_ char *path = path_join(dir, parts[j]);
        int r = path ? fs_mkdir_p(path, 0700, err) : -ENOMEM;

        if (r >= 0 && j != 1 && chmod(path, 0755) < 0)
            r = spec_fail_errno(err, errno, "chmod %s", path);
        if (r < 0)
            return r;
    }
    if (json_has_str(options, "U") && change_owner(f, source, err) < 0)
        return -EINVAL;
    buf_printf(&merge, "%s/merge", dir);
    buf_printf(&line, "lowerdir=%s ", source);
    if (upper && work)
        buf_printf(&line, "upperdir=%s workdir=%s private", upper, work);
    else
        buf_printf(&line, "upperdir=%s/upper workdir=%s/work private", dir, dir);
    add_mount(f->mounts, dest, "overlay", buf_str(&merge), buf_str(&line));
    return 0;
}

static int overlay_volumes(struct spec_final *f, struct berth_error *err)
{
    const json *list = json_get(f->config, "overlayVolumes");
    int r = 0;

    for (size_t i = 0; r == 0 && i < json_len(list); i++) {
        const json *v = json_item(list, i);

        r = overlay_over(f, str_or(json_str(v, "source"), ""), json_str(v, "dest"),
                         json_get(v, "options"), err);
    }
    return r;
}

/* ------------------------------------------------------------ generated files */

static void generated(struct spec_final *f)
{
    const char *shm = json_str(f->config, "ShmDir");
    bool readonly = json_flag(json_at(f->config, "spec", "root", NULL), "readonly", false);

    json_object_object_foreach (f->binds, dest, value) {
        const char *source = json_object_get_string(value);
        bool is_shm = str_eq(dest, "/dev/shm");

        if (find_mount(f->mounts, dest)) {
            log_info("User mount overriding libpod mount at \"%s\"", dest);
            continue;
        }
        add_mount(f->mounts, dest, "bind", source,
                  is_shm     ? (str_eq(source, shm) ? "bind rprivate nosuid noexec nodev"
                                                    : "bind rprivate")
                  : readonly ? "bind rprivate ro nosuid noexec nodev"
                             : "bind rprivate");
    }
}

int spec_final_mounts(struct spec_final *f, struct berth_error *err)
{
    int r = named_volumes(f, err);

    for (size_t i = 0; i < json_len(f->mounts) && r >= 0; i++) {
        json *m = json_item(f->mounts, i);

        r = act_on_options(f, m, err);
        if (r >= 0 && str_eq(json_str(m, "type"), "tmpfs"))
            follow_links(f, m);
    }
    if (r < 0)
        return r;
    generated(f);
    return overlay_volumes(f, err);
}

/* -------------------------------------------------------------------- systemd */

int spec_systemd(struct spec_final *f, struct berth_error *err)
{
    static const char *const writable[] = {"/run", "/run/lock", "/tmp", "/var/log/journal"};
    _cleanup_buf_ struct berth_buf env = BUF_INIT;
    json *cgroup;

    (void)err;
    if (!json_flag(f->config, "systemd", false))
        return 0;
    buf_printf(&env, "container_uuid=%.32s", f->c->id);
    json_add_str(json_need_array(f->process, "env"), buf_str(&env));
    for (size_t i = 0; i < ARRAY_LEN(writable); i++)
        if (!find_mount(f->mounts, writable[i]))
            add_mount(f->mounts, writable[i], "tmpfs", "tmpfs",
                      "rw rprivate nosuid nodev tmpcopyup");
    if (spec_cgroup2()) {
        bool own = false;
        const json *list = json_get(f->linux_, "namespaces");

        for (size_t i = 0; i < json_len(list); i++)
            own = own || str_eq(json_str(json_item(list, i), "type"), "cgroup");
        cgroup = find_mount(f->mounts, "/sys/fs/cgroup");
        if (!cgroup)
            cgroup = add_mount(f->mounts, "/sys/fs/cgroup", "cgroup", "cgroup", "");
        json_set_str(cgroup, "type", own ? "cgroup" : "bind");
        json_set_str(cgroup, "source", own ? "cgroup" : "/sys/fs/cgroup");
        json_set(cgroup, "options", json_new_array());
        if (!own)
            json_add_str(json_get(cgroup, "options"), "bind");
        json_add_str(json_get(cgroup, "options"), "private");
        json_add_str(json_get(cgroup, "options"), "rw");
    } else {
        const char *path = "/sys/fs/cgroup/systemd";
        struct statvfs fs;
        _cleanup_buf_ struct berth_buf options = BUF_INIT;

        buf_puts(&options, "bind rprivate");
        if (statvfs(path, &fs) == 0)
            buf_printf(&options, "%s%s%s%s", fs.f_flag & ST_NODEV ? " nodev" : "",
                       fs.f_flag & ST_NOEXEC ? " noexec" : "",
                       fs.f_flag & ST_NOSUID ? " nosuid" : "",
                       fs.f_flag & ST_RDONLY ? " ro" : "");
        add_mount(f->mounts, path, "bind", path, buf_str(&options));
        json_add_str(json_need_array(f->linux_, "maskedPaths"),
                     "/sys/fs/cgroup/systemd/release_agent");
    }
    return 0;
}

/* ---------------------------------------------------------------------- order */

static size_t depth_of(const char *path)
{
    size_t n = 0;

    for (; *path; path++)
        n += *path == '/' && path[1];
    return n;
}

static int by_depth(const void *a, const void *b)
{
    const json *const *x = a, *const *y = b;
    const char *p = str_or(json_str(*x, "destination"), "");
    const char *q = str_or(json_str(*y, "destination"), "");
    size_t m = depth_of(p), n = depth_of(q);

    return m != n ? (m < n ? -1 : 1) : strcmp(p, q);
}

/* Does some mount have one of these propagations? */
static bool propagates(const json *mounts, const char *a, const char *b)
{
    for (size_t i = 0; i < json_len(mounts); i++) {
        const json *options = json_get(json_item(mounts, i), "options");

        if (json_has_str(options, a) || json_has_str(options, b))
            return true;
    }
    return false;
}

void spec_mounts_sort(struct spec_final *f)
{
    json_object_array_sort(f->mounts, by_depth);
    if (propagates(f->mounts, "shared", "rshared"))
        json_set_str(f->linux_, "rootfsPropagation", "shared");
    else if (propagates(f->mounts, "slave", "rslave"))
        json_set_str(f->linux_, "rootfsPropagation", "rslave");
}
