/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c - a lock manager on ranges of one file.
 *
 * The file has one byte for each number: 'x' if the number is allocated, 0 if not.  Who has the
 * lock of a number has a write lock of fcntl(2) on its byte.  Such locks belong to an open
 * file, so every acquisition opens the file anew; the kernel lets go of them when their owner
 * dies.  A byte far behind the last one guards the allocation, and the making of the file: its
 * size is the number of locks, and it gets that size at once or not at all.
 *
 * A byte stays where it is when its number is given back, so old and new users of a number
 * exclude each other.
 */
#include <berth/lock.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST  1000000
#define FREE  '\0'
#define TAKEN 'x'

struct held {
    struct held *next;
    pthread_t thread;
    uint32_t id;
    int fd;
};

struct berth_locks {
    const struct berth_host *h;
    char path[4096];
    uint32_t count;
    int fd; /* of the bytes; has no locks but the guard's */
    pthread_mutex_t mutex;
    struct held *held; /* by threads of this process */
};

/* ------------------------------------------------------------------------ ranges */

static int range(int fd, int command, short type, uint32_t at)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

    if (fcntl(fd, command, &l) < 0)
        return -errno;
    return command == F_OFD_GETLK && l.l_type != F_UNLCK;
}

static berth_deadline now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (berth_deadline)ts.tv_sec * 1000000000u + (berth_deadline)ts.tv_nsec;
}

/* Get a range's lock, asking again and again: there is no way to wait up to a deadline. */
static int wait_range(struct berth_locks *l, int fd, uint32_t at, berth_deadline deadline,
                      struct berth_error *err)
{
    const struct timespec nap = {.tv_nsec = 500000};
    int r;

    for (;;) {
        r = range(fd, F_OFD_SETLK, F_WRLCK, at);
        if (r == 0)
            return 0;
        if (r != -EAGAIN && r != -EACCES && r != -EINTR)
            return berth_fail(l->h, err, -r, "cannot lock byte %u of %s", at, l->path);
        if (deadline == BERTH_NO_WAIT)
            return berth_fail(l->h, err, EBUSY, "lock %u is held", at);
        if (l->h->cancelled(l->h->core))
            return berth_fail(l->h, err, ECANCELED, "the wait for lock %u was ended", at);
        if (now() >= deadline)
            return berth_fail(l->h, err, ETIMEDOUT, "lock %u is held all the time", at);
        nanosleep(&nap, NULL);
    }
}

static int check_id(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    return id < l->count ? 0
                         : berth_fail(l->h, err, ERANGE, "there is no lock %u, only %u of them",
                                      id, l->count);
}

/* -------------------------------------------------------------------- allocation */

/* The guard excludes processes, the mutex threads: both use the one descriptor. */
static int guard(struct berth_locks *l, struct berth_error *err)
{
    int r;

    pthread_mutex_lock(&l->mutex);
    r = wait_range(l, l->fd, MOST, BERTH_WAIT_FOREVER, err);
    if (r < 0)
        pthread_mutex_unlock(&l->mutex);
    return r;
}

static void unguard(struct berth_locks *l)
{
    range(l->fd, F_OFD_SETLK, F_UNLCK, MOST);
    pthread_mutex_unlock(&l->mutex);
}

/* Set a byte to `to` if it is `from`: 0, or -errno `otherwise`. */
static int change(struct berth_locks *l, uint32_t id, char from, char to, int otherwise,
                  struct berth_error *err)
{
    char is = 0;

    if (pread(l->fd, &is, 1, id) != 1)
        return berth_fail(l->h, err, EIO, "cannot read %s", l->path);
    if (is != from)
        return berth_fail(l->h, err, otherwise, "lock %u is %sallocated", id,
                          is == TAKEN ? "" : "not ");
    if (pwrite(l->fd, &to, 1, id) != 1)
        return berth_fail(l->h, err, EIO, "cannot write to %s", l->path);
    return 0;
}

static int bytewise_claim(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    int r = check_id(l, id, err);

    if (r == 0)
        r = guard(l, err);
    if (r < 0)
        return r;
    r = change(l, id, FREE, TAKEN, EEXIST, err);
    unguard(l);
    return r;
}

static int bytewise_release(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    int r = id < l->count ? guard(l, err)
                          : berth_fail(l->h, err, ENOENT, "lock %u is not allocated", id);

    if (r < 0)
        return r;
    r = change(l, id, TAKEN, FREE, ENOENT, err);
    unguard(l);
    return r;
}

/* All bytes into fresh memory, under the guard; NULL: described. */
static char *read_all(struct berth_locks *l, struct berth_error *err)
{
    char *bytes = malloc(l->count);

    if (bytes && pread(l->fd, bytes, l->count, 0) == (ssize_t)l->count)
        return bytes;
    berth_fail(l->h, err, bytes ? EIO : ENOMEM, "cannot read %s", l->path);
    free(bytes);
    return NULL;
}

static int bytewise_allocate(struct berth_locks *l, uint32_t *out_id, struct berth_error *err)
{
    int r = guard(l, err);
    char *bytes, *at;

    if (r < 0)
        return r;
    bytes = read_all(l, err);
    at = bytes ? memchr(bytes, FREE, l->count) : NULL;
    if (at) {
        *out_id = (uint32_t)(at - bytes);
        r = change(l, *out_id, FREE, TAKEN, EIO, err);
    } else {
        r = bytes ? berth_fail(l->h, err, ENOSPC, "all %u locks are allocated", l->count)
                  : -EIO;
    }
    free(bytes);
    unguard(l);
    return r;
}

static int clear(struct berth_locks *l, struct berth_error *err)
{
    char *bytes = calloc(1, l->count);
    int r = 0;

    if (!bytes || pwrite(l->fd, bytes, l->count, 0) != (ssize_t)l->count)
        r = berth_fail(l->h, err, bytes ? EIO : ENOMEM, "cannot write to %s", l->path);
    free(bytes);
    return r;
}

static int bytewise_release_all(struct berth_locks *l, struct berth_error *err)
{
    int r = guard(l, err);

    if (r < 0)
        return r;
    r = clear(l, err);
    unguard(l);
    return r;
}

static int bytewise_count(struct berth_locks *l, struct berth_lock_count *out,
                          struct berth_error *err)
{
    char *bytes;
    uint32_t n = 0;
    int r = guard(l, err);

    if (r < 0)
        return r;
    bytes = read_all(l, err);
    unguard(l);
    if (!bytes)
        return -EIO;
    for (uint32_t i = 0; i < l->count; i++)
        n += bytes[i] == TAKEN;
    free(bytes);
    if (BERTH_FITS(out, allocated))
        out->allocated = n;
    if (BERTH_FITS(out, available))
        out->available = l->count - n;
    return 0;
}

/* ----------------------------------------------------------------------- locking */

/* Where a lock that this thread has is listed, or NULL.  The mutex is held. */
static struct held **find_held(struct berth_locks *l, uint32_t id)
{
    for (struct held **p = &l->held; *p; p = &(*p)->next)
        if ((*p)->id == id && pthread_equal((*p)->thread, pthread_self()))
            return p;
    return NULL;
}

static int bytewise_acquire(struct berth_locks *l, uint32_t id, berth_deadline deadline,
                            struct berth_error *err)
{
    struct held *mine, **old;
    int r = check_id(l, id, err);

    if (r < 0)
        return r;
    pthread_mutex_lock(&l->mutex);
    old = find_held(l, id);
    pthread_mutex_unlock(&l->mutex);
    if (old)
        return berth_fail(l->h, err, EDEADLK, "this thread has lock %u already", id);
    mine = calloc(1, sizeof(*mine));
    if (!mine)
        return berth_fail(l->h, err, ENOMEM, "out of memory");
    mine->id = id;
    mine->thread = pthread_self();
    mine->fd = open(l->path, O_RDWR | O_CLOEXEC);
    if (mine->fd < 0)
        r = berth_fail(l->h, err, errno, "cannot open %s: %m", l->path);
    else
        r = wait_range(l, mine->fd, id, deadline, err);
    if (r < 0) {
        if (mine->fd >= 0)
            close(mine->fd);
        free(mine);
        return r;
    }
    pthread_mutex_lock(&l->mutex);
    mine->next = l->held;
    l->held = mine;
    pthread_mutex_unlock(&l->mutex);
    return 0;
}

/* A child that was forked meanwhile may have the open file too, so unlock, then close. */
static void let_go(struct held *mine)
{
    range(mine->fd, F_OFD_SETLK, F_UNLCK, mine->id);
    close(mine->fd);
    free(mine);
}

static int bytewise_drop(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    struct held *mine = NULL, **at;

    pthread_mutex_lock(&l->mutex);
    at = find_held(l, id);
    if (at) {
        mine = *at;
        *at = mine->next;
    }
    pthread_mutex_unlock(&l->mutex);
    if (!mine)
        return berth_fail(l->h, err, EPERM, "this thread does not have lock %u", id);
    let_go(mine);
    return 0;
}

static int bytewise_held(struct berth_locks *l, berth_lock_fn *fn, void *arg,
                         struct berth_error *err)
{
    int fd = open(l->path, O_RDWR | O_CLOEXEC), r = 0;

    if (fd < 0)
        return berth_fail(l->h, err, errno, "cannot open %s: %m", l->path);
    for (uint32_t i = 0; r == 0 && i < l->count; i++)
        if (range(fd, F_OFD_GETLK, F_WRLCK, i) == 1)
            r = fn(arg, i);
    close(fd);
    return r;
}

/* ------------------------------------------------------------------ open and close */

static int bytewise_probe(const struct berth_host *h, const struct berth_place *place,
                          const struct berth_config *cfg, struct berth_error *err)
{
    (void)h;
    (void)place;
    (void)cfg;
    (void)err;
    return 0;
}

/* Under the guard: make the locks, or see that those that are there are as many.  A file with
 * nothing in it has no locks: who made it did not come as far as here yet. */
static int make_locks(struct berth_locks *l, uint32_t flags, struct berth_error *err)
{
    struct stat st;

    if (fstat(l->fd, &st) < 0)
        return berth_fail(l->h, err, errno, "cannot look at %s: %m", l->path);
    if (st.st_size == l->count && !(flags & BERTH_LOCK_RECREATE))
        return 0;
    if (st.st_size && !(flags & BERTH_LOCK_RECREATE))
        return berth_fail(l->h, err, ERANGE, "%s has %lld locks, not %u", l->path,
                          (long long)st.st_size, l->count);
    if (!(flags & (BERTH_LOCK_CREATE | BERTH_LOCK_RECREATE)))
        return berth_fail(l->h, err, ENOENT, "there are no locks in %s yet", l->path);
    if (ftruncate(l->fd, l->count) < 0)
        return berth_fail(l->h, err, errno, "cannot write to %s: %m", l->path);
    return st.st_size ? clear(l, err) : 0;
}

static int prepare(struct berth_locks *l, uint32_t flags, struct berth_error *err)
{
    int r;

    l->fd = open(l->path, O_RDWR | O_CLOEXEC | (flags & BERTH_LOCK_CREATE ? O_CREAT : 0), 0600);
    if (l->fd < 0)
        return berth_fail(l->h, err, errno, "cannot open %s: %m", l->path);
    r = guard(l, err);
    if (r < 0)
        return r;
    r = make_locks(l, flags, err);
    unguard(l);
    return r;
}

/* After close() locks are free; a child must not touch those of its parent. */
static void let_all_go(struct berth_locks *l, int unlock)
{
    while (l->held) {
        struct held *mine = l->held;

        l->held = mine->next;
        if (unlock) {
            let_go(mine);
        } else {
            close(mine->fd);
            free(mine);
        }
    }
    if (l->fd >= 0)
        close(l->fd);
    free(l);
}

static int bytewise_open(const struct berth_host *h, const struct berth_place *place,
                         const struct berth_config *cfg, uint32_t flags,
                         struct berth_locks **out, struct berth_error *err)
{
    const char *path = h->option_string(cfg, "path");
    int64_t count = h->option_int(cfg, "count");
    struct berth_locks *l;
    int r;

    if (count < 1 || count > MOST)
        return berth_fail(h, err, EINVAL, "count must be between 1 and %d", MOST);
    l = calloc(1, sizeof(*l));
    if (!l)
        return berth_fail(h, err, ENOMEM, "out of memory");
    l->h = h;
    l->count = (uint32_t)count;
    pthread_mutex_init(&l->mutex, NULL);
    if (path)
        snprintf(l->path, sizeof(l->path), "%s", path);
    else
        snprintf(l->path, sizeof(l->path), "%s/bytewise.locks", place->tmp_dir);
    r = prepare(l, flags, err);
    if (r < 0)
        let_all_go(l, 1);
    else
        *out = l;
    return r;
}

static void bytewise_close(struct berth_locks *l)
{
    if (l)
        let_all_go(l, 1);
}

static void bytewise_forked(struct berth_locks *l)
{
    if (l)
        let_all_go(l, 0);
}

static const struct berth_lock_ops ops = {
    .size = sizeof(ops),
    .probe = bytewise_probe,
    .open = bytewise_open,
    .close = bytewise_close,
    .forked = bytewise_forked,
    .allocate = bytewise_allocate,
    .claim = bytewise_claim,
    .release = bytewise_release,
    .release_all = bytewise_release_all,
    .count = bytewise_count,
    .held = bytewise_held,
    .acquire = bytewise_acquire,
    .drop = bytewise_drop,
};

static const struct berth_option options[] = {
    {"path", BERTH_OPTION_PATH, 0, NULL,
     "the file of the locks (default: bytewise.locks in tmp_dir)"},
    {"count", BERTH_OPTION_INT, 0, "2048", "number of locks"},
};

BERTH_LOCK_PLUGIN(lock_bytewise, &ops, .name = "bytewise", .version = "0.1",
                  .summary = "locks on ranges of one file", .license = "Apache-2.0",
                  .contact = "https://example.org/bugs",
                  .caps = BERTH_LOCK_CAP_TIMEOUT | BERTH_LOCK_CAP_HELD |
                          BERTH_LOCK_CAP_LIMITED | BERTH_LOCK_CAP_DEADLOCK,
                  .threads = BERTH_THREADS_PARALLEL,
                  .n_options = sizeof(options) / sizeof(*options), .options = options);
