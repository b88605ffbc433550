/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builtins.c - the table of plugins that are linked into the program.
 *
 * Not part of libengine, so that tests link without any.  libtool's -dlpreopen would make
 * such a table as well, but takes no convenience library for a program, and lists every
 * symbol of a module where one is wanted.
 */
#include "load/builtin.h"

#define DECLARE(module) extern const struct berth_plugin BERTH_SYMBOL(module);
#define X(module)       DECLARE(module)
BERTH_BUILTIN(X)
#undef X

#define X(module) {#module, &BERTH_SYMBOL(module)},
const struct builtin builtins[] = {BERTH_BUILTIN(X){NULL, NULL}};
