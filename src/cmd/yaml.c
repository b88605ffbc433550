/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.c - see yaml.h. */
#include "cmd/yaml.h"
#include "base/str.h"
#include <ctype.h>

static void write_value(const json *j, int depth, struct berth_buf *out);

static void indent(int depth, struct berth_buf *out)
{
    for (int i = 0; i < depth; i++)
        buf_puts(out, "  ");
}

/* Would the plain text be read as something else than this string? */
static bool looks_typed(const char *s)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on",
                                        "off",  "null",  "~",   "y",  "n"};
    char *end;

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(words[i], s) == 0)
            return true;
    strtod(s, &end);
    return !*end;
}

static void write_string(const char *s, int depth, struct berth_buf *out)
{
    if (strchr(s, '\n')) {
        buf_puts(out, s[strlen(s) - 1] == '\n' ? "|" : "|-");
        while (*s) {
            size_t len = strcspn(s, "\n");

            buf_putc(out, '\n');
            indent(depth, out);
            buf_put(out, s, len);
            s += len + (s[len] == '\n');
        }
    } else if (!*s || looks_typed(s)) {
        buf_printf(out, "\"%s\"", s);
    } else if (strstr(s, ": ") || strstr(s, " #") || s[strlen(s) - 1] == ':' ||
               strchr("!&*-?|>@`%{}[]\"'#,: ", *s) ||
               isspace((unsigned char)s[strlen(s) - 1])) {
        buf_putc(out, '\'');
        for (; *s; s++) {
            if (*s == '\'')
                buf_putc(out, '\'');
            buf_putc(out, *s);
        }
        buf_putc(out, '\'');
    } else {
        buf_puts(out, s);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_members(const json *object, int depth, struct berth_buf *out)
{
    size_t n = (size_t)json_object_object_length(object), i = 0;
    _cleanup_free_ const char **names = calloc(n + 1, sizeof(*names));

    if (!names) {
        out->error = -ENOMEM;
        return;
    }
    json_object_object_foreach ((json *)(uintptr_t)object, key, value) {
        (void)value;
        names[i++] = key;
    }
    SORT(names, n, compare_names);
    for (i = 0; i < n; i++) {
        const json *member = json_get(object, names[i]);
        bool nested = json_len(member) > 0 || (json_object_is_type(member, json_type_object) &&
                                               json_object_object_length(member) > 0);

        indent(depth, out);
        buf_printf(out, "%s:%s", names[i], nested ? "\n" : " ");
        write_value(member, depth, out);
        if (!nested)
            buf_putc(out, '\n');
    }
}

static void write_value(const json *j, int depth, struct berth_buf *out)
{
    if (json_object_is_type(j, json_type_object)) {
        if (json_object_object_length(j) == 0)
            buf_puts(out, "{}");
        else
            write_members(j, depth + 1, out);
    } else if (json_object_is_type(j, json_type_array)) {
        if (json_len(j) == 0)
            buf_puts(out, "[]");
        for (size_t i = 0; i < json_len(j); i++) {
            indent(depth, out);
            buf_puts(out, "- ");
            write_value(json_item(j, i), depth + 1, out);
            buf_putc(out, '\n');
        }
    } else if (json_object_is_type(j, json_type_string)) {
        write_string(json_object_get_string((json *)(uintptr_t)j), depth + 1, out);
    } else {
        json_write(j, JSON_RAW, out);
    }
}

void yaml_write(const json *object, struct berth_buf *out)
{
    write_members(object, 0, out);
}
