/* SPDX-License-Identifier: Apache-2.0 */
/* ps_row.c - a container as text of columns, as JSON, and as templates see it. */
#include "base/id.h"
#include "base/str.h"
#include "base/time.h"
#include "cmd/ps.h"
#include <ctype.h>

#define COMMAND_MAX 17 /* characters of a command that is cut */
#define ZERO_TIME   (-62135596800ll)

static json *parse_text(const char *text)
{
    json *j = NULL;

    if (text)
        json_parse((struct berth_blob){text, strlen(text)}, "text", &j, NULL);
    return j;
}

static const char *short_id(const char *id, bool whole, char buf[static ID_SHORT_LEN + 1])
{
    if (whole)
        return id;
    snprintf(buf, ID_SHORT_LEN + 1, "%.*s", ID_SHORT_LEN, id);
    return buf;
}

void row_command(const struct row *row, bool whole, struct berth_buf *out)
{
    _cleanup_json_ json *command = parse_text(row->command);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    size_t len;

    for (size_t i = 0; i < json_len(command); i++)
        buf_printf(&text, "%s%s", i ? " " : "", str_or(json_item_str(command, i), ""));
    len = text.len;
    if (!whole && len > COMMAND_MAX + 3) {
        for (len = COMMAND_MAX; len > 0 && ((unsigned char)text.data[len] & 0xc0) == 0x80;)
            len--; /* not in the middle of a character */
        text.data[len] = '\0';
        buf_printf(out, "%s...", text.data);
        return;
    }
    buf_puts(out, buf_str(&text));
}

static void put_port(const json *port, const char *protocol, size_t len, struct berth_buf *out)
{
    const char *ip = json_str(port, "host_ip");
    int64_t host = json_i64(port, "host_port", 0);
    int64_t inside = json_i64(port, "container_port", 0);
    int64_t range = json_i64(port, "range", 1);

    if (out->len && out->data[out->len - 1] != '\t')
        buf_puts(out, ", ");
    buf_printf(out, "%s:%lld", str_empty(ip) ? "0.0.0.0" : ip, (long long)host);
    if (range > 1)
        buf_printf(out, "-%lld", (long long)(host + range - 1));
    buf_printf(out, "->%lld", (long long)inside);
    if (range > 1)
        buf_printf(out, "-%lld", (long long)(inside + range - 1));
    buf_printf(out, "/%.*s", (int)len, protocol);
}

void row_ports(const struct row *row, struct berth_buf *out)
{
    _cleanup_json_ json *ports = parse_text(row->ports);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    for (size_t i = 0; i < json_len(ports); i++) {
        const char *protocol = str_or(json_str(json_item(ports, i), "protocol"), "tcp");

        while (*protocol) {
            size_t len = strcspn(protocol, ",");

            put_port(json_item(ports, i), protocol, len, &text);
            protocol += len + (protocol[len] == ',');
        }
    }
    buf_puts(out, buf_str(&text));
}

/* Whole seconds, as podman has them. */
static int64_t seconds_of(berth_date date)
{
    if (date == DATE_NEVER)
        return ZERO_TIME;
    return date / 1000000000 - (date % 1000000000 < 0);
}

static const char *age(berth_date date, char buf[static TIME_TEXT_MAX])
{
    return date == DATE_NEVER ? "292 years" : time_human(time_now() - date, buf);
}

static const char *age_of_second(berth_date date, char buf[static TIME_TEXT_MAX])
{
    return age(date == DATE_NEVER ? date : seconds_of(date) * 1000000000, buf);
}

const char *row_state(const struct row *row)
{
    return row->external ? "storage" : ctr_status_name(row->status);
}

void row_status(const struct row *row, struct berth_buf *out)
{
    const char *word = row_state(row);
    char text[TIME_TEXT_MAX];

    if (row->status == CTR_RUNNING)
        buf_printf(out, "Up %s ago", age_of_second(row->started, text));
    else if (row->status == CTR_STOPPED || row->status == CTR_EXITED)
        buf_printf(out, "Exited (%lld) %s ago", (long long)row->exit_code,
                   age_of_second(row->finished, text));
    else
        buf_printf(out, "%c%s", toupper((unsigned char)*word), word + 1);
    if (!str_empty(row->health))
        buf_printf(out, " (%s)", row->health);
}

/* Three digits, as podman prints these sizes. */
static void put_size(int64_t bytes, struct berth_buf *out)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double size = (double)bytes;
    size_t i = 0;

    for (; size >= 1000 && i + 1 < ARRAY_LEN(units); i++)
        size /= 1000;
    buf_printf(out, "%.3g%s", size, units[i]);
}

void row_size(const struct row *row, struct berth_buf *out)
{
    if (row->size_rw < 0)
        return;
    put_size(row->size_rw, out);
    buf_puts(out, " (virtual 0B)");
}

static json *networks_json(const struct row *row)
{
    return json_from_list(&row->networks);
}

static bool auto_remove(const struct row *row)
{
    static const char *const outer[] = {"annotations"};
    static const char *const inner[] = {"io.podman.annotations.autoremove"};
    struct berth_blob found = {row->spec, row->spec ? strlen(row->spec) : 0};

    return row->spec && json_project(found, outer, 1, &found, NULL) == 0 && found.data &&
           json_project(found, inner, 1, &found, NULL) == 0 && found.len == 6 &&
           memcmp(found.data, "\"TRUE\"", 6) == 0;
}

static json *one_name(const struct row *row)
{
    json *names = json_new_array();

    json_add_str(names, str_or(row->name, ""));
    return names;
}

static const char *const space_names[N_SPACES] = {
    [SPACE_MNT] = "Mnt",   [SPACE_CGROUP] = "Cgroup", [SPACE_IPC] = "Ipc",
    [SPACE_NET] = "Net",   [SPACE_PID] = "Pidns",     [SPACE_UTS] = "Uts",
    [SPACE_USER] = "User",
};

json *row_document(const struct row *row)
{
    static const int order[N_SPACES] = {SPACE_MNT, SPACE_CGROUP, SPACE_IPC, SPACE_NET,
                                        SPACE_PID, SPACE_UTS,    SPACE_USER};
    _cleanup_buf_ struct berth_buf status = BUF_INIT;
    char text[TIME_TEXT_MAX], created[TIME_TEXT_MAX + 8];
    json *o = json_new(), *spaces = json_new(), *mounts = parse_text(row->mounts);
    json *size = NULL;

    snprintf(created, sizeof(created), "%s ago", age(row->created, text));
    row_status(row, &status);
    for (size_t i = 0; i < N_SPACES; i++)
        json_opt_str(spaces, space_names[order[i]], row->spaces[order[i]]);
    if (row->size_rw >= 0) {
        size = json_new();
        json_set_i64(size, "rootFsSize", 0);
        json_set_i64(size, "rwSize", row->size_rw);
    }
    json_set_bool(o, "AutoRemove", auto_remove(row));
    json_set(o, "Command", parse_text(row->command));
    json_set_str(o, "CreatedAt", created);
    json_set_bool(o, "Exited", row->status == CTR_STOPPED || row->status == CTR_EXITED);
    json_set_i64(o, "ExitedAt", row->external ? 0 : seconds_of(row->finished));
    json_set_i64(o, "ExitCode", row->exit_code);
    json_set_str(o, "Id", row->id);
    json_set_str(o, "Image", str_or(row->image, ""));
    json_set_str(o, "ImageID", str_or(row->image_id, ""));
    json_set_bool(o, "IsInfra", row->infra);
    json_set(o, "Labels", parse_text(row->labels));
    json_set(o, "Mounts", mounts || row->external ? mounts : json_new_array());
    json_set(o, "Names", one_name(row));
    json_set(o, "Namespaces", spaces);
    json_set(o, "Networks", row->external ? NULL : networks_json(row));
    json_set_i64(o, "Pid", row->pid);
    json_set_str(o, "Pod", str_or(row->pod, ""));
    json_set_str(o, "PodName", str_or(row->pod_name, ""));
    json_set(o, "Ports", parse_text(row->ports));
    json_set(o, "Size", size);
    json_set_i64(o, "StartedAt", row->external ? 0 : seconds_of(row->started));
    json_set_str(o, "State", row_state(row));
    json_set_str(o, "Status", buf_str(&status));
    json_set_i64(o, "Created", seconds_of(row->created));
    return o;
}

/* Fields of a template: name, title of the column, what it needs. */
static const struct {
    char name[16], title[16];
    unsigned want;
} fields[] = {
    {"AutoRemove", "AUTO REMOVE", PS_REMOVE},
    {"CGROUPNS", "CGROUPNS", 0},
    {"Cgroup", "CGROUPNS", 0},
    {"Command", "COMMAND", PS_COMMAND},
    {"Created", "CREATED", PS_CREATED},
    {"CreatedAt", "CREATED AT", PS_CREATED},
    {"CreatedHuman", "CREATED", PS_CREATED},
    {"ExitCode", "EXIT CODE", 0},
    {"Exited", "EXITED", 0},
    {"ExitedAt", "EXITED AT", 0},
    {"ID", "CONTAINER ID", 0},
    {"IPC", "IPC", 0},
    {"Image", "IMAGE", PS_IMAGE},
    {"ImageID", "IMAGE ID", PS_IMAGE_ID},
    {"IsInfra", "IS INFRA", PS_INFRA},
    {"Labels", "LABELS", PS_LABELS},
    {"MNT", "MNT", 0},
    {"Mounts", "MOUNTS", PS_MOUNTS},
    {"NET", "NET", 0},
    {"Names", "NAMES", 0},
    {"Namespaces", "NAMESPACES", 0},
    {"Networks", "NETWORKS", PS_NETWORKS},
    {"PIDNS", "PIDNS", 0},
    {"Pid", "PID", 0},
    {"Pod", "POD ID", 0},
    {"PodName", "PODNAME", PS_POD_NAME},
    {"Ports", "PORTS", PS_PORTS},
    {"RunningFor", "RUNNING FOR", PS_CREATED},
    {"Size", "SIZE", 0},
    {"StartedAt", "STARTED AT", 0},
    {"State", "STATE", PS_HEALTH},
    {"Status", "STATUS", PS_HEALTH},
    {"USERNS", "USERNS", 0},
    {"User", "USERNS", 0},
    {"UTS", "UTS", 0},
};

unsigned ps_wanted(const struct template *t)
{
    unsigned want = 0;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (template_mentions(t, fields[i].name))
            want |= fields[i].want;
    return want;
}

json *ps_headers(void)
{
    json *headers = json_new();

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        json_set_str(headers, fields[i].name, fields[i].title);
    return headers;
}

static void set_text(json *o, const char *key, struct berth_buf *text)
{
    json_set_str(o, key, buf_str(text));
    buf_reset(text);
}

static json *or_nil(json *j, const char *type)
{
    if (j)
        return str_starts(type, "map") ? template_type(j, type) : j;
    return str_starts(type, "map") ? template_type(json_new(), "nil:map[string]string")
                                   : template_type(json_new_array(), "nil:[]string");
}

json *row_reporter(const struct row *row, bool whole, bool sized)
{
    static const struct {
        const char *name;
        enum ps_space space;
    } spaces[] = {{"CGROUPNS", SPACE_CGROUP}, {"Cgroup", SPACE_CGROUP}, {"IPC", SPACE_IPC},
                  {"MNT", SPACE_MNT},         {"NET", SPACE_NET},       {"PIDNS", SPACE_PID},
                  {"USERNS", SPACE_USER},     {"User", SPACE_USER},     {"UTS", SPACE_UTS}};
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    char human[TIME_TEXT_MAX], id[ID_SHORT_LEN + 1], date[TIME_TEXT_MAX];
    json *o = template_type(json_new(), "containers.psReporter"), *all = json_new();
    _cleanup_free_ char *networks = list_join(&row->networks, ",");

    json_set_bool(o, "AutoRemove", auto_remove(row));
    row_command(row, whole, &text);
    set_text(o, "Command", &text);
    time_format(row->created, date);
    json_set(o, "Created", template_type(json_new_str(date), "time.Time"));
    json_set(o, "CreatedAt", template_type(json_new_str(date), "time.Time"));
    buf_printf(&text, "%s ago", age(row->created, human));
    json_set_str(o, "CreatedHuman", buf_str(&text));
    set_text(o, "RunningFor", &text);
    json_set_bool(o, "Exited", row->status == CTR_STOPPED || row->status == CTR_EXITED);
    json_set_i64(o, "ExitedAt", seconds_of(row->finished));
    json_set_i64(o, "ExitCode", row->exit_code);
    json_set_str(o, "ID", short_id(row->id, whole, id));
    json_set_str(o, "Image", str_or(row->image, ""));
    json_set_str(o, "ImageID", short_id(str_or(row->image_id, ""), whole, id));
    json_set_bool(o, "IsInfra", row->infra);
    json_set(o, "Labels", or_nil(parse_text(row->labels), "map[string]string"));
    json_set(o, "Mounts", or_nil(parse_text(row->mounts), "[]string"));
    json_set_str(o, "Names", str_or(row->name, ""));
    json_set_str(o, "Networks", str_or(networks, ""));
    json_set_i64(o, "Pid", row->pid);
    json_set_str(o, "Pod", short_id(str_or(row->pod, ""), whole, id));
    json_set_str(o, "PodName", str_or(row->pod_name, ""));
    row_ports(row, &text);
    set_text(o, "Ports", &text);
    if (sized)
        row_size(row, &text);
    set_text(o, "Size", &text);
    json_set_i64(o, "StartedAt", seconds_of(row->started));
    row_status(row, &text);
    json_set_str(o, "State", buf_str(&text));
    set_text(o, "Status", &text);
    for (size_t i = 0; i < ARRAY_LEN(spaces); i++)
        json_set_str(o, spaces[i].name, str_or(row->spaces[spaces[i].space], ""));
    for (size_t i = 0; i < N_SPACES; i++)
        json_set_str(all, space_names[i], str_or(row->spaces[i], ""));
    json_set(o, "Namespaces", template_type(all, "entities.ListContainerNamespaces"));
    return o;
}
