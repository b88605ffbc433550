/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - see store.h. */
#include "store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "flatfile 1\n"

/* ----------------------------------------------------------- what is stored, and how */

static const size_t size_of[] = {0, sizeof(int32_t), sizeof(berth_date), sizeof(char *),
                                 sizeof(struct berth_blob)};

#define NAME   BERTH_REC_NAME
#define ATTRS  BERTH_REC_ATTRS
#define CONFIG BERTH_REC_CONFIG
#define STATE  BERTH_REC_STATE
#define M(type, part, what, member)                                                            \
    {                                                                                          \
        type, part, offsetof(struct berth_##what, member)                                      \
    }

static const char letters[] = "RLXZ";
const struct member forms[FORMS][13] = {
    {M(NUMBER, 0, record, kind), M(STRING, 0, record, id), M(STRING, NAME, record, name),
     M(STRING, ATTRS, record, ns), M(STRING, ATTRS, record, pod),
     M(STRING, ATTRS, record, netns), M(STRING, ATTRS, record, infra),
     M(STRING, ATTRS, record, storage_id), M(NUMBER, ATTRS, record, status),
     M(NUMBER, ATTRS, record, exit_code), M(BLOB, CONFIG, record, config),
     M(BLOB, STATE, record, state)},
    {M(NUMBER, 0, link, kind), M(STRING, 0, link, from), M(STRING, 0, link, to),
     M(BLOB, 1, link, value)},
    {M(STRING, 0, exit, id), M(NUMBER, 1, exit, code), M(DATE, 1, exit, date)},
    {M(NUMBER, 1, store_config, schema), M(STRING, 1, store_config, os),
     M(STRING, 1, store_config, static_dir), M(STRING, 1, store_config, tmp_dir),
     M(STRING, 1, store_config, graph_root), M(STRING, 1, store_config, run_root),
     M(STRING, 1, store_config, graph_driver), M(STRING, 1, store_config, volume_path)},
};

/* --------------------------------------------------------------------- the lists */

/* Zeros until the end of the transaction, one byte more than asked for. */
static void *room_for(struct berth_txn *t, size_t size)
{
    struct chunk *c = calloc(1, sizeof(*c) + size + 1);

    if (!c)
        return NULL;
    c->next = t->chunks;
    t->chunks = c;
    return c->bytes;
}

static union value *new_value(struct berth_txn *t, int form)
{
    static const uint32_t sizes[] = {sizeof(struct berth_record), sizeof(struct berth_link),
                                     sizeof(struct berth_exit),
                                     sizeof(struct berth_store_config)};
    union value *u = room_for(t, sizeof(*u));

    if (u)
        u->rec.size = sizes[form]; /* the first member of all of them */
    return u;
}

/* What a member points to. */
static struct berth_blob bytes_of(const struct member *m, const void *at)
{
    const char *s = m->type == STRING ? *(const char *const *)at : NULL;

    return m->type == BLOB ? *(const struct berth_blob *)at
                           : (struct berth_blob){s, s ? strlen(s) : 0};
}

int copy(struct berth_txn *t, const struct member *m, void *to, size_t to_size,
         const void *from, uint64_t parts)
{
    for (; m->type; m++) {
        const void *at = (const char *)from + m->at;
        struct berth_blob old = bytes_of(m, at);
        void *bytes = NULL;

        if (m->at + size_of[m->type] > to_size)
            continue;
        if (m->part && !(m->part & parts)) {
            if (!t)
                memset((char *)to + m->at, 0, size_of[m->type]);
            continue;
        }
        memcpy((char *)to + m->at, at, size_of[m->type]);
        if (!t || !old.data)
            continue;
        bytes = room_for(t, old.len);
        if (!bytes)
            return -ENOMEM;
        if (old.len)
            memcpy(bytes, old.data, old.len);
        memcpy((char *)to + m->at, &bytes, sizeof(bytes)); /* of a blob, the first member */
    }
    return 0;
}

int order(const struct member *m, const void *a, const void *b)
{
    int c = 0;

    for (; c == 0 && m->type && !m->part; m++) {
        const char *x = (const char *)a + m->at, *y = (const char *)b + m->at;

        c = m->type == STRING ? strcmp(*(const char *const *)x, *(const char *const *)y)
                              : *(const int32_t *)x - *(const int32_t *)y;
    }
    return c;
}

/* Where the value with a key is, or would be; *found says which. */
static size_t find(const struct berth_txn *t, int form, const void *key, int *found)
{
    const struct list *l = &t->all[form];
    size_t low = 0, high = l->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (order(forms[form], l->v[mid], key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *found = low < l->n && order(forms[form], l->v[low], key) == 0;
    return low;
}

union value *get(const struct berth_txn *t, int form, const void *key)
{
    int found;
    size_t at = find(t, form, key, &found);

    return found ? t->all[form].v[at] : NULL;
}

union value *get_record(const struct berth_txn *t, uint32_t kind, const char *id)
{
    return get(t, RECORDS, &(struct berth_record){.kind = kind, .id = id});
}

static int insert_at(struct list *l, size_t at, union value *u)
{
    /* Room for one more, and a power of two at a time. */
    union value **v = l->n & (l->n - 1) ? l->v : realloc(l->v, (l->n * 2 + 1) * sizeof(*v));

    if (!v)
        return -ENOMEM;
    l->v = v;
    memmove(v + at + 1, v + at, (l->n++ - at) * sizeof(*v));
    v[at] = u;
    return 0;
}

void drop(struct list *l, size_t at)
{
    memmove(l->v + at, l->v + at + 1, (--l->n - at) * sizeof(*l->v));
}

int put(struct berth_txn *t, int form, const void *given, uint64_t parts,
        struct berth_error *err)
{
    int found;
    size_t at = find(t, form, given, &found);
    union value *u = found ? t->all[form].v[at] : new_value(t, form);

    if (!u || copy(t, forms[form], u, sizeof(*u), given, parts) < 0 ||
        (!found && insert_at(&t->all[form], at, u) < 0))
        return no_memory(t->s, err);
    return 0;
}

int take(struct berth_txn *t, int form, const void *key, const char *what,
         struct berth_error *err)
{
    int found;
    size_t at = find(t, form, key, &found);

    if (!found)
        return berth_fail(t->s->h, err, ENOENT, "no record of %s", what);
    drop(&t->all[form], at);
    return 0;
}

/* ---------------------------------------------------------------------- the file */

/* The members of a value, from behind its letter. */
static int read_value(struct berth_txn *t, FILE *f, const struct member *m, union value *u)
{
    for (; m->type; m++) {
        char *at = (char *)u + m->at, *bytes;
        long long n;

        if (fscanf(f, "%lld", &n) != 1 || getc(f) != ':')
            return -EUCLEAN;
        if (m->type == NUMBER)
            *(int32_t *)at = (int32_t)n;
        if (m->type == DATE)
            *(berth_date *)at = n;
        if (m->type == NUMBER || m->type == DATE || (n == -1 && m->part))
            continue;
        if (n < 0 || n > INT32_MAX)
            return -EUCLEAN;
        bytes = room_for(t, (size_t)n);
        if (!bytes)
            return -ENOMEM;
        if (fread(bytes, 1, (size_t)n, f) != (size_t)n)
            return -EUCLEAN;
        memcpy(at, &bytes, sizeof(bytes));
        if (m->type == BLOB)
            ((struct berth_blob *)at)->len = (size_t)n;
    }
    return 0;
}

int is_store(FILE *f)
{
    char line[sizeof(MAGIC)];

    return fgets(line, sizeof(line), f) ? strcmp(line, MAGIC) == 0 : !ferror(f);
}

static int read_all(struct berth_txn *t, FILE *f)
{
    int r = is_store(f) ? 0 : -EUCLEAN;
    char letter;

    while (r == 0 && fscanf(f, " %c", &letter) == 1) {
        const char *found = strchr(letters, letter);
        int form = found ? (int)(found - letters) : FORMS;
        struct list *l = &t->all[form];
        union value *u;

        if (form == FORMS) /* or the NUL behind the letters */
            return -EUCLEAN;
        u = new_value(t, form);
        r = u ? read_value(t, f, forms[form], u) : -ENOMEM;
        if (r == 0 && l->n && order(forms[form], l->v[l->n - 1], u) >= 0)
            r = -EUCLEAN;
        if (r == 0)
            r = insert_at(l, l->n, u);
    }
    return ferror(f) ? -EIO : r;
}

int load(struct berth_txn *t, struct berth_error *err)
{
    struct berth_state *s = t->s;
    FILE *f = fopen(s->path, "re");
    int r;

    if (!f)
        return berth_fail(s->h, err, errno, "cannot open %s: %m", s->path);
    r = read_all(t, f);
    fclose(f);
    return r < 0 ? berth_fail(s->h, err, -r, "%s cannot be read", s->path) : 0;
}

static void print_member(FILE *out, const struct member *m, const void *at)
{
    struct berth_blob v = bytes_of(m, at);

    if (m->type == NUMBER)
        fprintf(out, " %ld:", (long)*(const int32_t *)at);
    else if (m->type == DATE)
        fprintf(out, " %lld:", (long long)*(const berth_date *)at);
    else
        fprintf(out, " %ld:", v.data ? (long)v.len : -1);
    if (v.len)
        fwrite(v.data, 1, v.len, out);
}

static int print(FILE *out, const struct berth_txn *t)
{
    fputs(MAGIC, out);
    for (int form = 0; form < FORMS; form++)
        for (size_t i = 0; i < t->all[form].n; i++) {
            putc(letters[form], out);
            for (const struct member *m = forms[form]; m->type; m++)
                print_member(out, m, (const char *)t->all[form].v[i] + m->at);
            putc('\n', out);
        }
    return fflush(out) == 0 && !ferror(out) ? 0 : -1;
}

/* A new file, on the disk before it takes the place of the old one. */
int save(const struct berth_txn *t, struct berth_error *err)
{
    const struct berth_state *s = t->s;
    int sync = !(s->flags & BERTH_PLACE_TRANSIENT), dir, r = 0;
    FILE *out = fopen(s->fresh, "we");

    if (!out)
        return berth_fail(s->h, err, errno, "cannot write %s: %m", s->fresh);
    if (fchmod(fileno(out), 0600) < 0 || print(out, t) < 0 || (sync && fsync(fileno(out)) < 0))
        r = berth_fail(s->h, err, errno, "cannot write %s: %m", s->fresh);
    fclose(out);
    if (r == 0 && rename(s->fresh, s->path) < 0)
        r = berth_fail(s->h, err, errno, "cannot rename %s: %m", s->fresh);
    if (r < 0)
        unlink(s->fresh);
    dir = r == 0 && sync ? open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir >= 0) {
        fsync(dir);
        close(dir);
    }
    return r;
}

int lock_store(struct berth_state *s, berth_deadline deadline, struct berth_error *err)
{
    const struct timespec nap = {.tv_nsec = 2000000};
    int fd = open(s->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600), code;
    struct timespec now;

    if (fd < 0)
        return berth_fail(s->h, err, errno, "cannot open %s: %m", s->lock);
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        code = errno != EWOULDBLOCK && errno != EINTR ? errno : EBUSY;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (code == EBUSY && deadline != BERTH_NO_WAIT)
            code = s->h->cancelled(s->h->core) ? ECANCELED
                   : (berth_deadline)now.tv_sec * 1000000000u + (berth_deadline)now.tv_nsec <
                           deadline
                       ? 0
                       : ETIMEDOUT;
        if (code) {
            close(fd);
            return berth_fail(s->h, err, code, "another process writes to %s", s->path);
        }
        nanosleep(&nap, NULL);
    }
    return fd;
}

/* Others may have the descriptor too (a child between fork and exec), so unlock, then close. */
void unlock_store(int fd)
{
    if (fd < 0)
        return;
    flock(fd, LOCK_UN);
    close(fd);
}

void forget(struct berth_txn *t)
{
    for (struct chunk *c = t->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    for (int form = 0; form < FORMS; form++)
        free(t->all[form].v);
    if (t->s->txn == t)
        t->s->txn = NULL;
    free(t);
}
