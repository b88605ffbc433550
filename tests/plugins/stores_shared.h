/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that every store on disk has to pass: several processes, kill, copies. */
#ifndef BERTH_TESTS_STORES_SHARED_H
#define BERTH_TESTS_STORES_SHARED_H

#include "tests/plugins/stores.h"
#include <check.h>

/* Add them to a case whose fixture has called store_init() on `st`, not opened it. */
void stores_add_shared_tests(TCase *tc, struct store *st);

/* Contents of a file, to be freed; NULL: it is not there. */
char *store_slurp(const char *path, size_t *len);

/* Replace a file. */
void store_spit(const char *path, const void *data, size_t len);

/* Path of the store's main file, as files() names it first; the store is open.  In a
 * static buffer. */
const char *store_file(struct store *st);

#endif
