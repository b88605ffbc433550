/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_volumes.h - the named volumes of a container, from its creation to its removal.  The
 * container's lock is held from ctr_volumes_mount() on. */
#ifndef BERTH_ENGINE_CTR_VOLUMES_H
#define BERTH_ENGINE_CTR_VOLUMES_H

#include "engine/volume.h"

/* Volumes that are made or removed with a container, and their open intents. */
struct ctr_volumes {
    struct volume **v;
    struct intent *intents;
    size_t n;
};

/* Give anonymous volumes their names and make those that are missing.  Where it fails nothing
 * is left. */
int ctr_volumes_create(struct ctr *c, struct ctr_volumes *out, struct berth_error *err);

/* The container is not to be: remove what was made. */
void ctr_volumes_undo(struct ctr_volumes *made);

/* Before a container is removed: announce that its anonymous volumes go with it. */
int ctr_volumes_doom(struct ctr *c, struct ctr_volumes *out, struct berth_error *err);

/* It is gone: remove those that no other container uses. */
void ctr_volumes_remove(struct ctr_volumes *doomed);

/* Done, either way. */
void ctr_volumes_end(struct ctr_volumes *all);
#define _cleanup_ctr_volumes_ _cleanup_(ctr_volumes_end)

/*
 * Mount those that need it, and copy what the container has at their places into fresh ones.
 * root: where its root file system is mounted.  Undone where it fails.  Until the record says
 * "mounted", it names the volumes that count this use ("countedVolumes").
 */
int ctr_volumes_mount(struct ctr *c, const char *root, struct berth_error *err);

/* One use less of each that this container uses; does it use any? */
int ctr_volumes_release(struct ctr *c, struct berth_error *err);
bool ctr_volumes_in_use(const struct ctr *c);

/* Fresh volumes belong to the container's user, or look like what they cover. */
int ctr_volumes_own(struct ctr *c, const char *root, uid_t uid, gid_t gid,
                    struct berth_error *err);

#endif
