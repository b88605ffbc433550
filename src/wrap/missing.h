/* SPDX-License-Identifier: Apache-2.0 */
/* missing.h - the OCI runtime that stands in for one that is gone. */
#ifndef BERTH_WRAP_MISSING_H
#define BERTH_WRAP_MISSING_H

#include "load/load.h"
#include <berth/oci.h>

/* A plugin that is linked in, and an instance for the runtime of that name; NULL: no
 * memory. */
extern const struct plugin missing_plugin;
struct berth_oci *missing_new(const char *name);

#endif
