/* SPDX-License-Identifier: Apache-2.0 */
/* time.c - see time.h. */
#include "base/time.h"
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define NS 1000000000ll

berth_date time_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec * NS + ts.tv_nsec;
}

berth_deadline time_monotonic(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (berth_deadline)(ts.tv_sec * NS + ts.tv_nsec);
}

double time_ms_since(berth_deadline began)
{
    return (double)(time_monotonic() - began) / 1e6;
}

berth_deadline time_deadline(uint64_t seconds)
{
    berth_deadline now = time_monotonic();

    return seconds > (UINT64_MAX - now) / (uint64_t)NS ? BERTH_WAIT_FOREVER
                                                       : now + seconds * (uint64_t)NS;
}

/* Split into whole seconds and a fraction that is never negative. */
static void split(berth_date date, time_t *sec, long *ns)
{
    *sec = (time_t)(date / NS);
    *ns = (long)(date % NS);
    if (*ns < 0) {
        *ns += NS;
        (*sec)--;
    }
}

static size_t put_fraction(char *at, long ns)
{
    int n;

    if (ns == 0)
        return 0;
    n = sprintf(at, ".%09ld", ns);
    while (at[n - 1] == '0')
        n--;
    at[n] = '\0';
    return (size_t)n;
}

/* RFC 3339 of a point in time that was split by a zone's rules. */
static const char *put_rfc3339(const struct tm *tm, long ns, char buf[static TIME_TEXT_MAX])
{
    size_t n = strftime(buf, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", tm);

    n += put_fraction(buf + n, ns);
    if (tm->tm_gmtoff == 0)
        strcpy(buf + n, "Z");
    else
        sprintf(buf + n, "%c%02ld:%02ld", tm->tm_gmtoff < 0 ? '-' : '+',
                labs(tm->tm_gmtoff) / 3600, labs(tm->tm_gmtoff) / 60 % 60);
    return buf;
}

typedef struct tm *zone_fn(const time_t *sec, struct tm *out);

static const char *format_in(zone_fn *zone, berth_date date, char buf[static TIME_TEXT_MAX])
{
    struct tm tm;
    time_t sec;
    long ns;

    if (date == DATE_NEVER)
        return strcpy(buf, "0001-01-01T00:00:00Z");
    split(date, &sec, &ns);
    zone(&sec, &tm);
    return put_rfc3339(&tm, ns, buf);
}

const char *time_format(berth_date date, char buf[static TIME_TEXT_MAX])
{
    return format_in(localtime_r, date, buf);
}

const char *time_format_utc(berth_date date, char buf[static TIME_TEXT_MAX])
{
    return format_in(gmtime_r, date, buf);
}

const char *time_format_go(berth_date date, char buf[static TIME_TEXT_MAX])
{
    struct tm tm;
    time_t sec;
    size_t n;
    long ns;

    if (date == DATE_NEVER)
        return strcpy(buf, "0001-01-01 00:00:00 +0000 UTC");
    split(date, &sec, &ns);
    localtime_r(&sec, &tm);
    n = strftime(buf, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &tm);
    n += put_fraction(buf + n, ns);
    strftime(buf + n, TIME_TEXT_MAX - n, " %z %Z", &tm);
    return buf;
}

/* Read exactly n digits. */
static bool digits(const char **s, int n, int *out)
{
    *out = 0;
    for (; n > 0; n--, (*s)++) {
        if (**s < '0' || **s > '9')
            return false;
        *out = *out * 10 + (**s - '0');
    }
    return true;
}

static bool expect(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

static bool parse_zone(const char **s, int *offset)
{
    int hours, minutes, sign = **s == '-' ? -1 : 1;

    *offset = 0;
    if (expect(s, 'Z'))
        return true;
    if (**s != '+' && **s != '-')
        return false;
    (*s)++;
    if (!digits(s, 2, &hours) || !expect(s, ':') || !digits(s, 2, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *offset = sign * (hours * 3600 + minutes * 60);
    return true;
}

int time_parse(const char *s, berth_date *out)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct tm tm = {0};
    int offset, year, month, day, days;
    int64_t ns = 0, sec, total;

    if (!digits(&s, 4, &year) || !expect(&s, '-') || !digits(&s, 2, &month) ||
        !expect(&s, '-') || !digits(&s, 2, &day) || !expect(&s, 'T') ||
        !digits(&s, 2, &tm.tm_hour) || !expect(&s, ':') || !digits(&s, 2, &tm.tm_min) ||
        !expect(&s, ':') || !digits(&s, 2, &tm.tm_sec))
        return -EINVAL;
    if (month < 1 || month > 12 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
        return -EINVAL;
    days = month_days[month - 1];
    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
        days = 29;
    if (day < 1 || day > days)
        return -EINVAL;
    if (*s == '.' || *s == ',') {
        int64_t unit = NS / 10;

        for (s++; *s >= '0' && *s <= '9'; s++, unit /= 10)
            ns += (*s - '0') * unit;
        if (s[-1] < '0' || s[-1] > '9')
            return -EINVAL;
    }
    if (!parse_zone(&s, &offset) || *s)
        return -EINVAL;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = day;
    sec = timegm(&tm) - offset;
    if (__builtin_mul_overflow(sec, NS, &total) || __builtin_add_overflow(total, ns, &total))
        total = DATE_NEVER; /* before 1678 or after 2262: in practice Go's zero time */
    *out = total;
    return 0;
}

/* ns / unit with up to `digits` digits behind the point, zeros at the end cut. */
static int put_decimal(char *buf, uint64_t ns, uint64_t unit, int digits, const char *name)
{
    int n = sprintf(buf, "%llu.%0*llu", (unsigned long long)(ns / unit), digits,
                    (unsigned long long)(ns % unit));

    while (buf[n - 1] == '0')
        n--;
    if (buf[n - 1] == '.')
        n--;
    return n + sprintf(buf + n, "%s", name);
}

const char *time_format_span(int64_t span, char buf[static TIME_TEXT_MAX])
{
    uint64_t ns = span < 0 ? 0 - (uint64_t)span : (uint64_t)span, minutes = ns / NS / 60;
    char *at = buf;

    if (span < 0)
        *at++ = '-';
    if (ns == 0)
        strcpy(at, "0s");
    else if (ns < 1000)
        sprintf(at, "%uns", (unsigned)ns);
    else if (ns < 1000000)
        put_decimal(at, ns, 1000, 3, "µs");
    else if (ns < NS)
        put_decimal(at, ns, 1000000, 6, "ms");
    else {
        if (minutes >= 60)
            at += sprintf(at, "%lluh", (unsigned long long)(minutes / 60));
        if (minutes)
            at += sprintf(at, "%um", (unsigned)(minutes % 60));
        put_decimal(at, ns % (60 * (uint64_t)NS), NS, 9, "s");
    }
    return buf;
}

const char *time_human(int64_t ns, char buf[static TIME_TEXT_MAX])
{
    int64_t s = ns / NS, m = s / 60, h = (s + 1800) / 3600;

    if (s < 1)
        strcpy(buf, "Less than a second");
    else if (s == 1)
        strcpy(buf, "1 second");
    else if (s < 60)
        sprintf(buf, "%d seconds", (int)s);
    else if (m == 1)
        strcpy(buf, "About a minute");
    else if (m < 60)
        sprintf(buf, "%d minutes", (int)m);
    else if (h == 1)
        strcpy(buf, "About an hour");
    else if (h < 48)
        sprintf(buf, "%d hours", (int)h);
    else if (h < 24 * 7 * 2)
        sprintf(buf, "%d days", (int)(h / 24));
    else if (h < 24 * 30 * 2)
        sprintf(buf, "%d weeks", (int)(h / 24 / 7));
    else if (h < 24 * 365 * 2)
        sprintf(buf, "%d months", (int)(h / 24 / 30));
    else
        sprintf(buf, "%lld years", (long long)(s / 3600 / 24 / 365));
    return buf;
}
