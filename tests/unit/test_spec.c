/* SPDX-License-Identifier: Apache-2.0 */
/* test_spec.c - the languages and decisions of spec generation, piece by piece. */
#include "engine/spec_priv.h"
#include "unit/spec_doubles.h"
#include <check.h>
#include <fcntl.h>

static struct berth_blob blob(const char *text)
{
    return (struct berth_blob){text, strlen(text)};
}

static char *text_of(const json *j)
{
    struct berth_buf out = BUF_INIT;

    json_write(j, 0, &out);
    return buf_steal(&out);
}

static void assert_json(const json *j, const char *want)
{
    char *got = text_of(j);

    ck_assert_str_eq(got, want);
    free(got);
}

/* ---------------------------------------------------------------------- seccomp */

static struct berth_list caps_of(const char *words)
{
    struct berth_list l = LIST_INIT;

    list_split(&l, words, ' ', false);
    return l;
}

static json *filter(const char *profile, const char *caps, struct berth_error *err)
{
    _cleanup_list_ struct berth_list bounding = caps_of(caps);
    json *out = NULL;

    spec_seccomp(blob(profile), "test", &bounding, &out, err);
    return out;
}

#define RULE(more)                                                                             \
    "{\"defaultAction\":\"A\",\"syscalls\":[{\"names\":[\"x\"],\"action\":\"B\"" more "}]}"

START_TEST(seccomp_conditions)
{
    static const struct {
        const char *more, *caps;
        bool kept;
    } cases[] = {
        {"", "", true},
        {",\"includes\":{\"caps\":[\"CAP_BPF\"]}", "CAP_BPF CAP_KILL", true},
        {",\"includes\":{\"caps\":[\"CAP_BPF\"]}", "CAP_KILL", false},
        {",\"includes\":{\"caps\":[\"CAP_BPF\",\"CAP_KILL\"]}", "CAP_KILL", false},
        {",\"excludes\":{\"caps\":[\"CAP_BPF\"]}", "CAP_BPF", false},
        {",\"excludes\":{\"caps\":[\"CAP_BPF\"]}", "", true},
        {",\"includes\":{\"arches\":[\"s390x\"]}", "", false},
        {",\"excludes\":{\"arches\":[\"s390x\"]}", "", true},
        {",\"includes\":{\"minKernel\":\"99.0\"}", "", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_buf_ struct berth_buf p = BUF_INIT;
        json *f;

        buf_printf(
            &p,
            "{\"defaultAction\":\"A\",\"syscalls\":[{\"names\":[\"x\"],\"action\":\"B\"%s}]}",
            cases[i].more);
        f = filter(buf_str(&p), cases[i].caps, NULL);
        ck_assert_msg(f && (json_len(json_get(f, "syscalls")) == 1) == cases[i].kept,
                      "case %zu", i);
        json_putp(&f);
    }
}
END_TEST

START_TEST(seccomp_values)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    json *f =
        filter("{\"defaultAction\":\"A\",\"defaultErrno\":\"ENOSYS\",\"defaultErrnoRet\":1,"
               "\"syscalls\":[{\"name\":\"x\",\"action\":\"B\",\"errno\":\"2\",\"args\":["
               "{\"index\":1,\"value\":18446744073709551615,\"valueTwo\":4294967295,"
               "\"op\":\"E\"}]}]}",
               "", &err);

    assert_json(
        f, "{\"defaultAction\":\"A\",\"defaultErrnoRet\":38,\"syscalls\":[{\"names\":[\"x\"],"
           "\"action\":\"B\",\"errnoRet\":2,\"args\":[{\"index\":1,"
           "\"value\":18446744073709551615,\"valueTwo\":4294967295,\"op\":\"E\"}]}]}");
    json_putp(&f);
    ck_assert_ptr_null(filter("{}", "", &err));
    ck_assert_int_eq(err.code, 0);
    ck_assert_ptr_null(
        filter("{\"defaultAction\":\"A\",\"defaultErrno\":\"EWHAT\"}", "", &err));
    ck_assert_ptr_nonnull(strstr(error_text(&err), "EWHAT"));
    error_clear(&err);
    ck_assert_ptr_null(filter(RULE(",\"name\":\"y\""), "", &err));
    ck_assert_int_eq(err.code, EINVAL);
    error_clear(&err);
    ck_assert_ptr_null(filter(
        "{\"defaultAction\":\"A\",\"architectures\":[\"x\"],\"archMap\":[{}]}", "", &err));
    ck_assert_int_eq(err.code, EINVAL);
    error_clear(&err);
    ck_assert_ptr_null(filter("{", "", &err));
    ck_assert_int_eq(err.code, EUCLEAN);
}
END_TEST

/* The built-in profile makes the same filters as podman made of the installed one. */
START_TEST(seccomp_builtin)
{
    static const char *const records[] = {"01-plain", "05-caps"};
    const char *dir = getenv("top_srcdir");
    _cleanup_free_ char *path = NULL;
    _cleanup_json_ json *filters = NULL;
    _cleanup_buf_ struct berth_buf profile = BUF_INIT;

    path = str_printf("%s/tests/fixtures/oci-spec/seccomp.json", str_or(dir, "."));
    ck_assert_int_eq(json_read_file(path, 1 << 20, &filters, NULL), 0);
    ck_assert_int_eq(spec_seccomp_builtin(&profile), 0);
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        _cleanup_json_ json *doc = NULL, *got = NULL;
        _cleanup_list_ struct berth_list bounding = LIST_INIT;
        const json *spec;

        free(path);
        path = str_printf("%s/tests/fixtures/oci-spec/%s.json", str_or(dir, "."), records[i]);
        ck_assert_int_eq(json_read_file(path, 1 << 20, &doc, NULL), 0);
        spec = json_at(doc, "record", "spec", NULL);
        json_to_list(json_at(spec, "process", "capabilities", "bounding", NULL), &bounding);
        ck_assert_int_eq(spec_seccomp(buf_blob(&profile), "default", &bounding, &got, NULL), 0);
#if defined(__x86_64__)
        ck_assert(json_object_equal(
            got, json_get(filters, json_str(json_at(spec, "linux", NULL), "seccomp"))));
#endif
    }
}
END_TEST

/* ----------------------------------------------------------------------- mounts */

static json *words(const char *text)
{
    _cleanup_list_ struct berth_list l = LIST_INIT;

    list_split(&l, text, ' ', false);
    return json_from_list(&l);
}

START_TEST(mount_completion)
{
    static const struct {
        const char *given;
        bool tmpfs;
        const char *want; /* NULL: refused */
    } cases[] = {
        {"", true, "rw rprivate nosuid nodev tmpcopyup"},
        {"size=1m mode=1777", true, "size=1m mode=1777 rw rprivate nosuid nodev tmpcopyup"},
        {"notmpcopyup exec", true, "exec rw rprivate nosuid nodev"},
        {"ro consistency=cached", false, "ro rprivate nosuid nodev rbind"},
        {"bind slave suid dev", false, "bind slave suid dev rw"},
        {"z U", false, "z U rw rprivate nosuid nodev rbind"},
        {"idmap=uids=0-1-1", false, "idmap=uids=0-1-1 rw rprivate nosuid nodev rbind"},
        {"O upperdir=/u workdir=/w", false,
         "O upperdir=/u workdir=/w rw rprivate nosuid nodev rbind"},
        {"ro rw", false, NULL},
        {"shared rslave", false, NULL},
        {"size=1", false, NULL},
        {"tmpcopyup", false, NULL},
        {"bind", true, NULL},
        {"Z", true, NULL},
        {"what", false, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json *options = words(cases[i].given);
        int r = spec_mount_options(&options, cases[i].tmpfs, NULL, NULL);

        ck_assert_msg((r >= 0) == (cases[i].want != NULL), "case %zu", i);
        if (cases[i].want) {
            json *want = words(cases[i].want);

            ck_assert_msg(json_object_equal(options, want), "case %zu: %s", i,
                          json_object_to_json_string(options));
            json_putp(&want);
        }
        json_putp(&options);
    }
}
END_TEST

START_TEST(mount_flag)
{
    static const struct {
        const char *text, *want; /* '!' in front: the error's text */
    } cases[] = {
        {"type=bind,src=/a/../b,dst=/c/,ro",
         "{\"destination\":\"/c\",\"type\":\"bind\",\"source\":\"/b\",\"options\":[\"ro\"]}"},
        {"target=/c,type=bind", "{\"destination\":\"/c\",\"type\":\"bind\",\"source\":\"/c\"}"},
        {"type=bind,dst=/c,ro=false,relabel=shared,chown=true",
         "{\"destination\":\"/c\",\"type\":\"bind\",\"source\":\"/"
         "c\",\"options\":[\"rw\",\"z\","
         "\"U\"]}"},
        {"type=bind,dst=/c,\"src=/a,b\"",
         "{\"destination\":\"/c\",\"type\":\"bind\",\"source\":\"/a,b\"}"},
        {"type=tmpfs,dst=/t,tmpfs-size=10,tmpfs-mode=0700,notmpcopyup",
         "{\"destination\":\"/t\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":"
         "[\"size=10\",\"mode=0700\",\"notmpcopyup\"]}"},
        {"type=devpts,dst=/p,uid=1,max=3,newinstance",
         "{\"destination\":\"/p\",\"type\":\"devpts\",\"source\":\"devpts\",\"options\":"
         "[\"uid=1\",\"max=3\",\"newinstance\"]}"},
        {"type=bogus,dst=/c", "!invalid filesystem type \"bogus\""},
        {"dst=/c", "!incorrect mount format: should be --mount type=<bind|tmpfs|volume>,"
                   "[src=<host-dir|volume-name>,]target=<ctr-dir>[,options]"},
        {"type=bind,src=/a", "!must set volume destination"},
        {"type=bind,dst=a", "!invalid container path \"a\", must be an absolute path"},
        {"type=bind,dst=/a,foo", "!foo: invalid mount option"},
        {"type=tmpfs,dst=/a,src=/b", "!source is not supported with tmpfs mounts"},
        {"type=bind,dst=/a,\"src=/b", "!incorrect mount format: should be --mount "
                                      "type=<bind|tmpfs|volume>,[src=<host-dir|volume-name>,]"
                                      "target=<ctr-dir>[,options]"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_error_ struct berth_error err = ERROR_INIT;
        json *out = NULL;
        int r = spec_mount_flag(cases[i].text, &out, &err);

        if (cases[i].want[0] == '!') {
            ck_assert_int_lt(r, 0);
            ck_assert_str_eq(error_text(&err), cases[i].want + 1);
        } else {
            ck_assert_msg(r == 0, "%s: %s", cases[i].text, error_text(&err));
            assert_json(out, cases[i].want);
        }
        json_putp(&out);
    }
}
END_TEST

/* ------------------------------------------------------------------ small parsers */

START_TEST(signals)
{
    static const struct {
        const char *word;
        int signal;
    } cases[] = {
        {"9", 9},       {"KILL", 9},     {"SIGKILL", 9},   {"sigusr1", 10}, {"TERM", 15},
        {"RTMIN", 34},  {"RTMIN+3", 37}, {"SIGRTMAX", 64}, {"RTMAX-1", 63}, {"CLD", 17},
        {"0", 0},       {"65", 0},       {"RTMIN+99", 0},  {"", 0},         {"SIG", 0},
        {"NOTHING", 0}, {"RTMIN+", 0},   {"-1", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(spec_signal(cases[i].word) == cases[i].signal, "%s", cases[i].word);
}
END_TEST

START_TEST(durations)
{
    static const struct {
        const char *text;
        int64_t ns; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {"30s", 30000000000},
        {"1m30s", 90000000000},
        {"1.5h", 5400000000000},
        {"10ms", 10000000},
        {"3us", 3000},
        {"", -1},
        {"5", -1},
        {"s", -1},
        {"1e3s", -1},
        {"1s ", -1},
        {"0x1s", -1},
        {"99999999999h", -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t ns = -1;

        ck_assert_msg((spec_duration(cases[i].text, &ns) < 0) == (cases[i].ns < 0), "%s",
                      cases[i].text);
        ck_assert_int_eq(ns, cases[i].ns);
    }
}
END_TEST

/* ------------------------------------------------------------------------ users */

static char root[] = "/tmp/test-spec.XXXXXX";

static void put(const char *name, const char *text)
{
    _cleanup_free_ char *path = path_join(root, name);

    ck_assert_int_eq(fs_replace(path, text, strlen(text), 0644, false, NULL), 0);
}

static void setup(void)
{
    _cleanup_free_ char *etc = NULL;

    strcpy(strrchr(root, '.'), ".XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    etc = path_join(root, "etc");
    ck_assert_int_eq(mkdir(etc, 0755), 0);
    put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n\nbad line\n1001:x:7:8::/seven:/bin/sh\n"
                      "alice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:50::/b:/bin/sh\n"
                      "nohome:x:5:5");
    put("etc/group", "root:x:0:\nwheel:x:10:root,alice\naudio:x:29:bob,alice\nempty:x:77\n");
}

static void teardown(void)
{
    fs_remove_tree(root, NULL);
}

START_TEST(user_lookup)
{
    static const struct {
        const char *text;
        int64_t uid, gid; /* uid -1: refused */
        const char *home; /* NULL: unknown user */
        const char *groups;
    } cases[] = {
        {"", 0, 0, "/root", "10"},
        {"root", 0, 0, "/root", "10"},
        {"0", 0, 0, "/root", "10"},
        {"alice", 1000, 1000, "/home/alice", "10 29"},
        {"1000", 1000, 1000, "/home/alice", "10 29"},
        {"1001", 7, 8, "/seven", ""}, /* names come before numbers */
        {"bob", 1001, 50, "/b", "29"},
        {"bob:77", 1001, 77, "/b", ""},
        {"bob:wheel", 1001, 10, "/b", ""},
        {"4242", 4242, 0, NULL, ""},
        {"4242:4243", 4242, 4243, NULL, ""},
        {"nohome", 5, 5, "", ""},
        {"eve", -1, 0, NULL, ""},
        {"bob:nogroup", -1, 0, NULL, ""},
        {"2147483648", -1, 0, NULL, ""},
        {"-1", -1, 0, NULL, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_error_ struct berth_error err = ERROR_INIT;
        _cleanup_buf_ struct berth_buf groups = BUF_INIT;
        struct spec_user u = {0};
        int r = spec_user_lookup(root, NULL, NULL, cases[i].text, &u, &err);

        if (cases[i].uid < 0) {
            ck_assert_msg(r == -ENOENT, "%s", cases[i].text);
            continue;
        }
        ck_assert_msg(r == 0, "%s: %s", cases[i].text, error_text(&err));
        ck_assert_int_eq(u.uid, cases[i].uid);
        ck_assert_int_eq(u.gid, cases[i].gid);
        ck_assert_msg(str_eq(u.home, cases[i].home), "%s", cases[i].text);
        for (size_t j = 0; j < u.n_groups; j++)
            buf_printf(&groups, "%s%u", j ? " " : "", u.groups[j]);
        ck_assert_str_eq(buf_str(&groups), cases[i].groups);
        spec_user_free(&u);
    }
}
END_TEST

/* Links inside the root lead nowhere else. */
START_TEST(user_links)
{
    _cleanup_free_ char *link = path_join(root, "etc/passwd");
    struct spec_user u = {0};

    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(symlink("../../../../../../other", link), 0);
    put("other", "carol:x:12:13::/c:/bin/sh\n");
    ck_assert_int_eq(spec_user_lookup(root, NULL, NULL, "carol", &u, NULL), 0);
    ck_assert_int_eq(u.uid, 12);
    spec_user_free(&u);
}
END_TEST

START_TEST(user_files_missing)
{
    struct spec_user u = {0};

    fs_remove_tree(root, NULL);
    ck_assert_int_eq(mkdir(root, 0755), 0);
    ck_assert_int_eq(spec_user_lookup(root, NULL, NULL, "", &u, NULL), 0);
    ck_assert_int_eq(u.uid, 0);
    ck_assert(!u.known);
    ck_assert_int_eq(spec_user_lookup(root, NULL, NULL, "alice", &u, NULL), -ENOENT);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("spec");
    TCase *pure = tcase_create("pure"), *users = tcase_create("users");
    SRunner *runner;
    int failed;

    tcase_add_test(pure, seccomp_conditions);
    tcase_add_test(pure, seccomp_values);
    tcase_add_test(pure, seccomp_builtin);
    tcase_add_test(pure, mount_completion);
    tcase_add_test(pure, mount_flag);
    tcase_add_test(pure, signals);
    tcase_add_test(pure, durations);
    suite_add_tcase(s, pure);
    tcase_add_checked_fixture(users, setup, teardown);
    tcase_add_test(users, user_lookup);
    tcase_add_test(users, user_links);
    tcase_add_test(users, user_files_missing);
    suite_add_tcase(s, users);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
