/* SPDX-License-Identifier: Apache-2.0 */
/* rootfs.c - see rootfs.h. */
#include "engine/rootfs.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/ctr_volumes.h"
#include "engine/spec_priv.h"
#include "storage/layer.h"
#include "storage/storage.h"
#include "wrap/fault.h"
#include <fcntl.h>
#include <sys/mount.h>

/* -------------------------------------------------------------------- tools */

uint32_t rootfs_host_id(const struct ctr *c, const char *map, uint32_t id)
{
    const json *ranges = json_at(c->config, "idMappingsOptions", map, NULL);

    for (size_t i = 0; i < json_len(ranges); i++) {
        const json *range = json_item(ranges, i);
        int64_t first = json_i64(range, "container_id", -1);

        if (first >= 0 && id >= first && id - first < json_i64(range, "size", 0))
            return (uint32_t)(json_i64(range, "host_id", 0) + id - first);
    }
    return id;
}

static uint32_t root_id(const struct ctr *c, const char *map)
{
    return rootfs_host_id(c, map, 0);
}

static bool is_mount_point(int fd)
{
    struct statx st;

    return statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_TYPE, &st) == 0 &&
           (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Mount over what fd refers to; no path is resolved a second time. */
static int mount_on(int fd, const char *source, const char *type, unsigned long flags,
                    const char *data)
{
    char path[40];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return mount(source, path, type, flags, data) < 0 ? -errno : 0;
}

/* The label as a mount option; nothing without SELinux. */
static void put_label(const struct ctr *c, struct berth_buf *data)
{
    const char *label = json_str(c->config, "MountLabel");

    if (!str_empty(label))
        buf_printf(data, ",context=\"%s\"", label);
}

/* 1: unmounted; 0: nothing was mounted there. */
static int unmount(const char *path, struct berth_error *err)
{
    if (umount2(path, UMOUNT_NOFOLLOW) == 0)
        return 1;
    if (errno == EBUSY && umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH) == 0)
        return 1;
    if (errno == EINVAL || errno == ENOENT)
        return 0;
    return fail_errno(err, errno, "unmounting %s", path);
}

/* Of several failures the first is returned and the others are logged. */
static void note(int r, int *first, struct berth_error *why, struct berth_error *err,
                 const struct ctr *c)
{
    if (r >= 0)
        return;
    if (*first == 0) {
        *first = r;
        error_move(err, why);
        return;
    }
    log_error("container %s: %s", c->id, error_text(why));
    error_clear(why);
}

/* ------------------------------------------------------------ shared memory */

/* The list of mounts to undo says so; the host's or another container's is not in it. */
bool rootfs_own_shm(const struct ctr *c)
{
    const char *dir = json_str(c->config, "ShmDir");

    return !str_empty(dir) && !json_flag(c->config, "NoShm", false) &&
           json_has_str(json_get(c->config, "mounts"), dir);
}

static int mount_shm(const struct ctr *c, struct berth_error *err)
{
    const char *dir = json_str(c->config, "ShmDir");
    _cleanup_buf_ struct berth_buf data = BUF_INIT;
    _cleanup_close_ int fd = -1, top = -1;
    int r;

    if (!rootfs_own_shm(c))
        return 0;
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return fail_errno(err, errno, "creating directory %s", dir);
    fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, errno, "open %s", dir);
    if (is_mount_point(fd))
        return 0;
    buf_printf(&data, "mode=1777,size=%lld", (long long)json_i64(c->config, "shmSize", 0));
    put_label(c, &data);
    if (buf_error(&data))
        return fail(err, ENOMEM, "out of memory");
    r = mount_on(fd, "shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, buf_str(&data));
    if (r < 0)
        return fail_errno(err, -r, "failed to mount shm tmpfs \"%s\"", dir);
    top = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (top < 0 ||
        fchownat(top, "", root_id(c, "UIDMap"), root_id(c, "GIDMap"), AT_EMPTY_PATH) < 0)
        return fail_errno(err, errno, "failed to chown %s", dir);
    return 0;
}

/* ------------------------------------------------- overlay over a directory */

/* Beside the run directory: gone after a boot, as podman has it. */
static char *overlay_dir(const struct ctr *c)
{
    const char *run = ctr_run_dir(c);
    size_t len = run ? (size_t)(path_base(run) - run) : 0;

    return len ? str_printf("%.*srootfs", (int)len, run) : NULL;
}

/* A path as overlayfs reads it: separators are escaped. */
static void put_path(const char *path, struct berth_buf *out)
{
    for (; *path; path++) {
        if (strchr(":,\\", *path))
            buf_putc(out, '\\');
        buf_putc(out, *path);
    }
}

/* A directory of the overlay, made when missing, as the container's root's. */
static int open_part(const struct ctr *c, int base, const char *name)
{
    int fd;

    if (mkdirat(base, name, 0700) < 0 && errno != EEXIST)
        return -errno;
    fd = openat(base, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (!is_mount_point(fd) &&
        fchownat(fd, "", root_id(c, "UIDMap"), root_id(c, "GIDMap"), AT_EMPTY_PATH) < 0) {
        int r = -errno;

        close(fd);
        return r;
    }
    return fd;
}

/* The upper directory looks like the lower one, or the container's root would be 0700. */
static int copy_owner(int lower, int base)
{
    struct stat st;

    if (fstat(lower, &st) < 0 || fchmodat(base, "upper", st.st_mode & 07777, 0) < 0 ||
        fchownat(base, "upper", st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return 0;
}

static int make_parts(const struct ctr *c, const char *dir, int lower, int *merge)
{
    _cleanup_close_ int base = -1, upper = -1, work = -1;
    bool fresh;

    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return -errno;
    base = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (base < 0 ||
        fchownat(base, "", root_id(c, "UIDMap"), root_id(c, "GIDMap"), AT_EMPTY_PATH) < 0)
        return -errno;
    fresh = faccessat(base, "upper", F_OK, AT_SYMLINK_NOFOLLOW) < 0;
    upper = fresh ? open_part(c, base, "upper")
                  : openat(base, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (upper < 0)
        return fresh ? upper : -errno;
    work = open_part(c, base, "work");
    if (work < 0)
        return work;
    if (fresh) {
        int r = copy_owner(lower, base);

        if (r < 0)
            return r;
    }
    *merge = open_part(c, base, "merge");
    return *merge < 0 ? *merge : 0;
}

/* An overlay is the user's own: its root belongs to who runs in it, as podman has it. */
static int chown_to_user(const struct ctr *c, const char *point, struct berth_error *err)
{
    const char *user = json_str(c->config, "user");
    struct spec_user who = {0};
    int r = 0;

    if (!str_empty(user))
        r = spec_user_lookup(point, NULL, NULL, user, &who, err);
    if (r == 0 && fchownat(AT_FDCWD, point, rootfs_host_id(c, "UIDMap", who.uid),
                           rootfs_host_id(c, "GIDMap", who.gid), 0) < 0)
        r = fail_errno(err, errno, "failed to chown %s", point);
    spec_user_free(&who);
    return r;
}

static int mount_overlay(struct ctr *c, const char *lower, char **mount_point,
                         struct berth_error *err)
{
    _cleanup_close_ int lower_fd = open(lower, O_PATH | O_DIRECTORY | O_CLOEXEC), merge = -1;
    _cleanup_free_ char *dir = overlay_dir(c);
    _cleanup_free_ char *point = dir ? path_join(dir, "merge") : NULL;
    _cleanup_buf_ struct berth_buf data = BUF_INIT;
    int r;

    if (lower_fd < 0)
        return fail_errno(err, errno, "rootfs-overlay: open %s", lower);
    if (!point)
        return fail(err, EINVAL, "container %s has no run directory", c->id);
    r = make_parts(c, dir, lower_fd, &merge);
    if (r < 0)
        return fail_errno(err, -r, "rootfs-overlay: failed to create TempDir in %s", dir);
    /* Somebody looks at its files, or a process that was killed left it: the same one. */
    if (is_mount_point(merge)) {
        *mount_point = TAKE(point);
        return 0;
    }
    buf_puts(&data, "lowerdir=");
    put_path(lower, &data);
    buf_puts(&data, ",upperdir=");
    put_path(dir, &data);
    buf_puts(&data, "/upper,workdir=");
    put_path(dir, &data);
    buf_puts(&data, "/work");
    put_label(c, &data);
    if (buf_error(&data))
        return fail(err, ENOMEM, "out of memory");
    r = mount_on(merge, "overlay", "overlay", MS_NODEV, buf_str(&data));
    if (r < 0)
        return fail_errno(err, -r,
                          "rootfs-overlay: creating overlay failed \"%s\" from native overlay",
                          lower);
    /* By path: the descriptor is the directory below the mount. */
    if (mount("", point, NULL, MS_PRIVATE, NULL) < 0) {
        r = -errno;
        umount2(point, UMOUNT_NOFOLLOW | MNT_DETACH);
        return fail_errno(err, -r, "making %s private", point);
    }
    r = chown_to_user(c, point, err);
    if (r < 0) {
        umount2(point, UMOUNT_NOFOLLOW | MNT_DETACH);
        return r;
    }
    *mount_point = TAKE(point);
    return 0;
}

/* ----------------------------------------------------------------- /etc/mtab */

/* podman makes both when they are missing.  On a read-only directory that cannot be done,
 * and the container may well do without. */
static int make_etc(const struct ctr *c, const char *mount_point, struct berth_error *err)
{
    uint32_t uid = root_id(c, "UIDMap"), gid = root_id(c, "GIDMap");
    _cleanup_close_ int root = open(mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int etc = -1;

    if (root < 0)
        return fail_errno(err, errno, "open %s", mount_point);
    etc = fs_open_in(root, "etc", O_PATH | O_DIRECTORY, 0);
    if (etc == -ENOENT) {
        if (mkdirat(root, "etc", 0755) == 0) {
            if (fchownat(root, "etc", uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
                return fail_errno(err, errno, "chown /etc in the container");
        } else if (errno == EROFS) {
            return 0;
        } else if (errno != EEXIST) {
            return fail_errno(err, errno, "creating /etc in the container");
        }
        etc = fs_open_in(root, "etc", O_PATH | O_DIRECTORY, 0);
    }
    if (etc < 0)
        return fail_errno(err, -etc, "open /etc in the container");
    if (symlinkat("/proc/mounts", etc, "mtab") < 0) {
        if (errno == EEXIST || errno == EROFS)
            return 0;
        return fail_errno(err, errno, "creating /etc/mtab symlink");
    }
    if (fchownat(etc, "mtab", uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_errno(err, errno, "chown /etc/mtab");
    return 0;
}

/* --------------------------------------------------------------------- both */

/* The layer of a container that was made from an image, as its root's. */
static int mount_layer(struct ctr *c, char **point, struct berth_error *err)
{
    struct storage *st;
    int r = engine_storage(c->e, &st, err);

    if (r < 0 || (r = storage_mount(st, c->id, point, err)) < 0)
        return r;
    if (fchownat(AT_FDCWD, *point, root_id(c, "UIDMap"), root_id(c, "GIDMap"), 0) == 0)
        return 0;
    return fail_errno(err, errno, "chown %s", *point);
}

static int unmount_layer(struct ctr *c, struct berth_error *err)
{
    struct storage *st;
    int r = engine_storage(c->e, &st, err);

    return r < 0 ? r : storage_unmount(st, c->id, false, err);
}

static bool has_image(const struct ctr *c)
{
    return str_empty(json_str(c->config, "rootfs"));
}

bool rootfs_on_layer(const struct ctr *c)
{
    return has_image(c) && json_flag(c->state, "mounted", false);
}

static bool has_overlay(const struct ctr *c)
{
    return json_flag(c->config, "rootfs_overlay", false);
}

/* Where the overlay over the directory is mounted, or would be. */
static char *overlay_point(const struct ctr *c)
{
    _cleanup_free_ char *dir = overlay_dir(c);

    return dir ? path_join(dir, "merge") : NULL;
}

int rootfs_borrow(struct ctr *c, char **path, struct berth_error *err)
{
    const char *rootfs = json_str(c->config, "rootfs");

    if (has_image(c))
        return mount_layer(c, path, err);
    if (has_overlay(c))
        return mount_overlay(c, rootfs, path, err);
    *path = strdup(rootfs);
    return *path ? 0 : fail(err, ENOMEM, "out of memory");
}

int rootfs_return(struct ctr *c, bool force, struct berth_error *err)
{
    _cleanup_free_ char *point = NULL;
    struct storage *st;
    int r;

    if (has_image(c)) {
        r = engine_storage(c->e, &st, err);
        return r < 0 ? r : storage_unmount(st, c->id, force, err);
    }
    if (!has_overlay(c) || json_flag(c->state, "mounted", false))
        return 0;
    point = overlay_point(c);
    r = point ? unmount(point, err) : 0;
    return r < 0 ? r : 0;
}

int rootfs_where(struct ctr *c, char **path, bool *mounted, struct berth_error *err)
{
    struct statx st;

    *mounted = false;
    if (has_image(c)) {
        struct storage *storage;
        int r = engine_storage(c->e, &storage, err);

        return r < 0 ? r : storage_mounted(storage, c->id, path, mounted, err);
    }
    *path = has_overlay(c) ? overlay_point(c) : strdup(json_str(c->config, "rootfs"));
    if (!*path)
        return fail(err, ENOMEM, "out of memory");
    *mounted = has_overlay(c) &&
               statx(AT_FDCWD, *path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st) == 0 &&
               (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
    return 0;
}

int rootfs_parts(struct ctr *c, struct berth_list *out, struct berth_error *err)
{
    _cleanup_free_ char *dir = NULL;
    struct storage *storage;
    int r;

    if (has_image(c)) {
        r = engine_storage(c->e, &storage, err);
        return r < 0 ? r : storage_layer_parts(storage, c->id, out, err);
    }
    dir = has_overlay(c) ? overlay_dir(c) : NULL;
    if (!dir)
        return 0;
    list_addf(out, "%s/upper", dir);
    if (out->error == 0 && access(out->items[0], F_OK) < 0)
        list_drop(out, 0); /* it has never been started */
    else
        list_add(out, json_str(c->config, "rootfs"));
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}

static int mount_root(struct ctr *c, struct berth_error *err)
{
    _cleanup_free_ char *point = NULL;
    int r = rootfs_borrow(c, &point, err);

    if (r == 0)
        r = make_etc(c, point, err);
    if (r == 0) {
        json_set_str(c->state, "mountPoint", point);
        json_set_bool(c->state, "mounted", true);
    } else if (has_image(c) && point) {
        unmount_layer(c, NULL);
    }
    return r;
}

/* All but the volumes. */
static int unmount_parts(struct ctr *c, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    const json *mounts = json_get(c->config, "mounts");
    const char *static_dir = ctr_static_dir(c);
    int first = 0;

    if (has_overlay(c)) {
        _cleanup_free_ char *point = overlay_point(c);

        if (point)
            note(unmount(point, &why), &first, &why, err, c);
    }
    for (size_t i = 0; i < json_len(mounts); i++)
        if (json_item_str(mounts, i))
            note(unmount(json_item_str(mounts, i), &why), &first, &why, err, c);
    if (static_dir) {
        _cleanup_free_ char *volumes = path_join(static_dir, "overlay");

        if (volumes)
            note(layer_remove_tree(volumes, &why), &first, &why, err, c);
    }
    if (rootfs_on_layer(c))
        note(unmount_layer(c, &why), &first, &why, err, c);
    json_del(c->state, "mounted");
    json_del(c->state, "mountPoint");
    return first;
}

int rootfs_mount(struct ctr *c, struct berth_error *err)
{
    int r;

    if (json_flag(c->state, "mounted", false))
        return 0;
    r = mount_shm(c, err);
    if (r == 0)
        r = fault_point("ctr", "shm", err);
    if (r == 0)
        r = mount_root(c, err);
    if (r < 0)
        error_wrap(err, "mounting storage for container %s", c->id);
    if (r == 0)
        r = fault_point("ctr", "root", err);
    if (r == 0 && json_get(c->config, "namedVolumes"))
        r = ctr_volumes_mount(c, json_str(c->state, "mountPoint"), err);
    if (r < 0)
        unmount_parts(c, NULL);
    return r;
}

int rootfs_unmount(struct ctr *c, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int first = 0;

    if (ctr_volumes_in_use(c))
        note(ctr_volumes_release(c, &why), &first, &why, err, c);
    note(fault_point("ctr", "released", &why), &first, &why, err, c);
    note(unmount_parts(c, &why), &first, &why, err, c);
    return first;
}
