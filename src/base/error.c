/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - see error.h. */
#include "base/error.h"
#include <string.h>

void attr_closep(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

int error_vset(struct berth_error *err, int code, const char *file, int line, const char *fmt,
               va_list ap)
{
    if (!err)
        return -code;
    error_clear(err);
    err->code = code;
    err->file = file;
    err->line = line;
    if (vasprintf(&err->text, fmt, ap) < 0)
        err->text = NULL;
    return -code;
}

int error_set(struct berth_error *err, int code, const char *file, int line, const char *fmt,
              ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vset(err, code, file, line, fmt, ap);
    va_end(ap);
    return -code;
}

int error_set_errno(struct berth_error *err, int code, const char *file, int line,
                    const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vset(err, code, file, line, fmt, ap);
    va_end(ap);
    error_append(err, "%s", strerror(code));
    return -code;
}

/* Replace the text by before + middle + after; without memory the old text stays. */
static int replace_text(struct berth_error *err, const char *before, const char *after)
{
    char *joined;

    /* What fails without a word is memory, as error_text() has it; not success. */
    if (!err->code)
        err->code = ENOMEM;
    if (before && after && asprintf(&joined, "%s: %s", before, after) >= 0) {
        free(err->text);
        err->text = joined;
    }
    return -err->code;
}

int error_vwrap(struct berth_error *err, const char *fmt, va_list ap)
{
    _cleanup_free_ char *text = NULL;

    if (!err)
        return -EIO;
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    return replace_text(err, text, error_text(err));
}

int error_wrap(struct berth_error *err, const char *fmt, ...)
{
    va_list ap;
    int r;

    va_start(ap, fmt);
    r = error_vwrap(err, fmt, ap);
    va_end(ap);
    return r;
}

int error_append(struct berth_error *err, const char *fmt, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list ap;

    if (!err)
        return -EIO;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    return replace_text(err, error_text(err), text);
}

const char *error_text(const struct berth_error *err)
{
    if (!err)
        return "unknown failure";
    return err->text ? err->text : strerror(err->code ? err->code : ENOMEM);
}

void error_move(struct berth_error *to, struct berth_error *from)
{
    if (to) {
        error_clear(to);
        *to = *from;
        *from = ERROR_INIT;
    } else {
        error_clear(from);
    }
}

void error_clear(struct berth_error *err)
{
    if (!err)
        return;
    free(err->text);
    *err = ERROR_INIT;
}
