/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - names of containers and pods, and new ones where the user gave none. */
#ifndef BERTH_ENGINE_NAMES_H
#define BERTH_ENGINE_NAMES_H

#include <stdbool.h>

/* podman's rule for names, and what it says of one that breaks it. */
bool name_is_valid(const char *name);
#define NAME_RULE "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument"

/* A random name "adjective_surname" of the letters a to z; allocated, NULL without memory.
 * It may be taken: the caller tries until one is free. */
char *name_generate(void);

#endif
