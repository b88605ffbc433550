/* SPDX-License-Identifier: Apache-2.0 */
/* lock_file: locks in the files of a directory, the one that podman uses. */
#include "lock_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR_NAME   "locks"
#define GUARD_NAME "locks.guard"

struct berth_locks {
    const struct berth_host *h;
    int tmp; /* the directory that holds the other two */
    int dir;
    struct place_id place;
    int readonly;
    char path[]; /* of dir, for messages */
};

/* ------------------------------------------------------------- open, close */

static int lock_probe(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, struct berth_error *err)
{
    (void)cfg;
    if (!BERTH_HAS(place, tmp_dir))
        return berth_fail(h, err, EINVAL, "there is no directory for temporary files");
    return 0;
}

/* Make the directory as podman does.  Another process may do the same now. */
static int make_dir(struct berth_locks *l, struct berth_error *err)
{
    if (mkdirat(l->tmp, DIR_NAME, 0711) < 0 && errno != EEXIST)
        return berth_fail(l->h, err, errno, "cannot make the directory %s", l->path);
    return 0;
}

static int open_dirs(struct berth_locks *l, const char *tmp_dir, int create,
                     struct berth_error *err)
{
    struct stat st;
    int r;

    l->tmp = open(tmp_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->tmp < 0)
        return berth_fail(l->h, err, errno, "cannot open the directory %s", tmp_dir);
    if (create) {
        r = make_dir(l, err);
        if (r < 0)
            return r;
    }
    l->dir = openat(l->tmp, DIR_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (l->dir < 0)
        return berth_fail(l->h, err, errno, "cannot open the lock directory %s", l->path);
    if (fstat(l->dir, &st) < 0)
        return berth_fail(l->h, err, errno, "cannot look at the lock directory %s", l->path);
    l->place.dev = st.st_dev;
    l->place.ino = st.st_ino;
    return 0;
}

static void close_dirs(struct berth_locks *l)
{
    if (l->dir >= 0)
        close(l->dir);
    if (l->tmp >= 0)
        close(l->tmp);
    free(l);
}

static int lock_release_all(struct berth_locks *l, struct berth_error *err);

static int lock_open(const struct berth_host *h, const struct berth_place *place,
                     const struct berth_config *cfg, uint32_t flags, struct berth_locks **out,
                     struct berth_error *err)
{
    struct berth_locks *l;
    size_t size;
    int r = lock_probe(h, place, cfg, err);

    if (r < 0)
        return r;
    size = strlen(place->tmp_dir) + sizeof("/" DIR_NAME);
    l = calloc(1, sizeof(*l) + size);
    if (!l)
        return berth_fail(h, err, ENOMEM, "no memory for the lock manager");
    snprintf(l->path, size, "%s/" DIR_NAME, place->tmp_dir);
    l->h = h;
    l->tmp = l->dir = -1;
    l->readonly = BERTH_HAS(place, flags) && place->flags & BERTH_PLACE_READONLY;
    if (l->readonly)
        flags = 0;
    r = open_dirs(l, place->tmp_dir, flags & (BERTH_LOCK_CREATE | BERTH_LOCK_RECREATE), err);
    if (r == 0 && flags & BERTH_LOCK_RECREATE)
        r = lock_release_all(l, err);
    if (r < 0) {
        close_dirs(l);
        return r;
    }
    *out = l;
    return 0;
}

static void lock_close(struct berth_locks *l)
{
    unsigned n;

    if (!l)
        return;
    n = held_drop_all(l);
    if (n)
        berth_log(l->h, BERTH_LOG_WARNING, "locks were still held (%u)", n);
    close_dirs(l);
}

static void lock_forked(struct berth_locks *l)
{
    if (!l)
        return;
    held_forked(l);
    close_dirs(l);
}

/* ----------------------------------------------------------------- numbers */

static const char *number(char text[NUMBER_SIZE], uint32_t id)
{
    snprintf(text, NUMBER_SIZE, "%u", id);
    return text;
}

/* The number that a file's name is: decimal, without leading zeros.  0: it is none. */
static int parse_number(const char *name, uint32_t *id)
{
    uint64_t n = 0;

    if (name[0] == '\0' || (name[0] == '0' && name[1] != '\0'))
        return 0;
    for (; *name; name++) {
        if (*name < '0' || *name > '9')
            return 0;
        n = n * 10 + (uint64_t)(*name - '0');
        if (n > UINT32_MAX)
            return 0;
    }
    *id = (uint32_t)n;
    return 1;
}

static int check_writable(struct berth_locks *l, struct berth_error *err)
{
    return l->readonly ? berth_fail(l->h, err, EROFS, "the engine may not write") : 0;
}

/* Make the file of a number: 0 or -errno, -EEXIST if it is there. */
static int make_file(struct berth_locks *l, uint32_t id)
{
    char name[NUMBER_SIZE];
    int fd = openat(l->dir, number(name, id),
                    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int lock_allocate(struct berth_locks *l, uint32_t *out_id, struct berth_error *err)
{
    uint32_t id = 0;
    int r = check_writable(l, err);

    if (r < 0)
        return r;
    while ((r = make_file(l, id)) == -EEXIST && id < UINT32_MAX)
        id++;
    if (r == -EEXIST)
        return berth_fail(l->h, err, ENOSPC, "all locks are allocated");
    if (r < 0)
        return berth_fail(l->h, err, -r, "cannot make the lock file %s/%u", l->path, id);
    *out_id = id;
    return 0;
}

static int lock_claim(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    int r = check_writable(l, err);

    if (r < 0)
        return r;
    r = make_file(l, id);
    if (r == -EEXIST)
        return berth_fail(l->h, err, EEXIST, "lock %u is allocated", id);
    if (r < 0)
        return berth_fail(l->h, err, -r, "cannot make the lock file %s/%u", l->path, id);
    return 0;
}

static int lock_release(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    char name[NUMBER_SIZE];
    int r = check_writable(l, err);

    if (r < 0)
        return r;
    if (unlinkat(l->dir, number(name, id), 0) == 0)
        return 0;
    if (errno == ENOENT)
        return berth_fail(l->h, err, ENOENT, "lock %u is not allocated", id);
    return berth_fail(l->h, err, errno, "cannot remove the lock file %s/%s", l->path, name);
}

/* Call FN for each number that has a file, until one returns something else than 0. */
static int each_number(struct berth_locks *l, int (*fn)(struct berth_locks *, uint32_t, void *),
                       void *arg, struct berth_error *err)
{
    int r = 0, fd = openat(l->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    uint32_t id;

    if (!dir) {
        r = berth_fail(l->h, err, errno, "cannot read the lock directory %s", l->path);
        if (fd >= 0)
            close(fd);
        return r;
    }
    while (r == 0 && (errno = 0, entry = readdir(dir)) != NULL)
        if (parse_number(entry->d_name, &id))
            r = fn(l, id, arg);
    if (r == 0 && errno)
        r = berth_fail(l->h, err, errno, "cannot read the lock directory %s", l->path);
    closedir(dir);
    return r;
}

static int remove_one(struct berth_locks *l, uint32_t id, void *arg)
{
    char name[NUMBER_SIZE];

    if (unlinkat(l->dir, number(name, id), 0) == 0 || errno == ENOENT)
        return 0;
    return berth_fail(l->h, (struct berth_error *)arg, errno,
                      "cannot remove the lock file %s/%s", l->path, name);
}

static int lock_release_all(struct berth_locks *l, struct berth_error *err)
{
    int r = check_writable(l, err);

    return r < 0 ? r : each_number(l, remove_one, err, err);
}

static int count_one(struct berth_locks *l, uint32_t id, void *arg)
{
    (void)l;
    (void)id;
    ++*(uint32_t *)arg;
    return 0;
}

static int lock_count(struct berth_locks *l, struct berth_lock_count *out,
                      struct berth_error *err)
{
    uint32_t n = 0;
    int r = each_number(l, count_one, &n, err);

    if (r < 0)
        return r;
    if (BERTH_FITS(out, allocated))
        out->allocated = n;
    if (BERTH_FITS(out, available))
        out->available = UINT32_MAX;
    return 0;
}

/* -------------------------------------------------------------------- held */

struct visit {
    berth_lock_fn *fn;
    void *arg;
    int guard;  /* descriptor; -1: there is no guard */
    int failed; /* it was not FN that returned the error */
};

/* Locks that berth's processes hold have a byte in the guard.  The kernel answers with
 * any lock of the range, so look on both sides of it. */
static int visit_guard(struct visit *v, off_t from, off_t to)
{
    off_t first, last;
    int r;

    while (from <= to && (r = lock_grabbed(v->guard, from, to, &first, &last)) != 0) {
        if (r < 0) {
            v->failed = 1;
            return r;
        }
        r = visit_guard(v, from, first - 1);
        for (; r == 0 && first <= last; first++)
            r = v->fn(v->arg, (uint32_t)first);
        if (r)
            return r;
        from = last + 1;
    }
    return 0;
}

/* The others that are held are podman's. */
static int visit_file(struct berth_locks *l, uint32_t id, void *arg)
{
    struct visit *v = (struct visit *)arg;
    char name[NUMBER_SIZE];
    off_t first, last;
    int r = 0, fd;

    if (v->guard >= 0 && lock_grabbed(v->guard, id, id, &first, &last) == 1)
        return 0;
    fd = openat(l->dir, number(name, id), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0) {
        r = lock_grabbed(fd, 0, 0, &first, &last);
        close(fd);
    }
    return r == 1 ? v->fn(v->arg, id) : 0;
}

static int lock_held(struct berth_locks *l, berth_lock_fn *fn, void *arg,
                     struct berth_error *err)
{
    struct visit v = {
        .fn = fn,
        .arg = arg,
        .guard = openat(l->tmp, GUARD_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW),
    };
    int r = v.guard < 0 ? 0 : visit_guard(&v, 0, UINT32_MAX);

    if (v.failed)
        berth_fail(l->h, err, -r, "cannot look at the locks of %s", l->path);
    if (r == 0)
        r = each_number(l, visit_file, &v, err);
    if (v.guard >= 0)
        close(v.guard);
    return r;
}

/* ------------------------------------------------------------------- locks */

static int describe(struct berth_locks *l, uint32_t id, int code, struct berth_error *err)
{
    switch (code) {
    case -EBUSY:
        return berth_fail(l->h, err, EBUSY, "lock %u: somebody has it", id);
    case -ETIMEDOUT:
        return berth_fail(l->h, err, ETIMEDOUT,
                          "lock %u: somebody has had it until the deadline", id);
    case -ECANCELED:
        return berth_fail(l->h, err, ECANCELED, "lock %u: interrupted while waiting for it",
                          id);
    case -EUCLEAN:
        return berth_fail(l->h, err, EUCLEAN, "lock %u: its file in %s is not a regular file",
                          id, l->path);
    default:
        return berth_fail(l->h, err, -code, "lock %u: cannot lock its file in %s", id, l->path);
    }
}

static int lock_acquire(struct berth_locks *l, uint32_t id, berth_deadline deadline,
                        struct berth_error *err)
{
    char name[NUMBER_SIZE];
    struct grab guard = {l->tmp, GUARD_NAME, (off_t)id, 1};
    struct grab file = {l->dir, number(name, id), -1, 0};
    int guard_fd, file_fd, r;

    if (held_here(&l->place, id))
        return berth_fail(l->h, err, EDEADLK, "this thread has lock %u already", id);
    guard_fd = lock_grab(l->h, &guard, deadline);
    if (guard_fd < 0)
        return describe(l, id, guard_fd, err);
    file_fd = lock_grab(l->h, &file, deadline);
    r = file_fd;
    if (r >= 0 || r == -ENOENT) /* a number that is not allocated has no file */
        r = held_add(&l->place, id, guard_fd, file_fd < 0 ? -1 : file_fd, l);
    if (r == 0)
        return 0;
    if (file_fd >= 0)
        close(file_fd);
    close(guard_fd);
    return describe(l, id, r, err);
}

static int lock_drop(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    if (held_drop(&l->place, id) < 0)
        return berth_fail(l->h, err, EPERM, "this thread does not have lock %u", id);
    return 0;
}

static const struct berth_lock_ops ops = {
    .size = sizeof(ops),
    .probe = lock_probe,
    .open = lock_open,
    .close = lock_close,
    .forked = lock_forked,
    .allocate = lock_allocate,
    .claim = lock_claim,
    .release = lock_release,
    .release_all = lock_release_all,
    .count = lock_count,
    .held = lock_held,
    .acquire = lock_acquire,
    .drop = lock_drop,
};

BERTH_LOCK_PLUGIN(lock_file, &ops, .name = "file", .version = "1.0",
                  .summary = "locks in the files of a directory, as podman's",
                  .license = "Apache-2.0", .contact = "the maintainers of berth",
                  .caps = BERTH_LOCK_CAP_TIMEOUT | BERTH_LOCK_CAP_HELD |
                          BERTH_LOCK_CAP_DEADLOCK,
                  .threads = BERTH_THREADS_PARALLEL);
