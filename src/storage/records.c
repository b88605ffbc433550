/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - see records.h. */
#include "storage/records.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "storage/scan.h"
#include <fcntl.h>

#define FILE_MAX (256u << 20)

static const char *const field_names[RECORD_FIELDS] = {
    [RECORD_ID] = "id",           [RECORD_NAMES] = "names",   [RECORD_IMAGE] = "image",
    [RECORD_LAYER] = "layer",     [RECORD_PARENT] = "parent", [RECORD_METADATA] = "metadata",
    [RECORD_CREATED] = "created", [RECORD_FLAGS] = "flags",
};

int records_init(struct records *r, const char *path)
{
    *r = (struct records){.path = strdup(path)};
    return r->path ? 0 : -ENOMEM;
}

static void forget(struct records *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->items[i].own);
    r->n = 0;
    r->loaded = false;
    buf_reset(&r->file);
}

void records_clear(struct records *r)
{
    forget(r);
    free(r->items);
    free(r->path);
    buf_free(&r->file);
    *r = (struct records){0};
}

/* ------------------------------------------------------------------ strings */

/* Is this JSON text the string s? */
static bool text_is(struct berth_blob text, const char *s)
{
    size_t len = strlen(s);
    _cleanup_buf_ struct berth_buf plain = BUF_INIT;

    if (!text.data || text.len < 2 || *(const char *)text.data != '"')
        return false;
    if (!memchr(text.data, '\\', text.len))
        return text.len == len + 2 && memcmp((const char *)text.data + 1, s, len) == 0;
    return json_text_str(text, &plain) == 0 && str_eq(buf_str(&plain), s);
}

/* The next string of an array of strings whose opening bracket is behind s. */
static bool next_string(struct scan *s, struct berth_blob *out)
{
    if (scan_peek(s, ']') || s->at == s->end)
        return false;
    scan_char(s, ',');
    return scan_string(s, out);
}

static bool open_array(struct berth_blob text, struct scan *s)
{
    if (!text.data)
        return false;
    *s = (struct scan){text.data, (const char *)text.data + text.len};
    return scan_char(s, '[');
}

bool record_has(const struct record *rec, enum record_field field)
{
    struct berth_blob text = rec->field[field];

    return text.data && !(text.len == 4 && memcmp(text.data, "null", 4) == 0);
}

bool record_has_name(const struct record *rec, const char *name)
{
    struct berth_blob item;
    struct scan s;

    if (open_array(rec->field[RECORD_NAMES], &s))
        while (next_string(&s, &item))
            if (text_is(item, name))
                return true;
    return false;
}

int record_names(const struct record *rec, struct berth_list *out)
{
    struct berth_blob item;
    struct scan s;

    if (open_array(rec->field[RECORD_NAMES], &s))
        while (next_string(&s, &item)) {
            _cleanup_buf_ struct berth_buf plain = BUF_INIT;

            if (json_text_str(item, &plain) < 0)
                return -EUCLEAN;
            list_add(out, buf_str(&plain));
        }
    return out->error;
}

int record_str(const struct record *rec, enum record_field field, struct berth_buf *out)
{
    return json_text_str(rec->field[field], out) < 0 ? -EUCLEAN : buf_error(out);
}

bool record_flag(const struct record *rec, const char *flag)
{
    struct berth_blob value;
    bool set = false;

    if (!rec->field[RECORD_FLAGS].data ||
        json_project(rec->field[RECORD_FLAGS], &flag, 1, &value, NULL) < 0)
        return false;
    return json_text_bool(value, &set) == 0 && set;
}

/* ------------------------------------------------------------------ reading */

static bool is_string(struct berth_blob text)
{
    return text.data && *(const char *)text.data == '"';
}

/* IDs name files and folders. */
static bool is_safe_id(struct berth_blob text)
{
    const char *at = text.data;

    if (!is_string(text) || text.len < 3 || at[1] == '.')
        return false;
    for (size_t i = 1; i < text.len - 1; i++)
        if (!((at[i] >= 'a' && at[i] <= 'z') || (at[i] >= 'A' && at[i] <= 'Z') ||
              (at[i] >= '0' && at[i] <= '9') || strchr("._-", at[i])))
            return false;
    return true;
}

static bool is_string_array(struct berth_blob text)
{
    struct berth_blob item;
    struct scan s;

    if (!open_array(text, &s))
        return false;
    if (scan_peek(&s, ']'))
        return true;
    do {
        if (!scan_string(&s, &item))
            return false;
    } while (scan_char(&s, ','));
    return true;
}

static const char *check_types(struct record *rec)
{
    for (size_t i = 0; i < RECORD_FIELDS; i++) {
        if (!record_has(rec, i))
            continue;
        if (i == RECORD_NAMES   ? !is_string_array(rec->field[i])
            : i == RECORD_FLAGS ? *(const char *)rec->field[i].data != '{'
                                : !is_string(rec->field[i]))
            return field_names[i];
    }
    /* A layer's ID is empty in records of containers without one. */
    if (!is_safe_id(rec->field[RECORD_ID]))
        return "id";
    if (record_has(rec, RECORD_LAYER) && rec->field[RECORD_LAYER].len > 2 &&
        !is_safe_id(rec->field[RECORD_LAYER]))
        return "layer";
    return NULL;
}

/* One record at s.  *wrong: the member of a wrong type, if that is the trouble. */
static bool read_record(struct scan *s, struct record *rec, const char **wrong)
{
    struct berth_blob key, value;
    const char *start;

    *rec = (struct record){0};
    if (!scan_char(s, '{'))
        return false;
    start = s->at - 1;
    if (!scan_char(s, '}')) {
        do {
            if (!scan_string(s, &key) || !scan_char(s, ':') || !scan_value(s, &value))
                return false;
            for (size_t i = 0; i < RECORD_FIELDS; i++)
                if (text_is(key, field_names[i]))
                    rec->field[i] = value;
        } while (scan_char(s, ','));
        if (!scan_char(s, '}'))
            return false;
    }
    rec->text = (struct berth_blob){start, (size_t)(s->at - start)};
    *wrong = check_types(rec);
    return !*wrong;
}

static int push(struct records *r, const struct record *rec)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        struct record *items = reallocarray(r->items, cap, sizeof(*items));

        if (!items)
            return -ENOMEM;
        r->items = items;
        r->cap = cap;
    }
    r->items[r->n++] = *rec;
    return 0;
}

static int parse(struct records *r, struct berth_error *err)
{
    struct scan s = {buf_str(&r->file), buf_str(&r->file) + r->file.len};
    const char *start = s.at, *wrong = NULL;
    struct record rec;

    if (scan_end(&s))
        return 0;
    if (!scan_char(&s, '['))
        return fail(err, EUCLEAN, "%s is not a JSON array", r->path);
    if (!scan_char(&s, ']')) {
        do {
            if (!read_record(&s, &rec, &wrong))
                goto damaged;
            if (push(r, &rec) < 0)
                return fail(err, ENOMEM, "out of memory reading %s", r->path);
        } while (scan_char(&s, ','));
        if (!scan_char(&s, ']'))
            goto damaged;
    }
    if (scan_end(&s))
        return 0;
damaged:
    if (wrong)
        return fail(err, EUCLEAN, "%s is damaged: bad member \"%s\" in record %zu", r->path,
                    wrong, r->n);
    return fail(err, EUCLEAN, "%s is damaged: not valid JSON at byte %zu", r->path,
                (size_t)(s.at - start));
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int records_load(struct records *r, struct berth_error *err)
{
    _cleanup_close_ int fd = -1;
    struct stat st;
    int n;

    if (r->loaded && stat(r->path, &st) == 0 && same_file(&st, &r->seen))
        return 0;
    forget(r);
    fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || fstat(fd, &r->seen) < 0)
        return fail_errno(err, errno, "open %s", r->path);
    n = fs_read_fd(fd, r->path, FILE_MAX, &r->file, err);
    if (n == 0)
        n = parse(r, err);
    if (n < 0) {
        forget(r);
        return n;
    }
    r->loaded = true;
    return 0;
}

/* ------------------------------------------------------------------ writing */

static int write_temp(struct records *r, const char *temp, int fd, const struct berth_buf *text,
                      struct berth_error *err)
{
    int n = fs_write_fd(fd, text->data, text->len);

    if (n == 0 && (fdatasync(fd) < 0 || fstat(fd, &r->seen) < 0))
        n = -errno;
    if (n == 0 && rename(temp, r->path) < 0)
        n = -errno;
    return n < 0 ? fail_errno(err, -n, "writing %s", r->path) : 0;
}

int records_save(struct records *r, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    size_t dir_len = (size_t)(path_base(r->path) - r->path);
    _cleanup_free_ char *temp =
        str_printf("%.*s.tmp-%sXXXXXX", (int)dir_len, r->path, r->path + dir_len);
    _cleanup_close_ int fd = -1;
    int n;

    buf_putc(&text, '[');
    for (size_t i = 0; i < r->n; i++) {
        if (i)
            buf_putc(&text, ',');
        buf_put(&text, r->items[i].text.data, r->items[i].text.len);
    }
    buf_putc(&text, ']');
    r->loaded = false;
    if (!temp || buf_error(&text))
        return fail(err, ENOMEM, "out of memory writing %s", r->path);
    fd = mkostemp(temp, O_CLOEXEC); /* 0600 */
    if (fd < 0)
        return fail_errno(err, errno, "creating %s", temp);
    n = write_temp(r, temp, fd, &text, err);
    if (n < 0)
        unlink(temp);
    r->loaded = n == 0;
    return n;
}

/* ------------------------------------------------------------------ finding */

ssize_t records_find(const struct records *r, enum record_field field, const char *value)
{
    for (size_t i = 0; i < r->n; i++)
        if (text_is(r->items[i].field[field], value))
            return (ssize_t)i;
    return -1;
}

/* Of two records with one name the later one has it. */
ssize_t records_find_name(const struct records *r, const char *name)
{
    for (size_t i = r->n; i-- > 0;)
        if (record_has_name(&r->items[i], name))
            return (ssize_t)i;
    return -1;
}

ssize_t records_find_prefix(const struct records *r, const char *prefix)
{
    size_t len = strlen(prefix);
    ssize_t found = -1;

    if (len == 0)
        return -1;
    for (size_t i = 0; i < r->n; i++) {
        struct berth_blob id = r->items[i].field[RECORD_ID];

        if (id.len < len + 2 || memcmp((const char *)id.data + 1, prefix, len) != 0)
            continue;
        if (found >= 0)
            return -2;
        found = (ssize_t)i;
    }
    return found;
}

/* ----------------------------------------------------------------- changing */

/* Make `text`, which is owned from here on, the text of a record. */
static int adopt(struct record *rec, char *text, struct berth_error *err)
{
    struct scan s = {text, text ? text + strlen(text) : NULL};
    const char *wrong = NULL;

    if (!text)
        return fail(err, ENOMEM, "out of memory");
    if (!read_record(&s, rec, &wrong) || !scan_end(&s)) {
        free(text);
        *rec = (struct record){0};
        return fail(err, EINVAL, "not a storage record");
    }
    rec->own = text;
    return 0;
}

int records_append(struct records *r, const char *text, size_t len, struct berth_error *err)
{
    struct record rec;
    int n = adopt(&rec, strndup(text, len), err);

    if (n < 0)
        return n;
    if (push(r, &rec) < 0) {
        free(rec.own);
        return fail(err, ENOMEM, "out of memory");
    }
    return 0;
}

void records_remove(struct records *r, size_t i)
{
    free(r->items[i].own);
    r->n--;
    memmove(r->items + i, r->items + i + 1, (r->n - i) * sizeof(*r->items));
}

/* Put `value` in place of a member, or behind the ID where there is none; with an empty
 * value, drop the member. */
static int set_field(struct record *rec, enum record_field field, const char *value,
                     struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const char *start = rec->text.data, *end = start + rec->text.len;
    struct berth_blob old = rec->field[field], id = rec->field[RECORD_ID];
    const char *id_end = (const char *)id.data + id.len;
    struct record next;
    int n;

    if (old.data) {
        const char *from = old.data, *to = from + old.len;

        buf_put(&text, start, (size_t)(from - start));
        buf_puts(&text, *value ? value : "null");
        buf_put(&text, to, (size_t)(end - to));
    } else {
        buf_put(&text, start, (size_t)(id_end - start));
        if (*value)
            buf_printf(&text, ",\"%s\":%s", field_names[field], value);
        buf_put(&text, id_end, (size_t)(end - id_end));
    }
    n = adopt(&next, buf_steal(&text), err);
    if (n < 0)
        return n;
    free(rec->own);
    *rec = next;
    return 0;
}

int records_set_names(struct records *r, size_t i, const struct berth_list *names,
                      struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf value = BUF_INIT;

    buf_putc(&value, '[');
    for (size_t k = 0; k < names->n; k++) {
        if (k)
            buf_putc(&value, ',');
        json_write_str(names->items[k], strlen(names->items[k]), 0, &value);
    }
    buf_putc(&value, ']');
    if (buf_error(&value))
        return fail(err, ENOMEM, "out of memory");
    return set_field(&r->items[i], RECORD_NAMES, names->n ? buf_str(&value) : "", err);
}

int records_set_incomplete(struct records *r, size_t i, struct berth_error *err)
{
    const struct berth_blob flags = r->items[i].field[RECORD_FLAGS];
    _cleanup_json_ json *o = NULL;
    _cleanup_buf_ struct berth_buf value = BUF_INIT;
    int n =
        record_has(&r->items[i], RECORD_FLAGS) ? json_parse_object(flags, "flags", &o, err) : 0;

    if (n < 0)
        return n;
    if (!o)
        o = json_new();
    json_set_bool(o, "incomplete", true);
    if (json_write(o, JSON_SORTED, &value) < 0)
        return fail(err, ENOMEM, "out of memory");
    return set_field(&r->items[i], RECORD_FLAGS, buf_str(&value), err);
}
