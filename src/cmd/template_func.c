/* SPDX-License-Identifier: Apache-2.0 */
/* template_func.c - functions of templates: Go's own, and those of podman's formats. */
#include "base/str.h"
#include "cmd/template_int.h"
#include <ctype.h>

struct call {
    struct run *run;
    const struct node *at; /* the command */
    const char *name;
    const struct node *const *nodes; /* of the arguments */
    const struct value *args;
    size_t n;
    struct value *out;
};

static int give(struct call *c, json *j)
{
    *c->out = run_keep(c->run, j);
    return 0;
}

static int give_text(struct call *c, struct berth_buf *text)
{
    if (buf_error(text))
        return fail(c->run->err, ENOMEM, "out of memory");
    return give(c, json_new_str(buf_str(text)));
}

/* ---------------------------------------------------------------- arguments */

static int wrong_type(struct call *c, size_t i, const char *want)
{
    const struct node *n = c->nodes[i];
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (n->kind == NODE_VALUE) {
        buf_put(&text, c->run->t->text + n->start, n->end - n->start);
        if (want[0] == '[')
            return run_fail(c->run, n, "can't handle %s for arg of type %s", buf_str(&text),
                            want);
        return run_fail(c->run, n, "expected %s; found %s",
                        str_eq(want, "int") ? "integer" : want, buf_str(&text));
    }
    if (c->args[i].missing || !c->args[i].j)
        return run_fail(c->run, n, "invalid value; expected %s", want);
    return run_fail(c->run, n, "wrong type for value; expected %s; got %s", want,
                    value_type(c->args[i]));
}

static int want_string(struct call *c, size_t i, const char **out)
{
    json *j = c->args[i].missing ? NULL : c->args[i].j;

    if (!j || !json_object_is_type(j, json_type_string))
        return wrong_type(c, i, "string");
    *out = json_object_get_string(j);
    return 0;
}

static int want_int(struct call *c, size_t i, int64_t *out)
{
    json *j = c->args[i].missing ? NULL : c->args[i].j;

    if (!j || !json_object_is_type(j, json_type_int))
        return wrong_type(c, i, "int");
    *out = json_object_get_int64(j);
    return 0;
}

static int call_fail(struct call *c, const char *what)
{
    return run_fail(c->run, c->at, "error calling %s: %s", c->name, what);
}

/* ------------------------------------------------------------------- strings */

static int func_join(struct call *c)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    json *array = c->args[0].missing ? NULL : c->args[0].j;
    const char *separator;

    if (!array || !json_object_is_type(array, json_type_array))
        return wrong_type(c, 0, "[]string");
    if (want_string(c, 1, &separator) < 0)
        return -EINVAL;
    for (size_t i = 0; i < json_len(array); i++) {
        if (!json_item_str(array, i))
            return wrong_type(c, 0, "[]string");
        buf_printf(&text, "%s%s", i ? separator : "", json_item_str(array, i));
    }
    return give_text(c, &text);
}

static int func_split(struct call *c)
{
    const char *s, *separator;
    json *array;
    size_t len;

    if (want_string(c, 0, &s) < 0 || want_string(c, 1, &separator) < 0)
        return -EINVAL;
    array = run_keep(c->run, json_new_array()).j;
    len = strlen(separator);
    for (;;) {
        const char *end = len ? strstr(s, separator) : (*s ? s + 1 : s);
        size_t n = end ? (size_t)(end - s) : strlen(s);

        if (!len && !*s)
            break;
        json_add(array, json_object_new_string_len(s, (int)n));
        if (!end || (!len && !*end))
            break;
        s = end + len;
    }
    *c->out = VALUE(array);
    return 0;
}

static int change_case(struct call *c, bool upper, bool title)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    bool inside = false;
    const char *s;

    if (want_string(c, 0, &s) < 0)
        return -EINVAL;
    for (; *s; s++) {
        unsigned char ch = (unsigned char)*s;

        buf_putc(&text, title ? (char)(inside ? ch : toupper(ch))
                              : (char)(upper ? toupper(ch) : tolower(ch)));
        inside = isalnum(ch) || ch == '_' || ch >= 0x80;
    }
    return give_text(c, &text);
}

static int func_lower(struct call *c)
{
    return change_case(c, false, false);
}

static int func_upper(struct call *c)
{
    return change_case(c, true, false);
}

static int func_title(struct call *c)
{
    return change_case(c, false, true);
}

static int func_truncate(struct call *c)
{
    const char *s;
    int64_t n;

    if (want_string(c, 0, &s) < 0 || want_int(c, 1, &n) < 0)
        return -EINVAL;
    if (n < 0 || (uint64_t)n >= strlen(s))
        n = (int64_t)strlen(s);
    return give(c, json_object_new_string_len(s, (int)n));
}

static int func_pad(struct call *c)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int64_t before, after;
    const char *s;

    if (want_string(c, 0, &s) < 0 || want_int(c, 1, &before) < 0 || want_int(c, 2, &after) < 0)
        return -EINVAL;
    if (before < 0 || after < 0 || before > 65536 || after > 65536)
        return call_fail(c, "bad count");
    if (*s)
        buf_printf(&text, "%*s%s%*s", (int)before, "", s, (int)after, "");
    return give_text(c, &text);
}

/* ------------------------------------------------------------------- printing */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* JSON as Go makes it of the data: maps sorted, nil containers as null. */
static void write_json(json *j, struct berth_buf *out)
{
    if (json_is_nil(j)) {
        buf_puts(out, "null");
    } else if (json_object_is_type(j, json_type_array)) {
        buf_putc(out, '[');
        for (size_t i = 0; i < json_len(j); i++) {
            if (i)
                buf_putc(out, ',');
            write_json(json_item(j, i), out);
        }
        buf_putc(out, ']');
    } else if (json_object_is_type(j, json_type_object)) {
        size_t n = (size_t)json_object_object_length(j), i = 0, written = 0;
        _cleanup_free_ const char **names = calloc(n + 1, sizeof(*names));

        if (!names) {
            out->error = -ENOMEM;
            return;
        }
        json_object_object_foreach (j, key, value) {
            (void)value;
            names[i++] = key;
        }
        if (json_is_map(j))
            SORT(names, n, compare_names);
        buf_putc(out, '{');
        for (i = 0; i < n; i++) {
            if (json_is_omitted(json_get(j, names[i])))
                continue;
            if (written++)
                buf_putc(out, ',');
            json_write_str(names[i], strlen(names[i]), JSON_RAW, out);
            buf_putc(out, ':');
            write_json(json_get(j, names[i]), out);
        }
        buf_putc(out, '}');
    } else {
        json_write(j, JSON_RAW, out);
    }
}

static int func_json(struct call *c)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    write_json(c->args[0].missing ? NULL : c->args[0].j, &text);
    return give_text(c, &text);
}

static bool is_string(struct value v)
{
    return !v.missing && v.j && json_object_is_type(v.j, json_type_string);
}

static int func_print(struct call *c)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    for (size_t i = 0; i < c->n; i++) {
        if (i && !is_string(c->args[i]) && !is_string(c->args[i - 1]))
            buf_putc(&text, ' ');
        value_print(c->args[i], &text);
    }
    return give_text(c, &text);
}

static int func_println(struct call *c)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    for (size_t i = 0; i < c->n; i++) {
        if (i)
            buf_putc(&text, ' ');
        value_print(c->args[i], &text);
    }
    buf_putc(&text, '\n');
    return give_text(c, &text);
}

static int func_printf(struct call *c)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const char *format;

    if (want_string(c, 0, &format) < 0)
        return -EINVAL;
    value_printf(format, c->args + 1, c->n - 1, &text);
    return give_text(c, &text);
}

/* Print all arguments, then change characters by a table. */
static int escape(struct call *c, void (*put)(unsigned char ch, struct berth_buf *out))
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT, escaped = BUF_INIT;

    for (size_t i = 0; i < c->n; i++)
        value_print(c->args[i], &text);
    for (const char *s = buf_str(&text); *s; s++)
        put((unsigned char)*s, &escaped);
    return give_text(c, &escaped);
}

static void put_html(unsigned char ch, struct berth_buf *out)
{
    if (ch == '<')
        buf_puts(out, "&lt;");
    else if (ch == '>')
        buf_puts(out, "&gt;");
    else if (ch == '&')
        buf_puts(out, "&amp;");
    else if (ch == '"')
        buf_puts(out, "&#34;");
    else if (ch == '\'')
        buf_puts(out, "&#39;");
    else
        buf_putc(out, (char)ch);
}

static void put_js(unsigned char ch, struct berth_buf *out)
{
    if (ch == '\\' || ch == '\'' || ch == '"')
        buf_printf(out, "\\%c", ch);
    else if (ch < ' ' || strchr("<>&=", ch))
        buf_printf(out, "\\u%04X", (unsigned)ch);
    else
        buf_putc(out, (char)ch);
}

static void put_url(unsigned char ch, struct berth_buf *out)
{
    if (ch == ' ')
        buf_putc(out, '+');
    else if (isalnum(ch) || strchr("-_.~", ch))
        buf_putc(out, (char)ch);
    else
        buf_printf(out, "%%%02X", (unsigned)ch);
}

static int func_html(struct call *c)
{
    return escape(c, put_html);
}

static int func_js(struct call *c)
{
    return escape(c, put_js);
}

static int func_urlquery(struct call *c)
{
    return escape(c, put_url);
}

/* ----------------------------------------------------------------- containers */

static int func_len(struct call *c)
{
    json *j = c->args[0].missing ? NULL : c->args[0].j;
    _cleanup_free_ char *text = NULL;

    if (json_object_is_type(j, json_type_array))
        return give(c, json_new_i64((int64_t)json_len(j)));
    if (j && json_is_map(j))
        return give(c, json_new_i64(json_object_object_length(j)));
    if (json_object_is_type(j, json_type_string))
        return give(c, json_new_i64(json_object_get_string_len(j)));
    text = j ? str_printf("len of type %s", value_type(c->args[0])) : NULL;
    return call_fail(c, text ? text : "len of nil pointer");
}

/* One step of index: *at becomes what lies in it at argument i. */
static int index_step(struct call *c, json **at, bool *missing, size_t i)
{
    _cleanup_free_ char *text = NULL;
    const char *key;
    int64_t n;

    if (!*at)
        return call_fail(c, "index of untyped nil");
    if (json_is_map(*at)) {
        if (want_string(c, i, &key) < 0)
            return -EINVAL;
        *missing = !json_object_object_get_ex(*at, key, at);
        return 0;
    }
    if (!json_object_is_type(*at, json_type_array) &&
        !json_object_is_type(*at, json_type_string)) {
        text = str_printf("can't index item of type %s", value_type(VALUE(*at)));
        return call_fail(c, str_or(text, "out of memory"));
    }
    if (!json_object_is_type(c->args[i].missing ? NULL : c->args[i].j, json_type_int)) {
        text = str_printf("cannot index slice/array with type %s", value_type(c->args[i]));
        return call_fail(c, str_or(text, "out of memory"));
    }
    n = json_object_get_int64(c->args[i].j);
    if (n < 0 ||
        n >= (json_object_is_type(*at, json_type_array) ? (int64_t)json_len(*at)
                                                        : json_object_get_string_len(*at))) {
        text = str_printf("index out of range: %lld", (long long)n);
        return call_fail(c, str_or(text, "out of memory"));
    }
    *at = json_object_is_type(*at, json_type_array)
              ? json_item(*at, (size_t)n)
              : run_keep(c->run, json_new_i64((unsigned char)json_object_get_string(*at)[n])).j;
    return 0;
}

static int func_index(struct call *c)
{
    json *at = c->args[0].missing ? NULL : c->args[0].j;
    const char *type = at ? value_type(c->args[0]) : "";
    bool missing = false;
    int r;

    for (size_t i = 1; i < c->n; i++) {
        r = index_step(c, &at, &missing, i);
        if (r < 0)
            return r;
        /* What a Go map lacks is the zero value of its elements. */
        if (missing && (str_ends(type, "]string") || !json_mark(c->args[0].j)))
            return give(c, json_new_str(""));
        if (missing)
            break;
    }
    *c->out = missing ? NO_VALUE : VALUE(at);
    return 0;
}

static int func_slice(struct call *c)
{
    json *j = c->args[0].missing ? NULL : c->args[0].j, *part;
    int64_t len, from = 0, to;

    if (!json_object_is_type(j, json_type_array) && !json_object_is_type(j, json_type_string))
        return call_fail(c, j ? "can't slice item of this type" : "slice of untyped nil");
    len = json_object_is_type(j, json_type_array) ? (int64_t)json_len(j)
                                                  : json_object_get_string_len(j);
    to = len;
    if (c->n > 3)
        return call_fail(c, "cannot 3-index slice a string");
    if ((c->n > 1 && want_int(c, 1, &from) < 0) || (c->n > 2 && want_int(c, 2, &to) < 0))
        return -EINVAL;
    if (from < 0 || to > len || from > to) {
        _cleanup_free_ char *text =
            from > to && to >= 0 && from <= len
                ? str_printf("invalid slice index: %lld > %lld", (long long)from, (long long)to)
                : str_printf("index out of range: %lld",
                             (long long)(from < 0 || from > len ? from : to));

        return call_fail(c, str_or(text, "out of memory"));
    }
    if (json_object_is_type(j, json_type_string))
        return give(
            c, json_object_new_string_len(json_object_get_string(j) + from, (int)(to - from)));
    part = json_new_array();
    for (int64_t i = from; i < to; i++)
        json_add(part, json_ref(json_item(j, (size_t)i)));
    return give(c, part);
}

/* ----------------------------------------------------------------- comparison */

enum basic { BASIC_NONE, BASIC_BOOL, BASIC_INT, BASIC_FLOAT, BASIC_STRING, BASIC_OTHER };

static enum basic basic_of(struct value v)
{
    switch (json_object_get_type(v.missing ? NULL : v.j)) {
    case json_type_boolean:
        return BASIC_BOOL;
    case json_type_int:
        return BASIC_INT;
    case json_type_double:
        return BASIC_FLOAT;
    case json_type_string:
        return BASIC_STRING;
    case json_type_array:
    case json_type_object:
        return BASIC_OTHER;
    case json_type_null:
        break;
    }
    return BASIC_NONE;
}

/* Smaller, equal or larger: -1, 0, 1.  The kinds are the same and can be compared. */
static int compare(struct value a, struct value b, enum basic kind)
{
    if (kind == BASIC_STRING) {
        int d = strcmp(json_object_get_string(a.j), json_object_get_string(b.j));

        return (d > 0) - (d < 0);
    }
    if (kind == BASIC_FLOAT) {
        double x = json_object_get_double(a.j), y = json_object_get_double(b.j);

        return (x > y) - (x < y);
    }
    if (kind == BASIC_INT) {
        int64_t x = json_object_get_int64(a.j), y = json_object_get_int64(b.j);
        uint64_t p = json_object_get_uint64(a.j), q = json_object_get_uint64(b.j);

        /* Above 2^63 the signed reading is clamped, the unsigned one is right. */
        return x < 0 || y < 0 ? (x > y) - (x < y) : (p > q) - (p < q);
    }
    return json_object_get_boolean(a.j) - json_object_get_boolean(b.j);
}

static int equal(struct call *c, struct value a, struct value b, bool *out)
{
    enum basic x = basic_of(a), y = basic_of(b);

    if (x == BASIC_OTHER || y == BASIC_OTHER)
        return call_fail(c, "non-comparable type");
    if (x == BASIC_NONE || y == BASIC_NONE) {
        *out = x == y;
        return 0;
    }
    if (x != y)
        return call_fail(c, "incompatible types for comparison");
    *out = compare(a, b, x) == 0;
    return 0;
}

static int func_eq(struct call *c)
{
    bool same = false;
    int r = 0;

    if (c->n < 2)
        return call_fail(c, "missing argument for comparison");
    for (size_t i = 1; i < c->n && !same && r == 0; i++)
        r = equal(c, c->args[0], c->args[i], &same);
    return r < 0 ? r : give(c, json_new_bool(same));
}

static int func_ne(struct call *c)
{
    bool same = false;
    int r = equal(c, c->args[0], c->args[1], &same);

    return r < 0 ? r : give(c, json_new_bool(!same));
}

static int order(struct call *c, int *out)
{
    enum basic x = basic_of(c->args[0]), y = basic_of(c->args[1]);

    if (x == BASIC_NONE || x == BASIC_BOOL || x == BASIC_OTHER)
        return call_fail(c, "invalid type for comparison");
    if (x != y)
        return call_fail(c, "incompatible types for comparison");
    *out = compare(c->args[0], c->args[1], x);
    return 0;
}

static int func_lt(struct call *c)
{
    int d, r = order(c, &d);

    return r < 0 ? r : give(c, json_new_bool(d < 0));
}

static int func_le(struct call *c)
{
    int d, r = order(c, &d);

    return r < 0 ? r : give(c, json_new_bool(d <= 0));
}

static int func_gt(struct call *c)
{
    int d, r = order(c, &d);

    return r < 0 ? r : give(c, json_new_bool(d > 0));
}

static int func_ge(struct call *c)
{
    int d, r = order(c, &d);

    return r < 0 ? r : give(c, json_new_bool(d >= 0));
}

static int func_not(struct call *c)
{
    return give(c, json_new_bool(!value_truth(c->args[0])));
}

/* The runner stops at the argument that decides; here none did before the last. */
static int func_last(struct call *c)
{
    *c->out = c->args[c->n - 1];
    return 0;
}

static const struct function {
    const char *name;
    int min, max; /* arguments; max -1: any number */
    int (*run)(struct call *c);
} functions[] = {
    {"and", 1, -1, func_last},      {"eq", 1, -1, func_eq},
    {"ge", 2, 2, func_ge},          {"gt", 2, 2, func_gt},
    {"html", 0, -1, func_html},     {"index", 1, -1, func_index},
    {"join", 2, 2, func_join},      {"js", 0, -1, func_js},
    {"json", 1, 1, func_json},      {"le", 2, 2, func_le},
    {"len", 1, 1, func_len},        {"lower", 1, 1, func_lower},
    {"lt", 2, 2, func_lt},          {"ne", 2, 2, func_ne},
    {"not", 1, 1, func_not},        {"or", 1, -1, func_last},
    {"pad", 3, 3, func_pad},        {"print", 0, -1, func_print},
    {"printf", 1, -1, func_printf}, {"println", 0, -1, func_println},
    {"slice", 1, -1, func_slice},   {"split", 2, 2, func_split},
    {"title", 1, 1, func_title},    {"truncate", 2, 2, func_truncate},
    {"upper", 1, 1, func_upper},    {"urlquery", 0, -1, func_urlquery},
};

static const struct function *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (str_eq(functions[i].name, name))
            return &functions[i];
    return NULL;
}

bool function_exists(const char *name)
{
    return find(name) != NULL;
}

int function_call(struct run *run, const struct node *at, const char *name,
                  const struct node *const *arg_nodes, const struct value *args, size_t n,
                  struct value *out)
{
    struct call c = {run, at, name, arg_nodes, args, n, out};
    const struct function *f = find(name);
    const struct node *word = at->kind == NODE_COMMAND ? at->parts[0] : at;

    if (n < (size_t)f->min && f->max < 0)
        return run_fail(run, word, "wrong number of args for %s: want at least %d got %zu",
                        name, f->min, n);
    if (n < (size_t)f->min || (f->max >= 0 && n > (size_t)f->max))
        return run_fail(run, word, "wrong number of args for %s: want %d got %zu", name, f->max,
                        n);
    return f->run(&c);
}
