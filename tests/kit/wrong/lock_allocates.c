/* SPDX-License-Identifier: Apache-2.0 */
/* Locking a number allocates it. */
#include "wrong_lock.h"

static int acquire(struct berth_locks *l, uint32_t id, berth_deadline deadline,
                   struct berth_error *err)
{
    RIGHT->claim(l, id, NULL);
    return RIGHT->acquire(l, id, deadline, err);
}

WRONG(lock_allocates, .acquire = acquire);
