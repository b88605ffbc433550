/* SPDX-License-Identifier: Apache-2.0 */
/* A store under test: opening, closing, writing down what it holds. */
#include "tests/plugins/stores.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void store_init(struct store *st, const char *module, unsigned quirks)
{
    memset(st, 0, sizeof(*st));
    st->plugin = testhost_load(NULL, module);
    if (!st->plugin) {
        printf("%s is not built as a module\n", module);
        exit(77);
    }
    testhost_ops(st->plugin, &st->ops, sizeof(st->ops));
    st->host = testhost_new();
    st->cfg = testhost_config_new(st->plugin);
    st->err = testhost_error_new();
    st->quirks = quirks;
    strcpy(st->dir, "/tmp/berth-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(st->dir));
    st->place = (struct berth_place){
        .size = sizeof(st->place),
        .static_dir = st->dir,
        .tmp_dir = st->dir,
        .graph_root = st->dir,
        .run_root = st->dir,
        .volume_path = st->dir,
    };
}

void store_fini(struct store *st)
{
    struct dirent *e;
    DIR *d;

    store_close(st);
    d = opendir(st->dir);
    ck_assert_ptr_nonnull(d);
    while ((e = readdir(d))) {
        char path[512];

        snprintf(path, sizeof(path), "%s/%s", st->dir, e->d_name);
        if (e->d_name[0] != '.')
            unlink(path);
    }
    closedir(d);
    ck_assert_int_eq(rmdir(st->dir), 0);
    testhost_error_free(st->err);
    testhost_config_free(st->cfg);
    testhost_free(st->host);
}

void store_open(struct store *st, uint32_t flags)
{
    int r = st->ops.open(testhost_host(st->host), &st->place, st->cfg, flags, &st->s, st->err);

    ck_assert_msg(r == 0, "open: %d %s", r, testhost_error_text(st->err));
}

void store_close(struct store *st)
{
    st->ops.close(st->s);
    st->s = NULL;
}

struct berth_txn *store_begin(struct store *st, uint32_t flags)
{
    struct berth_txn *t = NULL;
    int r = st->ops.begin(st->s, flags, store_deadline(60000), &t, st->err);

    ck_assert_msg(r == 0, "begin: %d %s", r, testhost_error_text(st->err));
    return t;
}

void store_commit(struct store *st, struct berth_txn *t)
{
    int r = st->ops.commit(t, st->err);

    ck_assert_msg(r == 0, "commit: %d %s", r, testhost_error_text(st->err));
}

berth_deadline store_deadline(unsigned ms)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (berth_deadline)now.tv_sec * 1000000000u + (berth_deadline)now.tv_nsec +
           (berth_deadline)ms * 1000000u;
}

struct berth_record store_record(uint32_t kind, const char *id, const char *name)
{
    static const char config[] = "{\"id\":\"x\"}", state[] = "{\"state\":1}";

    return (struct berth_record){
        .size = sizeof(struct berth_record),
        .kind = kind,
        .has = BERTH_REC_ALL,
        .id = id,
        .name = name,
        .status = 1,
        .config = {config, sizeof(config) - 1},
        .state = {state, sizeof(state) - 1},
    };
}

void store_check_clean(struct store *st)
{
    struct berth_list *report = testhost_list_new();
    int64_t n = st->ops.check(st->s, 0, report, st->err);

    ck_assert_msg(n == 0, "check: %lld %s: %s", (long long)n, testhost_error_text(st->err),
                  testhost_list_len(report) ? testhost_list_get(report, 0) : "");
    testhost_list_free(report);
}

unsigned store_random(unsigned *seed, unsigned n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (unsigned)(((uint64_t)(*seed >> 4) * n) >> 28);
}

/* -------------------------------------------------------------------- dump */

void store_same_text(const char *got, const char *want)
{
    while (*got || *want) {
        size_t g = strcspn(got, "\n"), w = strcspn(want, "\n");

        ck_assert_msg(g == w && memcmp(got, want, g) == 0, "got  %.*s\nwant %.*s", (int)g, got,
                      (int)w, want);
        got += g + (got[g] != '\0');
        want += w + (want[w] != '\0');
    }
}

static void say_blob(FILE *f, const char *what, const struct berth_blob *b)
{
    uint64_t sum = 1469598103934665603u;

    if (!b->data) {
        fprintf(f, " %s=-", what);
        return;
    }
    for (size_t i = 0; i < b->len; i++)
        sum = (sum ^ ((const unsigned char *)b->data)[i]) * 1099511628211u;
    fprintf(f, " %s=%zu:%016llx", what, b->len, (unsigned long long)sum);
}

static int say_record(void *arg, const struct berth_record *r)
{
    FILE *f = arg;

    ck_assert_uint_eq(r->has & BERTH_REC_ALL, BERTH_REC_ALL);
    fprintf(f, "record %u %s name=%s ns=%s pod=%s netns=%s infra=%s storage=%s %d %d", r->kind,
            r->id, r->name, r->ns ? r->ns : "-", r->pod ? r->pod : "-",
            r->netns ? r->netns : "-", r->infra ? r->infra : "-",
            r->storage_id ? r->storage_id : "-", r->status, r->exit_code);
    say_blob(f, "config", &r->config);
    say_blob(f, "state", &r->state);
    putc('\n', f);
    return 0;
}

static int say_link(void *arg, const struct berth_link *l)
{
    fprintf(arg, "link %u %s -> %s", l->kind, l->from, l->to);
    say_blob(arg, "value", &l->value);
    putc('\n', arg);
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct exits {
    char *lines[1024];
    size_t n;
};

static int say_exit(void *arg, const struct berth_exit *e)
{
    struct exits *x = arg;

    ck_assert(x->n < 1024);
    ck_assert_int_gt(
        asprintf(&x->lines[x->n++], "exit %s %d %lld\n", e->id, e->code, (long long)e->date),
        0);
    return 0;
}

char *store_dump(struct store *st, struct berth_txn *t)
{
    struct berth_scan all = {.size = sizeof(all), .want = BERTH_REC_ALL};
    struct berth_store_config c = {.size = sizeof(c)};
    struct exits x = {.n = 0};
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    int r;

    ck_assert_int_eq(st->ops.scan(t, &all, say_record, f, st->err), 0);
    for (uint32_t kind = BERTH_LINK_DEPENDS; kind <= BERTH_LINK_EXEC; kind++) {
        if (kind == BERTH_LINK_NETWORK && !(st->plugin->caps & BERTH_STATE_CAP_NETWORKS))
            continue;
        r = st->ops.links(t, kind, BERTH_ANY, NULL, say_link, f, st->err);
        ck_assert_msg(r == 0, "links: %s", testhost_error_text(st->err));
    }
    ck_assert_int_eq(st->ops.exit_scan(t, say_exit, &x, st->err), 0);
    qsort(x.lines, x.n, sizeof(*x.lines), by_text);
    for (size_t i = 0; i < x.n; i++) {
        fputs(x.lines[i], f);
        free(x.lines[i]);
    }
    r = st->ops.config_get(t, &c, st->err);
    if (r == 0)
        fprintf(f, "config %s %s %s %s %s %s %s\n", c.os, c.static_dir, c.tmp_dir, c.graph_root,
                c.run_root, c.graph_driver, c.volume_path);
    else
        ck_assert_int_eq(r, -ENOENT);
    fclose(f);
    return text;
}
