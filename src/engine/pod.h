/* SPDX-License-Identifier: Apache-2.0 */
/* pod.h - one pod: its record in memory.  What the store does with it is in store.h. */
#ifndef BERTH_ENGINE_POD_H
#define BERTH_ENGINE_POD_H

#include "engine/engine.h"

struct pod {
    struct engine *e;
    char id[ID_LEN + 1];
    char *name;
    char *ns;     /* libpod namespace; NULL: none */
    json *config; /* PodConfig, whole */
    json *state;  /* podState, whole, unknown members included */
    bool removed; /* its record is gone */
};

void pod_free(struct pod *p);
static inline void pod_freep(struct pod **p)
{
    pod_free(*p);
}
#define _cleanup_pod_ _cleanup_(pod_freep)

#endif
