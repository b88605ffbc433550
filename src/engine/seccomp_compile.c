/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_compile.c - rules to the kernel's language, as crun does it: an action that is the
 * default is no rule, an errno that is not given is EPERM, and conditions of which two are on
 * one argument become alternatives.
 */
#include "base/fs.h"
#include "base/str.h"
#include "engine/seccomp.h"
#include <sys/mman.h>

#define FILTER_MAX (4096 * 8) /* the kernel's limit of instructions */
#define ARGS_MAX   6

bool seccomp_action(const char *name, uint32_t error, uint32_t *out)
{
    static const struct {
        const char *name;
        uint32_t action;
    } actions[] = {
        {"ALLOW", SCMP_ACT_ALLOW},
        {"KILL", SCMP_ACT_KILL},
        {"KILL_THREAD", SCMP_ACT_KILL_THREAD},
        {"KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
        {"TRAP", SCMP_ACT_TRAP},
        {"LOG", SCMP_ACT_LOG},
        {"NOTIFY", SCMP_ACT_NOTIFY},
        {"ERRNO", SCMP_ACT_ERRNO(0)},
        {"TRACE", SCMP_ACT_TRACE(0)},
    };
    const char *rest = name ? str_starts(name, "SCMP_ACT_") : NULL;

    for (size_t i = 0; rest && i < ARRAY_LEN(actions); i++) {
        bool numbered =
            actions[i].action == SCMP_ACT_ERRNO(0) || actions[i].action == SCMP_ACT_TRACE(0);

        if (!str_eq(rest, actions[i].name))
            continue;
        *out = actions[i].action | (numbered ? error & 0xffff : 0);
        return true;
    }
    return false;
}

bool seccomp_operator(const char *name, enum scmp_compare *out)
{
    static const struct {
        const char *name;
        enum scmp_compare op;
    } operators[] = {
        {"NE", SCMP_CMP_NE},
        {"LT", SCMP_CMP_LT},
        {"LE", SCMP_CMP_LE},
        {"EQ", SCMP_CMP_EQ},
        {"GE", SCMP_CMP_GE},
        {"GT", SCMP_CMP_GT},
        {"MASKED_EQ", SCMP_CMP_MASKED_EQ},
    };
    const char *rest = name ? str_starts(name, "SCMP_CMP_") : NULL;

    for (size_t i = 0; rest && i < ARRAY_LEN(operators); i++)
        if (str_eq(rest, operators[i].name)) {
            *out = operators[i].op;
            return true;
        }
    return false;
}

struct compiler {
    const struct seccomp_lib *lib;
    scmp_filter_ctx ctx;
    uint32_t preset; /* what happens to all other calls */
    struct berth_list *unknown;
};

/* `error_key` is the member with the errno. */
static int read_action(const json *from, const char *key, const char *error_key, uint32_t *out,
                       struct berth_error *err)
{
    const char *name = json_str(from, key);
    bool given = json_get(from, error_key) != NULL;

    if (!seccomp_action(name, (uint32_t)json_u64(from, error_key, EPERM), out))
        return fail(err, EINVAL, "seccomp: unknown action \"%s\"", str_or(name, ""));
    if (given && !str_eq(name, "SCMP_ACT_ERRNO") && !str_eq(name, "SCMP_ACT_TRACE"))
        return fail(err, EINVAL, "seccomp: action %s takes no errno", name);
    return 0;
}

static int add_arches(struct compiler *c, const json *arches, struct berth_error *err)
{
    for (size_t i = 0; i < json_len(arches); i++) {
        const char *given = str_or(json_item_str(arches, i), "");
        uint32_t arch = seccomp_arch(c->lib, given);
        int r;

        if (!arch)
            return fail(err, EINVAL, "seccomp: unknown architecture \"%s\"", given);
        r = c->lib->arch_add(c->ctx, arch);
        if (r < 0 && r != -EEXIST)
            return fail_errno(err, -r, "seccomp: adding architecture %s", given);
    }
    return 0;
}

/* *again: two conditions are on one argument. */
static int read_args(const json *args, struct scmp_arg_cmp *out, unsigned *n, bool *again,
                     struct berth_error *err)
{
    unsigned seen = 0;

    *again = false;
    for (*n = 0; *n < json_len(args) && *n < ARGS_MAX; (*n)++) {
        const json *arg = json_item(args, *n);
        uint64_t index = json_u64(arg, "index", 0);

        if (index >= ARGS_MAX)
            return fail(err, EINVAL, "seccomp: system calls have no argument %llu",
                        (unsigned long long)index);
        *again = *again || (seen & 1u << index);
        seen |= 1u << index;
        out[*n] = (struct scmp_arg_cmp){.arg = (unsigned)index,
                                        .datum_a = json_u64(arg, "value", 0),
                                        .datum_b = json_u64(arg, "valueTwo", 0)};
        if (!seccomp_operator(json_str(arg, "op"), &out[*n].op))
            return fail(err, EINVAL, "seccomp: unknown operator \"%s\"",
                        str_or(json_str(arg, "op"), ""));
    }
    return 0;
}

static int add_rule(struct compiler *c, const json *rule, struct berth_error *err)
{
    const json *names = json_get(rule, "names");
    struct scmp_arg_cmp args[ARGS_MAX];
    uint32_t action;
    unsigned n_args;
    bool again;
    int r = read_action(rule, "action", "errnoRet", &action, err);

    if (r < 0 || action == c->preset)
        return r;
    r = read_args(json_get(rule, "args"), args, &n_args, &again, err);
    for (size_t i = 0; r == 0 && i < json_len(names); i++) {
        const char *name = str_or(json_item_str(names, i), "");
        int number = c->lib->syscall_by_name(name);

        if (number == __NR_SCMP_ERROR) {
            if (c->unknown && !list_has(c->unknown, name))
                list_add(c->unknown, name);
            continue;
        }
        if (!again)
            r = c->lib->rule_add(c->ctx, action, number, n_args, args);
        for (unsigned j = 0; again && r == 0 && j < n_args; j++)
            r = c->lib->rule_add(c->ctx, action, number, 1, &args[j]);
        if (r < 0)
            return fail_errno(err, -r, "seccomp: adding a rule for %s", name);
    }
    return r;
}

static int add_all(struct compiler *c, const json *filter, struct berth_error *err)
{
    const json *rules = json_get(filter, "syscalls");
    int r = add_arches(c, json_get(filter, "architectures"), err);

    for (size_t i = 0; r == 0 && i < json_len(rules); i++)
        r = add_rule(c, json_item(rules, i), err);
    return r;
}

/* The library writes to descriptors only. */
static int take_out(struct compiler *c, struct berth_buf *bpf, struct berth_error *err)
{
    _cleanup_close_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
    int r;

    if (fd < 0)
        return fail_errno(err, errno, "seccomp: making a file in memory");
    r = c->lib->export_bpf(c->ctx, fd);
    if (r < 0)
        return fail_errno(err, -r, "seccomp: compiling the filter");
    if (lseek(fd, 0, SEEK_SET) < 0)
        return fail_errno(err, errno, "seccomp: reading the filter");
    return fs_read_fd(fd, "the seccomp filter", FILTER_MAX, bpf, err);
}

int seccomp_compile(const json *filter, struct berth_buf *bpf, struct berth_list *unknown,
                    struct berth_error *err)
{
    struct compiler c = {.unknown = unknown};
    int r = seccomp_lib(&c.lib, err);

    if (r == 0)
        r = read_action(filter, "defaultAction", "defaultErrnoRet", &c.preset, err);
    if (r < 0)
        return r;
    c.ctx = c.lib->init(c.preset);
    if (!c.ctx)
        return fail(err, EINVAL, "seccomp: the kernel or libseccomp does not know action %s",
                    json_str(filter, "defaultAction"));
    r = add_all(&c, filter, err);
    if (r == 0)
        r = take_out(&c, bpf, err);
    c.lib->release(c.ctx);
    return r;
}
