/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_system_check.c - system check. */
#include "cmd/cmd.h"
#include "engine/system_check.h"

struct check_opts {
    bool repair;
};

static int check_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                     struct berth_error *err)
{
    const struct check_opts *o = opts;
    _cleanup_list_ struct berth_list report = LIST_INIT, deeds = LIST_INIT;
    struct engine *e;
    int64_t n = cli_engine(cli, 0, &e, err);

    if (n == 0)
        n = system_check(e, o->repair, &report, &deeds, err);
    for (size_t i = 0; i < report.n; i++)
        puts(report.items[i]);
    for (size_t i = 0; i < deeds.n; i++)
        puts(deeds.items[i]);
    if (n < 0)
        return (int)n;
    return n > 0 ? 1 : 0;
}

static const struct opt check_options[] = {
    {"repair", 0, OPT_BOOL, offsetof(struct check_opts, repair), "", "",
     "Mend what can be mended without loss, and say what was done"},
    {""}};

const struct cmd cmd_system_check = {
    .name = "system check",
    .args = "[options]",
    .summary = "Look for damage in everything that belongs to containers",
    .text =
        "Check the state store, the lock numbers, and look for what containers that are "
        "gone left: storage records, mounts, network namespaces, exit files.  Print one "
        "line per finding; the exit status is 1 if there are any.  What other programs made "
        "is left alone.",
    .opts = check_options,
    .size = sizeof(struct check_opts),
    .interspersed = true,
    .run = check_run,
};
