/* SPDX-License-Identifier: Apache-2.0 */
/* held.c - which thread of this process holds which lock. */
#include "lock_file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct held {
    struct held *next;
    struct place_id place;
    uint32_t id;
    uint32_t thread;
    int guard, file;
    const void *by;
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct held *list;

/* Its destructor lets go of what a thread holds when it ends: nobody else may. */
static pthread_key_t thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;

/* A number for the calling thread that no other thread of this process ever has. */
static uint32_t thread_self(void)
{
    static _Atomic uint32_t last;
    static _Thread_local uint32_t self __attribute__((tls_model("initial-exec")));

    if (self == 0)
        self = ++last;
    return self;
}

static void let_go(struct held *held)
{
    /* podman's file first: who waits for the guard finds it free. */
    if (held->file >= 0)
        close(held->file);
    close(held->guard);
    free(held);
}

/* Take the entries that match off the list; a field of MATCH that is 0 matches all. */
static struct held *take_off(uint32_t thread, const void *by)
{
    struct held *off = NULL, **p = &list;

    while (*p) {
        struct held *held = *p;

        if ((thread && held->thread != thread) || (by && held->by != by)) {
            p = &held->next;
            continue;
        }
        *p = held->next;
        held->next = off;
        off = held;
    }
    return off;
}

static unsigned let_go_all(struct held *off)
{
    unsigned n = 0;

    while (off) {
        struct held *next = off->next;

        let_go(off);
        off = next;
        n++;
    }
    return n;
}

static void thread_ends(void *self)
{
    struct held *off;

    pthread_mutex_lock(&list_lock);
    off = take_off((uint32_t)(uintptr_t)self, NULL);
    pthread_mutex_unlock(&list_lock);
    let_go_all(off);
}

static void make_key(void)
{
    /* Without a key, locks that a dead thread left go when the process ends. */
    if (pthread_key_create(&thread_key, thread_ends) != 0)
        thread_key = (pthread_key_t)-1;
}

static struct held **find(const struct place_id *place, uint32_t id)
{
    struct held **p = &list;
    uint32_t self = thread_self();

    while (*p && ((*p)->id != id || (*p)->thread != self || (*p)->place.ino != place->ino ||
                  (*p)->place.dev != place->dev))
        p = &(*p)->next;
    return p;
}

int held_here(const struct place_id *place, uint32_t id)
{
    int r;

    pthread_mutex_lock(&list_lock);
    r = *find(place, id) != NULL;
    pthread_mutex_unlock(&list_lock);
    return r;
}

int held_add(const struct place_id *place, uint32_t id, int guard, int file, const void *by)
{
    struct held *held = malloc(sizeof(*held));

    if (!held)
        return -ENOMEM;
    held->place = *place;
    held->id = id;
    held->thread = thread_self();
    held->guard = guard;
    held->file = file;
    held->by = by;
    pthread_once(&thread_once, make_key);
    if (thread_key != (pthread_key_t)-1)
        pthread_setspecific(thread_key, (void *)(uintptr_t)held->thread);
    pthread_mutex_lock(&list_lock);
    held->next = list;
    list = held;
    pthread_mutex_unlock(&list_lock);
    return 0;
}

int held_drop(const struct place_id *place, uint32_t id)
{
    struct held **p, *held;

    pthread_mutex_lock(&list_lock);
    p = find(place, id);
    held = *p;
    if (held)
        *p = held->next;
    pthread_mutex_unlock(&list_lock);
    if (!held)
        return -EPERM;
    let_go(held);
    return 0;
}

unsigned held_drop_all(const void *by)
{
    struct held *off;

    pthread_mutex_lock(&list_lock);
    off = take_off(0, by);
    pthread_mutex_unlock(&list_lock);
    return let_go_all(off);
}

void held_forked(const void *by)
{
    /* The thread that had this mutex at fork() is not in the child. */
    list_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    /* The child's descriptors are of the same open files as the parent's: closing them
     * takes nothing away from the parent, unlocking them would. */
    let_go_all(take_off(0, by));
}
