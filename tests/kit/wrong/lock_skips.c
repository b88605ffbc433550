/* SPDX-License-Identifier: Apache-2.0 */
/* The lowest free number is passed over. */
#include "wrong_lock.h"

static int allocate(struct berth_locks *l, uint32_t *out, struct berth_error *err)
{
    uint32_t lowest;
    int r = RIGHT->allocate(l, &lowest, err);

    if (r == 0 && RIGHT->allocate(l, out, NULL) == 0)
        return RIGHT->release(l, lowest, err);
    if (r == 0)
        *out = lowest;
    return r;
}

WRONG(lock_skips, .allocate = allocate);
