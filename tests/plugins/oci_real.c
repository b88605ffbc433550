/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci_real.c - the OCI plugins on the real conmon and runtime.  Run by oci-real.sh on a
 * private host: oci_real MODULE ROOT, where ROOT is a root file system with busybox.
 */
#include "tests/plugins/oci_lib.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *module, *root;
static struct oci_fixture f;
static unsigned fds_before;
static char out[65536], errs[65536];

#define OK(call)                                                                               \
    do {                                                                                       \
        int r_ = (call);                                                                       \
        ck_assert_msg(r_ == 0, "%s = %d: %s", #call, r_, testhost_error_text(f.err));          \
    } while (0)
#define FAILS(code, call)                                                                      \
    do {                                                                                       \
        int r_;                                                                                \
        testhost_error_clear(f.err);                                                           \
        r_ = (call);                                                                           \
        ck_assert_msg(r_ == -(code), "%s = %d: %s", #call, r_, testhost_error_text(f.err));    \
        ck_assert_int_eq(testhost_error_code(f.err), (code));                                  \
        ck_assert_uint_eq(testhost_error_calls(f.err), 1);                                     \
    } while (0)

static void setup(void)
{
    fds_before = oci_count_fds();
    oci_setup(&f, module);
    OK(oci_open(&f, "log_level", "warning", NULL));
}

/* Processes that have the container's ID in their command line. */
static unsigned count_processes(void)
{
    DIR *d = opendir("/proc");
    struct dirent *entry;
    unsigned n = 0;

    while ((entry = readdir(d))) {
        char path[300], text[4096];
        int fd;
        ssize_t len;

        snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
        fd = entry->d_name[0] >= '0' && entry->d_name[0] <= '9' ? open(path, O_RDONLY) : -1;
        len = fd < 0 ? -1 : read(fd, text, sizeof(text));
        if (fd >= 0)
            close(fd);
        if (len > 0 && memmem(text, (size_t)len, f.id, strlen(f.id)))
            n++;
    }
    closedir(d);
    return n;
}

static bool cgroup_left(void)
{
    char path[300];
    static const char *const trees[] = {"", "memory/", "pids/", "freezer/", "cpuset/"};

    for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++) {
        snprintf(path, sizeof(path), "/sys/fs/cgroup/%sberth_test/c-%s", trees[i], f.id);
        if (oci_exists(path))
            return true;
    }
    return false;
}

static bool file_left(const char *dir, const char *name)
{
    char path[700];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return oci_exists(path);
}

/* Remove the container; then nothing of it may be left. */
static void teardown(void)
{
    OK(f.ops.remove(f.r, &f.c, f.err));
    for (int i = 0; i < 500 && count_processes() > 0; i++)
        poll(NULL, 0, 10);
    ck_assert_uint_eq(count_processes(), 0);
    ck_assert(!cgroup_left());
    ck_assert(!file_left(f.bundle, "attach"));
    ck_assert(!file_left(f.bundle, "ctl"));
    ck_assert(!file_left(f.bundle, "winsz"));
    ck_assert(!file_left(f.exit_dir, f.id));
    /* Nobody knows it any more, and that is no failure. */
    OK(f.ops.remove(f.r, &f.c, f.err));
    oci_teardown(&f);
    ck_assert_uint_eq(oci_count_fds(), fds_before);
}

static void config(const char *script)
{
    const char *argv[] = {"sh", "-c", script, NULL};

    oci_config(&f, root, argv, f.c.flags & BERTH_CTR_TERMINAL, NULL);
}

static void create(void)
{
    struct berth_oci_status s = {.size = sizeof(s)};

    OK(f.ops.create(f.r, &f.c, NULL, &s, NULL, f.err));
    ck_assert_int_eq(s.status, BERTH_OCI_CREATED);
    ck_assert_int_gt(s.pid, 0);
    ck_assert_int_gt(s.monitor_pid, 0);
    f.c.pid = s.pid;
    f.c.monitor_pid = s.monitor_pid;
}

static int status(void)
{
    struct berth_oci_status s = {.size = sizeof(s)};

    OK(f.ops.status(f.r, &f.c, &s, f.err));
    return s.status;
}

static int exit_code(void)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    int r = f.ops.wait(f.r, &f.c, NULL, oci_in(20), &s, f.err);

    ck_assert_msg(r == 1, "wait: %d %s", r, testhost_error_text(f.err));
    ck_assert_int_eq(s.status, BERTH_OCI_STOPPED);
    ck_assert_int_gt(s.finished, 0);
    return s.exit_code;
}

static void start_script(const char *script)
{
    config(script);
    create();
    OK(f.ops.start(f.r, &f.c, f.err));
}

START_TEST(run_attached)
{
    int fd = -1;

    config("echo to-out; echo to-err >&2; exit 7");
    create();
    ck_assert_uint_eq(f.runs, 0);
    ck_assert_int_eq(status(), BERTH_OCI_CREATED);
    f.runs = 0;
    OK(f.ops.attach(f.r, &f.c, NULL, &fd, f.err));
    OK(f.ops.start(f.r, &f.c, f.err));
    ck_assert_uint_eq(f.runs, 1);
    oci_copy(fd, out, sizeof(out), errs, sizeof(errs));
    close(fd);
    ck_assert_str_eq(out, "to-out\n");
    ck_assert_str_eq(errs, "to-err\n");
    ck_assert_int_eq(exit_code(), 7);
    ck_assert_uint_eq(f.runs, 1);
    ck_assert_int_eq(status(), BERTH_OCI_STOPPED);
}
END_TEST

START_TEST(input)
{
    int fd = -1;

    f.c.flags = BERTH_CTR_STDIN;
    config("cat; echo end");
    create();
    OK(f.ops.attach(f.r, &f.c, NULL, &fd, f.err));
    OK(f.ops.start(f.r, &f.c, f.err));
    ck_assert_int_eq(send(fd, "hello\n", 6, 0), 6);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    oci_copy(fd, out, sizeof(out), errs, sizeof(errs));
    close(fd);
    ck_assert_str_eq(out, "hello\nend\n");
    ck_assert_int_eq(exit_code(), 0);
}
END_TEST

START_TEST(terminal)
{
    int fd = -1;

    f.c.flags = BERTH_CTR_TERMINAL;
    config("stty size; stty size");
    create();
    OK(f.ops.attach(f.r, &f.c, NULL, &fd, f.err));
    OK(f.ops.resize(f.r, &f.c, NULL, (struct berth_tty_size){10, 20}, f.err));
    OK(f.ops.resize(f.r, &f.c, NULL, (struct berth_tty_size){33, 77}, f.err));
    poll(NULL, 0, 100);
    OK(f.ops.start(f.r, &f.c, f.err));
    oci_copy(fd, out, sizeof(out), errs, sizeof(errs));
    close(fd);
    ck_assert_str_eq(out, "33 77\r\n33 77\r\n");
    ck_assert_int_eq(exit_code(), 0);
}
END_TEST

static void must_fail(int code, const char *command, const char *text)
{
    const char *argv[] = {command, NULL};
    struct berth_oci_status s = {.size = sizeof(s)};

    oci_config(&f, root, argv, false, NULL);
    FAILS(code, f.ops.create(f.r, &f.c, NULL, &s, NULL, f.err));
    ck_assert_msg(strstr(testhost_error_text(f.err), text) != NULL, "%s",
                  testhost_error_text(f.err));
    ck_assert(!oci_exists(f.pid_file));
    testhost_error_clear(f.err);
}

START_TEST(bad_commands)
{
    must_fail(ENOENT, "nosuch", "executable file");
    must_fail(ENOENT, "/nosuch", "/nosuch");
    must_fail(EACCES, "/etc/passwd", "ermission denied");
    must_fail(EACCES, "/etc", "erm");
    /* The same container can be created afterwards. */
    start_script("exit 3");
    ck_assert_int_eq(exit_code(), 3);
}
END_TEST

START_TEST(kill_and_stop)
{
    struct berth_oci_status s = {.size = sizeof(s)};

    start_script("trap 'echo usr1' USR1; trap 'exit 9' TERM; while :; do sleep 0.05; done");
    ck_assert_int_eq(status(), BERTH_OCI_RUNNING);
    ck_assert_int_eq(f.ops.monitored(f.r, &f.c, f.err), 1);
    ck_assert_int_eq(f.ops.wait(f.r, &f.c, NULL, BERTH_NO_WAIT, &s, f.err), 0);
    OK(f.ops.kill(f.r, &f.c, SIGUSR1, 0, f.err));
    FAILS(EINVAL, f.ops.kill(f.r, &f.c, 0, 0, f.err));
    FAILS(EINVAL, f.ops.kill(f.r, &f.c, 4711, 0, f.err));
    poll(NULL, 0, 200);
    OK(f.ops.stop(f.r, &f.c, oci_in(20), 0, f.err));
    ck_assert_int_eq(exit_code(), 9);
    FAILS(ESRCH, f.ops.kill(f.r, &f.c, SIGTERM, 0, f.err));
    OK(f.ops.stop(f.r, &f.c, oci_in(20), 0, f.err));
    FAILS(ESRCH, f.ops.pause(f.r, &f.c, f.err));
    FAILS(ESRCH, f.ops.start(f.r, &f.c, f.err));
}
END_TEST

START_TEST(stop_resorts_to_kill)
{
    start_script("trap '' TERM; while :; do sleep 0.05; done");
    poll(NULL, 0, 200);
    OK(f.ops.stop(f.r, &f.c, oci_in(1), 0, f.err));
    ck_assert_ptr_nonnull(strstr(testhost_log(f.th),
                                 "StopSignal SIGTERM failed to stop container test in 1 "
                                 "seconds, resorting to SIGKILL"));
    ck_assert_int_eq(exit_code(), 137);
}
END_TEST

START_TEST(stop_at_once)
{
    start_script("sleep 1000");
    OK(f.ops.stop(f.r, &f.c, BERTH_NO_WAIT, BERTH_OCI_ALL, f.err));
    ck_assert_int_eq(exit_code(), 137);
}
END_TEST

START_TEST(unknown_container)
{
    ck_assert_int_eq(status(), BERTH_OCI_UNKNOWN);
    FAILS(ENOENT, f.ops.kill(f.r, &f.c, SIGTERM, 0, f.err));
    FAILS(ENOENT, f.ops.pause(f.r, &f.c, f.err));
    FAILS(ESRCH, f.ops.start(f.r, &f.c, f.err));
    ck_assert_int_eq(f.ops.monitored(f.r, &f.c, f.err), 0);
}
END_TEST

START_TEST(pause_and_update)
{
    static const char limits[] = "{\"pids\":{\"limit\":77}}";

    start_script("sleep 1000");
    OK(f.ops.pause(f.r, &f.c, f.err));
    ck_assert_int_eq(status(), BERTH_OCI_PAUSED);
    OK(f.ops.unpause(f.r, &f.c, f.err));
    ck_assert_int_eq(status(), BERTH_OCI_RUNNING);
    OK(f.ops.update(f.r, &f.c, (struct berth_blob){limits, sizeof(limits) - 1}, f.err));
}
END_TEST

static int exec_script(const char *session, const char *script, uint32_t flags, int *fd,
                       int32_t *pid)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const char *const env[] = {"GREETING=hello", NULL};
    struct berth_oci_exec e = {.size = sizeof(e),
                               .flags = flags,
                               .session = session,
                               .argv = argv,
                               .env = env,
                               .cwd = "/tmp"};

    e.tty.rows = 44;
    e.tty.cols = 99;
    return f.ops.exec(f.r, &f.c, &e, fd, pid, f.err);
}

static int session_code(const char *session)
{
    int32_t code = -99;
    int r;

    while ((r = f.ops.exec_status(f.r, &f.c, session, &code, f.err)) == 1)
        poll(NULL, 0, 5);
    ck_assert_msg(r == 0, "exec_status: %s", testhost_error_text(f.err));
    return code;
}

START_TEST(exec_sessions)
{
    int fd = -1;
    int32_t pid = 0;
    const char *const nosuch[] = {"nosuch", NULL};
    struct berth_oci_exec e = {.size = sizeof(e), .session = "s3", .argv = nosuch};

    start_script("sleep 1000");
    OK(exec_script("s1", "echo $GREETING; pwd >&2; exit 5", 0, &fd, &pid));
    ck_assert_int_gt(pid, 0);
    oci_copy(fd, out, sizeof(out), errs, sizeof(errs));
    close(fd);
    ck_assert_str_eq(out, "hello\n");
    ck_assert_str_eq(errs, "/tmp\n");
    ck_assert_int_eq(session_code("s1"), 5);

    /* conmon sets the size while the command is already running. */
    OK(exec_script(
        "s2", "until s=$(stty size 2>/dev/null) && [ \"$s\" ]; do sleep 0.01; done; echo $s",
        BERTH_OCI_EXEC_TERMINAL, &fd, &pid));
    oci_copy(fd, out, sizeof(out), errs, sizeof(errs));
    close(fd);
    ck_assert_str_eq(out, "44 99\r\n");
    ck_assert_int_eq(session_code("s2"), 0);

    FAILS(ENOENT, f.ops.exec(f.r, &f.c, &e, &fd, &pid, f.err));
    ck_assert(!file_left(f.bundle, "s3"));
    e.flags = BERTH_OCI_EXEC_TERMINAL;
    FAILS(ENOENT, f.ops.exec(f.r, &f.c, &e, &fd, &pid, f.err));
    e.flags = 0;
    FAILS(ENOENT, f.ops.exec(f.r, &f.c, &e, NULL, &pid, f.err));
    e.cwd = "/nosuch";
    FAILS(ENOENT, f.ops.exec(f.r, &f.c, &e, NULL, &pid, f.err));

    OK(exec_script("s4", "cat", BERTH_OCI_EXEC_STDIN, &fd, &pid));
    ck_assert_int_eq(send(fd, "abc", 3, 0), 3);
    shutdown(fd, SHUT_WR);
    oci_copy(fd, out, sizeof(out), errs, sizeof(errs));
    close(fd);
    ck_assert_str_eq(out, "abc");
    ck_assert_int_eq(session_code("s4"), 0);

    OK(exec_script("s5", "sleep 1000", 0, NULL, &pid));
    ck_assert_int_eq(f.ops.exec_status(f.r, &f.c, "s5", &pid, f.err), 1);
    OK(f.ops.exec_stop(f.r, &f.c, "s5", oci_in(20), f.err));
    ck_assert_int_eq(session_code("s5"), 143);
    OK(f.ops.exec_stop(f.r, &f.c, "s5", oci_in(20), f.err));

    OK(exec_script("s6", "trap '' TERM; while :; do sleep 0.05; done", 0, NULL, &pid));
    poll(NULL, 0, 200);
    OK(f.ops.exec_stop(f.r, &f.c, "s6", oci_in(1), f.err));
    ck_assert_int_eq(session_code("s6"), 137);

    OK(f.ops.stop(f.r, &f.c, BERTH_NO_WAIT, 0, f.err));
    ck_assert_int_eq(exit_code(), 137);
    testhost_error_clear(f.err);
    FAILS(ESRCH, exec_script("s7", "true", 0, NULL, &pid));
}
END_TEST

/* What conmon killed leaves is noticed without waiting. */
START_TEST(monitor_killed)
{
    struct berth_oci_status s = {.size = sizeof(s)};

    start_script("sleep 1000");
    ck_assert_int_eq(kill(f.c.monitor_pid, SIGKILL), 0);
    FAILS(ENOTRECOVERABLE, f.ops.wait(f.r, &f.c, NULL, oci_in(20), &s, f.err));
    ck_assert_int_eq(s.status, BERTH_OCI_RUNNING);
    ck_assert_int_eq(s.pid, f.c.pid);
    ck_assert_int_eq(f.ops.monitored(f.r, &f.c, f.err), 0);
    OK(f.ops.stop(f.r, &f.c, BERTH_NO_WAIT, 0, f.err));
    FAILS(ENOTRECOVERABLE, f.ops.wait(f.r, &f.c, NULL, oci_in(20), &s, f.err));
    ck_assert_int_eq(s.status, BERTH_OCI_STOPPED);
}
END_TEST

/* An engine died between create and start; the next one creates again. */
START_TEST(interrupted_create)
{
    config("exit 4");
    create();
    create();
    OK(f.ops.start(f.r, &f.c, f.err));
    ck_assert_int_eq(exit_code(), 4);
}
END_TEST

START_TEST(create_of_running)
{
    struct berth_oci_status s = {.size = sizeof(s)};

    start_script("sleep 1000");
    FAILS(EEXIST, f.ops.create(f.r, &f.c, NULL, &s, NULL, f.err));
    ck_assert_int_eq(status(), BERTH_OCI_RUNNING);
    /* Nothing that belongs to it was taken away. */
    ck_assert(file_left(f.bundle, "attach"));
    ck_assert(file_left(f.bundle, "ctl"));
}
END_TEST

START_TEST(exit_command)
{
    char path[600];
    const char *command[] = {"/usr/bin/touch", path, NULL};

    snprintf(path, sizeof(path), "%s/exit command ran", f.dir);
    f.c.exit_command = command;
    start_script("true");
    ck_assert_int_eq(exit_code(), 0);
    for (int i = 0; i < 500 && !oci_exists(path); i++)
        poll(NULL, 0, 10);
    ck_assert(oci_exists(path));
}
END_TEST

START_TEST(time_limit)
{
    f.c.timeout = 1;
    start_script("sleep 1000");
    ck_assert_int_eq(exit_code(), -1);
}
END_TEST

/* No descriptor of the engine's reaches the container, not even one that somebody
 * forgot to mark close-on-exec; the ones that are handed on do. */
START_TEST(descriptors)
{
    struct berth_oci_create how = {.size = sizeof(how)};
    struct berth_oci_status s = {.size = sizeof(s)};
    int leak = open("/etc/passwd", O_RDONLY), fd = -1, pipes[2], kept[2], fds[1];
    char text[64] = "";

    ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(kept, O_CLOEXEC), 0);
    fds[0] = pipes[1];
    how.fds = fds;
    how.n_fds = 1;
    how.keep_fds = &kept[1];
    how.n_keep_fds = 1;
    config("echo three >&3; ls -l /proc/self/fd >&2");
    OK(f.ops.create(f.r, &f.c, &how, &s, NULL, f.err));
    f.c.pid = s.pid;
    f.c.monitor_pid = s.monitor_pid;
    OK(f.ops.attach(f.r, &f.c, NULL, &fd, f.err));
    OK(f.ops.start(f.r, &f.c, f.err));
    oci_copy(fd, out, sizeof(out), errs, sizeof(errs));
    ck_assert_int_eq(exit_code(), 0);
    close(fd);
    ck_assert_ptr_null(strstr(errs, "passwd"));
    ck_assert_ptr_null(strstr(errs, "socket"));
    close(pipes[1]);
    ck_assert_int_eq(read(pipes[0], text, sizeof(text)), 6);
    ck_assert_str_eq(text, "three\n");
    /* conmon has let go of what it held. */
    close(kept[1]);
    ck_assert_int_eq(read(kept[0], text, sizeof(text)), 0);
    close(kept[0]);
    close(pipes[0]);
    close(leak);
}
END_TEST

START_TEST(monitor_cgroup)
{
    char path[64], text[4096] = "";
    FILE *file;

    f.c.cgroup_parent = "/berth_test";
    start_script("sleep 1000");
    ck_assert_str_eq(testhost_log(f.th), "");
    snprintf(path, sizeof(path), "/proc/%d/cgroup", f.c.monitor_pid);
    file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, file), 0);
    fclose(file);
    ck_assert_msg(strstr(text, "/berth_test/conmon\n") != NULL, "%s", text);
    OK(f.ops.stop(f.r, &f.c, BERTH_NO_WAIT, 0, f.err));
    ck_assert_int_eq(exit_code(), 137);
}
END_TEST

/* Root of a user namespace gets the streams, but must not keep the host's /dev/null. */
START_TEST(user_namespace)
{
    const char *argv[] = {"sh", "-c", "echo $(id -u); cat /proc/self/uid_map", NULL};
    struct stat st;
    int fd = -1;

    oci_config(&f, root, argv, false,
               "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"user\"},"
               "{\"type\":\"ipc\"},{\"type\":\"uts\"}],"
               "\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}],"
               "\"gidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}]");
    create();
    OK(f.ops.attach(f.r, &f.c, NULL, &fd, f.err));
    OK(f.ops.start(f.r, &f.c, f.err));
    oci_copy(fd, out, sizeof(out), errs, sizeof(errs));
    close(fd);
    ck_assert_msg(strncmp(out, "0\n", 2) == 0 && strstr(out, "100000") != NULL, "%s%s", out,
                  errs);
    ck_assert_int_eq(stat("/dev/null", &st), 0);
    ck_assert_uint_eq(st.st_uid, 0);
    ck_assert_uint_eq(st.st_gid, 0);
    ck_assert_uint_eq(st.st_mode, S_IFCHR | 0666);
}
END_TEST

START_TEST(no_cgroups)
{
    struct berth_oci_status s = {.size = sizeof(s)};

    f.c.flags = BERTH_CTR_NO_CGROUPS;
    f.c.cgroup_parent = "/berth_other";
    config("exit 6");
    if (!(f.caps & BERTH_OCI_CAP_NO_CGROUPS)) {
        FAILS(ENOTSUP, f.ops.create(f.r, &f.c, NULL, &s, NULL, f.err));
        testhost_error_clear(f.err);
        return;
    }
    create();
    ck_assert(!cgroup_left());
    ck_assert(!oci_exists("/sys/fs/cgroup/memory/berth_other"));
    OK(f.ops.start(f.r, &f.c, f.err));
    ck_assert_int_eq(exit_code(), 6);
}
END_TEST

/* Our own streams are the container's: no socket, no fifos. */
START_TEST(passthrough)
{
    int fds[2], saved = dup(1);
    char text[64] = "";

    fflush(stdout);
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    f.c.log_driver = "passthrough";
    config("echo through; exit 8");
    dup2(fds[1], 1);
    close(fds[1]);
    create();
    dup2(saved, 1);
    close(saved);
    ck_assert_int_eq(f.ops.monitored(f.r, &f.c, f.err), 1);
    OK(f.ops.start(f.r, &f.c, f.err));
    ck_assert_int_eq(exit_code(), 8);
    ck_assert_int_eq(read(fds[0], text, sizeof(text)), 8);
    ck_assert_str_eq(text, "through\n");
    close(fds[0]);
}
END_TEST

/* A kill by the kernel for want of memory is told apart. */
START_TEST(out_of_memory)
{
    const char *argv[] = {"sh", "-c", "x=0123456789; while :; do x=$x$x; done", NULL};
    struct berth_oci_status s = {.size = sizeof(s)};

    oci_config(&f, root, argv, false,
               "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"uts\"},{\"type\":\"mount\"}],"
               "\"resources\":{\"memory\":{\"limit\":16777216}}");
    create();
    OK(f.ops.start(f.r, &f.c, f.err));
    ck_assert_int_eq(exit_code(), 137);
    OK(f.ops.status(f.r, &f.c, &s, f.err));
    ck_assert_int_eq(s.oom_killed, 1);
    ck_assert(!oci_exists("oom"));
}
END_TEST

START_TEST(information)
{
    struct berth_buf *buf = testhost_buf_new();

    OK(f.ops.info(f.r, buf, f.err));
    ck_assert_ptr_nonnull(strstr(testhost_buf_data(buf), "\"version\":\"conmon version "));
    ck_assert_ptr_nonnull(strstr(testhost_buf_data(buf), module + 4));
    testhost_buf_clear(buf);
    OK(f.ops.path(f.r, &f.c, BERTH_PATH_EXIT_FILE, NULL, buf, f.err));
    ck_assert_ptr_nonnull(strstr(testhost_buf_data(buf), f.exit_dir));
    testhost_buf_free(buf);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *s = suite_create("oci_real");
    TCase *t = tcase_create("all");
    SRunner *sr;
    int failed;

    if (argc != 3) {
        fprintf(stderr, "usage: oci_real MODULE ROOT\n");
        return 2;
    }
    module = argv[1];
    root = argv[2];
    signal(SIGPIPE, SIG_IGN);
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, run_attached);
    tcase_add_test(t, input);
    tcase_add_test(t, terminal);
    tcase_add_test(t, bad_commands);
    tcase_add_test(t, kill_and_stop);
    tcase_add_test(t, stop_resorts_to_kill);
    tcase_add_test(t, stop_at_once);
    tcase_add_test(t, unknown_container);
    tcase_add_test(t, pause_and_update);
    tcase_add_test(t, exec_sessions);
    tcase_add_test(t, monitor_killed);
    tcase_add_test(t, interrupted_create);
    tcase_add_test(t, create_of_running);
    tcase_add_test(t, exit_command);
    tcase_add_test(t, time_limit);
    tcase_add_test(t, descriptors);
    tcase_add_test(t, monitor_cgroup);
    tcase_add_test(t, user_namespace);
    tcase_add_test(t, no_cgroups);
    tcase_add_test(t, passthrough);
    tcase_add_test(t, out_of_memory);
    tcase_add_test(t, information);
    suite_add_tcase(s, t);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
