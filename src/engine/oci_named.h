/* SPDX-License-Identifier: Apache-2.0 */
/* oci_named.h - what a container's name of a runtime means. */
#ifndef BERTH_ENGINE_OCI_NAMED_H
#define BERTH_ENGINE_OCI_NAMED_H

#include "engine/engine.h"

/*
 * Open the runtime of a name: one of `runtimes`, a plugin, or an absolute path.
 * -ENOEXEC: its program is not there, or there is no such runtime.
 */
int oci_open_named(const struct engine *e, const char *name, struct oci **out,
                   struct berth_error *err);

#endif
