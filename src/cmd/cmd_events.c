/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_events.c - show what happened, and what happens. */
#include "base/str.h"
#include "base/time.h"
#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/when.h"
#include "engine/events_priv.h"
#include <strings.h>

struct events_opts {
    struct berth_list filters;
    char *format, *since, *until;
    bool no_trunc, stream;
};

#define AT(member) offsetof(struct events_opts, member)

static const struct opt events_options[] = {
    {"filter", 'f', OPT_LIST, AT(filters), "KEY=VALUE", "", "Show only events that match"},
    {"format", 0, OPT_STRING, AT(format), "FORMAT", "",
     "Print as JSON (\"json\") or by a Go template"},
    {"no-trunc", 0, OPT_BOOL, AT(no_trunc), "", "true", "Do not cut IDs"},
    {"since", 0, OPT_STRING, AT(since), "TIME", "", "Show events that happened after this"},
    {"stream", 0, OPT_BOOL, AT(stream), "", "true", "Wait for new events"},
    {"until", 0, OPT_STRING, AT(until), "TIME", "", "Show events until this moment"},
    {""}};

/* ------------------------------------------------------------------ filters */

/* Name or beginning of the ID of an object of this type. */
static bool is_object(const struct event *ev, const char *type, const char *value)
{
    return str_eq(ev->type, type) &&
           (str_eq(ev->name, value) || str_starts(str_or(ev->id, ""), value));
}

static bool match_container(const struct event *ev, const char *value)
{
    return is_object(ev, "container", value);
}

static bool match_image(const struct event *ev, const char *value)
{
    return is_object(ev, "image", value);
}

static bool match_pod(const struct event *ev, const char *value)
{
    return is_object(ev, "pod", value);
}

static bool match_volume(const struct event *ev, const char *value)
{
    return str_eq(ev->type, "volume") && str_starts(str_or(ev->name, ""), value);
}

static bool match_status(const struct event *ev, const char *value)
{
    return str_eq(ev->status, str_eq(value, "die") ? "died" : value);
}

static bool match_type(const struct event *ev, const char *value)
{
    return str_eq(ev->type, value);
}

/* "key" or "key=value". */
static bool match_label(const struct event *ev, const char *value)
{
    size_t len = strcspn(value, "=");
    _cleanup_free_ char *key = strndup(value, len);
    const char *label = key ? json_str(ev->attributes, key) : NULL;

    return label && (!value[len] || str_eq(label, value + len + 1));
}

static const struct {
    const char *key;
    bool (*match)(const struct event *ev, const char *value);
} kinds[] = {
    {"container", match_container}, {"event", match_status}, {"status", match_status},
    {"image", match_image},         {"pod", match_pod},      {"volume", match_volume},
    {"type", match_type},           {"label", match_label},
};

/* Index of the kind of a filter, and its value; -1. */
static int filter_kind(const char *filter, const char **value)
{
    size_t len = strcspn(filter, "=");

    *value = filter + len + 1;
    for (size_t i = 0; filter[len] && i < ARRAY_LEN(kinds); i++)
        if (strlen(kinds[i].key) == len && strncasecmp(kinds[i].key, filter, len) == 0)
            return (int)i;
    return -1;
}

/* Of filters of one kind one must match, and so for every kind. */
static bool matches(const struct event *ev, const struct berth_list *filters)
{
    bool asked[ARRAY_LEN(kinds)] = {false}, met[ARRAY_LEN(kinds)] = {false};

    for (size_t i = 0; i < filters->n; i++) {
        const char *value;
        int kind = filter_kind(filters->items[i], &value);

        if (kind < 0)
            continue;
        asked[kind] = true;
        met[kind] |= kinds[kind].match(ev, value);
    }
    return memcmp(asked, met, sizeof(asked)) == 0;
}

static int check_filters(const struct berth_list *filters, struct berth_error *err)
{
    const char *value;

    for (size_t i = 0; i < filters->n; i++)
        if (filter_kind(filters->items[i], &value) < 0)
            return fail(err, EINVAL, "%.*s is an invalid filter",
                        strchr(filters->items[i], '=') ? (int)strcspn(filters->items[i], "=")
                                                       : (int)strlen(filters->items[i]),
                        filters->items[i]);
    return 0;
}

/* ------------------------------------------------------------------- output */

/* What a template sees: members named as podman's struct has them. */
static json *template_data(const json *line)
{
    static const char *const same[] = {"ID", "Image", "Name", "Status", "Type", "PodID"};
    json *o = json_new(), *details = json_new(),
         *labels = json_copy(json_get(line, "Attributes"));

    if (!labels)
        labels = json_new();
    template_type(labels, "map[string]string");
    json_set_i64(o, "ContainerExitCode", json_i64(line, "ContainerExitCode", 0));
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        json_set_str(o, same[i], str_or(json_str(line, same[i]), ""));
    json_set_str(o, "Network", str_or(json_str(line, "network"), ""));
    json_set(o, "Time", template_type(json_new_str(json_str(line, "Time")), "time.Time"));
    json_set_str(o, "HealthStatus", str_or(json_str(line, "health_status"), ""));
    json_set_str(details, "ID", "");
    json_set_str(details, "PodID", str_or(json_str(line, "PodID"), ""));
    json_set(details, "Attributes", json_ref(labels));
    json_set(o, "Details", template_type(details, "events.Details"));
    json_set(o, "Attributes", labels);
    return template_type(o, "*events.Event");
}

static int print_event(const struct event *ev, const json *line, const struct events_opts *o,
                       const struct format *format, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = 0;

    if (!o->format) {
        event_put_human(ev, o->no_trunc, &text);
        buf_putc(&text, '\n');
    } else if (format->kind == FORMAT_JSON) {
        json_write(line, 0, &text);
        buf_putc(&text, '\n');
    } else {
        _cleanup_json_ json *data = template_data(line);

        r = format_run(format, data, NULL, &text, err);
    }
    if (r == 0 && (fwrite(text.data, 1, text.len, stdout) != text.len || fflush(stdout)))
        r = fail_errno(err, errno, "writing");
    return r;
}

/* ------------------------------------------------------------------ reading */

/* Show what comes until the end, or until the moment where one is given. */
static int show(struct events_reader *reader, const struct events_opts *o, berth_date since,
                berth_date until, const struct format *format, struct berth_error *err)
{
    for (;;) {
        _cleanup_json_ json *line = NULL;
        berth_date time;
        struct event ev;
        int r = events_next(reader, o->stream, until, &line, &time, err);

        if (r <= 0)
            return r;
        if ((since != DATE_NEVER && time <= since) || (until != DATE_NEVER && time >= until))
            continue;
        if (event_from_json(line, &ev) < 0 || !matches(&ev, &o->filters))
            continue;
        r = print_event(&ev, line, o, format, err);
        if (r < 0)
            return r;
    }
}

static int events_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                      struct berth_error *err)
{
    struct events_opts *o = opts;
    _cleanup_events_ struct events_reader *reader = NULL;
    _cleanup_format_ struct format format = {0};
    berth_date since = DATE_NEVER, until = DATE_NEVER;
    struct engine *e;
    int r = check_filters(&o->filters, err);

    if (r < 0 ||
        (o->format && (r = format_parse("events", o->format, false, &format, err)) < 0))
        return r;
    if ((o->since && (r = when_parse(o->since, true, &since, err)) < 0) ||
        (o->until && (r = when_parse(o->until, false, &until, err)) < 0))
        return r;
    r = cli_engine(cli, ENGINE_READONLY, &e, err);
    if (r == 0)
        r = events_open(e->conf, &reader, err);
    if (r == 0 && o->stream && !o->since && !o->until)
        r = events_skip(reader, err);
    return r < 0 ? r : show(reader, o, since, until, &format, err);
}

const struct cmd cmd_events = {
    .name = "events",
    .args = "[options]",
    .summary = "Show events",
    .text =
        "Show what happens to containers, pods and volumes.\n\n"
        "Without --since or --until, new events are shown as they come.  Keys of filters are\n"
        "container, event (or status), image, label, pod, type and volume; of several\n"
        "filters with one key one must match.",
    .opts = events_options,
    .size = sizeof(struct events_opts),
    .interspersed = true,
    .max_args = 0,
    .run = events_run,
};
