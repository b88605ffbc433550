/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_check.h - what the records of a store say of each other, whatever the backend.
 *
 * A backend's own check() looks at its file; this looks at what is in it.
 */
#ifndef BERTH_ENGINE_STORE_CHECK_H
#define BERTH_ENGINE_STORE_CHECK_H

#include "engine/engine.h"

/*
 * Both checks, the backend's first.  Adds a line per finding to `report` and gives their
 * number.  With `repair`, mends what can be mended without losing anything and adds a line
 * "repaired: ..." for each deed to `deeds`: links to nothing are removed, links that
 * configurations name and that are missing are put in.
 */
int64_t store_check(struct state *s, bool repair, struct berth_list *report,
                    struct berth_list *deeds, struct berth_error *err);

#endif
