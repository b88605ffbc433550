/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci_fake.h - the OCI plugins on a scripted conmon and runtime: what the parts of
 * test_oci_fake share.
 */
#ifndef BERTH_TESTS_OCI_FAKE_H
#define BERTH_TESTS_OCI_FAKE_H

#include "tests/plugins/oci_lib.h"

#include <check.h>
#include <stdbool.h>

extern struct oci_fixture f;
extern char conmon[600], runtime[600], script[600];

/* The fixture, for tests that are not of one plugin. */
void setup_module(const char *module);
void teardown(void);

/* A call that fails once, with this code and these words in its text; one that works. */
void fails_with(int code, int r, const char *call, const char *text);
#define FAILS(code, text, call) fails_with((code), (call), #call, (text))
#define OK(call)                                                                               \
    do {                                                                                       \
        int r_ = (call);                                                                       \
        ck_assert_msg(r_ == 0, "%s = %d: %s", #call, r_, testhost_error_text(f.err));          \
    } while (0)

/* What conmon does; a shell script in the words of tests/fake/conmon. */
void play(const char *text);

/* What the runtime does when it is called directly. */
void play_runtime(const char *text);

/* A string that lives until the test ends. */
char *format(const char *fmt, ...);

/* Make the container; its pids go into the fixture. */
int create(void);

/* The text of a file, until the next call; "": there is none. */
const char *read_text(const char *dir, const char *name);

/* After a failed create: the runtime was told to forget the container if it may have heard of
 * it, and no file is left. */
void check_undone(bool deleted);

/* A text is these lines, no more and no fewer. */
void compare_lines(const char *got, const char *const *wanted);

/* The cases of each part; those for both plugins need no fixture. */
void add_create(TCase *crun, TCase *runc, TCase *both, TCase *failing);
void add_args(TCase *crun, TCase *runc);
void add_calls(TCase *crun, TCase *runc);
void add_exec(TCase *crun);

/* What the arguments of every conmon begin with: of a container, or of a session in it. */
#define FIRST_ARGUMENTS(session, bundle, pid_file, exit_dir)                                   \
    "--api-version", "1", "-c", f.id, "-u", session, "-r", runtime, "-b", bundle, "-p",        \
        pid_file, "-n", "test", "--exit-dir", exit_dir, "--full-attach", "--runtime-arg",      \
        format("--fake=%s", script)

#endif
