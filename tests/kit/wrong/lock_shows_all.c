/* SPDX-License-Identifier: Apache-2.0 */
/* held() goes on when its visitor has had enough. */
#include "wrong_lock.h"

struct visit {
    berth_lock_fn *fn;
    void *arg;
    int result;
};

static int visit(void *arg, uint32_t id)
{
    struct visit *v = arg;
    int r = v->fn(v->arg, id);

    if (v->result == 0)
        v->result = r;
    return 0;
}

static int held(struct berth_locks *l, berth_lock_fn *fn, void *arg, struct berth_error *err)
{
    struct visit v = {fn, arg, 0};
    int r = RIGHT->held(l, visit, &v, err);

    return r < 0 ? r : v.result;
}

WRONG(lock_shows_all, .held = held);
