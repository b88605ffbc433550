/* SPDX-License-Identifier: Apache-2.0 */
/* system_locks.h - which lock number is whose. */
#ifndef BERTH_ENGINE_SYSTEM_LOCKS_H
#define BERTH_ENGINE_SYSTEM_LOCKS_H

#include "engine/system_numbers.h"

/* One number and one object that has it; a number of two objects has two of these. */
struct lock_row {
    int64_t lock;                 /* -1: the object has no number that can be used */
    const struct numbered *owner; /* NULL: no object of this store */
    bool allocated;
    bool held;      /* somebody has the lock right now */
    bool twice;     /* another object of this store has it too */
    bool elsewhere; /* a store with the same tmp directory has it too, or alone */
};

struct lock_rows {
    struct lock_row *items; /* by number */
    size_t n;
    struct numbers objects; /* what `owner` points into */
    struct berth_lock_count count;
};

/* What is right about a number: NULL; else what is wrong, in a few words. */
const char *lock_row_problem(const struct lock_row *row);

void lock_rows_free(struct lock_rows *rows);
#define _cleanup_lock_rows_ _cleanup_(lock_rows_free)

/* Every number that is allocated or that an object has.  The alive lock is taken meanwhile,
 * and each free number is claimed for a moment to find out that it is free. */
int system_locks(struct engine *e, struct lock_rows *out, struct berth_error *err);

#endif
