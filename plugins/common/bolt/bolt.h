/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bolt.h - read and write files in the format of bbolt, Go's embedded database.
 *
 * A file holds a tree of buckets.  A bucket maps keys to values; a value may be a bucket
 * itself.  Keys are bytes, 1 to BOLT_KEY_MAX of them, ordered as unsigned bytes, the
 * shorter first.  Programs written in Go may use the same file at the same time:
 * everybody holds flock(2) on the file while in a transaction, shared to read, exclusive
 * to write, and a commit never overwrites a page that the state before it needs.
 *
 *      struct bolt *db = bolt_new("/some/file.db", BOLT_CREATE);
 *      struct bolt_tx *tx;
 *      struct bolt_bucket *b;
 *
 *      r = bolt_begin(db, BOLT_WRITE, BOLT_FOREVER, &tx);
 *      r = bolt_make(bolt_root(tx), "fruit", 5, &b);
 *      r = bolt_put(b, "apple", 5, "red", 3);
 *      r = bolt_commit(tx);
 *      bolt_free(db);
 *
 * Files are foreign.  Every page number, offset, size and count in them is checked
 * before it is used; damage gives -EUCLEAN and bolt_error() names the bucket and page.
 * Nothing is ever written to a file that was found damaged.
 *
 * Results are 0, another documented value, or -errno.  Besides what each function lists,
 * any may give -ENOMEM, -EIO, -EUCLEAN, and in a writing transaction -ENOTRECOVERABLE:
 * an earlier call failed halfway, only bolt_rollback() is left.  For all failures but
 * -ENOENT, -EEXIST and -EISDIR of single keys and buckets, bolt_error() has the words.
 *
 * Nothing here is thread-safe: one thread at a time per struct bolt.  After fork() the
 * child may only call bolt_forked().
 */
#ifndef BERTH_BOLT_H
#define BERTH_BOLT_H

#include <stddef.h>
#include <stdint.h>

#define BOLT_KEY_MAX   32768u
#define BOLT_VALUE_MAX 2147483646u /* 2^31 - 2 */
#define BOLT_DEPTH_MAX 64          /* of a tree, and of buckets in buckets */

struct bolt;        /* a file, by its path */
struct bolt_tx;     /* a transaction */
struct bolt_bucket; /* a bucket in a transaction: valid until the transaction ends */

struct bolt_bytes {
    const void *data;
    size_t len;
};

/* ------------------------------------------------------------------ the file */

/* bolt_new() */
#define BOLT_CREATE   (1u << 0) /* the first writing transaction makes the file, mode 0600 */
#define BOLT_READONLY (1u << 1) /* open it for reading only; writing gives -EROFS */
#define BOLT_NOSYNC   (1u << 2) /* a commit need not survive a crash of the machine */
#define BOLT_COPY     (1u << 3) /* read page by page instead of mapping, see bolt_begin() */

/* Name a file.  It is not looked at, let alone opened, before the first transaction.  Between
 * transactions it is not held open, only mapped, so that the next one need not fault in again
 * what this one looked at.  `path` is copied.  NULL: no memory. */
struct bolt *bolt_new(const char *path, unsigned flags);

/* Forget it.  No transaction is open.  db may be NULL. */
void bolt_free(struct bolt *db);

/* We are a child made by fork(): release memory and descriptors of db and of an open
 * transaction, but not the parent's lock.  Both are gone afterwards. */
void bolt_forked(struct bolt *db);

/* What the last failure was: one clause that begins with the path.  Valid until the next
 * call that fails. */
const char *bolt_error(const struct bolt *db);

/* Ask `fn` while waiting for the lock; if it gives other than 0, waiting ends with
 * -ECANCELED. */
void bolt_on_wait(struct bolt *db, int (*fn)(void *arg), void *arg);

/* Work done for db so far, in pages and calls: for tests and for the curious. */
struct bolt_stats {
    uint64_t pages_read;    /* tree pages looked at, one per visit */
    uint64_t pages_written; /* including meta pages */
    uint64_t syncs;
};
void bolt_stats(const struct bolt *db, struct bolt_stats *out);

/* -------------------------------------------------------------- transactions */

/* bolt_begin() */
#define BOLT_WRITE (1u << 0)

/* Deadlines are ns of CLOCK_MONOTONIC. */
#define BOLT_NO_WAIT ((uint64_t)0)
#define BOLT_FOREVER ((uint64_t)-1)

/*
 * Begin a transaction: open the file, lock it, pick the newest valid meta page.  There
 * is at most one per db.  A file of length 0 reads as an empty database.
 *
 * The file is mapped read-only, and no byte past the length that it had under the lock
 * is touched.  Programs that respect the lock cannot make it shorter meanwhile; if some
 * other might (the file lies in a directory of someone else), use BOLT_COPY: then pages
 * are read with pread(2), and a file that shrinks gives -EUCLEAN instead of SIGBUS.
 *
 * -ENOENT: no file; -EBUSY (BOLT_NO_WAIT) or -ETIMEDOUT: someone else has it locked;
 * -ECANCELED; -EROFS: BOLT_WRITE of a BOLT_READONLY file; -EACCES and others of open(2).
 */
int bolt_begin(struct bolt *db, unsigned flags, uint64_t deadline, struct bolt_tx **out);

/*
 * Make the changes durable and visible.  tx is gone afterwards whatever the result; on
 * failure the file shows the state before.  Without changes nothing is written.
 * -ENOSPC, -EIO, -EFBIG.
 */
int bolt_commit(struct bolt_tx *tx);

/* Drop the changes.  tx may be NULL. */
void bolt_rollback(struct bolt_tx *tx);

struct bolt_info {
    uint64_t txid;      /* of the state that is seen; 0 for an empty file */
    uint64_t pages;     /* high water mark: pages in use or free */
    uint64_t freelist;  /* its page; all ones: the file has none */
    uint64_t file_size; /* in bytes */
    uint32_t page_size; /* in bytes */
    uint32_t meta;      /* which meta page was taken, 0 or 1 */
};
void bolt_info(const struct bolt_tx *tx, struct bolt_info *out);

/* ------------------------------------------------------------------- buckets */

/* The bucket that holds all others; it cannot fail. */
struct bolt_bucket *bolt_root(struct bolt_tx *tx);

/* Open a bucket inside another.  -ENOENT: none of that name, or it is a plain value. */
int bolt_open(struct bolt_bucket *parent, const void *name, size_t len,
              struct bolt_bucket **out);

/* Make an empty one; out may be NULL.  -EEXIST: there is a bucket or (then *out is left
 * alone) a plain value; -EINVAL: the name is empty or too long. */
int bolt_make(struct bolt_bucket *parent, const void *name, size_t len,
              struct bolt_bucket **out);

/* Remove one with all it holds.  Handles of it and of what was in it must not be used
 * any more.  -ENOENT. */
int bolt_drop(struct bolt_bucket *parent, const void *name, size_t len);

/* The counter that every bucket has. */
uint64_t bolt_sequence(const struct bolt_bucket *b);

/* 1: the bucket's content is stored inside its parent's page. */
int bolt_is_inline(const struct bolt_bucket *b);

/*
 * Keys and values.  What these hand out points into the file or the transaction and is
 * valid until the next call that writes in the transaction, or its end.
 */

/* Look a key up: touches one page per level of the tree.  -ENOENT; -EISDIR: the value is
 * a bucket. */
int bolt_get(struct bolt_bucket *b, const void *key, size_t len, struct bolt_bytes *value);

/* Set a key.  The bytes are copied.  Setting the value it has already changes nothing.
 * -EISDIR: the value is a bucket; -EINVAL: key empty or too long, or value too long. */
int bolt_put(struct bolt_bucket *b, const void *key, size_t len, const void *value,
             size_t value_len);

/* Remove a key.  -ENOENT: it is not there; -EISDIR: the value is a bucket. */
int bolt_delete(struct bolt_bucket *b, const void *key, size_t len);

/* Memory that lives as long as the transaction, aligned for anything; NULL: none left. */
void *bolt_memory(struct bolt_tx *tx, size_t len);

/*
 * Give back what was used since a mark, handles of buckets too; nothing of it may be used any
 * more.  Cheap, and does nothing where it would be difficult: in a transaction that writes, or
 * when much was used.
 */
struct bolt_mark {
    const void *chunk;
    size_t used;
};
struct bolt_mark bolt_mark(const struct bolt_tx *tx);
void bolt_release(struct bolt_tx *tx, const struct bolt_mark *mark);

/* ------------------------------------------------------------------- cursors */

/* One page or node on the way down from the root of a bucket's tree. */
struct bolt_page {
    const uint8_t *at; /* NULL: it is a node in memory */
    const void *node;
    uint64_t id; /* 0: inside an inline bucket */
    size_t room; /* bytes from `at` that belong to it, overflow pages included */
    uint32_t pages;
    uint32_t count;
    uint32_t leaf;
};

/*
 * A place in a bucket.  It lives wherever the caller puts it and holds no resources.
 * Calls that give 1 have set key, value and is_bucket; 0: there is no such element.
 * After another result than 1, and after a call that writes in the transaction, begin
 * anew with bolt_seek(), bolt_first() or bolt_last().
 */
struct bolt_cursor {
    struct bolt_bytes key;
    struct bolt_bytes value; /* of a bucket: its header and inline page */
    int is_bucket;

    /* private */
    struct bolt_bucket *bucket;
    uint32_t depth;
    uint32_t index[BOLT_DEPTH_MAX];
    struct bolt_page path[BOLT_DEPTH_MAX];
};

int bolt_first(struct bolt_cursor *c, struct bolt_bucket *b);
int bolt_last(struct bolt_cursor *c, struct bolt_bucket *b);

/* The first key that is not less than the one given. */
int bolt_seek(struct bolt_cursor *c, struct bolt_bucket *b, const void *key, size_t len);

/* Open the bucket where the cursor stands, without another look-up.  -ENOENT: it is a plain
 * value. */
int bolt_open_at(struct bolt_cursor *c, struct bolt_bucket **out);

int bolt_next(struct bolt_cursor *c);
int bolt_prev(struct bolt_cursor *c);

/* -------------------------------------------------------------------- upkeep */

/* One finding, one clause without the path.  Other than 0 ends the check with it. */
typedef int bolt_report_fn(void *arg, const char *text);

/*
 * Look at everything: pages reachable twice, never or freed; numbers out of range; order
 * and sizes of keys; keys of branches against their children; inline buckets; cycles;
 * the freelist.  fn may be NULL.  Gives the number of findings.  Costs the whole file.
 * For reading transactions: a writing one has looked already, and gives -EINVAL.
 */
int64_t bolt_check(struct bolt_tx *tx, bolt_report_fn *fn, void *arg);

/* Forget the freelist of the file and find the free pages by walking the trees; the
 * commit writes it.  This mends lost and twice-listed pages and loses nothing.  Before
 * the first change only, else -EINVAL.  -EUCLEAN: the trees themselves are damaged.
 * (A writing transaction does so by itself if it cannot use the list that is there.) */
int bolt_rebuild_freelist(struct bolt_tx *tx);

/* Write the state that the transaction began with, as a complete file, to fd (from its
 * present offset on).  An empty file gives no bytes. */
int bolt_copy(struct bolt_tx *tx, int fd);

/* Does the file look like one of this format?  Reads its first pages without a lock.
 * 1: it has a valid meta page, 0: it has none, 2: it is empty, 3: it is of another
 * version; -ENOENT and others of open(2).  Only looks. */
int bolt_probe(const char *path);

#endif
