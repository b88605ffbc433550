/* SPDX-License-Identifier: Apache-2.0 */
/* Records: a row of attributes and two documents, each replaced on its own. */
#include "memory.h"
#include <stdlib.h>

static int tag(int base, uint32_t kind)
{
    return base + (int)kind;
}

static int is_kind(uint32_t kind)
{
    return kind >= BERTH_CONTAINER && kind <= BERTH_VOLUME;
}

const char *mem_kind_name(uint32_t kind)
{
    return kind == BERTH_CONTAINER ? "container"
           : kind == BERTH_POD     ? "pod"
           : kind == BERTH_VOLUME  ? "volume"
                                   : "record";
}

int mem_no_memory(struct berth_txn *t, struct berth_error *err)
{
    return berth_fail(t->s->host, err, ENOMEM, "out of memory");
}

int mem_may_write(struct berth_txn *t, struct berth_error *err)
{
    if (t->flags & BERTH_TXN_WRITE)
        return 0;
    return berth_fail(t->s->host, err, EROFS, "this transaction only reads");
}

/* ------------------------------------------------------------------ values */

static struct mem_blob *blob_new(const struct berth_blob *from)
{
    struct mem_blob *b = malloc(sizeof(*b) + from->len + 1);

    if (!b)
        return NULL;
    b->len = from->len;
    if (from->len)
        memcpy(b->data, from->data, from->len);
    b->data[b->len] = '\0';
    return b;
}

static struct berth_blob blob_of(const struct mem_entry *e)
{
    const struct mem_blob *b = e ? e->value : NULL;

    return b ? (struct berth_blob){b->data, b->len} : (struct berth_blob){NULL, 0};
}

static size_t string_size(const char *s)
{
    return s ? strlen(s) + 1 : 0;
}

static const char *string_copy(char **to, const char *s)
{
    char *at = *to;

    if (!s)
        return NULL;
    *to += string_size(s);
    return strcpy(at, s);
}

/* One block with all strings in it. */
static struct mem_attrs *attrs_new(const struct mem_attrs *from)
{
    struct mem_attrs *a = malloc(sizeof(*a) + string_size(from->name) + string_size(from->ns) +
                                 string_size(from->pod) + string_size(from->netns) +
                                 string_size(from->infra) + string_size(from->storage_id));
    char *text;

    if (!a)
        return NULL;
    text = (char *)(a + 1);
    *a = *from;
    a->name = string_copy(&text, from->name);
    a->ns = string_copy(&text, from->ns);
    a->pod = string_copy(&text, from->pod);
    a->netns = string_copy(&text, from->netns);
    a->infra = string_copy(&text, from->infra);
    a->storage_id = string_copy(&text, from->storage_id);
    return a;
}

/* ----------------------------------------------------------------- reading */

/* Fill in what `want` asks for of the record whose entry is e. */
static void record_of(struct berth_txn *t, uint32_t kind, const struct mem_entry *e,
                      uint64_t want, struct berth_record *r)
{
    const struct mem_attrs *a = e->value;

    memset(r, 0, sizeof(*r));
    r->size = sizeof(*r);
    r->kind = kind;
    r->has = want & BERTH_REC_ALL;
    r->id = e->a;
    if (want & BERTH_REC_NAME)
        r->name = a->name;
    if (want & BERTH_REC_ATTRS) {
        r->ns = a->ns;
        r->pod = a->pod;
        r->netns = a->netns;
        r->infra = a->infra;
        r->storage_id = a->storage_id;
        r->status = a->status;
        r->exit_code = a->exit_code;
    }
    if (want & BERTH_REC_CONFIG)
        r->config = blob_of(mem_find(&t->s->table, tag(T_CONFIG, kind), e->a, ""));
    if (want & BERTH_REC_STATE)
        r->state = blob_of(mem_find(&t->s->table, tag(T_STATE, kind), e->a, ""));
}

int mem_get(struct berth_txn *t, uint32_t kind, const char *id, uint64_t want,
            struct berth_record *out, struct berth_error *err)
{
    struct mem_entry *e;
    struct berth_record r;
    size_t size;

    if (!is_kind(kind) || !id)
        return berth_fail(t->s->host, err, EINVAL, "get() of no kind or no ID");
    e = mem_find(&t->s->table, tag(T_RECORD, kind), id, "");
    if (!e)
        return berth_fail(t->s->host, err, ENOENT, "no %s \"%s\"", mem_kind_name(kind), id);
    record_of(t, kind, e, want, &r);
    size = out->size < sizeof(r) ? out->size : sizeof(r);
    r.size = out->size;
    memcpy(out, &r, size);
    return 0;
}

int mem_resolve(struct berth_txn *t, uint32_t kind, const char *name, uint32_t *out_kind,
                const char **out_id, struct berth_error *err)
{
    static const uint32_t order[] = {BERTH_CONTAINER, BERTH_POD, BERTH_VOLUME};
    struct mem_entry *e = NULL;
    uint32_t found = 0;

    if (!name || (kind && !is_kind(kind)))
        return berth_fail(t->s->host, err, EINVAL, "resolve() of no name or a wrong kind");
    for (size_t i = 0; !e && i < 3; i++) {
        found = order[i];
        if (kind ? kind != found : found == BERTH_VOLUME)
            continue;
        if (found == BERTH_VOLUME)
            e = mem_find(&t->s->table, tag(T_RECORD, found), name, "");
        else
            e = mem_first(&t->s->table, tag(T_NAME, found), name);
        if (e)
            break;
    }
    if (!e)
        return berth_fail(t->s->host, err, ENOENT, "no %s named \"%s\"",
                          kind ? mem_kind_name(kind) : "container or pod", name);
    if (out_kind)
        *out_kind = found;
    if (out_id)
        *out_id = found == BERTH_VOLUME ? e->a : e->b;
    return 0;
}

static int begins_with(const char *s, const char *prefix)
{
    return !prefix || strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Walk the index that selects most: members of the pod, volumes of the storage
 * container, or the records themselves; each is in the order of the IDs. */
static int scan_kind(struct berth_txn *t, const struct berth_scan *what, uint32_t kind,
                     berth_record_fn *fn, void *arg)
{
    const char *prefix = what->prefix ? what->prefix : "";
    const char *first = NULL;
    int index = tag(T_RECORD, kind), r;
    struct mem_entry *e;

    if (what->pod) {
        index = T_MEMBER;
        first = what->pod;
    } else if (what->storage_id) {
        index = T_STORAGE;
        first = what->storage_id;
    }
    e = mem_seek(&t->s->table, index, first ? first : prefix, first ? prefix : "");
    if (e && (e->tag != index || (first && strcmp(e->a, first) != 0)))
        e = NULL;
    for (; e; e = mem_next(e, index, first)) {
        struct mem_entry *rec = e;
        const struct mem_attrs *a;
        struct berth_record out;

        if (!begins_with(first ? e->b : e->a, prefix))
            break;
        if (first)
            rec = mem_find(&t->s->table, tag(T_RECORD, kind), e->b, "");
        if (!rec)
            continue;
        a = rec->value;
        if (what->storage_id && (!a->storage_id || strcmp(a->storage_id, what->storage_id)))
            continue;
        record_of(t, kind, rec, what->want, &out);
        r = fn(arg, &out);
        if (r)
            return r;
    }
    return 0;
}

int mem_scan(struct berth_txn *t, const struct berth_scan *what, berth_record_fn *fn, void *arg,
             struct berth_error *err)
{
    if (what->kind && !is_kind(what->kind))
        return berth_fail(t->s->host, err, EINVAL, "scan() of a wrong kind");
    for (uint32_t kind = BERTH_CONTAINER; kind <= BERTH_VOLUME; kind++) {
        int r;

        if (what->kind && what->kind != kind)
            continue;
        if ((what->pod && kind != BERTH_CONTAINER) ||
            (what->storage_id && kind != BERTH_VOLUME))
            continue;
        r = scan_kind(t, what, kind, fn, arg);
        if (r)
            return r;
    }
    return 0;
}

/* ----------------------------------------------------------------- writing */

/* Put a value, freeing it if that fails. */
static int put_value(struct berth_txn *t, int at, const char *a, const char *b, void *value)
{
    int r = value ? mem_put(t, at, a, b, value) : -ENOMEM;

    if (r < 0)
        free(value);
    return r;
}

static int put_blob(struct berth_txn *t, int at, const char *id, const struct berth_blob *blob)
{
    struct mem_entry *e;

    if (blob->data)
        return put_value(t, at, id, "", blob_new(blob));
    e = mem_find(&t->s->table, at, id, "");
    return e ? mem_take(t, e) : 0;
}

static int take_key(struct berth_txn *t, int at, const char *a, const char *b)
{
    struct mem_entry *e = mem_find(&t->s->table, at, a, b);

    return e ? mem_take(t, e) : 0;
}

/* Replace the attributes and keep the indexes in step.  `old` is NULL for a new
 * record. */
static int put_attrs(struct berth_txn *t, uint32_t kind, const char *id,
                     const struct mem_attrs *old, const struct mem_attrs *new)
{
    int r = put_value(t, tag(T_RECORD, kind), id, "", attrs_new(new));

    if (r == 0 && kind != BERTH_VOLUME && (!old || strcmp(old->name, new->name) != 0)) {
        r = mem_put(t, tag(T_NAME, kind), new->name, id, NULL);
        if (r == 0 && old)
            r = take_key(t, tag(T_NAME, kind), old->name, id);
    }
    if (r == 0 && kind == BERTH_CONTAINER && !old && new->pod)
        r = mem_put(t, T_MEMBER, new->pod, id, NULL);
    if (r == 0 && kind == BERTH_VOLUME) {
        if (old && old->storage_id)
            r = take_key(t, T_STORAGE, old->storage_id, id);
        if (r == 0 && new->storage_id)
            r = mem_put(t, T_STORAGE, new->storage_id, id, NULL);
    }
    return r;
}

static int check_record(struct berth_txn *t, const struct berth_record *rec,
                        struct berth_error *err)
{
    const struct berth_host *h = t->s->host;

    if (!BERTH_FITS(rec, state) || !is_kind(rec->kind) || !rec->id || !*rec->id)
        return berth_fail(h, err, EINVAL, "a record without kind or ID");
    if ((rec->has & BERTH_REC_NAME) && rec->kind == BERTH_VOLUME &&
        (!rec->name || strcmp(rec->name, rec->id) != 0))
        return berth_fail(h, err, EINVAL, "volume \"%s\" cannot have another name", rec->id);
    if ((rec->has & BERTH_REC_NAME) && (!rec->name || !*rec->name))
        return berth_fail(h, err, EINVAL, "%s %s has no name", mem_kind_name(rec->kind),
                          rec->id);
    if ((rec->has & BERTH_REC_CONFIG) && !rec->config.data)
        return berth_fail(h, err, EINVAL, "%s %s has no configuration",
                          mem_kind_name(rec->kind), rec->id);
    if ((rec->has & BERTH_REC_ATTRS) && rec->kind == BERTH_CONTAINER &&
        (rec->exit_code < -1 || rec->exit_code > 255))
        return berth_fail(h, err, EINVAL, "container %s: exit code %d is not within -1 to 255",
                          rec->id, rec->exit_code);
    return 0;
}

static int name_free(struct berth_txn *t, const struct berth_record *rec,
                     struct berth_error *err)
{
    struct mem_entry *e;

    if (rec->kind == BERTH_VOLUME)
        return 0;
    e = mem_first(&t->s->table, tag(T_NAME, rec->kind), rec->name);
    if (!e || strcmp(e->b, rec->id) == 0)
        return 0;
    return berth_fail(t->s->host, err, EEXIST, "%s name \"%s\" is taken by %s",
                      mem_kind_name(rec->kind), rec->name, e->b);
}

static int id_free(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err)
{
    static const uint32_t other[] = {0, BERTH_POD, BERTH_CONTAINER, 0};
    struct mem_table *table = &t->s->table;
    uint32_t kind = rec->kind;

    if (!mem_find(table, tag(T_RECORD, kind), rec->id, "")) {
        kind = other[kind];
        if (!kind || !mem_find(table, tag(T_RECORD, kind), rec->id, ""))
            return 0;
    }
    return berth_fail(t->s->host, err, EEXIST, "%s \"%s\" is there already",
                      mem_kind_name(kind), rec->id);
}

/* The attributes that this kind of record has. */
static void attrs_from(const struct berth_record *rec, struct mem_attrs *a)
{
    a->ns = rec->ns;
    if (rec->kind == BERTH_CONTAINER) {
        a->netns = rec->netns;
        a->status = rec->status;
        a->exit_code = rec->exit_code;
    } else if (rec->kind == BERTH_POD) {
        a->infra = rec->infra;
    } else {
        a->storage_id = rec->storage_id;
    }
}

int mem_insert(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err)
{
    struct mem_undo *mark = t->undo;
    struct mem_attrs a = {0};
    int r;

    if ((r = mem_may_write(t, err)) < 0 || (r = check_record(t, rec, err)) < 0)
        return r;
    if ((rec->has & BERTH_REC_ALL) != BERTH_REC_ALL)
        return berth_fail(t->s->host, err, EINVAL, "%s %s is not a whole record",
                          mem_kind_name(rec->kind), rec->id);
    if ((r = id_free(t, rec, err)) < 0 || (r = name_free(t, rec, err)) < 0)
        return r;
    if (rec->kind == BERTH_CONTAINER && rec->pod && !(t->flags & BERTH_TXN_BULK) &&
        !mem_find(&t->s->table, tag(T_RECORD, BERTH_POD), rec->pod, ""))
        return berth_fail(t->s->host, err, ENOENT, "no pod %s for container %s", rec->pod,
                          rec->id);
    a.name = rec->name;
    a.pod = rec->kind == BERTH_CONTAINER ? rec->pod : NULL;
    attrs_from(rec, &a);
    r = put_attrs(t, rec->kind, rec->id, NULL, &a);
    if (r == 0)
        r = put_blob(t, tag(T_CONFIG, rec->kind), rec->id, &rec->config);
    if (r == 0)
        r = put_blob(t, tag(T_STATE, rec->kind), rec->id, &rec->state);
    if (r < 0) {
        mem_undo_to(t, mark);
        return mem_no_memory(t, err);
    }
    return 0;
}

int mem_update(struct berth_txn *t, const struct berth_record *rec, struct berth_error *err)
{
    struct mem_undo *mark = t->undo;
    struct mem_entry *e;
    struct mem_attrs a;
    int r;

    if ((r = mem_may_write(t, err)) < 0 || (r = check_record(t, rec, err)) < 0)
        return r;
    e = mem_find(&t->s->table, tag(T_RECORD, rec->kind), rec->id, "");
    if (!e)
        return berth_fail(t->s->host, err, ENOENT, "no %s \"%s\"", mem_kind_name(rec->kind),
                          rec->id);
    if ((rec->has & BERTH_REC_NAME) && (r = name_free(t, rec, err)) < 0)
        return r;
    if (rec->has & (BERTH_REC_NAME | BERTH_REC_ATTRS)) {
        const struct mem_attrs *old = e->value;

        a = *old;
        if (rec->has & BERTH_REC_NAME)
            a.name = rec->name;
        if (rec->has & BERTH_REC_ATTRS)
            attrs_from(rec, &a);
        r = put_attrs(t, rec->kind, rec->id, old, &a);
    }
    if (r == 0 && (rec->has & BERTH_REC_CONFIG))
        r = put_blob(t, tag(T_CONFIG, rec->kind), rec->id, &rec->config);
    if (r == 0 && (rec->has & BERTH_REC_STATE))
        r = put_blob(t, tag(T_STATE, rec->kind), rec->id, &rec->state);
    if (r < 0) {
        mem_undo_to(t, mark);
        return mem_no_memory(t, err);
    }
    return 0;
}

/* What still hangs on a record that is to be removed; NULL: nothing. */
static const char *what_is_left(struct berth_txn *t, uint32_t kind, const char *id)
{
    struct mem_table *table = &t->s->table;

    if (kind == BERTH_POD)
        return mem_first(table, T_MEMBER, id) ? "containers in it" : NULL;
    if (kind == BERTH_VOLUME)
        return mem_first(table, tag(T_TO, BERTH_LINK_VOLUME), id) ? "containers that use it"
                                                                  : NULL;
    if (mem_first(table, tag(T_TO, BERTH_LINK_DEPENDS), id))
        return "containers that need it";
    if (mem_first(table, tag(T_TO, BERTH_LINK_EXEC), id))
        return "exec sessions";
    if (mem_first(table, tag(T_FROM, BERTH_LINK_DEPENDS), id))
        return "dependencies";
    if (mem_first(table, tag(T_FROM, BERTH_LINK_VOLUME), id))
        return "volumes";
    return mem_first(table, tag(T_FROM, BERTH_LINK_NETWORK), id) ? "networks" : NULL;
}

int mem_remove(struct berth_txn *t, uint32_t kind, const char *id, struct berth_error *err)
{
    const struct berth_host *h = t->s->host;
    struct mem_undo *mark = t->undo;
    const struct mem_attrs *a;
    struct mem_entry *e;
    const char *left;
    int r;

    if ((r = mem_may_write(t, err)) < 0)
        return r;
    if (!is_kind(kind) || !id)
        return berth_fail(h, err, EINVAL, "remove() of no kind or no ID");
    e = mem_find(&t->s->table, tag(T_RECORD, kind), id, "");
    if (!e)
        return berth_fail(h, err, ENOENT, "no %s \"%s\"", mem_kind_name(kind), id);
    left = t->flags & BERTH_TXN_BULK ? NULL : what_is_left(t, kind, id);
    if (left)
        return berth_fail(h, err, ENOTEMPTY, "%s %s still has %s", mem_kind_name(kind), id,
                          left);
    a = e->value;
    r = mem_take(t, e);
    if (r == 0 && kind != BERTH_VOLUME)
        r = take_key(t, tag(T_NAME, kind), a->name, id);
    if (r == 0 && kind == BERTH_CONTAINER && a->pod)
        r = take_key(t, T_MEMBER, a->pod, id);
    if (r == 0 && kind == BERTH_VOLUME && a->storage_id)
        r = take_key(t, T_STORAGE, a->storage_id, id);
    if (r == 0)
        r = take_key(t, tag(T_CONFIG, kind), id, "");
    if (r == 0)
        r = take_key(t, tag(T_STATE, kind), id, "");
    if (r < 0) {
        mem_undo_to(t, mark);
        return mem_no_memory(t, err);
    }
    return 0;
}
