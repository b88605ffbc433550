/* SPDX-License-Identifier: Apache-2.0 */
/* spec_health.c - the health check of a new container. */
#include "engine/spec_priv.h"

/* Numbers of the record. */
enum { ACTION_NONE = 0, ACTION_KILL = 2, ACTION_RESTART = 3, ACTION_STOP = 4 };

static int action(const char *word, int *out)
{
    static const struct {
        const char *word;
        int action;
    } actions[] = {{"", ACTION_NONE},
                   {"none", ACTION_NONE},
                   {"kill", ACTION_KILL},
                   {"restart", ACTION_RESTART},
                   {"stop", ACTION_STOP}};

    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (str_eq(word, actions[i].word)) {
            *out = actions[i].action;
            return 0;
        }
    }
    return -EINVAL;
}

/* Add the words of a text. */
static void add_words(json *out, const char *text)
{
    _cleanup_list_ struct berth_list words = LIST_INIT;

    list_split(&words, text, ' ', false);
    for (size_t i = 0; i < words.n; i++)
        json_add_str(out, words.items[i]);
}

/* The words of an array of strings; NULL: the text is none. */
static json *array_of(const char *text)
{
    struct berth_blob blob = {text, strlen(text)};
    json *given = NULL;

    if (json_parse(blob, "health check", &given, NULL) < 0)
        return NULL;
    for (size_t i = 0; i < json_len(given); i++)
        if (!json_item_str(given, i))
            break;
        else if (i + 1 == json_len(given))
            return given;
    json_object_put(given);
    return NULL;
}

/*
 * Test, from what --health-cmd was given.  An array that begins with CMD or NONE is taken
 * for a text and cut at its blanks, as podman does: what it records is what both run.
 */
static json *test_words(const char *text)
{
    _cleanup_json_ json *given = NULL;
    json *out = json_new_array();
    const char *first;

    if (str_eq(text, "none")) {
        json_add_str(out, "NONE");
        return out;
    }
    given = array_of(text);
    first = given ? json_item_str(given, 0) : text;
    if (str_starts(first, "CMD-SHELL")) {
        const char *blank = given ? NULL : strchr(text, ' ');

        for (size_t i = 0; i < json_len(given); i++)
            json_add(out, json_ref(json_item(given, i)));
        if (blank) {
            json_add(out, json_object_new_string_len(text, (int)(blank - text)));
            json_add_str(out, blank + 1);
        } else if (!given) {
            json_add_str(out, text);
        }
        return out;
    }
    if (str_starts(first, "CMD") || str_starts(first, "NONE")) {
        add_words(out, text);
        return out;
    }
    json_add_str(out, json_len(given) > 1 ? "CMD" : "CMD-SHELL");
    if (!given)
        json_add_str(out, text);
    for (size_t i = 0; i < json_len(given); i++)
        json_add(out, json_ref(json_item(given, i)));
    return out;
}

static int put_duration(json *check, const char *member, const char *text, const char *preset,
                        const char *flag, int64_t least, struct berth_error *err)
{
    int64_t ns;

    if (!text)
        text = preset;
    if (str_eq(flag, "interval") && str_eq(text, "disable"))
        text = "0";
    if (spec_duration(text, &ns) < 0)
        return fail(err, EINVAL, "invalid healthcheck-%s: time: invalid duration \"%s\"", flag,
                    text);
    if (ns < least)
        return fail(err, EINVAL,
                    least ? "healthcheck-%s must be at least 1 second"
                          : "healthcheck-%s must be 0 seconds or greater",
                    flag);
    json_opt_i64(check, member, ns);
    return 0;
}

int spec_health(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    _cleanup_json_ json *check = json_new();
    json *none;
    int on_failure, r;

    if (action(str_or(o->health_on_failure, ""), &on_failure) < 0)
        return fail(err, EINVAL,
                    "invalid on-failure action \"%s\" for health check: supported actions are "
                    "none,kill,restart,stop",
                    o->health_on_failure);
    json_set_i64(b->config, "healthcheck_on_failure_action", on_failure);
    json_set(b->config, "healthcheck", NULL);
    if (o->no_healthcheck) {
        if (!str_empty(o->health_cmd))
            return fail(err, EINVAL, "cannot specify both --no-healthcheck and --health-cmd");
        json_set(check, "Test", none = json_new_array());
        json_add_str(none, "NONE");
        json_set(b->config, "healthcheck", TAKE(check));
        return 0;
    }
    if (str_empty(o->health_cmd)) {
        if (on_failure != ACTION_NONE)
            return fail(err, EINVAL,
                        "cannot set on-failure action to %s without a health check",
                        o->health_on_failure);
        return 0;
    }
    json_set(check, "Test", test_words(o->health_cmd));
    if (str_eq(o->health_cmd, "[]"))
        return fail(err, EINVAL, "must define a healthcheck command for all healthchecks");
    r = put_duration(check, "StartPeriod", o->health_start_period, "0s", "start-period", 0,
                     err);
    if (r >= 0)
        r = put_duration(check, "Interval", o->health_interval, "30s", "interval", INT64_MIN,
                         err);
    if (r >= 0)
        r = put_duration(check, "Timeout", o->health_timeout, "30s", "timeout", 1, err);
    if (r < 0)
        return r;
    if (o->health_retries < 1)
        return fail(err, EINVAL, "healthcheck-retries must be greater than 0");
    json_set_u64(check, "Retries", o->health_retries);
    json_set(b->config, "healthcheck", TAKE(check));
    return 0;
}
