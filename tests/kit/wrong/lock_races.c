/* SPDX-License-Identifier: Apache-2.0 */
/* Between finding a free number and taking it, another process may come. */
#include "wrong_lock.h"

static int allocate(struct berth_locks *l, uint32_t *out, struct berth_error *err)
{
    int r = RIGHT->allocate(l, out, err);

    if (r < 0)
        return r;
    RIGHT->release(l, *out, NULL);
    usleep(2000);
    r = RIGHT->claim(l, *out, NULL);
    return r == -EEXIST ? 0 : r;
}

WRONG(lock_races, .allocate = allocate);
