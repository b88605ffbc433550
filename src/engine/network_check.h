/* SPDX-License-Identifier: Apache-2.0 */
/* network_check.h - what containers left behind of their networks. */
#ifndef BERTH_ENGINE_NETWORK_CHECK_H
#define BERTH_ENGINE_NETWORK_CHECK_H

#include "engine/engine.h"

/*
 * Addresses, rules, entries for names and namespaces that no container has.  Adds a line per
 * finding to `report` and gives their number; with `repair`, removes exactly these; what was
 * removed before an error is in the report too.
 *
 * What looks left over is looked at again a second later, as a container may be starting;
 * what containers of other stores have is left alone.
 */
int64_t network_check(struct engine *e, bool repair, struct berth_list *report,
                      struct berth_error *err);

#endif
