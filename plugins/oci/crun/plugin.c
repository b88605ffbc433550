/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c - the OCI runtime crun, and others that talk like it (krun). */
#include "../common/runtime.h"

#include <string.h>

/* Where distributions put it, before PATH. */
static const char *const dirs[] = {
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/sbin",
    "/bin",
    "/run/current-system/sw/bin",
    NULL,
};

/* crun 1.8.1's own words.  Head and tail are both its own, so that no name out of a
 * container can pass for one of them. */
static const struct rt_text texts[] = {
    {"error opening file `", "/status`: No such file or directory", ENOENT},
    {"container `", "` does not exist", ENOENT},
    {"cannot open `", "/exec.fifo`: No such file or directory", ESRCH},
    {"kill container: ", "No such process", ESRCH},
    {"open pidfd: ", "No such process", ESRCH},
    {"send signal to pidfd: ", "No such process", ESRCH},
    {"the container `", "` is not running", ESRCH},
    {"container `", "` is not running", ESRCH},
    {"container `", "` already exists", EEXIST},
    {"the container `", "` is not in `created` or `stopped` state", EBUSY},
    {"unknown command ", "", ENOTSUP},
    {NULL, NULL, 0},
};

/* Some versions put the time in front: 2026-11-21T18:53:33.735948Z: text. */
static size_t skip_time(const char *line, size_t len)
{
    size_t n = strspn(line, "0123456789-T:.");

    return n >= 19 && n + 3 <= len && memcmp(line + n, "Z: ", 3) == 0 ? n + 3 : 0;
}

/* Standard error holds one message, perhaps after warnings; the last line counts. */
static char *message(const char *text)
{
    size_t end = strlen(text), start;

    while (end > 0 && text[end - 1] == '\n')
        end--;
    for (start = end; start > 0 && text[start - 1] != '\n'; start--)
        ;
    start += skip_time(text + start, end - start);
    return strndup(text + start, end - start);
}

static const struct rt_kind kind = {
    .name = "crun",
    .dirs = dirs,
    .caps = BERTH_OCI_CAP_JSON_ERRORS | BERTH_OCI_CAP_NO_CGROUPS | BERTH_OCI_CAP_CHECKPOINT |
            BERTH_OCI_CAP_SECCOMP_BPF,
    .texts = texts,
    .message = message,
};

static int crun_probe(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, struct berth_error *err)
{
    (void)place;
    return rt_probe(&kind, h, cfg, err);
}

static int crun_open(const struct berth_host *h, const struct berth_place *place,
                     const struct berth_config *cfg, struct berth_oci **out, uint64_t *out_caps,
                     struct berth_error *err)
{
    return rt_open(&kind, h, place, cfg, out, out_caps, err);
}

static const struct berth_oci_ops ops = {RT_OPS, .probe = crun_probe, .open = crun_open};

static const struct berth_option options[] = {RT_OPTIONS};

BERTH_OCI_PLUGIN(oci_crun, &ops, .name = "crun", .version = "1.0",
                 .summary = "runs containers with crun, watched by conmon",
                 .license = "Apache-2.0", .contact = "berth",
                 .caps = BERTH_OCI_CAP_JSON_ERRORS | BERTH_OCI_CAP_NO_CGROUPS |
                         BERTH_OCI_CAP_CHECKPOINT | BERTH_OCI_CAP_MONITOR |
                         BERTH_OCI_CAP_SECCOMP_BPF | BERTH_OCI_CAP_MEANWHILE,
                 .threads = BERTH_THREADS_PARALLEL,
                 .n_options = sizeof(options) / sizeof(*options), .options = options);
