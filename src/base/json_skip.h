/* SPDX-License-Identifier: Apache-2.0 */
/* json_skip.h - getting over nested JSON text fast. */
#ifndef BERTH_BASE_JSON_SKIP_H
#define BERTH_BASE_JSON_SKIP_H

#include <stddef.h>

/*
 * at: behind the bracket that opened a value.  The byte behind the bracket that closes it, or
 * NULL when the text ends first.  Strings are skipped with their escapes; brackets are
 * counted, not matched in kind.
 */
const char *json_skip_nested(const char *at, const char *end);

#endif
