/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - the table of entries, the file it is kept in, and the writers' lock. */
#ifndef FLATFILE_STORE_H
#define FLATFILE_STORE_H

#include <berth/state.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC  "flatfile 1\n"
#define FIELDS 12

struct entry {
    char type;
    struct berth_blob f[FIELDS]; /* point behind the entry itself */
};

struct berth_txn {
    struct berth_state *s;
    int writes, lock; /* lock: -1 for a reader */
    struct entry **v; /* sorted */
    size_t n, room;
};

struct berth_state {
    const struct berth_host *h;
    uint32_t flags;
    char path[4096], fresh[4200], lock[4200], dir[4096];
    struct berth_txn *txn; /* the open one, for forked() */
};

#define no_memory(s, err) berth_fail((s)->h, err, ENOMEM, "out of memory")

/* A field made of a string; the string of a field, and its number. */
static inline struct berth_blob text(const char *s)
{
    return (struct berth_blob){s, s ? strlen(s) : 0};
}

static inline const char *str(const struct entry *e, int field)
{
    return e->f[field].data;
}

static inline long long num(const struct entry *e, int field)
{
    return str(e, field) ? strtoll(str(e, field), NULL, 10) : 0;
}

/* Where (type, first, second) is, or would be; *found says which. */
size_t find(const struct berth_txn *t, char type, const char *first, const char *second,
            int *found);

/* The entry itself, or NULL. */
struct entry *lookup(const struct berth_txn *t, char type, const char *first,
                     const char *second);

/* Add an entry, or put it in the place of the one with its key.  0 or -ENOMEM. */
int put(struct berth_txn *t, char type, const struct berth_blob f[FIELDS]);

/* Take the entry at a place away. */
void drop(struct berth_txn *t, size_t at);

/* Read the whole file into an empty table; write the table as a new file in its place; write
 * it to a stream (0 or -1). */
int load(struct berth_txn *t, struct berth_error *err);
int save(const struct berth_txn *t, struct berth_error *err);
int print(FILE *out, const struct berth_txn *t);

/* The writers' lock: a descriptor, or -errno. */
int lock_store(struct berth_state *s, berth_deadline deadline, struct berth_error *err);
void unlock_store(int fd);

#endif
