/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_system_reset.c - system reset. */
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "engine/reset.h"

struct reset_opts {
    bool force;
};

static int warn_and_ask(struct engine *e, struct berth_error *err)
{
    _cleanup_list_ struct berth_list external = LIST_INIT;

    printf("WARNING! This will remove:\n"
           "        - all containers\n"
           "        - all pods\n"
           "        - all images\n"
           "        - all networks\n"
           "        - all build cache\n"
           "        - all volumes\n"
           "        - the graphRoot directory: \"%s\"\n"
           "        - the runRoot directory: \"%s\"\n",
           e->conf->graph_root, e->conf->run_root);
    if (reset_external(e, &external, NULL) == 0 && external.n) {
        puts("The following external containers will be purged:");
        for (size_t i = 0; i < external.n; i++)
            printf("        - %s\n", external.items[i]);
    }
    return confirm("--force", err);
}

static int reset_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                     struct berth_error *err)
{
    const struct reset_opts *o = opts;
    _cleanup_list_ struct berth_list left = LIST_INIT;
    struct engine *e;
    int r = cli_engine(cli, ENGINE_NO_BOOT, &e, err);

    if (r == 0 && !o->force) {
        r = warn_and_ask(e, err);
        if (r == 0)
            return 0; /* no */
    }
    if (r < 0)
        return r;
    r = reset_all(e, &left, err);
    for (size_t i = 0; i < left.n; i++)
        printf("left alone: %s\n", left.items[i]);
    return r;
}

static const struct opt reset_options[] = {
    {"force", 'f', OPT_BOOL, offsetof(struct reset_opts, force), "", "",
     "Do not ask; needed where standard input is no terminal"},
    {""}};

const struct cmd cmd_system_reset = {
    .name = "system reset",
    .args = "[options]",
    .summary = "Remove all containers, pods, images, volumes and networks",
    .text = "Stop and remove everything, and the directories it was kept in.  Files in these "
            "directories that no container engine made are left alone and listed.  It asks "
            "first; without a terminal it does nothing unless --force is given.",
    .opts = reset_options,
    .size = sizeof(struct reset_opts),
    .interspersed = true,
    .run = reset_run,
};
