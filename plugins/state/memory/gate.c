/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may be in a transaction: many readers or one writer.  Not a pthread_rwlock_t,
 * because waiting has to end at a deadline of CLOCK_MONOTONIC and when the user
 * asks to stop.
 */
#include "memory.h"
#include <time.h>

#define SLICE_NS 100000000u /* how often a waiting thread asks whether to go on */

static uint64_t monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Returns 0 or a negative errno. */
int mem_gate_init(struct mem_gate *g)
{
    pthread_condattr_t attr;
    int r;

    memset(g, 0, sizeof(*g));
    r = pthread_mutex_init(&g->mutex, NULL);
    if (r)
        return -r;
    r = pthread_condattr_init(&attr);
    if (r == 0) {
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        r = pthread_cond_init(&g->moved, &attr);
        pthread_condattr_destroy(&attr);
    }
    if (r)
        pthread_mutex_destroy(&g->mutex);
    return -r;
}

void mem_gate_fini(struct mem_gate *g)
{
    pthread_cond_destroy(&g->moved);
    pthread_mutex_destroy(&g->mutex);
}

static int closed(const struct mem_gate *g, int write)
{
    return g->writing || (write ? g->readers > 0 : g->writers_waiting > 0);
}

static int wait_open(struct mem_gate *g, const struct berth_host *h, int write,
                     berth_deadline deadline)
{
    while (closed(g, write)) {
        uint64_t now = monotonic(), until = now + SLICE_NS;
        struct timespec ts;

        if (deadline == BERTH_NO_WAIT)
            return -EBUSY;
        if (now >= deadline)
            return -ETIMEDOUT;
        if (h->cancelled(h->core))
            return -ECANCELED;
        if (until > deadline)
            until = deadline;
        ts.tv_sec = (time_t)(until / 1000000000u);
        ts.tv_nsec = (long)(until % 1000000000u);
        pthread_cond_timedwait(&g->moved, &g->mutex, &ts);
    }
    return 0;
}

int mem_gate_enter(struct mem_gate *g, const struct berth_host *h, int write,
                   berth_deadline deadline)
{
    int r;

    pthread_mutex_lock(&g->mutex);
    g->writers_waiting += write ? 1 : 0;
    r = wait_open(g, h, write, deadline);
    g->writers_waiting -= write ? 1 : 0;
    if (r == 0 && write)
        g->writing = 1;
    else if (r == 0)
        g->readers++;
    else
        pthread_cond_broadcast(&g->moved); /* readers may have waited for us alone */
    pthread_mutex_unlock(&g->mutex);
    return r;
}

void mem_gate_leave(struct mem_gate *g, int write)
{
    pthread_mutex_lock(&g->mutex);
    if (write)
        g->writing = 0;
    else
        g->readers--;
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->mutex);
}
