/* SPDX-License-Identifier: Apache-2.0 */
/* A thread gets a lock twice. */
#include "wrong_lock.h"

static int acquire(struct berth_locks *l, uint32_t id, berth_deadline deadline,
                   struct berth_error *err)
{
    int r = RIGHT->acquire(l, id, deadline, NULL);

    return r == -EDEADLK ? 0 : r < 0 ? RIGHT->acquire(l, id, deadline, err) : r;
}

WRONG(lock_recursive, .acquire = acquire);
