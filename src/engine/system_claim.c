/* SPDX-License-Identifier: Apache-2.0 */
/* system_claim.c - see system_claim.h. */
#include "engine/system_claim.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/system_marker.h"

/* ------------------------------------------------------- numbers of others */

struct foreign {
    struct engine *e;
    const char *static_dir; /* the store that asks */
    int64_t *locks;
    size_t n;
};

static int add_foreign(struct foreign *f, struct state *s, struct berth_error *err)
{
    _cleanup_numbers_ struct numbers all = {0};
    int64_t *more;
    int r = numbers_scan(s, &all, err);

    if (r < 0)
        return r;
    more = realloc(f->locks, (f->n + all.n + 1) * sizeof(*more));
    if (!more)
        return fail(err, ENOMEM, "out of memory");
    f->locks = more;
    for (size_t i = 0; i < all.n; i++)
        if (all.items[i].lock >= 0)
            f->locks[f->n++] = all.items[i].lock;
    return 0;
}

static int ask_store(void *arg, const struct boot_marker *m)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct foreign *f = arg;
    struct state *s = NULL;
    int r;

    if (str_eq(m->static_dir, f->static_dir))
        return 0;
    r = boot_marker_open(f->e->conf, m, BERTH_PLACE_READONLY, &s, &err);
    if (r == 0)
        r = add_foreign(f, s, &err);
    state_close(s);
    if (r < 0)
        log_debug("lock numbers of the store in %s: %s", m->static_dir, error_text(&err));
    return 0;
}

static int compare_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

int64_t *claim_foreign(struct engine *e, const char *static_dir, size_t *n)
{
    struct foreign f = {.e = e, .static_dir = static_dir};
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    boot_marker_each_other(e->conf, ask_store, &f);
    /* Where another store asks, ours is one of the others. */
    if (!str_eq(static_dir, e->conf->static_dir) && add_foreign(&f, e->state, &err) < 0)
        log_debug("own lock numbers: %s", error_text(&err));
    if (f.n)
        SORT(f.locks, f.n, compare_i64);
    *n = f.n;
    return f.locks;
}

bool claim_has(const int64_t *sorted, size_t n, int64_t lock)
{
    return n && bsearch(&lock, sorted, n, sizeof(*sorted), compare_i64);
}

/* -------------------------------------------------------------------- claim */

struct claim {
    struct engine *e;
    const char *static_dir;
    struct numbered **moved; /* objects that need a new number */
    size_t n_moved, kept;
    int64_t *foreign;
    size_t n_foreign;
    bool asked; /* foreign is filled */
};

static bool is_foreign(struct claim *k, int64_t lock)
{
    if (!k->asked)
        k->foreign = claim_foreign(k->e, k->static_dir, &k->n_foreign);
    k->asked = true;
    return claim_has(k->foreign, k->n_foreign, lock);
}

static void move(struct claim *k, struct numbered *one)
{
    k->moved[k->n_moved++] = one;
}

static void claim_one(struct claim *k, struct numbered *one)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    int r = lock_claim(k->e->locks, (uint32_t)one->lock, &err);

    if (r == -ERANGE || (r == -EEXIST && is_foreign(k, one->lock)))
        move(k, one);
    else if (r == -EEXIST)
        k->kept++;
    else if (r < 0)
        log_error("claiming lock %lld of %s %s: %s", (long long)one->lock,
                  numbered_kind(one->kind), one->id, error_text(&err));
}

static void claim_each(struct claim *k, struct numbers *all, const size_t *order, size_t n)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i].lock < 0)
            move(k, &all->items[i]);
    for (size_t i = 0; i < n; i++) {
        struct numbered *one = &all->items[order[i]];

        if (i > 0 && all->items[order[i - 1]].lock == one->lock)
            move(k, one);
        else
            claim_one(k, one);
    }
}

static int move_all(struct claim *k, struct state *s, struct berth_error *err)
{
    _cleanup_free_ uint32_t *locks = calloc(k->n_moved + 1, sizeof(*locks));
    int r = locks ? 0 : fail(err, ENOMEM, "out of memory");

    for (size_t i = 0; r >= 0 && i < k->n_moved; i++) {
        struct numbered *one = k->moved[i];

        r = lock_allocate(k->e->locks, &locks[i], err);
        if (r >= 0)
            log_warning("%s %s: lock number %lld cannot be its own, it gets %u",
                        numbered_kind(one->kind), one->id, (long long)one->lock, locks[i]);
    }
    return r < 0 ? r : numbers_write(s, k->moved, locks, k->n_moved, err);
}

int claim_store(struct engine *e, struct state *s, const char *static_dir,
                struct berth_error *err)
{
    _cleanup_numbers_ struct numbers all = {0};
    struct claim k = {.e = e, .static_dir = static_dir};
    size_t n = 0, *order = NULL;
    int r = numbers_scan(s, &all, err);

    if (r < 0)
        return r;
    order = numbers_sorted(&all, &n);
    k.moved = calloc(all.n + 1, sizeof(struct numbered *));
    if (!order || !k.moved)
        r = fail(err, ENOMEM, "out of memory");
    else
        claim_each(&k, &all, order, n);
    if (r == 0 && k.n_moved)
        r = move_all(&k, s, err);
    if (k.kept)
        log_debug("%zu of %zu lock numbers of %s were allocated already", k.kept, all.n,
                  static_dir);
    free(order);
    free(k.moved);
    free(k.foreign);
    return r;
}

static int claim_marked(void *arg, const struct boot_marker *m)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct engine *e = arg;
    struct state *s = NULL;
    int r = boot_marker_open(e->conf, m, 0, &s, &err);

    if (r == 0)
        r = claim_store(e, s, m->static_dir, &err);
    state_close(s);
    if (r < 0)
        log_warning("claiming the lock numbers of the store in %s: %s", m->static_dir,
                    error_text(&err));
    return 0;
}

int claim_others(struct engine *e, struct berth_error *err _unused_)
{
    return boot_marker_each_other(e->conf, claim_marked, e);
}
