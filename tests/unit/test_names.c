/* SPDX-License-Identifier: Apache-2.0 */
/* test_names.c - src/engine/names.c: generated names have podman's form and differ. */
#include "base/list.h"
#include "engine/names.h"
#include <check.h>
#include <string.h>

START_TEST(form)
{
    for (int i = 0; i < 2000; i++) {
        _cleanup_free_ char *name = name_generate();
        char *second;

        ck_assert_ptr_nonnull(name);
        second = strchr(name, '_');
        ck_assert_ptr_nonnull(second);
        ck_assert_uint_gt((size_t)(second - name), 1);
        ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz"), (size_t)(second - name));
        second++;
        ck_assert_uint_gt(strlen(second), 1);
        ck_assert_uint_eq(strspn(second, "abcdefghijklmnopqrstuvwxyz"), strlen(second));
    }
}
END_TEST

/* How many different words 4000 names have in one half. */
static size_t different(bool first)
{
    _cleanup_list_ struct berth_list words = LIST_INIT;

    for (int i = 0; i < 4000; i++) {
        _cleanup_free_ char *name = name_generate();
        char *cut = strchr(name, '_');
        const char *word = first ? name : cut + 1;

        *cut = '\0';
        if (!list_has(&words, word))
            list_add(&words, word);
    }
    return words.n;
}

START_TEST(variety)
{
    ck_assert_uint_ge(different(true), 90);
    ck_assert_uint_ge(different(false), 90);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("names");
    TCase *tc = tcase_create("names");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, form);
    tcase_add_test(tc, variety);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
