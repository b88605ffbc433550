/* SPDX-License-Identifier: Apache-2.0 */
/* files.c - the files of conmon: exit codes, fifos, sockets, and where they are. */
#include "files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

bool rt_session_ok(const char *session)
{
    return *session && *session != '.' && !strchr(session, '/');
}

char *rt_session_dir(const struct berth_container *c, const char *session)
{
    return session ? rt_format("%s/%s", c->bundle, session) : strdup(c->bundle);
}

static char *below(const struct berth_container *c, const char *session, const char *name)
{
    return rt_format("%s%s%s/%s", c->bundle, session ? "/" : "", session ? session : "", name);
}

char *rt_socket_path(const struct berth_container *c, const char *session)
{
    return below(c, session, "attach");
}

char *rt_fifo_path(const struct berth_container *c, const char *session)
{
    return below(c, session, "ctl");
}

char *rt_exit_path(const struct berth_container *c, const char *session)
{
    /* Sessions have a directory each, but the file has the container's name. */
    if (session)
        return rt_format("%s/%s/exit/%s", c->bundle, session, c->id);
    return rt_format("%s/%s", c->exit_dir, c->id);
}

int rt_read_exit(const char *path, int32_t *out_code, berth_date *out_finished)
{
    struct stat st;
    int64_t code;
    int rc = rt_read_number(path, -1, 255, &code);

    if (rc == -ENOENT || rc == -ENOTDIR)
        return 0;
    *out_finished = 0;
    if ((rc == 0 || rc == -EPROTO) && lstat(path, &st) == 0)
        *out_finished = (berth_date)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    if (rc < 0)
        return rc;
    *out_code = (int32_t)code;
    return 1;
}

void rt_remove_files(const struct berth_container *c)
{
    static const char *const names[] = {"attach", "ctl", "winsz", "oom"};
    RT_FREE char *exit_file = rt_exit_path(c, NULL);
    RT_FD int dir = open(c->bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; dir >= 0 && i < sizeof(names) / sizeof(*names); i++)
        unlinkat(dir, names[i], 0);
    if (exit_file)
        unlink(exit_file);
}

void rt_remove_pids(const struct berth_container *c)
{
    unlink(c->pid_file);
    unlink(c->monitor_pid_file);
}

int rt_open_fifo(const char *path)
{
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return errno == ENXIO ? -ESRCH : -errno;
    if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)) {
        close(fd);
        return -EPROTO;
    }
    return fd;
}
