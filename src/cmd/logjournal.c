/* SPDX-License-Identifier: Apache-2.0 */
/* logjournal.c - see logjournal.h. */
#include "cmd/logjournal.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/sd_journal.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define CONTROL_SOCKET "/run/systemd/journal/io.systemd.journal"
#define SETTLE_MS      2000

static const struct sd_journal_api *sd;

int logjournal_open(const char *id, struct logjournal *l, struct berth_error *err)
{
    _cleanup_free_ char *match = str_printf("CONTAINER_ID_FULL=%s", id);
    int r;

    *l = (struct logjournal){0};
    if (!match)
        return fail(err, ENOMEM, "out of memory");
    r = sd_journal_open_local("logs", &sd, &l->j, err);
    if (r < 0)
        return r;
    r = sd->add_match(l->j, match, strlen(match));
    if (r >= 0)
        r = sd->set_threshold(l->j, 0); /* lines in full length */
    if (r >= 0)
        r = sd->seek_head(l->j);
    if (r < 0) {
        logjournal_close(l);
        return fail_errno(err, -r, "searching the journal");
    }
    return 0;
}

void logjournal_close(struct logjournal *l)
{
    if (l->j)
        sd->close(l->j);
    l->j = NULL;
}

int logjournal_fd(struct logjournal *l, struct berth_error *err)
{
    int fd = sd->get_fd(l->j);

    return fd < 0 ? fail_errno(err, -fd, "watching the journal") : fd;
}

void logjournal_changed(struct logjournal *l)
{
    sd->process(l->j);
}

/* The value of a field of the entry; false: it has none.  It lives until the next call. */
static bool field(struct logjournal *l, const char *name, const char **value, size_t *len)
{
    size_t skip = strlen(name) + 1, size = 0;
    const void *data = NULL;

    if (sd->get_data(l->j, name, &data, &size) < 0 || size < skip)
        return false;
    *value = (const char *)data + skip;
    *len = size - skip;
    return true;
}

static bool field_is(struct logjournal *l, const char *name, const char *wanted)
{
    const char *value;
    size_t len;

    return field(l, name, &value, &len) && len == strlen(wanted) &&
           memcmp(value, wanted, len) == 0;
}

static bool is_partial(struct logjournal *l)
{
    return field_is(l, "CONTAINER_PARTIAL_MESSAGE", "true");
}

static int broken(int r, struct berth_error *err)
{
    return fail_errno(err, -r, "reading the journal");
}

/* Backwards over the entries: where the one before completes a line, a line begins. */
int logjournal_tail(struct logjournal *l, uint64_t n, berth_date until, struct berth_error *err)
{
    int r = until == INT64_MAX ? sd->seek_tail(l->j)
                               : sd->seek_time(l->j, (uint64_t)MAX(until, 0) / 1000);
    uint64_t lines = 0;

    if (r >= 0)
        r = sd->previous(l->j);
    for (; r > 0; r = sd->previous(l->j))
        if ((lines == 0 || !is_partial(l)) && lines++ == n)
            return 0; /* the next entry is the first of those */
    if (r == 0)
        r = sd->seek_head(l->j);
    return r < 0 ? broken(r, err) : 0;
}

int logjournal_since(struct logjournal *l, berth_date since, struct berth_error *err)
{
    int r = sd->seek_time(l->j, (uint64_t)MAX(since, 0) / 1000);

    return r < 0 ? broken(r, err) : 0;
}

/* As conmon writes it into files. */
static size_t put_time(berth_date date, char *out, size_t size)
{
    time_t sec = date / 1000000000;
    char zone[8];
    struct tm tm;
    size_t n;

    localtime_r(&sec, &tm);
    n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
    strftime(zone, sizeof(zone), "%z", &tm); /* +hhmm */
    n += (size_t)snprintf(out + n, size - n, ".%09lld%.3s:%s", (long long)(date % 1000000000),
                          zone, zone + 3);
    return n;
}

int logjournal_next(struct logjournal *l, struct log_record *out, struct berth_error *err)
{
    for (;;) {
        uint64_t us = 0;
        int r = sd->next(l->j);

        if (r <= 0)
            return r < 0 ? broken(r, err) : 0;
        *out = (struct log_record){.to_stderr = field_is(l, "PRIORITY", "3"),
                                   .partial = is_partial(l)};
        if (sd->get_time(l->j, &us) < 0 || us > INT64_MAX / 1000 ||
            !field(l, "MESSAGE", &out->data, &out->len))
            continue; /* damaged */
        out->date = (berth_date)us * 1000;
        out->when = l->when;
        out->when_len = put_time(out->date, l->when, sizeof(l->when));
        if (out->len && out->data[out->len - 1] == '\n')
            out->len--;
        return 1;
    }
}

/* ------------------------------------------------------------------- settle */

/* journald's answer ends with a NUL. */
static void await_answer(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    char text[256];
    ssize_t n;

    while (poll(&p, 1, SETTLE_MS) > 0 && (n = recv(fd, text, sizeof(text), 0)) > 0)
        if (memchr(text, '\0', (size_t)n))
            return;
}

void logjournal_settle(void)
{
    static const char call[] =
        "{\"method\":\"io.systemd.Journal.Synchronize\",\"parameters\":{}}";
    static const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = CONTROL_SOCKET};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
        send(fd, call, sizeof(call), MSG_NOSIGNAL) != (ssize_t)sizeof(call)) {
        log_debug("asking journald through %s: %s", CONTROL_SOCKET, strerror(errno));
        return;
    }
    await_answer(fd);
}
