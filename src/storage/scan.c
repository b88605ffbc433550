/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - see scan.h. */
#include "storage/scan.h"
#include <string.h>

#define DEPTH_MAX 64

static void skip_space(struct scan *s)
{
    while (s->at < s->end &&
           (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

bool scan_peek(struct scan *s, char want)
{
    skip_space(s);
    return s->at < s->end && *s->at == want;
}

bool scan_char(struct scan *s, char want)
{
    if (!scan_peek(s, want))
        return false;
    s->at++;
    return true;
}

bool scan_end(struct scan *s)
{
    skip_space(s);
    return s->at == s->end;
}

static bool is_digit(const struct scan *s)
{
    return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Behind a backslash. */
static bool skip_escape(struct scan *s)
{
    if (s->at == s->end || !*s->at || !strchr("\"\\/bfnrtu", *s->at))
        return false;
    if (*s->at++ != 'u')
        return true;
    for (int i = 0; i < 4; i++)
        if (s->at == s->end || !is_hex(*s->at++))
            return false;
    return true;
}

bool scan_string(struct scan *s, struct berth_blob *out)
{
    const char *start;

    if (!scan_char(s, '"'))
        return false;
    start = s->at - 1;
    while (s->at < s->end) {
        unsigned char c = (unsigned char)*s->at++;

        if (c == '"') {
            *out = (struct berth_blob){start, (size_t)(s->at - start)};
            return true;
        }
        if (c < 0x20 || (c == '\\' && !skip_escape(s)))
            return false;
    }
    return false;
}

static bool skip_digits(struct scan *s)
{
    if (!is_digit(s))
        return false;
    while (is_digit(s))
        s->at++;
    return true;
}

static bool skip_number(struct scan *s)
{
    if (*s->at == '-')
        s->at++;
    if (s->at < s->end && *s->at == '0')
        s->at++;
    else if (!skip_digits(s))
        return false;
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (!skip_digits(s))
            return false;
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
            s->at++;
        return skip_digits(s);
    }
    return true;
}

static bool skip_word(struct scan *s)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(words[i]);

        if ((size_t)(s->end - s->at) >= len && memcmp(s->at, words[i], len) == 0) {
            s->at += len;
            return true;
        }
    }
    return false;
}

static bool skip_value(struct scan *s, unsigned depth)
{
    struct berth_blob unused;
    char open;

    skip_space(s);
    if (s->at == s->end || depth > DEPTH_MAX)
        return false;
    open = *s->at;
    if (open == '"')
        return scan_string(s, &unused);
    if (open == '-' || is_digit(s))
        return skip_number(s);
    if (open != '{' && open != '[')
        return skip_word(s);
    s->at++;
    if (scan_char(s, open == '{' ? '}' : ']'))
        return true;
    do {
        if (open == '{' && (!scan_string(s, &unused) || !scan_char(s, ':')))
            return false;
        if (!skip_value(s, depth + 1))
            return false;
    } while (scan_char(s, ','));
    return scan_char(s, open == '{' ? '}' : ']');
}

bool scan_value(struct scan *s, struct berth_blob *out)
{
    const char *start;

    skip_space(s);
    start = s->at;
    if (!skip_value(s, 0))
        return false;
    *out = (struct berth_blob){start, (size_t)(s->at - start)};
    return true;
}
