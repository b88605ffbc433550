/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_create.c - a new container, from the user's words to its record; see ctr.h. */
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/ctr_life.h"
#include "engine/ctr_volumes.h"
#include "engine/events.h"
#include "engine/intent.h"
#include "engine/names.h"
#include "engine/network.h"
#include "engine/options.h"
#include "engine/spec.h"
#include "engine/store.h"
#include "engine/system_signals.h"
#include "storage/storage.h"
#include "wrap/fault.h"
#include <sys/stat.h>

#define NAME_TRIES 16 /* generated names that may be taken before it is an error */

/* What a creation has made so far, to be undone unless it succeeds. */
struct making {
    struct ctr *c;
    const struct ctr_options *options;
    json *networks;
    struct intent intent;
    struct ctr_volumes volumes;
    bool lock;
    bool folders;
    bool recorded;
    sigset_t signals; /* held since something was made */
    bool held;
};

static void undo(struct making *m)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r;

    ctr_volumes_undo(&m->volumes);
    r = m->folders ? storage_container_delete(m->c->e->storage, m->c->id, &why) : 0;
    if (r < 0 && r != -ENOENT)
        log_error("removing the storage of container %s: %s", m->c->id, error_text(&why));
    error_clear(&why);
    intent_lock_gone(&m->intent);
    if (m->lock && lock_release(m->c->e->locks, ctr_lock_id(m->c), &why) < 0)
        log_error("freeing the lock of container %s: %s", m->c->id, error_text(&why));
}

static int check_name(const char *name, struct berth_error *err)
{
    if (str_empty(name) || name_is_valid(name))
        return 0;
    return fail(err, EINVAL, "running container create option: " NAME_RULE);
}

/* A name that no container and no pod has at this moment. */
static int free_name(struct engine *e, char **out, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r = store_begin(e, false, &t, err);

    for (int i = 0; r == 0 && i < NAME_TRIES; i++) {
        _cleanup_free_ char *name = name_generate();
        const char *id;
        uint32_t kind;

        if (!name)
            return fail(err, ENOMEM, "out of memory");
        r = txn_resolve(t, 0, name, &kind, &id, err);
        if (r == -ENOENT) {
            error_clear(err);
            *out = TAKE(name);
            return 0;
        }
    }
    return r < 0 ? r : fail(err, EEXIST, "no free name found after %d tries", NAME_TRIES);
}

static int allocate_lock(struct making *m, struct berth_error *err)
{
    struct locks *locks;
    uint32_t id;
    int r = engine_locks(m->c->e, &locks, err);

    if (r == 0)
        r = intent_lock_wanted(&m->intent, err);
    if (r == 0)
        r = lock_allocate(locks, &id, err);
    if (r == -ENOSPC)
        return fail(err, ENOSPC,
                    "allocating lock for new container: allocation failed; exceeded num_locks "
                    "(%u)",
                    m->c->e->conf->num_locks);
    if (r < 0)
        return error_wrap(err, "allocating lock for new container");
    json_set_i64(m->c->config, "lockID", id);
    m->lock = true;
    return intent_lock_is(&m->intent, id, err);
}

/* The record that containers/storage keeps, which makes the name unique there too; a name
 * that we generated is tried again with another one. */
static int make_storage(struct making *m, struct berth_error *err)
{
    struct ctr *c = m->c;
    struct storage_new what = {.id = c->id,
                               .is_volatile = json_flag(c->config, "volatile", false),
                               .process_label = json_str(c->config, "ProcessLabel"),
                               .mount_label = json_str(c->config, "MountLabel")};
    int r = 0;

    for (int tries = 0; r == 0 && tries < NAME_TRIES; tries++) {
        what.name = c->name;
        r = storage_container_create(c->e->storage, &what, NULL, NULL, err);
        if (r != -EEXIST || !str_empty(m->options->name))
            break;
        error_clear(err);
        free(c->name);
        c->name = NULL;
        r = free_name(c->e, &c->name, err);
        if (r == 0)
            json_set_str(c->config, "name", c->name);
    }
    return r < 0 ? error_wrap(err, "creating container storage") : 0;
}

static int make_dir(const char *parent, const char *name, mode_t mode, struct berth_error *err)
{
    _cleanup_free_ char *path = path_join(parent, name);

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    if (mkdir(path, mode) < 0 && errno != EEXIST)
        return fail_errno(err, errno, "creating %s", path);
    return 0;
}

/* Complete the record with where the container is, and make its folders. */
static int make_folders(struct making *m, struct berth_error *err)
{
    struct ctr *c = m->c;
    _cleanup_free_ char *static_dir = NULL, *run_dir = NULL;
    struct spec_place place = {
        .id = c->id, .name = c->name, .lock = ctr_lock_id(c), .created = time_now()};
    struct storage *storage;
    int r = engine_storage(c->e, &storage, err);

    if (r < 0)
        return r;
    m->folders = true;
    r = storage_container_dirs(storage, c->id, &static_dir, &run_dir, err);
    if (r < 0)
        return error_wrap(err, "creating container storage");
    place.static_dir = static_dir;
    place.run_dir = run_dir;
    json_set_str(c->state, "runDir", run_dir);
    spec_place(c->config, m->networks, &place);
    return 0;
}

/* In them. */
static int fill_folders(struct ctr *c, struct berth_error *err)
{
    const char *static_dir = ctr_static_dir(c);
    int r = make_dir(static_dir, "artifacts", 0755, err);

    if (r == 0)
        r = make_dir(static_dir, "secrets", 0755, err);
    if (r == 0 && json_get(c->config, "secrets"))
        r = spec_secret_copies(c, err);
    if (r == 0 && json_len(json_get(c->config, "mounts")))
        r = make_dir(static_dir, "shm", 0700, err);
    return r;
}

static json *new_state(void)
{
    static const char *const times[] = {"startedTime", "finishedTime"};
    json *state = json_new(), *service = json_new();

    json_set_i64(state, "state", CTR_CONFIGURED);
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        json_set_str(state, times[i], "0001-01-01T00:00:00Z");
    json_set(service, "servicePods", NULL);
    json_set(state, "Service", service);
    json_set_str(state, "checkpointedTime", "0001-01-01T00:00:00Z");
    json_set_str(state, "restoredTime", "0001-01-01T00:00:00Z");
    return state;
}

static int fill_identity(struct ctr *c, const struct ctr_options *o, struct berth_error *err)
{
    int r = 0;

    id_generate(c->id);
    c->state = new_state();
    if (!str_empty(o->name))
        c->name = strdup(o->name);
    else
        r = free_name(c->e, &c->name, err);
    if (r < 0)
        return r;
    if (!str_empty(c->e->conf->namespace_))
        c->ns = strdup(c->e->conf->namespace_);
    if (!c->name)
        return fail(err, ENOMEM, "out of memory");
    return 0;
}

static int name_in_use(struct engine *e, const char *name, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    const char *id;
    uint32_t kind;
    int r;

    if (str_empty(name))
        return 0;
    r = store_begin(e, false, &t, err);
    if (r < 0)
        return r;
    r = txn_resolve(t, 0, name, &kind, &id, err);
    if (r == 0)
        return fail(err, EEXIST,
                    "creating container storage: the container name \"%s\" is already in use "
                    "by %s. You have to remove that container to be able to reuse that name: "
                    "that name is already in use",
                    name, id);
    error_clear(err);
    return r == -ENOENT ? 0 : r;
}

/* All but the record. */
static int draw_up(struct engine *e, const struct ctr_options *o, struct making *m,
                   struct berth_error *err)
{
    struct ctr *c = m->c = calloc(1, sizeof(*c));
    struct oci *oci;
    int r;

    m->options = o;
    if (!c)
        return fail(err, ENOMEM, "out of memory");
    c->e = e;
    r = check_name(o->name, err);
    if (r == 0)
        r = engine_oci(e, NULL, &oci, err);
    if (r == 0)
        r = spec_create(e, o, &c->config, &m->networks, err);
    if (r == 0 && m->networks)
        r = network_resolve(e, &m->networks, err);
    if (r == 0)
        r = name_in_use(e, o->name, err);
    if (r == 0)
        r = fill_identity(c, o, err);
    signals_hold(&m->signals); /* until it is whole or gone */
    m->held = true;
    if (r == 0)
        r = intent_begin(e, c->id, &m->intent, err);
    if (r == 0)
        r = fault_point("ctr", "begun", err);
    if (r == 0)
        r = allocate_lock(m, err);
    if (r == 0)
        r = fault_point("ctr", "numbered", err);
    if (r == 0)
        r = make_folders(m, err);
    return r < 0 ? r : fault_point("ctr", "placed", err);
}

/* The record, with which the container begins to be there for others. */
static int record(void *arg, struct berth_error *err)
{
    struct making *m = arg;
    struct ctr *c = m->c;
    int r = fill_folders(c, err);

    if (r == 0)
        r = make_storage(m, err);
    if (r == 0)
        r = fault_point("ctr", "stored", err);
    if (r == 0 && json_get(c->config, "namedVolumes"))
        r = ctr_volumes_create(c, &m->volumes, err);
    if (r == 0)
        r = store_add(
            c, m->networks && json_object_object_length(m->networks) ? m->networks : NULL, err);
    if (r < 0)
        return r;
    m->recorded = true;
    ctr_volumes_end(&m->volumes);
    intent_end(&m->intent);
    event_ctr(c, "create", NULL);
    return 0;
}

/* Undo what has come to nothing; else the container is the caller's. */
static void conclude(struct making *m, struct ctr **out)
{
    if (!m->recorded && m->held)
        undo(m);
    ctr_volumes_end(&m->volumes);
    intent_end(&m->intent);
    json_object_put(m->networks);
    if (m->held)
        signals_release(&m->signals);
    if (m->recorded)
        *out = m->c;
    else
        ctr_free(m->c);
}

int ctr_create(struct engine *e, const struct ctr_options *o, struct ctr **out,
               struct berth_error *err)
{
    struct making m = {.intent = INTENT_NONE};
    int r = draw_up(e, o, &m, err);

    if (r == 0)
        r = record(&m, err);
    conclude(&m, out);
    return r;
}

/* Others have to be started before it can be, and for that it needs its record. */
static bool depends(const struct ctr *c)
{
    _cleanup_list_ struct berth_list needs = LIST_INIT;

    return ctr_dependencies(c, &needs) < 0 || needs.n;
}

int ctr_run(struct engine *e, const struct ctr_options *o, int *attach_fd, struct ctr **out,
            struct berth_error *err)
{
    struct making m = {.intent = INTENT_NONE};
    struct ctr_making how = {.record = record, .arg = &m, .signals = &m.signals};
    int r = draw_up(e, o, &m, err);
    bool later = r == 0 && !depends(m.c);

    if (r == 0) {
        m.c->preserve_fds = (uint32_t)o->preserve_fds;
        r = later ? ctr_start_new(m.c, &how, attach_fd, err) : record(&m, err);
    }
    conclude(&m, out);
    return r < 0 || later ? r : ctr_start(*out, attach_fd, err);
}
