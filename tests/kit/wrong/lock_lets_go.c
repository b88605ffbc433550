/* SPDX-License-Identifier: Apache-2.0 */
/* Giving the number back lets go of the lock. */
#include "wrong_lock.h"

static int release(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    int r = RIGHT->release(l, id, err);

    if (r == 0)
        RIGHT->drop(l, id, NULL);
    return r;
}

static int drop(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    int r = RIGHT->drop(l, id, NULL);

    return r == -EPERM ? 0 : r < 0 ? RIGHT->drop(l, id, err) : r;
}

WRONG(lock_lets_go, .release = release, .drop = drop);
