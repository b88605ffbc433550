/* SPDX-License-Identifier: Apache-2.0 */
/* lockfile.c - see lockfile.h. */
#include "storage/lockfile.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/time.h"
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#define TOKEN_LEN 64

static int make_parent(const char *path, struct berth_error *err)
{
    _cleanup_free_ char *dir = strdup(path);
    char *slash = dir ? strrchr(dir, '/') : NULL;

    if (!dir)
        return fail(err, ENOMEM, "out of memory");
    if (!slash || slash == dir)
        return 0;
    *slash = '\0';
    return fs_mkdir_p(dir, 0700, err);
}

int lockfile_take(const char *path, bool write, struct berth_error *err)
{
    struct flock whole = {.l_type = write ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
    _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);

    if (fd < 0 && errno == ENOENT) {
        int r = make_parent(path, err);

        if (r < 0)
            return r;
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    }
    if (fd < 0)
        return fail_errno(err, errno, "opening lock file %s", path);
    while (fcntl(fd, F_SETLKW, &whole) < 0)
        if (errno != EINTR)
            return fail_errno(err, errno, "locking %s", path);
    return TAKE_FD(fd);
}

int lockfile_touch(int fd, const char *path, struct berth_error *err)
{
    static uint64_t counter;
    uint64_t now = (uint64_t)time_now();
    uint32_t pid = (uint32_t)getpid();
    unsigned char token[TOKEN_LEN];
    ssize_t n;

    counter++;
    memcpy(token, &now, sizeof(now));
    memcpy(token + 8, &counter, sizeof(counter));
    memcpy(token + 16, &pid, sizeof(pid));
    id_random(token + 20, sizeof(token) - 20);
    n = pwrite(fd, token, sizeof(token), 0);
    if (n != (ssize_t)sizeof(token))
        return fail_errno(err, n < 0 ? errno : ENOSPC, "writing %s", path);
    return 0;
}
