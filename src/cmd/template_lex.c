/* SPDX-License-Identifier: Apache-2.0 */
/* template_lex.c - see template_lex.h. */
#include "cmd/template_lex.h"
#include "base/str.h"
#include <ctype.h>

struct lexer {
    const char *name, *text;
    size_t at;
    size_t depth; /* of parentheses */
    struct tokens *out;
    struct berth_error *err;
};

size_t template_line(const char *text, size_t pos)
{
    size_t line = 1;

    for (size_t i = 0; i < pos && text[i]; i++)
        line += text[i] == '\n';
    return line;
}

static int lex_fail(struct lexer *l, const char *what)
{
    return fail(l->err, EINVAL, "template: %s:%zu: %s", l->name, template_line(l->text, l->at),
                what);
}

/* Bytes of the character that begins here: a byte that begins none counts alone. */
static size_t character(const char *s, unsigned *code)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t n = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : u[0] >= 0xc0 ? 2 : 1;

    *code = n == 1 ? u[0] : u[0] & (0x3fu >> (n - 1));
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xc0) != 0x80) {
            *code = u[0];
            return 1;
        }
        *code = *code << 6 | (u[i] & 0x3f);
    }
    return n;
}

static int bad_character(struct lexer *l)
{
    char text[64];
    unsigned code;
    size_t n = character(l->text + l->at, &code);

    if (!l->text[l->at])
        return lex_fail(l, "unclosed action");
    snprintf(text, sizeof(text), "bad character U+%04X '%.*s'", code, (int)n, l->text + l->at);
    return lex_fail(l, text);
}

static int put(struct lexer *l, enum token_kind kind, size_t pos, size_t len)
{
    struct tokens *t = l->out;

    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 64;
        struct token *items = realloc(t->items, cap * sizeof(*items));

        if (!items)
            return fail(l->err, ENOMEM, "out of memory");
        t->items = items;
        t->cap = cap;
    }
    t->items[t->n++] = (struct token){kind, pos, len};
    return 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* "}}", or " -}}" that trims what follows. */
static bool at_right(const struct lexer *l, bool *trim)
{
    const char *s = l->text + l->at;

    *trim = is_space(s[0]) && s[1] == '-' && s[2] == '}' && s[3] == '}';
    return *trim || (s[0] == '}' && s[1] == '}');
}

/* Where a word may end. */
static bool at_end_of_word(const struct lexer *l)
{
    char c = l->text[l->at];
    bool trim;

    return !c || is_space(c) || strchr(".,|:)(", c) || at_right(l, &trim);
}

static int lex_word(struct lexer *l, enum token_kind kind, size_t from)
{
    while (is_word(l->text[l->at]))
        l->at++;
    if (!at_end_of_word(l))
        return bad_character(l);
    return put(l, kind, from, l->at - from);
}

static int lex_quoted(struct lexer *l, char quote, enum token_kind kind, const char *problem)
{
    size_t from = l->at++;

    while (l->text[l->at] != quote) {
        if (l->text[l->at] == '\\' && quote != '`' && l->text[l->at + 1])
            l->at++;
        if (!l->text[l->at] || (l->text[l->at] == '\n' && quote != '`'))
            return lex_fail(l, problem);
        l->at++;
    }
    l->at++;
    return put(l, kind, from, l->at - from);
}

static int lex_number(struct lexer *l)
{
    size_t from = l->at;
    char text[64];

    if (l->text[l->at] == '+' || l->text[l->at] == '-')
        l->at++;
    while (is_word(l->text[l->at]) || l->text[l->at] == '.' ||
           ((l->text[l->at] == '+' || l->text[l->at] == '-') && l->at > from &&
            tolower((unsigned char)l->text[l->at - 1]) == 'e' &&
            tolower((unsigned char)l->text[from + 1]) != 'x'))
        l->at++;
    if (l->at - from == 1 && !isdigit((unsigned char)l->text[from])) {
        snprintf(text, sizeof(text), "bad number syntax: \"%c\"", l->text[from]);
        return lex_fail(l, text);
    }
    return put(l, TOKEN_NUMBER, from, l->at - from);
}

/* One token inside an action. */
static int lex_inside(struct lexer *l)
{
    const char *s = l->text + l->at;
    size_t from = l->at;

    if (!*s)
        return lex_fail(l, "unclosed action");
    if (is_space(*s)) {
        bool trim;

        while (is_space(l->text[l->at]) && !at_right(l, &trim))
            l->at++;
        return put(l, TOKEN_SPACE, from, l->at - from);
    }
    switch (*s) {
    case '"':
        return lex_quoted(l, '"', TOKEN_STRING, "unterminated quoted string");
    case '`':
        return lex_quoted(l, '`', TOKEN_RAW, "unterminated raw quoted string");
    case '\'':
        return lex_quoted(l, '\'', TOKEN_CHAR, "unterminated character constant");
    case '(':
        l->depth++;
        l->at++;
        return put(l, TOKEN_OPEN, from, 1);
    case ')':
        if (l->depth-- == 0)
            return lex_fail(l, "unexpected right paren");
        l->at++;
        return put(l, TOKEN_CLOSE, from, 1);
    case '|':
    case ',':
    case '=':
        l->at++;
        return put(l, *s == '|' ? TOKEN_PIPE : *s == ',' ? TOKEN_COMMA : TOKEN_ASSIGN, from, 1);
    case ':':
        if (s[1] != '=')
            return lex_fail(l, "expected :=");
        l->at += 2;
        return put(l, TOKEN_DECLARE, from, 2);
    case '$':
        l->at++;
        return lex_word(l, TOKEN_VARIABLE, from);
    case '.':
        if (isdigit((unsigned char)s[1]))
            return lex_number(l);
        l->at++;
        if (at_end_of_word(l))
            return put(l, TOKEN_DOT, from, 1);
        if (!is_word(s[1]))
            return bad_character(l);
        return lex_word(l, TOKEN_FIELD, from);
    default:
        break;
    }
    if (isdigit((unsigned char)*s) || *s == '+' || *s == '-')
        return lex_number(l);
    if (is_word(*s))
        return lex_word(l, TOKEN_WORD, from);
    return bad_character(l);
}

/* Text up to the next "{{" or the end.  `skip`: leading white space is dropped. */
static int lex_text(struct lexer *l, bool skip)
{
    const char *left = strstr(l->text + l->at, "{{");
    size_t end = left ? (size_t)(left - l->text) : l->at + strlen(l->text + l->at);
    size_t from = l->at, stop = end;

    while (skip && from < stop && is_space(l->text[from]))
        from++;
    if (left && left[2] == '-' && is_space(left[3]))
        while (stop > from && is_space(l->text[stop - 1]))
            stop--;
    l->at = end;
    return stop > from ? put(l, TOKEN_TEXT, from, stop - from) : 0;
}

/* Behind "{{" and its trim mark: skip a comment.  1: there was one. */
static int lex_comment(struct lexer *l, bool *trim)
{
    const char *close;

    if (strncmp(l->text + l->at, "/*", 2) != 0)
        return 0;
    close = strstr(l->text + l->at + 2, "*/");
    if (!close)
        return lex_fail(l, "unclosed comment");
    l->at = (size_t)(close + 2 - l->text);
    if (!at_right(l, trim))
        return lex_fail(l, "comment ends before closing delimiter");
    l->at += *trim ? 4 : 2;
    return 1;
}

static int lex_action(struct lexer *l, bool *trim)
{
    size_t from = l->at;
    int r;

    l->at += 2;
    if (l->text[l->at] == '-' && is_space(l->text[l->at + 1]))
        l->at += 2;
    r = lex_comment(l, trim);
    if (r != 0)
        return r;
    r = put(l, TOKEN_LEFT, from, l->at - from);
    l->depth = 0;
    while (r == 0 && !at_right(l, trim))
        r = lex_inside(l);
    if (r == 0 && l->depth > 0)
        r = lex_fail(l, "unclosed left paren");
    if (r == 0)
        r = put(l, TOKEN_RIGHT, l->at, 2);
    l->at += *trim ? 4 : 2;
    return r;
}

int template_lex(const char *name, const char *text, struct tokens *out,
                 struct berth_error *err)
{
    struct lexer l = {.name = name, .text = text, .out = out, .err = err};
    bool trim = false;
    int r = 0;

    while (r >= 0) {
        r = lex_text(&l, trim);
        if (r < 0 || !text[l.at])
            break;
        r = lex_action(&l, &trim);
    }
    return r < 0 ? r : put(&l, TOKEN_EOF, l.at, 0);
}
