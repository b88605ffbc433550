/* SPDX-License-Identifier: Apache-2.0 */
/* template_const.c - constants in templates: Go's strings, characters and numbers. */
#include "base/str.h"
#include "cmd/template_int.h"
#include <ctype.h>
#include <math.h>

static int hex_digits(const char *s, int n, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < n; i++) {
        if (!isxdigit((unsigned char)s[i]))
            return -EINVAL;
        *out = *out * 16 + (unsigned)(isdigit((unsigned char)s[i])
                                          ? s[i] - '0'
                                          : tolower((unsigned char)s[i]) - 'a' + 10);
    }
    return 0;
}

/* Behind a backslash: the character meant.  Returns the bytes used, or -EINVAL. */
static int unescape(const char *s, size_t len, struct berth_buf *out)
{
    static const char letters[] = "abfnrtv\\'\"", values[] = "\a\b\f\n\r\t\v\\'\"";
    const char *letter = len && *s ? strchr(letters, *s) : NULL;
    int digits = *s == 'x' ? 2 : *s == 'u' ? 4 : *s == 'U' ? 8 : 0;
    unsigned c;

    if (letter) {
        buf_putc(out, values[letter - letters]);
        return 1;
    }
    if (digits) {
        if (len < (size_t)digits + 1 || hex_digits(s + 1, digits, &c) < 0 || c > 0x10ffff ||
            c == 0)
            return -EINVAL;
        if (digits == 2)
            buf_putc(out, (char)c);
        else
            print_character(c, out);
        return digits + 1;
    }
    return -EINVAL;
}

int template_unquote(const char *s, size_t len, struct berth_buf *out)
{
    for (size_t i = 1; i + 1 < len;) {
        if (s[i] == '\\') {
            int n = unescape(s + i + 1, len - i - 2, out);

            if (n < 0)
                return n;
            i += 1 + (size_t)n;
        } else {
            buf_putc(out, s[i++]);
        }
    }
    return buf_error(out);
}

json *template_character(const char *s, size_t len)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const unsigned char *u;
    unsigned c;

    if (template_unquote(s, len, &text) < 0 || text.len == 0)
        return NULL;
    u = (const unsigned char *)text.data;
    c = u[0];
    if (text.len == 2)
        c = (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
    else if (text.len == 3)
        c = (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
    else if (text.len == 4)
        c = (u[0] & 7u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
    else if (text.len > 4)
        return NULL;
    return json_new_i64(c);
}

json *template_number(const char *text)
{
    _cleanup_free_ char *plain = strdup(text);
    const char *digits = text + (*text == '-' || *text == '+');
    char *end, *to = plain;
    int base = 0;
    double d;

    if (!plain)
        return NULL;
    for (const char *s = text; *s; s++)
        if (*s != '_')
            *to++ = *s;
    *to = '\0';
    digits = plain + (digits - text);
    if (digits[0] == '0' && tolower((unsigned char)digits[1]) == 'b')
        base = 2;
    else if (digits[0] == '0' && tolower((unsigned char)digits[1]) == 'o')
        base = 8;
    errno = 0;
    if (base) {
        long long v = isalnum((unsigned char)digits[2]) ? strtoll(digits + 2, &end, base) : 0;

        return *digits && isalnum((unsigned char)digits[2]) && !*end && !errno
                   ? json_new_i64(*plain == '-' ? -v : v)
                   : NULL;
    }
    if (strtoll(plain, &end, 0), !*end && !errno)
        return json_new_i64(strtoll(plain, NULL, 0));
    errno = 0;
    d = strtod(plain, &end);
    if (*end || !isfinite(d) || strpbrk(plain, "nN"))
        return NULL;
    return fabs(d) < 9e15 && d == (double)(int64_t)d && !strchr(plain, '.')
               ? json_new_i64((int64_t)d)
               : json_object_new_double(d);
}
