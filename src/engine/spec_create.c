/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_create.c - stage A: from flags to the ContainerConfig with its embedded spec.
 *
 * Steps set members in the order in which podman validates; the last step puts them into
 * the order in which podman writes them.
 */
#include "base/time.h"
#include "engine/spec_priv.h"
#include "engine/store.h"
#include <ctype.h>

#define CGROUP_PARENT   "/libpod_parent"
#define SYSTEMD_PARENT  "machine.slice"
#define ROOTLESS_PARENT "user.slice"
#define CREATE_OPTION   "running container create option: "

static const char *const config_order[] = {
    "spec",
    "id",
    "name",
    "pod",
    "namespace",
    "lockID",
    "CreateCommand",
    "RawImageName",
    "idMappingsOptions",
    "Dependencies",
    "rootfsImageID",
    "rootfsImageName",
    "rootfs",
    "rootfs_overlay",
    "ShmDir",
    "NOShmShare",
    "NoShm",
    "shmSize",
    "staticDir",
    "mounts",
    "namedVolumes",
    "overlayVolumes",
    "ctrImageVolumes",
    "createWorkingDir",
    "secrets",
    "secretsPath",
    "storageOpts",
    "volatile",
    "passwd",
    "chroot_directories",
    "privileged",
    "ProcessLabel",
    "MountLabel",
    "labelopts",
    "user",
    "groups",
    "HostUsers",
    "addCurrentUserPasswdEntry",
    "ipcNsCtr",
    "mountNsCtr",
    "netNsCtr",
    "pidNsCtr",
    "userNsCtr",
    "utsNsCtr",
    "cgroupNsCtr",
    "createNetNS",
    "newPortMappings",
    "exposedPorts",
    "UseImageResolvConf",
    "dnsServer",
    "dnsSearch",
    "dnsOption",
    "UseImageHosts",
    "hostsAdd",
    "networkMode",
    "network_options",
    "userVolumes",
    "entrypoint",
    "command",
    "stdin",
    "labels",
    "stopSignal",
    "stopTimeout",
    "timeout",
    "createdTime",
    "cgroupManager",
    "noCgroups",
    "cgroupsMode",
    "cgroupParent",
    "logPath",
    "logTag",
    "logSize",
    "logDriver",
    "conmonPidFile",
    "restart_policy",
    "restart_retries",
    "postConfigureNetNS",
    "runtime",
    "pause",
    "isService",
    "sdnotifyMode",
    "sdnotifySocket",
    "systemd",
    "healthcheck",
    "healthcheck_on_failure_action",
    "preserveFds",
    "timezone",
    "umask",
    "pid_file",
    "cdiDevices",
    "device_host_src",
    "secret_env",
    "init_container_type",
    "passwd_entry",
    "mountAllDevices",
    NULL,
};

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

static int name_ok(const char *name)
{
    if (!isalnum((unsigned char)*name))
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("_.-", *name))
            return false;
    return true;
}

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

static int restart(struct spec_build *b, struct berth_error *err)
{
    static const char *const policies[] = {"", "no", "on-failure", "always", "unless-stopped"};
    const struct ctr_options *o = b->o;
    _cleanup_list_ struct berth_list part = LIST_INIT;
    uint64_t retries = 0;

    if (!o->restart)
        return 0;
    if (o->rm && !str_eq(o->restart, "") && !str_eq(o->restart, "no") &&
        !str_eq(o->restart, "on-failure"))
        return fail(err, EINVAL,
                    "the --rm option conflicts with --restart, when the "
                    "restartPolicy is not \"\" and \"no\"");
    list_split(&part, o->restart, ':', true);
    if (part.n > 2)
        return fail(err, EINVAL, "invalid restart policy: may specify retries at most once");
    if (part.n == 2) {
        int64_t n;

        if (!str_eq(part.items[0], "on-failure"))
            return fail(err, EINVAL,
                        "restart policy retries can only be specified with "
                        "on-failure restart policy");
        if (str_to_i64(part.items[1], &n) < 0)
            return fail(err, EINVAL,
                        "parsing restart policy retry count: strconv.Atoi: parsing "
                        "\"%s\": invalid syntax",
                        part.items[1]);
        if (n < 0)
            return fail(err, EINVAL,
                        "must specify restart policy retry count as a number "
                        "greater than 0");
        retries = (uint64_t)n;
    }
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        if (str_eq(part.n ? part.items[0] : "", policies[i])) {
            json_opt_str(b->config, "restart_policy", policies[i]);
            json_opt_i64(b->config, "restart_retries", (int64_t)retries);
            return 0;
        }
    }
    return fail(err, EINVAL,
                CREATE_OPTION "\"%s\" is not a valid restart policy: invalid argument",
                part.items[0]);
}

/* Sizes of logs are in units of 1000. */
static int decimal_size(const char *text, int64_t *out)
{
    static const char units[] = "kmgtp";
    char *end;
    double v = strtod(text, &end), factor = 1;
    const char *unit;

    if (end == text || v < 0)
        return -EINVAL;
    if (*end == ' ')
        end++;
    if (*end && (unit = strchr(units, tolower((unsigned char)*end)))) {
        for (long i = unit - units; i >= 0; i--)
            factor *= 1000;
        end++;
        if (*end == 'i')
            end++;
    }
    if (*end == 'b' || *end == 'B')
        end++;
    if (*end || v * factor > 9e18)
        return -EINVAL;
    *out = (int64_t)(v * factor);
    return 0;
}

static int logging(struct spec_build *b, struct berth_error *err)
{
    static const char *const drivers[] = {"k8s-file", "journald", "json-file", "none",
                                          "passthrough"};
    const struct ctr_options *o = b->o;
    const char *driver = o->log_driver, *path = "", *tag = b->conf->log_tag;
    int64_t size = 0;
    bool known = false;

    for (size_t i = 0; i < o->log_opt.n; i++) {
        const char *word = o->log_opt.items[i], *v;

        if (!strchr(word, '='))
            return fail(err, EINVAL, "invalid log option \"%s\"", word);
        if ((v = str_starts(word, "path=")))
            path = v;
        else if ((v = str_starts(word, "tag=")))
            tag = v;
        else if ((v = str_starts(word, "driver=")))
            driver = v;
        else if ((v = str_starts(word, "max-size=")) && decimal_size(v, &size) < 0)
            return fail(err, EINVAL, "invalid size: '%s'", v);
    }
    if (str_empty(driver))
        driver = b->conf->log_driver;
    if (str_empty(driver))
        driver = "k8s-file";
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        known = known || str_eq(driver, drivers[i]);
    if (!known)
        return fail(err, EINVAL, CREATE_OPTION "invalid log driver: invalid argument");
    json_set_str(b->config, "logDriver", driver);
    json_set_str(b->config, "logPath", path);
    json_set_str(b->config, "logTag", str_or(tag, ""));
    json_set_i64(b->config, "logSize", size);
    return 0;
}

static int cgroup(struct spec_build *b, struct berth_error *err)
{
    static const char *const modes[] = {"enabled", "disabled", "no-conmon", "split"};
    const struct ctr_options *o = b->o;
    const char *mode = str_empty(o->cgroups) ? b->conf->cgroups : o->cgroups;
    const char *parent = o->cgroup_parent;
    bool systemd = str_eq(b->conf->cgroup_manager, "systemd"), known = false, disabled;

    if (str_empty(mode))
        mode = "enabled";
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        known = known || str_eq(mode, modes[i]);
    if (!known)
        return fail(err, EINVAL, CREATE_OPTION "invalid cgroup mode \"%s\": invalid argument",
                    mode);
    disabled = str_eq(mode, "disabled");
    if (disabled && b->ns[NS_PID].mode == NS_CONTAINER)
        return fail(err, EINVAL,
                    "cannot join another container's PID namespace if not creating "
                    "cgroups: invalid argument");
    if (disabled && b->ns[NS_PID].mode != NS_PRIVATE)
        return fail(err, EINVAL,
                    "containers not creating Cgroups must create a private PID namespace: "
                    "invalid argument");
    if (!str_empty(parent) && disabled)
        return fail(err, EINVAL,
                    "cannot set cgroup parent if not creating cgroups: invalid argument");
    if (!str_empty(parent) && str_eq(mode, "split"))
        return fail(
            err, EINVAL,
            "cannot specify --cgroup-mode=split with a cgroup-parent: invalid argument");
    if (str_empty(parent) && !disabled && !str_eq(mode, "split"))
        parent = !systemd            ? CGROUP_PARENT
                 : b->conf->rootless ? ROOTLESS_PARENT
                                     : SYSTEMD_PARENT;
    parent = str_or(parent, "");
    if (*parent && !systemd && str_ends(parent, ".slice"))
        return fail(err, EINVAL,
                    "systemd slice received as cgroup parent when using cgroupfs: "
                    "invalid argument");
    if (*parent && systemd && !str_ends(parent, ".slice"))
        return fail(err, EINVAL,
                    "did not receive systemd slice as cgroup parent when using "
                    "systemd to manage cgroups: invalid argument");
    if (!disabled)
        json_set_str(b->config, "cgroupManager", b->conf->cgroup_manager);
    json_set_str(b->config, "cgroupsMode", mode);
    json_opt_bool(b->config, "noCgroups", disabled);
    json_set_str(b->config, "cgroupParent", parent);
    return 0;
}

/* Is the command one that podman takes for systemd or another init? */
static bool is_init_command(const json *args)
{
    const char *command = json_item_str(args, 0);

    if (json_len(args) > 2 && str_eq(command, "/bin/sh") &&
        str_eq(json_item_str(args, 1), "-c"))
        command = json_item_str(args, 2);
    if (!command)
        return false;
    return str_eq(command, "/sbin/init") || str_eq(command, "/usr/sbin/init") ||
           str_eq(command, "/usr/local/sbin/init") || str_eq(path_base(command), "systemd");
}

static int systemd(struct spec_build *b, struct berth_error *err)
{
    const char *mode = str_empty(b->o->systemd) ? "true" : b->o->systemd;

    if (str_eq(mode, "always"))
        b->systemd = true;
    else if (str_eq(mode, "true"))
        b->systemd = !b->init && is_init_command(json_get(b->process, "args"));
    else if (!str_eq(mode, "false"))
        return fail(err, EINVAL,
                    "invalid config provided: --systemd values must be one of \"true, false, "
                    "always\": invalid configuration");
    if (b->systemd && b->init)
        return fail(err, EINVAL, "cannot use container-init binary with systemd=always");
    if (b->systemd)
        json_set_bool(b->config, "systemd", true);
    return 0;
}

static int stopping(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    int signal = b->systemd ? 37 : 15;
    uint64_t timeout = b->conf->stop_timeout;

    if (!str_empty(o->stop_signal)) {
        signal = spec_signal(o->stop_signal);
        if (!signal)
            return fail(err, EINVAL, "invalid signal: %s", o->stop_signal);
    }
    if (o->stop_timeout && str_to_u64(o->stop_timeout, &timeout) < 0)
        return fail(err, EINVAL,
                    "invalid argument \"%s\" for \"--stop-timeout\" flag: "
                    "strconv.ParseUint: parsing \"%s\": invalid syntax",
                    o->stop_timeout, o->stop_timeout);
    json_set_i64(b->config, "stopSignal", signal);
    if (timeout)
        json_set_u64(b->config, "stopTimeout", timeout);
    if (o->timeout)
        json_set_u64(b->config, "timeout", o->timeout);
    return 0;
}

static int notifying(struct spec_build *b, struct berth_error *err)
{
    const char *mode = str_empty(b->o->sdnotify) ? "container" : b->o->sdnotify;
    const char *sock = getenv("NOTIFY_SOCKET");

    if (!str_eq(mode, "container") && !str_eq(mode, "conmon") && !str_eq(mode, "ignore"))
        return fail(err, EINVAL,
                    "invalid config provided: invalid argument: invalid sdnotify value \"%s\": "
                    "must be container, conmon or "
                    "ignore",
                    mode);
    json_set_str(b->config, "sdnotifyMode", mode);
    if (!str_eq(mode, "ignore"))
        json_opt_str(b->config, "sdnotifySocket", sock);
    return 0;
}

static int process(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    const char *umask_text = str_empty(o->umask) ? b->conf->umask : o->umask;
    int64_t score;

    json_opt_bool(b->process, "terminal", o->tty);
    json_opt_bool(b->config, "stdin", o->interactive);
    json_set_str(b->process, "cwd", str_empty(o->workdir) ? "/" : o->workdir);
    json_opt_str(b->config, "user", o->user);
    json_opt_list(b->config, "HostUsers", &o->hostuser);
    json_set_bool(b->config, "passwd", o->passwd);
    json_opt_str(b->config, "passwd_entry", o->passwd_entry);
    json_opt_list(b->config, "chroot_directories", &o->chrootdirs);
    if (list_has(&o->group_add, "keep-groups")) {
        if (o->group_add.n > 1)
            return fail(err, EINVAL,
                        "the '--group-add keep-groups' option is not allowed with "
                        "any other --group-add options");
    } else {
        json_opt_list(b->config, "groups", &o->group_add);
    }
    if (str_empty(umask_text))
        umask_text = "0022";
    if (strlen(umask_text) > 4 || umask_text[strspn(umask_text, "01234567")])
        return fail(err, EINVAL, CREATE_OPTION "invalid umask string %s: invalid argument",
                    umask_text);
    json_set_str(b->config, "umask", umask_text);
    if (o->oom_score_adj) {
        if (str_to_i64(o->oom_score_adj, &score) < 0)
            return fail(err, EINVAL,
                        "invalid argument \"%s\" for \"--oom-score-adj\" flag: "
                        "strconv.ParseInt: parsing \"%s\": invalid syntax",
                        o->oom_score_adj, o->oom_score_adj);
        json_set_i64(b->process, "oomScoreAdj", score);
    }
    if (!str_empty(o->personality)) {
        json *p = json_new();

        json_set_str(p, "domain", o->personality);
        json_set(b->linux_, "personality", p);
    }
    if (o->preserve_fds)
        json_set_u64(b->config, "preserveFds", o->preserve_fds);
    return 0;
}

static int zone(struct spec_build *b, struct berth_error *err)
{
    const char *tz = str_empty(b->o->tz) ? b->conf->tz : b->o->tz;
    _cleanup_free_ char *joined = NULL, *path = NULL;

    if (str_empty(tz))
        return 0;
    if (!str_eq(tz, "local")) {
        joined = path_join("/usr/share/zoneinfo", tz);
        path = joined ? path_clean(joined) : NULL;
        if (!path)
            return fail(err, ENOMEM, "out of memory");
        if (!str_starts(path, "/usr/share/zoneinfo/") || !fs_exists(path))
            return fail(err, ENOENT,
                        CREATE_OPTION "stat %s: "
                                      "no such file or directory",
                        path);
    }
    json_set_str(b->config, "timezone", tz);
    return 0;
}

static int identity(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    json *dependencies = NULL;

    if (!str_empty(o->name) && !name_ok(o->name))
        return fail(err, EINVAL,
                    CREATE_OPTION
                    "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument");
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
    bool host = b->ns[NS_USER].mode != NS_PRIVATE;

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

    if (resources && json_object_object_length(resources) == 0)
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
        restart,
        spec_security_parse,
        identity,
        hostname,
        shm,
        spec_env,
        systemd,
        stopping,
        spec_resources,
        spec_namespaces,
        spec_network,
        spec_ports,
        spec_caps,
        spec_base_mounts,
        spec_mounts,
        spec_devices,
        spec_ulimits,
        spec_sysctls,
        spec_security,
        process,
        notifying,
        zone,
        logging,
        cgroup,
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
