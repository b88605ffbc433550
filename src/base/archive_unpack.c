/* SPDX-License-Identifier: Apache-2.0 */
/* archive_unpack.c - trees of files out of archives; see archive.h. */
#include "base/archive.h"
#include "base/fs.h"
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Directories get their time and mode in the end: what is put into them changes the one, and
 * the other may forbid it. */
struct later {
    char *path;
    mode_t mode;
    struct timespec mtime;
};

struct unpacking {
    struct tar_reader *r;
    const struct archive_unpack *how;
    struct later *later;
    size_t n, room;
    char *parent; /* the directory that the last entry was put in, and it opened */
    int parent_fd;
    struct berth_error *err;
};

/* ------------------------------------------------------------------- names */

/* A name of the archive as a path inside the root: no "..", no slash in front; "" is the
 * directory that takes the entries. */
static int inside(struct unpacking *u, const char *name, char **out)
{
    _cleanup_free_ char *clean = path_clean(name);
    _cleanup_free_ char *whole = NULL;
    const char *at = clean;

    if (!clean)
        return fail(u->err, ENOMEM, "out of memory");
    if (str_eq(clean, "..") || str_starts(clean, "../"))
        return fail(u->err, EUCLEAN,
                    "\"%s\" is outside of the directory that takes the archive", name);
    while (*at == '/')
        at++;
    if (str_eq(at, "."))
        at++;
    whole = str_empty(u->how->path) ? strdup(at)
                                    : str_printf("%s%s%s", u->how->path, *at ? "/" : "", at);
    if (!whole)
        return fail(u->err, ENOMEM, "out of memory");
    *out = TAKE(whole);
    return 0;
}

/* Open a directory, made with its parents where it is missing. */
static int open_dir(struct unpacking *u, const char *path)
{
    int fd = archive_open(u->how->root, path, O_PATH | O_DIRECTORY);

    for (const char *at = path; fd == -ENOENT && *at;) {
        _cleanup_close_ int above = -1;
        size_t start = (size_t)(at - path), len;
        _cleanup_free_ char *up = strndup(path, start), *word = NULL;

        len = strcspn(at, "/");
        word = strndup(at, len);
        if (!up || !word)
            return -ENOMEM;
        above = archive_open(u->how->root, up, O_PATH | O_DIRECTORY);
        if (above < 0)
            return above;
        if (len && mkdirat(above, word, 0755) == 0) {
            if ((u->how->uid || u->how->gid) &&
                fchownat(above, word, u->how->uid, u->how->gid, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        } else if (len && errno != EEXIST) {
            return -errno;
        }
        at += len;
        while (*at == '/')
            at++;
        if (!*at)
            fd = archive_open(u->how->root, path, O_PATH | O_DIRECTORY);
    }
    return fd;
}

static void drop_parent(struct unpacking *u)
{
    attr_closep(&u->parent_fd);
    u->parent_fd = -1;
    free(u->parent);
    u->parent = NULL;
}

/* The directory of a path, open until the next call; *base is the name in it. */
static int parent_of(struct unpacking *u, const char *path, const char **base, int *out)
{
    _cleanup_free_ char *dir = NULL;

    *base = path_base(path);
    dir = strndup(path, (size_t)(*base - path));
    if (!dir)
        return -ENOMEM;
    if (u->parent_fd < 0 || !str_eq(dir, u->parent)) {
        drop_parent(u);
        u->parent_fd = open_dir(u, dir);
        if (u->parent_fd < 0) {
            int r = u->parent_fd;

            u->parent_fd = -1;
            return r;
        }
        u->parent = TAKE(dir);
    }
    *out = u->parent_fd;
    return 0;
}

/* ----------------------------------------------------------------- metadata */

static void set_xattrs(int fd, const struct tar_entry *e)
{
    for (size_t i = 0; i < e->n_xattrs; i++)
        if (fsetxattr(fd, e->xattrs[i].name, e->xattrs[i].value, e->xattrs[i].len, 0) < 0)
            log_warning("%s: setting attribute %s: %m", e->name, e->xattrs[i].name);
}

/* Of what was made by its name.  Who has the tree before him may put something else there at
 * any time, so that it is opened once, and not through a link.  Owner first: a change of it
 * takes set-user-ID bits away. */
static int set_meta(int dir, const char *base, const struct tar_entry *e)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, e->mtime};
    _cleanup_close_ int fd = openat(dir, base, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    char self[40];
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || fchownat(fd, "", e->uid, e->gid, AT_EMPTY_PATH) < 0)
        return -errno;
    if (S_ISLNK(st.st_mode))
        return utimensat(dir, base, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    if (chmod(self, e->mode) < 0 || utimensat(AT_FDCWD, self, times, 0) < 0)
        return -errno;
    return 0;
}

static int set_file_meta(int fd, const struct tar_entry *e)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, e->mtime};

    if (fchown(fd, e->uid, e->gid) < 0 || fchmod(fd, e->mode) < 0)
        return -errno;
    set_xattrs(fd, e);
    return futimens(fd, times) < 0 ? -errno : 0;
}

static int note_dir(struct unpacking *u, const char *path, const struct tar_entry *e)
{
    if (u->n == u->room) {
        size_t room = u->room ? u->room * 2 : 32;
        struct later *grown = reallocarray(u->later, room, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        u->later = grown;
        u->room = room;
    }
    u->later[u->n].path = strdup(path);
    if (!u->later[u->n].path)
        return -ENOMEM;
    u->later[u->n].mode = e->mode;
    u->later[u->n++].mtime = e->mtime;
    return 0;
}

/* Innermost directories first.  One that another entry replaced is no loss. */
static void finish_dirs(struct unpacking *u)
{
    for (size_t i = u->n; i--;) {
        const struct later *l = &u->later[i];
        struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, l->mtime};
        _cleanup_close_ int fd =
            archive_open(u->how->root, l->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

        if (fd >= 0 && (fchmod(fd, l->mode) < 0 || futimens(fd, times) < 0))
            log_warning("%s: setting mode and time: %m", l->path);
        free(l->path);
    }
    free(u->later);
}

/* ------------------------------------------------------------------ content */

static int write_at(int fd, const char *data, size_t len, int64_t offset)
{
    while (len) {
        ssize_t n = pwrite(fd, data, len, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        offset += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Bytes of the archive into the file at an offset. */
static int copy_piece(struct unpacking *u, int fd, int64_t offset, int64_t len)
{
    char data[64 * 1024];

    while (len > 0) {
        ssize_t n = tar_read(u->r, data, (size_t)MIN((int64_t)sizeof(data), len), u->err);
        int r;

        if (n <= 0)
            return n < 0 ? (int)n
                         : fail(u->err, EUCLEAN, "archive/tar: the archive is cut off");
        r = write_at(fd, data, (size_t)n, offset);
        if (r < 0)
            return fail_errno(u->err, -r, "writing");
        offset += n;
        len -= n;
    }
    return 0;
}

static int copy_data(struct unpacking *u, int fd, const struct tar_entry *e)
{
    int r = 0;

    if (!e->pieces)
        return copy_piece(u, fd, 0, e->size);
    if (ftruncate(fd, e->size) < 0)
        return fail_errno(u->err, errno, "writing");
    for (size_t i = 0; i < e->n_pieces && r == 0; i++)
        r = copy_piece(u, fd, e->pieces[i].offset, e->pieces[i].len);
    return r;
}

static int make_file(struct unpacking *u, int dir, const char *base, const struct tar_entry *e)
{
    _cleanup_close_ int fd =
        openat(dir, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r;

    if (fd < 0)
        return fail_errno(u->err, errno, "creating %s", e->name);
    r = copy_data(u, fd, e);
    if (r < 0)
        return error_wrap(u->err, "%s", e->name);
    r = set_file_meta(fd, e);
    return r < 0 ? fail_errno(u->err, -r, "setting owner and mode of %s", e->name) : 0;
}

static int make_link(struct unpacking *u, int dir, const char *base, const struct tar_entry *e)
{
    _cleanup_free_ char *target = NULL, *above = NULL;
    _cleanup_close_ int from = -1;
    const char *name;
    int r = inside(u, e->link, &target);

    if (r < 0)
        return error_wrap(u->err, "invalid hardlink %s", e->name);
    name = path_base(target);
    above = strndup(target, (size_t)(name - target));
    from = above ? archive_open(u->how->root, above, O_PATH | O_DIRECTORY) : -ENOMEM;
    if (from < 0)
        return fail_errno(u->err, -from, "linking %s to %s", e->name, e->link);
    if (linkat(from, name, dir, base, 0) < 0)
        return fail_errno(u->err, errno, "linking %s to %s", e->name, e->link);
    return 0;
}

static int make_directory(struct unpacking *u, int dir, const char *base, const char *path,
                          const struct tar_entry *e)
{
    _cleanup_close_ int fd = -1;

    /* Nothing of the container's gets in before it has its mode. */
    if (mkdirat(dir, base, 0700) < 0 && errno != EEXIST)
        return fail_errno(u->err, errno, "creating directory %s", e->name);
    fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchown(fd, e->uid, e->gid) < 0)
        return fail_errno(u->err, errno, "creating directory %s", e->name);
    set_xattrs(fd, e);
    return note_dir(u, path, e) < 0 ? fail(u->err, ENOMEM, "out of memory") : 0;
}

static int make_node(struct unpacking *u, int dir, const char *base, const struct tar_entry *e)
{
    static const mode_t kinds[] = {
        [TAR_CHAR_DEVICE] = S_IFCHR, [TAR_BLOCK_DEVICE] = S_IFBLK, [TAR_FIFO] = S_IFIFO};
    int r = e->type == TAR_SYMLINK ? symlinkat(e->link, dir, base)
                                   : mknodat(dir, base, kinds[e->type] | 0600, e->device);

    if (r < 0)
        return fail_errno(u->err, errno, "creating %s", e->name);
    r = set_meta(dir, base, e);
    return r < 0 ? fail_errno(u->err, -r, "setting owner and mode of %s", e->name) : 0;
}

/* ------------------------------------------------------------------ entries */

/* Make room: all but a directory under a directory goes. */
static int replace(struct unpacking *u, int dir, const char *base, const struct tar_entry *e)
{
    bool is_dir = e->type == TAR_DIRECTORY;
    struct stat st;
    int r;

    if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (S_ISDIR(st.st_mode) && is_dir)
        return 0;
    if (u->how->keep_kind && S_ISDIR(st.st_mode))
        return fail(u->err, EISDIR, "cannot overwrite directory %s with non-directory",
                    e->name);
    if (u->how->keep_kind && is_dir)
        return fail(u->err, ENOTDIR, "cannot overwrite non-directory %s with directory",
                    e->name);
    r = fs_remove_at(dir, base);
    return r < 0 ? fail_errno(u->err, -r, "replacing %s", e->name) : 0;
}

/* A file with its own name as the target of its link is left: replacing it would lose it. */
static bool links_to_itself(const struct tar_entry *e)
{
    _cleanup_free_ char *name = NULL, *link = NULL;

    if (e->type != TAR_HARD_LINK)
        return false;
    name = path_clean(e->name);
    link = path_clean(e->link);
    return str_eq(name, link);
}

static int make(struct unpacking *u, const struct tar_entry *e)
{
    _cleanup_free_ char *path = NULL;
    const char *base;
    int dir, r = inside(u, e->name, &path);

    if (r < 0 || links_to_itself(e))
        return r;
    /* The directory that takes the entries is the caller's, and stays as it is. */
    if (!*path || str_eq(path, u->how->path))
        return 0;
    r = parent_of(u, path, &base, &dir);
    if (r < 0)
        return fail_errno(u->err, -r, "creating %s", e->name);
    r = replace(u, dir, base, e);
    if (r < 0)
        return r;
    switch (e->type) {
    case TAR_FILE:
        return make_file(u, dir, base, e);
    case TAR_HARD_LINK:
        return make_link(u, dir, base, e);
    case TAR_DIRECTORY:
        return make_directory(u, dir, base, path, e);
    default:
        return make_node(u, dir, base, e);
    }
}

int archive_unpack(struct tar_reader *reader, const struct archive_unpack *how,
                   struct berth_error *err)
{
    struct unpacking u = {.r = reader, .how = how, .parent_fd = -1, .err = err};
    _cleanup_tar_entry_ struct tar_entry e = {0};
    int r;

    while ((r = tar_next(reader, &e, err)) > 0) {
        if (how->each) {
            r = how->each(how->arg, &e, err);
            if (r < 0)
                break;
            if (r > 0)
                continue;
        }
        r = make(&u, &e);
        if (r < 0)
            break;
    }
    drop_parent(&u);
    finish_dirs(&u);
    return r;
}
