/* SPDX-License-Identifier: Apache-2.0 */
/* get() gives every member, whatever is wanted. */
#include "wrong.h"

static int get(struct berth_txn *t, uint32_t kind, const char *id, uint64_t want,
               struct berth_record *out, struct berth_error *err)
{
    return RIGHT->get(t, kind, id, want | BERTH_REC_ALL, out, err);
}

WRONG(state_reads_all, CAPS, .get = get);
