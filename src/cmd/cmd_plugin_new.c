/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plugin_new.c - plugin new: a plugin to begin with, made of the example of its kind. */
#include "base/fs.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "load/load.h"
#include "load/note.h"
#include <dirent.h>
#include <fcntl.h>

#define SOURCE_MAX (1u << 20) /* bytes of one file of an example */

struct new_opts {
    char *examples;
};

static const struct opt new_options[] = {{"examples", 0, OPT_STRING,
                                          offsetof(struct new_opts, examples), "dir", "",
                                          "Directory of the examples that plugins are made of"},
                                         {""}};

/* The example that a new plugin of a kind begins as. */
static const struct example {
    const char *kind, *name;
} examples[] = {{"state", "flatfile"}, {"lock", "bytewise"}, {"oci", "slim"}, {"net", "solo"}};

struct job {
    const struct example *from;
    const char *name;
    char *upper_from, *upper_name;
};

static char *to_upper(const char *s)
{
    char *up = strdup(s);

    for (char *p = up; p && *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    return up;
}

/* The text with the example's name replaced by the new one, in either case. */
static void rename_in(const struct job *j, const char *text, struct berth_buf *out)
{
    size_t len = strlen(j->from->name);

    while (*text) {
        if (strncmp(text, j->from->name, len) == 0) {
            buf_puts(out, j->name);
            text += len;
        } else if (strncmp(text, j->upper_from, len) == 0) {
            buf_puts(out, j->upper_name);
            text += len;
        } else {
            buf_putc(out, *text++);
        }
    }
}

static int copy_file(const struct job *j, const char *from, const char *to, const char *name,
                     struct berth_error *err)
{
    _cleanup_free_ char *source = path_join(from, name), *target = NULL;
    _cleanup_buf_ struct berth_buf text = BUF_INIT, done = BUF_INIT, new_name = BUF_INIT;
    struct stat st;
    int r;

    if (!source)
        return fail(err, ENOMEM, "out of memory");
    if (stat(source, &st) < 0)
        return fail_errno(err, errno, "reading %s", source);
    if (!S_ISREG(st.st_mode))
        return 0;
    rename_in(j, name, &new_name);
    target = path_join(to, buf_str(&new_name));
    r = fs_read(source, SOURCE_MAX, &text, err);
    if (r < 0)
        return r;
    rename_in(j, buf_str(&text), &done);
    if (!target || text.error || done.error || new_name.error)
        return fail(err, ENOMEM, "out of memory");
    return fs_replace(target, buf_str(&done), done.len, st.st_mode & 0777, false, err);
}

/* What a build in the example's directory has left is no part of it. */
static bool is_source(const char *name)
{
    return name[0] != '.' && !str_ends(name, ".o") && !str_ends(name, ".so");
}

static int copy_all(const struct job *j, const char *from, const char *to,
                    struct berth_error *err)
{
    DIR *dir = opendir(from);
    struct dirent *entry;
    int r = 0;

    if (!dir)
        return fail_errno(err, errno, "reading the example %s (the package berth-dev has it)",
                          from);
    while (r == 0 && (entry = readdir(dir)))
        if (is_source(entry->d_name))
            r = copy_file(j, from, to, entry->d_name, err);
    closedir(dir);
    return r;
}

/* Make it beside its place and move it there whole. */
static int make(const struct job *j, const char *from, const char *module,
                struct berth_error *err)
{
    _cleanup_free_ char *temp = str_printf(".%s.XXXXXX", module);
    int r;

    if (!temp)
        return fail(err, ENOMEM, "out of memory");
    if (fs_exists(module))
        return fail(err, EEXIST, "%s is there already: choose another name or remove it",
                    module);
    if (!mkdtemp(temp))
        return fail_errno(err, errno, "making a directory here");
    r = chmod(temp, 0755) < 0 ? fail_errno(err, errno, "making %s", module)
                              : copy_all(j, from, temp, err);
    if (r == 0 && renameat2(AT_FDCWD, temp, AT_FDCWD, module, RENAME_NOREPLACE) < 0)
        r = fail_errno(err, errno, "making %s", module);
    if (r < 0)
        fs_remove_tree(temp, NULL);
    return r;
}

static int new_run(struct cli *cli _unused_, void *opts, int argc _unused_, char **argv,
                   struct berth_error *err)
{
    const struct new_opts *o = opts;
    _cleanup_free_ char *module = str_printf("%s_%s", argv[0], argv[1]), *from = NULL;
    struct job j = {.name = argv[1]};
    const char *name = NULL;
    int r;

    for (size_t i = 0; i < ARRAY_LEN(examples); i++)
        if (str_eq(examples[i].kind, argv[0]))
            j.from = &examples[i];
    if (!j.from)
        return fail(err, EINVAL,
                    "there is no kind \"%s\" of plugins: choose state, lock, oci or net",
                    argv[0]);
    if (!module || !note_module_kind(module, &name))
        return fail(err, EINVAL,
                    "\"%s\" cannot be the name of a plugin: names have small letters, digits "
                    "and _, and begin with a letter",
                    argv[1]);
    from = str_printf("%s/%s_%s", str_or(o->examples, PKGDATADIR "/examples"), j.from->kind,
                      j.from->name);
    j.upper_from = to_upper(j.from->name);
    j.upper_name = to_upper(j.name);
    r = from && j.upper_from && j.upper_name ? make(&j, from, module, err)
                                             : fail(err, ENOMEM, "out of memory");
    free(j.upper_from);
    free(j.upper_name);
    if (r == 0)
        printf("%s\n", module);
    return r;
}

const struct cmd cmd_plugin_new = {
    .name = "plugin new",
    .args = "[options] KIND NAME",
    .summary = "Write a new plugin to begin with",
    .text = "Write the sources of a plugin of a KIND (state, lock, oci or net) into the new "
            "directory KIND_NAME: a backend that is whole and simple, with a Makefile, a test "
            "and a manual page. `make`, `make check` and `make install` do there what they "
            "say. The name of the directory is printed.",
    .opts = new_options,
    .size = sizeof(struct new_opts),
    .interspersed = true,
    .min_args = 2,
    .max_args = 2,
    .run = new_run,
};
