/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c - an OCI runtime (crun, runc, youki, ...) watched by conmon.
 *
 * The runtime creates and starts containers; conmon stays with each of them, keeps its streams
 * in a socket and leaves its exit code in a file.  Both are run by the host (`run`), so tests
 * can answer in their place.
 */
#include "slim.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int slim_create(struct berth_oci *r, const struct berth_container *c,
                       const struct berth_oci_create *how, struct berth_oci_status *out,
                       uint64_t *out_usec, struct berth_error *err)
{
    struct berth_oci_status s = {.size = sizeof(s), .status = BERTH_OCI_CREATED};
    berth_deadline begun = now();
    char log[PATH_LEN];
    struct args a = {.n = 0};
    struct pipes p;
    int rc;

    if (how && (how->n_fds || how->checkpoint))
        return berth_fail(r->h, err, ENOTSUP,
                          "the plugin slim passes no descriptors on and restores nothing");
    mkdir(c->exit_dir, 0750);
    remove_files(c);
    add_shared(r, c, c->id, c->bundle, c->pid_file, c->exit_dir, c->exit_command, &a);
    snprintf(log, sizeof(log), "k8s-file:%s", c->log_path ? c->log_path : "/dev/null");
    add(&a, "-l");
    add(&a, c->log_driver && strcmp(c->log_driver, "k8s-file") != 0 &&
                    strcmp(c->log_driver, "json-file") != 0
                ? c->log_driver
                : log);
    if (c->flags & BERTH_CTR_TERMINAL)
        add(&a, "-t");
    else if (c->flags & BERTH_CTR_STDIN)
        add(&a, "-i");
    add(&a, "--conmon-pidfile");
    add(&a, c->monitor_pid_file);
    rc = launch(r, &a, c->bundle, &p, err);
    if (rc == 0)
        rc = read_pid(r, &p, &s.pid, err);
    close_all(p.ours);
    if (rc < 0) {
        if (rc != -EEXIST && rc != -ENOEXEC)
            call(r, "delete", "--force", c, NULL, NULL, NULL);
        remove_files(c);
        return rc;
    }
    if (read_number(c->monitor_pid_file, &s.monitor_pid) < 0)
        s.monitor_pid = 0;
    give(out, &s);
    if (out_usec)
        *out_usec = (now() - begun) / 1000;
    return 0;
}

/* ------------------------------------------------------------------- operations */

static int slim_start(struct berth_oci *r, const struct berth_container *c,
                      struct berth_error *err)
{
    return call(r, "start", NULL, c, NULL, NULL, err);
}

static int slim_pause(struct berth_oci *r, const struct berth_container *c,
                      struct berth_error *err)
{
    return call(r, "pause", NULL, c, NULL, NULL, err);
}

static int slim_unpause(struct berth_oci *r, const struct berth_container *c,
                        struct berth_error *err)
{
    return call(r, "resume", NULL, c, NULL, NULL, err);
}

static int slim_update(struct berth_oci *r, const struct berth_container *c,
                       struct berth_blob resources, struct berth_error *err)
{
    const struct args a = {{r->runtime, "update", "--resources=-", c->id}, 4};

    return run(r, &a, "/", NULL, 0, resources, NULL, err);
}

static int slim_kill(struct berth_oci *r, const struct berth_container *c, int32_t number,
                     uint32_t flags, struct berth_error *err)
{
    char text[16];

    if (number <= 0 || number > SIGRTMAX)
        return berth_fail(r->h, err, EINVAL, "there is no signal %d", number);
    snprintf(text, sizeof(text), "%d", number);
    return call(r, "kill", flags & BERTH_OCI_ALL ? "--all" : NULL, c, text, NULL, err);
}

/* Wait until a process is gone: 1, or 0 at the deadline. */
static int wait_gone(int32_t pid, berth_deadline deadline)
{
    while (pid > 0 && kill(pid, 0) == 0) {
        if (now() >= deadline)
            return 0;
        nap();
    }
    return 1;
}

static int slim_stop(struct berth_oci *r, const struct berth_container *c,
                     berth_deadline deadline, uint32_t flags, struct berth_error *err)
{
    int rc = 0;

    if (deadline != BERTH_NO_WAIT)
        rc = slim_kill(r, c, c->stop_signal > 0 ? c->stop_signal : SIGTERM, flags, err);
    if (rc == 0 && !(deadline != BERTH_NO_WAIT && wait_gone(c->pid, deadline)))
        rc = slim_kill(r, c, SIGKILL, flags, err);
    if (rc < 0)
        return rc;
    return wait_gone(c->pid, now() + 5 * SECOND)
               ? 0
               : berth_fail(r->h, err, ETIMEDOUT, "container %s does not die", c->id);
}

static int slim_remove(struct berth_oci *r, const struct berth_container *c,
                       struct berth_error *err)
{
    struct berth_buf *ignored = r->h->buf_new(r->h->core);
    int rc = call(r, "delete", "--force", c, NULL, ignored, err);

    r->h->buf_free(r->h->core, ignored);
    if (rc == 0)
        remove_files(c);
    return rc;
}

/* What the runtime says of it; BERTH_OCI_*, or -errno. */
static int ask(struct berth_oci *r, const struct berth_container *c, int32_t *out_pid,
               struct berth_error *err)
{
    static const char *const names[] = {"", "created", "running", "paused", "stopped"};
    struct berth_buf *out = r->h->buf_new(r->h->core);
    const char *text, *at;
    int rc = out ? call(r, "state", NULL, c, NULL, out, NULL) : -ENOMEM, found = 0;

    if (rc == 0) {
        text = r->h->buf_data(r->h->core, out).data;
        at = strstr(text, "\"pid\":");
        *out_pid = at ? (int32_t)strtol(at + 6, NULL, 10) : 0;
        at = strstr(text, "\"status\":");
        at = at ? strchr(at + 9, '"') : NULL;
        for (int i = 1; at && i < 5; i++)
            if (strncmp(at + 1, names[i], strlen(names[i])) == 0)
                found = i;
        rc = found ? found
                   : berth_fail(r->h, err, EPROTO, "%s state gave no status", r->runtime);
    } else if (rc == -ENOENT) {
        rc = BERTH_OCI_UNKNOWN;
    } else {
        rc = berth_fail(r->h, err, -rc, "%s cannot tell the state of %s", r->runtime, c->id);
    }
    r->h->buf_free(r->h->core, out);
    return rc;
}

static int slim_status(struct berth_oci *r, const struct berth_container *c,
                       struct berth_oci_status *out, struct berth_error *err)
{
    struct berth_oci_status s = {.size = sizeof(s), .exit_code = -1};
    int rc;

    if (!ended(c, NULL, &s)) {
        rc = ask(r, c, &s.pid, err);
        if (rc < 0)
            return rc;
        s.status = rc;
        s.monitor_pid = c->monitor_pid;
        /* It has ended just now: conmon is about to say how. */
        for (int i = 0; rc == BERTH_OCI_STOPPED && i < 100 && !ended(c, NULL, &s); i++)
            nap();
    }
    give(out, &s);
    return 0;
}

/* The monitor has its control file open as long as it lives. */
static int open_control(const struct berth_container *c, const char *session)
{
    char path[PATH_LEN];
    int fd;

    path_of(path, c, session, "ctl");
    fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static int slim_monitored(struct berth_oci *r, const struct berth_container *c,
                          struct berth_error *err)
{
    int fd = open_control(c, NULL);

    (void)r;
    (void)err;
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int slim_wait(struct berth_oci *r, const struct berth_container *c, const char *session,
                     berth_deadline deadline, struct berth_oci_status *out,
                     struct berth_error *err)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    int fd;

    for (;;) {
        fd = open_control(c, session);
        if (ended(c, session, &s))
            break;
        if (fd < 0)
            break;
        close(fd);
        if (now() >= deadline)
            return 0;
        if (r->h->cancelled(r->h->core))
            return berth_fail(r->h, err, ECANCELED, "the wait for %s was ended", c->id);
        nap();
    }
    if (fd >= 0)
        close(fd);
    if (s.status != BERTH_OCI_STOPPED && fd != -ENOENT) {
        s.status = !session && c->pid > 0 && kill(c->pid, 0) == 0 ? BERTH_OCI_RUNNING
                                                                  : BERTH_OCI_STOPPED;
        s.pid = s.status == BERTH_OCI_RUNNING ? c->pid : 0;
        s.exit_code = -1;
        give(out, &s);
        return berth_fail(r->h, err, ENOTRECOVERABLE,
                          "the monitor of %s is gone and left no exit code", c->id);
    }
    give(out, &s);
    return 1;
}

/* --------------------------------------------------------------------- streams */

static int slim_attach(struct berth_oci *r, const struct berth_container *c,
                       const char *session, int *out_fd, struct berth_error *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char path[PATH_LEN];
    int dir, fd, rc;

    /* The address has little room: go through the directory's descriptor. */
    path_of(path, c, session, ".");
    dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/attach", dir);
    rc =
        dir >= 0 && fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : errno;
    if (dir >= 0)
        close(dir);
    if (rc == 0) {
        *out_fd = fd;
        return 0;
    }
    if (fd >= 0)
        close(fd);
    return berth_fail(r->h, err, rc == ENOENT || rc == ECONNREFUSED ? ESRCH : rc,
                      "cannot connect to the streams of %s", session ? session : c->id);
}

static int slim_resize(struct berth_oci *r, const struct berth_container *c,
                       const char *session, struct berth_tty_size to, struct berth_error *err)
{
    int fd = open_control(c, session), rc;

    if (fd < 0)
        return berth_fail(r->h, err, ESRCH, "nobody watches over %s",
                          session ? session : c->id);
    rc = dprintf(fd, "1 %u %u\n", to.rows, to.cols) < 0 ? errno : 0;
    close(fd);
    return rc ? berth_fail(r->h, err, rc, "cannot resize the terminal of %s", c->id) : 0;
}

static void put_json(FILE *out, const char *s)
{
    putc('"', out);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\' || (unsigned char)*s < 0x20)
            fprintf(out, "\\u%04x", (unsigned char)*s);
        else
            putc(*s, out);
    }
    putc('"', out);
}

/* The process document of a session: the engine's, or one made of what it gave. */
static int write_process(struct berth_oci *r, const struct berth_oci_exec *what,
                         const char *path, struct berth_error *err)
{
    FILE *out = fopen(path, "we");
    int rc = 0;

    if (!out)
        return berth_fail(r->h, err, errno, "cannot write %s: %m", path);
    if (BERTH_HAS(what, process.data)) {
        fwrite(what->process.data, 1, what->process.len, out);
    } else {
        fprintf(out, "{\"terminal\":%s,\"user\":{\"uid\":%lu,\"gid\":0},\"cwd\":",
                what->flags & BERTH_OCI_EXEC_TERMINAL ? "true" : "false",
                what->user ? strtoul(what->user, NULL, 10) : 0);
        put_json(out, what->cwd ? what->cwd : "/");
        fputs(",\"args\":[", out);
        for (const char *const *p = what->argv; p && *p; p++) {
            fputs(p == what->argv ? "" : ",", out);
            put_json(out, *p);
        }
        fputs("],\"env\":[", out);
        for (const char *const *p = what->env; p && *p; p++) {
            fputs(p == what->env ? "" : ",", out);
            put_json(out, *p);
        }
        fputs("]}", out);
    }
    if (ferror(out))
        rc = berth_fail(r->h, err, EIO, "cannot write %s", path);
    if (fclose(out) != 0 && rc == 0)
        rc = berth_fail(r->h, err, errno, "cannot write %s: %m", path);
    return rc;
}

/* conmon is ready: connect to its streams before the command starts. */
static int begin_session(struct berth_oci *r, const struct berth_container *c,
                         const struct berth_oci_exec *what, struct pipes *p, int *out_fd,
                         struct berth_error *err)
{
    char text[8192];
    long ready = -1;
    int rc = read_line(r, p->ours[2], &ready, text, err);

    if (rc == 0 && ready != 0)
        rc = berth_fail(r->h, err, EPROTO, "%s opened no socket", r->conmon);
    if (rc == 0 && out_fd)
        rc = slim_attach(r, c, what->session, out_fd, err);
    if (rc == 0 && out_fd && BERTH_HAS(what, tty.rows))
        slim_resize(r, c, what->session, what->tty, NULL);
    if (rc == 0 && send(p->ours[1], "", 1, MSG_NOSIGNAL) < 0)
        rc = berth_fail(r->h, err, EPROTO, "%s is gone", r->conmon);
    return rc;
}

static int slim_exec(struct berth_oci *r, const struct berth_container *c,
                     const struct berth_oci_exec *what, int *out_fd, int32_t *out_pid,
                     struct berth_error *err)
{
    char dir[PATH_LEN], spec[PATH_LEN], pid_file[PATH_LEN], exit_dir[PATH_LEN];
    struct args a = {.n = 0};
    struct pipes p;
    int32_t pid = 0;
    int fd = -1, rc;

    if (what->n_fds)
        return berth_fail(r->h, err, ENOTSUP, "the plugin slim passes no descriptors on");
    path_of(dir, c, NULL, what->session);
    path_of(spec, c, what->session, "process.json");
    path_of(pid_file, c, what->session, "exec_pid");
    path_of(exit_dir, c, what->session, "exit");
    mkdir(dir, 0755);
    mkdir(exit_dir, 0755);
    rc = write_process(r, what, spec, err);
    if (rc < 0)
        return rc;
    add_shared(r, c, what->session, dir, pid_file, exit_dir, what->exit_command, &a);
    adds(&a, (const char *const[]){"-l", "none", "-e", "--exec-attach", "--exec-process-spec",
                                   spec, NULL});
    if (what->flags & BERTH_OCI_EXEC_TERMINAL)
        add(&a, "-t");
    if (what->flags & BERTH_OCI_EXEC_STDIN)
        add(&a, "-i");
    rc = launch(r, &a, dir, &p, err);
    if (rc == 0)
        rc = begin_session(r, c, what, &p, out_fd ? &fd : NULL, err);
    if (rc == 0)
        rc = read_pid(r, &p, &pid, err);
    close_all(p.ours);
    if (rc < 0) {
        if (fd >= 0)
            close(fd);
        return rc;
    }
    if (out_fd)
        *out_fd = fd;
    if (out_pid)
        *out_pid = pid;
    return 0;
}

static int slim_exec_status(struct berth_oci *r, const struct berth_container *c,
                            const char *session, int32_t *out_code, struct berth_error *err)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    int rc = slim_wait(r, c, session, BERTH_NO_WAIT, &s, NULL);

    (void)err;
    *out_code = rc == 1 && s.status == BERTH_OCI_STOPPED ? s.exit_code : -1;
    return rc == 0;
}

static int slim_exec_stop(struct berth_oci *r, const struct berth_container *c,
                          const char *session, berth_deadline deadline, struct berth_error *err)
{
    char path[PATH_LEN];
    int32_t pid = 0;

    path_of(path, c, session, "exec_pid");
    if (read_number(path, &pid) < 0 || pid <= 0 || kill(pid, 0) < 0)
        return 0;
    if (deadline != BERTH_NO_WAIT)
        kill(pid, SIGTERM);
    if (deadline == BERTH_NO_WAIT || !wait_gone(pid, deadline))
        kill(pid, SIGKILL);
    return wait_gone(pid, now() + 5 * SECOND)
               ? 0
               : berth_fail(r->h, err, ETIMEDOUT, "session %s does not die", session);
}

/* ------------------------------------------------------------------ what there is */

static int slim_path(struct berth_oci *r, const struct berth_container *c, uint32_t which,
                     const char *session, struct berth_buf *out, struct berth_error *err)
{
    char path[PATH_LEN];

    if (which == BERTH_PATH_ATTACH_SOCKET || (which == BERTH_PATH_EXEC_SOCKET && session))
        path_of(path, c, which == BERTH_PATH_EXEC_SOCKET ? session : NULL, "attach");
    else if (which == BERTH_PATH_EXIT_FILE)
        exit_path(path, c, session);
    else if (which == BERTH_PATH_OOM_FILE)
        path_of(path, c, NULL, "oom");
    else
        return berth_fail(r->h, err, ENOTSUP, "there is no path of the kind %u", which);
    return r->h->put(r->h->core, out, path, strlen(path)) < 0
               ? berth_fail(r->h, err, ENOMEM, "out of memory")
               : 0;
}

static int slim_info(struct berth_oci *r, struct berth_buf *out, struct berth_error *err)
{
    const struct berth_host *h = r->h;
    struct args a = {{r->runtime, "--version"}, 2};
    struct berth_buf *version = h->buf_new(h->core);
    char *text = NULL;
    size_t len = 0;
    FILE *f = version ? open_memstream(&text, &len) : NULL;
    int rc = f ? run(r, &a, "/", NULL, 0, NOTHING, version, err)
               : berth_fail(h, err, ENOMEM, "out of memory");

    if (f) {
        fputs("{\"ociRuntime\":{\"name\":\"slim\",\"package\":\"Unknown\",\"path\":", f);
        put_json(f, r->runtime);
        fputs(",\"version\":", f);
        put_json(f, h->buf_data(h->core, version).data);
        fputs("}}", f);
        fclose(f);
    }
    if (rc == 0 && h->put(h->core, out, text, len) < 0)
        rc = berth_fail(h, err, ENOMEM, "out of memory");
    free(text);
    h->buf_free(h->core, version);
    return rc;
}

static int slim_probe(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, struct berth_error *err)
{
    const char *const paths[] = {h->option_string(cfg, "path"),
                                 h->option_string(cfg, "conmon")};

    (void)place;
    for (int i = 0; i < 2; i++)
        if (access(paths[i], X_OK) < 0)
            return berth_fail(h, err, ENOEXEC, "cannot run %s: %m", paths[i]);
    return 0;
}

static int slim_open(const struct berth_host *h, const struct berth_place *place,
                     const struct berth_config *cfg, struct berth_oci **out, uint64_t *out_caps,
                     struct berth_error *err)
{
    struct berth_oci *r = calloc(1, sizeof(*r));

    (void)place;
    if (!r)
        return berth_fail(h, err, ENOMEM, "out of memory");
    r->h = h;
    r->runtime = h->option_string(cfg, "path"); /* lives as long as the instance */
    r->conmon = h->option_string(cfg, "conmon");
    *out = r;
    *out_caps = BERTH_OCI_CAP_MONITOR;
    return 0;
}

static void slim_close(struct berth_oci *r)
{
    free(r);
}

static const struct berth_oci_ops ops = {
    .size = sizeof(ops),
    .probe = slim_probe,
    .open = slim_open,
    .close = slim_close,
    .info = slim_info,
    .create = slim_create,
    .start = slim_start,
    .status = slim_status,
    .kill = slim_kill,
    .stop = slim_stop,
    .remove = slim_remove,
    .pause = slim_pause,
    .unpause = slim_unpause,
    .update = slim_update,
    .attach = slim_attach,
    .resize = slim_resize,
    .exec = slim_exec,
    .exec_stop = slim_exec_stop,
    .exec_status = slim_exec_status,
    .monitored = slim_monitored,
    .path = slim_path,
    .wait = slim_wait,
};

static const struct berth_option options[] = {
    {"path", BERTH_OPTION_PATH, 0, "/usr/bin/crun", "the runtime"},
    {"conmon", BERTH_OPTION_PATH, 0, "/usr/bin/conmon", "the monitor"},
};

BERTH_OCI_PLUGIN(oci_slim, &ops, .name = "slim", .version = "0.1",
                 .summary = "runs containers with a runtime and conmon",
                 .license = "Apache-2.0", .contact = "https://example.org/bugs",
                 .caps = BERTH_OCI_CAP_MONITOR, .threads = BERTH_THREADS_PARALLEL,
                 .n_options = sizeof(options) / sizeof(*options), .options = options);
