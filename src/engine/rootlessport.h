/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootlessport.h - podman's helper program that forwards published ports into a network
 * namespace by accepting connections here and making them again in there.
 */
#ifndef BERTH_ENGINE_ROOTLESSPORT_H
#define BERTH_ENGINE_ROOTLESSPORT_H

#include "base/json.h"
#include "conf/conf.h"
#include <sys/types.h>

struct rootlessport {
    const json *mappings; /* podman's port mappings */
    const char *netns;    /* path */
    const char *child_ip; /* of the container; NULL: none known */
    const char *id;       /* of the container */
    bool bridge;          /* its networks may change while it runs */
    int end_fd;           /* it ends when the writing end of this pipe is closed */
};

/* Where it is installed; fresh memory; NULL: it is not. */
char *rootlessport_find(const struct conf *conf);

/* Start it (`path`; NULL: look for it, -ENOENT) and wait until all ports are open. */
int rootlessport_start(const struct conf *conf, const char *path, const struct rootlessport *p,
                       pid_t *out, struct berth_error *err);

#endif
