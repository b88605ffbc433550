/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - look-ups and transactions; see store.h. */
#include "base/str.h"
#include "engine/store_priv.h"

int store_begin(struct engine *e, bool write, struct txn **out, struct berth_error *err)
{
    return state_begin(e->state, write ? BERTH_TXN_WRITE : 0, BERTH_WAIT_FOREVER, out, err);
}

bool store_hidden(const struct engine *e, const char *ns)
{
    /* podman gave namespaces up: a format without them hides nothing. */
    return !str_empty(e->conf->namespace_) &&
           (state_caps(e->state) & BERTH_STATE_CAP_NAMESPACES) &&
           !str_eq(e->conf->namespace_, ns ? ns : "");
}

bool store_same_namespace(const struct engine *e, const char *a, const char *b)
{
    return !(state_caps(e->state) & BERTH_STATE_CAP_NAMESPACES) ||
           str_eq(str_or(a, ""), str_or(b, ""));
}

static int keep_id(const char *id, char out[static ID_LEN + 1], struct berth_error *err)
{
    if (strlen(id) > ID_LEN)
        return fail(err, EUCLEAN, "the store has an ID of %zu bytes, more than %d", strlen(id),
                    ID_LEN);
    strcpy(out, id);
    return 0;
}

struct prefix_search {
    const struct engine *e;
    char first[ID_LEN + 1];
    unsigned found;
};

static int match_prefix(void *arg, const struct berth_record *rec)
{
    struct prefix_search *s = arg;

    if (store_hidden(s->e, rec->ns) || strlen(rec->id) > ID_LEN)
        return 0;
    if (s->found++ == 0)
        strcpy(s->first, rec->id);
    return s->found > 1; /* two are enough to refuse */
}

static int not_found(uint32_t kind, const char *s, bool other, struct berth_error *err)
{
    if (kind == BERTH_POD && other)
        return fail(err, ENOENT, "%s is a container, not a pod: no such pod", s);
    if (kind == BERTH_POD)
        return fail(err, ENOENT, "no pod with name or ID %s found: no such pod", s);
    if (other)
        return fail(err, ENOENT, "\"%s\" is a pod, not a container: no such container", s);
    return fail(err, ENOENT, "no container with name or ID \"%s\" found: no such container", s);
}

static int ambiguous(uint32_t kind, const char *s, struct berth_error *err)
{
    if (kind == BERTH_POD)
        return fail(err, EEXIST, "more than one result for ID or name %s: pod already exists",
                    s);
    return fail(err, EEXIST,
                "more than one result for container ID %s: container already exists", s);
}

int store_find(struct engine *e, struct txn *t, uint32_t kind, const char *s,
               char out[static ID_LEN + 1], struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)};
    struct prefix_search search = {.e = e};
    struct berth_scan scan = {.size = sizeof(scan), .kind = kind, .want = 0, .prefix = s};
    bool namespaced = !str_empty(e->conf->namespace_), other = false;
    uint32_t found_kind;
    const char *id;
    int r;

    if (str_empty(s))
        return fail(err, EINVAL, "name or ID cannot be empty");
    if (id_is_full(s)) {
        r = txn_get(t, kind, s, 0, &rec, err);
        if (r != -ENOENT)
            return r < 0 ? r : keep_id(s, out, err);
    }
    r = txn_resolve(t, 0, s, &found_kind, &id, err);
    if (r == 0 && found_kind == kind)
        return keep_id(id, out, err);
    if (r < 0 && r != -ENOENT)
        return r;
    other = r == 0;
    if (namespaced)
        scan.want = BERTH_REC_ATTRS;
    r = txn_scan(t, &scan, match_prefix, &search, err);
    if (r < 0)
        return r;
    if (search.found > 1)
        return ambiguous(kind, s, err);
    if (search.found == 0)
        return not_found(kind, s, other, err);
    error_clear(err);
    strcpy(out, search.first);
    return 0;
}

struct scan_filter {
    const struct engine *e;
    berth_record_fn *fn;
    void *arg;
};

static int in_namespace(void *arg, const struct berth_record *rec)
{
    struct scan_filter *f = arg;

    return store_hidden(f->e, rec->ns) ? 0 : f->fn(f->arg, rec);
}

int store_scan(struct engine *e, struct txn *t, uint32_t kind, uint64_t want,
               berth_record_fn *fn, void *arg, struct berth_error *err)
{
    struct berth_scan scan = {.size = sizeof(scan), .kind = kind, .want = want};
    struct scan_filter filter = {e, fn, arg};

    if (str_empty(e->conf->namespace_))
        return txn_scan(t, &scan, fn, arg, err);
    scan.want |= BERTH_REC_ATTRS;
    return txn_scan(t, &scan, in_namespace, &filter, err);
}

struct id_search {
    uint32_t mask;
    struct berth_list *out;
};

bool store_status_is(const struct berth_record *rec, uint32_t mask)
{
    static const char *const names[] = {"state"};
    struct berth_blob value;
    int64_t status = 0;

    if (mask == 0)
        return true;
    if (json_project(rec->state, names, 1, &value, NULL) < 0 ||
        json_text_i64(value, &status) < 0)
        return false;
    return status >= 0 && status < 32 && (mask & (1u << status));
}

static int add_id(void *arg, const struct berth_record *rec)
{
    struct id_search *s = arg;

    return store_status_is(rec, s->mask) ? list_add(s->out, rec->id) : 0;
}

int store_ids(struct engine *e, uint32_t kind, uint32_t mask, struct berth_list *out,
              struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct id_search search = {mask, out};
    int r = store_begin(e, false, &t, err);

    if (r < 0)
        return r;
    return store_scan(e, t, kind, mask ? BERTH_REC_STATE : 0, add_id, &search, err);
}

int store_has(struct engine *e, uint32_t kind, const char *id, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec = {.size = sizeof(rec)};
    bool namespaced = kind != BERTH_VOLUME && !str_empty(e->conf->namespace_);
    int r;

    if (str_empty(id))
        return fail(err, EINVAL, "name or ID cannot be empty");
    r = store_begin(e, false, &t, err);
    if (r == 0)
        r = txn_get(t, kind, id, namespaced ? BERTH_REC_ATTRS : 0, &rec, err);
    if (r == -ENOENT) {
        error_clear(err);
        return 0;
    }
    return r < 0 ? r : !namespaced || !store_hidden(e, rec.ns);
}

int store_name(struct engine *e, const char *id, char **out, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec = {.size = sizeof(rec)};
    int r = -ENOENT;

    if (str_empty(id))
        return fail(err, EINVAL, "name or ID cannot be empty");
    r = store_begin(e, false, &t, err);
    if (r < 0)
        return r;
    r = -ENOENT;
    for (uint32_t kind = BERTH_CONTAINER; r == -ENOENT && kind <= BERTH_POD; kind++)
        r = txn_get(t, kind, id, BERTH_REC_NAME | BERTH_REC_ATTRS, &rec, err);
    if (r < 0 && r != -ENOENT)
        return r;
    if (r == -ENOENT || store_hidden(e, rec.ns))
        return fail(err, ENOENT, "no container or pod with ID %s found: no such container", id);
    error_clear(err);
    return str_set(out, rec.name) < 0 ? fail(err, ENOMEM, "out of memory") : 0;
}

int store_room(void *items, size_t n, size_t *cap, struct berth_error *err)
{
    void **array = items, *more;
    size_t room = *cap ? *cap * 2 : 16;

    if (n < *cap)
        return 0;
    more = realloc(*array, room * sizeof(void *));
    if (!more)
        return fail(err, ENOMEM, "out of memory");
    *array = more;
    *cap = room;
    return 0;
}

static int add_from(void *arg, const struct berth_link *link)
{
    return list_add(arg, link->from);
}

int store_link_users(struct engine *e, struct txn *t, uint32_t kind, const char *to,
                     struct berth_list *out, struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)};
    int r = txn_links(t, kind, BERTH_TO, to, add_from, out, err);

    if (r < 0 || !(state_caps(e->state) & BERTH_STATE_CAP_FOREIGN))
        return r;
    for (size_t i = 0; i < out->n;) {
        r = txn_get(t, BERTH_CONTAINER, out->items[i], 0, &rec, err);
        if (r < 0 && r != -ENOENT)
            return r;
        if (r == -ENOENT)
            list_drop(out, i);
        else
            i++;
    }
    error_clear(err);
    return 0;
}

int store_exit_code(struct engine *e, const char *id, int32_t *out, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_exit code = {.size = sizeof(code)};
    int r;

    if (str_empty(id))
        return fail(err, EINVAL, "name or ID cannot be empty");
    r = store_begin(e, false, &t, err);
    if (r < 0)
        return r;
    r = txn_exit_get(t, id, &code, err);
    if (r == -ENOENT)
        return fail(err, ENOENT, "getting exit code of container %s from DB: no such exit code",
                    id);
    if (r == 0)
        *out = code.code;
    return r;
}
