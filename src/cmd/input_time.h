/* SPDX-License-Identifier: Apache-2.0 */
/* input_time.h - points in time as users type them. */
#ifndef BERTH_CMD_INPUT_TIME_H
#define BERTH_CMD_INPUT_TIME_H

#include "base/time.h"
#include <stdbool.h>

/* Nanoseconds of a duration as Go writes it: "1h30m", "1.5s", "-2m". -EINVAL. */
int input_duration(const char *text, int64_t *out);

/* A date ("2026-11-21", with a time, with a zone; UTC where there is none), seconds since
 * 1970, or a duration: that long ago with `ago`, else that far ahead.  -EINVAL. */
int input_time(const char *text, bool ago, berth_date *out);

#endif
