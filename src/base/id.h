/* SPDX-License-Identifier: Apache-2.0 */
/* id.h - random identifiers. */
#ifndef BERTH_BASE_ID_H
#define BERTH_BASE_ID_H

#include <stdbool.h>
#include <stddef.h>

#define ID_LEN       64 /* hex digits of a container, pod or session ID */
#define ID_SHORT_LEN 12 /* of them, what tables show */

/* 64 random hex digits of which the first 12 are not all decimal, as podman's, so that a
 * short ID can never be taken for a number. */
void id_generate(char out[static ID_LEN + 1]);

/* n random bytes from the kernel. */
void id_random(void *out, size_t n);

/* A random version 4 UUID, 36 characters. */
void id_uuid(char out[static 37]);

bool id_is_full(const char *s);

#endif
