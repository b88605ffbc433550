/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_volume.c - volume create, exists, mount, prune, reload, rm and unmount. */
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/volumes.h"
#include "engine/events.h"
#include "engine/store.h"
#include "rootless/rootless.h"

/* ------------------------------------------------------------------- create */

struct create_opts {
    char *driver;
    struct berth_list label, opt;
};

#define AT(member) offsetof(struct create_opts, member)
static const struct opt create_options[] = {
    {"driver", 0, OPT_STRING, AT(driver), "driver", "local",
     "Who keeps it: local, or the name of a volume plugin"},
    {"label", 'l', OPT_CSV, AT(label), "name=value", "", "Attach a label"},
    {"opt", 'o', OPT_LIST, AT(opt), "name=value", "", "Option for the driver"},
    {""}};
#undef AT

static int create_run(struct cli *cli, void *opts, int argc, char **argv,
                      struct berth_error *err)
{
    const struct create_opts *o = opts;
    _cleanup_json_ json *labels = json_new(), *given = json_new(), *options = NULL;
    _cleanup_volume_ struct volume *v = NULL;
    struct volume_new what = VOLUME_NEW_INIT;
    struct engine *e;
    int r = pairs_add(labels, &o->label, "label", err);

    if (r == 0)
        r = pairs_add(given, &o->opt, "option", err);
    if (r == 0)
        r = volume_options(given, &what, &options, err);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r < 0)
        return r;
    what.name = argc ? argv[0] : NULL;
    what.driver = o->driver;
    what.labels = labels;
    what.options = options;
    r = volume_create(e, &what, NULL, &v, err);
    if (r == 0)
        puts(v->name);
    return r;
}

const struct cmd cmd_volume_create = {
    .name = "volume create",
    .args = "[options] [NAME]",
    .summary = "Create a volume",
    .text =
        "Create a volume and print its name; without a name it gets a random one. The local "
        "driver takes the options type, device and o, which are those of mount: the volume "
        "is mounted while containers use it. Parts uid=, gid= and noquota of o are for the "
        "directory; size= needs type=tmpfs.",
    .opts = create_options,
    .size = sizeof(struct create_opts),
    .interspersed = true,
    .max_args = 1,
    .run = create_run,
};

/* ------------------------------------------------------------------- exists */

static int exists_run(struct cli *cli, void *opts _unused_, int argc _unused_, char **argv,
                      struct berth_error *err)
{
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    if (r == 0)
        r = store_has(e, BERTH_VOLUME, argv[0], err);
    return r < 0 ? r : !r;
}

const struct cmd cmd_volume_exists = {
    .name = "volume exists",
    .args = "VOLUME",
    .summary = "Tell by the exit status whether a volume is there",
    .text = "The exit status is 0 if the volume is there, 1 if it is not, and 125 after an "
            "error.",
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = exists_run,
};

/* ----------------------------------------------------------- mount, unmount */

static int with_volume(struct cli *cli, const char *name, struct volume **out,
                       struct berth_error *err)
{
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    return r < 0 ? r : volume_lookup(e, name, out, err);
}

/* What is mounted inside is not seen outside. */
static int check_inside(struct cli *cli, const char *command, struct berth_error *err)
{
    struct conf *conf;
    int r = cli_conf(cli, &conf, err);

    if (r == 0 && rootless_outside(conf))
        r = fail(err, EPERM,
                 "cannot run command \"berth volume %s\" in rootless mode, must execute `berth "
                 "unshare` first",
                 command);
    return r;
}

static int mount_run(struct cli *cli, void *opts _unused_, int argc _unused_, char **argv,
                     struct berth_error *err)
{
    _cleanup_volume_ struct volume *v = NULL;
    int r = check_inside(cli, "mount", err);

    if (r == 0)
        r = with_volume(cli, argv[0], &v, err);
    if (r == 0)
        r = volume_mount(v, err);
    if (r == 0)
        puts(volume_where(v));
    return r;
}

const struct cmd cmd_volume_mount = {
    .name = "volume mount",
    .args = "VOLUME",
    .summary = "Mount a volume and print where",
    .text = "Mount a volume as a container that uses it does, and print where its files are. "
            "Each use is counted; unmount takes one back.",
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = mount_run,
};

static int unmount_run(struct cli *cli, void *opts _unused_, int argc _unused_, char **argv,
                       struct berth_error *err)
{
    _cleanup_volume_ struct volume *v = NULL;
    int r = check_inside(cli, "unmount", err);

    if (r == 0)
        r = with_volume(cli, argv[0], &v, err);
    if (r == 0)
        r = volume_unmount(v, false, err);
    if (r == 0)
        puts(v->name);
    return r;
}

const struct cmd cmd_volume_unmount = {
    .name = "volume unmount",
    .aliases = "volume umount",
    .args = "VOLUME",
    .summary = "Take one mount of a volume back",
    .text = "Count one use of a volume less, and unmount it with the last.",
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = unmount_run,
};

/* ----------------------------------------------------------------------- rm */

struct rm_opts {
    bool all, force;
    uint64_t time;
};

#define AT(member) offsetof(struct rm_opts, member)
static const struct opt rm_options[] = {
    {"all", 'a', OPT_BOOL, AT(all), "", "", "Remove all volumes"},
    {"force", 'f', OPT_BOOL, AT(force), "", "",
     "Remove the containers that use it as well; what is missing is no error"},
    {"time", 't', OPT_UINT, AT(time), "seconds", "10",
     "How long to wait before a running container is killed"},
    {""}};
#undef AT

static int remove_one(struct volume *v, const struct rm_opts *o, uint32_t timeout,
                      struct berth_error *err)
{
    int r = volume_remove(v, o->force, timeout, err);

    if (r == -EBUSY && err)
        err->exit_status = 2;
    if (r == -ENOENT && (o->force || o->all)) { /* somebody else did */
        error_clear(err);
        return 0;
    }
    if (r == 0)
        puts(v->name);
    return r;
}

static int rm_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    const struct rm_opts *o = opts;
    bool timed = cli_given(cli, "time");
    uint32_t timeout = timed ? (uint32_t)MIN(o->time, UINT32_MAX - 1) : UINT32_MAX;
    struct volume **all = NULL;
    size_t n = 0;
    struct engine *e;
    int r = 0, last = 0;

    if (timed && !o->force)
        return fail(err, EINVAL, "--force option must be specified to use the --time option");
    if ((argc > 0) == o->all)
        return fail(err, EINVAL, "choose either one or more volumes or all");
    r = cli_engine(cli, 0, &e, err);
    if (r == 0 && o->all)
        r = volume_load_all(e, &all, &n, err);
    if (r == 0 && !o->all && !(all = calloc((size_t)argc, sizeof(*all))))
        r = fail(err, ENOMEM, "out of memory");
    for (int i = 0; r == 0 && i < argc; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        int one = volume_lookup(e, argv[i], &all[n], &why);

        if (one == -ENOENT)
            why.exit_status = 1;
        if (one == 0)
            n++;
        else if (!(one == -ENOENT && o->force))
            cli_keep_last(err, &why, one, &last);
    }
    for (size_t i = 0; r == 0 && i < n; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        int one = remove_one(all[i], o, timeout, &why);

        cli_keep_last(err, &why, one, &last);
    }
    volume_free_all(all, n);
    return r < 0 ? r : last;
}

const struct cmd cmd_volume_rm = {
    .name = "volume rm",
    .aliases = "volume remove",
    .args = "[options] VOLUME [VOLUME...]",
    .summary = "Remove volumes",
    .text = "Remove volumes with all that is in them. Those that a container uses are left "
            "alone, unless --force removes the container too.",
    .opts = rm_options,
    .size = sizeof(struct rm_opts),
    .interspersed = true,
    .max_args = -1,
    .run = rm_run,
};

/* -------------------------------------------------------------------- prune */

struct prune_opts {
    bool force;
    struct berth_list filter;
};

static const struct opt prune_options[] = {
    {"filter", 0, OPT_LIST, offsetof(struct prune_opts, filter), "condition", "",
     "Only those that fit: label or until"},
    {"force", 'f', OPT_BOOL, offsetof(struct prune_opts, force), "", "",
     "Do not ask whether this is meant"},
    {""}};

/* Keep those that fit and that no container uses. */
static int find_unused(struct engine *e, const struct volume_filter *filter,
                       struct volume ***out, size_t *n, struct berth_error *err)
{
    struct volume **all = NULL;
    size_t total = 0, kept = 0;
    int r = volume_load_all(e, &all, &total, err);

    for (size_t i = 0; i < total; i++) {
        int fits = r < 0 ? 0 : volume_filter_match(filter, all[i], true, err);

        if (fits == -ENOENT) { /* it went meanwhile */
            error_clear(err);
            fits = 0;
        }
        if (fits < 0)
            r = fits;
        if (fits > 0)
            all[kept++] = all[i];
        else
            volume_free(all[i]);
    }
    if (r < 0)
        volume_free_all(all, kept);
    else {
        *out = all;
        *n = kept;
    }
    return r;
}

/* 1: yes; 0: no. */
static int confirmed(struct volume *const *all, size_t n, struct berth_error *err)
{
    int r;

    puts("WARNING! This will remove all volumes not used by at least one container. The "
         "following volumes will be removed:");
    if (n == 0) {
        puts("No dangling volumes found");
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        puts(all[i]->name);
    r = ask();
    return r < 0 ? fail(err, -r, "EOF") : r;
}

static int prune_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                     struct berth_error *err)
{
    const struct prune_opts *o = opts;
    _cleanup_volume_filter_ struct volume_filter *filter = NULL;
    struct volume **all = NULL;
    size_t n = 0;
    struct engine *e;
    int r = volume_filter_parse(&o->filter, true, &filter, err), last = 0;

    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = find_unused(e, filter, &all, &n, err);
    if (r == 0 && !o->force) {
        r = confirmed(all, n, err);
        if (r <= 0) {
            volume_free_all(all, n);
            return r;
        }
        r = 0;
    }
    for (size_t i = 0; r == 0 && i < n; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        int one = volume_remove(all[i], false, UINT32_MAX, &why);

        if (one == 0) {
            event_object(e, "volume", "prune", NULL, all[i]->name);
            puts(all[i]->name);
        } else if (one != -EBUSY && one != -ENOENT) {
            cli_keep_last(err, &why, one, &last);
        }
    }
    volume_free_all(all, n);
    return r < 0 ? r : last;
}

const struct cmd cmd_volume_prune = {
    .name = "volume prune",
    .args = "[options]",
    .summary = "Remove all volumes that no container uses",
    .opts = prune_options,
    .size = sizeof(struct prune_opts),
    .interspersed = true,
    .run = prune_run,
};

/* ------------------------------------------------------------------- reload */

static void print_list(const char *title, const struct berth_list *names)
{
    if (names->n)
        printf("%s:\n", title);
    for (size_t i = 0; i < names->n; i++)
        puts(names->items[i]);
}

static int reload_run(struct cli *cli, void *opts _unused_, int argc _unused_,
                      char **argv _unused_, struct berth_error *err)
{
    _cleanup_list_ struct berth_list added = LIST_INIT, removed = LIST_INIT, errors = LIST_INIT;
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    if (r == 0)
        r = volume_reload(e, &added, &removed, &errors, err);
    print_list("Added", &added);
    print_list("Removed", &removed);
    for (size_t i = 0; r == 0 && i < errors.n; i++) {
        if (i + 1 == errors.n)
            return fail(err, EIO, "%s", errors.items[i]);
        fprintf(stderr, "Error: %s\n", errors.items[i]);
    }
    return r;
}

const struct cmd cmd_volume_reload = {
    .name = "volume reload",
    .summary = "Take over what the volume plugins have",
    .text = "Ask all volume plugins of the configuration for their volumes, record those that "
            "are not known here yet, and forget those that are no longer there.",
    .interspersed = true,
    .run = reload_run,
};
