/* SPDX-License-Identifier: Apache-2.0 */
/* test_spec_docs.c - whole documents: what flags become, and what damaged records do. */
#include "cmd/flags_ctr.h"
#include "cmd/opts.h"
#include "engine/spec_priv.h"
#include "unit/spec_doubles.h"
#include <check.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static char base[64];
static struct conf *conf;
static struct engine engine;

static char *under(const char *name)
{
    return path_join(base, name);
}

static void write_file(const char *name, const char *text)
{
    _cleanup_free_ char *path = under(name);

    ck_assert_int_eq(fs_replace(path, text, strlen(text), 0644, false, NULL), 0);
}

static void setup(void)
{
    static const char *const dirs[] = {"root/etc", "static", "run", "vol"};
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_free_ char *path = NULL;

    strcpy(base, "/tmp/test-spec-docs.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(base));
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        _cleanup_free_ char *dir = under(dirs[i]);

        ck_assert_int_eq(fs_mkdir_p(dir, 0755, NULL), 0);
    }
    write_file("root/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
    write_file("root/etc/group", "root:x:0:\n");
    buf_printf(&text,
               "OCIRuntime = \"crun\"; cgroup_manager = \"cgroupfs\"; log_driver = \"none\";\n"
               "graph_root = \"%s/graph\"; run_root = \"%s/runroot\"; env = [ \"A=1\" ];\n"
               "hooks_dir = [ \"%s/hooks\" ];\n",
               base, base, base);
    write_file("berth.conf", buf_str(&text));
    path = under("berth.conf");
    ck_assert_msg(conf_load(path, NULL, 0, &conf, NULL, &err) == 0, "%s", error_text(&err));
    engine = (struct engine){.conf = conf};
}

static void teardown(void)
{
    fs_remove_tree(base, NULL);
    conf_free(conf);
}

/* The record of `run FLAGS ROOT sleep`; words of flags are separated by blanks. */
static json *record(const char *flags, json **networks, struct berth_error *err)
{
    _cleanup_list_ struct berth_list words = LIST_INIT;
    _cleanup_json_ json *nets = NULL;
    struct ctr_options o = {0};
    struct opts_set set = {run_opts, &o};
    struct opts_result result = {0};
    json *out = NULL;

    list_split(&words, flags, ' ', false);
    list_add(&words, "--rootfs");
    list_take(&words, under("root"));
    list_add(&words, "sleep");
    ck_assert_int_eq(opts_preset(&set, err), 0);
    if (opts_parse(&set, 1, false, words.items, &result, err) == 0) {
        o.args = result.args;
        o.n_args = result.n_args;
        spec_create(&engine, &o, &out, &nets, err);
    }
    opts_result_free(&result);
    opts_free(&set);
    if (networks)
        *networks = TAKE(nets);
    return out;
}

/* The value at "a.b.0.c" as text. */
static void assert_at(const json *doc, const char *path, const char *want)
{
    _cleanup_list_ struct berth_list words = LIST_INIT;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const json *at = doc;

    list_split(&words, path, '.', false);
    for (size_t i = 0; i < words.n && at; i++)
        at = json_object_is_type(at, json_type_array)
                 ? json_item(at, strtoul(words.items[i], NULL, 10))
                 : json_get(at, words.items[i]);
    if (!want) {
        ck_assert_msg(!at, "%s is there", path);
        return;
    }
    ck_assert_msg(at != NULL, "%s is missing", path);
    json_write(at, 0, &text);
    ck_assert_msg(str_eq(buf_str(&text), want), "%s: %s, not %s", path, buf_str(&text), want);
}

START_TEST(members)
{
    static const struct {
        const char *flags, *path, *want;
    } cases[] = {
        {"--network none", "createNetNS", "false"},
        {"--network none", "networkMode", NULL},
        {"", "networkMode", "\"bridge\""},
        {"--network host", "spec.linux.namespaces.1.type", "\"ipc\""},
        {"-e B=2 -e A=3", "spec.process.env", "[\"A=3\",\"B=2\"]"},
        {"--unsetenv A", "spec.process.env", NULL},
        {"--init=false -it", "spec.process.terminal", "true"},
        {"--entrypoint x", "spec.process.args", "[\"x\",\"sleep\"]"},
        {"-u 1:2", "user", "\"1:2\""},
        {"--stop-signal KILL", "stopSignal", "9"},
        {"--ulimit core=-1", "spec.process.rlimits.1",
         "{\"type\":\"RLIMIT_CORE\",\"hard\":18446744073709551615,\"soft\":"
         "18446744073709551615}"},
        {"--memory 1g", "spec.linux.resources.memory.limit", "1073741824"},
        {"", "shmSize", "65536000"},
        {"--shm-size 1k", "shmSize", "1024"},
        {"--ipc host", "ShmDir", "\"/dev/shm\""},
        {"--ipc none", "ShmDir", NULL},
        {"--ipc private", "NOShmShare", "true"},
        {"--restart on-failure:3", "restart_retries", "3"},
        {"--rm", "volatile", "true"},
        {"", "volatile", NULL},
        {"--read-only", "userVolumes", "[\"/tmp\",\"/var/tmp\",\"/run\"]"},
        {"-v vol:/x:ro", "namedVolumes.0.volumeName", "\"vol\""},
        {"-v /x", "namedVolumes.0.volumeName", "\"\""},
        {"-p 8080:80 -p 8081:81/tcp", "newPortMappings",
         "[{\"host_ip\":\"\",\"container_port\":80,\"host_port\":8080,\"range\":2,"
         "\"protocol\":\"tcp\"}]"},
        {"--sysctl net.x=1 --network host", "spec", NULL},
        {"--hostname a --uts host", "spec", NULL},
        {"--cap-add what", "spec", NULL},
        {"--mount type=bind", "spec", NULL},
        {"--pid container:nobody", "spec", NULL},
        {"--umask 8", "spec", NULL},
        {"--tz No/Where", "spec", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_error_ struct berth_error err = ERROR_INIT;
        json *doc = record(cases[i].flags, NULL, &err);

        ck_assert_msg((doc != NULL) == (err.code == 0), "%s: %s", cases[i].flags,
                      error_text(&err));
        ck_assert_msg(doc || str_eq(cases[i].path, "spec"), "%s: %s", cases[i].flags,
                      error_text(&err));
        assert_at(doc, cases[i].path, cases[i].want);
        json_putp(&doc);
    }
}
END_TEST

START_TEST(place)
{
    json *networks = NULL, *doc = record("--network default:alias=x", &networks, NULL);
    struct spec_place p = {
        .id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .name = "n",
        .lock = 7,
        .static_dir = "/s",
        .run_dir = "/r"};

    ck_assert_ptr_nonnull(doc);
    spec_place(doc, networks, &p);
    assert_at(doc, "lockID", "7");
    assert_at(doc, "ShmDir", "\"/s/shm\"");
    assert_at(doc, "mounts", "[\"/s/shm\"]");
    assert_at(doc, "pid_file", "\"/r/pidfile\"");
    assert_at(doc, "logPath", "\"\"");
    assert_at(networks, "podman",
              "{\"aliases\":[\"x\",\"0123456789ab\"],\"interface_name\":\"eth0\"}");
    json_putp(&doc);
    json_putp(&networks);
}
END_TEST

/* Without CAP_SYS_RESOURCE, defaults end at the hard limit and the user's values do not. */
START_TEST(ulimits_clamped)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    struct rlimit low = {.rlim_cur = 500, .rlim_max = 900};
    json *doc;

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    ck_assert_int_eq(syscall(SYS_capget, &head, data), 0);
    data[0].effective &= ~CAP_TO_MASK(CAP_SYS_RESOURCE);
    ck_assert_int_eq(syscall(SYS_capset, &head, data), 0);
    doc = record("--ulimit nproc=7:8", NULL, NULL);
    assert_at(doc, "spec.process.rlimits",
              "[{\"type\":\"RLIMIT_NOFILE\",\"hard\":900,\"soft\":900},"
              "{\"type\":\"RLIMIT_NPROC\",\"hard\":8,\"soft\":7}]");
    json_putp(&doc);
    doc = record("--ulimit nproc=7 --ulimit nofile=1:1000000", NULL, NULL);
    assert_at(doc, "spec.process.rlimits.0",
              "{\"type\":\"RLIMIT_NOFILE\",\"hard\":1000000,\"soft\":1}");
    json_putp(&doc);
}
END_TEST

/* ------------------------------------------------------------------ damaged records */

static int init(json *config, json *state)
{
    _cleanup_free_ char *root = under("root"), *run = under("run"), *dir = under("static");
    struct ctr c = {.e = &engine, .config = config, .state = state};
    char name[] = "n";

    memset(c.id, 'a', ID_LEN);
    c.name = name;
    json_set_str(state, "mountPoint", root);
    json_set_str(state, "runDir", run);
    json_set_str(config, "staticDir", dir);
    return spec_init(&c, NULL);
}

/* All paths into a document, depth first; numbers are positions in arrays. */
static void paths(const json *j, const char *at, struct berth_list *out)
{
    if (*at)
        list_add(out, at);
    if (json_object_is_type(j, json_type_object)) {
        json_object_object_foreach ((json *)(uintptr_t)j, key, value) {
            _cleanup_free_ char *path = str_printf("%s\t%s", at, key);

            if (!str_eq(key, "seccomp"))
                paths(value, path, out);
        }
    }
    for (size_t i = 0; i < json_len(j); i++) {
        _cleanup_free_ char *path = str_printf("%s\t%zu", at, i);

        paths(json_item(j, i), path, out);
    }
}

static void replace(json *doc, const char *path, json *value)
{
    _cleanup_list_ struct berth_list words = LIST_INIT;
    json *at = doc;

    list_split(&words, path, '\t', false);
    for (size_t i = 0; i + 1 < words.n; i++)
        at = json_object_is_type(at, json_type_array)
                 ? json_item(at, strtoul(words.items[i], NULL, 10))
                 : json_get(at, words.items[i]);
    if (json_object_is_type(at, json_type_array))
        json_object_array_put_idx(at, strtoul(words.items[words.n - 1], NULL, 10), value);
    else
        json_set(at, words.items[words.n - 1], value);
}

/* Every member of a rich record in turn becomes something else: no crash, and an answer. */
START_TEST(damaged)
{
    static const char *const values[] = {"null", "-5",        "\"x\"", "[]",    "{}",
                                         "[5]",  "{\"x\":5}", "[{}]",  "[null]"};
    json *doc = record("-u 77:78 --group-add root -v v:/v -v /tmp:/o:O --tmpfs /t "
                       "--add-host a:1.1.1.1 --dns 1.1.1.1 --label a=b --chrootdirs /c "
                       "--uidmap 0:1:9 --security-opt seccomp=unconfined",
                       NULL, NULL);
    json *state = NULL;
    _cleanup_list_ struct berth_list all = LIST_INIT;
    const char *status = "{\"networkStatus\":{\"n\":{\"interfaces\":{\"eth0\":{\"subnets\":"
                         "[{\"ipnet\":\"10.0.0.2/8\",\"gateway\":\"10.0.0.1\"}]}},"
                         "\"dns_server_ips\":[\"1.1.1.1\"],\"dns_search_domains\":[\"x\"]}},"
                         "\"bindMounts\":{\"/etc/x\":\"/y\"}}";
    size_t worked = 0;

    ck_assert_ptr_nonnull(doc);
    json_add(json_need_array(doc, "secrets"), json_new());
    json_set_str(json_item(json_get(doc, "secrets"), 0), "name", "s");
    json_set_str(json_item(json_get(doc, "secrets"), 0), "Target", "t");
    json_set_str(doc, "secretsPath", base);
    ck_assert_int_eq(
        json_parse_object((struct berth_blob){status, strlen(status)}, "state", &state, NULL),
        0);
    {
        _cleanup_json_ json *whole = json_copy(doc), *its = json_copy(state);

        ck_assert_int_eq(init(whole, its), 0);
        ck_assert_ptr_nonnull(json_str(its, "configPath"));
    }
    json_set(doc, "state", json_copy(state));
    paths(doc, "", &all);
    ck_assert_uint_gt(all.n, 150);
    for (size_t i = 0; i < all.n; i++) {
        for (size_t j = 0; j < ARRAY_LEN(values); j++) {
            _cleanup_json_ json *copy = json_copy(doc), *value = NULL;
            struct berth_blob text = {values[j], strlen(values[j])};
            _cleanup_json_ json *its = NULL;

            ck_assert_int_eq(json_parse(text, "value", &value, NULL), 0);
            replace(copy, all.items[i], TAKE(value));
            its = json_ref(json_get(copy, "state"));
            if (!json_object_is_type(its, json_type_object)) {
                json_putp(&its);
                its = json_new();
            }
            worked += init(copy, its) == 0;
        }
    }
    ck_assert_uint_gt(worked, all.n); /* most members do not matter to init */
    json_putp(&doc);
    json_putp(&state);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("spec_docs");
    TCase *t = tcase_create("docs"), *limits = tcase_create("limits");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 300);
    tcase_add_test(t, members);
    tcase_add_test(t, place);
    tcase_add_test(t, damaged);
    suite_add_tcase(s, t);
    /* Valgrind lets nobody lower the number of descriptors. */
    tcase_set_tags(limits, "not-on-valgrind");
    tcase_add_checked_fixture(limits, setup, teardown);
    tcase_add_test(limits, ulimits_clamped);
    suite_add_tcase(s, limits);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
