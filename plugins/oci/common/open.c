/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.c - instances: options, and where the runtime and conmon are.  No program is run:
 * what a runtime can do is told by its name, as podman does, unless options say more.
 */
#include "runtime.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char *const conmon_dirs[] = {
    "/usr/libexec/podman",
    "/usr/local/libexec/podman",
    "/usr/local/lib/podman",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/run/current-system/sw/bin",
    NULL,
};

static const struct {
    const char *name;
    uint64_t caps;
} known[] = {
    {"crun", BERTH_OCI_CAP_JSON_ERRORS | BERTH_OCI_CAP_NO_CGROUPS | BERTH_OCI_CAP_CHECKPOINT |
                 BERTH_OCI_CAP_SECCOMP_BPF},
    {"runc", BERTH_OCI_CAP_JSON_ERRORS | BERTH_OCI_CAP_CHECKPOINT},
    {"runsc", BERTH_OCI_CAP_JSON_ERRORS | BERTH_OCI_CAP_CHECKPOINT},
    {"krun", BERTH_OCI_CAP_JSON_ERRORS | BERTH_OCI_CAP_NO_CGROUPS | BERTH_OCI_CAP_VM},
    {"kata", BERTH_OCI_CAP_JSON_ERRORS | BERTH_OCI_CAP_VM},
    {"kata-runtime", BERTH_OCI_CAP_VM},
    {"kata-qemu", BERTH_OCI_CAP_VM},
    {"kata-fc", BERTH_OCI_CAP_VM},
};

static const char *const log_levels[] = {
    "panic", "fatal", "error", "warning", "info", "debug", "trace", NULL,
};

static bool is_program(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Fresh path of a program in one of the directories, else in PATH; NULL: nowhere. */
static char *find_program(const char *name, const char *const *dirs)
{
    const char *path = getenv("PATH");

    for (; *dirs; dirs++) {
        char *file = rt_format("%s/%s", *dirs, name);

        if (file && is_program(file))
            return file;
        free(file);
    }
    while (path && *path) {
        size_t len = strcspn(path, ":");

        /* What is found relative to somewhere is not to be run by conmon later. */
        if (len && *path == '/') {
            char *file = rt_format("%.*s/%s", (int)len, path, name);

            if (file && is_program(file))
                return file;
            free(file);
        }
        path += len + (path[len] == ':');
    }
    return NULL;
}

/* 1, 0, or -1 for auto, or -EINVAL. */
static int tristate(const struct berth_host *h, const struct berth_config *cfg,
                    const char *name, struct berth_error *err)
{
    const char *value = h->option_string(cfg, name);

    if (!value || strcasecmp(value, "auto") == 0)
        return -1;
    if (strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0)
        return 1;
    if (strcasecmp(value, "no") == 0 || strcasecmp(value, "false") == 0)
        return 0;
    return berth_fail(h, err, EINVAL, "%s must be yes, no or auto, not \"%s\"", name, value);
}

/* What a runtime of this kind and file name can do, corrected by the options. */
static int find_caps(const struct rt_kind *kind, const struct berth_host *h,
                     const struct berth_config *cfg, const char *path, uint64_t *out,
                     struct berth_error *err)
{
    static const struct {
        const char *option;
        uint64_t cap;
    } options[] = {
        {"supports_json", BERTH_OCI_CAP_JSON_ERRORS},
        {"supports_nocgroup", BERTH_OCI_CAP_NO_CGROUPS},
        {"supports_kvm", BERTH_OCI_CAP_VM},
    };
    const char *base = strrchr(path, '/') + 1;
    uint64_t caps = kind->caps;

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (strcmp(known[i].name, base) == 0)
            caps = known[i].caps;
    }
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        int r = tristate(h, cfg, options[i].option, err);

        if (r < -1)
            return r;
        if (r == 1)
            caps |= options[i].cap;
        else if (r == 0)
            caps &= ~options[i].cap;
    }
    *out = caps | BERTH_OCI_CAP_MONITOR | BERTH_OCI_CAP_MEANWHILE;
    return 0;
}

/* The runtime's path, fresh. */
static int find_runtime(const struct rt_kind *kind, const struct berth_host *h,
                        const struct berth_config *cfg, char **out, struct berth_error *err)
{
    const char *path = h->option_string(cfg, "path");

    if (path && *path != '/')
        return berth_fail(h, err, EINVAL, "path \"%s\" is not absolute", path);
    if (path) {
        if (!is_program(path))
            return berth_fail(h, err, ENOEXEC, "no valid executable found for OCI runtime %s",
                              path);
        *out = strdup(path);
        return *out ? 0 : berth_fail(h, err, ENOMEM, "out of memory");
    }
    *out = find_program(kind->name, kind->dirs);
    if (!*out)
        return berth_fail(h, err, ENOEXEC, "no valid executable found for OCI runtime %s",
                          kind->name);
    return 0;
}

static char *find_conmon(const struct berth_host *h, const struct berth_config *cfg)
{
    const char *path = h->option_string(cfg, "conmon_path");

    /* As with podman, a wrong path is not the end while PATH has a conmon. */
    if (path && *path == '/' && is_program(path))
        return strdup(path);
    return find_program("conmon", conmon_dirs);
}

/* Run a program with --version; its first line becomes *out, cut at its size. */
static int ask_version(const struct berth_host *h, const char *path, char *out, size_t size,
                       struct berth_error *err)
{
    const char *argv[] = {path, "--version", NULL};
    struct berth_run run = {
        .size = sizeof(run),
        .flags = BERTH_RUN_STDERR_IS_ERROR,
        .argv = argv,
        .netns_fd = -1,
        .deadline = rt_now() + 10 * RT_SECOND,
        .output = h->buf_new(h->core),
    };
    struct berth_blob text;
    int r;

    if (!run.output)
        return berth_fail(h, err, ENOMEM, "out of memory");
    r = h->run(h->core, &run, NULL);
    text = h->buf_data(h->core, run.output);
    snprintf(out, size, "%.*s", (int)strcspn(text.data, "\n"), (const char *)text.data);
    h->buf_free(h->core, run.output);
    if (r < 0)
        return berth_fail(h, err, ENOEXEC, "cannot run %s: %s", path, strerror(-r));
    if (r > 0)
        return berth_fail(h, err, ENOEXEC, "%s --version failed with status %d", path, r);
    return 0;
}

int rt_probe(const struct rt_kind *kind, const struct berth_host *h,
             const struct berth_config *cfg, struct berth_error *err)
{
    RT_FREE char *path = NULL;
    RT_FREE char *conmon = NULL;
    unsigned major, minor, patch;
    char version[128];
    int r = find_runtime(kind, h, cfg, &path, err);

    if (r == 0)
        r = ask_version(h, path, version, sizeof(version), err);
    if (r < 0)
        return r;
    conmon = find_conmon(h, cfg);
    if (!conmon)
        return berth_fail(h, err, ENOEXEC, "no conmon found");
    r = ask_version(h, conmon, version, sizeof(version), err);
    if (r < 0)
        return r;
    if (sscanf(version, "conmon version %u.%u.%u", &major, &minor, &patch) != 3)
        return berth_fail(h, err, EPROTO, "%s gave no version of conmon's: \"%s\"", conmon,
                          version);
    /* Before 2.0.1 it spoke another protocol. */
    if (major < 2 || (major == 2 && minor == 0 && patch < 1))
        return berth_fail(h, err, ENOTSUP, "%s is too old: 2.0.1 is needed, this is %u.%u.%u",
                          conmon, major, minor, patch);
    return 0;
}

static int read_options(struct berth_oci *r, const struct berth_config *cfg,
                        struct berth_error *err)
{
    const struct berth_host *h = r->h;
    size_t i;

    r->no_pivot = h->option_bool(cfg, "no_pivot");
    r->keyring = h->option_bool(cfg, "keyring");
    r->conmon_env = h->option_string(cfg, "conmon_env");
    r->runtime_flags = h->option_string(cfg, "runtime_flags");
    r->create_time = (uint64_t)h->option_int(cfg, "create_timeout");
    r->command_time = (uint64_t)h->option_int(cfg, "command_timeout");
    r->log_level = h->option_string(cfg, "log_level");
    if (!r->log_level)
        return 0;
    for (i = 0; log_levels[i] && strcmp(log_levels[i], r->log_level) != 0; i++)
        ;
    if (!log_levels[i])
        return berth_fail(h, err, EINVAL, "no such log_level \"%s\"", r->log_level);
    return 0;
}

int rt_open(const struct rt_kind *kind, const struct berth_host *h,
            const struct berth_place *place, const struct berth_config *cfg,
            struct berth_oci **out, uint64_t *out_caps, struct berth_error *err)
{
    struct berth_oci *r = calloc(1, sizeof(*r));
    int rc;

    if (!r)
        return berth_fail(h, err, ENOMEM, "out of memory");
    r->h = h;
    r->kind = kind;
    r->rootless = place->flags & BERTH_PLACE_ROOTLESS;
    r->uid = place->uid;
    rc = find_runtime(kind, h, cfg, &r->path, err);
    if (rc == 0)
        rc = find_caps(kind, h, cfg, r->path, &r->caps, err);
    if (rc == 0)
        rc = read_options(r, cfg, err);
    if (rc == 0) {
        r->name = strdup(strrchr(r->path, '/') + 1);
        if (!r->name)
            rc = rt_no_memory(r, err);
    }
    if (rc < 0) {
        rt_close(r);
        return rc;
    }
    r->conmon = find_conmon(h, cfg);
    *out = r;
    *out_caps = r->caps;
    return 0;
}

void rt_close(struct berth_oci *r)
{
    if (!r)
        return;
    free(r->name);
    free(r->path);
    free(r->conmon);
    free(r);
}
