/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause.c - the process that keeps namespaces while nothing else is in them, and its file.
 *
 * It is no child of ours, so that we can wait for children of our own, and no member of our
 * session.  Until it is told that it is wanted, it ends when we do.
 */
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "rootless/private.h"
#include "rootless/rootless.h"
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the new process says about itself. */
struct message {
    pid_t pid;
    int code; /* errno of what failed */
};

/* -------------------------------------------------------------- the process */

_noreturn_ void rootless_pause(void)
{
    sigset_t all;

    /* Only what cannot be blocked ends it. */
    prctl(PR_SET_NAME, ROOTLESS_PAUSE);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (;;)
        pause();
}

static void become_pause(void)
{
    static char catatonit[] = "catatonit", option[] = "-P", self[] = ROOTLESS_PAUSE;
    static const char *const places[] = {"/usr/libexec/podman/catatonit", "/usr/bin/catatonit"};
    char *const argv[] = {catatonit, option, NULL}, *const own[] = {self, NULL};

    setenv("_PODMAN_PAUSE", "1", 1);
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        execv(places[i], argv);
    execv("/proc/self/exe", own);
    rootless_pause();
}

/* The grandchild: in its place, with nothing of ours, waiting for word. */
static _noreturn_ void hold(bool fresh, int report, int go)
{
    struct message m = {.pid = getpid()};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char byte;

    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
        (fresh && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) || chdir("/") < 0)
        m.code = errno;
    if (write(report, &m, sizeof(m)) != (ssize_t)sizeof(m) || m.code || read(go, &byte, 1) != 1)
        _exit(1);
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        _exit(1);
    proc_close_from(3, false);
    become_pause();
    _exit(1);
}

static _noreturn_ void middle(bool fresh, int report, int go)
{
    struct message m = {0};
    pid_t pid;

    setsid();
    pid = fork();
    if (pid == 0)
        hold(fresh, report, go);
    if (pid < 0) {
        m.code = errno;
        if (write(report, &m, sizeof(m)) < 0)
            _exit(1);
    }
    _exit(0);
}

static int explain_refusal(int code, struct berth_error *err)
{
    static const char *const files[] = {"/proc/sys/user/max_user_namespaces",
                                        "/proc/sys/kernel/unprivileged_userns_clone"};
    int r = fail_errno(err, code, "cannot clone");

    for (size_t i = 0; i < ARRAY_LEN(files) && (code == EPERM || code == ENOSPC); i++) {
        _cleanup_buf_ struct berth_buf text = BUF_INIT;

        if (fs_read(files[i], 64, &text, NULL) == 0 && atoi(buf_str(&text)) == 0)
            error_append(err, "user namespaces are not enabled in %s", files[i]);
    }
    return r;
}

int pause_start(struct pause_process *p, bool fresh, struct berth_error *err)
{
    struct message m = {.code = EPIPE};
    int report[2], go[2];
    pid_t pid;

    if (pipe2(report, O_CLOEXEC) < 0)
        return fail_errno(err, errno, "making a pipe for the pause process");
    if (pipe2(go, O_CLOEXEC) < 0) {
        close(report[0]);
        close(report[1]);
        return fail_errno(err, errno, "making a pipe for the pause process");
    }
    pid = fork();
    if (pid == 0) {
        close(go[1]); /* or it would not see us go */
        middle(fresh, report[1], go[0]);
    }
    close(report[1]);
    close(go[0]);
    if (pid < 0)
        m.code = errno;
    else if (read(report[0], &m, sizeof(m)) != (ssize_t)sizeof(m))
        m.code = EPIPE;
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(report[0]);
    if (m.code) {
        close(go[1]);
        return explain_refusal(m.code, err);
    }
    *p = (struct pause_process){m.pid, go[1]};
    return 0;
}

int pause_keep(struct pause_process *p, struct berth_error *err)
{
    int r = write(p->go, "g", 1) == 1 ? 0 : -errno;

    attr_closep(&p->go);
    return r < 0 ? fail_errno(err, -r, "the pause process has ended") : 0;
}

void pause_drop(struct pause_process *p)
{
    attr_closep(&p->go);
}

/* ----------------------------------------------------------------- its file */

static pid_t read_pid(int fd)
{
    char text[24];
    ssize_t n = read(fd, text, sizeof(text) - 1);
    uint64_t pid;

    if (n < 0)
        return -errno;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (str_to_u64(text, &pid) < 0 || pid <= 0 || pid > INT_MAX)
        return -EINVAL;
    return (pid_t)pid;
}

pid_t pause_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    pid_t pid = fd < 0 ? -errno : read_pid(fd);

    if (fd >= 0)
        close(fd);
    return pid;
}

/* Old file systems know no such rename: then first an empty file of this name that is ours. */
static int rename_new(const char *from, const char *to)
{
    int fd;

    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    return rename(from, to) < 0 ? -errno : 0;
}

int pause_publish(const char *path, pid_t pid, struct berth_error *err)
{
    _cleanup_free_ char *temp = str_printf("%s.XXXXXX", path);
    int fd = temp ? mkostemp(temp, O_CLOEXEC) : -1, r;

    if (fd < 0)
        return fail_errno(err, temp ? errno : ENOMEM, "creating a file beside %s", path);
    r = dprintf(fd, "%d", (int)pid) < 0 ? -errno : 0;
    close(fd);
    if (r == 0)
        r = rename_new(temp, path);
    if (r < 0) {
        unlink(temp);
        return fail_errno(err, -r, "creating %s", path);
    }
    return 0;
}

int pause_remove_stale(const char *path, bool (*is_good)(pid_t pid), struct berth_error *err)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    struct stat ours, there;
    pid_t pid;

    if (fd < 0)
        return errno == ENOENT ? 0 : fail_errno(err, errno, "opening %s", path);
    while (fcntl(fd, F_SETLKW, &all) < 0)
        if (errno != EINTR)
            return fail_errno(err, errno, "locking %s", path);
    /* Somebody else may have removed it meanwhile, and made another. */
    if (fstat(fd, &ours) < 0 || stat(path, &there) < 0 || ours.st_ino != there.st_ino ||
        ours.st_dev != there.st_dev)
        return 0;
    pid = read_pid(fd);
    if ((pid > 0 && is_good(pid)) || unlink(path) == 0 || errno == ENOENT)
        return 0;
    return fail_errno(err, errno, "removing %s", path);
}

int rootless_end_pause(const struct conf *c, struct berth_error *err)
{
    _cleanup_free_ char *path =
        c->rootless && c->tmp_dir ? path_join(c->tmp_dir, "pause.pid") : NULL;
    pid_t pid = path ? pause_read(path) : -ENOENT;

    if (pid == -ENOENT)
        return 0;
    if (unlink(path) < 0 && errno != ENOENT)
        return fail_errno(err, errno, "removing %s", path);
    if (pid > 0 && kill(pid, SIGKILL) < 0 && errno != ESRCH)
        return fail_errno(err, errno, "ending the pause process %d", (int)pid);
    return 0;
}
