/* SPDX-License-Identifier: Apache-2.0 */
/* netns.h - network namespaces that are bound to files, as podman has them. */
#ifndef BERTH_ENGINE_NETNS_H
#define BERTH_ENGINE_NETNS_H

#include "base/error.h"
#include "base/list.h"
#include <stdbool.h>

#define NETNS_DIR "/run/netns" /* podman's, and that of ip-netns(8) */

/* Add the paths of namespaces with names that podman and berth give, that are not among
 * `known` and have no process in them.  0 or -ENOMEM. */
int netns_left(const struct berth_list *known, struct berth_list *out);

/* Is a namespace bound to this path? */
bool netns_is(const char *path);

/* Wait, for some seconds at most, until no program of a network backend works on it: one that
 * a killed engine had started. */
void netns_await(const char *path);

/* Take one away; one that is gone is fine. */
int netns_remove(const char *path, struct berth_error *err);

#endif
