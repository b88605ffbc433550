/* SPDX-License-Identifier: Apache-2.0 */
/* Links, kept once for each end. */
#include "memory.h"
#include <stdio.h>
#include <stdlib.h>

static int tag(int base, uint32_t kind)
{
    return base + (int)kind;
}

static int is_link(uint32_t kind)
{
    return kind >= BERTH_LINK_DEPENDS && kind <= BERTH_LINK_EXEC;
}

/* Of which kind the record at an end must be; 0: it is no record. */
static uint32_t end_kind(uint32_t kind, uint32_t end)
{
    if (end == BERTH_FROM)
        return kind == BERTH_LINK_EXEC ? 0 : BERTH_CONTAINER;
    return kind == BERTH_LINK_NETWORK  ? 0
           : kind == BERTH_LINK_VOLUME ? BERTH_VOLUME
                                       : BERTH_CONTAINER;
}

static int end_there(struct mem_table *table, uint32_t kind, uint32_t end, const char *key)
{
    uint32_t record = end_kind(kind, end);

    return !record || mem_find(table, tag(T_RECORD, record), key, "");
}

static int same_value(const struct mem_entry *e, const struct berth_blob *value)
{
    const struct mem_blob *b = e->value;

    if (!b || !value->data)
        return !b && !value->data;
    return b->len == value->len && (!b->len || memcmp(b->data, value->data, b->len) == 0);
}

/* 1: there already; 0: not there. */
static int already_linked(struct berth_txn *t, const struct berth_link *link,
                          struct berth_error *err)
{
    const struct berth_host *h = t->s->host;
    struct mem_entry *e;

    if (link->kind == BERTH_LINK_EXEC) {
        e = mem_first(&t->s->table, tag(T_FROM, link->kind), link->from);
        if (e && strcmp(e->b, link->to) != 0)
            return berth_fail(h, err, EEXIST, "exec session %s belongs to container %s",
                              link->from, e->b);
        return e != NULL;
    }
    e = mem_find(&t->s->table, tag(T_FROM, link->kind), link->from, link->to);
    if (e && link->kind == BERTH_LINK_NETWORK && !same_value(e, &link->value))
        return berth_fail(h, err, EEXIST,
                          "container %s is connected to network \"%s\" with other options",
                          link->from, link->to);
    return e != NULL;
}

int mem_link(struct berth_txn *t, const struct berth_link *link, struct berth_error *err)
{
    const struct berth_host *h = t->s->host;
    struct mem_undo *mark = t->undo;
    struct mem_blob *value = NULL;
    int r;

    if ((r = mem_may_write(t, err)) < 0)
        return r;
    if (!BERTH_FITS(link, value) || !is_link(link->kind) || !link->from || !*link->from ||
        !link->to || !*link->to)
        return berth_fail(h, err, EINVAL, "a link without kind or ends");
    if (link->kind == BERTH_LINK_DEPENDS && strcmp(link->from, link->to) == 0)
        return berth_fail(h, err, EINVAL, "container %s cannot depend on itself", link->from);
    if (!(t->flags & BERTH_TXN_BULK)) {
        if (!end_there(&t->s->table, link->kind, BERTH_FROM, link->from))
            return berth_fail(h, err, ENOENT, "no container %s to link from", link->from);
        if (!end_there(&t->s->table, link->kind, BERTH_TO, link->to))
            return berth_fail(h, err, ENOENT, "no %s %s to link to",
                              mem_kind_name(end_kind(link->kind, BERTH_TO)), link->to);
    }
    r = already_linked(t, link, err);
    if (r)
        return r < 0 ? r : 0;
    if (link->kind == BERTH_LINK_NETWORK && link->value.data) {
        value = malloc(sizeof(*value) + link->value.len + 1);
        if (!value)
            return mem_no_memory(t, err);
        value->len = link->value.len;
        if (value->len)
            memcpy(value->data, link->value.data, value->len);
        value->data[value->len] = '\0';
    }
    r = mem_put(t, tag(T_FROM, link->kind), link->from, link->to, value);
    if (r < 0)
        free(value);
    else
        r = mem_put(t, tag(T_TO, link->kind), link->to, link->from, NULL);
    if (r < 0) {
        mem_undo_to(t, mark);
        return mem_no_memory(t, err);
    }
    return 0;
}

/* Take out both entries of a link; `forward` is the one that has the value. */
static int take_link(struct berth_txn *t, uint32_t kind, struct mem_entry *forward)
{
    struct mem_entry *back = mem_find(&t->s->table, tag(T_TO, kind), forward->b, forward->a);
    int r = mem_take(t, forward);

    return r == 0 && back ? mem_take(t, back) : r;
}

static struct mem_entry *find_link(struct berth_txn *t, uint32_t kind, const char *from,
                                   const char *to)
{
    struct mem_entry *e;

    if (to)
        return mem_find(&t->s->table, tag(T_FROM, kind), from, to);
    e = mem_first(&t->s->table, tag(T_FROM, kind), from);
    return e;
}

static int no_link(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                   struct berth_error *err)
{
    static const char *const words[] = {"", "dependency", "volume", "network", "exec session"};

    if (!is_link(kind) || !from || (!to && kind != BERTH_LINK_EXEC))
        return berth_fail(t->s->host, err, EINVAL, "a link without kind or ends");
    return berth_fail(t->s->host, err, ENOENT, "no %s %s -> %s", words[kind], from,
                      to ? to : "(any)");
}

int mem_unlink(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
               struct berth_error *err)
{
    struct mem_undo *mark = t->undo;
    struct mem_entry *e = NULL;
    int r;

    if ((r = mem_may_write(t, err)) < 0)
        return r;
    if (is_link(kind) && from && (to || kind == BERTH_LINK_EXEC))
        e = find_link(t, kind, from, to);
    if (!e)
        return no_link(t, kind, from, to, err);
    if (take_link(t, kind, e) < 0) {
        mem_undo_to(t, mark);
        return mem_no_memory(t, err);
    }
    return 0;
}

static int check_end(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                     struct berth_error *err)
{
    if (is_link(kind) && end <= BERTH_TO && (end == BERTH_ANY) == !key)
        return 0;
    return berth_fail(t->s->host, err, EINVAL, "links of a wrong kind or without their end");
}

/* First entry of those to walk. */
static struct mem_entry *first_link(struct mem_table *table, int index, const char *key)
{
    struct mem_entry *e = mem_seek(table, index, key ? key : "", "");

    return e && e->tag == index && (!key || strcmp(e->a, key) == 0) ? e : NULL;
}

int64_t mem_unlink_all(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                       struct berth_error *err)
{
    int index = tag(end == BERTH_TO ? T_TO : T_FROM, kind), r;
    struct mem_undo *mark = t->undo;
    struct mem_entry *e, *next;
    int64_t n = 0;

    if ((r = mem_may_write(t, err)) < 0 || (r = check_end(t, kind, end, key, err)) < 0)
        return r;
    for (e = first_link(&t->s->table, index, key); e; e = next) {
        struct mem_entry *forward = e;

        next = mem_next(e, index, key);
        if (end == BERTH_TO)
            forward = mem_find(&t->s->table, tag(T_FROM, kind), e->b, e->a);
        if (forward && take_link(t, kind, forward) < 0) {
            mem_undo_to(t, mark);
            return mem_no_memory(t, err);
        }
        n++;
    }
    return n;
}

static void link_of(struct berth_txn *t, uint32_t kind, uint32_t end, struct mem_entry *e,
                    struct berth_link *l)
{
    const struct mem_blob *b;

    memset(l, 0, sizeof(*l));
    l->size = sizeof(*l);
    l->kind = kind;
    l->from = end == BERTH_TO ? e->b : e->a;
    l->to = end == BERTH_TO ? e->a : e->b;
    if (kind != BERTH_LINK_NETWORK)
        return;
    if (end == BERTH_TO)
        e = mem_find(&t->s->table, tag(T_FROM, kind), e->b, e->a);
    b = e ? e->value : NULL;
    if (b)
        l->value = (struct berth_blob){b->data, b->len};
}

int mem_linked(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
               struct berth_link *out, struct berth_error *err)
{
    struct mem_entry *e = NULL;
    struct berth_link l;
    size_t size;

    if (is_link(kind) && from && (to || kind == BERTH_LINK_EXEC))
        e = find_link(t, kind, from, to);
    if (!e)
        return no_link(t, kind, from, to, err);
    if (!out)
        return 0;
    link_of(t, kind, BERTH_FROM, e, &l);
    size = out->size < sizeof(l) ? out->size : sizeof(l);
    l.size = out->size;
    memcpy(out, &l, size);
    return 0;
}

int mem_links(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
              berth_link_fn *fn, void *arg, struct berth_error *err)
{
    int index = tag(end == BERTH_TO ? T_TO : T_FROM, kind), r;
    struct mem_entry *e;

    if ((r = check_end(t, kind, end, key, err)) < 0)
        return r;
    for (e = first_link(&t->s->table, index, key); e; e = mem_next(e, index, key)) {
        struct berth_link l;

        link_of(t, kind, end, e, &l);
        r = fn(arg, &l);
        if (r)
            return r;
    }
    return 0;
}

int mem_dangling(struct mem_table *table, int (*found)(void *arg, const char *line), void *arg)
{
    struct mem_entry *e;
    char line[1024];
    int r;

    for (e = first_link(table, T_MEMBER, NULL); e; e = mem_next(e, T_MEMBER, NULL)) {
        if (mem_find(table, tag(T_RECORD, BERTH_POD), e->a, ""))
            continue;
        snprintf(line, sizeof(line), "container %s is in pod %s, which is not there", e->b,
                 e->a);
        if ((r = found(arg, line)) != 0)
            return r;
    }
    for (uint32_t kind = BERTH_LINK_DEPENDS; kind <= BERTH_LINK_EXEC; kind++) {
        int index = tag(T_FROM, kind);

        for (e = first_link(table, index, NULL); e; e = mem_next(e, index, NULL)) {
            int from = end_there(table, kind, BERTH_FROM, e->a);

            if (from && end_there(table, kind, BERTH_TO, e->b))
                continue;
            snprintf(line, sizeof(line), "link %s -> %s: %s is not there", e->a, e->b,
                     from ? e->b : e->a);
            if ((r = found(arg, line)) != 0)
                return r;
        }
    }
    return 0;
}
