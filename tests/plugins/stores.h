/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stores.h - what the tests of the state plugins share: an open store under test, and a
 * slow model of what a store has to do, made of plain arrays, that it is compared with.
 */
#ifndef BERTH_TESTS_STORES_H
#define BERTH_TESTS_STORES_H

#include "tests/lib/testhost.h"
#include <berth/state.h>

/* What a format cannot hold and no capability tells. */
#define STORE_DOCS_ONLY (1u << 0) /* netns and infra are in the documents alone */
#define STORE_SECONDS   (1u << 1) /* dates of exit codes are whole seconds */

struct store {
    const struct berth_plugin *plugin;
    struct berth_state_ops ops;
    struct testhost *host;
    struct berth_config *cfg;
    struct berth_error *err;
    struct berth_place place;
    char dir[64]; /* static_dir, graph_root and all the others */
    unsigned quirks;
    struct berth_state *s;
};

/* Load a plugin and give it a new directory; exits with 77 if it was not built. */
void store_init(struct store *st, const char *module, unsigned quirks);

/* Close it, remove the directory. */
void store_fini(struct store *st);

/* Open and close; both fail the test when they cannot. */
void store_open(struct store *st, uint32_t flags);
void store_close(struct store *st);

/* begin() and commit() that fail the test when they cannot. */
struct berth_txn *store_begin(struct store *st, uint32_t flags);
void store_commit(struct store *st, struct berth_txn *t);

/* Milliseconds from now as a deadline. */
berth_deadline store_deadline(unsigned ms);

/* Everything in the store as text, in a fixed order.  To be freed. */
char *store_dump(struct store *st, struct berth_txn *t);

/* Fail the test and show the first line in which two dumps differ. */
void store_same_text(const char *got, const char *want);

/* A whole record with a small configuration and state; strings are the caller's. */
struct berth_record store_record(uint32_t kind, const char *id, const char *name);

/* Fail the test unless check() finds nothing. */
void store_check_clean(struct store *st);

/* Random operations on the store and on the model, compared after each. */
void store_workload(struct store *st, unsigned seed, unsigned transactions);

/* A small deterministic generator: 0 to n - 1. */
unsigned store_random(unsigned *seed, unsigned n);

#endif
