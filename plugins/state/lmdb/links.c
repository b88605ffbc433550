/* SPDX-License-Identifier: Apache-2.0 */
/* Links, kept once for each end. */
#include "lmdb_store.h"
#include <stdlib.h>

static int is_link(uint32_t kind)
{
    return kind >= BERTH_LINK_DEPENDS && kind <= BERTH_LINK_EXEC;
}

uint32_t lm_end_kind(uint32_t link_kind, uint32_t end)
{
    if (end == BERTH_FROM)
        return link_kind == BERTH_LINK_EXEC ? 0 : BERTH_CONTAINER;
    return link_kind == BERTH_LINK_NETWORK  ? 0
           : link_kind == BERTH_LINK_VOLUME ? BERTH_VOLUME
                                            : BERTH_CONTAINER;
}

static int end_there(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                     struct berth_error *err)
{
    uint32_t record = lm_end_kind(kind, end);
    int r = record ? lm_exists(t, record, key, err) : 1;

    if (r)
        return r < 0 ? r : 0;
    return berth_fail(t->s->h, err, ENOENT, "no %s %s to link %s in %s", lm_kind_name(record),
                      key, end == BERTH_FROM ? "from" : "to", t->s->path);
}

/* The options that an entry of LM_FROM has. */
static int value_of(struct berth_txn *t, const MDB_val *k, const MDB_val *v,
                    struct berth_blob *out, struct berth_error *err)
{
    const unsigned char *bytes = v->mv_data;

    *out = (struct berth_blob){NULL, 0};
    if (v->mv_size == 0)
        return 0;
    if (bytes[0] != 1)
        return lm_damaged(t, k, err);
    *out = (struct berth_blob){bytes + 1, v->mv_size - 1};
    return 0;
}

/* Find a link, or with `to` NULL the first one from `from`: 1 and *out with strings and
 * value in the pages, 0, -errno. */
static int find_link(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                     struct berth_link *out, struct berth_error *err)
{
    struct lm_key key;
    MDB_cursor *c;
    MDB_val k, v;
    int r = lm_key(t, &key, LM_FROM + (int)kind, from, to, err);

    if (r < 0 || !(c = lm_cursor(t, &r, err)))
        return r;
    r = lm_seek(t, c, &key, key.len, &k, &v, err);
    mdb_cursor_close(c);
    if (r <= 0)
        return r;
    memset(out, 0, sizeof(*out));
    out->size = sizeof(*out);
    out->kind = kind;
    r = lm_strings(t, &k, &out->from, &out->to, err);
    if (r == 0)
        r = value_of(t, &k, &v, &out->value, err);
    return r < 0 ? r : 1;
}

static int no_link(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                   struct berth_error *err)
{
    static const char *const words[] = {"", "dependency", "volume", "network", "exec session"};

    return berth_fail(t->s->h, err, ENOENT, "no %s %s -> %s in %s", words[kind], from,
                      to ? to : "(any)", t->s->path);
}

static int check_ends(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                      struct berth_error *err)
{
    if (is_link(kind) && from && (to || kind == BERTH_LINK_EXEC))
        return 0;
    return berth_fail(t->s->h, err, EINVAL, "a link without kind or ends");
}

/* ----------------------------------------------------------------- writing */

/* 1: it is there already; 0: it is not. */
static int already_linked(struct berth_txn *t, const struct berth_link *link,
                          struct berth_error *err)
{
    int exec = link->kind == BERTH_LINK_EXEC, lent = t->lent, r;
    struct berth_link old;

    r = find_link(t, link->kind, link->from, exec ? NULL : link->to, &old, err);
    t->lent = lent;
    if (r <= 0)
        return r;
    if (exec && strcmp(old.to, link->to) != 0)
        return berth_fail(t->s->h, err, EEXIST, "exec session %s belongs to container %s",
                          link->from, old.to);
    if (link->kind == BERTH_LINK_NETWORK &&
        (!old.value.data != !link->value.data || old.value.len != link->value.len ||
         (old.value.len && memcmp(old.value.data, link->value.data, old.value.len) != 0)))
        return berth_fail(t->s->h, err, EEXIST,
                          "container %s is connected to network \"%s\" with other options",
                          link->from, link->to);
    return 1;
}

int lm_link(struct berth_txn *t, const struct berth_link *link, struct berth_error *err)
{
    struct lm_key forward, back;
    unsigned char *value = NULL;
    size_t len = 0;
    int r = lm_usable(t, 1, err);

    if (r < 0)
        return r;
    if (!BERTH_FITS(link, value) || !is_link(link->kind) || !link->from || !*link->from ||
        !link->to || !*link->to)
        return berth_fail(t->s->h, err, EINVAL, "a link without kind or ends");
    if (link->kind == BERTH_LINK_DEPENDS && strcmp(link->from, link->to) == 0)
        return berth_fail(t->s->h, err, EINVAL, "container %s cannot depend on itself",
                          link->from);
    if (!(t->flags & BERTH_TXN_BULK) &&
        ((r = end_there(t, link->kind, BERTH_FROM, link->from, err)) < 0 ||
         (r = end_there(t, link->kind, BERTH_TO, link->to, err)) < 0))
        return r;
    r = already_linked(t, link, err);
    if (r)
        return r < 0 ? r : 0;
    if ((r = lm_key(t, &forward, LM_FROM + (int)link->kind, link->from, link->to, err)) < 0 ||
        (r = lm_key(t, &back, LM_TO + (int)link->kind, link->to, link->from, err)) < 0)
        return r;
    if (link->kind == BERTH_LINK_NETWORK && link->value.data) {
        len = link->value.len + 1;
        value = malloc(len);
        if (!value)
            return berth_fail(t->s->h, err, ENOMEM, "out of memory");
        value[0] = 1;
        if (link->value.len)
            memcpy(value + 1, link->value.data, link->value.len);
    }
    r = lm_write(t, &forward, value, len, err);
    free(value);
    return r < 0 ? r : lm_write(t, &back, NULL, 0, err);
}

/* Remove both entries of a link; its strings may lie in the pages. */
static int drop_link(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
                     struct berth_error *err)
{
    struct lm_key forward, back;
    int r;

    if ((r = lm_key(t, &forward, LM_FROM + (int)kind, from, to, err)) < 0 ||
        (r = lm_key(t, &back, LM_TO + (int)kind, to, from, err)) < 0 ||
        (r = lm_drop(t, &forward, err)) < 0)
        return r;
    return lm_drop(t, &back, err);
}

int lm_unlink(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
              struct berth_error *err)
{
    struct berth_link old;
    int r = lm_usable(t, 1, err);

    if (r < 0 || (r = check_ends(t, kind, from, to, err)) < 0)
        return r;
    r = find_link(t, kind, from, to, &old, err);
    if (r == 0)
        return no_link(t, kind, from, to, err);
    return r < 0 ? r : drop_link(t, kind, old.from, old.to, err);
}

static int check_end(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                     struct berth_error *err)
{
    if (is_link(kind) && end <= BERTH_TO && (end == BERTH_ANY) == !key)
        return 0;
    return berth_fail(t->s->h, err, EINVAL, "links of a wrong kind or without their end");
}

/* Where the links with this end begin, and how much of the key they share. */
static int range_of(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                    struct lm_key *range, struct berth_error *err)
{
    return lm_key(t, range, (end == BERTH_TO ? LM_TO : LM_FROM) + (int)kind, key, NULL, err);
}

int64_t lm_unlink_all(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
                      struct berth_error *err)
{
    const char *a, *b;
    struct lm_key range;
    int64_t n = 0;
    MDB_val k, v;
    int r = lm_usable(t, 1, err);

    if (r < 0 || (r = check_end(t, kind, end, key, err)) < 0 ||
        (r = range_of(t, kind, end, key, &range, err)) < 0)
        return r;
    for (;; n++) {
        MDB_cursor *c = lm_cursor(t, &r, err);

        if (!c)
            return r;
        r = lm_seek(t, c, &range, range.len, &k, &v, err);
        mdb_cursor_close(c);
        if (r > 0)
            r = lm_strings(t, &k, &a, &b, err);
        else
            return r < 0 ? r : n;
        if (r == 0)
            r = end == BERTH_TO ? drop_link(t, kind, b, a, err) : drop_link(t, kind, a, b, err);
        if (r < 0) {
            t->broken = 1;
            return r;
        }
    }
}

/* ----------------------------------------------------------------- reading */

int lm_linked(struct berth_txn *t, uint32_t kind, const char *from, const char *to,
              struct berth_link *out, struct berth_error *err)
{
    struct berth_link l;
    int r = lm_usable(t, 0, err);

    if (r < 0 || (r = check_ends(t, kind, from, to, err)) < 0)
        return r;
    r = find_link(t, kind, from, to, &l, err);
    if (r == 0)
        return no_link(t, kind, from, to, err);
    if (r < 0)
        return r;
    if (out) {
        l.size = out->size;
        memcpy(out, &l, out->size < sizeof(l) ? out->size : sizeof(l));
    }
    return 0;
}

/* The link of an entry that was found by one of its ends. */
static int link_of(struct berth_txn *t, uint32_t kind, uint32_t end, const MDB_val *k,
                   const MDB_val *v, struct berth_link *out, struct berth_error *err)
{
    const char *a, *b;
    int r = lm_strings(t, k, &a, &b, err);

    if (r < 0)
        return r;
    if (end == BERTH_TO && kind == BERTH_LINK_NETWORK) {
        r = find_link(t, kind, b, a, out, err);
        return r == 0 ? lm_damaged(t, k, err) : r < 0 ? r : 0;
    }
    memset(out, 0, sizeof(*out));
    out->size = sizeof(*out);
    out->kind = kind;
    out->from = end == BERTH_TO ? b : a;
    out->to = end == BERTH_TO ? a : b;
    return end == BERTH_TO ? 0 : value_of(t, k, v, &out->value, err);
}

int lm_links(struct berth_txn *t, uint32_t kind, uint32_t end, const char *key,
             berth_link_fn *fn, void *arg, struct berth_error *err)
{
    struct lm_key range;
    struct berth_link l;
    MDB_cursor *c;
    MDB_val k, v;
    int r = lm_usable(t, 0, err), more;

    if (r < 0 || (r = check_end(t, kind, end, key, err)) < 0 ||
        (r = range_of(t, kind, end, key, &range, err)) < 0 || !(c = lm_cursor(t, &r, err)))
        return r;
    for (more = lm_seek(t, c, &range, range.len, &k, &v, err); more > 0;
         more = lm_step(t, c, &range, range.len, &k, &v, err)) {
        r = link_of(t, kind, end, &k, &v, &l, err);
        if (r == 0)
            r = fn(arg, &l);
        if (r)
            break;
    }
    mdb_cursor_close(c);
    return r ? r : more;
}
