/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_config.c - Config and HostConfig of a container's document. */
#include "base/id.h"
#include "base/str.h"
#include "cmd/inspect.h"

/* Capabilities that containers have unless they are told otherwise. */
static const char *const default_caps[] = {
    "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
    "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
    "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};
static const char *const all_caps[] = {
    "CAP_AUDIT_CONTROL",   "CAP_AUDIT_READ",   "CAP_AUDIT_WRITE",
    "CAP_BLOCK_SUSPEND",   "CAP_BPF",          "CAP_CHECKPOINT_RESTORE",
    "CAP_CHOWN",           "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",          "CAP_FSETID",       "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",       "CAP_KILL",         "CAP_LEASE",
    "CAP_LINUX_IMMUTABLE", "CAP_MAC_ADMIN",    "CAP_MAC_OVERRIDE",
    "CAP_MKNOD",           "CAP_NET_ADMIN",    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",   "CAP_NET_RAW",      "CAP_PERFMON",
    "CAP_SETFCAP",         "CAP_SETGID",       "CAP_SETPCAP",
    "CAP_SETUID",          "CAP_SYSLOG",       "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",        "CAP_SYS_CHROOT",   "CAP_SYS_MODULE",
    "CAP_SYS_NICE",        "CAP_SYS_PACCT",    "CAP_SYS_PTRACE",
    "CAP_SYS_RAWIO",       "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",  "CAP_WAKE_ALARM"};

static bool annotated(const struct inspection *i, const char *name)
{
    return str_eq(inspect_annotation(i, name), "TRUE");
}

static json *list_of(const json *list)
{
    return json_len(list) ? json_copy(list) : json_new_array();
}

static json *list_or_null(const json *list)
{
    return json_len(list) ? json_copy(list) : NULL;
}

static char *join(const json *list, const char *separator)
{
    _cleanup_list_ struct berth_list words = LIST_INIT;

    json_to_list(list, &words);
    return list_join(&words, separator);
}

/* A list that is left out when it is empty. */
static void set_list(const struct inspection *i, json *o, const char *key, const json *list)
{
    if (json_len(list))
        json_set(o, key, json_copy(list));
    else if (i->marked)
        json_set(o, key, template_type(json_new_array(), "omit:nil:[]string"));
}

/* ------------------------------------------------------------------- Config */

static const char *hostname_of(const struct inspection *i, char host[static 256])
{
    const char *name = json_str(i->created, "hostname");
    const char *shared = json_str(i->c->config, "utsNsCtr");
    _cleanup_ctr_ struct ctr *owner = NULL;

    if (!str_empty(shared) && ctr_load(i->c->e, shared, &owner, NULL) == 0) {
        name = json_str(json_get(owner->config, "spec"), "hostname");
        snprintf(host, 256, "%s", str_empty(name) ? owner->id : name);
        if (str_empty(name))
            host[ID_SHORT_LEN] = '\0';
        return host;
    }
    if (!str_empty(name))
        return name;
    if (!inspect_namespace(i, "uts") && gethostname(host, 256) == 0) {
        host[255] = '\0';
        return host;
    }
    snprintf(host, 256, "%.*s", ID_SHORT_LEN, i->c->id);
    return host;
}

static json *map_of(const struct inspection *i, const json *object)
{
    json *copy = object ? json_copy(object) : NULL;

    if (!i->marked)
        return copy;
    return copy ? template_type(copy, "map[string]string")
                : template_type(json_new(), "nil:map[string]string");
}

static void set_health(const struct inspection *i, json *o)
{
    static const char *const actions[] = {"none", "invalid", "kill", "restart", "stop"};
    const json *config = i->c->config;
    int64_t action = json_i64(config, "healthcheck_on_failure_action", 0);

    if (json_get(config, "healthcheck"))
        json_set(o, "Healthcheck", json_copy(json_get(config, "healthcheck")));
    else if (i->marked)
        json_set(o, "Healthcheck",
                 template_type(json_new(), "omit:nil:*manifest.Schema2HealthConfig"));
    if (action >= 0 && action < (int64_t)ARRAY_LEN(actions))
        json_set_str(o, "HealthcheckOnFailureAction", actions[action]);
}

static json *secrets_of(const struct inspection *i)
{
    json *list = json_get(i->c->config, "secrets"), *out = json_new_array();

    for (size_t n = 0; n < json_len(list); n++) {
        json *o = json_new(), *s = json_item(list, n);

        json_set_str(o, "Name", str_or(json_str(s, "name"), ""));
        json_set_str(o, "ID", str_or(json_str(s, "id"), ""));
        json_set_i64(o, "UID", json_i64(s, "UID", 0));
        json_set_i64(o, "GID", json_i64(s, "GID", 0));
        json_set_i64(o, "Mode", json_i64(s, "Mode", 0));
        json_add(out, o);
    }
    return out;
}

json *inspect_config(struct inspection *i)
{
    const json *config = i->c->config, *process = json_get(i->spec, "process");
    _cleanup_free_ char *entrypoint = join(json_get(config, "entrypoint"), " ");
    _cleanup_json_ json *secrets = secrets_of(i);
    bool open = json_flag(config, "stdin", false);
    json *o = json_new(), *timezone = json_get(config, "timezone");
    char host[256];

    json_set_str(o, "Hostname", hostname_of(i, host));
    json_set_str(o, "Domainname", "");
    json_set_str(o, "User", str_or(json_str(config, "user"), ""));
    json_set_bool(o, "AttachStdin", false);
    json_set_bool(o, "AttachStdout", false);
    json_set_bool(o, "AttachStderr", false);
    json_set_bool(o, "Tty", json_flag(process, "terminal", false));
    json_set_bool(o, "OpenStdin", open);
    json_set_bool(o, "StdinOnce", false);
    json_set(o, "Env", list_or_null(json_get(process, "env")));
    json_set(o, "Cmd", list_or_null(json_get(config, "command")));
    json_set_str(o, "Image", str_or(json_str(config, "rootfsImageName"), ""));
    json_set(o, "Volumes",
             i->marked ? template_type(json_new(), "nil:map[string]struct {}") : NULL);
    json_set_str(o, "WorkingDir", str_or(json_str(process, "cwd"), ""));
    json_set_str(o, "Entrypoint", str_or(entrypoint, ""));
    json_set(o, "OnBuild", i->marked ? template_type(json_new(), "nil:*string") : NULL);
    json_set(o, "Labels", map_of(i, json_get(config, "labels")));
    json_set(o, "Annotations", map_of(i, json_get(i->spec, "annotations")));
    json_set_i64(o, "StopSignal", json_i64(config, "stopSignal", 0));
    set_health(i, o);
    set_list(i, o, "CreateCommand", json_get(config, "CreateCommand"));
    inspect_opt_str(i, o, "Timezone", timezone ? json_object_get_string(timezone) : NULL);
    inspect_opt_bool(i, o, "SystemdMode", json_flag(config, "systemd", false));
    inspect_opt_str(i, o, "Umask", json_str(config, "umask"));
    set_list(i, o, "Secrets", secrets);
    json_set_i64(o, "Timeout", json_i64(config, "timeout", 0));
    json_set_i64(o, "StopTimeout", json_i64(config, "stopTimeout", 0));
    if (json_get(config, "passwd"))
        json_set_bool(o, "Passwd", json_flag(config, "passwd", false));
    set_list(i, o, "ChrootDirs", json_get(config, "chroot_directories"));
    inspect_opt_str(i, o, "sdNotifyMode", json_str(config, "sdnotifyMode"));
    inspect_opt_str(i, o, "sdNotifySocket", json_str(config, "sdnotifySocket"));
    return i->marked ? template_type(o, "*define.InspectContainerConfig") : o;
}

/* --------------------------------------------------------------- HostConfig */

/* What one list has and the other lacks. */
static json *difference(const char *const *have, size_t n, const json *list, bool lacking)
{
    json *out = json_new_array();

    if (lacking) {
        for (size_t k = 0; k < n; k++)
            if (!json_has_str(list, have[k]))
                json_add_str(out, have[k]);
        return out;
    }
    for (size_t k = 0; k < json_len(list); k++) {
        const char *cap = str_or(json_item_str(list, k), "");
        bool known = false;

        for (size_t m = 0; m < n; m++)
            known |= str_eq(have[m], cap);
        if (!known)
            json_add_str(out, cap);
    }
    return out;
}

static json *binds_of(const struct inspection *i, const json *mounts)
{
    json *volumes = json_get(i->c->config, "namedVolumes"), *out = json_new_array();
    json *all = json_get(i->created, "mounts");

    for (size_t n = 0; n < json_len(volumes); n++) {
        json *v = json_item(volumes, n);
        _cleanup_free_ char *options = join(json_get(v, "options"), ",");
        _cleanup_free_ char *bind = str_printf(
            "%s:%s%s%s", str_or(json_str(v, "volumeName"), ""), str_or(json_str(v, "dest"), ""),
            str_empty(options) ? "" : ":", str_or(options, ""));

        json_add_str(out, str_or(bind, ""));
    }
    for (size_t n = 0; n < json_len(mounts); n++) {
        json *shown = json_item(mounts, n);

        for (size_t k = 0; k < json_len(all); k++) {
            json *m = json_item(all, k);

            if (str_eq(json_str(shown, "Type"), "bind") &&
                str_eq(json_str(m, "destination"), json_str(shown, "Destination"))) {
                _cleanup_free_ char *options = join(json_get(m, "options"), ",");
                _cleanup_free_ char *bind = str_printf(
                    "%s:%s%s%s", str_or(json_str(m, "source"), ""), json_str(m, "destination"),
                    str_empty(options) ? "" : ":", str_or(options, ""));

                json_add_str(out, str_or(bind, ""));
            }
        }
    }
    return out;
}

static json *tmpfs_of(const struct inspection *i)
{
    json *mounts = json_get(i->created, "mounts"), *out = json_new();
    json *wanted = json_get(i->c->config, "userVolumes");

    for (size_t n = 0; n < json_len(mounts); n++) {
        json *m = json_item(mounts, n);
        const char *destination = str_or(json_str(m, "destination"), "");
        _cleanup_free_ char *options = NULL;

        if (!str_eq(json_str(m, "type"), "tmpfs") || !json_has_str(wanted, destination))
            continue;
        options = join(json_get(m, "options"), ",");
        json_set_str(out, destination, str_or(options, ""));
    }
    out = inspect_sorted(out);
    return i->marked ? template_type(out, "map[string]string") : out;
}

/* How a namespace is shown: "host", "private", "container:ID", "ns:PATH". */
static void set_mode(const struct inspection *i, json *o, const char *key, const char *member,
                     const char *type, const char *own)
{
    const char *joined = json_str(i->c->config, member);
    json *ns = inspect_namespace(i, type);
    const char *path = json_str(ns, "path");
    _cleanup_free_ char *text = NULL;

    if (!str_empty(joined))
        text = str_printf("container:%s", joined);
    else if (!str_empty(path))
        text = str_printf("ns:%s", path);
    json_set_str(o, key, text ? text : ns ? own : "host");
}

static void set_network_mode(const struct inspection *i, json *o)
{
    const char *mode = json_str(i->c->config, "networkMode");
    json *ns = inspect_namespace(i, "network");

    if (!str_empty(json_str(i->c->config, "netNsCtr")) || !str_empty(json_str(ns, "path")) ||
        !ns)
        set_mode(i, o, "NetworkMode", "netNsCtr", "network", "");
    else if (json_flag(i->c->config, "createNetNS", false))
        json_set_str(o, "NetworkMode", str_empty(mode) ? "default" : mode);
    else
        json_set_str(o, "NetworkMode", "none");
}

/* podman calls a namespace shareable unless it is another's, whatever it is. */
static void set_ipc_mode(const struct inspection *i, json *o)
{
    set_mode(i, o, "IpcMode", "ipcNsCtr", "ipc", "shareable");
    if (str_eq(json_str(o, "IpcMode"), "host"))
        json_set_str(o, "IpcMode", "shareable");
}

static void set_users_mode(const struct inspection *i, json *o)
{
    if (inspect_namespace(i, "user") || !str_empty(json_str(i->c->config, "userNsCtr")))
        set_mode(i, o, "UsernsMode", "userNsCtr", "user", "private");
    else
        json_set_str(o, "UsernsMode", "");
}

static void set_log(const struct inspection *i, json *o)
{
    const json *config = i->c->config;
    int64_t size = json_i64(config, "logSize", 0);
    _cleanup_free_ char *text = str_human_size(size > 0 ? (double)size : 0);
    json *log = json_new();

    json_set_str(log, "Type", str_or(json_str(config, "logDriver"), ""));
    json_set(log, "Config", NULL);
    json_set_str(log, "Path", str_or(json_str(config, "logPath"), ""));
    json_set_str(log, "Tag", str_or(json_str(config, "logTag"), ""));
    json_set_str(log, "Size", str_or(text, ""));
    json_set(o, "LogConfig", i->marked ? template_type(log, "*define.InspectLogConfig") : log);
}

static json *security_of(const struct inspection *i)
{
    static const struct {
        const char *annotation, *word;
    } known[] = {{"io.podman.annotations.label", "label"},
                 {"io.podman.annotations.seccomp", "seccomp"},
                 {"io.podman.annotations.apparmor", "apparmor"}};
    json *out = json_new_array();

    if (json_flag(json_get(i->created, "process"), "noNewPrivileges", false))
        json_add_str(out, "no-new-privileges");
    for (size_t n = 0; n < ARRAY_LEN(known); n++) {
        const char *value = inspect_annotation(i, known[n].annotation);
        _cleanup_free_ char *text = value ? str_printf("%s=%s", known[n].word, value) : NULL;

        if (text)
            json_add_str(out, text);
    }
    return out;
}

static json *devices_of(const struct inspection *i)
{
    json *out = json_new_array(), *list = json_get(i->c->config, "device_host_src");
    json *devices = json_at(i->created, "linux", "devices", NULL);

    if (annotated(i, "io.podman.annotations.privileged"))
        return out;
    for (size_t n = 0; n < json_len(devices); n++) {
        const char *inside = str_or(json_str(json_item(devices, n), "path"), "");
        const char *outside = str_or(json_str(json_item(list, n), "path"), inside);
        json *o = json_new();

        /* Stored as it was typed: HOST[:INSIDE[:ACCESS]]. */
        json_set(o, "PathOnHost",
                 json_object_new_string_len(outside, (int)strcspn(outside, ":")));
        json_set_str(o, "PathInContainer", inside);
        json_set_str(o, "CgroupPermissions", "");
        json_add(out, o);
    }
    return out;
}

static json *ulimits_of(const struct inspection *i)
{
    json *out = json_new_array(), *list = json_at(i->created, "process", "rlimits", NULL);

    for (size_t n = 0; n < json_len(list); n++) {
        json *o = json_new(), *limit = json_item(list, n);

        json_set_str(o, "Name", str_or(json_str(limit, "type"), ""));
        json_set_i64(o, "Soft", (int64_t)json_u64(limit, "soft", 0));
        json_set_i64(o, "Hard", (int64_t)json_u64(limit, "hard", 0));
        json_add(out, o);
    }
    return out;
}

static void set_names(const struct inspection *i, json *o)
{
    const json *config = i->c->config;
    json *ports = inspect_ports(i->c);
    const char *from = inspect_annotation(i, "io.podman.annotations.volumes-from");
    json *volumes_from = NULL, *policy = json_new();

    set_network_mode(i, o);
    json_set(o, "PortBindings", ports);
    json_set_str(policy, "Name", str_or(json_str(config, "restart_policy"), ""));
    json_set_i64(policy, "MaximumRetryCount", json_i64(config, "restart_retries", 0));
    json_set(o, "RestartPolicy",
             i->marked ? template_type(policy, "*define.InspectRestartPolicy") : policy);
    json_set_bool(o, "AutoRemove", annotated(i, "io.podman.annotations.autoremove"));
    json_set_str(o, "VolumeDriver", "");
    if (!str_empty(from)) {
        _cleanup_list_ struct berth_list words = LIST_INIT;

        list_split(&words, from, ',', false);
        volumes_from = json_from_list(&words);
    }
    json_set(o, "VolumesFrom", volumes_from);
}

static void set_caps(const struct inspection *i, json *o)
{
    json *caps = json_at(i->created, "process", "capabilities", "bounding", NULL);
    bool privileged = annotated(i, "io.podman.annotations.privileged");
    const char *const *usual = privileged ? all_caps : default_caps;
    size_t n = privileged ? ARRAY_LEN(all_caps) : ARRAY_LEN(default_caps);

    json_set(o, "CapAdd", difference(usual, n, caps, false));
    json_set(o, "CapDrop", difference(usual, n, caps, true));
}

static void set_resources(const struct inspection *i, json *o)
{
    const json *resources = json_at(i->created, "linux", "resources", NULL);
    const json *cpu = json_get(resources, "cpu"), *memory = json_get(resources, "memory");
    const json *block = json_get(resources, "blockIO");
    int64_t period = json_i64(cpu, "period", 0), quota = json_i64(cpu, "quota", 0);
    static const char *const throttles[] = {"BlkioWeightDevice", "BlkioDeviceReadBps",
                                            "BlkioDeviceWriteBps", "BlkioDeviceReadIOps",
                                            "BlkioDeviceWriteIOps"};
    const char *parent = str_or(json_str(i->c->config, "cgroupParent"), "");
    bool usual = str_eq(parent, "/libpod_parent") || str_eq(parent, "machine.slice") ||
                 str_eq(parent, "user.slice");

    json_set_i64(o, "CpuShares", json_i64(cpu, "shares", 0));
    json_set_i64(o, "Memory", json_i64(memory, "limit", 0));
    json_set_i64(o, "NanoCpus", period == 100000 && quota > 0 ? quota * 10000 : 0);
    json_set_str(o, "CgroupParent", usual ? "" : parent);
    json_set_i64(o, "BlkioWeight", json_i64(block, "weight", 0));
    for (size_t n = 0; n < ARRAY_LEN(throttles); n++)
        json_set(o, throttles[n], NULL);
    json_set_i64(o, "CpuPeriod", period);
    json_set_i64(o, "CpuQuota", quota);
    json_set_i64(o, "CpuRealtimePeriod", json_i64(cpu, "realtimePeriod", 0));
    json_set_i64(o, "CpuRealtimeRuntime", json_i64(cpu, "realtimeRuntime", 0));
    json_set_str(o, "CpusetCpus", str_or(json_str(cpu, "cpus"), ""));
    json_set_str(o, "CpusetMems", str_or(json_str(cpu, "mems"), ""));
    json_set(o, "Devices", devices_of(i));
    json_set_i64(o, "DiskQuota", 0);
    json_set_i64(o, "KernelMemory", json_i64(memory, "kernel", 0));
    json_set_i64(o, "MemoryReservation", json_i64(memory, "reservation", 0));
    json_set_i64(o, "MemorySwap", json_i64(memory, "swap", 0));
    json_set_i64(o, "MemorySwappiness", json_i64(memory, "swappiness", memory ? -1 : 0));
    json_set_bool(o, "OomKillDisable", json_flag(memory, "disableOOMKiller", false));
    inspect_opt_bool(i, o, "Init", annotated(i, "io.podman.annotations.init"));
    json_set_i64(o, "PidsLimit", json_i64(json_get(resources, "pids"), "limit", 0));
    json_set(o, "Ulimits", ulimits_of(i));
    json_set_i64(o, "CpuCount", 0);
    json_set_i64(o, "CpuPercent", 0);
    json_set_i64(o, "IOMaximumIOps", 0);
    json_set_i64(o, "IOMaximumBandwidth", 0);
    json_set(o, "CgroupConf", map_of(i, json_get(resources, "unified")));
}

json *inspect_host_config(struct inspection *i, json *mounts)
{
    const json *config = i->c->config;
    const char *cgroups = str_or(json_str(config, "cgroupsMode"), "enabled");
    json *o = json_new(), *console = json_new_array();

    json_set(o, "Binds", binds_of(i, mounts));
    json_set_str(o, "CgroupManager", str_or(json_str(config, "cgroupManager"), ""));
    set_mode(i, o, "CgroupMode", "cgroupNsCtr", "cgroup", "private");
    json_set_str(o, "ContainerIDFile",
                 str_or(inspect_annotation(i, "io.podman.annotations.cid-file"), ""));
    set_log(i, o);
    set_names(i, o);
    set_caps(i, o);
    json_set(o, "Dns", list_of(json_get(config, "dnsServer")));
    json_set(o, "DnsOptions", list_of(json_get(config, "dnsOption")));
    json_set(o, "DnsSearch", list_of(json_get(config, "dnsSearch")));
    json_set(o, "ExtraHosts", list_of(json_get(config, "hostsAdd")));
    json_set(o, "GroupAdd", list_of(json_get(config, "groups")));
    set_ipc_mode(i, o);
    json_set_str(o, "Cgroup", "");
    json_set_str(o, "Cgroups", str_eq(cgroups, "enabled") ? "default" : cgroups);
    json_set(o, "Links", NULL);
    json_set_i64(o, "OomScoreAdj", json_i64(json_get(i->created, "process"), "oomScoreAdj", 0));
    set_mode(i, o, "PidMode", "pidNsCtr", "pid", "private");
    json_set_bool(o, "Privileged", annotated(i, "io.podman.annotations.privileged"));
    json_set_bool(o, "PublishAllPorts", annotated(i, "io.podman.annotations.publish-all"));
    json_set_bool(o, "ReadonlyRootfs",
                  json_flag(json_get(i->created, "root"), "readonly", false));
    json_set(o, "SecurityOpt", security_of(i));
    json_set(o, "Tmpfs", tmpfs_of(i));
    set_mode(i, o, "UTSMode", "utsNsCtr", "uts", "private");
    set_users_mode(i, o);
    json_set_i64(o, "ShmSize", json_i64(config, "shmSize", 0));
    json_set_str(o, "Runtime", "oci");
    json_add(console, json_new_i64(0));
    json_add(console, json_new_i64(0));
    json_set(o, "ConsoleSize", console);
    json_set_str(o, "Isolation", "");
    set_resources(i, o);
    return i->marked ? template_type(o, "*define.InspectContainerHostConfig") : o;
}
