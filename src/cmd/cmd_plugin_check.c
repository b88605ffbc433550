/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plugin_check.c - plugin check: hand a plugin file to the conformance kit. */
#include "base/fs.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "load/load.h"

#define KIT "berth-plugin-check"

struct check_opts {
    struct berth_list option;
};

static const struct opt check_options[] = {{"option", 'o', OPT_LIST,
                                            offsetof(struct check_opts, option), "NAME=VALUE",
                                            "", "Set an option of the plugin"},
                                           {""}};

/* The kit is installed beside this program. */
static char *find_kit(void)
{
    char self[4096], *slash;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    self[n > 0 ? n : 0] = '\0';
    slash = strrchr(self, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    return path_join(self, KIT);
}

static int check_run(struct cli *cli, void *opts, int argc _unused_, char **argv,
                     struct berth_error *err)
{
    const struct check_opts *o = opts;
    _cleanup_free_ char *kit = find_kit(), *file = path_absolute(argv[0]);
    _cleanup_list_ struct berth_list args = LIST_INIT;
    const struct plugin *p = NULL;
    struct conf *c;
    int r = cli_conf(cli, &c, err);

    /* What the loader refuses needs no further look. */
    if (r == 0)
        r = plugin_load_file(c, argv[0], &p, err);
    if (r < 0)
        return r;
    list_add(&args, kit);
    for (size_t i = 0; i < o->option.n; i++) {
        list_add(&args, "-o");
        list_add(&args, o->option.items[i]);
    }
    list_add(&args, file);
    if (!kit || !file || args.error)
        return fail(err, ENOMEM, "out of memory");
    fflush(stdout);
    execv(kit, list_argv(&args));
    return fail_errno(err, errno, "starting the conformance kit %s", kit);
}

const struct cmd cmd_plugin_check = {
    .name = "plugin check",
    .args = "[options] FILE",
    .summary = "Run the conformance kit on a plugin",
    .text =
        "Look at the file of a plugin, then load it and try everything that the header of its "
        "kind promises, in directories of its own below $TMPDIR; results are printed in the "
        "Test Anything Protocol, and what fails with the rule that was broken. A lock or net "
        "plugin "
        "that has options needs some, so that it does not work on locks or networks that are "
        "in "
        "use. The exit status is 0 if all cases passed and 1 if some failed.",
    .opts = check_options,
    .size = sizeof(struct check_opts),
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = check_run,
};
