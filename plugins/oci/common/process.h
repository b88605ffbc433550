/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - the process document of an exec session. */
#ifndef OCI_PROCESS_H
#define OCI_PROCESS_H

#include "runtime.h"

/* Write it to a new file in `dir`, whose path becomes *out_path (fresh).  0 or -errno
 * described. */
int rt_write_process(struct berth_oci *r, const struct berth_container *c,
                     const struct berth_oci_exec *what, const char *dir, char **out_path,
                     struct berth_error *err);

#endif
