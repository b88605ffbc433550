/* SPDX-License-Identifier: Apache-2.0 */
/* What get() hands out changes with the next get(). */
#include "wrong.h"

static int get(struct berth_txn *t, uint32_t kind, const char *id, uint64_t want,
               struct berth_record *out, struct berth_error *err)
{
    static char buffer[1024];
    int r = RIGHT->get(t, kind, id, want, out, err);

    if (r == 0 && (want & BERTH_REC_CONFIG) && out->config.len <= sizeof(buffer)) {
        memcpy(buffer, out->config.data, out->config.len);
        out->config.data = buffer;
    }
    return r;
}

WRONG(state_reuses, CAPS, .get = get);
