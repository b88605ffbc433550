/* SPDX-License-Identifier: Apache-2.0 */
/* archive_pack.c - trees of files into archives; see archive.h. */
#include "base/archive.h"
#include "base/fs.h"
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* The first name of every file that has several. */
struct seen {
    dev_t dev;
    ino_t ino;
    char *name;
};

struct packing {
    struct tar_writer *w;
    const struct archive_pack *what;
    struct seen *seen; /* hash table, open addressing */
    size_t n, room;
    struct berth_error *err;
};

int archive_open(int root, const char *path, int flags)
{
    return fs_open_in(root, str_empty(path) ? "." : path, flags, 0);
}

/* ------------------------------------------------------------------- links */

static struct seen *slot(struct seen *table, size_t room, dev_t dev, ino_t ino)
{
    size_t i = (size_t)((ino * UINT64_C(0x9e3779b97f4a7c15)) >> 16 ^ dev) & (room - 1);

    while (table[i].name && (table[i].dev != dev || table[i].ino != ino))
        i = (i + 1) & (room - 1);
    return &table[i];
}

static int grow(struct packing *p)
{
    size_t room = p->room ? p->room * 2 : 64;
    struct seen *table = calloc(room, sizeof(*table));

    if (!table)
        return -ENOMEM;
    for (size_t i = 0; i < p->room; i++)
        if (p->seen[i].name)
            *slot(table, room, p->seen[i].dev, p->seen[i].ino) = p->seen[i];
    free(p->seen);
    p->seen = table;
    p->room = room;
    return 0;
}

/* The name of the file that is in the archive already, or NULL and this one is noted. */
static const char *seen_before(struct packing *p, const struct stat *st, const char *name)
{
    struct seen *s;

    if (p->n * 2 >= p->room && grow(p) < 0)
        return NULL; /* it goes in twice: larger, not wrong */
    s = slot(p->seen, p->room, st->st_dev, st->st_ino);
    if (s->name)
        return s->name;
    *s = (struct seen){.dev = st->st_dev, .ino = st->st_ino, .name = strdup(name)};
    p->n += s->name != NULL;
    return NULL;
}

static void forget(struct packing *p)
{
    for (size_t i = 0; i < p->room; i++)
        free(p->seen[i].name);
    free(p->seen);
}

/* ------------------------------------------------------------- attributes */

/* Those that podman keeps; what an overlay notes for itself is not the file's. */
static bool is_kept(const char *name)
{
    if (str_starts(name, "user."))
        return !str_starts(name, "user.overlay.");
    return str_eq(name, "security.capability");
}

/* One that is gone or grew meanwhile is left out. */
static int add_xattr(int fd, const char *name, struct tar_entry *e)
{
    ssize_t room = fgetxattr(fd, name, NULL, 0), n;
    _cleanup_free_ char *value = room < 0 ? NULL : malloc((size_t)room + 1);

    if (!value)
        return room < 0 ? 0 : -ENOMEM;
    n = fgetxattr(fd, name, value, (size_t)room);
    return n < 0 || n > room ? 0 : tar_add_xattr(e, name, value, (size_t)n);
}

static int add_xattrs(int fd, struct tar_entry *e)
{
    ssize_t room = flistxattr(fd, NULL, 0), n;
    _cleanup_free_ char *names = room > 0 ? malloc((size_t)room) : NULL;
    int r = 0;

    if (!names)
        return room > 0 ? -ENOMEM : 0;
    n = flistxattr(fd, names, (size_t)room);
    for (const char *at = names; at < names + n && r == 0; at += strlen(at) + 1)
        if (is_kept(at))
            r = add_xattr(fd, at, e);
    return r;
}

/* ------------------------------------------------------------------- files */

static int type_of(const struct stat *st, enum tar_type *out)
{
    switch (st->st_mode & S_IFMT) {
    case S_IFREG:
        *out = TAR_FILE;
        return 0;
    case S_IFDIR:
        *out = TAR_DIRECTORY;
        return 0;
    case S_IFLNK:
        *out = TAR_SYMLINK;
        return 0;
    case S_IFCHR:
        *out = TAR_CHAR_DEVICE;
        return 0;
    case S_IFBLK:
        *out = TAR_BLOCK_DEVICE;
        return 0;
    case S_IFIFO:
        *out = TAR_FIFO;
        return 0;
    default:
        return -ENOTSUP; /* a socket */
    }
}

static int read_link(int fd, int64_t size, char **out)
{
    size_t room = (size_t)MAX(size, 4095) + 1;
    char *text = malloc(room);
    ssize_t n = text ? readlinkat(fd, "", text, room) : -1;

    if (n < 0 || (size_t)n >= room) {
        free(text);
        return text ? -EIO : -ENOMEM;
    }
    text[n] = '\0';
    *out = text;
    return 0;
}

/* The header of the file that fd is (O_PATH); *data becomes a descriptor to read it with. */
static int describe(struct packing *p, int fd, const char *name, struct tar_entry *e, int *data)
{
    char self[40];
    struct stat st;
    int r;

    if (fstat(fd, &st) < 0)
        return -errno;
    r = type_of(&st, &e->type);
    if (r < 0)
        return r;
    e->mode = st.st_mode;
    e->uid = st.st_uid;
    e->gid = st.st_gid;
    e->size = e->type == TAR_FILE ? st.st_size : 0;
    e->mtime = st.st_mtim;
    if (e->type == TAR_CHAR_DEVICE || e->type == TAR_BLOCK_DEVICE)
        e->device = st.st_rdev;
    e->name = e->type == TAR_DIRECTORY ? str_printf("%s/", name) : strdup(name);
    if (!e->name)
        return -ENOMEM;
    if (e->type == TAR_SYMLINK)
        return read_link(fd, st.st_size, &e->link);
    if (e->type == TAR_FILE && st.st_nlink > 1) {
        const char *first = seen_before(p, &st, name);

        if (first) {
            e->type = TAR_HARD_LINK;
            e->size = 0;
            return str_set(&e->link, first);
        }
    }
    if (e->type != TAR_FILE && e->type != TAR_DIRECTORY)
        return 0;
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    *data = open(self, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    return *data < 0 ? -errno : add_xattrs(*data, e);
}

static int pack_dir(struct packing *p, int *fd, const char *name);

static int pack_at(struct packing *p, int fd, const char *name)
{
    _cleanup_tar_entry_ struct tar_entry e = {0};
    _cleanup_close_ int data = -1;
    int r = describe(p, fd, name, &e, &data);

    if (r == -ENOTSUP) {
        log_debug("%s is a socket, which archives have no place for", name);
        return 0;
    }
    if (r < 0)
        return fail_errno(p->err, -r, "reading %s", name);
    if (p->what->each) {
        r = p->what->each(p->what->arg, &e, p->err);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    r = tar_put(p->w, &e, p->err);
    if (r == 0 && e.type == TAR_FILE) {
        r = tar_write_file(p->w, data, p->err);
        if (r < 0)
            return error_wrap(p->err, "%s", name);
        if (r > 0)
            log_warning("%s became shorter while it was read: the rest is zeros in the archive",
                        name);
        r = 0;
    }
    if (r == 0 && e.type == TAR_DIRECTORY)
        r = pack_dir(p, &data, name);
    return r;
}

static int list_dir(int *fd, struct berth_list *out)
{
    DIR *d = fdopendir(*fd);
    struct dirent *entry;

    if (!d)
        return -errno;
    *fd = -1;
    while ((errno = 0, entry = readdir(d)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            list_add(out, entry->d_name);
    if (errno && !out->error)
        out->error = -errno;
    closedir(d);
    list_sort(out);
    return out->error;
}

/* What a directory has; name "" for the one that has no name in the archive. */
static int pack_dir(struct packing *p, int *fd, const char *name)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    _cleanup_close_ int dir = openat(*fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = dir < 0 ? -errno : list_dir(fd, &names);

    if (r < 0)
        return fail_errno(p->err, -r, "reading directory %s", *name ? name : ".");
    for (size_t i = 0; i < names.n && r == 0; i++) {
        _cleanup_free_ char *path =
            *name ? str_printf("%s/%s", name, names.items[i]) : strdup(names.items[i]);
        _cleanup_close_ int child =
            openat(dir, names.items[i], O_PATH | O_NOFOLLOW | O_CLOEXEC);

        if (!path)
            return fail(p->err, ENOMEM, "out of memory");
        if (child >= 0)
            r = pack_at(p, child, path);
        else if (errno != ENOENT)
            r = fail_errno(p->err, errno, "open %s", path);
    }
    return r;
}

int archive_pack(struct tar_writer *w, const struct archive_pack *what, struct berth_error *err)
{
    struct packing p = {.w = w, .what = what, .err = err};
    _cleanup_close_ int fd = archive_open(
        what->root, what->path, what->name ? O_PATH : O_RDONLY | O_DIRECTORY | O_NONBLOCK);
    int r;

    if (fd < 0)
        return fail_errno(err, -fd, "open %s", str_or(what->path, "/"));
    r = what->name ? pack_at(&p, fd, what->name) : pack_dir(&p, &fd, "");
    forget(&p);
    return r;
}
