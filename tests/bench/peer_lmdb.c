/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_lmdb.c - LMDB called by hand, on a file of its own with the same documents.  peer_lmdb
 * has them where the plugin has them: one tree, in which a record's attributes, configuration
 * and state are neighbours.  peer_lmdb_two has two trees, of configurations and of states by
 * their IDs: what one would do who never reads more than these, nor changes more than one at a
 * time.
 */
#include "tests/bench/bench_state.h"

#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static MDB_env *env;
static MDB_dbi configs, states;
static const struct documents *docs;
static size_t n_docs, seen;
static int two; /* trees */

static MDB_val text_of(const char *data, size_t len)
{
    return (MDB_val){len, (void *)(uintptr_t)data};
}

enum { ATTRS = 1, CONFIG = 2, STATE = 3 };

/* The key of a document, in `room`. */
static MDB_val key_of(const char *id, char part, char *room)
{
    size_t len = strlen(id);

    if (two)
        return text_of(id, len);
    room[0] = 0x11;
    memcpy(room + 1, id, len + 1);
    room[len + 2] = part;
    return (MDB_val){len + 3, room};
}

static int fill_one(MDB_txn *txn, MDB_dbi dbi, const struct documents *d, char part,
                    MDB_val value)
{
    char room[600];
    MDB_val key = key_of(d->id, part, room);

    return mdb_put(txn, dbi, &key, &value, 0);
}

static int fill(MDB_txn *txn)
{
    static const char attrs[96]; /* as many as a container with a name and a pod has */
    int r = mdb_dbi_open(txn, two ? "config" : NULL, two ? MDB_CREATE : 0, &configs);

    if (r == 0)
        r = mdb_dbi_open(txn, two ? "state" : NULL, two ? MDB_CREATE : 0, &states);
    for (size_t i = 0; r == 0 && i < n_docs; i++) {
        const struct documents *d = &docs[i];

        if (!two)
            r = fill_one(txn, configs, d, ATTRS, text_of(attrs, sizeof(attrs)));
        if (r == 0)
            r = fill_one(txn, configs, d, CONFIG, text_of(d->config, d->config_len));
        if (r == 0)
            r = fill_one(txn, states, d, STATE, text_of(d->state, d->state_len));
    }
    return r;
}

static int open_file(const char *dir, const struct documents *all, size_t n)
{
    char path[4096];
    MDB_txn *txn;
    int r;

    docs = all;
    n_docs = n;
    snprintf(path, sizeof(path), "%s/by-hand-%d.lmdb", dir, two);
    r = mdb_env_create(&env);
    if (r == 0)
        r = mdb_env_set_mapsize(env, (size_t)4 << 30);
    if (r == 0)
        r = mdb_env_set_maxdbs(env, 2);
    if (r == 0)
        r = mdb_env_open(env, path, MDB_NOSUBDIR, 0600);
    if (r == 0)
        r = mdb_txn_begin(env, NULL, 0, &txn);
    if (r == 0)
        r = fill(txn);
    if (r == 0)
        r = mdb_txn_commit(txn);
    if (r != 0)
        fprintf(stderr, "%s: %s\n", path, mdb_strerror(r));
    return r == 0 ? 0 : -1;
}

static int open_one(const char *dir, const struct documents *all, size_t n)
{
    two = 0;
    return open_file(dir, all, n);
}

static int open_two(const char *dir, const struct documents *all, size_t n)
{
    two = 1;
    return open_file(dir, all, n);
}

static int gets(MDB_txn *txn, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct documents *d = &docs[order_of(i, n_docs)];
        char room[600];
        MDB_val key = key_of(d->id, CONFIG, room), value;

        if (mdb_get(txn, configs, &key, &value))
            return -1;
        seen += value.mv_size;
    }
    return 0;
}

static double by_hand_get(size_t n)
{
    double start = seconds();
    MDB_txn *txn;

    if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) || gets(txn, n))
        return -1;
    mdb_txn_abort(txn);
    return seconds() - start;
}

static double by_hand_get_again(size_t n)
{
    MDB_txn *txn;
    double start;

    if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) || gets(txn, n))
        return -1;
    start = seconds();
    for (int i = 0; i < AGAIN; i++) {
        if (gets(txn, n))
            return -1;
    }
    start = seconds() - start;
    mdb_txn_abort(txn);
    return start;
}

static double by_hand_scan(void)
{
    double start = seconds();
    MDB_cursor *c, *s;
    MDB_val key, config, state;
    MDB_txn *txn;

    if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) || mdb_cursor_open(txn, configs, &c) ||
        mdb_cursor_open(txn, states, &s))
        return -1;
    while ((two || mdb_cursor_get(c, &key, &config, MDB_NEXT) == 0) &&
           mdb_cursor_get(c, &key, &config, MDB_NEXT) == 0 &&
           mdb_cursor_get(two ? s : c, &key, &state, MDB_NEXT) == 0)
        seen += config.mv_size + state.mv_size;
    mdb_cursor_close(c);
    mdb_cursor_close(s);
    mdb_txn_abort(txn);
    return seconds() - start;
}

static double by_hand_put(size_t n)
{
    double start = seconds();

    for (size_t i = 0; i < n; i++) {
        const struct documents *d = &docs[order_of(i, n_docs)];
        char room[600];
        MDB_val key = key_of(d->id, STATE, room), value = text_of(d->state, d->state_len);
        MDB_txn *txn;

        change(d);
        if (mdb_txn_begin(env, NULL, 0, &txn) || mdb_put(txn, states, &key, &value, 0) ||
            mdb_txn_commit(txn))
            return -1;
    }
    return seconds() - start;
}

static void by_hand_close(void)
{
    mdb_env_close(env);
}

const struct peer peer_lmdb = {
    .name = "LMDB by hand",
    .open = open_one,
    .get = by_hand_get,
    .get_again = by_hand_get_again,
    .scan = by_hand_scan,
    .put = by_hand_put,
    .close = by_hand_close,
};
const struct peer peer_lmdb_two = {
    .name = "LMDB by hand, two trees",
    .open = open_two,
    .get = by_hand_get,
    .get_again = by_hand_get_again,
    .scan = by_hand_scan,
    .put = by_hand_put,
    .close = by_hand_close,
};
