/* SPDX-License-Identifier: Apache-2.0 */
/* The bolt library on files that it makes itself. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/plugins/bolt/model.h"

static char dir[64], path[96];

static void set_up(void)
{
    make_directory(dir);
    snprintf(path, sizeof path, "%s/test.db", dir);
}

static void tear_down(void)
{
    unlink(path);
    rmdir(dir);
}

static int print_finding(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "finding: %s\n", text);
    return 0;
}

static struct bolt_tx *begin(struct bolt *db, unsigned flags)
{
    struct bolt_tx *tx = NULL;
    int r = bolt_begin(db, flags, BOLT_NO_WAIT, &tx);

    ck_assert_msg(r == 0, "%s", r ? bolt_error(db) : "");
    return tx;
}

static void commit(struct bolt *db, struct bolt_tx *tx)
{
    int r = bolt_commit(tx);

    ck_assert_msg(r == 0, "%s", r ? bolt_error(db) : "");
}

/* Check the file, and compare it with the model through a second handle. */
static void verify(const struct model *m, unsigned flags)
{
    struct bolt *db = bolt_new(path, BOLT_READONLY | flags);
    struct bolt_tx *tx = begin(db, 0);

    ck_assert_int_eq(bolt_check(tx, print_finding, NULL), 0);
    model_compare(m, bolt_root(tx));
    bolt_rollback(tx);
    bolt_free(db);
}

static int bolt_put_str(struct bolt_bucket *b, const char *key, const char *value)
{
    return bolt_put(b, key, strlen(key), value, strlen(value));
}

/* ---------------------------------------------------------------- single calls */

START_TEST(test_new_file)
{
    static const uint8_t meta0[64] = {
        0xed, 0xda, 0x0c, 0xed, 2, 0, 0, 0, 0,    0x10, 0,    0,    0,    0,    0,    0,
        3,    0,    0,    0,    0, 0, 0, 0, 0,    0,    0,    0,    0,    0,    0,    0,
        2,    0,    0,    0,    0, 0, 0, 0, 4,    0,    0,    0,    0,    0,    0,    0,
        0,    0,    0,    0,    0, 0, 0, 0, 0xee, 0xfd, 0x89, 0x46, 0x11, 0x6e, 0x51, 0x07};
    static const uint8_t sum1[8] = {0x0f, 0x48, 0x79, 0x51, 0x1a, 0x35, 0x4c, 0x26};
    struct bolt *db = bolt_new(path, 0);
    struct bolt_tx *tx = NULL;
    struct bolt_info info;
    uint8_t buf[16384 + 1];
    struct stat st;
    int fd;

    ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx), -ENOENT);
    ck_assert_ptr_nonnull(strstr(bolt_error(db), path));
    bolt_free(db);

    db = bolt_new(path, BOLT_CREATE);
    tx = begin(db, BOLT_WRITE);
    commit(db, tx);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    tx = begin(db, 0);
    bolt_info(tx, &info);
    ck_assert_uint_eq(info.txid, 1);
    ck_assert_uint_eq(info.pages, 4);
    bolt_rollback(tx);
    bolt_free(db);
    if (sysconf(_SC_PAGESIZE) != 4096)
        return;
    fd = open(path, O_RDONLY);
    ck_assert_int_eq(read(fd, buf, sizeof buf), 16384);
    close(fd);
    ck_assert_mem_eq(buf + 16, meta0, 64);
    ck_assert_mem_eq(buf + 4096 + 72, sum1, 8);
}
END_TEST

START_TEST(test_api_errors)
{
    struct bolt *db = bolt_new(path, BOLT_CREATE);
    struct bolt_tx *tx = begin(db, BOLT_WRITE), *other;
    struct bolt_bucket *b, *same = NULL, *root = bolt_root(tx);
    struct bolt_bytes v;
    static char big[BOLT_KEY_MAX + 1];

    ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &other), -EINVAL);
    ck_assert_int_eq(bolt_make(root, "b", 1, &b), 0);
    ck_assert_int_eq(bolt_make(root, "b", 1, &same), -EEXIST);
    ck_assert_ptr_eq(b, same);
    ck_assert_int_eq(bolt_make(root, "", 0, &same), -EINVAL);
    ck_assert_int_eq(bolt_open(root, "none", 4, &same), -ENOENT);
    ck_assert_int_eq(bolt_get(b, "k", 1, &v), -ENOENT);
    ck_assert_int_eq(bolt_put(b, "", 0, "v", 1), -EINVAL);
    ck_assert_int_eq(bolt_put(b, big, sizeof big, "v", 1), -EINVAL);
    ck_assert_int_eq(bolt_put(b, big, sizeof big - 1, "v", 1), 0);
    ck_assert_int_eq(bolt_put(b, "k", 1, "", 0), 0);
    ck_assert_int_eq(bolt_get(b, "k", 1, &v), 0);
    ck_assert_uint_eq(v.len, 0);
    ck_assert_int_eq(bolt_open(b, "k", 1, &same), -ENOENT);
    ck_assert_int_eq(bolt_make(b, "k", 1, &same), -EEXIST);
    ck_assert_int_eq(bolt_put(root, "b", 1, "v", 1), -EISDIR);
    ck_assert_int_eq(bolt_delete(root, "b", 1), -EISDIR);
    ck_assert_int_eq(bolt_get(root, "b", 1, &v), -EISDIR);
    ck_assert_int_eq(bolt_delete(b, "none", 4), -ENOENT);
    ck_assert_int_eq(bolt_drop(root, "none", 4), -ENOENT);
    ck_assert_int_eq(bolt_drop(b, "k", 1), -ENOENT);
    commit(db, tx);

    tx = begin(db, 0);
    root = bolt_root(tx);
    ck_assert_int_eq(bolt_put(root, "k", 1, "v", 1), -EROFS);
    ck_assert_int_eq(bolt_make(root, "c", 1, NULL), -EROFS);
    ck_assert_int_eq(bolt_drop(root, "b", 1), -EROFS);
    ck_assert_int_eq(bolt_open(root, "b", 1, &b), 0);
    ck_assert_int_eq(bolt_get(b, "k", 1, &v), 0);
    ck_assert_int_eq(bolt_delete(b, "k", 1), -EROFS);
    bolt_rollback(tx);
    bolt_free(db);

    db = bolt_new(path, BOLT_READONLY);
    ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx), -EROFS);
    bolt_free(db);
}
END_TEST

START_TEST(test_rollback_and_no_change)
{
    struct bolt *db = bolt_new(path, BOLT_CREATE);
    struct bolt_tx *tx = begin(db, BOLT_WRITE);
    struct bolt_bucket *b;
    struct bolt_bytes v;
    struct bolt_info info;
    struct bolt_stats before, after;

    ck_assert_int_eq(bolt_make(bolt_root(tx), "b", 1, &b), 0);
    ck_assert_int_eq(bolt_put_str(b, "k", "one"), 0);
    commit(db, tx);

    tx = begin(db, BOLT_WRITE);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "b", 1, &b), 0);
    ck_assert_int_eq(bolt_put_str(b, "k", "two"), 0);
    ck_assert_int_eq(bolt_get(b, "k", 1, &v), 0);
    ck_assert_mem_eq(v.data, "two", 3);
    bolt_rollback(tx);

    /* The same value again is no change, and no change is no commit. */
    bolt_stats(db, &before);
    tx = begin(db, BOLT_WRITE);
    bolt_info(tx, &info);
    ck_assert_uint_eq(info.txid, 2);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "b", 1, &b), 0);
    ck_assert_int_eq(bolt_put_str(b, "k", "one"), 0);
    commit(db, tx);
    bolt_stats(db, &after);
    ck_assert_uint_eq(before.pages_written, after.pages_written);
    tx = begin(db, 0);
    bolt_info(tx, &info);
    ck_assert_uint_eq(info.txid, 2);
    bolt_rollback(tx);
    bolt_free(db);
}
END_TEST

/* Looking up and saving cost the same in a small and in a large file. */
START_TEST(test_cost)
{
    struct bolt *db = bolt_new(path, BOLT_CREATE | BOLT_NOSYNC);
    struct bolt_tx *tx = begin(db, BOLT_WRITE);
    struct bolt_bucket *all, *b;
    struct bolt_stats s0, s1;
    struct bolt_bytes v;
    char name[65], value[3000];

    memset(value, 'v', sizeof value);
    ck_assert_int_eq(bolt_make(bolt_root(tx), "ctr", 3, &all), 0);
    for (int i = 0; i < 4000; i++) {
        snprintf(name, sizeof name, "%064d", i * 7919 % 4000);
        ck_assert_int_eq(bolt_make(all, name, 64, &b), 0);
        ck_assert_int_eq(bolt_put(b, "config", 6, value, sizeof value), 0);
        ck_assert_int_eq(bolt_put(b, "state", 5, value, 300), 0);
    }
    commit(db, tx);

    bolt_stats(db, &s0);
    tx = begin(db, 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "ctr", 3, &all), 0);
    ck_assert_int_eq(bolt_open(all, name, 64, &b), 0);
    ck_assert_int_eq(bolt_get(b, "state", 5, &v), 0);
    bolt_stats(db, &s1);
    ck_assert_uint_le(s1.pages_read - s0.pages_read, 8);
    bolt_rollback(tx);

    bolt_stats(db, &s0);
    for (int i = 0; i < 10; i++) {
        tx = begin(db, BOLT_WRITE);
        ck_assert_int_eq(bolt_open(bolt_root(tx), "ctr", 3, &all), 0);
        ck_assert_int_eq(bolt_open(all, name, 64, &b), 0);
        ck_assert_int_eq(bolt_put(b, "state", 5, value, 290u + (size_t)i), 0);
        commit(db, tx);
    }
    bolt_stats(db, &s1);
    ck_assert_uint_le(s1.pages_written - s0.pages_written, 10 * 10);
    bolt_free(db);
}
END_TEST

/* -------------------------------------------------------------- random changes */

static const struct {
    uint32_t page_size;
    struct churn churn;
} loads[] = {
    {4096, {.ops = 60, .keys = 40, .value_max = 3000, .deletes = 30, .depth = 1}},
    {4096, {.ops = 400, .keys = 900, .value_max = 20000, .deletes = 35, .depth = 1}},
    {4096, {.ops = 400, .keys = 300, .value_max = 9000, .deletes = 48, .depth = 2}},
    {4096, {.ops = 300, .keys = 16, .value_max = 70000, .deletes = 50, .depth = 4}},
    {4096, {.ops = 3000, .keys = 20000, .value_max = 300, .deletes = 20, .depth = 1}},
    {512, {.ops = 400, .keys = 900, .value_max = 3000, .deletes = 40, .depth = 2}},
    {1024, {.ops = 900, .keys = 6000, .value_max = 60, .deletes = 30, .depth = 1}},
    {16384, {.ops = 900, .keys = 3000, .value_max = 900, .deletes = 40, .depth = 1}},
    {65536, {.ops = 900, .keys = 3000, .value_max = 900, .deletes = 40, .depth = 1}},
};

START_TEST(test_random)
{
    struct churn c = loads[_i].churn;
    struct bolt *db = bolt_new(path, BOLT_NOSYNC);
    struct model *m = model_new(), *before;
    struct bolt_tx *tx;

    fresh_file(path, loads[_i].page_size);
    c.state = 1000u + (unsigned)_i;
    for (int round = 0; round < 40; round++) {
        /* Tides, so that trees grow, shrink to nothing and grow again. */
        c.deletes = loads[_i].churn.deletes + (round / 8 % 2 ? 45 : 0);
        before = model_copy(m);
        tx = begin(db, BOLT_WRITE);
        model_churn(&c, m, tx, NULL);
        model_compare(m, bolt_root(tx));
        if (random_next(&c.state) % 6 == 0) {
            bolt_rollback(tx);
            model_free(m);
            m = before;
        } else {
            commit(db, tx);
            model_free(before);
        }
        verify(m, round % 2 ? BOLT_COPY : 0);
    }
    bolt_free(db);
    model_free(m);
}
END_TEST

/* Insert in order, remove from the front: leaves vanish one after the other. */
START_TEST(test_queue)
{
    struct bolt *db = bolt_new(path, BOLT_CREATE | BOLT_NOSYNC);
    struct model *m = model_new(), *mb = model_make(m, "queue", 5);
    struct bolt_tx *tx = begin(db, BOLT_WRITE);
    struct bolt_bucket *b;
    struct bolt_info info;
    char key[32];
    uint64_t high = 0;

    ck_assert_int_eq(bolt_make(bolt_root(tx), "queue", 5, &b), 0);
    for (int i = 0; i < 6000; i++) {
        snprintf(key, sizeof key, "item %06d", i);
        model_put(mb, key, strlen(key), key, strlen(key));
        ck_assert_int_eq(bolt_put_str(b, key, key), 0);
    }
    commit(db, tx);
    verify(m, 0);
    for (int i = 0; i < 6000; i++) {
        snprintf(key, sizeof key, "item %06d", _i ? 5999 - i : i);
        if (i % 500 == 0) {
            tx = begin(db, BOLT_WRITE);
            ck_assert_int_eq(bolt_open(bolt_root(tx), "queue", 5, &b), 0);
        }
        model_remove(mb, key, strlen(key));
        ck_assert_int_eq(bolt_delete(b, key, strlen(key)), 0);
        if (i % 500 == 499) {
            bolt_info(tx, &info);
            commit(db, tx);
            verify(m, 0);
            ck_assert_uint_ge(info.pages, high);
            high = info.pages;
        }
    }
    bolt_free(db);
    model_free(m);
}
END_TEST

/* A list of more free pages than the 16-bit count can say. */
START_TEST(test_long_freelist)
{
    struct bolt *db = bolt_new(path, BOLT_NOSYNC);
    struct model *m = model_new();
    struct bolt_tx *tx;
    struct bolt_bucket *b;
    size_t big = 70000u * 512u;
    char *value = calloc(1, big);

    ck_assert_ptr_nonnull(value);
    fresh_file(path, 512);
    tx = begin(db, BOLT_WRITE);
    ck_assert_int_eq(bolt_make(bolt_root(tx), "big", 3, &b), 0);
    ck_assert_int_eq(bolt_put(b, "value", 5, value, big), 0);
    commit(db, tx);
    free(value);
    tx = begin(db, BOLT_WRITE);
    ck_assert_int_eq(bolt_drop(bolt_root(tx), "big", 3), 0);
    ck_assert_int_eq(bolt_make(bolt_root(tx), "small", 5, &b), 0);
    commit(db, tx);
    model_make(m, "small", 5);
    verify(m, 0);
    /* And it is read and used again. */
    tx = begin(db, BOLT_WRITE);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "small", 5, &b), 0);
    ck_assert_int_eq(bolt_put_str(b, "k", "v"), 0);
    commit(db, tx);
    model_put(model_find(m, "small", 5)->bucket, "k", 1, "v", 1);
    verify(m, 0);
    bolt_free(db);
    model_free(m);
}
END_TEST

/* -------------------------------------------------------------------- locking */

static uint64_t in_ms(unsigned ms)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec + ms * 1000000ull;
}

static int stop_waiting(void *arg)
{
    return ++*(int *)arg > 3;
}

START_TEST(test_locking)
{
    struct bolt *a = bolt_new(path, BOLT_CREATE), *b = bolt_new(path, 0);
    struct bolt_tx *ta, *tb;
    int calls = 0;

    ta = begin(a, BOLT_WRITE);
    ck_assert_int_eq(bolt_begin(b, 0, BOLT_NO_WAIT, &tb), -EBUSY);
    ck_assert_int_eq(bolt_begin(b, BOLT_WRITE, in_ms(30), &tb), -ETIMEDOUT);
    bolt_on_wait(b, stop_waiting, &calls);
    ck_assert_int_eq(bolt_begin(b, BOLT_WRITE, BOLT_FOREVER, &tb), -ECANCELED);
    bolt_on_wait(b, NULL, NULL);
    commit(a, ta);

    /* Readers share. */
    ta = begin(a, 0);
    tb = begin(b, 0);
    bolt_rollback(tb);
    ck_assert_int_eq(bolt_begin(b, BOLT_WRITE, BOLT_NO_WAIT, &tb), -EBUSY);
    bolt_rollback(ta);
    tb = begin(b, BOLT_WRITE);
    bolt_rollback(tb);
    bolt_free(a);
    bolt_free(b);
}
END_TEST

/* A file that was replaced while we waited for its lock is not the one to use. */
START_TEST(test_replaced_while_waiting)
{
    struct bolt *db = bolt_new(path, BOLT_CREATE);
    struct bolt_tx *tx = begin(db, BOLT_WRITE);
    struct bolt_bucket *b;
    char old[128], ready[2];
    int pipes[2], status, fd;
    pid_t pid;

    ck_assert_int_eq(bolt_make(bolt_root(tx), "old", 3, &b), 0);
    commit(db, tx);
    ck_assert_int_eq(pipe(pipes), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        /* Hold the old file, replace it by an empty one, let go. */
        fd = open(path, O_RDWR);
        if (fd < 0 || flock(fd, LOCK_EX) < 0 || write(pipes[1], "r", 1) != 1)
            _exit(1);
        usleep(100000);
        snprintf(old, sizeof old, "%s.old", path);
        if (rename(path, old) < 0 || open(path, O_RDWR | O_CREAT, 0600) < 0 || unlink(old) < 0)
            _exit(1);
        _exit(0);
    }
    ck_assert_int_eq(read(pipes[0], ready, 1), 1);
    ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_FOREVER, &tx), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "old", 3, &b), -ENOENT);
    ck_assert_int_eq(bolt_make(bolt_root(tx), "new", 3, &b), 0);
    commit(db, tx);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    tx = begin(db, 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "new", 3, &b), 0);
    bolt_rollback(tx);
    bolt_free(db);
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

/* What keeps new readers back while a writer waits. */
static bool gate_is_shut(int fd)
{
    struct flock l = {.l_type = F_RDLCK, .l_start = 0x4000000000000000, .l_len = 1};

    ck_assert_int_eq(fcntl(fd, F_OFD_GETLK, &l), 0);
    return l.l_type != F_UNLCK;
}

/* Readers who come after a writer that waits let it go first, but never wait for long: it may
 * be waiting for themselves. */
START_TEST(test_writer_waits)
{
    struct bolt *a = bolt_new(path, BOLT_CREATE), *b = bolt_new(path, 0);
    struct bolt_tx *tx = begin(a, BOLT_WRITE), *second;
    int status, fd, waits = 3; /* it is asked once at least, and gives up */
    pid_t pid;

    commit(a, tx);
    tx = begin(a, 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        bolt_forked(a);
        _exit(bolt_begin(b, BOLT_WRITE, BOLT_FOREVER, &second) == 0 ? 0 : 1);
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    while (!gate_is_shut(fd))
        usleep(1000);
    bolt_on_wait(b, stop_waiting, &waits);
    ck_assert_int_eq(bolt_begin(b, 0, BOLT_FOREVER, &second), -ECANCELED);
    bolt_on_wait(b, NULL, NULL);
    ck_assert_int_eq(bolt_begin(b, 0, BOLT_NO_WAIT, &second), 0);
    bolt_rollback(second);
    ck_assert_int_eq(bolt_begin(b, 0, BOLT_FOREVER, &second), 0);
    bolt_rollback(second);
    bolt_rollback(tx);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert(!gate_is_shut(fd));
    close(fd);
    bolt_free(a);
    bolt_free(b);
}
END_TEST

/* Bytes of the value that a new transaction sees. */
static size_t value_of(struct bolt *db, char *first, char *last)
{
    struct bolt_tx *tx = begin(db, 0);
    struct bolt_bucket *b;
    struct bolt_bytes v;

    ck_assert_int_eq(bolt_open(bolt_root(tx), "b", 1, &b), 0);
    ck_assert_int_eq(bolt_get(b, "k", 1, &v), 0);
    *first = *(const char *)v.data;
    *last = ((const char *)v.data)[v.len - 1];
    bolt_rollback(tx);
    return v.len;
}

static void set_value(struct bolt *db, char c, size_t len)
{
    struct bolt_tx *tx = begin(db, BOLT_WRITE);
    char *value = malloc(len);
    struct bolt_bucket *b;
    int r;

    ck_assert_ptr_nonnull(value);
    memset(value, c, len);
    r = bolt_make(bolt_root(tx), "b", 1, &b);
    ck_assert(r == 0 || r == -EEXIST);
    ck_assert_int_eq(bolt_put(b, "k", 1, value, len), 0);
    commit(db, tx);
    free(value);
}

/* What a transaction has mapped is there for the next one, unless the file is another or has
 * outgrown it. */
START_TEST(test_map_kept)
{
    struct bolt *a = bolt_new(path, BOLT_CREATE | BOLT_NOSYNC), *b = bolt_new(path, 0);
    struct bolt *other;
    struct bolt_tx *tx;
    char first, last, to[128];

    snprintf(to, sizeof to, "%s.new", path);
    for (char c = 'a'; c <= 'd'; c++) { /* others write, and now and then much */
        size_t len = c == 'c' ? 5u << 20 : 3000;

        set_value(a, c, len);
        ck_assert_uint_eq(value_of(b, &first, &last), len);
        ck_assert_int_eq(first, c);
        ck_assert_int_eq(last, c);
    }

    other = bolt_new(to, BOLT_CREATE);
    set_value(other, 'x', 100);
    bolt_free(other);
    ck_assert_int_eq(rename(to, path), 0);
    ck_assert_uint_eq(value_of(b, &first, &last), 100);
    ck_assert_int_eq(first, 'x');
    set_value(a, 'y', 200);
    ck_assert_uint_eq(value_of(b, &first, &last), 200);
    ck_assert_int_eq(last, 'y');

    ck_assert_int_eq(truncate(path, 2 * 4096), 0);
    ck_assert_int_eq(bolt_begin(b, 0, BOLT_NO_WAIT, &tx), -EUCLEAN);
    bolt_free(a);
    bolt_free(b);
}
END_TEST

/* A child that lets go of what it inherited must not release the parent's lock. */
START_TEST(test_forked)
{
    struct bolt *db = bolt_new(path, BOLT_CREATE), *other = bolt_new(path, 0);
    struct bolt_tx *tx = begin(db, BOLT_WRITE), *t2;
    struct bolt_bucket *b;
    int status;
    pid_t pid;

    ck_assert_int_eq(bolt_make(bolt_root(tx), "b", 1, &b), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        bolt_forked(db);
        _exit(bolt_begin(other, 0, BOLT_NO_WAIT, &t2) == -EBUSY ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    commit(db, tx);
    bolt_free(db);
    bolt_free(other);
}
END_TEST

/* ------------------------------------------------------------------------ copy */

START_TEST(test_copy)
{
    struct churn c = {
        .state = 5, .ops = 500, .keys = 200, .value_max = 5000, .deletes = 20, .depth = 2};
    struct bolt *db = bolt_new(path, BOLT_CREATE | BOLT_NOSYNC);
    struct model *m = model_new();
    struct bolt_tx *tx;
    char to[128];
    int fd;

    snprintf(to, sizeof to, "%s.copy", path);
    for (int i = 0; i < 3; i++) {
        tx = begin(db, BOLT_WRITE);
        model_churn(&c, m, tx, NULL);
        commit(db, tx);
        fd = open(to, O_RDWR | O_CREAT | O_TRUNC, 0600);
        tx = begin(db, 0);
        ck_assert_int_eq(bolt_copy(tx, fd), 0);
        bolt_rollback(tx);
        close(fd);
        ck_assert_int_eq(rename(to, path), 0);
        verify(m, 0);
    }
    bolt_free(db);
    model_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bolt");
    TCase *tc = tcase_create("bolt"), *forked = tcase_create("forked");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, test_new_file);
    tcase_add_test(tc, test_api_errors);
    tcase_add_test(tc, test_rollback_and_no_change);
    tcase_add_test(tc, test_cost);
    tcase_add_loop_test(tc, test_random, 0, (int)(sizeof loads / sizeof *loads));
    tcase_add_loop_test(tc, test_queue, 0, 2);
    tcase_add_test(tc, test_long_freelist);
    tcase_add_test(tc, test_locking);
    tcase_add_test(tc, test_replaced_while_waiting);
    tcase_add_test(tc, test_writer_waits);
    tcase_add_test(tc, test_map_kept);
    tcase_add_test(tc, test_copy);
    suite_add_tcase(s, tc);
    /* The child ends with the transaction of its parent, which it must not touch. */
    tcase_set_tags(forked, "not-on-valgrind");
    tcase_add_checked_fixture(forked, set_up, tear_down);
    tcase_add_test(forked, test_forked);
    suite_add_tcase(s, forked);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
