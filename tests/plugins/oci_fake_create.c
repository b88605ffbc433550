/* SPDX-License-Identifier: Apache-2.0 */
/* oci_fake_create.c - creating a container, and all that can go wrong with it. */
#include "tests/plugins/oci_fake.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* The runtime has such a container already: what never ran is taken away and created again,
 * what runs is left alone. */
START_TEST(there_already)
{
    static const char there[] =
        "go; if [ -f again ]; then monitor say '{\"data\": 4711}\\n'; else >again; "
        "monitor say '{\"data\": -1, \"message\": \"container `x` already exists\"}\\n'; fi";

    play(there);
    play_runtime("case $* in *state*) echo '{\"status\":\"created\",\"pid\":12}';; esac");
    OK(create());
    ck_assert_uint_eq(testhost_error_calls(f.err), 0);
    ck_assert_int_eq(f.c.pid, 4711);
    ck_assert_ptr_nonnull(strstr(testhost_log(f.th), "removing what is left of a start"));
    play("go; monitor say "
         "'{\"data\": -1, \"message\": \"container `x` already exists\"}\\n'");
    play_runtime("case $* in *delete*) >deleted;; *state*) "
                 "echo '{\"status\":\"running\",\"pid\":12}';; esac");
    FAILS(EEXIST, "already", create());
    ck_assert(!oci_exists(format("%s/deleted", f.bundle)));
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

void add_create(TCase *crun, TCase *runc, TCase *both, TCase *failing)
{
    tcase_add_test(crun, pid_arrives);
    tcase_add_test(crun, no_pid_file);
    tcase_add_loop_test(crun, bad_line, 0, sizeof(lines) / sizeof(*lines));
    tcase_add_test(crun, there_already);
    tcase_add_test(crun, log_counts);
    tcase_add_loop_test(crun, bad_start, 0, sizeof(starts) / sizeof(*starts));
    tcase_add_test(crun, monitor_hangs);
    tcase_add_test(crun, programs_missing);
    tcase_add_test(failing, not_executable);
    tcase_add_test(runc, pid_arrives);
    tcase_add_test(both, probes);
    tcase_add_loop_test(both, message_classes, 0, sizeof(messages) / sizeof(*messages));
}
