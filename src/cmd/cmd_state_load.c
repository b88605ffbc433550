/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_state_load.c - state load: a dump back into a store. */
#include "base/fs.h"
#include "base/str.h"
#include "cmd/cmd_state.h"
#include "engine/load_dump.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct load_opts {
    char *into;
    bool check;
};

static const struct opt load_options[] = {
    {"check", 0, OPT_BOOL, offsetof(struct load_opts, check), "", "",
     "Only check the dump, and load it nowhere"},
    {"into", 0, OPT_STRING, offsetof(struct load_opts, into), "type:path", "",
     "Load into this store, which is made if there is none, instead of the configured one"},
    {""},
};

/* ------------------------------------------------------------------- input */

/* The whole text, mapped.  What is no file is put into one first. */
struct input {
    void *map;
    size_t len;
};

static int spool(int fd, int *out, struct berth_error *err)
{
    _cleanup_free_ char *block = malloc(1 << 16);
    const char *dir = str_or(getenv("TMPDIR"), "/var/tmp");
    int temp = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    ssize_t n = 0;

    if (temp < 0)
        return fail_errno(err, errno, "making a temporary file in %s", dir);
    while (block && (n = read(fd, block, 1 << 16)) != 0) {
        int r = n < 0 ? -errno : fs_write_fd(temp, block, (size_t)n);

        if (r == -EINTR && !copy_cancelled(err))
            continue;
        if (r < 0) {
            close(temp);
            return r == -EINTR ? -ECANCELED : fail_errno(err, -r, "reading the dump");
        }
    }
    *out = temp;
    return block ? 0 : fail(err, ENOMEM, "out of memory");
}

static int input_open(const char *file, struct input *in, struct berth_error *err)
{
    bool is_stdin = str_empty(file) || str_eq(file, "-");
    _cleanup_close_ int fd = -1, copy = -1;
    struct stat st;
    int r = 0;

    fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return fail_errno(err, errno, "opening %s", is_stdin ? "standard input" : file);
    if (S_ISDIR(st.st_mode))
        return fail(err, EISDIR, "%s is a directory", file);
    /* A file that is cut while it is mapped would end this process: copy it. */
    r = spool(fd, &copy, err);
    if (r == 0 && fstat(copy, &st) < 0)
        r = fail_errno(err, errno, "reading the dump");
    if (r < 0 || st.st_size == 0)
        return r;
    in->len = (size_t)st.st_size;
    in->map = mmap(NULL, in->len, PROT_READ, MAP_PRIVATE, copy, 0);
    return in->map == MAP_FAILED ? (in->map = NULL, fail_errno(err, errno, "reading the dump"))
                                 : 0;
}

static void input_close(struct input *in)
{
    if (in->map)
        munmap(in->map, in->len);
}

/* -------------------------------------------------------------------- store */

/* The store TYPE:PATH, made when it is not there.  *made: it was not. */
static int open_named(struct conf *conf, const char *name, struct state **out, bool *made,
                      struct berth_error *err)
{
    _cleanup_free_ char *type = NULL, *path = NULL;
    struct conf_override override = {"path", NULL};
    struct berth_place place;
    const char *colon = strchr(name, ':');

    if (!colon || colon == name || !colon[1])
        return fail(err, EINVAL,
                    "\"%s\" does not name a store: TYPE:PATH is needed, as in "
                    "sqlite:/srv/db.sql",
                    name);
    type = strndup(name, (size_t)(colon - name));
    path = path_absolute(colon + 1);
    if (!type || !path)
        return fail(err, ENOMEM, "out of memory");
    override.value = path;
    conf_place(conf, &place);
    *made = !fs_exists(path);
    return state_open(conf, type, &place, &override, 1, BERTH_STATE_CREATE, out, err);
}

/* A store that was made for a load that failed is nothing to keep. */
static void unmake(struct state *s)
{
    _cleanup_list_ struct berth_list files = LIST_INIT;

    if (state_files(s, &files, NULL) == 0)
        for (size_t i = 0; i < files.n; i++)
            unlink(files.items[i]);
}

static int load_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    _cleanup_(input_close) struct input in = {0};
    struct load_opts *o = opts;
    struct load l = {.progress = state_progress};
    struct berth_blob text;
    struct state *own = NULL;
    struct engine *e;
    struct conf *conf;
    bool made = false;
    int r;

    state_catch_signals();
    r = input_open(argc ? argv[0] : NULL, &in, err);
    text = (struct berth_blob){in.map ? in.map : "", in.len};
    if (r == 0 && o->check) {
        r = load_dump_check(text, &l, err);
    } else if (r == 0 && !str_empty(o->into)) {
        r = cli_inside(cli, &conf, err);
        if (r == 0)
            r = open_named(conf, o->into, &own, &made, err);
        if (r == 0)
            r = load_dump(own, text, false, &l, err);
        if (r < 0 && own && made)
            unmake(own);
        state_close(own);
    } else if (r == 0) {
        r = cli_engine(cli, ENGINE_NO_BOOT, &e, err);
        if (r == 0)
            r = load_dump(e->state, text, true, &l, err);
    }
    state_progress_end();
    if (r == 0)
        printf("%zu containers, %zu pods, %zu volumes, %zu links, %zu exit codes\n",
               l.containers, l.pods, l.volumes, l.links, l.exits);
    return r;
}

const struct cmd cmd_state_load = {
    .name = "state load",
    .args = "[options] [FILE]",
    .summary = "Fill an empty state store from a dump",
    .text = "Fill an empty state store from the JSON Lines that `berth state dump` wrote, read "
            "from FILE or standard input. Everything is checked first and written in one "
            "transaction: a bad line is named and leaves the store as it was.",
    .opts = load_options,
    .size = sizeof(struct load_opts),
    .interspersed = true,
    .max_args = 1,
    .run = load_run,
};
