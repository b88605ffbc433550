/* SPDX-License-Identifier: Apache-2.0 */
/* spec_ns.c - which namespaces a container has: its own, the host's or another's. */
#include "engine/spec_priv.h"
#include "engine/store.h"
#include <inttypes.h>

struct ns_words {
    const char *oci;    /* type in the spec */
    const char *flag;   /* for "share X namespace" */
    const char *title;  /* for "cannot find specified X namespace path" */
    const char *member; /* of ContainerConfig, where another container's is joined */
};

static const struct ns_words words[NS_KINDS] = {
    [NS_PID] = {"pid", "pid", "PID", "pidNsCtr"},
    [NS_NET] = {"network", "net", "network", "netNsCtr"},
    [NS_IPC] = {"ipc", "ipc", "IPC", "ipcNsCtr"},
    [NS_UTS] = {"uts", "uts", "UTS", "utsNsCtr"},
    [NS_CGROUP] = {"cgroup", "cgroup", "cgroup", "cgroupNsCtr"},
    [NS_USER] = {"user", "user", "user", "userNsCtr"},
};

/* The part of the modes that all kinds share.  1: understood. */
static int ns_common(struct spec_build *b, enum ns_kind kind, const char *text,
                     struct berth_error *err)
{
    struct ns_choice *ns = &b->ns[kind];
    const char *rest;

    if (str_eq(text, "host")) {
        ns->mode = NS_HOST;
    } else if (str_eq(text, "private")) {
        ns->mode = NS_PRIVATE;
    } else if ((rest = str_starts(text, "ns:"))) {
        if (!*rest)
            return fail(err, EINVAL,
                        "invalid config provided: namespace mode path requires a value");
        ns->mode = NS_PATH;
        if (str_set(&ns->value, rest) < 0)
            return fail(err, ENOMEM, "out of memory");
    } else if ((rest = str_starts(text, "container:"))) {
        _cleanup_ctr_ struct ctr *other = NULL;
        int r;

        if (!*rest)
            return fail(err, EINVAL,
                        "invalid config provided: namespace mode container requires a value");
        r = ctr_lookup(b->e, rest, &other, err);
        if (r < 0) {
            error_wrap(err, "looking up container to share %s namespace with",
                       words[kind].flag);
            return r;
        }
        ns->mode = NS_CONTAINER;
        if (str_set(&ns->value, other->id) < 0)
            return fail(err, ENOMEM, "out of memory");
    } else {
        return 0;
    }
    return 1;
}

int spec_ns_word(struct spec_build *b, enum ns_kind kind, const char *text,
                 struct berth_error *err)
{
    return ns_common(b, kind, text, err);
}

static int ns_parse(struct spec_build *b, enum ns_kind kind, const char *given,
                    const char *preset, struct berth_error *err)
{
    const char *text = !str_empty(given) ? given : !str_empty(preset) ? preset : "private";
    int r = ns_common(b, kind, text, err);

    if (r != 0)
        return r;
    if (kind == NS_IPC && str_eq(text, "shareable"))
        b->ns[kind].mode = NS_SHAREABLE;
    else if (kind == NS_IPC && str_eq(text, "none"))
        b->ns[kind].mode = NS_NONE;
    else
        return fail(err, EINVAL, "unrecognized namespace mode %s passed", text);
    return 0;
}

/* ------------------------------------------------------------- user namespace */

/* "C:H:N", comma separated; appended to the array as {containerID, hostID, size}. */
static int map_parse(const struct berth_list *flags, const char *what, json *out,
                     struct berth_error *err)
{
    for (size_t i = 0; i < flags->n; i++) {
        _cleanup_list_ struct berth_list part = LIST_INIT;
        uint64_t v[3];
        json *m;
        size_t n;

        list_split(&part, flags->items[i], ':', true);
        for (n = 0; n < 3 && n < part.n; n++)
            if (str_to_u64(part.items[n], &v[n]) < 0 || v[n] > UINT32_MAX)
                break;
        if (part.n != 3 || n != 3 || v[2] == 0)
            return fail(err, EINVAL,
                        "initializing ID mappings: %s setting is malformed expected "
                        "[\"uint32:uint32:uint32\"]: [\"%s\"]",
                        what, flags->items[i]);
        json_add(out, m = json_new());
        json_set_u64(m, "containerID", v[0]);
        json_set_u64(m, "hostID", v[1]);
        json_set_u64(m, "size", v[2]);
    }
    return 0;
}

/* Ranges of a user in /etc/subuid or /etc/subgid, laid out from container ID 0. */
static int map_subid(const char *file, const char *user, json *out, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_list_ struct berth_list lines = LIST_INIT;
    uint64_t at = 0;
    int r = fs_read(file, 1 << 20, &text, err);

    if (r < 0)
        return r;
    list_split(&lines, buf_str(&text), '\n', false);
    for (size_t i = 0; i < lines.n; i++) {
        _cleanup_list_ struct berth_list part = LIST_INIT;
        uint64_t start, count;
        json *m;

        list_split(&part, lines.items[i], ':', true);
        if (part.n != 3 || !str_eq(part.items[0], user) ||
            str_to_u64(part.items[1], &start) < 0 || str_to_u64(part.items[2], &count) < 0 ||
            start > UINT32_MAX || count == 0 || count > UINT32_MAX)
            continue;
        json_add(out, m = json_new());
        json_set_u64(m, "containerID", at);
        json_set_u64(m, "hostID", start);
        json_set_u64(m, "size", count);
        at += count;
    }
    if (json_len(out) == 0)
        return fail(err, ENOENT, "no %s ranges found for user \"%s\" in %s", file + 5, user,
                    file);
    return 0;
}

static int userns_mappings(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    const char *u = o->subuidname, *g = o->subgidname;
    bool names = !str_empty(u) || !str_empty(g);
    _cleanup_json_ json *uids = json_new_array(), *gids = json_new_array();
    int r;

    if (!o->uidmap.n && !o->gidmap.n && !names)
        return 0;
    if (names && (o->uidmap.n || o->gidmap.n))
        return fail(err, EINVAL,
                    "cannot use --subuidname or --subgidname together with "
                    "--uidmap or --gidmap");
    if (names) {
        r = map_subid("/etc/subuid", str_empty(u) ? g : u, uids, err);
        if (r >= 0)
            r = map_subid("/etc/subgid", str_empty(g) ? u : g, gids, err);
    } else {
        r = map_parse(o->uidmap.n ? &o->uidmap : &o->gidmap, "UID", uids, err);
        if (r >= 0)
            r = map_parse(o->gidmap.n ? &o->gidmap : &o->uidmap, "GID", gids, err);
    }
    if (r < 0)
        return r;
    json_set(b->linux_, "uidMappings", TAKE(uids));
    json_set(b->linux_, "gidMappings", TAKE(gids));
    return 1;
}

static void map_add(json *list, uint64_t inside, uint64_t outside, uint64_t size)
{
    json *m;

    if (size == 0)
        return;
    json_add(list, m = json_new());
    json_set_u64(m, "containerID", inside);
    json_set_u64(m, "hostID", outside);
    json_set_u64(m, "size", size);
}

/* Of the IDs that we have, 0 is the caller.  It becomes `kept`; without one it is left out. */
static void map_caller(json *linux_, const char *member, const char *own, const uint32_t *kept)
{
    uint64_t all = spec_own_ids(own), others = all ? all - 1 : 0;
    json *list = json_new_array();

    json_set(linux_, member, list);
    map_add(list, 0, 1, kept ? MIN((uint64_t)*kept, others) : others);
    if (!kept)
        return;
    map_add(list, *kept, 0, 1);
    if (others > *kept)
        map_add(list, (uint64_t)*kept + 1, (uint64_t)*kept + 1, others - *kept);
}

static int keep_id_option(const char *word, uint32_t *uid, uint32_t *gid,
                          struct berth_error *err)
{
    const char *equals = strchr(word, '=');
    uint64_t n;

    if (!equals)
        return fail(err, EINVAL, "invalid option specified: \"%s\"", word);
    if (!str_starts(word, "uid=") && !str_starts(word, "gid="))
        return fail(err, EINVAL, "unknown option specified: \"%.*s\"", (int)(equals - word),
                    word);
    if (str_to_u64(equals + 1, &n) < 0 || n >= UINT32_MAX)
        return fail(err, EINVAL, "strconv.ParseUint: parsing \"%s\": invalid syntax",
                    equals + 1);
    *(*word == 'u' ? uid : gid) = (uint32_t)n;
    return 0;
}

static void process_user(struct spec_build *b, uint32_t uid, uint32_t gid)
{
    json *user = json_need(b->process, "user"), *groups = json_new_array();

    json_set_u64(user, "uid", uid);
    json_set_u64(user, "gid", gid);
    json_add(groups, json_new_u64(gid));
    json_set(user, "additionalGids", groups);
}

/* keep-id[:uid=N,gid=N] and nomap.  1: it was one of them. */
static int userns_of_caller(struct spec_build *b, const char *text, struct berth_error *err)
{
    const char *options = str_starts(text, "keep-id");
    bool keep = options && (!*options || *options == ':');
    uint32_t uid = b->conf->uid, gid = b->conf->gid;
    _cleanup_list_ struct berth_list given = LIST_INIT;

    if (!keep && !str_eq(text, "nomap"))
        return 0;
    if (!b->conf->rootless)
        return fail(err, EINVAL, "%.*s is only supported in rootless mode",
                    (int)strcspn(text, ":"), text);
    if (keep && *options)
        list_split(&given, options + 1, ',', true);
    for (size_t i = 0; i < given.n; i++)
        if (keep_id_option(given.items[i], &uid, &gid, err) < 0)
            return -EINVAL;
    map_caller(b->linux_, "uidMappings", "/proc/self/uid_map", keep ? &uid : NULL);
    map_caller(b->linux_, "gidMappings", "/proc/self/gid_map", keep ? &gid : NULL);
    process_user(b, keep ? uid : 0, keep ? gid : 0);
    b->ns[NS_USER].mode = NS_PRIVATE;
    b->add_caller = keep && !given.n;
    b->no_map = !keep;
    if (keep && str_empty(b->o->user)) {
        b->as_user = str_printf("%u:%u", uid, gid);
        if (!b->as_user)
            return fail(err, ENOMEM, "out of memory");
    }
    return 1;
}

static int userns_parse(struct spec_build *b, struct berth_error *err)
{
    const char *text = b->o->userns ? b->o->userns : getenv("PODMAN_USERNS");
    struct ns_choice *ns = &b->ns[NS_USER];
    int mapped = userns_mappings(b, err), r;

    if (mapped < 0)
        return mapped;
    if (mapped && b->o->userns)
        return fail(err, EINVAL,
                    "--userns and --uidmap/--gidmap/--subuidname/--subgidname are "
                    "mutually exclusive");
    if (str_empty(text))
        text = b->conf->userns;
    if (str_empty(text))
        text = mapped ? "private" : "host";
    r = ns_common(b, NS_USER, text, err);
    if (r == 0 && (r = userns_of_caller(b, text, err)) > 0)
        mapped = 1;
    if (r < 0)
        return r;
    if (r == 0) {
        if (str_starts(text, "auto"))
            return fail(err, EINVAL,
                        "user namespace mode auto needs an image: a root file system has no "
                        "layer whose owners could be shifted");
        return fail(err, EINVAL, "unrecognized namespace mode %s passed", text);
    }
    if (ns->mode == NS_PRIVATE && !mapped)
        return fail(err, EINVAL,
                    "must provide at least one UID or GID mapping to configure "
                    "a user namespace");
    b->new_userns = ns->mode != NS_HOST;
    return 0;
}

int spec_namespaces_parse(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    const struct conf *conf = b->conf;
    int r;

    r = ns_parse(b, NS_PID, o->pid, conf->pidns, err);
    if (r >= 0)
        r = ns_parse(b, NS_IPC, o->ipc, str_empty(conf->ipcns) ? "shareable" : conf->ipcns,
                     err);
    if (r >= 0)
        r = ns_parse(b, NS_UTS, o->uts, conf->utsns, err);
    if (r >= 0)
        r = ns_parse(b, NS_CGROUP, o->cgroupns, !b->cgroup2 ? "host" : conf->cgroupns, err);
    if (r >= 0)
        r = userns_parse(b, err);
    return r;
}

static int add_entry(struct spec_build *b, json *list, enum ns_kind kind,
                     struct berth_error *err)
{
    const struct ns_choice *ns = &b->ns[kind];
    json *entry;

    if (ns->mode == NS_HOST)
        return 0;
    if (ns->mode == NS_CONTAINER)
        json_set_str(b->config, words[kind].member, ns->value);
    /* Entries that only stage B adds: these types are not in the base document. */
    if (ns->mode == NS_CONTAINER && (kind == NS_CGROUP || kind == NS_USER))
        return 0;
    if (ns->mode == NS_PATH && !fs_exists(ns->value))
        return spec_fail_errno(err, ENOENT, "cannot find specified %s namespace path: stat %s",
                               words[kind].title, ns->value);
    json_add(list, entry = json_new());
    json_set_str(entry, "type", words[kind].oci);
    if (ns->mode == NS_PATH)
        json_set_str(entry, "path", ns->value);
    return 0;
}

/* What of `m` lies in our own IDs from `from` on, `size` of them. */
static uint64_t add_part(json *list, const json *m, uint64_t from, uint64_t size)
{
    uint64_t inside = json_u64(m, "containerID", 0), host = json_u64(m, "hostID", 0);
    uint64_t start = MAX(from, host);
    uint64_t end = MIN(from + size, host + json_u64(m, "size", 0));

    if (end <= start)
        return 0;
    map_add(list, inside + (start - host), start, end - start);
    return end - start;
}

static void split_mappings(json *linux_, const char *member, const char *own)
{
    const json *old = json_get(linux_, member);
    json *list = json_new_array();

    for (size_t i = 0; i < json_len(old); i++) {
        const json *m = json_item(old, i);
        _cleanup_fclose_ FILE *f = fopen(own, "re");
        _cleanup_json_ json *parts = json_new_array();
        uint64_t from, size, done = 0;

        while (f && fscanf(f, "%" SCNu64 " %*u %" SCNu64, &from, &size) == 2)
            done += add_part(parts, m, from, size);
        /* What is not ours the kernel refuses, and its runtime says so. */
        if (done != json_u64(m, "size", 0) || json_len(parts) < 2) {
            json_add(list, json_ref((json *)(uintptr_t)m));
            continue;
        }
        for (size_t j = 0; j < json_len(parts); j++)
            json_add(list, json_ref(json_item(parts, j)));
    }
    if (json_len(list))
        json_set(linux_, member, list);
    else
        json_object_put(list);
}

void spec_split_mappings(json *linux_)
{
    split_mappings(linux_, "uidMappings", "/proc/self/uid_map");
    split_mappings(linux_, "gidMappings", "/proc/self/gid_map");
}

static void dummy_mapping(json *linux_, const char *member)
{
    json *list = json_new_array(), *m = json_new();

    json_set_u64(m, "containerID", 0);
    json_set_u64(m, "hostID", 0);
    json_set_u64(m, "size", 1);
    json_add(list, m);
    json_set(linux_, member, list);
}

void spec_dummy_mappings(json *linux_)
{
    dummy_mapping(linux_, "uidMappings");
    dummy_mapping(linux_, "gidMappings");
}

/* Whose /dev/shm it is. */
static int ipc_members(struct spec_build *b, struct berth_error *err)
{
    enum ns_mode mode = b->ns[NS_IPC].mode;

    if (mode == NS_HOST) {
        json_set_str(b->config, "ShmDir", "/dev/shm");
    } else if (mode == NS_PRIVATE) {
        json_set_bool(b->config, "NOShmShare", true);
    } else if (mode == NS_NONE) {
        json_set_bool(b->config, "NoShm", true);
    } else if (mode == NS_CONTAINER) {
        _cleanup_ctr_ struct ctr *other = NULL;
        int r = ctr_load(b->e, b->ns[NS_IPC].value, &other, err);

        if (r < 0)
            return r;
        if (json_flag(other->config, "NOShmShare", false))
            return fail(err, EINVAL,
                        "joining IPC of container %s is not allowed: non-shareable IPC (hint: "
                        "use IpcMode:shareable for the donor container)",
                        other->id);
        json_opt_str(b->config, "ShmDir", json_str(other->config, "ShmDir"));
    }
    return 0;
}

int spec_namespaces(struct spec_build *b, struct berth_error *err)
{
    static const enum ns_kind before[] = {NS_PID, NS_NET, NS_IPC, NS_UTS};
    static const enum ns_kind after[] = {NS_USER, NS_CGROUP};
    json *list = json_new_array(), *mount;
    int r = 0;

    json_set(b->linux_, "namespaces", list);
    for (size_t i = 0; i < ARRAY_LEN(before) && r >= 0; i++)
        r = add_entry(b, list, before[i], err);
    if (r < 0)
        return r;
    json_add(list, mount = json_new());
    json_set_str(mount, "type", "mount");
    for (size_t i = 0; i < ARRAY_LEN(after) && r >= 0; i++)
        r = add_entry(b, list, after[i], err);
    if (r < 0)
        return r;
    if (b->ns[NS_USER].mode == NS_PATH)
        spec_dummy_mappings(b->linux_);

    return ipc_members(b, err);
}
