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

static int save(struct volume *v, struct ctr *c, struct berth_error *err)
{
    return c ? store_vol_save_with(v, c, err) : store_vol_save(v, err);
}

static bool is_mounted(const struct volume *v)
{
    return volume_local_is_mounted(v);
}

int volume_mount_locked(struct volume *v, struct ctr *c, struct berth_error *err)
{
    uint64_t count = json_u64(v->state, "mountCount", 0);
    bool there;
    int r = 0;

    if (!volume_needs_mount(v))
        return 0;
    there = is_mounted(v);
    if (!there) {
        if (count)
            log_warning("volume %s was mounted and is no more: mounting it again", v->name);
        count = 0;
        r = volume_local_mount(v, err);
        if (r == 0)
            r = volume_point("mounted", err);
    }
    if (r == 0) {
        json_set_u64(v->state, "mountCount", count + 1);
        r = save(v, c, err);
        if (r < 0)
            json_set_u64(v->state, "mountCount", count);
    }
    if (r < 0 && !there)
        volume_local_unmount(v, NULL);
    return r;
}

int volume_unmount_locked(struct volume *v, struct ctr *c, bool force, struct berth_error *err)
{
    uint64_t count = json_u64(v->state, "mountCount", 0);
    int r;

    if (!volume_needs_mount(v))
        return 0;
    if (count == 0 && !c)
        return is_mounted(v) && force ? volume_local_unmount(v, err) : 0;
    count = force || count == 0 ? 0 : count - 1;
    json_set_u64(v->state, "mountCount", count);
    r = save(v, c, err);
    if (r == 0 && count == 0)
        r = volume_local_unmount(v, err);
    return r;
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
