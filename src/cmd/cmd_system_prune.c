/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_system_prune.c - system prune, system df. */
#include "base/fs.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/format.h"
#include "engine/ctr.h"
#include "engine/reset.h"
#include "engine/store.h"
#include "storage/storage.h"
#include <dirent.h>
#include <fcntl.h>

/* --------------------------------------------------------------------- size */

static uint64_t size_at(int parent, const char *name)
{
    struct dirent *entry;
    uint64_t sum = 0;
    struct stat st;
    DIR *d;
    int fd;

    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (!S_ISDIR(st.st_mode))
        return S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    while ((entry = readdir(d)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            sum += size_at(dirfd(d), entry->d_name);
    closedir(d);
    return sum;
}

static const char *driver_of(const struct engine *e)
{
    return str_empty(e->conf->storage_driver) ? "overlay" : e->conf->storage_driver;
}

/* What a container has written: the upper part of its layer, or all of it under vfs. */
static uint64_t ctr_size(struct engine *e, const char *id)
{
    _cleanup_storage_container_ struct storage_container c = {0};
    _cleanup_free_ char *dir = NULL;
    struct storage *storage;
    bool vfs = str_eq(driver_of(e), "vfs");

    if (engine_storage(e, &storage, NULL) < 0 ||
        storage_container_lookup(storage, id, &c, NULL) < 0 || str_empty(c.layer))
        return 0;
    dir = vfs ? str_printf("%s/vfs/dir/%s", e->conf->graph_root, c.layer)
              : str_printf("%s/%s/%s/diff", e->conf->graph_root, driver_of(e), c.layer);
    return dir ? size_at(AT_FDCWD, dir) : 0;
}

static uint64_t volume_size(struct engine *e, const char *name)
{
    _cleanup_free_ char *dir = str_printf("%s/%s/_data", e->conf->volume_path, name);

    return dir ? size_at(AT_FDCWD, dir) : 0;
}

/* ------------------------------------------------------------------ volumes */

/* Volumes, and for each whether a container uses it. */
static int list_volumes(struct engine *e, struct berth_list *names, bool **used,
                        struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r = store_ids(e, BERTH_VOLUME, 0, names, err);

    if (r < 0)
        return r;
    *used = calloc(names->n + 1, sizeof(**used));
    if (!*used)
        return fail(err, ENOMEM, "out of memory");
    r = store_begin(e, false, &t, err);
    for (size_t i = 0; r >= 0 && i < names->n; i++) {
        r = reset_volume_used(t, names->items[i], err);
        (*used)[i] = r == 1;
    }
    return r < 0 ? r : 0;
}

/* -------------------------------------------------------------------- prune */

struct prune_opts {
    bool force, volumes;
};

struct pruned {
    struct berth_list ctrs, volumes, networks;
    uint64_t bytes;
    int last;
    struct berth_error *err;
};

static void keep_last(struct pruned *p, int r, struct berth_error *why)
{
    cli_keep_last(p->err, why, r, &p->last);
}

#define STOPPED                                                                                \
    (1u << CTR_CONFIGURED | 1u << CTR_CREATED | 1u << CTR_STOPPED | 1u << CTR_EXITED)

static void prune_ctrs(struct engine *e, struct pruned *p)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    struct ctr **ctrs = NULL;
    size_t n = 0;

    keep_last(p, ctr_load_all(e, STOPPED, &ctrs, &n, &why), &why);
    for (size_t i = 0; i < n; i++) {
        uint64_t size = ctr_size(e, ctrs[i]->id);
        int r = ctr_remove(ctrs[i], CTR_REMOVE_VOLUMES, UINT32_MAX, &why);

        if (r == 0) {
            list_add(&p->ctrs, ctrs[i]->id);
            p->bytes += size;
        }
        /* One that somebody started or removed meanwhile, or that others need, stays. */
        if (r < 0 && r != -EBUSY && r != -ENOENT && r != -EEXIST &&
            !(r == -EINVAL && ctrs[i]->pod))
            keep_last(p, r, &why);
        error_clear(&why);
    }
    ctr_free_all(ctrs, n);
}

static void prune_volumes(struct engine *e, struct pruned *p)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_list_ struct berth_list names = LIST_INIT;
    bool *used = NULL;

    keep_last(p, list_volumes(e, &names, &used, &why), &why);
    for (size_t i = 0; used && i < names.n; i++) {
        uint64_t size;
        int r;

        if (used[i])
            continue;
        size = volume_size(e, names.items[i]);
        r = reset_volume(e, names.items[i], &why);
        if (r == 0) {
            list_add(&p->volumes, names.items[i]);
            p->bytes += size;
        } else if (r != -EBUSY && r != -ENOENT) {
            keep_last(p, r, &why);
        }
        error_clear(&why);
    }
    free(used);
}

static int add_network(void *arg, const char *name, const char *id _unused_,
                       struct berth_blob network _unused_)
{
    return list_add(arg, name);
}

static void add_names(json *networks, struct berth_list *out)
{
    json_object_object_foreach (networks, name, value) {
        (void)value;
        list_add(out, name);
    }
}

static int mark_networks(struct engine *e, struct berth_list *used, struct berth_error *err)
{
    struct ctr **ctrs = NULL;
    size_t n = 0;
    int r = ctr_load_all(e, 0, &ctrs, &n, err);

    for (size_t i = 0; r == 0 && i < n; i++) {
        _cleanup_json_ json *networks = NULL;

        r = store_networks(ctrs[i], &networks, err);
        if (r == 0)
            add_names(networks, used);
    }
    ctr_free_all(ctrs, n);
    return r;
}

static void prune_networks(struct engine *e, struct pruned *p)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_list_ struct berth_list names = LIST_INIT, used = LIST_INIT;
    struct net *net;
    int r = engine_net(e, &net, &why);

    if (r == 0)
        r = net_list(net, add_network, &names, &why);
    if (r == 0)
        r = mark_networks(e, &used, &why);
    if (r == -ENOTSUP)
        return; /* a backend without networks */
    keep_last(p, r, &why);
    for (size_t i = 0; r == 0 && i < names.n; i++) {
        int one;

        if (str_eq(names.items[i], net_default_name(net)) || list_has(&used, names.items[i]))
            continue;
        one = net_remove(net, names.items[i], &why);
        if (one == 0)
            list_add(&p->networks, names.items[i]);
        else if (one != -EBUSY && one != -ENOENT)
            keep_last(p, one, &why);
        error_clear(&why);
    }
}

static void print_pruned(const char *title, const struct berth_list *names)
{
    if (names->n)
        puts(title);
    for (size_t i = 0; i < names->n; i++)
        puts(names->items[i]);
}

static int prune_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                     struct berth_error *err)
{
    const struct prune_opts *o = opts;
    struct pruned p = {.err = err};
    struct engine *e;
    char *total;
    int r = cli_engine(cli, 0, &e, err);

    if (r == 0 && !o->force) {
        printf("WARNING! This command removes:\n"
               "\t- all stopped containers\n"
               "\t- all networks not used by at least one container\n%s\n",
               o->volumes ? "\t- all volumes not used by at least one container\n" : "");
        r = confirm("--force", err);
        if (r == 0)
            return 0; /* no */
    }
    if (r < 0)
        return r;
    prune_ctrs(e, &p);
    prune_networks(e, &p);
    if (o->volumes)
        prune_volumes(e, &p);
    total = str_human_size((double)p.bytes);
    print_pruned("Deleted Containers", &p.ctrs);
    print_pruned("Deleted Volumes", &p.volumes);
    print_pruned("Deleted Networks", &p.networks);
    printf("Total reclaimed space: %s\n", str_or(total, "?"));
    free(total);
    list_free(&p.ctrs);
    list_free(&p.volumes);
    list_free(&p.networks);
    return p.last;
}

static const struct opt prune_options[] = {
    {"force", 'f', OPT_BOOL, offsetof(struct prune_opts, force), "", "",
     "Do not ask; needed where standard input is no terminal"},
    {"volumes", 0, OPT_BOOL, offsetof(struct prune_opts, volumes), "", "",
     "Remove volumes that no container uses, too"},
    {""}};

const struct cmd cmd_system_prune = {
    .name = "system prune",
    .args = "[options]",
    .summary = "Remove what is not used",
    .text =
        "Remove all containers that do not run, all networks that no container is connected "
        "to, and with --volumes all volumes that no container uses.  Images are left "
        "alone.",
    .opts = prune_options,
    .size = sizeof(struct prune_opts),
    .interspersed = true,
    .run = prune_run,
};

/* ----------------------------------------------------------------------- df */

#define DF_TABLE "table {{.Type}}\t{{.Total}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}"

struct df_opts {
    char *format;
};

static json *df_row(const char *type, size_t total, size_t active, uint64_t size,
                    uint64_t reclaimable)
{
    char *size_text = str_human_size((double)size);
    char *free_text = str_human_size((double)reclaimable);
    char *text = str_printf("%s (%d%%)", str_or(free_text, "?"),
                            size ? (int)((double)reclaimable * 100 / (double)size + 0.5) : 0);
    json *row = json_new();

    json_set_str(row, "Type", type);
    json_set_i64(row, "Total", (int64_t)total);
    json_set_i64(row, "Active", (int64_t)active);
    json_set_str(row, "Size", size_text);
    json_set_str(row, "Reclaimable", text);
    json_set_u64(row, "RawSize", size);
    json_set_u64(row, "RawReclaimable", reclaimable);
    free(size_text);
    free(free_text);
    free(text);
    return row;
}

static int df_ctrs(struct engine *e, json *rows, struct berth_error *err)
{
    uint64_t size = 0, idle = 0;
    struct ctr **ctrs = NULL;
    size_t n = 0, active = 0;
    int r = ctr_load_all(e, 0, &ctrs, &n, err);

    for (size_t i = 0; i < n; i++) {
        uint64_t one = ctr_size(e, ctrs[i]->id);

        size += one;
        if (ctr_status(ctrs[i]) == CTR_RUNNING)
            active++;
        else
            idle += one;
    }
    ctr_free_all(ctrs, n);
    if (r == 0)
        json_add(rows, df_row("Containers", n, active, size, idle));
    return r;
}

static int df_volumes(struct engine *e, json *rows, struct berth_error *err)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    uint64_t size = 0, idle = 0;
    size_t active = 0;
    bool *used = NULL;
    int r = list_volumes(e, &names, &used, err);

    for (size_t i = 0; r == 0 && i < names.n; i++) {
        uint64_t one = volume_size(e, names.items[i]);

        size += one;
        if (used[i])
            active++;
        else
            idle += one;
    }
    free(used);
    if (r == 0)
        json_add(rows, df_row("Local Volumes", names.n, active, size, idle));
    return r;
}

/* ID -> size and parent of every layer. */
static json *read_list(struct engine *e, const char *what)
{
    _cleanup_free_ char *path =
        str_printf("%s/%s-%s/%s.json", e->conf->graph_root, driver_of(e), what, what);
    json *list = NULL;

    if (!path || json_read_file(path, 256 << 20, &list, NULL) < 0)
        return json_new_array();
    return list;
}

/* Add a chain of layers that is not in `seen` yet; its bytes. */
static uint64_t add_chain(json *by_id, json *seen, const char *layer)
{
    uint64_t sum = 0;

    while (!str_empty(layer) && !json_get(seen, layer)) {
        json *l = json_get(by_id, layer);

        json_set_bool(seen, layer, true);
        sum += json_u64(l, "diff-size", 0);
        layer = json_str(l, "parent");
    }
    return sum;
}

static int note_image(void *arg, const struct storage_container *c)
{
    return str_empty(c->image) ? 0 : list_add(arg, c->image);
}

static int df_images(struct engine *e, json *rows, struct berth_error *err)
{
    _cleanup_json_ json *images = read_list(e, "images"), *layers = read_list(e, "layers");
    _cleanup_json_ json *by_id = json_new(), *seen = json_new();
    _cleanup_list_ struct berth_list used = LIST_INIT;
    uint64_t size = 0, needed = 0;
    struct storage *storage;
    size_t active = 0;
    int r = engine_storage(e, &storage, err);

    if (r == 0)
        r = storage_container_each(storage, note_image, &used, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < json_len(layers); i++) {
        const char *id = json_str(json_item(layers, i), "id");

        if (id)
            json_set(by_id, id, json_ref(json_item(layers, i)));
    }
    for (int round = 0; round < 2; round++) /* those in use first */
        for (size_t i = 0; i < json_len(images); i++) {
            json *image = json_item(images, i);
            bool is_used = list_has(&used, str_or(json_str(image, "id"), ""));
            uint64_t sum;

            if (is_used != (round == 0))
                continue;
            sum = add_chain(by_id, seen, json_str(image, "layer"));
            size += sum;
            needed += is_used ? sum : 0;
            active += is_used;
        }
    json_add(rows, df_row("Images", json_len(images), active, size, size - needed));
    return 0;
}

static int df_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                  struct berth_error *err)
{
    const struct df_opts *o = opts;
    _cleanup_format_ struct format format = {0};
    _cleanup_json_ json *rows = json_new_array(), *headers = json_new();
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    bool as_json = format_is_json(str_or(o->format, ""));
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    if (r == 0 && !as_json)
        r = format_parse("system df", str_or(o->format, DF_TABLE), true, &format, err);
    if (r == 0)
        r = df_images(e, rows, err);
    if (r == 0)
        r = df_ctrs(e, rows, err);
    if (r == 0)
        r = df_volumes(e, rows, err);
    if (r < 0)
        return r;
    json_set_str(headers, "Type", "TYPE");
    json_set_str(headers, "Total", "TOTAL");
    json_set_str(headers, "Active", "ACTIVE");
    json_set_str(headers, "Size", "SIZE");
    json_set_str(headers, "Reclaimable", "RECLAIMABLE");
    if (as_json)
        format_json(rows, &text);
    else
        r = format_run(&format, rows, headers, &text, err);
    fputs(buf_str(&text), stdout);
    return r;
}

static const struct opt df_options[] = {{"format", 0, OPT_STRING,
                                         offsetof(struct df_opts, format), "format", "",
                                         "Print in this form: \"json\", or a Go template"},
                                        {""}};

const struct cmd cmd_system_df = {
    .name = "system df",
    .args = "[options]",
    .summary = "Show what takes up how much space",
    .text =
        "Show how much space images, what containers have written, and volumes take up, and "
        "how much of it nothing uses.",
    .opts = df_options,
    .size = sizeof(struct df_opts),
    .interspersed = true,
    .run = df_run,
};
