/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs.h - what a container's processes see as their root, from start to cleanup.
 *
 * The files of a container are somebody else's: inside them every path is resolved by the
 * kernel as if the container's root were the root, so that no link leads out.
 */
#ifndef BERTH_ENGINE_ROOTFS_H
#define BERTH_ENGINE_ROOTFS_H

#include "engine/ctr.h"

/*
 * Before init: mount the shared memory file system and the container's layer, or an overlay
 * over its directory where it wants one, and make /etc and /etc/mtab in it.  Sets "mounted" and
 * "mountPoint" in c->state, which the caller saves.  After a failure nothing is mounted.
 * The container is locked.
 */
int rootfs_mount(struct ctr *c, struct berth_error *err);

/*
 * At cleanup: undo rootfs_mount() and the overlays of volumes; what is not mounted is fine.
 * (Layers are counted: one use less if the state says mounted.)  Everything is tried; the first
 * failure is returned and the others are logged.  Clears "mounted" and "mountPoint" in
 * c->state.  What was written into an overlay over the directory stays until the container is
 * removed or the machine boots.
 */
int rootfs_unmount(struct ctr *c, struct berth_error *err);

/*
 * Mount the root file system alone, for others than the container's processes, or count one
 * more use of it.  *path: allocated.  Directories are what they are, and overlays over
 * them stay mounted until rootfs_return() or the container's end.  Locked.
 */
int rootfs_borrow(struct ctr *c, char **path, struct berth_error *err);

/* Undo it once; force: as often as it was counted.  An overlay that the container uses stays.
 */
int rootfs_return(struct ctr *c, bool force, struct berth_error *err);

/* Where it is mounted or would be; allocated, NULL where that is not known without a mount.
 * *mounted: is it now? */
int rootfs_where(struct ctr *c, char **path, bool *mounted, struct berth_error *err);

/* The directories that it is made of, the one that takes the changes first; none where the
 * container runs from a plain directory. */
int rootfs_parts(struct ctr *c, struct berth_list *out, struct berth_error *err);

/* Is its layer mounted, as its root file system? */
bool rootfs_on_layer(const struct ctr *c);

/* Is its shared memory its own, to be mounted by us? */
bool rootfs_own_shm(const struct ctr *c);

/* The host's ID of one in the container; map: "UIDMap" or "GIDMap". */
uint32_t rootfs_host_id(const struct ctr *c, const char *map, uint32_t id);

#endif
