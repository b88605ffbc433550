/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_info.c - `berth info`: the host, the store and the parts in use, as podman tells. */
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/yaml.h"
#include "engine/store.h"
#include "load/load.h"
#include <ctype.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

struct info_opts {
    char *format;
    bool debug;
};

static const struct opt info_options[] = {
    {"debug", 'D', OPT_BOOL, offsetof(struct info_opts, debug), NULL, NULL,
     "Accepted for compatibility: without effect", .hidden = true},
    {"format", 'f', OPT_STRING, offsetof(struct info_opts, format), NULL, NULL,
     "Print as JSON (\"json\") or by a Go template"},
    {NULL}};

/* ---------------------------------------------------------------------- host */

/* What a program prints when asked for its version; "" where it cannot be run. */
static json *version_of(const char *path)
{
    const char *argv[] = {path, "--version", NULL};
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct berth_run run = {.size = sizeof(run),
                            .argv = argv,
                            .output = &text,
                            .netns_fd = -1,
                            .deadline = time_deadline(5)};

    text.max = 1 << 16;
    if (!path || proc_run(&run, NULL) != 0)
        return json_new_str("");
    while (text.len && isspace((unsigned char)text.data[text.len - 1]))
        text.data[--text.len] = '\0';
    /* conmon's second line repeats what its first says. */
    return json_new_str(buf_str(&text));
}

static json *program_json(const char *name, const char *path)
{
    json *o = json_new();

    if (name)
        json_set_str(o, "name", name);
    json_set_str(o, "package", "Unknown");
    json_set_str(o, "path", str_or(path, ""));
    json_set(o, "version", version_of(path));
    return o;
}

static const char *first_program(const struct berth_list *paths)
{
    for (size_t i = 0; i < paths->n; i++)
        if (access(paths->items[i], X_OK) == 0)
            return paths->items[i];
    return NULL;
}

static const char *runtime_program(const struct conf *c, const char *name)
{
    if (name[0] == '/')
        return name;
    for (size_t i = 0; i < c->n_runtimes; i++)
        if (str_eq(c->runtimes[i].name, name))
            return first_program(&c->runtimes[i].paths);
    return NULL;
}

/* A line KEY=VALUE of os-release without its quotes. */
static char *release_value(const char *text, const char *key)
{
    size_t len = strlen(key);

    for (const char *line = text; line; line = strchr(line, '\n')) {
        size_t n;

        line += *line == '\n';
        if (strncmp(line, key, len) != 0 || line[len] != '=')
            continue;
        line += len + 1;
        n = strcspn(line, "\n");
        if (n >= 2 && line[0] == '"' && line[n - 1] == '"') {
            line++;
            n -= 2;
        }
        return strndup(line, n);
    }
    return NULL;
}

static json *distribution_json(void)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_free_ char *id = NULL, *version = NULL, *variant = NULL, *codename = NULL;
    json *o = json_new();

    fs_read("/etc/os-release", 1 << 16, &text, NULL);
    id = release_value(buf_str(&text), "ID");
    variant = release_value(buf_str(&text), "VARIANT_ID");
    version = release_value(buf_str(&text), "VERSION_ID");
    codename = release_value(buf_str(&text), "VERSION_CODENAME");
    json_opt_str(o, "codename", codename);
    json_set_str(o, "distribution", str_or(id, "unknown"));
    json_opt_str(o, "variant", variant);
    json_set_str(o, "version", str_or(version, "unknown"));
    return o;
}

/* With two decimals at most, and printed so. */
static json *percent(double part, double all)
{
    char text[32];

    snprintf(text, sizeof(text), "%.5g",
             all > 0 ? (double)(int64_t)(part / all * 10000 + 0.5) / 100 : 0);
    return json_object_new_double_s(strtod(text, NULL), text);
}

static json *cpu_json(void)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    unsigned long long t[7] = {0}, all = 0;
    json *o = json_new();

    if (fs_read("/proc/stat", 1 << 20, &text, NULL) == 0 &&
        sscanf(buf_str(&text), "cpu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2],
               &t[3], &t[4], &t[5], &t[6]) != 7)
        memset(t, 0, sizeof(t));
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        all += t[i];
    json_set(o, "userPercent", percent((double)(t[0] + t[1]), (double)all));
    json_set(o, "systemPercent", percent((double)(t[2] + t[5] + t[6]), (double)all));
    json_set(o, "idlePercent", percent((double)(t[3] + t[4]), (double)all));
    return o;
}

static bool unified_cgroups(void)
{
    struct statfs st;

    return statfs("/sys/fs/cgroup", &st) == 0 &&
           st.f_type == 0x63677270; /* CGROUP2_SUPER_MAGIC */
}

static json *controllers_json(bool unified)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_list_ struct berth_list names = LIST_INIT;

    if (unified) {
        if (fs_read("/sys/fs/cgroup/cgroup.controllers", 4096, &text, NULL) == 0) {
            if (text.len && text.data[text.len - 1] == '\n')
                text.data[--text.len] = '\0';
            list_split(&names, buf_str(&text), ' ', false);
        }
    } else if (fs_read("/proc/cgroups", 1 << 16, &text, NULL) == 0) {
        _cleanup_list_ struct berth_list lines = LIST_INIT;

        list_split(&lines, buf_str(&text), '\n', false);
        for (size_t i = 0; i < lines.n; i++)
            if (lines.items[i][0] != '#')
                list_addf(&names, "%.*s", (int)strcspn(lines.items[i], "\t"), lines.items[i]);
    }
    return json_from_list(&names);
}

static json *security_json(const struct conf *c)
{
    _cleanup_free_ char *caps = list_join(&c->default_capabilities, ",");
    json *o = json_new();

    json_set_bool(o, "apparmorEnabled", fs_exists("/sys/kernel/security/apparmor/profiles"));
    json_set_str(o, "capabilities", str_or(caps, ""));
    json_set_bool(o, "rootless", c->rootless);
    json_set_bool(o, "seccompEnabled", true);
    json_set_str(o, "seccompProfilePath", str_or(c->seccomp_profile, ""));
    json_set_bool(o, "selinuxEnabled", fs_exists("/sys/fs/selinux/enforce"));
    return o;
}

static json *uptime_json(long seconds)
{
    _cleanup_free_ char *text = NULL;
    long hours = seconds / 3600;

    text = str_printf("%ldh %ldm %ld.00s", hours, seconds / 60 % 60, seconds % 60);
    if (hours >= 24 && text) {
        char *longer = str_printf("%s (Approximately %.2f days)", text, (double)hours / 24);

        if (longer) {
            free(text);
            text = longer;
        }
    }
    return json_new_str(str_or(text, ""));
}

static json *host_json(const struct engine *e)
{
    const struct conf *c = e->conf;
    const char *runtime = str_or(engine_oci_default(e), "");
    bool unified = unified_cgroups();
    json *o = json_new(), *mappings = json_new();
    struct utsname uts = {0};
    struct sysinfo si = {0};

    uname(&uts);
    sysinfo(&si);
    json_set_str(o, "arch",
                 str_eq(uts.machine, "x86_64")    ? "amd64"
                 : str_eq(uts.machine, "aarch64") ? "arm64"
                                                  : uts.machine);
    json_set_str(o, "cgroupManager", str_or(c->cgroup_manager, ""));
    json_set_str(o, "cgroupVersion", unified ? "v2" : "v1");
    json_set(o, "cgroupControllers", controllers_json(unified));
    json_set(o, "conmon", program_json(NULL, first_program(&c->conmon_path)));
    json_set_i64(o, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
    json_set(o, "cpuUtilization", cpu_json());
    json_set(o, "distribution", distribution_json());
    json_set_str(o, "eventLogger", str_or(c->events_logger, ""));
    json_set_str(o, "hostname", uts.nodename);
    json_set(mappings, "gidmap", NULL);
    json_set(mappings, "uidmap", NULL);
    json_set(o, "idMappings", mappings);
    json_set_str(o, "kernel", uts.release);
    json_set_str(o, "logDriver", str_or(c->log_driver, ""));
    json_set_u64(o, "memFree", (uint64_t)si.freeram * si.mem_unit);
    json_set_u64(o, "memTotal", (uint64_t)si.totalram * si.mem_unit);
    json_set_str(o, "networkBackend", str_or(c->network_backend, ""));
    json_set(o, "ociRuntime", program_json(runtime, runtime_program(c, runtime)));
    json_set_str(o, "os", "linux");
    json_set_bool(o, "serviceIsRemote", false);
    json_set(o, "security", security_json(c));
    json_set_u64(o, "swapFree", (uint64_t)si.freeswap * si.mem_unit);
    json_set_u64(o, "swapTotal", (uint64_t)si.totalswap * si.mem_unit);
    json_set(o, "uptime", uptime_json(si.uptime));
    return o;
}

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

static int store_json(struct engine *e, json **out, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    const struct conf *c = e->conf;
    struct counts n = {0};
    struct statvfs fs = {0};
    json *o, *ctrs;
    int r = store_begin(e, false, &t, err);

    if (r == 0)
        r = store_scan(e, t, BERTH_CONTAINER, BERTH_REC_ATTRS | BERTH_REC_STATE,
                       count_container, &n, err);
    if (r < 0)
        return r;
    o = *out = json_new();
    ctrs = json_new();
    json_set_i64(ctrs, "number", n.all);
    json_set_i64(ctrs, "paused", n.paused);
    json_set_i64(ctrs, "running", n.running);
    json_set_i64(ctrs, "stopped", n.all - n.running - n.paused);
    statvfs(c->graph_root, &fs);
    json_set(o, "containerStore", ctrs);
    json_set_str(o, "graphDriverName", str_or(c->storage_driver, ""));
    json_set(o, "graphOptions", json_new());
    json_set_str(o, "graphRoot", c->graph_root);
    json_set_u64(o, "graphRootAllocated", (uint64_t)fs.f_blocks * fs.f_frsize);
    json_set_u64(o, "graphRootUsed", (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize);
    json_set(o, "graphStatus", json_new());
    json_set_str(o, "runRoot", c->run_root);
    json_set_str(o, "stateType", state_plugin(e->state));
    json_set_str(o, "lockType", str_or(c->lock_type, ""));
    json_set_str(o, "volumePath", c->volume_path);
    return 0;
}

static json *names_json(const struct conf *c, uint32_t kind)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;

    plugin_names(c, kind, &names, NULL);
    return json_from_list(&names);
}

static json *plugins_json(const struct conf *c)
{
    static const char *const logs[] = {"k8s-file", "none", "passthrough", "journald"};
    json *o = json_new(), *log = json_new_array(), *volume = json_new_array();

    for (size_t i = 0; i < ARRAY_LEN(logs); i++)
        json_add_str(log, logs[i]);
    json_add_str(volume, "local");
    json_set(o, "volume", volume);
    json_set(o, "network", names_json(c, BERTH_KIND_NET));
    json_set(o, "log", log);
    json_set(o, "authorization", NULL);
    json_set(o, "state", names_json(c, BERTH_KIND_STATE));
    json_set(o, "lock", names_json(c, BERTH_KIND_LOCK));
    json_set(o, "oci", names_json(c, BERTH_KIND_OCI));
    return o;
}

static json *version_json(void)
{
    json *o = json_new();

    json_set_str(o, "APIVersion", "4.3.1");
    json_set_str(o, "Version", PACKAGE_VERSION);
    json_set_str(o, "Os", "linux");
    return o;
}

/* Members as templates name them: Go's names of the same, mostly with a capital. */
static json *go_names(const json *o)
{
    static const struct {
        const char *name, *go;
    } names[] = {{"cgroupVersion", "CgroupsVersion"},  {"cpus", "CPUs"},
                 {"cpuUtilization", "CPUUtilization"}, {"idMappings", "IDMappings"},
                 {"ociRuntime", "OCIRuntime"},         {"os", "OS"}};
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
        r = store_json(e, &store, err);
    if (r < 0)
        return r;
    json_set(all, "host", host_json(e));
    json_set(all, "store", store);
    json_set(all, "registries", json_new());
    json_set(all, "plugins", plugins_json(e->conf));
    json_set(all, "version", version_json());
    return print_info(o, &format, all, err);
}

const struct cmd cmd_info = {
    .name = "info",
    .aliases = "system info",
    .args = "[options]",
    .summary = "Show the host, the store and the parts in use",
    .text = "Prints what berth runs on and with, as YAML.",
    .opts = info_options,
    .size = sizeof(struct info_opts),
    .interspersed = true,
    .run = info_run,
};
