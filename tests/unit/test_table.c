/* SPDX-License-Identifier: Apache-2.0 */
/* test_table.c - src/cmd/table.c against what Go's tabwriter makes (12, 2, 2, ' '). */
#include "cmd/table.h"
#include <check.h>
#include <string.h>

static const struct {
    const char *text, *want;
} samples[] = {
    {"", ""},
    {"a\n", "a\n"},
    {"a\tb\n", "a           b\n"},
    {"a\tb", "a           b"},
    {"CONTAINER ID\tIMAGE\tNAMES\n6b405a76ed7b\t\tweb\n",
     "CONTAINER ID  IMAGE       NAMES\n6b405a76ed7b              web\n"},
    {"a\t\n", "a           \n"},
    {"a long first cell\tb\nx\ty\n", "a long first cell  b\nx                  y\n"},
    /* A line without the cell ends a column; the next one begins anew. */
    {"a long first cell\tb\nplain\nx\ty\n", "a long first cell  b\nplain\nx           y\n"},
    {"a\tb\tc\na long first cell\tb\nx\ty long second cell\tz\n",
     "a                  b           c\na long first cell  b\nx                  y long second "
     "cell  z\n"},
    {"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\tx\n",
     "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9  x\n"},
    {"\t\t\n", "                        \n"},
    {"\n\n", "\n\n"},
};

START_TEST(align)
{
    _cleanup_buf_ struct berth_buf out = BUF_INIT;

    ck_assert_int_eq(table_align(samples[_i].text, strlen(samples[_i].text), &out), 0);
    ck_assert_str_eq(buf_str(&out), samples[_i].want);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("table");
    TCase *c = tcase_create("table");
    SRunner *runner = srunner_create(s);
    int failed;

    suite_add_tcase(s, c);
    tcase_add_loop_test(c, align, 0, ARRAY_LEN(samples));
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
