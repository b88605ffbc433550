/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing records.  What can be refused is looked for first; a failure after that breaks
 * the transaction.  What is written is copied before the first change if the caller may
 * have it from this transaction's own pages, which the change may move.
 */
#include "lmdb_store.h"
#include <stdlib.h>

static int no_memory(struct berth_txn *t, struct berth_error *err)
{
    return berth_fail(t->s->h, err, ENOMEM, "out of memory");
}

static int check_record(struct berth_txn *t, const struct berth_record *rec,
                        struct berth_error *err)
{
    const struct berth_host *h = t->s->h;
    int r = lm_usable(t, 1, err);

    if (r < 0)
        return r;
    if (!BERTH_FITS(rec, state) || !lm_is_kind(rec->kind) || !rec->id || !*rec->id)
        return berth_fail(h, err, EINVAL, "a record without kind or ID");
    if ((rec->has & BERTH_REC_NAME) && rec->kind == BERTH_VOLUME &&
        (!rec->name || strcmp(rec->name, rec->id) != 0))
        return berth_fail(h, err, EINVAL, "volume \"%s\" cannot have another name", rec->id);
    if ((rec->has & BERTH_REC_NAME) && (!rec->name || !*rec->name))
        return berth_fail(h, err, EINVAL, "%s %s has no name", lm_kind_name(rec->kind),
                          rec->id);
    if ((rec->has & BERTH_REC_CONFIG) && !rec->config.data)
        return berth_fail(h, err, EINVAL, "%s %s has no configuration", lm_kind_name(rec->kind),
                          rec->id);
    if ((rec->has & BERTH_REC_ATTRS) && rec->kind == BERTH_CONTAINER &&
        (rec->exit_code < -1 || rec->exit_code > 255))
        return berth_fail(h, err, EINVAL, "container %s: exit code %d is not within -1 to 255",
                          rec->id, rec->exit_code);
    return 0;
}

/* Is the name free, or this record's own?  *old is set if it is there already. */
static int name_free(struct berth_txn *t, const struct berth_record *rec,
                     struct berth_error *err)
{
    struct lm_key key;
    MDB_val v;
    int r;

    if (rec->kind == BERTH_VOLUME)
        return 0;
    r = lm_key(t, &key, LM_NAME + (int)rec->kind, rec->name, NULL, err);
    if (r == 0)
        r = lm_read(t, &key, &v, err);
    if (r <= 0 || (v.mv_size == strlen(rec->id) + 1 && !memcmp(v.mv_data, rec->id, v.mv_size)))
        return r < 0 ? r : 0;
    return berth_fail(t->s->h, err, EEXIST, "%s name \"%s\" is taken in %s",
                      lm_kind_name(rec->kind), rec->name, t->s->path);
}

static int id_free(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err)
{
    static const uint32_t other[] = {0, BERTH_POD, BERTH_CONTAINER, 0};
    uint32_t kind = rec->kind;
    int r = lm_exists(t, kind, rec->id, err);

    if (r == 0 && other[kind])
        r = lm_exists(t, kind = other[kind], rec->id, err);
    if (r <= 0)
        return r;
    return berth_fail(t->s->h, err, EEXIST, "%s \"%s\" is in %s already", lm_kind_name(kind),
                      rec->id, t->s->path);
}

/* Everything of a write that has to be copied first: attributes, strings of the old
 * ones, documents. */
struct pending {
    unsigned char *attrs;
    size_t attrs_len;
    unsigned char *config, *state;
    struct berth_blob config_blob, state_blob;
};

static void pending_free(struct pending *p)
{
    free(p->attrs);
    free(p->config);
    free(p->state);
}

static int copy_blob(unsigned char **copy, struct berth_blob *blob)
{
    if (!blob->data || !blob->len)
        return 0;
    *copy = malloc(blob->len);
    if (!*copy)
        return -1;
    blob->data = memcpy(*copy, blob->data, blob->len);
    return 0;
}

static int prepare(struct berth_txn *t, const struct berth_record *rec,
                   const struct lm_attrs *attrs, struct pending *p, struct berth_error *err)
{
    memset(p, 0, sizeof(*p));
    if (attrs) {
        p->attrs_len = 8 + lm_pack(NULL, attrs->s, S_COUNT);
        p->attrs = malloc(p->attrs_len);
        if (!p->attrs)
            return no_memory(t, err);
        lm_put32(p->attrs, (uint32_t)attrs->status);
        lm_put32(p->attrs + 4, (uint32_t)attrs->exit_code);
        lm_pack(p->attrs + 8, attrs->s, S_COUNT);
    }
    p->config_blob = rec->config;
    p->state_blob = rec->state;
    if (!t->lent)
        return 0;
    if (((rec->has & BERTH_REC_CONFIG) && copy_blob(&p->config, &p->config_blob) < 0) ||
        ((rec->has & BERTH_REC_STATE) && copy_blob(&p->state, &p->state_blob) < 0)) {
        pending_free(p);
        return no_memory(t, err);
    }
    return 0;
}

/* Keys of all that a record has, made before anything is written. */
struct record_keys {
    struct lm_key attrs, config, state;
};

static int make_keys(struct berth_txn *t, uint32_t kind, const char *id, struct record_keys *k,
                     struct berth_error *err)
{
    int r = lm_part(t, &k->attrs, kind, id, LM_ATTRS, err);

    k->config = k->state = k->attrs;
    k->config.bytes[k->config.len - 1] = LM_CONFIG;
    k->state.bytes[k->state.len - 1] = LM_STATE;
    return r;
}

static int write_parts(struct berth_txn *t, const struct record_keys *keys, uint64_t has,
                       const struct pending *p, struct berth_error *err)
{
    int r = p->attrs ? lm_write(t, &keys->attrs, p->attrs, p->attrs_len, err) : 0;

    if (r == 0 && (has & BERTH_REC_CONFIG))
        r = lm_write(t, &keys->config, p->config_blob.data, p->config_blob.len, err);
    if (r == 0 && (has & BERTH_REC_STATE))
        r = p->state_blob.data
                ? lm_write(t, &keys->state, p->state_blob.data, p->state_blob.len, err)
                : lm_drop(t, &keys->state, err);
    return r;
}

/* The attributes that this kind of record has. */
static void attrs_from(const struct berth_record *rec, struct lm_attrs *a)
{
    a->s[S_NS] = rec->ns;
    if (rec->kind == BERTH_CONTAINER) {
        a->s[S_NETNS] = rec->netns;
        a->status = rec->status;
        a->exit_code = rec->exit_code;
    } else if (rec->kind == BERTH_POD) {
        a->s[S_INFRA] = rec->infra;
    } else {
        a->s[S_STORAGE] = rec->storage_id;
    }
}

/* The index that a kind has besides its names, and what the attributes say for it. */
static const char *indexed(uint32_t kind, const struct lm_attrs *a, int *index)
{
    *index = kind == BERTH_VOLUME ? LM_STORAGE : LM_MEMBER;
    return kind == BERTH_CONTAINER ? a->s[S_POD]
           : kind == BERTH_VOLUME  ? a->s[S_STORAGE]
                                   : NULL;
}

/* -------------------------------------------------------------------- insert */

int lm_insert(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err)
{
    struct lm_key name_key, index_key;
    struct record_keys keys;
    struct lm_attrs a = {0};
    struct pending p;
    const char *first;
    int r = check_record(t, rec, err), index;

    if (r < 0)
        return r;
    if ((rec->has & BERTH_REC_ALL) != BERTH_REC_ALL)
        return berth_fail(t->s->h, err, EINVAL, "%s %s is not a whole record",
                          lm_kind_name(rec->kind), rec->id);
    if ((r = id_free(t, rec, err)) < 0 || (r = name_free(t, rec, err)) < 0)
        return r;
    if (rec->kind == BERTH_CONTAINER && rec->pod && !(t->flags & BERTH_TXN_BULK)) {
        r = lm_exists(t, BERTH_POD, rec->pod, err);
        if (r <= 0)
            return r < 0 ? r
                         : berth_fail(t->s->h, err, ENOENT, "no pod %s for container %s",
                                      rec->pod, rec->id);
    }
    a.s[S_NAME] = rec->name;
    a.s[S_POD] = rec->kind == BERTH_CONTAINER ? rec->pod : NULL;
    attrs_from(rec, &a);
    first = indexed(rec->kind, &a, &index);
    if ((r = make_keys(t, rec->kind, rec->id, &keys, err)) < 0 ||
        (r = lm_key(t, &name_key, LM_NAME + (int)rec->kind, rec->name, NULL, err)) < 0 ||
        (first && (r = lm_key(t, &index_key, index, first, rec->id, err)) < 0) ||
        (r = prepare(t, rec, &a, &p, err)) < 0)
        return r;
    if (rec->kind != BERTH_VOLUME) /* the ID is in a key: what is written may not move it */
        r = lm_write(t, &name_key, keys.attrs.bytes + 1, keys.attrs.len - 2, err);
    if (r == 0 && first)
        r = lm_write(t, &index_key, NULL, 0, err);
    if (r == 0)
        r = write_parts(t, &keys, rec->has, &p, err);
    pending_free(&p);
    return r;
}

/* -------------------------------------------------------------------- update */

static int same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Name and index entries before and after a change; len 0: none, or it stays. */
struct moves {
    struct lm_key old_name, new_name, old_index, new_index;
};

static int plan_moves(struct berth_txn *t, const struct berth_record *rec,
                      const struct lm_attrs *old, const struct lm_attrs *new, struct moves *m,
                      struct berth_error *err)
{
    int name = LM_NAME + (int)rec->kind, index, r = 0;
    const char *before = indexed(rec->kind, old, &index);
    const char *after = indexed(rec->kind, new, &index);

    m->old_name.len = m->new_name.len = m->old_index.len = m->new_index.len = 0;
    if (rec->kind != BERTH_VOLUME && !same(old->s[S_NAME], new->s[S_NAME])) {
        r = lm_key(t, &m->old_name, name, old->s[S_NAME], NULL, err);
        if (r == 0)
            r = lm_key(t, &m->new_name, name, new->s[S_NAME], NULL, err);
    }
    if (r == 0 && !same(before, after)) {
        if (before)
            r = lm_key(t, &m->old_index, index, before, rec->id, err);
        if (r == 0 && after)
            r = lm_key(t, &m->new_index, index, after, rec->id, err);
    }
    return r;
}

static int make_moves(struct berth_txn *t, const struct record_keys *keys,
                      const struct moves *m, struct berth_error *err)
{
    int r = m->old_name.len ? lm_drop(t, &m->old_name, err) : 0;

    if (r == 0 && m->new_name.len)
        r = lm_write(t, &m->new_name, keys->attrs.bytes + 1, keys->attrs.len - 2, err);
    if (r == 0 && m->old_index.len)
        r = lm_drop(t, &m->old_index, err);
    if (r == 0 && m->new_index.len)
        r = lm_write(t, &m->new_index, NULL, 0, err);
    return r;
}

int lm_update(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err)
{
    struct record_keys keys;
    struct lm_attrs old, new;
    struct pending p;
    struct moves m;
    MDB_val k, v;
    int lent = t->lent, change, r = check_record(t, rec, err);

    if (r < 0 || (r = make_keys(t, rec->kind, rec->id, &keys, err)) < 0)
        return r;
    r = lm_read(t, &keys.attrs, &v, err);
    if (r == 0)
        return berth_fail(t->s->h, err, ENOENT, "no %s \"%s\" in %s", lm_kind_name(rec->kind),
                          rec->id, t->s->path);
    k = (MDB_val){keys.attrs.len, keys.attrs.bytes};
    if (r < 0 || (r = lm_attrs(t, &k, &v, &old, err)) < 0)
        return r;
    if ((rec->has & BERTH_REC_NAME) && (r = name_free(t, rec, err)) < 0)
        return r;
    t->lent = lent; /* what was read here was lent to nobody */
    new = old;
    if (rec->has & BERTH_REC_NAME)
        new.s[S_NAME] = rec->name;
    if (rec->has & BERTH_REC_ATTRS)
        attrs_from(rec, &new);
    change = (rec->has & (BERTH_REC_NAME | BERTH_REC_ATTRS)) != 0;
    if ((r = plan_moves(t, rec, &old, &new, &m, err)) < 0 ||
        (r = prepare(t, rec, change ? &new : NULL, &p, err)) < 0)
        return r;
    r = make_moves(t, &keys, &m, err);
    if (r == 0)
        r = write_parts(t, &keys, rec->has, &p, err);
    pending_free(&p);
    return r;
}

/* -------------------------------------------------------------------- remove */

/* Is there an entry with this tag and first string?  1, 0, -errno. */
static int any(struct berth_txn *t, int tag, const char *first, struct berth_error *err)
{
    struct lm_key key;
    MDB_cursor *c;
    MDB_val k, v;
    int r = lm_key(t, &key, tag, first, NULL, err);

    if (r < 0 || !(c = lm_cursor(t, &r, err)))
        return r;
    r = lm_seek(t, c, &key, key.len, &k, &v, err);
    mdb_cursor_close(c);
    return r;
}

/* What may still hang on a record that is to be removed. */
static int refuse_links(struct berth_txn *t, uint32_t kind, const char *id,
                        struct berth_error *err)
{
    static const struct {
        uint32_t kind;
        int tag;
        const char *what;
    } left[] = {
        {BERTH_POD, LM_MEMBER, "containers in it"},
        {BERTH_VOLUME, LM_TO + BERTH_LINK_VOLUME, "containers that use it"},
        {BERTH_CONTAINER, LM_TO + BERTH_LINK_DEPENDS, "containers that need it"},
        {BERTH_CONTAINER, LM_TO + BERTH_LINK_EXEC, "exec sessions"},
        {BERTH_CONTAINER, LM_FROM + BERTH_LINK_DEPENDS, "dependencies"},
        {BERTH_CONTAINER, LM_FROM + BERTH_LINK_VOLUME, "volumes"},
        {BERTH_CONTAINER, LM_FROM + BERTH_LINK_NETWORK, "networks"},
    };

    for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++) {
        int r = left[i].kind == kind ? any(t, left[i].tag, id, err) : 0;

        if (r)
            return r < 0 ? r
                         : berth_fail(t->s->h, err, ENOTEMPTY, "%s %s still has %s",
                                      lm_kind_name(kind), id, left[i].what);
    }
    return 0;
}

int lm_remove(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err)
{
    struct lm_key name_key, index_key;
    struct record_keys keys;
    struct lm_attrs a;
    const char *first;
    MDB_val k, v;
    int r = lm_usable(t, 1, err), index;

    if (r < 0)
        return r;
    if (!lm_is_kind(kind) || !id)
        return berth_fail(t->s->h, err, EINVAL, "remove() of no kind or without an ID");
    if ((r = make_keys(t, kind, id, &keys, err)) < 0)
        return r;
    r = lm_read(t, &keys.attrs, &v, err);
    if (r == 0)
        return berth_fail(t->s->h, err, ENOENT, "no %s \"%s\" in %s", lm_kind_name(kind), id,
                          t->s->path);
    k = (MDB_val){keys.attrs.len, keys.attrs.bytes};
    if (r < 0 || (r = lm_attrs(t, &k, &v, &a, err)) < 0)
        return r;
    if (!(t->flags & BERTH_TXN_BULK) && (r = refuse_links(t, kind, id, err)) < 0)
        return r;
    first = indexed(kind, &a, &index);
    if ((r = lm_key(t, &name_key, LM_NAME + (int)kind, a.s[S_NAME], NULL, err)) < 0 ||
        (first && (r = lm_key(t, &index_key, index, first, id, err)) < 0))
        return r;
    if (kind != BERTH_VOLUME)
        r = lm_drop(t, &name_key, err);
    if (r == 0 && first)
        r = lm_drop(t, &index_key, err);
    if (r == 0)
        r = lm_drop(t, &keys.attrs, err);
    if (r == 0)
        r = lm_drop(t, &keys.config, err);
    return r < 0 ? r : lm_drop(t, &keys.state, err);
}
