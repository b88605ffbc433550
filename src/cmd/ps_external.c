/* SPDX-License-Identifier: Apache-2.0 */
/* ps_external.c - containers of other programs in the same storage, for the list. */
#include "base/fs.h"
#include "base/str.h"
#include "cmd/ps.h"
#include "storage/storage.h"

struct gathering {
    struct engine *e;
    struct rows *rows;
    struct berth_error *err;
};

/* Buildah leaves a file beside its containers. */
static bool is_buildah(struct engine *e, const char *id)
{
    const struct conf *c = e->conf;
    _cleanup_free_ char *path =
        str_printf("%s/%s-containers/%s/userdata/buildah.json", c->graph_root,
                   str_or(c->storage_driver, "overlay"), id);

    return path && fs_exists(path);
}

static char *image_of(const struct storage_container *c, bool buildah)
{
    _cleanup_json_ json *metadata = NULL;
    const char *name = NULL;

    if (json_parse_object((struct berth_blob){c->metadata, strlen(c->metadata)}, "metadata",
                          &metadata, NULL) == 0)
        name = json_str(metadata, "image-name");
    if (str_empty(name))
        name = str_empty(c->image) && buildah ? "scratch" : "";
    return strdup(name);
}

static int add_one(void *arg, const struct storage_container *c)
{
    struct gathering *all = arg;
    bool buildah = is_buildah(all->e, c->id);
    struct row *row;

    if (strlen(c->id) > ID_LEN)
        return 0;
    row = rows_add(all->rows);
    if (!row)
        return fail(all->err, ENOMEM, "out of memory");
    row->external = true;
    strcpy(row->id, c->id);
    row->created = c->created;
    row->name = strdup(c->names.n ? c->names.items[0] : "unknown");
    row->command = strdup(buildah ? "[\"buildah\"]" : "[\"storage\"]");
    row->image = image_of(c, buildah);
    row->image_id = strdup(str_or(c->image, ""));
    return row->name && row->command && row->image && row->image_id
               ? 0
               : fail(all->err, ENOMEM, "out of memory");
}

int rows_external(struct engine *e, struct rows *out, struct berth_error *err)
{
    struct gathering all = {e, out, err};
    struct storage *storage;
    int r = engine_storage(e, &storage, err);

    return r < 0 ? r : storage_container_each(storage, add_one, &all, err);
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int rows_merge(struct rows *rows, struct rows *external, struct berth_error *err)
{
    size_t known = rows->n;
    const char **ids = calloc(known + 1, sizeof(*ids));

    if (!ids)
        return fail(err, ENOMEM, "out of memory");
    /* The IDs lie in the rows: these must have their places before. */
    for (size_t i = 0; i < external->n; i++)
        if (!rows_add(rows)) {
            free(ids);
            return fail(err, ENOMEM, "out of memory");
        }
    rows->n = known;
    for (size_t i = 0; i < known; i++)
        ids[i] = rows->items[i].id;
    if (known)
        SORT(ids, known, compare_ids);
    for (size_t i = 0; i < external->n; i++) {
        const char *id = external->items[i].id;

        if (!known || !bsearch(&id, ids, known, sizeof(*ids), compare_ids)) {
            rows->items[rows->n++] = external->items[i];
            external->items[i] = (struct row){.size_rw = -1};
        }
    }
    free(ids);
    return 0;
}
