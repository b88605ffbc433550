/* SPDX-License-Identifier: Apache-2.0 */
/* Links: three tables.  Networks are none of them, they are in the configurations. */
#include "sqlite.h"
#include <stdio.h>
#include <string.h>

static const struct table {
    const char *name, *from, *to;
    const char *word; /* for messages */
    uint32_t to_kind;
} tables[] = {
    [BERTH_LINK_DEPENDS] = {"ContainerDependency", "ID", "DependencyID", "dependency",
                            BERTH_CONTAINER},
    [BERTH_LINK_VOLUME] = {"ContainerVolume", "ContainerID", "VolumeName", "volume",
                           BERTH_VOLUME},
    [BERTH_LINK_NETWORK] = {NULL, NULL, NULL, "network", 0},
    [BERTH_LINK_EXEC] = {"ContainerExecSession", "ID", "ContainerID", "exec session",
                         BERTH_CONTAINER},
};

enum purpose {
    L_ADD,
    L_DROP,
    L_GET,
    L_GET_FROM,
    L_ANY,
    L_FROM,
    L_TO,
    L_DROP_FROM,
    L_DROP_TO,
    L_DROP_ALL
};

static const struct table *table_of(struct berth_txn *t, uint32_t kind, int write, int *r,
                                    struct berth_error *err)
{
    *r = sq_usable(t, write, err);
    if (*r < 0)
        return NULL;
    if (kind == BERTH_LINK_NETWORK)
        *r = berth_fail(t->s->h, err, ENOTSUP, "SQLite keeps networks in the configurations");
    else if (kind < BERTH_LINK_DEPENDS || kind > BERTH_LINK_EXEC)
        *r = berth_fail(t->s->h, err, EINVAL, "a link of no kind");
    else
        return &tables[kind];
    return NULL;
}

static sqlite3_stmt *link_stmt(struct berth_txn *t, uint32_t kind, enum purpose what, int *r,
                               struct berth_error *err)
{
    const struct table *table = &tables[kind];
    const char *from = table->from, *to = table->to;
    int slot = SQ_LINK + (int)kind * 12 + (int)what;
    char columns[96], where[128] = "", sql[320];

    if (t->s->stmts[slot])
        return t->s->stmts[slot];
    snprintf(columns, sizeof(columns), "SELECT %s, %s", from, to);
    switch (what) {
    case L_DROP:
    case L_GET:
        snprintf(where, sizeof(where), " WHERE %s=?1 AND %s=?2", from, to);
        break;
    case L_FROM:
        snprintf(where, sizeof(where), " WHERE %s=?1 ORDER BY %s", from, to);
        break;
    case L_TO:
        snprintf(where, sizeof(where), " WHERE %s=?1 ORDER BY %s", to, from);
        break;
    case L_ANY:
        snprintf(where, sizeof(where), " ORDER BY %s, %s", from, to);
        break;
    case L_GET_FROM:
    case L_DROP_FROM:
        snprintf(where, sizeof(where), " WHERE %s=?1", from);
        break;
    case L_DROP_TO:
        snprintf(where, sizeof(where), " WHERE %s=?1", to);
        break;
    case L_ADD:
    case L_DROP_ALL:
        break;
    }
    if (what == L_ADD)
        snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO %s(%s, %s) VALUES(?1, ?2)",
                 table->name, from, to);
    else
        snprintf(sql, sizeof(sql), "%s FROM %s%s",
                 what == L_DROP || what >= L_DROP_FROM ? "DELETE" : columns, table->name,
                 where);
    return sq_stmt(t->s, slot, sql, r, err);
}

/* The link in the current row; its strings are SQLite's. */
static int row_link(struct berth_txn *t, sqlite3_stmt *stmt, uint32_t kind,
                    struct berth_link *out, struct berth_error *err)
{
    int r;

    memset(out, 0, sizeof(*out));
    out->size = sizeof(*out);
    out->kind = kind;
    r = sq_text(t->s, stmt, 0, tables[kind].name, &out->from, err);
    if (r == 0)
        r = sq_text(t->s, stmt, 1, tables[kind].name, &out->to, err);
    if (r == 1)
        r = berth_fail(t->s->h, err, EUCLEAN, "%s: table %s has a row without an end",
                       t->s->path, tables[kind].name);
    return r;
}

static int no_link(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                   struct berth_error *err)
{
    return berth_fail(t->s->h, err, ENOENT, "no %s %s -> %s in %s", tables[kind].word, from,
                      to ? to : "(any)", t->s->path);
}

/* Read one link: 1 and *out with strings that are kept, 0 there is none. */
static int find_link(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                     struct berth_link *out, struct berth_error *err)
{
    int r = 0, rc;
    sqlite3_stmt *stmt = link_stmt(t, kind, to ? L_GET : L_GET_FROM, &r, err);

    if (!stmt)
        return r;
    sq_bind(stmt, 1, from);
    if (to)
        sq_bind(stmt, 2, to);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        r = row_link(t, stmt, kind, out, err);
        if (r == 0) {
            out->from = sq_keep(t, out->from, strlen(out->from));
            out->to = sq_keep(t, out->to, strlen(out->to));
            r = out->from && out->to ? 1 : berth_fail(t->s->h, err, ENOMEM, "out of memory");
        }
    } else if (rc != SQLITE_DONE) {
        r = sq_fail(t->s, err, rc, "table %s", tables[kind].name);
    }
    sq_done(stmt);
    return r;
}

/* ----------------------------------------------------------------- writing */

static int end_missing(struct berth_txn *t, uint32_t kind, const char *id, const char *which,
                       struct berth_error *err)
{
    int r = sq_exists(t, kind, id, err);

    if (r)
        return r < 0 ? r : 0;
    return berth_fail(t->s->h, err, ENOENT, "no %s %s to link %s", sq_kind(kind)->name, id,
                      which);
}

/* What INSERT ignored: is it the same link? */
static int same_session(struct berth_txn *t, const struct berth_link *link,
                        struct berth_error *err)
{
    struct berth_link old;
    int r = find_link(t, link->kind, link->from, NULL, &old, err);

    if (r < 0 || (r == 1 && strcmp(old.to, link->to) == 0))
        return r < 0 ? r : 0;
    if (!(t->flags & BERTH_TXN_BULK) &&
        (r = end_missing(t, BERTH_CONTAINER, link->to, "to", err)) < 0)
        return r;
    return berth_fail(t->s->h, err, EEXIST, "exec session %s belongs to another container",
                      link->from);
}

int sq_link(struct berth_txn *t, const struct berth_link *link, struct berth_error *err)
{
    const struct table *table;
    sqlite3_stmt *stmt;
    int r, rc;

    if (!BERTH_FITS(link, value) || !link->from || !*link->from || !link->to || !*link->to)
        return berth_fail(t->s->h, err, EINVAL, "a link without kind or ends");
    if (!(table = table_of(t, link->kind, 1, &r, err)))
        return r;
    if (link->kind == BERTH_LINK_DEPENDS && strcmp(link->from, link->to) == 0)
        return berth_fail(t->s->h, err, EINVAL, "container %s cannot depend on itself",
                          link->from);
    /* The key of this end is checked at commit, too late to say what was wrong. */
    if (link->kind != BERTH_LINK_EXEC && !(t->flags & BERTH_TXN_BULK) &&
        (r = end_missing(t, BERTH_CONTAINER, link->from, "from", err)) < 0)
        return r;
    if (!(stmt = link_stmt(t, link->kind, L_ADD, &r, err)))
        return r;
    sq_bind(stmt, 1, link->from);
    sq_bind(stmt, 2, link->to);
    rc = sq_run(stmt);
    if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
        return berth_fail(t->s->h, err, ENOENT, "no %s %s to link to",
                          sq_kind(table->to_kind)->name, link->to);
    if (rc != SQLITE_OK)
        return sq_fail(t->s, err, rc, "%s %s -> %s", table->word, link->from, link->to);
    if (link->kind == BERTH_LINK_EXEC && sqlite3_changes(t->s->db) == 0)
        return same_session(t, link, err);
    return 0;
}

int sq_unlink(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
              struct berth_error *err)
{
    const struct table *table;
    sqlite3_stmt *stmt;
    int r, rc;

    if (!(table = table_of(t, kind, 1, &r, err)))
        return r;
    if (!from || (!to && kind != BERTH_LINK_EXEC))
        return berth_fail(t->s->h, err, EINVAL, "a link without its ends");
    if (!(stmt = link_stmt(t, kind, to ? L_DROP : L_DROP_FROM, &r, err)))
        return r;
    sq_bind(stmt, 1, from);
    if (to)
        sq_bind(stmt, 2, to);
    rc = sq_run(stmt);
    if (rc != SQLITE_OK)
        return sq_fail(t->s, err, rc, "%s of %s", table->word, from);
    return sqlite3_changes(t->s->db) ? 0 : no_link(t, kind, from, to, err);
}

static int check_end(struct berth_txn *t, uint32_t end, const char *key,
                     struct berth_error *err)
{
    if (end <= BERTH_TO && (end == BERTH_ANY) == !key)
        return 0;
    return berth_fail(t->s->h, err, EINVAL, "links without their end");
}

int64_t sq_unlink_all(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                      struct berth_error *err)
{
    static const enum purpose by[] = {L_DROP_ALL, L_DROP_FROM, L_DROP_TO};
    const struct table *table;
    sqlite3_stmt *stmt;
    int r, rc;

    if (!(table = table_of(t, kind, 1, &r, err)) || (r = check_end(t, end, key, err)) < 0 ||
        !(stmt = link_stmt(t, kind, by[end], &r, err)))
        return r;
    if (key)
        sq_bind(stmt, 1, key);
    rc = sq_run(stmt);
    return rc == SQLITE_OK ? sqlite3_changes64(t->s->db)
                           : sq_fail(t->s, err, rc, "table %s", table->name);
}

/* ----------------------------------------------------------------- reading */

int sq_linked(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
              struct berth_link *out, struct berth_error *err)
{
    struct berth_link l;
    int r;

    if (!table_of(t, kind, 0, &r, err))
        return r;
    if (!from || (!to && kind != BERTH_LINK_EXEC))
        return berth_fail(t->s->h, err, EINVAL, "a link without its ends");
    r = find_link(t, kind, from, to, &l, err);
    if (r == 0)
        return no_link(t, kind, from, to, err);
    if (r < 0)
        return r;
    if (out) {
        l.size = out->size;
        memcpy(out, &l, out->size < sizeof(l) ? out->size : sizeof(l));
    }
    return 0;
}

int sq_links(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
             berth_link_fn *fn, void *arg, struct berth_error *err)
{
    static const enum purpose by[] = {L_ANY, L_FROM, L_TO};
    const struct table *table;
    sqlite3_stmt *stmt;
    int r, rc;

    if (!(table = table_of(t, kind, 0, &r, err)) || (r = check_end(t, end, key, err)) < 0 ||
        !(stmt = link_stmt(t, kind, by[end], &r, err)))
        return r;
    if (key)
        sq_bind(stmt, 1, key);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct berth_link l;

        r = row_link(t, stmt, kind, &l, err);
        if (r == 0)
            r = fn(arg, &l);
        if (r)
            break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        r = sq_fail(t->s, err, rc, "table %s", table->name);
    sq_done(stmt);
    return r;
}
