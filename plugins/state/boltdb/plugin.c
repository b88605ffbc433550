/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_boltdb - the store of podman up to version 5: one bbolt file, locked only while
 * a transaction is open, shared with podman processes.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "boltdb.h"

#include <stdio.h>
#include <stdlib.h>

/* The file: option "path", else podman's place.  To be freed. */
static int store_path(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, char **out, struct berth_error *err)
{
    const char *set = h->option_string(cfg, "path");

    if (set)
        *out = strdup(set);
    else if (!place->static_dir)
        return berth_fail(h, err, EINVAL, "no static_dir, and no path of the database");
    else if (asprintf(out, "%s/bolt_state.db", place->static_dir) < 0)
        *out = NULL;
    return *out ? 0 : berth_fail(h, err, ENOMEM, "out of memory");
}

static int probe_path(const struct berth_host *h, const char *path, struct berth_error *err)
{
    int r = bolt_probe(path);

    switch (r) {
    case 0:
        return BERTH_PROBE_FOREIGN;
    case 1:
        return BERTH_PROBE_MINE;
    case 2:
    case -ENOENT:
    case -ENOTDIR:
        return BERTH_PROBE_NONE;
    case 3:
        return berth_fail(h, err, ENOTSUP, "%s: version of the format is not supported", path);
    default:
        return berth_fail(h, err, -r, "%s: cannot open it: %s", path, strerror(-r));
    }
}

static int probe(const struct berth_host *h, const struct berth_place *place,
                 const struct berth_config *cfg, struct berth_error *err)
{
    char *path = NULL;
    int r;

    r = store_path(h, place, cfg, &path, err);
    if (r == 0)
        r = probe_path(h, path, err);
    free(path);
    return r;
}

static int was_cancelled(void *arg)
{
    const struct berth_host *h = arg;

    return h->cancelled(h->core);
}

static void close_store(struct berth_state *s)
{
    if (!s)
        return;
    bolt_free(s->db);
    free(s->path);
    free(s);
}

static void forked(struct berth_state *s)
{
    if (!s)
        return;
    bolt_forked(s->db);
    free(s->txn);
    free(s->path);
    free(s);
}

/* Look whether all buckets are there; make what is missing, and the file. */
static int make_store(struct berth_state *s, int probed, struct berth_error *err)
{
    struct berth_txn *t;
    int r, complete = probed == BERTH_PROBE_MINE;

    if (complete) {
        r = boltdb_begin(s, 0, BERTH_WAIT_FOREVER, &t, err);
        if (r < 0)
            return r;
        for (int i = 0; r >= 0 && complete && i < TOP_COUNT; i++) {
            struct bolt_bucket *b;

            r = boltdb_top(t, (enum top)i, &b, err);
            complete = b != NULL;
        }
        boltdb_rollback(t);
        if (r < 0 || complete)
            return r < 0 ? r : 0;
    }
    r = boltdb_begin(s, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &t, err);
    return r < 0 ? r : boltdb_commit(t, err);
}

static unsigned library_flags(const struct berth_place *place, uint32_t flags)
{
    /* Someone else's file may shrink under our eyes: do not map it. */
    if (place->flags & BERTH_PLACE_READONLY)
        return BOLT_READONLY | BOLT_COPY;
    return (flags & BERTH_STATE_CREATE ? BOLT_CREATE : 0) |
           (place->flags & BERTH_PLACE_TRANSIENT ? BOLT_NOSYNC : 0);
}

static int open_store(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, uint32_t flags, struct berth_state **out,
                      struct berth_error *err)
{
    struct berth_state *s = calloc(1, sizeof *s);
    int r;

    if (!s)
        return berth_fail(h, err, ENOMEM, "out of memory");
    s->host = h;
    s->readonly = place->flags & BERTH_PLACE_READONLY;
    r = store_path(h, place, cfg, &s->path, err);
    if (r == 0)
        r = probe_path(h, s->path, err);
    if (r == BERTH_PROBE_FOREIGN)
        r = berth_fail(h, err, EEXIST, "%s: not a bbolt database", s->path);
    if (r == BERTH_PROBE_NONE && (s->readonly || !(flags & BERTH_STATE_CREATE)))
        r = berth_fail(h, err, ENOENT, "%s: there is no such database", s->path);
    if (r >= 0) {
        s->db = bolt_new(s->path, library_flags(place, flags));
        if (!s->db)
            r = berth_fail(h, err, ENOMEM, "out of memory");
    }
    if (r >= 0) {
        /* The library wants a plain pointer; the host's table is only looked at. */
        union {
            const struct berth_host *host;
            void *arg;
        } u = {.host = h};

        bolt_on_wait(s->db, was_cancelled, u.arg);
        if (!s->readonly && (flags & BERTH_STATE_CREATE))
            r = make_store(s, r, err);
    }
    if (r < 0) {
        close_store(s);
        return r;
    }
    *out = s;
    return 0;
}

static int files(struct berth_state *s, struct berth_list *paths, struct berth_error *err)
{
    int r = s->host->add(s->host->core, paths, s->path);

    return r < 0 ? berth_fail(s->host, err, -r, "cannot list files") : 0;
}

static const struct berth_state_ops ops = {
    .size = (uint32_t)sizeof ops,
    .probe = probe,
    .open = open_store,
    .close = close_store,
    .forked = forked,
    .begin = boltdb_begin,
    .commit = boltdb_commit,
    .rollback = boltdb_rollback,
    .get = boltdb_op_get,
    .resolve = boltdb_op_resolve,
    .scan = boltdb_op_scan,
    .insert = boltdb_op_insert,
    .update = boltdb_op_update,
    .remove = boltdb_op_remove,
    .link = boltdb_op_link,
    .unlink = boltdb_op_unlink,
    .unlink_all = boltdb_op_unlink_all,
    .linked = boltdb_op_linked,
    .links = boltdb_op_links,
    .exit_put = boltdb_op_exit_put,
    .exit_get = boltdb_op_exit_get,
    .exit_scan = boltdb_op_exit_scan,
    .exit_prune = boltdb_op_exit_prune,
    .config_get = boltdb_op_config_get,
    .config_put = boltdb_op_config_put,
    .check = boltdb_op_check,
    .backup = boltdb_op_backup,
    .files = files,
};

static const struct berth_option options[] = {
    {.name = "path",
     .type = BERTH_OPTION_PATH,
     .help = "database file, in place of bolt_state.db in static_dir"},
};

BERTH_STATE_PLUGIN(state_boltdb, &ops, .name = "boltdb", .version = "0.1.0",
                   .summary = "keeps the state in podman's BoltDB file",
                   .license = "Apache-2.0", .contact = "the maintainers of berth",
                   .caps = BERTH_STATE_CAP_PERSISTENT | BERTH_STATE_CAP_SHARED |
                           BERTH_STATE_CAP_TIMEOUT | BERTH_STATE_CAP_NAMESPACES |
                           BERTH_STATE_CAP_NETWORKS | BERTH_STATE_CAP_FOREIGN,
                   .threads = BERTH_THREADS_ONE, .n_options = sizeof options / sizeof *options,
                   .options = options);
