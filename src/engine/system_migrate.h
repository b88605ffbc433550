/* SPDX-License-Identifier: Apache-2.0 */
/* system_migrate.h - stopping everything, and moving containers to another OCI runtime. */
#ifndef BERTH_ENGINE_SYSTEM_MIGRATE_H
#define BERTH_ENGINE_SYSTEM_MIGRATE_H

#include "engine/ctr.h"

/*
 * Under the alive lock: stop all running containers (`stopped` is told of each), then let all
 * record `runtime` (NULL or empty: the one they have), and their monitor's number in the
 * directory that survives a boot.  The first container that does not stop ends it.
 * -EINVAL: there is no such runtime; nothing was stopped then.
 */
int system_migrate(struct engine *e, const char *runtime, void (*stopped)(const struct ctr *c),
                   struct berth_error *err);

#endif
