/* SPDX-License-Identifier: Apache-2.0 */
/* attach.h - conmon's socket. */
#ifndef OCI_ATTACH_H
#define OCI_ATTACH_H

#include "runtime.h"

/* Connect to a socket by its path, which may be of any length: a descriptor, or -errno. */
int rt_connect(const char *path);

#endif
