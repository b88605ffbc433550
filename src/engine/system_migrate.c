/* SPDX-License-Identifier: Apache-2.0 */
/* system_migrate.c - see system_migrate.h. */
#include "engine/system_migrate.h"
#include "base/fs.h"
#include "base/str.h"
#include "engine/boot.h"
#include "engine/store.h"
#include "rootless/rootless.h"

static int check_runtime(struct engine *e, const char *runtime, struct berth_error *err)
{
    struct oci *oci;

    if (str_empty(runtime))
        return 0;
    if (engine_oci(e, runtime, &oci, err) == 0 && !oci_is_missing(oci))
        return 0;
    error_clear(err);
    return fail(err, EINVAL, "default OCI runtime \"%s\" not found: invalid argument", runtime);
}

static int stop_running(struct engine *e, void (*stopped)(const struct ctr *c),
                        struct berth_error *err)
{
    struct ctr **ctrs = NULL;
    size_t n = 0;
    int r = ctr_load_all(e, (1u << CTR_RUNNING) | (1u << CTR_PAUSED), &ctrs, &n, err);

    for (size_t i = 0; r == 0 && i < n; i++) {
        if (ctr_status(ctrs[i]) == CTR_PAUSED)
            r = ctr_unpause(ctrs[i], err);
        if (r == 0)
            r = ctr_stop(ctrs[i], ctr_stop_timeout(ctrs[i]), err);
        if (r == -ESRCH || r == -ENOENT) { /* ended, or removed at its end, by itself */
            error_clear(err);
            r = 0;
        }
        if (r == 0)
            stopped(ctrs[i]);
        else
            error_wrap(err, "migrating container %s", ctrs[i]->id);
    }
    ctr_free_all(ctrs, n);
    return r;
}

static bool change(struct ctr *c, const char *runtime)
{
    const char *pid_file = json_str(c->config, "conmonPidFile");
    _cleanup_free_ char *old = path_join(ctr_run_dir(c), "conmon.pid");
    _cleanup_free_ char *stable = path_join(ctr_static_dir(c), "conmon.pid");
    bool changed = false;

    if (!str_empty(pid_file) && stable && str_eq(pid_file, old)) {
        json_set_str(c->config, "conmonPidFile", stable);
        changed = true;
    }
    if (!str_empty(runtime) && !str_eq(ctr_runtime(c), runtime)) {
        json_set_str(c->config, "runtime", runtime);
        changed = true;
    }
    return changed;
}

/* What is set up in the old runtime must be gone before the new one is recorded. */
static int migrate_one(struct ctr *c, const char *runtime, struct berth_error *err)
{
    int r;

    if (!str_empty(runtime) && !str_eq(ctr_runtime(c), runtime) &&
        (ctr_status(c) == CTR_CREATED || ctr_status(c) == CTR_STOPPED)) {
        r = ctr_cleanup(c, err);
        if (r < 0)
            return r;
    }
    r = ctr_lock(c, err);
    if (r == 0 && change(c, runtime))
        r = store_rewrite(c, c->name, err);
    ctr_unlock(c);
    return r;
}

static int migrate_all(struct engine *e, const char *runtime, struct berth_error *err)
{
    struct ctr **ctrs = NULL;
    size_t n = 0;
    int r = ctr_load_all(e, 0, &ctrs, &n, err);

    for (size_t i = 0; r == 0 && i < n; i++) {
        r = migrate_one(ctrs[i], runtime, err);
        if (r == -ENOENT) {
            error_clear(err);
            r = 0;
        }
        if (r < 0)
            error_wrap(err, "migrating container %s", ctrs[i]->id);
    }
    ctr_free_all(ctrs, n);
    return r;
}

int system_migrate(struct engine *e, const char *runtime, void (*stopped)(const struct ctr *c),
                   struct berth_error *err)
{
    int r = check_runtime(e, runtime, err);

    if (r == 0)
        r = alive_lock(e, err);
    if (r == 0)
        r = stop_running(e, stopped, err);
    if (r == 0)
        r = migrate_all(e, runtime, err);
    if (r == 0)
        r = rootless_end_pause(e->conf, err);
    alive_unlock(e);
    return r;
}
