/* SPDX-License-Identifier: Apache-2.0 */
/* str.c - see str.h. */
#include "base/str.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>

char *str_printf(const char *fmt, ...)
{
    va_list ap;
    char *s;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&s, fmt, ap);
    va_end(ap);
    return n < 0 ? NULL : s;
}

int str_set(char **dst, const char *s)
{
    char *copy = NULL;

    if (s && !(copy = strdup(s)))
        return -ENOMEM;
    free(*dst);
    *dst = copy;
    return 0;
}

int str_to_u64(const char *s, uint64_t *out)
{
    uint64_t value = 0;

    if (!*s)
        return -EINVAL;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value))
            return -ERANGE;
    }
    *out = value;
    return 0;
}

int str_to_i64(const char *s, int64_t *out)
{
    bool minus = *s == '-';
    uint64_t value = 0;
    int r;

    if (minus || *s == '+')
        s++;
    r = str_to_u64(s, &value);
    if (r < 0)
        return r;
    if (value > (uint64_t)INT64_MAX + minus)
        return -ERANGE;
    *out = minus ? (int64_t)(0 - value) : (int64_t)value;
    return 0;
}

int str_to_bool(const char *s, bool *out)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (str_eq(s, yes[i]) || str_eq(s, no[i])) {
            *out = str_eq(s, yes[i]);
            return 0;
        }
    }
    return -EINVAL;
}

static int to_size(const char *s, double unit_size, int64_t *out)
{
    static const char units[] = "bkmgtp";
    double number = 0, scale = 1;
    bool digits = false;
    const char *unit;

    for (; isdigit((unsigned char)*s); s++, digits = true)
        number = number * 10 + (*s - '0');
    if (*s == '.')
        for (s++; isdigit((unsigned char)*s); s++, digits = true) {
            scale /= 10;
            number += (*s - '0') * scale;
        }
    if (!digits)
        return -EINVAL;
    if (*s == ' ')
        s++;
    if (*s) {
        unit = strchr(units, tolower((unsigned char)*s));
        if (!unit)
            return -EINVAL;
        for (; unit > units; unit--)
            number *= unit_size;
        if (tolower((unsigned char)*s) != 'b') {
            if (tolower((unsigned char)s[1]) == 'i' && tolower((unsigned char)s[2]) == 'b')
                s += 2;
            else if (tolower((unsigned char)s[1]) == 'b')
                s++;
        }
        if (s[1])
            return -EINVAL;
    }
    if (number >= 9223372036854775808.0)
        return -ERANGE;
    *out = (int64_t)number;
    return 0;
}

int str_to_size(const char *s, int64_t *out)
{
    return to_size(s, 1024, out);
}

int str_to_decimal_size(const char *s, int64_t *out)
{
    return to_size(s, 1000, out);
}

char *str_human_size(double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t i = 0;

    for (; bytes >= 1000 && i + 1 < ARRAY_LEN(units); i++)
        bytes /= 1000;
    return str_printf("%.4g%s", bytes, units[i]);
}

unsigned str_distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t n = strlen(b);

    if (n >= ARRAY_LEN(row))
        return 1000;
    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned change = diagonal + (tolower((unsigned char)a[i - 1]) !=
                                          tolower((unsigned char)b[j - 1]));

            diagonal = row[j];
            row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[n];
}

const char *str_nearest(const char *s, const char *const *words)
{
    unsigned best = (unsigned)strlen(s) / 3 + 1, d;
    const char *found = NULL;

    for (; *words; words++) {
        d = str_distance(s, *words);
        if (d < best || (d == best && !found)) {
            best = d;
            found = *words;
        }
    }
    return found;
}
