/* SPDX-License-Identifier: Apache-2.0 */
/* events_text.c - events as people and the journal read them. */
#include "base/str.h"
#include "base/time.h"
#include "engine/events_priv.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

int event_from_json(const json *line, struct event *out)
{
    const char *time = json_str(line, "Time");

    *out = (struct event){
        .type = json_str(line, "Type"),
        .status = json_str(line, "Status"),
        .id = json_str(line, "ID"),
        .name = json_str(line, "Name"),
        .image = json_str(line, "Image"),
        .pod = json_str(line, "PodID"),
        .network = json_str(line, "network"),
        .health = json_str(line, "health_status"),
        .exit_code = (int32_t)json_i64(line, "ContainerExitCode", 0),
        .attributes = json_get(line, "Attributes"),
    };
    if (str_empty(out->type) || str_empty(out->status) || !time ||
        time_parse(time, &out->time) < 0)
        return -EINVAL;
    return 0;
}

static int id_width(const char *id, bool full)
{
    size_t len = strlen(id);

    return (int)(full ? len : MIN(len, (size_t)ID_SHORT_LEN));
}

void event_put_human(const struct event *ev, bool full, struct berth_buf *out)
{
    const char *id = str_or(ev->id, ""), *name = str_or(ev->name, "");
    int width = id_width(id, full);
    char when[TIME_TEXT_MAX];

    buf_printf(out, "%s %s %s", time_format_go(ev->time, when), ev->type, ev->status);
    if (str_eq(ev->type, "container") || str_eq(ev->type, "pod")) {
        buf_printf(out, " %.*s (image=%s, name=%s", width, id, str_or(ev->image, ""), name);
        if (!str_empty(ev->pod))
            buf_printf(out, ", pod_id=%s", ev->pod);
        if (!str_empty(ev->health))
            buf_printf(out, ", health_status=%s", ev->health);
        if (json_object_is_type(ev->attributes, json_type_object)) {
            json_object_object_foreach ((json *)(uintptr_t)ev->attributes, key, value) {
                (void)value;
                buf_printf(out, ", %s=%s", key, str_or(json_str(ev->attributes, key), ""));
            }
        }
        buf_putc(out, ')');
    } else if (str_eq(ev->type, "network")) {
        buf_printf(out, " %.*s (container=%.*s, name=%s)", width, id, width, id,
                   str_or(ev->network, ""));
    } else if (str_eq(ev->type, "image")) {
        buf_printf(out, " %.*s %s", width, id, name);
    } else if (*name || !str_eq(ev->type, "system")) {
        buf_printf(out, " %s", name);
    }
}

/* ------------------------------------------------------------------ journal */

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

int event_write_journal(const struct event *ev, struct berth_error *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    put_journal(ev, &text);
    if (buf_error(&text))
        return fail(err, ENOMEM, "out of memory");
    if (fd < 0 ||
        sendto(fd, text.data, text.len, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to)) < 0)
        return fail_errno(err, errno, "sending to %s", JOURNAL_SOCKET);
    return 0;
}
