/* SPDX-License-Identifier: Apache-2.0 */
/* A failure is not described. */
#include "wrong_lock.h"

static int release(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    (void)err;
    return RIGHT->release(l, id, NULL);
}

WRONG(lock_silent, .release = release);
