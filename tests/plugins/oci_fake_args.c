/* SPDX-License-Identifier: Apache-2.0 */
/* oci_fake_args.c - command lines and environment of conmon and runtime. */
#include "tests/plugins/oci_fake.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void compare_lines(const char *got, const char *const *wanted)
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
    const char *wanted[] = {FIRST_ARGUMENTS(f.id, f.bundle, f.pid_file, f.exit_dir),
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
    const char *wanted[] = {FIRST_ARGUMENTS(f.id, f.bundle, f.pid_file, f.exit_dir),
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

void add_args(TCase *crun, TCase *runc)
{
    tcase_add_test(crun, plain_arguments);
    tcase_add_test(crun, all_arguments);
    tcase_add_test(crun, environment);
    tcase_add_test(crun, refused);
    tcase_add_test(crun, log_tag_with_file);
    tcase_add_test(runc, plain_arguments);
    tcase_add_test(runc, no_cgroups_with_runc);
}
