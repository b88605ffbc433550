/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generated.h - the dump of a store of any size, which nobody has: containers with the
 * configuration that podman 4.3 gives them, one pair in ten in a pod, with dependencies,
 * volumes, networks, exec sessions and exit codes.  The same number gives the same text, in the
 * order of a dump.
 */
#ifndef BERTH_TESTS_GENERATED_H
#define BERTH_TESTS_GENERATED_H

#include "base/buf.h"
#include <stdbool.h>

/* The text of an OCI spec of podman's, out of tests/fixtures: two kilobytes, or with its
 * system call filter, which all containers have by default, nine.  0 or -1. */
int generated_spec(const char *fixtures, bool seccomp, struct berth_buf *out);

/* Append the dump of a store below /srv/gen.  spec: text of an OCI spec, one JSON object. */
void generate_dump(size_t containers, const char *spec, struct berth_buf *out);

#endif
