/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_secrets.c - secrets of a container: what --secret asks for, copies in the static
 * directory that are bound below /run/secrets, and values in the environment, which stand in
 * no record.
 */
#include "engine/rootfs.h"
#include "engine/secret.h"
#include "engine/spec_priv.h"
#include <fcntl.h>

#define BASE "/run/secrets"

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

        if (!secret_name_is_valid(name))
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

static int env_replace(json *env, const char *name, struct berth_buf *value,
                       struct berth_error *err)
{
    _cleanup_free_ char *pair = str_printf("%s=%s", name, buf_str(value));
    size_t len = strlen(name);

    if (!pair)
        return fail(err, ENOMEM, "out of memory");
    if (strlen(buf_str(value)) != value->len)
        return fail(err, EINVAL,
                    "the secret of the environment variable %s has a byte 0, which only a file "
                    "can have: use type=mount",
                    name);
    for (size_t i = 0; i < json_len(env); i++) {
        const char *item = str_or(json_item_str(env, i), "");

        if (strncmp(item, name, len) == 0 && item[len] == '=') {
            if (json_object_array_put_idx(env, i, json_new_str(pair)) < 0)
                return fail(err, ENOMEM, "out of memory");
            return 0;
        }
    }
    json_add_str(env, pair);
    return 0;
}

int spec_secret_env(struct spec_final *f, struct berth_error *err)
{
    json *all = spec_object(json_get(f->config, "secret_env"));
    json *env;
    int r = 0;

    if (!all || json_object_object_length(all) == 0)
        return 0;
    env = json_need_array(json_need(f->spec, "process"), "env");
    json_object_object_foreach (all, name, secret) {
        _cleanup_buf_ struct berth_buf text = BUF_INIT;
        _cleanup_json_ json *now = NULL;

        /* By its name: what it is now, as podman has it. */
        r = secret_lookup(f->c->e, str_or(json_str(secret, "name"), ""), &now, err);
        if (r == 0)
            r = secret_value(f->c->e, now, &text, err);
        if (r == 0)
            r = env_replace(env, name, &text, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --------------------------------------------------------------- --secret */

struct wish {
    char *source, *target;
    bool env, mount_only;
    uint32_t uid, gid, mode;
};

static void wish_free(struct wish *w)
{
    free(w->source);
    free(w->target);
}

static int parse_u32(const char *text, int base, uint32_t *out)
{
    char *end;
    unsigned long long n;

    if (*text < '0' || *text > '9')
        return -EINVAL;
    errno = 0;
    n = strtoull(text, &end, base);
    if (*end || errno || n > UINT32_MAX)
        return -EINVAL;
    *out = (uint32_t)n;
    return 0;
}

static int parse_option(const char *word, bool *typed, struct wish *w, struct berth_error *err)
{
    const char *value = strchr(word, '=');
    int len = (int)strcspn(word, "=");

    if (!value)
        return fail(err, EINVAL, "option %s must be in form option=value: parsing secret",
                    word);
    value++;
    if (str_starts(word, "source="))
        return str_set(&w->source, value);
    if (str_starts(word, "target="))
        return str_set(&w->target, value);
    if (str_starts(word, "type=")) {
        if (*typed)
            return fail(err, EINVAL, "cannot set more than one secret type: parsing secret");
        if (!str_eq(value, "mount") && !str_eq(value, "env"))
            return fail(err, EINVAL, "type %s is invalid: parsing secret", value);
        *typed = true;
        w->env = str_eq(value, "env");
        return 0;
    }
    w->mount_only = true;
    if (len == 4 && str_starts(word, "mode="))
        return parse_u32(value, 8, &w->mode) == 0
                   ? 0
                   : fail(err, EINVAL, "mode %s invalid: parsing secret", value);
    if (len == 3 && strncasecmp(word, "uid", 3) == 0)
        return parse_u32(value, 10, &w->uid) == 0
                   ? 0
                   : fail(err, EINVAL, "UID %s invalid: parsing secret", value);
    if (len == 3 && strncasecmp(word, "gid", 3) == 0)
        return parse_u32(value, 10, &w->gid) == 0
                   ? 0
                   : fail(err, EINVAL, "GID %s invalid: parsing secret", value);
    return fail(err, EINVAL, "option %s invalid: parsing secret", word);
}

/* NAME[,type=mount|env][,target=T][,uid=][,gid=][,mode=]; the name may be source=NAME. */
static int parse_wish(const char *text, struct wish *w, struct berth_error *err)
{
    _cleanup_list_ struct berth_list words = LIST_INIT;
    bool typed = false;
    int r = 0;

    list_split(&words, text, ',', true);
    if (words.n < 2)
        return str_set(&w->source, text);
    for (size_t i = 0; r == 0 && i < words.n; i++)
        r = i == 0 && !strchr(words.items[0], '=')
                ? str_set(&w->source, words.items[0])
                : parse_option(words.items[i], &typed, w, err);
    if (r == 0 && str_empty(w->source))
        r = fail(err, EINVAL, "no source found %s: parsing secret", text);
    if (r == 0 && w->env && w->mount_only)
        r = fail(err, EINVAL,
                 "UID, GID, Mode options cannot be set with secret type env: parsing secret");
    return r;
}

static int add_wish(struct spec_build *b, const struct wish *w, struct berth_error *err)
{
    _cleanup_json_ json *secret = NULL;
    json *entry;
    int r = secret_lookup(b->e, w->source, &secret, err);

    if (r < 0)
        return r;
    entry = json_copy(secret);
    if (w->env) {
        json_set(json_need(b->config, "secret_env"),
                 str_empty(w->target) ? w->source : w->target, entry);
        return 0;
    }
    json_set_i64(entry, "UID", w->uid);
    json_set_i64(entry, "GID", w->gid);
    json_set_i64(entry, "Mode", w->mode);
    json_set_str(entry, "Target", str_or(w->target, ""));
    json_add(json_need_array(b->config, "secrets"), entry);
    return 0;
}

int spec_secrets(struct spec_build *b, struct berth_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < b->o->secret.n; i++) {
        _cleanup_(wish_free) struct wish w = {.mode = 0444};

        r = parse_wish(b->o->secret.items[i], &w, err);
        if (r == -ENOMEM)
            r = fail(err, ENOMEM, "out of memory");
        if (r == 0)
            r = add_wish(b, &w, err);
    }
    return r;
}

/* ------------------------------------------------------------------- copies */

static int write_copy(struct ctr *c, const json *entry, const char *dir,
                      struct berth_error *err)
{
    const char *name = str_or(json_str(entry, "name"), "");
    _cleanup_free_ char *path = path_join(dir, name);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_close_ int fd = -1;
    uid_t uid = rootfs_host_id(c, "UIDMap", (uint32_t)json_i64(entry, "UID", 0));
    gid_t gid = rootfs_host_id(c, "GIDMap", (uint32_t)json_i64(entry, "GID", 0));
    int r = secret_value(c->e, entry, &text, err);

    if (r < 0)
        return r;
    if (!path)
        return fail(err, ENOMEM, "out of memory");
    /* The same one with another target: the last owner and mode count. */
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return spec_fail_errno(err, errno, "creating the copy of secret %s", name);
    r = fs_write_fd(fd, text.data, text.len);
    if (r < 0 || fchown(fd, uid, gid) < 0 ||
        fchmod(fd, (mode_t)json_i64(entry, "Mode", 0444) & 07777) < 0 || fsync(fd) < 0)
        return spec_fail_errno(err, r < 0 ? -r : errno, "writing the copy of secret %s", name);
    return 0;
}

/* The record tells of them, so they are on the disk before it. */
int spec_secret_copies(struct ctr *c, struct berth_error *err)
{
    const json *list = json_get(c->config, "secrets");
    const char *path = str_or(json_str(c->config, "secretsPath"), "");
    _cleanup_close_ int dir = -1;
    int r = 0;

    if (json_len(list) == 0)
        return 0;
    for (size_t i = 0; r == 0 && i < json_len(list); i++)
        r = write_copy(c, json_item(list, i), path, err);
    if (r < 0)
        return r;
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 || fsync(dir) < 0 ? spec_fail_errno(err, errno, "syncing %s", path) : 0;
}
