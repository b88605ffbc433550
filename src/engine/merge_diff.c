/* SPDX-License-Identifier: Apache-2.0 */
/* merge_diff.c - what differs between two stores; see merge.h. */
#include "base/str.h"
#include "engine/dump.h"
#include "engine/merge.h"
#include "engine/migrate_doc.h"

/* ---------------------------------------------------------------- documents */

static void short_text(const json *value, struct berth_buf *out)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (!value) {
        buf_puts(out, "(none)");
        return;
    }
    json_write(value, JSON_SORTED, &text);
    if (text.len > 60)
        buf_printf(out, "%.57s...", buf_str(&text));
    else
        buf_puts(out, buf_str(&text));
}

static bool same_value(const json *a, const json *b)
{
    _cleanup_buf_ struct berth_buf x = BUF_INIT, y = BUF_INIT;

    if (!a || !b)
        return a == b;
    json_write(a, JSON_SORTED, &x);
    json_write(b, JSON_SORTED, &y);
    return str_eq(buf_str(&x), buf_str(&y));
}

static int both_objects(const json *a, const json *b)
{
    return a && b && json_object_is_type(a, json_type_object) &&
           json_object_is_type(b, json_type_object);
}

static int diff_member(const char *prefix, const char *name, const json *a, const json *b,
                       struct berth_list *out)
{
    _cleanup_free_ char *path = str_printf("%s%s%s", prefix, *prefix ? "." : "", name);
    _cleanup_buf_ struct berth_buf line = BUF_INIT;

    if (!path)
        return -ENOMEM;
    if (same_value(a, b))
        return 0;
    if (both_objects(a, b))
        return diff_documents(path, a, b, out);
    buf_printf(&line, "%s: ", path);
    short_text(a, &line);
    buf_puts(&line, " | ");
    short_text(b, &line);
    return list_add(out, buf_str(&line));
}

int diff_documents(const char *prefix, const json *a, const json *b, struct berth_list *out)
{
    int r = 0;

    json_object_object_foreach ((json *)(uintptr_t)a, name, value) {
        r = diff_member(prefix, name, value, json_get(b, name), out);
        if (r < 0)
            return r;
    }
    json_object_object_foreach ((json *)(uintptr_t)b, only, other) {
        json *there = NULL;

        if (json_object_object_get_ex(a, only, &there))
            continue;
        r = diff_member(prefix, only, NULL, other, out);
        if (r < 0)
            return r;
    }
    return 0;
}

/* -------------------------------------------------------------------- stores */

/* One line of a dump under the key that it is compared by. */
struct line {
    char *key, *text;
};

struct lines {
    struct line *v;
    size_t n, cap;
};

static void lines_free(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].key);
        free(l->v[i].text);
    }
    free(l->v);
}
#define _cleanup_lines_ _cleanup_(lines_free)

/* "container 66da..."; of links both ends. */
static char *key_of(struct berth_blob text)
{
    static const char *const names[] = {"kind", "id", "name", "link", "from", "to"};
    struct berth_buf parts[ARRAY_LEN(names)] = {BUF_INIT};
    struct berth_blob found[ARRAY_LEN(names)];
    char *key = NULL;

    if (json_project(text, names, ARRAY_LEN(names), found, NULL) < 0)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (found[i].data)
            json_text_str(found[i], &parts[i]);
    if (str_eq(buf_str(&parts[0]), "link"))
        key = str_printf("link %s %s -> %s", buf_str(&parts[3]), buf_str(&parts[4]),
                         buf_str(&parts[5]));
    else if (str_eq(buf_str(&parts[0]), "exit"))
        key = str_printf("exit code of %s", buf_str(&parts[1]));
    else if (str_eq(buf_str(&parts[0]), "store"))
        key = strdup("store");
    else
        key = str_printf("%s %s", buf_str(&parts[0]),
                         found[1].data ? buf_str(&parts[1]) : buf_str(&parts[2]));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        buf_free(&parts[i]);
    return key;
}

static int add_line(void *arg, const char *text, size_t len, struct berth_error *err)
{
    struct lines *l = arg;
    struct line one;

    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct line *more = realloc(l->v, cap * sizeof(*more));

        if (!more)
            return fail(err, ENOMEM, "out of memory");
        l->v = more;
        l->cap = cap;
    }
    one = (struct line){key_of((struct berth_blob){text, len}), strndup(text, len)};
    l->v[l->n++] = one;
    return one.key && one.text ? 0 : fail(err, ENOMEM, "out of memory");
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct line *)a)->key, ((const struct line *)b)->key);
}

static int read_lines(struct state *s, struct lines *out, struct berth_error *err)
{
    int r = dump_state(s, add_line, out, err);

    if (r == 0 && out->n)
        SORT(out->v, out->n, by_key);
    return r;
}

/* "container 66da... (web)" */
static char *label(const struct line *l)
{
    static const char *const names[] = {"name"};
    _cleanup_buf_ struct berth_buf name = BUF_INIT;
    struct berth_blob found, text = {l->text, strlen(l->text)};

    if (str_starts(l->key, "link ") || str_starts(l->key, "volume ") ||
        json_project(text, names, 1, &found, NULL) < 0 || !found.data ||
        json_text_str(found, &name) < 0)
        return strdup(l->key);
    return str_printf("%s (%s)", l->key, buf_str(&name));
}

static int64_t tell_one(char sign, const struct line *l, diff_fn *fn, void *arg)
{
    _cleanup_free_ char *what = label(l), *text = NULL;

    text = what ? str_printf("%c %s", sign, what) : NULL;
    if (!text)
        return -ENOMEM;
    fn(arg, text);
    return 1;
}

static int64_t tell_both(const struct line *a, const struct line *b, diff_fn *fn, void *arg)
{
    _cleanup_list_ struct berth_list members = LIST_INIT;
    _cleanup_json_ json *x = NULL, *y = NULL;
    _cleanup_free_ char *what = label(a);

    if (str_eq(a->text, b->text))
        return 0;
    if (json_parse((struct berth_blob){a->text, strlen(a->text)}, "line", &x, NULL) < 0 ||
        json_parse((struct berth_blob){b->text, strlen(b->text)}, "line", &y, NULL) < 0 ||
        diff_documents("", x, y, &members) < 0 || !what)
        return -ENOMEM;
    for (size_t i = 0; i < members.n; i++) {
        _cleanup_free_ char *text = str_printf("! %s: %s", what, members.items[i]);

        if (!text)
            return -ENOMEM;
        fn(arg, text);
    }
    return (int64_t)members.n;
}

int64_t diff_states(struct state *a, struct state *b, diff_fn *fn, void *arg,
                    struct berth_error *err)
{
    _cleanup_lines_ struct lines x = {0}, y = {0};
    size_t i = 0, j = 0;
    int64_t n = 0, r = read_lines(a, &x, err);

    if (r == 0)
        r = read_lines(b, &y, err);
    while (r >= 0 && (i < x.n || j < y.n)) {
        int order = i == x.n ? 1 : j == y.n ? -1 : strcmp(x.v[i].key, y.v[j].key);

        r = copy_cancelled(err);
        if (r < 0)
            return r;
        if (order < 0)
            r = tell_one('-', &x.v[i++], fn, arg);
        else if (order > 0)
            r = tell_one('+', &y.v[j++], fn, arg);
        else
            r = tell_both(&x.v[i++], &y.v[j++], fn, arg);
        if (r == -ENOMEM)
            return fail(err, ENOMEM, "out of memory");
        n += r;
    }
    return r < 0 ? r : n;
}
