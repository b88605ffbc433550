/* SPDX-License-Identifier: Apache-2.0 */
/* test_conf.c - src/conf: keys, types, layers, defaults, overrides, plugin options. */
#include "base/fs.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/conf.h"
#include "conf/keys.h"
#include <check.h>

static char dir[64];
static char file[128];

static void setup(void)
{
    snprintf(dir, sizeof(dir), "/tmp/test-conf.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/berth.conf", dir);
}

static void teardown(void)
{
    ck_assert_int_eq(fs_remove_tree(dir, NULL), 0);
}

static void put(const char *path, const char *text)
{
    ck_assert_int_eq(fs_replace(path, text, strlen(text), 0644, false, NULL), 0);
}

/* Load the file with this text; the result and the error's text are for the caller. */
static int load(const char *text, const struct conf_override *o, size_t n, struct conf **out,
                struct berth_list *all, struct berth_error *err)
{
    put(file, text);
    return conf_load(file, o, n, out, all, err);
}

/* The text is refused, and the one problem reads "<file>" followed by `expected`. */
static void refused(const char *text, const char *expected)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_list_ struct berth_list all = LIST_INIT;
    struct conf *c = NULL;
    const char *rest;

    ck_assert_int_eq(load(text, NULL, 0, &c, &all, &err), -EINVAL);
    ck_assert_ptr_null(c);
    ck_assert_uint_eq(all.n, 1);
    ck_assert_str_eq(all.items[0], error_text(&err));
    rest = str_starts(error_text(&err), file);
    ck_assert_msg(rest, "%s", error_text(&err));
    ck_assert_str_eq(rest, expected);
}

START_TEST(defaults)
{
    _cleanup_conf_ struct conf *c = NULL;
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    ck_assert_int_eq(load("", NULL, 0, &c, NULL, &err), 0);
    ck_assert_ptr_null(c->state_type);
    ck_assert_str_eq(c->lock_type, BERTH_DEFAULT_LOCK);
    ck_assert_str_eq(c->network_backend, BERTH_DEFAULT_NET);
    ck_assert_uint_eq(c->plugin_dirs.n, 1);
    ck_assert_str_eq(c->plugin_dirs.items[0], PKGLIBDIR);
    ck_assert_uint_eq(c->num_locks, 2048);
    ck_assert_uint_eq(c->stop_timeout, 10);
    ck_assert_int_eq(c->shm_size, 65536000);
    ck_assert_int_eq(c->log_size_max, -1);
    ck_assert_int_eq(c->events_logfile_max_size, 1000000);
    ck_assert_int_eq(c->pids_limit, 2048);
    ck_assert_str_eq(c->detach_keys, "ctrl-p,ctrl-q");
    ck_assert_uint_eq(c->default_capabilities.n, 14);
    ck_assert_uint_eq(c->env.n, 2);
    ck_assert(list_has(&c->env, "TERM=xterm"));
    ck_assert_uint_eq(c->conmon_path.n, 8);
    ck_assert(c->http_proxy && c->keyring && c->enable_port_reservation);
    ck_assert(!c->init && !c->env_host && !c->no_hosts && !c->no_pivot_root);
    ck_assert_ptr_null(c->namespace_);
    ck_assert_ptr_null(c->events_logfile_path);
    ck_assert(!c->graph_root_set && !c->run_root_set && !c->static_dir_set);
    ck_assert_uint_eq(c->n_runtimes, 6);
    ck_assert_str_eq(c->runtimes[0].name, "crun");
    ck_assert_str_eq(c->runtimes[0].paths.items[0], "/usr/bin/crun");
}
END_TEST

START_TEST(values)
{
    _cleanup_conf_ struct conf *c = NULL;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    int r = load("# all kinds\n"
                 "StateType = \"lmdb\";\n"
                 "graph_root = \"/srv//ctr/./root/\";\n"
                 "num_locks = 64;\n"
                 "no_pivot_root = true;\n"
                 "shm_size = \"64KiB\";\n"
                 "events_logfile_max_size = 3000000000L;\n"
                 "log_size_max = 8192;\n"
                 "env = [ \"A=1\", \"B=2\" ];\n"
                 "hooks_dir = ();\n"
                 "detach_keys = \"\";\n"
                 "runtimes = { crun = [ \"/opt/crun\" ]; mine = \"/opt/mine\"; };\n"
                 "oci_kata = { plugin = \"runc\"; path = \"/opt/kata\"; };\n",
                 NULL, 0, &c, NULL, &err);

    ck_assert_msg(r == 0, "%s", error_text(&err));
    ck_assert_str_eq(c->state_type, "lmdb");
    ck_assert_str_eq(c->graph_root, "/srv/ctr/root");
    ck_assert_str_eq(c->static_dir, "/srv/ctr/root/libpod");
    ck_assert_str_eq(c->volume_path, "/srv/ctr/root/volumes");
    ck_assert(!c->graph_root_set && !c->static_dir_set);
    ck_assert_uint_eq(c->num_locks, 64);
    ck_assert(c->no_pivot_root);
    ck_assert_int_eq(c->shm_size, 65536);
    ck_assert_int_eq(c->events_logfile_max_size, 3000000000LL);
    ck_assert_int_eq(c->log_size_max, 8192);
    ck_assert_uint_eq(c->env.n, 2);
    ck_assert_uint_eq(c->hooks_dir.n, 0);
    ck_assert_str_eq(c->detach_keys, "");
    ck_assert_uint_eq(c->n_runtimes, 7);
    ck_assert_uint_eq(c->runtimes[0].paths.n, 1);
    ck_assert_str_eq(c->runtimes[0].paths.items[0], "/opt/crun");
    ck_assert_str_eq(c->runtimes[6].name, "mine");
    ck_assert_str_eq(c->runtimes[3].name, "kata");
    ck_assert_str_eq(c->runtimes[3].plugin, "runc");
    ck_assert_str_eq(c->runtimes[3].paths.items[0], "/opt/kata");
}
END_TEST

START_TEST(problems)
{
    refused("num_locks = 1;\nStateTyp = \"x\";\n",
            ":2: unknown key \"StateTyp\" (did you mean \"StateType\"?)");
    refused("xyzzy_and_more = 1;\n", ":1: unknown key \"xyzzy_and_more\"");
    refused("\n\nnum_locks = \"many\";\n", ":3: \"num_locks\" must be a number, not text");
    refused("num_locks = 0;\n", ":1: \"num_locks\" must be a number from 1 to 16777216, not 0");
    refused("num_locks = 1.5;\n", ":1: \"num_locks\" must be a number, not a fraction");
    refused("init = 1;\n", ":1: \"init\" must be true or false, not a number");
    refused("tmp_dir = \"run/x\";\n",
            ":1: \"tmp_dir\" must be an absolute path, not \"run/x\"");
    refused("tmp_dir = true;\n", ":1: \"tmp_dir\" must be text, not true or false");
    refused("env = \"A=1\";\n", ":1: \"env\" must be a list of texts, not text");
    refused("env = ( \"A=1\", 2 );\n",
            ":1: \"env\" must be a list of texts, item 2 is a number");
    refused("cgroup_manager = \"mine\";\n",
            ":1: \"cgroup_manager\" must be one of: cgroupfs systemd; not \"mine\"");
    refused("cgroup_manager = \"cgroup\";\n",
            ":1: \"cgroup_manager\" must be one of: cgroupfs systemd; not \"cgroup\"");
    refused("umask = \"0999\";\n",
            ":1: \"umask\" must be one to four octal digits, not \"0999\"");
    refused("log_size_max = 100;\n", ":1: \"log_size_max\" must be negative (no limit) or 8192 "
                                     "and more, not \"100\"");
    refused(
        "default_ulimits = [ \"nofile=1:2\", \"x=1\" ];\n",
        ":1: \"default_ulimits\" must name a resource limit (nofile, nproc, core, ...), not "
        "\"x=1\"");
    refused("shm_size = \"64q\";\n",
            ":1: \"shm_size\" must be a size like \"64k\", not \"64q\"");
    refused("plugin_dirs = [ \"/usr/lib/../tmp\" ];\n",
            ":1: \"plugin_dirs\" must be a path without \"..\", not \"/usr/lib/../tmp\"");
    refused("StateType = \"../x\";\n",
            ":1: \"StateType\" must be the name of a plugin, not \"../x\"");
    refused("num_locks = 1;\nnum_locks = 2;\n", ":2: duplicate setting name");
    refused("num_locks = \n= 3;\n", ":2: syntax error");
    refused("runtimes = [ \"x\" ];\n", ":1: \"runtimes\" must be a group, not a list");
    refused("runtimes = { a = 1; };\n", ":1: \"a\" must be a list of texts, not a number");
    refused("stat_sqlite = { a = 1; };\n",
            ":1: unknown section \"stat_sqlite\" (options of a plugin go into a section named "
            "after it, like state_" BERTH_DEFAULT_STATE ")");
    refused("state_x = { a = { b = 1; }; };\n",
            ":1: \"a\" in state_x must be text, a number, or true or false; not a group");
    refused("oci_x = { plugin = \"A\"; };\n",
            ":1: \"plugin\" in oci_x must be the name of a plugin, not \"A\"");
}
END_TEST

START_TEST(all_problems_at_once)
{
    _cleanup_list_ struct berth_list all = LIST_INIT;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    const struct conf_override o[] = {{"num_locks", "-3"}, {"nonsense", "1"}};
    struct conf *c = NULL;

    ck_assert_int_eq(load("a_b = 1;\ninit = 3;\numask = \"9\";\n", o, 2, &c, &all, &err),
                     -EINVAL);
    ck_assert_uint_eq(all.n, 5);
    ck_assert_str_eq(all.items[0], error_text(&err));
    ck_assert(
        str_ends(all.items[3],
                 "command line: \"num_locks\" must be a number from 1 to 16777216, not -3"));
    ck_assert_str_eq(all.items[4], "command line: unknown key \"nonsense\"");
}
END_TEST

START_TEST(missing_file)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct conf *c = NULL;

    ck_assert_int_eq(conf_load("/nonexistent/berth.conf", NULL, 0, &c, NULL, &err), -EINVAL);
    ck_assert_str_eq(error_text(&err),
                     "/nonexistent/berth.conf: cannot be read: No such file or directory");
    error_clear(&err);
    setenv("BERTH_CONF", "/nonexistent/b.conf", 1);
    ck_assert_int_eq(conf_load(NULL, NULL, 0, &c, NULL, &err), -EINVAL);
    unsetenv("BERTH_CONF");
    ck_assert_str_eq(error_text(&err),
                     "/nonexistent/b.conf: cannot be read: No such file or directory");
}
END_TEST

START_TEST(overrides)
{
    _cleanup_conf_ struct conf *c = NULL;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    const struct conf_override o[] = {
        {"graph_root", "/flag/root"}, {"hooks_dir", "/h1"},    {"hooks_dir", "/h2"},
        {"tmp_dir", "/flag/tmp"},     {"StateType", "memory"},
    };

    ck_assert_int_eq(load("graph_root = \"/f\";\nstatic_dir = \"/f/static\";\n"
                          "StateType = \"lmdb\";\nhooks_dir = [ \"/x\" ];\n",
                          o, ARRAY_LEN(o), &c, NULL, &err),
                     0);
    ck_assert_str_eq(c->graph_root, "/flag/root");
    ck_assert_str_eq(c->static_dir, "/flag/root/libpod");
    ck_assert_str_eq(c->volume_path, "/flag/root/volumes");
    ck_assert_str_eq(c->tmp_dir, "/flag/tmp");
    ck_assert_str_eq(c->state_type, "memory");
    ck_assert(c->graph_root_set && c->static_dir_set && c->volume_path_set);
    ck_assert(!c->run_root_set && !c->storage_driver_set);
    ck_assert_uint_eq(c->hooks_dir.n, 2);
    ck_assert_str_eq(c->hooks_dir.items[1], "/h2");
}
END_TEST

START_TEST(long_runroot)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    const struct conf_override o = {"run_root",
                                    "/a23456789/123456789/123456789/123456789/123456789/"};
    struct conf *c = NULL;

    ck_assert_int_eq(load("", &o, 1, &c, NULL, &err), -EINVAL);
    ck_assert_str_eq(error_text(&err), "the specified runroot is longer than 50 characters");
}
END_TEST

START_TEST(rootless)
{
    _cleanup_conf_ struct conf *c = NULL;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    char want[128];

    setenv("_CONTAINERS_USERNS_CONFIGURED", "done", 1);
    setenv("_CONTAINERS_ROOTLESS_UID", "1234", 1);
    setenv("HOME", "/home/u", 1);
    unsetenv("XDG_DATA_HOME");
    setenv("XDG_RUNTIME_DIR", dir, 1);
    ck_assert_int_eq(load("", NULL, 0, &c, NULL, &err), 0);
    ck_assert(c->rootless);
    ck_assert_uint_eq(c->uid, 1234);
    ck_assert_str_eq(c->graph_root, "/home/u/.local/share/containers/storage");
    snprintf(want, sizeof(want), "%s/containers", dir);
    ck_assert_str_eq(c->run_root, want);
    snprintf(want, sizeof(want), "%s/libpod/tmp", dir);
    ck_assert_str_eq(c->tmp_dir, want);
    ck_assert_str_eq(c->storage_driver, "vfs");
}
END_TEST

START_TEST(foreign_runtime_dir)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct conf *c = NULL;

    setenv("_CONTAINERS_USERNS_CONFIGURED", "done", 1);
    setenv("_CONTAINERS_ROOTLESS_UID", "1234", 1);
    setenv("HOME", "/home/u", 1);
    setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
    ck_assert_int_eq(load("", NULL, 0, &c, NULL, &err), -EINVAL);
    ck_assert_str_eq(error_text(&err),
                     "run_root: no default: XDG_RUNTIME_DIR (/nonexistent) and HOME (/home/u) "
                     "lead to no directory that belongs to the current user");
}
END_TEST

#ifdef BERTH_UNINSTALLED
START_TEST(layers)
{
    _cleanup_conf_ struct conf *c = NULL;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    char path[512];

    unsetenv("BERTH_CONF");
    setenv("BERTH_CONF_PREFIX", dir, 1);
    snprintf(path, sizeof(path), "%s%s", dir, PKGDATADIR);
    fs_mkdir_p(path, 0755, NULL);
    snprintf(path, sizeof(path), "%s%s/berth.conf", dir, PKGDATADIR);
    put(path, "num_locks = 10;\nstop_timeout = 20;\numask = \"0001\";\n"
              "state_x = { a = 1; b = 2; };\n");
    snprintf(path, sizeof(path), "%s%s/berth/berth.conf.d/sub.conf", dir, SYSCONFDIR);
    fs_mkdir_p(path, 0755, NULL);
    snprintf(path, sizeof(path), "%s%s/berth/berth.conf", dir, SYSCONFDIR);
    put(path, "stop_timeout = 21;\numask = \"0002\";\n");
    snprintf(path, sizeof(path), "%s%s/berth/berth.conf.d/10.conf", dir, SYSCONFDIR);
    put(path, "umask = \"0010\";\nstate_x = { b = 3; };\n");
    snprintf(path, sizeof(path), "%s%s/berth/berth.conf.d/20.conf", dir, SYSCONFDIR);
    put(path, "umask = \"0020\";\n");
    snprintf(path, sizeof(path), "%s%s/berth/berth.conf.d/README", dir, SYSCONFDIR);
    put(path, "no configuration at all\n");
    ck_assert_int_eq(conf_load(NULL, NULL, 0, &c, NULL, &err), 0);
    ck_assert_uint_eq(c->num_locks, 10);
    ck_assert_uint_eq(c->stop_timeout, 21);
    ck_assert_str_eq(c->umask, "0020");

    const struct berth_option options[] = {
        {"a", BERTH_OPTION_INT, 0, NULL, "a"},
        {"b", BERTH_OPTION_INT, 0, NULL, "b"},
    };
    struct berth_config *cfg = NULL;
    ck_assert_int_eq(
        conf_instance(c, "state_x", options, 2, sizeof(options[0]), NULL, 0, &cfg, &err), 0);
    ck_assert_int_eq(conf_instance_int(cfg, "a"), 1);
    ck_assert_int_eq(conf_instance_int(cfg, "b"), 3);
    conf_instance_free(cfg);
}
END_TEST
#endif

static const struct berth_option options[] = {
    {"path", BERTH_OPTION_PATH, 0, NULL, "where"},
    {"size", BERTH_OPTION_SIZE, 0, "64M", "how large"},
    {"wait", BERTH_OPTION_TIME, 0, "5min", "how long"},
    {"on", BERTH_OPTION_BOOL, 0, "yes", "whether"},
    {"count", BERTH_OPTION_INT, BERTH_OPTION_DEPRECATED, "-7", "how many"},
    {"word", BERTH_OPTION_STRING, 0, NULL, "what"},
};

static int instance(const char *text, const struct conf_override *o, size_t n,
                    struct berth_config **out, struct berth_error *err)
{
    _cleanup_conf_ struct conf *c = NULL;

    ck_assert_int_eq(load(text, NULL, 0, &c, NULL, err), 0);
    return conf_instance(c, "state_x", options, ARRAY_LEN(options), sizeof(options[0]), o, n,
                         out, err);
}

START_TEST(instance_values)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    const struct conf_override o = {"wait", "1h30min"};
    struct berth_config *cfg = NULL;

    ck_assert_int_eq(instance("", NULL, 0, &cfg, &err), 0);
    ck_assert_ptr_null(conf_instance_string(cfg, "path"));
    ck_assert_ptr_null(conf_instance_string(cfg, "word"));
    ck_assert_int_eq(conf_instance_int(cfg, "size"), 64 << 20);
    ck_assert_int_eq(conf_instance_int(cfg, "wait"), 300000000000LL);
    ck_assert_int_eq(conf_instance_bool(cfg, "on"), 1);
    ck_assert_int_eq(conf_instance_int(cfg, "count"), -7);
    conf_instance_free(cfg);

    ck_assert_int_eq(instance("state_x = { path = \"/a/../b//c\"; size = 17; wait = 3;"
                              " on = false; word = \"w\"; plugin = \"y\"; };",
                              &o, 1, &cfg, &err),
                     0);
    ck_assert_str_eq(conf_instance_string(cfg, "path"), "/b/c");
    ck_assert_str_eq(conf_instance_string(cfg, "word"), "w");
    ck_assert_int_eq(conf_instance_int(cfg, "size"), 17);
    ck_assert_int_eq(conf_instance_int(cfg, "wait"), 5400000000000LL);
    ck_assert_int_eq(conf_instance_bool(cfg, "on"), 0);
    conf_instance_free(cfg);
}
END_TEST

/* Hints: for options that are there and that the section does not set. */
START_TEST(instance_hints)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    const struct conf_override o[] = {
        {"word", "hint", true}, {"nonsense", "hint", true}, {"count", "3", true}, {"on", "no"}};
    struct berth_config *cfg = NULL;

    ck_assert_int_eq(
        instance("state_x = { word = \"mine\"; on = true; };", o, ARRAY_LEN(o), &cfg, &err), 0);
    ck_assert_str_eq(conf_instance_string(cfg, "word"), "mine");
    ck_assert_int_eq(conf_instance_int(cfg, "count"), 3);
    ck_assert_int_eq(conf_instance_bool(cfg, "on"), 0);
    conf_instance_free(cfg);
}
END_TEST

START_TEST(instance_problems)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"state_x = { sise = 1; };", ":1: unknown option \"sise\" in state_x (did you mean "
                                     "\"size\"? known: path, size, wait, on, count, word)"},
        {"state_x = { qqqqqqqq = 1; };",
         ":1: unknown option \"qqqqqqqq\" in state_x (known: path, size, wait, on, count, "
         "word)"},
        {"state_x = { size = \"64X\"; };", ":1: \"size\" in state_x must be a number of bytes "
                                           "or a size like \"64M\", not \"64X\""},
        {"state_x = { size = -1; };", ":1: \"size\" in state_x must be a number of bytes or a "
                                      "size like \"64M\", not \"-1\""},
        {"state_x = { wait = \"5 fortnights\"; };",
         ":1: \"wait\" in state_x must be a number of seconds or a time like \"5min\", not \"5 "
         "fortnights\""},
        {"state_x = { on = 1; };", ":1: \"on\" in state_x must be true or false, not \"1\""},
        {"state_x = { count = \"1\"; };",
         ":1: \"count\" in state_x must be a number, not \"1\""},
        {"state_x = { path = true; };", ":1: \"path\" in state_x must be a path, not \"true\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_error_ struct berth_error err = ERROR_INIT;
        struct berth_config *cfg = NULL;

        ck_assert_int_eq(instance(cases[i].text, NULL, 0, &cfg, &err), -EINVAL);
        ck_assert_ptr_null(cfg);
        ck_assert_str_eq(error_text(&err) + strlen(file), cases[i].expected);
    }
}
END_TEST

START_TEST(instance_required)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    const struct berth_option needed = {"key", BERTH_OPTION_STRING, BERTH_OPTION_REQUIRED, NULL,
                                        "key"};
    struct berth_config *cfg = NULL;

    ck_assert_int_eq(
        conf_instance(NULL, "net_x", &needed, 1, sizeof(needed), NULL, 0, &cfg, &err), -EINVAL);
    ck_assert_str_eq(error_text(&err), "net_x: option \"key\" of net_x is required");
}
END_TEST

struct shown {
    struct berth_buf text;
    unsigned defaults, flags, files;
};

static void show_one(void *arg, const char *section, const char *key, const char *value,
                     const char *origin)
{
    struct shown *s = arg;

    if (section)
        buf_printf(&s->text, "%s = { %s = %s; };\n", section, key, value);
    else
        buf_printf(&s->text, "%s = %s;\n", key, value);
    s->defaults += strcmp(origin, "default") == 0;
    s->flags += strcmp(origin, "flag --root") == 0;
    s->files += str_starts(origin, file) != NULL;
}

/* What is shown can be read, and then shows the same. */
START_TEST(show_round_trip)
{
    _cleanup_conf_ struct conf *c = NULL, *again = NULL;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    const struct conf_override o = {"graph_root", "/flag/root"};
    struct shown first = {BUF_INIT, 0, 0, 0}, second = {BUF_INIT, 0, 0, 0};

    ck_assert_int_eq(
        load("env = [ \"A=\\\"x\\\\y\\n\" ];\nevents_logfile_max_size = 5000000000L;\n"
             "state_x = { a = \"b\"; };\n",
             &o, 1, &c, NULL, &err),
        0);
    conf_visit(c, show_one, &first);
    ck_assert_uint_eq(first.flags, 1);
    ck_assert_uint_eq(first.files, 3);
    ck_assert_uint_gt(first.defaults, 50);
    put(file, buf_str(&first.text));
    ck_assert_msg(conf_load(file, NULL, 0, &again, NULL, &err) == 0, "%s", error_text(&err));
    conf_visit(again, show_one, &second);
    ck_assert_str_eq(buf_str(&first.text), buf_str(&second.text));
    buf_free(&first.text);
    buf_free(&second.text);
}
END_TEST

/* Every key has what the manual needs, and names are not used twice. */
START_TEST(table)
{
    for (const struct conf_key *k = conf_keys; k->name; k++) {
        size_t n = strlen(k->help);

        ck_assert_ptr_nonnull(k->section);
        ck_assert_uint_gt(n, 5);
        ck_assert_int_ne(k->help[n - 1], '.');
        ck_assert_int_eq(conf_key_index(k->name), (int)(k - conf_keys));
        for (const struct conf_key *other = conf_keys; other < k; other++)
            ck_assert_uint_ne(other->offset, k->offset);
    }
}
END_TEST

START_TEST(helper)
{
    _cleanup_conf_ struct conf *c = NULL;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_free_ char *found = NULL;
    char text[256], path[128];

    snprintf(text, sizeof(text), "helper_binaries_dir = [ \"%s\" ];", dir);
    ck_assert_int_eq(load(text, NULL, 0, &c, NULL, &err), 0);
    snprintf(path, sizeof(path), "%s/tool-of-test", dir);
    put(path, "#!/bin/sh\n");
    ck_assert_int_eq(conf_find_helper(c, "tool-of-test", &found, &err), -ENOENT);
    error_clear(&err);
    chmod(path, 0755);
    ck_assert_int_eq(conf_find_helper(c, "tool-of-test", &found, &err), 0);
    ck_assert_str_eq(found, path);
}
END_TEST

START_TEST(times_and_sizes)
{
    int64_t n;

    ck_assert_int_eq(check_time("500ms", &n), 0);
    ck_assert_int_eq(n, 500000000);
    ck_assert_int_eq(check_time("1h30min", &n), 0);
    ck_assert_int_eq(n, 5400000000000LL);
    ck_assert_int_eq(check_time("7", &n), 0);
    ck_assert_int_eq(n, 7000000000LL);
    ck_assert_int_eq(check_time("", &n), -EINVAL);
    ck_assert_int_eq(check_time("7 8", &n), -EINVAL);
    ck_assert_int_eq(check_time("99999999999d", &n), -ERANGE);
    ck_assert_int_eq(check_size("65536k", &n), 0);
    ck_assert_int_eq(n, 65536000);
    ck_assert_int_eq(check_size("1.5 MB", &n), 0);
    ck_assert_int_eq(n, 1500000);
    ck_assert_int_eq(check_size("1KiB", &n), 0);
    ck_assert_int_eq(n, 1024);
    ck_assert_int_eq(check_size("k", &n), -EINVAL);
    ck_assert_int_eq(check_size("1kk", &n), -EINVAL);
    ck_assert_int_eq(check_size("99999999p", &n), -ERANGE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf");
    TCase *tc = tcase_create("conf");
    SRunner *runner;
    int failed;

    unsetenv("BERTH_CONF");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, defaults);
    tcase_add_test(tc, values);
    tcase_add_test(tc, problems);
    tcase_add_test(tc, all_problems_at_once);
    tcase_add_test(tc, missing_file);
    tcase_add_test(tc, overrides);
    tcase_add_test(tc, long_runroot);
    tcase_add_test(tc, rootless);
    tcase_add_test(tc, foreign_runtime_dir);
#ifdef BERTH_UNINSTALLED
    tcase_add_test(tc, layers);
#endif
    tcase_add_test(tc, instance_values);
    tcase_add_test(tc, instance_hints);
    tcase_add_test(tc, instance_problems);
    tcase_add_test(tc, instance_required);
    tcase_add_test(tc, show_round_trip);
    tcase_add_test(tc, table);
    tcase_add_test(tc, helper);
    tcase_add_test(tc, times_and_sizes);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK); /* the environment of one is not for the next */
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
