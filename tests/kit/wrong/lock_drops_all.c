/* SPDX-License-Identifier: Apache-2.0 */
/* Closing one instance lets go of what another has, as closing a file does. */
#include "wrong_lock.h"

static void close_(struct berth_locks *l)
{
    for (uint32_t id = 0; l && id < COUNT; id++)
        RIGHT->drop(l, id, NULL);
    RIGHT->close(l);
}

WRONG(lock_drops_all, .close = close_);
