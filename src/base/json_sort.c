/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_sort.c - a document with the names of its members in order, without a tree.
 *
 * Members are appended as they come, and where each stands in the output is noted; at the end
 * of an object whose members came out of order their texts change places.  Strings and whole
 * numbers, nearly all of every document, are copied as they are; other values go through the
 * parser one by one, so that their text is what json_write() makes of them.
 */
#include "base/json.h"
#include "base/json_skip.h"
#include <stdlib.h>
#include <string.h>

/* What is larger or deeper is left to the parser, which has limits of its own. */
#define SIZE_MAX_QUICK ((size_t)16 << 20)
#define DEPTH_MAX      256

/* One member of an object that is being written: offsets into the output. */
struct member {
    size_t start; /* of its name, behind the quote */
    size_t name_len;
    size_t end; /* behind its value */
};

struct sort {
    const char *at, *end;
    struct berth_buf *out;
    struct json_pick *picks;
    size_t n_picks;
    struct member *members; /* of all objects that are open, innermost last */
    size_t n, cap;
    struct berth_buf moved; /* an object while its members change places */
};

static void skip_space(struct sort *s)
{
    while (s->at < s->end &&
           (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

static bool take(struct sort *s, char want)
{
    skip_space(s);
    if (s->at >= s->end || *s->at != want)
        return false;
    s->at++;
    return true;
}

/* A value for the parser, which writes it as it always does. */
static bool put_parsed(struct sort *s, const char *start)
{
    _cleanup_json_ json *value = NULL;
    struct berth_blob text = {start, (size_t)(s->at - start)};

    return json_parse(text, "value", &value, NULL) == 0 && json_write(value, 0, s->out) == 0;
}

/* Behind the quote of a string: behind its end.  False: it has none. */
static bool skip_string(struct sort *s)
{
    for (; s->at < s->end; s->at++) {
        if (*s->at == '"') {
            s->at++;
            return true;
        }
        if (*s->at == '\\')
            s->at++;
    }
    return false;
}

static bool put_string(struct sort *s)
{
    const char *start = s->at++;

    s->at = json_skip_plain(s->at, s->end);
    if (s->at == s->end)
        return false;
    if (*s->at == '"') {
        s->at++;
        return buf_put(s->out, start, (size_t)(s->at - start)) == 0;
    }
    return skip_string(s) && put_parsed(s, start);
}

/* A number or a word. */
static bool put_scalar(struct sort *s)
{
    static const char *const words[] = {"true", "false", "null"};
    const char *start = s->at, *digits;
    size_t len;

    if (*s->at == '-')
        s->at++;
    digits = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    len = (size_t)(s->at - digits);
    while (s->at < s->end && !strchr(",}] \t\r\n", *s->at) && *s->at)
        s->at++;
    if (len > 0 && len < 19 && digits + len == s->at && (*digits != '0' || s->at - start == 1))
        return buf_put(s->out, start, (size_t)(s->at - start)) == 0;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strlen(words[i]) == (size_t)(s->at - start) &&
            memcmp(words[i], start, (size_t)(s->at - start)) == 0)
            return buf_puts(s->out, words[i]) == 0;
    return s->at > start && put_parsed(s, start);
}

static bool put_value(struct sort *s, unsigned depth);

static bool put_array(struct sort *s, unsigned depth)
{
    buf_putc(s->out, '[');
    s->at++;
    if (!take(s, ']')) {
        do {
            if (!put_value(s, depth))
                return false;
            buf_putc(s->out, ',');
        } while (take(s, ','));
        if (!take(s, ']'))
            return false;
        s->out->len--; /* the last comma */
    }
    return buf_putc(s->out, ']') == 0;
}

/* ------------------------------------------------------------------ objects */

static int compare_names(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int r = memcmp(a, b, a_len < b_len ? a_len : b_len);

    return r ? r : (a_len > b_len) - (a_len < b_len);
}

static int compare(const struct sort *s, const struct member *a, const struct member *b)
{
    const char *text = s->out->data;

    return compare_names(text + a->start, a->name_len, text + b->start, b->name_len);
}

static int compare_members(const void *a, const void *b, void *arg)
{
    return compare(arg, a, b);
}

static struct json_pick *picked(struct sort *s, unsigned depth, const char *name, size_t len)
{
    for (size_t i = 0; depth == 1 && i < s->n_picks; i++)
        if (strlen(s->picks[i].name) == len && memcmp(s->picks[i].name, name, len) == 0)
            return &s->picks[i];
    return NULL;
}

static bool note(struct sort *s, struct member m)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        struct member *more = realloc(s->members, cap * sizeof(*more));

        if (!more) {
            s->out->error = -ENOMEM;
            return false;
        }
        s->members = more;
        s->cap = cap;
    }
    s->members[s->n++] = m;
    return true;
}

/* One member and a comma behind it. */
static bool put_member(struct sort *s, unsigned depth)
{
    struct member m = {.start = s->out->len + 1};
    const char *name, *value;
    struct json_pick *pick;

    skip_space(s);
    if (s->at >= s->end || *s->at != '"')
        return false;
    name = s->at + 1;
    s->at = json_skip_plain(name, s->end);
    if (s->at == s->end || *s->at != '"')
        return false; /* a name in need of the parser */
    m.name_len = (size_t)(s->at++ - name);
    buf_put(s->out, name - 1, m.name_len + 2);
    buf_putc(s->out, ':');
    if (!take(s, ':'))
        return false;
    skip_space(s);
    value = s->at;
    if (!put_value(s, depth))
        return false;
    pick = picked(s, depth, name, m.name_len);
    if (pick) {
        if (pick->value.data)
            return false;
        pick->value = (struct berth_blob){value, (size_t)(s->at - value)};
    }
    if (pick && pick->leave_out) {
        s->out->len = m.start - 1;
        return true;
    }
    m.end = s->out->len;
    return buf_putc(s->out, ',') == 0 && note(s, m);
}

/* Put the members from first on, which begin at `start` in the output, in order.  False: two
 * have one name. */
static bool order(struct sort *s, size_t first, size_t start)
{
    struct member *m = s->members + first;
    size_t n = s->n - first;
    bool sorted = true;

    for (size_t i = 1; i < n; i++) {
        int r = compare(s, &m[i - 1], &m[i]);

        if (r == 0)
            return false;
        sorted = sorted && r < 0;
    }
    if (sorted)
        return true;
    qsort_r(m, n, sizeof(*m), compare_members, s);
    buf_reset(&s->moved);
    for (size_t i = 0; i < n; i++) {
        if (i && compare(s, &m[i - 1], &m[i]) == 0)
            return false;
        buf_put(&s->moved, s->out->data + m[i].start - 1, m[i].end - m[i].start + 1);
        buf_putc(&s->moved, ',');
    }
    if (buf_error(&s->moved)) {
        s->out->error = -ENOMEM;
        return false;
    }
    memcpy(s->out->data + start, s->moved.data, s->moved.len);
    return true;
}

static bool put_object(struct sort *s, unsigned depth)
{
    size_t first = s->n, start;

    buf_putc(s->out, '{');
    start = s->out->len;
    s->at++;
    if (!take(s, '}')) {
        do {
            if (!put_member(s, depth))
                return false;
        } while (take(s, ','));
        if (!take(s, '}') || !order(s, first, start))
            return false;
        if (s->n > first)
            s->out->len--; /* the last comma */
    }
    s->n = first;
    return buf_putc(s->out, '}') == 0;
}

static bool put_value(struct sort *s, unsigned depth)
{
    skip_space(s);
    if (s->at >= s->end || depth >= DEPTH_MAX)
        return false;
    if (*s->at == '"')
        return put_string(s);
    if (*s->at == '{')
        return put_object(s, depth + 1);
    if (*s->at == '[')
        return put_array(s, depth + 1);
    return put_scalar(s);
}

int json_sort(struct berth_blob text, struct json_pick *picks, size_t n, struct berth_buf *out)
{
    struct sort s = {.at = text.data, .out = out, .picks = picks, .n_picks = n};
    size_t start = out->len;
    bool done;

    for (size_t i = 0; i < n; i++)
        picks[i].value = (struct berth_blob){0};
    if (!text.data || text.len > SIZE_MAX_QUICK)
        return 0;
    s.end = s.at + text.len;
    buf_reserve(out, text.len);
    skip_space(&s);
    done = s.at < s.end && *s.at == '{' && put_object(&s, 1);
    skip_space(&s);
    done = done && s.at == s.end;
    free(s.members);
    buf_free(&s.moved);
    if (buf_error(out))
        return buf_error(out);
    if (!done && out->data)
        out->data[out->len = start] = '\0';
    return done;
}
