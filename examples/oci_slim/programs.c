/* SPDX-License-Identifier: Apache-2.0 */
/* programs.c - see slim.h. */
#include "slim.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

berth_deadline now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (berth_deadline)ts.tv_sec * SECOND + (berth_deadline)ts.tv_nsec;
}

void nap(void)
{
    const struct timespec ts = {.tv_nsec = 20000000};

    nanosleep(&ts, NULL);
}

void add(struct args *a, const char *word)
{
    if (a->n < MAX_ARGS)
        a->v[a->n++] = word;
}

void adds(struct args *a, const char *const *words)
{
    for (; words && *words; words++)
        add(a, *words);
}

/* -------------------------------------------------------------------- programs */

static const char *const environment[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "XDG_RUNTIME_DIR=",
    "_OCI_SYNCPIPE=3",
    "_OCI_STARTPIPE=4",
    "_OCI_ATTACHPIPE=5",
    NULL};

/* What a runtime's message means. */
static int meaning(const char *text)
{
    static const struct {
        const char *part;
        int code;
    } texts[] = {
        {"executable file", ENOENT},
        {"open executable: No such file", ENOENT},
        {"Permission denied", EACCES},
        {"ermission denied", EACCES},
        {"does not exist", ENOENT},
        {"/status`: No such file", ENOENT},
        {"not running", ESRCH},
        {"No such process", ESRCH},
        {"process already finished", ESRCH},
        {"already exists", EEXIST},
        {"Operation not permitted", EPERM},
        {"exec.fifo`: No such file", ESRCH},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (strstr(text, texts[i].part))
            return texts[i].code;
    return EREMOTEIO;
}

int fail_text(struct berth_oci *r, struct berth_error *err, const char *text)
{
    int len = (int)strcspn(text, "\n");

    return berth_fail(r->h, err, meaning(text), "%s: %.*s", r->runtime, len ? len : 22,
                      len ? text : "failed without a word");
}

/* Run a program to its end; what it printed goes into *out, if that is asked for. */
int run(struct berth_oci *r, const struct args *a, const char *cwd, const int *fds,
        uint32_t n_fds, struct berth_blob input, struct berth_buf *out, struct berth_error *err)
{
    const struct berth_host *h = r->h;
    struct berth_buf *errors = h->buf_new(h->core);
    const struct berth_run what = {
        .size = sizeof(what),
        .argv = a->v,
        .env = environment,
        .cwd = cwd,
        .input = input,
        .output = out,
        .errors = errors,
        .fds = fds,
        .n_fds = n_fds,
        .netns_fd = -1,
        .deadline = now() + 120 * SECOND,
    };
    int status;

    if (!errors)
        return berth_fail(h, err, ENOMEM, "out of memory");
    status = h->run(h->core, &what, NULL);
    if (status > 0)
        status = fail_text(r, err, h->buf_data(h->core, errors).data);
    else if (status == -ETIMEDOUT || status == -ECANCELED)
        status = berth_fail(h, err, -status, "%s did not come to an end", a->v[0]);
    else if (status < 0)
        status = berth_fail(h, err, ENOEXEC, "cannot run %s: %s", a->v[0], strerror(-status));
    h->buf_free(h->core, errors);
    return status;
}

/* runtime WORD [FLAG] ID [LAST] */
int call(struct berth_oci *r, const char *word, const char *flag,
         const struct berth_container *c, const char *last, struct berth_buf *out,
         struct berth_error *err)
{
    struct args a = {.n = 0};

    add(&a, r->runtime);
    add(&a, word);
    if (flag)
        add(&a, flag);
    add(&a, c->id);
    if (last)
        add(&a, last);
    return run(r, &a, "/", NULL, 0, NOTHING, out, err);
}

/* ----------------------------------------------------------------------- files */

/* A file of a container, or of an exec session of its. */
void path_of(char out[PATH_LEN], const struct berth_container *c, const char *session,
             const char *name)
{
    snprintf(out, PATH_LEN, "%s%s%s/%s", c->bundle, session ? "/" : "", session ? session : "",
             name);
}

void exit_path(char out[PATH_LEN], const struct berth_container *c, const char *session)
{
    if (session)
        snprintf(out, PATH_LEN, "%s/%s/exit/%s", c->bundle, session, c->id);
    else
        snprintf(out, PATH_LEN, "%s/%s", c->exit_dir, c->id);
}

/* The number in a file: 0, or -errno. */
int read_number(const char *path, int32_t *out)
{
    char text[32] = "", *end;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    *out = (int32_t)strtol(text, &end, 10);
    return n > 0 && end > text ? 0 : -EPROTO;
}

/* Has it ended?  1: out says how; 0: there is no exit file. */
int ended(const struct berth_container *c, const char *session, struct berth_oci_status *out)
{
    char path[PATH_LEN], oom[PATH_LEN];
    struct stat st;
    int32_t code;

    exit_path(path, c, session);
    if (read_number(path, &code) < 0)
        return 0;
    path_of(oom, c, session, "oom");
    *out = (struct berth_oci_status){.size = out->size,
                                     .status = BERTH_OCI_STOPPED,
                                     .monitor_pid = session ? 0 : c->monitor_pid,
                                     .exit_code = code,
                                     .oom_killed = access(oom, F_OK) == 0};
    if (stat(path, &st) == 0)
        out->finished = (berth_date)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return 1;
}

/* The host's struct may be shorter than ours. */
void give(struct berth_oci_status *out, const struct berth_oci_status *s)
{
    uint32_t size = out->size;

    memcpy(out, s, size < sizeof(*s) ? size : sizeof(*s));
    out->size = size;
}

void remove_files(const struct berth_container *c)
{
    static const char *const names[] = {"attach", "ctl", "winsz", "oom"};
    char path[PATH_LEN];

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        path_of(path, c, NULL, names[i]);
        unlink(path);
    }
    exit_path(path, c, NULL);
    unlink(path);
}

/* ---------------------------------------------------------------------- conmon */

void close_all(int fds[3])
{
    for (int i = 0; i < 3; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
}

static int make_pipes(struct berth_oci *r, struct pipes *p, struct berth_error *err)
{
    *p = (struct pipes){{-1, -1, -1}, {-1, -1, -1}};
    for (int i = 0; i < 3; i++) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
            return berth_fail(r->h, err, errno, "cannot make a socket: %m");
        p->ours[i] = pair[0];
        p->theirs[i] = pair[1];
    }
    return 0;
}

/* One line of conmon's, {"data": 123, "message": "text"}: its number, and its text. */
int read_line(struct berth_oci *r, int fd, long *out, char text[8192], struct berth_error *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char *at, *to = text;
    ssize_t n = 0;

    if (poll(&p, 1, 120000) > 0)
        n = recv(fd, text, 8191, 0);
    text[n > 0 ? n : 0] = '\0';
    at = strstr(text, "\"data\":");
    if (!at)
        return berth_fail(r->h, err, EPROTO, "%s said nothing", r->conmon);
    *out = strtol(at + 7, NULL, 10);
    at = strstr(text, "\"message\":");
    at = at ? strchr(at + 10, '"') : NULL;
    for (at = at ? at + 1 : ""; *at && *at != '"'; at++) {
        if (*at == '\\' && at[1])
            at++;
        *to++ = *at;
    }
    *to = '\0';
    return 0;
}

void add_shared(struct berth_oci *r, const struct berth_container *c, const char *unit,
                const char *dir, const char *pid_file, const char *exit_dir,
                const char *const *exit_command, struct args *a)
{
    const char *const words[] = {r->conmon,
                                 "--api-version",
                                 "1",
                                 "-c",
                                 c->id,
                                 "-u",
                                 unit,
                                 "-r",
                                 r->runtime,
                                 "-b",
                                 dir,
                                 "-p",
                                 pid_file,
                                 "-n",
                                 c->name ? c->name : c->id,
                                 "--exit-dir",
                                 exit_dir,
                                 "--full-attach",
                                 "--log-level",
                                 "error",
                                 NULL};

    adds(a, words);
    if (c->flags & BERTH_CTR_SYSTEMD)
        add(a, "-s");
    for (int i = 0; exit_command && exit_command[i]; i++) {
        add(a, i == 0 ? "--exit-command" : "--exit-command-arg");
        add(a, exit_command[i]);
    }
}

/* Let conmon run the runtime, and learn the pid. */
int launch(struct berth_oci *r, const struct args *a, const char *cwd, struct pipes *p,
           struct berth_error *err)
{
    int rc = make_pipes(r, p, err);

    if (rc == 0 && a->n == MAX_ARGS)
        rc = berth_fail(r->h, err, E2BIG, "too many arguments for %s", r->conmon);
    if (rc == 0)
        rc = run(r, a, cwd, p->theirs, 3, NOTHING, NULL, err);
    close_all(p->theirs);
    if (rc == 0 && send(p->ours[1], "", 1, MSG_NOSIGNAL) < 0)
        rc = berth_fail(r->h, err, EPROTO, "%s is gone", r->conmon);
    return rc;
}

int read_pid(struct berth_oci *r, struct pipes *p, int32_t *out, struct berth_error *err)
{
    char text[8192];
    long pid = 0;
    int rc = read_line(r, p->ours[0], &pid, text, err);

    if (rc == 0 && pid <= 0)
        rc = fail_text(r, err, text);
    *out = (int32_t)pid;
    return rc;
}
