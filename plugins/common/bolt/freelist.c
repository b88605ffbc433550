/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages that nothing uses.  Those that this transaction frees are kept apart until
 * the next one, since the state before, which a crash would bring back, needs them.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <stdlib.h>

/* ------------------------------------------------------------------- bitmaps */

int bitmap_grow(struct bitmap *m, uint64_t n_bits)
{
    uint64_t n = n_bits / 64 + 1, old = m->n_words;
    uint64_t *words;

    if (n <= old)
        return 0;
    n += old / 2;
    if (n > SIZE_MAX / sizeof *words)
        return -ENOMEM;
    words = realloc(m->words, (size_t)n * sizeof *words);
    if (!words)
        return -ENOMEM;
    memset(words + old, 0, (size_t)(n - old) * sizeof *words);
    m->words = words;
    m->n_words = n;
    return 0;
}

void bitmap_free(struct bitmap *m)
{
    free(m->words);
    *m = (struct bitmap){0};
}

bool bitmap_has(const struct bitmap *m, uint64_t bit)
{
    return bit / 64 < m->n_words && (m->words[bit / 64] >> (bit % 64) & 1);
}

bool bitmap_set(struct bitmap *m, uint64_t bit)
{
    uint64_t mask = UINT64_C(1) << (bit % 64);

    if (m->words[bit / 64] & mask)
        return false;
    m->words[bit / 64] |= mask;
    m->count++;
    return true;
}

void bitmap_clear(struct bitmap *m, uint64_t bit)
{
    if (bitmap_has(m, bit)) {
        m->words[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
        m->count--;
    }
}

/* ------------------------------------------------------------------- reading */

uint64_t freelist_end(struct bolt_tx *tx)
{
    uint64_t id = tx->meta.freelist, pages;
    const uint8_t *at;

    if (id < 2 || id >= tx->meta.hwm)
        return 0;
    at = page_bytes(tx, id, 1);
    if (!at || get16(at + 8) != PAGE_FREELIST)
        return 0;
    pages = (uint64_t)get32(at + 12) + 1;
    return pages <= tx->meta.hwm - id ? id + pages : 0;
}

int freelist_load(struct bolt_tx *tx)
{
    uint64_t id = tx->meta.freelist, end = freelist_end(tx), room, n, skip = 0;
    const uint8_t *at;

    if (bitmap_grow(&tx->free, tx->meta.hwm) < 0 || bitmap_grow(&tx->pending, tx->meta.hwm) < 0)
        return bolt_fail_(tx->db, ENOMEM, "out of memory");
    if (!end)
        return bolt_fail_(tx->db, EUCLEAN, "damaged: page %llu is no freelist",
                          (unsigned long long)id);
    at = page_bytes(tx, id, end - id);
    if (!at)
        return -EUCLEAN;
    room = ((end - id) * tx->page_size - HEADER_SIZE) / 8;
    n = get16(at + 10);
    if (n == 0xFFFF) {
        n = get64(at + HEADER_SIZE);
        skip = 1;
    }
    if (n > room - skip)
        return bolt_fail_(
            tx->db, EUCLEAN, "damaged: freelist page %llu has %llu entries and room for %llu",
            (unsigned long long)id, (unsigned long long)n, (unsigned long long)(room - skip));
    for (uint64_t i = 0; i < n; i++) {
        uint64_t page = get64(at + HEADER_SIZE + (i + skip) * 8);

        if (page < 2 || page >= tx->meta.hwm || (page >= id && page < end))
            return bolt_fail_(tx->db, EUCLEAN,
                              "damaged: freelist page %llu lists page %llu of %llu",
                              (unsigned long long)id, (unsigned long long)page,
                              (unsigned long long)tx->meta.hwm);
        if (!bitmap_set(&tx->free, page))
            return bolt_fail_(tx->db, EUCLEAN,
                              "damaged: freelist page %llu lists page %llu twice",
                              (unsigned long long)id, (unsigned long long)page);
    }
    return 0;
}

/* ------------------------------------------------------------------- changing */

int freelist_release(struct bolt_tx *tx, uint64_t id, uint64_t pages)
{
    for (uint64_t i = id; i < id + pages; i++) {
        if (i < 2 || i >= tx->meta.hwm || bitmap_has(&tx->free, i) ||
            !bitmap_set(&tx->pending, i))
            return bolt_fail_(tx->db, EUCLEAN, "damaged: page %llu is in use and free at once",
                              (unsigned long long)i);
    }
    return 0;
}

/* The lowest run of `pages` free pages; 0: there is none.  While pages are taken no new
 * runs come up, so each search goes on where the last one for that length ended. */
static uint64_t find_run(struct bolt_tx *tx, uint64_t pages)
{
    const struct bitmap *m = &tx->free;
    uint64_t *from = pages < 16 ? &tx->no_run_below[pages] : NULL, run = 0;

    if (m->count < pages)
        return 0;
    for (uint64_t w = from ? *from / 64 : 0; w < m->n_words; w++) {
        if (m->words[w] == 0) {
            run = 0;
            continue;
        }
        for (uint64_t bit = w * 64; bit < w * 64 + 64; bit++) {
            run = (m->words[w] >> (bit % 64) & 1) ? run + 1 : 0;
            if (run == pages) {
                if (from)
                    *from = bit + 1 - pages;
                return bit + 1 - pages;
            }
        }
    }
    if (from)
        *from = m->n_words * 64;
    return 0;
}

int freelist_take(struct bolt_tx *tx, uint64_t pages, uint64_t *id)
{
    uint64_t hwm = tx->meta.hwm, bytes;

    *id = find_run(tx, pages);
    if (*id) {
        for (uint64_t i = 0; i < pages; i++)
            bitmap_clear(&tx->free, *id + i);
        return 0;
    }
    if (__builtin_mul_overflow(hwm + pages, (uint64_t)tx->page_size, &bytes) ||
        bytes > INT64_MAX)
        return bolt_fail_(tx->db, EFBIG, "it would become too large");
    if (bitmap_grow(&tx->free, hwm + pages) < 0 || bitmap_grow(&tx->pending, hwm + pages) < 0)
        return bolt_fail_(tx->db, ENOMEM, "out of memory");
    *id = hwm;
    tx->meta.hwm = hwm + pages;
    return 0;
}

/* -------------------------------------------------------------------- storing */

int freelist_store(struct bolt_tx *tx)
{
    /* Counted before the pages of the list itself come off it: never too small. */
    uint64_t n = tx->free.count + tx->pending.count;
    uint64_t size = HEADER_SIZE + 8 * (n >= 0xFFFF ? n + 1 : n), pages, id;
    uint8_t *data, *p;
    int r;

    pages = size / tx->page_size + 1;
    r = freelist_take(tx, pages, &id);
    if (r < 0)
        return r;
    data = calloc((size_t)pages, tx->page_size);
    if (!data)
        return bolt_fail_(tx->db, ENOMEM, "out of memory");
    n = tx->free.count + tx->pending.count;
    put64(data, id);
    put16(data + 8, PAGE_FREELIST);
    put16(data + 10, n >= 0xFFFF ? 0xFFFF : (uint16_t)n);
    put32(data + 12, (uint32_t)(pages - 1));
    p = data + HEADER_SIZE;
    if (n >= 0xFFFF) {
        put64(p, n);
        p += 8;
    }
    for (uint64_t w = 0; w < tx->free.n_words || w < tx->pending.n_words; w++) {
        uint64_t word = (w < tx->free.n_words ? tx->free.words[w] : 0) |
                        (w < tx->pending.n_words ? tx->pending.words[w] : 0);

        for (; word; word &= word - 1) {
            put64(p, w * 64 + (uint64_t)__builtin_ctzll(word));
            p += 8;
        }
    }
    tx->meta.freelist = id;
    return tx_add_dirty(tx, id, pages, data);
}
