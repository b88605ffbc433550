/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf.h - the effective configuration: berth.conf files, then command-line flags.
 *
 * One struct with a typed member per key; names are podman's where podman has the option
 * (containers.conf(5), storage.conf(5)).  It is filled once, at start-up, and constant
 * from then on, but for the paths that the store's own record of them decides
 * (engine_open()).
 */
#ifndef BERTH_CONF_CONF_H
#define BERTH_CONF_CONF_H

#include "base/error.h"
#include "base/list.h"
#include <berth/plugin.h>
#include <stdbool.h>
#include <stdint.h>

/* A named runtime and where its program may be. */
struct conf_runtime {
    char *name;
    char *plugin; /* OCI plugin that drives it; NULL: the one of its name, else the default */
    struct berth_list paths;
};

struct conf {
    /* The four selectors.  state_type is NULL where the store that is there decides. */
    char *state_type;
    char *lock_type;
    char *oci_runtime; /* a name of a plugin or of `runtimes`, or an absolute path */
    char *network_backend;
    struct berth_list plugin_dirs;

    /* Where things are.  All absolute and clean. */
    char *graph_root;
    char *run_root;
    char *static_dir;
    char *tmp_dir;
    char *volume_path;
    char *storage_driver; /* "overlay"; decides the name of the containers' folder */
    /* Chosen by the user on the command line: then the store's record must agree. */
    bool graph_root_set, run_root_set, static_dir_set, volume_path_set, storage_driver_set;
    bool rootless;
    uint32_t uid, gid; /* whose engine it is, outside any user namespace */

    /* Engine. */
    char *namespace_; /* libpod namespace; NULL: none */
    uint32_t num_locks;
    char *cgroup_manager; /* "cgroupfs" or "systemd" */
    struct berth_list conmon_path;
    struct berth_list conmon_env_vars;
    struct berth_list helper_binaries_dir;
    struct berth_list hooks_dir;
    struct berth_list runtime_flags; /* each without its leading dashes */
    struct berth_list runtime_supports_json;
    struct berth_list runtime_supports_kvm;
    struct berth_list runtime_supports_nocgroups;
    struct conf_runtime *runtimes;
    size_t n_runtimes;
    bool no_pivot_root;
    char *events_logger;             /* "file", "journald", "none" */
    char *events_logfile_path;       /* NULL: <tmp_dir>/events/events.log */
    int64_t events_logfile_max_size; /* bytes */
    uint32_t stop_timeout;           /* seconds */
    uint32_t exit_command_delay;     /* seconds */
    char *detach_keys;
    char *init_path;
    char *network_cmd_path;
    struct berth_list network_cmd_options;
    char *network_config_dir; /* NULL: the backend's own */
    char *default_network;
    bool enable_port_reservation;
    struct berth_list volume_plugins; /* "name=socket" */
    uint32_t volume_plugin_timeout;   /* seconds; 0: no limit */

    /* Containers. */
    struct berth_list annotations, default_capabilities, default_sysctls, default_ulimits;
    struct berth_list devices, dns_servers, dns_options, dns_searches, env, volumes;
    char *apparmor_profile, *base_hosts_file, *host_containers_internal_ip;
    char *cgroupns, *cgroups, *ipcns, *netns, *pidns, *userns, *utsns;
    bool env_host, http_proxy, init, keyring, label, no_hosts;
    char *log_driver, *log_tag;
    int64_t log_size_max; /* bytes; -1: no limit */
    int64_t pids_limit;
    char *seccomp_profile; /* NULL: the distribution's */
    int64_t shm_size;      /* bytes */
    char *tz, *umask;

    /* Everything else: sections of plugin instances, where each value came from. */
    struct conf_private *private_;
};

/* One value from the command line: key as in the file, value as text.  A key that comes
 * twice counts once, the last, or adds to its list. */
struct conf_override {
    const char *key;
    const char *value;
    bool hint; /* of options of plugins: for those that have it and whose section does not
                  set it */
};

/*
 * Read the layers (design: /usr/share, /etc, conf.d, the user's), or only `file` if it is
 * not NULL (--config) or the one that BERTH_CONF names, then apply the overrides.  Errors name
 * file, line and the nearest known key; the first is in err, and with `all` every one is in
 * that list.
 */
int conf_load(const char *file, const struct conf_override *overrides, size_t n,
              struct conf **out, struct berth_list *all, struct berth_error *err);

/* The same for those who look for mistakes: *out is given although there are some, with
 * defaults in the place of what is wrong. */
int conf_examine(const char *file, const struct conf_override *overrides, size_t n,
                 struct conf **out, struct berth_list *all, struct berth_error *err);
void conf_free(struct conf *c);

static inline void conf_freep(struct conf **c)
{
    conf_free(*c);
}
#define _cleanup_conf_ _cleanup_(conf_freep)

/* Replace a path that the store's record decides; a copy is made. */
int conf_adopt(char **member, const char *value);

/* The place as plugins are told; members lend from c. */
void conf_place(const struct conf *c, struct berth_place *out);

/* Visit every key in the order of the manual, then the options in plugins' sections: value
 * as berth.conf would have it, and where it came from ("default", "flag --root",
 * "/etc/berth/berth.conf:12").  `section` is NULL for keys of the top level. */
typedef void conf_visit_fn(void *arg, const char *section, const char *key, const char *value,
                           const char *origin);
void conf_visit(const struct conf *c, conf_visit_fn *fn, void *arg);

/* Where the value of a key came from, as conf_visit() says. */
const char *conf_origin(const struct conf *c, const char *key);

/* Visit the sections of plugin instances: name, the plugin that it names (NULL: none) and
 * where it began.  A return other than 0 ends it and is returned. */
typedef int conf_section_fn(void *arg, const char *section, const char *plugin,
                            const char *origin);
int conf_sections(const struct conf *c, conf_section_fn *fn, void *arg);

/* Is there a section of this name? */
bool conf_has_section(const struct conf *c, const char *section);

/* Options of a plugin instance: the section of that name ("state_boltdb", "oci_kata")
 * checked against what the plugin declares, plus overrides for this instance.  What
 * plugins know as struct berth_config. */
struct berth_config;
int conf_instance(const struct conf *c, const char *section, const struct berth_option *options,
                  size_t n_options, size_t option_size, const struct conf_override *overrides,
                  size_t n_overrides, struct berth_config **out, struct berth_error *err);

/* The same without a result: every problem goes into `all`, the first into err. */
int conf_instance_check(const struct conf *c, const char *section,
                        const struct berth_option *options, size_t n_options,
                        size_t option_size, struct berth_list *all, struct berth_error *err);
void conf_instance_free(struct berth_config *cfg);
const char *conf_instance_string(const struct berth_config *cfg, const char *name);
int64_t conf_instance_int(const struct berth_config *cfg, const char *name);
int conf_instance_bool(const struct berth_config *cfg, const char *name);

/* Append the flags of berth's own that another berth process needs to see this same
 * configuration (--config, --plugin-path, --state-type, --lock-type, ...), as far as they
 * were given on the command line: for the command that conmon runs at the end. */
int conf_exit_flags(const struct conf *c, struct berth_list *out);

/* Have containers no cgroup to limit, freeze or find their processes by?  Those of users have
 * none where cgroups are of version 1. */
bool conf_without_cgroups(const struct conf *c);

/* Find a helper program (netavark, catatonit, ...) in helper_binaries_dir, then PATH.
 * Allocated; -ENOENT. */
int conf_find_helper(const struct conf *c, const char *name, char **out,
                     struct berth_error *err);

#endif
