/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_info.c - `berth info`: the host, the store and the parts in use, as podman tells. */
#include "base/fs.h"
#include "base/str.h"
#include "cmd/cli.h"
#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/info.h"
#include "cmd/yaml.h"
#include "engine/store.h"
#include "load/load.h"
#include <ctype.h>
#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

struct info_opts {
    char *format;
    bool debug;
};

static const struct opt info_options[] = {
    {"debug", 'D', OPT_BOOL, offsetof(struct info_opts, debug), "", "",
     "Accepted for compatibility: without effect", .hidden = true},
    {"format", 'f', OPT_STRING, offsetof(struct info_opts, format), "", "",
     "Print as JSON (\"json\") or by a Go template"},
    {""}};

/* --------------------------------------------------------------------- store */

struct counts {
    int64_t all, running, paused;
};

static int count_container(void *arg, const struct berth_record *rec)
{
    struct counts *n = arg;

    n->all++;
    n->running += store_status_is(rec, 1u << CTR_RUNNING);
    n->paused += store_status_is(rec, 1u << CTR_PAUSED);
    return 0;
}

static json *containers_json(const struct counts *n)
{
    json *o = json_new();

    json_set_i64(o, "number", n->all);
    json_set_i64(o, "paused", n->paused);
    json_set_i64(o, "running", n->running);
    json_set_i64(o, "stopped", n->all - n->running - n->paused);
    return o;
}

/* How many images containers/storage has. */
static json *images_json(const struct conf *c)
{
    _cleanup_free_ char *path = str_printf("%s/%s-images/images.json", c->graph_root,
                                           str_or(c->storage_driver, "overlay"));
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_json_ json *images = NULL;
    json *o = json_new();

    if (path && fs_read(path, 256 << 20, &text, NULL) == 0)
        json_parse(buf_blob(&text), path, &images, NULL);
    json_set_u64(o, "number", json_len(images));
    return o;
}

/* What containers/storage found out about a feature of overlay and noted in a file's name. */
static void put_feature(const struct conf *c, const char *key, const char *feature, json *o)
{
    static const char *const words[] = {"true", "false"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        _cleanup_free_ char *path =
            str_printf("%s/overlay/%s()-%s", c->run_root, feature, words[i]);

        if (path && fs_exists(path))
            json_set_str(o, key, words[i]);
    }
}

/* What containers/storage calls the file system that its layers are on, and tells of it. */
static json *status_json(const struct conf *c)
{
    static const struct {
        uint32_t magic;
        const char *name;
    } names[] = {{EXT4_SUPER_MAGIC, "extfs"},  {XFS_SUPER_MAGIC, "xfs"},
                 {BTRFS_SUPER_MAGIC, "btrfs"}, {TMPFS_MAGIC, "tmpfs"},
                 {F2FS_SUPER_MAGIC, "f2fs"},   {OVERLAYFS_SUPER_MAGIC, "overlayfs"},
                 {NFS_SUPER_MAGIC, "nfs"},     {0x2fc12fc1, "zfs"}};
    json *o = json_new();
    struct statfs st;

    if (!str_eq(c->storage_driver, "overlay") || statfs(c->graph_root, &st) < 0)
        return o;
    json_set_str(o, "Backing Filesystem", "<unknown>");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].magic == (uint32_t)st.f_type)
            json_set_str(o, "Backing Filesystem", names[i].name);
    json_set_str(o, "Supports d_type", "true"); /* overlay does not work without */
    put_feature(c, "Native Overlay Diff", "native-diff", o);
    put_feature(c, "Using metacopy", "metacopy", o);
    return o;
}

/* The file that says where storage is; podman has storage.conf for that. */
static const char *config_file(const struct cli *cli)
{
    const char *named = str_or(cli->globals.config, secure_getenv("BERTH_CONF"));

    return str_empty(named) ? SYSCONFDIR "/berth/berth.conf" : named;
}

static int store_json(const struct cli *cli, struct engine *e, json **out,
                      struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    const struct conf *c = e->conf;
    struct counts n = {0};
    struct statvfs fs = {0};
    json *o;
    int r = store_begin(e, false, &t, err);

    if (r == 0)
        r = store_scan(e, t, BERTH_CONTAINER, BERTH_REC_ATTRS | BERTH_REC_STATE,
                       count_container, &n, err);
    if (r < 0)
        return r;
    o = *out = json_new();
    statvfs(c->graph_root, &fs);
    json_set_str(o, "configFile", config_file(cli));
    json_set(o, "containerStore", containers_json(&n));
    json_set_str(o, "graphDriverName", str_or(c->storage_driver, ""));
    json_set(o, "graphOptions", json_new());
    json_set_str(o, "graphRoot", c->graph_root);
    json_set_u64(o, "graphRootAllocated", (uint64_t)fs.f_blocks * fs.f_frsize);
    json_set_u64(o, "graphRootUsed", (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize);
    json_set(o, "graphStatus", status_json(c));
    json_set_str(o, "imageCopyTmpDir", str_or(getenv("TMPDIR"), "/var/tmp"));
    json_set(o, "imageStore", images_json(c));
    json_set_str(o, "runRoot", c->run_root);
    json_set_str(o, "volumePath", c->volume_path);
    return 0;
}

/* ------------------------------------------------------------------- plugins */

static json *drivers_json(struct engine *e)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    struct net *net;

    if (engine_net(e, &net, NULL) == 0)
        net_drivers(net, &names, NULL);
    return json_from_list(&names);
}

/* One of berth's plugins.  It is loaded, for its version stands nowhere else. */
static json *plugin_json(const struct conf *c, const struct plugin_note *note)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_free_ char *abi = str_printf("%u.%u/%u.%u", note->abi_major, note->abi_minor,
                                          note->ops_major, note->ops_minor);
    const struct plugin *p = NULL;
    json *o = json_new();

    json_set_str(o, "kind", plugin_kind_name(note->kind));
    json_set_str(o, "name", str_or(note->name, ""));
    json_set_str(o, "abi", str_or(abi, ""));
    json_set_str(o, "path", note->path);
    if (note->problem)
        json_set_str(o, "problem", note->problem);
    else if (plugin_load(c, note->kind, note->name, &p, &err) < 0)
        json_set_str(o, "problem", error_text(&err));
    json_set_str(o, "version", p ? str_or(p->desc.version, "") : "");
    return o;
}

static json *plugins_json(struct engine *e)
{
    static const char *const logs[] = {"k8s-file", "none", "passthrough", "journald"};
    json *o = json_new(), *log = json_new_array(), *volume = json_new_array(),
         *ours = json_new_array();
    struct plugin_note *notes = NULL;
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(logs); i++)
        json_add_str(log, logs[i]);
    json_add_str(volume, "local");
    for (size_t i = 0; i < e->conf->volume_plugins.n; i++) {
        const char *entry = e->conf->volume_plugins.items[i];
        _cleanup_free_ char *name = strndup(entry, strcspn(entry, "="));

        json_add_str(volume, str_or(name, ""));
    }
    json_set(o, "volume", volume);
    json_set(o, "network", drivers_json(e));
    json_set(o, "log", log);
    json_set(o, "authorization", NULL);
    if (plugin_notes(e->conf, &notes, &n, NULL) < 0)
        n = 0;
    for (size_t i = 0; i < n; i++)
        if (notes[i].kind) /* else it is something else that lies there */
            json_add(ours, plugin_json(e->conf, &notes[i]));
    plugin_notes_free(notes, n);
    json_set(o, "berth", ours);
    return o;
}

/* With all of podman's members; there is no Go in berth, and its build leaves no date. */
static json *version_json(void)
{
    json *o = version_client();

    json_set_str(o, "GoVersion", "");
    json_set_str(o, "GitCommit", "");
    json_set_str(o, "BuiltTime", "Thu Jan  1 00:00:00 1970");
    json_set_i64(o, "Built", 0);
    return o;
}

/* Members as templates name them: Go's names of the same, mostly with a capital. */
static json *go_names(const json *o)
{
    static const struct {
        const char *name, *go;
    } names[] = {{"apparmorEnabled", "AppArmorEnabled"},
                 {"capabilities", "DefaultCapabilities"},
                 {"cgroupVersion", "CgroupsVersion"},
                 {"cpuUtilization", "CPUUtilization"},
                 {"cpus", "CPUs"},
                 {"gidmap", "GIDMap"},
                 {"idMappings", "IDMappings"},
                 {"ociRuntime", "OCIRuntime"},
                 {"os", "OS"},
                 {"seccompEnabled", "SECCOMPEnabled"},
                 {"seccompProfilePath", "SECCOMPProfilePath"},
                 {"selinuxEnabled", "SELinuxEnabled"},
                 {"slirp4netns", "Slirp4NetNS"},
                 {"uidmap", "UIDMap"}};
    json *out = json_new();

    json_object_object_foreach ((json *)(uintptr_t)o, key, value) {
        _cleanup_free_ char *name = strdup(key);

        if (!name)
            break;
        name[0] = (char)toupper((unsigned char)name[0]);
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            if (str_eq(names[i].name, key))
                str_set(&name, names[i].go);
        json_set(out, name,
                 json_object_is_type(value, json_type_object) ? go_names(value)
                                                              : json_ref(value));
    }
    return template_type(out, "*define.Info");
}

static int print_info(const struct info_opts *o, const struct format *format, const json *all,
                      struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = 0;

    if (!o->format) {
        yaml_write(all, &text);
        buf_putc(&text, '\n');
    } else if (format->kind == FORMAT_JSON) {
        format_json(all, &text);
    } else {
        _cleanup_json_ json *named = go_names(all);

        r = format_run(format, named, NULL, &text, err);
    }
    fputs(buf_str(&text), stdout);
    return r;
}

static int info_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                    struct berth_error *err)
{
    const struct info_opts *o = opts;
    _cleanup_format_ struct format format = {0};
    _cleanup_json_ json *all = json_new();
    json *store = NULL;
    struct engine *e;
    int r = o->format ? format_parse("info", o->format, false, &format, err) : 0;

    if (r == 0)
        r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = store_json(cli, e, &store, err);
    if (r < 0)
        return r;
    json_set(all, "host", info_host(e));
    json_set(all, "store", store);
    json_set(all, "registries", json_new());
    json_set(all, "plugins", plugins_json(e));
    json_set(all, "version", version_json());
    return print_info(o, &format, all, err);
}

const struct cmd cmd_info = {
    .name = "info",
    .aliases = "system info",
    .args = "[options]",
    .summary = "Show the host, the store and the parts in use",
    .text =
        "Prints what berth runs on and with, as YAML: the members of `podman info`, and under "
        "plugins, berth: every plugin that is installed with its version, ABI and path.",
    .opts = info_options,
    .size = sizeof(struct info_opts),
    .interspersed = true,
    .run = info_run,
};
