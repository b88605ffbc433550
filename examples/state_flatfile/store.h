/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - sorted lists of structs, and the text file that they are kept in.
 *
 * A transaction reads the whole file into sorted lists.  A writer has the lock of a second file
 * meanwhile, and commits by writing a new file and renaming it over the old one, so readers
 * need no lock: what they opened stays as it was.  That is all there is to isolation,
 * durability and rollback here; the price is that every transaction costs as much as the store
 * is large.
 *
 * A line of the file is one of them: a letter, then the members of a struct in the order of the
 * tables in store.c.  A number is "7:", a string "3:abc", and "-1:" one that is absent.
 *
 * Functions that can fail give 0 or a negative errno, described in `err` where they take one.
 */
#ifndef FLATFILE_STORE_H
#define FLATFILE_STORE_H

#include <berth/state.h>
#include <stdio.h>

struct member {
    enum { END, NUMBER, DATE, STRING, BLOB } type;
    uint64_t part; /* BERTH_REC_*; 0: the key */
    size_t at;
};

enum { RECORDS, LINKS, EXITS, CONFIGS, FORMS };

/* Members of the structs, the keys first; each ends with END. */
extern const struct member forms[FORMS][13];

union value {
    struct berth_record rec;
    struct berth_link link;
    struct berth_exit exit;
    struct berth_store_config config;
};

struct list {
    union value **v; /* sorted by the key */
    size_t n;
};

struct chunk {
    struct chunk *next;
    char bytes[];
};

struct berth_txn {
    struct berth_state *s;
    int writes, lock; /* lock: -1 for a reader */
    struct list all[FORMS];
    struct chunk *chunks; /* what the lists point to */
};

struct berth_state {
    const struct berth_host *h;
    uint32_t flags;
    char dir[4096], path[4200], fresh[4300], lock[4300];
    struct berth_txn *txn; /* the open one, for forked() */
};

/* The answer of a function without memory. */
#define no_memory(s, err) berth_fail((s)->h, err, ENOMEM, "out of memory")
#define MUST_WRITE(t, err)                                                                     \
    if (!(t)->writes)                                                                          \
    return berth_fail((t)->s->h, err, EROFS, "this transaction only reads")

/* Copy the key and some parts (BERTH_REC_*) of a struct to another, which may be shorter, of a
 * host of another year: with `t` into the store, with all they point to; without it out of the
 * store, where what is not wanted is zero. */
int copy(struct berth_txn *t, const struct member *m, void *to, size_t to_size,
         const void *from, uint64_t parts);

/* Compare the keys, as strcmp() does. */
int order(const struct member *m, const void *a, const void *b);

/* The value with this key, or NULL; it lives until the end of the transaction. */
union value *get(const struct berth_txn *t, int form, const void *key);
union value *get_record(const struct berth_txn *t, uint32_t kind, const char *id);

/* Add a struct, or write parts of it over the one that has its key. */
int put(struct berth_txn *t, int form, const void *given, uint64_t parts,
        struct berth_error *err);

/* Remove what has this key (-ENOENT: nothing, named by `what`), or what is at a place. */
int take(struct berth_txn *t, int form, const void *key, const char *what,
         struct berth_error *err);
void drop(struct list *l, size_t at);

/* Free the transaction with all that is in it. */
void forget(struct berth_txn *t);

/* Has the file our first line, or nothing yet? */
int is_store(FILE *f);

/* The file into the lists, and the lists into the file. */
int load(struct berth_txn *t, struct berth_error *err);
int save(const struct berth_txn *t, struct berth_error *err);

/* The writers' lock: a descriptor. */
int lock_store(struct berth_state *s, berth_deadline deadline, struct berth_error *err);
void unlock_store(int fd);

#endif
