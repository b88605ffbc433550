/* SPDX-License-Identifier: Apache-2.0 */
/* It prints what it does. */
#include "wrong.h"
#include <stdio.h>

static int commit(struct berth_txn *t, struct berth_error *err)
{
    puts("committing");
    return RIGHT->commit(t, err);
}

WRONG(state_prints, CAPS, .commit = commit);
