/* SPDX-License-Identifier: Apache-2.0 */
/* Adding, changing and removing records. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "boltdb.h"

static int bad_argument(struct berth_txn *t, const char *what, struct berth_error *err)
{
    return berth_fail(t->s->host, err, EINVAL, "%s", what);
}

static int no_such(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err)
{
    return berth_fail(t->s->host, err, ENOENT, "no %s \"%s\"", boltdb_kind(kind)->word, id);
}

/* The bucket is there whenever a transaction writes. */
static struct bolt_bucket *top(struct berth_txn *t, enum top which)
{
    return t->top[which];
}

/* Put a value, or remove it where there is none. */
static int set_or_del(struct berth_txn *t, struct bolt_bucket *b, const char *key,
                      const char *value, struct berth_error *err)
{
    return value ? boltdb_put_string(t, b, key, value, err) : boltdb_del(t, b, key, err);
}

/* A document of no bytes is no document: podman cannot read it. */
static int set_blob(struct berth_txn *t, struct bolt_bucket *b, const char *key,
                    const struct berth_blob *blob, struct berth_error *err)
{
    if (blob->data && blob->len)
        return boltdb_put(t, b, key, blob->data, blob->len, err);
    return boltdb_del(t, b, key, err);
}

/* ----------------------------------------------------------------- attributes */

/* A storage container that is noted for the volume, other than `keep`. */
static int find_storage_id(struct berth_txn *t, const char *volume, const char *keep,
                           const char **out, struct berth_error *err)
{
    size_t len = strlen(volume);
    struct bolt_cursor c;
    int r;

    for (r = bolt_first(&c, top(t, VOLUME_CTRS)); r > 0; r = bolt_next(&c)) {
        if (c.is_bucket || c.value.len != len || memcmp(c.value.data, volume, len) != 0)
            continue;
        if (keep && c.key.len == strlen(keep) && memcmp(c.key.data, keep, c.key.len) == 0)
            continue;
        r = boltdb_string(t, &c.key, out, err);
        return r < 0 ? r : 1;
    }
    return r < 0 ? boltdb_fail(t, err, r) : 0;
}

/* Remember, or forget with NULL, the storage container of a volume. */
static int set_storage_id(struct berth_txn *t, const char *volume, const char *storage_id,
                          struct berth_error *err)
{
    const char *old;
    int r;

    while ((r = find_storage_id(t, volume, storage_id, &old, err)) > 0) {
        r = boltdb_del(t, top(t, VOLUME_CTRS), old, err);
        if (r < 0)
            return r;
    }
    if (r < 0 || !storage_id)
        return r;
    return boltdb_put_string(t, top(t, VOLUME_CTRS), storage_id, volume, err);
}

static int write_attrs(struct berth_txn *t, struct bolt_bucket *b,
                       const struct berth_record *rec, struct berth_error *err)
{
    int r;

    if (rec->kind == BERTH_VOLUME)
        return set_storage_id(t, rec->id, rec->storage_id, err);
    r = set_or_del(t, b, "namespace", rec->ns, err);
    if (r == 0)
        r = set_or_del(t, top(t, NS_REGISTRY), rec->id, rec->ns, err);
    if (r == 0 && rec->kind == BERTH_CONTAINER)
        r = set_or_del(t, b, "netns", rec->netns, err);
    return r;
}

/* ---------------------------------------------------------------------- names */

/* 0: nobody but `id` (which may be NULL) has the name. */
static int name_is_free(struct berth_txn *t, const char *name, const char *id,
                        struct berth_error *err)
{
    const char *owner;
    int r;

    r = boltdb_get_string(t, top(t, NAME_REGISTRY), name, &owner, err);
    if (r <= 0 || (id && strcmp(owner, id) == 0))
        return r < 0 ? r : 0;
    return berth_fail(t->s->host, err, EEXIST, "name \"%s\" is in use", name);
}

/* Forget a name, if it is that of this record. */
static int release_name(struct berth_txn *t, const char *name, const char *id,
                        struct berth_error *err)
{
    const char *owner;
    int r;

    r = boltdb_get_string(t, top(t, NAME_REGISTRY), name, &owner, err);
    if (r <= 0 || strcmp(owner, id) != 0)
        return r < 0 ? r : 0;
    return boltdb_del(t, top(t, NAME_REGISTRY), name, err);
}

/* Enter the name wherever it stands but in the pod. */
static int register_name(struct berth_txn *t, uint32_t kind, const char *id, const char *name,
                         struct berth_error *err)
{
    int r = 0;

    if (kind != BERTH_VOLUME) {
        r = boltdb_put_string(t, top(t, ID_REGISTRY), id, name, err);
        if (r == 0)
            r = boltdb_put_string(t, top(t, NAME_REGISTRY), name, id, err);
    }
    if (r == 0)
        r = boltdb_put_string(t, top(t, boltdb_kind(kind)->index), id, name, err);
    return r;
}

static int name_in_pod(struct berth_txn *t, const char *pod, const char *id, const char *name,
                       struct berth_error *err)
{
    struct bolt_bucket *b;
    int r;

    r = boltdb_refer(t, BERTH_POD, pod, &b, err);
    if (r == 0)
        r = boltdb_make(t, b, "containers", &b, err);
    return r < 0 ? r : boltdb_put_string(t, b, id, name, err);
}

static int rename_record(struct berth_txn *t, struct bolt_bucket *b, uint32_t kind,
                         const char *id, const char *name, struct berth_error *err)
{
    const char *old, *pod;
    struct bolt_bucket *pb;
    int r;

    if (kind == BERTH_VOLUME)
        return strcmp(name, id) == 0 ? 0
                                     : bad_argument(t, "the name of a volume is its ID", err);
    r = boltdb_name(t, kind, id, &old, err);
    if (r < 0)
        return r;
    if (old && strcmp(old, name) != 0) {
        r = release_name(t, old, id, err);
        if (r < 0)
            return r;
    }
    r = register_name(t, kind, id, name, err);
    if (r < 0 || kind != BERTH_CONTAINER)
        return r;
    r = boltdb_get_string(t, b, "pod-id", &pod, err);
    if (r > 0)
        r = boltdb_record(t, BERTH_POD, pod, &pb, err);
    return r <= 0 ? r : name_in_pod(t, pod, id, name, err);
}

/* --------------------------------------------------------------------- insert */

static int id_is_free(struct berth_txn *t, const struct berth_record *rec,
                      struct berth_error *err)
{
    struct bolt_bucket *b;
    struct bolt_bytes v;
    int r, r2 = 0;

    if (rec->kind == BERTH_VOLUME) {
        r = boltdb_record(t, BERTH_VOLUME, rec->id, &b, err);
        if (r == 0)
            r = boltdb_get(t, top(t, ALL_VOLUMES), rec->id, &v, err);
    } else {
        r = boltdb_get(t, top(t, ID_REGISTRY), rec->id, &v, err);
        if (r == 0)
            r = boltdb_record(t, BERTH_CONTAINER, rec->id, &b, err);
        if (r == 0)
            r2 = boltdb_record(t, BERTH_POD, rec->id, &b, err);
    }
    if (r < 0 || r2 < 0)
        return r < 0 ? r : r2;
    if (r == 0 && r2 == 0)
        return 0;
    return berth_fail(t->s->host, err, EEXIST, "%s \"%s\" is in use",
                      rec->kind == BERTH_VOLUME ? "name" : "ID", rec->id);
}

/* The shell of a record that something referred to already becomes the record. */
static void fill_shell(struct berth_txn *t, uint32_t kind, const char *id)
{
    for (struct awaited *a = t->awaited; a; a = a->next) {
        if (a->kind == kind && strcmp(a->id, id) == 0)
            a->shell = false;
    }
}

int boltdb_op_insert(struct berth_txn *t, const struct berth_record *rec,
                     struct berth_error *err)
{
    const struct kind_layout *k = boltdb_kind(rec->kind);
    struct bolt_bucket *b, *members;
    int r;

    r = boltdb_may_write(t, err);
    if (r < 0)
        return r;
    if (!k || (rec->has & BERTH_REC_ALL) != BERTH_REC_ALL)
        return bad_argument(t, "insert() of less than a whole record", err);
    if (!rec->id || !*rec->id || !rec->name || !*rec->name)
        return bad_argument(t, "insert() without an ID or name", err);
    if (rec->kind == BERTH_VOLUME && strcmp(rec->id, rec->name) != 0)
        return bad_argument(t, "the name of a volume is its ID", err);
    r = id_is_free(t, rec, err);
    if (r == 0 && rec->kind != BERTH_VOLUME)
        r = name_is_free(t, rec->name, NULL, err);
    if (r == 0 && rec->kind == BERTH_CONTAINER && rec->pod)
        r = name_in_pod(t, rec->pod, rec->id, rec->name, err);
    if (r < 0)
        return r;

    r = boltdb_make(t, top(t, k->buckets), rec->id, &b, err);
    if (r == 0)
        r = set_blob(t, b, "config", &rec->config, err);
    if (r == 0)
        r = set_blob(t, b, "state", &rec->state, err);
    if (r == 0)
        r = boltdb_make(t, b, k->members, &members, err);
    if (r == 0 && rec->kind == BERTH_CONTAINER && rec->pod)
        r = boltdb_put_string(t, b, "pod-id", rec->pod, err);
    if (r == 0)
        r = write_attrs(t, b, rec, err);
    if (r == 0)
        r = register_name(t, rec->kind, rec->id, rec->name, err);
    if (r == 0)
        fill_shell(t, rec->kind, rec->id);
    return r;
}

/* --------------------------------------------------------------------- update */

int boltdb_op_update(struct berth_txn *t, const struct berth_record *rec,
                     struct berth_error *err)
{
    struct bolt_bucket *b;
    int r;

    r = boltdb_may_write(t, err);
    if (r < 0)
        return r;
    if (!boltdb_kind(rec->kind) || !rec->id)
        return bad_argument(t, "update() of no kind or no ID", err);
    r = boltdb_record(t, rec->kind, rec->id, &b, err);
    if (r <= 0)
        return r < 0 ? r : no_such(t, rec->kind, rec->id, err);
    if (rec->has & BERTH_REC_NAME) {
        if (!rec->name || !*rec->name)
            return bad_argument(t, "update() to an empty name", err);
        r = rec->kind == BERTH_VOLUME ? 0 : name_is_free(t, rec->name, rec->id, err);
        if (r == 0)
            r = rename_record(t, b, rec->kind, rec->id, rec->name, err);
        if (r < 0)
            return r;
    }
    r = 0;
    if (rec->has & BERTH_REC_ATTRS)
        r = write_attrs(t, b, rec, err);
    if (r == 0 && (rec->has & BERTH_REC_CONFIG))
        r = set_blob(t, b, "config", &rec->config, err);
    if (r == 0 && (rec->has & BERTH_REC_STATE))
        r = set_blob(t, b, "state", &rec->state, err);
    return r;
}

/* --------------------------------------------------------------------- remove */

/* Links or members that are left, as far as the format tells. */
static int nothing_left(struct berth_txn *t, struct bolt_bucket *b, uint32_t kind,
                        const char *id, struct berth_error *err)
{
    const struct kind_layout *k = boltdb_kind(kind);
    struct bolt_bucket *inner;
    struct bolt_cursor c;
    const char *who;
    int r;

    r = boltdb_sub(t, b, k->members, &inner, err);
    if (r > 0)
        r = boltdb_referred(t, inner, &who, err);
    if (r > 0)
        return berth_fail(t->s->host, err, ENOTEMPTY, "%s \"%s\" %s container \"%s\"", k->word,
                          id, kind == BERTH_POD ? "still has" : "is used by", who);
    if (r < 0 || kind != BERTH_CONTAINER)
        return r;
    r = boltdb_sub(t, b, "exec", &inner, err);
    if (r <= 0)
        return r;
    r = bolt_first(&c, inner);
    if (r > 0)
        return berth_fail(t->s->host, err, ENOTEMPTY, "container \"%s\" has exec sessions", id);
    return r < 0 ? boltdb_fail(t, err, r) : 0;
}

static int leave_pod(struct berth_txn *t, struct bolt_bucket *b, const char *id,
                     struct berth_error *err)
{
    struct bolt_bucket *pod = NULL;
    const char *pod_id;
    int r;

    r = boltdb_get_string(t, b, "pod-id", &pod_id, err);
    if (r > 0)
        r = boltdb_record(t, BERTH_POD, pod_id, &pod, err);
    if (r > 0)
        r = boltdb_sub(t, pod, "containers", &pod, err);
    return r <= 0 ? r : boltdb_del(t, pod, id, err);
}

/* What stands under the record's ID and name. */
static int unregister(struct berth_txn *t, uint32_t kind, const char *id,
                      struct berth_error *err)
{
    const char *name;
    int r;

    if (kind == BERTH_VOLUME) {
        r = set_storage_id(t, id, NULL, err);
        return r < 0 ? r : boltdb_del(t, top(t, ALL_VOLUMES), id, err);
    }
    r = boltdb_name(t, kind, id, &name, err);
    if (r > 0)
        r = release_name(t, name, id, err);
    if (r >= 0)
        r = boltdb_del(t, top(t, ID_REGISTRY), id, err);
    if (r >= 0)
        r = boltdb_del(t, top(t, NS_REGISTRY), id, err);
    if (r >= 0)
        r = boltdb_del(t, top(t, boltdb_kind(kind)->index), id, err);
    return r;
}

int boltdb_op_remove(struct berth_txn *t, uint32_t kind, const char *id,
                     struct berth_error *err)
{
    struct bolt_bucket *b;
    int r;

    r = boltdb_may_write(t, err);
    if (r < 0)
        return r;
    if (!boltdb_kind(kind) || !id)
        return bad_argument(t, "remove() of no kind or no ID", err);
    r = boltdb_record(t, kind, id, &b, err);
    if (r <= 0)
        return r < 0 ? r : no_such(t, kind, id, err);
    r = nothing_left(t, b, kind, id, err);
    if (r >= 0 && kind == BERTH_CONTAINER)
        r = leave_pod(t, b, id, err);
    if (r >= 0)
        r = unregister(t, kind, id, err);
    if (r >= 0)
        r = boltdb_drop(t, top(t, boltdb_kind(kind)->buckets), id, err);
    return r;
}
