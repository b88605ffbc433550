/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_seccomp.c - seccomp check: what a profile allows. */
#include "base/fs.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/seccomp.h"
#include "engine/spec_priv.h"
#include <linux/filter.h>

#define PROFILE_MAX (16u << 20)

struct seccomp_opts {
    struct berth_list cap_add, cap_drop;
};

/* ----------------------------------------------------------------- printing */

static void print_names(const char *what, struct berth_list *names)
{
    _cleanup_free_ char *text = NULL;

    list_sort(names);
    text = list_join(names, " ");
    printf("%s: %zu%s%s\n", what, names->n, names->n ? ": " : "", str_or(text, ""));
}

/* The system calls of a rule, each once; those with conditions only in `some`. */
static void gather(const json *rule, struct berth_list *all, struct berth_list *some)
{
    const json *names = json_get(rule, "names");
    struct berth_list *to = json_len(json_get(rule, "args")) ? some : all;

    for (size_t i = 0; i < json_len(names); i++) {
        const char *name = json_item_str(names, i);

        if (name && !list_has(to, name))
            list_add(to, name);
    }
    if (json_str(rule, "name") && !list_has(to, json_str(rule, "name")))
        list_add(to, json_str(rule, "name"));
}

static void print_action(const json *o, const char *key, const char *error_key,
                         struct berth_buf *out)
{
    json *number = json_get(o, error_key);
    const char *name = number ? strerrorname_np((int)json_i64(o, error_key, 0)) : NULL;

    buf_puts(out, str_or(json_str(o, key), "none"));
    if (number)
        buf_printf(out, " (%s)", str_or(name, "errno that has no name"));
}

/* What happens to which calls, an action a line, in the order of the profile. */
static void print_rules(const json *filter)
{
    const json *rules = json_get(filter, "syscalls");
    _cleanup_list_ struct berth_list done = LIST_INIT;

    for (size_t i = 0; i < json_len(rules); i++) {
        _cleanup_list_ struct berth_list all = LIST_INIT, some = LIST_INIT;
        _cleanup_buf_ struct berth_buf action = BUF_INIT, part = BUF_INIT;

        print_action(json_item(rules, i), "action", "errnoRet", &action);
        if (list_has(&done, buf_str(&action)))
            continue;
        list_add(&done, buf_str(&action));
        for (size_t j = i; j < json_len(rules); j++) {
            _cleanup_buf_ struct berth_buf other = BUF_INIT;

            print_action(json_item(rules, j), "action", "errnoRet", &other);
            if (str_eq(buf_str(&other), buf_str(&action)))
                gather(json_item(rules, j), &all, &some);
        }
        print_names(buf_str(&action), &all);
        buf_printf(&part, "%s, for some arguments", buf_str(&action));
        if (some.n)
            print_names(buf_str(&part), &some);
    }
}

/* Rules that hang on one capability; more than one are told with the first. */
static void print_capabilities(const json *profile)
{
    const json *rules = json_get(profile, "syscalls");
    const char *cap;

    for (unsigned n = 0; (cap = spec_cap_name(n)); n++) {
        _cleanup_list_ struct berth_list with = LIST_INIT, without = LIST_INIT;
        _cleanup_buf_ struct berth_buf title = BUF_INIT;

        for (size_t i = 0; i < json_len(rules); i++) {
            const json *rule = json_item(rules, i);

            if (json_has_str(json_at(rule, "includes", "caps", NULL), cap))
                gather(rule, &with, &with);
            if (json_has_str(json_at(rule, "excludes", "caps", NULL), cap))
                gather(rule, &without, &without);
        }
        buf_printf(&title, "rules with %s", cap);
        if (with.n)
            print_names(buf_str(&title), &with);
        buf_reset(&title);
        buf_printf(&title, "rules without %s", cap);
        if (without.n)
            print_names(buf_str(&title), &without);
    }
}

/* ------------------------------------------------------------------ unknown */

static void check_arch(const struct seccomp_lib *lib, const char *given, struct berth_list *out)
{
    if (given && !seccomp_arch(lib, given) && !list_has(out, given))
        list_add(out, given);
}

static int print_unknown(const json *profile, struct berth_error *err)
{
    const json *rules = json_get(profile, "syscalls"), *map = json_get(profile, "archMap");
    const json *arches = json_get(profile, "architectures");
    _cleanup_list_ struct berth_list all = LIST_INIT, calls = LIST_INIT, wrong = LIST_INIT;
    const struct seccomp_lib *lib;
    int r = seccomp_lib(&lib, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < json_len(rules); i++)
        gather(json_item(rules, i), &all, &all);
    for (size_t i = 0; i < all.n; i++)
        if (lib->syscall_by_name(all.items[i]) == __NR_SCMP_ERROR)
            list_add(&calls, all.items[i]);
    for (size_t i = 0; i < json_len(arches); i++)
        check_arch(lib, json_item_str(arches, i), &wrong);
    for (size_t i = 0; i < json_len(map); i++) {
        const json *below = json_get(json_item(map, i), "subArchitectures");

        check_arch(lib, json_str(json_item(map, i), "architecture"), &wrong);
        for (size_t j = 0; j < json_len(below); j++)
            check_arch(lib, json_item_str(below, j), &wrong);
    }
    print_names("unknown system calls", &calls);
    print_names("unknown architectures", &wrong);
    return 0;
}

/* ------------------------------------------------------------------ command */

static int explain(struct berth_blob text, const char *what, struct berth_list *caps,
                   struct berth_error *err)
{
    _cleanup_json_ json *profile = NULL, *filter = NULL;
    _cleanup_buf_ struct berth_buf action = BUF_INIT, bpf = BUF_INIT;
    _cleanup_list_ struct berth_list arches = LIST_INIT;
    int r = spec_seccomp(text, what, caps, &filter, err);

    if (r == 0)
        r = json_parse_object(text, what, &profile, err);
    if (r < 0)
        return r;
    if (!filter)
        return fail(err, EINVAL, "%s: a profile needs a default action", what);
    printf("profile: %s\n", what);
    print_names("capabilities", caps);
    print_action(filter, "defaultAction", "defaultErrnoRet", &action);
    printf("default action: %s\n", buf_str(&action));
    json_to_list(json_get(filter, "architectures"), &arches);
    print_names("architectures", &arches);
    printf("rules: %zu, of which %zu hold here\n", json_len(json_get(profile, "syscalls")),
           json_len(json_get(filter, "syscalls")));
    print_rules(filter);
    print_capabilities(profile);
    r = print_unknown(profile, err);
    if (r == 0)
        r = seccomp_compile(filter, &bpf, NULL, err);
    if (r < 0)
        return error_wrap(err, "%s", what);
    printf("filter: %zu instructions\n", bpf.len / sizeof(struct sock_filter));
    return 0;
}

static int check_run(struct cli *cli, void *opts, int argc, char **argv,
                     struct berth_error *err)
{
    const struct seccomp_opts *o = opts;
    _cleanup_list_ struct berth_list caps = LIST_INIT;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const char *what = argc ? argv[0] : NULL;
    struct conf *conf;
    int r = cli_conf(cli, &conf, err);

    if (r == 0)
        r = spec_caps_bounding(conf, &o->cap_add, &o->cap_drop, &caps, err);
    if (r < 0)
        return r;
    if (!what)
        what =
            str_empty(conf->seccomp_profile) ? spec_seccomp_installed() : conf->seccomp_profile;
    if (what)
        r = fs_read(what, PROFILE_MAX, &text, err);
    else if (spec_seccomp_builtin(&text) < 0)
        r = fail(err, ENOMEM, "out of memory");
    return r < 0 ? r : explain(buf_blob(&text), str_or(what, "built in"), &caps, err);
}

#define AT(member) offsetof(struct seccomp_opts, member)
static const struct opt check_options[] = {
    {"cap-add", 0, OPT_CSV, AT(cap_add), "capability", "",
     "For a container that has this capability, too"},
    {"cap-drop", 0, OPT_CSV, AT(cap_drop), "capability", "",
     "For a container that does not have this capability"},
    {""}};
#undef AT

const struct cmd cmd_seccomp_check = {
    .name = "seccomp check",
    .args = "[options] [PROFILE]",
    .summary = "Explain what a seccomp profile allows",
    .text = "Read a profile, by default the one that containers get, and tell what becomes of "
            "which system calls in a container, which rules hang on capabilities, which names "
            "this machine does not know, and how large the filter is. A profile that no "
            "container could be started with is refused.",
    .opts = check_options,
    .size = sizeof(struct seccomp_opts),
    .interspersed = true,
    .max_args = 1,
    .run = check_run,
};
