/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store against the model. */
#include "tests/plugins/stores_shared.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct store st;

static void setup(void)
{
    store_init(&st, "state_sqlite", STORE_DOCS_ONLY | STORE_SECONDS);
}

static void teardown(void)
{
    store_fini(&st);
}

START_TEST(workload)
{
    if (_i % 2)
        ck_assert_int_eq(testhost_config_set(st.cfg, "extra_indexes", "yes"), 0);
    store_open(&st, BERTH_STATE_CREATE);
    store_workload(&st, (unsigned)_i * 7919 + 1, 60);
}
END_TEST

/* Open with these flags of the place and see that the file is where it should be. */
static void lies_in(uint32_t flags, const char *want)
{
    char path[256];

    st.place.flags = flags;
    store_open(&st, BERTH_STATE_CREATE);
    snprintf(path, sizeof(path), "%s/%s", st.dir, want);
    ck_assert_str_eq(store_file(&st), path);
    ck_assert_int_eq(access(path, F_OK), 0);
    store_workload(&st, 9, 3);
    store_close(&st);
}

START_TEST(places)
{
    static const char *const dirs[] = {"static", "graph", "run", "tmp"};
    char path[4][128];

    for (int i = 0; i < 4; i++) {
        snprintf(path[i], sizeof(path[i]), "%s/%s", st.dir, dirs[i]);
        ck_assert_int_eq(mkdir(path[i], 0700), 0);
    }
    st.place.static_dir = path[0];
    st.place.graph_root = path[1];
    st.place.run_root = path[2];
    st.place.tmp_dir = path[3];
    lies_in(0, "graph/db.sql");
    lies_in(BERTH_PLACE_STATIC_SET, "static/db.sql");
    lies_in(BERTH_PLACE_TRANSIENT | BERTH_PLACE_STATIC_SET, "run/db.sql");
    snprintf(path[1], sizeof(path[1]), "%s/graph/new", st.dir); /* made when missing */
    lies_in(0, "graph/new/db.sql");
    snprintf(path[1], sizeof(path[1]), "%s/graph", st.dir);
    st.place.flags = 0;
    for (int i = 0; i < 4; i++) {
        char command[600];

        snprintf(command, sizeof(command), "rm -r '%s'", path[i]);
        ck_assert_int_eq(system(command), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sqlite");
    TCase *tc = tcase_create("store");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, workload, 0, 10);
    stores_add_shared_tests(tc, &st);
    tcase_add_test(tc, places);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
