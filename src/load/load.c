/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - from a name or a file to a plugin that may be called; see load.h. */
#include "load/load.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "load/builtin.h"
#include "load/describe.h"
#include "load/note.h"
#include "load/private.h"
#include "load/search.h"
#include "load/trust.h"
#include <dlfcn.h>
#include <ltdl.h>

/* Plugins loaded so far.  The lock covers loading as a whole: dlerror() and libltdl's
 * errors belong to whoever called last. */
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
static struct loaded **table;
static size_t n_table;
static struct berth_list modules;

const struct berth_list *plugins_loaded(void)
{
    return &modules;
}

const struct berth_host *plugin_host(const struct plugin *p)
{
    return &((const struct loaded *)p)->host;
}

pthread_mutex_t *plugin_mutex(const struct plugin *p)
{
    return &((struct loaded *)(uintptr_t)p)->mutex;
}

static struct loaded *find_loaded(const char *module)
{
    for (size_t i = 0; i < n_table; i++)
        if (strcmp(table[i]->pub.module, module) == 0)
            return table[i];
    return NULL;
}

/* ------------------------------------------------------------------- one file */

static int read_note(int fd, const char *module, uint32_t kind, struct berth_error *err)
{
    _cleanup_elf_ struct elf e = ELF_OF_FD(fd);
    const char *problem = elf_open(&e);
    struct note n;

    if (!problem)
        problem = note_read(&e, &n);
    return problem ? fail(err, ENOEXEC, "%s", problem) : describe_note(&n, module, kind, err);
}

/* dlerror() puts the path in front where the file itself is at fault; we have named it. */
static const char *without_path(const char *message, const char *path)
{
    const char *rest = message ? str_starts(message, path) : NULL;

    if (rest && str_starts(rest, ": "))
        return rest + 2;
    return str_or(message, "cannot be loaded for an unknown reason");
}

static int open_module(const char *path, lt_dlhandle *out, struct berth_error *err)
{
    lt_dladvise advise;
    lt_dlhandle handle;

    if (lt_dlinit() != 0 || lt_dladvise_init(&advise) != 0)
        return fail(err, ENOMEM, "libltdl cannot be started: %s", lt_dlerror());
    lt_dladvise_local(&advise);
    lt_dladvise_resident(&advise);
    handle = lt_dlopenadvise(path, advise);
    if (!handle)
        fail(err, ENOEXEC, "%s", without_path(lt_dlerror(), path));
    lt_dladvise_destroy(&advise);
    *out = handle;
    return handle ? 0 : -ENOEXEC;
}

/* Did the symbol come out of the file that was looked at? */
static bool same_file(const void *symbol, int fd)
{
    struct stat looked_at, found;
    Dl_info info;

    return dladdr(symbol, &info) && fstat(fd, &looked_at) == 0 &&
           stat(info.dli_fname, &found) == 0 && looked_at.st_dev == found.st_dev &&
           looked_at.st_ino == found.st_ino;
}

static int open_symbol(const char *path, int fd, const char *module,
                       const struct berth_plugin **out, struct berth_error *err)
{
    _cleanup_free_ char *symbol = str_printf("%s_LTX_berth_plugin", module);
    void *preflight, *found;
    lt_dlhandle handle = NULL;
    int r;

    if (!symbol)
        return fail(err, ENOMEM, "out of memory");
    /* libltdl says "file not found" whatever the reason, so ask the dynamic loader itself
     * before: its message names what is missing. */
    preflight = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!preflight)
        return fail(err, ENOEXEC, "%s", without_path(dlerror(), path));
    r = open_module(path, &handle, err);
    dlclose(preflight);
    if (r < 0)
        return r;
    found = lt_dlsym(handle, symbol);
    if (!found)
        return fail(err, ENOEXEC, "does not export %s", symbol);
    if (!same_file(found, fd))
        return fail(err, ENOEXEC, "has no %s of its own: another file's was found", symbol);
    *out = found;
    return 0;
}

void plugin_mutex_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(mutex, &attr);
    pthread_mutexattr_destroy(&attr);
}

/* Take what was found into the table. */
static int enter(const struct berth_plugin *desc, const char *module, const char *path,
                 struct loaded **out, struct berth_error *err)
{
    struct loaded *l = calloc(1, sizeof(*l)), **grown;
    int r;

    if (!l)
        return fail(err, ENOMEM, "out of memory");
    r = describe_plugin(desc, module, &l->pub, err);
    if (r < 0) {
        free(l);
        return r;
    }
    l->pub.module = strdup(module);
    l->pub.path = strdup(path);
    grown = reallocarray(table, n_table + 1, sizeof(*table));
    if (grown)
        table = grown;
    if (!grown || !l->pub.module || !l->pub.path || list_add(&modules, module) < 0)
        return fail(err, ENOMEM, "out of memory");
    plugin_mutex_init(&l->mutex);
    host_init(l);
    table[n_table++] = l;
    *out = l;
    return 0;
}

static int load_path(const char *path, const char *module, uint32_t kind, struct loaded **out,
                     struct berth_error *err)
{
    _cleanup_free_ char *real = NULL;
    _cleanup_close_ int fd = -1;
    const struct berth_plugin *desc = NULL;
    int r = trust_open(path, &real, &fd, err);

    if (r == 0)
        r = read_note(fd, module, kind, err);
    if (r == 0)
        r = open_symbol(real, fd, module, &desc, err);
    return r == 0 ? enter(desc, module, real, out, err) : r;
}

/* ---------------------------------------------------------------------- by name */

/* "installed state plugins: boltdb, lmdb (see `berth plugin list`)" */
static void add_installed(const struct conf *c, uint32_t kind, struct berth_buf *out)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    _cleanup_free_ char *joined = NULL;

    if (plugin_names(c, kind, &names, NULL) < 0)
        return;
    joined = list_join(&names, ", ");
    buf_printf(out, "\n  installed %s plugins: %s (see `berth plugin list`)",
               plugin_kind_name(kind), names.n ? str_or(joined, "?") : "none");
}

/* Which package has it, where the packager said so. */
static void add_package(const char *module, struct berth_buf *out)
{
    _cleanup_list_ struct berth_list pairs = LIST_INIT;

    list_split(&pairs, BERTH_PACKAGES, ' ', false);
    for (size_t i = 0; i < pairs.n; i++) {
        const char *rest = str_starts(pairs.items[i], module);

        if (rest && *rest == ':')
            buf_printf(out, "\n  the package %s provides it", rest + 1);
    }
}

/* All messages about plugins that cannot be used have one form: which, why, what else. */
static int refuse(const struct conf *c, uint32_t kind, const char *name, const char *path,
                  const struct berth_error *why, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf rest = BUF_INIT;
    _cleanup_free_ char *module = str_printf("%s_%s", plugin_kind_name(kind), name);

    buf_printf(&rest, "\n  %s%s%s", str_or(path, ""), path ? ": " : "", error_text(why));
    if (!path && why->code == ENOENT && module)
        add_package(module, &rest);
    add_installed(c, kind, &rest);
    return fail(err, why->code, "cannot use %s plugin \"%s\"%s", plugin_kind_name(kind), name,
                buf_str(&rest));
}

static int load_locked(const struct conf *c, uint32_t kind, const char *name,
                       const char *module, struct loaded **out, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_free_ char *path = NULL;
    const struct berth_plugin *desc;
    berth_deadline began = log_enabled(BERTH_LOG_DEBUG) ? time_monotonic() : 0;
    int r;

    *out = find_loaded(module);
    if (*out)
        return 0;
    desc = builtin_find(module);
    if (desc) {
        r = enter(desc, module, "builtin", out, &why);
        return r < 0 ? refuse(c, kind, name, "builtin", &why, err) : 0;
    }
    r = search_module(c, module, &path, &why);
    if (r == 0)
        r = load_path(path, module, kind, out, &why);
    if (r < 0)
        return refuse(c, kind, name, path, &why, err);
    log_debug("loaded plugin %s %s from %s in %.3f ms", module, (*out)->pub.desc.version,
              (*out)->pub.path, time_ms_since(began));
    return 0;
}

int plugin_load(const struct conf *c, uint32_t kind, const char *name,
                const struct plugin **out, struct berth_error *err)
{
    const char *word = plugin_kind_name(kind), *rest = NULL;
    _cleanup_free_ char *module = NULL;
    struct loaded *l;
    int r;

    if (!word)
        return fail(err, EINVAL, "there is no kind %u of plugins", kind);
    module = str_printf("%s_%s", word, name);
    if (!module)
        return fail(err, ENOMEM, "out of memory");
    if (note_module_kind(module, &rest) != kind)
        return fail(err, EINVAL, "\"%s\" cannot be the name of a plugin", name);
    pthread_mutex_lock(&loading);
    r = load_locked(c, kind, name, module, &l, err);
    pthread_mutex_unlock(&loading);
    if (r == 0)
        *out = &l->pub;
    return r;
}

int plugin_load_file(const struct conf *c _unused_, const char *path, const struct plugin **out,
                     struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_free_ char *module = strdup(path_base(path)), *absolute = path_absolute(path);
    const char *name = NULL;
    struct loaded *l;
    int r;

    if (!module || !absolute)
        return fail(err, ENOMEM, "out of memory");
    if (!str_ends(module, ".so"))
        return fail(err, EINVAL, "cannot use plugin %s: its name does not end in .so", path);
    module[strlen(module) - 3] = '\0';
    if (!note_module_kind(module, &name))
        return fail(err, EINVAL,
                    "cannot use plugin %s: its name must be <kind>_<name>.so with the kind "
                    "state, lock, oci or net",
                    path);
    pthread_mutex_lock(&loading);
    l = find_loaded(module);
    r = l ? 0 : load_path(absolute, module, 0, &l, &why);
    pthread_mutex_unlock(&loading);
    if (r < 0)
        return fail(err, why.code, "cannot use plugin \"%s\"\n  %s: %s", module, absolute,
                    error_text(&why));
    *out = &l->pub;
    return 0;
}
