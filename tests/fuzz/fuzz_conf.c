/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_conf.c - bytes as berth.conf: read, shown, read again, options of an instance. */
#include "base/fs.h"
#include "base/str.h"
#include "conf/conf.h"
#include <fcntl.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig 1.5 forgets the text of a string that does not end. */
BERTH_EXPORT const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig";
}

static const struct berth_option options[] = {
    {"path", BERTH_OPTION_PATH, 0, NULL, "where"},
    {"size", BERTH_OPTION_SIZE, 0, "64M", "how large"},
    {"wait", BERTH_OPTION_TIME, 0, "5min", "how long"},
    {"on", BERTH_OPTION_BOOL, 0, "yes", "whether"},
    {"count", BERTH_OPTION_INT, BERTH_OPTION_REQUIRED, NULL, "how many"},
    {"word", BERTH_OPTION_STRING, 0, NULL, "what"},
};

static int load(const void *data, size_t size, struct conf **out, struct berth_error *err)
{
    _cleanup_list_ struct berth_list all = LIST_INIT;
    _cleanup_close_ int fd = memfd_create("berth.conf", MFD_CLOEXEC);
    char path[64];
    int r;

    if (fd < 0 || fs_write_fd(fd, data, size) < 0)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    r = conf_load(path, NULL, 0, out, &all, err);
    /* A failure is told, once as the error and once in the list. */
    if ((r < 0) != (all.n > 0) || (r < 0) != (err->code != 0))
        abort();
    return r;
}

static void append(void *arg, const char *section, const char *key, const char *value,
                   const char *origin _unused_)
{
    if (!section)
        buf_printf(arg, "%s = %s;\n", key, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_conf_ struct conf *c = NULL, *again = NULL;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_buf_ struct berth_buf shown = BUF_INIT;
    struct berth_config *cfg = NULL;

    if (size > 65536 || memmem(data, size, "@include", 8))
        return 0; /* would read other files */
    if (load(data, size, &c, &err) < 0)
        return 0;
    conf_instance(c, "state_x", options, ARRAY_LEN(options), sizeof(options[0]), NULL, 0, &cfg,
                  &err);
    conf_instance_free(cfg);
    error_clear(&err);
    /* What is shown is a configuration. */
    conf_visit(c, append, &shown);
    if (load(buf_str(&shown), shown.len, &again, &err) < 0)
        abort();
    return 0;
}
