/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values: making them, taking them apart, reading and writing entries. */
#include "lmdb_store.h"
#include <stdio.h>

void lm_put32(unsigned char *to, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(v >> 8 * i);
}

void lm_put64(unsigned char *to, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(v >> 8 * i);
}

uint32_t lm_get32(const unsigned char *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

uint64_t lm_get64(const unsigned char *from)
{
    return (uint64_t)lm_get32(from) | (uint64_t)lm_get32(from + 4) << 32;
}

size_t lm_pack(unsigned char *to, const char *const *strings, size_t n)
{
    size_t size = 1;
    unsigned mask = 0;

    for (size_t i = 0; i < n; i++) {
        size_t len;

        if (!strings[i])
            continue;
        mask |= 1u << i;
        len = strlen(strings[i]) + 1;
        if (to)
            memcpy(to + size, strings[i], len);
        size += len;
    }
    if (to)
        to[0] = (unsigned char)mask;
    return size;
}

int lm_unpack(const unsigned char *from, size_t len, const char **strings, size_t n)
{
    const unsigned char *end = from + len;
    unsigned mask;

    if (len < 1 || from[0] >> n)
        return -1;
    mask = *from++;
    for (size_t i = 0; i < n; i++) {
        const unsigned char *nul;

        strings[i] = NULL;
        if (!(mask & 1u << i))
            continue;
        nul = memchr(from, '\0', (size_t)(end - from));
        if (!nul)
            return -1;
        strings[i] = (const char *)from;
        from = nul + 1;
    }
    return from == end ? 0 : -1;
}

/* -------------------------------------------------------------------- keys */

static int add_string(struct lm_key *key, const char *s)
{
    size_t size = strlen(s) + 1;

    /* LMDB takes 511 bytes; a record's part needs one more. */
    if (key->len + size > 510)
        return -1;
    memcpy(key->bytes + key->len, s, size);
    key->len += size;
    return 0;
}

int lm_key(struct berth_txn *t, struct lm_key *key, int tag, const char *a, const char *b,
           struct berth_error *err)
{
    key->bytes[0] = (unsigned char)tag;
    key->len = 1;
    if ((a && add_string(key, a) < 0) || (b && add_string(key, b) < 0))
        return berth_fail(t->s->h, err, ENAMETOOLONG, "%s: \"%.40s...\" is too long for a key",
                          t->s->path, a);
    return 0;
}

int lm_part(struct berth_txn *t, struct lm_key *key, uint32_t kind, const char *id, int part,
            struct berth_error *err)
{
    int r = lm_key(t, key, LM_RECORD + (int)kind, id, NULL, err);

    if (r == 0)
        key->bytes[key->len++] = (unsigned char)part;
    return r;
}

int lm_damaged(struct berth_txn *t, const MDB_val *key, struct berth_error *err)
{
    const unsigned char *bytes = key->mv_data;
    char text[96];
    size_t n = 0;

    for (size_t i = 1; i < key->mv_size && n < sizeof(text) - 1; i++)
        text[n++] = bytes[i] > ' ' && bytes[i] < 127 ? (char)bytes[i] : ' ';
    text[n] = '\0';
    return berth_fail(t->s->h, err, EUCLEAN, "%s: entry %02x %s is damaged", t->s->path,
                      key->mv_size ? bytes[0] : 0, text);
}

int lm_strings(struct berth_txn *t, const MDB_val *key, const char **a, const char **b,
               struct berth_error *err)
{
    const char *text = (const char *)key->mv_data + 1, *end = text + key->mv_size - 1, *nul;

    nul = key->mv_size > 2 ? memchr(text, '\0', (size_t)(end - text)) : NULL;
    if (!nul || nul == text)
        return lm_damaged(t, key, err);
    *a = text;
    if (!b)
        return nul + 1 == end ? 0 : lm_damaged(t, key, err);
    text = nul + 1;
    nul = memchr(text, '\0', (size_t)(end - text));
    if (!nul || nul == text || nul + 1 != end)
        return lm_damaged(t, key, err);
    *b = text;
    return 0;
}

/* ----------------------------------------------------------------- entries */

static MDB_val val_of(const struct lm_key *key)
{
    union {
        const unsigned char *in;
        void *out;
    } bytes = {key->bytes};

    return (MDB_val){key->len, bytes.out};
}

int lm_read(struct berth_txn *t, const struct lm_key *key, MDB_val *value,
            struct berth_error *err)
{
    MDB_val k = val_of(key), v;
    int rc = mdb_get(t->txn, t->s->dbi, &k, &v);

    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc)
        return lm_fail(t->s, err, rc, "reading");
    if (value) {
        *value = v;
        t->lent = 1;
    }
    return 1;
}

int lm_write(struct berth_txn *t, const struct lm_key *key, const void *data, size_t len,
             struct berth_error *err)
{
    union {
        const void *in;
        void *out;
    } bytes = {len ? data : ""};
    MDB_val k = val_of(key), v = {len, bytes.out};
    int rc = mdb_put(t->txn, t->s->dbi, &k, &v, 0);

    if (!rc)
        return 0;
    t->broken = 1;
    return lm_fail(t->s, err, rc, "writing");
}

int lm_drop(struct berth_txn *t, const struct lm_key *key, struct berth_error *err)
{
    MDB_val k = val_of(key);
    int rc = mdb_del(t->txn, t->s->dbi, &k, NULL);

    if (!rc || rc == MDB_NOTFOUND)
        return 0;
    t->broken = 1;
    return lm_fail(t->s, err, rc, "writing");
}

MDB_cursor *lm_cursor(struct berth_txn *t, int *r, struct berth_error *err)
{
    MDB_cursor *c = NULL;
    int rc = mdb_cursor_open(t->txn, t->s->dbi, &c);

    if (!rc)
        return c;
    *r = lm_fail(t->s, err, rc, "reading");
    return NULL;
}

MDB_cursor *lm_get_cursor(struct berth_txn *t, int *r, struct berth_error *err)
{
    if (t->flags & BERTH_TXN_WRITE)
        return lm_cursor(t, r, err);
    if (!t->cursor)
        t->cursor = lm_cursor(t, r, err);
    return t->cursor;
}

void lm_put_cursor(struct berth_txn *t, MDB_cursor *c)
{
    if (c != t->cursor)
        mdb_cursor_close(c);
}

int lm_landed(struct berth_txn *t, int rc, const struct lm_key *key, size_t prefix,
              const MDB_val *k, struct berth_error *err)
{
    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc)
        return lm_fail(t->s, err, rc, "reading");
    t->lent = 1;
    return k->mv_size >= prefix && memcmp(k->mv_data, key->bytes, prefix) == 0;
}

int lm_seek(struct berth_txn *t, MDB_cursor *c, const struct lm_key *key, size_t prefix,
            MDB_val *k, MDB_val *v, struct berth_error *err)
{
    *k = val_of(key);
    return lm_landed(t, mdb_cursor_get(c, k, v, MDB_SET_RANGE), key, prefix, k, err);
}

int lm_find(struct berth_txn *t, MDB_cursor *c, const struct lm_key *key, MDB_val *k,
            MDB_val *v, struct berth_error *err)
{
    int rc;

    *k = val_of(key);
    rc = mdb_cursor_get(c, k, v, MDB_SET_KEY);
    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc)
        return lm_fail(t->s, err, rc, "reading");
    t->lent = 1;
    return 1;
}

int lm_step(struct berth_txn *t, MDB_cursor *c, const struct lm_key *key, size_t prefix,
            MDB_val *k, MDB_val *v, struct berth_error *err)
{
    return lm_landed(t, mdb_cursor_get(c, k, v, MDB_NEXT), key, prefix, k, err);
}
