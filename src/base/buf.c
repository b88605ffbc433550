/* SPDX-License-Identifier: Apache-2.0 */
/* buf.c - see buf.h. */
#include "base/buf.h"
#include <string.h>

void buf_free(struct berth_buf *b)
{
    free(b->data);
    *b = (struct berth_buf){.max = b->max};
}

void buf_reset(struct berth_buf *b)
{
    b->len = 0;
    b->error = 0;
    if (b->data)
        b->data[0] = '\0';
}

int buf_reserve(struct berth_buf *b, size_t n)
{
    size_t need, cap;
    char *data;

    if (b->error)
        return b->error;
    if (__builtin_add_overflow(b->len, n, &need) || need == SIZE_MAX ||
        (b->max && need > b->max))
        return b->error = -E2BIG;
    if (need + 1 <= b->cap)
        return 0;
    cap = b->cap ? b->cap : 64;
    while (cap < need + 1)
        cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
    data = realloc(b->data, cap);
    if (!data)
        return b->error = -ENOMEM;
    b->data = data;
    b->cap = cap;
    b->data[b->len] = '\0';
    return 0;
}

/* What most calls find: nothing has to be allocated. */
static bool has_room(const struct berth_buf *b, size_t n)
{
    return n < b->cap - b->len && !b->max && !b->error;
}

int buf_put(struct berth_buf *b, const void *data, size_t len)
{
    int r = has_room(b, len) ? 0 : buf_reserve(b, len);

    if (r < 0)
        return r;
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

int buf_puts(struct berth_buf *b, const char *s)
{
    return buf_put(b, s, strlen(s));
}

int buf_putc(struct berth_buf *b, char c)
{
    if (!has_room(b, 1))
        return buf_put(b, &c, 1);
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
    return 0;
}

int buf_vprintf(struct berth_buf *b, const char *fmt, va_list ap)
{
    va_list again;
    int n, r;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        return b->error = -ENOMEM;
    r = buf_reserve(b, (size_t)n);
    if (r < 0)
        return r;
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    b->len += (size_t)n;
    return 0;
}

int buf_printf(struct berth_buf *b, const char *fmt, ...)
{
    va_list ap;
    int r;

    va_start(ap, fmt);
    r = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return r;
}

const char *buf_str(const struct berth_buf *b)
{
    return b->data ? b->data : "";
}

struct berth_blob buf_blob(const struct berth_buf *b)
{
    return (struct berth_blob){buf_str(b), b->len};
}

char *buf_steal(struct berth_buf *b)
{
    char *data;

    if (b->error || buf_reserve(b, 0) < 0)
        return NULL;
    data = b->data;
    *b = (struct berth_buf){.max = b->max};
    return data;
}
