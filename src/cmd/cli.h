/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h - what the files of the command line share; commands see cmd.h only. */
#ifndef BERTH_CMD_CLI_H
#define BERTH_CMD_CLI_H

#include "cmd/opts.h"

#define PROGRAM "berth"

/* Values of the global options. */
struct cli_globals {
    char *config, *root, *runroot, *tmpdir, *volumepath, *storage_driver;
    char *state_type, *lock_type, *runtime, *network_backend, *namespace_;
    char *cgroup_manager, *conmon, *events_backend, *log_level;
    char *network_config_dir, *network_cmd_path;
    struct berth_list plugin_path, storage_opt, runtime_flag, hooks_dir;
    bool syslog;
    /* Of the program itself: only in front of a command. */
    bool version, print_plugindir, dump_commands;
    char *dump_completion;
    char *dump_man;
};

struct cli {
    char **argv;
    struct cli_globals globals;
    struct opts_result result; /* of the last parse; `given` gathers those of all */
    const struct cmd *cmd;     /* NULL: none found yet */
    char *path;                /* what was called: "berth container ps" */
    struct conf *conf;
    struct engine *engine;
    void (*close)(struct cli *cli); /* lets go of both; set by who opens them */
};

/* Options that every command takes, and those of the program alone. */
extern const struct opt cli_global_opts[], cli_program_opts[];

/* The groups, as commands that cannot be run; `container` is the first.  Ends with a NULL
 * name. */
extern const struct cmd command_groups[];

/* Number of commands at the start of commands[] that `berth container` takes too. */
extern const size_t n_container_commands;

/* Find by one word, as typed, in a group (NULL: at the top).  NULL: none. */
const struct cmd *command_find(const char *group, const char *word);
const struct cmd *command_group(const char *word);

/* Is it shown in the table of this group (NULL: at the top)?  *word: its name there. */
bool command_in(const struct cmd *cmd, const char *group, const char **word);

/* The global options that were given, as overrides of the configuration; how many. */
#define CLI_OVERRIDES 96
size_t cli_overrides(const struct cli *cli, struct conf_override *out, size_t max);

/* Whole program from its arguments to its exit status. */
int cli_main(int argc, char **argv);

/* Help texts, on a stream.  path: "berth", "berth plugin", "berth container ps". */
void help_program(FILE *out);
void help_group(FILE *out, const char *path, const struct cmd *group);
void help_command(FILE *out, const char *path, const struct cmd *cmd);

/* The table of commands as JSON; the generated sections of one manual page, in mdoc
 * ("berth" or a command's name).  -ENOENT: no such command. */
void dump_commands(FILE *out);
/* What a shell completes; -ENOENT: it is none of bash, zsh and fish. */
int dump_completion(FILE *out, const char *shell);

int dump_man(FILE *out, const char *name);

#endif
