/* SPDX-License-Identifier: Apache-2.0 */
/* exec.c - exec sessions: a conmon each. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "args.h"
#include "attach.h"
#include "call.h"
#include "files.h"
#include "launch.h"
#include "process.h"
#include "wait.h"

#define DIE_TIME (5 * RT_SECOND)

/* The session's directory has all of its files, and `exit` for its exit code. */
static int make_dirs(struct berth_oci *r, const char *dir, struct berth_error *err)
{
    RT_FREE char *exit_dir = rt_format("%s/exit", dir);

    if (!exit_dir)
        return rt_no_memory(r, err);
    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return berth_fail(r->h, err, errno, "cannot make %s: %m", dir);
    if (mkdir(exit_dir, 0755) < 0 && errno != EEXIST)
        return berth_fail(r->h, err, errno, "cannot make %s: %m", exit_dir);
    return 0;
}

/* Take away what a failed session has left; the directory goes if it was made here. */
static void remove_session(const struct berth_container *c, const char *dir, const char *spec,
                           bool made)
{
    static const char *const names[] = {"exec_pid", "attach", "ctl", "winsz", "oci-log", "oom"};
    RT_FREE char *exit_dir = rt_format("%s/exit", dir);
    RT_FREE char *exit_file = rt_format("%s/exit/%s", dir, c->id);
    RT_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; fd >= 0 && i < sizeof(names) / sizeof(*names); i++)
        unlinkat(fd, names[i], 0);
    if (spec)
        unlink(spec);
    if (exit_file)
        unlink(exit_file);
    if (exit_dir)
        rmdir(exit_dir);
    if (made)
        rmdir(dir);
}

/* conmon is ready: connect before the command starts, so that nothing is missed. */
static int connect_streams(struct berth_oci *r, const struct berth_container *c,
                           const struct berth_oci_exec *what, int *out_fd,
                           struct berth_error *err)
{
    int rc = rt_attach(r, c, what->session, out_fd, err);

    if (rc == 0 && BERTH_HAS(what, tty.rows) && (what->flags & BERTH_OCI_EXEC_TERMINAL))
        rt_resize(r, c, what->session, what->tty, NULL);
    return rc;
}

/* conmon hangs; only the socket knows who it is. */
static void kill_peer(const struct berth_container *c, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
        rt_kill_monitor(c->id, peer.pid);
}

static int run_session(struct berth_oci *r, const struct berth_container *c,
                       const struct berth_oci_exec *what, struct rt_launch *l, int *fd,
                       bool streams, int32_t *out_pid, struct berth_error *err)
{
    int rc = rt_launch_begin(r, l, err);

    if (rc == 0)
        rc = rt_launch_go(r, l, err);
    if (rc == 0)
        rc = rt_launch_ready(r, l, err);
    if (rc == 0 && streams)
        rc = connect_streams(r, c, what, fd, err);
    if (rc == 0)
        rc = rt_launch_resume(r, l, err);
    if (rc == 0)
        rc = rt_launch_pid(r, l, out_pid, err);
    return rc;
}

int rt_exec(struct berth_oci *r, const struct berth_container *c,
            const struct berth_oci_exec *what, int *out_fd, int32_t *out_pid,
            struct berth_error *err)
{
    RT_STRV struct rt_strv argv = {0};
    RT_FREE char *dir = NULL;
    RT_FREE char *spec = NULL;
    RT_FREE char *oci_log = NULL;
    struct rt_launch l = RT_LAUNCH;
    int32_t pid = 0;
    int fd = -1, rc;

    if (!what->session || !rt_session_ok(what->session))
        return berth_fail(r->h, err, EINVAL, "no session can be called \"%s\"",
                          what->session ? what->session : "");
    dir = rt_session_dir(c, what->session);
    oci_log = rt_format("%s/%s/oci-log", c->bundle, what->session);
    if (!dir || !oci_log)
        return rt_no_memory(r, err);
    if (what->session_dir && strcmp(what->session_dir, dir) != 0)
        return berth_fail(r->h, err, EINVAL, "the files of session %s belong in %s",
                          what->session, dir);
    rc = make_dirs(r, dir, err);
    if (rc == 0)
        rc = rt_write_process(r, c, what, dir, &spec, err);
    if (rc == 0) {
        rt_args_exec(r, c, what, dir, spec, &argv);
        rc = rt_strv_ok(&argv) ? 0 : rt_no_memory(r, err);
    }
    if (rc == 0) {
        l.argv = argv.v;
        l.cwd = dir;
        l.oci_log = oci_log;
        l.exec = true;
        l.fds = what->fds;
        l.n_fds = what->n_fds;
        l.container = c;
        rc = run_session(r, c, what, &l, &fd, out_fd != NULL, &pid, err);
        rt_launch_end(&l);
    }
    if (rc < 0) {
        if (rc == -ETIMEDOUT) {
            kill_peer(c, fd);
            rt_kill_monitor(c->id, l.monitor);
            rt_exec_stop(r, c, what->session, BERTH_NO_WAIT, NULL);
        }
        if (fd >= 0)
            close(fd);
        remove_session(c, dir, spec, !what->session_dir);
        return rc;
    }
    if (out_fd)
        *out_fd = fd;
    if (out_pid)
        *out_pid = pid;
    return 0;
}

/* Send a signal to what the descriptor stands for and wait for its end. */
static int signal_process(struct berth_oci *r, int process, int number, berth_deadline deadline)
{
    if (pidfd_signal(process, number) < 0)
        return errno == ESRCH ? 1 : -errno;
    return rt_wait_process(r, process, deadline);
}

int rt_exec_stop(struct berth_oci *r, const struct berth_container *c, const char *session,
                 berth_deadline deadline, struct berth_error *err)
{
    RT_FREE char *path = NULL;
    RT_FREE char *exit_file = NULL;
    RT_FD int process = -1;
    berth_date finished;
    int64_t pid = 0;
    int32_t code;
    int rc;

    if (!session || !rt_session_ok(session))
        return berth_fail(r->h, err, EINVAL, "no session can be called \"%s\"",
                          session ? session : "");
    path = rt_format("%s/%s/exec_pid", c->bundle, session);
    exit_file = rt_exit_path(c, session);
    if (!path || !exit_file)
        return rt_no_memory(r, err);
    rc = rt_read_number(path, 1, INT_MAX, &pid);
    if (rc == -ENOENT)
        return berth_fail(r->h, err, ESRCH, "session %s has no process", session);
    if (rc < 0)
        return berth_fail(r->h, err, -rc, "cannot read %s: %s", path, strerror(-rc));
    process = pidfd_get((int32_t)pid);
    /* With the exit code there, the number may be another process's: hands off. */
    if (process < 0 || rt_read_exit(exit_file, &code, &finished) == 1)
        return 0;
    rc = 0;
    if (deadline != BERTH_NO_WAIT)
        rc = signal_process(r, process, SIGTERM, deadline);
    if (rc == 0)
        rc = signal_process(r, process, SIGKILL, rt_now() + DIE_TIME);
    if (rc == 0)
        return berth_fail(r->h, err, ETIMEDOUT, "session %s did not die within 5 seconds",
                          session);
    if (rc < 0)
        return berth_fail(r->h, err, -rc, "cannot stop session %s: %s", session, strerror(-rc));
    return 0;
}
