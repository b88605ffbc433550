/* SPDX-License-Identifier: Apache-2.0 */
/* netns.c - see netns.h. */
#include "engine/netns.h"
#include "base/fs.h"
#include "base/str.h"
#include <dirent.h>
#include <sys/mount.h>

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
int netns_left(const struct berth_list *known, struct berth_list *out)
{
    DIR *d = opendir(NETNS_DIR);
    struct dirent *entry;
    int r = 0;

    while (d && r == 0 && (entry = readdir(d))) {
        _cleanup_free_ char *path = path_join(NETNS_DIR, entry->d_name);
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
