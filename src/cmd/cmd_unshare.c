/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_unshare.c - a command in the namespaces of an unprivileged user's containers. */
#include "base/proc.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/net_shared.h"
#include <unistd.h>

/* Become the program; returns if that cannot be. */
static int become(char **argv, struct berth_error *err)
{
    _cleanup_free_ char *found = strchr(argv[0], '/') ? NULL : proc_find(argv[0]);
    int r;

    if (!found && !strchr(argv[0], '/')) {
        r = fail(err, ENOENT, "exec: \"%s\": executable file not found in $PATH", argv[0]);
        err->exit_status = EXIT_NOT_FOUND;
        return r;
    }
    fflush(NULL);
    execv(found ? found : argv[0], argv);
    r = errno;
    fail_errno(err, r, "cannot run %s", argv[0]);
    err->exit_status = r == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT;
    return -r;
}

struct unshare_opts {
    bool netns;
};

static const struct opt unshare_options[] = {
    {"rootless-netns", 0, OPT_BOOL, offsetof(struct unshare_opts, netns), "", "",
     "In the network namespace that holds the bridges of all containers, too"},
    {""}};

static int unshare_run(struct cli *cli, void *opts, int argc, char **argv,
                       struct berth_error *err)
{
    const struct unshare_opts *o = opts;
    char *shell[] = {getenv("SHELL"), NULL};
    struct conf *conf;
    int r = cli_conf(cli, &conf, err);

    if (r < 0)
        return r;
    if (!conf->rootless)
        return fail(err, EPERM, "please use unshare with rootless");
    if (argc == 0 && str_empty(shell[0]))
        return fail(err, EINVAL, "no command specified and no $SHELL specified");
    if (argc == 0)
        argv = shell;
    r = cli_inside(cli, &conf, err);
    if (r == 0 && o->netns)
        r = net_shared_enter(conf, err);
    if (r < 0)
        return r;
    /* As podman, for scripts. */
    setenv("CONTAINERS_GRAPHROOT", str_or(conf->graph_root, ""), 1);
    setenv("CONTAINERS_RUNROOT", str_or(conf->run_root, ""), 1);
    return become(argv, err);
}

const struct cmd cmd_unshare = {
    .name = "unshare",
    .args = "[options] [COMMAND [ARG...]]",
    .summary = "Run a command in the user namespace of rootless containers",
    .text = "Run a command, or $SHELL, where containers of an unprivileged user have their IDs "
            "and their mounts: as root there, so that files of other users of containers can "
            "be looked at, changed and removed.",
    .opts = unshare_options,
    .size = sizeof(struct unshare_opts),
    .min_args = 0,
    .max_args = -1,
    .run = unshare_run,
};
