/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing records.  Each operation runs first the statement that may be refused, so
 * that a refusal leaves the transaction as it was; a failure after that breaks it.
 */
#include "sqlite.h"
#include <stdio.h>
#include <string.h>

enum write {
    W_NAME, /* of find_name() in records.c */
    W_ADD_CONFIG,
    W_ADD_STATE,
    W_SET_NAME,
    W_SET_CONFIG,
    W_SET_STATE,
    W_SET_ATTRS,
    W_DROP_CONFIG,
    W_DROP_STATE,
};

static sqlite3_stmt *write_stmt(struct berth_txn *t, enum write what, uint32_t kind,
                                const char *sql, int *r, struct berth_error *err)
{
    return sq_stmt(t->s, SQ_RECORD + (int)what * 4 + (int)kind, sql, r, err);
}

static int check_record(struct berth_txn *t, const struct berth_record *rec,
                        struct berth_error *err)
{
    const struct berth_host *h = t->s->h;
    const struct sq_kind *k;
    int r = sq_usable(t, 1, err);

    if (r < 0)
        return r;
    k = BERTH_FITS(rec, state) ? sq_kind(rec->kind) : NULL;
    if (!k || !rec->id || !*rec->id)
        return berth_fail(h, err, EINVAL, "a record without kind or ID");
    if ((rec->has & BERTH_REC_NAME) && rec->kind == BERTH_VOLUME &&
        (!rec->name || strcmp(rec->name, rec->id) != 0))
        return berth_fail(h, err, EINVAL, "volume \"%s\" cannot have another name", rec->id);
    if ((rec->has & BERTH_REC_NAME) && (!rec->name || !*rec->name))
        return berth_fail(h, err, EINVAL, "%s %s has no name", k->name, rec->id);
    if ((rec->has & BERTH_REC_CONFIG) && !rec->config.data)
        return berth_fail(h, err, EINVAL, "%s %s has no configuration", k->name, rec->id);
    if ((rec->has & BERTH_REC_ATTRS) && rec->kind == BERTH_CONTAINER &&
        (rec->exit_code < -1 || rec->exit_code > 255))
        return berth_fail(h, err, EINVAL, "container %s: exit code %d is not within -1 to 255",
                          rec->id, rec->exit_code);
    return 0;
}

/* Run a statement whose failure leaves an operation half done. */
static int run_rest(struct berth_txn *t, sqlite3_stmt *stmt, const struct berth_record *rec,
                    struct berth_error *err)
{
    int rc = sq_run(stmt);

    if (rc == SQLITE_OK)
        return 0;
    return sq_break(t, sq_fail(t->s, err, rc, "%s %s", sq_kind(rec->kind)->name, rec->id));
}

/* -------------------------------------------------------------------- insert */

static int reserve(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err)
{
    int r = 0, rc;
    sqlite3_stmt *stmt =
        sq_stmt(t->s, SQ_RESERVE, "INSERT INTO IDNamespace(ID) VALUES(?1)", &r, err);

    if (!stmt)
        return r;
    sq_bind(stmt, 1, rec->id);
    rc = sq_run(stmt);
    if (rc == SQLITE_CONSTRAINT_PRIMARYKEY)
        return berth_fail(t->s->h, err, EEXIST, "ID %s is taken in %s", rec->id, t->s->path);
    return rc == SQLITE_OK ? 0 : sq_fail(t->s, err, rc, "%s", rec->id);
}

static int unreserve(struct berth_txn *t, const char *id, struct berth_error *err)
{
    int r = 0, rc;
    sqlite3_stmt *stmt =
        sq_stmt(t->s, SQ_UNRESERVE, "DELETE FROM IDNamespace WHERE ID=?1", &r, err);

    if (!stmt)
        return sq_break(t, r);
    sq_bind(stmt, 1, id);
    rc = sq_run(stmt);
    return rc == SQLITE_OK ? 0 : sq_break(t, sq_fail(t->s, err, rc, "%s", id));
}

static int add_config(struct berth_txn *t, const struct berth_record *rec,
                      struct berth_error *err)
{
    static const char *const sql[] = {
        [BERTH_CONTAINER] = "INSERT INTO ContainerConfig(ID,Name,PodID,JSON)"
                            " VALUES(?1,?2,?3,?4)",
        [BERTH_POD] = "INSERT INTO PodConfig(ID,Name,JSON) VALUES(?1,?2,?4)",
        [BERTH_VOLUME] = "INSERT INTO VolumeConfig(Name,StorageID,JSON) VALUES(?1,?3,?4)",
    };
    const struct sq_kind *k = sq_kind(rec->kind);
    int r = 0, rc;
    sqlite3_stmt *stmt = write_stmt(t, W_ADD_CONFIG, rec->kind, sql[rec->kind], &r, err);

    if (!stmt)
        return r;
    sq_bind(stmt, 1, rec->id);
    if (rec->kind != BERTH_VOLUME)
        sq_bind(stmt, 2, rec->name);
    if (rec->kind != BERTH_POD)
        sq_bind(stmt, 3, rec->kind == BERTH_CONTAINER ? rec->pod : rec->storage_id);
    sq_bind_blob(stmt, 4, &rec->config);
    rc = sq_run(stmt);
    if (rc == SQLITE_CONSTRAINT_UNIQUE)
        return berth_fail(t->s->h, err, EEXIST, "%s name \"%s\" is taken in %s", k->name,
                          rec->name, t->s->path);
    if (rc == SQLITE_CONSTRAINT_PRIMARYKEY)
        return berth_fail(t->s->h, err, EEXIST, "%s \"%s\" is in %s already", k->name, rec->id,
                          t->s->path);
    if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
        return berth_fail(t->s->h, err, ENOENT, "no pod %s for container %s",
                          rec->pod ? rec->pod : "?", rec->id);
    return rc == SQLITE_OK ? 0 : sq_fail(t->s, err, rc, "%s %s", k->name, rec->id);
}

static int add_state(struct berth_txn *t, const struct berth_record *rec,
                     struct berth_error *err)
{
    static const char *const sql[] = {
        [BERTH_CONTAINER] = "INSERT INTO ContainerState(ID,State,ExitCode,JSON)"
                            " VALUES(?1,?2,?3,?4)",
        [BERTH_POD] = "INSERT INTO PodState(ID,InfraContainerID,JSON) VALUES(?1,NULL,?4)",
        [BERTH_VOLUME] = "INSERT INTO VolumeState(Name,JSON) VALUES(?1,?4)",
    };
    int r = 0;
    sqlite3_stmt *stmt = write_stmt(t, W_ADD_STATE, rec->kind, sql[rec->kind], &r, err);

    if (!stmt)
        return sq_break(t, r);
    sq_bind(stmt, 1, rec->id);
    if (rec->kind == BERTH_CONTAINER) {
        sqlite3_bind_int(stmt, 2, rec->has & BERTH_REC_ATTRS ? rec->status : 0);
        sqlite3_bind_int(stmt, 3, rec->has & BERTH_REC_ATTRS ? rec->exit_code : 0);
    }
    sq_bind_blob(stmt, 4, &rec->state);
    return run_rest(t, stmt, rec, err);
}

int sq_insert(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err)
{
    int r = check_record(t, rec, err), undo;

    if (r < 0)
        return r;
    if ((rec->has & BERTH_REC_ALL) != BERTH_REC_ALL)
        return berth_fail(t->s->h, err, EINVAL, "%s %s is not a whole record",
                          sq_kind(rec->kind)->name, rec->id);
    if (rec->kind != BERTH_VOLUME && (r = reserve(t, rec, err)) < 0)
        return r;
    r = add_config(t, rec, err);
    if (r < 0) {
        undo = rec->kind != BERTH_VOLUME && !t->broken ? unreserve(t, rec->id, NULL) : 0;
        return undo < 0 ? sq_break(t, r) : r;
    }
    return add_state(t, rec, err);
}

/* -------------------------------------------------------------------- update */

static int set_name(struct berth_txn *t, const struct berth_record *rec,
                    struct berth_error *err)
{
    char sql[96];
    int r = 0, rc;
    sqlite3_stmt *stmt;

    snprintf(sql, sizeof(sql), "UPDATE %s SET Name=?2 WHERE ID=?1", sq_kind(rec->kind)->config);
    stmt = write_stmt(t, W_SET_NAME, rec->kind, sql, &r, err);
    if (!stmt)
        return r;
    sq_bind(stmt, 1, rec->id);
    sq_bind(stmt, 2, rec->name);
    rc = sq_run(stmt);
    if (rc == SQLITE_CONSTRAINT_UNIQUE)
        return berth_fail(t->s->h, err, EEXIST, "%s name \"%s\" is taken in %s",
                          sq_kind(rec->kind)->name, rec->name, t->s->path);
    return rc == SQLITE_OK ? 0
                           : sq_fail(t->s, err, rc, "%s %s", sq_kind(rec->kind)->name, rec->id);
}

static int set_document(struct berth_txn *t, const struct berth_record *rec, enum write what,
                        const struct berth_blob *document, struct berth_error *err)
{
    const struct sq_kind *k = sq_kind(rec->kind);
    char sql[96];
    int r = 0;
    sqlite3_stmt *stmt;

    snprintf(sql, sizeof(sql), "UPDATE %s SET JSON=?2 WHERE %s=?1",
             what == W_SET_CONFIG ? k->config : k->state, k->key);
    stmt = write_stmt(t, what, rec->kind, sql, &r, err);
    if (!stmt)
        return sq_break(t, r);
    sq_bind(stmt, 1, rec->id);
    sq_bind_blob(stmt, 2, document);
    r = run_rest(t, stmt, rec, err);
    /* A database that podman's check was not run on may lack the row. */
    if (r == 0 && what == W_SET_STATE && sqlite3_changes(t->s->db) == 0)
        r = add_state(t, rec, err);
    return r;
}

static int set_attrs(struct berth_txn *t, const struct berth_record *rec,
                     struct berth_error *err)
{
    int r = 0, container = rec->kind == BERTH_CONTAINER;
    sqlite3_stmt *stmt;

    if (rec->kind == BERTH_POD)
        return 0;
    stmt = write_stmt(t, W_SET_ATTRS, rec->kind,
                      container ? "UPDATE ContainerState SET State=?2, ExitCode=?3 WHERE ID=?1"
                                : "UPDATE VolumeConfig SET StorageID=?2 WHERE Name=?1",
                      &r, err);
    if (!stmt)
        return sq_break(t, r);
    sq_bind(stmt, 1, rec->id);
    if (container) {
        sqlite3_bind_int(stmt, 2, rec->status);
        sqlite3_bind_int(stmt, 3, rec->exit_code);
    } else {
        sq_bind(stmt, 2, rec->storage_id);
    }
    return run_rest(t, stmt, rec, err);
}

int sq_update(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err)
{
    int r = check_record(t, rec, err);

    if (r < 0)
        return r;
    r = sq_exists(t, rec->kind, rec->id, err);
    if (r == 0)
        return berth_fail(t->s->h, err, ENOENT, "no %s \"%s\" in %s", sq_kind(rec->kind)->name,
                          rec->id, t->s->path);
    if (r < 0)
        return r;
    r = 0;
    if ((rec->has & BERTH_REC_NAME) && rec->kind != BERTH_VOLUME)
        r = set_name(t, rec, err);
    if (r == 0 && (rec->has & BERTH_REC_CONFIG))
        r = set_document(t, rec, W_SET_CONFIG, &rec->config, err);
    if (r == 0 && (rec->has & BERTH_REC_STATE))
        r = set_document(t, rec, W_SET_STATE, &rec->state, err);
    if (r == 0 && (rec->has & BERTH_REC_ATTRS))
        r = set_attrs(t, rec, err);
    return r;
}

/* -------------------------------------------------------------------- remove */

/* The keys of a container's own links are checked at commit only: look for them now. */
static int has_own_links(struct berth_txn *t, const char *id, struct berth_error *err)
{
    int r = 0, rc;
    sqlite3_stmt *stmt =
        sq_stmt(t->s, SQ_OWN_LINKS,
                "SELECT 1 FROM ContainerDependency WHERE ID=?1"
                " UNION ALL SELECT 1 FROM ContainerVolume WHERE ContainerID=?1 LIMIT 1",
                &r, err);

    if (!stmt)
        return r;
    sq_bind(stmt, 1, id);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        r = berth_fail(t->s->h, err, ENOTEMPTY,
                       "container %s still has dependencies or volumes", id);
    else if (rc != SQLITE_DONE)
        r = sq_fail(t->s, err, rc, "container %s", id);
    sq_done(stmt);
    return r;
}

static int drop_row(struct berth_txn *t, uint32_t kind, enum write what, const char *id,
                    struct berth_error *err)
{
    static const char *const left[] = {
        [BERTH_CONTAINER] = "exec sessions, or containers that need it",
        [BERTH_POD] = "containers in it",
        [BERTH_VOLUME] = "containers that use it",
    };
    const struct sq_kind *k = sq_kind(kind);
    char sql[96];
    int r = 0, rc;
    sqlite3_stmt *stmt;

    snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE %s=?1",
             what == W_DROP_CONFIG ? k->config : k->state, k->key);
    stmt = write_stmt(t, what, kind, sql, &r, err);
    if (!stmt)
        return r;
    sq_bind(stmt, 1, id);
    rc = sq_run(stmt);
    if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
        return berth_fail(t->s->h, err, ENOTEMPTY, "%s %s still has %s", k->name, id,
                          left[kind]);
    return rc == SQLITE_OK ? 0 : sq_fail(t->s, err, rc, "%s %s", k->name, id);
}

int sq_remove(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err)
{
    const struct sq_kind *k = sq_kind(kind);
    int r = sq_usable(t, 1, err);

    if (r < 0)
        return r;
    if (!k || !id)
        return berth_fail(t->s->h, err, EINVAL, "remove() of no kind or without an ID");
    if (kind == BERTH_CONTAINER && !(t->flags & BERTH_TXN_BULK) &&
        (r = has_own_links(t, id, err)) < 0)
        return r;
    r = drop_row(t, kind, W_DROP_CONFIG, id, err);
    if (r < 0)
        return r;
    if (sqlite3_changes(t->s->db) == 0)
        return berth_fail(t->s->h, err, ENOENT, "no %s \"%s\" in %s", k->name, id, t->s->path);
    r = drop_row(t, kind, W_DROP_STATE, id, err);
    if (r < 0)
        return sq_break(t, r);
    return kind == BERTH_VOLUME ? 0 : unreserve(t, id, err);
}
