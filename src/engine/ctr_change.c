/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_change.c - another name, other limits; see ctr.h. */
#include "base/log.h"
#include "base/str.h"
#include "engine/ctr_life.h"
#include "engine/events.h"
#include "engine/names.h"
#include "engine/spec.h"
#include "engine/store.h"
#include "storage/storage.h"

/* ------------------------------------------------------------------- rename */

static int take_name(struct ctr *c, const char *name, const char *old, struct berth_error *err)
{
    if (str_set(&c->name, name) < 0)
        return fail(err, ENOMEM, "out of memory");
    json_set_str(c->config, "name", name);
    return store_rewrite(c, old, err);
}

int ctr_rename(struct ctr *c, const char *name, struct berth_error *err)
{
    _cleanup_free_ char *old = NULL;
    struct storage *storage;
    int r;

    if (!name_is_valid(name))
        return fail(err, EINVAL, NAME_RULE);
    r = ctr_lock(c, err);
    if (r < 0)
        return r;
    old = strdup(c->name);
    r = old ? engine_storage(c->e, &storage, err) : fail(err, ENOMEM, "out of memory");
    if (r == 0)
        r = take_name(c, name, old, err);
    if (r == 0) {
        r = storage_container_rename(storage, c->id, name, err);
        /* Both have the new name, or both keep the old one. */
        if (r < 0 && take_name(c, old, name, NULL) < 0)
            log_error("container %s is called %s in the state store and %s in the storage",
                      c->id, name, old);
    }
    if (r == 0)
        event_ctr(c, "rename", NULL);
    else
        error_wrap(err, "renaming container %s", c->id);
    ctr_unlock(c);
    return r;
}

/* ------------------------------------------------------------------- update */

/* Members that `new` has replace those of the record; the others stay. */
static void merge_limits(json *old, json *new)
{
    json_object_object_foreach (new, kind, limits) {
        json *stored = json_need(old, kind);

        json_object_object_foreach (limits, member, value)
            json_set(stored, member, json_ref(value));
    }
}

static int update_in_runtime(struct ctr *c, json *resources, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_view_ struct ctr_view view = {0};
    struct oci *oci;
    int r = engine_oci(c->e, ctr_runtime(c), &oci, err);

    if (r == 0)
        r = ctr_view_make(c, &view, err);
    if (r == 0 && json_write(resources, 0, &text) < 0)
        r = fail(err, ENOMEM, "out of memory");
    return r == 0 ? oci_update(oci, &view.c, buf_blob(&text), err) : r;
}

int ctr_update(struct ctr *c, const struct ctr_options *o, struct berth_error *err)
{
    _cleanup_json_ json *resources = NULL;
    int r = ctr_lock(c, err), status;

    if (r < 0)
        return r;
    status = ctr_status(c);
    if (status == CTR_REMOVING || status == CTR_STOPPING || status == CTR_UNKNOWN)
        r = fail(err, EINVAL,
                 "container %s is %s, its limits cannot be changed: container "
                 "state improper",
                 c->id, ctr_status_name(status));
    else if (str_eq(json_str(c->config, "cgroupsMode"), "disabled"))
        r = fail(err, EINVAL, "container %s has no cgroup whose limits could be changed",
                 c->id);
    if (r == 0)
        r = spec_update(c, o, &resources, err);
    if (r == 0 && (ctr_alive(c) || status == CTR_CREATED))
        r = update_in_runtime(c, resources, err);
    if (r == 0 && json_object_object_length(resources)) {
        json *linux_ = json_need(json_need(c->config, "spec"), "linux");

        merge_limits(json_need(linux_, "resources"), resources);
        r = store_rewrite(c, c->name, err);
    }
    ctr_unlock(c);
    return r;
}
