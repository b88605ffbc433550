/* SPDX-License-Identifier: Apache-2.0 */
/* test_storage.c - src/storage: records as text, lookups, failures, many writers. */
#include "base/fs.h"
#include "base/id.h"
#include "base/str.h"
#include "storage/lockfile.h"
#include "storage/storage.h"
#include <check.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "aaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define L "1111111111111111111111111111111111111111111111111111111111111111"
#define P "2222222222222222222222222222222222222222222222222222222222222222"

static char dir[64];
static char graph[96], run[96];
static struct storage *st;

static void setup(void)
{
    snprintf(dir, sizeof(dir), "/tmp/test-storage.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(graph, sizeof(graph), "%s/graph", dir);
    snprintf(run, sizeof(run), "%s/run", dir);
    ck_assert_int_eq(storage_open(graph, run, NULL, &st, NULL), 0);
}

static void teardown(void)
{
    storage_close(st);
    ck_assert_int_eq(fs_remove_tree(dir, NULL), 0);
}

static char *path_in(const char *root, const char *name)
{
    char *path = path_join(root, name);

    ck_assert_ptr_nonnull(path);
    return path;
}

static void put(const char *root, const char *name, const char *text)
{
    _cleanup_free_ char *path = path_in(root, name), *parent = strdup(path);

    *strrchr(parent, '/') = '\0';
    ck_assert_int_eq(fs_mkdir_p(parent, 0700, NULL), 0);
    ck_assert_int_eq(fs_replace(path, text, strlen(text), 0600, false, NULL), 0);
}

static void holds(const char *root, const char *name, const char *expected)
{
    _cleanup_free_ char *path = path_in(root, name);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    ck_assert_int_eq(fs_read(path, 1 << 20, &text, NULL), 0);
    ck_assert_str_eq(buf_str(&text), expected);
}

static mode_t mode_of(const char *root, const char *name)
{
    _cleanup_free_ char *path = path_in(root, name);
    struct stat s;

    return lstat(path, &s) < 0 ? 0 : s.st_mode;
}

static int create(const char *id, const char *name)
{
    struct storage_new what = {.id = id, .name = name};

    return storage_container_create(st, &what, NULL, NULL, NULL);
}

static void create_ok(const char *id, const char *name)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct storage_new what = {.id = id, .name = name};
    int r = storage_container_create(st, &what, NULL, NULL, &err);

    ck_assert_msg(r == 0, "%s", error_text(&err));
}

static char *layer_of(const char *id)
{
    _cleanup_storage_container_ struct storage_container c = {0};

    ck_assert_int_eq(storage_container_lookup(st, id, &c, NULL), 0);
    return TAKE(c.layer);
}

/* ------------------------------------------------------------------ creating */

START_TEST(bytes)
{
    _cleanup_list_ struct berth_list opts = LIST_INIT;
    _cleanup_free_ char *sd = NULL, *rd = NULL, *layer = NULL, *expected = NULL;
    struct storage_new what = {.id = A,
                               .name = "box",
                               .process_label = "u:r:p",
                               .mount_label = "u:r:m",
                               .mount_opts = &opts,
                               .is_volatile = true,
                               .created = 1795291870954378850};

    list_add(&opts, "nodev");
    ck_assert_int_eq(storage_container_create(st, &what, &sd, &rd, NULL), 0);
    ck_assert(str_ends(sd, "/graph/overlay-containers/" A "/userdata"));
    ck_assert(str_ends(rd, "/run/overlay-containers/" A "/userdata"));
    ck_assert_uint_eq(mode_of(sd, ""), S_IFDIR | 0700);
    ck_assert_uint_eq(mode_of(rd, ""), S_IFDIR | 0700);
    layer = layer_of(A);
    expected = str_printf(
        "[{\"id\":\"" A "\",\"names\":[\"box\"],\"image\":\"\",\"layer\":\"%s\",\"metadata\":\""
        "{\\\"image-name\\\":\\\"\\\",\\\"image-id\\\":\\\"\\\",\\\"name\\\":\\\"box\\\","
        "\\\"created-at\\\":1795291870,\\\"mountlabel\\\":\\\"u:r:m\\\"}\","
        "\"created\":\"2026-11-21T20:11:10.95437885Z\",\"flags\":{\"MountLabel\":\"u:r:m\","
        "\"MountOpts\":[\"nodev\"],\"ProcessLabel\":\"u:r:p\",\"Volatile\":true}}]",
        layer);
    holds(graph, "overlay-containers/containers.json", expected);
    free(expected);
    expected = str_printf("[{\"id\":\"%s\",\"names\":[\"box-layer\"],\"mountlabel\":\"u:r:m\","
                          "\"created\":\"2026-11-21T20:11:10.95437885Z\"}]",
                          layer);
    holds(graph, "overlay-layers/layers.json", expected);
    ck_assert_uint_eq(mode_of(graph, "overlay-layers/layers.json"), S_IFREG | 0600);
    ck_assert_uint_eq(mode_of(graph, "overlay-containers/containers.lock"), S_IFREG | 0644);
}
END_TEST

START_TEST(metadata_of_others)
{
    _cleanup_storage_container_ struct storage_container c = {0};
    struct storage_new what = {.id = A, .name = "a", .metadata = "{\"x\":\"<\\n>\"}"};

    ck_assert_int_eq(storage_container_create(st, &what, NULL, NULL, NULL), 0);
    ck_assert_int_eq(storage_container_lookup(st, "a", &c, NULL), 0);
    ck_assert_str_eq(c.metadata, what.metadata);
    ck_assert_str_eq(c.image, "");
    ck_assert(!c.is_volatile);
    ck_assert(c.created > 0);
}
END_TEST

START_TEST(folders_of_a_layer)
{
    _cleanup_free_ char *layer = NULL, *link = NULL, *home = path_in(graph, "overlay");
    _cleanup_buf_ struct berth_buf name = BUF_INIT;
    char target[128];
    ssize_t n;

    create_ok(A, "a");
    layer = layer_of(A);
    free(home);
    home = str_printf("%s/overlay/%s", graph, layer);
    ck_assert_uint_eq(mode_of(home, ""), S_IFDIR | 0700);
    ck_assert_uint_eq(mode_of(home, "diff"), S_IFDIR | 0555);
    ck_assert_uint_eq(mode_of(home, "work"), S_IFDIR | 0700);
    ck_assert_uint_eq(mode_of(home, "merged"), S_IFDIR | 0700);
    ck_assert_uint_eq(mode_of(home, "empty"), S_IFDIR | 0700);
    link = path_in(home, "link");
    ck_assert_int_eq(fs_read(link, 100, &name, NULL), 0);
    ck_assert_uint_eq(name.len, 26);
    free(link);
    link = str_printf("%s/overlay/l/%s", graph, buf_str(&name));
    n = readlink(link, target, sizeof(target) - 1);
    ck_assert_int_gt(n, 0);
    target[n] = '\0';
    ck_assert(str_starts(target, "../") && str_ends(target, "/diff"));

    ck_assert_int_eq(storage_container_delete(st, A, NULL), 0);
    ck_assert_uint_eq(mode_of(home, ""), 0);
    ck_assert_uint_eq(mode_of(link, ""), 0);
    ck_assert_uint_eq(mode_of(graph, "overlay-containers/" A), 0);
    ck_assert_uint_eq(mode_of(run, "overlay-containers/" A), 0);
    holds(graph, "overlay-layers/layers.json", "[]");
    holds(graph, "overlay-containers/containers.json", "[]");
}
END_TEST

START_TEST(drivers)
{
    storage_close(st);
    ck_assert_int_eq(storage_open(graph, run, "vfs", &st, NULL), 0);
    create_ok(A, "a");
    {
        _cleanup_free_ char *layer = layer_of(A), *at = str_printf("vfs/dir/%s", layer);

        ck_assert_uint_eq(mode_of(graph, at), S_IFDIR | 0555);
        ck_assert_int_eq(storage_container_delete(st, A, NULL), 0);
        ck_assert_uint_eq(mode_of(graph, at), 0);
    }
    storage_close(st);
    ck_assert_int_eq(storage_open(graph, run, "btrfs", &st, NULL), 0);
    ck_assert_int_eq(create(A, "a"), -ENOTSUP);
    ck_assert_int_eq(storage_open(graph, run, "../x", &(struct storage *){0}, NULL), -EINVAL);
}
END_TEST

START_TEST(names_are_unique)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct storage_new what = {.id = B, .name = "a"};

    create_ok(A, "a");
    ck_assert_int_eq(storage_container_create(st, &what, NULL, NULL, &err), -EEXIST);
    ck_assert_str_eq(error_text(&err),
                     "the container name \"a\" is already in use by " A
                     ". You have to remove that container to be able to reuse that name: that "
                     "name is already in use");
    ck_assert_uint_eq(mode_of(graph, "overlay-containers/" B), 0);
    ck_assert_int_eq(create(A, "b"), -EEXIST);
    ck_assert_int_eq(create("short", "b"), -EINVAL);
    ck_assert_int_eq(create(B, ""), -EINVAL);
    create_ok(B, "b");
    ck_assert_int_eq(storage_container_rename(st, B, "a", NULL), -EEXIST);
    ck_assert_int_eq(storage_container_rename(st, C, "c", NULL), -ENOENT);
    ck_assert_int_eq(storage_container_rename(st, B, "c", NULL), 0);
    ck_assert_int_eq(storage_container_lookup(st, "b", NULL, NULL), -ENOENT);
    ck_assert_int_eq(storage_container_lookup(st, "c", NULL, NULL), 0);
    create_ok(C, "b");
}
END_TEST

/* The layer keeps its name when the container is renamed; the next container takes it. */
START_TEST(layer_name_moves)
{
    _cleanup_free_ char *path = path_in(graph, "overlay-layers/layers.json");
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    char *second;

    create_ok(A, "a");
    ck_assert_int_eq(storage_container_rename(st, A, "old", NULL), 0);
    create_ok(B, "a");
    ck_assert_int_eq(fs_read(path, 1 << 20, &text, NULL), 0);
    second = strstr(text.data + 10, "{\"id\":");
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_nonnull(strstr(second, "\"a-layer\""));
    ck_assert(strstr(text.data, "\"a-layer\"") > second);
}
END_TEST

/* ------------------------------------------------------------------- reading */

START_TEST(lookups)
{
    _cleanup_storage_container_ struct storage_container c = {0};
    _cleanup_free_ char *layer = NULL;

    ck_assert_int_eq(storage_container_lookup(st, "a", NULL, NULL), -ENOENT);
    ck_assert_int_eq(storage_container_exists(st, A, NULL), 0);
    ck_assert_uint_eq(mode_of(graph, ""), 0); /* looking makes nothing */
    create_ok(A, "one");
    create_ok(B, "aaaaaaaaa"); /* looks like the beginning of the other's ID */
    layer = layer_of(A);
    ck_assert_int_eq(storage_container_lookup(st, "aaaaaaaaa", &c, NULL), 0);
    ck_assert_str_eq(c.id, B);
    storage_container_clear(&c);
    ck_assert_int_eq(storage_container_lookup(st, "aaaaaaaaaa", &c, NULL), 0);
    ck_assert_str_eq(c.id, A);
    storage_container_clear(&c);
    ck_assert_int_eq(storage_container_lookup(st, layer, &c, NULL), 0);
    ck_assert_str_eq(c.id, A);
    ck_assert_int_eq(storage_container_lookup(st, "aaaa", NULL, NULL), -ENOENT);
    ck_assert_int_eq(storage_container_lookup(st, "", NULL, NULL), -ENOENT);
    ck_assert_int_eq(storage_container_exists(st, A, NULL), 1);
    ck_assert_int_eq(storage_container_exists(st, "aaaaaaaaaa", NULL), 0);
}
END_TEST

static int count(void *arg, const struct storage_container *c)
{
    _cleanup_free_ char *names = list_join(&c->names, ",");
    struct berth_buf *out = arg;

    buf_printf(out, "%.1s:%s:%s ", c->id, names, c->image);
    /* The store may be used from here. */
    ck_assert_int_eq(storage_container_exists(st, c->id, NULL), 1);
    return 0;
}

/* What podman 5 keeps of containers with --rm, and what nobody here knows. */
START_TEST(records_of_others)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    put(graph, "overlay-containers/volatile-containers.json",
        "[{\"id\":\"" C "\",\"names\":[\"rm\"],\"image\":\"img\",\"layer\":\"" L
        "\",\"flags\":{\"Volatile\":true}}]");
    put(graph, "overlay-containers/containers.json",
        " [ {\"new\" : [1.50, {\"k\":null}], \"id\":\"" A "\", \"names\":[\"a\\u0062\","
        "\"two\"],\"image\":\"i\",\"layer\":\"\"}\n,{\"id\":\"" B "\",\"names\":null} ] ");
    put(graph, "overlay-containers/containers.lock", "");
    ck_assert_int_eq(storage_container_each(st, count, &text, NULL), 0);
    ck_assert_str_eq(buf_str(&text), "a:ab,two:i a:: c:rm:img ");
    ck_assert_int_eq(create(L, "rm"), -EEXIST);
    ck_assert_int_eq(create(L, "ab"), -EEXIST);
    ck_assert_int_eq(storage_container_rename(st, A, "x\"<", NULL), 0);
    holds(graph, "overlay-containers/containers.json",
          "[{\"new\" : [1.50, {\"k\":null}], \"id\":\"" A
          "\", \"names\":[\"x\\\"\\u003c\"],\"image\":\"i\",\"layer\":\"\"},"
          "{\"id\":\"" B "\",\"names\":null}]");
    ck_assert_int_eq(storage_container_rename(st, B, "n", NULL), 0);
    ck_assert_int_eq(storage_container_delete(st, C, NULL), 0);
    holds(graph, "overlay-containers/volatile-containers.json", "[]");
    ck_assert_int_eq(storage_container_delete(st, A, NULL), 0);
    holds(graph, "overlay-containers/containers.json",
          "[{\"id\":\"" B "\",\"names\":[\"n\"]}]");
}
END_TEST

/* A container from an image: its layer has a parent, big data and a mount count. */
START_TEST(delete_with_image)
{
    put(graph, "overlay-layers/layers.json",
        "[{\"id\":\"" P "\"},{\"id\":\"" L "\",\"parent\":\"" P "\",\"diff-size\":7}]");
    put(graph, "overlay-layers/" L ".tar-split.gz", "x");
    put(graph, "overlay-layers/" L "/data", "x");
    put(graph, "overlay/" L "/diff/file", "x");
    put(graph, "overlay/" L "/link", "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    put(graph, "overlay/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ", "x");
    put(graph, "overlay/" P "/diff/file", "x");
    put(graph, "overlay-containers/containers.json",
        "[{\"id\":\"" A "\",\"names\":[\"a\"],\"image\":\"i\",\"layer\":\"" L "\"},"
        "{\"id\":\"" B "\",\"names\":[\"b\"],\"image\":\"i\",\"layer\":\"" P "\"}]");
    put(run, "overlay-layers/mountpoints.json",
        "[{\"id\":\"" P "\",\"path\":\"/p\",\"count\":1},{\"id\":\"" L
        "\",\"path\":\"/x\",\"count\":1}]");
    /* What others stand on stays. */
    ck_assert_int_eq(storage_container_delete(st, B, NULL), -EBUSY);
    ck_assert_int_eq(storage_container_delete(st, A, NULL), 0);
    holds(graph, "overlay-layers/layers.json", "[{\"id\":\"" P "\"}]");
    holds(run, "overlay-layers/mountpoints.json",
          "[{\"id\":\"" P "\",\"path\":\"/p\",\"count\":1}]");
    ck_assert_uint_eq(mode_of(graph, "overlay/" L), 0);
    ck_assert_uint_eq(mode_of(graph, "overlay/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 0);
    ck_assert_uint_eq(mode_of(graph, "overlay-layers/" L ".tar-split.gz"), 0);
    ck_assert_uint_eq(mode_of(graph, "overlay-layers/" L), 0);
    ck_assert_uint_ne(mode_of(graph, "overlay/" P "/diff/file"), 0);
}
END_TEST

START_TEST(delete_what_is_not_there)
{
    put(graph, "overlay-containers/" A "/userdata/ctr.log", "x");
    ck_assert_int_eq(storage_container_delete(st, A, NULL), -ENOENT);
    ck_assert_uint_eq(mode_of(graph, "overlay-containers/" A), 0);
    ck_assert_int_eq(storage_container_delete(st, "..", NULL), -EINVAL);
    ck_assert_int_eq(storage_container_delete(st, "", NULL), -EINVAL);
    /* A record whose layer is gone. */
    put(graph, "overlay-containers/containers.json",
        "[{\"id\":\"" A "\",\"names\":[\"a\"],\"image\":\"i\",\"layer\":\"" L "\"}]");
    ck_assert_int_eq(storage_container_delete(st, A, NULL), 0);
    holds(graph, "overlay-containers/containers.json", "[]");
}
END_TEST

START_TEST(run_directory_after_boot)
{
    _cleanup_free_ char *rd = NULL;

    create_ok(A, "a");
    ck_assert_int_eq(fs_remove_tree(run, NULL), 0);
    ck_assert_int_eq(storage_container_dirs(st, A, NULL, &rd, NULL), 0);
    ck_assert_uint_eq(mode_of(rd, ""), S_IFDIR | 0700);
    ck_assert_int_eq(storage_container_dirs(st, "../x", NULL, NULL, NULL), -EINVAL);
}
END_TEST

/* ------------------------------------------------------------------ failures */

static const char *const damages[] = {
    "{}",
    "[",
    "[{\"id\":\"" A "\"}",
    "[{\"id\":\"" A "\"}] x",
    "[{\"id\":\"" A "\"},]",
    "[{\"id\":\"" A "\",}]",
    "[{\"id\":1}]",
    "[{\"names\":[]}]",
    "[{\"id\":\"\"}]",
    "[{\"id\":\"../" A "\"}]",
    "[{\"id\":\"a/b\"}]",
    "[{\"id\":\"" A "\",\"layer\":\"../../x\"}]",
    "[{\"id\":\"" A "\",\"names\":\"a\"}]",
    "[{\"id\":\"" A "\",\"names\":[1]}]",
    "[{\"id\":\"" A "\",\"names\":[\"a\"\"b\"]}]",
    "[{\"id\":\"" A "\",\"flags\":[]}]",
    "[{\"id\":\"" A "\",\"x\":01}]",
    "[{\"id\":\"" A "\",\"x\":\"\\x\"}]",
    "[{\"id\":\"" A "\",\"x\":\"\n\"}]",
    "[{\"id\":\"" A "\",\"x\":tru}]",
    "[{\"id\":\"" A "\",\"x\":[}]}]",
    "[1]",
    "null",
};

START_TEST(damaged)
{
    const char *bad = damages[_i];
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct storage_new what = {.id = B, .name = "b"};

    put(graph, "overlay-containers/containers.json", bad);
    ck_assert_int_eq(storage_container_create(st, &what, NULL, NULL, &err), -EUCLEAN);
    ck_assert_ptr_nonnull(strstr(error_text(&err), "containers.json"));
    ck_assert_int_eq(storage_container_delete(st, A, NULL), -EUCLEAN);
    ck_assert_int_eq(storage_container_rename(st, A, "n", NULL), -EUCLEAN);
    ck_assert_int_eq(storage_container_lookup(st, "a", NULL, NULL), -EUCLEAN);
    holds(graph, "overlay-containers/containers.json", bad);
    ck_assert_uint_eq(mode_of(graph, "overlay-layers/layers.json"), 0);
    /* The same for layers, with nothing wrong in the containers. */
    put(graph, "overlay-containers/containers.json", "");
    put(graph, "overlay-layers/layers.json", bad);
    ck_assert_int_eq(create(B, "b"), -EUCLEAN);
    holds(graph, "overlay-layers/layers.json", bad);
    ck_assert_uint_eq(mode_of(graph, "overlay-containers/" B), 0);
}
END_TEST

/* Files too large to be written: nothing changes and nothing is left. */
START_TEST(full_disk)
{
    struct rlimit old, small = {0};
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct storage_new what = {.id = B, .name = "b"};

    create_ok(A, "a");
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    /* First both files fail, then the one of containers alone, which is longer. */
    for (rlim_t limit = 100; limit <= 500; limit += 400) {
        small.rlim_cur = limit;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        ck_assert_int_eq(storage_container_create(st, &what, NULL, NULL, &err), -EFBIG);
        error_clear(&err);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        ck_assert_int_eq(storage_container_exists(st, B, NULL), 0);
        ck_assert_uint_eq(mode_of(graph, "overlay-containers/" B), 0);
        ck_assert_uint_eq(mode_of(run, "overlay-containers/" B), 0);
        ck_assert_int_eq(storage_container_lookup(st, "a", NULL, NULL), 0);
        {
            _cleanup_free_ char *path = path_in(graph, "overlay-layers/layers.json");
            _cleanup_buf_ struct berth_buf text = BUF_INIT;

            ck_assert_int_eq(fs_read(path, 1 << 20, &text, NULL), 0);
            ck_assert_ptr_null(strstr(buf_str(&text), "b-layer"));
        }
    }
    create_ok(B, "b");
}
END_TEST

/* ---------------------------------------------------------------- processes */

static void worker(int number)
{
    for (int i = 0; i < 10; i++) {
        _cleanup_free_ char *name = str_printf("c%d-%d", number, i);
        char id[ID_LEN + 1];

        id_generate(id);
        if (create(id, name) < 0 || (i % 2 && storage_container_delete(st, id, NULL) < 0))
            _exit(1);
    }
    _exit(0);
}

START_TEST(many_writers)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int status, lines = 0;

    for (int i = 0; i < 8; i++)
        if (fork() == 0)
            worker(i);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_gt(wait(&status), 0);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    ck_assert_int_eq(storage_container_each(st, count, &text, NULL), 0);
    for (const char *at = buf_str(&text); *at; at++)
        lines += *at == ' ';
    ck_assert_int_eq(lines, 40);
}
END_TEST

/* Another process changes the store between two calls of this one. */
START_TEST(changes_of_others)
{
    _cleanup_storage_ struct storage *other = NULL;
    struct storage_new what = {.id = B, .name = "b"};

    create_ok(A, "a");
    ck_assert_int_eq(storage_open(graph, run, "overlay2", &other, NULL), 0);
    ck_assert_int_eq(storage_container_create(other, &what, NULL, NULL, NULL), 0);
    ck_assert_int_eq(storage_container_exists(st, B, NULL), 1);
    ck_assert_int_eq(storage_container_delete(other, A, NULL), 0);
    create_ok(A, "a");
    ck_assert_int_eq(storage_container_exists(other, A, NULL), 1);
    ck_assert_int_eq(storage_container_exists(other, B, NULL), 1);
}
END_TEST

START_TEST(token)
{
    _cleanup_free_ char *path = path_in(graph, "x/y.lock");
    _cleanup_buf_ struct berth_buf one = BUF_INIT, two = BUF_INIT;
    uint32_t pid;
    int fd = lockfile_take(path, true, NULL);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(lockfile_touch(fd, path, NULL), 0);
    close(fd);
    ck_assert_int_eq(fs_read(path, 1000, &one, NULL), 0);
    fd = lockfile_take(path, true, NULL);
    ck_assert_int_eq(lockfile_touch(fd, path, NULL), 0);
    close(fd);
    ck_assert_int_eq(fs_read(path, 1000, &two, NULL), 0);
    ck_assert_uint_eq(one.len, 64);
    ck_assert_uint_eq(two.len, 64);
    ck_assert_int_ne(memcmp(one.data, two.data, 64), 0);
    memcpy(&pid, one.data + 16, 4);
    ck_assert_uint_eq(pid, (uint32_t)getpid());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("storage");
    TCase *tc = tcase_create("storage");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, bytes);
    tcase_add_test(tc, metadata_of_others);
    tcase_add_test(tc, folders_of_a_layer);
    tcase_add_test(tc, drivers);
    tcase_add_test(tc, names_are_unique);
    tcase_add_test(tc, layer_name_moves);
    tcase_add_test(tc, lookups);
    tcase_add_test(tc, records_of_others);
    tcase_add_test(tc, delete_with_image);
    tcase_add_test(tc, delete_what_is_not_there);
    tcase_add_test(tc, run_directory_after_boot);
    tcase_add_loop_test(tc, damaged, 0, (int)ARRAY_LEN(damages));
    tcase_add_test(tc, full_disk);
    tcase_add_test(tc, many_writers);
    tcase_add_test(tc, changes_of_others);
    tcase_add_test(tc, token);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
