/* SPDX-License-Identifier: Apache-2.0 */
/* layer.c - see layer.h. */
#include "storage/layer.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"
#include <fcntl.h>
#include <sys/mount.h>

#define LINK_LEN 26

static bool is_overlay(const char *driver)
{
    return str_eq(driver, "overlay");
}

int layer_check_driver(const char *driver, struct berth_error *err)
{
    if (is_overlay(driver) || str_eq(driver, "vfs"))
        return 0;
    return fail(err, ENOTSUP, "storage driver \"%s\" is not supported (overlay and vfs are)",
                driver);
}

/* A random name of a short link: 130 bits in Base32. */
static void make_link_name(char out[static LINK_LEN + 1])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned char random[LINK_LEN];

    id_random(random, sizeof(random));
    for (size_t i = 0; i < LINK_LEN; i++)
        out[i] = digits[random[i] & 31];
    out[LINK_LEN] = '\0';
}

/* The driver's home; with `make`, it and what belongs into it is made. */
static int open_home(const char *graph_root, const char *driver, bool make,
                     struct berth_error *err)
{
    _cleanup_free_ char *home = path_join(graph_root, driver);
    _cleanup_free_ char *sub =
        str_printf("%s/%s/%s", graph_root, driver, is_overlay(driver) ? "l" : "dir");
    int fd, r;

    if (!home || !sub)
        return fail(err, ENOMEM, "out of memory");
    fd = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && make) {
        r = fs_mkdir_p(graph_root, 0700, err);
        if (r < 0 || (r = fs_mkdir_p(home, 0755, err)) < 0 ||
            (r = fs_mkdir_p(sub, is_overlay(driver) ? 0755 : 0700, err)) < 0)
            return r;
        fd = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    return fd < 0 ? fail_errno(err, errno, "open %s", home) : fd;
}

static int write_link(int layer, const char *name)
{
    _cleanup_close_ int fd =
        openat(layer, "link", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    return fd < 0 ? -errno : fs_write_fd(fd, name, LINK_LEN);
}

static int fill_overlay(int home, const char *id)
{
    static const char *const private_dirs[] = {"work", "merged", "empty"};
    _cleanup_close_ int layer = -1;
    char link[LINK_LEN + 1], from[2 + LINK_LEN + 1];
    _cleanup_free_ char *target = str_printf("../%s/diff", id);

    if (!target)
        return -ENOMEM;
    if (mkdirat(home, id, 0700) < 0)
        return -errno;
    layer = openat(home, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (layer < 0 || mkdirat(layer, "diff", 0555) < 0)
        return -errno;
    make_link_name(link);
    snprintf(from, sizeof(from), "l/%s", link);
    if (symlinkat(target, home, from) < 0) {
        if (errno != ENOENT || mkdirat(home, "l", 0755) < 0 ||
            symlinkat(target, home, from) < 0)
            return -errno;
    }
    for (size_t i = 0; i < ARRAY_LEN(private_dirs); i++)
        if (mkdirat(layer, private_dirs[i], 0700) < 0)
            return -errno;
    return write_link(layer, link);
}

static int fill_vfs(int home, const char *id)
{
    _cleanup_free_ char *dir = str_printf("dir/%s", id);

    if (!dir)
        return -ENOMEM;
    if (mkdirat(home, dir, 0555) == 0)
        return 0;
    if (errno != ENOENT || mkdirat(home, "dir", 0700) < 0 || mkdirat(home, dir, 0555) < 0)
        return -errno;
    return 0;
}

int layer_make(const char *graph_root, const char *driver, const char *id,
               struct berth_error *err)
{
    _cleanup_close_ int home = open_home(graph_root, driver, true, err);
    int r;

    if (home < 0)
        return home;
    r = is_overlay(driver) ? fill_overlay(home, id) : fill_vfs(home, id);
    if (r == 0)
        return 0;
    layer_remove(graph_root, driver, id, NULL);
    return fail_errno(err, -r, "making layer %s in %s/%s", id, graph_root, driver);
}

/* Remove the short link of a layer: the file "link" in its folder names it. */
static void remove_link(int home, const char *id)
{
    char link[LINK_LEN + 1], path[2 + LINK_LEN + 1];
    _cleanup_free_ char *name = str_printf("%s/link", id);
    _cleanup_close_ int fd = name ? openat(home, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    ssize_t n = fd < 0 ? -1 : read(fd, link, LINK_LEN);

    if (n != LINK_LEN)
        return;
    link[LINK_LEN] = '\0';
    if (strspn(link, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != LINK_LEN)
        return;
    snprintf(path, sizeof(path), "l/%s", link);
    unlinkat(home, path, 0);
}

int layer_remove(const char *graph_root, const char *driver, const char *id,
                 struct berth_error *err)
{
    _cleanup_free_ char *dir =
        str_printf("%s/%s/%s%s", graph_root, driver, is_overlay(driver) ? "" : "dir/", id);
    _cleanup_free_ char *merged = dir ? path_join(dir, "merged") : NULL;
    _cleanup_close_ int home = -1;

    if (!merged)
        return fail(err, ENOMEM, "out of memory");
    home = open_home(graph_root, driver, false, NULL);
    if (home < 0)
        return 0; /* no home, no layer */
    if (is_overlay(driver)) {
        if (umount2(merged, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL &&
            errno != ENOENT && errno != EPERM)
            log_warning("cannot unmount %s: %s", merged, strerror(errno));
        remove_link(home, id);
    }
    return layer_remove_tree(dir, err);
}

/* Undo the octal escapes of a path in mountinfo. */
static void unescape(char *s)
{
    char *out = s;

    while (*s) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
            s[3] >= '0' && s[3] <= '7') {
            *out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
            s += 4;
        } else {
            *out++ = *s++;
        }
    }
    *out = '\0';
}

/* Detach everything that is mounted below path, the last mount first. */
static void detach_below(const char *path)
{
    _cleanup_list_ struct berth_list points = LIST_INIT;
    _cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
    _cleanup_free_ char *line = NULL;
    size_t cap = 0;

    while (f && getline(&line, &cap, f) > 0) {
        char *at = line, *end;
        const char *rest;

        for (int i = 0; at && i < 4; i++)
            at = (at = strchr(at, ' ')) ? at + 1 : NULL;
        if (!at || !(end = strchr(at, ' ')))
            continue;
        *end = '\0';
        unescape(at);
        rest = str_starts(at, path);
        if (rest && (*rest == '/' || *rest == '\0'))
            list_add(&points, at);
    }
    for (size_t i = points.n; i-- > 0;)
        if (umount2(points.items[i], MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
            log_debug("cannot unmount %s: %s", points.items[i], strerror(errno));
}

int layer_remove_tree(const char *path, struct berth_error *err)
{
    _cleanup_free_ char *real = NULL;
    int r = fs_remove_tree(path, err);

    if (r != -EBUSY)
        return r;
    error_clear(err);
    real = realpath(path, NULL); /* as mountinfo has it */
    if (real)
        detach_below(real);
    return fs_remove_tree(path, err);
}
