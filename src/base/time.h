/* SPDX-License-Identifier: Apache-2.0 */
/* time.h - points in time, as berth_date (nanoseconds of CLOCK_REALTIME) and as text. */
#ifndef BERTH_BASE_TIME_H
#define BERTH_BASE_TIME_H

#include "base/attr.h"
#include <berth/plugin.h>

/* Go's zero time, 0001-01-01T00:00:00Z: "never".  It has no number of nanoseconds in 64
 * bits, so this value stands for it. */
#define DATE_NEVER INT64_MIN

#define TIME_TEXT_MAX 64

berth_date time_now(void);

/* Nanoseconds of CLOCK_MONOTONIC, for deadlines. */
berth_deadline time_monotonic(void);
berth_deadline time_deadline(uint64_t seconds_from_now);

/* Milliseconds since a value of time_monotonic(), for lines of the log. */
double time_ms_since(berth_deadline began);

/* RFC 3339 with up to nine fraction digits, trailing zeros cut, in the local zone (Go's
 * RFC3339Nano).  Returns buf. */
const char *time_format(berth_date date, char buf[static TIME_TEXT_MAX]);

/* The same in UTC, whatever the zone: for texts that are compared. */
const char *time_format_utc(berth_date date, char buf[static TIME_TEXT_MAX]);

/* The reverse, strictly.  -EINVAL. */
int time_parse(const char *text, berth_date *out);

/* As Go prints a time: "2026-11-21 18:05:32.762092937 +0000 UTC". */
const char *time_format_go(berth_date date, char buf[static TIME_TEXT_MAX]);

/* As Go prints a duration: "1h0m0.5s", "1m30s", "250ms", "0s". */
const char *time_format_span(int64_t nanoseconds, char buf[static TIME_TEXT_MAX]);

/* "5 minutes ago" without " ago": podman's (go-units) words for a duration. */
const char *time_human(int64_t nanoseconds, char buf[static TIME_TEXT_MAX]);

#endif
