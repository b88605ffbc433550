/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intent.h - what a killed creation or removal leaves half done, and undoing it.
 *
 * A container is made of three things in three places: a lock number, a storage record, a
 * record in the store.  A process that makes or removes one first leaves a file
 * <tmp dir>/intents/<ID> with the lock's number in it, held with flock(2), and takes it away
 * at the end.  A file that nobody holds is what a killed process left; the next command puts
 * it right: without a record in the store, storage and number are freed.
 *
 * While a number is being allocated or freed, the file cannot tell whether it is ours.  Such a
 * doubtful one is freed only if it stays nobody's, in the store and in all of these files, for
 * longer than the making of a container takes.
 *
 * A volume has a number, a directory and a record; its file is <tmp dir>/intents/v.<NAME>.  It
 * may be made for a container, and then is undone, while nobody uses it and it is empty, if
 * that container did not come to be; or be removed with a container.
 */
#ifndef BERTH_ENGINE_INTENT_H
#define BERTH_ENGINE_INTENT_H

#include "engine/engine.h"

struct intent {
    int fd; /* -1: none */
    char *path;
    int64_t lock;           /* -1: none */
    bool doubtful;          /* it, or any without a number, may be allocated for us */
    bool tree;              /* the directory is part of what is made or removed */
    bool whole;             /* and what is in it too, once the owner is gone */
    char owner[ID_LEN + 1]; /* the container that a volume is made for; empty: none */
};

#define INTENT_NONE ((struct intent){.fd = -1, .lock = -1})

/* Announce that container `id` is about to be made or removed. */
int intent_begin(struct engine *e, const char *id, struct intent *out, struct berth_error *err);

/* The same of a volume; waits while another process makes or removes one of that name.  Who
 * needs several begins them in the order of their names.  owner: ID of the new container that
 * needs it; NULL: none. */
int intent_begin_volume(struct engine *e, const char *name, const char *owner,
                        struct intent *out, struct berth_error *err);

/* An anonymous volume is to go with its container, the owner, whatever is in it. */
int intent_whole(struct intent *i, struct berth_error *err);

/* The directory of the volume is to go with it.  Before it is made. */
int intent_tree_is(struct intent *i, struct berth_error *err);

/* A number is about to be allocated. */
int intent_lock_wanted(struct intent *i, struct berth_error *err);

/* This number is its lock.  Call it before anything else could fail. */
int intent_lock_is(struct intent *i, uint32_t lock, struct berth_error *err);

/* The number is about to be freed, and may be somebody else's a moment later. */
void intent_lock_gone(struct intent *i);

/* Done, either way. */
void intent_end(struct intent *i);
#define _cleanup_intent_ _cleanup_(intent_end)

/* Another process is at a container: wait for its end.  True: the container is gone.  For who
 * only looks whether something is left to do, before a plugin is loaded. */
bool intent_saw_removal(const struct conf *conf, const char *id);

/* Undo what killed processes left.  Cheap when there is nothing: one readdir(3). */
void intent_recover(struct engine *e);

#endif
