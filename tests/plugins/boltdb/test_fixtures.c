/* SPDX-License-Identifier: Apache-2.0 */
/* The boltdb plugin on databases that podman 4.3.1 wrote: everything that is known to be
 * in them is read, and saving one state changes that and nothing else. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/plugins/boltdb/env.h"

static struct env e;
static struct json_object *wanted; /* "buckets" of expected.json */

static const struct {
    const char *db, *expected;
} fixtures[] = {
    {"bolt_state.db", "expected.json"},
    {"large/bolt_state.db.xz", "large/expected.json.xz"},
    {"variants/pagesize-16384.db.xz", "expected.json"},
    {"variants/no-freelist-sync.db.xz", "expected.json"},
};

static struct json_object *member(struct json_object *o, const char *name)
{
    struct json_object *v = NULL;

    return o && json_object_object_get_ex(o, name, &v) ? v : NULL;
}

static const char *text(struct json_object *o, const char *name)
{
    return json_object_get_string(member(o, name));
}

static void set_up(void)
{
    env_init(&e);
}

static void tear_down(void)
{
    env_done(&e);
    json_object_put(wanted);
    wanted = NULL;
}

static void load(int which)
{
    struct json_object *all;

    env_fixture(&e, fixtures[which].expected);
    all = json_object_from_file(e.file);
    ck_assert_ptr_nonnull(all);
    wanted = json_object_get(member(all, "buckets"));
    json_object_put(all);
    env_fixture(&e, fixtures[which].db);
}

static void same_text(const char *got, const char *want)
{
    ck_assert_msg((!got && !want) || (got && want && strcmp(got, want) == 0),
                  "\"%.200s\" is not \"%.200s\"", got ? got : "(none)", want ? want : "(none)");
}

static void same_blob(const struct berth_blob *got, const char *want)
{
    ck_assert_int_eq(got->data != NULL, want != NULL);
    if (want) {
        ck_assert_uint_eq(got->len, strlen(want));
        ck_assert_mem_eq(got->data, want, got->len);
    }
}

/* What a member of a document is, as a number; 0 if it is not there. */
static int number_in(const char *document, const char *name)
{
    struct json_object *o = json_tokener_parse(document);
    int n = json_object_get_int(member(o, name));

    json_object_put(o);
    return n;
}

static void check_record(const struct berth_record *rec)
{
    static const char *const index[] = {NULL, "all-ctrs", "allPods", "allVolumes"};
    static const char *const buckets[] = {NULL, "ctr", "pod", "vol"};
    struct json_object *b = member(member(wanted, buckets[rec->kind]), rec->id);

    ck_assert_ptr_nonnull(b);
    ck_assert_uint_eq(rec->has, BERTH_REC_ALL);
    same_text(rec->name, text(member(wanted, index[rec->kind]), rec->id));
    same_text(rec->ns, text(b, "namespace"));
    same_text(rec->pod, text(b, "pod-id"));
    same_text(rec->netns, text(b, "netns"));
    same_blob(&rec->config, text(b, "config"));
    same_blob(&rec->state, text(b, "state"));
    if (rec->kind == BERTH_CONTAINER) {
        ck_assert_int_eq(rec->status, number_in(text(b, "state"), "state"));
        ck_assert_int_eq(rec->exit_code, number_in(text(b, "state"), "exitCode"));
    } else if (rec->kind == BERTH_POD) {
        struct json_object *o = json_tokener_parse(text(b, "state"));

        const char *infra = text(o, "InfraContainerID");

        same_text(rec->infra, infra && *infra ? infra : NULL);
        json_object_put(o);
    } else {
        same_text(rec->storage_id ? text(member(wanted, "volume-ctrs"), rec->storage_id) : NULL,
                  rec->storage_id ? rec->id : NULL);
    }
}

struct seen {
    struct berth_txn *t;
    int n[BERTH_VOLUME + 1];
    char last[80];
    uint32_t kind;
};

static int see_record(void *arg, const struct berth_record *rec)
{
    struct seen *s = arg;
    struct berth_record again = {.size = sizeof again};
    uint32_t kind = 0;
    const char *id = NULL;

    ck_assert_int_ge((int)rec->kind, (int)s->kind);
    if (rec->kind == s->kind)
        ck_assert_int_lt(strcmp(s->last, rec->id), 0);
    s->kind = rec->kind;
    snprintf(s->last, sizeof s->last, "%s", rec->id);
    s->n[rec->kind]++;
    ck_result(&e, e.ops.get(s->t, rec->kind, rec->id, BERTH_REC_ALL, &again, e.err), 0);
    check_record(&again);
    if (rec->kind != BERTH_VOLUME) {
        ck_result(&e, e.ops.resolve(s->t, 0, rec->name, &kind, &id, e.err), 0);
        ck_assert_uint_eq(kind, rec->kind);
        same_text(id, rec->id);
    }
    check_record(rec);
    return 0;
}

struct counted {
    struct json_object *bucket; /* of one holder */
    int n;
};

static int count_link(void *arg, const struct berth_link *l)
{
    struct counted *c = arg;
    const char *key = l->kind == BERTH_LINK_NETWORK ? l->to : l->from;

    ck_assert_ptr_nonnull(text(c->bucket, key));
    if (l->kind == BERTH_LINK_NETWORK)
        same_blob(&l->value, text(c->bucket, key));
    c->n++;
    return 0;
}

/* The links of every holder of this kind are those in the bucket below it. */
static void check_links(struct berth_txn *t, uint32_t kind, const char *top, const char *bucket,
                        uint32_t end)
{
    int total = 0, n = 0;

    json_object_object_foreach (member(wanted, top), id, holder) {
        struct counted c = {.bucket = member(holder, bucket)};
        int want = c.bucket ? json_object_object_length(c.bucket) : 0;

        ck_result(&e, e.ops.links(t, kind, end, id, count_link, &c, e.err), 0);
        ck_assert_int_eq(c.n, want);
        total += want;
        if (c.bucket) {
            json_object_object_foreach (c.bucket, key, value) {
                struct berth_link l = {.size = sizeof l};
                const char *from = end == BERTH_FROM ? id : key;

                (void)value;
                ck_result(&e,
                          e.ops.linked(t, kind, from, end == BERTH_FROM ? key : id, &l, e.err),
                          0);
                same_text(l.from, from);
                n++;
            }
        }
    }
    ck_assert_int_eq(n, total);
}

static int see_exit(void *arg, const struct berth_exit *x)
{
    const char *code = text(member(wanted, "exit-code"), x->id);
    struct berth_exit again = {.size = sizeof again};

    ck_assert_ptr_nonnull(code);
    ck_assert_int_eq(x->code, atoi(code));
    ck_assert_int_gt(x->date / 1000000000, 1700000000);
    ck_result(&e, e.ops.exit_get(((struct seen *)arg)->t, x->id, &again, e.err), 0);
    ck_assert_int_eq(again.code, x->code);
    ck_assert_int_eq(again.date, x->date);
    ((struct seen *)arg)->n[0]++;
    return 0;
}

static int bucket_size(const char *name)
{
    return json_object_object_length(member(wanted, name));
}

START_TEST(test_read_all)
{
    struct berth_scan scan = {.size = sizeof scan, .want = BERTH_REC_ALL};
    struct berth_store_config cfg = {.size = sizeof cfg};
    struct seen seen = {0};
    struct stat before, after;
    struct berth_txn *t;

    load(_i);
    ck_assert_int_eq(chmod(e.file, 0400), 0);
    ck_assert_int_eq(stat(e.file, &before), 0);
    e.place.flags = BERTH_PLACE_READONLY;
    ck_result(&e, e.ops.probe(testhost_host(e.th), &e.place, e.cfg, e.err), BERTH_PROBE_MINE);
    env_open(&e, 0);
    t = env_begin(&e, 0);
    seen.t = t;
    ck_result(&e, e.ops.scan(t, &scan, see_record, &seen, e.err), 0);
    ck_assert_int_eq(seen.n[BERTH_CONTAINER], bucket_size("all-ctrs"));
    ck_assert_int_eq(seen.n[BERTH_POD], bucket_size("allPods"));
    ck_assert_int_eq(seen.n[BERTH_VOLUME], bucket_size("allVolumes"));
    check_links(t, BERTH_LINK_DEPENDS, "ctr", "dependencies", BERTH_TO);
    check_links(t, BERTH_LINK_VOLUME, "vol", "vol-dependencies", BERTH_TO);
    check_links(t, BERTH_LINK_NETWORK, "ctr", "networks", BERTH_FROM);
    check_links(t, BERTH_LINK_EXEC, "ctr", "exec", BERTH_TO);
    ck_result(&e, e.ops.exit_scan(t, see_exit, &seen, e.err), 0);
    ck_assert_int_eq(seen.n[0], bucket_size("exit-code"));
    ck_result(&e, e.ops.config_get(t, &cfg, e.err), 0);
    same_text(cfg.os, "linux");
    same_text(cfg.static_dir, text(member(wanted, "runtime-config"), "static-dir"));
    same_text(cfg.tmp_dir, text(member(wanted, "runtime-config"), "tmp-dir"));
    same_text(cfg.graph_root, text(member(wanted, "runtime-config"), "graph-root"));
    same_text(cfg.run_root, text(member(wanted, "runtime-config"), "run-root"));
    same_text(cfg.graph_driver, text(member(wanted, "runtime-config"), "graph-driver-name"));
    same_text(cfg.volume_path, text(member(wanted, "runtime-config"), "volume-path"));
    e.ops.rollback(t);
    ck_result(&e, e.ops.check(e.s, 0, e.list, e.err), 0);
    ck_result(&e, e.ops.begin(e.s, BERTH_TXN_WRITE, BERTH_NO_WAIT, &t, e.err), -EROFS);
    env_close(&e);
    ck_assert_int_eq(stat(e.file, &after), 0);
    ck_assert_int_eq(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}
END_TEST

/* Save the state of one container; all else stays, by the word of the original library. */
START_TEST(test_save_one_state)
{
    static const char state[] = "{\"state\":6,\"exitCode\":42,\"new\":true}";
    struct json_object *ctr, *dump;
    struct berth_record rec = {.size = sizeof rec};
    struct berth_txn *t;
    char *json;

    load(_i);
    ctr = member(wanted, "ctr");
    env_open(&e, BERTH_STATE_CREATE);
    t = env_begin(&e, BERTH_TXN_WRITE);
    rec.kind = BERTH_CONTAINER;
    json_object_object_foreach (ctr, id, value) {
        (void)value;
        rec.id = id; /* the last one will do */
    }
    rec.has = BERTH_REC_STATE;
    rec.state = (struct berth_blob){state, sizeof state - 1};
    ck_result(&e, e.ops.update(t, &rec, e.err), 0);
    env_commit(&e, t);
    ck_result(&e, e.ops.check(e.s, 0, e.list, e.err), 0);

    json_object_object_add(member(ctr, rec.id), "state", json_object_new_string(state));
    json = env_dump(&e);
    if (!json) {
        fprintf(stderr, "not compared by the original library: no bolt-check\n");
        return;
    }
    dump = json_tokener_parse(json);
    free(json);
    ck_assert_ptr_nonnull(dump);
    ck_assert(json_object_equal(member(dump, "buckets"), wanted));
    json_object_put(dump);
}
END_TEST

/* ------------------------------------------------------------------ damaged files */

static int ignore_record(void *arg, const struct berth_record *rec)
{
    struct berth_record again = {.size = sizeof again};
    int r = e.ops.get(arg, rec->kind, rec->id, BERTH_REC_ALL, &again, NULL);

    return r == -ENOENT ? 0 : r;
}

static int ignore_link(void *arg, const struct berth_link *l)
{
    struct berth_link again = {.size = sizeof again};
    int r = e.ops.linked(arg, l->kind, l->from, l->to, &again, NULL);

    return r == -ENOENT ? 0 : r;
}

static int ignore_exit(void *arg, const struct berth_exit *x)
{
    (void)arg;
    (void)x;
    return 0;
}

/* Read all there is; 0 or the first failure. */
static int read_all(struct berth_txn *t)
{
    struct berth_scan scan = {.size = sizeof scan, .want = BERTH_REC_ALL};
    struct berth_store_config cfg = {.size = sizeof cfg};
    int r;

    r = e.ops.scan(t, &scan, ignore_record, t, NULL);
    for (uint32_t kind = BERTH_LINK_DEPENDS; r == 0 && kind <= BERTH_LINK_EXEC; kind++)
        r = e.ops.links(t, kind, BERTH_ANY, NULL, ignore_link, t, NULL);
    if (r == 0)
        r = e.ops.exit_scan(t, ignore_exit, NULL, NULL);
    if (r == 0)
        r = e.ops.config_get(t, &cfg, NULL);
    return r;
}

/* Change something of everything; 0 or the first failure. */
static int write_some(struct berth_txn *t)
{
    struct berth_record rec = {.size = sizeof rec,
                               .kind = BERTH_CONTAINER,
                               .has = BERTH_REC_ALL,
                               .id = "new",
                               .name = "new",
                               .config = {"{}", 2},
                               .state = {"{}", 2}};
    struct berth_exit x = {.size = sizeof x, .id = "new", .code = 1};
    int64_t r;

    r = e.ops.insert(t, &rec, NULL);
    if (r == 0)
        r = e.ops.exit_put(t, &x, NULL);
    if (r == 0)
        r = e.ops.unlink_all(t, BERTH_LINK_VOLUME, BERTH_ANY, NULL, NULL);
    if (r >= 0)
        r = e.ops.unlink_all(t, BERTH_LINK_EXEC, BERTH_ANY, NULL, NULL);
    if (r >= 0)
        r = e.ops.exit_prune(t, INT64_MAX, 0, NULL);
    if (r >= 0)
        r = e.ops.remove(t, BERTH_CONTAINER, "new", NULL);
    return r < 0 ? (int)r : 0;
}

static int known_failure(int64_t r)
{
    return r == -EUCLEAN || r == -ENOENT || r == -EEXIST || r == -ENOTRECOVERABLE;
}

/* Random bytes changed in podman's file: errors, but no crash, and no damage by us. */
START_TEST(test_damaged)
{
    static uint8_t image[524288], data[524288], now[524288];
    unsigned seed = 99, failed = 0;
    int fd;

    load(0);
    fd = open(e.file, O_RDONLY);
    ck_assert_int_eq(read(fd, image, sizeof image), (ssize_t)sizeof image);
    close(fd);
    for (int round = 0; round < 400; round++) {
        struct berth_txn *t = NULL;
        int64_t r, found;

        memcpy(data, image, sizeof data);
        for (unsigned n = 1 + (unsigned)rand_r(&seed) % 40; n > 0; n--) {
            /* Mostly where pages and elements begin. */
            size_t at = (size_t)rand_r(&seed) % (102 * 4096);

            if (n % 3)
                at = at / 4096 * 4096 + at % 400;
            if (at >= 8192)
                data[at] = (uint8_t)rand_r(&seed);
        }
        fd = open(e.file, O_RDWR | O_TRUNC);
        ck_assert_int_eq(write(fd, data, sizeof data), (ssize_t)sizeof data);
        e.place.flags = round % 2 ? BERTH_PLACE_READONLY : 0;
        env_open(&e, 0);
        r = e.ops.begin(e.s, 0, BERTH_NO_WAIT, &t, NULL);
        if (r == 0) {
            r = read_all(t);
            e.ops.rollback(t);
        }
        ck_assert(r == 0 || known_failure(r));
        found = e.ops.check(e.s, 0, NULL, NULL);
        ck_assert(found >= 0 || known_failure(found));
        failed += r < 0;
        if (!e.place.flags) {
            r = e.ops.begin(e.s, BERTH_TXN_WRITE, BERTH_NO_WAIT, &t, NULL);
            if (r == 0) {
                r = write_some(t);
                if (r == 0)
                    r = e.ops.commit(t, NULL);
                else
                    e.ops.rollback(t);
            }
            ck_assert(r == 0 || known_failure(r));
            if (r == 0)
                ck_assert_int_ge(e.ops.check(e.s, 1, NULL, NULL), 0);
        }
        if (e.place.flags || r < 0) {
            ck_assert_int_eq(pread(fd, now, sizeof now, 0), (ssize_t)sizeof now);
            ck_assert(memcmp(now, data, sizeof data) == 0);
        }
        close(fd);
        env_close(&e);
    }
    ck_assert_uint_gt(failed, 50);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("state_boltdb on podman's files");
    TCase *tc = tcase_create("fixtures");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, test_read_all, 0, (int)(sizeof fixtures / sizeof *fixtures));
    tcase_add_loop_test(tc, test_save_one_state, 0, (int)(sizeof fixtures / sizeof *fixtures));
    tcase_add_test(tc, test_damaged);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
