/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_project.c - reading a few members of a document without a tree.
 *
 * A listing shows a handful of members of documents of twelve kilobytes each; building a
 * tree for every one of them would be most of its work.
 */
#include "base/json.h"
#include "base/json_skip.h"
#include "base/str.h"

struct cursor {
    const char *at, *end;
};

static void skip_space(struct cursor *c)
{
    while (c->at < c->end &&
           (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

static bool take(struct cursor *c, char want)
{
    skip_space(c);
    if (c->at >= c->end || *c->at != want)
        return false;
    c->at++;
    return true;
}

/* Behind an opening quote: move behind the closing one.  *len: bytes between. */
static bool skip_string(struct cursor *c, const char **start, size_t *len)
{
    *start = c->at;
    while (c->at < c->end) {
        if (*c->at == '"') {
            *len = (size_t)(c->at - *start);
            c->at++;
            return true;
        }
        c->at += *c->at == '\\' && c->at + 1 < c->end ? 2 : 1;
    }
    return false;
}

/* Move behind the value that begins here. */
static bool skip_value(struct cursor *c)
{
    const char *start;
    size_t len;

    skip_space(c);
    if (c->at >= c->end)
        return false;
    if (*c->at == '"') {
        c->at++;
        return skip_string(c, &start, &len);
    }
    if (*c->at == '{' || *c->at == '[') {
        c->at = json_skip_nested(c->at + 1, c->end);
        return c->at != NULL;
    }
    start = c->at;
    while (c->at < c->end && !strchr(",}] \t\r\n", *c->at) && *c->at)
        c->at++;
    return c->at > start;
}

static void note(const char *key, size_t len, const char *value, size_t value_len,
                 const char *const *names, size_t n, struct berth_blob *out)
{
    for (size_t i = 0; i < n; i++)
        /* Damaged text may have a NUL in a key: lengths are compared first. */
        if (((names[i][0] ^ key[0]) & ~0x20) == 0 && strlen(names[i]) == len &&
            strncasecmp(names[i], key, len) == 0)
            out[i] = (struct berth_blob){value, value_len};
}

int json_project(struct berth_blob text, const char *const *names, size_t n,
                 struct berth_blob *out, struct berth_error *err)
{
    struct cursor c = {text.data, text.data ? (const char *)text.data + text.len : NULL};
    const char *key, *value;
    size_t len;

    for (size_t i = 0; i < n; i++)
        out[i] = (struct berth_blob){0};
    if (!take(&c, '{'))
        return fail(err, EUCLEAN, "not a JSON object");
    if (!take(&c, '}')) {
        do {
            if (!take(&c, '"') || !skip_string(&c, &key, &len) || !take(&c, ':'))
                return fail(err, EUCLEAN, "not valid JSON at byte %zu",
                            (size_t)(c.at - (const char *)text.data));
            skip_space(&c);
            value = c.at;
            if (!skip_value(&c))
                return fail(err, EUCLEAN, "not valid JSON at byte %zu",
                            (size_t)(value - (const char *)text.data));
            note(key, len, value, (size_t)(c.at - value), names, n, out);
        } while (take(&c, ','));
        if (!take(&c, '}'))
            return fail(err, EUCLEAN, "not valid JSON at byte %zu",
                        (size_t)(c.at - (const char *)text.data));
    }
    skip_space(&c);
    if (c.at != c.end)
        return fail(err, EUCLEAN, "text behind the JSON object at byte %zu",
                    (size_t)(c.at - (const char *)text.data));
    return 0;
}

static bool is_null(struct berth_blob v)
{
    return !v.data || (v.len == 4 && memcmp(v.data, "null", 4) == 0);
}

int json_text_str(struct berth_blob v, struct berth_buf *out)
{
    const char *s = v.data;
    json *j = NULL;
    int r;

    if (is_null(v))
        return 0;
    if (v.len < 2 || s[0] != '"' || s[v.len - 1] != '"')
        return -EINVAL;
    if (!memchr(s, '\\', v.len))
        return buf_put(out, s + 1, v.len - 2);
    if (json_parse(v, "string", &j, NULL) < 0)
        return -EINVAL;
    r = buf_puts(out, json_object_get_string(j));
    json_object_put(j);
    return r;
}

int json_text_i64(struct berth_blob v, int64_t *out)
{
    char digits[24];

    if (is_null(v))
        return 0;
    if (v.len >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, v.data, v.len);
    digits[v.len] = '\0';
    return str_to_i64(digits, out) < 0 ? -EINVAL : 0;
}

int json_text_bool(struct berth_blob v, bool *out)
{
    if (is_null(v))
        return 0;
    if (v.len == 4 && memcmp(v.data, "true", 4) == 0)
        *out = true;
    else if (v.len == 5 && memcmp(v.data, "false", 5) == 0)
        *out = false;
    else
        return -EINVAL;
    return 0;
}
