/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_secrets.c - secrets of a container that its record names: files of the static
 * directory below /run/secrets, and values in the environment, which stand in no record.
 */
#include "engine/spec_priv.h"
#include <fcntl.h>

#define BASE      "/run/secrets"
#define STORE_MAX (64u << 20)

int spec_secret_mounts(struct spec_final *f, struct berth_error *err)
{
    const json *list = json_get(f->config, "secrets");
    const char *from = json_str(f->config, "secretsPath");
    _cleanup_free_ char *dir = NULL;
    int r;

    if (json_len(list) == 0 || !from)
        return 0;
    dir = str_printf("%s" BASE, f->run_dir);
    if (!dir)
        return fail(err, ENOMEM, "out of memory");
    r = fs_mkdir_p(dir, 0755, err);
    if (r < 0)
        return r;
    json_set_str(f->binds, BASE, dir);
    for (size_t i = 0; i < json_len(list); i++) {
        const char *name = json_str(json_item(list, i), "name");
        const char *target = json_str(json_item(list, i), "Target");
        _cleanup_free_ char *source = NULL, *dest = NULL;

        if (str_empty(name) || strchr(name, '/'))
            return fail(err, EUCLEAN, "record of container %s is damaged: secrets", f->c->id);
        if (str_empty(target))
            target = name;
        source = path_join(from, name);
        dest = *target == '/' ? strdup(target) : path_join(BASE, target);
        if (!source || !dest)
            return fail(err, ENOMEM, "out of memory");
        json_set_str(f->binds, dest, source);
    }
    return 0;
}

/* Standard base64; -EINVAL. */
static int decode(const char *text, struct berth_buf *out)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned n = 0;

    for (; *text && *text != '='; text++) {
        const char *digit = strchr(digits, *text);

        if (!digit)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)(digit - digits);
        if (++n % 4 == 0) {
            buf_putc(out, (char)(bits >> 16));
            buf_putc(out, (char)(bits >> 8));
            buf_putc(out, (char)bits);
        }
    }
    if (n % 4 == 1)
        return -EINVAL;
    if (n % 4 >= 2)
        buf_putc(out, (char)(bits >> (n % 4 == 2 ? 4 : 10)));
    if (n % 4 == 3)
        buf_putc(out, (char)(bits >> 2));
    return buf_error(out);
}

/* All values of the file driver, under its lock. */
static int read_values(const char *graph_root, json **out, struct berth_error *err)
{
    _cleanup_free_ char *dir = str_printf("%s/secrets/filedriver", graph_root);
    _cleanup_free_ char *lock = dir ? path_join(dir, "secretsdata.lock") : NULL;
    _cleanup_free_ char *path = dir ? path_join(dir, "secretsdata.json") : NULL;
    struct flock shared = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    _cleanup_close_ int fd = -1;

    if (!lock || !path)
        return fail(err, ENOMEM, "out of memory");
    fd = open(lock, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fcntl(fd, F_SETLKW, &shared) < 0)
        return spec_fail_errno(err, errno, "locking %s", lock);
    return json_read_file(path, STORE_MAX, out, err);
}

static void env_replace(json *env, const char *name, const char *value)
{
    _cleanup_free_ char *pair = str_printf("%s=%s", name, value);
    size_t len = strlen(name);

    if (!pair)
        return;
    for (size_t i = 0; i < json_len(env); i++) {
        const char *item = str_or(json_item_str(env, i), "");

        if (strncmp(item, name, len) == 0 && item[len] == '=') {
            json_object_array_put_idx(env, i, json_new_str(pair));
            return;
        }
    }
    json_add_str(env, pair);
}

int spec_secret_env(struct spec_final *f, struct berth_error *err)
{
    json *all = spec_object(json_get(f->config, "secret_env"));
    _cleanup_json_ json *values = NULL;
    json *env;
    int r;

    if (!all || json_object_object_length(all) == 0)
        return 0;
    r = read_values(f->c->e->conf->graph_root, &values, err);
    if (r < 0)
        return error_wrap(err, "reading secrets of container %s", f->c->id);
    env = json_need_array(json_need(f->spec, "process"), "env");
    json_object_object_foreach (all, name, secret) {
        _cleanup_buf_ struct berth_buf text = BUF_INIT;
        const char *driver = json_str(secret, "driver"), *id = json_str(secret, "id");
        const char *value = id ? json_str(values, id) : NULL;

        if (driver && !str_eq(driver, "file"))
            return fail(err, ENOTSUP,
                        "secret %s is kept by driver \"%s\", and only \"file\" is "
                        "supported",
                        name, driver);
        if (!value || decode(value, &text) < 0)
            return fail(err, ENOENT, "no such secret: %s",
                        str_or(json_str(secret, "name"), ""));
        env_replace(env, name, buf_str(&text));
    }
    return 0;
}
