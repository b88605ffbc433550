/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_config.c - config show, config check. */
#include "base/str.h"
#include "cmd/cli.h"
#include "cmd/cmd.h"
#include "load/load.h"
#include "load/note.h"

/* --------------------------------------------------------------------- show */

struct shown {
    char section[NOTE_MODULE_MAX]; /* the one that is open; "": none */
};

static void close_section(struct shown *s)
{
    if (s->section[0])
        puts("};");
    s->section[0] = '\0';
}

static void show_one(void *arg, const char *section, const char *key, const char *value,
                     const char *origin)
{
    struct shown *s = arg;

    if (!str_eq(str_or(section, ""), s->section)) {
        close_section(s);
        snprintf(s->section, sizeof(s->section), "%s", str_or(section, ""));
        if (section)
            printf("%s = {\n", section);
    }
    printf("%s%s = %s;  # %s\n", section ? "    " : "", key, value, origin);
}

static int show_run(struct cli *cli, void *opts _unused_, int argc _unused_,
                    char **argv _unused_, struct berth_error *err)
{
    struct shown s = {""};
    struct conf *c;
    int r = cli_conf(cli, &c, err);

    if (r < 0)
        return r;
    conf_visit(c, show_one, &s);
    close_section(&s);
    return 0;
}

const struct cmd cmd_config_show = {
    .name = "config show",
    .summary = "Print every effective value and where it came from",
    .text = "Print the configuration as it is in effect: all files and the options of this "
            "command line together. Behind each value is the file and line, or the flag, that "
            "set it. The output is itself a configuration.",
    .interspersed = true,
    .run = show_run,
};

/* -------------------------------------------------------------------- check */

struct checked {
    const struct conf *c;
    struct berth_list *problems;
};

/* Is a plugin that a selector or a section means installed?  Says so if not. */
static bool check_plugin(struct checked *k, uint32_t kind, const char *name, const char *origin,
                         const char *key)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    _cleanup_free_ char *known = NULL;

    if (plugin_names(k->c, kind, &names, NULL) < 0 || list_has(&names, name))
        return true;
    known = list_join(&names, ", ");
    list_addf(k->problems, "%s: \"%s\": there is no usable %s plugin \"%s\" (installed: %s)",
              origin, key, plugin_kind_name(kind), name, names.n ? str_or(known, "?") : "none");
    return false;
}

static void check_selector(struct checked *k, uint32_t kind, const char *key, const char *name)
{
    if (name)
        check_plugin(k, kind, name, conf_origin(k->c, key), key);
}

/* A name of a plugin, of a runtime, or a path. */
static void check_runtime(struct checked *k)
{
    const char *name = k->c->oci_runtime;

    if (!name || name[0] == '/')
        return;
    for (size_t i = 0; i < k->c->n_runtimes; i++)
        if (strcmp(k->c->runtimes[i].name, name) == 0)
            return;
    check_selector(k, BERTH_KIND_OCI, "OCIRuntime", name);
}

/* A message of several lines as one. */
static void add_line(struct berth_list *problems, const char *origin, const char *section,
                     const char *text)
{
    _cleanup_buf_ struct berth_buf line = BUF_INIT;

    for (; *text; text++) {
        buf_putc(&line, *text == '\n' ? ':' : *text);
        if (*text == '\n' && text[1] == ' ')
            text++;
    }
    list_addf(problems, "%s: \"%s\": %s", origin, section, buf_str(&line));
}

/* Options of a section can be checked only against what its plugin declares. */
static int check_section(void *arg, const char *section, const char *plugin, const char *origin)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    struct checked *k = arg;
    const struct plugin *p;
    const char *name = NULL;
    uint32_t kind = note_module_kind(section, &name);

    if (!kind && (!plugin || !str_starts(section, "oci_"))) {
        list_addf(k->problems, "%s: \"%s\" cannot be the section of a plugin", origin, section);
        return 0;
    }
    if (!kind)
        kind = BERTH_KIND_OCI; /* of a runtime with a name that no plugin can have */
    name = plugin ? plugin : name;
    if (!check_plugin(k, kind, name, origin, section))
        return 0;
    if (plugin_load(k->c, kind, name, &p, &why) < 0)
        add_line(k->problems, origin, section, error_text(&why));
    else
        conf_instance_check(k->c, section, p->desc.options, p->desc.n_options,
                            p->desc.option_size, k->problems, NULL);
    return 0;
}

static int check_run(struct cli *cli, void *opts _unused_, int argc, char **argv,
                     struct berth_error *err)
{
    _cleanup_list_ struct berth_list problems = LIST_INIT;
    _cleanup_error_ struct berth_error first = ERROR_INIT;
    _cleanup_conf_ struct conf *c = NULL;
    struct conf_override overrides[CLI_OVERRIDES];
    size_t n = cli_overrides(cli, overrides, ARRAY_LEN(overrides));
    struct checked k = {NULL, &problems};
    int r;

    r = conf_examine(argc > 0 ? argv[0] : cli->globals.config, overrides, n, &c, &problems,
                     &first);
    if (r < 0 && !c) {
        error_move(err, &first);
        return r;
    }
    k.c = c;
    check_selector(&k, BERTH_KIND_STATE, "StateType", c->state_type);
    check_selector(&k, BERTH_KIND_LOCK, "LockType", c->lock_type);
    check_selector(&k, BERTH_KIND_NET, "NetworkBackend", c->network_backend);
    check_runtime(&k);
    conf_sections(c, check_section, &k);
    for (size_t i = 0; i < problems.n; i++)
        puts(problems.items[i]);
    return problems.n ? 1 : 0;
}

const struct cmd cmd_config_check = {
    .name = "config check",
    .args = "[FILE]",
    .summary = "Look for mistakes in the configuration",
    .text = "Read the configuration, or FILE alone, and print every mistake on a line of its "
            "own, with file and line: what cannot be read, unknown keys, wrong values, plugins "
            "that are not there and options that they do not have. The exit status is 1 if "
            "there are any.",
    .interspersed = true,
    .max_args = 1,
    .run = check_run,
};
