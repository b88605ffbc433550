/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_state.c - the primitives of a state plugin against its format's original library or its
 * own library called by hand, taken in turns in one run.
 *
 *      bench_state boltdb|sqlite|lmdb DIR TURNS
 *
 * DIR holds the store, as `berth state load --into` makes it.  A line per operation: what the
 * plugin and the other take, and the ratio of the minima and of the medians.  TURNS 0: print
 * all documents of containers and do nothing else, the least that a dump can cost.
 */
#include "tests/bench/bench_state.h"

#include <berth/state.h>

#include "tests/lib/testhost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PUTS 40

static struct berth_state_ops ops;
static struct berth_state *store;
static int anew; /* opened for every transaction */
static struct testhost *th;
static const struct berth_plugin *plugin;
static struct berth_place place = {.size = sizeof(place)};
static struct berth_error *error;
static struct documents *all;
static size_t n_all, room;

double seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void must(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "bench_state: %s: %s\n", what, error ? testhost_error_text(error) : "");
    exit(1);
}

static char *copy_of(const void *data, size_t len)
{
    char *copy = malloc(len + 1);

    if (!copy)
        exit(1);
    memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

static void open_store(void)
{
    must(ops.open(testhost_host(th), &place, testhost_config_new(plugin), 0, &store, error),
         "open");
}

static struct berth_txn *begin(uint32_t flags)
{
    struct berth_txn *t;

    if (anew)
        open_store();
    must(ops.begin(store, flags, BERTH_WAIT_FOREVER, &t, error), "begin");
    return t;
}

static void end(struct berth_txn *t)
{
    if (t)
        ops.rollback(t);
    if (anew)
        ops.close(store);
}

static int remember(void *arg, const struct berth_record *rec)
{
    struct documents *d;

    (void)arg;
    if (n_all == room) {
        room = room ? room * 2 : 1024;
        all = realloc(all, room * sizeof(*all));
        if (!all)
            exit(1);
    }
    d = &all[n_all++];
    d->id = copy_of(rec->id, strlen(rec->id));
    d->config = copy_of(rec->config.data, rec->config.len);
    d->state = copy_of(rec->state.data, rec->state.len);
    d->config_len = rec->config.len;
    d->state_len = rec->state.len;
    return 0;
}

static const struct berth_scan everything = {.size = sizeof(everything),
                                             .kind = BERTH_CONTAINER,
                                             .want = BERTH_REC_CONFIG | BERTH_REC_STATE};

static size_t seen;

static int look_at(void *arg, const struct berth_record *rec)
{
    (void)arg;
    seen += rec->config.len + rec->state.len;
    return 0;
}

/* -------------------------------------------------------------------- the plugin */

static void plugin_gets(struct berth_txn *t, size_t n)
{
    struct berth_record rec = {.size = sizeof(rec)};

    for (size_t i = 0; i < n; i++) {
        must(ops.get(t, BERTH_CONTAINER, all[order_of(i, n_all)].id, BERTH_REC_CONFIG, &rec,
                     error),
             "get");
        seen += rec.config.len;
    }
}

static double plugin_get(size_t n)
{
    double start = seconds();
    struct berth_txn *t = begin(0);

    plugin_gets(t, n);
    end(t);
    return seconds() - start;
}

static double plugin_get_again(size_t n)
{
    struct berth_txn *t = begin(0);
    double start;

    plugin_gets(t, n);
    start = seconds();
    for (int i = 0; i < AGAIN; i++)
        plugin_gets(t, n);
    start = seconds() - start;
    end(t);
    return start;
}

static double plugin_scan(void)
{
    double start = seconds();
    struct berth_txn *t = begin(0);

    must(ops.scan(t, &everything, look_at, NULL, error), "scan");
    end(t);
    return seconds() - start;
}

/* What is put is never what is there: a digit somewhere becomes another. */
void change(const struct documents *d)
{
    char *digit = strpbrk(d->state, "0123456789");

    if (digit)
        *digit = *digit == '9' ? '1' : (char)(*digit + 1);
}

static double plugin_put(size_t n)
{
    double start = seconds();

    for (size_t i = 0; i < n; i++) {
        const struct documents *d = &all[order_of(i, n_all)];
        struct berth_record rec = {.size = sizeof(rec),
                                   .kind = BERTH_CONTAINER,
                                   .has = BERTH_REC_STATE,
                                   .id = d->id,
                                   .state = {d->state, d->state_len}};
        struct berth_txn *t;

        change(d);
        t = begin(BERTH_TXN_WRITE);

        must(ops.update(t, &rec, error), "update");
        must(ops.commit(t, error), "commit");
        end(NULL);
    }
    return seconds() - start;
}

static int print(void *arg, const struct berth_record *rec)
{
    (void)arg;
    seen += fwrite(rec->config.data, 1, rec->config.len, stdout);
    seen += fwrite(rec->state.data, 1, rec->state.len, stdout);
    return 0;
}

/* ---------------------------------------------------------------------- the table */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void line(const char *what, const struct peer *peer, double *own, double *other,
                 int turns, double each)
{
    qsort(own, (size_t)turns, sizeof(*own), ascending);
    qsort(other, (size_t)turns, sizeof(*other), ascending);
    if (other[0] < 0) {
        fprintf(stderr, "bench_state: %s cannot %s\n", peer->name, what);
        exit(1);
    }
    printf("  %-12s plugin %10.2f us  %-26s %10.2f us  plugin/other x%.2f  min x%.2f  "
           "(times as fast: %.2f)\n",
           what, own[turns / 2] / each * 1e6, peer->name, other[turns / 2] / each * 1e6,
           own[turns / 2] / other[turns / 2], own[0] / other[0], other[0] / own[0]);
    fflush(stdout);
}

static void compare(const char *dir, const struct peer *peer, int turns)
{
    double *own = calloc((size_t)turns, sizeof(*own));
    double *other = calloc((size_t)turns, sizeof(*other));
    size_t gets = n_all < 2000 ? n_all : 2000;

    if (peer->each && !anew)
        ops.close(store);
    anew = peer->each;
    if (!own || !other || peer->open(dir, all, n_all) < 0)
        exit(1);
    for (int i = 0; i < turns; i++) {
        own[i] = plugin_put(PUTS);
        other[i] = peer->put(PUTS);
    }
    line("put, commit", peer, own, other, turns, PUTS);
    for (int i = 0; i < turns; i++) {
        own[i] = plugin_get(gets);
        other[i] = peer->get(gets);
    }
    line("get", peer, own, other, turns, (double)gets);
    for (int i = 0; i < turns; i++) {
        own[i] = plugin_get_again(gets / 10);
        other[i] = peer->get_again(gets / 10);
    }
    line("get again", peer, own, other, turns, (double)(gets / 10 * AGAIN));
    for (int i = 0; i < turns; i++) {
        own[i] = plugin_scan();
        other[i] = peer->scan();
    }
    line("scan", peer, own, other, turns, (double)n_all);
    peer->close();
    free(own);
    free(other);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *module;
        const struct peer *peers[2];
    } kinds[] = {
        {"boltdb", "state_boltdb", {&peer_go, &peer_go_each}},
        {"sqlite", "state_sqlite", {&peer_sqlite, NULL}},
        {"lmdb", "state_lmdb", {&peer_lmdb, &peer_lmdb_two}},
    };
    int turns = argc == 4 ? atoi(argv[3]) : -1;
    struct berth_txn *t;
    size_t k = 0;

    while (argc == 4 && k < 3 && strcmp(kinds[k].name, argv[1]) != 0)
        k++;
    if (turns < 0 || k == 3) {
        fprintf(stderr, "usage: bench_state boltdb|sqlite|lmdb DIR TURNS\n");
        return 2;
    }
    th = testhost_new();
    plugin = testhost_load(NULL, kinds[k].module);
    if (!plugin)
        return 77;
    place.static_dir = place.tmp_dir = place.graph_root = place.run_root = place.volume_path =
        argv[2];
    testhost_ops(plugin, &ops, sizeof(ops));
    error = testhost_error_new();
    open_store();
    t = begin(0);
    must(ops.scan(t, &everything, turns ? remember : print, NULL, error), "scan");
    ops.rollback(t);
    if (turns && n_all == 0)
        return 1;
    for (size_t i = 0; turns && i < 2 && kinds[k].peers[i]; i++)
        compare(argv[2], kinds[k].peers[i], turns);
    if (!anew)
        ops.close(store);
    return seen && fflush(stdout) == 0 ? 0 : 1;
}
