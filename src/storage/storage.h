/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storage.h - the part of containers/storage that containers need: their records, their
 * folders, and the read-write layer that belongs to each record.
 *
 * podman keeps a storage container for every container, also for one that runs from a
 * plain directory (--rootfs): names are unique through it, and static and run directory
 * are its folders.  Both programs may work on one store at the same time.
 *
 *   <graph root>/<driver>-containers/<id>/userdata   static directory
 *   <run root>/<driver>-containers/<id>/userdata     run directory, gone after a boot
 *
 * Records that other programs wrote (podman, buildah, CRI-O) are never rewritten but for
 * the member that a call is about: files are edited as text.  A file that is not what it
 * should be is refused (-EUCLEAN) and left alone.
 *
 * Opening costs nothing; files are read at the first call that needs them and again only
 * after somebody changed them.  One process must not open a store twice: its locks are
 * POSIX record locks, which one process holds as a whole.  No lock outlives a call.
 */
#ifndef BERTH_STORAGE_STORAGE_H
#define BERTH_STORAGE_STORAGE_H

#include "base/error.h"
#include "base/list.h"
#include <berth/plugin.h>
#include <stdbool.h>
#include <stdint.h>

struct storage;

/* A store at these roots (absolute; need not exist yet; copied).  driver: "overlay" (also
 * where NULL, empty or "overlay2"), "vfs", or another word that names the folders; layers
 * of other drivers than these two can be neither made nor deleted (-ENOTSUP). */
int storage_open(const char *graph_root, const char *run_root, const char *driver,
                 struct storage **out, struct berth_error *err);
void storage_close(struct storage *st);

static inline void storage_closep(struct storage **st)
{
    storage_close(*st);
}
#define _cleanup_storage_ _cleanup_(storage_closep)

/* What to make.  Pointers are only read during the call. */
struct storage_new {
    const char *id;                      /* 64 hex digits, chosen by the caller */
    const char *name;                    /* unique in the store */
    const char *metadata;                /* JSON text; NULL: what libpod writes for a container
                                            without image of this name */
    const char *process_label;           /* SELinux; NULL: none */
    const char *mount_label;             /* SELinux; NULL: none */
    const struct berth_list *mount_opts; /* flag MountOpts; NULL: none */
    bool is_volatile;                    /* removed when it ends (--rm) */
    berth_date created;                  /* 0: now */
};

/*
 * Make a container without image: layer, record and both folders (0700).
 *
 * static_dir, run_dir: allocated paths; NULL where nobody wants them.
 * Errors: -EEXIST: the name or the ID is taken (podman's text); -EUCLEAN: a file is
 * damaged; others from files.  After an error nothing is left behind, but for folders that
 * a full disk or a kill left.
 */
int storage_container_create(struct storage *st, const struct storage_new *what,
                             char **static_dir, char **run_dir, struct berth_error *err);

/* The folders of a container, made when missing (the run directory is after a boot).
 * Takes no lock and reads no record.  Paths allocated; NULL where nobody wants them. */
int storage_container_dirs(struct storage *st, const char *id, char **static_dir,
                           char **run_dir, struct berth_error *err);

/*
 * Delete a container with its layer (unmounted first, whatever it takes) and folders, and
 * everything in them.  `id` is a full ID.  -ENOENT: there is no such container; folders of
 * that ID are removed even then.
 */
int storage_container_delete(struct storage *st, const char *id, struct berth_error *err);

/* The first part of that, which needs not wait until the container's runtime has forgotten it:
 * its layer, while nothing of it is mounted.  The folders and the record stay. */
int storage_container_strip(struct storage *st, const char *id, struct berth_error *err);

/* Has a container of that ID folders?  The records are not looked at. */
bool storage_container_there(const struct storage *st, const char *id);

/* Give a container another name, its only one from then on.  -ENOENT; -EEXIST: the name is
 * another container's. */
int storage_container_rename(struct storage *st, const char *id, const char *name,
                             struct berth_error *err);

/* A record as far as berth is interested.  Strings are owned. */
struct storage_container {
    char *id;
    struct berth_list names;
    char *image;    /* ID; "" for containers without one */
    char *layer;    /* ID; "" where the record has none */
    char *metadata; /* JSON text of the program that made it; "" where it has none */
    berth_date created;
    bool is_volatile;
};
void storage_container_clear(struct storage_container *c);
#define _cleanup_storage_container_ _cleanup_(storage_container_clear)

/* Find by ID, name, layer ID or unique beginning of an ID, in this order.  out may be NULL.
 * -ENOENT: none, or more than one begins so ("container not known"). */
int storage_container_lookup(struct storage *st, const char *name_or_id,
                             struct storage_container *out, struct berth_error *err);

/* Is there a container of exactly this ID?  1, 0 or -errno. */
int storage_container_exists(struct storage *st, const char *id, struct berth_error *err);

/* Visit every record in the order of the file, until fn returns something other than 0,
 * which is returned then.  No lock is held during fn, which may call the store. */
typedef int storage_container_fn(void *arg, const struct storage_container *c);
int storage_container_each(struct storage *st, storage_container_fn *fn, void *arg,
                           struct berth_error *err);

/*
 * Mount the layer of a container that was made from an image, or count one more use of it
 * where it is mounted.  *path: the mount point, allocated.  -ENOTSUP: layers with shifted
 * user IDs, stores of a FUSE mount program, drivers other than overlay and vfs.
 */
int storage_mount(struct storage *st, const char *id, char **path, struct berth_error *err);

/* One use less; the last one unmounts.  force: there is no other use.  What is not mounted
 * is fine. */
int storage_unmount(struct storage *st, const char *id, bool force, struct berth_error *err);

/* Where the layer of a container is mounted, or would be (allocated), and whether it is. */
int storage_mounted(struct storage *st, const char *id, char **path, bool *mounted,
                    struct berth_error *err);

/* How often it is mounted: -errno or the count. */
int64_t storage_mount_count(struct storage *st, const char *id, struct berth_error *err);

/*
 * The parts that the layer of a container is made of, from its own (where it writes) to the
 * lowest, as directories; overlay only (-ENOTSUP).
 */
int storage_layer_parts(struct storage *st, const char *id, struct berth_list *out,
                        struct berth_error *err);

#endif
