/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - see secret.h. */
#include "engine/secret.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/secret_driver.h"
#include "engine/spec_priv.h"
#include "storage/lockfile.h"
#include "wrap/fault.h"

#define NAME_MAX_LEN 64 /* of a new one */

struct secrets {
    struct engine *e;
    char *dir;
    int lock;
    json *doc; /* secrets.json; its three members are objects */
};

static void secrets_close(struct secrets *s)
{
    attr_closep(&s->lock);
    free(s->dir);
    json_putp(&s->doc);
}
#define _cleanup_secrets_ _cleanup_(secrets_close)
#define SECRETS_NONE      ((struct secrets){.lock = -1})

static json *table(const struct secrets *s, const char *name)
{
    json *o = json_get(s->doc, name);

    return o && json_object_is_type(o, json_type_object) ? o : NULL;
}

static const char *const members[] = {"secrets", "nameToID", "idToName"};

static int read_doc(struct secrets *s, struct berth_error *err)
{
    _cleanup_free_ char *path = path_join(s->dir, "secrets.json");
    int r = path ? json_read_file(path, JSON_SIZE_MAX, &s->doc, err)
                 : fail(err, ENOMEM, "out of memory");

    if (r == -ENOENT) {
        error_clear(err);
        s->doc = json_new();
        for (size_t i = 0; i < ARRAY_LEN(members); i++)
            json_set(s->doc, members[i], json_new());
        return 0;
    }
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(members); i++) {
        if (!json_get(s->doc, members[i]))
            json_set(s->doc, members[i], json_new());
        if (!table(s, members[i]))
            r = fail(err, EUCLEAN, "%s is damaged: %s is no object", path, members[i]);
    }
    return r;
}

/* Locked, and read; make: the directory is made where it is missing. */
static int secrets_open(struct engine *e, bool make, struct secrets *s, struct berth_error *err)
{
    _cleanup_free_ char *lock = NULL;
    int r;

    *s = SECRETS_NONE;
    s->e = e;
    s->dir = path_join(e->conf->graph_root, "secrets");
    if (!s->dir)
        return fail(err, ENOMEM, "out of memory");
    if (!make && !fs_exists(s->dir))
        return read_doc(s, err);
    lock = path_join(s->dir, "secrets.lock");
    s->lock = r = lock ? lockfile_take(lock, true, err) : fail(err, ENOMEM, "out of memory");
    return r < 0 ? r : read_doc(s, err);
}

static int secrets_write(struct secrets *s, struct berth_error *err)
{
    _cleanup_free_ char *path = path_join(s->dir, "secrets.json");

    /* Maps as podman writes them, sorted. */
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_set(s->doc, members[i], spec_sorted(json_ref(table(s, members[i]))));
    return path ? secret_write_json(path, s->doc, err) : fail(err, ENOMEM, "out of memory");
}

/* ------------------------------------------------------------------ look up */

static int not_found(const char *name, struct berth_error *err)
{
    return fail(err, ENOENT, "no secret with name or id \"%s\": no such secret", name);
}

bool secret_name_is_valid(const char *name)
{
    return !str_empty(name) && !strchr(name, '/') && !str_eq(name, ".") && !str_eq(name, "..");
}

static bool is_map(const json *entry, const char *member)
{
    json *value = json_get(entry, member);

    return !value || spec_object(value);
}

/* What comes from a file must have its form: it goes into records, paths and commands.  NULL:
 * it has; else one clause. */
static const char *entry_problem(const json *entry)
{
    const char *id = json_str(entry, "id");

    if (!id || strlen(id) != SECRET_ID_LEN || strspn(id, "0123456789abcdef") != SECRET_ID_LEN)
        return "its ID is none";
    if (!secret_name_is_valid(json_str(entry, "name")))
        return "its name is none";
    if (!is_map(entry, "labels"))
        return "labels is no object";
    return is_map(entry, "driverOptions") ? NULL : "driverOptions is no object";
}

static int check_entry(const struct secrets *s, const json *entry, const char *id,
                       struct berth_error *err)
{
    const char *problem = entry_problem(entry);

    if (!problem && !str_eq(json_str(entry, "id"), id))
        problem = "it has the ID of another";
    return problem ? fail(err, EUCLEAN, "%s/secrets.json is damaged: secret %s: %s", s->dir, id,
                          problem)
                   : 0;
}

/* Full ID; lent. */
static int find_id(const struct secrets *s, const char *name, const char **out,
                   struct berth_error *err)
{
    const char *id = *name ? json_str(table(s, "nameToID"), name) : NULL;
    bool exact = id != NULL;

    json_object_object_foreach (table(s, "secrets"), key, value) {
        (void)value;
        if (exact)
            break;
        if (str_eq(key, name)) {
            id = key;
            exact = true;
        } else if (str_starts(key, name)) {
            if (id)
                return fail(err, EEXIST,
                            "more than one result secret with prefix %s: secret is ambiguous",
                            name);
            id = key;
        }
    }
    if (!id)
        return not_found(name, err);
    *out = id;
    return 0;
}

static int find(const struct secrets *s, const char *name, json **out, struct berth_error *err)
{
    const char *id = NULL;
    int r = find_id(s, name, &id, err);

    if (r < 0)
        return r;
    *out = json_get(table(s, "secrets"), id);
    return *out ? check_entry(s, *out, id, err) : not_found(name, err);
}

int secret_lookup(struct engine *e, const char *name, json **out, struct berth_error *err)
{
    _cleanup_secrets_ struct secrets s = SECRETS_NONE;
    json *found;
    int r = secrets_open(e, false, &s, err);

    if (r == 0)
        r = find(&s, name, &found, err);
    if (r == 0)
        *out = json_ref(found);
    return r;
}

static int by_name(const void *a, const void *b)
{
    json *const *x = a, *const *y = b;

    return strcmp(str_or(json_str(*x, "name"), ""), str_or(json_str(*y, "name"), ""));
}

int secret_all(struct engine *e, json **out, struct berth_error *err)
{
    _cleanup_secrets_ struct secrets s = SECRETS_NONE;
    int r = secrets_open(e, false, &s, err);

    if (r < 0)
        return r;
    *out = json_new_array();
    json_object_object_foreach (table(&s, "secrets"), id, entry) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        if (check_entry(&s, entry, id, &why) < 0)
            log_error("%s", error_text(&why)); /* one must not hide the others */
        else
            json_add(*out, json_ref(entry));
    }
    json_object_array_sort(*out, by_name);
    return 0;
}

int secret_value(struct engine *e, const json *secret, struct berth_buf *out,
                 struct berth_error *err)
{
    struct secret_driver d = {0};
    const char *problem = entry_problem(secret);
    int r;

    if (problem)
        return fail(err, EUCLEAN, "the record of secret %s is damaged: %s",
                    str_or(json_str(secret, "name"), ""), problem);
    r = secret_driver(e, json_str(secret, "driver"), json_get(secret, "driverOptions"), &d,
                      err);
    if (r == 0)
        r = d.ops->lookup(&d, json_str(secret, "id"), out, err);
    secret_driver_end(&d);
    return r == -ENOENT ? not_found(str_or(json_str(secret, "name"), ""), err) : r;
}

/* ------------------------------------------------------------------- create */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int check_new(const struct secret_new *what, struct berth_error *err)
{
    const char *name = what->name;
    size_t n = strlen(name);
    bool ok = n > 0 && n <= NAME_MAX_LEN && is_letter(name[0]) && is_letter(name[n - 1]);

    for (size_t i = 0; ok && i < n; i++)
        ok = is_letter(name[i]) || strchr("-_.", name[i]);
    if (!ok)
        return fail(err, EINVAL,
                    "only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end "
                    "character must be [a-zA-Z0-9]: %s: invalid secret name",
                    name);
    if (what->data.len == 0 || what->data.len >= SECRET_MAX)
        return fail(err, EINVAL, "secret data must be larger than 0 and less than %d bytes",
                    SECRET_MAX);
    return 0;
}

/* 25 hex digits that no other has, not all of them decimal. */
static void new_id(const struct secrets *s, char id[static SECRET_ID_LEN + 1])
{
    char full[ID_LEN + 1];

    do {
        id_generate(full);
        snprintf(id, SECRET_ID_LEN + 1, "%.*s", SECRET_ID_LEN, full);
    } while (json_object_object_get_ex(table(s, "secrets"), id, NULL));
}

static json *new_entry(const struct secret_new *what, const char *id,
                       const struct secret_driver *d)
{
    char created[TIME_TEXT_MAX];
    json *entry = json_new();

    json_set_str(entry, "name", what->name);
    json_set_str(entry, "id", id);
    if (what->labels && json_object_object_length(what->labels))
        json_set(entry, "labels", spec_sorted(json_copy(what->labels)));
    json_set_str(entry, "createdAt", time_format(time_now(), created));
    json_set_str(entry, "driver", d->name);
    json_set(entry, "driverOptions", spec_sorted(json_copy(d->options)));
    return entry;
}

int secret_create(struct engine *e, const struct secret_new *what,
                  char id[static SECRET_ID_LEN + 1], struct berth_error *err)
{
    _cleanup_secrets_ struct secrets s = SECRETS_NONE;
    struct secret_driver d = {0};
    int r = check_new(what, err);

    if (r == 0)
        r = secret_driver(e, str_empty(what->driver) ? "file" : what->driver, what->options, &d,
                          err);
    if (r == 0)
        r = secrets_open(e, true, &s, err);
    if (r == 0 && json_get(table(&s, "nameToID"), what->name))
        r = fail(err, EEXIST, "%s: secret name in use", what->name);
    if (r == 0) {
        new_id(&s, id);
        r = d.ops->store(&d, id, what->data, table(&s, "secrets"), err);
        if (r < 0)
            error_wrap(err, "creating secret %s", what->name);
    }
    if (r == 0)
        r = fault_point("secret", "stored", err);
    if (r == 0) {
        json_set(table(&s, "secrets"), id, new_entry(what, id, &d));
        json_set_str(table(&s, "nameToID"), what->name, id);
        json_set_str(table(&s, "idToName"), id, what->name);
        r = secrets_write(&s, err);
        if (r < 0)
            d.ops->remove(&d, id, NULL);
    }
    secret_driver_end(&d);
    return r;
}

/* The record goes first: a value without one does no harm, and goes with the next that is
 * stored. */
int secret_remove(struct engine *e, const char *name, char id[static SECRET_ID_LEN + 1],
                  struct berth_error *err)
{
    _cleanup_secrets_ struct secrets s = SECRETS_NONE;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_json_ json *entry = NULL;
    struct secret_driver d = {0};
    json *found = NULL;
    int r = secrets_open(e, false, &s, err);

    if (r == 0)
        r = find(&s, name, &found, err);
    if (r < 0)
        return r;
    entry = json_ref(found);
    snprintf(id, SECRET_ID_LEN + 1, "%s", json_str(entry, "id"));
    json_del(table(&s, "secrets"), id);
    json_del(table(&s, "nameToID"), json_str(entry, "name"));
    json_del(table(&s, "idToName"), id);
    r = secrets_write(&s, err);
    if (r < 0)
        return r;
    r = secret_driver(e, json_str(entry, "driver"), json_get(entry, "driverOptions"), &d, &why);
    if (r == 0)
        r = d.ops->remove(&d, id, &why);
    if (r < 0 && r != -ENOENT)
        log_warning("the value of secret %s is left: %s", json_str(entry, "name"),
                    error_text(&why));
    secret_driver_end(&d);
    return 0;
}
