/* SPDX-License-Identifier: Apache-2.0 */
/* The boltdb plugin's opening, records and links, one by one, on stores that it makes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
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

static int put_link(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                    const char *value)
{
    struct berth_link l = {.size = sizeof l, .kind = kind, .from = from, .to = to};

    if (value)
        l.value = env_blob(value);
    return e.ops.link(t, &l, e.err);
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
    env_clean(&e);
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

START_TEST(test_begin)
{
    struct bolt *other = bolt_new(e.file, 0);
    struct berth_record rec = env_record(BERTH_POD, "p", "p");
    struct berth_link l = {.size = sizeof l, .kind = BERTH_LINK_EXEC, .from = "s", .to = "c"};
    struct berth_exit x = {.size = sizeof x, .id = "c"};
    struct berth_store_config cfg = {.size = sizeof cfg, .os = "linux"};
    struct berth_txn *t = NULL;
    struct bolt_tx *tx;

    /* Between transactions there is no lock; in one there is. */
    ck_assert_int_eq(bolt_begin(other, BOLT_WRITE, BOLT_NO_WAIT, &tx), 0);
    ck_result(&e, e.ops.begin(e.s, 0, BERTH_NO_WAIT, &t, e.err), -EBUSY);
    ck_result(&e, e.ops.begin(e.s, BERTH_TXN_WRITE, env_in_ms(20), &t, e.err), -ETIMEDOUT);
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
    struct berth_record rec = env_record(BERTH_CONTAINER, "c1", "web"),
                        got = {.size = sizeof got};
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    uint32_t kind = 0;
    const char *id = NULL;

    env_insert(&e, t, BERTH_POD, "p1", "pod", 0);
    rec.pod = "p1";
    rec.ns = "prod";
    rec.netns = "/run/netns/x";
    rec.state = env_blob("{\"x\":[{\"state\":9}],\"STATE\":3,\"exitCode\":-1,\"s\":\"\\\"}\"}");
    ck_result(&e, e.ops.insert(t, &rec, e.err), 0);
    env_insert(&e, t, BERTH_CONTAINER, "c1", "other", -EEXIST);
    env_insert(&e, t, BERTH_POD, "c1", "other", -EEXIST);
    env_insert(&e, t, BERTH_CONTAINER, "c2", "web", -EEXIST);
    env_insert(&e, t, BERTH_POD, "p2", "web", -EEXIST);
    env_insert(&e, t, BERTH_VOLUME, "web", "web", 0);
    env_insert(&e, t, BERTH_VOLUME, "web", "web", -EEXIST);
    env_insert(&e, t, BERTH_VOLUME, "v", "w", -EINVAL);
    env_insert(&e, t, BERTH_CONTAINER, "", "x", -EINVAL);
    rec.id = "c3";
    rec.name = "three";
    rec.pod = "none";
    ck_result(&e, e.ops.insert(t, &rec, e.err), -ENOENT);
    env_commit(&e, t);
    env_clean(&e);

    env_raw(&e, "id-registry/c1", "web");
    env_raw(&e, "name-registry/web", "c1");
    env_raw(&e, "ns-registry/c1", "prod");
    env_raw(&e, "all-ctrs/c1", "web");
    env_raw(&e, "ctr/c1/pod-id", "p1");
    env_raw(&e, "ctr/c1/namespace", "prod");
    env_raw(&e, "ctr/c1/netns", "/run/netns/x");
    env_raw(&e, "pod/p1/containers/c1", "web");
    env_raw(&e, "allPods/p1", "pod");
    env_raw(&e, "allVolumes/web", "web");

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
    rec = env_record(BERTH_CONTAINER, "c1", "pod");
    rec.has = BERTH_REC_NAME;
    ck_result(&e, e.ops.update(t, &rec, e.err), -EEXIST);
    rec.name = "web2";
    rec.has = BERTH_REC_NAME | BERTH_REC_ATTRS;
    ck_result(&e, e.ops.update(t, &rec, e.err), 0);
    rec.id = "none";
    ck_result(&e, e.ops.update(t, &rec, e.err), -ENOENT);
    env_commit(&e, t);
    env_clean(&e);
    env_raw(&e, "name-registry/web", NULL);
    env_raw(&e, "name-registry/web2", "c1");
    env_raw(&e, "all-ctrs/c1", "web2");
    env_raw(&e, "pod/p1/containers/c1", "web2");
    env_raw(&e, "ns-registry/c1", NULL);
    env_raw(&e, "ctr/c1/netns", NULL);
    env_raw(&e, "ctr/c1/pod-id", "p1");
    env_raw(&e, "ctr/c1/config", "{\"config\":1}");

    t = env_begin(&e, BERTH_TXN_WRITE);
    ck_result(&e, e.ops.remove(t, BERTH_POD, "p1", e.err), -ENOTEMPTY);
    ck_result(&e, e.ops.remove(t, BERTH_CONTAINER, "c1", e.err), 0);
    ck_result(&e, e.ops.remove(t, BERTH_CONTAINER, "c1", e.err), -ENOENT);
    ck_result(&e, e.ops.remove(t, BERTH_POD, "p1", e.err), 0);
    ck_result(&e, e.ops.remove(t, BERTH_VOLUME, "web", e.err), 0);
    env_commit(&e, t);
    env_clean(&e);
    env_raw(&e, "id-registry/c1", NULL);
    env_raw(&e, "name-registry/web2", NULL);
    env_raw(&e, "name-registry/pod", NULL);
    env_raw(&e, "allVolumes/web", NULL);
}
END_TEST

/* Status and exit code as the plugin finds them in a state document. */
static void peek(struct berth_txn *t, const char *state, int status, int exit_code)
{
    struct berth_record rec = env_record(BERTH_CONTAINER, "c1", "web"),
                        got = {.size = sizeof got};

    rec.has = BERTH_REC_STATE;
    rec.state = env_blob(state);
    ck_result(&e, e.ops.update(t, &rec, e.err), 0);
    ck_result(&e, e.ops.get(t, BERTH_CONTAINER, "c1", BERTH_REC_ATTRS, &got, e.err), 0);
    ck_assert_msg(got.status == status && got.exit_code == exit_code,
                  "%s: status %d, exit code %d", state, (int)got.status, (int)got.exit_code);
}

START_TEST(test_peek)
{
    static const struct {
        const char *text; /* after some letters of a string: the document up to "state" */
        bool sound;
    } ends[] = {
        {"\"", true},         {"\\\"\"", true},         {"\\\\\"", true},
        {"\\\\\\\"\"", true}, {"\x7f\xc3\xa9\"", true}, {"\x1f\"", false},
        {"\n\"", false},      {"\\\\\\\"", false},      {"\\\"", false},
    };
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE);
    char text[128];

    env_insert(&e, t, BERTH_CONTAINER, "c1", "web", 0);
    peek(t, "{\"state\":3,\"exitCode\":-1}", 3, -1);
    peek(t, "{\"EXITCODE\":7,\"state\":1,\"State\":4}", 4, 7);
    peek(t, " {\t\"a\" : [{\"state\":9}] ,\r\n\"state\" : 2 , \"exitCode\" : 5 } ", 2, 5);
    peek(t, "{\"state\":\"3\",\"exitCode\":1.5}", 0, 0);
    peek(t, "{\"stat\":3,\"states\":3,\"\":3,\"exitCode\":6}", 0, 6);
    peek(t, "{\"exitCode\":6,\"x\":],\"state\":3}", 0, 6);
    peek(t, "{\"exitCode\":6,\"state\"", 0, 6);
    peek(t, "{\"exitCode\":6,\"state\":3", 3, 6);
    peek(t, "[{\"state\":3}]", 0, 0);
    peek(t, "{\"state\":123456789012345678901234}", 0, 0);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        for (int letters = 0; letters < 20; letters++) {
            snprintf(text, sizeof text, "{\"exitCode\":8,\"x\":\"%.*s%s,\"state\":5}", letters,
                     "abcdefghijklmnopqrstuvwxyz", ends[i].text);
            peek(t, text, ends[i].sound ? 5 : 0, 8);
        }
    }
    e.ops.rollback(t);
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

    env_insert(&e, t, BERTH_POD, "p1", "pod", 0);
    env_insert(&e, t, BERTH_CONTAINER, "a1", "one", 0);
    env_insert(&e, t, BERTH_CONTAINER, "a_", "under", 0);
    rec = env_record(BERTH_CONTAINER, "b1", "bee");
    rec.pod = "p1";
    ck_result(&e, e.ops.insert(t, &rec, e.err), 0);
    rec.id = "a2";
    rec.name = "two";
    ck_result(&e, e.ops.insert(t, &rec, e.err), 0);
    env_insert(&e, t, BERTH_VOLUME, "v1", "v1", 0);
    rec = env_record(BERTH_VOLUME, "v2", "v2");
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
    rec = env_record(BERTH_VOLUME, "v2", "v2");
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
    env_raw(&e, "volume-ctrs/s2", NULL);
    env_raw(&e, "volume-ctrs/s3", NULL);
    env_clean(&e);
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

    env_insert(&e, t, BERTH_CONTAINER, "a", "one", 0);
    env_insert(&e, t, BERTH_CONTAINER, "b", "two", 0);
    env_insert(&e, t, BERTH_CONTAINER, "c", "three", 0);
    env_insert(&e, t, BERTH_VOLUME, "v", "v", 0);
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
    env_clean(&e);
    env_raw(&e, "ctr/a/dependencies/b", "two");
    env_raw(&e, "vol/v/vol-dependencies/a", "a");
    env_raw(&e, "ctr/a/exec/s1", "a");
    env_raw(&e, "exec/s1", "a");

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
    env_clean(&e);
}
END_TEST

/* Records and links in any order, checked at the end. */
START_TEST(test_bulk)
{
    struct berth_txn *t = env_begin(&e, BERTH_TXN_WRITE | BERTH_TXN_BULK);
    struct berth_record rec = env_record(BERTH_CONTAINER, "c1", "one"),
                        got = {.size = sizeof got};
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
    env_insert(&e, t, BERTH_CONTAINER, "c2", "two", 0);
    env_insert(&e, t, BERTH_CONTAINER, "c2", "again", -EEXIST);
    env_insert(&e, t, BERTH_CONTAINER, "c3", "three", 0);
    env_insert(&e, t, BERTH_POD, "p1", "pod", 0);
    env_insert(&e, t, BERTH_VOLUME, "v", "v", 0);
    env_commit(&e, t);
    env_clean(&e);
    env_raw(&e, "pod/p1/containers/c1", "one");
    env_raw(&e, "ctr/c2/dependencies/c1", "one");

    t = env_begin(&e, BERTH_TXN_WRITE | BERTH_TXN_BULK);
    env_insert(&e, t, BERTH_CONTAINER, "c4", "four", 0);
    ck_result(&e, put_link(t, BERTH_LINK_DEPENDS, "c4", "c5", NULL), 0);
    ck_result(&e, e.ops.commit(t, e.err), -ENOENT);
    env_raw(&e, "ctr/c4/config", NULL);
    env_raw(&e, "all-ctrs/c4", NULL);
    env_clean(&e);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("state_boltdb: records and links");
    TCase *tc = tcase_create("operations");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_new_store);
    tcase_add_test(tc, test_open_and_probe);
    tcase_add_test(tc, test_begin);
    tcase_add_test(tc, test_records);
    tcase_add_test(tc, test_peek);
    tcase_add_test(tc, test_scan);
    tcase_add_test(tc, test_links);
    tcase_add_test(tc, test_bulk);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
