/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite store from the inside.  The file and its schema are podman's (4.8 and
 * later), which reads and writes it at the same time: column order, NULLs and the
 * storage class of documents are part of the format.
 *
 * What podman's schema does not hold in columns of its own is not kept apart: the
 * networks and the network namespace of a container and the infra container of a
 * pod are in their documents alone, namespaces nowhere.  (There is a column
 * PodState.InfraContainerID; podman leaves it NULL and could not remove an infra
 * container that it names.)  ContainerState.State and .ExitCode are what the engine
 * gave last; podman writes them once and lets them grow old, so its documents are
 * what counts.
 */
#ifndef BERTH_SQLITE_H
#define BERTH_SQLITE_H

#include <berth/state.h>
#include <sqlite3.h>
#include <sys/types.h>

#define SQ_SCHEMA_VERSION 1

/* Prepared statements are kept in one array; these are the slots.  A slot of
 * SQ_SELECT is taken by what is selected, one of SQ_LINK by kind and purpose. */
enum {
    SQ_SELECT = 0,
    SQ_LINK = 256,
    SQ_RECORD = 320,
    SQ_BEGIN = 384,
    SQ_BEGIN_EXCLUSIVE,
    SQ_COMMIT,
    SQ_ROLLBACK,
    SQ_VERSION,
    SQ_RESERVE,
    SQ_UNRESERVE,
    SQ_OWN_LINKS,
    SQ_EXIT_PUT,
    SQ_EXIT_GET,
    SQ_EXIT_SCAN,
    SQ_EXIT_PRUNE,
    SQ_EXIT_PRUNE_DEAD,
    SQ_CONFIG_GET,
    SQ_CONFIG_PUT,
    SQ_STATEMENTS
};

struct sq_chunk {
    struct sq_chunk *before;
    char bytes[];
};

struct berth_txn {
    struct berth_state *s;
    uint32_t flags;
    int broken; /* SQLite gave the transaction up, or half of an operation is done */
    struct sq_chunk *chunks; /* what reading operations handed out */
};

struct berth_state {
    const struct berth_host *h;
    sqlite3 *db;
    char *path;
    int readonly;
    int create, transient, extra_indexes; /* what sq_ready() has to do */
    int unready;                          /* and has not done yet */
    dev_t dev;
    ino_t ino;
    int64_t busy_timeout;    /* ns, where no deadline is given */
    berth_deadline deadline; /* of what is waited for now */
    int waited;              /* errno that ended the last wait, or 0 */
    int in_txn;
    struct berth_txn txn;
    sqlite3_stmt *stmts[SQ_STATEMENTS];
};

/* How podman's tables name the parts of a kind of record. */
struct sq_kind {
    const char *name;   /* for messages */
    const char *config; /* table */
    const char *state;  /* table */
    const char *key;    /* column in both */
    const char *extra;  /* pod of a container, infra of a pod, storage of a volume */
};

/* The kind's tables; NULL: there is no such kind. */
const struct sq_kind *sq_kind(uint32_t kind);

/* stmt.c */

/* The statement of a slot, prepared from `sql` on first use, reset and without
 * bindings.  NULL: see err; *r is set to what to return. */
sqlite3_stmt *sq_stmt(struct berth_state *s, int slot, const char *sql, int *r,
                      struct berth_error *err);

/* Forget all prepared statements. */
void sq_finalize_all(struct berth_state *s);

/* Be done with a statement: no lock, cursor or lent pointer remains in it. */
void sq_done(sqlite3_stmt *stmt);

/* Bind s, NULL as NULL. */
void sq_bind(sqlite3_stmt *stmt, int i, const char *s);

/* Bind a document as podman does. */
void sq_bind_blob(sqlite3_stmt *stmt, int i, const struct berth_blob *b);

/* Step a statement that gives no rows, and be done with it: 0, or SQLite's extended
 * result code.  For sq_fail() or, where a constraint means something, to look at. */
int sq_run(sqlite3_stmt *stmt);

/* Describe SQLite's failure `rc` in an operation on `what` ("container x", or NULL);
 * gives -errno.  Notices when SQLite has given up the transaction. */
int sq_fail(struct berth_state *s, struct berth_error *err, int rc, const char *fmt, ...)
    BERTH_PRINTF(4, 5);

/* Text of a column that has to be text without NUL bytes: 0 and *out; 1: it is NULL
 * or empty; -EUCLEAN: it is anything else.  Valid until the statement is stepped. */
int sq_text(struct berth_state *s, sqlite3_stmt *stmt, int column, const char *what,
            const char **out, struct berth_error *err);

/* A document, whatever its storage class; NULL gives an absent one. */
int sq_blob(struct berth_state *s, sqlite3_stmt *stmt, int column, const char *what,
            struct berth_blob *out, struct berth_error *err);

/* An integer between the limits; NULL gives 0. */
int sq_int(struct berth_state *s, sqlite3_stmt *stmt, int column, const char *what, int64_t min,
           int64_t max, int64_t *out, struct berth_error *err);

/* Copies that live until the transaction ends.  NULL: out of memory. */
char *sq_keep(struct berth_txn *t, const void *data, size_t len);
void sq_forget(struct berth_txn *t);

/* schema.c */

/* Look at the schema, and with `create` make it where there is none.  -ENOENT: the
 * file is empty; -EEXIST: something else is in it; -ENOTSUP: a newer version. */
int sq_schema(struct berth_state *s, int create, struct berth_error *err);

/* Make the file ready for use, waiting until s->deadline: look at the schema, settings,
 * indexes that podman does without. */
int sq_ready(struct berth_state *s, struct berth_error *err);

/* 0 if this version of the schema is ours. */
int sq_version_ok(struct berth_state *s, int64_t version, struct berth_error *err);

/* file.c */

/* Where the store is: the option, else podman's rule.  To be freed; NULL: no memory. */
char *sq_path(const struct berth_host *h, const struct berth_place *place,
              const struct berth_config *cfg);

/* Open for reading and writing, or so that nothing is written.  *out is to be closed
 * even on failure, when it is not NULL. */
int sq_open_file(struct berth_state *s, int create, struct berth_error *err);

/* Close the descriptors of the file in a child, without SQLite noticing. */
void sq_abandon(struct berth_state *s);

int sq_probe(const struct berth_host *h, const struct berth_place *place,
             const struct berth_config *cfg, struct berth_error *err);

/* txn.c */
int sq_busy(void *arg, int n);

/* The deadline of an operation that is given none. */
berth_deadline sq_patience(const struct berth_state *s);

/* Is a transaction usable, and one that writes if `write`?  0, -EROFS, -ENOTRECOVERABLE. */
int sq_usable(struct berth_txn *t, int write, struct berth_error *err);

/* Mark the transaction as one that can only be rolled back; gives r. */
int sq_break(struct berth_txn *t, int r);

/* Called in a transaction that goes through all of the store: keep more of it in memory. */
int sq_expect_all(struct berth_state *s, struct berth_error *err);
int sq_begin(struct berth_state *s, uint32_t flags, berth_deadline deadline,
             struct berth_txn **out, struct berth_error *err);
int sq_commit(struct berth_txn *t, struct berth_error *err);
void sq_rollback(struct berth_txn *t);

/* records.c, links.c, exits.c, upkeep.c: operations of berth/state.h. */
int sq_get(struct berth_txn *t, uint32_t kind, const char *id, uint64_t want,
           struct berth_record *out, struct berth_error *err);
int sq_resolve(struct berth_txn *t, uint32_t kind, const char *name, uint32_t *out_kind,
               const char **out_id, struct berth_error *err);
int sq_scan(struct berth_txn *t, const struct berth_scan *what, berth_record_fn *fn, void *arg,
            struct berth_error *err);
int sq_exists(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err);
int sq_insert(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err);
int sq_update(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err);
int sq_remove(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err);
int sq_link(struct berth_txn *t, const struct berth_link *link, struct berth_error *err);
int sq_unlink(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
              struct berth_error *err);
int64_t sq_unlink_all(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                      struct berth_error *err);
int sq_linked(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
              struct berth_link *out, struct berth_error *err);
int sq_links(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
             berth_link_fn *fn, void *arg, struct berth_error *err);
int sq_exit_put(struct berth_txn *t, const struct berth_exit *e, struct berth_error *err);
int sq_exit_get(struct berth_txn *t, const char *id, struct berth_exit *out,
                struct berth_error *err);
int sq_exit_scan(struct berth_txn *t, berth_exit_fn *fn, void *arg, struct berth_error *err);
int64_t sq_exit_prune(struct berth_txn *t, berth_date before, int keep_live,
                      struct berth_error *err);
int sq_config_get(struct berth_txn *t, struct berth_store_config *out, struct berth_error *err);
int sq_config_put(struct berth_txn *t, const struct berth_store_config *in,
                  struct berth_error *err);
int64_t sq_check(struct berth_state *s, int repair, struct berth_list *report,
                 struct berth_error *err);
int sq_backup(struct berth_state *s, int fd, struct berth_error *err);
int sq_files(struct berth_state *s, struct berth_list *paths, struct berth_error *err);

#endif
