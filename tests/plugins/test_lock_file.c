/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of lock_file's insides: the directory, and programs that lock files as podman does. */
#include <berth/lock.h>

#include "tests/lib/testhost.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct testhost *th;
static const struct berth_host *host;
static const struct berth_plugin *plugin;
static struct berth_lock_ops ops;
static struct berth_config *cfg;
static struct berth_error *err;
static struct berth_place place;
static char dir[128], path[160];

static void setup(void)
{
    const char *tmp = getenv("TMPDIR");

    umask(022);
    th = testhost_new();
    host = testhost_host(th);
    plugin = testhost_load(NULL, "lock_file");
    ck_assert_ptr_nonnull(plugin);
    testhost_ops(plugin, &ops, sizeof(ops));
    cfg = testhost_config_new(plugin);
    err = testhost_error_new();
    snprintf(dir, sizeof(dir), "%s/berth-locks-XXXXXX", tmp && strlen(tmp) < 96 ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    place = (struct berth_place){.size = sizeof(place), .tmp_dir = dir};
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(name);
}

static void teardown(void)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    testhost_error_free(err);
    testhost_config_free(cfg);
    testhost_free(th);
}

static int try_open(uint32_t flags, struct berth_locks **l)
{
    *l = NULL;
    testhost_error_clear(err);
    return ops.open(host, &place, cfg, flags, l, err);
}

static struct berth_locks *open_locks(uint32_t flags)
{
    struct berth_locks *l;
    int r = try_open(flags, &l);

    ck_assert_msg(r == 0, "open: %d, %s", r, testhost_error_text(err));
    return l;
}

#define ck_fails(code, call)                                                                   \
    do {                                                                                       \
        testhost_error_clear(err);                                                             \
        ck_assert_int_eq((call), -(code));                                                     \
        ck_assert_int_eq(testhost_error_code(err), (code));                                    \
        ck_assert_uint_eq(testhost_error_calls(err), 1);                                       \
    } while (0)

static const char *in_dir(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void touch(const char *name)
{
    int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    ck_assert_int_ge(fd, 0);
    close(fd);
}

static int exists(const char *name)
{
    struct stat st;

    return lstat(in_dir(name), &st) == 0;
}

/* What podman's lock() does; the descriptor is the lock. */
static int podman_lock(uint32_t id, int cmd)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char name[32];
    int fd;

    snprintf(name, sizeof(name), "locks/%u", id);
    fd = open(in_dir(name), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    if (fcntl(fd, cmd, &range) == 0)
        return fd;
    close(fd);
    return -1;
}

/* A process that locks as podman does, says so, and waits to be killed. */
static pid_t podman_holds(uint32_t id)
{
    int fds[2];
    char c;
    pid_t pid;

    ck_assert_int_eq(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        if (podman_lock(id, F_SETLK) < 0 || write(fds[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(fds[1]);
    ck_assert_int_eq(read(fds[0], &c, 1), 1);
    close(fds[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Can another process, locking as podman does, have it now? */
static int podman_gets(uint32_t id)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(podman_lock(id, F_SETLK) >= 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

/* ---------------------------------------------------------------- directory */

START_TEST(test_layout)
{
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);
    struct stat st;
    uint32_t id;

    ck_assert_int_eq(stat(in_dir("locks"), &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFDIR | 0711);
    ck_assert_int_eq(ops.allocate(l, &id, err), 0);
    ck_assert_int_eq(ops.claim(l, 4294967295u, err), 0);
    ck_assert_int_eq(stat(in_dir("locks/0"), &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0644);
    ck_assert_int_eq(st.st_size, 0);
    ck_assert(exists("locks/4294967295"));
    ck_assert_int_eq(ops.acquire(l, 4294967295u, BERTH_NO_WAIT, err), 0);
    ck_assert_int_eq(ops.drop(l, 4294967295u, err), 0);
    ck_assert_int_eq(ops.acquire(l, 0, BERTH_NO_WAIT, err), 0);
    ck_assert_int_eq(ops.drop(l, 0, err), 0);
    ck_assert_int_eq(stat(in_dir("locks/0"), &st), 0);
    ck_assert_int_eq(st.st_size, 0);
    ck_assert_int_eq(ops.release(l, 0, err), 0);
    ck_assert(!exists("locks/0"));
    /* Locking a number that is not allocated makes no file, which would allocate it. */
    ck_assert_int_eq(ops.acquire(l, 17, BERTH_NO_WAIT, err), 0);
    ck_assert(!exists("locks/17"));
    ck_assert_int_eq(ops.drop(l, 17, err), 0);
    ck_assert(!exists("locks/17"));
    ops.close(l);
}
END_TEST

START_TEST(test_strangers)
{
    struct berth_lock_count c = {.size = sizeof(c)};
    static const char *const names[] = {"locks/x",  "locks/01",         "locks/-1", "locks/1x",
                                        "locks/00", "locks/4294967296", "locks/.0"};
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        touch(names[i]);
    touch("locks/3");
    ck_assert_int_eq(ops.count(l, &c, err), 0);
    ck_assert_uint_eq(c.allocated, 1);
    ck_assert_uint_eq(c.available, UINT32_MAX);
    ck_assert_int_eq(ops.release_all(l, err), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ck_assert(exists(names[i]));
    ck_assert(!exists("locks/3"));
    ops.close(l);
}
END_TEST

START_TEST(test_not_a_file)
{
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);

    ck_assert_int_eq(mkdir(in_dir("locks/0"), 0700), 0);
    ck_assert_int_eq(mkfifo(in_dir("locks/1"), 0600), 0);
    touch("target");
    ck_assert_int_eq(symlink("../target", in_dir("locks/2")), 0);
    for (uint32_t id = 0; id < 3; id++) {
        ck_fails(EUCLEAN, ops.acquire(l, id, BERTH_NO_WAIT, err));
        ck_fails(EEXIST, ops.claim(l, id, err));
    }
    ck_assert_int_lt(ops.release(l, 0, NULL), 0);
    ops.close(l);
}
END_TEST

START_TEST(test_open)
{
    struct berth_locks *l;

    ck_assert_int_eq(try_open(0, &l), -ENOENT);
    place.flags = BERTH_PLACE_READONLY;
    ck_assert_int_eq(try_open(BERTH_LOCK_CREATE, &l), -ENOENT);
    place.flags = 0;
    ops.close(open_locks(BERTH_LOCK_CREATE));
    place.flags = BERTH_PLACE_READONLY;
    l = open_locks(BERTH_LOCK_RECREATE);
    ck_fails(EROFS, ops.claim(l, 1, err));
    ops.close(l);
    place.tmp_dir = NULL;
    ck_assert_int_eq(try_open(BERTH_LOCK_CREATE, &l), -EINVAL);
    place.tmp_dir = in_dir("absent");
    ck_assert_int_eq(try_open(BERTH_LOCK_CREATE, &l), -ENOENT);
    place.tmp_dir = dir;
    place.flags = 0;
    ck_assert_int_eq(rmdir(in_dir("locks")), 0);
    touch("locks");
    ck_assert_int_lt(try_open(BERTH_LOCK_CREATE, &l), 0);
    ck_assert_uint_eq(testhost_error_calls(err), 1);
}
END_TEST

/* ------------------------------------------------------------------- podman */

START_TEST(test_podman_holds)
{
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);
    uint32_t id;
    pid_t pid;

    ck_assert_int_eq(ops.allocate(l, &id, err), 0);
    pid = podman_holds(0);
    ck_fails(EBUSY, ops.acquire(l, 0, BERTH_NO_WAIT, err));
    ck_fails(ETIMEDOUT, ops.acquire(l, 0, 1, err));
    end(pid);
    ck_assert_int_eq(ops.acquire(l, 0, BERTH_WAIT_FOREVER, err), 0);
    ck_assert_int_eq(podman_gets(0), 0);
    ck_assert_int_eq(ops.drop(l, 0, err), 0);
    ck_assert_int_eq(podman_gets(0), 1);
    ops.close(l);
}
END_TEST

/* Closing a descriptor of a file takes away classic locks, and must not take ours. */
START_TEST(test_other_descriptor)
{
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);
    uint32_t id;

    ck_assert_int_eq(ops.allocate(l, &id, err), 0);
    ck_assert_int_eq(ops.acquire(l, 0, BERTH_NO_WAIT, err), 0);
    close(open(in_dir("locks/0"), O_RDWR | O_CLOEXEC));
    close(open(in_dir("locks.guard"), O_RDWR | O_CLOEXEC));
    ck_assert_int_eq(podman_gets(0), 0);
    ck_assert_int_eq(ops.drop(l, 0, err), 0);
    ops.close(l);
}
END_TEST

/* podman removes a number's file while somebody waits for it, and makes it again. */
START_TEST(test_recreated)
{
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);
    uint32_t id;
    pid_t pid;

    ck_assert_int_eq(ops.allocate(l, &id, err), 0);
    pid = podman_holds(0);
    ck_assert_int_eq(unlink(in_dir("locks/0")), 0);
    /* Nobody has it by that name. */
    ck_assert_int_eq(ops.acquire(l, 0, BERTH_NO_WAIT, err), 0);
    ck_assert_int_eq(ops.drop(l, 0, err), 0);
    ck_assert_int_eq(ops.claim(l, 0, err), 0);
    ck_assert_int_eq(ops.acquire(l, 0, BERTH_NO_WAIT, err), 0);
    ck_assert_int_eq(podman_gets(0), 0);
    ck_assert_int_eq(ops.drop(l, 0, err), 0);
    end(pid);
    ops.close(l);
}
END_TEST

struct holds {
    uint32_t ids[8];
    int n;
};

static int note_held(void *arg, uint32_t id)
{
    struct holds *h = arg;

    if (h->n < 8)
        h->ids[h->n++] = id;
    return 0;
}

START_TEST(test_held)
{
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);
    struct holds h = {.n = 0};
    pid_t podman, ours;
    uint64_t seen = 0;
    int fds[2];
    char c;

    for (uint32_t id = 0; id < 4; id++)
        ck_assert_int_eq(ops.claim(l, id, err), 0);
    podman = podman_holds(2);
    ck_assert_int_eq(pipe(fds), 0);
    ours = fork();
    if (ours == 0) {
        struct berth_locks *mine;

        ops.forked(l);
        mine = open_locks(0);
        /* Two neighbours and one that is not allocated. */
        if (ops.acquire(mine, 1, BERTH_NO_WAIT, NULL) ||
            ops.acquire(mine, 0, BERTH_NO_WAIT, NULL) ||
            ops.acquire(mine, 40, BERTH_NO_WAIT, NULL) || write(fds[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(fds[0], &c, 1), 1);
    ck_assert_int_eq(ops.acquire(l, 30, BERTH_NO_WAIT, err), 0);
    ck_assert_int_eq(ops.held(l, note_held, &h, err), 0);
    ck_assert_int_eq(h.n, 5);
    for (int i = 0; i < h.n; i++)
        seen |= 1ull << h.ids[i];
    ck_assert_uint_eq(seen, 1ull | 1ull << 1 | 1ull << 2 | 1ull << 30 | 1ull << 40);
    ck_assert_int_eq(ops.drop(l, 30, err), 0);
    end(podman);
    end(ours);
    h.n = 0;
    ck_assert_int_eq(ops.held(l, note_held, &h, err), 0);
    ck_assert_int_eq(h.n, 0);
    ops.close(l);
}
END_TEST

/* ------------------------------------------------------------------ threads */

static void *lock_and_end(void *arg)
{
    return ops.acquire(arg, 9, BERTH_NO_WAIT, NULL) == 0 ? arg : NULL;
}

START_TEST(test_thread_ends)
{
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pthread_create(&thread, NULL, lock_and_end, l), 0);
    pthread_join(thread, &result);
    ck_assert_ptr_eq(result, l);
    ck_fails(EPERM, ops.drop(l, 9, err));
    ck_assert_int_eq(ops.acquire(l, 9, BERTH_NO_WAIT, err), 0);
    ck_assert_int_eq(ops.drop(l, 9, err), 0);
    ops.close(l);
}
END_TEST

START_TEST(test_two_instances)
{
    struct berth_locks *a = open_locks(BERTH_LOCK_CREATE), *b = open_locks(0);

    ck_assert_int_eq(ops.acquire(a, 1, BERTH_NO_WAIT, err), 0);
    ck_fails(EDEADLK, ops.acquire(b, 1, BERTH_WAIT_FOREVER, err));
    ck_assert_int_eq(ops.acquire(b, 2, BERTH_NO_WAIT, err), 0);
    ops.close(b); /* takes 2 with it, and leaves 1 */
    ck_fails(EDEADLK, ops.acquire(a, 1, BERTH_WAIT_FOREVER, err));
    ck_assert_int_eq(ops.acquire(a, 2, BERTH_NO_WAIT, err), 0);
    ck_assert_int_eq(ops.drop(a, 1, err), 0);
    ck_assert_int_eq(ops.drop(a, 2, err), 0);
    ops.close(a);
}
END_TEST

/* Somebody tidies up the temporary directory under us. */
START_TEST(test_guard_removed)
{
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);

    ck_assert_int_eq(ops.acquire(l, 1, BERTH_NO_WAIT, err), 0);
    ck_assert_int_eq(unlink(in_dir("locks.guard")), 0);
    ck_assert_int_eq(ops.acquire(l, 2, BERTH_NO_WAIT, err), 0);
    ck_assert(exists("locks.guard"));
    ck_assert_int_eq(ops.drop(l, 1, err), 0);
    ck_assert_int_eq(ops.drop(l, 2, err), 0);
    ops.close(l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lock_file");
    TCase *t = tcase_create("lock_file");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_layout);
    tcase_add_test(t, test_strangers);
    tcase_add_test(t, test_not_a_file);
    tcase_add_test(t, test_open);
    tcase_add_test(t, test_podman_holds);
    tcase_add_test(t, test_other_descriptor);
    tcase_add_test(t, test_recreated);
    tcase_add_test(t, test_held);
    tcase_add_test(t, test_thread_ends);
    tcase_add_test(t, test_two_instances);
    tcase_add_test(t, test_guard_removed);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
