/* SPDX-License-Identifier: Apache-2.0 */
/* builtin.c - see builtin.h. */
#include "load/builtin.h"
#include "base/str.h"

const struct builtin *builtin_table(void)
{
    static const struct builtin none[] = {{NULL, NULL}};

    return builtins ? builtins : none;
}

const struct berth_plugin *builtin_find(const char *module)
{
    for (const struct builtin *b = builtin_table(); b->module; b++)
        if (strcmp(b->module, module) == 0)
            return b->desc;
    return NULL;
}
