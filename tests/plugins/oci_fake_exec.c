/* SPDX-License-Identifier: Apache-2.0 */
/* oci_fake_exec.c - exec sessions. */
#include "tests/plugins/oci_fake.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    const char *wanted[] = {
        FIRST_ARGUMENTS("s1", dir, format("%s/exec_pid", dir), format("%s/exit", dir)),
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

void add_exec(TCase *crun)
{
    tcase_add_loop_test(crun, bad_exec, 0, sizeof(execs) / sizeof(*execs));
    tcase_add_test(crun, exec_arguments);
    tcase_add_test(crun, bad_sessions);
}
