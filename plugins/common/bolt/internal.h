/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the bolt library share; see bolt.h for the public side. */
#ifndef BERTH_BOLT_INTERNAL_H
#define BERTH_BOLT_INTERNAL_H

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "bolt.h"

#define MAGIC          0xED0CDAEDu
#define FORMAT_VERSION 2u
#define HEADER_SIZE    16u /* of a page */
#define ELEMENT_SIZE   16u /* of a leaf or branch page's table */
#define BUCKET_SIZE    16u /* header of a bucket's value */
#define META_SIZE      64u

#define PAGE_BRANCH   0x01u
#define PAGE_LEAF     0x02u
#define PAGE_META     0x04u
#define PAGE_FREELIST 0x10u

#define FLAG_BUCKET 1u /* of a leaf element */

#define NO_FREELIST   UINT64_MAX
#define PAGE_SIZE_MIN 512u
#define PAGE_SIZE_MAX 65536u
#define NODE_MIN_KEEP 2u /* elements that each half of a split has at least */

struct node;

/* An element of a leaf or branch, in memory. */
struct item {
    uint32_t flags;
    uint32_t klen;
    uint32_t vlen;
    const uint8_t *key;
    const uint8_t *value; /* leaf */
    uint64_t page;        /* branch: the child */
    struct node *child;   /* branch: the child in memory, once somebody changes below it */
};

/* A page that is being changed.  Only the way from the root to a changed leaf is in
 * memory; the other pages stay where they are. */
struct node {
    struct node *next;   /* of all nodes of the transaction */
    struct node *parent; /* NULL: root; not kept up to date once the commit has begun */
    uint64_t page;       /* where it was read from; 0: nowhere */
    uint32_t pages;      /* of that run */
    bool leaf;
    bool dirty;  /* it or something below it was changed */
    bool shrunk; /* something was deleted: look whether it should be merged */
    uint32_t n, cap;
    struct item *items;
};

struct bolt_bucket {
    struct bolt_tx *tx;
    struct bolt_bucket *parent;
    struct bolt_bytes name;
    uint64_t root_page; /* 0: inline */
    uint64_t sequence;
    struct bolt_page top; /* of its tree in the file, once it was looked at */
    struct node *root;    /* once something changed */
    bool dirty;
    bool dropped;
    unsigned level;              /* of nesting; 0: the root bucket */
    struct bolt_bucket **opened; /* child buckets by name, if the transaction writes */
    size_t n_opened, cap_opened;
};

/* Sets of page numbers. */
struct bitmap {
    uint64_t *words;
    uint64_t n_words;
    uint64_t count; /* of bits set */
};

struct meta {
    uint32_t page_size;
    uint32_t flags;
    uint64_t root, sequence, freelist, hwm, txid, checksum;
};

struct dirty_page {
    uint64_t id;
    uint64_t pages;
    uint8_t *data;
};

struct bolt_tx {
    struct bolt *db;
    int fd;
    bool write;
    bool empty;   /* a file of length 0, only read */
    bool changed; /* there is something to commit */
    bool broken;  /* half done, or the file is damaged: only rollback is left */
    uint64_t file_size;
    uint8_t *map; /* of the first map_len bytes: db's, or BOLT_COPY */
    size_t map_len;
    struct bitmap loaded; /* BOLT_COPY: the pages that were read into map */
    struct meta meta;
    uint32_t meta_page; /* where it came from */
    uint32_t page_size;
    struct bolt_bucket root;
    struct chunk *chunks; /* memory that lives as long as the transaction */
    struct node *nodes;
    struct bitmap free;        /* may be allocated */
    uint64_t no_run_below[16]; /* there is no free run of that many pages below this one */
    struct bitmap pending;     /* freed by this transaction: the state before needs them */
    struct dirty_page *dirty;
    size_t n_dirty, cap_dirty;
};

struct bolt {
    char *path;
    unsigned flags;
    struct bolt_tx *tx;
    int (*wait_fn)(void *arg);
    void *wait_arg;
    struct bolt_stats stats;
    bool was_there;                    /* the file was opened before */
    uint64_t checked_dev, checked_ino; /* the file that was checked before writing */
    uint8_t *map;                      /* what transactions look at; NULL: none yet */
    size_t map_len;                    /* may reach past the end of the file */
    uint64_t map_dev, map_ino;         /* of what */
    struct chunk *kept;                /* memory of the transactions before */
    unsigned n_kept;
    char error[1024];
};

/* Numbers in the file are little-endian and need not be aligned. */
static inline uint16_t get16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void put16(uint8_t *p, uint16_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline void put64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline int compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
    size_t n = a_len < b_len ? a_len : b_len;
    int r;

    if (n >= 8) { /* what differs mostly does so here, and a call is spared */
        uint64_t x = get64(a), y = get64(b);

        if (x != y)
            return be64toh(x) < be64toh(y) ? -1 : 1;
    }
    r = n ? memcmp(a, b, n) : 0;
    if (r)
        return r;
    return a_len < b_len ? -1 : a_len > b_len;
}

/* file.c: opening, locking, meta pages */

/* BOLT_COPY: page_bytes(). */
const uint8_t *page_copied(struct bolt_tx *tx, uint64_t id, uint64_t pages);

/* Describe a failure; gives -code. */
int bolt_fail_(struct bolt *db, int code, const char *fmt, ...)
    __attribute__((__format__(__printf__, 3, 4)));
/* Open, lock and map the file for tx, and choose its meta. */
int file_open(struct bolt_tx *tx, uint64_t deadline);
/* Undo file_open(); `unlock`: release the lock explicitly. */
void file_close(struct bolt_tx *tx, bool unlock);
/* Let go of the map that transactions left. */
void file_unmap(struct bolt *db);
/* Checksum of a meta page's record (which begins at `record`). */
uint64_t meta_checksum(const uint8_t *record);
void meta_encode(const struct meta *m, uint64_t page, uint8_t *out);

/* tx.c: memory and writing */
void *tx_alloc(struct bolt_tx *tx, size_t len); /* until the transaction ends */
void *tx_copy(struct bolt_tx *tx, const void *data, size_t len);
/* Pages that the commit is to write; data (malloc, pages * page_size) becomes tx's. */
int tx_add_dirty(struct bolt_tx *tx, uint64_t id, uint64_t pages, uint8_t *data);
/* 0, or the reason why tx may not be written to. */
int tx_writable(struct bolt_tx *tx);
/* Gives r, the result of a change; if it failed halfway, tx can only be rolled back. */
int tx_changed(struct bolt_tx *tx, int r);

/* page.c: pages as they are in the file */

/* Damage in a tree page of b: nothing will be written any more.  Gives -EUCLEAN. */
int page_damaged(const struct bolt_bucket *b, uint64_t id, const char *fmt, ...)
    __attribute__((__format__(__printf__, 3, 4)));
/* Make bytes of the file accessible; they are all below the high water mark.  NULL: they
 * cannot be read, the error is set. */
static inline const uint8_t *page_bytes(struct bolt_tx *tx, uint64_t id, uint64_t pages)
{
    if (tx->db->flags & BOLT_COPY)
        return page_copied(tx, id, pages);
    return tx->map + (size_t)(id * tx->page_size);
}
/* Look at a tree page; checks what its header says. */
int page_open(struct bolt_bucket *b, uint64_t id, struct bolt_page *out);
/* The same for the page inside the value of an inline bucket. */
int page_open_inline(struct bolt_bucket *b, const uint8_t *at, size_t room,
                     struct bolt_page *out);
/* Look at a node in the same way. */
void page_of_node(const struct node *n, struct bolt_page *out);
/* Element i of a page or node, checked. */
int page_item(const struct bolt_bucket *b, const struct bolt_page *p, uint32_t i,
              struct item *out);
/* The page or node below element i of a branch. */
int page_child(struct bolt_bucket *b, const struct bolt_page *p, uint32_t i,
               struct bolt_page *out);
/* Have the processor fetch the page that element i leads to, a child or the root of a bucket;
 * and the keys in that page.  Nothing happens where there is none. */
void page_ahead(const struct bolt_bucket *b, const struct bolt_page *p, uint32_t i);
void page_ahead_keys(const struct bolt_bucket *b, const struct bolt_page *p, uint32_t i);
/* First element whose key is not less; *exact: it is equal. */
int page_search(const struct bolt_bucket *b, const struct bolt_page *p, const void *key,
                size_t len, uint32_t *index, bool *exact);
/* The element of a leaf that has this key: 1; 0: there is none. */
int page_find(const struct bolt_bucket *b, const struct bolt_page *p, const void *key,
              size_t len, struct item *out);
/* Branch: the page or node below which the key must be, and the element that leads there. */
int page_below(struct bolt_bucket *b, const struct bolt_page *p, const void *key, size_t len,
               uint32_t *index, struct bolt_page *out);
/* The top of b's tree. */
int page_root(struct bolt_bucket *b, struct bolt_page *out);

/* freelist.c */
int bitmap_grow(struct bitmap *m, uint64_t n_bits);
void bitmap_free(struct bitmap *m);
bool bitmap_has(const struct bitmap *m, uint64_t bit);
bool bitmap_set(struct bitmap *m, uint64_t bit); /* false: it was set already */
void bitmap_clear(struct bitmap *m, uint64_t bit);
/* Read the freelist of the file into tx->free.  -EUCLEAN with the error set. */
int freelist_load(struct bolt_tx *tx);
/* One past the pages of the freelist's run, or 0 if its page makes no sense. */
uint64_t freelist_end(struct bolt_tx *tx);
/* Give a run back; it becomes pending. */
int freelist_release(struct bolt_tx *tx, uint64_t id, uint64_t pages);
/* A run of pages that nothing uses. */
int freelist_take(struct bolt_tx *tx, uint64_t pages, uint64_t *id);
/* Queue the new freelist for writing and set meta.freelist. */
int freelist_store(struct bolt_tx *tx);

/* node.c: pages in memory, and their way back into the file */
int node_root(struct bolt_bucket *b, struct node **out);
/* The leaf for a key, with all nodes on the way in memory. */
int node_descend(struct bolt_bucket *b, const void *key, size_t len, struct node **leaf,
                 uint32_t *index, bool *exact);
/* Insert (or replace, if it is there) and remove; key and value must outlive tx. */
int node_set(struct bolt_bucket *b, const void *key, uint32_t klen, const void *value,
             uint32_t vlen, uint32_t flags);
int node_unset(struct bolt_bucket *b, struct node *leaf, uint32_t index);
/* Bytes that items [from, to) need in a page, header included. */
uint64_t node_size(const struct node *n, uint32_t from, uint32_t to);
/* Encode items [from, to) as a page into out (zeroed, node_size() bytes or more). */
void node_encode(const struct node *n, uint32_t from, uint32_t to, uint64_t id,
                 uint32_t overflow, uint8_t *out);
struct node *node_new(struct bolt_tx *tx, bool leaf, uint32_t cap);
int node_load(struct bolt_bucket *b, const struct bolt_page *p, struct node **out);
int node_child(struct bolt_bucket *b, struct node *n, uint32_t i, struct node **out);
int node_insert(struct node *n, uint32_t at, const struct item *it);
void node_remove(struct node *n, uint32_t at);

/* spill.c: rebalance and write out the changed trees */

/* Everything changed in b and the buckets in it; afterwards b->root_page is right. */
int spill_bucket(struct bolt_bucket *b);

/* bucket.c */

/* Read the header in a bucket's value into b. */
int bucket_parse(struct bolt_bucket *b, const uint8_t *value, size_t len);

/* check.c */

/* Walk all trees.  `seen` gets all pages that are reachable, metas and freelist left
 * out.  Stops at the first finding if fn is NULL; gives their number. */
int64_t check_trees(struct bolt_tx *tx, struct bitmap *seen, bolt_report_fn *fn, void *arg);

#endif
