/* SPDX-License-Identifier: Apache-2.0 */
/* lockorder.c - see lockorder.h. */
#include "engine/lockorder.h"
#include "base/str.h"

struct held {
    const struct locks *l;
    enum lock_class cls;
    uint32_t id;
    char name[ID_LEN + 1]; /* cut off where it is longer: for messages only */
};

#define HELD_MAX 64 /* a pod's operation holds the pod, one container, one volume */

/* HELD_MAX of them while there is one: every start of the program would clear an array. */
static _Thread_local struct held *held;
static _Thread_local size_t n_held;

static const char *word(enum lock_class cls)
{
    static const char *const words[] = {"", "pod", "container", "volume"};

    return words[cls];
}

static int check(const struct locks *l, enum lock_class cls, const char *name, uint32_t id,
                 struct berth_error *err)
{
    for (size_t i = 0; i < n_held; i++) {
        const struct held *h = &held[i];

        if (h->l == l && h->id == id)
            return fail(err, EDEADLK,
                        "please run 'berth system renumber' to resolve deadlocks: %s %s and "
                        "%s %s share lock ID %u: deadlock due to lock mismatch",
                        word(h->cls), h->name, word(cls), name, id);
#ifndef NDEBUG
        if (h->l == l && h->cls > cls)
            return fail(err, EDEADLK,
                        "lock order: %s %s must be locked before %s %s, not while it is held",
                        word(cls), name, word(h->cls), h->name);
#endif
    }
    if (n_held == HELD_MAX)
        return fail(err, ENOLCK, "this thread holds %d locks already", HELD_MAX);
    return 0;
}

static void forget_none(void)
{
    if (n_held > 0)
        return;
    free(held);
    held = NULL;
}

int lockorder_acquire(struct locks *l, enum lock_class cls, const char *name, uint32_t id,
                      berth_deadline deadline, struct berth_error *err)
{
    int r = check(l, cls, name, id, err);

    if (r == 0 && !held && !(held = calloc(HELD_MAX, sizeof(*held))))
        r = fail(err, ENOMEM, "out of memory");
    if (r == 0)
        r = lock_acquire(l, id, deadline, err);
    if (r < 0) {
        forget_none();
        return r;
    }
    held[n_held] = (struct held){.l = l, .cls = cls, .id = id};
    snprintf(held[n_held].name, sizeof(held[n_held].name), "%s", name);
    n_held++;
    return r;
}

int lockorder_drop(struct locks *l, uint32_t id, struct berth_error *err)
{
    for (size_t i = n_held; i-- > 0;)
        if (held[i].l == l && held[i].id == id) {
            held[i] = held[--n_held];
            break;
        }
    forget_none();
    return lock_drop(l, id, err);
}
