/* SPDX-License-Identifier: Apache-2.0 */
/* fs.c - see fs.h. */
#include "base/fs.h"
#include "base/str.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/syscall.h>

char *path_clean(const char *path)
{
    bool rooted = path[0] == '/';
    size_t len = 0, floor = rooted;
    char *out = malloc(strlen(path) + 2);

    if (!out)
        return NULL;
    if (rooted)
        out[len++] = '/';
    while (*path) {
        size_t n = strcspn(path, "/");

        if (n == 0) {
            path++;
            continue;
        }
        if (n == 2 && path[0] == '.' && path[1] == '.') {
            if (len > floor) {
                while (len > floor && out[--len] != '/')
                    ;
            } else if (!rooted) {
                if (len)
                    out[len++] = '/';
                out[len++] = '.';
                out[len++] = '.';
                floor = len;
            }
        } else if (!(n == 1 && path[0] == '.')) {
            if (len && out[len - 1] != '/')
                out[len++] = '/';
            memcpy(out + len, path, n);
            len += n;
        }
        path += n;
    }
    if (len == 0)
        out[len++] = '.';
    out[len] = '\0';
    return out;
}

char *path_join(const char *dir, const char *name)
{
    return str_printf("%s/%s", str_eq(dir, "/") ? "" : dir, name);
}

char *path_absolute(const char *path)
{
    _cleanup_free_ char *cwd = NULL, *joined = NULL;

    if (path[0] == '/')
        return path_clean(path);
    cwd = getcwd(NULL, 0);
    if (!cwd || !(joined = path_join(cwd, path)))
        return NULL;
    return path_clean(joined);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

int fs_open_in(int root, const char *path, int flags, mode_t mode)
{
    struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC,
                           .mode = flags & O_CREAT ? mode : 0,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    long fd;

    /* EAGAIN: something on this machine was renamed while the kernel followed a "..". */
    do
        fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
    while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    if (fd < 0 && errno == ENOSYS)
        return fs_resolve_in(root, path, flags, mode);
    return fd < 0 ? -errno : (int)fd;
}

bool fs_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

int fs_list(int fd, fs_entry_fn *fn, void *arg)
{
    _Alignas(struct dirent64) char entries[2048];
    ssize_t len;
    int r = 0;

    while (r == 0 && (len = getdents64(fd, entries, sizeof(entries))) != 0) {
        if (len < 0)
            return -errno;
        for (ssize_t at = 0; r == 0 && at < len;) {
            const struct dirent64 *entry = (const void *)(entries + at);

            if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
                r = fn(arg, fd, entry->d_name, entry->d_type);
            at += entry->d_reclen;
        }
    }
    return r;
}

static int found_one(void *arg _unused_, int fd _unused_, const char *name _unused_,
                     unsigned char type _unused_)
{
    return 1;
}

int fs_is_empty_dir(int dir, const char *path)
{
    _cleanup_close_ int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -errno : fs_list(fd, found_one, NULL);

    return r < 0 ? r : r == 0;
}

int fs_mkdir_p(const char *path, mode_t mode, struct berth_error *err)
{
    _cleanup_free_ char *copy = path_clean(path);
    struct stat st;
    char *at;

    if (!copy)
        return fail(err, ENOMEM, "out of memory");
    if (mkdir(copy, mode) == 0)
        return 0;
    if (errno == ENOENT) {
        for (at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
            *at = '\0';
            if (mkdir(copy, mode) < 0 && errno != EEXIST)
                return fail_errno(err, errno, "creating directory %s", copy);
            *at = '/';
        }
        if (mkdir(copy, mode) == 0)
            return 0;
    }
    if (errno != EEXIST)
        return fail_errno(err, errno, "creating directory %s", copy);
    if (stat(copy, &st) < 0 || !S_ISDIR(st.st_mode))
        return fail_errno(err, ENOTDIR, "creating directory %s", copy);
    return 0;
}

int fs_read_fd(int fd, const char *what, size_t max, struct berth_buf *out,
               struct berth_error *err)
{
    struct stat st;
    size_t hint = 1000; /* files of /proc, mostly */

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        hint = (size_t)st.st_size + 1;
    for (;;) {
        ssize_t n;

        if (out->len > max)
            return fail(err, EFBIG, "%s is larger than %zu bytes", what, max);
        if (out->cap - out->len < 2 && buf_reserve(out, MIN(hint, max + 1)) < 0)
            return fail(err, ENOMEM, "out of memory reading %s", what);
        n = read(fd, out->data + out->len, out->cap - out->len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, errno, "reading %s", what);
        if (n == 0)
            return 0;
        out->len += (size_t)n;
        out->data[out->len] = '\0';
        hint = 4096;
    }
}

int fs_read(const char *path, size_t max, struct berth_buf *out, struct berth_error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return fail_errno(err, errno, "open %s", path);
    return fs_read_fd(fd, path, max, out, err);
}

int fs_write_fd(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

static int sync_parent(const char *path)
{
    _cleanup_free_ char *dir = strdup(path);
    _cleanup_close_ int fd = -1;
    char *slash;

    if (!dir)
        return -ENOMEM;
    slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = '\0';
    fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int fs_replace(const char *path, const void *data, size_t len, mode_t mode, bool durable,
               struct berth_error *err)
{
    _cleanup_free_ char *temp = str_printf("%s.XXXXXX", path);
    _cleanup_close_ int fd = -1;
    int r;

    if (!temp)
        return fail(err, ENOMEM, "out of memory");
    fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, errno, "creating %s", temp);
    r = fs_write_fd(fd, data, len);
    if (r == 0 && (fchmod(fd, mode) < 0 || (durable && fsync(fd) < 0)))
        r = -errno;
    if (r == 0 && rename(temp, path) < 0)
        r = -errno;
    if (r < 0) {
        unlink(temp);
        return fail_errno(err, -r, "writing %s", path);
    }
    if (durable && (r = sync_parent(path)) < 0)
        return fail_errno(err, -r, "syncing the directory of %s", path);
    return 0;
}

static int remove_at(int dir, const char *name, dev_t dev)
{
    struct stat st;
    struct dirent *entry;
    int fd, r = 0;
    DIR *d;

    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -errno;
    fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || st.st_dev != dev) {
        close(fd);
        return -EBUSY;
    }
    d = fdopendir(fd);
    if (!d) {
        close(fd);
        return -ENOMEM;
    }
    while (r == 0 && (entry = readdir(d)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = remove_at(fd, entry->d_name, dev);
    closedir(d);
    if (r == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        r = -errno;
    return r;
}

int fs_remove_at(int dir, const char *name)
{
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    return remove_at(dir, name, st.st_dev);
}

int fs_remove_tree(const char *path, struct berth_error *err)
{
    int r = fs_remove_at(AT_FDCWD, path);

    return r < 0 ? fail_errno(err, -r, "removing %s", path) : 0;
}

int fs_lock_file(const char *path, mode_t mode, struct berth_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode);

    if (fd < 0)
        return fail_errno(err, errno, "opening lock file %s", path);
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR) {
            int code = errno;

            close(fd);
            return fail_errno(err, code, "locking %s", path);
        }
    return fd;
}
