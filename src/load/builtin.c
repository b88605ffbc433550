/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builtin.c - see builtin.h.
 *
 * libtool's -dlpreopen makes a table of the symbols of the modules that are linked in.
 * Programs without such modules (tests, most builds) have no table, hence the weak
 * reference.
 */
#include "load/builtin.h"
#include "base/str.h"
#include "load/note.h"
#include <ltdl.h>

#define SUFFIX "_LTX_berth_plugin"

extern const lt_dlsymlist lt__PROGRAM__LTX_preloaded_symbols[] __attribute__((__weak__));

void builtin_each(builtin_fn *fn, void *arg)
{
    const lt_dlsymlist *s = lt__PROGRAM__LTX_preloaded_symbols;
    char module[NOTE_MODULE_MAX];

    if (!s)
        return;
    for (; s->name; s++) {
        size_t n = strlen(s->name);

        if (!s->address || !str_ends(s->name, SUFFIX) || n - strlen(SUFFIX) >= sizeof(module))
            continue;
        n -= strlen(SUFFIX);
        memcpy(module, s->name, n);
        module[n] = '\0';
        fn(arg, module, s->address);
    }
}

struct wanted {
    const char *module;
    const struct berth_plugin *found;
};

static void compare(void *arg, const char *module, const struct berth_plugin *desc)
{
    struct wanted *w = arg;

    if (strcmp(module, w->module) == 0)
        w->found = desc;
}

const struct berth_plugin *builtin_find(const char *module)
{
    struct wanted w = {module, NULL};

    builtin_each(compare, &w);
    return w.found;
}
