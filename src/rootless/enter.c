/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enter.c - see rootless.h.
 *
 * podman runs itself again in a child, and stays behind to wait for it.  setns(2) needs no
 * child as long as there is one thread only, so this process goes in itself: signals, the
 * terminal and the exit status are nobody's business.  New namespaces are made by the pause
 * process, for whom all of this is done, and then entered like any other's; who loses the race
 * of two first commands has made nothing that could not be forgotten.
 */
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "conf/keys.h"
#include "rootless/private.h"
#include "rootless/rootless.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ATTEMPTS 50 /* at getting past others who make or remove namespaces at this moment */

/* ------------------------------------------------------------------ joining */

/* Are a process's namespaces made for this user?  As we see them, their root is we. */
static bool is_ours(int proc)
{
    _cleanup_close_ int fd = openat(proc, "uid_map", O_RDONLY | O_CLOEXEC);
    unsigned inside, outside;
    char text[256];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (n <= 0)
        return false;
    text[n] = '\0';
    return sscanf(text, "%u %u", &inside, &outside) == 2 && inside == 0 && outside == geteuid();
}

static bool is_same(int a, const char *path)
{
    struct stat x, y;

    return fstat(a, &x) == 0 && stat(path, &y) == 0 && x.st_ino == y.st_ino &&
           x.st_dev == y.st_dev;
}

/* Descriptors of the two namespaces of a process that is in ours; -ESRCH where there is none.
 */
static int open_namespaces(pid_t pid, int *user, int *mounts)
{
    _cleanup_close_ int proc = -1, u = -1, m = -1;
    char path[32];

    /* Through one descriptor, so that all is of one process. */
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0 || !is_ours(proc))
        return -ESRCH;
    u = openat(proc, "ns/user", O_RDONLY | O_CLOEXEC);
    m = openat(proc, "ns/mnt", O_RDONLY | O_CLOEXEC);
    if (u < 0 || m < 0 || is_same(u, "/proc/self/ns/user"))
        return -ESRCH;
    *user = TAKE_FD(u);
    *mounts = TAKE_FD(m);
    return 0;
}

static bool is_joinable(pid_t pid)
{
    int user, mounts;

    if (open_namespaces(pid, &user, &mounts) < 0)
        return false;
    close(user);
    close(mounts);
    return true;
}

static void put_number(const char *name, uint32_t n)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", n);
    setenv(name, text, 1);
}

/* Become root in the namespaces of a process.  -ESRCH: it has none of ours. */
static int join(const struct conf *c, pid_t pid, struct berth_error *err)
{
    _cleanup_close_ int user = -1, mounts = -1;
    _cleanup_free_ char *here = getcwd(NULL, 0);
    int r = open_namespaces(pid, &user, &mounts);

    if (r < 0)
        return fail(err, -r, "process %d has no namespaces for us", (int)pid);
    if (setns(user, CLONE_NEWUSER) < 0)
        return fail_errno(err, errno, "cannot join the user namespace of process %d", (int)pid);
    if (setns(mounts, CLONE_NEWNS) < 0)
        return fail_errno(err, errno, "cannot join the mount namespace of process %d",
                          (int)pid);
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return fail_errno(err, errno, "cannot become root in the user namespace");
    if (here && chdir(here) < 0)
        log_warning("cannot return to %s: %s", here, strerror(errno));
    setenv(ENV_INSIDE, "done", 1);
    put_number(ENV_UID, c->uid);
    put_number(ENV_GID, c->gid);
    log_debug("joined the namespaces of process %d", (int)pid);
    return 0;
}

/* ------------------------------------------------- containers without a pause */

/* Does this process watch that container? */
static bool is_monitor(pid_t pid, const char *id)
{
    _cleanup_free_ char *path = str_printf("/proc/%d/cmdline", (int)pid);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (!path || fs_read(path, 1 << 20, &text, NULL) < 0)
        return false;
    for (size_t i = 0; i < text.len; i += strlen(text.data + i) + 1)
        if (str_eq(text.data + i, id))
            return true;
    return false;
}

static pid_t monitor_of(const char *dir, const char *id)
{
    _cleanup_free_ char *path = str_printf("%s/%s/userdata/conmon.pid", dir, id);
    pid_t pid = path ? pause_read(path) : -ENOMEM;

    return pid > 0 && is_monitor(pid, id) && is_joinable(pid) ? pid : 0;
}

static pid_t monitor_in(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    pid_t pid = 0;

    while (d && !pid && (entry = readdir(d)))
        if (entry->d_name[0] != '.')
            pid = monitor_of(dir, entry->d_name);
    if (d)
        closedir(d);
    return pid;
}

/* Some container that runs, though its pause process is gone; 0: none.  Of any storage driver:
 * <run root>/<driver>-containers/<ID>/userdata. */
static pid_t find_monitor(const struct conf *c)
{
    DIR *d = c->run_root ? opendir(c->run_root) : NULL;
    struct dirent *entry;
    pid_t pid = 0;

    while (d && !pid && (entry = readdir(d))) {
        _cleanup_free_ char *dir = str_ends(entry->d_name, "-containers")
                                       ? path_join(c->run_root, entry->d_name)
                                       : NULL;

        if (dir)
            pid = monitor_in(dir);
    }
    if (d)
        closedir(d);
    return pid;
}

/* The next command shall find the short way. */
static void replace_pause(const char *file)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct pause_process p = PAUSE_INIT;
    int r = pause_start(&p, false, &err);

    if (r == 0)
        r = pause_publish(file, p.pid, &err);
    if (r == 0)
        r = pause_keep(&p, &err);
    if (r < 0)
        log_debug("no new pause process: %s", error_text(&err));
    pause_drop(&p);
}

/* ----------------------------------------------------------------- new ones */

/* Mounts that others make later arrive in our namespace only below a shared mount. */
static void check_root_is_shared(void)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    char *save = NULL;

    if (getenv("container") || fs_read("/proc/self/mountinfo", 1 << 22, &text, NULL) < 0 ||
        !text.len)
        return;
    for (char *l = strtok_r(text.data, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        char point[3], tag[8];

        /* ID, parent, device, root, mount point, options, first tag */
        if (sscanf(l, "%*s %*s %*s %*s %2s %*s %7s", point, tag) == 2 && str_eq(point, "/")) {
            if (!str_starts(tag, "shared:"))
                log_warning("\"/\" is not a shared mount, this could cause issues or missing "
                            "mounts with rootless containers");
            return;
        }
    }
}

/* -EEXIST: somebody else has been faster. */
static int make_new(const struct conf *c, const char *file, struct berth_error *err)
{
    struct pause_process p = PAUSE_INIT;
    int r;

    check_root_is_shared();
    r = pause_start(&p, true, err);
    if (r == 0)
        r = mapping_write(p.pid, err);
    if (r == 0)
        r = fs_mkdir_p(c->tmp_dir, 0700, err);
    if (r == 0)
        r = pause_publish(file, p.pid, err);
    if (r == 0)
        r = pause_keep(&p, err);
    if (r == 0)
        r = join(c, p.pid, err);
    pause_drop(&p);
    return r;
}

/* 1: others are at work on the same, try again. */
static int try_enter(const struct conf *c, const char *file, struct berth_error *err)
{
    pid_t pid = pause_read(file);
    int r;

    if (pid > 0) {
        r = join(c, pid, err);
        if (r != -ESRCH)
            return r;
        error_clear(err);
    }
    if (pid != -ENOENT) {
        r = pause_remove_stale(file, is_joinable, err);
        return r < 0 ? r : 1;
    }
    pid = find_monitor(c);
    if (pid > 0) {
        r = join(c, pid, err);
        if (r == 0)
            replace_pause(file);
        if (r != -ESRCH)
            return r;
        error_clear(err);
    }
    r = make_new(c, file, err);
    if (r != -EEXIST)
        return r;
    error_clear(err);
    return 1;
}

static int enter(const struct conf *c, struct berth_error *err)
{
    _cleanup_free_ char *file = path_join(c->tmp_dir, "pause.pid");
    const struct timespec while_ = {.tv_nsec = 20000000};
    int r = 1;

    if (!file)
        return fail(err, ENOMEM, "out of memory");
    for (int i = 0; r == 1 && i < ATTEMPTS; i++) {
        if (i > 2)
            nanosleep(&while_, NULL);
        r = try_enter(c, file, err);
    }
    return r == 1 ? fail(err, EAGAIN, "%s comes and goes: is somebody removing it?", file) : r;
}

/* ---------------------------------------------------------------- environment */

/* podman exports what it found, for the programs that it runs. */
static void export_places(const struct conf *c)
{
    _cleanup_free_ char *dir = NULL, *bus = NULL;

    if (str_empty(getenv("XDG_RUNTIME_DIR")) && (dir = conf_runtime_dir(c->uid)))
        setenv("XDG_RUNTIME_DIR", dir, 1);
    bus = str_printf("%s/bus", str_or(getenv("XDG_RUNTIME_DIR"), ""));
    if (str_empty(getenv("DBUS_SESSION_BUS_ADDRESS")) && bus && fs_exists(bus)) {
        _cleanup_free_ char *address = str_printf("unix:path=%s", bus);

        if (address)
            setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
    }
}

bool rootless_outside(const struct conf *c)
{
    return c->rootless && str_empty(getenv(ENV_INSIDE)) && !proc_has_cap(CAP_SYS_ADMIN);
}

int rootless_enter(const struct conf *c, struct berth_error *err)
{
    const char *inside = getenv(ENV_INSIDE);
    int r = 0;

    if (!c->rootless)
        return 0;
    export_places(c);
    if (str_eq(inside, "init"))
        setenv(ENV_INSIDE, "done", 1);
    if (rootless_outside(c))
        r = enter(c, err);
    if (r < 0 && err)
        err->exit_status = 1;
    return r;
}
