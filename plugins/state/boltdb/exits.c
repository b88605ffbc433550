/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes of containers, and where the store was made. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "boltdb.h"

#include <stdio.h>
#include <stdlib.h>

/* ----------------------------------------------------------------- exit codes */

int boltdb_op_exit_put(struct berth_txn *t, const struct berth_exit *e, struct berth_error *err)
{
    char code[16], date[40];
    int r;

    r = boltdb_may_write(t, err);
    if (r < 0)
        return r;
    if (!e->id || !*e->id)
        return berth_fail(t->s->host, err, EINVAL, "an exit code of no container");
    snprintf(code, sizeof code, "%d", (int)e->code);
    boltdb_date_text(e->date, date);
    r = boltdb_put_string(t, t->top[EXIT_CODE], e->id, code, err);
    return r < 0 ? r : boltdb_put_string(t, t->top[EXIT_CODE_TIME], e->id, date, err);
}

/* Podman cuts larger numbers to 32 bits. */
static bool parse_code(const struct bolt_bytes *v, int32_t *out)
{
    char text[24], *end;
    long long n;

    if (v->len == 0 || v->len >= sizeof text)
        return false;
    memcpy(text, v->data, v->len);
    text[v->len] = '\0';
    if (!strchr("-+0123456789", text[0]))
        return false;
    errno = 0;
    n = strtoll(text, &end, 10);
    if (errno || *end || end == text)
        return false;
    *out = (int32_t)(uint32_t)(unsigned long long)n;
    return true;
}

/* When a code was recorded.  1: *out; 0: there is no date; 2: it cannot be read. */
static int read_date(struct berth_txn *t, const char *id, berth_date *out,
                     struct berth_error *err)
{
    struct bolt_bucket *b;
    struct bolt_bytes v;
    int r;

    *out = 0;
    r = boltdb_top(t, EXIT_CODE_TIME, &b, err);
    if (r > 0)
        r = boltdb_get(t, b, id, &v, err);
    if (r > 0 && boltdb_date_parse(v.data, v.len, out) < 0)
        r = 2;
    return r;
}

int boltdb_op_exit_get(struct berth_txn *t, const char *id, struct berth_exit *out,
                       struct berth_error *err)
{
    struct berth_exit e = {.size = out->size};
    struct bolt_bytes v, key;
    struct bolt_bucket *b;
    int r;

    if (!id)
        return berth_fail(t->s->host, err, EINVAL, "the exit code of no container");
    r = boltdb_top(t, EXIT_CODE, &b, err);
    if (r > 0)
        r = boltdb_get(t, b, id, &v, err);
    if (r <= 0)
        return r < 0 ? r
                     : berth_fail(t->s->host, err, ENOENT, "no exit code of container \"%s\"",
                                  id);
    if (!parse_code(&v, &e.code))
        return berth_fail(t->s->host, err, EUCLEAN,
                          "%s: damaged: the exit code of container \"%s\" is not a number",
                          t->s->path, id);
    r = read_date(t, id, &e.date, err);
    key = (struct bolt_bytes){id, strlen(id)};
    if (r >= 0)
        r = boltdb_string(t, &key, &e.id, err);
    if (r < 0)
        return r;
    memcpy(out, &e, out->size < sizeof e ? out->size : sizeof e);
    return 0;
}

int boltdb_op_exit_scan(struct berth_txn *t, berth_exit_fn *fn, void *arg,
                        struct berth_error *err)
{
    struct bolt_bucket *b;
    struct bolt_cursor c;
    int r;

    r = boltdb_top(t, EXIT_CODE, &b, err);
    if (r <= 0)
        return r;
    for (r = bolt_first(&c, b); r > 0; r = bolt_next(&c)) {
        struct berth_exit e = {.size = (uint32_t)sizeof e};

        /* A code that is none would keep all others from being seen. */
        if (c.is_bucket || !parse_code(&c.value, &e.code))
            continue;
        r = boltdb_string(t, &c.key, &e.id, err);
        if (r == 0)
            r = read_date(t, e.id, &e.date, err);
        if (r >= 0)
            r = fn(arg, &e);
        if (r)
            return r;
    }
    return r < 0 ? boltdb_fail(t, err, r) : 0;
}

struct code {
    struct code *next;
    const char *id;
};

/* Whether a code is to go: 1 or 0. */
static int is_old(struct berth_txn *t, const char *id, berth_date before, int keep_live,
                  struct berth_error *err)
{
    struct bolt_bucket *b;
    berth_date date;
    int r;

    if (before != INT64_MAX) {
        /* Without a date it is never old; one that cannot be read helps nobody. */
        r = read_date(t, id, &date, err);
        if (r == 2)
            berth_log(t->s->host, BERTH_LOG_WARNING,
                      "%s: the date of the exit code of container %s cannot be read: removed",
                      t->s->path, id);
        else if (r <= 0 || date >= before)
            return r < 0 ? r : 0;
    }
    if (!keep_live)
        return 1;
    r = boltdb_record(t, BERTH_CONTAINER, id, &b, err);
    return r < 0 ? r : r == 0;
}

/* Put the old ones of a bucket's keys on the list. */
static int gather_old(struct berth_txn *t, enum top which, berth_date before, int keep_live,
                      struct code **list, struct berth_error *err)
{
    struct bolt_cursor c;
    int r, old;

    for (r = bolt_first(&c, t->top[which]); r > 0; r = bolt_next(&c)) {
        struct code *code;
        const char *id;

        if (c.is_bucket)
            continue;
        r = boltdb_string(t, &c.key, &id, err);
        if (r < 0)
            return r;
        old = is_old(t, id, before, keep_live, err);
        if (old < 0)
            return old;
        if (!old)
            continue;
        code = bolt_memory(t->tx, sizeof *code);
        if (!code)
            return berth_fail(t->s->host, err, ENOMEM, "out of memory");
        *code = (struct code){.next = *list, .id = id};
        *list = code;
    }
    return r < 0 ? boltdb_fail(t, err, r) : 0;
}

int64_t boltdb_op_exit_prune(struct berth_txn *t, berth_date before, int keep_live,
                             struct berth_error *err)
{
    struct code *list = NULL;
    int64_t n = 0;
    int r;

    r = boltdb_may_write(t, err);
    if (r == 0)
        r = gather_old(t, EXIT_CODE, before, keep_live, &list, err);
    for (; r == 0 && list; list = list->next, n++) {
        r = boltdb_del(t, t->top[EXIT_CODE], list->id, err);
        if (r == 0)
            r = boltdb_del(t, t->top[EXIT_CODE_TIME], list->id, err);
    }
    /* Dates whose codes are gone. */
    if (r == 0)
        r = gather_old(t, EXIT_CODE_TIME, before, keep_live, &list, err);
    for (; r == 0 && list; list = list->next)
        r = boltdb_del(t, t->top[EXIT_CODE_TIME], list->id, err);
    return r < 0 ? r : n;
}

/* ------------------------------------------------------------------- identity */

static const struct member {
    const char *key;
    size_t offset;
} members[] = {
    {"os", offsetof(struct berth_store_config, os)},
    {"static-dir", offsetof(struct berth_store_config, static_dir)},
    {"tmp-dir", offsetof(struct berth_store_config, tmp_dir)},
    {"graph-root", offsetof(struct berth_store_config, graph_root)},
    {"run-root", offsetof(struct berth_store_config, run_root)},
    {"graph-driver-name", offsetof(struct berth_store_config, graph_driver)},
    {"volume-path", offsetof(struct berth_store_config, volume_path)},
};

int boltdb_op_config_get(struct berth_txn *t, struct berth_store_config *out,
                         struct berth_error *err)
{
    struct berth_store_config cfg = {.size = out->size};
    struct bolt_bucket *b;
    int r, found = 0;

    r = boltdb_top(t, RUNTIME_CONFIG, &b, err);
    for (size_t i = 0; r > 0 && i < sizeof members / sizeof *members; i++) {
        const char **to = (const char **)(void *)((char *)&cfg + members[i].offset);

        r = boltdb_get_string(t, b, members[i].key, to, err);
        found |= r;
        if (r == 0)
            r = 1;
    }
    if (r < 0)
        return r;
    if (!found)
        return berth_fail(t->s->host, err, ENOENT, "%s: it does not say where it was made",
                          t->s->path);
    memcpy(out, &cfg, out->size < sizeof cfg ? out->size : sizeof cfg);
    return 0;
}

int boltdb_op_config_put(struct berth_txn *t, const struct berth_store_config *in,
                         struct berth_error *err)
{
    int r;

    r = boltdb_may_write(t, err);
    for (size_t i = 0; r == 0 && i < sizeof members / sizeof *members; i++) {
        const char *value;

        memcpy(&value, (const char *)in + members[i].offset, sizeof value);
        if (value)
            r = boltdb_put_string(t, t->top[RUNTIME_CONFIG], members[i].key, value, err);
    }
    return r;
}
