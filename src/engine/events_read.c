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
#include <sys/inotify.h>

#define LINE_MAX_LEN (1u << 20)

struct events_reader {
    char *path;
    int fd;     /* -1: there is no log yet */
    int notify; /* of the log's folder; -1: not made yet */
    bool watching;
    bool warned;           /* of a broken line; one warning will do */
    bool too_long;         /* what follows, up to the end of the line, belongs to one */
    struct berth_buf text; /* what was read and not returned begins at `at` */
    size_t at;
    struct berth_buf last;      /* the line that was returned last, its end included */
    struct sd_journal *journal; /* instead of all this; NULL: a file */
};

int events_open(const struct conf *conf, struct events_reader **out, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf path = BUF_INIT;
    _cleanup_events_ struct events_reader *r = NULL;
    int n;

    if (str_eq(conf->events_logger, "none"))
        return fail(err, ENOTSUP, "cannot read events with the \"none\" backend");
    r = calloc(1, sizeof(*r));
    if (!r)
        return fail(err, ENOMEM, "out of memory");
    r->fd = r->notify = -1;
    events_path(conf, &path);
    r->path = buf_steal(&path);
    if (!r->path)
        return fail(err, ENOMEM, "out of memory");
    if (str_eq(conf->events_logger, "journald")) {
        n = journal_open(&r->journal, err);
        if (n < 0)
            return n;
    }
    *out = TAKE(r);
    return 0;
}

void events_close(struct events_reader *r)
{
    if (!r)
        return;
    attr_closep(&r->fd);
    attr_closep(&r->notify);
    journal_close(r->journal);
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
    if (r->text.len > LINE_MAX_LEN) {
        r->too_long = true;
        buf_reset(&r->text);
    }
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

static void warn_once(struct events_reader *r, const char *why)
{
    if (!r->warned)
        log_warning("skipping what is no event in %s: %s", r->path, why);
    r->warned = true;
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
        if (r->too_long) {
            r->too_long = false;
            warn_once(r, "a line of more than a mebibyte");
            continue;
        }
        if (json_parse_object((struct berth_blob){start, len - 1}, r->path, &line, &why) < 0) {
            warn_once(r, error_text(&why));
            continue;
        }
        if (event_from_json(line, &ev) < 0) {
            warn_once(r, "a line without type, status or time");
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

int events_skip(struct events_reader *r, struct berth_error *err)
{
    berth_date time;
    int n;

    if (r->journal)
        return journal_skip(r->journal, err);
    do {
        _cleanup_json_ json *line = NULL;

        n = events_next(r, false, DATE_NEVER, &line, &time, err);
    } while (n > 0);
    return n;
}

static int next_in_journal(struct sd_journal *j, bool follow, berth_date until, json **out,
                           berth_date *time, struct berth_error *err)
{
    for (;;) {
        int n = journal_next(j, out, time, err);

        if (n != 0 || !follow || (until != DATE_NEVER && until <= time_now()))
            return n;
        n = journal_wait(j, until, err);
        if (n < 0)
            return n;
    }
}

int events_next(struct events_reader *r, bool follow, berth_date until, json **out,
                berth_date *time, struct berth_error *err)
{
    if (r->journal)
        return next_in_journal(r->journal, follow, until, out, time, err);
    for (;;) {
        int n = take_line(r, out, time);

        if (n == 0)
            n = find_more(r, follow, until, err);
        else
            return n;
        if (n <= 0)
            return n;
    }
}
