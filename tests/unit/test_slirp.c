/* SPDX-License-Identifier: Apache-2.0 */
/* Options of slirp4netns and how pasta is called, with podman's texts. */
#include "base/str.h"
#include "engine/pasta.h"
#include "engine/slirp.h"
#include <check.h>
#include <stdlib.h>

static json *array(const char *const *words)
{
    json *a = json_new_array();

    for (; *words; words++)
        json_add_str(a, *words);
    return a;
}

/* ------------------------------------------------------------------ slirp4netns */

static int parse(const struct conf *conf, const char *const *words, struct slirp_options *o,
                 struct berth_error *err)
{
    /* The texts are lent by it, as by a container's record. */
    static json *given;

    json_putp(&given);
    given = array(words);
    return slirp_options(conf, given, o, err);
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(defaults)
{
    struct conf conf = {0};
    struct slirp_options o;
    char ip[INET_ADDRSTRLEN];

    ck_assert_int_eq(slirp_options(&conf, NULL, &o, NULL), 0);
    ck_assert(!o.cidr && !o.outbound && !o.outbound6);
    ck_assert_uint_eq(o.mtu, 65520);
    ck_assert(o.ipv6 && o.sandbox && !o.host_loopback && !o.forwards);
    ck_assert_str_eq(slirp_address(&o, SLIRP_CONTAINER, ip), "10.0.2.100");
    ck_assert_str_eq(slirp_address(&o, SLIRP_DNS, ip), "10.0.2.3");
    conf.no_pivot_root = true;
    ck_assert_int_eq(slirp_options(&conf, NULL, &o, NULL), 0);
    ck_assert(!o.sandbox);
}
END_TEST

START_TEST(all_options)
{
    struct conf conf = {0};
    struct slirp_options o;
    char ip[INET_ADDRSTRLEN];

    ck_assert_int_eq(parse(&conf,
                           WORDS("cidr=10.7.9.0/20", "mtu=68", "allow_host_loopback=true",
                                 "enable_ipv6=false", "outbound_addr=127.0.0.1",
                                 "outbound_addr6=::1", "port_handler=slirp4netns"),
                           &o, NULL),
                     0);
    ck_assert_str_eq(o.cidr, "10.7.9.0/20");
    ck_assert_str_eq(slirp_address(&o, SLIRP_CONTAINER, ip), "10.7.0.100");
    ck_assert_uint_eq(o.mtu, 68);
    ck_assert(o.host_loopback && !o.ipv6 && o.forwards);
    ck_assert_str_eq(o.outbound, "127.0.0.1");
    ck_assert_str_eq(o.outbound6, "::1");
    /* An interface will do, and later options count. */
    ck_assert_int_eq(parse(&conf, WORDS("outbound_addr=lo", "mtu=100", "mtu=200"), &o, NULL),
                     0);
    ck_assert_str_eq(o.outbound, "lo");
    ck_assert_uint_eq(o.mtu, 200);
}
END_TEST

START_TEST(configuration_first)
{
    struct conf conf = {0};
    struct slirp_options o;

    list_addv(&conf.network_cmd_options, WORDS("mtu=1300", "enable_ipv6=false"));
    ck_assert_int_eq(parse(&conf, WORDS("mtu=1350"), &o, NULL), 0);
    ck_assert_uint_eq(o.mtu, 1350);
    ck_assert(!o.ipv6);
    list_free(&conf.network_cmd_options);
}
END_TEST

static const struct {
    const char *option, *text;
} refused[] = {
    {"cidr=abc", "invalid cidr \"abc\""},
    {"cidr=10.0.2.0", "invalid cidr \"10.0.2.0\""},
    {"cidr=10.0.2.0/33", "invalid cidr \"10.0.2.0/33\""},
    {"cidr=10.0.2.0/-1", "invalid cidr \"10.0.2.0/-1\""},
    {"cidr=fd00::/64", "invalid cidr \"fd00::/64\""},
    {"cidr=/8", "invalid cidr \"/8\""},
    {"mtu=67", "invalid mtu \"67\""},
    {"mtu=-68", "invalid mtu \"-68\""},
    {"mtu=99999999999", "invalid mtu \"99999999999\""},
    {"mtu=", "invalid mtu \"\""},
    {"allow_host_loopback=1", "invalid value of allow_host_loopback for slirp4netns: \"1\""},
    {"enable_ipv6=yes", "invalid value of enable_ipv6 for slirp4netns: \"yes\""},
    {"outbound_addr=::1", "invalid outbound_addr \"::1\""},
    {"outbound_addr6=127.0.0.1", "invalid outbound_addr6: \"127.0.0.1\""},
    {"outbound_addr6=::ffff:127.0.0.1", "invalid outbound_addr6: \"::ffff:127.0.0.1\""},
    {"port_handler=x", "unknown port_handler for slirp4netns: \"x\""},
    {"", "unknown option for slirp4netns: \"\""},
    {"mtu", "unknown option for slirp4netns: \"mtu\""},
    {"foo=1", "unknown option for slirp4netns: \"foo=1\""},
};

START_TEST(refusals)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct conf conf = {0};
    struct slirp_options o;

    ck_assert_int_eq(parse(&conf, WORDS(refused[_i].option), &o, &err), -EINVAL);
    ck_assert_str_eq(error_text(&err), refused[_i].text);
}
END_TEST

/* ------------------------------------------------------------------------ pasta */

static char *call(const char *mappings, const char *const *given)
{
    _cleanup_list_ struct berth_list argv = LIST_INIT;
    _cleanup_json_ json *m = NULL, *g = array(given);
    struct berth_blob text = {mappings, strlen(mappings)};

    ck_assert_int_eq(json_parse(text, "mappings", &m, NULL), 0);
    ck_assert_int_eq(pasta_argv("pasta", m, g, "/n", &argv, NULL), 0);
    return list_join(&argv, " ");
}

START_TEST(pasta_calls)
{
    char *s = call("[]", (const char *const[]){NULL});

    ck_assert_str_eq(
        s, "pasta --config-net -t none -u none -T none -U none --no-map-gw --netns /n");
    free(s);
    s = call("[{\"host_ip\":\"\",\"container_port\":80,\"host_port\":8080,\"range\":2,"
             "\"protocol\":\"tcp\"},{\"host_ip\":\"127.0.0.1\",\"container_port\":53,"
             "\"host_port\":5353,\"range\":1,\"protocol\":\"udp\"}]",
             WORDS("-T", "8000", "--map-gw", "--mtu", "1400"));
    ck_assert_str_eq(s, "pasta --config-net -t 8080-8081:80-81 -u 127.0.0.1/5353-5353:53-53 "
                        "-T 8000 --mtu 1400 -U none --netns /n");
    free(s);
}
END_TEST

START_TEST(pasta_sctp)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_list_ struct berth_list argv = LIST_INIT;
    _cleanup_json_ json *m = json_new_array(), *one = json_new();

    json_set_str(one, "protocol", "sctp");
    json_add(m, json_ref(one));
    ck_assert_int_eq(pasta_argv("pasta", m, NULL, "/n", &argv, &err), -EINVAL);
    ck_assert_str_eq(error_text(&err), "can't forward protocol: sctp");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slirp");
    TCase *slirp = tcase_create("slirp4netns"), *pasta = tcase_create("pasta");
    SRunner *runner;
    int failed;

    tcase_add_test(slirp, defaults);
    tcase_add_test(slirp, all_options);
    tcase_add_test(slirp, configuration_first);
    tcase_add_loop_test(slirp, refusals, 0, (int)ARRAY_LEN(refused));
    suite_add_tcase(suite, slirp);
    tcase_add_test(pasta, pasta_calls);
    tcase_add_test(pasta, pasta_sctp);
    suite_add_tcase(suite, pasta);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
