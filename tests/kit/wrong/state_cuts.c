/* SPDX-License-Identifier: Apache-2.0 */
/* Documents end after 64 KiB. */
#include "wrong.h"

static int insert(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err)
{
    struct berth_record cut = *rec;

    if (cut.config.len > 65536)
        cut.config.len = 65536;
    return RIGHT->insert(t, &cut, err);
}

WRONG(state_cuts, CAPS, .insert = insert);
