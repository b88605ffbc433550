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

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && is_space(*s->at))
        s->at++;
}

/* How many of eight bytes come before the first that is a quote, a backslash or a control
 * character: the high bit of each such byte is set, and of some that follow one. */
static unsigned plain_bytes(const char *at)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t v, quote, slash, found;

    memcpy(&v, at, sizeof v);
    v = le64toh(v);
    quote = v ^ ones * '"';
    slash = v ^ ones * '\\';
    found = ((v - ones * 0x20) & ~v) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
    found &= ones * 0x80;
    return found ? (unsigned)__builtin_ctzll(found) / 8 : 8;
}

/* The string that begins here, without its quotes; false: there is none. */
static bool take_string(struct scan *s, struct bolt_bytes *out)
{
    const char *from = s->at + 1, *at = from;

    if (s->at >= s->end || *s->at != '"')
        return false;
    for (;;) {
        unsigned plain = 8;

        while (plain == 8 && s->end - at >= 8) {
            plain = plain_bytes(at);
            at += plain;
        }
        if (at >= s->end || (unsigned char)*at < 0x20)
            return false;
        if (*at == '"')
            break;
        if (*at == '\\' && ++at >= s->end)
            return false;
        at++;
    }
    *out = (struct bolt_bytes){from, (size_t)(at - from)};
    s->at = at + 1;
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

            while (s->at < s->end && *s->at && !is_space(*s->at) && !strchr(",:{}[]\"", *s->at))
                s->at++;
            if (s->at == from)
                return false;
        }
        }
    } while (depth);
    return true;
}

void boltdb_peek(const void *json, size_t len, struct boltdb_member *members, size_t n)
{
    struct scan s = {.at = json, .end = (const char *)json + len};

    if (!len)
        return;
    skip_space(&s);
    if (s.at >= s.end || *s.at != '{')
        return;
    do {
        struct bolt_bytes name;
        const char *from;

        s.at++;
        skip_space(&s);
        if (!take_string(&s, &name))
            return;
        skip_space(&s);
        if (s.at >= s.end || *s.at++ != ':')
            return;
        skip_space(&s);
        from = s.at;
        if (!skip_value(&s))
            return;
        for (size_t i = 0; i < n; i++) {
            if (strncasecmp(members[i].name, name.data, name.len) == 0 &&
                members[i].name[name.len] == '\0')
                members[i].value = (struct bolt_bytes){from, (size_t)(s.at - from)};
        }
        skip_space(&s);
    } while (s.at < s.end && *s.at == ',');
}

int boltdb_peek_int(const struct boltdb_member *m, int64_t *out)
{
    char text[24], *end;
    long long n;

    if (m->value.len == 0 || m->value.len >= sizeof text)
        return 0;
    memcpy(text, m->value.data, m->value.len);
    text[m->value.len] = '\0';
    errno = 0;
    n = strtoll(text, &end, 10);
    if (errno || *end || !strchr("-0123456789", text[0]))
        return 0;
    *out = n;
    return 1;
}

int boltdb_peek_string(const struct boltdb_member *m, struct bolt_bytes *out)
{
    struct scan s = {.at = m->value.data, .end = (const char *)m->value.data + m->value.len};

    return m->value.len && take_string(&s, out) && !memchr(out->data, '\\', out->len);
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
