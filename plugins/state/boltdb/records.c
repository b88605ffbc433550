/* SPDX-License-Identifier: Apache-2.0 */
/* Records: one bucket per container, pod and volume, and the registries around them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "boltdb.h"

static const struct kind_layout layouts[] = {
    [BERTH_CONTAINER] = {"container", CTR, ALL_CTRS, "dependencies"},
    [BERTH_POD] = {"pod", POD, ALL_PODS, "containers"},
    [BERTH_VOLUME] = {"volume", VOL, ALL_VOLUMES, "vol-dependencies"},
};

const struct kind_layout *boltdb_kind(uint32_t kind)
{
    return kind >= BERTH_CONTAINER && kind <= BERTH_VOLUME ? &layouts[kind] : NULL;
}

static int no_such(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err)
{
    return berth_fail(t->s->host, err, ENOENT, "no %s \"%s\"", layouts[kind].word, id);
}

static int bad_argument(struct berth_txn *t, const char *what, struct berth_error *err)
{
    return berth_fail(t->s->host, err, EINVAL, "%s", what);
}

/* ---------------------------------------------------- what is there, what will be */

static struct awaited *find_awaited(struct berth_txn *t, uint32_t kind, const char *id)
{
    for (struct awaited *a = t->awaited; a; a = a->next) {
        if (a->kind == kind && strcmp(a->id, id) == 0)
            return a;
    }
    return NULL;
}

static bool is_shell(struct berth_txn *t, uint32_t kind, const char *id)
{
    struct awaited *a = t->awaited ? find_awaited(t, kind, id) : NULL;

    return a && a->shell;
}

int boltdb_record(struct berth_txn *t, uint32_t kind, const char *id, struct bolt_bucket **out,
                  struct berth_error *err)
{
    struct bolt_bucket *all;
    int r;

    *out = NULL;
    r = boltdb_top(t, layouts[kind].buckets, &all, err);
    if (r <= 0 || is_shell(t, kind, id))
        return r < 0 ? r : 0;
    return boltdb_sub(t, all, id, out, err);
}

/* Keep in mind that this record must be there at the end. */
static int await(struct berth_txn *t, uint32_t kind, const char *id, bool shell,
                 struct berth_error *err)
{
    struct awaited *a = find_awaited(t, kind, id);
    struct bolt_bytes bytes = {id, strlen(id)};
    int r;

    if (!a) {
        a = bolt_memory(t->tx, sizeof *a);
        if (!a)
            return berth_fail(t->s->host, err, ENOMEM, "out of memory");
        *a = (struct awaited){.next = t->awaited, .kind = kind};
        r = boltdb_string(t, &bytes, &a->id, err);
        if (r < 0)
            return r;
        t->awaited = a;
    }
    a->shell = a->shell || shell;
    return 0;
}

int boltdb_await(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err)
{
    struct bolt_bucket *b;
    int r = boltdb_record(t, kind, id, &b, err);

    if (r)
        return r < 0 ? r : 0;
    if (!(t->flags & BERTH_TXN_BULK))
        return no_such(t, kind, id, err);
    return await(t, kind, id, is_shell(t, kind, id), err);
}

int boltdb_refer(struct berth_txn *t, uint32_t kind, const char *id, struct bolt_bucket **out,
                 struct berth_error *err)
{
    struct bolt_bucket *all;
    int r = boltdb_record(t, kind, id, out, err);

    if (r)
        return r < 0 ? r : 0;
    if (!(t->flags & BERTH_TXN_BULK))
        return no_such(t, kind, id, err);
    r = await(t, kind, id, true, err);
    if (r == 0)
        r = boltdb_top(t, layouts[kind].buckets, &all, err);
    return r < 0 ? r : boltdb_make(t, all, id, out, err);
}

static int is_referred(void *arg, const struct berth_link *l)
{
    (void)arg;
    (void)l;
    return 1;
}

/* Does anything still refer to a record that is not there?  What did may be gone again. */
static int still_awaited(struct berth_txn *t, const struct awaited *a, struct berth_error *err)
{
    static const char *const inner[] = {"dependencies", "containers", "vol-dependencies",
                                        "networks", "exec"};
    struct bolt_bucket *all, *b, *members;
    struct bolt_cursor c;
    int r = 0;

    if (a->kind == BERTH_CONTAINER) {
        r = boltdb_op_links(t, BERTH_LINK_DEPENDS, BERTH_FROM, a->id, is_referred, NULL, err);
        if (r == 0)
            r = boltdb_op_links(t, BERTH_LINK_VOLUME, BERTH_FROM, a->id, is_referred, NULL,
                                err);
    }
    if (r == 0 && a->shell) {
        r = boltdb_top(t, layouts[a->kind].buckets, &all, err);
        if (r > 0)
            r = boltdb_sub(t, all, a->id, &b, err);
        for (size_t i = 0; r > 0 && i < sizeof inner / sizeof *inner; i++) {
            r = boltdb_sub(t, b, inner[i], &members, err);
            if (r > 0) {
                r = bolt_first(&c, members);
                if (r)
                    return r < 0 ? boltdb_fail(t, err, r) : 1;
            }
            r = r < 0 ? r : 1;
        }
        if (r > 0)
            r = boltdb_drop(t, all, a->id, err);
    }
    return r;
}

int boltdb_all_there(struct berth_txn *t, struct berth_error *err)
{
    for (struct awaited *a = t->awaited; a; a = a->next) {
        struct bolt_bucket *b;
        int r = boltdb_record(t, a->kind, a->id, &b, err);

        if (r == 0 && still_awaited(t, a, err) == 0)
            continue;
        if (r <= 0)
            return r < 0 ? r : no_such(t, a->kind, a->id, err);
    }
    return 0;
}

int boltdb_name(struct berth_txn *t, uint32_t kind, const char *id, const char **name,
                struct berth_error *err)
{
    struct bolt_bucket *b;
    int r;

    *name = NULL;
    r = boltdb_top(t, layouts[kind].index, &b, err);
    if (r > 0)
        r = boltdb_get_string(t, b, id, name, err);
    if (r == 0 && kind != BERTH_VOLUME) {
        r = boltdb_top(t, ID_REGISTRY, &b, err);
        if (r > 0)
            r = boltdb_get_string(t, b, id, name, err);
    }
    return r;
}

int boltdb_referred(struct berth_txn *t, struct bolt_bucket *b, const char **who,
                    struct berth_error *err)
{
    struct bolt_cursor c;
    struct bolt_bucket *other;
    int r, there;

    if (!b)
        return 0;
    for (r = bolt_first(&c, b); r > 0; r = bolt_next(&c)) {
        there = boltdb_string(t, &c.key, who, err);
        if (there == 0)
            there = boltdb_record(t, BERTH_CONTAINER, *who, &other, err);
        if (there)
            return there;
    }
    return r < 0 ? boltdb_fail(t, err, r) : 0;
}

/* -------------------------------------------------------------------- reading */

/* The storage container of a volume.  There are few entries, if any. */
static int find_storage_id(struct berth_txn *t, const char *volume, const char **out,
                           struct berth_error *err)
{
    size_t len = strlen(volume);
    struct bolt_bucket *b;
    struct bolt_cursor c;
    int r;

    *out = NULL;
    r = boltdb_top(t, VOLUME_CTRS, &b, err);
    if (r <= 0)
        return r;
    for (r = bolt_first(&c, b); r > 0; r = bolt_next(&c)) {
        if (!c.is_bucket && c.value.len == len && memcmp(c.value.data, volume, len) == 0) {
            r = boltdb_string(t, &c.key, out, err);
            return r < 0 ? r : 1;
        }
    }
    return r < 0 ? boltdb_fail(t, err, r) : 0;
}

static int read_attrs(struct berth_txn *t, struct bolt_bucket *b, struct berth_record *rec,
                      struct berth_error *err)
{
    struct boltdb_member infra = {"InfraContainerID"};
    struct boltdb_member status[] = {{"state"}, {"exitCode"}};
    struct bolt_bytes state = {0}, text;
    int64_t n;
    int r;

    if (rec->kind == BERTH_VOLUME)
        return find_storage_id(t, rec->id, &rec->storage_id, err);
    r = boltdb_get_string(t, b, "namespace", &rec->ns, err);
    if (r >= 0)
        r = boltdb_get(t, b, "state", &state, err);
    if (r >= 0 && rec->kind == BERTH_POD) {
        boltdb_peek(state.data, state.len, &infra, 1);
        if (boltdb_peek_string(&infra, &text) && text.len)
            r = boltdb_string(t, &text, &rec->infra, err);
        return r;
    }
    if (r >= 0)
        r = boltdb_get_string(t, b, "pod-id", &rec->pod, err);
    if (r >= 0)
        r = boltdb_get_string(t, b, "netns", &rec->netns, err);
    boltdb_peek(state.data, state.len, status, 2);
    if (boltdb_peek_int(&status[0], &n))
        rec->status = (int32_t)n;
    if (boltdb_peek_int(&status[1], &n))
        rec->exit_code = (int32_t)n;
    return r;
}

static int read_blob(struct berth_txn *t, struct bolt_bucket *b, const char *key,
                     struct berth_blob *out, struct berth_error *err)
{
    struct bolt_bytes v;
    int r = boltdb_get(t, b, key, &v, err);

    if (r > 0)
        *out = (struct berth_blob){v.data, v.len};
    return r;
}

/* Fill in what is wanted of a record whose ID is in rec already. */
static int read_record(struct berth_txn *t, struct bolt_bucket *b, uint64_t want,
                       struct berth_record *rec, struct berth_error *err)
{
    int r = 0;

    rec->has = want & BERTH_REC_ALL;
    if ((want & BERTH_REC_NAME) && !rec->name)
        r = boltdb_name(t, rec->kind, rec->id, &rec->name, err);
    if (r >= 0 && (want & BERTH_REC_ATTRS))
        r = read_attrs(t, b, rec, err);
    if (r >= 0 && (want & BERTH_REC_CONFIG))
        r = read_blob(t, b, "config", &rec->config, err);
    if (r >= 0 && (want & BERTH_REC_STATE))
        r = read_blob(t, b, "state", &rec->state, err);
    return r < 0 ? r : 0;
}

int boltdb_op_get(struct berth_txn *t, uint32_t kind, const char *id, uint64_t want,
                  struct berth_record *out, struct berth_error *err)
{
    struct berth_record rec = {.size = (uint32_t)sizeof rec, .kind = kind};
    struct bolt_bytes bytes;
    struct bolt_bucket *b;
    struct boltdb_mark mark;
    uint32_t size = out->size;
    int r;

    if (!boltdb_kind(kind) || !id)
        return bad_argument(t, "get() of no kind or no ID", err);
    bytes = (struct bolt_bytes){id, strlen(id)};
    r = boltdb_string(t, &bytes, &rec.id, err);
    if (r < 0)
        return r;
    mark = boltdb_mark(t);
    r = boltdb_record(t, kind, id, &b, err);
    if (r <= 0)
        return r < 0 ? r : no_such(t, kind, id, err);
    r = read_record(t, b, want, &rec, err);
    if (r == 0 && !(want & (BERTH_REC_NAME | BERTH_REC_ATTRS)))
        boltdb_release(t, &mark); /* the handle; documents lie in the file */
    if (r < 0)
        return r;
    rec.size = size;
    memcpy(out, &rec, size < sizeof rec ? size : sizeof rec);
    return 0;
}

/* ID of the container or pod that the registry has under a name. */
static int resolve_registered(struct berth_txn *t, uint32_t kind, const char *name,
                              uint32_t *found, const char **id, struct berth_error *err)
{
    struct bolt_bucket *b;
    int r;

    r = boltdb_top(t, NAME_REGISTRY, &b, err);
    if (r > 0)
        r = boltdb_get_string(t, b, name, id, err);
    if (r <= 0)
        return r;
    for (*found = BERTH_CONTAINER; *found <= BERTH_POD; ++*found) {
        if (kind && kind != *found)
            continue;
        r = boltdb_record(t, *found, *id, &b, err);
        if (r)
            return r;
    }
    return 0;
}

int boltdb_op_resolve(struct berth_txn *t, uint32_t kind, const char *name, uint32_t *out_kind,
                      const char **out_id, struct berth_error *err)
{
    struct bolt_bucket *b;
    uint32_t found = BERTH_VOLUME;
    const char *id;
    int r;

    if (!name || (kind && !boltdb_kind(kind)))
        return bad_argument(t, "resolve() of no name or no kind", err);
    if (kind == BERTH_VOLUME) {
        struct bolt_bytes bytes = {name, strlen(name)};

        r = boltdb_record(t, kind, name, &b, err);
        if (r > 0 && boltdb_string(t, &bytes, &id, err) < 0)
            return -ENOMEM;
    } else {
        r = resolve_registered(t, kind, name, &found, &id, err);
    }
    if (r < 0)
        return r;
    if (r == 0)
        return berth_fail(t->s->host, err, ENOENT, "no %s with name \"%s\"",
                          kind ? layouts[kind].word : "container or pod", name);
    if (out_kind)
        *out_kind = found;
    *out_id = id;
    return 0;
}

/* ------------------------------------------------------------------- visiting */

struct visit {
    struct berth_txn *t;
    uint32_t kind;
    uint64_t want;
    const char *pod; /* a container must be in it */
    berth_record_fn *fn;
    void *arg;
    struct berth_error *err;
    bool walking; /* `at` is at the bucket of the record before */
    struct bolt_cursor at;
};

static bool is_at(const struct bolt_cursor *c, const struct bolt_bytes *id)
{
    return c->key.len == id->len && memcmp(c->key.data, id->data, id->len) == 0;
}

/* The bucket of the record whose ID is `id`, and `text`.  As boltdb_record(), but what names
 * records is in the order of their buckets: the next one is mostly the next one there, too. */
static int next_record(struct visit *v, const struct bolt_bytes *id, const char *text,
                       struct bolt_bucket **out)
{
    struct berth_txn *t = v->t;
    struct bolt_bucket *all;
    int r = boltdb_top(t, layouts[v->kind].buckets, &all, v->err);

    if (r <= 0 || (t->flags & BERTH_TXN_WRITE))
        return r <= 0 ? r : boltdb_record(t, v->kind, text, out, v->err);
    r = v->walking ? bolt_next(&v->at) : 0;
    if (r == 0 || (r > 0 && !is_at(&v->at, id)))
        r = bolt_seek(&v->at, all, id->data, id->len);
    v->walking = r > 0;
    if (r > 0 && (!is_at(&v->at, id) || !v->at.is_bucket))
        return 0;
    if (r > 0)
        r = bolt_open_at(&v->at, out);
    else if (r == 0)
        return 0;
    return r < 0 ? boltdb_fail(t, v->err, r) : 1;
}

/* Show one record; `name` may be NULL. */
static int show(struct visit *v, const struct bolt_bytes *id, const struct bolt_bytes *name)
{
    struct boltdb_mark before = boltdb_mark(v->t), filled;
    struct berth_txn *t = v->t;
    struct berth_record rec = {.size = (uint32_t)sizeof rec, .kind = v->kind};
    const struct kind_layout *k = &layouts[v->kind];
    struct bolt_bucket *b = NULL;
    struct bolt_bytes pod;
    int r;

    r = boltdb_string(t, id, &rec.id, v->err);
    if (r == 0 && name && (v->want & BERTH_REC_NAME))
        r = boltdb_string(t, name, &rec.name, v->err);
    if (r == 0 && (v->pod || (v->want & ~(uint64_t)BERTH_REC_NAME) || !name)) {
        r = next_record(v, id, rec.id, &b);
        if (r == 0)
            return berth_fail(t->s->host, v->err, EUCLEAN,
                              "%s: damaged: %s \"%s\" is listed in bucket \"%s\" and not in "
                              "bucket \"%s\"",
                              t->s->path, k->word, rec.id, boltdb_top_names[k->index],
                              boltdb_top_names[k->buckets]);
    }
    if (r >= 0 && v->pod) {
        r = boltdb_get(t, b, "pod-id", &pod, v->err);
        if (r == 0 ||
            (r > 0 && (pod.len != strlen(v->pod) || memcmp(pod.data, v->pod, pod.len) != 0)))
            return 0;
    }
    if (r >= 0)
        r = read_record(t, b, v->want, &rec, v->err);
    if (r < 0)
        return r;
    filled = boltdb_mark(t);
    r = v->fn(v->arg, &rec);
    if (boltdb_unused(t, &filled)) /* else it holds what fn() was lent */
        boltdb_release(t, &before);
    return r;
}

/* Show what the keys of bucket `b` name, from the prefix on. */
static int visit_keys(struct visit *v, struct bolt_bucket *b, const char *prefix,
                      bool with_names)
{
    size_t len = prefix ? strlen(prefix) : 0;
    struct bolt_cursor c;
    int r, shown;

    for (r = len ? bolt_seek(&c, b, prefix, len) : bolt_first(&c, b); r > 0;
         r = bolt_next(&c)) {
        if (len && (c.key.len < len || memcmp(c.key.data, prefix, len) != 0))
            return 0;
        if (c.is_bucket)
            continue;
        shown = show(v, &c.key, with_names ? &c.value : NULL);
        if (shown)
            return shown;
    }
    return r < 0 ? boltdb_fail(v->t, v->err, r) : 0;
}

static int scan_kind(struct visit *v, const struct berth_scan *what)
{
    struct berth_txn *t = v->t;
    struct bolt_bucket *b;
    int r;

    v->pod = NULL;
    if ((what->pod && v->kind != BERTH_CONTAINER) ||
        (what->storage_id && v->kind != BERTH_VOLUME))
        return 0;
    if (what->pod) {
        /* Podman keeps names there too, and forgets to change them in old databases. */
        v->pod = what->pod;
        r = boltdb_record(t, BERTH_POD, what->pod, &b, v->err);
        if (r > 0)
            r = boltdb_sub(t, b, "containers", &b, v->err);
        return r <= 0 ? r : visit_keys(v, b, what->prefix, false);
    }
    if (what->storage_id) {
        struct bolt_bytes name;

        r = boltdb_top(t, VOLUME_CTRS, &b, v->err);
        if (r > 0)
            r = boltdb_get(t, b, what->storage_id, &name, v->err);
        if (r <= 0)
            return r;
        if (what->prefix && (name.len < strlen(what->prefix) ||
                             memcmp(name.data, what->prefix, strlen(what->prefix)) != 0))
            return 0;
        return show(v, &name, &name);
    }
    r = boltdb_top(t, layouts[v->kind].index, &b, v->err);
    return r <= 0 ? r : visit_keys(v, b, what->prefix, true);
}

int boltdb_op_scan(struct berth_txn *t, const struct berth_scan *what, berth_record_fn *fn,
                   void *arg, struct berth_error *err)
{
    struct visit v = {.t = t, .want = what->want, .fn = fn, .arg = arg, .err = err};

    if (what->kind && !boltdb_kind(what->kind))
        return bad_argument(t, "scan() of no kind", err);
    for (uint32_t kind = BERTH_CONTAINER; kind <= BERTH_VOLUME; kind++) {
        int r;

        if (what->kind && what->kind != kind)
            continue;
        v.kind = kind;
        r = scan_kind(&v, what);
        if (r)
            return r;
    }
    return 0;
}
