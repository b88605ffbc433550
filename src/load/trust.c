/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.c - see trust.h.
 *
 * The path without links is walked from the root down, and each directory is looked at by its
 * name.  That is enough, and cheaper than a descriptor for each: nobody but root and us can
 * change what is in a directory that belongs to one of us and that others cannot write to, so
 * what a name in it means stays the same while we walk on.  Links as such are fine: systems of
 * alternatives use them.
 */
#include "load/trust.h"
#include "base/fs.h"
#include "base/str.h"
#include <fcntl.h>

/* In a user namespace the files of the real root show the overflow ID: it does for root
 * there, but not where all IDs are mapped and the account "nobody" is meant. */
static bool overflow_is_root(uid_t uid)
{
    _cleanup_buf_ struct berth_buf map = BUF_INIT, overflow = BUF_INIT;
    uint64_t n;

    if (fs_read("/proc/self/uid_map", 65536, &map, NULL) < 0 ||
        strstr(buf_str(&map), "4294967295") ||
        fs_read("/proc/sys/kernel/overflowuid", 32, &overflow, NULL) < 0)
        return false;
    if (overflow.len && overflow.data[overflow.len - 1] == '\n')
        overflow.data[--overflow.len] = '\0';
    return str_to_u64(buf_str(&overflow), &n) == 0 && n == uid;
}

static int check_owner(const struct stat *st, const char *what, const char *path,
                       struct berth_error *err)
{
    if (st->st_uid == 0 || st->st_uid == geteuid() || overflow_is_root(st->st_uid))
        return 0;
    return fail(err, EPERM, "the %s %s belongs to user %u: not trusted", what, path,
                (unsigned)st->st_uid);
}

/* `last`: the directory has the file itself.  Further up a sticky directory like /tmp will
 * do, since there nobody can move what belongs to root or to us.  1: there is a link in the
 * way. */
static int check_directory(const char *path, bool last, struct berth_error *err)
{
    struct stat st;
    int r;

    if (lstat(path, &st) < 0)
        return fail_errno(err, errno, "cannot be opened");
    if (S_ISLNK(st.st_mode))
        return 1;
    if (!S_ISDIR(st.st_mode))
        return fail_errno(err, ENOTDIR, "cannot be opened");
    r = check_owner(&st, "directory", path, err);
    if (r < 0)
        return r;
    if ((st.st_mode & 022) && (last || !(st.st_mode & S_ISVTX)))
        return fail(err, EPERM, "others may write in the directory %s (mode %04o): not trusted",
                    path, (unsigned)st.st_mode & 07777);
    return 0;
}

/* All directories of an absolute path. */
static int walk(char *path, struct berth_error *err)
{
    char *slash = path + 1, *last = strrchr(path, '/');
    int r = check_directory("/", last == path, err);

    if (last == path || r != 0)
        return r;
    *last = '\0';
    while (r == 0 && (slash = strchr(slash, '/'))) {
        *slash = '\0';
        r = check_directory(path, false, err);
        *slash++ = '/';
    }
    if (r == 0)
        r = check_directory(path, true, err);
    *last = '/';
    return r;
}

/* 1: it is a link. */
static int open_file(const char *path, int *out, struct berth_error *err)
{
    _cleanup_close_ int fd = -1;
    struct stat st, opened;
    int r;

    if (lstat(path, &st) < 0)
        return fail_errno(err, errno, "cannot be opened");
    if (S_ISLNK(st.st_mode))
        return 1;
    if (!S_ISREG(st.st_mode))
        return fail(err, ENOEXEC, "is no regular file");
    r = check_owner(&st, "file", path, err);
    if (r < 0)
        return r;
    if (st.st_mode & 022)
        return fail(err, EPERM, "others may write to the file (mode %04o): not trusted",
                    (unsigned)st.st_mode & 07777);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &opened) < 0)
        return fail_errno(err, errno, "cannot be opened");
    if (opened.st_dev != st.st_dev || opened.st_ino != st.st_ino)
        return fail(err, EPERM, "changed while it was looked at");
    *out = TAKE_FD(fd);
    return 0;
}

/* 1: the path is not yet one without links. */
static int open_direct(char *path, int *fd, struct berth_error *err)
{
    int r;

    if (*path != '/' || strstr(path, "//") || strstr(path, "/./") || strstr(path, "/../"))
        return 1;
    r = walk(path, err);
    return r == 0 ? open_file(path, fd, err) : r;
}

int trust_open(const char *path, char **resolved, int *fd, struct berth_error *err)
{
    _cleanup_free_ char *real = strdup(path);
    int r;

    if (!real)
        return fail(err, ENOMEM, "out of memory");
    r = open_direct(real, fd, err);
    if (r == 1) {
        free(real);
        real = realpath(path, NULL);
        if (!real)
            return fail_errno(err, errno, "cannot be opened");
        r = open_direct(real, fd, err);
    }
    if (r == 1)
        return fail(err, EPERM, "changed while it was looked at");
    if (r == 0)
        *resolved = TAKE(real);
    return r;
}
