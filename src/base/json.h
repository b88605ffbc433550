/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - JSON documents as json-c trees, and their text as podman writes it.
 *
 * Trees keep unknown members and the order of members; numbers keep all 64 bits.
 * Building never fails visibly: a process that cannot get memory for a document ends with
 * one line and status 125, and open transactions end with it.  (Every alternative puts a
 * test behind each of a thousand members.)
 *
 * Keys given to setters are copied.  Getters lend; what they return lives as long as the
 * tree is unchanged.
 */
#ifndef BERTH_BASE_JSON_H
#define BERTH_BASE_JSON_H

#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"
#include <json-c/json.h>
#include <stdbool.h>

typedef struct json_object json;

static inline void json_putp(json **j)
{
    if (*j)
        json_object_put(*j);
}
#define _cleanup_json_ _cleanup_(json_putp)

/* ------------------------------------------------------------------ reading */

/* No longer text is parsed.  The largest real documents have a few hundred kilobytes, and a
 * tree takes ten times its text. */
#define JSON_SIZE_MAX ((size_t)64 << 20)

/* Parse one whole document, strictly: no comments, nothing behind it, at most 512 levels.
 * `what` names it in the error.  -EUCLEAN: not JSON. */
int json_parse(struct berth_blob text, const char *what, json **out, struct berth_error *err);

/* The same, and it must be an object. */
int json_parse_object(struct berth_blob text, const char *what, json **out,
                      struct berth_error *err);
int json_read_file(const char *path, size_t max, json **out, struct berth_error *err);

/* A member; NULL when it is missing or null, or when o is NULL or no object. */
json *json_get(const json *o, const char *key);

/* Follow members: json_at(o, "linux", "resources", NULL). */
json *json_at(const json *o, ...) __attribute__((__sentinel__));

/* Values of members, or the given default where there is none of that type. */
const char *json_str(const json *o, const char *key);
int64_t json_i64(const json *o, const char *key, int64_t otherwise);
uint64_t json_u64(const json *o, const char *key, uint64_t otherwise);
bool json_flag(const json *o, const char *key, bool otherwise);

/* Arrays; 0 and NULL for what is no array. */
size_t json_len(const json *array);
json *json_item(const json *array, size_t i);
const char *json_item_str(const json *array, size_t i);
bool json_has_str(const json *array, const char *s);

/* Append all strings of an array to a list. */
int json_to_list(const json *array, struct berth_list *out);

/* ----------------------------------------------------------------- building */

json *json_new(void);
json *json_new_array(void);
json *json_new_str(const char *s);
json *json_new_i64(int64_t v);
json *json_new_u64(uint64_t v);
json *json_new_bool(bool v);
json *json_copy(const json *j);
static inline json *json_ref(json *j)
{
    return j ? json_object_get(j) : NULL;
}

/* Setters take ownership of the value; NULL sets null. */
void json_set(json *o, const char *key, json *value);
void json_set_str(json *o, const char *key, const char *value);
void json_set_i64(json *o, const char *key, int64_t value);
void json_set_u64(json *o, const char *key, uint64_t value);
void json_set_bool(json *o, const char *key, bool value);
void json_set_list(json *o, const char *key, const struct berth_list *list);
void json_del(json *o, const char *key);

/* Set, or remove the member where the value is empty ("omitempty"). */
void json_opt_str(json *o, const char *key, const char *value);
void json_opt_i64(json *o, const char *key, int64_t value);
void json_opt_bool(json *o, const char *key, bool value);
void json_opt_list(json *o, const char *key, const struct berth_list *list);

void json_add(json *array, json *value);
void json_add_str(json *array, const char *value);
json *json_from_list(const struct berth_list *list);

/* The member as an object or array, made when it is missing. */
json *json_need(json *o, const char *key);
json *json_need_array(json *o, const char *key);

/* ------------------------------------------------------------------ writing */

#define JSON_SORTED (1u << 0) /* member names in byte order */
#define JSON_RAW    (1u << 1) /* leave < > & as they are */

/* Append the text in Go's form: no white space, \u003c for <. */
int json_write(const json *j, unsigned flags, struct berth_buf *out);

/* The same on several lines; `prefix` begins every line but the first. */
int json_write_pretty(const json *j, unsigned flags, const char *prefix, const char *indent,
                      struct berth_buf *out);

/* Append s as a JSON string, quotes included. */
int json_write_str(const char *s, size_t len, unsigned flags, struct berth_buf *out);

/* --------------------------------------------------------------- projection */

/*
 * Find members of an object in its text without building a tree: out[i] becomes the text
 * of the member names[i], or absent.  Names match without regard to case and the last of
 * equal ones wins, as in podman's reader.  The rest of the text is only skipped, which
 * checks its structure, not its values.  -EUCLEAN: not an object.
 */
int json_project(struct berth_blob text, const char *const *names, size_t n,
                 struct berth_blob *out, struct berth_error *err);

/* A member of the document itself that json_sort() is to tell of, and perhaps to leave out. */
struct json_pick {
    const char *name;
    bool leave_out;
    struct berth_blob value; /* its text; absent: there is none */
};

/*
 * Append a document as json_write() with JSON_SORTED gives it when it is parsed, at a tenth
 * of the cost.  1: done.  0: it is no object, no JSON, or has something that only the parser
 * knows its way around in, such as two members of one name; nothing was appended.  -ENOMEM.
 */
int json_sort(struct berth_blob text, struct json_pick *picks, size_t n, struct berth_buf *out);

/* Decode the text of a value that json_project found.  0, or -EINVAL when it is of another
 * type; null and absent values leave *out alone and give 0. */
int json_text_str(struct berth_blob value, struct berth_buf *out);
int json_text_i64(struct berth_blob value, int64_t *out);
int json_text_bool(struct berth_blob value, bool *out);

#endif
