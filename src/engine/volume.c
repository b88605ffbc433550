/* SPDX-License-Identifier: Apache-2.0 */
/* volume.c - making, locking and removing volumes; see volume.h. */
#include "engine/volume.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/events.h"
#include "engine/lockorder.h"
#include "engine/names.h"
#include "engine/spec_priv.h"
#include "engine/store.h"
#include "engine/system_signals.h"
#include "engine/volume_plugin.h"
#include "wrap/fault.h"
#include <fcntl.h>

#define REMOVE_TRIES 8 /* users that come while others are removed */

int volume_point(const char *step, struct berth_error *err)
{
    return fault_point("volume", step, err);
}

/* --------------------------------------------------------------- looking at */

const char *volume_driver(const struct volume *v)
{
    const char *driver = json_str(v->config, "volumeDriver");

    return str_empty(driver) ? "local" : driver;
}

bool volume_is_local(const struct volume *v)
{
    return str_eq(volume_driver(v), "local");
}

const char *volume_where(const struct volume *v)
{
    return str_or(json_str(volume_is_local(v) ? v->config : v->state, "mountPoint"), "");
}

/* podman's rule, by the number of options; both have to count the same mounts. */
bool volume_needs_mount(const struct volume *v)
{
    static const char *const harmless[] = {"UID", "GID", "SIZE", "NOQUOTA", "nocopy", "copy"};
    json *options = json_get(v->config, "volumeOptions");
    size_t n, known = 0;

    if (!volume_is_local(v))
        return true;
    if (!options || !json_object_is_type(options, json_type_object))
        return false;
    n = (size_t)json_object_object_length(options);
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
        known += json_object_object_get_ex(options, harmless[i], NULL);
    return n > known + (known > 0);
}

static uint32_t lock_id(const struct volume *v)
{
    int64_t id = json_i64(v->config, "lockID", -1);

    return id < 0 || id > UINT32_MAX ? UINT32_MAX : (uint32_t)id;
}

/* --------------------------------------------------------------------- lock */

int volume_lock(struct volume *v, struct berth_error *err)
{
    struct locks *locks;
    int r = engine_locks(v->e, &locks, err);

    while (r == 0) {
        uint32_t id = lock_id(v);

        r = lockorder_acquire(locks, LOCK_CLASS_VOLUME, v->name, id, BERTH_WAIT_FOREVER, err);
        if (r < 0)
            return error_wrap(err, "acquiring lock %u of volume %s", id, v->name);
        r = store_vol_reload(v, err);
        if (r == 0 && lock_id(v) == id) {
            v->locked = true;
            return 0;
        }
        /* Gone, or renumbered while we waited. */
        lockorder_drop(locks, id, NULL);
    }
    return r;
}

void volume_unlock(struct volume *v)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    if (!v->locked)
        return;
    v->locked = false;
    if (lockorder_drop(v->e->locks, lock_id(v), &err) < 0)
        log_error("releasing lock %u of volume %s: %s", lock_id(v), v->name, error_text(&err));
}

/* ----------------------------------------------------------------- creating */

static int check_new(struct engine *e, const struct volume_new *what, struct berth_error *err)
{
    bool local = str_empty(what->driver) || str_eq(what->driver, "local");
    int r;

    if (!str_empty(what->name) && !name_is_valid(what->name))
        return fail(err, EINVAL, "running volume create option: " NAME_RULE);
    if (local && what->timeout >= 0)
        return fail(err, EINVAL,
                    "running volume create option: Volume driver timeout can only be used "
                    "with non-local volume drivers: invalid argument");
    r = str_empty(what->name) ? 0 : store_has(e, BERTH_VOLUME, what->name, err);
    if (r == 1)
        return fail(err, EEXIST, "volume with name %s already exists: volume already exists",
                    what->name);
    return r < 0 || !local ? r : volume_local_check(what, err);
}

static struct volume *new_object(struct engine *e, const struct volume_new *what)
{
    struct volume *v = calloc(1, sizeof(*v));
    char id[ID_LEN + 1], created[TIME_TEXT_MAX];
    json *c, *labels = what->labels ? spec_sorted(json_copy(what->labels)) : json_new();

    if (!v)
        return NULL;
    id_generate(id);
    v->e = e;
    v->name = strdup(str_empty(what->name) ? id : what->name);
    v->config = c = json_new();
    v->state = json_new();
    json_set_str(c, "name", v->name);
    json_set_i64(c, "lockID", 0);
    json_set(c, "labels", labels);
    json_set_str(c, "volumeDriver", str_empty(what->driver) ? "local" : what->driver);
    json_set_str(c, "mountPoint", "");
    json_set_str(c, "createdAt", time_format(time_now(), created));
    if (what->options && json_object_object_length(what->options))
        json_set(c, "volumeOptions", spec_sorted(json_copy(what->options)));
    json_set_bool(c, "isAnon", what->anonymous);
    json_set_i64(c, "uid", what->uid);
    json_set_i64(c, "gid", what->gid);
    json_set_u64(c, "size", what->size);
    json_set_u64(c, "inodes", what->inodes);
    json_opt_bool(c, "disableQuota", what->no_quota);
    if (what->timeout >= 0)
        json_set_i64(c, "timeout", what->timeout);
    json_set_i64(v->state, "mountCount", 0);
    json_set_bool(v->state, "notYetMounted", true);
    json_opt_bool(v->state, "notYetChowned", !what->keep_owner);
    return v;
}

static int allocate_lock(struct volume *v, struct intent *intent, struct berth_error *err)
{
    struct locks *locks;
    uint32_t id;
    int r = engine_locks(v->e, &locks, err);

    if (r == 0)
        r = intent_lock_wanted(intent, err);
    if (r == 0)
        r = lock_allocate(locks, &id, err);
    if (r == -ENOSPC)
        return fail(err, ENOSPC,
                    "allocating lock for new volume: allocation failed; exceeded num_locks "
                    "(%u)",
                    v->e->conf->num_locks);
    if (r < 0)
        return error_wrap(err, "allocating lock for new volume");
    json_set_i64(v->config, "lockID", id);
    return intent_lock_is(intent, id, err);
}

/* Its plugin; only of one that is not local. */
static int open_plugin(struct volume *v, struct volume_plugin *out, struct berth_error *err)
{
    int r = volume_plugin_open(v->e, volume_driver(v), json_i64(v->config, "timeout", -1), out,
                               err);

    return r < 0 ? error_wrap(err,
                              "volume %s uses volume plugin %s but it could not be retrieved",
                              v->name, volume_driver(v))
                 : 0;
}

/* Nothing of it is recorded: take away what there is. */
static void take_back(struct volume *v, struct intent *intent)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int64_t lock = intent->lock;

    if (intent->tree && volume_remove_tree(v->e, v->name, &why) < 0)
        log_error("removing the directory of volume %s: %s", v->name, error_text(&why));
    error_clear(&why);
    if (lock < 0)
        return;
    intent_lock_gone(intent);
    if (lock_release(v->e->locks, (uint32_t)lock, &why) < 0)
        log_error("freeing lock of volume %s: %s", v->name, error_text(&why));
}

/* Where its files will be. */
static int make_place(struct volume *v, const struct volume_new *what,
                      struct volume_plugin *plugin, bool *in_plugin, struct intent *intent,
                      struct berth_error *err)
{
    if (volume_is_local(v))
        return volume_local_make(v, what, intent, err);
    return what->in_plugin
               ? 0
               : volume_plugin_create(plugin, v->name, json_get(v->config, "volumeOptions"),
                                      in_plugin, err);
}

/* Signals are held. */
static int make(struct volume *v, const struct volume_new *what, struct volume_plugin *plugin,
                struct intent *intent, struct berth_error *err)
{
    bool in_plugin = false;
    int r = intent_begin_volume(v->e, v->name, what->owner, intent, err);

    if (r < 0)
        return r;
    /* Again, now that nobody else of us makes one of that name. */
    r = check_new(v->e, what, err);
    if (r == 0)
        r = volume_point("begun", err);
    if (r == 0)
        r = make_place(v, what, plugin, &in_plugin, intent, err);
    if (r == 0)
        r = volume_point("made", err);
    if (r == 0)
        r = allocate_lock(v, intent, err);
    if (r == 0)
        r = volume_point("locked", err);
    if (r == 0) {
        r = store_vol_add(v, err);
        if (r < 0)
            error_wrap(err, "adding volume to state");
    }
    if (r < 0 && in_plugin)
        volume_plugin_remove(plugin, v->name, NULL);
    if (r < 0)
        take_back(v, intent);
    return r;
}

int volume_create(struct engine *e, const struct volume_new *what, struct intent *intent,
                  struct volume **out, struct berth_error *err)
{
    _cleanup_volume_plugin_ struct volume_plugin plugin = {0};
    _cleanup_volume_ struct volume *v = NULL;
    struct intent own = INTENT_NONE, *i = intent ? intent : &own;
    sigset_t old;
    int r = check_new(e, what, err);

    if (r < 0)
        return r;
    v = new_object(e, what);
    if (!v || !v->name)
        return fail(err, ENOMEM, "out of memory");
    if (!volume_is_local(v)) {
        r = open_plugin(v, &plugin, err);
        if (r < 0)
            return r;
    }
    if (!intent)
        intent_recover(e);
    signals_hold(&old);
    r = make(v, what, &plugin, i, err);
    if (r == 0) {
        event_object(e, "volume", "create", NULL, v->name);
        volume_point("recorded", NULL);
    }
    if (r < 0 || !intent)
        intent_end(i);
    signals_release(&old);
    if (r == 0)
        *out = TAKE(v);
    return r;
}

/* ----------------------------------------------------------------- removing */

int volume_remove_tree(struct engine *e, const char *name, struct berth_error *err)
{
    _cleanup_volume_ struct volume *v = calloc(1, sizeof(*v));
    _cleanup_free_ char *dir = path_join(e->conf->volume_path, name);
    _cleanup_free_ char *data = dir ? path_join(dir, "_data") : NULL;
    struct stat st;

    if (!v || !data)
        return fail(err, ENOMEM, "out of memory");
    /* A link in its place goes, and nothing of what it leads to. */
    if (lstat(dir, &st) == 0 && !S_ISDIR(st.st_mode))
        return fs_remove_tree(dir, err);
    /* What was mounted there must not be emptied. */
    v->e = e;
    v->config = json_new();
    json_set_str(v->config, "mountPoint", data);
    while (volume_local_is_mounted(v)) {
        int r = volume_local_unmount(v, err);

        if (r < 0)
            return r;
    }
    return fs_remove_tree(dir, err);
}

/* Of a volume that is gone from its plugin, or whose plugin is gone, the record goes all the
 * same, and *why says so. */
static int remove_in_plugin(struct volume *v, struct berth_error *why, struct berth_error *err)
{
    _cleanup_volume_plugin_ struct volume_plugin plugin = {0};
    int r;

    if (volume_is_local(v) || v->lost)
        return 0;
    if (open_plugin(v, &plugin, why) < 0) {
        error_wrap(why, "cannot remove volume %s from plugin %s, but it has been removed here",
                   v->name, volume_driver(v));
        return 0;
    }
    if (volume_plugin_get(&plugin, v->name, NULL, why) < 0) {
        error_wrap(why,
                   "volume %s could not be retrieved from plugin %s, but it has been removed "
                   "here",
                   v->name, volume_driver(v));
        return 0;
    }
    r = volume_plugin_remove(&plugin, v->name, err);
    return r < 0 ? error_wrap(err, "volume %s could not be removed from plugin %s", v->name,
                              volume_driver(v))
                 : 0;
}

/* No more of it is made while its intent is begun, so that this is the last word. */
static int check_lost(struct volume *v, struct berth_error *err)
{
    _cleanup_volume_plugin_ struct volume_plugin plugin = {0};

    if (open_plugin(v, &plugin, NULL) < 0 ||
        volume_plugin_get(&plugin, v->name, NULL, NULL) < 0)
        return 0;
    return fail(err, EEXIST, "plugin %s has volume %s", volume_driver(v), v->name);
}

/* The lock is held; no container uses it. */
static int take_apart(struct volume *v, struct intent *intent, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT, left = ERROR_INIT;
    uint32_t lock = lock_id(v);
    bool local = volume_is_local(v);
    int r = v->lost ? check_lost(v, err) : volume_unmount_locked(v, NULL, true, err);

    if (r < 0 && v->lost)
        return r;
    if (r < 0)
        return error_wrap(err, "unmounting volume %s", v->name);
    r = intent_lock_is(intent, lock, err);
    if (r == 0 && local)
        r = intent_tree_is(intent, err);
    if (r == 0)
        r = volume_point("unmounted", err);
    if (r == 0)
        r = remove_in_plugin(v, &left, err);
    if (r == 0)
        r = store_vol_remove(v, err);
    if (r < 0)
        return r;
    volume_point("unrecorded", NULL);
    if (local)
        r = volume_remove_tree(v->e, v->name, err);
    volume_point("emptied", NULL);
    intent_lock_gone(intent);
    if (lock_release(v->e->locks, lock, &why) < 0)
        log_error("freeing lock of volume %s: %s", v->name, error_text(&why));
    event_object(v->e, "volume", "remove", NULL, v->name);
    if (r == 0 && left.code) {
        r = -left.code;
        error_move(err, &left);
        return r;
    }
    return r < 0 ? error_wrap(err, "removing volume %s", v->name) : 0;
}

static int in_use(const struct volume *v, const struct berth_list *users,
                  struct berth_error *err)
{
    _cleanup_free_ char *ids = list_join(users, ", ");

    fail(err, EBUSY,
         "volume %s is being used by the following container(s): %s: volume is being used",
         v->name, str_or(ids, ""));
    if (err)
        err->exit_status = 2;
    return -EBUSY;
}

int volume_remove_begun(struct volume *v, struct intent *intent, struct berth_error *err)
{
    _cleanup_list_ struct berth_list users = LIST_INIT;
    sigset_t old;
    int r = volume_lock(v, err);

    if (r == 0)
        r = store_vol_users(v, &users, err);
    if (r == 0 && users.n)
        r = in_use(v, &users, err);
    if (r == 0) {
        signals_hold(&old);
        r = take_apart(v, intent, err);
        signals_release(&old);
    }
    volume_unlock(v);
    return r;
}

/* Their locks come before that of the volume, which is not held here. */
static int remove_users(struct volume *v, const struct berth_list *users, uint32_t timeout,
                        struct berth_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < users->n; i++) {
        _cleanup_ctr_ struct ctr *c = NULL;

        r = ctr_load(v->e, users->items[i], &c, err);
        if (r == 0)
            r = ctr_remove(c, CTR_REMOVE_FORCE, timeout, err);
        if (r == -ENOENT) {
            error_clear(err);
            r = 0;
        }
        if (r < 0)
            return error_wrap(err, "removing container %s that depends on volume %s",
                              users->items[i], v->name);
    }
    return r;
}

int volume_remove(struct volume *v, bool force, uint32_t timeout, struct berth_error *err)
{
    int r = 0;

    intent_recover(v->e);
    for (int tries = 0; tries < REMOVE_TRIES; tries++) {
        _cleanup_list_ struct berth_list users = LIST_INIT;
        _cleanup_intent_ struct intent intent = INTENT_NONE;

        error_clear(err);
        r = store_vol_users(v, &users, err);
        if (r == 0 && users.n)
            r = force ? remove_users(v, &users, timeout, err) : in_use(v, &users, err);
        if (r == 0)
            r = intent_begin_volume(v->e, v->name, NULL, &intent, err);
        if (r == 0)
            r = volume_remove_begun(v, &intent, err);
        if (r != -EBUSY || !force)
            break;
    }
    return r;
}

int volume_forget(struct volume *v, struct berth_error *err)
{
    v->lost = true;
    return volume_remove(v, false, UINT32_MAX, err);
}

void volume_undo(struct volume *v, struct intent *intent)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r = volume_remove_begun(v, intent, &why);

    if (r < 0 && r != -ENOENT)
        log_error("removing volume %s: %s", v->name, error_text(&why));
}

void volume_remove_unused(struct engine *e, const char *name, struct intent *intent)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_volume_ struct volume *v = NULL;
    int r = volume_load(e, name, &v, &why);

    if (r == 0 && !intent->whole &&
        !(volume_is_local(v) && fs_is_empty_dir(AT_FDCWD, volume_where(v)) == 1))
        return;
    if (r == 0)
        r = volume_remove_begun(v, intent, &why);
    if (r == 0)
        log_info("removed volume %s of a container that a killed process made or removed",
                 name);
    else if (r != -EBUSY && r != -ENOENT)
        log_warning("removing volume %s: %s", name, error_text(&why));
}
