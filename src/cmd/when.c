/* SPDX-License-Identifier: Apache-2.0 */
/* when.c - see when.h. */
#include "cmd/when.h"
#include "base/str.h"
#include "base/time.h"

#define NS 1000000000ll

/* A decimal number with a fraction, in billionths.  Points *s behind it. */
static int parse_decimal(const char **s, int64_t *out)
{
    int64_t whole = 0, fraction = 0, unit = NS / 10;
    const char *start = *s;

    for (; **s >= '0' && **s <= '9'; (*s)++)
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, **s - '0', &whole))
            return -ERANGE;
    if (*s == start && **s != '.')
        return -EINVAL;
    if (**s == '.') {
        const char *dot = (*s)++;

        for (; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
            fraction += (**s - '0') * unit;
        if (*s == dot + 1 && dot == start)
            return -EINVAL;
    }
    if (__builtin_mul_overflow(whole, NS, out) || __builtin_add_overflow(*out, fraction, out))
        return -ERANGE;
    return 0;
}

/* A duration of Go: "-1h15m30.918273645s". */
static int parse_duration(const char *s, int64_t *out)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"ns", 1},       {"us", 1000}, {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000},
                 {"ms", 1000000}, {"s", NS},    {"m", 60 * NS},      {"h", 3600 * NS}};
    bool negative = *s == '-';
    int64_t total = 0, part;

    if (*s == '-' || *s == '+')
        s++;
    if (!*s)
        return -EINVAL;
    if (str_eq(s, "0"))
        s++;
    while (*s) {
        const char *rest = NULL;
        int r = parse_decimal(&s, &part);

        if (r < 0)
            return r;
        for (size_t i = 0; i < ARRAY_LEN(units) && !rest; i++) {
            size_t len = strlen(units[i].name);
            char next = strncmp(s, units[i].name, len) == 0 ? s[len] : 'x';

            if (next && next != '.' && (next < '0' || next > '9'))
                continue;
            rest = s + len;
            if (units[i].ns >= NS ? __builtin_mul_overflow(part, units[i].ns / NS, &part)
                                  : (part /= NS / units[i].ns, false))
                return -ERANGE;
        }
        if (!rest || __builtin_add_overflow(total, part, &total))
            return -EINVAL;
        s = rest;
    }
    *out = negative ? -total : total;
    return 0;
}

/* Forms of RFC 3339 in which something is missing: put it there. */
static int parse_date(const char *s, berth_date *out)
{
    _cleanup_free_ char *full = NULL;
    const char *time = strchr(s, 'T');
    size_t len = strlen(s);

    if (time_parse(s, out) == 0)
        return 0;
    if (len < 10 || (time && time != s + 10))
        return -EINVAL;
    if (time)
        full = str_printf("%sZ", s);
    else if (len == 10)
        full = str_printf("%sT00:00:00Z", s);
    else
        full = str_printf("%.10sT00:00:00%s", s, s + 10);
    return full ? time_parse(full, out) : -ENOMEM;
}

int when_parse(const char *text, bool since, berth_date *out, struct berth_error *err)
{
    const char *s = text;
    int64_t value;

    if (parse_date(text, out) == 0)
        return 0;
    if (parse_decimal(&s, &value) == 0 && !*s) {
        *out = value;
        return 0;
    }
    if (parse_duration(text, &value) < 0)
        return fail(err, EINVAL, "unable to interpret time value");
    *out = since ? time_now() - value : time_now() + value;
    return 0;
}
