/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus.c - as much of D-Bus as starting a transient scope of systemd takes: connect,
 * three calls, and the signal that tells that the job is done.
 */
#include "bus.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MESSAGE_MAX (256 * 1024) /* none that we wait for is nearly as long */

enum { CALL = 1, RETURN = 2, ERROR = 3, SIGNAL = 4 };
enum {
    F_PATH = 1,
    F_INTERFACE,
    F_MEMBER,
    F_ERROR,
    F_REPLY,
    F_DESTINATION,
    F_SENDER,
    F_SIGNATURE
};

/* A message under construction, little-endian. */
struct out {
    uint8_t data[2048];
    size_t len;
    bool overflow;
};

static void put(struct out *o, const void *data, size_t len)
{
    if (len > sizeof(o->data) - o->len) {
        o->overflow = true;
        return;
    }
    memcpy(o->data + o->len, data, len);
    o->len += len;
}

static void align(struct out *o, size_t n)
{
    static const uint8_t zeros[8];

    put(o, zeros, (n - o->len % n) % n);
}

static void put_u32(struct out *o, uint32_t value)
{
    const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                              (uint8_t)(value >> 24)};

    align(o, 4);
    put(o, bytes, 4);
}

static void put_string(struct out *o, const char *text)
{
    put_u32(o, (uint32_t)strlen(text));
    put(o, text, strlen(text) + 1);
}

static void put_signature(struct out *o, const char *text)
{
    uint8_t len = (uint8_t)strlen(text);

    put(o, &len, 1);
    put(o, text, strlen(text) + 1);
}

/* Lengths of arrays are known when they are full. */
static size_t open_array(struct out *o, size_t element)
{
    size_t at;

    put_u32(o, 0);
    at = o->len - 4;
    align(o, element);
    return at;
}

static void close_array(struct out *o, size_t at, size_t begin)
{
    uint32_t len = (uint32_t)(o->len - begin);

    for (size_t i = 0; i < 4 && !o->overflow; i++)
        o->data[at + i] = (uint8_t)(len >> (8 * i));
}

static void put_field(struct out *o, uint8_t code, const char *type, const char *value)
{
    align(o, 8);
    put(o, &code, 1);
    put_signature(o, type);
    if (*type == 'g')
        put_signature(o, value);
    else
        put_string(o, value);
}

struct bus {
    int fd;
    berth_deadline deadline;
    uint32_t serial;
    uint8_t in[MESSAGE_MAX];
    size_t in_len; /* of the message in `in` */
    char **error;
};

static int wait_for(struct bus *b, short events)
{
    for (;;) {
        struct pollfd p = {.fd = b->fd, .events = events};
        int n = poll(&p, 1, rt_poll_time(b->deadline));

        if (n > 0)
            return 0;
        if (n == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static int send_all(struct bus *b, const void *data, size_t len)
{
    for (const uint8_t *p = data; len > 0;) {
        ssize_t n = send(b->fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        int r = n < 0 && errno == EAGAIN ? wait_for(b, POLLOUT) : 0;

        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (r < 0)
            return r;
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static int receive(struct bus *b, void *data, size_t len)
{
    for (uint8_t *p = data; len > 0;) {
        int r = wait_for(b, POLLIN);
        ssize_t n = r < 0 ? r : recv(b->fd, p, len, MSG_DONTWAIT);

        if (r < 0)
            return r;
        if (n == 0)
            return -ECONNRESET;
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* Send a call; the body has been made already. */
static int send_call(struct bus *b, const char *destination, const char *path,
                     const char *interface, const char *member, const char *signature,
                     const struct out *body)
{
    const uint8_t head[4] = {'l', CALL, 0, 1};
    struct out o = {.len = 0};
    size_t fields;

    put(&o, head, 4);
    put_u32(&o, body ? (uint32_t)body->len : 0);
    put_u32(&o, ++b->serial);
    fields = open_array(&o, 8);
    put_field(&o, F_PATH, "o", path);
    put_field(&o, F_INTERFACE, "s", interface);
    put_field(&o, F_MEMBER, "s", member);
    put_field(&o, F_DESTINATION, "s", destination);
    if (body)
        put_field(&o, F_SIGNATURE, "g", signature);
    close_array(&o, fields, 16);
    align(&o, 8);
    if (body)
        put(&o, body->data, body->len);
    if (o.overflow || (body && body->overflow))
        return -E2BIG;
    return send_all(b, o.data, o.len);
}

/* What we need to know of a message that came. */
struct message {
    uint8_t type;
    uint32_t reply;
    const char *member, *error; /* in the bus's buffer; NULL: none */
    size_t body, end;
};

static bool get_u32(const struct bus *b, size_t *at, uint32_t *out)
{
    size_t i = (*at + 3) & ~(size_t)3;
    bool big = b->in[0] == 'B';

    if (i + 4 > b->in_len)
        return false;
    *out = 0;
    for (size_t k = 0; k < 4; k++)
        *out |= (uint32_t)b->in[i + k] << (8 * (big ? 3 - k : k));
    *at = i + 4;
    return true;
}

/* A string whose length has 4 bytes or 1; it lies in the buffer and ends with NUL. */
static const char *get_string(const struct bus *b, size_t *at, bool is_short)
{
    const char *text;
    uint32_t len;

    if (is_short) {
        if (*at >= b->in_len)
            return NULL;
        len = b->in[(*at)++];
    } else if (!get_u32(b, at, &len)) {
        return NULL;
    }
    if (len >= b->in_len - *at || b->in[*at + len] != '\0')
        return NULL;
    text = (const char *)b->in + *at;
    *at += len + 1;
    return strlen(text) == len ? text : NULL;
}

static bool parse_fields(struct bus *b, size_t end, struct message *m)
{
    size_t at = 16;

    while (at < end) {
        const char *type, *text = NULL;
        uint32_t number = 0;
        uint8_t code;

        at = (at + 7) & ~(size_t)7;
        if (at >= end)
            return false;
        code = b->in[at++];
        type = get_string(b, &at, true);
        if (!type)
            return false;
        if (strcmp(type, "u") == 0 ? !get_u32(b, &at, &number)
                                   : !(text = get_string(b, &at, strcmp(type, "g") == 0)))
            return false;
        if (code == F_REPLY && !text)
            m->reply = number;
        else if (code == F_MEMBER)
            m->member = text;
        else if (code == F_ERROR)
            m->error = text;
    }
    return at == end;
}

/* Receive one message. */
static int next_message(struct bus *b, struct message *m)
{
    uint32_t body, fields;
    size_t at = 4, head;
    int r = receive(b, b->in, 16);

    memset(m, 0, sizeof(*m));
    if (r < 0)
        return r;
    b->in_len = 16;
    if ((b->in[0] != 'l' && b->in[0] != 'B') || b->in[3] != 1 || !get_u32(b, &at, &body))
        return -EPROTO;
    at = 12;
    if (!get_u32(b, &at, &fields) || fields > MESSAGE_MAX || body > MESSAGE_MAX)
        return -EPROTO;
    head = (16 + (size_t)fields + 7) & ~(size_t)7;
    if (head + body > MESSAGE_MAX)
        return -EPROTO;
    r = receive(b, b->in + 16, head + body - 16);
    if (r < 0)
        return r;
    b->in_len = head + body;
    m->type = b->in[1];
    m->body = head;
    m->end = head + body;
    return parse_fields(b, 16 + fields, m) ? 0 : -EPROTO;
}

/* Wait for the answer to the last call. */
static int get_reply(struct bus *b, struct message *m)
{
    const char *text;
    size_t at;
    int r;

    do {
        r = next_message(b, m);
        if (r < 0)
            return r;
    } while ((m->type != RETURN && m->type != ERROR) || m->reply != b->serial);
    if (m->type == RETURN)
        return 0;
    at = m->body;
    text = at < m->end ? get_string(b, &at, false) : NULL;
    free(*b->error);
    *b->error = strdup(text ? text : m->error ? m->error : "unknown error");
    if (m->error && strcmp(m->error, "org.freedesktop.systemd1.UnitExists") == 0)
        return -EEXIST;
    return -EREMOTEIO;
}

/* The first address that is a socket's: "unix:path=/x,guid=..." or "unix:abstract=x". */
static int connect_bus(struct bus *b, const char *address)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    const char *path = strstr(address, "unix:path=");
    const char *name = strstr(address, "unix:abstract=");
    const char *text = path ? path + 10 : name ? name + 14 : "";
    size_t len = strcspn(text, ",;"), skip = path ? 0 : 1;

    if (len == 0 || len + skip >= sizeof(sa.sun_path))
        return -EINVAL;
    memcpy(sa.sun_path + skip, text, len);
    b->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (b->fd < 0)
        return -errno;
    len += offsetof(struct sockaddr_un, sun_path) + skip;
    return connect(b->fd, (const struct sockaddr *)&sa, (socklen_t)len) < 0 ? -errno : 0;
}

/* Prove who we are: the bus asks the kernel, we only name our user. */
static int authenticate(struct bus *b)
{
    char user[16], line[64], answer[128];
    size_t n = 0;
    int r;

    snprintf(user, sizeof(user), "%u", (unsigned)geteuid());
    n = (size_t)snprintf(line, sizeof(line), "%cAUTH EXTERNAL ", '\0');
    for (const char *p = user; *p; p++)
        n += (size_t)snprintf(line + n, sizeof(line) - n, "%02x", (unsigned char)*p);
    n += (size_t)snprintf(line + n, sizeof(line) - n, "\r\n");
    r = send_all(b, line, n);
    for (n = 0; r == 0 && n < sizeof(answer) - 1; n++) {
        r = receive(b, answer + n, 1);
        if (r == 0 && answer[n] == '\n')
            break;
    }
    if (r < 0)
        return r;
    answer[n] = '\0';
    if (strncmp(answer, "OK ", 3) != 0)
        return -EACCES;
    return send_all(b, "BEGIN\r\n", 7);
}

static int call_bus(struct bus *b, const char *member, const char *argument)
{
    struct out body = {.len = 0};
    struct message m;
    int r;

    if (argument)
        put_string(&body, argument);
    r = send_call(b, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                  member, "s", argument ? &body : NULL);
    return r < 0 ? r : get_reply(b, &m);
}

static void put_property(struct out *o, const char *name, const char *type)
{
    align(o, 8);
    put_string(o, name);
    put_signature(o, type);
}

static int call_start(struct bus *b, const char *unit, const char *slice, pid_t pid,
                      struct message *m)
{
    struct out o = {.len = 0};
    size_t properties, begin, pids;
    int r;

    put_string(&o, unit);
    put_string(&o, "replace");
    properties = open_array(&o, 8);
    begin = o.len;
    put_property(&o, "Slice", "s");
    put_string(&o, slice);
    put_property(&o, "PIDs", "au");
    pids = open_array(&o, 4);
    put_u32(&o, (uint32_t)pid);
    close_array(&o, pids, pids + 4);
    put_property(&o, "Delegate", "b");
    put_u32(&o, 1);
    put_property(&o, "DefaultDependencies", "b");
    put_u32(&o, 0);
    close_array(&o, properties, begin);
    /* No auxiliary units: an empty array, aligned for its elements. */
    open_array(&o, 8);
    r = send_call(b, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                  "org.freedesktop.systemd1.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))",
                  &o);
    return r < 0 ? r : get_reply(b, m);
}

/* Wait for the signal JobRemoved(number, job, unit, result) of our job. */
static int wait_job(struct bus *b, const char *job)
{
    for (;;) {
        const char *path, *unit, *result;
        struct message m;
        uint32_t number;
        size_t at;
        int r = next_message(b, &m);

        if (r < 0)
            return r;
        at = m.body;
        if (m.type != SIGNAL || !m.member || strcmp(m.member, "JobRemoved") != 0)
            continue;
        if (!get_u32(b, &at, &number) || !(path = get_string(b, &at, false)) ||
            !(unit = get_string(b, &at, false)) || !(result = get_string(b, &at, false)))
            return -EPROTO;
        if (strcmp(path, job) != 0)
            continue;
        if (strcmp(result, "done") == 0)
            return 0;
        *b->error = rt_format("the job for %s ended with \"%s\"", unit, result);
        return -EREMOTEIO;
    }
}

int rt_bus_start_scope(const char *address, const char *unit, const char *slice, pid_t pid,
                       berth_deadline deadline, char **out_error)
{
    RT_FREE struct bus *b = calloc(1, sizeof(*b));
    RT_FREE char *job = NULL;
    struct message m;
    const char *path;
    size_t at;
    int r;

    *out_error = NULL;
    if (!b)
        return -ENOMEM;
    b->fd = -1;
    b->deadline = deadline;
    b->error = out_error;
    r = connect_bus(b, address);
    if (r == 0)
        r = authenticate(b);
    if (r == 0)
        r = call_bus(b, "Hello", NULL);
    if (r == 0)
        r = call_bus(b, "AddMatch",
                     "type='signal',sender='org.freedesktop.systemd1',"
                     "interface='org.freedesktop.systemd1.Manager',member='JobRemoved'");
    if (r == 0)
        r = call_start(b, unit, slice, pid, &m);
    if (r == 0) {
        at = m.body;
        path = get_string(b, &at, false);
        job = path ? strdup(path) : NULL;
        r = job ? wait_job(b, job) : -EPROTO;
    }
    if (b->fd >= 0)
        close(b->fd);
    return r;
}
