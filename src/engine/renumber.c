/* SPDX-License-Identifier: Apache-2.0 */
/* renumber.c - see renumber.h. */
#include "engine/renumber.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/boot.h"
#include "engine/events.h"
#include "engine/system_claim.h"
#include "engine/system_signals.h"

static int too_few(size_t n, uint32_t locks, struct berth_error *err)
{
    return fail(err, ENOSPC, "%zu objects need a lock each, and num_locks is %u", n, locks);
}

/* Locks of the configured number of which none is allocated.  Refused, with everything as it
 * was, where they are fewer than the n objects. */
static int fresh_locks(struct engine *e, size_t n, struct berth_error *err)
{
    struct berth_lock_count had = {.size = sizeof(had)};
    int r = boot_open_locks(e, BERTH_LOCK_CREATE, err);

    if (r == -ERANGE || r == -EUCLEAN) {
        if (n > e->conf->num_locks) {
            error_clear(err);
            return too_few(n, e->conf->num_locks, err);
        }
        log_debug("%s: making the locks anew", error_text(err));
        error_clear(err);
        r = boot_open_locks(e, BERTH_LOCK_CREATE | BERTH_LOCK_RECREATE, err);
    }
    if (r == 0)
        r = lock_count(e->locks, &had, err);
    if (r == 0 && had.available != UINT32_MAX && n > (size_t)had.allocated + had.available)
        return too_few(n, e->conf->num_locks, err);
    return r < 0 ? r : lock_release_all(e->locks, err);
}

static int number_all(struct engine *e, struct numbers *all, struct berth_error *err)
{
    _cleanup_free_ struct numbered **each = calloc(all->n + 1, sizeof(struct numbered *));
    _cleanup_free_ uint32_t *locks = calloc(all->n + 1, sizeof(*locks));
    int r = 0;

    if (!each || !locks)
        return fail(err, ENOMEM, "out of memory");
    for (size_t i = 0; r >= 0 && i < all->n; i++) {
        each[i] = &all->items[i];
        r = lock_allocate(e->locks, &locks[i], err);
    }
    return r < 0 ? r : numbers_write(e->state, each, locks, all->n, err);
}

int renumber(struct engine *e, struct berth_error *err)
{
    _cleanup_numbers_ struct numbers all = {0};
    sigset_t old;
    int r = alive_lock(e, err);

    signals_hold(&old); /* between the old numbers and the new there are none */
    if (r == 0)
        r = numbers_scan(e->state, &all, err);
    if (r == 0)
        r = fresh_locks(e, all.n, err);
    if (r == 0)
        r = claim_others(e, err);
    if (r == 0)
        r = number_all(e, &all, err);
    signals_release(&old);
    if (r == 0)
        event_system(e, "renumber");
    if (r == 0)
        r = boot_check(e, err);
    alive_unlock(e);
    return r;
}
