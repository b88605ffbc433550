/* SPDX-License-Identifier: Apache-2.0 */
/* launch.c - one start of conmon, see launch.h. */
#include "launch.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "args.h"
#include "cgroup.h"
#include "message.h"
#include "monitor.h"
#include "plugins/common/pidfd/pidfd.h"
#include "spawn.h"

#define LOOK_TIME (3 * RT_SECOND) /* without an answer, until we look after it */

/* Our end into *ours, the child's into *theirs. */
static int make_pair(int *ours, int *theirs)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    *ours = fds[0];
    *theirs = fds[1];
    return 0;
}

/* The descriptors of conmon, from 3 on: preserved ones, its ends of the pipes, and
 * those that it only holds open.  Fresh memory or NULL. */
static int *child_fds(const struct rt_launch *l, const int theirs[3], size_t *out_n)
{
    size_t pipes = l->exec ? 3 : 2;
    int *fds = calloc(l->n_fds + pipes + l->n_keep_fds, sizeof(*fds));
    size_t n = 0;

    if (!fds)
        return NULL;
    for (size_t i = 0; i < l->n_fds; i++)
        fds[n++] = l->fds[i];
    for (size_t i = 0; i < pipes; i++)
        fds[n++] = theirs[i];
    for (size_t i = 0; i < l->n_keep_fds; i++)
        fds[n++] = l->keep_fds[i];
    *out_n = n;
    return fds;
}

static int spawn_conmon(struct berth_oci *r, struct rt_launch *l, const int theirs[3])
{
    RT_STRV struct rt_strv env = {0};
    RT_FREE int *fds = NULL;
    struct rt_spawn what = {
        .path = r->conmon,
        .argv = l->argv,
        .cwd = l->cwd,
        .in = l->passthrough ? STDIN_FILENO : -1,
        .out = l->passthrough ? STDOUT_FILENO : l->text,
        .err = l->passthrough || rt_verbose(r) ? STDERR_FILENO : l->text,
    };
    int rc;

    rt_env_conmon(r, l->n_fds, l->exec, &env);
    fds = child_fds(l, theirs, &what.n_fds);
    if (!fds || !rt_strv_ok(&env))
        return -ENOMEM;
    what.fds = fds;
    what.env = env.v;
    rc = rt_spawn(&what, &l->pid);
    if (rc < 0) {
        l->pid = 0;
        return rc;
    }
    /* We have not reaped it, so the pid is its own. */
    l->pidfd = pidfd_get(l->pid);
    return l->pidfd < 0 ? -errno : 0;
}

int rt_launch_begin(struct berth_oci *r, struct rt_launch *l, struct berth_error *err)
{
    int theirs[3] = {-1, -1, -1};
    int rc;

    if (!r->conmon)
        return berth_fail(r->h, err, ENOEXEC, "no conmon found");
    l->deadline = rt_now() + r->create_time;
    rc = make_pair(&l->sync, &theirs[0]);
    if (rc == 0)
        rc = make_pair(&l->start, &theirs[1]);
    if (rc == 0 && l->exec)
        rc = make_pair(&l->attach, &theirs[2]);
    if (rc == 0 && !l->passthrough) {
        /* A file in memory: unlike with a pipe, nobody need read along. */
        l->text = memfd_create("conmon", MFD_CLOEXEC);
        if (l->text < 0)
            rc = -errno;
    }
    if (rc == 0)
        rc = spawn_conmon(r, l, theirs);
    for (int i = 0; i < 3; i++) {
        if (theirs[i] >= 0)
            close(theirs[i]);
    }
    if (rc < 0)
        return berth_fail(r->h, err, rc == -ENOMEM ? ENOMEM : ENOEXEC, "cannot run %s: %s",
                          r->conmon, strerror(-rc));
    rt_cgroup_join(r, l->container, l->exec, l->pid);
    return 0;
}

/* One byte on the start pipe; a conmon that is gone shows in what we wait for next. */
static int send_start(struct berth_oci *r, struct rt_launch *l, struct berth_error *err)
{
    const char zero = 0;

    while (send(l->start, &zero, 1, MSG_NOSIGNAL) < 0) {
        if (errno == EPIPE || errno == ECONNRESET)
            return 0;
        if (errno != EINTR)
            return berth_fail(r->h, err, errno, "cannot write to conmon: %m");
    }
    return 0;
}

/* What conmon said about itself, in one line; fresh memory or NULL. */
static char *conmon_text(const struct rt_launch *l)
{
    char text[2048];
    ssize_t n = l->text < 0 ? -1 : pread(l->text, text, sizeof(text) - 1, 0);

    while (n > 0 && strchr(" \t\r\n", text[n - 1]))
        n--;
    if (n <= 0)
        return NULL;
    text[n] = '\0';
    for (char *p = text; *p; p++) {
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    }
    return strdup(text);
}

/* Wait until conmon's first process has ended. */
static int reap_first(struct berth_oci *r, struct rt_launch *l, struct berth_error *err)
{
    RT_FREE char *text = NULL;
    int status;

    for (;;) {
        struct pollfd p = {.fd = l->pidfd, .events = POLLIN};
        int n = pidfd_poll(&p, 1, rt_poll_time(l->deadline));

        if (n > 0)
            break;
        if (n == 0)
            return berth_fail(r->h, err, ETIMEDOUT, "conmon did not start in time");
        if (errno != EINTR)
            return berth_fail(r->h, err, errno, "cannot wait for conmon: %m");
    }
    while (waitpid(l->pid, &status, 0) < 0) {
        if (errno == EINTR)
            continue;
        l->pid = 0;
        return berth_fail(r->h, err, errno, "cannot wait for conmon: %m");
    }
    l->pid = 0;
    if (status == 0) {
        l->told = true;
        return 0;
    }
    /* Killed when it had done its part: the monitor goes on without it. */
    if (WIFSIGNALED(status) && (l->monitor = rt_find_monitor(l->argv)) > 0) {
        l->told = true;
        return 0;
    }
    text = conmon_text(l);
    if (WIFSIGNALED(status))
        return berth_fail(r->h, err, EPROTO, "conmon was killed by signal %d%s%s",
                          WTERMSIG(status), text ? ": " : "", text ? text : "");
    return berth_fail(r->h, err, EPROTO, "conmon failed with exit status %d%s%s",
                      WEXITSTATUS(status), text ? ": " : "", text ? text : "");
}

int rt_launch_go(struct berth_oci *r, struct rt_launch *l, struct berth_error *err)
{
    int rc = send_start(r, l, err);

    return rc < 0 ? rc : reap_first(r, l, err);
}

int rt_launch_ready(struct berth_oci *r, struct rt_launch *l, struct berth_error *err)
{
    struct rt_line line;
    int rc = rt_read_line(l->attach, l->deadline, &line);

    if (rc == -ETIMEDOUT)
        return berth_fail(r->h, err, ETIMEDOUT, "conmon did not open its socket in time");
    if (rc < 0)
        return berth_fail(r->h, err, -rc, "cannot read from conmon: %s", strerror(-rc));
    free(line.message);
    if (!line.valid || line.data != 0)
        return berth_fail(r->h, err, EPROTO, "conmon ended before it opened its socket");
    return 0;
}

int rt_launch_resume(struct berth_oci *r, struct rt_launch *l, struct berth_error *err)
{
    return send_start(r, l, err);
}

/* The answer; while there is none, see that somebody is at work on it.  A runtime that is
 * killed leaves a process that has conmon's streams, and conmon waits for the end of those
 * before it says that the runtime failed: as long as that process lives. */
static int await_pid(struct rt_launch *l, struct rt_line *line)
{
    bool alone = false;

    for (;;) {
        berth_deadline next = rt_now() + LOOK_TIME;
        int rc = rt_read_line(l->sync, next < l->deadline ? next : l->deadline, line);

        if (rc != -ETIMEDOUT || rt_now() >= l->deadline)
            return rc;
        l->monitor = rt_find_monitor(l->argv);
        if (l->monitor <= 0 || rt_has_runtime(l->monitor))
            alone = false;
        else if (alone)
            return -EOWNERDEAD;
        else
            alone = true;
    }
}

static bool is_there(struct berth_oci *r, const char *message)
{
    const char *line, *more;
    size_t len;

    return rt_classify(r->kind, message, &line, &len, &more) == EEXIST;
}

int rt_launch_pid(struct berth_oci *r, struct rt_launch *l, int32_t *out_pid,
                  struct berth_error *err)
{
    RT_FREE char *message = NULL;
    struct rt_line line;
    int rc = await_pid(l, &line);

    message = line.message;
    if (rc == -EOWNERDEAD)
        return berth_fail(r->h, err, ETIMEDOUT, "%s was killed at its work", r->name);
    if (rc == -ETIMEDOUT)
        return berth_fail(r->h, err, ETIMEDOUT, "container creation timeout: %s did not end",
                          r->name);
    if (rc < 0)
        return berth_fail(r->h, err, -rc, "cannot read from conmon: %s", strerror(-rc));
    if (line.valid && line.data > 0 && line.data <= INT_MAX) {
        *out_pid = (int32_t)line.data;
        return 0;
    }
    if (line.valid && line.data >= 0)
        return berth_fail(r->h, err, EPROTO, "conmon reported the pid %lld",
                          (long long)line.data);
    if (r->caps & BERTH_OCI_CAP_JSON_ERRORS) {
        char *logged = rt_log_message(l->oci_log);

        if (logged) {
            free(message);
            message = logged;
        }
    } else if (message) {
        char *own = r->kind->message(message);

        if (own) {
            free(message);
            message = own;
        }
    }
    if (message && l->may_exist && is_there(r, message))
        return -EEXIST;
    if (message)
        return rt_fail_text(r, err, message);
    return berth_fail(r->h, err, EPROTO, "%s",
                      line.valid ? "container create failed"
                                 : "container create failed (no logs from conmon)");
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void rt_launch_end(struct rt_launch *l)
{
    if (l->pid > 0) {
        kill(l->pid, SIGKILL);
        while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
            ;
        l->pid = 0;
    }
    close_fd(&l->pidfd);
    close_fd(&l->sync);
    close_fd(&l->start);
    close_fd(&l->attach);
    close_fd(&l->text);
}
