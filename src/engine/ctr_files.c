/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_files.c - see ctr_files.h. */
#include "engine/ctr_files.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "engine/events.h"
#include "engine/rootfs.h"
#include "engine/spec_priv.h"
#include "storage/storage.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ------------------------------------------------- of a container that runs */

/* Its processes' root; -ESRCH: the first of them has just ended. */
static int open_running(struct ctr *c, struct ctr_files *out)
{
    int64_t pid = json_i64(c->state, "pid", 0);
    _cleanup_close_ int pidfd = -1;
    struct pollfd p = {.events = POLLIN};
    char path[40];

    if (pid <= 0 || pid > INT32_MAX)
        return -ESRCH;
    pidfd = proc_pidfd((pid_t)pid);
    if (pidfd < 0)
        return pidfd;
    snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
    out->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (out->root < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    /* Still the same process: the number was not another's. */
    p.fd = pidfd;
    if (proc_poll(&p, 1, 0) == 0)
        return 0;
    attr_closep(&out->root);
    return -ESRCH;
}

/* ------------------------------------------- of one that does not: its mounts */

struct binding {
    const char *dest;
    char *source;
    bool recursive, readonly;
};

struct bindings {
    struct binding *list;
    size_t n;
};

static void bindings_free(struct bindings *all)
{
    for (size_t i = 0; i < all->n; i++)
        free(all->list[i].source);
    free(all->list);
}

static void add_binding(struct bindings *all, const char *dest, char *source,
                        const json *options)
{
    if (dest && source && dest[0] == '/' && source[0] == '/')
        all->list[all->n++] = (struct binding){dest, source, !json_has_str(options, "bind"),
                                               json_has_str(options, "ro")};
    else
        free(source);
}

/* Parents first. */
static int by_depth(const void *a, const void *b)
{
    const char *x = ((const struct binding *)a)->dest, *y = ((const struct binding *)b)->dest;
    int depth = 0;

    for (const char *s = x; *s; s++)
        depth += *s == '/';
    for (const char *s = y; *s; s++)
        depth -= *s == '/';
    return depth ? depth : strcmp(x, y);
}

static int collect(const struct ctr *c, struct bindings *all, struct berth_error *err)
{
    json *volumes = json_get(c->config, "namedVolumes");
    json *mounts = json_at(c->config, "spec", "mounts", NULL);

    all->list = calloc(json_len(volumes) + json_len(mounts) + 1, sizeof(*all->list));
    if (!all->list)
        return fail(err, ENOMEM, "out of memory");
    for (size_t i = 0; i < json_len(mounts); i++) {
        json *m = json_item(mounts, i);
        const char *source = json_str(m, "source");

        if (str_eq(json_str(m, "type"), "bind") && source)
            add_binding(all, json_str(m, "destination"), strdup(source),
                        json_get(m, "options"));
    }
    for (size_t i = 0; i < json_len(volumes); i++) {
        json *v = json_item(volumes, i);
        const char *name = json_str(v, "volumeName");

        if (name && !strchr(name, '/'))
            add_binding(all, json_str(v, "dest"),
                        str_printf("%s/%s/_data", c->e->conf->volume_path, name),
                        json_get(v, "options"));
    }
    SORT(all->list, all->n, by_depth);
    return 0;
}

/* A directory inside the root, made with its parents where it is missing, as the runtime
 * will do at the next start. */
static int make_place(int root, const char *path)
{
    _cleanup_free_ char *part = strdup(path);

    if (!part)
        return -ENOMEM;
    for (char *at = part + 1;; at++) {
        bool last = *at == '\0';
        char *slash;
        int fd, r;

        if (*at != '/' && !last)
            continue;
        *at = '\0';
        slash = strrchr(part, '/');
        *slash = '\0';
        fd = fs_open_in(root, *part ? part : "/", O_PATH | O_DIRECTORY, 0);
        *slash = '/';
        if (fd < 0)
            return fd;
        r = mkdirat(fd, slash + 1, 0755) < 0 && errno != EEXIST ? -errno : 0;
        close(fd);
        if (r < 0 || last)
            return r;
        *at = '/';
    }
}

/* Kernels before 5.2 mount, and before 5.12 change mounts, by name only: /proc has names for
 * descriptors. */
static int bind_named(int root, const struct binding *b, int at)
{
    static const struct {
        unsigned long have, keep;
    } kept[] = {{ST_NOSUID, MS_NOSUID},         {ST_NODEV, MS_NODEV},
                {ST_NOEXEC, MS_NOEXEC},         {ST_NOATIME, MS_NOATIME},
                {ST_NODIRATIME, MS_NODIRATIME}, {ST_RELATIME, MS_RELATIME}};
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY;
    _cleanup_close_ int made = -1;
    struct statvfs st;
    char name[40];
    int r;

    snprintf(name, sizeof(name), "/proc/self/fd/%d", at);
    if (mount(b->source, name, NULL, MS_BIND | (b->recursive ? MS_REC : 0u), NULL) < 0)
        return -errno;
    if (!b->readonly)
        return 0;
    made = fs_open_in(root, b->dest, O_PATH, 0);
    if (made < 0)
        return made;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", made);
    r = fstatvfs(made, &st) < 0 ? -errno : 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(kept); i++)
        flags |= st.f_flag & kept[i].have ? kept[i].keep : 0;
    if (r == 0 && mount(NULL, name, NULL, flags, NULL) < 0)
        r = -errno;
    if (r < 0)
        umount2(name, MNT_DETACH);
    return r;
}

static int bind_one(int root, const struct binding *b)
{
    _cleanup_close_ int tree =
        open_tree(AT_FDCWD, b->source,
                  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (b->recursive ? AT_RECURSIVE : 0u));
    struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
    _cleanup_close_ int at = -1;
    struct stat st;

    if (tree < 0 && errno != ENOSYS)
        return -errno;
    if ((tree < 0 ? stat(b->source, &st) : fstat(tree, &st)) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        make_place(root, b->dest);
    at = fs_open_in(root, b->dest, O_PATH, 0);
    if (at < 0)
        return at;
    if (tree < 0)
        return bind_named(root, b, at);
    if (b->readonly && mount_setattr(tree, "", AT_EMPTY_PATH, &readonly, sizeof(readonly)) < 0)
        return errno == ENOSYS ? bind_named(root, b, at) : -errno;
    return move_mount(tree, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
               ? -errno
               : 0;
}

/* In the child: a mount namespace of its own, with everything in place. */
static int arrange(const char *path, const struct bindings *all)
{
    _cleanup_close_ int root = -1;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return -errno;
    root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return -errno;
    for (size_t i = 0; i < all->n; i++) {
        int r = bind_one(root, &all->list[i]);

        /* A source that is gone, or a place that cannot be: seen without it. */
        if (r < 0)
            log_info("%s at %s: %s", all->list[i].source, all->list[i].dest, strerror(-r));
    }
    return 0;
}

/* Take the namespace and the root in it from the child, which waits. */
static int take_over(pid_t child, const char *path, struct ctr_files *out)
{
    char own[64];
    _cleanup_close_ int top = -1;

    snprintf(own, sizeof(own), "/proc/%d/ns/mnt", (int)child);
    out->ns = open(own, O_RDONLY | O_CLOEXEC);
    if (out->ns < 0)
        return -errno;
    snprintf(own, sizeof(own), "/proc/%d/root", (int)child);
    top = open(own, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return -errno;
    out->root = fs_open_in(top, path, O_PATH | O_DIRECTORY, 0);
    return out->root < 0 ? out->root : 0;
}

/*
 * The mounts are made by a child in a mount namespace of its own, which we keep open: nobody
 * else sees them, and nothing is left when we end, however that is.
 */
static int open_with_mounts(const char *path, const struct bindings *all, struct ctr_files *out)
{
    int ready[2], done[2], r = -EIO;
    pid_t child;

    if (pipe2(ready, O_CLOEXEC) < 0)
        return -errno;
    if (pipe2(done, O_CLOEXEC) < 0) {
        r = -errno;
        close(ready[0]);
        close(ready[1]);
        return r;
    }
    child = fork();
    if (child == 0) {
        char byte;

        close(done[1]);
        r = arrange(path, all);
        if (write(ready[1], &r, sizeof(r)) < 0 || read(done[0], &byte, 1) < 0)
            _exit(1);
        _exit(0);
    }
    if (child < 0)
        r = -errno;
    close(ready[1]);
    close(done[0]);
    if (child > 0 && read(ready[0], &r, sizeof(r)) == (ssize_t)sizeof(r) && r == 0)
        r = take_over(child, path, out);
    close(ready[0]);
    close(done[1]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return r;
}

static int open_stopped(struct ctr *c, bool mounts, struct ctr_files *out,
                        struct berth_error *err)
{
    _cleanup_(bindings_free) struct bindings all = {0};
    _cleanup_free_ char *path = NULL;
    int r = rootfs_borrow(c, &path, err);

    if (r < 0)
        return r;
    out->borrowed = true;
    r = mounts ? collect(c, &all, err) : 0;
    if (r < 0)
        return r;
    if (all.n)
        r = open_with_mounts(path, &all, out);
    else if ((out->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        r = -errno;
    return r < 0 ? fail_errno(err, -r, "opening the root file system of container %s, %s",
                              c->id, path)
                 : 0;
}

static int open_files(struct ctr *c, bool mounts, struct ctr_files *out,
                      struct berth_error *err)
{
    int r = ctr_lock(c, err), status;

    *out = CTR_FILES_NONE;
    if (r < 0)
        return r;
    out->c = c;
    status = ctr_status(c);
    if (status == CTR_REMOVING)
        r = fail(err, EINVAL, "container %s is being removed: container state improper", c->id);
    else if (mounts && (status == CTR_RUNNING || status == CTR_PAUSED)) {
        r = open_running(c, out);
        if (r == -ESRCH)
            r = open_stopped(c, mounts, out, err);
        else if (r < 0)
            fail_errno(err, -r, "opening the root file system of container %s", c->id);
    } else {
        r = open_stopped(c, mounts, out, err);
    }
    ctr_unlock(c);
    if (r < 0)
        ctr_files_close(out);
    return r;
}

int ctr_files_open(struct ctr *c, struct ctr_files *out, struct berth_error *err)
{
    return open_files(c, true, out, err);
}

int ctr_files_open_root(struct ctr *c, struct ctr_files *out, struct berth_error *err)
{
    return open_files(c, false, out, err);
}

void ctr_files_close(struct ctr_files *f)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r = 0;

    attr_closep(&f->root);
    attr_closep(&f->ns);
    if (!f->borrowed)
        return;
    f->borrowed = false;
    r = ctr_lock(f->c, &why);
    if (r == 0)
        r = rootfs_return(f->c, false, &why);
    ctr_unlock(f->c);
    if (r < 0 && r != -ENOENT)
        log_error("unmounting container %s: %s", f->c->id, error_text(&why));
}

int ctr_files_owner(struct ctr *c, int root, uid_t *uid, gid_t *gid, struct berth_error *err)
{
    _cleanup_(spec_user_free) struct spec_user user = {0};
    const char *text = json_str(c->config, "user");
    char path[40];
    int r = 0;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", root);
    if (!str_empty(text))
        r = spec_user_lookup(path, NULL, NULL, text, &user, err);
    *uid = rootfs_host_id(c, "UIDMap", user.uid);
    *gid = rootfs_host_id(c, "GIDMap", user.gid);
    return r;
}

/* ----------------------------------------------------------- mount, unmount */

int ctr_mount(struct ctr *c, char **path, struct berth_error *err)
{
    int r = ctr_lock(c, err);

    if (r < 0)
        return r;
    if (ctr_status(c) == CTR_REMOVING)
        r = fail(err, EINVAL,
                 "cannot mount container %s as it is being removed: container state improper",
                 c->id);
    else
        r = rootfs_borrow(c, path, err);
    if (r == 0)
        event_ctr(c, "mount", NULL);
    ctr_unlock(c);
    return r;
}

/* The container's own use of it is not the user's to end. */
static int check_last(struct ctr *c, bool force, struct berth_error *err)
{
    struct storage *storage;
    int64_t count;
    int r;

    if (!json_flag(c->state, "mounted", false) || !str_empty(json_str(c->config, "rootfs")))
        return 0;
    r = engine_storage(c->e, &storage, err);
    if (r < 0)
        return r;
    count = storage_mount_count(storage, c->id, err);
    if (count < 0)
        return (int)count;
    return count > 1 && !force
               ? 0
               : fail(err, EBUSY, "can't unmount %s last mount, it is still in use", c->id);
}

int ctr_unmount(struct ctr *c, bool force, struct berth_error *err)
{
    int r = ctr_lock(c, err);

    if (r == 0)
        r = check_last(c, force, err);
    if (r == 0)
        r = rootfs_return(c, force, err);
    if (r == 0)
        event_ctr(c, "unmount", NULL);
    ctr_unlock(c);
    return r;
}

int ctr_mounted(struct ctr *c, char **path, struct berth_error *err)
{
    bool mounted;
    int r = rootfs_where(c, path, &mounted, err);

    if (r == 0 && !mounted) {
        free(*path);
        *path = NULL;
    }
    return r;
}
