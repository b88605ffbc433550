/* SPDX-License-Identifier: Apache-2.0 */
/* tar_write.c - the writer of tar.h: pax archives, byte for byte as podman makes them. */
#include "base/fs.h"
#include "base/str.h"
#include "base/tar.h"
#include <sys/sendfile.h>
#include <sys/sysmacros.h>

#define FLUSH (64 * 1024)

void tar_writer_init(struct tar_writer *w, int fd)
{
    *w = (struct tar_writer){.fd = fd};
}

void tar_writer_free(struct tar_writer *w)
{
    buf_free(&w->buf);
}

static int flush(struct tar_writer *w, struct berth_error *err)
{
    int r = buf_error(&w->buf);

    if (r < 0)
        return fail(err, ENOMEM, "out of memory writing an archive");
    r = fs_write_fd(w->fd, w->buf.data, w->buf.len);
    buf_reset(&w->buf);
    return r < 0 ? fail_errno(err, -r, "writing an archive") : 0;
}

static void put_zeros(struct tar_writer *w, size_t n)
{
    static const char zero[TAR_BLOCK];

    for (; n > TAR_BLOCK; n -= TAR_BLOCK)
        buf_put(&w->buf, zero, TAR_BLOCK);
    buf_put(&w->buf, zero, n);
}

/* ------------------------------------------------------------------ headers */

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100],
        magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a header is one block");

static bool is_ascii(const char *s)
{
    for (; *s; s++)
        if (*s & 0x80)
            return false;
    return true;
}

/* What of a text fits: the whole is in a record then. */
static void put_text(char *field, size_t len, const char *s)
{
    size_t n = 0;

    for (; *s && n < len; s++)
        if (!(*s & 0x80))
            field[n++] = *s;
    /* Old readers would take a file whose name was cut behind a slash for a directory. */
    if (*s)
        while (n && field[n - 1] == '/')
            field[--n] = '\0';
}

/* Zero where it does not fit: a record has it then. */
static void put_octal(char *field, size_t len, int64_t value)
{
    char text[24];

    if (value < 0 || (uint64_t)value >> (3 * (len - 1)))
        value = 0;
    snprintf(text, sizeof(text), "%0*llo", (int)len - 1, (long long)value);
    memcpy(field, text, len);
}

static void put_header(struct tar_writer *w, struct header *h)
{
    unsigned sum = 0;
    char text[8];

    memcpy(h->magic, "ustar", 6);
    memcpy(h->version, "00", 2);
    memset(h->sum, ' ', sizeof(h->sum));
    for (size_t i = 0; i < sizeof(*h); i++)
        sum += ((const unsigned char *)h)[i];
    snprintf(text, sizeof(text), "%06o", sum);
    memcpy(h->sum, text, 7);
    buf_put(&w->buf, h, sizeof(*h));
}

/* -------------------------------------------------------------- pax records */

/* One record; its length counts the digits of the length. */
static void put_record(struct berth_buf *out, const char *key, const char *value, size_t len)
{
    size_t body = strlen(key) + len + 3, total = body;
    char digits[24];

    for (;;) {
        size_t n = (size_t)snprintf(digits, sizeof(digits), "%zu", total);

        if (body + n == total)
            break;
        total = body + n;
    }
    buf_printf(out, "%s %s=", digits, key);
    buf_put(out, value, len);
    buf_putc(out, '\n');
}

static void put_number(struct berth_buf *out, const char *key, int64_t value)
{
    char text[24];

    put_record(out, key, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)value));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tar_xattr *)a)->name, ((const struct tar_xattr *)b)->name);
}

/* Everything that the header has no room for, sorted by key. */
static int records(const struct tar_entry *e, struct berth_buf *out)
{
    struct tar_xattr *sorted = calloc(e->n_xattrs + 1, sizeof(*sorted));

    if (!sorted)
        return -ENOMEM;
    if (e->n_xattrs)
        memcpy(sorted, e->xattrs, e->n_xattrs * sizeof(*sorted));
    SORT(sorted, e->n_xattrs, by_name);
    for (size_t i = 0; i < e->n_xattrs; i++) {
        _cleanup_free_ char *key = str_printf("SCHILY.xattr.%s", sorted[i].name);

        if (key)
            put_record(out, key, sorted[i].value, sorted[i].len);
    }
    free(sorted);
    if (e->gid > 07777777)
        put_number(out, "gid", e->gid);
    if (e->link && (strlen(e->link) > 100 || !is_ascii(e->link)))
        put_record(out, "linkpath", e->link, strlen(e->link));
    if (e->mtime.tv_sec < 0 || e->mtime.tv_sec > 077777777777)
        put_number(out, "mtime", e->mtime.tv_sec);
    if (strlen(e->name) > 100 || !is_ascii(e->name))
        put_record(out, "path", e->name, strlen(e->name));
    if (e->size > 077777777777)
        put_number(out, "size", e->size);
    if (e->uid > 07777777)
        put_number(out, "uid", e->uid);
    return buf_error(out);
}

/* The records are a file of their own: "DIR/PaxHeaders.0/NAME". */
static int put_records(struct tar_writer *w, const char *name, const struct berth_buf *text)
{
    const char *base = path_base(name);
    _cleanup_free_ char *whole =
        str_printf("%.*sPaxHeaders.0%s%s", (int)(base - name), name, *base ? "/" : "", base);
    _cleanup_free_ char *clean = whole ? path_clean(whole) : NULL;
    struct header h = {.type = 'x'};

    if (!clean)
        return -ENOMEM;
    put_text(h.name, sizeof(h.name), clean);
    put_octal(h.mode, sizeof(h.mode), 0);
    put_octal(h.uid, sizeof(h.uid), 0);
    put_octal(h.gid, sizeof(h.gid), 0);
    put_octal(h.size, sizeof(h.size), (int64_t)text->len);
    put_octal(h.mtime, sizeof(h.mtime), 0);
    put_header(w, &h);
    buf_put(&w->buf, text->data, text->len);
    put_zeros(w, -text->len % TAR_BLOCK);
    return buf_error(&w->buf);
}

int tar_put(struct tar_writer *w, const struct tar_entry *e, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf extra = BUF_INIT;
    struct header h = {.type = (char)e->type};
    int64_t size = e->type == TAR_FILE ? e->size : 0;

    if (records(e, &extra) < 0 || (extra.len && put_records(w, e->name, &extra) < 0))
        return fail(err, ENOMEM, "out of memory writing an archive");
    put_text(h.name, sizeof(h.name), e->name);
    put_octal(h.mode, sizeof(h.mode), e->mode);
    put_octal(h.uid, sizeof(h.uid), e->uid);
    put_octal(h.gid, sizeof(h.gid), e->gid);
    put_octal(h.size, sizeof(h.size), size);
    put_octal(h.mtime, sizeof(h.mtime), e->mtime.tv_sec);
    put_text(h.link, sizeof(h.link), str_or(e->link, ""));
    put_octal(h.major, sizeof(h.major), major(e->device));
    put_octal(h.minor, sizeof(h.minor), minor(e->device));
    put_header(w, &h);
    w->data = size;
    w->padding = (unsigned)(-(uint64_t)size % TAR_BLOCK);
    return w->buf.len >= FLUSH ? flush(w, err) : 0;
}

/* --------------------------------------------------------------------- data */

static void data_done(struct tar_writer *w)
{
    if (w->data == 0) {
        put_zeros(w, w->padding);
        w->padding = 0;
    }
}

int tar_write(struct tar_writer *w, const void *data, size_t len, struct berth_error *err)
{
    if ((uint64_t)w->data < len)
        return fail(err, EFBIG, "archive/tar: write too long");
    buf_put(&w->buf, data, len);
    w->data -= (int64_t)len;
    data_done(w);
    return w->buf.len >= FLUSH ? flush(w, err) : 0;
}

/* Through this process: small files, and where the kernel cannot do it by itself. */
static int copy_file(struct tar_writer *w, int fd, off_t from, struct berth_error *err)
{
    while (w->data > 0) {
        ssize_t n;

        if (buf_reserve(&w->buf, FLUSH) < 0)
            return fail(err, ENOMEM, "out of memory writing an archive");
        n = pread(fd, w->buf.data + w->buf.len, (size_t)MIN((int64_t)FLUSH, w->data), from);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, errno, "reading a file");
        if (n == 0)
            break;
        w->buf.len += (size_t)n;
        w->data -= n;
        from += n;
        if (w->buf.len >= FLUSH) {
            int r = flush(w, err);

            if (r < 0)
                return r;
        }
    }
    return 0;
}

int tar_write_file(struct tar_writer *w, int fd, struct berth_error *err)
{
    off_t at = 0;
    int r = 0, shrank = 0;

    if (w->data > FLUSH) {
        r = flush(w, err);
        if (r < 0)
            return r;
        while (w->data > 0) {
            ssize_t n = sendfile(w->fd, fd, &at, (size_t)MIN(w->data, 1 << 30));

            if (n <= 0)
                break;
            w->data -= n;
        }
    }
    r = copy_file(w, fd, at, err);
    while (r == 0 && w->data > 0) {
        size_t n = (size_t)MIN((int64_t)FLUSH, w->data);

        shrank = 1;
        put_zeros(w, n);
        w->data -= (int64_t)n;
        r = flush(w, err);
    }
    data_done(w);
    return r < 0 ? r : shrank;
}

int tar_end(struct tar_writer *w, struct berth_error *err)
{
    put_zeros(w, 2 * TAR_BLOCK);
    return flush(w, err);
}
