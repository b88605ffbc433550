/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LMDB store from the inside.
 *
 * One file, <static_dir>/berth.lmdb (of a transient engine <tmp_dir>/berth.lmdb), and
 * beside it LMDB's lock file, berth.lmdb-lock, which holds nothing that has to last.
 * All entries are in the one unnamed tree: a transaction then writes the leaves that it
 * changed and one path to them, and opening needs no look-up of trees.
 *
 * Format, version 1.  A key is one byte that says what it is, then strings that each
 * end with a NUL byte; so keys order by their strings, bytewise, and a reader can lend
 * out the strings where they lie.  Numbers in values are little-endian.
 *
 *   key                      value
 *   01 "berth" NUL           32 bits: version of this format
 *   02                       identity: 8 bits which strings follow (bit 0: os, ... bit 6:
 *                            volume_path), those strings with NUL
 *   1k id NUL 01             attributes of a record of kind k: 32 bits status, 32 bits
 *                            exit code, 8 bits which strings follow (bit 0: name, ns,
 *                            pod, netns, infra, storage_id), those strings with NUL
 *   1k id NUL 02             its configuration
 *   1k id NUL 03             its state; no entry: it has none
 *   2k name NUL              id NUL, of containers and pods
 *   30 pod NUL id NUL        -  (containers of a pod)
 *   31 storage NUL id NUL    -  (volumes of a storage container)
 *   4k from NUL to NUL       link of kind k; of a network 01 and its options, else -
 *   5k to NUL from NUL       -  (the same link by its other end)
 *   60 id NUL                exit code: 32 bits code, 64 bits date in ns
 *
 * A record's entries are neighbours: what is read or changed together is in one leaf,
 * except for documents of about half a page and more, which have pages of their own.
 *
 * Locks.  LMDB's own lock has no deadline, so writers first take a lock of open file
 * descriptions on one byte of the data file, far behind its end.  Readers need none,
 * unless the place is READONLY: then the lock file is left alone too, and a reader
 * keeps writers out, with a shared lock on that byte, as long as its transaction lasts.
 *
 * Trust.  LMDB follows what is in the pages without looking.  Before the first use after
 * a boot all tree pages are therefore checked (verify.c), and <tmp_dir>/berth.lmdb-checked
 * says up to which transaction that was done; from there on the file has been written by
 * LMDB alone.
 */
#ifndef BERTH_LMDB_STORE_H
#define BERTH_LMDB_STORE_H

#include <berth/state.h>
#include <lmdb.h>
#include <pthread.h>
#include <string.h>
#include <sys/types.h>

#define LM_VERSION    1
#define LM_FORMAT_KEY "\001berth" /* with its NUL */

enum {
    LM_FORMAT = 0x01,
    LM_IDENTITY = 0x02,
    LM_RECORD = 0x10, /* + kind */
    LM_NAME = 0x20,   /* + kind */
    LM_MEMBER = 0x30,
    LM_STORAGE = 0x31,
    LM_FROM = 0x40, /* + kind of link */
    LM_TO = 0x50,   /* + kind of link */
    LM_EXIT = 0x60,
};

enum { LM_ATTRS = 1, LM_CONFIG = 2, LM_STATE = 3 }; /* parts of a record */

struct lm_key {
    size_t len;
    unsigned char bytes[512];
};

struct berth_state {
    const struct berth_host *h;
    MDB_env *env;
    MDB_dbi dbi;
    char *path;
    char *stamp; /* path of the note that the pages were checked; NULL: none is kept */
    int readonly, transient;
    size_t map_size;
    dev_t dev;
    ino_t ino;
    off_t least_size; /* the file does not shrink */
    int fd;           /* the environment's own */

    pthread_mutex_t mutex; /* guards what follows */
    int writing;           /* a thread of ours has or waits for the writers' lock */
    unsigned readers;      /* transactions that read */
    MDB_txn *spare;        /* one that is reset, to be used again */
    struct berth_state *next_open;
};

struct berth_txn {
    struct berth_state *s;
    uint32_t flags;
    int broken; /* half of an operation is done, or LMDB gave up */
    int lent;   /* pointers into pages were handed out */
    MDB_txn *txn;
    MDB_cursor *cursor; /* of all lm_get() of a transaction that reads; NULL: none yet */
};

/* env.c */

/* Where the store is; to be freed.  NULL: no memory. */
char *lm_path(const struct berth_host *h, const struct berth_place *place,
              const struct berth_config *cfg);

/* What is at s->path, by its first bytes: 1 an LMDB file, 0 nothing or an empty file,
 * -EEXIST something else, -ENOTSUP LMDB of another version or machine. */
int lm_header(struct berth_state *s, struct berth_error *err);

/* Whose LMDB file is it?  As probe(), without opening it as one. */
int lm_peek(struct berth_state *s, struct berth_error *err);

/* Open the environment; s->env is NULL on failure. */
int lm_env_open(struct berth_state *s, struct berth_error *err);

/* The file is still where and what it was.  0, -ESTALE, -EUCLEAN. */
int lm_still_there(struct berth_state *s, struct berth_error *err);

/* Check the pages unless that was done since the boot. */
int lm_trust(struct berth_state *s, MDB_txn *txn, struct berth_error *err);

/* Take or leave the lock between processes: 0, or -EAGAIN when another has it. */
int lm_file_lock(struct berth_state *s, int type);

/* The store is open no more in this process. */
void lm_leave(struct berth_state *s);

/* txn.c */
int lm_begin(struct berth_state *s, uint32_t flags, berth_deadline deadline,
             struct berth_txn **out, struct berth_error *err);
int lm_commit(struct berth_txn *t, struct berth_error *err);
void lm_rollback(struct berth_txn *t);

/* Is the transaction usable, and one that writes if `write`?  0, -EROFS, -ENOTRECOVERABLE. */
int lm_usable(struct berth_txn *t, int write, struct berth_error *err);

/* A deadline for operations that are given none. */
berth_deadline lm_patience(void);

/* Describe LMDB's failure rc; gives -errno. */
int lm_fail(struct berth_state *s, struct berth_error *err, int rc, const char *what);

/* keys.c.  Those that give int: 0, 1 or -errno, with err set. */

/* Make a key of a tag and up to two strings; NULL ends them.  -ENAMETOOLONG. */
int lm_key(struct berth_txn *t, struct lm_key *key, int tag, const char *a, const char *b,
           struct berth_error *err);

/* The same for a part of a record. */
int lm_part(struct berth_txn *t, struct lm_key *key, uint32_t kind, const char *id, int part,
            struct berth_error *err);

/* 1 and *value (or not, if NULL): it is there; 0: it is not. */
int lm_read(struct berth_txn *t, const struct lm_key *key, MDB_val *value,
            struct berth_error *err);

/* Write or remove an entry; a failure breaks the transaction.  Removing what is not
 * there is no failure. */
int lm_write(struct berth_txn *t, const struct lm_key *key, const void *data, size_t len,
             struct berth_error *err);
int lm_drop(struct berth_txn *t, const struct lm_key *key, struct berth_error *err);

/* The first entry at or after `key` that begins with its first `prefix` bytes: 1, or 0.
 * Then the ones after it. */
int lm_seek(struct berth_txn *t, MDB_cursor *c, const struct lm_key *key, size_t prefix,
            MDB_val *k, MDB_val *v, struct berth_error *err);
int lm_step(struct berth_txn *t, MDB_cursor *c, const struct lm_key *key, size_t prefix,
            MDB_val *k, MDB_val *v, struct berth_error *err);

/* What those two make of LMDB's answer rc for k. */
int lm_landed(struct berth_txn *t, int rc, const struct lm_key *key, size_t prefix,
              const MDB_val *k, struct berth_error *err);

/* A cursor, to be closed; NULL with err set and *r. */
MDB_cursor *lm_cursor(struct berth_txn *t, int *r, struct berth_error *err);

/* A cursor for one look-up, and its end. */
MDB_cursor *lm_get_cursor(struct berth_txn *t, int *r, struct berth_error *err);
void lm_put_cursor(struct berth_txn *t, MDB_cursor *c);

/* The entry of this key, which is lent too: 1, or 0. */
int lm_find(struct berth_txn *t, MDB_cursor *c, const struct lm_key *key, MDB_val *k,
            MDB_val *v, struct berth_error *err);

/* The strings of a key (b may be NULL if there is one only): 0 or -EUCLEAN. */
int lm_strings(struct berth_txn *t, const MDB_val *key, const char **a, const char **b,
               struct berth_error *err);

/* The ID and the part of a record's key: 0 or -EUCLEAN. */
int lm_split(struct berth_txn *t, const MDB_val *key, const char **id, int *part,
             struct berth_error *err);

/* "This entry is damaged", naming the key. */
int lm_damaged(struct berth_txn *t, const MDB_val *key, struct berth_error *err);

void lm_put32(unsigned char *to, uint32_t v);
void lm_put64(unsigned char *to, uint64_t v);
uint32_t lm_get32(const unsigned char *from);
uint64_t lm_get64(const unsigned char *from);

/* Strings after a mask, as the format has them.  lm_pack() gives the size and writes if
 * `to` is not NULL; lm_unpack() gives 0, or -1 if they are not whole. */
size_t lm_pack(unsigned char *to, const char *const *strings, size_t n);
int lm_unpack(const unsigned char *from, size_t len, const char **strings, size_t n);

/* verify.c */

/* Check all pages that the transaction can reach, up to the first finding: `found` gets
 * a line, and what it returns is returned, or 1 in place of 0.  0: nothing was found.
 * -errno: it could not be done. */
int lm_verify(struct berth_state *s, MDB_txn *txn, int (*found)(void *arg, const char *line),
              void *arg);

/* The first entry of the data in a file that is not open: up to *len bytes of its key and
 * *value_len of its value are copied.  1; 0 there are no entries; -EUCLEAN what is there
 * makes no sense (now: a writer may be at it); -errno. */
int lm_first_entry(int fd, unsigned char *key, size_t *len, unsigned char *value,
                   size_t *value_len);

/* A meta page as this machine's LMDB writes it is at `page` (len bytes): 1; else 0. */
int lm_meta_ok(const unsigned char *page, size_t len, size_t *page_size, uint64_t *last_page);

/* check.c */

/* Links and members that name what is not there; as lm_verify(). */
int lm_dangling(struct berth_txn *t, int (*found)(void *arg, const char *line), void *arg);
int64_t lm_check(struct berth_state *s, int repair, struct berth_list *report,
                 struct berth_error *err);
int lm_backup(struct berth_state *s, int fd, struct berth_error *err);
int lm_files(struct berth_state *s, struct berth_list *paths, struct berth_error *err);

/* records.c, links.c, exits.c: operations of berth/state.h, and what they share. */
const char *lm_kind_name(uint32_t kind);
int lm_is_kind(uint32_t kind);

/* 1: there is such a record; 0: there is none. */
int lm_exists(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err);

/* The kind of record at an end of a link; 0: none. */
uint32_t lm_end_kind(uint32_t link_kind, uint32_t end);

/* Name, ns, pod, netns, infra, storage_id of a record's attributes. */
enum { S_NAME, S_NS, S_POD, S_NETNS, S_INFRA, S_STORAGE, S_COUNT };
struct lm_attrs {
    int32_t status, exit_code;
    const char *s[S_COUNT];
};
int lm_attrs(struct berth_txn *t, const MDB_val *key, const MDB_val *value,
             struct lm_attrs *out, struct berth_error *err);

int lm_get(struct berth_txn *t, uint32_t kind, const char *id, uint64_t want,
           struct berth_record *out, struct berth_error *err);
int lm_resolve(struct berth_txn *t, uint32_t kind, const char *name, uint32_t *out_kind,
               const char **out_id, struct berth_error *err);
int lm_scan(struct berth_txn *t, const struct berth_scan *what, berth_record_fn *fn, void *arg,
            struct berth_error *err);
int lm_insert(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err);
int lm_update(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err);
int lm_remove(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err);
int lm_link(struct berth_txn *t, const struct berth_link *link, struct berth_error *err);
int lm_unlink(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
              struct berth_error *err);
int64_t lm_unlink_all(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                      struct berth_error *err);
int lm_linked(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
              struct berth_link *out, struct berth_error *err);
int lm_links(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
             berth_link_fn *fn, void *arg, struct berth_error *err);
int lm_exit_put(struct berth_txn *t, const struct berth_exit *e, struct berth_error *err);
int lm_exit_get(struct berth_txn *t, const char *id, struct berth_exit *out,
                struct berth_error *err);
int lm_exit_scan(struct berth_txn *t, berth_exit_fn *fn, void *arg, struct berth_error *err);
int64_t lm_exit_prune(struct berth_txn *t, berth_date before, int keep_live,
                      struct berth_error *err);
int lm_config_get(struct berth_txn *t, struct berth_store_config *out, struct berth_error *err);
int lm_config_put(struct berth_txn *t, const struct berth_store_config *in,
                  struct berth_error *err);

#endif
