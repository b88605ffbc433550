/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets: opening, making, dropping them; reading and changing their keys. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <stdlib.h>

struct bolt_bucket *bolt_root(struct bolt_tx *tx)
{
    return &tx->root;
}

uint64_t bolt_sequence(const struct bolt_bucket *b)
{
    return b->sequence;
}

int bolt_is_inline(const struct bolt_bucket *b)
{
    return b->root_page == 0 && b->parent;
}

/* ------------------------------------------------------------------- looking */

/* Find a key.  1: *it is its element; 0: there is none. */
static int find(struct bolt_bucket *b, const void *key, size_t len, struct item *it)
{
    struct bolt_page p;
    uint32_t i = 0;
    int r;

    r = page_root(b, &p);
    for (unsigned depth = 0; r == 0 && !p.leaf; depth++) {
        if (depth >= BOLT_DEPTH_MAX)
            return page_damaged(b, p.id, "the tree is deeper than %d", BOLT_DEPTH_MAX);
        r = page_below(b, &p, key, len, &i, &p);
    }
    return r < 0 ? r : page_find(b, &p, key, len, it);
}

int bolt_get(struct bolt_bucket *b, const void *key, size_t len, struct bolt_bytes *value)
{
    struct item it;
    int r;

    r = find(b, key, len, &it);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    if (it.flags & FLAG_BUCKET)
        return -EISDIR;
    value->data = it.value;
    value->len = it.vlen;
    return 0;
}

int bucket_parse(struct bolt_bucket *b, const uint8_t *value, size_t len)
{
    if (len < BUCKET_SIZE)
        return page_damaged(b, 0, "its header is %zu bytes long", len);
    b->root_page = get64(value);
    b->sequence = get64(value + 8);
    if (b->root_page == 0)
        return page_open_inline(b, value + BUCKET_SIZE, len - BUCKET_SIZE, &b->top);
    if (b->root_page < 2 || b->root_page >= b->tx->meta.hwm)
        return page_damaged(b, 0, "its root is page %llu of %llu",
                            (unsigned long long)b->root_page,
                            (unsigned long long)b->tx->meta.hwm);
    return 0;
}

/* Where the name is, or belongs, among the child buckets that were opened. */
static bool opened_at(const struct bolt_bucket *parent, const void *name, size_t len,
                      size_t *at)
{
    size_t lo = 0, hi = parent->n_opened;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct bolt_bytes *n = &parent->opened[mid]->name;
        int c = compare(n->data, n->len, name, len);

        if (c == 0) {
            *at = mid;
            return true;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *at = lo;
    return false;
}

/* A handle for the bucket whose name and value are given, which last as long as tx. */
static int new_handle(struct bolt_bucket *parent, const void *name, size_t len,
                      const uint8_t *value, size_t value_len, struct bolt_bucket **out)
{
    struct bolt_tx *tx = parent->tx;
    struct bolt_bucket *b;

    if (parent->level >= BOLT_DEPTH_MAX)
        return page_damaged(parent, 0, "buckets are nested deeper than %d", BOLT_DEPTH_MAX);
    b = tx_alloc(tx, sizeof *b);
    if (!b)
        return bolt_fail_(tx->db, ENOMEM, "out of memory");
    *b = (struct bolt_bucket){
        .tx = tx, .parent = parent, .level = parent->level + 1, .name = {name, len}};
    *out = b;
    return bucket_parse(b, value, value_len);
}

/* All handles of one bucket must see the same changes, so a writer keeps them. */
static int remember(struct bolt_bucket *parent, struct bolt_bucket *b, size_t at)
{
    if (parent->n_opened == parent->cap_opened) {
        size_t cap = parent->cap_opened ? parent->cap_opened * 2 : 8;
        struct bolt_bucket **p = tx_alloc(parent->tx, cap * sizeof(struct bolt_bucket *));

        if (!p)
            return bolt_fail_(parent->tx->db, ENOMEM, "out of memory");
        if (parent->n_opened)
            memcpy(p, parent->opened, parent->n_opened * sizeof *p);
        parent->opened = p;
        parent->cap_opened = cap;
    }
    memmove(parent->opened + at + 1, parent->opened + at,
            (parent->n_opened - at) * sizeof(struct bolt_bucket *));
    parent->opened[at] = b;
    parent->n_opened++;
    return 0;
}

int bolt_open(struct bolt_bucket *parent, const void *name, size_t len,
              struct bolt_bucket **out)
{
    struct bolt_bucket *b;
    struct item it;
    size_t at = 0;
    int r;

    if (parent->n_opened && opened_at(parent, name, len, &at)) {
        *out = parent->opened[at];
        return 0;
    }
    r = find(parent, name, len, &it);
    if (r <= 0 || !(it.flags & FLAG_BUCKET))
        return r < 0 ? r : -ENOENT;
    r = new_handle(parent, it.key, len, it.value, it.vlen, &b);
    if (r == 0 && parent->tx->write)
        r = remember(parent, b, at);
    if (r == 0)
        *out = b;
    return r;
}

int bolt_open_at(struct bolt_cursor *c, struct bolt_bucket **out)
{
    if (!c->is_bucket)
        return -ENOENT;
    if (c->bucket->tx->write)
        return bolt_open(c->bucket, c->key.data, c->key.len, out);
    return new_handle(c->bucket, c->key.data, c->key.len, c->value.data, c->value.len, out);
}

/* ------------------------------------------------------------------ changing */

static int check_key(struct bolt_bucket *b, size_t len)
{
    if (len == 0)
        return bolt_fail_(b->tx->db, EINVAL, "key required");
    if (len > BOLT_KEY_MAX)
        return bolt_fail_(b->tx->db, EINVAL, "key too large: %zu bytes", len);
    return 0;
}

int bolt_put(struct bolt_bucket *b, const void *key, size_t len, const void *value,
             size_t value_len)
{
    struct bolt_tx *tx = b->tx;
    const void *k, *v;
    struct item it;
    int r;

    r = tx_writable(tx);
    if (r == 0)
        r = check_key(b, len);
    if (r < 0)
        return r;
    if (value_len > BOLT_VALUE_MAX)
        return bolt_fail_(tx->db, EINVAL, "value too large: %zu bytes", value_len);
    r = find(b, key, len, &it);
    if (r < 0)
        return r;
    if (r == 1 && (it.flags & FLAG_BUCKET))
        return -EISDIR;
    if (r == 1 && it.vlen == value_len &&
        (value_len == 0 || memcmp(it.value, value, value_len) == 0))
        return 0;
    k = r == 1 ? it.key : tx_copy(tx, key, len);
    v = tx_copy(tx, value, value_len);
    if (!k || !v)
        return tx_changed(tx, bolt_fail_(tx->db, ENOMEM, "out of memory"));
    return tx_changed(
        tx, node_set(b, k, (uint32_t)len, v, (uint32_t)value_len, r == 1 ? it.flags : 0));
}

int bolt_delete(struct bolt_bucket *b, const void *key, size_t len)
{
    struct item it;
    struct node *leaf;
    uint32_t i;
    bool exact;
    int r;

    r = tx_writable(b->tx);
    if (r < 0)
        return r;
    r = find(b, key, len, &it);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    if (it.flags & FLAG_BUCKET)
        return -EISDIR;
    r = node_descend(b, key, len, &leaf, &i, &exact);
    if (r == 0)
        r = node_unset(b, leaf, i);
    return tx_changed(b->tx, r);
}

int bolt_make(struct bolt_bucket *parent, const void *name, size_t len,
              struct bolt_bucket **out)
{
    struct bolt_tx *tx = parent->tx;
    struct bolt_bucket *b = NULL;
    const void *copy;
    struct item it;
    uint8_t *value;
    size_t at = 0;
    int r;

    r = tx_writable(tx);
    if (r == 0)
        r = check_key(parent, len);
    if (r < 0)
        return r;
    r = find(parent, name, len, &it);
    if (r < 0)
        return r;
    if (r == 1) {
        if ((it.flags & FLAG_BUCKET) && out) {
            r = bolt_open(parent, name, len, out);
            return r < 0 ? r : -EEXIST;
        }
        return -EEXIST;
    }
    copy = tx_copy(tx, name, len);
    value = tx_alloc(tx, BUCKET_SIZE + HEADER_SIZE);
    if (!copy || !value)
        return bolt_fail_(tx->db, ENOMEM, "out of memory");
    memset(value, 0, BUCKET_SIZE + HEADER_SIZE);
    put16(value + BUCKET_SIZE + 8, PAGE_LEAF);
    r = new_handle(parent, copy, len, value, BUCKET_SIZE + HEADER_SIZE, &b);
    if (r == 0)
        r = node_set(parent, copy, (uint32_t)len, value, BUCKET_SIZE + HEADER_SIZE,
                     FLAG_BUCKET);
    if (r == 0) {
        opened_at(parent, name, len, &at);
        r = remember(parent, b, at);
    }
    if (r == 0 && out)
        *out = b;
    return tx_changed(tx, r);
}

/* ------------------------------------------------------------------ dropping */

static int drop_page(struct bolt_bucket *b, const struct bolt_page *p, unsigned depth);

/* Give back all pages of a bucket and of those in it. */
static int drop_bucket(struct bolt_bucket *b)
{
    struct bolt_page p;
    int r;

    r = page_root(b, &p);
    if (r == 0)
        r = drop_page(b, &p, 0);
    b->dropped = true;
    return r;
}

static int drop_page(struct bolt_bucket *b, const struct bolt_page *p, unsigned depth)
{
    struct bolt_bucket *inner;
    struct bolt_page child;
    struct item it;
    size_t at;
    int r = 0;

    if (depth >= BOLT_DEPTH_MAX)
        return page_damaged(b, p->id, "the tree is deeper than %d", BOLT_DEPTH_MAX);
    /* First of all: a page that is reached a second time is noticed here. */
    if (p->id)
        r = freelist_release(b->tx, p->id, p->pages);
    for (uint32_t i = 0; r == 0 && i < p->count; i++) {
        if (!p->leaf) {
            r = page_child(b, p, i, &child);
            if (r == 0)
                r = drop_page(b, &child, depth + 1);
            continue;
        }
        r = page_item(b, p, i, &it);
        if (r < 0 || !(it.flags & FLAG_BUCKET))
            continue;
        if (opened_at(b, it.key, it.klen, &at))
            inner = b->opened[at];
        else
            r = new_handle(b, it.key, it.klen, it.value, it.vlen, &inner);
        if (r == 0)
            r = drop_bucket(inner);
    }
    return r;
}

int bolt_drop(struct bolt_bucket *parent, const void *name, size_t len)
{
    struct bolt_bucket *b;
    struct node *leaf;
    uint32_t i;
    size_t at;
    bool exact;
    int r;

    r = tx_writable(parent->tx);
    if (r == 0)
        r = bolt_open(parent, name, len, &b);
    if (r < 0)
        return r;
    r = drop_bucket(b);
    if (r == 0)
        r = node_descend(parent, name, len, &leaf, &i, &exact);
    if (r == 0)
        r = node_unset(parent, leaf, i);
    if (r == 0 && opened_at(parent, name, len, &at)) {
        parent->n_opened--;
        memmove(parent->opened + at, parent->opened + at + 1,
                (parent->n_opened - at) * sizeof(struct bolt_bucket *));
    }
    return tx_changed(parent->tx, r);
}
