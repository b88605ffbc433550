/* SPDX-License-Identifier: Apache-2.0 */
/* spec_security.c - --security-opt, masked paths, sysctls, the choice of seccomp profile. */
#include "engine/spec_priv.h"
#include <fnmatch.h>

#define SECCOMP_OVERRIDE "/etc/containers/seccomp.json"
#define SECCOMP_DEFAULT  "/usr/share/containers/seccomp.json"
#define PROFILE_MAX      (16u << 20)

static const char *const masked_paths[] = {
    "/proc/acpi",       "/proc/kcore",       "/proc/keys",        "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
    "/sys/firmware",    "/sys/fs/selinux",   "/sys/dev/block",
};

static const char *const readonly_paths[] = {
    "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static void annotate(struct spec_build *b, const char *what, const char *value)
{
    _cleanup_free_ char *key = str_printf("io.podman.annotations.%s", what);

    if (key)
        json_set_str(json_need(b->spec, "annotations"), key, value);
}

/* One --security-opt: key, then what is behind "=" (or the old ":"). */
static int security_word(struct spec_build *b, const char *word, struct berth_list *labels,
                         struct berth_error *err)
{
    size_t len = strcspn(word, strchr(word, '=') ? "=" : ":");
    const char *value = word[len] ? word + len + 1 : NULL;
    _cleanup_free_ char *key = strndup(word, len);

    if (!key)
        return fail(err, ENOMEM, "out of memory");
    if (str_eq(key, "no-new-privileges")) {
        b->no_new_privileges = true;
    } else if (!value) {
        return fail(err, EINVAL, "invalid --security-opt 1: \"%s\"", word);
    } else if (str_eq(key, "apparmor")) {
        annotate(b, "apparmor", value);
        json_set_str(b->process, "apparmorProfile", value);
    } else if (str_eq(key, "label")) {
        list_add(labels, value);
    } else if (str_eq(key, "mask")) {
        list_split(&b->masked, value, ':', false);
    } else if (str_eq(key, "unmask")) {
        list_split(&b->unmasked, value, ':', false);
    } else if (str_eq(key, "proc-opts")) {
        if (str_set(&b->proc_opts, value) < 0)
            return fail(err, ENOMEM, "out of memory");
    } else if (str_eq(key, "seccomp")) {
        annotate(b, "seccomp", value);
        if (str_set(&b->seccomp, value) < 0)
            return fail(err, ENOMEM, "out of memory");
    } else if (str_eq(key, "systempaths")) {
        if (!str_eq(value, "unconfined"))
            return fail(err, EINVAL,
                        "invalid systempaths option \"%s\", only `unconfined` is supported",
                        value);
        list_add(&b->unmasked, "ALL");
    } else {
        return fail(err, EINVAL, "invalid --security-opt 2: \"%s\"", word);
    }
    return 0;
}

int spec_security_parse(struct spec_build *b, struct berth_error *err)
{
    const struct berth_list *words = &b->o->security_opt;
    _cleanup_list_ struct berth_list labels = LIST_INIT;
    int r = 0;

    for (size_t i = 0; i < words->n && r >= 0; i++)
        r = security_word(b, words->items[i], &labels, err);
    if (r < 0)
        return r;
    /* Labels need SELinux in the engine; podman records this where it has none. */
    if (labels.n == 0)
        json_add_str(json_need_array(b->config, "labelopts"), "disable");
    if (labels.n) {
        _cleanup_free_ char *joined = list_join(&labels, ",label=");

        annotate(b, "label", joined);
        json_set_list(b->config, "labelopts", &labels);
    }
    b->unmask_all = b->unmasked.n && strcasecmp(b->unmasked.items[0], "ALL") == 0;
    return 0;
}

static bool is_masked(const struct spec_build *b, const char *path)
{
    for (size_t i = 0; i < b->unmasked.n; i++)
        if (strcasecmp(b->unmasked.items[i], "ALL") == 0 ||
            fnmatch(b->unmasked.items[i], path, FNM_PATHNAME | FNM_PERIOD) == 0)
            return false;
    return true;
}

static void security_paths(struct spec_build *b)
{
    json *masked = json_new_array(), *readonly = json_new_array();

    /* A bound /sys shows it all. */
    if (b->conf->rootless && spec_net_is(b, NS_HOST) && !b->o->privileged &&
        is_masked(b, "/sys/kernel"))
        json_add_str(masked, "/sys/kernel");
    for (size_t i = 0; i < ARRAY_LEN(masked_paths) && !b->o->privileged; i++)
        if (is_masked(b, masked_paths[i]))
            json_add_str(masked, masked_paths[i]);
    for (size_t i = 0; i < ARRAY_LEN(readonly_paths) && !b->o->privileged; i++)
        if (is_masked(b, readonly_paths[i]))
            json_add_str(readonly, readonly_paths[i]);
    for (size_t i = 0; i < b->masked.n; i++) {
        if (b->masked.items[i][0] == '/')
            json_add_str(masked, b->masked.items[i]);
        else
            log_error("Path \"%s\" is not an absolute path, skipping...", b->masked.items[i]);
    }
    if (json_len(masked))
        json_set(b->linux_, "maskedPaths", json_ref(masked));
    if (json_len(readonly))
        json_set(b->linux_, "readonlyPaths", json_ref(readonly));
    json_object_put(masked);
    json_object_put(readonly);
}

const char *spec_seccomp_installed(void)
{
    return fs_exists(SECCOMP_OVERRIDE)  ? SECCOMP_OVERRIDE
           : fs_exists(SECCOMP_DEFAULT) ? SECCOMP_DEFAULT
                                        : NULL;
}

static int security_seccomp(struct spec_build *b, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_json_ json *filter = NULL;
    const char *path = b->seccomp;
    int r;

    if (str_empty(path))
        path = b->conf->seccomp_profile;
    if (str_eq(path, "unconfined"))
        return 0;
    if (str_empty(path))
        path = spec_seccomp_installed();
    if (b->o->privileged &&
        (!path || str_eq(path, SECCOMP_OVERRIDE) || str_eq(path, SECCOMP_DEFAULT)))
        return 0;
    if (path) {
        r = fs_read(path, PROFILE_MAX, &text, NULL);
        if (r < 0)
            return spec_fail_errno(err, -r, "opening seccomp profile failed: open %s", path);
    } else {
        path = "default";
        if (spec_seccomp_builtin(&text) < 0)
            return fail(err, ENOMEM, "out of memory");
    }
    r = spec_seccomp(buf_blob(&text), path, &b->bounding, &filter, err);
    if (r < 0)
        return r;
    if (filter)
        json_set(b->linux_, "seccomp", TAKE(filter));
    return 0;
}

static bool apparmor_enabled(void)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    return fs_read("/sys/module/apparmor/parameters/enabled", 64, &text, NULL) >= 0 &&
           buf_str(&text)[0] == 'Y';
}

static bool apparmor_loaded(const char *profile)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT, line = BUF_INIT;

    buf_printf(&line, "%s (", profile);
    return fs_read("/sys/kernel/security/apparmor/profiles", 1 << 20, &text, NULL) >= 0 &&
           strstr(buf_str(&text), buf_str(&line));
}

static int security_apparmor(struct spec_build *b, struct berth_error *err)
{
    const char *given = json_str(b->process, "apparmorProfile");
    const char *preset = b->conf->apparmor_profile;

    if (!apparmor_enabled()) {
        if (given && !str_eq(given, "unconfined"))
            return fail(
                err, EINVAL,
                "apparmor profile \"%s\" specified, but Apparmor is not enabled on this "
                "system",
                given);
        json_del(b->process, "apparmorProfile");
        return 0;
    }
    if (given || b->o->privileged || str_empty(preset))
        return 0;
    if (apparmor_loaded(preset))
        json_set_str(b->process, "apparmorProfile", preset);
    else
        log_debug("AppArmor profile %s is not loaded: the container runs without one", preset);
    return 0;
}

int spec_security(struct spec_build *b, struct berth_error *err)
{
    int r;

    json_set_bool(b->config, "privileged", b->o->privileged);
    json_set_bool(b->config, "mountAllDevices", b->o->privileged);
    json_opt_bool(b->process, "noNewPrivileges", b->no_new_privileges);
    security_paths(b);
    r = security_apparmor(b, err);
    if (r < 0)
        return r;
    return security_seccomp(b, err);
}

/* --------------------------------------------------------------------- sysctls */

static bool sysctl_allowed(const char *name)
{
    static const char *const kernel[] = {
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
        "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
    };

    for (size_t i = 0; i < ARRAY_LEN(kernel); i++)
        if (str_eq(name, kernel[i]))
            return true;
    return str_starts(name, "net.") || str_starts(name, "fs.mqueue.");
}

static bool shared(const struct spec_build *b, enum ns_kind kind)
{
    return b->ns[kind].mode == NS_HOST || b->ns[kind].mode == NS_CONTAINER;
}

/* Word for the namespace that a sysctl belongs to; NULL: none of these. */
static const char *sysctl_namespace(const char *name, enum ns_kind *kind)
{
    if (str_starts(name, "fs.mqueue.")) {
        *kind = NS_IPC;
        return "IPC";
    }
    if (str_starts(name, "net.")) {
        *kind = NS_NET;
        return "Network";
    }
    if (str_eq(name, "kernel.domainname") || str_eq(name, "kernel.hostname")) {
        *kind = NS_UTS;
        return "UTS";
    }
    return NULL;
}

int spec_sysctls(struct spec_build *b, struct berth_error *err)
{
    const struct berth_list *lists[] = {&b->conf->default_sysctls, &b->o->sysctl};
    _cleanup_json_ json *all = json_new();

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        for (size_t j = 0; j < lists[i]->n; j++) {
            const char *word = lists[i]->items[j], *title;
            size_t len = strcspn(word, "=");
            _cleanup_free_ char *name = strndup(word, len);
            enum ns_kind kind = NS_NET;

            if (!name)
                return fail(err, ENOMEM, "out of memory");
            if (!word[len])
                return fail(err, EINVAL,
                            "%s is invalid, sysctl values must be in the form of KEY=VALUE",
                            word);
            if (i == 1 && !sysctl_allowed(name))
                return fail(err, EINVAL, "sysctl '%s' is not allowed", name);
            title = sysctl_namespace(name, &kind);
            if (title && i == 0 && shared(b, kind))
                continue;
            if (title && i == 1 && b->ns[kind].mode == NS_HOST)
                return fail(err, EINVAL,
                            "sysctl %s can't be set since %s Namespace set to host: "
                            "invalid argument",
                            word, title);
            json_set_str(all, name, word + len + 1);
        }
    }
    if (json_object_object_length(all))
        json_set(b->linux_, "sysctl", spec_sorted(TAKE(all)));
    return 0;
}
