/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c - a state store in one text file: the operations.
 *
 * The table and the file are in store.c.
 */
#include "store.h"

#include <fcntl.h>
#include <unistd.h>

#define MUST_WRITE(t, err)                                                                     \
    if (!(t)->writes)                                                                          \
    return berth_fail((t)->s->h, err, EROFS, "this transaction only reads")

/* A struct may be shorter or longer than ours on the host's side; its size comes first. */
static void copy_sized(void *to, const void *from, size_t ours)
{
    uint32_t to_size, from_size;

    memcpy(&to_size, to, sizeof(to_size));
    memcpy(&from_size, from, sizeof(from_size));
    if (ours > to_size)
        ours = to_size;
    memcpy(to, from, ours < from_size ? ours : from_size);
    memcpy(to, &to_size, sizeof(to_size));
}

static struct berth_blob number(char room[32], long long n)
{
    snprintf(room, 32, "%lld", n);
    return text(room);
}

/* ------------------------------------------------------------------ transactions */

static void forget(struct berth_txn *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->v[i]);
    free(t->v);
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

static const char record_type[] = {0, 'A', 'B', 'C'};

static int make_record(const struct entry *e, uint64_t want, struct berth_record *rec)
{
    *rec = (struct berth_record){.size = sizeof(*rec),
                                 .kind = (uint32_t)(e->type - 'A' + 1),
                                 .has = want & BERTH_REC_ALL,
                                 .id = str(e, 0)};
    if (want & BERTH_REC_NAME)
        rec->name = str(e, 2);
    if (want & BERTH_REC_ATTRS) {
        rec->ns = str(e, 3);
        rec->pod = str(e, 4);
        rec->netns = str(e, 5);
        rec->infra = str(e, 6);
        rec->storage_id = str(e, 7);
        rec->status = (int32_t)num(e, 8);
        rec->exit_code = (int32_t)num(e, 9);
    }
    if (want & BERTH_REC_CONFIG)
        rec->config = e->f[10];
    if (want & BERTH_REC_STATE)
        rec->state = e->f[11];
    return 0;
}

/* Write the members in rec->has over those of the entry `old`, if there is one. */
static int put_record(struct berth_txn *t, const struct entry *old,
                      const struct berth_record *rec, struct berth_error *err)
{
    struct berth_blob f[FIELDS] = {text(rec->id), text("")};
    char status[32], code[32];

    if (old)
        memcpy(f, old->f, sizeof(f));
    if (rec->has & BERTH_REC_NAME)
        f[2] = text(rec->name);
    if (rec->has & BERTH_REC_ATTRS) {
        f[3] = text(rec->ns);
        if (!old)
            f[4] = text(rec->pod);
        f[5] = text(rec->netns);
        f[6] = text(rec->infra);
        f[7] = text(rec->storage_id);
        f[8] = number(status, rec->status);
        f[9] = number(code, rec->exit_code);
    }
    if (rec->has & BERTH_REC_CONFIG)
        f[10] = rec->config;
    if (rec->has & BERTH_REC_STATE)
        f[11] = rec->state;
    return put(t, record_type[rec->kind], f) < 0 ? no_memory(t->s, err) : 0;
}

static const struct entry *by_name(const struct berth_txn *t, uint32_t kind, const char *name)
{
    for (size_t i = 0; i < t->n && t->v[i]->type <= 'B'; i++)
        if ((!kind || t->v[i]->type == record_type[kind]) && strcmp(str(t->v[i], 2), name) == 0)
            return t->v[i];
    return NULL;
}

static int flatfile_get(struct berth_txn *t, uint32_t kind, const char *id, uint64_t want,
                        struct berth_record *out, struct berth_error *err)
{
    const struct entry *e = lookup(t, record_type[kind], id, "");
    struct berth_record rec;

    if (!e)
        return berth_fail(t->s->h, err, ENOENT, "no record of %s", id);
    make_record(e, want, &rec);
    copy_sized(out, &rec, sizeof(rec));
    return 0;
}

static int flatfile_resolve(struct berth_txn *t, uint32_t kind, const char *name,
                            uint32_t *out_kind, const char **out_id, struct berth_error *err)
{
    const struct entry *e = by_name(t, kind, name);

    if (!e)
        return berth_fail(t->s->h, err, ENOENT, "nothing has the name %s", name);
    *out_kind = (uint32_t)(e->type - 'A' + 1);
    *out_id = str(e, 0);
    return 0;
}

static int same(const char *wanted, const char *got)
{
    return !wanted || (got && strcmp(wanted, got) == 0);
}

static int flatfile_scan(struct berth_txn *t, const struct berth_scan *what,
                         berth_record_fn *fn, void *arg, struct berth_error *err)
{
    struct berth_scan w = {.size = sizeof(w)};
    struct berth_record rec;
    int r = 0;

    (void)err;
    copy_sized(&w, what, sizeof(w));
    for (size_t i = 0; r == 0 && i < t->n && t->v[i]->type <= 'C'; i++) {
        const struct entry *e = t->v[i];

        if ((w.kind && e->type != record_type[w.kind]) || !same(w.pod, str(e, 4)) ||
            !same(w.storage_id, str(e, 7)) ||
            (w.prefix && strncmp(str(e, 0), w.prefix, strlen(w.prefix)) != 0))
            continue;
        make_record(e, w.want, &rec);
        r = fn(arg, &rec);
    }
    return r;
}

static int flatfile_insert(struct berth_txn *t, const struct berth_record *given,
                           struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)};

    MUST_WRITE(t, err);
    copy_sized(&rec, given, sizeof(rec));
    if (rec.kind == BERTH_VOLUME ? lookup(t, 'C', rec.id, "") != NULL
                                 : lookup(t, 'A', rec.id, "") || lookup(t, 'B', rec.id, ""))
        return berth_fail(t->s->h, err, EEXIST, "the ID %s is taken", rec.id);
    if (rec.kind != BERTH_VOLUME && by_name(t, 0, rec.name))
        return berth_fail(t->s->h, err, EEXIST, "the name %s is taken", rec.name);
    return put_record(t, NULL, &rec, err);
}

static int flatfile_update(struct berth_txn *t, const struct berth_record *given,
                           struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)};
    const struct entry *old, *other;

    MUST_WRITE(t, err);
    copy_sized(&rec, given, sizeof(rec));
    old = lookup(t, record_type[rec.kind], rec.id, "");
    if (!old)
        return berth_fail(t->s->h, err, ENOENT, "no record of %s", rec.id);
    other =
        (rec.has & BERTH_REC_NAME) && rec.kind != BERTH_VOLUME ? by_name(t, 0, rec.name) : NULL;
    if (other && other != old)
        return berth_fail(t->s->h, err, EEXIST, "the name %s is taken", rec.name);
    return put_record(t, old, &rec, err);
}

static int flatfile_remove(struct berth_txn *t, uint32_t kind, const char *id,
                           struct berth_error *err)
{
    int found;
    size_t at = find(t, record_type[kind], id, "", &found);

    MUST_WRITE(t, err);
    if (!found)
        return berth_fail(t->s->h, err, ENOENT, "no record of %s", id);
    drop(t, at);
    return 0;
}

/* ------------------------------------------------------------------------- links */

static char link_type(uint32_t kind)
{
    return (char)('L' + kind - 1);
}

static struct entry *find_link(struct berth_txn *t, uint32_t kind, const char *from,
                               const char *to)
{
    int found;
    size_t at;

    if (to && kind != BERTH_LINK_EXEC)
        return lookup(t, link_type(kind), from, to);
    at = find(t, link_type(kind), from, "", &found);
    if (at < t->n && t->v[at]->type == link_type(kind) && strcmp(str(t->v[at], 0), from) == 0)
        return same(to, str(t->v[at], 1)) ? t->v[at] : NULL;
    return NULL;
}

static struct berth_link make_link(const struct entry *e)
{
    return (struct berth_link){.size = sizeof(struct berth_link),
                               .kind = (uint32_t)(e->type - 'L' + 1),
                               .from = str(e, 0),
                               .to = str(e, 1),
                               .value = e->f[2]};
}

static int flatfile_link(struct berth_txn *t, const struct berth_link *given,
                         struct berth_error *err)
{
    struct berth_link link = {.size = sizeof(link)};
    const struct entry *old;
    struct berth_blob f[FIELDS];

    MUST_WRITE(t, err);
    copy_sized(&link, given, sizeof(link));
    memset(f, 0, sizeof(f));
    f[0] = text(link.from);
    f[1] = text(link.to);
    f[2] = link.value;
    old = find_link(t, link.kind, link.from, link.kind == BERTH_LINK_EXEC ? NULL : link.to);
    if (!old)
        return put(t, link_type(link.kind), f) < 0 ? no_memory(t->s, err) : 0;
    if (strcmp(str(old, 1), link.to) == 0 && old->f[2].len == link.value.len &&
        (!link.value.len || memcmp(old->f[2].data, link.value.data, link.value.len) == 0))
        return 0;
    return berth_fail(t->s->h, err, EEXIST, "%s is linked otherwise already", link.from);
}

static int flatfile_unlink(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                           struct berth_error *err)
{
    int found;
    size_t at = find(t, link_type(kind), from, to, &found);

    MUST_WRITE(t, err);
    if (!found)
        return berth_fail(t->s->h, err, ENOENT, "%s has no link to %s", from, to);
    drop(t, at);
    return 0;
}

static int has_end(const struct entry *e, uint32_t kind, uint32_t end, const char *key)
{
    return e->type == link_type(kind) &&
           (end == BERTH_ANY || strcmp(str(e, end == BERTH_FROM ? 0 : 1), key) == 0);
}

static int64_t flatfile_unlink_all(struct berth_txn *t, uint32_t kind, uint32_t end,
                                   const char *key, struct berth_error *err)
{
    int64_t n = 0;

    MUST_WRITE(t, err);
    for (size_t i = t->n; i-- > 0;)
        if (has_end(t->v[i], kind, end, key)) {
            drop(t, i);
            n++;
        }
    return n;
}

static int flatfile_linked(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                           struct berth_link *out, struct berth_error *err)
{
    const struct entry *e = find_link(t, kind, from, to);
    struct berth_link link;

    if (!e)
        return berth_fail(t->s->h, err, ENOENT, "%s has no such link", from);
    link = make_link(e);
    copy_sized(out, &link, sizeof(link));
    return 0;
}

/* Entries are in the order of FROM, then TO, so either end comes in the order of the other. */
static int flatfile_links(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                          berth_link_fn *fn, void *arg, struct berth_error *err)
{
    int r = 0;

    (void)err;
    for (size_t i = 0; r == 0 && i < t->n; i++)
        if (has_end(t->v[i], kind, end, key)) {
            struct berth_link link = make_link(t->v[i]);

            r = fn(arg, &link);
        }
    return r;
}

/* ---------------------------------------------------------- exit codes, identity */

static struct berth_exit make_exit(const struct entry *e)
{
    return (struct berth_exit){.size = sizeof(struct berth_exit),
                               .id = str(e, 0),
                               .code = (int32_t)num(e, 2),
                               .date = num(e, 3)};
}

static int flatfile_exit_put(struct berth_txn *t, const struct berth_exit *given,
                             struct berth_error *err)
{
    struct berth_exit x = {.size = sizeof(x)};
    struct berth_blob f[FIELDS];
    char code[32], date[32];

    MUST_WRITE(t, err);
    copy_sized(&x, given, sizeof(x));
    memset(f, 0, sizeof(f));
    f[0] = text(x.id);
    f[1] = text("");
    f[2] = number(code, x.code);
    f[3] = number(date, x.date);
    return put(t, 'X', f) < 0 ? no_memory(t->s, err) : 0;
}

static int flatfile_exit_get(struct berth_txn *t, const char *id, struct berth_exit *out,
                             struct berth_error *err)
{
    const struct entry *e = lookup(t, 'X', id, "");
    struct berth_exit x;

    if (!e)
        return berth_fail(t->s->h, err, ENOENT, "no exit code of %s", id);
    x = make_exit(e);
    copy_sized(out, &x, sizeof(x));
    return 0;
}

static int flatfile_exit_scan(struct berth_txn *t, berth_exit_fn *fn, void *arg,
                              struct berth_error *err)
{
    int r = 0;

    (void)err;
    for (size_t i = 0; r == 0 && i < t->n; i++)
        if (t->v[i]->type == 'X') {
            struct berth_exit x = make_exit(t->v[i]);

            r = fn(arg, &x);
        }
    return r;
}

static int64_t flatfile_exit_prune(struct berth_txn *t, berth_date before, int keep_live,
                                   struct berth_error *err)
{
    int64_t n = 0;

    MUST_WRITE(t, err);
    for (size_t i = t->n; i-- > 0;)
        if (t->v[i]->type == 'X' && num(t->v[i], 3) < before &&
            !(keep_live && lookup(t, 'A', str(t->v[i], 0), ""))) {
            drop(t, i);
            n++;
        }
    return n;
}

static int flatfile_config_get(struct berth_txn *t, struct berth_store_config *out,
                               struct berth_error *err)
{
    const struct entry *e = lookup(t, 'Z', "", "");
    struct berth_store_config c = {.size = sizeof(c)};

    if (!e)
        return berth_fail(t->s->h, err, ENOENT, "the store has no record of its paths");
    c.schema = (uint32_t)num(e, 2);
    c.os = str(e, 3);
    c.static_dir = str(e, 4);
    c.tmp_dir = str(e, 5);
    c.graph_root = str(e, 6);
    c.run_root = str(e, 7);
    c.graph_driver = str(e, 8);
    c.volume_path = str(e, 9);
    copy_sized(out, &c, sizeof(c));
    return 0;
}

static int flatfile_config_put(struct berth_txn *t, const struct berth_store_config *given,
                               struct berth_error *err)
{
    struct berth_store_config c = {.size = sizeof(c)};
    char schema[32];

    MUST_WRITE(t, err);
    copy_sized(&c, given, sizeof(c));
    {
        const struct berth_blob f[FIELDS] = {
            text(""),           text(""),           number(schema, c.schema),
            text(c.os),         text(c.static_dir), text(c.tmp_dir),
            text(c.graph_root), text(c.run_root),   text(c.graph_driver),
            text(c.volume_path)};

        return put(t, 'Z', f) < 0 ? no_memory(t->s, err) : 0;
    }
}

/* ---------------------------------------------------------------------- the store */

/* What is in the store's place: BERTH_PROBE_*. */
static int look(const char *path)
{
    char head[sizeof(MAGIC)] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return errno == ENOENT ? BERTH_PROBE_NONE : BERTH_PROBE_FOREIGN;
    n = read(fd, head, strlen(MAGIC));
    close(fd);
    return n == (ssize_t)strlen(MAGIC) && strcmp(head, MAGIC) == 0 ? BERTH_PROBE_MINE
                                                                   : BERTH_PROBE_FOREIGN;
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

/* Several processes may make the store at once: only one of them, under the lock, does. */
static int create(struct berth_state *s, struct berth_error *err)
{
    const struct berth_txn empty = {.s = s};
    int fd = lock_store(s, BERTH_WAIT_FOREVER, err), r = fd;

    if (fd >= 0)
        r = look(s->path) == BERTH_PROBE_NONE ? save(&empty, err) : 0;
    unlock_store(fd);
    return r;
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

static int flatfile_backup(struct berth_state *s, int fd, struct berth_error *err)
{
    struct berth_txn *t = calloc(1, sizeof(*t));
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3), r;
    FILE *out = copy >= 0 ? fdopen(copy, "w") : NULL;

    if (t)
        t->s = s;
    if (!t || !out) {
        r = berth_fail(s->h, err, errno, "cannot write a copy: %m");
    } else {
        r = load(t, err);
        if (r == 0 && print(out, t) < 0)
            r = berth_fail(s->h, err, errno, "cannot write a copy: %m");
    }
    if (t)
        forget(t);
    if (out)
        fclose(out);
    else if (copy >= 0)
        close(copy);
    return r;
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
    .backup = flatfile_backup,
    .files = flatfile_files,
};

BERTH_STATE_PLUGIN(state_flatfile, &ops, .name = "flatfile", .version = "0.1",
                   .summary = "keeps records in one text file", .license = "Apache-2.0",
                   .contact = "https://example.org/bugs",
                   .caps = BERTH_STATE_CAP_PERSISTENT | BERTH_STATE_CAP_SHARED |
                           BERTH_STATE_CAP_TIMEOUT | BERTH_STATE_CAP_NAMESPACES |
                           BERTH_STATE_CAP_NETWORKS,
                   .threads = BERTH_THREADS_INSTANCE);
