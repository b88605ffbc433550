/* SPDX-License-Identifier: Apache-2.0 */
/* trust.h - may this file be run as part of the program? */
#ifndef BERTH_LOAD_TRUST_H
#define BERTH_LOAD_TRUST_H

#include "base/error.h"

/*
 * Resolve a path and look at the file and every directory above it: only root and we may
 * be able to change what is there.  Gives the resolved path (allocated), which alone is
 * to be used from then on, and a descriptor to read the file.
 *
 * -ENOENT and others as open(2); -EPERM: others may change the file or its place;
 * -ENOEXEC: it is no regular file.  The error is one clause without the path itself.
 */
int trust_open(const char *path, char **resolved, int *fd, struct berth_error *err);

#endif
