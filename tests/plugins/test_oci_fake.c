/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_oci_fake.c - the OCI plugins on a scripted conmon and runtime: what they are
 * started with, and all that can go wrong between us and them.
 */
#include "tests/plugins/oci_lib.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct oci_fixture f;
static unsigned fds_before;
static char *strings[200];
static size_t n_strings;
static char conmon[600], runtime[600], script[600];

static void fails_with(int code, int r, const char *call, const char *text)
{
    ck_assert_msg(r == -code, "%s = %d: %s", call, r, testhost_error_text(f.err));
    ck_assert_int_eq(testhost_error_code(f.err), code);
    ck_assert_uint_eq(testhost_error_calls(f.err), 1);
    ck_assert_msg(strstr(testhost_error_text(f.err), text) != NULL, "%s: %s", call,
                  testhost_error_text(f.err));
    testhost_error_clear(f.err);
}

#define FAILS(code, text, call) fails_with((code), (call), #call, (text))
#define OK(call)                                                                               \
    do {                                                                                       \
        int r_ = (call);                                                                       \
        ck_assert_msg(r_ == 0, "%s = %d: %s", #call, r_, testhost_error_text(f.err));          \
    } while (0)

/* What conmon does; a shell script in the words of tests/fake/conmon. */
static void play(const char *text)
{
    char path[600];

    snprintf(path, sizeof(path), "%s/fake", f.bundle);
    oci_write(path, text);
}

/* What the runtime does when it is called directly. */
static void play_runtime(const char *text)
{
    oci_write(script, text);
}

/* A string that lives until the test ends. */
static char *format(const char *fmt, ...)
{
    va_list ap;

    ck_assert_uint_lt(n_strings, sizeof(strings) / sizeof(*strings));
    va_start(ap, fmt);
    ck_assert_int_ge(vasprintf(&strings[n_strings], fmt, ap), 0);
    va_end(ap);
    return strings[n_strings++];
}

static void setup_module(const char *module)
{
    const char *src = getenv("top_srcdir");
    char flag[700];

    signal(SIGPIPE, SIG_IGN);
    fds_before = oci_count_fds();
    oci_setup(&f, module);
    snprintf(conmon, sizeof(conmon), "%s/tests/fake/conmon", src ? src : ".");
    snprintf(runtime, sizeof(runtime), "%s/tests/fake/runtime", src ? src : ".");
    snprintf(script, sizeof(script), "%s/runtime.sh", f.dir);
    snprintf(flag, sizeof(flag), "fake=%s", script);
    play_runtime("exit 0");
    OK(oci_open(&f, "path", runtime, "conmon_path", conmon, "runtime_flags", flag, "log_level",
                "warning", "create_timeout", "2s", "command_timeout", "1s", NULL));
}

static void setup_crun(void)
{
    setup_module("oci_crun");
}

static void setup_runc(void)
{
    setup_module("oci_runc");
}

static void teardown(void)
{
    oci_teardown(&f);
    while (n_strings > 0)
        free(strings[--n_strings]);
    ck_assert_uint_eq(oci_count_fds(), fds_before);
}

static const char *read_text(const char *dir, const char *name)
{
    static char text[65536];
    char path[700];
    FILE *file;
    size_t n;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    file = fopen(path, "re");
    if (!file)
        return "";
    n = fread(text, 1, sizeof(text) - 1, file);
    text[n] = '\0';
    fclose(file);
    return text;
}

static int create(void)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    int r = f.ops.create(f.r, &f.c, NULL, &s, NULL, f.err);

    if (r == 0) {
        f.c.pid = s.pid;
        f.c.monitor_pid = s.monitor_pid;
    }
    return r;
}

/* After a failed create: the runtime was told to forget the container if it may have
 * heard of it, and no file is left. */
static void check_undone(bool deleted)
{
    char wanted[200];
    static const char *const names[] = {"attach", "ctl", "winsz"};

    snprintf(wanted, sizeof(wanted), "delete --force %s\n", f.id);
    ck_assert_str_eq(read_text(f.dir, "runtime.sh.argv"), deleted ? wanted : "");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char path[700];

        snprintf(path, sizeof(path), "%s/%s", f.bundle, names[i]);
        ck_assert(!oci_exists(path));
    }
    ck_assert(!oci_exists(f.pid_file));
    ck_assert(!oci_exists(f.monitor_pid_file));
}

START_TEST(pid_arrives)
{
    play("go && monitor say '{\"data\": 4711}\\n'");
    OK(create());
    ck_assert_int_eq(f.c.pid, 4711);
    ck_assert_int_gt(f.c.monitor_pid, 1);
    ck_assert_uint_eq(f.runs, 0);
    ck_assert_str_eq(testhost_log(f.th), "");
}
END_TEST

START_TEST(no_pid_file)
{
    play("go; (say '{\"data\": 4711}\\n') & exit 0");
    OK(create());
    ck_assert_int_eq(f.c.monitor_pid, 0);
    ck_assert_ptr_nonnull(strstr(testhost_log(f.th), "4 conmon left no pid in "));
}
END_TEST

/* Lines that are no pid. */
static const struct {
    const char *line;
    int code;
    const char *text;
} lines[] = {
    {"", EPROTO, "container create failed (no logs from conmon)"},
    {"rubbish\\n", EPROTO, "container create failed (no logs from conmon)"},
    {"\\n", EPROTO, "container create failed (no logs from conmon)"},
    {"[]\\n", EPROTO, "container create failed (no logs from conmon)"},
    {"{\"data\": 47", EPROTO, "container create failed (no logs from conmon)"},
    {"{\"data\": 47} {\\n", EPROTO, "container create failed (no logs from conmon)"},
    {"{\"data\": \"47\"}\\n", EPROTO, "container create failed (no logs from conmon)"},
    {"{\"data\": 4.7}\\n", EPROTO, "container create failed (no logs from conmon)"},
    {"{\"data\": 0}\\n", EPROTO, "conmon reported the pid 0"},
    {"{\"data\": 2147483648}\\n", EPROTO, "conmon reported the pid 2147483648"},
    {"{\"data\": 99999999999999999999}\\n", EPROTO, "conmon reported the pid "},
    {"{\"data\": -1}\\n", EPROTO, "container create failed"},
    {"{\"data\": -1, \"message\": \"\"}\\n", EPROTO, "container create failed"},
    {"{\"data\": -1, \"message\": 5}\\n", EPROTO, "container create failed"},
    {"{\"data\": -256, \"message\": \"it broke\"}\\n", EREMOTEIO, "runtime: it broke"},
    {"{\"data\": -1, \"message\": \"a\\037b \\\\u0001 \\377\"}\\n", EREMOTEIO,
     "runtime: a\037b \1 \377"},
};

START_TEST(bad_line)
{
    char text[600];

    snprintf(text, sizeof(text), "go; monitor say '%s'", lines[_i].line);
    play(text);
    FAILS(lines[_i].code, lines[_i].text, create());
    check_undone(true);
    /* The next start does not suffer from it. */
    play("go && monitor say '{\"data\": 4711}\\n'");
    OK(create());
}
END_TEST

/* What messages mean, by podman's rules. */
static const struct {
    const char *module, *message;
    int code;
    const char *text;
} messages[] = {
    {"oci_crun", "executable file `x` not found in $PATH: No such file or directory", ENOENT,
     "runtime: executable file `x` not found in $PATH: No such file or directory"},
    {"oci_crun", "open executable: Permission denied", EACCES,
     "runtime: open executable: Permission denied"},
    {"oci_crun", "open executable: Operation not permitted", EACCES,
     "runtime: open executable: Operation not permitted"},
    {"oci_crun", "setrlimit `RLIMIT_NOFILE`: Operation not permitted", EACCES, "RLIMIT_NOFILE"},
    {"oci_crun", "mount `tmpfs` to `/x`: Invalid argument", EREMOTEIO,
     "runtime: mount `tmpfs` to `/x`: Invalid argument"},
    {"oci_crun", "one\\nNO SUCH file or directory here\\nthree", ENOENT,
     "runtime: NO SUCH file or directory here"},
    {"oci_crun", "no such file or directory\\npermission denied\\n", EACCES,
     "runtime: permission denied"},
    {"oci_crun", "write file `/proc/thread-self/attr/apparmor/exec`: no such profile",
     EREMOTEIO, ": OCI runtime error: unable to assign security attribute"},
    {"oci_crun", "read `/proc/self/attr/current`: Invalid argument", EREMOTEIO,
     ": OCI runtime error: unable to get security attribute"},
    {"oci_crun", "write `/proc/self/attr/fscreate`: Invalid argument", EREMOTEIO,
     ": OCI runtime error: unable to process security attribute"},
    {"oci_crun", "`/proc/unclosed", EREMOTEIO, "runtime: `/proc/unclosed"},
    {"oci_runc",
     "runc create failed: unable to start container process: exec: \\\"nosuch\\\": executable "
     "file not found in $PATH",
     ENOENT, "executable file not found in $PATH"},
    {"oci_runc",
     "runc create failed: unable to start container process: exec: \\\"/etc\\\": permission "
     "denied",
     EACCES, "exec: \"/etc\": permission denied"},
    {"oci_runc", "exec failed: cannot exec in a stopped container", ESRCH, "stopped"},
};

START_TEST(message_classes)
{
    char path[600], text[600];

    setup_module(messages[_i].module);
    snprintf(path, sizeof(path), "%s/line", f.bundle);
    snprintf(text, sizeof(text), "{\"data\": -1, \"message\": \"%s\"}\n", messages[_i].message);
    oci_write(path, text);
    play("go; monitor eval 'cat line >&$sync'");
    FAILS(messages[_i].code, messages[_i].text, create());
    teardown();
}
END_TEST

/* The runtime's log counts more than what conmon caught of its standard error. */
START_TEST(log_counts)
{
    play("go\n"
         "log=$(sed -n 's/^--runtime-arg=//p' fake.argv)\n"
         "{ echo rubbish; echo '{\"msg\":\"first\",\"level\":\"error\"}'\n"
         "  echo '{\"msg\":\"second: no such file or directory\",\"level\":\"error\"}'\n"
         "  echo '{\"msg\":\"only a warning\",\"level\":\"warning\"}'; printf '{\"msg'; } "
         ">$log\n"
         "monitor say '{\"data\": -1, \"message\": \"something else\"}\\n'");
    FAILS(ENOENT, "runtime: second: no such file or directory", create());
    /* And the log of a former start does not count at all. */
    play("go; monitor say '{\"data\": -1, \"message\": \"something else\"}\\n'");
    FAILS(EREMOTEIO, "runtime: something else", create());
    /* Nor does conmon's silence hide it. */
    play("go\n"
         "log=$(sed -n 's/^--runtime-arg=//p' fake.argv)\n"
         "echo '{\"msg\":\"from the log\",\"level\":\"error\"}' >$log; monitor true");
    FAILS(EREMOTEIO, "runtime: from the log", create());
}
END_TEST

static const struct {
    const char *play, *text;
    int code;
    bool deleted;
} starts[] = {
    {"echo '[conmon:e]: no such thing' >&2; exit 1",
     "conmon failed with exit status 1: [conmon:e]: no such thing", EPROTO, false},
    {"echo 'conmon: option parsing failed'; exit 3",
     "conmon failed with exit status 3: conmon: option parsing failed", EPROTO, false},
    {"exit 1", "conmon failed with exit status 1", EPROTO, false},
    {"kill -9 $$", "conmon was killed by signal 9", EPROTO, false},
    {"go; kill -9 $$", "conmon was killed by signal 9", EPROTO, false},
    {"exec sleep 1000", "conmon did not start in time", ETIMEDOUT, false},
    {"go; exec sleep 1000", "conmon did not start in time", ETIMEDOUT, false},
};

START_TEST(bad_start)
{
    play(starts[_i].play);
    FAILS(starts[_i].code, starts[_i].text, create());
    check_undone(starts[_i].deleted);
}
END_TEST

/* conmon goes on without ever saying anything: it does not stay. */
START_TEST(monitor_hangs)
{
    char path[64];
    int pid;

    play("go; cp fake.argv argv; monitor eval 'echo $(exec sh -c \"echo \\$PPID\") >pid; exec "
         "sh -c \"mkfifo hang; read x <>hang\" conmon -c '$(option -c)");
    FAILS(ETIMEDOUT, "container creation timeout", create());
    check_undone(true);
    pid = atoi(read_text(f.bundle, "pid"));
    ck_assert_int_gt(pid, 1);
    snprintf(path, sizeof(path), "/proc/%d", pid);
    for (int i = 0; i < 200 && oci_exists(path); i++) {
        char stat_path[80], text[100] = "";
        FILE *file;

        snprintf(stat_path, sizeof(stat_path), "/proc/%d/stat", pid);
        file = fopen(stat_path, "re");
        if (file && fgets(text, sizeof(text), file) && strstr(text, ") Z "))
            i = 200;
        if (file)
            fclose(file);
        poll(NULL, 0, 10);
        ck_assert_int_ne(i, 199);
    }
}
END_TEST

START_TEST(programs_missing)
{
    struct oci_fixture g;

    oci_setup(&g, "oci_crun");
    ck_assert_int_eq(oci_open(&g, "path", "/nosuch/crun", NULL), -ENOEXEC);
    ck_assert_str_eq(testhost_error_text(g.err),
                     "no valid executable found for OCI runtime /nosuch/crun");
    oci_teardown(&g);

    play("#!/nosuch/interpreter\n");
    play_runtime("exit 0");
    oci_setup(&g, "oci_crun");
    ck_assert_int_eq(oci_open(&g, "path", "/bin/true", "supports_json", "maybe", NULL),
                     -EINVAL);
    testhost_error_clear(g.err);
    ck_assert_int_eq(oci_open(&g, "supports_json", "auto", "log_level", "loud", NULL), -EINVAL);
    oci_teardown(&g);
}
END_TEST

static void probe_with(int code, const char *version, const char *text)
{
    struct berth_place place = {.size = sizeof(place)};
    struct oci_fixture g;
    char file[300], script_text[400];
    int r;

    oci_setup(&g, "oci_crun");
    snprintf(file, sizeof(file), "%s/conmon", g.dir);
    snprintf(script_text, sizeof(script_text), "#!/bin/sh\n%s\n", version);
    oci_write(file, script_text);
    ck_assert_int_eq(chmod(file, 0755), 0);
    ck_assert_int_eq(testhost_config_set(g.cfg, "path", "/bin/true"), 0);
    ck_assert_int_eq(testhost_config_set(g.cfg, "conmon_path", file), 0);
    r = g.ops.probe(testhost_host(g.th), &place, g.cfg, g.err);
    ck_assert_msg(r == -code, "%s: %d %s", version, r, testhost_error_text(g.err));
    ck_assert_ptr_nonnull(strstr(testhost_error_text(g.err), text));
    oci_teardown(&g);
}

START_TEST(probes)
{
    probe_with(0, "echo conmon version 2.0.1; echo commit: unknown", "");
    probe_with(0, "echo conmon version 10.0.0", "");
    probe_with(ENOTSUP, "echo conmon version 2.0.0", "is too old: 2.0.1 is needed");
    probe_with(ENOTSUP, "echo conmon version 1.9.9", "this is 1.9.9");
    probe_with(EPROTO, "echo hello", "gave no version of conmon's: \"hello\"");
    probe_with(EPROTO, "true", "gave no version");
    probe_with(ENOEXEC, "exit 3", "--version failed with status 3");
}
END_TEST

/* The program is there when it is looked for, and cannot be executed. */
START_TEST(not_executable)
{
    struct oci_fixture g;
    struct berth_oci_status s = {.size = sizeof(s)};
    char broken[300];

    oci_setup(&g, "oci_crun");
    snprintf(broken, sizeof(broken), "%s/broken", g.dir);
    oci_write(broken, "#!/nosuch/interpreter\n");
    ck_assert_int_eq(chmod(broken, 0755), 0);
    ck_assert_int_eq(oci_open(&g, "path", broken, "conmon_path", broken, NULL), 0);
    ck_assert_int_eq(g.ops.create(g.r, &g.c, NULL, &s, NULL, g.err), -ENOEXEC);
    ck_assert_ptr_nonnull(strstr(testhost_error_text(g.err), "cannot run"));
    ck_assert_uint_eq(g.runs, 0);
    unlink(broken);
    testhost_error_clear(g.err);
    ck_assert_int_eq(g.ops.start(g.r, &g.c, g.err), -ENOEXEC);
    oci_teardown(&g);
}
END_TEST

/* ---------------------------------------------------------------- command lines */

static void compare_lines(const char *got, const char *const *wanted)
{
    const char *p = got;

    for (; *wanted; wanted++) {
        size_t len = strcspn(p, "\n");

        ck_assert_msg(strlen(*wanted) == len && strncmp(*wanted, p, len) == 0,
                      "wanted \"%s\", got \"%.*s\" in:\n%s", *wanted, (int)len, p, got);
        p += len + (p[len] == '\n');
    }
    ck_assert_str_eq(p, "");
}

START_TEST(plain_arguments)
{
    const char *exit_command[] = {
        "/usr/bin/berth", "--network-config-dir", "", "container", "cleanup", f.id, NULL};
    const char *wanted[] = {"--api-version",
                            "1",
                            "-c",
                            f.id,
                            "-u",
                            f.id,
                            "-r",
                            runtime,
                            "-b",
                            f.bundle,
                            "-p",
                            f.pid_file,
                            "-n",
                            "test",
                            "--exit-dir",
                            f.exit_dir,
                            "--full-attach",
                            "--runtime-arg",
                            format("--fake=%s", script),
                            "-l",
                            format("k8s-file:%s/ctr.log", f.bundle),
                            "--log-level",
                            "warning",
                            "--runtime-arg",
                            "--log-format=json",
                            "--runtime-arg",
                            "--log",
                            format("--runtime-arg=%s/oci-log", f.run_dir),
                            "--conmon-pidfile",
                            f.monitor_pid_file,
                            "--exit-command",
                            "/usr/bin/berth",
                            "--exit-command-arg",
                            "--network-config-dir",
                            "--exit-command-arg",
                            "",
                            "--exit-command-arg",
                            "container",
                            "--exit-command-arg",
                            "cleanup",
                            "--exit-command-arg",
                            f.id,
                            NULL};

    f.c.exit_command = exit_command;
    play("go && monitor say '{\"data\": 4711}\\n'");
    OK(create());
    compare_lines(read_text(f.bundle, "fake.argv"), wanted);
}
END_TEST

START_TEST(all_arguments)
{
    struct berth_oci_create how = {
        .size = sizeof(how),
        .flags = BERTH_OCI_CREATE_NO_KEYRING | BERTH_OCI_CREATE_NO_PIVOT |
                 BERTH_OCI_CREATE_TCP_ESTABLISHED | BERTH_OCI_CREATE_FILE_LOCKS,
        .checkpoint = "/checkpoint",
        .mount_label = "ml",
        .process_label = "pl",
    };
    struct berth_oci_status s = {.size = sizeof(s)};
    int fds[2] = {open("/etc/passwd", O_RDONLY | O_CLOEXEC),
                  open("/etc/group", O_RDONLY | O_CLOEXEC)};
    const char *wanted[] = {"--api-version",
                            "1",
                            "-c",
                            f.id,
                            "-u",
                            f.id,
                            "-r",
                            runtime,
                            "-b",
                            f.bundle,
                            "-p",
                            f.pid_file,
                            "-n",
                            "test",
                            "--exit-dir",
                            f.exit_dir,
                            "--full-attach",
                            "--runtime-arg",
                            format("--fake=%s", script),
                            "-s",
                            "-l",
                            "journald",
                            "--log-level",
                            "warning",
                            "--log-size-max",
                            "10000",
                            "--runtime-arg",
                            "--log-format=json",
                            "--runtime-arg",
                            "--log",
                            format("--runtime-arg=%s/oci-log", f.run_dir),
                            "--log-tag",
                            "a tag",
                            "--sdnotify-socket=/run/notify",
                            "-t",
                            "--timeout=60",
                            "--no-new-keyring",
                            "--conmon-pidfile",
                            f.monitor_pid_file,
                            "--no-pivot",
                            "--runtime-opt",
                            "--preserve-fds",
                            "--runtime-opt",
                            "2",
                            "--restore",
                            "/checkpoint",
                            "--runtime-opt",
                            "--tcp-established",
                            "--runtime-opt",
                            "--file-locks",
                            "--runtime-opt",
                            "--lsm-mount-context=ml",
                            "--runtime-opt",
                            "--lsm-profile=selinux:pl",
                            NULL};

    how.fds = fds;
    how.n_fds = 2;
    f.c.flags = BERTH_CTR_TERMINAL | BERTH_CTR_STDIN | BERTH_CTR_SYSTEMD;
    f.c.log_driver = "journald";
    f.c.log_tag = "a tag";
    f.c.log_size_max = 10000;
    f.c.sdnotify_socket = "/run/notify";
    f.c.timeout = 60;
    play("go && monitor say '{\"data\": 4711}\\n'");
    OK(f.ops.create(f.r, &f.c, &how, &s, NULL, f.err));
    ck_assert_int_eq(s.status, BERTH_OCI_RUNNING);
    compare_lines(read_text(f.bundle, "fake.argv"), wanted);
    ck_assert_ptr_nonnull(strstr(read_text(f.bundle, "fake.env"), "_OCI_SYNCPIPE=5\n"));
    ck_assert_ptr_nonnull(strstr(read_text(f.bundle, "fake.env"), "_OCI_STARTPIPE=6\n"));
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(environment)
{
    const char *env;

    setenv("FOO", "bar", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("TMPDIR", "/elsewhere", 1);
    setenv("XDG_RUNTIME_DIR", "/run/user/0", 1);
    setenv("NOTIFY_SOCKET", "/run/notify", 1);
    setenv("LISTEN_FDS", "1", 1);
    unsetenv("_CONTAINERS_USERNS_CONFIGURED");
    play("go && monitor say '{\"data\": 4711}\\n'");
    OK(create());
    env = read_text(f.bundle, "fake.env");
    ck_assert_ptr_nonnull(strstr(env, "_OCI_SYNCPIPE=3\n"));
    ck_assert_ptr_nonnull(strstr(env, "_OCI_STARTPIPE=4\n"));
    ck_assert_ptr_null(strstr(env, "_OCI_ATTACHPIPE"));
    ck_assert_ptr_nonnull(strstr(env, "LC_ALL=C.UTF-8\n"));
    ck_assert_ptr_nonnull(strstr(env, "XDG_RUNTIME_DIR=\n"));
    ck_assert_ptr_nonnull(strstr(env, "_CONTAINERS_USERNS_CONFIGURED=\n"));
    ck_assert_ptr_nonnull(strstr(env, "HOME="));
    ck_assert_ptr_null(strstr(env, "FOO="));
    ck_assert_ptr_null(strstr(env, "TMPDIR="));
    ck_assert_ptr_null(strstr(env, "NOTIFY_SOCKET="));
    ck_assert_ptr_null(strstr(env, "LISTEN_FDS="));
    OK(f.ops.start(f.r, &f.c, f.err));
    env = read_text(f.dir, "runtime.sh.env");
    ck_assert_ptr_nonnull(strstr(env, "XDG_RUNTIME_DIR=\n"));
    ck_assert_ptr_null(strstr(env, "HOME="));
}
END_TEST

START_TEST(refused)
{
    f.c.log_path = "/var/log/a:b";
    FAILS(EINVAL, "has a colon", create());
    f.c.log_path = NULL;
    f.c.id = "../x";
    FAILS(EINVAL, "needs an ID", create());
    f.c.id = f.id;
    f.c.flags = BERTH_CTR_NO_CGROUPS;
    ck_assert_uint_eq(f.runs, 0);
}
END_TEST

START_TEST(no_cgroups_with_runc)
{
    f.c.flags = BERTH_CTR_NO_CGROUPS;
    FAILS(ENOTSUP, "requested OCI runtime runtime is not compatible with NoCgroups", create());
}
END_TEST

START_TEST(log_tag_with_file)
{
    f.c.log_tag = "x";
    f.c.log_driver = "fancy";
    play("go && monitor say '{\"data\": 4711}\\n'");
    OK(create());
    ck_assert_ptr_null(strstr(read_text(f.bundle, "fake.argv"), "--log-tag"));
    ck_assert_ptr_nonnull(strstr(read_text(f.bundle, "fake.argv"), "\nk8s-file:"));
    ck_assert_ptr_nonnull(strstr(testhost_log(f.th), "3 log driver \"fancy\" is not known"));
}
END_TEST

/* ---------------------------------------------------------------- direct calls */

static const char *last_call(void)
{
    static char text[4096];
    char *end;

    snprintf(text, sizeof(text), "%s", read_text(f.dir, "runtime.sh.argv"));
    unlink(format("%s/runtime.sh.argv", f.dir));
    end = strchr(text, '\n');
    if (end)
        *end = '\0';
    return text;
}

START_TEST(calls)
{
    static const struct berth_blob limits = {"{\"pids\":{}}", 11};
    struct berth_oci_checkpoint how = {
        .size = sizeof(how), .dir = "/cp", .flags = ~0u, .previous = "../pre"};
    uint64_t usec;

    OK(f.ops.start(f.r, &f.c, f.err));
    ck_assert_str_eq(last_call(), format("start %s", f.id));
    OK(f.ops.kill(f.r, &f.c, 15, 0, f.err));
    ck_assert_str_eq(last_call(), format("kill %s 15", f.id));
    OK(f.ops.kill(f.r, &f.c, 64, BERTH_OCI_ALL, f.err));
    ck_assert_str_eq(last_call(), format("kill --all %s 64", f.id));
    OK(f.ops.pause(f.r, &f.c, f.err));
    ck_assert_str_eq(last_call(), format("pause %s", f.id));
    OK(f.ops.unpause(f.r, &f.c, f.err));
    ck_assert_str_eq(last_call(), format("resume %s", f.id));
    OK(f.ops.remove(f.r, &f.c, f.err));
    ck_assert_str_eq(last_call(), format("delete --force %s", f.id));
    play_runtime("cat >$fake.input");
    OK(f.ops.update(f.r, &f.c, limits, f.err));
    ck_assert_str_eq(last_call(), format("update --resources=- %s", f.id));
    ck_assert_str_eq(read_text(f.dir, "runtime.sh.input"), "{\"pids\":{}}");
    OK(f.ops.checkpoint(f.r, &f.c, &how, &usec, f.err));
    ck_assert_str_eq(read_text(f.dir, "runtime.sh.argv"),
                     format("checkpoint --help\ncheckpoint --image-path /cp --work-path %s "
                            "--leave-running --tcp-established --file-locks --pre-dump "
                            "--parent-path ../pre %s\n",
                            f.bundle, f.id));
    play_runtime("echo \"unknown command checkpoint\" >&2; exit 1");
    FAILS(ENOTSUP, "configured runtime does not support checkpoint/restore",
          f.ops.checkpoint(f.r, &f.c, &how, &usec, f.err));
}
END_TEST

static int status(struct berth_oci_status *s)
{
    *s = (struct berth_oci_status){.size = sizeof(*s)};
    return f.ops.status(f.r, &f.c, s, f.err);
}

START_TEST(states)
{
    struct berth_oci_status s;

    play_runtime("echo '{\"status\":\"running\",\"pid\":12,\"more\":[]}'");
    OK(status(&s));
    ck_assert_int_eq(s.status, BERTH_OCI_RUNNING);
    ck_assert_int_eq(s.pid, 12);
    play_runtime("echo '{\"status\":\"paused\",\"pid\":12}'");
    OK(status(&s));
    ck_assert_int_eq(s.status, BERTH_OCI_PAUSED);
    play_runtime("echo '{\"status\":\"stopped\",\"pid\":0}'");
    OK(status(&s));
    ck_assert_int_eq(s.status, BERTH_OCI_STOPPED);
    ck_assert_int_eq(s.exit_code, -1);
    play_runtime("echo '{\"status\":\"jumping\",\"pid\":1}'");
    FAILS(EPROTO, "unknown status \"jumping\"", status(&s));
    play_runtime("echo '{\"status\":\"running\",\"pid\":-1}'");
    FAILS(EPROTO, "wrong pid", status(&s));
    play_runtime("echo '{\"status\":\"running\",\"pid\":\"1\"}'");
    FAILS(EPROTO, "wrong pid", status(&s));
    play_runtime("echo rubbish");
    FAILS(EPROTO, "gave no status", status(&s));
    play_runtime("echo '{'");
    FAILS(EPROTO, "gave no status", status(&s));
    play_runtime("exit 0");
    FAILS(EPROTO, "gave no status", status(&s));
    play_runtime("printf '[%.0s' $(seq 20000)");
    FAILS(EPROTO, "gave no status", status(&s));
    play_runtime("exit 3");
    FAILS(EREMOTEIO, "runtime state failed with exit status 3", status(&s));
    play_runtime("kill -9 $$");
    FAILS(EREMOTEIO, "runtime state failed with exit status 137", status(&s));
    play_runtime("exec sleep 1000");
    FAILS(ETIMEDOUT, "runtime state did not end in time", status(&s));
}
END_TEST

START_TEST(crun_errors)
{
    play_runtime(
        "echo 'error opening file `/run/crun/x/status`: No such file or directory' >&2; "
        "exit 1");
    FAILS(ENOENT, "error opening file", f.ops.kill(f.r, &f.c, 15, 0, f.err));
    FAILS(ESRCH, "error opening file", f.ops.start(f.r, &f.c, f.err));
    play_runtime("echo 'a warning' >&2; echo 'open pidfd: No such process' >&2; exit 1");
    FAILS(ESRCH, "runtime kill: open pidfd: No such process",
          f.ops.kill(f.r, &f.c, 15, 0, f.err));
    play_runtime("echo '2026-11-21T18:53:33.735948Z: open pidfd: No such process' >&2; exit 1");
    FAILS(ESRCH, "runtime kill: open pidfd: No such process",
          f.ops.kill(f.r, &f.c, 15, 0, f.err));
    play_runtime("echo 'writing `/sys/fs/cgroup/x`: Permission denied' >&2; exit 1");
    FAILS(EPERM, "Permission denied", f.ops.pause(f.r, &f.c, f.err));
    play_runtime("echo 'open `/sys/fs/cgroup/x`: No such file or directory' >&2; exit 1");
    FAILS(EREMOTEIO, "No such file", f.ops.pause(f.r, &f.c, f.err));
}
END_TEST

START_TEST(runc_errors)
{
    struct berth_oci_status s;

    play_runtime("echo 'time=\"x\" level=warning msg=\"a \\\"b\\\"\"' >&2\n"
                 "echo 'time=\"x\" level=error msg=\"container does not exist\"' >&2; exit 1");
    OK(status(&s));
    ck_assert_int_eq(s.status, BERTH_OCI_UNKNOWN);
    FAILS(ENOENT, "runtime kill: container does not exist",
          f.ops.kill(f.r, &f.c, 15, 0, f.err));
    play_runtime("echo 'time=\"x\" level=error msg=\"container not running\"' >&2; exit 1");
    FAILS(ESRCH, "not running", f.ops.kill(f.r, &f.c, 15, 0, f.err));
    play_runtime("printf 'time=\"x\" level=error msg=\"say \\\\\"hi\\\\\\\\' >&2; exit 1");
    FAILS(EREMOTEIO, "runtime pause: say \"hi\\", f.ops.pause(f.r, &f.c, f.err));
    play_runtime("printf 'no log line' >&2; exit 1");
    FAILS(EREMOTEIO, "runtime pause: no log line", f.ops.pause(f.r, &f.c, f.err));
}
END_TEST

/* ------------------------------------------------------------------ exit files */

static const struct {
    const char *text;
    int code; /* exit code, or 1000 for no such */
} exits[] = {
    {"0", 0},
    {"7", 7},
    {"255", 255},
    {"-1", -1},
    {"12\n", 12},
    {"", 1000},
    {"\n", 1000},
    {"-", 1000},
    {"-2", 1000},
    {"256", 1000},
    {"0x1", 1000},
    {" 1", 1000},
    {"1 ", 1000},
    {"+1", 1000},
    {"1\n\n", 1000},
    {"4294967296", 1000},
    {"00000000000000000000000000001", 1000},
    {"rubbish", 1000},
    {"1\n2\n", 1000},
};

START_TEST(exit_files)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    struct stat st;
    int r;

    ck_assert_int_eq(mkdir(f.exit_dir, 0755), 0);
    oci_write(format("%s/%s", f.exit_dir, f.id), exits[_i].text);
    stat(format("%s/%s", f.exit_dir, f.id), &st);
    r = f.ops.wait(f.r, &f.c, NULL, BERTH_NO_WAIT, &s, f.err);
    if (exits[_i].code == 1000) {
        FAILS(EPROTO, "holds no exit code", r);
        return;
    }
    ck_assert_int_eq(r, 1);
    ck_assert_int_eq(s.exit_code, exits[_i].code);
    ck_assert_int_eq(s.oom_killed, 0);
    ck_assert_int_eq(s.finished / 1000000000, st.st_mtim.tv_sec);
    oci_write(format("%s/oom", f.bundle), "");
    OK(status(&s));
    ck_assert_int_eq(s.status, BERTH_OCI_STOPPED);
    ck_assert_int_eq(s.oom_killed, 1);
    ck_assert_uint_eq(f.runs, 0);
}
END_TEST

START_TEST(no_exit_file)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    char *file = format("%s/%s", f.exit_dir, f.id), *fifo = format("%s/ctl", f.bundle);
    int fd;

    ck_assert_int_eq(mkdir(f.exit_dir, 0755), 0);
    /* No fifo, no exit file: somebody has cleaned up. */
    ck_assert_int_eq(f.ops.wait(f.r, &f.c, NULL, oci_in(10), &s, f.err), 1);
    ck_assert_int_eq(s.status, BERTH_OCI_UNKNOWN);
    /* A fifo without a reader: conmon was killed. */
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    FAILS(ENOTRECOVERABLE, "conmon of", f.ops.wait(f.r, &f.c, NULL, oci_in(10), &s, f.err));
    ck_assert_int_eq(s.status, BERTH_OCI_STOPPED);
    ck_assert_int_eq(f.ops.monitored(f.r, &f.c, f.err), 0);
    /* A fifo that is read: it runs. */
    fd = open(fifo, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(f.ops.monitored(f.r, &f.c, f.err), 1);
    ck_assert_int_eq(f.ops.wait(f.r, &f.c, NULL, BERTH_NO_WAIT, &s, f.err), 0);
    ck_assert_int_eq(f.ops.wait(f.r, &f.c, NULL, oci_in(1) - 900000000, &s, f.err), 0);
    close(fd);
    /* Something else in the fifo's place. */
    unlink(fifo);
    oci_write(fifo, "");
    ck_assert_int_eq(f.ops.monitored(f.r, &f.c, f.err), 0);
    /* A link, a directory, a fifo in the exit file's place: not followed, no hang. */
    ck_assert_int_eq(symlink("/etc/passwd", file), 0);
    ck_assert_int_lt(f.ops.wait(f.r, &f.c, NULL, BERTH_NO_WAIT, &s, f.err), 0);
    unlink(file);
    testhost_error_clear(f.err);
    ck_assert_int_eq(mkfifo(file, 0600), 0);
    FAILS(EPROTO, "holds no exit code", f.ops.wait(f.r, &f.c, NULL, BERTH_NO_WAIT, &s, f.err));
}
END_TEST

/* The code arrives while we sleep; or somebody takes it away before we look. */
START_TEST(exit_file_arrives)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    char *fifo = format("%s/ctl", f.bundle);
    int fd;
    pid_t pid;

    ck_assert_int_eq(mkdir(f.exit_dir, 0755), 0);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    fd = open(fifo, O_RDWR | O_CLOEXEC);
    pid = fork();
    if (pid == 0) {
        poll(NULL, 0, 100);
        oci_write(format("%s/.tmp", f.exit_dir), "3");
        rename(format("%s/.tmp", f.exit_dir), format("%s/%s", f.exit_dir, f.id));
        _exit(0);
    }
    ck_assert_int_eq(f.ops.wait(f.r, &f.c, NULL, BERTH_WAIT_FOREVER, &s, f.err), 1);
    ck_assert_int_eq(s.status, BERTH_OCI_STOPPED);
    ck_assert_int_eq(s.exit_code, 3);
    close(fd);
}
END_TEST

/* ------------------------------------------------------------------------ exec */

static int run_exec(const char *session, uint32_t flags, int *fd, int32_t *pid)
{
    static const char process[] = "{\"args\":[\"x\"]}";
    struct berth_oci_exec e = {.size = sizeof(e), .session = session, .flags = flags};

    e.process = (struct berth_blob){process, sizeof(process) - 1};
    return f.ops.exec(f.r, &f.c, &e, fd, pid, f.err);
}

static const struct {
    const char *play, *text;
    int code;
} execs[] = {
    {"exit 1", "conmon failed with exit status 1", EPROTO},
    {"go; monitor true", "conmon ended before it opened its socket", EPROTO},
    {"go; monitor say_attach 'rubbish\\n'", "conmon ended before it opened its socket", EPROTO},
    {"go; monitor say_attach '{\"data\": 1}\\n'", "before it opened its socket", EPROTO},
    {"go; monitor sleep 3", "conmon did not open its socket in time", ETIMEDOUT},
    {"serve() { say_attach '{\"data\": 0}\\n'; go; }; go; monitor serve",
     "container create failed (no logs from conmon)", EPROTO},
    {"serve() { say_attach '{\"data\": 0}\\n'; go; say '{\"data\": -1, \"message\": "
     "\"executable file `x` not found in $PATH: No such file or directory\"}\\n'; }; go; "
     "monitor serve",
     "runtime: executable file", ENOENT},
    {"serve() { say_attach '{\"data\": 0}\\n'; go; say '{\"data\": -256, \"message\": "
     "\"the container `x` is not running\"}\\n'; }; go; monitor serve",
     "runtime: the container `x` is not running", ESRCH},
};

START_TEST(bad_exec)
{
    int32_t pid;

    play(execs[_i].play);
    FAILS(execs[_i].code, execs[_i].text, run_exec("s1", 0, NULL, &pid));
    ck_assert(!oci_exists(format("%s/s1", f.bundle)));
}
END_TEST

START_TEST(exec_arguments)
{
    int32_t pid = 0;
    char *dir = format("%s/s1", f.bundle), *spec;
    const char *wanted[] = {"--api-version",
                            "1",
                            "-c",
                            f.id,
                            "-u",
                            "s1",
                            "-r",
                            runtime,
                            "-b",
                            dir,
                            "-p",
                            format("%s/exec_pid", dir),
                            "-n",
                            "test",
                            "--exit-dir",
                            format("%s/exit", dir),
                            "--full-attach",
                            "--runtime-arg",
                            format("--fake=%s", script),
                            "-l",
                            "none",
                            "--log-level",
                            "warning",
                            "--runtime-arg",
                            "--log-format=json",
                            "--runtime-arg",
                            "--log",
                            format("--runtime-arg=%s/oci-log", dir),
                            "-t",
                            "-i",
                            "-e",
                            "--exec-attach",
                            "--exec-process-spec",
                            NULL,
                            NULL};

    play("serve() { say_attach '{\"data\": 0}\\n'; go; say '{\"data\": 77}\\n'; }; go; "
         "cat s1/exec-process-* >process; ls s1/exec-process-* >spec; monitor serve");
    OK(run_exec("s1", BERTH_OCI_EXEC_TERMINAL | BERTH_OCI_EXEC_STDIN, NULL, &pid));
    ck_assert_int_eq(pid, 77);
    ck_assert_str_eq(read_text(f.bundle, "process"), "{\"args\":[\"x\"]}");
    spec = format("%s/%s", f.bundle, read_text(f.bundle, "spec"));
    spec[strcspn(spec, "\n")] = '\0';
    wanted[sizeof(wanted) / sizeof(*wanted) - 2] = spec;
    compare_lines(read_text(f.bundle, "fake.argv"), wanted);
    ck_assert_ptr_nonnull(strstr(read_text(f.bundle, "fake.env"), "_OCI_ATTACHPIPE=5\n"));
}
END_TEST

START_TEST(bad_sessions)
{
    static const char *const names[] = {"", ".", "..", "a/b", "../x"};
    int fd = -1;
    int32_t n = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        FAILS(EINVAL, "session", run_exec(names[i], 0, &fd, &n));
        FAILS(EINVAL, "session", f.ops.attach(f.r, &f.c, names[i], &fd, f.err));
        FAILS(EINVAL, "session", f.ops.exec_status(f.r, &f.c, names[i], &n, f.err));
        FAILS(EINVAL, "session", f.ops.exec_stop(f.r, &f.c, names[i], 0, f.err));
    }
    FAILS(ESRCH, "nobody listens", f.ops.attach(f.r, &f.c, NULL, &fd, f.err));
    oci_write(format("%s/attach", f.bundle), "");
    FAILS(ESRCH, "nobody listens", f.ops.attach(f.r, &f.c, NULL, &fd, f.err));
    FAILS(ESRCH, "does not read",
          f.ops.resize(f.r, &f.c, NULL, (struct berth_tty_size){1, 2}, f.err));
    FAILS(ESRCH, "has no process", f.ops.exec_stop(f.r, &f.c, "s9", 0, f.err));
}
END_TEST

static void add(TCase *t, Suite *s)
{
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
}

int main(void)
{
    Suite *s = suite_create("oci_fake");
    TCase *crun = tcase_create("crun"), *runc = tcase_create("runc"),
          *both = tcase_create("both");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(crun, setup_crun, teardown);
    tcase_add_checked_fixture(runc, setup_runc, teardown);
    tcase_add_test(crun, pid_arrives);
    tcase_add_test(crun, no_pid_file);
    tcase_add_loop_test(crun, bad_line, 0, sizeof(lines) / sizeof(*lines));
    tcase_add_test(crun, log_counts);
    tcase_add_loop_test(crun, bad_start, 0, sizeof(starts) / sizeof(*starts));
    tcase_add_test(crun, monitor_hangs);
    tcase_add_test(crun, programs_missing);
    tcase_add_test(both, probes);
    tcase_add_test(crun, not_executable);
    tcase_add_test(crun, plain_arguments);
    tcase_add_test(crun, all_arguments);
    tcase_add_test(crun, environment);
    tcase_add_test(crun, refused);
    tcase_add_test(crun, log_tag_with_file);
    tcase_add_test(crun, calls);
    tcase_add_test(crun, states);
    tcase_add_test(crun, crun_errors);
    tcase_add_loop_test(crun, exit_files, 0, sizeof(exits) / sizeof(*exits));
    tcase_add_test(crun, no_exit_file);
    tcase_add_test(crun, exit_file_arrives);
    tcase_add_loop_test(crun, bad_exec, 0, sizeof(execs) / sizeof(*execs));
    tcase_add_test(crun, exec_arguments);
    tcase_add_test(crun, bad_sessions);
    tcase_add_test(runc, pid_arrives);
    tcase_add_test(runc, plain_arguments);
    tcase_add_test(runc, no_cgroups_with_runc);
    tcase_add_test(runc, runc_errors);
    tcase_add_loop_test(both, message_classes, 0, sizeof(messages) / sizeof(*messages));
    add(crun, s);
    add(runc, s);
    add(both, s);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
