/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sqlite_rows.c - text as rows of podman's tables, in a database without any of its
 * constraints, read and changed through the SQLite store.
 *
 * A line is a row: a letter for the table, then values, each after a '|' and with a
 * letter for its class: t text, b blob, i integer, r real, anything else NULL.
 */
#include "tests/lib/testhost.h"

#include <berth/state.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    char letter;
    const char *table, *columns;
    int n;
} tables[] = {
    {'D', "DBConfig",
     "ID,SchemaVersion,OS,StaticDir,TmpDir,GraphRoot,RunRoot,GraphDriver,VolumeDir", 9},
    {'I', "IDNamespace", "ID", 1},
    {'C', "ContainerConfig", "ID,Name,PodID,JSON", 4},
    {'S', "ContainerState", "ID,State,ExitCode,JSON", 4},
    {'X', "ContainerExecSession", "ID,ContainerID", 2},
    {'d', "ContainerDependency", "ID,DependencyID", 2},
    {'v', "ContainerVolume", "ContainerID,VolumeName", 2},
    {'E', "ContainerExitCode", "ID,Timestamp,ExitCode", 3},
    {'P', "PodConfig", "ID,Name,JSON", 3},
    {'p', "PodState", "ID,InfraContainerID,JSON", 3},
    {'V', "VolumeConfig", "Name,StorageID,JSON", 3},
    {'w', "VolumeState", "Name,JSON", 2},
};

#define TABLES (sizeof(tables) / sizeof(*tables))

static struct testhost *th;
static const struct berth_plugin *plugin;
static struct berth_state_ops ops;
static struct berth_config *cfg;
static struct berth_error *err;
static char path[64];
static volatile unsigned sum; /* so that what was handed out is really read */

static void need(int ok)
{
    if (!ok)
        abort();
}

static void set_up(void)
{
    plugin = testhost_load(NULL, "state_sqlite");
    if (!plugin) {
        puts("state_sqlite is not built as a module");
        exit(77);
    }
    th = testhost_new();
    testhost_ops(plugin, &ops, sizeof(ops));
    cfg = testhost_config_new(plugin);
    err = testhost_error_new();
    snprintf(path, sizeof(path), "%s/berth-fuzz-%d.sql",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
    need(testhost_config_set(cfg, "path", path) == 0);
}

/* ------------------------------------------------------------- the database */

static void bind(sqlite3_stmt *stmt, int i, const char *value, int len)
{
    char number[64];

    snprintf(number, sizeof(number), "%.*s", len > 1 ? len - 1 : 0, value + 1);
    switch (len > 0 ? *value : 0) {
    case 't':
        sqlite3_bind_text(stmt, i, value + 1, len - 1, SQLITE_TRANSIENT);
        break;
    case 'b':
        sqlite3_bind_blob(stmt, i, value + 1, len - 1, SQLITE_TRANSIENT);
        break;
    case 'i':
        sqlite3_bind_int64(stmt, i, strtoll(number, NULL, 10));
        break;
    case 'r':
        sqlite3_bind_double(stmt, i, strtod(number, NULL));
        break;
    default:
        break;
    }
}

static void add_row(sqlite3 *db, const char *line, const char *end)
{
    char sql[256], marks[32] = "?";
    const char *at = line + 1;
    sqlite3_stmt *stmt;
    size_t t = 0;

    while (t < TABLES && tables[t].letter != *line)
        t++;
    if (t == TABLES)
        return;
    for (int i = 1; i < tables[t].n; i++)
        strcat(marks, ",?");
    snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES(%s)", tables[t].table, marks);
    need(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK);
    for (int i = 1; at < end && i <= tables[t].n; i++) {
        const char *value = at + 1, *bar;

        bar = value < end ? memchr(value, '|', (size_t)(end - value)) : NULL;
        at = bar ? bar : end;
        if (value < at)
            bind(stmt, i, value, (int)(at - value));
    }
    need(sqlite3_step(stmt) == SQLITE_DONE);
    sqlite3_finalize(stmt);
}

static void make_database(const char *text, const char *end)
{
    char sql[256];
    sqlite3 *db;

    unlink(path);
    need(sqlite3_open(path, &db) == SQLITE_OK);
    sqlite3_exec(db, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN", NULL, NULL,
                 NULL);
    for (size_t i = 0; i < TABLES; i++) {
        snprintf(sql, sizeof(sql), "CREATE TABLE %s(%s)", tables[i].table, tables[i].columns);
        need(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    }
    while (text < end) {
        const char *nl = memchr(text, '\n', (size_t)(end - text));

        if (!nl)
            nl = end;
        if (nl > text)
            add_row(db, text, nl);
        text = nl + 1;
    }
    need(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    need(sqlite3_close(db) == SQLITE_OK);
}

/* ----------------------------------------------------------------- the store */

/* A failure is described exactly once, and a success not at all. */
static int64_t ok(int64_t r)
{
    need(testhost_error_calls(err) == (r < 0));
    need(testhost_error_code(err) == (r < 0 ? -r : 0));
    testhost_error_clear(err);
    return r;
}

static void read_string(const char *s)
{
    if (s)
        sum += (unsigned)strlen(s);
}

static void read_blob(const struct berth_blob *b)
{
    for (size_t i = 0; i < b->len; i++)
        sum += ((const unsigned char *)b->data)[i];
}

static int read_record(void *arg, const struct berth_record *r)
{
    struct berth_record again = {.size = sizeof(again)};
    struct berth_txn *t = arg;

    need(r->id && *r->id && r->name && *r->name && r->config.data);
    read_string(r->name);
    read_string(r->pod);
    read_string(r->infra);
    read_string(r->storage_id);
    read_blob(&r->config);
    read_blob(&r->state);
    if (ok(ops.get(t, r->kind, r->id, BERTH_REC_ALL, &again, err)) == 0)
        need(strcmp(again.id, r->id) == 0);
    return 0;
}

static int read_link(void *arg, const struct berth_link *l)
{
    (void)arg;
    need(*l->from && *l->to);
    read_string(l->from);
    read_string(l->to);
    return 0;
}

static int read_exit(void *arg, const struct berth_exit *e)
{
    (void)arg;
    need(*e->id != '\0');
    read_string(e->id);
    return 0;
}

static void read_all(struct berth_txn *t)
{
    struct berth_scan what = {.size = sizeof(what), .want = BERTH_REC_ALL};
    struct berth_store_config c = {.size = sizeof(c)};
    struct berth_link link = {.size = sizeof(link)};
    struct berth_exit e = {.size = sizeof(e)};
    uint32_t kind;
    const char *id;

    for (what.kind = 0; what.kind <= BERTH_VOLUME; what.kind++)
        ok(ops.scan(t, &what, read_record, t, err));
    what.kind = 0;
    what.prefix = "c";
    ok(ops.scan(t, &what, read_record, t, err));
    what.pod = "p1";
    ok(ops.scan(t, &what, read_record, t, err));
    for (kind = BERTH_LINK_DEPENDS; kind <= BERTH_LINK_EXEC; kind++) {
        ok(ops.links(t, kind, BERTH_ANY, NULL, read_link, NULL, err));
        ok(ops.links(t, kind, BERTH_TO, "c1", read_link, NULL, err));
        if (ok(ops.linked(t, kind, "c1", "c2", &link, err)) == 0)
            read_link(NULL, &link);
    }
    if (ok(ops.resolve(t, 0, "n1", &kind, &id, err)) == 0)
        read_string(id);
    ok(ops.exit_scan(t, read_exit, NULL, err));
    if (ok(ops.exit_get(t, "c1", &e, err)) == 0)
        read_exit(NULL, &e);
    if (ok(ops.config_get(t, &c, err)) == 0)
        read_string(c.graph_driver);
}

static void write_some(struct berth_txn *t)
{
    static const char *const names[] = {"c1", "c2", "p1", "v1"};
    struct berth_link link = {.size = sizeof(link), .from = "c1", .to = "c2"};

    for (uint32_t kind = BERTH_CONTAINER; kind <= BERTH_VOLUME; kind++) {
        for (size_t i = 0; i < 4; i++) {
            struct berth_record rec = {.size = sizeof(rec),
                                       .kind = kind,
                                       .has = BERTH_REC_ALL,
                                       .id = names[i],
                                       .name = names[i],
                                       .config = {"{}", 2},
                                       .state = {"{}", 2}};

            ok(ops.update(t, &rec, err));
            ok(ops.insert(t, &rec, err));
        }
    }
    for (link.kind = BERTH_LINK_DEPENDS; link.kind <= BERTH_LINK_EXEC; link.kind++) {
        ok(ops.link(t, &link, err));
        ok(ops.unlink(t, link.kind, "c1", "c2", err));
        ok(ops.unlink_all(t, link.kind, BERTH_TO, "c1", err));
    }
    ok(ops.exit_prune(t, 1000, 1, err));
    ok(ops.remove(t, BERTH_CONTAINER, "c1", err));
    ok(ops.remove(t, BERTH_POD, "p1", err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct berth_place place = {.size = sizeof(place),
                                .static_dir = "/",
                                .graph_root = "/",
                                .flags = BERTH_PLACE_TRANSIENT};
    struct berth_list *report;
    struct berth_state *s = NULL;
    struct berth_txn *t = NULL;

    if (!th)
        set_up();
    make_database((const char *)data, (const char *)data + size);
    if (ok(ops.open(testhost_host(th), &place, cfg, 0, &s, err)) == 0) {
        report = testhost_list_new();
        if (ok(ops.begin(s, BERTH_TXN_WRITE, BERTH_NO_WAIT, &t, err)) == 0) {
            read_all(t);
            write_some(t);
            ok(ops.commit(t, err));
        }
        ok(ops.check(s, 1, report, err));
        testhost_list_free(report);
        ops.close(s);
    }
    unlink(path);
    return 0;
}
