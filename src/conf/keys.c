/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - see keys.h. */
#include "conf/keys.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/private.h"

#define AT(member)   .offset = offsetof(struct conf, member)
#define MARK(member) .set_offset = offsetof(struct conf, member)
#define SANE_PATH    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#define SELECT "selectors"
#define PLACES "places"
#define ENGINE "engine"
#define NET    "network"
#define CTR    "containers"

/* clang-format off */
const struct conf_key conf_keys[] = {
    /* -------------------------------------------------------------- selectors */
    {"StateType", SELECT, CONF_STRING, AT(state_type), .flag = "state-type",
     .rule = "the store that is there, else what was chosen when berth was built", .check = check_plugin_name,
     .help = "state plugin: keeps the records of containers, pods and volumes"},
    {"LockType", SELECT, CONF_STRING, AT(lock_type), .flag = "lock-type",
     .preset = BERTH_DEFAULT_LOCK, .rule = "chosen when berth was built", .check = check_plugin_name,
     .help = "lock plugin: keeps processes apart"},
    {"OCIRuntime", SELECT, CONF_STRING, AT(oci_runtime), .flag = "runtime",
     .derive = derive_oci_runtime, .rule = "chosen when berth was built, else the first that is installed",
     .help = "OCI runtime of new containers: a plugin, one of `runtimes`, or a path"},
    {"NetworkBackend", SELECT, CONF_STRING, AT(network_backend), .flag = "network-backend",
     .preset = BERTH_DEFAULT_NET, .rule = "chosen when berth was built", .check = check_plugin_name,
     .help = "network plugin"},
    {"plugin_dirs", SELECT, CONF_LIST, AT(plugin_dirs), .flag = "plugin-path",
     .preset = PKGLIBDIR, .rule = "what berth --print-plugindir prints", .check = check_absolute,
     .help = "directories with plugins, searched in this order"},

    /* ----------------------------------------------------------------- places */
    {"graph_root", PLACES, CONF_PATH, AT(graph_root), MARK(graph_root_set), .flag = "root",
     .derive = derive_graph_root,
     .rule = "/var/lib/containers/storage, rootless $XDG_DATA_HOME/containers/storage",
     .help = "where images and containers are kept"},
    {"run_root", PLACES, CONF_PATH, AT(run_root), MARK(run_root_set), .flag = "runroot",
     .derive = derive_run_root,
     .rule = "/run/containers/storage, rootless $XDG_RUNTIME_DIR/containers",
     .help = "their runtime part, cleared at boot"},
    {"static_dir", PLACES, CONF_PATH, AT(static_dir), .derive = derive_static_dir,
     .rule = "<graph_root>/libpod", .help = "where the state store is"},
    {"tmp_dir", PLACES, CONF_PATH, AT(tmp_dir), .flag = "tmpdir", .derive = derive_tmp_dir,
     .rule = "/run/libpod, rootless $XDG_RUNTIME_DIR/libpod/tmp",
     .help = "runtime files, cleared at boot; the store's own record of it wins"},
    {"volume_path", PLACES, CONF_PATH, AT(volume_path), .flag = "volumepath",
     .derive = derive_volume_path, .rule = "<graph_root>/volumes",
     .help = "where named volumes are; the store's own record of it wins"},
    {"storage_driver", PLACES, CONF_STRING, AT(storage_driver), MARK(storage_driver_set),
     .flag = "storage-driver", .derive = derive_storage_driver,
     .rule = "overlay, rootless vfs", .choices = "overlay overlay2 vfs btrfs zfs",
     .help = "how layers of images are kept"},

    /* ----------------------------------------------------------------- engine */
    {"namespace", ENGINE, CONF_STRING, AT(namespace_), .flag = "namespace",
     .help = "show and make objects of this namespace only"},
    {"num_locks", ENGINE, CONF_UINT, AT(num_locks), .preset = "2048", .min = 1,
     .max = 1 << 24, .help = "locks for containers, pods and volumes"},
    {"cgroup_manager", ENGINE, CONF_STRING, AT(cgroup_manager), .flag = "cgroup-manager",
     .derive = derive_cgroup_manager, .rule = "systemd where that runs, else cgroupfs",
     .choices = "cgroupfs systemd", .help = "who makes control groups"},
    {"conmon_path", ENGINE, CONF_LIST, AT(conmon_path), .flag = "conmon",
     .preset = "/usr/libexec/podman/conmon /usr/local/libexec/podman/conmon"
               " /usr/local/lib/podman/conmon /usr/bin/conmon /usr/sbin/conmon"
               " /usr/local/bin/conmon /usr/local/sbin/conmon"
               " /run/current-system/sw/bin/conmon",
     .help = "where the monitor of containers may be; the first that is there is used"},
    {"conmon_env_vars", ENGINE, CONF_LIST, AT(conmon_env_vars), .preset = "PATH=" SANE_PATH,
     .check = check_assignment, .help = "environment of the monitor"},
    {"helper_binaries_dir", ENGINE, CONF_LIST, AT(helper_binaries_dir),
     .preset = "/usr/local/libexec/podman /usr/local/lib/podman /usr/libexec/podman"
               " /usr/lib/podman",
     .help = "where helper programs are; $BINDIR is the directory of this program"},
    {"hooks_dir", ENGINE, CONF_LIST, AT(hooks_dir), .flag = "hooks-dir",
     .preset = "/usr/share/containers/oci/hooks.d", .check = check_absolute,
     .help = "directories with OCI hooks"},
    {"runtime_flags", ENGINE, CONF_LIST, AT(runtime_flags), .flag = "runtime-flag",
     .help = "global options for the OCI runtime, without the leading dashes"},
    {"runtimes", ENGINE, CONF_RUNTIMES, AT(runtimes), .rule = "the usual places of the usual ones",
     .help = "where the programs of OCI runtimes may be, by name of the runtime"},
    {"runtime_supports_json", ENGINE, CONF_LIST, AT(runtime_supports_json),
     .preset = "crun runc kata runsc krun", .help = "runtimes that can log JSON"},
    {"runtime_supports_kvm", ENGINE, CONF_LIST, AT(runtime_supports_kvm),
     .preset = "kata kata-runtime kata-qemu kata-fc krun",
     .help = "runtimes that make virtual machines"},
    {"runtime_supports_nocgroups", ENGINE, CONF_LIST, AT(runtime_supports_nocgroups),
     .preset = "crun krun", .help = "runtimes that can do without control groups"},
    {"no_pivot_root", ENGINE, CONF_BOOL, AT(no_pivot_root), .preset = "false",
     .help = "do not use pivot_root, for root file systems in a ramdisk"},
    {"events_logger", ENGINE, CONF_STRING, AT(events_logger), .flag = "events-backend",
     .derive = derive_events_logger, .rule = "journald where that can be used, else file",
     .choices = "file journald none", .help = "where events go"},
    {"events_logfile_path", ENGINE, CONF_PATH, AT(events_logfile_path),
     .rule = "<tmp_dir>/events/events.log", .help = "file of the event log"},
    {"events_logfile_max_size", ENGINE, CONF_SIZE, AT(events_logfile_max_size),
     .preset = "1000000", .max = INT64_MAX,
     .help = "size at which the event log is cut; 0: never"},
    {"stop_timeout", ENGINE, CONF_UINT, AT(stop_timeout), .preset = "10", .max = UINT32_MAX,
     .help = "seconds that a container gets to end by itself"},
    {"exit_command_delay", ENGINE, CONF_UINT, AT(exit_command_delay), .preset = "300",
     .max = UINT32_MAX, .help = "seconds that detached exec sessions are kept"},
    {"detach_keys", ENGINE, CONF_STRING, AT(detach_keys), .preset = "ctrl-p,ctrl-q",
     .keep_empty = true, .help = "keys that detach from a container; empty: none"},
    {"init_path", ENGINE, CONF_PATH, AT(init_path), .preset = "/usr/libexec/podman/catatonit",
     .help = "init program for containers that ask for one"},
    {"volume_plugins", ENGINE, CONF_TABLE, AT(volume_plugins),
     .help = "sockets of volume plugins, by the name that `volume create --driver` takes"},
    {"volume_plugin_timeout", ENGINE, CONF_UINT, AT(volume_plugin_timeout), .preset = "5",
     .max = 1 << 20, .help = "seconds that a volume plugin gets to answer; 0: no limit"},
    {"enable_port_reservation", ENGINE, CONF_BOOL, AT(enable_port_reservation),
     .preset = "true", .help = "keep published ports from being taken by others"},

    /* ---------------------------------------------------------------- network */
    {"network_cmd_path", NET, CONF_STRING, AT(network_cmd_path), .flag = "network-cmd-path",
     .help = "program for rootless networks, slirp4netns; none: found in PATH"},
    {"network_cmd_options", NET, CONF_LIST, AT(network_cmd_options),
     .help = "options for it"},
    {"network_config_dir", NET, CONF_PATH, AT(network_config_dir),
     .flag = "network-config-dir", .rule = "the network plugin's own",
     .help = "where networks are defined"},
    {"default_network", NET, CONF_STRING, AT(default_network), .preset = "podman",
     .help = "network of containers that name none"},

    /* ------------------------------------------------------------- containers */
    {"annotations", CTR, CONF_LIST, AT(annotations), .check = check_assignment,
     .help = "OCI annotations for every container"},
    {"apparmor_profile", CTR, CONF_STRING, AT(apparmor_profile),
     .preset = "containers-default-0.50.1", .help = "AppArmor profile"},
    {"base_hosts_file", CTR, CONF_STRING, AT(base_hosts_file), .rule = "/etc/hosts",
     .help = "where a container's hosts file comes from: a path, image or none"},
    {"cgroupns", CTR, CONF_STRING, AT(cgroupns), .derive = derive_cgroupns,
     .rule = "private with cgroup v2, else host", .help = "cgroup namespace"},
    {"cgroups", CTR, CONF_STRING, AT(cgroups), .preset = "enabled",
     .choices = "enabled disabled no-conmon split", .help = "control groups of containers"},
    {"default_capabilities", CTR, CONF_LIST, AT(default_capabilities),
     .preset = "CAP_AUDIT_WRITE CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL"
               " CAP_MKNOD CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_SETFCAP CAP_SETGID"
               " CAP_SETPCAP CAP_SETUID CAP_SYS_CHROOT",
     .help = "capabilities of containers"},
    {"default_sysctls", CTR, CONF_LIST, AT(default_sysctls), .check = check_assignment,
     .help = "kernel parameters for every container"},
    {"default_ulimits", CTR, CONF_LIST, AT(default_ulimits), .check = check_ulimit,
     .help = "resource limits, name=soft:hard"},
    {"devices", CTR, CONF_LIST, AT(devices), .check = check_device,
     .help = "devices for every container"},
    {"dns_servers", CTR, CONF_LIST, AT(dns_servers), .help = "name servers in resolv.conf"},
    {"dns_options", CTR, CONF_LIST, AT(dns_options), .help = "options in resolv.conf"},
    {"dns_searches", CTR, CONF_LIST, AT(dns_searches), .help = "search domains in resolv.conf"},
    {"env", CTR, CONF_LIST, AT(env), .preset = "PATH=" SANE_PATH " TERM=xterm",
     .help = "environment of containers"},
    {"env_host", CTR, CONF_BOOL, AT(env_host), .preset = "false",
     .help = "give the whole environment of this host to containers"},
    {"host_containers_internal_ip", CTR, CONF_STRING, AT(host_containers_internal_ip),
     .help = "address that host.containers.internal stands for"},
    {"http_proxy", CTR, CONF_BOOL, AT(http_proxy), .preset = "true",
     .help = "give the proxy variables of this host to containers"},
    {"init", CTR, CONF_BOOL, AT(init), .preset = "false",
     .help = "run an init program in every container"},
    {"ipcns", CTR, CONF_STRING, AT(ipcns), .preset = "shareable", .help = "IPC namespace"},
    {"keyring", CTR, CONF_BOOL, AT(keyring), .preset = "true",
     .help = "make a session keyring for every container"},
    {"label", CTR, CONF_BOOL, AT(label), .derive = derive_label,
     .rule = "whether SELinux is on", .help = "label containers for SELinux"},
    {"log_driver", CTR, CONF_STRING, AT(log_driver), .derive = derive_log_driver,
     .rule = "journald where that can be used, else k8s-file",
     .choices = "k8s-file json-file journald none passthrough",
     .help = "where the output of containers is kept"},
    {"log_size_max", CTR, CONF_INT, AT(log_size_max), .preset = "-1", .min = INT64_MIN,
     .max = INT64_MAX, .check = check_log_size,
     .help = "bytes of a log file; negative: no limit"},
    {"log_tag", CTR, CONF_STRING, AT(log_tag), .help = "template of the tag in the journal"},
    {"netns", CTR, CONF_STRING, AT(netns), .preset = "private", .help = "network namespace"},
    {"no_hosts", CTR, CONF_BOOL, AT(no_hosts), .preset = "false",
     .help = "leave the hosts file of containers alone"},
    {"pids_limit", CTR, CONF_INT, AT(pids_limit), .preset = "2048", .min = -1,
     .max = INT64_MAX, .help = "most processes of a container; 0 and -1: no limit"},
    {"pidns", CTR, CONF_STRING, AT(pidns), .preset = "private", .help = "PID namespace"},
    {"seccomp_profile", CTR, CONF_STRING, AT(seccomp_profile),
     .rule = "/etc/containers/seccomp.json, else /usr/share/containers/seccomp.json",
     .help = "system calls that containers may use: a file, or unconfined"},
    {"shm_size", CTR, CONF_SIZE, AT(shm_size), .preset = "65536k", .max = INT64_MAX,
     .help = "size of /dev/shm"},
    {"tz", CTR, CONF_STRING, AT(tz), .check = check_timezone,
     .help = "time zone of containers, or local"},
    {"umask", CTR, CONF_STRING, AT(umask), .preset = "0022", .check = check_umask,
     .help = "umask of containers"},
    {"userns", CTR, CONF_STRING, AT(userns), .help = "user namespace"},
    {"utsns", CTR, CONF_STRING, AT(utsns), .preset = "private", .help = "UTS namespace"},
    {"volumes", CTR, CONF_LIST, AT(volumes), .help = "volumes for every container"},
    {NULL},
};
/* clang-format on */

const char *const conf_runtime_presets[] = {
    "crun /usr/bin/crun /usr/sbin/crun /usr/local/bin/crun /usr/local/sbin/crun /sbin/crun"
    " /bin/crun /run/current-system/sw/bin/crun",
    "runc /usr/bin/runc /usr/sbin/runc /usr/local/bin/runc /usr/local/sbin/runc /sbin/runc"
    " /bin/runc /usr/lib/cri-o-runc/sbin/runc /run/current-system/sw/bin/runc",
    "runj /usr/local/bin/runj",
    "kata /usr/bin/kata-runtime /usr/sbin/kata-runtime /usr/local/bin/kata-runtime"
    " /usr/local/sbin/kata-runtime /sbin/kata-runtime /bin/kata-runtime /usr/bin/kata-qemu"
    " /usr/bin/kata-fc",
    "runsc /usr/bin/runsc /usr/sbin/runsc /usr/local/bin/runsc /usr/local/sbin/runsc"
    " /bin/runsc /sbin/runsc /run/current-system/sw/bin/runsc",
    "krun /usr/bin/krun /usr/local/bin/krun",
    NULL,
};

int conf_key_index(const char *name)
{
    for (int i = 0; conf_keys[i].name; i++)
        if (strcmp(conf_keys[i].name, name) == 0)
            return i;
    return -1;
}
