/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events_journal.c - the journal as event log, in podman's fields.
 *
 * Writing needs no library: the journal's socket takes datagrams in a form that systemd
 * documents and keeps.  Its files are another matter; they are read by libsystemd, which is
 * opened when somebody reads events.
 */
#include "base/fs.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/events_priv.h"
#include "engine/sd_journal.h"
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* ------------------------------------------------------------------ writing */

/* A field in the journal's own protocol; values with line ends carry their length. */
static void put_field(const char *key, const char *value, struct berth_buf *out)
{
    uint64_t len = strlen(value);

    if (!strchr(value, '\n')) {
        buf_printf(out, "%s=%s\n", key, value);
        return;
    }
    buf_printf(out, "%s\n", key);
    buf_put(out, &len, sizeof(len)); /* little endian, as configure makes sure */
    buf_printf(out, "%s\n", value);
}

static void put_if(const char *key, const char *value, struct berth_buf *out)
{
    if (!str_empty(value))
        put_field(key, value, out);
}

static void put_journal(const struct event *ev, struct berth_buf *out)
{
    bool container = str_eq(ev->type, "container"), pod = str_eq(ev->type, "pod");
    _cleanup_buf_ struct berth_buf human = BUF_INIT, labels = BUF_INIT;
    char text[TIME_TEXT_MAX];

    event_put_human(ev, true, &human);
    put_field("MESSAGE", buf_str(&human), out);
    put_field("PRIORITY", "6", out);
    put_field("SYSLOG_IDENTIFIER", "podman", out); /* what podman's reader looks for */
    put_field("PODMAN_EVENT", ev->status, out);
    put_field("PODMAN_TYPE", ev->type, out);
    put_field("PODMAN_TIME", time_format(ev->time, text), out);
    put_if("PODMAN_NAME", ev->name, out);
    put_if("PODMAN_ID", ev->id, out);
    put_if("PODMAN_NETWORK_NAME", ev->network, out);
    if (!container && !pod)
        return;
    put_field("PODMAN_IMAGE", str_or(ev->image, ""), out);
    put_field("PODMAN_HEALTH_STATUS", str_or(ev->health, ""), out);
    put_if("PODMAN_POD_ID", ev->pod, out);
    if (ev->exit_code) {
        snprintf(text, sizeof(text), "%d", ev->exit_code);
        put_field("PODMAN_EXIT_CODE", text, out);
    }
    if (json_object_is_type(ev->attributes, json_type_object) &&
        json_object_object_length(ev->attributes) > 0) {
        json_write(ev->attributes, JSON_SORTED, &labels);
        put_field("PODMAN_LABELS", buf_str(&labels), out);
    }
}

/* What is too large for a datagram goes as a sealed file in memory. */
static int send_large(int fd, const struct sockaddr_un *to, const struct berth_buf *text)
{
    _cleanup_close_ int file = memfd_create("journal-event", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_name = (void *)(uintptr_t)to,
                             .msg_namelen = sizeof(*to),
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);

    if (file < 0 || fs_write_fd(file, text->data, text->len) < 0 ||
        fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        return -errno;
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &file, sizeof(int));
    return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int event_write_journal(const struct event *ev, struct berth_error *err)
{
    static const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = 0;

    put_journal(ev, &text);
    if (buf_error(&text))
        return fail(err, ENOMEM, "out of memory");
    if (fd < 0 || sendto(fd, text.data, text.len, MSG_NOSIGNAL, (const struct sockaddr *)&to,
                         sizeof(to)) < 0)
        r = -errno;
    if (r == -EMSGSIZE || r == -ENOBUFS)
        r = send_large(fd, &to, &text);
    return r < 0 ? fail_errno(err, -r, "sending to %s", JOURNAL_SOCKET) : 0;
}

/* ------------------------------------------------------------------ reading */

static const struct sd_journal_api *sd;

int journal_open(struct sd_journal **out, struct berth_error *err)
{
    static const char match[] = "SYSLOG_IDENTIFIER=podman";
    struct sd_journal *j = NULL;
    int r = sd_journal_open_local("events", &sd, &j, err);

    if (r < 0)
        return r;
    r = sd->add_match(j, match, sizeof(match) - 1);
    if (r >= 0)
        r = sd->set_threshold(j, 0); /* fields in full length */
    if (r >= 0)
        r = sd->seek_head(j);
    if (r < 0) {
        sd->close(j);
        return fail_errno(err, -r, "searching the journal");
    }
    *out = j;
    return 0;
}

void journal_close(struct sd_journal *j)
{
    if (j)
        sd->close(j);
}

int journal_skip(struct sd_journal *j, struct berth_error *err)
{
    int r = sd->seek_tail(j);

    if (r >= 0)
        r = sd->previous(j); /* the end is a place only behind an entry */
    return r < 0 ? fail_errno(err, -r, "going to the end of the journal") : 0;
}

/* Members of a line of the file backend, in its order, and their fields. */
static const struct {
    const char *key, *field;
    bool number;
} fields[] = {
    {"ContainerExitCode", "PODMAN_EXIT_CODE", true},
    {"ID", "PODMAN_ID", false},
    {"Image", "PODMAN_IMAGE", false},
    {"Name", "PODMAN_NAME", false},
    {"network", "PODMAN_NETWORK_NAME", false},
    {"Status", "PODMAN_EVENT", false},
    {"Time", "PODMAN_TIME", false},
    {"Type", "PODMAN_TYPE", false},
    {"health_status", "PODMAN_HEALTH_STATUS", false},
    {"PodID", "PODMAN_POD_ID", false},
};

/* The value of a field of the entry; NULL: it has none.  The caller's. */
static char *field_value(struct sd_journal *j, const char *field)
{
    size_t len = strlen(field) + 1, size = 0;
    const void *data = NULL;

    if (sd->get_data(j, field, &data, &size) < 0 || size < len)
        return NULL;
    return strndup((const char *)data + len, size - len);
}

/* The entry as a line of the file backend. */
static json *line_of(struct sd_journal *j)
{
    _cleanup_free_ char *labels = field_value(j, "PODMAN_LABELS");
    json *line = json_new(), *attributes = NULL;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        _cleanup_free_ char *value = field_value(j, fields[i].field);
        int64_t number;

        if (fields[i].number && value && str_to_i64(value, &number) == 0)
            json_opt_i64(line, fields[i].key, number);
        else if (!fields[i].number)
            json_opt_str(line, fields[i].key, value);
    }
    if (labels)
        json_parse_object((struct berth_blob){labels, strlen(labels)}, "labels", &attributes,
                          NULL);
    json_set(line, "Attributes", attributes);
    return line;
}

int journal_next(struct sd_journal *j, json **out, berth_date *time, struct berth_error *err)
{
    for (;;) {
        _cleanup_json_ json *line = NULL;
        struct event ev;
        int r = sd->next(j);

        if (r <= 0)
            return r < 0 ? fail_errno(err, -r, "reading the journal") : 0;
        line = line_of(j);
        if (event_from_json(line, &ev) < 0)
            continue; /* what podman logs has its name too */
        *time = ev.time;
        *out = TAKE(line);
        return 1;
    }
}

int journal_wait(struct sd_journal *j, berth_date until, struct berth_error *err)
{
    uint64_t us = UINT64_MAX;
    int r;

    if (until != DATE_NEVER)
        us = until > time_now() ? (uint64_t)(until - time_now()) / 1000 + 1 : 0;
    r = sd->wait(j, us);
    return r < 0 && r != -EINTR ? fail_errno(err, -r, "waiting for the journal") : 0;
}
