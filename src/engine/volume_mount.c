/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume_mount.c - volumes that need a mount, and how many use it.
 *
 * A mount that is there but not counted does no harm: the next one takes it over.  So the
 * count is written after mounting, and before unmounting.
 */
#include "base/log.h"
#include "base/str.h"
#include "engine/store.h"
#include "engine/volume.h"
#include "engine/volume_plugin.h"

static int save(struct volume *v, struct ctr *c, struct berth_error *err)
{
    return c ? store_vol_save_with(v, c, err) : store_vol_save(v, err);
}

/* ------------------------------------------------------------------- driver */

static int open_plugin(struct volume *v, struct volume_plugin *out, struct berth_error *err)
{
    return volume_plugin_open(v->e, volume_driver(v), json_i64(v->config, "timeout", -1), out,
                              err);
}

static bool is_mounted(const struct volume *v)
{
    if (volume_is_local(v))
        return volume_local_is_mounted(v);
    return json_u64(v->state, "mountCount", 0) > 0 && *volume_where(v);
}

/* Sets where, of a plugin's. */
static int do_mount(struct volume *v, struct berth_error *err)
{
    _cleanup_volume_plugin_ struct volume_plugin plugin = {0};
    _cleanup_free_ char *where = NULL;
    int r;

    if (volume_is_local(v))
        return volume_local_mount(v, err);
    r = open_plugin(v, &plugin, err);
    if (r == 0)
        r = volume_plugin_mount(&plugin, v->name, &where, err);
    if (r == 0)
        json_set_str(v->state, "mountPoint", where);
    return r;
}

static int do_unmount(struct volume *v, struct berth_error *err)
{
    _cleanup_volume_plugin_ struct volume_plugin plugin = {0};
    int r;

    if (volume_is_local(v))
        return volume_local_unmount(v, err);
    r = open_plugin(v, &plugin, err);
    return r < 0 ? r : volume_plugin_unmount(&plugin, v->name, err);
}

/* -------------------------------------------------------------------- count */

int volume_mount_locked(struct volume *v, struct ctr *c, struct berth_error *err)
{
    uint64_t count = json_u64(v->state, "mountCount", 0);
    bool mounted = false;
    int r = 0;

    if (!volume_needs_mount(v))
        return 0;
    if (!is_mounted(v)) {
        if (count)
            log_warning("volume %s was mounted and is no more: mounting it again", v->name);
        count = 0;
        r = do_mount(v, err);
        mounted = r == 0;
        if (r == 0)
            r = volume_point("mounted", err);
    }
    if (r == 0) {
        json_set_u64(v->state, "mountCount", count + 1);
        r = save(v, c, err);
        if (r < 0)
            json_set_u64(v->state, "mountCount", count);
    }
    if (r < 0 && mounted) {
        do_unmount(v, NULL);
        if (!volume_is_local(v))
            json_del(v->state, "mountPoint");
    }
    return r;
}

/* The last use ends: written first, so that what is counted is there; taken back where the
 * unmount fails. */
static int end_last(struct volume *v, struct ctr *c, uint64_t count, struct berth_error *err)
{
    _cleanup_free_ char *where = strdup(volume_where(v));
    bool local = volume_is_local(v), there = count > 0 || local;
    int r;

    json_set_u64(v->state, "mountCount", 0);
    if (!local)
        json_del(v->state, "mountPoint");
    r = save(v, c, err);
    if (r < 0 || !there)
        return r;
    r = do_unmount(v, err);
    if (r < 0 && !local) {
        json_set_u64(v->state, "mountCount", count);
        json_opt_str(v->state, "mountPoint", where);
        store_vol_save(v, NULL);
    }
    return r;
}

int volume_unmount_locked(struct volume *v, struct ctr *c, bool force, struct berth_error *err)
{
    uint64_t count = json_u64(v->state, "mountCount", 0);

    if (!volume_needs_mount(v))
        return 0;
    if (count == 0 && !c)
        return force && volume_is_local(v) && is_mounted(v) ? do_unmount(v, err) : 0;
    if (force || count <= 1)
        return end_last(v, c, count, err);
    json_set_u64(v->state, "mountCount", count - 1);
    return save(v, c, err);
}

int volume_mount(struct volume *v, struct berth_error *err)
{
    int r = volume_lock(v, err);

    if (r < 0)
        return r;
    r = volume_mount_locked(v, NULL, err);
    volume_unlock(v);
    return r;
}

int volume_unmount(struct volume *v, bool force, struct berth_error *err)
{
    int r = volume_lock(v, err);

    if (r < 0)
        return r;
    r = volume_unmount_locked(v, NULL, force, err);
    volume_unlock(v);
    return r;
}
