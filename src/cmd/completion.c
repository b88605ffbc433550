/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion.c - what shells complete, out of the table of commands.
 *
 * Each file has the same three parts: which words may follow a path ("", "plugin", "plugin
 * list"), which options, and whose names the arguments are; then code that walks the command
 * line.  An option that takes a value ends with "=".
 */
#include "base/str.h"
#include "cmd/cli.h"

typedef void each_fn(FILE *out, const char *word, const char *help, const struct opt *o);

/* What the arguments of a command are names of; NULL: files, or nothing known. */
static const char *object_of(const struct cmd *cmd)
{
    static const struct {
        const char *part, *object;
    } objects[] = {{"CONTAINER", "container"},
                   {"VOLUME", "volume"},
                   {"NETWORK", "network"},
                   {"SECRET", "secret"}};

    for (size_t i = 0; cmd->args && i < ARRAY_LEN(objects); i++)
        if (strstr(cmd->args, objects[i].part))
            return objects[i].object;
    return NULL;
}

static void each_option(FILE *out, const struct opt *opts, each_fn *fn)
{
    for (const struct opt *o = opts; o && *o->name; o++)
        if (!o->hidden)
            fn(out, o->name, o->help, o);
}

/* The words that may follow a group (NULL: the program's name). */
static void each_word(FILE *out, const char *group, each_fn *fn)
{
    const char *word;

    for (const struct cmd *const *c = commands; *c; c++)
        if (command_in(*c, group, &word))
            fn(out, word, (*c)->summary, NULL);
    for (const struct cmd *g = command_groups; !group && g->name; g++)
        fn(out, g->name, g->summary, NULL);
}

/* The paths that lead to a command, as patterns of sh or as arguments of fish's. */
static void put_paths(FILE *out, const struct cmd *cmd, const char *between)
{
    const char *word;

    fprintf(out, "'%s'", cmd->name);
    if (!strchr(cmd->name, ' ') && command_in(cmd, "container", &word))
        fprintf(out, "%s'container %s'", between, cmd->name);
}

/* Within single quotes: sh and zsh end the text for one, fish takes a backslash. */
static void put_quoted(FILE *out, const char *s, const char *quote)
{
    for (; s && *s; s++)
        if (*s == '\'')
            fputs(quote, out);
        else if (*s == '\\')
            fputs("\\\\", out);
        else
            fputc(*s, out);
}

/* ---------------------------------------------------------------- bash and zsh */

static void bash_entry(FILE *out, const char *word, const char *help _unused_,
                       const struct opt *o)
{
    const char *value = o && opts_value_word(o) ? "=" : "";

    fprintf(out, " %s%s%s", o ? "--" : "", word, value);
    if (o && o->letter)
        fprintf(out, " -%c%s", o->letter, value);
}

static void zsh_entry(FILE *out, const char *word, const char *help, const struct opt *o)
{
    const char *value = o && opts_value_word(o) ? "=" : "";

    fprintf(out, " '%s%s%s:", o ? "--" : "", word, value);
    put_quoted(out, help, "'\\''");
    fputc('\'', out);
    if (o && o->letter) {
        fprintf(out, " '-%c%s:", o->letter, value);
        put_quoted(out, help, "'\\''");
        fputc('\'', out);
    }
}

/* Three functions that set the array `reply`. */
static void put_tables(FILE *out, each_fn *fn)
{
    fputs("_berth_words() {\n    reply=()\n    case $1 in\n    '') reply=(", out);
    each_word(out, NULL, fn);
    fputs(" ) ;;\n", out);
    for (const struct cmd *g = command_groups; g->name; g++) {
        fprintf(out, "    '%s') reply=(", g->name);
        each_word(out, g->name, fn);
        fputs(" ) ;;\n", out);
    }
    fputs("    esac\n}\n\n_berth_options() {\n    reply=()\n    case $1 in\n    '') reply=(",
          out);
    each_option(out, cli_global_opts, fn);
    each_option(out, cli_program_opts, fn);
    fputs(" ) ;;\n", out);
    for (const struct cmd *const *c = commands; *c; c++) {
        if ((*c)->hidden)
            continue;
        fputs("    ", out);
        put_paths(out, *c, " | ");
        fputs(") reply=(", out);
        each_option(out, (*c)->opts, fn);
        fputs(" ) ;;\n", out);
    }
    fputs("    esac\n}\n\n_berth_objects() {\n    case $1 in\n", out);
    for (const struct cmd *const *c = commands; *c; c++) {
        if ((*c)->hidden || !object_of(*c))
            continue;
        fputs("    ", out);
        put_paths(out, *c, " | ");
        fprintf(out, ") echo %s ;;\n", object_of(*c));
    }
    fputs("    esac\n}\n\n", out);
}

static const char names_code[] = "# Names of what there is.\n"
                                 "_berth_names() {\n"
                                 "    case $(_berth_objects \"$1\") in\n"
                                 "    container) berth ps --all --format '{{.Names}}' ;;\n"
                                 "    volume) berth volume ls --format '{{.Name}}' ;;\n"
                                 "    network) berth network ls --format '{{.Name}}' ;;\n"
                                 "    secret) berth secret ls --format '{{.Name}}' ;;\n"
                                 "    esac 2>/dev/null\n"
                                 "}\n\n";

static const char bash_code[] =
    "_berth() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} path='' args=0 value='' i word reply options\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if [[ $word == '=' ]]; then value=$i && continue; fi\n"
    "        if [[ -n $value ]]; then value='' && continue; fi\n"
    "        _berth_options ''; options=\" ${reply[*]}\"\n"
    "        _berth_options \"$path\"; options+=\" ${reply[*]} \"\n"
    "        if [[ $word == -* ]]; then\n"
    "            [[ $options != *\" $word= \"* ]] || value=$i\n"
    "            continue\n"
    "        fi\n"
    "        _berth_words \"$path\"\n"
    "        if [[ \" ${reply[*]} \" == *\" $word \"* ]]; then\n"
    "            path=${path:+$path }$word\n"
    "        else\n"
    "            args=1\n"
    "        fi\n"
    "    done\n"
    "    COMPREPLY=()\n"
    "    if [[ -n $value || $cur == '=' ]]; then\n"
    "        compopt -o default\n"
    "    elif [[ $cur == -* ]]; then\n"
    "        _berth_options ''; options=${reply[*]}\n"
    "        _berth_options \"$path\"; options+=\" ${reply[*]}\"\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options --help\" -- \"$cur\")\n"
    "        [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace\n"
    "    else\n"
    "        _berth_words \"$path\"\n"
    "        [[ ${#reply[@]} -gt 0 && $args == 0 ]] || reply=()\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"${reply[*]} $(_berth_names \"$path\")\" -- "
    "\"$cur\")\n"
    "        [[ ${#COMPREPLY[@]} -gt 0 ]] || compopt -o default\n"
    "    fi\n"
    "}\n"
    "complete -F _berth berth\n";

static const char zsh_code[] =
    "_berth() {\n"
    "    local way='' value='' word i\n"
    "    local -a reply options names\n"
    "    for ((i = 2; i < CURRENT; i++)); do\n"
    "        word=${words[i]}\n"
    "        if [[ -n $value ]]; then value=''; continue; fi\n"
    "        _berth_options ''; options=(\"${(@)reply%%:*}\")\n"
    "        _berth_options \"$way\"; options+=(\"${(@)reply%%:*}\")\n"
    "        if [[ $word == -* ]]; then\n"
    "            (( ! ${options[(Ie)$word=]} )) || value=$i\n"
    "            continue\n"
    "        fi\n"
    "        _berth_words \"$way\"\n"
    "        (( ! ${${(@)reply%%:*}[(Ie)$word]} )) || way=${way:+$way }$word\n"
    "    done\n"
    "    if [[ -n $value ]]; then\n"
    "        _files\n"
    "    elif [[ ${words[CURRENT]} == -* ]]; then\n"
    "        _berth_options ''; options=(\"${reply[@]}\")\n"
    "        _berth_options \"$way\"; options=(\"${reply[@]}\" \"${options[@]}\")\n"
    "        _describe -o option options -S ''\n"
    "    else\n"
    "        _berth_words \"$way\"\n"
    "        names=(${(f)\"$(_berth_names \"$way\")\"})\n"
    "        if (( ${#reply} )); then _describe command reply; fi\n"
    "        if (( ${#names} )); then compadd -a names; fi\n"
    "        (( ${#reply} + ${#names} )) || _files\n"
    "    fi\n"
    "}\n\n"
    "_berth \"$@\"\n";

/* ------------------------------------------------------------------------- fish */

static const char *fish_group; /* in front of the words that are being written */

/* What follows is for these paths: said once, as there are many lines. */
static void fish_for(FILE *out, const char *paths)
{
    fprintf(out, "set -g __berth_for \"%s\"\n", paths);
}

static void fish_entry(FILE *out, const char *word, const char *help, const struct opt *o)
{
    fputs("__berth_add", out);
    if (o && o->letter)
        fprintf(out, " -s %c", o->letter);
    fprintf(out, " %s %s%s -d '", o ? "-l" : "-f -a", word,
            o && opts_value_word(o) ? " -r" : "");
    put_quoted(out, help, "\\'");
    fputs("'\n", out);
}

static const char fish_code[] =
    "# The words of the command line that are no options, up to a known command.\n"
    "function __berth_path\n"
    "    set -l path\n"
    "    for word in (commandline -opc)[2..-1]\n"
    "        string match -q -- '-*' $word; and continue\n"
    "        if contains -- \"$path $word\" $__berth_paths\n"
    "            set path \"$path $word\"\n"
    "        end\n"
    "    end\n"
    "    string trim -- \"$path\"\n"
    "end\n\n"
    "function __berth_at\n"
    "    contains -- (__berth_path) $argv\n"
    "end\n\n"
    "function __berth_add\n"
    "    complete -c berth -n \"__berth_at $__berth_for\" $argv\n"
    "end\n\n"
    "function __berth_names\n"
    "    switch $argv[1]\n"
    "        case container\n"
    "            berth ps --all --format '{{.Names}}' 2>/dev/null\n"
    "        case '*'\n"
    "            berth $argv[1] ls --format '{{.Name}}' 2>/dev/null\n"
    "    end\n"
    "end\n\n";

static void fish_commands(FILE *out)
{
    for (const struct cmd *const *c = commands; *c; c++) {
        _cleanup_free_ char *where = NULL;
        const char *word;
        bool both = !strchr((*c)->name, ' ') && command_in(*c, "container", &word);

        if ((*c)->hidden)
            continue;
        where = str_printf("'%s'%s%s%s", (*c)->name, both ? " 'container " : "",
                           both ? (*c)->name : "", both ? "'" : "");
        fish_for(out, str_or(where, "''"));
        each_option(out, (*c)->opts, fish_entry);
        if (object_of(*c))
            fprintf(out, "__berth_add -f -a '(__berth_names %s)'\n", object_of(*c));
    }
}

static void fish_path(FILE *out, const char *word, const char *help _unused_,
                      const struct opt *o _unused_)
{
    fprintf(out, " ' %s%s'", fish_group, word);
}

static void put_fish(FILE *out)
{
    fputs("set -g __berth_paths", out);
    fish_group = "";
    each_word(out, NULL, fish_path);
    for (const struct cmd *g = command_groups; g->name; g++) {
        _cleanup_free_ char *group = str_printf("%s ", g->name);

        fish_group = str_or(group, "");
        each_word(out, g->name, fish_path);
    }
    fprintf(out, "\n\n%s", fish_code);
    fish_for(out, "''");
    each_word(out, NULL, fish_entry);
    each_option(out, cli_program_opts, fish_entry);
    for (const struct cmd *g = command_groups; g->name; g++) {
        _cleanup_free_ char *where = str_printf("'%s'", g->name);

        fish_for(out, str_or(where, "''"));
        each_word(out, g->name, fish_entry);
    }
    for (const struct opt *o = cli_global_opts; *o->name; o++)
        if (!o->hidden) {
            fprintf(out, "complete -c berth -l %s%s -d '", o->name,
                    opts_value_word(o) ? " -r" : "");
            put_quoted(out, o->help, "\\'");
            fputs("'\n", out);
        }
    fish_commands(out);
    fputs("functions -e __berth_add\nset -e __berth_for\n", out);
}

int dump_completion(FILE *out, const char *shell)
{
    if (str_eq(shell, "zsh"))
        fputs("#compdef berth\n", out);
    else if (!str_eq(shell, "bash") && !str_eq(shell, "fish"))
        return -ENOENT;
    fprintf(out, "# Completion of berth for %s, made of its table of commands.\n\n", shell);
    if (str_eq(shell, "fish")) {
        put_fish(out);
        return 0;
    }
    put_tables(out, str_eq(shell, "zsh") ? zsh_entry : bash_entry);
    fputs(names_code, out);
    fputs(str_eq(shell, "zsh") ? zsh_code : bash_code, out);
    return 0;
}
