/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - create and run. */
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/attached.h"
#include "cmd/cmd.h"
#include "cmd/flags_ctr.h"
#include "engine/store.h"
#include "engine/stream.h"
#include <fcntl.h>

/* --cidfile: must be new, so that no two containers end up in one file. */
static int open_cidfile(const char *path, int *fd, struct berth_error *err)
{
    *fd = -1;
    if (str_empty(path))
        return 0;
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (*fd < 0 && errno == EEXIST)
        return fail(err, EEXIST,
                    "container id file exists. Ensure another container is not using it or "
                    "delete %s",
                    path);
    return *fd < 0 ? fail_errno(err, errno, "opening cidfile %s", path) : 0;
}

/* --replace: the container of that name goes first. */
static int replace(struct engine *e, const struct ctr_options *o, struct berth_error *err)
{
    _cleanup_ctr_ struct ctr *old = NULL;
    int r;

    if (!o->replace)
        return 0;
    if (str_empty(o->name))
        return fail(err, EINVAL, "cannot replace container without --name being set");
    r = ctr_lookup(e, o->name, &old, err);
    if (r == 0)
        r = ctr_remove(old, CTR_REMOVE_FORCE, UINT32_MAX, err);
    if (r == -ENOENT) {
        error_clear(err);
        r = 0;
    }
    return r;
}

/* Create, and start it if `run`; attach_fd as in ctr_run().  *out: it was created, whether or
 * not it could be started. */
static int create(struct cli *cli, struct ctr_options *o, int argc, char **argv, bool run,
                  int *attach_fd, struct ctr **out, struct berth_error *err)
{
    _cleanup_close_ int cidfile = -1;
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err), written = 0;

    o->args = argv;
    o->n_args = argc;
    o->command_line = cli_argv(cli);
    if (r == 0)
        r = replace(e, o, err);
    if (r == 0)
        r = open_cidfile(o->cidfile, &cidfile, err);
    if (r < 0)
        return r;
    r = run ? ctr_run(e, o, attach_fd, out, err) : ctr_create(e, o, out, err);
    if (cidfile >= 0 && *out)
        written = fs_write_fd(cidfile, (*out)->id, strlen((*out)->id));
    else if (cidfile >= 0)
        unlink(o->cidfile);
    return r == 0 && written < 0 ? fail_errno(err, -written, "writing cidfile %s", o->cidfile)
                                 : r;
}

static int create_run(struct cli *cli, void *opts, int argc, char **argv,
                      struct berth_error *err)
{
    _cleanup_ctr_ struct ctr *c = NULL;
    int r = create(cli, opts, argc, argv, false, NULL, &c, err);

    if (r == 0)
        puts(c->id);
    return r;
}

const struct cmd cmd_create = {
    .name = "create",
    .args = "[options] --rootfs ROOT [COMMAND [ARG...]]",
    .summary = "Create a container without starting it",
    .text = "Create a container from a root directory and a command, and print its ID. "
            "`berth start` starts it.",
    .opts = create_opts,
    .size = sizeof(struct ctr_options),
    .min_args = 1,
    .max_args = -1,
    .run = create_run,
};

/* Which streams the user wants: --attach, else all of them. */
static int choose_streams(const struct ctr_options *o, struct attached *how,
                          struct berth_error *err)
{
    *how = (struct attached){.sig_proxy = o->sig_proxy, .detach_keys = o->detach_keys};
    if (o->attach.n == 0) {
        how->input = o->interactive;
        how->output = how->errors = true;
    }
    for (size_t i = 0; i < o->attach.n; i++) {
        const char *name = o->attach.items[i];

        if (strcasecmp(name, "stdin") == 0)
            how->input = true;
        else if (strcasecmp(name, "stdout") == 0)
            how->output = true;
        else if (strcasecmp(name, "stderr") == 0)
            how->errors = true;
        else
            return fail(err, EINVAL,
                        "invalid stream \"%s\" for --attach - must be one of stdin, stdout, "
                        "or stderr: invalid argument",
                        name);
    }
    return 0;
}

/* It could not be started: podman's exit status, which goes by the words; with --rm nothing of
 * it stays. */
static int give_up(struct ctr *c, bool remove, int r, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    const char *text = error_text(err);

    err->exit_status =
        strcasestr(text, "not found") || strcasestr(text, "no such file") ? 127 : 126;
    if (remove && ctr_remove(c, CTR_REMOVE_FORCE | CTR_REMOVE_VOLUMES, 0, &why) < 0 &&
        why.code != ENOENT)
        log_error("removing container %s: %s", c->id, error_text(&why));
    return r;
}

static int run_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    struct ctr_options *o = opts;
    _cleanup_ctr_ struct ctr *c = NULL;
    _cleanup_close_ int fd = -1;
    struct attached how;
    struct engine *e;
    int r = choose_streams(o, &how, err), status = 0;

    if (r == 0)
        r = check_preserved(o->preserve_fds, err);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r == 0 && !o->detach)
        r = attached_check(e, &how, o->tty, err);
    if (r == 0)
        r = create(cli, o, argc, argv, true, o->detach ? NULL : &fd, &c, err);
    if (r < 0)
        return c ? give_up(c, o->rm, r, err) : r;
    if (o->detach) {
        puts(c->id);
        return 0;
    }
    r = attached_copy(c, fd, &how, err);
    if (r == STREAM_DETACHED)
        return 0;
    if (r == 0)
        r = attached_finish(c, o->rm, &status, err);
    return r < 0 ? r : status;
}

const struct cmd cmd_run = {
    .name = "run",
    .args = "[options] --rootfs ROOT [COMMAND [ARG...]]",
    .summary = "Create a container and run a command in it",
    .text = "Create a container from a root directory, start its command, and wait for it with "
            "its streams copied to ours; with --detach, print its ID and return. The exit "
            "status is the command's.",
    .opts = run_opts,
    .size = sizeof(struct ctr_options),
    .min_args = 1,
    .max_args = -1,
    .run = run_run,
};
