/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mapping.c - the IDs of a new user namespace.
 *
 * Inside, 0 is the user; 1 and what follows are the ranges that the administrator gave the user
 * in /etc/subuid and /etc/subgid, which only newuidmap and newgidmap may write.  Without such
 * ranges there is only the user: enough for containers that know one user.
 */
#include "base/fs.h"
#include "base/list.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "rootless/private.h"
#include "rootless/subid.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAP_LINES 340 /* that the kernel takes */

/* The two kinds of IDs, which differ in names only. */
struct kind {
    const char *file, *map, *tool, *ranges, *owner, *what, *mine;
};

static const struct kind kinds[2] = {
    {"/etc/subuid", "uid_map", "newuidmap", "subuid", "user", "setuid", "UID"},
    {"/etc/subgid", "gid_map", "newgidmap", "subgid", "group", "setgid", "GID"},
};

struct subject {
    pid_t pid;
    uint32_t id[2]; /* effective user and group */
    const char *user;
};

static int write_file(pid_t pid, const char *name, const char *text)
{
    char path[64];
    int fd, r;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return r;
}

/* With CAP_SETUID, as root of a container without CAP_SYS_ADMIN has it, all IDs that we have
 * ourselves.  All of them in one line cannot be given on, for the kernel's reasons. */
static int copy_own(const struct subject *s, const struct kind *k)
{
    _cleanup_free_ char *path = str_printf("/proc/self/%s", k->map);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const char *map;

    if (!path || !proc_has_cap(k == &kinds[0] ? CAP_SETUID : CAP_SETGID) ||
        fs_read(path, 1 << 16, &text, NULL) < 0)
        return -EPERM;
    map = strstr(buf_str(&text), "4294967295") ? "0 0 1\n1 1 4294967294\n" : buf_str(&text);
    return write_file(s->pid, k->map, map);
}

static int map_alone(const struct subject *s, const struct kind *k, struct berth_error *err)
{
    char line[32];
    int r;

    snprintf(line, sizeof(line), "0 %u 1\n", s->id[k - kinds]);
    r = write_file(s->pid, k->map, line);
    if (r < 0)
        return fail_errno(err, -r, "cannot write %s of the user namespace", k->map);
    return 0;
}

/* Ranges that hold the user itself would let it be two users inside. */
static int check_ranges(const struct subject *s, const struct kind *k,
                        const struct subids *ranges, struct berth_error *err)
{
    uint32_t id = s->id[k - kinds];

    for (size_t i = 0; i < ranges->n; i++)
        if (id >= ranges->ranges[i].first &&
            id - ranges->ranges[i].first < ranges->ranges[i].count)
            return fail(err, EINVAL,
                        "invalid configuration: the specified mapping %u:%u in \"%s\" includes "
                        "the user %s",
                        ranges->ranges[i].first, ranges->ranges[i].count, k->file, k->mine);
    return 0;
}

/* May the program do it?  By the set-user-ID bit or by a capability of its file. */
static bool has_privilege(const char *path)
{
    struct stat st;

    return (stat(path, &st) == 0 && st.st_uid == 0 && st.st_mode & S_ISUID) ||
           getxattr(path, "security.capability", NULL, 0) > 0;
}

static int run_tool(const struct kind *k, const struct berth_list *args,
                    struct berth_error *err)
{
    struct berth_run run = {.size = sizeof(run),
                            .argv = (const char *const *)list_argv(args),
                            .netns_fd = -1,
                            .deadline = time_deadline(30),
                            .flags = BERTH_RUN_STDERR_IS_ERROR};
    const char *path = args->items[0];
    int r = proc_run(&run, err);

    if (r == 0)
        return 0;
    return error_wrap(err, "cannot set up namespace using \"%s\"%s%s", path,
                      has_privilege(path) ? "" : ": should have setuid or have filecaps ",
                      has_privilege(path) ? "" : k->what);
}

static int map_ranges(const struct subject *s, const struct kind *k,
                      const struct subids *ranges, struct berth_error *err)
{
    _cleanup_list_ struct berth_list args = LIST_INIT;
    _cleanup_free_ char *tool = proc_find(k->tool);
    uint64_t inside = 1;
    int r = check_ranges(s, k, ranges, err);

    if (r < 0)
        return r;
    if (!tool)
        return fail(err, ENOENT,
                    "command required for rootless mode with multiple IDs: exec: \"%s\": "
                    "executable file not found in $PATH",
                    k->tool);
    list_add(&args, tool);
    list_addf(&args, "%d", (int)s->pid);
    list_addf(&args, "0");
    list_addf(&args, "%u", s->id[k - kinds]);
    list_addf(&args, "1");
    for (size_t i = 0; i < ranges->n && i < MAP_LINES - 1; i++) {
        list_addf(&args, "%llu", (unsigned long long)inside);
        list_addf(&args, "%u", ranges->ranges[i].first);
        r = list_addf(&args, "%u", ranges->ranges[i].count);
        inside += ranges->ranges[i].count;
    }
    return r < 0 ? fail(err, ENOMEM, "out of memory") : run_tool(k, &args, err);
}

/* *why: one clause, where there are none. */
static int find_ranges(const struct subject *s, struct subids found[2], char **why,
                       struct berth_error *err)
{
    for (int i = 0; i < 2; i++) {
        _cleanup_buf_ struct berth_buf text = BUF_INIT;
        const struct kind *k = &kinds[i];
        int r = fs_read(k->file, 1 << 24, &text, NULL);

        if (r < 0 && r != -ENOENT) {
            *why = str_printf("cannot read subids: %s: %s", k->file, strerror(-r));
            return 0;
        }
        r = subids_parse(buf_str(&text), text.len, s->user, s->id[0], &found[i], err);
        if (r < 0)
            return r;
        if (found[i].n == 0) {
            *why = str_printf("no %s ranges found for %s \"%s\" in %s", k->ranges, k->owner,
                              s->user, k->file);
            return 0;
        }
    }
    return 0;
}

static int map_user_alone(const struct subject *s, struct berth_error *err)
{
    int r = map_alone(s, &kinds[0], err);

    if (r < 0)
        return r;
    /* Or one could leave a group whose members may do less than others. */
    r = write_file(s->pid, "setgroups", "deny");
    if (r < 0)
        return fail_errno(err, -r, "cannot write setgroups file");
    return map_alone(s, &kinds[1], err);
}

/* As podman: $USER, else the account's name. */
static const char *user_name(uint32_t uid, char number[16])
{
    const char *name = getenv("USER");
    struct passwd *pw = str_empty(name) ? getpwuid(uid) : NULL;

    if (pw)
        name = pw->pw_name;
    snprintf(number, 16, "%u", uid);
    return str_empty(name) ? number : name;
}

int mapping_write(pid_t pid, struct berth_error *err)
{
    char number[16];
    struct subject s = {.pid = pid, .id = {geteuid(), getegid()}};
    struct subids found[2] = {{0}};
    _cleanup_free_ char *why = NULL;
    int r;

    if (copy_own(&s, &kinds[0]) == 0 && copy_own(&s, &kinds[1]) == 0)
        return 0;
    s.user = user_name(s.id[0], number);
    r = find_ranges(&s, found, &why, err);
    if (r == 0 && why) {
        log_error("cannot find UID/GID for user %s: %s - check rootless mode in man pages.",
                  s.user, why);
        log_warning("Using rootless single mapping into the namespace. This might break some "
                    "images. Check /etc/subuid and /etc/subgid for adding sub*ids if not using "
                    "a network user");
        r = map_user_alone(&s, err);
    } else if (r == 0) {
        r = map_ranges(&s, &kinds[0], &found[0], err);
        if (r == 0)
            r = map_ranges(&s, &kinds[1], &found[1], err);
    }
    subids_free(&found[0]);
    subids_free(&found[1]);
    return r;
}
