/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_attach.c - attach. */
#include "base/str.h"
#include "cmd/attached.h"
#include "cmd/each.h"
#include "engine/store.h"
#include "engine/stream.h"

struct attach_opts {
    bool latest, no_stdin, sig_proxy;
    char *detach_keys;
};

/* podman's status for an attach that came to its end is 0, however the container ended. */
static int copy_streams(struct ctr *c, const struct attached *how, struct berth_error *err)
{
    _cleanup_close_ int fd = -1;
    int r = attached_check(c->e, how, attached_terminal(c), err);

    if (r == 0)
        r = ctr_attach(c, &fd, err);
    if (r == 0)
        r = attached_copy(c, fd, how, err);
    if (r < 0)
        return error_wrap(err, "attaching to container %s", c->id);
    putchar('\n');
    return 0;
}

static int attach_run(struct cli *cli, void *opts, int argc, char **argv,
                      struct berth_error *err)
{
    const struct attach_opts *o = opts;
    const struct attached how = {.input = !o->no_stdin,
                                 .output = true,
                                 .errors = true,
                                 .sig_proxy = o->sig_proxy,
                                 .detach_keys = o->detach_keys};
    _cleanup_ctr_ struct ctr *c = NULL;
    struct engine *e;
    int r;

    if (argc > 1 || (argc && o->latest))
        return fail(err, EINVAL, "`berth attach` accepts at most one argument");
    if (argc == 0 && !o->latest)
        return fail(err, EINVAL,
                    "\"berth attach\" requires a name, id, or the \"--latest\" flag");
    r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = o->latest ? ctr_latest(e, &c, err) : ctr_lookup(e, argv[0], &c, err);
    if (r == 0) {
        r = ctr_lock(c, err);
        ctr_unlock(c);
    }
    if (r < 0)
        return r;
    if (ctr_status(c) != CTR_RUNNING)
        return fail(err, EINVAL, "you can only attach to running containers");
    return copy_streams(c, &how, err);
}

#define AT(member) offsetof(struct attach_opts, member)
static const struct opt attach_options[] = {
    {"detach-keys", 0, OPT_STRING, AT(detach_keys), "keys", "",
     "Override the key sequence for detaching a container"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Take the container that was created last"},
    {"no-stdin", 0, OPT_BOOL, AT(no_stdin), "", "", "Do not copy our standard input to it"},
    {"sig-proxy", 0, OPT_BOOL, AT(sig_proxy), "", "true", "Forward signals to the container"},
    {""}};
#undef AT

const struct cmd cmd_attach = {
    .name = "attach",
    .args = "[options] CONTAINER",
    .summary = "Attach to a running container",
    .text = "Copy the input, output and errors of a running container from and to ours, until "
            "it ends or the detach keys are typed.",
    .opts = attach_options,
    .size = sizeof(struct attach_opts),
    .interspersed = true,
    .max_args = -1,
    .run = attach_run,
};
