/* SPDX-License-Identifier: Apache-2.0 */
/* template_lex.h - a template's text cut into tokens. */
#ifndef BERTH_CMD_TEMPLATE_LEX_H
#define BERTH_CMD_TEMPLATE_LEX_H

#include "base/error.h"
#include <stdbool.h>

enum token_kind {
    TOKEN_EOF,
    TOKEN_TEXT,  /* outside of actions, trimmed */
    TOKEN_LEFT,  /* {{ */
    TOKEN_RIGHT, /* }} */
    TOKEN_SPACE,
    TOKEN_PIPE,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_DECLARE, /* := */
    TOKEN_ASSIGN,  /* = */
    TOKEN_DOT,
    TOKEN_FIELD,    /* .name */
    TOKEN_VARIABLE, /* $name */
    TOKEN_WORD,     /* function, keyword, true, false, nil */
    TOKEN_NUMBER,
    TOKEN_CHAR,
    TOKEN_STRING,
    TOKEN_RAW, /* `...` */
};

struct token {
    enum token_kind kind;
    size_t pos, len; /* in the text */
};

struct tokens {
    struct token *items; /* the last is TOKEN_EOF */
    size_t n, cap;
};

/* Cut up a text.  -EINVAL: "template: NAME:LINE: ...".  Free the items, even then. */
int template_lex(const char *name, const char *text, struct tokens *out,
                 struct berth_error *err);

/* Line of a byte, from 1. */
size_t template_line(const char *text, size_t pos);

#endif
