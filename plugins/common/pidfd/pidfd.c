/* SPDX-License-Identifier: Apache-2.0 */
/* pidfd.c - see pidfd.h. */
#include "pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 5 /* between two looks into /proc */

int pidfd_get(pid_t pid)
{
    char path[32];
    int fd;

    /* 0 and below would mean whole process groups to kill(). */
    if (pid <= 0) {
        errno = EINVAL;
        return -1;
    }
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0 || errno != ENOSYS)
        return fd;
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Processes of others may be hidden there. */
    if (fd < 0 && errno == ENOENT && (kill(pid, 0) == 0 || errno != ESRCH))
        errno = EACCES;
    return fd;
}

static bool is_directory(int fd)
{
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The number of the process, or 0: it has ended.  Its first thread may end before others, and
 * the process goes on then. */
static pid_t running(int dir)
{
    int fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
    char text[1024], *at, state;
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    long threads;

    if (fd >= 0)
        close(fd);
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

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int pidfd_poll(struct pollfd *fds, size_t n, int ms)
{
    int64_t end = now_ms() + ms;
    struct pollfd others[4];
    size_t directories = 0;

    for (size_t i = 0; i < n && n <= sizeof(others) / sizeof(*others); i++) {
        others[i] = fds[i];
        if (is_directory(fds[i].fd)) {
            others[i].fd = -1;
            directories++;
        }
    }
    if (!directories)
        return poll(fds, n, ms);
    for (;;) {
        int64_t left = ms < 0 ? LOOK_MS : end - now_ms();
        int ended = look(fds, others, n), ready;

        ready = poll(others, n, ended || left < 0 ? 0 : (int)(left < LOOK_MS ? left : LOOK_MS));
        if (ready < 0)
            return ready;
        for (size_t i = 0; i < n; i++) {
            if (others[i].fd == fds[i].fd)
                fds[i].revents = others[i].revents;
        }
        if (ready || ended || (ms >= 0 && left <= 0))
            return ready + ended;
    }
}

int pidfd_signal(int fd, int number)
{
    pid_t pid;

    if (syscall(SYS_pidfd_send_signal, fd, number, NULL, 0) == 0)
        return 0;
    if (errno != ENOSYS)
        return -1;
    pid = running(fd);
    if (!pid) {
        errno = ESRCH;
        return -1;
    }
    return kill(pid, number);
}
