/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_mounts.c - mounts that are known when a container is created: those of every
 * container, and the user's over them.
 */
#include "engine/spec_priv.h"
#include "engine/store.h"

#define CATATONIT "/usr/libexec/podman/catatonit"

static json *mount_new(const char *destination, const char *type, const char *source,
                       const char *options)
{
    _cleanup_list_ struct berth_list words = LIST_INIT;
    json *m = json_new();

    list_split(&words, options, ' ', false);
    json_set_str(m, "destination", destination);
    json_set_str(m, "type", type);
    json_set_str(m, "source", source);
    json_set_list(m, "options", &words);
    return m;
}

/* Is group 5 (tty) mapped into the container? */
static bool tty_group_mapped(const struct spec_build *b)
{
    const json *map = json_get(b->linux_, "gidMappings");

    if (b->conf->rootless && spec_own_ids("/proc/self/gid_map") < 5)
        return false;
    if (b->ns[NS_USER].mode != NS_PRIVATE)
        return true;
    for (size_t i = 0; i < json_len(map); i++) {
        const json *m = json_item(map, i);
        uint64_t from = json_u64(m, "containerID", 0), n = json_u64(m, "size", 0);

        if (from <= 5 && 5 - from < n)
            return true;
    }
    return false;
}

/* A user namespace that does not own its network namespace may not mount sysfs. */
static bool sysfs_mountable(const struct spec_build *b)
{
    if (spec_net_is(b, NS_HOST) && b->conf->rootless)
        return false;
    if (!b->new_userns)
        return true;
    return spec_net_own(b) || spec_net_is(b, NS_NONE);
}

int spec_base_mounts(struct spec_build *b, struct berth_error *err)
{
    json *list = json_new_array();
    bool privileged = b->o->privileged, cgroup_rw = privileged;
    bool foreign = b->new_userns || b->conf->rootless;

    (void)err;
    json_set(b->spec, "mounts", list);
    if (b->cgroup2 && (b->unmask_all || list_has(&b->unmasked, "/sys/fs/cgroup")))
        cgroup_rw = true;

    if (foreign && b->ns[NS_PID].mode == NS_HOST)
        json_add(list, mount_new("/proc", "bind", "/proc", "rbind nosuid noexec nodev"));
    else
        json_add(list, mount_new("/proc", "proc", "proc", "nosuid noexec nodev"));
    if (b->proc_opts) {
        _cleanup_list_ struct berth_list words = LIST_INIT;

        list_split(&words, b->proc_opts, ',', false);
        json_set_list(json_item(list, 0), "options", &words);
    }
    json_add(list, mount_new("/dev", "tmpfs", "tmpfs",
                             "nosuid noexec strictatime mode=755 size=65536k"));
    json_add(list,
             mount_new("/dev/pts", "devpts", "devpts",
                       tty_group_mapped(b)
                           ? "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5"
                           : "rprivate nosuid noexec newinstance ptmxmode=0666 mode=0620"));
    if (foreign && b->ns[NS_IPC].mode == NS_HOST)
        json_add(list,
                 mount_new("/dev/mqueue", "bind", "/dev/mqueue", "bind nosuid noexec nodev"));
    else
        json_add(list, mount_new("/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev"));
    if (!sysfs_mountable(b)) {
        json_add(list, mount_new("/sys", "bind", "/sys",
                                 privileged ? "rprivate nosuid noexec nodev rw rbind"
                                            : "rprivate nosuid noexec nodev ro rbind"));
        return 0;
    }
    json_add(list, mount_new("/sys", "sysfs", "sysfs",
                             privileged ? "rprivate nosuid noexec nodev rw"
                                        : "nosuid noexec nodev ro"));
    json_add(list, mount_new("/sys/fs/cgroup", "cgroup", "cgroup",
                             cgroup_rw ? "rprivate nosuid noexec nodev relatime rw"
                                       : "rprivate nosuid noexec nodev relatime ro"));
    return 0;
}

/* ------------------------------------------------------------------ the user's */

/* Everything that one container mounts by wish of the user. */
struct wishes {
    json *mounts, *volumes, *overlays; /* arrays */
    size_t n_own;                      /* of the mounts; the rest is another container's */
};

static json *find_dest(const json *list, const char *key, const char *dest)
{
    for (size_t i = 0; i < json_len(list); i++)
        if (str_eq(json_str(json_item(list, i), key), dest))
            return json_item(list, i);
    return NULL;
}

static bool taken(const struct wishes *w, const char *dest)
{
    return find_dest(w->mounts, "destination", dest) || find_dest(w->volumes, "dest", dest) ||
           find_dest(w->overlays, "dest", dest);
}

static int duplicate(struct berth_error *err, const char *dest)
{
    return fail(err, EINVAL, "%s: duplicate mount destination", dest);
}

static int destination(const char *text, char **out, struct berth_error *err)
{
    if (!*text)
        return fail(err, EINVAL, "container directory cannot be empty");
    if (*text != '/')
        return fail(err, EINVAL, "invalid container path \"%s\", must be an absolute path",
                    text);
    *out = path_clean(text);
    return *out ? 0 : fail(err, ENOMEM, "out of memory");
}

static json *volume_new(const char *name, const char *dest, json *options)
{
    json *v = json_new();

    json_set_str(v, "volumeName", name);
    json_set_str(v, "dest", dest);
    json_set(v, "options", options);
    return v;
}

/* --mount */
static int wish_mount(struct wishes *w, const char *text, struct berth_error *err)
{
    _cleanup_json_ json *m = NULL;
    const char *dest;
    int r = spec_mount_flag(text, &m, err);

    if (r < 0)
        return r;
    dest = json_str(m, "destination");
    if (taken(w, dest))
        return duplicate(err, dest);
    if (str_eq(json_str(m, "type"), "volume"))
        json_add(w->volumes, volume_new(str_or(json_str(m, "source"), ""), dest,
                                        json_ref(json_get(m, "options"))));
    else
        json_add(w->mounts, TAKE(m));
    return 0;
}

static int overlay_options(const json *options, struct berth_error *err)
{
    size_t n = json_len(options);
    bool owner = json_has_str(options, "U"), upper = false, work = false;

    for (size_t i = 0; i < n; i++) {
        upper = upper || strstr(json_item_str(options, i), "upperdir");
        work = work || strstr(json_item_str(options, i), "workdir");
    }
    if (upper != work)
        return fail(err, EINVAL, "must set both `upperdir` and `workdir`");
    if ((n > 2 && !(n == 3 && upper && work)) || (n == 2 && !owner))
        return fail(err, EINVAL, "can't use 'O' with other options");
    return 0;
}

/* -v SRC:DST with a path as SRC. */
static int wish_bind(struct wishes *w, const char *source, const char *dest, json *options,
                     struct berth_error *err)
{
    _cleanup_free_ char *absolute = NULL;
    json *m, *old;

    if (json_has_str(options, "O")) {
        if (overlay_options(options, err) < 0)
            return -EINVAL;
        if (taken(w, dest))
            return duplicate(err, dest);
        absolute = path_absolute(source);
        if (!absolute)
            return fail(err, ENOMEM, "out of memory");
        json_add(w->overlays, m = json_new());
        json_set_str(m, "dest", dest);
        json_set_str(m, "source", absolute);
        json_set(m, "options", json_ref(options));
        return 0;
    }
    old = find_dest(w->mounts, "destination", dest);
    if (old && str_eq(json_str(old, "source"), source))
        return 0;
    if (taken(w, dest))
        return duplicate(err, dest);
    absolute = path_absolute(source);
    if (!absolute)
        return fail(err, ENOMEM, "out of memory");
    json_add(w->mounts, m = json_new());
    json_set_str(m, "destination", dest);
    json_set_str(m, "type", "bind");
    json_set_str(m, "source", absolute);
    json_set(m, "options", json_ref(options));
    return 0;
}

/* -v */
static int wish_volume(struct wishes *w, const char *text, struct berth_error *err)
{
    _cleanup_list_ struct berth_list part = LIST_INIT, words = LIST_INIT;
    _cleanup_free_ char *dest = NULL, *real = NULL;
    _cleanup_json_ json *options = json_new_array();
    const char *source;

    list_split(&part, text, ':', true);
    if (part.n > 3 || part.n == 0)
        return fail(err, EINVAL,
                    "%s: incorrect volume format, should be [host-dir:]ctr-dir[:option]", text);
    source = part.n > 1 ? part.items[0] : "";
    if (str_starts(source, "./")) {
        real = realpath(source, NULL);
        if (!real)
            return spec_fail_errno(err, errno, "lstat %s", source + 2);
        source = real;
    }
    if (part.n == 3) {
        list_split(&words, part.items[2], ',', true);
        if (spec_volume_options(&words, options, err) < 0)
            return -EINVAL;
    }
    if (part.n > 1 && !*source)
        return fail(err, EINVAL, "host directory cannot be empty");
    if (destination(part.items[part.n > 1], &dest, err) < 0)
        return -EINVAL;
    if (*source == '/' || *source == '.')
        return wish_bind(w, source, dest, options, err);
    if (taken(w, dest)) {
        json *old = find_dest(w->volumes, "dest", dest);

        if (old && str_eq(json_str(old, "volumeName"), source) && *source)
            return 0;
        return duplicate(err, dest);
    }
    json_add(w->volumes, volume_new(source, dest, TAKE(options)));
    return 0;
}

/* --tmpfs */
static int wish_tmpfs(struct wishes *w, const char *text, struct berth_error *err)
{
    _cleanup_list_ struct berth_list part = LIST_INIT, words = LIST_INIT;
    _cleanup_free_ char *dest = NULL;
    json *old, *m;

    list_split(&part, text, ':', true);
    if (destination(part.n ? part.items[0] : "", &dest, err) < 0)
        return -EINVAL;
    if (part.n > 1)
        list_split(&words, part.items[1], ',', false);
    old = find_dest(w->mounts, "destination", dest);
    if (old && str_eq(json_str(old, "type"), "tmpfs"))
        return 0;
    if (taken(w, dest))
        return duplicate(err, dest);
    json_add(w->mounts, m = mount_new(dest, "tmpfs", "tmpfs", ""));
    json_set_list(m, "options", &words);
    return 0;
}

static int gather(struct spec_build *b, struct wishes *w, struct berth_error *err)
{
    static const char *const writable[] = {"/tmp", "/var/tmp", "/run"};
    const struct ctr_options *o = b->o;
    int r = 0;

    for (size_t i = 0; i < o->mount.n && r >= 0; i++)
        r = wish_mount(w, o->mount.items[i], err);
    for (size_t i = 0; i < o->volume.n && r >= 0; i++)
        r = wish_volume(w, o->volume.items[i], err);
    for (size_t i = 0; i < o->tmpfs.n && r >= 0; i++)
        r = wish_tmpfs(w, o->tmpfs.items[i], err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(writable) && o->read_only && o->read_only_tmpfs; i++)
        if (!taken(w, writable[i]))
            json_add(w->mounts, mount_new(writable[i], "tmpfs", "tmpfs",
                                          "rw rprivate nosuid nodev tmpcopyup"));
    for (size_t i = 0; i < b->conf->volumes.n && r >= 0; i++) {
        _cleanup_list_ struct berth_list part = LIST_INIT;
        _cleanup_free_ char *dest = NULL;

        list_split(&part, b->conf->volumes.items[i], ':', true);
        dest = path_clean(part.n ? part.items[part.n > 1] : "");
        if (dest && !taken(w, dest))
            r = wish_volume(w, b->conf->volumes.items[i], err);
    }
    return r;
}

/* ro, rw and z: what a mount taken over from another container may be changed in. */
static int from_options(const char *text, struct berth_list *out, struct berth_error *err)
{
    bool label = false, mode = false;

    list_split(out, text, ',', true);
    for (size_t i = 0; i < out->n; i++) {
        const char *word = out->items[i];
        bool *seen = str_eq(word, "z") ? &label : &mode;

        if (!str_eq(word, "z") && !str_eq(word, "ro") && !str_eq(word, "rw"))
            return fail(err, EINVAL,
                        "invalid option \"%s\" specified - volumes from another container can "
                        "only use z,ro,rw options",
                        word);
        if (*seen)
            return fail(err, EINVAL,
                        label && seen == &label
                            ? "cannot set :z more than once in mount options"
                            : "cannot set ro or rw options more than once");
        *seen = true;
    }
    return 0;
}

/* Put a copy of what `other` has at `dest` into w, over what another gave. */
static void take_over(struct wishes *w, const json *other, const char *dest,
                      const struct berth_list *options)
{
    json *mount = find_dest(json_at(other, "spec", "mounts", NULL), "destination", dest);
    json *volume = find_dest(json_get(other, "namedVolumes"), "dest", dest);
    json *copy;

    if (mount && !str_eq(json_str(mount, "type"), "bind"))
        return;
    copy = json_copy(mount ? mount : volume);
    if (!copy)
        return;
    if (options->n)
        json_set_list(copy, "options", options);
    json_add(mount ? w->mounts : w->volumes, copy);
}

/* --volumes-from: what the user of another container mounted there. */
static int gather_from(struct spec_build *b, struct wishes *w, struct berth_error *err)
{
    const struct berth_list *words = &b->o->volumes_from;

    for (size_t i = words->n; i-- > 0;) { /* the last one wins */
        _cleanup_list_ struct berth_list options = LIST_INIT;
        _cleanup_free_ char *name = strndup(words->items[i], strcspn(words->items[i], ":"));
        _cleanup_ctr_ struct ctr *other = NULL;
        const json *chosen;
        int r;

        if (!name)
            return fail(err, ENOMEM, "out of memory");
        if (strchr(words->items[i], ':') &&
            from_options(strchr(words->items[i], ':') + 1, &options, err) < 0)
            return -EINVAL;
        r = *name ? ctr_lookup(b->e, name, &other, err)
                  : fail(err, EINVAL, "name or ID cannot be empty");
        if (r < 0)
            return error_wrap(err, "looking up container \"%s\" for volumes-from", name);
        chosen = json_get(other->config, "userVolumes");
        for (size_t j = 0; j < json_len(chosen); j++) {
            const char *dest = str_or(json_item_str(chosen, j), "");

            if (!taken(w, dest))
                take_over(w, other->config, dest, &options);
        }
    }
    return 0;
}

/* Destinations that the user chose, for commit and --volumes-from. */
static void user_volumes(struct spec_build *b, const struct wishes *w)
{
    const struct {
        const json *list;
        const char *key;
    } from[] = {{w->mounts, "destination"}, {w->volumes, "dest"}, {w->overlays, "dest"}};
    json *out = json_new_array();

    for (size_t i = 0; i < ARRAY_LEN(from); i++)
        for (size_t j = 0; j < (i ? json_len(from[i].list) : w->n_own); j++)
            json_add(out, json_ref(json_get(json_item(from[i].list, j), from[i].key)));
    if (json_len(out))
        json_set(b->config, "userVolumes", out);
    else
        json_object_put(out);
}

static int init_binary(struct spec_build *b, struct wishes *w, struct berth_error *err)
{
    const struct conf *conf = b->conf;
    _cleanup_free_ char *found = NULL;
    const char *path = b->o->init_path;

    if (!b->init)
        return 0;
    if (b->ns[NS_PID].mode != NS_PRIVATE && b->ns[NS_PID].mode != NS_DEFAULT)
        return fail(err, EINVAL,
                    "cannot add init binary as PID 1 (PID namespace isn't private)");
    if (str_empty(path))
        path = conf->init_path;
    if (str_empty(path)) {
        path = CATATONIT;
        for (size_t i = 0; i < conf->helper_binaries_dir.n && !fs_exists(path); i++) {
            free(found);
            found = path_join(conf->helper_binaries_dir.items[i], "catatonit");
            if (found && fs_exists(found))
                path = found;
        }
    }
    if (!fs_exists(path))
        return spec_fail_errno(err, ENOENT,
                               "container-init binary not found on the host: stat %s", path);
    json_add(w->mounts, mount_new("/run/podman-init", "bind", path, "bind ro"));
    return 0;
}

/* Base mounts that stay: not replaced, and not below a /dev of the user's. */
static void supersede(json *base, json *all)
{
    bool own_dev = find_dest(all, "destination", "/dev");

    for (size_t i = 0; i < json_len(base); i++) {
        const char *dest = json_str(json_item(base, i), "destination");

        if (!find_dest(all, "destination", dest) && !(own_dev && str_starts(dest, "/dev/")))
            json_add(all, json_ref(json_item(base, i)));
    }
}

static int complete(json *mount, struct berth_error *err)
{
    const char *type = json_str(mount, "type");
    bool tmpfs = str_eq(type, "tmpfs");
    json *options;
    int r;

    if (tmpfs ? str_eq(json_str(mount, "destination"), "/dev") : !str_eq(type, "bind"))
        return 0;
    options = json_ref(json_get(mount, "options"));
    if (!options)
        options = json_new_array();
    r = spec_mount_options(&options, tmpfs, tmpfs ? NULL : json_str(mount, "source"), err);
    json_set(mount, "options", options);
    return r;
}

int spec_mounts(struct spec_build *b, struct berth_error *err)
{
    _cleanup_json_ json *mounts = json_new_array(), *volumes = json_new_array();
    _cleanup_json_ json *overlays = json_new_array();
    struct wishes w = {.mounts = mounts, .volumes = volumes, .overlays = overlays};
    int r = gather(b, &w, err);

    w.n_own = json_len(mounts);
    if (r >= 0)
        r = gather_from(b, &w, err);
    if (r < 0)
        return r;
    user_volumes(b, &w);
    r = init_binary(b, &w, err);
    supersede(json_get(b->spec, "mounts"), mounts);
    for (size_t i = 0; i < json_len(mounts) && r >= 0; i++)
        r = complete(json_item(mounts, i), err);
    for (size_t i = 0; i < json_len(volumes) && r >= 0; i++) {
        json *options = json_ref(json_get(json_item(volumes, i), "options"));

        r = spec_mount_options(&options, false, NULL, err);
        json_set(json_item(volumes, i), "options", options);
    }
    if (r < 0)
        return r;
    json_set(b->spec, "mounts", TAKE(mounts));
    if (json_len(volumes))
        json_set(b->config, "namedVolumes", TAKE(volumes));
    if (json_len(overlays))
        json_set(b->config, "overlayVolumes", TAKE(overlays));
    return 0;
}
