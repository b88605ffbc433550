/* SPDX-License-Identifier: Apache-2.0 */
/* volumes.c - see volumes.h. */
#include "cmd/volumes.h"
#include "base/str.h"
#include "base/time.h"
#include "cmd/template.h"
#include "cmd/when.h"
#include "engine/spec_priv.h"
#include "engine/store.h"
#include <regex.h>

/* ------------------------------------------------------------------ filters */

enum key { K_DRIVER, K_SCOPE, K_NAME, K_LABEL, K_OPT, K_UNTIL, K_DANGLING, K_KEYS };

static const char *const key_names[] = {"driver", "scope", "name",    "label",
                                        "opt",    "until", "dangling"};

struct condition {
    enum key key;
    char *value;
    regex_t re;
    bool has_re, on;
    berth_date until;
};

struct volume_filter {
    size_t n;
    struct condition items[];
};

void volume_filter_free(struct volume_filter *f)
{
    for (size_t i = 0; f && i < f->n; i++) {
        free(f->items[i].value);
        if (f->items[i].has_re)
            regfree(&f->items[i].re);
    }
    free(f);
}

static int parse_value(struct condition *c, struct berth_error *err)
{
    if (c->key == K_UNTIL)
        return when_parse(c->value, true, &c->until, err);
    if (c->key == K_NAME) {
        if (regcomp(&c->re, c->value, REG_EXTENDED | REG_NOSUB) != 0)
            return fail(err, EINVAL, "\"%s\" is no regular expression", c->value);
        c->has_re = true;
    }
    if (c->key != K_DANGLING || str_to_bool(c->value, &c->on) == 0)
        return 0;
    return fail(err, EINVAL,
                "\"%s\" is not a valid value for the \"dangling\" filter - must be true or "
                "false",
                c->value);
}

static int parse_one(const char *text, bool prune, struct condition *c, struct berth_error *err)
{
    size_t len = strcspn(text, "="), key = 0;

    if (!text[len])
        return fail(err, EINVAL,
                    "filter input must be in the form of filter=value: %s is invalid", text);
    while (key < K_KEYS &&
           (strlen(key_names[key]) != len || strncmp(key_names[key], text, len) != 0))
        key++;
    if (key == K_KEYS || (prune && key != K_LABEL && key != K_UNTIL))
        return fail(err, EINVAL, "\"%.*s\" is an invalid volume filter", (int)len, text);
    c->key = (enum key)key;
    c->value = strdup(text + len + 1);
    return c->value ? parse_value(c, err) : fail(err, ENOMEM, "out of memory");
}

int volume_filter_parse(const struct berth_list *given, bool prune, struct volume_filter **out,
                        struct berth_error *err)
{
    _cleanup_volume_filter_ struct volume_filter *f =
        calloc(1, sizeof(*f) + given->n * sizeof(f->items[0]));
    int r = 0;

    if (!f)
        return fail(err, ENOMEM, "out of memory");
    for (size_t i = 0; r == 0 && i < given->n; i++)
        r = parse_one(given->items[i], prune, &f->items[f->n++], err);
    if (r == 0)
        *out = TAKE(f);
    return r;
}

/* "name" or "name=value" among an object's members. */
static bool has_pair(const json *o, const char *wanted)
{
    size_t len = strcspn(wanted, "=");
    _cleanup_free_ char *name = strndup(wanted, len);
    const char *value = name ? json_str(o, name) : NULL;

    return value && (!wanted[len] || !wanted[len + 1] || str_eq(value, wanted + len + 1));
}

static bool created_before(const struct volume *v, berth_date when)
{
    berth_date created;

    return time_parse(str_or(json_str(v->config, "createdAt"), ""), &created) == 0 &&
           created < when;
}

static bool fits_one(const struct condition *c, const struct volume *v, bool used)
{
    switch (c->key) {
    case K_DRIVER:
        return str_eq(volume_driver(v), c->value);
    case K_SCOPE:
        return str_eq("local", c->value);
    case K_NAME:
        return regexec(&c->re, v->name, 0, NULL, 0) == 0;
    case K_LABEL:
        return has_pair(json_get(v->config, "labels"), c->value);
    case K_OPT:
        return has_pair(json_get(v->config, "volumeOptions"), c->value);
    case K_UNTIL:
        return created_before(v, c->until);
    case K_DANGLING:
        return c->on == !used;
    case K_KEYS:
        break;
    }
    return false;
}

int volume_filter_match(const struct volume_filter *f, struct volume *v, bool unused,
                        struct berth_error *err)
{
    _cleanup_list_ struct berth_list users = LIST_INIT;
    bool ask = unused;
    int r;

    for (size_t i = 0; i < f->n; i++)
        ask = ask || f->items[i].key == K_DANGLING;
    r = ask ? store_vol_users(v, &users, err) : 0;
    if (r < 0 || (unused && users.n))
        return r < 0 ? r : 0;
    for (size_t i = 0; i < f->n; i++)
        if (fits_one(&f->items[i], v, users.n > 0))
            return 1;
    return f->n == 0;
}

/* ----------------------------------------------------------------- document */

static json *map_of(const struct volume *v, const char *member)
{
    json *o = spec_object(json_get(v->config, member));

    /* In the order in which podman writes it. */
    return template_type(o ? spec_sorted(json_copy(o)) : json_new(), "map[string]string");
}

/* Who made the first use of it its own comes before who it was made for. */
static int64_t owner(const struct volume *v, const char *state, const char *config)
{
    int64_t id = json_i64(v->state, state, 0);

    return id ? id : json_i64(v->config, config, 0);
}

static void add_number(json *o, const char *name, int64_t n, bool always)
{
    if (n || always)
        json_set_i64(o, name, n);
}

static void add_flag(json *o, const char *name, bool on, bool always)
{
    if (on || always)
        json_set_bool(o, name, on);
}

json *volume_document(const struct volume *v, bool all)
{
    const char *storage = str_or(json_str(v->config, "storageID"), "");
    json *o = json_new();

    json_set_str(o, "Name", v->name);
    json_set_str(o, "Driver", volume_driver(v));
    json_set_str(o, "Mountpoint", volume_where(v));
    json_set(
        o, "CreatedAt",
        template_type(json_new_str(str_or(json_str(v->config, "createdAt"), "")), "time.Time"));
    if (all)
        json_set(o, "Status", template_type(json_new(), "omit:nil:map[string]string"));
    json_set(o, "Labels", map_of(v, "labels"));
    json_set_str(o, "Scope", "local");
    json_set(o, "Options", map_of(v, "volumeOptions"));
    add_number(o, "UID", owner(v, "uidChowned", "uid"), all);
    add_number(o, "GID", owner(v, "gidChowned", "gid"), all);
    add_flag(o, "Anonymous", json_flag(v->config, "isAnon", false), all);
    json_set_u64(o, "MountCount", json_u64(v->state, "mountCount", 0));
    add_flag(o, "NeedsCopyUp", json_flag(v->state, "notYetMounted", false), all);
    add_flag(o, "NeedsChown", json_flag(v->state, "notYetChowned", false), all);
    add_number(o, "Timeout", json_i64(v->config, "timeout", 0), all);
    if (*storage || all)
        json_set_str(o, "StorageID", storage);
    return all ? template_type(o, "*define.InspectVolumeData") : o;
}

int pairs_add(json *o, const struct berth_list *given, const char *what,
              struct berth_error *err)
{
    for (size_t i = 0; i < given->n; i++) {
        const char *text = given->items[i];
        _cleanup_free_ char *name = strndup(text, strcspn(text, "="));

        if (!name)
            return fail(err, ENOMEM, "out of memory");
        if (!*name)
            return fail(err, EINVAL, "unable to process %ss: invalid %s format: \"%s\"", what,
                        what, text);
        json_set_str(o, name, strchr(text, '=') ? strchr(text, '=') + 1 : "");
    }
    return 0;
}
