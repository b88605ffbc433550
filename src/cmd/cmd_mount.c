/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_mount.c - mount, unmount and diff. */
#include "base/str.h"
#include "cmd/each.h"
#include "engine/ctr_files.h"
#include "engine/store.h"
#include "rootless/rootless.h"

struct mount_opts {
    bool all, latest, force, no_trunc;
    char *format;
};

/* -------------------------------------------------------------------- mount */

static int mount_one(struct ctr *c, const char *name _unused_, void *arg _unused_,
                     struct berth_error *err)
{
    _cleanup_free_ char *path = NULL;
    int r = ctr_mount(c, &path, err);

    if (r < 0)
        return r;
    puts(path);
    return 1; /* its name is not printed */
}

static json *mount_document(const struct ctr *c, const char *path)
{
    json *o = json_new();

    json_set_str(o, "id", c->id);
    json_add_str(json_need_array(o, "Names"), c->name);
    json_set_str(o, "mountpoint", path);
    return o;
}

/* Those that are mounted. */
static int list_mounted(struct engine *e, const struct mount_opts *o, bool as_json,
                        struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_json_ json *list = json_new_array();
    struct ctr **all = NULL;
    size_t n = 0;
    int r = ctr_load_all(e, 0, &all, &n, err);

    for (size_t i = 0; r == 0 && i < n; i++) {
        _cleanup_free_ char *path = NULL;

        r = ctr_mounted(all[i], &path, err);
        if (r < 0 || !path)
            continue;
        if (as_json)
            json_add(list, mount_document(all[i], path));
        else
            printf("%.*s  %s\n", o->no_trunc ? ID_LEN : 12, all[i]->id, path);
    }
    ctr_free_all(all, n);
    if (r == 0 && as_json) {
        json_write_pretty(list, 0, "", " ", &text);
        puts(buf_str(&text));
    }
    return r;
}

static int mount_run(struct cli *cli, void *opts, int argc, char **argv,
                     struct berth_error *err)
{
    const struct mount_opts *o = opts;
    const struct each_select which = {
        .names = argv, .n_names = argc, .all = o->all, .latest = o->latest};
    bool as_json = str_eq(o->format, "json");
    struct engine *e;
    struct conf *conf;
    int r;

    if (!str_empty(o->format) && !as_json)
        return fail(err, EINVAL, "unknown --format argument: \"%s\"", o->format);
    r = cli_conf(cli, &conf, err);
    if (r == 0 && rootless_outside(conf) && !str_eq(conf->storage_driver, "vfs"))
        r = fail(err, EPERM, "cannot mount using driver %s in rootless mode",
                 conf->storage_driver);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r < 0)
        return r;
    return argc == 0 && !o->all && !o->latest ? list_mounted(e, o, as_json, err)
                                              : each_ctr(e, &which, mount_one, NULL, err);
}

#define AT(member) offsetof(struct mount_opts, member)
static const struct opt mount_options[] = {
    {"all", 'a', OPT_BOOL, AT(all), "", "", "Mount every container"},
    {"format", 0, OPT_STRING, AT(format), "format", "", "List in another form: json"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Take the container that was created last"},
    {"no-trunc", 0, OPT_BOOL, AT(no_trunc), "", "", "List whole IDs"},
    {""}};

const struct cmd cmd_mount = {
    .name = "mount",
    .args = "[options] [CONTAINER...]",
    .summary = "Mount the root file system of one or more containers",
    .text =
        "Mount the root file system of each container and print where. Without a container, "
        "list those that are mounted. Each mount is counted; unmount takes one back.",
    .opts = mount_options,
    .size = sizeof(struct mount_opts),
    .interspersed = true,
    .max_args = -1,
    .run = mount_run,
};

/* ------------------------------------------------------------------ unmount */

static int unmount_one(struct ctr *c, const char *name _unused_, void *arg,
                       struct berth_error *err)
{
    const struct mount_opts *o = arg;
    _cleanup_free_ char *path = NULL;
    int r = o->all ? ctr_mounted(c, &path, err) : 0;

    if (r == 0 && o->all && !path)
        return 1;
    if (r == 0)
        r = ctr_unmount(c, o->force, err);
    if (r == -EBUSY && o->all) {
        error_clear(err); /* used by the container itself */
        return 1;
    }
    return r;
}

static int unmount_run(struct cli *cli, void *opts, int argc, char **argv,
                       struct berth_error *err)
{
    struct mount_opts *o = opts;
    const struct each_select which = {
        .names = argv, .n_names = argc, .all = o->all, .latest = o->latest};
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    return r < 0 ? r : each_ctr(e, &which, unmount_one, o, err);
}

static const struct opt unmount_options[] = {
    {"all", 'a', OPT_BOOL, AT(all), "", "", "Unmount every container that is mounted"},
    {"force", 'f', OPT_BOOL, AT(force), "", "", "Unmount however often it was mounted"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Take the container that was created last"},
    {""}};
#undef AT

const struct cmd cmd_unmount = {
    .name = "unmount",
    .aliases = "umount",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Unmount the root file system of one or more containers",
    .text = "Take one mount of each container back. The file system is unmounted with the last "
            "one; that of a container that runs stays.",
    .opts = unmount_options,
    .size = sizeof(struct mount_opts),
    .interspersed = true,
    .max_args = -1,
    .run = unmount_run,
};

/* --------------------------------------------------------------------- diff */

struct diff_opts {
    bool latest;
    char *format;
};

struct diff_lists {
    struct berth_list changed, added, deleted;
};

static int print_change(void *arg _unused_, enum ctr_change kind, const char *path)
{
    printf("%c %s\n", kind, path);
    return 0;
}

static int gather_change(void *arg, enum ctr_change kind, const char *path)
{
    struct diff_lists *lists = arg;

    return list_add(kind == CTR_ADDED     ? &lists->added
                    : kind == CTR_DELETED ? &lists->deleted
                                          : &lists->changed,
                    path);
}

static int diff_json(struct ctr *c, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_json_ json *o = json_new();
    struct diff_lists lists = {0};
    int r = ctr_diff(c, gather_change, &lists, err);

    json_opt_list(o, "changed", &lists.changed);
    json_opt_list(o, "added", &lists.added);
    json_opt_list(o, "deleted", &lists.deleted);
    list_free(&lists.changed);
    list_free(&lists.added);
    list_free(&lists.deleted);
    if (r < 0)
        return r;
    json_write_pretty(o, 0, "", "     ", &text);
    puts(buf_str(&text));
    return 0;
}

static int diff_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    const struct diff_opts *o = opts;
    bool as_json = str_eq(o->format, "json");
    _cleanup_ctr_ struct ctr *c = NULL;
    struct engine *e;
    int r;

    if (argc == 0 && !o->latest)
        return fail(err, EINVAL,
                    "\"berth diff\" requires a name, id, or the \"--latest\" flag");
    if (argc > 0 && o->latest)
        return fail(err, EINVAL, "--latest and containers cannot be used together");
    if (!str_empty(o->format) && !as_json)
        return fail(err, EINVAL, "only supported value for '--format' is 'json'");
    r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = o->latest ? ctr_latest(e, &c, err) : ctr_lookup(e, argv[0], &c, err);
    if (r == 0)
        r = as_json ? diff_json(c, err) : ctr_diff(c, print_change, NULL, err);
    return r;
}

static const struct opt diff_options[] = {
    {"format", 0, OPT_STRING, offsetof(struct diff_opts, format), "format", "",
     "Print in another form: json"},
    {"latest", 'l', OPT_BOOL, offsetof(struct diff_opts, latest), "", "",
     "Take the container that was created last"},
    {""}};

const struct cmd cmd_diff = {
    .name = "diff",
    .args = "[options] CONTAINER",
    .summary = "List what a container has changed in its file system",
    .text = "List the files that differ from what the container was made of: A was added, C "
            "changed and D deleted. A container that runs from a directory without an overlay "
            "changes the directory itself and so has no differences.",
    .opts = diff_options,
    .size = sizeof(struct diff_opts),
    .interspersed = true,
    .max_args = 1,
    .run = diff_run,
};
