/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - help texts, laid out as podman's. */
#include "base/str.h"
#include "cmd/cli.h"

struct entry {
    const char *word, *summary;
};

static int by_word(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->word, ((const struct entry *)b)->word);
}

/* The commands of a group (NULL: of the program, with its groups). */
static void print_commands(FILE *out, const char *group)
{
    struct entry entries[256];
    size_t n = 0, width = 11;

    for (const struct cmd *const *c = commands; *c && n < ARRAY_LEN(entries); c++)
        if (command_in(*c, group, &entries[n].word))
            entries[n++].summary = (*c)->summary;
    if (!group) {
        for (const struct cmd *g = command_groups; g->name && n < ARRAY_LEN(entries); g++)
            entries[n++] = (struct entry){g->name, g->summary};
        if (n < ARRAY_LEN(entries))
            entries[n++] = (struct entry){"help", "Show help for a command"};
    }
    SORT(entries, n, by_word);
    for (size_t i = 0; i < n; i++)
        width = MAX(width, strlen(entries[i].word));
    fputs("\nAvailable Commands:\n", out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "  %-*s %s\n", (int)width, entries[i].word, entries[i].summary);
}

/* Left column: "-a, --all", "    --format string". */
static char *option_names(const struct opt *o)
{
    const char *word = opts_value_word(o);
    char letter[8] = "    ";

    if (o->letter)
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    return str_printf("  %s--%s%s%s", letter, o->name, word ? " " : "", word ? word : "");
}

static void print_preset(FILE *out, const struct opt *o)
{
    if (str_empty(o->preset) || str_eq(o->preset, "0") || str_eq(o->preset, "false"))
        return;
    if (o->type == OPT_STRING)
        fprintf(out, " (default \"%s\")", o->preset);
    else if (o->type == OPT_LIST || o->type == OPT_CSV)
        fprintf(out, " (default [%s])", o->preset);
    else
        fprintf(out, " (default %s)", o->preset);
}

/* Options of up to two tables, by name. */
static void print_options(FILE *out, const struct opt *first, const struct opt *second)
{
    const struct opt *sorted[256];
    size_t n = opts_sorted(first, second, sorted, ARRAY_LEN(sorted)), width = 0;

    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        _cleanup_free_ char *names = option_names(sorted[i]);

        if (names)
            width = MAX(width, strlen(names));
    }
    fputs("\nOptions:\n", out);
    for (size_t i = 0; i < n; i++) {
        _cleanup_free_ char *names = option_names(sorted[i]);

        fprintf(out, "%-*s   %s", (int)width, str_or(names, ""), sorted[i]->help);
        print_preset(out, sorted[i]);
        fputc('\n', out);
    }
}

/* Longer text, each line of it indented. */
static void print_description(FILE *out, const char *text)
{
    fputs("\nDescription:\n", out);
    while (*text) {
        size_t len = strcspn(text, "\n");

        fprintf(out, "%s%.*s\n", len ? "  " : "", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

void help_program(FILE *out)
{
    fputs("Manage containers with exchangeable backends\n\n"
          "Usage:\n  " PROGRAM " [options] [command]\n",
          out);
    print_commands(out, NULL);
    print_options(out, cli_global_opts, cli_program_opts);
}

void help_group(FILE *out, const char *path, const struct cmd *group)
{
    fprintf(out, "%s\n", group->summary);
    if (group->text)
        print_description(out, group->text);
    fprintf(out, "\nUsage:\n  %s [command]\n", path);
    print_commands(out, group->name);
}

void help_command(FILE *out, const char *path, const struct cmd *cmd)
{
    fprintf(out, "%s\n", cmd->summary);
    if (cmd->text)
        print_description(out, cmd->text);
    fprintf(out, "\nUsage:\n  %s%s%s\n", path, cmd->args ? " " : "", str_or(cmd->args, ""));
    print_options(out, cmd->opts, NULL);
}
