/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers out of range are taken for others that are in range. */
#include "wrong_lock.h"

static int acquire(struct berth_locks *l, uint32_t id, berth_deadline deadline,
                   struct berth_error *err)
{
    return RIGHT->acquire(l, id % COUNT, deadline, err);
}

static int drop(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    return RIGHT->drop(l, id % COUNT, err);
}

WRONG(lock_wraps, .acquire = acquire, .drop = drop);
