/* SPDX-License-Identifier: Apache-2.0 */
/* system_claim.h - making the lock manager and the numbers in the stores agree. */
#ifndef BERTH_ENGINE_SYSTEM_CLAIM_H
#define BERTH_ENGINE_SYSTEM_CLAIM_H

#include "engine/system_numbers.h"

/*
 * Claim the number of every object of a store.  A number that is allocated already is the
 * object's own (the locks outlived the marker of the boot), unless an earlier object of
 * the store or another store of this tmp directory has it: such objects, and those whose
 * number does not exist, get a new one and are logged.
 *
 * `static_dir`: whose store s is.  The alive lock is held, and e->locks is open.
 */
int claim_store(struct engine *e, struct state *s, const char *static_dir,
                struct berth_error *err);

/* The same for all other stores of this tmp directory, as far as they can be opened. */
int claim_others(struct engine *e, struct berth_error *err);

/* Numbers that the other stores have, sorted; allocated (NULL where there are none). */
int64_t *claim_foreign(struct engine *e, const char *static_dir, size_t *n);

/* Is a number in such an array? */
bool claim_has(const int64_t *sorted, size_t n, int64_t lock);

#endif
