/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_members.c - flags that become members of the record one by one: process, restart,
 * stop, logs, control group, time zone.
 */
#include "engine/spec_priv.h"

#define CGROUP_PARENT   "/libpod_parent"
#define SYSTEMD_PARENT  "machine.slice"
#define ROOTLESS_PARENT "user.slice"

int spec_restart(struct spec_build *b, struct berth_error *err)
{
    static const char *const policies[] = {"", "no", "on-failure", "always", "unless-stopped"};
    const struct ctr_options *o = b->o;
    _cleanup_list_ struct berth_list part = LIST_INIT;
    uint64_t retries = 0;

    if (!o->restart)
        return 0;
    if (o->rm && !str_eq(o->restart, "") && !str_eq(o->restart, "no") &&
        !str_eq(o->restart, "on-failure"))
        return fail(err, EINVAL,
                    "the --rm option conflicts with --restart, when the "
                    "restartPolicy is not \"\" and \"no\"");
    list_split(&part, o->restart, ':', true);
    if (part.n > 2)
        return fail(err, EINVAL, "invalid restart policy: may specify retries at most once");
    if (part.n == 2) {
        int64_t n;

        if (!str_eq(part.items[0], "on-failure"))
            return fail(err, EINVAL,
                        "restart policy retries can only be specified with "
                        "on-failure restart policy");
        if (str_to_i64(part.items[1], &n) < 0)
            return fail(err, EINVAL,
                        "parsing restart policy retry count: strconv.Atoi: parsing "
                        "\"%s\": invalid syntax",
                        part.items[1]);
        if (n < 0)
            return fail(err, EINVAL,
                        "must specify restart policy retry count as a number "
                        "greater than 0");
        retries = (uint64_t)n;
    }
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        if (str_eq(part.n ? part.items[0] : "", policies[i])) {
            json_opt_str(b->config, "restart_policy", policies[i]);
            json_opt_i64(b->config, "restart_retries", (int64_t)retries);
            return 0;
        }
    }
    return fail(err, EINVAL,
                CREATE_OPTION "\"%s\" is not a valid restart policy: invalid argument",
                part.items[0]);
}

int spec_logging(struct spec_build *b, struct berth_error *err)
{
    static const char *const drivers[] = {"k8s-file", "journald", "json-file", "none",
                                          "passthrough"};
    const struct ctr_options *o = b->o;
    const char *driver = o->log_driver, *path = "", *tag = b->conf->log_tag;
    int64_t size = 0;
    bool known = false;

    for (size_t i = 0; i < o->log_opt.n; i++) {
        const char *word = o->log_opt.items[i], *v;

        if (!strchr(word, '='))
            return fail(err, EINVAL, "invalid log option \"%s\"", word);
        if ((v = str_starts(word, "path=")))
            path = v;
        else if ((v = str_starts(word, "tag=")))
            tag = v;
        else if ((v = str_starts(word, "driver=")))
            driver = v;
        else if ((v = str_starts(word, "max-size=")) && str_to_decimal_size(v, &size) < 0)
            return fail(err, EINVAL, "invalid size: '%s'", v);
    }
    if (str_empty(driver))
        driver = b->conf->log_driver;
    if (str_empty(driver))
        driver = "k8s-file";
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        known = known || str_eq(driver, drivers[i]);
    if (!known)
        return fail(err, EINVAL, CREATE_OPTION "invalid log driver: invalid argument");
    json_set_str(b->config, "logDriver", driver);
    json_set_str(b->config, "logPath", path);
    json_set_str(b->config, "logTag", str_or(tag, ""));
    json_set_i64(b->config, "logSize", size);
    return 0;
}

int spec_cgroup(struct spec_build *b, struct berth_error *err)
{
    static const char *const modes[] = {"enabled", "disabled", "no-conmon", "split"};
    const struct ctr_options *o = b->o;
    const char *mode = str_empty(o->cgroups) ? b->conf->cgroups : o->cgroups;
    const char *parent = o->cgroup_parent;
    bool systemd = str_eq(b->conf->cgroup_manager, "systemd"), known = false, disabled;

    if (str_empty(mode))
        mode = "enabled";
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        known = known || str_eq(mode, modes[i]);
    if (!known)
        return fail(err, EINVAL, CREATE_OPTION "invalid cgroup mode \"%s\": invalid argument",
                    mode);
    disabled = str_eq(mode, "disabled");
    if (disabled && b->ns[NS_PID].mode == NS_CONTAINER)
        return fail(err, EINVAL,
                    "cannot join another container's PID namespace if not creating "
                    "cgroups: invalid argument");
    if (disabled && b->ns[NS_PID].mode != NS_PRIVATE)
        return fail(err, EINVAL,
                    "containers not creating Cgroups must create a private PID namespace: "
                    "invalid argument");
    if (!str_empty(parent) && disabled)
        return fail(err, EINVAL,
                    "cannot set cgroup parent if not creating cgroups: invalid argument");
    if (!str_empty(parent) && str_eq(mode, "split"))
        return fail(
            err, EINVAL,
            "cannot specify --cgroup-mode=split with a cgroup-parent: invalid argument");
    if (str_empty(parent) && !disabled && !str_eq(mode, "split"))
        parent = b->conf->rootless ? (systemd ? ROOTLESS_PARENT : "")
                 : systemd         ? SYSTEMD_PARENT
                                   : CGROUP_PARENT;
    parent = str_or(parent, "");
    if (*parent && !systemd && str_ends(parent, ".slice"))
        return fail(err, EINVAL,
                    "systemd slice received as cgroup parent when using cgroupfs: "
                    "invalid argument");
    if (*parent && systemd && !str_ends(parent, ".slice"))
        return fail(err, EINVAL,
                    "did not receive systemd slice as cgroup parent when using "
                    "systemd to manage cgroups: invalid argument");
    if (!disabled)
        json_set_str(b->config, "cgroupManager", b->conf->cgroup_manager);
    json_set_str(b->config, "cgroupsMode", mode);
    json_opt_bool(b->config, "noCgroups", disabled);
    json_set_str(b->config, "cgroupParent", parent);
    return 0;
}

/* Is the command one that podman takes for systemd or another init? */
static bool is_init_command(const json *args)
{
    const char *command = json_item_str(args, 0);

    if (json_len(args) > 2 && str_eq(command, "/bin/sh") &&
        str_eq(json_item_str(args, 1), "-c"))
        command = json_item_str(args, 2);
    if (!command)
        return false;
    return str_eq(command, "/sbin/init") || str_eq(command, "/usr/sbin/init") ||
           str_eq(command, "/usr/local/sbin/init") || str_eq(path_base(command), "systemd");
}

int spec_systemd_mode(struct spec_build *b, struct berth_error *err)
{
    const char *mode = str_empty(b->o->systemd) ? "true" : b->o->systemd;

    if (str_eq(mode, "always"))
        b->systemd = true;
    else if (str_eq(mode, "true"))
        b->systemd = !b->init && is_init_command(json_get(b->process, "args"));
    else if (!str_eq(mode, "false"))
        return fail(err, EINVAL,
                    "invalid config provided: --systemd values must be one of \"true, false, "
                    "always\": invalid configuration");
    if (b->systemd && b->init)
        return fail(err, EINVAL, "cannot use container-init binary with systemd=always");
    if (b->systemd)
        json_set_bool(b->config, "systemd", true);
    return 0;
}

int spec_stopping(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    int signal = b->systemd ? 37 : 15;
    uint64_t timeout = b->conf->stop_timeout;

    if (!str_empty(o->stop_signal)) {
        signal = spec_signal(o->stop_signal);
        if (!signal)
            return fail(err, EINVAL, "invalid signal: %s", o->stop_signal);
    }
    if (o->stop_timeout && str_to_u64(o->stop_timeout, &timeout) < 0)
        return fail(err, EINVAL,
                    "invalid argument \"%s\" for \"--stop-timeout\" flag: "
                    "strconv.ParseUint: parsing \"%s\": invalid syntax",
                    o->stop_timeout, o->stop_timeout);
    json_set_i64(b->config, "stopSignal", signal);
    if (timeout)
        json_set_u64(b->config, "stopTimeout", timeout);
    if (o->timeout)
        json_set_u64(b->config, "timeout", o->timeout);
    return 0;
}

int spec_notifying(struct spec_build *b, struct berth_error *err)
{
    const char *mode = str_empty(b->o->sdnotify) ? "container" : b->o->sdnotify;
    const char *sock = getenv("NOTIFY_SOCKET");

    if (!str_eq(mode, "container") && !str_eq(mode, "conmon") && !str_eq(mode, "ignore"))
        return fail(err, EINVAL,
                    "invalid config provided: invalid argument: invalid sdnotify value \"%s\": "
                    "must be container, conmon or "
                    "ignore",
                    mode);
    json_set_str(b->config, "sdnotifyMode", mode);
    if (!str_eq(mode, "ignore"))
        json_opt_str(b->config, "sdnotifySocket", sock);
    return 0;
}

int spec_process(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    const char *umask_text = str_empty(o->umask) ? b->conf->umask : o->umask;
    int64_t score;

    json_opt_bool(b->process, "terminal", o->tty);
    json_opt_bool(b->config, "stdin", o->interactive);
    json_set_str(b->process, "cwd", str_empty(o->workdir) ? "/" : o->workdir);
    json_opt_str(b->config, "user", b->as_user ? b->as_user : o->user);
    json_opt_bool(b->config, "addCurrentUserPasswdEntry", b->add_caller);
    json_opt_list(b->config, "HostUsers", &o->hostuser);
    json_set_bool(b->config, "passwd", o->passwd);
    json_opt_str(b->config, "passwd_entry", o->passwd_entry);
    json_opt_list(b->config, "chroot_directories", &o->chrootdirs);
    if (list_has(&o->group_add, "keep-groups")) {
        if (o->group_add.n > 1)
            return fail(err, EINVAL,
                        "the '--group-add keep-groups' option is not allowed with "
                        "any other --group-add options");
    } else {
        json_opt_list(b->config, "groups", &o->group_add);
    }
    if (str_empty(umask_text))
        umask_text = "0022";
    if (strlen(umask_text) > 4 || umask_text[strspn(umask_text, "01234567")])
        return fail(err, EINVAL, CREATE_OPTION "invalid umask string %s: invalid argument",
                    umask_text);
    json_set_str(b->config, "umask", umask_text);
    if (o->oom_score_adj) {
        if (str_to_i64(o->oom_score_adj, &score) < 0)
            return fail(err, EINVAL,
                        "invalid argument \"%s\" for \"--oom-score-adj\" flag: "
                        "strconv.ParseInt: parsing \"%s\": invalid syntax",
                        o->oom_score_adj, o->oom_score_adj);
        json_set_i64(b->process, "oomScoreAdj", score);
    }
    if (!str_empty(o->personality)) {
        json *p = json_new();

        json_set_str(p, "domain", o->personality);
        json_set(b->linux_, "personality", p);
    }
    if (o->preserve_fds)
        json_set_u64(b->config, "preserveFds", o->preserve_fds);
    return 0;
}

int spec_zone(struct spec_build *b, struct berth_error *err)
{
    const char *tz = str_empty(b->o->tz) ? b->conf->tz : b->o->tz;
    _cleanup_free_ char *joined = NULL, *path = NULL;

    if (str_empty(tz))
        return 0;
    if (!str_eq(tz, "local")) {
        joined = path_join("/usr/share/zoneinfo", tz);
        path = joined ? path_clean(joined) : NULL;
        if (!path)
            return fail(err, ENOMEM, "out of memory");
        if (!str_starts(path, "/usr/share/zoneinfo/") || !fs_exists(path))
            return fail(err, ENOENT,
                        CREATE_OPTION "stat %s: "
                                      "no such file or directory",
                        path);
    }
    json_set_str(b->config, "timezone", tz);
    return 0;
}
