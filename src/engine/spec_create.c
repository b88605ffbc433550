/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_create.c - stage A: from flags to the ContainerConfig with its embedded spec.
 *
 * Steps set members in the order in which podman validates; the last step puts them into
 * the order in which podman writes them.
 */
#include "base/time.h"
#include "engine/names.h"
#include "engine/spec_priv.h"
#include "engine/store.h"

/* clang-format off */
static const char *const config_order[] = {
    "spec", "id", "name", "pod", "namespace", "lockID", "CreateCommand", "RawImageName",
    "idMappingsOptions", "Dependencies", "rootfsImageID", "rootfsImageName", "rootfs",
    "rootfs_overlay", "ShmDir", "NOShmShare", "NoShm", "shmSize", "staticDir", "mounts",
    "namedVolumes", "overlayVolumes", "ctrImageVolumes", "createWorkingDir", "secrets",
    "secretsPath", "storageOpts", "volatile", "passwd", "chroot_directories",
    "privileged", "ProcessLabel", "MountLabel", "labelopts", "user", "groups",
    "HostUsers", "addCurrentUserPasswdEntry", "ipcNsCtr", "mountNsCtr", "netNsCtr",
    "pidNsCtr", "userNsCtr", "utsNsCtr", "cgroupNsCtr", "createNetNS", "newPortMappings",
    "exposedPorts", "UseImageResolvConf", "dnsServer", "dnsSearch", "dnsOption",
    "UseImageHosts", "hostsAdd", "networkMode", "network_options", "userVolumes",
    "entrypoint", "command", "stdin", "labels", "stopSignal", "stopTimeout", "timeout",
    "createdTime", "cgroupManager", "noCgroups", "cgroupsMode", "cgroupParent", "logPath",
    "logTag", "logSize", "logDriver", "conmonPidFile", "restart_policy",
    "restart_retries", "postConfigureNetNS", "runtime", "pause", "isService",
    "sdnotifyMode", "sdnotifySocket", "systemd", "healthcheck",
    "healthcheck_on_failure_action", "preserveFds", "timezone", "umask", "pid_file",
    "cdiDevices", "device_host_src", "secret_env", "init_container_type", "passwd_entry",
    "mountAllDevices", NULL,
};
/* clang-format on */

static const char *const spec_order[] = {
    "ociVersion", "process", "root", "hostname", "mounts", "annotations", "linux", NULL,
};

static const char *const process_order[] = {
    "terminal",
    "user",
    "args",
    "env",
    "cwd",
    "capabilities",
    "rlimits",
    "noNewPrivileges",
    "apparmorProfile",
    "oomScoreAdj",
    "selinuxLabel",
    NULL,
};

static const char *const linux_order[] = {
    "uidMappings",       "gidMappings", "sysctl",        "resources",
    "cgroupsPath",       "namespaces",  "devices",       "seccomp",
    "rootfsPropagation", "maskedPaths", "readonlyPaths", "mountLabel",
    "personality",       NULL,
};

static const char *const resources_order[] = {
    "devices", "memory", "cpu", "pids", "blockIO", "hugepageLimits", "unified", NULL,
};

/* A member replaced by itself in another order. */
static void reorder(json *parent, const char *member, const char *const *order)
{
    json *value = json_get(parent, member);

    if (value)
        json_set(parent, member, spec_ordered(json_ref(value), order));
}

static void base(struct spec_build *b)
{
    json *user, *root;

    b->config = json_new();
    json_set(b->config, "spec", b->spec = json_new());
    json_set_str(b->spec, "ociVersion", "1.0.2-dev");
    json_set(b->spec, "process", b->process = json_new());
    json_set(b->process, "user", user = json_new());
    json_set_u64(user, "uid", 0);
    json_set_u64(user, "gid", 0);
    json_set(b->spec, "root", root = json_new());
    json_set_str(root, "path", "rootfs");
    json_set(b->spec, "linux", b->linux_ = json_new());
    b->networks = json_new();
}

/* ------------------------------------------------------------------ single members */

static int annotations(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    const struct berth_list *lists[] = {&b->conf->annotations, &o->annotation};
    json *all = json_need(b->spec, "annotations");

    json_set_str(all, "io.kubernetes.cri-o.TTY", o->tty ? "true" : "false");
    json_set_str(all, "io.podman.annotations.autoremove", o->rm ? "TRUE" : "FALSE");
    json_set_str(all, "io.podman.annotations.init", b->init ? "TRUE" : "FALSE");
    json_set_str(all, "io.podman.annotations.privileged", o->privileged ? "TRUE" : "FALSE");
    json_set_str(all, "io.podman.annotations.publish-all", o->publish_all ? "TRUE" : "FALSE");
    if (!str_empty(o->cidfile))
        json_set_str(all, "io.podman.annotations.cid-file", o->cidfile);
    if (o->volumes_from.n) {
        _cleanup_free_ char *joined = list_join(&o->volumes_from, ",");

        json_set_str(all, "io.podman.annotations.volumes-from", joined);
    }
    if (list_has(&o->group_add, "keep-groups"))
        json_set_str(all, "run.oci.keep_original_groups", "1");
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        for (size_t j = 0; j < lists[i]->n; j++) {
            const char *word = lists[i]->items[j];
            size_t len = strcspn(word, "=");
            _cleanup_free_ char *key = strndup(word, len);

            if (!key)
                return fail(err, ENOMEM, "out of memory");
            if (!word[len])
                return fail(err, EINVAL, "annotations must be formatted KEY=VALUE");
            json_set_str(all, key, word + len + 1);
        }
    }
    json_set(b->spec, "annotations", spec_sorted(json_ref(all)));
    return 0;
}

static int rootfs(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    _cleanup_free_ char *path = NULL, *real = NULL;
    size_t len;

    if (o->n_args < 1)
        return fail(err, EINVAL, "a root file system is needed");
    if (!o->rootfs)
        return fail(err, ENOTSUP, "%s: images are not supported by this build, use --rootfs",
                    o->args[0]);
    path = strdup(o->args[0]);
    if (!path)
        return fail(err, ENOMEM, "out of memory");
    len = strlen(path);
    if (len > 2 && str_eq(path + len - 2, ":O")) {
        path[len - 2] = '\0';
        json_set_bool(b->config, "rootfs_overlay", true);
    }
    real = realpath(path, NULL);
    if (!real)
        return spec_fail_errno(err, errno, CREATE_OPTION "stat %s", path);
    json_set_str(b->config, "rootfs", real);
    json_opt_bool(json_get(b->spec, "root"), "readonly", o->read_only);
    return 0;
}

static int identity(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    json *dependencies = NULL;

    if (!str_empty(o->name) && !name_is_valid(o->name))
        return fail(err, EINVAL, CREATE_OPTION NAME_RULE);
    json_set_str(b->config, "name", str_or(o->name, ""));
    json_opt_str(b->config, "namespace", b->conf->namespace_);
    for (size_t i = 0; i < o->requires.n; i++) {
        _cleanup_ctr_ struct ctr *other = NULL;
        int r = ctr_lookup(b->e, o->requires.items[i], &other, err);

        if (r < 0)
            return error_wrap(err,
                              "\"%s\" is not a valid container, cannot be used as a "
                              "dependency",
                              o->requires.items[i]);
        if (!dependencies)
            dependencies = json_new_array();
        if (!json_has_str(dependencies, other->id))
            json_add_str(dependencies, other->id);
    }
    json_set(b->config, "Dependencies", dependencies);
    if (o->command_line) {
        json *words = json_new_array();

        for (char *const *word = o->command_line; *word; word++)
            json_add_str(words, *word);
        json_set(b->config, "CreateCommand", words);
    }
    json_opt_bool(b->config, "volatile", o->rm);
    json_set_str(b->config, "runtime", engine_oci_default(b->e));
    return 0;
}

static int hostname(struct spec_build *b, struct berth_error *err)
{
    const char *given = b->o->hostname;
    char buf[65] = "", other_name[ID_SHORT_LEN + 1];

    if (!str_empty(given)) {
        if (b->ns[NS_UTS].mode != NS_PRIVATE)
            return fail(err, EINVAL,
                        "invalid config provided: cannot set hostname when running in the host "
                        "UTS namespace: invalid configuration");
        json_set_str(b->spec, "hostname", given);
        return 0;
    }
    if (b->ns[NS_UTS].mode == NS_CONTAINER) {
        _cleanup_ctr_ struct ctr *other = NULL;
        int r = ctr_load(b->e, b->ns[NS_UTS].value, &other, err);

        if (r < 0)
            return r;
        json_set_str(b->spec, "hostname", spec_hostname(other, other_name));
    } else if (b->ns[NS_UTS].mode == NS_PRIVATE && spec_net_is(b, NS_HOST)) {
        if (gethostname(buf, sizeof(buf) - 1) < 0)
            return spec_fail_errno(err, errno, "unable to retrieve hostname of the host");
        json_set_str(b->spec, "hostname", buf);
    }
    return 0;
}

static int shm(struct spec_build *b, struct berth_error *err)
{
    const char *text = b->o->shm_size;
    int64_t size = b->conf->shm_size;
    enum ns_mode ipc = b->ns[NS_IPC].mode;

    if (!str_empty(text)) {
        if (ipc == NS_HOST || ipc == NS_NONE)
            return fail(err, EINVAL,
                        "invalid config provided: cannot set shmsize when running in the {%s } "
                        "IPC Namespace",
                        ipc == NS_HOST ? "host" : "none");
        if (str_to_size(text, &size) < 0)
            return fail(err, EINVAL, "unable to translate --shm-size: invalid size: '%s'",
                        text);
    }
    json_set_i64(b->config, "shmSize", size);
    return 0;
}

static void mappings(struct spec_build *b)
{
    static const char *const zero[] = {"Size", "InitialSize"};
    static const char *const empty[] = {"PasswdFile", "GroupFile"};
    json *m = json_new(), *a = json_new();
    bool host = b->ns[NS_USER].mode != NS_PRIVATE || b->no_map;

    json_set_bool(m, "HostUIDMapping", host);
    json_set_bool(m, "HostGIDMapping", host);
    json_set(m, "UIDMap", NULL);
    json_set(m, "GIDMap", NULL);
    json_set_bool(m, "AutoUserNs", false);
    json_set(m, "AutoUserNsOpts", a);
    for (size_t i = 0; i < ARRAY_LEN(zero); i++)
        json_set_u64(a, zero[i], 0);
    for (size_t i = 0; i < ARRAY_LEN(empty); i++)
        json_set_str(a, empty[i], "");
    json_set(a, "AdditionalUIDMappings", NULL);
    json_set(a, "AdditionalGIDMappings", NULL);
    json_set(b->config, "idMappingsOptions", m);
}

/* Places that ctr_create() fills in, so that they stand where podman writes them. */
static void places(struct spec_build *b)
{
    static const char *const later[] = {"id", "staticDir", "secretsPath", "createdTime"};
    json *mounts = json_get(b->spec, "mounts");
    bool own_shm = !json_get(b->config, "NoShm") && !json_get(b->config, "ShmDir") &&
                   b->ns[NS_IPC].mode != NS_CONTAINER;

    for (size_t i = 0; i < ARRAY_LEN(later); i++)
        json_set_str(b->config, later[i], "");
    json_set_u64(b->config, "lockID", 0);
    for (size_t i = 0; i < json_len(mounts); i++)
        if (str_eq(json_str(json_item(mounts, i), "destination"), "/dev/shm"))
            own_shm = false;
    if (own_shm) {
        json_set_str(b->config, "ShmDir", "");
        json_set(b->config, "mounts", json_new_array());
    }
    json_set_str(b->config, "conmonPidFile", str_or(b->o->conmon_pidfile, ""));
    json_set_str(b->config, "pid_file", str_or(b->o->pidfile, ""));
    json_set(b->config, "storageOpts", NULL);
    json_set_bool(b->config, "pause", false);
    json_set_bool(b->config, "isService", false);
}

static void finish(struct spec_build *b)
{
    json *resources = json_get(b->linux_, "resources");

    /* As podman: without a cgroup there is nothing to set, and that stands there. */
    if (resources && json_object_object_length(resources) == 0 && !b->conf->rootless)
        json_del(b->linux_, "resources");
    reorder(b->linux_, "resources", resources_order);
    reorder(b->spec, "process", process_order);
    reorder(b->spec, "linux", linux_order);
    reorder(b->config, "spec", spec_order);
    b->config = spec_ordered(b->config, config_order);
}

int spec_create(struct engine *e, const struct ctr_options *o, json **out_config,
                json **out_networks, struct berth_error *err)
{
    static int (*const steps[])(struct spec_build *, struct berth_error *) = {
        rootfs,
        spec_health,
        spec_namespaces_parse,
        spec_network_parse,
        spec_labels,
        spec_restart,
        spec_security_parse,
        identity,
        hostname,
        shm,
        spec_env,
        spec_systemd_mode,
        spec_stopping,
        spec_resources,
        spec_namespaces,
        spec_network,
        spec_ports,
        spec_caps,
        spec_base_mounts,
        spec_mounts,
        spec_secrets,
        spec_devices,
        spec_ulimits,
        spec_sysctls,
        spec_security,
        spec_process,
        spec_notifying,
        spec_zone,
        spec_logging,
        spec_cgroup,
        annotations,
    };
    struct spec_build b = {.e = e, .conf = e->conf, .o = o};
    int r = 0;

    b.cgroup2 = spec_cgroup2();
    b.init = o->init >= 0 ? o->init : e->conf->init;
    base(&b);
    for (size_t i = 0; i < ARRAY_LEN(steps) && r >= 0; i++)
        r = steps[i](&b, err);
    if (r >= 0) {
        mappings(&b);
        places(&b);
        finish(&b);
        *out_config = TAKE(b.config);
        *out_networks = TAKE(b.networks);
    }
    json_putp(&b.config);
    json_putp(&b.networks);
    for (size_t i = 0; i < NS_KINDS; i++)
        free(b.ns[i].value);
    list_free(&b.bounding);
    list_free(&b.masked);
    list_free(&b.unmasked);
    free(b.seccomp);
    free(b.proc_opts);
    free(b.as_user);
    return r < 0 ? r : 0;
}

void spec_place(json *config, json *networks, const struct spec_place *p)
{
    const char *driver = json_str(config, "logDriver");
    char created[TIME_TEXT_MAX];
    _cleanup_free_ char *secrets = path_join(p->static_dir, "secrets");
    const struct {
        const char *member, *dir, *file;
    } files[] = {
        {"ShmDir", p->static_dir, "shm"},
        {"conmonPidFile", p->run_dir, "conmon.pid"},
        {"pid_file", p->run_dir, "pidfile"},
    };

    json_set_str(config, "id", p->id);
    json_set_str(config, "name", p->name);
    json_set_u64(config, "lockID", p->lock);
    json_set_str(config, "staticDir", p->static_dir);
    json_set_str(config, "secretsPath", secrets);
    json_set_str(config, "createdTime", time_format(p->created, created));
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        const char *now = json_str(config, files[i].member);
        _cleanup_free_ char *path = path_join(files[i].dir, files[i].file);

        if (!now || *now)
            continue;
        json_set_str(config, files[i].member, path);
        if (i == 0) {
            json *undo = json_new_array();

            json_add_str(undo, path);
            json_set(config, "mounts", undo);
        }
    }
    if (str_empty(json_str(config, "logPath")) && !str_eq(driver, "journald") &&
        !str_eq(driver, "none") && !str_eq(driver, "passthrough")) {
        _cleanup_free_ char *path = path_join(p->static_dir, "ctr.log");

        json_set_str(config, "logPath", path);
    }
    json_object_object_foreach (networks, name, net) {
        char alias[ID_SHORT_LEN + 1];

        (void)name;
        snprintf(alias, sizeof(alias), "%.*s", ID_SHORT_LEN, p->id);
        json_add_str(json_need_array(net, "aliases"), alias);
    }
}
