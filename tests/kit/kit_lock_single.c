/* SPDX-License-Identifier: Apache-2.0 */
/* kit_lock_single.c - lock cases for one process. */
#include "tests/kit/kit_lock.h"

#include <fcntl.h>
#include <pthread.h>

#define FDS 1024

/* Which descriptors are open. */
static void list_fds(char open_fds[FDS])
{
    for (int fd = 0; fd < FDS; fd++)
        open_fds[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* Compare: how many are new, and how many of those a program would inherit. */
static void new_fds(const char before[FDS], int *all, int *inherited)
{
    *all = *inherited = 0;
    for (int fd = 0; fd < FDS; fd++) {
        int flags = fcntl(fd, F_GETFD);

        *all += flags >= 0 && !before[fd];
        *inherited += flags >= 0 && !before[fd] && !(flags & FD_CLOEXEC);
    }
}

static int open_and_close(struct kit_lock *k)
{
    struct berth_locks *l = NULL;
    char before[FDS];
    int all, inherited;

    list_fds(before);
    if (k->ops.probe)
        GIVES(k, 0, k->ops.probe(&k->host, &k->place, k->cfg, k->err));
    FAILS(k, ENOENT, k->ops.open(&k->host, &k->place, k->cfg, 0, &l, k->err));
    NEED(k, l == NULL);
    GIVES(k, 0, k->ops.open(&k->host, &k->place, k->cfg, BERTH_LOCK_CREATE, &l, k->err));
    new_fds(before, &all, &inherited);
    NEED(k, inherited == 0);
    k->ops.close(l);
    for (int i = 0; i < 200; i++) {
        GIVES(k, 0, k->ops.open(&k->host, &k->place, k->cfg, 0, &l, k->err));
        k->ops.close(l);
    }
    k->ops.close(NULL);
    k->ops.forked(NULL);
    new_fds(before, &all, &inherited);
    NEED(k, all == 0);
    return 0;
}

static int lowest_number(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    uint32_t id;

    NEED(k, l);
    for (uint32_t i = 0; i < 40; i++) {
        GIVES(k, 0, k->ops.allocate(l, &id, k->err));
        NEED(k, id == i);
    }
    GIVES(k, 0, k->ops.release(l, 33, k->err));
    GIVES(k, 0, k->ops.release(l, 7, k->err));
    GIVES(k, 0, k->ops.allocate(l, &id, k->err));
    NEED(k, id == 7);
    GIVES(k, 0, k->ops.allocate(l, &id, k->err));
    NEED(k, id == 33);
    GIVES(k, 0, k->ops.allocate(l, &id, k->err));
    NEED(k, id == 40);
    kit_close(k, l);
    return 0;
}

static int claim_and_release(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    uint32_t id = 0;

    NEED(k, l);
    GIVES(k, 0, k->ops.claim(l, 5, k->err));
    FAILS(k, EEXIST, k->ops.claim(l, 5, k->err));
    for (int i = 0; i < 6; i++)
        GIVES(k, 0, k->ops.allocate(l, &id, k->err));
    NEED(k, id == 6); /* 5 was passed over */
    GIVES(k, 0, k->ops.release(l, 5, k->err));
    FAILS(k, ENOENT, k->ops.release(l, 5, k->err));
    GIVES(k, 0, k->ops.claim(l, 5, k->err));
    GIVES(k, 0, k->ops.release_all(l, k->err));
    FAILS(k, ENOENT, k->ops.release(l, 5, k->err));
    GIVES(k, 0, k->ops.release_all(l, k->err));
    kit_close(k, l);
    return 0;
}

static int counting(struct kit_lock *k)
{
    struct berth_lock_count c = {.size = sizeof(c)};
    struct berth_locks *l = kit_fresh(k);
    uint32_t id;

    NEED(k, l);
    GIVES(k, 0, k->ops.count(l, &c, k->err));
    NEED(k, c.allocated == 0);
    NEED(k, c.size == sizeof(c));
    NEED(k, (c.available == UINT32_MAX) == !k->limited);
    for (uint32_t i = 1; i < 40; i++) {
        uint32_t available = c.available;

        GIVES(k, 0, k->ops.allocate(l, &id, k->err));
        GIVES(k, 0, k->ops.count(l, &c, k->err));
        NEED(k, c.allocated == i);
        NEED(k, c.available == (k->limited ? available - 1 : UINT32_MAX));
    }
    /* An older engine's struct ends earlier. */
    c.size = offsetof(struct berth_lock_count, available);
    c.allocated = c.available = 4711;
    GIVES(k, 0, k->ops.count(l, &c, k->err));
    NEED(k, c.allocated == 39 && c.available == 4711);
    kit_close(k, l);
    return 0;
}

static int exhaustion(struct kit_lock *k)
{
    struct berth_lock_count c = {.size = sizeof(c)};
    struct berth_locks *l = kit_fresh(k);
    uint32_t id = 0, all;

    NEED(k, l);
    GIVES(k, 0, k->ops.count(l, &c, k->err));
    all = c.available;
    NEED(k, all > 8);
    for (uint32_t i = 0; i < all; i++) {
        GIVES(k, 0, k->ops.allocate(l, &id, k->err));
        NEED(k, id == i);
    }
    id = 4711;
    FAILS(k, ENOSPC, k->ops.allocate(l, &id, k->err));
    NEED(k, id == 4711);
    GIVES(k, 0, k->ops.count(l, &c, k->err));
    NEED(k, c.allocated == all && c.available == 0);
    GIVES(k, 0, k->ops.release(l, all / 2, k->err));
    GIVES(k, 0, k->ops.allocate(l, &id, k->err));
    NEED(k, id == all / 2);
    FAILS(k, ENOSPC, k->ops.allocate(l, &id, k->err));
    GIVES(k, 0, k->ops.release_all(l, k->err));
    GIVES(k, 0, k->ops.allocate(l, &id, k->err));
    NEED(k, id == 0);
    kit_close(k, l);
    return 0;
}

static int out_of_range(struct kit_lock *k)
{
    struct berth_lock_count c = {.size = sizeof(c)};
    struct berth_locks *l = kit_fresh(k);
    uint32_t beyond[2];

    NEED(k, l);
    GIVES(k, 0, k->ops.count(l, &c, k->err));
    beyond[0] = c.available;
    beyond[1] = UINT32_MAX;
    for (int i = 0; i < 2; i++) {
        FAILS(k, ERANGE, k->ops.claim(l, beyond[i], k->err));
        FAILS(k, ERANGE, k->ops.acquire(l, beyond[i], BERTH_NO_WAIT, k->err));
        NEED(k, k->ops.drop(l, beyond[i], NULL) < 0);
        NEED(k, k->ops.release(l, beyond[i], NULL) < 0);
    }
    GIVES(k, 0, k->ops.acquire(l, c.available - 1, BERTH_NO_WAIT, k->err));
    GIVES(k, 0, k->ops.drop(l, c.available - 1, k->err));
    kit_close(k, l);
    return 0;
}

static int persistence(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    struct berth_lock_count c = {.size = sizeof(c)};
    uint32_t id;

    NEED(k, l);
    GIVES(k, 0, k->ops.allocate(l, &id, k->err));
    GIVES(k, 0, k->ops.claim(l, 20, k->err));
    kit_close(k, l);
    l = kit_again(k);
    NEED(k, l);
    GIVES(k, 0, k->ops.count(l, &c, k->err));
    NEED(k, c.allocated == 2);
    FAILS(k, EEXIST, k->ops.claim(l, 20, k->err));
    kit_close(k, l);
    l = kit_fresh(k); /* RECREATE */
    NEED(k, l);
    GIVES(k, 0, k->ops.count(l, &c, k->err));
    NEED(k, c.allocated == 0);
    kit_close(k, l);
    return 0;
}

/* ------------------------------------------------------------------- locking */

struct other {
    struct berth_locks *l;
    uint32_t id;
    berth_deadline deadline;
    struct berth_error *err;
};

static int other_acquires(struct kit_lock *k, void *arg)
{
    struct other *o = arg;
    int r = k->ops.acquire(o->l, o->id, o->deadline, o->err);

    if (r >= 0)
        k->ops.drop(o->l, o->id, NULL);
    return r;
}

static int other_drops(struct kit_lock *k, void *arg)
{
    struct other *o = arg;

    return k->ops.drop(o->l, o->id, o->err);
}

static int acquire_and_drop(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    const berth_deadline deadlines[] = {BERTH_NO_WAIT, 1, kit_now() + 1000000000u,
                                        BERTH_WAIT_FOREVER};

    NEED(k, l);
    FAILS(k, EPERM, k->ops.drop(l, 3, k->err));
    for (int i = 0; i < 4; i++) {
        /* A free lock is given whatever the deadline. */
        GIVES(k, 0, k->ops.acquire(l, 3, deadlines[i], k->err));
        GIVES(k, 0, k->ops.acquire(l, 4, deadlines[i], k->err));
        GIVES(k, 0, k->ops.drop(l, 3, k->err));
        GIVES(k, 0, k->ops.drop(l, 4, k->err));
        FAILS(k, EPERM, k->ops.drop(l, 3, k->err));
    }
    NEED(k, k->ops.drop(l, 3, NULL) == -EPERM); /* without an error to fill in */
    kit_close(k, l);
    return 0;
}

/* Numbers that nobody has allocated can be locked, and stay free. */
static int not_allocated(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    struct berth_lock_count c = {.size = sizeof(c)};

    NEED(k, l);
    GIVES(k, 0, k->ops.acquire(l, 9, BERTH_NO_WAIT, k->err));
    GIVES(k, 0, k->ops.count(l, &c, k->err));
    NEED(k, c.allocated == 0);
    GIVES(k, 0, k->ops.drop(l, 9, k->err));
    GIVES(k, 0, k->ops.count(l, &c, k->err));
    NEED(k, c.allocated == 0);
    GIVES(k, 0, k->ops.claim(l, 9, k->err));
    /* ... and while they are locked they can be taken and given back. */
    GIVES(k, 0, k->ops.acquire(l, 9, BERTH_NO_WAIT, k->err));
    GIVES(k, 0, k->ops.release(l, 9, k->err));
    GIVES(k, 0, k->ops.claim(l, 9, k->err));
    GIVES(k, 0, k->ops.drop(l, 9, k->err));
    FAILS(k, EEXIST, k->ops.claim(l, 9, k->err));
    kit_close(k, l);
    return 0;
}

static int many_at_once(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    struct berth_lock_count c = {.size = sizeof(c)};
    uint32_t n;

    NEED(k, l);
    GIVES(k, 0, k->ops.count(l, &c, k->err));
    n = c.available < 61 ? c.available : 61;
    for (uint32_t id = 0; id < n; id++)
        GIVES(k, 0, k->ops.acquire(l, id, BERTH_NO_WAIT, k->err));
    for (uint32_t id = 1; id < n; id += 2)
        GIVES(k, 0, k->ops.drop(l, id, k->err));
    for (uint32_t id = 0; id < n; id += 2)
        GIVES(k, 0, k->ops.drop(l, id, k->err));
    kit_close(k, l);
    return 0;
}

static int deadlock(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);

    NEED(k, l);
    GIVES(k, 0, k->ops.acquire(l, 2, BERTH_WAIT_FOREVER, k->err));
    FAILS(k, EDEADLK, k->ops.acquire(l, 2, BERTH_WAIT_FOREVER, k->err));
    FAILS(k, EDEADLK, k->ops.acquire(l, 2, BERTH_NO_WAIT, k->err));
    GIVES(k, 0, k->ops.acquire(l, 3, BERTH_WAIT_FOREVER, k->err));
    GIVES(k, 0, k->ops.drop(l, 2, k->err));
    GIVES(k, 0, k->ops.acquire(l, 2, BERTH_WAIT_FOREVER, k->err));
    GIVES(k, 0, k->ops.drop(l, 2, k->err));
    GIVES(k, 0, k->ops.drop(l, 3, k->err));
    kit_close(k, l);
    return 0;
}

static int other_thread(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    struct other o = {.l = l, .id = 2, .deadline = BERTH_NO_WAIT, .err = k->err};

    NEED(k, l);
    GIVES(k, 0, k->ops.acquire(l, 2, BERTH_NO_WAIT, k->err));
    FAILS(k, EBUSY, kit_on_thread(k, other_acquires, &o));
    FAILS(k, EPERM, kit_on_thread(k, other_drops, &o));
    FAILS(k, EBUSY, kit_on_thread(k, other_acquires, &o)); /* it did nothing */
    GIVES(k, 0, k->ops.drop(l, 2, k->err));
    GIVES(k, 0, kit_on_thread(k, other_acquires, &o));
    kit_close(k, l);
    return 0;
}

static int deadlines(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    struct other o = {.l = l, .id = 2, .err = k->err};

    NEED(k, l);
    GIVES(k, 0, k->ops.acquire(l, 2, BERTH_NO_WAIT, k->err));
    o.deadline = 1; /* long past */
    FAILS(k, ETIMEDOUT, kit_on_thread(k, other_acquires, &o));
    for (unsigned ms = 1; ms < 300; ms *= 6) {
        o.deadline = kit_now() + ms * 1000000u;
        FAILS(k, ETIMEDOUT, kit_on_thread(k, other_acquires, &o));
        NEED(k, kit_now() >= o.deadline);
    }
    GIVES(k, 0, k->ops.drop(l, 2, k->err));
    kit_close(k, l);
    return 0;
}

static void *cancel_later(void *arg)
{
    struct kit_lock *k = arg;

    kit_sleep(60);
    kit_cancel(1);
    return k;
}

static int cancellation(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    struct other o = {.l = l, .id = 2, .deadline = BERTH_WAIT_FOREVER, .err = k->err};
    pthread_t thread;

    NEED(k, l);
    GIVES(k, 0, k->ops.acquire(l, 2, BERTH_NO_WAIT, k->err));
    kit_cancel(1);
    FAILS(k, ECANCELED, kit_on_thread(k, other_acquires, &o));
    o.deadline = BERTH_NO_WAIT;
    FAILS(k, EBUSY, kit_on_thread(k, other_acquires, &o));
    kit_cancel(0);
    o.deadline = BERTH_WAIT_FOREVER;
    NEED(k, pthread_create(&thread, NULL, cancel_later, k) == 0);
    FAILS(k, ECANCELED, kit_on_thread(k, other_acquires, &o));
    pthread_join(thread, NULL);
    GIVES(k, 0, k->ops.drop(l, 2, k->err));
    /* Free locks are given even then: the caller decides what to stop. */
    GIVES(k, 0, k->ops.acquire(l, 2, BERTH_WAIT_FOREVER, k->err));
    GIVES(k, 0, k->ops.drop(l, 2, k->err));
    kit_close(k, l);
    return 0;
}

/* ---------------------------------------------------------------------- held */

struct seen {
    uint32_t ids[8];
    int n, stop_at;
};

static int see(void *arg, uint32_t id)
{
    struct seen *seen = arg;

    if (seen->n < 8)
        seen->ids[seen->n] = id;
    seen->n++;
    return seen->n == seen->stop_at ? 42 : 0;
}

static int has_seen(const struct seen *seen, uint32_t id)
{
    int n = 0;

    for (int i = 0; i < seen->n && i < 8; i++)
        n += seen->ids[i] == id;
    return n;
}

static int held_locks(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    struct seen seen = {.n = 0};
    uint32_t id;

    NEED(k, l);
    GIVES(k, 0, k->ops.allocate(l, &id, k->err));
    GIVES(k, 0, k->ops.held(l, see, &seen, k->err));
    NEED(k, seen.n == 0);
    GIVES(k, 0, k->ops.acquire(l, 4, BERTH_NO_WAIT, k->err)); /* 4 is not allocated */
    GIVES(k, 0, k->ops.acquire(l, 0, BERTH_NO_WAIT, k->err));
    GIVES(k, 0, k->ops.acquire(l, 5, BERTH_NO_WAIT, k->err));
    GIVES(k, 0, k->ops.held(l, see, &seen, k->err));
    NEED(k, seen.n == 3);
    NEED(k, has_seen(&seen, 0) == 1 && has_seen(&seen, 4) == 1 && has_seen(&seen, 5) == 1);
    /* Looking does not lock. */
    FAILS(k, EDEADLK, k->ops.acquire(l, 4, BERTH_NO_WAIT, k->err));
    seen = (struct seen){.stop_at = 2};
    GIVES(k, 42, k->ops.held(l, see, &seen, k->err));
    NEED(k, seen.n == 2);
    GIVES(k, 0, k->ops.drop(l, 0, k->err));
    GIVES(k, 0, k->ops.drop(l, 4, k->err));
    seen = (struct seen){.n = 0};
    GIVES(k, 0, k->ops.held(l, see, &seen, k->err));
    NEED(k, seen.n == 1 && seen.ids[0] == 5);
    GIVES(k, 0, k->ops.drop(l, 5, k->err));
    kit_close(k, l);
    return 0;
}

const struct kit_lock_case kit_lock_single[] = {
    {"open makes locks only when asked, close leaves no descriptor", 0, 0, open_and_close},
    {"allocate gives the lowest free number", 0, 0, lowest_number},
    {"claim and release one number", 0, 0, claim_and_release},
    {"count", 0, 0, counting},
    {"exhaustion", BERTH_LOCK_CAP_LIMITED, 0, exhaustion},
    {"numbers out of range", BERTH_LOCK_CAP_LIMITED, 0, out_of_range},
    {"numbers outlive the instance, but not RECREATE", 0, 0, persistence},
    {"acquire and drop", 0, 0, acquire_and_drop},
    {"lock numbers that are not allocated", 0, 0, not_allocated},
    {"many locks at once", 0, 0, many_at_once},
    {"a thread that waits for itself is told", BERTH_LOCK_CAP_DEADLOCK, 0, deadlock},
    {"threads exclude each other, and only the owner drops", 0, 1, other_thread},
    {"deadlines", BERTH_LOCK_CAP_TIMEOUT, 1, deadlines},
    {"waiting ends when the user wants to stop", 0, 1, cancellation},
    {"held shows the locks that are held", BERTH_LOCK_CAP_HELD | BERTH_LOCK_CAP_DEADLOCK, 0,
     held_locks},
    {NULL, 0, 0, NULL},
};
