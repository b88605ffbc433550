/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_ulimit.c - resource limits of the first process.
 *
 * podman finds out what it may raise by setting limits on itself, and lets every container
 * fail whose default it may not set.  Here the same decision is made by looking, and
 * defaults that are out of reach are cut to what can be set.
 */
#include "base/proc.h"
#include "conf/keys.h"
#include "engine/spec_priv.h"
#include <linux/capability.h>
#include <sys/resource.h>

#define DEFAULT_LIMIT 1048576u

static const struct {
    char name[12], type[20];
    int resource;
} limits[] = {
    {"core", "RLIMIT_CORE", RLIMIT_CORE},
    {"cpu", "RLIMIT_CPU", RLIMIT_CPU},
    {"data", "RLIMIT_DATA", RLIMIT_DATA},
    {"fsize", "RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"locks", "RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"memlock", "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"msgqueue", "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"nice", "RLIMIT_NICE", RLIMIT_NICE},
    {"nofile", "RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"nproc", "RLIMIT_NPROC", RLIMIT_NPROC},
    {"rss", "RLIMIT_RSS", RLIMIT_RSS},
    {"rtprio", "RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"rttime", "RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"sigpending", "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"stack", "RLIMIT_STACK", RLIMIT_STACK},
};

static json *find(json *list, const char *type)
{
    for (size_t i = 0; i < json_len(list); i++)
        if (str_eq(json_str(json_item(list, i), "type"), type))
            return json_item(list, i);
    return NULL;
}

/* Type, hard, soft: Go's order of members. */
static void put(json *list, const char *type, uint64_t soft, uint64_t hard)
{
    json *entry = find(list, type);

    if (!entry) {
        json_add(list, entry = json_new());
        json_set_str(entry, "type", type);
    }
    json_set_u64(entry, "hard", hard);
    json_set_u64(entry, "soft", soft);
}

/* A capability of a user namespace is none for limits. */
static bool may_raise(const struct conf *c)
{
    return !conf_storage_rootless(c) && proc_has_cap(CAP_SYS_RESOURCE);
}

/* The nearest that this process may set; the user's own values are left alone. */
static uint64_t reachable(const struct conf *c, int resource, const char *type, uint64_t value)
{
    struct rlimit now;

    if (getrlimit((__rlimit_resource_t)resource, &now) < 0 || value <= now.rlim_max ||
        now.rlim_max == RLIM_INFINITY || may_raise(c))
        return value;
    log_debug("default %s %llu is beyond the hard limit: using %llu", type,
              (unsigned long long)value, (unsigned long long)now.rlim_max);
    return now.rlim_max;
}

static int limit_number(const char *text, uint64_t *out)
{
    int64_t n;

    if (str_to_i64(text, &n) < 0 || n < -1)
        return -EINVAL;
    *out = (uint64_t)n;
    return 0;
}

/* "type=a[:b]"; a is the soft limit on the command line. */
static int limit_parse(const char *word, size_t *index, uint64_t *a, uint64_t *b,
                       struct berth_error *err)
{
    _cleanup_list_ struct berth_list part = LIST_INIT;
    size_t len = strcspn(word, "="), i;

    if (!word[len])
        return fail(err, EINVAL, "invalid ulimit argument: %s", word);
    for (i = 0; i < ARRAY_LEN(limits); i++)
        if (strlen(limits[i].name) == len && strncmp(limits[i].name, word, len) == 0)
            break;
    if (i == ARRAY_LEN(limits))
        return fail(err, EINVAL, "invalid ulimit type: %.*s", (int)len, word);
    list_split(&part, word + len + 1, ':', true);
    if (part.n > 2)
        return fail(err, EINVAL,
                    "too many limit value arguments - %s, can only have up to two, "
                    "`soft[:hard]`",
                    word + len + 1);
    for (size_t j = 0; j < part.n; j++)
        if (limit_number(part.items[j], j ? b : a) < 0)
            return fail(err, EINVAL, "strconv.ParseInt: parsing \"%s\": invalid syntax",
                        part.items[j]);
    if (part.n == 0)
        return fail(err, EINVAL, "strconv.ParseInt: parsing \"\": invalid syntax");
    if (part.n < 2)
        *b = *a;
    *index = i;
    return 0;
}

static int limits_given(const struct berth_list *words, json *list, struct berth_error *err)
{
    size_t i = words->n;

    /* "host": what came before it is dropped, what comes after is ignored. */
    if (list_has(words, "host"))
        return 1;
    for (i = 0; i < words->n; i++) {
        uint64_t soft = 0, hard = 0;
        size_t at = 0;
        int r = limit_parse(words->items[i], &at, &soft, &hard, err);

        if (r >= 0 && soft > hard && hard != UINT64_MAX)
            r = fail(err, EINVAL,
                     "ulimit soft limit must be less than or equal to hard limit: %llu > %llu",
                     (unsigned long long)soft, (unsigned long long)hard);
        if (r < 0) {
            error_wrap(err, "ulimit option \"%s\" requires name=SOFT:HARD, failed to be parsed",
                       words->items[i]);
            return r;
        }
        put(list, limits[at].type, soft, hard);
    }
    return 0;
}

static void limits_configured(const struct conf *c, const struct berth_list *words, json *list)
{
    for (size_t i = 0; i < words->n; i++) {
        uint64_t hard = 0, soft = 0;
        size_t at = 0;

        /* This list is hard:soft. */
        if (limit_parse(words->items[i], &at, &hard, &soft, NULL) < 0) {
            log_warning("default ulimit %s is ignored: it is not TYPE=SOFT:HARD",
                        words->items[i]);
            continue;
        }
        put(list, limits[at].type, reachable(c, limits[at].resource, limits[at].type, soft),
            reachable(c, limits[at].resource, limits[at].type, hard));
    }
}

/* Number of processes that podman would have been able to set for itself; 0: none. */
static uint64_t nproc_default(const struct conf *c)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct rlimit now;
    uint64_t max = 0;

    if (fs_read("/proc/sys/kernel/pid_max", 64, &text, NULL) >= 0)
        max = strtoull(buf_str(&text), NULL, 10);
    if (getrlimit(RLIMIT_NPROC, &now) < 0)
        return 0;
    if (max && (may_raise(c) || max <= now.rlim_max))
        return max;
    return may_raise(c) || DEFAULT_LIMIT <= now.rlim_max ? DEFAULT_LIMIT : 0;
}

int spec_ulimits(struct spec_build *b, struct berth_error *err)
{
    _cleanup_json_ json *list = json_new_array();
    json *done = NULL, *nofile;
    int r = limits_given(&b->o->ulimit, list, err);

    if (r != 0)
        return r < 0 ? r : 0;
    if (json_len(list) == 0) {
        uint64_t nproc = nproc_default(b->conf);

        if (b->conf->default_ulimits.n)
            limits_configured(b->conf, &b->conf->default_ulimits, list);
        else if (nproc)
            put(list, "RLIMIT_NPROC", nproc, nproc);
    }
    if (json_len(list) == 0)
        return 0;
    done = json_new_array();
    json_set(b->process, "rlimits", done);
    nofile = find(list, "RLIMIT_NOFILE");
    if (nofile) {
        json_add(done, json_ref(nofile));
    } else {
        uint64_t v = reachable(b->conf, RLIMIT_NOFILE, "RLIMIT_NOFILE", DEFAULT_LIMIT);

        put(done, "RLIMIT_NOFILE", v, v);
    }
    for (size_t i = 0; i < json_len(list); i++)
        if (json_item(list, i) != nofile)
            json_add(done, json_ref(json_item(list, i)));
    if (!find(done, "RLIMIT_NPROC")) {
        uint64_t v = reachable(b->conf, RLIMIT_NPROC, "RLIMIT_NPROC", DEFAULT_LIMIT);

        put(done, "RLIMIT_NPROC", v, v);
    }
    return 0;
}
