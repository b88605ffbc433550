/* SPDX-License-Identifier: Apache-2.0 */
/* The ordered table (a skip list) and the undo log of a transaction. */
#include "memory.h"
#include <stdlib.h>

static int compare(const struct mem_entry *e, int tag, const char *a, const char *b)
{
    int c;

    if (e->tag != tag)
        return e->tag < tag ? -1 : 1;
    c = strcmp(e->a, a);
    return c ? c : strcmp(e->b, b);
}

/* Fill `at` with the pointers that lead to (tag, a, b), or to where it belongs. */
static void trace(struct mem_table *table, int tag, const char *a, const char *b,
                  struct mem_entry **at[MEM_LEVELS])
{
    struct mem_entry **links = table->first;
    int i;

    for (i = MEM_LEVELS - 1; i >= 0; i--) {
        while (links[i] && compare(links[i], tag, a, b) < 0)
            links = links[i]->next;
        at[i] = &links[i];
    }
}

static void put_in(struct mem_table *table, struct mem_entry *e)
{
    struct mem_entry **at[MEM_LEVELS];
    int i;

    trace(table, e->tag, e->a, e->b, at);
    for (i = 0; i < e->levels; i++) {
        e->next[i] = *at[i];
        *at[i] = e;
    }
}

static void take_out(struct mem_table *table, struct mem_entry *e)
{
    struct mem_entry **at[MEM_LEVELS];
    int i;

    trace(table, e->tag, e->a, e->b, at);
    for (i = 0; i < e->levels; i++)
        *at[i] = e->next[i];
}

struct mem_entry *mem_seek(struct mem_table *table, int tag, const char *a, const char *b)
{
    struct mem_entry **at[MEM_LEVELS];

    trace(table, tag, a, b, at);
    return *at[0];
}

struct mem_entry *mem_find(struct mem_table *table, int tag, const char *a, const char *b)
{
    struct mem_entry *e = mem_seek(table, tag, a, b);

    return e && compare(e, tag, a, b) == 0 ? e : NULL;
}

struct mem_entry *mem_first(struct mem_table *table, int tag, const char *a)
{
    struct mem_entry *e = mem_seek(table, tag, a, "");

    return e && e->tag == tag && strcmp(e->a, a) == 0 ? e : NULL;
}

struct mem_entry *mem_next(struct mem_entry *e, int tag, const char *a)
{
    e = e->next[0];
    return e && e->tag == tag && (!a || strcmp(e->a, a) == 0) ? e : NULL;
}

/* Each level holds a quarter of the one below. */
static int roll(struct mem_table *table)
{
    int levels = 1;

    table->dice = table->dice * 6364136223846793005u + 1442695040888963407u;
    for (uint64_t bits = table->dice >> 24; levels < MEM_LEVELS && (bits & 3) == 0; bits >>= 2)
        levels++;
    return levels;
}

static struct mem_entry *entry_new(struct mem_table *table, int tag, const char *a,
                                   const char *b, void *value)
{
    size_t a_size = strlen(a) + 1, b_size = strlen(b) + 1;
    int levels = roll(table);
    size_t head = sizeof(struct mem_entry) + (size_t)levels * sizeof(struct mem_entry *);
    struct mem_entry *e = malloc(head + a_size + b_size);

    if (!e)
        return NULL;
    e->tag = tag;
    e->levels = levels;
    e->value = value;
    e->a = memcpy((char *)e + head, a, a_size);
    e->b = memcpy((char *)e + head + a_size, b, b_size);
    return e;
}

static int note(struct berth_txn *t, enum mem_change change, struct mem_entry *e, void *old)
{
    struct mem_undo *u = malloc(sizeof(*u));

    if (!u)
        return -ENOMEM;
    *u = (struct mem_undo){t->undo, change, e, old};
    t->undo = u;
    return 0;
}

int mem_put(struct berth_txn *t, int tag, const char *a, const char *b, void *value)
{
    struct mem_entry *e = mem_find(&t->s->table, tag, a, b);

    if (e) {
        if (note(t, MEM_REPLACED, e, e->value) < 0)
            return -ENOMEM;
        e->value = value;
        return 0;
    }
    e = entry_new(&t->s->table, tag, a, b, value);
    if (!e || note(t, MEM_ADDED, e, NULL) < 0) {
        free(e);
        return -ENOMEM;
    }
    put_in(&t->s->table, e);
    return 0;
}

int mem_take(struct berth_txn *t, struct mem_entry *e)
{
    if (note(t, MEM_TAKEN, e, NULL) < 0)
        return -ENOMEM;
    take_out(&t->s->table, e);
    return 0;
}

static void entry_free(struct mem_entry *e)
{
    free(e->value);
    free(e);
}

void mem_undo_to(struct berth_txn *t, struct mem_undo *mark)
{
    while (t->undo != mark) {
        struct mem_undo *u = t->undo;

        switch (u->change) {
        case MEM_ADDED:
            take_out(&t->s->table, u->entry);
            entry_free(u->entry);
            break;
        case MEM_TAKEN:
            put_in(&t->s->table, u->entry);
            break;
        case MEM_REPLACED:
            free(u->entry->value);
            u->entry->value = u->old;
            break;
        }
        t->undo = u->before;
        free(u);
    }
}

void mem_settle(struct berth_txn *t)
{
    /* The log is read from its end, so an entry that was replaced before it was
     * taken out is freed last: the pass over the values comes first. */
    for (struct mem_undo *u = t->undo; u; u = u->before)
        if (u->change == MEM_REPLACED)
            free(u->old);
    while (t->undo) {
        struct mem_undo *u = t->undo;

        if (u->change == MEM_TAKEN)
            entry_free(u->entry);
        t->undo = u->before;
        free(u);
    }
}

void mem_table_free(struct mem_table *table)
{
    struct mem_entry *e = table->first[0];

    while (e) {
        struct mem_entry *next = e->next[0];

        entry_free(e);
        e = next;
    }
    memset(table->first, 0, sizeof(table->first));
}
