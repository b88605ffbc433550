/* SPDX-License-Identifier: Apache-2.0 */
/* spec_devices.c - device nodes of a container and what its cgroup lets it do with them. */
#include "engine/spec_priv.h"
#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static bool is_mode(const char *s)
{
    unsigned seen = 0;

    if (!*s)
        return false;
    for (; *s; s++) {
        unsigned bit = *s == 'r' ? 1 : *s == 'w' ? 2 : *s == 'm' ? 4 : 0;

        if (!bit || (seen & bit))
            return false;
        seen |= bit;
    }
    return true;
}

static bool is_device(mode_t mode)
{
    return S_ISCHR(mode) || S_ISBLK(mode);
}

static json *node(const char *path, const struct stat *st)
{
    json *d = json_new();

    json_set_str(d, "path", path);
    json_set_str(d, "type", S_ISBLK(st->st_mode) ? "b" : "c");
    json_set_i64(d, "major", major(st->st_rdev));
    json_set_i64(d, "minor", minor(st->st_rdev));
    json_set_u64(d, "fileMode", st->st_mode);
    json_set_u64(d, "uid", st->st_uid);
    json_set_u64(d, "gid", st->st_gid);
    return d;
}

static json *rule(const struct stat *st, const char *access)
{
    json *d = json_new();

    json_set_bool(d, "allow", true);
    json_set_str(d, "type", S_ISBLK(st->st_mode) ? "b" : "c");
    json_set_i64(d, "major", major(st->st_rdev));
    json_set_i64(d, "minor", minor(st->st_rdev));
    json_set_str(d, "access", access);
    return d;
}

typedef void device_fn(void *arg, const char *path, const struct stat *st);

/* Visit the device nodes below a directory, as podman picks them. */
static int walk(const char *dir, bool systemd, unsigned depth, device_fn *fn, void *arg,
                struct berth_error *err)
{
    static const char *const skipped[] = {"pts",  "shm",         "fd",   "mqueue",
                                          ".lxc", ".lxd-mounts", ".udev"};
    _cleanup_list_ struct berth_list names = LIST_INIT;
    struct dirent *entry;
    DIR *d = opendir(dir);
    int r = 0;

    if (!d)
        return spec_fail_errno(err, errno, "open %s", dir);
    while ((entry = readdir(d)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            list_add(&names, entry->d_name);
    closedir(d);
    list_sort(&names);
    for (size_t i = 0; i < names.n && r >= 0; i++) {
        _cleanup_free_ char *path = path_join(dir, names.items[i]);
        struct stat st;
        bool skip = false;

        if (!path)
            return fail(err, ENOMEM, "out of memory");
        if (lstat(path, &st) < 0)
            continue; /* it went away meanwhile */
        for (size_t j = 0; j < ARRAY_LEN(skipped); j++)
            skip = skip || (S_ISDIR(st.st_mode) && str_eq(names.items[i], skipped[j]));
        if (skip || str_eq(names.items[i], "console") ||
            (systemd && str_starts(path, "/dev/tty")))
            continue;
        if (S_ISDIR(st.st_mode) && depth < 32)
            r = walk(path, systemd, depth + 1, fn, arg, err);
        else if (is_device(st.st_mode))
            fn(arg, path, &st);
    }
    return r;
}

json *spec_device_mount(const char *from, const char *to, bool writable)
{
    static const char *const words[] = {"slave", "nosuid", "noexec", "rw", "rbind"};
    json *m = json_new(), *options = json_new_array();

    json_set_str(m, "destination", to);
    json_set_str(m, "type", "bind");
    json_set_str(m, "source", from);
    json_set(m, "options", options);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        json_add_str(options, i == 3 && !writable ? "ro" : words[i]);
    return m;
}

static void host_device(void *arg, const char *path, const struct stat *st)
{
    json_add(arg, node(path, st));
}

int spec_host_devices(json *devices, bool systemd, struct berth_error *err)
{
    return walk("/dev", systemd, 0, host_device, devices, err);
}

/* Where the nodes of a container's devices go. */
struct devices {
    json *nodes, *rules;
    json *mounts; /* rootless, where none can be made: the host's are bound; else NULL */
};

static void add_device(const struct devices *all, const char *from, const char *to,
                       const struct stat *st, const char *access)
{
    if (all->mounts) {
        json_add(all->mounts, spec_device_mount(from, to, strchr(access, 'w')));
        return;
    }
    json_add(all->nodes, node(to, st));
    json_add(all->rules, rule(st, access));
}

struct device_dir {
    const struct devices *all;
    const char *from, *to, *access;
    size_t found;
};

static void directory_device(void *arg, const char *path, const struct stat *st)
{
    struct device_dir *dir = arg;
    _cleanup_free_ char *to = str_printf("%s%s", dir->to, path + strlen(dir->from));

    if (!to)
        return;
    add_device(dir->all, path, to, st, dir->access);
    dir->found++;
}

/* SRC[:DST][:perm] */
static int device_add(const char *word, const struct devices *all, struct berth_error *err)
{
    _cleanup_list_ struct berth_list part = LIST_INIT;
    _cleanup_free_ char *source = NULL;
    const char *to = NULL, *access = "rwm";
    struct stat st;

    list_split(&part, word, ':', true);
    if (part.n == 0 || part.n > 3)
        return fail(err, EINVAL, "invalid device specification: %s", word);
    if (part.n == 3) {
        if (!is_mode(part.items[2]))
            return fail(err, EINVAL, "invalid device mode: %s", part.items[2]);
        access = part.items[2];
    }
    if (part.n >= 2 && part.n == 2 && is_mode(part.items[1])) {
        access = part.items[1];
    } else if (part.n >= 2) {
        if (part.items[1][0] != '/')
            return fail(err, EINVAL, "invalid device mode: %s", part.items[1]);
        to = part.items[1];
    }
    source = realpath(part.items[0], NULL);
    if (!source || stat(source, &st) < 0)
        return spec_fail_errno(err, errno, "stat %s", part.items[0]);
    if (!to)
        to = source;
    if (S_ISDIR(st.st_mode)) {
        struct device_dir dir = {all, source, to, access, 0};
        int r = walk(source, false, 0, directory_device, &dir, err);

        if (r >= 0 && dir.found == 0)
            return fail(err, EINVAL, "no devices found in %s: invalid argument", source);
        return r;
    }
    if (!is_device(st.st_mode))
        return fail(err, EINVAL, "%s is not a valid device: not a device node", source);
    add_device(all, source, to, &st, access);
    return 0;
}

/* "T M:N access"; "*" leaves a number out, as no number does. */
static int cgroup_rule(const char *word, json *rules, struct berth_error *err)
{
    _cleanup_list_ struct berth_list part = LIST_INIT, number = LIST_INIT;
    _cleanup_json_ json *d = json_new();

    list_split(&part, word, ' ', true);
    if (part.n != 3)
        return fail(err, EINVAL,
                    "invalid device cgroup rule requires type, major:Minor, and access rules: "
                    "\"%s\"",
                    word);
    if (strlen(part.items[0]) != 1 || !strchr("abc", part.items[0][0]))
        return fail(err, EINVAL, "invalid device type in device-access-add: %s", part.items[0]);
    list_split(&number, part.items[1], ':', true);
    json_set_bool(d, "allow", true);
    json_set_str(d, "type", part.items[0]);
    for (size_t i = 0; i < 2 && i < number.n; i++) {
        int64_t n;

        if (str_eq(number.items[i], "*"))
            continue;
        if (str_to_i64(number.items[i], &n) < 0 || n < 0)
            return fail(err, EINVAL, "strconv.ParseUint: parsing \"%s\": invalid syntax",
                        number.items[i]);
        json_set_i64(d, i ? "minor" : "major", n);
    }
    if (!is_mode(part.items[2]))
        return fail(err, EINVAL, "invalid device access in device-access-add: %s",
                    part.items[2]);
    json_set_str(d, "access", part.items[2]);
    json_add(rules, TAKE(d));
    return 0;
}

int spec_devices(struct spec_build *b, struct berth_error *err)
{
    const struct berth_list *lists[] = {&b->conf->devices, &b->o->device};
    const struct berth_list *extra = &b->o->device_cgroup_rule;
    json *resources = json_need(b->linux_, "resources");
    json *nodes = json_new_array(), *rules = json_new_array(), *deny, *record;
    bool foreign = b->new_userns || b->conf->rootless;
    const struct devices all = {nodes, rules,
                                b->conf->rootless ? json_get(b->spec, "mounts") : NULL};
    int r = 0;

    json_set(b->linux_, "devices", nodes);
    json_set(resources, "devices", rules);
    /* A user namespace cannot set that everything else is forbidden. */
    if (!foreign) {
        json_add(rules, deny = json_new());
        json_set_bool(deny, "allow", b->o->privileged);
        json_set_str(deny, "access", "rwm");
    }
    if (b->o->device.n && !b->o->privileged) {
        json_set(b->config, "device_host_src", record = json_new_array());
        for (size_t i = 0; i < b->o->device.n; i++) {
            json *d = json_new();

            json_set_str(d, "path", b->o->device.items[i]);
            json_set_str(d, "type", "");
            json_set_i64(d, "major", 0);
            json_set_i64(d, "minor", 0);
            json_add(record, d);
        }
    }
    if (!b->o->privileged) {
        for (size_t i = 0; i < ARRAY_LEN(lists); i++)
            for (size_t j = 0; j < lists[i]->n && r >= 0; j++)
                r = device_add(lists[i]->items[j], &all, err);
        for (size_t i = 0; i < extra->n && r >= 0 && !foreign; i++)
            r = cgroup_rule(extra->items[i], rules, err);
    }
    if (r < 0)
        return r;
    if (json_len(nodes) == 0)
        json_del(b->linux_, "devices");
    /* A privileged container's are complete only at init. */
    if (json_len(rules) == 0 || b->o->privileged)
        json_del(resources, "devices");
    return 0;
}
