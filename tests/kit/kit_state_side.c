/* SPDX-License-Identifier: Apache-2.0 */
/* kit_state_side.c - state cases of the kit: exit codes and the store's own record. */
#include "tests/kit/kit_state.h"

#define WRITE(k, t)                                                                            \
    struct berth_txn *t = kit_write(k);                                                        \
    NEED(k, t)

#define SECOND ((berth_date)1000000000)
#define DAY    (1800000000 * SECOND) /* some day; formats may round down to a second */

static int put(struct kit_state *k, struct berth_txn *t, const char *id, int32_t code,
               berth_date date)
{
    struct berth_exit e = {.size = sizeof(e), .code = code, .date = date, .id = id};

    OK(k, k->ops.exit_put(t, &e, k->err));
    return 0;
}

static int is(struct kit_state *k, struct berth_txn *t, const char *id, int32_t code,
              berth_date date)
{
    struct berth_exit e = {.size = sizeof(e)};

    OK(k, k->ops.exit_get(t, id, &e, k->err));
    NEED(k, e.code == code);
    NEED(k, e.date / SECOND == date / SECOND);
    NEED(k, strcmp(e.id, id) == 0);
    return 0;
}

static int none(struct kit_state *k, struct berth_txn *t, const char *id)
{
    struct berth_exit e = {.size = sizeof(e)};

    FAILS(k, ENOENT, k->ops.exit_get(t, id, &e, k->err));
    return 0;
}

static int codes(struct kit_state *k)
{
    static const int32_t values[] = {0, 1, 137, 255, -1};

    WRITE(k, t);
    TRY(none(k, t, k->ctr[1]));
    for (int i = 0; i < 5; i++)
        TRY(put(k, t, k->ctr[i], values[i], DAY + i * SECOND));
    TRY(kit_next(k, &t));
    for (int i = 0; i < 5; i++)
        TRY(is(k, t, k->ctr[i], values[i], DAY + i * SECOND));
    TRY(none(k, t, k->ctr[9]));
    TRY(none(k, t, "c"));
    k->ops.rollback(t);
    return 0;
}

static int replaced(struct kit_state *k)
{
    WRITE(k, t);
    TRY(put(k, t, k->ctr[1], 1, DAY));
    TRY(put(k, t, k->ctr[1], 2, DAY + SECOND));
    TRY(is(k, t, k->ctr[1], 2, DAY + SECOND));
    TRY(kit_next(k, &t));
    TRY(put(k, t, k->ctr[1], 3, DAY + 60 * SECOND));
    TRY(kit_next(k, &t));
    TRY(is(k, t, k->ctr[1], 3, DAY + 60 * SECOND));
    k->ops.rollback(t);
    return 0;
}

static int dates(struct kit_state *k)
{
    WRITE(k, t);
    TRY(put(k, t, k->ctr[1], 1, 0));
    TRY(put(k, t, k->ctr[2], 2, DAY + 123456789));
    TRY(put(k, t, k->ctr[3], 3, 4000000000 * SECOND));
    TRY(kit_next(k, &t));
    TRY(is(k, t, k->ctr[1], 1, 0));
    TRY(is(k, t, k->ctr[2], 2, DAY + 123456789));
    TRY(is(k, t, k->ctr[3], 3, 4000000000 * SECOND));
    k->ops.rollback(t);
    return 0;
}

struct sum {
    int n, stop_at;
    int64_t codes;
};

static int add_up(void *arg, const struct berth_exit *e)
{
    struct sum *s = arg;

    s->codes += e->code;
    return ++s->n == s->stop_at ? 9 : 0;
}

static int visit(struct kit_state *k)
{
    struct sum s = {.n = 0};

    WRITE(k, t);
    OK(k, k->ops.exit_scan(t, add_up, &s, k->err));
    NEED(k, s.n == 0);
    for (int i = 0; i < 10; i++)
        TRY(put(k, t, k->ctr[i], i + 1, DAY));
    TRY(kit_next(k, &t));
    OK(k, k->ops.exit_scan(t, add_up, &s, k->err));
    NEED(k, s.n == 10 && s.codes == 55);
    s = (struct sum){.stop_at = 3};
    NEED(k, k->ops.exit_scan(t, add_up, &s, k->err) == 9 && s.n == 3);
    NEED(k, testhost_error_calls(k->err) == 0);
    k->ops.rollback(t);
    return 0;
}

static int prune(struct kit_state *k)
{
    WRITE(k, t);
    for (int i = 0; i < 10; i++)
        TRY(put(k, t, k->ctr[i], i, DAY + i * 10 * SECOND));
    TRY(kit_next(k, &t));
    GIVES(k, 0, k->ops.exit_prune(t, DAY, 0, k->err)); /* strictly before */
    GIVES(k, 4, k->ops.exit_prune(t, DAY + 35 * SECOND, 0, k->err));
    TRY(none(k, t, k->ctr[3]));
    TRY(is(k, t, k->ctr[4], 4, DAY + 40 * SECOND));
    GIVES(k, 0, k->ops.exit_prune(t, DAY + 35 * SECOND, 0, k->err));
    TRY(kit_next(k, &t));
    TRY(none(k, t, k->ctr[0]));
    GIVES(k, 6, k->ops.exit_prune(t, INT64_MAX, 0, k->err));
    TRY(kit_commit(k, t));
    return 0;
}

static int prune_live(struct kit_state *k)
{
    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[1], "web", NULL));
    TRY(kit_add(k, t, BERTH_CONTAINER, k->ctr[2], "db", NULL));
    for (int i = 1; i <= 4; i++)
        TRY(put(k, t, k->ctr[i], i, DAY));
    TRY(kit_next(k, &t));
    GIVES(k, 2, k->ops.exit_prune(t, DAY + SECOND, 1, k->err));
    TRY(is(k, t, k->ctr[1], 1, DAY));
    TRY(none(k, t, k->ctr[3]));
    OK(k, k->ops.remove(t, BERTH_CONTAINER, k->ctr[1], k->err));
    TRY(is(k, t, k->ctr[1], 1, DAY)); /* a code outlives its container */
    GIVES(k, 1, k->ops.exit_prune(t, DAY + SECOND, 1, k->err));
    GIVES(k, 1, k->ops.exit_prune(t, DAY + SECOND, 0, k->err));
    TRY(none(k, t, k->ctr[2]));
    TRY(kit_commit(k, t));
    return 0;
}

static int prune_many(struct kit_state *k)
{
    char id[65];

    WRITE(k, t);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(id, sizeof(id), "%08x%056x", i * 2654435761u, i);
        TRY(put(k, t, id, (int)(i % 256), DAY + i * SECOND));
    }
    TRY(kit_next(k, &t));
    GIVES(k, 500, k->ops.exit_prune(t, DAY + 500 * SECOND, 0, k->err));
    GIVES(k, 500, k->ops.exit_prune(t, INT64_MAX, 0, k->err));
    TRY(kit_commit(k, t));
    return 0;
}

/* ------------------------------------------------------- the store's own record */

static struct berth_store_config paths(const char *tmp)
{
    return (struct berth_store_config){
        .size = sizeof(struct berth_store_config),
        .schema = 1,
        .os = "linux",
        .static_dir = "/var/lib/x/libpod",
        .tmp_dir = tmp,
        .graph_root = "/var/lib/x",
        .run_root = "/run/x",
        .graph_driver = "overlay",
        .volume_path = "/var/lib/x/volumes",
    };
}

static int same_paths(struct kit_state *k, struct berth_txn *t, const char *tmp)
{
    struct berth_store_config c = {.size = sizeof(c)}, want = paths(tmp);

    OK(k, k->ops.config_get(t, &c, k->err));
    NEED(k, strcmp(c.os, want.os) == 0);
    NEED(k, strcmp(c.static_dir, want.static_dir) == 0);
    NEED(k, strcmp(c.tmp_dir, want.tmp_dir) == 0);
    NEED(k, strcmp(c.graph_root, want.graph_root) == 0);
    NEED(k, strcmp(c.run_root, want.run_root) == 0);
    NEED(k, strcmp(c.graph_driver, want.graph_driver) == 0);
    NEED(k, strcmp(c.volume_path, want.volume_path) == 0);
    return 0;
}

static int config_none(struct kit_state *k)
{
    struct berth_store_config c = {.size = sizeof(c)};

    WRITE(k, t);
    FAILS(k, ENOENT, k->ops.config_get(t, &c, k->err));
    TRY(kit_add(k, t, BERTH_VOLUME, "v", "v", NULL));
    TRY(kit_next(k, &t));
    FAILS(k, ENOENT, k->ops.config_get(t, &c, k->err));
    k->ops.rollback(t);
    return 0;
}

static int config_kept(struct kit_state *k)
{
    struct berth_store_config c = paths("/run/x/tmp");

    WRITE(k, t);
    OK(k, k->ops.config_put(t, &c, k->err));
    TRY(same_paths(k, t, "/run/x/tmp"));
    TRY(kit_next(k, &t));
    TRY(same_paths(k, t, "/run/x/tmp"));
    c = paths("/run/y/other");
    OK(k, k->ops.config_put(t, &c, k->err));
    TRY(kit_next(k, &t));
    TRY(same_paths(k, t, "/run/y/other"));
    k->ops.rollback(t);
    return 0;
}

static int config_empty_member(struct kit_state *k)
{
    struct berth_store_config c = paths("/run/x/tmp"), out = {.size = sizeof(out)};

    c.graph_driver = ""; /* podman writes that */
    WRITE(k, t);
    OK(k, k->ops.config_put(t, &c, k->err));
    TRY(kit_next(k, &t));
    OK(k, k->ops.config_get(t, &out, k->err));
    NEED(k, out.graph_driver && strcmp(out.graph_driver, "") == 0);
    NEED(k, strcmp(out.tmp_dir, "/run/x/tmp") == 0);
    k->ops.rollback(t);
    return 0;
}

static int config_long(struct kit_state *k)
{
    char path[4001];
    struct berth_store_config c;

    memset(path, 'p', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    c = paths(path);
    WRITE(k, t);
    OK(k, k->ops.config_put(t, &c, k->err));
    TRY(kit_next(k, &t));
    TRY(same_paths(k, t, path));
    k->ops.rollback(t);
    return 0;
}

const struct kit_state_case kit_state_sides[] = {
    {"exit codes are kept", 0, codes, 0},
    {"an exit code takes the place of the last", 0, replaced, 0},
    {"dates of exit codes", 0, dates, 0},
    {"exit_scan() visits all, and stops when told", 0, visit, 0},
    {"exit_prune() by date", 0, prune, 0},
    {"exit_prune() keeps those of live containers", 0, prune_live, 0},
    {"exit_prune() of many", 0, prune_many, 0},
    {"a new store has no record of paths", 0, config_none, 0},
    {"the record of paths is kept", 0, config_kept, 0},
    {"an empty member of the record of paths", 0, config_empty_member, 0},
    {"long paths", 0, config_long, 0},
    {NULL, 0, NULL, 0},
};
