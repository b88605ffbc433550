/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c - a state store in one text file.
 *
 * A transaction reads the whole file into sorted lists.  A writer has the lock of a second file
 * meanwhile, and commits by writing a new file and renaming it over the old one, so readers
 * need no lock: what they opened stays as it was.  That is all there is to isolation,
 * durability and rollback here; the price is that every transaction costs as much as the store
 * is large.
 *
 * A line of the file is one of them: a letter, then the members of a struct in the order of the
 * tables below.  A number is "7:", a string "3:abc", and "-1:" one that is absent.
 */
#include <berth/state.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "flatfile 1\n"

/* ----------------------------------------------------------- what is stored, and how */

struct member {
    enum { END, NUMBER, DATE, STRING, BLOB } type;
    uint64_t part; /* BERTH_REC_*; 0: the key */
    size_t at;
};

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

enum { RECORDS, LINKS, EXITS, CONFIGS, FORMS };

static const char letters[] = "RLXZ";
static const struct member forms[FORMS][13] = {
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

union value {
    struct berth_record rec;
    struct berth_link link;
    struct berth_exit exit;
    struct berth_store_config config;
};

struct list {
    union value **v; /* sorted by the key */
    size_t n;
};

struct chunk {
    struct chunk *next;
    char bytes[];
};

struct berth_txn {
    struct berth_state *s;
    int writes, lock; /* lock: -1 for a reader */
    struct list all[FORMS];
    struct chunk *chunks; /* what the lists point to */
};

struct berth_state {
    const struct berth_host *h;
    uint32_t flags;
    char dir[4096], path[4200], fresh[4300], lock[4300];
    struct berth_txn *txn; /* the open one, for forked() */
};

#define no_memory(s, err) berth_fail((s)->h, err, ENOMEM, "out of memory")
#define MUST_WRITE(t, err)                                                                     \
    if (!(t)->writes)                                                                          \
    return berth_fail((t)->s->h, err, EROFS, "this transaction only reads")

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

/* Copy the key and some parts of a struct to another, which may be shorter, of a host of
 * another year: with `t` into the store, with all they point to; without it out of the store,
 * where what is not wanted is zero. */
static int copy(struct berth_txn *t, const struct member *m, void *to, size_t to_size,
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

static int order(const struct member *m, const void *a, const void *b)
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

static union value *get(const struct berth_txn *t, int form, const void *key)
{
    int found;
    size_t at = find(t, form, key, &found);

    return found ? t->all[form].v[at] : NULL;
}

static union value *get_record(const struct berth_txn *t, uint32_t kind, const char *id)
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

static void drop(struct list *l, size_t at)
{
    memmove(l->v + at, l->v + at + 1, (--l->n - at) * sizeof(*l->v));
}

/* Add a struct, or write parts of it over the one that has its key. */
static int put(struct berth_txn *t, int form, const void *given, uint64_t parts,
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

static int take(struct berth_txn *t, int form, const void *key, const char *what,
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

/* It has our first line, or nothing yet. */
static int is_store(FILE *f)
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

static int load(struct berth_txn *t, struct berth_error *err)
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
static int save(const struct berth_txn *t, struct berth_error *err)
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

/* The writers' lock: a descriptor, or -errno. */
static int lock_store(struct berth_state *s, berth_deadline deadline, struct berth_error *err)
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
static void unlock_store(int fd)
{
    if (fd < 0)
        return;
    flock(fd, LOCK_UN);
    close(fd);
}

/* ------------------------------------------------------------------ transactions */

static void forget(struct berth_txn *t)
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

static void flatfile_rollback(struct berth_txn *t)
{
    if (!t)
        return;
    unlock_store(t->lock);
    forget(t);
}

static int flatfile_commit(struct berth_txn *t, struct berth_error *err)
{
    int r = t->writes ? save(t, err) : 0;

    flatfile_rollback(t);
    return r;
}

static int flatfile_begin(struct berth_state *s, uint32_t flags, berth_deadline deadline,
                          struct berth_txn **out, struct berth_error *err)
{
    struct berth_txn *t;
    int r;

    if ((flags & BERTH_TXN_WRITE) && (s->flags & BERTH_PLACE_READONLY))
        return berth_fail(s->h, err, EROFS, "%s is open for reading only", s->path);
    t = calloc(1, sizeof(*t));
    if (!t)
        return no_memory(s, err);
    t->s = s;
    t->writes = (flags & BERTH_TXN_WRITE) != 0;
    t->lock = -1;
    r = t->writes ? t->lock = lock_store(s, deadline, err) : 0;
    if (r >= 0)
        r = load(t, err);
    if (r < 0) {
        flatfile_rollback(t);
        return r;
    }
    *out = s->txn = t;
    return 0;
}

/* ----------------------------------------------------------------------- records */

static int same(const char *wanted, const char *got)
{
    return !wanted || (got && strcmp(wanted, got) == 0);
}

static void show(const union value *u, uint64_t want, struct berth_record *out)
{
    copy(NULL, forms[RECORDS], out, out->size, u, want);
    out->has = want & BERTH_REC_ALL;
}

static const struct berth_record *by_name(const struct berth_txn *t, uint32_t kind,
                                          const char *name)
{
    const struct list *l = &t->all[RECORDS];

    for (size_t i = 0; i < l->n && l->v[i]->rec.kind != BERTH_VOLUME; i++)
        if ((!kind || l->v[i]->rec.kind == kind) && same(name, l->v[i]->rec.name))
            return &l->v[i]->rec;
    return NULL;
}

static int flatfile_get(struct berth_txn *t, uint32_t kind, const char *id, uint64_t want,
                        struct berth_record *out, struct berth_error *err)
{
    const union value *u = get_record(t, kind, id);

    if (!u)
        return berth_fail(t->s->h, err, ENOENT, "no record of %s", id);
    show(u, want, out);
    return 0;
}

static int flatfile_resolve(struct berth_txn *t, uint32_t kind, const char *name,
                            uint32_t *out_kind, const char **out_id, struct berth_error *err)
{
    const struct berth_record *rec = by_name(t, kind, name);

    if (!rec)
        return berth_fail(t->s->h, err, ENOENT, "nothing has the name %s", name);
    *out_kind = rec->kind;
    *out_id = rec->id;
    return 0;
}

static int flatfile_scan(struct berth_txn *t, const struct berth_scan *what,
                         berth_record_fn *fn, void *arg, struct berth_error *err)
{
    const char *prefix = what->prefix ? what->prefix : "";
    int r = 0;

    (void)err;
    for (size_t i = 0; r == 0 && i < t->all[RECORDS].n; i++) {
        const union value *u = t->all[RECORDS].v[i];
        struct berth_record rec = {.size = sizeof(rec)};

        if ((what->kind && u->rec.kind != what->kind) || !same(what->pod, u->rec.pod) ||
            !same(what->storage_id, u->rec.storage_id) ||
            strncmp(u->rec.id, prefix, strlen(prefix)) != 0)
            continue;
        show(u, what->want, &rec);
        r = fn(arg, &rec);
    }
    return r;
}

static int flatfile_insert(struct berth_txn *t, const struct berth_record *rec,
                           struct berth_error *err)
{
    MUST_WRITE(t, err);
    if (rec->kind == BERTH_VOLUME
            ? get_record(t, rec->kind, rec->id) != NULL
            : get_record(t, BERTH_CONTAINER, rec->id) || get_record(t, BERTH_POD, rec->id))
        return berth_fail(t->s->h, err, EEXIST, "the ID %s is taken", rec->id);
    if (rec->kind != BERTH_VOLUME && by_name(t, 0, rec->name))
        return berth_fail(t->s->h, err, EEXIST, "the name %s is taken", rec->name);
    return put(t, RECORDS, rec, BERTH_REC_ALL, err);
}

static int flatfile_update(struct berth_txn *t, const struct berth_record *rec,
                           struct berth_error *err)
{
    union value *old = get_record(t, rec->kind, rec->id);
    const struct berth_record *other = NULL;
    const char *pod;
    int r;

    MUST_WRITE(t, err);
    if (!old)
        return berth_fail(t->s->h, err, ENOENT, "no record of %s", rec->id);
    if ((rec->has & BERTH_REC_NAME) && rec->kind != BERTH_VOLUME)
        other = by_name(t, 0, rec->name);
    if (other && other != &old->rec)
        return berth_fail(t->s->h, err, EEXIST, "the name %s is taken", rec->name);
    pod = old->rec.pod; /* which cannot change */
    r = put(t, RECORDS, rec, rec->has, err);
    old->rec.pod = pod;
    return r;
}

static int flatfile_remove(struct berth_txn *t, uint32_t kind, const char *id,
                           struct berth_error *err)
{
    MUST_WRITE(t, err);
    return take(t, RECORDS, &(struct berth_record){.kind = kind, .id = id}, id, err);
}

/* ------------------------------------------------------------------------- links */

static int has_end(const union value *u, uint32_t kind, uint32_t end, const char *key)
{
    return u->link.kind == kind &&
           (end == BERTH_ANY ||
            strcmp(end == BERTH_FROM ? u->link.from : u->link.to, key) == 0);
}

static const struct berth_link *find_link(const struct berth_txn *t, uint32_t kind,
                                          const char *from, const char *to)
{
    const struct list *l = &t->all[LINKS];

    for (size_t i = 0; i < l->n; i++)
        if (has_end(l->v[i], kind, BERTH_FROM, from) && same(to, l->v[i]->link.to))
            return &l->v[i]->link;
    return NULL;
}

static int flatfile_link(struct berth_txn *t, const struct berth_link *link,
                         struct berth_error *err)
{
    const char *to = link->kind == BERTH_LINK_EXEC ? NULL : link->to; /* a session has one */
    const struct berth_link *old = find_link(t, link->kind, link->from, to);

    MUST_WRITE(t, err);
    if (!old)
        return put(t, LINKS, link, 1, err);
    if (same(link->to, old->to) && old->value.len == link->value.len &&
        (!link->value.len || memcmp(old->value.data, link->value.data, link->value.len) == 0))
        return 0;
    return berth_fail(t->s->h, err, EEXIST, "%s is linked otherwise already", link->from);
}

static int flatfile_unlink(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                           struct berth_error *err)
{
    MUST_WRITE(t, err);
    return take(t, LINKS, &(struct berth_link){.kind = kind, .from = from, .to = to}, from,
                err);
}

static int64_t flatfile_unlink_all(struct berth_txn *t, uint32_t kind, uint32_t end,
                                   const char *key, struct berth_error *err)
{
    struct list *l = &t->all[LINKS];
    size_t before = l->n;

    MUST_WRITE(t, err);
    for (size_t i = l->n; i-- > 0;)
        if (has_end(l->v[i], kind, end, key))
            drop(l, i);
    return (int64_t)(before - l->n);
}

static int flatfile_linked(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                           struct berth_link *out, struct berth_error *err)
{
    const struct berth_link *link = find_link(t, kind, from, to);

    if (!link)
        return berth_fail(t->s->h, err, ENOENT, "%s has no such link", from);
    return copy(NULL, forms[LINKS], out, out->size, link, 1);
}

/* Links are in the order of FROM, then TO, so either end comes in the order of the other. */
static int flatfile_links(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                          berth_link_fn *fn, void *arg, struct berth_error *err)
{
    int r = 0;

    (void)err;
    for (size_t i = 0; r == 0 && i < t->all[LINKS].n; i++)
        if (has_end(t->all[LINKS].v[i], kind, end, key))
            r = fn(arg, &t->all[LINKS].v[i]->link);
    return r;
}

/* ---------------------------------------------------------- exit codes, identity */

static int flatfile_exit_put(struct berth_txn *t, const struct berth_exit *given,
                             struct berth_error *err)
{
    MUST_WRITE(t, err);
    return put(t, EXITS, given, 1, err);
}

static int flatfile_exit_get(struct berth_txn *t, const char *id, struct berth_exit *out,
                             struct berth_error *err)
{
    const union value *u = get(t, EXITS, &(struct berth_exit){.id = id});

    if (!u)
        return berth_fail(t->s->h, err, ENOENT, "no exit code of %s", id);
    return copy(NULL, forms[EXITS], out, out->size, u, 1);
}

static int flatfile_exit_scan(struct berth_txn *t, berth_exit_fn *fn, void *arg,
                              struct berth_error *err)
{
    int r = 0;

    (void)err;
    for (size_t i = 0; r == 0 && i < t->all[EXITS].n; i++)
        r = fn(arg, &t->all[EXITS].v[i]->exit);
    return r;
}

static int64_t flatfile_exit_prune(struct berth_txn *t, berth_date before, int keep_live,
                                   struct berth_error *err)
{
    struct list *l = &t->all[EXITS];
    size_t all = l->n;

    MUST_WRITE(t, err);
    for (size_t i = l->n; i-- > 0;)
        if (l->v[i]->exit.date < before &&
            !(keep_live && get_record(t, BERTH_CONTAINER, l->v[i]->exit.id)))
            drop(l, i);
    return (int64_t)(all - l->n);
}

static int flatfile_config_get(struct berth_txn *t, struct berth_store_config *out,
                               struct berth_error *err)
{
    if (!t->all[CONFIGS].n)
        return berth_fail(t->s->h, err, ENOENT, "the store has no record of its paths");
    return copy(NULL, forms[CONFIGS], out, out->size, t->all[CONFIGS].v[0], 1);
}

static int flatfile_config_put(struct berth_txn *t, const struct berth_store_config *given,
                               struct berth_error *err)
{
    MUST_WRITE(t, err);
    return put(t, CONFIGS, given, 1, err);
}

/* ---------------------------------------------------------------------- the store */

/* What is in the store's place: BERTH_PROBE_*. */
static int look(const char *path)
{
    FILE *f = fopen(path, "re");
    int r;

    if (!f)
        return errno == ENOENT ? BERTH_PROBE_NONE : BERTH_PROBE_FOREIGN;
    r = is_store(f) ? BERTH_PROBE_MINE : BERTH_PROBE_FOREIGN;
    fclose(f);
    return r;
}

static int flatfile_probe(const struct berth_host *h, const struct berth_place *place,
                          const struct berth_config *cfg, struct berth_error *err)
{
    char path[4096];

    (void)h;
    (void)cfg;
    (void)err;
    snprintf(path, sizeof(path), "%s/flatfile.txt", place->static_dir);
    return look(path);
}

/* A file with nothing in it is a new store, so several processes may make it at once. */
static int create(const struct berth_state *s, struct berth_error *err)
{
    int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return berth_fail(s->h, err, errno, "cannot make %s: %m", s->path);
    close(fd);
    return 0;
}

static int flatfile_open(const struct berth_host *h, const struct berth_place *place,
                         const struct berth_config *cfg, uint32_t flags,
                         struct berth_state **out, struct berth_error *err)
{
    struct berth_state *s = calloc(1, sizeof(*s));
    int r;

    (void)cfg;
    if (!s)
        return berth_fail(h, err, ENOMEM, "out of memory");
    s->h = h;
    s->flags = place->flags;
    snprintf(s->dir, sizeof(s->dir), "%s", place->static_dir);
    snprintf(s->path, sizeof(s->path), "%s/flatfile.txt", place->static_dir);
    snprintf(s->fresh, sizeof(s->fresh), "%s.new", s->path);
    snprintf(s->lock, sizeof(s->lock), "%s.lock", s->path);
    r = look(s->path);
    if (r == BERTH_PROBE_FOREIGN)
        r = berth_fail(h, err, EEXIST, "%s is in the way", s->path);
    else if (r == BERTH_PROBE_MINE)
        r = 0;
    else if (!(flags & BERTH_STATE_CREATE) || (place->flags & BERTH_PLACE_READONLY))
        r = berth_fail(h, err, ENOENT, "there is no %s", s->path);
    else
        r = create(s, err);
    if (r < 0)
        free(s);
    else
        *out = s;
    return r;
}

static void flatfile_close(struct berth_state *s)
{
    free(s);
}

/* In a child: the lock is the parent's, so its descriptor is closed without unlocking. */
static void flatfile_forked(struct berth_state *s)
{
    if (s->txn) {
        if (s->txn->lock >= 0)
            close(s->txn->lock);
        forget(s->txn);
    }
    free(s);
}

static int flatfile_files(struct berth_state *s, struct berth_list *paths,
                          struct berth_error *err)
{
    int r = s->h->add(s->h->core, paths, s->path);

    if (r == 0)
        r = s->h->add(s->h->core, paths, s->lock);
    return r < 0 ? berth_fail(s->h, err, -r, "cannot list the files of the store") : 0;
}

static const struct berth_state_ops ops = {
    .size = sizeof(ops),
    .probe = flatfile_probe,
    .open = flatfile_open,
    .close = flatfile_close,
    .forked = flatfile_forked,
    .begin = flatfile_begin,
    .commit = flatfile_commit,
    .rollback = flatfile_rollback,
    .get = flatfile_get,
    .resolve = flatfile_resolve,
    .scan = flatfile_scan,
    .insert = flatfile_insert,
    .update = flatfile_update,
    .remove = flatfile_remove,
    .link = flatfile_link,
    .unlink = flatfile_unlink,
    .unlink_all = flatfile_unlink_all,
    .linked = flatfile_linked,
    .links = flatfile_links,
    .exit_put = flatfile_exit_put,
    .exit_get = flatfile_exit_get,
    .exit_scan = flatfile_exit_scan,
    .exit_prune = flatfile_exit_prune,
    .config_get = flatfile_config_get,
    .config_put = flatfile_config_put,
    .files = flatfile_files,
};

BERTH_STATE_PLUGIN(state_flatfile, &ops, .name = "flatfile", .version = "0.1",
                   .summary = "keeps records in one text file", .license = "Apache-2.0",
                   .contact = "https://example.org/bugs",
                   .caps = BERTH_STATE_CAP_PERSISTENT | BERTH_STATE_CAP_SHARED |
                           BERTH_STATE_CAP_TIMEOUT | BERTH_STATE_CAP_NAMESPACES |
                           BERTH_STATE_CAP_NETWORKS,
                   .threads = BERTH_THREADS_INSTANCE);
