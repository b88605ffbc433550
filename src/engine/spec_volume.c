/* SPDX-License-Identifier: Apache-2.0 */
/* spec_volume.c - the languages of -v and --mount, and the completion of mount options. */
#include "engine/spec_priv.h"
#include <sys/statvfs.h>
#include <sys/vfs.h>

static int duplicate(struct berth_error *err, const char *text)
{
    return fail(err, EINVAL, "%s: duplicate mount option passed", text);
}

/* --------------------------------------------------------------- options of -v */

enum volume_group {
    G_EXEC,
    G_DEV,
    G_SUID,
    G_RW,
    G_LABEL,
    G_OWNER,
    G_PROPAGATION,
    G_BIND,
    G_COPY,
    G_UPPER,
    G_WORK,
    G_IGNORED,
    G_FREE,
    G_UNKNOWN,
};

static const char *const group_text[] = {
    [G_EXEC] = "1 'noexec' or 'exec' option",
    [G_DEV] = "1 'nodev' or 'dev' option",
    [G_SUID] = "1 'nosuid' or 'suid' option",
    [G_RW] = "1 'rw' or 'ro' option",
    [G_LABEL] = "1 'z', 'Z', or 'O' option",
    [G_OWNER] = "1 'U' option",
    [G_PROPAGATION] = "1 '[r]shared', '[r]private', '[r]slave' or '[r]unbindable' option",
    [G_BIND] = "1 '[r]bind' option",
    [G_COPY] = "1 'copy' or 'nocopy' option",
    [G_UPPER] = "1 upperdir per overlay",
    [G_WORK] = "1 workdir per overlay",
};

static const struct {
    char name[12];
    enum volume_group group;
} volume_words[] = {
    {"exec", G_EXEC},
    {"noexec", G_EXEC},
    {"dev", G_DEV},
    {"nodev", G_DEV},
    {"suid", G_SUID},
    {"nosuid", G_SUID},
    {"rw", G_RW},
    {"ro", G_RW},
    {"z", G_LABEL},
    {"Z", G_LABEL},
    {"O", G_LABEL},
    {"U", G_OWNER},
    {"private", G_PROPAGATION},
    {"rprivate", G_PROPAGATION},
    {"shared", G_PROPAGATION},
    {"rshared", G_PROPAGATION},
    {"slave", G_PROPAGATION},
    {"rslave", G_PROPAGATION},
    {"unbindable", G_PROPAGATION},
    {"runbindable", G_PROPAGATION},
    {"bind", G_BIND},
    {"rbind", G_BIND},
    {"copy", G_COPY},
    {"nocopy", G_COPY},
    {"cached", G_IGNORED},
    {"delegated", G_IGNORED},
};

static enum volume_group volume_group(const char *word)
{
    if (strstr(word, "upperdir"))
        return G_UPPER;
    if (strstr(word, "workdir"))
        return G_WORK;
    if (str_starts(word, "idmap"))
        return G_FREE;
    for (size_t i = 0; i < ARRAY_LEN(volume_words); i++)
        if (str_eq(word, volume_words[i].name))
            return volume_words[i].group;
    return G_UNKNOWN;
}

int spec_volume_options(const struct berth_list *given, json *out, struct berth_error *err)
{
    unsigned seen[G_UNKNOWN + 1] = {0};

    for (size_t i = 0; i < given->n; i++) {
        const char *word = given->items[i];
        enum volume_group g = volume_group(word);

        if (g == G_UNKNOWN)
            return fail(err, EINVAL, "invalid option type \"%s\"", word);
        if (g < G_IGNORED && ++seen[g] > 1) {
            _cleanup_free_ char *all = list_join(given, ", ");

            return fail(err, EINVAL, "invalid options \"%s\", can only specify %s",
                        str_or(all, ""), group_text[g]);
        }
        if (g != G_IGNORED)
            json_add_str(out, word);
    }
    return 0;
}

/* ---------------------------------------------------------------- completion */

struct completion {
    bool write, propagation, exec, suid, dev, copyup, bind, label, owner, idmap, copy, size,
        mode;
    bool overlay;
};

static int once(bool *seen, const char *text, struct berth_error *err)
{
    if (*seen)
        return duplicate(err, text);
    *seen = true;
    return 0;
}

/* The same, unless an earlier check failed. */
static int once_if(int checked, bool *seen, const char *text, struct berth_error *err)
{
    return checked < 0 ? checked : once(seen, text, err);
}

static int tmpfs_only(bool tmpfs, const char *name, struct berth_error *err)
{
    return tmpfs ? 0
                 : fail(err, EINVAL,
                        "the '%s' option is only allowed with tmpfs mounts: invalid mount "
                        "option",
                        name);
}

static int not_tmpfs(bool tmpfs, const char *names, struct berth_error *err)
{
    return tmpfs ? fail(err, EINVAL,
                        "the %s options are not allowed with tmpfs mounts: invalid mount "
                        "option",
                        names)
                 : 0;
}

/* One option: 1 to keep it, 0 to leave it out. */
static int complete_word(struct completion *c, const char *word, bool tmpfs,
                         struct berth_error *err)
{
    _cleanup_free_ char *key = strndup(word, strcspn(word, "="));
    int r = 0;

    if (!key)
        return fail(err, ENOMEM, "out of memory");
    if (c->overlay && (strstr(word, "upperdir") || strstr(word, "workdir")))
        return 1;
    if (str_starts(key, "idmap"))
        r = once(&c->idmap, "the 'idmap' option can only be set once", err);
    else if (str_eq(key, "copy") || str_eq(key, "nocopy"))
        r = once(&c->copy, "only one of 'nocopy' and 'copy' can be used", err);
    else if (str_eq(key, "O"))
        c->overlay = true;
    else if (str_eq(key, "volume-opt"))
        return 1;
    else if (str_eq(key, "exec") || str_eq(key, "noexec"))
        r = once(&c->exec, "only one of 'noexec' and 'exec' can be used", err);
    else if (str_eq(key, "suid") || str_eq(key, "nosuid"))
        r = once(&c->suid, "only one of 'nosuid' and 'suid' can be used", err);
    else if (str_eq(key, "dev") || str_eq(key, "nodev"))
        r = once(&c->dev, "only one of 'nodev' and 'dev' can be used", err);
    else if (str_eq(key, "rw") || str_eq(key, "ro"))
        r = once(&c->write, "only one of 'rw' and 'ro' can be used", err);
    else if (volume_group(key) == G_PROPAGATION)
        r = once(&c->propagation, "only one root propagation mode can be used", err);
    else if (str_eq(key, "size"))
        r = once_if(tmpfs_only(tmpfs, key, err), &c->size,
                    "only one tmpfs size can be specified", err);
    else if (str_eq(key, "mode"))
        r = once_if(tmpfs_only(tmpfs, key, err), &c->mode,
                    "only one tmpfs mode can be specified", err);
    else if (str_eq(key, "tmpcopyup") || str_eq(key, "notmpcopyup"))
        r = once_if(tmpfs_only(tmpfs, key, err), &c->copyup,
                    "the 'tmpcopyup' or 'notmpcopyup' option can only be set once", err);
    else if (str_eq(key, "consistency"))
        return 0;
    else if (volume_group(key) == G_BIND)
        r = once_if(not_tmpfs(tmpfs, "'bind' and 'rbind'", err), &c->bind,
                    "only one of 'rbind' and 'bind' can be used", err);
    else if (str_eq(key, "z") || str_eq(key, "Z"))
        r = once_if(not_tmpfs(tmpfs, "'z' and 'Z'", err), &c->label,
                    "only one of 'z' and 'Z' can be used", err);
    else if (str_eq(key, "U"))
        r = once(&c->owner, "the 'U' option can only be set once", err);
    else
        return fail(err, EINVAL, "unknown mount option \"%s\": invalid mount option", word);
    return r < 0 ? r : !str_eq(key, "notmpcopyup");
}

int spec_mount_options(json **options, bool tmpfs, const char *source, struct berth_error *err)
{
    _cleanup_json_ json *out = json_new_array();
    struct completion c = {0};
    bool noexec = false, nosuid = true, nodev = true;

    for (size_t i = 0; i < json_len(*options); i++) {
        int r = complete_word(&c, json_item_str(*options, i), tmpfs, err);

        if (r < 0)
            return r;
        if (r)
            json_add(out, json_ref(json_item(*options, i)));
    }
    if (!c.write)
        json_add_str(out, "rw");
    if (!c.propagation)
        json_add_str(out, "rprivate");
    if (!tmpfs && source) {
        struct statvfs fs;

        if (statvfs(source, &fs) < 0)
            return spec_fail_errno(err, errno, "statfs %s", source);
        noexec = fs.f_flag & ST_NOEXEC;
        nosuid = fs.f_flag & ST_NOSUID;
        nodev = fs.f_flag & ST_NODEV;
    }
    if (!c.exec && noexec)
        json_add_str(out, "noexec");
    if (!c.suid && nosuid)
        json_add_str(out, "nosuid");
    if (!c.dev && nodev)
        json_add_str(out, "nodev");
    if (tmpfs && !c.copyup)
        json_add_str(out, "tmpcopyup");
    if (!tmpfs && !c.bind)
        json_add_str(out, "rbind");
    json_object_put(*options);
    *options = TAKE(out);
    return 0;
}

/* ------------------------------------------------------------------- --mount */

#define MOUNT_SYNTAX                                                                           \
    "incorrect mount format: should be --mount type=<bind|tmpfs|volume>,[src=<host-dir|"       \
    "volume-name>,]target=<ctr-dir>[,options]"

/* One line of CSV with double quotes.  -EINVAL. */
static int csv_split(const char *text, struct berth_list *out)
{
    _cleanup_buf_ struct berth_buf field = BUF_INIT;

    for (;;) {
        buf_reset(&field);
        if (*text == '"') {
            for (text++;; text++) {
                if (!*text)
                    return -EINVAL;
                if (*text == '"' && *++text != '"')
                    break;
                buf_putc(&field, *text);
            }
            if (*text && *text != ',')
                return -EINVAL;
        } else {
            size_t len = strcspn(text, ",");

            if (memchr(text, '"', len) || memchr(text, '\n', len))
                return -EINVAL;
            buf_put(&field, text, len);
            text += len;
        }
        list_add(out, buf_str(&field));
        if (!*text++)
            return out->error;
    }
}

enum mount_type { M_BIND = 1, M_VOLUME = 2, M_TMPFS = 4, M_DEVPTS = 8, M_IMAGE = 16 };

struct mount_parse {
    enum mount_type type;
    json *mount, *options;
    const char *key, *value; /* value NULL: none */
    bool rorw, suid, dev, exec, relabel, copyup, source, dest;
};

static int argument(struct mount_parse *p, struct berth_error *err)
{
    return p->value ? 0 : fail(err, EINVAL, "%s: must provide an argument for option", p->key);
}

static int key_rorw(struct mount_parse *p, struct berth_error *err)
{
    const char *key = str_eq(p->key, "readonly") ? "ro" : p->key;

    if (p->rorw)
        return fail(err, EINVAL,
                    "cannot pass 'readonly', 'ro', or 'rw' options more than once: "
                    "must provide an argument for option");
    p->rorw = true;
    if (!p->value || strcasecmp(p->value, "true") == 0)
        json_add_str(p->options, key);
    else if (strcasecmp(p->value, "false") != 0)
        return fail(err, EINVAL,
                    "'readonly', 'ro', or 'rw' must be set to true or false, "
                    "instead received \"%s\": must provide an argument for option",
                    p->value);
    else
        json_add_str(p->options, str_eq(key, "rw") ? "ro" : "rw");
    return 0;
}

static int key_flag(struct mount_parse *p, bool *seen, const char *names,
                    struct berth_error *err)
{
    if (*seen)
        return fail(err, EINVAL,
                    "cannot pass %s options more than once: must provide an "
                    "argument for option",
                    names);
    *seen = true;
    json_add_str(p->options, p->key);
    return 0;
}

static int key_owner(struct mount_parse *p, struct berth_error *err)
{
    bool on = true;

    if (p->value && str_to_bool(p->value, &on) < 0)
        return fail(err, EINVAL,
                    "'U' or 'chown' must be set to true or false, instead received "
                    "\"%s\": must provide an argument for option",
                    p->value);
    if (on)
        json_add_str(p->options, "U");
    return 0;
}

static int key_dest(struct mount_parse *p, struct berth_error *err)
{
    _cleanup_free_ char *clean = NULL;

    if (argument(p, err) < 0)
        return -EINVAL;
    if (!*p->value)
        return fail(err, EINVAL, "container directory cannot be empty");
    if (*p->value != '/')
        return fail(err, EINVAL, "invalid container path \"%s\", must be an absolute path",
                    p->value);
    clean = path_clean(p->value);
    if (!clean)
        return fail(err, ENOMEM, "out of memory");
    json_set_str(p->mount, "destination", clean);
    p->dest = true;
    return 0;
}

static int key_source(struct mount_parse *p, struct berth_error *err)
{
    if (p->type == M_TMPFS || p->type == M_DEVPTS)
        return fail(err, EINVAL, "source is not supported with %s mounts",
                    p->type == M_TMPFS ? "tmpfs" : "devpts");
    if (argument(p, err) < 0)
        return -EINVAL;
    if (!*p->value)
        return fail(err, EINVAL,
                    "host directory cannot be empty: must provide an argument for "
                    "option");
    json_set_str(p->mount, "source", p->value);
    p->source = true;
    return 0;
}

/* "tmpfs-size=x" and the like: kept under the name that the mount understands. */
static int key_valued(struct mount_parse *p, const char *as, struct berth_error *err)
{
    _cleanup_free_ char *text = NULL;

    if (argument(p, err) < 0)
        return -EINVAL;
    text = str_printf("%s=%s", as, p->value);
    if (!text)
        return fail(err, ENOMEM, "out of memory");
    json_add_str(p->options, text);
    return 0;
}

static int key_relabel(struct mount_parse *p, struct berth_error *err)
{
    if (p->relabel)
        return fail(err, EINVAL,
                    "cannot pass 'relabel' option more than once: must provide an "
                    "argument for option");
    p->relabel = true;
    if (argument(p, err) < 0)
        return -EINVAL;
    if (!str_eq(p->value, "shared") && !str_eq(p->value, "private"))
        return fail(err, EINVAL,
                    "relabel mount option must be 'private' or 'shared': "
                    "invalid mount option");
    json_add_str(p->options, str_eq(p->value, "shared") ? "z" : "Z");
    return 0;
}

static int mount_key(struct mount_parse *p, struct berth_error *err)
{
    const char *k = p->key;
    bool fs = p->type & (M_BIND | M_VOLUME | M_TMPFS);

    if (str_eq(k, "target") || str_eq(k, "dst") || str_eq(k, "destination"))
        return key_dest(p, err);
    if (str_eq(k, "src") || str_eq(k, "source"))
        return key_source(p, err);
    if (fs && (str_eq(k, "readonly") || str_eq(k, "ro") || str_eq(k, "rw")))
        return key_rorw(p, err);
    if (fs && (str_eq(k, "suid") || str_eq(k, "nosuid")))
        return key_flag(p, &p->suid, "'nosuid' and 'suid'", err);
    if (fs && (str_eq(k, "dev") || str_eq(k, "nodev")))
        return key_flag(p, &p->dev, "'nodev' and 'dev'", err);
    if (fs && (str_eq(k, "exec") || str_eq(k, "noexec")))
        return key_flag(p, &p->exec, "'noexec' and 'exec'", err);
    if (fs && str_eq(k, "consistency"))
        return 0;
    if (fs && (str_eq(k, "U") || str_eq(k, "chown")))
        return key_owner(p, err);
    if (p->type == M_BIND) {
        if (str_eq(k, "bind-nonrecursive"))
            return json_add_str(p->options, "bind"), 0;
        if (volume_group(k) == G_PROPAGATION || str_eq(k, "z") || str_eq(k, "Z"))
            return json_add_str(p->options, k), 0;
        if (str_eq(k, "bind-propagation"))
            return argument(p, err) < 0 ? -EINVAL : (json_add_str(p->options, p->value), 0);
        if (str_eq(k, "relabel"))
            return key_relabel(p, err);
        if (str_eq(k, "idmap"))
            return p->value ? key_valued(p, "idmap", err) : (json_add_str(p->options, k), 0);
    }
    if (p->type == M_TMPFS) {
        if (str_eq(k, "tmpfs-size") || str_eq(k, "tmpfs-mode"))
            return key_valued(p, k + 6, err);
        if (str_eq(k, "tmpcopyup") || str_eq(k, "notmpcopyup"))
            return key_flag(p, &p->copyup, "'tmpcopyup' and 'notmpcopyup'", err);
    }
    if (p->type == M_VOLUME && str_eq(k, "volume-opt"))
        return key_valued(p, k, err);
    if (p->type == M_DEVPTS) {
        if (str_eq(k, "uid") || str_eq(k, "gid") || str_eq(k, "mode") || str_eq(k, "max") ||
            str_eq(k, "ptmxmode"))
            return key_valued(p, k, err);
        if (str_eq(k, "newinstance"))
            return json_add_str(p->options, k), 0;
    }
    return fail(err, EINVAL, "%s: invalid mount option", k);
}

static int mount_type(const char *name, enum mount_type *out, struct berth_error *err)
{
    static const struct {
        const char *name;
        enum mount_type type;
    } types[] = {
        {"bind", M_BIND}, {"volume", M_VOLUME}, {"tmpfs", M_TMPFS}, {"devpts", M_DEVPTS}};

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_eq(name, types[i].name)) {
            *out = types[i].type;
            return 0;
        }
    }
    return fail(err, EINVAL, "invalid filesystem type \"%s\"", name);
}

/* After the words: defaults and checks of the type. */
static int mount_done(struct mount_parse *p, struct berth_error *err)
{
    if (!p->dest)
        return fail(err, EINVAL, "must set volume destination");
    if (p->type == M_TMPFS)
        json_set_str(p->mount, "source", "tmpfs");
    if (p->type == M_DEVPTS)
        json_set_str(p->mount, "source", "devpts");
    if (p->type == M_BIND) {
        _cleanup_list_ struct berth_list words = LIST_INIT;
        _cleanup_free_ char *absolute = NULL;
        json *checked = json_new_array();

        if (!p->source)
            json_set(p->mount, "source", json_ref(json_get(p->mount, "destination")));
        json_to_list(p->options, &words);
        json_set(p->mount, "options", checked);
        if (spec_volume_options(&words, checked, err) < 0)
            return -EINVAL;
        absolute = path_absolute(json_str(p->mount, "source"));
        if (!absolute)
            return fail(err, ENOMEM, "out of memory");
        json_set_str(p->mount, "source", absolute);
    }
    return 0;
}

int spec_mount_flag(const char *text, json **out, struct berth_error *err)
{
    static const char *const order[] = {"destination", "type", "source", "options", NULL};
    _cleanup_list_ struct berth_list words = LIST_INIT;
    _cleanup_json_ json *mount = json_new();
    struct mount_parse p = {.mount = mount};
    const char *type = NULL;
    int r = csv_split(text, &words);

    if (r < 0)
        return fail(err, EINVAL, MOUNT_SYNTAX);
    for (size_t i = 0; i < words.n && !type; i++) {
        type = str_starts(words.items[i], "type=");
        if (type)
            r = mount_type(type, &p.type, err);
    }
    if (!type)
        return fail(err, EINVAL, MOUNT_SYNTAX);
    if (r < 0)
        return r;
    json_set_str(mount, "type", type);
    json_set(mount, "options", p.options = json_new_array());
    for (size_t i = 0, types = 0; i < words.n && r >= 0; i++) {
        char *equals = strchr(words.items[i], '=');

        if (types == 0 && str_starts(words.items[i], "type=")) {
            types++;
            continue;
        }
        if (equals)
            *equals = '\0';
        p.key = words.items[i];
        p.value = equals ? equals + 1 : NULL;
        r = mount_key(&p, err);
    }
    if (r >= 0)
        r = mount_done(&p, err);
    if (r < 0)
        return r;
    if (json_len(json_get(mount, "options")) == 0)
        json_del(mount, "options");
    *out = spec_ordered(TAKE(mount), order);
    return 0;
}
