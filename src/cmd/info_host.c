/* SPDX-License-Identifier: Apache-2.0 */
/* info_host.c - the machine and the programs in use, for `berth info`. */
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "cmd/info.h"
#include <ctype.h>
#include <inttypes.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

/* ------------------------------------------------------------------ programs */

#define RPM        "/usr/bin/rpm"
#define DPKG_QUERY "/usr/bin/dpkg-query"

/* What a program prints; false where it cannot be run or fails. */
static bool output_of(const char *const argv[], struct berth_buf *text)
{
    /* Runtimes tell the directory of their user; root's is not the one of its shell. */
    _cleanup_free_ char *dir =
        str_printf("XDG_RUNTIME_DIR=%s", str_or(getenv("XDG_RUNTIME_DIR"), ""));
    const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", dir, NULL};
    struct berth_run run = {.size = sizeof(run),
                            .argv = argv,
                            .env = getenv("_CONTAINERS_ROOTLESS_UID") ? env : NULL,
                            .output = text,
                            .netns_fd = -1,
                            .deadline = time_deadline(5)};

    text->max = 1 << 16;
    if (proc_run(&run, NULL) != 0)
        return false;
    while (text->len && isspace((unsigned char)text->data[text->len - 1]))
        text->data[--text->len] = '\0';
    return text->len > 0;
}

/* "NAME_VERSION_ARCHITECTURE" of what dpkg says is "NAME[:ARCHITECTURE]: PATH". */
static bool debian_package(const char *path, struct berth_buf *out)
{
    const char *search[] = {DPKG_QUERY, "--search", path, NULL};
    const char *show[] = {DPKG_QUERY,     "--show",
                          "--showformat", "${Package}_${Version}_${Architecture}",
                          NULL,           NULL};
    _cleanup_buf_ struct berth_buf owner = BUF_INIT;

    if (!output_of(search, &owner))
        return false;
    owner.data[strcspn(owner.data, ":,\n")] = '\0';
    show[4] = owner.data;
    return output_of(show, out);
}

static bool rpm_package(const char *path, struct berth_buf *out)
{
    const char *argv[] = {RPM, "--query", "--file", path, NULL};

    return output_of(argv, out);
}

/* As podman: "Unknown" where no package manager knows it. */
static json *package_of(const char *path)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (rpm_package(path, &text))
        return json_new_str(buf_str(&text));
    buf_reset(&text);
    return json_new_str(debian_package(path, &text) ? buf_str(&text) : "Unknown");
}

/* A program's member: name (NULL: none), package that it is of, path, what it calls its
 * version.  path NULL: it is not there.  path_key: "path", as podman has it but for one. */
static json *program_json(const char *name, const char *path_key, const char *path)
{
    const char *argv[] = {path, "--version", NULL};
    _cleanup_buf_ struct berth_buf version = BUF_INIT;
    json *o = json_new();

    if (name)
        json_set_str(o, "name", name);
    json_set(o, "package", path ? package_of(path) : json_new_str(""));
    json_set_str(o, path_key, str_or(path, ""));
    json_set_str(o, "version", path && output_of(argv, &version) ? buf_str(&version) : "");
    return o;
}

/* slirp4netns is looked for in $PATH. */
static json *slirp_json(const struct conf *c)
{
    _cleanup_list_ struct berth_list dirs = LIST_INIT;
    _cleanup_free_ char *found = NULL;

    if (!str_empty(c->network_cmd_path))
        return program_json(NULL, "executable", c->network_cmd_path);
    list_split(&dirs, str_or(getenv("PATH"), ""), ':', false);
    for (size_t i = 0; i < dirs.n && !found; i++) {
        found = path_join(dirs.items[i], "slirp4netns");
        if (found && access(found, X_OK) < 0) {
            free(found);
            found = NULL;
        }
    }
    return program_json(NULL, "executable", found);
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

/* A line of /proc/cgroups; those that are not mounted are of no use. */
static void add_controller(struct berth_list *names, const char *line)
{
    _cleanup_free_ char *name = strndup(line, strcspn(line, "\t"));
    _cleanup_free_ char *path = name ? path_join("/sys/fs/cgroup", name) : NULL;

    if (path && fs_exists(path))
        list_add(names, name);
}

static json *controllers_json(const struct conf *c, bool unified)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_list_ struct berth_list names = LIST_INIT;

    if (conf_without_cgroups(c))
        return json_from_list(&names);
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
                add_controller(&names, lines.items[i]);
    }
    return json_from_list(&names);
}

/* The one that podman's containers get where none is configured. */
static const char *seccomp_profile(const struct conf *c)
{
    static const char *const presets[] = {"/etc/containers/seccomp.json",
                                          "/usr/share/containers/seccomp.json"};

    if (c->seccomp_profile)
        return c->seccomp_profile;
    for (size_t i = 0; i < ARRAY_LEN(presets); i++)
        if (fs_exists(presets[i]))
            return presets[i];
    return "";
}

static json *security_json(const struct conf *c)
{
    _cleanup_free_ char *caps = list_join(&c->default_capabilities, ",");
    json *o = json_new();

    json_set_bool(o, "apparmorEnabled", fs_exists("/sys/kernel/security/apparmor/profiles"));
    json_set_str(o, "capabilities", str_or(caps, ""));
    json_set_bool(o, "rootless", c->rootless);
    json_set_bool(o, "seccompEnabled", true);
    json_set_str(o, "seccompProfilePath", seccomp_profile(c));
    json_set_bool(o, "selinuxEnabled", fs_exists("/sys/fs/selinux/enforce"));
    return o;
}

static json *uptime_json(long seconds)
{
    _cleanup_free_ char *text = NULL;
    long hours = seconds / 3600;

    text = str_printf("%ldh %ldm %ld.00s", hours, seconds / 60 % 60, seconds % 60);
    if (hours > 0 && text) {
        char *longer = str_printf("%s (Approximately %.2f days)", text, (double)hours / 24);

        if (longer) {
            free(text);
            text = longer;
        }
    }
    return json_new_str(str_or(text, ""));
}

/* A file of ID mappings of this process, as podman shows it in a user namespace. */
static json *mapping_json(const struct conf *c, const char *path)
{
    _cleanup_fclose_ FILE *f = c->rootless ? fopen(path, "re") : NULL;
    json *all = f ? json_new_array() : NULL;
    int64_t inside, outside, size;

    while (f && fscanf(f, "%" SCNd64 " %" SCNd64 " %" SCNd64, &inside, &outside, &size) == 3) {
        json *one = json_new();

        json_set_i64(one, "container_id", inside);
        json_set_i64(one, "host_id", outside);
        json_set_i64(one, "size", size);
        json_add(all, one);
    }
    return all;
}

/* Where podman's service listens when there is one. */
static json *socket_json(const struct conf *c)
{
    _cleanup_free_ char *path =
        str_printf("%s/podman/podman.sock",
                   c->rootless ? str_or(getenv("XDG_RUNTIME_DIR"), "/run") : "/run");
    json *o = json_new();

    json_set_str(o, "path", str_or(path, ""));
    if (path && fs_exists(path))
        json_set_bool(o, "exists", true);
    return o;
}

static void put_free_locks(struct engine *e, json *o)
{
    struct berth_lock_count count = {.size = sizeof(count)};
    struct locks *locks;

    if (engine_locks(e, &locks, NULL) == 0 && lock_count(locks, &count, NULL) == 0 &&
        count.available != UINT32_MAX)
        json_set_i64(o, "freeLocks", count.available);
}

json *info_host(struct engine *e)
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
    json_set_str(o, "buildahVersion", ""); /* berth builds nothing */
    json_set_str(o, "cgroupManager", str_or(c->cgroup_manager, ""));
    json_set_str(o, "cgroupVersion", unified ? "v2" : "v1");
    json_set(o, "cgroupControllers", controllers_json(c, unified));
    json_set(o, "conmon", program_json(NULL, "path", first_program(&c->conmon_path)));
    json_set_i64(o, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
    json_set(o, "cpuUtilization", cpu_json());
    json_set(o, "distribution", distribution_json());
    json_set_str(o, "databaseBackend", state_plugin(e->state));
    json_set_str(o, "eventLogger", str_or(c->events_logger, ""));
    put_free_locks(e, o);
    json_set_str(o, "hostname", uts.nodename);
    json_set(mappings, "gidmap", mapping_json(c, "/proc/self/gid_map"));
    json_set(mappings, "uidmap", mapping_json(c, "/proc/self/uid_map"));
    json_set(o, "idMappings", mappings);
    json_set_str(o, "kernel", uts.release);
    json_set_str(o, "logDriver", str_or(c->log_driver, ""));
    json_set_u64(o, "memFree", (uint64_t)si.freeram * si.mem_unit);
    json_set_u64(o, "memTotal", (uint64_t)si.totalram * si.mem_unit);
    json_set_str(o, "networkBackend", str_or(c->network_backend, ""));
    json_set(o, "ociRuntime", program_json(runtime, "path", runtime_program(c, runtime)));
    json_set_str(o, "os", "linux");
    json_set(o, "remoteSocket", socket_json(c));
    json_set_bool(o, "serviceIsRemote", false);
    json_set(o, "security", security_json(c));
    json_set(o, "slirp4netns", slirp_json(c));
    json_set_u64(o, "swapFree", (uint64_t)si.freeswap * si.mem_unit);
    json_set_u64(o, "swapTotal", (uint64_t)si.totalswap * si.mem_unit);
    json_set(o, "uptime", uptime_json(si.uptime));
    json_set_str(o, "linkmode", "dynamic");
    return o;
}
