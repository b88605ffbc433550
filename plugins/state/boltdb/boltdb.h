/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boltdb.h - what the files of the boltdb plugin share.
 *
 * The store is podman's: bolt_state.db with the buckets that podman 4.3 and 5 make.
 * Other programs change it too, so anything may be missing, and what this plugin does not
 * know is left as it is.
 */
#ifndef BERTH_STATE_BOLTDB_H
#define BERTH_STATE_BOLTDB_H

#include <berth/state.h>
#include <stdbool.h>
#include <string.h>

#include "plugins/common/bolt/bolt.h"

/* The buckets that every such file has. */
enum top {
    ID_REGISTRY,   /* ID -> name, containers and pods */
    NAME_REGISTRY, /* name -> ID, containers and pods */
    NS_REGISTRY,   /* ID -> namespace */
    CTR,           /* ID -> bucket */
    ALL_CTRS,      /* ID -> name */
    POD,           /* ID -> bucket */
    ALL_PODS,      /* ID -> name */
    VOL,           /* name -> bucket */
    ALL_VOLUMES,   /* name -> name */
    EXEC,          /* session -> container */
    RUNTIME_CONFIG,
    EXIT_CODE,
    EXIT_CODE_TIME,
    VOLUME_CTRS, /* storage container -> volume */
    TOP_COUNT,
};
extern const char *const boltdb_top_names[TOP_COUNT];

struct berth_state {
    const struct berth_host *host;
    struct bolt *db;
    char *path;
    bool readonly;
    struct berth_txn *txn; /* the open one */
};

/* A record that something in a BULK transaction refers to and that must be there at its
 * end.  Until then its bucket may be a shell that holds only the references. */
struct awaited {
    struct awaited *next;
    uint32_t kind;
    bool shell; /* there is a bucket for it, but no record yet */
    const char *id;
};

struct berth_txn {
    struct berth_state *s;
    struct bolt_tx *tx;
    uint32_t flags;
    struct bolt_bucket *top[TOP_COUNT]; /* those that were opened */
    unsigned n_top;                     /* how many */
    struct awaited *awaited;
};

/* ------------------------------------------------- access to buckets (access.c) */

/* Memory of the transaction: what was used since a mark is given back, if the transaction
 * itself has nothing in it.  unused(): there is none. */
struct boltdb_mark {
    struct bolt_mark memory;
    unsigned n_top;
};
struct boltdb_mark boltdb_mark(const struct berth_txn *t);
bool boltdb_unused(const struct berth_txn *t, const struct boltdb_mark *mark);
void boltdb_release(struct berth_txn *t, const struct boltdb_mark *mark);

/* Pass on a failure r (-errno) of the bolt library. */
int boltdb_fail(struct berth_txn *t, struct berth_error *err, int r);

/* Begin, commit and roll back a transaction of the library on the store. */
int boltdb_begin(struct berth_state *s, uint32_t flags, berth_deadline deadline,
                 struct berth_txn **out, struct berth_error *err);
int boltdb_commit(struct berth_txn *t, struct berth_error *err);
void boltdb_rollback(struct berth_txn *t);

/* 0, or -EROFS in a transaction that only reads. */
int boltdb_may_write(struct berth_txn *t, struct berth_error *err);

/* In all that follow a bucket may be NULL: it is not there and holds nothing.  Results
 * are 1: found, 0: not there, -errno. */

/* One of the buckets above; NULL if the file lacks it. */
int boltdb_top(struct berth_txn *t, enum top which, struct bolt_bucket **out,
               struct berth_error *err);
int boltdb_sub(struct berth_txn *t, struct bolt_bucket *b, const char *name,
               struct bolt_bucket **out, struct berth_error *err);
int boltdb_get(struct berth_txn *t, struct bolt_bucket *b, const char *key,
               struct bolt_bytes *value, struct berth_error *err);

/* A value as a string that lives as long as the transaction. */
int boltdb_get_string(struct berth_txn *t, struct bolt_bucket *b, const char *key,
                      const char **out, struct berth_error *err);
int boltdb_string(struct berth_txn *t, const struct bolt_bytes *bytes, const char **out,
                  struct berth_error *err);

/* Change; 0 or -errno.  Removing what is not there is no failure, and gives 0. */
int boltdb_put(struct berth_txn *t, struct bolt_bucket *b, const char *key, const void *value,
               size_t len, struct berth_error *err);
int boltdb_put_string(struct berth_txn *t, struct bolt_bucket *b, const char *key,
                      const char *value, struct berth_error *err);
int boltdb_del(struct berth_txn *t, struct bolt_bucket *b, const char *key,
               struct berth_error *err);
int boltdb_drop(struct berth_txn *t, struct bolt_bucket *b, const char *name,
                struct berth_error *err);
/* Open a bucket, make it if it is not there. */
int boltdb_make(struct berth_txn *t, struct bolt_bucket *b, const char *name,
                struct bolt_bucket **out, struct berth_error *err);

/* ----------------------------------------------------------- records (records.c) */

/* What the three kinds keep where. */
struct kind_layout {
    const char *word;    /* "container" */
    enum top buckets;    /* ID -> bucket */
    enum top index;      /* ID -> name */
    const char *members; /* the bucket of what refers to the record */
};
const struct kind_layout *boltdb_kind(uint32_t kind); /* NULL: there is no such kind */

/* The bucket of a record.  1; 0: there is none, or only a shell; -errno. */
int boltdb_record(struct berth_txn *t, uint32_t kind, const char *id, struct bolt_bucket **out,
                  struct berth_error *err);

/* The bucket of a record that is about to be referred to; in a BULK transaction it may be
 * made, to be filled later.  -ENOENT. */
int boltdb_refer(struct berth_txn *t, uint32_t kind, const char *id, struct bolt_bucket **out,
                 struct berth_error *err);
/* The same without the bucket. */
int boltdb_await(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err);
/* At the end of a BULK transaction: is everything there that was referred to? */
int boltdb_all_there(struct berth_txn *t, struct berth_error *err);

int boltdb_name(struct berth_txn *t, uint32_t kind, const char *id, const char **name,
                struct berth_error *err);
/* 1: something in b refers to a container that is there; *who is its ID. */
int boltdb_referred(struct berth_txn *t, struct bolt_bucket *b, const char **who,
                    struct berth_error *err);

/* Operations: see berth/state.h. */
int boltdb_op_get(struct berth_txn *t, uint32_t kind, const char *id, uint64_t want,
                  struct berth_record *out, struct berth_error *err);
int boltdb_op_resolve(struct berth_txn *t, uint32_t kind, const char *name, uint32_t *out_kind,
                      const char **out_id, struct berth_error *err);
int boltdb_op_scan(struct berth_txn *t, const struct berth_scan *what, berth_record_fn *fn,
                   void *arg, struct berth_error *err);
int boltdb_op_insert(struct berth_txn *t, const struct berth_record *rec,
                     struct berth_error *err);
int boltdb_op_update(struct berth_txn *t, const struct berth_record *rec,
                     struct berth_error *err);
int boltdb_op_remove(struct berth_txn *t, uint32_t kind, const char *id,
                     struct berth_error *err);

/* --------------------------------------------------------------- links (links.c) */

int boltdb_op_link(struct berth_txn *t, const struct berth_link *link, struct berth_error *err);
int boltdb_op_unlink(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                     struct berth_error *err);
int64_t boltdb_op_unlink_all(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                             struct berth_error *err);
int boltdb_op_linked(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                     struct berth_link *out, struct berth_error *err);
int boltdb_op_links(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                    berth_link_fn *fn, void *arg, struct berth_error *err);

/* --------------------------------------------- exit codes and identity (exits.c) */

int boltdb_op_exit_put(struct berth_txn *t, const struct berth_exit *e,
                       struct berth_error *err);
int boltdb_op_exit_get(struct berth_txn *t, const char *id, struct berth_exit *out,
                       struct berth_error *err);
int boltdb_op_exit_scan(struct berth_txn *t, berth_exit_fn *fn, void *arg,
                        struct berth_error *err);
int64_t boltdb_op_exit_prune(struct berth_txn *t, berth_date before, int keep_live,
                             struct berth_error *err);
int boltdb_op_config_get(struct berth_txn *t, struct berth_store_config *out,
                         struct berth_error *err);
int boltdb_op_config_put(struct berth_txn *t, const struct berth_store_config *in,
                         struct berth_error *err);

/* --------------------------------------------------------------- upkeep (check.c) */

int64_t boltdb_op_check(struct berth_state *s, int repair, struct berth_list *report,
                        struct berth_error *err);
int boltdb_op_backup(struct berth_state *s, int fd, struct berth_error *err);

/* ------------------------------------------- attributes out of documents (peek.c) */

/*
 * Of the attributes of a record, the format has three in the state document only.  This
 * looks for members of the outermost object, by their names in any case, each the last if
 * there are several; as far as the document is sound JSON.
 */
struct boltdb_member {
    const char *name;
    struct bolt_bytes value; /* in the document; empty: it is not there */
};
void boltdb_peek(const void *json, size_t len, struct boltdb_member *members, size_t n);
/* 1 and *out, or 0: it is not of that type.  A string lies in the document; one with escapes
 * is not taken. */
int boltdb_peek_int(const struct boltdb_member *m, int64_t *out);
int boltdb_peek_string(const struct boltdb_member *m, struct bolt_bytes *out);

/* RFC 3339 and back; text takes 40 bytes.  -EINVAL. */
void boltdb_date_text(berth_date date, char *text);
int boltdb_date_parse(const char *text, size_t len, berth_date *out);

#endif
