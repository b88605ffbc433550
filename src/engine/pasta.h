/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pasta.h - pasta: a network in user space with the addresses of the host.  It goes to the
 * background when it is ready and ends when the file of the namespace is gone, so there is
 * nothing to be held.
 */
#ifndef BERTH_ENGINE_PASTA_H
#define BERTH_ENGINE_PASTA_H

#include "base/json.h"
#include "conf/conf.h"

/* How it is called, as podman does it: mappings are podman's port mappings, given the words of
 * the user (array, or NULL).  -EINVAL: a protocol that it does not know. */
int pasta_argv(const char *path, const json *mappings, const json *given, const char *netns,
               struct berth_list *out, struct berth_error *err);

/* Start it for a namespace; it is ready then. */
int pasta_start(const struct conf *conf, const json *mappings, const json *given,
                const char *netns, struct berth_error *err);

#endif
