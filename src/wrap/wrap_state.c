/* SPDX-License-Identifier: Apache-2.0 */
/* wrap_state.c - calls into state plugins; see wrap.h. */
#include "wrap/call.h"
#include "wrap/wrap.h"

struct state {
    struct instance i;
    const struct berth_state_ops *ops;
    struct berth_state *s;
};

struct txn {
    struct state *state;
    struct berth_txn *t;
};

#define ON_STATE(s, op, err, ...) INVOKE(&(s)->i, (s)->ops, op, err, (s)->s, __VA_ARGS__)
#define ON_TXN(t, op, err, ...)                                                                \
    INVOKE(&(t)->state->i, (t)->state->ops, op, err, (t)->t, __VA_ARGS__)
#define ON_TXN_LENT(t, op, err, ...)                                                           \
    INVOKE_LENT(&(t)->state->i, (t)->state->ops, op, err, (t)->t, __VA_ARGS__)

int state_probe(const struct conf *c, const char *name, const struct berth_place *place,
                struct berth_error *err)
{
    const struct berth_state_ops *ops;
    struct instance i;
    int r = instance_init(&i, c, BERTH_KIND_STATE, name, NULL, NULL, 0, err);

    if (r < 0)
        return r;
    ops = i.plugin->ops;
    r = INVOKE(&i, ops, probe, err, plugin_host(i.plugin), place, i.config);
    instance_free(&i);
    return r;
}

int state_open(const struct conf *c, const char *name, const struct berth_place *place,
               const struct conf_override *overrides, size_t n, uint32_t flags,
               struct state **out, struct berth_error *err)
{
    struct state *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return fail(err, ENOMEM, "out of memory");
    r = instance_init(&s->i, c, BERTH_KIND_STATE, name, NULL, overrides, n, err);
    if (r < 0) {
        free(s);
        return r;
    }
    s->ops = s->i.plugin->ops;
    r = INVOKE(&s->i, s->ops, open, err, plugin_host(s->i.plugin), place, s->i.config, flags,
               &s->s);
    if (r < 0) {
        instance_free(&s->i);
        free(s);
        return r;
    }
    *out = s;
    return r;
}

void state_close(struct state *s)
{
    if (!s)
        return;
    INVOKE_VOID(&s->i, s->ops, close, s->s);
    instance_free(&s->i);
    free(s);
}

void state_forked(struct state *s)
{
    if (!s)
        return;
    INVOKE_VOID(&s->i, s->ops, forked, s->s);
    instance_free(&s->i);
    free(s);
}

uint64_t state_caps(const struct state *s)
{
    return s->i.plugin->desc.caps;
}

const char *state_plugin(const struct state *s)
{
    return s->i.plugin->desc.name;
}

int state_begin(struct state *s, uint32_t flags, berth_deadline deadline, struct txn **out,
                struct berth_error *err)
{
    struct txn *t = calloc(1, sizeof(*t));
    int r;

    if (!t)
        return fail(err, ENOMEM, "out of memory");
    t->state = s;
    r = ON_STATE(s, begin, err, flags, deadline, &t->t);
    if (r < 0) {
        free(t);
        return r;
    }
    *out = t;
    return r;
}

int txn_commit(struct txn **t, struct berth_error *err)
{
    struct txn *it = *t;
    struct call call;
    int r = call_begin(&call, &it->state->i, "commit", true, err);

    *t = NULL;
    if (r == 0)
        r = (int)call_end(&call, it->state->ops->commit(it->t, call.err), false);
    else
        it->state->ops->rollback(it->t); /* as it would be after a failure */
    free(it);
    return r;
}

void txn_rollback(struct txn *t)
{
    if (!t)
        return;
    INVOKE_VOID(&t->state->i, t->state->ops, rollback, t->t);
    free(t);
}

int txn_get(struct txn *t, uint32_t kind, const char *id, uint64_t want,
            struct berth_record *out, struct berth_error *err)
{
    FOR_PLUGIN(out);
    return ON_TXN(t, get, err, kind, id, want, out);
}

int txn_resolve(struct txn *t, uint32_t kind, const char *name, uint32_t *out_kind,
                const char **out_id, struct berth_error *err)
{
    return ON_TXN(t, resolve, err, kind, name, out_kind, out_id);
}

int txn_scan(struct txn *t, const struct berth_scan *what, berth_record_fn *fn, void *arg,
             struct berth_error *err)
{
    return ON_TXN_LENT(t, scan, err, what, fn, arg);
}

int txn_insert(struct txn *t, const struct berth_record *rec, struct berth_error *err)
{
    return ON_TXN(t, insert, err, rec);
}

int txn_update(struct txn *t, const struct berth_record *rec, struct berth_error *err)
{
    return ON_TXN(t, update, err, rec);
}

int txn_remove(struct txn *t, uint32_t kind, const char *id, struct berth_error *err)
{
    return ON_TXN(t, remove, err, kind, id);
}

int txn_link(struct txn *t, const struct berth_link *link, struct berth_error *err)
{
    return ON_TXN(t, link, err, link);
}

int txn_unlink(struct txn *t, uint32_t kind, const char *from, const char *to,
               struct berth_error *err)
{
    return ON_TXN(t, unlink, err, kind, from, to);
}

int64_t txn_unlink_all(struct txn *t, uint32_t kind, uint32_t end, const char *key,
                       struct berth_error *err)
{
    return INVOKE_(false, &t->state->i, t->state->ops, unlink_all, err, t->t, kind, end, key);
}

int txn_linked(struct txn *t, uint32_t kind, const char *from, const char *to,
               struct berth_link *out, struct berth_error *err)
{
    FOR_PLUGIN(out);
    return ON_TXN(t, linked, err, kind, from, to, out);
}

int txn_links(struct txn *t, uint32_t kind, uint32_t end, const char *key, berth_link_fn *fn,
              void *arg, struct berth_error *err)
{
    return ON_TXN_LENT(t, links, err, kind, end, key, fn, arg);
}

int txn_exit_put(struct txn *t, const struct berth_exit *e, struct berth_error *err)
{
    return ON_TXN(t, exit_put, err, e);
}

int txn_exit_get(struct txn *t, const char *id, struct berth_exit *out, struct berth_error *err)
{
    FOR_PLUGIN(out);
    return ON_TXN(t, exit_get, err, id, out);
}

int txn_exit_scan(struct txn *t, berth_exit_fn *fn, void *arg, struct berth_error *err)
{
    return ON_TXN_LENT(t, exit_scan, err, fn, arg);
}

int64_t txn_exit_prune(struct txn *t, berth_date before, int keep_live, struct berth_error *err)
{
    return INVOKE_(false, &t->state->i, t->state->ops, exit_prune, err, t->t, before,
                   keep_live);
}

int txn_config_get(struct txn *t, struct berth_store_config *out, struct berth_error *err)
{
    FOR_PLUGIN(out);
    return ON_TXN(t, config_get, err, out);
}

int txn_config_put(struct txn *t, const struct berth_store_config *in, struct berth_error *err)
{
    return ON_TXN(t, config_put, err, in);
}

int64_t state_check(struct state *s, int repair, struct berth_list *report,
                    struct berth_error *err)
{
    return INVOKE_(false, &s->i, s->ops, check, err, s->s, repair, report);
}

int state_backup(struct state *s, int fd, struct berth_error *err)
{
    return ON_STATE(s, backup, err, fd);
}

int state_files(struct state *s, struct berth_list *paths, struct berth_error *err)
{
    return ON_STATE(s, files, err, paths);
}
