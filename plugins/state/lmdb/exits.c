/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes, and the identity of the store. */
#include "lmdb_store.h"
#include <stdlib.h>

int lm_exit_put(struct berth_txn *t, const struct berth_exit *e, struct berth_error *err)
{
    unsigned char value[12];
    struct lm_key key;
    int r = lm_usable(t, 1, err);

    if (r < 0)
        return r;
    if (!BERTH_FITS(e, id) || !e->id || !*e->id || e->code < -1 || e->code > 255)
        return berth_fail(t->s->h, err, EINVAL,
                          "an exit code without container or outside -1 to 255");
    r = lm_key(t, &key, LM_EXIT, e->id, NULL, err);
    lm_put32(value, (uint32_t)e->code);
    lm_put64(value + 4, (uint64_t)e->date);
    return r < 0 ? r : lm_write(t, &key, value, sizeof(value), err);
}

static int exit_of(struct berth_txn *t, const MDB_val *key, const MDB_val *value,
                   struct berth_exit *out, struct berth_error *err)
{
    int r;

    memset(out, 0, sizeof(*out));
    out->size = sizeof(*out);
    r = lm_strings(t, key, &out->id, NULL, err);
    if (r < 0)
        return r;
    if (value->mv_size != 12)
        return lm_damaged(t, key, err);
    out->code = (int32_t)lm_get32(value->mv_data);
    out->date = (int64_t)lm_get64((const unsigned char *)value->mv_data + 4);
    return 0;
}

int lm_exit_get(struct berth_txn *t, const char *id, struct berth_exit *out,
                struct berth_error *err)
{
    struct berth_exit e;
    struct lm_key key;
    MDB_cursor *c;
    MDB_val k, v;
    int r = lm_usable(t, 0, err);

    if (r < 0)
        return r;
    if (!id)
        return berth_fail(t->s->h, err, EINVAL, "the exit code of no container");
    if ((r = lm_key(t, &key, LM_EXIT, id, NULL, err)) < 0 || !(c = lm_cursor(t, &r, err)))
        return r;
    /* By a cursor, for the sake of the ID in the key, which lives as long as the value. */
    r = lm_seek(t, c, &key, key.len, &k, &v, err);
    mdb_cursor_close(c);
    if (r == 0)
        return berth_fail(t->s->h, err, ENOENT, "no exit code of container %s in %s", id,
                          t->s->path);
    if (r > 0)
        r = exit_of(t, &k, &v, &e, err);
    if (r == 0) {
        e.size = out->size;
        memcpy(out, &e, out->size < sizeof(e) ? out->size : sizeof(e));
    }
    return r;
}

int lm_exit_scan(struct berth_txn *t, berth_exit_fn *fn, void *arg, struct berth_error *err)
{
    struct berth_exit e;
    struct lm_key key;
    MDB_cursor *c;
    MDB_val k, v;
    int r = lm_usable(t, 0, err);

    if (r < 0 || (r = lm_key(t, &key, LM_EXIT, NULL, NULL, err)) < 0 ||
        !(c = lm_cursor(t, &r, err)))
        return r;
    for (r = lm_seek(t, c, &key, 1, &k, &v, err); r > 0;
         r = lm_step(t, c, &key, 1, &k, &v, err)) {
        if ((r = exit_of(t, &k, &v, &e, err)) < 0 || (r = fn(arg, &e)) != 0)
            break;
    }
    mdb_cursor_close(c);
    return r;
}

/* Is this exit code one to be removed?  1, 0, -errno. */
static int prunable(struct berth_txn *t, const struct berth_exit *e, berth_date before,
                    int keep_live, struct berth_error *err)
{
    int r;

    if (e->date >= before)
        return 0;
    if (!keep_live)
        return 1;
    r = lm_exists(t, BERTH_CONTAINER, e->id, err);
    return r < 0 ? r : !r;
}

int64_t lm_exit_prune(struct berth_txn *t, berth_date before, int keep_live,
                      struct berth_error *err)
{
    struct berth_exit e;
    struct lm_key key;
    MDB_cursor *c;
    MDB_val k, v;
    int64_t n = 0;
    int r = lm_usable(t, 1, err), rc;

    if (r < 0 || (r = lm_key(t, &key, LM_EXIT, NULL, NULL, err)) < 0 ||
        !(c = lm_cursor(t, &r, err)))
        return r;
    r = lm_seek(t, c, &key, 1, &k, &v, err);
    while (r > 0) {
        r = exit_of(t, &k, &v, &e, err);
        if (r == 0)
            r = prunable(t, &e, before, keep_live, err);
        if (r < 0)
            break;
        if (r > 0) {
            rc = mdb_cursor_del(c, 0);
            if (rc) {
                t->broken = 1;
                r = lm_fail(t->s, err, rc, "writing");
                break;
            }
            n++;
        }
        r = lm_step(t, c, &key, 1, &k, &v, err);
    }
    mdb_cursor_close(c);
    return r < 0 ? r : n;
}

/* ---------------------------------------------------------------- identity */

/* The strings of an identity, as an array and back. */
#define MEMBERS 7

static void take_members(const struct berth_store_config *c, const char *to[MEMBERS])
{
    to[0] = c->os;
    to[1] = c->static_dir;
    to[2] = c->tmp_dir;
    to[3] = c->graph_root;
    to[4] = c->run_root;
    to[5] = c->graph_driver;
    to[6] = c->volume_path;
}

static void set_members(struct berth_store_config *c, const char *const from[MEMBERS])
{
    c->os = from[0];
    c->static_dir = from[1];
    c->tmp_dir = from[2];
    c->graph_root = from[3];
    c->run_root = from[4];
    c->graph_driver = from[5];
    c->volume_path = from[6];
}

int lm_config_get(struct berth_txn *t, struct berth_store_config *out, struct berth_error *err)
{
    struct berth_store_config c = {.size = sizeof(c)};
    const char *members[MEMBERS];
    struct lm_key key;
    MDB_val v;
    int r = lm_usable(t, 0, err);

    if (r < 0)
        return r;
    lm_key(t, &key, LM_IDENTITY, NULL, NULL, err);
    r = lm_read(t, &key, &v, err);
    if (r < 0)
        return r;
    if (r == 0)
        return berth_fail(t->s->h, err, ENOENT, "%s has no identity yet", t->s->path);
    if (lm_unpack(v.mv_data, v.mv_size, members, MEMBERS) < 0)
        return berth_fail(t->s->h, err, EUCLEAN, "%s: its identity is damaged", t->s->path);
    set_members(&c, members);
    c.schema = LM_VERSION;
    c.size = out->size;
    memcpy(out, &c, out->size < sizeof(c) ? out->size : sizeof(c));
    return 0;
}

int lm_config_put(struct berth_txn *t, const struct berth_store_config *in,
                  struct berth_error *err)
{
    const char *members[MEMBERS];
    unsigned char *value;
    struct lm_key key;
    size_t size;
    int r = lm_usable(t, 1, err);

    if (r < 0)
        return r;
    if (!BERTH_FITS(in, volume_path))
        return berth_fail(t->s->h, err, EINVAL, "an identity that is too short");
    take_members(in, members);
    size = lm_pack(NULL, members, MEMBERS);
    value = malloc(size);
    if (!value)
        return berth_fail(t->s->h, err, ENOMEM, "out of memory");
    lm_pack(value, members, MEMBERS);
    lm_key(t, &key, LM_IDENTITY, NULL, NULL, err);
    r = lm_write(t, &key, value, size, err);
    free(value);
    return r;
}
