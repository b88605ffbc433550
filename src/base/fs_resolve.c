/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs_resolve.c - fs_open_in() for kernels without openat2(2): the path is walked here, name by
 * name, with the meaning of RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS.
 *
 * No name that is given to the kernel is ".." or has a slash in it, and none that is a link is
 * followed by the kernel: so nothing leads out, whatever others rename meanwhile.  ".." is the
 * directory that we came from, whose descriptor we still have.  A link that the kernel makes up
 * is only ever its text for us, which is resolved inside; it is refused so that both ways say
 * the same.
 */
#include "base/fs.h"
#include "base/str.h"
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#define LINKS_MAX     40 /* the kernel's */
#define PROC_ROOT_INO 1

struct walk {
    int root; /* lent */
    int *dirs;
    size_t n, room;
    char *rest, *at; /* what is left to walk, from `at` on */
    unsigned links;
};

static int here(const struct walk *w)
{
    return w->n ? w->dirs[w->n - 1] : w->root;
}

static void leave(struct walk *w, size_t n)
{
    while (w->n > n)
        close(w->dirs[--w->n]);
}

static void walk_end(struct walk *w)
{
    leave(w, 0);
    free(w->dirs);
    free(w->rest);
}

/* Go down into a directory, whose descriptor is ours from here on. */
static int enter(struct walk *w, int fd)
{
    if (w->n == w->room) {
        size_t room = w->room ? 2 * w->room : 16;
        int *more = realloc(w->dirs, room * sizeof(*more));

        if (!more) {
            close(fd);
            return -ENOMEM;
        }
        w->dirs = more;
        w->room = room;
    }
    w->dirs[w->n++] = fd;
    return 0;
}

/* Take the next name.  *last: only slashes come after it; *slash: at least one does. */
static int next_name(struct walk *w, char name[NAME_MAX + 1], bool *last, bool *slash)
{
    size_t len;

    w->at += strspn(w->at, "/");
    len = strcspn(w->at, "/");
    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(name, w->at, len);
    name[len] = '\0';
    w->at += len;
    *slash = *w->at == '/';
    *last = w->at[strspn(w->at, "/")] == '\0';
    return 0;
}

/*
 * Does the link lead where no text tells (/proc/1/root)?  Those of processes show a length of
 * their own, or rights of their own; what is a real link in /proc has that of its text, but for
 * "self" and "thread-self" at its top.
 */
static bool is_made_up(const struct walk *w, int link, size_t len)
{
    struct statfs fs;
    struct stat st, dir;

    if (fstatfs(link, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC || fstat(link, &st) < 0)
        return false;
    if ((size_t)st.st_size == len && (st.st_mode & 0777) == 0777)
        return false;
    return fstat(here(w), &dir) < 0 || dir.st_dev != st.st_dev || dir.st_ino != PROC_ROOT_INO;
}

/* Put the text of a link in front of what is left. */
static int follow(struct walk *w, int link)
{
    char text[PATH_MAX], *joined;
    ssize_t len = readlinkat(link, "", text, sizeof(text) - 1);

    if (len < 0)
        return -errno;
    if (len == 0)
        return -ENOENT;
    text[len] = '\0';
    if (++w->links > LINKS_MAX || is_made_up(w, link, (size_t)len))
        return -ELOOP;
    if (text[0] == '/')
        leave(w, 0);
    joined = str_printf("%s%s", text, w->at);
    if (!joined)
        return -ENOMEM;
    free(w->rest);
    w->rest = w->at = joined;
    return 0;
}

static mode_t kind(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0 ? 0 : st.st_mode & S_IFMT;
}

/* A name that is not the last: a directory to enter, or a link to one. */
static int step(struct walk *w, const char *name)
{
    struct stat st;
    int fd, r;

    if (str_eq(name, ".") || str_eq(name, "..")) {
        /* Who may not search the directory may not do so for these. */
        if (fstatat(here(w), ".", &st, 0) < 0)
            return -errno;
        if (name[1] && w->n)
            leave(w, w->n - 1);
        return 0;
    }
    fd = openat(here(w), name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return enter(w, fd);
    if (errno != ENOTDIR)
        return -errno;
    fd = openat(here(w), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (kind(fd) == S_IFDIR) /* since a moment ago */
        return enter(w, fd);
    r = kind(fd) == S_IFLNK ? follow(w, fd) : -ENOTDIR;
    close(fd);
    return r;
}

/* The last name, which is not "." or "..".  A descriptor, or -errno; -EAGAIN: a link was
 * followed, and there is more to walk. */
static int open_last(struct walk *w, const char *name, bool slash, int flags, mode_t mode)
{
    bool create = flags & O_CREAT;
    bool keep = create ? flags & (O_EXCL | O_NOFOLLOW) : (flags & O_NOFOLLOW) && !slash;

    if (slash && create)
        return -EISDIR;
    for (;;) {
        int fd = openat(here(w), name, flags | O_NOFOLLOW | (slash ? O_DIRECTORY : 0), mode);
        int code = errno, r;
        mode_t now;

        if (fd >= 0 && (keep || !(flags & O_PATH) || kind(fd) != S_IFLNK))
            return fd;
        if (fd < 0 && (keep || (code != ELOOP && code != ENOTDIR)))
            return -code;
        if (fd < 0 && (fd = openat(here(w), name, O_PATH | O_NOFOLLOW | O_CLOEXEC)) < 0)
            return -errno;
        now = kind(fd);
        r = now == S_IFLNK ? follow(w, fd) : -code;
        close(fd);
        if (now == S_IFLNK)
            return r < 0 ? r : -EAGAIN;
        /* A link a moment ago, and none now: once more. */
        if ((code != ELOOP && now != S_IFDIR) || ++w->links > LINKS_MAX)
            return r;
    }
}

static int walk(struct walk *w, int flags, mode_t mode)
{
    char name[NAME_MAX + 1];
    bool last, slash;
    int r;

    for (;;) {
        r = next_name(w, name, &last, &slash);
        if (r < 0)
            return r;
        if (!last) {
            r = step(w, name);
            if (r < 0)
                return r;
            continue;
        }
        if (!name[0] || str_eq(name, ".") || str_eq(name, "..")) {
            r = name[0] ? step(w, name) : 0;
            r = r < 0 ? r : openat(here(w), ".", flags, mode);
            return r == -1 ? -errno : r;
        }
        r = open_last(w, name, slash, flags, mode);
        if (r != -EAGAIN)
            return r;
    }
}

int fs_resolve_in(int root, const char *path, int flags, mode_t mode)
{
    struct walk w = {.root = root};
    int r;

    if (!path[0])
        return -ENOENT;
    if (strlen(path) >= PATH_MAX)
        return -ENAMETOOLONG;
    w.rest = w.at = strdup(path);
    r = w.rest ? walk(&w, flags | O_CLOEXEC, flags & O_CREAT ? mode : 0) : -ENOMEM;
    walk_end(&w);
    return r;
}
