/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lockorder.h - locks of objects, taken in order and never twice.
 *
 * Locks are numbers, and two objects can have one number after a segment was lost.  A thread
 * that holds the one and wants the other would wait for itself; podman does, for ever, in all
 * but two places.  So each thread keeps what it holds, and asking for a number again gives
 * -EDEADLK with the names of both objects.
 *
 * Order, outermost first: pods, containers, volumes.  Debug builds (no NDEBUG) refuse what
 * goes against it, with -EDEADLK too.  Containers inside containers are fine: dependencies
 * have no circles.
 */
#ifndef BERTH_ENGINE_LOCKORDER_H
#define BERTH_ENGINE_LOCKORDER_H

#include "engine/engine.h"

enum lock_class {
    LOCK_CLASS_POD = 1,
    LOCK_CLASS_CONTAINER,
    LOCK_CLASS_VOLUME,
};

/* Acquire the lock of an object (`name`: its ID or name, copied): as lock_acquire(), and
 * -EDEADLK. */
int lockorder_acquire(struct locks *l, enum lock_class cls, const char *name, uint32_t id,
                      berth_deadline deadline, struct berth_error *err);

/* Let it go, in any order. */
int lockorder_drop(struct locks *l, uint32_t id, struct berth_error *err);

#endif
