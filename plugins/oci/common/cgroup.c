/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.c - move conmon out of the caller's cgroup, so that the end of the caller's
 * session or unit does not take it along, and its limits do not bind it.
 *
 * All containers of one parent share the cgroup, and nobody removes it; so it gets no
 * limits either.
 */
#include "cgroup.h"

#include "bus.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
#define BUS_TIME    (10 * RT_SECOND) /* that systemd may take */

/* One write of a short text. */
static int write_text(int dir, const char *name, const char *text)
{
    RT_FD int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
    size_t len = strlen(text);

    if (fd < 0)
        return -errno;
    return write(fd, text, len) == (ssize_t)len ? 0 : -errno;
}

/* A new cpuset is empty and takes no process before it has what its parent has. */
static void fill_cpuset(int parent, int dir)
{
    static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        RT_FD int from = openat(parent, files[i], O_RDONLY | O_CLOEXEC);
        RT_FD int mine = openat(dir, files[i], O_RDONLY | O_CLOEXEC);
        char text[4096], have[2];
        ssize_t n;

        if (from < 0 || mine < 0 || (read(mine, have, 2) > 0 && have[0] != '\n'))
            continue;
        n = read(from, text, sizeof(text) - 1);
        if (n > 0) {
            text[n] = '\0';
            write_text(dir, files[i], text);
        }
    }
}

/* Open <top>/<path>, making what is missing; a descriptor or -errno. */
static int make_group(int top, const char *path, bool cpuset)
{
    int dir = fcntl(top, F_DUPFD_CLOEXEC, 3);

    while (dir >= 0 && *(path += strspn(path, "/"))) {
        size_t len = strcspn(path, "/");
        char name[NAME_MAX + 1];
        int next, made;

        if (len > NAME_MAX || (len <= 2 && strncmp(path, "..", len) == 0)) {
            close(dir);
            return -EINVAL;
        }
        memcpy(name, path, len);
        name[len] = '\0';
        next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        made = next < 0 && errno == ENOENT && mkdirat(dir, name, 0755) == 0;
        if (next < 0 && (made || errno == EEXIST))
            next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (next >= 0 && made && cpuset)
            fill_cpuset(dir, next);
        if (next < 0) {
            int e = errno;

            close(dir);
            return -e;
        }
        close(dir);
        dir = next;
        path += len;
    }
    return dir < 0 ? -errno : dir;
}

static int join_one(int root, const char *controller, const char *path, const char *file,
                    pid_t pid)
{
    RT_FD int top = openat(root, controller, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    RT_FD int dir = -1;
    char text[16];

    if (top < 0)
        return -errno;
    dir = make_group(top, path, strcmp(controller, "cpuset") == 0);
    if (dir < 0)
        return dir;
    snprintf(text, sizeof(text), "%d", (int)pid);
    return write_text(dir, file, text);
}

/* Version 1: one tree for each controller.  The tree of systemd is systemd's. */
static int join_v1(int root, const char *path, pid_t pid)
{
    int copy = fcntl(root, F_DUPFD_CLOEXEC, 3);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;
    int result = 0;

    if (!d)
        return -errno;
    while ((entry = readdir(d))) {
        int r;

        if (entry->d_name[0] == '.' || entry->d_type == DT_LNK ||
            strcmp(entry->d_name, "systemd") == 0 || strcmp(entry->d_name, "unified") == 0)
            continue;
        r = join_one(root, entry->d_name, path, "tasks", pid);
        if (r < 0 && r != -ENOTDIR)
            result = r;
    }
    closedir(d);
    return result;
}

static int join_cgroup(const char *parent, pid_t pid)
{
    RT_FREE char *path = rt_format("%s/conmon", parent);
    RT_FD int root = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct statfs fs;

    if (!path)
        return -ENOMEM;
    if (root < 0 || fstatfs(root, &fs) < 0)
        return -errno;
    if (fs.f_type == CGROUP2_SUPER_MAGIC)
        return join_one(root, ".", path, "cgroup.procs", pid);
    return join_v1(root, path, pid);
}

/* --------------------------------------------------------------------- systemd */

static char *bus_address(const struct berth_oci *r)
{
    const char *address =
        getenv(r->rootless ? "DBUS_SESSION_BUS_ADDRESS" : "DBUS_SYSTEM_BUS_ADDRESS");
    const char *dir = getenv("XDG_RUNTIME_DIR");

    if (address && *address)
        return strdup(address);
    if (r->rootless)
        return rt_format("unix:path=%s/bus", dir ? dir : "");
    return strdup("unix:path=/run/dbus/system_bus_socket");
}

/* Follow another process into its cgroup in systemd's tree. */
static int join_process(pid_t other, pid_t pid)
{
    char path[64], line[4096 + 64], text[16];
    FILE *f;
    int result = -ENOENT;

    snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)other);
    f = fopen(path, "re");
    if (!f)
        return -errno;
    snprintf(text, sizeof(text), "%d", (int)pid);
    while (result == -ENOENT && fgets(line, sizeof(line), f)) {
        const char *v1 = strstr(line, ":name=systemd:/");
        const char *group = v1 ? v1 + 14 : strncmp(line, "0::/", 4) == 0 ? line + 3 : NULL;
        RT_FREE char *dir = NULL;
        RT_FD int fd = -1;

        line[strcspn(line, "\n")] = '\0';
        dir = group ? rt_format(CGROUP_ROOT "%s%s", v1 ? "/systemd" : "", group) : NULL;
        fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (fd >= 0)
            result = write_text(fd, "cgroup.procs", text);
    }
    fclose(f);
    return result;
}

/* A slice by its last component; none: the manager's usual one. */
static const char *slice_name(const struct berth_oci *r, const char *parent)
{
    const char *slash = strrchr(parent, '/');
    const char *name = slash ? slash + 1 : parent;
    size_t len = strlen(name);

    if (len > 6 && strcmp(name + len - 6, ".slice") == 0)
        return name;
    return r->rootless ? "user.slice" : "machine.slice";
}

static int join_scope(struct berth_oci *r, const struct berth_container *c, bool session,
                      pid_t pid, char **out_error)
{
    RT_FREE char *address = bus_address(r);
    RT_FREE char *unit = rt_format("libpod-conmon-%s.scope", c->id);
    int result;

    /* An exec session's conmon goes where the container's is already. */
    if (session && c->monitor_pid > 0 && join_process(c->monitor_pid, pid) == 0)
        return 0;
    if (!address || !unit)
        return -ENOMEM;
    result = rt_bus_start_scope(address, unit, slice_name(r, c->cgroup_parent), pid,
                                rt_now() + BUS_TIME, out_error);
    return result == -EEXIST && c->monitor_pid > 0 ? join_process(c->monitor_pid, pid) : result;
}

void rt_cgroup_join(struct berth_oci *r, const struct berth_container *c, bool session,
                    pid_t pid)
{
    RT_FREE char *error = NULL;
    int result;

    /* A service of systemd's has a cgroup of its own already. */
    if (!c->cgroup_parent || getenv("INVOCATION_ID") ||
        (c->flags & (BERTH_CTR_NO_CGROUPS | BERTH_CTR_MONITOR_STAYS)))
        return;
    result = c->flags & BERTH_CTR_SYSTEMD ? join_scope(r, c, session, pid, &error)
                                          : join_cgroup(c->cgroup_parent, pid);
    if (result < 0)
        berth_log(r->h, r->rootless ? BERTH_LOG_INFO : BERTH_LOG_WARNING,
                  "cannot move conmon out of our cgroup, to %s: %s", c->cgroup_parent,
                  error ? error : strerror(-result));
}
