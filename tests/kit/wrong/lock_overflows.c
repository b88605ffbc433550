/* SPDX-License-Identifier: Apache-2.0 */
/* The last number is handed out again and again. */
#include "wrong_lock.h"

static int allocate(struct berth_locks *l, uint32_t *out, struct berth_error *err)
{
    int r = RIGHT->allocate(l, out, NULL);

    if (r != -ENOSPC)
        return r < 0 ? RIGHT->allocate(l, out, err) : r;
    *out = COUNT - 1;
    return 0;
}

WRONG(lock_overflows, .allocate = allocate);
