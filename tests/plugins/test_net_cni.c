/* SPDX-License-Identifier: Apache-2.0 */
/* test_net_cni.c - the network backend `cni`: conflists, whose names need not be their
 * networks', drivers but bridge, and what happens when memory runs out. */
#include "plugins/net/cni/cni.h"
#include "tests/plugins/net_lib.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const struct berth_plugin net_cni_LTX_berth_plugin;

/* --------------------------------------------------------------- no memory */

static unsigned fail_in; /* the n-th call from now on fails, counted from 1; 0: none */
static bool failed;

static bool must_fail(void)
{
    bool fail = fail_in == 1;

    fail_in -= fail_in > 0;
    failed = failed || fail;
    return fail;
}

json *__real_json_object_new_object(void);
json *__wrap_json_object_new_object(void);
json *__real_json_object_new_array(void);
json *__wrap_json_object_new_array(void);
json *__real_json_object_new_string(const char *text);
json *__wrap_json_object_new_string(const char *text);
int __real_json_object_array_add(json *list, json *item);
int __wrap_json_object_array_add(json *list, json *item);
int __real_json_object_object_add(json *o, const char *key, json *value);
int __wrap_json_object_object_add(json *o, const char *key, json *value);

json *__wrap_json_object_new_object(void)
{
    return must_fail() ? NULL : __real_json_object_new_object();
}

json *__wrap_json_object_new_array(void)
{
    return must_fail() ? NULL : __real_json_object_new_array();
}

json *__wrap_json_object_new_string(const char *text)
{
    return must_fail() ? NULL : __real_json_object_new_string(text);
}

int __wrap_json_object_array_add(json *list, json *item)
{
    return must_fail() ? -1 : __real_json_object_array_add(list, item);
}

int __wrap_json_object_object_add(json *o, const char *key, json *value)
{
    return must_fail() ? -1 : __real_json_object_object_add(o, key, value);
}

/* --------------------------------------------------------------------- help */

static void begin(void)
{
    net_begin_with(&net_cni_LTX_berth_plugin);
}

static int create(const char *wish)
{
    testhost_buf_clear(env.out);
    testhost_error_clear(env.err);
    return env.ops.create(env.n, net_text(wish), 0, env.out, env.err);
}

static void refused(int code, const char *text, const char *wish)
{
    ck_assert_int_eq(create(wish), -code);
    ck_assert_str_eq(testhost_error_text(env.err), text);
    ck_assert_int_ne(access(net_path("conf/x.conflist"), F_OK), 0);
}

static void conflist_is(const char *name, const char *want)
{
    char *text = net_read(name);
    json *got = json_tokener_parse(text), *wanted = json_tokener_parse(want);

    ck_assert_ptr_nonnull(wanted);
    ck_assert_msg(json_object_equal(got, wanted), "%s: %s", name, text);
    json_object_put(got);
    json_object_put(wanted);
    free(text);
}

#define LIST(name)                                                                             \
    "{\"cniVersion\":\"0.4.0\",\"name\":\"" name "\",\"plugins\":[{\"type\":\"bridge\","       \
    "\"bridge\":\"cni-podman9\",\"isGateway\":true,\"ipam\":{\"type\":\"host-local\","         \
    "\"ranges\":[[{\"subnet\":\"10.6.9.0/24\"}]]}}]}"

/* ------------------------------------------------------- macvlan and ipvlan */

START_TEST(vlan_drivers)
{
    ck_assert_int_eq(create("{\"name\":\"x\",\"driver\":\"macvlan\"}"), 0);
    conflist_is("conf/x.conflist",
                "{\"cniVersion\":\"0.4.0\",\"name\":\"x\",\"plugins\":[{\"type\":\"macvlan\","
                "\"master\":\"\",\"ipam\":{\"type\":\"dhcp\"}}]}");
    ck_assert_int_eq(env.ops.remove(env.n, "x", env.err), 0);

    ck_assert_int_eq(create("{\"name\":\"x\",\"driver\":\"macvlan\",\"options\":{\"parent\":"
                            "\"lo\",\"mode\":\"vepa\",\"mtu\":\"1400\"}}"),
                     0);
    conflist_is("conf/x.conflist",
                "{\"args\":{\"podman_options\":{\"mode\":\"vepa\",\"mtu\":\"1400\"}},"
                "\"cniVersion\":\"0.4.0\",\"name\":\"x\",\"plugins\":[{\"type\":\"macvlan\","
                "\"master\":\"lo\",\"ipam\":{\"type\":\"dhcp\"},\"mtu\":1400,"
                "\"mode\":\"vepa\"}]}");
    ck_assert_int_eq(env.ops.remove(env.n, "x", env.err), 0);

    ck_assert_int_eq(create("{\"name\":\"x\",\"driver\":\"ipvlan\",\"network_interface\":"
                            "\"lo\",\"internal\":true,\"options\":{\"mode\":\"l3\"},"
                            "\"subnets\":[{\"subnet\":\"10.6.8.0/24\"}]}"),
                     0);
    conflist_is("conf/x.conflist",
                "{\"args\":{\"podman_options\":{\"mode\":\"l3\"}},\"cniVersion\":\"0.4.0\","
                "\"name\":\"x\",\"plugins\":[{\"type\":\"ipvlan\",\"master\":\"lo\",\"ipam\":{"
                "\"type\":\"host-local\",\"ranges\":[[{\"subnet\":\"10.6.8.0/24\"}]]},\"mode\":"
                "\"l3\",\"capabilities\":{\"ips\":true}}]}");
    ck_assert_int_eq(env.ops.remove(env.n, "x", env.err), 0);
}
END_TEST

START_TEST(vlan_refusals)
{
    refused(EINVAL, "internal is not supported with macvlan and dhcp ipam driver",
            "{\"name\":\"x\",\"driver\":\"macvlan\",\"internal\":true}");
    refused(EINVAL, "dhcp ipam driver is set but subnets are given",
            "{\"name\":\"x\",\"driver\":\"ipvlan\",\"ipam_options\":{\"driver\":\"dhcp\"},"
            "\"subnets\":[{\"subnet\":\"10.6.8.0/24\"}]}");
    refused(EINVAL, "host-local ipam driver set but no subnets are given",
            "{\"name\":\"x\",\"driver\":\"ipvlan\",\"ipam_options\":{\"driver\":"
            "\"host-local\"}}");
    refused(ENODEV, "parent interface nosuch does not exist",
            "{\"name\":\"x\",\"driver\":\"macvlan\",\"options\":{\"parent\":\"nosuch\"}}");
    refused(EINVAL, "unknown macvlan mode \"l2\"",
            "{\"name\":\"x\",\"driver\":\"macvlan\",\"options\":{\"mode\":\"l2\"}}");
    refused(EINVAL, "unknown ipvlan mode \"bridge\"",
            "{\"name\":\"x\",\"driver\":\"ipvlan\",\"options\":{\"mode\":\"bridge\"}}");
    refused(EINVAL, "mtu -1 is less than zero",
            "{\"name\":\"x\",\"driver\":\"ipvlan\",\"options\":{\"mtu\":\"-1\"}}");
    refused(EINVAL, "isolate option is only supported with the bridge driver",
            "{\"name\":\"x\",\"driver\":\"macvlan\",\"options\":{\"isolate\":\"true\"}}");
    refused(EINVAL, "unsupported network option vlan",
            "{\"name\":\"x\",\"driver\":\"macvlan\",\"options\":{\"vlan\":\"5\"}}");
    refused(EINVAL, "unsupported network option parent",
            "{\"name\":\"x\",\"driver\":\"ipvlan\",\"options\":{\"parent\":\"lo\"}}");
    refused(EINVAL, "unsupported driver vlan: invalid argument",
            "{\"name\":\"x\",\"driver\":\"vlan\"}");
}
END_TEST

/* --------------------------------------------------------------- conflists */

START_TEST(files_with_other_names)
{
    char *text, want[512];

    net_write("conf/87-mine.conflist", LIST("x"));
    net_write("conf/x.conflist", LIST("other"));
    ck_assert_int_eq(env.ops.remove(env.n, "x", env.err), 0);
    ck_assert_int_ne(access(net_path("conf/87-mine.conflist"), F_OK), 0);
    ck_assert_int_eq(env.ops.inspect(env.n, "other", env.out, env.err), 0);
    ck_assert_int_eq(env.ops.inspect(env.n, "x", env.out, env.err), -ENOENT);

    snprintf(want, sizeof(want),
             "%s is there and does not define a network x: rename or remove it",
             net_path("conf/x.conflist"));
    ck_assert_int_eq(create("{\"name\":\"x\"}"), -EEXIST);
    ck_assert_str_eq(testhost_error_text(env.err), want);
    text = net_read("conf/x.conflist");
    ck_assert_str_eq(text, LIST("other"));
    free(text);

    /* Damaged ones are the user's too. */
    net_write("conf/x.conflist", "{");
    ck_assert_int_eq(create("{\"name\":\"x\"}"), -EEXIST);
    unlink(net_path("conf/x.conflist"));
    ck_assert_int_eq(create("{\"name\":\"x\"}"), 0);
    ck_assert_int_eq(create("{\"name\":\"x\"}"), -EEXIST);
    ck_assert_str_eq(testhost_error_text(env.err),
                     "network name x already used: network already exists");
}
END_TEST

START_TEST(no_memory)
{
    static const char wish[] =
        "{\"name\":\"x\",\"dns_enabled\":true,\"labels\":{\"a\":\"b\"},\"options\":{\"mtu\":"
        "\"1400\",\"isolate\":\"true\"},\"subnets\":[{\"subnet\":\"10.6.8.0/24\","
        "\"lease_range\":{\"start_ip\":\"10.6.8.9\",\"end_ip\":\"10.6.8.11\"}},"
        "{\"subnet\":\"fd00:6::/64\"}]}";
    unsigned n = 0;
    int r;

    net_write("dnsname", "");
    do {
        failed = false;
        fail_in = ++n;
        r = create(wish);
        fail_in = 0;
        if (!failed)
            break;
        ck_assert_msg(r == -ENOMEM, "allocation %u of %s: %d", n, wish, r);
        ck_assert_str_eq(testhost_error_text(env.err), "out of memory");
        ck_assert_int_ne(access(net_path("conf/x.conflist"), F_OK), 0);
    } while (n < 10000);
    ck_assert_int_eq(r, 0);
    ck_assert_uint_gt(n, 100);
    conflist_is(
        "conf/x.conflist",
        "{\"args\":{\"podman_labels\":{\"a\":\"b\"},\"podman_options\":{\"isolate\":\"true\","
        "\"mtu\":\"1400\"}},\"cniVersion\":\"0.4.0\",\"name\":\"x\",\"plugins\":[{\"type\":"
        "\"bridge\",\"bridge\":\"cni-podman1\",\"isGateway\":true,\"ipMasq\":true,\"mtu\":1400,"
        "\"hairpinMode\":true,\"ipam\":{\"type\":\"host-local\",\"routes\":[{\"dst\":"
        "\"0.0.0.0/0\"},{\"dst\":\"::/0\"}],\"ranges\":[[{\"subnet\":\"10.6.8.0/24\","
        "\"rangeStart\":\"10.6.8.9\",\"rangeEnd\":\"10.6.8.11\",\"gateway\":\"10.6.8.1\"}],"
        "[{\"subnet\":\"fd00:6::/64\",\"gateway\":\"fd00:6::1\"}]]},\"capabilities\":{\"ips\":"
        "true}},{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}},{\"type\":"
        "\"firewall\",\"backend\":\"\",\"ingressPolicy\":\"same-bridge\"},{\"type\":\"tuning\"}"
        ","
        "{\"type\":\"dnsname\",\"domainName\":\"dns.podman\",\"capabilities\":{\"aliases\":true"
        "}}]}");
}
END_TEST

/* ---------------------------------------------------------------- programs */

static int runs(void *arg, const struct berth_host *h, const struct berth_run *what,
                struct berth_error *err)
{
    (void)h;
    (void)err;
    ++*(unsigned *)arg;
    net_check_path(what->env);
    return 0;
}

START_TEST(environment)
{
    static const char request[] =
        "{\"container_id\":\"c\",\"container_name\":\"n\",\"networks\":{\"x\":{"
        "\"interface_name\":\"eth0\"}}}";
    unsigned calls = 0;

    net_write("conf/x.conflist", LIST("x"));
    testhost_on_run(env.th, runs, &calls);
    net_many_paths();
    ck_assert_int_eq(env.ops.teardown(env.n, "/run/netns/x", net_text(request), env.err), 0);
    ck_assert_uint_eq(calls, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net_cni");
    TCase *t = tcase_create("all");
    SRunner *sr;
    int n;

    tcase_add_checked_fixture(t, begin, net_end);
    tcase_add_test(t, vlan_drivers);
    tcase_add_test(t, vlan_refusals);
    tcase_add_test(t, files_with_other_names);
    tcase_add_test(t, no_memory);
    tcase_add_test(t, environment);
    suite_add_tcase(s, t);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    n = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n ? 1 : 0;
}
