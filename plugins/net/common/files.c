/* SPDX-License-Identifier: Apache-2.0 */
/* files.c - small files, read and put in place whole; see net_common.h. */
#include "net_common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (4u << 20)

int file_read(const char *path, char **out, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), r = 0;
    struct stat st;
    ssize_t got;

    *out = NULL;
    *len = 0;
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > TEXT_MAX) {
        close(fd);
        return -EINVAL;
    }
    *out = malloc((size_t)st.st_size + 1);
    if (!*out)
        r = -ENOMEM;
    while (r == 0 && *len < (size_t)st.st_size) {
        got = read(fd, *out + *len, (size_t)st.st_size - *len);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            r = -errno;
        if (got > 0)
            *len += (size_t)got;
    }
    close(fd);
    if (r == 0) {
        (*out)[*len] = '\0';
    } else {
        free(*out);
        *out = NULL;
    }
    return r;
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t done = write(fd, data, len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        data += done;
        len -= (size_t)done;
    }
    return 0;
}

int file_write(const char *path, const char *text, size_t len, mode_t mode)
{
    const char *base = strrchr(path, '/') + 1;
    char *temp = na_format("%.*s.%s.new", (int)(base - path), path, base);
    int fd, r;

    if (!temp)
        return -ENOMEM;
    fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    r = fd < 0 ? -errno : write_all(fd, text, len);
    if (r == 0 && (fsync(fd) < 0 || rename(temp, path) < 0))
        r = -errno;
    if (fd >= 0)
        close(fd);
    if (r < 0 && fd >= 0)
        unlink(temp);
    free(temp);
    return r;
}
