/* SPDX-License-Identifier: Apache-2.0 */
/* wrap_oci.c - calls into OCI plugins; see wrap.h. */
#include "base/log.h"
#include "wrap/call.h"
#include "wrap/missing.h"
#include "wrap/wrap.h"

struct oci {
    struct instance i;
    const struct berth_oci_ops *ops;
    struct berth_oci *r;
    uint64_t caps;
};

#define ON_OCI(r_, op, err, ...) INVOKE(&(r_)->i, (r_)->ops, op, err, (r_)->r, __VA_ARGS__)

int oci_open(const struct conf *c, const char *name, const char *section,
             const struct berth_place *place, const struct conf_override *overrides, size_t n,
             struct oci **out, struct berth_error *err)
{
    struct oci *o = calloc(1, sizeof(*o));
    int r;

    if (!o)
        return fail(err, ENOMEM, "out of memory");
    r = instance_init(&o->i, c, BERTH_KIND_OCI, name, section, overrides, n, err);
    if (r < 0) {
        free(o);
        return r;
    }
    o->ops = o->i.plugin->ops;
    o->caps = o->i.plugin->desc.caps;
    r = INVOKE(&o->i, o->ops, open, err, plugin_host(o->i.plugin), place, o->i.config, &o->r,
               &o->caps);
    if (r < 0) {
        instance_free(&o->i);
        free(o);
        return r;
    }
    *out = o;
    return r;
}

int oci_open_missing(const char *runtime, struct oci **out, struct berth_error *err)
{
    struct oci *o = calloc(1, sizeof(*o));

    if (!o || !(o->r = missing_new(runtime))) {
        free(o);
        return fail(err, ENOMEM, "out of memory");
    }
    o->i.plugin = &missing_plugin;
    pthread_mutex_init(&o->i.own, NULL);
    o->ops = missing_plugin.ops;
    log_error("OCI runtime %s is missing: its containers can be listed, inspected and removed",
              runtime);
    *out = o;
    return 0;
}

bool oci_is_missing(const struct oci *r)
{
    return r->i.plugin == &missing_plugin;
}

void oci_close(struct oci *r)
{
    if (!r)
        return;
    INVOKE_VOID(&r->i, r->ops, close, r->r);
    instance_free(&r->i);
    free(r);
}

uint64_t oci_caps(const struct oci *r)
{
    return r->caps;
}

const char *oci_plugin(const struct oci *r)
{
    return r->i.plugin->desc.name;
}

int oci_info(struct oci *r, struct berth_buf *out, struct berth_error *err)
{
    return ON_OCI(r, info, err, out);
}

int oci_create(struct oci *r, const struct berth_container *c,
               const struct berth_oci_create *how, struct berth_oci_status *out,
               uint64_t *out_usec, struct berth_error *err)
{
    struct berth_oci_create all_ready = *how;
    int rc;

    FOR_PLUGIN(out);
    if (!how->meanwhile)
        return ON_OCI(r, create, err, c, how, out, out_usec);
    if (r->caps & BERTH_OCI_CAP_MEANWHILE)
        return INVOKE_LENT(&r->i, r->ops, create, err, r->r, c, how, out, out_usec);
    rc = how->meanwhile(how->arg);
    if (rc < 0)
        return rc;
    all_ready.meanwhile = NULL;
    return ON_OCI(r, create, err, c, &all_ready, out, out_usec);
}

int oci_start(struct oci *r, const struct berth_container *c, struct berth_error *err)
{
    return ON_OCI(r, start, err, c);
}

int oci_status(struct oci *r, const struct berth_container *c, struct berth_oci_status *out,
               struct berth_error *err)
{
    FOR_PLUGIN(out);
    return ON_OCI(r, status, err, c, out);
}

int oci_kill(struct oci *r, const struct berth_container *c, int32_t signal, uint32_t flags,
             struct berth_error *err)
{
    return ON_OCI(r, kill, err, c, signal, flags);
}

int oci_stop(struct oci *r, const struct berth_container *c, berth_deadline deadline,
             uint32_t flags, struct berth_error *err)
{
    return ON_OCI(r, stop, err, c, deadline, flags);
}

int oci_remove(struct oci *r, const struct berth_container *c, struct berth_error *err)
{
    return ON_OCI(r, remove, err, c);
}

int oci_pause(struct oci *r, const struct berth_container *c, struct berth_error *err)
{
    return ON_OCI(r, pause, err, c);
}

int oci_unpause(struct oci *r, const struct berth_container *c, struct berth_error *err)
{
    return ON_OCI(r, unpause, err, c);
}

int oci_update(struct oci *r, const struct berth_container *c, struct berth_blob resources,
               struct berth_error *err)
{
    return ON_OCI(r, update, err, c, resources);
}

int oci_attach(struct oci *r, const struct berth_container *c, const char *session, int *out_fd,
               struct berth_error *err)
{
    return ON_OCI(r, attach, err, c, session, out_fd);
}

int oci_resize(struct oci *r, const struct berth_container *c, const char *session,
               struct berth_tty_size to, struct berth_error *err)
{
    return ON_OCI(r, resize, err, c, session, to);
}

int oci_exec(struct oci *r, const struct berth_container *c, const struct berth_oci_exec *what,
             int *out_fd, int32_t *out_pid, struct berth_error *err)
{
    return ON_OCI(r, exec, err, c, what, out_fd, out_pid);
}

int oci_exec_stop(struct oci *r, const struct berth_container *c, const char *session,
                  berth_deadline deadline, struct berth_error *err)
{
    return ON_OCI(r, exec_stop, err, c, session, deadline);
}

int oci_exec_status(struct oci *r, const struct berth_container *c, const char *session,
                    int32_t *out_code, struct berth_error *err)
{
    return ON_OCI(r, exec_status, err, c, session, out_code);
}

int oci_monitored(struct oci *r, const struct berth_container *c, struct berth_error *err)
{
    return ON_OCI(r, monitored, err, c);
}

int oci_path(struct oci *r, const struct berth_container *c, uint32_t which,
             const char *session, struct berth_buf *out, struct berth_error *err)
{
    return ON_OCI(r, path, err, c, which, session, out);
}

int oci_checkpoint(struct oci *r, const struct berth_container *c,
                   const struct berth_oci_checkpoint *how, uint64_t *out_usec,
                   struct berth_error *err)
{
    return ON_OCI(r, checkpoint, err, c, how, out_usec);
}

int oci_wait(struct oci *r, const struct berth_container *c, const char *session,
             berth_deadline deadline, struct berth_oci_status *out, struct berth_error *err)
{
    FOR_PLUGIN(out);
    return ON_OCI(r, wait, err, c, session, deadline, out);
}
