/* SPDX-License-Identifier: Apache-2.0 */
/* oci_named.c - see oci_named.h. */
#include "engine/oci_named.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "load/load.h"
#include <sys/stat.h>

/* Overrides for the options of the plugin, and the texts that they lend. */
struct options {
    struct conf_override with[16];
    struct berth_list texts;
    size_t n;
};

static void options_free(struct options *o)
{
    list_free(&o->texts);
}

/* A hint is for plugins that have the option and whose section does not set it. */
static void add(struct options *o, const char *key, const char *value, bool hint)
{
    if (o->n == ARRAY_LEN(o->with) || list_add(&o->texts, value) < 0)
        return;
    o->with[o->n++] = (struct conf_override){
        .key = key, .value = o->texts.items[o->texts.n - 1], .hint = hint};
}

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static const char *first_file(const struct berth_list *paths)
{
    for (size_t i = 0; i < paths->n; i++)
        if (is_file(paths->items[i]))
            return paths->items[i];
    return NULL;
}

static const struct conf_runtime *runtime_of(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->n_runtimes; i++)
        if (str_eq(c->runtimes[i].name, name))
            return &c->runtimes[i];
    return NULL;
}

/* podman's order: the paths of the runtime's name, then PATH.  A name that `runtimes` does
 * not have is left to its plugin. */
static int find_program(const struct conf_runtime *known, const char *name, struct options *o,
                        struct berth_error *err)
{
    _cleanup_free_ char *found = NULL;
    const char *path = name;

    if (name[0] != '/') {
        if (!known)
            return 0;
        path = first_file(&known->paths);
        if (!path)
            path = found = proc_find(name);
    }
    if (!path || !is_file(path))
        return fail(err, ENOEXEC,
                    "no valid executable found for OCI runtime %s: invalid argument", name);
    add(o, "path", path, false);
    return 0;
}

/* Whether the runtime is in a list of those that can do something, where the user wrote one:
 * the plugins know the usual runtimes by themselves. */
static void support(const struct conf *c, const char *key, const struct berth_list *list,
                    const char *name, const char *option, struct options *o)
{
    if (!str_eq(conf_origin(c, key), "default"))
        add(o, option, list_has(list, path_base(name)) ? "yes" : "no", true);
}

static void add_options(const struct conf *c, const char *name, struct options *o)
{
    _cleanup_free_ char *flags = list_join(&c->runtime_flags, " ");
    _cleanup_free_ char *env = list_join(&c->conmon_env_vars, " ");
    const char *conmon = first_file(&c->conmon_path);

    if (!str_empty(flags))
        add(o, "runtime_flags", flags, true);
    if (conmon && !str_eq(conf_origin(c, "conmon_path"), "default"))
        add(o, "conmon_path", conmon, true);
    if (env && !str_eq(conf_origin(c, "conmon_env_vars"), "default"))
        add(o, "conmon_env", env, true);
    support(c, "runtime_supports_json", &c->runtime_supports_json, name, "supports_json", o);
    support(c, "runtime_supports_nocgroups", &c->runtime_supports_nocgroups, name,
            "supports_nocgroup", o);
    support(c, "runtime_supports_kvm", &c->runtime_supports_kvm, name, "supports_kvm", o);
}

/* The plugin that drives it: the one that the configuration names, the one of its name, or
 * the default's, which drives every runtime that takes the same commands. */
static int choose_plugin(const struct conf *c, const struct conf_runtime *known,
                         const char *name, const char **out, struct berth_error *err)
{
    if (known && known->plugin) {
        *out = known->plugin;
        return 0;
    }
    *out = path_base(name);
    if (plugin_is_there(c, BERTH_KIND_OCI, *out))
        return 0;
    if (!known && name[0] != '/')
        return fail(err, ENOEXEC, "default OCI runtime \"%s\" not found: invalid argument",
                    name);
    *out = BERTH_DEFAULT_OCI;
    return 0;
}

int oci_open_named(const struct engine *e, const char *name, struct oci **out,
                   struct berth_error *err)
{
    _cleanup_(options_free) struct options o = {.n = 0};
    const struct conf_runtime *known = runtime_of(e->conf, name);
    _cleanup_free_ char *section = str_printf("oci_%s", name);
    const char *plugin = NULL;
    int r;

    if (!section)
        return fail(err, ENOMEM, "out of memory");
    r = find_program(known, name, &o, err);
    if (r == 0)
        r = choose_plugin(e->conf, known, name, &plugin, err);
    if (r < 0)
        return r;
    add_options(e->conf, name, &o);
    if (o.texts.error)
        return fail(err, ENOMEM, "out of memory");
    return oci_open(e->conf, plugin, conf_has_section(e->conf, section) ? section : NULL,
                    &e->place, o.with, o.n, out, err);
}
