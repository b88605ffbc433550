/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_net_replay.c - recordings of podman 4.3.1 and netavark 1.4.0 played again: from the
 * same requests the plugin makes the same documents, calls and records of addresses.
 *
 * tests/fixtures/net/CASE.json has the definitions' files and, in the order of time, the
 * calls of netavark (request, arguments, document, answer, and what podman kept of it) and
 * what was in ipam.db afterwards.
 */
#include "tests/plugins/net_lib.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct json_object json;

static const json *expected; /* the call that is played */
static unsigned calls;

static const char *str(const json *o, const char *key)
{
    json *value;

    ck_assert_msg(json_object_object_get_ex(o, key, &value), "no member %s", key);
    return json_object_get_string(value);
}

/* The default network is made anew each time, and so is its date. */
static json *without_date(json *document)
{
    json *info, *net;

    if (json_object_object_get_ex(document, "network_info", &info) &&
        json_object_object_get_ex(info, "podman", &net))
        json_object_object_del(net, "created");
    return document;
}

static void same(const char *what, json *want, json *got)
{
    ck_assert_msg(json_object_equal(want, got), "%s %s:\nwant %s\n got %s", what,
                  expected ? str(expected, "call") : "", json_object_to_json_string(want),
                  json_object_to_json_string(got));
}

static int on_run(void *arg, const struct berth_host *h, const struct berth_run *what,
                  struct berth_error *err)
{
    char run_dir[256], dns[256];
    const char *const argv[] = {net_path("netavark"), "--config", run_dir,
                                "--rootless=false",   dns,        str(expected, "verb"),
                                "/run/netns/test",    NULL};
    json *want, *got, *copy = NULL;

    (void)arg;
    (void)err;
    calls++;
    snprintf(run_dir, sizeof(run_dir), "%s/run", env.dir);
    snprintf(dns, sizeof(dns), "--aardvark-binary=%s/aardvark-dns", env.dir);
    for (size_t i = 0; argv[i]; i++)
        ck_assert_str_eq(what->argv[i], argv[i]);
    ck_assert_ptr_null(what->argv[7]);
    got = json_tokener_parse(what->input.data);
    ck_assert_int_eq(((const char *)what->input.data)[what->input.len - 1], '\n');
    json_object_object_get_ex(expected, "stdin", &want);
    json_object_deep_copy(want, &copy, NULL);
    same("document of", without_date(copy), without_date(got));
    json_object_put(copy);
    json_object_put(got);
    h->put(h->core, what->output, str(expected, "stdout"), strlen(str(expected, "stdout")));
    return 0;
}

static void play_call(const json *step)
{
    bool setup = strcmp(str(step, "verb"), "setup") == 0;
    struct berth_blob request = net_text(str(step, "request"));
    json *status, *got;
    int r;

    expected = step;
    calls = 0;
    testhost_buf_clear(env.out);
    r = setup ? env.ops.setup(env.n, "/run/netns/test", request, env.out, env.err)
              : env.ops.teardown(env.n, "/run/netns/test", request, env.err);
    ck_assert_msg(r == 0, "%s: %s", str(step, "call"), testhost_error_text(env.err));
    ck_assert_uint_eq(calls, 1);
    if (json_object_object_get_ex(step, "status", &status)) {
        got = json_tokener_parse(testhost_buf_data(env.out));
        same("status after", status, got);
        json_object_put(got);
    }
    expected = NULL;
}

static void play(const char *name)
{
    json *all, *part, *got;
    char path[512], file[256], buf[8192];
    const char *srcdir = getenv("top_srcdir");

    snprintf(path, sizeof(path), "%s/tests/fixtures/net/%s.json", srcdir ? srcdir : ".", name);
    all = json_object_from_file(path);
    ck_assert_msg(all != NULL, "%s", path);
    json_object_object_get_ex(all, "files", &part);
    json_object_object_foreach (part, net, text) {
        snprintf(file, sizeof(file), "conf/%s.json", net);
        net_write(file, json_object_get_string(text));
    }
    testhost_on_run(env.th, on_run, NULL);
    json_object_object_get_ex(all, "steps", &part);
    ck_assert_uint_gt(json_object_array_length(part), 2);
    for (size_t i = 0; i < json_object_array_length(part); i++) {
        json *step = json_object_array_get_idx(part, i), *ipam;

        if (!json_object_object_get_ex(step, "ipam", &ipam)) {
            play_call(step);
            continue;
        }
        got = net_ipam();
        snprintf(buf, sizeof(buf), "addresses at %s of", str(step, "snapshot"));
        same(buf, ipam, got);
        json_object_put(got);
    }
    json_object_put(all);
}

static const char *const cases[] = {"01-default-bridge",       "02-static-ip-mac",
                                    "03-two-networks-aliases", "04-published-ports",
                                    "05-dual-stack",           "06-internal"};

START_TEST(recording)
{
    play(cases[_i]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net_replay");
    TCase *t = tcase_create("all");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(t, net_begin, net_end);
    tcase_add_loop_test(t, recording, 0, sizeof(cases) / sizeof(*cases));
    suite_add_tcase(s, t);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
