/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: begin, commit in the order that survives a crash, roll back. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* A file up to this many pages is checked as a whole before a process first writes to
 * it.  Looking at 4096 pages takes a few milliseconds; larger files are checked where
 * they are touched. */
#define CHECK_PAGES 4096u

/* -------------------------------------------------------------------- memory */

/* Small pieces come out of chunks, large ones get a chunk of their own. */
struct chunk {
    struct chunk *next;
    size_t used, size;
    uint64_t data[];
};

#define CHUNK_SIZE  16384u
#define FIRST_CHUNK 2048u /* enough for a look at a few keys */
#ifdef __SANITIZE_ADDRESS__
#define KEPT 0u /* so that use after the end of a transaction is seen */
#else
#define KEPT 64u /* chunks at most that stay for the next transaction */
#endif

/* New memory costs a page fault every 4 KiB, more than what is read into it. */
static struct chunk *new_chunk(struct bolt *db, size_t size)
{
    struct chunk *c = size == CHUNK_SIZE ? db->kept : NULL;

    if (c) {
        db->kept = c->next;
        db->n_kept--;
    } else {
        c = malloc(sizeof *c + size);
    }
    if (c) {
        c->used = 0;
        c->size = size;
    }
    return c;
}

static void free_chunk(struct bolt *db, struct chunk *c)
{
    if (c->size != CHUNK_SIZE || db->n_kept == KEPT) {
        free(c);
        return;
    }
    c->next = db->kept;
    db->kept = c;
    db->n_kept++;
}

void *tx_alloc(struct bolt_tx *tx, size_t len)
{
    struct chunk *c = tx->chunks;
    size_t need = (len + 7) & ~(size_t)7;
    void *p;

    if (need < len)
        return NULL;
    if (!c || c->size - c->used < need) {
        size_t size = need > CHUNK_SIZE / 4         ? need
                      : c || need > FIRST_CHUNK / 4 ? CHUNK_SIZE
                                                    : FIRST_CHUNK;

        c = new_chunk(tx->db, size);
        if (!c)
            return NULL;
        if (size > CHUNK_SIZE / 4 && size != CHUNK_SIZE && tx->chunks) {
            /* Behind the first, which may have room left. */
            c->next = tx->chunks->next;
            tx->chunks->next = c;
        } else {
            c->next = tx->chunks;
            tx->chunks = c;
        }
    }
    p = (uint8_t *)c->data + c->used;
    c->used += need;
    return p;
}

void *bolt_memory(struct bolt_tx *tx, size_t len)
{
    return tx_alloc(tx, len);
}

struct bolt_mark bolt_mark(const struct bolt_tx *tx)
{
    return (struct bolt_mark){tx->chunks, tx->chunks ? tx->chunks->used : 0};
}

void bolt_release(struct bolt_tx *tx, const struct bolt_mark *mark)
{
    if (!tx->write && tx->chunks && tx->chunks == mark->chunk)
        tx->chunks->used = mark->used;
}

void *tx_copy(struct bolt_tx *tx, const void *data, size_t len)
{
    void *p = tx_alloc(tx, len ? len : 1);

    if (p && len)
        memcpy(p, data, len);
    return p;
}

int tx_writable(struct bolt_tx *tx)
{
    if (!tx->write)
        return bolt_fail_(tx->db, EROFS, "the transaction only reads");
    if (tx->broken)
        return bolt_fail_(tx->db, ENOTRECOVERABLE,
                          "an earlier change failed: the transaction can only be undone");
    return 0;
}

int tx_changed(struct bolt_tx *tx, int r)
{
    if (r < 0)
        tx->broken = true;
    return r;
}

/* --------------------------------------------------------------------- begin */

struct bolt *bolt_new(const char *path, unsigned flags)
{
    struct bolt *db = calloc(1, sizeof *db);

    if (!db)
        return NULL;
    db->flags = flags;
    db->path = strdup(path);
    if (!db->path) {
        free(db);
        return NULL;
    }
    return db;
}

void bolt_free(struct bolt *db)
{
    if (!db)
        return;
    bolt_rollback(db->tx);
    file_unmap(db);
    while (db->kept) {
        struct chunk *c = db->kept;
        db->kept = c->next;
        free(c);
    }
    free(db->path);
    free(db);
}

const char *bolt_error(const struct bolt *db)
{
    return db->error;
}

void bolt_on_wait(struct bolt *db, int (*fn)(void *arg), void *arg)
{
    db->wait_fn = fn;
    db->wait_arg = arg;
}

void bolt_stats(const struct bolt *db, struct bolt_stats *out)
{
    *out = db->stats;
}

static void tx_end(struct bolt_tx *tx, bool unlock)
{
    file_close(tx, unlock);
    while (tx->nodes) {
        struct node *n = tx->nodes;
        tx->nodes = n->next;
        free(n->items);
        free(n);
    }
    while (tx->chunks) {
        struct chunk *c = tx->chunks;
        tx->chunks = c->next;
        free_chunk(tx->db, c);
    }
    for (size_t i = 0; i < tx->n_dirty; i++)
        free(tx->dirty[i].data);
    free(tx->dirty);
    bitmap_free(&tx->free);
    bitmap_free(&tx->pending);
    tx->db->tx = NULL;
    free(tx);
}

void bolt_rollback(struct bolt_tx *tx)
{
    if (tx)
        tx_end(tx, true);
}

void bolt_forked(struct bolt *db)
{
    if (!db)
        return;
    if (db->tx)
        tx_end(db->tx, false);
    bolt_free(db);
}

/* All pages that `seen` does not have become free; those of the old freelist, which is
 * not needed, only with the next transaction, as usual. */
static int free_unseen(struct bolt_tx *tx, const struct bitmap *seen)
{
    uint64_t end = freelist_end(tx);

    bitmap_free(&tx->free);
    bitmap_free(&tx->pending);
    if (bitmap_grow(&tx->free, tx->meta.hwm) < 0 || bitmap_grow(&tx->pending, tx->meta.hwm) < 0)
        return bolt_fail_(tx->db, ENOMEM, "out of memory");
    for (uint64_t i = 2; i < tx->meta.hwm; i++) {
        if (bitmap_has(seen, i))
            continue;
        if (i >= tx->meta.freelist && i < end)
            bitmap_set(&tx->pending, i);
        else
            bitmap_set(&tx->free, i);
    }
    tx->meta.freelist = NO_FREELIST; /* its pages are dealt with */
    return 0;
}

/* Every page is either reachable, or free, or holds the freelist. */
static bool freelist_is_right(struct bolt_tx *tx, const struct bitmap *seen)
{
    uint64_t end = freelist_end(tx), id = tx->meta.freelist;
    uint64_t n = seen->n_words < tx->free.n_words ? seen->n_words : tx->free.n_words;

    for (uint64_t i = 0; i < n; i++) {
        if (seen->words[i] & tx->free.words[i])
            return false;
    }
    for (uint64_t i = id; i < end; i++) {
        if (bitmap_has(seen, i))
            return false;
    }
    return seen->count + tx->free.count + (end - id) + 2 == tx->meta.hwm;
}

int bolt_rebuild_freelist(struct bolt_tx *tx)
{
    struct bitmap seen = {0};
    int64_t found;
    int r;

    r = tx_writable(tx);
    if (r < 0)
        return r;
    if (tx->changed || tx->nodes)
        return bolt_fail_(tx->db, EINVAL, "the freelist is rebuilt before changes only");
    found = check_trees(tx, &seen, NULL, NULL);
    r = found < 0 ? (int)found : found ? -EUCLEAN : free_unseen(tx, &seen);
    bitmap_free(&seen);
    if (r < 0)
        tx->broken = true;
    else
        tx->changed = true;
    return r;
}

/*
 * What a transaction that writes must know: which pages are free.  A list that is
 * missing or wrong is made anew from the trees, if these are sound.
 */
static int prepare_write(struct bolt_tx *tx)
{
    struct bolt *db = tx->db;
    struct bitmap seen = {0};
    struct stat st;
    bool rebuild, known;
    int64_t found;
    int r = 0;

    if (tx->meta.txid == UINT64_MAX)
        return bolt_fail_(db, EUCLEAN, "damaged: meta page %u: impossible transaction number",
                          tx->meta_page);
    rebuild = tx->meta.freelist == NO_FREELIST || freelist_load(tx) < 0;
    known = fstat(tx->fd, &st) == 0 && db->checked_ino == (uint64_t)st.st_ino &&
            db->checked_dev == (uint64_t)st.st_dev;
    if (!rebuild && (known || tx->meta.hwm > CHECK_PAGES))
        return 0;
    found = check_trees(tx, &seen, NULL, NULL);
    if (found)
        r = found < 0 ? (int)found : -EUCLEAN;
    else if (rebuild || !freelist_is_right(tx, &seen))
        r = free_unseen(tx, &seen);
    bitmap_free(&seen);
    if (r == 0) {
        db->checked_dev = (uint64_t)st.st_dev;
        db->checked_ino = (uint64_t)st.st_ino;
    }
    return r;
}

int bolt_begin(struct bolt *db, unsigned flags, uint64_t deadline, struct bolt_tx **out)
{
    bool write = flags & BOLT_WRITE;
    struct bolt_tx *tx;
    int r;

    if (write && (db->flags & BOLT_READONLY))
        return bolt_fail_(db, EROFS, "it is only to be read");
    if (db->tx)
        return bolt_fail_(db, EINVAL, "a transaction is open already");
    tx = calloc(1, sizeof *tx);
    if (!tx)
        return bolt_fail_(db, ENOMEM, "out of memory");
    tx->db = db;
    tx->fd = -1;
    tx->write = write;
    db->tx = tx;
    r = file_open(tx, deadline);
    if (r < 0) {
        tx_end(tx, true);
        return r;
    }
    tx->root.tx = tx;
    tx->root.root_page = tx->meta.root;
    tx->root.sequence = tx->meta.sequence;
    if (tx->empty) {
        static const uint8_t no_page[HEADER_SIZE] = {[8] = PAGE_LEAF};

        page_open_inline(&tx->root, no_page, sizeof no_page, &tx->root.top);
        tx->root.root_page = 0;
    }
    if (write) {
        r = prepare_write(tx);
        if (r < 0) {
            tx_end(tx, true);
            return r;
        }
    }
    *out = tx;
    return 0;
}

void bolt_info(const struct bolt_tx *tx, struct bolt_info *out)
{
    *out = (struct bolt_info){.txid = tx->meta.txid,
                              .pages = tx->meta.hwm,
                              .freelist = tx->meta.freelist,
                              .file_size = tx->file_size,
                              .page_size = tx->page_size,
                              .meta = tx->meta_page};
}

/* -------------------------------------------------------------------- commit */

int tx_add_dirty(struct bolt_tx *tx, uint64_t id, uint64_t pages, uint8_t *data)
{
    if (tx->n_dirty == tx->cap_dirty) {
        size_t cap = tx->cap_dirty ? tx->cap_dirty * 2 : 16;
        struct dirty_page *p = realloc(tx->dirty, cap * sizeof *p);

        if (!p) {
            free(data);
            return bolt_fail_(tx->db, ENOMEM, "out of memory");
        }
        tx->dirty = p;
        tx->cap_dirty = cap;
    }
    tx->dirty[tx->n_dirty++] = (struct dirty_page){.id = id, .pages = pages, .data = data};
    return 0;
}

static int fail_write(struct bolt_tx *tx, const char *what)
{
    int code = errno ? errno : ENOSPC;

    return bolt_fail_(tx->db, code, "%s: %s", what, strerror(code));
}

static int write_all(struct bolt_tx *tx, struct iovec *iov, int n, uint64_t offset)
{
    while (n > 0) {
        ssize_t done;

        errno = 0;
        done = pwritev(tx->fd, iov, n, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail_write(tx, "cannot write to it");
        offset += (uint64_t)done;
        while (n > 0 && (size_t)done >= iov->iov_len) {
            done -= (ssize_t)iov->iov_len;
            iov++;
            n--;
        }
        if (n > 0 && done) {
            iov->iov_base = (uint8_t *)iov->iov_base + done;
            iov->iov_len -= (size_t)done;
        }
    }
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct dirty_page *x = a, *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

/* Neighbours go out together. */
static int write_dirty(struct bolt_tx *tx)
{
    struct iovec iov[64];
    size_t i = 0;

    qsort(tx->dirty, tx->n_dirty, sizeof *tx->dirty, by_id);
    while (i < tx->n_dirty) {
        uint64_t first = tx->dirty[i].id, next = first;
        int n = 0, r;

        while (i < tx->n_dirty && tx->dirty[i].id == next && n < 64) {
            iov[n].iov_base = tx->dirty[i].data;
            iov[n].iov_len = (size_t)(tx->dirty[i].pages * tx->page_size);
            next += tx->dirty[i].pages;
            n++;
            i++;
        }
        r = write_all(tx, iov, n, first * tx->page_size);
        if (r < 0)
            return r;
        tx->db->stats.pages_written += next - first;
    }
    return 0;
}

/* All pages below the high water mark must be in the file.  Larger steps save calls. */
static int grow_file(struct bolt_tx *tx)
{
    uint64_t need = tx->meta.hwm * tx->page_size, size = 32768;

    if (need <= tx->file_size)
        return 0;
    if (need <= 16u << 20) {
        while (size < need)
            size *= 2;
    } else {
        size = (need + (16u << 20) - 1) / (16u << 20) * (16u << 20);
    }
    if (ftruncate(tx->fd, (off_t)size) < 0 && ftruncate(tx->fd, (off_t)need) < 0)
        return fail_write(tx, "cannot make it longer");
    return 0;
}

static int sync_data(struct bolt_tx *tx)
{
    if (tx->db->flags & BOLT_NOSYNC)
        return 0;
    tx->db->stats.syncs++;
    while (fdatasync(tx->fd) < 0) {
        if (errno != EINTR)
            return fail_write(tx, "cannot sync it");
    }
    return 0;
}

/*
 * The step that makes it so.  Should it fail, the page is put back, so that other
 * processes go on with the state before.
 */
static int write_meta(struct bolt_tx *tx)
{
    uint64_t page = tx->meta.txid % 2, offset = page * tx->page_size;
    uint8_t *now = calloc(2, tx->page_size), *before = now ? now + tx->page_size : NULL;
    struct iovec iov = {.iov_base = now, .iov_len = tx->page_size};
    bool saved;
    int r;

    if (!now)
        return bolt_fail_(tx->db, ENOMEM, "out of memory");
    saved = pread(tx->fd, before, tx->page_size, (off_t)offset) == (ssize_t)tx->page_size;
    meta_encode(&tx->meta, page, now);
    r = write_all(tx, &iov, 1, offset);
    tx->db->stats.pages_written++;
    if (r == 0)
        r = sync_data(tx);
    if (r < 0 && saved) {
        if (pwrite(tx->fd, before, tx->page_size, (off_t)offset) == (ssize_t)tx->page_size)
            fdatasync(tx->fd);
    }
    free(now);
    return r;
}

static int commit(struct bolt_tx *tx)
{
    uint64_t end;
    int r;

    tx->meta.txid++;
    if (tx->root.dirty) {
        r = spill_bucket(&tx->root);
        if (r < 0)
            return r;
        tx->meta.root = tx->root.root_page;
    }
    if (tx->meta.freelist != NO_FREELIST) {
        end = freelist_end(tx);
        r = freelist_release(tx, tx->meta.freelist, end - tx->meta.freelist);
        if (r < 0)
            return r;
    }
    r = freelist_store(tx);
    if (r == 0)
        r = grow_file(tx);
    if (r == 0)
        r = write_dirty(tx);
    if (r == 0)
        r = sync_data(tx);
    if (r == 0)
        r = write_meta(tx);
    return r;
}

int bolt_commit(struct bolt_tx *tx)
{
    int r = 0;

    if (tx->broken)
        r = tx_writable(tx);
    else if (tx->write && tx->changed)
        r = commit(tx);
    tx_end(tx, true);
    return r;
}
