/* SPDX-License-Identifier: Apache-2.0 */
/* derive.c - defaults that depend on who runs this and on the host. */
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "conf/private.h"
#include <dirent.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <pwd.h>
#include <sys/vfs.h>

/* ------------------------------------------------------------------------ who */

static bool number_from(const char *variable, uint32_t *out)
{
    const char *text = getenv(variable);
    uint64_t n;

    if (str_empty(text) || str_to_u64(text, &n) < 0 || n >= UINT32_MAX)
        return false;
    *out = (uint32_t)n;
    return true;
}

void derive_user(struct conf *c)
{
    c->rootless = geteuid() != 0 || !str_empty(getenv("_CONTAINERS_USERNS_CONFIGURED")) ||
                  !proc_has_cap(CAP_SYS_ADMIN);
    c->uid = geteuid();
    c->gid = getegid();
    if (number_from("_CONTAINERS_ROOTLESS_UID", &c->uid))
        number_from("_CONTAINERS_ROOTLESS_UID", &c->gid);
    number_from("_CONTAINERS_ROOTLESS_GID", &c->gid);
}

static bool some_ids_unmapped(void)
{
    _cleanup_buf_ struct berth_buf map = BUF_INIT;

    return fs_read("/proc/self/uid_map", 65536, &map, NULL) == 0 &&
           !strstr(buf_str(&map), "4294967295");
}

/* What several defaults depend on is looked up once for each configuration. */
static bool asked_once(enum conf_answer *answer, bool (*ask)(void))
{
    if (*answer == ANSWER_UNKNOWN)
        *answer = ask() ? ANSWER_YES : ANSWER_NO;
    return *answer == ANSWER_YES;
}

/* podman's storage library asks more than its engine: also whether all IDs are mapped. */
bool conf_storage_rootless(const struct conf *c)
{
    return c->rootless || c->uid != 0 ||
           asked_once(&c->private_->ids_unmapped, some_ids_unmapped);
}

char *conf_home(uint32_t uid)
{
    const char *home = getenv("HOME");
    struct passwd *pw;

    if (!str_empty(home))
        return path_absolute(home);
    pw = getpwuid(uid);
    return pw && !str_empty(pw->pw_dir) ? path_absolute(pw->pw_dir) : NULL;
}

/* Make the directory if need be; it has to be ours and for us to write. */
static char *usable(char *path)
{
    struct stat st;

    if (!path)
        return NULL;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        goto no;
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 0700) != 0700)
        goto no;
    return path;
no:
    free(path);
    return NULL;
}

char *conf_runtime_dir(uint32_t uid)
{
    const char *dir = getenv("XDG_RUNTIME_DIR"), *tmp = getenv("TMPDIR");
    _cleanup_free_ char *home = NULL;
    struct stat st;
    char *found;

    /* As podman: one that is somebody else's, or not there, is not used. */
    if (!str_empty(dir))
        return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid()
                   ? path_absolute(dir)
                   : NULL;
    found = usable(str_printf("/run/user/%u", uid));
    if (!found)
        found = usable(str_printf("%s/podman-run-%u", str_empty(tmp) ? "/tmp" : tmp, uid));
    if (!found && (home = conf_home(uid)))
        found = usable(str_printf("%s/rundir", home));
    return found;
}

/* --------------------------------------------------------------------- places */

char *derive_graph_root(const struct conf *c)
{
    const char *data = getenv("XDG_DATA_HOME");
    _cleanup_free_ char *home = NULL;

    if (!conf_storage_rootless(c))
        return strdup("/var/lib/containers/storage");
    if (!str_empty(data))
        return str_printf("%s/containers/storage", data);
    home = conf_home(c->uid);
    return home ? str_printf("%s/.local/share/containers/storage", home) : NULL;
}

char *derive_run_root(const struct conf *c)
{
    _cleanup_free_ char *dir = NULL;

    if (!conf_storage_rootless(c))
        return strdup("/run/containers/storage");
    dir = conf_runtime_dir(c->uid);
    return dir ? str_printf("%s/containers", dir) : NULL;
}

char *derive_tmp_dir(const struct conf *c)
{
    _cleanup_free_ char *dir = NULL;

    if (c->uid == 0)
        return strdup("/run/libpod");
    dir = conf_runtime_dir(c->uid);
    return dir ? str_printf("%s/libpod/tmp", dir) : NULL;
}

char *derive_static_dir(const struct conf *c)
{
    return c->graph_root ? path_join(c->graph_root, "libpod") : NULL;
}

char *derive_volume_path(const struct conf *c)
{
    return c->graph_root ? path_join(c->graph_root, "volumes") : NULL;
}

char *derive_storage_driver(const struct conf *c)
{
    return strdup(conf_storage_rootless(c) ? "vfs" : "overlay");
}

/* ------------------------------------------------------------------- the host */

static bool is_systemd(void)
{
    _cleanup_buf_ struct berth_buf comm = BUF_INIT;

    return fs_read("/proc/1/comm", 64, &comm, NULL) == 0 && str_eq(buf_str(&comm), "systemd\n");
}

static bool systemd_runs(const struct conf *c)
{
    return asked_once(&c->private_->systemd, is_systemd);
}

static bool is_cgroup2(void)
{
    struct statfs fs;

    return statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static bool unified_cgroups(const struct conf *c)
{
    return asked_once(&c->private_->cgroup2, is_cgroup2);
}

bool conf_without_cgroups(const struct conf *c)
{
    return c->rootless && !unified_cgroups(c);
}

static bool lists_directory(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *entry;
    bool found = false;

    while (d && !found && (entry = readdir(d))) {
        _cleanup_free_ char *sub =
            entry->d_name[0] == '.' ? NULL : path_join(path, entry->d_name);
        DIR *inner = sub ? opendir(sub) : NULL;

        found = inner != NULL;
        if (inner)
            closedir(inner);
    }
    if (d)
        closedir(d);
    return found;
}

static bool journal_usable(const struct conf *c)
{
    return systemd_runs(c) &&
           (lists_directory("/run/log/journal") || lists_directory("/var/log/journal"));
}

char *derive_cgroup_manager(const struct conf *c)
{
    bool systemd = systemd_runs(c) && !(c->rootless && !unified_cgroups(c));

    return strdup(systemd ? "systemd" : "cgroupfs");
}

char *derive_events_logger(const struct conf *c)
{
    return strdup(journal_usable(c) ? "journald" : "file");
}

char *derive_log_driver(const struct conf *c)
{
    return strdup(journal_usable(c) ? "journald" : "k8s-file");
}

char *derive_cgroupns(const struct conf *c)
{
    return strdup(unified_cgroups(c) ? "private" : "host");
}

char *derive_label(const struct conf *c _unused_)
{
    return strdup(fs_exists("/sys/fs/selinux/enforce") ? "true" : "false");
}

/* Is one of the words behind the first a file, or the first one a program in PATH? */
static bool runtime_there(const char *preset)
{
    _cleanup_list_ struct berth_list words = LIST_INIT;
    const char *path = getenv("PATH");
    struct stat st;

    if (list_split(&words, preset, ' ', false) < 0 || words.n == 0)
        return false;
    for (size_t i = 1; i < words.n; i++)
        if (stat(words.items[i], &st) == 0 && S_ISREG(st.st_mode))
            return true;
    _cleanup_list_ struct berth_list dirs = LIST_INIT;
    list_split(&dirs, path ? path : "", ':', false);
    for (size_t i = 0; i < dirs.n; i++) {
        _cleanup_free_ char *file = path_join(dirs.items[i], words.items[0]);

        if (file && stat(file, &st) == 0 && S_ISREG(st.st_mode) && access(file, X_OK) == 0)
            return true;
    }
    return false;
}

/* The packager's choice if it is installed or unknown here, else the first runtime that
 * is. */
char *derive_oci_runtime(const struct conf *c _unused_)
{
    size_t first = strlen(BERTH_DEFAULT_OCI);
    const char *there = NULL;
    bool known = false;

    for (const char *const *p = conf_runtime_presets; *p; p++) {
        bool chosen = strncmp(*p, BERTH_DEFAULT_OCI, first) == 0 && (*p)[first] == ' ';

        known = known || chosen;
        if ((there && !chosen) || !runtime_there(*p))
            continue;
        there = *p;
        if (chosen)
            break;
    }
    return there && known ? strndup(there, strcspn(there, " ")) : strdup(BERTH_DEFAULT_OCI);
}
