/* SPDX-License-Identifier: Apache-2.0 */
/* A child made by fork() thinks that it has what its parent has. */
#include "wrong_lock.h"

static char have[COUNT];

static int acquire(struct berth_locks *l, uint32_t id, berth_deadline deadline,
                   struct berth_error *err)
{
    int r = RIGHT->acquire(l, id, deadline, err);

    if (r >= 0)
        have[id] = 1;
    return r;
}

static int drop(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    int r = RIGHT->drop(l, id, NULL);

    if (r == -EPERM && id < COUNT && have[id]) {
        have[id] = 0;
        return 0;
    }
    if (r == 0)
        have[id] = 0;
    return r < 0 ? RIGHT->drop(l, id, err) : r;
}

WRONG(lock_inherits, .acquire = acquire, .drop = drop);
