/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions.  A writing one begins EXCLUSIVE, as podman's do: one that first reads
 * and then wants to write would be refused at once instead of waiting.  A reading one
 * takes its lock at once as well, so that all it reads is of one moment.
 */
#include "sqlite.h"
#include <stdio.h>
#include <time.h>

static uint64_t monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

berth_deadline sq_patience(const struct berth_state *s)
{
    return monotonic() + (uint64_t)(s->busy_timeout > 0 ? s->busy_timeout : 0);
}

/* SQLite's busy handler: wait a little and say 1, or give up. */
int sq_busy(void *arg, int n)
{
    struct berth_state *s = arg;
    uint64_t now = monotonic(), pause = n < 6 ? 100000u << n : 5000000u;
    struct timespec ts;

    s->waited = s->deadline == BERTH_NO_WAIT  ? EBUSY
                : now >= s->deadline          ? ETIMEDOUT
                : s->h->cancelled(s->h->core) ? ECANCELED
                                              : 0;
    if (s->waited)
        return 0;
    if (pause > s->deadline - now)
        pause = s->deadline - now;
    ts.tv_sec = (time_t)(pause / 1000000000u);
    ts.tv_nsec = (long)(pause % 1000000000u);
    nanosleep(&ts, NULL);
    return 1;
}

int sq_usable(struct berth_txn *t, int write, struct berth_error *err)
{
    if (t->broken)
        return berth_fail(t->s->h, err, ENOTRECOVERABLE,
                          "%s: the transaction can only be rolled back", t->s->path);
    if (write && !(t->flags & BERTH_TXN_WRITE))
        return berth_fail(t->s->h, err, EROFS, "this transaction only reads");
    return 0;
}

int sq_break(struct berth_txn *t, int r)
{
    t->broken = 1;
    return r;
}

/* Whoever moves the file away does so between transactions; writes to it would be
 * lost with it. */
static int still_there(struct berth_state *s, struct berth_error *err)
{
    int moved = 0;

    sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (!moved)
        return 0;
    return berth_fail(s->h, err, ESTALE, "%s was moved or replaced since it was opened",
                      s->path);
}

/* Take the lock by reading what has to be read anyway: the schema may have been
 * raised by a newer podman. */
static int read_version(struct berth_state *s, struct berth_error *err)
{
    int r = 0, rc;
    sqlite3_stmt *stmt = sq_stmt(s, SQ_VERSION, "SELECT SchemaVersion FROM DBConfig", &r, err);
    int64_t version = SQ_SCHEMA_VERSION;

    if (!stmt)
        return r;
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        r = sq_int(s, stmt, 0, "table DBConfig", INT64_MIN, INT64_MAX, &version, err);
    else if (rc != SQLITE_DONE)
        r = sq_fail(s, err, rc, "beginning a transaction");
    sq_done(stmt);
    return r < 0 ? r : sq_version_ok(s, version, err);
}

static int run_slot(struct berth_state *s, int slot, const char *sql, const char *what,
                    struct berth_error *err)
{
    int r = 0, rc;
    sqlite3_stmt *stmt = sq_stmt(s, slot, sql, &r, err);

    if (!stmt)
        return r;
    rc = sq_run(stmt);
    return rc == SQLITE_OK ? 0 : sq_fail(s, err, rc, "%s", what);
}

static void roll_back(struct berth_state *s)
{
    if (!sqlite3_get_autocommit(s->db))
        run_slot(s, SQ_ROLLBACK, "ROLLBACK", "rolling back", NULL);
}

/* What goes through all of the store meets its pages in no order: 64 MB of them stay in memory
 * (2 otherwise), where reading each again and again took most of the time. */
int sq_expect_all(struct berth_state *s, struct berth_error *err)
{
    int rc = sqlite3_exec(s->db, "PRAGMA cache_size=-65536", NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : sq_fail(s, err, rc, "beginning a transaction");
}

/* The pragma acts when it is compiled, so it is not kept prepared. */
static int defer_keys(struct berth_state *s, struct berth_error *err)
{
    int rc = sqlite3_exec(s->db, "PRAGMA defer_foreign_keys=ON", NULL, NULL, NULL);

    return rc == SQLITE_OK ? sq_expect_all(s, err)
                           : sq_fail(s, err, rc, "beginning a transaction");
}

int sq_begin(struct berth_state *s, uint32_t flags, berth_deadline deadline,
             struct berth_txn **out, struct berth_error *err)
{
    int write = (flags & BERTH_TXN_WRITE) != 0, r;

    if (write && s->readonly)
        return berth_fail(s->h, err, EROFS, "%s is open for reading only", s->path);
    if (s->in_txn)
        return berth_fail(s->h, err, EBUSY, "%s is in a transaction already", s->path);
    s->deadline = deadline;
    s->waited = 0;
    if (s->unready) {
        r = sq_ready(s, err);
        if (r < 0)
            return r;
        s->unready = 0;
    }
    r = write
            ? run_slot(s, SQ_BEGIN_EXCLUSIVE, "BEGIN EXCLUSIVE", "beginning a transaction", err)
            : run_slot(s, SQ_BEGIN, "BEGIN", "beginning a transaction", err);
    if (r == 0)
        r = read_version(s, err);
    if (r == 0)
        r = still_there(s, err);
    if (r == 0 && write && (flags & BERTH_TXN_BULK))
        r = defer_keys(s, err);
    if (r < 0) {
        roll_back(s);
        return r;
    }
    s->txn = (struct berth_txn){.s = s, .flags = flags};
    s->in_txn = 1;
    *out = &s->txn;
    return 0;
}

static void finish(struct berth_txn *t)
{
    sq_forget(t);
    /* What is compiled while keys are deferred has no way back from a single row: used
     * later it would report a missing end and leave the row there all the same. */
    if (t->flags & BERTH_TXN_BULK)
        sq_finalize_all(t->s);
    t->s->in_txn = 0;
}

void sq_rollback(struct berth_txn *t)
{
    if (!t)
        return;
    roll_back(t->s);
    finish(t);
}

/* Name the first row whose other end is gone; the keys are checked at commit only for
 * rows that a bulk transaction left so. */
static int name_dangling(struct berth_state *s, struct berth_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int r = 0;

    if (sqlite3_prepare_v2(s->db, "PRAGMA foreign_key_check", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(stmt, 0);
        const char *parent = (const char *)sqlite3_column_text(stmt, 2);

        r = berth_fail(s->h, err, ENOENT, "%s: a row of %s names what is not in %s", s->path,
                       table ? table : "?", parent ? parent : "?");
    }
    sqlite3_finalize(stmt);
    return r;
}

int sq_commit(struct berth_txn *t, struct berth_error *err)
{
    struct berth_state *s = t->s;
    sqlite3_stmt *stmt;
    int r = sq_usable(t, 0, err), rc;

    if (r == 0 && (stmt = sq_stmt(s, SQ_COMMIT, "COMMIT", &r, err))) {
        s->waited = 0;
        rc = sq_run(stmt);
        if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
            r = name_dangling(s, err);
        if (rc != SQLITE_OK && r == 0)
            r = sq_fail(s, err, rc, "committing");
    }
    roll_back(s);
    finish(t);
    return r;
}
