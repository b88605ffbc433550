/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - every flag of `create` and `run`, as typed.
 *
 * Strings are NULL when not given, lists empty, tristates -1, so that spec_create() can
 * tell the user's choice from a default of the configuration.  Members marked "command"
 * are for src/cmd alone; spec_create() does not look at them.
 */
#ifndef BERTH_ENGINE_OPTIONS_H
#define BERTH_ENGINE_OPTIONS_H

#include "base/list.h"
#include <stdint.h>

struct ctr_options {
    /* The words behind the flags: root directory, then the command. */
    char *const *args;
    int n_args;
    /* The whole command line, for the member CreateCommand; NULL: left out. */
    char *const *command_line;

    /* Root file system. */
    bool rootfs;
    bool read_only, read_only_tmpfs;

    /* Process. */
    char *entrypoint, *workdir, *user, *umask, *personality;
    struct berth_list env, env_file, env_merge, unsetenv;
    bool unsetenv_all;
    int env_host, http_proxy; /* tristates */
    struct berth_list group_add, hostuser;
    char *passwd_entry;
    bool passwd;
    bool tty, interactive;
    int init; /* tristate */
    char *init_path;
    char *stop_signal, *stop_timeout, *systemd, *sdnotify;
    uint64_t timeout;
    uint64_t preserve_fds;

    /* Identity. */
    char *name, *hostname;
    struct berth_list label, label_file, annotation, requires;
    char *tz, *restart;
    bool rm;
    bool replace; /* command */

    /* Namespaces. */
    char *pid, *ipc, *uts, *userns, *cgroupns;
    struct berth_list uidmap, gidmap;
    char *subuidname, *subgidname;

    /* Network. */
    struct berth_list network, network_alias, publish, expose;
    bool publish_all;
    char *ip, *ip6, *mac_address;
    struct berth_list dns, dns_option, dns_search, add_host;
    int no_hosts; /* tristate */

    /* Mounts. */
    struct berth_list volume, volumes_from, mount, tmpfs, chrootdirs, secret;
    char *shm_size;

    /* Security. */
    struct berth_list cap_add, cap_drop, security_opt, sysctl, ulimit;
    bool privileged;

    /* Devices and resources. */
    struct berth_list device, device_cgroup_rule;
    struct berth_list device_read_bps, device_read_iops, device_write_bps, device_write_iops;
    char *blkio_weight;
    struct berth_list blkio_weight_device;
    char *cgroups, *cgroup_parent;
    struct berth_list cgroup_conf;
    char *cpus, *cpuset_cpus, *cpuset_mems;
    uint64_t cpu_period, cpu_shares, cpu_rt_period;
    int64_t cpu_quota, cpu_rt_runtime;
    char *memory, *memory_reservation, *memory_swap;
    int64_t memory_swappiness; /* -1: not given */
    bool oom_kill_disable;
    char *oom_score_adj, *pids_limit;

    /* Health check. */
    char *health_cmd, *health_interval, *health_on_failure, *health_start_period;
    char *health_timeout;
    uint64_t health_retries;
    bool no_healthcheck;

    /* Logs and files. */
    char *log_driver;
    struct berth_list log_opt;
    char *conmon_pidfile, *pidfile;
    char *cidfile; /* written by the command; recorded as an annotation */

    /* Command. */
    bool detach, sig_proxy;
    char *detach_keys;
    struct berth_list attach;
};

#endif
