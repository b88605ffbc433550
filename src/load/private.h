/* SPDX-License-Identifier: Apache-2.0 */
/* private.h - what the files of src/load share. */
#ifndef BERTH_LOAD_PRIVATE_H
#define BERTH_LOAD_PRIVATE_H

#include "load/load.h"

/* The host as one plugin sees it. */
struct berth_core {
    const char *module;
};

/* A loaded plugin with what belongs to it; never freed. */
struct loaded {
    struct plugin pub;
    struct berth_core core;
    struct berth_host host;
    pthread_mutex_t mutex;
};

/* Fill in core and host of a plugin whose `pub` is complete. */
void host_init(struct loaded *l);

#endif
