/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library.h - libraries that are used where they are installed, and not needed where not.
 *
 * Each one is declared once, with LIBRARY(), which also leaves a note in the program's file
 * ("readelf -p .note.dlopen"), in the form of systemd's "ELF dlopen metadata": packaging tools
 * make recommendations of it.  They stay loaded.
 */
#ifndef BERTH_BASE_LIBRARY_H
#define BERTH_BASE_LIBRARY_H

#include "base/attr.h"
#include "base/error.h"
#include <stdint.h>

struct library {
    const char *soname;
    void *handle; /* NULL: not loaded yet */
};

#define LIBRARY_NOTE_(var_, text_)                                                             \
    __attribute__((__used__, __section__(".note.dlopen"),                                      \
                   __aligned__(4))) static const struct {                                      \
        uint32_t namesz, descsz, type;                                                         \
        char name[4];                                                                          \
        char desc[(sizeof(text_) + 3u) & ~(size_t)3u];                                         \
    } var_##_note = {4u, (uint32_t)sizeof(text_), 0x407c0c0au, "FDO", text_}

/*
 * static struct library VAR: the library SONAME, for what the program calls FEATURE, a word,
 * and DESCRIPTION, a phrase.
 */
#define LIBRARY(var_, soname_, feature_, description_)                                         \
    LIBRARY_NOTE_(var_,                                                                        \
                  "[{\"soname\":[\"" soname_ "\"],\"feature\":\"" feature_                     \
                  "\",\"description\":\"" description_ "\",\"priority\":\"suggested\"}]");     \
    static struct library var_ = {.soname = (soname_)}

/* What is taken from a library: *(function pointer *)to. */
struct library_symbol {
    const char *name;
    void *to;
};

/*
 * Load a library, unless it is loaded, and look up all n symbols.  -ENOENT: it is not
 * installed, or lacks one of them; the text is the loader's.
 */
int library_open(struct library *l, const struct library_symbol *symbols, size_t n,
                 struct berth_error *err);

#endif
