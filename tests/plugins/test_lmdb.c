/* SPDX-License-Identifier: Apache-2.0 */
/* The LMDB store against the model, and on damaged files. */
#include "tests/plugins/stores_shared.h"

#include <lmdb.h>
#include <stdlib.h>

static struct store st;

static void setup(void)
{
    store_init(&st, "state_lmdb", 0);
}

static void teardown(void)
{
    store_fini(&st);
}

START_TEST(workload)
{
    store_open(&st, BERTH_STATE_CREATE);
    store_workload(&st, (unsigned)_i * 7919 + 1, 50);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lmdb");
    TCase *tc = tcase_create("store");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, workload, 0, 10);
    stores_add_shared_tests(tc, &st);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
