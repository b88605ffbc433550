/* SPDX-License-Identifier: Apache-2.0 */
/* system_locks.c - see system_locks.h. */
#include "engine/system_locks.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/boot.h"
#include "engine/system_claim.h"

const char *lock_row_problem(const struct lock_row *row)
{
    if (row->owner && row->lock < 0)
        return "no usable number";
    if (row->twice)
        return "used twice";
    if (row->owner && row->elsewhere)
        return "used by another store too";
    if (row->owner && !row->allocated)
        return "not allocated";
    if (!row->owner && !row->elsewhere)
        return "nobody's";
    return NULL;
}

void lock_rows_free(struct lock_rows *rows)
{
    free(rows->items);
    numbers_free(&rows->objects);
    *rows = (struct lock_rows){0};
}

struct gather {
    struct engine *e;
    struct lock_rows *out;
    size_t cap;
    int64_t *foreign;
    size_t n_foreign;
    int64_t *held;
    size_t n_held, cap_held;
};

static int add_row(struct gather *g, int64_t lock, const struct numbered *owner, bool allocated,
                   bool twice)
{
    if (g->out->n == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 64;
        struct lock_row *more = realloc(g->out->items, cap * sizeof(*more));

        if (!more)
            return -ENOMEM;
        g->out->items = more;
        g->cap = cap;
    }
    g->out->items[g->out->n++] =
        (struct lock_row){.lock = lock,
                          .owner = owner,
                          .allocated = allocated,
                          .held = claim_has(g->held, g->n_held, lock),
                          .twice = twice,
                          .elsewhere = claim_has(g->foreign, g->n_foreign, lock)};
    return 0;
}

static int add_held(void *arg, uint32_t id)
{
    struct gather *g = arg;

    if (g->n_held == g->cap_held) {
        size_t cap = g->cap_held ? g->cap_held * 2 : 16;
        int64_t *more = realloc(g->held, cap * sizeof(*more));

        if (!more)
            return -ENOMEM;
        g->held = more;
        g->cap_held = cap;
    }
    g->held[g->n_held++] = id;
    return 0;
}

static int compare_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* 1: allocated, 0: free, -ERANGE: no such number. */
static int is_allocated(struct locks *locks, uint32_t id)
{
    int r = lock_claim(locks, id, NULL);

    if (r == 0)
        lock_release(locks, id, NULL);
    return r == -EEXIST ? 1 : r;
}

/* Objects and allocated numbers are both gone through upwards. */
static int merge(struct gather *g, const size_t *order, size_t n)
{
    const struct numbered *objects = g->out->objects.items;
    uint32_t found = 0;
    size_t at = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < g->out->objects.n; i++)
        if (objects[i].lock < 0)
            r = add_row(g, -1, &objects[i], false, false);
    for (int64_t id = 0; r == 0 && (at < n || found < g->out->count.allocated); id++) {
        int there;

        /* Behind the last allocated number only those of objects are of interest. */
        if (found >= g->out->count.allocated && objects[order[at]].lock > id)
            id = objects[order[at]].lock;
        there = id <= UINT32_MAX ? is_allocated(g->e->locks, (uint32_t)id) : -ERANGE;
        found += there == 1;
        if (there < 0 && at == n)
            break;
        if (there == 1 && (at == n || objects[order[at]].lock > id))
            r = add_row(g, id, NULL, true, false);
        for (size_t first = at; r == 0 && at < n && objects[order[at]].lock == id; at++)
            r = add_row(g, id, &objects[order[at]], there == 1,
                        at > first || (at + 1 < n && objects[order[at + 1]].lock == id));
        if (there < 0 && r == 0 && at < n)
            id = objects[order[at]].lock - 1;
    }
    return r;
}

static int gather(struct gather *g, struct berth_error *err)
{
    size_t n = 0, *order;
    int r = numbers_scan(g->e->state, &g->out->objects, err);

    if (r == 0)
        r = lock_count(g->e->locks, &g->out->count, err);
    if (r < 0)
        return r;
    r = lock_held(g->e->locks, add_held, g, err);
    if (r == -ENOTSUP) {
        error_clear(err);
        r = 0;
    }
    if (r < 0)
        return r;
    if (g->n_held)
        SORT(g->held, g->n_held, compare_i64);
    g->foreign = claim_foreign(g->e, g->e->conf->static_dir, &g->n_foreign);
    order = numbers_sorted(&g->out->objects, &n);
    r = order ? merge(g, order, n) : -ENOMEM;
    free(order);
    return r == -ENOMEM ? fail(err, ENOMEM, "out of memory") : r;
}

int system_locks(struct engine *e, struct lock_rows *out, struct berth_error *err)
{
    struct gather g = {.e = e, .out = out};
    bool ours = e->alive_fd < 0;
    struct locks *locks;
    int r;

    *out = (struct lock_rows){.count = {.size = sizeof(out->count)}};
    r = alive_lock(e, err);
    if (r == 0)
        r = engine_locks(e, &locks, err);
    if (r == 0)
        r = gather(&g, err);
    if (ours)
        alive_unlock(e);
    free(g.foreign);
    free(g.held);
    if (r < 0)
        lock_rows_free(out);
    return r;
}
