/* SPDX-License-Identifier: Apache-2.0 */
/* test_seccomp.c - what filters are made and kept with: compiler, hash, base64. */
#include "base/sha256.h"
#include "base/str.h"
#include "engine/seccomp.h"
#include "engine/spec_priv.h"
#include <check.h>
#include <linux/filter.h>

/* ------------------------------------------------------------------- sha256 */

static void hash(const char *text, size_t len, size_t piece, char hex[65])
{
    uint8_t out[SHA256_LEN];
    struct sha256 s;

    sha256_begin(&s);
    for (size_t at = 0; at < len; at += piece)
        sha256_add(&s, text + at, MIN(piece, len - at));
    sha256_end(&s, out);
    for (size_t i = 0; i < sizeof(out); i++)
        snprintf(hex + 2 * i, 3, "%02x", out[i]);
}

/* Examples of FIPS 180-2. */
static const char *const hashes[][2] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

START_TEST(hash_examples)
{
    const char *text = hashes[_i][0];
    char hex[65];

    for (size_t piece = 1; piece < 70; piece += 9) {
        hash(text, strlen(text), piece, hex);
        ck_assert_str_eq(hex, hashes[_i][1]);
    }
}
END_TEST

START_TEST(hash_long)
{
    char *text = malloc(1000000), hex[65];

    memset(text, 'a', 1000000);
    hash(text, 1000000, 997, hex);
    ck_assert_str_eq(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(text);
}
END_TEST

/* ----------------------------------------------------------------- compiler */

static int compile(const char *text, struct berth_buf *bpf, struct berth_list *unknown,
                   struct berth_error *err)
{
    _cleanup_list_ struct berth_list caps = LIST_INIT;
    _cleanup_json_ json *filter = NULL;
    int r = list_add(&caps, "CAP_CHOWN");

    if (r == 0)
        r = spec_seccomp((struct berth_blob){text, strlen(text)}, "p", &caps, &filter, err);
    return r < 0 ? r : seccomp_compile(filter, bpf, unknown, err);
}

#define ALLOW(rest) "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" rest "]}"

START_TEST(compiled)
{
    _cleanup_buf_ struct berth_buf one = BUF_INIT, two = BUF_INIT;
    _cleanup_list_ struct berth_list unknown = LIST_INIT;

    ck_assert_int_eq(compile(ALLOW("{\"names\":[\"read\",\"none_such\"],\"action\":"
                                   "\"SCMP_ACT_ALLOW\"}"),
                             &one, &unknown, NULL),
                     0);
    ck_assert_uint_gt(one.len, 0);
    ck_assert_uint_eq(one.len % sizeof(struct sock_filter), 0);
    ck_assert_uint_eq(unknown.n, 1);
    ck_assert_str_eq(unknown.items[0], "none_such");
    /* A rule for a capability that is not there counts for nothing. */
    ck_assert_int_eq(
        compile(ALLOW("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"},"
                      "{\"names\":[\"write\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":"
                      "{\"caps\":[\"CAP_SYS_ADMIN\"]}}"),
                &two, NULL, NULL),
        0);
    ck_assert_uint_eq(one.len, two.len);
    ck_assert_int_eq(memcmp(one.data, two.data, one.len), 0);
}
END_TEST

static const char *const wrong[][2] = {
    {"{\"defaultAction\":\"SCMP_ACT_NONE\"}", "unknown action"},
    {ALLOW("{\"names\":[\"read\"],\"action\":\"allow\"}"), "unknown action"},
    {ALLOW("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"op\":"
           "\"==\"}]}"),
     "unknown operator"},
    {ALLOW("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":6,\"op\":"
           "\"SCMP_CMP_EQ\"}]}"),
     "no argument 6"},
    {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_ABACUS\"]}",
     "unknown architecture"},
    {ALLOW("{\"name\":\"a\",\"names\":[\"b\"],\"action\":\"SCMP_ACT_ALLOW\"}"),
     "either 'name'"},
    {ALLOW("{\"name\":\"read\",\"action\":\"SCMP_ACT_TRAP\",\"errno\":\"EWRONG\"}"), "EWRONG"},
    {"{", "decoding seccomp profile failed"},
};

START_TEST(refused)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_buf_ struct berth_buf bpf = BUF_INIT;

    ck_assert_int_lt(compile(wrong[_i][0], &bpf, NULL, &err), 0);
    ck_assert_msg(strstr(error_text(&err), wrong[_i][1]) != NULL, "%s", error_text(&err));
    ck_assert_uint_eq(bpf.len, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seccomp");
    TCase *tc = tcase_create("seccomp");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, hash_examples, 0, (int)ARRAY_LEN(hashes));
    tcase_add_test(tc, hash_long);
    tcase_add_test(tc, compiled);
    tcase_add_loop_test(tc, refused, 0, (int)ARRAY_LEN(wrong));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
