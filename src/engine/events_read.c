/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events_read.c - reading events, see events.h.
 *
 * Readers take no lock, as podman's: writers append whole lines, and a rotated log is a new
 * file under the old name, which begins with lines that were read already.
 */
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/events_priv.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/wait.h>

#define LINE_MAX_LEN (1u << 20)

struct events_reader {
    char *path;
    int fd;     /* -1: there is no log yet */
    int notify; /* of the log's folder; -1: not made yet */
    bool watching;
    struct berth_buf text; /* what was read and not returned begins at `at` */
    size_t at;
    struct berth_buf last; /* the line that was returned last, its end included */
    bool journal;          /* fd is the output of journalctl */
    bool only_new;
    pid_t pid; /* of journalctl; 0: not started */
};

int events_open(const struct conf *conf, struct events_reader **out, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf path = BUF_INIT;
    struct events_reader *r;

    if (str_eq(conf->events_logger, "none"))
        return fail(err, ENOTSUP, "cannot read events with the \"none\" backend");
    r = calloc(1, sizeof(*r));
    events_path(conf, &path);
    if (!r || !(r->path = buf_steal(&path))) {
        free(r);
        return fail(err, ENOMEM, "out of memory");
    }
    r->fd = r->notify = -1;
    r->journal = str_eq(conf->events_logger, "journald");
    *out = r;
    return 0;
}

void events_close(struct events_reader *r)
{
    if (!r)
        return;
    attr_closep(&r->fd);
    attr_closep(&r->notify);
    if (r->pid > 0) {
        kill(r->pid, SIGTERM);
        waitpid(r->pid, NULL, 0);
    }
    buf_free(&r->text);
    buf_free(&r->last);
    free(r->path);
    free(r);
}

/* Read what is there; the number of bytes, 0 at the end. */
static ssize_t read_more(struct events_reader *r, struct berth_error *err)
{
    ssize_t n;

    if (r->at) {
        memmove(r->text.data, r->text.data + r->at, r->text.len - r->at);
        r->text.len -= r->at;
        r->at = 0;
    }
    if (r->text.len > LINE_MAX_LEN)
        return fail(err, EUCLEAN, "%s has a line of more than %u bytes", r->path, LINE_MAX_LEN);
    if (buf_reserve(&r->text, 65536) < 0)
        return fail(err, ENOMEM, "out of memory");
    do
        n = read(r->fd, r->text.data + r->text.len, 65536);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail_errno(err, errno, "reading %s", r->path);
    r->text.len += (size_t)n;
    r->text.data[r->text.len] = '\0';
    return n;
}

/* Open the file that has the name now.  1: done, 0: there is none. */
static int open_file(struct events_reader *r, struct berth_error *err)
{
    r->fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (r->fd >= 0)
        return 1;
    return errno == ENOENT ? 0 : fail_errno(err, errno, "open %s", r->path);
}

/* The log was rotated: go on behind the line that was returned last, or at the start when
 * that one is gone as well. */
static int reopen(struct events_reader *r, struct berth_error *err)
{
    struct berth_buf *whole = &r->text;
    char *seen;
    int n;

    attr_closep(&r->fd);
    buf_reset(whole);
    r->at = 0;
    n = open_file(r, err);
    if (n <= 0 || r->last.len == 0)
        return n;
    n = fs_read_fd(r->fd, r->path, SIZE_MAX / 2, whole, err);
    if (n < 0)
        return n;
    seen = whole->len ? memmem(whole->data, whole->len, r->last.data, r->last.len) : NULL;
    if (seen)
        r->at = (size_t)(seen - whole->data) + r->last.len;
    return 1;
}

static bool is_replaced(const struct events_reader *r)
{
    struct stat now, mine;

    if (fstat(r->fd, &mine) < 0 || stat(r->path, &now) < 0)
        return false; /* removed and not made again: nothing to go to */
    return now.st_ino != mine.st_ino || now.st_dev != mine.st_dev;
}

/* Take the next whole line as a document; 0: there is none. */
static int take_line(struct events_reader *r, json **out, berth_date *time)
{
    while (r->at < r->text.len) {
        const char *start = r->text.data + r->at;
        const char *end = memchr(start, '\n', r->text.len - r->at);
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        _cleanup_json_ json *line = NULL;
        struct event ev;
        size_t len;

        if (!end)
            return 0;
        len = (size_t)(end - start) + 1;
        r->at += len;
        if (len == 1)
            continue;
        if (json_parse_object((struct berth_blob){start, len - 1}, r->path, &line, &why) < 0) {
            log_warning("skipping a line of the event log: %s", error_text(&why));
            continue;
        }
        if (r->journal) {
            json *entry = TAKE(line);

            line = journal_event(entry);
            json_object_put(entry);
        }
        if (event_from_json(line, &ev) < 0) {
            log_warning("skipping a line of %s that is no event", r->path);
            continue;
        }
        buf_reset(&r->last);
        buf_put(&r->last, start, len);
        *time = ev.time;
        *out = TAKE(line);
        return 1;
    }
    return 0;
}

/* Begin to be told of changes.  Before the last look at the file, so that none is missed. */
static void watch(struct events_reader *r)
{
    size_t len = (size_t)(path_base(r->path) - r->path);
    _cleanup_free_ char *dir = str_printf("%.*s", (int)len, r->path);

    if (r->notify < 0)
        r->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    r->watching = dir && r->notify >= 0 &&
                  inotify_add_watch(r->notify, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO) >= 0;
}

/* 0: the moment has come; 1: look again. */
static int wait_for_change(struct events_reader *r, berth_date until)
{
    char drop[4096];
    struct pollfd p = {.fd = r->notify, .events = POLLIN};
    int64_t left = -1;

    if (until != DATE_NEVER) {
        left = (until - time_now()) / 1000000 + 1;
        if (until <= time_now())
            return 0;
    }
    /* Without a folder to watch (it is made with the first event) look now and then. */
    if (!r->watching && (left < 0 || left > 250))
        left = 250;
    poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
    while (r->notify >= 0 && read(r->notify, drop, sizeof(drop)) > 0)
        ;
    return 1;
}

/* Everything that can be read was returned: find more.  1: perhaps there is some now; 0:
 * the end. */
static int find_more(struct events_reader *r, bool follow, berth_date until,
                     struct berth_error *err)
{
    ssize_t n;

    if (r->fd < 0) {
        n = open_file(r, err);
        if (n != 0)
            return (int)n;
    } else {
        n = read_more(r, err);
        if (n != 0)
            return n < 0 ? (int)n : 1;
        if (is_replaced(r)) {
            /* The last lines of the old file first. */
            n = read_more(r, err);
            return n != 0 ? (n < 0 ? (int)n : 1) : reopen(r, err);
        }
    }
    if (!follow)
        return 0;
    if (!r->watching) {
        watch(r);
        if (r->watching)
            return 1;
    }
    return wait_for_change(r, until);
}

/* journalctl has ended: 0 where it went well. */
static int reap(struct events_reader *r, struct berth_error *err)
{
    int status = 0;

    if (r->pid > 0 && waitpid(r->pid, &status, 0) < 0)
        status = 0;
    r->pid = -1;
    if (status == 0)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return fail(err, ENOENT, "reading events needs the program journalctl");
    return fail(err, EIO, "journalctl failed with status %d", status);
}

/* The same for the journal. */
static int find_more_journal(struct events_reader *r, bool follow, berth_date until,
                             struct berth_error *err)
{
    struct pollfd p = {.events = POLLIN};
    int64_t left = -1;
    ssize_t n;

    if (r->pid == 0) {
        /* What is over needs no waiting for its end. */
        if (until != DATE_NEVER && until <= time_now())
            follow = false;
        r->fd = journal_start(follow, r->only_new, &r->pid, err);
        if (r->fd < 0)
            return r->fd;
    }
    if (r->pid < 0)
        return 0;
    if (follow && until != DATE_NEVER)
        left = MAX(0, (until - time_now()) / 1000000 + 1);
    p.fd = r->fd;
    if (follow && poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left) == 0)
        return 0;
    n = read_more(r, err);
    return n < 0 ? (int)n : n > 0 ? 1 : reap(r, err);
}

int events_skip(struct events_reader *r, struct berth_error *err)
{
    berth_date time;
    int n;

    if (r->journal) {
        r->only_new = true;
        return 0;
    }
    do {
        _cleanup_json_ json *line = NULL;

        n = events_next(r, false, DATE_NEVER, &line, &time, err);
    } while (n > 0);
    return n;
}

int events_next(struct events_reader *r, bool follow, berth_date until, json **out,
                berth_date *time, struct berth_error *err)
{
    for (;;) {
        int n = take_line(r, out, time);

        if (n == 0)
            n = r->journal ? find_more_journal(r, follow, until, err)
                           : find_more(r, follow, until, err);
        else
            return n;
        if (n <= 0)
            return n;
    }
}
