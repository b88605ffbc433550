/* SPDX-License-Identifier: Apache-2.0 */
/* Who wants to stop does not even get what is free. */
#include "wrong_lock.h"

static const struct berth_host *host;

static int open_(const struct berth_host *h, const struct berth_place *place,
                 const struct berth_config *cfg, uint32_t flags, struct berth_locks **out,
                 struct berth_error *err)
{
    host = h;
    return RIGHT->open(h, place, cfg, flags, out, err);
}

static int acquire(struct berth_locks *l, uint32_t id, berth_deadline deadline,
                   struct berth_error *err)
{
    if (deadline != BERTH_NO_WAIT && host->cancelled(host->core))
        return berth_fail(host, err, ECANCELED, "interrupted");
    return RIGHT->acquire(l, id, deadline, err);
}

WRONG(lock_hasty, .open = open_, .acquire = acquire);
