/* SPDX-License-Identifier: Apache-2.0 */
/* copy.c - see copy.h. */
#include "engine/copy.h"
#include "base/archive.h"
#include "base/fs.h"
#include "base/str.h"
#include "engine/rootfs.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#define MAX_LINKS 255

/* -------------------------------------------------------------------- ends */

int copy_end_open(struct ctr *c, struct copy_end *out, struct berth_error *err)
{
    int r;

    *out = COPY_END_NONE;
    out->c = c;
    if (!c) {
        out->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return out->root < 0 ? fail_errno(err, errno, "open /") : 0;
    }
    r = ctr_files_open(c, &out->files, err);
    if (r == 0)
        out->root = out->files.root;
    return r;
}

void copy_end_close(struct copy_end *end)
{
    if (end->c)
        ctr_files_close(&end->files);
    else
        attr_closep(&end->root);
    end->root = -1;
}

/* Who is to own files that come to this end. */
static int owner_of(const struct copy_end *end, uid_t *uid, gid_t *gid, struct berth_error *err)
{
    if (end->c)
        return ctr_files_owner(end->c, end->root, uid, gid, err);
    *uid = geteuid();
    *gid = getegid();
    return 0;
}

/* ------------------------------------------------------------------- places */

void copy_place_free(struct copy_place *p)
{
    free(p->path);
}

static int read_link(int fd, struct berth_buf *out)
{
    char text[4097];
    ssize_t n = readlinkat(fd, "", text, sizeof(text));

    if (n < 0)
        return -errno;
    return n == sizeof(text) ? -ENAMETOOLONG : buf_put(out, text, (size_t)n);
}

/* One name more behind `path`: *link is filled if that is a link.  1: it is there. */
static int step(int root, const char *path, struct berth_buf *link)
{
    _cleanup_close_ int fd = archive_open(root, path, O_PATH | O_NOFOLLOW);
    struct stat st;
    int r;

    if (fd < 0)
        return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISLNK(st.st_mode))
        return 1;
    r = read_link(fd, link);
    return r < 0 ? r : 1;
}

/* A path and one name more, with what "." and ".." mean behind a path without links. */
static char *next_path(const char *path, const char *word)
{
    const char *slash = strrchr(path, '/');

    if (str_eq(word, "."))
        return strdup(path);
    if (str_eq(word, ".."))
        return slash ? strndup(path, (size_t)(slash - path)) : strdup("");
    return str_printf("%s/%s", path, word);
}

/* The path without links, as text: names are taken from the front of `rest` until it is empty.
 * What is missing stays as it is. */
static int without_links(int root, const char *path, char **out)
{
    _cleanup_free_ char *done = strdup(""), *rest = strdup(path);
    unsigned links = 0;

    while (done && rest) {
        const char *at = rest + strspn(rest, "/");
        _cleanup_free_ char *word = strndup(at, strcspn(at, "/"));
        _cleanup_buf_ struct berth_buf link = BUF_INIT;
        char *next = NULL, *tail;
        int r;

        if (!word)
            return -ENOMEM;
        if (!*word) {
            *out = *done ? TAKE(done) : strdup("/");
            return *out ? 0 : -ENOMEM;
        }
        at += strlen(word);
        next = next_path(done, word);
        r = !next ? -ENOMEM : step(root, *next ? next : "/", &link);
        if (r < 0 || (link.len && ++links > MAX_LINKS)) {
            free(next);
            return r < 0 ? r : -ELOOP;
        }
        tail = link.len ? str_printf("%s/%s", buf_str(&link), at) : strdup(at);
        free(rest);
        rest = tail;
        if (link.len) {
            free(next);
            if (*buf_str(&link) == '/')
                *done = '\0';
            continue;
        }
        free(done);
        done = next;
    }
    return -ENOMEM;
}

/* Absolute, and without what only text says; of a container against its working directory. */
static char *whole_path(const struct copy_end *end, const char *path)
{
    _cleanup_free_ char *joined = NULL;
    const char *cwd;

    if (!end->c)
        return path_absolute(path);
    cwd = json_str(json_at(end->c->config, "spec", "process", NULL), "cwd");
    joined = *path == '/' ? strdup(path) : str_printf("/%s/%s", str_or(cwd, ""), path);
    return joined ? path_clean(joined) : NULL;
}

int copy_look(const struct copy_end *end, const char *path, bool keep_link,
              struct copy_place *out, struct berth_error *err)
{
    _cleanup_free_ char *clean = whole_path(end, path), *real = NULL;
    _cleanup_close_ int fd = -1;
    struct stat st;
    int r = clean ? without_links(end->root, clean, &real) : -ENOMEM;

    *out = (struct copy_place){0};
    if (r == 0) {
        fd = archive_open(end->root, real, O_PATH | O_NOFOLLOW);
        if (fd >= 0 && fstat(fd, &st) < 0)
            r = -errno;
        else if (fd < 0 && fd != -ENOENT && fd != -ENOTDIR)
            r = fd;
    }
    if (r < 0)
        return fail_errno(err, -r, "\"%s\"", path);
    out->exists = fd >= 0;
    out->mode = fd >= 0 ? st.st_mode : 0;
    out->contents = str_eq(path, ".") || str_ends(path, "/.") || str_eq(clean, "/");
    out->path = keep_link ? TAKE(clean) : TAKE(real);
    return 0;
}

/* ------------------------------------------------------------------ packing */

struct packing {
    const struct copy_from *from;
    bool from_top; /* what is packed is the "/" of a container */
    bool own;      /* uid and gid are to be noted for all */
    uid_t uid;
    gid_t gid;
};

/* What the kernel makes up in a container is nobody's file; `top`: what "/" is called. */
static bool is_made_up(const char *top, const char *name)
{
    static const char *const names[] = {"dev", "proc", "sys"};

    if (top) {
        name += strlen(top);
        name += *name == '/';
    }

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *rest = str_starts(name, names[i]);

        if (rest && (!*rest || *rest == '/'))
            return true;
    }
    return false;
}

static int pack_each(void *arg, struct tar_entry *e, struct berth_error *err _unused_)
{
    const struct packing *p = arg;

    if (p->from_top && is_made_up(p->from->name, e->name))
        return 1;
    if (p->own) {
        e->uid = p->uid;
        e->gid = p->gid;
    }
    /* podman's archives round times; what unpacks them sees no fractions. */
    if (e->mtime.tv_nsec >= 500000000)
        e->mtime.tv_sec++;
    e->mtime.tv_nsec = 0;
    return 0;
}

static int pack(const struct copy_from *from, int fd, struct berth_error *err)
{
    struct packing p = {.from = from, .own = from->end->c != NULL};
    const struct archive_pack what = {.root = from->end->root,
                                      .path = from->path,
                                      .name = from->name,
                                      .each = pack_each,
                                      .arg = &p};
    _cleanup_tar_writer_ struct tar_writer w;
    int r = p.own ? owner_of(from->end, &p.uid, &p.gid, err) : 0;

    tar_writer_init(&w, fd);
    p.from_top = p.own && str_eq(from->path, "/");
    if (r == 0)
        r = archive_pack(&w, &what, err);
    return r < 0 ? r : tar_end(&w, err);
}

int copy_out(const struct copy_from *from, int fd, struct berth_error *err)
{
    int r = pack(from, fd, err);

    return r < 0 ? error_wrap(err, "copying from container") : 0;
}

/* ---------------------------------------------------------------- unpacking */

struct unpacking {
    const struct copy_to *to;
    uid_t uid;
    gid_t gid;
};

static int unpack_each(void *arg, struct tar_entry *e, struct berth_error *err _unused_)
{
    const struct unpacking *u = arg;
    const struct ctr *c = u->to->end->c;

    /* The host takes no devices from a container. */
    if (!c && (e->type == TAR_CHAR_DEVICE || e->type == TAR_BLOCK_DEVICE))
        return 1;
    if (u->to->chown) {
        e->uid = u->uid;
        e->gid = u->gid;
    } else if (c) {
        e->uid = rootfs_host_id(c, "UIDMap", e->uid);
        e->gid = rootfs_host_id(c, "GIDMap", e->gid);
    }
    return 0;
}

static int unpack(int fd, const struct copy_to *to, struct berth_error *err)
{
    struct unpacking u = {.to = to};
    int r = to->chown ? owner_of(to->end, &u.uid, &u.gid, err) : 0;
    const struct archive_unpack how = {.root = to->end->root,
                                       .path = to->dir,
                                       .keep_kind = !to->overwrite,
                                       .uid = u.uid,
                                       .gid = u.gid,
                                       .each = unpack_each,
                                       .arg = &u};
    _cleanup_tar_reader_ struct tar_reader reader;

    tar_reader_init(&reader, fd);
    return r < 0 ? r : archive_unpack(&reader, &how, err);
}

static int wrap_unpack(const struct copy_to *to, struct berth_error *err)
{
    return error_wrap(err, "copying to %s", to->end->c ? "container" : "host");
}

int copy_in(int fd, const struct copy_to *to, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    pid_t pid = 0;
    int plain = fd, end, r = archive_plain(fd, &plain, &pid, err);

    if (r < 0)
        return r;
    r = unpack(plain, to, err);
    end = archive_plain_end(fd, plain, pid, &why);
    if (r == 0 && end < 0) {
        error_move(err, &why);
        r = end;
    }
    return r < 0 && r != -EUCLEAN ? wrap_unpack(to, err) : r;
}

/* ------------------------------------------------------------------- across */

struct sender {
    const struct copy_from *from;
    int fd, result;
    struct berth_error err;
};

static void *send_thread(void *arg)
{
    struct sender *s = arg;

    s->result = pack(s->from, s->fd, &s->err);
    attr_closep(&s->fd);
    return NULL;
}

/* Somebody who stopped reading is no reason to die, in this thread. */
static int start(struct sender *s, pthread_t *thread)
{
    sigset_t pipe_only, before;
    int r;

    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    r = pthread_create(thread, NULL, send_thread, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

int copy_across(const struct copy_from *from, const struct copy_to *to, struct berth_error *err)
{
    struct sender s = {.from = from};
    _cleanup_close_ int in = -1;
    pthread_t thread;
    int ends[2], r;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail_errno(err, errno, "pipe");
    in = ends[0];
    s.fd = ends[1];
    r = start(&s, &thread);
    if (r < 0) {
        attr_closep(&s.fd);
        return fail_errno(err, -r, "starting a thread");
    }
    r = unpack(in, to, err);
    attr_closep(&in);
    pthread_join(thread, NULL);
    /* A sender that failed is why the archive was damaged; one that found nobody to read is
     * not the reason. */
    if (s.result < 0 && s.result != -EPIPE) {
        error_move(err, &s.err);
        return error_wrap(err, "copying from %s", from->end->c ? "container" : "host");
    }
    error_clear(&s.err);
    return r < 0 ? wrap_unpack(to, err) : 0;
}
