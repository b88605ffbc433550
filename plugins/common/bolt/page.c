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

/* Have the processor fetch what will be wanted soon.  A function that did nothing else would be
 * nothing to the compiler, and its calls left out; hence the statement that says it does. */
static inline void fetch(const uint8_t *at)
{
    __builtin_prefetch(at);
    __asm__ volatile("" : : "r"(at));
}

/* The header of a page, none of which is smaller than this, and about twenty elements. */
static inline void fetch_head(const uint8_t *at)
{
    fetch(at);
    fetch(at + 64);
    fetch(at + 128);
    fetch(at + 192);
    fetch(at + 256);
    fetch(at + 320);
}

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
    uint16_t flags, count;

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
    fetch_head(at);
    flags = get16(at + 8);
    if (flags != PAGE_LEAF && flags != PAGE_BRANCH)
        return page_damaged(b, id, "flags 0x%x where a leaf or branch should be", flags);
    pages = (uint64_t)get32(at + 12) + 1;
    room = pages * tx->page_size;
    if (room > tx->map_len - id * tx->page_size)
        return page_damaged(b, id, "%llu overflow pages reach past the end",
                            (unsigned long long)(pages - 1));
    count = get16(at + 10);
    if (HEADER_SIZE + (uint64_t)count * ELEMENT_SIZE > room)
        return page_damaged(b, id, "%u elements do not fit", count);
    if (flags == PAGE_BRANCH && count == 0)
        return page_damaged(b, id, "a branch without children");
    if (pages > 1 && !page_bytes(tx, id, pages))
        return -EUCLEAN;
    *out = (struct bolt_page){.at = at,
                              .id = id,
                              .room = (size_t)room,
                              .pages = (uint32_t)pages,
                              .count = count,
                              .leaf = flags == PAGE_LEAF};
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

static inline const uint8_t *element(const struct bolt_page *p, uint32_t i)
{
    return p->at + HEADER_SIZE + (size_t)i * ELEMENT_SIZE;
}

/* The key of element i; false: it is none, or lies outside the page. */
static inline bool key_at(const struct bolt_page *p, uint32_t i, struct bolt_bytes *key)
{
    const uint8_t *e;
    uint64_t pos;

    if (p->node) {
        const struct item *it = &((const struct node *)p->node)->items[i];

        *key = (struct bolt_bytes){it->key, it->klen};
        return true;
    }
    e = element(p, i) + (p->leaf ? 4 : 0);
    pos = HEADER_SIZE + (uint64_t)i * ELEMENT_SIZE + get32(e);
    key->len = get32(e + 4);
    if (key->len == 0 || key->len > BOLT_KEY_MAX || pos + key->len > p->room ||
        pos < HEADER_SIZE + (uint64_t)p->count * ELEMENT_SIZE)
        return false;
    key->data = p->at + pos;
    return true;
}

int page_item(const struct bolt_bucket *b, const struct bolt_page *p, uint32_t i,
              struct item *out)
{
    struct bolt_bytes key;
    const uint8_t *e;

    if (p->node) {
        *out = ((const struct node *)p->node)->items[i];
        return 0;
    }
    if (!key_at(p, i, &key))
        return page_damaged(b, p->id, "the key of element %u is not in the page", i);
    e = element(p, i);
    *out = (struct item){.key = key.data, .klen = (uint32_t)key.len};
    out->value = out->key + key.len;
    if (!p->leaf) {
        out->page = get64(e + 8);
        if (out->page < 2 || out->page >= b->tx->meta.hwm)
            return page_damaged(b, p->id, "element %u leads to page %llu of %llu", i,
                                (unsigned long long)out->page,
                                (unsigned long long)b->tx->meta.hwm);
        return 0;
    }
    out->flags = get32(e);
    out->vlen = get32(e + 12);
    if (out->vlen > BOLT_VALUE_MAX || out->vlen > p->room - (size_t)(out->value - p->at))
        return page_damaged(b, p->id, "the value of element %u is not in the page", i);
    if (!p->id && (out->flags & FLAG_BUCKET))
        return page_damaged(b, 0, "element %u of an inline bucket is a bucket", i);
    return 0;
}

int page_child(struct bolt_bucket *b, const struct bolt_page *p, uint32_t i,
               struct bolt_page *out)
{
    uint64_t id;

    if (p->node) {
        const struct item *it = &((const struct node *)p->node)->items[i];

        if (it->child) {
            page_of_node(it->child, out);
            return 0;
        }
        id = it->page;
    } else {
        id = get64(element(p, i) + 8);
    }
    if (id == p->id)
        return page_damaged(b, p->id, "element %u leads back to the page", i);
    return page_open(b, id, out);
}

/* --------------------------------------------------------------- looking ahead */

/* The page that element i leads to, in the file.  NULL: to none, or it is not plain to see. */
static const uint8_t *page_under(const struct bolt_bucket *b, const struct bolt_page *p,
                                 uint32_t i)
{
    const struct bolt_tx *tx = b->tx;
    const uint8_t *number;
    struct bolt_bytes key;
    uint64_t id;

    if (tx->write || (tx->db->flags & BOLT_COPY) || i >= p->count)
        return NULL;
    number = element(p, i) + 8;
    if (p->leaf) {
        if (!(get32(element(p, i)) & FLAG_BUCKET) || !key_at(p, i, &key))
            return NULL;
        number = (const uint8_t *)key.data + key.len;
        if (p->room - (size_t)(number - p->at) < BUCKET_SIZE)
            return NULL;
    }
    id = get64(number);
    return id >= 2 && id < tx->meta.hwm ? tx->map + (size_t)(id * tx->page_size) : NULL;
}

void page_ahead(const struct bolt_bucket *b, const struct bolt_page *p, uint32_t i)
{
    const uint8_t *at = page_under(b, p, i);

    if (at)
        fetch_head(at);
}

void page_ahead_keys(const struct bolt_bucket *b, const struct bolt_page *p, uint32_t i)
{
    const uint8_t *at = page_under(b, p, i), *end = b->tx->map + b->tx->map_len, *e;

    if (!at || get16(at + 8) != PAGE_LEAF || get16(at + 10) > FEW)
        return;
    e = at + HEADER_SIZE;
    for (unsigned n = get16(at + 10); n; n--, e += ELEMENT_SIZE) {
        if (get32(e + 4) < (size_t)(end - e))
            fetch(e + get32(e + 4));
    }
}

/* ------------------------------------------------------------------- searching */

int page_search(const struct bolt_bucket *b, const struct bolt_page *p, const void *key,
                size_t len, uint32_t *index, bool *exact)
{
    uint32_t lo = 0, hi = p->count;

    *exact = false;
    while (lo < hi && !*exact) {
        uint32_t mid = lo + (hi - lo) / 2;
        struct bolt_bytes found;
        int c;

        if (!key_at(p, mid, &found))
            return page_damaged(b, p->id, "the key of element %u is not in the page", mid);
        c = compare(found.data, found.len, key, len);
        *exact = c == 0;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *index = hi;
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
        if (get32(element(p, i) + 8) != len)
            continue;
        r = page_item(b, p, i, out);
        if (r < 0)
            return r;
        if (memcmp(out->key, key, len) == 0)
            return 1;
    }
    return 0;
}

int page_below(struct bolt_bucket *b, const struct bolt_page *p, const void *key, size_t len,
               uint32_t *index, struct bolt_page *out)
{
    bool exact;
    int r = page_search(b, p, key, len, index, &exact);

    if (r < 0)
        return r;
    if (!exact && *index > 0)
        --*index;
    return page_child(b, p, *index, out);
}

int page_root(struct bolt_bucket *b, struct bolt_page *out)
{
    if (b->root) {
        page_of_node(b->root, out);
        return 0;
    }
    if (!b->top.at) {
        int r = page_open(b, b->root_page, &b->top);

        if (r < 0)
            return r;
    }
    *out = b->top;
    return 0;
}
