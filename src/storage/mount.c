/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount.c - mounting the layers of containers that were made from an image, and counting
 * how often each one is.
 *
 * podman takes its own mounts of the whole store away as soon as no layer is mounted, so
 * the lock of the store is held from before a mount until it has been counted.
 */
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "storage/lockfile.h"
#include "storage/storage_priv.h"
#include <fcntl.h>
#include <sys/mount.h>

#define LOWER_MAX    128 /* layers below one, as containers/storage has it */
#define DATA_MAX     4095
#define LINK_DIGITS  "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#define FILE_MAX_LEN 16384

struct mount_locks {
    int storage, layers, points;
};

static void locks_release(struct mount_locks *l)
{
    attr_closep(&l->points);
    attr_closep(&l->layers);
    attr_closep(&l->storage);
}

/* storage: also the lock of the whole store, which only mounting needs. */
static int locks_take(struct storage *st, bool storage, struct mount_locks *l,
                      struct berth_error *err)
{
    *l = (struct mount_locks){-1, -1, -1};
    if (storage && (l->storage = lockfile_take(st->storage_lock, true, err)) < 0)
        return l->storage;
    l->layers = lockfile_take(st->layers_lock, true, err);
    if (l->layers < 0)
        return l->layers;
    l->points = lockfile_take(st->mountpoints_lock, true, err);
    if (l->points < 0)
        return l->points;
    return records_load(&st->mountpoints, err);
}

/* ------------------------------------------------------------------ counting */

static int64_t point_count(const struct storage *st, const char *layer)
{
    static const char *const key = "count";
    ssize_t i = records_find(&st->mountpoints, RECORD_ID, layer);
    struct berth_blob value;
    int64_t count = 0;

    if (i < 0 || json_project(st->mountpoints.items[i].text, &key, 1, &value, NULL) < 0)
        return 0;
    json_text_i64(value, &count);
    return count;
}

/* Record how often a layer is mounted; 0 drops it. */
static int set_count(struct storage *st, int lock, const char *layer, const char *path,
                     int64_t count, struct berth_error *err)
{
    ssize_t i = records_find(&st->mountpoints, RECORD_ID, layer);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = 0;

    if (i >= 0)
        records_remove(&st->mountpoints, (size_t)i);
    else if (count <= 0)
        return 0;
    if (count > 0) {
        buf_printf(&text, "{\"id\":\"%s\",\"path\":", layer);
        json_write_str(path, strlen(path), 0, &text);
        buf_printf(&text, ",\"count\":%lld}", (long long)count);
        r = buf_error(&text) ? fail(err, ENOMEM, "out of memory")
                             : records_append(&st->mountpoints, text.data, text.len, err);
    }
    if (r == 0)
        r = lockfile_touch(lock, st->mountpoints_lock, err);
    if (r == 0)
        r = records_save(&st->mountpoints, err);
    if (r < 0)
        st->mountpoints.loaded = false;
    return r;
}

int storage_forget_mount(struct storage *st, const char *layer, struct berth_error *err)
{
    _cleanup_close_ int lock = -1;
    struct stat s;
    int r;

    /* Nothing is mounted in this store: "[]". */
    if (stat(st->mountpoints.path, &s) < 0 || s.st_size <= 2)
        return 0;
    lock = lockfile_take(st->mountpoints_lock, true, err);
    if (lock < 0)
        return lock;
    r = records_load(&st->mountpoints, err);
    return r < 0 ? r : set_count(st, lock, layer, "", 0, err);
}

/* ------------------------------------------------------------- what to mount */

/* What the record of a container says about its layer. */
struct layer {
    char *id, *label;
};

static void layer_clear(struct layer *l)
{
    free(l->id);
    free(l->label);
}

static int has_member(const struct record *rec, const char *key)
{
    struct berth_blob value;

    return json_project(rec->text, &key, 1, &value, NULL) == 0 && value.len > 2 &&
           *(const char *)value.data == '[';
}

static int find_layer(struct storage *st, const char *id, struct layer *out,
                      struct berth_error *err)
{
    _cleanup_close_ int lock = lockfile_take(st->containers_lock, false, err);
    const struct record *rec;
    _cleanup_json_ json *flags = NULL;
    struct spot s;
    int r;

    if (lock < 0)
        return lock;
    r = storage_load_containers(st, err);
    if (r < 0)
        return r;
    s = storage_find_id(st, id);
    if (!s.file)
        return fail(err, ENOENT, "%s: container not known", id);
    rec = &s.file->items[s.i];
    if (has_member(rec, "uidmap") || has_member(rec, "gidmap"))
        return fail(err, ENOTSUP,
                    "container %s: layers with mapped user IDs cannot be mounted by berth", id);
    if (record_has(rec, RECORD_FLAGS) &&
        (r = json_parse_object(rec->field[RECORD_FLAGS], "flags", &flags, err)) < 0)
        return r;
    out->id = storage_field(rec, RECORD_LAYER);
    out->label = strdup(str_or(json_str(flags, "MountLabel"), ""));
    if (!out->id || !out->label)
        return fail(err, ENOMEM, "out of memory");
    return *out->id ? 0 : fail(err, ENOENT, "%s: layer not known", id);
}

/* Small files of the driver: short links of lower layers and others. */
static int read_small(int home, const char *name, struct berth_buf *out)
{
    _cleanup_close_ int fd = openat(home, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    return fs_read_fd(fd, name, FILE_MAX_LEN, out, NULL);
}

/* "l/<26 digits>" joined by colons, or nothing. */
static bool is_lower(const char *s)
{
    size_t n = 0;

    for (; *s; n++) {
        if (!str_starts(s, "l/") || strspn(s + 2, LINK_DIGITS) != 26 ||
            (s[28] && s[28] != ':') || n >= LOWER_MAX)
            return false;
        s += 28 + (s[28] == ':');
    }
    return true;
}

/* The mount options; paths begin with `prefix`, "" for relative to the home. */
static void put_data(const char *prefix, const struct layer *l, const char *lower,
                     struct berth_buf *out)
{
    buf_puts(out, "lowerdir=");
    if (!*lower)
        buf_printf(out, "%s%s/empty", prefix, l->id);
    for (const char *at = lower; *at;) {
        int len = (int)strcspn(at, ":");

        buf_printf(out, "%s%s%.*s", at == lower ? "" : ":", prefix, len, at);
        at += len + (at[len] == ':');
    }
    buf_printf(out, ",upperdir=%s%s/diff,workdir=%s%s/work", prefix, l->id, prefix, l->id);
    if (*l->label)
        buf_printf(out, ",context=\"%s\"", l->label);
}

/* ------------------------------------------------------------------ mounting */

static bool is_mounted(const char *path)
{
    struct statx st;

    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &st) == 0 &&
           (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* podman mounts the driver's folder onto itself, privately, when it opens a store, which
 * would hide our mount below; once it is so, it leaves it. */
static int make_private(const char *home, struct berth_error *err)
{
    if (is_mounted(home))
        return 0;
    if (mount(home, home, NULL, MS_BIND, NULL) < 0 ||
        mount(NULL, home, NULL, MS_PRIVATE, NULL) < 0)
        return fail_errno(err, errno, "making mount %s private", home);
    return 0;
}

/* In the home as working directory, so that many layers fit into the options. */
static int mount_relative(int home, const char *target, const char *data)
{
    _cleanup_close_ int old = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = 0;

    if (old < 0 || fchdir(home) < 0)
        return -errno;
    if (mount("overlay", target, "overlay", 0, data) < 0)
        r = -errno;
    if (fchdir(old) < 0)
        log_error("cannot go back to the working directory: %s", strerror(errno));
    return r;
}

static int check_home(const char *home_path, int home, const struct layer *l,
                      struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf program = BUF_INIT;
    _cleanup_free_ char *old_diff = str_printf("%s/diff1", l->id);
    _cleanup_free_ char *mark =
        str_printf("%s/%s/work/work/incompat/volatile", home_path, l->id);

    if (!old_diff || !mark)
        return fail(err, ENOMEM, "out of memory");
    if (read_small(home, ".has-mount-program", &program) == 0 &&
        str_starts(buf_str(&program), "true"))
        return fail(err, ENOTSUP, "the store is used with a FUSE mount program");
    if (faccessat(home, old_diff, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return fail(err, ENOTSUP, "layer %s was shifted to other user IDs", l->id);
    /* Left by a mount with "volatile"; the kernel refuses another one while it is there. */
    return fs_remove_tree(mark, err);
}

static int mount_overlay(const char *home_path, const struct layer *l, const char *merged,
                         struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf lower = BUF_INIT, data = BUF_INIT;
    _cleanup_free_ char *name = str_printf("%s/lower", l->id);
    _cleanup_free_ char *target = str_printf("%s/merged", l->id);
    _cleanup_free_ char *prefix = str_printf("%s/", home_path);
    _cleanup_close_ int home = -1;
    int r = make_private(home_path, err);

    if (r < 0)
        return r;
    if (!name || !target || !prefix)
        return fail(err, ENOMEM, "out of memory");
    home = open(home_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (home < 0)
        return fail_errno(err, errno, "open %s", home_path);
    r = check_home(home_path, home, l, err);
    if (r < 0)
        return r;
    r = read_small(home, name, &lower);
    if (r < 0 && r != -ENOENT)
        return fail_errno(err, -r, "reading %s/%s", home_path, name);
    if (!is_lower(buf_str(&lower)))
        return fail(err, EUCLEAN, "%s/%s is damaged", home_path, name);
    if (mkdirat(home, target, 0700) < 0 && errno != EEXIST)
        return fail_errno(err, errno, "creating directory %s", merged);
    put_data(prefix, l, buf_str(&lower), &data);
    if (data.len > DATA_MAX || strpbrk(prefix, ":,\\")) {
        buf_reset(&data);
        put_data("", l, buf_str(&lower), &data);
    }
    if (buf_error(&data))
        return fail(err, ENOMEM, "out of memory");
    r = mount_relative(home, target, buf_str(&data));
    return r < 0 ? fail_errno(err, -r, "mounting layer %s", l->id) : 0;
}

static char *mount_path(const struct storage *st, const char *layer)
{
    return str_eq(st->driver, "vfs")
               ? str_printf("%s/vfs/dir/%s", st->graph_root, layer)
               : str_printf("%s/%s/%s/merged", st->graph_root, st->driver, layer);
}

int storage_mount(struct storage *st, const char *id, char **path, struct berth_error *err)
{
    _cleanup_(layer_clear) struct layer l = {0};
    _cleanup_(locks_release) struct mount_locks held = {-1, -1, -1};
    _cleanup_free_ char *home = path_join(st->graph_root, st->driver), *point = NULL;
    bool overlay = str_eq(st->driver, "overlay");
    int64_t count;
    int r;

    if (!overlay && !str_eq(st->driver, "vfs"))
        return fail(err, ENOTSUP, "storage driver \"%s\" is not supported", st->driver);
    r = find_layer(st, id, &l, err);
    if (r < 0 || (r = locks_take(st, true, &held, err)) < 0)
        return r;
    point = mount_path(st, l.id);
    if (!home || !point)
        return fail(err, ENOMEM, "out of memory");
    count = point_count(st, l.id);
    if (overlay && (count <= 0 || !is_mounted(point)))
        r = mount_overlay(home, &l, point, err);
    if (r < 0)
        return r;
    r = set_count(st, held.points, l.id, point, MAX(count, 0) + 1, err);
    if (r < 0) {
        if (overlay && count <= 0)
            umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW);
        return r;
    }
    *path = TAKE(point);
    return 0;
}

int storage_unmount(struct storage *st, const char *id, bool force, struct berth_error *err)
{
    _cleanup_(layer_clear) struct layer l = {0};
    _cleanup_(locks_release) struct mount_locks held = {-1, -1, -1};
    _cleanup_free_ char *point = NULL;
    int64_t count;
    int r = find_layer(st, id, &l, err);

    if (r < 0 || (r = locks_take(st, false, &held, err)) < 0)
        return r;
    point = mount_path(st, l.id);
    if (!point)
        return fail(err, ENOMEM, "out of memory");
    count = force ? 1 : point_count(st, l.id);
    if (count > 1)
        return set_count(st, held.points, l.id, point, count - 1, err);
    if (str_eq(st->driver, "overlay")) {
        if (umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL &&
            errno != ENOENT)
            return fail_errno(err, errno, "unmounting %s", point);
        rmdir(point);
    }
    return set_count(st, held.points, l.id, point, 0, err);
}

/* ------------------------------------------------------------------- looking */

int storage_mounted(struct storage *st, const char *id, char **path, bool *mounted,
                    struct berth_error *err)
{
    _cleanup_(layer_clear) struct layer l = {0};
    int r = find_layer(st, id, &l, err);

    if (r < 0)
        return r;
    *path = mount_path(st, l.id);
    if (!*path)
        return fail(err, ENOMEM, "out of memory");
    if (str_eq(st->driver, "overlay")) {
        *mounted = is_mounted(*path);
        return 0;
    }
    r = (int)MIN(storage_mount_count(st, id, err), INT32_MAX);
    *mounted = r > 0;
    return r < 0 ? r : 0;
}

int64_t storage_mount_count(struct storage *st, const char *id, struct berth_error *err)
{
    _cleanup_(layer_clear) struct layer l = {0};
    _cleanup_(locks_release) struct mount_locks held = {-1, -1, -1};
    int r = find_layer(st, id, &l, err);

    if (r == 0)
        r = locks_take(st, false, &held, err);
    return r < 0 ? r : point_count(st, l.id);
}

int storage_layer_parts(struct storage *st, const char *id, struct berth_list *out,
                        struct berth_error *err)
{
    _cleanup_(layer_clear) struct layer l = {0};
    _cleanup_free_ char *home = path_join(st->graph_root, st->driver), *name = NULL;
    _cleanup_buf_ struct berth_buf lower = BUF_INIT;
    _cleanup_close_ int fd = -1;
    int r;

    if (!str_eq(st->driver, "overlay"))
        return fail(err, ENOTSUP, "storage driver \"%s\" keeps no differences", st->driver);
    r = find_layer(st, id, &l, err);
    if (r < 0)
        return r;
    name = str_printf("%s/lower", l.id);
    if (!home || !name)
        return fail(err, ENOMEM, "out of memory");
    fd = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, errno, "open %s", home);
    r = read_small(fd, name, &lower);
    if (r < 0 && r != -ENOENT)
        return fail_errno(err, -r, "reading %s/%s", home, name);
    if (!is_lower(buf_str(&lower)))
        return fail(err, EUCLEAN, "%s/%s is damaged", home, name);
    list_addf(out, "%s/%s/diff", home, l.id);
    for (const char *at = buf_str(&lower); *at;) {
        int len = (int)strcspn(at, ":");

        list_addf(out, "%s/%.*s", home, len, at);
        at += len + (at[len] == ':');
    }
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}
