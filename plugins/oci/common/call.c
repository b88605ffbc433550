/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - calls of the runtime that do not go through conmon. */
#include "call.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "files.h"
#include "message.h"

/* Has it ended, as far as can be told without asking the runtime? */
static bool has_ended(const struct berth_container *c)
{
    RT_FREE char *file = rt_exit_path(c, NULL);
    RT_FD int process = -1;
    berth_date finished;
    int32_t code;

    if (file && rt_read_exit(file, &code, &finished) == 1)
        return true;
    if (c->pid <= 0)
        return false;
    process = pidfd_get(c->pid);
    return process < 0 && errno == ESRCH;
}

/* What a failed call means. */
static int fail_call(struct berth_oci *r, const struct rt_call *what, int status,
                     const char *errors, struct berth_error *err)
{
    RT_FREE char *text = r->kind->message(errors);
    const char *line = text, *more = "";
    size_t len = text ? strlen(text) : 0;
    int code = len ? rt_own_text(r->kind, text, len) : 0;

    /* It may just have ended meanwhile, whatever words the runtime finds for that. */
    if (what->running && code != ESRCH && has_ended(what->running))
        return berth_fail(r->h, err, ESRCH, "container %s has ended", what->id);
    if (!len)
        return berth_fail(r->h, err, EREMOTEIO, "%s %s failed with exit status %d", r->name,
                          what->words[0], status);
    if (what->starting)
        return rt_fail_text(r, err, text);
    if (!code) {
        code = rt_classify(r->kind, text, &line, &len, &more);
        /* A missing file is no missing container. */
        code = code == EACCES ? EPERM : code == ENOENT ? EREMOTEIO : code;
    }
    if (code == ENOENT && what->may_be_unknown)
        return -ENOENT;
    return berth_fail(r->h, err, code, "%s %s: %.*s%s", r->name, what->words[0], (int)len, line,
                      more);
}

static int run_call(struct berth_oci *r, const struct rt_call *what, struct berth_run *run,
                    struct berth_error *err)
{
    const struct berth_host *h = r->h;
    int status = h->run(h->core, run, NULL);

    if (status > 0)
        return fail_call(r, what, status, h->buf_data(h->core, run->errors).data, err);
    if (status == -ETIMEDOUT)
        return berth_fail(h, err, ETIMEDOUT, "%s %s did not end in time", r->name,
                          what->words[0]);
    if (status == -ECANCELED)
        return berth_fail(h, err, ECANCELED, "%s %s was interrupted", r->name, what->words[0]);
    if (status < 0)
        return berth_fail(h, err, status == -ENOMEM ? ENOMEM : ENOEXEC, "cannot run %s: %s",
                          r->path, strerror(-status));
    return 0;
}

int rt_call(struct berth_oci *r, const struct rt_call *what, char **out,
            struct berth_error *err)
{
    const struct berth_host *h = r->h;
    RT_STRV struct rt_strv argv = {0};
    RT_STRV struct rt_strv env = {0};
    struct berth_run run = {
        .size = sizeof(run),
        .input = what->input,
        .netns_fd = -1,
        .deadline = rt_now() + r->command_time,
    };
    int rc;

    rt_strv_add(&argv, r->path, NULL);
    rt_strv_words(&argv, "--", r->runtime_flags);
    for (const char *const *w = what->words; *w; w++)
        rt_strv_add(&argv, *w, NULL);
    if (what->id)
        rt_strv_add(&argv, what->id, what->last, NULL);
    rt_env_runtime(r, what->with_path, &env);
    if (!rt_strv_ok(&argv) || !rt_strv_ok(&env))
        return rt_no_memory(r, err);
    run.argv = (const char *const *)argv.v;
    run.env = (const char *const *)env.v;
    run.output = h->buf_new(h->core);
    run.errors = h->buf_new(h->core);
    if (!run.output || !run.errors)
        rc = rt_no_memory(r, err);
    else
        rc = run_call(r, what, &run, err);
    if (rc == 0 && out) {
        struct berth_blob text = h->buf_data(h->core, run.output);

        *out = strndup(text.data, text.len);
        if (!*out)
            rc = rt_no_memory(r, err);
    }
    h->buf_free(h->core, run.output);
    h->buf_free(h->core, run.errors);
    return rc;
}

static int parse_state(struct berth_oci *r, const char *text, int32_t *out_pid,
                       struct berth_error *err)
{
    static const char *const names[] = {
        [BERTH_OCI_CREATED] = "created",
        [BERTH_OCI_RUNNING] = "running",
        [BERTH_OCI_PAUSED] = "paused",
        [BERTH_OCI_STOPPED] = "stopped",
    };
    RT_JSON struct json_object *o = rt_json_parse(text, strlen(text));
    const char *status = rt_json_string(o, "status");
    struct json_object *pid;
    int64_t value = 0;

    if (!status)
        return berth_fail(r->h, err, EPROTO, "%s state gave no status", r->name);
    if (json_object_object_get_ex(o, "pid", &pid)) {
        value = json_object_is_type(pid, json_type_int) ? json_object_get_int64(pid) : -1;
        if (value < 0 || value > INT_MAX)
            return berth_fail(r->h, err, EPROTO, "%s state gave a wrong pid", r->name);
    }
    for (int i = BERTH_OCI_CREATED; i <= BERTH_OCI_STOPPED; i++) {
        if (strcmp(status, names[i]) == 0) {
            *out_pid = i == BERTH_OCI_STOPPED ? 0 : (int32_t)value;
            return i;
        }
    }
    return berth_fail(r->h, err, EPROTO, "%s state gave the unknown status \"%s\"", r->name,
                      status);
}

int rt_state(struct berth_oci *r, const struct berth_container *c, int32_t *out_pid,
             struct berth_error *err)
{
    static const char *const words[] = {"state", NULL};
    const struct rt_call what = {.words = words, .id = c->id, .may_be_unknown = true};
    RT_FREE char *text = NULL;
    int rc;

    *out_pid = 0;
    rc = rt_call(r, &what, &text, err);
    if (rc == -ENOENT)
        return BERTH_OCI_UNKNOWN;
    return rc < 0 ? rc : parse_state(r, text, out_pid, err);
}

/* Is a process conmon for this container?  Its command line has "-c" and the ID. */
static bool is_monitor(const char *id, int32_t pid)
{
    char path[32], text[4096];
    RT_FD int fd = -1;
    size_t len = 0;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    while (len < sizeof(text) - 1 && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    for (const char *word = text; word < text + len; word += strlen(word) + 1) {
        const char *next = word + strlen(word) + 1;

        if (strcmp(word, "-c") == 0 && next < text + len && strcmp(next, id) == 0)
            return true;
    }
    return false;
}

void rt_stop_monitor(const char *id, int32_t pid)
{
    RT_FD int fd = pidfd_get(pid);

    if (fd >= 0 && is_monitor(id, pid))
        pidfd_signal(fd, SIGSTOP);
}

void rt_kill_monitor(const char *id, int32_t pid)
{
    RT_FD int fd = pidfd_get(pid);
    struct pollfd p = {.fd = fd, .events = POLLIN};

    /* The descriptor first: then what we look at is what we kill. */
    if (fd < 0 || !is_monitor(id, pid))
        return;
    if (pidfd_signal(fd, SIGKILL) == 0)
        while (pidfd_poll(&p, 1, 1000) < 0 && errno == EINTR)
            ;
}
