/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages as they are in the file.  Everything in here was written by someone else: no
 * number is used before it was checked, and all sums are made in 64 bits.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>

/* In a leaf of so many elements a key is looked for by its length first: the lengths lie side
 * by side at the beginning, the keys among the values, each on a page that may not be in
 * memory. */
#define FEW 16u

/* "ctr/0a0f89", outermost bucket first; names that are no text are shown as \xx. */
static size_t bucket_path(const struct bolt_bucket *b, char *out, size_t size)
{
    size_t n = 0;

    if (!b->parent)
        return 0;
    n = bucket_path(b->parent, out, size);
    if (n && n + 1 < size)
        out[n++] = '/';
    for (size_t i = 0; i < b->name.len && n + 4 < size; i++) {
        unsigned char c = ((const unsigned char *)b->name.data)[i];
        if (c >= 0x20 && c < 0x7f)
            out[n++] = (char)c;
        else
            n += (size_t)snprintf(out + n, size - n, "\\%02x", c);
    }
    out[n] = '\0';
    return n;
}

int page_damaged(const struct bolt_bucket *b, uint64_t id, const char *fmt, ...)
{
    char what[256], path[300] = "";
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    b->tx->broken = true;
    bucket_path(b, path, sizeof path);
    if (!b->parent)
        return bolt_fail_(b->tx->db, EUCLEAN, "damaged: page %llu: %s", (unsigned long long)id,
                          what);
    if (!id)
        return bolt_fail_(b->tx->db, EUCLEAN, "damaged: bucket \"%s\": %s", path, what);
    return bolt_fail_(b->tx->db, EUCLEAN, "damaged: bucket \"%s\", page %llu: %s", path,
                      (unsigned long long)id, what);
}

int page_open(struct bolt_bucket *b, uint64_t id, struct bolt_page *out)
{
    struct bolt_tx *tx = b->tx;
    const uint8_t *at;
    uint64_t pages, room;
    uint16_t flags;

    tx->db->stats.pages_read++;
    if (id < 2 || id >= tx->meta.hwm || tx->empty)
        return page_damaged(b, id, "out of range: the file has %llu pages",
                            (unsigned long long)tx->meta.hwm);
    /* Pages that this transaction allocates are not in the map, and never looked up. */
    if ((id + 1) * tx->page_size > tx->map_len)
        return page_damaged(b, id, "beyond the pages that were there at the beginning");
    at = page_bytes(tx, id, 1);
    if (!at)
        return -EUCLEAN;
    flags = get16(at + 8);
    if (flags != PAGE_LEAF && flags != PAGE_BRANCH)
        return page_damaged(b, id, "flags 0x%x where a leaf or branch should be", flags);
    pages = (uint64_t)get32(at + 12) + 1;
    if (pages > tx->map_len / tx->page_size - id)
        return page_damaged(b, id, "%llu overflow pages reach past the end",
                            (unsigned long long)(pages - 1));
    room = pages * tx->page_size;
    if (HEADER_SIZE + (uint64_t)get16(at + 10) * ELEMENT_SIZE > room)
        return page_damaged(b, id, "%u elements do not fit", get16(at + 10));
    if (pages > 1 && !page_bytes(tx, id, pages))
        return -EUCLEAN;
    *out = (struct bolt_page){.at = at,
                              .id = id,
                              .room = (size_t)room,
                              .pages = (uint32_t)pages,
                              .count = get16(at + 10),
                              .leaf = flags == PAGE_LEAF};
    if (!out->leaf && out->count == 0)
        return page_damaged(b, id, "a branch without children");
    return 0;
}

int page_open_inline(struct bolt_bucket *b, const uint8_t *at, size_t room,
                     struct bolt_page *out)
{
    if (room < HEADER_SIZE)
        return page_damaged(b, 0, "an inline bucket of %zu bytes", room);
    if (get16(at + 8) != PAGE_LEAF || get32(at + 12) != 0)
        return page_damaged(b, 0, "flags 0x%x and %u overflow pages in an inline bucket",
                            get16(at + 8), get32(at + 12));
    if (HEADER_SIZE + (uint64_t)get16(at + 10) * ELEMENT_SIZE > room)
        return page_damaged(b, 0, "%u elements do not fit into an inline bucket",
                            get16(at + 10));
    *out = (struct bolt_page){
        .at = at, .room = room, .count = get16(at + 10), .leaf = 1, .pages = 0};
    return 0;
}

void page_of_node(const struct node *n, struct bolt_page *out)
{
    *out = (struct bolt_page){
        .node = n, .id = n->page, .count = n->n, .leaf = n->leaf, .pages = n->pages};
}

int page_item(const struct bolt_bucket *b, const struct bolt_page *p, uint32_t i,
              struct item *out)
{
    uint64_t at = HEADER_SIZE + (uint64_t)i * ELEMENT_SIZE, pos, end;
    const uint8_t *e;

    if (p->node) {
        *out = ((const struct node *)p->node)->items[i];
        return 0;
    }
    e = p->at + at;
    *out = (struct item){0};
    if (p->leaf) {
        out->flags = get32(e);
        pos = get32(e + 4);
        out->klen = get32(e + 8);
        out->vlen = get32(e + 12);
    } else {
        pos = get32(e);
        out->klen = get32(e + 4);
        out->page = get64(e + 8);
    }
    if (out->klen == 0 || out->klen > BOLT_KEY_MAX || out->vlen > BOLT_VALUE_MAX)
        return page_damaged(b, p->id, "element %u has a key of %u and a value of %u bytes", i,
                            out->klen, out->vlen);
    end = at + pos + out->klen + out->vlen;
    if (at + pos < HEADER_SIZE + (uint64_t)p->count * ELEMENT_SIZE || end > p->room)
        return page_damaged(b, p->id, "element %u lies outside the page", i);
    if (!p->leaf && (out->page < 2 || out->page >= b->tx->meta.hwm))
        return page_damaged(b, p->id, "element %u leads to page %llu of %llu", i,
                            (unsigned long long)out->page, (unsigned long long)b->tx->meta.hwm);
    if (!p->id && (out->flags & FLAG_BUCKET))
        return page_damaged(b, 0, "element %u of an inline bucket is a bucket", i);
    out->key = e + pos;
    out->value = out->key + out->klen;
    return 0;
}

int page_child(struct bolt_bucket *b, const struct bolt_page *p, uint32_t i,
               struct bolt_page *out)
{
    struct item it;
    int r;

    r = page_item(b, p, i, &it);
    if (r < 0)
        return r;
    if (it.child) {
        page_of_node(it.child, out);
        return 0;
    }
    if (it.page == p->id)
        return page_damaged(b, p->id, "element %u leads back to the page", i);
    return page_open(b, it.page, out);
}

int page_search(const struct bolt_bucket *b, const struct bolt_page *p, const void *key,
                size_t len, uint32_t *index, bool *exact)
{
    uint32_t lo = 0, hi = p->count;
    struct item it;
    int r, c;

    *exact = false;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        r = page_item(b, p, mid, &it);
        if (r < 0)
            return r;
        c = compare(it.key, it.klen, key, len);
        if (c == 0) {
            *exact = true;
            *index = mid;
            return 0;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *index = lo;
    return 0;
}

int page_find(const struct bolt_bucket *b, const struct bolt_page *p, const void *key,
              size_t len, struct item *out)
{
    uint32_t i = 0;
    bool exact;
    int r;

    if (p->node || p->count > FEW) {
        r = page_search(b, p, key, len, &i, &exact);
        if (r < 0 || !exact)
            return r;
        r = page_item(b, p, i, out);
        return r < 0 ? r : 1;
    }
    for (; i < p->count; i++) {
        if (get32(p->at + HEADER_SIZE + i * ELEMENT_SIZE + 8) != len)
            continue;
        r = page_item(b, p, i, out);
        if (r < 0)
            return r;
        if (memcmp(out->key, key, len) == 0)
            return 1;
    }
    return 0;
}

int page_choose(const struct bolt_bucket *b, const struct bolt_page *p, const void *key,
                size_t len, uint32_t *index)
{
    bool exact;
    int r;

    r = page_search(b, p, key, len, index, &exact);
    if (r < 0)
        return r;
    if (!exact && *index > 0)
        --*index;
    return 0;
}

int page_root(struct bolt_bucket *b, struct bolt_page *out)
{
    if (b->root) {
        page_of_node(b->root, out);
        return 0;
    }
    if (b->root_page == 0) {
        *out = b->inlined;
        return 0;
    }
    return page_open(b, b->root_page, out);
}
