/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_exec.c - exec. */
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/attached.h"
#include "cmd/each.h"
#include "engine/exec.h"
#include "engine/store.h"
#include "engine/stream.h"
#include <signal.h>

struct exec_opts {
    bool detach, interactive, latest, privileged, tty;
    struct berth_list env, env_file;
    char *user, *workdir, *detach_keys;
    uint64_t preserve_fds;
};

/* NAME=value as it is; a bare NAME takes our own value, if it has one. */
static void add_env(struct berth_list *out, const char *word)
{
    const char *value;

    if (strchr(word, '='))
        list_add(out, word);
    else if ((value = getenv(word)))
        list_addf(out, "%s=%s", word, value);
}

static int read_env_files(const struct exec_opts *o, struct berth_list *out,
                          struct berth_error *err)
{
    for (size_t i = 0; i < o->env_file.n; i++) {
        _cleanup_buf_ struct berth_buf text = BUF_INIT;
        _cleanup_list_ struct berth_list lines = LIST_INIT;
        int r = fs_read(o->env_file.items[i], 1 << 20, &text, err);

        if (r < 0)
            return r;
        list_split(&lines, buf_str(&text), '\n', false);
        for (size_t k = 0; k < lines.n; k++) {
            const char *line = lines.items[k] + strspn(lines.items[k], " \t");

            if (*line && *line != '#')
                add_env(out, line);
        }
    }
    return 0;
}

static int session_options(const struct exec_opts *o, int argc, char **argv,
                           struct exec_options *out, struct berth_error *err)
{
    int r;

    *out = (struct exec_options){.user = o->user,
                                 .cwd = o->workdir,
                                 .detach_keys = o->detach_keys,
                                 .terminal = o->tty,
                                 .interactive = o->interactive,
                                 .privileged = o->privileged,
                                 .detach = o->detach,
                                 .preserve_fds = o->preserve_fds};
    for (int i = 0; i < argc; i++)
        list_add(&out->command, argv[i]);
    if (o->tty && getenv("TERM"))
        list_addf(&out->env, "TERM=%s", getenv("TERM"));
    r = read_env_files(o, &out->env, err);
    for (size_t i = 0; i < o->env.n; i++)
        add_env(&out->env, o->env.items[i]);
    return r;
}

struct session {
    struct ctr *c;
    const char *id;
};

static void resize_session(void *arg, struct berth_tty_size size)
{
    struct session *s = arg;
    _cleanup_view_ struct ctr_view view = {0};
    struct oci *oci;

    if (engine_oci(s->c->e, ctr_runtime(s->c), &oci, NULL) == 0 &&
        ctr_view_make(s->c, &view, NULL) == 0)
        oci_resize(oci, &view.c, s->id, size, NULL);
}

static int run_attached(struct ctr *c, const char *session, const struct exec_options *o,
                        struct berth_error *err)
{
    struct session s = {c, session};
    struct stream_io io = {
        .input = o->interactive,
        .output = true,
        .errors = true,
        .terminal = o->terminal,
        .detach_keys = o->detach_keys ? o->detach_keys : c->e->conf->detach_keys,
        .on_resize = o->terminal ? resize_session : NULL,
        .arg = &s,
    };
    _cleanup_close_ int fd = -1;
    int32_t code = -1;
    int r = exec_start(c, session, o, &fd, err);

    if (r < 0) {
        exec_cleanup(c, session, true, NULL);
        return r;
    }
    io.fd = fd;
    r = stream_copy(&io, err);
    if (r == STREAM_DETACHED)
        return 0;
    if (r == 0)
        r = exec_finish(c, session, true, &code, err);
    return r < 0 ? r : code & 0xff;
}

static int exec_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    struct exec_opts *o = opts;
    struct exec_options what = {0};
    _cleanup_ctr_ struct ctr *c = NULL;
    char session[ID_LEN + 1];
    int skip = o->latest ? 0 : 1, r;
    struct engine *e;

    if (argc < skip + 1)
        return fail(err, EINVAL,
                    skip && argc == 0 ? "exec requires the name or ID of a container or the "
                                        "--latest flag"
                                      : "you must provide a command to exec");
    r = check_preserved(o->preserve_fds, err);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = o->latest ? ctr_latest(e, &c, err) : ctr_lookup(e, argv[0], &c, err);
    if (r == 0)
        r = session_options(o, argc - skip, argv + skip, &what, err);
    if (r == 0 && o->tty && !o->detach)
        r = attached_check(
            e, &(struct attached){.input = o->interactive, .detach_keys = o->detach_keys}, true,
            err);
    if (r == 0)
        r = exec_create(c, &what, session, err);
    if (r == 0 && !o->detach)
        r = run_attached(c, session, &what, err);
    else if (r == 0) {
        r = exec_start(c, session, &what, NULL, err);
        if (r == 0)
            puts(session);
    }
    /* podman's status for a session that could not be run: a detached one's tells no more */
    if (r < 0 && c && o->detach)
        err->exit_status = 0;
    else if (r < 0 && c && err->exit_status == 0)
        err->exit_status = 255;
    list_free(&what.command);
    list_free(&what.env);
    return r;
}

#define AT(member) offsetof(struct exec_opts, member)
static const struct opt exec_options[] = {
    {"detach", 'd', OPT_BOOL, AT(detach), "", "", "Print the session's ID and return"},
    {"detach-keys", 0, OPT_STRING, AT(detach_keys), "keys", "",
     "Keys that leave a session with a terminal running"},
    {"env", 'e', OPT_LIST, AT(env), "name=value", "", "Set a variable of its environment"},
    {"env-file", 0, OPT_LIST, AT(env_file), "file", "", "Set variables from a file"},
    {"interactive", 'i', OPT_BOOL, AT(interactive), "", "", "Copy our standard input to it"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Take the container that was created last"},
    {"preserve-fds", 0, OPT_UINT, AT(preserve_fds), "", "",
     "Pass a number of additional file descriptors into the container"},
    {"privileged", 0, OPT_BOOL, AT(privileged), "", "", "Give it all capabilities"},
    {"tty", 't', OPT_BOOL, AT(tty), "", "", "Give it a terminal"},
    {"user", 'u', OPT_STRING, AT(user), "user[:group]", "",
     "Run it as this user of the container"},
    {"workdir", 'w', OPT_STRING, AT(workdir), "dir", "", "Run it in this directory"},
    {""}};
#undef AT

const struct cmd cmd_exec = {
    .name = "exec",
    .args = "[options] CONTAINER COMMAND [ARG...]",
    .summary = "Run a command in a running container",
    .opts = exec_options,
    .size = sizeof(struct exec_opts),
    .max_args = -1,
    .run = exec_run,
};
