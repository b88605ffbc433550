/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_json_project.c - bytes as a document: what the quick reader finds must be what the
 * parser finds, wherever the parser takes the text at all.
 */
#include "base/json.h"
#include "base/str.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"name", "state", "spec", "flag"};

static void compare(const json *tree, const char *name, struct berth_blob found)
{
    json *value = NULL;
    json *want = json_get(tree, name);
    bool absent = !found.data || (found.len == 4 && memcmp(found.data, "null", 4) == 0);

    if (absent != !want)
        abort();
    if (absent)
        return;
    if (json_parse(found, "value", &value, NULL) < 0 || !json_object_equal(value, want))
        abort();
    json_object_put(value);
}

/* Does the tree have members that differ in case only?  Then the readers differ, too. */
static bool ambiguous(json *tree)
{
    json_object_object_foreach (tree, key, value) {
        (void)value;
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            if (strcasecmp(key, names[i]) == 0 && strcmp(key, names[i]) != 0)
                return true;
    }
    return false;
}

/* What is sorted without a tree has to be what the tree gives. */
static void compare_sorted(struct berth_blob text)
{
    _cleanup_buf_ struct berth_buf quick = BUF_INIT, slow = BUF_INIT;
    struct json_pick pick = {.name = "state"};
    _cleanup_json_ json *tree = NULL, *value = NULL;

    if (json_sort(text, &pick, 1, &quick) != 1)
        return;
    if (json_parse_object(text, "text", &tree, NULL) < 0 ||
        json_write(tree, JSON_SORTED, &slow) < 0 || !str_eq(buf_str(&quick), buf_str(&slow)))
        abort();
    if (!pick.value.data != !json_object_object_get_ex(tree, "state", NULL))
        abort();
    if (pick.value.data && (json_parse(pick.value, "value", &value, NULL) < 0 ||
                            !json_object_equal(value, json_get(tree, "state"))))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct berth_blob text = {data, size}, found[ARRAY_LEN(names)];
    _cleanup_buf_ struct berth_buf string = BUF_INIT;
    _cleanup_json_ json *tree = NULL;
    int64_t number;
    bool flag;
    int r = json_project(text, names, ARRAY_LEN(names), found, NULL);

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++) {
        json_text_str(found[i], &string);
        json_text_i64(found[i], &number);
        json_text_bool(found[i], &flag);
        if (found[i].data && ((const uint8_t *)found[i].data < data ||
                              (const uint8_t *)found[i].data + found[i].len > data + size))
            abort();
    }
    compare_sorted(text);
    if (json_parse_object(text, "text", &tree, NULL) < 0)
        return 0;
    /* What is a document for the parser is one for the quick reader.  Escapes in names are
     * the one thing that it does not look through: nobody writes them. */
    if (memchr(data, '\\', size))
        return 0;
    if (r < 0)
        abort();
    for (size_t i = 0; !ambiguous(tree) && i < ARRAY_LEN(names); i++)
        compare(tree, names[i], found[i]);
    return 0;
}
