/* SPDX-License-Identifier: Apache-2.0 */
/* Half of the time is enough. */
#include "wrong_lock.h"

static int acquire(struct berth_locks *l, uint32_t id, berth_deadline deadline,
                   struct berth_error *err)
{
    struct timespec ts;
    berth_deadline now;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    now = (berth_deadline)ts.tv_sec * 1000000000u + (berth_deadline)ts.tv_nsec;
    if (deadline > now && deadline != BERTH_WAIT_FOREVER)
        deadline = now + (deadline - now) / 2;
    return RIGHT->acquire(l, id, deadline, err);
}

WRONG(lock_early, .acquire = acquire);
