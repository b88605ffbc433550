/* SPDX-License-Identifier: Apache-2.0 */
/* A number that is handed out again comes with another lock. */
#include "wrong_lock.h"
#include <sys/mman.h>

#define HALF (COUNT / 2)

/* Seen by all processes: how often each number was given back. */
static unsigned char *age;

static int open_(const struct berth_host *h, const struct berth_place *place,
                 const struct berth_config *cfg, uint32_t flags, struct berth_locks **out,
                 struct berth_error *err)
{
    if (!age)
        age = mmap(NULL, HALF, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return RIGHT->open(h, place, cfg, flags, out, err);
}

static int release(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    if (id < HALF)
        age[id]++;
    return RIGHT->release(l, id, err);
}

static uint32_t lock_of(uint32_t id)
{
    return id < HALF && age[id] % 2 ? id + HALF : id;
}

static int acquire(struct berth_locks *l, uint32_t id, berth_deadline deadline,
                   struct berth_error *err)
{
    return RIGHT->acquire(l, lock_of(id), deadline, err);
}

/* It may have been got before the number was given back. */
static int drop(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    int r = RIGHT->drop(l, lock_of(id), NULL);

    return r == -EPERM && id < HALF ? RIGHT->drop(l, lock_of(id) == id ? id + HALF : id, err)
           : r < 0                  ? RIGHT->drop(l, id, err)
                                    : r;
}

WRONG(lock_new_lock, .open = open_, .release = release, .acquire = acquire, .drop = drop);
