/* SPDX-License-Identifier: Apache-2.0 */
/* store_exec.c - exec sessions and exit codes in the store; see store.h. */
#include "base/str.h"
#include "base/time.h"
#include "engine/store_priv.h"

#define EXIT_CODE_LIFE (5ll * 60 * 1000000000) /* nanoseconds; podman's five minutes */

/* The container is valid and still there. */
static int begin_with(struct ctr *c, bool write, struct txn **t, struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)};
    int r = store_ctr_valid(c, err);

    if (r == 0)
        r = store_begin(c->e, write, t, err);
    if (r == 0)
        r = store_ctr_gone(c, txn_get(*t, BERTH_CONTAINER, c->id, 0, &rec, err), err);
    return r;
}

int store_exec_add(struct ctr *c, const char *session, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_link link = {
        .size = sizeof(link), .kind = BERTH_LINK_EXEC, .from = session, .to = c->id};
    struct berth_link old = {.size = sizeof(old)};
    int r = begin_with(c, true, &t, err);

    if (r < 0)
        return r;
    r = txn_linked(t, BERTH_LINK_EXEC, session, NULL, &old, err);
    if (r == 0)
        return fail(err, EEXIST,
                    "an exec session with ID %s already exists: exec session already exists",
                    session);
    if (r != -ENOENT)
        return r;
    error_clear(err);
    r = txn_link(t, &link, err);
    return r < 0 ? r : txn_commit(&t, err);
}

static int add_session(void *arg, const struct berth_link *link)
{
    return list_add(arg, link->from);
}

int store_exec_list(struct ctr *c, struct berth_list *out, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r = begin_with(c, false, &t, err);

    return r < 0 ? r : txn_links(t, BERTH_LINK_EXEC, BERTH_TO, c->id, add_session, out, err);
}

int store_exec_remove(struct ctr *c, const char *session, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r = store_begin(c->e, true, &t, err);

    if (r < 0)
        return r;
    r = txn_unlink(t, BERTH_LINK_EXEC, session, c->id, err);
    if (r == -ENOENT)
        return fail(err, ENOENT, "no exec session with ID %s found: no such exec session",
                    session);
    return r < 0 ? r : txn_commit(&t, err);
}

int store_exec_remove_all(struct ctr *c, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int64_t n = begin_with(c, true, &t, err);

    if (n == 0)
        n = txn_unlink_all(t, BERTH_LINK_EXEC, BERTH_TO, c->id, err);
    return n < 0 ? (int)n : txn_commit(&t, err);
}

int store_exec_find(struct engine *e, const char *session, char out[static ID_LEN + 1],
                    struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_link link = {.size = sizeof(link)};
    int r;

    if (str_empty(session))
        return fail(err, EINVAL, "name or ID cannot be empty");
    r = store_begin(e, false, &t, err);
    if (r < 0)
        return r;
    r = txn_linked(t, BERTH_LINK_EXEC, session, NULL, &link, err);
    if (r == -ENOENT)
        return fail(err, ENOENT, "no exec session with ID %s found: no such exec session",
                    session);
    if (r == 0)
        snprintf(out, ID_LEN + 1, "%s", link.to);
    return r;
}

struct prune_look {
    berth_date before;
};

/* Ends the walk with 1 at the first code that is old and whose container is gone. */
static int is_old(void *arg, const struct berth_exit *code)
{
    struct prune_look *look = arg;

    return code->date < look->before;
}

int store_exit_prune(struct engine *e, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct prune_look look = {.before = time_now() - EXIT_CODE_LIFE};
    int64_t n;
    int r = store_begin(e, false, &t, err);

    if (r == 0)
        r = txn_exit_scan(t, is_old, &look, err);
    if (r <= 0)
        return r;
    txn_rollback(TAKE(t));
    r = store_begin(e, true, &t, err);
    if (r < 0)
        return r;
    n = txn_exit_prune(t, look.before, true, err);
    return n < 0 ? (int)n : txn_commit(&t, err);
}
