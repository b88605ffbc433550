/* SPDX-License-Identifier: Apache-2.0 */
/* when.h - points in time as people type them, for --since and --until. */
#ifndef BERTH_CMD_WHEN_H
#define BERTH_CMD_WHEN_H

#include "base/error.h"
#include <berth/plugin.h>
#include <stdbool.h>

/* RFC 3339 with parts left out from the right (UTC without a zone), seconds since 1970 with
 * a fraction, or a duration ("1h30m", "10s"): so long ago, or from now where not `since`.
 * -EINVAL with podman's text. */
int when_parse(const char *text, bool since, berth_date *out, struct berth_error *err);

#endif
