/* SPDX-License-Identifier: Apache-2.0 */
/* test_net_none.c - the network backend without networks. */
#include <berth/net.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/testhost.h"

static struct testhost *th;
static struct berth_config *cfg;
static struct berth_error *err;
static struct berth_net_ops ops;
static struct berth_net *n;

static void setup(void)
{
    const struct berth_plugin *p = testhost_load(NULL, "net_none");
    struct berth_place place = {.size = sizeof(place)};

    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(p->kind, BERTH_KIND_NET);
    th = testhost_new();
    cfg = testhost_config_new(p);
    err = testhost_error_new();
    testhost_ops(p, &ops, sizeof(ops));
    ck_assert_int_eq(ops.probe(testhost_host(th), &place, cfg, err), 0);
    ck_assert_int_eq(ops.open(testhost_host(th), &place, cfg, &n, err), 0);
}

static void teardown(void)
{
    ops.close(n);
    testhost_error_free(err);
    testhost_config_free(cfg);
    testhost_free(th);
}

static int never(void *arg, const char *name, const char *id, struct berth_blob network)
{
    (void)arg;
    (void)id;
    (void)network;
    ck_abort_msg("there is a network \"%s\"", name);
    return 0;
}

START_TEST(nothing_there)
{
    struct berth_blob network = {"{\"name\":\"x\"}", 12};
    struct berth_buf *out = testhost_buf_new();
    struct berth_list *list = testhost_list_new();

    ck_assert_str_eq(ops.default_name(n), "none");
    ck_assert_int_eq(ops.list(n, never, NULL, err), 0);
    ck_assert_int_eq(ops.drivers(n, list, err), 0);
    ck_assert_uint_eq(testhost_list_len(list), 0);
    ck_assert_int_eq(ops.inspect(n, "x", out, err), -ENOENT);
    ck_assert_int_eq(ops.remove(n, "x", err), -ENOENT);
    ck_assert_int_eq(ops.create(n, network, 0, out, err), -ENOTSUP);
    ck_assert_ptr_nonnull(strstr(testhost_error_text(err), "NetworkBackend"));
    ck_assert_uint_eq(testhost_buf_len(out), 0);
    testhost_buf_free(out);
    testhost_list_free(list);
}
END_TEST

START_TEST(setup_does_nothing)
{
    struct berth_blob options = {"{}", 2};
    struct berth_buf *out = testhost_buf_new();

    ck_assert_int_eq(ops.setup(n, "/proc/self/ns/net", options, out, err), 0);
    ck_assert_str_eq(testhost_buf_data(out), "{}");
    ck_assert_int_eq(ops.teardown(n, "/proc/self/ns/net", options, err), 0);
    ck_assert_int_eq(ops.teardown(n, NULL, options, err), 0);
    testhost_buf_clear(out);
    ck_assert_int_eq(ops.info(n, out, err), 0);
    ck_assert_str_eq(testhost_buf_data(out), "{\"backend\":\"none\"}");
    testhost_fail_result(th, 1);
    ck_assert_int_eq(ops.info(n, out, err), -ENOMEM);
    testhost_buf_free(out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net_none");
    TCase *t = tcase_create("all");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, nothing_there);
    tcase_add_test(t, setup_does_nothing);
    suite_add_tcase(s, t);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
