/* SPDX-License-Identifier: Apache-2.0 */
/* Podman's schema, version 1.  The order of columns counts: podman inserts by position. */
#include "sqlite.h"
#include <stdio.h>

#define DEFERRED " DEFERRABLE INITIALLY DEFERRED"

static const char *const tables[] = {
    "CREATE TABLE IF NOT EXISTS DBConfig("
    " ID INTEGER PRIMARY KEY NOT NULL, SchemaVersion INTEGER NOT NULL, OS TEXT NOT NULL,"
    " StaticDir TEXT NOT NULL, TmpDir TEXT NOT NULL, GraphRoot TEXT NOT NULL,"
    " RunRoot TEXT NOT NULL, GraphDriver TEXT NOT NULL, VolumeDir TEXT NOT NULL,"
    " CHECK (ID IN (1)))",

    "CREATE TABLE IF NOT EXISTS IDNamespace(ID TEXT PRIMARY KEY NOT NULL)",

    "CREATE TABLE IF NOT EXISTS ContainerConfig("
    " ID TEXT PRIMARY KEY NOT NULL, Name TEXT UNIQUE NOT NULL, PodID TEXT, JSON TEXT NOT NULL,"
    " FOREIGN KEY (ID) REFERENCES IDNamespace(ID)" DEFERRED ","
    " FOREIGN KEY (ID) REFERENCES ContainerState(ID)" DEFERRED ","
    " FOREIGN KEY (PodID) REFERENCES PodConfig(ID))",

    "CREATE TABLE IF NOT EXISTS ContainerState("
    " ID TEXT PRIMARY KEY NOT NULL, State INTEGER NOT NULL, ExitCode INTEGER,"
    " JSON TEXT NOT NULL,"
    " FOREIGN KEY (ID) REFERENCES ContainerConfig(ID)" DEFERRED ","
    " CHECK (ExitCode BETWEEN -1 AND 255))",

    "CREATE TABLE IF NOT EXISTS ContainerExecSession("
    " ID TEXT PRIMARY KEY NOT NULL, ContainerID TEXT NOT NULL,"
    " FOREIGN KEY (ContainerID) REFERENCES ContainerConfig(ID))",

    "CREATE TABLE IF NOT EXISTS ContainerDependency("
    " ID TEXT NOT NULL, DependencyID TEXT NOT NULL, PRIMARY KEY (ID, DependencyID),"
    " FOREIGN KEY (ID) REFERENCES ContainerConfig(ID)" DEFERRED ","
    " FOREIGN KEY (DependencyID) REFERENCES ContainerConfig(ID),"
    " CHECK (ID <> DependencyID))",

    "CREATE TABLE IF NOT EXISTS ContainerVolume("
    " ContainerID TEXT NOT NULL, VolumeName TEXT NOT NULL,"
    " PRIMARY KEY (ContainerID, VolumeName),"
    " FOREIGN KEY (ContainerID) REFERENCES ContainerConfig(ID)" DEFERRED ","
    " FOREIGN KEY (VolumeName) REFERENCES VolumeConfig(Name))",

    "CREATE TABLE IF NOT EXISTS ContainerExitCode("
    " ID TEXT PRIMARY KEY NOT NULL, Timestamp INTEGER NOT NULL, ExitCode INTEGER NOT NULL,"
    " CHECK (ExitCode BETWEEN -1 AND 255))",

    "CREATE TABLE IF NOT EXISTS PodConfig("
    " ID TEXT PRIMARY KEY NOT NULL, Name TEXT UNIQUE NOT NULL, JSON TEXT NOT NULL,"
    " FOREIGN KEY (ID) REFERENCES IDNamespace(ID)" DEFERRED ","
    " FOREIGN KEY (ID) REFERENCES PodState(ID)" DEFERRED ")",

    "CREATE TABLE IF NOT EXISTS PodState("
    " ID TEXT PRIMARY KEY NOT NULL, InfraContainerID TEXT, JSON TEXT NOT NULL,"
    " FOREIGN KEY (ID) REFERENCES PodConfig(ID)" DEFERRED ","
    " FOREIGN KEY (InfraContainerID) REFERENCES ContainerConfig(ID)" DEFERRED ")",

    "CREATE TABLE IF NOT EXISTS VolumeConfig("
    " Name TEXT PRIMARY KEY NOT NULL, StorageID TEXT, JSON TEXT NOT NULL,"
    " FOREIGN KEY (Name) REFERENCES VolumeState(Name)" DEFERRED ")",

    "CREATE TABLE IF NOT EXISTS VolumeState("
    " Name TEXT PRIMARY KEY NOT NULL, JSON TEXT NOT NULL,"
    " FOREIGN KEY (Name) REFERENCES VolumeConfig(Name)" DEFERRED ")",
    NULL,
};

/* For stores of many containers; podman keeps them up to date without knowing. */
static const char *const indexes[] = {
    "CREATE INDEX IF NOT EXISTS berth_member ON ContainerConfig(PodID, ID)",
    "CREATE INDEX IF NOT EXISTS berth_needed ON ContainerDependency(DependencyID, ID)",
    "CREATE INDEX IF NOT EXISTS berth_used ON ContainerVolume(VolumeName, ContainerID)",
    "CREATE INDEX IF NOT EXISTS berth_session ON ContainerExecSession(ContainerID, ID)",
    "CREATE INDEX IF NOT EXISTS berth_storage ON VolumeConfig(StorageID, Name)",
    "CREATE INDEX IF NOT EXISTS berth_infra ON PodState(InfraContainerID)",
    NULL,
};

int sq_version_ok(struct berth_state *s, int64_t version, struct berth_error *err)
{
    if (version == SQ_SCHEMA_VERSION)
        return 0;
    if (version > SQ_SCHEMA_VERSION)
        return berth_fail(s->h, err, ENOTSUP, "%s has schema version %lld, this is for %d",
                          s->path, (long long)version, SQ_SCHEMA_VERSION);
    return berth_fail(s->h, err, EUCLEAN, "%s: schema version %lld is invalid", s->path,
                      (long long)version);
}

/* The one number that a statement gives.  0, or -errno. */
static int ask(struct berth_state *s, const char *sql, int64_t *out, struct berth_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL), r = 0;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        r = sq_int(s, stmt, 0, "schema", INT64_MIN, INT64_MAX, out, err);
    else if (rc != SQLITE_DONE)
        r = (rc & 0xff) == SQLITE_NOTADB
                ? berth_fail(s->h, err, EEXIST, "%s is no SQLite database", s->path)
                : sq_fail(s, err, rc, "reading the schema");
    sqlite3_finalize(stmt);
    return r;
}

static int run_all(struct berth_state *s, const char *const *sql, struct berth_error *err)
{
    int rc = sqlite3_exec(s->db, "BEGIN EXCLUSIVE", NULL, NULL, NULL);

    for (; rc == SQLITE_OK && *sql; sql++)
        rc = sqlite3_exec(s->db, *sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return 0;
    rc = sq_fail(s, err, sqlite3_extended_errcode(s->db), "making the schema");
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static int has_schema(struct berth_state *s, int64_t *out, struct berth_error *err)
{
    return ask(s,
               "SELECT count(*) FROM sqlite_master WHERE type='table'"
               " AND name='DBConfig' COLLATE NOCASE",
               out, err);
}

int sq_schema(struct berth_state *s, int create, struct berth_error *err)
{
    int64_t all = 0, ours = 0, version = SQ_SCHEMA_VERSION;
    int r = has_schema(s, &ours, err);

    if (r == 0 && !ours)
        r = ask(s, "SELECT count(*) FROM sqlite_master", &all, err);
    /* What is there now may be what another process has just made. */
    if (r == 0 && all)
        r = has_schema(s, &ours, err);
    if (r < 0)
        return r;
    if (ours) {
        r = ask(s, "SELECT SchemaVersion FROM DBConfig LIMIT 1", &version, err);
        return r < 0 ? r : sq_version_ok(s, version, err);
    }
    if (all)
        return berth_fail(s->h, err, EEXIST, "%s is an SQLite database of something else",
                          s->path);
    if (!create)
        return berth_fail(s->h, err, ENOENT, "%s has no tables", s->path);
    return run_all(s, tables, err);
}

static int make_indexes(struct berth_state *s, struct berth_error *err)
{
    int64_t n = 0;
    int r =
        ask(s, "SELECT count(*) FROM sqlite_master WHERE type='index' AND name GLOB 'berth_*'",
            &n, err);

    if (r < 0 || n >= (int64_t)(sizeof(indexes) / sizeof(*indexes)) - 1)
        return r;
    return run_all(s, indexes, err);
}

int sq_ready(struct berth_state *s, struct berth_error *err)
{
    int r = sq_schema(s, s->create && !s->readonly, err), rc;

    if (r < 0)
        return r;
    rc = sqlite3_exec(s->db,
                      s->transient ? "PRAGMA temp_store=MEMORY; PRAGMA synchronous=OFF"
                                   : "PRAGMA temp_store=MEMORY; PRAGMA synchronous=FULL",
                      NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return sq_fail(s, err, rc, "opening");
    return s->extra_indexes && !s->readonly ? make_indexes(s, err) : 0;
}
