/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages in memory.  The first change below a page brings it and all pages above it into
 * memory as nodes; the rest of the tree stays in the file.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <stdlib.h>

static int no_memory(struct bolt_tx *tx)
{
    return bolt_fail_(tx->db, ENOMEM, "out of memory");
}

struct node *node_new(struct bolt_tx *tx, bool leaf, uint32_t cap)
{
    struct node *n = calloc(1, sizeof *n);

    if (!n)
        goto fail;
    n->leaf = leaf;
    n->cap = cap < 4 ? 4 : cap;
    n->items = malloc(n->cap * sizeof *n->items);
    if (!n->items)
        goto fail;
    n->next = tx->nodes;
    tx->nodes = n;
    return n;
fail:
    free(n);
    no_memory(tx);
    return NULL;
}

int node_insert(struct node *n, uint32_t at, const struct item *it)
{
    if (n->n == n->cap) {
        uint32_t cap = n->cap + n->cap / 2 + 1;
        struct item *items = realloc(n->items, cap * sizeof *items);

        if (!items)
            return -ENOMEM;
        n->items = items;
        n->cap = cap;
    }
    memmove(n->items + at + 1, n->items + at, (n->n - at) * sizeof *n->items);
    n->items[at] = *it;
    n->n++;
    return 0;
}

void node_remove(struct node *n, uint32_t at)
{
    n->n--;
    memmove(n->items + at, n->items + at + 1, (n->n - at) * sizeof *n->items);
}

/*
 * What a reader may overlook, a writer must not build upon: the page's own number, the
 * order of its keys, and a shape that rebalancing counts on.
 */
int node_load(struct bolt_bucket *b, const struct bolt_page *p, struct node **out)
{
    struct bolt_tx *tx = b->tx;
    struct node *n;
    int r;

    if (p->id && get64(p->at) != p->id)
        return page_damaged(b, p->id, "its header calls it page %llu",
                            (unsigned long long)get64(p->at));
    if (!p->leaf && p->count < 2)
        return page_damaged(b, p->id, "a branch with one child");
    n = node_new(tx, p->leaf, p->count + 1);
    if (!n)
        return -ENOMEM;
    n->page = p->id;
    n->pages = p->pages;
    for (uint32_t i = 0; i < p->count; i++) {
        struct item *it = &n->items[i];

        r = page_item(b, p, i, it);
        if (r < 0)
            return r;
        if (i && compare(it[-1].key, it[-1].klen, it->key, it->klen) >= 0)
            return page_damaged(b, p->id, "key %u is not greater than the one before", i);
        n->n++;
    }
    *out = n;
    return 0;
}

int node_root(struct bolt_bucket *b, struct node **out)
{
    struct bolt_page p;
    int r;

    if (!b->root) {
        r = page_root(b, &p);
        if (r < 0)
            return r;
        r = node_load(b, &p, &b->root);
        if (r < 0)
            return r;
    }
    *out = b->root;
    return 0;
}

int node_child(struct bolt_bucket *b, struct node *n, uint32_t i, struct node **out)
{
    struct item *it = &n->items[i];
    struct bolt_page up, p;
    struct node *c;
    int r;

    if (it->child) {
        *out = it->child;
        return 0;
    }
    page_of_node(n, &up);
    r = page_child(b, &up, i, &p);
    if (r < 0)
        return r;
    if (p.count == 0)
        return page_damaged(b, p.id, "an empty leaf below a branch");
    r = node_load(b, &p, &c);
    if (r < 0)
        return r;
    if (compare(c->items[0].key, c->items[0].klen, it->key, it->klen) != 0)
        return page_damaged(b, p.id, "its first key is not the one in the branch above");
    if (i + 1 < n->n && compare(c->items[c->n - 1].key, c->items[c->n - 1].klen,
                                n->items[i + 1].key, n->items[i + 1].klen) >= 0)
        return page_damaged(b, p.id, "its last key belongs to the next page");
    c->parent = n;
    it->child = c;
    *out = c;
    return 0;
}

int node_descend(struct bolt_bucket *b, const void *key, size_t len, struct node **leaf,
                 uint32_t *index, bool *exact)
{
    struct bolt_page p;
    struct node *n;
    int r;

    r = node_root(b, &n);
    for (unsigned depth = 0; r == 0; depth++) {
        page_of_node(n, &p);
        r = page_search(b, &p, key, len, index, exact);
        *leaf = n;
        if (r < 0 || n->leaf)
            return r;
        if (depth >= BOLT_DEPTH_MAX)
            return page_damaged(b, n->page, "the tree is deeper than %d", BOLT_DEPTH_MAX);
        if (!*exact && *index > 0)
            --*index;
        r = node_child(b, n, *index, &n);
    }
    return r;
}

static void mark_dirty(struct bolt_bucket *b, struct node *n)
{
    for (; n; n = n->parent)
        n->dirty = true;
    b->tx->changed = true;
    for (; b; b = b->parent)
        b->dirty = true;
}

int node_set(struct bolt_bucket *b, const void *key, uint32_t klen, const void *value,
             uint32_t vlen, uint32_t flags)
{
    struct node *leaf;
    uint32_t i;
    bool exact;
    int r;

    r = node_descend(b, key, klen, &leaf, &i, &exact);
    if (r < 0)
        return r;
    if (exact) {
        leaf->items[i].flags = flags;
        leaf->items[i].value = value;
        leaf->items[i].vlen = vlen;
    } else {
        struct item it = {
            .flags = flags, .klen = klen, .vlen = vlen, .key = key, .value = value};

        if (node_insert(leaf, i, &it) < 0)
            return no_memory(b->tx);
    }
    mark_dirty(b, leaf);
    return 0;
}

int node_unset(struct bolt_bucket *b, struct node *leaf, uint32_t index)
{
    node_remove(leaf, index);
    leaf->shrunk = true;
    mark_dirty(b, leaf);
    return 0;
}

uint64_t node_size(const struct node *n, uint32_t from, uint32_t to)
{
    uint64_t size = HEADER_SIZE;

    for (uint32_t i = from; i < to; i++)
        size += ELEMENT_SIZE + (uint64_t)n->items[i].klen + (n->leaf ? n->items[i].vlen : 0);
    return size;
}

void node_encode(const struct node *n, uint32_t from, uint32_t to, uint64_t id,
                 uint32_t overflow, uint8_t *out)
{
    uint8_t *data = out + HEADER_SIZE + (uint64_t)(to - from) * ELEMENT_SIZE;
    uint8_t *e = out + HEADER_SIZE;

    put64(out, id);
    put16(out + 8, n->leaf ? PAGE_LEAF : PAGE_BRANCH);
    put16(out + 10, (uint16_t)(to - from));
    put32(out + 12, overflow);
    for (uint32_t i = from; i < to; i++, e += ELEMENT_SIZE) {
        const struct item *it = &n->items[i];
        uint32_t pos = (uint32_t)(data - e);

        memcpy(data, it->key, it->klen);
        data += it->klen;
        if (n->leaf) {
            put32(e, it->flags);
            put32(e + 4, pos);
            put32(e + 8, it->klen);
            put32(e + 12, it->vlen);
            if (it->vlen)
                memcpy(data, it->value, it->vlen);
            data += it->vlen;
        } else {
            put32(e, pos);
            put32(e + 4, it->klen);
            put64(e + 8, it->page);
        }
    }
}
