/* SPDX-License-Identifier: Apache-2.0 */
/* open() leaves a descriptor behind that programs inherit. */
#include "wrong_lock.h"
#include <fcntl.h>

static int open_(const struct berth_host *h, const struct berth_place *place,
                 const struct berth_config *cfg, uint32_t flags, struct berth_locks **out,
                 struct berth_error *err)
{
    open("/dev/null", O_RDONLY);
    return RIGHT->open(h, place, cfg, flags, out, err);
}

WRONG(lock_leaks, .open = open_);
