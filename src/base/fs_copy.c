/* SPDX-License-Identifier: Apache-2.0 */
/* fs_copy.c - see fs_copy.h. */
#include "base/fs_copy.h"
#include "base/fs.h"
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEPTH_MAX 512

/* A file with several names, and the first of them in the copy. */
struct link {
    dev_t dev;
    ino_t ino;
    char *path;
};

struct copying {
    int to;    /* top of the copy */
    dev_t dev; /* of the source's top */
    struct link *links;
    size_t n_links, cap;
    struct berth_buf path; /* of what is being copied, below the top */
    struct berth_error *err;
};

static int failed(struct copying *c, int code, const char *what)
{
    return fail_errno(c->err, code, "%s %s", what, buf_str(&c->path));
}

/* --------------------------------------------------------------- attributes */

static void copy_xattrs(struct copying *c, int from, int to)
{
    ssize_t room = flistxattr(from, NULL, 0), n;
    _cleanup_free_ char *names = room > 0 ? malloc((size_t)room) : NULL;

    n = names ? flistxattr(from, names, (size_t)room) : 0;
    for (const char *at = names; at && at < names + n; at += strlen(at) + 1) {
        char value[XATTR_SIZE_MAX];
        ssize_t len;

        if (str_starts(at, "trusted.overlay.") || str_starts(at, "user.overlay."))
            continue;
        len = fgetxattr(from, at, value, sizeof(value));
        /* Not every file system takes every one. */
        if (len >= 0 && fsetxattr(to, at, value, (size_t)len, 0) < 0)
            log_debug("%s: setting attribute %s: %m", buf_str(&c->path), at);
    }
}

/* Of an open file or directory; the owner before the mode, which it would clear. */
static int copy_attributes(struct copying *c, int from, int to, const struct stat *st)
{
    const struct timespec times[2] = {st->st_atim, st->st_mtim};

    if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
        return failed(c, errno, "setting owner and mode of");
    copy_xattrs(c, from, to);
    return futimens(to, times) < 0 ? failed(c, errno, "setting the times of") : 0;
}

/* ------------------------------------------------------------------- kinds */

/* One more name of what was copied before.  The copy may be in use: what took the place of a
 * directory in it must not lead out. */
static int add_name(struct copying *c, const char *path, int to, const char *name)
{
    const char *base = path_base(path);
    _cleanup_free_ char *parent = strndup(path, (size_t)(base - path));
    _cleanup_close_ int dir = -1;

    if (!parent)
        return fail(c->err, ENOMEM, "out of memory");
    dir = fs_open_in(c->to, *parent ? parent : ".", O_PATH | O_DIRECTORY, 0);
    if (dir < 0)
        return failed(c, -dir, "linking");
    return linkat(dir, base, to, name, 0) < 0 ? failed(c, errno, "linking") : 1;
}

/* 1: it is there now, as one more name of what was copied before. */
static int copy_link(struct copying *c, const struct stat *st, int to, const char *name)
{
    for (size_t i = 0; i < c->n_links; i++)
        if (c->links[i].ino == st->st_ino && c->links[i].dev == st->st_dev)
            return add_name(c, c->links[i].path, to, name);
    if (c->n_links == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 32;
        struct link *more = realloc(c->links, cap * sizeof(*more));

        if (!more)
            return fail(c->err, ENOMEM, "out of memory");
        c->links = more;
        c->cap = cap;
    }
    c->links[c->n_links] =
        (struct link){st->st_dev, st->st_ino, strdup(buf_str(&c->path) + 1)}; /* no slash */
    if (!c->links[c->n_links].path)
        return fail(c->err, ENOMEM, "out of memory");
    c->n_links++;
    return 0;
}

/* One piece of a file that has content, from where both files are. */
static int copy_range(struct copying *c, int from, int to, off_t len)
{
    while (len > 0) {
        size_t part = len > (1 << 30) ? 1 << 30 : (size_t)len;
        ssize_t n = copy_file_range(from, NULL, to, NULL, part, 0);

        if (n < 0 &&
            (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
            n = sendfile(to, from, NULL, part);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(c, errno, "copying");
        if (n == 0)
            return 0; /* it shrank meanwhile */
        len -= n;
    }
    return 0;
}

static int copy_content(struct copying *c, int from, int to, off_t size)
{
    off_t at = 0;

    if (ftruncate(to, size) < 0)
        return failed(c, errno, "copying");
    while (at < size) {
        off_t data = lseek(from, at, SEEK_DATA), hole;
        int r;

        if (data < 0 && errno == ENXIO)
            return 0;
        if (data < 0)
            data = at;
        hole = lseek(from, data, SEEK_HOLE);
        if (hole < 0 || hole > size)
            hole = size;
        if (data >= hole)
            return 0;
        if (lseek(from, data, SEEK_SET) < 0 || lseek(to, data, SEEK_SET) < 0)
            return failed(c, errno, "copying");
        r = copy_range(c, from, to, hole - data);
        if (r < 0)
            return r;
        at = hole;
    }
    return 0;
}

static int copy_file(struct copying *c, int from_dir, int to_dir, const char *name,
                     const struct stat *st)
{
    _cleanup_close_ int from = -1, to = -1;
    int r = st->st_nlink > 1 ? copy_link(c, st, to_dir, name) : 0;

    if (r != 0)
        return r < 0 ? r : 0;
    from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0)
        return failed(c, errno, "opening");
    to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return failed(c, errno, "creating");
    r = copy_content(c, from, to, st->st_size);
    return r < 0 ? r : copy_attributes(c, from, to, st);
}

static int copy_symlink(struct copying *c, int from_dir, int to_dir, const char *name)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

    if (n < 0)
        return failed(c, errno, "reading the link");
    target[n] = '\0';
    return symlinkat(target, to_dir, name) < 0 ? failed(c, errno, "creating the link") : 0;
}

static int copy_dir(struct copying *c, int from, int to, unsigned depth);

static int copy_subdir(struct copying *c, int from_dir, int to_dir, const char *name,
                       const struct stat *st, unsigned depth)
{
    _cleanup_close_ int from = -1, to = -1;
    int r;

    from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0)
        return failed(c, errno, "opening");
    if (mkdirat(to_dir, name, 0700) < 0)
        return failed(c, errno, "creating");
    to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (to < 0)
        return failed(c, errno, "opening");
    r = st->st_dev == c->dev ? copy_dir(c, from, to, depth + 1) : 0;
    return r < 0 ? r : copy_attributes(c, from, to, st);
}

static int copy_special(struct copying *c, int to_dir, const char *name, const struct stat *st)
{
    int r = st->st_nlink > 1 ? copy_link(c, st, to_dir, name) : 0;

    if (r == 0 && mknodat(to_dir, name, st->st_mode, st->st_rdev) < 0)
        r = failed(c, errno, "creating");
    if (r == 0 && fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0)
        r = failed(c, errno, "setting the mode of");
    return r < 0 ? r : 0;
}

/* Owner and times of what was not opened. */
static int finish(struct copying *c, int to_dir, const char *name, const struct stat *st)
{
    const struct timespec times[2] = {st->st_atim, st->st_mtim};

    if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return failed(c, errno, "setting owner and times of");
    return 0;
}

static int copy_one(struct copying *c, int from, int to, const char *name, unsigned depth)
{
    struct stat st;
    int r;

    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : failed(c, errno, "stat");
    switch (st.st_mode & S_IFMT) {
    case S_IFREG:
        return copy_file(c, from, to, name, &st);
    case S_IFDIR:
        return copy_subdir(c, from, to, name, &st, depth);
    case S_IFSOCK:
        return 0;
    case S_IFLNK:
        r = copy_symlink(c, from, to, name);
        break;
    default:
        r = copy_special(c, to, name, &st);
    }
    return r < 0 ? r : finish(c, to, name, &st);
}

static int copy_dir(struct copying *c, int from, int to, unsigned depth)
{
    int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
    DIR *d = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;
    size_t len = c->path.len;

    if (!d) {
        r = failed(c, errno, "reading");
        attr_closep(&again);
        return r;
    }
    if (depth > DEPTH_MAX)
        r = failed(c, ELOOP, "going down into");
    while (r == 0 && (entry = readdir(d))) {
        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
            continue;
        buf_printf(&c->path, "/%s", entry->d_name);
        r = buf_error(&c->path) ? fail(c->err, ENOMEM, "out of memory")
                                : copy_one(c, from, to, entry->d_name, depth);
        if (c->path.data) {
            c->path.len = len;
            c->path.data[len] = '\0';
        }
    }
    closedir(d);
    return r;
}

int fs_copy_tree(int from, int to, struct berth_error *err)
{
    struct copying c = {.to = to, .path = BUF_INIT, .err = err};
    struct stat st;
    int r;

    if (fstat(from, &st) < 0)
        return fail_errno(err, errno, "looking at a directory to copy");
    c.dev = st.st_dev;
    r = copy_dir(&c, from, to, 0);
    /* At once: to sync each file would take as long as all the rest. */
    if (r == 0 && syncfs(to) < 0)
        r = fail_errno(err, errno, "syncing a copy");
    for (size_t i = 0; i < c.n_links; i++)
        free(c.links[i].path);
    free(c.links);
    buf_free(&c.path);
    return r;
}

void fs_empty(int dir)
{
    int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;

    if (!d) {
        attr_closep(&again);
        return;
    }
    while ((entry = readdir(d)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            fs_remove_at(dir, entry->d_name);
    closedir(d);
}
