/* SPDX-License-Identifier: Apache-2.0 */
/* store_boot.c - the store's record of its paths, and what a boot forgets; see store.h. */
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/migrate_doc.h"
#include "engine/store.h"

/* ----------------------------------------------------------------- identity */

/* One path of the record: how messages call it, what we have, what would be the default. */
struct fact {
    const char *what;
    char **ours;        /* member of the configuration; NULL: not configurable */
    const char *fixed;  /* value where ours is NULL */
    const char *stored; /* lent by the transaction; NULL: missing */
    const char *preset; /* accepted for an empty value on the other side; NULL: none */
    bool explicit_;     /* the user chose it: it must agree */
    const char **out;   /* where it goes in the record that is written */
};

static int adopt(struct fact *f, struct berth_error *err)
{
    if (!f->ours || f->explicit_ || str_empty(f->stored) || str_eq(*f->ours, f->stored))
        return 0;
    if (!str_empty(*f->ours))
        log_debug("overriding %s %s with %s from the database", f->what, *f->ours, f->stored);
    if (conf_adopt(f->ours, f->stored) < 0)
        return fail(err, ENOMEM, "out of memory");
    return 0;
}

static int compare(struct fact *f, bool *missing, struct berth_error *err)
{
    const char *ours = f->ours ? (*f->ours ? *f->ours : "") : f->fixed;

    *f->out = ours;
    if (!f->stored) {
        *missing = true;
        return 0;
    }
    *f->out = f->stored;
    if (str_eq(f->stored, ours) || (f->preset && !*ours && str_eq(f->stored, f->preset)) ||
        (f->preset && !*f->stored && str_eq(ours, f->preset)))
        return 0;
    return fail(err, EINVAL,
                "database %s \"%s\" does not match our %s \"%s\": database configuration "
                "mismatch",
                f->what, f->stored, f->what, ours);
}

static int check_facts(struct conf *c, const struct berth_store_config *has,
                       struct berth_store_config *put, bool *missing, struct berth_error *err)
{
    struct fact facts[] = {
        {"OS", NULL, "linux", has->os, NULL, true, &put->os},
        {"libpod root directory (staticdir)", &c->static_dir, NULL, has->static_dir, NULL,
         c->static_dir_set, &put->static_dir},
        {"libpod temporary files directory (tmpdir)", &c->tmp_dir, NULL, has->tmp_dir, NULL,
         false, &put->tmp_dir},
        {"storage temporary directory (runroot)", &c->run_root, NULL, has->run_root,
         "/run/containers/storage", c->run_root_set, &put->run_root},
        {"storage graph root directory (graphroot)", &c->graph_root, NULL, has->graph_root,
         "/var/lib/containers/storage", c->graph_root_set, &put->graph_root},
        {"storage graph driver", &c->storage_driver, NULL, has->graph_driver, "overlay",
         c->storage_driver_set, &put->graph_driver},
        {"volume path", &c->volume_path, NULL, has->volume_path, NULL, c->volume_path_set,
         &put->volume_path},
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(facts); i++) {
        r = adopt(&facts[i], err);
        if (r == 0)
            r = compare(&facts[i], missing, err);
    }
    return r;
}

int store_validate(struct engine *e, bool readonly, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_store_config has = {.size = sizeof(has)}, put = {.size = sizeof(put)};
    bool missing = false;
    int r = store_begin(e, false, &t, err);

    if (r == 0) {
        r = txn_config_get(t, &has, err);
        if (r == -ENOENT) {
            error_clear(err);
            r = 0;
        }
    }
    if (r == 0)
        r = check_facts(e->conf, &has, &put, &missing, err);
    if (r < 0)
        return error_wrap(err, "checking the database");
    if (!missing || readonly)
        return 0;
    /* What is stored is lent by this transaction, so another one begins only now, and what
     * somebody else wrote in between is read again. */
    txn_rollback(TAKE(t));
    r = store_begin(e, true, &t, err);
    if (r < 0)
        return r;
    has = (struct berth_store_config){.size = sizeof(has)};
    r = txn_config_get(t, &has, err);
    if (r == 0 || r == -ENOENT) {
        error_clear(err);
        r = check_facts(e->conf, &has, &put, &missing, err);
    }
    put.schema = has.schema;
    if (r == 0)
        r = txn_config_put(t, &put, err);
    return r < 0 ? r : txn_commit(&t, err);
}

/* --------------------------------------------------------------------- boot */

struct refreshed {
    uint32_t kind;
    char *key;
    char *text; /* new state document */
    size_t len;
    int32_t status, exit_code;
};

struct refresh {
    struct refreshed *list;
    size_t n, cap;
    const struct berth_list *keep; /* containers that are left alone */
    store_refresh_fn *fn;
    void *arg;
    struct berth_error *err;
};

static void refresh_free(struct refresh *all)
{
    for (size_t i = 0; i < all->n; i++) {
        free(all->list[i].key);
        free(all->list[i].text);
    }
    free(all->list);
}

static void reset_container(json *state)
{
    static const char *const gone[] = {"pid",
                                       "conmonPid",
                                       "mountPoint",
                                       "mounted",
                                       "bindMounts",
                                       "execSessions",
                                       "newExecSessions",
                                       "stoppedByUser",
                                       "checkpointed",
                                       "restored",
                                       "restartPolicyMatch",
                                       "restartCount",
                                       "restoreLog",
                                       "checkpointPath",
                                       "checkpointLog",
                                       "netns",
                                       "countedVolumes",
                                       "networkStatus"};

    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        json_del(state, gone[i]);
    json_set_str(state, "checkpointedTime", "0001-01-01T00:00:00Z");
    json_set_str(state, "restoredTime", "0001-01-01T00:00:00Z");
    if (json_i64(state, "state", 0) != CTR_EXITED)
        json_set_i64(state, "state", CTR_CONFIGURED);
}

static int reset_one(void *arg, const struct berth_record *rec)
{
    struct refresh *all = arg;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_json_ json *state = NULL;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct refreshed *one;

    /* While a container of this boot is there, volumes may be in use.  What a pod's record has
     * is true after a boot too: the name of its cgroup follows from its ID.  (podman empties
     * it, fills it in again for slices only, and never removes the cgroups of other pods.) */
    if (!rec->state.data || rec->kind == BERTH_POD ||
        (rec->kind == BERTH_CONTAINER ? list_has(all->keep, rec->id) : all->keep->n > 0))
        return 0;
    if (json_parse_object(rec->state, "its state", &state, &why) < 0) {
        /* One damaged record must not keep all the others from being used. */
        log_error("%s %s stays as it was before the boot: %s", record_word(rec->kind), rec->id,
                  error_text(&why));
        return 0;
    }
    if (rec->kind == BERTH_CONTAINER) {
        reset_container(state);
        if (all->fn)
            all->fn(all->arg, rec->id, state);
    } else {
        json_set_i64(state, "mountCount", 0);
        json_del(state, "mountPoint");
    }
    if (all->n == all->cap) {
        size_t cap = all->cap ? all->cap * 2 : 32;
        struct refreshed *more = realloc(all->list, cap * sizeof(*more));

        if (!more)
            return fail(all->err, ENOMEM, "out of memory");
        all->list = more;
        all->cap = cap;
    }
    one = &all->list[all->n];
    *one = (struct refreshed){.kind = rec->kind,
                              .status = (int32_t)json_i64(state, "state", 0),
                              .exit_code = (int32_t)json_i64(state, "exitCode", 0)};
    json_write(state, 0, &text);
    one->len = text.len;
    one->key = strdup(rec->id);
    one->text = buf_steal(&text);
    all->n++;
    return one->key && one->text ? 0 : fail(all->err, ENOMEM, "out of memory");
}

static int write_one(struct txn *t, const struct refreshed *one, struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)}, old = {.size = sizeof(old)};
    _cleanup_free_ char *ns = NULL, *pod = NULL, *infra = NULL, *storage = NULL;
    int r = txn_get(t, one->kind, one->key, BERTH_REC_ATTRS, &old, err);

    if (r < 0)
        return r;
    if (str_set(&ns, old.ns) < 0 || str_set(&pod, old.pod) < 0 ||
        str_set(&infra, old.infra) < 0 || str_set(&storage, old.storage_id) < 0)
        return fail(err, ENOMEM, "out of memory");
    rec.kind = one->kind;
    rec.id = one->key;
    rec.has = BERTH_REC_STATE | BERTH_REC_ATTRS;
    rec.ns = ns;
    rec.pod = pod;
    rec.infra = infra;
    rec.storage_id = storage;
    rec.status = one->status;
    rec.exit_code = one->exit_code;
    rec.state = (struct berth_blob){one->text, one->len};
    return txn_update(t, &rec, err);
}

/* Exec sessions and exit codes are of the boot before, but for those of kept containers. */
static int forget_sides(struct txn *t, const struct refresh *all, struct berth_error *err)
{
    int64_t n = 0;

    if (all->keep->n == 0) {
        n = txn_unlink_all(t, BERTH_LINK_EXEC, BERTH_ANY, NULL, err);
        if (n >= 0)
            n = txn_exit_prune(t, INT64_MAX, false, err);
    }
    for (size_t i = 0; n >= 0 && all->keep->n > 0 && i < all->n; i++)
        if (all->list[i].kind == BERTH_CONTAINER)
            n = txn_unlink_all(t, BERTH_LINK_EXEC, BERTH_TO, all->list[i].key, err);
    return n < 0 ? (int)n : 0;
}

int store_refresh(struct engine *e, const struct berth_list *keep, store_refresh_fn *fn,
                  void *arg, struct berth_error *err)
{
    _cleanup_(refresh_free) struct refresh all = {
        .keep = keep, .fn = fn, .arg = arg, .err = err};
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_scan scan = {.size = sizeof(scan), .want = BERTH_REC_STATE | BERTH_REC_ATTRS};
    int r = store_begin(e, true, &t, err);

    if (r == 0)
        r = txn_scan(t, &scan, reset_one, &all, err);
    for (size_t i = 0; r == 0 && i < all.n; i++)
        r = write_one(t, &all.list[i], err);
    if (r < 0)
        return error_wrap(err, "refreshing the store after a boot");
    r = forget_sides(t, &all, err);
    return r < 0 ? r : txn_commit(&t, err);
}
