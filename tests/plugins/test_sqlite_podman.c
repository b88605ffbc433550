/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store on databases that podman 5.4.2 wrote, whole and damaged. */
#include "tests/plugins/stores_shared.h"

#include <json-c/json.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct store st;
static char path[128];

/* The store's directory with a copy of one of podman's databases in it. */
static void use(const char *fixture)
{
    const char *top = getenv("top_srcdir");
    char from[512], *data;
    size_t len;

    snprintf(from, sizeof(from), "%s/tests/fixtures/podman-5.4/%s", top ? top : ".", fixture);
    data = store_slurp(from, &len);
    ck_assert_msg(data != NULL, "no %s", from);
    snprintf(path, sizeof(path), "%s/db.sql", st.dir);
    store_spit(path, data, len);
    free(data);
}

static void setup(void)
{
    store_init(&st, "state_sqlite", STORE_DOCS_ONLY | STORE_SECONDS);
    use("db.sql");
}

static void teardown(void)
{
    store_fini(&st);
}

/* Change the database by means of SQLite alone. */
static void sql(const char *text)
{
    char *message = NULL;
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, &message) == SQLITE_OK, "%s: %s", text,
                  message);
    sqlite3_close(db);
}

/* ------------------------------------------------------------------ whole */

static struct json_object *expected(void)
{
    const char *top = getenv("top_srcdir");
    char file[512];
    struct json_object *o;

    snprintf(file, sizeof(file), "%s/tests/fixtures/podman-5.4/expected.json", top ? top : ".");
    o = json_object_from_file(file);
    ck_assert_ptr_nonnull(o);
    return o;
}

static struct json_object *rows(struct json_object *all, const char *table)
{
    struct json_object *tables = NULL, *out = NULL;

    json_object_object_get_ex(all, "tables", &tables);
    json_object_object_get_ex(tables, table, &out);
    ck_assert(json_object_is_type(out, json_type_array));
    return out;
}

static const char *field(struct json_object *row, const char *name)
{
    struct json_object *v = NULL;

    ck_assert_msg(json_object_object_get_ex(row, name, &v), "no member %s", name);
    return json_object_get_string(v);
}

static int64_t number(struct json_object *row, const char *name)
{
    struct json_object *v = NULL;

    ck_assert_msg(json_object_object_get_ex(row, name, &v), "no member %s", name);
    return json_object_get_int64(v);
}

static struct json_object *row_of(struct json_object *of, const char *key, const char *value)
{
    for (size_t i = 0; i < json_object_array_length(of); i++) {
        struct json_object *row = json_object_array_get_idx(of, i);

        if (strcmp(field(row, key), value) == 0)
            return row;
    }
    ck_abort_msg("no row %s", value);
    return NULL;
}

/* A document is the bytes that podman wrote, whatever their storage class. */
static void same_document(struct json_object *row, const struct berth_blob *got)
{
    struct json_object *want = NULL, *parsed;
    struct json_tokener *tok = json_tokener_new();

    ck_assert_ptr_nonnull(got->data);
    ck_assert_int_eq((int64_t)got->len, number(row, "JSON_length"));
    json_object_object_get_ex(row, "JSON", &want);
    parsed = json_tokener_parse_ex(tok, got->data, (int)got->len);
    ck_assert(json_object_equal(parsed, want));
    json_object_put(parsed);
    json_tokener_free(tok);
}

static void same_text(const char *got, const char *want)
{
    ck_assert_msg(got == want || (got && want && strcmp(got, want) == 0), "%s is not %s",
                  got ? got : "(none)", want ? want : "(none)");
}

struct seen {
    struct json_object *config, *state;
    const char *key;
    size_t n;
};

static int see(void *arg, const struct berth_record *r)
{
    struct seen *s = arg;
    struct json_object *config = row_of(s->config, s->key, r->id);
    struct json_object *state = row_of(s->state, s->key, r->id);

    s->n++;
    same_text(r->name, field(config, "Name"));
    same_document(config, &r->config);
    same_document(state, &r->state);
    if (r->kind == BERTH_CONTAINER) {
        same_text(r->pod, field(config, "PodID"));
        ck_assert_int_eq(r->status, number(state, "State"));
        ck_assert_int_eq(r->exit_code, number(state, "ExitCode"));
    } else if (r->kind == BERTH_POD) {
        same_text(r->infra, field(state, "InfraContainerID"));
    } else {
        same_text(r->storage_id, field(config, "StorageID"));
    }
    return 0;
}

START_TEST(all_records)
{
    static const struct {
        uint32_t kind;
        const char *config, *state, *key;
    } kinds[] = {{BERTH_CONTAINER, "ContainerConfig", "ContainerState", "ID"},
                 {BERTH_POD, "PodConfig", "PodState", "ID"},
                 {BERTH_VOLUME, "VolumeConfig", "VolumeState", "Name"}};
    struct json_object *all = expected();
    struct berth_txn *t;

    st.place.flags |= _i ? BERTH_PLACE_READONLY : 0;
    store_open(&st, 0);
    t = store_begin(&st, 0);
    for (size_t i = 0; i < 3; i++) {
        struct berth_scan what = {
            .size = sizeof(what), .kind = kinds[i].kind, .want = BERTH_REC_ALL};
        struct seen s = {rows(all, kinds[i].config), rows(all, kinds[i].state), kinds[i].key,
                         0};

        ck_assert_int_eq(st.ops.scan(t, &what, see, &s, st.err), 0);
        ck_assert_uint_eq(s.n, json_object_array_length(s.config));
        ck_assert_uint_gt(s.n, 0);
    }
    store_commit(&st, t);
    json_object_put(all);
}
END_TEST

struct pairs {
    struct json_object *rows;
    const char *from, *to;
    size_t n;
};

static int see_link(void *arg, const struct berth_link *l)
{
    struct pairs *p = arg;
    struct json_object *row = json_object_array_get_idx(p->rows, p->n);

    same_text(l->from, field(row, p->from));
    same_text(l->to, field(row, p->to));
    p->n++;
    return 0;
}

static int see_exit(void *arg, const struct berth_exit *e)
{
    struct pairs *p = arg;
    struct json_object *row = row_of(p->rows, "ID", e->id);

    ck_assert_int_eq(e->code, number(row, "ExitCode"));
    ck_assert_int_eq(e->date, number(row, "Timestamp") * 1000000000);
    p->n++;
    return 0;
}

START_TEST(links_and_exits)
{
    struct json_object *all = expected(), *config;
    struct pairs p[] = {{rows(all, "ContainerDependency"), "ID", "DependencyID", 0},
                        {rows(all, "ContainerVolume"), "ContainerID", "VolumeName", 0},
                        {rows(all, "ContainerExecSession"), "ID", "ContainerID", 0},
                        {rows(all, "ContainerExitCode"), "ID", NULL, 0}};
    static const uint32_t kinds[] = {BERTH_LINK_DEPENDS, BERTH_LINK_VOLUME, BERTH_LINK_EXEC};
    struct berth_store_config c = {.size = sizeof(c)};
    struct berth_txn *t;

    store_open(&st, 0);
    t = store_begin(&st, 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(st.ops.links(t, kinds[i], BERTH_ANY, NULL, see_link, &p[i], st.err),
                         0);
        ck_assert_uint_eq(p[i].n, json_object_array_length(p[i].rows));
    }
    ck_assert_int_eq(st.ops.exit_scan(t, see_exit, &p[3], st.err), 0);
    ck_assert_uint_eq(p[3].n, json_object_array_length(p[3].rows));
    ck_assert_int_eq(st.ops.config_get(t, &c, st.err), 0);
    config = json_object_array_get_idx(rows(all, "DBConfig"), 0);
    same_text(c.os, field(config, "OS"));
    same_text(c.static_dir, field(config, "StaticDir"));
    same_text(c.tmp_dir, field(config, "TmpDir"));
    same_text(c.graph_root, field(config, "GraphRoot"));
    same_text(c.run_root, field(config, "RunRoot"));
    same_text(c.graph_driver, "");
    same_text(c.volume_path, field(config, "VolumeDir"));
    ck_assert_uint_eq(c.schema, 1);
    store_commit(&st, t);
    store_check_clean(&st);
    json_object_put(all);
}
END_TEST

/* What a new database of ours looks like to SQLite is what podman's looks like. */
START_TEST(same_schema)
{
    static const char *const questions[] = {
        "SELECT group_concat(m.name||'.'||c.cid||':'||c.name||' '||c.type||' '||"
        "c.\"notnull\"||' '||c.pk, char(10)) FROM (SELECT * FROM sqlite_master"
        " WHERE type='table' ORDER BY name) m, pragma_table_info(m.name) c",
        "SELECT group_concat(x, char(10)) FROM (SELECT m.name||':'||f.\"from\"||'->'||"
        "f.\"table\"||'.'||f.\"to\"||' '||f.on_delete||f.on_update||f.match x FROM"
        " sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type='table' ORDER BY x)",
        "SELECT group_concat(x, char(10)) FROM (SELECT m.name||':'||i.name||' '||i.\"unique\""
        "||i.origin||i.partial x FROM sqlite_master m, pragma_index_list(m.name) i"
        " WHERE m.type='table' ORDER BY x)",
        "SELECT (SELECT page_size FROM pragma_page_size)||' '||(SELECT encoding FROM"
        " pragma_encoding)||' '||(SELECT journal_mode FROM pragma_journal_mode)||' '||"
        "(SELECT user_version FROM pragma_user_version)||' '||(SELECT application_id FROM"
        " pragma_application_id)||' '||(SELECT auto_vacuum FROM pragma_auto_vacuum)",
        /* Deferred keys and checks are in the text alone: squeeze it. */
        "SELECT group_concat(name||' '||(length(sql)-length(replace(upper(sql),'DEFERRABLE"
        " INITIALLY DEFERRED','')))/28||' '||(length(sql)-length(replace(upper(sql),'CHECK',"
        "'')))/5, char(10)) FROM (SELECT * FROM sqlite_master WHERE type='table' ORDER BY"
        " name)",
    };
    sqlite3 *db[2];
    char ours[160];

    use("fresh.db.sql");
    ck_assert_int_eq(sqlite3_open(path, &db[0]), SQLITE_OK);
    snprintf(ours, sizeof(ours), "%s/ours", st.dir);
    ck_assert_int_eq(testhost_config_set(st.cfg, "path", ours), 0);
    store_open(&st, BERTH_STATE_CREATE);
    store_close(&st);
    ck_assert_int_eq(sqlite3_open(ours, &db[1]), SQLITE_OK);
    for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
        char *answer[2];

        for (int j = 0; j < 2; j++) {
            sqlite3_stmt *stmt;

            ck_assert_msg(sqlite3_prepare_v2(db[j], questions[i], -1, &stmt, NULL) == SQLITE_OK,
                          "%s", sqlite3_errmsg(db[j]));
            ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
            answer[j] = strdup((const char *)sqlite3_column_text(stmt, 0));
            sqlite3_finalize(stmt);
        }
        store_same_text(answer[1], answer[0]);
        ck_assert_uint_gt(strlen(answer[0]), 10);
        free(answer[0]);
        free(answer[1]);
    }
    sqlite3_close(db[0]);
    sqlite3_close(db[1]);
}
END_TEST

static const char *text_of(const char *question)
{
    static char answer[256];
    sqlite3_stmt *stmt;
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, question, -1, &stmt, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    snprintf(answer, sizeof(answer), "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return answer;
}

/* What podman relies on in rows that we write. */
START_TEST(rows_as_podman_writes)
{
    struct berth_record c = store_record(BERTH_CONTAINER, "c1", "n1"),
                        p = store_record(BERTH_POD, "p1", "n1"),
                        v = store_record(BERTH_VOLUME, "v1", "v1");
    struct berth_txn *t;

    store_open(&st, 0);
    t = store_begin(&st, BERTH_TXN_WRITE);
    p.infra = "c1";
    ck_assert_int_eq(st.ops.insert(t, &p, st.err), 0);
    ck_assert_int_eq(st.ops.insert(t, &c, st.err), 0);
    ck_assert_int_eq(st.ops.insert(t, &v, st.err), 0);
    store_commit(&st, t);
    store_close(&st);
    ck_assert_str_eq(text_of("SELECT typeof(PodID)||typeof(JSON) FROM ContainerConfig"
                             " WHERE ID='c1'"),
                     "nullblob");
    ck_assert_str_eq(text_of("SELECT typeof(JSON)||State||ExitCode FROM ContainerState"
                             " WHERE ID='c1'"),
                     "blob10");
    ck_assert_str_eq(text_of("SELECT typeof(InfraContainerID)||typeof(JSON) FROM PodState"
                             " WHERE ID='p1'"),
                     "nullblob");
    ck_assert_str_eq(text_of("SELECT typeof(StorageID)||typeof(JSON) FROM VolumeConfig"
                             " WHERE Name='v1'"),
                     "nullblob");
    ck_assert_str_eq(text_of("SELECT count(*) FROM IDNamespace WHERE ID IN ('c1','p1','v1')"),
                     "2");
    ck_assert_str_eq(text_of("SELECT count(*) FROM pragma_foreign_key_check"), "0");
    store_open(&st, 0);
}
END_TEST

/* ---------------------------------------------------------------- damaged */

static int count(void *arg, const struct berth_record *r)
{
    (void)r;
    ++*(int *)arg;
    return 0;
}

static int count_link(void *arg, const struct berth_link *l)
{
    (void)l;
    ++*(int *)arg;
    return 0;
}

/* Read everything there is; a failure has to name the file and be said once. */
static int read_all(int *records)
{
    struct berth_scan what = {.size = sizeof(what), .want = BERTH_REC_ALL};
    struct berth_store_config c = {.size = sizeof(c)};
    struct berth_txn *t = NULL;
    int n = 0, r, r2;

    testhost_error_clear(st.err);
    r = st.ops.open(testhost_host(st.host), &st.place, st.cfg, 0, &st.s, st.err);
    if (r == 0)
        r = st.ops.begin(st.s, 0, store_deadline(1000), &t, st.err);
    if (r == 0)
        r = st.ops.scan(t, &what, count, &n, st.err);
    for (uint32_t kind = 1; r == 0 && kind <= BERTH_LINK_EXEC; kind++)
        if (kind != BERTH_LINK_NETWORK)
            r = st.ops.links(t, kind, BERTH_ANY, NULL, count_link, &n, st.err);
    if (r == 0)
        r = st.ops.config_get(t, &c, st.err);
    if (t) {
        r2 = st.ops.commit(t, r < 0 ? NULL : st.err);
        r = r < 0 ? r : r2;
    }
    if (r < 0) {
        ck_assert_int_eq(testhost_error_code(st.err), -r);
        ck_assert_uint_eq(testhost_error_calls(st.err), 1);
        ck_assert_msg(strstr(testhost_error_text(st.err), path) != NULL, "%s",
                      testhost_error_text(st.err));
    }
    if (records)
        *records = n;
    return r;
}

static const struct {
    const char *sql;
    int want;
    const char *says;
} damages[] = {
    {"UPDATE DBConfig SET SchemaVersion=2", -ENOTSUP, "2"},
    {"UPDATE DBConfig SET SchemaVersion=0", -EUCLEAN, "invalid"},
    {"UPDATE DBConfig SET SchemaVersion='x'", -EUCLEAN, "SchemaVersion"},
    {"UPDATE DBConfig SET OS=x'00'", -EUCLEAN, "OS"},
    {"DELETE FROM DBConfig", -ENOENT, "identity"},
    {"DROP TABLE DBConfig", -EEXIST, "something else"},
    {"DROP TABLE VolumeState", -EUCLEAN, "VolumeState"},
    {"DROP TABLE ContainerExecSession", -EUCLEAN, "ContainerExecSession"},
    {"ALTER TABLE ContainerConfig RENAME COLUMN PodID TO Pod", -EUCLEAN, "PodID"},
    {"ALTER TABLE PodState RENAME COLUMN JSON TO Text", -EUCLEAN, "JSON"},
    {"DROP TABLE PodConfig; CREATE VIEW PodConfig AS SELECT * FROM ContainerConfig", -EUCLEAN,
     ""},
    {"UPDATE ContainerConfig SET JSON=42 WHERE Name='web'", 0, ""}, /* TEXT: becomes '42' */
    {"UPDATE ContainerConfig SET ID=x'41' WHERE Name='web'", -EUCLEAN, "ID"},
    {"UPDATE ContainerConfig SET ID='' WHERE Name='web'", -EUCLEAN, "ID"},
    {"UPDATE ContainerConfig SET Name='' WHERE Name='web'", -EUCLEAN, "name"},
    {"UPDATE ContainerConfig SET Name=CAST(x'610062' AS TEXT) WHERE Name='web'", -EUCLEAN,
     "NUL"},
    {"UPDATE ContainerConfig SET PodID=x'00' WHERE Name='web'", -EUCLEAN, "PodID"},
    {"UPDATE ContainerState SET State='running'", -EUCLEAN, "State"},
    {"UPDATE ContainerState SET State=99999999999", -EUCLEAN, "State"},
    {"PRAGMA ignore_check_constraints=1; UPDATE ContainerState SET ExitCode=1e300", -EUCLEAN,
     "ExitCode"},
    {"DELETE FROM ContainerState", 0, ""}, /* podman would not list the containers at all */
    {"UPDATE ContainerVolume SET VolumeName=x'ff' WHERE rowid=1", -EUCLEAN, "ContainerVolume"},
    {"UPDATE ContainerExecSession SET ID=''", -EUCLEAN, "ContainerExecSession"},
    {"PRAGMA writable_schema=1; UPDATE sqlite_master SET sql='CREATE TABLE ContainerConfig(x)'"
     " WHERE name='ContainerConfig'",
     -EUCLEAN, ""},
    {"PRAGMA writable_schema=1; UPDATE sqlite_master SET rootpage=rootpage+1 WHERE"
     " name='PodConfig'",
     -EUCLEAN, ""},
    {"PRAGMA writable_schema=1; UPDATE sqlite_master SET rootpage=999999 WHERE "
     "name='PodConfig'",
     -EUCLEAN, ""},
};

START_TEST(damaged)
{
    int r;

    sql(damages[_i].sql);
    r = read_all(NULL);
    ck_assert_msg(r == damages[_i].want, "%s: %d %s", damages[_i].sql, r,
                  testhost_error_text(st.err));
    if (r < 0)
        ck_assert_msg(strstr(testhost_error_text(st.err), damages[_i].says) != NULL, "%s",
                      testhost_error_text(st.err));
}
END_TEST

/* NULL where the schema forbids it: made by taking the words out of the schema. */
START_TEST(nulls)
{
    int records = 0, r;

    sql("PRAGMA writable_schema=1; UPDATE sqlite_master SET sql=replace(sql, 'NOT NULL', '')");
    sql(_i ? "UPDATE ContainerConfig SET JSON=NULL WHERE Name='web'"
           : "UPDATE ContainerState SET JSON=NULL");
    r = read_all(&records);
    if (_i) {
        ck_assert_int_eq(r, -EUCLEAN);
        ck_assert_ptr_nonnull(strstr(testhost_error_text(st.err), "66da82dfe92a"));
    } else { /* one bad state does not make the store unreadable */
        ck_assert_int_eq(r, 0);
        ck_assert_int_gt(records, 20);
    }
}
END_TEST

START_TEST(truncated)
{
    size_t len, keep;
    char *data = store_slurp(path, &len);
    int failed = 0;

    for (keep = 0; keep < len; keep += keep < 4096 ? 97 : 8192 + 1) {
        int r;

        store_spit(path, data, keep);
        r = read_all(NULL);
        failed += r < 0;
        store_close(&st);
        if (keep == 0)
            ck_assert_int_eq(r, -ENOENT);
        else
            ck_assert_msg(r < 0, "%zu bytes of %zu are enough", keep, len);
    }
    free(data);
    ck_assert_int_gt(failed, 50);
}
END_TEST

/* Bytes changed at random: no crash, and what fails names the file. */
START_TEST(flipped)
{
    unsigned seed = (unsigned)_i * 31 + 7;
    struct berth_list *report = testhost_list_new();
    size_t len;
    char *data = store_slurp(path, &len), *copy = malloc(len);

    for (int round = 0; round < 40; round++) {
        unsigned flips = 1 + store_random(&seed, 30);

        memcpy(copy, data, len);
        while (flips--) {
            /* Page headers and the file's header are more telling than documents. */
            size_t at = store_random(&seed, (unsigned)(len / 4096)) * 4096 +
                        store_random(&seed, store_random(&seed, 2) ? 100 : 4096);

            copy[at] = (char)store_random(&seed, 256);
        }
        store_spit(path, copy, len);
        read_all(NULL);
        if (st.s && round % 4 == 0) {
            testhost_list_clear(report);
            st.ops.check(st.s, round % 8 == 0, report, NULL);
        }
        store_close(&st);
    }
    free(data);
    free(copy);
    testhost_list_free(report);
}
END_TEST

START_TEST(repairs)
{
    struct berth_list *report = testhost_list_new();

    sql("DELETE FROM IDNamespace WHERE ID IN (SELECT ID FROM ContainerConfig LIMIT 2);"
        "INSERT INTO IDNamespace VALUES('nobody');"
        "INSERT INTO ContainerDependency VALUES('gone', 'too');"
        "UPDATE PodState SET InfraContainerID=(SELECT ID FROM ContainerConfig LIMIT 1)");
    store_open(&st, 0);
    ck_assert_int_ge(st.ops.check(st.s, 0, report, st.err), 5);
    ck_assert_int_ge(st.ops.check(st.s, 1, report, st.err), 5);
    store_check_clean(&st);
    testhost_list_free(report);
}
END_TEST

/* A newer podman raises the version while the store is open. */
START_TEST(raised_while_open)
{
    struct berth_txn *t = NULL;

    store_open(&st, 0);
    sql("UPDATE DBConfig SET SchemaVersion=2");
    ck_assert_int_eq(st.ops.begin(st.s, 0, store_deadline(1000), &t, st.err), -ENOTSUP);
    ck_assert_int_eq(st.ops.begin(st.s, BERTH_TXN_WRITE, store_deadline(1000), &t, st.err),
                     -ENOTSUP);
    ck_assert_ptr_null(t);
    sql("UPDATE DBConfig SET SchemaVersion=1"); /* no lock was left behind */
}
END_TEST

START_TEST(moved_while_open)
{
    struct berth_txn *t = NULL;
    char aside[160];

    store_open(&st, 0);
    snprintf(aside, sizeof(aside), "%s.moved", path);
    ck_assert_int_eq(rename(path, aside), 0);
    ck_assert_int_eq(st.ops.begin(st.s, BERTH_TXN_WRITE, store_deadline(1000), &t, st.err),
                     -ESTALE);
    ck_assert_ptr_null(t);
}
END_TEST

/* podman 4.5 kept the file in WAL mode: the mode stays, and reading writes nothing. */
START_TEST(wal)
{
    char beside[160];
    int n = 0;

    sql("PRAGMA journal_mode=WAL");
    st.place.flags |= BERTH_PLACE_READONLY;
    ck_assert_int_eq(read_all(&n), 0);
    ck_assert_int_gt(n, 20);
    snprintf(beside, sizeof(beside), "%s-shm", path);
    ck_assert_int_ne(access(beside, F_OK), 0);
    store_close(&st);
    st.place.flags &= ~BERTH_PLACE_READONLY;
    ck_assert_int_eq(read_all(&n), 0);
    store_close(&st);
    ck_assert_str_eq(text_of("SELECT journal_mode FROM pragma_journal_mode"), "wal");
    store_open(&st, 0);
}
END_TEST

/* A writer was killed: its journal has to be played back, which a reader may not do. */
START_TEST(hot_journal)
{
    char beside[160], *before, *after;
    size_t len, len_after;
    int status, n = 0;
    pid_t child = fork();

    if (child == 0) {
        sqlite3 *db;

        sqlite3_open(path, &db);
        sqlite3_exec(db,
                     "PRAGMA cache_size=2; BEGIN EXCLUSIVE;"
                     "UPDATE ContainerConfig SET JSON=randomblob(9000)",
                     NULL, NULL, NULL);
        kill(getpid(), SIGKILL);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    snprintf(beside, sizeof(beside), "%s-journal", path);
    ck_assert_int_eq(access(beside, F_OK), 0);
    before = store_slurp(path, &len);
    st.place.flags |= BERTH_PLACE_READONLY;
    ck_assert_int_eq(read_all(NULL), -EROFS);
    ck_assert_ptr_nonnull(strstr(testhost_error_text(st.err), "undone"));
    after = store_slurp(path, &len_after);
    ck_assert(len == len_after && memcmp(before, after, len) == 0);
    ck_assert_int_eq(access(beside, F_OK), 0);
    st.place.flags &= ~BERTH_PLACE_READONLY;
    ck_assert_int_eq(read_all(&n), 0);
    ck_assert_int_gt(n, 20);
    store_check_clean(&st);
    ck_assert_int_ne(access(beside, F_OK), 0);
    store_close(&st);
    ck_assert_str_eq(text_of("SELECT max(length(JSON)<>9000) FROM ContainerConfig"), "1");
    store_open(&st, 0);
    free(before);
    free(after);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sqlite-podman");
    TCase *tc = tcase_create("store");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, all_records, 0, 2);
    tcase_add_test(tc, links_and_exits);
    tcase_add_test(tc, same_schema);
    tcase_add_test(tc, rows_as_podman_writes);
    tcase_add_loop_test(tc, damaged, 0, sizeof(damages) / sizeof(*damages));
    tcase_add_loop_test(tc, nulls, 0, 2);
    tcase_add_test(tc, truncated);
    tcase_add_loop_test(tc, flipped, 0, 6);
    tcase_add_test(tc, repairs);
    tcase_add_test(tc, raised_while_open);
    tcase_add_test(tc, moved_while_open);
    tcase_add_test(tc, wal);
    tcase_add_test(tc, hot_journal);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
