/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - Go templates (text/template) over JSON trees, for --format.
 *
 * What people write works: fields, pipelines, variables, if, range, with, define,
 * template, block, comparison and the functions of podman's formats.  There are no
 * methods.  Error texts are Go's.
 *
 * Data in Go has types, which decide how a value is printed and what a missing member
 * means.  A tree tells them by template_type(); objects without a type are maps.
 */
#ifndef BERTH_CMD_TEMPLATE_H
#define BERTH_CMD_TEMPLATE_H

#include "base/json.h"

struct template;

/* Parse a text; `name` stands in error messages.  -EINVAL.  *out is the caller's. */
int template_parse(const char *name, const char *text, struct template **out,
                   struct berth_error *err);
void template_free(struct template *t);

static inline void template_freep(struct template **t)
{
    template_free(*t);
}
#define _cleanup_template_ _cleanup_(template_freep)

/* Append what the template makes of the data.  -EINVAL: a field that is not there, ... */
int template_run(const struct template *t, json *data, struct berth_buf *out,
                 struct berth_error *err);

/* May it look at members of this name?  True for any name when it uses a whole object. */
bool template_mentions(const struct template *t, const char *name);

/*
 * Tell the type of a value by its name in Go, a constant string:
 *
 *      time.Time                   a string in RFC 3339 form, printed as Go prints times
 *      map[...]...                 an object whose missing members are "<no value>"
 *      nil:map[...]..., nil:[]...  empty object or array that json shows as null
 *      nil:*...                    empty object that is a nil pointer
 *      omit:...                    any value that json leaves out of an object
 *      anything else               an object whose missing members are errors
 *
 * A marked tree cannot be copied by json_copy().  Returns j.
 */
json *template_type(json *j, const char *type);

#endif
