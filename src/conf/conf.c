/* SPDX-License-Identifier: Apache-2.0 */
/* conf.c - layers, defaults and overrides; see conf.h. */
#include "base/fs.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/private.h"
#include <dirent.h>

#define RUNROOT_MAX 50 /* paths of sockets below it must fit into sun_path */

static void section_free(struct conf_section *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->entries[i].key);
        free(s->entries[i].origin);
        free(s->entries[i].text);
    }
    free(s->entries);
    free(s->name);
    free(s->origin);
}

void conf_private_free(struct conf_private *p)
{
    if (!p)
        return;
    for (size_t i = 0; p->origins && i < p->n_origins; i++)
        free(p->origins[i]);
    for (size_t i = 0; i < p->n_sections; i++)
        section_free(&p->sections[i]);
    free(p->sections);
    free(p->origins);
    free(p->file);
    free(p);
}

static void runtimes_free(struct conf *c)
{
    for (size_t i = 0; i < c->n_runtimes; i++) {
        free(c->runtimes[i].name);
        free(c->runtimes[i].plugin);
        list_free(&c->runtimes[i].paths);
    }
    free(c->runtimes);
}

void conf_free(struct conf *c)
{
    if (!c)
        return;
    for (const struct conf_key *k = conf_keys; k->name; k++) {
        if (k->type == CONF_STRING || k->type == CONF_PATH)
            free(*(char **)conf_member(c, k));
        else if (k->type == CONF_LIST || k->type == CONF_TABLE)
            list_free(conf_member(c, k));
    }
    runtimes_free(c);
    conf_private_free(c->private_);
    free(c);
}

static struct conf *conf_new(void)
{
    struct conf *c = calloc(1, sizeof(*c));
    struct conf_private *p = calloc(1, sizeof(*p));

    if (!c || !p)
        goto failed;
    c->private_ = p;
    while (conf_keys[p->n_origins].name)
        p->n_origins++;
    p->origins = calloc(p->n_origins, sizeof(*p->origins));
    if (!p->origins)
        goto failed;
    return c;
failed:
    if (c)
        c->private_ = NULL;
    conf_private_free(p);
    conf_free(c);
    return NULL;
}

struct conf_section *conf_section_find(const struct conf *c, const char *name)
{
    struct conf_private *p = c->private_;

    for (size_t i = 0; i < p->n_sections; i++)
        if (strcmp(p->sections[i].name, name) == 0)
            return &p->sections[i];
    return NULL;
}

/* --------------------------------------------------------------------- layers */

/* In a build tree, tests may have all layers below a directory of their own. */
static const char *layer_prefix(void)
{
#ifdef BERTH_UNINSTALLED
    const char *prefix = secure_getenv("BERTH_CONF_PREFIX");

    return prefix ? prefix : "";
#else
    return "";
#endif
}

static int is_conf(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && str_ends(entry->d_name, ".conf");
}

static void read_layer(struct loader *l, const char *dir, const char *file)
{
    _cleanup_free_ char *path = str_printf("%s%s%s", layer_prefix(), dir, file);

    if (path)
        loader_read(l, path, false);
    else
        l->no_memory = true;
}

/* Drop-ins: *.conf in the order of their names; folders are none. */
static void read_folder(struct loader *l, const char *dir)
{
    _cleanup_free_ char *path = str_printf("%s%s", layer_prefix(), dir);
    _cleanup_list_ struct berth_list names = LIST_INIT;
    struct dirent *entry;
    DIR *d = path ? opendir(path) : NULL;

    if (!d) {
        if (!path)
            l->no_memory = true;
        else if (errno != ENOENT)
            loader_problem(l, path, "cannot be read: %s", strerror(errno));
        return;
    }
    while ((entry = readdir(d)))
        if (is_conf(entry))
            list_add(&names, entry->d_name);
    closedir(d);
    list_sort(&names);
    for (size_t i = 0; i < names.n; i++) {
        _cleanup_free_ char *file = path_join(path, names.items[i]);
        struct stat st;

        if (!file)
            l->no_memory = true;
        else if (stat(file, &st) < 0 || !S_ISDIR(st.st_mode))
            loader_read(l, file, true);
    }
}

static void read_users(struct loader *l)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    _cleanup_free_ char *home = NULL, *path = NULL;

    if (!str_empty(config))
        path = str_printf("%s/berth/berth.conf", config);
    else if ((home = conf_home(l->c->uid)))
        path = str_printf("%s/.config/berth/berth.conf", home);
    if (path)
        loader_read(l, path, false);
}

static void read_layers(struct loader *l, const char *file)
{
    const char *named = file ? file : secure_getenv("BERTH_CONF");

    if (!str_empty(named)) {
        l->c->private_->file = path_absolute(named);
        loader_read(l, named, true);
        return;
    }
    read_layer(l, PKGDATADIR, "/berth.conf");
    read_layer(l, SYSCONFDIR, "/berth/berth.conf");
    read_folder(l, SYSCONFDIR "/berth/berth.conf.d");
    if (l->c->uid != 0)
        read_users(l);
}

/* ------------------------------------------------------- overrides and defaults */

static void override(struct loader *l, const struct conf_override *o, bool again)
{
    int index = conf_key_index(o->key);
    const struct conf_key *k = &conf_keys[index];
    _cleanup_free_ char *origin = NULL;

    if (index < 0) {
        loader_problem(l, "command line", "unknown key \"%s\"", o->key);
        return;
    }
    origin = k->flag ? str_printf("flag --%s", k->flag) : strdup("command line");
    if (k->offset == offsetof(struct conf, run_root) && strlen(o->value) > RUNROOT_MAX) {
        if (l->problems++ == 0)
            fail(l->err, EINVAL, "the specified runroot is longer than %d characters",
                 RUNROOT_MAX);
        return;
    }
    loader_set_text(l, k, o->value, again, str_or(origin, o->key));
    if (k->set_offset)
        *((bool *)((char *)l->c + k->set_offset)) = *o->value != '\0';
}

static void apply_overrides(struct loader *l, const struct conf_override *overrides, size_t n)
{
    struct conf *c = l->c;

    for (size_t i = 0; i < n; i++) {
        bool again = false;

        for (size_t j = 0; j < i; j++)
            again = again || strcmp(overrides[j].key, overrides[i].key) == 0;
        override(l, &overrides[i], again);
        /* As with podman, --root moves what is below it, whatever files say. */
        if (c->graph_root_set && strcmp(overrides[i].key, "graph_root") == 0) {
            const struct conf_key *dir = &conf_keys[conf_key_index("static_dir")];
            const struct conf_key *volumes = &conf_keys[conf_key_index("volume_path")];

            loader_set_string(l, dir, "", "flag --root");
            loader_set_string(l, volumes, "", "flag --root");
            c->static_dir_set = c->volume_path_set = true;
        }
    }
}

static void apply_default(struct loader *l, const struct conf_key *k)
{
    _cleanup_free_ char *text = k->derive ? k->derive(l->c) : NULL;

    if (k->derive && !text) {
        loader_problem(l, k->name,
                       "no default: XDG_RUNTIME_DIR (%s) and HOME (%s) lead to no directory "
                       "that belongs to the current user",
                       str_or(getenv("XDG_RUNTIME_DIR"), "not set"),
                       str_or(getenv("HOME"), "not set"));
        return;
    }
    if (text)
        loader_set_text(l, k, text, false, k->name);
    else if (k->preset && k->type == CONF_LIST)
        list_split(conf_member(l->c, k), k->preset, ' ', false);
    else if (k->preset)
        loader_set_text(l, k, k->preset, false, k->name);
    loader_set_origin(l, k, NULL);
}

static void preset_runtimes(struct loader *l)
{
    for (const char *const *p = conf_runtime_presets; *p; p++) {
        _cleanup_list_ struct berth_list words = LIST_INIT;

        list_split(&words, *p, ' ', false);
        if (words.error || words.n == 0) {
            l->no_memory = true;
            return;
        }
        _cleanup_free_ char *name = strdup(words.items[0]);
        list_drop(&words, 0);
        if (!name || conf_set_runtime(l->c, name, NULL, &words) < 0)
            l->no_memory = true;
    }
}

/* A section like oci_kata = { plugin = "runc"; path = "..."; } makes a runtime. */
static void runtimes_of_sections(struct loader *l)
{
    struct conf_private *p = l->c->private_;

    for (size_t i = 0; i < p->n_sections; i++) {
        const struct conf_section *s = &p->sections[i];
        const char *name = str_starts(s->name, "oci_"), *plugin = NULL;
        _cleanup_list_ struct berth_list paths = LIST_INIT;

        for (size_t j = 0; j < s->n; j++) {
            const struct conf_entry *e = &s->entries[j];
            bool names_plugin = strcmp(e->key, "plugin") == 0;

            if (names_plugin && (e->type != ENTRY_STRING || check_plugin_name(e->text)))
                loader_problem(l, e->origin,
                               "\"plugin\" in %s must be the name of a plugin, not \"%s\"",
                               s->name, e->text);
            else if (names_plugin)
                plugin = e->text;
            else if (strcmp(e->key, "path") == 0 && e->type == ENTRY_STRING)
                list_add(&paths, e->text);
        }
        if (name && (plugin || paths.n) &&
            conf_set_runtime(l->c, name, plugin, paths.n ? &paths : NULL) < 0)
            l->no_memory = true;
    }
}

int conf_examine(const char *file, const struct conf_override *overrides, size_t n,
                 struct conf **out, struct berth_list *all, struct berth_error *err)
{
    _cleanup_conf_ struct conf *c = conf_new();
    struct loader l = {.c = c, .all = all, .err = err};

    if (!c)
        return fail(err, ENOMEM, "out of memory");
    derive_user(c);
    preset_runtimes(&l);
    read_layers(&l, file);
    apply_overrides(&l, overrides, n);
    for (const struct conf_key *k = conf_keys; k->name; k++)
        if (!c->private_->origins[k - conf_keys] && k->type != CONF_RUNTIMES)
            apply_default(&l, k);
    runtimes_of_sections(&l);
    if (l.no_memory && l.problems == 0)
        return fail(err, ENOMEM, "out of memory");
    *out = TAKE(c);
    return l.problems ? -EINVAL : 0;
}

int conf_load(const char *file, const struct conf_override *overrides, size_t n,
              struct conf **out, struct berth_list *all, struct berth_error *err)
{
    _cleanup_conf_ struct conf *c = NULL;
    int r = conf_examine(file, overrides, n, &c, all, err);

    if (r == 0)
        *out = TAKE(c);
    return r;
}

int conf_sections(const struct conf *c, conf_section_fn *fn, void *arg)
{
    const struct conf_private *p = c->private_;
    int r = 0;

    for (size_t i = 0; r == 0 && i < p->n_sections; i++) {
        const struct conf_section *s = &p->sections[i];
        const char *plugin = NULL;

        for (size_t j = 0; j < s->n; j++)
            if (strcmp(s->entries[j].key, "plugin") == 0)
                plugin = s->entries[j].text;
        r = fn(arg, s->name, plugin, s->origin);
    }
    return r;
}

bool conf_has_section(const struct conf *c, const char *section)
{
    return conf_section_find(c, section) != NULL;
}

const char *conf_origin(const struct conf *c, const char *key)
{
    int index = conf_key_index(key);

    return str_or(index < 0 ? NULL : c->private_->origins[index], "default");
}

/* ------------------------------------------------------------------------ uses */

int conf_adopt(char **member, const char *value)
{
    return str_set(member, value);
}

/* Did the user choose the static directory itself, and not only the graph root above it?
 * podman 5 looks for its store in different places then. */
static bool static_dir_chosen(const struct conf *c)
{
    const char *origin = c->private_ ? conf_origin(c, "static_dir") : NULL;

    return origin && !str_eq(origin, "default") && !str_eq(origin, "flag --root");
}

void conf_place(const struct conf *c, struct berth_place *out)
{
    *out = (struct berth_place){
        .size = sizeof(*out),
        .flags = (c->rootless ? BERTH_PLACE_ROOTLESS : 0) |
                 (static_dir_chosen(c) ? BERTH_PLACE_STATIC_SET : 0),
        .uid = c->uid,
        .gid = c->gid,
        .static_dir = c->static_dir,
        .tmp_dir = c->tmp_dir,
        .graph_root = c->graph_root,
        .run_root = c->run_root,
        .volume_path = c->volume_path,
    };
}

static char *executable(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    struct stat st;

    if (path && stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
        return path;
    free(path);
    return NULL;
}

/* $BINDIR at the beginning is the directory of the running program. */
static char *expand_bindir(const char *dir)
{
    const char *rest = str_starts(dir, "$BINDIR");
    char self[4096];
    ssize_t len;

    if (!rest)
        return strdup(dir);
    len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len <= 0)
        return NULL;
    self[len] = '\0';
    *strrchr(self, '/') = '\0';
    return str_printf("%s%s", self, rest);
}

int conf_find_helper(const struct conf *c, const char *name, char **out,
                     struct berth_error *err)
{
    const char *first = secure_getenv("CONTAINERS_HELPER_BINARY_DIR"), *path = getenv("PATH");
    _cleanup_list_ struct berth_list dirs = LIST_INIT;
    _cleanup_free_ char *tried = NULL;

    if (!str_empty(first))
        list_add(&dirs, first);
    for (size_t i = 0; i < c->helper_binaries_dir.n; i++)
        list_take(&dirs, expand_bindir(c->helper_binaries_dir.items[i]));
    list_split(&dirs, path ? path : "", ':', false);
    if (dirs.error)
        return fail(err, ENOMEM, "out of memory");
    for (size_t i = 0; i < dirs.n; i++) {
        char *found = executable(dirs.items[i], name);

        if (found) {
            *out = found;
            return 0;
        }
    }
    tried = list_join(&c->helper_binaries_dir, ", ");
    return fail(err, ENOENT, "could not find \"%s\" in %s or PATH", name, str_or(tried, "?"));
}

/* -------------------------------------------------------------- exit command */

/* Flags that podman's exit commands have; the engine writes those itself. */
static bool is_podmans_flag(const char *flag)
{
    static const char *const flags[] = {"root",
                                        "runroot",
                                        "tmpdir",
                                        "volumepath",
                                        "runtime",
                                        "network-backend",
                                        "network-config-dir",
                                        "storage-driver",
                                        "cgroup-manager",
                                        "events-backend",
                                        "syslog"};

    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (str_eq(flag, flags[i]))
            return true;
    return false;
}

static void add_flag(struct berth_list *out, const char *flag, const char *value)
{
    list_addf(out, "--%s", flag);
    list_add(out, value);
}

int conf_exit_flags(const struct conf *c, struct berth_list *out)
{
    if (c->private_->file)
        add_flag(out, "config", c->private_->file);
#ifdef BERTH_UNINSTALLED
    /* conmon does not hand our environment on. */
    if (secure_getenv("BERTH_PLUGIN_PATH"))
        add_flag(out, "plugin-path", secure_getenv("BERTH_PLUGIN_PATH"));
#endif
    for (size_t i = 0; conf_keys[i].name; i++) {
        const struct conf_key *k = &conf_keys[i];
        const char *origin = c->private_->origins[i];
        const void *member = (const char *)c + k->offset;

        if (!k->flag || is_podmans_flag(k->flag) || !origin || !str_starts(origin, "flag "))
            continue;
        if (k->type == CONF_STRING || k->type == CONF_PATH) {
            add_flag(out, k->flag, *(char *const *)member);
        } else if (k->type == CONF_LIST) {
            const struct berth_list *list = member;

            for (size_t n = 0; n < list->n; n++)
                add_flag(out, k->flag, list->items[n]);
        }
    }
    return out->error;
}
