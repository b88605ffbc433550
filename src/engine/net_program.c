/* SPDX-License-Identifier: Apache-2.0 */
/* net_program.c - see net_program.h. */
#include "engine/net_program.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_SECONDS 60
#define LOG_MAX       (64u << 10)

/* What the program is connected to, and how it is watched. */
struct links {
    int input, output, errors; /* its standard streams: files in memory without a name */
    int ready[2], failed[2];
    int pidfd;
    pid_t pid;
};

static void links_close(struct links *l)
{
    int *all[] = {&l->input,    &l->output,    &l->errors,    &l->ready[0],
                  &l->ready[1], &l->failed[0], &l->failed[1], &l->pidfd};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        attr_closep(all[i]);
}

static int links_make(const struct net_program *p, struct links *l, struct berth_error *err)
{
    int r;

    l->input =
        p->input ? memfd_create("input", MFD_CLOEXEC) : open("/dev/null", O_RDONLY | O_CLOEXEC);
    l->output = memfd_create("output", MFD_CLOEXEC);
    l->errors = memfd_create("errors", MFD_CLOEXEC);
    if (l->input < 0 || l->output < 0 || l->errors < 0 || pipe2(l->ready, O_CLOEXEC) < 0 ||
        pipe2(l->failed, O_CLOEXEC) < 0)
        return fail_errno(err, errno, "making pipes for %s", p->path);
    r = p->input ? fs_write_fd(l->input, p->input, strlen(p->input)) : 0;
    if (r == 0 && p->input && lseek(l->input, 0, SEEK_SET) < 0)
        r = -errno;
    return r < 0 ? fail_errno(err, -r, "writing what %s reads", p->path) : 0;
}

/* In the child: become the program.  Reports errno on failure. */
static _noreturn_ void become(const struct net_program *p, const struct links *l)
{
    const bool ends = p->end_fd >= 0;
    const int from[] = {l->input, p->tells ? l->output : l->errors, l->errors,
                        ends ? p->end_fd : l->ready[1], l->ready[1]};
    const size_t n = ends ? ARRAY_LEN(from) : ARRAY_LEN(from) - 1;
    int moved[ARRAY_LEN(from)], failed = fcntl(l->failed[1], F_DUPFD_CLOEXEC, 10), code;
    sigset_t none;

    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* What it mounts for itself is not to be seen by others; what they unmount is. */
    if (p->own_mounts &&
        (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0))
        goto failed;
    /* First all above the places where they go, then each to its place. */
    for (size_t i = 0; i < n; i++) {
        moved[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 10);
        if (moved[i] < 0)
            goto failed;
    }
    for (size_t i = 0; i < n; i++)
        if (dup2(moved[i], (int)i) < 0)
            goto failed;
    proc_close_from((int)n, true);
    if (chdir("/") == 0)
        execv(p->path, (char *const *)(uintptr_t)p->argv);
failed:
    code = errno;
    if (write(failed, &code, sizeof(code)) < 0)
        _exit(127);
    _exit(127);
}

static int spawn(const struct net_program *p, struct links *l, struct berth_error *err)
{
    int code = 0;

    l->pid = fork();
    if (l->pid == 0)
        become(p, l);
    if (l->pid < 0)
        return fail_errno(err, errno, "failed to start %s process", p->name);
    attr_closep(&l->ready[1]);
    attr_closep(&l->failed[1]);
    if (read(l->failed[0], &code, sizeof(code)) == (ssize_t)sizeof(code))
        return fail_errno(err, code, "failed to start %s process: %s", p->name, p->path);
    l->pidfd = proc_pidfd(l->pid);
    return l->pidfd < 0 ? fail_errno(err, -l->pidfd, "watching %s", p->path) : 0;
}

static void written(int fd, struct berth_buf *out)
{
    if (lseek(fd, 0, SEEK_SET) == 0)
        fs_read_fd(fd, "its output", LOG_MAX, out, NULL);
}

/* It did not become ready: what it wrote says why. */
static int explain(const struct net_program *p, const struct links *l, const char *how,
                   struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf out = BUF_INIT, text = BUF_INIT;

    written(l->output, &out);
    while (out.len && out.data[out.len - 1] == '\n')
        out.data[--out.len] = '\0';
    if (out.len)
        return fail(err, EIO, "%s %s", p->name, buf_str(&out));
    written(l->errors, &out);
    json_write_str(buf_str(&out), out.len, JSON_RAW, &text);
    return how ? fail(err, EIO, "%s %s%s%s", p->argv[0], how, out.len ? ": " : "",
                      out.len ? buf_str(&text) : "")
               : fail(err, EIO, "%s failed: %s", p->argv[0], buf_str(&text));
}

/* 1: it is ready; 0: not yet; negative: it never will be. */
static int look(const struct net_program *p, struct links *l, struct berth_error *err)
{
    struct pollfd fds[] = {{l->ready[0], POLLIN, 0}, {l->pidfd, POLLIN, 0}};
    siginfo_t how = {0};
    char bytes[16];

    if (proc_cancelled)
        return fail(err, ECANCELED, "%s was stopped on request", p->argv[0]);
    if (proc_poll(fds, ARRAY_LEN(fds), 200) < 0 && errno != EINTR)
        return fail_errno(err, errno, "waiting for %s", p->argv[0]);
    if (fds[0].revents) {
        if (read(l->ready[0], bytes, sizeof(bytes)) > 0)
            return 1;
        attr_closep(&l->ready[0]); /* it ends, or is not what it should be */
    }
    if (!fds[1].revents)
        return 0;
    waitid(P_PID, (id_t)l->pid, &how, WEXITED | WNOHANG | WNOWAIT);
    return explain(p, l, how.si_code == CLD_EXITED ? NULL : "killed by signal", err);
}

static int await(const struct net_program *p, struct links *l, struct berth_error *err)
{
    berth_deadline end = time_deadline(READY_SECONDS);
    int r;

    while ((r = look(p, l, err)) == 0)
        if (time_monotonic() >= end)
            return explain(p, l, "was not ready after a minute", err);
    return r < 0 ? r : 0;
}

int net_program_start(const struct net_program *p, pid_t *out, struct berth_error *err)
{
    _cleanup_(links_close) struct links l = {-1, -1, -1, {-1, -1}, {-1, -1}, -1, 0};
    int r = links_make(p, &l, err);

    if (r == 0)
        r = spawn(p, &l, err);
    if (r == 0)
        r = await(p, &l, err);
    if (r < 0 && l.pid > 0) {
        kill(-l.pid, SIGKILL);
        waitpid(l.pid, NULL, 0);
    }
    if (r == 0)
        *out = l.pid;
    return r;
}

void net_program_end(pid_t pid)
{
    const struct timespec pause = {.tv_nsec = 5000000};

    for (int i = 0; i < 60; i++) {
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return;
        nanosleep(&pause, NULL);
    }
    kill(-pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
