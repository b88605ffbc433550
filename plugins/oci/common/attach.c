/* SPDX-License-Identifier: Apache-2.0 */
/* attach.c - conmon's socket and control fifo. */
#include "attach.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "files.h"

/* Paths are longer than a socket address has room for: go through a descriptor. */
static int fill_address(const char *path, int fd, struct sockaddr_un *out)
{
    memset(out, 0, sizeof(*out));
    out->sun_family = AF_UNIX;
    if (strlen(path) < sizeof(out->sun_path))
        memcpy(out->sun_path, path, strlen(path) + 1);
    else
        snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d", fd);
    return 0;
}

int rt_connect(const char *path)
{
    /* conmon accepts at once unless it hangs. */
    const struct timeval limit = {.tv_sec = 10}, none = {0};
    RT_FD int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct sockaddr_un address;
    struct stat st;
    int fd;

    if (file < 0 || fstat(file, &st) < 0)
        return -errno;
    if (!S_ISSOCK(st.st_mode))
        return -ECONNREFUSED;
    fill_address(path, file, &address);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int e = errno;

        close(fd);
        return -e;
    }
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
    return fd;
}

int rt_attach(struct berth_oci *r, const struct berth_container *c, const char *session,
              int *out_fd, struct berth_error *err)
{
    RT_FREE char *path = NULL;
    int fd;

    if (session && !rt_session_ok(session))
        return berth_fail(r->h, err, EINVAL, "no session can be called \"%s\"", session);
    path = rt_socket_path(c, session);
    if (!path)
        return rt_no_memory(r, err);
    fd = rt_connect(path);
    if (fd == -ENOENT || fd == -ECONNREFUSED)
        return berth_fail(r->h, err, ESRCH, "nobody listens at %s", path);
    if (fd == -EAGAIN)
        return berth_fail(r->h, err, ETIMEDOUT, "conmon does not accept at %s", path);
    if (fd < 0)
        return berth_fail(r->h, err, -fd, "cannot connect to %s: %s", path, strerror(-fd));
    *out_fd = fd;
    return 0;
}

/* conmon reads all that is in a fifo at once and heeds the first line only, so each
 * line has to be gone before the next comes.  conmon is quick: a tenth of a second
 * without progress means that it will not come back to it soon. */
static void wait_until_read(int fd)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int waiting;

    for (int i = 0; i < 100 && ioctl(fd, FIONREAD, &waiting) == 0 && waiting > 0; i++)
        nanosleep(&pause, NULL);
}

/* The same for both of its fifos: what it reads from one it writes to the other, a
 * moment later, with the same defect. */
static void wait_until_heeded(int fd, int inner)
{
    const struct timespec moment = {.tv_nsec = 1000000};

    wait_until_read(fd);
    if (inner >= 0) {
        nanosleep(&moment, NULL);
        wait_until_read(inner);
    }
}

int rt_resize(struct berth_oci *r, const struct berth_container *c, const char *session,
              struct berth_tty_size to, struct berth_error *err)
{
    RT_FREE char *path = NULL;
    RT_FREE char *inner_path = NULL;
    RT_FD int fd = -1;
    RT_FD int inner = -1;
    RT_FD int reader = -1;
    char line[40];
    int len;

    if (session && !rt_session_ok(session))
        return berth_fail(r->h, err, EINVAL, "no session can be called \"%s\"", session);
    path = rt_fifo_path(c, session);
    inner_path =
        rt_format("%s%s%s/winsz", c->bundle, session ? "/" : "", session ? session : "");
    if (!path || !inner_path)
        return rt_no_memory(r, err);
    fd = rt_open_fifo(path);
    if (fd == -ESRCH || fd == -ENOENT)
        return berth_fail(r->h, err, ESRCH, "conmon does not read %s", path);
    if (fd < 0)
        return berth_fail(r->h, err, -fd, "cannot open %s: %s", path, strerror(-fd));
    inner = rt_open_fifo(inner_path);
    /* With a reader of our own, conmon's end now is no SIGPIPE for this process. */
    reader = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    wait_until_read(fd);
    len = snprintf(line, sizeof(line), "1 %u %u\n", to.rows, to.cols);
    if (write(fd, line, (size_t)len) != len)
        return berth_fail(r->h, err, errno, "cannot write to %s: %m", path);
    wait_until_heeded(fd, inner);
    return 0;
}
