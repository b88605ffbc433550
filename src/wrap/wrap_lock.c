/* SPDX-License-Identifier: Apache-2.0 */
/* wrap_lock.c - calls into lock plugins; see wrap.h. */
#include "wrap/call.h"
#include "wrap/wrap.h"

struct locks {
    struct instance i;
    const struct berth_lock_ops *ops;
    struct berth_locks *l;
};

#define ON_LOCKS(l_, op, err, ...) INVOKE(&(l_)->i, (l_)->ops, op, err, (l_)->l, ##__VA_ARGS__)

int lock_open(const struct conf *c, const char *name, const struct berth_place *place,
              const struct conf_override *overrides, size_t n, uint32_t flags,
              struct locks **out, struct berth_error *err)
{
    struct locks *l = calloc(1, sizeof(*l));
    int r;

    if (!l)
        return fail(err, ENOMEM, "out of memory");
    r = instance_init(&l->i, c, BERTH_KIND_LOCK, name, NULL, overrides, n, err);
    if (r < 0) {
        free(l);
        return r;
    }
    l->ops = l->i.plugin->ops;
    r = INVOKE(&l->i, l->ops, open, err, plugin_host(l->i.plugin), place, l->i.config, flags,
               &l->l);
    if (r < 0) {
        instance_free(&l->i);
        free(l);
        return r;
    }
    *out = l;
    return r;
}

void lock_close(struct locks *l)
{
    if (!l)
        return;
    INVOKE_VOID(&l->i, l->ops, close, l->l);
    instance_free(&l->i);
    free(l);
}

void lock_forked(struct locks *l)
{
    if (!l)
        return;
    INVOKE_VOID(&l->i, l->ops, forked, l->l);
    instance_free(&l->i);
    free(l);
}

uint64_t lock_caps(const struct locks *l)
{
    return l->i.plugin->desc.caps;
}

const char *lock_plugin(const struct locks *l)
{
    return l->i.plugin->desc.name;
}

int lock_allocate(struct locks *l, uint32_t *out_id, struct berth_error *err)
{
    return ON_LOCKS(l, allocate, err, out_id);
}

int lock_claim(struct locks *l, uint32_t id, struct berth_error *err)
{
    return ON_LOCKS(l, claim, err, id);
}

int lock_release(struct locks *l, uint32_t id, struct berth_error *err)
{
    return ON_LOCKS(l, release, err, id);
}

int lock_release_all(struct locks *l, struct berth_error *err)
{
    return ON_LOCKS(l, release_all, err);
}

int lock_count(struct locks *l, struct berth_lock_count *out, struct berth_error *err)
{
    FOR_PLUGIN(out);
    return ON_LOCKS(l, count, err, out);
}

int lock_held(struct locks *l, berth_lock_fn *fn, void *arg, struct berth_error *err)
{
    return INVOKE_LENT(&l->i, l->ops, held, err, l->l, fn, arg);
}

int lock_acquire(struct locks *l, uint32_t id, berth_deadline deadline, struct berth_error *err)
{
    return ON_LOCKS(l, acquire, err, id, deadline);
}

int lock_drop(struct locks *l, uint32_t id, struct berth_error *err)
{
    return ON_LOCKS(l, drop, err, id);
}
