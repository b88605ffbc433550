/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c - a state store in one text file: the operations, and at the end the descriptor. */
#include "store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ transactions */

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
