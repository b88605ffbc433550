/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links.  Each kind is kept in a small bucket of the record at one end:
 *
 *      DEPENDS   ctr/<to>/dependencies      from -> its name (a hint, may be old)
 *      VOLUME    vol/<to>/vol-dependencies  from -> from
 *      NETWORK   ctr/<from>/networks        to -> options
 *      EXEC      ctr/<to>/exec              from -> to, and exec: from -> to
 *
 * Asked by the other end, all records of the kind have to be gone through.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "boltdb.h"

struct link_layout {
    uint32_t holder; /* the kind of record that has the bucket */
    const char *bucket;
    bool at_from; /* the holder is `from`, the keys are `to`; else the reverse */
};

static const struct link_layout layouts[] = {
    [BERTH_LINK_DEPENDS] = {BERTH_CONTAINER, "dependencies", false},
    [BERTH_LINK_VOLUME] = {BERTH_VOLUME, "vol-dependencies", false},
    [BERTH_LINK_NETWORK] = {BERTH_CONTAINER, "networks", true},
    [BERTH_LINK_EXEC] = {BERTH_CONTAINER, "exec", false},
};

static int bad_argument(struct berth_txn *t, const char *what, struct berth_error *err)
{
    return berth_fail(t->s->host, err, EINVAL, "%s", what);
}

static bool is_kind(uint32_t kind)
{
    return kind >= BERTH_LINK_DEPENDS && kind <= BERTH_LINK_EXEC;
}

static int not_linked(struct berth_txn *t, const char *from, const char *to,
                      struct berth_error *err)
{
    return berth_fail(t->s->host, err, ENOENT, "no link from \"%s\" to \"%s\"", from,
                      to ? to : "any container");
}

/* The bucket of a holder in which links of this kind are.  The holder may be a shell. */
static int holder_bucket(struct berth_txn *t, uint32_t kind, const char *holder,
                         struct bolt_bucket **out, struct berth_error *err)
{
    int r;

    r = boltdb_top(t, boltdb_kind(layouts[kind].holder)->buckets, out, err);
    if (r > 0)
        r = boltdb_sub(t, *out, holder, out, err);
    return r <= 0 ? r : boltdb_sub(t, *out, layouts[kind].bucket, out, err);
}

/* -------------------------------------------------------------------- reading */

int boltdb_op_linked(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                     struct berth_link *out, struct berth_error *err)
{
    struct berth_link l = {.kind = kind, .size = out->size};
    struct bolt_bytes v = {0}, bytes;
    struct bolt_bucket *b;
    const char *other = NULL;
    int r;

    if (!is_kind(kind) || !from || (!to && kind != BERTH_LINK_EXEC))
        return bad_argument(t, "linked() of no kind or with no end", err);
    if (kind == BERTH_LINK_EXEC) {
        r = boltdb_top(t, EXEC, &b, err);
        if (r > 0)
            r = boltdb_get_string(t, b, from, &other, err);
        if (r > 0 && to && strcmp(other, to) != 0)
            r = 0;
    } else {
        r = holder_bucket(t, kind, layouts[kind].at_from ? from : to, &b, err);
        if (r > 0)
            r = boltdb_get(t, b, layouts[kind].at_from ? to : from, &v, err);
        other = to;
    }
    if (r <= 0)
        return r < 0 ? r : not_linked(t, from, to, err);
    bytes = (struct bolt_bytes){from, strlen(from)};
    r = boltdb_string(t, &bytes, &l.from, err);
    bytes = (struct bolt_bytes){other, strlen(other)};
    if (r == 0)
        r = boltdb_string(t, &bytes, &l.to, err);
    if (r < 0)
        return r;
    if (kind == BERTH_LINK_NETWORK && v.len)
        l.value = (struct berth_blob){v.data, v.len};
    memcpy(out, &l, out->size < sizeof l ? out->size : sizeof l);
    return 0;
}

struct visit {
    struct berth_txn *t;
    uint32_t kind;
    berth_link_fn *fn;
    void *arg;
    struct berth_error *err;
};

/* Show one link.  `holder` is a string of the transaction, the key may be anything. */
static int show(struct visit *v, const char *holder, const struct bolt_bytes *key,
                const struct bolt_bytes *value)
{
    struct berth_link l = {.size = (uint32_t)sizeof l, .kind = v->kind};
    const char *other;
    int r;

    r = boltdb_string(v->t, key, &other, v->err);
    if (r < 0)
        return r;
    l.from = layouts[v->kind].at_from ? holder : other;
    l.to = layouts[v->kind].at_from ? other : holder;
    if (v->kind == BERTH_LINK_NETWORK && value->len)
        l.value = (struct berth_blob){value->data, value->len};
    return v->fn(v->arg, &l);
}

/* Show all links of one holder, or only that with `only`. */
static int visit_holder(struct visit *v, const char *holder, const char *only)
{
    struct bolt_bucket *b;
    struct bolt_cursor c;
    int r, shown;

    r = holder_bucket(v->t, v->kind, holder, &b, v->err);
    if (r <= 0)
        return r;
    if (only) {
        struct bolt_bytes key = {only, strlen(only)}, value;

        r = boltdb_get(v->t, b, only, &value, v->err);
        return r <= 0 ? r : show(v, holder, &key, &value);
    }
    for (r = bolt_first(&c, b); r > 0; r = bolt_next(&c)) {
        if (c.is_bucket)
            continue;
        shown = show(v, holder, &c.key, &c.value);
        if (shown)
            return shown;
    }
    return r < 0 ? boltdb_fail(v->t, v->err, r) : 0;
}

static int visit_all_holders(struct visit *v, const char *only)
{
    struct bolt_bucket *b;
    struct bolt_cursor c;
    const char *holder;
    int r, shown;

    r = boltdb_top(v->t, boltdb_kind(layouts[v->kind].holder)->buckets, &b, v->err);
    if (r <= 0)
        return r;
    for (r = bolt_first(&c, b); r > 0; r = bolt_next(&c)) {
        if (!c.is_bucket)
            continue;
        shown = boltdb_string(v->t, &c.key, &holder, v->err);
        if (shown == 0)
            shown = visit_holder(v, holder, only);
        if (shown)
            return shown;
    }
    return r < 0 ? boltdb_fail(v->t, v->err, r) : 0;
}

/* The sessions in the bucket of all: those of one container, or every one. */
static int visit_sessions(struct visit *v, const char *container)
{
    struct bolt_bucket *b;
    struct bolt_cursor c;
    const char *holder;
    int r, shown;

    r = boltdb_top(v->t, EXEC, &b, v->err);
    if (r <= 0)
        return r;
    for (r = bolt_first(&c, b); r > 0; r = bolt_next(&c)) {
        if (c.is_bucket || (container && (c.value.len != strlen(container) ||
                                          memcmp(c.value.data, container, c.value.len) != 0)))
            continue;
        shown = boltdb_string(v->t, &c.value, &holder, v->err);
        if (shown == 0)
            shown = show(v, holder, &c.key, &c.value);
        if (shown)
            return shown;
    }
    return r < 0 ? boltdb_fail(v->t, v->err, r) : 0;
}

static int visit_exec(struct visit *v, uint32_t end, const char *key)
{
    struct bolt_bucket *b;
    struct bolt_bytes value, from;
    const char *to;
    int r;

    if (end == BERTH_ANY)
        return visit_sessions(v, NULL);
    if (end == BERTH_TO) {
        /* The container's own bucket; if it is gone, what it left behind. */
        r = holder_bucket(v->t, BERTH_LINK_EXEC, key, &b, v->err);
        if (r == 0)
            r = boltdb_record(v->t, BERTH_CONTAINER, key, &b, v->err) == 0
                    ? visit_sessions(v, key)
                    : 0;
        return r <= 0 ? r : visit_holder(v, key, NULL);
    }
    r = boltdb_top(v->t, EXEC, &b, v->err);
    if (r > 0)
        r = boltdb_get(v->t, b, key, &value, v->err);
    if (r > 0 && boltdb_string(v->t, &value, &to, v->err) < 0)
        return -EUCLEAN;
    from = (struct bolt_bytes){key, strlen(key)};
    return r <= 0 ? r : show(v, to, &from, &value);
}

int boltdb_op_links(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                    berth_link_fn *fn, void *arg, struct berth_error *err)
{
    struct visit v = {.t = t, .kind = kind, .fn = fn, .arg = arg, .err = err};
    const char *own = NULL;
    int r;

    if (!is_kind(kind) || end > BERTH_TO || (end != BERTH_ANY && !key))
        return bad_argument(t, "links() of no kind or without a key", err);
    if (end != BERTH_ANY) {
        struct bolt_bytes bytes = {key, strlen(key)};

        r = boltdb_string(t, &bytes, &own, err);
        if (r < 0)
            return r;
    }
    if (kind == BERTH_LINK_EXEC)
        return visit_exec(&v, end, own);
    if (end == (layouts[kind].at_from ? BERTH_FROM : BERTH_TO))
        return visit_holder(&v, own, NULL);
    return visit_all_holders(&v, own);
}

/* ------------------------------------------------------------------- changing */

static int already(struct berth_txn *t, const struct berth_link *l, struct berth_error *err)
{
    return berth_fail(t->s->host, err, EEXIST, "\"%s\" is linked to %s already", l->from,
                      l->kind == BERTH_LINK_EXEC ? "another container" : "it otherwise");
}

static int link_exec(struct berth_txn *t, const struct berth_link *l, struct bolt_bucket *ctr,
                     struct berth_error *err)
{
    struct bolt_bucket *b = t->top[EXEC];
    const char *to;
    int r;

    r = boltdb_get_string(t, b, l->from, &to, err);
    if (r > 0 && strcmp(to, l->to) != 0)
        return already(t, l, err);
    if (r >= 0)
        r = boltdb_make(t, ctr, "exec", &ctr, err);
    if (r == 0)
        r = boltdb_put_string(t, ctr, l->from, l->to, err);
    return r < 0 ? r : boltdb_put_string(t, b, l->from, l->to, err);
}

static int link_network(struct berth_txn *t, const struct berth_link *l,
                        struct bolt_bucket *ctr, struct berth_error *err)
{
    struct bolt_bytes v;
    int r;

    r = boltdb_make(t, ctr, "networks", &ctr, err);
    if (r == 0)
        r = boltdb_get(t, ctr, l->to, &v, err);
    if (r > 0) {
        if (v.len == l->value.len && (!v.len || memcmp(v.data, l->value.data, v.len) == 0))
            return 0;
        return already(t, l, err);
    }
    return r < 0 ? r : boltdb_put(t, ctr, l->to, l->value.data, l->value.len, err);
}

int boltdb_op_link(struct berth_txn *t, const struct berth_link *l, struct berth_error *err)
{
    const struct link_layout *k;
    struct bolt_bucket *b;
    const char *name = l->from;
    int r;

    r = boltdb_may_write(t, err);
    if (r < 0)
        return r;
    if (!is_kind(l->kind) || !l->from || !*l->from || !l->to || !*l->to)
        return bad_argument(t, "link() of no kind or with no end", err);
    if (l->kind == BERTH_LINK_DEPENDS && strcmp(l->from, l->to) == 0)
        return bad_argument(t, "a container cannot depend on itself", err);
    k = &layouts[l->kind];
    if (l->kind == BERTH_LINK_DEPENDS || l->kind == BERTH_LINK_VOLUME)
        r = boltdb_await(t, BERTH_CONTAINER, l->from, err);
    if (r == 0)
        r = boltdb_refer(t, k->holder, k->at_from ? l->from : l->to, &b, err);
    if (r < 0)
        return r;
    if (l->kind == BERTH_LINK_EXEC)
        return link_exec(t, l, b, err);
    if (l->kind == BERTH_LINK_NETWORK)
        return link_network(t, l, b, err);
    if (l->kind == BERTH_LINK_DEPENDS) {
        r = boltdb_name(t, BERTH_CONTAINER, l->from, &name, err);
        if (r == 0)
            name = l->from;
    }
    if (r >= 0)
        r = boltdb_make(t, b, k->bucket, &b, err);
    if (r == 0) {
        struct bolt_bytes v;

        /* What stands there already is as good. */
        r = boltdb_get(t, b, l->from, &v, err);
        if (r == 0)
            r = boltdb_put_string(t, b, l->from, name, err);
    }
    return r < 0 ? r : 0;
}

/* Remove one entry.  1: it was there. */
static int take_out(struct berth_txn *t, struct bolt_bucket *b, const char *key,
                    struct berth_error *err)
{
    struct bolt_bytes v;
    int r;

    r = boltdb_get(t, b, key, &v, err);
    if (r > 0) {
        r = boltdb_del(t, b, key, err);
        if (r == 0)
            r = 1;
    }
    return r;
}

/* A session stands in two places; other programs may have left it in one of them. */
static int unlink_exec(struct berth_txn *t, const char *from, const char *to,
                       struct berth_error *err)
{
    struct bolt_bucket *b;
    const char *holder;
    int r, found = 0;

    r = boltdb_get_string(t, t->top[EXEC], from, &holder, err);
    if (r > 0 && (!to || strcmp(holder, to) == 0)) {
        found = 1;
        r = boltdb_del(t, t->top[EXEC], from, err);
    }
    if (r >= 0 && (to || holder)) {
        r = holder_bucket(t, BERTH_LINK_EXEC, to ? to : holder, &b, err);
        if (r > 0)
            r = take_out(t, b, from, err);
        if (r > 0)
            found = 1;
    }
    return r < 0 ? r : found;
}

int boltdb_op_unlink(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                     struct berth_error *err)
{
    struct bolt_bucket *b;
    int r;

    r = boltdb_may_write(t, err);
    if (r < 0)
        return r;
    if (!is_kind(kind) || !from || (!to && kind != BERTH_LINK_EXEC))
        return bad_argument(t, "unlink() of no kind or with no end", err);
    if (kind == BERTH_LINK_EXEC) {
        r = unlink_exec(t, from, to, err);
    } else {
        r = holder_bucket(t, kind, layouts[kind].at_from ? from : to, &b, err);
        if (r > 0)
            r = take_out(t, b, layouts[kind].at_from ? to : from, err);
    }
    if (r == 0)
        return not_linked(t, from, to, err);
    return r < 0 ? r : 0;
}

struct found_link {
    struct found_link *next;
    const char *from, *to;
};

struct gather {
    struct berth_txn *t;
    struct found_link *list;
    struct berth_error *err;
};

static int gather_link(void *arg, const struct berth_link *l)
{
    struct gather *g = arg;
    struct found_link *f = bolt_memory(g->t->tx, sizeof *f);

    if (!f)
        return berth_fail(g->t->s->host, g->err, ENOMEM, "out of memory");
    /* Both ends live as long as the transaction. */
    *f = (struct found_link){.next = g->list, .from = l->from, .to = l->to};
    g->list = f;
    return 0;
}

int64_t boltdb_op_unlink_all(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                             struct berth_error *err)
{
    struct gather g = {.t = t, .err = err};
    int64_t n = 0;
    int r;

    r = boltdb_may_write(t, err);
    if (r == 0)
        r = boltdb_op_links(t, kind, end, key, gather_link, &g, err);
    for (; r == 0 && g.list; g.list = g.list->next, n++)
        r = boltdb_op_unlink(t, kind, g.list->from, g.list->to, err);
    return r < 0 ? r : n;
}
