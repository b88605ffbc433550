/* SPDX-License-Identifier: Apache-2.0 */
/* See env.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/plugins/boltdb/env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugins/common/bolt/bolt.h"

static const char *variable(const char *name)
{
    const char *v = getenv(name);

    return v ? v : ".";
}

static void run(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));

static void run(const char *fmt, ...)
{
    char command[4096];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    ck_assert_msg(system(command) == 0, "%s", command);
}

void env_init(struct env *e)
{
    memset(e, 0, sizeof *e);
    strcpy(e->dir, "/tmp/berth-boltdb.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(e->dir));
    snprintf(e->file, sizeof e->file, "%s/bolt_state.db", e->dir);
    e->th = testhost_new();
    e->plugin = testhost_load(NULL, "state_boltdb");
    ck_assert_ptr_nonnull(e->plugin);
    testhost_ops(e->plugin, &e->ops, sizeof e->ops);
    e->cfg = testhost_config_new(e->plugin);
    e->err = testhost_error_new();
    e->list = testhost_list_new();
    e->place = (struct berth_place){.size = sizeof e->place,
                                    .static_dir = e->dir,
                                    .tmp_dir = e->dir,
                                    .graph_root = e->dir,
                                    .run_root = e->dir,
                                    .volume_path = e->dir};
}

void env_done(struct env *e)
{
    env_close(e);
    testhost_config_free(e->cfg);
    testhost_error_free(e->err);
    testhost_list_free(e->list);
    testhost_free(e->th);
    run("rm -rf '%s'", e->dir);
}

void env_fixture(struct env *e, const char *name)
{
    size_t len = strlen(name);
    const char *base = variable("top_srcdir");

    if (len > 3 && strcmp(name + len - 3, ".xz") == 0)
        run("xz -dc '%s/tests/fixtures/podman-4.3/%s' > '%s'", base, name, e->file);
    else
        run("cat '%s/tests/fixtures/podman-4.3/%s' > '%s'", base, name, e->file);
}

void env_open(struct env *e, uint32_t flags)
{
    ck_result(e, e->ops.open(testhost_host(e->th), &e->place, e->cfg, flags, &e->s, e->err), 0);
}

void env_close(struct env *e)
{
    e->ops.close(e->s);
    e->s = NULL;
}

struct berth_txn *env_begin(struct env *e, uint32_t flags)
{
    struct berth_txn *t = NULL;

    ck_result(e, e->ops.begin(e->s, flags, BERTH_NO_WAIT, &t, e->err), 0);
    return t;
}

void env_commit(struct env *e, struct berth_txn *t)
{
    ck_result(e, e->ops.commit(t, e->err), 0);
}

char *env_dump(struct env *e)
{
    const char *program = getenv("BOLT_CHECK");
    char command[512], *text = NULL;
    size_t len = 0, n;
    FILE *f;

    if (!program || !*program)
        return NULL;
    snprintf(command, sizeof command, "'%s' check '%s' && '%s' dump '%s'", program, e->file,
             program, e->file);
    f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    do {
        text = realloc(text, len + 65536 + 1);
        ck_assert_ptr_nonnull(text);
        n = fread(text + len, 1, 65536, f);
        len += n;
    } while (n);
    text[len] = '\0';
    ck_assert_msg(pclose(f) == 0, "%s: %s", command, text);
    return text;
}

struct berth_blob env_blob(const char *text)
{
    return (struct berth_blob){text, strlen(text)};
}

struct berth_record env_record(uint32_t kind, const char *id, const char *name)
{
    return (struct berth_record){.size = sizeof(struct berth_record),
                                 .kind = kind,
                                 .has = BERTH_REC_ALL,
                                 .id = id,
                                 .name = name,
                                 .config = env_blob("{\"config\":1}"),
                                 .state = env_blob("{\"state\":1}")};
}

void env_insert(struct env *e, struct berth_txn *t, uint32_t kind, const char *id,
                const char *name, int result)
{
    struct berth_record rec = env_record(kind, id, name);

    ck_result(e, e->ops.insert(t, &rec, e->err), result);
}

/* A value in the file, to be freed; NULL: it is not there. */
static char *raw(struct env *e, const char *path)
{
    struct bolt *db = bolt_new(e->file, BOLT_READONLY);
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

void env_raw(struct env *e, const char *path, const char *want)
{
    char *got = raw(e, path);

    ck_assert_msg((!got && !want) || (got && want && strcmp(got, want) == 0),
                  "%s is %s, not %s", path, got ? got : "missing", want ? want : "missing");
    free(got);
}

void env_clean(struct env *e)
{
    testhost_list_clear(e->list);
    ck_result(e, e->ops.check(e->s, 0, e->list, e->err), 0);
}

berth_deadline env_in_ms(unsigned ms)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (berth_deadline)ts.tv_sec * 1000000000u + (berth_deadline)ts.tv_nsec +
           ms * 1000000ull;
}
