/* SPDX-License-Identifier: Apache-2.0 */
/* test_subid.c - src/rootless/subid.c: the ranges that a user has. */
#include "base/buf.h"
#include "base/str.h"
#include "rootless/subid.h"
#include <check.h>

/* What user 1700, "ru", has: "first:count ..." */
static const struct {
    const char *text, *ranges;
} files[] = {
    {"", ""},
    {"ru:200000:65536\n", "200000:65536"},
    {"ru:200000:65536", "200000:65536"},
    {"1700:200000:65536\n", "200000:65536"},
    {"other:200000:65536\n17:300000:10\nrub:1:1\nr:1:1\n", ""},
    /* The order is by the first ID, not by the line. */
    {"1700:500000:10\nru:200000:1000\nother:1:1\n1700:400000:1000\n",
     "200000:1000 400000:1000 500000:10"},
    /* Lines that are none. */
    {"# comment\n\n \nru\nru:\nru:5\nru:5:\nru::5\nru:x:5\nru:5:x\nru:-5:5\nru:5:-5\n"
     "ru:5:0\nru: 5:5\n:5:5\nru:5:5 \n",
     ""},
    /* A further field is nobody's business. */
    {"ru:200000:1000:more\n", "200000:1000"},
    /* What the kernel does not have. */
    {"ru:4294967295:1\nru:4294967290:10\nru:99999999999:1\nru:1:99999999999999999999999\n", ""},
    {"ru:4294967200:94\n", "4294967200:94"},
    /* One ID cannot be given twice. */
    {"ru:100:50\nru:100:50\n", "100:50"},
    {"ru:100:50\nru:120:50\nru:130:10\nru:170:1\n", "100:50 150:20 170:1"},
    {"ru:100:10\nru:100:50\n", "100:50"},
};

START_TEST(ranges)
{
    _cleanup_subids_ struct subids s = {0};
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    ck_assert_int_eq(subids_parse(files[_i].text, strlen(files[_i].text), "ru", 1700, &s, NULL),
                     0);
    for (size_t i = 0; i < s.n; i++)
        buf_printf(&text, "%s%u:%u", i ? " " : "", s.ranges[i].first, s.ranges[i].count);
    ck_assert_str_eq(buf_str(&text), files[_i].ranges);
}
END_TEST

START_TEST(nameless)
{
    static const char text[] = ":1:1\nru:2:1\n0:3:1\n";
    _cleanup_subids_ struct subids s = {0};

    ck_assert_int_eq(subids_parse(text, strlen(text), NULL, 0, &s, NULL), 0);
    ck_assert_uint_eq(s.n, 1);
    ck_assert_uint_eq(s.ranges[0].first, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("subid");
    TCase *tests = tcase_create("parser");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, ranges, 0, ARRAY_LEN(files));
    tcase_add_test(tests, nameless);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
