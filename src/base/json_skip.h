/* SPDX-License-Identifier: Apache-2.0 */
/* json_skip.h - getting over JSON text fast. */
#ifndef BERTH_BASE_JSON_SKIP_H
#define BERTH_BASE_JSON_SKIP_H

#include <stddef.h>

/*
 * at: behind the bracket that opened a value.  The byte behind the bracket that closes it, or
 * NULL when the text ends first.  Strings are skipped with their escapes; brackets are
 * counted, not matched in kind.
 */
const char *json_skip_nested(const char *at, const char *end);

/* The first byte that does not stand for itself in the text of a string: a quote, a
 * backslash, one of < > &, a control character, or one beyond ASCII; end where there is none.
 */
const char *json_skip_plain(const char *at, const char *end);

#endif
