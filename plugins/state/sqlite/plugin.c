/* SPDX-License-Identifier: Apache-2.0 */
/* state_sqlite - keeps containers in podman's SQLite database, db.sql. */
#include "sqlite.h"
#include <stdlib.h>

/* Connections that a child inherited: SQLite must not touch them there, and they have
 * to stay reachable. */
static struct abandoned {
    struct abandoned *before;
    struct berth_state *s;
} * abandoned;

static void close_store(struct berth_state *s)
{
    if (!s)
        return;
    sq_finalize_all(s);
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}

static int open_store(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, uint32_t flags, struct berth_state **out,
                      struct berth_error *err)
{
    struct berth_state *s = calloc(1, sizeof(*s));
    int r;

    if (!s || !(s->path = sq_path(h, place, cfg))) {
        free(s);
        return berth_fail(h, err, ENOMEM, "out of memory");
    }
    s->h = h;
    s->readonly = (place->flags & BERTH_PLACE_READONLY) != 0;
    s->transient = (place->flags & BERTH_PLACE_TRANSIENT) != 0;
    s->create = (flags & BERTH_STATE_CREATE) != 0;
    s->extra_indexes = h->option_bool(cfg, "extra_indexes");
    s->busy_timeout = h->option_int(cfg, "busy_timeout");
    s->deadline = BERTH_NO_WAIT;
    r = sq_open_file(s, s->create, err);
    if (r == 0) {
        /* There is no deadline here: who has the file now is waited for in begin(). */
        r = sq_ready(s, NULL);
        s->unready = r == -EBUSY;
        if (s->unready)
            r = 0;
        else if (r < 0)
            r = sq_ready(s, err);
    }
    if (r < 0) {
        close_store(s);
        return r;
    }
    *out = s;
    return 0;
}

static void forked(struct berth_state *s)
{
    struct abandoned *a;

    if (!s)
        return;
    sq_abandon(s);
    a = malloc(sizeof(*a));
    if (!a)
        return;
    *a = (struct abandoned){abandoned, s};
    abandoned = a;
}

static const struct berth_option options[] = {
    {"path", BERTH_OPTION_PATH, 0, NULL, "database file instead of db.sql where podman has it"},
    {"busy_timeout", BERTH_OPTION_TIME, 0, "100s",
     "how long checks and copies wait for other programs that use the file"},
    {"extra_indexes", BERTH_OPTION_BOOL, 0, "false",
     "add indexes for stores of very many containers; podman ignores them"},
};

static const struct berth_state_ops ops = {
    .size = sizeof(ops),
    .probe = sq_probe,
    .open = open_store,
    .close = close_store,
    .forked = forked,
    .begin = sq_begin,
    .commit = sq_commit,
    .rollback = sq_rollback,
    .get = sq_get,
    .resolve = sq_resolve,
    .scan = sq_scan,
    .insert = sq_insert,
    .update = sq_update,
    .remove = sq_remove,
    .link = sq_link,
    .unlink = sq_unlink,
    .unlink_all = sq_unlink_all,
    .linked = sq_linked,
    .links = sq_links,
    .exit_put = sq_exit_put,
    .exit_get = sq_exit_get,
    .exit_scan = sq_exit_scan,
    .exit_prune = sq_exit_prune,
    .config_get = sq_config_get,
    .config_put = sq_config_put,
    .check = sq_check,
    .backup = sq_backup,
    .files = sq_files,
};

BERTH_STATE_PLUGIN(state_sqlite, &ops, .name = "sqlite", .version = "0.1.0",
                   .summary = "keeps containers in podman's SQLite database (4.8 and later)",
                   .license = "Apache-2.0", .contact = "the maintainers of berth",
                   .caps = BERTH_STATE_CAP_PERSISTENT | BERTH_STATE_CAP_SHARED |
                           BERTH_STATE_CAP_TIMEOUT | BERTH_STATE_CAP_SAME_NAMES |
                           BERTH_STATE_CAP_FOREIGN,
                   .threads = BERTH_THREADS_INSTANCE,
                   .n_options = sizeof(options) / sizeof(*options), .options = options);
