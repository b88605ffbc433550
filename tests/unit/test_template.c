/* SPDX-License-Identifier: Apache-2.0 */
/* test_template.c - src/cmd/template*.c and format.c: what Go's engine prints for the same
 * text, measured with podman where podman has the data. */
#include "cmd/format.h"
#include "cmd/template.h"
#include <check.h>
#include <string.h>
#include <time.h>

static const char document[] =
    "{\"ID\":\"6b405a76ed7b\",\"Names\":[\"web\",\"www\"],\"Pid\":43,\"Big\":"
    "18446744073709551615,"
    "\"Half\":1.5,\"On\":true,\"Off\":false,\"Nil\":null,\"Empty\":[],"
    "\"Labels\":{\"b\":\"two\",\"a\":\"1\"},\"Status\":\"Up 2 seconds ago\","
    "\"Created\":\"2026-11-21T20:20:22.955994932Z\","
    "\"State\":{\"ExitCode\":0,\"Health\":{\"Status\":\"fine\"}},"
    "\"Mounts\":[{\"Source\":\"/a\",\"Destination\":\"/b\"},{\"Source\":\"/"
    "c\",\"Destination\":\"/d\"}]}";

static json *data(void)
{
    json *j = NULL;

    ck_assert_int_eq(
        json_parse((struct berth_blob){document, strlen(document)}, "data", &j, NULL), 0);
    template_type(j, "test.Row");
    template_type(json_get(j, "State"), "*test.State");
    template_type(json_get(j, "Created"), "time.Time");
    template_type(json_get(j, "Labels"), "map[string]string");
    for (size_t i = 0; i < 2; i++)
        template_type(json_item(json_get(j, "Mounts"), i), "test.Mount");
    return j;
}

struct sample {
    const char *text, *want; /* want begins with "!": the error */
};

static void check_sample(const struct sample *s)
{
    _cleanup_json_ json *j = data();
    _cleanup_buf_ struct berth_buf out = BUF_INIT;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_template_ struct template *t = NULL;
    int r = template_parse("t", s->text, &t, &err);

    if (r == 0)
        r = template_run(t, j, &out, &err);
    if (s->want[0] == '!') {
        ck_assert_msg(r == -EINVAL, "%s: gave \"%s\"", s->text, buf_str(&out));
        ck_assert_str_eq(error_text(&err), s->want + 1);
    } else {
        ck_assert_msg(r == 0, "%s: %s", s->text, error_text(&err));
        ck_assert_msg(strcmp(buf_str(&out), s->want) == 0, "%s: gave \"%s\"", s->text,
                      buf_str(&out));
    }
}

static const struct sample printing[] = {
    {"", ""},
    {"plain } text", "plain } text"},
    {"{{.ID}}}}", "6b405a76ed7b}}"},
    {"{{.ID}} {{.Names}} {{.Pid}}", "6b405a76ed7b [web www] 43"},
    {"{{.Big}} {{.Half}} {{.On}} {{.Off}}", "18446744073709551615 1.5 true false"},
    {"{{.Nil}} {{.Empty}}", "[] []"},
    {"{{.Labels}}", "map[a:1 b:two]"},
    {"{{.Labels.a}} {{.Labels.zz}} {{.Labels.zz.y}}", "1 <no value> <no value>"},
    {"{{.State.Health.Status}} {{.State.Health.None}}", "fine <no value>"},
    {"{{.State}}", "{0 map[Status:fine]}"},
    {"{{.Mounts}}", "[{/a /b} {/c /d}]"},
    {"{{1.5}} {{0x10}} {{true}} {{`raw`}} {{'a'}} {{-3}} {{1e3}} {{0b11}} {{0o17}} {{1_000}}",
     "1.5 16 true raw 97 -3 1000 3 15 1000"},
    {"{{\"a\\tb\\n\\\"\\u00e9\\x41\"}}", "a\tb\n\"\xc3\xa9"
                                         "A"},
    {"{{1e21}} {{1e20}} {{0.1}} {{1e-5}} {{123456789.5}}",
     "1e+21 1e+20 0.1 1e-05 1.234567895e+08"},
};

static const struct sample trimming[] = {
    {"a {{- \" y\" -}}  z", "a yz"},
    {"a\n{{- /* c */ -}}\n b", "ab"},
    {"{{/* c */}}{{.Pid}}", "43"},
    {"{{ .Pid }} {{\n.Pid\t}}", "43 43"},
};

static const struct sample control[] = {
    {"{{if .On}}y{{else}}n{{end}}{{if .Off}}y{{else}}n{{end}}", "yn"},
    {"{{if eq .Pid 1}}a{{else if eq .Pid 43}}b{{else}}c{{end}}", "b"},
    {"{{if .Off}}a{{else if .Off}}b{{else}}c{{end}}|", "c|"},
    {"{{with .Labels}}{{.a}}{{else}}none{{end}}{{with .Empty}}x{{else}}none{{end}}", "1none"},
    {"{{range .Names}}<{{.}}>{{end}}", "<web><www>"},
    {"{{range $i,$v := .Names}}{{$i}}={{$v}},{{end}}", "0=web,1=www,"},
    {"{{range $k,$v := .Labels}}{{$k}}={{$v}},{{end}}", "a=1,b=two,"},
    {"{{range $v := .Names}}{{$v}};{{end}}", "web;www;"},
    {"{{range .Empty}}x{{else}}empty{{end}}{{range .Nil}}x{{else}}nil{{end}}", "emptynil"},
    {"{{range .Mounts}}{{.Source}}:{{.Destination}} {{end}}", "/a:/b /c:/d "},
    {"{{range .Names}}{{.}}{{break}}{{end}}", "web"},
    {"{{range .Names}}{{if eq . \"web\"}}{{continue}}{{end}}{{.}}{{end}}", "www"},
    {"{{$x := .ID}}{{$x}}{{$x = 3}}{{$x}}", "6b405a76ed7b3"},
    {"{{range .Names}}{{$.Pid}}{{.}}{{end}}", "43web43www"},
    {"{{$n := 0}}{{range $i, $n = .Names}}{{end}}",
     "!template: t:1:28: executing \"t\" at <.Names>: undefined variable: $i"},
    {"{{$i := 0}}{{$n := 0}}{{range $i, $n = .Names}}{{$n}}{{end}}{{$i}}{{$n}}", "webwww1www"},
    {"{{with $x := .State}}{{$x.ExitCode}}{{end}}", "0"},
    {"{{define \"x\"}}[{{.}}]{{end}}{{template \"x\" .Pid}}", "[43]"},
    {"{{block \"x\" .ID}}[{{.}}]{{end}}", "[6b405a76ed7b]"},
    {"{{(index .Names 0)}} {{(len .Names)}} {{(index .Mounts 1).Source}}", "web 2 /c"},
    {"{{.ID | upper | printf \"%s-%s\" \"x\"}}", "x-6B405A76ED7B"},
};

static const struct sample functions[] = {
    {"{{join .Names \",\"}} {{split \"a b\" \" \"}} {{split \"abc\" \"\"}}",
     "web,www [a b] [a b c]"},
    {"{{upper \"aB\"}} {{lower \"aB\"}} {{title \"ab cd-ef_g\"}}", "AB ab Ab Cd-Ef_g"},
    {"[{{pad .ID 2 3}}] {{truncate .ID 5}} {{truncate .ID 50}}",
     "[  6b405a76ed7b   ] 6b405 6b405a76ed7b"},
    {"{{json .Names}} {{json .Labels}} {{json .Nil}} {{json \"<a>\"}} {{json .Big}}",
     "[\"web\",\"www\"] {\"a\":\"1\",\"b\":\"two\"} null \"<a>\" 18446744073709551615"},
    {"{{json .Created}}", "\"2026-11-21T20:20:22.955994932Z\""},
    {"{{len .Names}} {{len .ID}} {{len .Labels}} {{len .Nil}}", "2 12 2 0"},
    {"{{index .Labels \"a\"}}|{{index .Labels \"zz\"}}|{{index .Names 1}}|{{index .ID 0}}",
     "1||www|54"},
    {"{{slice .ID 0 3}} {{slice .ID 10}} {{slice .Names 1 2}}", "6b4 7b [www]"},
    {"{{html \"<a>\"}} {{js \"a\\\"b\"}} {{urlquery \"a b/\"}}", "&lt;a&gt; a\\\"b a+b%2F"},
    {"{{not true}} {{and 1 0}} {{or 0 \"x\"}} {{and true 7}} {{or 1 .Nope}}", "false 0 x 7 1"},
    {"{{lt 1 2}} {{gt \"a\" \"b\"}} {{ne 1 2}} {{le 1 1}} {{ge 1.5 1.5}}",
     "true false true true true"},
    {"{{eq .Pid 1 2 43}} {{eq .Labels.zz \"x\"}} {{eq .Big .Big}} {{lt .Pid .Big}}",
     "true false true true"},
    {"{{print .ID .Pid 3 4 \"x\"}}|{{println .ID 3}}", "6b405a76ed7b43 3 4x|6b405a76ed7b 3\n"},
    {"{{printf \"%-14s|%5d|%q|%v|%x\" .ID .Pid .ID .Names .ID}}",
     "6b405a76ed7b  |   43|\"6b405a76ed7b\"|[web www]|366234303561373665643762"},
    {"{{printf \"%s\"}} {{printf \"%d\" \"x\"}} {{printf \"%z\" 1}} {{printf \"%5.2f\" 1.5}}",
     "%!s(MISSING) %!d(string=x) %!z(int=1)  1.50"},
    {"{{printf \"%t %c %U %05d %+d %x %X %o %b\" true 65 65 42 7 255 255 8 5}}",
     "true A U+0041 00042 +7 ff FF 10 101"},
    {"{{printf \"%%|%q|%.2s|%T\" .Names \"abc\" .Pid}}", "%|[\"web\" \"www\"]|ab|int"},
    {"{{printf \"%05.1f|%06.1f|%8.3s|%-5t|%q\" 1.25 -1.25 \"abcdef\" true 'x'}}",
     "001.2|-001.2|     abc|true |'x'"},
    {"{{index .Names \"x\"}}",
     "!template: t:1:2: executing \"t\" at <index .Names \"x\">: error calling index: cannot "
     "index slice/array with type string"},
    {"{{printf \"x\" 1}}", "x%!(EXTRA int=1)"},
};

static const struct sample parse_errors[] = {
    {"{{", "!template: t:1: unclosed action"},
    {"{{ .ID", "!template: t:1: unclosed action"},
    {"{{.ID{{end}}", "!template: t:1: bad character U+007B '{'"},
    {"{{foo .ID}}", "!template: t:1: function \"foo\" not defined"},
    {"{{.ID | foo}}", "!template: t:1: function \"foo\" not defined"},
    {"a\n{{if}}", "!template: t:2: missing value for if"},
    {"{{}}", "!template: t:1: missing value for command"},
    {"{{end}}", "!template: t:1: unexpected {{end}}"},
    {"{{else}}", "!template: t:1: unexpected {{else}}"},
    {"{{if .ID}}", "!template: t:1: unexpected EOF"},
    {"{{if .ID}}{{else}}{{else}}{{end}}", "!template: t:1: expected end; found {{else}}"},
    {"{{$x}}", "!template: t:1: undefined variable \"$x\""},
    {"{{\"abc}}", "!template: t:1: unterminated quoted string"},
    {"{{`abc}}", "!template: t:1: unterminated raw quoted string"},
    {"{{'a}}", "!template: t:1: unterminated character constant"},
    {"{{/* a }}", "!template: t:1: unclosed comment"},
    {"{{(.ID}}", "!template: t:1: unclosed left paren"},
    {"{{.ID)}}", "!template: t:1: unexpected right paren"},
    {"{{.ID | 3}}", "!template: t:1: non executable command in pipeline stage 2"},
    {"{{break}}", "!template: t:1: {{break}} outside {{range}}"},
    {"{{range .Names}}{{define \"x\"}}{{end}}{{end}}",
     "!template: t:1: unexpected <define> in command"},
    {"{{3x}}", "!template: t:1: bad number syntax: \"3x\""},
    {"{{.ID}} {{.ID,}}", "!template: t:1: unexpected \",\" in operand"},
};

static const struct sample run_errors[] = {
    {"{{.Foo}}", "!template: t:1:2: executing \"t\" at <.Foo>: can't evaluate field Foo in "
                 "type test.Row"},
    {"x\n {{.State.Foo}}", "!template: t:2:9: executing \"t\" at <.State.Foo>: can't evaluate "
                           "field Foo in type *test.State"},
    {"{{.ID.Foo}}",
     "!template: t:1:5: executing \"t\" at <.ID.Foo>: can't evaluate field Foo in type string"},
    {"{{join .ID \" \"}}", "!template: t:1:7: executing \"t\" at <.ID>: wrong type for value; "
                           "expected []string; got string"},
    {"{{.ID | join \",\"}}",
     "!template: t:1:13: executing \"t\" at <\",\">: can't handle \",\" "
     "for arg of type []string"},
    {"{{upper 3}}", "!template: t:1:8: executing \"t\" at <3>: expected string; found 3"},
    {"{{len 3}}",
     "!template: t:1:2: executing \"t\" at <len 3>: error calling len: len of type int"},
    {"{{index .Names 5}}",
     "!template: t:1:2: executing \"t\" at <index .Names 5>: error calling "
     "index: index out of range: 5"},
    {"{{eq 1 \"a\"}}", "!template: t:1:2: executing \"t\" at <eq 1 \"a\">: error calling eq: "
                       "incompatible types for comparison"},
    {"{{nil}}", "!template: t:1:2: executing \"t\" at <nil>: nil is not a command"},
    {"{{range .ID}}{{end}}",
     "!template: t:1:8: executing \"t\" at <.ID>: range can't iterate over 6b405a76ed7b"},
    {"{{template \"x\"}}",
     "!template: t:1:11: executing \"t\" at <{{template \"x\"}}>: template \"x\" not defined"},
    {"{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}",
     "!template: t:1:25: executing \"x\" at <{{template \"x\"}}>: exceeded maximum template "
     "depth (500)"},
    {"{{upper}}",
     "!template: t:1:2: executing \"t\" at <upper>: wrong number of args for upper: "
     "want 1 got 0"},
};

#define LOOP_TEST(samples)                                                                     \
    START_TEST(test_##samples)                                                                 \
    {                                                                                          \
        check_sample(&(samples)[_i]);                                                          \
    }                                                                                          \
    END_TEST

LOOP_TEST(printing)
LOOP_TEST(trimming)
LOOP_TEST(control)
LOOP_TEST(functions)
LOOP_TEST(parse_errors)
LOOP_TEST(run_errors)

START_TEST(test_time)
{
    setenv("TZ", "UTC", 1);
    tzset();
    check_sample(&(struct sample){"{{.Created}} {{printf \"%s\" .Created}}",
                                  "2026-11-21 20:20:22.955994932 +0000 UTC 2026-11-21 "
                                  "20:20:22.955994932 +0000 UTC"});
}
END_TEST

START_TEST(test_nil_marks)
{
    _cleanup_json_ json *j = json_new();
    _cleanup_buf_ struct berth_buf out = BUF_INIT;
    _cleanup_template_ struct template *t = NULL;

    json_set(j, "M", template_type(json_new(), "nil:map[string]string"));
    json_set(j, "L", template_type(json_new_array(), "nil:[]string"));
    ck_assert_int_eq(
        template_parse("t", "{{.M}} {{.L}} {{json .M}} {{json .L}} {{json .}}", &t, NULL), 0);
    ck_assert_int_eq(template_run(t, j, &out, NULL), 0);
    ck_assert_str_eq(buf_str(&out), "map[] [] null null {\"L\":null,\"M\":null}");
}
END_TEST

START_TEST(test_mentions)
{
    struct template *t = NULL;

    ck_assert_int_eq(
        template_parse("t", "{{range .}}{{.ID}} {{len .Names}}{{end -}}", &t, NULL), 0);
    ck_assert(template_mentions(t, "ID"));
    ck_assert(template_mentions(t, "Names"));
    ck_assert(!template_mentions(t, "Status"));
    template_free(t);
    ck_assert_int_eq(template_parse("t", "{{range .}}{{json .}}{{end -}}", &t, NULL), 0);
    ck_assert(template_mentions(t, "Status"));
    template_free(t);
}
END_TEST

/* Rows, with titles and without. */
static void check_format(const char *text, bool titles, const char *want)
{
    _cleanup_json_ json *rows = json_new_array(), *headers = json_new();
    _cleanup_buf_ struct berth_buf out = BUF_INIT;
    _cleanup_format_ struct format f = {0};

    json_add(rows, data());
    json_add(rows, data());
    json_set_str(headers, "ID", "CONTAINER ID");
    json_set_str(headers, "Pid", "PID");
    json_set_str(headers, "Status", "STATUS");
    ck_assert_int_eq(format_parse("ps", text, true, &f, NULL), 0);
    ck_assert_int_eq(format_run(&f, rows, titles ? headers : NULL, &out, NULL), 0);
    ck_assert_str_eq(buf_str(&out), want);
}

START_TEST(test_format)
{
    check_format("{{.ID}}\\t{{.Pid}}", true, "6b405a76ed7b\t43\n6b405a76ed7b\t43\n");
    check_format("table {{.ID}} {{.Pid}} {{.Status}}", true,
                 "CONTAINER ID  PID         STATUS\n"
                 "6b405a76ed7b  43          Up 2 seconds ago\n"
                 "6b405a76ed7b  43          Up 2 seconds ago\n");
    check_format("table {{.Pid}}\\t{{.ID}}", false,
                 "43          6b405a76ed7b\n43          6b405a76ed7b\n");
    check_format("table {{.ID}}  {{.Pid}}  x", true,
                 "CONTAINER ID              PID                     x\n"
                 "6b405a76ed7b              43                      x\n"
                 "6b405a76ed7b              43                      x\n");
    check_format("{{range .}}{{.Pid}}\\n{{end}}x", true, "43\n43\nx\n");
    check_format("table", true, "table\ntable\n");
}
END_TEST

START_TEST(test_format_json)
{
    ck_assert(format_is_json("json"));
    ck_assert(format_is_json(" {{ json . }} "));
    ck_assert(format_is_json("{{json}}"));
    ck_assert(!format_is_json("{{json .ID}}"));
    ck_assert(!format_is_json("jsonx"));
    ck_assert(!format_is_json("{{json .}}x"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("template");
    TCase *c = tcase_create("template");
    SRunner *runner = srunner_create(s);
    int failed;

    suite_add_tcase(s, c);
    tcase_add_loop_test(c, test_printing, 0, ARRAY_LEN(printing));
    tcase_add_loop_test(c, test_trimming, 0, ARRAY_LEN(trimming));
    tcase_add_loop_test(c, test_control, 0, ARRAY_LEN(control));
    tcase_add_loop_test(c, test_functions, 0, ARRAY_LEN(functions));
    tcase_add_loop_test(c, test_parse_errors, 0, ARRAY_LEN(parse_errors));
    tcase_add_loop_test(c, test_run_errors, 0, ARRAY_LEN(run_errors));
    tcase_add_test(c, test_time);
    tcase_add_test(c, test_nil_marks);
    tcase_add_test(c, test_mentions);
    tcase_add_test(c, test_format);
    tcase_add_test(c, test_format_json);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
