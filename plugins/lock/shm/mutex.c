/* SPDX-License-Identifier: Apache-2.0 */
/* mutex.c - taking and releasing the robust mutexes of a lock segment. */
#include "segment.h"

#include <time.h>

/* How long to sleep before looking whether the user wants to stop. */
#define SLICE_NS 100000000ull

#define FUTEX_TID 0x3fffffffu

static berth_deadline now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (berth_deadline)ts.tv_sec * 1000000000u + (berth_deadline)ts.tv_nsec;
}

#if defined(__has_feature)
#define UNDER_TSAN __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#else
#define UNDER_TSAN 0
#endif

/* pthread_mutex_clocklock(), of which gcc's thread sanitizer takes no notice before 13. */
static int lock_until(pthread_mutex_t *m, const struct timespec *until)
{
    static const struct timespec pause = {0, 1000000};

    if (!UNDER_TSAN)
        return pthread_mutex_clocklock(m, CLOCK_MONOTONIC, until);
    for (;;) {
        int r = pthread_mutex_trylock(m);

        if (r != EBUSY)
            return r;
        if (now() >=
            (berth_deadline)until->tv_sec * 1000000000u + (berth_deadline)until->tv_nsec)
            return ETIMEDOUT;
        nanosleep(&pause, NULL);
    }
}

/* The mutex is taken: wait for it. */
static int wait_for(const struct berth_host *h, pthread_mutex_t *m, berth_deadline deadline)
{
    int r;

    do {
        berth_deadline until = now();
        struct timespec ts;

        if (h->cancelled(h->core))
            return ECANCELED;
        if (until >= deadline)
            return ETIMEDOUT;
        until = deadline - until > SLICE_NS ? until + SLICE_NS : deadline;
        ts.tv_sec = (time_t)(until / 1000000000u);
        ts.tv_nsec = (long)(until % 1000000000u);
        r = lock_until(m, &ts);
    } while (r == ETIMEDOUT || r == EAGAIN);
    return r;
}

int mutex_take_slowly(const struct berth_host *h, pthread_mutex_t *m, berth_deadline deadline,
                      int code)
{
    if (code == EBUSY || code == EAGAIN) {
        if (deadline == BERTH_NO_WAIT)
            return -EBUSY;
        code = wait_for(h, m, deadline);
    }
    if (code == EOWNERDEAD) {
        /* Without this the mutex would be lost for everybody once it is released. */
        code = pthread_mutex_consistent(m);
        if (code == 0)
            return BERTH_LOCK_ORPHANED;
        pthread_mutex_unlock(m);
    }
    return -code;
}

int mutex_give_again(pthread_mutex_t *m)
{
    int r;

    do {
        r = pthread_mutex_unlock(m);
    } while (r == EAGAIN);
    return -r;
}

int mutex_held(const pthread_mutex_t *m)
{
    unsigned word = (unsigned)__atomic_load_n(&m->__data.__lock, __ATOMIC_RELAXED);

    return (word & FUTEX_TID) != 0;
}

const char *mutex_reason(int code)
{
    switch (code) {
    case -EBUSY:
        return "somebody has it";
    case -ETIMEDOUT:
        return "somebody has had it until the deadline";
    case -ECANCELED:
        return "interrupted while waiting for it";
    case -ENOTRECOVERABLE:
        return "its last owner died and left it unusable";
    case -EUCLEAN:
        return "its bytes are damaged";
    default:
        return "the system refused it";
    }
}
