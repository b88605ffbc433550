/* SPDX-License-Identifier: Apache-2.0 */
/* kit_state_txn.c - state cases of the kit: transactions. */
#include "tests/kit/kit_state.h"

#define WRITE(k, t)                                                                            \
    struct berth_txn *t = kit_write(k);                                                        \
    NEED(k, t)

static struct berth_store_config some_paths(const char *tmp)
{
    return (struct berth_store_config){.size = sizeof(struct berth_store_config),
                                       .schema = 1,
                                       .os = "linux",
                                       .static_dir = "/a",
                                       .tmp_dir = tmp,
                                       .graph_root = "/c",
                                       .run_root = "/d",
                                       .graph_driver = "overlay",
                                       .volume_path = "/f"};
}

/* One of each thing: what transactions below change. */
static int fill(struct kit_state *k, struct berth_txn *t)
{
    struct berth_exit e = {
        .size = sizeof(e), .code = 7, .date = 1800000000000000000, .id = "c1"};
    struct berth_link depends = kit_link(BERTH_LINK_DEPENDS, "c1", "c2", NULL);
    struct berth_link volume = kit_link(BERTH_LINK_VOLUME, "c1", "v1", NULL);
    struct berth_link exec = kit_link(BERTH_LINK_EXEC, "e1", "c1", NULL);
    struct berth_store_config c = some_paths("/first");

    TRY(kit_add(k, t, BERTH_POD, "p1", "pod", NULL));
    TRY(kit_add(k, t, BERTH_CONTAINER, "c1", "web", "p1"));
    TRY(kit_add(k, t, BERTH_CONTAINER, "c2", "db", "p1"));
    TRY(kit_add(k, t, BERTH_CONTAINER, "c3", "lone", NULL));
    TRY(kit_add(k, t, BERTH_VOLUME, "v1", "v1", NULL));
    OK(k, k->ops.link(t, &depends, k->err));
    OK(k, k->ops.link(t, &volume, k->err));
    OK(k, k->ops.link(t, &exec, k->err));
    OK(k, k->ops.exit_put(t, &e, k->err));
    OK(k, k->ops.config_put(t, &c, k->err));
    return 0;
}

/* All of fill() is there, and nothing else. */
static int is_filled(struct kit_state *k, struct berth_txn *t)
{
    struct berth_scan scan = kit_scan(0, NULL);
    struct berth_store_config c = {.size = sizeof(c)};
    struct berth_exit e = {.size = sizeof(e)};
    struct kit_made m;
    const char *id;
    uint32_t kind;

    TRY(kit_scanned(k, t, &scan, "c1 c2 c3 p1 v1"));
    scan = kit_scan(BERTH_CONTAINER, NULL);
    scan.pod = "p1";
    TRY(kit_scanned(k, t, &scan, "c1 c2"));
    kit_make(&m, BERTH_CONTAINER, "c1", "web", "p1");
    TRY(kit_holds(k, t, &m.rec));
    kit_make(&m, BERTH_CONTAINER, "c3", "lone", NULL);
    TRY(kit_holds(k, t, &m.rec));
    OK(k, k->ops.resolve(t, 0, "web", &kind, &id, k->err));
    FAILS(k, ENOENT, k->ops.resolve(t, 0, "new", &kind, &id, k->err));
    TRY(kit_linked(k, t, BERTH_LINK_DEPENDS, BERTH_ANY, NULL, "c1 c2"));
    TRY(kit_linked(k, t, BERTH_LINK_VOLUME, BERTH_TO, "v1", "c1"));
    TRY(kit_linked(k, t, BERTH_LINK_EXEC, BERTH_TO, "c1", "e1"));
    TRY(kit_linked(k, t, BERTH_LINK_EXEC, BERTH_FROM, "e1", "c1"));
    OK(k, k->ops.exit_get(t, "c1", &e, k->err));
    NEED(k, e.code == 7);
    FAILS(k, ENOENT, k->ops.exit_get(t, "c2", &e, k->err));
    OK(k, k->ops.config_get(t, &c, k->err));
    NEED(k, strcmp(c.tmp_dir, "/first") == 0);
    return 0;
}

/* ------------------------------------------------------------ single changes */

enum change {
    INSERT,
    INSERT_POD,
    INSERT_VOLUME,
    UPDATE_STATE,
    UPDATE_CONFIG,
    RENAME,
    REMOVE,
    LINK,
    UNLINK,
    UNLINK_ALL,
    UNLINK_EXEC,
    EXIT_PUT,
    EXIT_REPLACE,
    EXIT_PRUNE,
    CONFIG_PUT,
};

static int64_t change_record(struct kit_state *k, struct berth_txn *t, enum change what)
{
    struct kit_made m;

    if (what == INSERT)
        kit_make(&m, BERTH_CONTAINER, "c9", "new", "p1");
    else if (what == INSERT_POD)
        kit_make(&m, BERTH_POD, "p9", "new", NULL);
    else if (what == INSERT_VOLUME)
        kit_make(&m, BERTH_VOLUME, "v9", "v9", NULL);
    else
        kit_make(&m, BERTH_CONTAINER, "c1", "new", "p1");
    if (what <= INSERT_VOLUME)
        return k->ops.insert(t, &m.rec, k->err);
    m.rec.has = what == RENAME          ? BERTH_REC_NAME
                : what == UPDATE_CONFIG ? BERTH_REC_CONFIG
                                        : BERTH_REC_STATE | BERTH_REC_ATTRS;
    m.rec.state = m.rec.config = (struct berth_blob){"{\"changed\":1}", 13};
    m.rec.netns = NULL;
    return k->ops.update(t, &m.rec, k->err);
}

static int64_t change(struct kit_state *k, struct berth_txn *t, enum change what)
{
    struct berth_link link = kit_link(BERTH_LINK_DEPENDS, "c2", "c1", NULL);
    struct berth_exit e = {
        .size = sizeof(e), .code = 9, .date = 1800000001000000000, .id = "c2"};
    struct berth_store_config c = some_paths("/second");

    switch (what) {
    case REMOVE:
        return k->ops.remove(t, BERTH_CONTAINER, "c3", k->err);
    case LINK:
        return k->ops.link(t, &link, k->err);
    case UNLINK:
        return k->ops.unlink(t, BERTH_LINK_DEPENDS, "c1", "c2", k->err);
    case UNLINK_ALL:
        return k->ops.unlink_all(t, BERTH_LINK_VOLUME, BERTH_TO, "v1", k->err);
    case UNLINK_EXEC:
        return k->ops.unlink_all(t, BERTH_LINK_EXEC, BERTH_ANY, NULL, k->err);
    case EXIT_REPLACE:
        e.id = "c1";
        return k->ops.exit_put(t, &e, k->err);
    case EXIT_PUT:
        return k->ops.exit_put(t, &e, k->err);
    case EXIT_PRUNE:
        return k->ops.exit_prune(t, INT64_MAX, 0, k->err);
    case CONFIG_PUT:
        return k->ops.config_put(t, &c, k->err);
    case INSERT:
    case INSERT_POD:
    case INSERT_VOLUME:
    case UPDATE_STATE:
    case UPDATE_CONFIG:
    case RENAME:
        break;
    }
    return change_record(k, t, what);
}

static int change_gives(enum change what)
{
    return what == UNLINK_ALL || what == UNLINK_EXEC || what == EXIT_PRUNE;
}

static int undone(struct kit_state *k)
{
    enum change what = (enum change)k->arg;

    WRITE(k, t);
    TRY(fill(k, t));
    TRY(kit_next(k, &t));
    GIVES(k, change_gives(what), change(k, t, what));
    TRY(kit_undo(k, &t));
    TRY(is_filled(k, t));
    k->ops.rollback(t);
    return 0;
}

static int refused(struct kit_state *k)
{
    WRITE(k, t);
    TRY(fill(k, t));
    TRY(kit_commit(k, t));
    t = kit_read(k);
    NEED(k, t);
    FAILS(k, EROFS, change(k, t, (enum change)k->arg));
    TRY(is_filled(k, t));
    k->ops.rollback(t);
    return 0;
}

/* ------------------------------------------------------------- transactions */

static int all_undone(struct kit_state *k)
{
    WRITE(k, t);
    TRY(fill(k, t));
    TRY(kit_next(k, &t));
    for (int what = INSERT; what <= CONFIG_PUT; what++)
        if (what != RENAME && what != INSERT_POD) /* their names clash with INSERT's */
            NEED(k, change(k, t, (enum change)what) >= change_gives((enum change)what));
    TRY(kit_undo(k, &t));
    TRY(is_filled(k, t));
    k->ops.rollback(t);
    return 0;
}

static int first_undone(struct kit_state *k)
{
    struct berth_scan scan = kit_scan(0, NULL);
    struct berth_store_config c = {.size = sizeof(c)};

    WRITE(k, t);
    TRY(fill(k, t));
    TRY(kit_undo(k, &t));
    TRY(kit_scanned(k, t, &scan, ""));
    FAILS(k, ENOENT, k->ops.config_get(t, &c, k->err));
    TRY(fill(k, t));
    TRY(kit_next(k, &t));
    TRY(is_filled(k, t));
    k->ops.rollback(t);
    return 0;
}

/* There and back within one transaction. */
static int undone_twice(struct kit_state *k)
{
    struct kit_made m;

    WRITE(k, t);
    TRY(fill(k, t));
    TRY(kit_next(k, &t));
    OK(k, k->ops.remove(t, BERTH_CONTAINER, "c3", k->err));
    kit_make(&m, BERTH_CONTAINER, "c3", "again", "p1");
    OK(k, k->ops.insert(t, &m.rec, k->err));
    OK(k, k->ops.remove(t, BERTH_CONTAINER, "c3", k->err));
    OK(k, k->ops.unlink(t, BERTH_LINK_DEPENDS, "c1", "c2", k->err));
    GIVES(k, 0, change(k, t, LINK));
    TRY(kit_undo(k, &t));
    TRY(is_filled(k, t));
    k->ops.rollback(t);
    return 0;
}

static int read_after(struct kit_state *k)
{
    WRITE(k, t);
    TRY(fill(k, t));
    TRY(is_filled(k, t)); /* a writer sees what it wrote */
    TRY(kit_commit(k, t));
    for (int i = 0; i < 3; i++) {
        t = kit_read(k);
        NEED(k, t);
        TRY(is_filled(k, t));
        if (i == 0)
            k->ops.rollback(t);
        else
            TRY(kit_commit(k, t)); /* a reader may be committed */
    }
    return 0;
}

static int empty_ones(struct kit_state *k)
{
    struct berth_scan scan = kit_scan(0, NULL);

    for (int i = 0; i < 3; i++) {
        WRITE(k, t);
        TRY(kit_scanned(k, t, &scan, ""));
        if (i == 1)
            k->ops.rollback(t);
        else
            TRY(kit_commit(k, t));
    }
    k->ops.rollback(NULL);
    return 0;
}

static int fails_and_goes_on(struct kit_state *k)
{
    struct kit_made m;

    WRITE(k, t);
    TRY(fill(k, t));
    kit_make(&m, BERTH_CONTAINER, "c1", "other", NULL);
    FAILS(k, EEXIST, k->ops.insert(t, &m.rec, k->err));
    kit_make(&m, BERTH_CONTAINER, "c8", "web", NULL);
    FAILS(k, EEXIST, k->ops.insert(t, &m.rec, k->err));
    FAILS(k, ENOENT, k->ops.remove(t, BERTH_POD, "c1", k->err));
    FAILS(k, ENOENT, k->ops.unlink(t, BERTH_LINK_DEPENDS, "c2", "c1", k->err));
    TRY(is_filled(k, t));
    TRY(kit_next(k, &t));
    TRY(is_filled(k, t));
    k->ops.rollback(t);
    return 0;
}

static int without_errors(struct kit_state *k)
{
    struct berth_record rec = {.size = sizeof(rec)};
    struct berth_error *err = k->err;
    struct berth_txn *t = NULL;
    const char *id;
    uint32_t kind;
    int r;

    WRITE(k, w);
    TRY(fill(k, w));
    k->err = NULL; /* from here on nobody listens */
    r = k->ops.get(w, BERTH_POD, "none", 0, &rec, NULL) == -ENOENT &&
        k->ops.resolve(w, 0, "none", &kind, &id, NULL) == -ENOENT &&
        change(k, w, INSERT) == 0 && change(k, w, INSERT) == -EEXIST &&
        change(k, w, UNLINK) == 0 && change(k, w, UNLINK) == -ENOENT &&
        k->ops.remove(w, BERTH_POD, "none", NULL) == -ENOENT && k->ops.commit(w, NULL) == 0 &&
        k->ops.begin(k->s, 0, BERTH_WAIT_FOREVER, &t, NULL) == 0 &&
        change(k, t, EXIT_PUT) == -EROFS;
    k->ops.rollback(t);
    k->err = err;
    NEED(k, r);
    return 0;
}

/* -------------------------------------------------------------------- bulk */

static int bulk_any_order(struct kit_state *k)
{
    struct berth_link link = kit_link(BERTH_LINK_DEPENDS, "c1", "c2", NULL);
    struct berth_link volume = kit_link(BERTH_LINK_VOLUME, "c1", "v1", NULL);
    struct berth_txn *t = kit_begin(k, BERTH_TXN_WRITE | BERTH_TXN_BULK);

    NEED(k, t);
    OK(k, k->ops.link(t, &link, k->err));
    OK(k, k->ops.link(t, &volume, k->err));
    TRY(kit_add(k, t, BERTH_CONTAINER, "c1", "one", "p1"));
    TRY(kit_add(k, t, BERTH_CONTAINER, "c2", "two", "p1"));
    TRY(kit_add(k, t, BERTH_VOLUME, "v1", "v1", NULL));
    TRY(kit_add(k, t, BERTH_POD, "p1", "pod", NULL));
    TRY(kit_next(k, &t));
    TRY(kit_linked(k, t, BERTH_LINK_DEPENDS, BERTH_TO, "c2", "c1"));
    TRY(kit_linked(k, t, BERTH_LINK_VOLUME, BERTH_TO, "v1", "c1"));
    k->ops.rollback(t);
    return 0;
}

static int bulk_loose_end(struct kit_state *k)
{
    struct berth_link link = kit_link(BERTH_LINK_DEPENDS, "c1", "missing", NULL);
    struct berth_record rec = {.size = sizeof(rec)};
    struct berth_scan scan = kit_scan(0, NULL);
    struct berth_txn *t = kit_begin(k, BERTH_TXN_WRITE | BERTH_TXN_BULK);
    int r;

    NEED(k, t);
    TRY(kit_add(k, t, BERTH_CONTAINER, "c1", "one", NULL));
    OK(k, k->ops.link(t, &link, k->err));
    r = k->ops.commit(t, k->err);
    if (r != 0) /* the format notices: then nothing of it is there */
        FAILS(k, ENOENT, r);
    t = kit_write(k);
    NEED(k, t);
    if (r == 0) {
        OK(k, k->ops.get(t, BERTH_CONTAINER, "c1", 0, &rec, k->err));
        OK(k, k->ops.unlink(t, BERTH_LINK_DEPENDS, "c1", "missing", k->err));
    } else {
        TRY(kit_scanned(k, t, &scan, ""));
    }
    TRY(kit_commit(k, t));
    return 0;
}

static int bulk_undone(struct kit_state *k)
{
    char id[16], name[16];
    struct berth_txn *t;

    WRITE(k, w);
    TRY(fill(k, w));
    TRY(kit_commit(k, w));
    t = kit_begin(k, BERTH_TXN_WRITE | BERTH_TXN_BULK);
    NEED(k, t);
    for (int i = 0; i < 2000; i++) {
        snprintf(id, sizeof(id), "x%d", i * 7919 % 2000);
        snprintf(name, sizeof(name), "n%d", i);
        TRY(kit_add(k, t, BERTH_CONTAINER, id, name, "p1"));
    }
    TRY(kit_undo(k, &t));
    TRY(is_filled(k, t));
    k->ops.rollback(t);
    return 0;
}

/* ------------------------------------------------------------------ reopening */

static int reopened(struct kit_state *k)
{
    WRITE(k, t);
    TRY(fill(k, t));
    TRY(kit_commit(k, t));
    for (int i = 0; i < 3; i++) {
        kst_close(k);
        TRY(kit_open(k, i ? 0 : BERTH_STATE_CREATE));
        t = kit_write(k);
        NEED(k, t);
        TRY(is_filled(k, t));
        if (i == 1)
            TRY(kit_commit(k, t));
        else
            k->ops.rollback(t);
    }
    return 0;
}

static int reopened_undone(struct kit_state *k)
{
    WRITE(k, t);
    TRY(fill(k, t));
    TRY(kit_next(k, &t));
    for (int what = UPDATE_STATE; what <= CONFIG_PUT; what++)
        NEED(k, change(k, t, (enum change)what) >= change_gives((enum change)what));
    k->ops.rollback(t);
    kst_close(k);
    t = kit_write(k);
    NEED(k, t);
    TRY(is_filled(k, t));
    k->ops.rollback(t);
    return 0;
}

/* A thousand small transactions; what they free is used again. */
static int thousand(struct kit_state *k)
{
    struct kit_made m;
    char state[64];

    WRITE(k, t);
    TRY(fill(k, t));
    for (int i = 0; i < 1000; i++) {
        snprintf(state, sizeof(state), "{\"state\":%d,\"round\":%d}", i % 8, i);
        kit_make(&m, BERTH_CONTAINER, "c3", "lone", NULL);
        m.rec.netns = NULL;
        m.rec.has = BERTH_REC_STATE | BERTH_REC_ATTRS;
        m.rec.status = i % 8;
        m.rec.exit_code = 0;
        m.rec.state = (struct berth_blob){state, strlen(state)};
        OK(k, k->ops.update(t, &m.rec, k->err));
        TRY(kit_next(k, &t));
    }
    m.rec.has = BERTH_REC_ALL;
    TRY(kit_holds(k, t, &m.rec));
    k->ops.rollback(t);
    return 0;
}

/* clang-format off */
#define EACH_CHANGE(text, fn)                                         \
    {text " insert() of a container", 0, fn, INSERT},                 \
    {text " insert() of a pod", 0, fn, INSERT_POD},                   \
    {text " insert() of a volume", 0, fn, INSERT_VOLUME},             \
    {text " update() of the state", 0, fn, UPDATE_STATE},             \
    {text " update() of the configuration", 0, fn, UPDATE_CONFIG},    \
    {text " update() of the name", 0, fn, RENAME},                    \
    {text " remove()", 0, fn, REMOVE},                                \
    {text " link()", 0, fn, LINK},                                    \
    {text " unlink()", 0, fn, UNLINK},                                \
    {text " unlink_all()", 0, fn, UNLINK_ALL},                        \
    {text " unlink_all() of a kind", 0, fn, UNLINK_EXEC},             \
    {text " exit_put()", 0, fn, EXIT_PUT},                            \
    {text " exit_put() in place of another", 0, fn, EXIT_REPLACE},    \
    {text " exit_prune()", 0, fn, EXIT_PRUNE},                        \
    {text " config_put()", 0, fn, CONFIG_PUT}
/* clang-format on */

const struct kit_state_case kit_state_txns[] = {
    EACH_CHANGE("rollback() of", undone),
    EACH_CHANGE("a reader may not", refused),
    {"rollback() of many changes", 0, all_undone, 0},
    {"rollback() of the first transaction", 0, first_undone, 0},
    {"rollback() of changes to one record", 0, undone_twice, 0},
    {"a reader after the writer", 0, read_after, 0},
    {"empty transactions", 0, empty_ones, 0},
    {"a transaction goes on after a failure", 0, fails_and_goes_on, 0},
    {"nobody wants errors", 0, without_errors, 0},
    {"bulk: links before their ends", 0, bulk_any_order, 0},
    {"bulk: a link without an end", 0, bulk_loose_end, 0},
    {"bulk: rollback()", 0, bulk_undone, 0},
    {"what was committed is there after reopening", BERTH_STATE_CAP_PERSISTENT, reopened, 0},
    {"what was undone is gone after reopening", BERTH_STATE_CAP_PERSISTENT, reopened_undone, 0},
    {"a thousand transactions", 0, thousand, 0},
    {NULL, 0, NULL, 0},
};
