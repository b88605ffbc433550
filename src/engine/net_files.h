/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_files.h - hosts and resolv.conf of a container that runs, when it joins or leaves a
 * network.  Both files are bound into it, so they are changed in place; a container without
 * one of them (of its own making) is left as it is.
 */
#ifndef BERTH_ENGINE_NET_FILES_H
#define BERTH_ENGINE_NET_FILES_H

#include "engine/ctr.h"

/* It has joined a network with this status; `others` are those that it was on before. */
int net_files_joined(struct ctr *c, const json *status, const json *others,
                     struct berth_error *err);

/* It has left a network that had this status. */
int net_files_left(struct ctr *c, const json *status, struct berth_error *err);

#endif
