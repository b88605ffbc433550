/* SPDX-License-Identifier: Apache-2.0 */
/* test_when.c - src/cmd/when.c: moments as people type them. */
#include "base/time.h"
#include "cmd/when.h"
#include <check.h>

#define S 1000000000ll

static const struct {
    const char *text;
    berth_date date;
} fixed[] = {
    {"2026-11-21T20:11:10.5Z", 1795291870 * S + S / 2},
    {"2026-11-21T20:11:10+02:00", (1795291870 - 7200) * S},
    {"2026-11-21T20:11:10", 1795291870 * S},
    {"2026-11-21T20:11:10.25", 1795291870 * S + S / 4},
    {"2026-11-21", 1795219200 * S},
    {"2026-11-21Z", 1795219200 * S},
    {"2026-11-21+01:00", (1795219200 - 3600) * S},
    {"1795291870", 1795291870 * S},
    {"1795291870.000000001", 1795291870 * S + 1},
    {"0", 0},
};

START_TEST(moments)
{
    berth_date date = -1;

    ck_assert_int_eq(when_parse(fixed[_i].text, true, &date, NULL), 0);
    ck_assert_int_eq(date, fixed[_i].date);
    ck_assert_int_eq(when_parse(fixed[_i].text, false, &date, NULL), 0);
    ck_assert_int_eq(date, fixed[_i].date);
}
END_TEST

static const struct {
    const char *text;
    int64_t ns;
} durations[] = {
    {"10s", 10 * S},  {"1h30m", 5400 * S},  {"1.5h", 5400 * S},
    {"-1m", -60 * S}, {"+2ms", 2000000},    {"1h0.5s", 3600 * S + S / 2},
    {"7us", 7000},    {"7\xc2\xb5s", 7000}, {"300ns", 300},
    {".5m", 30 * S},  {"1.s", S},           {"+0", 0},
};

START_TEST(lengths)
{
    berth_date before = time_now(), date = 0, after;

    ck_assert_int_eq(when_parse(durations[_i].text, true, &date, NULL), 0);
    after = time_now();
    ck_assert_int_ge(date, before - durations[_i].ns);
    ck_assert_int_le(date, after - durations[_i].ns);
    before = time_now();
    ck_assert_int_eq(when_parse(durations[_i].text, false, &date, NULL), 0);
    after = time_now();
    ck_assert_int_ge(date, before + durations[_i].ns);
    ck_assert_int_le(date, after + durations[_i].ns);
}
END_TEST

static const char *const wrong[] = {
    "",
    "x",
    "s",
    "1x",
    "1hh",
    "--1s",
    "1s ",
    ".",
    ".s",
    "1..s",
    "h1",
    "2026-13-01",
    "2026-11-21T",
    "2026-11-21x",
    "1e3s",
    "99999999999999999999s",
    "9999999999h",
    "99999999999",
};

START_TEST(refused)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    berth_date date = 7;
    int r = when_parse(wrong[_i], true, &date, &err);

    ck_assert_int_eq(r, -EINVAL);
    ck_assert_str_eq(error_text(&err), "unable to interpret time value");
    ck_assert_int_eq(date, 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("when");
    TCase *tc = tcase_create("when");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, moments, 0, (int)ARRAY_LEN(fixed));
    tcase_add_loop_test(tc, lengths, 0, (int)ARRAY_LEN(durations));
    tcase_add_loop_test(tc, refused, 0, (int)ARRAY_LEN(wrong));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
