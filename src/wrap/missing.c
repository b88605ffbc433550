/* SPDX-License-Identifier: Apache-2.0 */
/*
 * missing.c - see missing.h.
 *
 * Containers whose runtime was removed can still be listed and inspected, and what became
 * of them can be read from the exit file; everything else fails with podman's words.
 */
#include "wrap/missing.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"

struct berth_oci {
    char *name;
};

struct berth_oci *missing_new(const char *name)
{
    struct berth_oci *r = calloc(1, sizeof(*r));

    if (r && !(r->name = strdup(name))) {
        free(r);
        return NULL;
    }
    return r;
}

static void m_close(struct berth_oci *r)
{
    if (r)
        free(r->name);
    free(r);
}

static int gone(const struct berth_oci *r, struct berth_error *err)
{
    return fail(err, ENOEXEC,
                "runtime %s is missing: OCI runtime attempted to invoke a command that was not "
                "found",
                r->name);
}

static int m_info(struct berth_oci *r, struct berth_buf *out, struct berth_error *err _unused_)
{
    _cleanup_json_ json *o = json_new();

    json_set_str(o, "name", r->name);
    json_set_str(o, "package", "Unknown");
    json_set_str(o, "path", "");
    json_set_str(o, "version", "(missing)");
    return json_write(o, 0, out);
}

static char *exit_file(const struct berth_container *c)
{
    return c->exit_dir ? path_join(c->exit_dir, c->id) : NULL;
}

/* 1: it has ended and *out says how; 0: there is no exit file. */
static int ended(const struct berth_container *c, struct berth_oci_status *out)
{
    _cleanup_free_ char *path = exit_file(c);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct stat st;
    int64_t code;

    if (!path || stat(path, &st) < 0 || fs_read(path, 32, &text, NULL) < 0)
        return 0;
    if (text.len && text.data[text.len - 1] == '\n')
        text.data[--text.len] = '\0';
    if (str_to_i64(buf_str(&text), &code) < 0 || code < 0 || code > 255)
        return 0;
    out->status = BERTH_OCI_STOPPED;
    out->exit_code = (int32_t)code;
    out->finished = (berth_date)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return 1;
}

static int m_status(struct berth_oci *r, const struct berth_container *c,
                    struct berth_oci_status *out, struct berth_error *err)
{
    return ended(c, out) ? 0 : gone(r, err);
}

static int m_wait(struct berth_oci *r, const struct berth_container *c, const char *session,
                  berth_deadline deadline _unused_, struct berth_oci_status *out,
                  struct berth_error *err)
{
    return !session && ended(c, out) ? 1 : gone(r, err);
}

static int m_path(struct berth_oci *r, const struct berth_container *c, uint32_t which,
                  const char *session _unused_, struct berth_buf *out, struct berth_error *err)
{
    _cleanup_free_ char *path = which == BERTH_PATH_EXIT_FILE ? exit_file(c) : NULL;

    return path ? buf_puts(out, path) : gone(r, err);
}

static int m_monitored(struct berth_oci *r, const struct berth_container *c _unused_,
                       struct berth_error *err)
{
    return gone(r, err);
}

static int m_create(struct berth_oci *r, const struct berth_container *c _unused_,
                    const struct berth_oci_create *how _unused_,
                    struct berth_oci_status *out _unused_, uint64_t *out_usec _unused_,
                    struct berth_error *err)
{
    return gone(r, err);
}

/* start, remove, pause, unpause */
static int m_simple(struct berth_oci *r, const struct berth_container *c _unused_,
                    struct berth_error *err)
{
    return gone(r, err);
}

static int m_kill(struct berth_oci *r, const struct berth_container *c _unused_,
                  int32_t signal _unused_, uint32_t flags _unused_, struct berth_error *err)
{
    return gone(r, err);
}

static int m_stop(struct berth_oci *r, const struct berth_container *c _unused_,
                  berth_deadline deadline _unused_, uint32_t flags _unused_,
                  struct berth_error *err)
{
    return gone(r, err);
}

static int m_update(struct berth_oci *r, const struct berth_container *c _unused_,
                    struct berth_blob resources _unused_, struct berth_error *err)
{
    return gone(r, err);
}

static int m_attach(struct berth_oci *r, const struct berth_container *c _unused_,
                    const char *session _unused_, int *out_fd _unused_, struct berth_error *err)
{
    return gone(r, err);
}

static int m_resize(struct berth_oci *r, const struct berth_container *c _unused_,
                    const char *session _unused_, struct berth_tty_size to _unused_,
                    struct berth_error *err)
{
    return gone(r, err);
}

static int m_exec(struct berth_oci *r, const struct berth_container *c _unused_,
                  const struct berth_oci_exec *what _unused_, int *out_fd _unused_,
                  int32_t *out_pid _unused_, struct berth_error *err)
{
    return gone(r, err);
}

static int m_exec_stop(struct berth_oci *r, const struct berth_container *c _unused_,
                       const char *session _unused_, berth_deadline deadline _unused_,
                       struct berth_error *err)
{
    return gone(r, err);
}

static int m_exec_status(struct berth_oci *r, const struct berth_container *c _unused_,
                         const char *session _unused_, int32_t *out_code _unused_,
                         struct berth_error *err)
{
    return gone(r, err);
}

static int m_checkpoint(struct berth_oci *r, const struct berth_container *c _unused_,
                        const struct berth_oci_checkpoint *how _unused_,
                        uint64_t *out_usec _unused_, struct berth_error *err)
{
    return gone(r, err);
}

static const struct berth_oci_ops ops = {
    .size = sizeof(ops),
    .close = m_close,
    .info = m_info,
    .create = m_create,
    .start = m_simple,
    .status = m_status,
    .kill = m_kill,
    .stop = m_stop,
    .remove = m_simple,
    .pause = m_simple,
    .unpause = m_simple,
    .update = m_update,
    .attach = m_attach,
    .resize = m_resize,
    .exec = m_exec,
    .exec_stop = m_exec_stop,
    .exec_status = m_exec_status,
    .monitored = m_monitored,
    .path = m_path,
    .checkpoint = m_checkpoint,
    .wait = m_wait,
};

const struct plugin missing_plugin = {
    .module = "oci_missing",
    .path = "builtin",
    .desc =
        {
            .magic = BERTH_PLUGIN_MAGIC,
            .size = sizeof(struct berth_plugin),
            .kind = BERTH_KIND_OCI,
            .abi_major = BERTH_ABI_MAJOR,
            .abi_minor = BERTH_ABI_MINOR,
            .ops_major = BERTH_OCI_ABI_MAJOR,
            .ops_minor = BERTH_OCI_ABI_MINOR,
            .name = "missing",
            .version = PACKAGE_VERSION,
            .summary = "stands in for a runtime that is gone",
            .threads = BERTH_THREADS_PARALLEL,
            .ops = &ops,
        },
    .ops = &ops,
};
