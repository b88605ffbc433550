/* SPDX-License-Identifier: Apache-2.0 */
/* tar_read.c - the reader of tar.h: old tar, POSIX ustar and pax, GNU long names and sparse
 * files. */
#include "base/str.h"
#include "base/tar.h"
#include <limits.h>
#include <sys/sysmacros.h>

#define BUFFER    (64 * 1024)
#define META_MAX  (1024 * 1024) /* names and attributes of one entry: Go's limit too */
#define PIECE_MAX 1000000       /* parts of a sparse file */
#define TAIL_MAX  (1024 * 1024) /* zeros behind the end that are read, not to break a pipe */

/* Where the fields are. */
enum {
    AT_NAME = 0,
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_MTIME = 136,
    AT_SUM = 148,
    AT_TYPE = 156,
    AT_LINK = 157,
    AT_MAGIC = 257,
    AT_MAJOR = 329,
    AT_MINOR = 337,
    AT_PREFIX = 345,
    GNU_AT_PIECES = 386, /* in the header: 4 pairs of numbers */
    GNU_AT_MORE = 482,
    GNU_AT_SIZE = 483,
    GNU_MORE_AT_MORE = 504, /* in a block of 21 more pairs */
};

void tar_entry_free(struct tar_entry *e)
{
    for (size_t i = 0; i < e->n_xattrs; i++) {
        free(e->xattrs[i].name);
        free(e->xattrs[i].value);
    }
    free(e->xattrs);
    free(e->pieces);
    free(e->name);
    free(e->link);
    *e = (struct tar_entry){0};
}

int tar_add_xattr(struct tar_entry *e, const char *name, const void *value, size_t len)
{
    struct tar_xattr *grown = reallocarray(e->xattrs, e->n_xattrs + 1, sizeof(*grown)), *x;

    if (!grown)
        return -ENOMEM;
    e->xattrs = grown;
    x = &grown[e->n_xattrs];
    x->name = strdup(name);
    x->value = calloc(1, len + 1);
    x->len = len;
    if (!x->name || !x->value) {
        free(x->name);
        free(x->value);
        return -ENOMEM;
    }
    if (len)
        memcpy(x->value, value, len);
    e->n_xattrs++;
    return 0;
}

void tar_reader_init(struct tar_reader *r, int fd)
{
    *r = (struct tar_reader){.fd = fd};
}

void tar_reader_free(struct tar_reader *r)
{
    free(r->buf);
    r->buf = NULL;
}

static int damaged(struct berth_error *err, const char *why)
{
    return fail(err, EUCLEAN, "archive/tar: %s", why);
}

static int no_memory(struct berth_error *err)
{
    return fail(err, ENOMEM, "out of memory reading an archive");
}

/* ------------------------------------------------------------------- bytes */

/* Something in the buffer: 1; the end of the stream: 0. */
static int fill(struct tar_reader *r, struct berth_error *err)
{
    ssize_t n;

    if (r->at < r->n)
        return 1;
    if (!r->buf && !(r->buf = malloc(BUFFER)))
        return no_memory(err);
    do
        n = read(r->fd, r->buf, BUFFER);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail_errno(err, errno, "reading an archive");
    r->at = 0;
    r->n = (size_t)n;
    return n > 0;
}

/* Up to len bytes, fewer only at the end of the stream.  data NULL: skip them. */
static int64_t take(struct tar_reader *r, char *data, int64_t len, struct berth_error *err)
{
    int64_t done = 0;

    while (done < len) {
        int more = fill(r, err);
        size_t n;

        if (more < 0)
            return more;
        if (more == 0)
            break;
        n = (size_t)MIN((int64_t)(r->n - r->at), len - done);
        if (data)
            memcpy(data + done, r->buf + r->at, n);
        r->at += n;
        done += (int64_t)n;
    }
    return done;
}

static int take_all(struct tar_reader *r, char *data, int64_t len, struct berth_error *err)
{
    int64_t n = take(r, data, len, err);

    if (n < 0)
        return (int)n;
    return n < len ? damaged(err, "the archive is cut off") : 0;
}

/* Large data of files that nobody wants is jumped over where the stream can do it. */
static int skip(struct tar_reader *r, int64_t len, struct berth_error *err)
{
    int64_t buffered = (int64_t)(r->n - r->at);

    if (len > buffered + BUFFER && lseek(r->fd, 0, SEEK_CUR) >= 0) {
        off_t end = lseek(r->fd, 0, SEEK_CUR) + (len - buffered - 1);

        /* The last byte is read, so that an archive that is cut off does not go unnoticed. */
        if (lseek(r->fd, end, SEEK_SET) == end) {
            r->at = r->n = 0;
            len = 1;
        }
    }
    return take_all(r, NULL, len, err);
}

/* ----------------------------------------------------------------- numbers */

/* Binary numbers of GNU tar: the top bit of the field is set, two's complement. */
static int parse_binary(const unsigned char *field, size_t len, int64_t *out)
{
    uint64_t value = field[0] & 0x40 ? UINT64_MAX : 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char byte = i ? field[i] : (unsigned char)(field[0] & 0x7f);

        if (i == 0 && field[0] & 0x40)
            byte |= 0x80;
        if ((value >> 55) != 0 && (value >> 55) != 0x1ff)
            return -ERANGE;
        value = value << 8 | byte;
    }
    *out = (int64_t)value;
    return 0;
}

static int parse_number(const char *field, size_t len, int64_t *out)
{
    uint64_t value = 0;
    size_t i = 0;

    if (field[0] & 0x80)
        return parse_binary((const unsigned char *)field, len, out);
    while (i < len && (field[i] == ' ' || field[i] == '\0'))
        i++;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++) {
        if (value >> 60)
            return -ERANGE;
        value = value << 3 | (uint64_t)(field[i] - '0');
    }
    if (i < len && field[i] != ' ' && field[i] != '\0')
        return -EINVAL;
    *out = (int64_t)value;
    return 0;
}

static bool is_zero(const char *block)
{
    static const char zero[TAR_BLOCK];

    return memcmp(block, zero, TAR_BLOCK) == 0;
}

static bool sum_is_right(const char *block)
{
    int64_t want, plain = 0, with_sign = 0;

    if (parse_number(block + AT_SUM, 8, &want) < 0)
        return false;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        char c = i >= AT_SUM && i < AT_SUM + 8 ? ' ' : block[i];

        plain += (unsigned char)c;
        with_sign += (signed char)c;
    }
    return want == plain || want == with_sign;
}

/* ------------------------------------------------------------- pax records */

/* What extended headers say of the entry that follows. */
struct extra {
    struct tar_entry e; /* name, link, owner, time, attributes */
    bool has_size, has_uid, has_gid, has_mtime;
    int64_t size;
    char *sparse_name;
    int64_t sparse_size;     /* -1: no such record */
    int64_t sparse_major;    /* 1: the map is in front of the data */
    struct berth_buf sparse; /* "offset,length,..." */
};

static void extra_free(struct extra *x)
{
    tar_entry_free(&x->e);
    free(x->sparse_name);
    buf_free(&x->sparse);
}

/* "1350244992.023960108": seconds, perhaps with a fraction, perhaps negative. */
static int parse_time(const char *s, struct timespec *out)
{
    char *end;
    long nanoseconds = 0, unit = 100000000;
    long long seconds;

    errno = 0;
    seconds = strtoll(s, &end, 10);
    if (end == s || errno)
        return -EINVAL;
    if (*end == '.')
        for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
            nanoseconds += unit * (*end - '0');
    if (*end)
        return -EINVAL;
    if (*s == '-' && nanoseconds) {
        if (seconds == LLONG_MIN)
            return -EINVAL;
        seconds--;
        nanoseconds = 1000000000 - nanoseconds;
    }
    *out = (struct timespec){.tv_sec = seconds, .tv_nsec = nanoseconds};
    return 0;
}

static int number_record(const char *value, bool *has, int64_t *out)
{
    *has = true;
    return str_to_i64(value, out) < 0 || *out < 0 ? -EINVAL : 0;
}

static int id_record(const char *value, bool *has, uint32_t *out)
{
    int64_t id;
    int r = number_record(value, has, &id);

    if (r < 0 || id > UINT32_MAX - 1)
        return -EINVAL;
    *out = (uint32_t)id;
    return 0;
}

static int sparse_record(struct extra *x, const char *key, const char *value)
{
    bool has;

    if (str_eq(key, "name"))
        return str_set(&x->sparse_name, value);
    if (str_eq(key, "realsize") || str_eq(key, "size"))
        return number_record(value, &has, &x->sparse_size);
    if (str_eq(key, "major"))
        return number_record(value, &has, &x->sparse_major);
    if (str_eq(key, "map"))
        return buf_puts(&x->sparse, value);
    if (str_eq(key, "offset") || str_eq(key, "numbytes"))
        return buf_printf(&x->sparse, "%s%s", x->sparse.len ? "," : "", value);
    return 0;
}

static int record(struct extra *x, const char *key, const char *value, size_t len)
{
    const char *name;

    if ((name = str_starts(key, "SCHILY.xattr.")))
        return *name ? tar_add_xattr(&x->e, name, value, len) : -EINVAL;
    if (strlen(value) != len)
        return -EINVAL;
    if ((name = str_starts(key, "GNU.sparse.")))
        return sparse_record(x, name, value);
    if (str_eq(key, "path"))
        return str_set(&x->e.name, value);
    if (str_eq(key, "linkpath"))
        return str_set(&x->e.link, value);
    if (str_eq(key, "size"))
        return number_record(value, &x->has_size, &x->size);
    if (str_eq(key, "uid"))
        return id_record(value, &x->has_uid, &x->e.uid);
    if (str_eq(key, "gid"))
        return id_record(value, &x->has_gid, &x->e.gid);
    if (str_eq(key, "mtime")) {
        x->has_mtime = true;
        return parse_time(value, &x->e.mtime);
    }
    return 0;
}

/* Records "LENGTH KEY=VALUE\n"; LENGTH counts all of it. */
static int parse_records(char *text, size_t len, struct extra *x)
{
    while (len) {
        char *end, *equals;
        unsigned long n;
        int r;

        if (*text < '0' || *text > '9')
            return -EINVAL;
        n = strtoul(text, &end, 10);
        if (*end != ' ' || n > len || text + n < end + 2 || text[n - 1] != '\n')
            return -EINVAL;
        text[n - 1] = '\0';
        equals = strchr(end + 1, '=');
        if (!equals || equals == end + 1)
            return -EINVAL;
        *equals = '\0';
        r = record(x, end + 1, equals + 1, (size_t)(text + n - 1 - (equals + 1)));
        if (r < 0)
            return r;
        text += n;
        len -= n;
    }
    return 0;
}

/* The data of a header that speaks of the next one. */
static int read_meta(struct tar_reader *r, int64_t size, struct berth_buf *out,
                     struct berth_error *err)
{
    int64_t padded = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    int done;

    if (size > META_MAX)
        return damaged(err, "header field too long");
    if (buf_reserve(out, (size_t)padded + 1) < 0)
        return no_memory(err);
    done = take_all(r, out->data, padded, err);
    if (done < 0)
        return done;
    out->len = (size_t)size;
    out->data[size] = '\0';
    return 0;
}

static int read_extra(struct tar_reader *r, char type, int64_t size, struct extra *x,
                      struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int done = read_meta(r, size, &text, err);

    if (done < 0)
        return done;
    if (type == 'L' || type == 'K')
        done = str_set(type == 'L' ? &x->e.name : &x->e.link, text.data);
    else if (type == 'x')
        done = parse_records(text.data, text.len, x);
    if (done == -ENOMEM)
        return no_memory(err);
    return done < 0 ? damaged(err, "invalid tar header") : 0;
}

/* ------------------------------------------------------------ sparse files */

static int add_piece(struct tar_entry *e, int64_t offset, int64_t len)
{
    struct tar_piece *last = e->n_pieces ? &e->pieces[e->n_pieces - 1] : NULL;

    if (offset < 0 || len < 0 || offset > e->size || len > e->size - offset ||
        (last && offset < last->offset + last->len) || e->n_pieces >= PIECE_MAX)
        return -EINVAL;
    if ((e->n_pieces & (e->n_pieces - 1)) == 0) {
        size_t room = e->n_pieces ? e->n_pieces * 2 : 1;
        struct tar_piece *grown = reallocarray(e->pieces, room, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        e->pieces = grown;
    }
    e->pieces[e->n_pieces++] = (struct tar_piece){.offset = offset, .len = len};
    return 0;
}

/* Pairs of numbers in a header or a block of its own; a pair without length is no piece. */
static int add_pairs(struct tar_entry *e, const char *at, size_t n)
{
    for (; n; n--, at += 24) {
        int64_t offset, len;
        int r;

        if (at[0] == '\0')
            break;
        if (parse_number(at, 12, &offset) < 0 || parse_number(at + 12, 12, &len) < 0)
            return -EINVAL;
        r = add_piece(e, offset, len);
        if (r < 0)
            return r;
    }
    return 0;
}

static int gnu_sparse(struct tar_reader *r, const char *header, struct tar_entry *e,
                      struct berth_error *err)
{
    char block[TAR_BLOCK];
    bool more = header[GNU_AT_MORE];
    int done = 0;

    if (parse_number(header + GNU_AT_SIZE, 12, &e->size) < 0 || e->size < 0)
        return damaged(err, "invalid sparse file");
    done = add_pairs(e, header + GNU_AT_PIECES, 4);
    while (done == 0 && more) {
        done = take_all(r, block, TAR_BLOCK, err);
        if (done < 0)
            return done;
        done = add_pairs(e, block, 21);
        more = block[GNU_MORE_AT_MORE];
    }
    if (done == 0 && !e->pieces)
        done = add_piece(e, e->size, 0); /* all of it is a hole */
    return done < 0 ? damaged(err, "invalid sparse file") : 0;
}

static int map_pieces(struct tar_entry *e, const char *text)
{
    while (*text) {
        int64_t pair[2];
        int r;

        for (size_t i = 0; i < 2; i++) {
            char *end;

            if (*text < '0' || *text > '9')
                return -EINVAL;
            errno = 0;
            pair[i] = strtoll(text, &end, 10);
            if (errno || (*end && *end != ',') || (i == 0 && !*end))
                return -EINVAL;
            text = *end ? end + 1 : end;
        }
        r = add_piece(e, pair[0], pair[1]);
        if (r < 0)
            return r;
    }
    return e->pieces ? 0 : add_piece(e, e->size, 0);
}

/* A decimal number and a newline, from the data of the entry. */
static int data_number(struct tar_reader *r, int64_t *out, struct berth_error *err)
{
    *out = 0;
    for (int i = 0; i < 20; i++) {
        char c = 0;
        ssize_t n = tar_read(r, &c, 1, err);

        if (n < 0)
            return (int)n;
        if (n == 1 && c == '\n' && i > 0)
            return 0;
        if (n == 0 || c < '0' || c > '9' || *out > (INT64_MAX - 9) / 10)
            break;
        *out = *out * 10 + (c - '0');
    }
    return damaged(err, "invalid sparse file");
}

/* Version 1.0: number of pieces and the pieces, in text, filling whole blocks. */
static int data_pieces(struct tar_reader *r, struct tar_entry *e, struct berth_error *err)
{
    int64_t before = r->data, n, used;
    int done = data_number(r, &n, err);

    for (; done == 0 && n > 0; n--) {
        int64_t offset, len;

        done = data_number(r, &offset, err);
        if (done == 0)
            done = data_number(r, &len, err);
        if (done == 0 && add_piece(e, offset, len) < 0)
            done = damaged(err, "invalid sparse file");
    }
    if (done < 0)
        return done;
    used = (before - r->data) % TAR_BLOCK;
    if (used && r->data < TAR_BLOCK - used)
        return damaged(err, "invalid sparse file");
    if (used) {
        done = take_all(r, NULL, TAR_BLOCK - used, err);
        r->data -= TAR_BLOCK - used;
    }
    if (done == 0 && !e->pieces)
        add_piece(e, e->size, 0);
    return done;
}

static int pax_sparse(struct tar_reader *r, struct extra *x, struct tar_entry *e,
                      struct berth_error *err)
{
    if (x->sparse_size < 0)
        return 0;
    e->size = x->sparse_size;
    if (x->sparse_name) {
        free(e->name);
        e->name = TAKE(x->sparse_name);
    }
    if (x->sparse_major == 1)
        return data_pieces(r, e, err);
    return map_pieces(e, buf_str(&x->sparse)) < 0 ? damaged(err, "invalid sparse file") : 0;
}

/* The pieces and the data behind the header must be of one size. */
static int check_pieces(const struct tar_reader *r, const struct tar_entry *e,
                        struct berth_error *err)
{
    int64_t sum = 0;

    if (!e->pieces)
        return 0;
    for (size_t i = 0; i < e->n_pieces; i++)
        sum += e->pieces[i].len;
    return sum == r->data ? 0 : damaged(err, "invalid sparse file");
}

/* ------------------------------------------------------------------ headers */

static char *field_text(const char *field, size_t len)
{
    return strndup(field, len);
}

static int header_names(const char *b, struct tar_entry *e)
{
    bool posix = memcmp(b + AT_MAGIC, "ustar\0", 6) == 0;
    _cleanup_free_ char *name = field_text(b + AT_NAME, 100);

    if (posix && b[AT_PREFIX] && !e->name) {
        if (name)
            e->name = str_printf("%.155s/%s", b + AT_PREFIX, name);
    } else if (!e->name) {
        e->name = TAKE(name);
    }
    if (!e->link)
        e->link = field_text(b + AT_LINK, 100);
    return e->name && e->link ? 0 : -ENOMEM;
}

static int header_numbers(const char *b, const struct extra *x, struct tar_entry *e)
{
    int64_t mode, uid, gid, mtime, major = 0, minor = 0;

    if (parse_number(b + AT_MODE, 8, &mode) < 0 || parse_number(b + AT_UID, 8, &uid) < 0 ||
        parse_number(b + AT_GID, 8, &gid) < 0 || parse_number(b + AT_MTIME, 12, &mtime) < 0)
        return -EINVAL;
    if ((e->type == TAR_CHAR_DEVICE || e->type == TAR_BLOCK_DEVICE) &&
        (parse_number(b + AT_MAJOR, 8, &major) < 0 ||
         parse_number(b + AT_MINOR, 8, &minor) < 0))
        return -EINVAL;
    if ((!x->has_uid && (uid < 0 || uid > UINT32_MAX - 1)) ||
        (!x->has_gid && (gid < 0 || gid > UINT32_MAX - 1)) || major < 0 || major > UINT32_MAX ||
        minor < 0 || minor > UINT32_MAX)
        return -EINVAL;
    e->mode = (mode_t)mode & 07777;
    e->uid = x->has_uid ? x->e.uid : (uid_t)uid;
    e->gid = x->has_gid ? x->e.gid : (gid_t)gid;
    e->mtime = x->has_mtime ? x->e.mtime : (struct timespec){.tv_sec = mtime};
    e->device = makedev((unsigned)major, (unsigned)minor);
    return 0;
}

/* One word for the kinds that several programs write differently. */
static int header_type(const char *b, struct tar_entry *e, struct berth_error *err)
{
    char type = b[AT_TYPE];

    if (type == '\0' || type == '7' || type == 'S')
        type = TAR_FILE;
    if (type == TAR_FILE && str_ends(e->name, "/"))
        type = TAR_DIRECTORY;
    if (type < TAR_FILE || type > TAR_FIFO)
        return fail(err, ENOTSUP, "unhandled tar header type %d of %s",
                    (unsigned char)b[AT_TYPE], e->name);
    e->type = (enum tar_type)type;
    return 0;
}

static int entry(struct tar_reader *r, const char *b, int64_t size, struct extra *x,
                 struct tar_entry *out, struct berth_error *err)
{
    _cleanup_tar_entry_ struct tar_entry e = {0};
    int done;

    e.name = TAKE(x->e.name);
    e.link = TAKE(x->e.link);
    if (header_names(b, &e) < 0)
        return no_memory(err);
    e.xattrs = TAKE(x->e.xattrs);
    e.n_xattrs = x->e.n_xattrs;
    x->e.n_xattrs = 0;
    done = header_type(b, &e, err);
    if (done < 0)
        return done;
    if (header_numbers(b, x, &e) < 0)
        return damaged(err, "invalid tar header");
    /* Links carry a size in some archives, but no data. */
    if (e.type == TAR_FILE) {
        r->data = e.size = x->has_size ? x->size : size;
        r->padding = (unsigned)(-(uint64_t)r->data % TAR_BLOCK);
        done = b[AT_TYPE] == 'S' ? gnu_sparse(r, b, &e, err) : pax_sparse(r, x, &e, err);
        if (done == 0)
            done = check_pieces(r, &e, err);
    }
    if (done == 0) {
        tar_entry_free(out);
        *out = e;
        e = (struct tar_entry){0};
    }
    return done < 0 ? done : 1;
}

/* Behind the last entry there is padding, which the program that writes wants to get rid of. */
static int finish(struct tar_reader *r, struct berth_error *err)
{
    int64_t n = take(r, NULL, TAIL_MAX, err);

    return n < 0 ? (int)n : 0;
}

static int next_header(struct tar_reader *r, char b[static TAR_BLOCK], int64_t *size,
                       struct berth_error *err)
{
    int64_t n = take(r, b, TAR_BLOCK, err);

    if (n <= 0)
        return (int)n;
    if (n < TAR_BLOCK)
        return damaged(err, "the archive is cut off");
    if (is_zero(b))
        return finish(r, err);
    if (!sum_is_right(b) || parse_number(b + AT_SIZE, 12, size) < 0 || *size < 0)
        return damaged(err, "invalid tar header");
    return 1;
}

int tar_next(struct tar_reader *r, struct tar_entry *out, struct berth_error *err)
{
    struct extra x = {.sparse_size = -1};
    char b[TAR_BLOCK];
    int64_t size = 0;
    int done = skip(r, r->data, err);

    if (done == 0)
        done = take_all(r, NULL, r->padding, err);
    r->data = r->padding = 0;
    while (done == 0) {
        done = next_header(r, b, &size, err);
        if (done <= 0)
            break;
        if (strchr("xgLK", b[AT_TYPE]) && b[AT_TYPE])
            done = read_extra(r, b[AT_TYPE], size, &x, err);
        else
            done = entry(r, b, size, &x, out, err);
    }
    extra_free(&x);
    return done;
}

ssize_t tar_read(struct tar_reader *r, void *data, size_t len, struct berth_error *err)
{
    size_t n;
    int more;

    if (r->data == 0 || len == 0)
        return 0;
    more = fill(r, err);
    if (more < 0)
        return more;
    if (more == 0)
        return damaged(err, "the archive is cut off");
    n = (size_t)MIN((int64_t)MIN(len, r->n - r->at), r->data);
    memcpy(data, r->buf + r->at, n);
    r->at += n;
    r->data -= (int64_t)n;
    return (ssize_t)n;
}
