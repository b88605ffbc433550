/* SPDX-License-Identifier: Apache-2.0 */
/* format.h - what --format asks for: "json", "table ...", or a Go template. */
#ifndef BERTH_CMD_FORMAT_H
#define BERTH_CMD_FORMAT_H

#include "cmd/template.h"

struct format {
    enum { FORMAT_JSON, FORMAT_TABLE, FORMAT_PLAIN } kind;
    struct template *t; /* NULL: FORMAT_JSON */
};

/* Does the text ask for JSON ("json", or a template that prints the whole as JSON)? */
bool format_is_json(const char *text);

/*
 * Read a format.  `command` is named in errors.  With `rows`, the template is for each row
 * of an array, unless it ranges itself; otherwise it is for one object.  "\t" and "\n" in it
 * mean tab and newline, and it ends with a newline.  -EINVAL.
 */
int format_parse(const char *command, const char *text, bool rows, struct format *out,
                 struct berth_error *err);
void format_free(struct format *f);
#define _cleanup_format_ _cleanup_(format_free)

/* Append what the template makes of the data.  headers: an object whose members are the
 * titles of a table's columns; NULL: no titles. */
int format_run(const struct format *f, json *data, json *headers, struct berth_buf *out,
               struct berth_error *err);

/* Append the data as indented JSON, and a newline. */
void format_json(const json *data, struct berth_buf *out);

#endif
