/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of lock_shm's insides: the bytes of the segment, damage, and other programs. */
#include <berth/lock.h>

#include "tests/lib/testhost.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The layout is written down a second time here, in numbers, as podman's was measured. */
#if defined(__x86_64__)
enum { MUTEX = 40, KIND = 16, HEADER = 56, N_BITMAPS = 48, GROUP = 1288 };
#elif defined(__aarch64__)
enum { MUTEX = 48, KIND = 16, HEADER = 64, N_BITMAPS = 56, GROUP = 1544 };
#else
#error "the layout on this machine has not been measured"
#endif

static struct testhost *th;
static const struct berth_host *host;
static const struct berth_plugin *plugin;
static struct berth_lock_ops ops;
static struct berth_config *cfg;
static struct berth_error *err;
static struct berth_place place;
static char name[64], path[96];

static void setup(void)
{
    th = testhost_new();
    host = testhost_host(th);
    plugin = testhost_load(NULL, "lock_shm");
    ck_assert_ptr_nonnull(plugin);
    testhost_ops(plugin, &ops, sizeof(ops));
    cfg = testhost_config_new(plugin);
    err = testhost_error_new();
    place = (struct berth_place){.size = sizeof(place), .tmp_dir = "/nowhere"};
    snprintf(name, sizeof(name), "/berth-test-%d", (int)getpid());
    snprintf(path, sizeof(path), "/dev/shm%s", name);
    testhost_config_set(cfg, "name", name);
    testhost_config_set(cfg, "count", "64");
}

static void teardown(void)
{
    if (unlink(path) < 0)
        rmdir(path);
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

/* The file's bytes; free() them. */
static unsigned char *read_segment(size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    unsigned char *bytes;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    *size = (size_t)st.st_size;
    bytes = malloc(*size + 1);
    ck_assert_int_eq(read(fd, bytes, *size), (ssize_t)*size);
    close(fd);
    return bytes;
}

static void write_segment(const unsigned char *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static uint32_t get32(const unsigned char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static void set32(unsigned char *p, uint32_t v)
{
    memcpy(p, &v, sizeof(v));
}

/* The segment mapped as another program would. */
static unsigned char *map_segment(void)
{
    int fd = shm_open(name, O_RDWR, 0);
    struct stat st;
    unsigned char *map;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(map, MAP_FAILED);
    close(fd);
    return map;
}

static pthread_mutex_t *raw_mutex(unsigned char *map, uint32_t id)
{
    return (pthread_mutex_t *)(void *)(map + HEADER + id / 32 * GROUP + 8 + id % 32 * MUTEX);
}

/* A process that gets a mutex by hand, says so, and waits to be killed. */
static pid_t hold_raw(pthread_mutex_t *m)
{
    int fds[2];
    char c;
    pid_t pid;

    ck_assert_int_eq(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        int r = pthread_mutex_lock(m);

        if (r != 0 && r != EOWNERDEAD)
            _exit(1);
        if (write(fds[1], "x", 1) != 1)
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

/* ------------------------------------------------------------------- layout */

START_TEST(test_bytes)
{
    struct berth_locks *l;
    unsigned char *bytes, *want;
    size_t size;
    uint32_t id;

    testhost_config_set(cfg, "count", "2048");
    l = open_locks(BERTH_LOCK_CREATE);
    bytes = read_segment(&size);
    ck_assert_uint_eq(size, HEADER + 64 * GROUP);
#ifdef __x86_64__
    ck_assert_uint_eq(size, 82488);
#endif
    want = calloc(1, size);
    memcpy(want, "\xd1\x87", 2);
    want[8 + KIND] = 0x90;
    set32(want + N_BITMAPS, 64);
    set32(want + N_BITMAPS + 4, 2048);
    for (int i = 0; i < 2048; i++)
        want[HEADER + i / 32 * GROUP + 8 + i % 32 * MUTEX + KIND] = 0x90;
    ck_assert_mem_eq(bytes, want, size);
    free(bytes);

    ck_assert_int_eq(ops.allocate(l, &id, err), 0);
    ck_assert_int_eq(ops.claim(l, 63, err), 0);
    ck_assert_int_eq(ops.claim(l, 2047, err), 0);
    bytes = read_segment(&size);
    ck_assert_uint_eq(get32(bytes + HEADER), 1);
    ck_assert_uint_eq(get32(bytes + HEADER + GROUP), 0x80000000u);
    ck_assert_uint_eq(get32(bytes + HEADER + 63 * GROUP), 0x80000000u);
    /* Nothing but the bitmaps and the lock that guards them has changed. */
    memcpy(want + 8, bytes + 8, MUTEX);
    for (int g = 0; g < 64; g++)
        memcpy(want + HEADER + g * GROUP, bytes + HEADER + g * GROUP, 4);
    ck_assert_mem_eq(bytes, want, size);
    free(bytes);
    free(want);
    ops.close(l);
}
END_TEST

START_TEST(test_mode)
{
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);
    struct stat st;

    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
    ck_assert_uint_eq(st.st_nlink, 1);
    ck_assert_int_gt(st.st_blocks, 0);
    ops.close(l);
}
END_TEST

START_TEST(test_counts)
{
    struct berth_lock_count c = {.size = sizeof(c)};
    static const char *const bad[] = {"0", "-1", "2097152", "4294967297"};
    struct berth_locks *l;

    testhost_config_set(cfg, "count", "33");
    l = open_locks(BERTH_LOCK_CREATE);
    ck_assert_int_eq(ops.count(l, &c, err), 0);
    ck_assert_uint_eq(c.available, 64);
    ops.close(l);
    testhost_config_set(cfg, "count", "64");
    ops.close(open_locks(0));
    testhost_config_set(cfg, "count", "65");
    ck_assert_int_eq(try_open(BERTH_LOCK_CREATE, &l), -ERANGE);
    ck_assert_ptr_nonnull(strstr(testhost_error_text(err), "64"));
    ck_assert_ptr_nonnull(strstr(testhost_error_text(err), path));
    testhost_config_set(cfg, "count", "32");
    ck_assert_int_eq(try_open(0, &l), -ERANGE);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        testhost_config_set(cfg, "count", bad[i]);
        ck_assert_int_eq(try_open(BERTH_LOCK_CREATE, &l), -EINVAL);
    }
}
END_TEST

START_TEST(test_names)
{
    char longest[260];
    struct berth_locks *l;
    static const char *const bad[] = {"", "/", "a/b", "//a", "..", ".", "/a/"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        testhost_config_set(cfg, "name", bad[i]);
        ck_assert_int_eq(try_open(BERTH_LOCK_CREATE, &l), -EINVAL);
    }
    memset(longest, 'x', sizeof(longest));
    longest[255] = '\0';
    testhost_config_set(cfg, "name", longest);
    ck_assert_int_eq(try_open(0, &l), -EINVAL);
    longest[254] = '\0';
    testhost_config_set(cfg, "name", longest);
    ck_assert_int_eq(try_open(0, &l), -ENOENT);

    /* Without the option, rootless users have a name with their number in it. */
    testhost_config_free(cfg);
    cfg = testhost_config_new(plugin);
    testhost_config_set(cfg, "count", "64");
    place.flags = BERTH_PLACE_ROOTLESS;
    place.uid = 4000000000u + (uint32_t)getpid();
    snprintf(path, sizeof(path), "/dev/shm/libpod_rootless_lock_%u", place.uid);
    ops.close(open_locks(BERTH_LOCK_CREATE));
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

/* ------------------------------------------------------------------- damage */

struct damage {
    long size; /* cut or extend to this; -1: leave it */
    long at;   /* write VALUE there; -1: nothing */
    uint32_t value;
    const char *says;
};

static const struct damage damages[] = {
    {0, -1, 0, "empty"},
    {1, -1, 0, "truncated"},
    {7, -1, 0, "truncated"},
    {HEADER - 1, -1, 0, "truncated"},
    {HEADER, -1, 0, "truncated"},
    {HEADER + 4, -1, 0, "truncated"},
    {HEADER + GROUP - 1, -1, 0, "truncated"},
    {HEADER + GROUP, -1, 0, "truncated"},
    {4096, -1, 0, "too long"},
    {HEADER + 2 * GROUP - 1, -1, 0, "truncated"},
    {HEADER + 2 * GROUP + 1, -1, 0, "too long"},
    {-1, 0, 0x000087d2, "begins with 0x87d2"},
    {-1, 0, 0x0000d187, "begins with 0xd187"},
    {-1, 0, 0x000187d1, "version 1"},
    {-1, 0, 0, "half a header"},
    {-1, N_BITMAPS, 0, "half a header"},
    {-1, N_BITMAPS, 3, "groups"},
    {-1, N_BITMAPS, 0x08000002, "groups"},
    {-1, N_BITMAPS + 4, 0, "half a header"},
    {-1, N_BITMAPS + 4, 63, "groups"},
    {-1, N_BITMAPS + 4, 0xffffffff, "groups"},
    {-1, 8 + KIND, 0, "no mutexes"},
    {-1, HEADER + 2 * GROUP - MUTEX + KIND, 0, "no mutexes"},
};

START_TEST(test_damage)
{
    const struct damage *d = &damages[_i];
    unsigned char *bytes, *after, *good;
    size_t size, new_size, after_size;
    struct berth_locks *l;

    ops.close(open_locks(BERTH_LOCK_CREATE));
    good = read_segment(&size);
    ck_assert_uint_eq(size, HEADER + 2 * GROUP);
    new_size = d->size < 0 ? size : (size_t)d->size;
    bytes = calloc(1, new_size + 1);
    memcpy(bytes, good, new_size < size ? new_size : size);
    if (d->at >= 0)
        set32(bytes + d->at, d->value);
    write_segment(bytes, new_size);

    ck_assert_int_eq(try_open(BERTH_LOCK_CREATE, &l), -EUCLEAN);
    ck_assert_uint_eq(testhost_error_calls(err), 1);
    ck_assert_msg(strstr(testhost_error_text(err), d->says) != NULL, "%s",
                  testhost_error_text(err));
    ck_assert_ptr_nonnull(strstr(testhost_error_text(err), path));
    after = read_segment(&after_size);
    ck_assert_uint_eq(after_size, new_size);
    ck_assert_mem_eq(after, bytes, new_size);

    if (d->at >= 0 && d->value != 0) { /* the others take a second each, as above */
        l = open_locks(BERTH_LOCK_RECREATE);
        ck_assert_int_eq(ops.acquire(l, 5, BERTH_NO_WAIT, err), 0);
        ck_assert_int_eq(ops.drop(l, 5, err), 0);
        ops.close(l);
    }
    free(after);
    free(bytes);
    free(good);
}
END_TEST

/* All zero, as after ftruncate(): nobody finishes it. */
START_TEST(test_unfinished)
{
    unsigned char zero[HEADER + 2 * GROUP] = {0};
    struct berth_locks *l;

    write_segment(zero, sizeof(zero));
    ck_assert_int_eq(try_open(BERTH_LOCK_CREATE, &l), -EUCLEAN);
    ck_assert_ptr_nonnull(strstr(testhost_error_text(err), "no header"));
    testhost_set_cancelled(th, 1);
    ck_assert_int_eq(try_open(BERTH_LOCK_CREATE, &l), -ECANCELED);
}
END_TEST

START_TEST(test_mutex_damage)
{
    static const struct {
        uint32_t kind;
        int result;
    } kinds[] = {{0, -EUCLEAN},
                 {0x90, 0},
                 {0x290, 0},
                 {0x91, 0},
                 {0x92, 0},
                 {0x93, -EUCLEAN},
                 {0x10, -EUCLEAN},
                 {0x80, -EUCLEAN},
                 {0xb0, -EUCLEAN},
                 {0xd0, -EUCLEAN},
                 {0x190, -EUCLEAN},
                 {0xffffffff, -EUCLEAN},
                 {0xdeadbeef, -EUCLEAN},
                 {0x40, -EUCLEAN}};
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);
    unsigned char *map = map_segment();
    uint32_t id;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        set32(map + HEADER + 8 + 3 * MUTEX + KIND, kinds[i].kind);
        testhost_error_clear(err);
        ck_assert_int_eq(ops.acquire(l, 3, BERTH_NO_WAIT, err), kinds[i].result);
        ck_assert_int_eq(testhost_error_code(err), -kinds[i].result);
        if (kinds[i].result == 0) {
            ck_fails(EDEADLK, ops.acquire(l, 3, BERTH_WAIT_FOREVER, err));
            ck_assert_int_eq(ops.drop(l, 3, err), 0);
        }
    }
    set32(map + 8 + KIND, 0xdeadbeef);
    ck_fails(EUCLEAN, ops.allocate(l, &id, err));
    ops.close(l);
    ops.close(open_locks(BERTH_LOCK_RECREATE)); /* replaces it */
    ck_assert_uint_eq(get32(map + 8 + KIND), 0xdeadbeef);
}
END_TEST

START_TEST(test_not_a_file)
{
    struct berth_locks *l;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(try_open(BERTH_LOCK_CREATE, &l), -EUCLEAN);
    unlink(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_lt(try_open(BERTH_LOCK_CREATE, &l), 0);
    rmdir(path);
    ck_assert_int_eq(symlink("/etc/passwd", path), 0);
    ck_assert_int_lt(try_open(BERTH_LOCK_CREATE, &l), 0);
    ck_assert_uint_eq(testhost_error_calls(err), 1);
}
END_TEST

START_TEST(test_somebody_elses)
{
    struct berth_locks *l;
    struct stat st;

    ops.close(open_locks(BERTH_LOCK_CREATE));
    if (chown(path, 12345, 12345) < 0) {
        ck_assert(errno == EPERM || errno == EINVAL);
        return; /* only a root that has such a user can give a file away */
    }
    ck_assert_int_eq(try_open(BERTH_LOCK_CREATE, &l), -EPERM);
    ck_assert_ptr_nonnull(strstr(testhost_error_text(err), "12345"));
    ops.close(open_locks(BERTH_LOCK_RECREATE));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_uid, geteuid());
}
END_TEST

/* ------------------------------------------------------------------- making */

/* podman's way: everything under the final name, step by step, the magic first. */
static void make_slowly(void)
{
    static const struct timespec step = {0, 40000000};
    size_t size = HEADER + 2 * GROUP;
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    pthread_mutexattr_t attr;
    unsigned char *map;

    if (fd < 0)
        _exit(1);
    nanosleep(&step, NULL);
    if (ftruncate(fd, (off_t)size) < 0)
        _exit(1);
    map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    nanosleep(&step, NULL);
    memcpy(map, "\xd1\x87", 2);
    nanosleep(&step, NULL);
    set32(map + N_BITMAPS + 4, 64);
    nanosleep(&step, NULL);
    set32(map + N_BITMAPS, 2);
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init((pthread_mutex_t *)(void *)(map + 8), &attr);
    for (uint32_t id = 0; id < 64; id++) {
        if (id == 40)
            nanosleep(&step, NULL);
        pthread_mutex_init(raw_mutex(map, id), &attr);
    }
    _exit(0);
}

START_TEST(test_made_slowly)
{
    struct berth_locks *l;
    pid_t pid = fork();
    int status;

    if (pid == 0)
        make_slowly();
    while (access(path, F_OK) < 0)
        sched_yield();
    l = open_locks(0);
    ck_assert_int_eq(ops.acquire(l, 63, BERTH_NO_WAIT, err), 0);
    ck_assert_int_eq(ops.drop(l, 63, err), 0);
    ops.close(l);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* Eight make it at once: one segment, and nobody fails. */
START_TEST(test_made_at_once)
{
    for (int round = 0; round < 20; round++) {
        uint64_t *bits =
            mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        struct timespec start;
        pid_t pids[8];
        int status;

        clock_gettime(CLOCK_MONOTONIC, &start);
        start.tv_nsec += 5000000;
        start.tv_sec += start.tv_nsec / 1000000000;
        start.tv_nsec %= 1000000000;
        for (int i = 0; i < 8; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                struct berth_locks *l;
                uint32_t id;

                clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &start, NULL);
                if (try_open(BERTH_LOCK_CREATE, &l) < 0 || ops.allocate(l, &id, NULL) < 0)
                    _exit(1);
                __atomic_fetch_or(bits, 1ull << id, __ATOMIC_RELAXED);
                _exit(0);
            }
        }
        for (int i = 0; i < 8; i++) {
            ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
            ck_assert_int_eq(status, 0);
        }
        ck_assert_uint_eq(*bits, 0xff);
        munmap(bits, 4096);
        ck_assert_int_eq(unlink(path), 0);
    }
}
END_TEST

START_TEST(test_read_only)
{
    struct berth_locks *l;
    uint32_t id;

    place.flags = BERTH_PLACE_READONLY;
    ck_assert_int_eq(try_open(BERTH_LOCK_CREATE | BERTH_LOCK_RECREATE, &l), -ENOENT);
    ck_assert_int_lt(access(path, F_OK), 0);
    place.flags = 0;
    ops.close(open_locks(BERTH_LOCK_CREATE));
    place.flags = BERTH_PLACE_READONLY;
    l = open_locks(BERTH_LOCK_CREATE);
    ck_fails(EROFS, ops.allocate(l, &id, err));
    ck_fails(EROFS, ops.claim(l, 1, err));
    ck_fails(EROFS, ops.release(l, 1, err));
    ck_fails(EROFS, ops.release_all(l, err));
    ck_assert_int_eq(ops.acquire(l, 1, BERTH_NO_WAIT, err), 0);
    ck_assert_int_eq(ops.drop(l, 1, err), 0);
    ops.close(l);
}
END_TEST

/* ------------------------------------------------------------ other programs */

START_TEST(test_raw_holder)
{
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);
    unsigned char *map = map_segment();
    pid_t pid = hold_raw(raw_mutex(map, 40));
    int r;

    ck_fails(EBUSY, ops.acquire(l, 40, BERTH_NO_WAIT, err));
    ck_assert_int_eq(ops.acquire(l, 39, BERTH_NO_WAIT, err), 0);
    r = pthread_mutex_trylock(raw_mutex(map, 39));
    ck_assert_int_eq(r, EBUSY);
    ck_assert_int_eq(ops.drop(l, 39, err), 0);
    end(pid);
    ck_assert_int_eq(ops.acquire(l, 40, BERTH_NO_WAIT, err), BERTH_LOCK_ORPHANED);
    ck_assert_int_eq(ops.drop(l, 40, err), 0);
    ops.close(l);
}
END_TEST

START_TEST(test_bitmap_owner_killed)
{
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);
    unsigned char *map = map_segment();
    uint32_t id;

    for (uint32_t i = 0; i < 3; i++) {
        end(hold_raw((pthread_mutex_t *)(void *)(map + 8)));
        ck_assert_int_eq(ops.allocate(l, &id, err), 0);
        ck_assert_uint_eq(id, i);
    }
    ops.close(l);
}
END_TEST

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
    ck_assert_int_eq(ops.acquire(l, 9, BERTH_NO_WAIT, err), BERTH_LOCK_ORPHANED);
    ck_assert_int_eq(ops.drop(l, 9, err), 0);
    ops.close(l);
}
END_TEST

START_TEST(test_not_recoverable)
{
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE);
    pthread_mutex_t *m = raw_mutex(map_segment(), 3);
    struct stat before, after;

    end(hold_raw(m));
    ck_assert_int_eq(pthread_mutex_lock(m), EOWNERDEAD);
    pthread_mutex_unlock(m); /* without pthread_mutex_consistent() */
    ck_fails(ENOTRECOVERABLE, ops.acquire(l, 3, BERTH_WAIT_FOREVER, err));
    ck_assert_int_eq(ops.acquire(l, 4, BERTH_WAIT_FOREVER, err), 0);
    ck_assert_int_eq(ops.drop(l, 4, err), 0);
    ops.close(l);
    ck_assert_int_eq(stat(path, &before), 0);
    l = open_locks(BERTH_LOCK_RECREATE);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_uint_ne(before.st_ino, after.st_ino);
    ck_assert_int_eq(ops.acquire(l, 3, BERTH_WAIT_FOREVER, err), 0);
    ck_assert_int_eq(ops.drop(l, 3, err), 0);
    ops.close(l);
}
END_TEST

START_TEST(test_recreate)
{
    struct berth_locks *l = open_locks(BERTH_LOCK_CREATE), *old;
    struct stat before, after;
    uint32_t id;
    pid_t pid;

    ck_assert_int_eq(ops.claim(l, 0, err), 0);
    end(hold_raw(raw_mutex(map_segment(), 8)));
    ops.close(l);
    /* In order and unused: it is emptied in place, and what dead owners left is put right. */
    ck_assert_int_eq(stat(path, &before), 0);
    old = l = open_locks(BERTH_LOCK_RECREATE);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    ck_assert_int_eq(ops.acquire(l, 8, BERTH_NO_WAIT, err), 0);
    ck_assert_int_eq(ops.drop(l, 8, err), 0);
    ck_assert_int_eq(ops.allocate(l, &id, err), 0);
    ck_assert_uint_eq(id, 0);
    /* In use: the others keep theirs. */
    ck_assert_int_eq(ops.acquire(old, 1, BERTH_NO_WAIT, err), 0);
    pid = hold_raw(raw_mutex(map_segment(), 8));
    l = open_locks(BERTH_LOCK_RECREATE);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_uint_ne(before.st_ino, after.st_ino);
    ck_assert_int_eq(ops.acquire(l, 8, BERTH_NO_WAIT, err), 0);
    ck_assert_int_eq(ops.drop(l, 8, err), 0);
    ck_fails(EBUSY, ops.acquire(old, 8, BERTH_NO_WAIT, err));
    ck_assert_int_eq(ops.drop(old, 1, err), 0);
    ops.close(old);
    ops.close(l);
    end(pid);
    /* Another number of locks. */
    testhost_config_set(cfg, "count", "96");
    ops.close(open_locks(BERTH_LOCK_RECREATE));
    ops.close(open_locks(0));
}
END_TEST

START_TEST(test_two_instances)
{
    struct berth_locks *a = open_locks(BERTH_LOCK_CREATE), *b = open_locks(0);

    ck_assert_int_eq(ops.acquire(a, 1, BERTH_NO_WAIT, err), 0);
    ck_fails(EDEADLK, ops.acquire(b, 1, BERTH_WAIT_FOREVER, err));
    ops.close(a);
    ck_fails(EDEADLK, ops.acquire(b, 1, BERTH_WAIT_FOREVER, err));
    ck_assert_int_eq(ops.drop(b, 1, err), 0);
    ops.close(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lock_shm");
    TCase *layout = tcase_create("layout"), *damage = tcase_create("damage"),
          *others = tcase_create("others");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(layout, setup, teardown);
    tcase_add_test(layout, test_bytes);
    tcase_add_test(layout, test_mode);
    tcase_add_test(layout, test_counts);
    tcase_add_test(layout, test_names);
    tcase_add_test(layout, test_made_slowly);
    tcase_add_test(layout, test_made_at_once);
    tcase_add_test(layout, test_read_only);
    tcase_set_timeout(layout, 60);
    suite_add_tcase(s, layout);

    tcase_add_checked_fixture(damage, setup, teardown);
    tcase_add_loop_test(damage, test_damage, 0, sizeof(damages) / sizeof(damages[0]));
    tcase_add_test(damage, test_unfinished);
    tcase_add_test(damage, test_mutex_damage);
    tcase_add_test(damage, test_not_a_file);
    tcase_add_test(damage, test_somebody_elses);
    tcase_set_timeout(damage, 60);
    suite_add_tcase(s, damage);

    tcase_add_checked_fixture(others, setup, teardown);
    tcase_add_test(others, test_raw_holder);
    tcase_add_test(others, test_bitmap_owner_killed);
    tcase_add_test(others, test_thread_ends);
    tcase_add_test(others, test_not_recoverable);
    tcase_add_test(others, test_recreate);
    tcase_add_test(others, test_two_instances);
    tcase_set_timeout(others, 60);
    suite_add_tcase(s, others);

    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
