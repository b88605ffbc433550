/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From nodes back to pages, at commit: merge what shrank, split what grew, and write
 * every changed node to pages that the state before does not use.
 *
 * Two rules of the format decide the shape of this code: the key of a branch element is
 * exactly the first key of its child, and no branch has fewer than two children.
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

static int release_node(struct bolt_tx *tx, struct node *n)
{
    uint64_t page = n->page;

    n->page = 0;
    return page ? freelist_release(tx, page, n->pages) : 0;
}

/* ----------------------------------------------------------------- rebalance */

static bool too_small(const struct bolt_tx *tx, const struct node *n)
{
    return n->n < (n->leaf ? 2u : 3u) || node_size(n, 0, n->n) <= tx->page_size / 4;
}

static int fix_children(struct bolt_bucket *b, struct node *n);

/* Append the right neighbour of child i to it. */
static int merge_with_next(struct bolt_bucket *b, struct node *n, uint32_t i)
{
    struct node *left, *right;
    int r;

    r = node_child(b, n, i, &left);
    if (r == 0)
        r = node_child(b, n, i + 1, &right);
    if (r < 0)
        return r;
    if (left->leaf != right->leaf)
        return page_damaged(b, right->page, "leaves at different depths");
    for (uint32_t k = 0; k < right->n; k++) {
        if (node_insert(left, left->n, &right->items[k]) < 0)
            return no_memory(b->tx);
        if (right->items[k].child)
            right->items[k].child->parent = left;
    }
    left->dirty = n->dirty = n->shrunk = true;
    left->shrunk = false;
    r = release_node(b->tx, right);
    if (r < 0)
        return r;
    node_remove(n, i + 1);
    /* A child that was alone below one of the two could not be merged until now. */
    return left->leaf ? 0 : fix_children(b, left);
}

/*
 * Merge the children of branch n that shrank.  A child that has no neighbour stays
 * marked: it gets some when n itself is merged with one of its neighbours.
 */
static int fix_children(struct bolt_bucket *b, struct node *n)
{
    uint32_t i = 0;
    int r;

    while (i < n->n) {
        struct node *c = n->items[i].child;

        if (!c || !c->shrunk) {
            i++;
        } else if (c->n == 0) {
            r = release_node(b->tx, c);
            if (r < 0)
                return r;
            node_remove(n, i);
            n->shrunk = n->dirty = true;
        } else if (n->n == 1) {
            i++;
        } else if (!too_small(b->tx, c)) {
            c->shrunk = false;
            i++;
        } else {
            if (i > 0)
                i--;
            r = merge_with_next(b, n, i);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* Children before parents. */
static int rebalance(struct bolt_bucket *b, struct node *n)
{
    int r;

    if (n->leaf || !n->dirty)
        return 0;
    for (uint32_t i = 0; i < n->n; i++) {
        if (n->items[i].child) {
            r = rebalance(b, n->items[i].child);
            if (r < 0)
                return r;
        }
    }
    return fix_children(b, n);
}

/* A root that is a branch with one child gives way to that child. */
static int collapse_root(struct bolt_bucket *b)
{
    while (!b->root->leaf && b->root->n < 2) {
        struct node *old = b->root, *child;
        int r;

        r = release_node(b->tx, old);
        if (r < 0)
            return r;
        if (old->n == 0) {
            child = node_new(b->tx, true, 4);
            if (!child)
                return -ENOMEM;
        } else {
            r = node_child(b, old, 0, &child);
            if (r < 0)
                return r;
        }
        child->parent = NULL;
        child->dirty = true;
        b->root = child;
    }
    return 0;
}

/* --------------------------------------------------------------------- spill */

/* How many items from `from` on go into the next page. */
static uint32_t split_point(const struct bolt_tx *tx, const struct node *n, uint32_t from)
{
    uint64_t size = HEADER_SIZE, half = tx->page_size / 2;
    uint32_t i, left = n->n - from;

    if (left <= 2 * NODE_MIN_KEEP || node_size(n, from, n->n) < tx->page_size)
        return left;
    for (i = 0; i < left - NODE_MIN_KEEP; i++) {
        const struct item *it = &n->items[from + i];
        uint64_t add = ELEMENT_SIZE + (uint64_t)it->klen + (n->leaf ? it->vlen : 0);

        if (i >= NODE_MIN_KEEP && size + add > half)
            break;
        size += add;
    }
    return i;
}

/* Write items [from, from + count) to new pages; *out is the element that leads there. */
static int write_piece(struct bolt_bucket *b, struct node *n, uint32_t from, uint32_t count,
                       struct item *out)
{
    struct bolt_tx *tx = b->tx;
    uint64_t size = node_size(n, from, from + count), id;
    uint64_t pages = (size + tx->page_size - 1) / tx->page_size;
    uint8_t *data;
    int r;

    /* Positions in a page are 32 bits wide. */
    if (size > UINT32_MAX)
        return bolt_fail_(tx->db, EFBIG, "a page would become too large");
    r = freelist_take(tx, pages, &id);
    if (r < 0)
        return r;
    data = calloc((size_t)pages, tx->page_size);
    if (!data)
        return no_memory(tx);
    node_encode(n, from, from + count, id, (uint32_t)(pages - 1), data);
    *out = (struct item){.page = id};
    if (count) {
        out->key = n->items[from].key;
        out->klen = n->items[from].klen;
    }
    return tx_add_dirty(tx, id, pages, data);
}

/*
 * Write node n and what changed below it, and append to `up` the elements that lead to
 * the pages it became.
 */
static int spill_node(struct bolt_bucket *b, struct node *n, struct node *up)
{
    struct item piece;
    uint32_t from, count;
    int r;

    if (!n->leaf) {
        struct node *below = node_new(b->tx, false, n->n + 4);

        if (!below)
            return -ENOMEM;
        for (uint32_t i = 0; i < n->n; i++) {
            struct node *c = n->items[i].child;

            if (c && c->dirty)
                r = spill_node(b, c, below);
            else
                r = node_insert(below, below->n, &n->items[i]) < 0 ? no_memory(b->tx) : 0;
            if (r < 0)
                return r;
        }
        below->page = n->page;
        below->pages = n->pages;
        n = below;
    }
    r = release_node(b->tx, n);
    if (r < 0)
        return r;
    from = 0;
    do {
        count = split_point(b->tx, n, from);
        r = write_piece(b, n, from, count, &piece);
        if (r < 0)
            return r;
        if (node_insert(up, up->n, &piece) < 0)
            return no_memory(b->tx);
        from += count;
    } while (from < n->n);
    return 0;
}

static int spill_tree(struct bolt_bucket *b)
{
    struct node *n = b->root;

    for (;;) {
        struct node *up = node_new(b->tx, false, 4);
        int r;

        if (!up)
            return -ENOMEM;
        r = spill_node(b, n, up);
        if (r < 0)
            return r;
        if (up->n == 1) {
            b->root_page = up->items[0].page;
            return 0;
        }
        n = up;
    }
}

static bool fits_inline(const struct bolt_bucket *b)
{
    const struct node *n = b->root;

    if (!b->parent || !n->leaf || node_size(n, 0, n->n) > b->tx->page_size / 4)
        return false;
    for (uint32_t i = 0; i < n->n; i++) {
        if (n->items[i].flags & FLAG_BUCKET)
            return false;
    }
    return true;
}

/* Put the bucket's header, and all of it if it is small, under its name in the parent. */
static int store_in_parent(struct bolt_bucket *b, bool inlined)
{
    uint64_t size = BUCKET_SIZE + (inlined ? node_size(b->root, 0, b->root->n) : 0);
    uint8_t *value = tx_alloc(b->tx, (size_t)size);

    if (!value)
        return no_memory(b->tx);
    memset(value, 0, (size_t)size);
    put64(value, b->root_page);
    put64(value + 8, b->sequence);
    if (inlined)
        node_encode(b->root, 0, b->root->n, 0, 0, value + BUCKET_SIZE);
    return node_set(b->parent, b->name.data, (uint32_t)b->name.len, value, (uint32_t)size,
                    FLAG_BUCKET);
}

int spill_bucket(struct bolt_bucket *b)
{
    bool inlined;
    int r;

    for (size_t i = 0; i < b->n_opened; i++) {
        if (b->opened[i]->dirty) {
            r = spill_bucket(b->opened[i]);
            if (r < 0)
                return r;
        }
    }
    r = rebalance(b, b->root);
    if (r == 0)
        r = collapse_root(b);
    if (r < 0)
        return r;
    inlined = fits_inline(b);
    if (inlined) {
        r = release_node(b->tx, b->root);
        b->root_page = 0;
    } else {
        r = spill_tree(b);
    }
    if (r == 0 && b->parent)
        r = store_in_parent(b, inlined);
    return r;
}
