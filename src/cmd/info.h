/* SPDX-License-Identifier: Apache-2.0 */
/* info.h - the parts of `berth info`. */
#ifndef BERTH_CMD_INFO_H
#define BERTH_CMD_INFO_H

#include "engine/engine.h"

/* The machine, and the programs in use, with podman's members; and how many locks are free. */
json *info_host(struct engine *e);

/* The version of this program. */
json *version_client(void);

#endif
