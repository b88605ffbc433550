/* SPDX-License-Identifier: Apache-2.0 */
/* What is held at close() stays held. */
#include "wrong_lock.h"

static int see(void *arg, uint32_t id)
{
    (void)arg;
    (void)id;
    return 1;
}

static void close_(struct berth_locks *l)
{
    if (l && RIGHT->held(l, see, NULL, NULL) == 0)
        RIGHT->close(l);
}

WRONG(lock_keeps, .close = close_);
