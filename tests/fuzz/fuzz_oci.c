/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_oci.c - bytes as what conmon says, as a runtime's log and standard error, and as
 * files with numbers. */
#include "plugins/oci/common/message.h"
/* Its parser of log lines is nobody else's. */
#include "plugins/oci/runc/plugin.c"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *put_file(const uint8_t *data, size_t size)
{
    static char path[64];
    int fd;

    snprintf(path, sizeof(path), "/tmp/fuzz-oci.%d", (int)getpid());
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    const char *path = put_file(data, size), *line, *more;
    struct rt_line parsed;
    char *found;
    int64_t number;
    size_t len;
    int code;

    if (!text)
        abort();
    rt_parse_line((const char *)data, size, &parsed);
    free(parsed.message);
    found = rt_log_message(path);
    free(found);
    if (rt_read_number(path, -1, 255, &number) == 0 && (number < -1 || number > 255))
        abort();
    unlink(path);

    code = rt_classify(&kind, text, &line, &len, &more);
    /* What is shown lies in the text, and every failure has a code. */
    if (code <= 0 || line < text || len > strlen(text) - (size_t)(line - text))
        abort();
    found = message(text);
    if (!found || strlen(found) > size)
        abort();
    free(found);
    free(text);
    return 0;
}
