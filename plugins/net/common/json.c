/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - JSON documents, read with care and written as Go writes them; see net_common.h. */
#include "net_common.h"

#include <stdio.h>
#include <string.h>

json *js_get(const json *o, const char *key)
{
    json *value = NULL;

    if (!o || !json_object_is_type(o, json_type_object))
        return NULL;
    return json_object_object_get_ex(o, key, &value) ? value : NULL;
}

const char *js_str(const json *o, const char *key)
{
    json *value = js_get(o, key);

    return value && json_object_is_type(value, json_type_string) ? json_object_get_string(value)
                                                                 : "";
}

bool js_bool(const json *o, const char *key, bool otherwise)
{
    json *value = js_get(o, key);

    return value && json_object_is_type(value, json_type_boolean)
               ? json_object_get_boolean(value)
               : otherwise;
}

size_t js_len(const json *o, const char *key)
{
    json *value = js_get(o, key);

    return value && json_object_is_type(value, json_type_array)
               ? json_object_array_length(value)
               : 0;
}

json *js_at(const json *o, const char *key, size_t i)
{
    return i < js_len(o, key) ? json_object_array_get_idx(js_get(o, key), i) : NULL;
}

int js_set(json *o, const char *key, json *value)
{
    if (!value)
        return -ENOMEM;
    if (json_object_object_add(o, key, value) < 0) {
        json_object_put(value);
        return -ENOMEM;
    }
    return 0;
}

int js_set_str(json *o, const char *key, const char *value)
{
    return js_set(o, key, json_object_new_string(value));
}

int js_set_bool(json *o, const char *key, bool value)
{
    return js_set(o, key, json_object_new_boolean(value));
}

int js_append(json *list, json *item)
{
    if (list && item && json_object_array_add(list, item) == 0)
        return 0;
    json_object_put(item);
    return -ENOMEM;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **js_sorted(const json *o)
{
    size_t i = 0, n = o ? (size_t)json_object_object_length(o) : 0;
    const char **names = calloc(n + 1, sizeof(*names));

    if (!names || !o)
        return names;
    json_object_object_foreach (o, key, value) {
        (void)value;
        names[i++] = key;
    }
    qsort(names, n, sizeof(*names), by_bytes);
    return names;
}

/* ------------------------------------------------------------------ writing */

#define DEPTH_MAX 64

struct writer {
    const struct berth_host *h;
    struct berth_buf *out;
    const char *indent; /* of one level; NULL: all in one line */
    int r;
};

static void put(struct writer *w, const char *text, size_t len)
{
    if (w->r == 0)
        w->r = w->h->put(w->h->core, w->out, text, len);
}

static void put_line(struct writer *w, unsigned depth)
{
    if (!w->indent)
        return;
    put(w, "\n", 1);
    while (depth-- > 0)
        put(w, w->indent, strlen(w->indent));
}

static void put_string(struct writer *w, const char *s, size_t len)
{
    static const char plain[] = "\"\\\n\r\t", letter[] = "\"\\nrt";

    put(w, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        const char *special = s[i] ? strchr(plain, s[i]) : NULL;
        char text[8];

        if (special) {
            text[0] = '\\';
            text[1] = letter[special - plain];
            put(w, text, 2);
        } else if ((unsigned char)s[i] < 0x20 || s[i] == '<' || s[i] == '>' || s[i] == '&') {
            snprintf(text, sizeof(text), "\\u%04x", (unsigned)(unsigned char)s[i]);
            put(w, text, 6);
        } else {
            put(w, s + i, 1);
        }
    }
    put(w, "\"", 1);
}

static void put_value(struct writer *w, const json *j, unsigned depth);

static void put_object(struct writer *w, const json *j, unsigned depth)
{
    bool first = true;

    put(w, "{", 1);
    json_object_object_foreach (j, key, value) {
        if (!first)
            put(w, ",", 1);
        first = false;
        put_line(w, depth + 1);
        put_string(w, key, strlen(key));
        put(w, ": ", w->indent ? 2 : 1);
        put_value(w, value, depth + 1);
    }
    if (!first)
        put_line(w, depth);
    put(w, "}", 1);
}

static void put_array(struct writer *w, const json *j, unsigned depth)
{
    size_t n = json_object_array_length(j);

    put(w, "[", 1);
    for (size_t i = 0; i < n; i++) {
        if (i)
            put(w, ",", 1);
        put_line(w, depth + 1);
        put_value(w, json_object_array_get_idx(j, i), depth + 1);
    }
    if (n)
        put_line(w, depth);
    put(w, "]", 1);
}

static void put_value(struct writer *w, const json *j, unsigned depth)
{
    const char *text;

    if (depth > DEPTH_MAX) {
        w->r = -E2BIG;
        return;
    }
    switch (json_object_get_type(j)) {
    case json_type_object:
        put_object(w, j, depth);
        break;
    case json_type_array:
        put_array(w, j, depth);
        break;
    case json_type_string:
        put_string(w, json_object_get_string((json *)(uintptr_t)j),
                   (size_t)json_object_get_string_len(j));
        break;
    default:
        text = json_object_to_json_string_ext((json *)(uintptr_t)j, JSON_C_TO_STRING_PLAIN);
        put(w, text, strlen(text));
    }
}

int js_write(const struct berth_host *h, const json *j, bool pretty, struct berth_buf *out)
{
    struct writer w = {.h = h, .out = out, .indent = pretty ? "     " : NULL};

    put_value(&w, j, 0);
    if (pretty)
        put(&w, "\n", 1);
    return w.r;
}

int js_write_indented(const struct berth_host *h, const json *j, const char *indent,
                      struct berth_buf *out)
{
    struct writer w = {.h = h, .out = out, .indent = indent};

    put_value(&w, j, 0);
    return w.r;
}

json *js_parse(struct berth_blob text)
{
    struct json_tokener *t = json_tokener_new_ex(DEPTH_MAX);
    json *out = NULL;

    if (!t || text.len > INT32_MAX / 2) {
        json_tokener_free(t);
        return NULL;
    }
    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    out = json_tokener_parse_ex(t, text.data, (int)text.len);
    for (size_t i = json_tokener_get_parse_end(t); out && i < text.len; i++)
        if (!strchr(" \t\r\n", ((const char *)text.data)[i])) {
            json_object_put(out);
            out = NULL;
        }
    json_tokener_free(t);
    return out;
}
