/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testhost.h - a host for plugins under test.
 *
 * It implements struct berth_host without any of the engine: a test loads a plugin's
 * file, lends it this host and calls its operations.  The opaque objects of the ABI
 * (error, configuration, buffer, list) are made here and looked at through functions,
 * so that this header and the engine's own can be included side by side.
 *
 *      struct testhost *th = testhost_new();
 *      const struct berth_plugin *p = testhost_load(NULL, "state_boltdb");
 *      struct berth_config *cfg = testhost_config_new(p);
 *      struct berth_error *err = testhost_error_new();
 *      struct berth_state_ops ops;
 *      testhost_ops(p, &ops, sizeof ops);
 *      r = ops.open(testhost_host(th), &place, cfg, BERTH_STATE_CREATE, &s, err);
 *
 * Functions that make things abort() when memory runs out: a test has nothing to undo.
 */
#ifndef BERTH_TESTS_TESTHOST_H
#define BERTH_TESTS_TESTHOST_H

#include <berth/plugin.h>

struct testhost;

/* ------------------------------------------------------------------ the host */

/* Make a host: real clock, not cancelled, log kept in memory, no programs. */
struct testhost *testhost_new(void);
void testhost_free(struct testhost *th);

/* The table to lend to plugins; lives as long as th. */
const struct berth_host *testhost_host(struct testhost *th);

/* What now() gives, in ns of CLOCK_REALTIME; 0: the real clock. */
void testhost_set_now(struct testhost *th, berth_date now);

/* What cancelled() gives. */
void testhost_set_cancelled(struct testhost *th, int on);

/* Let the n-th put() or add() from now on (counted from 1) fail with -ENOMEM; 0: none. */
void testhost_fail_result(struct testhost *th, unsigned n);

/* All that was logged so far, one line per record: "LEVEL text\n". */
const char *testhost_log(struct testhost *th);

/* Answer run() in place of programs: fn gives the exit status or -errno, and may put
 * bytes into what->output through the host.  Without fn, run() gives -ENOENT. */
typedef int testhost_run_fn(void *arg, const struct berth_host *h, const struct berth_run *what,
                            struct berth_error *err);
void testhost_on_run(struct testhost *th, testhost_run_fn *fn, void *arg);

/* ------------------------------------------------------------------- plugins */

/* Load DIR/MODULE.so and give its descriptor; dir NULL: .libs below $top_builddir, or
 * below "." without that.  NULL with a line on standard error: it cannot be used.
 * The numbers of the kind are for the caller to look at. */
const struct berth_plugin *testhost_load(const char *dir, const char *module);

/* Copy the plugin's table of operations into *ops (size bytes), as the engine does:
 * what the plugin does not have becomes zero. */
void testhost_ops(const struct berth_plugin *p, void *ops, size_t size);

/* The options of an instance, all at their presets. */
struct berth_config *testhost_config_new(const struct berth_plugin *p);
void testhost_config_free(struct berth_config *cfg);

/* Set one, as text ("64", "yes", "/some/path").  -ENOENT: the plugin declares none of
 * that name; -EINVAL: not of its type. */
int testhost_config_set(struct berth_config *cfg, const char *name, const char *text);

/* -------------------------------------------------------------------- errors */

struct berth_error *testhost_error_new(void);
void testhost_error_free(struct berth_error *err);
void testhost_error_clear(struct berth_error *err);
int testhost_error_code(const struct berth_error *err);         /* positive errno; 0: none */
const char *testhost_error_text(const struct berth_error *err); /* "" if none */
unsigned testhost_error_calls(const struct berth_error *err);   /* of fail() since clear */

/* ------------------------------------------------------------------- results */

struct berth_buf *testhost_buf_new(void);
void testhost_buf_free(struct berth_buf *buf);
void testhost_buf_clear(struct berth_buf *buf);
size_t testhost_buf_len(const struct berth_buf *buf);
const char *testhost_buf_data(const struct berth_buf *buf); /* ends with a NUL beyond len */

struct berth_list *testhost_list_new(void);
void testhost_list_free(struct berth_list *list);
void testhost_list_clear(struct berth_list *list);
size_t testhost_list_len(const struct berth_list *list);
const char *testhost_list_get(const struct berth_list *list, size_t i); /* NULL past the end */

#endif
