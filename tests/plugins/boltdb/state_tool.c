/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_tool - operations of the boltdb plugin from a shell script.
 *
 *      state_tool FILE make                       a new store
 *      state_tool FILE check                      exit 1 if anything is found
 *      state_tool FILE list                       kind, ID, name, status of each record
 *      state_tool FILE rename ID NAME
 *      state_tool FILE copy ID NEW-ID NEW-NAME    a container like another
 *      state_tool FILE remove container|pod|volume ID
 *      state_tool FILE exit ID CODE
 *      state_tool FILE state ID TEXT
 *
 * "copy" and "rename" change the documents as text, wherever the ID or name occurs.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <berth/state.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/testhost.h"

static struct berth_state_ops ops;
static struct berth_error *err;
static struct berth_state *s;
static struct berth_txn *t;

static void must(int64_t r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "state_tool: %s\n", testhost_error_text(err));
    exit(1);
}

static int print(void *arg, const struct berth_record *r)
{
    static const char *const kinds[] = {"", "container", "pod", "volume"};

    (void)arg;
    printf("%s %s %s %d\n", kinds[r->kind], r->id, r->name, r->status);
    return 0;
}

static char *texts[4]; /* what replaced() made: lent until the program ends */
static size_t n_texts;

/* All of `from` in the document as `to`. */
static struct berth_blob replaced(struct berth_blob doc, const char *from, const char *to)
{
    const char *p = doc.data, *end = p + doc.len;
    char *text = NULL;
    size_t len, n = strlen(from);
    FILE *f = open_memstream(&text, &len);

    while (p < end) {
        if ((size_t)(end - p) >= n && memcmp(p, from, n) == 0) {
            fputs(to, f);
            p += n;
        } else {
            putc(*p++, f);
        }
    }
    fclose(f);
    texts[n_texts++] = text;
    return (struct berth_blob){text, len};
}

static void get(const char *id, struct berth_record *rec)
{
    *rec = (struct berth_record){.size = sizeof *rec};
    must(ops.get(t, BERTH_CONTAINER, id, BERTH_REC_ALL, rec, err));
}

static void copy(const char *id, const char *new_id, const char *name)
{
    char from[300], to[300];
    struct berth_record rec;

    get(id, &rec);
    snprintf(from, sizeof from, "\"name\":\"%s\"", rec.name);
    snprintf(to, sizeof to, "\"name\":\"%s\"", name);
    rec.config = replaced(replaced(rec.config, id, new_id), from, to);
    rec.state = replaced(rec.state, id, new_id);
    rec.id = new_id;
    rec.name = name;
    must(ops.insert(t, &rec, err));
}

static void rename_container(const char *id, const char *name)
{
    char from[300], to[300];
    struct berth_record rec;

    get(id, &rec);
    snprintf(from, sizeof from, "\"name\":\"%s\"", rec.name);
    snprintf(to, sizeof to, "\"name\":\"%s\"", name);
    rec.has = BERTH_REC_NAME | BERTH_REC_CONFIG;
    rec.config = replaced(rec.config, from, to);
    rec.name = name;
    must(ops.update(t, &rec, err));
}

static void run(const struct berth_host *h, int argc, char **argv)
{
    struct berth_scan all = {.size = sizeof all, .want = BERTH_REC_NAME | BERTH_REC_ATTRS};
    const char *what = argv[2];
    struct berth_record rec;

    if (strcmp(what, "list") == 0) {
        must(ops.scan(t, &all, print, NULL, err));
    } else if (strcmp(what, "rename") == 0 && argc == 5) {
        rename_container(argv[3], argv[4]);
    } else if (strcmp(what, "copy") == 0 && argc == 6) {
        copy(argv[3], argv[4], argv[5]);
    } else if (strcmp(what, "remove") == 0 && argc == 5) {
        must(ops.remove(t,
                        argv[3][0] == 'c'   ? BERTH_CONTAINER
                        : argv[3][0] == 'p' ? BERTH_POD
                                            : BERTH_VOLUME,
                        argv[4], err));
    } else if (strcmp(what, "exit") == 0 && argc == 5) {
        struct berth_exit x = {.size = sizeof x,
                               .id = argv[3],
                               .code = (int32_t)atoi(argv[4]),
                               .date = h->now(h->core)};

        must(ops.exit_put(t, &x, err));
    } else if (strcmp(what, "state") == 0 && argc == 5) {
        get(argv[3], &rec);
        rec.has = BERTH_REC_STATE;
        rec.state = (struct berth_blob){argv[4], strlen(argv[4])};
        must(ops.update(t, &rec, err));
    } else if (strcmp(what, "make") != 0) {
        fprintf(stderr, "state_tool: what is \"%s\"?\n", what);
        exit(2);
    }
}

static int check(void)
{
    struct berth_list *list = testhost_list_new();
    int64_t n = ops.check(s, 0, list, err);

    must(n);
    for (size_t i = 0; i < testhost_list_len(list); i++)
        puts(testhost_list_get(list, i));
    testhost_list_free(list);
    return n > 0;
}

int main(int argc, char **argv)
{
    const struct berth_plugin *p = testhost_load(NULL, "state_boltdb");
    struct berth_place place = {.size = sizeof place};
    struct testhost *th = testhost_new();
    const struct berth_host *h = testhost_host(th);
    struct berth_config *cfg;
    int status = 0;

    if (argc < 3 || !p) {
        fputs("usage: state_tool FILE OPERATION [ARG...]\n", stderr);
        return 2;
    }
    err = testhost_error_new();
    cfg = testhost_config_new(p);
    testhost_ops(p, &ops, sizeof ops);
    must(testhost_config_set(cfg, "path", argv[1]));
    must(ops.open(h, &place, cfg, strcmp(argv[2], "make") == 0 ? BERTH_STATE_CREATE : 0, &s,
                  err));
    if (strcmp(argv[2], "check") == 0) {
        status = check();
    } else {
        must(ops.begin(s, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &t, err));
        run(h, argc, argv);
        must(ops.commit(t, err));
    }
    ops.close(s);
    testhost_error_free(err);
    testhost_config_free(cfg);
    testhost_free(th);
    return status;
}
