/* SPDX-License-Identifier: Apache-2.0 */
/* ops.c - the operations that are one call of the runtime, and the paths. */
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "files.h"

int rt_start(struct berth_oci *r, const struct berth_container *c, struct berth_error *err)
{
    static const char *const words[] = {"start", NULL};
    const struct rt_call what = {
        .words = words, .id = c->id, .with_path = true, .starting = true};

    return rt_call(r, &what, NULL, err);
}

int rt_pause(struct berth_oci *r, const struct berth_container *c, struct berth_error *err)
{
    static const char *const words[] = {"pause", NULL};
    const struct rt_call what = {.words = words, .id = c->id, .running = c};

    return rt_call(r, &what, NULL, err);
}

int rt_unpause(struct berth_oci *r, const struct berth_container *c, struct berth_error *err)
{
    static const char *const words[] = {"resume", NULL};
    const struct rt_call what = {.words = words, .id = c->id, .running = c};

    return rt_call(r, &what, NULL, err);
}

int rt_update(struct berth_oci *r, const struct berth_container *c, struct berth_blob resources,
              struct berth_error *err)
{
    static const char *const words[] = {"update", "--resources=-", NULL};
    const struct rt_call what = {
        .words = words, .id = c->id, .input = resources, .with_path = true, .running = c};

    return rt_call(r, &what, NULL, err);
}

int rt_checkpoint(struct berth_oci *r, const struct berth_container *c,
                  const struct berth_oci_checkpoint *how, uint64_t *out_usec,
                  struct berth_error *err)
{
    static const char *const help[] = {"checkpoint", "--help", NULL};
    const struct rt_call asks = {.words = help};
    const char *words[14] = {"checkpoint", "--image-path", how->dir, "--work-path", c->bundle};
    struct rt_call what = {.words = words, .id = c->id, .with_path = true, .running = c};
    berth_deadline begun = rt_now();
    size_t n = 5;
    int rc;

    /* Builds without criu do not know the command. */
    rc = rt_call(r, &asks, NULL, NULL);
    if (rc == -ENOEXEC)
        return berth_fail(r->h, err, ENOEXEC, "cannot run %s", r->path);
    if (rc < 0)
        return berth_fail(r->h, err, ENOTSUP,
                          "configured runtime does not support checkpoint/restore");
    if (!how->dir)
        return 0;
    if (how->flags & BERTH_OCI_CHECKPOINT_KEEP_RUNNING)
        words[n++] = "--leave-running";
    if (how->flags & BERTH_OCI_CHECKPOINT_TCP_ESTABLISHED)
        words[n++] = "--tcp-established";
    if (how->flags & BERTH_OCI_CHECKPOINT_FILE_LOCKS)
        words[n++] = "--file-locks";
    if (how->flags & BERTH_OCI_CHECKPOINT_PRE)
        words[n++] = "--pre-dump";
    if (how->previous) {
        words[n++] = "--parent-path";
        words[n++] = how->previous;
    }
    rc = rt_call(r, &what, NULL, err);
    if (rc == 0 && out_usec)
        *out_usec = (rt_now() - begun) / 1000;
    return rc;
}

int rt_monitored(struct berth_oci *r, const struct berth_container *c, struct berth_error *err)
{
    RT_FREE char *path = rt_fifo_path(c, NULL);
    RT_FD int fifo = -1;
    RT_FD int process = -1;

    if (!path)
        return rt_no_memory(r, err);
    /* The fifo is conmon's alone; a pid may be somebody else's by now. */
    fifo = rt_open_fifo(path);
    if (fifo >= 0)
        return 1;
    if (fifo == -ESRCH)
        return 0;
    /* Without attach socket (log driver passthrough) there are no fifos either. */
    if (!c->log_driver || strcmp(c->log_driver, "passthrough") != 0)
        return 0;
    process = pidfd_get(c->monitor_pid);
    return process >= 0;
}

int rt_path(struct berth_oci *r, const struct berth_container *c, uint32_t which,
            const char *session, struct berth_buf *out, struct berth_error *err)
{
    RT_FREE char *path = NULL;

    if (session && !rt_session_ok(session))
        return berth_fail(r->h, err, EINVAL, "no session can be called \"%s\"", session);
    switch (which) {
    case BERTH_PATH_ATTACH_SOCKET:
        path = rt_socket_path(c, NULL);
        break;
    case BERTH_PATH_EXEC_SOCKET:
        if (!session)
            return berth_fail(r->h, err, EINVAL, "no session given");
        path = rt_socket_path(c, session);
        break;
    case BERTH_PATH_EXIT_FILE:
        path = rt_exit_path(c, session);
        break;
    case BERTH_PATH_OOM_FILE:
        path = rt_format("%s/oom", c->bundle);
        break;
    default:
        return berth_fail(r->h, err, ENOTSUP, "there is no path of the kind %u", which);
    }
    if (!path)
        return rt_no_memory(r, err);
    return r->h->put(r->h->core, out, path, strlen(path));
}
