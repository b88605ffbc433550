/* SPDX-License-Identifier: Apache-2.0 */
/* boot.h - noticing that the machine was booted, and putting everything right. */
#ifndef BERTH_ENGINE_BOOT_H
#define BERTH_ENGINE_BOOT_H

#include "engine/engine.h"

/*
 * Look for podman's alive file and for the marker of this store (system_marker.h); if one is
 * missing, hold the alive lock, which podman takes too, and put right what was not put right
 * since the machine was booted.  Cheap when they are there: a stat(2) and a statfs(2).
 *
 * Containers whose monitor lives were started in this boot and are left alone, whatever is
 * missing; and so are, while the alive file is there, those that have a run directory, as
 * podman may have refreshed this store.
 */
int boot_check(struct engine *e, struct berth_error *err);

/* What a boot does, now. */
int boot_refresh(struct engine *e, struct berth_error *err);

/*
 * Open the lock manager.  Where there are no locks although the machine has been up for
 * long, somebody removed them: they are made again, and the numbers of this store and of the
 * others of this tmp directory are claimed before anybody can get them a second time.
 */
int boot_locks(struct engine *e, struct berth_error *err);

/* Open the lock manager of the configuration, with as many locks as it says where the plugin
 * takes a number.  flags: BERTH_LOCK_*.  Errors are the plugin's. */
int boot_open_locks(struct engine *e, uint32_t flags, struct berth_error *err);

/*
 * podman's lock around everything that concerns all objects at once: `<tmp dir>/alive.lck`.
 * Held until alive_unlock() or the engine is closed.  Taking it again is fine and counts
 * once.
 */
int alive_lock(struct engine *e, struct berth_error *err);
/* The same by hand, where there is no engine: gives the descriptor.  As long as it is open,
 * no podman starts, and no berth finds out about a boot.  A process may have it once, and not
 * while boot_check() runs. */
int boot_lock_alive(const struct conf *c, struct berth_error *err);
void alive_unlock(struct engine *e);

#endif
