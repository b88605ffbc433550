/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_ctr.c - top level of a container's document, its state, storage and mounts. */
#include "base/fs.h"
#include "base/str.h"
#include "cmd/inspect.h"
#include "engine/health.h"
#include "storage/storage.h"
#include <ftw.h>

#define SPEC_MAX (64u << 20)

const char *inspect_annotation(const struct inspection *i, const char *name)
{
    return json_str(json_get(i->created, "annotations"), name);
}

json *inspect_namespace(const struct inspection *i, const char *type)
{
    json *list = json_at(i->created, "linux", "namespaces", NULL);

    for (size_t n = 0; n < json_len(list); n++)
        if (str_eq(json_str(json_item(list, n), "type"), type))
            return json_item(list, n);
    return NULL;
}

void inspect_opt_str(const struct inspection *i, json *o, const char *key, const char *value)
{
    if (!str_empty(value))
        json_set_str(o, key, value);
    else if (i->marked)
        json_set(o, key, template_type(json_new_str(""), "omit:string"));
}

void inspect_opt_bool(const struct inspection *i, json *o, const char *key, bool value)
{
    if (value)
        json_set_bool(o, key, true);
    else if (i->marked)
        json_set(o, key, template_type(json_new_bool(false), "omit:bool"));
}

/* A copy of a list, an empty one where there is none. */
static json *list_of(const json *list)
{
    return json_len(list) ? json_copy(list) : json_new_array();
}

static json *time_value(const struct inspection *i, const json *state, const char *key)
{
    json *j = json_new_str(str_or(json_str(state, key), "0001-01-01T00:00:00Z"));

    return i->marked ? template_type(j, "time.Time") : j;
}

/* ------------------------------------------------------------------- state */

static json *inspect_health(const struct inspection *i)
{
    return health_log(json_get(i->c->config, "healthcheck") ? ctr_run_dir(i->c) : "");
}

/* Where a user's container has no group of its own, it is in the one that it was started from:
 * the longest name, as in podman, since version 1 has one for each controller. */
static char *cgroup_of(int64_t pid)
{
    _cleanup_free_ char *path = str_printf("/proc/%lld/cgroup", (long long)pid);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_list_ struct berth_list lines = LIST_INIT;
    const char *longest = "";

    if (!path || fs_read(path, 1 << 16, &text, NULL) < 0 ||
        list_split(&lines, buf_str(&text), '\n', false) < 0)
        return NULL;
    for (size_t i = 0; i < lines.n; i++) {
        const char *second = strchr(lines.items[i], ':');
        const char *name = second ? strchr(second + 1, ':') : NULL;

        if (name && strlen(name + 1) > strlen(longest))
            longest = name + 1;
    }
    return strdup(longest);
}

/* The group of a running container's processes, as libpod names it. */
static char *cgroup_path(const struct inspection *i)
{
    const char *parent = str_or(json_str(i->c->config, "cgroupParent"), "");
    bool systemd = str_eq(json_str(i->c->config, "cgroupManager"), "systemd");

    if (json_i64(i->c->state, "pid", 0) <= 0 ||
        str_eq(json_str(i->c->config, "cgroupsMode"), "disabled"))
        return NULL;
    if (!*parent && i->c->e->conf->rootless)
        return cgroup_of(json_i64(i->c->state, "pid", 0));
    return str_printf("%s/libpod-%s%s", parent, i->c->id, systemd ? ".scope" : "");
}

static json *inspect_state(const struct inspection *i)
{
    _cleanup_free_ char *cgroup = cgroup_path(i);
    const json *s = i->c->state;
    int status = ctr_status(i->c);
    json *o = json_new();

    json_set_str(o, "OciVersion", str_or(json_str(i->spec, "ociVersion"), ""));
    json_set_str(o, "Status", ctr_status_name(status));
    json_set_bool(o, "Running", status == CTR_RUNNING || status == CTR_STOPPING);
    json_set_bool(o, "Paused", status == CTR_PAUSED);
    json_set_bool(o, "Restarting", json_flag(s, "restartPolicyMatch", false));
    json_set_bool(o, "OOMKilled", json_flag(s, "oomKilled", false));
    json_set_bool(o, "Dead", false);
    json_set_i64(o, "Pid", json_i64(s, "pid", 0));
    if (json_i64(s, "conmonPid", 0))
        json_set_i64(o, "ConmonPid", json_i64(s, "conmonPid", 0));
    else if (i->marked)
        json_set(o, "ConmonPid", template_type(json_new_i64(0), "omit:int"));
    json_set_i64(o, "ExitCode", json_i64(s, "exitCode", 0));
    json_set_str(o, "Error", "");
    json_set(o, "StartedAt", time_value(i, s, "startedTime"));
    json_set(o, "FinishedAt", time_value(i, s, "finishedTime"));
    json_set(o, "Health", inspect_health(i));
    if (i->marked) /* the same by another name, for templates only */
        json_set(o, "Healthcheck",
                 template_type(inspect_health(i), "omit:define.HealthCheckResults"));
    inspect_opt_bool(i, o, "Checkpointed", json_flag(s, "checkpointed", false));
    inspect_opt_str(i, o, "CgroupPath", cgroup);
    json_set(o, "CheckpointedAt", time_value(i, s, "checkpointedTime"));
    json_set(o, "RestoredAt", time_value(i, s, "restoredTime"));
    inspect_opt_str(i, o, "CheckpointLog", json_str(s, "checkpointLog"));
    inspect_opt_str(i, o, "CheckpointPath", json_str(s, "checkpointPath"));
    inspect_opt_str(i, o, "RestoreLog", json_str(s, "restoreLog"));
    inspect_opt_bool(i, o, "Restored", json_flag(s, "restored", false));
    return i->marked ? template_type(o, "*define.InspectContainerState") : o;
}

/* ------------------------------------------------------------------ mounts */

/* What `podman inspect` shows as options: without what other members tell. */
static void split_options(const json *options, bool *rw, const char **propagation,
                          const char **mode, json *rest)
{
    static const char *const propagations[] = {"private",    "rprivate",   "shared",
                                               "rshared",    "slave",      "rslave",
                                               "unbindable", "runbindable"};

    *rw = true;
    *propagation = *mode = "";
    for (size_t n = 0; n < json_len(options); n++) {
        const char *option = str_or(json_item_str(options, n), "");
        bool known = false;

        for (size_t p = 0; p < ARRAY_LEN(propagations); p++)
            if (str_eq(option, propagations[p])) {
                *propagation = option;
                known = true;
            }
        if (str_eq(option, "z") || str_eq(option, "Z"))
            *mode = option;
        else if (str_eq(option, "ro"))
            *rw = false;
        else if (!known && !str_eq(option, "rw"))
            json_add_str(rest, option);
    }
}

static json *one_mount(const struct inspection *i, const char *type, const char *name,
                       const char *source, const char *destination, const json *options)
{
    json *o = json_new(), *rest = json_new_array();
    const char *propagation, *mode;
    bool rw;

    split_options(options, &rw, &propagation, &mode, rest);
    json_set_str(o, "Type", type);
    inspect_opt_str(i, o, "Name", name);
    json_set_str(o, "Source", str_or(source, ""));
    json_set_str(o, "Destination", str_or(destination, ""));
    json_set_str(o, "Driver", name ? "local" : "");
    json_set_str(o, "Mode", mode);
    json_set(o, "Options", rest);
    json_set_bool(o, "RW", rw);
    json_set_str(o, "Propagation", propagation);
    return o;
}

/* Where a named volume lies; NULL: it is gone. */
static char *volume_path(const struct inspection *i, const char *name)
{
    static const char *const member[] = {"mountPoint"};
    struct berth_record rec = {.size = sizeof(rec)};
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_blob value;

    if (store_begin(i->c->e, false, &t, NULL) < 0 ||
        txn_get(t, BERTH_VOLUME, name, BERTH_REC_CONFIG, &rec, NULL) < 0 ||
        json_project(rec.config, member, 1, &value, NULL) < 0 ||
        json_text_str(value, &text) < 0 || !text.len)
        return NULL;
    return buf_steal(&text);
}

/* What the user asked to have mounted: named volumes, then the spec's mounts among it. */
static json *inspect_mounts(const struct inspection *i)
{
    json *out = json_new_array(), *mounts = json_get(i->created, "mounts");
    json *wanted = json_get(i->c->config, "userVolumes");
    json *volumes = json_get(i->c->config, "namedVolumes");

    for (size_t n = 0; n < json_len(volumes); n++) {
        json *v = json_item(volumes, n);
        const char *name = json_str(v, "volumeName");
        _cleanup_free_ char *source = name ? volume_path(i, name) : NULL;

        json_add(out, one_mount(i, "volume", str_or(name, ""), source, json_str(v, "dest"),
                                json_get(v, "options")));
    }
    for (size_t n = 0; n < json_len(mounts); n++) {
        json *m = json_item(mounts, n);
        const char *type = str_or(json_str(m, "type"), "");

        if (json_has_str(wanted, str_or(json_str(m, "destination"), "")) &&
            (str_eq(type, "bind") || str_eq(type, "rbind")))
            json_add(out, one_mount(i, "bind", NULL, json_str(m, "source"),
                                    json_str(m, "destination"), json_get(m, "options")));
    }
    for (size_t n = 0; i->marked && n < json_len(out); n++)
        template_type(json_item(out, n), "define.InspectMount");
    return out;
}

/* ----------------------------------------------------------------- storage */

static json *inspect_driver(const struct inspection *i)
{
    _cleanup_storage_container_ struct storage_container record = {0};
    const struct conf *conf = i->c->e->conf;
    struct storage *storage;
    json *o = json_new(), *data = json_new();

    json_set_str(o, "Name", str_or(conf->storage_driver, ""));
    json_set(o, "Data", data);
    if (str_eq(conf->storage_driver, "overlay") &&
        engine_storage(i->c->e, &storage, NULL) == 0 &&
        storage_container_lookup(storage, i->c->id, &record, NULL) == 0 &&
        !str_empty(record.layer)) {
        _cleanup_free_ char *upper = NULL, *work = NULL;

        upper = str_printf("%s/overlay/%s/diff", conf->graph_root, record.layer);
        work = str_printf("%s/overlay/%s/work", conf->graph_root, record.layer);
        if (str_empty(json_str(i->c->config, "rootfs")) &&
            json_flag(i->c->state, "mounted", false))
            json_set_str(data, "MergedDir", json_str(i->c->state, "mountPoint"));
        json_set_str(data, "UpperDir", upper);
        json_set_str(data, "WorkDir", work);
    }
    return i->marked ? template_type(o, "*define.DriverData") : o;
}

static int64_t tree_size; /* nftw() hands nothing through */

static int add_size(const char *path _unused_, const struct stat *st, int type,
                    struct FTW *at _unused_)
{
    if (type == FTW_F || type == FTW_SL)
        tree_size += st->st_size;
    return 0;
}

static void set_sizes(const struct inspection *i, const json *driver, json *o)
{
    const char *root = json_str(i->c->config, "rootfs");

    if (str_empty(root))
        root = json_str(json_get(driver, "Data"), "UpperDir");
    tree_size = 0;
    if (!str_empty(root))
        nftw(root, add_size, 16, FTW_PHYS | FTW_MOUNT);
    json_set_i64(o, "SizeRw", tree_size);
    json_set_i64(o, "SizeRootFs", 0);
}

/* --------------------------------------------------------------- top level */

static void set_command(const struct inspection *i, json *o)
{
    json *args = json_at(i->created, "process", "args", NULL), *rest = json_new_array();

    json_set_str(o, "Path", str_or(json_item_str(args, 0), ""));
    /* A lone word is shown as its own argument. */
    for (size_t n = json_len(args) > 1; n < json_len(args); n++)
        json_add_str(rest, str_or(json_item_str(args, n), ""));
    json_set(o, "Args", rest);
}

static const char *bind_mount(const struct inspection *i, const char *path)
{
    return str_or(json_str(json_get(i->c->state, "bindMounts"), path), "");
}

static void set_places(const struct inspection *i, json *o)
{
    const json *config = i->c->config;

    json_set_str(o, "Image", str_or(json_str(config, "rootfsImageID"), ""));
    json_set_str(o, "ImageDigest", "");
    json_set_str(o, "ImageName", str_or(json_str(config, "rootfsImageName"), ""));
    json_set_str(o, "Rootfs", str_or(json_str(config, "rootfs"), ""));
    json_set_str(o, "Pod", str_or(i->c->pod, ""));
    json_set_str(o, "ResolvConfPath", bind_mount(i, "/etc/resolv.conf"));
    json_set_str(o, "HostnamePath", bind_mount(i, "/etc/hostname"));
    json_set_str(o, "HostsPath", bind_mount(i, "/etc/hosts"));
    json_set_str(o, "StaticDir", ctr_static_dir(i->c));
    inspect_opt_str(i, o, "OCIConfigPath", json_str(i->c->state, "configPath"));
    inspect_opt_str(i, o, "OCIRuntime", ctr_runtime(i->c));
    json_set_str(o, "ConmonPidFile", str_or(json_str(config, "conmonPidFile"), ""));
    json_set_str(o, "PidFile", str_or(json_str(config, "pid_file"), ""));
    json_set_str(o, "Name", i->c->name);
    json_set_i64(o, "RestartCount", json_i64(i->c->state, "restartCount", 0));
    json_set_str(o, "Driver", str_or(i->c->e->conf->storage_driver, ""));
    json_set_str(o, "MountLabel", str_or(json_str(config, "MountLabel"), ""));
    json_set_str(o, "ProcessLabel", str_or(json_str(config, "ProcessLabel"), ""));
    json_set_str(o, "AppArmorProfile",
                 str_or(json_str(json_get(i->created, "process"), "apparmorProfile"), ""));
    json_set(o, "EffectiveCaps",
             list_of(json_at(i->created, "process", "capabilities", "effective", NULL)));
    json_set(o, "BoundingCaps",
             list_of(json_at(i->created, "process", "capabilities", "bounding", NULL)));
}

static json *exec_ids(const struct inspection *i)
{
    json *sessions = json_get(i->c->state, "newExecSessions"), *ids = json_new_array();

    if (sessions) {
        json_object_object_foreach (sessions, id, session) {
            (void)session;
            json_add_str(ids, id);
        }
    }
    return ids;
}

static int fill(struct inspection *i, bool size, json *o, struct berth_error *err)
{
    _cleanup_list_ struct berth_list needs = LIST_INIT;
    json *mounts = inspect_mounts(i), *network = NULL, *driver;
    int r;

    json_set_str(o, "Id", i->c->id);
    if (i->marked) /* its name in Go */
        json_set(o, "ID", template_type(json_new_str(i->c->id), "omit:string"));
    json_set(o, "Created", time_value(i, i->c->config, "createdTime"));
    set_command(i, o);
    json_set(o, "State", inspect_state(i));
    set_places(i, o);
    json_set(o, "ExecIDs", exec_ids(i));
    json_set(o, "GraphDriver", driver = inspect_driver(i));
    if (size)
        set_sizes(i, driver, o);
    else if (i->marked) {
        json_set(o, "SizeRw", template_type(json_new(), "omit:nil:*int64"));
        json_set(o, "SizeRootFs", template_type(json_new(), "omit:nil:*int64"));
    }
    json_set(o, "Mounts", mounts);
    r = ctr_dependencies(i->c, &needs);
    json_set_list(o, "Dependencies", &needs);
    if (r < 0)
        return fail(err, ENOMEM, "out of memory");
    r = inspect_network(i, &network, err);
    if (r < 0)
        return r;
    json_set(o, "NetworkSettings", network);
    json_set_str(o, "Namespace", str_or(json_str(i->c->config, "namespace"), ""));
    json_set_bool(o, "IsInfra", json_flag(i->c->config, "pause", false));
    json_set_bool(o, "IsService", json_flag(i->c->config, "isService", false));
    json_set(o, "Config", inspect_config(i));
    json_set(o, "HostConfig", inspect_host_config(i, mounts));
    return 0;
}

/* Objects without a type are structs here, but for those known to be maps. */
static void mark_rest(json *j, const char *name)
{
    static const char *const maps[] = {"Ports", "PortBindings", "Networks", "Data",
                                       "CgroupConf"};
    bool map = false;

    for (size_t n = 0; n < json_len(j); n++)
        mark_rest(json_item(j, n), name);
    if (!j || !json_object_is_type(j, json_type_object))
        return;
    for (size_t n = 0; n < ARRAY_LEN(maps); n++)
        map |= str_eq(maps[n], name);
    if (!json_object_get_userdata(j))
        template_type(j, map ? "map[string]interface {}" : "*define.InspectContainerData");
    json_object_object_foreach (j, key, value) {
        mark_rest(value, key);
    }
}

int inspect_ctr(struct ctr *c, bool size, bool marked, json **out, struct berth_error *err)
{
    struct inspection i = {.c = c, .created = json_get(c->config, "spec"), .marked = marked};
    const char *path = json_str(c->state, "configPath");
    _cleanup_json_ json *bundle = NULL, *o = json_new();
    int r;

    if (!str_empty(path))
        json_read_file(path, SPEC_MAX, &bundle, NULL); /* a lost bundle: show the stored one */
    i.spec = bundle ? bundle : i.created;
    if (marked)
        template_type(o, "interface {}");
    r = fill(&i, size, o, err);
    if (r < 0)
        return error_wrap(err, "container %s", c->id);
    if (marked)
        mark_rest(o, NULL);
    *out = TAKE(o);
    return 0;
}

int inspect_expand(struct ctr *c, const char *text, char **out, struct berth_error *err)
{
    _cleanup_template_ struct template *t = NULL;
    _cleanup_buf_ struct berth_buf made = BUF_INIT;
    _cleanup_json_ json *document = NULL;
    int r = template_parse("container", text, &t, err);

    if (r < 0)
        return error_wrap(err, "template parsing error %s", text);
    r = inspect_ctr(c, false, true, &document, err);
    if (r == 0)
        r = template_run(t, document, &made, err);
    if (r < 0)
        return r;
    *out = buf_steal(&made);
    return *out ? 0 : fail(err, ENOMEM, "out of memory");
}
