/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few attributes that this format keeps in the state document alone: found without
 * building a tree of the document, which is read by the engine when it needs all of it.
 * Dates in the form of the document live here too.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "boltdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

struct scan {
    const char *at, *end;
};

static void skip_space(struct scan *s)
{
    while (s->at < s->end && strchr(" \t\n\r", *s->at) && *s->at)
        s->at++;
}

/* The string that begins here, without its quotes; false: there is none. */
static bool take_string(struct scan *s, struct bolt_bytes *out)
{
    const char *from = s->at + 1;

    if (s->at >= s->end || *s->at != '"')
        return false;
    for (s->at++; s->at < s->end && *s->at != '"'; s->at++) {
        if ((unsigned char)*s->at < 0x20)
            return false;
        if (*s->at == '\\')
            s->at++;
    }
    if (s->at >= s->end)
        return false;
    out->data = from;
    out->len = (size_t)(s->at - from);
    s->at++;
    return true;
}

/* Pass over a value.  What is inside arrays and objects is only balanced. */
static bool skip_value(struct scan *s)
{
    struct bolt_bytes string;
    size_t depth = 0;

    do {
        skip_space(s);
        if (s->at >= s->end)
            return false;
        switch (*s->at) {
        case '"':
            if (!take_string(s, &string))
                return false;
            break;
        case '{':
        case '[':
            depth++;
            s->at++;
            break;
        case '}':
        case ']':
            if (!depth)
                return false;
            depth--;
            s->at++;
            break;
        case ',':
        case ':':
            if (!depth)
                return false;
            s->at++;
            break;
        default: {
            const char *from = s->at;

            while (s->at < s->end && *s->at && !strchr(" \t\n\r,:{}[]\"", *s->at))
                s->at++;
            if (s->at == from)
                return false;
        }
        }
    } while (depth);
    return true;
}

/* The bytes of a member's value. */
static bool find_member(const void *json, size_t len, const char *member,
                        struct bolt_bytes *out)
{
    struct scan s = {.at = json, .end = (const char *)json + len};
    size_t member_len = strlen(member);
    bool found = false;

    if (!len)
        return false;
    skip_space(&s);
    if (s.at >= s.end || *s.at != '{')
        return false;
    s.at++;
    for (;;) {
        struct bolt_bytes name;
        const char *from;

        skip_space(&s);
        if (!take_string(&s, &name))
            return found;
        skip_space(&s);
        if (s.at >= s.end || *s.at++ != ':')
            return found;
        skip_space(&s);
        from = s.at;
        if (!skip_value(&s))
            return found;
        if (name.len == member_len && strncasecmp(name.data, member, member_len) == 0) {
            out->data = from;
            out->len = (size_t)(s.at - from);
            found = true;
        }
        skip_space(&s);
        if (s.at >= s.end || *s.at++ != ',')
            return found;
    }
}

int boltdb_peek_int(const void *json, size_t len, const char *member, int64_t *out)
{
    struct bolt_bytes v;
    char text[24], *end;
    long long n;

    if (!find_member(json, len, member, &v) || v.len == 0 || v.len >= sizeof text)
        return 0;
    memcpy(text, v.data, v.len);
    text[v.len] = '\0';
    errno = 0;
    n = strtoll(text, &end, 10);
    if (errno || *end || !strchr("-0123456789", text[0]))
        return 0;
    *out = n;
    return 1;
}

int boltdb_peek_string(const void *json, size_t len, const char *member, struct bolt_bytes *out)
{
    struct bolt_bytes v;
    struct scan s;

    if (!find_member(json, len, member, &v))
        return 0;
    s.at = v.data;
    s.end = s.at + v.len;
    if (!take_string(&s, out) || memchr(out->data, '\\', out->len))
        return 0;
    return 1;
}

/* ---------------------------------------------------------------------- dates */

#define NS INT64_C(1000000000)

void boltdb_date_text(berth_date date, char *text)
{
    int64_t seconds = date / NS, ns = date % NS;
    time_t when;
    struct tm tm;
    size_t n;

    if (ns < 0) {
        ns += NS;
        seconds--;
    }
    when = (time_t)seconds;
    gmtime_r(&when, &tm);
    n = strftime(text, 24, "%Y-%m-%dT%H:%M:%S", &tm);
    if (ns) {
        n += (size_t)snprintf(text + n, 12, ".%09d", (int)ns);
        while (text[n - 1] == '0')
            n--;
    }
    memcpy(text + n, "Z", 2);
}

/* Exactly n digits. */
static bool digits(const char **p, const char *end, int n, int *out)
{
    *out = 0;
    for (; n; n--, ++*p) {
        if (*p >= end || **p < '0' || **p > '9')
            return false;
        *out = *out * 10 + (**p - '0');
    }
    return true;
}

static bool one_of(const char **p, const char *end, const char *set, char *out)
{
    if (*p >= end || !**p || !strchr(set, **p))
        return false;
    *out = *(*p)++;
    return true;
}

static int days_in(int year, int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* Z or +hh:mm; seconds east of Greenwich. */
static bool parse_zone(const char **p, const char *end, int *offset)
{
    int h, m;
    char c;

    if (!one_of(p, end, "Z+-", &c))
        return false;
    *offset = 0;
    if (c == 'Z')
        return true;
    if (!digits(p, end, 2, &h) || *p >= end || *(*p)++ != ':' || !digits(p, end, 2, &m) ||
        h > 23 || m > 59)
        return false;
    *offset = (h * 60 + m) * 60 * (c == '-' ? -1 : 1);
    return true;
}

int boltdb_date_parse(const char *text, size_t len, berth_date *out)
{
    const char *p = text, *end = text + len;
    struct tm tm = {0};
    int64_t ns = 0, unit = NS / 10;
    int offset;
    char c;

    if (!digits(&p, end, 4, &tm.tm_year) || !one_of(&p, end, "-", &c) ||
        !digits(&p, end, 2, &tm.tm_mon) || !one_of(&p, end, "-", &c) ||
        !digits(&p, end, 2, &tm.tm_mday) || !one_of(&p, end, "T", &c) ||
        !digits(&p, end, 2, &tm.tm_hour) || !one_of(&p, end, ":", &c) ||
        !digits(&p, end, 2, &tm.tm_min) || !one_of(&p, end, ":", &c) ||
        !digits(&p, end, 2, &tm.tm_sec))
        return -EINVAL;
    if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
        tm.tm_mday > days_in(tm.tm_year, tm.tm_mon) || tm.tm_hour > 23 || tm.tm_min > 59 ||
        tm.tm_sec > 59)
        return -EINVAL;
    if (one_of(&p, end, ".,", &c)) {
        if (p >= end || *p < '0' || *p > '9')
            return -EINVAL;
        for (; p < end && *p >= '0' && *p <= '9'; p++, unit /= 10)
            ns += (*p - '0') * unit;
    }
    if (!parse_zone(&p, end, &offset) || p != end)
        return -EINVAL;
    /* Dates that 64 bits of nanoseconds cannot hold are as good as the limits. */
    if (tm.tm_year < 1678 || tm.tm_year > 2261) {
        *out = tm.tm_year < 1678 ? INT64_MIN : INT64_MAX;
        return 0;
    }
    tm.tm_year -= 1900;
    tm.tm_mon--;
    *out = ((int64_t)timegm(&tm) - offset) * NS + ns;
    return 0;
}
