/* SPDX-License-Identifier: Apache-2.0 */
/* Records: three neighbouring entries each, and entries to find them by. */
#include "lmdb_store.h"
#include <stdlib.h>

#define DOCUMENTS (BERTH_REC_CONFIG | BERTH_REC_STATE)

int lm_is_kind(uint32_t kind)
{
    return kind >= BERTH_CONTAINER && kind <= BERTH_VOLUME;
}

const char *lm_kind_name(uint32_t kind)
{
    return kind == BERTH_CONTAINER ? "container"
           : kind == BERTH_POD     ? "pod"
           : kind == BERTH_VOLUME  ? "volume"
                                   : "record";
}

static int no_record(struct berth_txn *t, uint32_t kind, const char *id,
                     struct berth_error *err)
{
    return berth_fail(t->s->h, err, ENOENT, "no %s \"%s\" in %s", lm_kind_name(kind), id,
                      t->s->path);
}

int lm_attrs(struct berth_txn *t, const MDB_val *key, const MDB_val *value,
             struct lm_attrs *out, struct berth_error *err)
{
    const unsigned char *v = value->mv_data;

    if (value->mv_size < 9 || lm_unpack(v + 8, value->mv_size - 8, out->s, S_COUNT) < 0 ||
        !out->s[S_NAME] || !*out->s[S_NAME])
        return lm_damaged(t, key, err);
    out->status = (int32_t)lm_get32(v);
    out->exit_code = (int32_t)lm_get32(v + 4);
    return 0;
}

int lm_exists(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err)
{
    struct lm_key key;
    int r = lm_part(t, &key, kind, id, LM_ATTRS, err);

    return r < 0 ? r : lm_read(t, &key, NULL, err);
}

/* ----------------------------------------------------------------- reading */

int lm_split(struct berth_txn *t, const MDB_val *key, const char **id, int *part,
             struct berth_error *err)
{
    const unsigned char *bytes = key->mv_data;
    MDB_val strings = {key->mv_size - 1, key->mv_data};
    int r;

    if (key->mv_size < 4)
        return lm_damaged(t, key, err);
    *part = bytes[key->mv_size - 1];
    r = lm_strings(t, &strings, id, NULL, err);
    if (r == 0 && (*part < LM_ATTRS || *part > LM_STATE))
        r = lm_damaged(t, key, err);
    return r;
}

/* Are these keys of parts of one record? */
static int same_record(const MDB_val *a, const MDB_val *b)
{
    return a->mv_size == b->mv_size && memcmp(a->mv_data, b->mv_data, a->mv_size - 1) == 0;
}

/* The attributes that are wanted; others are not looked at. */
static int attributes(struct berth_txn *t, const MDB_val *k, const MDB_val *v, uint64_t want,
                      struct berth_record *out, struct berth_error *err)
{
    struct lm_attrs a = {0};
    int r = lm_attrs(t, k, v, &a, err);

    if (r < 0)
        return r;
    if (want & BERTH_REC_NAME)
        out->name = a.s[S_NAME];
    if (want & BERTH_REC_ATTRS) {
        out->ns = a.s[S_NS];
        out->pod = a.s[S_POD];
        out->netns = a.s[S_NETNS];
        out->infra = a.s[S_INFRA];
        out->storage_id = a.s[S_STORAGE];
        out->status = a.status;
        out->exit_code = a.exit_code;
    }
    return 0;
}

/*
 * Make a record of the entries from the cursor's on, which is the attributes.  With a wish
 * for documents the cursor is then at the first entry that is not the record's: *more is 1,
 * or 0 at the end of the kind.  Without, it stays among the record's own, which are skipped
 * by whoever goes on.  *out is zeroed, or was made here with the same wish.
 */
static int gather(struct berth_txn *t, MDB_cursor *c, const struct lm_key *range, uint32_t kind,
                  uint64_t want, MDB_val *k, MDB_val *v, int *more, struct berth_record *out,
                  struct berth_error *err)
{
    MDB_val first = *k;
    int part, r = lm_split(t, k, &out->id, &part, err), rc;

    out->size = sizeof(*out);
    out->kind = kind;
    out->has = want & BERTH_REC_ALL;
    out->config = out->state = (struct berth_blob){0};
    if (r == 0 && part != LM_ATTRS)
        r = lm_damaged(t, k, err);
    if (r == 0 && (want & ~(uint64_t)DOCUMENTS))
        r = attributes(t, k, v, want, out, err);
    if (r < 0)
        return r;
    *more = 1;
    while (want & DOCUMENTS) {
        rc = mdb_cursor_get(c, k, v, MDB_NEXT);
        if (rc || !same_record(&first, k)) {
            *more = lm_landed(t, rc, range, 1, k, err);
            if (*more < 0)
                return *more;
            break;
        }
        part = ((const unsigned char *)k->mv_data)[k->mv_size - 1];
        if (part == LM_CONFIG && (want & BERTH_REC_CONFIG))
            out->config = (struct berth_blob){v->mv_data, v->mv_size};
        else if (part == LM_STATE && (want & BERTH_REC_STATE))
            out->state = (struct berth_blob){v->mv_data, v->mv_size};
        else if (part > LM_STATE)
            return lm_damaged(t, k, err);
    }
    if ((want & BERTH_REC_CONFIG) && !out->config.data)
        return berth_fail(t->s->h, err, EUCLEAN, "%s: %s %s has no configuration", t->s->path,
                          lm_kind_name(kind), out->id);
    return 0;
}

/*
 * Only documents are wanted, and they are there: the attributes need not be looked at.  Gives
 * 1; 0: look at all entries; -errno.  `key` is the record's, of any part.
 */
static int documents(struct berth_txn *t, MDB_cursor *c, struct lm_key *key, uint32_t kind,
                     uint64_t want, struct berth_record *out, struct berth_error *err)
{
    int first = want & BERTH_REC_CONFIG ? LM_CONFIG : LM_STATE, r;
    MDB_val k, v;

    if (!(want & DOCUMENTS) || (want & (BERTH_REC_NAME | BERTH_REC_ATTRS)))
        return 0;
    key->bytes[key->len - 1] = (unsigned char)first;
    r = lm_find(t, c, key, &k, &v, err);
    if (r <= 0)
        return r;
    out->size = sizeof(*out);
    out->kind = kind;
    out->has = want & BERTH_REC_ALL;
    out->id = (const char *)k.mv_data + 1; /* what lies in the key before its last byte */
    if (first == LM_STATE) {
        out->state = (struct berth_blob){v.mv_data, v.mv_size};
        return 1;
    }
    out->config = (struct berth_blob){v.mv_data, v.mv_size};
    if (want & BERTH_REC_STATE) {
        key->bytes[key->len - 1] = LM_STATE;
        r = lm_step(t, c, key, key->len, &k, &v, err);
        if (r > 0 && k.mv_size != key->len)
            return 0;
        if (r > 0)
            out->state = (struct berth_blob){v.mv_data, v.mv_size};
    }
    return r < 0 ? r : 1;
}

int lm_get(struct berth_txn *t, uint32_t kind, const char *id, uint64_t want,
           struct berth_record *out, struct berth_error *err)
{
    size_t size = out->size < sizeof(*out) ? out->size : sizeof(*out);
    struct berth_record rec;
    struct lm_key key;
    MDB_cursor *c;
    MDB_val k, v;
    int r = lm_usable(t, 0, err), more;

    if (r < 0)
        return r;
    if (!lm_is_kind(kind) || !id)
        return berth_fail(t->s->h, err, EINVAL, "get() of no kind or without an ID");
    memset(&rec, 0, size);
    if ((r = lm_part(t, &key, kind, id, LM_ATTRS, err)) < 0 || !(c = lm_get_cursor(t, &r, err)))
        return r;
    r = documents(t, c, &key, kind, want, &rec, err);
    if (r == 0) {
        key.bytes[key.len - 1] = LM_ATTRS;
        r = lm_find(t, c, &key, &k, &v, err);
        if (r == 0)
            r = no_record(t, kind, id, err);
        else if (r > 0)
            r = gather(t, c, &key, kind, want, &k, &v, &more, &rec, err);
    } else if (r > 0) {
        r = 0;
    }
    lm_put_cursor(t, c);
    if (r == 0) {
        rec.size = out->size;
        memcpy(out, &rec, size);
    }
    return r;
}

/* The ID that goes with a name: 1, 0 there is none, -errno. */
static int find_name(struct berth_txn *t, uint32_t kind, const char *name, const char **id,
                     struct berth_error *err)
{
    struct lm_key key;
    MDB_val v;
    int r = lm_key(t, &key, LM_NAME + (int)kind, name, NULL, err);

    if (r == 0)
        r = lm_read(t, &key, &v, err);
    if (r <= 0)
        return r;
    if (v.mv_size < 2 ||
        memchr(v.mv_data, '\0', v.mv_size) != (const char *)v.mv_data + v.mv_size - 1)
        return berth_fail(t->s->h, err, EUCLEAN, "%s: %s name \"%s\" is damaged", t->s->path,
                          lm_kind_name(kind), name);
    *id = v.mv_data;
    return 1;
}

int lm_resolve(struct berth_txn *t, uint32_t kind, const char *name, uint32_t *out_kind,
               const char **out_id, struct berth_error *err)
{
    uint32_t found = kind ? kind : BERTH_CONTAINER;
    struct berth_record rec = {.size = sizeof(rec)};
    const char *id = NULL;
    int r = lm_usable(t, 0, err);

    if (r < 0)
        return r;
    if (!name || (kind && !lm_is_kind(kind)))
        return berth_fail(t->s->h, err, EINVAL, "resolve() of no name or a wrong kind");
    if (kind == BERTH_VOLUME) {
        r = lm_get(t, kind, name, 0, &rec, err);
        if (r < 0)
            return r;
        id = rec.id;
    } else {
        r = find_name(t, found, name, &id, err);
        if (r == 0 && !kind)
            r = find_name(t, found = BERTH_POD, name, &id, err);
        if (r == 0)
            return berth_fail(t->s->h, err, ENOENT, "no %s named \"%s\" in %s",
                              kind ? lm_kind_name(kind) : "container or pod", name, t->s->path);
        if (r < 0)
            return r;
    }
    if (out_kind)
        *out_kind = found;
    if (out_id)
        *out_id = id;
    return 0;
}

/* All records of a kind whose ID begins with `prefix`. */
static int scan_records(struct berth_txn *t, const struct berth_scan *what, uint32_t kind,
                        const char *prefix, berth_record_fn *fn, void *arg,
                        struct berth_error *err)
{
    size_t len = strlen(prefix);
    struct berth_record rec = {0};
    struct lm_key key;
    MDB_cursor *c;
    MDB_val k, v;
    int r = lm_key(t, &key, LM_RECORD + (int)kind, prefix, NULL, err), more, part;
    const char *id;

    if (r < 0 || !(c = lm_cursor(t, &r, err)))
        return r;
    key.len--; /* the NUL: a prefix does not end here */
    more = lm_seek(t, c, &key, 1 + len, &k, &v, err);
    while (more > 0) {
        if (!(what->want & DOCUMENTS)) {
            r = lm_split(t, &k, &id, &part, err);
            if (r == 0 && part != LM_ATTRS) { /* a document */
                more = lm_step(t, c, &key, 1 + len, &k, &v, err);
                continue;
            }
        }
        if (r == 0)
            r = gather(t, c, &key, kind, what->want, &k, &v, &more, &rec, err);
        if (r == 0)
            r = fn(arg, &rec);
        if (r)
            break;
        if (!(what->want & DOCUMENTS))
            more = lm_step(t, c, &key, 1 + len, &k, &v, err);
        else if (more > 0 && len)
            more = k.mv_size >= 1 + len && memcmp(k.mv_data, key.bytes, 1 + len) == 0;
    }
    mdb_cursor_close(c);
    return r ? r : more;
}

/* Records that an index names: members of a pod, volumes of a storage container. */
static int scan_index(struct berth_txn *t, const struct berth_scan *what, uint32_t kind,
                      int index, const char *first, const char *prefix, berth_record_fn *fn,
                      void *arg, struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)};
    const char *of, *id;
    struct lm_key key;
    MDB_cursor *c;
    MDB_val k, v;
    size_t range;
    int r = lm_key(t, &key, index, first, prefix, err), more;

    if (r < 0 || !(c = lm_cursor(t, &r, err)))
        return r;
    range = --key.len;
    for (more = lm_seek(t, c, &key, range, &k, &v, err); more > 0;
         more = lm_step(t, c, &key, range, &k, &v, err)) {
        r = lm_strings(t, &k, &of, &id, err);
        if (r == 0)
            r = lm_get(t, kind, id, what->want, &rec, err);
        if (r == -ENOENT)
            r = berth_fail(t->s->h, err, EUCLEAN, "%s: %s %s is indexed and not there",
                           t->s->path, lm_kind_name(kind), id);
        if (r == 0)
            r = fn(arg, &rec);
        if (r)
            break;
    }
    mdb_cursor_close(c);
    return r ? r : more;
}

int lm_scan(struct berth_txn *t, const struct berth_scan *what, berth_record_fn *fn, void *arg,
            struct berth_error *err)
{
    const char *prefix = what->prefix ? what->prefix : "";
    int r = lm_usable(t, 0, err);

    if (r == 0 && what->kind && !lm_is_kind(what->kind))
        r = berth_fail(t->s->h, err, EINVAL, "scan() of a wrong kind");
    for (uint32_t kind = BERTH_CONTAINER; r == 0 && kind <= BERTH_VOLUME; kind++) {
        if (what->kind && what->kind != kind)
            continue;
        if ((what->pod && kind != BERTH_CONTAINER) ||
            (what->storage_id && kind != BERTH_VOLUME))
            continue;
        if (what->pod)
            r = scan_index(t, what, kind, LM_MEMBER, what->pod, prefix, fn, arg, err);
        else if (what->storage_id)
            r = scan_index(t, what, kind, LM_STORAGE, what->storage_id, prefix, fn, arg, err);
        else
            r = scan_records(t, what, kind, prefix, fn, arg, err);
    }
    return r;
}
