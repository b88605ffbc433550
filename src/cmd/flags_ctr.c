/* SPDX-License-Identifier: Apache-2.0 */
/* flags_ctr.c - see flags_ctr.h. */
#include "cmd/flags_ctr.h"

#define AT(member) offsetof(struct ctr_options, member)

/* clang-format off */
/* Short forms of a line of the table. */
#define S(n, c, m, a, h)    {.name = (n), .letter = (c), .type = OPT_STRING, .offset = AT(m), .arg = (a), .help = (h)}
#define SP(n, c, m, a, p, h) {.name = (n), .letter = (c), .type = OPT_STRING, .offset = AT(m), .arg = (a), .preset = (p), .help = (h)}
#define L(n, c, m, a, h)    {.name = (n), .letter = (c), .type = OPT_LIST, .offset = AT(m), .arg = (a), .help = (h)}
#define C(n, c, m, a, h)    {.name = (n), .letter = (c), .type = OPT_CSV, .offset = AT(m), .arg = (a), .help = (h)}
#define B(n, c, m, h)       {.name = (n), .letter = (c), .type = OPT_BOOL, .offset = AT(m), .help = (h)}
#define BP(n, c, m, p, h)   {.name = (n), .letter = (c), .type = OPT_BOOL, .offset = AT(m), .preset = (p), .help = (h)}
#define T(n, c, m, h)       {.name = (n), .letter = (c), .type = OPT_TRISTATE, .offset = AT(m), .help = (h)}
#define U(n, c, m, h)       {.name = (n), .letter = (c), .type = OPT_UINT, .offset = AT(m), .arg = "uint", .help = (h)}
#define UP(n, c, m, p, h)   {.name = (n), .letter = (c), .type = OPT_UINT, .offset = AT(m), .arg = "uint", .preset = (p), .help = (h)}
#define I(n, c, m, h)       {.name = (n), .letter = (c), .type = OPT_INT, .offset = AT(m), .arg = "int", .help = (h)}
#define IP(n, c, m, p, h)   {.name = (n), .letter = (c), .type = OPT_INT, .offset = AT(m), .arg = "int", .preset = (p), .help = (h)}
#define HIDDEN(...)         {__VA_ARGS__, .hidden = true}

#define COMMON_OPTS                                                                            \
    C("add-host", 0, add_host, "host:ip", "Add a custom host-to-IP mapping"),                  \
    C("annotation", 0, annotation, "key=value", "Add annotations to container"),               \
    C("attach", 'a', attach, "stream", "Attach to STDIN, STDOUT or STDERR"),                   \
    S("blkio-weight", 0, blkio_weight, "weight", "Block IO weight, 10 to 1000"),               \
    C("blkio-weight-device", 0, blkio_weight_device, "device:weight", "Block IO weight of one device"), \
    C("cap-add", 0, cap_add, "capability", "Add capabilities to the container"),               \
    C("cap-drop", 0, cap_drop, "capability", "Drop capabilities from the container"),          \
    C("cgroup-conf", 0, cgroup_conf, "key=value", "Set a file of the container's cgroup (cgroup v2)"), \
    S("cgroup-parent", 0, cgroup_parent, "path", "Cgroup below which the container's is made"), \
    S("cgroupns", 0, cgroupns, "mode", "Cgroup namespace to use"),                             \
    S("cgroups", 0, cgroups, "mode", "Cgroups: enabled, disabled, no-conmon or split"),        \
    C("chrootdirs", 0, chrootdirs, "dir", "Directories of chroots inside that get hosts and resolv.conf"), \
    S("cidfile", 0, cidfile, "file", "Write the container ID to the file"),                    \
    S("conmon-pidfile", 0, conmon_pidfile, "file", "File that gets the PID of conmon"),        \
    U("cpu-period", 0, cpu_period, "Limit the CPU CFS period, in microseconds"),               \
    I("cpu-quota", 0, cpu_quota, "Limit the CPU CFS quota, in microseconds"),                  \
    U("cpu-rt-period", 0, cpu_rt_period, "Limit the CPU real-time period, in microseconds"),   \
    I("cpu-rt-runtime", 0, cpu_rt_runtime, "Limit the CPU real-time runtime, in microseconds"), \
    U("cpu-shares", 'c', cpu_shares, "CPU shares (relative weight)"),                          \
    S("cpus", 0, cpus, "number", "Number of CPUs, with a fraction"),                           \
    S("cpuset-cpus", 0, cpuset_cpus, "list", "CPUs in which to run (0-3, 0,1)"),               \
    S("cpuset-mems", 0, cpuset_mems, "list", "Memory nodes to use (0-3, 0,1)"),                \
    C("device", 0, device, "host[:ctr][:rwm]", "Add a host device to the container"),          \
    C("device-cgroup-rule", 0, device_cgroup_rule, "rule", "Add a rule to the allowed devices"), \
    C("device-read-bps", 0, device_read_bps, "device:rate", "Limit the read rate of a device, bytes per second"), \
    C("device-read-iops", 0, device_read_iops, "device:rate", "Limit the read rate of a device, operations per second"), \
    C("device-write-bps", 0, device_write_bps, "device:rate", "Limit the write rate of a device, bytes per second"), \
    C("device-write-iops", 0, device_write_iops, "device:rate", "Limit the write rate of a device, operations per second"), \
    C("dns", 0, dns, "ip", "Set DNS servers"),                                                 \
    C("dns-option", 0, dns_option, "option", "Set DNS options"),                               \
    C("dns-search", 0, dns_search, "domain", "Set DNS search domains"),                        \
    S("entrypoint", 0, entrypoint, "command", "Overwrite the default entrypoint"),             \
    L("env", 'e', env, "name[=value]", "Set environment variables in container"),              \
    C("env-file", 0, env_file, "file", "Read in a file of environment variables"),             \
    T("env-host", 0, env_host, "Use all current host environment variables in container"),     \
    L("env-merge", 0, env_merge, "name=text", "Change an environment variable that is there already"), \
    C("expose", 0, expose, "port", "Expose a port or a range of ports"),                       \
    C("gidmap", 0, gidmap, "ctr:host:size", "GID map for the user namespace"),                 \
    C("group-add", 0, group_add, "group", "Add additional groups to the process"),             \
    S("health-cmd", 0, health_cmd, "command", "Command that checks the container's health"),   \
    S("health-interval", 0, health_interval, "duration", "Time between health checks (default 30s)"), \
    S("health-on-failure", 0, health_on_failure, "action", "What an unhealthy container gets: none, kill, restart or stop"), \
    UP("health-retries", 0, health_retries, "3", "Failed checks before a container is unhealthy"), \
    S("health-start-period", 0, health_start_period, "duration", "Time in which failures do not count (default 0s)"), \
    S("health-timeout", 0, health_timeout, "duration", "Longest time that a health check may take (default 30s)"), \
    S("hostname", 'h', hostname, "name", "Set container hostname"),                            \
    C("hostuser", 0, hostuser, "user", "Add a user of the host to /etc/passwd of the container"), \
    T("http-proxy", 0, http_proxy, "Set proxy environment variables in the container based on the host's"), \
    T("init", 0, init, "Run an init inside the container that forwards signals and reaps processes"), \
    S("init-path", 0, init_path, "file", "Path to the container-init binary"),                 \
    B("interactive", 'i', interactive, "Keep STDIN open even if not attached"),                \
    S("ip", 0, ip, "ip", "Static IPv4 address for the container"),                             \
    S("ip6", 0, ip6, "ip", "Static IPv6 address for the container"),                           \
    S("ipc", 0, ipc, "mode", "IPC namespace to use"),                                          \
    L("label", 'l', label, "key=value", "Set metadata on container"),                          \
    C("label-file", 0, label_file, "file", "Read in a file of labels, one per line"),          \
    S("log-driver", 0, log_driver, "driver", "Logging driver for the container"),              \
    C("log-opt", 0, log_opt, "key=value", "Logging driver options"),                           \
    S("mac-address", 0, mac_address, "mac", "Container MAC address"),                          \
    S("memory", 'm', memory, "number[unit]", "Memory limit"),                                  \
    S("memory-reservation", 0, memory_reservation, "number[unit]", "Memory soft limit"),       \
    S("memory-swap", 0, memory_swap, "number[unit]", "Memory plus swap limit; -1: unlimited swap"), \
    IP("memory-swappiness", 0, memory_swappiness, "-1", "Container memory swappiness, 0 to 100; -1: the system's"), \
    L("mount", 0, mount, "mount", "Attach a filesystem mount to the container"),               \
    S("name", 0, name, "name", "Assign a name to the container"),                              \
    L("network", 0, network, "mode", "Connect a container to a network"),                      \
    C("network-alias", 0, network_alias, "name", "Add network-scoped alias for the container"), \
    B("no-healthcheck", 0, no_healthcheck, "Disable health checks on the container"),          \
    T("no-hosts", 0, no_hosts, "Do not create /etc/hosts within the container"),               \
    B("oom-kill-disable", 0, oom_kill_disable, "Disable the OOM killer"),                      \
    S("oom-score-adj", 0, oom_score_adj, "int", "Tune the host's OOM preferences, -1000 to 1000"), \
    S("passwd-entry", 0, passwd_entry, "line", "Entry to write to /etc/passwd"),               \
    S("personality", 0, personality, "domain", "Configure execution domain using personality"), \
    S("pid", 0, pid, "mode", "PID namespace to use"),                                          \
    S("pidfile", 0, pidfile, "file", "Write the container process ID to the file"),            \
    S("pids-limit", 0, pids_limit, "int", "Tune container pids limit; -1: unlimited"),         \
    B("privileged", 0, privileged, "Give extended privileges to container"),                   \
    C("publish", 'p', publish, "[[ip:]port:]port[/proto]", "Publish a container's port, or a range of ports, to the host"), \
    B("publish-all", 'P', publish_all, "Publish all exposed ports to random ports on the host"), \
    B("read-only", 0, read_only, "Make containers root filesystem read-only"),                 \
    BP("read-only-tmpfs", 0, read_only_tmpfs, "true", "When running read-only, mount tmpfs on /run, /tmp and /var/tmp"), \
    B("replace", 0, replace, "If a container with the same name exists, replace it"),          \
    C("requires", 0, requires, "container", "Add one or more requirement containers that must be started before this one"), \
    S("restart", 0, restart, "policy", "Restart policy to apply when a container exits"),      \
    B("rm", 0, rm, "Remove container and any anonymous volumes after exit"),                   \
    B("rootfs", 0, rootfs, "The first argument is not an image but the rootfs to the exploded container"), \
    S("sdnotify", 0, sdnotify, "mode", "Control sd-notify behaviour: container, conmon or ignore"), \
    L("secret", 0, secret, "name[,option]", "Give it a secret: type=mount|env, target=, uid=, gid=, mode="), \
    L("security-opt", 0, security_opt, "option", "Security options"),                          \
    S("shm-size", 0, shm_size, "number[unit]", "Size of /dev/shm"),                            \
    S("stop-signal", 0, stop_signal, "signal", "Signal to stop a container"),                  \
    S("stop-timeout", 0, stop_timeout, "uint", "Seconds to wait for a container to stop before it is killed"), \
    S("subgidname", 0, subgidname, "name", "Name of range listed in /etc/subgid for use in user namespace"), \
    S("subuidname", 0, subuidname, "name", "Name of range listed in /etc/subuid for use in user namespace"), \
    C("sysctl", 0, sysctl, "name=value", "Sysctl options"),                                    \
    S("systemd", 0, systemd, "mode", "Run container in systemd mode: true, false or always"),  \
    U("timeout", 0, timeout, "Maximum seconds that the container may run, after which it is killed"), \
    L("tmpfs", 0, tmpfs, "dir[:options]", "Mount a temporary filesystem (tmpfs) into a container"), \
    B("tty", 't', tty, "Allocate a pseudo-TTY for container"),                                 \
    S("tz", 0, tz, "zone", "Set timezone in container"),                                       \
    C("uidmap", 0, uidmap, "ctr:host:size", "UID map for the user namespace"),                 \
    C("ulimit", 0, ulimit, "type=soft[:hard]", "Ulimit options"),                              \
    S("umask", 0, umask, "mask", "Set umask in container"),                                    \
    L("unsetenv", 0, unsetenv, "name", "Unset environment default variables in container"),    \
    B("unsetenv-all", 0, unsetenv_all, "Unset all default environment variables in container"), \
    S("user", 'u', user, "user[:group]", "Username or UID"),                                   \
    S("userns", 0, userns, "mode", "User namespace to use"),                                   \
    S("uts", 0, uts, "mode", "UTS namespace to use"),                                          \
    L("volume", 'v', volume, "[host:]dir[:options]", "Bind mount a volume into the container"), \
    L("volumes-from", 0, volumes_from, "container[:options]", "Mount volumes from the specified container"), \
    S("workdir", 'w', workdir, "dir", "Working directory inside the container")

const struct opt create_opts[] = {
    COMMON_OPTS,
    /* Only here for its preset: podman has the flag for `run` alone. */
    HIDDEN(.name = "passwd", .type = OPT_BOOL, .offset = AT(passwd), .preset = "true", .help = "Add entries to /etc/passwd and /etc/group"),
    {0},
};

const struct opt run_opts[] = {
    COMMON_OPTS,
    B("detach", 'd', detach, "Run container in background and print container ID"),
    S("detach-keys", 0, detach_keys, "keys", "Override the key sequence for detaching a container"),
    BP("passwd", 0, passwd, "true", "Add entries to /etc/passwd and /etc/group"),
    U("preserve-fds", 0, preserve_fds, "Pass a number of additional file descriptors into the container"),
    BP("sig-proxy", 0, sig_proxy, "true", "Proxy received signals to the process"),
    {0},
};
/* clang-format on */
