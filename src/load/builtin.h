/* SPDX-License-Identifier: Apache-2.0 */
/* builtin.h - plugins that are linked into the program (--enable-state-x=builtin). */
#ifndef BERTH_LOAD_BUILTIN_H
#define BERTH_LOAD_BUILTIN_H

#include <berth/plugin.h>

/* The descriptor of a module; NULL: it is not linked in. */
const struct berth_plugin *builtin_find(const char *module);

/* Visit all, in the order of linking.  `module` lives until the function returns. */
typedef void builtin_fn(void *arg, const char *module, const struct berth_plugin *desc);
void builtin_each(builtin_fn *fn, void *arg);

#endif
