/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_import.c - bytes as what berth-toml printed of a containers.conf: what becomes of it is
 * a berth.conf that can be read. */
#include "base/fs.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/import.h"
#include <fcntl.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig 1.5 forgets the text of a string that does not end. */
BERTH_EXPORT const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig";
}

static void must_load(const struct berth_buf *text)
{
    _cleanup_list_ struct berth_list problems = LIST_INIT;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_close_ int fd = memfd_create("berth.conf", MFD_CLOEXEC);
    _cleanup_conf_ struct conf *c = NULL;
    char path[64];

    if (fd < 0 || fs_write_fd(fd, buf_str(text), text->len) < 0)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (conf_load(path, NULL, 0, &c, &problems, &err) < 0) {
        fprintf(stderr, "%s\n%s\n", buf_str(text), error_text(&err));
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_list_ struct berth_list lost = LIST_INIT;
    _cleanup_buf_ struct berth_buf out = BUF_INIT;
    _cleanup_json_ json *doc = NULL;

    if (json_parse_object((struct berth_blob){(const char *)data, size}, "doc", &doc, &err) < 0)
        return 0;
    if (import_document(doc, &out, &lost, &err) == 0)
        must_load(&out);
    else if (err.code == 0)
        abort();
    return 0;
}
