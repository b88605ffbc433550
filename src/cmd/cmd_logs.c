/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_logs.c - `berth logs`: what containers printed. */
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "cmd/each.h"
#include "cmd/logfile.h"
#include "cmd/when.h"
#include "engine/store.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>

struct logs_opts {
    bool color, follow, latest, names, timestamps;
    char *since, *until;
    int64_t tail;
};

#define AT(member) offsetof(struct logs_opts, member)
static const struct opt logs_options[] = {
    {"color", 0, OPT_BOOL, AT(color), NULL, NULL, "Give each container a color of its own"},
    {"follow", 'f', OPT_BOOL, AT(follow), NULL, NULL, "Go on until the containers end"},
    {"latest", 'l', OPT_BOOL, AT(latest), NULL, NULL, "Show the log of the newest container"},
    {"names", 'n', OPT_BOOL, AT(names), NULL, NULL,
     "With several containers, print names in front of the lines instead of IDs"},
    {"since", 0, OPT_STRING, AT(since), NULL, NULL, "Leave out what is not after this time"},
    {"tail", 0, OPT_INT, AT(tail), NULL, "-1", "Print only so many lines from the end"},
    {"timestamps", 't', OPT_BOOL, AT(timestamps), NULL, NULL, "Print the time of each line"},
    {"until", 0, OPT_STRING, AT(until), NULL, NULL, "Leave out what is not before this time"},
    {NULL}};

/* One container's log. */
struct source {
    struct ctr *c;
    struct logfile file;
    int monitor; /* descriptor of its conmon process; -1: it does not run */
};

struct printing {
    const struct logs_opts *o;
    berth_date since, until;
    struct source *sources;
    size_t n;
};

static const int colors[] = {37, 31, 32, 33, 34, 35, 36};

static void put_when(const struct log_record *record, FILE *out)
{
    size_t len = record->when_len;

    if (len > 6 && strncmp(record->when + len - 6, "+00:00", 6) == 0)
        fprintf(out, "%.*sZ ", (int)len - 6, record->when);
    else
        fprintf(out, "%.*s ", (int)len, record->when);
}

static void put_record(const struct printing *p, size_t which, const struct log_record *record)
{
    const struct source *s = &p->sources[which];
    FILE *out = record->to_stderr ? stderr : stdout;
    int color = colors[which % ARRAY_LEN(colors)];

    if (record->date <= p->since || record->date >= p->until)
        return;
    if (record->to_stderr)
        fflush(stdout); /* both may be one file, in which the order is to be kept */
    if (p->o->color)
        fprintf(out, "\033[%dm", color);
    if (p->n > 1)
        fprintf(out, "%.*s ", p->o->names ? 255 : ID_SHORT_LEN,
                p->o->names ? s->c->name : s->c->id);
    if (p->o->timestamps)
        put_when(record, out);
    fwrite(record->data, 1, record->len, out);
    if (p->o->color)
        fputs("\033[0m", out);
    if (!record->partial)
        fputc('\n', out);
    if (out == stderr || p->o->follow)
        fflush(out);
}

/* Print what is there of all logs. */
static int drain(const struct printing *p, struct berth_error *err)
{
    struct log_record record;
    int r = 0;

    for (size_t i = 0; i < p->n && r >= 0; i++)
        while ((r = logfile_next(&p->sources[i].file, &record, err)) > 0)
            put_record(p, i, &record);
    fflush(stdout);
    return r;
}

/* ------------------------------------------------------------------- follow */

static int watch_files(const struct printing *p, struct berth_error *err)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    if (fd < 0)
        return fail_errno(err, errno, "watching log files");
    for (size_t i = 0; i < p->n; i++) {
        /* The directory, as rotation puts another file in the place of the log. */
        _cleanup_free_ char *dir = strdup(p->sources[i].file.path);
        char *slash = dir ? strrchr(dir, '/') : NULL;

        if (!slash)
            continue;
        *slash = '\0';
        if (inotify_add_watch(fd, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
            log_warning("watching %s: %s", dir, strerror(errno));
    }
    return fd;
}

static void forget_events(int fd)
{
    char events[4096];

    while (read(fd, events, sizeof(events)) > 0)
        ;
}

/* Wait for more text or an end.  Gives the number of monitors that still run. */
static size_t wait_for_more(const struct printing *p, int watch)
{
    struct pollfd fds[256] = {{watch, POLLIN, 0}};
    size_t n = 1, alive = 0;
    int timeout = -1;

    for (size_t i = 0; i < p->n && n < ARRAY_LEN(fds); i++)
        if (p->sources[i].monitor >= 0)
            fds[n++] = (struct pollfd){p->sources[i].monitor, POLLIN, 0};
    if (p->until != INT64_MAX) {
        int64_t left = (p->until - time_now()) / 1000000;

        timeout = (int)MAX(MIN(left, INT32_MAX), 0);
        if (timeout == 0)
            return 0;
    }
    if (n == 1)
        return 0;
    poll(fds, n, timeout);
    forget_events(watch);
    for (size_t i = 0; i < p->n; i++) {
        struct pollfd one = {p->sources[i].monitor, POLLIN, 0};

        if (one.fd >= 0 && poll(&one, 1, 0) == 1)
            attr_closep(&p->sources[i].monitor);
        alive += p->sources[i].monitor >= 0;
    }
    return alive;
}

static int follow(const struct printing *p, struct berth_error *err)
{
    _cleanup_close_ int watch = watch_files(p, err);
    size_t alive;
    int r;

    if (watch < 0)
        return watch;
    do {
        r = drain(p, err);
        if (r < 0)
            return r;
        alive = wait_for_more(p, watch);
    } while (alive);
    return drain(p, err);
}

/* ------------------------------------------------------------------ command */

static int open_source(struct engine *e, const char *name, const struct logs_opts *o,
                       struct source *s, struct berth_error *err)
{
    int r = name ? ctr_lookup(e, name, &s->c, err) : ctr_latest(e, &s->c, err);
    const char *driver, *path;

    s->monitor = s->file.fd = -1;
    if (r < 0)
        return r;
    driver = str_or(json_str(s->c->config, "logDriver"), "");
    path = json_str(s->c->config, "logPath");
    if (str_eq(driver, "none"))
        return fail(err, EINVAL,
                    "this container is using the 'none' log driver, cannot read logs: this "
                    "container is not logging output");
    if (str_eq(driver, "passthrough"))
        return fail(err, EINVAL,
                    "this container is using the 'passthrough' log driver, cannot read logs: "
                    "this container is not logging output");
    if (str_eq(driver, "journald"))
        return fail(err, ENOTSUP,
                    "the log of container %s is in the journal: read it with journalctl "
                    "CONTAINER_ID_FULL=%s",
                    s->c->name, s->c->id);
    r = logfile_open(str_or(path, ""), &s->file, err);
    if (r == 0 && o->tail >= 0)
        r = logfile_tail(&s->file, (uint64_t)o->tail, err);
    if (r == 0 && o->follow && ctr_alive(s->c))
        s->monitor = proc_pidfd((pid_t)json_i64(s->c->state, "conmonPid", 0));
    return r;
}

static int read_times(const struct logs_opts *o, struct printing *p, struct berth_error *err)
{
    p->since = INT64_MIN;
    p->until = INT64_MAX;
    if (!str_empty(o->since) && when_parse(o->since, true, &p->since, err) < 0)
        return error_wrap(err, "parsing --since \"%s\"", o->since);
    if (!str_empty(o->until) && when_parse(o->until, false, &p->until, err) < 0)
        return error_wrap(err, "parsing --until \"%s\"", o->until);
    return 0;
}

static int logs_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    const struct logs_opts *o = opts;
    size_t n = o->latest ? 1 : (size_t)argc;
    _cleanup_free_ struct source *sources = calloc(n + 1, sizeof(*sources));
    struct printing p = {.o = o, .sources = sources};
    struct engine *e;
    int r;

    if (o->latest && argc)
        return fail(err, EINVAL, "--latest and containers cannot be used together");
    if (!n)
        return fail(err, EINVAL, "specify at least one container name or ID to log");
    if (!sources)
        return fail(err, ENOMEM, "out of memory");
    r = read_times(o, &p, err);
    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    for (; p.n < n && r == 0; p.n++)
        r = open_source(e, o->latest ? NULL : argv[p.n], o, &sources[p.n], err);
    if (r == 0)
        r = o->follow ? follow(&p, err) : drain(&p, err);
    for (size_t i = 0; i < p.n; i++) {
        attr_closep(&sources[i].monitor);
        logfile_close(&sources[i].file);
        ctr_free(sources[i].c);
    }
    return r;
}

const struct cmd cmd_logs = {
    .name = "logs",
    .args = "[options] CONTAINER [CONTAINER...]",
    .summary = "Show what containers printed",
    .text = "Prints the logs of containers: what they wrote to standard output and standard\n"
            "error goes to the same of this command.",
    .opts = logs_options,
    .size = sizeof(struct logs_opts),
    .interspersed = true,
    .max_args = -1,
    .run = logs_run,
};
