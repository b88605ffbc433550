/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.c - see trust.h.
 *
 * Links are followed first, and then the path without links is walked descriptor by
 * descriptor: what was looked at is what gets opened.  Links as such are fine: systems of
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
 * do, since there nobody can move what belongs to root or to us. */
static int check_directory(int fd, const char *path, bool last, struct berth_error *err)
{
    struct stat st;
    int r;

    if (fstat(fd, &st) < 0)
        return fail_errno(err, errno, "looking at %s", path);
    r = check_owner(&st, "directory", path, err);
    if (r < 0)
        return r;
    if ((st.st_mode & 022) && (last || !(st.st_mode & S_ISVTX)))
        return fail(err, EPERM, "others may write in the directory %s (mode %04o): not trusted",
                    path, (unsigned)st.st_mode & 07777);
    return 0;
}

static int open_file(int dir, const char *name, const char *path, struct berth_error *err)
{
    _cleanup_close_ int look = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd = -1;
    struct stat st, opened;
    int r;

    if (look < 0 || fstat(look, &st) < 0)
        return fail_errno(err, errno, "cannot be opened");
    if (!S_ISREG(st.st_mode))
        return fail(err, ENOEXEC, "is no regular file");
    r = check_owner(&st, "file", path, err);
    if (r < 0)
        return r;
    if (st.st_mode & 022)
        return fail(err, EPERM, "others may write to the file (mode %04o): not trusted",
                    (unsigned)st.st_mode & 07777);
    fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &opened) < 0)
        return fail_errno(err, errno, "cannot be opened");
    if (opened.st_dev != st.st_dev || opened.st_ino != st.st_ino)
        return fail(err, EPERM, "changed while it was looked at");
    return TAKE_FD(fd);
}

int trust_open(const char *path, char **resolved, int *fd, struct berth_error *err)
{
    _cleanup_free_ char *real = realpath(path, NULL);
    _cleanup_close_ int dir = -1;
    char *part, *slash;
    int r;

    if (!real)
        return fail_errno(err, errno, "cannot be opened");
    dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return fail_errno(err, errno, "opening /");
    r = check_directory(dir, "/", !strchr(real + 1, '/'), err);
    for (part = real + 1; r == 0 && (slash = strchr(part, '/')); part = slash + 1) {
        int next;

        *slash = '\0'; /* real now names the directory as far as it is walked */
        next = openat(dir, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
            return fail_errno(err, errno, "opening %s", real);
        close(dir);
        dir = next;
        r = check_directory(dir, real, !strchr(slash + 1, '/'), err);
        *slash = '/';
    }
    if (r == 0)
        r = open_file(dir, part, real, err);
    if (r < 0)
        return r;
    *fd = r;
    *resolved = TAKE(real);
    return 0;
}
