/* SPDX-License-Identifier: Apache-2.0 */
/* A database in memory, as simple as can be, to hold the bolt library against. */
#ifndef BERTH_TESTS_BOLT_MODEL_H
#define BERTH_TESTS_BOLT_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "plugins/common/bolt/bolt.h"

struct model; /* a bucket */

struct entry {
    uint8_t *key;
    size_t key_len;
    uint8_t *value;
    size_t value_len;
    struct model *bucket; /* NULL: a plain value */
};

struct model {
    struct entry *entries; /* in order */
    size_t n, cap;
};

struct model *model_new(void);
void model_free(struct model *m);
struct model *model_copy(const struct model *m);

/* The entry, or NULL. */
struct entry *model_find(const struct model *m, const void *key, size_t len);
void model_put(struct model *m, const void *key, size_t len, const void *value,
               size_t value_len);
struct model *model_make(struct model *m, const void *key, size_t len);
void model_remove(struct model *m, const void *key, size_t len);

/* Compare a bucket with all in it, walking forwards and backwards and looking up each
 * key.  Fails the running test where they differ. */
void model_compare(const struct model *m, struct bolt_bucket *b);

/* Random changes to both, from a seed that *state carries on; `script` (may be NULL)
 * gets them as input for "bolt-check apply"; tx may be NULL: only model and script. */
struct churn {
    uint64_t state;
    unsigned ops;
    unsigned keys;      /* how many different keys there are per bucket */
    unsigned value_max; /* bytes, usually much less */
    unsigned deletes;   /* percent */
    unsigned depth;     /* of buckets in buckets */
};
void model_churn(struct churn *c, struct model *m, struct bolt_tx *tx, FILE *script);

/* Make a directory of our own, in memory if there is such a place; out takes 64 bytes. */
void make_directory(char *out);

/* Make an empty database with pages of that many bytes. */
void fresh_file(const char *path, uint32_t page_size);

uint64_t random_next(uint64_t *state);

#endif
