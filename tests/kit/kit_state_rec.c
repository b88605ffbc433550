/* SPDX-License-Identifier: Apache-2.0 */
/* kit_state_rec.c - state cases of the kit: single records. */
#include "tests/kit/kit_state.h"

#include <stdlib.h>

#define LONG_NAME 255

/* A transaction, or the case ends. */
#define WRITE(k, t)                                                                            \
    struct berth_txn *t = kit_write(k);                                                        \
    NEED(k, t)

static int round_trip(struct kit_state *k)
{
    uint32_t kind = (uint32_t)k->arg;
    const char *id = kind == BERTH_VOLUME ? "data" : kind == BERTH_POD ? k->pod[1] : k->ctr[1];
    struct kit_made m;

    kit_make(&m, kind, id, kind == BERTH_VOLUME ? "data" : "web", NULL);
    WRITE(k, t);
    OK(k, k->ops.insert(t, &m.rec, k->err));
    TRY(kit_holds(k, t, &m.rec));
    TRY(kit_next(k, &t));
    TRY(kit_holds(k, t, &m.rec));
    k->ops.rollback(t);
    return 0;
}

static int three_kinds(struct kit_state *k)
{
    struct berth_record rec = {.size = sizeof(rec)};

    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "web", NULL));
    TRY(kit_add(k, t, BERTH_POD, k->pod[1], "pod", NULL));
    TRY(kit_add(k, t, BERTH_VOLUME, "data", "data", NULL));
    FAILS(k, ENOENT, k->ops.get(t, BERTH_POD, k->ctr[1], 0, &rec, k->err));
    FAILS(k, ENOENT, k->ops.get(t, BERTH_VOLUME, k->ctr[1], 0, &rec, k->err));
    FAILS(k, ENOENT, k->ops.get(t, BERTH_CONTAINER, k->pod[1], 0, &rec, k->err));
    FAILS(k, ENOENT, k->ops.get(t, BERTH_CONTAINER, "data", 0, &rec, k->err));
    OK(k, k->ops.get(t, BERTH_POD, k->pod[1], 0, &rec, k->err));
    NEED(k, strcmp(rec.id, k->pod[1]) == 0);
    k->ops.rollback(t);
    return 0;
}

static int nothing_there(struct kit_state *k)
{
    struct berth_record rec = {.size = sizeof(rec)};

    WRITE(k, t);
    FAILS(k, ENOENT, k->ops.get(t, BERTH_CONTAINER, k->ctr[1], BERTH_REC_ALL, &rec, k->err));
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "web", NULL));
    FAILS(k, ENOENT, k->ops.get(t, BERTH_CONTAINER, k->ctr[2], BERTH_REC_ALL, &rec, k->err));
    FAILS(k, ENOENT, k->ops.get(t, BERTH_CONTAINER, "c", BERTH_REC_ALL, &rec, k->err));
    FAILS(k, ENOENT, k->ops.get(t, BERTH_CONTAINER, "web", BERTH_REC_ALL, &rec, k->err));
    k->ops.rollback(t);
    return 0;
}

/* get() with one set of members gives those documents and no others. */
static int projection(struct kit_state *k)
{
    struct kit_made m;
    struct berth_record rec;

    WRITE(k, t);
    kit_make(&m, BERTH_CONTAINER, k->ctr[1], "web", NULL);
    OK(k, k->ops.insert(t, &m.rec, k->err));
    TRY(kit_next(k, &t));
    memset(&rec, 0x5a, sizeof(rec));
    rec.size = sizeof(rec);
    OK(k, k->ops.get(t, BERTH_CONTAINER, k->ctr[1], (uint64_t)k->arg, &rec, k->err));
    TRY(kit_same(k, &rec, &m.rec, (uint64_t)k->arg));
    k->ops.rollback(t);
    return 0;
}

/* update() changes the members it is told and leaves the others. */
static int update_one(struct kit_state *k)
{
    uint64_t which = (uint64_t)k->arg;
    struct kit_made m;
    struct berth_record rec;

    WRITE(k, t);
    kit_make(&m, BERTH_CONTAINER, k->ctr[1], "web", NULL);
    OK(k, k->ops.insert(t, &m.rec, k->err));
    TRY(kit_next(k, &t));
    /* What `has` does not name is not looked at. */
    rec = (struct berth_record){
        .size = sizeof(rec), .kind = BERTH_CONTAINER, .has = which, .id = k->ctr[1]};
    if (which & BERTH_REC_NAME)
        m.rec.name = rec.name = "other";
    if (which & BERTH_REC_CONFIG)
        m.rec.config = rec.config = (struct berth_blob){"{\"changed\":true}", 16};
    if (which & BERTH_REC_ATTRS) {
        m.rec.netns = NULL;
        rec.status = m.rec.status;
        rec.exit_code = m.rec.exit_code;
    }
    /* Attributes and state agree, as they do when the engine writes them. */
    if ((which & (BERTH_REC_ATTRS | BERTH_REC_STATE)) == (BERTH_REC_ATTRS | BERTH_REC_STATE)) {
        m.rec.status = rec.status = 6;
        m.rec.exit_code = rec.exit_code = 137;
    }
    if (which & BERTH_REC_STATE) {
        snprintf(m.state, sizeof(m.state), "{\"state\":%d,\"exitCode\":%d,\"more\":[1,2]}",
                 m.rec.status, m.rec.exit_code);
        m.rec.state.len = strlen(m.state);
        rec.state = m.rec.state;
    }
    OK(k, k->ops.update(t, &rec, k->err));
    TRY(kit_holds(k, t, &m.rec));
    TRY(kit_next(k, &t));
    TRY(kit_holds(k, t, &m.rec));
    k->ops.rollback(t);
    return 0;
}

static int update_others(struct kit_state *k)
{
    struct kit_made pod, vol;
    struct berth_record rec;

    WRITE(k, t);
    kit_make(&pod, BERTH_POD, k->pod[1], "pod", NULL);
    kit_make(&vol, BERTH_VOLUME, "data", "data", NULL);
    OK(k, k->ops.insert(t, &pod.rec, k->err));
    OK(k, k->ops.insert(t, &vol.rec, k->err));
    pod.rec.state = (struct berth_blob){"{\"cgroupPath\":\"/x\"}", 19};
    vol.rec.state = (struct berth_blob){"{\"mountCount\":1}", 16};
    rec = pod.rec;
    rec.has = BERTH_REC_STATE | BERTH_REC_ATTRS;
    OK(k, k->ops.update(t, &rec, k->err));
    rec = vol.rec;
    rec.has = BERTH_REC_STATE | BERTH_REC_ATTRS;
    OK(k, k->ops.update(t, &rec, k->err));
    TRY(kit_next(k, &t));
    TRY(kit_holds(k, t, &pod.rec));
    TRY(kit_holds(k, t, &vol.rec));
    k->ops.rollback(t);
    return 0;
}

static int update_missing(struct kit_state *k)
{
    struct kit_made m;

    WRITE(k, t);
    for (uint32_t kind = BERTH_CONTAINER; kind <= BERTH_VOLUME; kind++) {
        kit_make(&m, kind, kind == BERTH_VOLUME ? "web" : k->ctr[1], "web", NULL);
        m.rec.has = BERTH_REC_STATE | BERTH_REC_ATTRS;
        FAILS(k, ENOENT, k->ops.update(t, &m.rec, k->err));
        m.rec.has = BERTH_REC_CONFIG;
        FAILS(k, ENOENT, k->ops.update(t, &m.rec, k->err));
    }
    m.rec.kind = BERTH_CONTAINER;
    m.rec.id = k->ctr[1];
    m.rec.has = BERTH_REC_NAME;
    FAILS(k, ENOENT, k->ops.update(t, &m.rec, k->err));
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[2], "web", NULL)); /* no name was left behind */
    TRY(kit_commit(k, t));
    return 0;
}

/* --------------------------------------------------------------------- names */

static int resolves(struct kit_state *k, struct berth_txn *t, uint32_t kind, const char *name,
                    const char *id, uint32_t found)
{
    uint32_t out = 0;
    const char *got = NULL;

    OK(k, k->ops.resolve(t, kind, name, &out, &got, k->err));
    NEED(k, out == found);
    NEED(k, strcmp(got, id) == 0);
    return 0;
}

static int resolves_not(struct kit_state *k, struct berth_txn *t, uint32_t kind,
                        const char *name)
{
    uint32_t out = 0;
    const char *got = NULL;

    FAILS(k, ENOENT, k->ops.resolve(t, kind, name, &out, &got, k->err));
    return 0;
}

static int resolve(struct kit_state *k)
{
    WRITE(k, t);
    TRY(resolves_not(k, t, 0, "web"));
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "web", NULL));
    TRY(kit_add(k, t, BERTH_POD, k->pod[1], "pod", NULL));
    TRY(resolves(k, t, 0, "web", k->ctr[1], BERTH_CONTAINER));
    TRY(kit_next(k, &t));
    TRY(resolves(k, t, 0, "web", k->ctr[1], BERTH_CONTAINER));
    TRY(resolves(k, t, BERTH_CONTAINER, "web", k->ctr[1], BERTH_CONTAINER));
    TRY(resolves(k, t, 0, "pod", k->pod[1], BERTH_POD));
    TRY(resolves(k, t, BERTH_POD, "pod", k->pod[1], BERTH_POD));
    TRY(resolves_not(k, t, BERTH_POD, "web"));
    TRY(resolves_not(k, t, BERTH_CONTAINER, "pod"));
    k->ops.rollback(t);
    return 0;
}

static int resolve_whole(struct kit_state *k)
{
    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "web_1%", NULL));
    TRY(kit_add(k, t, BERTH_VOLUME, "data", "data", NULL));
    TRY(resolves_not(k, t, 0, "web"));
    TRY(resolves_not(k, t, 0, "web_1%2"));
    TRY(resolves_not(k, t, 0, "WEB_1%"));
    TRY(resolves_not(k, t, 0, "webx1%"));
    TRY(resolves_not(k, t, 0, "%"));
    TRY(resolves_not(k, t, 0, k->ctr[1]));
    TRY(resolves_not(k, t, 0, "data"));
    k->ops.rollback(t);
    return 0;
}

static int names_are_bytes(struct kit_state *k)
{
    static const char *const names[] = {
        "web",   "Web",      "WEB",       "web ",     "w'e\"b",  "we;b",      "%",    "_",
        "we\\b", "\xc3\xa9", "e\xcc\x81", "\xff\xfe", "a\nb\tc", "123456789", "0x10", "NULL"};

    WRITE(k, t);
    for (int i = 0; i < KEY_IDS; i++)
        TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[i], names[i], NULL));
    TRY(kit_next(k, &t));
    for (int i = 0; i < KEY_IDS; i++) {
        struct kit_made m;

        kit_make(&m, BERTH_CONTAINER, k->ctr[i], names[i], NULL);
        TRY(resolves(k, t, 0, names[i], k->ctr[i], BERTH_CONTAINER));
        TRY(kit_holds(k, t, &m.rec));
    }
    k->ops.rollback(t);
    return 0;
}

static int rename_it(struct kit_state *k, struct berth_txn *t, uint32_t kind, const char *id,
                     const char *name)
{
    struct berth_record rec = {
        .size = sizeof(rec), .kind = kind, .has = BERTH_REC_NAME, .id = id, .name = name};

    return k->ops.update(t, &rec, k->err);
}

static int renaming(struct kit_state *k)
{
    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "old", NULL));
    TRY(kit_next(k, &t));
    OK(k, rename_it(k, t, BERTH_CONTAINER, k->ctr[1], "new"));
    TRY(resolves(k, t, 0, "new", k->ctr[1], BERTH_CONTAINER));
    TRY(resolves_not(k, t, 0, "old"));
    TRY(kit_next(k, &t));
    TRY(resolves(k, t, 0, "new", k->ctr[1], BERTH_CONTAINER));
    TRY(resolves_not(k, t, 0, "old"));
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[2], "old", NULL));
    OK(k, rename_it(k, t, BERTH_CONTAINER, k->ctr[1], "new")); /* to what it is already */
    TRY(resolves(k, t, 0, "new", k->ctr[1], BERTH_CONTAINER));
    TRY(kit_commit(k, t));
    return 0;
}

static int rename_taken(struct kit_state *k)
{
    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "one", NULL));
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[2], "two", NULL));
    TRY(kit_next(k, &t));
    FAILS(k, EEXIST, rename_it(k, t, BERTH_CONTAINER, k->ctr[1], "two"));
    TRY(resolves(k, t, 0, "one", k->ctr[1], BERTH_CONTAINER));
    TRY(resolves(k, t, 0, "two", k->ctr[2], BERTH_CONTAINER));
    TRY(kit_commit(k, t));
    return 0;
}

static int rename_swap(struct kit_state *k)
{
    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "one", NULL));
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[2], "two", NULL));
    TRY(kit_next(k, &t));
    OK(k, rename_it(k, t, BERTH_CONTAINER, k->ctr[1], "three"));
    OK(k, rename_it(k, t, BERTH_CONTAINER, k->ctr[2], "one"));
    OK(k, rename_it(k, t, BERTH_CONTAINER, k->ctr[1], "two"));
    TRY(kit_next(k, &t));
    TRY(resolves(k, t, 0, "two", k->ctr[1], BERTH_CONTAINER));
    TRY(resolves(k, t, 0, "one", k->ctr[2], BERTH_CONTAINER));
    TRY(resolves_not(k, t, 0, "three"));
    k->ops.rollback(t);
    return 0;
}

/* One name of a container and a pod: each plugin says whether it can. */
static int shared_name(struct kit_state *k)
{
    struct kit_made m;

    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "both", NULL));
    kit_make(&m, BERTH_POD, k->pod[1], "both", NULL);
    if (k->caps & BERTH_STATE_CAP_SAME_NAMES) {
        OK(k, k->ops.insert(t, &m.rec, k->err));
        TRY(kit_next(k, &t));
        TRY(resolves(k, t, 0, "both", k->ctr[1], BERTH_CONTAINER));
        TRY(resolves(k, t, BERTH_POD, "both", k->pod[1], BERTH_POD));
        OK(k, k->ops.remove(t, BERTH_CONTAINER, k->ctr[1], k->err));
        TRY(resolves(k, t, 0, "both", k->pod[1], BERTH_POD));
    } else {
        FAILS(k, EEXIST, k->ops.insert(t, &m.rec, k->err));
        TRY(kit_add(k, t, BERTH_POD, k->pod[1], "other", NULL));
        FAILS(k, EEXIST, rename_it(k, t, BERTH_POD, k->pod[1], "both"));
        TRY(resolves(k, t, 0, "both", k->ctr[1], BERTH_CONTAINER));
        TRY(resolves(k, t, 0, "other", k->pod[1], BERTH_POD));
    }
    TRY(kit_commit(k, t));
    return 0;
}

/* -------------------------------------------------------- insert and remove */

static int id_taken(struct kit_state *k)
{
    struct kit_made m, first;

    WRITE(k, t);
    kit_make(&first, BERTH_CONTAINER, k->ctr[1], "web", NULL);
    OK(k, k->ops.insert(t, &first.rec, k->err));
    TRY(kit_next(k, &t));
    kit_make(&m, BERTH_CONTAINER, k->ctr[1], "other", NULL);
    FAILS(k, EEXIST, k->ops.insert(t, &m.rec, k->err));
    kit_make(&m, BERTH_POD, k->ctr[1], "other", NULL);
    FAILS(k, EEXIST, k->ops.insert(t, &m.rec, k->err));
    TRY(kit_holds(k, t, &first.rec));
    TRY(resolves_not(k, t, 0, "other"));
    TRY(kit_add(k, t, BERTH_POD, k->pod[1], "other", NULL)); /* and the transaction goes on */
    kit_make(&m, BERTH_CONTAINER, k->pod[1], "third", NULL);
    FAILS(k, EEXIST, k->ops.insert(t, &m.rec, k->err));
    TRY(kit_commit(k, t));
    return 0;
}

static int name_taken(struct kit_state *k)
{
    struct berth_record rec = {.size = sizeof(rec)};
    struct kit_made m;

    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "web", NULL));
    TRY(kit_add(k, t, BERTH_POD, k->pod[1], "pod", NULL));
    TRY(kit_next(k, &t));
    kit_make(&m, BERTH_CONTAINER, k->ctr[2], "web", NULL);
    FAILS(k, EEXIST, k->ops.insert(t, &m.rec, k->err));
    FAILS(k, ENOENT, k->ops.get(t, BERTH_CONTAINER, k->ctr[2], 0, &rec, k->err));
    kit_make(&m, BERTH_POD, k->pod[2], "pod", NULL);
    FAILS(k, EEXIST, k->ops.insert(t, &m.rec, k->err));
    TRY(resolves(k, t, 0, "web", k->ctr[1], BERTH_CONTAINER));
    TRY(kit_commit(k, t));
    return 0;
}

static int volumes_apart(struct kit_state *k)
{
    struct kit_made m;

    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "web", NULL));
    TRY(kit_add(k, t, BERTH_VOLUME, "web", "web", NULL));
    TRY(kit_add(k, t, BERTH_VOLUME, k->ctr[1], k->ctr[1], NULL));
    TRY(resolves(k, t, 0, "web", k->ctr[1], BERTH_CONTAINER));
    kit_make(&m, BERTH_VOLUME, "web", "web", NULL);
    FAILS(k, EEXIST, k->ops.insert(t, &m.rec, k->err));
    OK(k, k->ops.remove(t, BERTH_VOLUME, "web", k->err));
    OK(k, k->ops.remove(t, BERTH_VOLUME, k->ctr[1], k->err));
    TRY(resolves(k, t, 0, "web", k->ctr[1], BERTH_CONTAINER));
    TRY(kit_commit(k, t));
    return 0;
}

static int removing(struct kit_state *k)
{
    uint32_t kind = (uint32_t)k->arg;
    const char *id = kind == BERTH_VOLUME ? "data" : kind == BERTH_POD ? k->pod[1] : k->ctr[1];
    const char *name = kind == BERTH_VOLUME ? "data" : "web";
    struct berth_record rec = {.size = sizeof(rec)};
    struct kit_made m;

    WRITE(k, t);
    TRY(kit_add(k, t, kind, id, name, NULL));
    TRY(kit_next(k, &t));
    OK(k, k->ops.remove(t, kind, id, k->err));
    FAILS(k, ENOENT, k->ops.get(t, kind, id, 0, &rec, k->err));
    TRY(resolves_not(k, t, 0, name));
    TRY(kit_next(k, &t));
    FAILS(k, ENOENT, k->ops.get(t, kind, id, 0, &rec, k->err));
    /* ID and name are free again, and nothing of the old record comes back. */
    kit_make(&m, kind, id, name, NULL);
    m.rec.config = (struct berth_blob){"{\"second\":true}", 15};
    OK(k, k->ops.insert(t, &m.rec, k->err));
    TRY(kit_next(k, &t));
    TRY(kit_holds(k, t, &m.rec));
    k->ops.rollback(t);
    return 0;
}

static int remove_missing(struct kit_state *k)
{
    WRITE(k, t);
    FAILS(k, ENOENT, k->ops.remove(t, BERTH_CONTAINER, k->ctr[1], k->err));
    FAILS(k, ENOENT, k->ops.remove(t, BERTH_POD, k->pod[1], k->err));
    FAILS(k, ENOENT, k->ops.remove(t, BERTH_VOLUME, "data", k->err));
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "web", NULL));
    FAILS(k, ENOENT, k->ops.remove(t, BERTH_POD, k->ctr[1], k->err));
    FAILS(k, ENOENT, k->ops.remove(t, BERTH_VOLUME, k->ctr[1], k->err));
    FAILS(k, ENOENT, k->ops.remove(t, BERTH_CONTAINER, k->ctr[2], k->err));
    FAILS(k, ENOENT, k->ops.remove(t, BERTH_CONTAINER, "web", k->err));
    TRY(kit_commit(k, t));
    return 0;
}

/* Removing a pod that has members: refused, or the format does not notice; half is wrong. */
static int remove_full_pod(struct kit_state *k)
{
    struct berth_record rec = {.size = sizeof(rec)};
    int r;

    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_POD, k->pod[1], "pod", NULL));
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "web", k->pod[1]));
    TRY(kit_next(k, &t));
    r = k->ops.remove(t, BERTH_POD, k->pod[1], k->err);
    if (r == 0) {
        k->ops.rollback(t);
        return 0;
    }
    FAILS(k, ENOTEMPTY, r);
    OK(k, k->ops.get(t, BERTH_POD, k->pod[1], 0, &rec, k->err));
    OK(k, k->ops.remove(t, BERTH_CONTAINER, k->ctr[1], k->err));
    OK(k, k->ops.remove(t, BERTH_POD, k->pod[1], k->err));
    TRY(kit_commit(k, t));
    return 0;
}

/* ---------------------------------------------------------------- attributes */

static int attributes(struct kit_state *k)
{
    struct kit_made c, p, v;

    WRITE(k, t);
    kit_make(&p, BERTH_POD, k->pod[1], "pod", NULL);
    kit_make(&c, BERTH_CONTAINER, k->ctr[1], "web", k->pod[1]);
    kit_make(&v, BERTH_VOLUME, "img", "img", NULL);
    c.rec.exit_code = -1;
    c.rec.status = 8;
    strcpy(c.state, "{\"state\":8,\"exitCode\":-1,\"netns\":\"/run/netns/kit\"}");
    c.rec.state.len = strlen(c.state);
    p.rec.infra = k->ctr[1];
    v.rec.storage_id = k->ctr[9];
    OK(k, k->ops.insert(t, &p.rec, k->err));
    OK(k, k->ops.insert(t, &c.rec, k->err));
    OK(k, k->ops.insert(t, &v.rec, k->err));
    TRY(kit_next(k, &t));
    TRY(kit_holds(k, t, &p.rec));
    TRY(kit_holds(k, t, &c.rec));
    TRY(kit_holds(k, t, &v.rec));
    k->ops.rollback(t);
    return 0;
}

static int namespaces(struct kit_state *k)
{
    struct kit_made c, p, n;

    WRITE(k, t);
    kit_make(&p, BERTH_POD, k->pod[1], "pod", NULL);
    kit_make(&c, BERTH_CONTAINER, k->ctr[1], "web", NULL);
    kit_make(&n, BERTH_CONTAINER, k->ctr[2], "none", NULL);
    p.rec.ns = c.rec.ns = "prod";
    OK(k, k->ops.insert(t, &p.rec, k->err));
    OK(k, k->ops.insert(t, &c.rec, k->err));
    OK(k, k->ops.insert(t, &n.rec, k->err));
    TRY(kit_next(k, &t));
    TRY(kit_holds(k, t, &p.rec));
    TRY(kit_holds(k, t, &c.rec));
    TRY(kit_holds(k, t, &n.rec));
    c.rec.has = BERTH_REC_ATTRS | BERTH_REC_STATE;
    OK(k, k->ops.update(t, &c.rec, k->err));
    c.rec.has = BERTH_REC_ALL;
    TRY(kit_next(k, &t));
    TRY(kit_holds(k, t, &c.rec));
    k->ops.rollback(t);
    return 0;
}

static int codes_in_range(struct kit_state *k)
{
    static const int32_t codes[] = {0, 1, 125, 137, 255, -1};
    struct kit_made m;

    WRITE(k, t);
    for (int i = 0; i < 6; i++) {
        char name[16];

        snprintf(name, sizeof(name), "c%d", i);
        kit_make(&m, BERTH_CONTAINER, k->ctr[i], name, NULL);
        m.rec.exit_code = codes[i];
        m.rec.status = i + 1;
        snprintf(m.state, sizeof(m.state), "{\"state\":%d,\"exitCode\":%d}", i + 1, codes[i]);
        m.rec.state.len = strlen(m.state);
        m.rec.netns = NULL;
        OK(k, k->ops.insert(t, &m.rec, k->err));
        TRY(kit_holds(k, t, &m.rec));
    }
    TRY(kit_commit(k, t));
    return 0;
}

/* --------------------------------------------------------------------- sizes */

static int blob_kept(struct kit_state *k, const void *data, size_t len)
{
    struct kit_made m;

    WRITE(k, t);
    kit_make(&m, BERTH_CONTAINER, k->ctr[1], "web", NULL);
    m.rec.netns = NULL;
    m.rec.config = (struct berth_blob){data, len};
    OK(k, k->ops.insert(t, &m.rec, k->err));
    TRY(kit_holds(k, t, &m.rec));
    m.rec.state = (struct berth_blob){data, len};
    m.rec.has = BERTH_REC_STATE;
    OK(k, k->ops.update(t, &m.rec, k->err));
    TRY(kit_next(k, &t));
    TRY(kit_holds(k, t, &m.rec));
    /* check() may well complain of such documents: leave none behind. */
    OK(k, k->ops.remove(t, BERTH_CONTAINER, k->ctr[1], k->err));
    return kit_commit(k, t);
}

static int blob_binary(struct kit_state *k)
{
    unsigned char bytes[1024];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i ^ (i >> 8));
    return blob_kept(k, bytes, sizeof(bytes));
}

static int blob_empty(struct kit_state *k)
{
    return blob_kept(k, "", 0);
}

static int blob_sizes(struct kit_state *k)
{
    /* Around the sizes of pages and of cells in them. */
    static const size_t sizes[] = {1, 500, 1000, 2030, 2048, 4060, 4096, 4097, 16384, 65537};
    char *text = malloc(65537), name[16];
    struct kit_made m;
    struct berth_record rec = {.size = sizeof(rec)};

    NEED(k, text);
    memset(text, 'x', 65537);
    WRITE(k, t);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "c%d", i);
        kit_make(&m, BERTH_CONTAINER, k->ctr[i], name, NULL);
        m.rec.config = (struct berth_blob){text, sizes[i]};
        OK(k, k->ops.insert(t, &m.rec, k->err));
    }
    TRY(kit_next(k, &t));
    for (int i = 0; i < 10; i++) {
        OK(k, k->ops.get(t, BERTH_CONTAINER, k->ctr[i], BERTH_REC_CONFIG, &rec, k->err));
        NEED(k, rec.config.len == sizes[i] && memcmp(rec.config.data, text, sizes[i]) == 0);
    }
    k->ops.rollback(t);
    free(text);
    return 0;
}

static int blob_large(struct kit_state *k)
{
    size_t len = 8u << 20;
    unsigned char *data = malloc(len);
    uint32_t x = 12345;
    int r;

    NEED(k, data);
    for (size_t i = 0; i < len; i++)
        data[i] = (unsigned char)((x = x * 1664525u + 1013904223u) >> 24);
    r = blob_kept(k, data, len);
    free(data);
    return r;
}

/* Growing and shrinking one document again and again. */
static int blob_changes(struct kit_state *k)
{
    char *text = malloc(200000);
    struct kit_made m;

    NEED(k, text);
    memset(text, 'y', 200000);
    WRITE(k, t);
    kit_make(&m, BERTH_CONTAINER, k->ctr[1], "web", NULL);
    OK(k, k->ops.insert(t, &m.rec, k->err));
    for (size_t i = 0; i < 20; i++) {
        m.rec.has = BERTH_REC_STATE;
        m.rec.state = (struct berth_blob){text, i % 2 ? 100 : 10000 * i};
        OK(k, k->ops.update(t, &m.rec, k->err));
        TRY(kit_next(k, &t));
        TRY(kit_holds(k, t, &m.rec));
    }
    k->ops.rollback(t);
    free(text);
    return 0;
}

static int long_keys(struct kit_state *k)
{
    char name[LONG_NAME + 1], volume[LONG_NAME + 1], id[BERTH_STATE_ID_MAX + 1];
    struct kit_made c, v;

    memset(name, 'n', LONG_NAME);
    memset(volume, 'v', LONG_NAME);
    memset(id, 'f', BERTH_STATE_ID_MAX);
    name[LONG_NAME] = volume[LONG_NAME] = id[BERTH_STATE_ID_MAX] = '\0';
    WRITE(k, t);
    kit_make(&c, BERTH_CONTAINER, id, name, NULL);
    kit_make(&v, BERTH_VOLUME, volume, volume, NULL);
    OK(k, k->ops.insert(t, &c.rec, k->err));
    OK(k, k->ops.insert(t, &v.rec, k->err));
    OK(k, k->ops.link(t,
                      &(struct berth_link){
                          sizeof(struct berth_link), BERTH_LINK_VOLUME, id, volume, {NULL, 0}},
                      k->err));
    TRY(kit_next(k, &t));
    TRY(kit_holds(k, t, &c.rec));
    TRY(kit_holds(k, t, &v.rec));
    TRY(kit_linked(k, t, BERTH_LINK_VOLUME, BERTH_TO, volume, id));
    TRY(resolves(k, t, 0, name, id, BERTH_CONTAINER));
    /* One byte less is another key. */
    name[LONG_NAME - 1] = '\0';
    TRY(resolves_not(k, t, 0, name));
    k->ops.rollback(t);
    return 0;
}

static int short_keys(struct kit_state *k)
{
    struct kit_made m;

    WRITE(k, t);
    kit_make(&m, BERTH_CONTAINER, "a", "b", NULL);
    OK(k, k->ops.insert(t, &m.rec, k->err));
    TRY(kit_add(k, t, BERTH_CONTAINER, "b", "a", NULL));
    TRY(kit_next(k, &t));
    TRY(kit_holds(k, t, &m.rec));
    TRY(resolves(k, t, 0, "a", "b", BERTH_CONTAINER));
    TRY(resolves(k, t, 0, "b", "a", BERTH_CONTAINER));
    k->ops.rollback(t);
    return 0;
}

/* What reading operations hand out stays through other reads. */
static int lifetime(struct kit_state *k)
{
    struct berth_record one = {.size = sizeof(one)}, other;
    struct berth_link link = {.size = sizeof(link)};
    struct berth_store_config sc = {.size = sizeof(sc)};
    struct berth_scan all = kit_scan(0, NULL);
    struct kit_made m;
    const char *id = NULL, *id2 = NULL;
    uint32_t kind;

    WRITE(k, t);
    kit_make(&m, BERTH_CONTAINER, k->ctr[1], "web", NULL);
    OK(k, k->ops.insert(t, &m.rec, k->err));
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[2], "db", NULL));
    for (int i = 3; i < KEY_IDS; i++) {
        char name[16];

        snprintf(name, sizeof(name), "n%d", i);
        TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[i], name, NULL));
    }
    TRY(kit_next(k, &t));
    OK(k, k->ops.get(t, BERTH_CONTAINER, k->ctr[1], BERTH_REC_ALL, &one, k->err));
    OK(k, k->ops.resolve(t, 0, "web", &kind, &id, k->err));
    for (int round = 0; round < 50; round++)
        for (int i = 2; i < KEY_IDS; i++) {
            other = (struct berth_record){.size = sizeof(other)};
            OK(k, k->ops.get(t, BERTH_CONTAINER, k->ctr[i], BERTH_REC_ALL, &other, k->err));
        }
    OK(k, k->ops.resolve(t, 0, "db", &kind, &id2, k->err));
    all.want = BERTH_REC_ALL;
    TRY(kit_scanned(k, t, &(struct berth_scan){.size = sizeof(all), .kind = BERTH_POD}, ""));
    FAILS(k, ENOENT, k->ops.linked(t, BERTH_LINK_EXEC, k->exec[1], NULL, &link, k->err));
    FAILS(k, ENOENT, k->ops.config_get(t, &sc, k->err));
    TRY(kit_same(k, &one, &m.rec, BERTH_REC_ALL));
    NEED(k, strcmp(id, k->ctr[1]) == 0);
    NEED(k, strcmp(id2, k->ctr[2]) == 0);
    k->ops.rollback(t);
    return 0;
}

/* A writer's own key and documents may lie in what get() handed out. */
static int write_what_was_read(struct kit_state *k)
{
    struct berth_record rec = {.size = sizeof(rec)};
    struct kit_made m;

    WRITE(k, t);
    kit_make(&m, BERTH_CONTAINER, k->ctr[1], "web", NULL);
    OK(k, k->ops.insert(t, &m.rec, k->err));
    TRY(kit_next(k, &t));
    OK(k, k->ops.get(t, BERTH_CONTAINER, k->ctr[1], BERTH_REC_ALL, &rec, k->err));
    m.rec.has = BERTH_REC_STATE;
    m.rec.state = (struct berth_blob){"{}", 2};
    rec.has = BERTH_REC_CONFIG;
    rec.config = (struct berth_blob){"{\"a\":1}", 7};
    OK(k, k->ops.update(t, &rec, k->err));
    OK(k, k->ops.update(t, &m.rec, k->err));
    m.rec.config = rec.config;
    TRY(kit_next(k, &t));
    TRY(kit_holds(k, t, &m.rec));
    k->ops.rollback(t);
    return 0;
}

const struct kit_state_case kit_state_records[] = {
    {"a container comes back whole", 0, round_trip, BERTH_CONTAINER},
    {"a pod comes back whole", 0, round_trip, BERTH_POD},
    {"a volume comes back whole", 0, round_trip, BERTH_VOLUME},
    {"an ID is of one kind", 0, three_kinds, 0},
    {"get() of nothing", 0, nothing_there, 0},
    {"get() of no members", 0, projection, 0},
    {"get() of the name alone", 0, projection, (int)BERTH_REC_NAME},
    {"get() of the attributes alone", 0, projection, (int)BERTH_REC_ATTRS},
    {"get() of the configuration alone", 0, projection, (int)BERTH_REC_CONFIG},
    {"get() of the state alone", 0, projection, (int)BERTH_REC_STATE},
    {"get() of name and state", 0, projection, (int)(BERTH_REC_NAME | BERTH_REC_STATE)},
    {"update() of the name alone", 0, update_one, (int)BERTH_REC_NAME},
    {"update() of the attributes alone", 0, update_one, (int)BERTH_REC_ATTRS},
    {"update() of the configuration alone", 0, update_one, (int)BERTH_REC_CONFIG},
    {"update() of the state alone", 0, update_one, (int)BERTH_REC_STATE},
    {"update() of state and attributes", 0, update_one,
     (int)(BERTH_REC_STATE | BERTH_REC_ATTRS)},
    {"update() of everything", 0, update_one, (int)BERTH_REC_ALL},
    {"update() of a pod and a volume", 0, update_others, 0},
    {"update() of nothing", 0, update_missing, 0},
    {"resolve() by kind", 0, resolve, 0},
    {"resolve() takes whole names only", 0, resolve_whole, 0},
    {"names are bytes", 0, names_are_bytes, 0},
    {"a new name frees the old one", 0, renaming, 0},
    {"a new name that is taken", 0, rename_taken, 0},
    {"names that change places", 0, rename_swap, 0},
    {"one name for a container and a pod", 0, shared_name, 0},
    {"insert() of an ID that is taken", 0, id_taken, 0},
    {"insert() of a name that is taken", 0, name_taken, 0},
    {"volumes have names of their own", 0, volumes_apart, 0},
    {"remove() of a container", 0, removing, BERTH_CONTAINER},
    {"remove() of a pod", 0, removing, BERTH_POD},
    {"remove() of a volume", 0, removing, BERTH_VOLUME},
    {"remove() of nothing", 0, remove_missing, 0},
    {"remove() of a pod with members", 0, remove_full_pod, 0},
    {"attributes are kept", 0, attributes, 0},
    {"namespaces are kept", BERTH_STATE_CAP_NAMESPACES, namespaces, 0},
    {"exit codes and statuses in a record", 0, codes_in_range, 0},
    {"documents of any bytes", 0, blob_binary, 0},
    {"empty documents", 0, blob_empty, 0},
    {"documents of many sizes", 0, blob_sizes, 0},
    {"documents of 8 MiB", 0, blob_large, 0},
    {"a document that grows and shrinks", 0, blob_changes, 0},
    {"keys as long as they may be", 0, long_keys, 0},
    {"keys of one byte", 0, short_keys, 0},
    {"what was read stays through other reads", 0, lifetime, 0},
    {"what was read may be written back", 0, write_what_was_read, 0},
    {NULL, 0, NULL, 0},
};
