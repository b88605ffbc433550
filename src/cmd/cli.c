/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c - from the arguments of the program to a command, and its result to the shell. */
#include "cmd/cli.h"
#include "base/log.h"
#include "base/str.h"
#include <ctype.h>
#include <sys/stat.h>
#include <time.h>

/* A failure to be shown with a hint at the help text. */
static int usage_error(struct cli *cli, struct berth_error *err)
{
    _cleanup_free_ char *text = str_printf("%s\nSee '%s --help'", error_text(err), cli->path);

    return fail(err, EINVAL, "%s", str_or(text, "out of memory"));
}

void cli_print_error(const struct berth_error *err)
{
    fflush(stdout);
    fprintf(stderr, "Error: %s\n", error_text(err));
    if (err->file)
        log_debug("raised at %s:%d", err->file, err->line);
}

void cli_keep_last(struct berth_error *err, struct berth_error *why, int r, int *last)
{
    if (r >= 0)
        return;
    if (*last < 0)
        cli_print_error(err);
    error_move(err, why);
    *last = r;
}

int cli_exists(int r, struct berth_error *err)
{
    if (r != -ENOENT)
        return r;
    error_clear(err);
    return 1;
}

bool cli_given(const struct cli *cli, const char *option)
{
    return list_has(&cli->result.given, option);
}

char *const *cli_argv(const struct cli *cli)
{
    return cli->argv;
}

/* --------------------------------------------------------- unknown commands */

/* podman's rule: what begins like the word and, at the top, what is two edits away. */
static bool is_near(const char *name, const char *word, bool top)
{
    return strncasecmp(name, word, strlen(word)) == 0 || (top && str_distance(word, name) <= 2);
}

static int unknown_command(const struct cli *cli, const char *group, const char *word,
                           struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    size_t found = 0;
    const char *name;

    buf_printf(&text, "unrecognized command `%s %s`", cli->path, word);
    for (const struct cmd *const *c = commands; *c; c++)
        if (command_in(*c, group, &name) && is_near(name, word, !group))
            buf_printf(&text, "%s\n\t%s", found++ ? "" : "\n\nDid you mean this?", name);
    for (const struct cmd *g = command_groups; !group && g->name; g++)
        if (is_near(g->name, word, true))
            buf_printf(&text, "%s\n\t%s", found++ ? "" : "\n\nDid you mean this?", g->name);
    buf_printf(&text, "%s\nTry '%s --help' for more information", found ? "\n" : "", cli->path);
    return fail(err, EINVAL, "%s", buf_str(&text));
}

static int missing_command(const struct cli *cli, const struct cmd *group,
                           struct berth_error *err)
{
    if (group)
        help_group(stdout, cli->path, group);
    else
        help_program(stdout);
    return fail(err, EINVAL, "missing command '%s COMMAND'", cli->path);
}

/* ------------------------------------------------------------- finding one */

static int extend_path(struct cli *cli, const char *word, struct berth_error *err)
{
    char *longer = str_printf("%s %s", cli->path, word);

    if (!longer)
        return fail(err, ENOMEM, "out of memory");
    free(cli->path);
    cli->path = longer;
    return 0;
}

/* `berth help [WORD [WORD]]` */
static int run_help(struct cli *cli, char **words, struct berth_error *err)
{
    const struct cmd *group = words[0] ? command_group(words[0]) : NULL;
    const struct cmd *cmd = NULL;

    if (words[0])
        cmd = group && words[1] ? command_find(group->name, words[1])
                                : command_find(NULL, words[0]);
    if (!words[0]) {
        help_program(stdout);
        return 0;
    }
    if (group && extend_path(cli, group->name, err) < 0)
        return -ENOMEM;
    if (cmd) {
        if (extend_path(cli, words[group ? 1 : 0], err) < 0)
            return -ENOMEM;
        help_command(stdout, cli->path, cmd);
    } else if (group && !words[1]) {
        help_group(stdout, cli->path, group);
    } else {
        fputs("Unknown help topic [", stderr);
        for (char **w = words; *w; w++)
            fprintf(stderr, "%s`%s`", w == words ? "" : " ", *w);
        fputs("]\n", stderr);
        help_program(stderr);
    }
    return 0;
}

static int parse_globals(struct cli *cli, char **argv, bool program, struct berth_error *err)
{
    struct opts_set sets[] = {{cli_global_opts, &cli->globals},
                              {cli_program_opts, &cli->globals}};
    int r = opts_parse(sets, program ? 2 : 1, false, argv, &cli->result, err);

    return r < 0 ? usage_error(cli, err) : 0;
}

/* Find the command; *rest: what follows its name.  0 with cli->cmd NULL: all is done. */
static int find_command(struct cli *cli, struct berth_error *err)
{
    const struct cmd *group;
    int r;

    if (cli->result.n_args == 0)
        return missing_command(cli, NULL, err);
    if (str_eq(cli->result.args[0], "help"))
        return run_help(cli, cli->result.args + 1, err);
    group = command_group(cli->result.args[0]);
    if (group) {
        r = extend_path(cli, group->name, err);
        if (r == 0)
            r = parse_globals(cli, cli->result.args + 1, false, err);
        if (r < 0)
            return r;
        if (cli->result.help) {
            help_group(stdout, cli->path, group);
            return 0;
        }
        if (cli->result.n_args == 0)
            return missing_command(cli, group, err);
    }
    cli->cmd = command_find(group ? group->name : NULL, cli->result.args[0]);
    if (!cli->cmd)
        return unknown_command(cli, group ? group->name : NULL, cli->result.args[0], err);
    return extend_path(cli, cli->result.args[0], err);
}

/* -------------------------------------------------------------- running it */

static int check_args(const struct cli *cli, int n, struct berth_error *err)
{
    int min = cli->cmd->min_args, max = cli->cmd->max_args;

    if (n >= min && (max < 0 || n <= max))
        return 0;
    if (max == 0)
        return fail(err, EINVAL, "`%s` takes no arguments", cli->path);
    if (min == max)
        return fail(err, EINVAL, "accepts %d arg(s), received %d", max, n);
    if (max < 0)
        return fail(err, EINVAL, "requires at least %d arg(s), only received %d", min, n);
    if (min <= 0)
        return fail(err, EINVAL, "accepts at most %d arg(s), received %d", max, n);
    return fail(err, EINVAL, "accepts between %d and %d arg(s), received %d", min, max, n);
}

/* What the process has cost up to here: the kernel's part of starting it, and the dynamic
 * loader's.  Measured first, shown once the level is known. */
static struct timespec spent_before_main;

static int set_logging(const struct cli *cli, struct berth_error *err)
{
    int level;

    if (log_parse_level(cli->globals.log_level, &level) < 0) {
        fprintf(stderr,
                "Log Level \"%s\" is not supported, choose from: trace, debug, info, warn, "
                "warning, error, fatal, panic\n",
                cli->globals.log_level);
        err->exit_status = 1;
        return -EINVAL;
    }
    log_set_level(level);
    log_set_syslog(cli->globals.syslog);
    log_debug("started the program in %.3f ms of processor time",
              (double)spent_before_main.tv_sec * 1e3 + (double)spent_before_main.tv_nsec / 1e6);
    return 0;
}

/* podman's limit: longer ones make names of sockets below it too long. */
static int check_globals(const struct cli *cli, struct berth_error *err)
{
    if (cli->globals.runroot && strlen(cli->globals.runroot) > 50)
        return fail(err, EINVAL, "the specified runroot is longer than 50 characters");
    return set_logging(cli, err);
}

static int run_command(struct cli *cli, struct berth_error *err)
{
    const struct cmd *cmd = cli->cmd;
    _cleanup_free_ void *values = calloc(1, cmd->size ? cmd->size : 1);
    struct opts_set sets[] = {{cmd->opts, values}, {cli_global_opts, &cli->globals}};
    int r;

    if (!values)
        return fail(err, ENOMEM, "out of memory");
    r = opts_preset(&sets[0], err);
    if (r == 0) {
        r = opts_parse(sets, ARRAY_LEN(sets), cmd->interspersed, cli->result.args + 1,
                       &cli->result, err);
        if (r < 0)
            r = usage_error(cli, err);
    }
    if (r == 0 && cli->result.help)
        help_command(stdout, cli->path, cmd);
    else if (r == 0 && (r = check_args(cli, cli->result.n_args, err)) == 0 &&
             (r = check_globals(cli, err)) == 0)
        r = cmd->run(cli, values, cli->result.n_args, cli->result.args, err);
    opts_free(&sets[0]);
    return r;
}

/* What the program can answer by itself; 1: there is a command to look for. */
static int run_program(struct cli *cli, struct berth_error *err)
{
    const struct cli_globals *g = &cli->globals;

    if (cli->result.help)
        help_program(stdout);
    else if (g->version)
        puts(PROGRAM " version " PACKAGE_VERSION);
    else if (g->print_plugindir)
        puts(PKGLIBDIR);
    else if (g->dump_commands)
        dump_commands(stdout);
    else if (g->dump_completion)
        return dump_completion(stdout, g->dump_completion) < 0
                   ? fail(err, ENOENT, "no completion for \"%s\": bash, zsh or fish",
                          g->dump_completion)
                   : 0;
    else if (g->dump_man)
        return dump_man(stdout, g->dump_man) < 0
                   ? fail(err, ENOENT, "no command \"%s\"", g->dump_man)
                   : 0;
    else
        return 1;
    return 0;
}

static int run(struct cli *cli, struct berth_error *err)
{
    struct opts_set globals = {cli_global_opts, &cli->globals};
    int r;

    if (!cli->path)
        return fail(err, ENOMEM, "out of memory");
    r = opts_preset(&globals, err);
    if (r == 0)
        r = parse_globals(cli, cli->argv + 1, true, err);
    if (r == 0)
        r = run_program(cli, err);
    if (r == 1) {
        r = find_command(cli, err);
        if (r == 0 && cli->cmd)
            r = run_command(cli, err);
    }
    return r;
}

int cli_main(int argc, char **argv)
{
    static char name[] = PROGRAM;
    static char *no_words[] = {name, NULL};
    struct cli cli = {.argv = argc > 0 ? argv : no_words, .path = strdup(PROGRAM)};
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    int r, status;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent_before_main);
    umask(022);
    r = run(&cli, &err);
    status = r;
    if (r < 0) {
        if (err.code)
            cli_print_error(&err);
        status = err.exit_status ? err.exit_status : EXIT_ENGINE;
    }
    if (cli.close)
        cli.close(&cli);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "Error: write to standard output: %s\n", strerror(errno));
        status = EXIT_ENGINE;
    }
    opts_result_free(&cli.result);
    opts_free(&(struct opts_set){cli_global_opts, &cli.globals});
    opts_free(&(struct opts_set){cli_program_opts, &cli.globals});
    free(cli.path);
    return status;
}
