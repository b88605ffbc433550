/* SPDX-License-Identifier: Apache-2.0 */
/* netns.h - network namespaces that are bound to files, as podman has them. */
#ifndef BERTH_ENGINE_NETNS_H
#define BERTH_ENGINE_NETNS_H

#include "base/error.h"
#include "base/list.h"
#include "conf/conf.h"
#include <stdbool.h>

/* Where their files are: /run/netns, as podman and ip-netns(8) have it; rootless in the
 * user's runtime directory.  Fresh memory; NULL: there is no memory or no such directory. */
char *netns_dir(const struct conf *conf);

/* Make that directory, a mount point of its own and shared, so that namespaces bound there are
 * seen by processes in other mount namespaces. */
int netns_prepare(const char *dir, struct berth_error *err);

/* Make a namespace and bind it to this file. */
int netns_bind_new(const char *path, struct berth_error *err);

/* Add the paths of namespaces with names that podman and berth give, that are not among
 * `known` and have no process in them.  0 or -ENOMEM. */
int netns_left(const struct conf *conf, const struct berth_list *known, struct berth_list *out);

/* Is a namespace bound to this path? */
bool netns_is(const char *path);

/* Wait, for some seconds at most, until no program of a network backend works on it: one that
 * a killed engine had started. */
void netns_await(const char *path);

/*
 * End the programs that make the network of a namespace (slirp4netns, rootlessport, pasta):
 * those that have its path, or `socket` (NULL: none), as an argument, or hold it open.  They
 * get a moment to end by themselves, as they do when the monitor of their container is gone.
 */
void netns_end_programs(const char *path, const char *socket);

/* Take one away; one that is gone is fine. */
int netns_remove(const char *path, struct berth_error *err);

#endif
