/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for damage, first in the file's pages, then in what the records say. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "boltdb.h"

#include <stdio.h>

struct check {
    const struct berth_host *host;
    struct berth_txn *t;
    struct berth_list *report;
    struct berth_error *err;
    bool repair;
    int64_t found;
};

static int say(struct check *c, const char *fmt, ...)
    __attribute__((__format__(__printf__, 2, 3)));

/* Add a finding. */
static int say(struct check *c, const char *fmt, ...)
{
    const struct berth_host *h = c->host;
    char text[512];
    va_list ap;
    int r;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    c->found++;
    r = c->report ? h->add(h->core, c->report, text) : 0;
    return r < 0 ? berth_fail(h, c->err, -r, "cannot list what was found") : 0;
}

static int say_page(void *arg, const char *text)
{
    return say(arg, "%s", text);
}

/* --------------------------------------------------------------- registries */

/* A registry must have `value` under `key`; mends it if nothing else claims the key. */
static int expect(struct check *c, enum top which, const char *key, const char *value,
                  const char *what)
{
    struct bolt_bucket *b;
    const char *is = NULL;
    int r;

    r = boltdb_top(c->t, which, &b, c->err);
    if (r >= 0)
        r = boltdb_get_string(c->t, b, key, &is, c->err);
    if (r < 0 || (is && strcmp(is, value) == 0))
        return r < 0 ? r : 0;
    r = say(c, "bucket \"%s\": \"%s\" is %s%s%s, and should be \"%s\" for %s",
            boltdb_top_names[which], key, is ? "\"" : "", is ? is : "missing", is ? "\"" : "",
            value, what);
    if (r == 0 && c->repair && !is)
        r = boltdb_put_string(c->t, b, key, value, c->err);
    return r;
}

/* A bucket inside a record that podman always makes. */
static int expect_bucket(struct check *c, struct bolt_bucket *b, const char *id,
                         const char *name, const struct kind_layout *k)
{
    struct bolt_bucket *inner;
    int r;

    r = boltdb_sub(c->t, b, name, &inner, c->err);
    if (r)
        return r < 0 ? r : 0;
    r = say(c, "%s %s: bucket \"%s\" is missing", k->word, id, name);
    if (r == 0 && c->repair)
        r = boltdb_make(c->t, b, name, &inner, c->err);
    return r;
}

static int check_names(struct check *c, uint32_t kind, const char *id)
{
    const struct kind_layout *k = boltdb_kind(kind);
    const char *name;
    int r;

    if (kind == BERTH_VOLUME)
        return expect(c, ALL_VOLUMES, id, id, "the volume");
    r = boltdb_name(c->t, kind, id, &name, c->err);
    if (r == 0)
        return say(c, "%s %s: no bucket has its name", k->word, id);
    if (r > 0)
        r = expect(c, k->index, id, name, k->word);
    if (r >= 0)
        r = expect(c, ID_REGISTRY, id, name, k->word);
    if (r >= 0)
        r = expect(c, NAME_REGISTRY, name, id, k->word);
    return r;
}

static int check_namespace(struct check *c, struct bolt_bucket *b, uint32_t kind,
                           const char *id)
{
    const char *ns;
    int r;

    r = boltdb_get_string(c->t, b, "namespace", &ns, c->err);
    return r <= 0 ? r : expect(c, NS_REGISTRY, id, ns, boltdb_kind(kind)->word);
}

/* Its pod must be there and know it. */
static int check_pod(struct check *c, struct bolt_bucket *b, const char *id)
{
    struct bolt_bucket *pod;
    struct bolt_bytes v;
    const char *pod_id, *name;
    int r;

    r = boltdb_get_string(c->t, b, "pod-id", &pod_id, c->err);
    if (r <= 0)
        return r;
    r = boltdb_record(c->t, BERTH_POD, pod_id, &pod, c->err);
    if (r == 0)
        return say(c, "container %s: its pod %s is missing", id, pod_id);
    if (r > 0)
        r = boltdb_sub(c->t, pod, "containers", &pod, c->err);
    if (r > 0)
        r = boltdb_get(c->t, pod, id, &v, c->err);
    if (r)
        return r < 0 ? r : 0;
    r = say(c, "container %s: its pod %s does not list it", id, pod_id);
    if (r == 0 && c->repair && pod) {
        r = boltdb_name(c->t, BERTH_CONTAINER, id, &name, c->err);
        if (r >= 0)
            r = boltdb_put_string(c->t, pod, id, r ? name : id, c->err);
    }
    return r;
}

static int check_sessions(struct check *c, struct bolt_bucket *b, const char *id)
{
    struct bolt_cursor cur;
    struct bolt_bucket *exec;
    const char *session;
    int r;

    r = boltdb_sub(c->t, b, "exec", &exec, c->err);
    if (r <= 0)
        return r;
    for (r = bolt_first(&cur, exec); r > 0; r = bolt_next(&cur)) {
        r = boltdb_string(c->t, &cur.key, &session, c->err);
        if (r == 0)
            r = expect(c, EXEC, session, id, "the container's exec session");
        if (r < 0)
            return r;
        r = bolt_seek(&cur, exec, session, strlen(session));
        if (r <= 0)
            break;
    }
    return r < 0 ? boltdb_fail(c->t, c->err, r) : 0;
}

static int check_record(struct check *c, uint32_t kind, const char *id, struct bolt_bucket *b)
{
    const struct kind_layout *k = boltdb_kind(kind);
    struct bolt_bytes v;
    int r;

    r = boltdb_get(c->t, b, "config", &v, c->err);
    if (r == 0)
        r = say(c, "%s %s: it has no configuration", k->word, id);
    if (r >= 0 && kind != BERTH_VOLUME) {
        r = boltdb_get(c->t, b, "state", &v, c->err);
        if (r == 0)
            r = say(c, "%s %s: it has no state", k->word, id);
    }
    if (r >= 0)
        r = check_names(c, kind, id);
    if (r >= 0)
        r = expect_bucket(c, b, id, k->members, k);
    if (r >= 0 && kind != BERTH_VOLUME)
        r = check_namespace(c, b, kind, id);
    if (r >= 0 && kind == BERTH_CONTAINER)
        r = check_pod(c, b, id);
    if (r >= 0 && kind == BERTH_CONTAINER)
        r = check_sessions(c, b, id);
    return r < 0 ? r : 0;
}

/* ------------------------------------------------------------- every record */

struct id {
    struct id *next;
    const char *text;
};

/* The keys of a bucket, in reverse order; the bucket may change while they are used. */
static int gather(struct check *c, struct bolt_bucket *b, struct id **out)
{
    struct bolt_cursor cur;
    int r;

    *out = NULL;
    if (!b)
        return 0;
    for (r = bolt_first(&cur, b); r > 0; r = bolt_next(&cur)) {
        struct id *id = bolt_memory(c->t->tx, sizeof *id);

        if (!id)
            return berth_fail(c->host, c->err, ENOMEM, "out of memory");
        r = boltdb_string(c->t, &cur.key, &id->text, c->err);
        if (r < 0)
            return r;
        id->next = *out;
        *out = id;
    }
    return r < 0 ? boltdb_fail(c->t, c->err, r) : 0;
}

static int check_kind(struct check *c, uint32_t kind)
{
    struct bolt_bucket *all, *b;
    struct id *id;
    int r;

    r = boltdb_top(c->t, boltdb_kind(kind)->buckets, &all, c->err);
    if (r > 0)
        r = gather(c, all, &id);
    else
        return r;
    for (; r == 0 && id; id = id->next) {
        r = boltdb_sub(c->t, all, id->text, &b, c->err);
        if (r > 0)
            r = check_record(c, kind, id->text, b);
        else if (r == 0)
            r = say(c, "bucket \"%s\": \"%s\" is a value",
                    boltdb_top_names[boltdb_kind(kind)->buckets], id->text);
    }
    return r;
}

/* Entries of a registry whose record is gone.  They lead nowhere: removing them loses
 * nothing. */
static int check_index(struct check *c, enum top which, bool by_value, uint32_t kind,
                       uint32_t other_kind)
{
    struct bolt_bucket *b, *record;
    const char *text;
    struct id *id;
    int r;

    r = boltdb_top(c->t, which, &b, c->err);
    if (r <= 0)
        return r;
    r = gather(c, b, &id);
    for (; r == 0 && id; id = id->next) {
        text = id->text;
        if (by_value) {
            r = boltdb_get_string(c->t, b, id->text, &text, c->err);
            if (r <= 0)
                continue;
        }
        r = boltdb_record(c->t, kind, text, &record, c->err);
        if (r == 0 && other_kind)
            r = boltdb_record(c->t, other_kind, text, &record, c->err);
        if (r) {
            r = r < 0 ? r : 0;
            continue;
        }
        r = say(c, "bucket \"%s\": \"%s\" leads nowhere", boltdb_top_names[which], id->text);
        if (r == 0 && c->repair)
            r = boltdb_del(c->t, b, id->text, c->err);
    }
    return r;
}

static int check_records(struct check *c)
{
    static const struct {
        enum top which;
        bool by_value;
        uint32_t kind, other_kind;
    } indexes[] = {
        {ID_REGISTRY, false, BERTH_CONTAINER, BERTH_POD},
        {NAME_REGISTRY, true, BERTH_CONTAINER, BERTH_POD},
        {NS_REGISTRY, false, BERTH_CONTAINER, BERTH_POD},
        {ALL_CTRS, false, BERTH_CONTAINER, 0},
        {ALL_PODS, false, BERTH_POD, 0},
        {ALL_VOLUMES, false, BERTH_VOLUME, 0},
        {EXEC, true, BERTH_CONTAINER, 0},
        {VOLUME_CTRS, true, BERTH_VOLUME, 0},
    };
    int r = 0;

    for (int i = 0; r == 0 && i < TOP_COUNT; i++) {
        struct bolt_bucket *b;

        r = boltdb_top(c->t, (enum top)i, &b, c->err);
        if (r == 0)
            r = say(c, "bucket \"%s\" is missing", boltdb_top_names[i]);
        else if (r > 0)
            r = 0;
    }
    for (uint32_t kind = BERTH_CONTAINER; r == 0 && kind <= BERTH_VOLUME; kind++)
        r = check_kind(c, kind);
    for (size_t i = 0; r == 0 && i < sizeof indexes / sizeof *indexes; i++)
        r = check_index(c, indexes[i].which, indexes[i].by_value, indexes[i].kind,
                        indexes[i].other_kind);
    return r;
}

/* --------------------------------------------------------------- operations */

/* Look only; the number of findings in the pages goes to *pages. */
static int look(struct berth_state *s, struct check *c, int64_t *pages)
{
    int64_t n;
    int r;

    r = boltdb_begin(s, 0, BERTH_WAIT_FOREVER, &c->t, c->err);
    if (r < 0)
        return r;
    n = bolt_check(c->t->tx, say_page, c);
    *pages = c->found;
    /* A failed report has described itself. */
    if (n < 0)
        r = c->found ? (int)n : boltdb_fail(c->t, c->err, (int)n);
    /* What damaged pages say of records is worth nothing. */
    if (r == 0 && c->found == 0)
        r = check_records(c);
    boltdb_rollback(c->t);
    return r;
}

/* What findings in pages can be mended, if the trees are sound, are in the freelist. */
static int mend(struct berth_state *s, bool pages)
{
    struct check c = {.host = s->host, .repair = true};
    int r;

    /* This makes the buckets that are missing. */
    r = boltdb_begin(s, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &c.t, NULL);
    if (r < 0)
        return r;
    r = pages ? bolt_rebuild_freelist(c.t->tx) : check_records(&c);
    if (r < 0) {
        boltdb_rollback(c.t);
        return r;
    }
    return boltdb_commit(c.t, NULL);
}

int64_t boltdb_op_check(struct berth_state *s, int repair, struct berth_list *report,
                        struct berth_error *err)
{
    struct check c = {.host = s->host, .report = report, .err = err}, after = {.host = s->host};
    int64_t pages = 0, found;
    int r;

    r = look(s, &c, &pages);
    found = c.found;
    if (r < 0 || !repair || s->readonly || found == 0)
        return r < 0 ? r : found;
    /* Sound pages may turn out to hold records that are not, hence twice. */
    r = mend(s, pages > 0);
    if (r == 0 && pages)
        r = mend(s, false);
    if (r == 0)
        r = look(s, &after, &pages);
    if (r == 0)
        r = say(&c, "repaired: %lld findings are left", (long long)after.found);
    else
        r = say(&c, "nothing can be repaired without loss");
    return r < 0 ? r : found;
}

int boltdb_op_backup(struct berth_state *s, int fd, struct berth_error *err)
{
    struct berth_txn *t;
    int r;

    r = boltdb_begin(s, 0, BERTH_WAIT_FOREVER, &t, err);
    if (r < 0)
        return r;
    r = bolt_copy(t->tx, fd);
    if (r < 0)
        r = boltdb_fail(t, err, r);
    boltdb_rollback(t);
    return r;
}
