/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bolt library against bbolt itself.  The same random changes are made to one file
 * by this library and to another by the Go program bolt-check ($BOLT_CHECK); both check
 * both files, which must hold the same, and every other round they swap files.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <check.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/plugins/bolt/model.h"

static char dir[64], mine[96], theirs[96], script[96];

static void set_up(void)
{
    make_directory(dir);
    snprintf(mine, sizeof mine, "%s/mine.db", dir);
    snprintf(theirs, sizeof theirs, "%s/theirs.db", dir);
    snprintf(script, sizeof script, "%s/script", dir);
}

static void run(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));

static void run(const char *fmt, ...)
{
    char command[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    ck_assert_msg(system(command) == 0, "%s", command);
}

static void tear_down(void)
{
    run("rm -rf '%s'", dir);
}

static int say(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "finding: %s\n", text);
    return 0;
}

static void verify(const char *path, const struct model *m)
{
    const char *go = getenv("BOLT_CHECK");
    struct bolt *db = bolt_new(path, BOLT_READONLY);
    struct bolt_tx *tx;

    ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_check(tx, say, NULL), 0);
    model_compare(m, bolt_root(tx));
    bolt_rollback(tx);
    bolt_free(db);
    run("'%s' check '%s'", go, path);
}

static const struct {
    uint32_t page_size;
    const char *flags; /* of bolt-check apply */
    struct churn churn;
} loads[] = {
    {4096, "", {.ops = 100, .keys = 60, .value_max = 3000, .deletes = 30, .depth = 2}},
    {4096, "", {.ops = 800, .keys = 2000, .value_max = 20000, .deletes = 40, .depth = 1}},
    {4096, "-n", {.ops = 800, .keys = 5000, .value_max = 200, .deletes = 40, .depth = 1}},
    {1024, "-p 1024", {.ops = 500, .keys = 900, .value_max = 600, .deletes = 45, .depth = 3}},
    {16384,
     "-p 16384",
     {.ops = 800, .keys = 3000, .value_max = 900, .deletes = 40, .depth = 1}},
};

START_TEST(test_same_changes)
{
    const char *go = getenv("BOLT_CHECK");
    int rounds = getenv("BERTH_TEST_LONG") ? 16 : 8;
    struct churn c = loads[_i].churn;
    struct model *m = model_new();

    c.state = 42u + (unsigned)_i;
    fresh_file(mine, loads[_i].page_size);
    for (int round = 0; round < rounds; round++) {
        struct bolt *db = bolt_new(mine, BOLT_NOSYNC);
        FILE *f = fopen(script, "w");
        struct bolt_tx *tx;

        ck_assert_ptr_nonnull(f);
        c.deletes = loads[_i].churn.deletes + (round / 4 % 2 ? 40 : 0);
        ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx), 0);
        model_churn(&c, m, tx, f);
        ck_assert_int_eq(bolt_commit(tx), 0);
        bolt_free(db);
        fclose(f);
        run("'%s' apply %s '%s' < '%s'", go, loads[_i].flags, theirs, script);
        verify(mine, m);
        verify(theirs, m);
        run("'%s' dump '%s' | sed 's/,\"bucket_info.*//' > '%s/a' && "
            "'%s' dump '%s' | sed 's/,\"bucket_info.*//' > '%s/b' && cmp '%s/a' '%s/b'",
            go, mine, dir, go, theirs, dir, dir, dir);
        if (round % 2)
            run("mv '%s' '%s/x' && mv '%s' '%s' && mv '%s/x' '%s'", mine, dir, theirs, mine,
                dir, theirs);
    }
    model_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bolt against bbolt");
    TCase *tc = tcase_create("same changes");
    const char *go = getenv("BOLT_CHECK");
    SRunner *sr;
    int failed;

    if (!go || !*go) {
        puts("no bolt-check: run tests/compat/bolt-check/run.sh");
        return 77;
    }
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 600);
    tcase_add_loop_test(tc, test_same_changes, 0, (int)(sizeof loads / sizeof *loads));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
