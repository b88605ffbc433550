/* SPDX-License-Identifier: Apache-2.0 */
/* test_json.c - src/base/json*.c: what is read, what is written as Go writes it, and what
 * the quick reader finds. */
#include "base/json.h"
#include "base/str.h"
#include <check.h>

static json *parse(const char *text)
{
    json *j = NULL;
    int r = json_parse((struct berth_blob){text, strlen(text)}, "text", &j, NULL);

    ck_assert_msg(r == 0, "%s: %d", text, r);
    return j;
}

static const char *const wrong[] = {
    "",      " ",     "{",       "[1",    "{\"a\":}", "{\"a\" 1}", "[1,]",    "{,}",
    "nul",   "truee", "01x",     "\"abc", "1 2",      "{} x",      "// c\n1", "'a'",
    "{a:1}", "[1 2]", "\"\\x\"", "NaN",   "Infinity", "-",         "+1",
};

START_TEST(refused)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    json *j = NULL;
    int r = json_parse((struct berth_blob){wrong[_i], strlen(wrong[_i])}, "thing", &j, &err);

    ck_assert_msg(r == -EUCLEAN, "%s: %d", wrong[_i], r);
    ck_assert_ptr_null(j);
    ck_assert_ptr_nonnull(strstr(error_text(&err), "thing"));
}
END_TEST

START_TEST(depth)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    json *j = NULL;

    for (int i = 0; i < 100000; i++)
        buf_putc(&text, '[');
    ck_assert_int_lt(json_parse(buf_blob(&text), "text", &j, NULL), 0);
    buf_reset(&text);
    for (int i = 0; i < 500; i++)
        buf_putc(&text, '[');
    for (int i = 0; i < 500; i++)
        buf_putc(&text, ']');
    ck_assert_int_eq(json_parse(buf_blob(&text), "text", &j, NULL), 0);
    json_object_put(j);
}
END_TEST

START_TEST(nul_behind)
{
    json *j = NULL;

    ck_assert_int_eq(json_parse((struct berth_blob){"1\0", 2}, "text", &j, NULL), -EUCLEAN);
    ck_assert_int_eq(json_parse((struct berth_blob){"{}\0{}", 5}, "text", &j, NULL), -EUCLEAN);
    ck_assert_int_eq(json_parse((struct berth_blob){NULL, 0}, "text", &j, NULL), -EUCLEAN);
}
END_TEST

START_TEST(getters)
{
    _cleanup_json_ json *j =
        parse("{\"s\":\"x\",\"i\":-5,\"u\":18446744073709551615,\"b\":true,\"n\":null,"
              "\"a\":[\"p\",1,\"q\"],\"o\":{\"p\":{\"q\":3}},\"d\":1.5}");
    _cleanup_list_ struct berth_list list = LIST_INIT;

    ck_assert_str_eq(json_str(j, "s"), "x");
    ck_assert_ptr_null(json_str(j, "i"));
    ck_assert_ptr_null(json_str(j, "none"));
    ck_assert_ptr_null(json_str(NULL, "s"));
    ck_assert_int_eq(json_i64(j, "i", 7), -5);
    ck_assert_int_eq(json_i64(j, "s", 7), 7);
    ck_assert(json_u64(j, "u", 0) == UINT64_MAX);
    ck_assert(json_flag(j, "b", false) && !json_flag(j, "s", false) && json_flag(j, "x", true));
    ck_assert_ptr_null(json_get(j, "n"));
    ck_assert_uint_eq(json_len(json_get(j, "a")), 3);
    ck_assert_uint_eq(json_len(j), 0);
    ck_assert_ptr_null(json_item(json_get(j, "a"), 3));
    ck_assert_ptr_null(json_item_str(json_get(j, "a"), 1));
    ck_assert(json_has_str(json_get(j, "a"), "q") && !json_has_str(json_get(j, "a"), "1"));
    ck_assert_int_eq(json_i64(json_at(j, "o", "p", NULL), "q", 0), 3);
    ck_assert_ptr_null(json_at(j, "o", "x", "q", NULL));
    ck_assert_int_eq(json_to_list(json_get(j, "a"), &list), 0);
    ck_assert_uint_eq(list.n, 2);
}
END_TEST

START_TEST(setters)
{
    _cleanup_json_ json *j = json_new(), *copy = NULL;
    _cleanup_list_ struct berth_list list = LIST_INIT, none = LIST_INIT;
    _cleanup_buf_ struct berth_buf out = BUF_INIT;

    list_add(&list, "x");
    json_set_str(j, "b", "1");
    json_set_str(j, "a", NULL);
    json_set_i64(j, "i", INT64_MIN);
    json_set_u64(j, "u", UINT64_MAX);
    json_set_bool(j, "f", false);
    json_set_list(j, "l", &list);
    json_opt_str(j, "o", "");
    json_opt_i64(j, "i2", 0);
    json_opt_bool(j, "b2", false);
    json_opt_list(j, "l2", &none);
    json_set_str(json_need(j, "n"), "x", "y");
    json_add(json_need_array(j, "r"), json_new_i64(1));
    json_set_i64(json_need(j, "n"), "z", 1);
    copy = json_copy(j);
    json_opt_str(j, "b", NULL);
    ck_assert_ptr_null(json_get(j, "b"));
    json_write(copy, 0, &out);
    ck_assert_str_eq(
        buf_str(&out),
        "{\"b\":\"1\",\"a\":null,\"i\":-9223372036854775808,\"u\":"
        "18446744073709551615,\"f\":false,\"l\":[\"x\"],\"n\":{\"x\":\"y\",\"z\":1},"
        "\"r\":[1]}");
    buf_reset(&out);
    json_write(copy, JSON_SORTED, &out);
    ck_assert_ptr_nonnull(str_starts(buf_str(&out), "{\"a\":null,\"b\":\"1\",\"f\""));
}
END_TEST

/* What Go's encoder makes of strings. */
START_TEST(strings)
{
    static const struct {
        const char *text;
        size_t len;
        unsigned flags;
        const char *want;
    } samples[] = {
        {"plain", 5, 0, "\"plain\""},
        {"a\"b\\c", 5, 0, "\"a\\\"b\\\\c\""},
        {"\n\r\t\b\f\x01\x1f\x7f", 8, 0, "\"\\n\\r\\t\\u0008\\u000c\\u0001\\u001f\x7f\""},
        {"<&>", 3, 0, "\"\\u003c\\u0026\\u003e\""},
        {"<&>", 3, JSON_RAW, "\"<&>\""},
        {"\xe2\x80\xa8\xe2\x80\xa9", 6, JSON_RAW, "\"\\u2028\\u2029\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", 6, 0, "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"a\xff"
         "b\xc3",
         4, 0, "\"a\\ufffdb\\ufffd\""},
        {"\xed\xa0\x80", 3, 0, "\"\\ufffd\\ufffd\\ufffd\""}, /* half a pair */
        {"\xc0\x80", 2, 0, "\"\\ufffd\\ufffd\""},            /* too long a form */
        {"a\0b", 3, 0, "\"a\\u0000b\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        _cleanup_buf_ struct berth_buf out = BUF_INIT;

        json_write_str(samples[i].text, samples[i].len, samples[i].flags, &out);
        ck_assert_str_eq(buf_str(&out), samples[i].want);
    }
}
END_TEST

START_TEST(pretty)
{
    _cleanup_json_ json *j = parse("{\"a\":[1,{\"b\":[]}],\"c\":{}}");
    _cleanup_buf_ struct berth_buf out = BUF_INIT;

    json_write_pretty(j, 0, "", "  ", &out);
    ck_assert_str_eq(buf_str(&out),
                     "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n"
                     "  \"c\": {}\n}");
}
END_TEST

/* Unknown members, their order, numbers: all come back as they were. */
START_TEST(round_trip)
{
    static const char text[] =
        "{\"z\":1,\"a\":[0.1,1e+30,-1,9223372036854775808],\"m\":{\"\":\"\"},"
        "\"z2\":[[],{},null,true]}";
    _cleanup_json_ json *j = parse(text);
    _cleanup_buf_ struct berth_buf out = BUF_INIT;

    json_write(j, 0, &out);
    ck_assert_str_eq(buf_str(&out), text);
}
END_TEST

/* --------------------------------------------------------------- projection */

static const char *const names[] = {"name", "state", "spec"};
static struct berth_blob found[3];

static int project(const char *text)
{
    return json_project((struct berth_blob){text, strlen(text)}, names, 3, found, NULL);
}

static bool is(size_t i, const char *want)
{
    return want ? found[i].data && found[i].len == strlen(want) &&
                      memcmp(found[i].data, want, found[i].len) == 0
                : !found[i].data;
}

START_TEST(projection)
{
    ck_assert_int_eq(project("{}"), 0);
    ck_assert(is(0, NULL) && is(1, NULL) && is(2, NULL));
    ck_assert_int_eq(project(" { \"x\" : [1,{\"name\":\"no\"}] , \"NAME\" : \"yes\" } "), 0);
    ck_assert(is(0, "\"yes\""));
    ck_assert_int_eq(project("{\"name\":1,\"name\":2}"), 0); /* the last one wins */
    ck_assert(is(0, "2"));
    ck_assert_int_eq(project("{\"names\":1,\"nam\":2,\"\":3}"), 0);
    ck_assert(is(0, NULL));
    ck_assert_int_eq(project("{\"spec\":{\"a\":\"}\\\"]\",\"b\":[[],{}]},\"state\":-3}"), 0);
    ck_assert(is(2, "{\"a\":\"}\\\"]\",\"b\":[[],{}]}") && is(1, "-3"));
    ck_assert_int_eq(project("{\"state\":null,\"name\":\"a\\\\\"}"), 0);
    ck_assert(is(1, "null") && is(0, "\"a\\\\\""));
}
END_TEST

static const char *const no_objects[] = {
    "",          "[]",         "1",           "{",          "{\"a\"",   "{\"a\":",
    "{\"a\":1",  "{\"a\":1,}", "{\"a\":1}x",  "{\"a\" 1}",  "{a:1}",    "{\"a\":[}",
    "{\"a\":\"", "{\"a\\",     "{\"a\":\"\\", "{\"a\":{\"", "{\"a\":}", "{\"a\":[1,{]",
};

START_TEST(projection_refuses)
{
    ck_assert_msg(project(no_objects[_i]) == -EUCLEAN, "%s", no_objects[_i]);
}
END_TEST

/* Damage: a NUL inside a key that begins like a wanted name. */
START_TEST(projection_nul)
{
    static const char text[] = "{\"name\0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\":1}";

    ck_assert_int_eq(
        json_project((struct berth_blob){text, sizeof(text) - 1}, names, 3, found, NULL), 0);
    ck_assert(is(0, NULL));
}
END_TEST

START_TEST(long_documents)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    /* Strings and brackets at every distance from each other. */
    buf_puts(&text, "{\"x\":[");
    for (int i = 0; i < 300; i++) {
        buf_printf(&text, "%s{\"%0*d\":\"", i ? "," : "", i, i);
        for (int k = 0; k < i % 70; k++)
            buf_puts(&text, k % 7 == 3 ? "\\\"" : k % 5 == 1 ? "]" : "\\\\");
        buf_puts(&text, "\"}");
    }
    buf_puts(&text, "],\"name\":\"end\"}");
    ck_assert_int_eq(project(buf_str(&text)), 0);
    ck_assert(is(0, "\"end\""));
}
END_TEST

static struct berth_blob blob(const char *text)
{
    return (struct berth_blob){text, strlen(text)};
}

START_TEST(text_values)
{
    _cleanup_buf_ struct berth_buf out = BUF_INIT;
    int64_t i = 5;
    bool b = true;

    ck_assert_int_eq(json_text_str(blob("\"a\\u00e9\\n\""), &out), 0);
    ck_assert_str_eq(buf_str(&out), "a\xc3\xa9\n");
    ck_assert_int_eq(json_text_str(blob("3"), &out), -EINVAL);
    ck_assert_int_eq(json_text_str(blob("\"a\\x\""), &out), -EINVAL);
    ck_assert_int_eq(json_text_str(blob("null"), &out), 0);
    ck_assert_int_eq(json_text_i64(blob("null"), &i), 0);
    ck_assert_int_eq(i, 5);
    ck_assert_int_eq(json_text_i64(blob("-12"), &i), 0);
    ck_assert_int_eq(i, -12);
    ck_assert_int_eq(json_text_i64(blob("1.5"), &i), -EINVAL);
    ck_assert_int_eq(json_text_i64(blob("99999999999999999999"), &i), -EINVAL);
    ck_assert_int_eq(json_text_bool((struct berth_blob){0}, &b), 0);
    ck_assert(b);
    ck_assert_int_eq(json_text_bool(blob("false"), &b), 0);
    ck_assert(!b);
    ck_assert_int_eq(json_text_bool(blob("1"), &b), -EINVAL);
}
END_TEST

/* ------------------------------------------------------------------ sorting */

static const struct {
    const char *text, *want; /* NULL: left to the parser */
} documents[] = {
    {"{}", "{}"},
    {" { } ", "{}"},
    {"{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}"},
    {"{\"b\":{\"z\":[{\"y\":1,\"x\":{}}],\"\":\"\"},\"a\":[ ]}",
     "{\"a\":[],\"b\":{\"\":\"\",\"z\":[{\"x\":{},\"y\":1}]}}"},
    {"{\"ab\":1,\"a\":2,\"B\":true,\"c\" : [ null , false ] }",
     "{\"B\":true,\"a\":2,\"ab\":1,\"c\":[null,false]}"},
    {"{\"n\":[0,-1,18446744073709551615,-9223372036854775808,123456789012345678]}",
     "{\"n\":[0,-1,18446744073709551615,-9223372036854775808,123456789012345678]}"},
    {"{\"s\":[\"a<b>&\",\"\\u00e9\\/\\\\\",\"\xc3\xa9\",\"sixteen bytes and more\\n\"]}",
     "{\"s\":[\"a\\u003cb\\u003e\\u0026\",\"\xc3\xa9/\\\\\",\"\xc3\xa9\","
     "\"sixteen bytes and more\\n\"]}"},
    {"{\"a\":1,\"a\":2}", NULL},
    {"{\"a\":1,\"b\":2,\"a\":3}", NULL},
    {"{\"\\u0061\":1}", NULL},
    {"{\"a<\":1}", NULL},
};

static int sort(const char *text, struct json_pick *picks, size_t n, struct berth_buf *out)
{
    return json_sort(blob(text), picks, n, out);
}

START_TEST(sorting)
{
    const char *text = documents[_i].text, *want = documents[_i].want;
    _cleanup_buf_ struct berth_buf out = BUF_INIT, parsed = BUF_INIT;
    _cleanup_json_ json *j = NULL;

    buf_puts(&out, "before");
    ck_assert_int_eq(sort(text, NULL, 0, &out), want != NULL);
    ck_assert_str_eq(buf_str(&out) + 6, want ? want : "");
    ck_assert_int_eq(json_parse(blob(text), "text", &j, NULL), 0);
    json_write(j, JSON_SORTED, &parsed);
    if (want)
        ck_assert_str_eq(buf_str(&parsed), want);
}
END_TEST

START_TEST(sorting_refuses)
{
    _cleanup_buf_ struct berth_buf out = BUF_INIT;

    ck_assert_msg(sort(no_objects[_i], NULL, 0, &out) == 0, "%s", no_objects[_i]);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(sorting_picks)
{
    _cleanup_buf_ struct berth_buf out = BUF_INIT;
    struct json_pick p[] = {
        {.name = "in", .leave_out = true}, {.name = "seen"}, {.name = "no"}};

    ck_assert_int_eq(
        sort("{\"z\":{\"in\":1},\"seen\":\"x\",\"in\":[1, 2],\"a\":0}", p, 3, &out), 1);
    ck_assert_str_eq(buf_str(&out), "{\"a\":0,\"seen\":\"x\",\"z\":{\"in\":1}}");
    ck_assert(p[0].value.len == 6 && memcmp(p[0].value.data, "[1, 2]", 6) == 0);
    ck_assert(p[1].value.len == 3 && memcmp(p[1].value.data, "\"x\"", 3) == 0);
    ck_assert_ptr_null(p[2].value.data);
    buf_reset(&out);
    ck_assert_int_eq(sort("{\"in\":null}", p, 1, &out), 1);
    ck_assert_str_eq(buf_str(&out), "{}");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("json");
    TCase *c = tcase_create("json");
    SRunner *runner = srunner_create(s);
    int failed;

    suite_add_tcase(s, c);
    tcase_add_loop_test(c, refused, 0, ARRAY_LEN(wrong));
    tcase_add_test(c, depth);
    tcase_add_test(c, nul_behind);
    tcase_add_test(c, getters);
    tcase_add_test(c, setters);
    tcase_add_test(c, strings);
    tcase_add_test(c, pretty);
    tcase_add_test(c, round_trip);
    tcase_add_test(c, projection);
    tcase_add_loop_test(c, projection_refuses, 0, ARRAY_LEN(no_objects));
    tcase_add_test(c, projection_nul);
    tcase_add_test(c, long_documents);
    tcase_add_test(c, text_values);
    tcase_add_loop_test(c, sorting, 0, ARRAY_LEN(documents));
    tcase_add_loop_test(c, sorting_refuses, 0, ARRAY_LEN(no_objects));
    tcase_add_test(c, sorting_picks);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
