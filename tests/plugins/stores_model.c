/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of a store, made of arrays that are searched from the front, and a random
 * workload that is run on a store and on the model.  A transaction is a copy of the
 * model: rolling back is to keep the old one.
 */
#include "tests/plugins/stores.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEN(a) (sizeof(a) / sizeof(*(a)))

/* Containers and pods share these IDs; volumes have some of the same names. */
static const char *const ids[] = {
    "0a11111111111111111111111111111111111111111111111111111111111111",
    "0a11111111111111111111111111111111111111111111111111111111111112",
    "0a2",
    "a_b",
    "a%b",
    "aXb",
    "A_B",
    "ab",
    "abc",
    "b\\c",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "z\xc3\xa9",
    "z\xff",
    "z\xff\xff",
};
static const char *const names[] = {"one", "two", "Two", "t_o", "t%o", "a_b", "one ", "o'ne"};
static const char *const volumes[] = {"v1", "V1", "v_1", "v%", "one", "0a2", "data", "dat"};
static const char *const networks[] = {"podman", "back net", "p_dman"};
static const char *const sessions[] = {"s1", "s2", "s3", "S1", "0a2"};
static const char *const prefixes[] = {"",      "a", "A", "a_",     "a%",   "0a", "0a1",
                                       "z\xff", "v", "V", "ffffff", "\xff", "no"};
static const char *const spaces[] = {"ns1", "ns2"};
static struct berth_blob documents[12];

struct record {
    uint32_t kind;
    const char *id, *name, *ns, *pod, *netns, *infra, *storage;
    int status, code;
    const struct berth_blob *config, *state;
};

struct link {
    uint32_t kind;
    const char *from, *to;
    const struct berth_blob *value;
};

struct exited {
    const char *id;
    int code;
    berth_date date;
};

struct model {
    struct record records[48];
    struct link links[400];
    struct exited exits[48];
    size_t n_records, n_links, n_exits;
    const char *driver; /* of the identity; NULL: there is none */
};

struct work {
    struct store *st;
    unsigned seed;
    uint32_t flags; /* of the transaction */
    struct berth_txn *t;
    struct model m;
};

static unsigned pick(struct work *w, unsigned n)
{
    return store_random(&w->seed, n);
}

static const char *pick_text(struct work *w, const char *const *of, size_t n)
{
    return of[pick(w, (unsigned)n)];
}

static const char *maybe(struct work *w, const char *s)
{
    return pick(w, 2) ? s : NULL;
}

static void make_documents(void)
{
    static const size_t sizes[LEN(documents)] = {2,    1,    10,    500,   4000, 4096,
                                                 8000, 9000, 20000, 70000, 300,  40};
    unsigned seed = 7;

    for (size_t i = 0; i < LEN(documents) && !documents[i].data; i++) {
        unsigned char *data = malloc(sizes[i]);

        for (size_t j = 0; j < sizes[i]; j++)
            data[j] = (unsigned char)store_random(&seed, 256);
        documents[i] = (struct berth_blob){data, sizes[i]};
    }
}

/* -------------------------------------------------------------------- model */

static int same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static struct record *find(struct model *m, uint32_t kind, const char *id)
{
    for (size_t i = 0; i < m->n_records; i++)
        if (m->records[i].kind == kind && same(m->records[i].id, id))
            return &m->records[i];
    return NULL;
}

static struct record *find_name(struct model *m, uint32_t kind, const char *name)
{
    for (size_t i = 0; i < m->n_records; i++)
        if (m->records[i].kind == kind && same(m->records[i].name, name))
            return &m->records[i];
    return NULL;
}

static struct link *find_link(struct model *m, uint32_t kind, const char *from, const char *to)
{
    for (size_t i = 0; i < m->n_links; i++) {
        struct link *l = &m->links[i];

        if (l->kind == kind && (!from || same(l->from, from)) && (!to || same(l->to, to)))
            return l;
    }
    return NULL;
}

static uint32_t end_kind(uint32_t kind, int to)
{
    if (!to)
        return kind == BERTH_LINK_EXEC ? 0 : BERTH_CONTAINER;
    return kind == BERTH_LINK_NETWORK  ? 0
           : kind == BERTH_LINK_VOLUME ? BERTH_VOLUME
                                       : BERTH_CONTAINER;
}

static int link_whole(struct model *m, uint32_t kind, const char *from, const char *to)
{
    return (!end_kind(kind, 0) || find(m, end_kind(kind, 0), from)) &&
           (!end_kind(kind, 1) || find(m, end_kind(kind, 1), to));
}

static int model_commit(struct model *m)
{
    for (size_t i = 0; i < m->n_records; i++)
        if (m->records[i].pod && !find(m, BERTH_POD, m->records[i].pod))
            return -ENOENT;
    for (size_t i = 0; i < m->n_links; i++)
        if (!link_whole(m, m->links[i].kind, m->links[i].from, m->links[i].to))
            return -ENOENT;
    return 0;
}

static int model_insert(struct model *m, const struct record *r, int bulk)
{
    if (r->kind == BERTH_VOLUME ? find(m, BERTH_VOLUME, r->id) != NULL
                                : find(m, BERTH_CONTAINER, r->id) || find(m, BERTH_POD, r->id))
        return -EEXIST;
    if (find_name(m, r->kind, r->name))
        return -EEXIST;
    if (r->pod && !bulk && !find(m, BERTH_POD, r->pod))
        return -ENOENT;
    ck_assert(m->n_records < LEN(m->records));
    m->records[m->n_records++] = *r;
    return 0;
}

static int model_remove(struct model *m, uint32_t kind, const char *id, int bulk)
{
    struct record *r = find(m, kind, id);

    if (!r)
        return -ENOENT;
    for (size_t i = 0; !bulk && i < m->n_records; i++)
        if (kind == BERTH_POD && same(m->records[i].pod, id))
            return -ENOTEMPTY;
    for (size_t i = 0; !bulk && i < m->n_links; i++)
        if ((end_kind(m->links[i].kind, 0) == kind && same(m->links[i].from, id)) ||
            (end_kind(m->links[i].kind, 1) == kind && same(m->links[i].to, id)))
            return -ENOTEMPTY;
    *r = m->records[--m->n_records];
    return 0;
}

static int model_link(struct model *m, const struct link *l, int bulk)
{
    struct link *old;

    if (l->kind == BERTH_LINK_DEPENDS && same(l->from, l->to))
        return -EINVAL;
    if (!bulk && !link_whole(m, l->kind, l->from, l->to))
        return -ENOENT;
    old = find_link(m, l->kind, l->from, l->kind == BERTH_LINK_EXEC ? NULL : l->to);
    if (old)
        return same(old->to, l->to) && old->value == l->value ? 0 : -EEXIST;
    ck_assert(m->n_links < LEN(m->links));
    m->links[m->n_links++] = *l;
    return 0;
}

static int64_t model_unlink(struct model *m, uint32_t kind, const char *from, const char *to)
{
    struct link *l;
    int64_t n = 0;

    for (; (l = find_link(m, kind, from, to)); n++)
        *l = m->links[--m->n_links];
    return n;
}

static int by_record(const void *a, const void *b)
{
    const struct record *x = a, *y = b;

    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->id, y->id);
}

static int by_link(const void *a, const void *b)
{
    const struct link *x = a, *y = b;
    int c = strcmp(x->from, y->from);

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return c ? c : strcmp(x->to, y->to);
}

static void say_blob(FILE *f, const char *what, const struct berth_blob *b)
{
    uint64_t sum = 1469598103934665603u;

    if (!b) {
        fprintf(f, " %s=-", what);
        return;
    }
    for (size_t i = 0; i < b->len; i++)
        sum = (sum ^ ((const unsigned char *)b->data)[i]) * 1099511628211u;
    fprintf(f, " %s=%zu:%016llx", what, b->len, (unsigned long long)sum);
}

static const char *dash(const char *s, int kept)
{
    return s && kept ? s : "-";
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* What store_dump() has to give. */
static char *model_dump(struct work *w)
{
    int documents_only = (w->st->quirks & STORE_DOCS_ONLY) != 0;
    int spaces_kept = (w->st->plugin->caps & BERTH_STATE_CAP_NAMESPACES) != 0;
    struct model *m = &w->m;
    char exits[48][256], *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    qsort(m->records, m->n_records, sizeof(*m->records), by_record);
    qsort(m->links, m->n_links, sizeof(*m->links), by_link);
    for (size_t i = 0; i < m->n_records; i++) {
        struct record *r = &m->records[i];

        fprintf(f, "record %u %s name=%s ns=%s pod=%s netns=%s infra=%s storage=%s %d %d",
                r->kind, r->id, r->name, dash(r->ns, spaces_kept), dash(r->pod, 1),
                dash(r->netns, !documents_only), dash(r->infra, !documents_only),
                dash(r->storage, 1), r->status, r->code);
        say_blob(f, "config", r->config);
        say_blob(f, "state", r->state);
        putc('\n', f);
    }
    for (size_t i = 0; i < m->n_links; i++) {
        fprintf(f, "link %u %s -> %s", m->links[i].kind, m->links[i].from, m->links[i].to);
        say_blob(f, "value", m->links[i].value);
        putc('\n', f);
    }
    for (size_t i = 0; i < m->n_exits; i++)
        snprintf(exits[i], sizeof(exits[i]), "exit %s %d %lld\n", m->exits[i].id,
                 m->exits[i].code, (long long)m->exits[i].date);
    qsort(exits, m->n_exits, sizeof(*exits), by_text);
    for (size_t i = 0; i < m->n_exits; i++)
        fputs(exits[i], f);
    if (m->driver)
        fprintf(f, "config linux /s /t /g /r %s /v\n", m->driver);
    fclose(f);
    return text;
}

/* --------------------------------------------------------------- operations */

static void expect(struct work *w, const char *what, int64_t got, int64_t want)
{
    ck_assert_msg(got == want, "%s gives %lld, not %lld: %s", what, (long long)got,
                  (long long)want, testhost_error_text(w->st->err));
    ck_assert_msg(got >= 0 || testhost_error_code(w->st->err) == -got,
                  "%s gives %lld but says %d", what, (long long)got,
                  testhost_error_code(w->st->err));
    ck_assert_msg(testhost_error_calls(w->st->err) == (got < 0), "%s: %u messages", what,
                  testhost_error_calls(w->st->err));
    testhost_error_clear(w->st->err);
}

static void fill_attrs(struct work *w, struct record *r)
{
    r->ns = maybe(w, pick_text(w, spaces, LEN(spaces)));
    if (r->kind == BERTH_CONTAINER) {
        r->netns = maybe(w, "/run/netns/x");
        r->status = (int)pick(w, 9);
        r->code = (int)pick(w, 257) - 1;
    } else if (r->kind == BERTH_POD) {
        r->infra = maybe(w, pick_text(w, ids, LEN(ids)));
    } else {
        r->storage = maybe(w, pick_text(w, ids, 3));
    }
}

static struct berth_record lend(const struct record *r, uint64_t has)
{
    return (struct berth_record){
        .size = sizeof(struct berth_record),
        .kind = r->kind,
        .has = has,
        .id = r->id,
        .name = r->name,
        .ns = r->ns,
        .pod = r->pod,
        .netns = r->netns,
        .infra = r->infra,
        .storage_id = r->storage,
        .status = r->status,
        .exit_code = r->code,
        .config = *r->config,
        .state = *r->state,
    };
}

static const char *pick_id(struct work *w, uint32_t kind)
{
    return kind == BERTH_VOLUME ? pick_text(w, volumes, LEN(volumes))
                                : pick_text(w, ids, LEN(ids));
}

static void do_insert(struct work *w)
{
    struct record r = {.kind = 1 + pick(w, 3)};
    struct berth_record rec;

    r.id = pick_id(w, r.kind);
    r.name = r.kind == BERTH_VOLUME ? r.id : pick_text(w, names, LEN(names));
    r.config = &documents[pick(w, LEN(documents))];
    r.state = &documents[pick(w, LEN(documents))];
    if (r.kind == BERTH_CONTAINER)
        r.pod = maybe(w, maybe(w, pick_text(w, ids, LEN(ids))));
    fill_attrs(w, &r);
    rec = lend(&r, BERTH_REC_ALL);
    expect(w, "insert", w->st->ops.insert(w->t, &rec, w->st->err),
           model_insert(&w->m, &r, (w->flags & BERTH_TXN_BULK) != 0));
}

static void do_update(struct work *w)
{
    uint32_t kind = 1 + pick(w, 3);
    uint64_t has = pick(w, 16);
    const char *id = pick_id(w, kind);
    struct record none = {.kind = kind, .id = id, .name = "x"};
    struct record *old = find(&w->m, kind, id), *taken, new = old ? *old : none;
    struct berth_record rec;
    int want = 0;

    if ((has & BERTH_REC_NAME) && kind != BERTH_VOLUME)
        new.name = pick_text(w, names, LEN(names));
    else if (kind == BERTH_VOLUME)
        new.name = id;
    if (has & BERTH_REC_ATTRS)
        fill_attrs(w, &new);
    if ((has & BERTH_REC_CONFIG) || !new.config)
        new.config = &documents[pick(w, LEN(documents))];
    if ((has & BERTH_REC_STATE) || !new.state)
        new.state = &documents[pick(w, LEN(documents))];
    taken = find_name(&w->m, kind, new.name);
    if (!old)
        want = -ENOENT;
    else if (taken && taken != old)
        want = -EEXIST;
    rec = lend(&new, has);
    expect(w, "update", w->st->ops.update(w->t, &rec, w->st->err), want);
    if (want == 0)
        *old = new;
}

static void do_remove(struct work *w)
{
    uint32_t kind = 1 + pick(w, 3);
    const char *id = pick_id(w, kind);

    expect(w, "remove", w->st->ops.remove(w->t, kind, id, w->st->err),
           model_remove(&w->m, kind, id, (w->flags & BERTH_TXN_BULK) != 0));
}

static uint32_t pick_link_kind(struct work *w)
{
    uint32_t kind = 1 + pick(w, 4);

    if (kind == BERTH_LINK_NETWORK && !(w->st->plugin->caps & BERTH_STATE_CAP_NETWORKS))
        kind = BERTH_LINK_VOLUME;
    return kind;
}

static const char *pick_end(struct work *w, uint32_t kind, int to)
{
    if (!to)
        return kind == BERTH_LINK_EXEC ? pick_text(w, sessions, LEN(sessions))
                                       : pick_text(w, ids, LEN(ids));
    return kind == BERTH_LINK_NETWORK  ? pick_text(w, networks, LEN(networks))
           : kind == BERTH_LINK_VOLUME ? pick_text(w, volumes, LEN(volumes))
                                       : pick_text(w, ids, LEN(ids));
}

static void do_link(struct work *w)
{
    struct link l = {.kind = pick_link_kind(w)};
    struct berth_link link = {.size = sizeof(link), .kind = l.kind};

    link.from = l.from = pick_end(w, l.kind, 0);
    link.to = l.to = pick_end(w, l.kind, 1);
    if (l.kind == BERTH_LINK_NETWORK && pick(w, 3)) {
        l.value = &documents[pick(w, 3)];
        link.value = *l.value;
    }
    expect(w, "link", w->st->ops.link(w->t, &link, w->st->err),
           model_link(&w->m, &l, (w->flags & BERTH_TXN_BULK) != 0));
}

static void do_unlink(struct work *w)
{
    uint32_t kind = pick_link_kind(w), end = pick(w, 8) ? 1 + pick(w, 2) : BERTH_ANY;
    const char *from = pick_end(w, kind, 0), *to = pick_end(w, kind, 1);

    if (pick(w, 2)) {
        expect(w, "unlink", w->st->ops.unlink(w->t, kind, from, to, w->st->err),
               model_unlink(&w->m, kind, from, to) ? 0 : -ENOENT);
        return;
    }
    expect(w, "unlink_all",
           w->st->ops.unlink_all(w->t, kind, end,
                                 end == BERTH_FROM ? from
                                 : end == BERTH_TO ? to
                                                   : NULL,
                                 w->st->err),
           model_unlink(&w->m, kind, end == BERTH_FROM ? from : NULL,
                        end == BERTH_TO ? to : NULL));
}

static void do_exit(struct work *w)
{
    struct exited x = {pick_text(w, ids, LEN(ids)), (int)pick(w, 257) - 1,
                       (berth_date)pick(w, 1000) * 1000000000};
    struct berth_exit e = {sizeof(e), x.code, x.date, x.id}, got = {.size = sizeof(got)};
    struct model *m = &w->m;
    size_t i = 0;

    if (!(w->st->quirks & STORE_SECONDS))
        e.date = x.date += pick(w, 1000);
    if (pick(w, 4) == 0) {
        int keep = (int)pick(w, 2);
        int64_t n = 0;

        for (i = 0; i < m->n_exits;) {
            if (m->exits[i].date < x.date &&
                !(keep && find(m, BERTH_CONTAINER, m->exits[i].id))) {
                m->exits[i] = m->exits[--m->n_exits];
                n++;
            } else {
                i++;
            }
        }
        expect(w, "exit_prune", w->st->ops.exit_prune(w->t, x.date, keep, w->st->err), n);
        return;
    }
    while (i < m->n_exits && !same(m->exits[i].id, x.id))
        i++;
    expect(w, "exit_get", w->st->ops.exit_get(w->t, x.id, &got, w->st->err),
           i < m->n_exits ? 0 : -ENOENT);
    if (i < m->n_exits)
        ck_assert(got.code == m->exits[i].code && got.date == m->exits[i].date &&
                  same(got.id, x.id));
    else
        m->n_exits++;
    m->exits[i] = x;
    expect(w, "exit_put", w->st->ops.exit_put(w->t, &e, w->st->err), 0);
}

static void do_config(struct work *w)
{
    struct berth_store_config c = {sizeof(c), 0, "linux", "/s", "/t", "/g", "/r", NULL, "/v"};

    c.graph_driver = w->m.driver = pick(w, 2) ? "overlay" : "vfs";
    expect(w, "config_put", w->st->ops.config_put(w->t, &c, w->st->err), 0);
}

/* ------------------------------------------------------------------ lookups */

static int add_id(void *arg, const struct berth_record *r)
{
    fprintf(arg, "%u %s\n", r->kind, r->id);
    return 0;
}

static int add_link(void *arg, const struct berth_link *l)
{
    fprintf(arg, "%s -> %s\n", l->from, l->to);
    return 0;
}

static void ask_scan(struct work *w)
{
    struct berth_scan what = {.size = sizeof(what), .kind = pick(w, 4)};
    char *got = NULL, *want = NULL;
    size_t len;
    FILE *f = open_memstream(&got, &len);

    what.prefix = maybe(w, pick_text(w, prefixes, LEN(prefixes)));
    what.pod = maybe(w, maybe(w, pick_text(w, ids, LEN(ids))));
    what.storage_id = maybe(w, maybe(w, pick_text(w, ids, 3)));
    expect(w, "scan", w->st->ops.scan(w->t, &what, add_id, f, w->st->err), 0);
    fclose(f);
    qsort(w->m.records, w->m.n_records, sizeof(*w->m.records), by_record);
    f = open_memstream(&want, &len);
    for (size_t i = 0; i < w->m.n_records; i++) {
        struct record *r = &w->m.records[i];

        if ((what.kind && what.kind != r->kind) ||
            (what.prefix && strncmp(r->id, what.prefix, strlen(what.prefix)) != 0) ||
            (what.pod && !same(r->pod, what.pod)) ||
            (what.storage_id && !same(r->storage, what.storage_id)))
            continue;
        fprintf(f, "%u %s\n", r->kind, r->id);
    }
    fclose(f);
    ck_assert_str_eq(got, want);
    free(got);
    free(want);
}

static void ask_links(struct work *w)
{
    uint32_t kind = pick_link_kind(w), end = 1 + pick(w, 2);
    const char *key = pick_end(w, kind, end == BERTH_TO);
    char *got = NULL, *want = NULL;
    size_t len;
    FILE *f = open_memstream(&got, &len);

    expect(w, "links", w->st->ops.links(w->t, kind, end, key, add_link, f, w->st->err), 0);
    fclose(f);
    qsort(w->m.links, w->m.n_links, sizeof(*w->m.links), by_link);
    f = open_memstream(&want, &len);
    for (size_t i = 0; i < w->m.n_links; i++) {
        struct link *l = &w->m.links[i];

        if (l->kind == kind && same(end == BERTH_TO ? l->to : l->from, key))
            fprintf(f, "%s -> %s\n", l->from, l->to);
    }
    fclose(f);
    ck_assert_str_eq(got, want);
    free(got);
    free(want);
}

static void ask_one(struct work *w)
{
    uint32_t kind = pick(w, 3), link_kind = pick_link_kind(w), got_kind = 9;
    const char *name = pick_text(w, names, LEN(names)), *id = NULL;
    const char *from = pick_end(w, link_kind, 0), *to = pick_end(w, link_kind, 1);
    struct berth_record rec = {.size = sizeof(rec)};
    struct berth_link link = {.size = sizeof(link)};
    struct record *r = find_name(&w->m, kind ? kind : BERTH_CONTAINER, name);
    struct link *l;

    if (!r && !kind)
        r = find_name(&w->m, BERTH_POD, name);
    expect(w, "resolve", w->st->ops.resolve(w->t, kind, name, &got_kind, &id, w->st->err),
           r ? 0 : -ENOENT);
    if (r) {
        ck_assert_str_eq(id, r->id);
        ck_assert_uint_eq(got_kind, r->kind);
        expect(w, "get", w->st->ops.get(w->t, r->kind, id, BERTH_REC_NAME, &rec, w->st->err),
               0);
        ck_assert_str_eq(rec.name, name);
        ck_assert_ptr_null(rec.config.data);
        ck_assert_str_eq(id, r->id); /* reading left it valid */
    }
    if (link_kind == BERTH_LINK_EXEC && pick(w, 2))
        to = NULL;
    l = find_link(&w->m, link_kind, from, to);
    expect(w, "linked", w->st->ops.linked(w->t, link_kind, from, to, &link, w->st->err),
           l ? 0 : -ENOENT);
    if (l)
        ck_assert(same(link.from, l->from) && same(link.to, l->to) &&
                  (l->value ? link.value.len == l->value->len &&
                                  memcmp(link.value.data, l->value->data, l->value->len) == 0
                            : !link.value.data));
}

/* ----------------------------------------------------------------- workload */

static void compare(struct work *w)
{
    struct berth_txn *t = w->t ? w->t : store_begin(w->st, 0);
    char *got = store_dump(w->st, t), *want = model_dump(w);

    store_same_text(got, want);
    free(got);
    free(want);
    testhost_error_clear(w->st->err);
    if (!w->t)
        store_commit(w->st, t);
}

static void one_transaction(struct work *w)
{
    static void (*const ops[])(struct work *) = {
        do_insert, do_insert, do_insert, do_insert, do_update, do_update,
        do_remove, do_link,   do_link,   do_link,   do_link,   do_unlink,
        do_exit,   do_config, ask_scan,  ask_links, ask_one,   ask_one};
    struct model before = w->m;
    int r, want = 0;

    w->flags = BERTH_TXN_WRITE | (pick(w, 8) ? 0 : BERTH_TXN_BULK);
    w->t = store_begin(w->st, w->flags);
    for (unsigned n = pick(w, 24); n > 0; n--)
        ops[pick(w, LEN(ops))](w);
    if (pick(w, 4) == 0)
        compare(w);
    if (pick(w, 4) == 0) {
        w->st->ops.rollback(w->t);
        w->m = before;
    } else {
        if (w->flags & BERTH_TXN_BULK)
            want = model_commit(&w->m);
        r = w->st->ops.commit(w->t, w->st->err);
        expect(w, "commit", r, want);
        if (want < 0)
            w->m = before;
    }
    w->t = NULL;
}

void store_workload(struct store *st, unsigned seed, unsigned transactions)
{
    struct work *w = calloc(1, sizeof(*w));

    make_documents();
    testhost_error_clear(st->err);
    w->st = st;
    w->seed = seed;
    for (unsigned i = 0; i < transactions; i++) {
        one_transaction(w);
        compare(w);
        if ((st->plugin->caps & BERTH_STATE_CAP_PERSISTENT) && pick(w, 16) == 0) {
            store_close(st);
            store_open(st, 0);
            compare(w);
        }
    }
    store_check_clean(st);
    free(w);
}
