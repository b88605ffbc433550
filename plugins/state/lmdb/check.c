/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for damage, mending indexes, copying, and naming the files. */
#include "lmdb_store.h"
#include <stdio.h>
#include <stdlib.h>

typedef int found_fn(void *arg, const char *line);

/* What is read here is not described in an error when it is damaged: that is a finding
 * like any other. */
struct walk {
    struct berth_txn *t;
    found_fn *found;
    void *arg;
    int repair;
};

static int tell(struct walk *w, const char *what, const char *a, const char *b)
{
    char line[1200];

    snprintf(line, sizeof(line), "%s: %s%s%s", what, a, b ? " -> " : "", b ? b : "");
    return w->found(w->arg, line);
}

/* An entry made no sense. */
static int tell_damaged(struct walk *w, const MDB_val *k)
{
    const unsigned char *bytes = k->mv_data;
    char text[64];
    size_t n = 0;

    for (size_t i = 1; i < k->mv_size && n < sizeof(text) - 1; i++)
        text[n++] = bytes[i] > ' ' && bytes[i] < 127 ? (char)bytes[i] : ' ';
    text[n] = '\0';
    return tell(w, "an entry is damaged", text, NULL);
}

/* Run fn on each entry of a tag. */
static int each(struct walk *w, int tag,
                int (*fn)(struct walk *, const MDB_val *, const MDB_val *))
{
    struct lm_key key;
    MDB_cursor *c;
    MDB_val k, v;
    int r = lm_key(w->t, &key, tag, NULL, NULL, NULL), more;

    if (r < 0 || !(c = lm_cursor(w->t, &r, NULL)))
        return r;
    for (more = lm_seek(w->t, c, &key, 1, &k, &v, NULL); more > 0;
         more = lm_step(w->t, c, &key, 1, &k, &v, NULL)) {
        r = fn(w, &k, &v);
        if (r == -EUCLEAN)
            r = tell_damaged(w, &k);
        if (r)
            break;
    }
    mdb_cursor_close(c);
    return r ? r : more;
}

static int tag_of(const MDB_val *k)
{
    return *(const unsigned char *)k->mv_data;
}

/* ---------------------------------------------------------------- dangling */

static int dangling_member(struct walk *w, const MDB_val *k, const MDB_val *v)
{
    const char *pod, *id;
    int r = lm_strings(w->t, k, &pod, &id, NULL);

    (void)v;
    if (r == 0)
        r = lm_exists(w->t, BERTH_POD, pod, NULL);
    return r < 0 ? r : r ? 0 : tell(w, "the pod of a container is not there", id, pod);
}

static int dangling_link(struct walk *w, const MDB_val *k, const MDB_val *v)
{
    uint32_t kind = (uint32_t)(tag_of(k) - LM_FROM);
    const char *end[2];
    int r = lm_strings(w->t, k, &end[0], &end[1], NULL);

    (void)v;
    for (uint32_t i = 0; r == 0 && i < 2; i++) {
        uint32_t record = lm_end_kind(kind, BERTH_FROM + i);
        int there = record ? lm_exists(w->t, record, end[i], NULL) : 1;

        if (there <= 0)
            r = there < 0 ? there : tell(w, "an end of a link is not there", end[0], end[1]);
        if (there == 0)
            break;
    }
    return r;
}

static int find_dangling(struct walk *w)
{
    int r = each(w, LM_MEMBER, dangling_member);

    for (int kind = BERTH_LINK_DEPENDS; r == 0 && kind <= BERTH_LINK_EXEC; kind++)
        r = each(w, LM_FROM + kind, dangling_link);
    return r;
}

int lm_dangling(struct berth_txn *t, int (*found)(void *arg, const char *line), void *arg)
{
    struct walk w = {.t = t, .found = found, .arg = arg};

    return find_dangling(&w);
}

/* ----------------------------------------------------------------- indexes */

/* An entry that has to be there with this value. */
static int require(struct walk *w, const struct lm_key *key, const void *value, size_t len,
                   const char *what, const char *a, const char *b)
{
    MDB_val v;
    int r = lm_read(w->t, key, &v, NULL);

    if (r < 0 || (r && v.mv_size == len && (!len || memcmp(v.mv_data, value, len) == 0)))
        return r < 0 ? r : 0;
    r = tell(w, what, a, b);
    return r == 0 && w->repair ? lm_write(w->t, key, value, len, NULL) : r;
}

/* What an index entry stands for is not so: 1 tells to remove it. */
static int stale(struct walk *w, const char *what, const char *a, const char *b)
{
    int r = tell(w, what, a, b);

    return r < 0 ? r : 1;
}

static int record_indexed(struct walk *w, const MDB_val *k, const MDB_val *v)
{
    uint32_t kind = (uint32_t)(tag_of(k) - LM_RECORD);
    struct lm_attrs a;
    struct lm_key key;
    const char *id;
    int r, part;

    if ((r = lm_split(w->t, k, &id, &part, NULL)) < 0)
        return r;
    if (part != LM_ATTRS) {
        r = lm_exists(w->t, kind, id, NULL);
        return r < 0 ? r : r ? 0 : tell(w, "a document is of no record", id, NULL);
    }
    if ((r = lm_attrs(w->t, k, v, &a, NULL)) < 0 ||
        (r = lm_part(w->t, &key, kind, id, LM_CONFIG, NULL)) < 0)
        return r;
    r = lm_read(w->t, &key, NULL, NULL);
    if (r <= 0)
        return r < 0 ? r : tell(w, "a record has no configuration", id, NULL);
    r = 0;
    if (kind != BERTH_VOLUME &&
        (r = lm_key(w->t, &key, LM_NAME + (int)kind, a.s[S_NAME], NULL, NULL)) == 0)
        r = require(w, &key, id, strlen(id) + 1, "a record is not found by its name", id,
                    a.s[S_NAME]);
    if (r == 0 && kind == BERTH_CONTAINER && a.s[S_POD] &&
        (r = lm_key(w->t, &key, LM_MEMBER, a.s[S_POD], id, NULL)) == 0)
        r = require(w, &key, NULL, 0, "a container is not found by its pod", id, a.s[S_POD]);
    if (r == 0 && kind == BERTH_VOLUME && a.s[S_STORAGE] &&
        (r = lm_key(w->t, &key, LM_STORAGE, a.s[S_STORAGE], id, NULL)) == 0)
        r = require(w, &key, NULL, 0, "a volume is not found by its storage container", id,
                    a.s[S_STORAGE]);
    return r;
}

static int read_attrs(struct walk *w, uint32_t kind, const char *id, struct lm_attrs *out)
{
    struct lm_key key;
    MDB_val k, v;
    int r = lm_part(w->t, &key, kind, id, LM_ATTRS, NULL);

    if (r == 0)
        r = lm_read(w->t, &key, &v, NULL);
    k = (MDB_val){key.len, key.bytes};
    return r <= 0 ? r : lm_attrs(w->t, &k, &v, out, NULL) < 0 ? -EUCLEAN : 1;
}

static int same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* Is what an entry of an index says so?  0, 1 it is stale (said), -errno. */
static int index_stale(struct walk *w, const MDB_val *k, const MDB_val *v)
{
    int tag = tag_of(k), r;
    const char *a, *b = NULL;
    struct lm_attrs attrs;
    struct lm_key key;

    if (tag == LM_NAME + BERTH_CONTAINER || tag == LM_NAME + BERTH_POD) {
        if ((r = lm_strings(w->t, k, &a, NULL, NULL)) < 0)
            return r;
        b = v->mv_data;
        if (v->mv_size < 2 || memchr(b, '\0', v->mv_size) != b + v->mv_size - 1)
            return stale(w, "a name is damaged", a, NULL);
        r = read_attrs(w, (uint32_t)(tag - LM_NAME), b, &attrs);
        return r < 0                           ? r
               : r && same(attrs.s[S_NAME], a) ? 0
                                               : stale(w, "a name is of nothing", a, b);
    }
    if ((r = lm_strings(w->t, k, &a, &b, NULL)) < 0)
        return r;
    if (tag == LM_MEMBER || tag == LM_STORAGE) {
        r = read_attrs(w, tag == LM_MEMBER ? BERTH_CONTAINER : BERTH_VOLUME, b, &attrs);
        if (r > 0 && same(attrs.s[tag == LM_MEMBER ? S_POD : S_STORAGE], a))
            return 0;
        return r < 0 ? r : stale(w, "an index entry is of nothing", a, b);
    }
    r = lm_key(w->t, &key, tag - LM_TO + LM_FROM, b, a, NULL);
    if (r == 0)
        r = lm_read(w->t, &key, NULL, NULL);
    return r < 0 ? r : r ? 0 : stale(w, "a link has one end only", b, a);
}

static int link_indexed(struct walk *w, const MDB_val *k, const MDB_val *v)
{
    const char *from, *to;
    struct lm_key key;
    int r = lm_strings(w->t, k, &from, &to, NULL);

    (void)v;
    if (r == 0)
        r = lm_key(w->t, &key, tag_of(k) - LM_FROM + LM_TO, to, from, NULL);
    return r < 0 ? r : require(w, &key, NULL, 0, "a link is not found by its end", from, to);
}

/* Go through the entries of an index; with repair take out what is stale. */
static int sweep(struct walk *w, int tag)
{
    struct lm_key key;
    MDB_cursor *c;
    MDB_val k, v;
    int r = lm_key(w->t, &key, tag, NULL, NULL, NULL), more;

    if (r < 0 || !(c = lm_cursor(w->t, &r, NULL)))
        return r;
    for (more = lm_seek(w->t, c, &key, 1, &k, &v, NULL); more > 0;
         more = lm_step(w->t, c, &key, 1, &k, &v, NULL)) {
        r = index_stale(w, &k, &v);
        if (r == -EUCLEAN)
            r = tell_damaged(w, &k) < 0 ? -ENOMEM : 1;
        if (r > 0 && w->repair) {
            int rc = mdb_cursor_del(c, 0);

            if (rc)
                more = lm_fail(w->t->s, NULL, rc, "mending");
        }
        if (r < 0 || more < 0)
            break;
    }
    mdb_cursor_close(c);
    return r < 0 ? r : more;
}

static int check_entries(struct walk *w)
{
    static const int indexes[] = {LM_NAME + BERTH_CONTAINER, LM_NAME + BERTH_POD, LM_MEMBER,
                                  LM_STORAGE};
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(indexes) / sizeof(*indexes); i++)
        r = sweep(w, indexes[i]);
    for (int kind = BERTH_LINK_DEPENDS; r == 0 && kind <= BERTH_LINK_EXEC; kind++)
        r = sweep(w, LM_TO + kind);
    for (int kind = BERTH_CONTAINER; r == 0 && kind <= BERTH_VOLUME; kind++)
        r = each(w, LM_RECORD + kind, record_indexed);
    for (int kind = BERTH_LINK_DEPENDS; r == 0 && kind <= BERTH_LINK_EXEC; kind++)
        r = each(w, LM_FROM + kind, link_indexed);
    return r == 0 ? find_dangling(w) : r;
}

/* ------------------------------------------------------------------ upkeep */

struct findings {
    struct berth_state *s;
    struct berth_list *report;
    int64_t n;
};

static int note(void *arg, const char *line)
{
    struct findings *f = arg;

    f->n++;
    return f->report ? f->s->h->add(f->s->h->core, f->report, line) : 0;
}

int64_t lm_check(struct berth_state *s, int repair, struct berth_list *report,
                 struct berth_error *err)
{
    struct findings f = {s, report, 0};
    struct walk w = {.found = note, .arg = &f, .repair = repair};
    struct berth_txn *t;
    int r = lm_begin(s, repair ? BERTH_TXN_WRITE : 0, lm_patience(), &t, err);

    if (r < 0)
        return r;
    w.t = t;
    if (repair) { /* a writer has pages of its own: check those that it began with */
        struct berth_txn *before;

        r = lm_begin(s, 0, lm_patience(), &before, err);
        if (r < 0) {
            lm_rollback(t);
            return r;
        }
        r = lm_verify(s, before->txn, note, &f);
        lm_rollback(before);
    } else {
        r = lm_verify(s, t->txn, note, &f);
    }
    /* Through damaged pages there is no way to the entries. */
    if (r == 0)
        r = check_entries(&w);
    r = r < 0 ? berth_fail(s->h, err, -r, "cannot check %s", s->path) : 0;
    if (r == 0 && repair && f.n > 0)
        r = lm_commit(t, err);
    else
        lm_rollback(t);
    return r < 0 ? r : f.n;
}

int lm_backup(struct berth_state *s, int fd, struct berth_error *err)
{
    struct berth_txn *t; /* keeps writers out where LMDB takes no lock itself */
    int rc, r = lm_begin(s, 0, lm_patience(), &t, err);

    if (r < 0)
        return r;
    rc = mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT);
    lm_rollback(t);
    return rc ? lm_fail(s, err, rc, "copying") : 0;
}

int lm_files(struct berth_state *s, struct berth_list *paths, struct berth_error *err)
{
    char *lock = malloc(strlen(s->path) + sizeof("-lock"));
    int r = lock ? s->h->add(s->h->core, paths, s->path) : -ENOMEM;

    if (r == 0) {
        sprintf(lock, "%s-lock", s->path);
        r = s->h->add(s->h->core, paths, lock);
    }
    free(lock);
    return r < 0 ? berth_fail(s->h, err, -r, "cannot name the files of %s", s->path) : 0;
}
