/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - bytes that grow: the one string builder, and what plugins know as the opaque
 * struct berth_buf.
 *
 * Appending never fails visibly: when memory runs out (or the limit is passed) the
 * buffer remembers it in `error`, drops what follows, and the user tests once, at the
 * end, with buf_error().  data[len] is always NUL, so data is a C string.
 */
#ifndef BERTH_BASE_BUF_H
#define BERTH_BASE_BUF_H

#include "base/attr.h"
#include <berth/plugin.h>
#include <stdbool.h>

struct berth_buf {
    char *data; /* NULL while empty and untouched */
    size_t len;
    size_t cap;
    size_t max; /* most bytes it may hold; 0: no limit */
    int error;  /* 0, -ENOMEM or -E2BIG */
};

#define BUF_INIT      ((struct berth_buf){0})
#define _cleanup_buf_ _cleanup_(buf_free)

void buf_free(struct berth_buf *b);

/* Empty it and keep the memory. */
void buf_reset(struct berth_buf *b);

/* Each returns 0 or the buffer's error. */
int buf_put(struct berth_buf *b, const void *data, size_t len);
int buf_puts(struct berth_buf *b, const char *s);
int buf_putc(struct berth_buf *b, char c);
int buf_printf(struct berth_buf *b, const char *fmt, ...) _printf_(2, 3);
int buf_vprintf(struct berth_buf *b, const char *fmt, va_list ap) _printf_(2, 0);

/* Room for at least n more bytes, so that a reader can write at data + len. */
int buf_reserve(struct berth_buf *b, size_t n);

/* The text; never NULL. */
const char *buf_str(const struct berth_buf *b);

/* The bytes; valid until the buffer changes. */
struct berth_blob buf_blob(const struct berth_buf *b);

static inline int buf_error(const struct berth_buf *b)
{
    return b->error;
}

/* Give the memory to the caller, who frees it; NULL when the buffer failed. */
char *buf_steal(struct berth_buf *b);

#endif
