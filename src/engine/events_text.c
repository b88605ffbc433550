/* SPDX-License-Identifier: Apache-2.0 */
/* events_text.c - events as people read them. */
#include "base/str.h"
#include "base/time.h"
#include "engine/events_priv.h"

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
