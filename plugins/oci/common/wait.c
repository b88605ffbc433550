/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.c - how and when a container or an exec session ended.
 *
 * The exit file is what counts.  While it is not there, we sleep until its directory
 * changes, or until conmon is gone, which the control fifo tells: a writer's end shows
 * POLLERR once nobody has the fifo open for reading.
 */
#include "wait.h"

#include <poll.h>
#include <string.h>
#include <sys/inotify.h>

#include "call.h"
#include "files.h"

/* conmon is past the end of the process when it writes the file: this is enough. */
#define EXIT_FILE_TIME (5 * RT_SECOND)
#define LOOK_TIME      (RT_SECOND / 10) /* between two looks, if we cannot watch */

int rt_wait_process(struct berth_oci *r, int pidfd, berth_deadline deadline)
{
    for (;;) {
        struct pollfd p = {.fd = pidfd, .events = POLLIN};
        int n = pidfd_poll(&p, 1, rt_poll_time(deadline));

        if (n > 0)
            return 1;
        if (n == 0)
            return 0;
        if (errno != EINTR)
            return -errno;
        if (r->h->cancelled(r->h->core))
            return -ECANCELED;
    }
}

struct watch {
    struct berth_oci *r;
    const struct berth_container *c;
    const char *session;
    char *file, *fifo, *dir;
    int inotify, monitor;
    bool dir_gone, fifo_gone;
};

static void watch_clear(struct watch *w)
{
    free(w->file);
    free(w->fifo);
    free(w->dir);
    rt_clean_fd(&w->inotify);
    rt_clean_fd(&w->monitor);
}

/* Look once: 1, 0, or -errno described. */
static int look(struct watch *w, struct berth_oci_status *out, struct berth_error *err)
{
    struct berth_oci *r = w->r;
    berth_date finished = 0;
    int32_t code = -1;
    int rc = rt_read_exit(w->file, &code, &finished);

    if (rc == 0)
        return 0;
    if (rc == -EPROTO)
        return berth_fail(r->h, err, EPROTO, "%s holds no exit code", w->file);
    if (rc < 0)
        return berth_fail(r->h, err, -rc, "cannot read %s: %s", w->file, strerror(-rc));
    out->status = BERTH_OCI_STOPPED;
    out->pid = 0;
    out->monitor_pid = w->session ? 0 : w->c->monitor_pid;
    out->exit_code = code;
    out->finished = finished;
    out->oom_killed = 0;
    if (!w->session) {
        RT_FREE char *oom = rt_format("%s/oom", w->c->bundle);

        out->oom_killed = oom && access(oom, F_OK) == 0;
    }
    return 1;
}

/* The process's pid, or 0 if it has ended: a zombie waits for its parent only. */
static int32_t running_pid(const struct watch *w)
{
    RT_FREE char *path = NULL;
    RT_FD int process = -1;
    int64_t pid = w->c->pid;

    if (w->session) {
        path = rt_format("%s/%s/exec_pid", w->c->bundle, w->session);
        if (!path || rt_read_number(path, 1, INT32_MAX, &pid) < 0)
            return 0;
    }
    process = pidfd_get((int32_t)pid);
    return process >= 0 && rt_wait_process(w->r, process, BERTH_NO_WAIT) == 0 ? (int32_t)pid
                                                                              : 0;
}

/* Is conmon there?  Without fifos (log driver passthrough) its pid has to do. */
static bool find_monitor(struct watch *w)
{
    if (w->monitor < 0)
        w->monitor = rt_open_fifo(w->fifo);
    w->fifo_gone = w->monitor == -ENOENT || w->monitor == -ENOTDIR;
    if (w->monitor < 0 && !w->session && w->c->log_driver &&
        strcmp(w->c->log_driver, "passthrough") == 0)
        w->monitor = pidfd_get(w->c->monitor_pid);
    return w->monitor >= 0;
}

static void prepare(struct watch *w)
{
    char *slash;

    w->file = rt_exit_path(w->c, w->session);
    w->fifo = rt_fifo_path(w->c, w->session);
    w->dir = w->file ? strdup(w->file) : NULL;
    slash = w->dir ? strrchr(w->dir, '/') : NULL;
    if (slash)
        *slash = '\0';
}

/* Users may watch a limited number of things.  Past that we look again and again. */
static void start_watching(struct watch *w)
{
    w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->inotify < 0 ||
        inotify_add_watch(w->inotify, w->dir,
                          IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR) >= 0)
        return;
    w->dir_gone = errno == ENOENT || errno == ENOTDIR;
    rt_clean_fd(&w->inotify);
    w->inotify = -1;
}

/* Has a file of our name come or gone?  *out_gone: somebody took it away. */
static void drain(struct watch *w, bool *out_gone)
{
    char events[4096] __attribute__((__aligned__(__alignof__(struct inotify_event))));
    ssize_t n;

    while ((n = read(w->inotify, events, sizeof(events))) > 0) {
        for (char *p = events; p < events + n;) {
            const struct inotify_event *e = (const struct inotify_event *)(const void *)p;

            if (e->mask & (IN_DELETE_SELF | IN_IGNORED))
                w->dir_gone = true;
            if (e->len && strcmp(e->name, w->c->id) == 0 && (e->mask & IN_DELETE))
                *out_gone = true;
            p += sizeof(*e) + e->len;
        }
    }
}

/* Neither monitor nor exit file is there.  A monitor that was killed leaves its fifo;
 * if that is gone too, somebody has cleaned up. */
static int lost(struct watch *w, struct berth_oci_status *out, struct berth_error *err)
{
    if (w->fifo_gone) {
        out->status = BERTH_OCI_UNKNOWN;
        return 1;
    }
    out->pid = running_pid(w);
    out->status = out->pid ? BERTH_OCI_RUNNING : BERTH_OCI_STOPPED;
    out->monitor_pid = 0;
    out->exit_code = -1;
    out->oom_killed = 0;
    out->finished = 0;
    return berth_fail(w->r->h, err, ENOTRECOVERABLE,
                      "conmon of %s is gone and left no exit code",
                      w->session ? w->session : w->c->id);
}

/* One sleep.  1: look again; 0: the deadline; -errno. */
static int sleep_once(struct watch *w, berth_deadline deadline, bool *out_gone)
{
    struct pollfd p[2] = {
        {.fd = w->inotify, .events = POLLIN},
        {.fd = w->monitor, .events = POLLIN}, /* a pidfd; a fifo shows POLLERR */
    };
    berth_deadline next = rt_now() + LOOK_TIME;
    bool blind = w->inotify < 0 && next < deadline;
    int n = pidfd_poll(p, 2, rt_poll_time(blind ? next : deadline));

    if (n < 0 && errno != EINTR)
        return -errno;
    if (n == 0 && blind)
        return 1;
    if (n < 0)
        return w->r->h->cancelled(w->r->h->core) ? -ECANCELED : 1;
    if (p[0].revents)
        drain(w, out_gone);
    if (p[1].revents) {
        /* A pidfd or a fifo that has nothing left to tell. */
        rt_clean_fd(&w->monitor);
        w->monitor = -1;
    }
    return n > 0;
}

static int wait_watched(struct watch *w, berth_deadline deadline, struct berth_oci_status *out,
                        struct berth_error *err)
{
    struct berth_oci *r = w->r;
    bool gone = false;

    /* The watch first: what happens from now on is not missed. */
    start_watching(w);
    for (;;) {
        bool monitored = find_monitor(w);
        int rc = look(w, out, err);

        if (rc != 0)
            return rc;
        if (gone || w->dir_gone) {
            out->status = BERTH_OCI_UNKNOWN;
            return 1;
        }
        if (!monitored)
            return lost(w, out, err);
        rc = sleep_once(w, deadline, &gone);
        if (rc == 0)
            return look(w, out, err);
        if (rc < 0)
            return berth_fail(r->h, err, -rc, "waiting for %s was interrupted",
                              w->session ? w->session : w->c->id);
    }
}

void rt_give_status(struct berth_oci_status *out, const struct berth_oci_status *s)
{
    uint32_t size = out->size;

    memcpy(out, s, size < sizeof(*s) ? size : sizeof(*s));
    out->size = size;
}

int rt_wait(struct berth_oci *r, const struct berth_container *c, const char *session,
            berth_deadline deadline, struct berth_oci_status *lent, struct berth_error *err)
{
    struct berth_oci_status full = {.size = sizeof(full)}, *out = &full;
    struct watch w = {.r = r, .c = c, .session = session, .inotify = -1, .monitor = -1};
    int rc;

    if (session && !rt_session_ok(session))
        return berth_fail(r->h, err, EINVAL, "no session can be called \"%s\"", session);
    memcpy(&full, lent, lent->size < sizeof(full) ? lent->size : sizeof(full));
    prepare(&w);
    if (!w.file || !w.fifo || !w.dir) {
        rc = rt_no_memory(r, err);
    } else {
        rc = look(&w, out, err);
        if (rc == 0 && deadline == BERTH_NO_WAIT && !find_monitor(&w)) {
            /* It may have written the file and gone between the two looks. */
            rc = look(&w, out, err);
            if (rc == 0)
                rc = lost(&w, out, err);
        } else if (rc == 0 && deadline != BERTH_NO_WAIT) {
            rc = wait_watched(&w, deadline, out, err);
        }
    }
    watch_clear(&w);
    rt_give_status(lent, &full);
    return rc;
}

int rt_status(struct berth_oci *r, const struct berth_container *c,
              struct berth_oci_status *out, struct berth_error *err)
{
    struct berth_oci_status s = {.size = sizeof(s)}, last = s;
    int32_t pid = 0;
    int rc = rt_wait(r, c, NULL, BERTH_NO_WAIT, &s, NULL);

    if (rc <= 0 || s.status != BERTH_OCI_STOPPED) {
        rc = rt_state(r, c, &pid, err);
        if (rc < 0)
            return rc;
        s.status = rc;
        s.pid = pid;
        s.monitor_pid = c->monitor_pid;
        s.exit_code = -1;
        /* The process has ended just now: conmon is about to say how. */
        if (rc == BERTH_OCI_STOPPED &&
            rt_wait(r, c, NULL, rt_now() + EXIT_FILE_TIME, &last, NULL) == 1 &&
            last.status == BERTH_OCI_STOPPED)
            s = last;
    }
    rt_give_status(out, &s);
    return 0;
}

int rt_exec_status(struct berth_oci *r, const struct berth_container *c, const char *session,
                   int32_t *out_code, struct berth_error *err)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    int rc;

    if (!session || !rt_session_ok(session))
        return berth_fail(r->h, err, EINVAL, "no session can be called \"%s\"",
                          session ? session : "");
    rc = rt_wait(r, c, session, BERTH_NO_WAIT, &s, NULL);
    if (rc == 0 || rc == -ENOTRECOVERABLE) {
        const struct watch w = {.r = r, .c = c, .session = session};

        if (running_pid(&w))
            return 1;
        /* It has ended just now: conmon is about to say how. */
        rc = rt_wait(r, c, session, rt_now() + EXIT_FILE_TIME, &s, NULL);
    }
    if (rc == -EPROTO)
        return berth_fail(r->h, err, EPROTO, "session %s left no valid exit code", session);
    if (rc < 0 && rc != -ENOTRECOVERABLE)
        return berth_fail(r->h, err, -rc, "cannot tell how session %s ended: %s", session,
                          strerror(-rc));
    *out_code = rc == 1 && s.status == BERTH_OCI_STOPPED ? s.exit_code : -1;
    return 0;
}
