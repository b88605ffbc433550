/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.c - move conmon out of the caller's cgroup, so that the end of the caller's
 * session or unit does not take it along, and its limits do not bind it.
 *
 * All containers of one parent share the cgroup, and nobody removes it; so it gets no
 * limits either.
 */
#include "cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

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

void rt_cgroup_join(struct berth_oci *r, const char *parent, pid_t pid)
{
    RT_FREE char *path = rt_format("%s/conmon", parent);
    RT_FD int root = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct statfs fs;
    int result;

    if (!path)
        result = -ENOMEM;
    else if (root < 0 || fstatfs(root, &fs) < 0)
        result = -errno;
    else if (fs.f_type == CGROUP2_SUPER_MAGIC)
        result = join_one(root, ".", path, "cgroup.procs", pid);
    else
        result = join_v1(root, path, pid);
    if (result < 0)
        berth_log(r->h, r->rootless ? BERTH_LOG_INFO : BERTH_LOG_WARNING,
                  "cannot move conmon to cgroup %s: %s", path ? path : parent,
                  strerror(-result));
}
