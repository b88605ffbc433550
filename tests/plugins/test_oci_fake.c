/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_oci_fake.c - the OCI plugins on a scripted conmon and runtime: what they are
 * started with, and all that can go wrong between us and them.
 */
#include "tests/plugins/oci_fake.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct oci_fixture f;
static unsigned fds_before;
static char *strings[200];
static size_t n_strings;
char conmon[600], runtime[600], script[600];

void fails_with(int code, int r, const char *call, const char *text)
{
    ck_assert_msg(r == -code, "%s = %d: %s", call, r, testhost_error_text(f.err));
    ck_assert_int_eq(testhost_error_code(f.err), code);
    ck_assert_uint_eq(testhost_error_calls(f.err), 1);
    ck_assert_msg(strstr(testhost_error_text(f.err), text) != NULL, "%s: %s", call,
                  testhost_error_text(f.err));
    testhost_error_clear(f.err);
}

void play(const char *text)
{
    char path[600];

    snprintf(path, sizeof(path), "%s/fake", f.bundle);
    oci_write(path, text);
}

void play_runtime(const char *text)
{
    oci_write(script, text);
}

char *format(const char *fmt, ...)
{
    va_list ap;

    ck_assert_uint_lt(n_strings, sizeof(strings) / sizeof(*strings));
    va_start(ap, fmt);
    ck_assert_int_ge(vasprintf(&strings[n_strings], fmt, ap), 0);
    va_end(ap);
    return strings[n_strings++];
}

void setup_module(const char *module)
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

void teardown(void)
{
    oci_teardown(&f);
    while (n_strings > 0)
        free(strings[--n_strings]);
    ck_assert_uint_eq(oci_count_fds(), fds_before);
}

const char *read_text(const char *dir, const char *name)
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

int create(void)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    int r = f.ops.create(f.r, &f.c, NULL, &s, NULL, f.err);

    if (r == 0) {
        f.c.pid = s.pid;
        f.c.monitor_pid = s.monitor_pid;
    }
    return r;
}

void check_undone(bool deleted)
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

static void add(TCase *t, Suite *s)
{
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
}

int main(void)
{
    Suite *s = suite_create("oci_fake");
    TCase *crun = tcase_create("crun"), *runc = tcase_create("runc"),
          *both = tcase_create("both"), *failing = tcase_create("failing");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(crun, setup_crun, teardown);
    tcase_add_checked_fixture(runc, setup_runc, teardown);
    tcase_add_checked_fixture(failing, setup_crun, teardown);
    /* Under valgrind a process does not survive an execve(2) that fails late. */
    tcase_set_tags(failing, "not-on-valgrind");
    add_create(crun, runc, both, failing);
    add_args(crun, runc);
    add_calls(crun, runc);
    add_exec(crun);
    add(crun, s);
    add(runc, s);
    add(both, s);
    add(failing, s);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
