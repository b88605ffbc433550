/* SPDX-License-Identifier: Apache-2.0 */
/* peer_sqlite.c - SQLite called by hand, on the same file. */
#include "tests/bench/bench_state.h"

#include <sqlite3.h>
#include <stdio.h>

static sqlite3 *db;
static sqlite3_stmt *get_stmt, *scan_stmt, *put_stmt;
static const struct documents *docs;
static size_t n_docs, seen;

static int prepare(const char *sql, sqlite3_stmt **out)
{
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK
               ? 0
               : -1;
}

static int run(const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

static int by_hand_open(const char *dir, const struct documents *all, size_t n)
{
    char path[4096];

    docs = all;
    n_docs = n;
    snprintf(path, sizeof(path), "%s/db.sql", dir);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ||
        sqlite3_busy_timeout(db, 10000) || run("PRAGMA foreign_keys=1") ||
        run("PRAGMA synchronous=FULL") ||
        prepare("SELECT JSON FROM ContainerConfig WHERE ID=?1", &get_stmt) ||
        prepare("SELECT c.ID, c.JSON, s.JSON FROM ContainerConfig c JOIN ContainerState s "
                "ON s.ID=c.ID ORDER BY c.ID",
                &scan_stmt) ||
        prepare("UPDATE ContainerState SET JSON=?2 WHERE ID=?1", &put_stmt)) {
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
        return -1;
    }
    return 0;
}

static int gets(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sqlite3_bind_text(get_stmt, 1, docs[order_of(i, n_docs)].id, -1, SQLITE_STATIC);
        if (sqlite3_step(get_stmt) != SQLITE_ROW || !sqlite3_column_text(get_stmt, 0))
            return -1;
        seen += (size_t)sqlite3_column_bytes(get_stmt, 0);
        sqlite3_reset(get_stmt);
    }
    return 0;
}

static double by_hand_get(size_t n)
{
    double start = seconds();

    return run("BEGIN") || gets(n) || run("COMMIT") ? -1 : seconds() - start;
}

static double by_hand_get_again(size_t n)
{
    double start;

    if (run("BEGIN") || gets(n))
        return -1;
    start = seconds();
    for (int i = 0; i < AGAIN; i++) {
        if (gets(n))
            return -1;
    }
    start = seconds() - start;
    return run("COMMIT") ? -1 : start;
}

static double by_hand_scan(void)
{
    double start = seconds();

    if (run("BEGIN"))
        return -1;
    while (sqlite3_step(scan_stmt) == SQLITE_ROW) {
        for (int i = 0; i < 3; i++) {
            if (!sqlite3_column_text(scan_stmt, i))
                return -1;
            seen += (size_t)sqlite3_column_bytes(scan_stmt, i);
        }
    }
    return sqlite3_reset(scan_stmt) || run("COMMIT") ? -1 : seconds() - start;
}

static double by_hand_put(size_t n)
{
    double start = seconds();

    for (size_t i = 0; i < n; i++) {
        const struct documents *d = &docs[order_of(i, n_docs)];

        change(d);
        if (run("BEGIN EXCLUSIVE"))
            return -1;
        sqlite3_bind_text(put_stmt, 1, d->id, -1, SQLITE_STATIC);
        sqlite3_bind_text(put_stmt, 2, d->state, (int)d->state_len, SQLITE_STATIC);
        if (sqlite3_step(put_stmt) != SQLITE_DONE || sqlite3_reset(put_stmt) || run("COMMIT"))
            return -1;
    }
    return seconds() - start;
}

static void by_hand_close(void)
{
    sqlite3_finalize(get_stmt);
    sqlite3_finalize(scan_stmt);
    sqlite3_finalize(put_stmt);
    sqlite3_close(db);
}

const struct peer peer_sqlite = {
    .name = "SQLite by hand",
    .open = by_hand_open,
    .get = by_hand_get,
    .get_again = by_hand_get_again,
    .scan = by_hand_scan,
    .put = by_hand_put,
    .close = by_hand_close,
};
