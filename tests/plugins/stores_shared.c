/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that every store on disk has to pass. */
#include "tests/plugins/stores_shared.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct store *st;

static int snapshots(void)
{
    return (st->plugin->caps & BERTH_STATE_CAP_SNAPSHOT) != 0;
}

char *store_slurp(const char *path, size_t *len)
{
    FILE *f = fopen(path, "re");
    char *data = NULL;
    long size;

    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);
    data = malloc((size_t)size + 1);
    ck_assert_uint_eq(fread(data, 1, (size_t)size, f), size);
    fclose(f);
    *len = (size_t)size;
    return data;
}

void store_spit(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "we");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

const char *store_file(struct store *of)
{
    static char path[256];
    struct berth_list *files = testhost_list_new();

    ck_assert_int_eq(of->ops.files(of->s, files, of->err), 0);
    ck_assert_uint_ge(testhost_list_len(files), 1);
    snprintf(path, sizeof(path), "%s", testhost_list_get(files, 0));
    testhost_list_free(files);
    return path;
}

/* ---------------------------------------------------------------- processes */

/* A child that runs fn on the store with a pipe in each direction; what fn gives is its
 * exit status. */
struct peer {
    pid_t pid;
    int to, from;
};

static struct peer spawn(int (*fn)(int in, int out))
{
    int down[2], up[2];
    struct peer p;

    ck_assert_int_eq(pipe2(down, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(up, O_CLOEXEC), 0);
    p.pid = fork();
    ck_assert_int_ge(p.pid, 0);
    if (p.pid == 0) {
        close(down[1]);
        close(up[0]);
        _exit(fn(down[0], up[1]));
    }
    close(down[0]);
    close(up[1]);
    p.to = down[1];
    p.from = up[0];
    return p;
}

static void tell(int fd)
{
    ck_assert_int_eq(write(fd, "x", 1), 1);
}

static void hear(int fd)
{
    char c;

    ck_assert_int_eq(read(fd, &c, 1), 1);
}

static void reap(struct peer *p, int want)
{
    int status;

    ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
    ck_assert_int_eq(status, want);
    close(p->to);
    close(p->from);
}

static void add(struct berth_txn *t, const char *id, int32_t status)
{
    struct berth_record rec = store_record(BERTH_CONTAINER, id, id);
    int r;

    rec.status = status;
    r = st->ops.insert(t, &rec, st->err);
    ck_assert_msg(r == 0, "insert: %d %s", r, testhost_error_text(st->err));
}

static int there(struct berth_txn *t, const char *id)
{
    struct berth_record rec = {.size = sizeof(rec)};
    int r = st->ops.get(t, BERTH_CONTAINER, id, 0, &rec, st->err);

    ck_assert_msg(r == 0 || r == -ENOENT, "get: %d %s", r, testhost_error_text(st->err));
    return r == 0;
}

/* Begin a writing transaction, add "new", wait, commit. */
static int slow_writer(int in, int out)
{
    struct berth_txn *t;

    store_open(st, 0);
    t = store_begin(st, BERTH_TXN_WRITE);
    add(t, "new", 1);
    tell(out);
    hear(in);
    store_commit(st, t);
    tell(out);
    hear(in);
    store_close(st);
    return 0;
}

START_TEST(writer_is_alone)
{
    struct berth_txn *t = NULL;
    struct peer p;

    store_open(st, BERTH_STATE_CREATE);
    store_close(st);
    p = spawn(slow_writer);
    hear(p.from);
    store_open(st, 0);
    if (snapshots()) {
        t = store_begin(st, 0);
        ck_assert(!there(t, "new"));
    } else {
        ck_assert_int_eq(st->ops.begin(st->s, 0, BERTH_NO_WAIT, &t, st->err), -EBUSY);
        ck_assert_int_eq(st->ops.begin(st->s, 0, store_deadline(30), &t, st->err), -ETIMEDOUT);
        ck_assert_ptr_null(t);
    }
    if (t)
        store_commit(st, t);
    t = NULL;
    ck_assert_int_eq(st->ops.begin(st->s, BERTH_TXN_WRITE, BERTH_NO_WAIT, &t, st->err), -EBUSY);
    ck_assert_int_eq(st->ops.begin(st->s, BERTH_TXN_WRITE, store_deadline(30), &t, st->err),
                     -ETIMEDOUT);
    testhost_set_cancelled(st->host, 1);
    ck_assert_int_eq(st->ops.begin(st->s, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &t, st->err),
                     -ECANCELED);
    testhost_set_cancelled(st->host, 0);
    ck_assert_ptr_null(t);
    tell(p.to);
    t = store_begin(st, BERTH_TXN_WRITE); /* waits for the other's commit */
    ck_assert(there(t, "new"));
    st->ops.rollback(t);
    hear(p.from);
    t = store_begin(st, 0);
    ck_assert(there(t, "new"));
    store_commit(st, t);
    tell(p.to);
    reap(&p, 0);
}
END_TEST

/* Read twice in one transaction, told when. */
static int slow_reader(int in, int out)
{
    struct berth_txn *t;
    int before, after;

    store_open(st, 0);
    t = store_begin(st, 0);
    before = there(t, "new");
    tell(out);
    hear(in);
    after = there(t, "new");
    store_commit(st, t);
    t = store_begin(st, 0);
    before |= after | !there(t, "old");
    store_commit(st, t);
    store_close(st);
    return before;
}

START_TEST(reader_sees_one_moment)
{
    struct berth_txn *t = NULL;
    struct peer p;
    int r;

    store_open(st, BERTH_STATE_CREATE);
    t = store_begin(st, BERTH_TXN_WRITE);
    add(t, "old", 1);
    store_commit(st, t);
    store_close(st);
    p = spawn(slow_reader);
    hear(p.from);
    store_open(st, 0);
    t = NULL;
    r = st->ops.begin(st->s, BERTH_TXN_WRITE, BERTH_NO_WAIT, &t, st->err);
    if (snapshots()) {
        ck_assert_int_eq(r, 0);
        add(t, "new", 1);
        store_commit(st, t);
        tell(p.to);
    } else {
        ck_assert_int_eq(r, -EBUSY);
        tell(p.to);
        t = store_begin(st, BERTH_TXN_WRITE);
        add(t, "new", 1);
        store_commit(st, t);
    }
    reap(&p, 0);
}
END_TEST

#define COUNTS  40
#define COUNTER "counter"

static int count_up(int in, int out)
{
    (void)out;
    hear(in);
    store_open(st, 0);
    for (int i = 0; i < COUNTS; i++) {
        struct berth_record rec = {.size = sizeof(rec)};
        struct berth_txn *t = store_begin(st, BERTH_TXN_WRITE);

        if (st->ops.get(t, BERTH_CONTAINER, COUNTER, BERTH_REC_ATTRS, &rec, st->err) < 0)
            return 1;
        rec.status++;
        if (st->ops.update(t, &rec, st->err) < 0)
            return 2;
        if (i % 4 == 3) {
            st->ops.rollback(t);
            continue;
        }
        store_commit(st, t);
    }
    store_close(st);
    return 0;
}

START_TEST(nothing_is_lost)
{
    struct berth_record rec = {.size = sizeof(rec)};
    struct berth_txn *t;
    struct peer p[4];

    store_open(st, BERTH_STATE_CREATE);
    t = store_begin(st, BERTH_TXN_WRITE);
    add(t, COUNTER, 0);
    store_commit(st, t);
    store_close(st);
    for (int i = 0; i < 4; i++)
        p[i] = spawn(count_up);
    for (int i = 0; i < 4; i++)
        tell(p[i].to);
    for (int i = 0; i < 4; i++)
        reap(&p[i], 0);
    store_open(st, 0);
    t = store_begin(st, 0);
    ck_assert_int_eq(st->ops.get(t, BERTH_CONTAINER, COUNTER, BERTH_REC_ATTRS, &rec, st->err),
                     0);
    ck_assert_int_eq(rec.status, 4 * (COUNTS - COUNTS / 4));
    store_commit(st, t);
    store_check_clean(st);
}
END_TEST

/* -------------------------------------------------------------------- crash */

static char many[12][80];

static void name_many(void)
{
    for (size_t i = 0; i < sizeof(many) / sizeof(*many); i++)
        snprintf(many[i], sizeof(many[i]), "%064zx", i * 0x1234567);
}

/* Move all records on by one, with documents that change size, until killed.  A byte
 * goes to `out` in the middle of each transaction and after each commit. */
static int write_on(int in, int out)
{
    static char document[30000];
    unsigned seed = (unsigned)getpid();

    (void)in;
    memset(document, 'd', sizeof(document));
    store_open(st, 0);
    for (;;) {
        struct berth_txn *t = store_begin(st, BERTH_TXN_WRITE);

        for (size_t i = 0; i < sizeof(many) / sizeof(*many); i++) {
            struct berth_record rec = {.size = sizeof(rec)};

            if (st->ops.get(t, BERTH_CONTAINER, many[i], BERTH_REC_ATTRS, &rec, st->err) < 0)
                return 1;
            rec.has = BERTH_REC_ATTRS | BERTH_REC_STATE;
            rec.status++;
            rec.state =
                (struct berth_blob){document, 1 + store_random(&seed, sizeof(document))};
            if (st->ops.update(t, &rec, st->err) < 0)
                return 2;
            if (i == 6)
                tell(out);
        }
        store_commit(st, t);
        tell(out);
    }
}

static int same_status(void *arg, const struct berth_record *rec)
{
    int32_t *status = arg;

    if (*status < 0)
        *status = rec->status;
    return rec->status == *status && rec->state.len && strspn(rec->state.data, "d") ? 0 : 99;
}

START_TEST(killed)
{
    struct berth_scan what = {.size = sizeof(what),
                              .kind = BERTH_CONTAINER,
                              .want = BERTH_REC_ATTRS | BERTH_REC_STATE};
    unsigned seed = 5;
    struct berth_txn *t;
    int32_t last = 0;

    name_many();
    store_open(st, BERTH_STATE_CREATE);
    t = store_begin(st, BERTH_TXN_WRITE);
    for (size_t i = 0; i < sizeof(many) / sizeof(*many); i++) {
        struct berth_record rec = store_record(BERTH_CONTAINER, many[i], many[i]);

        rec.state = (struct berth_blob){"dd", 2};
        ck_assert_int_eq(st->ops.insert(t, &rec, st->err), 0);
    }
    store_commit(st, t);
    store_close(st);
    for (int round = 0; round < 25; round++) {
        struct peer p = spawn(write_on);
        int32_t status = -1, sure = last;
        unsigned bytes = 1 + store_random(&seed, 6);

        for (unsigned i = 0; i < bytes; i++)
            hear(p.from);
        sure += (int32_t)bytes / 2; /* so many commits had returned */
        if (round % 2)
            usleep(store_random(&seed, 4000));
        kill(p.pid, SIGKILL);
        reap(&p, SIGKILL);
        store_open(st, 0);
        t = store_begin(st, 0);
        ck_assert_int_eq(st->ops.scan(t, &what, same_status, &status, st->err), 0);
        ck_assert_msg(status >= sure, "round %d: at %d after %d", round, status, sure);
        last = status;
        store_commit(st, t);
        store_check_clean(st);
        store_close(st);
    }
    store_open(st, 0);
}
END_TEST

/* -------------------------------------------------------------- descriptors */

/* How many descriptors lead below the store's directory; none may survive exec. */
static int descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    struct dirent *e;
    int n = 0;

    ck_assert_ptr_nonnull(d);
    while ((e = readdir(d))) {
        char path[64], target[512];
        ssize_t len;

        snprintf(path, sizeof(path), "/proc/self/fd/%.20s", e->d_name);
        len = readlink(path, target, sizeof(target) - 1);
        if (len <= 0)
            continue;
        target[len] = '\0';
        if (strncmp(target, st->dir, strlen(st->dir)) != 0)
            continue;
        n++;
        ck_assert_msg(fcntl(atoi(e->d_name), F_GETFD) & FD_CLOEXEC, "%s survives exec", target);
    }
    closedir(d);
    return n;
}

START_TEST(child_lets_go)
{
    struct berth_txn *t;
    int status, before;
    pid_t child;

    before = descriptors();
    store_open(st, BERTH_STATE_CREATE);
    t = store_begin(st, BERTH_TXN_WRITE);
    add(t, "one", 1);
    store_commit(st, t);
    ck_assert_int_gt(descriptors(), before);
    child = fork();
    if (child == 0) {
        st->ops.forked(st->s);
        if (descriptors() != before)
            _exit(1);
        st->s = NULL;
        store_open(st, 0); /* a connection of its own */
        t = store_begin(st, BERTH_TXN_WRITE);
        if (!there(t, "one"))
            _exit(2);
        add(t, "two", 1);
        store_commit(st, t);
        store_close(st);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    t = store_begin(st, BERTH_TXN_WRITE);
    ck_assert(there(t, "two"));
    add(t, "three", 1);
    store_commit(st, t);
    store_check_clean(st);
    store_close(st);
    ck_assert_int_eq(descriptors(), before);
}
END_TEST

/* ------------------------------------------------------------- copies, reading */

START_TEST(copy)
{
    char path[128], *want, *got;
    struct berth_txn *t;
    struct store other;
    int fd;

    store_open(st, BERTH_STATE_CREATE);
    store_workload(st, 11, 20);
    snprintf(path, sizeof(path), "%s/copy", st->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(st->ops.backup(st->s, fd, st->err), 0);
    close(fd);
    other = *st;
    other.cfg = testhost_config_new(st->plugin);
    ck_assert_int_eq(testhost_config_set(other.cfg, "path", path), 0);
    store_open(&other, 0);
    ck_assert_str_eq(store_file(&other), path);
    t = store_begin(st, 0);
    want = store_dump(st, t);
    store_commit(st, t);
    t = store_begin(&other, 0);
    got = store_dump(&other, t);
    store_commit(&other, t);
    store_same_text(got, want);
    store_check_clean(&other);
    store_close(&other);
    testhost_config_free(other.cfg);
    free(want);
    free(got);
}
END_TEST

/* What is in the directory: names, sizes, times. */
static char *listing(void)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    struct dirent **names;
    int n = scandir(st->dir, &names, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        char path[512];
        struct stat at;

        snprintf(path, sizeof(path), "%s/%s", st->dir, names[i]->d_name);
        if (stat(path, &at) == 0 && S_ISREG(at.st_mode))
            fprintf(f, "%s %lld %lld.%09ld\n", names[i]->d_name, (long long)at.st_size,
                    (long long)at.st_mtim.tv_sec, at.st_mtim.tv_nsec);
        free(names[i]);
    }
    free(names);
    fclose(f);
    return text;
}

START_TEST(read_only)
{
    char *want, *got, *before, *after;
    struct berth_list *report = testhost_list_new();
    struct berth_txn *t = NULL;

    st->place.flags |= BERTH_PLACE_READONLY;
    ck_assert_int_eq(st->ops.open(testhost_host(st->host), &st->place, st->cfg,
                                  BERTH_STATE_CREATE, &st->s, st->err),
                     -ENOENT);
    after = listing();
    ck_assert_str_eq(after, "");
    free(after);
    st->place.flags &= ~BERTH_PLACE_READONLY;
    store_open(st, BERTH_STATE_CREATE);
    store_workload(st, 12, 20);
    t = store_begin(st, 0);
    want = store_dump(st, t);
    store_commit(st, t);
    store_close(st);
    before = listing();

    st->place.flags |= BERTH_PLACE_READONLY;
    store_open(st, 0);
    t = NULL;
    ck_assert_int_eq(st->ops.begin(st->s, BERTH_TXN_WRITE, store_deadline(1000), &t, st->err),
                     -EROFS);
    ck_assert_ptr_null(t);
    t = store_begin(st, 0);
    got = store_dump(st, t);
    store_commit(st, t);
    store_same_text(got, want);
    ck_assert_int_eq(st->ops.check(st->s, 0, report, st->err), 0);
    ck_assert_int_lt(st->ops.check(st->s, 1, report, st->err), 0);
    store_close(st);
    after = listing();
    ck_assert_str_eq(after, before);
    st->place.flags &= ~BERTH_PLACE_READONLY;
    testhost_list_free(report);
    free(want);
    free(got);
    free(before);
    free(after);
}
END_TEST

START_TEST(probing)
{
    const struct berth_host *h = testhost_host(st->host);
    char path[256], *before, *after, *data;
    size_t len;

    ck_assert_int_eq(st->ops.probe(h, &st->place, st->cfg, st->err), BERTH_PROBE_NONE);
    ck_assert_int_eq(st->ops.open(h, &st->place, st->cfg, 0, &st->s, st->err), -ENOENT);
    before = listing();
    ck_assert_str_eq(before, "");
    free(before);
    store_open(st, BERTH_STATE_CREATE);
    snprintf(path, sizeof(path), "%s", store_file(st));
    store_close(st);
    before = listing();
    ck_assert_int_eq(st->ops.probe(h, &st->place, st->cfg, st->err), BERTH_PROBE_MINE);
    after = listing();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);

    unlink(path);
    store_spit(path, "this is a text and no database at all\n", 38);
    ck_assert_int_eq(st->ops.probe(h, &st->place, st->cfg, st->err), BERTH_PROBE_FOREIGN);
    ck_assert_int_eq(st->ops.open(h, &st->place, st->cfg, BERTH_STATE_CREATE, &st->s, st->err),
                     -EEXIST);
    ck_assert_ptr_nonnull(strstr(testhost_error_text(st->err), path));
    data = store_slurp(path, &len);
    ck_assert(len == 38 && memcmp(data, "this is", 7) == 0);
    free(data);
}
END_TEST

START_TEST(projection)
{
    struct berth_record rec = {.size = sizeof(rec)}, in;
    struct berth_txn *t;

    store_open(st, BERTH_STATE_CREATE);
    t = store_begin(st, BERTH_TXN_WRITE);
    in = store_record(BERTH_CONTAINER, "id", "name");
    ck_assert_int_eq(st->ops.insert(t, &in, st->err), 0);
    ck_assert_int_eq(st->ops.get(t, BERTH_CONTAINER, "id", 0, &rec, st->err), 0);
    ck_assert(rec.has == 0 && !rec.name && !rec.config.data && !rec.state.data);
    for (unsigned bit = 0; bit < 4; bit++) {
        ck_assert_int_eq(st->ops.get(t, BERTH_CONTAINER, "id", 1ull << bit, &rec, st->err), 0);
        ck_assert_uint_eq(rec.has, 1ull << bit);
        ck_assert_int_eq(rec.name != NULL, bit == 0);
        ck_assert_int_eq(rec.status, bit == 1);
        ck_assert_int_eq(rec.config.data != NULL, bit == 2);
        ck_assert_int_eq(rec.state.data != NULL, bit == 3);
    }
    store_commit(st, t);
}
END_TEST

START_TEST(large_document)
{
    struct berth_record rec = store_record(BERTH_CONTAINER, "id", "name");
    size_t len = 8 << 20;
    char *data = malloc(len);
    struct berth_txn *t;

    for (size_t i = 0; i < len; i++)
        data[i] = (char)(i * 7 + i / 4096);
    store_open(st, BERTH_STATE_CREATE);
    t = store_begin(st, BERTH_TXN_WRITE);
    rec.config = (struct berth_blob){data, len};
    ck_assert_int_eq(st->ops.insert(t, &rec, st->err), 0);
    store_commit(st, t);
    store_close(st);
    store_open(st, 0);
    t = store_begin(st, 0);
    ck_assert_int_eq(st->ops.get(t, BERTH_CONTAINER, "id", BERTH_REC_CONFIG, &rec, st->err), 0);
    ck_assert(rec.config.len == len && memcmp(rec.config.data, data, len) == 0);
    store_commit(st, t);
    free(data);
}
END_TEST

void stores_add_shared_tests(TCase *tc, struct store *store)
{
    st = store;
    tcase_add_test(tc, writer_is_alone);
    tcase_add_test(tc, reader_sees_one_moment);
    tcase_add_test(tc, nothing_is_lost);
    tcase_add_test(tc, killed);
    tcase_add_test(tc, child_lets_go);
    tcase_add_test(tc, copy);
    tcase_add_test(tc, read_only);
    tcase_add_test(tc, probing);
    tcase_add_test(tc, projection);
    tcase_add_test(tc, large_document);
}
