/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_shared.h - the network namespace in which the bridges of a user's containers are.
 *
 * A user may not make bridges in the host's network.  So there is one namespace more, whose way
 * out is a slirp4netns, and what a network plugin does for containers is done in there.  Its
 * file, its lock and what lies in `<tmp dir>/rootless-netns` are podman's, so both use one.  It
 * is made for the first container and goes with the last.
 */
#ifndef BERTH_ENGINE_NET_SHARED_H
#define BERTH_ENGINE_NET_SHARED_H

#include "base/json.h"
#include "engine/ctr.h"

/* What is to be done; runs in a process of its own, of which only `out` and the error are left.
 */
typedef int net_shared_fn(void *arg, struct berth_buf *out, struct berth_error *err);

/* Do it in there.  `leaving`: networks that c leaves by it; NULL: it joins some. */
int net_shared_call(struct ctr *c, const json *leaving, net_shared_fn *fn, void *arg,
                    struct berth_buf *out, struct berth_error *err);

/* Do it in there if there is such a namespace; else nothing. */
int net_shared_look(const struct conf *conf, net_shared_fn *fn, void *arg,
                    struct berth_buf *out, struct berth_error *err);

/* Go in there for good, for a program of the user's. */
int net_shared_enter(const struct conf *conf, struct berth_error *err);

#endif
