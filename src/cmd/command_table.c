/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command_table.c - the table of commands for tools: as JSON for completion, and as those
 * sections of manual pages that repeat it, so that both can be compared with what is installed.
 */
#include "base/json.h"
#include "base/str.h"
#include "cmd/cli.h"
#include "conf/keys.h"

/* ---------------------------------------------------------------------- json */

static const char *type_name(enum opt_type type)
{
    static const char *const names[] = {
        [OPT_BOOL] = "bool",     [OPT_STRING] = "string", [OPT_LIST] = "list",
        [OPT_CSV] = "csv",       [OPT_INT] = "int",       [OPT_UINT] = "uint",
        [OPT_TRISTATE] = "bool",
    };

    return names[type];
}

static json *options_json(const struct opt *opts)
{
    json *array = json_new_array();

    for (const struct opt *o = opts; o && *o->name; o++) {
        char letter[2] = {o->letter, '\0'};
        json *entry = json_new();

        json_set_str(entry, "name", o->name);
        json_opt_str(entry, "letter", letter);
        json_set_str(entry, "type", type_name(o->type));
        json_opt_str(entry, "value", opts_value_word(o));
        json_opt_str(entry, "default", o->preset);
        json_set_str(entry, "help", o->help);
        json_opt_bool(entry, "hidden", o->hidden);
        json_add(array, entry);
    }
    return array;
}

static json *command_json(const struct cmd *cmd)
{
    _cleanup_list_ struct berth_list aliases = LIST_INIT;
    json *entry = json_new();
    const char *word;

    json_set_str(entry, "name", cmd->name);
    if (cmd->aliases)
        list_split(&aliases, cmd->aliases, ',', false);
    json_opt_list(entry, "aliases", &aliases);
    json_set_str(entry, "summary", cmd->summary);
    json_opt_str(entry, "arguments", cmd->args);
    json_opt_bool(entry, "container", command_in(cmd, "container", &word));
    json_opt_bool(entry, "hidden", cmd->hidden);
    json_set(entry, "options", options_json(cmd->opts));
    return entry;
}

void dump_commands(FILE *out)
{
    _cleanup_json_ json *all = json_new();
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    json *global = options_json(cli_global_opts);
    json *program = options_json(cli_program_opts);
    json *groups = json_new_array(), *list = json_new_array();

    for (size_t i = 0; i < json_len(program); i++)
        json_add(global, json_ref(json_item(program, i)));
    json_object_put(program);
    for (const struct cmd *g = command_groups; g->name; g++)
        json_add(groups, command_json(g));
    for (const struct cmd *const *c = commands; *c; c++)
        json_add(list, command_json(*c));
    json_set(all, "options", global);
    json_set(all, "groups", groups);
    json_set(all, "commands", list);
    json_write_pretty(all, JSON_RAW, "", "  ", &text);
    fprintf(out, "%s\n", buf_str(&text));
}

/* ----------------------------------------------------------------------- mdoc */

/* Text of a page: a line that begins like a macro and backslashes are made harmless. */
static void put_text(FILE *out, const char *s)
{
    if (*s == '.' || *s == '\'')
        fputs("\\&", out);
    for (; *s; s++)
        if (*s == '\\')
            fputs("\\e", out);
        else
            fputc(*s, out);
    fputc('\n', out);
}

/* The words of a usage line: "[x]" is optional, a lone "..." stays. */
static void put_usage(FILE *out, const char *args)
{
    while (args && *args) {
        size_t len = strcspn(args, " ");

        if (args[0] == '[') {
            /* A bracket may hold several words: up to the one that closes it. */
            size_t depth = 0;

            for (len = 0; args[len]; len++) {
                depth += args[len] == '[';
                depth -= args[len] == ']';
                if (depth == 0)
                    break;
            }
            fprintf(out, ".Op Ar %.*s\n", (int)(len - 1), args + 1);
            len += args[len] == ']';
        } else {
            fprintf(out, ".Ar %.*s\n", (int)len, args);
        }
        args += len;
        args += strspn(args, " ");
    }
}

static void put_option(FILE *out, const struct opt *o)
{
    const char *word = opts_value_word(o);

    fputs(".It ", out);
    if (o->letter)
        fprintf(out, "Fl %c , ", o->letter);
    fprintf(out, "Fl -%s", o->name);
    if (word)
        fprintf(out, " Ns = Ns Ar %s", word);
    fputc('\n', out);
    put_text(out, o->help);
    if (!str_empty(o->preset)) {
        fputs(".br\nDefault: ", out);
        put_text(out, o->preset);
    }
}

static void put_options(FILE *out, const struct opt *first, const struct opt *second)
{
    const struct opt *sorted[256];
    size_t n = opts_sorted(first, second, sorted, ARRAY_LEN(sorted));

    if (n == 0)
        return;
    fputs(".Sh OPTIONS\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < n; i++)
        put_option(out, sorted[i]);
    fputs(".El\n", out);
}

/* What a command does: lines of its text, or its summary as a sentence. */
static void put_description(FILE *out, const char *text, const char *summary)
{
    fputs(".Sh DESCRIPTION\n", out);
    if (!text) {
        fprintf(out, "%s.\n", summary);
        return;
    }
    while (*text) {
        size_t len = strcspn(text, "\n");
        _cleanup_free_ char *line = strndup(text, len);

        if (len && line)
            put_text(out, line);
        else
            fputs(".Pp\n", out);
        text += len + (text[len] == '\n');
    }
}

static void put_head(FILE *out, const char *page, const char *summary)
{
    fputs(".Sh NAME\n.Nm ", out);
    for (const char *s = page; *s; s++)
        fputc(*s == ' ' ? '-' : *s, out);
    fputs("\n.Nd ", out);
    put_text(out, summary);
}

static const char *key_type(enum conf_type type)
{
    static const char *const words[] = {
        [CONF_STRING] = "text", [CONF_PATH] = "path",      [CONF_BOOL] = "true or false",
        [CONF_INT] = "number",  [CONF_UINT] = "number",    [CONF_SIZE] = "size",
        [CONF_LIST] = "list",   [CONF_RUNTIMES] = "group", [CONF_TABLE] = "group",
    };

    return words[type];
}

/* The keys of berth.conf, section by section. */
static void put_keys(FILE *out)
{
    const char *section = NULL;

    for (const struct conf_key *k = conf_keys; k->name; k++) {
        if (!str_eq(section, k->section)) {
            fprintf(out, "%s.Ss %s\n.Bl -tag -width Ds\n", section ? ".El\n" : "", k->section);
            section = k->section;
        }
        fprintf(out, ".It Cm %s Pq %s\n", k->name, key_type(k->type));
        put_text(out, k->help);
        if (k->choices)
            fprintf(out, ".br\nOne of: %s\n", k->choices);
        if (k->flag)
            fprintf(out, ".br\nFlag:\n.Fl -%s\n", k->flag);
        fputs(".br\nDefault: ", out);
        put_text(out, k->rule ? k->rule : k->preset ? k->preset : "none");
    }
    fputs(".El\n", out);
}

int dump_man(FILE *out, const char *name)
{
    if (str_eq(name, PROGRAM ".conf")) {
        put_keys(out);
        return 0;
    }
    if (str_eq(name, PROGRAM)) {
        put_head(out, PROGRAM, "manage containers with exchangeable backends");
        fputs(".Sh SYNOPSIS\n.Nm berth\n.Op Ar options\n.Ar command\n.Op Ar argument ...\n",
              out);
        put_description(out, NULL, "Makes, runs and looks after containers, as podman does");
        put_options(out, cli_global_opts, cli_program_opts);
        return 0;
    }
    for (const struct cmd *const *c = commands; *c; c++) {
        _cleanup_free_ char *page = NULL;

        if (!str_eq((*c)->name, name))
            continue;
        page = str_printf(PROGRAM " %s", name);
        if (!page)
            return -ENOMEM;
        put_head(out, page, (*c)->summary);
        fprintf(out, ".Sh SYNOPSIS\n.Nm %s\n", page);
        put_usage(out, (*c)->args);
        put_description(out, (*c)->text, (*c)->summary);
        put_options(out, (*c)->opts, NULL);
        return 0;
    }
    return -ENOENT;
}
