/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment.h - the shared memory segment of locks that berth shares with podman.
 *
 * A header, then groups of 32 robust process-shared mutexes, each group with a word that
 * says which of its locks are allocated.  Integers are the machine's.  The layout and the
 * way the mutexes are made are podman's; see layout checks at the end.
 */
#ifndef LOCK_SHM_SEGMENT_H
#define LOCK_SHM_SEGMENT_H

#include <berth/lock.h>

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SEGMENT_MAGIC    0x87D1u
#define SEGMENT_PER_WORD 32u
#define SEGMENT_NAME_MAX 255u

struct segment_group {
    uint32_t bitmap; /* bit k set: lock 32 * group + k is allocated */
    pthread_mutex_t mutex[SEGMENT_PER_WORD];
};

struct segment_file {
    uint16_t magic;
    uint16_t unused; /* 0 */
    pthread_mutex_t segment_lock;
    uint32_t num_bitmaps;
    uint32_t num_locks; /* num_bitmaps * 32 */
    struct segment_group groups[];
};

/* Another C library, or another word size, puts the mutexes elsewhere, and neither side
 * could tell.  Where podman's compiler and ours surely agree is checked here. */
#if !defined(__GLIBC__)
#error "lock_shm shares mutexes with programs built on glibc: configure --disable-lock-shm"
#elif defined(__x86_64__) && defined(__LP64__)
#define SEGMENT_HEADER_SIZE 56
#define SEGMENT_GROUP_SIZE  1288
#elif defined(__aarch64__) && defined(__LP64__)
#define SEGMENT_HEADER_SIZE 64
#define SEGMENT_GROUP_SIZE  1544
#elif defined(LOCK_SHM_ANY_LAYOUT)
#define SEGMENT_HEADER_SIZE sizeof(struct segment_file)
#define SEGMENT_GROUP_SIZE  sizeof(struct segment_group)
#else
#error "nobody has compared podman's lock segment with ours on this machine: "                 \
    "configure --disable-lock-shm, or define LOCK_SHM_ANY_LAYOUT to try"
#endif
_Static_assert(offsetof(struct segment_file, magic) == 0, "layout of the lock segment");
_Static_assert(offsetof(struct segment_file, unused) == 2, "layout of the lock segment");
_Static_assert(offsetof(struct segment_file, num_locks) ==
                   offsetof(struct segment_file, num_bitmaps) + 4,
               "layout of the lock segment");
_Static_assert(offsetof(struct segment_file, groups) == SEGMENT_HEADER_SIZE,
               "layout of the lock segment");
_Static_assert(sizeof(struct segment_group) == SEGMENT_GROUP_SIZE,
               "layout of the lock segment");

/*
 * A segment that this process has mapped.  Instances that open the same segment share the
 * mapping: a mutex should have one address in a process, and a thread that got a lock
 * through one instance must not wait for itself through another.
 */
struct segment {
    struct segment *next; /* in the list of all that are open */
    unsigned refs;
    pid_t pid; /* who mapped it: a child's copy of the list is not the child's */
    dev_t dev;
    ino_t ino;
    size_t size;
    uint32_t n_locks;
    struct segment_file *file;
    uint32_t owner[]; /* segment_thread_self() of the holder, for each lock; 0: not of this
                         process */
};

/* Look up or make the segment NAME ("/libpod_lock") for COUNT locks, rounded up to a
 * multiple of 32; FLAGS are those of open().  On success *OUT is a reference that
 * segment_close() or segment_forget() gives back.  -ENOENT, -ERANGE (made with another
 * number of locks), -EUCLEAN (damaged, nothing was written), -EPERM (somebody else's), or
 * what the system said. */
int segment_open(const struct berth_host *h, const char *name, uint32_t count, uint32_t flags,
                 struct segment **out, struct berth_error *err);

/* Give a reference back.  The last one releases what the calling thread still holds; if
 * other threads hold locks the memory stays mapped, because the kernel and the C library
 * keep pointers into it. */
void segment_close(const struct berth_host *h, struct segment *seg);

/* The same in a child made by fork(): lets go of the memory and touches nothing in it. */
void segment_forget(struct segment *seg);

/* The model spares a call for each look at it.  It takes 4 of the some hundred bytes that the
 * C library keeps for modules which are loaded late. */
extern _Thread_local uint32_t segment_thread __attribute__((tls_model("initial-exec")));
uint32_t segment_thread_new(void);

/* A number for the calling thread that no other thread of this process ever has; not 0. */
static inline uint32_t segment_thread_self(void)
{
    return segment_thread ? segment_thread : segment_thread_new();
}

/* The mutex of lock ID, which is in range: all mutexes before it, and the bitmap of each group
 * up to its own.  By indexes it would be a multiplication and twice as many steps. */
static inline pthread_mutex_t *segment_mutex(const struct segment *seg, uint32_t id)
{
    size_t mutexes = id * sizeof(pthread_mutex_t);
    size_t bitmaps = id / SEGMENT_PER_WORD * offsetof(struct segment_group, mutex);

    return (pthread_mutex_t *)((char *)seg->file->groups[0].mutex + mutexes + bitmaps);
}

/* What glibc keeps in the word "kind". */
#define KIND_ROBUST     0x10
#define KIND_PSHARED    0x80
#define KIND_NO_ELISION 0x200 /* set by those who ask for PTHREAD_MUTEX_NORMAL by name */
#define KIND_TYPE       0x03

/*
 * The bytes come from another process.  With other kinds glibc does other things, and
 * aborts over what it takes for its own mistakes, so it gets to see these only: robust,
 * shared, and of type normal, recursive or error-checking.
 */
static inline int mutex_kind_known(const pthread_mutex_t *m)
{
    int kind = __atomic_load_n(&m->__data.__kind, __ATOMIC_RELAXED) & ~KIND_NO_ELISION;

    return (kind & ~KIND_TYPE) == (KIND_ROBUST | KIND_PSHARED) && (kind & KIND_TYPE) != 3;
}

/* Get a mutex that nobody has: 0 or a positive errno for mutex_take_slowly(). */
static inline int mutex_try(pthread_mutex_t *m)
{
    return mutex_kind_known(m) ? pthread_mutex_trylock(m) : EUCLEAN;
}

/* Go on after mutex_try() gave CODE: 0, BERTH_LOCK_ORPHANED, or a negative errno that nobody
 * has described yet: -EBUSY, -ETIMEDOUT, -ECANCELED, -ENOTRECOVERABLE, -EUCLEAN (these bytes
 * are no mutex of the kind that we share). */
int mutex_take_slowly(const struct berth_host *h, pthread_mutex_t *m, berth_deadline deadline,
                      int code);

/* Both. */
static inline int mutex_take(const struct berth_host *h, pthread_mutex_t *m,
                             berth_deadline deadline)
{
    int code = mutex_try(m);

    return code == 0 ? 0 : mutex_take_slowly(h, m, deadline, code);
}

/* Let a mutex go: 0 or a negative errno. */
int mutex_give_again(pthread_mutex_t *m);

static inline int mutex_give(pthread_mutex_t *m)
{
    int r = pthread_mutex_unlock(m);

    return r == EAGAIN ? mutex_give_again(m) : -r;
}

/* Does some thread of some process hold it?  A look in passing, for diagnostics. */
int mutex_held(const pthread_mutex_t *m);

/* The text for a failure of mutex_take(). */
const char *mutex_reason(int code);

#endif
