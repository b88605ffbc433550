/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c - the OCI runtime runc, and others that talk like it (kata, runsc). */
#include "../common/runtime.h"

#include <string.h>

/* Where distributions put it, before PATH. */
static const char *const dirs[] = {
    "/usr/bin", "/usr/sbin", "/usr/local/bin",           "/usr/local/sbin",
    "/sbin",    "/bin",      "/usr/lib/cri-o-runc/sbin", "/run/current-system/sw/bin",
    NULL,
};

/* runc 1.1's own words. */
static const struct rt_text texts[] = {
    {"container does not exist", "", ENOENT},
    {"container not running", "", ESRCH},
    {"unable to signal init: ", "process already finished", ESRCH},
    {"exec failed: cannot exec in a stopped container", "", ESRCH},
    {"exec failed: container not running", "", ESRCH},
    {"exec failed: container does not exist", "", ENOENT},
    {"cannot exec in a stopped container", "", ESRCH},
    {"cannot start a container that has stopped", "", ESRCH},
    {"cannot start an already running container", "", EBUSY},
    {"cannot start a container in the ", " state", EBUSY},
    {"cannot delete container ", "that is not stopped: running", EBUSY},
    {"container not paused", "", EBUSY},
    {"runc create failed: container with given ID already exists", "", EEXIST},
    {"container with given ID already exists", "", EEXIST},
    {NULL, NULL, 0},
};

/* The text of `msg="..."` in one line of the log's form, with Go's escapes resolved:
 * fresh, or NULL. */
static char *quoted_message(const char *line, size_t len)
{
    static const char key[] = " msg=";
    const char *p = memmem(line, len, key, sizeof(key) - 1);
    const char *end = line + len;
    char *out, *o;

    if (!p)
        return NULL;
    p += sizeof(key) - 1;
    if (p >= end || *p != '"') {
        size_t word = 0;

        while (p + word < end && p[word] != ' ')
            word++;
        return strndup(p, word);
    }
    out = o = calloc(1, len + 1);
    if (!out)
        return NULL;
    for (p++; p < end && *p != '"'; p++) {
        if (*p == '\\' && p + 1 < end) {
            p++;
            *o++ = *p == 'n' ? '\n' : *p == 't' ? '\t' : *p == 'r' ? '\r' : *p;
        } else {
            *o++ = *p;
        }
    }
    *o = '\0';
    return out;
}

/* Standard error holds log lines; the last one of level error or fatal counts, and
 * without any the last line. */
static char *message(const char *text)
{
    const char *last = text;
    size_t last_len = 0;
    char *found = NULL;

    while (*text) {
        size_t len = strcspn(text, "\n");

        if (memmem(text, len, "level=error", 11) || memmem(text, len, "level=fatal", 11)) {
            char *m = quoted_message(text, len);

            if (m) {
                free(found);
                found = m;
            }
        }
        if (len > 0) {
            last = text;
            last_len = len;
        }
        text += len + (text[len] == '\n');
    }
    return found ? found : strndup(last, last_len);
}

static const struct rt_kind kind = {
    .name = "runc",
    .dirs = dirs,
    .caps = BERTH_OCI_CAP_JSON_ERRORS | BERTH_OCI_CAP_CHECKPOINT,
    .texts = texts,
    .message = message,
};

static int runc_probe(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, struct berth_error *err)
{
    (void)place;
    return rt_probe(&kind, h, cfg, err);
}

static int runc_open(const struct berth_host *h, const struct berth_place *place,
                     const struct berth_config *cfg, struct berth_oci **out, uint64_t *out_caps,
                     struct berth_error *err)
{
    return rt_open(&kind, h, place, cfg, out, out_caps, err);
}

static const struct berth_oci_ops ops = {RT_OPS, .probe = runc_probe, .open = runc_open};

static const struct berth_option options[] = {RT_OPTIONS};

BERTH_OCI_PLUGIN(oci_runc, &ops, .name = "runc", .version = "1.0",
                 .summary = "runs containers with runc, watched by conmon",
                 .license = "Apache-2.0", .contact = "berth",
                 .caps = BERTH_OCI_CAP_JSON_ERRORS | BERTH_OCI_CAP_CHECKPOINT |
                         BERTH_OCI_CAP_MONITOR | BERTH_OCI_CAP_MEANWHILE,
                 .threads = BERTH_THREADS_PARALLEL,
                 .n_options = sizeof(options) / sizeof(*options), .options = options);
