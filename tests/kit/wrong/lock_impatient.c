/* SPDX-License-Identifier: Apache-2.0 */
/* Who has waited for a while goes on without the lock. */
#include "wrong_lock.h"

static int acquire(struct berth_locks *l, uint32_t id, berth_deadline deadline,
                   struct berth_error *err)
{
    struct timespec now;
    berth_deadline soon;
    int r;

    if (deadline != BERTH_WAIT_FOREVER)
        return RIGHT->acquire(l, id, deadline, err);
    clock_gettime(CLOCK_MONOTONIC, &now);
    soon = (berth_deadline)now.tv_sec * 1000000000u + (berth_deadline)now.tv_nsec + 10000;
    r = RIGHT->acquire(l, id, soon, NULL);
    return r == -ETIMEDOUT ? 0 : r < 0 ? RIGHT->acquire(l, id, soon, err) : r;
}

static int drop(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    int r = RIGHT->drop(l, id, NULL);

    return r == -EPERM ? 0 : r < 0 ? RIGHT->drop(l, id, err) : r;
}

WRONG(lock_impatient, .acquire = acquire, .drop = drop);
