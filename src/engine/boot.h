/* SPDX-License-Identifier: Apache-2.0 */
/* boot.h - noticing that the machine was booted, and putting everything right. */
#ifndef BERTH_ENGINE_BOOT_H
#define BERTH_ENGINE_BOOT_H

#include "engine/engine.h"

/*
 * Look for the alive file of the tmp directory; if it is missing, hold the alive lock (which
 * podman takes too), refresh the store and every object, and make it.  Cheap when it is
 * there: one stat(2).
 */
int boot_check(struct engine *e, struct berth_error *err);

/* Take the alive lock and give its descriptor: as long as it is open, no podman starts, and
 * no berth finds out about a boot.  A process may have it once, and not while boot_check()
 * runs. */
int boot_lock_alive(const struct conf *c, struct berth_error *err);

#endif
