/* SPDX-License-Identifier: Apache-2.0 */
/* template_run.c - running a template on data. */
#include "base/str.h"
#include "cmd/template_int.h"
#include "cmd/template_lex.h"

#define DEPTH_MAX  500       /* templates that call each other */
#define OUTPUT_MAX (1 << 28) /* bytes; a template can multiply its data */

enum outcome { GO_ON = 0, BREAK = 1, CONTINUE = 2 }; /* or a negative errno */

json *template_type(json *j, const char *type)
{
    json_object_set_userdata(j, (void *)(uintptr_t)type, NULL);
    return j;
}

static const char *full_mark(const json *j)
{
    /* Numbers that were parsed keep their text where marks are kept. */
    return !j || json_object_is_type(j, json_type_double)
               ? NULL
               : json_object_get_userdata((json *)(uintptr_t)j);
}

bool json_is_omitted(const json *j)
{
    const char *mark = full_mark(j);

    return mark && str_starts(mark, "omit:");
}

bool json_is_nil(const json *j)
{
    const char *mark = full_mark(j);

    return mark && (str_starts(mark, "nil:") || str_starts(mark, "omit:nil:"));
}

const char *json_mark(const json *j)
{
    const char *mark = full_mark(j), *rest;

    if (mark && (rest = str_starts(mark, "omit:")))
        mark = rest;
    if (mark && (rest = str_starts(mark, "nil:")))
        mark = rest;
    return mark && *mark ? mark : NULL;
}

bool json_is_map(const json *j)
{
    const char *mark = json_mark(j);

    return json_object_is_type(j, json_type_object) && (!mark || str_starts(mark, "map["));
}

struct value run_keep(struct run *run, json *j)
{
    json_add(run->pool, j);
    return VALUE(j);
}

int run_fail(struct run *run, const struct node *at, const char *fmt, ...)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT, shown = BUF_INIT;
    const struct template *t = run->t;
    size_t column = at->pos;
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    for (size_t i = at->pos; i > 0; i--)
        if (t->text[i - 1] == '\n') {
            column = at->pos - i;
            break;
        }
    if (at->end - at->start > 20)
        buf_printf(&shown, "%.20s...", t->text + at->start);
    else
        buf_put(&shown, t->text + at->start, at->end - at->start);
    return fail(run->err, EINVAL, "template: %s:%zu:%zu: executing \"%s\" at <%s>: %s", t->name,
                template_line(t->text, at->pos), column, run->name, buf_str(&shown),
                buf_str(&text));
}

/* ------------------------------------------------------------------ values */

bool value_truth(struct value v)
{
    if (v.missing || !v.j || json_is_nil(v.j))
        return false;
    switch (json_object_get_type(v.j)) {
    case json_type_boolean:
        return json_object_get_boolean(v.j);
    case json_type_int:
        return json_object_get_int64(v.j) != 0;
    case json_type_double:
        return json_object_get_double(v.j) != 0;
    case json_type_string:
        return json_object_get_string_len(v.j) > 0;
    case json_type_array:
        return json_object_array_length(v.j) > 0;
    case json_type_object:
        return !json_is_map(v.j) || json_object_object_length(v.j) > 0;
    case json_type_null:
        break;
    }
    return false;
}

const char *value_type(struct value v)
{
    const char *mark;

    if (v.missing || !v.j)
        return "interface {}";
    mark = json_mark(v.j);
    if (mark)
        return mark;
    switch (json_object_get_type(v.j)) {
    case json_type_boolean:
        return "bool";
    case json_type_int:
        return "int";
    case json_type_double:
        return "float64";
    case json_type_string:
        return "string";
    case json_type_array:
        return json_len(v.j) && !json_item_str(v.j, 0) ? "[]interface {}" : "[]string";
    case json_type_object:
        return "map[string]interface {}";
    case json_type_null:
        break;
    }
    return "interface {}";
}

/* ------------------------------------------------------------------ fields */

static int get_field(struct run *run, const struct node *at, struct value from,
                     const char *name, struct value *out)
{
    json *j = NULL;

    if (from.missing) {
        *out = NO_VALUE; /* a missing member of a map has only missing members */
        return 0;
    }
    if (!from.j || (json_is_nil(from.j) && !json_is_map(from.j)))
        return run_fail(run, at, "nil pointer evaluating %s.%s", value_type(from), name);
    if (!json_object_is_type(from.j, json_type_object))
        return run_fail(run, at, "can't evaluate field %s in type %s", name, value_type(from));
    if (json_object_object_get_ex(from.j, name, &j)) {
        /* Members that are null are lists in Go, nearly always. */
        *out = j || json_is_map(from.j)
                   ? VALUE(j)
                   : run_keep(run, template_type(json_new_array(), "nil:[]string"));
        return 0;
    }
    if (!json_is_map(from.j))
        return run_fail(run, at, "can't evaluate field %s in type %s", name, value_type(from));
    *out = NO_VALUE;
    return 0;
}

static int get_fields(struct run *run, const struct node *at, struct value from,
                      struct value *out)
{
    int r = 0;

    *out = from;
    for (size_t i = 0; i < at->names.n && r == 0; i++)
        r = get_field(run, at, *out, at->names.items[i], out);
    return r;
}

static struct variable *find_variable(struct run *run, const char *name)
{
    for (size_t i = run->n_vars; i > 0; i--)
        if (str_eq(run->vars[i - 1].name, name))
            return &run->vars[i - 1];
    return NULL;
}

static int push_variable(struct run *run, const char *name, struct value value)
{
    if (run->n_vars == run->cap_vars) {
        size_t cap = run->cap_vars ? 2 * run->cap_vars : 16;
        struct variable *vars = realloc(run->vars, cap * sizeof(*vars));

        if (!vars)
            return fail(run->err, ENOMEM, "out of memory");
        run->vars = vars;
        run->cap_vars = cap;
    }
    run->vars[run->n_vars++] = (struct variable){name, value};
    return 0;
}

/* ------------------------------------------------------------------- pipes */

static int eval_pipe(struct run *run, struct value dot, const struct node *pipe,
                     struct value *out);

/* A node that is no function call. */
static int eval_operand(struct run *run, struct value dot, const struct node *n,
                        struct value *out)
{
    const struct variable *variable;
    int r;

    switch (n->kind) {
    case NODE_FIELD:
        return get_fields(run, n, dot, out);
    case NODE_VARIABLE:
        variable = find_variable(run, n->text);
        if (!variable)
            return run_fail(run, n, "undefined variable: %s", n->text);
        return get_fields(run, n, variable->value, out);
    case NODE_CHAIN:
        r = n->parts[0]->kind == NODE_PIPE
                ? eval_pipe(run, dot, n->parts[0], out)
                : function_call(run, n->parts[0], n->parts[0]->text, NULL, NULL, 0, out);
        return r < 0 ? r : get_fields(run, n, *out, out);
    case NODE_PIPE:
        return eval_pipe(run, dot, n, out);
    case NODE_DOT:
        *out = dot;
        return 0;
    case NODE_NIL:
        *out = VALUE(NULL);
        return 0;
    case NODE_VALUE:
        *out = VALUE(n->value);
        return 0;
    case NODE_FUNCTION:
        return function_call(run, n, n->text, NULL, NULL, 0, out);
    case NODE_TEXT:
    case NODE_ACTION:
    case NODE_IF:
    case NODE_RANGE:
    case NODE_WITH:
    case NODE_TEMPLATE:
    case NODE_BREAK:
    case NODE_CONTINUE:
    case NODE_COMMAND:
        break;
    }
    return run_fail(run, n, "can't evaluate this");
}

#define ARGS_MAX 64

static int eval_call(struct run *run, struct value dot, const struct node *cmd,
                     const struct value *final, struct value *out)
{
    const struct node *nodes[ARGS_MAX + 1], *function = cmd->parts[0];
    struct value args[ARGS_MAX + 1];
    bool lazy = str_eq(function->text, "and") || str_eq(function->text, "or");
    size_t n = 0;
    int r;

    if (cmd->n_parts > ARGS_MAX)
        return run_fail(run, cmd, "too many arguments for %s", function->text);
    for (size_t i = 1; i < cmd->n_parts; i++) {
        nodes[n] = cmd->parts[i];
        r = eval_operand(run, dot, cmd->parts[i], &args[n]);
        if (r < 0)
            return r;
        n++;
        if (lazy && value_truth(args[n - 1]) == str_eq(function->text, "or")) {
            *out = args[n - 1];
            return 0;
        }
    }
    if (final) {
        nodes[n] = cmd;
        args[n++] = *final;
    }
    return function_call(run, cmd, function->text, nodes, args, n, out);
}

static int eval_command(struct run *run, struct value dot, const struct node *cmd,
                        const struct value *final, struct value *out)
{
    const struct node *first = cmd->parts[0];

    if (first->kind == NODE_FUNCTION)
        return eval_call(run, dot, cmd, final, out);
    if (cmd->n_parts > 1 || final) {
        if (first->kind == NODE_FIELD || first->kind == NODE_VARIABLE)
            return run_fail(run, first, "%s has arguments but cannot be invoked as function",
                            first->names.n ? first->names.items[first->names.n - 1]
                                           : first->text);
        return run_fail(run, first, "can't give argument to non-function %.*s",
                        (int)(first->end - first->start), run->t->text + first->start);
    }
    if (first->kind == NODE_NIL)
        return run_fail(run, first, "nil is not a command");
    return eval_operand(run, dot, first, out);
}

static int eval_pipe(struct run *run, struct value dot, const struct node *pipe,
                     struct value *out)
{
    struct value v = NO_VALUE, before;
    int r = 0;

    for (size_t i = 0; i < pipe->n_parts && r == 0; i++) {
        before = v;
        r = eval_command(run, dot, pipe->parts[i], i ? &before : NULL, &v);
    }
    for (size_t i = 0; i < pipe->names.n && r == 0; i++) {
        if (pipe->assign) {
            struct variable *variable = find_variable(run, pipe->names.items[i]);

            if (!variable)
                return run_fail(run, pipe->parts[pipe->n_parts - 1], "undefined variable: %s",
                                pipe->names.items[i]);
            variable->value = v;
        } else {
            r = push_variable(run, pipe->names.items[i], v);
        }
    }
    *out = v;
    return r;
}

/* ----------------------------------------------------------------- actions */

static int run_list(struct run *run, struct value dot, struct node *const *nodes, size_t n);

static int run_choice(struct run *run, struct value dot, const struct node *n)
{
    size_t scope = run->n_vars;
    struct value v;
    int r = eval_pipe(run, dot, n->pipe, &v);

    if (r == 0)
        r = value_truth(v) ? run_list(run, n->kind == NODE_WITH ? v : dot, n->body, n->n_body)
                           : run_list(run, dot, n->other, n->n_other);
    run->n_vars = scope;
    return r;
}

/* One turn of a range: key and element into its variables, then the body. */
static int run_turn(struct run *run, const struct node *n, json *key, json *element)
{
    const struct berth_list *names = &n->pipe->names;
    size_t scope = run->n_vars;
    int r;

    for (size_t i = 0; i < names->n; i++) {
        struct variable *variable = find_variable(run, names->items[i]);

        if (variable)
            variable->value = VALUE(i + 1 < names->n ? key : element);
    }
    r = run_list(run, VALUE(element), n->body, n->n_body);
    run->n_vars = scope;
    return r == CONTINUE ? GO_ON : r;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int range_object(struct run *run, const struct node *n, json *object)
{
    size_t count = (size_t)json_object_object_length(object), i = 0;
    _cleanup_free_ const char **names = calloc(count + 1, sizeof(*names));
    int r = 0;

    if (!names)
        return fail(run->err, ENOMEM, "out of memory");
    json_object_object_foreach (object, key, value) {
        (void)value;
        names[i++] = key;
    }
    SORT(names, count, compare_names);
    for (i = 0; i < count && r == 0; i++)
        r = run_turn(run, n, run_keep(run, json_new_str(names[i])).j,
                     json_get(object, names[i]));
    return r;
}

static int run_range(struct run *run, struct value dot, const struct node *n)
{
    size_t scope = run->n_vars;
    struct value v;
    int r = eval_pipe(run, dot, n->pipe, &v);
    bool array = r == 0 && v.j && json_object_is_type(v.j, json_type_array);

    if (r < 0)
        return r;
    if (v.j && !array && !json_is_map(v.j)) {
        _cleanup_buf_ struct berth_buf text = BUF_INIT;

        value_print(v, &text);
        r = run_fail(run, n->pipe->parts[0], "range can't iterate over %s", buf_str(&text));
    } else if (!value_truth(v)) {
        r = run_list(run, dot, n->other, n->n_other);
    } else if (array) {
        for (size_t i = 0; i < json_len(v.j) && r == 0; i++) {
            json *index =
                n->pipe->names.n == 2 ? run_keep(run, json_new_i64((int64_t)i)).j : NULL;

            r = run_turn(run, n, index, json_item(v.j, i));
        }
    } else {
        r = range_object(run, n, v.j);
    }
    run->n_vars = scope;
    return r == BREAK ? 0 : r;
}

static int run_template(struct run *run, struct value dot, const struct node *n)
{
    const struct definition *d = NULL;
    const char *caller = run->name;
    size_t scope = run->n_vars;
    struct value v = NO_VALUE;
    int r = n->pipe ? eval_pipe(run, dot, n->pipe, &v) : 0;

    for (size_t i = 0; i < run->t->n_definitions; i++)
        if (str_eq(run->t->definitions[i].name, n->text))
            d = &run->t->definitions[i];
    if (r == 0 && !d)
        r = run_fail(run, n, "template \"%s\" not defined", n->text);
    if (r == 0 && ++run->depth > DEPTH_MAX)
        r = run_fail(run, n, "exceeded maximum template depth (%d)", DEPTH_MAX);
    if (r == 0)
        r = push_variable(run, "$", v);
    if (r == 0) {
        run->name = d->name;
        r = run_list(run, v, d->body, d->n_body);
        run->name = caller;
        run->depth--;
    }
    run->n_vars = scope;
    return r;
}

static int run_node(struct run *run, struct value dot, const struct node *n)
{
    struct value v;
    int r;

    switch (n->kind) {
    case NODE_TEXT:
        buf_puts(run->out, n->text);
        return GO_ON;
    case NODE_ACTION:
        r = eval_pipe(run, dot, n->pipe, &v);
        if (r == 0 && n->pipe->names.n == 0)
            value_print(v, run->out);
        return r;
    case NODE_IF:
    case NODE_WITH:
        return run_choice(run, dot, n);
    case NODE_RANGE:
        return run_range(run, dot, n);
    case NODE_TEMPLATE:
        return run_template(run, dot, n);
    case NODE_BREAK:
        return BREAK;
    case NODE_CONTINUE:
        return CONTINUE;
    case NODE_PIPE:
    case NODE_COMMAND:
    case NODE_FUNCTION:
    case NODE_FIELD:
    case NODE_VARIABLE:
    case NODE_CHAIN:
    case NODE_DOT:
    case NODE_NIL:
    case NODE_VALUE:
        break;
    }
    return run_fail(run, n, "can't run this");
}

static int run_list(struct run *run, struct value dot, struct node *const *nodes, size_t n)
{
    int r = GO_ON;

    for (size_t i = 0; i < n && r == GO_ON; i++) {
        r = run_node(run, dot, nodes[i]);
        if (r >= 0 && run->out->len > OUTPUT_MAX)
            return fail(run->err, E2BIG, "template: %s: it prints more than %d bytes",
                        run->t->name, OUTPUT_MAX);
    }
    return r;
}

int template_run(const struct template *t, json *data, struct berth_buf *out,
                 struct berth_error *err)
{
    struct run run = {
        .t = t, .name = t->name, .out = out, .err = err, .pool = json_new_array()};
    int r = push_variable(&run, "$", VALUE(data));

    if (r == 0)
        r = run_list(&run, VALUE(data), t->body, t->n_body);
    json_object_put(run.pool);
    free(run.vars);
    if (r < 0)
        return r;
    return buf_error(out) ? fail(err, ENOMEM, "out of memory") : 0;
}
