/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_rm.c - rm and cleanup: what comes at the end of a container. */
#include "base/str.h"
#include "cmd/each.h"
#include "engine/exec.h"
#include "engine/intent.h"
#include "engine/store.h"

/* ----------------------------------------------------------------------- rm */

struct rm_opts {
    bool all, latest, ignore, force, volumes, depend;
    struct berth_list cidfile, filter;
    uint64_t time;
};

struct rm_arg {
    unsigned flags;
    uint32_t timeout;
    bool depend;
};

static int rm_one(struct ctr *c, const char *name, void *arg, struct berth_error *err);

/* Remove what depends on c, and what depends on that, before c. */
static int rm_dependents(struct ctr *c, struct rm_arg *a, struct berth_error *err)
{
    _cleanup_list_ struct berth_list users = LIST_INIT;
    int r = store_dependents(c, &users, err);

    for (size_t i = 0; r == 0 && i < users.n; i++) {
        _cleanup_ctr_ struct ctr *user = NULL;

        r = ctr_load(c->e, users.items[i], &user, err);
        if (r == 0)
            r = rm_one(user, users.items[i], a, err);
        if (r == -ENOENT)
            error_clear(err);
        if (r > 0 || r == -ENOENT)
            r = 0;
    }
    return r;
}

static int rm_one(struct ctr *c, const char *name _unused_, void *arg, struct berth_error *err)
{
    struct rm_arg *a = arg;
    int r = a->depend ? rm_dependents(c, a, err) : 0;

    if (r == 0)
        r = ctr_remove(c, a->flags, a->timeout, err);
    if (r == 0 && a->depend) {
        puts(c->id); /* whatever name it was called by, like those that went with it */
        return 1;
    }
    return r;
}

static int rm_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    struct rm_opts *o = opts;
    struct each_select which = {.names = argv,
                                .n_names = argc,
                                .all = o->all,
                                .latest = o->latest,
                                .cidfiles = &o->cidfile,
                                .filters = &o->filter,
                                .ignore = o->ignore || o->force};
    struct rm_arg arg = {.flags = (o->force ? CTR_REMOVE_FORCE : 0) |
                                  (o->volumes ? CTR_REMOVE_VOLUMES : 0),
                         .timeout = UINT32_MAX,
                         .depend = o->depend || o->all};
    struct engine *e;
    int r;

    if (cli_given(cli, "time")) {
        if (!o->force)
            return fail(err, EINVAL,
                        "--force option must be specified to use the --time "
                        "option");
        arg.timeout = (uint32_t)MIN(o->time, UINT32_MAX - 1);
    }
    r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = each_ctr(e, &which, rm_one, &arg, err);
    if (r == -ENOENT && err && err->exit_status == 0)
        err->exit_status = 1; /* podman's: nothing but missing containers */
    return r;
}

#define AT(member) offsetof(struct rm_opts, member)
static const struct opt rm_options[] = {
    {"all", 'a', OPT_BOOL, AT(all), "", "", "Remove every container"},
    {"cidfile", 0, OPT_LIST, AT(cidfile), "file", "", "Read the ID from this file"},
    {"depend", 0, OPT_BOOL, AT(depend), "", "", "Remove the containers that depend on it too"},
    {"filter", 0, OPT_CSV, AT(filter), "condition", "",
     "Remove the containers that fit a condition, as for ps"},
    {"force", 'f', OPT_BOOL, AT(force), "", "", "Remove running and paused ones too"},
    {"ignore", 'i', OPT_BOOL, AT(ignore), "", "", "A container that is missing is no error"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Take the container that was created last"},
    {"time", 't', OPT_UINT, AT(time), "seconds", "10",
     "How long to wait before a running one is killed"},
    {"volumes", 'v', OPT_BOOL, AT(volumes), "", "", "Remove its anonymous volumes too"},
    {""}};
#undef AT

const struct cmd cmd_rm = {
    .name = "rm",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Remove one or more containers",
    .opts = rm_options,
    .size = sizeof(struct rm_opts),
    .interspersed = true,
    .max_args = -1,
    .run = rm_run,
};

/* ------------------------------------------------------------------ cleanup */

struct cleanup_opts {
    bool all, latest, remove;
    char *exec;
};

static int cleanup_one(struct ctr *c, const char *name _unused_, void *arg,
                       struct berth_error *err)
{
    const struct cleanup_opts *o = arg;
    int r;

    if (!str_empty(o->exec))
        return exec_cleanup(c, o->exec, o->remove, err);
    if (o->remove) {
        r = ctr_lock(c, err);
        if (r < 0)
            return r;
        ctr_unlock(c);
    }
    /* A container with a restart policy is started again instead of removed. */
    if (!o->remove || json_flag(c->state, "restartPolicyMatch", false)) {
        r = ctr_cleanup(c, err);
        return r < 0 ? error_wrap(err, "failed to clean up container %s", c->id) : 0;
    }
    r = ctr_remove(c, CTR_REMOVE_VOLUMES, UINT32_MAX, err);
    if (r < 0 && r != -ENOENT) {
        error_wrap(err, "failed to clean up and remove container %s", c->id);
        err->exit_status = 0;
    }
    return r;
}

static int cleanup_run(struct cli *cli, void *opts, int argc, char **argv,
                       struct berth_error *err)
{
    struct cleanup_opts *o = opts;
    struct each_select which = {.names = argv,
                                .n_names = argc,
                                .all = o->all,
                                .latest = o->latest,
                                .ignore = o->remove || o->exec};
    struct conf *conf;
    struct engine *e;
    int r;

    if (o->exec && (o->all || o->latest || argc != 1))
        return fail(err, EINVAL,
                    "exec option needs exactly one container and neither --all nor --latest");
    r = cli_conf(cli, &conf, err);
    if (r < 0)
        return r;
    /* Whoever has waited for the container's end removes it at this moment, most likely. */
    if (o->remove && argc == 1 && intent_saw_removal(conf, argv[0]))
        return 0;
    /* A monitor's call may come after the whole store was removed. */
    r = cli_engine(cli, argc ? ENGINE_EXISTING : 0, &e, err);
    if (r == -ENOENT && argc && which.ignore) {
        error_clear(err);
        return 0;
    }
    return r < 0 ? r : each_ctr(e, &which, cleanup_one, o, err);
}

#define AT(member) offsetof(struct cleanup_opts, member)
static const struct opt cleanup_options[] = {
    {"all", 'a', OPT_BOOL, AT(all), "", "", "Clean up every container"},
    {"exec", 0, OPT_STRING, AT(exec), "session", "",
     "Clean up this exec session instead of the container"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Take the container that was created last"},
    {"rm", 0, OPT_BOOL, AT(remove), "", "", "Remove the container afterwards"},
    {""}};
#undef AT

const struct cmd cmd_cleanup = {
    .name = "container cleanup",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Undo what one or more ended containers have left mounted",
    .text = "Unmount the file system and take down the network of containers that have ended. "
            "The monitor of each container calls this; users hardly ever need to.",
    .opts = cleanup_options,
    .size = sizeof(struct cleanup_opts),
    .interspersed = true,
    .max_args = -1,
    .run = cleanup_run,
};
