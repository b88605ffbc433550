/* SPDX-License-Identifier: Apache-2.0 */
/* reset.c - see reset.h. */
#include "engine/reset.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/boot.h"
#include "engine/ctr.h"
#include "engine/events.h"
#include "engine/lockorder.h"
#include "engine/store.h"
#include "engine/system_marker.h"
#include "engine/system_numbers.h"
#include "engine/system_signals.h"
#include "rootless/rootless.h"
#include "storage/storage.h"
#include <dirent.h>
#include <sys/mount.h>

/* Keep the newest failure for the caller, log the one before. */
static void note(int r, struct berth_error *why, int *last, struct berth_error *err)
{
    if (r >= 0)
        return;
    if (*last < 0)
        log_error("%s", error_text(err));
    error_move(err, why);
    *last = r;
}

/* ------------------------------------------------------------------ volumes */

/* podman leaves links of containers that it removed. */
static int is_live_link(void *arg, const struct berth_link *link)
{
    struct berth_record rec = {.size = sizeof(rec)};

    return txn_get(arg, BERTH_CONTAINER, link->from, 0, &rec, NULL) == 0;
}

int reset_volume_used(struct txn *t, const char *name, struct berth_error *err)
{
    return txn_links(t, BERTH_LINK_VOLUME, BERTH_TO, name, is_live_link, t, err);
}

/* Its lock is held. */
static int take_volume(struct engine *e, const char *name, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec = {.size = sizeof(rec)};
    _cleanup_json_ json *config = NULL;
    const char *driver;
    int r = store_begin(e, true, &t, err);

    if (r == 0)
        r = txn_get(t, BERTH_VOLUME, name, BERTH_REC_CONFIG, &rec, err);
    if (r == 0)
        r = json_parse_object(rec.config, name, &config, err);
    if (r < 0)
        return error_wrap(err, "volume %s", name);
    driver = json_str(config, "volumeDriver");
    if (!str_empty(driver) && !str_eq(driver, "local"))
        return fail(err, ENOTSUP, "volume %s belongs to the volume plugin %s", name, driver);
    r = reset_volume_used(t, name, err);
    if (r == 1)
        return fail(err, EBUSY, "volume %s is being used by a container: volume is being used",
                    name);
    if (r == 0) {
        int64_t n = txn_unlink_all(t, BERTH_LINK_VOLUME, BERTH_TO, name, err);

        r = n < 0 ? (int)n : txn_remove(t, BERTH_VOLUME, name, err);
    }
    return r < 0 ? r : txn_commit(&t, err);
}

static void unmount_below(const char *dir);

static int find_number(struct engine *e, uint32_t kind, const char *id, int64_t *lock,
                       struct berth_error *err)
{
    _cleanup_numbers_ struct numbers all = {0};
    int r = numbers_scan(e->state, &all, err);

    for (size_t i = 0; r == 0 && i < all.n; i++)
        if (all.items[i].kind == kind && str_eq(all.items[i].id, id)) {
            *lock = all.items[i].lock;
            return 0;
        }
    return r < 0 ? r : fail(err, ENOENT, "no %s \"%s\"", numbered_kind(kind), id);
}

int reset_volume(struct engine *e, const char *name, struct berth_error *err)
{
    _cleanup_free_ char *dir = path_join(e->conf->volume_path, name);
    _cleanup_volume_ struct volume *v = NULL;
    struct locks *locks;
    int64_t lock = -1;
    int r;

    if (volume_load(e, name, &v, NULL) == 0)
        return volume_remove(v, false, UINT32_MAX, err);
    /* A damaged record: without it. */
    r = find_number(e, BERTH_VOLUME, name, &lock, err);

    if (r == 0)
        r = engine_locks(e, &locks, err);
    if (r == 0 && (lock < 0 || !dir))
        r = fail(err, EUCLEAN, "volume %s has no usable lock number", name);
    if (r == 0)
        r = lockorder_acquire(locks, LOCK_CLASS_VOLUME, name, (uint32_t)lock,
                              BERTH_WAIT_FOREVER, err);
    if (r < 0)
        return r;
    r = take_volume(e, name, err);
    if (r == 0) {
        unmount_below(dir);
        r = fs_remove_tree(dir, err);
        lock_release(locks, (uint32_t)lock, NULL);
        event_object(e, "volume", "remove", NULL, name);
    }
    lockorder_drop(locks, (uint32_t)lock, NULL);
    return r;
}

static int remove_volumes(struct engine *e, struct berth_error *err)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    int last = store_ids(e, BERTH_VOLUME, 0, &names, err);

    for (size_t i = 0; i < names.n; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        note(reset_volume(e, names.items[i], &why), &why, &last, err);
    }
    return last;
}

/* ------------------------------------------------------- containers and pods */

/* Containers that others need can be removed once those are gone: as long as one goes, go
 * round again. */
static int remove_ctrs(struct engine *e, struct berth_error *err)
{
    struct ctr **ctrs = NULL;
    size_t n = 0, gone;
    int r = ctr_load_all(e, 0, &ctrs, &n, err);

    if (r < 0)
        return r;
    do {
        gone = 0;
        r = 0;
        error_clear(err);
        for (size_t i = 0; i < n; i++) {
            _cleanup_error_ struct berth_error why = ERROR_INIT;
            int one;

            if (!ctrs[i])
                continue;
            one = ctr_remove(ctrs[i], CTR_REMOVE_FORCE | CTR_REMOVE_VOLUMES | CTR_REMOVE_INFRA,
                             0, &why);
            if (one == 0 || one == -ENOENT) {
                ctr_free(ctrs[i]);
                ctrs[i] = NULL;
                gone++;
            } else {
                log_debug("removing container %s: %s", ctrs[i]->id, error_text(&why));
                error_move(err, &why);
                r = one;
            }
        }
    } while (r < 0 && gone > 0);
    for (size_t i = 0; i < n; i++)
        ctr_free(ctrs[i]);
    free(ctrs);
    return r;
}

static int remove_pod(struct engine *e, const char *id, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct locks *locks;
    int64_t lock = -1;
    int r = find_number(e, BERTH_POD, id, &lock, err);

    if (r == 0)
        r = store_begin(e, true, &t, err);
    if (r == 0)
        r = txn_remove(t, BERTH_POD, id, err);
    if (r == 0)
        r = txn_commit(&t, err);
    if (r == 0 && lock >= 0 && engine_locks(e, &locks, NULL) == 0)
        lock_release(locks, (uint32_t)lock, NULL);
    return r;
}

static int remove_pods(struct engine *e, struct berth_error *err)
{
    _cleanup_list_ struct berth_list ids = LIST_INIT;
    int last = store_ids(e, BERTH_POD, 0, &ids, err);

    for (size_t i = 0; i < ids.n; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        note(remove_pod(e, ids.items[i], &why), &why, &last, err);
    }
    return last;
}

/* ----------------------------------------------------------------- networks */

static int add_network(void *arg, const char *name, const char *id _unused_,
                       struct berth_blob network _unused_)
{
    return list_add(arg, name);
}

static int remove_networks(struct engine *e, struct berth_error *err)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    struct net *net;
    int last = engine_net(e, &net, err);

    if (last == 0)
        last = net_list(net, add_network, &names, err);
    if (last == -ENOTSUP) {
        error_clear(err);
        last = 0;
    }
    for (size_t i = 0; i < names.n; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        const char *preset = net_default_name(net);
        int r;

        if (str_eq(names.items[i], preset))
            continue;
        r = net_remove(net, names.items[i], &why);
        note(r == -ENOENT ? 0 : r, &why, &last, err);
    }
    return last;
}

/* -------------------------------------------------------------- directories */

static void unmount_below(const char *dir)
{
    _cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
    _cleanup_list_ struct berth_list points = LIST_INIT;
    _cleanup_free_ char *line = NULL;
    size_t cap = 0, n = strlen(dir);

    while (f && getline(&line, &cap, f) > 0) {
        char *at = line, *point = NULL;

        for (int i = 0; i < 5 && at; i++)
            point = strsep(&at, " ");
        if (point && strncmp(point, dir, n) == 0 && point[n] == '/')
            list_add(&points, point);
    }
    for (size_t i = points.n; i-- > 0;)
        umount2(points.items[i], MNT_DETACH | UMOUNT_NOFOLLOW);
}

/* What containers/storage, libpod and berth make.  A name that ends with "*" is a beginning. */
static const char *const graph_names[] = {"libpod",
                                          "volumes",
                                          "secrets",
                                          "networks",
                                          "mounts",
                                          "tmp",
                                          "cache",
                                          "storage.lock",
                                          "userns.lock",
                                          "defaultNetworkBackend",
                                          "db.sql*",
                                          "overlay",
                                          "overlay-*",
                                          "vfs",
                                          "vfs-*",
                                          "btrfs*",
                                          "zfs*",
                                          "aufs*",
                                          ".has-mount-program",
                                          "layers.lock",
                                          "images.lock",
                                          NULL};
static const char *const run_names[] = {"overlay", "overlay-*", "vfs",   "vfs-*", "networks",
                                        "btrfs*",  "zfs*",      "aufs*", NULL};
static const char *const tmp_names[] = {
    "alive",           "exits",         "events",  "events*", "locks",  "locks.guard",
    "berth",           "berth-seccomp", "intents", "persist", "socket", "pause.pid*",
    "containers-root", "rootlessport*", "cni",     "attach",  "rundir", NULL};
/* Last of all, still held. */
static const char *const lock_names[] = {"alive.lck", NULL};

static bool is_named(const char *const *names, const char *name)
{
    for (; *names; names++) {
        size_t n = strlen(*names);

        if ((*names)[n - 1] == '*' ? strncmp(*names, name, n - 1) == 0
                                   : strcmp(*names, name) == 0)
            return true;
    }
    return false;
}

/* Remove entries of these names, then the directory if nothing is left.  What is left is added
 * to `left`, unless that is NULL. */
static int empty_dir(const char *dir, const char *const *names, struct berth_list *left,
                     struct berth_error *err)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    size_t stay = 0;
    int last = 0;

    if (!d)
        return errno == ENOENT ? 0 : fail_errno(err, errno, "opening %s", dir);
    while ((entry = readdir(d))) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        _cleanup_free_ char *path = path_join(dir, entry->d_name);

        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, "..") || !path)
            continue;
        if (is_named(names, entry->d_name)) {
            note(fs_remove_tree(path, &why), &why, &last, err);
        } else {
            stay++;
            if (left)
                list_add(left, path);
        }
    }
    closedir(d);
    /* A mount point stays, and so does a directory that somebody just wrote into. */
    if (stay == 0 && rmdir(dir) < 0 && errno != EBUSY && errno != ENOTEMPTY && errno != ENOENT)
        note(fail_errno(err, errno, "removing %s", dir), err, &last, err);
    return last;
}

static int same_run_root(void *arg, const struct boot_marker *m)
{
    const struct conf *c = arg;

    return str_eq(m->run_root, c->run_root) ? 2 : 0;
}

static int any_other(void *arg _unused_, const struct boot_marker *m _unused_)
{
    return 1;
}

/* The static directory, where it is not in the graph root: only the store's own files. */
static void remove_static(struct engine *e, struct berth_list *files)
{
    _cleanup_free_ char *root = str_printf("%s/", e->conf->graph_root);

    if (!root || str_starts(e->conf->static_dir, root))
        return;
    for (size_t i = 0; i < files->n; i++)
        unlink(files->items[i]);
    rmdir(e->conf->static_dir);
}

static int remove_dirs(struct engine *e, struct berth_list *left, struct berth_error *err)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const struct conf *c = e->conf;
    bool shared_run = boot_marker_each_other(c, same_run_root, (void *)(uintptr_t)c) == 2;
    bool shared_tmp = boot_marker_each_other(c, any_other, NULL) == 1;
    _cleanup_list_ struct berth_list files = LIST_INIT;
    int last = 0;
    const struct {
        const char *dir;
        const char *const *names;
        bool keep;
    } dirs[] = {{c->graph_root, graph_names, false},
                {c->run_root, run_names, shared_run},
                {c->tmp_dir, tmp_names, shared_tmp}};

    state_files(e->state, &files, NULL);
    boot_marker_remove(c);
    unmount_below(c->graph_root);
    if (!shared_run)
        unmount_below(c->run_root);
    remove_static(e, &files);
    if (!shared_tmp) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        note(rootless_end_pause(c, &why), &why, &last, err);
    }
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        if (dirs[i].keep)
            continue;
        if (!str_empty(runtime) && str_eq(dirs[i].dir, runtime))
            note(fail(&why, EINVAL,
                      "failed to remove runtime dir %s, since it is the same as "
                      "XDG_RUNTIME_DIR",
                      runtime),
                 &why, &last, err);
        else
            note(empty_dir(dirs[i].dir, dirs[i].names, dirs[i].names == tmp_names ? NULL : left,
                           &why),
                 &why, &last, err);
    }
    if (!shared_tmp)
        empty_dir(c->tmp_dir, lock_names, left, NULL);
    return last;
}

/* ---------------------------------------------------------------------- all */

/* Numbers of what could not be removed in order: the store that has them goes. */
static int free_numbers(struct engine *e, struct berth_error *err)
{
    _cleanup_numbers_ struct numbers all = {0};
    struct locks *locks;
    int r = numbers_scan(e->state, &all, err);

    if (r == 0 && all.n)
        r = engine_locks(e, &locks, err);
    for (size_t i = 0; r == 0 && i < all.n; i++)
        if (all.items[i].lock >= 0)
            lock_release(locks, (uint32_t)all.items[i].lock, NULL);
    return r;
}

static int note_external(void *arg, const struct storage_container *c)
{
    _cleanup_free_ char *names = list_join(&c->names, ",");

    return list_addf(arg, "%.12s (%s)", c->id, str_or(names, ""));
}

struct external {
    struct engine *e;
    struct berth_list known, *out;
};

static int check_external(void *arg, const struct storage_container *c)
{
    struct external *x = arg;

    return list_has(&x->known, c->id) ? 0 : note_external(x->out, c);
}

int reset_external(struct engine *e, struct berth_list *out, struct berth_error *err)
{
    struct external x = {.e = e, .out = out};
    char *ns = TAKE(e->conf->namespace_);
    struct storage *storage;
    int r = store_ids(e, BERTH_CONTAINER, 0, &x.known, err);

    e->conf->namespace_ = ns;
    if (r == 0)
        r = engine_storage(e, &storage, err);
    if (r == 0)
        r = storage_container_each(storage, check_external, &x, err);
    list_free(&x.known);
    return r;
}

int reset_all(struct engine *e, struct berth_list *left, struct berth_error *err)
{
    static int (*const steps[])(struct engine * e, struct berth_error * err) = {
        remove_ctrs, remove_pods, remove_volumes, remove_networks, free_numbers};
    char *ns = TAKE(e->conf->namespace_);
    sigset_t old;
    int last = alive_lock(e, err);

    if (last < 0) {
        e->conf->namespace_ = ns;
        return last;
    }
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        note(steps[i](e, &why), &why, &last, err);
    }
    signals_hold(&old); /* a store without its directories is none */
    {
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        note(remove_dirs(e, left, &why), &why, &last, err);
    }
    signals_release(&old);
    alive_unlock(e);
    e->conf->namespace_ = ns;
    return last;
}
