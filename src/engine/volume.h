/* SPDX-License-Identifier: Apache-2.0 */
/* volume.h - one named volume: its record in memory.  What the store does with it is in
 * store.h. */
#ifndef BERTH_ENGINE_VOLUME_H
#define BERTH_ENGINE_VOLUME_H

#include "engine/engine.h"

struct volume {
    struct engine *e;
    char *name;
    json *config; /* VolumeConfig, whole */
    json *state;  /* VolumeState, whole, unknown members included; never NULL */
    bool removed; /* its record is gone */
};

void volume_free(struct volume *v);
static inline void volume_freep(struct volume **v)
{
    volume_free(*v);
}
#define _cleanup_volume_ _cleanup_(volume_freep)

#endif
