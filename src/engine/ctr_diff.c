/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctr_diff.c - what a container has changed in the files that it was made of; ctr_files.h.
 *
 * An overlay keeps the changes in a directory of their own: whatever is there was added or
 * changed, a character device 0:0 stands for what was deleted.
 */
#include "base/fs.h"
#include "base/str.h"
#include "engine/ctr_files.h"
#include "engine/rootfs.h"
#include "storage/storage.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/xattr.h>

/* What the engine itself makes in every container. */
static const char *const not_told[] = {"/dev",
                                       "/etc/hostname",
                                       "/etc/hosts",
                                       "/etc/mtab",
                                       "/etc/resolv.conf",
                                       "/proc",
                                       "/run",
                                       "/run/.containerenv",
                                       "/run/notify",
                                       "/run/secrets",
                                       "/sys",
                                       NULL};

struct change {
    enum ctr_change kind;
    char *path;
};

struct walk {
    int *lower; /* directories, topmost first */
    size_t n_lower;
    struct change *list;
    size_t n, cap;
    struct berth_error *err;
};

static void walk_free(struct walk *w)
{
    for (size_t i = 0; i < w->n_lower; i++)
        close(w->lower[i]);
    for (size_t i = 0; i < w->n; i++)
        free(w->list[i].path);
    free(w->list);
    free(w->lower);
}

static bool is_whiteout(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* The same name in the layers below; false: it is in none. */
static bool find_below(const struct walk *w, const char *path, struct stat *st)
{
    for (size_t i = 0; i < w->n_lower; i++) {
        _cleanup_close_ int fd = fs_open_in(w->lower[i], path, O_PATH | O_NOFOLLOW, 0);

        if (fd >= 0 && fstat(fd, st) == 0)
            return !is_whiteout(st);
    }
    return false;
}

static int add(struct walk *w, enum ctr_change kind, const char *path)
{
    if (w->n == w->cap) {
        size_t cap = w->cap ? 2 * w->cap : 64;
        struct change *more = realloc(w->list, cap * sizeof(*more));

        if (!more)
            return fail(w->err, ENOMEM, "out of memory");
        w->list = more;
        w->cap = cap;
    }
    w->list[w->n] = (struct change){kind, strdup(path)};
    return w->list[w->n].path ? (int)(w->n++, 0) : fail(w->err, ENOMEM, "out of memory");
}

static bool same_dir(const struct stat *a, const struct stat *b)
{
    return S_ISDIR(a->st_mode) && S_ISDIR(b->st_mode) && a->st_mode == b->st_mode &&
           a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool is_told(const char *path)
{
    for (size_t i = 0; not_told[i]; i++)
        if (str_eq(path, not_told[i]))
            return false;
    return true;
}

/* A directory that hides the one below it: that was deleted, and another one made. */
static bool is_opaque(int dir, const char *name)
{
    _cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    char value;

    return fd >= 0 && fgetxattr(fd, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

/* One name in the container's own layer. */
static int look(struct walk *w, int dir, const char *name, const char *path,
                const struct stat *st)
{
    struct stat below;
    bool known = find_below(w, path, &below);

    if (!is_told(path))
        return 0;
    if (is_whiteout(st))
        return known ? add(w, CTR_DELETED, path) : 0;
    if (!known)
        return add(w, CTR_ADDED, path);
    if (S_ISDIR(st->st_mode) && is_opaque(dir, name))
        return add(w, CTR_DELETED, path); /* podman's word for it */
    return same_dir(st, &below) ? 0 : add(w, CTR_CHANGED, path);
}

static int visit(struct walk *w, int dir, const char *path)
{
    DIR *stream = fdopendir(dir);
    struct dirent *entry;
    int r = 0;

    if (!stream) {
        r = fail_errno(w->err, errno, "reading directory %s of the container", path);
        close(dir);
        return r;
    }
    while (r == 0 && (errno = 0, entry = readdir(stream))) {
        _cleanup_free_ char *name = NULL;
        struct stat st;
        int fd;

        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
            continue;
        name = str_printf("%s/%s", path, entry->d_name);
        if (!name)
            r = fail(w->err, ENOMEM, "out of memory");
        else if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue; /* removed in this moment */
        else
            r = look(w, dir, entry->d_name, name, &st);
        if (r < 0 || !S_ISDIR(st.st_mode))
            continue;
        fd = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
            r = visit(w, fd, name);
        else if (errno != ENOENT)
            r = fail_errno(w->err, errno, "reading directory %s of the container", name);
    }
    if (r == 0 && errno)
        r = fail_errno(w->err, errno, "reading directory %s of the container", path);
    closedir(stream);
    return r;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct change *)a)->path, ((const struct change *)b)->path);
}

/* Is a path in the list?  Its first n entries are in order. */
static bool is_listed(const struct walk *w, size_t n, char *path)
{
    const struct change key = {.path = path};

    if (n && bsearch(&key, w->list, n, sizeof(key), by_path))
        return true;
    for (size_t i = n; i < w->n; i++)
        if (str_eq(w->list[i].path, path))
            return true;
    return false;
}

/* The directory above something that came or went has changed, too. */
static int add_parents(struct walk *w)
{
    size_t n = w->n;
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        const char *path = w->list[i].path, *slash = strrchr(path, '/');
        _cleanup_free_ char *parent = NULL;

        if (w->list[i].kind == CTR_CHANGED || slash == path)
            continue;
        parent = strndup(path, (size_t)(slash - path));
        if (!parent)
            return fail(w->err, ENOMEM, "out of memory");
        if (is_told(parent) && !is_listed(w, n, parent))
            r = add(w, CTR_CHANGED, parent);
    }
    SORT(w->list, w->n, by_path);
    return r;
}

/* parts: the container's own layer, then those below. */
static int compare(struct walk *w, const struct berth_list *parts)
{
    int own = open(parts->items[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

    if (own < 0)
        return fail_errno(w->err, errno, "open %s", parts->items[0]);
    w->lower = calloc(parts->n, sizeof(*w->lower));
    if (!w->lower) {
        close(own);
        return fail(w->err, ENOMEM, "out of memory");
    }
    for (size_t i = 1; i < parts->n; i++) {
        int fd = open(parts->items[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0) {
            close(own);
            return fail_errno(w->err, errno, "open %s", parts->items[i]);
        }
        w->lower[w->n_lower++] = fd;
    }
    r = visit(w, own, "");
    if (r < 0)
        return r;
    SORT(w->list, w->n, by_path);
    return add_parents(w);
}

int ctr_diff(struct ctr *c, ctr_change_fn *fn, void *arg, struct berth_error *err)
{
    _cleanup_(walk_free) struct walk w = {.err = err};
    _cleanup_list_ struct berth_list parts = LIST_INIT;
    int r = rootfs_parts(c, &parts, err);

    if (r == 0 && parts.n)
        r = compare(&w, &parts);
    for (size_t i = 0; r == 0 && i < w.n; i++)
        r = fn(arg, w.list[i].kind, w.list[i].path);
    return r;
}
