/* SPDX-License-Identifier: Apache-2.0 */
/* volume_local.c - volumes that are directories of this host, or are mounted on one. */
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "engine/spec_priv.h"
#include "engine/volume.h"
#include <fcntl.h>
#include <sys/mount.h>

/* ------------------------------------------------------------------ options */

/* Go's strconv.Atoi for IDs, with its words. */
static int parse_number(const char *what, const char *text, int64_t *out,
                        struct berth_error *err)
{
    int r = str_to_i64(text, out);

    if (r == 0)
        return 0;
    return fail(err, EINVAL,
                "cannot convert %s %s to integer: strconv.Atoi: parsing \"%s\": %s", what, text,
                text, r == -ERANGE ? "value out of range" : "invalid syntax");
}

static int parse_size(const char *text, uint64_t *out, struct berth_error *err)
{
    int64_t size;

    if (str_to_decimal_size(text, &size) < 0)
        return fail(err, EINVAL, "cannot convert size %s to integer: invalid size: '%s'", text,
                    text);
    *out = (uint64_t)size;
    return 0;
}

static int one_option(const char *word, struct volume_new *out, json *options, bool *keep,
                      struct berth_error *err)
{
    static const char *const keys[] = {"size",    "inodes",  "uid", "gid",
                                       "noquota", "timeout", NULL};
    static const char *const need[] = {"a size", "the number of inodes",      "a UID", "a GID",
                                       "",       "a valid timeout in seconds"};
    const char *value = strchr(word, '=') ? strchr(word, '=') + 1 : NULL;
    size_t len = strcspn(word, "="), which = 0;
    int64_t n = 0;
    int r;

    while (keys[which] &&
           (strlen(keys[which]) != len || strncasecmp(word, keys[which], len) != 0))
        which++;
    *keep = which < 4 || !keys[which];
    if (!keys[which])
        return 0;
    if (which == 4) {
        out->no_quota = true;
        json_set_str(options, "NOQUOTA", "true");
        return 0;
    }
    if (!value)
        return fail(err, EINVAL, "%s option must provide %s: invalid argument", keys[which],
                    need[which]);
    switch (which) {
    case 0:
        json_set_str(options, "SIZE", value);
        return parse_size(value, &out->size, err);
    case 1:
        json_set_str(options, "INODES", value);
        if (str_to_u64(value, &out->inodes) < 0)
            return fail(err, EINVAL,
                        "cannot convert inodes %s to integer: strconv.ParseUint: parsing "
                        "\"%s\": invalid syntax",
                        value, value);
        return 0;
    case 2:
    case 3:
        r = parse_number(which == 2 ? "UID" : "GID", value, &n, err);
        if (r == 0 && (n < 0 || n >= UINT32_MAX))
            r = fail(err, EINVAL, "%s %s is out of range", which == 2 ? "UID" : "GID", value);
        json_set_str(options, which == 2 ? "UID" : "GID", value);
        *(which == 2 ? &out->uid : &out->gid) = (uint32_t)n;
        out->keep_owner = true;
        return r;
    default:
        r = parse_number("Timeout", value, &out->timeout, err);
        return r == 0 && out->timeout < 0
                   ? fail(err, EINVAL, "timeout option must not be negative: invalid argument")
                   : r;
    }
}

int volume_options(const json *given, struct volume_new *out, json **out_options,
                   struct berth_error *err)
{
    _cleanup_json_ json *options = json_new();
    _cleanup_list_ struct berth_list words = LIST_INIT, kept = LIST_INIT;
    int r = 0;

    json_object_object_foreach ((json *)(uintptr_t)given, key, value) {
        if (!str_eq(key, "o"))
            json_set(options, key, json_ref(value));
        else
            list_split(&words, json_object_get_string(value), ',', true);
    }
    for (size_t i = 0; r == 0 && i < words.n; i++) {
        bool keep;

        r = one_option(words.items[i], out, options, &keep, err);
        if (keep)
            list_add(&kept, words.items[i]);
    }
    if (r < 0)
        return r;
    if (kept.n) {
        _cleanup_free_ char *o = list_join(&kept, ",");

        if (!o)
            return fail(err, ENOMEM, "out of memory");
        json_set_str(options, "o", o);
    }
    *out_options = TAKE(options);
    return 0;
}

static const char *option(const json *options, const char *name)
{
    return str_or(json_str(options, name), "");
}

int volume_local_check(const struct volume_new *what, struct berth_error *err)
{
    static const char *const known[] = {"o",      "type",    "uid",  "gid",    "size",
                                        "inodes", "noquota", "copy", "nocopy", "device"};
    json *options = what->options;
    struct stat st;
    bool limited = what->size || what->inodes;

    if (options) {
        json_object_object_foreach (options, key, value) {
            size_t i = 0;

            while (i < ARRAY_LEN(known) && strcasecmp(known[i], key) != 0)
                i++;
            if (i == ARRAY_LEN(known))
                return fail(err, EINVAL,
                            "invalid mount option %s for driver 'local': invalid argument",
                            key);
            if (strcasecmp(key, "device") == 0 &&
                strcasecmp(option(options, "type"), "bind") == 0 &&
                stat(json_object_get_string(value), &st) < 0)
                return spec_fail_errno(err, errno,
                                       "invalid volume option %s for driver 'local': stat %s",
                                       key, json_object_get_string(value));
        }
    }
    if (limited && what->no_quota)
        return fail(err, EINVAL,
                    "volume options size and inodes cannot be used with disableQuota");
    /* A file system of its own, in memory, has the limit by itself. */
    if (limited && strcasecmp(option(options, "type"), "tmpfs") != 0)
        return fail(err, ENOTSUP,
                    "volume options size and inodes not supported. Filesystem does not support "
                    "Project Quota");
    return 0;
}

/* ---------------------------------------------------------------- directory */

static int make_dir(const char *path, mode_t mode, const struct volume_new *what,
                    struct berth_error *err)
{
    bool made = mkdir(path, mode) == 0;

    if (!made && errno != EEXIST)
        return spec_fail_errno(err, errno, "creating volume directory \"%s\"", path);
    if ((made && chmod(path, mode) < 0) || lchown(path, what->uid, what->gid) < 0)
        return spec_fail_errno(err, errno, "chowning volume directory \"%s\" to %u:%u", path,
                               what->uid, what->gid);
    return 0;
}

int volume_local_make(struct volume *v, const struct volume_new *what, struct intent *intent,
                      struct berth_error *err)
{
    _cleanup_free_ char *dir = path_join(v->e->conf->volume_path, v->name);
    _cleanup_free_ char *data = dir ? path_join(dir, "_data") : NULL;
    int r = 0;

    if (!data)
        return fail(err, ENOMEM, "out of memory");
    /* One that is there already is taken as it is, and is nothing to take back. */
    if (!fs_exists(dir))
        r = intent_tree_is(intent, err);
    if (r == 0)
        r = fs_mkdir_p(v->e->conf->volume_path, 0700, err);
    if (r == 0)
        r = make_dir(dir, 0700, what, err);
    if (r == 0)
        r = make_dir(data, 0755, what, err);
    if (r == 0)
        json_set_str(v->config, "mountPoint", data);
    return r;
}

/* -------------------------------------------------------------------- mounts */

bool volume_local_is_mounted(const struct volume *v)
{
    struct statx st;

    return statx(AT_FDCWD, volume_where(v), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE,
                 &st) == 0 &&
           (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* By the program, which knows more than the system call: helpers, options in words. */
int volume_local_mount(struct volume *v, struct berth_error *err)
{
    const json *options = json_get(v->config, "volumeOptions");
    const char *device = option(options, "device"), *type = option(options, "type");
    _cleanup_buf_ struct berth_buf out = BUF_INIT, errors = BUF_INIT;
    _cleanup_free_ char *program = proc_find("mount"), *path = NULL;
    const char *argv[8], *env[2] = {NULL, NULL};
    struct berth_run run = {.size = sizeof(run), .output = &out, .errors = &errors};
    size_t n = 0;
    int r;

    if (!program)
        return fail(err, ENOENT,
                    "locating 'mount' binary: exec: \"mount\": executable file not found in "
                    "$PATH");
    path = str_printf("PATH=%s", str_or(getenv("PATH"), "/usr/sbin:/usr/bin:/sbin:/bin"));
    env[0] = path;
    argv[n++] = program;
    if (*option(options, "o")) {
        argv[n++] = "-o";
        argv[n++] = option(options, "o");
    }
    if (*type) {
        argv[n++] = str_eq(type, "bind") ? "-o" : "-t";
        argv[n++] = type;
    }
    argv[n++] = *device ? device : type;
    argv[n++] = volume_where(v);
    argv[n] = NULL;
    run.argv = argv;
    run.env = env;
    run.netns_fd = -1;
    run.deadline = BERTH_WAIT_FOREVER;
    r = proc_run(&run, err);
    if (r <= 0)
        return r;
    buf_puts(&out, buf_str(&errors));
    while (out.len && strchr(" \n", out.data[out.len - 1]))
        out.data[--out.len] = '\0';
    return fail(err, EIO, "%s", out.len ? buf_str(&out) : "mount failed and said nothing");
}

int volume_local_unmount(struct volume *v, struct berth_error *err)
{
    if (umount2(volume_where(v), MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || errno == EINVAL ||
        errno == ENOENT)
        return 0;
    return spec_fail_errno(err, errno, "unmounting %s", volume_where(v));
}
