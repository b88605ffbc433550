/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn.c - start conmon.  posix_spawn() shares the caller's memory until the exec, so
 * that the cost does not grow with the engine, and reports a failed exec.
 */
#include "spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

/* Descriptors copied to numbers that no target uses: dup2() onto one target must not
 * destroy the source of another. */
struct moved {
    int *fds;
    size_t n;
};

static void moved_clear(struct moved *m)
{
    for (size_t i = 0; i < m->n; i++)
        close(m->fds[i]);
    free(m->fds);
}

static int move_fds(struct moved *m, const struct rt_spawn *what)
{
    const int streams[3] = {what->in, what->out, what->err};
    int above = (int)what->n_fds + 3;

    m->fds = calloc(what->n_fds + 3, sizeof(*m->fds));
    if (!m->fds)
        return ENOMEM;
    for (size_t i = 0; i < what->n_fds + 3; i++) {
        int fd = i < 3 ? streams[i] : what->fds[i - 3];

        if (fd < 0)
            fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        else
            fd = fcntl(fd, F_DUPFD_CLOEXEC, above);
        if (fd < 0)
            return errno;
        if (fd < above) {
            int higher = fcntl(fd, F_DUPFD_CLOEXEC, above);

            close(fd);
            if (higher < 0)
                return errno;
            fd = higher;
        }
        m->fds[m->n++] = fd;
    }
    return 0;
}

static int add_actions(posix_spawn_file_actions_t *a, const struct moved *m, const char *cwd)
{
    int e = cwd ? posix_spawn_file_actions_addchdir_np(a, cwd) : 0;

    for (size_t i = 0; !e && i < m->n; i++)
        e = posix_spawn_file_actions_adddup2(a, m->fds[i], (int)i);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    /* Whatever conmon inherits reaches the container: a descriptor that somebody in
     * this process forgot to mark close-on-exec must not. */
    if (!e)
        e = posix_spawn_file_actions_addclosefrom_np(a, (int)m->n);
#endif
    return e;
}

static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    int e;

    sigemptyset(&none);
    sigfillset(&all);
    e = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                           POSIX_SPAWN_SETSIGDEF);
    if (!e)
        e = posix_spawnattr_setpgroup(attr, 0);
    if (!e)
        e = posix_spawnattr_setsigmask(attr, &none);
    if (!e)
        e = posix_spawnattr_setsigdefault(attr, &all);
    return e;
}

int rt_spawn(const struct rt_spawn *what, pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    struct moved m = {0};
    int e = posix_spawn_file_actions_init(&actions);

    if (e)
        return -e;
    e = posix_spawnattr_init(&attr);
    if (e) {
        posix_spawn_file_actions_destroy(&actions);
        return -e;
    }
    e = move_fds(&m, what);
    if (!e)
        e = add_actions(&actions, &m, what->cwd);
    if (!e)
        e = set_attributes(&attr);
    if (!e)
        e = posix_spawn(out_pid, what->path, &actions, &attr, what->argv, what->env);
    moved_clear(&m);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return -e;
}
