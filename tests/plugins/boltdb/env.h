/* SPDX-License-Identifier: Apache-2.0 */
/* A directory with a database in it, and the boltdb plugin opened on that. */
#ifndef BERTH_TESTS_BOLTDB_ENV_H
#define BERTH_TESTS_BOLTDB_ENV_H

#include <berth/state.h>
#include <check.h>

#include "tests/lib/testhost.h"

struct env {
    struct testhost *th;
    const struct berth_plugin *plugin;
    struct berth_state_ops ops;
    struct berth_config *cfg;
    struct berth_error *err;
    struct berth_list *list;
    struct berth_place place;
    struct berth_state *s;
    char dir[64];
    char file[96]; /* dir/bolt_state.db */
};

/* Load the plugin and make an empty directory. */
void env_init(struct env *e);
void env_done(struct env *e);

/* Put a fixture (below tests/fixtures/podman-4.3) in place of the file; NAME.xz is
 * unpacked. */
void env_fixture(struct env *e, const char *name);

/* Open the store; fails the test if that fails. */
void env_open(struct env *e, uint32_t flags);
void env_close(struct env *e);

struct berth_txn *env_begin(struct env *e, uint32_t flags);
void env_commit(struct env *e, struct berth_txn *t);

/* Fail the test, with the plugin's words, unless the result is the wanted one. */
#define ck_result(e, got, want)                                                                \
    do {                                                                                       \
        int64_t got_ = (got), want_ = (want);                                                  \
        ck_assert_msg(got_ == want_, "%s: %lld, not %lld: %s", #got, (long long)got_,          \
                      (long long)want_, testhost_error_text((e)->err));                        \
        ck_assert_msg(got_ >= 0 || testhost_error_code((e)->err) == (int)-got_,                \
                      "%s: described as %d", #got, testhost_error_code((e)->err));             \
        ck_assert_uint_eq(testhost_error_calls((e)->err), got_ < 0);                           \
        testhost_error_clear((e)->err);                                                        \
    } while (0)

/* The whole file as JSON, by "bolt-check dump", in memory to be freed; NULL: that
 * program could not be built here. */
char *env_dump(struct env *e);

/* A whole record with small documents; strings are the caller's. */
struct berth_record env_record(uint32_t kind, const char *id, const char *name);
struct berth_blob env_blob(const char *text);

/* Insert such a record; fails the test unless that gives `result`. */
void env_insert(struct env *e, struct berth_txn *t, uint32_t kind, const char *id,
                const char *name, int result);

/* Fail the test unless the file has this value at "bucket/bucket/key"; want NULL: none.
 * Looked at past the plugin. */
void env_raw(struct env *e, const char *path, const char *want);

/* Fail the test unless check() finds nothing. */
void env_clean(struct env *e);

/* That many milliseconds from now. */
berth_deadline env_in_ms(unsigned ms);

#endif
