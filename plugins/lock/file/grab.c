/* SPDX-License-Identifier: Apache-2.0 */
/* grab.c - locking files with a deadline. */
#include "lock_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* fcntl(2) waits for ever or not at all.  So ask again and again, at first soon: most
 * holders are done in less than a millisecond. */
#define FIRST_PAUSE_NS 50000u
#define LAST_PAUSE_NS  10000000u

static berth_deadline now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (berth_deadline)ts.tv_sec * 1000000000u + (berth_deadline)ts.tv_nsec;
}

/* Sleep *PAUSE, no longer than to the deadline, and double it. */
static int pause_for(const struct berth_host *h, berth_deadline deadline, uint64_t *pause)
{
    struct timespec ts = {0, 0};
    berth_deadline t;

    if (deadline == BERTH_NO_WAIT)
        return -EBUSY;
    if (h->cancelled(h->core))
        return -ECANCELED;
    t = now();
    if (t >= deadline)
        return -ETIMEDOUT;
    ts.tv_nsec = (long)(deadline - t < *pause ? deadline - t : *pause);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
    *pause = *pause * 2 < LAST_PAUSE_NS ? *pause * 2 : LAST_PAUSE_NS;
    return 0;
}

/* Is FD's file still the one of that name?  The other one counts, so start again if not. */
static int still_named(const struct grab *what, int fd)
{
    struct stat have, named;

    return fstat(fd, &have) == 0 &&
           fstatat(what->dir, what->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           have.st_dev == named.st_dev && have.st_ino == named.st_ino;
}

static int open_file(const struct grab *what)
{
    struct stat st;
    int fd = openat(what->dir, what->name,
                    O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (what->create ? O_CREAT : 0),
                    0644);

    if (fd < 0)
        return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -EUCLEAN : -errno;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    return -EUCLEAN;
}

int lock_grab(const struct berth_host *h, const struct grab *what, berth_deadline deadline)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    uint64_t pause = FIRST_PAUSE_NS;

    if (what->at >= 0) {
        range.l_start = what->at;
        range.l_len = 1;
    }
    for (;;) {
        int r, fd = open_file(what);

        if (fd < 0)
            return fd;
        for (;;) {
            r = fcntl(fd, F_OFD_SETLK, &range) < 0 ? -errno : 0;
            if (r == 0 && still_named(what, fd))
                return fd;
            if (r == 0)
                break;
            if (r == -EAGAIN || r == -EACCES)
                r = pause_for(h, deadline, &pause);
            if (r < 0 && r != -EINTR) {
                close(fd);
                return r;
            }
            /* No use in waiting for a file that has been removed. */
            if (!still_named(what, fd))
                break;
        }
        close(fd);
    }
}

int lock_grabbed(int fd, off_t from, off_t to, off_t *first, off_t *last)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    off_t end;

    range.l_start = from;
    range.l_len = to - from + 1;
    if (fcntl(fd, F_OFD_GETLK, &range) < 0)
        return -errno;
    if (range.l_type == F_UNLCK)
        return 0;
    end = range.l_len == 0 ? to : range.l_start + range.l_len - 1;
    *first = range.l_start > from ? range.l_start : from;
    *last = end < to ? end : to;
    return 1;
}
