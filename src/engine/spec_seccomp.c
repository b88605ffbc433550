/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_seccomp.c - from a profile of containers/common to linux.seccomp.
 *
 * Rules are kept or dropped by architecture and by the capabilities that the container
 * has; minKernel conditions are ignored, as podman ignores them.
 */
#include "engine/spec_priv.h"
#include <string.h>

#if defined(__x86_64__)
#define HOST_ARCH "amd64"
#define OCI_ARCH  "SCMP_ARCH_X86_64"
#elif defined(__i386__)
#define HOST_ARCH "x86"
#define OCI_ARCH  NULL
#elif defined(__aarch64__)
#define HOST_ARCH "arm64"
#define OCI_ARCH  "SCMP_ARCH_AARCH64"
#elif defined(__arm__)
#define HOST_ARCH "arm"
#define OCI_ARCH  NULL
#elif defined(__riscv)
#define HOST_ARCH "riscv64"
#define OCI_ARCH  NULL
#elif defined(__powerpc64__)
#define HOST_ARCH "ppc64le"
#define OCI_ARCH  NULL
#elif defined(__mips64)
#define HOST_ARCH "mipsel64"
#define OCI_ARCH  "SCMP_ARCH_MIPSEL64"
#else
#define HOST_ARCH "unknown"
#define OCI_ARCH  NULL
#endif

static bool any_cap(const json *caps, const struct berth_list *bounding)
{
    for (size_t i = 0; i < json_len(caps); i++) {
        const char *cap = json_item_str(caps, i);

        if (cap && list_has(bounding, cap))
            return true;
    }
    return false;
}

static bool all_caps(const json *caps, const struct berth_list *bounding)
{
    for (size_t i = 0; i < json_len(caps); i++) {
        const char *cap = json_item_str(caps, i);

        if (cap && !list_has(bounding, cap))
            return false;
    }
    return true;
}

static bool wanted(const json *rule, const struct berth_list *bounding)
{
    const json *ex = json_get(rule, "excludes"), *in = json_get(rule, "includes");
    const json *arches = json_get(in, "arches");

    if (json_has_str(json_get(ex, "arches"), HOST_ARCH))
        return false;
    if (any_cap(json_get(ex, "caps"), bounding))
        return false;
    if (json_len(arches) && !json_has_str(arches, HOST_ARCH))
        return false;
    return all_caps(json_get(in, "caps"), bounding);
}

/* Number of an errno given as "EPERM" or "1"; -1: no such name. */
static int64_t errno_number(const char *text)
{
    int64_t n;

    if (str_to_i64(text, &n) == 0)
        return n >= 0 ? n : -1;
    for (int i = 1; i < 134; i++) {
        const char *name = strerrorname_np(i);

        if (name && strcmp(name, text) == 0)
            return i;
    }
    return -1;
}

/* Put the errno of a rule or of the default into out[to]; none given: nothing. */
static int put_errno(const json *from, const char *text_key, const char *number_key, json *out,
                     const char *to, const char *what, struct berth_error *err)
{
    const char *text = json_str(from, text_key);
    json *number = json_get(from, number_key);
    int64_t n;

    if (!str_empty(text)) {
        n = errno_number(text);
        if (n < 0)
            return fail(err, EINVAL, "loading seccomp profile (%s): unknown errno %s", what,
                        text);
        json_set_i64(out, to, n);
    } else if (number) {
        json_set_u64(out, to, json_u64(from, number_key, 0));
    }
    return 0;
}

static json *rule_args(const json *args)
{
    json *out = json_new_array();

    for (size_t i = 0; i < json_len(args); i++) {
        const json *arg = json_item(args, i);
        json *to = json_new();
        uint64_t two = json_u64(arg, "valueTwo", 0);

        json_set_u64(to, "index", json_u64(arg, "index", 0));
        json_set_u64(to, "value", json_u64(arg, "value", 0));
        if (two)
            json_set_u64(to, "valueTwo", two);
        json_set_str(to, "op", str_or(json_str(arg, "op"), ""));
        json_add(out, to);
    }
    return out;
}

static int add_rule(const json *rule, json *out, const char *what, struct berth_error *err)
{
    json *names = json_get(rule, "names");
    const char *name = json_str(rule, "name"), *action = json_str(rule, "action");
    json *to;

    if (!str_empty(name) && json_len(names))
        return fail(err, EINVAL,
                    "loading seccomp profile (%s): 'name' and 'names' were specified in the "
                    "seccomp profile, use either 'name' or 'names'",
                    what);
    json_add(out, to = json_new());
    if (!str_empty(name)) {
        json_set(to, "names", names = json_new_array());
        json_add_str(names, name);
    } else {
        json_set(to, "names", names ? json_ref(names) : json_new_array());
    }
    json_set_str(to, "action", str_or(action, ""));
    if (put_errno(rule, "errno", "errnoRet", to, "errnoRet", what, err) < 0)
        return -EINVAL;
    if (json_len(json_get(rule, "args")))
        json_set(to, "args", rule_args(json_get(rule, "args")));
    return 0;
}

static int put_arches(const json *profile, json *out, struct berth_error *err)
{
    json *list = json_get(profile, "architectures"), *map = json_get(profile, "archMap");

    if (json_len(list) && json_len(map))
        return fail(err, EINVAL,
                    "'architectures' and 'archMap' were specified in the seccomp profile, use "
                    "either 'architectures' or 'archMap'");
    if (json_len(list))
        json_set(out, "architectures", json_ref(list));
    for (size_t i = 0; i < json_len(map); i++) {
        const json *entry = json_item(map, i);
        const json *sub = json_get(entry, "subArchitectures");
        json *to;

        if (!OCI_ARCH || !str_eq(json_str(entry, "architecture"), OCI_ARCH))
            continue;
        json_set(out, "architectures", to = json_new_array());
        json_add_str(to, OCI_ARCH);
        for (size_t j = 0; j < json_len(sub); j++)
            json_add(to, json_ref(json_item(sub, j)));
        break;
    }
    return 0;
}

int spec_seccomp(struct berth_blob text, const char *what, const struct berth_list *bounding,
                 json **out, struct berth_error *err)
{
    static const char *const same[] = {"flags", "listenerPath", "listenerMetadata"};
    _cleanup_json_ json *profile = NULL, *to = json_new();
    json *syscalls, *rules = json_new_array();
    const char *action;
    int r;

    json_set(to, "defaultAction", NULL);
    json_set(to, "syscalls", rules);
    r = json_parse_object(text, what, &profile, err);
    if (r < 0) {
        error_wrap(err, "loading seccomp profile (%s) failed: decoding seccomp profile failed",
                   what);
        return r;
    }
    syscalls = json_get(profile, "syscalls");
    action = str_or(json_str(profile, "defaultAction"), "");
    if (!*action && json_len(syscalls) == 0)
        return 0;
    json_set_str(to, "defaultAction", action);
    r = put_errno(profile, "defaultErrno", "defaultErrnoRet", to, "defaultErrnoRet", what, err);
    if (r >= 0)
        r = put_arches(profile, to, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        json *value = json_get(profile, same[i]);

        if (value && !(json_object_is_type(value, json_type_array) && json_len(value) == 0))
            json_set(to, same[i], json_ref(value));
    }
    for (size_t i = 0; i < json_len(syscalls) && r >= 0; i++)
        if (wanted(json_item(syscalls, i), bounding))
            r = add_rule(json_item(syscalls, i), rules, what, err);
    if (r < 0)
        return r;
    if (json_len(rules) == 0)
        json_del(to, "syscalls");
    {
        static const char *const order[] = {
            "defaultAction", "defaultErrnoRet",  "architectures", "flags",
            "listenerPath",  "listenerMetadata", "syscalls",      NULL};

        *out = spec_ordered(TAKE(to), order);
    }
    return 0;
}
