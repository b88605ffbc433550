/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storage_rootfs.c - mounting and unmounting a container's root, on a machine of its own:
 * run by storage_rootfs.sh as root in a private mount namespace.
 *
 *   storage_rootfs DIR      an empty directory to work in
 */
#include "base/fs.h"
#include "base/str.h"
#include "engine/rootfs.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#define TMPFS_MAGIC   0x01021994
#define OVERLAY_MAGIC 0x794c7630

static const char *dir;

/* Weak: the container's own file has them too, but would bring the whole engine with it. */
__attribute__((weak)) const char *ctr_static_dir(const struct ctr *c)
{
    return json_str(c->config, "staticDir");
}

__attribute__((weak)) const char *ctr_run_dir(const struct ctr *c)
{
    return json_str(c->state, "runDir");
}

#define check(what)                                                                            \
    do {                                                                                       \
        if (!(what)) {                                                                         \
            printf("FAIL: line %d: %s\n", __LINE__, #what);                                    \
            exit(1);                                                                           \
        }                                                                                      \
    } while (0)

static char *in(const char *name)
{
    char *path = str_printf("%s/%s", dir, name);

    check(path);
    return path;
}

static void make_dir(const char *name)
{
    _cleanup_free_ char *path = in(name);

    check(fs_mkdir_p(path, 0755, NULL) == 0);
}

static long magic(const char *name)
{
    _cleanup_free_ char *path = in(name);
    struct statfs st;

    return statfs(path, &st) < 0 ? -errno : (long)st.f_type;
}

static struct stat look(const char *name)
{
    _cleanup_free_ char *path = in(name);
    struct stat st = {0};

    if (lstat(path, &st) < 0)
        st.st_mode = 0;
    return st;
}

static void put(const char *name, const char *text)
{
    _cleanup_free_ char *path = in(name);

    check(fs_replace(path, text, strlen(text), 0644, false, NULL) == 0);
}

static bool link_is(const char *name, const char *target)
{
    _cleanup_free_ char *path = in(name);
    char text[256];
    ssize_t n = readlink(path, text, sizeof(text) - 1);

    return n == (ssize_t)strlen(target) && memcmp(text, target, (size_t)n) == 0;
}

/* A container with its folders below dir: SD sd/userdata, RD rd/userdata, root `root`. */
static void make(struct ctr *c, const char *root, bool overlay)
{
    _cleanup_free_ char *sd = in("sd/userdata"), *rd = in("rd/userdata"), *path = in(root);
    _cleanup_free_ char *shm = in("sd/userdata/shm");

    memset(c, 0, sizeof(*c));
    strcpy(c->id, "c0ffee");
    make_dir("sd/userdata");
    make_dir("rd/userdata");
    c->config = json_new();
    c->state = json_new();
    json_set_str(c->config, "staticDir", sd);
    json_set_str(c->config, "rootfs", path);
    json_opt_bool(c->config, "rootfs_overlay", overlay);
    json_set_str(c->config, "ShmDir", shm);
    json_set_i64(c->config, "shmSize", 65536);
    json_add_str(json_need_array(c->config, "mounts"), shm);
    json_set_str(c->state, "runDir", rd);
}

static void done(struct ctr *c)
{
    json_object_put(c->config);
    json_object_put(c->state);
}

static void mounted(struct ctr *c)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    if (rootfs_mount(c, &err) < 0) {
        printf("FAIL: %s\n", error_text(&err));
        exit(1);
    }
    check(json_flag(c->state, "mounted", false));
    check(magic("sd/userdata/shm") == TMPFS_MAGIC);
    check((look("sd/userdata/shm").st_mode & 07777) == 01777);
}

static void unmounted(struct ctr *c)
{
    check(rootfs_unmount(c, NULL) == 0);
    check(!json_get(c->state, "mounted") && !json_get(c->state, "mountPoint"));
    check(magic("sd/userdata/shm") != TMPFS_MAGIC);
    check(rootfs_unmount(c, NULL) == 0); /* nothing left to do is fine */
}

static void plain(void)
{
    _cleanup_free_ char *root = in("plain"), *mtab = in("plain/etc/mtab");
    struct ctr c;

    make_dir("plain");
    make(&c, "plain", false);
    mounted(&c);
    check(str_eq(json_str(c.state, "mountPoint"), root));
    check(S_ISDIR(look("plain/etc").st_mode) && (look("plain/etc").st_mode & 07777) == 0755);
    check(link_is("plain/etc/mtab", "/proc/mounts"));
    check(rootfs_mount(&c, NULL) == 0); /* mounted already */
    unmounted(&c);

    /* What is there stays: mtab of another kind. */
    check(unlink(mtab) == 0);
    put("plain/etc/mtab", "mine");
    mounted(&c);
    check(S_ISREG(look("plain/etc/mtab").st_mode));
    unmounted(&c);

    /* The shared memory of others is theirs. */
    json_del(c.config, "mounts");
    check(rootfs_mount(&c, NULL) == 0);
    check(magic("sd/userdata/shm") != TMPFS_MAGIC);
    check(rootfs_unmount(&c, NULL) == 0);
    done(&c);
}

/* Links in the container's files lead nowhere else. */
static void links(void)
{
    _cleanup_free_ char *outside = in("outside"), *link = in("linked/etc");
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct ctr c;

    make_dir("outside");
    make_dir("linked");
    check(symlink(outside, link) == 0);
    make(&c, "linked", false);
    /* In the root there is no such directory, though there is one outside. */
    check(rootfs_mount(&c, &err) == -ENOENT);
    check(strstr(error_text(&err), "open /etc in the container"));
    check(!look("outside/mtab").st_mode);
    check(!json_flag(c.state, "mounted", false));
    check(magic("sd/userdata/shm") != TMPFS_MAGIC);

    check(unlink(link) == 0 && symlink("/../../../conf", link) == 0);
    make_dir("linked/conf");
    mounted(&c);
    check(link_is("linked/conf/mtab", "/proc/mounts"));
    unmounted(&c);
    done(&c);
}

static void overlay(void)
{
    _cleanup_free_ char *merge = in("rd/rootfs/merge"), *low = in("lo,w:er");
    struct ctr c;

    make_dir("lo,w:er");
    check(chmod(low, 0750) == 0 && chown(low, 7, 8) == 0);
    put("lo,w:er/file", "old");
    make(&c, "lo,w:er", true);
    mounted(&c);
    check(str_eq(json_str(c.state, "mountPoint"), merge));
    check(magic("rd/rootfs/merge") == OVERLAY_MAGIC);
    check((look("rd/rootfs/merge").st_mode & 07777) == 0750);
    check(look("rd/rootfs/merge/file").st_size == 3);
    put("rd/rootfs/merge/new", "x");
    check(!look("lo,w:er/new").st_mode && !look("lo,w:er/etc").st_mode);
    unmounted(&c);
    check(magic("rd/rootfs/merge") != OVERLAY_MAGIC);

    /* As with podman, what was written is there at the next start. */
    mounted(&c);
    check(look("rd/rootfs/merge/new").st_size == 1);
    /* Killed before cleanup: the state knows of no mount, and there is none on top. */
    json_del(c.state, "mounted");
    mounted(&c);
    check(rootfs_unmount(&c, NULL) == 0);
    check(magic("rd/rootfs/merge") != OVERLAY_MAGIC);
    check(magic("sd/userdata/shm") != TMPFS_MAGIC);

    /* The root of an overlay is the user's. */
    check(look("rd/rootfs/upper").st_uid == 0 && look("rd/rootfs/upper").st_gid == 0);
    json_set_str(c.config, "user", "1000:50");
    mounted(&c);
    check(look("rd/rootfs/merge").st_uid == 1000 && look("rd/rootfs/merge").st_gid == 50);
    check(look("lo,w:er").st_uid == 7);
    unmounted(&c);
    json_set_str(c.config, "user", "nobody-knows");
    check(rootfs_mount(&c, NULL) < 0);
    check(magic("rd/rootfs/merge") != OVERLAY_MAGIC);
    done(&c);
}

static void mapped(void)
{
    json *map = json_new_array(), *range = json_new(), *maps = json_new();
    struct ctr c;

    make_dir("mapped");
    make(&c, "mapped", false);
    json_set_i64(range, "container_id", 0);
    json_set_i64(range, "host_id", 100000);
    json_set_i64(range, "size", 65536);
    json_add(map, range);
    json_set(maps, "UIDMap", map);
    json_set(maps, "GIDMap", json_ref(map));
    json_set(c.config, "idMappingsOptions", maps);
    mounted(&c);
    check(look("sd/userdata/shm").st_uid == 100000 && look("mapped/etc").st_gid == 100000);
    check(look("mapped/etc/mtab").st_uid == 100000);
    unmounted(&c);
    done(&c);
}

static void refused(void)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct ctr c;

    make(&c, "not-there", false);
    check(rootfs_mount(&c, &err) == -ENOENT);
    error_clear(&err);
    json_set_bool(c.config, "rootfs_overlay", true);
    check(rootfs_mount(&c, &err) == -ENOENT);
    error_clear(&err);
    check(magic("sd/userdata/shm") != TMPFS_MAGIC);
    done(&c);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    dir = argv[1];
    plain();
    links();
    overlay();
    mapped();
    refused();
    puts("ok");
    return 0;
}
