/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_volumes.c - see ctr_volumes.h. */
#include "engine/ctr_volumes.h"
#include "base/fs_copy.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/rootfs.h"
#include "engine/spec_priv.h"
#include "engine/store.h"
#include <fcntl.h>

#define COUNTED "countedVolumes"

static json *named(const struct ctr *c)
{
    return json_get(c->config, "namedVolumes");
}

static const char *name_of(const json *volume)
{
    return str_or(json_str(volume, "volumeName"), "");
}

/* ---------------------------------------------------------- create, remove */

void ctr_volumes_end(struct ctr_volumes *all)
{
    for (size_t i = 0; i < all->n; i++) {
        volume_free(all->v[i]);
        intent_end(&all->intents[i]);
    }
    free(all->v);
    free(all->intents);
    *all = (struct ctr_volumes){0};
}

static int make_room(struct ctr_volumes *all, size_t n, struct berth_error *err)
{
    all->v = calloc(n + 1, sizeof(*all->v));
    all->intents = calloc(n + 1, sizeof(*all->intents));
    return all->v && all->intents ? 0 : fail(err, ENOMEM, "out of memory");
}

/* Names of all, each once, in order: who begins several intents does so in that order. */
static int sorted_names(const struct ctr *c, struct berth_list *out, struct berth_error *err)
{
    for (size_t i = 0; i < json_len(named(c)); i++)
        if (!list_has(out, name_of(json_item(named(c), i))))
            list_add(out, name_of(json_item(named(c), i)));
    list_sort(out);
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}

static json *find(const struct ctr *c, const char *name)
{
    for (size_t i = 0; i < json_len(named(c)); i++)
        if (str_eq(name_of(json_item(named(c), i)), name))
            return json_item(named(c), i);
    return NULL;
}

/* volume-opt=KEY=VALUE among the options of a mount; *out NULL: there is none. */
static json *driver_options(const json *options)
{
    json *out = NULL;

    for (size_t i = 0; i < json_len(options); i++) {
        const char *word = str_starts(str_or(json_item_str(options, i), ""), "volume-opt=");
        _cleanup_free_ char *key = word ? strndup(word, strcspn(word, "=")) : NULL;

        if (!key)
            continue;
        if (!out)
            out = json_new();
        json_set_str(out, key, word[strlen(key)] ? word + strlen(key) + 1 : "");
    }
    return out;
}

static int create_one(struct ctr *c, const char *name, bool anonymous, struct ctr_volumes *out,
                      struct berth_error *err)
{
    const json *options = json_get(find(c, name), "options");
    _cleanup_json_ json *driver = driver_options(options);
    struct volume_new what = VOLUME_NEW_INIT;
    int r = store_has(c->e, BERTH_VOLUME, name, err);

    if (r != 0)
        return r < 0 ? r : 0;
    what.name = name;
    what.options = driver;
    what.uid = rootfs_host_id(c, "UIDMap", 0);
    what.gid = rootfs_host_id(c, "GIDMap", 0);
    what.keep_owner = json_has_str(options, "idmap");
    what.anonymous = anonymous;
    what.owner = c->id;
    out->intents[out->n] = INTENT_NONE;
    r = volume_create(c->e, &what, &out->intents[out->n], &out->v[out->n], err);
    if (r == -EEXIST) { /* by another process, meanwhile */
        error_clear(err);
        return 0;
    }
    if (r < 0)
        return error_wrap(err, "creating named volume \"%s\"", name);
    out->n++;
    return 0;
}

int ctr_volumes_create(struct ctr *c, struct ctr_volumes *out, struct berth_error *err)
{
    _cleanup_list_ struct berth_list names = LIST_INIT, anonymous = LIST_INIT;
    int r = make_room(out, json_len(named(c)), err);

    for (size_t i = 0; r == 0 && i < json_len(named(c)); i++) {
        json *v = json_item(named(c), i);
        char id[ID_LEN + 1];

        if (*name_of(v))
            continue;
        id_generate(id);
        json_set_str(v, "volumeName", id);
        list_add(&anonymous, id);
    }
    if (r == 0)
        r = sorted_names(c, &names, err);
    for (size_t i = 0; r == 0 && i < names.n; i++)
        r = create_one(c, names.items[i], list_has(&anonymous, names.items[i]), out, err);
    if (r < 0) {
        ctr_volumes_undo(out);
        ctr_volumes_end(out);
    }
    return r;
}

void ctr_volumes_undo(struct ctr_volumes *made)
{
    for (size_t i = made->n; i-- > 0;)
        volume_undo(made->v[i], &made->intents[i]);
}

int ctr_volumes_doom(struct ctr *c, struct ctr_volumes *out, struct berth_error *err)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    int r = make_room(out, json_len(named(c)), err);

    if (r == 0)
        r = sorted_names(c, &names, err);
    for (size_t i = 0; r == 0 && i < names.n; i++) {
        _cleanup_volume_ struct volume *v = NULL;
        struct intent *intent = &out->intents[out->n];

        r = volume_load(c->e, names.items[i], &v, err);
        if (r == -ENOENT) {
            error_clear(err);
            r = 0;
            continue;
        }
        if (r < 0 || !json_flag(v->config, "isAnon", false))
            continue;
        *intent = INTENT_NONE;
        r = intent_begin_volume(c->e, v->name, c->id, intent, err);
        if (r < 0)
            break;
        out->v[out->n++] = TAKE(v);
        r = intent_whole(intent, err);
    }
    if (r < 0)
        ctr_volumes_end(out);
    return r;
}

void ctr_volumes_remove(struct ctr_volumes *doomed)
{
    for (size_t i = 0; i < doomed->n; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        int r = volume_remove_begun(doomed->v[i], &doomed->intents[i], &why);

        if (r < 0 && r != -ENOENT && r != -EBUSY)
            log_error("removing volume %s: %s", doomed->v[i]->name, error_text(&why));
    }
}

/* ------------------------------------------------------------------ copy-up */

static int set_fresh(struct volume *v, bool fresh, struct berth_error *err)
{
    json_opt_bool(v->state, "notYetMounted", fresh);
    return store_vol_save(v, err);
}

/* The volume is mounted and locked.  What somebody put into it already is left alone. */
static int copy_up(struct volume *v, const struct ctr *c, const char *root, const json *entry,
                   struct berth_error *err)
{
    const char *dest = str_or(json_str(entry, "dest"), "/");
    _cleanup_close_ int from = -1, to = -1;
    int r;

    if (!json_flag(v->state, "notYetMounted", false) ||
        json_has_str(json_get(entry, "options"), "nocopy") ||
        json_object_object_get_ex(json_get(v->config, "volumeOptions"), "nocopy", NULL))
        return 0;
    from = spec_open_in_root(root, dest, O_RDONLY | O_DIRECTORY);
    if (from == -ENOENT || from == -ENOTDIR || from == -ELOOP ||
        (from >= 0 && fs_is_empty_dir(from, ".") != 0))
        return 0;
    if (from < 0)
        return spec_fail_errno(err, -from,
                               "opening %s in container %s to copy it up into "
                               "volume %s",
                               dest, c->id, v->name);
    to = open(volume_where(v), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (to < 0)
        return spec_fail_errno(err, errno, "reading contents of volume %s when copying up",
                               v->name);
    r = fs_is_empty_dir(to, ".");
    if (r == 0)
        return 0;
    if (r < 0)
        return spec_fail_errno(err, -r, "reading contents of volume %s when copying up",
                               v->name);
    r = set_fresh(v, false, err);
    if (r < 0)
        return r;
    r = fs_copy_tree(from, to, err);
    if (r < 0) {
        fs_empty(to);
        set_fresh(v, true, NULL);
        return error_wrap(err, "copying %s of container %s up into volume %s", dest, c->id,
                          v->name);
    }
    return 0;
}

/* ----------------------------------------------------------- mount, release */

/* Note in the record that this volume counts the container, or no longer does. */
static void note_counted(struct ctr *c, const char *name, bool counted)
{
    json *old = json_get(c->state, COUNTED), *list = json_new_array();
    bool dropped = counted;

    for (size_t i = 0; i < json_len(old); i++) {
        if (!dropped && str_eq(json_item_str(old, i), name))
            dropped = true;
        else
            json_add(list, json_ref(json_item(old, i)));
    }
    if (counted)
        json_add_str(list, name);
    json_set(c->state, COUNTED, list);
}

static int mount_one(struct ctr *c, const char *root, const json *entry,
                     struct berth_error *err)
{
    _cleanup_volume_ struct volume *v = NULL;
    int r = volume_load(c->e, name_of(entry), &v, err);

    if (r < 0)
        return error_wrap(err, "retrieving named volume %s for container %s", name_of(entry),
                          c->id);
    if (!volume_needs_mount(v) && !json_flag(v->state, "notYetMounted", false))
        return 0;
    r = volume_lock(v, err);
    if (r == 0 && volume_needs_mount(v)) {
        note_counted(c, v->name, true);
        r = volume_mount_locked(v, c, err);
        if (r < 0) {
            note_counted(c, v->name, false);
            error_wrap(err, "mounting volume %s for container %s", v->name, c->id);
        }
    }
    if (r == 0)
        r = copy_up(v, c, root, entry, err);
    volume_unlock(v);
    return r;
}

int ctr_volumes_mount(struct ctr *c, const char *root, struct berth_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < json_len(named(c)); i++)
        r = mount_one(c, root, json_item(named(c), i), err);
    if (r == 0) {
        json_del(c->state, COUNTED);
        return 0;
    }
    if (json_get(c->state, COUNTED)) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        if (ctr_volumes_release(c, &why) < 0)
            log_error("container %s: %s", c->id, error_text(&why));
    }
    return r;
}

bool ctr_volumes_in_use(const struct ctr *c)
{
    return json_get(c->state, COUNTED) ||
           (json_flag(c->state, "mounted", false) && json_len(named(c)));
}

static int release_one(struct ctr *c, const char *name, struct berth_error *err)
{
    _cleanup_volume_ struct volume *v = NULL;
    int r = volume_load(c->e, name, &v, err);

    if (r == 0 && volume_needs_mount(v)) {
        r = volume_lock(v, err);
        note_counted(c, name, false);
        if (r == 0)
            r = volume_unmount_locked(v, c, false, err);
        volume_unlock(v);
    }
    if (r == -ENOENT) {
        error_clear(err);
        r = 0;
    }
    return r < 0 ? error_wrap(err, "unmounting volume %s for container %s", name, c->id) : 0;
}

int ctr_volumes_release(struct ctr *c, struct berth_error *err)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    json *counted = json_get(c->state, COUNTED);
    int first = 0;

    if (counted)
        json_to_list(counted, &names);
    else if (json_flag(c->state, "mounted", false))
        for (size_t i = 0; i < json_len(named(c)); i++)
            list_add(&names, name_of(json_item(named(c), i)));
    if (names.error)
        return fail(err, ENOMEM, "out of memory");
    if (!counted && names.n)
        json_set_list(c->state, COUNTED, &names);
    for (size_t i = names.n; i-- > 0;) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        int r = release_one(c, names.items[i], &why);

        if (r < 0 && first == 0) {
            first = r;
            error_move(err, &why);
        } else if (r < 0) {
            log_error("%s", error_text(&why));
        }
    }
    json_del(c->state, COUNTED);
    return first;
}

/* -------------------------------------------------------------------- owner */

/* As the directory that it covers: owner, mode, times. */
static int look_like(int to, int from)
{
    struct timespec times[2];
    struct stat st;

    if (fstat(from, &st) < 0 || fchown(to, st.st_uid, st.st_gid) < 0 ||
        fchmod(to, st.st_mode & 07777) < 0)
        return -errno;
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    return futimens(to, times) < 0 ? -errno : 0;
}

static int own_one(struct ctr *c, const char *root, const json *entry, uid_t uid, gid_t gid,
                   struct berth_error *err)
{
    const char *dest = str_or(json_str(entry, "dest"), "/");
    _cleanup_volume_ struct volume *v = NULL;
    _cleanup_close_ int to = -1, from = -1;
    int r = volume_load(c->e, name_of(entry), &v, err);

    if (r < 0 || !volume_is_local(v) || !json_flag(v->state, "notYetChowned", false))
        return r;
    r = volume_lock(v, err);
    if (r == 0 && json_flag(v->state, "notYetChowned", false)) {
        json_del(v->state, "notYetChowned");
        json_opt_i64(v->state, "uidChowned", uid);
        json_opt_i64(v->state, "gidChowned", gid);
        r = store_vol_save(v, err);
        to = r < 0 ? -1 : open(volume_where(v), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (r == 0 && (to < 0 || fchown(to, uid, gid) < 0))
            r = spec_fail_errno(err, errno, "chowning volume %s to %u:%u", v->name, uid, gid);
        from = spec_open_in_root(root, dest, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
        if (r == 0 && from >= 0 && (r = look_like(to, from)) < 0)
            r = spec_fail_errno(err, -r, "giving volume %s the owner and mode of %s", v->name,
                                dest);
    }
    volume_unlock(v);
    return r;
}

int ctr_volumes_own(struct ctr *c, const char *root, uid_t uid, gid_t gid,
                    struct berth_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < json_len(named(c)); i++)
        r = own_one(c, root, json_item(named(c), i), uid, gid, err);
    return r;
}
