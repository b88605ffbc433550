/* SPDX-License-Identifier: Apache-2.0 */
/* renumber.h - giving every object a new lock number. */
#ifndef BERTH_ENGINE_RENUMBER_H
#define BERTH_ENGINE_RENUMBER_H

#include "engine/engine.h"

/*
 * Free all lock numbers, making the locks anew where there is another number of them than
 * configured, and give each container, pod and volume of this store the next one, in this
 * order and by ID, as podman does.  Numbers of other stores of the same tmp directory stay
 * theirs.  No other process should use the engine meanwhile.
 *
 * For an engine that was opened with ENGINE_NO_BOOT; the boot detection that it left out is
 * done here, behind it.
 */
int renumber(struct engine *e, struct berth_error *err);

#endif
