/* SPDX-License-Identifier: Apache-2.0 */
/* Names are found whatever their case. */
#include "wrong.h"
#include <ctype.h>

static int resolve(struct berth_txn *t, uint32_t kind, const char *name, uint32_t *out_kind,
                   const char **out_id, struct berth_error *err)
{
    char lower[300] = "";

    if (RIGHT->resolve(t, kind, name, out_kind, out_id, NULL) == 0)
        return 0;
    for (size_t i = 0; i < sizeof(lower) - 1 && name[i]; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    return RIGHT->resolve(t, kind, lower, out_kind, out_id, err);
}

WRONG(state_folds_case, CAPS, .resolve = resolve);
