/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits that are cut short.  The calls that change the file are wrapped (ld --wrap):
 * the n-th one kills the process, before or after, with or without losing what was not
 * synced, or fails.  Afterwards the file holds exactly the state before or that after,
 * and it is sound.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/plugins/bolt/model.h"

enum how {
    KILL_BEFORE, /* the process dies, what it wrote is there */
    KILL_AFTER,
    POWER_CUT, /* what was not synced is there in part */
    FAIL,      /* the call fails */
    HOWS,
};

static enum how how;
static int countdown; /* calls until it happens; 0: never */
static uint64_t dice;

/* What was written since the last sync, with what was there before. */
static struct undo {
    off_t at;
    size_t len;
    char *before;
} undo[512];
static size_t n_undo;

ssize_t __real_pwritev(int fd, const struct iovec *iov, int n, off_t at);
ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t at);
int __real_fdatasync(int fd);
int __real_ftruncate(int fd, off_t len);
ssize_t __wrap_pwritev(int fd, const struct iovec *iov, int n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at);
int __wrap_fdatasync(int fd);
int __wrap_ftruncate(int fd, off_t len);

static void forget_undo(void)
{
    while (n_undo)
        free(undo[--n_undo].before);
}

/* Each run of 512 bytes that was not synced is there or not. */
static void lose_some(int fd)
{
    while (n_undo) {
        struct undo *u = &undo[--n_undo];

        for (size_t at = 0; at < u->len; at += 512) {
            size_t len = u->len - at < 512 ? u->len - at : 512;

            if (random_next(&dice) % 2 &&
                __real_pwrite(fd, u->before + at, len, u->at + (off_t)at) < 0)
                _exit(3);
        }
    }
}

static void note(int fd, size_t len, off_t at)
{
    struct undo *u = &undo[n_undo];

    if (!countdown || n_undo == sizeof undo / sizeof *undo)
        return;
    *u = (struct undo){.at = at, .len = len, .before = calloc(1, len)};
    if (!u->before || pread(fd, u->before, len, at) < 0)
        _exit(3);
    n_undo++;
}

/* 1: the call is to fail. */
static int now(int fd)
{
    if (!countdown || --countdown)
        return 0;
    if (how == FAIL) {
        errno = ENOSPC;
        return 1;
    }
    if (how == POWER_CUT)
        lose_some(fd);
    if (how == KILL_BEFORE || how == POWER_CUT)
        _exit(7);
    countdown = -1; /* after the call */
    return 0;
}

static void after(void)
{
    if (countdown == -1)
        _exit(7);
}

ssize_t __wrap_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
    off_t pos = at;
    ssize_t r;

    if (now(fd))
        return -1;
    for (int i = 0; i < n; i++) {
        note(fd, iov[i].iov_len, pos);
        pos += (off_t)iov[i].iov_len;
    }
    r = __real_pwritev(fd, iov, n, at);
    after();
    return r;
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at)
{
    ssize_t r;

    if (now(fd))
        return -1;
    note(fd, len, at);
    r = __real_pwrite(fd, data, len, at);
    after();
    return r;
}

int __wrap_fdatasync(int fd)
{
    int r;

    if (now(fd))
        return -1;
    r = __real_fdatasync(fd);
    forget_undo();
    after();
    return r;
}

int __wrap_ftruncate(int fd, off_t len)
{
    int r;

    if (now(fd))
        return -1;
    r = __real_ftruncate(fd, len);
    after();
    return r;
}

/* ----------------------------------------------------------------------- tests */

static char dir[64], path[96], base[96];

static void set_up(void)
{
    make_directory(dir);
    snprintf(path, sizeof path, "%s/test.db", dir);
    snprintf(base, sizeof base, "%s/base.db", dir);
}

static void tear_down(void)
{
    unlink(path);
    unlink(base);
    rmdir(dir);
}

static void copy_base(void)
{
    char command[256];

    snprintf(command, sizeof command, "cp '%s' '%s'", base, path);
    ck_assert_int_eq(system(command), 0);
}

/* One transaction with random changes; gives the result of the commit. */
static int change(const char *file, struct churn c, struct model *m)
{
    struct bolt *db = bolt_new(file, 0);
    struct bolt_tx *tx;
    int r;

    r = bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx);
    if (r == 0) {
        model_churn(&c, m, tx, NULL);
        r = bolt_commit(tx);
    }
    bolt_free(db);
    return r;
}

static int same(const struct model *m, struct bolt_bucket *b)
{
    struct bolt_cursor c;
    size_t i = 0;
    int r;

    for (r = bolt_first(&c, b); r > 0; r = bolt_next(&c), i++) {
        struct bolt_bucket *inner;
        const struct entry *e = &m->entries[i];

        if (i == m->n || c.key.len != e->key_len ||
            memcmp(c.key.data, e->key, e->key_len) != 0 || c.is_bucket != (e->bucket != NULL))
            return 0;
        if (c.is_bucket) {
            ck_assert_int_eq(bolt_open(b, c.key.data, c.key.len, &inner), 0);
            if (!same(e->bucket, inner))
                return 0;
        } else if (c.value.len != e->value_len ||
                   memcmp(c.value.data, e->value, e->value_len) != 0) {
            return 0;
        }
    }
    ck_assert_int_eq(r, 0);
    return i == m->n;
}

/* 0: the state before, 1: the state after. */
static int state_of_file(const struct model *old, const struct model *new)
{
    struct bolt *db = bolt_new(path, BOLT_READONLY);
    struct bolt_tx *tx;
    int is_new, r = bolt_begin(db, 0, BOLT_NO_WAIT, &tx);

    ck_assert_msg(r == 0, "%s", r ? bolt_error(db) : "");
    ck_assert_int_eq(bolt_check(tx, NULL, NULL), 0);
    is_new = same(new, bolt_root(tx));
    ck_assert(is_new || same(old, bolt_root(tx)));
    bolt_rollback(tx);
    bolt_free(db);
    return is_new;
}

/* Run the transaction in a child with the n-th call cut; its exit status. */
static int run_cut(struct churn c, const struct model *m, int n)
{
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        countdown = n;
        dice = (uint64_t)n;
        status = change(path, c, model_copy(m));
        _exit(status < 0 ? 5 : 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(test_cut)
{
    struct churn c = {
        .state = 11, .ops = 150, .keys = 300, .value_max = 6000, .deletes = 30, .depth = 2};
    struct model *old = model_new(), *new, *next;
    int status = 7, n, seen[2] = {0, 0};

    how = (enum how)_i;
    fresh_file(base, 4096);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(change(base, c, old), 0);
        c.state += 1000;
    }
    copy_base();
    new = model_copy(old);
    ck_assert_int_eq(change(path, c, new), 0);
    for (n = 1; status != 0; n++) {
        ck_assert_int_lt(n, 1000);
        copy_base();
        status = run_cut(c, old, n);
        ck_assert_int_ne(status, 3);
        ck_assert(status == 0 || status == (how == FAIL ? 5 : 7));
        seen[state_of_file(old, new)]++;
        /* What failed, failed; what ended well is there. */
        if (how == FAIL || status == 0)
            ck_assert_int_eq(state_of_file(old, new), status == 0);
        /* And life goes on. */
        next = model_copy(state_of_file(old, new) ? new : old);
        ck_assert_int_eq(change(path, (struct churn){.ops = 1, .keys = 1, .depth = 1}, next),
                         0);
        model_free(next);
    }
    ck_assert_int_gt(n, 6);
    ck_assert_int_gt(seen[0], 3);
    ck_assert_int_ge(seen[1], 1);
    model_free(old);
    model_free(new);
}
END_TEST

/* The same while the file is made: it is as if it were not there, or it is there. */
START_TEST(test_cut_new_file)
{
    struct bolt *db;
    struct bolt_tx *tx;
    int status = 7;

    how = (enum how)_i;
    for (int n = 1; status == 7 || status == 5; n++) {
        pid_t pid;

        ck_assert_int_lt(n, 100);
        unlink(path);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
            countdown = n;
            db = bolt_new(path, BOLT_CREATE);
            if (bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx) < 0 || bolt_commit(tx) < 0)
                _exit(5);
            _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        status = WEXITSTATUS(status);
        db = bolt_new(path, BOLT_CREATE);
        ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx), 0);
        ck_assert_int_eq(bolt_commit(tx), 0);
        ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &tx), 0);
        ck_assert_int_eq(bolt_check(tx, NULL, NULL), 0);
        bolt_rollback(tx);
        bolt_free(db);
    }
    ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bolt, cut short");
    TCase *tc = tcase_create("cut");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 600);
    tcase_add_loop_test(tc, test_cut, 0, HOWS);
    tcase_add_loop_test(tc, test_cut_new_file, KILL_BEFORE, KILL_AFTER + 1);
    tcase_add_loop_test(tc, test_cut_new_file, FAIL, FAIL + 1);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
