/* SPDX-License-Identifier: Apache-2.0 */
/* A reading transaction may write. */
#include "wrong.h"

static int begin(struct berth_state *s, uint32_t flags, berth_deadline deadline,
                 struct berth_txn **out, struct berth_error *err)
{
    return RIGHT->begin(s, flags | BERTH_TXN_WRITE, deadline, out, err);
}

WRONG(state_readers_write, CAPS, .begin = begin);
