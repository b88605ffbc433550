/* SPDX-License-Identifier: Apache-2.0 */
/* volume_reload.c - the records of volumes that plugins keep, brought up to date. */
#include "base/str.h"
#include "engine/store.h"
#include "engine/volume.h"
#include "engine/volume_plugin.h"

/* Those of one plugin, as "plugin/volume"; the names are added to `all`. */
static int add_plugin(struct engine *e, const char *name, struct berth_list *all,
                      struct berth_list *added, struct berth_list *errors,
                      struct berth_error *err)
{
    _cleanup_volume_plugin_ struct volume_plugin plugin = {0};
    _cleanup_list_ struct berth_list names = LIST_INIT;
    int r = volume_plugin_open(e, name, -1, &plugin, err);

    if (r == 0)
        r = volume_plugin_list(&plugin, &names, err);
    if (r < 0)
        return error_wrap(err, "failed to read volumes from plugin \"%s\"", name);
    for (size_t i = 0; i < names.n; i++) {
        struct volume_new what = VOLUME_NEW_INIT;
        _cleanup_volume_ struct volume *v = NULL;
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        list_addf(all, "%s/%s", name, names.items[i]);
        what.name = names.items[i];
        what.driver = name;
        what.in_plugin = true;
        r = volume_create(e, &what, NULL, &v, &why);
        if (r == 0)
            list_add(added, names.items[i]);
        else if (r != -EEXIST)
            list_add(errors, error_text(&why));
    }
    return 0;
}

/* One whose plugin was asked and does not have it. */
static void drop_lost(struct volume *v, const struct berth_list *asked,
                      const struct berth_list *all, struct berth_list *removed,
                      struct berth_list *errors)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_free_ char *full = str_printf("%s/%s", volume_driver(v), v->name);
    int r;

    if (volume_is_local(v) || !full || !list_has(asked, volume_driver(v)) ||
        list_has_sorted(all, full))
        return;
    r = volume_forget(v, &why);
    if (r == -EEXIST) /* it came while the plugin told what it has */
        return;
    if (r == 0)
        list_add(removed, v->name);
    else if (r == -EBUSY)
        list_addf(errors,
                  "volume was removed from the plugin \"%s\" but containers still require it: "
                  "%s",
                  volume_driver(v), error_text(&why));
    else if (r != -ENOENT)
        list_add(errors, error_text(&why));
}

int volume_reload(struct engine *e, struct berth_list *added, struct berth_list *removed,
                  struct berth_list *errors, struct berth_error *err)
{
    _cleanup_list_ struct berth_list asked = LIST_INIT, all = LIST_INIT;
    const struct berth_list *plugins = &e->conf->volume_plugins;
    struct volume **known = NULL;
    size_t n = 0;
    /* First: what is made from now on is no volume that was lost. */
    int r = volume_load_all(e, &known, &n, err);

    for (size_t i = 0; r == 0 && i < plugins->n; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        _cleanup_free_ char *name = strndup(plugins->items[i], strcspn(plugins->items[i], "="));

        if (!name)
            r = fail(err, ENOMEM, "out of memory");
        else if (add_plugin(e, name, &all, added, errors, &why) < 0)
            list_add(errors, error_text(&why));
        else
            list_add(&asked, name);
    }
    if (r == 0 && (all.error || asked.error || added->error))
        r = fail(err, ENOMEM, "out of memory");
    list_sort(&all);
    for (size_t i = 0; r == 0 && i < n; i++)
        drop_lost(known[i], &asked, &all, removed, errors);
    volume_free_all(known, n);
    return r;
}
