/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands.c - the table of commands, and looking one up.
 *
 * One line per command, in the order of the alphabet.
 */
#include "base/str.h"
#include "cmd/cli.h"

#define CONTAINER(c) extern const struct cmd c;
#define OTHER(c)     extern const struct cmd c;
#include "cmd/commands.def"

/* clang-format off */
const struct cmd *const commands[] = {
#define CONTAINER(c) &c,
#define OTHER(c) &c,
#include "cmd/commands.def"
    NULL
};

const size_t n_container_commands = 0
#define CONTAINER(c) + 1
#include "cmd/commands.def"
    ;
/* clang-format on */

/* Groups: commands whose names begin with one of these words. */
const struct cmd command_groups[] = {
    {.name = "container", .summary = "Manage containers"},
    {.name = "config", .summary = "Look at the configuration"},
    {.name = "healthcheck", .summary = "Manage health checks on containers"},
    {.name = "network", .summary = "Manage networks"},
    {.name = "plugin", .summary = "Look at plugins"},
    {.name = "seccomp", .summary = "Look at seccomp profiles"},
    {.name = "secret", .summary = "Manage secrets"},
    {.name = "state", .summary = "Look at state stores, copy and move them"},
    {.name = "system", .summary = "Manage the whole engine"},
    {.name = "volume", .summary = "Manage volumes"},
    {NULL}};

const struct cmd *command_group(const char *word)
{
    for (const struct cmd *g = command_groups; g->name; g++)
        if (str_eq(g->name, word))
            return g;
    return NULL;
}

static bool is_container_command(const struct cmd *cmd)
{
    for (size_t i = 0; i < n_container_commands; i++)
        if (commands[i] == cmd)
            return true;
    return false;
}

/* Does a name ("ps", "plugin list") fit this word in this group? */
static bool name_fits(const char *name, size_t len, const char *group, const char *word)
{
    size_t n = group ? strlen(group) : 0;

    if (group) {
        if (len <= n || strncmp(name, group, n) != 0 || name[n] != ' ')
            return false;
        name += n + 1;
        len -= n + 1;
    }
    return strlen(word) == len && strncmp(name, word, len) == 0;
}

static bool command_fits(const struct cmd *cmd, const char *group, const char *word)
{
    if (name_fits(cmd->name, strlen(cmd->name), group, word))
        return true;
    for (const char *at = cmd->aliases; at && *at;) {
        size_t len = strcspn(at, ",");

        if (name_fits(at, len, group, word))
            return true;
        at += len + (at[len] == ',');
    }
    return false;
}

const struct cmd *command_find(const char *group, const char *word)
{
    for (const struct cmd *const *c = commands; *c; c++)
        if (command_fits(*c, group, word))
            return *c;
    if (str_eq(group, command_groups[0].name))
        for (size_t i = 0; i < n_container_commands; i++)
            if (command_fits(commands[i], NULL, word))
                return commands[i];
    return NULL;
}

bool command_in(const struct cmd *cmd, const char *group, const char **word)
{
    const char *space = strchr(cmd->name, ' ');
    size_t n = group ? strlen(group) : 0;

    *word = cmd->name;
    if (cmd->hidden)
        return false;
    if (!group)
        return !space;
    if (space && (size_t)(space - cmd->name) == n && strncmp(cmd->name, group, n) == 0) {
        *word = space + 1;
        return true;
    }
    return !space && str_eq(group, command_groups[0].name) && is_container_command(cmd);
}
