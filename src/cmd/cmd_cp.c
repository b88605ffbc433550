/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_cp.c - cp: files into a container and out of it. */
#include "base/fs.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/copy.h"
#include "engine/store.h"

struct cp_opts {
    bool archive, overwrite;
    bool extract, pause; /* accepted, without a meaning */
};

/* Source or destination. */
struct side {
    char *name;       /* container as typed; "": the host */
    const char *path; /* as typed */
    bool std;         /* "-": an archive on standard input or output */
    struct ctr *c;
    struct copy_end end;
    struct copy_place place;
};

#define SIDE_NONE ((struct side){.end = COPY_END_NONE})

static void side_free(struct side *s)
{
    copy_end_close(&s->end);
    copy_place_free(&s->place);
    ctr_free(s->c);
    free(s->name);
}

/* "CONTAINER:PATH" or "PATH"; what begins with a dot or a slash is a path. */
static int side_parse(const char *text, struct side *s)
{
    const char *colon = *text == '.' || *text == '/' ? NULL : strchr(text, ':');

    s->name = strndup(text, colon ? (size_t)(colon - text) : 0);
    s->path = colon ? colon + 1 : text;
    s->std = !*str_or(s->name, "") && str_eq(s->path, "-");
    return s->name ? 0 : -ENOMEM;
}

static int side_find(struct engine *e, struct side *s, struct berth_error *err)
{
    int r;

    if (!*s->name)
        return 0;
    r = ctr_lookup(e, s->name, &s->c, err);
    if (r == -ENOENT) {
        error_clear(err);
        return fail(err, ENOENT, "container \"%s\" does not exist", s->name);
    }
    return r;
}

static int not_found(const struct side *s, struct berth_error *err)
{
    return s->c ? fail(err, ENOENT,
                       "\"%s\" could not be found on container %s: no such file or directory",
                       s->path, s->name)
                : fail(err, ENOENT,
                       "\"%s\" could not be found on the host: no such file or directory",
                       s->path);
}

/* Links at the end of a path in a container count as what they stand for. */
static int side_look(struct side *s, const char *path, struct berth_error *err)
{
    /* podman takes no patterns, and none of what looks like one. */
    if (s->c && strchr(path, '*'))
        return not_found(s, err);
    copy_place_free(&s->place);
    return copy_look(&s->end, path, !s->c, &s->place, err);
}

static int open_source(struct side *s, struct berth_error *err)
{
    int r;

    if (s->std)
        return 0;
    r = copy_end_open(s->c, &s->end, err);
    if (r == 0)
        r = side_look(s, s->path, err);
    return r == 0 && !s->place.exists ? not_found(s, err) : r;
}

/* *name: how a new file is to be called; allocated.  *fresh: there is none yet, and s->place is
 * the directory that it goes into. */
static int open_destination(struct side *s, bool from_stdin, char **name, bool *fresh,
                            struct berth_error *err)
{
    _cleanup_free_ char *above = NULL;
    int r = copy_end_open(s->c, &s->end, err);

    if (r == 0)
        r = side_look(s, s->path, err);
    if (r < 0)
        return r;
    *name = strdup(path_base(s->place.path));
    *fresh = !s->place.exists;
    if (!*name)
        return fail(err, ENOMEM, "out of memory");
    if (!*fresh)
        return 0;
    if (str_ends(s->path, "/"))
        return not_found(s, err);
    if (from_stdin)
        return fail(err, ENOTDIR, "destination must be a directory when copying from stdin");
    above = str_printf("%s/..", s->place.path);
    r = above ? side_look(s, above, err) : fail(err, ENOMEM, "out of memory");
    return r == 0 && !s->place.exists ? not_found(s, err) : r;
}

static int check_destination(const struct side *from, const struct side *to,
                             struct berth_error *err)
{
    bool is_dir = S_ISDIR(to->place.mode);

    if (!to->c && !is_dir && !S_ISREG(to->place.mode))
        return fail(err, EINVAL,
                    "invalid destination: \"%s\" must be a directory or a regular file",
                    to->place.path);
    if (from->std && !is_dir)
        return fail(err, ENOTDIR, "destination must be a directory when copying from stdin");
    if (!from->std && S_ISDIR(from->place.mode) && !is_dir)
        return fail(err, ENOTDIR, "destination must be a directory when copying a directory");
    return 0;
}

/* It would never end. */
static int check_loop(const struct side *from, const struct side *to, const char *dir,
                      struct berth_error *err)
{
    const char *rest;

    if (!from->c || !to->c || !str_eq(from->c->id, to->c->id) || !S_ISDIR(from->place.mode))
        return 0;
    rest = str_starts(dir, from->place.path);
    if (!rest || (*rest && *rest != '/' && !str_eq(from->place.path, "/")))
        return 0;
    return fail(err, EINVAL, "cannot copy directory \"%s\" of container %s into itself",
                from->path, from->name);
}

/* What the source is called in an archive; NULL: only what is in it. */
static const char *own_name(const struct side *from)
{
    return S_ISDIR(from->place.mode) && from->place.contents ? NULL
                                                             : path_base(from->place.path);
}

static int copy(const struct cp_opts *o, struct side *from, struct side *to,
                struct berth_error *err)
{
    _cleanup_free_ char *base = NULL, *dir = NULL;
    struct copy_from source = {.end = &from->end, .path = from->place.path};
    struct copy_to target = {.end = &to->end, .overwrite = o->overwrite};
    bool fresh;
    int r = open_destination(to, from->std, &base, &fresh, err);

    if (r == 0)
        r = check_destination(from, to, err);
    if (r < 0)
        return r;
    dir = S_ISDIR(to->place.mode)
              ? strdup(to->place.path)
              : strndup(to->place.path, (size_t)(path_base(to->place.path) - to->place.path));
    if (!dir)
        return fail(err, ENOMEM, "out of memory");
    target.dir = dir;
    target.chown = to->c ? o->archive : true;
    if (from->std) {
        r = copy_in(STDIN_FILENO, &target, err);
        if (r == -EUCLEAN) {
            error_clear(err);
            r = fail(err, EINVAL,
                     "source must be a (compressed) tar archive when copying from stdin");
        }
        return r;
    }
    r = check_loop(from, to, dir, err);
    if (r < 0)
        return r;
    source.name = fresh || (!S_ISDIR(from->place.mode) && !S_ISDIR(to->place.mode))
                      ? base
                      : own_name(from);
    return copy_across(&source, &target, err);
}

static int cp_run(struct cli *cli, void *opts, int argc _unused_, char **argv,
                  struct berth_error *err)
{
    const struct cp_opts *o = opts;
    _cleanup_(side_free) struct side from = SIDE_NONE, to = SIDE_NONE;
    struct engine *e;
    int r;

    if (side_parse(argv[0], &from) < 0 || side_parse(argv[1], &to) < 0)
        return fail(err, ENOMEM, "out of memory");
    if (!*from.path || !*to.path)
        return fail(err, EINVAL, "invalid arguments \"%s\", \"%s\": you must specify paths",
                    argv[0], argv[1]);
    if (!*from.name && !*to.name)
        return fail(err, EINVAL, "name or ID cannot be empty");
    r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = side_find(e, &from, err);
    if (r == 0)
        r = side_find(e, &to, err);
    if (r == 0)
        r = open_source(&from, err);
    if (r < 0)
        return r;
    if (to.std) {
        const struct copy_from source = {
            .end = &from.end, .path = from.place.path, .name = own_name(&from)};

        return copy_out(&source, STDOUT_FILENO, err);
    }
    return copy(o, &from, &to, err);
}

#define AT(member) offsetof(struct cp_opts, member)
static const struct opt cp_options[] = {
    {"archive", 'a', OPT_BOOL, AT(archive), "", "true",
     "Give copied files to the user that the container runs as"},
    {"extract", 0, OPT_BOOL, AT(extract), "", "", "Without a meaning", .hidden = true},
    {"overwrite", 0, OPT_BOOL, AT(overwrite), "", "",
     "Let files take the place of directories, and the reverse"},
    {"pause", 0, OPT_BOOL, AT(pause), "", "true", "Without a meaning", .hidden = true},
    {""}};
#undef AT

const struct cmd cmd_cp = {
    .name = "cp",
    .args = "[options] [CONTAINER:]SRC_PATH [CONTAINER:]DEST_PATH",
    .summary = "Copy files between a container and the host",
    .text = "Copy a file, or a directory with all that is in it, from a container to the host, "
            "from the host into a container, or between two containers, whether they run or "
            "not. A directory whose path ends with \"/.\" means what is in it. \"-\" is a tar "
            "archive on standard input or output.",
    .opts = cp_options,
    .size = sizeof(struct cp_opts),
    .interspersed = true,
    .min_args = 2,
    .max_args = 2,
    .run = cp_run,
};
