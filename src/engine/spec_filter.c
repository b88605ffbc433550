/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_filter.c - the compiled seccomp filter, for runtimes that take one.
 *
 * It goes into the config.json that the runtime reads when it creates the container, and
 * nowhere else: neither into the record nor, afterwards, into the bundle, where podman's
 * inspect would show it.
 */
#include "base/base64.h"
#include "base/log.h"
#include "engine/seccomp.h"
#include "engine/spec_priv.h"

#define ANNOTATION "run.oci.seccomp_bpf_data"
#define CONFIG     "config.json"
#define ASIDE      "config.json.plain" /* without the annotation, until the runtime has read it */

/* May the runtime be given a filter of ours?  Not where a process outside answers for system
 * calls, or where the user has words of his own for the runtime about seccomp. */
static bool wanted(const json *spec, const struct oci *oci)
{
    const json *filter = json_at(spec, "linux", "seccomp", NULL);
    const json *rules = json_get(filter, "syscalls");
    json *annotations = json_get(spec, "annotations");

    if (!filter || !(oci_caps(oci) & BERTH_OCI_CAP_SECCOMP_BPF) ||
        json_get(filter, "listenerPath") ||
        str_eq(json_str(filter, "defaultAction"), "SCMP_ACT_NOTIFY"))
        return false;
    for (size_t i = 0; i < json_len(rules); i++)
        if (str_eq(json_str(json_item(rules, i), "action"), "SCMP_ACT_NOTIFY"))
            return false;
    if (annotations) {
        json_object_object_foreach (annotations, key, value) {
            (void)value;
            if (str_starts(key, "run.oci.seccomp"))
                return false;
        }
    }
    return true;
}

/* *out: the filter in base64; empty: the runtime is to compile it. */
static int compiled(struct ctr *c, const json *spec, struct berth_buf *out,
                    struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf bpf = BUF_INIT;
    struct oci *oci;
    int r = engine_oci(c->e, ctr_runtime(c), &oci, err);

    if (r < 0 || !wanted(spec, oci))
        return r;
    r = seccomp_cached(c->e->conf, json_at(spec, "linux", "seccomp", NULL), &bpf, err);
    return r == 0 ? base64_encode(buf_blob(&bpf), out) : r;
}

static int write_document(const char *path, const json *spec, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (!path || json_write(spec, 0, &text) < 0)
        return fail(err, ENOMEM, "out of memory");
    return fs_replace(path, text.data, text.len, 0644, false, err);
}

int spec_write(struct ctr *c, json *spec, struct berth_error *err)
{
    _cleanup_free_ char *path = path_join(ctr_static_dir(c), CONFIG);
    _cleanup_free_ char *aside = path_join(ctr_static_dir(c), ASIDE);
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_buf_ struct berth_buf filter = BUF_INIT;
    json *annotations = json_need(spec, "annotations");
    int r;

    if (compiled(c, spec, &filter, &why) < 0)
        log_debug("leaving the seccomp filter of container %s to the runtime: %s", c->id,
                  error_text(&why));
    if (why.code || filter.len == 0)
        return write_document(path, spec, err);
    r = write_document(aside, spec, err);
    if (r == 0) {
        json_set_str(annotations, ANNOTATION, buf_str(&filter));
        r = write_document(path, spec, err);
        json_del(annotations, ANNOTATION);
    }
    return r;
}

void spec_settle(const struct ctr *c)
{
    _cleanup_free_ char *path = path_join(ctr_static_dir(c), CONFIG);
    _cleanup_free_ char *aside = path_join(ctr_static_dir(c), ASIDE);

    if (path && aside && rename(aside, path) < 0 && errno != ENOENT)
        log_debug("%s: %s", path, strerror(errno));
}
