/* SPDX-License-Identifier: Apache-2.0 */
/* kit_lock_procs.c - lock cases for several processes. */
#include "tests/kit/kit_lock.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 8
#define THREADS   8
#define ROUNDS    100
#define LOCKS     3

/* ---------------------------------------------------------------- exclusion */

struct worker {
    struct kit_lock *k;
    struct berth_locks *l;
    unsigned seed;
    int failed;
};

static int work_once(struct worker *w, uint32_t id)
{
    struct kit_shared *s = w->k->shared;
    int r = w->k->ops.acquire(w->l, id, BERTH_WAIT_FOREVER, NULL);

    if (r < 0)
        return kit_failed(w->k, __FILE__, __LINE__, "acquire() failed");
    if (__atomic_fetch_add(&s->inside[id], 1, __ATOMIC_RELAXED) != 0)
        return kit_failed(w->k, __FILE__, __LINE__, "two hold one lock");
    /* Not atomic on purpose: without exclusion some additions would be lost. */
    s->sum[id] = s->sum[id] + 1;
    if (rand_r(&w->seed) % 8 == 0)
        sched_yield();
    __atomic_fetch_sub(&s->inside[id], 1, __ATOMIC_RELAXED);
    if (w->k->ops.drop(w->l, id, NULL) != 0)
        return kit_failed(w->k, __FILE__, __LINE__, "drop() failed");
    return 0;
}

static void *work(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < ROUNDS && !w->failed; i++)
        w->failed = work_once(w, (uint32_t)rand_r(&w->seed) % LOCKS) < 0;
    return NULL;
}

static int work_in_process(struct kit_lock *k, int arg)
{
    struct berth_locks *l = kit_again(k);
    struct worker w[THREADS];
    pthread_t threads[THREADS];
    int n = k->parallel ? THREADS : 1, failed = 0;

    NEED(k, l);
    for (int i = 0; i < n; i++) {
        w[i] = (struct worker){k, l, (unsigned)(arg * THREADS + i), 0};
        if (pthread_create(&threads[i], NULL, work, &w[i]) != 0)
            return kit_failed(k, __FILE__, __LINE__, "no thread");
    }
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        failed += w[i].failed;
    }
    kit_close(k, l);
    return failed ? -1 : 0;
}

static int exclusion(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    pid_t pids[PROCESSES];
    int sum = 0, failed = 0;

    NEED(k, l);
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = kit_spawn(k, work_in_process, i);
    for (int i = 0; i < PROCESSES; i++)
        failed += kit_join(pids[i]) != 0;
    NEED(k, failed == 0);
    for (int i = 0; i < LOCKS; i++)
        sum += k->shared->sum[i];
    NEED(k, sum == PROCESSES * (k->parallel ? THREADS : 1) * ROUNDS);
    kit_close(k, l);
    return 0;
}

/* ------------------------------------------------- numbers among processes */

static int open_and_allocate(struct kit_lock *k, int arg)
{
    struct berth_locks *l = NULL;

    if (kit_wait(k, 0) < 0) /* all at once */
        return -1;
    NEED(k, k->ops.open(&k->host, &k->place, k->cfg, BERTH_LOCK_CREATE, &l, NULL) == 0);
    for (int i = 0; i < 4; i++)
        NEED(k, k->ops.allocate(l, &k->shared->ids[arg * 4 + i], NULL) == 0);
    k->ops.close(l);
    return 0;
}

static int distinct_numbers(struct kit_lock *k)
{
    pid_t pids[PROCESSES];
    struct berth_locks *l = kit_fresh(k);
    int failed = 0;
    uint64_t seen = 0;

    NEED(k, l);
    kit_close(k, l);
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = kit_spawn(k, open_and_allocate, i);
    for (int i = 0; i < PROCESSES; i++)
        kit_post(k, 0);
    for (int i = 0; i < PROCESSES; i++)
        failed += kit_join(pids[i]) != 0;
    NEED(k, failed == 0);
    for (int i = 0; i < PROCESSES * 4; i++) {
        NEED(k, k->shared->ids[i] < 64);
        seen |= 1ull << k->shared->ids[i];
    }
    NEED(k, seen == (1ull << PROCESSES * 4) - 1); /* each number once, and the lowest */
    return 0;
}

/* ------------------------------------------------------------ dying owners */

static int hold_for_ever(struct kit_lock *k, int id)
{
    struct berth_locks *l = kit_again(k);

    NEED(k, l);
    GIVES(k, 0, k->ops.acquire(l, (uint32_t)id, BERTH_NO_WAIT, k->err));
    kit_post(k, 0);
    for (;;)
        pause();
}

static int get_it(struct kit_lock *k, int id)
{
    struct berth_locks *l = kit_again(k);

    NEED(k, l);
    kit_post(k, 1);
    GIVES(k, kit_orphaned(k), k->ops.acquire(l, (uint32_t)id, BERTH_WAIT_FOREVER, k->err));
    GIVES(k, 0, k->ops.drop(l, (uint32_t)id, k->err));
    kit_close(k, l);
    return 0;
}

static int owner_killed(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    pid_t pid;

    NEED(k, l);
    pid = kit_spawn(k, hold_for_ever, 6);
    NEED(k, kit_wait(k, 0) == 0);
    FAILS(k, EBUSY, k->ops.acquire(l, 6, BERTH_NO_WAIT, k->err));
    kill(pid, SIGKILL);
    kit_join(pid);
    GIVES(k, kit_orphaned(k), k->ops.acquire(l, 6, BERTH_NO_WAIT, k->err));
    GIVES(k, 0, k->ops.drop(l, 6, k->err));
    GIVES(k, 0, k->ops.acquire(l, 6, BERTH_NO_WAIT, k->err)); /* told once */
    GIVES(k, 0, k->ops.drop(l, 6, k->err));
    kit_close(k, l);
    return 0;
}

static int owner_killed_under_waiter(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    pid_t owner, waiter;

    NEED(k, l);
    owner = kit_spawn(k, hold_for_ever, 6);
    NEED(k, kit_wait(k, 0) == 0);
    waiter = kit_spawn(k, get_it, 6);
    NEED(k, kit_wait(k, 1) == 0);
    kit_sleep(50); /* so that most often it really waits */
    kill(owner, SIGKILL);
    kit_join(owner);
    NEED(k, kit_join(waiter) == 0);
    kit_close(k, l);
    return 0;
}

static int allocate_for_ever(struct kit_lock *k, int arg)
{
    struct berth_locks *l = kit_again(k);

    NEED(k, l);
    kit_post(k, 0);
    for (uint32_t id;;) {
        NEED(k, k->ops.allocate(l, &id, NULL) == 0);
        NEED(k, k->ops.acquire(l, id, BERTH_WAIT_FOREVER, NULL) >= 0);
        NEED(k, k->ops.release(l, id, NULL) == 0);
        NEED(k, k->ops.drop(l, id, NULL) == 0);
    }
    return arg;
}

/* Wherever a process dies, it takes one number with it at most. */
static int killed_anywhere(struct kit_lock *k)
{
    struct berth_lock_count c = {.size = sizeof(c)};
    struct berth_locks *l = kit_fresh(k);

    NEED(k, l);
    for (unsigned i = 1; i <= 20; i++) {
        pid_t pid = kit_spawn(k, allocate_for_ever, 0);
        uint32_t id;

        NEED(k, kit_wait(k, 0) == 0);
        kit_sleep(i % 5);
        kill(pid, SIGKILL);
        NEED(k, kit_join(pid) == -1);
        GIVES(k, 0, k->ops.count(l, &c, k->err));
        NEED(k, c.allocated <= i);
        GIVES(k, 0, k->ops.allocate(l, &id, k->err));
        NEED(k, k->ops.acquire(l, id, BERTH_NO_WAIT, k->err) >= 0);
        GIVES(k, 0, k->ops.drop(l, id, k->err));
        GIVES(k, 0, k->ops.release(l, id, k->err));
    }
    kit_close(k, l);
    return 0;
}

/* ---------------------------------------------------------- number reused */

/* The new owner of a number that was released while it was held. */
static int new_owner(struct kit_lock *k, int id)
{
    struct berth_locks *l = kit_again(k);
    uint32_t got = UINT32_MAX;

    NEED(k, l);
    GIVES(k, 0, k->ops.allocate(l, &got, k->err));
    NEED(k, got == (uint32_t)id);
    FAILS(k, EBUSY, k->ops.acquire(l, got, BERTH_NO_WAIT, k->err));
    kit_post(k, 0);
    GIVES(k, 0, k->ops.acquire(l, got, BERTH_WAIT_FOREVER, k->err));
    NEED(k, __atomic_load_n(&k->shared->inside[0], __ATOMIC_ACQUIRE) == 0);
    GIVES(k, 0, k->ops.drop(l, got, k->err));
    kit_close(k, l);
    return 0;
}

static int released_while_held(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    uint32_t id = UINT32_MAX;
    pid_t pid;

    NEED(k, l);
    GIVES(k, 0, k->ops.allocate(l, &id, k->err));
    GIVES(k, 0, k->ops.acquire(l, id, BERTH_NO_WAIT, k->err));
    __atomic_store_n(&k->shared->inside[0], 1, __ATOMIC_RELEASE);
    GIVES(k, 0, k->ops.release(l, id, k->err));
    pid = kit_spawn(k, new_owner, (int)id);
    NEED(k, kit_wait(k, 0) == 0);
    kit_sleep(30);
    __atomic_store_n(&k->shared->inside[0], 0, __ATOMIC_RELEASE);
    GIVES(k, 0, k->ops.drop(l, id, k->err));
    NEED(k, kit_join(pid) == 0);
    kit_close(k, l);
    return 0;
}

/* One who waits for a number from before it was released, and one who got it after. */
static int old_waiter(struct kit_lock *k, int id)
{
    struct berth_locks *l = kit_again(k);

    NEED(k, l);
    kit_post(k, 0);
    GIVES(k, 0, k->ops.acquire(l, (uint32_t)id, BERTH_WAIT_FOREVER, k->err));
    NEED(k, __atomic_fetch_add(&k->shared->inside[1], 1, __ATOMIC_RELAXED) == 0);
    kit_sleep(20);
    __atomic_fetch_sub(&k->shared->inside[1], 1, __ATOMIC_RELAXED);
    GIVES(k, 0, k->ops.drop(l, (uint32_t)id, k->err));
    kit_close(k, l);
    return 0;
}

static int number_reused(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    pid_t old[2], new[2];
    uint32_t id = UINT32_MAX, again = UINT32_MAX;

    NEED(k, l);
    GIVES(k, 0, k->ops.allocate(l, &id, k->err));
    GIVES(k, 0, k->ops.acquire(l, id, BERTH_NO_WAIT, k->err));
    __atomic_store_n(&k->shared->inside[1], 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++)
        old[i] = kit_spawn(k, old_waiter, (int)id);
    NEED(k, kit_wait(k, 0) == 0 && kit_wait(k, 0) == 0);
    kit_sleep(50);
    GIVES(k, 0, k->ops.release(l, id, k->err));
    GIVES(k, 0, k->ops.allocate(l, &again, k->err));
    NEED(k, again == id);
    for (int i = 0; i < 2; i++)
        new[i] = kit_spawn(k, old_waiter, (int)id);
    NEED(k, kit_wait(k, 0) == 0 && kit_wait(k, 0) == 0);
    kit_sleep(50); /* who gets in now is one too many */
    __atomic_fetch_sub(&k->shared->inside[1], 1, __ATOMIC_RELAXED);
    GIVES(k, 0, k->ops.drop(l, id, k->err));
    for (int i = 0; i < 2; i++) {
        NEED(k, kit_join(old[i]) == 0);
        NEED(k, kit_join(new[i]) == 0);
    }
    kit_close(k, l);
    return 0;
}

/* ---------------------------------------------------------- process, fork */

static int is_busy(struct kit_lock *k, int id)
{
    struct berth_locks *l = kit_again(k);

    NEED(k, l);
    FAILS(k, EBUSY, k->ops.acquire(l, (uint32_t)id, BERTH_NO_WAIT, k->err));
    kit_close(k, l);
    return 0;
}

static int is_free(struct kit_lock *k, int id)
{
    struct berth_locks *l = kit_again(k);

    NEED(k, l);
    GIVES(k, 0, k->ops.acquire(l, (uint32_t)id, BERTH_NO_WAIT, k->err));
    GIVES(k, 0, k->ops.drop(l, (uint32_t)id, k->err));
    kit_close(k, l);
    return 0;
}

static int two_instances(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k), *second = kit_again(k);
    uint32_t id;

    NEED(k, l && second);
    GIVES(k, 0, k->ops.allocate(l, &id, k->err));
    GIVES(k, 0, k->ops.acquire(l, id, BERTH_NO_WAIT, k->err));
    /* What the second does must not let go what the first has. */
    GIVES(k, 0, k->ops.acquire(second, id + 1, BERTH_NO_WAIT, k->err));
    NEED(k, k->ops.acquire(second, id, BERTH_NO_WAIT, NULL) < 0);
    NEED(k, k->ops.drop(second, id + 1, k->err) == 0);
    NEED(k, kit_join(kit_spawn(k, is_busy, (int)id)) == 0);
    kit_close(k, second);
    NEED(k, kit_join(kit_spawn(k, is_busy, (int)id)) == 0);
    GIVES(k, 0, k->ops.drop(l, id, k->err));
    NEED(k, kit_join(kit_spawn(k, is_free, (int)id)) == 0);
    kit_close(k, l);
    return 0;
}

static int closed_while_held(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);

    NEED(k, l);
    GIVES(k, 0, k->ops.acquire(l, 1, BERTH_NO_WAIT, k->err));
    kit_close(k, l);
    NEED(k, kit_join(kit_spawn(k, is_free, 1)) == 0);
    return 0;
}

/* The parent's instance in a child: it is gone after forked(), the parent's lock is not. */
static int forked_child(struct kit_lock *k)
{
    struct berth_locks *l;

    kit_forked(k);
    l = kit_again(k);
    NEED(k, l);
    FAILS(k, EBUSY, k->ops.acquire(l, 1, BERTH_NO_WAIT, k->err));
    FAILS(k, EPERM, k->ops.drop(l, 1, k->err));
    FAILS(k, EBUSY, k->ops.acquire(l, 1, BERTH_NO_WAIT, k->err));
    kit_post(k, 0);
    GIVES(k, 0, k->ops.acquire(l, 1, BERTH_WAIT_FOREVER, k->err));
    GIVES(k, 0, k->ops.drop(l, 1, k->err));
    kit_close(k, l);
    return 0;
}

static int forking(struct kit_lock *k)
{
    struct berth_locks *l = kit_fresh(k);
    pid_t pid;

    NEED(k, l);
    GIVES(k, 0, k->ops.acquire(l, 1, BERTH_NO_WAIT, k->err));
    pid = fork();
    if (pid == 0) { /* dies at once: the parent's lock is none of its business */
        kit_forked(k);
        _exit(0);
    }
    NEED(k, kit_join(pid) == 0);
    NEED(k, kit_join(kit_spawn(k, is_busy, 1)) == 0);
    pid = fork();
    if (pid == 0)
        _exit(forked_child(k) == 0 ? 0 : 1);
    NEED(k, kit_wait(k, 0) == 0);
    NEED(k, kit_join(kit_spawn(k, is_busy, 1)) == 0);
    GIVES(k, 0, k->ops.drop(l, 1, k->err));
    NEED(k, kit_join(pid) == 0);
    kit_close(k, l);
    return 0;
}

const struct kit_lock_case kit_lock_procs[] = {
    {"eight processes of eight threads exclude each other", 0, 0, exclusion},
    {"processes get distinct numbers", 0, 0, distinct_numbers},
    {"the owner is killed", 0, 0, owner_killed},
    {"the owner is killed while another waits", 0, 0, owner_killed_under_waiter},
    {"processes killed anywhere leave working locks", 0, 0, killed_anywhere},
    {"released while held, allocated again", 0, 0, released_while_held},
    {"old and new users of a number exclude each other", 0, 0, number_reused},
    {"a second instance in the process", 0, 0, two_instances},
    {"closed while held", 0, 0, closed_while_held},
    {"fork", 0, 0, forking},
    {NULL, 0, 0, NULL},
};
