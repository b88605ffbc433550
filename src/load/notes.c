/* SPDX-License-Identifier: Apache-2.0 */
/* notes.c - what is installed, without loading any of it. */
#include "base/fs.h"
#include "base/str.h"
#include "load/builtin.h"
#include "load/describe.h"
#include "load/load.h"
#include "load/note.h"
#include "load/search.h"
#include "load/trust.h"
#include <dlfcn.h>

struct notes {
    struct plugin_note *items;
    size_t n;
    bool no_memory;
};

/* A new line, with a module's name that is not there yet; NULL: it is, or no memory. */
static struct plugin_note *add(struct notes *all, const char *module, const char *path)
{
    struct plugin_note *grown;

    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->items[i].module, module) == 0)
            return NULL;
    grown = reallocarray(all->items, all->n + 1, sizeof(*grown));
    if (!grown) {
        all->no_memory = true;
        return NULL;
    }
    all->items = grown;
    grown += all->n;
    *grown = (struct plugin_note){.path = strdup(path), .module = strdup(module)};
    all->n++;
    if (!grown->path || !grown->module)
        all->no_memory = true;
    return grown;
}

static void set_name(struct notes *all, struct plugin_note *p)
{
    const char *name = NULL;

    p->kind = note_module_kind(p->module, &name);
    p->name = strdup(str_or(name, p->module));
    if (!p->name)
        all->no_memory = true;
}

static void add_builtin(struct notes *all, const char *module, const struct berth_plugin *desc)
{
    struct plugin_note *p = add(all, module, "builtin");

    if (!p || all->no_memory)
        return;
    set_name(all, p);
    p->abi_major = desc->abi_major;
    p->abi_minor = desc->abi_minor;
    p->ops_major = desc->ops_major;
    p->ops_minor = desc->ops_minor;
}

/* Look at one file; 0 and what its note says, or what is wrong with it. */
static int look(const char *path, const char *module, struct note *n, struct berth_error *err)
{
    _cleanup_free_ char *real = NULL;
    _cleanup_close_ int fd = -1;
    _cleanup_elf_ struct elf e = ELF_OF_FD(-1);
    const char *problem, *name;
    int r = trust_open(path, &real, &fd, err);

    if (r < 0)
        return r;
    e.fd = fd;
    problem = elf_open(&e);
    if (!problem)
        problem = note_read(&e, n);
    if (problem)
        return fail(err, ENOEXEC, "%s", problem);
    if (!note_module_kind(module, &name))
        return fail(err, ENOEXEC, "is not named <kind>_<name>.so");
    return describe_note(n, module, 0, err);
}

static void add_file(struct notes *all, const char *path)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_free_ char *module = strdup(path_base(path));
    struct plugin_note *p;
    struct note n = {.kind = 0};

    if (!module) {
        all->no_memory = true;
        return;
    }
    module[strlen(module) - strlen(".so")] = '\0';
    p = add(all, module, path);
    if (!p || all->no_memory)
        return;
    set_name(all, p);
    if (look(path, module, &n, &why) < 0 && !(p->problem = strdup(error_text(&why))))
        all->no_memory = true;
    p->abi_major = n.abi_major;
    p->abi_minor = n.abi_minor;
    p->ops_major = n.ops_major;
    p->ops_minor = n.ops_minor;
}

static int by_module(const void *a, const void *b)
{
    const struct plugin_note *left = a, *right = b;

    return strcmp(left->module, right->module);
}

int plugin_notes(const struct conf *c, struct plugin_note **out, size_t *n,
                 struct berth_error *err)
{
    _cleanup_list_ struct berth_list files = LIST_INIT;
    struct notes all = {NULL, 0, false};
    int r = search_all(c, &files, err);

    if (r < 0)
        return r;
    for (const struct builtin *b = builtin_table(); b->module; b++)
        add_builtin(&all, b->module, b->desc);
    for (size_t i = 0; i < files.n && !all.no_memory; i++)
        add_file(&all, files.items[i]);
    if (all.no_memory) {
        plugin_notes_free(all.items, all.n);
        return fail(err, ENOMEM, "out of memory");
    }
    if (all.n)
        SORT(all.items, all.n, by_module);
    *out = all.items;
    *n = all.n;
    return 0;
}

void plugin_notes_free(struct plugin_note *notes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(notes[i].path);
        free(notes[i].module);
        free(notes[i].name);
        free(notes[i].problem);
    }
    free(notes);
}

int plugin_names(const struct conf *c, uint32_t kind, struct berth_list *out,
                 struct berth_error *err)
{
    struct plugin_note *notes;
    size_t n;
    int r = plugin_notes(c, &notes, &n, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        if (!notes[i].problem && notes[i].kind == kind)
            list_add(out, notes[i].name);
    plugin_notes_free(notes, n);
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}

bool plugin_is_there(const struct conf *c, uint32_t kind, const char *name)
{
    _cleanup_free_ char *module = str_printf("%s_%s", plugin_kind_name(kind), name);
    _cleanup_free_ char *path = NULL;

    return module && (builtin_find(module) || search_module(c, module, &path, NULL) == 0);
}

int plugin_missing_libraries(const char *path, struct berth_list *out, struct berth_error *err)
{
    _cleanup_list_ struct berth_list needed = LIST_INIT;
    _cleanup_elf_ struct elf e = ELF_OF_FD(-1);
    _cleanup_free_ char *real = NULL;
    _cleanup_close_ int fd = -1;
    const char *problem;
    int r = trust_open(path, &real, &fd, err);

    if (r < 0)
        return r;
    e.fd = fd;
    problem = elf_open(&e);
    if (!problem)
        problem = elf_needed(&e, &needed);
    if (problem)
        return fail(err, ENOEXEC, "%s", problem);
    for (size_t i = 0; i < needed.n; i++) {
        void *library = dlopen(needed.items[i], RTLD_LAZY | RTLD_LOCAL);

        if (library)
            dlclose(library);
        else
            list_add(out, str_or(dlerror(), needed.items[i]));
    }
    return out->error || needed.error ? fail(err, ENOMEM, "out of memory") : 0;
}
