/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_network_check.c - network check. */
#include "cmd/cmd.h"
#include "engine/network_check.h"

struct check_opts {
    bool repair;
};

static int check_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                     struct berth_error *err)
{
    const struct check_opts *o = opts;
    _cleanup_list_ struct berth_list report = LIST_INIT;
    struct engine *e;
    int64_t n = cli_engine(cli, 0, &e, err);

    if (n == 0)
        n = network_check(e, o->repair, &report, err);
    for (size_t i = 0; i < report.n; i++)
        printf("%s%s\n", report.items[i], o->repair ? ": removed" : "");
    if (n < 0)
        return (int)n;
    return n > 0 ? 1 : 0;
}

static const struct opt check_options[] = {{"repair", 0, OPT_BOOL,
                                            offsetof(struct check_opts, repair), "", "",
                                            "Remove what was found"},
                                           {""}};

const struct cmd cmd_network_check = {
    .name = "network check",
    .args = "[options]",
    .summary = "Look for what containers left of their networks",
    .text = "Look for addresses, rules of the firewall, entries for names, bridges and network "
            "namespaces that no container has.  Print one line per finding; the exit status is "
            "1 if there are any.  What containers of other stores have is left alone.",
    .opts = check_options,
    .size = sizeof(struct check_opts),
    .interspersed = true,
    .run = check_run,
};
