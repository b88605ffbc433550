/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - see output.h. */
#include "cmd/output.h"
#include "base/fs.h"
#include "base/str.h"
#include "engine/spec_priv.h"
#include <fcntl.h>

/* A new file beside it, with the mode that it will have. */
static int open_temp(struct output *o, const struct stat *old, mode_t mode)
{
    mode_t mask = umask(0);
    int r = 0;

    umask(mask);
    o->temp = str_printf("%s.XXXXXX", o->path);
    if (!o->temp)
        return -ENOMEM;
    o->fd = mkostemp(o->temp, O_CLOEXEC);
    if (o->fd < 0)
        r = -errno;
    else if (fchmod(o->fd, old ? old->st_mode & 07777 : mode & ~mask) < 0 ||
             (old && fchown(o->fd, old->st_uid, old->st_gid) < 0))
        r = -errno;
    if (r < 0) {
        if (o->fd >= 0)
            unlink(o->temp);
        attr_closep(&o->fd);
        free(TAKE(o->temp));
    }
    return r;
}

int output_open(const char *path, mode_t mode, struct output *o, struct berth_error *err)
{
    struct stat st;
    bool there = stat(path, &st) == 0;
    int r = 0;

    *o = OUTPUT_NONE;
    o->path = there ? realpath(path, NULL) : strdup(path);
    if (!o->path)
        return fail(err, ENOMEM, "out of memory");
    if (there && access(path, W_OK) < 0)
        return spec_fail_errno(err, errno, "open %s", path);
    if (!there || S_ISREG(st.st_mode))
        r = open_temp(o, there ? &st : NULL, mode);
    if (r < 0 && !there)
        return spec_fail_errno(err, -r, "open %s", path);
    if (o->fd < 0)
        o->fd = open(o->path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
    return o->fd < 0 ? spec_fail_errno(err, errno, "open %s", path) : 0;
}

int output_done(struct output *o, struct berth_error *err)
{
    int r = 0;

    /* Pipes and devices have nothing to be synced. */
    if ((fsync(o->fd) < 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP) ||
        close(TAKE_FD(o->fd)) < 0)
        r = -errno;
    if (r == 0 && o->temp) {
        if (rename(o->temp, o->path) < 0)
            r = -errno;
        else
            free(TAKE(o->temp));
    }
    return r < 0 ? spec_fail_errno(err, -r, "writing %s", o->path) : 0;
}

void output_end(struct output *o)
{
    attr_closep(&o->fd);
    if (o->temp)
        unlink(o->temp);
    free(o->temp);
    free(o->path);
    *o = OUTPUT_NONE;
}
