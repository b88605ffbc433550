/* SPDX-License-Identifier: Apache-2.0 */
/* store_ctr.c - containers in the store: load, add, save, rewrite, remove; see store.h. */
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/store_priv.h"

/* ------------------------------------------------------------------ loading */

/* Fill c from a record.  A state that old databases lack counts as empty. */
static int from_record(struct ctr *c, const struct berth_record *rec, struct berth_error *err)
{
    _cleanup_json_ json *config = NULL, *state = NULL;
    char what[ID_LEN + 32];
    int r;

    snprintf(what, sizeof(what), "configuration of container %.12s", rec->id);
    r = json_parse_object(rec->config, what, &config, err);
    if (r < 0)
        return r;
    snprintf(what, sizeof(what), "state of container %.12s", rec->id);
    if (rec->state.data)
        r = json_parse_object(rec->state, what, &state, err);
    else
        state = json_new();
    if (r < 0)
        return r;
    if (str_set(&c->name, rec->name ? rec->name : json_str(config, "name")) < 0 ||
        str_set(&c->pod, rec->pod) < 0 || str_set(&c->ns, rec->ns) < 0 ||
        str_set(&c->netns, rec->netns ? rec->netns : json_str(state, "netns")) < 0)
        return fail(err, ENOMEM, "out of memory");
    json_del(state, "netns"); /* its place is c->netns; see write_state() */
    json_putp(&c->config);
    json_putp(&c->state);
    c->config = TAKE(config);
    c->state = TAKE(state);
    return 0;
}

int store_ctr_gone(struct ctr *c, int r, struct berth_error *err)
{
    if (r != -ENOENT)
        return r;
    c->removed = true;
    return fail(err, ENOENT, "container %s not found in DB: no such container", c->id);
}

static int wrong_namespace(const struct ctr *c, const char *ns, struct berth_error *err)
{
    if (!store_hidden(c->e, ns))
        return 0;
    return fail(err, ENOENT,
                "container %s is in namespace \"%s\", does not match our namespace \"%s\": "
                "target is in a different namespace",
                c->id, str_or(ns, ""), c->e->conf->namespace_);
}

int store_ctr_valid(const struct ctr *c, struct berth_error *err)
{
    if (c->removed)
        return fail(err, ENOENT, "container %s: container has already been removed", c->id);
    return wrong_namespace(c, c->ns, err);
}

static int read_record(struct ctr *c, struct txn *t, struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)};
    int r =
        store_ctr_gone(c, txn_get(t, BERTH_CONTAINER, c->id, STORE_DOCUMENTS, &rec, err), err);

    if (r == 0)
        r = wrong_namespace(c, rec.ns, err);
    return r < 0 ? r : from_record(c, &rec, err);
}

static struct ctr *new_ctr(struct engine *e, const char *id, struct berth_error *err)
{
    struct ctr *c = calloc(1, sizeof(*c));

    if (!c) {
        fail(err, ENOMEM, "out of memory");
        return NULL;
    }
    c->e = e;
    snprintf(c->id, sizeof(c->id), "%s", id);
    return c;
}

int store_ctr_load(struct engine *e, struct txn *t, const char *id, struct ctr **out,
                   struct berth_error *err)
{
    _cleanup_ctr_ struct ctr *c = new_ctr(e, id, err);
    int r;

    if (!c)
        return -ENOMEM;
    r = read_record(c, t, err);
    if (r == 0)
        *out = TAKE(c);
    return r;
}

int ctr_load(struct engine *e, const char *id, struct ctr **out, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r;

    if (str_empty(id))
        return fail(err, EINVAL, "name or ID cannot be empty");
    r = store_begin(e, false, &t, err);
    return r < 0 ? r : store_ctr_load(e, t, id, out, err);
}

int ctr_lookup(struct engine *e, const char *name_or_id, struct ctr **out,
               struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    char id[ID_LEN + 1];
    int r = store_begin(e, false, &t, err);

    if (r == 0)
        r = store_find(e, t, BERTH_CONTAINER, name_or_id, id, err);
    return r < 0 ? r : store_ctr_load(e, t, id, out, err);
}

int engine_lookup_ctr(struct engine *e, const char *name_or_id, char out[static ID_LEN + 1],
                      struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r = store_begin(e, false, &t, err);

    return r < 0 ? r : store_find(e, t, BERTH_CONTAINER, name_or_id, out, err);
}

struct load_all {
    struct engine *e;
    uint32_t mask;
    struct ctr **ctrs;
    size_t n, cap;
    struct berth_error *err;
};

static int load_one(void *arg, const struct berth_record *rec)
{
    struct load_all *all = arg;
    _cleanup_ctr_ struct ctr *c = NULL;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r;

    if (!store_status_is(rec, all->mask))
        return 0;
    r = store_room(&all->ctrs, all->n, &all->cap, all->err);
    if (r < 0)
        return r;
    c = new_ctr(all->e, rec->id, all->err);
    if (!c)
        return -ENOMEM;
    if (from_record(c, rec, &why) < 0)
        log_error("%s", error_text(&why)); /* one bad record must not hide the others */
    else
        all->ctrs[all->n++] = TAKE(c);
    return 0;
}

int ctr_load_all(struct engine *e, uint32_t mask, struct ctr ***out, size_t *n,
                 struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct load_all all = {.e = e, .mask = mask, .err = err};
    int r = store_begin(e, false, &t, err);

    if (r == 0)
        r = store_scan(e, t, BERTH_CONTAINER, STORE_DOCUMENTS, load_one, &all, err);
    if (r < 0) {
        ctr_free_all(all.ctrs, all.n);
        return r;
    }
    *out = all.ctrs;
    *n = all.n;
    return 0;
}

void ctr_free_all(struct ctr **ctrs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ctr_free(ctrs[i]);
    free(ctrs);
}

int store_reload(struct ctr *c, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r = store_ctr_valid(c, err);

    if (r == 0)
        r = store_begin(c->e, false, &t, err);
    return r < 0 ? r : read_record(c, t, err);
}

/* ------------------------------------------------------------------ writing */

/* The state document.  Formats that keep the networks of a container inside its documents
 * keep the path of its network namespace there too. */
static int write_state(const struct ctr *c, struct berth_buf *out)
{
    if (!(state_caps(c->e->state) & BERTH_STATE_CAP_NETWORKS))
        json_opt_str(c->state, "netns", c->netns);
    json_write(c->state, 0, out);
    json_del(c->state, "netns");
    return buf_error(out);
}

/* The documents of c as a record; the texts live in the two buffers. */
static int to_record(const struct ctr *c, struct berth_record *rec, struct berth_buf *config,
                     struct berth_buf *state, struct berth_error *err)
{
    if (json_write(c->config, 0, config) < 0 || write_state(c, state) < 0)
        return fail(err, ENOMEM, "out of memory");
    *rec = (struct berth_record){
        .size = sizeof(*rec),
        .kind = BERTH_CONTAINER,
        .has = BERTH_REC_ALL,
        .id = c->id,
        .name = c->name,
        .ns = c->ns,
        .pod = c->pod,
        .netns = c->netns,
        .status = (int32_t)json_i64(c->state, "state", 0),
        .exit_code = (int32_t)json_i64(c->state, "exitCode", 0),
        .config = buf_blob(config),
        .state = buf_blob(state),
    };
    return 0;
}

int ctr_dependencies(const struct ctr *c, struct berth_list *out)
{
    static const char *const members[] = {"ipcNsCtr",  "mountNsCtr", "netNsCtr",   "pidNsCtr",
                                          "userNsCtr", "utsNsCtr",   "cgroupNsCtr"};
    json *more = json_get(c->config, "Dependencies");

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const char *id = json_str(c->config, members[i]);

        if (!str_empty(id) && !list_has(out, id))
            list_add(out, id);
    }
    for (size_t i = 0; i < json_len(more); i++) {
        const char *id = json_item_str(more, i);

        if (!str_empty(id) && !list_has(out, id))
            list_add(out, id);
    }
    return out->error;
}

/* May c depend on that container? */
static int check_dependency(const struct ctr *c, struct txn *t, const char *id,
                            struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)};
    int r;

    if (str_eq(id, c->id))
        return fail(err, EINVAL, "container %s cannot depend on itself: invalid argument",
                    c->id);
    r = txn_get(t, BERTH_CONTAINER, id, BERTH_REC_ATTRS, &rec, err);
    if (r == -ENOENT)
        return fail(err, ENOENT,
                    "container %s depends on container %s, but it does not exist in the DB: "
                    "no such container",
                    c->id, id);
    if (r < 0)
        return r;
    if (c->pod && !rec.pod)
        return fail(err, EINVAL,
                    "container %s depends on container %s which is not in pod %s: invalid "
                    "argument",
                    c->id, id, c->pod);
    if (c->pod && !str_eq(c->pod, rec.pod))
        return fail(err, EINVAL,
                    "container %s depends on container %s which is in a different pod (%s): "
                    "invalid argument",
                    c->id, id, rec.pod);
    if (!c->pod && rec.pod)
        return fail(err, EINVAL,
                    "container %s depends on container %s which is in a pod - containers not "
                    "in pods cannot depend on containers in pods: invalid argument",
                    c->id, id);
    if (!store_same_namespace(c->e, c->ns, rec.ns))
        return fail(err, EINVAL,
                    "container %s in namespace \"%s\" depends on container %s in namespace "
                    "\"%s\": target is in a different namespace",
                    c->id, c->ns ? c->ns : "", id, rec.ns ? rec.ns : "");
    return 0;
}

static int link_one(struct txn *t, uint32_t kind, const char *from, const char *to,
                    struct berth_blob value, struct berth_error *err)
{
    struct berth_link link = {
        .size = sizeof(link), .kind = kind, .from = from, .to = to, .value = value};

    return txn_link(t, &link, err);
}

static int add_networks(struct ctr *c, struct txn *t, json *networks, struct berth_error *err)
{
    int r = 0;

    json_object_object_foreach (networks, name, options) {
        _cleanup_buf_ struct berth_buf text = BUF_INIT;

        json_write(options, 0, &text);
        r = link_one(t, BERTH_LINK_NETWORK, c->id, name, buf_blob(&text), err);
        if (r < 0)
            break;
    }
    return r;
}

static int add_links(struct ctr *c, struct txn *t, json *networks, struct berth_error *err)
{
    _cleanup_list_ struct berth_list needs = LIST_INIT;
    json *volumes = json_get(c->config, "namedVolumes");
    int r = ctr_dependencies(c, &needs);

    for (size_t i = 0; r == 0 && i < needs.n; i++)
        r = link_one(t, BERTH_LINK_DEPENDS, c->id, needs.items[i], (struct berth_blob){0}, err);
    for (size_t i = 0; r == 0 && i < json_len(volumes); i++) {
        const char *name = json_str(json_item(volumes, i), "volumeName");

        r = link_one(t, BERTH_LINK_VOLUME, c->id, name, (struct berth_blob){0}, err);
        if (r == -ENOENT)
            return fail(err, ENOENT,
                        "no volume with name %s found in database when adding container %s: "
                        "no such volume",
                        name, c->id);
    }
    if (r == 0 && networks && (state_caps(c->e->state) & BERTH_STATE_CAP_NETWORKS))
        r = add_networks(c, t, networks, err);
    return r;
}

int store_check_free(struct txn *t, const char *id, const char *name, struct berth_error *err)
{
    static const char *const words[] = {"", "container", "pod"};
    struct berth_record rec = {.size = sizeof(rec)};
    const char *owner;
    uint32_t kind;
    int r;

    if (str_empty(id) || str_empty(name))
        return fail(err, EINVAL, "name or ID cannot be empty");
    for (kind = BERTH_CONTAINER; kind <= BERTH_POD; kind++) {
        r = txn_get(t, kind, id, 0, &rec, err);
        if (r == 0)
            return fail(err, EEXIST, "ID \"%s\" is in use: %s already exists", id, words[kind]);
        if (r != -ENOENT)
            return r;
    }
    r = txn_resolve(t, 0, name, &kind, &owner, err);
    if (r == 0)
        return fail(err, EEXIST, "name \"%s\" is in use: %s already exists", name, words[kind]);
    if (r != -ENOENT)
        return r;
    error_clear(err);
    return 0;
}

/* The pod of a new member is there, and in the same namespace. */
static int check_pod(const struct ctr *c, struct txn *t, struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)};
    int r;

    if (str_empty(c->pod))
        return 0;
    r = txn_get(t, BERTH_POD, c->pod, BERTH_REC_ATTRS, &rec, err);
    if (r == -ENOENT)
        return fail(err, ENOENT, "pod %s does not exist in database: no such pod", c->pod);
    if (r == 0 && !store_same_namespace(c->e, c->ns, rec.ns))
        return fail(err, EINVAL,
                    "container %s is in namespace \"%s\", but its pod %s is in namespace "
                    "\"%s\": target is in a different namespace",
                    c->id, str_or(c->ns, ""), c->pod, str_or(rec.ns, ""));
    return r;
}

int store_add(struct ctr *c, json *networks, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf config = BUF_INIT, state = BUF_INIT;
    _cleanup_list_ struct berth_list needs = LIST_INIT;
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec;
    int r = store_ctr_valid(c, err);

    if (r == 0 && networks)
        r = store_networks_check(networks, err);
    if (r < 0)
        return r;
    if (str_empty(c->pod) && !str_empty(json_str(c->config, "pod")))
        return fail(err, EINVAL,
                    "cannot add a container that belongs to a pod with AddContainer - use "
                    "AddContainerToPod: invalid argument");
    if (networks && !(state_caps(c->e->state) & BERTH_STATE_CAP_NETWORKS))
        json_set(c->config, "newNetworks", json_ref(networks));
    r = to_record(c, &rec, &config, &state, err);
    if (r == 0)
        r = ctr_dependencies(c, &needs);
    if (r == 0)
        r = store_begin(c->e, true, &t, err);
    if (r == 0)
        r = check_pod(c, t, err);
    if (r == 0)
        r = store_check_free(t, c->id, c->name, err);
    for (size_t i = 0; r == 0 && i < needs.n; i++)
        r = check_dependency(c, t, needs.items[i], err);
    if (r < 0)
        return r;
    error_clear(err);
    r = txn_insert(t, &rec, err);
    if (r == 0)
        r = add_links(c, t, networks, err);
    return r < 0 ? r : txn_commit(&t, err);
}

/* The exit code that was noted. */
static int put_code(struct ctr *c, struct txn *t, struct berth_error *err)
{
    struct berth_exit exit_code = {
        .size = sizeof(exit_code), .code = c->unsaved_code, .date = time_now(), .id = c->id};

    return c->unsaved && c->unsaved_code != EXIT_NONE ? txn_exit_put(t, &exit_code, err) : 0;
}

int store_save(struct ctr *c, int32_t code, struct berth_error *err)
{
    if (code != EXIT_NONE || !c->unsaved)
        c->unsaved_code = code;
    c->unsaved = true;
    return c->defer ? 0 : store_flush(c, err);
}

int store_ctr_put_state(struct ctr *c, struct txn *t, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf state = BUF_INIT;
    struct berth_record rec = {
        .size = sizeof(rec),
        .kind = BERTH_CONTAINER,
        .has = BERTH_REC_STATE | BERTH_REC_ATTRS,
        .id = c->id,
        .name = c->name,
        .ns = c->ns,
        .pod = c->pod,
        .netns = c->netns,
        .status = (int32_t)json_i64(c->state, "state", 0),
        .exit_code = (int32_t)json_i64(c->state, "exitCode", 0),
    };
    int r = store_ctr_valid(c, err);

    if (r < 0)
        return r;
    if (write_state(c, &state) < 0)
        return fail(err, ENOMEM, "out of memory");
    rec.state = buf_blob(&state);
    r = store_ctr_gone(c, txn_update(t, &rec, err), err);
    return r < 0 ? r : put_code(c, t, err);
}

int store_flush(struct ctr *c, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r;

    c->defer = false;
    if (!c->unsaved)
        return 0;
    r = store_ctr_valid(c, err);
    if (r == 0)
        r = store_begin(c->e, true, &t, err);
    if (r == 0)
        r = store_ctr_put_state(c, t, err);
    if (r == 0)
        r = txn_commit(&t, err);
    c->unsaved = r < 0;
    return r;
}

int store_rewrite(struct ctr *c, const char *old_name, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf config = BUF_INIT, state = BUF_INIT;
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec;
    const char *owner;
    uint32_t kind;
    int r;

    if (c->removed)
        return fail(err, ENOENT, "container %s: container has already been removed", c->id);
    r = to_record(c, &rec, &config, &state, err);
    if (r == 0)
        r = store_begin(c->e, true, &t, err);
    if (r < 0)
        return r;
    rec.has = BERTH_REC_CONFIG;
    if (!str_eq(c->name, old_name)) {
        r = txn_resolve(t, 0, c->name, &kind, &owner, err);
        if (r == 0 && !str_eq(owner, c->id))
            return fail(err, EEXIST,
                        "name %s already in use, cannot rename container %s: container "
                        "already exists",
                        c->name, c->id);
        if (r < 0 && r != -ENOENT)
            return r;
        error_clear(err);
        rec.has |= BERTH_REC_NAME;
    }
    r = store_ctr_gone(c, txn_update(t, &rec, err), err);
    return r < 0 ? r : txn_commit(&t, err);
}

/* ----------------------------------------------------------------- removing */

int store_ctr_dependents(struct ctr *c, struct txn *t, struct berth_list *out,
                         struct berth_error *err)
{
    return store_link_users(c->e, t, BERTH_LINK_DEPENDS, c->id, out, err);
}

int store_dependents(struct ctr *c, struct berth_list *out, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec = {.size = sizeof(rec)};
    int r = store_ctr_valid(c, err);

    if (r == 0)
        r = store_begin(c->e, false, &t, err);
    if (r == 0)
        r = store_ctr_gone(c, txn_get(t, BERTH_CONTAINER, c->id, 0, &rec, err), err);
    return r < 0 ? r : store_ctr_dependents(c, t, out, err);
}

/* Remove a link; that it is missing is no failure. */
static int unlink_quietly(struct txn *t, uint32_t kind, const char *from, const char *to,
                          struct berth_error *err)
{
    int r = txn_unlink(t, kind, from, to, err);

    if (r != -ENOENT)
        return r;
    error_clear(err);
    return 0;
}

int store_ctr_unlink(struct ctr *c, struct txn *t, struct berth_error *err)
{
    _cleanup_list_ struct berth_list needs = LIST_INIT;
    json *volumes = json_get(c->config, "namedVolumes");
    int r = ctr_dependencies(c, &needs);
    int64_t n = 0;

    for (size_t i = 0; r == 0 && i < needs.n; i++)
        r = unlink_quietly(t, BERTH_LINK_DEPENDS, c->id, needs.items[i], err);
    for (size_t i = 0; r == 0 && i < json_len(volumes); i++)
        r = unlink_quietly(t, BERTH_LINK_VOLUME, c->id,
                           json_str(json_item(volumes, i), "volumeName"), err);
    if (r == 0)
        n = txn_unlink_all(t, BERTH_LINK_EXEC, BERTH_TO, c->id, err);
    if (r == 0 && n >= 0 && (state_caps(c->e->state) & BERTH_STATE_CAP_NETWORKS))
        n = txn_unlink_all(t, BERTH_LINK_NETWORK, BERTH_FROM, c->id, err);
    return r < 0 ? r : n < 0 ? (int)n : 0;
}

int store_remove(struct ctr *c, struct berth_error *err)
{
    _cleanup_list_ struct berth_list users = LIST_INIT;
    _cleanup_txn_ struct txn *t = NULL;
    int r = wrong_namespace(c, c->ns, err);

    if (r == 0)
        r = store_begin(c->e, true, &t, err);
    if (r == 0)
        r = store_ctr_dependents(c, t, &users, err);
    if (r < 0)
        return r;
    if (users.n) {
        _cleanup_free_ char *ids = list_join(&users, ", ");

        return fail(err, ENOTEMPTY,
                    "container %s is a dependency of the following containers: %s: dependency "
                    "exists",
                    c->id, ids ? ids : "");
    }
    r = store_ctr_unlink(c, t, err);
    if (r == 0)
        r = store_ctr_gone(c, txn_remove(t, BERTH_CONTAINER, c->id, err), err);
    if (r == 0)
        r = put_code(c, t, err);
    if (r == 0)
        r = txn_commit(&t, err);
    c->unsaved = c->unsaved && r < 0;
    return r;
}
