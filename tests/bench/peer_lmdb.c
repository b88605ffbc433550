/* SPDX-License-Identifier: Apache-2.0 */
/* peer_lmdb.c - LMDB called by hand, on a file of its own with the same documents by their IDs.
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

static MDB_val text_of(const char *data, size_t len)
{
    return (MDB_val){len, (void *)(uintptr_t)data};
}

static int fill(MDB_txn *txn)
{
    int r = mdb_dbi_open(txn, "config", MDB_CREATE, &configs);

    if (r == 0)
        r = mdb_dbi_open(txn, "state", MDB_CREATE, &states);
    for (size_t i = 0; r == 0 && i < n_docs; i++) {
        MDB_val key = text_of(docs[i].id, strlen(docs[i].id));
        MDB_val config = text_of(docs[i].config, docs[i].config_len);
        MDB_val state = text_of(docs[i].state, docs[i].state_len);

        r = mdb_put(txn, configs, &key, &config, 0);
        if (r == 0)
            r = mdb_put(txn, states, &key, &state, 0);
    }
    return r;
}

static int by_hand_open(const char *dir, const struct documents *all, size_t n)
{
    char path[4096];
    MDB_txn *txn;
    int r;

    docs = all;
    n_docs = n;
    snprintf(path, sizeof(path), "%s/by-hand.lmdb", dir);
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

static int gets(MDB_txn *txn, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct documents *d = &docs[order_of(i, n_docs)];
        MDB_val key = text_of(d->id, strlen(d->id)), value;

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
    while (mdb_cursor_get(c, &key, &config, MDB_NEXT) == 0 &&
           mdb_cursor_get(s, &key, &state, MDB_NEXT) == 0)
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
        MDB_val key = text_of(d->id, strlen(d->id)), value = text_of(d->state, d->state_len);
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
    .open = by_hand_open,
    .get = by_hand_get,
    .get_again = by_hand_get_again,
    .scan = by_hand_scan,
    .put = by_hand_put,
    .close = by_hand_close,
};
