/* SPDX-License-Identifier: Apache-2.0 */
/* template_int.h - what the parts of the template engine share. */
#ifndef BERTH_CMD_TEMPLATE_INT_H
#define BERTH_CMD_TEMPLATE_INT_H

#include "cmd/template.h"

enum node_kind {
    NODE_TEXT,
    NODE_ACTION,   /* {{pipe}} */
    NODE_IF,       /* {{if pipe}} body {{else}} other {{end}} */
    NODE_RANGE,    /* likewise */
    NODE_WITH,     /* likewise */
    NODE_TEMPLATE, /* {{template "name" pipe}} */
    NODE_BREAK,
    NODE_CONTINUE,
    NODE_PIPE,    /* parts: commands; text: names of declared variables */
    NODE_COMMAND, /* parts: function or value, then arguments */
    /* Operands. */
    NODE_FUNCTION, /* text: its name */
    NODE_FIELD,    /* fields of dot */
    NODE_VARIABLE, /* text: its name; fields of it */
    NODE_CHAIN,    /* parts[0]: a pipe in parentheses; fields of it */
    NODE_DOT,
    NODE_NIL,
    NODE_VALUE, /* a constant */
};

struct node {
    enum node_kind kind;
    size_t pos;        /* byte in the template, for errors */
    size_t start, end; /* its text, for errors */
    struct node **parts;
    size_t n_parts;
    struct node *pipe;
    struct node **body, **other; /* lists */
    size_t n_body, n_other;
    char *text;
    struct berth_list names; /* fields, or variables that a pipe declares */
    bool assign;             /* "=": the variable is there already */
    json *value;
};

struct definition {
    char *name;
    struct node **body;
    size_t n_body;
};

struct template
{
    char *name, *text;
    struct node **body;
    size_t n_body;
    struct definition *definitions;
    size_t n_definitions;
};

/* Constants: the plain text of a quoted string of len bytes, quotes included (-EINVAL);
 * the number of a quoted character, and a number; NULL: malformed. */
int template_unquote(const char *s, size_t len, struct berth_buf *out);
json *template_character(const char *s, size_t len);
json *template_number(const char *text);

/* A value while a template runs: JSON, nil (NULL), or none at all. */
struct value {
    json *j;
    bool missing;
};

#define NO_VALUE ((struct value){.missing = true})
#define VALUE(x) ((struct value){.j = (x)})

/* A running template. */
struct run {
    const struct template *t;
    const char *name; /* of the template or definition that runs */
    struct berth_buf *out;
    json *pool; /* array that keeps what was made alive until the end */
    struct variable {
        const char *name;
        struct value value;
    } * vars;
    size_t n_vars, cap_vars;
    unsigned depth;
    struct berth_error *err;
};

/* Keep a new value alive until the run ends; returns it. */
struct value run_keep(struct run *run, json *j);

/* Is there a function of that name? */
bool function_exists(const char *name);

/* Call it.  `at` is the command, for errors. */
int function_call(struct run *run, const struct node *at, const char *name,
                  const struct node *const *arg_nodes, const struct value *args, size_t n,
                  struct value *out);

/* "executing ... at <...>: what": -EINVAL. */
int run_fail(struct run *run, const struct node *at, const char *fmt, ...) _printf_(3, 4);

/* Is it neither zero, empty, nil nor missing? */
bool value_truth(struct value v);

/* The name of its type in Go. */
const char *value_type(struct value v);

/* Print as Go's %v does. */
void value_print(struct value v, struct berth_buf *out);
void print_float(double d, char verb, int precision, struct berth_buf *out);

/* Go's Sprintf(). */
void value_printf(const char *format, const struct value *args, size_t n,
                  struct berth_buf *out);

/* One character in UTF-8; nothing where there is none of that number. */
void print_character(uint64_t c, struct berth_buf *out);

/* Text in Go's double quotes. */
void print_quoted(const char *s, struct berth_buf *out);

/* Type that template_type() told, without "omit:" and "nil:"; NULL: none. */
const char *json_mark(const json *j);
bool json_is_nil(const json *j);
bool json_is_omitted(const json *j);
bool json_is_map(const json *j);

#endif
