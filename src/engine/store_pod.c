/* SPDX-License-Identifier: Apache-2.0 */
/* store_pod.c - pods in the store: load, add, save, rewrite, remove, members; see store.h. */
#include "base/log.h"
#include "base/str.h"
#include "engine/store_priv.h"

void pod_free(struct pod *p)
{
    if (!p)
        return;
    free(p->name);
    free(p->ns);
    json_putp(&p->config);
    json_putp(&p->state);
    free(p);
}

void pod_free_all(struct pod **pods, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pod_free(pods[i]);
    free(pods);
}

/* ------------------------------------------------------------------ loading */

static int from_record(struct pod *p, const struct berth_record *rec, struct berth_error *err)
{
    _cleanup_json_ json *config = NULL, *state = NULL;
    char what[ID_LEN + 32];
    int r;

    snprintf(what, sizeof(what), "configuration of pod %.12s", rec->id);
    r = json_parse_object(rec->config, what, &config, err);
    if (r < 0)
        return r;
    if (!rec->state.data)
        return fail(err, EUCLEAN, "pod %s has no state in DB: internal libpod error", rec->id);
    snprintf(what, sizeof(what), "state of pod %.12s", rec->id);
    r = json_parse_object(rec->state, what, &state, err);
    if (r < 0)
        return r;
    if (str_set(&p->name, rec->name ? rec->name : json_str(config, "name")) < 0 ||
        str_set(&p->ns, rec->ns ? rec->ns : json_str(config, "namespace")) < 0)
        return fail(err, ENOMEM, "out of memory");
    json_putp(&p->config);
    json_putp(&p->state);
    p->config = TAKE(config);
    p->state = TAKE(state);
    return 0;
}

static int gone(struct pod *p, int r, struct berth_error *err)
{
    if (r != -ENOENT)
        return r;
    p->removed = true;
    return fail(err, ENOENT, "pod %s not found in DB: no such pod", p->id);
}

static int wrong_namespace(const struct engine *e, const char *id, const char *ns,
                           struct berth_error *err)
{
    if (!store_hidden(e, ns))
        return 0;
    return fail(err, ENOENT,
                "pod %s is in namespace \"%s\" but we are in namespace \"%s\": target is in a "
                "different namespace",
                id, str_or(ns, ""), e->conf->namespace_);
}

/* The object is still valid and in our namespace. */
static int valid(const struct pod *p, struct berth_error *err)
{
    if (p->removed)
        return fail(err, ENOENT, "pod %s: pod has already been removed", p->id);
    return wrong_namespace(p->e, p->id, p->ns, err);
}

static int read_record(struct pod *p, struct txn *t, struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)};
    int r = gone(p, txn_get(t, BERTH_POD, p->id, STORE_DOCUMENTS, &rec, err), err);

    if (r == 0)
        r = wrong_namespace(p->e, p->id, rec.ns, err);
    return r < 0 ? r : from_record(p, &rec, err);
}

static struct pod *new_pod(struct engine *e, const char *id, struct berth_error *err)
{
    struct pod *p = calloc(1, sizeof(*p));

    if (!p) {
        fail(err, ENOMEM, "out of memory");
        return NULL;
    }
    p->e = e;
    snprintf(p->id, sizeof(p->id), "%s", id);
    return p;
}

static int load_in(struct engine *e, struct txn *t, const char *id, struct pod **out,
                   struct berth_error *err)
{
    _cleanup_pod_ struct pod *p = new_pod(e, id, err);
    int r;

    if (!p)
        return -ENOMEM;
    r = read_record(p, t, err);
    if (r == 0)
        *out = TAKE(p);
    return r;
}

int pod_load(struct engine *e, const char *id, struct pod **out, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r;

    if (str_empty(id))
        return fail(err, EINVAL, "name or ID cannot be empty");
    r = store_begin(e, false, &t, err);
    return r < 0 ? r : load_in(e, t, id, out, err);
}

int pod_lookup(struct engine *e, const char *name_or_id, struct pod **out,
               struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    char id[ID_LEN + 1];
    int r = store_begin(e, false, &t, err);

    if (r == 0)
        r = store_find(e, t, BERTH_POD, name_or_id, id, err);
    return r < 0 ? r : load_in(e, t, id, out, err);
}

struct load_all {
    struct engine *e;
    struct pod **pods;
    size_t n, cap;
    struct berth_error *err;
};

static int load_one(void *arg, const struct berth_record *rec)
{
    struct load_all *all = arg;
    _cleanup_pod_ struct pod *p = NULL;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r = store_room(&all->pods, all->n, &all->cap, all->err);

    if (r < 0)
        return r;
    p = new_pod(all->e, rec->id, all->err);
    if (!p)
        return -ENOMEM;
    if (from_record(p, rec, &why) < 0)
        log_error("%s", error_text(&why)); /* one bad record must not hide the others */
    else
        all->pods[all->n++] = TAKE(p);
    return 0;
}

int pod_load_all(struct engine *e, struct pod ***out, size_t *n, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct load_all all = {.e = e, .err = err};
    int r = store_begin(e, false, &t, err);

    if (r == 0)
        r = store_scan(e, t, BERTH_POD, STORE_DOCUMENTS, load_one, &all, err);
    if (r < 0) {
        pod_free_all(all.pods, all.n);
        return r;
    }
    *out = all.pods;
    *n = all.n;
    return 0;
}

int store_pod_reload(struct pod *p, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r = valid(p, err);

    if (r == 0)
        r = store_begin(p->e, false, &t, err);
    return r < 0 ? r : read_record(p, t, err);
}

/* ------------------------------------------------------------------ writing */

/* p as a record; the texts live in the two buffers. */
static int to_record(const struct pod *p, struct berth_record *rec, struct berth_buf *config,
                     struct berth_buf *state, struct berth_error *err)
{
    const char *infra = json_str(p->state, "InfraContainerID");

    if (json_write(p->config, 0, config) < 0 || json_write(p->state, 0, state) < 0)
        return fail(err, ENOMEM, "out of memory");
    *rec = (struct berth_record){
        .size = sizeof(*rec),
        .kind = BERTH_POD,
        .has = BERTH_REC_ALL,
        .id = p->id,
        .name = p->name,
        .ns = p->ns,
        .infra = str_empty(infra) ? NULL : infra,
        .config = buf_blob(config),
        .state = buf_blob(state),
    };
    return 0;
}

int store_pod_add(struct pod *p, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf config = BUF_INIT, state = BUF_INIT;
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec;
    int r = valid(p, err);

    if (r == 0)
        r = to_record(p, &rec, &config, &state, err);
    if (r == 0)
        r = store_begin(p->e, true, &t, err);
    if (r == 0)
        r = store_check_free(t, p->id, p->name, err);
    if (r == 0)
        r = txn_insert(t, &rec, err);
    return r < 0 ? r : txn_commit(&t, err);
}

/* Write the members in `what`. */
static int write_members(struct pod *p, uint64_t what, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf config = BUF_INIT, state = BUF_INIT;
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec;
    int r = to_record(p, &rec, &config, &state, err);

    if (r == 0)
        r = store_begin(p->e, true, &t, err);
    if (r < 0)
        return r;
    rec.has = what;
    r = gone(p, txn_update(t, &rec, err), err);
    return r < 0 ? r : txn_commit(&t, err);
}

int store_pod_save(struct pod *p, struct berth_error *err)
{
    int r = valid(p, err);

    return r < 0 ? r : write_members(p, BERTH_REC_STATE | BERTH_REC_ATTRS, err);
}

int store_pod_rewrite(struct pod *p, struct berth_error *err)
{
    if (p->removed)
        return fail(err, ENOENT, "pod %s: pod has already been removed", p->id);
    return write_members(p, BERTH_REC_CONFIG, err);
}

/* ------------------------------------------------------------------ members */

static int add_id(void *arg, const struct berth_record *rec)
{
    return list_add(arg, rec->id);
}

/* IDs of all members, in order; the pod is there. */
static int members(struct pod *p, struct txn *t, struct berth_list *out,
                   struct berth_error *err)
{
    struct berth_scan scan = {.size = sizeof(scan), .kind = BERTH_CONTAINER, .pod = p->id};
    struct berth_record rec = {.size = sizeof(rec)};
    int r = gone(p, txn_get(t, BERTH_POD, p->id, 0, &rec, err), err);

    return r < 0 ? r : txn_scan(t, &scan, add_id, out, err);
}

int store_pod_ids(struct pod *p, struct berth_list *out, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r = valid(p, err);

    if (r == 0)
        r = store_begin(p->e, false, &t, err);
    return r < 0 ? r : members(p, t, out, err);
}

/* Load containers by their IDs: all of them, or none. */
static int load_members(struct pod *p, struct txn *t, struct ctr ***out, size_t *n,
                        struct berth_error *err)
{
    _cleanup_list_ struct berth_list ids = LIST_INIT;
    struct ctr **ctrs = NULL;
    size_t got = 0;
    int r = members(p, t, &ids, err);

    if (r == 0 && ids.n && !(ctrs = calloc(ids.n, sizeof(*ctrs))))
        r = fail(err, ENOMEM, "out of memory");
    for (; r == 0 && got < ids.n; got += r == 0)
        r = store_ctr_load(p->e, t, ids.items[got], &ctrs[got], err);
    if (r < 0) {
        ctr_free_all(ctrs, got);
        return r;
    }
    *out = ctrs;
    *n = got;
    return 0;
}

int store_pod_ctrs(struct pod *p, struct ctr ***out, size_t *n, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r = valid(p, err);

    if (r == 0)
        r = store_begin(p->e, false, &t, err);
    return r < 0 ? r : load_members(p, t, out, n, err);
}

int store_pod_has(struct pod *p, const char *id, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec = {.size = sizeof(rec)};
    int r;

    if (str_empty(id))
        return fail(err, EINVAL, "name or ID cannot be empty");
    r = valid(p, err);
    if (r == 0)
        r = store_begin(p->e, false, &t, err);
    if (r == 0)
        r = gone(p, txn_get(t, BERTH_POD, p->id, 0, &rec, err), err);
    if (r < 0)
        return r;
    r = txn_get(t, BERTH_CONTAINER, id, BERTH_REC_ATTRS, &rec, err);
    if (r == -ENOENT) {
        error_clear(err);
        return 0;
    }
    return r < 0 ? r : str_eq(rec.pod, p->id);
}

int store_pod_add_ctr(struct pod *p, struct ctr *c, json *networks, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec = {.size = sizeof(rec)};
    int r = valid(p, err);

    if (r == 0)
        r = store_ctr_valid(c, err);
    if (r < 0)
        return r;
    if (!str_eq(json_str(c->config, "pod"), p->id))
        return fail(err, ENOENT, "container %s is not part of pod %s: no such container", c->id,
                    p->id);
    r = store_begin(p->e, false, &t, err);
    if (r == 0)
        r = gone(p, txn_get(t, BERTH_POD, p->id, 0, &rec, err), err);
    if (r < 0)
        return r;
    txn_rollback(TAKE(t));
    if (str_set(&c->pod, p->id) < 0)
        return fail(err, ENOMEM, "out of memory");
    return store_add(c, networks, err);
}

int store_pod_remove_ctr(struct pod *p, struct ctr *c, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec = {.size = sizeof(rec)};
    int r = valid(p, err);

    if (r < 0)
        return r;
    if (str_empty(c->pod))
        return fail(err, ENOENT, "container %s is not part of a pod: no such pod", c->id);
    if (!str_eq(c->pod, p->id))
        return fail(err, EINVAL, "container %s is not part of pod %s: invalid argument", c->id,
                    p->id);
    r = store_begin(p->e, false, &t, err);
    if (r == 0)
        r = gone(p, txn_get(t, BERTH_POD, p->id, 0, &rec, err), err);
    if (r < 0)
        return r;
    txn_rollback(TAKE(t));
    return store_remove(c, err);
}

/* ----------------------------------------------------------------- removing */

int store_pod_remove(struct pod *p, struct berth_error *err)
{
    _cleanup_list_ struct berth_list ids = LIST_INIT;
    _cleanup_txn_ struct txn *t = NULL;
    int r = valid(p, err);

    if (r == 0)
        r = store_begin(p->e, true, &t, err);
    if (r == 0)
        r = members(p, t, &ids, err);
    if (r < 0)
        return r;
    if (ids.n)
        return fail(err, ENOTEMPTY, "pod %s is not empty: container already exists", p->id);
    r = gone(p, txn_remove(t, BERTH_POD, p->id, err), err);
    if (r == 0)
        r = txn_commit(&t, err);
    p->removed = p->removed || r == 0;
    return r;
}

/* Nobody outside the pod depends on one of its members. */
static int check_outside(struct pod *p, struct txn *t, struct ctr *const *ctrs, size_t n,
                         struct berth_error *err)
{
    _cleanup_list_ struct berth_list ids = LIST_INIT;
    int r = 0;

    for (size_t i = 0; i < n; i++)
        list_add(&ids, ctrs[i]->id);
    if (ids.error)
        return fail(err, ENOMEM, "out of memory");
    for (size_t i = 0; r == 0 && i < n; i++) {
        _cleanup_list_ struct berth_list users = LIST_INIT;

        r = store_ctr_dependents(ctrs[i], t, &users, err);
        for (size_t j = 0; r == 0 && j < users.n; j++)
            if (!list_has(&ids, users.items[j]))
                r = fail(err, EEXIST,
                         "container %s has dependency %s outside of pod %s: container already "
                         "exists",
                         ctrs[i]->id, users.items[j], p->id);
    }
    return r;
}

int store_pod_remove_ctrs(struct pod *p, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct ctr **ctrs = NULL;
    size_t n = 0;
    int r = valid(p, err);

    if (r == 0)
        r = store_begin(p->e, true, &t, err);
    if (r == 0)
        r = load_members(p, t, &ctrs, &n, err);
    if (r == 0)
        r = check_outside(p, t, ctrs, n, err);
    /* All links first: members may depend on each other in any order. */
    for (size_t i = 0; r == 0 && i < n; i++)
        r = store_ctr_unlink(ctrs[i], t, err);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = store_ctr_gone(ctrs[i], txn_remove(t, BERTH_CONTAINER, ctrs[i]->id, err), err);
    if (r == 0)
        r = txn_commit(&t, err);
    ctr_free_all(ctrs, n);
    return r;
}
