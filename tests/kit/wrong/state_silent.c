/* SPDX-License-Identifier: Apache-2.0 */
/* A failure is not described. */
#include "wrong.h"

static int get(struct berth_txn *t, uint32_t kind, const char *id, uint64_t want,
               struct berth_record *out, struct berth_error *err)
{
    (void)err;
    return RIGHT->get(t, kind, id, want, out, NULL);
}

WRONG(state_silent, CAPS, .get = get);
