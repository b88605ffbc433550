/* SPDX-License-Identifier: Apache-2.0 */
/* ps_filter.c - conditions of --filter, and which rows are shown in which order. */
#include "base/id.h"
#include "base/json.h"
#include "base/str.h"
#include "base/time.h"
#include "cmd/ps.h"
#include "cmd/when.h"
#include <regex.h>

enum key {
    KEY_ANCESTOR,
    KEY_BEFORE,
    KEY_EXITED,
    KEY_HEALTH,
    KEY_ID,
    KEY_LABEL,
    KEY_NAME,
    KEY_NETWORK,
    KEY_POD,
    KEY_POLICY,
    KEY_SINCE,
    KEY_STATUS,
    KEY_UNTIL,
    KEY_VOLUME,
    N_KEYS,
};

static const struct {
    const char *name;
    unsigned want;
} keys[N_KEYS] = {
    [KEY_ANCESTOR] = {"ancestor", PS_IMAGE | PS_IMAGE_ID},
    [KEY_BEFORE] = {"before", PS_CREATED},
    [KEY_EXITED] = {"exited", 0},
    [KEY_HEALTH] = {"health", PS_HEALTH},
    [KEY_ID] = {"id", 0},
    [KEY_LABEL] = {"label", PS_LABELS},
    [KEY_NAME] = {"name", 0},
    [KEY_NETWORK] = {"network", PS_NETWORKS},
    [KEY_POD] = {"pod", PS_POD_NAME},
    [KEY_POLICY] = {"restart-policy", PS_POLICY},
    [KEY_SINCE] = {"since", PS_CREATED},
    [KEY_STATUS] = {"status", 0},
    [KEY_UNTIL] = {"until", PS_CREATED},
    [KEY_VOLUME] = {"volume", PS_VOLUMES},
};

struct ps_filter {
    struct berth_list values[N_KEYS];
    berth_date before, since, until;
};

void ps_filter_free(struct ps_filter *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < N_KEYS; i++)
        list_free(&f->values[i]);
    free(f);
}

static int check_value(struct ps_filter *f, enum key key, const char *value,
                       struct berth_error *err)
{
    berth_date date;
    int64_t code;
    int status;

    if (key == KEY_STATUS && ctr_status_parse(value, &status) < 0)
        return fail(err, EINVAL, "unknown container state: %s: invalid argument", value);
    if (key == KEY_EXITED && str_to_i64(value, &code) < 0)
        return fail(err, EINVAL,
                    "exited code out of range \"%s\": strconv.ParseInt: parsing \"%s\": "
                    "invalid syntax",
                    value, value);
    if (key == KEY_UNTIL) {
        if (when_parse(value, true, &date, NULL) < 0)
            return fail(err, EINVAL, "failed to parse value as time or duration: \"%s\"",
                        value);
        if (f->values[KEY_UNTIL].n && date > f->until)
            date = f->until;
        f->until = date;
    }
    return 0;
}

int ps_filter_parse(const struct berth_list *texts, struct ps_filter **out, unsigned *want,
                    struct berth_error *err)
{
    struct ps_filter *f = calloc(1, sizeof(*f));
    int r = f ? 0 : fail(err, ENOMEM, "out of memory");

    for (size_t i = 0; i < texts->n && r == 0; i++) {
        const char *text = texts->items[i], *equals = strchr(text, '=');
        size_t len = equals ? (size_t)(equals - text) : 0, key;

        if (!equals) {
            r = fail(err, EINVAL, "invalid filter \"%s\"", text);
            break;
        }
        for (key = 0; key < N_KEYS; key++)
            if (strlen(keys[key].name) == len && strncmp(keys[key].name, text, len) == 0)
                break;
        if (key == N_KEYS) {
            r = fail(err, EINVAL, "%.*s is an invalid filter", (int)len, text);
            break;
        }
        r = check_value(f, (enum key)key, equals + 1, err);
        if (r == 0 && list_add(&f->values[key], equals + 1) < 0)
            r = fail(err, ENOMEM, "out of memory");
        *want |= keys[key].want;
    }
    if (r < 0) {
        ps_filter_free(f);
        return r;
    }
    *out = f;
    return 0;
}

bool ps_filter_has(const struct ps_filter *f, const char *name)
{
    for (size_t i = 0; i < N_KEYS; i++)
        if (str_eq(keys[i].name, name))
            return f->values[i].n > 0;
    return false;
}

/* The earliest creation time of the containers that a condition names. */
static int find_created(const struct berth_list *names, const struct rows *rows,
                        berth_date *out, struct berth_error *err)
{
    *out = INT64_MAX;
    for (size_t i = 0; i < names->n; i++) {
        const char *name = names->items[i];
        const struct row *found = NULL;

        for (size_t j = 0; j < rows->n; j++) {
            const struct row *row = &rows->items[j];

            if (str_eq(row->name, name) || str_eq(row->id, name)) {
                found = row;
                break;
            }
            if (*name && str_starts(row->id, name))
                found = row;
        }
        if (!found)
            return fail(err, ENOENT,
                        "no container with name or ID \"%s\" found: no such container", name);
        *out = MIN(*out, found->created);
    }
    return 0;
}

int ps_filter_prepare(struct ps_filter *f, const struct rows *rows, struct berth_error *err)
{
    int r = find_created(&f->values[KEY_BEFORE], rows, &f->before, err);

    return r < 0 ? r : find_created(&f->values[KEY_SINCE], rows, &f->since, err);
}

/* ----------------------------------------------------------------- matching */

static bool match_regex(const char *pattern, const char *text)
{
    regex_t re;
    bool found;

    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    found = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return found;
}

static bool match_id(const char *value, const char *id)
{
    bool hex = strspn(value, "0123456789abcdef") == strlen(value);

    return hex ? str_starts(id, value) != NULL : match_regex(value, id);
}

static bool match_ancestor(const char *value, const struct row *row)
{
    const char *colon = row->image ? strchr(row->image, ':') : NULL;

    return str_eq(row->image_id, value) || str_eq(row->image, value) ||
           (colon && str_eq(colon, ":latest") &&
            strlen(value) == (size_t)(colon - row->image) &&
            strncmp(row->image, value, strlen(value)) == 0);
}

static json *parse_text(const char *text)
{
    json *j = NULL;

    if (text)
        json_parse((struct berth_blob){text, strlen(text)}, "text", &j, NULL);
    return j;
}

static bool match_label(const char *value, const struct row *row)
{
    _cleanup_json_ json *labels = parse_text(row->labels);
    const char *equals = strchr(value, '=');
    _cleanup_free_ char *name =
        equals ? strndup(value, (size_t)(equals - value)) : strdup(value);
    const char *have = name ? json_str(labels, name) : NULL;

    return have && (!equals || str_eq(have, equals + 1));
}

static bool match_mount(const char *value, const char *source, const char *destination)
{
    size_t len = strlen(str_or(source, ""));

    if (!source || strncmp(value, source, len) != 0)
        return false;
    return !value[len] || (value[len] == ':' && str_eq(value + len + 1, destination));
}

static bool match_volume(const char *value, const struct row *row)
{
    _cleanup_json_ json *spec = parse_text(row->spec), *volumes = parse_text(row->volumes);
    json *mounts = json_get(spec, "mounts");

    for (size_t i = 0; i < json_len(mounts); i++)
        if (match_mount(value, json_str(json_item(mounts, i), "source"),
                        json_str(json_item(mounts, i), "destination")))
            return true;
    for (size_t i = 0; i < json_len(volumes); i++)
        if (match_mount(value, json_str(json_item(volumes, i), "volumeName"),
                        json_str(json_item(volumes, i), "dest")))
            return true;
    return false;
}

static bool match_status(const char *value, const struct row *row)
{
    int status;

    if (row->external || ctr_status_parse(value, &status) < 0)
        return false;
    if (status == CTR_STOPPED || status == CTR_EXITED)
        return row->status == CTR_STOPPED || row->status == CTR_EXITED;
    return row->status == status;
}

static bool match_exited(const char *value, const struct row *row)
{
    int64_t code;

    return str_to_i64(value, &code) == 0 && code == row->exit_code &&
           (row->status == CTR_STOPPED || row->status == CTR_EXITED);
}

static bool match_value(const struct ps_filter *f, enum key key, const char *value,
                        const struct row *row)
{
    switch (key) {
    case KEY_ANCESTOR:
        return match_ancestor(value, row);
    case KEY_BEFORE:
        return row->created < f->before;
    case KEY_EXITED:
        return match_exited(value, row);
    case KEY_HEALTH:
        return str_eq(row->health, value);
    case KEY_ID:
        return match_id(value, row->id);
    case KEY_LABEL:
        return match_label(value, row);
    case KEY_NAME:
        return match_regex(value, str_or(row->name, ""));
    case KEY_NETWORK:
        return list_has(&row->networks, value);
    case KEY_POD:
        return row->pod && (str_eq(row->pod_name, value) || match_id(value, row->pod));
    case KEY_POLICY:
        return str_eq(row->policy, value);
    case KEY_SINCE:
        return row->created > f->since;
    case KEY_STATUS:
        return match_status(value, row);
    case KEY_UNTIL:
        return row->created < f->until;
    case KEY_VOLUME:
        return match_volume(value, row);
    case N_KEYS:
        break;
    }
    return false;
}

/* Every key must fit; of several values of a key one, but of labels all. */
bool ps_filter_match(const struct ps_filter *f, const struct row *row)
{
    for (size_t key = 0; key < N_KEYS; key++) {
        const struct berth_list *values = &f->values[key];
        size_t fitting = 0;

        for (size_t i = 0; i < values->n; i++)
            fitting += match_value(f, (enum key)key, values->items[i], row);
        if (values->n && fitting < (key == KEY_LABEL ? values->n : 1))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------- sorting */

static int compare_texts(const char *a, const char *b)
{
    return strcmp(str_or(a, ""), str_or(b, ""));
}

static int by_created(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->created != y->created)
        return x->created < y->created ? -1 : 1;
    return strcmp(x->id, y->id);
}

static int by_newest(const void *a, const void *b)
{
    return by_created(b, a);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->id, ((const struct row *)b)->id);
}

#define BY(what, expression)                                                                   \
    static int by_##what(const void *a, const void *b)                                         \
    {                                                                                          \
        const struct row *x = a, *y = b;                                                       \
        int order = (expression);                                                              \
                                                                                               \
        return order ? order : by_created(a, b);                                               \
    }

BY(command, compare_texts(x->command, y->command))
BY(image, compare_texts(x->image, y->image))
BY(names, compare_texts(x->name, y->name))
BY(runningfor, (x->started > y->started) - (x->started < y->started))
BY(size, (x->size_rw > y->size_rw) - (x->size_rw < y->size_rw))
BY(status, strcmp(row_state(x), row_state(y)))

static const struct {
    const char *word;
    int (*compare)(const void *a, const void *b);
} orders[] = {
    {"command", by_command}, {"created", by_created}, {"id", by_id},
    {"image", by_image},     {"names", by_names},     {"runningfor", by_runningfor},
    {"size", by_size},       {"status", by_status},
};

void rows_sort(struct rows *rows, const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(orders); i++)
        if (str_eq(orders[i].word, key))
            SORT(rows->items, rows->n, orders[i].compare);
}

void rows_select(struct rows *rows, const struct ps_filter *f, bool all, int64_t last,
                 const char *sort)
{
    size_t kept = 0;

    for (size_t i = 0; i < rows->n; i++) {
        bool shown = rows->items[i].status == CTR_RUNNING || rows->items[i].external;

        if ((all || shown) && ps_filter_match(f, &rows->items[i])) {
            struct row swap = rows->items[kept];

            rows->items[kept++] = rows->items[i];
            rows->items[i] = swap;
        }
    }
    rows_cut(rows, kept);
    if (last > 0 && (uint64_t)last < rows->n) {
        SORT(rows->items, rows->n, by_newest);
        rows_cut(rows, (size_t)last);
    }
    rows_sort(rows, sort);
}
