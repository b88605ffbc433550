/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - see http.h. */
#include "base/http.h"
#include "base/str.h"
#include "base/time.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define HEAD_MAX     65536 /* bytes of an answer's head */
#define LINE_MAX_LEN 4096  /* of the line before a chunk */

/* ------------------------------------------------------------------ parsing */

struct view {
    const char *at, *end;
};

/* The next line without its end; false: it is not whole. */
static bool next_line(struct view *v, struct view *line)
{
    const char *end = memchr(v->at, '\n', (size_t)(v->end - v->at));

    if (!end)
        return false;
    *line = (struct view){v->at, end > v->at && end[-1] == '\r' ? end - 1 : end};
    v->at = end + 1;
    return true;
}

static int number(const struct view *v, unsigned base, uint64_t *out)
{
    const char *p = v->at;
    uint64_t n = 0;

    for (; p < v->end; p++) {
        unsigned c = (unsigned char)*p, digit = 99;

        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            digit = (c | 32) - 'a' + 10;
        if (digit >= base)
            break;
        if (n > UINT32_MAX)
            return -EUCLEAN;
        n = n * base + digit;
    }
    if (p == v->at)
        return -EUCLEAN;
    while (p < v->end && (*p == ' ' || *p == '\t'))
        p++;
    *out = n;
    return p == v->end || *p == ';' ? 0 : -EUCLEAN;
}

static bool header_is(const struct view *line, const char *name, struct view *value)
{
    size_t n = strlen(name);

    if ((size_t)(line->end - line->at) <= n || strncasecmp(line->at, name, n) != 0 ||
        line->at[n] != ':')
        return false;
    *value = (struct view){line->at + n + 1, line->end};
    while (value->at < value->end && (*value->at == ' ' || *value->at == '\t'))
        value->at++;
    return true;
}

/* Status line and headers.  1, 0 or -EUCLEAN. */
static int parse_head(struct view *v, struct http_answer *a)
{
    struct view line, value;
    uint64_t code;

    a->chunked = a->sized = false;
    if (!next_line(v, &line))
        return 0;
    if (line.end - line.at < 12 || strncmp(line.at, "HTTP/1.", 7) != 0 || line.at[8] != ' ')
        return -EUCLEAN;
    value = (struct view){line.at + 9, line.at + 12};
    if (number(&value, 10, &code) < 0)
        return -EUCLEAN;
    a->status = (int)code;
    for (;;) {
        if (!next_line(v, &line))
            return 0;
        if (line.at == line.end)
            return 1;
        if (header_is(&line, "Content-Length", &value)) {
            if (number(&value, 10, &a->size) < 0)
                return -EUCLEAN;
            a->sized = true;
        } else if (header_is(&line, "Transfer-Encoding", &value)) {
            if (value.end - value.at != 7 || strncasecmp(value.at, "chunked", 7) != 0)
                return -EUCLEAN;
            a->chunked = true;
        }
    }
}

/* One of the body; it is read again as long as it is not whole.  2: there are more. */
static int parse_chunk(struct view *v, struct berth_buf *body)
{
    struct view line, end;
    uint64_t size;

    if (!next_line(v, &line))
        return v->end - v->at > LINE_MAX_LEN ? -EUCLEAN : 0;
    if (number(&line, 16, &size) < 0)
        return -EUCLEAN;
    if (size == 0)
        return 1; /* what may follow means nothing here */
    if (size >= (uint64_t)(v->end - v->at))
        return 0;
    line = (struct view){v->at, v->at + size};
    v->at += size;
    if (!next_line(v, &end))
        return v->end - v->at > 1 ? -EUCLEAN : 0;
    if (end.at != end.end)
        return -EUCLEAN;
    buf_put(body, line.at, (size_t)size);
    return 2;
}

static int parse_body(struct view *v, bool at_end, struct http_answer *a)
{
    const char *first = v->at;
    int r = 2;

    if (a->chunked) {
        while (r == 2) {
            a->at += (size_t)(v->at - first);
            first = v->at;
            r = parse_chunk(v, &a->body);
        }
        return r;
    }
    if (a->sized ? a->size > (uint64_t)(v->end - v->at) : !at_end)
        return 0;
    buf_put(&a->body, v->at, a->sized ? (size_t)a->size : (size_t)(v->end - v->at));
    return 1;
}

int http_parse(struct http_answer *a, struct berth_blob bytes, bool at_end)
{
    const char *data = bytes.len ? bytes.data : "";
    int r = 1;

    while (r == 1 && !a->has_head) {
        struct view v = {data + a->at, data + bytes.len};

        r = a->at < bytes.len ? parse_head(&v, a) : 0;
        if (r == 0 && bytes.len - a->at > HEAD_MAX)
            r = -EUCLEAN;
        if (r == 1) {
            a->at = (size_t)(v.at - data);
            /* "Go on" is not the answer. */
            a->has_head = a->status < 100 || a->status >= 200;
        }
    }
    if (r == 1) {
        struct view v = {data + a->at, data + bytes.len};

        r = parse_body(&v, at_end, a);
    }
    if (buf_error(&a->body))
        return -ENOMEM;
    return r == 0 && at_end ? -EUCLEAN : r;
}

/* ------------------------------------------------------------------ talking */

static int await(int fd, short events, berth_deadline deadline)
{
    struct pollfd p = {.fd = fd, .events = events};

    for (;;) {
        berth_deadline now = time_monotonic();
        int64_t left =
            deadline == BERTH_WAIT_FOREVER ? -1 : (int64_t)((deadline - now) / 1000000) + 1;
        int n;

        if (deadline != BERTH_WAIT_FOREVER && now >= deadline)
            return -ETIMEDOUT;
        n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
    }
}

static int connect_to(const char *path, berth_deadline deadline)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd, r;

    if (strlen(path) >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    memcpy(addr.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    /* A full queue of a server that does not answer: there is nothing to poll for. */
    while (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
        r = -errno;
        if (r == -EAGAIN && (deadline == BERTH_WAIT_FOREVER || time_monotonic() < deadline)) {
            usleep(20000);
            continue;
        }
        close(fd);
        return r == -EAGAIN ? -ETIMEDOUT : r;
    }
    return fd;
}

static int send_all(int fd, const struct berth_buf *text, berth_deadline deadline)
{
    for (size_t at = 0; at < text->len;) {
        ssize_t n = send(fd, text->data + at, text->len - at, MSG_NOSIGNAL);
        int r;

        if (n >= 0) {
            at += (size_t)n;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        r = await(fd, POLLOUT, deadline);
        if (r < 0)
            return r;
    }
    return 0;
}

static int receive(int fd, size_t max, berth_deadline deadline, struct http_answer *a)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    for (;;) {
        char part[4096];
        ssize_t n = recv(fd, part, sizeof(part), 0);
        int r;

        if (n < 0 && errno == EAGAIN) {
            r = await(fd, POLLIN, deadline);
            if (r < 0)
                return r;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0 && text.len == 0)
            return -ECONNRESET;
        if (text.len + (size_t)n > max)
            return -EFBIG;
        if (buf_put(&text, part, (size_t)n) < 0)
            return -ENOMEM;
        r = http_parse(a, buf_blob(&text), n == 0);
        if (r != 0)
            return r < 0 ? r : 0;
        if (deadline != BERTH_WAIT_FOREVER && time_monotonic() >= deadline)
            return -ETIMEDOUT;
    }
}

int http_post(const char *socket_path, const char *path, const char *type,
              struct berth_blob data, size_t max, berth_deadline deadline, int *status,
              struct berth_buf *body, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct http_answer a = {0};
    _cleanup_close_ int fd = connect_to(socket_path, deadline);
    int r;

    if (fd < 0)
        return fail_errno(err, -fd, "connecting to %s", socket_path);
    buf_printf(&text,
               "POST %s HTTP/1.1\r\nHost: plugin\r\nUser-Agent: berth\r\nContent-Type: %s\r\n"
               "Content-Length: %zu\r\nConnection: close\r\n\r\n",
               path, type, data.len);
    buf_put(&text, data.data, data.len);
    r = buf_error(&text) ? -ENOMEM : send_all(fd, &text, deadline);
    /* One that answers before it has read all may have closed already. */
    if (r == 0 || r == -EPIPE || r == -ECONNRESET)
        r = receive(fd, max, deadline, &a);
    if (r == 0) {
        *status = a.status;
        r = buf_put(body, a.body.data, a.body.len);
    }
    buf_free(&a.body);
    if (r == -EUCLEAN)
        return fail(err, EUCLEAN, "%s does not answer in HTTP", socket_path);
    if (r == -EFBIG)
        return fail(err, EFBIG, "the answer of %s is longer than %zu bytes", socket_path, max);
    if (r == -ECONNRESET)
        return fail(err, ECONNRESET, "%s ended the connection without an answer", socket_path);
    if (r == -ETIMEDOUT)
        return fail(err, ETIMEDOUT, "%s does not answer in time", socket_path);
    return r < 0 ? fail_errno(err, -r, "talking to %s", socket_path) : 0;
}
