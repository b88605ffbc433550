/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c - making, checking, opening and leaving the shared memory segment of locks. */
#include "segment.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SHM_DIR "/dev/shm" /* where glibc keeps what shm_open() names */

/* podman makes its segment in several steps under the final name.  One that looks like
 * this work in progress gets so long to be finished. */
#define MAKING_STEP_NS 5000000
#define MAKING_STEPS   200

static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct segment *open_segments;

_Thread_local uint32_t segment_thread __attribute__((tls_model("initial-exec")));

uint32_t segment_thread_new(void)
{
    static _Atomic uint32_t last;

    segment_thread = ++last;
    return segment_thread;
}

static uint32_t bitmaps_for(uint32_t count)
{
    return count / SEGMENT_PER_WORD + (count % SEGMENT_PER_WORD != 0);
}

static size_t size_for(uint32_t bitmaps)
{
    return sizeof(struct segment_file) + (size_t)bitmaps * sizeof(struct segment_group);
}

/* ------------------------------------------------------------ open segments */

static struct segment *find_open(dev_t dev, ino_t ino)
{
    struct segment *seg = open_segments;

    while (seg && (seg->dev != dev || seg->ino != ino || seg->pid != getpid()))
        seg = seg->next;
    return seg;
}

/* Reference the segment behind FD, mapping it if it is not mapped yet. */
static int attach(const struct berth_host *h, int fd, const struct stat *st, uint32_t bitmaps,
                  struct segment **out, struct berth_error *err)
{
    struct segment *seg;
    void *map;
    int r = 0;

    pthread_mutex_lock(&open_lock);
    seg = find_open(st->st_dev, st->st_ino);
    if (!seg) {
        uint32_t n_locks = bitmaps * SEGMENT_PER_WORD;

        seg = calloc(1, sizeof(*seg) + n_locks * sizeof(seg->owner[0]));
        if (!seg) {
            r = berth_fail(h, err, ENOMEM, "no memory for a table of %u locks", n_locks);
            goto out;
        }
        map = mmap(NULL, size_for(bitmaps), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) {
            r = berth_fail(h, err, errno, "cannot map the lock segment");
            free(seg);
            goto out;
        }
        seg->pid = getpid();
        seg->dev = st->st_dev;
        seg->ino = st->st_ino;
        seg->size = size_for(bitmaps);
        seg->n_locks = n_locks;
        seg->file = map;
        seg->next = open_segments;
        open_segments = seg;
    }
    seg->refs++;
    *out = seg;
out:
    pthread_mutex_unlock(&open_lock);
    return r;
}

static void forget(struct segment *seg)
{
    struct segment **p = &open_segments;

    while (*p != seg)
        p = &(*p)->next;
    *p = seg->next;
}

void segment_close(const struct berth_host *h, struct segment *seg)
{
    uint32_t foreign = 0;

    pthread_mutex_lock(&open_lock);
    if (--seg->refs) {
        pthread_mutex_unlock(&open_lock);
        return;
    }
    for (uint32_t id = 0; id < seg->n_locks; id++) {
        uint32_t owner = __atomic_load_n(&seg->owner[id], __ATOMIC_RELAXED);

        if (owner == 0)
            continue;
        if (owner == segment_thread_self()) {
            berth_log(h, BERTH_LOG_WARNING, "lock %u was still held", id);
            __atomic_store_n(&seg->owner[id], 0, __ATOMIC_RELAXED);
            mutex_give(segment_mutex(seg, id));
        } else if (mutex_held(segment_mutex(seg, id))) {
            foreign++;
        }
    }
    if (foreign) {
        berth_log(h, BERTH_LOG_WARNING, "other threads still hold locks (%u)", foreign);
    } else {
        forget(seg);
        munmap(seg->file, seg->size);
        free(seg);
    }
    pthread_mutex_unlock(&open_lock);
}

void segment_forget(struct segment *seg)
{
    /* The thread that had this mutex at fork() is not in the child. */
    open_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    if (--seg->refs)
        return;
    forget(seg);
    munmap(seg->file, seg->size);
    free(seg);
}

/* ------------------------------------------------------------------- making */

static int make_mutexes(struct segment_file *file, uint32_t bitmaps)
{
    pthread_mutexattr_t attr;
    int r = pthread_mutexattr_init(&attr);

    if (r)
        return r;
    /* The type is left alone: setting one, even the default, changes a bit in memory. */
    r = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (r == 0)
        r = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    if (r == 0)
        r = pthread_mutex_init(&file->segment_lock, &attr);
    for (uint32_t g = 0; r == 0 && g < bitmaps; g++)
        for (uint32_t k = 0; r == 0 && k < SEGMENT_PER_WORD; k++)
            r = pthread_mutex_init(&file->groups[g].mutex[k], &attr);
    pthread_mutexattr_destroy(&attr);
    return r;
}

/* Fill the new, empty file FD.  Returns a positive errno. */
static int fill(int fd, uint32_t bitmaps)
{
    size_t size = size_for(bitmaps);
    struct segment_file *file;
    int r;

    if (ftruncate(fd, (off_t)size) < 0)
        return errno;
    /* Where memory is short, say so here and not with SIGBUS at the first write. */
    r = posix_fallocate(fd, 0, (off_t)size);
    if (r && r != EOPNOTSUPP && r != EINVAL)
        return r;
    file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (file == MAP_FAILED)
        return errno;
    r = make_mutexes(file, bitmaps);
    if (r == 0) {
        file->num_locks = bitmaps * SEGMENT_PER_WORD;
        file->num_bitmaps = bitmaps;
        /* Last, for those who look at a segment that is being made. */
        __atomic_store_n(&file->magic, SEGMENT_MAGIC, __ATOMIC_RELEASE);
    }
    munmap(file, size);
    return r;
}

/* Make the segment without a name and give it its name when it is complete, so that
 * nobody ever sees a part.  Returns a positive errno; ENOTSUP: not here. */
static int make_whole(const char *name, uint32_t bitmaps)
{
    char from[64], path[sizeof(SHM_DIR) + SEGMENT_NAME_MAX + 1];
    int r, fd = open(SHM_DIR, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno == EISDIR || errno == EOPNOTSUPP || errno == EINVAL ? ENOTSUP : errno;
    r = fill(fd, bitmaps);
    if (r == 0) {
        snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
        snprintf(path, sizeof(path), SHM_DIR "%s", name);
        if (linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
            r = errno == ENOENT ? ENOTSUP : errno; /* no /proc here */
    }
    close(fd);
    return r;
}

/* podman's way, where the other one does not work. */
static int make_in_place(const char *name, uint32_t bitmaps)
{
    int r, fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

    if (fd < 0)
        return errno;
    r = fill(fd, bitmaps);
    close(fd);
    if (r)
        shm_unlink(name);
    return r;
}

static int make(const struct berth_host *h, const char *name, uint32_t bitmaps,
                struct berth_error *err)
{
    int r = make_whole(name, bitmaps);

    if (r == ENOTSUP)
        r = make_in_place(name, bitmaps);
    if (r == EEXIST)
        return -EEXIST;
    if (r)
        return berth_fail(h, err, r, "cannot make the lock segment " SHM_DIR "%s", name);
    berth_debug(h, "made the lock segment " SHM_DIR "%s", name);
    return 0;
}

/* ----------------------------------------------------------------- checking */

/* Fresh memory is zero; the kind of a mutex is not. */
static int mutex_made(const pthread_mutex_t *m)
{
    return __atomic_load_n(&m->__data.__kind, __ATOMIC_RELAXED) != 0;
}

/*
 * Look at the file through read(2), which, unlike a mapping, bears a file that is too
 * short.  0: *BITMAPS is the number of groups, and as many are there.  -EAGAIN: this is
 * what a segment looks like while podman makes it, or when its maker died; WHAT says where
 * it stands, and there is no error yet.
 */
static int check(const struct berth_host *h, int fd, const struct stat *st, const char *name,
                 uint32_t *bitmaps, const char **what, struct berth_error *err)
{
    struct segment_file head;
    pthread_mutex_t last;
    ssize_t n;

    if (!S_ISREG(st->st_mode))
        return berth_fail(h, err, EUCLEAN, SHM_DIR "%s is not a regular file", name);
    if (st->st_uid != geteuid())
        return berth_fail(h, err, EPERM,
                          "the lock segment " SHM_DIR "%s belongs to user %ju, not to us", name,
                          (uintmax_t)st->st_uid);
    *what = "is empty";
    if (st->st_size == 0)
        return -EAGAIN;
    n = pread(fd, &head, sizeof(head), 0);
    if (n < 0)
        return berth_fail(h, err, errno, "cannot read the lock segment " SHM_DIR "%s", name);
    if ((size_t)n < sizeof(head))
        return berth_fail(h, err, EUCLEAN,
                          "the lock segment " SHM_DIR "%s is truncated: %jd bytes, without the "
                          "header's %zu",
                          name, (intmax_t)st->st_size, sizeof(head));
    *what = "has no header";
    if (head.magic == 0 && head.num_locks == 0 && head.num_bitmaps == 0)
        return -EAGAIN;
    if (head.magic != SEGMENT_MAGIC && head.magic != 0)
        return berth_fail(h, err, EUCLEAN,
                          SHM_DIR "%s is no lock segment: it begins with 0x%04x, not 0x%04x",
                          name, head.magic, SEGMENT_MAGIC);
    if (head.unused != 0)
        return berth_fail(h, err, EUCLEAN,
                          "the lock segment " SHM_DIR "%s has version %u; only 0 is known",
                          name, head.unused);
    *what = "has half a header";
    if (head.magic == 0 || head.num_locks == 0 || head.num_bitmaps == 0)
        return -EAGAIN;
    if ((uint64_t)head.num_bitmaps * SEGMENT_PER_WORD != head.num_locks)
        return berth_fail(h, err, EUCLEAN,
                          "the lock segment " SHM_DIR "%s claims %u locks in %u groups of %u",
                          name, head.num_locks, head.num_bitmaps, SEGMENT_PER_WORD);
    if ((uintmax_t)st->st_size != size_for(head.num_bitmaps))
        return berth_fail(
            h, err, EUCLEAN,
            "the lock segment " SHM_DIR "%s is %s: %jd bytes, %zu for %u locks", name,
            (uintmax_t)st->st_size < size_for(head.num_bitmaps) ? "truncated" : "too long",
            (intmax_t)st->st_size, size_for(head.num_bitmaps), head.num_locks);

    /* podman makes the mutexes in ascending order. */
    *what = "has no mutexes";
    n = pread(fd, &last, sizeof(last), st->st_size - (off_t)sizeof(last));
    if (n != (ssize_t)sizeof(last))
        return berth_fail(h, err, n < 0 ? errno : EUCLEAN,
                          "cannot read the lock segment " SHM_DIR "%s", name);
    if (!mutex_made(&head.segment_lock) || !mutex_made(&last))
        return -EAGAIN;
    *bitmaps = head.num_bitmaps;
    return 0;
}

/* Open what is there, waiting if it is being made. */
static int open_there(const struct berth_host *h, const char *name, uint32_t bitmaps,
                      struct segment **out, struct berth_error *err)
{
    static const struct timespec step = {0, MAKING_STEP_NS};
    const char *what = "";
    uint32_t there = 0;
    struct stat st;
    int r, fd;

    for (int i = 0;; i++) {
        fd = shm_open(name, O_RDWR, 0);
        if (fd < 0)
            return errno == ENOENT
                       ? -ENOENT
                       : berth_fail(h, err, errno, "cannot open the lock segment " SHM_DIR "%s",
                                    name);
        if (fstat(fd, &st) < 0)
            r = berth_fail(h, err, errno, "cannot look at " SHM_DIR "%s", name);
        else
            r = check(h, fd, &st, name, &there, &what, err);
        if (r != -EAGAIN)
            break;
        close(fd);
        if (i == MAKING_STEPS)
            return berth_fail(h, err, EUCLEAN,
                              "the lock segment " SHM_DIR "%s %s: its maker died", name, what);
        if (h->cancelled(h->core))
            return berth_fail(h, err, ECANCELED, "interrupted while " SHM_DIR "%s was made",
                              name);
        nanosleep(&step, NULL);
    }
    if (r == 0 && there != bitmaps)
        r = berth_fail(h, err, ERANGE,
                       "the lock segment " SHM_DIR
                       "%s has %u locks, the configuration wants %u",
                       name, there * SEGMENT_PER_WORD, bitmaps * SEGMENT_PER_WORD);
    if (r == 0)
        r = attach(h, fd, &st, bitmaps, out, err);
    close(fd);
    return r;
}

/* ------------------------------------------------------------ starting over */

/* Make a mutex that nobody holds as good as new: 0, or -EBUSY. */
static int renew(const struct berth_host *h, pthread_mutex_t *m)
{
    int r = mutex_take(h, m, BERTH_NO_WAIT);

    return r < 0 ? -EBUSY : mutex_give(m);
}

/* Free all locks of a segment in place; -EBUSY if one is in use or beyond repair. */
static int renew_all(const struct berth_host *h, struct segment *seg)
{
    int r = renew(h, &seg->file->segment_lock);

    for (uint32_t id = 0; r == 0 && id < seg->n_locks; id++)
        r = renew(h, segment_mutex(seg, id));
    if (r)
        return -EBUSY;
    for (uint32_t g = 0; g < seg->n_locks / SEGMENT_PER_WORD; g++)
        __atomic_store_n(&seg->file->groups[g].bitmap, 0, __ATOMIC_RELAXED);
    return 0;
}

/*
 * Throw away what is there.  A sound segment is emptied and kept, so that a program which
 * has it open after all, podman's cleanup of an old container say, goes on excluding us.
 * Anything else is unlinked: whoever has it open keeps his own.
 */
static int start_over(const struct berth_host *h, const char *name, uint32_t bitmaps,
                      struct segment **out, struct berth_error *err)
{
    struct segment *seg = NULL;
    int r = open_there(h, name, bitmaps, &seg, NULL);

    if (r == 0) {
        if (renew_all(h, seg) == 0) {
            *out = seg;
            return 0;
        }
        segment_close(h, seg);
    } else if (r == -ENOENT) {
        return -ENOENT;
    } else if (r != -EUCLEAN && r != -ERANGE && r != -EPERM) {
        return open_there(h, name, bitmaps, out, err); /* for the reason */
    }
    berth_log(h, BERTH_LOG_NOTICE, "replacing the lock segment " SHM_DIR "%s", name);
    if (shm_unlink(name) < 0 && errno != ENOENT)
        return berth_fail(h, err, errno, "cannot remove the lock segment " SHM_DIR "%s", name);
    return -ENOENT;
}

int segment_open(const struct berth_host *h, const char *name, uint32_t count, uint32_t flags,
                 struct segment **out, struct berth_error *err)
{
    uint32_t bitmaps = bitmaps_for(count);
    int r;

    if (flags & BERTH_LOCK_RECREATE) {
        r = start_over(h, name, bitmaps, out, err);
        if (r != -ENOENT)
            return r;
    }
    for (int i = 0; i < 10; i++) {
        r = open_there(h, name, bitmaps, out, err);
        if (r != -ENOENT)
            return r;
        if (!(flags & (BERTH_LOCK_CREATE | BERTH_LOCK_RECREATE)))
            return berth_fail(h, err, ENOENT, "there is no lock segment " SHM_DIR "%s", name);
        r = make(h, name, bitmaps, err);
        if (r != 0 && r != -EEXIST) /* somebody else was faster */
            return r;
    }
    return berth_fail(h, err, EBUSY, "the lock segment " SHM_DIR "%s comes and goes", name);
}
