/* SPDX-License-Identifier: Apache-2.0 */
/* json_write.c - the text of JSON trees in the form that Go's encoders give it. */
#include "base/json.h"
#include "base/json_skip.h"
#include <string.h>

struct style {
    unsigned flags;
    const char *prefix; /* NULL: all on one line */
    const char *indent;
};

/* Length of the valid UTF-8 sequence at s, or 0. */
static size_t utf8_len(const unsigned char *s, size_t left)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (n == 0 || n > left || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

static void put_escape(unsigned char c, struct berth_buf *out)
{
    switch (c) {
    case '"':
        buf_puts(out, "\\\"");
        break;
    case '\\':
        buf_puts(out, "\\\\");
        break;
    case '\n':
        buf_puts(out, "\\n");
        break;
    case '\r':
        buf_puts(out, "\\r");
        break;
    case '\t':
        buf_puts(out, "\\t");
        break;
    default:
        buf_printf(out, "\\u%04x", c);
    }
}

int json_write_str(const char *text, size_t len, unsigned flags, struct berth_buf *out)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t plain = 0;

    buf_putc(out, '"');
    for (size_t i = 0; i < len;) {
        unsigned char c;
        size_t n = 1;

        i = (size_t)(json_skip_plain(text + i, text + len) - text);
        if (i == len)
            break;
        c = s[i];
        if ((flags & JSON_RAW) && (c == '<' || c == '>' || c == '&')) {
            i++;
            continue;
        }
        if (c >= 0x80) {
            n = utf8_len(s + i, len - i);
            if (n &&
                !(n == 3 && memcmp(s + i, "\xe2\x80", 2) == 0 && (s[i + 2] & ~1) == 0xa8)) {
                i += n;
                continue;
            }
        }
        buf_put(out, s + plain, i - plain);
        if (c < 0x80)
            put_escape(c, out);
        else if (n == 0)
            buf_puts(out, "\\ufffd");
        else
            buf_printf(out, "\\u20%02x", s[i + 2] == 0xa8 ? 0x28 : 0x29);
        i += n ? n : 1;
        plain = i;
    }
    buf_put(out, s + plain, len - plain);
    return buf_putc(out, '"');
}

static void newline(const struct style *style, unsigned depth, struct berth_buf *out)
{
    if (!style->prefix)
        return;
    buf_putc(out, '\n');
    buf_puts(out, style->prefix);
    while (depth--)
        buf_puts(out, style->indent);
}

static void put(const json *j, const struct style *style, unsigned depth,
                struct berth_buf *out);

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_member(const char *key, const json *value, bool first,
                       const struct style *style, unsigned depth, struct berth_buf *out)
{
    if (!first)
        buf_putc(out, ',');
    newline(style, depth + 1, out);
    json_write_str(key, strlen(key), style->flags, out);
    buf_puts(out, style->prefix ? ": " : ":");
    put(value, style, depth + 1, out);
}

static void put_object(const json *o, const struct style *style, unsigned depth,
                       struct berth_buf *out)
{
    size_t n = (size_t)json_object_object_length(o), i = 0;
    const char **keys = NULL;

    buf_putc(out, '{');
    if ((style->flags & JSON_SORTED) && n && (keys = malloc(n * sizeof(*keys)))) {
        json_object_object_foreach ((json *)(uintptr_t)o, key, value) {
            (void)value;
            keys[i++] = key;
        }
        SORT(keys, n, compare_keys);
        for (i = 0; i < n; i++)
            put_member(keys[i], json_get(o, keys[i]), i == 0, style, depth, out);
        free(keys);
    } else {
        json_object_object_foreach ((json *)(uintptr_t)o, key, value) {
            put_member(key, value, i++ == 0, style, depth, out);
        }
    }
    if (n)
        newline(style, depth, out);
    buf_putc(out, '}');
}

static void put_array(const json *a, const struct style *style, unsigned depth,
                      struct berth_buf *out)
{
    size_t n = json_len(a);

    buf_putc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_putc(out, ',');
        newline(style, depth + 1, out);
        put(json_item(a, i), style, depth + 1, out);
    }
    if (n)
        newline(style, depth, out);
    buf_putc(out, ']');
}

static void put(const json *j, const struct style *style, unsigned depth, struct berth_buf *out)
{
    json *plain = (json *)(uintptr_t)j;

    switch (json_object_get_type(j)) {
    case json_type_object:
        put_object(j, style, depth, out);
        break;
    case json_type_array:
        put_array(j, style, depth, out);
        break;
    case json_type_string:
        json_write_str(json_object_get_string(plain), (size_t)json_object_get_string_len(plain),
                       style->flags, out);
        break;
    case json_type_null:
        buf_puts(out, "null");
        break;
    case json_type_boolean:
    case json_type_double:
    case json_type_int:
        buf_puts(out, json_object_to_json_string(plain));
        break;
    }
}

int json_write(const json *j, unsigned flags, struct berth_buf *out)
{
    put(j, &(struct style){.flags = flags}, 0, out);
    return buf_error(out);
}

int json_write_pretty(const json *j, unsigned flags, const char *prefix, const char *indent,
                      struct berth_buf *out)
{
    put(j, &(struct style){.flags = flags, .prefix = prefix, .indent = indent}, 0, out);
    return buf_error(out);
}
