/* SPDX-License-Identifier: Apache-2.0 */
/* open() leaves a descriptor behind that programs inherit. */
#include "wrong.h"
#include <fcntl.h>

static int leaking_open(const struct berth_host *h, const struct berth_place *place,
                        const struct berth_config *cfg, uint32_t flags,
                        struct berth_state **out, struct berth_error *err)
{
    open("/dev/null", O_RDONLY);
    return RIGHT->open(h, place, cfg, flags, out, err);
}

WRONG(state_leaks, CAPS, .open = leaking_open);
