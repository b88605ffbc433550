/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_fd.c - descriptors of processes; see proc.h.
 *
 * Kernels before 5.3 have no pidfd_open(2).  The directory in /proc stands for the process
 * there: its files are gone once the process is, whoever gets the number then.  Only poll(2)
 * takes it for ready always, so proc_poll() looks into it now and then.
 */
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

#define LOOK_MS 5 /* between two looks */

int proc_pidfd(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    char path[32];

    if (fd >= 0 || errno != ENOSYS)
        return fd < 0 ? -errno : fd;
    if (pid <= 0)
        return -EINVAL;
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Processes of others may be hidden there. */
    if (fd < 0 && errno == ENOENT && (kill(pid, 0) == 0 || errno != ESRCH))
        errno = EACCES;
    return fd < 0 ? -errno : fd;
}

static bool is_directory(int fd)
{
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The number of the process, or 0: it has ended.  The first thread may end before the others:
 * the process goes on. */
static pid_t running(int dir)
{
    _cleanup_close_ int fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
    char text[1024], *at, state;
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    long threads;

    if (n <= 0)
        return 0;
    text[n] = '\0';
    /* PID (NAME) STATE, and 16 numbers before that of threads. */
    at = strrchr(text, ')');
    if (!at || sscanf(at + 1,
                      " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld",
                      &state, &threads) != 2)
        return 0;
    if ((state == 'Z' || state == 'X') && threads <= 1)
        return 0;
    return (pid_t)strtol(text, NULL, 10);
}

/* Look at the processes: how many have ended. */
static int look(struct pollfd *fds, const struct pollfd *others, size_t n)
{
    int ended = 0;

    for (size_t i = 0; i < n; i++) {
        fds[i].revents = others[i].fd != fds[i].fd && !running(fds[i].fd) ? POLLIN : 0;
        ended += fds[i].revents != 0;
    }
    return ended;
}

int proc_poll(struct pollfd *fds, size_t n, int ms)
{
    int64_t end = (int64_t)time_monotonic() + (int64_t)ms * 1000000;
    _cleanup_free_ struct pollfd *others = calloc(n, sizeof(*others));
    size_t directories = 0;

    if (!others)
        return -1;
    for (size_t i = 0; i < n; i++) {
        others[i] = fds[i];
        if (is_directory(fds[i].fd)) {
            others[i].fd = -1;
            directories++;
        }
    }
    if (!directories)
        return poll(fds, n, ms);
    for (;;) {
        int64_t left = ms < 0 ? LOOK_MS : (end - (int64_t)time_monotonic() + 999999) / 1000000;
        int ended = look(fds, others, n), ready;

        ready = poll(others, n, ended ? 0 : (int)MAX(MIN(left, LOOK_MS), 0));
        if (ready < 0)
            return ready;
        for (size_t i = 0; i < n; i++)
            if (others[i].fd == fds[i].fd)
                fds[i].revents = others[i].revents;
        if (ready || ended || (ms >= 0 && left <= 0))
            return ready + ended;
    }
}

int proc_signal(int fd, int number)
{
    pid_t pid;

    if (syscall(SYS_pidfd_send_signal, fd, number, NULL, 0) == 0)
        return 0;
    if (errno != ENOSYS)
        return -errno;
    pid = running(fd);
    if (!pid)
        return -ESRCH;
    return kill(pid, number) < 0 ? -errno : 0;
}

void proc_close_from(int first, bool at_exec)
{
    struct dirent *entry;
    DIR *d;

    if (close_range((unsigned)first, ~0U, at_exec ? CLOSE_RANGE_CLOEXEC : 0) == 0)
        return;
    d = opendir("/proc/self/fd");
    while (d && (entry = readdir(d))) {
        int fd = atoi(entry->d_name);

        if (fd < first || fd == dirfd(d))
            continue;
        if (at_exec)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
        else
            close(fd);
    }
    if (d)
        closedir(d);
}
