/* SPDX-License-Identifier: Apache-2.0 */
/* Records: a row in a table of configurations and one in a table of states. */
#include "sqlite.h"
#include <stdio.h>
#include <string.h>

static const struct sq_kind kinds[] = {
    {NULL, NULL, NULL, NULL, NULL},
    {"container", "ContainerConfig", "ContainerState", "ID", "c.PodID"},
    {"pod", "PodConfig", "PodState", "ID", "s.InfraContainerID"},
    {"volume", "VolumeConfig", "VolumeState", "Name", "c.StorageID"},
};

const struct sq_kind *sq_kind(uint32_t kind)
{
    return kind >= BERTH_CONTAINER && kind <= BERTH_VOLUME ? &kinds[kind] : NULL;
}

static int no_kind(struct berth_txn *t, const char *operation, struct berth_error *err)
{
    return berth_fail(t->s->h, err, EINVAL, "%s of no kind or without an ID", operation);
}

static int no_record(struct berth_txn *t, uint32_t kind, const char *id,
                     struct berth_error *err)
{
    return berth_fail(t->s->h, err, ENOENT, "no %s \"%s\" in %s", kinds[kind].name, id,
                      t->s->path);
}

/* ----------------------------------------------------------------- reading */

enum by { BY_ID, BY_ORDER, BY_PREFIX, BY_EXTRA, BY_EXTRA_PREFIX };

enum column { C_ID, C_NAME, C_EXTRA, C_STATUS, C_EXIT, C_CONFIG, C_STATE };

/* The SELECT of the columns that `want` asks for.  What is not asked for is not read:
 * a document has pages of its own. */
static sqlite3_stmt *select_stmt(struct berth_txn *t, uint32_t kind, enum by by, uint64_t want,
                                 int *r, struct berth_error *err)
{
    const struct sq_kind *k = &kinds[kind];
    int config = (want & BERTH_REC_CONFIG) != 0, state = (want & BERTH_REC_STATE) != 0;
    int attrs = (want & BERTH_REC_ATTRS) != 0;
    int join = state || (attrs && kind != BERTH_VOLUME);
    int slot =
        SQ_SELECT + ((int)kind << 6) + ((int)by << 3) + (config | state << 1 | attrs << 2);
    char sql[640], from[160] = "", where[160];

    if (t->s->stmts[slot])
        return t->s->stmts[slot];
    if (join)
        snprintf(from, sizeof(from), "LEFT JOIN %s s ON s.%s=c.%s", k->state, k->key, k->key);
    if (by == BY_ID)
        snprintf(where, sizeof(where), "WHERE c.%s=?1", k->key);
    else if (by == BY_PREFIX)
        snprintf(where, sizeof(where), "WHERE c.%s>=?1 ORDER BY c.%s", k->key, k->key);
    else if (by == BY_EXTRA)
        snprintf(where, sizeof(where), "WHERE %s=?2 ORDER BY c.%s", k->extra, k->key);
    else if (by == BY_EXTRA_PREFIX)
        snprintf(where, sizeof(where), "WHERE %s=?2 AND c.%s>=?1 ORDER BY c.%s", k->extra,
                 k->key, k->key);
    else
        snprintf(where, sizeof(where), "ORDER BY c.%s", k->key);
    snprintf(sql, sizeof(sql), "SELECT c.%s, c.Name, %s, %s, %s, %s, %s FROM %s c %s %s",
             k->key, attrs ? k->extra : "NULL",
             attrs && kind == BERTH_CONTAINER ? "s.State" : "NULL",
             attrs && kind == BERTH_CONTAINER ? "s.ExitCode" : "NULL",
             config ? "c.JSON" : "NULL AS JSON", state ? "s.JSON" : "NULL AS JSON", k->config,
             from, where);
    return sq_stmt(t->s, slot, sql, r, err);
}

static int row_attrs(struct berth_txn *t, sqlite3_stmt *stmt, const char *what,
                     struct berth_record *out, struct berth_error *err)
{
    const char **extra = out->kind == BERTH_CONTAINER ? &out->pod
                         : out->kind == BERTH_POD     ? &out->infra
                                                      : &out->storage_id;
    int64_t status = 0, code = 0;
    int r = sq_text(t->s, stmt, C_EXTRA, what, extra, err);

    if (r >= 0)
        r = sq_int(t->s, stmt, C_STATUS, what, INT32_MIN, INT32_MAX, &status, err);
    if (r >= 0)
        r = sq_int(t->s, stmt, C_EXIT, what, INT32_MIN, INT32_MAX, &code, err);
    out->status = (int32_t)status;
    out->exit_code = (int32_t)code;
    return r < 0 ? r : 0;
}

/* The record of the current row.  Its strings are SQLite's until the next step. */
static int row_record(struct berth_txn *t, sqlite3_stmt *stmt, uint32_t kind, uint64_t want,
                      struct berth_record *out, struct berth_error *err)
{
    struct berth_state *s = t->s;
    char what[160];
    int r;

    memset(out, 0, sizeof(*out));
    out->size = sizeof(*out);
    out->kind = kind;
    out->has = want & BERTH_REC_ALL;
    snprintf(what, sizeof(what), "table %s", kinds[kind].config);
    r = sq_text(s, stmt, C_ID, what, &out->id, err);
    if (r == 1)
        return berth_fail(s->h, err, EUCLEAN, "%s: %s has a row without %s", s->path, what,
                          kinds[kind].key);
    if (r < 0)
        return r;
    snprintf(what, sizeof(what), "%s %.100s", kinds[kind].name, out->id);
    if (want & BERTH_REC_NAME) {
        r = sq_text(s, stmt, C_NAME, what, &out->name, err);
        if (r == 1)
            r = berth_fail(s->h, err, EUCLEAN, "%s: %s has no name", s->path, what);
    }
    if (r >= 0 && (want & BERTH_REC_ATTRS))
        r = row_attrs(t, stmt, what, out, err);
    if (r >= 0 && (want & BERTH_REC_CONFIG)) {
        r = sq_blob(s, stmt, C_CONFIG, what, &out->config, err);
        if (r == 0 && !out->config.data)
            r = berth_fail(s->h, err, EUCLEAN, "%s: %s has no configuration", s->path, what);
    }
    if (r >= 0 && (want & BERTH_REC_STATE))
        r = sq_blob(s, stmt, C_STATE, what, &out->state, err);
    return r < 0 ? r : 0;
}

static int keep_string(struct berth_txn *t, const char **s)
{
    if (*s && !(*s = sq_keep(t, *s, strlen(*s))))
        return -ENOMEM;
    return 0;
}

static int keep_blob(struct berth_txn *t, struct berth_blob *b)
{
    if (b->data && !(b->data = sq_keep(t, b->data, b->len)))
        return -ENOMEM;
    return 0;
}

static int keep_record(struct berth_txn *t, struct berth_record *r, struct berth_error *err)
{
    if (keep_string(t, &r->id) < 0 || keep_string(t, &r->name) < 0 ||
        keep_string(t, &r->pod) < 0 || keep_string(t, &r->infra) < 0 ||
        keep_string(t, &r->storage_id) < 0 || keep_blob(t, &r->config) < 0 ||
        keep_blob(t, &r->state) < 0)
        return berth_fail(t->s->h, err, ENOMEM, "out of memory");
    return 0;
}

int sq_get(struct berth_txn *t, uint32_t kind, const char *id, uint64_t want,
           struct berth_record *out, struct berth_error *err)
{
    struct berth_record rec;
    sqlite3_stmt *stmt;
    int r = sq_usable(t, 0, err), rc;

    if (r < 0)
        return r;
    if (!sq_kind(kind) || !id)
        return no_kind(t, "get()", err);
    stmt = select_stmt(t, kind, BY_ID, want, &r, err);
    if (!stmt)
        return r;
    sq_bind(stmt, 1, id);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        r = row_record(t, stmt, kind, want, &rec, err);
        if (r == 0)
            r = keep_record(t, &rec, err);
    } else {
        r = rc == SQLITE_DONE ? no_record(t, kind, id, err)
                              : sq_fail(t->s, err, rc, "%s %s", kinds[kind].name, id);
    }
    sq_done(stmt);
    if (r == 0) {
        rec.size = out->size;
        memcpy(out, &rec, out->size < sizeof(rec) ? out->size : sizeof(rec));
    }
    return r;
}

/* 1: there is such a record; 0: there is none. */
int sq_exists(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err)
{
    sqlite3_stmt *stmt;
    int r = 0, rc;

    stmt = select_stmt(t, kind, BY_ID, 0, &r, err);
    if (!stmt)
        return r;
    sq_bind(stmt, 1, id);
    rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        r = sq_fail(t->s, err, rc, "%s %s", kinds[kind].name, id);
    sq_done(stmt);
    return r < 0 ? r : rc == SQLITE_ROW;
}

/* The ID that goes with a name, kept: 1, 0 there is none, or -errno. */
static int find_name(struct berth_txn *t, uint32_t kind, const char *name, const char **id,
                     struct berth_error *err)
{
    char sql[128];
    sqlite3_stmt *stmt;
    int r = 0, rc;

    snprintf(sql, sizeof(sql), "SELECT %s FROM %s WHERE Name=?1", kinds[kind].key,
             kinds[kind].config);
    stmt = sq_stmt(t->s, SQ_RECORD + (int)kind, sql, &r, err);
    if (!stmt)
        return r;
    sq_bind(stmt, 1, name);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        r = sq_text(t->s, stmt, 0, kinds[kind].config, id, err);
        if (r == 1)
            r = berth_fail(t->s->h, err, EUCLEAN, "%s: %s named \"%s\" has no ID", t->s->path,
                           kinds[kind].name, name);
        else if (r == 0)
            r = keep_string(t, id) < 0 ? berth_fail(t->s->h, err, ENOMEM, "out of memory") : 1;
    } else if (rc != SQLITE_DONE) {
        r = sq_fail(t->s, err, rc, "%s named \"%s\"", kinds[kind].name, name);
    }
    sq_done(stmt);
    return r;
}

int sq_resolve(struct berth_txn *t, uint32_t kind, const char *name, uint32_t *out_kind,
               const char **out_id, struct berth_error *err)
{
    const char *id = NULL;
    uint32_t found = kind ? kind : BERTH_CONTAINER;
    int r = sq_usable(t, 0, err);

    if (r < 0)
        return r;
    if (!name || (kind && !sq_kind(kind)))
        return no_kind(t, "resolve()", err);
    r = find_name(t, found, name, &id, err);
    if (r == 0 && !kind)
        r = find_name(t, found = BERTH_POD, name, &id, err);
    if (r < 0)
        return r;
    if (r == 0)
        return berth_fail(t->s->h, err, ENOENT, "no %s named \"%s\" in %s",
                          kind ? kinds[kind].name : "container or pod", name, t->s->path);
    if (out_kind)
        *out_kind = found;
    if (out_id)
        *out_id = id;
    return 0;
}

static int scan_kind(struct berth_txn *t, const struct berth_scan *what, uint32_t kind,
                     berth_record_fn *fn, void *arg, struct berth_error *err)
{
    const char *extra = what->pod ? what->pod : what->storage_id;
    const char *prefix = what->prefix && *what->prefix ? what->prefix : NULL;
    enum by by = extra ? (prefix ? BY_EXTRA_PREFIX : BY_EXTRA) : prefix ? BY_PREFIX : BY_ORDER;
    sqlite3_stmt *stmt;
    int r = 0, rc;

    stmt = select_stmt(t, kind, by, what->want, &r, err);
    if (!stmt)
        return r;
    if (prefix)
        sq_bind(stmt, 1, prefix);
    if (extra)
        sq_bind(stmt, 2, extra);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct berth_record rec;

        r = row_record(t, stmt, kind, what->want, &rec, err);
        if (r == 0 && prefix && strncmp(rec.id, prefix, strlen(prefix)) != 0)
            break;
        if (r == 0)
            r = fn(arg, &rec);
        if (r)
            break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        r = sq_fail(t->s, err, rc, "table %s", kinds[kind].config);
    sq_done(stmt);
    return r;
}

int sq_scan(struct berth_txn *t, const struct berth_scan *what, berth_record_fn *fn, void *arg,
            struct berth_error *err)
{
    int r = sq_usable(t, 0, err);

    if (r == 0 && what->kind && !sq_kind(what->kind))
        r = no_kind(t, "scan()", err);
    for (uint32_t kind = BERTH_CONTAINER; r == 0 && kind <= BERTH_VOLUME; kind++) {
        if (what->kind && what->kind != kind)
            continue;
        if ((what->pod && kind != BERTH_CONTAINER) ||
            (what->storage_id && kind != BERTH_VOLUME))
            continue;
        r = scan_kind(t, what, kind, fn, arg, err);
    }
    return r;
}
