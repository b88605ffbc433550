/* SPDX-License-Identifier: Apache-2.0 */
/* system_check.h - everything that belongs to containers, compared with the store. */
#ifndef BERTH_ENGINE_SYSTEM_CHECK_H
#define BERTH_ENGINE_SYSTEM_CHECK_H

#include "engine/engine.h"

/*
 * The store itself (store_check.h), lock numbers, and what containers that are gone left:
 * storage records, mounts, network namespaces, exit files.  Adds a line per finding to
 * `report` and gives their number.  With `repair`, mends them and adds a line
 * "repaired: ..." for each deed to `deeds`.
 *
 * What looks left over is looked at again a second later, as somebody may be making it.
 * What other programs or other stores have is left alone.
 */
int64_t system_check(struct engine *e, bool repair, struct berth_list *report,
                     struct berth_list *deeds, struct berth_error *err);

#endif
