/* SPDX-License-Identifier: Apache-2.0 */
/* store_vol.c - named volumes in the store; see store.h. */
#include "base/log.h"
#include "base/str.h"
#include "engine/store_priv.h"

void volume_free(struct volume *v)
{
    if (!v)
        return;
    volume_unlock(v);
    free(v->name);
    json_putp(&v->config);
    json_putp(&v->state);
    free(v);
}

void volume_free_all(struct volume **volumes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        volume_free(volumes[i]);
    free(volumes);
}

/* ------------------------------------------------------------------ loading */

static int from_record(struct volume *v, const struct berth_record *rec,
                       struct berth_error *err)
{
    _cleanup_json_ json *config = NULL, *state = NULL;
    _cleanup_free_ char *what = str_printf("configuration of volume %s", rec->id);
    int r = json_parse_object(rec->config, str_or(what, "volume"), &config, err);

    if (r < 0)
        return r;
    if (rec->state.data)
        r = json_parse_object(rec->state, "state of a volume", &state, err);
    else
        state = json_new(); /* old databases have none */
    if (r < 0)
        return error_wrap(err, "volume %s", rec->id);
    json_putp(&v->config);
    json_putp(&v->state);
    v->config = TAKE(config);
    v->state = TAKE(state);
    return 0;
}

static struct volume *new_volume(struct engine *e, const char *name, struct berth_error *err)
{
    struct volume *v = calloc(1, sizeof(*v));

    if (!v || str_set(&v->name, name) < 0) {
        free(v);
        fail(err, ENOMEM, "out of memory");
        return NULL;
    }
    v->e = e;
    return v;
}

static int gone(struct volume *v, int r, struct berth_error *err)
{
    if (r != -ENOENT)
        return r;
    v->removed = true;
    return fail(err, ENOENT, "volume with name %s not found: no such volume", v->name);
}

static int valid(const struct volume *v, struct berth_error *err)
{
    if (v->removed)
        return fail(err, ENOENT, "volume %s: volume has already been removed", v->name);
    return 0;
}

static int read_record(struct volume *v, struct txn *t, struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)};
    int r = gone(
        v, txn_get(t, BERTH_VOLUME, v->name, BERTH_REC_CONFIG | BERTH_REC_STATE, &rec, err),
        err);

    return r < 0 ? r : from_record(v, &rec, err);
}

static int load_in(struct engine *e, struct txn *t, const char *name, struct volume **out,
                   struct berth_error *err)
{
    _cleanup_volume_ struct volume *v = new_volume(e, name, err);
    int r;

    if (!v)
        return -ENOMEM;
    r = read_record(v, t, err);
    if (r == 0)
        *out = TAKE(v);
    return r;
}

int volume_load(struct engine *e, const char *name, struct volume **out,
                struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r;

    if (str_empty(name))
        return fail(err, EINVAL, "name or ID cannot be empty");
    r = store_begin(e, false, &t, err);
    return r < 0 ? r : load_in(e, t, name, out, err);
}

struct prefix_search {
    char *first;
    unsigned found;
};

static int match_prefix(void *arg, const struct berth_record *rec)
{
    struct prefix_search *s = arg;

    if (s->found++ == 0 && str_set(&s->first, rec->id) < 0)
        return -ENOMEM;
    return s->found > 1; /* two are enough to refuse */
}

/* The volume of this name, or the one whose name begins so. */
static int find(struct txn *t, const char *s, char **out, struct berth_error *err)
{
    struct berth_scan scan = {.size = sizeof(scan), .kind = BERTH_VOLUME, .prefix = s};
    struct berth_record rec = {.size = sizeof(rec)};
    struct prefix_search search = {0};
    int r = txn_get(t, BERTH_VOLUME, s, 0, &rec, err);

    if (r == 0)
        return str_set(out, s) < 0 ? fail(err, ENOMEM, "out of memory") : 0;
    if (r != -ENOENT)
        return r;
    error_clear(err);
    r = txn_scan(t, &scan, match_prefix, &search, err);
    if (r >= 0 && search.found == 1) {
        *out = search.first;
        return 0;
    }
    free(search.first);
    if (r < 0)
        return r;
    if (search.found > 1)
        return fail(err, EEXIST,
                    "more than one result for volume name \"%s\": volume already exists", s);
    return fail(err, ENOENT, "no volume with name \"%s\" found: no such volume", s);
}

int volume_lookup(struct engine *e, const char *name, struct volume **out,
                  struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    _cleanup_free_ char *found = NULL;
    int r;

    if (str_empty(name))
        return fail(err, EINVAL, "name or ID cannot be empty");
    r = store_begin(e, false, &t, err);
    if (r == 0)
        r = find(t, name, &found, err);
    return r < 0 ? r : load_in(e, t, found, out, err);
}

struct load_all {
    struct engine *e;
    struct volume **volumes;
    size_t n, cap;
    struct berth_error *err;
};

static int load_one(void *arg, const struct berth_record *rec)
{
    struct load_all *all = arg;
    _cleanup_volume_ struct volume *v = NULL;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r = store_room(&all->volumes, all->n, &all->cap, all->err);

    if (r < 0)
        return r;
    v = new_volume(all->e, rec->id, all->err);
    if (!v)
        return -ENOMEM;
    if (from_record(v, rec, &why) < 0)
        log_error("%s", error_text(&why)); /* one bad record must not hide the others */
    else
        all->volumes[all->n++] = TAKE(v);
    return 0;
}

int volume_load_all(struct engine *e, struct volume ***out, size_t *n, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_scan scan = {
        .size = sizeof(scan), .kind = BERTH_VOLUME, .want = BERTH_REC_CONFIG | BERTH_REC_STATE};
    struct load_all all = {.e = e, .err = err};
    int r = store_begin(e, false, &t, err);

    if (r == 0)
        r = txn_scan(t, &scan, load_one, &all, err);
    if (r < 0) {
        volume_free_all(all.volumes, all.n);
        return r;
    }
    *out = all.volumes;
    *n = all.n;
    return 0;
}

int store_vol_reload(struct volume *v, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r = valid(v, err);

    if (r == 0)
        r = store_begin(v->e, false, &t, err);
    return r < 0 ? r : read_record(v, t, err);
}

/* ------------------------------------------------------------------ writing */

/* v as a record; the texts live in the two buffers. */
static int to_record(const struct volume *v, struct berth_record *rec, struct berth_buf *config,
                     struct berth_buf *state, struct berth_error *err)
{
    const char *storage_id = json_str(v->config, "storageID");

    if (json_write(v->config, 0, config) < 0 || json_write(v->state, 0, state) < 0)
        return fail(err, ENOMEM, "out of memory");
    *rec = (struct berth_record){
        .size = sizeof(*rec),
        .kind = BERTH_VOLUME,
        .has = BERTH_REC_ALL,
        .id = v->name,
        .name = v->name,
        .storage_id = str_empty(storage_id) ? NULL : storage_id,
        .config = buf_blob(config),
        .state = buf_blob(state),
    };
    return 0;
}

int store_vol_add(struct volume *v, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf config = BUF_INIT, state = BUF_INIT;
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec;
    int r = valid(v, err);

    if (r == 0)
        r = to_record(v, &rec, &config, &state, err);
    if (r == 0)
        r = store_begin(v->e, true, &t, err);
    if (r == 0)
        r = txn_insert(t, &rec, err);
    if (r == -EEXIST)
        return fail(err, EEXIST, "name %s is in use: volume already exists", v->name);
    return r < 0 ? r : txn_commit(&t, err);
}

/* Write the members in `what`. */
static int write_members(struct volume *v, uint64_t what, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf config = BUF_INIT, state = BUF_INIT;
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec;
    int r = valid(v, err);

    if (r == 0)
        r = to_record(v, &rec, &config, &state, err);
    if (r == 0)
        r = store_begin(v->e, true, &t, err);
    if (r < 0)
        return r;
    rec.has = what;
    r = gone(v, txn_update(t, &rec, err), err);
    return r < 0 ? r : txn_commit(&t, err);
}

int store_vol_save(struct volume *v, struct berth_error *err)
{
    return write_members(v, BERTH_REC_STATE | BERTH_REC_ATTRS, err);
}

int store_vol_save_with(struct volume *v, struct ctr *c, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf config = BUF_INIT, state = BUF_INIT;
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec;
    int r = valid(v, err);

    if (r == 0)
        r = to_record(v, &rec, &config, &state, err);
    if (r == 0)
        r = store_begin(v->e, true, &t, err);
    if (r < 0)
        return r;
    rec.has = BERTH_REC_STATE | BERTH_REC_ATTRS;
    r = gone(v, txn_update(t, &rec, err), err);
    if (r == 0)
        r = store_ctr_put_state(c, t, err);
    if (r == 0)
        r = txn_commit(&t, err);
    if (r == 0)
        c->unsaved = false;
    return r;
}

int store_vol_rewrite(struct volume *v, struct berth_error *err)
{
    return write_members(v, BERTH_REC_CONFIG, err);
}

/* -------------------------------------------------------------------- users */

static int users_in(struct volume *v, struct txn *t, struct berth_list *out,
                    struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)};
    int r = gone(v, txn_get(t, BERTH_VOLUME, v->name, 0, &rec, err), err);

    return r < 0 ? r : store_link_users(v->e, t, BERTH_LINK_VOLUME, v->name, out, err);
}

int store_vol_users(struct volume *v, struct berth_list *out, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r = valid(v, err);

    if (r == 0)
        r = store_begin(v->e, false, &t, err);
    return r < 0 ? r : users_in(v, t, out, err);
}

int store_vol_remove(struct volume *v, struct berth_error *err)
{
    _cleanup_list_ struct berth_list users = LIST_INIT;
    _cleanup_txn_ struct txn *t = NULL;
    int64_t n;
    int r = store_begin(v->e, true, &t, err);

    if (r == 0)
        r = users_in(v, t, &users, err);
    if (r < 0)
        return r;
    if (users.n) {
        _cleanup_free_ char *ids = list_join(&users, ",");

        return fail(err, EBUSY,
                    "volume %s is being used by container(s) %s: volume is being used", v->name,
                    str_or(ids, ""));
    }
    /* Links of containers that are gone: podman 4.3 leaves them behind. */
    n = txn_unlink_all(t, BERTH_LINK_VOLUME, BERTH_TO, v->name, err);
    if (n < 0)
        return (int)n;
    r = gone(v, txn_remove(t, BERTH_VOLUME, v->name, err), err);
    if (r == 0)
        r = txn_commit(&t, err);
    v->removed = v->removed || r == 0;
    return r;
}

static int found_one(void *arg, const struct berth_record *rec)
{
    (void)arg;
    (void)rec;
    return 1;
}

int store_is_volume_ctr(struct engine *e, const char *id, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_scan scan = {.size = sizeof(scan), .kind = BERTH_VOLUME, .storage_id = id};
    int r = store_begin(e, false, &t, err);

    return r < 0 ? r : txn_scan(t, &scan, found_one, NULL, err);
}
