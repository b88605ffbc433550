/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args.c - conmon's command lines and environment, word by word those of podman: the
 * exit command of one program must work for containers that the other started, and
 * conmon must find the runtime's state where everybody looks for it.
 */
#include "args.h"

#include <pwd.h>
#include <string.h>

static const char *level(struct berth_oci *r)
{
    const struct berth_host *h = r->h;

    if (r->log_level)
        return r->log_level;
    if (h->log_enabled(h->core, BERTH_LOG_DEBUG))
        return "debug";
    if (h->log_enabled(h->core, BERTH_LOG_INFO))
        return "info";
    return h->log_enabled(h->core, BERTH_LOG_WARNING) ? "warning" : "error";
}

bool rt_verbose(struct berth_oci *r)
{
    return strcmp(level(r), "debug") == 0 || strcmp(level(r), "trace") == 0;
}

static bool log_is(const struct berth_container *c, const char *driver)
{
    return c->log_driver && strcmp(c->log_driver, driver) == 0;
}

static void add_log(struct berth_oci *r, const struct berth_container *c, struct rt_strv *out)
{
    rt_strv_add(out, "-l", NULL);
    if (log_is(c, "journald") || log_is(c, "none") || log_is(c, "passthrough")) {
        rt_strv_add(out, c->log_driver, NULL);
        return;
    }
    if (c->log_driver && *c->log_driver && !log_is(c, "k8s-file") && !log_is(c, "json-file"))
        berth_log(r->h, BERTH_LOG_ERROR, "log driver \"%s\" is not known, so k8s-file is used",
                  c->log_driver);
    if (c->log_path)
        rt_strv_addf(out, "k8s-file:%s", c->log_path);
    else
        rt_strv_addf(out, "k8s-file:%s/ctr.log", c->bundle);
}

static void add_flags(struct berth_oci *r, struct rt_strv *out)
{
    struct rt_strv flags = {0};

    rt_strv_words(&flags, "--", r->runtime_flags);
    for (size_t i = 0; i < flags.n; i++)
        rt_strv_add(out, "--runtime-arg", flags.v[i], NULL);
    out->failed |= flags.failed;
    rt_strv_clear(&flags);
}

/* What all command lines begin with.  `session` NULL: a container. */
static void add_shared(struct berth_oci *r, const struct berth_container *c,
                       const char *session, const char *bundle, const char *pid_file,
                       const char *exit_dir, const char *oci_log, struct rt_strv *out)
{
    rt_strv_add(out, r->conmon, "--api-version", "1", "-c", c->id, "-u",
                session ? session : c->id, "-r", r->path, "-b", bundle, "-p", pid_file, "-n",
                c->name ? c->name : c->id, "--exit-dir", exit_dir, "--full-attach", NULL);
    add_flags(r, out);
    if ((c->flags & BERTH_CTR_SYSTEMD) && !(c->flags & BERTH_CTR_NO_CGROUPS))
        rt_strv_add(out, "-s", NULL);
    if (session)
        rt_strv_add(out, "-l", "none", NULL);
    else
        add_log(r, c, out);
    rt_strv_add(out, "--log-level", level(r), NULL);
    if (strcmp(level(r), "debug") == 0)
        rt_strv_add(out, "--syslog", NULL);
    if (BERTH_HAS(c, log_size_max)) {
        rt_strv_add(out, "--log-size-max", NULL);
        rt_strv_addf(out, "%llu", (unsigned long long)c->log_size_max);
    }
    if (r->caps & BERTH_OCI_CAP_JSON_ERRORS) {
        rt_strv_add(out, "--runtime-arg", "--log-format=json", "--runtime-arg", "--log", NULL);
        rt_strv_addf(out, "--runtime-arg=%s", oci_log);
    }
    /* Other drivers than journald refuse a tag, and conmon then refuses to start. */
    if (c->log_tag && !session && log_is(c, "journald"))
        rt_strv_add(out, "--log-tag", c->log_tag, NULL);
    if (c->flags & BERTH_CTR_NO_CGROUPS)
        rt_strv_add(out, "--runtime-arg", "--cgroup-manager", "--runtime-arg", "disabled",
                    NULL);
}

static void add_exit_command(const char *const *command, struct rt_strv *out)
{
    if (!command || !*command)
        return;
    rt_strv_add(out, "--exit-command", *command, NULL);
    while (*++command)
        rt_strv_add(out, "--exit-command-arg", *command, NULL);
}

static void add_preserved(uint32_t n, struct rt_strv *out)
{
    if (n > 0) {
        rt_strv_add(out, "--runtime-opt", "--preserve-fds", "--runtime-opt", NULL);
        rt_strv_addf(out, "%u", n);
    }
}

static void add_restore(const struct berth_oci_create *how, struct rt_strv *out)
{
    rt_strv_add(out, "--restore", how->checkpoint, NULL);
    if (how->flags & BERTH_OCI_CREATE_TCP_ESTABLISHED)
        rt_strv_add(out, "--runtime-opt", "--tcp-established", NULL);
    if (how->flags & BERTH_OCI_CREATE_FILE_LOCKS)
        rt_strv_add(out, "--runtime-opt", "--file-locks", NULL);
    if (how->mount_label && *how->mount_label) {
        rt_strv_add(out, "--runtime-opt", NULL);
        rt_strv_addf(out, "--lsm-mount-context=%s", how->mount_label);
    }
    if (how->process_label && *how->process_label) {
        rt_strv_add(out, "--runtime-opt", NULL);
        rt_strv_addf(out, "--lsm-profile=selinux:%s", how->process_label);
    }
}

void rt_args_create(struct berth_oci *r, const struct berth_container *c,
                    const struct berth_oci_create *how, const char *oci_log,
                    struct rt_strv *out)
{
    add_shared(r, c, NULL, c->bundle, c->pid_file, c->exit_dir, oci_log, out);
    if (c->sdnotify_socket)
        rt_strv_addf(out, "--sdnotify-socket=%s", c->sdnotify_socket);
    if (c->flags & BERTH_CTR_TERMINAL)
        rt_strv_add(out, "-t", NULL);
    else if (c->flags & BERTH_CTR_STDIN)
        rt_strv_add(out, "-i", NULL);
    if (c->timeout > 0)
        rt_strv_addf(out, "--timeout=%u", c->timeout);
    if (!r->keyring || (how->flags & BERTH_OCI_CREATE_NO_KEYRING))
        rt_strv_add(out, "--no-new-keyring", NULL);
    rt_strv_add(out, "--conmon-pidfile", c->monitor_pid_file, NULL);
    if (r->no_pivot || (how->flags & BERTH_OCI_CREATE_NO_PIVOT))
        rt_strv_add(out, "--no-pivot", NULL);
    add_exit_command(c->exit_command, out);
    add_preserved(how->n_fds, out);
    if (how->checkpoint)
        add_restore(how, out);
}

void rt_args_exec(struct berth_oci *r, const struct berth_container *c,
                  const struct berth_oci_exec *what, const char *dir, const char *spec,
                  struct rt_strv *out)
{
    RT_FREE char *pid_file = rt_format("%s/exec_pid", dir);
    RT_FREE char *exit_dir = rt_format("%s/exit", dir);
    RT_FREE char *oci_log = rt_format("%s/oci-log", dir);

    if (!pid_file || !exit_dir || !oci_log) {
        out->failed = true;
        return;
    }
    add_shared(r, c, what->session, dir, pid_file, exit_dir, oci_log, out);
    add_preserved(what->n_fds, out);
    if (what->flags & BERTH_OCI_EXEC_TERMINAL)
        rt_strv_add(out, "-t", NULL);
    if (what->flags & BERTH_OCI_EXEC_STDIN)
        rt_strv_add(out, "-i", NULL);
    rt_strv_add(out, "-e", "--exec-attach", "--exec-process-spec", spec, NULL);
    add_exit_command(what->exit_command, out);
    if (what->exit_command && what->exit_delay > 0) {
        rt_strv_add(out, "--exit-delay", NULL);
        rt_strv_addf(out, "%u", what->exit_delay);
    }
}

static void add_home(struct berth_oci *r, struct rt_strv *out)
{
    const char *dir = getenv("HOME");
    struct passwd pw, *found = NULL;
    char text[2048];

    if (!dir || !*dir) {
        getpwuid_r(r->uid, &pw, text, sizeof(text), &found);
        dir = found && pw.pw_dir ? pw.pw_dir : "/";
    }
    rt_strv_env(out, "HOME", dir);
}

/* Root's is empty, not absent: the runtimes then use /run, whatever the caller's shell
 * had, and every engine finds their state in the same place. */
static const char *runtime_dir(struct berth_oci *r)
{
    const char *dir = r->rootless ? getenv("XDG_RUNTIME_DIR") : NULL;

    return dir ? dir : "";
}

static const char *or_empty(const char *value)
{
    return value ? value : "";
}

void rt_env_conmon(struct berth_oci *r, size_t n_fds, bool exec, struct rt_strv *out)
{
    if (r->conmon_env)
        rt_strv_words(out, "", r->conmon_env);
    else
        rt_strv_add(out, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    NULL);
    rt_strv_addf(out, "_OCI_SYNCPIPE=%zu", 3 + n_fds);
    rt_strv_addf(out, "_OCI_STARTPIPE=%zu", 4 + n_fds);
    if (exec)
        rt_strv_addf(out, "_OCI_ATTACHPIPE=%zu", 5 + n_fds);
    for (char **e = environ; e && *e; e++) {
        if (strncmp(*e, "LC_", 3) == 0)
            rt_strv_add(out, *e, NULL);
    }
    rt_strv_env(out, "PATH", getenv("PATH"));
    rt_strv_env(out, "CONTAINERS_CONF", getenv("CONTAINERS_CONF"));
    rt_strv_env(out, "CONTAINERS_HELPER_BINARY_DIR", getenv("CONTAINERS_HELPER_BINARY_DIR"));
    rt_strv_env(out, "XDG_RUNTIME_DIR", runtime_dir(r));
    rt_strv_env(out, "_CONTAINERS_USERNS_CONFIGURED",
                or_empty(getenv("_CONTAINERS_USERNS_CONFIGURED")));
    rt_strv_env(out, "_CONTAINERS_ROOTLESS_UID", or_empty(getenv("_CONTAINERS_ROOTLESS_UID")));
    add_home(r, out);
}

void rt_env_runtime(struct berth_oci *r, bool with_path, struct rt_strv *out)
{
    rt_strv_env(out, "XDG_RUNTIME_DIR", runtime_dir(r));
    if (with_path)
        rt_strv_env(out, "PATH", getenv("PATH"));
}

int rt_args_check(struct berth_oci *r, const struct berth_container *c, struct berth_error *err)
{
    const struct berth_host *h = r->h;

    if (!c->id || !*c->id || strchr(c->id, '/') || !c->bundle || *c->bundle != '/' ||
        !c->run_dir || !c->exit_dir || !c->pid_file || !c->monitor_pid_file)
        return berth_fail(h, err, EINVAL, "a container needs an ID, directories and pid files");
    if (c->log_path && strchr(c->log_path, ':') && !log_is(c, "journald") &&
        !log_is(c, "none") && !log_is(c, "passthrough"))
        return berth_fail(h, err, EINVAL, "log path %s has a colon in it", c->log_path);
    if (!c->log_path && strchr(c->bundle, ':') && !log_is(c, "journald") &&
        !log_is(c, "none") && !log_is(c, "passthrough"))
        return berth_fail(h, err, EINVAL, "log path %s/ctr.log has a colon in it", c->bundle);
    if ((c->flags & BERTH_CTR_NO_CGROUPS) && !(r->caps & BERTH_OCI_CAP_NO_CGROUPS))
        return berth_fail(h, err, ENOTSUP,
                          "requested OCI runtime %s is not compatible with NoCgroups", r->name);
    return 0;
}
