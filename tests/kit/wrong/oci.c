/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci.c - OCI plugins that are wrong on purpose: -DWRONG_<what> each.
 *
 * The example oci_slim, with one operation that is wrong.  The kit has to notice.
 */
#include <berth/oci.h>

#undef BERTH_OCI_PLUGIN
#define BERTH_OCI_PLUGIN(module, ops_, ...) enum { example_is_included }
#include "plugin.c"

static int wrong_open(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, struct berth_oci **out,
                      uint64_t *out_caps, struct berth_error *err)
{
    int r = slim_open(h, place, cfg, out, out_caps, err);

#ifdef WRONG_caps
    *out_caps |= BERTH_OCI_CAP_CHECKPOINT;
#endif
#if defined(WRONG_twice) || defined(WRONG_goes_on)
    *out_caps |= BERTH_OCI_CAP_MEANWHILE;
#endif
    return r;
}

static int wrong_start(struct berth_oci *r, const struct berth_container *c,
                       struct berth_error *err)
{
#ifdef WRONG_missing
    return slim_start(r, c, NULL) == -ENOEXEC
               ? berth_fail(r->h, err, ENOENT, "there is no %s", r->runtime)
               : slim_start(r, c, err);
#endif
#ifdef WRONG_hides
    int rc = slim_start(r, c, NULL);

    return rc < 0 ? berth_fail(r->h, err, -rc, "it did not start") : rc;
#endif
    return slim_start(r, c, err);
}

static int wrong_status(struct berth_oci *r, const struct berth_container *c,
                        struct berth_oci_status *out, struct berth_error *err)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    int rc = slim_status(r, c, &s, err);

#ifdef WRONG_nonsense
    if (rc == -EPROTO)
        rc = berth_fail(r->h, NULL, ENOENT, "no") * 0;
#endif
#ifdef WRONG_running
    if (rc == 0 && s.status == BERTH_OCI_STOPPED)
        s.status = BERTH_OCI_RUNNING;
#endif
#ifdef WRONG_overflows
    if (rc == 0) {
        s.size = out->size;
        *out = s;
    }
    return rc;
#endif
    if (rc == 0)
        give(out, &s);
    return rc;
}

static int wrong_create(struct berth_oci *r, const struct berth_container *c,
                        const struct berth_oci_create *how, struct berth_oci_status *out,
                        uint64_t *out_usec, struct berth_error *err)
{
#ifdef WRONG_leaves
    int fd = open(c->pid_file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
#endif
#if defined(WRONG_twice) || defined(WRONG_goes_on)
    int rc = how->meanwhile ? how->meanwhile(how->arg) : 0;

#ifdef WRONG_twice
    if (rc < 0)
        return how->meanwhile(how->arg);
#endif
#endif
    return slim_create(r, c, how, out, out_usec, err);
}

static int wrong_exec(struct berth_oci *r, const struct berth_container *c,
                      const struct berth_oci_exec *what, int *out_fd, int32_t *out_pid,
                      struct berth_error *err)
{
#ifdef WRONG_leaks
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return berth_fail(r->h, err, errno, "no null device");
#endif
    return slim_exec(r, c, what, out_fd, out_pid, err);
}

static int wrong_attach(struct berth_oci *r, const struct berth_container *c,
                        const char *session, int *out_fd, struct berth_error *err)
{
    int rc = slim_attach(r, c, session, out_fd, err);

#ifdef WRONG_touches
    if (rc < 0)
        *out_fd = -1;
#endif
    return rc;
}

static int wrong_path(struct berth_oci *r, const struct berth_container *c, uint32_t which,
                      const char *session, struct berth_buf *out, struct berth_error *err)
{
#ifdef WRONG_relative
    if (which == BERTH_PATH_OOM_FILE)
        return r->h->put(r->h->core, out, "oom", 3);
#endif
    return slim_path(r, c, which, session, out, err);
}

static int wrong_wait(struct berth_oci *r, const struct berth_container *c, const char *session,
                      berth_deadline deadline, struct berth_oci_status *out,
                      struct berth_error *err)
{
    int rc = slim_wait(r, c, session, deadline, out, err);

#ifdef WRONG_code
    if (rc == 1)
        out->exit_code = 0;
#endif
#ifdef WRONG_ended
    if (rc == 1 && out->status == BERTH_OCI_UNKNOWN)
        out->status = BERTH_OCI_STOPPED;
#endif
    return rc;
}

static int wrong_exec_status(struct berth_oci *r, const struct berth_container *c,
                             const char *session, int32_t *out_code, struct berth_error *err)
{
#ifdef WRONG_session
    return 1;
#endif
    return slim_exec_status(r, c, session, out_code, err);
}

static int wrong_monitored(struct berth_oci *r, const struct berth_container *c,
                           struct berth_error *err)
{
#ifdef WRONG_watched
    return 1;
#endif
    return slim_monitored(r, c, err);
}

static const struct berth_oci_ops wrong_ops = {
    .size = sizeof(wrong_ops),
    .probe = slim_probe,
    .open = wrong_open,
    .close = slim_close,
    .info = slim_info,
    .create = wrong_create,
    .start = wrong_start,
    .status = wrong_status,
    .kill = slim_kill,
    .stop = slim_stop,
    .remove = slim_remove,
    .pause = slim_pause,
    .unpause = slim_unpause,
    .update = slim_update,
    .attach = wrong_attach,
    .resize = slim_resize,
    .exec = wrong_exec,
    .exec_stop = slim_exec_stop,
    .exec_status = wrong_exec_status,
    .monitored = wrong_monitored,
    .path = wrong_path,
    .wait = wrong_wait,
};

#define CAPS (BERTH_OCI_CAP_MONITOR | BERTH_OCI_CAP_MEANWHILE)

BERTH_PLUGIN_(BERTH_PASTE(oci_, NAMED), BERTH_KIND_OCI, "oci", 1, 0, 0, &wrong_ops,
              .name = BERTH_STR(NAMED), .version = "1", .summary = "wrong",
              .license = "Apache-2.0", .contact = "nobody", .caps = CAPS,
              .threads = BERTH_THREADS_PARALLEL,
              .n_options = sizeof(options) / sizeof(*options), .options = options);
