/* SPDX-License-Identifier: Apache-2.0 */
/* template_parse.c - from the text of a template to its tree. */
#include "base/str.h"
#include "cmd/template_int.h"
#include "cmd/template_lex.h"

#define DEPTH_MAX 100

struct parser {
    struct template *t;
    struct tokens tokens;
    size_t at;
    struct berth_list vars; /* names in scope */
    unsigned depth, loops;
    struct berth_error *err;
};

struct list {
    struct node **items;
    size_t n;
};

/* ------------------------------------------------------------------ memory */

static void free_nodes(struct node **nodes, size_t n);

static void free_node(struct node *n)
{
    if (!n)
        return;
    free_nodes(n->parts, n->n_parts);
    free_nodes(n->body, n->n_body);
    free_nodes(n->other, n->n_other);
    free_node(n->pipe);
    free(n->text);
    list_free(&n->names);
    if (n->value)
        json_object_put(n->value);
    free(n);
}

static void free_nodep(struct node **n)
{
    free_node(*n);
}
#define _cleanup_node_ _cleanup_(free_nodep)

static void free_nodes(struct node **nodes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free_node(nodes[i]);
    free(nodes);
}

void template_free(struct template *t)
{
    if (!t)
        return;
    free_nodes(t->body, t->n_body);
    for (size_t i = 0; i < t->n_definitions; i++) {
        free_nodes(t->definitions[i].body, t->definitions[i].n_body);
        free(t->definitions[i].name);
    }
    free(t->definitions);
    free(t->name);
    free(t->text);
    free(t);
}

static int no_memory(struct parser *p)
{
    return fail(p->err, ENOMEM, "out of memory");
}

/* Append a node to an array, which owns it from then on. */
static int append(struct parser *p, struct node ***items, size_t *n, struct node **node)
{
    struct node **longer = realloc(*items, (*n + 1) * sizeof(**items));

    if (!longer)
        return no_memory(p);
    *items = longer;
    longer[(*n)++] = TAKE(*node);
    return 0;
}

/* ------------------------------------------------------------------ tokens */

static const struct token *peek(struct parser *p)
{
    return &p->tokens.items[p->at];
}

static const struct token *next(struct parser *p)
{
    const struct token *t = peek(p);

    if (t->kind != TOKEN_EOF)
        p->at++;
    return t;
}

static void skip_space(struct parser *p)
{
    while (peek(p)->kind == TOKEN_SPACE)
        p->at++;
}

static const struct token *peek_word(struct parser *p)
{
    skip_space(p);
    return peek(p);
}

static const struct token *next_word(struct parser *p)
{
    skip_space(p);
    return next(p);
}

static char *token_text(struct parser *p, const struct token *t)
{
    return strndup(p->t->text + t->pos, t->len);
}

static bool token_is(struct parser *p, const struct token *t, const char *word)
{
    return t->kind == TOKEN_WORD && strlen(word) == t->len &&
           memcmp(p->t->text + t->pos, word, t->len) == 0;
}

static bool is_keyword(struct parser *p, const struct token *t)
{
    static const char *const words[] = {"block", "break", "continue", "define",   "else",
                                        "end",   "if",    "range",    "template", "with"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (token_is(p, t, words[i]))
            return true;
    return false;
}

static _printf_(3, 4) int parse_fail(struct parser *p, size_t pos, const char *fmt, ...)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    return fail(p->err, EINVAL, "template: %s:%zu: %s", p->t->name,
                template_line(p->t->text, pos), buf_str(&text));
}

static int unexpected(struct parser *p, const struct token *t, const char *context)
{
    _cleanup_free_ char *text = token_text(p, t);
    _cleanup_buf_ struct berth_buf shown = BUF_INIT;

    if (t->kind == TOKEN_EOF)
        return parse_fail(p, t->pos, "unexpected EOF");
    if (is_keyword(p, t))
        buf_printf(&shown, "<%s>", str_or(text, ""));
    else if (t->len > 10)
        buf_printf(&shown, "\"%.10s\"...", str_or(text, ""));
    else
        print_quoted(str_or(text, ""), &shown);
    return parse_fail(p, t->pos, "unexpected %s in %s", buf_str(&shown), context);
}

static struct node *new_node(struct parser *p, enum node_kind kind, const struct token *t)
{
    struct node *n = calloc(1, sizeof(*n));

    if (!n) {
        no_memory(p);
        return NULL;
    }
    n->kind = kind;
    n->pos = n->start = t->pos;
    n->end = t->pos + t->len;
    return n;
}

static int parse_constant(struct parser *p, const struct token *t, struct node *n)
{
    _cleanup_free_ char *text = token_text(p, t);
    _cleanup_buf_ struct berth_buf plain = BUF_INIT;

    if (!text)
        return no_memory(p);
    if (t->kind == TOKEN_RAW || t->kind == TOKEN_STRING) {
        if (t->kind == TOKEN_RAW)
            buf_put(&plain, text + 1, t->len - 2);
        else if (template_unquote(text, t->len, &plain) < 0)
            return parse_fail(p, t->pos, "invalid syntax");
        n->value = json_new_str(buf_str(&plain));
    } else if (t->kind == TOKEN_CHAR) {
        n->value = template_character(text, t->len);
        if (!n->value)
            return parse_fail(p, t->pos, "malformed character constant: %s", text);
    } else {
        n->value = template_number(text);
        if (!n->value)
            return parse_fail(p, t->pos, "bad number syntax: \"%s\"", text);
    }
    return 0;
}

/* ---------------------------------------------------------------- operands */

static int parse_pipe(struct parser *p, const char *context, enum token_kind end,
                      struct node **out);

static int parse_word(struct parser *p, const struct token *t, struct node **out)
{
    struct node *n = new_node(p, NODE_FUNCTION, t);

    if (!n)
        return -ENOMEM;
    *out = n;
    if (token_is(p, t, "true") || token_is(p, t, "false")) {
        n->kind = NODE_VALUE;
        n->value = json_new_bool(t->len == 4);
    } else if (token_is(p, t, "nil")) {
        n->kind = NODE_NIL;
    } else {
        n->text = token_text(p, t);
        if (!n->text)
            return no_memory(p);
        if (!function_exists(n->text))
            return parse_fail(p, t->pos, "function \"%s\" not defined", n->text);
    }
    return 0;
}

static int parse_variable(struct parser *p, const struct token *t, struct node **out)
{
    struct node *n = *out = new_node(p, NODE_VARIABLE, t);

    if (!n)
        return -ENOMEM;
    n->text = token_text(p, t);
    if (!n->text)
        return no_memory(p);
    if (!list_has(&p->vars, n->text))
        return parse_fail(p, t->pos, "undefined variable \"%s\"", n->text);
    return 0;
}

static int add_name(struct parser *p, struct node *n, const struct token *t)
{
    char *name = strndup(p->t->text + t->pos + 1, t->len - 1);

    n->end = t->pos + t->len;
    return list_take(&n->names, name) < 0 ? no_memory(p) : 0;
}

/* One value without the fields behind it; *out stays NULL where none begins. */
static int parse_term(struct parser *p, struct node **out)
{
    const struct token *t = peek_word(p);
    int r;

    switch (t->kind) {
    case TOKEN_WORD:
        if (is_keyword(p, t))
            return 0;
        next(p);
        return parse_word(p, t, out);
    case TOKEN_VARIABLE:
        next(p);
        return parse_variable(p, t, out);
    case TOKEN_DOT:
        next(p);
        *out = new_node(p, NODE_DOT, t);
        return *out ? 0 : -ENOMEM;
    case TOKEN_FIELD:
        next(p);
        *out = new_node(p, NODE_FIELD, t);
        return *out ? add_name(p, *out, t) : -ENOMEM;
    case TOKEN_NUMBER:
    case TOKEN_CHAR:
    case TOKEN_STRING:
    case TOKEN_RAW:
        next(p);
        *out = new_node(p, NODE_VALUE, t);
        return *out ? parse_constant(p, t, *out) : -ENOMEM;
    case TOKEN_OPEN:
        if (p->depth >= DEPTH_MAX)
            return parse_fail(p, t->pos, "parentheses are nested too deeply");
        next(p);
        p->depth++;
        r = parse_pipe(p, "parenthesized pipeline", TOKEN_CLOSE, out);
        p->depth--;
        return r;
    case TOKEN_EOF:
    case TOKEN_TEXT:
    case TOKEN_LEFT:
    case TOKEN_RIGHT:
    case TOKEN_SPACE:
    case TOKEN_PIPE:
    case TOKEN_CLOSE:
    case TOKEN_COMMA:
    case TOKEN_DECLARE:
    case TOKEN_ASSIGN:
        break;
    }
    return 0;
}

/* Put a pipe in parentheses under a node that can have fields. */
static int wrap_chain(struct parser *p, struct node **n, const struct token *t)
{
    _cleanup_node_ struct node *chain = new_node(p, NODE_CHAIN, t);

    if (!chain)
        return -ENOMEM;
    chain->start = (*n)->start;
    if (append(p, &chain->parts, &chain->n_parts, n) < 0)
        return -ENOMEM;
    *n = TAKE(chain);
    return 0;
}

static int parse_operand(struct parser *p, struct node **out)
{
    _cleanup_node_ struct node *n = NULL;
    int r = parse_term(p, &n);

    if (r < 0 || !n)
        return r;
    if (peek(p)->kind == TOKEN_FIELD) {
        const struct token *first = peek(p);

        if (n->kind == NODE_VALUE || n->kind == NODE_NIL || n->kind == NODE_DOT)
            return parse_fail(p, first->pos, "unexpected . after term \"%.*s\"",
                              (int)(n->end - n->start), p->t->text + n->start);
        if (n->kind == NODE_PIPE || n->kind == NODE_FUNCTION)
            r = wrap_chain(p, &n, first);
        else
            n->pos = first->pos;
        while (r == 0 && peek(p)->kind == TOKEN_FIELD)
            r = add_name(p, n, next(p));
    }
    if (r == 0)
        *out = TAKE(n);
    return r;
}

/* ------------------------------------------------------- commands and pipes */

static int parse_command(struct parser *p, struct node **out)
{
    _cleanup_node_ struct node *cmd = new_node(p, NODE_COMMAND, peek_word(p));
    const struct token *t;
    int r;

    if (!cmd)
        return -ENOMEM;
    for (;;) {
        _cleanup_node_ struct node *arg = NULL;

        r = parse_operand(p, &arg);
        if (r < 0)
            return r;
        if (arg) {
            cmd->end = arg->end;
            if (append(p, &cmd->parts, &cmd->n_parts, &arg) < 0)
                return -ENOMEM;
        }
        t = peek(p);
        if (t->kind == TOKEN_SPACE) {
            next(p);
            continue;
        }
        if (t->kind == TOKEN_PIPE)
            next(p);
        else if (t->kind != TOKEN_RIGHT && t->kind != TOKEN_CLOSE)
            return unexpected(p, t, "operand");
        break;
    }
    if (cmd->n_parts == 0)
        return parse_fail(p, cmd->pos, "empty command");
    *out = TAKE(cmd);
    return 0;
}

static int declare(struct parser *p, struct node *pipe, const struct token *t)
{
    _cleanup_free_ char *name = token_text(p, t);

    if (!name || list_add(&pipe->names, name) < 0)
        return no_memory(p);
    return list_add(&p->vars, name) < 0 ? no_memory(p) : 0;
}

/* "$x :=", "$x =", and in a range "$i, $x :=". */
static int parse_declarations(struct parser *p, const char *context, struct node *pipe)
{
    const struct token *t, *then;
    size_t back;
    int r;

    while (peek_word(p)->kind == TOKEN_VARIABLE) {
        back = p->at;
        t = next(p);
        then = peek_word(p);
        if (then->kind == TOKEN_ASSIGN || then->kind == TOKEN_DECLARE) {
            pipe->assign = then->kind == TOKEN_ASSIGN;
            next(p);
            return declare(p, pipe, t);
        }
        if (then->kind != TOKEN_COMMA) {
            p->at = back;
            return 0;
        }
        next(p);
        r = declare(p, pipe, t);
        if (r < 0)
            return r;
        if (!str_eq(context, "range") || pipe->names.n > 1)
            return parse_fail(p, t->pos, "too many declarations in %s", context);
        if (peek_word(p)->kind != TOKEN_VARIABLE)
            return parse_fail(p, t->pos, "range can only initialize variables");
    }
    return 0;
}

static int check_pipe(struct parser *p, const struct node *pipe, const char *context)
{
    if (pipe->n_parts == 0)
        return parse_fail(p, pipe->pos, "missing value for %s", context);
    for (size_t i = 1; i < pipe->n_parts; i++) {
        enum node_kind kind = pipe->parts[i]->parts[0]->kind;

        if (kind == NODE_VALUE || kind == NODE_DOT || kind == NODE_NIL)
            return parse_fail(p, pipe->pos, "non executable command in pipeline stage %zu",
                              i + 1);
    }
    return 0;
}

static int parse_pipe(struct parser *p, const char *context, enum token_kind end,
                      struct node **out)
{
    _cleanup_node_ struct node *pipe = new_node(p, NODE_PIPE, peek_word(p));
    int r;

    if (!pipe)
        return -ENOMEM;
    r = parse_declarations(p, context, pipe);
    while (r == 0) {
        _cleanup_node_ struct node *cmd = NULL;
        const struct token *t = peek_word(p);

        if (t->kind == end) {
            pipe->end = next(p)->pos + (end == TOKEN_CLOSE);
            r = check_pipe(p, pipe, context);
            if (r == 0)
                *out = TAKE(pipe);
            return r;
        }
        if (t->kind < TOKEN_DOT && t->kind != TOKEN_OPEN)
            return unexpected(p, t, context);
        if (is_keyword(p, t))
            return unexpected(p, t, context);
        r = parse_command(p, &cmd);
        if (r == 0)
            r = append(p, &pipe->parts, &pipe->n_parts, &cmd);
    }
    return r;
}

/* ----------------------------------------------------------------- actions */

enum ending { END_EOF, END_END, END_ELSE };

static int parse_list(struct parser *p, struct list *out, enum ending *ending);

static int need_right(struct parser *p, const char *context)
{
    const struct token *t = next_word(p);

    return t->kind == TOKEN_RIGHT ? 0 : unexpected(p, t, context);
}

/* The body of if, range and with, their else and their end. */
static int parse_bodies(struct parser *p, struct node *n, const char *context)
{
    struct list body = {0}, other = {0};
    enum ending ending;
    int r;

    p->loops += n->kind == NODE_RANGE;
    r = parse_list(p, &body, &ending);
    p->loops -= n->kind == NODE_RANGE;
    n->body = body.items;
    n->n_body = body.n;
    if (r < 0)
        return r;
    if (ending == END_EOF)
        return unexpected(p, peek(p), context);
    if (ending == END_END)
        return need_right(p, "end");
    if (n->kind == NODE_IF && token_is(p, peek_word(p), "if")) {
        /* {{else if x}} is {{else}}{{if x}} with one {{end}} for both. */
        _cleanup_node_ struct node *inner = new_node(p, NODE_IF, next(p));

        r = inner ? parse_pipe(p, "if", TOKEN_RIGHT, &inner->pipe) : -ENOMEM;
        p->depth++;
        if (r == 0)
            r = parse_bodies(p, inner, "if");
        p->depth--;
        return r < 0 ? r : append(p, &n->other, &n->n_other, &inner);
    }
    r = need_right(p, "else");
    if (r == 0)
        r = parse_list(p, &other, &ending);
    n->other = other.items;
    n->n_other = other.n;
    if (r < 0)
        return r;
    if (ending == END_ELSE)
        return parse_fail(p, peek(p)->pos, "expected end; found {{else}}");
    if (ending == END_EOF)
        return unexpected(p, peek(p), context);
    return need_right(p, "end");
}

static int parse_control(struct parser *p, enum node_kind kind, const char *context,
                         const struct token *t, struct node **out)
{
    size_t scope = p->vars.n;
    struct node *n = *out = new_node(p, kind, t);
    int r;

    if (!n)
        return -ENOMEM;
    r = parse_pipe(p, context, TOKEN_RIGHT, &n->pipe);
    if (r == 0)
        r = parse_bodies(p, n, context);
    while (p->vars.n > scope)
        list_drop(&p->vars, p->vars.n - 1);
    return r;
}

/* A name in quotes, for define, template and block. */
static int parse_name(struct parser *p, const char *context, char **out)
{
    _cleanup_buf_ struct berth_buf name = BUF_INIT;
    const struct token *t = next_word(p);

    if (t->kind != TOKEN_STRING && t->kind != TOKEN_RAW)
        return unexpected(p, t, context);
    if (t->kind == TOKEN_RAW)
        buf_put(&name, p->t->text + t->pos + 1, t->len - 2);
    else if (template_unquote(p->t->text + t->pos, t->len, &name) < 0)
        return parse_fail(p, t->pos, "invalid syntax");
    *out = buf_steal(&name);
    return *out ? 0 : no_memory(p);
}

/* The body of a definition, up to its {{end}}; variables outside are not seen in it. */
static int parse_definition(struct parser *p, const char *name, const char *context)
{
    struct definition *longer =
        realloc(p->t->definitions, (p->t->n_definitions + 1) * sizeof(*longer));
    struct berth_list outer = p->vars;
    unsigned loops = p->loops;
    struct definition *d;
    struct list body = {0};
    enum ending ending;
    size_t index;
    int r;

    if (!longer)
        return no_memory(p);
    p->t->definitions = longer;
    index = p->t->n_definitions++;
    longer[index] = (struct definition){.name = strdup(name)};
    if (!longer[index].name)
        return no_memory(p);
    p->vars = LIST_INIT;
    p->loops = 0;
    r = list_add(&p->vars, "$") < 0 ? no_memory(p) : parse_list(p, &body, &ending);
    list_free(&p->vars);
    p->vars = outer;
    p->loops = loops;
    d = &p->t->definitions[index]; /* definitions inside may have moved the array */
    d->body = body.items;
    d->n_body = body.n;
    if (r < 0)
        return r;
    if (ending != END_END)
        return unexpected(p, peek(p), context);
    return need_right(p, context);
}

static int parse_template_call(struct parser *p, const struct token *t, bool block,
                               struct node **out)
{
    struct node *n = *out = new_node(p, NODE_TEMPLATE, t);
    const char *context = block ? "block clause" : "template clause";
    const struct token *left = t;
    int r;

    if (!n)
        return -ENOMEM;
    while (left->kind != TOKEN_LEFT)
        left--;
    n->start = left->pos;
    n->pos = peek_word(p)->pos;
    r = parse_name(p, context, &n->text);
    if (r < 0)
        return r;
    if (!block && peek_word(p)->kind == TOKEN_RIGHT)
        next(p);
    else
        r = parse_pipe(p, context, TOKEN_RIGHT, &n->pipe);
    n->end = p->tokens.items[p->at - 1].pos + 2;
    return r == 0 && block ? parse_definition(p, n->text, context) : r;
}

static int parse_jump(struct parser *p, const struct token *t, enum node_kind kind,
                      struct node **out)
{
    const char *word = kind == NODE_BREAK ? "break" : "continue";

    if (peek_word(p)->kind != TOKEN_RIGHT)
        return unexpected(p, peek(p), kind == NODE_BREAK ? "{{break}}" : "{{continue}}");
    next(p);
    if (!p->loops)
        return parse_fail(p, t->pos, "{{%s}} outside {{range}}", word);
    *out = new_node(p, kind, t);
    return *out ? 0 : -ENOMEM;
}

/* What follows "{{".  *out stays NULL for a definition. */
static int parse_action(struct parser *p, struct node **out)
{
    const struct token *t = peek_word(p);
    _cleanup_free_ char *name = NULL;
    struct node *n;
    int r;

    if (token_is(p, t, "if"))
        return next(p), parse_control(p, NODE_IF, "if", t, out);
    if (token_is(p, t, "range"))
        return next(p), parse_control(p, NODE_RANGE, "range", t, out);
    if (token_is(p, t, "with"))
        return next(p), parse_control(p, NODE_WITH, "with", t, out);
    if (token_is(p, t, "template"))
        return next(p), parse_template_call(p, t, false, out);
    if (token_is(p, t, "block"))
        return next(p), parse_template_call(p, t, true, out);
    if (token_is(p, t, "break"))
        return next(p), parse_jump(p, t, NODE_BREAK, out);
    if (token_is(p, t, "continue"))
        return next(p), parse_jump(p, t, NODE_CONTINUE, out);
    if (token_is(p, t, "define")) {
        if (p->depth > 1)
            return unexpected(p, t, "command");
        next(p);
        r = parse_name(p, "define clause", &name);
        if (r == 0)
            r = need_right(p, "define clause");
        return r < 0 ? r : parse_definition(p, name, "define clause");
    }
    n = *out = new_node(p, NODE_ACTION, t);
    return n ? parse_pipe(p, "command", TOKEN_RIGHT, &n->pipe) : -ENOMEM;
}

static int parse_text(struct parser *p, struct node **out)
{
    const struct token *t = next(p);

    *out = new_node(p, NODE_TEXT, t);
    if (!*out)
        return -ENOMEM;
    (*out)->text = token_text(p, t);
    return (*out)->text ? 0 : no_memory(p);
}

static int parse_list(struct parser *p, struct list *out, enum ending *ending)
{
    int r = 0;

    *ending = END_EOF;
    if (p->depth >= DEPTH_MAX)
        return parse_fail(p, peek(p)->pos, "blocks are nested too deeply");
    p->depth++;
    while (r == 0 && peek(p)->kind != TOKEN_EOF) {
        _cleanup_node_ struct node *n = NULL;

        if (peek(p)->kind == TOKEN_TEXT) {
            r = parse_text(p, &n);
        } else {
            next(p); /* the delimiter */
            if (token_is(p, peek_word(p), "end") || token_is(p, peek(p), "else")) {
                *ending = token_is(p, next(p), "end") ? END_END : END_ELSE;
                break;
            }
            r = parse_action(p, &n);
        }
        if (r == 0 && n)
            r = append(p, &out->items, &out->n, &n);
    }
    p->depth--;
    return r;
}

static int parse_all(struct parser *p)
{
    struct list body = {0};
    enum ending ending;
    int r = template_lex(p->t->name, p->t->text, &p->tokens, p->err);

    if (r == 0 && list_add(&p->vars, "$") < 0)
        r = no_memory(p);
    if (r < 0)
        return r;
    r = parse_list(p, &body, &ending);
    p->t->body = body.items;
    p->t->n_body = body.n;
    if (r == 0 && ending != END_EOF)
        r = parse_fail(p, peek(p)->pos, "unexpected {{%s}}",
                       ending == END_END ? "end" : "else");
    return r;
}

int template_parse(const char *name, const char *text, struct template **out,
                   struct berth_error *err)
{
    _cleanup_template_ struct template *t = calloc(1, sizeof(*t));
    struct parser p = {.t = t, .err = err};
    int r;

    if (!t || str_set(&t->name, name) < 0 || str_set(&t->text, text) < 0)
        return no_memory(&p);
    r = parse_all(&p);
    free(p.tokens.items);
    list_free(&p.vars);
    if (r == 0)
        *out = TAKE(t);
    return r;
}

static bool nodes_mention(struct node *const *nodes, size_t n, const char *name);

static bool node_mentions(const struct node *n, const char *name)
{
    if (!n)
        return false;
    /* The whole of dot or of a variable may be printed or handed on. */
    if (n->kind == NODE_DOT || (n->kind == NODE_VARIABLE && n->names.n == 0))
        return true;
    if (n->kind != NODE_PIPE && n->names.n && list_has(&n->names, name))
        return true;
    return node_mentions(n->pipe, name) || nodes_mention(n->parts, n->n_parts, name) ||
           nodes_mention(n->body, n->n_body, name) || nodes_mention(n->other, n->n_other, name);
}

static bool nodes_mention(struct node *const *nodes, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (node_mentions(nodes[i], name))
            return true;
    return false;
}

/* {{range .}} around all of it: what looks at dot there looks at rows. */
static bool is_row_range(const struct node *n)
{
    return n->kind == NODE_RANGE && n->pipe->names.n == 0 && n->pipe->n_parts == 1 &&
           n->pipe->parts[0]->n_parts == 1 && n->pipe->parts[0]->parts[0]->kind == NODE_DOT;
}

bool template_mentions(const struct template *t, const char *name)
{
    if (t->n_body == 1 && is_row_range(t->body[0]) && t->n_definitions == 0)
        return nodes_mention(t->body[0]->body, t->body[0]->n_body, name) ||
               nodes_mention(t->body[0]->other, t->body[0]->n_other, name);
    for (size_t i = 0; i < t->n_definitions; i++)
        if (nodes_mention(t->definitions[i].body, t->definitions[i].n_body, name))
            return true;
    return nodes_mention(t->body, t->n_body, name);
}
