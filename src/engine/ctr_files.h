/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctr_files.h - the files of a container for others than its own processes: copying in and
 * out, exporting, mounting for the user, comparing with what it was made of.
 */
#ifndef BERTH_ENGINE_CTR_FILES_H
#define BERTH_ENGINE_CTR_FILES_H

#include "engine/ctr.h"

struct ctr_files {
    struct ctr *c;
    int root;      /* directory: the container's "/"; every path is to be resolved inside it
                      (RESOLVE_IN_ROOT) */
    int ns;        /* mount namespace that holds what is mounted below root; -1: none */
    bool borrowed; /* the root file system was mounted, or counted, for this */
};

#define CTR_FILES_NONE ((struct ctr_files){.root = -1, .ns = -1})

/*
 * The files as the container's processes see them: of one that runs with all that is mounted
 * in it, also its temporary file systems; of another with its volumes and bind mounts.
 */
int ctr_files_open(struct ctr *c, struct ctr_files *out, struct berth_error *err);

/* The root file system alone, without what is mounted in it. */
int ctr_files_open_root(struct ctr *c, struct ctr_files *out, struct berth_error *err);

/* Failures to unmount are logged. */
void ctr_files_close(struct ctr_files *f);
#define _cleanup_files_ _cleanup_(ctr_files_close)

/* Where the root file system is mounted, counting one more use of it, until
 * ctr_unmount().  *path: allocated. */
int ctr_mount(struct ctr *c, char **path, struct berth_error *err);

/* One use less; force: there is no other.  -EBUSY: it is the last, and the container's own. */
int ctr_unmount(struct ctr *c, bool force, struct berth_error *err);

/* Is it mounted, by whomever?  *path: where; allocated; NULL: it is not. */
int ctr_mounted(struct ctr *c, char **path, struct berth_error *err);

/* Who owns new files: IDs of the host for the user that the container runs as.  root: from
 * ctr_files_open(). */
int ctr_files_owner(struct ctr *c, int root, uid_t *uid, gid_t *gid, struct berth_error *err);

/* What differs from what the container was made of. */
enum ctr_change { CTR_CHANGED = 'C', CTR_ADDED = 'A', CTR_DELETED = 'D' };
typedef int ctr_change_fn(void *arg, enum ctr_change kind, const char *path);

/* Visit each difference in the order of the paths, until fn returns something other than 0,
 * which is returned then.  One that runs from a directory has none: that is changed itself. */
int ctr_diff(struct ctr *c, ctr_change_fn *fn, void *arg, struct berth_error *err);

#endif
