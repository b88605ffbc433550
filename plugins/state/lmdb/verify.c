/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking LMDB's pages before LMDB itself goes through them.  The layout is that of
 * LMDB's data format version 1 on a 64-bit little-endian machine:
 *
 *   page header   64 bits page number, 16 bits pad, 16 bits flags, then lower and upper
 *                 bound of the free space (16 bits each), or of a document 32 bits number
 *                 of pages; then, up to `lower`, 16 bits per node: where it is
 *   node          32 bits size of the data (of a branch: page number, with the flags as
 *                 its bits 32 to 47), 16 bits flags, 16 bits size of the key; key, data
 *   meta          at byte 16 of pages 0 and 1: magic, version, address, size of the map,
 *                 two trees (free pages, data), last page, transaction
 *   tree          32 bits pad (of the first: page size), 16 bits flags, 16 bits depth,
 *                 numbers of branch, leaf and document pages and entries, root page
 */
#include "lmdb_store.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEADER = 16, /* of a page */
    NODE = 8,    /* of a node */
    TREE = 48,
    META_TREES = HEADER + 24,
    META_LAST = META_TREES + 2 * TREE,
    META_TXN = META_LAST + 8,
    META_END = META_TXN + 8,
    MOST_DEPTH = 30, /* LMDB's cursors hold 32 */
};

enum { BRANCH = 1, LEAF = 2, OVERFLOW = 4, META = 8 };
enum { BIG_DATA = 1, INTEGER_KEY = 8 };

#define NO_PAGE (~(uint64_t)0)

static unsigned get16(const unsigned char *p)
{
    return (unsigned)p[0] | (unsigned)p[1] << 8;
}

int lm_meta_ok(const unsigned char *page, size_t len, size_t *page_size, uint64_t *last_page)
{
    uint32_t size;

    if (len < META_END || !(get16(page + 10) & META) ||
        lm_get32(page + HEADER) != 0xBEEFC0DEu || lm_get32(page + HEADER + 4) != 1)
        return 0;
    size = lm_get32(page + META_TREES);
    if (size < 512 || size > 32768 || (size & (size - 1)) || (*page_size && *page_size != size))
        return 0;
    *page_size = size;
    *last_page = lm_get64(page + META_LAST);
    return *last_page >= 1 && *last_page < (uint64_t)1 << 40;
}

struct walk {
    const unsigned char *map;
    size_t page_size;
    uint64_t last;  /* page that the transaction knows of */
    uint64_t limit; /* first page that is not in the file */
    unsigned char *used;
    int (*found)(void *arg, const char *line);
    void *arg;

    int is_free; /* which tree: that of the free pages, or the data */
    unsigned depth;
    uint64_t branches, leaves, documents, entries;
    const unsigned char *key; /* the one before */
    size_t key_len;
};

/* Report.  What follows a wrong page makes no sense, so the walk always ends: with what
 * found() says, or 1. */
static int find(struct walk *w, uint64_t page, const char *what)
{
    char line[160];
    int r;

    snprintf(line, sizeof(line), "page %llu: %s", (unsigned long long)page, what);
    r = w->found(w->arg, line);
    return r ? r : 1;
}

static const unsigned char *page_at(struct walk *w, uint64_t page)
{
    return w->map + page * w->page_size;
}

/* Count a run of pages as used: 0, or what found() says. */
static int use(struct walk *w, uint64_t page, uint64_t n)
{
    if (page < 2 || n < 1 || page >= w->limit || n > w->limit - page)
        return find(w, page,
                    page > w->last ? "is none of this store" : "is beyond the end of the file");
    for (uint64_t i = page; i < page + n; i++) {
        if (w->used[i / 8] & 1u << i % 8)
            return find(w, i, "is used twice");
        w->used[i / 8] |= (unsigned char)(1u << i % 8);
    }
    return 0;
}

static int compare(const struct walk *w, const unsigned char *a, size_t a_len,
                   const unsigned char *b, size_t b_len)
{
    int c;

    if (w->is_free) { /* numbers */
        uint64_t x = lm_get64(a), y = lm_get64(b);

        return x < y ? -1 : x > y;
    }
    c = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return c ? c : a_len < b_len ? -1 : a_len > b_len;
}

/* A list of free pages: their number, then they, in falling order. */
static int check_free_list(struct walk *w, uint64_t page, const unsigned char *data, size_t len)
{
    uint64_t n = len >= 8 ? lm_get64(data) : NO_PAGE, before = NO_PAGE;

    if (n > len / 8 - 1 || n == NO_PAGE)
        return find(w, page, "has a list of free pages that is not whole");
    for (uint64_t i = 1; i <= n; i++) {
        uint64_t freed = lm_get64(data + 8 * i);

        if (freed < 2 || freed > w->last || freed >= before)
            return find(w, page, "has a wrong list of free pages");
        before = freed;
        if (w->used[freed / 8] & 1u << freed % 8)
            return find(w, freed, "is free and used");
        w->used[freed / 8] |= (unsigned char)(1u << freed % 8);
    }
    return 0;
}

/* Data that has pages of its own; *data is where it begins. */
static int check_document(struct walk *w, uint64_t page, size_t len, const unsigned char **data)
{
    uint64_t n = (HEADER - 1 + (uint64_t)len) / w->page_size + 1, have;
    const unsigned char *p;
    int r;

    if (page < 2 || page >= w->limit)
        return use(w, page, 1);
    p = page_at(w, page);
    have = lm_get32(p + 12);
    if (lm_get64(p) != page || get16(p + 10) != OVERFLOW || have < n)
        return find(w, page, "is not the document it should be");
    r = use(w, page, have);
    if (r)
        return r;
    w->documents += have;
    *data = p + HEADER;
    return 0;
}

/* Node i of a page: its bounds and its key. */
static int check_node(struct walk *w, uint64_t page, unsigned i, const unsigned char **node)
{
    const unsigned char *p = page_at(w, page);
    unsigned at = get16(p + HEADER + 2 * i), upper = get16(p + 14), key_len;

    if (at < upper || at + NODE > w->page_size || (at & 1))
        return find(w, page, "has a node outside of its bounds");
    *node = p + at;
    key_len = get16(*node + 6);
    if (at + NODE + key_len > w->page_size)
        return find(w, page, "has a key outside of its bounds");
    return 0;
}

static int check_leaf_node(struct walk *w, uint64_t page, const unsigned char *node)
{
    const unsigned char *key = node + NODE, *data;
    size_t key_len = get16(node + 6), len = lm_get32(node), room;
    unsigned flags = get16(node + 4);
    int r = 0;

    data = key + key_len;
    room = (size_t)(page_at(w, page) + w->page_size - data);
    if (w->is_free ? key_len != 8 : key_len < 1 || key_len > 511)
        return find(w, page, "has a key of impossible size");
    if (w->key && compare(w, w->key, w->key_len, key, key_len) >= 0)
        return find(w, page, "has keys that are not in order");
    w->key = key;
    w->key_len = key_len;
    w->entries++;
    if (flags == BIG_DATA && room >= 8)
        r = check_document(w, lm_get64(data), len, &data);
    else if (flags || len > room)
        return find(w, page, "has data outside of its bounds");
    if (r == 0 && w->is_free)
        r = check_free_list(w, page, data, len);
    return r;
}

/* A page and all below it. */
static int check_page(struct walk *w, uint64_t page, unsigned depth)
{
    const unsigned char *p, *node;
    unsigned flags, lower, upper, n;
    int r = use(w, page, 1);

    if (r)
        return r;
    p = page_at(w, page);
    flags = get16(p + 10);
    lower = get16(p + 12);
    upper = get16(p + 14);
    n = (lower - HEADER) / 2;
    if (lm_get64(p) != page || flags != (depth == w->depth ? LEAF : BRANCH))
        return find(w, page, "is not the page it should be");
    if (lower < HEADER || (lower & 1) || lower > upper || upper > w->page_size ||
        n < (flags == LEAF ? 1 : 2))
        return find(w, page, "has impossible bounds");
    if (flags == LEAF)
        w->leaves++;
    else
        w->branches++;
    for (unsigned i = 0; r == 0 && i < n; i++) {
        r = check_node(w, page, i, &node);
        if (r)
            return r;
        if (flags == LEAF)
            r = check_leaf_node(w, page, node);
        else if (w->is_free && i > 0 && get16(node + 6) != 8)
            r = find(w, page, "has a key of impossible size");
        else
            r = check_page(w, (uint64_t)lm_get32(node) | (uint64_t)get16(node + 4) << 32,
                           depth + 1);
    }
    return r;
}

static int check_tree(struct walk *w, const unsigned char *tree, int is_free)
{
    uint64_t root = lm_get64(tree + 40);
    int r;

    w->is_free = is_free;
    w->depth = get16(tree + 6);
    w->branches = w->leaves = w->documents = w->entries = 0;
    w->key = NULL;
    /* The upper half of the first tree's flags tells how the file was opened. */
    if ((is_free ? get16(tree + 4) & 0xff : get16(tree + 4)) != (is_free ? INTEGER_KEY : 0) ||
        w->depth > MOST_DEPTH || (root == NO_PAGE) != (w->depth == 0))
        return find(w, 0, "describes an impossible tree");
    r = root == NO_PAGE ? 0 : check_page(w, root, 1);
    if (r)
        return r;
    if (w->branches != lm_get64(tree + 8) || w->leaves != lm_get64(tree + 16) ||
        w->documents != lm_get64(tree + 24) || w->entries != lm_get64(tree + 32))
        return find(w, 0, "has wrong numbers of pages or entries");
    return 0;
}

/* The meta page of a transaction.  A writer may be about to replace it, but not before
 * the next commit but one: so copy it and look again. */
static int meta_of(const unsigned char *map, size_t page_size, uint64_t txn, unsigned char *out)
{
    const unsigned char *page = map + (txn & 1) * page_size;

    memcpy(out, page, META_END);
    return lm_get64(out + META_TXN) == txn && lm_get64(page + META_TXN) == txn;
}

static int check_all(struct walk *w, const unsigned char *file, uint64_t size, uint64_t txn)
{
    unsigned char meta[META_END];
    size_t page_size = w->page_size;
    int r;

    w->map = file;
    if (!meta_of(file, page_size, txn, meta) ||
        !lm_meta_ok(meta, sizeof(meta), &page_size, &w->last))
        return find(w, txn & 1, "is damaged");
    w->limit = size / page_size;
    /* The list of pages in use is as long as the file says it is; that has to be about
     * true.  (A file may end before its last page, if that is free.) */
    if (w->last > w->limit + ((uint64_t)1 << 20))
        return find(w, txn & 1, "says that the file is much longer than it is");
    if (w->limit > w->last + 1)
        w->limit = w->last + 1;
    w->used = calloc(1, (size_t)(w->last / 8 + 1));
    if (!w->used)
        return -ENOMEM;
    r = check_tree(w, meta + META_TREES + TREE, 0);
    if (r == 0)
        r = check_tree(w, meta + META_TREES, 1);
    free(w->used);
    return r;
}

int lm_verify(struct berth_state *s, MDB_txn *txn, int (*found)(void *arg, const char *line),
              void *arg)
{
    struct walk w = {.found = found, .arg = arg};
    MDB_stat stat;
    struct stat st;
    void *file;
    int r;

    mdb_env_stat(s->env, &stat);
    w.page_size = stat.ms_psize;
    if (fstat(s->fd, &st) < 0)
        return -errno;
    if (st.st_size < 2 * (off_t)w.page_size)
        return find(&w, 0, "the file is cut off");
    file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, s->fd, 0);
    if (file == MAP_FAILED)
        return -errno;
    r = check_all(&w, file, (uint64_t)st.st_size, mdb_txn_id(txn));
    munmap(file, (size_t)st.st_size);
    return r;
}

/* ------------------------------------------------------------- first entry */

/* The newer of the two meta pages. */
static int newest_meta(int fd, unsigned char *out, size_t *page_size)
{
    unsigned char other[META_END];
    uint64_t last;

    *page_size = 0;
    if (pread(fd, out, META_END, 0) != META_END ||
        !lm_meta_ok(out, META_END, page_size, &last) ||
        pread(fd, other, META_END, (off_t)*page_size) != META_END ||
        !lm_meta_ok(other, META_END, page_size, &last))
        return -EUCLEAN;
    if (lm_get64(other + META_TXN) > lm_get64(out + META_TXN))
        memcpy(out, other, META_END);
    return 0;
}

static int copy_entry(struct walk *w, const unsigned char *node, unsigned char *key,
                      size_t *len, unsigned char *value, size_t *value_len)
{
    size_t key_len = get16(node + 6), data_len = lm_get32(node);

    if (get16(node + 4) || data_len > (size_t)(w->map + w->page_size - node - NODE) - key_len)
        data_len = 0;
    *len = key_len < *len ? key_len : *len;
    memcpy(key, node + NODE, *len);
    *value_len = data_len < *value_len ? data_len : *value_len;
    memcpy(value, node + NODE + key_len, *value_len);
    return 1;
}

static int no_report(void *arg, const char *line)
{
    (void)arg, (void)line;
    return 1;
}

int lm_first_entry(int fd, unsigned char *key, size_t *len, unsigned char *value,
                   size_t *value_len)
{
    unsigned char meta[META_END], *page;
    struct walk w = {.found = no_report};
    const unsigned char *node;
    unsigned depth;
    uint64_t at;
    int r = newest_meta(fd, meta, &w.page_size);

    if (r < 0)
        return r;
    at = lm_get64(meta + META_TREES + TREE + 40);
    depth = get16(meta + META_TREES + TREE + 6);
    if (at == NO_PAGE)
        return 0;
    page = malloc(w.page_size);
    if (!page)
        return -ENOMEM;
    w.map = page;
    for (r = -EUCLEAN; depth > 0 && depth <= MOST_DEPTH && at < (uint64_t)1 << 40; depth--) {
        if (pread(fd, page, w.page_size, (off_t)(at * w.page_size)) != (ssize_t)w.page_size ||
            get16(page + 10) != (depth == 1 ? LEAF : BRANCH) || get16(page + 12) < HEADER + 2 ||
            check_node(&w, 0, 0, &node))
            break;
        if (depth == 1)
            r = copy_entry(&w, node, key, len, value, value_len);
        else
            at = (uint64_t)lm_get32(node) | (uint64_t)get16(node + 4) << 32;
    }
    free(page);
    return r;
}
