/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - networks as containers use them; the definitions are the network plugin's. */
#ifndef BERTH_ENGINE_NETWORK_H
#define BERTH_ENGINE_NETWORK_H

#include "engine/engine.h"

/* Replace the networks of a new container (name -> options), which may be named by the
 * beginning of an ID, by names.  -ENOENT: there is none; -ENOTUNIQ; -EEXIST: twice the same
 * one. */
int network_resolve(struct engine *e, json **networks, struct berth_error *err);

/* One network's definition, by name or the beginning of its ID; the caller's. */
int network_get(struct engine *e, const char *name_or_id, json **out, struct berth_error *err);

/* All of them, as an array in the order of their names. */
int network_all(struct engine *e, json **out, struct berth_error *err);

/* IDs of containers that are on a network, by its name. */
int network_users(struct engine *e, const char *name, struct berth_list *out,
                  struct berth_error *err);

/* Change a network: {"add_dns_servers":[],"remove_dns_servers":[]}.  -ENOTSUP: the backend
 * cannot. */
int network_update(struct engine *e, const char *name_or_id, json *change,
                   struct berth_error *err);

#endif
