/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory store from the inside.  Everything that is kept, records as well
 * as what is indexed, is an entry of one ordered table.  A transaction changes
 * the table in place and notes in its undo log how to go back, so a rollback
 * needs no memory and cannot fail, and what a commit replaces stays readable
 * until the transaction ends.
 */
#ifndef BERTH_MEMORY_H
#define BERTH_MEMORY_H

#include <berth/state.h>
#include <pthread.h>
#include <string.h>

/* A key is a tag and two strings; it orders by all three, bytewise.  A tag is one
 * of these plus, where it matters, the kind of the record or link. */
enum {
    T_RECORD = 0x10,  /* id             -> struct mem_attrs */
    T_CONFIG = 0x20,  /* id             -> struct mem_blob */
    T_STATE = 0x30,   /* id             -> struct mem_blob, no entry if absent */
    T_NAME = 0x40,    /* name, id       -> nothing; no volumes */
    T_MEMBER = 0x50,  /* pod, container -> nothing */
    T_STORAGE = 0x60, /* storage id, volume -> nothing */
    T_FROM = 0x70,    /* from, to       -> struct mem_blob or nothing */
    T_TO = 0x80,      /* to, from       -> nothing */
    T_EXIT = 0x90,    /* container      -> struct mem_exit */
    T_IDENTITY = 0xa0 /* nothing        -> struct mem_identity */
};

#define MEM_LEVELS 20

struct mem_entry {
    int tag;
    const char *a, *b; /* in `text` */
    void *value;       /* one block from malloc(), or NULL */
    int levels;
    struct mem_entry *next[]; /* and after them the text of a and b */
};

struct mem_table {
    struct mem_entry *first[MEM_LEVELS];
    uint64_t dice;
};

struct mem_blob {
    size_t len;
    unsigned char data[];
};

struct mem_attrs {
    const char *name, *ns, *pod, *netns, *infra, *storage_id;
    int32_t status, exit_code;
};

struct mem_exit {
    int32_t code;
    berth_date date;
};

struct mem_identity {
    struct berth_store_config config;
};

enum mem_change {
    MEM_ADDED,    /* undo: take the entry out */
    MEM_TAKEN,    /* undo: put it back in */
    MEM_REPLACED, /* undo: give it its old value */
};

struct mem_undo {
    struct mem_undo *before;
    enum mem_change change;
    struct mem_entry *entry;
    void *old;
};

/* Many readers or one writer; a writer that waits goes before new readers. */
struct mem_gate {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    unsigned readers, writers_waiting;
    int writing;
};

struct berth_state {
    const struct berth_host *host;
    struct mem_table table;
    struct mem_gate gate;
    int readonly;
};

struct berth_txn {
    struct berth_state *s;
    uint32_t flags;
    struct mem_undo *undo;
};

/* table.c */

/* First entry at or after (tag, a, b), NULL: none.  a and b may be "". */
struct mem_entry *mem_seek(struct mem_table *table, int tag, const char *a, const char *b);

/* The entry with exactly this key, NULL: none. */
struct mem_entry *mem_find(struct mem_table *table, int tag, const char *a, const char *b);

/* First entry with this tag and first string, NULL: none. */
struct mem_entry *mem_first(struct mem_table *table, int tag, const char *a);

/* The entry after e, if it has the tag and, unless a is NULL, the first string. */
struct mem_entry *mem_next(struct mem_entry *e, int tag, const char *a);

/* Set the value of a key, adding the entry if there is none.  The table owns
 * `value`, a block from malloc(), from the moment of success.  0 or -ENOMEM. */
int mem_put(struct berth_txn *t, int tag, const char *a, const char *b, void *value);

/* Take an entry out.  It stays readable to the end of the transaction.  0, -ENOMEM. */
int mem_take(struct berth_txn *t, struct mem_entry *e);

/* Undo what was done since the log was at `mark`; NULL undoes everything. */
void mem_undo_to(struct berth_txn *t, struct mem_undo *mark);

/* Forget the log, and free what was replaced and taken. */
void mem_settle(struct berth_txn *t);

/* Free all entries and values. */
void mem_table_free(struct mem_table *table);

/* gate.c */
int mem_gate_init(struct mem_gate *g);
void mem_gate_fini(struct mem_gate *g);

/* Enter, waiting until `deadline`.  0, -EBUSY, -ETIMEDOUT or -ECANCELED. */
int mem_gate_enter(struct mem_gate *g, const struct berth_host *h, int write,
                   berth_deadline deadline);
void mem_gate_leave(struct mem_gate *g, int write);

/* What every writing operation begins with: 0 or -EROFS. */
int mem_may_write(struct berth_txn *t, struct berth_error *err);

/* Out of memory, said once. */
int mem_no_memory(struct berth_txn *t, struct berth_error *err);

const char *mem_kind_name(uint32_t kind);

/* records.c and links.c: the operations of the same names in berth/state.h. */
int mem_get(struct berth_txn *t, uint32_t kind, const char *id, uint64_t want,
            struct berth_record *out, struct berth_error *err);
int mem_resolve(struct berth_txn *t, uint32_t kind, const char *name, uint32_t *out_kind,
                const char **out_id, struct berth_error *err);
int mem_scan(struct berth_txn *t, const struct berth_scan *what, berth_record_fn *fn, void *arg,
             struct berth_error *err);
int mem_insert(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err);
int mem_update(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err);
int mem_remove(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err);
int mem_link(struct berth_txn *t, const struct berth_link *link, struct berth_error *err);
int mem_unlink(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
               struct berth_error *err);
int64_t mem_unlink_all(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                       struct berth_error *err);
int mem_linked(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
               struct berth_link *out, struct berth_error *err);
int mem_links(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
              berth_link_fn *fn, void *arg, struct berth_error *err);

/* Look for links and containers that name what is not there; `found` is called
 * with a line for each, and ends the search by a return other than 0. */
int mem_dangling(struct mem_table *table, int (*found)(void *arg, const char *line), void *arg);

#endif
