/* SPDX-License-Identifier: Apache-2.0 */
/* Walking through a bucket in the order of its keys, forwards and backwards. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#define AHEAD 4u /* elements */

static int begin(struct bolt_cursor *c, struct bolt_bucket *b)
{
    c->bucket = b;
    c->depth = 1;
    c->key = (struct bolt_bytes){0};
    c->value = (struct bolt_bytes){0};
    c->is_bucket = 0;
    return page_root(b, &c->path[0]);
}

/* Go down from the innermost branch: element `i` of it, then always the first or last. */
static int descend(struct bolt_cursor *c, uint32_t i, bool last)
{
    for (;;) {
        struct bolt_page *p = &c->path[c->depth - 1];
        int r;

        c->index[c->depth - 1] = i;
        if (p->leaf)
            return 0;
        if (c->depth == BOLT_DEPTH_MAX)
            return page_damaged(c->bucket, p->id, "the tree is deeper than %d", BOLT_DEPTH_MAX);
        r = page_child(c->bucket, p, i, p + 1);
        if (r < 0)
            return r;
        c->depth++;
        i = last && p[1].count ? p[1].count - 1 : 0;
    }
}

/*
 * Who walks over buckets opens each of them, and waits for memory twice: for its page, and for
 * its keys, which lie among documents.  So both are asked for some steps before.
 */
static void look_ahead(const struct bolt_cursor *c)
{
    const struct bolt_page *p = &c->path[c->depth - 1];
    uint32_t i = c->index[c->depth - 1];

    if (i == 0 && c->depth > 1)
        page_ahead(c->bucket, p - 1, c->index[c->depth - 2] + 1); /* the next leaf */
    if (!c->is_bucket)
        return;
    for (uint32_t n = i ? AHEAD : 1; n <= AHEAD; n++)
        page_ahead(c->bucket, p, i + n);
    page_ahead_keys(c->bucket, p, i + AHEAD / 2);
}

/* Hand out the element where the cursor stands.  `order`: how it must compare with the
 * one before, so that no damaged tree can lead round in circles. */
static int hand_out(struct bolt_cursor *c, int order)
{
    struct bolt_page *p = &c->path[c->depth - 1];
    struct item it;
    int r;

    r = page_item(c->bucket, p, c->index[c->depth - 1], &it);
    if (r < 0)
        return r;
    if (c->key.data && order * compare(it.key, it.klen, c->key.data, c->key.len) <= 0)
        return page_damaged(c->bucket, p->id, "its keys are out of order");
    c->key.data = it.key;
    c->key.len = it.klen;
    c->value.data = it.value;
    c->value.len = it.vlen;
    c->is_bucket = (it.flags & FLAG_BUCKET) != 0;
    if (order > 0)
        look_ahead(c);
    return 1;
}

/* The leaf after (step 1) or before (step -1) the innermost one; 0: there is none. */
static int turn_leaf(struct bolt_cursor *c, int step)
{
    while (c->depth > 1) {
        struct bolt_page *p = &c->path[--c->depth - 1];
        uint32_t i = c->index[c->depth - 1];
        int r;

        if (step > 0 ? i + 1 >= p->count : i == 0)
            continue;
        r = descend(c, step > 0 ? i + 1 : i - 1, step < 0);
        if (r < 0)
            return r;
        if (c->path[c->depth - 1].count)
            return 1;
        /* An empty leaf, which no writer leaves there: go on. */
    }
    c->depth = 0; /* nowhere */
    return 0;
}

int bolt_first(struct bolt_cursor *c, struct bolt_bucket *b)
{
    int r;

    r = begin(c, b);
    if (r == 0)
        r = descend(c, 0, false);
    if (r < 0)
        return r;
    if (c->path[c->depth - 1].count == 0) {
        r = turn_leaf(c, 1);
        if (r <= 0)
            return r;
    }
    return hand_out(c, 1);
}

int bolt_last(struct bolt_cursor *c, struct bolt_bucket *b)
{
    int r;

    r = begin(c, b);
    if (r == 0)
        r = descend(c, c->path[0].count ? c->path[0].count - 1 : 0, true);
    if (r < 0)
        return r;
    if (c->path[c->depth - 1].count == 0) {
        r = turn_leaf(c, -1);
        if (r <= 0)
            return r;
    }
    return hand_out(c, -1);
}

int bolt_seek(struct bolt_cursor *c, struct bolt_bucket *b, const void *key, size_t len)
{
    struct bolt_page *p;
    uint32_t i;
    bool exact;
    int r;

    r = begin(c, b);
    for (;;) {
        if (r < 0)
            return r;
        p = &c->path[c->depth - 1];
        if (p->leaf)
            break;
        if (c->depth == BOLT_DEPTH_MAX)
            return page_damaged(b, p->id, "the tree is deeper than %d", BOLT_DEPTH_MAX);
        r = page_below(b, p, key, len, &c->index[c->depth - 1], p + 1);
        if (r == 0)
            c->depth++;
    }
    r = page_search(b, p, key, len, &i, &exact);
    if (r < 0)
        return r;
    c->index[c->depth - 1] = i;
    if (i >= p->count) {
        r = turn_leaf(c, 1);
        if (r <= 0)
            return r;
    }
    return hand_out(c, 1);
}

static int step(struct bolt_cursor *c, int by)
{
    struct bolt_page *p;
    uint32_t *i;
    int r = 1;

    if (!c->depth)
        return 0;
    p = &c->path[c->depth - 1];
    i = &c->index[c->depth - 1];
    if (by > 0 ? *i + 1 < p->count : *i > 0)
        *i += (uint32_t)by;
    else
        r = turn_leaf(c, by);
    if (r > 0)
        r = hand_out(c, by);
    if (r < 0)
        c->depth = 0;
    return r;
}

int bolt_next(struct bolt_cursor *c)
{
    return step(c, 1);
}

int bolt_prev(struct bolt_cursor *c)
{
    return step(c, -1);
}
