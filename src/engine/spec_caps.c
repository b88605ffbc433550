/* SPDX-License-Identifier: Apache-2.0 */
/* spec_caps.c - capabilities of the first process. */
#include "engine/spec_priv.h"
#include <ctype.h>
#include <sys/prctl.h>

/* By number. */
static const char cap_names[][23] = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

const char *spec_cap_name(unsigned number)
{
    return number < ARRAY_LEN(cap_names) ? cap_names[number] : NULL;
}

/* Number of a capability in upper case with CAP_; -1. */
static int cap_number(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(cap_names); i++)
        if (strcmp(cap_names[i], name) == 0)
            return (int)i;
    return -1;
}

static bool cap_bound(int number)
{
    return prctl(PR_CAPBSET_READ, (unsigned long)number, 0, 0, 0) == 1;
}

/* Upper case with CAP_; "ALL" stays. */
static int cap_normal(const struct berth_list *in, struct berth_list *out,
                      struct berth_error *err)
{
    for (size_t i = 0; i < in->n; i++) {
        _cleanup_free_ char *name = NULL;
        const char *s = in->items[i];

        if (strcasecmp(s, "all") == 0) {
            list_add(out, "ALL");
            continue;
        }
        name = str_printf("%s%s", strncasecmp(s, "CAP_", 4) == 0 ? "" : "CAP_", s);
        if (!name)
            return fail(err, ENOMEM, "out of memory");
        for (char *c = name; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        if (cap_number(name) < 0)
            return fail(err, EINVAL, "\"%s\": unknown capability", name);
        if (!list_has(out, name))
            list_add(out, name);
    }
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}

/* Add what the engine itself may have of `from`, sorted, minus `without`. */
static void cap_select(struct berth_list *out, const struct berth_list *from,
                       const struct berth_list *without)
{
    for (size_t i = 0; i < from->n; i++) {
        const char *name = from->items[i];

        if (!list_has(out, name) && !(without && list_has(without, name)) &&
            cap_bound(cap_number(name)))
            list_add(out, name);
    }
}

static int caps_bounding(const struct conf *conf, bool privileged, const struct berth_list *add,
                         const struct berth_list *drop, struct berth_list *out,
                         struct berth_error *err)
{
    _cleanup_list_ struct berth_list base = LIST_INIT;
    _cleanup_list_ struct berth_list all = LIST_INIT;
    int r = cap_normal(&conf->default_capabilities, &base, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(cap_names); i++)
        list_add(&all, cap_names[i]);
    if (privileged) {
        cap_select(out, &all, NULL);
    } else if (list_has(drop, "ALL")) {
        if (list_has(add, "ALL"))
            return fail(err, EINVAL, "adding all caps and removing all caps not allowed");
        cap_select(out, add, NULL);
    } else if (list_has(add, "ALL")) {
        cap_select(out, &all, drop);
    } else {
        for (size_t i = 0; i < add->n; i++)
            if (list_has(drop, add->items[i]))
                return fail(err, EINVAL, "capability \"%s\" cannot be dropped and added",
                            add->items[i]);
        cap_select(out, &base, drop);
        cap_select(out, add, NULL);
    }
    list_sort(out);
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}

int spec_caps_bounding(const struct conf *conf, const struct berth_list *add,
                       const struct berth_list *drop, struct berth_list *out,
                       struct berth_error *err)
{
    _cleanup_list_ struct berth_list more = LIST_INIT, fewer = LIST_INIT;
    int r = cap_normal(add, &more, err);

    if (r == 0)
        r = cap_normal(drop, &fewer, err);
    return r < 0 ? r : caps_bounding(conf, false, &more, &fewer, out, err);
}

/* Containers may ask by label for a subset of what they would get. */
static int caps_label(struct spec_build *b)
{
    const char *text = json_str(json_get(b->config, "labels"), "io.containers.capabilities");
    _cleanup_list_ struct berth_list words = LIST_INIT, wanted = LIST_INIT;

    if (str_empty(text))
        return 0;
    list_split(&words, text, ',', false);
    if (cap_normal(&words, &wanted, NULL) < 0) {
        log_error("capabilities requested by user or image are not valid: \"%s\"", text);
        return 0;
    }
    for (size_t i = 0; i < wanted.n; i++) {
        if (!list_has(&b->bounding, wanted.items[i])) {
            log_error("capabilities requested by user or image are not allowed by default: "
                      "\"%s\"",
                      text);
            return 0;
        }
    }
    list_free(&b->bounding);
    for (size_t i = 0; i < wanted.n; i++)
        list_add(&b->bounding, wanted.items[i]);
    list_sort(&b->bounding);
    return 0;
}

int spec_caps(struct spec_build *b, struct berth_error *err)
{
    _cleanup_list_ struct berth_list add = LIST_INIT, drop = LIST_INIT, own = LIST_INIT;
    const char *user = str_or(b->o->user, "");
    size_t len = strcspn(user, ":");
    bool root =
        len == 0 || (len == 4 && strncmp(user, "root", 4) == 0) || (len == 1 && user[0] == '0');
    json *caps;
    int r;

    r = cap_normal(&b->o->cap_add, &add, err);
    if (r >= 0)
        r = cap_normal(&b->o->cap_drop, &drop, err);
    if (r >= 0)
        r = caps_bounding(b->conf, b->o->privileged, &add, &drop, &b->bounding, err);
    if (r < 0)
        return r;
    if (!b->o->privileged)
        caps_label(b);
    if (!root) {
        if (list_has(&add, "ALL"))
            cap_select(&own, &b->bounding, NULL);
        else
            cap_select(&own, &add, NULL);
        list_sort(&own);
    }
    caps = json_new();
    json_set(b->process, "capabilities", caps);
    json_opt_list(caps, "bounding", &b->bounding);
    json_opt_list(caps, "effective", root ? &b->bounding : &own);
    if (!root)
        json_opt_list(caps, "inheritable", &own);
    json_opt_list(caps, "permitted", root ? &b->bounding : &own);
    if (!root)
        json_opt_list(caps, "ambient", &own);
    return 0;
}

int spec_own_caps(struct berth_list *out, struct berth_error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(cap_names); i++)
        if (cap_bound((int)i))
            list_add(out, cap_names[i]);
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}
