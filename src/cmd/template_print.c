/* SPDX-License-Identifier: Apache-2.0 */
/* template_print.c - values as Go's fmt prints them. */
#include "base/str.h"
#include "base/time.h"
#include "cmd/template_int.h"
#include <ctype.h>
#include <math.h>

void print_quoted(const char *s, struct berth_buf *out)
{
    static const char special[] = "\a\b\f\n\r\t\v\\\"", letters[] = "abfnrtv\\\"";

    buf_putc(out, '"');
    for (; *s; s++) {
        const char *at = strchr(special, *s);

        if (at)
            buf_printf(out, "\\%c", letters[at - special]);
        else if ((unsigned char)*s < ' ' || *s == 0x7f)
            buf_printf(out, "\\x%02x", (unsigned)(unsigned char)*s);
        else
            buf_putc(out, *s);
    }
    buf_putc(out, '"');
}

/* The shortest digits that read back as the same number, as Go's %v. */
static void print_shortest(double d, struct berth_buf *out)
{
    char text[40], *exponent;
    int digits = 1, power;

    for (; digits < 17; digits++) {
        snprintf(text, sizeof(text), "%.*e", digits - 1, d);
        if (strtod(text, NULL) == d)
            break;
    }
    snprintf(text, sizeof(text), "%.*e", digits - 1, d);
    exponent = strchr(text, 'e');
    power = exponent ? atoi(exponent + 1) : 0;
    if (power < -4 || power >= 6)
        buf_puts(out, text);
    else
        buf_printf(out, "%.*f", MAX(digits - 1 - power, 0), d);
}

void print_float(double d, char verb, int precision, struct berth_buf *out)
{
    char format[] = "%.*f";

    if (isnan(d) || isinf(d)) {
        buf_puts(out, isnan(d) ? "NaN" : d < 0 ? "-Inf" : "+Inf");
        return;
    }
    if (verb == 'v' || ((verb == 'g' || verb == 'G') && precision < 0)) {
        print_shortest(d, out);
        return;
    }
    format[3] = verb == 'F' ? 'f' : verb;
    _Pragma("GCC diagnostic push");
    _Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"");
    buf_printf(out, format, precision < 0 ? 6 : precision, d);
    _Pragma("GCC diagnostic pop");
}

struct spec {
    bool minus, plus, sharp, space, zero;
    int width, precision; /* -1: not given */
    char verb;
};

static void print_bad_verb(const struct spec *s, struct value v, struct berth_buf *out)
{
    if (v.missing || !v.j) {
        buf_printf(out, "%%!%c(<nil>)", s->verb);
        return;
    }
    buf_printf(out, "%%!%c(%s=", s->verb, value_type(v));
    value_print(v, out);
    buf_putc(out, ')');
}

static void print_string(const struct spec *s, const char *text, struct value v,
                         struct berth_buf *out)
{
    size_t len = strlen(text);

    if (s->precision >= 0)
        len = MIN(len, (size_t)s->precision);
    switch (s->verb) {
    case 's':
    case 'v':
        if (s->verb == 'v' && s->sharp)
            print_quoted(text, out);
        else
            buf_put(out, text, len);
        break;
    case 'q':
        print_quoted(text, out);
        break;
    case 'x':
    case 'X':
        for (size_t i = 0; i < len; i++)
            buf_printf(out, s->verb == 'x' ? "%02x" : "%02X", (unsigned)(unsigned char)text[i]);
        break;
    default:
        print_bad_verb(s, v, out);
    }
}

void print_character(uint64_t c, struct berth_buf *out)
{
    char bytes[5];
    int n = 0;

    if (c < 0x80) {
        bytes[n++] = (char)c;
    } else if (c < 0x800) {
        bytes[n++] = (char)(0xc0 | c >> 6);
        bytes[n++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        bytes[n++] = (char)(0xe0 | c >> 12);
        bytes[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        bytes[n++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x110000) {
        bytes[n++] = (char)(0xf0 | c >> 18);
        bytes[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        bytes[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        bytes[n++] = (char)(0x80 | (c & 0x3f));
    }
    buf_put(out, bytes, (size_t)n);
}

static void print_int(const struct spec *s, struct value v, struct berth_buf *out)
{
    int64_t signed_value = json_object_get_int64(v.j);
    bool minus = signed_value < 0;
    uint64_t n = minus ? 0 - (uint64_t)signed_value : json_object_get_uint64(v.j);
    char digits[72], *at = digits + sizeof(digits);
    unsigned base = s->verb == 'b'                     ? 2
                    : s->verb == 'o' || s->verb == 'O' ? 8
                    : tolower(s->verb) == 'x'          ? 16
                                                       : 10;
    int fill;

    if (s->verb == 'c' || s->verb == 'U' || s->verb == 'q') {
        if (s->verb == 'U')
            buf_printf(out, "U+%04llX", (unsigned long long)n);
        else if (s->verb == 'q')
            buf_putc(out, '\'');
        if (s->verb != 'U')
            print_character(n, out);
        if (s->verb == 'q')
            buf_putc(out, '\'');
        return;
    }
    if (!strchr("vdbooOxX", s->verb)) {
        print_bad_verb(s, v, out);
        return;
    }
    *--at = '\0';
    do {
        *--at = (s->verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[n % base];
        n /= base;
    } while (n);
    if (minus || s->plus || s->space)
        buf_putc(out, minus ? '-' : s->plus ? '+' : ' ');
    if (s->sharp && base == 16)
        buf_puts(out, s->verb == 'X' ? "0X" : "0x");
    else if (s->sharp && base == 2)
        buf_puts(out, "0b");
    else if (s->verb == 'O' || (s->sharp && base == 8))
        buf_puts(out, s->verb == 'O' ? "0o" : "0");
    fill = s->precision >= 0 ? s->precision
           : s->zero && !s->minus
               ? s->width - (minus || s->plus || s->space) - (s->sharp && base == 16 ? 2 : 0)
               : 0;
    for (int have = (int)strlen(at); have < fill; have++)
        buf_putc(out, '0');
    buf_puts(out, at);
}

static void print_verb(const struct spec *s, struct value v, struct berth_buf *out);

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void print_object(const struct spec *s, struct value v, struct berth_buf *out)
{
    size_t n = (size_t)json_object_object_length(v.j), i = 0;
    _cleanup_free_ const char **names = calloc(n + 1, sizeof(*names));
    bool map = json_is_map(v.j);

    if (!names)
        return;
    json_object_object_foreach (v.j, key, value) {
        (void)value;
        names[i++] = key;
    }
    if (map)
        SORT(names, n, compare_names);
    buf_puts(out, map ? "map[" : "{");
    for (i = 0; i < n; i++) {
        if (i)
            buf_putc(out, ' ');
        if (map)
            buf_printf(out, "%s:", names[i]);
        if (!map && !json_get(v.j, names[i]))
            buf_puts(out, "[]"); /* null members of structs are lists, nearly always */
        else
            print_verb(s, VALUE(json_get(v.j, names[i])), out);
    }
    buf_putc(out, map ? ']' : '}');
}

static void print_time(struct value v, struct berth_buf *out)
{
    char text[TIME_TEXT_MAX];
    berth_date date;

    if (time_parse(json_object_get_string(v.j), &date) == 0)
        buf_puts(out, time_format_go(date, text));
    else
        buf_puts(out, json_object_get_string(v.j));
}

static void print_verb(const struct spec *s, struct value v, struct berth_buf *out)
{
    if (v.missing || !v.j) {
        if (s->verb == 'v')
            buf_puts(out, v.missing ? "<no value>" : "<nil>");
        else
            print_bad_verb(s, v, out);
        return;
    }
    if (json_is_nil(v.j) && json_object_is_type(v.j, json_type_object) && !json_is_map(v.j)) {
        print_verb(s, VALUE(NULL), out);
        return;
    }
    switch (json_object_get_type(v.j)) {
    case json_type_boolean:
        if (s->verb == 'v' || s->verb == 't')
            buf_puts(out, json_object_get_boolean(v.j) ? "true" : "false");
        else
            print_bad_verb(s, v, out);
        break;
    case json_type_double:
        if (strchr("vgGeEfF", s->verb))
            print_float(json_object_get_double(v.j), s->verb, s->precision, out);
        else
            print_bad_verb(s, v, out);
        break;
    case json_type_int:
        print_int(s, v, out);
        break;
    case json_type_string:
        if (str_eq(json_mark(v.j), "time.Time") && (s->verb == 'v' || s->verb == 's'))
            print_time(v, out);
        else
            print_string(s, json_object_get_string(v.j), v, out);
        break;
    case json_type_array:
        buf_putc(out, '[');
        for (size_t i = 0; i < json_len(v.j); i++) {
            if (i)
                buf_putc(out, ' ');
            print_verb(s, VALUE(json_item(v.j, i)), out);
        }
        buf_putc(out, ']');
        break;
    case json_type_object:
        print_object(s, v, out);
        break;
    case json_type_null:
        break;
    }
}

void value_print(struct value v, struct berth_buf *out)
{
    print_verb(&(struct spec){.width = -1, .precision = -1, .verb = 'v'}, v, out);
}

static size_t count_characters(const char *s)
{
    size_t n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

#define WIDTH_MAX 1000

/* A number in a format; Go takes no larger ones than a million. */
static int read_number(const char **s)
{
    int n = -1;

    for (; isdigit((unsigned char)**s); (*s)++)
        n = MIN((n < 0 ? 0 : n) * 10 + (**s - '0'), WIDTH_MAX);
    return n;
}

/* Read what follows a percent sign, the verb excluded. */
static const char *read_spec(const char *s, struct spec *spec)
{
    *spec = (struct spec){.precision = -1};
    for (;; s++) {
        if (*s == '-')
            spec->minus = true;
        else if (*s == '+')
            spec->plus = true;
        else if (*s == '#')
            spec->sharp = true;
        else if (*s == ' ')
            spec->space = true;
        else if (*s == '0')
            spec->zero = true;
        else
            break;
    }
    spec->width = read_number(&s);
    if (*s == '.') {
        s++;
        spec->precision = read_number(&s);
        spec->precision = MAX(spec->precision, 0);
    }
    return s;
}

static void print_padded(const struct spec *spec, struct value v, struct berth_buf *out)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    bool number = v.j && json_object_is_type(v.j, json_type_double);
    const char *at;
    int width;

    print_verb(spec, v, &text);
    width = (int)count_characters(buf_str(&text));
    at = buf_str(&text);
    if (spec->minus)
        buf_puts(out, at);
    else if (number && spec->zero && *at == '-')
        buf_putc(out, *at++);
    for (; width < spec->width; width++)
        buf_putc(out, spec->zero && !spec->minus ? '0' : ' ');
    if (!spec->minus)
        buf_puts(out, at);
}

void value_printf(const char *format, const struct value *args, size_t n, struct berth_buf *out)
{
    size_t used = 0;
    struct spec spec;

    for (const char *s = format; *s; s++) {
        if (*s != '%') {
            buf_putc(out, *s);
            continue;
        }
        s = read_spec(s + 1, &spec);
        if (!*s) {
            buf_puts(out, "%!(NOVERB)");
            break;
        }
        spec.verb = *s;
        if (*s == '%') {
            buf_putc(out, '%');
        } else if (used >= n) {
            buf_printf(out, "%%!%c(MISSING)", *s);
        } else if (*s == 'T') {
            buf_puts(out, value_type(args[used++]));
        } else {
            print_padded(&spec, args[used++], out);
        }
    }
    if (used < n) {
        buf_puts(out, "%!(EXTRA ");
        for (size_t i = used; i < n; i++) {
            buf_printf(out, "%s%s=", i > used ? ", " : "", value_type(args[i]));
            value_print(args[i], out);
        }
        buf_putc(out, ')');
    }
}
