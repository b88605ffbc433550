/* SPDX-License-Identifier: Apache-2.0 */
/* globals.c - the options that every command takes. */
#include "cmd/cli.h"

#define AT(member) offsetof(struct cli_globals, member)

const struct opt cli_global_opts[] = {
    {"cgroup-manager", 0, OPT_STRING, AT(cgroup_manager), "NAME", NULL,
     "Who makes control groups: cgroupfs or systemd"},
    {"config", 0, OPT_STRING, AT(config), "FILE", NULL,
     "Read this configuration file in place of all others"},
    {"conmon", 0, OPT_STRING, AT(conmon), "PATH", NULL, "Program that watches containers"},
    {"events-backend", 0, OPT_STRING, AT(events_backend), "NAME", NULL,
     "Where events are recorded: file, journald or none"},
    {"hooks-dir", 0, OPT_LIST, AT(hooks_dir), "DIR", NULL,
     "Directory of OCI hooks; may be given several times"},
    {"lock-type", 0, OPT_STRING, AT(lock_type), "NAME", NULL, "Lock plugin"},
    {"log-level", 0, OPT_STRING, AT(log_level), "LEVEL", "warn",
     "Print messages of this level and above: trace, debug, info, warn, warning, error, "
     "fatal, panic"},
    {"namespace", 0, OPT_STRING, AT(namespace_), "NAME", NULL,
     "See and make containers of this namespace of the store only"},
    {"network-backend", 0, OPT_STRING, AT(network_backend), "NAME", NULL, "Network plugin"},
    {"network-cmd-path", 0, OPT_STRING, AT(network_cmd_path), "PATH", NULL,
     "Program for networks of rootless users"},
    {"network-config-dir", 0, OPT_STRING, AT(network_config_dir), "DIR", NULL,
     "Directory of network definitions"},
    {"plugin-path", 0, OPT_LIST, AT(plugin_path), "DIR", NULL,
     "Directory of plugins; may be given several times"},
    {"root", 0, OPT_STRING, AT(root), "DIR", NULL, "Directory of all that lasts"},
    {"runroot", 0, OPT_STRING, AT(runroot), "DIR", NULL, "Directory of run-time data"},
    {"runtime", 0, OPT_STRING, AT(runtime), "NAME", NULL,
     "OCI runtime for new containers: a name or an absolute path"},
    {"runtime-flag", 0, OPT_LIST, AT(runtime_flag), "FLAG", NULL,
     "Global option for the OCI runtime, without its dashes; may be given several times"},
    {"state-type", 0, OPT_STRING, AT(state_type), "NAME", NULL, "State plugin"},
    {"storage-driver", 0, OPT_STRING, AT(storage_driver), "NAME", NULL,
     "Driver of image and container storage"},
    {"storage-opt", 0, OPT_LIST, AT(storage_opt), "OPTION", NULL,
     "Option for the storage driver; may be given several times"},
    {"syslog", 0, OPT_BOOL, AT(syslog), NULL, NULL, "Send messages to the system log as well"},
    {"tmpdir", 0, OPT_STRING, AT(tmpdir), "DIR", NULL,
     "Directory of the engine's own run-time data"},
    {"volumepath", 0, OPT_STRING, AT(volumepath), "DIR", NULL, "Directory of named volumes"},
    {NULL}};

const struct opt cli_program_opts[] = {
    {"print-plugindir", 0, OPT_BOOL, AT(print_plugindir), NULL, NULL,
     "Print the directory in which plugins are installed, and exit"},
    {"version", 'v', OPT_BOOL, AT(version), NULL, NULL, "Print the version, and exit"},
    {.name = "dump-commands",
     .type = OPT_BOOL,
     .offset = AT(dump_commands),
     .help = "Print the table of commands as JSON, and exit",
     .hidden = true},
    {.name = "dump-man",
     .type = OPT_STRING,
     .offset = AT(dump_man),
     .arg = "COMMAND",
     .help = "Print what a manual page has from the table of commands, and exit",
     .hidden = true},
    {NULL}};
