/* SPDX-License-Identifier: Apache-2.0 */
/* oci_fake_calls.c - calls of the runtime without conmon, and exit files. */
#include "tests/plugins/oci_fake.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    const struct berth_oci_checkpoint ask = {.size = sizeof(ask)};
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
    OK(f.ops.checkpoint(f.r, &f.c, &ask, NULL, f.err));
    ck_assert_str_eq(last_call(), "checkpoint --help");
    play_runtime("echo \"unknown command checkpoint\" >&2; exit 1");
    FAILS(ENOTSUP, "configured runtime does not support checkpoint/restore",
          f.ops.checkpoint(f.r, &f.c, &ask, NULL, f.err));
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

void add_calls(TCase *crun, TCase *runc)
{
    tcase_add_test(crun, calls);
    tcase_add_test(crun, states);
    tcase_add_test(crun, crun_errors);
    tcase_add_loop_test(crun, exit_files, 0, sizeof(exits) / sizeof(*exits));
    tcase_add_test(crun, no_exit_file);
    tcase_add_test(crun, exit_file_arrives);
    tcase_add_test(runc, runc_errors);
}
