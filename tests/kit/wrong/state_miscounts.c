/* SPDX-License-Identifier: Apache-2.0 */
/* unlink_all() counts one less. */
#include "wrong.h"

static int64_t unlink_all(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                          struct berth_error *err)
{
    int64_t n = RIGHT->unlink_all(t, kind, end, key, err);

    return n > 1 ? n - 1 : n;
}

WRONG(state_miscounts, CAPS, .unlink_all = unlink_all);
