/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for damage in the whole file, and copying it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct walk {
    struct bolt_tx *tx;
    struct bitmap *seen;
    bolt_report_fn *fn;
    void *arg;
    int64_t found;
    int end; /* other than 0: stop, and give this */
};

static void report(struct walk *w, const char *text)
{
    w->found++;
    if (w->fn)
        w->end = w->fn(w->arg, text);
    else
        w->end = 1;
}

static void reportf(struct walk *w, const struct bolt_bucket *b, uint64_t id, const char *fmt,
                    ...) __attribute__((__format__(__printf__, 4, 5)));

/* Pass on what the last failing function said of the file. */
static void report_error(struct walk *w)
{
    const char *text = w->tx->db->error, *colon = strstr(text, ": damaged: ");

    report(w, colon ? colon + strlen(": damaged: ") : text);
}

static void reportf(struct walk *w, const struct bolt_bucket *b, uint64_t id, const char *fmt,
                    ...)
{
    char what[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    page_damaged(b, id, "%s", what);
    report_error(w);
}

static void walk_bucket(struct walk *w, struct bolt_bucket *b);

static void walk_inner_bucket(struct walk *w, struct bolt_bucket *b, const struct item *it)
{
    struct bolt_bucket inner = {.tx = b->tx,
                                .parent = b,
                                .level = b->level + 1,
                                .name = {.data = it->key, .len = it->klen}};

    if (inner.level > BOLT_DEPTH_MAX) {
        reportf(w, b, 0, "buckets are nested deeper than %d", BOLT_DEPTH_MAX);
        return;
    }
    if (bucket_parse(&inner, it->value, it->vlen) < 0) {
        report_error(w);
        return;
    }
    if (inner.root_page && it->vlen != BUCKET_SIZE)
        reportf(w, &inner, 0, "its header is %u bytes long", it->vlen);
    walk_bucket(w, &inner);
}

/* A leaf or branch and all below.  `first`: the key that the branch above has for it;
 * `limit`: that of its right neighbour; both NULL where there is none. */
static void walk_page(struct walk *w, struct bolt_bucket *b, struct bolt_page *p,
                      unsigned depth, const struct item *first, const struct item *limit)
{
    struct item it, last = {0}, next;
    struct bolt_page child;

    if (p->id) {
        for (uint64_t i = p->id; i < p->id + p->pages; i++) {
            if (!bitmap_set(w->seen, i)) {
                reportf(w, b, i, "multiple references");
                return;
            }
        }
        if (get64(p->at) != p->id)
            reportf(w, b, p->id, "its header calls it page %llu",
                    (unsigned long long)get64(p->at));
    }
    if (depth >= BOLT_DEPTH_MAX) {
        reportf(w, b, p->id, "the tree is deeper than %d", BOLT_DEPTH_MAX);
        return;
    }
    if (!p->leaf && p->count < 2)
        reportf(w, b, p->id, "a branch with one child");
    if (p->leaf && p->count == 0 && depth)
        reportf(w, b, p->id, "an empty leaf below a branch");
    for (uint32_t i = 0; i < p->count && !w->end; i++) {
        if (page_item(b, p, i, &it) < 0) {
            report_error(w);
            continue;
        }
        if (i == 0 && first && compare(it.key, it.klen, first->key, first->klen) != 0)
            reportf(w, b, p->id, "its first key is not the one in the branch above");
        if (last.key && compare(last.key, last.klen, it.key, it.klen) >= 0)
            reportf(w, b, p->id, "key %u is not greater than the one before", i);
        if (limit && compare(it.key, it.klen, limit->key, limit->klen) >= 0)
            reportf(w, b, p->id, "key %u belongs to the next page", i);
        last = it;
        if (p->leaf) {
            if (it.flags & ~FLAG_BUCKET)
                reportf(w, b, p->id, "element %u has unknown flags 0x%x", i, it.flags);
            if (it.flags & FLAG_BUCKET)
                walk_inner_bucket(w, b, &it);
            continue;
        }
        if (page_child(b, p, i, &child) < 0) {
            report_error(w);
            continue;
        }
        if (i + 1 < p->count && page_item(b, p, i + 1, &next) == 0)
            walk_page(w, b, &child, depth + 1, &it, &next);
        else
            walk_page(w, b, &child, depth + 1, &it, limit);
    }
}

static void walk_bucket(struct walk *w, struct bolt_bucket *b)
{
    struct bolt_page p;

    if (page_root(b, &p) < 0)
        report_error(w);
    else
        walk_page(w, b, &p, 0, NULL, NULL);
}

static int64_t walk_result(const struct walk *w)
{
    return w->end < 0 ? w->end : w->found;
}

static void walk_all(struct walk *w)
{
    struct bolt_bucket root = {
        .tx = w->tx, .root_page = w->tx->meta.root, .sequence = w->tx->meta.sequence};

    walk_bucket(w, &root);
}

int64_t check_trees(struct bolt_tx *tx, struct bitmap *seen, bolt_report_fn *fn, void *arg)
{
    struct walk w = {.tx = tx, .seen = seen, .fn = fn, .arg = arg};

    if (bitmap_grow(seen, tx->meta.hwm) < 0)
        return bolt_fail_(tx->db, ENOMEM, "out of memory");
    walk_all(&w);
    return walk_result(&w);
}

/* ----------------------------------------------------------------- page usage */

/* Report runs of pages for which want(a, b) holds as one finding each. */
enum usage {
    LOST,          /* neither reachable nor free */
    FREE_AND_USED, /* both */
};

static bool is_case(struct walk *w, enum usage what, uint64_t id, uint64_t list_end)
{
    bool used = bitmap_has(w->seen, id) || (id >= w->tx->meta.freelist && id < list_end);
    bool free_ = bitmap_has(&w->tx->free, id);

    return what == LOST ? !used && !free_ : used && free_;
}

static void report_usage(struct walk *w, enum usage what, uint64_t list_end)
{
    const char *text = what == LOST ? "unreachable unfreed" : "reachable freed";
    char line[128];

    for (uint64_t i = 2; i < w->tx->meta.hwm && !w->end; i++) {
        uint64_t from = i;

        if (!is_case(w, what, i, list_end))
            continue;
        while (i + 1 < w->tx->meta.hwm && is_case(w, what, i + 1, list_end))
            i++;
        if (from == i)
            snprintf(line, sizeof line, "page %llu: %s", (unsigned long long)i, text);
        else
            snprintf(line, sizeof line, "pages %llu to %llu: %s", (unsigned long long)from,
                     (unsigned long long)i, text);
        report(w, line);
    }
}

static void check_meta_header(struct walk *w)
{
    const uint8_t *at = page_bytes(w->tx, w->tx->meta_page, 1);
    char line[128];

    if (!at) {
        report_error(w);
    } else if (get64(at) != w->tx->meta_page || get16(at + 8) != PAGE_META) {
        snprintf(line, sizeof line, "meta page %u: its header has number %llu and flags 0x%x",
                 w->tx->meta_page, (unsigned long long)get64(at), get16(at + 8));
        report(w, line);
    }
    if (w->tx->meta.txid % 2 != w->tx->meta_page && !w->end) {
        snprintf(line, sizeof line, "meta page %u: it has transaction number %llu",
                 w->tx->meta_page, (unsigned long long)w->tx->meta.txid);
        report(w, line);
    }
}

static void check_freelist(struct walk *w)
{
    uint64_t end;

    if (freelist_load(w->tx) < 0) {
        report_error(w);
        return;
    }
    end = freelist_end(w->tx);
    for (uint64_t i = w->tx->meta.freelist; i < end && !w->end; i++) {
        char line[128];

        if (!bitmap_has(w->seen, i))
            continue;
        snprintf(line, sizeof line, "page %llu: multiple references: it holds the freelist",
                 (unsigned long long)i);
        report(w, line);
    }
    /* What a damaged tree does not reach is not lost. */
    if (w->found == 0)
        report_usage(w, LOST, end);
    report_usage(w, FREE_AND_USED, end);
}

int64_t bolt_check(struct bolt_tx *tx, bolt_report_fn *fn, void *arg)
{
    struct bitmap seen = {0};
    struct walk w = {.tx = tx, .seen = &seen, .fn = fn, .arg = arg};

    if (tx->write)
        return bolt_fail_(tx->db, EINVAL, "a check needs a transaction that only reads");
    if (tx->empty)
        return 0;
    if (bitmap_grow(&seen, tx->meta.hwm) < 0)
        return bolt_fail_(tx->db, ENOMEM, "out of memory");
    check_meta_header(&w);
    if (!w.end)
        walk_all(&w);
    if (!w.end && tx->meta.freelist != NO_FREELIST)
        check_freelist(&w);
    bitmap_free(&seen);
    bitmap_free(&tx->free);
    bitmap_free(&tx->pending);
    return walk_result(&w);
}

/* ----------------------------------------------------------------------- copy */

static int write_out(struct bolt_tx *tx, int fd, const uint8_t *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return bolt_fail_(tx->db, n < 0 ? errno : EIO, "cannot write the copy: %s",
                              strerror(n < 0 ? errno : EIO));
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Both meta pages lead to this state: what the older one led to is not in the copy. */
int bolt_copy(struct bolt_tx *tx, int fd)
{
    struct meta m = tx->meta;
    uint8_t *metas;
    int r;

    if (tx->empty)
        return 0;
    metas = calloc(2, tx->page_size);
    if (!metas)
        return bolt_fail_(tx->db, ENOMEM, "out of memory");
    m.txid += m.txid % 2; /* the even one goes to page 0, the odd one, lower, to page 1 */
    meta_encode(&m, 0, metas);
    m.txid--;
    meta_encode(&m, 1, metas + tx->page_size);
    r = write_out(tx, fd, metas, 2u * (size_t)tx->page_size);
    free(metas);
    for (uint64_t id = 2; r == 0 && id < tx->meta.hwm;) {
        uint64_t n = tx->meta.hwm - id < 64 ? tx->meta.hwm - id : 64;
        const uint8_t *at = page_bytes(tx, id, n);

        r = at ? write_out(tx, fd, at, (size_t)(n * tx->page_size)) : -EIO;
        id += n;
    }
    return r;
}
