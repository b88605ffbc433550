/* SPDX-License-Identifier: Apache-2.0 */
/* storage.c - see storage.h.
 *
 * A change takes the write locks of layers and containers, in this order, reads what it
 * does not know yet, checks, and only then writes: each file once. */
#include "storage/storage.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/json.h"
#include "base/str.h"
#include "base/time.h"
#include "storage/layer.h"
#include "storage/lockfile.h"
#include "storage/storage_priv.h"
#include "wrap/fault.h"
#include <time.h>

/* Locks held during one call. */
struct held {
    int layers, containers;
};

static void held_release(struct held *h)
{
    attr_closep(&h->containers);
    attr_closep(&h->layers);
}
#define _cleanup_held_ _cleanup_(held_release)

/* ------------------------------------------------------------------ opening */

static int init_records(struct storage *st, struct records *r, const char *root,
                        const char *kind, const char *file)
{
    _cleanup_free_ char *path = str_printf("%s/%s-%s/%s", root, st->driver, kind, file);

    return path ? records_init(r, path) : -ENOMEM;
}

int storage_open(const char *graph_root, const char *run_root, const char *driver,
                 struct storage **out, struct berth_error *err)
{
    _cleanup_storage_ struct storage *st = calloc(1, sizeof(*st));

    if (str_empty(driver) || str_eq(driver, "overlay2"))
        driver = "overlay";
    if (!st || !(st->graph_root = path_clean(graph_root)) ||
        !(st->run_root = path_clean(run_root)) || !(st->driver = strdup(driver)) ||
        !(st->storage_lock = path_join(st->graph_root, "storage.lock")) ||
        !(st->layers_lock = str_printf("%s/%s-layers/layers.lock", st->graph_root, driver)) ||
        !(st->containers_lock =
              str_printf("%s/%s-containers/containers.lock", st->graph_root, driver)) ||
        !(st->mountpoints_lock =
              str_printf("%s/%s-layers/mountpoints.lock", st->run_root, driver)) ||
        init_records(st, &st->layers, st->graph_root, "layers", "layers.json") < 0 ||
        init_records(st, &st->containers, st->graph_root, "containers", "containers.json") <
            0 ||
        init_records(st, &st->volatile_, st->graph_root, "containers",
                     "volatile-containers.json") < 0 ||
        init_records(st, &st->mountpoints, st->run_root, "layers", "mountpoints.json") < 0)
        return fail(err, ENOMEM, "out of memory");
    if (strchr(driver, '/'))
        return fail(err, EINVAL, "bad name of a storage driver: %s", driver);
    *out = TAKE(st);
    return 0;
}

void storage_close(struct storage *st)
{
    if (!st)
        return;
    records_clear(&st->layers);
    records_clear(&st->containers);
    records_clear(&st->volatile_);
    records_clear(&st->mountpoints);
    free(st->graph_root);
    free(st->run_root);
    free(st->driver);
    free(st->storage_lock);
    free(st->layers_lock);
    free(st->containers_lock);
    free(st->mountpoints_lock);
    free(st);
}

/* ------------------------------------------------------------------ folders */

static char *container_dir(const char *root, const struct storage *st, const char *id)
{
    return str_printf("%s/%s-containers/%s", root, st->driver, id);
}

bool storage_container_there(const struct storage *st, const char *id)
{
    _cleanup_free_ char *dir = container_dir(st->graph_root, st, id);

    return !dir || fs_exists(dir);
}

static int make_userdata(const struct storage *st, const char *root, const char *id, char **out,
                         struct berth_error *err)
{
    _cleanup_free_ char *dir = container_dir(root, st, id);
    _cleanup_free_ char *path = dir ? path_join(dir, "userdata") : NULL;
    int r;

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    /* Mostly only these two are missing. */
    if ((mkdir(dir, 0700) < 0 && errno != EEXIST) || mkdir(path, 0700) < 0) {
        r = fs_mkdir_p(path, 0700, err);
        if (r < 0)
            return r;
    }
    if (out)
        *out = TAKE(path);
    return 0;
}

static bool is_id(const char *id)
{
    return id && *id && *id != '.' && !strchr(id, '/');
}

int storage_container_dirs(struct storage *st, const char *id, char **static_dir,
                           char **run_dir, struct berth_error *err)
{
    _cleanup_free_ char *first = NULL;
    int r;

    if (!is_id(id))
        return fail(err, EINVAL, "bad container ID \"%s\"", str_or(id, ""));
    r = make_userdata(st, st->graph_root, id, &first, err);
    if (r < 0 || (r = make_userdata(st, st->run_root, id, run_dir, err)) < 0)
        return r;
    if (static_dir)
        *static_dir = TAKE(first);
    return 0;
}

/* ------------------------------------------------------------------ reading */

int storage_load_containers(struct storage *st, struct berth_error *err)
{
    int r = records_load(&st->containers, err);

    return r < 0 ? r : records_load(&st->volatile_, err);
}

static struct spot find_in(struct storage *st, const char *value,
                           ssize_t (*find)(const struct records *, const char *))
{
    struct records *files[] = {&st->containers, &st->volatile_};

    for (size_t k = 0; k < ARRAY_LEN(files); k++) {
        ssize_t i = find(files[k], value);

        if (i >= 0)
            return (struct spot){files[k], (size_t)i};
    }
    return (struct spot){0};
}

static ssize_t by_id(const struct records *r, const char *id)
{
    return records_find(r, RECORD_ID, id);
}

static ssize_t by_layer(const struct records *r, const char *id)
{
    return records_find(r, RECORD_LAYER, id);
}

struct spot storage_find_id(struct storage *st, const char *id)
{
    return find_in(st, id, by_id);
}

/* Podman's order: exact ID, exact name, exact layer, unique beginning of an ID. */
static struct spot find_any(struct storage *st, const char *word)
{
    struct spot s = find_in(st, word, by_id);
    ssize_t a, b;

    if (!*word || s.file)
        return s;
    s = find_in(st, word, records_find_name);
    if (!s.file)
        s = find_in(st, word, by_layer);
    if (s.file)
        return s;
    a = records_find_prefix(&st->containers, word);
    b = records_find_prefix(&st->volatile_, word);
    if (a >= 0 && b == -1)
        return (struct spot){&st->containers, (size_t)a};
    if (b >= 0 && a == -1)
        return (struct spot){&st->volatile_, (size_t)b};
    return (struct spot){0};
}

char *storage_field(const struct record *rec, enum record_field field)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (record_str(rec, field, &text) < 0)
        return NULL;
    return strdup(buf_str(&text));
}

static int fill(const struct record *rec, struct storage_container *out,
                struct berth_error *err)
{
    _cleanup_free_ char *created = storage_field(rec, RECORD_CREATED);

    *out = (struct storage_container){
        .id = storage_field(rec, RECORD_ID),
        .image = storage_field(rec, RECORD_IMAGE),
        .layer = storage_field(rec, RECORD_LAYER),
        .metadata = storage_field(rec, RECORD_METADATA),
        .is_volatile = record_flag(rec, "Volatile"),
    };
    if (!created || time_parse(created, &out->created) < 0)
        out->created = DATE_NEVER;
    if (record_names(rec, &out->names) < 0 || !out->id || !out->image || !out->layer ||
        !out->metadata) {
        storage_container_clear(out);
        return fail(err, EUCLEAN, "a storage record has a damaged string");
    }
    return 0;
}

void storage_container_clear(struct storage_container *c)
{
    free(c->id);
    free(c->image);
    free(c->layer);
    free(c->metadata);
    list_free(&c->names);
    *c = (struct storage_container){0};
}

/* Nobody made a container here yet: do not leave a lock file behind for a mere look. */
static bool is_unused(const struct storage *st)
{
    return !fs_exists(st->containers_lock);
}

int storage_container_lookup(struct storage *st, const char *name_or_id,
                             struct storage_container *out, struct berth_error *err)
{
    _cleanup_close_ int lock = -1;
    struct spot s = {0};
    int r;

    if (!is_unused(st)) {
        lock = lockfile_take(st->containers_lock, false, err);
        if (lock < 0)
            return lock;
        r = storage_load_containers(st, err);
        if (r < 0)
            return r;
        s = find_any(st, name_or_id);
    }
    if (!s.file)
        return fail(err, ENOENT, "%s: container not known", name_or_id);
    return out ? fill(&s.file->items[s.i], out, err) : 0;
}

int storage_container_exists(struct storage *st, const char *id, struct berth_error *err)
{
    _cleanup_close_ int lock = -1;
    int r;

    if (is_unused(st))
        return 0;
    lock = lockfile_take(st->containers_lock, false, err);
    if (lock < 0)
        return lock;
    r = storage_load_containers(st, err);
    return r < 0 ? r : find_in(st, id, by_id).file != NULL;
}

/* Copy all records, so that no lock is held while others look at them. */
static int copy_all(struct storage *st, struct storage_container **out, size_t *n,
                    struct berth_error *err)
{
    _cleanup_close_ int lock = lockfile_take(st->containers_lock, false, err);
    struct records *files[] = {&st->containers, &st->volatile_};
    struct storage_container *all;
    int r;

    if (lock < 0)
        return lock;
    r = storage_load_containers(st, err);
    if (r < 0)
        return r;
    all = calloc(st->containers.n + st->volatile_.n + 1, sizeof(*all));
    if (!all)
        return fail(err, ENOMEM, "out of memory");
    *out = all;
    for (size_t k = 0; k < ARRAY_LEN(files); k++)
        for (size_t i = 0; i < files[k]->n; i++) {
            r = fill(&files[k]->items[i], &all[*n], err);
            if (r < 0)
                return r;
            (*n)++;
        }
    return 0;
}

int storage_container_each(struct storage *st, storage_container_fn *fn, void *arg,
                           struct berth_error *err)
{
    struct storage_container *all = NULL;
    size_t n = 0;
    int r;

    if (is_unused(st))
        return 0;
    r = copy_all(st, &all, &n, err);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = fn(arg, &all[i]);
    for (size_t i = 0; i < n; i++)
        storage_container_clear(&all[i]);
    free(all);
    return r;
}

/* ----------------------------------------------------------------- changing */

static int take_all(struct storage *st, struct held *h, struct berth_error *err)
{
    int r;

    h->layers = lockfile_take(st->layers_lock, true, err);
    if (h->layers < 0)
        return h->layers;
    h->containers = lockfile_take(st->containers_lock, true, err);
    if (h->containers < 0)
        return h->containers;
    r = records_load(&st->layers, err);
    return r < 0 ? r : storage_load_containers(st, err);
}

static int save_layers(struct storage *st, const struct held *h, struct berth_error *err)
{
    int r = lockfile_touch(h->layers, st->layers_lock, err);

    return r < 0 ? r : records_save(&st->layers, err);
}

static int save_containers(struct storage *st, int lock, struct records *file,
                           struct berth_error *err)
{
    int r = lockfile_touch(lock, st->containers_lock, err);

    return r < 0 ? r : records_save(file, err);
}

/* Go's RFC3339Nano in UTC, as JSON. */
static void put_date(berth_date date, struct berth_buf *out)
{
    time_t sec = (time_t)(date / 1000000000);
    long ns = (long)(date % 1000000000);
    char text[32];
    struct tm tm;
    size_t n;

    gmtime_r(&sec, &tm);
    n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    buf_printf(out, "\"%s", text);
    if (ns) {
        n = (size_t)snprintf(text, sizeof(text), ".%09ld", ns);
        while (text[n - 1] == '0')
            n--;
        buf_put(out, text, n);
    }
    buf_puts(out, "Z\"");
}

static void put_str(const char *s, struct berth_buf *out)
{
    json_write_str(s, strlen(s), 0, out);
}

/* What libpod writes about a container without image. */
static void put_metadata(const struct storage_new *what, struct berth_buf *out)
{
    buf_puts(out, "{\"image-name\":\"\",\"image-id\":\"\",\"name\":");
    put_str(what->name, out);
    buf_printf(out, ",\"created-at\":%lld", (long long)(what->created / 1000000000));
    if (!str_empty(what->mount_label)) {
        buf_puts(out, ",\"mountlabel\":");
        put_str(what->mount_label, out);
    }
    buf_putc(out, '}');
}

static void put_container(const struct storage_new *what, const char *layer,
                          struct berth_buf *out)
{
    _cleanup_buf_ struct berth_buf metadata = BUF_INIT;

    if (what->metadata)
        buf_puts(&metadata, what->metadata);
    else
        put_metadata(what, &metadata);
    buf_printf(out, "{\"id\":\"%s\",\"names\":[", what->id);
    put_str(what->name, out);
    buf_printf(out, "],\"image\":\"\",\"layer\":\"%s\",\"metadata\":", layer);
    put_str(buf_str(&metadata), out);
    buf_puts(out, ",\"created\":");
    put_date(what->created, out);
    buf_puts(out, ",\"flags\":{\"MountLabel\":");
    put_str(str_or(what->mount_label, ""), out);
    if (what->mount_opts && what->mount_opts->n) {
        _cleanup_json_ json *opts = json_from_list(what->mount_opts);

        buf_puts(out, ",\"MountOpts\":");
        json_write(opts, 0, out);
    }
    buf_puts(out, ",\"ProcessLabel\":");
    put_str(str_or(what->process_label, ""), out);
    buf_puts(out, what->is_volatile ? ",\"Volatile\":true}}" : "}}");
    if (buf_error(&metadata))
        out->error = buf_error(&metadata);
}

static void put_layer(const struct storage_new *what, const char *layer, const char *name,
                      struct berth_buf *out)
{
    buf_printf(out, "{\"id\":\"%s\",\"names\":[", layer);
    put_str(name, out);
    buf_puts(out, "]");
    if (!str_empty(what->mount_label)) {
        buf_puts(out, ",\"mountlabel\":");
        put_str(what->mount_label, out);
    }
    buf_puts(out, ",\"created\":");
    put_date(what->created, out);
    buf_putc(out, '}');
}

static int check_free(struct storage *st, const char *id, const char *name,
                      struct berth_error *err)
{
    _cleanup_free_ char *owner = NULL;
    struct spot s = find_in(st, name, records_find_name);

    if (s.file) {
        owner = storage_field(&s.file->items[s.i], RECORD_ID);
        return fail(err, EEXIST,
                    "the container name \"%s\" is already in use by %s. You have to remove "
                    "that container to be able to reuse that name: that name is already in use",
                    name, str_or(owner, "another container"));
    }
    if (id && find_in(st, id, by_id).file)
        return fail(err, EEXIST, "container %s: that ID is already in use", id);
    return 0;
}

/* A layer of an earlier container of that name (renamed since) loses the name. */
static int free_layer_name(struct storage *st, const char *name, struct berth_error *err)
{
    ssize_t i;

    while ((i = records_find_name(&st->layers, name)) >= 0) {
        _cleanup_list_ struct berth_list names = LIST_INIT;
        int r = record_names(&st->layers.items[i], &names);

        for (size_t k = names.n; r == 0 && k-- > 0;)
            if (str_eq(names.items[k], name))
                list_drop(&names, k);
        if (r < 0)
            return fail(err, -r, "reading names of a layer");
        r = records_set_names(&st->layers, (size_t)i, &names, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The layer of a container has its ID, backwards: where only folders were made, there is no
 * record that could tell whose they are. */
static void layer_of(const char *id, char out[static ID_LEN + 1])
{
    for (size_t i = 0; i < ID_LEN; i++)
        out[i] = id[ID_LEN - 1 - i];
    out[ID_LEN] = '\0';
}

/* Locks held, files loaded, name free: write it all. */
static int create_locked(struct storage *st, const struct held *h,
                         const struct storage_new *what, const char *layer,
                         struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf ctr_text = BUF_INIT, layer_text = BUF_INIT;
    _cleanup_free_ char *layer_name = str_printf("%s-layer", what->name);
    ssize_t i;
    int r;

    if (!layer_name)
        return fail(err, ENOMEM, "out of memory");
    put_container(what, layer, &ctr_text);
    put_layer(what, layer, layer_name, &layer_text);
    if (buf_error(&ctr_text) || buf_error(&layer_text))
        return fail(err, ENOMEM, "out of memory");
    r = free_layer_name(st, layer_name, err);
    if (r == 0)
        r = records_append(&st->layers, layer_text.data, layer_text.len, err);
    if (r == 0)
        r = records_append(&st->containers, ctr_text.data, ctr_text.len, err);
    if (r == 0)
        r = save_layers(st, h, err);
    if (r < 0)
        return r;
    r = fault_point("storage", "layers", err);
    if (r == 0)
        r = save_containers(st, h->containers, &st->containers, err);
    if (r == 0)
        return 0;
    i = records_find(&st->layers, RECORD_ID, layer);
    if (i >= 0) {
        records_remove(&st->layers, (size_t)i);
        save_layers(st, h, NULL);
    }
    return r;
}

/* What is in memory may differ from the files after a failure. */
static void distrust(struct storage *st)
{
    st->layers.loaded = st->containers.loaded = st->volatile_.loaded = false;
}

int storage_container_create(struct storage *st, const struct storage_new *what,
                             char **static_dir, char **run_dir, struct berth_error *err)
{
    _cleanup_held_ struct held h = {-1, -1};
    struct storage_new filled = *what;
    char layer[ID_LEN + 1];
    int r = layer_check_driver(st->driver, err);

    if (r < 0)
        return r;
    if (!id_is_full(what->id) || str_empty(what->name))
        return fail(err, EINVAL, "a storage container needs an ID and a name");
    if (filled.created == 0)
        filled.created = time_now();
    r = take_all(st, &h, err);
    if (r < 0 || (r = check_free(st, what->id, what->name, err)) < 0)
        return r;
    /* Folders first: a kill in between leaves some empty ones, never a record of nothing; and
     * they can be found by the ID, storage_container_delete(). */
    layer_of(what->id, layer);
    r = layer_make(st->graph_root, st->driver, layer, err);
    if (r < 0)
        return r;
    r = fault_point("storage", "layer", err);
    if (r == 0)
        r = storage_container_dirs(st, what->id, static_dir, run_dir, err);
    if (r == 0)
        r = fault_point("storage", "folders", err);
    if (r == 0) {
        r = create_locked(st, &h, &filled, layer, err);
        if (r < 0) {
            if (static_dir)
                free(TAKE(*static_dir));
            if (run_dir)
                free(TAKE(*run_dir));
        }
    }
    if (r < 0) {
        _cleanup_free_ char *a = container_dir(st->graph_root, st, what->id);
        _cleanup_free_ char *b = container_dir(st->run_root, st, what->id);

        distrust(st);
        layer_remove(st->graph_root, st->driver, layer, NULL);
        if (a)
            fs_remove_tree(a, NULL);
        if (b)
            fs_remove_tree(b, NULL);
    }
    return r;
}

static int remove_layer_files(struct storage *st, const char *layer, struct berth_error *err)
{
    _cleanup_free_ char *split =
        str_printf("%s/%s-layers/%s.tar-split.gz", st->graph_root, st->driver, layer);
    _cleanup_free_ char *data =
        str_printf("%s/%s-layers/%s", st->graph_root, st->driver, layer);
    int r;

    if (!split || !data)
        return fail(err, ENOMEM, "out of memory");
    r = layer_remove(st->graph_root, st->driver, layer, err);
    if (r < 0)
        return r;
    if (unlink(split) < 0 && errno != ENOENT)
        return fail_errno(err, errno, "removing %s", split);
    return fs_remove_tree(data, err);
}

static int delete_layer(struct storage *st, const struct held *h, const char *layer,
                        struct berth_error *err)
{
    ssize_t i = records_find(&st->layers, RECORD_ID, layer);
    int r;

    if (i < 0)
        return 0;
    if (records_find(&st->layers, RECORD_PARENT, layer) >= 0)
        return fail(err, EBUSY, "layer %s: layer has children", layer);
    /* Half of a layer with content would be taken for a whole one; the next writer deletes
     * what is marked. */
    if (record_has(&st->layers.items[i], RECORD_PARENT)) {
        r = records_set_incomplete(&st->layers, (size_t)i, err);
        if (r < 0 || (r = save_layers(st, h, err)) < 0)
            return r;
    }
    r = storage_forget_mount(st, layer, err);
    if (r < 0 || (r = remove_layer_files(st, layer, err)) < 0 ||
        (r = fault_point("storage", "emptied", err)) < 0)
        return r;
    records_remove(&st->layers, (size_t)i);
    return save_layers(st, h, err);
}

static int delete_dirs(struct storage *st, const char *id, struct berth_error *err)
{
    _cleanup_free_ char *a = container_dir(st->graph_root, st, id);
    _cleanup_free_ char *b = container_dir(st->run_root, st, id);
    int r;

    if (!a || !b)
        return fail(err, ENOMEM, "out of memory");
    r = layer_remove_tree(b, err);
    return r < 0 ? r : layer_remove_tree(a, err);
}

/* What was made before its record was written. */
static int delete_unrecorded(struct storage *st, const struct held *h, const char *id,
                             struct berth_error *err)
{
    char layer[ID_LEN + 1];
    int r = 0;

    if (id_is_full(id) && layer_check_driver(st->driver, NULL) == 0) {
        layer_of(id, layer);
        r = records_find(&st->layers, RECORD_ID, layer) >= 0
                ? delete_layer(st, h, layer, err)
                : remove_layer_files(st, layer, err);
    }
    return r < 0 ? r : delete_dirs(st, id, err);
}

static int strip_locked(struct storage *st, const struct held *h, struct spot s, const char *id,
                        struct berth_error *err)
{
    _cleanup_free_ char *layer = storage_field(&s.file->items[s.i], RECORD_LAYER);
    int r;

    if (!layer)
        return fail(err, EUCLEAN, "the storage record of %s is damaged", id);
    if (!*layer)
        return 0;
    r = layer_check_driver(st->driver, err);
    return r < 0 ? r : delete_layer(st, h, layer, err);
}

static int strip_known(struct storage *st, const struct held *h, const char *id,
                       struct berth_error *err)
{
    struct spot s = find_in(st, id, by_id);

    return s.file ? strip_locked(st, h, s, id, err)
                  : fail(err, ENOENT, "%s: container not known", id);
}

static int delete_locked(struct storage *st, const struct held *h, const char *id,
                         struct berth_error *err)
{
    struct spot s = find_in(st, id, by_id);
    int r;

    if (!s.file) {
        r = delete_unrecorded(st, h, id, err);
        return r < 0 ? r : fail(err, ENOENT, "%s: container not known", id);
    }
    r = strip_locked(st, h, s, id, err);
    if (r < 0)
        return r;
    r = fault_point("storage", "unlayered", err);
    if (r == 0)
        r = delete_dirs(st, id, err);
    if (r == 0)
        r = fault_point("storage", "swept", err);
    if (r < 0)
        return r;
    records_remove(s.file, s.i);
    return save_containers(st, h->containers, s.file, err);
}

/* With everything locked. */
static int change_container(struct storage *st, const char *id,
                            int (*change)(struct storage *, const struct held *, const char *,
                                          struct berth_error *),
                            struct berth_error *err)
{
    _cleanup_held_ struct held h = {-1, -1};
    int r;

    if (!is_id(id))
        return fail(err, EINVAL, "bad container ID \"%s\"", str_or(id, ""));
    r = take_all(st, &h, err);
    if (r < 0)
        return r;
    r = change(st, &h, id, err);
    if (r < 0)
        distrust(st);
    return r;
}

int storage_container_delete(struct storage *st, const char *id, struct berth_error *err)
{
    return change_container(st, id, delete_locked, err);
}

int storage_container_strip(struct storage *st, const char *id, struct berth_error *err)
{
    return change_container(st, id, strip_known, err);
}

int storage_container_rename(struct storage *st, const char *id, const char *name,
                             struct berth_error *err)
{
    _cleanup_close_ int lock = lockfile_take(st->containers_lock, true, err);
    _cleanup_list_ struct berth_list names = LIST_INIT;
    struct spot s;
    int r;

    if (lock < 0)
        return lock;
    r = storage_load_containers(st, err);
    if (r < 0)
        return r;
    s = find_in(st, id, by_id);
    if (!s.file)
        return fail(err, ENOENT, "%s: container not known", id);
    if (record_has_name(&s.file->items[s.i], name))
        return 0;
    r = check_free(st, NULL, name, err);
    if (r < 0)
        return r;
    if (list_add(&names, name) < 0)
        return fail(err, ENOMEM, "out of memory");
    r = records_set_names(s.file, s.i, &names, err);
    if (r == 0)
        r = save_containers(st, lock, s.file, err);
    if (r < 0)
        distrust(st);
    return r;
}
