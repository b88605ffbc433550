/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions, and buckets and values with the errors of the plugin's interface. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "boltdb.h"

#include <stdlib.h>

const char *const boltdb_top_names[TOP_COUNT] = {
    [ID_REGISTRY] = "id-registry",
    [NAME_REGISTRY] = "name-registry",
    [NS_REGISTRY] = "ns-registry",
    [CTR] = "ctr",
    [ALL_CTRS] = "all-ctrs",
    [POD] = "pod",
    [ALL_PODS] = "allPods",
    [VOL] = "vol",
    [ALL_VOLUMES] = "allVolumes",
    [EXEC] = "exec",
    [RUNTIME_CONFIG] = "runtime-config",
    [EXIT_CODE] = "exit-code",
    [EXIT_CODE_TIME] = "exit-code-time-stamp",
    [VOLUME_CTRS] = "volume-ctrs",
};

int boltdb_fail(struct berth_txn *t, struct berth_error *err, int r)
{
    return berth_fail(t->s->host, err, -r, "%s", bolt_error(t->s->db));
}

struct boltdb_mark boltdb_mark(const struct berth_txn *t)
{
    return (struct boltdb_mark){bolt_mark(t->tx), t->n_top};
}

bool boltdb_unused(const struct berth_txn *t, const struct boltdb_mark *mark)
{
    struct bolt_mark now = bolt_mark(t->tx);

    return now.chunk == mark->memory.chunk && now.used == mark->memory.used;
}

void boltdb_release(struct berth_txn *t, const struct boltdb_mark *mark)
{
    if (t->n_top == mark->n_top)
        bolt_release(t->tx, &mark->memory);
}

/* A value where a bucket should be, or the reverse. */
static int wrong_type(struct berth_txn *t, const char *key, struct berth_error *err)
{
    return berth_fail(t->s->host, err, EUCLEAN,
                      "%s: damaged: \"%s\" is not what it should be, a value or a bucket",
                      t->s->path, key);
}

/* -------------------------------------------------------------- transactions */

/* Podman refuses to work with a file in which one of these is missing. */
static int make_top_buckets(struct berth_txn *t, struct berth_error *err)
{
    struct bolt_bucket *root = bolt_root(t->tx);
    struct bolt_cursor c;
    int found = 0, r;

    for (int i = 0; i < TOP_COUNT; i++) {
        r = boltdb_sub(t, root, boltdb_top_names[i], &t->top[i], err);
        if (r < 0)
            return r;
        found += r;
    }
    if (found == TOP_COUNT)
        return 0;
    r = bolt_first(&c, root);
    if (r < 0)
        return boltdb_fail(t, err, r);
    if (r > 0 && !found)
        return berth_fail(t->s->host, err, EUCLEAN,
                          "%s: a bbolt database of something else than containers", t->s->path);
    for (int i = 0; i < TOP_COUNT; i++) {
        r = t->top[i] ? 0 : boltdb_make(t, root, boltdb_top_names[i], &t->top[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

int boltdb_begin(struct berth_state *s, uint32_t flags, berth_deadline deadline,
                 struct berth_txn **out, struct berth_error *err)
{
    struct berth_txn *t;
    int r;

    if (s->txn)
        return berth_fail(s->host, err, EINVAL, "%s: a transaction is open already", s->path);
    if ((flags & BERTH_TXN_WRITE) && s->readonly)
        return berth_fail(s->host, err, EROFS, "%s: it is only to be read", s->path);
    t = calloc(1, sizeof *t);
    if (!t)
        return berth_fail(s->host, err, ENOMEM, "out of memory");
    t->s = s;
    t->flags = flags;
    r = bolt_begin(s->db, flags & BERTH_TXN_WRITE ? BOLT_WRITE : 0, deadline, &t->tx);
    if (r < 0) {
        r = boltdb_fail(t, err, r);
        free(t);
        return r;
    }
    s->txn = t;
    if (flags & BERTH_TXN_WRITE) {
        r = make_top_buckets(t, err);
        if (r < 0) {
            boltdb_rollback(t);
            return r;
        }
    }
    *out = t;
    return 0;
}

static void forget(struct berth_txn *t)
{
    t->s->txn = NULL;
    free(t);
}

int boltdb_commit(struct berth_txn *t, struct berth_error *err)
{
    int r;

    r = t->awaited ? boltdb_all_there(t, err) : 0;
    if (r < 0) {
        boltdb_rollback(t);
        return r;
    }
    r = bolt_commit(t->tx);
    if (r < 0)
        r = boltdb_fail(t, err, r);
    forget(t);
    return r;
}

void boltdb_rollback(struct berth_txn *t)
{
    if (!t)
        return;
    bolt_rollback(t->tx);
    forget(t);
}

int boltdb_may_write(struct berth_txn *t, struct berth_error *err)
{
    if (t->flags & BERTH_TXN_WRITE)
        return 0;
    return berth_fail(t->s->host, err, EROFS, "this transaction only reads");
}

/* -------------------------------------------------------------------- reading */

int boltdb_top(struct berth_txn *t, enum top which, struct bolt_bucket **out,
               struct berth_error *err)
{
    if (!t->top[which]) {
        int r = boltdb_sub(t, bolt_root(t->tx), boltdb_top_names[which], &t->top[which], err);

        if (r < 0)
            return r;
        t->n_top += (unsigned)r;
    }
    *out = t->top[which];
    return *out != NULL;
}

int boltdb_sub(struct berth_txn *t, struct bolt_bucket *b, const char *name,
               struct bolt_bucket **out, struct berth_error *err)
{
    int r;

    *out = NULL;
    if (!b)
        return 0;
    r = bolt_open(b, name, strlen(name), out);
    if (r == -ENOENT)
        return 0;
    return r < 0 ? boltdb_fail(t, err, r) : 1;
}

int boltdb_get(struct berth_txn *t, struct bolt_bucket *b, const char *key,
               struct bolt_bytes *value, struct berth_error *err)
{
    int r;

    if (!b)
        return 0;
    r = bolt_get(b, key, strlen(key), value);
    if (r == -ENOENT || r == -EISDIR)
        return 0;
    return r < 0 ? boltdb_fail(t, err, r) : 1;
}

int boltdb_string(struct berth_txn *t, const struct bolt_bytes *bytes, const char **out,
                  struct berth_error *err)
{
    char *s;

    if (bytes->len && memchr(bytes->data, '\0', bytes->len))
        return berth_fail(t->s->host, err, EUCLEAN, "%s: damaged: a name with a NUL byte",
                          t->s->path);
    s = bolt_memory(t->tx, bytes->len + 1);
    if (!s)
        return berth_fail(t->s->host, err, ENOMEM, "out of memory");
    if (bytes->len)
        memcpy(s, bytes->data, bytes->len);
    s[bytes->len] = '\0';
    *out = s;
    return 0;
}

int boltdb_get_string(struct berth_txn *t, struct bolt_bucket *b, const char *key,
                      const char **out, struct berth_error *err)
{
    struct bolt_bytes v;
    int r;

    *out = NULL;
    r = boltdb_get(t, b, key, &v, err);
    if (r <= 0)
        return r;
    r = boltdb_string(t, &v, out, err);
    return r < 0 ? r : 1;
}

/* ------------------------------------------------------------------- changing */

int boltdb_put(struct berth_txn *t, struct bolt_bucket *b, const char *key, const void *value,
               size_t len, struct berth_error *err)
{
    int r = bolt_put(b, key, strlen(key), value, len);

    if (r == -EISDIR)
        return wrong_type(t, key, err);
    return r < 0 ? boltdb_fail(t, err, r) : 0;
}

int boltdb_put_string(struct berth_txn *t, struct bolt_bucket *b, const char *key,
                      const char *value, struct berth_error *err)
{
    return boltdb_put(t, b, key, value, strlen(value), err);
}

int boltdb_del(struct berth_txn *t, struct bolt_bucket *b, const char *key,
               struct berth_error *err)
{
    int r;

    if (!b)
        return 0;
    r = bolt_delete(b, key, strlen(key));
    if (r == -EISDIR)
        return wrong_type(t, key, err);
    return r < 0 && r != -ENOENT ? boltdb_fail(t, err, r) : 0;
}

int boltdb_drop(struct berth_txn *t, struct bolt_bucket *b, const char *name,
                struct berth_error *err)
{
    int r;

    if (!b)
        return 0;
    r = bolt_drop(b, name, strlen(name));
    return r < 0 && r != -ENOENT ? boltdb_fail(t, err, r) : 0;
}

int boltdb_make(struct berth_txn *t, struct bolt_bucket *b, const char *name,
                struct bolt_bucket **out, struct berth_error *err)
{
    int r;

    *out = NULL;
    r = bolt_make(b, name, strlen(name), out);
    if (r == -EEXIST)
        return *out ? 0 : wrong_type(t, name, err);
    return r < 0 ? boltdb_fail(t, err, r) : 0;
}
