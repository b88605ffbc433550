/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migrate_recover.c - after a move that was interrupted: on or back.
 *
 * Another program may have used a store since.  Sums of both stores, taken when they were
 * equal, tell; what was used is never thrown away.
 */
#include "base/fs.h"
#include "base/str.h"
#include "engine/boot.h"
#include "engine/migrate_priv.h"

/* What is left of an interrupted move. */
struct left {
    struct move v;
    size_t source, made, target, retired;
    bool remade;             /* a file of the old store is there again beside the retired one */
    struct berth_list names; /* of the retired files */
};

static void left_end(struct left *l)
{
    list_free(&l->names);
    move_end(&l->v);
}
#define _cleanup_left_ _cleanup_(left_end)

static int left_read(struct left *l, struct migrate *m, struct berth_error *err)
{
    struct marker *k = &l->v.marker;
    int r;

    l->v.m = m;
    l->v.err = err;
    l->v.lock_fd = l->v.alive_fd = -1;
    l->v.static_dir = strdup(m->conf->static_dir);
    if (!l->v.static_dir)
        return fail(err, ENOMEM, "out of memory");
    l->v.lock_fd = migrate_lock(m->conf, err);
    if (l->v.lock_fd < 0)
        return l->v.lock_fd;
    r = marker_read(l->v.static_dir, k, err);
    if (r == -ENOENT)
        return fail(err, ENOENT, "no move of the state store was interrupted");
    if (r == 0 && k->suffix)
        r = move_suffixed(&k->source, k->suffix, &l->names, err);
    if (r < 0)
        return r;
    l->v.alive_fd = boot_lock_alive(m->conf, err);
    if (l->v.alive_fd < 0)
        return l->v.alive_fd;
    l->source = count_there(&k->source);
    l->made = count_there(&k->made);
    l->target = count_there(&k->target);
    l->retired = count_there(&l->names);
    for (size_t i = 0; i < l->names.n; i++)
        l->remade |= fs_exists(l->names.items[i]) && fs_exists(k->source.items[i]);
    return 0;
}

/* Was a store used since the note was written?  1 or 0. */
static int was_used(struct left *l, const char *type, uint64_t before)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_place place;
    struct state *s = NULL;
    uint64_t now = 0;
    int r;

    conf_place(l->v.m->conf, &place);
    place.flags |= BERTH_PLACE_READONLY;
    r = state_open(l->v.m->conf, type, &place, NULL, 0, 0, &s, l->v.err);
    if (r < 0)
        return r;
    r = state_begin(s, 0, BERTH_WAIT_FOREVER, &t, l->v.err);
    if (r == 0)
        r = copy_sum(t, state_caps(s), &now, l->v.err);
    txn_rollback(TAKE(t));
    state_close(s);
    return r < 0 ? r : now != before;
}

static void unlink_all(const struct berth_list *files)
{
    for (size_t i = 0; i < files->n; i++)
        if (unlink(files->items[i]) == 0)
            fsync_parent(files->items[i], NULL);
}

/* Back to the old store; what was made is thrown away. */
static int undo(struct left *l)
{
    struct marker *k = &l->v.marker;
    int r;

    unlink_all(&k->target);
    r = migrate_point("undone", l->v.err);
    if (r == 0)
        r = rename_all(&l->names, &k->source, l->v.err);
    if (r == 0)
        r = migrate_point("returned", l->v.err);
    if (r == 0 && k->work)
        r = fs_remove_tree(k->work, l->v.err);
    move_remove_left(l->v.static_dir);
    return r < 0 ? r : marker_remove(l->v.static_dir, l->v.err);
}

/* From the start, as nothing of what is left can be used. */
static int again(struct left *l)
{
    struct migrate *m = l->v.m;
    _cleanup_free_ char *to = strdup(l->v.marker.to);
    int r = undo(l);

    if (r < 0)
        return r;
    move_say(m, "the move to %s starts again", to ? to : "?");
    move_end(&l->v);
    l->v = (struct move){.lock_fd = -1, .alive_fd = -1};
    m->to = to;
    r = to ? migrate_run(m, l->v.err) : -ENOMEM;
    m->to = NULL;
    return r;
}

static int both_used(const struct left *l)
{
    return fail(l->v.err, EEXIST,
                "both stores were used since the move was interrupted, %s and %s: `berth state "
                "migrate --abort` leaves both, then `berth state merge` brings them together",
                l->v.marker.source.items[0], l->v.marker.target.items[0]);
}

/* Go on with the renames, if what they are about is still what was compared. */
static int go_on(struct left *l)
{
    struct marker *k = &l->v.marker;
    int source_used = 0, target_used = 0, r = 0;

    if (l->made == 0 && l->target == 0)
        return again(l);
    if (l->remade)
        return both_used(l);
    /* With one of its files retired already, nobody could use the old store. */
    if (l->source && !l->retired) {
        source_used = was_used(l, k->from, k->source_sum);
        if (source_used < 0)
            return source_used;
    }
    if (source_used && l->made == 0) {
        target_used = was_used(l, k->to, k->target_sum);
        if (target_used < 0)
            return target_used;
        if (target_used)
            return both_used(l);
    }
    if (source_used)
        return again(l);
    r = rename_all(&k->made, &k->target, l->v.err);
    if (r == 0)
        r = move_retire_source(k, l->v.err);
    if (r == 0)
        r = migrate_point("retired", l->v.err);
    if (r == 0)
        r = marker_remove(l->v.static_dir, l->v.err);
    if (r == 0)
        move_finished(l->v.m, k);
    return r;
}

int migrate_resume(struct migrate *m, struct berth_error *err)
{
    _cleanup_left_ struct left l = {.v = {.lock_fd = -1, .alive_fd = -1}};
    int r = left_read(&l, m, err);

    if (r < 0)
        return r;
    return str_eq(l.v.marker.step, MARKER_SWITCH) ? go_on(&l) : again(&l);
}

static int go_back(struct left *l)
{
    struct marker *k = &l->v.marker;
    int used = 0, source_used = 0;

    if (l->target && l->made == 0) {
        used = was_used(l, k->to, k->target_sum);
        if (used < 0)
            return used;
    }
    if (!used && !l->remade)
        return undo(l);
    if (l->source && !l->retired) {
        source_used = was_used(l, k->from, k->source_sum);
        if (source_used < 0)
            return source_used;
    }
    if (l->remade || source_used) {
        move_say(l->v.m,
                 "both stores were used and both are left: `berth state merge` brings them "
                 "together");
        return marker_remove(l->v.static_dir, l->v.err);
    }
    return fail(l->v.err, EEXIST,
                "%s was used since: going back would lose that; `berth state migrate --resume` "
                "keeps it",
                k->target.items[0]);
}

int migrate_abort(struct migrate *m, struct berth_error *err)
{
    _cleanup_left_ struct left l = {.v = {.lock_fd = -1, .alive_fd = -1}};
    int r = left_read(&l, m, err);

    if (r == 0)
        r = str_eq(l.v.marker.step, MARKER_SWITCH) ? go_back(&l) : undo(&l);
    if (r == 0)
        move_say(m, "the move to %s is undone", l.v.marker.to);
    return r;
}
