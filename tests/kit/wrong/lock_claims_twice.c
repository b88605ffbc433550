/* SPDX-License-Identifier: Apache-2.0 */
/* What is allocated can be claimed again. */
#include "wrong_lock.h"

static int claim(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    int r = RIGHT->claim(l, id, NULL);

    return r == 0 || r == -EEXIST ? 0 : RIGHT->claim(l, id, err);
}

WRONG(lock_claims_twice, .claim = claim);
