/* SPDX-License-Identifier: Apache-2.0 */
/* input_time.c - see input_time.h. */
#include "cmd/input_time.h"
#include "base/str.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>

static const struct {
    const char *name;
    double ns;
} units[] = {
    {"ns", 1},   {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3},
    {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},        {"h", 3600e9},
};

int input_duration(const char *s, int64_t *out)
{
    bool minus = *s == '-';
    double total = 0;

    s += minus || *s == '+';
    if (str_eq(s, "0")) {
        *out = 0;
        return 0;
    }
    if (!*s)
        return -EINVAL;
    while (*s) {
        size_t len, i;
        double number;
        char *end;

        if (!isdigit((unsigned char)*s) && *s != '.')
            return -EINVAL;
        len = strspn(s, "0123456789.");
        number = strtod(s, &end);
        if (end != s + len)
            return -EINVAL;
        s = end;
        len = strcspn(s, "0123456789.");
        for (i = 0; i < ARRAY_LEN(units); i++)
            if (strlen(units[i].name) == len && strncmp(units[i].name, s, len) == 0)
                break;
        if (i == ARRAY_LEN(units))
            return -EINVAL;
        total += number * units[i].ns;
        s += len;
    }
    if (total >= 9223372036854775807.0)
        return -EINVAL;
    *out = (int64_t)(minus ? -total : total);
    return 0;
}

/* Dates as Go's layouts "2006-01-02", "...Z07:00", "...T15:04:05" and with a zone. */
static int parse_date(const char *text, berth_date *out)
{
    _cleanup_free_ char *full = NULL;
    size_t len = strlen(text);

    if (len < 10 || text[4] != '-' || text[7] != '-')
        return -EINVAL;
    if (!text[10])
        full = str_printf("%sT00:00:00Z", text);
    else if (text[10] != 'T')
        full = str_printf("%.10sT00:00:00%s", text, text + 10);
    else if (len >= 19 && text[len - 1] != 'Z' && !strpbrk(text + 19, "+-"))
        full = str_printf("%sZ", text);
    else
        full = strdup(text);
    return full ? time_parse(full, out) : -ENOMEM;
}

int input_time(const char *text, bool ago, berth_date *out)
{
    int64_t duration;
    double seconds;
    char *end;

    if (parse_date(text, out) == 0)
        return 0;
    if (isdigit((unsigned char)*text) || *text == '-') {
        seconds = strtod(text, &end);
        if (!*end && fabs(seconds) < 9e9) {
            *out = (berth_date)(seconds * 1e9);
            return 0;
        }
    }
    if (input_duration(text, &duration) < 0)
        return -EINVAL;
    return __builtin_add_overflow(time_now(), ago ? -duration : duration, out) ? -EINVAL : 0;
}
