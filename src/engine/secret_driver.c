/* SPDX-License-Identifier: Apache-2.0 */
/* secret_driver.c - see secret_driver.h. */
#include "engine/secret_driver.h"
#include "base/base64.h"
#include "base/fs.h"
#include "base/list.h"
#include "base/proc.h"
#include "base/str.h"
#include "engine/spec_priv.h"
#include "storage/lockfile.h"

/* -------------------------------------------------------------------- files */

int secret_write_json(const char *path, const json *doc, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (json_write_pretty(doc, 0, "", "  ", &text) < 0)
        return fail(err, ENOMEM, "out of memory");
    /* A larger one could not be read again, with all that is in it. */
    if (text.len > JSON_SIZE_MAX)
        return fail(err, EFBIG,
                    "%s would have %zu bytes, more than the %zu that can be read: remove "
                    "secrets that are not needed any more",
                    path, text.len, JSON_SIZE_MAX);
    return fs_replace(path, text.data, text.len, 0600, true, err);
}

/* The values of the file driver, locked. */
struct values {
    int lock;
    char *path;
    json *doc;
};

static void values_close(struct values *v)
{
    attr_closep(&v->lock);
    free(v->path);
    json_putp(&v->doc);
}
#define _cleanup_values_ _cleanup_(values_close)
#define VALUES_NONE      ((struct values){.lock = -1})

static int values_open(const struct secret_driver *d, bool make, struct values *v,
                       struct berth_error *err)
{
    const char *dir = json_str(d->options, "path");
    _cleanup_free_ char *lock = NULL;
    int r = 0;

    *v = VALUES_NONE;
    v->path = path_join(dir, "secretsdata.json");
    if (!v->path)
        return fail(err, ENOMEM, "out of memory");
    if (make)
        r = fs_mkdir_p(dir, 0700, err);
    else if (!fs_exists(dir))
        r = fail(err, ENOENT, "%s is missing", dir);
    lock = path_join(dir, "secretsdata.lock");
    if (r == 0)
        v->lock = r =
            lock ? lockfile_take(lock, true, err) : fail(err, ENOMEM, "out of memory");
    if (r >= 0)
        r = json_read_file(v->path, JSON_SIZE_MAX, &v->doc, err);
    if (r == -ENOENT && make) {
        error_clear(err);
        v->doc = json_new();
        r = 0;
    }
    return r;
}

static int file_check(struct secret_driver *d, struct berth_error *err)
{
    if (!json_str(d->options, "path"))
        json_set_str(d->options, "path", d->own_dir);
    return *json_str(d->options, "path") == '/'
               ? 0
               : fail(err, EINVAL, "the path of the file driver must be absolute, not \"%s\"",
                      json_str(d->options, "path"));
}

/* Another store drops from its directory what it has no record of, so that this store's
 * values must not be there.  Those that are keep their place. */
static int own_place(const struct secret_driver *d, struct berth_error *err)
{
    static const char end[] = "/secrets/filedriver";
    const char *path = json_str(d->options, "path");
    _cleanup_free_ char *real = realpath(path, NULL);
    size_t len;

    if (str_eq(path, d->own_dir))
        return 0;
    if (!real && !(real = path_clean(path)))
        return fail(err, ENOMEM, "out of memory");
    len = strlen(real);
    return len >= strlen(end) && str_eq(real + len - strlen(end), end)
               ? fail(err, EINVAL,
                      "%s is where a store keeps the secrets that are its own: give the file "
                      "driver another path, or none",
                      path)
               : 0;
}

/* Values that a killed process left without a record; not in directories that may be
 * another store's too, as one that a link leads to. */
static void drop_orphans(const struct secret_driver *d, json *values, const json *others)
{
    _cleanup_list_ struct berth_list gone = LIST_INIT;
    struct stat st;

    if (!str_eq(json_str(d->options, "path"), d->own_dir) || lstat(d->own_dir, &st) < 0 ||
        !S_ISDIR(st.st_mode))
        return;
    json_object_object_foreach (values, id, value) {
        (void)value;
        if (!json_object_object_get_ex(others, id, NULL))
            list_add(&gone, id);
    }
    for (size_t i = 0; i < gone.n; i++)
        json_del(values, gone.items[i]);
}

static int file_store(struct secret_driver *d, const char *id, struct berth_blob data,
                      const json *others, struct berth_error *err)
{
    _cleanup_values_ struct values v = VALUES_NONE;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = own_place(d, err);

    if (r == 0)
        r = values_open(d, true, &v, err);
    if (r < 0)
        return r;
    drop_orphans(d, v.doc, others);
    if (base64_encode(data, &text) < 0)
        return fail(err, ENOMEM, "out of memory");
    json_set_str(v.doc, id, buf_str(&text));
    v.doc = spec_sorted(v.doc);
    return secret_write_json(v.path, v.doc, err);
}

static int file_lookup(struct secret_driver *d, const char *id, struct berth_buf *out,
                       struct berth_error *err)
{
    _cleanup_values_ struct values v = VALUES_NONE;
    int r = values_open(d, false, &v, err);
    const char *value = r < 0 ? NULL : json_str(v.doc, id);

    if (r < 0)
        return r;
    if (!value)
        return fail(err, ENOENT, "no secret data with ID");
    return base64_decode(value, out) < 0
               ? fail(err, EUCLEAN, "%s is damaged: the value of %s is no base64", v.path, id)
               : 0;
}

static int file_remove(struct secret_driver *d, const char *id, struct berth_error *err)
{
    _cleanup_values_ struct values v = VALUES_NONE;
    int r = values_open(d, false, &v, err);

    if (r < 0)
        return r;
    if (!json_object_object_get_ex(v.doc, id, NULL))
        return fail(err, ENOENT, "no secret data with ID");
    json_del(v.doc, id);
    return secret_write_json(v.path, v.doc, err);
}

/* -------------------------------------------------------------------- shell */

static int shell_run(const struct secret_driver *d, const char *which, const char *id,
                     struct berth_blob input, struct berth_buf *out, struct berth_error *err)
{
    const char *argv[] = {"/bin/sh", "-c", json_str(d->options, which), NULL};
    _cleanup_list_ struct berth_list env = LIST_INIT;
    _cleanup_buf_ struct berth_buf ignored = BUF_INIT;
    struct berth_run run = {.size = sizeof(run),
                            .flags = BERTH_RUN_STDERR_IS_ERROR,
                            .argv = argv,
                            .input = input,
                            .output = out ? out : &ignored,
                            .netns_fd = -1,
                            .deadline = BERTH_WAIT_FOREVER};
    int r;

    list_addv(&env, (const char *const *)environ);
    list_addf(&env, "SECRET_ID=%s", id);
    if (env.error)
        return fail(err, ENOMEM, "out of memory");
    run.env = (const char *const *)list_argv(&env);
    r = proc_run(&run, err);
    if (r <= 0)
        return r;
    error_wrap(err, "the %s command of the shell driver", which);
    return -EIO;
}

static int shell_check(struct secret_driver *d, struct berth_error *err)
{
    static const char *const needed[] = {"list", "lookup", "store", "delete"};

    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (str_empty(json_str(d->options, needed[i])))
            return fail(err, EINVAL, "missing config value");
    return 0;
}

static int shell_store(struct secret_driver *d, const char *id, struct berth_blob data,
                       const json *others _unused_, struct berth_error *err)
{
    return shell_run(d, "store", id, data, NULL, err);
}

static int shell_lookup(struct secret_driver *d, const char *id, struct berth_buf *out,
                        struct berth_error *err)
{
    return shell_run(d, "lookup", id, (struct berth_blob){0}, out, err);
}

static int shell_remove(struct secret_driver *d, const char *id, struct berth_error *err)
{
    return shell_run(d, "delete", id, (struct berth_blob){0}, NULL, err);
}

/* ------------------------------------------------------------------- choice */

static const struct secret_driver_ops drivers[] = {
    {"file", file_check, file_store, file_lookup, file_remove},
    {"shell", shell_check, shell_store, shell_lookup, shell_remove},
};

void secret_driver_end(struct secret_driver *d)
{
    json_putp(&d->options);
    free(d->own_dir);
    d->own_dir = NULL;
}

int secret_driver(struct engine *e, const char *name, json *options, struct secret_driver *out,
                  struct berth_error *err)
{
    struct secret_driver d = {0};
    int r;

    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        if (str_eq(drivers[i].name, name))
            d.ops = &drivers[i];
    if (!d.ops)
        return fail(err, EINVAL, "invalid driver");
    d.name = d.ops->name;
    d.options = options ? json_copy(options) : json_new();
    d.own_dir = str_printf("%s/secrets/filedriver", e->conf->graph_root);
    r = d.own_dir ? d.ops->check(&d, err) : fail(err, ENOMEM, "out of memory");
    if (r < 0) {
        secret_driver_end(&d);
        return r;
    }
    *out = d;
    return 0;
}
