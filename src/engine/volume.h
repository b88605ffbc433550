/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume.h - named volumes: one of them in memory, and what can be done to it.
 *
 * What the store does with its record is in store.h.  Functions take the volume's lock
 * themselves unless their name ends in _locked.  Texts of errors are podman's.
 */
#ifndef BERTH_ENGINE_VOLUME_H
#define BERTH_ENGINE_VOLUME_H

#include "engine/ctr.h"
#include "engine/intent.h"

struct volume {
    struct engine *e;
    char *name;
    json *config; /* VolumeConfig, whole */
    json *state;  /* VolumeState, whole, unknown members included; never NULL */
    bool removed; /* its record is gone */
    bool locked;  /* this process holds its lock */
    bool lost;    /* its plugin does not have it any more */
};

void volume_free(struct volume *v);
static inline void volume_freep(struct volume **v)
{
    volume_free(*v);
}
#define _cleanup_volume_ _cleanup_(volume_freep)

/* --------------------------------------------------------------- looking at */

/* "local" or the name of a plugin. */
const char *volume_driver(const struct volume *v);
bool volume_is_local(const struct volume *v);

/* Where its files are; "" for a plugin's that is not mounted.  Lent. */
const char *volume_where(const struct volume *v);

/* Has something to be mounted before its files are there? */
bool volume_needs_mount(const struct volume *v);

/* ---------------------------------------------------- creating and removing */

/* A new one.  Strings and objects are lent. */
struct volume_new {
    const char *name;   /* NULL or empty: a random one */
    const char *driver; /* NULL or empty: "local" */
    const json *labels; /* object of strings, or NULL */
    json *options;      /* object of strings, or NULL */
    uid_t uid;          /* of its directory */
    gid_t gid;
    uint64_t size, inodes;
    int64_t timeout; /* of the plugin, in seconds; -1: not given */
    bool keep_owner; /* a container that uses it first does not make it its user's */
    bool no_quota;
    bool anonymous;
    bool in_plugin;    /* the plugin has it already */
    const char *owner; /* ID of the container that is being made and needs it; NULL: none */
};
#define VOLUME_NEW_INIT ((struct volume_new){.timeout = -1})

/* Options as the user gave them ("o" with its parts, "type", "device"): those that podman
 * takes out of "o" are set in *out.  *out_options: the caller's. */
int volume_options(const json *given, struct volume_new *out, json **out_options,
                   struct berth_error *err);

/*
 * Make it: directory, lock number, record.  Where it fails nothing is left.  With `intent`,
 * that is left open for the caller, who calls intent_end() when what the volume is for is
 * there, or volume_undo() before.  -EEXIST: there is one of that name.
 */
int volume_create(struct engine *e, const struct volume_new *what, struct intent *intent,
                  struct volume **out, struct berth_error *err);

/* What volume_create() made is not needed after all.  Failures are logged. */
void volume_undo(struct volume *v, struct intent *intent);

/* It is with its plugin no more: remove the record.  -EBUSY: containers use it; -EEXIST: the
 * plugin has it after all. */
int volume_forget(struct volume *v, struct berth_error *err);

/* Make the records of what all plugins have, and remove those of what they have no more.
 * errors: texts, one for each thing that could not be done. */
int volume_reload(struct engine *e, struct berth_list *added, struct berth_list *removed,
                  struct berth_list *errors, struct berth_error *err);

/* Remove it with its files; force: with the containers that use it, too, which get `timeout`
 * seconds to stop (UINT32_MAX: their own).  -EBUSY: containers use it. */
int volume_remove(struct volume *v, bool force, uint32_t timeout, struct berth_error *err);

/* The same, where the intent is begun already and is the caller's. */
int volume_remove_begun(struct volume *v, struct intent *intent, struct berth_error *err);

/* For intent.c: remove the volume of this name if no container uses it and, unless `whole`, it
 * is empty; remove the directory of one that has no record. */
void volume_remove_unused(struct engine *e, const char *name, struct intent *intent);
int volume_remove_tree(struct engine *e, const char *name, struct berth_error *err);

/* ------------------------------------------------------- lock, mount, unmount */

/* Take the lock, and read the record again.  -ENOENT: it is gone. */
int volume_lock(struct volume *v, struct berth_error *err);
void volume_unlock(struct volume *v);

/*
 * Mount it, or count one use more, where it needs a mount; c: the container that uses it, whose
 * record is written with the count so that both are true together; NULL: none.  The reverse;
 * with `force` all uses end.
 */
int volume_mount_locked(struct volume *v, struct ctr *c, struct berth_error *err);
int volume_unmount_locked(struct volume *v, struct ctr *c, bool force, struct berth_error *err);
int volume_mount(struct volume *v, struct berth_error *err);
int volume_unmount(struct volume *v, bool force, struct berth_error *err);

/* ------------------------------------------------------------ local driver */

/* volume_local.c; see volume.c for when they are called. */
int volume_local_check(const struct volume_new *what, struct berth_error *err);
int volume_local_make(struct volume *v, const struct volume_new *what, struct intent *intent,
                      struct berth_error *err);
bool volume_local_is_mounted(const struct volume *v);
int volume_local_mount(struct volume *v, struct berth_error *err);
int volume_local_unmount(struct volume *v, struct berth_error *err);

/* A point at which tests can let a step fail, "volume.STEP". */
int volume_point(const char *step, struct berth_error *err);

#endif
