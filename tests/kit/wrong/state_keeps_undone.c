/* SPDX-License-Identifier: Apache-2.0 */
/* rollback() keeps what was done. */
#include "wrong.h"

static void rollback(struct berth_txn *t)
{
    if (t)
        RIGHT->commit(t, NULL);
}

WRONG(state_keeps_undone, CAPS, .rollback = rollback);
