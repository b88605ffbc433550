/* SPDX-License-Identifier: Apache-2.0 */
/* Statements, what they return, and what their failures mean. */
#include "sqlite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sqlite3_stmt *sq_stmt(struct berth_state *s, int slot, const char *sql, int *r,
                      struct berth_error *err)
{
    int rc;

    if (s->stmts[slot])
        return s->stmts[slot];
    rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmts[slot], NULL);
    if (rc == SQLITE_OK)
        return s->stmts[slot];
    *r = sq_fail(s, err, rc, NULL);
    return NULL;
}

void sq_finalize_all(struct berth_state *s)
{
    for (int i = 0; i < SQ_STATEMENTS; i++) {
        sqlite3_finalize(s->stmts[i]);
        s->stmts[i] = NULL;
    }
}

void sq_done(sqlite3_stmt *stmt)
{
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
}

void sq_bind(sqlite3_stmt *stmt, int i, const char *s)
{
    if (s)
        sqlite3_bind_text(stmt, i, s, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(stmt, i);
}

void sq_bind_blob(sqlite3_stmt *stmt, int i, const struct berth_blob *b)
{
    if (b->data && b->len)
        sqlite3_bind_blob64(stmt, i, b->data, b->len, SQLITE_STATIC);
    else if (b->data)
        sqlite3_bind_zeroblob(stmt, i, 0);
    else /* the column cannot be NULL; podman takes this for one with every default */
        sqlite3_bind_blob64(stmt, i, "{}", 2, SQLITE_STATIC);
}

int sq_run(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);

    if (rc == SQLITE_DONE || rc == SQLITE_ROW)
        rc = SQLITE_OK;
    else
        rc = sqlite3_extended_errcode(sqlite3_db_handle(stmt));
    sq_done(stmt);
    return rc;
}

/* -------------------------------------------------------------------- failures */

static int errno_of(struct berth_state *s, int rc)
{
    int system = s->db ? sqlite3_system_errno(s->db) : 0;

    if (rc == SQLITE_IOERR_NOMEM)
        return ENOMEM;
    if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
        return ENOENT;
    if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY)
        return EEXIST;
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return s->waited ? s->waited : EBUSY;
    case SQLITE_INTERRUPT:
        return ECANCELED;
    case SQLITE_NOMEM:
        return ENOMEM;
    case SQLITE_FULL:
        return ENOSPC;
    case SQLITE_IOERR:
        return system == ENOSPC || system == EDQUOT ? ENOSPC : EIO;
    case SQLITE_READONLY:
        return EROFS;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return system ? system : EACCES;
    case SQLITE_TOOBIG:
        return EFBIG;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return EINVAL;
    default: /* a missing table or column, or damaged pages */
        return EUCLEAN;
    }
}

int sq_fail(struct berth_state *s, struct berth_error *err, int rc, const char *fmt, ...)
{
    const char *text = s->db && sqlite3_errcode(s->db) != SQLITE_OK ? sqlite3_errmsg(s->db)
                                                                    : sqlite3_errstr(rc);
    int code = errno_of(s, rc);
    char what[512] = "";
    va_list ap;

    if (rc == SQLITE_READONLY_ROLLBACK || rc == SQLITE_READONLY_RECOVERY)
        text = "a write that was cut short has to be undone first, which needs writing";

    if (s->in_txn && s->db && sqlite3_get_autocommit(s->db))
        s->txn.broken = 1;
    if (fmt) {
        va_start(ap, fmt);
        vsnprintf(what, sizeof(what), fmt, ap);
        va_end(ap);
    }
    return berth_fail(s->h, err, code, "%s: %s%s%s", s->path, what, *what ? ": " : "", text);
}

/* --------------------------------------------------------------------- columns */

static int bad_column(struct berth_state *s, sqlite3_stmt *stmt, int column, const char *what,
                      const char *why, struct berth_error *err)
{
    return berth_fail(s->h, err, EUCLEAN, "%s: %s: column %s %s", s->path, what,
                      sqlite3_column_name(stmt, column), why);
}

int sq_text(struct berth_state *s, sqlite3_stmt *stmt, int column, const char *what,
            const char **out, struct berth_error *err)
{
    const char *text;

    *out = NULL;
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
        return 1;
    if (sqlite3_column_type(stmt, column) != SQLITE_TEXT)
        return bad_column(s, stmt, column, what, "is not text", err);
    text = (const char *)sqlite3_column_text(stmt, column);
    if (!text)
        return sq_fail(s, err, SQLITE_NOMEM, NULL);
    if (strlen(text) != (size_t)sqlite3_column_bytes(stmt, column))
        return bad_column(s, stmt, column, what, "has a NUL byte in it", err);
    if (!*text)
        return 1;
    *out = text;
    return 0;
}

int sq_blob(struct berth_state *s, sqlite3_stmt *stmt, int column, const char *what,
            struct berth_blob *out, struct berth_error *err)
{
    *out = (struct berth_blob){NULL, 0};
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_NULL:
        return 0;
    case SQLITE_TEXT:
        out->data = sqlite3_column_text(stmt, column);
        break;
    case SQLITE_BLOB:
        out->data = sqlite3_column_blob(stmt, column);
        break;
    default:
        return bad_column(s, stmt, column, what, "is a number instead of a document", err);
    }
    out->len = (size_t)sqlite3_column_bytes(stmt, column);
    if (!out->data && out->len)
        return sq_fail(s, err, SQLITE_NOMEM, NULL);
    if (!out->data)
        out->data = "";
    return 0;
}

int sq_int(struct berth_state *s, sqlite3_stmt *stmt, int column, const char *what, int64_t min,
           int64_t max, int64_t *out, struct berth_error *err)
{
    int type = sqlite3_column_type(stmt, column);

    *out = 0;
    if (type == SQLITE_NULL)
        return 0;
    if (type != SQLITE_INTEGER)
        return bad_column(s, stmt, column, what, "is not a whole number", err);
    *out = sqlite3_column_int64(stmt, column);
    if (*out < min || *out > max)
        return bad_column(s, stmt, column, what, "is out of range", err);
    return 0;
}

char *sq_keep(struct berth_txn *t, const void *data, size_t len)
{
    struct sq_chunk *c = malloc(sizeof(*c) + len + 1);

    if (!c)
        return NULL;
    c->before = t->chunks;
    t->chunks = c;
    if (len)
        memcpy(c->bytes, data, len);
    c->bytes[len] = '\0';
    return c->bytes;
}

void sq_forget(struct berth_txn *t)
{
    while (t->chunks) {
        struct sq_chunk *c = t->chunks;

        t->chunks = c->before;
        free(c);
    }
}
