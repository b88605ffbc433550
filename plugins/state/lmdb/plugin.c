/* SPDX-License-Identifier: Apache-2.0 */
/* state_lmdb - keeps containers in an LMDB file; lmdb_store.h has its format. */
#include "lmdb_store.h"
#include <stdio.h>
#include <stdlib.h>

/* Stores that a child inherited; what LMDB has not freed has to stay reachable. */
static struct berth_state *abandoned;

static void free_store(struct berth_state *s)
{
    pthread_mutex_destroy(&s->mutex);
    free(s->path);
    free(s->stamp);
    free(s);
}

static void close_store(struct berth_state *s)
{
    if (!s)
        return;
    if (s->env) {
        mdb_txn_abort(s->spare);
        mdb_env_close(s->env);
        lm_leave(s);
    }
    free_store(s);
}

static void forked(struct berth_state *s)
{
    if (!s)
        return;
    /* LMDB goes by the process that it is in: closing here unmaps and closes, and leaves
     * our parent's place among the readers alone.  Ending `spare` would not. */
    mdb_env_close(s->env);
    s->env = NULL;
    lm_leave(s);
    s->next_open = abandoned;
    abandoned = s;
}

static struct berth_state *new_store(const struct berth_host *h,
                                     const struct berth_place *place,
                                     const struct berth_config *cfg, struct berth_error *err)
{
    const char *path = h->option_string(cfg, "path");
    struct berth_state *s = calloc(1, sizeof(*s));
    int64_t map = h->option_int(cfg, "map_size");

    if (!s) {
        berth_fail(h, err, ENOMEM, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&s->mutex, NULL);
    s->h = h;
    s->readonly = (place->flags & BERTH_PLACE_READONLY) != 0;
    s->transient = (place->flags & BERTH_PLACE_TRANSIENT) != 0;
    s->map_size = map > 0 && (uint64_t)map <= SIZE_MAX / 2 ? (size_t)map : SIZE_MAX / 2;
    s->path = lm_path(h, place, cfg);
    /* A file that was named is not necessarily the one that the note is about. */
    if (place->tmp_dir && !(path && *path)) {
        s->stamp = malloc(strlen(place->tmp_dir) + sizeof("/berth.lmdb-checked"));
        if (s->stamp)
            sprintf(s->stamp, "%s/berth.lmdb-checked", place->tmp_dir);
    }
    if (s->path)
        return s;
    free_store(s);
    berth_fail(h, err, ENOMEM, "out of memory");
    return NULL;
}

/* The version of the format: 1 ours, 0 there are no entries at all, -errno. */
static int format_of(struct berth_txn *t, struct berth_error *err)
{
    struct lm_key key;
    MDB_stat stat;
    MDB_val v;
    int r, rc;

    lm_key(t, &key, LM_FORMAT, "berth", NULL, err);
    r = lm_read(t, &key, &v, err);
    if (r < 0)
        return r;
    if (r > 0 && v.mv_size == 4) {
        uint32_t version = lm_get32(v.mv_data);

        if (version == LM_VERSION)
            return 1;
        return berth_fail(t->s->h, err, version > LM_VERSION ? ENOTSUP : EUCLEAN,
                          "%s has format version %u, this is for %d", t->s->path, version,
                          LM_VERSION);
    }
    rc = mdb_stat(t->txn, t->s->dbi, &stat);
    if (rc)
        return lm_fail(t->s, err, rc, "opening");
    if (r == 0 && stat.ms_entries == 0)
        return 0;
    return berth_fail(t->s->h, err, EEXIST, "%s is an LMDB file of something else", t->s->path);
}

static int make_format(struct berth_state *s, struct berth_error *err)
{
    unsigned char version[4];
    struct berth_txn *t;
    struct lm_key key;
    int r = lm_begin(s, BERTH_TXN_WRITE, lm_patience(), &t, err);

    if (r < 0)
        return r;
    r = format_of(t, err); /* another process may have been faster */
    if (r == 0) {
        lm_put32(version, LM_VERSION);
        lm_key(t, &key, LM_FORMAT, "berth", NULL, err);
        r = lm_write(t, &key, version, sizeof(version), err);
        if (r == 0)
            return lm_commit(t, err);
    }
    lm_rollback(t);
    return r < 0 ? r : 0;
}

/* Look at what is there before anything relies on it. */
static int inspect(struct berth_state *s, struct berth_error *err)
{
    struct berth_txn *t;
    int r = lm_begin(s, 0, lm_patience(), &t, err), rc;

    if (r < 0)
        return r;
    rc = mdb_dbi_open(t->txn, NULL, 0, &s->dbi);
    r = rc ? lm_fail(s, err, rc, "opening") : lm_trust(s, t->txn, err);
    if (r == 0)
        r = format_of(t, err);
    lm_rollback(t);
    return r;
}

static int open_env(struct berth_state *s, int create, struct berth_error *err)
{
    int r = lm_header(s, err);

    if (r < 0)
        return r;
    if (r == 0 && (!create || s->readonly))
        return berth_fail(s->h, err, ENOENT, "there is no %s", s->path);
    if ((r = lm_env_open(s, err)) < 0 || (r = inspect(s, err)) < 0)
        return r;
    if (r == 1)
        return 0;
    return create && !s->readonly ? make_format(s, err)
                                  : berth_fail(s->h, err, ENOENT, "%s is empty", s->path);
}

static int open_store(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, uint32_t flags, struct berth_state **out,
                      struct berth_error *err)
{
    struct berth_state *s = new_store(h, place, cfg, err);
    int r;

    if (!s)
        return -ENOMEM;
    r = open_env(s, (flags & BERTH_STATE_CREATE) != 0, err);
    if (r < 0) {
        close_store(s);
        return r;
    }
    *out = s;
    return 0;
}

static int probe(const struct berth_host *h, const struct berth_place *place,
                 const struct berth_config *cfg, struct berth_error *err)
{
    struct berth_state *s = new_store(h, place, cfg, err);
    int r;

    if (!s)
        return -ENOMEM;
    r = lm_header(s, NULL);
    if (r > 0)
        r = lm_peek(s, err);
    else if (r == 0)
        r = BERTH_PROBE_NONE;
    else if (r == -EEXIST)
        r = BERTH_PROBE_FOREIGN;
    else if (r == -EUCLEAN) /* ours as far as can be seen; open() says what is wrong */
        r = BERTH_PROBE_MINE;
    else
        r = lm_header(s, err);
    free_store(s);
    return r;
}

static const struct berth_option options[] = {
    {"path", BERTH_OPTION_PATH, 0, NULL, "database file instead of berth.lmdb in static_dir"},
    {"map_size", BERTH_OPTION_SIZE, 0, "16G",
     "most that the file may grow to; takes address space, not memory or disk"},
};

static const struct berth_state_ops ops = {
    .size = sizeof(ops),
    .probe = probe,
    .open = open_store,
    .close = close_store,
    .forked = forked,
    .begin = lm_begin,
    .commit = lm_commit,
    .rollback = lm_rollback,
    .get = lm_get,
    .resolve = lm_resolve,
    .scan = lm_scan,
    .insert = lm_insert,
    .update = lm_update,
    .remove = lm_remove,
    .link = lm_link,
    .unlink = lm_unlink,
    .unlink_all = lm_unlink_all,
    .linked = lm_linked,
    .links = lm_links,
    .exit_put = lm_exit_put,
    .exit_get = lm_exit_get,
    .exit_scan = lm_exit_scan,
    .exit_prune = lm_exit_prune,
    .config_get = lm_config_get,
    .config_put = lm_config_put,
    .check = lm_check,
    .backup = lm_backup,
    .files = lm_files,
};

BERTH_STATE_PLUGIN(state_lmdb, &ops, .name = "lmdb", .version = "0.1.0",
                   .summary = "keeps containers in an LMDB file: the fastest store on disk",
                   .license = "Apache-2.0", .contact = "the maintainers of berth",
                   .caps = BERTH_STATE_CAP_PERSISTENT | BERTH_STATE_CAP_SHARED |
                           BERTH_STATE_CAP_TIMEOUT | BERTH_STATE_CAP_SNAPSHOT |
                           BERTH_STATE_CAP_NAMESPACES | BERTH_STATE_CAP_SAME_NAMES |
                           BERTH_STATE_CAP_NETWORKS,
                   .threads = BERTH_THREADS_PARALLEL,
                   .n_options = sizeof(options) / sizeof(*options), .options = options);
