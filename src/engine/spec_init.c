/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_init.c - stage B: config.json of a container that is about to be created in the OCI
 * runtime.  The stored spec is the start; what depends on the container's files, its
 * mounts and its neighbours is added.
 */
#include "engine/ctr_volumes.h"
#include "engine/rootfs.h"
#include "engine/spec_priv.h"
#include "engine/store.h"
#include <fcntl.h>

const char *spec_hostname(const struct ctr *c, char buf[static ID_SHORT_LEN + 1])
{
    const char *name = json_str(json_get(c->config, "spec"), "hostname");

    snprintf(buf, ID_SHORT_LEN + 1, "%.*s", ID_SHORT_LEN, c->id);
    return str_empty(name) ? buf : name;
}

static bool env_has(const json *env, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < json_len(env); i++) {
        const char *item = json_item_str(env, i);

        if (item && strncmp(item, name, len) == 0 && item[len] == '=')
            return true;
    }
    return false;
}

static void env_add(struct spec_final *f, const char *name, const char *value)
{
    json *env = json_need_array(f->process, "env");
    _cleanup_free_ char *pair = NULL;

    if (env_has(env, name))
        return;
    pair = str_printf("%s=%s", name, value);
    if (pair)
        json_add_str(env, pair);
}

static json *find_mount(const json *mounts, const char *dest)
{
    for (size_t i = 0; i < json_len(mounts); i++)
        if (str_eq(json_str(json_item(mounts, i), "destination"), dest))
            return json_item(mounts, i);
    return NULL;
}

static bool list_of_objects(const json *list, const char *member)
{
    if (!list)
        return true;
    for (size_t i = 0; i < json_len(list); i++)
        if (!json_str(json_item(list, i), member))
            return false;
    return json_object_is_type(list, json_type_array);
}

/* The record comes from a file that others write: what is built on must have its form. */
static int check_record(const struct ctr *c, struct berth_error *err)
{
    static const char *const objects[] = {"process", "root", "linux", "annotations"};
    static const struct {
        const char *member, *key;
    } lists[] = {{"namedVolumes", "volumeName"},
                 {"namedVolumes", "dest"},
                 {"overlayVolumes", "source"},
                 {"overlayVolumes", "dest"}};
    const json *spec = json_get(c->config, "spec"), *binds = json_get(c->state, "bindMounts");
    const char *what = NULL;

    if (!spec_object(spec))
        what = "spec";
    for (size_t i = 0; i < ARRAY_LEN(objects) && !what; i++)
        if (json_get(spec, objects[i]) && !spec_object(json_get(spec, objects[i])))
            what = objects[i];
    if (!what && !list_of_objects(json_get(spec, "mounts"), "destination"))
        what = "mounts";
    if (!what && !list_of_objects(json_at(spec, "linux", "namespaces", NULL), "type"))
        what = "namespaces";
    for (size_t i = 0; i < ARRAY_LEN(lists) && !what; i++)
        if (!list_of_objects(json_get(c->config, lists[i].member), lists[i].key))
            what = lists[i].member;
    if (!what && binds && !spec_object(binds))
        what = "bindMounts";
    return what ? fail(err, EUCLEAN, "record of container %s is damaged: %s", c->id, what) : 0;
}

/* A copy of the stored spec that may be changed; the filter, the largest part, is shared. */
static void copy_spec(struct spec_final *f)
{
    json *from = spec_object(json_get(f->config, "spec")), *filter;

    f->spec = json_new();
    if (from) {
        json_object_object_foreach (from, key, value) {
            if (!str_eq(key, "linux"))
                json_set(f->spec, key, json_copy(value));
            else
                json_set(f->spec, key, json_new());
        }
    }
    f->process = json_need(f->spec, "process");
    f->linux_ = json_need(f->spec, "linux");
    from = spec_object(json_get(from, "linux"));
    filter = json_get(from, "seccomp");
    if (from) {
        json_object_object_foreach (from, key, value)
            json_set(f->linux_, key, value == filter ? json_ref(value) : json_copy(value));
    }
    f->mounts = json_need_array(f->spec, "mounts");
}

/* ------------------------------------------------------------------------- user */

/* Where the container will see that file from: a mount over it, or over /etc. */
static char *replaced_by(const struct spec_final *f, const char *name)
{
    _cleanup_free_ char *path = path_join("/etc", name), *copy = NULL;
    const json *m = path ? find_mount(f->mounts, path) : NULL;

    if (m && json_str(m, "source"))
        return strdup(json_str(m, "source"));
    m = find_mount(f->mounts, "/etc");
    if (m && json_str(m, "source"))
        return path_join(json_str(m, "source"), name);
    copy = path_join(ctr_static_dir(f->c), name);
    return copy && fs_exists(copy) ? TAKE(copy) : NULL;
}

static int lookup_user(struct spec_final *f, struct berth_error *err)
{
    _cleanup_free_ char *passwd = replaced_by(f, "passwd"), *group = replaced_by(f, "group");

    return spec_user_lookup(f->root, passwd, group, str_or(json_str(f->config, "user"), ""),
                            &f->user, err);
}

/* Fresh volumes. */
static int own_volumes(struct spec_final *f, struct berth_error *err)
{
    bool named = !str_empty(json_str(f->config, "user"));
    uint32_t uid = rootfs_host_id(f->c, "UIDMap", named ? f->user.uid : 0);
    uint32_t gid = rootfs_host_id(f->c, "GIDMap", named ? f->user.gid : 0);

    return ctr_volumes_own(f->c, f->root, uid, gid, err);
}

static void add_gid(json *list, uint32_t gid)
{
    for (size_t i = 0; i < json_len(list); i++)
        if ((uint32_t)json_object_get_int64(json_item(list, i)) == gid)
            return;
    json_add(list, json_new_u64(gid));
}

static int set_user(struct spec_final *f, struct berth_error *err)
{
    const char *text = str_or(json_str(f->config, "user"), "");
    const char *mask = json_str(f->config, "umask");
    const json *extra = json_get(f->config, "groups");
    _cleanup_free_ char *group = replaced_by(f, "group");
    json *user = json_need(f->process, "user"), *gids = json_new_array();

    if (*text) {
        json_set_u64(user, "uid", f->user.uid);
        json_set_u64(user, "gid", f->user.gid);
        add_gid(gids, f->user.gid);
    }
    if (!str_empty(mask))
        json_set_u64(user, "umask", strtoul(mask, NULL, 8));
    for (size_t i = 0; i < json_len(extra); i++) {
        uint32_t gid;
        int r =
            spec_group_lookup(f->root, group, str_or(json_item_str(extra, i), ""), &gid, err);

        if (r < 0) {
            json_object_put(gids);
            error_wrap(err, "looking up supplemental groups for container %s", f->c->id);
            return r;
        }
        add_gid(gids, gid);
    }
    for (size_t i = 0; i < f->user.n_groups && !strchr(text, ':'); i++)
        add_gid(gids, f->user.groups[i]);
    if (json_len(gids))
        json_set(user, "additionalGids", gids);
    else
        json_object_put(gids);
    if (!str_empty(f->user.home))
        env_add(f, "HOME", f->user.home);
    return 0;
}

/* --------------------------------------------------------------------- devices */

/* A user's container cannot make nodes: those of the host are bound, in front of what the user
 * mounts in their places. */
static int bind_devices(struct spec_final *f, bool systemd, struct berth_error *err)
{
    _cleanup_json_ json *nodes = json_new_array();
    json *mounts = json_new_array();
    int r = spec_host_devices(nodes, systemd, err);

    for (size_t i = 0; i < json_len(nodes); i++) {
        const char *path = json_str(json_item(nodes, i), "path");
        bool taken = str_eq(path, "/dev/ptmx") || str_starts(path, "/dev/tty");

        for (size_t j = 0; j < json_len(f->mounts) && !taken; j++)
            taken = str_eq(json_str(json_item(f->mounts, j), "destination"), path);
        if (!taken)
            json_add(mounts, spec_device_mount(path, path, true));
    }
    for (size_t i = 0; i < json_len(f->mounts); i++)
        json_add(mounts, json_ref(json_item(f->mounts, i)));
    json_set(f->spec, "mounts", f->mounts = mounts);
    json_del(json_need(f->linux_, "resources"), "devices");
    return r;
}

static int all_devices(struct spec_final *f, struct berth_error *err)
{
    json *list, *rules, *rule;
    bool systemd = json_flag(f->config, "systemd", false);
    int r;

    if (!json_flag(f->config, "mountAllDevices", false))
        return 0;
    if (f->c->e->conf->rootless)
        return bind_devices(f, systemd, err);
    list = json_need_array(f->linux_, "devices");
    r = spec_host_devices(list, systemd, err);
    if (r < 0)
        return r;
    json_set(json_need(f->linux_, "resources"), "devices", rules = json_new_array());
    json_add(rules, rule = json_new());
    json_set_bool(rule, "allow", true);
    json_set_str(rule, "access", "rwm");
    if (json_len(list) == 0)
        json_del(f->linux_, "devices");
    return 0;
}

/* ------------------------------------------------------------------ namespaces */

static void set_namespace(struct spec_final *f, const char *type, const char *path)
{
    json *list = json_need_array(f->linux_, "namespaces"), *entry = NULL;

    for (size_t i = 0; i < json_len(list) && !entry; i++)
        if (str_eq(json_str(json_item(list, i), "type"), type))
            entry = json_item(list, i);
    if (!entry) {
        json_add(list, entry = json_new());
        json_set_str(entry, "type", type);
    }
    json_opt_str(entry, "path", path);
}

/* The namespaces of other containers, by way of their first processes. */
static int join_namespaces(struct spec_final *f, struct berth_error *err)
{
    static const struct {
        const char *member, *type, *proc;
    } kinds[] = {
        {"ipcNsCtr", "ipc", "ipc"},          {"mountNsCtr", "mount", "mnt"},
        {"netNsCtr", "network", "net"},      {"pidNsCtr", "pid", "pid"},
        {"userNsCtr", "user", "user"},       {"utsNsCtr", "uts", "uts"},
        {"cgroupNsCtr", "cgroup", "cgroup"},
    };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *id = json_str(f->config, kinds[i].member);
        _cleanup_ctr_ struct ctr *other = NULL;
        _cleanup_free_ char *path = NULL;
        int64_t pid;
        int r;

        if (str_empty(id))
            continue;
        r = ctr_load(f->c->e, id, &other, err);
        if (r < 0)
            return error_wrap(err, "retrieving dependency %s of container %s from state", id,
                              f->c->id);
        pid = json_i64(other->state, "pid", 0);
        if (pid <= 0)
            return fail(
                err, EINVAL,
                "cannot get namespace path unless container %s is running: container is "
                "stopped",
                id);
        path = str_printf("/proc/%lld/ns/%s", (long long)pid, kinds[i].proc);
        if (!path)
            return fail(err, ENOMEM, "out of memory");
        set_namespace(f, kinds[i].type, path);
        if (str_eq(kinds[i].type, "user") && !json_len(json_get(f->linux_, "uidMappings")))
            spec_dummy_mappings(f->linux_);
    }
    if (json_flag(f->config, "createNetNS", false) &&
        !json_flag(f->config, "postConfigureNetNS", false) && !str_empty(f->c->netns))
        set_namespace(f, "network", f->c->netns);
    return 0;
}

static void set_hostname(struct spec_final *f)
{
    const json *list = json_at(f->config, "spec", "linux", "namespaces", NULL);
    char short_id[ID_SHORT_LEN + 1], host[65] = "";

    for (size_t i = 0; i < json_len(list); i++) {
        const json *entry = json_item(list, i);

        if (str_eq(json_str(entry, "type"), "uts") && str_empty(json_str(entry, "path"))) {
            const char *name = spec_hostname(f->c, short_id);

            /* Whoever joins a namespace leaves its name alone. */
            if (str_empty(json_str(f->config, "utsNsCtr")))
                json_set_str(f->spec, "hostname", name);
            else
                json_del(f->spec, "hostname");
            env_add(f, "HOSTNAME", name);
            return;
        }
    }
    if (gethostname(host, sizeof(host) - 1) == 0)
        env_add(f, "HOSTNAME", host);
}

/* The working directory must be there, unless a mount brings it. */
static int check_workdir(struct spec_final *f, struct berth_error *err)
{
    const char *cwd = str_or(json_str(f->process, "cwd"), "/");
    _cleanup_close_ int fd = -1;
    size_t len;

    if (json_flag(f->config, "createWorkingDir", false))
        return 0;
    for (size_t i = 0; i < json_len(f->mounts); i++) {
        const char *dest = str_or(json_str(json_item(f->mounts, i), "destination"), "/");

        len = strlen(dest);
        if (strncmp(cwd, dest, len) == 0 && (!cwd[len] || cwd[len] == '/'))
            return 0;
    }
    if (*cwd == '/')
        fd = spec_open_in_root(f->root, cwd, O_PATH | O_DIRECTORY);
    if (fd < 0)
        return fail(err, ENOENT, "workdir \"%s\" does not exist on container %s", cwd,
                    f->c->id);
    return 0;
}

/* ----------------------------------------------------------------- annotations */

static void annotate(struct spec_final *f)
{
    json *all = json_need(f->spec, "annotations");
    char signal[24];

    if (!json_get(all, "io.container.manager"))
        json_set_str(all, "io.container.manager", "libpod");
    json_set_str(all, "io.kubernetes.cri-o.Created", json_str(f->config, "createdTime"));
    snprintf(signal, sizeof(signal), "%llu",
             (unsigned long long)json_u64(f->config, "stopSignal", 0));
    json_set_str(all, "org.opencontainers.image.stopSignal", signal);
    json_set(f->spec, "annotations", spec_sorted(json_ref(all)));
}

/* The cgroup that this process is in, for mode split. */
static int own_cgroup(struct berth_buf *out, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const char *at;

    if (fs_read("/proc/self/cgroup", 1 << 16, &text, err) < 0)
        return -EIO;
    if (!spec_cgroup2())
        return fail(err, EINVAL, "could not find cgroup mount in \"/proc/self/cgroup\"");
    at = str_starts(buf_str(&text), "0::");
    if (!at)
        at = strstr(buf_str(&text), "\n0::") ? strstr(buf_str(&text), "\n0::") + 4 : NULL;
    if (!at)
        return fail(err, EINVAL, "could not find cgroup mount in \"/proc/self/cgroup\"");
    return buf_put(out, at, strcspn(at, "\n"));
}

static int cgroups_path(struct spec_final *f, struct berth_error *err)
{
    const char *mode = str_or(json_str(f->config, "cgroupsMode"), "");
    const char *parent = str_or(json_str(f->config, "cgroupParent"), "");
    bool systemd = str_eq(json_str(f->config, "cgroupManager"), "systemd");
    _cleanup_buf_ struct berth_buf path = BUF_INIT;
    int r = 0;

    if (str_eq(mode, "disabled") || json_flag(f->config, "noCgroups", false))
        return 0;
    if (str_eq(mode, "split")) {
        r = own_cgroup(&path, err);
        if (r < 0)
            return r;
        buf_printf(&path, "/libpod-payload-%s", f->c->id);
    } else if (systemd) {
        buf_printf(&path, "%s:libpod:%s", path_base(parent), f->c->id);
    } else if (f->c->e->conf->rootless && (str_eq(parent, "/libpod_parent") || !*parent)) {
        return 0;
    } else {
        _cleanup_free_ char *joined = str_printf("%s/libpod-%s", parent, f->c->id);
        _cleanup_free_ char *clean = joined ? path_clean(joined) : NULL;

        buf_puts(&path, str_or(clean, ""));
    }
    json_set_str(f->linux_, "cgroupsPath", buf_str(&path));
    return 0;
}

/* Sockets that a service manager passed to the engine go on to the container. */
static void listen_fds(struct spec_final *f)
{
    const char *fds = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");

    if (getenv("LISTEN_PID"))
        env_add(f, "LISTEN_PID", "1");
    if (fds)
        env_add(f, "LISTEN_FDS", fds);
    if (names)
        env_add(f, "LISTEN_FDNAMES", names);
}

static void order_members(struct spec_final *f)
{
    static const char *const members[] = {"ociVersion",  "process", "root",
                                          "hostname",    "mounts",  "hooks",
                                          "annotations", "linux",   NULL};

    f->spec = spec_ordered(f->spec, members);
}

int spec_init(struct ctr *c, struct berth_error *err)
{
    struct spec_final f = {.c = c, .config = c->config};
    int r;

    f.root = json_str(c->state, "mountPoint");
    f.run_dir = ctr_run_dir(c);
    if (str_empty(f.root) || str_empty(f.run_dir))
        return fail(err, EINVAL, "container %s is not mounted", c->id);
    r = check_record(c, err);
    if (r < 0)
        return r;
    f.binds = json_need(c->state, "bindMounts");
    copy_spec(&f);
    r = spec_host_users(&f, err);
    if (r >= 0)
        r = lookup_user(&f, err);
    if (r >= 0)
        r = all_devices(&f, err);
    if (r >= 0)
        r = spec_files(&f, err);
    if (r >= 0)
        r = spec_final_mounts(&f, err);
    if (r >= 0)
        r = own_volumes(&f, err);
    if (r >= 0)
        r = set_user(&f, err);
    if (r >= 0)
        r = spec_systemd(&f, err);
    if (r >= 0)
        r = join_namespaces(&f, err);
    if (r >= 0)
        r = check_workdir(&f, err);
    if (r >= 0)
        r = cgroups_path(&f, err);
    if (r >= 0) {
        set_hostname(&f);
        spec_split_mappings(f.linux_);
        json_set_str(json_need(f.spec, "root"), "path", f.root);
        annotate(&f);
        spec_mounts_sort(&f);
        order_members(&f);
        r = spec_hooks(&f, err);
    }
    if (r >= 0)
        r = spec_secret_env(&f, err);
    if (r >= 0) {
        f.process = json_need(f.spec, "process"); /* a hook may have replaced it */
        listen_fds(&f);
        order_members(&f);
        r = spec_write(c, f.spec, err);
    }
    if (r >= 0) {
        _cleanup_free_ char *path = path_join(ctr_static_dir(c), "config.json");

        json_set_str(c->state, "configPath", path);
    }
    spec_user_free(&f.user);
    json_putp(&f.spec);
    return r < 0 ? r : 0;
}
