/* SPDX-License-Identifier: Apache-2.0 */
/* kit_state_scan.c - state cases of the kit: scans. */
#include "tests/kit/kit_state.h"

#include <stdlib.h>

#define WRITE(k, t)                                                                            \
    struct berth_txn *t = kit_write(k);                                                        \
    NEED(k, t)

/* Volumes a to e, put in another order; pods p1 p2; containers c1 (p1), c2, c3 (p1). */
static int fill(struct kit_state *k, struct berth_txn *t)
{
    static const char *const volumes[] = {"c", "a", "e", "b", "d"};

    for (int i = 0; i < 5; i++)
        TRY(kit_add(k, t, BERTH_VOLUME, volumes[i], volumes[i], NULL));
    TRY(kit_add(k, t, BERTH_POD, "p2", "pod2", NULL));
    TRY(kit_add(k, t, BERTH_POD, "p1", "pod1", NULL));
    TRY(kit_add(k, t, BERTH_CONTAINER, "c3", "x", "p1"));
    TRY(kit_add(k, t, BERTH_CONTAINER, "c1", "z", "p1"));
    TRY(kit_add(k, t, BERTH_CONTAINER, "c2", "y", NULL));
    return 0;
}

/* Volumes with these names, then a scan of them for a prefix. */
static int prefixed(struct kit_state *k, const char *names, const char *prefix,
                    const char *expected)
{
    struct berth_scan scan = kit_scan(BERTH_VOLUME, prefix);
    char copy[512], *save = NULL;

    WRITE(k, t);
    snprintf(copy, sizeof(copy), "%s", names);
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        TRY(kit_add(k, t, BERTH_VOLUME, w, w, NULL));
    TRY(kit_scanned(k, t, &scan, expected));
    TRY(kit_next(k, &t));
    TRY(kit_scanned(k, t, &scan, expected));
    k->ops.rollback(t);
    return 0;
}

static int ordered(struct kit_state *k)
{
    struct berth_scan scan;

    WRITE(k, t);
    TRY(fill(k, t));
    TRY(kit_next(k, &t));
    scan = kit_scan(BERTH_VOLUME, NULL);
    TRY(kit_scanned(k, t, &scan, "a b c d e"));
    scan = kit_scan(BERTH_POD, NULL);
    TRY(kit_scanned(k, t, &scan, "p1 p2"));
    scan = kit_scan(BERTH_CONTAINER, NULL);
    TRY(kit_scanned(k, t, &scan, "c1 c2 c3"));
    k->ops.rollback(t);
    return 0;
}

static int all_kinds(struct kit_state *k)
{
    struct berth_scan scan = kit_scan(0, NULL);

    WRITE(k, t);
    TRY(kit_scanned(k, t, &scan, ""));
    TRY(fill(k, t));
    TRY(kit_scanned(k, t, &scan, "c1 c2 c3 p1 p2 a b c d e"));
    TRY(kit_next(k, &t));
    TRY(kit_scanned(k, t, &scan, "c1 c2 c3 p1 p2 a b c d e"));
    k->ops.rollback(t);
    return 0;
}

static int order_is_bytes(struct kit_state *k)
{
    return prefixed(k, "b A a B _ % \xff \xc3\xa9 10 9 a0 aa", NULL,
                    "% 10 9 A B _ a a0 aa b \xc3\xa9 \xff");
}

static int prefix_underscore(struct kit_state *k)
{
    return prefixed(k, "a_b axb a_ a__c b_", "a_", "a_ a__c a_b");
}

static int prefix_percent(struct kit_state *k)
{
    return prefixed(k, "a%b axb a% a b%", "a%", "a% a%b");
}

static int prefix_other_signs(struct kit_state *k)
{
    TRY(prefixed(k, "a*b a?b a[x] a\\b a'b a.b axb", "a*", "a*b"));
    TRY(prefixed(k, "", "a?", "a?b"));
    TRY(prefixed(k, "", "a[", "a[x]"));
    TRY(prefixed(k, "", "a\\", "a\\b"));
    TRY(prefixed(k, "", "a'", "a'b"));
    TRY(prefixed(k, "", "a.", "a.b"));
    return 0;
}

static int prefix_case(struct kit_state *k)
{
    return prefixed(k, "Web web WEB wEb", "We", "Web");
}

static int prefix_whole(struct kit_state *k)
{
    return prefixed(k, "abc ab abcd abd", "abc", "abc abcd");
}

static int prefix_longer(struct kit_state *k)
{
    return prefixed(k, "abc ab", "abcd", "");
}

static int prefix_empty(struct kit_state *k)
{
    return prefixed(k, "b a c", "", "a b c");
}

static int prefix_high(struct kit_state *k)
{
    return prefixed(k, "a \xff \xff\xff \xff\xff\x01 \xfe\xff b", "\xff\xff",
                    "\xff\xff \xff\xff\x01");
}

static int prefix_last_byte(struct kit_state *k)
{
    return prefixed(k, "a\xff a\xff\xff b a", "a\xff", "a\xff a\xff\xff");
}

static int prefix_of_ids(struct kit_state *k)
{
    struct berth_scan scan;
    char expected[160];

    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "one", NULL));
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[2], "two", NULL));
    TRY(kit_add(k, t, BERTH_POD, k->pod[1], "pod", NULL));
    snprintf(expected, sizeof(expected), "%s %s", k->ctr[1], k->ctr[2]);
    scan = kit_scan(BERTH_CONTAINER, "c");
    TRY(kit_scanned(k, t, &scan, expected));
    scan = kit_scan(BERTH_CONTAINER, "c00000");
    TRY(kit_scanned(k, t, &scan, expected));
    scan = kit_scan(BERTH_CONTAINER, k->ctr[2]);
    TRY(kit_scanned(k, t, &scan, k->ctr[2]));
    scan = kit_scan(BERTH_CONTAINER, "b");
    TRY(kit_scanned(k, t, &scan, ""));
    scan = kit_scan(BERTH_POD, "b0");
    TRY(kit_scanned(k, t, &scan, k->pod[1]));
    scan = kit_scan(BERTH_CONTAINER, "C");
    TRY(kit_scanned(k, t, &scan, ""));
    scan = kit_scan(BERTH_CONTAINER, "one"); /* a name is no ID */
    TRY(kit_scanned(k, t, &scan, ""));
    k->ops.rollback(t);
    return 0;
}

static int by_pod(struct kit_state *k)
{
    struct berth_scan scan = kit_scan(BERTH_CONTAINER, NULL);

    WRITE(k, t);
    TRY(fill(k, t));
    TRY(kit_next(k, &t));
    scan.pod = "p1";
    TRY(kit_scanned(k, t, &scan, "c1 c3"));
    scan.pod = "p2";
    TRY(kit_scanned(k, t, &scan, ""));
    scan.pod = "p";
    TRY(kit_scanned(k, t, &scan, ""));
    scan.pod = "p1";
    scan.prefix = "c3";
    TRY(kit_scanned(k, t, &scan, "c3"));
    scan.prefix = NULL;
    OK(k, k->ops.remove(t, BERTH_CONTAINER, "c1", k->err));
    TRY(kit_scanned(k, t, &scan, "c3"));
    k->ops.rollback(t);
    return 0;
}

/* Members keep their documents and their new names when the pod is asked. */
struct member {
    char name[64], config[512];
};

static int keep_member(void *arg, const struct berth_record *rec)
{
    struct member *m = arg;

    snprintf(m->name, sizeof(m->name), "%s", rec->name ? rec->name : "");
    snprintf(m->config, sizeof(m->config), "%.*s", (int)rec->config.len,
             (const char *)rec->config.data);
    return 0;
}

static int pod_documents(struct kit_state *k)
{
    struct berth_scan scan = kit_scan(BERTH_CONTAINER, NULL);
    struct berth_record rec = {.size = sizeof(rec),
                               .kind = BERTH_CONTAINER,
                               .has = BERTH_REC_NAME,
                               .id = "c1",
                               .name = "renamed"};
    struct member m = {.name = ""};
    struct kit_made want;

    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_POD, "p1", "pod1", NULL));
    TRY(kit_add(k, t, BERTH_CONTAINER, "c1", "z", "p1"));
    OK(k, k->ops.update(t, &rec, k->err));
    TRY(kit_next(k, &t));
    scan.pod = "p1";
    scan.want = BERTH_REC_NAME | BERTH_REC_CONFIG;
    OK(k, k->ops.scan(t, &scan, keep_member, &m, k->err));
    kit_make(&want, BERTH_CONTAINER, "c1", "z", "p1");
    NEED(k, strcmp(m.name, "renamed") == 0);
    NEED(k, strcmp(m.config, want.config) == 0);
    k->ops.rollback(t);
    return 0;
}

static int by_storage(struct kit_state *k)
{
    struct berth_scan scan = kit_scan(BERTH_VOLUME, NULL);
    struct kit_made m;

    WRITE(k, t);
    TRY(fill(k, t));
    kit_make(&m, BERTH_VOLUME, "img", "img", NULL);
    m.rec.storage_id = k->ctr[9];
    OK(k, k->ops.insert(t, &m.rec, k->err));
    TRY(kit_next(k, &t));
    scan.storage_id = k->ctr[9];
    TRY(kit_scanned(k, t, &scan, "img"));
    scan.storage_id = k->ctr[8];
    TRY(kit_scanned(k, t, &scan, ""));
    scan.storage_id = "c";
    TRY(kit_scanned(k, t, &scan, ""));
    scan.storage_id = k->ctr[9];
    scan.prefix = "x";
    TRY(kit_scanned(k, t, &scan, ""));
    scan.prefix = NULL;
    OK(k, k->ops.remove(t, BERTH_VOLUME, "img", k->err));
    TRY(kit_scanned(k, t, &scan, ""));
    k->ops.rollback(t);
    return 0;
}

/* --------------------------------------------------------- what callbacks get */

struct look {
    struct kit_state *k;
    struct berth_txn *t;
    uint64_t want;
    int n, stop_at, give;
    struct berth_record lent; /* by a get() in the second call */
};

static int look_at(void *arg, const struct berth_record *rec)
{
    struct look *l = arg;
    struct kit_made m;

    l->n++;
    if (rec->kind == BERTH_CONTAINER) {
        const char *names[] = {"z", "y", "x"};

        kit_make(&m, rec->kind, rec->id, names[rec->id[1] - '1'],
                 rec->id[1] == '2' ? NULL : "p1");
        TRY(kit_same(l->k, rec, &m.rec, l->want));
    }
    return l->n == l->stop_at ? l->give : 0;
}

static int scan_projection(struct kit_state *k)
{
    static const uint64_t wants[] = {0,
                                     BERTH_REC_NAME,
                                     BERTH_REC_ATTRS,
                                     BERTH_REC_CONFIG,
                                     BERTH_REC_STATE,
                                     BERTH_REC_NAME | BERTH_REC_STATE,
                                     BERTH_REC_ALL};
    struct berth_scan scan = kit_scan(BERTH_CONTAINER, NULL);

    WRITE(k, t);
    TRY(fill(k, t));
    TRY(kit_next(k, &t));
    for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
        struct look l = {k, t, wants[i], 0, 0, 0};

        scan.want = wants[i];
        OK(k, k->ops.scan(t, &scan, look_at, &l, k->err));
        NEED(k, l.n == 3);
    }
    k->ops.rollback(t);
    return 0;
}

static int early_stop(struct kit_state *k)
{
    static const int gives[] = {1, 77, -1, -ECANCELED, -ENOENT};
    struct berth_scan scan = kit_scan(0, NULL);

    WRITE(k, t);
    TRY(fill(k, t));
    for (size_t i = 0; i < 5; i++) {
        struct look l = {k, t, 0, 0, (int)i + 1, gives[i]};
        int r = k->ops.scan(t, &scan, look_at, &l, k->err);

        NEED(k, r == gives[i]);
        NEED(k, l.n == (int)i + 1);
        NEED(k, testhost_error_calls(k->err) == 0); /* the callback's affair */
    }
    TRY(kit_commit(k, t));
    return 0;
}

/* get(), resolve() and linked() inside a callback leave its record alone, and what they lend
 * outlives it. */
static int read_inside(void *arg, const struct berth_record *rec)
{
    struct look *l = arg;
    struct kit_state *k = l->k;
    struct berth_record other = {.size = sizeof(other)};
    struct berth_link link = {.size = sizeof(link)};
    struct kit_made m;
    const char *id, *names[] = {"z", "y", "x"};
    uint32_t kind;

    l->lent.size = sizeof(l->lent);
    if (l->n == 1)
        OK(k, k->ops.get(l->t, BERTH_CONTAINER, "c3", BERTH_REC_ALL, &l->lent, k->err));
    for (int i = 1; i <= 3; i++) {
        char key[3] = {'c', (char)('0' + i), '\0'};

        OK(k, k->ops.get(l->t, BERTH_CONTAINER, key, BERTH_REC_ALL, &other, k->err));
        OK(k, k->ops.resolve(l->t, 0, names[i - 1], &kind, &id, k->err));
    }
    OK(k, k->ops.get(l->t, BERTH_POD, "p1", BERTH_REC_ALL, &other, k->err));
    OK(k, k->ops.linked(l->t, BERTH_LINK_DEPENDS, "c1", "c3", &link, k->err));
    FAILS(k, ENOENT, k->ops.linked(l->t, BERTH_LINK_DEPENDS, "c3", "c1", &link, k->err));
    kit_make(&m, rec->kind, rec->id, names[rec->id[1] - '1'], rec->id[1] == '2' ? NULL : "p1");
    TRY(kit_same(k, rec, &m.rec, BERTH_REC_ALL));
    l->n++;
    return 0;
}

static int reads_in(struct kit_state *k, uint32_t flags)
{
    struct berth_scan scan = kit_scan(BERTH_CONTAINER, NULL);
    struct berth_txn *t = kit_begin(k, flags);
    struct look l = {.k = k, .t = t};
    struct kit_made m;

    NEED(k, t);
    scan.want = BERTH_REC_ALL;
    OK(k, k->ops.scan(t, &scan, read_inside, &l, k->err));
    NEED(k, l.n == 3);
    scan.pod = "p1";
    OK(k, k->ops.scan(t, &scan, read_inside, &l, k->err));
    NEED(k, l.n == 5);
    kit_make(&m, BERTH_CONTAINER, "c3", "x", "p1");
    TRY(kit_same(k, &l.lent, &m.rec, BERTH_REC_ALL));
    k->ops.rollback(t);
    return 0;
}

static int callback_reads(struct kit_state *k)
{
    struct berth_link link = kit_link(BERTH_LINK_DEPENDS, "c1", "c3", NULL);

    WRITE(k, t);
    TRY(fill(k, t));
    OK(k, k->ops.link(t, &link, k->err));
    TRY(kit_commit(k, t));
    TRY(reads_in(k, BERTH_TXN_WRITE));
    return reads_in(k, 0);
}

static int sees_own_changes(struct kit_state *k)
{
    struct berth_scan scan = kit_scan(BERTH_VOLUME, NULL);

    WRITE(k, t);
    TRY(fill(k, t));
    TRY(kit_next(k, &t));
    OK(k, k->ops.remove(t, BERTH_VOLUME, "c", k->err));
    TRY(kit_add(k, t, BERTH_VOLUME, "cc", "cc", NULL));
    TRY(kit_scanned(k, t, &scan, "a b cc d e"));
    TRY(kit_undo(k, &t));
    TRY(kit_scanned(k, t, &scan, "a b c d e"));
    k->ops.rollback(t);
    return 0;
}

/* -------------------------------------------------------------------- numbers */

#define MANY 10000

struct count {
    int n, in_order;
    char last[80];
};

static int count_one(void *arg, const struct berth_record *rec)
{
    struct count *c = arg;

    c->in_order += c->n == 0 || strcmp(c->last, rec->id) < 0;
    c->n++;
    snprintf(c->last, sizeof(c->last), "%s", rec->id);
    return 0;
}

static void many_id(char out[65], unsigned i)
{
    /* Scattered, as real IDs are; 7919 has no factor in common with MANY. */
    snprintf(out, 65, "%08x%056x", i * 7919u % MANY * 400000u, i);
}

static int many(struct kit_state *k)
{
    struct berth_scan scan = kit_scan(BERTH_CONTAINER, NULL);
    struct berth_record rec = {.size = sizeof(rec)};
    struct count c = {.n = 0};
    struct kit_made m;
    char id[65], name[16];
    struct berth_txn *t = kit_begin(k, BERTH_TXN_WRITE | (uint32_t)k->arg);

    NEED(k, t);
    for (unsigned i = 0; i < MANY; i++) {
        many_id(id, i);
        snprintf(name, sizeof(name), "name-%u", i);
        TRY(kit_add(k, t, BERTH_CONTAINER, id, name, NULL));
    }
    TRY(kit_next(k, &t));
    OK(k, k->ops.scan(t, &scan, count_one, &c, k->err));
    NEED(k, c.n == MANY && c.in_order == MANY);
    for (unsigned i = 0; i < MANY; i += 97) {
        many_id(id, i);
        snprintf(name, sizeof(name), "name-%u", i);
        kit_make(&m, BERTH_CONTAINER, id, name, NULL);
        TRY(kit_holds(k, t, &m.rec));
    }
    for (unsigned i = 0; i < MANY; i += 2) {
        many_id(id, i);
        OK(k, k->ops.remove(t, BERTH_CONTAINER, id, k->err));
    }
    TRY(kit_next(k, &t));
    c = (struct count){.n = 0};
    OK(k, k->ops.scan(t, &scan, count_one, &c, k->err));
    NEED(k, c.n == MANY / 2 && c.in_order == MANY / 2);
    k->ops.rollback(t);
    return 0;
}

const struct kit_state_case kit_state_scans[] = {
    {"scan() in order of IDs", 0, ordered, 0},
    {"scan() of all kinds in their order", 0, all_kinds, 0},
    {"the order is that of bytes", 0, order_is_bytes, 0},
    {"a prefix with _ is literal", 0, prefix_underscore, 0},
    {"a prefix with % is literal", 0, prefix_percent, 0},
    {"a prefix with other signs is literal", 0, prefix_other_signs, 0},
    {"a prefix does not fold case", 0, prefix_case, 0},
    {"a prefix that is a whole key", 0, prefix_whole, 0},
    {"a prefix longer than any key", 0, prefix_longer, 0},
    {"an empty prefix selects all", 0, prefix_empty, 0},
    {"a prefix of 0xff bytes", 0, prefix_high, 0},
    {"a prefix that ends with 0xff", 0, prefix_last_byte, 0},
    {"prefixes of IDs", 0, prefix_of_ids, 0},
    {"scan() of a pod's members", 0, by_pod, 0},
    {"members as the pod shows them", 0, pod_documents, 0},
    {"scan() by storage ID", 0, by_storage, 0},
    {"scan() gives what is wanted", 0, scan_projection, 0},
    {"scan() stops when told", 0, early_stop, 0},
    {"reads inside a callback", 0, callback_reads, 0},
    {"scan() sees its transaction's changes", 0, sees_own_changes, 0},
    {"10000 records", 0, many, 0},
    {"10000 records in bulk", 0, many, (int)BERTH_TXN_BULK},
    {NULL, 0, NULL, 0},
};
