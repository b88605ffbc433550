/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd.h - the command line.
 *
 * Adding a command: write src/cmd/cmd_<name>.c with one `const struct cmd`, name it in
 * commands.def, add the file to cmd.am, build, and run `tools/manpages update ./berth
 * docs/man`, which makes its page.  tests/cli/help.sh compares the table, the help texts and
 * the pages, and fails when one of them lacks something.
 */
#ifndef BERTH_CMD_CMD_H
#define BERTH_CMD_CMD_H

#include "base/error.h"
#include "base/list.h"
#include "conf/conf.h"
#include "engine/engine.h"

/* Exit statuses of podman. */
#define EXIT_ENGINE    125 /* the engine failed */
#define EXIT_CANNOT    126 /* the command in the container cannot be invoked */
#define EXIT_NOT_FOUND 127 /* it was not found */

/* How values of an option are kept; the member at `offset` in the command's struct has the
 * type named here. */
enum opt_type {
    OPT_BOOL,     /* bool; --x, --x=true, --x=false */
    OPT_STRING,   /* char *; the last one wins */
    OPT_LIST,     /* struct berth_list; each use adds one */
    OPT_CSV,      /* struct berth_list; each use adds its comma-separated parts */
    OPT_INT,      /* int64_t */
    OPT_UINT,     /* uint64_t */
    OPT_TRISTATE, /* int: -1 not given, 0, 1 */
};

/* Without a pointer: a table of these needs no relocation, so that a start touches the tables
 * of its own command only.  "" stands for nothing. */
struct opt {
    char name[20]; /* long name; "": the end of a table */
    char letter;   /* 0: none */
    uint8_t type;  /* enum opt_type */
    uint16_t offset;
    char arg[25];    /* word for the value in help texts; "": the type's, none for bools */
    char preset[12]; /* shown in help and parsed before the command line; "": none */
    char help[86];   /* one line, no full stop */
    bool hidden;     /* accepted for podman's sake, not in --help */
    char bare[8];    /* value when given without one (--x alone); "": a value must follow */
};

struct cli; /* the running program: global flags, configuration, engine */

struct cmd {
    const char *name;       /* "ps", or "plugin list" for a command of a group */
    const char *aliases;    /* comma separated; NULL: none */
    const char *args;       /* for the usage line: "[options] CONTAINER [CONTAINER...]" */
    const char *summary;    /* one line, for tables of commands */
    const char *text;       /* longer, for --help; NULL: the summary */
    const struct opt *opts; /* NULL: none */
    size_t size;            /* of the command's struct of options, zeroed before use */
    bool interspersed;      /* options may follow arguments (not for run and exec) */
    int min_args, max_args; /* -1: any number */
    bool hidden;
    /* Exit status.  A failure described in err is printed as "Error: ..." and ends with
     * err->exit_status, or 125. */
    int (*run)(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err);
};

extern const struct cmd *const commands[]; /* ends with NULL */

/* The configuration, loaded at first use; borrowed. */
int cli_conf(struct cli *cli, struct conf **out, struct berth_error *err);

/* The same, inside the namespaces of an unprivileged user: for what looks at the store, or at
 * what else such a user has there, without the engine. */
int cli_inside(struct cli *cli, struct conf **out, struct berth_error *err);

/* The engine, opened at first use; borrowed; closed when the program ends. */
int cli_engine(struct cli *cli, unsigned flags, struct engine **out, struct berth_error *err);

/* Was this option given on the command line?  By member of the command's struct. */
bool cli_given(const struct cli *cli, const char *option);

/* The whole command line as typed, for CreateCommand. */
char *const *cli_argv(const struct cli *cli);

/* Print "Error: ..." now: for commands that go on with the next container after one failed.
 * The last failure is to be returned instead. */
void cli_print_error(const struct berth_error *err);

/* Several failures: the one before is printed when the next arrives, so that the last is left
 * for the caller.  r, of `why`, is no failure: nothing happens. */
void cli_keep_last(struct berth_error *err, struct berth_error *why, int r, int *last);

/* The exit status of a command that tells whether something is there, from how a look for it
 * went: 1 where that gave -ENOENT. */
int cli_exists(int r, struct berth_error *err);

#endif
