/* SPDX-License-Identifier: Apache-2.0 */
/* A database in memory and random changes to it: see model.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/plugins/bolt/model.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/common/bolt/internal.h"

/* The assertions of libcheck note each time that they passed: too slow for so many. */
#define must(condition)                                                                        \
    do {                                                                                       \
        if (!(condition))                                                                      \
            ck_abort_msg("%s:%d: %s", __FILE__, __LINE__, #condition);                         \
    } while (0)

static void *copy(const void *data, size_t len)
{
    void *p = malloc(len + 1);

    must(p != NULL);
    if (len)
        memcpy(p, data, len);
    return p;
}

struct model *model_new(void)
{
    struct model *m = calloc(1, sizeof *m);

    must(m != NULL);
    return m;
}

static void entry_done(struct entry *e)
{
    free(e->key);
    free(e->value);
    model_free(e->bucket);
}

void model_free(struct model *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++)
        entry_done(&m->entries[i]);
    free(m->entries);
    free(m);
}

struct model *model_copy(const struct model *m)
{
    struct model *to = model_new();

    for (size_t i = 0; i < m->n; i++) {
        const struct entry *e = &m->entries[i];

        model_put(to, e->key, e->key_len, e->value, e->value_len);
        if (e->bucket)
            to->entries[i].bucket = model_copy(e->bucket);
    }
    return to;
}

static int order(const struct entry *e, const void *key, size_t len)
{
    int r = memcmp(e->key, key, e->key_len < len ? e->key_len : len);

    return r ? r : e->key_len < len ? -1 : e->key_len > len;
}

static size_t place(const struct model *m, const void *key, size_t len)
{
    size_t lo = 0, hi = m->n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (order(&m->entries[mid], key, len) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct entry *model_find(const struct model *m, const void *key, size_t len)
{
    size_t i = place(m, key, len);

    return i < m->n && order(&m->entries[i], key, len) == 0 ? &m->entries[i] : NULL;
}

void model_put(struct model *m, const void *key, size_t len, const void *value,
               size_t value_len)
{
    size_t i = place(m, key, len);

    if (i < m->n && order(&m->entries[i], key, len) == 0) {
        free(m->entries[i].value);
    } else {
        if (m->n == m->cap) {
            m->cap = m->cap * 2 + 8;
            m->entries = realloc(m->entries, m->cap * sizeof *m->entries);
            must(m->entries != NULL);
        }
        memmove(m->entries + i + 1, m->entries + i, (m->n - i) * sizeof *m->entries);
        m->n++;
        m->entries[i] = (struct entry){.key = copy(key, len), .key_len = len};
    }
    m->entries[i].value = copy(value, value_len);
    m->entries[i].value_len = value_len;
}

struct model *model_make(struct model *m, const void *key, size_t len)
{
    struct entry *e;

    model_put(m, key, len, "", 0);
    e = model_find(m, key, len);
    e->bucket = model_new();
    return e->bucket;
}

void model_remove(struct model *m, const void *key, size_t len)
{
    struct entry *e = model_find(m, key, len);
    size_t i;

    must(e != NULL);
    i = (size_t)(e - m->entries);
    entry_done(e);
    m->n--;
    memmove(m->entries + i, m->entries + i + 1, (m->n - i) * sizeof *m->entries);
}

void make_directory(char *out)
{
    strcpy(out, access("/dev/shm", W_OK) == 0 ? "/dev/shm/berth-bolt.XXXXXX"
                                              : "/tmp/berth-bolt.XXXXXX");
    must(mkdtemp(out) != NULL);
}

void fresh_file(const char *path, uint32_t page_size)
{
    struct meta m = {.page_size = page_size, .root = 3, .freelist = 2, .hwm = 4};
    uint8_t *buf = calloc(4, page_size);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    must(buf && fd >= 0);
    meta_encode(&m, 0, buf);
    m.txid = 1;
    meta_encode(&m, 1, buf + page_size);
    put64(buf + 2u * page_size, 2);
    put16(buf + 2u * page_size + 8, PAGE_FREELIST);
    put64(buf + 3u * page_size, 3);
    put16(buf + 3u * page_size + 8, PAGE_LEAF);
    must(write(fd, buf, 4u * page_size) == (ssize_t)(4u * page_size));
    close(fd);
    free(buf);
}

/* ------------------------------------------------------------------ comparing */

static void compare_entry(const struct entry *e, const struct bolt_cursor *c)
{
    must(c->key.len == e->key_len);
    must(memcmp(c->key.data, e->key, e->key_len) == 0);
    must(c->is_bucket == (e->bucket != NULL));
    if (!e->bucket) {
        must(c->value.len == e->value_len);
        must(memcmp(c->value.data, e->value, e->value_len) == 0);
    }
}

void model_compare(const struct model *m, struct bolt_bucket *b)
{
    struct bolt_cursor c;
    size_t i = 0;
    int r;

    for (r = bolt_first(&c, b); r > 0; r = bolt_next(&c)) {
        must(i < m->n);
        compare_entry(&m->entries[i++], &c);
    }
    must(r == 0);
    must(i == m->n);
    for (r = bolt_last(&c, b); r > 0; r = bolt_prev(&c)) {
        must(i > 0);
        compare_entry(&m->entries[--i], &c);
    }
    must(r == 0);
    must(i == 0);

    for (i = 0; i < m->n; i++) {
        const struct entry *e = &m->entries[i];
        struct bolt_bytes v;

        if (e->bucket) {
            struct bolt_bucket *inner;

            must(bolt_get(b, e->key, e->key_len, &v) == -EISDIR);
            must(bolt_open(b, e->key, e->key_len, &inner) == 0);
            model_compare(e->bucket, inner);
        } else {
            must(bolt_get(b, e->key, e->key_len, &v) == 0);
            must(v.len == e->value_len);
            must(memcmp(v.data, e->value, v.len) == 0);
            must(bolt_seek(&c, b, e->key, e->key_len) == 1);
            compare_entry(e, &c);
        }
    }
}

/* ------------------------------------------------------------- random changes */

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static unsigned below(struct churn *c, unsigned n)
{
    return (unsigned)(random_next(&c->state) % n);
}

static void hex(FILE *f, const void *data, size_t len)
{
    const uint8_t *p = data;

    if (len == 0)
        fputc('-', f);
    for (size_t i = 0; i < len; i++)
        fprintf(f, "%02x", p[i]);
}

/* Where the changes go: a bucket of the model, of the file, and its path in hex. */
struct spot {
    struct model *m;
    struct bolt_bucket *b;
    char path[2048];
};

static void say(FILE *script, const char *op, const struct spot *s)
{
    if (script)
        fprintf(script, "%s %s", op, s->path[0] ? s->path : "-");
}

static size_t make_key(struct churn *c, uint8_t *key)
{
    unsigned n = below(c, c->keys);
    size_t len = (size_t)snprintf((char *)key, 16, "%c%05u", "kKz\xff"[n % 4], n);

    /* Some keys are long, always the same ones. */
    if (n % 29 == 0) {
        memset(key + len, 'x', 200);
        len += 200;
    }
    return len;
}

/* Move into a bucket below s, most often one that is there. */
static void enter(struct churn *c, struct spot *s, FILE *script)
{
    char name[32];
    size_t len = (size_t)snprintf(name, sizeof name, "bucket%u", below(c, c->keys / 8 + 2));
    struct entry *e = model_find(s->m, name, len);
    size_t at = strlen(s->path);

    if (at)
        s->path[at++] = ',';
    for (size_t i = 0; i < len; i++)
        at += (size_t)snprintf(s->path + at, sizeof s->path - at, "%02x", name[i]);
    if (e) {
        s->m = e->bucket;
        if (s->b)
            must(bolt_open(s->b, name, len, &s->b) == 0);
        return;
    }
    s->m = model_make(s->m, name, len);
    if (s->b)
        must(bolt_make(s->b, name, len, &s->b) == 0);
    say(script, "make", s);
    if (script)
        fputc('\n', script);
}

static void one_put(struct churn *c, struct spot *s, const uint8_t *key, size_t len,
                    FILE *script)
{
    unsigned kind = below(c, 20);
    size_t value_len = below(c, kind == 0 ? c->value_max + 1 : kind < 4 ? 400 : 40);
    uint8_t *value = copy("", 0);

    value = realloc(value, value_len + 1);
    must(value != NULL);
    memset(value, 'a' + (int)below(c, 26), value_len);
    model_put(s->m, key, len, value, value_len);
    if (s->b)
        must(bolt_put(s->b, key, len, value, value_len) == 0);
    if (script) {
        say(script, "put", s);
        fputc(' ', script);
        hex(script, key, len);
        fputc(' ', script);
        hex(script, value, value_len);
        fputc('\n', script);
    }
    free(value);
}

static void one_delete(struct spot *s, const uint8_t *key, size_t len, FILE *script)
{
    model_remove(s->m, key, len);
    if (s->b)
        must(bolt_delete(s->b, key, len) == 0);
    if (script) {
        say(script, "del", s);
        fputc(' ', script);
        hex(script, key, len);
        fputc('\n', script);
    }
}

static void one_drop(struct churn *c, struct spot *s, FILE *script)
{
    char name[32];
    size_t len = (size_t)snprintf(name, sizeof name, "bucket%u", below(c, c->keys / 8 + 2));
    struct spot gone = *s;

    if (!model_find(s->m, name, len))
        return;
    model_remove(s->m, name, len);
    if (s->b)
        must(bolt_drop(s->b, name, len) == 0);
    if (script) {
        size_t at = strlen(gone.path);

        if (at)
            gone.path[at++] = ',';
        for (size_t i = 0; i < len; i++)
            at += (size_t)snprintf(gone.path + at, sizeof gone.path - at, "%02x", name[i]);
        say(script, "drop", &gone);
        fputc('\n', script);
    }
}

void model_churn(struct churn *c, struct model *m, struct bolt_tx *tx, FILE *script)
{
    for (unsigned i = 0; i < c->ops; i++) {
        struct spot s = {.m = m, .b = tx ? bolt_root(tx) : NULL};
        unsigned depth = c->depth ? below(c, c->depth) + 1 : 1;
        uint8_t key[512];
        size_t len;
        int exists;

        while (depth--)
            enter(c, &s, script);
        len = make_key(c, key);
        exists = model_find(s.m, key, len) != NULL;
        if (s.b) {
            struct bolt_bytes v;

            must(bolt_get(s.b, key, len, &v) == (exists ? 0 : -ENOENT));
            if (!exists)
                must(bolt_delete(s.b, key, len) == -ENOENT);
        }
        if (below(c, 100) >= c->deletes)
            one_put(c, &s, key, len, script);
        else if (exists)
            one_delete(&s, key, len, script);
        else if (below(c, 8) == 0)
            one_drop(c, &s, script);
    }
}
