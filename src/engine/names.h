/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - names for containers and pods whose user gave none. */
#ifndef BERTH_ENGINE_NAMES_H
#define BERTH_ENGINE_NAMES_H

/* A random name "adjective_surname" of the letters a to z; allocated, NULL without memory.
 * It may be taken: the caller tries until one is free. */
char *name_generate(void);

#endif
