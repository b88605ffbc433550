/* SPDX-License-Identifier: Apache-2.0 */
/* logfile.c - see logfile.h. */
#include "cmd/logfile.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include <fcntl.h>
#include <sys/stat.h>

#define CHUNK          65536
#define LINE_MAX_BYTES (1u << 20) /* conmon's records are a hundredth of it */

static int open_file(struct logfile *l, struct berth_error *err)
{
    struct stat st;

    l->fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (l->fd < 0)
        return errno == ENOENT ? 0
                               : fail_errno(err, errno, "unable to read log file %s", l->path);
    if (fstat(l->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return fail(err, EINVAL, "log file %s is no regular file", l->path);
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    l->at = 0;
    return 0;
}

int logfile_open(const char *path, struct logfile *l, struct berth_error *err)
{
    *l = (struct logfile){.fd = -1};
    if (str_set(&l->path, path) < 0)
        return fail(err, ENOMEM, "out of memory");
    return open_file(l, err);
}

void logfile_close(struct logfile *l)
{
    attr_closep(&l->fd);
    buf_free(&l->text);
    free(l->path);
    l->path = NULL;
}

/* Take apart one line without its newline. */
static bool parse_record(const char *line, size_t len, struct log_record *out)
{
    const char *end = line + len, *stream, *tag, *data;
    char when[64];

    stream = memchr(line, ' ', len);
    tag = stream ? memchr(stream + 1, ' ', (size_t)(end - stream - 1)) : NULL;
    data = tag ? memchr(tag + 1, ' ', (size_t)(end - tag - 1)) : NULL;
    if (!data || (size_t)(stream - line) >= sizeof(when))
        return false;
    *out = (struct log_record){.when = line,
                               .when_len = (size_t)(stream - line),
                               .partial = data == tag + 2 && tag[1] == 'P',
                               .to_stderr =
                                   tag == stream + 7 && memcmp(stream + 1, "stderr", 6) == 0,
                               .data = data + 1,
                               .len = (size_t)(end - data - 1)};
    memcpy(when, line, out->when_len);
    when[out->when_len] = '\0';
    return time_parse(when, &out->date) == 0;
}

/* Read more text.  1; 0: there is none now. */
static int read_more(struct logfile *l, struct berth_error *err)
{
    ssize_t n;

    if (l->fd < 0)
        return 0;
    if (l->used) {
        memmove(l->text.data, l->text.data + l->used, l->text.len - l->used);
        l->text.len -= l->used;
        l->used = 0;
    }
    if (buf_reserve(&l->text, CHUNK) < 0)
        return fail(err, ENOMEM, "out of memory");
    do
        n = pread(l->fd, l->text.data + l->text.len, CHUNK, l->at);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail_errno(err, errno, "reading log file %s", l->path);
    l->text.len += (size_t)n;
    l->at += n;
    return n > 0;
}

/* At the end of the open file: was another put in its place?  1: it is open now. */
static int reopen(struct logfile *l, struct berth_error *err)
{
    struct stat st;
    int r;

    if (stat(l->path, &st) < 0 || (l->fd >= 0 && st.st_dev == l->dev && st.st_ino == l->ino))
        return 0;
    attr_closep(&l->fd);
    l->text.len = l->used = 0; /* a record that was cut off by the rotation */
    r = open_file(l, err);
    return r < 0 ? r : l->fd >= 0;
}

int logfile_next(struct logfile *l, struct log_record *out, struct berth_error *err)
{
    for (;;) {
        const char *line = buf_str(&l->text) + l->used;
        size_t left = l->text.len - l->used;
        const char *end = left ? memchr(line, '\n', left) : NULL;
        int r;

        if (end) {
            l->used += (size_t)(end - line) + 1;
            if (parse_record(line, (size_t)(end - line), out))
                return 1;
            log_error("log file %s: a line is no record: %.*s", l->path,
                      (int)MIN((size_t)(end - line), (size_t)80), line);
            continue;
        }
        if (left > LINE_MAX_BYTES)
            return fail(err, EUCLEAN, "log file %s has a line of more than %u bytes", l->path,
                        LINE_MAX_BYTES);
        r = read_more(l, err);
        if (r == 0)
            r = reopen(l, err);
        if (r <= 0)
            return r;
    }
}

/* The bytes of [from, to) as text; to - from is at most CHUNK. */
static int read_block(struct logfile *l, off_t from, off_t to, char *out,
                      struct berth_error *err)
{
    size_t done = 0, want = (size_t)(to - from);

    while (done < want) {
        ssize_t n = pread(l->fd, out + done, want - done, from + (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, errno, "reading log file %s", l->path);
        if (n == 0)
            return fail(err, EIO, "log file %s became shorter", l->path);
        done += (size_t)n;
    }
    return 0;
}

/* Does the record that ends before `end` (its newline excluded) complete a line?  The head of
 * a record, up to its tag, is shorter than 64 bytes. */
static bool completes(struct logfile *l, off_t start, off_t end)
{
    struct log_record record;
    char head[80];
    size_t len = (size_t)MIN(end - start, (off_t)sizeof(head));

    if (read_block(l, start, start + (off_t)len, head, NULL) < 0)
        return false;
    return parse_record(head, len, &record) && !record.partial;
}

int logfile_tail(struct logfile *l, uint64_t n, struct berth_error *err)
{
    _cleanup_free_ char *block = malloc(CHUNK);
    off_t end, line_end = -1;
    uint64_t lines = 0;
    int r;

    if (l->fd < 0)
        return 0;
    end = lseek(l->fd, 0, SEEK_END);
    if (!block || end < 0)
        return fail(err, block ? EIO : ENOMEM, "cannot read log file %s", l->path);
    l->at = end;
    if (n == 0)
        return 0;
    while (end > 0) {
        off_t from = end > CHUNK ? end - CHUNK : 0;

        r = read_block(l, from, end, block, err);
        if (r < 0)
            return r;
        for (off_t i = end; i > from; i--) {
            if (block[i - 1 - from] != '\n')
                continue;
            /* A record begins at i.  Where the one before it completes a line, a line
             * begins here. */
            if (line_end >= 0 && completes(l, i, line_end) && line_end + 1 < l->at &&
                ++lines == n) {
                l->at = line_end + 1;
                return 0;
            }
            line_end = i - 1;
        }
        end = from;
    }
    if (line_end >= 0 && completes(l, 0, line_end) && line_end + 1 < l->at && ++lines == n)
        l->at = line_end + 1;
    else
        l->at = 0;
    return 0;
}
