/* SPDX-License-Identifier: Apache-2.0 */
/* The boltdb plugin's operations, one by one, on stores that it makes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plugins/common/bolt/bolt.h"
#include "tests/plugins/boltdb/env.h"

static struct env e;

static void set_up(void)
{
    env_init(&e);
    env_open(&e, BERTH_STATE_CREATE);
}

static void tear_down(void)
{
    env_done(&e);
}

static struct berth_blob blob(const char *text)
{
    return (struct berth_blob){text, strlen(text)};
}

static struct berth_record record(uint32_t kind, const char *id, const char *name)
{
    return (struct berth_record){.size = sizeof(struct berth_record),
                                 .kind = kind,
                                 .has = BERTH_REC_ALL,
                                 .id = id,
                                 .name = name,
                                 .config = blob("{\"config\":1}"),
                                 .state = blob("{\"state\":1}")};
}

static void insert(struct berth_txn *t, uint32_t kind, const char *id, const char *name,
                   int result)
{
    struct berth_record rec = record(kind, id, name);

    ck_result(&e, e.ops.insert(t, &rec, e.err), result);
}

static int put_link(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                    const char *value)
{
    struct berth_link l = {.size = sizeof l, .kind = kind, .from = from, .to = to};

    if (value)
        l.value = blob(value);
    return e.ops.link(t, &l, e.err);
}

/* What is in the file, past the plugin: "bucket/bucket/key" -> value or NULL. */
static char *raw(const char *path)
{
    struct bolt *db = bolt_new(e.file, BOLT_READONLY);
    struct bolt_bucket *b;
    struct bolt_bytes v;
    struct bolt_tx *tx;
    char *copy = strdup(path), *part, *next, *out = NULL;

    ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &tx), 0);
    b = bolt_root(tx);
    for (part = copy; b && (next = strchr(part, '/')); part = next + 1) {
        *next = '\0';
        if (bolt_open(b, part, strlen(part), &b) < 0)
            b = NULL;
    }
    if (b && bolt_get(b, part, strlen(part), &v) == 0) {
        out = calloc(1, v.len + 1);
        ck_assert_ptr_nonnull(out);
        memcpy(out, v.data, v.len);
    }
    bolt_rollback(tx);
    bolt_free(db);
    free(copy);
    return out;
}

static void expect_raw(const char *path, const char *want)
{
    char *got = raw(path);

    ck_assert_msg((!got && !want) || (got && want && strcmp(got, want) == 0),
                  "%s is %s, not %s", path, got ? got : "missing", want ? want : "missing");
    free(got);
}

static void clean(void)
{
    testhost_list_clear(e.list);
    ck_result(&e, e.ops.check(e.s, 0, e.list, e.err), 0);
}

/* ---------------------------------------------------------------------- opening */

START_TEST(test_new_store)
{
    static const char *const names[] = {"id-registry",
                                        "name-registry",
                                        "ns-registry",
                                        "ctr",
                                        "all-ctrs",
                                        "pod",
                                        "allPods",
                                        "vol",
                                        "allVolumes",
                                        "exec",
                                        "runtime-config",
                                        "exit-code",
                                        "exit-code-time-stamp",
                                        "volume-ctrs"};
    struct bolt *db = bolt_new(e.file, BOLT_READONLY);
    struct bolt_cursor c;
    struct bolt_tx *tx;
    struct stat st;
    int r, n = 0;

    ck_assert_int_eq(stat(e.file, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &tx), 0);
    for (r = bolt_first(&c, bolt_root(tx)); r > 0; r = bolt_next(&c)) {
        int known = 0;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            known |=
                c.key.len == strlen(names[i]) && memcmp(c.key.data, names[i], c.key.len) == 0;
        ck_assert_int_eq(known, 1);
        n++;
    }
    ck_assert_int_eq(n, 14);
    bolt_rollback(tx);
    bolt_free(db);
    clean();
}
END_TEST

START_TEST(test_open_and_probe)
{
    const struct berth_host *h = testhost_host(e.th);
    struct berth_state *s = NULL;
    char path[128];
    int fd;

    ck_result(&e, e.ops.probe(h, &e.place, e.cfg, e.err), BERTH_PROBE_MINE);
    ck_result(&e, e.ops.files(e.s, e.list, e.err), 0);
    ck_assert_str_eq(testhost_list_get(e.list, 0), e.file);
    env_close(&e);

    snprintf(path, sizeof path, "%s/other.db", e.dir);
    ck_assert_int_eq(testhost_config_set(e.cfg, "path", path), 0);
    ck_result(&e, e.ops.probe(h, &e.place, e.cfg, e.err), BERTH_PROBE_NONE);
    ck_result(&e, e.ops.open(h, &e.place, e.cfg, 0, &s, e.err), -ENOENT);
    e.place.flags = BERTH_PLACE_READONLY;
    ck_result(&e, e.ops.open(h, &e.place, e.cfg, BERTH_STATE_CREATE, &s, e.err), -ENOENT);
    ck_assert_int_ne(access(path, F_OK), 0);

    e.place.flags = 0;
    fd = open(path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, "SQLite format 3", 15), 15);
    close(fd);
    ck_result(&e, e.ops.probe(h, &e.place, e.cfg, e.err), BERTH_PROBE_FOREIGN);
    ck_result(&e, e.ops.open(h, &e.place, e.cfg, BERTH_STATE_CREATE, &s, e.err), -EEXIST);

    /* Cut off between open() and a transaction: an error, and nothing is touched. */
    ck_assert_int_eq(rename(e.file, path), 0);
    ck_result(&e, e.ops.open(h, &e.place, e.cfg, 0, &s, e.err), 0);
    ck_assert_int_eq(truncate(path, 12288), 0);
    {
        struct berth_txn *t = NULL;

        ck_result(&e, e.ops.begin(s, BERTH_TXN_WRITE, BERTH_NO_WAIT, &t, e.err), -EUCLEAN);
        ck_result(&e, e.ops.begin(s, 0, BERTH_NO_WAIT, &t, e.err), -EUCLEAN);
    }
    e.ops.close(s);
}
END_TEST

static berth_deadline in_ms(unsigned ms)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (berth_deadline)ts.tv_sec * 1000000000u + (berth_deadline)ts.tv_nsec +
           ms * 1000000ull;
}

START_TEST(test_begin)
{
    struct bolt *other = bolt_new(e.file, 0);
    struct berth_record rec = record(BERTH_POD, "p", "p");
    struct berth_link l = {.size = sizeof l, .kind = BERTH_LINK_EXEC, .from = "s", .to = "c"};
    struct berth_exit x = {.size = sizeof x, .id = "c"};
    struct berth_store_config cfg = {.size = sizeof cfg, .os = "linux"};
    struct berth_txn *t = NULL;
    struct bolt_tx *tx;

    /* Between transactions there is no lock; in one there is. */
    ck_assert_int_eq(bolt_begin(other, BOLT_WRITE, BOLT_NO_WAIT, &tx), 0);
    ck_result(&e, e.ops.begin(e.s, 0, BERTH_NO_WAIT, &t, e.err), -EBUSY);
    ck_result(&e, e.ops.begin(e.s, BERTH_TXN_WRITE, in_ms(20), &t, e.err), -ETIMEDOUT);
    testhost_set_cancelled(e.th, 1);
    ck_result(&e, e.ops.begin(e.s, 0, BERTH_WAIT_FOREVER, &t, e.err), -ECANCELED);
    testhost_set_cancelled(e.th, 0);
    bolt_rollback(tx);

    t = env_begin(&e, 0);
    ck_assert_int_eq(bolt_begin(other, BOLT_WRITE, BOLT_NO_WAIT, &tx), -EBUSY);
    ck_result(&e, e.ops.insert(t, &rec, e.err), -EROFS);
    ck_result(&e, e.ops.update(t, &rec, e.err), -EROFS);
    ck_result(&e, e.ops.remove(t, BERTH_POD, "p", e.err), -EROFS);
    ck_result(&e, e.ops.link(t, &l, e.err), -EROFS);
    ck_result(&e, e.ops.unlink(t, BERTH_LINK_EXEC, "s", NULL, e.err), -EROFS);
    ck_result(&e, e.ops.unlink_all(t, BERTH_LINK_EXEC, BERTH_ANY, NULL, e.err), -EROFS);
    ck_result(&e, e.ops.exit_put(t, &x, e.err), -EROFS);
    ck_result(&e, e.ops.exit_prune(t, 0, 0, e.err), -EROFS);
    ck_result(&e, e.ops.config_put(t, &cfg, e.err), -EROFS);
    e.ops.rollback(t);
    bolt_free(other);
}
END_TEST

/* --------------------------------------------------------------------- records */

START_TEST(test_records)
{
    struct berth_record rec = record(BERTH_CONTAINER, "c1", "web"), got = {.size = sizeof got};
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    uint32_t kind = 0;
    const char *id = NULL;

    insert(t, BERTH_POD, "p1", "pod", 0);
    rec.pod = "p1";
    rec.ns = "prod";
    rec.netns = "/run/netns/x";
    rec.state = blob("{\"x\":[{\"state\":9}],\"STATE\":3,\"exitCode\":-1,\"s\":\"\\\"}\"}");
    ck_result(&e, e.ops.insert(t, &rec, e.err), 0);
    insert(t, BERTH_CONTAINER, "c1", "other", -EEXIST);
    insert(t, BERTH_POD, "c1", "other", -EEXIST);
    insert(t, BERTH_CONTAINER, "c2", "web", -EEXIST);
    insert(t, BERTH_POD, "p2", "web", -EEXIST);
    insert(t, BERTH_VOLUME, "web", "web", 0);
    insert(t, BERTH_VOLUME, "web", "web", -EEXIST);
    insert(t, BERTH_VOLUME, "v", "w", -EINVAL);
    insert(t, BERTH_CONTAINER, "", "x", -EINVAL);
    rec.id = "c3";
    rec.name = "three";
    rec.pod = "none";
    ck_result(&e, e.ops.insert(t, &rec, e.err), -ENOENT);
    env_commit(&e, t);
    clean();

    expect_raw("id-registry/c1", "web");
    expect_raw("name-registry/web", "c1");
    expect_raw("ns-registry/c1", "prod");
    expect_raw("all-ctrs/c1", "web");
    expect_raw("ctr/c1/pod-id", "p1");
    expect_raw("ctr/c1/namespace", "prod");
    expect_raw("ctr/c1/netns", "/run/netns/x");
    expect_raw("pod/p1/containers/c1", "web");
    expect_raw("allPods/p1", "pod");
    expect_raw("allVolumes/web", "web");

    t = env_begin(&e, BERTH_TXN_WRITE);
    ck_result(&e, e.ops.get(t, BERTH_CONTAINER, "c1", BERTH_REC_ALL, &got, e.err), 0);
    ck_assert_int_eq(got.status, 3);
    ck_assert_int_eq(got.exit_code, -1);
    ck_assert_str_eq(got.pod, "p1");
    ck_result(&e, e.ops.get(t, BERTH_CONTAINER, "c1", BERTH_REC_NAME, &got, e.err), 0);
    ck_assert_str_eq(got.name, "web");
    ck_assert_ptr_null(got.config.data);
    ck_assert_ptr_null(got.pod);
    ck_result(&e, e.ops.get(t, BERTH_POD, "c1", 0, &got, e.err), -ENOENT);
    ck_result(&e, e.ops.get(t, BERTH_CONTAINER, "c", 0, &got, e.err), -ENOENT);
    ck_result(&e, e.ops.resolve(t, 0, "pod", &kind, &id, e.err), 0);
    ck_assert_uint_eq(kind, BERTH_POD);
    ck_result(&e, e.ops.resolve(t, BERTH_CONTAINER, "pod", &kind, &id, e.err), -ENOENT);
    ck_result(&e, e.ops.resolve(t, BERTH_VOLUME, "web", &kind, &id, e.err), 0);

    /* Rename, leave the namespace, keep the documents. */
    rec = record(BERTH_CONTAINER, "c1", "pod");
    rec.has = BERTH_REC_NAME;
    ck_result(&e, e.ops.update(t, &rec, e.err), -EEXIST);
    rec.name = "web2";
    rec.has = BERTH_REC_NAME | BERTH_REC_ATTRS;
    ck_result(&e, e.ops.update(t, &rec, e.err), 0);
    rec.id = "none";
    ck_result(&e, e.ops.update(t, &rec, e.err), -ENOENT);
    env_commit(&e, t);
    clean();
    expect_raw("name-registry/web", NULL);
    expect_raw("name-registry/web2", "c1");
    expect_raw("all-ctrs/c1", "web2");
    expect_raw("pod/p1/containers/c1", "web2");
    expect_raw("ns-registry/c1", NULL);
    expect_raw("ctr/c1/netns", NULL);
    expect_raw("ctr/c1/pod-id", "p1");
    expect_raw("ctr/c1/config", "{\"config\":1}");

    t = env_begin(&e, BERTH_TXN_WRITE);
    ck_result(&e, e.ops.remove(t, BERTH_POD, "p1", e.err), -ENOTEMPTY);
    ck_result(&e, e.ops.remove(t, BERTH_CONTAINER, "c1", e.err), 0);
    ck_result(&e, e.ops.remove(t, BERTH_CONTAINER, "c1", e.err), -ENOENT);
    ck_result(&e, e.ops.remove(t, BERTH_POD, "p1", e.err), 0);
    ck_result(&e, e.ops.remove(t, BERTH_VOLUME, "web", e.err), 0);
    env_commit(&e, t);
    clean();
    expect_raw("id-registry/c1", NULL);
    expect_raw("name-registry/web2", NULL);
    expect_raw("name-registry/pod", NULL);
    expect_raw("allVolumes/web", NULL);
}
END_TEST

static int note_id(void *arg, const struct berth_record *rec)
{
    strcat(arg, rec->id);
    strcat(arg, " ");
    return 0;
}

static int second(void *arg, const struct berth_record *rec)
{
    (void)rec;
    return ++*(int *)arg == 2 ? 17 : 0;
}

START_TEST(test_scan)
{
    static const struct {
        uint32_t kind;
        const char *prefix, *pod, *storage, *want;
    } cases[] = {
        {0, NULL, NULL, NULL, "a1 a2 a_ b1 p1 v1 v2 "},
        {BERTH_CONTAINER, "a", NULL, NULL, "a1 a2 a_ "},
        {BERTH_CONTAINER, "a_", NULL, NULL, "a_ "},
        {BERTH_CONTAINER, "A", NULL, NULL, ""},
        {BERTH_CONTAINER, "zz", NULL, NULL, ""},
        {0, NULL, "p1", NULL, "a2 b1 "},
        {BERTH_CONTAINER, "b", "p1", NULL, "b1 "},
        {0, NULL, "none", NULL, ""},
        {BERTH_VOLUME, NULL, NULL, "s2", "v2 "},
        {0, NULL, NULL, "s9", ""},
        {BERTH_POD, "p", NULL, NULL, "p1 "},
    };
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    struct berth_record rec, got = {.size = sizeof got};
    char ids[256];
    int n = 0;

    insert(t, BERTH_POD, "p1", "pod", 0);
    insert(t, BERTH_CONTAINER, "a1", "one", 0);
    insert(t, BERTH_CONTAINER, "a_", "under", 0);
    rec = record(BERTH_CONTAINER, "b1", "bee");
    rec.pod = "p1";
    ck_result(&e, e.ops.insert(t, &rec, e.err), 0);
    rec.id = "a2";
    rec.name = "two";
    ck_result(&e, e.ops.insert(t, &rec, e.err), 0);
    insert(t, BERTH_VOLUME, "v1", "v1", 0);
    rec = record(BERTH_VOLUME, "v2", "v2");
    rec.storage_id = "s2";
    ck_result(&e, e.ops.insert(t, &rec, e.err), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct berth_scan what = {.size = sizeof what,
                                  .kind = cases[i].kind,
                                  .want = i % 2 ? BERTH_REC_ALL : 0,
                                  .prefix = cases[i].prefix,
                                  .pod = cases[i].pod,
                                  .storage_id = cases[i].storage};

        ids[0] = '\0';
        ck_result(&e, e.ops.scan(t, &what, note_id, ids, e.err), 0);
        ck_assert_str_eq(ids, cases[i].want);
        if (i == 0)
            ck_result(&e, e.ops.scan(t, &what, second, &n, e.err), 17);
    }
    ck_assert_int_eq(n, 2);

    /* The storage container changes and goes. */
    rec = record(BERTH_VOLUME, "v2", "v2");
    rec.has = BERTH_REC_ATTRS;
    rec.storage_id = "s3";
    ck_result(&e, e.ops.update(t, &rec, e.err), 0);
    ck_result(&e, e.ops.get(t, BERTH_VOLUME, "v2", BERTH_REC_ATTRS, &got, e.err), 0);
    ck_assert_str_eq(got.storage_id, "s3");
    rec.storage_id = NULL;
    ck_result(&e, e.ops.update(t, &rec, e.err), 0);
    ck_result(&e, e.ops.get(t, BERTH_VOLUME, "v2", BERTH_REC_ATTRS, &got, e.err), 0);
    ck_assert_ptr_null(got.storage_id);
    env_commit(&e, t);
    expect_raw("volume-ctrs/s2", NULL);
    expect_raw("volume-ctrs/s3", NULL);
    clean();
}
END_TEST

/* ----------------------------------------------------------------------- links */

static int note_link(void *arg, const struct berth_link *l)
{
    strcat(arg, l->from);
    strcat(arg, ">");
    strcat(arg, l->to);
    strcat(arg, " ");
    return 0;
}

static void expect_links(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                         const char *want)
{
    char got[512] = "";

    ck_result(&e, e.ops.links(t, kind, end, key, note_link, got, e.err), 0);
    ck_assert_str_eq(got, want);
}

START_TEST(test_links)
{
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    struct berth_link l = {.size = sizeof l};

    insert(t, BERTH_CONTAINER, "a", "one", 0);
    insert(t, BERTH_CONTAINER, "b", "two", 0);
    insert(t, BERTH_CONTAINER, "c", "three", 0);
    insert(t, BERTH_VOLUME, "v", "v", 0);
    ck_result(&e, put_link(t, BERTH_LINK_DEPENDS, "b", "a", NULL), 0);
    ck_result(&e, put_link(t, BERTH_LINK_DEPENDS, "b", "a", NULL), 0);
    ck_result(&e, put_link(t, BERTH_LINK_DEPENDS, "c", "a", NULL), 0);
    ck_result(&e, put_link(t, BERTH_LINK_DEPENDS, "c", "b", NULL), 0);
    ck_result(&e, put_link(t, BERTH_LINK_DEPENDS, "a", "a", NULL), -EINVAL);
    ck_result(&e, put_link(t, BERTH_LINK_DEPENDS, "a", "none", NULL), -ENOENT);
    ck_result(&e, put_link(t, BERTH_LINK_DEPENDS, "none", "a", NULL), -ENOENT);
    ck_result(&e, put_link(t, BERTH_LINK_VOLUME, "a", "v", NULL), 0);
    ck_result(&e, put_link(t, BERTH_LINK_VOLUME, "a", "none", NULL), -ENOENT);
    ck_result(&e, put_link(t, BERTH_LINK_NETWORK, "a", "net2", "{}"), 0);
    ck_result(&e, put_link(t, BERTH_LINK_NETWORK, "a", "net1", "{\"a\":1}"), 0);
    ck_result(&e, put_link(t, BERTH_LINK_NETWORK, "a", "net1", "{\"a\":1}"), 0);
    ck_result(&e, put_link(t, BERTH_LINK_NETWORK, "a", "net1", "{}"), -EEXIST);
    ck_result(&e, put_link(t, BERTH_LINK_NETWORK, "none", "net1", "{}"), -ENOENT);
    ck_result(&e, put_link(t, BERTH_LINK_EXEC, "s2", "a", NULL), 0);
    ck_result(&e, put_link(t, BERTH_LINK_EXEC, "s1", "a", NULL), 0);
    ck_result(&e, put_link(t, BERTH_LINK_EXEC, "s1", "b", NULL), -EEXIST);
    ck_result(&e, put_link(t, BERTH_LINK_EXEC, "s3", "none", NULL), -ENOENT);

    expect_links(t, BERTH_LINK_DEPENDS, BERTH_TO, "a", "b>a c>a ");
    expect_links(t, BERTH_LINK_DEPENDS, BERTH_FROM, "c", "c>a c>b ");
    expect_links(t, BERTH_LINK_DEPENDS, BERTH_ANY, NULL, "b>a c>a c>b ");
    expect_links(t, BERTH_LINK_VOLUME, BERTH_TO, "v", "a>v ");
    expect_links(t, BERTH_LINK_VOLUME, BERTH_FROM, "a", "a>v ");
    expect_links(t, BERTH_LINK_NETWORK, BERTH_FROM, "a", "a>net1 a>net2 ");
    expect_links(t, BERTH_LINK_NETWORK, BERTH_TO, "net2", "a>net2 ");
    expect_links(t, BERTH_LINK_EXEC, BERTH_TO, "a", "s1>a s2>a ");
    expect_links(t, BERTH_LINK_EXEC, BERTH_FROM, "s2", "s2>a ");
    expect_links(t, BERTH_LINK_EXEC, BERTH_ANY, NULL, "s1>a s2>a ");
    expect_links(t, BERTH_LINK_EXEC, BERTH_TO, "none", "");
    ck_result(&e, e.ops.linked(t, BERTH_LINK_EXEC, "s1", NULL, &l, e.err), 0);
    ck_assert_str_eq(l.to, "a");
    ck_result(&e, e.ops.linked(t, BERTH_LINK_NETWORK, "a", "net1", &l, e.err), 0);
    ck_assert_mem_eq(l.value.data, "{\"a\":1}", l.value.len);
    ck_result(&e, e.ops.linked(t, BERTH_LINK_DEPENDS, "a", "b", &l, e.err), -ENOENT);
    env_commit(&e, t);
    clean();
    expect_raw("ctr/a/dependencies/b", "two");
    expect_raw("vol/v/vol-dependencies/a", "a");
    expect_raw("ctr/a/exec/s1", "a");
    expect_raw("exec/s1", "a");

    t = env_begin(&e, BERTH_TXN_WRITE);
    ck_result(&e, e.ops.remove(t, BERTH_CONTAINER, "a", e.err), -ENOTEMPTY);
    ck_result(&e, e.ops.remove(t, BERTH_VOLUME, "v", e.err), -ENOTEMPTY);
    ck_result(&e, e.ops.unlink(t, BERTH_LINK_DEPENDS, "b", "c", e.err), -ENOENT);
    ck_result(&e, e.ops.unlink_all(t, BERTH_LINK_DEPENDS, BERTH_FROM, "c", e.err), 2);
    ck_result(&e, e.ops.unlink(t, BERTH_LINK_DEPENDS, "b", "a", e.err), 0);
    ck_result(&e, e.ops.unlink(t, BERTH_LINK_EXEC, "s1", NULL, e.err), 0);
    ck_result(&e, e.ops.remove(t, BERTH_CONTAINER, "a", e.err), -ENOTEMPTY);
    ck_result(&e, e.ops.unlink_all(t, BERTH_LINK_EXEC, BERTH_TO, "a", e.err), 1);
    ck_result(&e, e.ops.unlink_all(t, BERTH_LINK_NETWORK, BERTH_FROM, "a", e.err), 2);
    ck_result(&e, e.ops.remove(t, BERTH_CONTAINER, "a", e.err), 0);
    /* Podman leaves such an entry behind; it holds nothing up. */
    expect_links(t, BERTH_LINK_VOLUME, BERTH_TO, "v", "a>v ");
    ck_result(&e, e.ops.remove(t, BERTH_VOLUME, "v", e.err), 0);
    env_commit(&e, t);
    clean();
}
END_TEST

/* Records and links in any order, checked at the end. */
START_TEST(test_bulk)
{
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE | BERTH_TXN_BULK);
    struct berth_record rec = record(BERTH_CONTAINER, "c1", "one"), got = {.size = sizeof got};
    char ids[64] = "";
    struct berth_scan all = {.size = sizeof all};

    rec.pod = "p1";
    ck_result(&e, e.ops.insert(t, &rec, e.err), 0);
    ck_result(&e, put_link(t, BERTH_LINK_DEPENDS, "c1", "c2", NULL), 0);
    ck_result(&e, put_link(t, BERTH_LINK_DEPENDS, "c3", "c1", NULL), 0);
    ck_result(&e, put_link(t, BERTH_LINK_VOLUME, "c1", "v", NULL), 0);
    ck_result(&e, e.ops.get(t, BERTH_CONTAINER, "c2", 0, &got, e.err), -ENOENT);
    ck_result(&e, e.ops.get(t, BERTH_POD, "p1", 0, &got, e.err), -ENOENT);
    ck_result(&e, e.ops.scan(t, &all, note_id, ids, e.err), 0);
    ck_assert_str_eq(ids, "c1 ");
    insert(t, BERTH_CONTAINER, "c2", "two", 0);
    insert(t, BERTH_CONTAINER, "c2", "again", -EEXIST);
    insert(t, BERTH_CONTAINER, "c3", "three", 0);
    insert(t, BERTH_POD, "p1", "pod", 0);
    insert(t, BERTH_VOLUME, "v", "v", 0);
    env_commit(&e, t);
    clean();
    expect_raw("pod/p1/containers/c1", "one");
    expect_raw("ctr/c2/dependencies/c1", "one");

    t = env_begin(&e, BERTH_TXN_WRITE | BERTH_TXN_BULK);
    insert(t, BERTH_CONTAINER, "c4", "four", 0);
    ck_result(&e, put_link(t, BERTH_LINK_DEPENDS, "c4", "c5", NULL), 0);
    ck_result(&e, e.ops.commit(t, e.err), -ENOENT);
    expect_raw("ctr/c4/config", NULL);
    expect_raw("all-ctrs/c4", NULL);
    clean();
}
END_TEST

/* ---------------------------------------------------------- exit codes, identity */

static int count_exit(void *arg, const struct berth_exit *x)
{
    (void)x;
    ++*(int *)arg;
    return 0;
}

START_TEST(test_exit_codes)
{
    static const struct {
        berth_date date;
        const char *text;
    } dates[] = {
        {1795284332189534724, "2026-11-21T18:05:32.189534724Z"},
        {1795284332000000000, "2026-11-21T18:05:32Z"},
        {1795284332100000000, "2026-11-21T18:05:32.1Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {0, "1970-01-01T00:00:00Z"},
    };
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    struct berth_exit x = {.size = sizeof x, .id = "c", .code = -1}, got = {.size = sizeof got};
    int n = 0;

    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        x.date = dates[i].date;
        ck_result(&e, e.ops.exit_put(t, &x, e.err), 0);
        ck_result(&e, e.ops.exit_get(t, "c", &got, e.err), 0);
        ck_assert_int_eq(got.date, dates[i].date);
        ck_assert_int_eq(got.code, -1);
        env_commit(&e, t);
        expect_raw("exit-code-time-stamp/c", dates[i].text);
        t = env_begin(&e, BERTH_TXN_WRITE);
    }
    ck_result(&e, e.ops.exit_get(t, "none", &got, e.err), -ENOENT);
    insert(t, BERTH_CONTAINER, "live", "live", 0);
    x = (struct berth_exit){.size = sizeof x, .id = "live", .date = 5, .code = 137};
    ck_result(&e, e.ops.exit_put(t, &x, e.err), 0);
    x = (struct berth_exit){.size = sizeof x, .id = "new", .date = 1000, .code = 2};
    ck_result(&e, e.ops.exit_put(t, &x, e.err), 0);
    ck_result(&e, e.ops.exit_prune(t, 1000, 1, e.err), 1);
    ck_result(&e, e.ops.exit_prune(t, 1000, 0, e.err), 1);
    ck_result(&e, e.ops.exit_scan(t, count_exit, &n, e.err), 0);
    ck_assert_int_eq(n, 1);
    ck_result(&e, e.ops.exit_prune(t, INT64_MAX, 0, e.err), 1);
    env_commit(&e, t);
}
END_TEST

START_TEST(test_foreign_exit_codes)
{
    struct bolt *db = bolt_new(e.file, 0);
    struct bolt_bucket *codes, *dates;
    struct berth_exit got = {.size = sizeof got};
    struct berth_txn *t;
    struct bolt_tx *tx;
    int n = 0;

    ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "exit-code", 9, &codes), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "exit-code-time-stamp", 20, &dates), 0);
    bolt_put(codes, "zone", 4, "4294967295", 10);
    bolt_put(dates, "zone", 4, "2026-11-21T23:36:28.379260893+05:30", 35);
    bolt_put(codes, "undated", 7, "3", 1);
    bolt_put(codes, "baddate", 7, "4", 1);
    bolt_put(dates, "baddate", 7, "2026-02-30T00:00:00Z", 20);
    bolt_put(codes, "nonumber", 8, "x", 1);
    ck_assert_int_eq(bolt_commit(tx), 0);
    bolt_free(db);

    t = env_begin(&e, BERTH_TXN_WRITE);
    ck_result(&e, e.ops.exit_get(t, "zone", &got, e.err), 0);
    ck_assert_int_eq(got.code, -1);
    ck_assert_int_eq(got.date, 1795284388379260893);
    ck_result(&e, e.ops.exit_get(t, "nonumber", &got, e.err), -EUCLEAN);
    ck_result(&e, e.ops.exit_scan(t, count_exit, &n, e.err), 0);
    ck_assert_int_eq(n, 3);
    ck_result(&e, e.ops.exit_prune(t, 1795284388379260893, 0, e.err), 1);
    ck_assert_ptr_nonnull(strstr(testhost_log(e.th), "baddate"));
    ck_result(&e, e.ops.exit_prune(t, 1795284388379260894, 0, e.err), 1);
    env_commit(&e, t);
    expect_raw("exit-code/undated", "3");
    expect_raw("exit-code/baddate", NULL);
    expect_raw("exit-code-time-stamp/baddate", NULL);
}
END_TEST

START_TEST(test_identity)
{
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    struct berth_store_config in = {.size = sizeof in,
                                    .os = "linux",
                                    .static_dir = "/s",
                                    .tmp_dir = "/t",
                                    .graph_driver = ""},
                              out = {.size = sizeof out};

    ck_result(&e, e.ops.config_get(t, &out, e.err), -ENOENT);
    ck_result(&e, e.ops.config_put(t, &in, e.err), 0);
    ck_result(&e, e.ops.config_get(t, &out, e.err), 0);
    ck_assert_str_eq(out.graph_driver, "");
    ck_assert_str_eq(out.tmp_dir, "/t");
    ck_assert_ptr_null(out.run_root);
    env_commit(&e, t);
    expect_raw("runtime-config/static-dir", "/s");
    expect_raw("runtime-config/run-root", NULL);
}
END_TEST

/* ---------------------------------------------------------------------- upkeep */

/* Unknown keys and buckets stay where they are. */
START_TEST(test_foreign_data)
{
    struct bolt *db = bolt_new(e.file, 0);
    struct bolt_bucket *b, *c;
    struct berth_record rec = record(BERTH_CONTAINER, "c", "name");
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    struct bolt_tx *tx;

    insert(t, BERTH_CONTAINER, "c", "name", 0);
    env_commit(&e, t);
    ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "ctr", 3, &b), 0);
    ck_assert_int_eq(bolt_open(b, "c", 1, &c), 0);
    ck_assert_int_eq(bolt_put(c, "future", 6, "kept", 4), 0);
    ck_assert_int_eq(bolt_make(c, "aliases", 7, &c), 0);
    ck_assert_int_eq(bolt_put(c, "net", 3, "kept", 4), 0);
    ck_assert_int_eq(bolt_make(bolt_root(tx), "secrets", 7, &b), 0);
    ck_assert_int_eq(bolt_put(b, "k", 1, "kept", 4), 0);
    ck_assert_int_eq(bolt_commit(tx), 0);
    bolt_free(db);

    t = env_begin(&e, BERTH_TXN_WRITE);
    rec.name = "other";
    rec.state = blob("{\"state\":2}");
    ck_result(&e, e.ops.update(t, &rec, e.err), 0);
    env_commit(&e, t);
    expect_raw("ctr/c/future", "kept");
    expect_raw("ctr/c/aliases/net", "kept");
    expect_raw("secrets/k", "kept");
    expect_raw("ctr/c/state", "{\"state\":2}");
    clean();
}
END_TEST

/* A bbolt file that is no state of containers is left alone. */
START_TEST(test_other_database)
{
    const struct berth_host *h = testhost_host(e.th);
    struct berth_state *s = NULL;
    struct bolt_bucket *b;
    struct bolt_tx *tx;
    struct bolt *db;

    env_close(&e);
    ck_assert_int_eq(unlink(e.file), 0);
    db = bolt_new(e.file, BOLT_CREATE);
    ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_make(bolt_root(tx), "ipam", 4, &b), 0);
    ck_assert_int_eq(bolt_commit(tx), 0);
    ck_result(&e, e.ops.open(h, &e.place, e.cfg, BERTH_STATE_CREATE, &s, e.err), -EUCLEAN);
    ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "ctr", 3, &b), -ENOENT);
    bolt_rollback(tx);
    bolt_free(db);
}
END_TEST

START_TEST(test_check_and_repair)
{
    struct bolt *db = bolt_new(e.file, 0);
    struct bolt_bucket *b;
    struct berth_record rec = record(BERTH_CONTAINER, "c", "name");
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    struct bolt_tx *tx;
    int64_t found;

    insert(t, BERTH_POD, "p", "pod", 0);
    rec.pod = "p";
    ck_result(&e, e.ops.insert(t, &rec, e.err), 0);
    env_commit(&e, t);
    clean();

    ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "all-ctrs", 8, &b), 0);
    ck_assert_int_eq(bolt_delete(b, "c", 1), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "name-registry", 13, &b), 0);
    ck_assert_int_eq(bolt_delete(b, "name", 4), 0);
    ck_assert_int_eq(bolt_put(b, "ghost", 5, "gone", 4), 0);
    ck_assert_int_eq(bolt_open(bolt_root(tx), "pod", 3, &b), 0);
    ck_assert_int_eq(bolt_open(b, "p", 1, &b), 0);
    ck_assert_int_eq(bolt_open(b, "containers", 10, &b), 0);
    ck_assert_int_eq(bolt_delete(b, "c", 1), 0);
    ck_assert_int_eq(bolt_drop(bolt_root(tx), "volume-ctrs", 11), 0);
    ck_assert_int_eq(bolt_commit(tx), 0);

    found = e.ops.check(e.s, 0, e.list, e.err);
    ck_assert_int_eq(found, 5);
    ck_assert_uint_eq(testhost_list_len(e.list), 5);
    ck_assert_int_eq(e.ops.check(e.s, 1, e.list, e.err), 5);
    clean();
    expect_raw("all-ctrs/c", "name");
    expect_raw("name-registry/name", "c");
    expect_raw("name-registry/ghost", NULL);
    expect_raw("pod/p/containers/c", "name");
    bolt_free(db);
}
END_TEST

START_TEST(test_backup)
{
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    char copy[128];
    int fd;

    insert(t, BERTH_CONTAINER, "c", "name", 0);
    env_commit(&e, t);
    snprintf(copy, sizeof copy, "%s/copy", e.dir);
    fd = open(copy, O_RDWR | O_CREAT, 0600);
    ck_result(&e, e.ops.backup(e.s, fd, e.err), 0);
    close(fd);
    ck_assert_int_eq(rename(copy, e.file), 0);
    expect_raw("all-ctrs/c", "name");
    clean();
}
END_TEST

/* After fork() the child lets go, and the parent's transaction goes on. */
START_TEST(test_forked)
{
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    int status;
    pid_t pid;

    insert(t, BERTH_CONTAINER, "c", "name", 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        e.ops.forked(e.s);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    env_commit(&e, t);
    expect_raw("all-ctrs/c", "name");
}
END_TEST

/* One process: add 1 to the number in the state, `times` times. */
static void count_up(int times)
{
    for (int i = 0; i < times; i++) {
        struct berth_record rec = {.size = sizeof rec};
        struct berth_txn *t = NULL;
        char state[64];

        ck_result(&e, e.ops.begin(e.s, BERTH_TXN_WRITE, in_ms(60000), &t, e.err), 0);
        ck_result(&e, e.ops.get(t, BERTH_CONTAINER, "c", BERTH_REC_ALL, &rec, e.err), 0);
        snprintf(state, sizeof state, "{\"state\":%d}", rec.status + 1);
        rec.state = blob(state);
        rec.has = BERTH_REC_STATE;
        ck_result(&e, e.ops.update(t, &rec, e.err), 0);
        env_commit(&e, t);
    }
}

/* Several processes write at the same time, and some are killed: no step of those that
 * end well is lost, and the file stays sound. */
START_TEST(test_processes)
{
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    struct berth_record rec = record(BERTH_CONTAINER, "c", "name");
    pid_t pids[5];
    int status;

    rec.state = blob("{\"state\":0}");
    ck_result(&e, e.ops.insert(t, &rec, e.err), 0);
    env_commit(&e, t);
    for (int i = 0; i < 5; i++) {
        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (pids[i] == 0) {
            count_up(i == 4 ? 1000000 : 25);
            _exit(0);
        }
    }
    usleep(50000);
    ck_assert_int_eq(kill(pids[4], SIGKILL), 0);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_int_eq(status, i == 4 ? SIGKILL : 0);
    }
    t = env_begin(&e, 0);
    ck_result(&e, e.ops.get(t, BERTH_CONTAINER, "c", BERTH_REC_ATTRS, &rec, e.err), 0);
    ck_assert_int_ge(rec.status, 4 * 25);
    e.ops.rollback(t);
    clean();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("state_boltdb");
    TCase *tc = tcase_create("operations");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_new_store);
    tcase_add_test(tc, test_open_and_probe);
    tcase_add_test(tc, test_begin);
    tcase_add_test(tc, test_records);
    tcase_add_test(tc, test_scan);
    tcase_add_test(tc, test_links);
    tcase_add_test(tc, test_bulk);
    tcase_add_test(tc, test_exit_codes);
    tcase_add_test(tc, test_foreign_exit_codes);
    tcase_add_test(tc, test_identity);
    tcase_add_test(tc, test_foreign_data);
    tcase_add_test(tc, test_other_database);
    tcase_add_test(tc, test_check_and_repair);
    tcase_add_test(tc, test_backup);
    tcase_add_test(tc, test_forked);
    tcase_add_test(tc, test_processes);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
