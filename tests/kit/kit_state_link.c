/* SPDX-License-Identifier: Apache-2.0 */
/* kit_state_link.c - state cases of the kit: links of every kind by every end. */
#include "tests/kit/kit_state.h"

#define WRITE(k, t)                                                                            \
    struct berth_txn *t = kit_write(k);                                                        \
    NEED(k, t)

#define NETWORKS BERTH_STATE_CAP_NETWORKS

/* Containers c1 to c4, volumes v1 to v3: ends that every format accepts. */
static int fill(struct kit_state *k, struct berth_txn *t)
{
    static const char *const ctrs[] = {"c1", "c2", "c3", "c4"}, *const vols[] = {"v1", "v2",
                                                                                 "v3"};

    for (int i = 0; i < 4; i++)
        TRY(kit_add(k, t, BERTH_CONTAINER, ctrs[i], ctrs[i], NULL));
    for (int i = 0; i < 3; i++)
        TRY(kit_add(k, t, BERTH_VOLUME, vols[i], vols[i], NULL));
    return 0;
}

/* Some links of each kind.  Of DEPENDS, VOLUME and NETWORK: a-x b-x b-y; of EXEC, where a
 * session has one container: a-x b-x c-y. */
struct set {
    const char *a, *b, *c, *x, *y;
};

static struct set ends_of(uint32_t kind)
{
    static const struct set depends = {"c1", "c2", "c2", "c3", "c4"};
    static const struct set volume = {"c1", "c2", "c2", "v1", "v2"};
    static const struct set network = {"c1", "c2", "c2", "net1", "net2"};
    static const struct set exec = {"e1", "e2", "e3", "c1", "c2"};

    return kind == BERTH_LINK_DEPENDS   ? depends
           : kind == BERTH_LINK_VOLUME  ? volume
           : kind == BERTH_LINK_NETWORK ? network
                                        : exec;
}

static int add_link(struct kit_state *k, struct berth_txn *t, const char *from, const char *to)
{
    struct berth_link link =
        kit_link((uint32_t)k->arg, from, to, k->arg == BERTH_LINK_NETWORK ? "{\"a\":1}" : NULL);

    return k->ops.link(t, &link, k->err);
}

static int add_set(struct kit_state *k, struct berth_txn *t)
{
    struct set s = ends_of((uint32_t)k->arg);

    TRY(fill(k, t));
    OK(k, add_link(k, t, s.b, s.x));
    OK(k, add_link(k, t, s.a, s.x));
    OK(k, add_link(k, t, s.c, s.y));
    return 0;
}

static int one_link(struct kit_state *k)
{
    uint32_t kind = (uint32_t)k->arg;
    struct berth_link link = {.size = sizeof(link)};
    struct set s = ends_of(kind);

    WRITE(k, t);
    TRY(add_set(k, t));
    TRY(kit_next(k, &t));
    OK(k, k->ops.linked(t, kind, s.a, s.x, &link, k->err));
    NEED(k, link.kind == kind);
    NEED(k, strcmp(link.from, s.a) == 0 && strcmp(link.to, s.x) == 0);
    if (kind == BERTH_LINK_NETWORK)
        NEED(k, link.value.len == 7 && memcmp(link.value.data, "{\"a\":1}", 7) == 0);
    else
        NEED(k, link.value.len == 0);
    FAILS(k, ENOENT, k->ops.linked(t, kind, s.a, s.y, &link, k->err));
    FAILS(k, ENOENT, k->ops.linked(t, kind, "nobody", s.x, &link, k->err));
    k->ops.rollback(t);
    return 0;
}

static int by_from(struct kit_state *k)
{
    uint32_t kind = (uint32_t)k->arg;
    struct set s = ends_of(kind);

    WRITE(k, t);
    TRY(add_set(k, t));
    TRY(kit_next(k, &t));
    TRY(kit_linked(k, t, kind, BERTH_FROM, s.a, s.x));
    if (kind == BERTH_LINK_DEPENDS)
        TRY(kit_linked(k, t, kind, BERTH_FROM, s.b, "c3 c4"));
    else if (kind == BERTH_LINK_VOLUME)
        TRY(kit_linked(k, t, kind, BERTH_FROM, s.b, "v1 v2"));
    else if (kind == BERTH_LINK_NETWORK)
        TRY(kit_linked(k, t, kind, BERTH_FROM, s.b, "net1 net2"));
    else
        TRY(kit_linked(k, t, kind, BERTH_FROM, s.c, s.y));
    TRY(kit_linked(k, t, kind, BERTH_FROM, "nobody", ""));
    TRY(kit_linked(k, t, kind, BERTH_FROM, "c", ""));
    k->ops.rollback(t);
    return 0;
}

static int by_to(struct kit_state *k)
{
    uint32_t kind = (uint32_t)k->arg;
    struct set s = ends_of(kind);

    WRITE(k, t);
    TRY(add_set(k, t));
    TRY(kit_next(k, &t));
    TRY(kit_linked(k, t, kind, BERTH_TO, s.x, kind == BERTH_LINK_EXEC ? "e1 e2" : "c1 c2"));
    TRY(kit_linked(k, t, kind, BERTH_TO, s.y, s.c));
    TRY(kit_linked(k, t, kind, BERTH_TO, "nobody", ""));
    k->ops.rollback(t);
    return 0;
}

struct tally {
    int n, stop_at, give;
    char seen[8][64];
};

static int tally_link(void *arg, const struct berth_link *link)
{
    struct tally *c = arg;

    if (c->n < 8)
        snprintf(c->seen[c->n], sizeof(c->seen[0]), "%s>%s", link->from, link->to);
    return ++c->n == c->stop_at ? c->give : 0;
}

static int has_seen(const struct tally *c, const char *from, const char *to)
{
    char pair[64];
    int n = 0;

    snprintf(pair, sizeof(pair), "%s>%s", from, to);
    for (int i = 0; i < c->n && i < 8; i++)
        n += strcmp(c->seen[i], pair) == 0;
    return n == 1;
}

static int by_any(struct kit_state *k)
{
    uint32_t kind = (uint32_t)k->arg;
    struct set s = ends_of(kind);
    struct tally c = {.n = 0};

    WRITE(k, t);
    OK(k, k->ops.links(t, kind, BERTH_ANY, NULL, tally_link, &c, k->err));
    NEED(k, c.n == 0);
    TRY(add_set(k, t));
    TRY(kit_next(k, &t));
    OK(k, k->ops.links(t, kind, BERTH_ANY, NULL, tally_link, &c, k->err));
    NEED(k, c.n == 3);
    NEED(k, has_seen(&c, s.a, s.x) && has_seen(&c, s.b, s.x) && has_seen(&c, s.c, s.y));
    k->ops.rollback(t);
    return 0;
}

static int stops(struct kit_state *k)
{
    uint32_t kind = (uint32_t)k->arg;
    struct set s = ends_of(kind);
    struct tally c = {.stop_at = 1, .give = 5};

    WRITE(k, t);
    TRY(add_set(k, t));
    NEED(k, k->ops.links(t, kind, BERTH_TO, s.x, tally_link, &c, k->err) == 5 && c.n == 1);
    c = (struct tally){.stop_at = 2, .give = -ECANCELED};
    NEED(k, k->ops.links(t, kind, BERTH_ANY, NULL, tally_link, &c, k->err) == -ECANCELED &&
                c.n == 2);
    NEED(k, testhost_error_calls(k->err) == 0);
    TRY(kit_commit(k, t));
    return 0;
}

static int again(struct kit_state *k)
{
    uint32_t kind = (uint32_t)k->arg;
    struct set s = ends_of(kind);
    struct tally c = {.n = 0};

    WRITE(k, t);
    TRY(add_set(k, t));
    OK(k, add_link(k, t, s.a, s.x));
    TRY(kit_next(k, &t));
    OK(k, add_link(k, t, s.a, s.x));
    OK(k, k->ops.links(t, kind, BERTH_ANY, NULL, tally_link, &c, k->err));
    NEED(k, c.n == 3);
    TRY(kit_commit(k, t));
    return 0;
}

static int unlinking(struct kit_state *k)
{
    uint32_t kind = (uint32_t)k->arg;
    struct berth_link link = {.size = sizeof(link)};
    struct set s = ends_of(kind);

    WRITE(k, t);
    TRY(add_set(k, t));
    TRY(kit_next(k, &t));
    FAILS(k, ENOENT, k->ops.unlink(t, kind, s.a, s.y, k->err));
    FAILS(k, ENOENT, k->ops.unlink(t, kind, "nobody", s.x, k->err));
    OK(k, k->ops.unlink(t, kind, s.a, s.x, k->err));
    FAILS(k, ENOENT, k->ops.unlink(t, kind, s.a, s.x, k->err));
    FAILS(k, ENOENT, k->ops.linked(t, kind, s.a, s.x, &link, k->err));
    TRY(kit_linked(k, t, kind, BERTH_TO, s.x, s.b));
    TRY(kit_next(k, &t));
    TRY(kit_linked(k, t, kind, BERTH_TO, s.x, s.b));
    TRY(kit_linked(k, t, kind, BERTH_FROM, s.a, ""));
    OK(k, add_link(k, t, s.a, s.x));
    TRY(kit_commit(k, t));
    return 0;
}

static int unlink_to(struct kit_state *k)
{
    uint32_t kind = (uint32_t)k->arg;
    struct set s = ends_of(kind);
    struct tally c = {.n = 0};

    WRITE(k, t);
    TRY(add_set(k, t));
    TRY(kit_next(k, &t));
    GIVES(k, 0, k->ops.unlink_all(t, kind, BERTH_TO, "nobody", k->err));
    GIVES(k, 2, k->ops.unlink_all(t, kind, BERTH_TO, s.x, k->err));
    GIVES(k, 0, k->ops.unlink_all(t, kind, BERTH_TO, s.x, k->err));
    TRY(kit_next(k, &t));
    OK(k, k->ops.links(t, kind, BERTH_ANY, NULL, tally_link, &c, k->err));
    NEED(k, c.n == 1 && has_seen(&c, s.c, s.y));
    k->ops.rollback(t);
    return 0;
}

static int unlink_from(struct kit_state *k)
{
    uint32_t kind = (uint32_t)k->arg;
    struct set s = ends_of(kind);
    struct tally c = {.n = 0};

    WRITE(k, t);
    TRY(add_set(k, t));
    TRY(kit_next(k, &t));
    GIVES(k, 0, k->ops.unlink_all(t, kind, BERTH_FROM, "nobody", k->err));
    GIVES(k, kind == BERTH_LINK_EXEC ? 1 : 2,
          k->ops.unlink_all(t, kind, BERTH_FROM, s.b, k->err));
    GIVES(k, 0, k->ops.unlink_all(t, kind, BERTH_FROM, s.b, k->err));
    TRY(kit_next(k, &t));
    OK(k, k->ops.links(t, kind, BERTH_ANY, NULL, tally_link, &c, k->err));
    NEED(k, c.n == (kind == BERTH_LINK_EXEC ? 2 : 1) && has_seen(&c, s.a, s.x));
    k->ops.rollback(t);
    return 0;
}

static int unlink_any(struct kit_state *k)
{
    uint32_t kind = (uint32_t)k->arg;
    struct tally c = {.n = 0};

    WRITE(k, t);
    GIVES(k, 0, k->ops.unlink_all(t, kind, BERTH_ANY, NULL, k->err));
    TRY(add_set(k, t));
    TRY(kit_next(k, &t));
    GIVES(k, 3, k->ops.unlink_all(t, kind, BERTH_ANY, NULL, k->err));
    TRY(kit_next(k, &t));
    OK(k, k->ops.links(t, kind, BERTH_ANY, NULL, tally_link, &c, k->err));
    NEED(k, c.n == 0);
    k->ops.rollback(t);
    return 0;
}

/* Hundreds of one end, in order, and gone in one go. */
static int hundreds(struct kit_state *k)
{
    uint32_t kind = (uint32_t)k->arg;
    char key[16], expected[4096] = "";
    size_t len = 0;

    WRITE(k, t);
    TRY(fill(k, t));
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof(key), "k%03d", i * 7 % 300);
        if (kind != BERTH_LINK_EXEC)
            TRY(kit_add(k, t, BERTH_CONTAINER, key, key, NULL));
        OK(k, add_link(k, t, key, ends_of(kind).x));
        len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%sk%03d", i ? " " : "",
                                i);
    }
    TRY(kit_next(k, &t));
    TRY(kit_linked(k, t, kind, BERTH_TO, ends_of(kind).x, expected));
    GIVES(k, 300, k->ops.unlink_all(t, kind, BERTH_TO, ends_of(kind).x, k->err));
    TRY(kit_commit(k, t));
    return 0;
}

/* ------------------------------------------------------------------ one kind */

static int kinds_apart(struct kit_state *k)
{
    struct tally c = {.n = 0};

    WRITE(k, t);
    k->arg = BERTH_LINK_DEPENDS;
    TRY(add_set(k, t));
    OK(k, k->ops.link(t,
                      &(struct berth_link){
                          sizeof(struct berth_link), BERTH_LINK_VOLUME, "c1", "v1", {NULL, 0}},
                      k->err));
    OK(k, k->ops.link(t,
                      &(struct berth_link){
                          sizeof(struct berth_link), BERTH_LINK_EXEC, "e1", "c3", {NULL, 0}},
                      k->err));
    TRY(kit_next(k, &t));
    GIVES(k, 1, k->ops.unlink_all(t, BERTH_LINK_EXEC, BERTH_TO, "c3", k->err));
    GIVES(k, 1, k->ops.unlink_all(t, BERTH_LINK_VOLUME, BERTH_FROM, "c1", k->err));
    OK(k, k->ops.links(t, BERTH_LINK_DEPENDS, BERTH_ANY, NULL, tally_link, &c, k->err));
    NEED(k, c.n == 3);
    TRY(kit_commit(k, t));
    return 0;
}

/* Keys of which one begins with the other. */
static int keys_apart(struct kit_state *k)
{
    WRITE(k, t);
    TRY(fill(k, t));
    TRY(kit_add(k, t, BERTH_VOLUME, "v", "v", NULL));
    TRY(kit_add(k, t, BERTH_VOLUME, "v11", "v11", NULL));
    k->arg = BERTH_LINK_VOLUME;
    OK(k, add_link(k, t, "c1", "v"));
    OK(k, add_link(k, t, "c2", "v1"));
    OK(k, add_link(k, t, "c3", "v11"));
    TRY(kit_next(k, &t));
    TRY(kit_linked(k, t, BERTH_LINK_VOLUME, BERTH_TO, "v", "c1"));
    TRY(kit_linked(k, t, BERTH_LINK_VOLUME, BERTH_TO, "v1", "c2"));
    GIVES(k, 1, k->ops.unlink_all(t, BERTH_LINK_VOLUME, BERTH_TO, "v", k->err));
    TRY(kit_linked(k, t, BERTH_LINK_VOLUME, BERTH_TO, "v11", "c3"));
    TRY(kit_commit(k, t));
    return 0;
}

static int session_of_one(struct kit_state *k)
{
    struct berth_link link = {.size = sizeof(link)};

    WRITE(k, t);
    k->arg = BERTH_LINK_EXEC;
    TRY(add_set(k, t));
    FAILS(k, EEXIST, add_link(k, t, "e1", "c4"));
    TRY(kit_next(k, &t));
    FAILS(k, EEXIST, add_link(k, t, "e1", "c4"));
    OK(k, k->ops.linked(t, BERTH_LINK_EXEC, "e1", NULL, &link, k->err));
    NEED(k, strcmp(link.from, "e1") == 0 && strcmp(link.to, "c1") == 0);
    FAILS(k, ENOENT, k->ops.linked(t, BERTH_LINK_EXEC, "e9", NULL, &link, k->err));
    TRY(kit_linked(k, t, BERTH_LINK_EXEC, BERTH_TO, "c4", ""));
    OK(k, k->ops.unlink(t, BERTH_LINK_EXEC, "e1", "c1", k->err));
    OK(k, add_link(k, t, "e1", "c4"));
    TRY(kit_linked(k, t, BERTH_LINK_EXEC, BERTH_TO, "c4", "e1"));
    TRY(kit_linked(k, t, BERTH_LINK_EXEC, BERTH_TO, "c1", "e2"));
    TRY(kit_commit(k, t));
    return 0;
}

static int network_value(struct kit_state *k)
{
    struct berth_link link = {.size = sizeof(link)};
    char large[9000];

    memset(large, 'o', sizeof(large));
    WRITE(k, t);
    TRY(fill(k, t));
    link = kit_link(BERTH_LINK_NETWORK, "c1", "net", "{\"a\":1}");
    OK(k, k->ops.link(t, &link, k->err));
    OK(k, k->ops.link(t, &link, k->err));
    link = kit_link(BERTH_LINK_NETWORK, "c1", "net", "{\"a\":2}");
    FAILS(k, EEXIST, k->ops.link(t, &link, k->err));
    link = kit_link(BERTH_LINK_NETWORK, "c1", "big", NULL);
    link.value = (struct berth_blob){large, sizeof(large)};
    OK(k, k->ops.link(t, &link, k->err));
    TRY(kit_next(k, &t));
    OK(k, k->ops.linked(t, BERTH_LINK_NETWORK, "c1", "net", &link, k->err));
    NEED(k, link.value.len == 7 && memcmp(link.value.data, "{\"a\":1}", 7) == 0);
    OK(k, k->ops.linked(t, BERTH_LINK_NETWORK, "c1", "big", &link, k->err));
    NEED(k,
         link.value.len == sizeof(large) && memcmp(link.value.data, large, sizeof(large)) == 0);
    k->ops.rollback(t);
    return 0;
}

/* An end that is missing is refused, or the format does not notice: then it is there. */
static int missing_ends(struct kit_state *k)
{
    static const uint32_t kinds[] = {BERTH_LINK_DEPENDS, BERTH_LINK_VOLUME, BERTH_LINK_EXEC};
    struct berth_link link = {.size = sizeof(link)};

    WRITE(k, t);
    TRY(fill(k, t));
    for (size_t i = 0; i < 3; i++) {
        int r;

        k->arg = (int)kinds[i];
        r = add_link(k, t, kinds[i] == BERTH_LINK_EXEC ? "e1" : "c1", "missing");
        if (r == 0) {
            OK(k, k->ops.linked(t, kinds[i], kinds[i] == BERTH_LINK_EXEC ? "e1" : "c1",
                                "missing", &link, k->err));
        } else {
            FAILS(k, ENOENT, r);
            TRY(kit_linked(k, t, kinds[i], BERTH_TO, "missing", ""));
        }
    }
    k->ops.rollback(t);
    return 0;
}

static int removed_with_links(struct kit_state *k)
{
    struct berth_record rec = {.size = sizeof(rec)};
    int r;

    WRITE(k, t);
    k->arg = BERTH_LINK_DEPENDS;
    TRY(add_set(k, t));
    TRY(kit_next(k, &t));
    r = k->ops.remove(t, BERTH_CONTAINER, "c3", k->err);
    if (r == 0) {
        k->ops.rollback(t);
        return 0; /* the format does not notice */
    }
    FAILS(k, ENOTEMPTY, r);
    OK(k, k->ops.get(t, BERTH_CONTAINER, "c3", BERTH_REC_ALL, &rec, k->err));
    TRY(kit_linked(k, t, BERTH_LINK_DEPENDS, BERTH_TO, "c3", "c1 c2"));
    GIVES(k, 2, k->ops.unlink_all(t, BERTH_LINK_DEPENDS, BERTH_TO, "c3", k->err));
    OK(k, k->ops.remove(t, BERTH_CONTAINER, "c3", k->err));
    TRY(kit_commit(k, t));
    return 0;
}

struct reader {
    struct kit_state *k;
    struct berth_txn *t;
    int n;
};

static int read_in_link(void *arg, const struct berth_link *link)
{
    struct reader *r = arg;
    struct kit_state *k = r->k;
    struct berth_record rec = {.size = sizeof(rec)};
    struct berth_link other = {.size = sizeof(other)};
    char before[64];

    snprintf(before, sizeof(before), "%s>%s", link->from, link->to);
    OK(k, k->ops.get(r->t, BERTH_CONTAINER, link->from, BERTH_REC_ALL, &rec, k->err));
    OK(k, k->ops.get(r->t, BERTH_CONTAINER, link->to, BERTH_REC_ALL, &rec, k->err));
    OK(k, k->ops.linked(r->t, BERTH_LINK_DEPENDS, "c2", "c4", &other, k->err));
    NEED(k, strncmp(before, link->from, 2) == 0 && strcmp(before + 3, link->to) == 0);
    r->n++;
    return 0;
}

static int links_read_inside(struct kit_state *k)
{
    struct reader r = {k, NULL, 0};

    WRITE(k, t);
    k->arg = BERTH_LINK_DEPENDS;
    TRY(add_set(k, t));
    TRY(kit_next(k, &t));
    r.t = t;
    OK(k, k->ops.links(t, BERTH_LINK_DEPENDS, BERTH_TO, "c3", read_in_link, &r, k->err));
    NEED(k, r.n == 2);
    k->ops.rollback(t);
    return 0;
}

/* A renamed container keeps its links. */
static int links_outlive_names(struct kit_state *k)
{
    struct berth_record rec = {.size = sizeof(rec),
                               .kind = BERTH_CONTAINER,
                               .has = BERTH_REC_NAME,
                               .id = "c1",
                               .name = "renamed"};

    WRITE(k, t);
    k->arg = BERTH_LINK_DEPENDS;
    TRY(add_set(k, t));
    TRY(kit_next(k, &t));
    OK(k, k->ops.update(t, &rec, k->err));
    rec.id = "c3";
    rec.name = "renamed3";
    OK(k, k->ops.update(t, &rec, k->err));
    TRY(kit_next(k, &t));
    TRY(kit_linked(k, t, BERTH_LINK_DEPENDS, BERTH_TO, "c3", "c1 c2"));
    OK(k, k->ops.unlink(t, BERTH_LINK_DEPENDS, "c1", "c3", k->err));
    TRY(kit_commit(k, t));
    return 0;
}

/* clang-format off */
#define EACH_KIND(text, fn)                                              \
    {text ", dependencies", 0, fn, BERTH_LINK_DEPENDS},                  \
    {text ", volumes", 0, fn, BERTH_LINK_VOLUME},                        \
    {text ", networks", NETWORKS, fn, BERTH_LINK_NETWORK},               \
    {text ", exec sessions", 0, fn, BERTH_LINK_EXEC}
/* clang-format on */

const struct kit_state_case kit_state_links[] = {
    EACH_KIND("linked()", one_link),
    EACH_KIND("links() by what they come from", by_from),
    EACH_KIND("links() by what they go to", by_to),
    EACH_KIND("links() of a whole kind", by_any),
    EACH_KIND("links() stops when told", stops),
    EACH_KIND("linking twice", again),
    EACH_KIND("unlink()", unlinking),
    EACH_KIND("unlink_all() counts what went to", unlink_to),
    EACH_KIND("unlink_all() counts what came from", unlink_from),
    EACH_KIND("unlink_all() of a whole kind", unlink_any),
    {"hundreds of links, dependencies", 0, hundreds, BERTH_LINK_DEPENDS},
    {"hundreds of links, volumes", 0, hundreds, BERTH_LINK_VOLUME},
    {"hundreds of links, exec sessions", 0, hundreds, BERTH_LINK_EXEC},
    {"kinds of links are apart", 0, kinds_apart, 0},
    {"links to keys that begin alike", 0, keys_apart, 0},
    {"an exec session has one container", 0, session_of_one, 0},
    {"values of networks", NETWORKS, network_value, 0},
    {"links to what is missing", 0, missing_ends, 0},
    {"remove() of what is linked", 0, removed_with_links, 0},
    {"reads inside a callback of links()", 0, links_read_inside, 0},
    {"links outlive names", 0, links_outlive_names, 0},
    {NULL, 0, NULL, 0},
};
