/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - opening and closing the engine and its parts; see engine.h. */
#include "engine/engine.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/boot.h"
#include "engine/intent.h"
#include "engine/migrate.h"
#include "engine/oci_named.h"
#include "engine/store.h"
#include "engine/system_marker.h"
#include "load/load.h"
#include "storage/storage.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* One OCI runtime that was opened. */
struct engine_oci {
    char *name; /* as containers record it */
    struct oci *oci;
};

/* -------------------------------------------------------------------- state */

/* Files that can hold a store: one of any format has at least a page.  Locks and notes, which
 * other programs keep in the same folders, are smaller. */
#define LEAST_STORE 4096

static int count_store(void *arg, int fd, const char *name, unsigned char type)
{
    unsigned *n = arg;
    struct stat st;

    *n += type != DT_DIR && fstatat(fd, name, &st, 0) == 0 && S_ISREG(st.st_mode) &&
          st.st_size >= LEAST_STORE;
    return 0;
}

static unsigned count_stores(const char *dir)
{
    _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    unsigned n = 0;

    if (fd >= 0)
        fs_list(fd, count_store, &n);
    return n;
}

/* Nothing there, or one file which is the default's: no other plugin need be loaded to find
 * out that it has no store here.  Stores are in the static directory or in the graph root. */
static int is_default_state(struct engine *e, bool *there, struct berth_error *err)
{
    unsigned n = count_stores(e->conf->static_dir);
    int r;

    if (!str_eq(e->conf->static_dir, e->conf->graph_root))
        n += count_stores(e->conf->graph_root);
    if (n != 1)
        return n == 0;
    r = state_probe(e->conf, BERTH_DEFAULT_STATE, &e->place, err);
    if (r == -ENOENT || r == -ENOEXEC) {
        error_clear(err); /* the default is not installed: another may be */
        return 0;
    }
    *there = r == BERTH_PROBE_MINE;
    return r < 0 ? r : *there;
}

/*
 * Two formats of podman's side by side are what its own move from one to the other leaves
 * when it is interrupted.  podman 5.8 then uses the newer format, and so do we, or each would
 * see other containers.  Of formats that other programs write, the newer is the one that
 * keeps the networks of containers inside their documents.  NULL: that is not what it is.
 */
static const char *podmans_choice(const struct engine *e, const struct berth_list *found)
{
    const char *choice = NULL;
    size_t links = 0;

    for (size_t i = 0; i < found->n; i++) {
        const struct plugin *p;

        if (plugin_load(e->conf, BERTH_KIND_STATE, found->items[i], &p, NULL) < 0 ||
            !(p->desc.caps & BERTH_STATE_CAP_FOREIGN))
            return NULL;
        if (p->desc.caps & BERTH_STATE_CAP_NETWORKS)
            links++;
        else
            choice = found->items[i];
    }
    return found->n == 2 && links == 1 ? choice : NULL;
}

/* Without StateType, the store that is there decides; several that are there are refused,
 * since each may hold containers.  *there: there is one. */
static int detect_state(struct engine *e, const char **out, bool *there,
                        struct berth_error *err)
{
    _cleanup_list_ struct berth_list names = LIST_INIT, found = LIST_INIT;
    const char *choice;
    int r = is_default_state(e, there, err);

    *out = BERTH_DEFAULT_STATE;
    if (r != 0)
        return r < 0 ? r : 0;
    r = plugin_names(e->conf, BERTH_KIND_STATE, &names, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < names.n; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        r = state_probe(e->conf, names.items[i], &e->place, &why);
        if (r == -ENOTSUP)
            return error_move(err, &why), r;
        if (r < 0)
            log_debug("state plugin %s: %s", names.items[i], error_text(&why));
        if (r == BERTH_PROBE_MINE)
            list_add(&found, names.items[i]);
    }
    choice = found.n == 1 ? found.items[0] : podmans_choice(e, &found);
    if (found.n > 1) {
        _cleanup_free_ char *all = list_join(&found, ", ");

        if (!choice)
            return fail(err, EEXIST,
                        "%s holds several state stores (%s): choose one with StateType in "
                        "berth.conf or --state-type, and bring the others into it with `berth "
                        "state merge`",
                        e->conf->static_dir, str_or(all, ""));
        log_warning("there are several state stores (%s): using %s, as podman 5.8 does; `berth "
                    "state merge` brings the others into it",
                    str_or(all, ""), choice);
    }
    if (choice && conf_adopt(&e->conf->state_type, choice) < 0)
        return fail(err, ENOMEM, "out of memory");
    if (choice)
        *out = e->conf->state_type;
    *there = choice != NULL;
    return 0;
}

/* Plugins that cannot be used are refused before anything is made.  Once this store was put
 * right after a boot, nothing is made at a start, and the locks' plugin has time until a lock
 * is needed. */
static int prepare(struct engine *e, struct berth_error *err)
{
    int r = 0;

    if (boot_marker_status(e->conf) != MARKER_CURRENT)
        r = wrap_prepare(e->conf, BERTH_KIND_LOCK, e->conf->lock_type, err);
    if (r == 0 && !str_empty(e->conf->state_type))
        r = wrap_prepare(e->conf, BERTH_KIND_STATE, e->conf->state_type, err);
    return r;
}

static int open_state(struct engine *e, unsigned flags, struct berth_error *err)
{
    bool readonly = flags & ENGINE_READONLY;
    bool make = !(flags & (ENGINE_READONLY | ENGINE_EXISTING));
    const char *name = e->conf->state_type;
    bool there = false;
    int r;

    if (readonly)
        e->place.flags |= BERTH_PLACE_READONLY;
    else {
        r = prepare(e, err);
        if (r < 0)
            return r;
        r = make ? fs_mkdir_p(e->conf->static_dir, 0700, err) : 0;
        if (r < 0)
            return error_wrap(err, "creating runtime static files directory");
    }
    if (str_empty(name)) {
        r = detect_state(e, &name, &there, err);
        if (r < 0)
            return r;
    }
    /* A store that was there and is gone now was moved: one must not be made in its place. */
    r = state_open(e->conf, name, &e->place, NULL, 0, make && !there ? BERTH_STATE_CREATE : 0,
                   &e->state, err);
    if (r == 0)
        r = store_validate(e, readonly, err);
    conf_place(e->conf, &e->place);
    if (readonly)
        e->place.flags |= BERTH_PLACE_READONLY;
    return r;
}

int engine_open(struct conf *conf, unsigned flags, struct engine **out, struct berth_error *err)
{
    _cleanup_engine_ struct engine *e = calloc(1, sizeof(*e));
    int r;

    if (!e)
        return fail(err, ENOMEM, "out of memory");
    e->conf = conf;
    e->alive_fd = -1;
    conf_place(conf, &e->place);
    r = migrate_check(conf, err);
    if (r == 0)
        r = open_state(e, flags, err);
    if (r < 0)
        return r;
    if (!(flags & (ENGINE_READONLY | ENGINE_NO_BOOT))) {
        r = boot_check(e, err);
        if (r < 0)
            return r;
        intent_recover(e);
    }
    *out = TAKE(e);
    return 0;
}

void engine_close(struct engine *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < e->n_ocis; i++) {
        oci_close(e->ocis[i].oci);
        free(e->ocis[i].name);
    }
    free(e->ocis);
    net_close(e->net);
    storage_close(e->storage);
    lock_close(e->locks);
    state_close(e->state);
    alive_unlock(e);
    free(e);
}

/* -------------------------------------------------------------------- parts */

int engine_locks(struct engine *e, struct locks **out, struct berth_error *err)
{
    int r = e->locks ? 0 : boot_locks(e, err);

    *out = e->locks;
    return r;
}

int engine_net(struct engine *e, struct net **out, struct berth_error *err)
{
    _cleanup_free_ char *helpers = list_join(&e->conf->helper_binaries_dir, " ");
    const struct conf_override hints[] = {
        {"helper_binaries_dir", str_or(helpers, ""), true},
        {"default_network", e->conf->default_network, true},
        {"network_config_dir", e->conf->network_config_dir, true},
    };
    size_t n = ARRAY_LEN(hints) - str_empty(e->conf->network_config_dir);
    int r = 0;

    if (!e->net)
        r = net_open(e->conf, str_or(e->conf->network_backend, BERTH_DEFAULT_NET), &e->place,
                     hints, n, &e->net, err);
    *out = e->net;
    return r;
}

int engine_storage(struct engine *e, struct storage **out, struct berth_error *err)
{
    const char *driver = e->conf->storage_driver;
    int r = 0;

    if (!e->storage)
        r = storage_open(e->conf->graph_root, e->conf->run_root,
                         str_empty(driver) ? "overlay" : driver, &e->storage, err);
    *out = e->storage;
    return r;
}

const char *engine_oci_default(const struct engine *e)
{
    return str_empty(e->conf->oci_runtime) ? BERTH_DEFAULT_OCI : e->conf->oci_runtime;
}

int engine_oci(struct engine *e, const char *name, struct oci **out, struct berth_error *err)
{
    bool recorded = !str_empty(name);
    struct engine_oci *more;
    struct oci *oci = NULL;
    int r;

    if (!recorded)
        name = engine_oci_default(e);
    for (size_t i = 0; i < e->n_ocis; i++)
        if (str_eq(e->ocis[i].name, name)) {
            *out = e->ocis[i].oci;
            return 0;
        }
    more = realloc(e->ocis, (e->n_ocis + 1) * sizeof(*more));
    if (!more)
        return fail(err, ENOMEM, "out of memory");
    e->ocis = more;
    r = oci_open_named(e, name, &oci, err);
    if (recorded && (r == -ENOEXEC || r == -ENOENT)) {
        /* What needs no runtime goes on working: looking at it, removing what has ended. */
        log_error("%s", error_text(err));
        error_clear(err);
        r = oci_open_missing(name, &oci, err);
    }
    if (r < 0)
        return r;
    e->ocis[e->n_ocis] = (struct engine_oci){strdup(name), oci};
    e->n_ocis++;
    *out = oci;
    return 0;
}

/* ------------------------------------------------------------- exit command */

static void add_flag(struct berth_list *out, const char *flag, const char *value)
{
    list_add(out, flag);
    list_add(out, value ? value : "");
}

int engine_self(const struct engine *e, struct berth_list *out, struct berth_error *err)
{
    const struct conf *c = e->conf;
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (n < 0)
        return fail_errno(err, errno, "finding this program's own path");
    self[n] = '\0';
    list_add(out, self);
    add_flag(out, "--root", c->graph_root);
    add_flag(out, "--runroot", c->run_root);
    add_flag(out, "--log-level", log_level_name(log_level()));
    add_flag(out, "--cgroup-manager", c->cgroup_manager);
    add_flag(out, "--tmpdir", c->tmp_dir);
    add_flag(out, "--network-config-dir", c->network_config_dir);
    add_flag(out, "--network-backend", str_or(c->network_backend, BERTH_DEFAULT_NET));
    add_flag(out, "--volumepath", c->volume_path);
    if (!str_empty(c->oci_runtime))
        add_flag(out, "--runtime", c->oci_runtime);
    if (!str_empty(c->storage_driver))
        add_flag(out, "--storage-driver", c->storage_driver);
    if (!str_empty(c->events_logger))
        add_flag(out, "--events-backend", c->events_logger);
    conf_exit_flags(c, out);
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}

int engine_exit_command(const struct engine *e, bool auto_remove, struct berth_list *out,
                        struct berth_error *err)
{
    int r = engine_self(e, out, err);

    if (r < 0)
        return r;
    list_add(out, "container");
    list_add(out, "cleanup");
    if (auto_remove)
        list_add(out, "--rm");
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}
