/* SPDX-License-Identifier: Apache-2.0 */
/* search.c - see search.h. */
#include "load/search.h"
#include "base/fs.h"
#include "base/str.h"
#include <dirent.h>

/* BERTH_PLUGIN_PATH is for people who try out their own plugins.  Root has to name
 * directories in the configuration, but in a build tree. */
static const char *path_variable(void)
{
#ifndef BERTH_UNINSTALLED
    if (geteuid() == 0)
        return NULL;
#endif
    return secure_getenv("BERTH_PLUGIN_PATH");
}

int search_dirs(const struct conf *c, struct berth_list *out, struct berth_error *err)
{
    const char *path = path_variable();
    _cleanup_list_ struct berth_list parts = LIST_INIT;

    if (path)
        list_split(&parts, path, ':', false);
    for (size_t i = 0; i < parts.n; i++) {
        if (parts.items[i][0] != '/')
            return fail(err, EINVAL, "BERTH_PLUGIN_PATH: %s is no absolute path",
                        parts.items[i]);
        list_add(out, parts.items[i]);
    }
    list_addv(out, (const char *const *)list_argv(&c->plugin_dirs));
    return out->error || parts.error ? fail(err, ENOMEM, "out of memory") : 0;
}

int search_module(const struct conf *c, const char *module, char **out, struct berth_error *err)
{
    _cleanup_list_ struct berth_list dirs = LIST_INIT;
    _cleanup_buf_ struct berth_buf tried = BUF_INIT;
    int r = search_dirs(c, &dirs, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < dirs.n; i++) {
        char *path = str_printf("%s/%s.so", dirs.items[i], module);
        struct stat st;

        if (!path)
            return fail(err, ENOMEM, "out of memory");
        if (lstat(path, &st) == 0) {
            *out = path;
            return 0;
        }
        r = errno;
        free(path);
        buf_printf(&tried, "%s%s", i ? "; " : "", dirs.items[i]);
        if (r != ENOENT || stat(dirs.items[i], &st) < 0)
            buf_printf(&tried, " (%s)", strerror(r));
    }
    return fail(err, ENOENT, "there is no %s.so in %s", module,
                tried.len ? buf_str(&tried) : "no directory at all: plugin_dirs is empty");
}

static int is_plugin(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && str_ends(entry->d_name, ".so");
}

int search_all(const struct conf *c, struct berth_list *out, struct berth_error *err)
{
    _cleanup_list_ struct berth_list dirs = LIST_INIT;
    int r = search_dirs(c, &dirs, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < dirs.n; i++) {
        DIR *d = opendir(dirs.items[i]);
        struct dirent *entry;

        while (d && (entry = readdir(d)))
            if (is_plugin(entry))
                list_take(out, path_join(dirs.items[i], entry->d_name));
        if (d)
            closedir(d);
    }
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}
