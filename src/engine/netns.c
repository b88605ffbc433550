/* SPDX-License-Identifier: Apache-2.0 */
/* netns.c - see netns.h. */
#include "engine/netns.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "conf/keys.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

char *netns_dir(const struct conf *conf)
{
    _cleanup_free_ char *runtime = NULL;

    if (!conf->rootless)
        return strdup("/run/netns");
    runtime = conf_runtime_dir(conf->uid);
    return runtime ? path_join(runtime, "netns") : NULL;
}

/* The directory is a mount point of its own, shared, so that namespaces bound there are
 * seen by processes in other mount namespaces. */
int netns_prepare(const char *dir, struct berth_error *err)
{
    int r = fs_mkdir_p(dir, 0755, err);

    if (r < 0)
        return r;
    if (mount("", dir, "none", MS_SHARED | MS_REC, NULL) == 0)
        return 0;
    if (errno != EINVAL)
        return fail_errno(err, errno, "making %s shared", dir);
    if (mount(dir, dir, "none", MS_BIND | MS_REC, NULL) < 0 ||
        mount("", dir, "none", MS_SHARED | MS_REC, NULL) < 0)
        return fail_errno(err, errno, "making %s a shared mount", dir);
    return 0;
}

/* A child makes the namespace and keeps it alive until it is bound to the file. */
int netns_bind_new(const char *path, struct berth_error *err)
{
    int up[2], down[2], r = 0, status;
    char proc[64], byte = 0;
    pid_t pid;

    if (pipe2(up, O_CLOEXEC) < 0)
        return fail_errno(err, errno, "making a pipe");
    if (pipe2(down, O_CLOEXEC) < 0) {
        r = fail_errno(err, errno, "making a pipe");
        close(up[0]);
        close(up[1]);
        return r;
    }
    pid = fork();
    if (pid == 0) {
        byte = unshare(CLONE_NEWNET) < 0 ? (char)errno : 0;
        close(down[1]);
        if (write(up[1], &byte, 1) == 1 && byte == 0 && read(down[0], &byte, 1) < 0)
            _exit(1);
        _exit(0);
    }
    close(up[1]);
    close(down[0]);
    if (pid < 0)
        r = fail_errno(err, errno, "starting a process");
    else if (read(up[0], &byte, 1) != 1 || byte != 0)
        r = fail_errno(err, byte ? byte : EIO, "making a network namespace");
    else {
        snprintf(proc, sizeof(proc), "/proc/%d/ns/net", pid);
        if (mount(proc, path, "none", MS_BIND, NULL) < 0)
            r = fail_errno(err, errno, "binding a network namespace to %s", path);
    }
    close(up[0]);
    close(down[1]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return r;
}

static bool is_used(const struct stat *ns)
{
    DIR *d = opendir("/proc");
    struct dirent *entry;
    bool used = !d;

    while (d && !used && (entry = readdir(d))) {
        char path[64];
        struct stat st;

        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || strlen(entry->d_name) > 20)
            continue;
        snprintf(path, sizeof(path), "/proc/%.20s/ns/net", entry->d_name);
        used = stat(path, &st) == 0 && st.st_ino == ns->st_ino && st.st_dev == ns->st_dev;
    }
    if (d)
        closedir(d);
    return used;
}

/* `ip netns add` gives other names. */
int netns_left(const struct conf *conf, const struct berth_list *known, struct berth_list *out)
{
    _cleanup_free_ char *dir = netns_dir(conf);
    DIR *d = dir ? opendir(dir) : NULL;
    struct dirent *entry;
    int r = 0;

    while (d && r == 0 && (entry = readdir(d))) {
        _cleanup_free_ char *path = path_join(dir, entry->d_name);
        struct stat st;

        if (!path || strlen(entry->d_name) != 42 || !str_starts(entry->d_name, "netns-") ||
            list_has(known, path) || stat(path, &st) < 0 || is_used(&st))
            continue;
        r = list_add(out, path);
    }
    if (d)
        closedir(d);
    return r;
}

int netns_remove(const char *path, struct berth_error *err)
{
    umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
    if (unlink(path) < 0 && errno != ENOENT)
        return fail_errno(err, errno, "removing %s", path);
    return 0;
}

bool netns_is(const char *path)
{
    struct statfs fs;

    return !str_empty(path) && statfs(path, &fs) == 0 &&
           (fs.f_type == NSFS_MAGIC || fs.f_type == PROC_SUPER_MAGIC);
}

/* Has one of its arguments, or of its variables, exactly this text? */
static bool is_told(const char *pid, const char *file, const char *path)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    char name[64];

    snprintf(name, sizeof(name), "/proc/%.20s/%s", pid, file);
    if (fs_read(name, 1u << 20, &text, NULL) < 0 || text.len == 0)
        return false;
    for (const char *at = text.data; at < text.data + text.len; at += strlen(at) + 1)
        if (str_eq(at, path))
            return true;
    return false;
}

/* netavark has it as an argument, CNI plugins have it in a variable. */
static bool is_worked_on(const char *path)
{
    _cleanup_free_ char *variable = str_printf("CNI_NETNS=%s", path);
    DIR *d = opendir("/proc");
    struct dirent *entry;
    bool found = false;

    while (d && !found && (entry = readdir(d)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            found = is_told(entry->d_name, "cmdline", path) ||
                    (variable && is_told(entry->d_name, "environ", variable));
    if (d)
        closedir(d);
    return found;
}

void netns_await(const char *path)
{
    const struct timespec pause = {.tv_nsec = 20000000};

    for (int i = 0; i < 500 && is_worked_on(path); i++)
        nanosleep(&pause, NULL);
}

/* Does it hold the namespace open by its file, as rootlessport does? */
static bool holds(const char *pid, const char *path)
{
    char name[64], target[256];
    struct dirent *entry;
    bool found = false;
    ssize_t n;
    DIR *d;

    snprintf(name, sizeof(name), "/proc/%.20s/fd", pid);
    d = opendir(name);
    while (d && !found && (entry = readdir(d))) {
        n = readlinkat(dirfd(d), entry->d_name, target, sizeof(target) - 1);
        if (n > 0) {
            target[n] = '\0';
            found = str_eq(target, path);
        }
    }
    if (d)
        closedir(d);
    return found;
}

/* By its name: others, of whoever looks into the namespace, may have the path as an argument.
 */
static bool is_program(const char *pid)
{
    static const char *const names[] = {"slirp4netns", "rootlessport", "pasta"};
    _cleanup_buf_ struct berth_buf name = BUF_INIT;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
    if (fs_read(path, 64, &name, NULL) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_starts(buf_str(&name), names[i]))
            return true;
    return false;
}

/* Is this process a program of that namespace?  If END, it is killed. */
static bool is_left(const char *pid, const char *path, const char *socket, bool end)
{
    /* The descriptor first: then what we look at is what we kill. */
    _cleanup_close_ int fd = proc_pidfd((pid_t)strtol(pid, NULL, 10));

    if (fd < 0 || !is_program(pid) ||
        !(is_told(pid, "cmdline", path) || (socket && is_told(pid, "cmdline", socket)) ||
          holds(pid, path)))
        return false;
    if (end)
        proc_signal(fd, SIGKILL);
    return true;
}

/* How many there are; and end them. */
static unsigned programs(const char *path, const char *socket, bool end)
{
    DIR *d = opendir("/proc");
    struct dirent *entry;
    unsigned n = 0;

    while (d && (entry = readdir(d)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            n += is_left(entry->d_name, path, socket, end);
    if (d)
        closedir(d);
    return n;
}

void netns_end_programs(const char *path, const char *socket)
{
    const struct timespec pause = {.tv_nsec = 10000000};

    for (int i = 0; i < 200 && programs(path, socket, i >= 30); i++)
        nanosleep(&pause, NULL);
}
