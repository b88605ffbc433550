/* SPDX-License-Identifier: Apache-2.0 */
/* The LMDB store against the model, and on damaged files. */
#include "tests/plugins/stores_shared.h"

#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct store st;

static void setup(void)
{
    store_init(&st, "state_lmdb", 0);
}

static void teardown(void)
{
    store_fini(&st);
}

START_TEST(workload)
{
    store_open(&st, BERTH_STATE_CREATE);
    store_workload(&st, (unsigned)_i * 7919 + 1, 50);
}
END_TEST

static char path[128];

/* A store with something in it, closed; the note that it was checked is taken away. */
static char *filled(size_t *len)
{
    store_open(&st, BERTH_STATE_CREATE);
    store_workload(&st, 21, 60);
    snprintf(path, sizeof(path), "%s", store_file(&st));
    store_close(&st);
    return store_slurp(path, len);
}

static void forget(void)
{
    char note[160];

    snprintf(note, sizeof(note), "%s/berth.lmdb-checked", st.dir);
    unlink(note);
}

static int visit(void *arg, const struct berth_record *r)
{
    unsigned *sum = arg;

    for (size_t i = 0; i < r->config.len; i++)
        *sum += ((const unsigned char *)r->config.data)[i];
    return 0;
}

static int visit_link(void *arg, const struct berth_link *l)
{
    *(unsigned *)arg += (unsigned)strlen(l->from) + (unsigned)strlen(l->to);
    return 0;
}

/* Open and read everything, then write: 0 or the first failure, which has to name the
 * file and be said once. */
static int use_all(void)
{
    struct berth_scan what = {.size = sizeof(what), .want = BERTH_REC_ALL};
    struct berth_record rec = store_record(BERTH_CONTAINER, "after", "after");
    struct berth_txn *t = NULL;
    unsigned sum = 0;
    int r;

    testhost_error_clear(st.err);
    r = st.ops.open(testhost_host(st.host), &st.place, st.cfg, 0, &st.s, st.err);
    if (r == 0)
        r = st.ops.begin(st.s, BERTH_TXN_WRITE, store_deadline(1000), &t, st.err);
    if (r == 0)
        r = st.ops.scan(t, &what, visit, &sum, st.err);
    for (uint32_t kind = BERTH_LINK_DEPENDS; r == 0 && kind <= BERTH_LINK_EXEC; kind++)
        r = st.ops.links(t, kind, BERTH_ANY, NULL, visit_link, &sum, st.err);
    if (r == 0)
        r = st.ops.insert(t, &rec, st.err);
    if (r == 0)
        r = st.ops.remove(t, BERTH_CONTAINER, "after", st.err);
    if (r < 0)
        st.ops.rollback(t);
    else
        r = st.ops.commit(t, st.err);
    if (r < 0) {
        ck_assert_int_eq(testhost_error_code(st.err), -r);
        ck_assert_uint_eq(testhost_error_calls(st.err), 1);
        ck_assert_msg(strstr(testhost_error_text(st.err), path) != NULL, "%s",
                      testhost_error_text(st.err));
    }
    return r;
}

START_TEST(truncated)
{
    size_t len, failed = 0;
    char *data = filled(&len);

    for (size_t keep = 0; keep < len; keep += keep < 8192 ? 211 : 4096 + 4096 * (keep % 3)) {
        int r;

        store_spit(path, data, keep);
        forget();
        r = use_all();
        failed += r < 0;
        if (keep < 8192)
            ck_assert_msg(r < 0, "%zu bytes are enough", keep);
        if (r == 0)
            store_check_clean(&st);
        store_close(&st);
    }
    ck_assert_uint_gt(failed, 40);
    free(data);
}
END_TEST

/* Cut off while it is open: the next transaction notices instead of reading on. */
START_TEST(cut_while_open)
{
    struct berth_txn *t = NULL;
    size_t len;
    char *data = filled(&len);

    store_open(&st, 0);
    store_commit(&st, store_begin(&st, 0));
    ck_assert_int_eq(truncate(path, (off_t)len / 2), 0);
    ck_assert_int_eq(st.ops.begin(st.s, 0, store_deadline(100), &t, st.err), -EUCLEAN);
    ck_assert_int_eq(st.ops.begin(st.s, BERTH_TXN_WRITE, store_deadline(100), &t, st.err),
                     -EUCLEAN);
    ck_assert_ptr_null(t);
    store_close(&st);
    store_spit(path, data, len);
    forget();
    ck_assert_int_eq(use_all(), 0);
    free(data);
}
END_TEST

START_TEST(moved_while_open)
{
    struct berth_txn *t = NULL;
    char aside[160];
    size_t len;

    free(filled(&len));
    store_open(&st, 0);
    snprintf(aside, sizeof(aside), "%s.moved", path);
    ck_assert_int_eq(rename(path, aside), 0);
    ck_assert_int_eq(st.ops.begin(st.s, BERTH_TXN_WRITE, store_deadline(100), &t, st.err),
                     -ESTALE);
    ck_assert_ptr_null(t);
}
END_TEST

/* Bytes of page headers, of the meta pages or anywhere changed at random. */
START_TEST(flipped)
{
    unsigned seed = (unsigned)_i * 77 + 3, failed = 0;
    struct berth_list *report = testhost_list_new();
    size_t len;
    char *data = filled(&len), *copy = malloc(len);

    for (int round = 0; round < 60; round++) {
        unsigned flips = 1 + store_random(&seed, 6);
        int r;

        memcpy(copy, data, len);
        while (flips--) {
            size_t page = store_random(&seed, (unsigned)(len / 4096)), within;

            if (store_random(&seed, 3) == 0)
                page = store_random(&seed, 2);
            within = store_random(&seed, store_random(&seed, 3) ? 160 : 4096);
            copy[page * 4096 + within] = (char)store_random(&seed, 256);
        }
        store_spit(path, copy, len);
        forget();
        r = use_all();
        failed += r < 0;
        if (st.s) {
            testhost_list_clear(report);
            st.ops.check(st.s, round % 2, report, NULL);
        }
        store_close(&st);
    }
    ck_assert_uint_gt(failed, 5);
    testhost_list_free(report);
    free(data);
    free(copy);
}
END_TEST

static void put32(char *to, uint32_t v)
{
    memcpy(to, &v, sizeof(v));
}

START_TEST(other_machines)
{
    static const struct {
        size_t at;
        uint32_t value;
        int want, probe;
    } heads[] = {
        {16, 0xDEC0EFBE, -ENOTSUP, -ENOTSUP}, /* bytes the other way round */
        {12, 0xBEEFC0DE, -ENOTSUP, -ENOTSUP}, /* where 32-bit machines have it */
        {20, 2, -ENOTSUP, -ENOTSUP},          /* format of a later LMDB */
        {20, 999, -ENOTSUP, -ENOTSUP},        /* and of its development */
        {40, 0, -EUCLEAN, BERTH_PROBE_MINE},  /* page size */
        {40, 4095, -EUCLEAN, BERTH_PROBE_MINE},
        {40, 0x80000000, -EUCLEAN, BERTH_PROBE_MINE},
        {16, 0x12345678, -EEXIST, BERTH_PROBE_FOREIGN},
    };
    const struct berth_host *h = testhost_host(st.host);
    size_t len;
    char *data = filled(&len);

    for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
        char *copy = malloc(len);
        int r;

        memcpy(copy, data, len);
        if (heads[i].at == 12)
            put32(copy + 16, 1);
        put32(copy + heads[i].at, heads[i].value);
        store_spit(path, copy, len);
        forget();
        r = use_all();
        ck_assert_msg(r == heads[i].want, "%zu: %d %s", i, r, testhost_error_text(st.err));
        ck_assert_int_eq(st.ops.probe(h, &st.place, st.cfg, st.err), heads[i].probe);
        free(copy);
    }
    free(data);
}
END_TEST

/* Change entries by means of LMDB alone. */
static void raw(const char *key, size_t key_len, const char *value, size_t len)
{
    MDB_val k = {key_len, (void *)(uintptr_t)key}, v = {len, (void *)(uintptr_t)value};
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    int rc;

    ck_assert_int_eq(mdb_env_create(&env), 0);
    ck_assert_int_eq(mdb_env_set_mapsize(env, 1 << 26), 0);
    ck_assert_int_eq(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
    ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
    ck_assert_int_eq(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    rc = value ? mdb_put(txn, dbi, &k, &v, 0) : mdb_del(txn, dbi, &k, NULL);
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

START_TEST(newer_and_foreign)
{
    const struct berth_host *h = testhost_host(st.host);
    size_t len;

    free(filled(&len));
    raw("\1berth", 7, "\2\0\0", 4);
    ck_assert_int_eq(use_all(), -ENOTSUP);
    ck_assert_int_eq(st.ops.probe(h, &st.place, st.cfg, st.err), -ENOTSUP);
    raw("\1berth", 7, NULL, 0);
    ck_assert_int_eq(use_all(), -EEXIST);
    ck_assert_int_eq(st.ops.probe(h, &st.place, st.cfg, st.err), BERTH_PROBE_FOREIGN);
}
END_TEST

/* Entries that no version of ours writes. */
static const struct {
    const char *key;
    size_t key_len;
    const char *value;
    size_t len;
} entries[] = {
    {"\x11", 1, "", 0}, /* a record of no ID */
    {"\x11\0\1", 3, "", 0},
    {"\x11zz\0\1", 5, "", 0},                         /* no attributes */
    {"\x11zz\0\1", 5, "\0\0\0\0\0\0\0\0\xff", 9},     /* a mask of too much */
    {"\x11zz\0\1", 5, "\0\0\0\0\0\0\0\0\1abc", 12},   /* a name without end */
    {"\x11zz\0\1", 5, "\0\0\0\0\0\0\0\0\1abc\0", 13}, /* no configuration */
    {"\x11zz\0\2", 5, "{}", 2},                       /* and nothing else */
    {"\x11zz\0\7", 5, "{}", 2},                       /* an unknown part */
    {"\x41", 1, "", 0},                               /* links */
    {"\x41zz", 3, "", 0},
    {"\x41zz\0yy", 6, "", 0},
    {"\x41\0yy\0", 5, "", 0},
    {"\x43zz\0yy\0", 7, "\2", 1},
};

START_TEST(odd_entries)
{
    struct berth_list *report = testhost_list_new();
    size_t len;

    free(filled(&len));
    raw(entries[_i].key, entries[_i].key_len, entries[_i].value, entries[_i].len);
    ck_assert_int_eq(use_all(), -EUCLEAN);
    store_close(&st);
    store_open(&st, 0); /* opening is not reading */
    ck_assert_int_ne(st.ops.check(st.s, 0, report, st.err), 0);
    testhost_list_free(report);
}
END_TEST

START_TEST(repairs)
{
    struct berth_record rec = store_record(BERTH_CONTAINER, "c1", "n1");
    struct berth_link link = {
        .size = sizeof(link), .kind = BERTH_LINK_DEPENDS, .from = "c1", .to = "c2"};
    struct berth_list *report = testhost_list_new();
    uint32_t kind = 0;
    const char *id;
    struct berth_txn *t;

    store_open(&st, BERTH_STATE_CREATE);
    snprintf(path, sizeof(path), "%s", store_file(&st));
    t = store_begin(&st, BERTH_TXN_WRITE);
    ck_assert_int_eq(st.ops.insert(t, &rec, st.err), 0);
    rec = store_record(BERTH_CONTAINER, "c2", "n2");
    ck_assert_int_eq(st.ops.insert(t, &rec, st.err), 0);
    ck_assert_int_eq(st.ops.link(t, &link, st.err), 0);
    store_commit(&st, t);
    store_close(&st);
    raw("\x21n1", 4, NULL, 0);     /* a name is gone */
    raw("\x21nobody", 8, "c9", 3); /* one of nothing */
    raw("\x30pod\0c2", 8, "", 0);  /* a member that is none */
    raw("\x51"
        "c2\0c1",
        7, NULL, 0); /* the other end of a link */
    raw("\x52"
        "c1\0v1",
        7, "", 0); /* one end only */
    store_open(&st, 0);
    ck_assert_int_ge(st.ops.check(st.s, 0, report, st.err), 5);
    ck_assert_int_ge(st.ops.check(st.s, 1, report, st.err), 5);
    store_check_clean(&st);
    t = store_begin(&st, 0);
    ck_assert_int_eq(st.ops.resolve(t, 0, "n1", &kind, &id, st.err), 0);
    ck_assert_str_eq(id, "c1");
    ck_assert_int_eq(st.ops.resolve(t, 0, "nobody", &kind, &id, st.err), -ENOENT);
    store_commit(&st, t);
    testhost_list_free(report);
}
END_TEST

/* ------------------------------------------------------------------ limits */

START_TEST(map_is_full)
{
    struct berth_record rec = store_record(BERTH_CONTAINER, "id", "name");
    size_t len = 12 << 20;
    char *data = calloc(1, len);
    struct berth_txn *t;
    int r;

    ck_assert_int_eq(testhost_config_set(st.cfg, "map_size", "16M"), 0);
    store_open(&st, BERTH_STATE_CREATE);
    t = store_begin(&st, BERTH_TXN_WRITE);
    rec.config = rec.state = (struct berth_blob){data, len};
    r = st.ops.insert(t, &rec, st.err);
    ck_assert_int_eq(r, -ENOSPC);
    ck_assert_ptr_nonnull(strstr(testhost_error_text(st.err), "map_size"));
    ck_assert_int_eq(st.ops.remove(t, BERTH_CONTAINER, "id", st.err), -ENOTRECOVERABLE);
    ck_assert_int_eq(st.ops.commit(t, st.err), -ENOTRECOVERABLE);
    t = store_begin(&st, BERTH_TXN_WRITE);
    rec = store_record(BERTH_CONTAINER, "id", "name");
    ck_assert_int_eq(st.ops.insert(t, &rec, st.err), 0);
    store_commit(&st, t);
    store_check_clean(&st);
    free(data);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they need it all */
/* Less address space than the map wants: a smaller map has to do. */
START_TEST(address_space)
{
    int status;
    pid_t child;

    child = fork();
    if (child == 0) {
        struct rlimit limit = {1u << 30, 1u << 30};

        setrlimit(RLIMIT_AS, &limit);
        store_open(&st, BERTH_STATE_CREATE);
        store_workload(&st, 5, 5);
        store_close(&st);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST
#endif

/* Another process with a larger map fills more than ours spans. */
START_TEST(follows_a_larger_map)
{
    struct berth_record rec = store_record(BERTH_CONTAINER, "large", "large");
    struct berth_txn *t;
    int down[2], status;
    pid_t child;
    char c = 0;

    ck_assert_int_eq(pipe(down), 0);
    child = fork();
    if (child == 0) {
        size_t len = 40 << 20;
        char *data = calloc(1, len);

        close(down[1]);
        ck_assert_int_eq(read(down[0], &c, 1), 1);
        ck_assert_int_eq(testhost_config_set(st.cfg, "map_size", "256M"), 0);
        store_open(&st, 0);
        t = store_begin(&st, BERTH_TXN_WRITE);
        rec.config = (struct berth_blob){data, len};
        ck_assert_int_eq(st.ops.insert(t, &rec, st.err), 0);
        store_commit(&st, t);
        store_close(&st);
        _exit(0);
    }
    ck_assert_int_eq(testhost_config_set(st.cfg, "map_size", "16M"), 0);
    store_open(&st, BERTH_STATE_CREATE);
    store_commit(&st, store_begin(&st, 0));
    ck_assert_int_eq(write(down[1], "x", 1), 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    t = store_begin(&st, 0);
    ck_assert_int_eq(st.ops.get(t, BERTH_CONTAINER, "large", BERTH_REC_CONFIG, &rec, st.err),
                     0);
    ck_assert_uint_eq(rec.config.len, 40 << 20);
    store_commit(&st, t);
    t = store_begin(&st, BERTH_TXN_WRITE);
    ck_assert_int_eq(st.ops.remove(t, BERTH_CONTAINER, "large", st.err), 0);
    store_commit(&st, t);
    close(down[0]);
    close(down[1]);
}
END_TEST

/* Processes killed while they read leave their places in LMDB's table of readers. */
START_TEST(stale_readers)
{
    MDB_env *env;
    MDB_envinfo info;
    int dead = -1;

    store_open(&st, BERTH_STATE_CREATE);
    snprintf(path, sizeof(path), "%s", store_file(&st));
    store_close(&st);
    /* Hold the lock file, so that it is not made anew when nobody has it. */
    ck_assert_int_eq(mdb_env_create(&env), 0);
    ck_assert_int_eq(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOTLS, 0600), 0);
    for (int i = 0; i < 8; i++) {
        int up[2], status;
        pid_t child;
        char c;

        ck_assert_int_eq(pipe(up), 0);
        child = fork();
        if (child == 0) {
            store_open(&st, 0);
            store_begin(&st, 0);
            ck_assert_int_eq(write(up[1], "x", 1), 1);
            pause();
        }
        ck_assert_int_eq(read(up[0], &c, 1), 1);
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        close(up[0]);
        close(up[1]);
    }
    /* Each opened and cleared what the one before left: one place is in use at most. */
    ck_assert_int_eq(mdb_env_info(env, &info), 0);
    ck_assert_uint_le(info.me_numreaders, 2);
    ck_assert_int_eq(mdb_reader_check(env, &dead), 0);
    ck_assert_int_eq(dead, 1);
    mdb_env_close(env);
}
END_TEST

START_TEST(once_per_process)
{
    struct berth_state *s = NULL;
    int r;

    store_open(&st, BERTH_STATE_CREATE);
    r = st.ops.open(testhost_host(st.host), &st.place, st.cfg, 0, &s, st.err);
    ck_assert_int_eq(r, -EBUSY);
    ck_assert_ptr_null(s);
    store_commit(&st, store_begin(&st, BERTH_TXN_WRITE));
}
END_TEST

/* ----------------------------------------------------------------- threads */

static void *reads(void *arg)
{
    for (int i = 0; i < 300; i++) {
        struct berth_record a = {.size = sizeof(a)}, b = {.size = sizeof(b)};
        struct berth_txn *t = NULL;
        int same;

        if (st.ops.begin(st.s, 0, BERTH_NO_WAIT, &t, NULL) < 0 ||
            st.ops.get(t, BERTH_CONTAINER, "a", BERTH_REC_ATTRS, &a, NULL) < 0 ||
            st.ops.get(t, BERTH_CONTAINER, "b", BERTH_REC_ATTRS, &b, NULL) < 0)
            return NULL;
        same = a.status == b.status;
        if (st.ops.commit(t, NULL) < 0 || !same)
            return NULL;
    }
    return arg;
}

static void *writes(void *arg)
{
    for (int i = 0; i < 30; i++) {
        struct berth_txn *t = NULL;

        if (st.ops.begin(st.s, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &t, NULL) < 0)
            return NULL;
        for (int j = 0; j < 2; j++) {
            struct berth_record rec = {.size = sizeof(rec)};

            if (st.ops.get(t, BERTH_CONTAINER, j ? "b" : "a", BERTH_REC_ATTRS, &rec, NULL) < 0)
                return NULL;
            rec.status++;
            if (st.ops.update(t, &rec, NULL) < 0)
                return NULL;
        }
        if (st.ops.commit(t, NULL) < 0)
            return NULL;
    }
    return arg;
}

START_TEST(threads)
{
    struct berth_record rec = store_record(BERTH_CONTAINER, "a", "a");
    struct berth_txn *t;
    pthread_t thread[5];
    void *ok;

    store_open(&st, BERTH_STATE_CREATE);
    t = store_begin(&st, BERTH_TXN_WRITE);
    ck_assert_int_eq(st.ops.insert(t, &rec, st.err), 0);
    rec = store_record(BERTH_CONTAINER, "b", "b");
    ck_assert_int_eq(st.ops.insert(t, &rec, st.err), 0);
    store_commit(&st, t);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, i < 2 ? writes : reads, &st), 0);
    for (int i = 0; i < 5; i++) {
        pthread_join(thread[i], &ok);
        ck_assert_ptr_nonnull(ok);
    }
    t = store_begin(&st, 0);
    ck_assert_int_eq(st.ops.get(t, BERTH_CONTAINER, "b", BERTH_REC_ATTRS, &rec, st.err), 0);
    ck_assert_int_eq(rec.status, 1 + 60);
    store_commit(&st, t);
}
END_TEST

/* Open with these flags of the place and see that the file is where it should be. */
static void lies_in(uint32_t flags, const char *want)
{
    char want_path[256];

    st.place.flags = flags;
    store_open(&st, BERTH_STATE_CREATE);
    snprintf(want_path, sizeof(want_path), "%s/%s", st.dir, want);
    ck_assert_str_eq(store_file(&st), want_path);
    ck_assert_int_eq(access(want_path, F_OK), 0);
    store_workload(&st, 9, 3);
    store_close(&st);
}

START_TEST(places)
{
    static const char *const dirs[] = {"static", "graph", "run", "tmp"};
    char dir[4][128];

    for (int i = 0; i < 4; i++) {
        snprintf(dir[i], sizeof(dir[i]), "%s/%s", st.dir, dirs[i]);
        ck_assert_int_eq(mkdir(dir[i], 0700), 0);
    }
    st.place.static_dir = dir[0];
    st.place.graph_root = dir[1];
    st.place.run_root = dir[2];
    st.place.tmp_dir = dir[3];
    lies_in(0, "static/berth.lmdb");
    lies_in(BERTH_PLACE_TRANSIENT, "tmp/berth.lmdb");
    st.place.flags = 0;
    for (int i = 0; i < 4; i++) {
        char command[600];

        snprintf(command, sizeof(command), "rm -r '%s'", dir[i]);
        ck_assert_int_eq(system(command), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lmdb");
    TCase *tc = tcase_create("store");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, workload, 0, 10);
    stores_add_shared_tests(tc, &st);
    tcase_add_test(tc, truncated);
    tcase_add_test(tc, cut_while_open);
    tcase_add_test(tc, moved_while_open);
    tcase_add_loop_test(tc, flipped, 0, 5);
    tcase_add_test(tc, other_machines);
    tcase_add_test(tc, newer_and_foreign);
    tcase_add_loop_test(tc, odd_entries, 0, sizeof(entries) / sizeof(*entries));
    tcase_add_test(tc, repairs);
    tcase_add_test(tc, map_is_full);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    tcase_add_test(tc, address_space);
#endif
    tcase_add_test(tc, follows_a_larger_map);
    tcase_add_test(tc, stale_readers);
    tcase_add_test(tc, once_per_process);
    tcase_add_test(tc, threads);
    tcase_add_test(tc, places);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
