/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - reading and building trees; see json.h. */
#include "base/json.h"
#include "base/fs.h"
#include "base/str.h"
#include <math.h>

#define DEPTH_MAX 512

static _noreturn_ void out_of_memory(void)
{
    static const char text[] = "Error: out of memory\n";

    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        _exit(125);
    _exit(125);
}

static json *need(json *j)
{
    if (!j)
        out_of_memory();
    return j;
}

/* Are all numbers of a tree finite? */
static bool is_finite(json *j)
{
    if (json_object_is_type(j, json_type_double))
        return isfinite(json_object_get_double(j));
    for (size_t i = 0; i < json_len(j); i++)
        if (!is_finite(json_item(j, i)))
            return false;
    if (!j || !json_object_is_type(j, json_type_object))
        return true;
    json_object_object_foreach (j, key, value) {
        (void)key;
        if (!is_finite(value))
            return false;
    }
    return true;
}

int json_parse(struct berth_blob text, const char *what, json **out, struct berth_error *err)
{
    /* Kept from one document to the next: making one clears a stack of DEPTH_MAX levels,
     * which is more work than most small documents are. */
    static _Thread_local struct json_tokener *tok;
    enum json_tokener_error problem;
    const char *at = text.data;
    size_t end;
    json *j;

    if (!at || text.len == 0)
        return fail(err, EUCLEAN, "%s is empty, not JSON", what);
    if (text.len > JSON_SIZE_MAX)
        return fail(err, EUCLEAN, "%s has %zu bytes, more than the %zu that are read", what,
                    text.len, JSON_SIZE_MAX);
    if (!tok && !(tok = json_tokener_new_ex(DEPTH_MAX)))
        return fail(err, ENOMEM, "out of memory");
    json_tokener_reset(tok);
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
    j = json_tokener_parse_ex(tok, at, (int)text.len);
    problem = json_tokener_get_error(tok);
    /* A number at the very end is complete only once the tokener sees what follows. */
    if (problem == json_tokener_continue) {
        j = json_tokener_parse_ex(tok, "", 1);
        problem = json_tokener_get_error(tok);
        end = text.len;
    } else {
        end = json_tokener_get_parse_end(tok);
    }
    while (end < text.len && strchr(" \t\r\n", at[end]) && at[end])
        end++;
    if (problem != json_tokener_success || end < text.len) {
        if (j)
            json_object_put(j);
        return fail(err, EUCLEAN, "%s is not valid JSON (%s at byte %zu)", what,
                    problem == json_tokener_success ? "unexpected text"
                                                    : json_tokener_error_desc(problem),
                    end);
    }
    /* json-c takes NaN and Infinity, which are no JSON. */
    if ((memmem(at, text.len, "NaN", 3) || memmem(at, text.len, "nfinity", 7)) &&
        !is_finite(j)) {
        json_object_put(j);
        return fail(err, EUCLEAN, "%s is not valid JSON (it has a number without value)", what);
    }
    *out = j;
    return 0;
}

int json_parse_object(struct berth_blob text, const char *what, json **out,
                      struct berth_error *err)
{
    json *j = NULL;
    int r = json_parse(text, what, &j, err);

    if (r < 0)
        return r;
    if (!json_object_is_type(j, json_type_object)) {
        json_object_put(j);
        return fail(err, EUCLEAN, "%s is not a JSON object", what);
    }
    *out = j;
    return 0;
}

int json_read_file(const char *path, size_t max, json **out, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = fs_read(path, max, &text, err);

    return r < 0 ? r : json_parse_object(buf_blob(&text), path, out, err);
}

json *json_get(const json *o, const char *key)
{
    json *value = NULL;

    if (!o || !json_object_is_type(o, json_type_object))
        return NULL;
    json_object_object_get_ex(o, key, &value);
    return value;
}

json *json_at(const json *o, ...)
{
    const char *key;
    json *at = NULL;
    va_list ap;

    va_start(ap, o);
    while ((key = va_arg(ap, const char *))) {
        at = json_get(o, key);
        o = at;
    }
    va_end(ap);
    return at;
}

const char *json_str(const json *o, const char *key)
{
    json *value = json_get(o, key);

    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

int64_t json_i64(const json *o, const char *key, int64_t otherwise)
{
    json *value = json_get(o, key);

    return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : otherwise;
}

uint64_t json_u64(const json *o, const char *key, uint64_t otherwise)
{
    json *value = json_get(o, key);

    return json_object_is_type(value, json_type_int) ? json_object_get_uint64(value)
                                                     : otherwise;
}

bool json_flag(const json *o, const char *key, bool otherwise)
{
    json *value = json_get(o, key);

    return json_object_is_type(value, json_type_boolean) ? json_object_get_boolean(value)
                                                         : otherwise;
}

size_t json_len(const json *array)
{
    return array && json_object_is_type(array, json_type_array)
               ? json_object_array_length(array)
               : 0;
}

json *json_item(const json *array, size_t i)
{
    return i < json_len(array) ? json_object_array_get_idx(array, i) : NULL;
}

const char *json_item_str(const json *array, size_t i)
{
    json *item = json_item(array, i);

    return json_object_is_type(item, json_type_string) ? json_object_get_string(item) : NULL;
}

bool json_has_str(const json *array, const char *s)
{
    for (size_t i = 0; i < json_len(array); i++)
        if (str_eq(json_item_str(array, i), s))
            return true;
    return false;
}

int json_to_list(const json *array, struct berth_list *out)
{
    for (size_t i = 0; i < json_len(array); i++)
        if (json_item_str(array, i))
            list_add(out, json_item_str(array, i));
    return out->error;
}

/* ----------------------------------------------------------------- building */

json *json_new(void)
{
    return need(json_object_new_object());
}

json *json_new_array(void)
{
    return need(json_object_new_array());
}

json *json_new_str(const char *s)
{
    return need(json_object_new_string(s));
}

json *json_new_i64(int64_t v)
{
    return need(json_object_new_int64(v));
}

json *json_new_u64(uint64_t v)
{
    return need(json_object_new_uint64(v));
}

json *json_new_bool(bool v)
{
    return need(json_object_new_boolean(v));
}

json *json_copy(const json *j)
{
    json *copy = NULL;

    if (j && json_object_deep_copy((json *)(uintptr_t)j, &copy, NULL) < 0)
        out_of_memory();
    return copy;
}

void json_set(json *o, const char *key, json *value)
{
    if (json_object_object_add(o, key, value) < 0)
        out_of_memory();
}

void json_set_str(json *o, const char *key, const char *value)
{
    json_set(o, key, value ? json_new_str(value) : NULL);
}

void json_set_i64(json *o, const char *key, int64_t value)
{
    json_set(o, key, json_new_i64(value));
}

void json_set_u64(json *o, const char *key, uint64_t value)
{
    json_set(o, key, json_new_u64(value));
}

void json_set_bool(json *o, const char *key, bool value)
{
    json_set(o, key, json_new_bool(value));
}

json *json_from_list(const struct berth_list *list)
{
    json *array = json_new_array();

    for (size_t i = 0; i < list->n; i++)
        json_add_str(array, list->items[i]);
    return array;
}

void json_set_list(json *o, const char *key, const struct berth_list *list)
{
    json_set(o, key, json_from_list(list));
}

void json_del(json *o, const char *key)
{
    json_object_object_del(o, key);
}

void json_opt_str(json *o, const char *key, const char *value)
{
    if (str_empty(value))
        json_del(o, key);
    else
        json_set_str(o, key, value);
}

void json_opt_i64(json *o, const char *key, int64_t value)
{
    if (value == 0)
        json_del(o, key);
    else
        json_set_i64(o, key, value);
}

void json_opt_bool(json *o, const char *key, bool value)
{
    if (value)
        json_set_bool(o, key, true);
    else
        json_del(o, key);
}

void json_opt_list(json *o, const char *key, const struct berth_list *list)
{
    if (list->n)
        json_set_list(o, key, list);
    else
        json_del(o, key);
}

void json_add(json *array, json *value)
{
    if (json_object_array_add(array, value) < 0)
        out_of_memory();
}

void json_add_str(json *array, const char *value)
{
    json_add(array, json_new_str(value));
}

json *json_need(json *o, const char *key)
{
    json *value = json_get(o, key);

    if (!value || !json_object_is_type(value, json_type_object))
        json_set(o, key, value = json_new());
    return value;
}

json *json_need_array(json *o, const char *key)
{
    json *value = json_get(o, key);

    if (!value || !json_object_is_type(value, json_type_array))
        json_set(o, key, value = json_new_array());
    return value;
}
