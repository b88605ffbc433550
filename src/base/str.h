/* SPDX-License-Identifier: Apache-2.0 */
/* str.h - small helpers for C strings. */
#ifndef BERTH_BASE_STR_H
#define BERTH_BASE_STR_H

#include "base/attr.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool str_eq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* NULL counts as empty. */
static inline bool str_empty(const char *s)
{
    return !s || !*s;
}

static inline const char *str_or(const char *s, const char *other)
{
    return s ? s : other;
}

static inline const char *str_starts(const char *s, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

static inline bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);

    return n >= m && strcmp(s + n - m, suffix) == 0;
}

/* Allocated text; NULL without memory. */
char *str_printf(const char *fmt, ...) _printf_(1, 2);

/* Free *dst and put a copy of s (NULL: nothing) there.  0 or -ENOMEM. */
int str_set(char **dst, const char *s);

/* Strict decimal numbers: the whole string, no sign where unsigned, no white space.
 * 0, -EINVAL or -ERANGE. */
int str_to_i64(const char *s, int64_t *out);
int str_to_u64(const char *s, uint64_t *out);

/* Sizes as podman's command line takes them: a number, perhaps with a fraction, and an
 * optional unit b, k, m, g, t, p (also kb, kib; any case), multiples of 1024. */
int str_to_size(const char *s, int64_t *out);

/* The same with multiples of 1000. */
int str_to_decimal_size(const char *s, int64_t *out);

/* "true", "f", "1" and what else Go's ParseBool knows.  0 or -EINVAL. */
int str_to_bool(const char *s, bool *out);

/* "1.5kB", "32MB": multiples of 1000 and four digits, as podman prints sizes. */
char *str_human_size(double bytes);

/* Edit distance (Levenshtein) without regard to case; 1000 for words of over 63 bytes. */
unsigned str_distance(const char *a, const char *b);

/* The entry of `words` that is nearest to `s` in edit distance, for "did you mean"; NULL
 * when none is near.  words ends with NULL. */
const char *str_nearest(const char *s, const char *const *words);

#endif
