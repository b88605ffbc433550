/* SPDX-License-Identifier: Apache-2.0 */
/* proc.c - see proc.h. */
#include "base/proc.h"
#include "base/fs.h"
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

volatile sig_atomic_t proc_cancelled;

bool proc_has_cap(int cap)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};

    return syscall(SYS_capget, &head, data) == 0 &&
           (data[CAP_TO_INDEX((unsigned)cap)].effective & CAP_TO_MASK((unsigned)cap));
}

char *proc_find(const char *name)
{
    _cleanup_list_ struct berth_list dirs = LIST_INIT;
    struct stat st;

    list_split(&dirs, str_or(getenv("PATH"), ""), ':', false);
    for (size_t i = 0; i < dirs.n; i++) {
        char *file = path_join(dirs.items[i], name);

        if (file && stat(file, &st) == 0 && S_ISREG(st.st_mode) && access(file, X_OK) == 0)
            return file;
        free(file);
    }
    return NULL;
}

struct pipes {
    int in[2], out[2], errs[2], status[2];
};

static void pipes_close(struct pipes *p)
{
    int *all[] = {p->in, p->out, p->errs, p->status};

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        attr_closep(&all[i][0]);
        attr_closep(&all[i][1]);
    }
}

/* In the child: our handlers would write to our memory. */
static void drop_handlers(void)
{
    static const struct sigaction none = {.sa_handler = SIG_DFL};
    struct sigaction now;

    for (int s = 1; s < NSIG; s++)
        if (sigaction(s, NULL, &now) == 0 && now.sa_handler != SIG_DFL &&
            now.sa_handler != SIG_IGN)
            sigaction(s, &none, NULL);
}

/* In the child: arrange descriptors and become the program.  Reports errno on failure. */
static _noreturn_ void child(const struct berth_run *what, struct pipes *p)
{
    static const char *const minimal[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int moved[64], n = (int)MIN(what->n_fds, ARRAY_LEN(moved)), code;
    int status = fcntl(p->status[1], F_DUPFD_CLOEXEC, 3 + n);
    sigset_t none;

    drop_handlers();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* First all above the places where they go, then each to its place. */
    for (int i = 0; i < n; i++)
        moved[i] = fcntl(what->fds[i], F_DUPFD_CLOEXEC, 3 + n + 1);
    if (dup2(what->input.data ? p->in[0] : null, 0) < 0 || dup2(p->out[1], 1) < 0 ||
        dup2(p->errs[1], 2) < 0)
        goto failed;
    for (int i = 0; i < n; i++)
        if (moved[i] < 0 || dup2(moved[i], 3 + i) < 0)
            goto failed;
    if (what->netns_fd >= 0 && setns(what->netns_fd, CLONE_NEWNET) < 0)
        goto failed;
    if (chdir(what->cwd ? what->cwd : "/") < 0)
        goto failed;
    execve(what->argv[0], (char *const *)(uintptr_t)what->argv,
           (char *const *)(uintptr_t)(what->env ? what->env : minimal));
failed:
    code = errno;
    if (write(status, &code, sizeof(code)) < 0)
        _exit(127);
    _exit(127);
}

/*
 * The child has our memory until it becomes the program, and we wait: a copy of the page tables
 * would cost more than all the rest.  Hence it may change nothing but its own variables, and
 * gets no signals before our handlers are gone, which it has for itself.
 */
static pid_t start(const struct berth_run *what, struct pipes *p)
{
    sigset_t all, before;
    pid_t pid;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid = vfork();
    if (pid == 0)
        child(what, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

/* Move what is readable into a buffer; false at the end of the stream. */
static bool drain(int fd, struct berth_buf *out)
{
    char chunk[16384];
    ssize_t n = read(fd, chunk, sizeof(chunk));

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n > 0)
        buf_put(out, chunk, (size_t)n);
    return n > 0;
}

static int wait_ms(berth_deadline deadline)
{
    berth_deadline now = time_monotonic();

    if (deadline == BERTH_WAIT_FOREVER)
        return 500; /* often enough to notice a wish to stop */
    if (deadline <= now)
        return 0;
    return (int)MIN((deadline - now + 999999) / 1000000, 500u);
}

/* write(2) to a program that may have closed its end: that is no reason to die. */
static ssize_t feed(int fd, const void *data, size_t len)
{
    const struct timespec now = {0};
    sigset_t broken_pipe, before;
    ssize_t n;
    int code;

    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    n = write(fd, data, len);
    code = errno;
    if (n < 0 && code == EPIPE && !sigismember(&before, SIGPIPE))
        sigtimedwait(&broken_pipe, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return n;
}

/* Feed and read the program until it has closed its streams.  0 or -errno. */
static int converse(const struct berth_run *what, struct pipes *p, struct berth_buf *out,
                    struct berth_buf *errs)
{
    size_t fed = 0;

    while (p->out[0] >= 0 || p->errs[0] >= 0) {
        struct pollfd fds[] = {
            {p->in[1], POLLOUT, 0}, {p->out[0], POLLIN, 0}, {p->errs[0], POLLIN, 0}};

        if (proc_cancelled)
            return -ECANCELED;
        if (poll(fds, ARRAY_LEN(fds), wait_ms(what->deadline)) < 0 && errno != EINTR)
            return -errno;
        if (what->deadline != BERTH_WAIT_FOREVER && time_monotonic() >= what->deadline)
            return -ETIMEDOUT;
        if (fds[0].revents) {
            ssize_t n =
                feed(p->in[1], (const char *)what->input.data + fed, what->input.len - fed);

            fed += n > 0 ? (size_t)n : 0;
            if ((n < 0 && errno != EAGAIN && errno != EINTR) || fed == what->input.len)
                attr_closep(&p->in[1]);
        }
        if (fds[1].revents && !drain(p->out[0], out))
            attr_closep(&p->out[0]);
        if (fds[2].revents && !drain(p->errs[0], errs))
            attr_closep(&p->errs[0]);
    }
    return 0;
}

static int reap(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void trim(struct berth_buf *b)
{
    while (b->len && (b->data[b->len - 1] == '\n' || b->data[b->len - 1] == ' '))
        b->data[--b->len] = '\0';
}

/* Decide on the result from what the program said and how it ended. */
static int finish(const struct berth_run *what, int r, pid_t pid, struct berth_buf *errs,
                  struct berth_error *err)
{
    const char *name = what->argv[0];
    int status;

    if (r < 0)
        kill(pid, SIGKILL);
    status = reap(pid);
    trim(errs);
    if (what->errors && errs->len)
        buf_put(what->errors, errs->data, errs->len);
    if (r == -ETIMEDOUT)
        return fail(err, ETIMEDOUT, "%s did not finish in time and was killed", name);
    if (r == -ECANCELED)
        return fail(err, ECANCELED, "%s was stopped on request", name);
    if (r < 0)
        return fail_errno(err, -r, "talking to %s", name);
    if (status < 0)
        return fail_errno(err, -status, "waiting for %s", name);
    if (status > 0 && (what->flags & BERTH_RUN_STDERR_IS_ERROR))
        fail(err, EIO, "%s", errs->len ? errs->data : "exited with an error and said nothing");
    else if (errs->len && !what->errors)
        log_debug("%s: %s", name, errs->data);
    return status;
}

static _Thread_local struct {
    void (*work)(void *arg);
    void *arg;
} meanwhile;

void proc_meanwhile(void (*work)(void *arg), void *arg)
{
    meanwhile.work = work;
    meanwhile.arg = arg;
}

static void work_meanwhile(void)
{
    void (*work)(void *arg) = meanwhile.work;

    meanwhile.work = NULL; /* it may run programs itself */
    if (work)
        work(meanwhile.arg);
}

int proc_run(const struct berth_run *what, struct berth_error *err)
{
    _cleanup_(pipes_close) struct pipes p = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    _cleanup_buf_ struct berth_buf errs = BUF_INIT, dropped = BUF_INIT;
    struct berth_buf *out = what->output ? what->output : &dropped;
    int code = 0, r;
    pid_t pid;

    errs.max = 1 << 20;
    if ((what->input.data && pipe2(p.in, O_CLOEXEC) < 0) || pipe2(p.out, O_CLOEXEC) < 0 ||
        pipe2(p.errs, O_CLOEXEC) < 0 || pipe2(p.status, O_CLOEXEC) < 0)
        return fail_errno(err, errno, "making pipes for %s", what->argv[0]);
    pid = start(what, &p);
    if (pid < 0)
        return fail_errno(err, errno, "starting %s", what->argv[0]);
    attr_closep(&p.in[0]);
    attr_closep(&p.out[1]);
    attr_closep(&p.errs[1]);
    attr_closep(&p.status[1]);
    if (read(p.status[0], &code, sizeof(code)) == (ssize_t)sizeof(code)) {
        reap(pid);
        return fail_errno(err, code, "running %s", what->argv[0]);
    }
    if (p.in[1] >= 0)
        fcntl(p.in[1], F_SETFL, O_NONBLOCK);
    work_meanwhile();
    r = converse(what, &p, out, &errs);
    r = finish(what, r, pid, &errs, err);
    if (!what->output && dropped.len)
        log_debug("%s: %s", what->argv[0], buf_str(&dropped));
    return r;
}

/* The child of a child, whom nobody waits for.  Reports errno on failure. */
static _noreturn_ void become(const char *const *argv, int fd, int status)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), code;
    sigset_t none;

    /* First above the places where they go. */
    status = fcntl(status, F_DUPFD_CLOEXEC, 5);
    fd = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 5);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
        (fd >= 0 && dup2(fd, 3) < 0) || chdir("/") < 0)
        goto failed;
    /* Nor what others have left open for us. */
    proc_close_from(fd < 0 ? 3 : 4, true);
    execv(argv[0], (char *const *)(uintptr_t)argv);
failed:
    code = errno;
    if (write(status, &code, sizeof(code)) < 0)
        _exit(127);
    _exit(127);
}

int proc_leave(const char *const *argv, int fd, struct berth_error *err)
{
    int status[2], code = 0;
    pid_t pid;

    if (pipe2(status, O_CLOEXEC) < 0)
        return fail_errno(err, errno, "making pipes for %s", argv[0]);
    pid = fork();
    if (pid == 0) {
        setsid();
        pid = fork();
        if (pid == 0)
            become(argv, fd, status[1]);
        code = pid < 0 ? errno : 0;
        if (code && write(status[1], &code, sizeof(code)) < 0)
            _exit(127);
        _exit(0);
    }
    code = pid < 0 ? errno : 0;
    close(status[1]);
    if (pid > 0)
        reap(pid);
    if (pid > 0 && read(status[0], &code, sizeof(code)) != (ssize_t)sizeof(code))
        code = 0;
    close(status[0]);
    return code ? fail_errno(err, code, "running %s", argv[0]) : 0;
}
