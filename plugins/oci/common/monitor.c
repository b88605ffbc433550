/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.c - see monitor.h. */
#include "monitor.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "call.h"
#include "wait.h"

#define COMMAND_LINE_MAX 65536

/* The process's arguments, each with its NUL; their length. */
static size_t read_arguments(const char *pid, char *out, size_t size)
{
    char path[64];
    size_t len = 0;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && len < size && (n = read(fd, out + len, size - len)) > 0)
        len += (size_t)n;
    if (fd >= 0)
        close(fd);
    return len;
}

/* A script may stand in for conmon, with its interpreter in front: compare the ends. */
static bool has_arguments(const char *text, size_t len, char *const *argv)
{
    size_t want = 0, at;

    for (size_t i = 1; argv[i]; i++)
        want += strlen(argv[i]) + 1;
    if (len < want || want == 0)
        return false;
    at = len - want;
    for (size_t i = 1; argv[i]; i++) {
        size_t n = strlen(argv[i]) + 1;

        if (memcmp(text + at, argv[i], n) != 0)
            return false;
        at += n;
    }
    return true;
}

/* Is this process, with these arguments, the one? */
typedef bool match_fn(const void *arg, int32_t pid, const char *text, size_t len);

static int32_t find_process(match_fn *is_it, const void *arg)
{
    RT_FREE char *text = malloc(COMMAND_LINE_MAX);
    DIR *d = text ? opendir("/proc") : NULL;
    struct dirent *entry;
    int32_t found = 0;

    while (d && !found && (entry = readdir(d))) {
        long pid = strtol(entry->d_name, NULL, 10);

        if (pid > 0 && pid <= INT_MAX &&
            is_it(arg, (int32_t)pid, text,
                  read_arguments(entry->d_name, text, COMMAND_LINE_MAX)))
            found = (int32_t)pid;
    }
    if (d)
        closedir(d);
    return found;
}

static bool is_monitor(const void *arg, int32_t pid, const char *text, size_t len)
{
    (void)pid;
    return has_arguments(text, len, arg);
}

int32_t rt_find_monitor(char *const *argv)
{
    return find_process(is_monitor, argv);
}

static bool mount_ns(int32_t pid, ino_t *out)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
    if (stat(path, &st) < 0)
        return false;
    *out = st.st_ino;
    return true;
}

bool rt_has_runtime(int32_t monitor)
{
    char path[64], text[4096];
    RT_FD int fd = -1;
    ino_t own, other;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)monitor, (int)monitor);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !mount_ns(monitor, &own))
        return true; /* nobody can tell */
    n = read(fd, text, sizeof(text) - 1);
    if (n < 0)
        return true;
    text[n] = '\0';
    for (char *p = text, *end; *p; p = end) {
        long pid = strtol(p, &end, 10);

        if (end == p)
            break;
        while (*end == ' ')
            end++;
        if (pid > 0 && pid <= INT_MAX && mount_ns((int32_t)pid, &other) && other == own)
            return true;
    }
    return false;
}

/* "RUNTIME ... create ... ID".  Processes of the container itself have the same arguments until
 * they become its command, and a mount namespace of their own. */
static bool is_runtime(const void *arg, int32_t pid, const char *text, size_t len)
{
    const char *id = arg;
    size_t n = strlen(id) + 1;
    ino_t own, other;

    return len > n && memcmp(text + len - n, id, n) == 0 &&
           memmem(text, len, "\0create", sizeof("\0create")) &&
           mount_ns((int32_t)getpid(), &own) && mount_ns(pid, &other) && other == own;
}

/* One look is not enough: a process that was killed while we looked may have left a child that
 * was not there when we began. */
static int32_t find_runtime(const char *id)
{
    int32_t pid = find_process(is_runtime, id);

    return pid > 0 ? pid : find_process(is_runtime, id);
}

static void await_runtime(struct berth_oci *r, const char *id, berth_deadline deadline)
{
    int32_t pid;

    while (rt_now() < deadline && (pid = find_runtime(id)) > 0) {
        RT_FD int process = pidfd_get(pid);

        if (process >= 0 && rt_wait_process(r, process, deadline) <= 0)
            return;
    }
}

/* "conmon ... -u ID"; for a session in a container the session is there. */
static bool is_monitor_of(const void *arg, int32_t pid, const char *text, size_t len)
{
    RT_FREE char *want = rt_format("-u%c%s", 0, (const char *)arg);

    (void)pid;
    return want && memmem(text, len, want, strlen(arg) + 4);
}

void rt_end_creation(struct berth_oci *r, const char *id, berth_deadline deadline)
{
    int32_t pid;

    /* Its first process has the same arguments as the one that stays, and so has what it forks
     * to become the runtime.  The runtime dies with it, and leaves cgroups that nobody knows
     * of: if there is one it may come to its end, and no other may be begun meanwhile. */
    while (rt_now() < deadline && (pid = find_process(is_monitor_of, id)) > 0) {
        rt_stop_monitor(id, pid);
        await_runtime(r, id, deadline);
        rt_kill_monitor(id, pid);
    }
    await_runtime(r, id, deadline);
}
