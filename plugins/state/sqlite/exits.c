/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes, dated in whole seconds, and the identity of the store. */
#include "sqlite.h"
#include <string.h>

#define SECOND 1000000000ll

/* The second that a date is in; dates before 1970 are rounded down as well. */
static int64_t seconds_of(berth_date date)
{
    return date / SECOND - (date % SECOND < 0);
}

/* A damaged number becomes the nearest date that there is. */
static berth_date date_of(int64_t seconds)
{
    if (seconds > INT64_MAX / SECOND)
        return INT64_MAX;
    return seconds < INT64_MIN / SECOND ? INT64_MIN : seconds * SECOND;
}

int sq_exit_put(struct berth_txn *t, const struct berth_exit *e, struct berth_error *err)
{
    sqlite3_stmt *stmt;
    int r = sq_usable(t, 1, err), rc;

    if (r < 0)
        return r;
    if (!BERTH_FITS(e, id) || !e->id || !*e->id || e->code < -1 || e->code > 255)
        return berth_fail(t->s->h, err, EINVAL,
                          "an exit code without container or outside -1 to 255");
    stmt = sq_stmt(t->s, SQ_EXIT_PUT,
                   "INSERT OR REPLACE INTO ContainerExitCode(ID,Timestamp,ExitCode)"
                   " VALUES(?1,?2,?3)",
                   &r, err);
    if (!stmt)
        return r;
    sq_bind(stmt, 1, e->id);
    sqlite3_bind_int64(stmt, 2, seconds_of(e->date));
    sqlite3_bind_int(stmt, 3, e->code);
    rc = sq_run(stmt);
    return rc == SQLITE_OK ? 0 : sq_fail(t->s, err, rc, "exit code of %s", e->id);
}

/* The exit code of the current row: ID, Timestamp, ExitCode. */
static int row_exit(struct berth_txn *t, sqlite3_stmt *stmt, struct berth_exit *out,
                    struct berth_error *err)
{
    int64_t seconds = 0, code = 0;
    int r;

    memset(out, 0, sizeof(*out));
    out->size = sizeof(*out);
    r = sq_text(t->s, stmt, 0, "table ContainerExitCode", &out->id, err);
    if (r == 1)
        r = berth_fail(t->s->h, err, EUCLEAN, "%s: an exit code of no container", t->s->path);
    if (r == 0)
        r = sq_int(t->s, stmt, 1, out->id, INT64_MIN, INT64_MAX, &seconds, err);
    if (r == 0)
        r = sq_int(t->s, stmt, 2, out->id, INT32_MIN, INT32_MAX, &code, err);
    out->date = date_of(seconds);
    out->code = (int32_t)code;
    return r;
}

int sq_exit_get(struct berth_txn *t, const char *id, struct berth_exit *out,
                struct berth_error *err)
{
    struct berth_exit e;
    sqlite3_stmt *stmt;
    int r = sq_usable(t, 0, err), rc;

    if (r < 0)
        return r;
    if (!id)
        return berth_fail(t->s->h, err, EINVAL, "the exit code of no container");
    stmt =
        sq_stmt(t->s, SQ_EXIT_GET,
                "SELECT ID, Timestamp, ExitCode FROM ContainerExitCode WHERE ID=?1", &r, err);
    if (!stmt)
        return r;
    sq_bind(stmt, 1, id);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        r = row_exit(t, stmt, &e, err);
        if (r == 0 && !(e.id = sq_keep(t, e.id, strlen(e.id))))
            r = berth_fail(t->s->h, err, ENOMEM, "out of memory");
    } else if (rc == SQLITE_DONE) {
        r = berth_fail(t->s->h, err, ENOENT, "no exit code of container %s in %s", id,
                       t->s->path);
    } else {
        r = sq_fail(t->s, err, rc, "exit code of %s", id);
    }
    sq_done(stmt);
    if (r == 0) {
        e.size = out->size;
        memcpy(out, &e, out->size < sizeof(e) ? out->size : sizeof(e));
    }
    return r;
}

int sq_exit_scan(struct berth_txn *t, berth_exit_fn *fn, void *arg, struct berth_error *err)
{
    sqlite3_stmt *stmt;
    int r = sq_usable(t, 0, err), rc;

    if (r < 0)
        return r;
    stmt = sq_stmt(t->s, SQ_EXIT_SCAN, "SELECT ID, Timestamp, ExitCode FROM ContainerExitCode",
                   &r, err);
    if (!stmt)
        return r;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct berth_exit e;

        r = row_exit(t, stmt, &e, err);
        if (r == 0)
            r = fn(arg, &e);
        if (r)
            break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        r = sq_fail(t->s, err, rc, "table ContainerExitCode");
    sq_done(stmt);
    return r;
}

int64_t sq_exit_prune(struct berth_txn *t, berth_date before, int keep_live,
                      struct berth_error *err)
{
    sqlite3_stmt *stmt;
    int r = sq_usable(t, 1, err), rc;

    if (r < 0)
        return r;
    stmt = keep_live ? sq_stmt(t->s, SQ_EXIT_PRUNE_DEAD,
                               "DELETE FROM ContainerExitCode WHERE Timestamp<?1"
                               " AND ID NOT IN (SELECT ID FROM ContainerConfig)",
                               &r, err)
                     : sq_stmt(t->s, SQ_EXIT_PRUNE,
                               "DELETE FROM ContainerExitCode WHERE Timestamp<?1", &r, err);
    if (!stmt)
        return r;
    /* A second is before a date if its beginning is. */
    sqlite3_bind_int64(stmt, 1, seconds_of(before) + (before % SECOND != 0));
    rc = sq_run(stmt);
    return rc == SQLITE_OK ? sqlite3_changes64(t->s->db)
                           : sq_fail(t->s, err, rc, "table ContainerExitCode");
}

/* ---------------------------------------------------------------- identity */

/* The strings of an identity, as an array and back. */
#define MEMBERS 7

static void take_members(const struct berth_store_config *c, const char *to[MEMBERS])
{
    to[0] = c->os;
    to[1] = c->static_dir;
    to[2] = c->tmp_dir;
    to[3] = c->graph_root;
    to[4] = c->run_root;
    to[5] = c->graph_driver;
    to[6] = c->volume_path;
}

static void set_members(struct berth_store_config *c, const char *const from[MEMBERS])
{
    c->os = from[0];
    c->static_dir = from[1];
    c->tmp_dir = from[2];
    c->graph_root = from[3];
    c->run_root = from[4];
    c->graph_driver = from[5];
    c->volume_path = from[6];
}

int sq_config_get(struct berth_txn *t, struct berth_store_config *out, struct berth_error *err)
{
    struct berth_store_config c = {.size = sizeof(c)};
    const char *members[MEMBERS] = {NULL};
    int64_t version = 0;
    sqlite3_stmt *stmt;
    int r = sq_usable(t, 0, err), rc;

    if (r < 0)
        return r;
    stmt = sq_stmt(t->s, SQ_CONFIG_GET,
                   "SELECT SchemaVersion, OS, StaticDir, TmpDir, GraphRoot, RunRoot,"
                   " GraphDriver, VolumeDir FROM DBConfig",
                   &r, err);
    if (!stmt)
        return r;
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        r = sq_int(t->s, stmt, 0, "table DBConfig", INT32_MIN, INT32_MAX, &version, err);
        /* An empty string means that podman found the value by itself: it stays one. */
        for (int i = 0; r == 0 && i < MEMBERS; i++) {
            r = sq_text(t->s, stmt, i + 1, "table DBConfig", &members[i], err);
            if (r == 1) {
                members[i] = sqlite3_column_type(stmt, i + 1) == SQLITE_NULL ? NULL : "";
                r = 0;
            }
            if (r == 0 && members[i] &&
                !(members[i] = sq_keep(t, members[i], strlen(members[i]))))
                r = berth_fail(t->s->h, err, ENOMEM, "out of memory");
        }
    } else if (rc == SQLITE_DONE) {
        r = berth_fail(t->s->h, err, ENOENT, "%s has no identity yet", t->s->path);
    } else {
        r = sq_fail(t->s, err, rc, "table DBConfig");
    }
    sq_done(stmt);
    if (r == 0) {
        set_members(&c, members);
        c.schema = (uint32_t)version;
        c.size = out->size;
        memcpy(out, &c, out->size < sizeof(c) ? out->size : sizeof(c));
    }
    return r;
}

int sq_config_put(struct berth_txn *t, const struct berth_store_config *in,
                  struct berth_error *err)
{
    const char *members[MEMBERS];
    sqlite3_stmt *stmt;
    int r = sq_usable(t, 1, err), rc;

    if (r < 0)
        return r;
    if (!BERTH_FITS(in, volume_path))
        return berth_fail(t->s->h, err, EINVAL, "an identity that is too short");
    if (in->schema && (r = sq_version_ok(t->s, in->schema, err)) < 0)
        return r;
    stmt = sq_stmt(t->s, SQ_CONFIG_PUT,
                   "INSERT OR REPLACE INTO DBConfig(ID,SchemaVersion,OS,StaticDir,TmpDir,"
                   "GraphRoot,RunRoot,GraphDriver,VolumeDir) VALUES(1,?1,?2,?3,?4,?5,?6,?7,?8)",
                   &r, err);
    if (!stmt)
        return r;
    sqlite3_bind_int(stmt, 1, SQ_SCHEMA_VERSION);
    take_members(in, members);
    for (int i = 0; i < MEMBERS; i++)
        sq_bind(stmt, i + 2, members[i] ? members[i] : "");
    rc = sq_run(stmt);
    return rc == SQLITE_OK ? 0 : sq_fail(t->s, err, rc, "table DBConfig");
}
