/* SPDX-License-Identifier: Apache-2.0 */
/* test_opts.c - src/cmd/opts.c: the rules and texts of podman's option library, as measured
 * on podman 4.3.1. */
#include "base/str.h"
#include "cmd/cli.h"
#include "cmd/flags_ctr.h"
#include "cmd/opts.h"
#include <check.h>

struct values {
    bool all, quiet;
    char *name, *bare;
    struct berth_list env, caps;
    int64_t last;
    uint64_t seconds;
    int tri;
};

#define AT(member) offsetof(struct values, member)
static const struct opt table[] = {
    {"all", 'a', OPT_BOOL, AT(all), "", "", "a"},
    {"quiet", 'q', OPT_BOOL, AT(quiet), "", "", "q"},
    {"name", 0, OPT_STRING, AT(name), "", "", "n"},
    {"color", 'c', OPT_STRING, AT(bare), "", "", "c", .bare = "always"},
    {"env", 'e', OPT_LIST, AT(env), "", "A=1", "e"},
    {"cap-add", 0, OPT_CSV, AT(caps), "", "", "c"},
    {"last", 'n', OPT_INT, AT(last), "", "-1", "l"},
    {"time", 't', OPT_UINT, AT(seconds), "", "", "t"},
    {"tri", 0, OPT_TRISTATE, AT(tri), "", "", "t"},
    {""}};

struct other {
    char *root, *name;
};
static const struct opt other_table[] = {
    {"root", 0, OPT_STRING, offsetof(struct other, root), "", "", "r"},
    {"name", 0, OPT_STRING, offsetof(struct other, name), "", "", "hidden by the first"},
    {""}};

static struct values v;
static struct other w;
static struct opts_result result;
static struct berth_error err;
static const struct opts_set sets[] = {{table, &v}, {other_table, &w}};

static void teardown(void)
{
    opts_free(&sets[0]);
    opts_free(&sets[1]);
    opts_result_free(&result);
    error_clear(&err);
    v = (struct values){0};
    w = (struct other){0};
}

/* Parse words, given as one text with blanks between them; "~" stands for an empty word. */
static int parse(const char *line, bool interspersed)
{
    static struct berth_list words;

    teardown();
    list_free(&words);
    list_split(&words, line, ' ', false);
    for (size_t i = 0; i < words.n; i++)
        if (str_eq(words.items[i], "~"))
            words.items[i][0] = '\0';
    ck_assert_int_eq(opts_preset(&sets[0], &err), 0);
    ck_assert_int_eq(opts_preset(&sets[1], &err), 0);
    return opts_parse(sets, 2, interspersed, (char **)(uintptr_t)list_argv(&words), &result,
                      &err);
}

static void good(const char *line)
{
    ck_assert_msg(parse(line, true) == 0, "%s: %s", line, error_text(&err));
}

START_TEST(presets)
{
    good("");
    ck_assert(!v.all && !v.quiet && !v.name);
    ck_assert_int_eq(v.last, -1);
    ck_assert_int_eq(v.tri, -1);
    ck_assert_uint_eq(v.env.n, 1);
    ck_assert_uint_eq(result.given.n, 0);
    ck_assert_int_eq(result.n_args, 0);
}
END_TEST

START_TEST(forms)
{
    good("-a -q");
    ck_assert(v.all && v.quiet);
    good("-aq");
    ck_assert(v.all && v.quiet);
    good("--all=false -q=true");
    ck_assert(!v.all && v.quiet);
    good("--name x");
    ck_assert_str_eq(v.name, "x");
    good("--name=x --name=y=z");
    ck_assert_str_eq(v.name, "y=z");
    good("--name=");
    ck_assert_str_eq(v.name, "");
    good("--name ~ x");
    ck_assert_str_eq(v.name, "");
    ck_assert_int_eq(result.n_args, 1);
    good("-n5");
    ck_assert_int_eq(v.last, 5);
    good("-n 5");
    ck_assert_int_eq(v.last, 5);
    good("-n=5");
    ck_assert_int_eq(v.last, 5);
    good("-aqn 5");
    ck_assert_int_eq(v.last, 5);
    ck_assert(v.all && v.quiet);
    good("-n -3");
    ck_assert_int_eq(v.last, -3);
    good("-t 0x10");
    ck_assert_uint_eq(v.seconds, 16);
    good("-t 010");
    ck_assert_uint_eq(v.seconds, 8);
    good("-n 1_0");
    ck_assert_int_eq(v.last, 10);
    good("-n +7");
    ck_assert_int_eq(v.last, 7);
    good("-n 0");
    ck_assert_int_eq(v.last, 0);
    good("--tri --timeout 3");
    ck_assert_int_eq(v.tri, 1);
    ck_assert_uint_eq(v.seconds, 3);
    good("--tri=0");
    ck_assert_int_eq(v.tri, 0);
    good("--color x");
    ck_assert_str_eq(v.bare, "always");
    ck_assert_int_eq(result.n_args, 1);
    good("--color=never -c x");
    ck_assert_str_eq(v.bare, "always");
    good("-ca x");
    ck_assert_str_eq(v.bare, "always");
    ck_assert(v.all);
}
END_TEST

START_TEST(lists)
{
    good("-e B=2 --env=C=3,D");
    ck_assert_uint_eq(v.env.n, 2); /* the preset is gone */
    ck_assert_str_eq(v.env.items[0], "B=2");
    ck_assert_str_eq(v.env.items[1], "C=3,D");
    good("-eB -e=C");
    ck_assert_str_eq(v.env.items[0], "B");
    ck_assert_str_eq(v.env.items[1], "C");
    good("--cap-add a,b --cap-add c,");
    ck_assert_uint_eq(v.caps.n, 4);
    ck_assert_str_eq(v.caps.items[2], "c");
    ck_assert_str_eq(v.caps.items[3], "");
    good("--cap-add=\"a,b\",\"c\"\"d\"");
    ck_assert_uint_eq(v.caps.n, 2);
    ck_assert_str_eq(v.caps.items[0], "a,b");
    ck_assert_str_eq(v.caps.items[1], "c\"d");
    good("--cap-add=");
    ck_assert_uint_eq(v.caps.n, 0);
}
END_TEST

START_TEST(arguments)
{
    good("x -a y -- -q z");
    ck_assert(v.all && !v.quiet);
    ck_assert_int_eq(result.n_args, 4);
    ck_assert_str_eq(result.args[2], "-q");
    good("- -a");
    ck_assert_int_eq(result.n_args, 1);
    ck_assert_str_eq(result.args[0], "-");
    ck_assert_int_eq(parse("-a x -q -- y", false), 0);
    ck_assert(v.all && !v.quiet);
    ck_assert_int_eq(result.n_args, 4);
    ck_assert_str_eq(result.args[1], "-q");
    ck_assert_str_eq(result.args[2], "--");
    ck_assert_int_eq(parse("-- -x", false), 0);
    ck_assert_int_eq(result.n_args, 1);
}
END_TEST

START_TEST(both_sets)
{
    good("--root /x --name y");
    ck_assert_str_eq(w.root, "/x");
    ck_assert_str_eq(v.name, "y");
    ck_assert_ptr_null(w.name);
    ck_assert(list_has(&result.given, "root") && list_has(&result.given, "name"));
}
END_TEST

START_TEST(help)
{
    good("--help");
    ck_assert(result.help);
    good("-h --frob"); /* -h ends it */
    ck_assert(result.help);
    good("--help=false");
    ck_assert(!result.help);
    ck_assert_int_eq(parse("--help --frob", true), -EINVAL);
}
END_TEST

/* A parse may go on in the arguments that the one before left. */
START_TEST(goes_on)
{
    ck_assert_int_eq(parse("-a x -q y", false), 0);
    ck_assert_int_eq(opts_parse(sets, 2, false, result.args + 1, &result, &err), 0);
    ck_assert(v.all && v.quiet);
    ck_assert_int_eq(result.n_args, 1);
    ck_assert_str_eq(result.args[0], "y");
    ck_assert(list_has(&result.given, "all") && list_has(&result.given, "quiet"));
}
END_TEST

static const struct {
    const char *line, *text;
} errors[] = {
    {"--frob", "unknown flag: --frob"},
    {"--frob=x", "unknown flag: --frob"},
    {"-z", "unknown shorthand flag: 'z' in -z"},
    {"-az", "unknown shorthand flag: 'z' in -z"},
    {"-azq", "unknown shorthand flag: 'z' in -zq"},
    {"--name", "flag needs an argument: --name"},
    {"-n", "flag needs an argument: 'n' in -n"},
    {"-qn", "flag needs an argument: 'n' in -n"},
    {"--=x", "bad flag syntax: --=x"},
    {"---x", "bad flag syntax: ---x"},
    {"-n x", "invalid argument \"x\" for \"-n, --last\" flag: strconv.ParseInt: parsing \"x\": "
             "invalid syntax"},
    {"--last=_1", "invalid argument \"_1\" for \"-n, --last\" flag: strconv.ParseInt: parsing "
                  "\"_1\": invalid syntax"},
    {"-n 08", "invalid argument \"08\" for \"-n, --last\" flag: strconv.ParseInt: parsing "
              "\"08\": invalid syntax"},
    {"-n 1_", "invalid argument \"1_\" for \"-n, --last\" flag: strconv.ParseInt: parsing "
              "\"1_\": invalid syntax"},
    {"-n=", "invalid argument \"\" for \"-n, --last\" flag: strconv.ParseInt: parsing \"\": "
            "invalid syntax"},
    {"-n 9223372036854775808",
     "invalid argument \"9223372036854775808\" for \"-n, --last\" flag: "
     "strconv.ParseInt: parsing \"9223372036854775808\": value out of "
     "range"},
    {"-t -1", "invalid argument \"-1\" for \"-t, --time\" flag: strconv.ParseUint: parsing "
              "\"-1\": invalid syntax"},
    {"--all=x", "invalid argument \"x\" for \"-a, --all\" flag: strconv.ParseBool: parsing "
                "\"x\": invalid syntax"},
    {"--tri=x", "invalid argument \"x\" for \"--tri\" flag: strconv.ParseBool: parsing \"x\": "
                "invalid syntax"},
    {"--help=x",
     "invalid argument \"x\" for \"--help\" flag: strconv.ParseBool: parsing \"x\": "
     "invalid syntax"},
    {"--cap-add=a\"b",
     "invalid argument \"a\\\"b\" for \"--cap-add\" flag: parse error on line "
     "1, column 2: bare \" in non-quoted-field"},
};

START_TEST(error_texts)
{
    ck_assert_int_eq(parse(errors[_i].line, true), -EINVAL);
    ck_assert_str_eq(error_text(&err), errors[_i].text);
}
END_TEST

/* The members are arrays: a text that just fits has lost its end. */
static void check_table(const char *command, const struct opt *o)
{
    for (; o && *o->name; o++) {
        ck_assert_msg(
            memchr(o->name, 0, sizeof(o->name)) && memchr(o->arg, 0, sizeof(o->arg)) &&
                memchr(o->preset, 0, sizeof(o->preset)) &&
                memchr(o->help, 0, sizeof(o->help)) && memchr(o->bare, 0, sizeof(o->bare)),
            "%s --%.20s: a text is too long", command, o->name);
        ck_assert_msg(*o->help, "%s --%s has no help", command, o->name);
    }
}

START_TEST(tables)
{
    for (size_t i = 0; commands[i]; i++)
        check_table(commands[i]->name, commands[i]->opts);
    check_table("berth", cli_global_opts);
    check_table("berth", cli_program_opts);
    ck_assert_ptr_nonnull(opts_find(run_opts, "detach", strlen("detach")));
    ck_assert_ptr_null(opts_find(create_opts, "detach", strlen("detach")));
    ck_assert(!opts_find(run_opts, "passwd", strlen("passwd"))->hidden);
    ck_assert(opts_find(create_opts, "passwd", strlen("passwd"))->hidden);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("opts");
    TCase *c = tcase_create("opts");
    SRunner *runner = srunner_create(s);
    int failed;

    suite_add_tcase(s, c);
    tcase_add_checked_fixture(c, NULL, teardown);
    tcase_add_test(c, presets);
    tcase_add_test(c, forms);
    tcase_add_test(c, lists);
    tcase_add_test(c, arguments);
    tcase_add_test(c, both_sets);
    tcase_add_test(c, help);
    tcase_add_test(c, goes_on);
    tcase_add_test(c, tables);
    tcase_add_loop_test(c, error_texts, 0, ARRAY_LEN(errors));
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
