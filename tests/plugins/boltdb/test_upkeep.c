/* SPDX-License-Identifier: Apache-2.0 */
/* The boltdb plugin's exit codes and identity, data of others, check, repair, backup, and
 * several processes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plugins/common/bolt/bolt.h"
#include "tests/plugins/boltdb/env.h"

static struct env e;

static void set_up(void)
{
    env_init(&e);
    env_open(&e, BERTH_STATE_CREATE);
}

static void tear_down(void)
{
    env_done(&e);
}

/* ---------------------------------------------------------- exit codes, identity */

static int count_exit(void *arg, const struct berth_exit *x)
{
    (void)x;
    ++*(int *)arg;
    return 0;
}

START_TEST(test_exit_codes)
{
    static const struct {
        berth_date date;
        const char *text;
    } dates[] = {
        {1795284332189534724, "2026-11-21T18:05:32.189534724Z"},
        {1795284332000000000, "2026-11-21T18:05:32Z"},
        {1795284332100000000, "2026-11-21T18:05:32.1Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {0, "1970-01-01T00:00:00Z"},
    };
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    struct berth_exit x = {.size = sizeof x, .id = "c", .code = -1}, got = {.size = sizeof got};
    int n = 0;

    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        x.date = dates[i].date;
        ck_result(&e, e.ops.exit_put(t, &x, e.err), 0);
        ck_result(&e, e.ops.exit_get(t, "c", &got, e.err), 0);
        ck_assert_int_eq(got.date, dates[i].date);
        ck_assert_int_eq(got.code, -1);
        env_commit(&e, t);
        env_raw(&e, "exit-code-time-stamp/c", dates[i].text);
        t = env_begin(&e, BERTH_TXN_WRITE);
    }
    ck_result(&e, e.ops.exit_get(t, "none", &got, e.err), -ENOENT);
    env_insert(&e, t, BERTH_CONTAINER, "live", "live", 0);
    x = (struct berth_exit){.size = sizeof x, .id = "live", .date = 5, .code = 137};
    ck_result(&e, e.ops.exit_put(t, &x, e.err), 0);
    x = (struct berth_exit){.size = sizeof x, .id = "new", .date = 1000, .code = 2};
    ck_result(&e, e.ops.exit_put(t, &x, e.err), 0);
    ck_result(&e, e.ops.exit_prune(t, 1000, 1, e.err), 1);
    ck_result(&e, e.ops.exit_prune(t, 1000, 0, e.err), 1);
    ck_result(&e, e.ops.exit_scan(t, count_exit, &n, e.err), 0);
    ck_assert_int_eq(n, 1);
    ck_result(&e, e.ops.exit_prune(t, INT64_MAX, 0, e.err), 1);
    env_commit(&e, t);
}
END_TEST

START_TEST(test_foreign_exit_codes)
{
    struct bolt *db = bolt_new(e.file, 0);
    struct bolt_bucket *codes, *dates;
    struct berth_exit got = {.size = sizeof got};
    struct berth_txn *t;
    struct bolt_tx *tx;
    int n = 0;

    ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "exit-code", 9, &codes), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "exit-code-time-stamp", 20, &dates), 0);
    bolt_put(codes, "zone", 4, "4294967295", 10);
    bolt_put(dates, "zone", 4, "2026-11-21T23:36:28.379260893+05:30", 35);
    bolt_put(codes, "undated", 7, "3", 1);
    bolt_put(codes, "baddate", 7, "4", 1);
    bolt_put(dates, "baddate", 7, "2026-02-30T00:00:00Z", 20);
    bolt_put(codes, "nonumber", 8, "x", 1);
    ck_assert_int_eq(bolt_commit(tx), 0);
    bolt_free(db);

    t = env_begin(&e, BERTH_TXN_WRITE);
    ck_result(&e, e.ops.exit_get(t, "zone", &got, e.err), 0);
    ck_assert_int_eq(got.code, -1);
    ck_assert_int_eq(got.date, 1795284388379260893);
    ck_result(&e, e.ops.exit_get(t, "nonumber", &got, e.err), -EUCLEAN);
    ck_result(&e, e.ops.exit_scan(t, count_exit, &n, e.err), 0);
    ck_assert_int_eq(n, 3);
    ck_result(&e, e.ops.exit_prune(t, 1795284388379260893, 0, e.err), 1);
    ck_assert_ptr_nonnull(strstr(testhost_log(e.th), "baddate"));
    ck_result(&e, e.ops.exit_prune(t, 1795284388379260894, 0, e.err), 1);
    env_commit(&e, t);
    env_raw(&e, "exit-code/undated", "3");
    env_raw(&e, "exit-code/baddate", NULL);
    env_raw(&e, "exit-code-time-stamp/baddate", NULL);
}
END_TEST

START_TEST(test_identity)
{
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    struct berth_store_config in = {.size = sizeof in,
                                    .os = "linux",
                                    .static_dir = "/s",
                                    .tmp_dir = "/t",
                                    .graph_driver = ""},
                              out = {.size = sizeof out};

    ck_result(&e, e.ops.config_get(t, &out, e.err), -ENOENT);
    ck_result(&e, e.ops.config_put(t, &in, e.err), 0);
    ck_result(&e, e.ops.config_get(t, &out, e.err), 0);
    ck_assert_str_eq(out.graph_driver, "");
    ck_assert_str_eq(out.tmp_dir, "/t");
    ck_assert_ptr_null(out.run_root);
    env_commit(&e, t);
    env_raw(&e, "runtime-config/static-dir", "/s");
    env_raw(&e, "runtime-config/run-root", NULL);
}
END_TEST

/* ---------------------------------------------------------------------- upkeep */

/* Unknown keys and buckets stay where they are. */
START_TEST(test_foreign_data)
{
    struct bolt *db = bolt_new(e.file, 0);
    struct bolt_bucket *b, *c;
    struct berth_record rec = env_record(BERTH_CONTAINER, "c", "name");
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    struct bolt_tx *tx;

    env_insert(&e, t, BERTH_CONTAINER, "c", "name", 0);
    env_commit(&e, t);
    ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "ctr", 3, &b), 0);
    ck_assert_int_eq(bolt_open(b, "c", 1, &c), 0);
    ck_assert_int_eq(bolt_put(c, "future", 6, "kept", 4), 0);
    ck_assert_int_eq(bolt_make(c, "aliases", 7, &c), 0);
    ck_assert_int_eq(bolt_put(c, "net", 3, "kept", 4), 0);
    ck_assert_int_eq(bolt_make(bolt_root(tx), "secrets", 7, &b), 0);
    ck_assert_int_eq(bolt_put(b, "k", 1, "kept", 4), 0);
    ck_assert_int_eq(bolt_commit(tx), 0);
    bolt_free(db);

    t = env_begin(&e, BERTH_TXN_WRITE);
    rec.name = "other";
    rec.state = env_blob("{\"state\":2}");
    ck_result(&e, e.ops.update(t, &rec, e.err), 0);
    env_commit(&e, t);
    env_raw(&e, "ctr/c/future", "kept");
    env_raw(&e, "ctr/c/aliases/net", "kept");
    env_raw(&e, "secrets/k", "kept");
    env_raw(&e, "ctr/c/state", "{\"state\":2}");
    env_clean(&e);
}
END_TEST

/* A bbolt file that is no state of containers is left alone. */
START_TEST(test_other_database)
{
    const struct berth_host *h = testhost_host(e.th);
    struct berth_state *s = NULL;
    struct bolt_bucket *b;
    struct bolt_tx *tx;
    struct bolt *db;

    env_close(&e);
    ck_assert_int_eq(unlink(e.file), 0);
    db = bolt_new(e.file, BOLT_CREATE);
    ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_make(bolt_root(tx), "ipam", 4, &b), 0);
    ck_assert_int_eq(bolt_commit(tx), 0);
    ck_result(&e, e.ops.open(h, &e.place, e.cfg, BERTH_STATE_CREATE, &s, e.err), -EUCLEAN);
    ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "ctr", 3, &b), -ENOENT);
    bolt_rollback(tx);
    bolt_free(db);
}
END_TEST

START_TEST(test_check_and_repair)
{
    struct bolt *db = bolt_new(e.file, 0);
    struct bolt_bucket *b;
    struct berth_record rec = env_record(BERTH_CONTAINER, "c", "name");
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    struct bolt_tx *tx;
    int64_t found;

    env_insert(&e, t, BERTH_POD, "p", "pod", 0);
    rec.pod = "p";
    ck_result(&e, e.ops.insert(t, &rec, e.err), 0);
    env_commit(&e, t);
    env_clean(&e);

    ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "all-ctrs", 8, &b), 0);
    ck_assert_int_eq(bolt_delete(b, "c", 1), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "name-registry", 13, &b), 0);
    ck_assert_int_eq(bolt_delete(b, "name", 4), 0);
    ck_assert_int_eq(bolt_put(b, "ghost", 5, "gone", 4), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "pod", 3, &b), 0);
    ck_assert_int_eq(bolt_open(b, "p", 1, &b), 0);
    ck_assert_int_eq(bolt_open(b, "containers", 10, &b), 0);
    ck_assert_int_eq(bolt_delete(b, "c", 1), 0);
    ck_assert_int_eq(bolt_drop(bolt_root(tx), "volume-ctrs", 11), 0);
    ck_assert_int_eq(bolt_commit(tx), 0);

    found = e.ops.check(e.s, 0, e.list, e.err);
    ck_assert_int_eq(found, 5);
    ck_assert_uint_eq(testhost_list_len(e.list), 5);
    ck_assert_int_eq(e.ops.check(e.s, 1, e.list, e.err), 5);
    env_clean(&e);
    env_raw(&e, "all-ctrs/c", "name");
    env_raw(&e, "name-registry/name", "c");
    env_raw(&e, "name-registry/ghost", NULL);
    env_raw(&e, "pod/p/containers/c", "name");
    bolt_free(db);
}
END_TEST

START_TEST(test_backup)
{
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    char copy[128];
    int fd;

    env_insert(&e, t, BERTH_CONTAINER, "c", "name", 0);
    env_commit(&e, t);
    snprintf(copy, sizeof copy, "%s/copy", e.dir);
    fd = open(copy, O_RDWR | O_CREAT, 0600);
    ck_result(&e, e.ops.backup(e.s, fd, e.err), 0);
    close(fd);
    ck_assert_int_eq(rename(copy, e.file), 0);
    env_raw(&e, "all-ctrs/c", "name");
    env_clean(&e);
}
END_TEST

/* After fork() the child lets go, and the parent's transaction goes on. */
START_TEST(test_forked)
{
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    int status;
    pid_t pid;

    env_insert(&e, t, BERTH_CONTAINER, "c", "name", 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        e.ops.forked(e.s);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    env_commit(&e, t);
    env_raw(&e, "all-ctrs/c", "name");
}
END_TEST

/* One process: add 1 to the number in the state, `times` times. */
static void count_up(int times)
{
    for (int i = 0; i < times; i++) {
        struct berth_record rec = {.size = sizeof rec};
        struct berth_txn *t = NULL;
        char state[64];

        ck_result(&e, e.ops.begin(e.s, BERTH_TXN_WRITE, env_in_ms(60000), &t, e.err), 0);
        ck_result(&e, e.ops.get(t, BERTH_CONTAINER, "c", BERTH_REC_ALL, &rec, e.err), 0);
        snprintf(state, sizeof state, "{\"state\":%d}", rec.status + 1);
        rec.state = env_blob(state);
        rec.has = BERTH_REC_STATE;
        ck_result(&e, e.ops.update(t, &rec, e.err), 0);
        env_commit(&e, t);
    }
}

/* Several processes write at the same time, and some are killed: no step of those that
 * end well is lost, and the file stays sound. */
START_TEST(test_processes)
{
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    struct berth_record rec = env_record(BERTH_CONTAINER, "c", "name");
    pid_t pids[5];
    int status;

    rec.state = env_blob("{\"state\":0}");
    ck_result(&e, e.ops.insert(t, &rec, e.err), 0);
    env_commit(&e, t);
    for (int i = 0; i < 5; i++) {
        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (pids[i] == 0) {
            count_up(i == 4 ? 1000000 : 25);
            _exit(0);
        }
    }
    usleep(50000);
    ck_assert_int_eq(kill(pids[4], SIGKILL), 0);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_int_eq(status, i == 4 ? SIGKILL : 0);
    }
    t = env_begin(&e, 0);
    ck_result(&e, e.ops.get(t, BERTH_CONTAINER, "c", BERTH_REC_ATTRS, &rec, e.err), 0);
    ck_assert_int_ge(rec.status, 4 * 25);
    e.ops.rollback(t);
    env_clean(&e);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("state_boltdb: exit codes and upkeep");
    TCase *tc = tcase_create("operations");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_exit_codes);
    tcase_add_test(tc, test_foreign_exit_codes);
    tcase_add_test(tc, test_identity);
    tcase_add_test(tc, test_foreign_data);
    tcase_add_test(tc, test_other_database);
    tcase_add_test(tc, test_check_and_repair);
    tcase_add_test(tc, test_backup);
    tcase_add_test(tc, test_forked);
    tcase_add_test(tc, test_processes);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
