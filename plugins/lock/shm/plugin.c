/* SPDX-License-Identifier: Apache-2.0 */
/* lock_shm: locks in a shared memory segment, the one that podman uses. */
#include "segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_COUNT (1 << 20) /* 40 MiB of mutexes */

struct berth_locks {
    const struct berth_host *h;
    struct segment *seg;
    int readonly;
};

/* ------------------------------------------------------------- configuration */

/* podman's names: one for root, one for each other user, whatever storage they use. */
static int segment_name(const struct berth_host *h, const struct berth_place *place,
                        const struct berth_config *cfg, char name[SEGMENT_NAME_MAX + 2],
                        struct berth_error *err)
{
    const char *option = h->option_string(cfg, "name");
    size_t len;

    if (!option) {
        if (BERTH_HAS(place, flags) && place->flags & BERTH_PLACE_ROOTLESS)
            snprintf(name, SEGMENT_NAME_MAX, "/libpod_rootless_lock_%u", place->uid);
        else
            snprintf(name, SEGMENT_NAME_MAX, "/libpod_lock");
        return 0;
    }
    option += option[0] == '/';
    len = strlen(option);
    if (len == 0 || len >= SEGMENT_NAME_MAX || strchr(option, '/') ||
        strcmp(option, ".") == 0 || strcmp(option, "..") == 0)
        return berth_fail(h, err, EINVAL, "\"%s\" cannot name a lock segment", option);
    snprintf(name, SEGMENT_NAME_MAX + 2, "/%s", option);
    return 0;
}

static int lock_probe(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, struct berth_error *err)
{
    (void)place;
    (void)cfg;
    if (access("/dev/shm", R_OK | W_OK | X_OK) < 0)
        return berth_fail(h, err, errno, "cannot use /dev/shm");
    return 0;
}

static int lock_open(const struct berth_host *h, const struct berth_place *place,
                     const struct berth_config *cfg, uint32_t flags, struct berth_locks **out,
                     struct berth_error *err)
{
    char name[SEGMENT_NAME_MAX + 2];
    int64_t count = h->option_int(cfg, "count");
    struct berth_locks *l;
    int r;

    if (count < 1 || count > MAX_COUNT)
        return berth_fail(h, err, EINVAL, "the number of locks must be 1 to %d, not %lld",
                          MAX_COUNT, (long long)count);
    r = segment_name(h, place, cfg, name, err);
    if (r < 0)
        return r;
    l = calloc(1, sizeof(*l));
    if (!l)
        return berth_fail(h, err, ENOMEM, "no memory for the lock manager");
    l->h = h;
    if (BERTH_HAS(place, flags) && place->flags & BERTH_PLACE_READONLY) {
        l->readonly = 1;
        flags = 0;
    }
    r = segment_open(h, name, (uint32_t)count, flags, &l->seg, err);
    if (r < 0) {
        free(l);
        return r;
    }
    *out = l;
    return 0;
}

static void lock_close(struct berth_locks *l)
{
    if (!l)
        return;
    segment_close(l->h, l->seg);
    free(l);
}

static void lock_forked(struct berth_locks *l)
{
    if (!l)
        return;
    segment_forget(l->seg);
    free(l);
}

/* ----------------------------------------------------------------- numbers */

/*
 * The bitmap words change under segment_lock.  Its owner may have died in between: every
 * change is one word, so there is nothing to repair.
 */
static int bitmap_begin(struct berth_locks *l, int writing, struct berth_error *err)
{
    int r;

    if (writing && l->readonly)
        return berth_fail(l->h, err, EROFS, "the engine may not write");
    r = mutex_take(l->h, &l->seg->file->segment_lock, BERTH_WAIT_FOREVER);
    if (r < 0)
        return berth_fail(l->h, err, -r, "the lock of the lock segment: %s", mutex_reason(r));
    return 0;
}

static int bitmap_end(struct berth_locks *l, int result, struct berth_error *err)
{
    int r = mutex_give(&l->seg->file->segment_lock);

    if (r < 0 && result >= 0)
        return berth_fail(l->h, err, -r, "cannot release the lock of the lock segment");
    return result;
}

static int range_check(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    if (id >= l->seg->n_locks)
        return berth_fail(l->h, err, ERANGE, "there is no lock %u, the last is %u", id,
                          l->seg->n_locks - 1);
    return 0;
}

static int lock_allocate(struct berth_locks *l, uint32_t *out_id, struct berth_error *err)
{
    struct segment_group *groups = l->seg->file->groups;
    uint32_t n = l->seg->n_locks / SEGMENT_PER_WORD;
    int r = bitmap_begin(l, 1, err);

    if (r < 0)
        return r;
    for (uint32_t g = 0; g < n; g++) {
        uint32_t word = groups[g].bitmap;

        if (word != UINT32_MAX) {
            uint32_t k = (uint32_t)__builtin_ctz(~word);

            groups[g].bitmap = word | 1u << k;
            r = bitmap_end(l, 0, err);
            if (r == 0)
                *out_id = g * SEGMENT_PER_WORD + k;
            return r;
        }
    }
    return bitmap_end(
        l, berth_fail(l->h, err, ENOSPC, "all %u locks are allocated", l->seg->n_locks), err);
}

static int lock_claim(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    uint32_t *word, bit = 1u << id % SEGMENT_PER_WORD;
    int r = range_check(l, id, err);

    if (r < 0)
        return r;
    r = bitmap_begin(l, 1, err);
    if (r < 0)
        return r;
    word = &l->seg->file->groups[id / SEGMENT_PER_WORD].bitmap;
    if (*word & bit)
        r = berth_fail(l->h, err, EEXIST, "lock %u is allocated", id);
    else
        *word |= bit;
    return bitmap_end(l, r, err);
}

static int lock_release(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    uint32_t *word, bit = 1u << id % SEGMENT_PER_WORD;
    int r = range_check(l, id, err);

    if (r < 0)
        return r;
    r = bitmap_begin(l, 1, err);
    if (r < 0)
        return r;
    /* The mutex stays as it is: who waits for it still gets it, one after the other. */
    word = &l->seg->file->groups[id / SEGMENT_PER_WORD].bitmap;
    if (*word & bit)
        *word &= ~bit;
    else
        r = berth_fail(l->h, err, ENOENT, "lock %u is not allocated", id);
    return bitmap_end(l, r, err);
}

static int lock_release_all(struct berth_locks *l, struct berth_error *err)
{
    int r = bitmap_begin(l, 1, err);

    if (r < 0)
        return r;
    for (uint32_t g = 0; g < l->seg->n_locks / SEGMENT_PER_WORD; g++)
        l->seg->file->groups[g].bitmap = 0;
    return bitmap_end(l, 0, err);
}

static int lock_count(struct berth_locks *l, struct berth_lock_count *out,
                      struct berth_error *err)
{
    uint32_t allocated = 0;
    int r = bitmap_begin(l, 0, err);

    if (r < 0)
        return r;
    for (uint32_t g = 0; g < l->seg->n_locks / SEGMENT_PER_WORD; g++)
        allocated += (uint32_t)__builtin_popcount(l->seg->file->groups[g].bitmap);
    r = bitmap_end(l, 0, err);
    if (r == 0) {
        if (BERTH_FITS(out, allocated))
            out->allocated = allocated;
        if (BERTH_FITS(out, available))
            out->available = l->seg->n_locks - allocated;
    }
    return r;
}

static int lock_held(struct berth_locks *l, berth_lock_fn *fn, void *arg,
                     struct berth_error *err)
{
    (void)err;
    for (uint32_t id = 0; id < l->seg->n_locks; id++) {
        int r = mutex_held(segment_mutex(l->seg, id)) ? fn(arg, id) : 0;

        if (r)
            return r;
    }
    return 0;
}

/* ------------------------------------------------------------------- locks */

/* Apart, so that the way without failures needs no registers for them: it is short enough for
 * that to count. */
static __attribute__((noinline, cold)) int refuse(struct berth_locks *l, uint32_t id, int code,
                                                  struct berth_error *err)
{
    switch (code) {
    case -ERANGE:
        return range_check(l, id, err);
    case -EDEADLK:
        return berth_fail(l->h, err, EDEADLK, "this thread has lock %u already", id);
    case -EPERM:
        return berth_fail(l->h, err, EPERM, "this thread does not have lock %u", id);
    default:
        return berth_fail(l->h, err, -code, "lock %u: %s", id, mutex_reason(code));
    }
}

/* Also apart: what trying at first did not do. */
static __attribute__((noinline)) int acquire_slowly(struct berth_locks *l, uint32_t id,
                                                    berth_deadline deadline, int code,
                                                    struct berth_error *err)
{
    int r = mutex_take_slowly(l->h, segment_mutex(l->seg, id), deadline, code);

    if (r < 0)
        return refuse(l, id, r, err);
    __atomic_store_n(&l->seg->owner[id], segment_thread, __ATOMIC_RELAXED);
    return r;
}

static int lock_acquire(struct berth_locks *l, uint32_t id, berth_deadline deadline,
                        struct berth_error *err)
{
    uint32_t self = segment_thread_self(), *owner = &l->seg->owner[id];
    int code;

    if (id >= l->seg->n_locks)
        return refuse(l, id, -ERANGE, err);
    if (__atomic_load_n(owner, __ATOMIC_RELAXED) == self)
        return refuse(l, id, -EDEADLK, err);
    code = mutex_try(segment_mutex(l->seg, id));
    if (code)
        return acquire_slowly(l, id, deadline, code, err);
    __atomic_store_n(owner, self, __ATOMIC_RELAXED);
    return 0;
}

static int lock_drop(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    struct segment *seg = l->seg;
    uint32_t owner;
    int r;

    if (id >= seg->n_locks)
        return refuse(l, id, -ERANGE, err);
    owner = __atomic_load_n(&seg->owner[id], __ATOMIC_RELAXED);
    if (owner == 0 || owner != segment_thread) /* a thread without number has no lock */
        return refuse(l, id, -EPERM, err);
    __atomic_store_n(&seg->owner[id], 0, __ATOMIC_RELAXED);
    r = mutex_give(segment_mutex(seg, id));
    return r < 0 ? refuse(l, id, r, err) : 0;
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

static const struct berth_option options[] = {
    {"name", BERTH_OPTION_STRING, 0, NULL,
     "name of the segment in /dev/shm; without it podman's name is used"},
    {"count", BERTH_OPTION_INT, 0, "2048", "number of locks, rounded up to a multiple of 32"},
};

BERTH_LOCK_PLUGIN(lock_shm, &ops, .name = "shm", .version = "1.0",
                  .summary = "locks in a shared memory segment, as podman's",
                  .license = "Apache-2.0", .contact = "the maintainers of berth",
                  .caps = BERTH_LOCK_CAP_TIMEOUT | BERTH_LOCK_CAP_ORPHANS |
                          BERTH_LOCK_CAP_HELD | BERTH_LOCK_CAP_LIMITED |
                          BERTH_LOCK_CAP_DEADLOCK,
                  .threads = BERTH_THREADS_PARALLEL,
                  .n_options = sizeof(options) / sizeof(options[0]), .options = options);
