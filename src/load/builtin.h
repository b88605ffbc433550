/* SPDX-License-Identifier: Apache-2.0 */
/* builtin.h - plugins that are linked into the program (--enable-state-x=builtin). */
#ifndef BERTH_LOAD_BUILTIN_H
#define BERTH_LOAD_BUILTIN_H

#include <berth/plugin.h>

struct builtin {
    const char *module; /* "state_boltdb" */
    const struct berth_plugin *desc;
};

/* All of them, up to one without a module; the array itself is there in the program only,
 * so ask builtin_table(). */
extern const struct builtin builtins[] __attribute__((__weak__));

/* The first of them; never NULL. */
const struct builtin *builtin_table(void);

/* The descriptor of a module; NULL: it is not linked in. */
const struct berth_plugin *builtin_find(const char *module);

#endif
