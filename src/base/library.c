/* SPDX-License-Identifier: Apache-2.0 */
/* library.c - see library.h. */
#include "base/library.h"
#include "base/str.h"
#include <dlfcn.h>
#include <string.h>

int library_open(struct library *l, const struct library_symbol *symbols, size_t n,
                 struct berth_error *err)
{
    void *handle = l->handle ? l->handle : dlopen(l->soname, RTLD_NOW | RTLD_LOCAL);

    for (size_t i = 0; handle && i < n; i++) {
        void *found = dlsym(handle, symbols[i].name);

        if (found)
            memcpy(symbols[i].to, &found, sizeof(found));
        else
            handle = NULL;
    }
    if (!handle)
        return fail(err, ENOENT, "%s", str_or(dlerror(), l->soname));
    l->handle = handle;
    return 0;
}
