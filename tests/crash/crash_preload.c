/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_preload.c - an LD_PRELOAD library that ends a process, or fails a call, at the n-th
 * call that changes files.
 *
 *      CRASH_AT   n, counted from 1 over all calls below; absent: only count
 *      CRASH_HOW  "kill" (before the call), "after" (SIGKILL after it), "half" (a write does
 *                 half, then SIGKILL), "enospc", "eio" (the call fails)
 *      CRASH_LOG  file that takes the number of calls when the process ends by itself
 *
 * Only calls on descriptors of files below CRASH_DIR count.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum how {
    KILL,
    AFTER,
    HALF,
    FAIL_ENOSPC,
    FAIL_EIO,
};

static long calls, crash_at;
static enum how how;
static char dir[4096];
static size_t dir_len;

#define EXPORT           __attribute__((__visibility__("default")))
#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))

__attribute__((__constructor__)) static void begin(void)
{
    static const char *const words[] = {"kill", "after", "half", "enospc", "eio"};
    const char *at = getenv("CRASH_AT"), *what = getenv("CRASH_HOW"), *d = getenv("CRASH_DIR");

    crash_at = at ? atol(at) : 0;
    for (int i = 0; what && i < 5; i++)
        if (strcmp(what, words[i]) == 0)
            how = (enum how)i;
    snprintf(dir, sizeof(dir), "%s", d ? d : "/nowhere");
    dir_len = strlen(dir);
}

__attribute__((__destructor__)) static void end(void)
{
    const char *log = getenv("CRASH_LOG");
    FILE *f = log ? fopen(log, "we") : NULL;

    if (f) {
        fprintf(f, "%ld\n", calls);
        fclose(f);
    }
}

static int below(const char *path)
{
    return strncmp(path, dir, dir_len) == 0;
}

static int counts(int fd)
{
    char link[64], path[4096];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);
    if (n < 0)
        return 0;
    path[n] = '\0';
    return below(path);
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* Is this the call?  Dies, or sets errno and gives -1, or gives 1 where something is to
 * happen after it, or 0. */
static int arrives(void)
{
    if (++calls != crash_at)
        return 0;
    if (how == KILL)
        die();
    if (how == AFTER || how == HALF)
        return 1;
    errno = how == FAIL_ENOSPC ? ENOSPC : EIO;
    return -1;
}

/* The body of a wrapper: CALL is the real one, HALFWAY what "half" does before the end. */
#define WRAP(type, relevant, call, halfway)                                                    \
    do {                                                                                       \
        int now_ = (relevant) ? arrives() : 0;                                                 \
        type r_;                                                                               \
        if (now_ < 0)                                                                          \
            return -1;                                                                         \
        if (now_ > 0 && how == HALF) {                                                         \
            halfway;                                                                           \
            die();                                                                             \
        }                                                                                      \
        r_ = (call);                                                                           \
        if (now_ > 0)                                                                          \
            die();                                                                             \
        return r_;                                                                             \
    } while (0)

typedef ssize_t write_fn(int, const void *, size_t);
typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);
typedef ssize_t writev_fn(int, const struct iovec *, int);
typedef ssize_t pwritev_fn(int, const struct iovec *, int, off_t);
typedef int fd_fn(int);
typedef int truncate_fn(int, off_t);
typedef int rename_fn(const char *, const char *);
typedef int unlink_fn(const char *);
typedef int msync_fn(void *, size_t, int);

EXPORT ssize_t write(int fd, const void *data, size_t len)
{
    write_fn *real = REAL("write", write_fn *);

    WRAP(ssize_t, counts(fd), real(fd, data, len), real(fd, data, len / 2));
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    pwrite_fn *real = REAL("pwrite", pwrite_fn *);

    WRAP(ssize_t, counts(fd), real(fd, data, len, at), real(fd, data, len / 2, at));
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t len, off_t at)
{
    return pwrite(fd, data, len, at);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
    writev_fn *real = REAL("writev", writev_fn *);

    WRAP(ssize_t, counts(fd), real(fd, iov, n), real(fd, iov, n / 2));
}

EXPORT ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
    pwritev_fn *real = REAL("pwritev", pwritev_fn *);

    WRAP(ssize_t, counts(fd), real(fd, iov, n, at), real(fd, iov, n / 2, at));
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *iov, int n, off_t at)
{
    return pwritev(fd, iov, n, at);
}

EXPORT int fsync(int fd)
{
    fd_fn *real = REAL("fsync", fd_fn *);

    WRAP(int, counts(fd), real(fd), (void)0);
}

EXPORT int fdatasync(int fd)
{
    fd_fn *real = REAL("fdatasync", fd_fn *);

    WRAP(int, counts(fd), real(fd), (void)0);
}

EXPORT int ftruncate(int fd, off_t len)
{
    truncate_fn *real = REAL("ftruncate", truncate_fn *);

    WRAP(int, counts(fd), real(fd, len), (void)0);
}

EXPORT int ftruncate64(int fd, off_t len)
{
    return ftruncate(fd, len);
}

EXPORT int rename(const char *from, const char *to)
{
    rename_fn *real = REAL("rename", rename_fn *);

    WRAP(int, below(to), real(from, to), (void)0);
}

EXPORT int unlink(const char *path)
{
    unlink_fn *real = REAL("unlink", unlink_fn *);

    WRAP(int, below(path), real(path), (void)0);
}

/* A mapping is not traced back to its file: every one counts. */
EXPORT int msync(void *p, size_t len, int flags)
{
    msync_fn *real = REAL("msync", msync_fn *);

    WRAP(int, 1, real(p, len, flags), (void)0);
}
