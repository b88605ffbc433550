/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctr_orphan.c - a container whose lock was held by a process that died.
 *
 * That process may have started, frozen or thawed it and not got round to recording it.  How a
 * container ended is found out by every sync; these are found out here, from the runtime.
 */
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/ctr_life.h"
#include "engine/store.h"

/* The state that the runtime's answer means; -1: not one to be set here. */
static int status_of(const struct berth_oci_status *s)
{
    switch (s->status) {
    case BERTH_OCI_CREATED:
        return CTR_CREATED;
    case BERTH_OCI_RUNNING:
        return CTR_RUNNING;
    case BERTH_OCI_PAUSED:
        return CTR_PAUSED;
    default:
        return -1;
    }
}

int ctr_sync_orphaned(struct ctr *c, struct berth_error *err)
{
    struct berth_oci_status how = {.size = sizeof(how)};
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_view_ struct ctr_view view = {0};
    int old = ctr_status(c), now, r;
    char text[TIME_TEXT_MAX];
    struct oci *oci;

    /* One that is being stopped is put right by whoever stops it next, and what the runtime
     * may have of others is taken away before they are started again. */
    if (old != CTR_CREATED && old != CTR_RUNNING && old != CTR_PAUSED)
        return 0;
    r = engine_oci(c->e, ctr_runtime(c), &oci, &why);
    if (r == 0)
        r = ctr_view_make(c, &view, &why);
    if (r == 0)
        r = oci_status(oci, &view.c, &how, &why);
    if (r < 0) {
        log_debug("container %s: %s", c->id, error_text(&why));
        return 0; /* the record is the best that there is */
    }
    now = status_of(&how);
    if (now < 0 || now == old)
        return 0;
    log_warning("container %s is %s and was recorded as %s by a process that died", c->id,
                ctr_status_name(now), ctr_status_name(old));
    json_set_i64(c->state, "state", now);
    if (old == CTR_CREATED)
        json_set_str(c->state, "startedTime", time_format(time_now(), text));
    return store_save(c, EXIT_NONE, err);
}
