/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_logs.c - `berth logs`: what containers printed. */
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "cmd/each.h"
#include "cmd/logfile.h"
#include "cmd/logjournal.h"
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
    {"color", 0, OPT_BOOL, AT(color), "", "", "Give each container a color of its own"},
    {"follow", 'f', OPT_BOOL, AT(follow), "", "", "Go on until the containers end"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Show the log of the newest container"},
    {"names", 'n', OPT_BOOL, AT(names), "", "",
     "With several containers, print names in front of the lines instead of IDs"},
    {"since", 0, OPT_STRING, AT(since), "", "", "Leave out what is not after this time"},
    {"tail", 0, OPT_INT, AT(tail), "", "-1", "Print only so many lines from the end"},
    {"timestamps", 't', OPT_BOOL, AT(timestamps), "", "", "Print the time of each line"},
    {"until", 0, OPT_STRING, AT(until), "", "", "Leave out what is not before this time"},
    {""}};

/* One container's log. */
struct source {
    struct ctr *c;
    bool in_journal;
    struct logfile file;
    struct logjournal journal;
    struct log_record next; /* read ahead, to be printed in its turn */
    bool has_next;
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

static int read_ahead(struct source *s, struct berth_error *err)
{
    int r = 0;

    if (!s->has_next)
        r = s->in_journal ? logjournal_next(&s->journal, &s->next, err)
                          : logfile_next(&s->file, &s->next, err);
    s->has_next = s->has_next || r > 0;
    return r;
}

/* Print what is there of all logs, in the order of its times. */
static int drain(const struct printing *p, struct berth_error *err)
{
    for (;;) {
        size_t first = p->n;

        for (size_t i = 0; i < p->n; i++) {
            int r = read_ahead(&p->sources[i], err);

            if (r < 0)
                return r;
            if (p->sources[i].has_next &&
                (first == p->n || p->sources[i].next.date < p->sources[first].next.date))
                first = i;
        }
        if (first == p->n)
            break;
        put_record(p, first, &p->sources[first].next);
        p->sources[first].has_next = false;
    }
    fflush(stdout);
    return 0;
}

/* ------------------------------------------------------------------- follow */

static int watch_files(const struct printing *p, struct berth_error *err)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    if (fd < 0)
        return fail_errno(err, errno, "watching log files");
    for (size_t i = 0; i < p->n; i++) {
        /* The directory, as rotation puts another file in the place of the log. */
        const char *path = p->sources[i].file.path;
        _cleanup_free_ char *dir = path ? strdup(path) : NULL;
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

/* Milliseconds until nothing more is wanted; -1: for ever. */
static int time_left(const struct printing *p)
{
    int64_t left;

    if (p->until == INT64_MAX)
        return -1;
    left = (p->until - time_now()) / 1000000;
    return (int)MAX(MIN(left, INT32_MAX), 0);
}

/* Has the monitor gone?  What it sent to the journal is to be found there, then. */
static bool has_ended(struct source *s)
{
    struct pollfd one = {s->monitor, POLLIN, 0};

    if (s->monitor >= 0 && proc_poll(&one, 1, 0) == 1) {
        attr_closep(&s->monitor);
        if (s->in_journal)
            logjournal_settle();
    }
    return s->monitor < 0;
}

/* Wait for more text or an end.  Gives the number of monitors that still run. */
static size_t wait_for_more(const struct printing *p, struct pollfd *fds, int watch)
{
    size_t n = 0, alive = 0;
    int timeout = time_left(p);

    fds[n++] = (struct pollfd){watch, POLLIN, 0};
    for (size_t i = 0; i < p->n; i++) {
        const struct source *s = &p->sources[i];

        if (s->monitor >= 0)
            fds[n++] = (struct pollfd){s->monitor, POLLIN, 0};
        if (s->monitor >= 0 && s->in_journal)
            fds[n++] = (struct pollfd){logjournal_fd(&p->sources[i].journal, NULL), POLLIN, 0};
    }
    if (n == 1 || timeout == 0)
        return 0;
    proc_poll(fds, n, timeout);
    forget_events(watch);
    for (size_t i = 0; i < p->n; i++) {
        if (p->sources[i].in_journal)
            logjournal_changed(&p->sources[i].journal);
        alive += !has_ended(&p->sources[i]);
    }
    return alive;
}

static int follow(const struct printing *p, struct berth_error *err)
{
    _cleanup_free_ struct pollfd *fds = calloc(2 * p->n + 1, sizeof(*fds));
    _cleanup_close_ int watch = watch_files(p, err);
    size_t alive;
    int r;

    if (watch < 0)
        return watch;
    if (!fds)
        return fail(err, ENOMEM, "out of memory");
    do {
        r = drain(p, err);
        if (r < 0)
            return r;
        alive = wait_for_more(p, fds, watch);
    } while (alive);
    return drain(p, err);
}

/* ------------------------------------------------------------------ command */

static int open_journal(const struct printing *p, struct source *s, struct berth_error *err)
{
    int r = logjournal_open(s->c->id, &s->journal, err);

    s->in_journal = r == 0;
    /* From now on it tells when there is more. */
    if (r == 0 && p->o->follow)
        r = logjournal_fd(&s->journal, err);
    if (r >= 0 && p->o->tail >= 0)
        r = logjournal_tail(&s->journal, (uint64_t)p->o->tail, p->until, err);
    else if (r >= 0 && p->since != INT64_MIN)
        r = logjournal_since(&s->journal, p->since, err);
    return r < 0 ? r : 0;
}

static int open_log(const struct printing *p, struct source *s, struct berth_error *err)
{
    const char *driver = str_or(json_str(s->c->config, "logDriver"), "");
    const char *path = json_str(s->c->config, "logPath");
    int r;

    if (str_eq(driver, "none") || str_eq(driver, "passthrough"))
        return fail(err, EINVAL,
                    "this container is using the '%s' log driver, cannot read logs: this "
                    "container is not logging output",
                    driver);
    if (str_eq(driver, "journald"))
        return open_journal(p, s, err);
    if (*driver && !str_eq(driver, "k8s-file") && !str_eq(driver, "json-file"))
        return fail(err, EINVAL,
                    "unrecognized log driver \"%s\", cannot read logs: internal libpod error",
                    driver);
    r = logfile_open(str_or(path, ""), &s->file, err);
    return r == 0 && p->o->tail >= 0 ? logfile_tail(&s->file, (uint64_t)p->o->tail, err) : r;
}

static int open_source(struct engine *e, const char *name, const struct printing *p,
                       struct source *s, struct berth_error *err)
{
    int r = name ? ctr_lookup(e, name, &s->c, err) : ctr_latest(e, &s->c, err);

    s->monitor = s->file.fd = -1;
    if (r == 0)
        r = open_log(p, s, err);
    if (r == 0 && p->o->follow && ctr_alive(s->c))
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
        r = open_source(e, o->latest ? NULL : argv[p.n], &p, &sources[p.n], err);
    if (r == 0)
        r = o->follow ? follow(&p, err) : drain(&p, err);
    for (size_t i = 0; i < p.n; i++) {
        attr_closep(&sources[i].monitor);
        logfile_close(&sources[i].file);
        logjournal_close(&sources[i].journal);
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
