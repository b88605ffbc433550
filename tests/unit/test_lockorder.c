/* SPDX-License-Identifier: Apache-2.0 */
/* test_lockorder.c - src/engine/lockorder.c on the plugin lock_file. */
#include "base/fs.h"
#include "base/str.h"
#include "engine/lockorder.h"
#include <check.h>
#include <pthread.h>

static struct conf *conf;
static struct locks *locks;
static char dir[64];

static void setup(void)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_free_ char *top = path_absolute(str_or(getenv("top_builddir"), "."));
    _cleanup_free_ char *libs = path_join(top, ".libs"), *file = NULL;
    struct berth_place place;

    snprintf(dir, sizeof(dir), "/tmp/test-lockorder.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    file = path_join(dir, "berth.conf");
    ck_assert_int_eq(fs_replace(file, "", 0, 0644, false, NULL), 0);
    const struct conf_override o[] = {
        {"plugin_dirs", libs}, {"graph_root", dir}, {"run_root", dir}, {"tmp_dir", dir}};
    ck_assert_msg(conf_load(file, o, ARRAY_LEN(o), &conf, NULL, &err) == 0, "%s",
                  error_text(&err));
    conf_place(conf, &place);
    ck_assert_msg(lock_open(conf, "file", &place, NULL, 0, BERTH_LOCK_CREATE, &locks, &err) ==
                      0,
                  "%s", error_text(&err));
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(lock_claim(locks, i, NULL), 0);
}

static void teardown(void)
{
    lock_close(locks);
    conf_free(conf);
    ck_assert_int_eq(fs_remove_tree(dir, NULL), 0);
}

static int take(enum lock_class cls, const char *name, uint32_t id, struct berth_error *err)
{
    return lockorder_acquire(locks, cls, name, id, BERTH_NO_WAIT, err);
}

START_TEST(same_number)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    ck_assert_int_eq(take(LOCK_CLASS_CONTAINER, "c1", 1, NULL), 0);
    ck_assert_int_eq(take(LOCK_CLASS_VOLUME, "v1", 1, &err), -EDEADLK);
    ck_assert_str_eq(error_text(&err),
                     "please run 'berth system renumber' to resolve deadlocks: container c1 "
                     "and volume v1 share lock ID 1: deadlock due to lock mismatch");
    ck_assert_int_eq(take(LOCK_CLASS_VOLUME, "v2", 2, NULL), 0);
    ck_assert_int_eq(lockorder_drop(locks, 1, NULL), 0);
    ck_assert_int_eq(lockorder_drop(locks, 2, NULL), 0);
    ck_assert_int_eq(take(LOCK_CLASS_VOLUME, "v1", 1, NULL), 0);
    ck_assert_int_eq(lockorder_drop(locks, 1, NULL), 0);
}
END_TEST

#ifndef NDEBUG
START_TEST(wrong_order)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    ck_assert_int_eq(take(LOCK_CLASS_CONTAINER, "c1", 1, NULL), 0);
    ck_assert_int_eq(take(LOCK_CLASS_CONTAINER, "needed", 3, NULL), 0);
    ck_assert_int_eq(take(LOCK_CLASS_POD, "p", 2, &err), -EDEADLK);
    ck_assert_str_eq(error_text(&err), "lock order: pod p must be locked before container c1, "
                                       "not while it is held");
    ck_assert_int_eq(lockorder_drop(locks, 3, NULL), 0);
    ck_assert_int_eq(lockorder_drop(locks, 1, NULL), 0);
    ck_assert_int_eq(take(LOCK_CLASS_POD, "p", 2, NULL), 0);
    ck_assert_int_eq(lockorder_drop(locks, 2, NULL), 0);
}
END_TEST
#endif

static void *other_thread(void *arg)
{
    /* Held by another thread: that is waiting, not a deadlock. */
    *(int *)arg = take(LOCK_CLASS_CONTAINER, "c2", 1, NULL);
    return NULL;
}

START_TEST(per_thread)
{
    pthread_t t;
    int r = 0;

    ck_assert_int_eq(take(LOCK_CLASS_CONTAINER, "c1", 1, NULL), 0);
    ck_assert_int_eq(pthread_create(&t, NULL, other_thread, &r), 0);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
    ck_assert_int_eq(r, -EBUSY);
    ck_assert_int_eq(lockorder_drop(locks, 1, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lockorder");
    TCase *tc = tcase_create("lockorder");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, same_number);
#ifndef NDEBUG
    tcase_add_test(tc, wrong_order);
#endif
    tcase_add_test(tc, per_thread);
    suite_add_tcase(s, tc);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
