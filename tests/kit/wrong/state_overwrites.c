/* SPDX-License-Identifier: Apache-2.0 */
/* update() of the state forgets the configuration. */
#include "wrong.h"

static int update(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err)
{
    struct berth_record all = *rec;

    if ((all.has & BERTH_REC_STATE) && !(all.has & BERTH_REC_CONFIG)) {
        all.has |= BERTH_REC_CONFIG;
        all.config = (struct berth_blob){"{}", 2};
    }
    return RIGHT->update(t, &all, err);
}

WRONG(state_overwrites, CAPS, .update = update);
