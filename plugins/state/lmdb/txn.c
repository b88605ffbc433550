/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: LMDB's, behind a lock that has a deadline. */
#include "lmdb_store.h"
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

static uint64_t monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

berth_deadline lm_patience(void)
{
    return monotonic() + 100 * (uint64_t)1000000000u;
}

int lm_fail(struct berth_state *s, struct berth_error *err, int rc, const char *what)
{
    int code = EIO;

    if (rc > 0)
        code = rc;
    else if (rc == MDB_MAP_FULL)
        return berth_fail(s->h, err, ENOSPC,
                          "%s: %s: the map of %zu bytes is full, raise the option map_size",
                          s->path, what, s->map_size);
    else if (rc == MDB_READERS_FULL || rc == MDB_MAP_RESIZED)
        code = EBUSY;
    else if (rc == MDB_VERSION_MISMATCH)
        code = ENOTSUP;
    else if (rc == MDB_BAD_TXN)
        code = ENOTRECOVERABLE;
    else if (rc == MDB_TXN_FULL)
        code = EFBIG;
    else if (rc == MDB_INVALID || rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND ||
             rc == MDB_PANIC || rc == MDB_INCOMPATIBLE || rc == MDB_NOTFOUND)
        code = EUCLEAN;
    return berth_fail(s->h, err, code, "%s: %s: %s", s->path, what, mdb_strerror(rc));
}

int lm_usable(struct berth_txn *t, int write, struct berth_error *err)
{
    if (t->broken)
        return berth_fail(t->s->h, err, ENOTRECOVERABLE,
                          "%s: the transaction can only be rolled back", t->s->path);
    if (write && !(t->flags & BERTH_TXN_WRITE))
        return berth_fail(t->s->h, err, EROFS, "this transaction only reads");
    return 0;
}

/* ------------------------------------------------------------------- waiting */

/* Wait a little before try n: 0, or why to give up. */
static int pause_before(struct berth_state *s, berth_deadline deadline, unsigned n)
{
    uint64_t now = monotonic(), pause = n < 6 ? 50000u << n : 2000000u;
    struct timespec ts;

    if (deadline == BERTH_NO_WAIT)
        return -EBUSY;
    if (now >= deadline)
        return -ETIMEDOUT;
    if (s->h->cancelled(s->h->core))
        return -ECANCELED;
    if (pause > deadline - now)
        pause = deadline - now;
    ts.tv_sec = (time_t)(pause / 1000000000u);
    ts.tv_nsec = (long)(pause % 1000000000u);
    nanosleep(&ts, NULL);
    return 0;
}

/* One try at being the writer: 0, -EAGAIN, or -errno. */
static int try_writer(struct berth_state *s)
{
    int r = -EAGAIN;

    pthread_mutex_lock(&s->mutex);
    if (!s->writing && (r = lm_file_lock(s, F_WRLCK)) == 0)
        s->writing = 1;
    pthread_mutex_unlock(&s->mutex);
    return r;
}

static void end_writer(struct berth_state *s)
{
    pthread_mutex_lock(&s->mutex);
    lm_file_lock(s, F_UNLCK);
    s->writing = 0;
    pthread_mutex_unlock(&s->mutex);
}

/* One try at being a reader.  Where nothing may be written the writers are kept out. */
static int try_reader(struct berth_state *s)
{
    int r = 0;

    pthread_mutex_lock(&s->mutex);
    if (s->readonly && s->readers == 0)
        r = lm_file_lock(s, F_RDLCK);
    if (r == 0)
        s->readers++;
    pthread_mutex_unlock(&s->mutex);
    return r;
}

static void end_reader(struct berth_state *s)
{
    pthread_mutex_lock(&s->mutex);
    if (--s->readers == 0 && s->readonly)
        lm_file_lock(s, F_UNLCK);
    pthread_mutex_unlock(&s->mutex);
}

static int enter(struct berth_state *s, int write, berth_deadline deadline,
                 struct berth_error *err)
{
    unsigned n = 0;
    int r;

    while ((r = write ? try_writer(s) : try_reader(s)) == -EAGAIN) {
        r = pause_before(s, deadline, n++);
        if (r < 0)
            return berth_fail(s->h, err, -r, "%s is in use by another transaction", s->path);
    }
    return r < 0 ? berth_fail(s->h, err, -r, "cannot lock %s", s->path) : 0;
}

static void leave(struct berth_state *s, int write)
{
    if (write)
        end_writer(s);
    else
        end_reader(s);
}

/* -------------------------------------------------------------- transactions */

/* Another process has a larger map and has filled it: have one as large. */
static int follow_size(struct berth_state *s)
{
    int rc = MDB_MAP_RESIZED;

    pthread_mutex_lock(&s->mutex);
    if (s->readers + (s->writing ? 1u : 0u) == 1) { /* nobody but us looks at the old map */
        if (s->spare)
            mdb_txn_abort(s->spare);
        s->spare = NULL;
        rc = mdb_env_set_mapsize(s->env, 0);
    }
    pthread_mutex_unlock(&s->mutex);
    return rc;
}

/*
 * A commit writes its meta page first and tells readers its number afterwards.  Who begins
 * in between may be given the pages of the new one under the number of the one two before,
 * and, beginning again, the one before: back in time.  So begin until the number is that of
 * the newest meta page.  A writer may be kept from telling by the scheduler, hence the sleep;
 * one that was killed never tells, and then nobody changes the pages.
 */
#define AT_ONCE 100
#define TELLING 250000000u /* nanoseconds */

static int begin_newest(struct berth_state *s, MDB_txn *txn)
{
    const struct timespec pause = {.tv_nsec = 100000};
    uint64_t end = 0;
    MDB_envinfo info;
    int rc = mdb_env_info(s->env, &info);

    for (unsigned n = 0; rc == 0 && mdb_txn_id(txn) < info.me_last_txnid; n++) {
        if (n == AT_ONCE)
            end = monotonic() + TELLING;
        if (n > AT_ONCE && monotonic() > end)
            break;
        if (n >= AT_ONCE)
            nanosleep(&pause, NULL);
        mdb_txn_reset(txn);
        rc = mdb_txn_renew(txn);
        if (rc == 0)
            rc = mdb_env_info(s->env, &info);
    }
    return rc;
}

static int begin_any(struct berth_state *s, MDB_txn **out)
{
    MDB_txn *spare;
    int rc, dead;

    pthread_mutex_lock(&s->mutex);
    spare = s->spare;
    s->spare = NULL;
    pthread_mutex_unlock(&s->mutex);
    if (spare) {
        rc = mdb_txn_renew(spare);
        if (!rc) {
            *out = spare;
            return 0;
        }
        mdb_txn_abort(spare);
    }
    rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, out);
    if (rc == MDB_READERS_FULL && mdb_reader_check(s->env, &dead) == 0)
        rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, out);
    return rc;
}

static int begin_reading(struct berth_state *s, MDB_txn **out)
{
    int rc = begin_any(s, out);

    if (rc == 0 && (rc = begin_newest(s, *out)) != 0)
        mdb_txn_abort(*out);
    return rc;
}

static int begin_lmdb(struct berth_state *s, int write, MDB_txn **out)
{
    int rc = write ? mdb_txn_begin(s->env, NULL, 0, out) : begin_reading(s, out);

    if (rc == MDB_MAP_RESIZED && (rc = follow_size(s)) == 0)
        rc = write ? mdb_txn_begin(s->env, NULL, 0, out) : begin_reading(s, out);
    return rc;
}

int lm_begin(struct berth_state *s, uint32_t flags, berth_deadline deadline,
             struct berth_txn **out, struct berth_error *err)
{
    int write = (flags & BERTH_TXN_WRITE) != 0, r, rc;
    struct berth_txn *t;

    if (write && s->readonly)
        return berth_fail(s->h, err, EROFS, "%s is open for reading only", s->path);
    t = calloc(1, sizeof(*t));
    if (!t)
        return berth_fail(s->h, err, ENOMEM, "out of memory");
    r = enter(s, write, deadline, err);
    if (r < 0) {
        free(t);
        return r;
    }
    t->s = s;
    t->flags = flags;
    r = lm_still_there(s, err);
    if (r == 0 && (rc = begin_lmdb(s, write, &t->txn)) != 0)
        r = lm_fail(s, err, rc, "beginning a transaction");
    if (r < 0) {
        leave(s, write);
        free(t);
        return r;
    }
    *out = t;
    return 0;
}

/* Keep a transaction that read for the next one. */
static void put_by(struct berth_state *s, MDB_txn *txn)
{
    mdb_txn_reset(txn);
    pthread_mutex_lock(&s->mutex);
    if (!s->spare) {
        s->spare = txn;
        txn = NULL;
    }
    pthread_mutex_unlock(&s->mutex);
    mdb_txn_abort(txn);
}

void lm_rollback(struct berth_txn *t)
{
    int write;

    if (!t)
        return;
    write = (t->flags & BERTH_TXN_WRITE) != 0;
    if (t->cursor)
        mdb_cursor_close(t->cursor);
    if (write)
        mdb_txn_abort(t->txn);
    else
        put_by(t->s, t->txn);
    leave(t->s, write);
    free(t);
}

struct refusal {
    struct berth_state *s;
    struct berth_error *err;
};

static int refuse(void *arg, const char *line)
{
    struct refusal *to = arg;

    return berth_fail(to->s->h, to->err, ENOENT, "%s: %s", to->s->path, line);
}

int lm_commit(struct berth_txn *t, struct berth_error *err)
{
    struct berth_state *s = t->s;
    struct refusal to = {s, err};
    int r = lm_usable(t, 0, err), rc;

    if (r == 0 && (t->flags & BERTH_TXN_WRITE) && (t->flags & BERTH_TXN_BULK))
        r = lm_dangling(t, refuse, &to);
    if (r < 0 || !(t->flags & BERTH_TXN_WRITE)) {
        lm_rollback(t);
        return r;
    }
    rc = mdb_txn_commit(t->txn);
    if (rc)
        r = lm_fail(s, err, rc, "committing");
    leave(s, 1);
    free(t);
    return r;
}
