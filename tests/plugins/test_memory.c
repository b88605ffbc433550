/* SPDX-License-Identifier: Apache-2.0 */
/* The memory store against the model, and its gate under several threads. */
#include "tests/plugins/stores.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct store st;

static void setup(void)
{
    store_init(&st, "state_memory", 0);
    store_open(&st, BERTH_STATE_CREATE);
}

static void teardown(void)
{
    store_fini(&st);
}

START_TEST(workload)
{
    store_workload(&st, (unsigned)_i * 7919 + 1, 150);
}
END_TEST

START_TEST(needs_create)
{
    struct berth_state *s = NULL;
    int r = st.ops.open(testhost_host(st.host), &st.place, st.cfg, 0, &s, st.err);

    ck_assert_int_eq(r, -ENOENT);
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(reader_writes_nothing)
{
    struct berth_record rec = store_record(BERTH_CONTAINER, "c1", "one");
    struct berth_txn *t = store_begin(&st, 0);

    ck_assert_int_eq(st.ops.insert(t, &rec, st.err), -EROFS);
    ck_assert_int_eq(st.ops.unlink_all(t, BERTH_LINK_EXEC, BERTH_ANY, NULL, st.err), -EROFS);
    ck_assert_int_eq(st.ops.exit_prune(t, 1, 0, st.err), -EROFS);
    store_commit(&st, t);
}
END_TEST

START_TEST(one_writer)
{
    struct berth_txn *t = store_begin(&st, BERTH_TXN_WRITE), *other = NULL;

    ck_assert_int_eq(st.ops.begin(st.s, 0, BERTH_NO_WAIT, &other, st.err), -EBUSY);
    ck_assert_int_eq(st.ops.begin(st.s, BERTH_TXN_WRITE, store_deadline(20), &other, st.err),
                     -ETIMEDOUT);
    testhost_set_cancelled(st.host, 1);
    ck_assert_int_eq(st.ops.begin(st.s, 0, BERTH_WAIT_FOREVER, &other, st.err), -ECANCELED);
    testhost_set_cancelled(st.host, 0);
    ck_assert_ptr_null(other);
    st.ops.rollback(t);
    t = store_begin(&st, 0);
    other = store_begin(&st, 0);
    store_commit(&st, other);
    store_commit(&st, t);
}
END_TEST

/* Each writer moves every record on by one, readers must see all of them alike. */
#define RECORDS 6

static int same_status(void *arg, const struct berth_record *r)
{
    int32_t *status = arg;

    if (*status < 0)
        *status = r->status;
    return *status == r->status ? 0 : 77;
}

static void *read_often(void *arg)
{
    struct berth_scan what = {
        .size = sizeof(what), .kind = BERTH_CONTAINER, .want = BERTH_REC_ATTRS};

    for (int i = 0; i < 200; i++) {
        struct berth_txn *t = NULL;
        int32_t status = -1;

        if (st.ops.begin(st.s, 0, BERTH_WAIT_FOREVER, &t, NULL) < 0 ||
            st.ops.scan(t, &what, same_status, &status, NULL) != 0 ||
            st.ops.commit(t, NULL) < 0)
            return NULL;
    }
    return arg;
}

static void *write_often(void *arg)
{
    static const char *const id[RECORDS] = {"a", "b", "c", "d", "e", "f"};

    for (int i = 0; i < 100; i++) {
        struct berth_record rec = {.size = sizeof(rec)};
        struct berth_txn *t = NULL;

        if (st.ops.begin(st.s, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &t, NULL) < 0)
            return NULL;
        for (int j = 0; j < RECORDS; j++) {
            if (st.ops.get(t, BERTH_CONTAINER, id[j], BERTH_REC_ATTRS, &rec, NULL) < 0)
                return NULL;
            rec.status++;
            if (st.ops.update(t, &rec, NULL) < 0)
                return NULL;
        }
        if (i % 3 == 0)
            st.ops.rollback(t);
        else if (st.ops.commit(t, NULL) < 0)
            return NULL;
    }
    return arg;
}

START_TEST(threads)
{
    static const char *const id[RECORDS] = {"a", "b", "c", "d", "e", "f"};
    struct berth_txn *t = store_begin(&st, BERTH_TXN_WRITE);
    struct berth_record rec = {.size = sizeof(rec)};
    pthread_t thread[5];
    void *ok;

    for (int i = 0; i < RECORDS; i++) {
        rec = store_record(BERTH_CONTAINER, id[i], id[i]);
        ck_assert_int_eq(st.ops.insert(t, &rec, st.err), 0);
    }
    store_commit(&st, t);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(
            pthread_create(&thread[i], NULL, i < 2 ? write_often : read_often, &st), 0);
    for (int i = 0; i < 5; i++) {
        pthread_join(thread[i], &ok);
        ck_assert_ptr_nonnull(ok);
    }
    t = store_begin(&st, 0);
    ck_assert_int_eq(st.ops.get(t, BERTH_CONTAINER, "f", BERTH_REC_ATTRS, &rec, st.err), 0);
    ck_assert_int_eq(rec.status, 1 + 2 * 66);
    store_commit(&st, t);
}
END_TEST

START_TEST(child_lets_go)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        st.ops.forked(st.s);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    store_workload(&st, 3, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tc = tcase_create("store");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, workload, 0, 20);
    tcase_add_test(tc, needs_create);
    tcase_add_test(tc, reader_writes_nothing);
    tcase_add_test(tc, one_writer);
    tcase_add_test(tc, threads);
    tcase_add_test(tc, child_lets_go);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
