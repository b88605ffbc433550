/* SPDX-License-Identifier: Apache-2.0 */
/* exit_prune() takes those of that very date too. */
#include "wrong.h"

static int64_t exit_prune(struct berth_txn *t, berth_date before, int keep_live,
                          struct berth_error *err)
{
    return RIGHT->exit_prune(t, before == INT64_MAX ? before : before + 1, keep_live, err);
}

WRONG(state_prunes_more, CAPS, .exit_prune = exit_prune);
