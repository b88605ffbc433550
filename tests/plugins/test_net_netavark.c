/* SPDX-License-Identifier: Apache-2.0 */
/* test_net_netavark.c - the network backend `netavark`: definitions, choices, addresses, and
 * a program that fails in every way. */
#include "tests/plugins/net_lib.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct json_object json;

static int create(const char *wish)
{
    testhost_buf_clear(env.out);
    testhost_error_clear(env.err);
    return env.ops.create(env.n, net_text(wish), 0, env.out, env.err);
}

#define REFUSED(code, text, wish)                                                              \
    do {                                                                                       \
        ck_assert_int_eq(create(wish), -(code));                                               \
        ck_assert_str_eq(testhost_error_text(env.err), text);                                  \
    } while (0)

static json *made(void)
{
    json *o = json_tokener_parse(testhost_buf_data(env.out));

    ck_assert_ptr_nonnull(o);
    return o;
}

static const char *member(const json *o, const char *key)
{
    json *value = NULL;

    return json_object_object_get_ex(o, key, &value) ? json_object_get_string(value) : "";
}

static const char *subnet_of(const json *o, size_t i, const char *key)
{
    json *list;

    ck_assert(json_object_object_get_ex(o, "subnets", &list));
    return member(json_object_array_get_idx(list, i), key);
}

/* ---------------------------------------------------------------- definitions */

START_TEST(create_chooses)
{
    json *o;

    ck_assert_int_eq(create("{\"name\":\"one\",\"dns_enabled\":true}"), 0);
    o = made();
    ck_assert_str_eq(member(o, "driver"), "bridge");
    ck_assert_uint_eq(strlen(member(o, "id")), 64);
    ck_assert_int_eq(strncmp(member(o, "network_interface"), "podman", 6), 0);
    ck_assert_int_eq(strncmp(subnet_of(o, 0, "subnet"), "10.", 3), 0);
    json_object_put(o);
    ck_assert_int_eq(access(net_path("conf/one.json"), F_OK), 0);

    /* A second one gets another subnet and another bridge; one without a name never that of
     * another. */
    ck_assert_int_eq(create("{\"name\":\"podman2\"}"), 0);
    ck_assert_int_eq(create("{}"), 0);
    o = made();
    ck_assert_str_ne(member(o, "name"), "podman2");
    ck_assert_str_eq(member(o, "name"), member(o, "network_interface"));
    json_object_put(o);

    ck_assert_int_eq(create("{\"name\":\"six\",\"ipv6_enabled\":true}"), 0);
    o = made();
    ck_assert_int_eq(strncmp(subnet_of(o, 1, "subnet"), "fd", 2), 0);
    json_object_put(o);
}
END_TEST

START_TEST(create_refuses)
{
    ck_assert_int_eq(create("{\"name\":\"ok\",\"subnets\":[{\"subnet\":\"10.77.0.9/24\"}]}"),
                     0);
    REFUSED(EEXIST, "network name ok already used: network already exists",
            "{\"name\":\"ok\"}");
    REFUSED(EEXIST, "network name 2f25 already used: network already exists",
            "{\"name\":\"2f25\"}");
    REFUSED(EINVAL,
            "network name bad/name invalid: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: "
            "invalid argument",
            "{\"name\":\"bad/name\"}");
    REFUSED(EINVAL, "ID can not be set for network create: invalid argument",
            "{\"name\":\"x\",\"id\":\"1\"}");
    REFUSED(EINVAL, "unsupported driver foo: invalid argument",
            "{\"name\":\"x\",\"driver\":\"foo\"}");
    REFUSED(EINVAL, "unsupported ipam driver \"foo\"",
            "{\"name\":\"x\",\"ipam_options\":{\"driver\":\"foo\"}}");
    REFUSED(EINVAL, "unsupported bridge network option metric",
            "{\"name\":\"x\",\"options\":{\"metric\":\"1\"}}");
    REFUSED(EINVAL, "mtu -4 is less than zero",
            "{\"name\":\"x\",\"options\":{\"mtu\":\"-4\"}}");
    REFUSED(EINVAL, "strconv.Atoi: parsing \"abc\": invalid syntax",
            "{\"name\":\"x\",\"options\":{\"mtu\":\"abc\"}}");
    REFUSED(EINVAL, "vlan ID 5000 must be between 0 and 4094",
            "{\"name\":\"x\",\"options\":{\"vlan\":\"5000\"}}");
    REFUSED(EINVAL, "strconv.ParseBool: parsing \"maybe\": invalid syntax",
            "{\"name\":\"x\",\"options\":{\"isolate\":\"maybe\"}}");
    REFUSED(EEXIST, "subnet 10.77.0.128/25 is already used on the host or by another config",
            "{\"name\":\"x\",\"subnets\":[{\"subnet\":\"10.77.0.128/25\"}]}");
    REFUSED(
        EINVAL, "gateway 10.7.0.1 not in subnet 10.6.0.0/24",
        "{\"name\":\"x\",\"subnets\":[{\"subnet\":\"10.6.0.0/24\",\"gateway\":\"10.7.0.1\"}]"
        "}");
    REFUSED(EINVAL, "lease range start ip 10.7.0.1 not in subnet 10.6.0.0/24",
            "{\"name\":\"x\",\"subnets\":[{\"subnet\":\"10.6.0.0/24\",\"lease_range\":"
            "{\"start_ip\":\"10.7.0.1\"}}]}");
    REFUSED(ENODEV, "parent interface nosuch does not exist",
            "{\"name\":\"x\",\"driver\":\"macvlan\",\"options\":{\"parent\":\"nosuch\"}}");
    ck_assert_int_ne(access(net_path("conf/x.json"), F_OK), 0);
}
END_TEST

static int count(void *arg, const char *name, const char *id, struct berth_blob network)
{
    (void)name;
    (void)network;
    ck_assert_uint_eq(strlen(id), 64);
    ++*(unsigned *)arg;
    return 0;
}

START_TEST(damaged_files_are_passed_over)
{
    static const char *const damaged[] = {
        "",
        "{",
        "[]",
        "{\"name\":\"other\",\"id\":\"1\"}",
        "{\"name\":\"bad\",\"id\":\"abc\",\"driver\":\"bridge\"}",
        "{\"name\":\"bad\",\"id\":"
        "\"dcc51c3cda6df1015ca156fefa68f20fefe11ba7980757408c0b8fe700d3"
        "ac82\",\"subnets\":[{\"subnet\":\"10.300.0.0/24\"}]}",
        "{\"name\":\"bad\",\"id\":"
        "\"dcc51c3cda6df1015ca156fefa68f20fefe11ba7980757408c0b8fe700d3"
        "ac82\",\"subnets\":[1,null,\"x\"]}",
        "{\"name\":5,\"id\":{},\"subnets\":{}}",
    };

    for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
        unsigned n = 0;

        net_write("conf/bad.json", damaged[i]);
        ck_assert_int_eq(env.ops.list(env.n, count, &n, env.err), 0);
        ck_assert_msg(n == 1, "%s: %u networks", damaged[i], n);
        ck_assert_ptr_nonnull(strstr(testhost_log(env.th), "bad.json"));
    }
}
END_TEST

START_TEST(find_and_remove)
{
    char id[13];
    json *o;

    ck_assert_int_eq(create("{\"name\":\"a\"}"), 0);
    o = made();
    snprintf(id, sizeof(id), "%.12s", member(o, "id"));
    json_object_put(o);
    ck_assert_int_eq(env.ops.inspect(env.n, id, env.out, env.err), 0);
    ck_assert_int_eq(env.ops.inspect(env.n, "", env.out, env.err), -ENOTUNIQ);
    ck_assert_int_eq(env.ops.inspect(env.n, "nosuch", env.out, env.err), -ENOENT);
    ck_assert_str_eq(testhost_error_text(env.err),
                     "unable to find network with name or ID nosuch: network not found");
    ck_assert_int_eq(env.ops.remove(env.n, "podman", env.err), -EBUSY);
    ck_assert_str_eq(testhost_error_text(env.err), "default network podman cannot be removed");
    ck_assert_int_eq(env.ops.remove(env.n, id, env.err), 0);
    ck_assert_int_eq(env.ops.remove(env.n, "a", env.err), -ENOENT);
}
END_TEST

/* ------------------------------------------------------------------ addresses */

static int answers(void *arg, const struct berth_host *h, const struct berth_run *what,
                   struct berth_error *err)
{
    static const char answer[] = "{\"r\":{\"interfaces\":{\"eth0\":{}}}}";

    (void)arg;
    (void)err;
    if (strcmp(what->argv[5], "setup") == 0)
        h->put(h->core, what->output, answer, sizeof(answer) - 1);
    return 0;
}

static int join(unsigned number, const char *ip)
{
    char text[256];

    snprintf(text, sizeof(text),
             "{\"container_id\":\"c%u\",\"container_name\":\"n\",\"networks\":{\"r\":"
             "{\"static_ips\":[%s],\"interface_name\":\"eth0\"}}}",
             number, ip);
    testhost_buf_clear(env.out);
    testhost_error_clear(env.err);
    return env.ops.setup(env.n, "/run/netns/x", net_text(text), env.out, env.err);
}

static int leave(unsigned number)
{
    char text[128];

    snprintf(text, sizeof(text),
             "{\"container_id\":\"c%u\",\"networks\":{\"r\":{\"interface_name\":\"eth0\"}}}",
             number);
    return env.ops.teardown(env.n, "/run/netns/x", net_text(text), env.err);
}

static void has_address(unsigned number, const char *address)
{
    json *all = net_ipam(), *net, *ids;
    char id[16], want[64];

    snprintf(id, sizeof(id), "c%u", number);
    snprintf(want, sizeof(want), "[\"%s\"]", address);
    ck_assert(json_object_object_get_ex(all, "r/", &net));
    ck_assert(json_object_object_get_ex(net, "ids/", &ids));
    ck_assert_str_eq(member(ids, id), address ? want : "");
    json_object_put(all);
}

START_TEST(ranges)
{
    testhost_on_run(env.th, answers, NULL);
    ck_assert_int_eq(create("{\"name\":\"r\",\"subnets\":[{\"subnet\":\"10.92.5.0/24\","
                            "\"gateway\":\"10.92.5.9\",\"lease_range\":{\"start_ip\":"
                            "\"10.92.5.9\",\"end_ip\":\"10.92.5.11\"}}]}"),
                     0);
    ck_assert_int_eq(join(1, ""), 0);
    has_address(1, "10.92.5.10");
    ck_assert_int_eq(join(2, ""), 0);
    has_address(2, "10.92.5.11");
    ck_assert_int_eq(join(3, ""), -ENOSPC);
    ck_assert_str_eq(testhost_error_text(env.err),
                     "IPAM error: failed to find free IP in range: 10.92.5.9 - 10.92.5.11");
    ck_assert_int_eq(leave(1), 0);
    ck_assert_int_eq(join(3, ""), 0);
    has_address(3, "10.92.5.10");
    /* Outside of the range, but inside of the subnet. */
    ck_assert_int_eq(join(4, "\"10.92.5.200\""), 0);
    ck_assert_int_eq(join(5, "\"10.92.5.200\""), -EADDRINUSE);
    ck_assert_str_eq(testhost_error_text(env.err),
                     "IPAM error: requested ip address 10.92.5.200 is already allocated to "
                     "container ID c4");
    ck_assert_int_eq(join(5, "\"10.92.5.9\""), -EADDRINUSE);
    ck_assert_int_eq(join(5, "\"10.92.6.1\""), -EINVAL);
    ck_assert_str_eq(testhost_error_text(env.err),
                     "requested static ip 10.92.6.1 not in any subnet on network r");
    /* The same container again: what it had is not lost. */
    ck_assert_int_eq(join(4, "\"10.92.5.200\""), 0);
}
END_TEST

START_TEST(small_subnets)
{
    static const struct {
        const char *subnet, *error;
    } small[] = {
        {"10.6.8.0/31", "10.6.8.1 - 10.6.8.0"},
        {"10.6.9.4/32", "10.6.9.5 - 10.6.9.3"},
    };
    char text[128];

    testhost_on_run(env.th, answers, NULL);
    for (size_t i = 0; i < 2; i++) {
        snprintf(text, sizeof(text), "{\"name\":\"r\",\"subnets\":[{\"subnet\":\"%s\"}]}",
                 small[i].subnet);
        ck_assert_int_eq(create(text), 0);
        ck_assert_int_eq(join(1, ""), -ENOSPC);
        ck_assert_ptr_nonnull(strstr(testhost_error_text(env.err), small[i].error));
        ck_assert_int_eq(env.ops.remove(env.n, "r", env.err), 0);
    }
    ck_assert_int_eq(create("{\"name\":\"r\",\"subnets\":[{\"subnet\":\"64:ff9b::/96\"}]}"), 0);
    ck_assert_int_eq(join(1, ""), 0);
    has_address(1, "64:ff9b::2");
    ck_assert_int_eq(leave(1), 0);
}
END_TEST

/* -------------------------------------------------------------------- failures */

struct fake {
    int status;
    const char *output, *errors;
    unsigned setups, teardowns;
};

static int fails(void *arg, const struct berth_host *h, const struct berth_run *what,
                 struct berth_error *err)
{
    struct fake *f = arg;

    (void)err;
    if (strcmp(what->argv[5], "teardown") == 0) {
        f->teardowns++;
        return 1;
    }
    f->setups++;
    h->put(h->core, what->output, f->output, strlen(f->output));
    if (what->errors)
        h->put(h->core, what->errors, f->errors, strlen(f->errors));
    return f->status;
}

START_TEST(failing_program)
{
    static const struct {
        struct fake fake;
        const char *text;
    } ways[] = {
        {{1, "{\"error\":\"no way\"}\n", "", 0, 0}, "netavark (exit code 1): no way"},
        {{101, "", "thread panicked\nat line 5\n", 0, 0},
         "netavark: it ended with status 101: at line 5"},
        {{1, "", "", 0, 0}, "netavark: it ended with status 1 and without a word"},
        {{1, "{\"error\":5}", "", 0, 0}, "netavark: it ended with status 1 and without a word"},
        {{0, "", "", 0, 0}, "netavark: failed to decode result: not a JSON object"},
        {{0, "rubbish", "", 0, 0}, "netavark: failed to decode result: not a JSON object"},
        {{0, "[]", "", 0, 0}, "netavark: failed to decode result: not a JSON object"},
        {{0, "{}", "", 0, 0}, "unexpected netavark result length, want (1), got (0) networks"},
        {{0, "{\"r\":{},\"s\":{}}", "", 0, 0},
         "unexpected netavark result length, want (1), got (2) networks"},
        {{0, "{\"s\":{}}", "", 0, 0}, "netavark: its answer says nothing of network r"},
        {{-ETIMEDOUT, "", "", 0, 0}, "netavark: it did not end in time and was killed"},
    };

    ck_assert_int_eq(create("{\"name\":\"r\",\"subnets\":[{\"subnet\":\"10.92.5.0/24\"}]}"), 0);
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        struct fake fake = ways[i].fake;
        json *all, *net, *ids;

        testhost_on_run(env.th, fails, &fake);
        ck_assert_int_lt(join(1, ""), 0);
        ck_assert_str_eq(testhost_error_text(env.err), ways[i].text);
        ck_assert_uint_eq(fake.setups, 1);
        ck_assert_uint_eq(fake.teardowns, 1);
        ck_assert_uint_eq(testhost_buf_len(env.out), 0);
        all = net_ipam();
        json_object_object_get_ex(all, "r/", &net);
        json_object_object_get_ex(net, "ids/", &ids);
        ck_assert_int_eq(json_object_object_length(ids), 0);
        json_object_put(all);
    }
}
END_TEST

START_TEST(no_program)
{
    char want[512];

    ck_assert_int_eq(create("{\"name\":\"r\"}"), 0);
    unlink(net_path("netavark"));
    ck_assert_int_eq(join(1, ""), -ENOENT);
    snprintf(want, sizeof(want), "could not find \"netavark\" in one of [%s].  To resolve",
             env.dir);
    ck_assert_int_eq(strncmp(testhost_error_text(env.err), want, strlen(want)), 0);
    ck_assert_ptr_null(net_ipam());
}
END_TEST

START_TEST(damaged_record)
{
    testhost_on_run(env.th, answers, NULL);
    ck_assert_int_eq(create("{\"name\":\"r\",\"subnets\":[{\"subnet\":\"10.92.5.0/24\"}]}"), 0);
    ck_assert_int_eq(join(1, ""), 0);
    net_write("run/ipam.db", "this is not a database of any kind");
    ck_assert_int_lt(join(2, ""), 0);
    ck_assert_int_eq(strncmp(testhost_error_text(env.err), "IPAM error: ", 12), 0);
    ck_assert_int_lt(leave(1), 0);
    /* Gone altogether, as after a boot: nothing is left to give back. */
    unlink(net_path("run/ipam.db"));
    ck_assert_int_eq(leave(1), 0);
    ck_assert_int_eq(join(2, ""), 0);
    has_address(2, "10.92.5.2");
}
END_TEST

START_TEST(wrong_requests)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"container_id\":\"c\"}",
        "{\"container_id\":\"c\",\"networks\":[]}",
        "{\"container_id\":\"c\",\"networks\":{}}",
        "{\"container_id\":\"c\",\"networks\":{\"nosuch\":{\"interface_name\":\"eth0\"}}}",
        "{\"container_id\":\"c\",\"networks\":{\"podman\":{}}}",
        "{\"container_id\":\"c\",\"networks\":{\"podman\":null}}",
        "{\"container_id\":\"c\",\"networks\":{\"podman\":{\"interface_name\":\"lo\"}}}",
        "{\"container_id\":\"c\",\"networks\":{\"podman\":{\"interface_name\":"
        "\"a123456789012345\"}}}",
        "{\"container_id\":\"c\",\"networks\":{\"podman\":{\"interface_name\":\"eth0\","
        "\"static_ips\":[5]}}}",
        "{\"container_id\":5,\"networks\":{\"podman\":{\"interface_name\":\"eth0\"}}}",
    };

    testhost_on_run(env.th, answers, NULL);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        testhost_error_clear(env.err);
        ck_assert_msg(env.ops.setup(env.n, "/x", net_text(wrong[i]), env.out, env.err) < 0,
                      "%s", wrong[i]);
        ck_assert_msg(*testhost_error_text(env.err), "%s", wrong[i]);
    }
    ck_assert_ptr_null(net_ipam());
}
END_TEST

/* ------------------------------------------------------------- its DNS server */

#define SERVED "10.92.5.1\nc1 10.92.5.2  n,c1\nc2 10.92.5.3  n,c2\n"

static void serve(void)
{
    ck_assert_int_eq(create("{\"name\":\"r\",\"dns_enabled\":true,\"subnets\":[{\"subnet\":"
                            "\"10.92.5.0/24\"}]}"),
                     0);
    mkdir(net_path("run/aardvark-dns"), 0755);
    net_write("run/aardvark-dns/r", SERVED);
}

static void file_is(const char *name, const char *want)
{
    char *text = net_read(name);

    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, want);
    free(text);
}

static int update(const char *change)
{
    testhost_error_clear(env.err);
    return env.ops.update(env.n, "r", net_text(change), env.err);
}

static int refuses_update(void *arg, const struct berth_host *h, const struct berth_run *what,
                          struct berth_error *err)
{
    static const char answer[] = "{\"error\":\"no\"}";

    (void)err;
    ck_assert_str_eq(what->argv[5], "update");
    ++*(unsigned *)arg;
    h->put(h->core, what->output, answer, sizeof(answer) - 1);
    return 1;
}

START_TEST(update_is_undone)
{
    unsigned calls = 0;
    char *before;

    serve();
    testhost_on_run(env.th, refuses_update, &calls);
    before = net_read("conf/r.json");
    ck_assert_int_eq(update("{\"add_dns_servers\":[\"192.0.2.1\"]}"), -EREMOTEIO);
    ck_assert_str_eq(testhost_error_text(env.err), "netavark (exit code 1): no");
    ck_assert_uint_eq(calls, 1);
    file_is("conf/r.json", before);
    free(before);

    unlink(net_path("run/aardvark-dns/r")); /* nobody needs to be told */
    ck_assert_int_eq(update("{\"add_dns_servers\":[\"192.0.2.1\",\"192.0.2.2\"]}"), 0);
    before = net_read("conf/r.json");
    ck_assert_ptr_nonnull(strstr(before, "192.0.2.2"));
    ck_assert(strstr(before, "network_dns_servers") < strstr(before, "ipam_options"));
    net_write("run/aardvark-dns/r", SERVED);
    ck_assert_int_eq(update("{\"remove_dns_servers\":[\"192.0.2.1\"]}"), -EREMOTEIO);
    ck_assert_uint_eq(calls, 2);
    file_is("conf/r.json", before);

    /* Those of all are taken out here. */
    mkdir(net_path("run/aardvark.lock"), 0755);
    ck_assert_int_eq(update("{\"remove_dns_servers\":[\"192.0.2.1\",\"192.0.2.2\"]}"), -EISDIR);
    ck_assert_uint_eq(calls, 2);
    file_is("conf/r.json", before);
    free(before);
    rmdir(net_path("run/aardvark.lock"));
    ck_assert_int_eq(update("{\"remove_dns_servers\":[\"192.0.2.1\",\"192.0.2.2\"]}"), 0);
    before = net_read("conf/r.json");
    ck_assert_ptr_null(strstr(before, "192.0.2."));
    free(before);
}
END_TEST

/* Nothing is removed: bridges of the host could be among it. */
static int leaves_it(void *arg, const char *container, const char *what)
{
    (void)arg;
    (void)container;
    (void)what;
    return 0;
}

START_TEST(dns_files_without_a_lock)
{
    testhost_on_run(env.th, answers, NULL);
    serve();
    mkdir(net_path("run/aardvark.lock"), 0755);
    ck_assert_int_eq(join(1, ""), 0);
    ck_assert_int_eq(leave(1), 0);
    file_is("run/aardvark-dns/r", SERVED);
    ck_assert_ptr_nonnull(strstr(testhost_log(env.th), "keeps the entries of container c1"));
    testhost_error_clear(env.err);
    ck_assert_int_eq(env.ops.check(env.n, net_text("[]"), leaves_it, NULL, env.err), -EISDIR);
    ck_assert_ptr_nonnull(strstr(testhost_error_text(env.err), "aardvark.lock"));
    file_is("run/aardvark-dns/r", SERVED);
    rmdir(net_path("run/aardvark.lock"));
    ck_assert_int_eq(join(1, ""), 0);
    ck_assert_int_eq(leave(1), 0);
    file_is("run/aardvark-dns/r", "10.92.5.1\nc2 10.92.5.3  n,c2\n");
}
END_TEST

static int looks_at_path(void *arg, const struct berth_host *h, const struct berth_run *what,
                         struct berth_error *err)
{
    net_check_path(what->env);
    ++*(unsigned *)arg;
    return answers(NULL, h, what, err);
}

START_TEST(environment)
{
    unsigned calls = 0;

    ck_assert_int_eq(create("{\"name\":\"r\",\"subnets\":[{\"subnet\":\"10.92.5.0/24\"}]}"), 0);
    testhost_on_run(env.th, looks_at_path, &calls);
    net_many_paths();
    ck_assert_int_eq(join(1, ""), 0);
    ck_assert_int_gt(calls, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net_netavark");
    TCase *t = tcase_create("all");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(t, net_begin, net_end);
    tcase_add_test(t, create_chooses);
    tcase_add_test(t, create_refuses);
    tcase_add_test(t, damaged_files_are_passed_over);
    tcase_add_test(t, find_and_remove);
    tcase_add_test(t, ranges);
    tcase_add_test(t, small_subnets);
    tcase_add_test(t, failing_program);
    tcase_add_test(t, no_program);
    tcase_add_test(t, damaged_record);
    tcase_add_test(t, wrong_requests);
    tcase_add_test(t, update_is_undone);
    tcase_add_test(t, dns_files_without_a_lock);
    tcase_add_test(t, environment);
    suite_add_tcase(s, t);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
