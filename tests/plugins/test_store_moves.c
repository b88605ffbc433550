/* SPDX-License-Identifier: Apache-2.0 */
/* A store of podman's, moved from one kind of store to the next and back, is the same. */
#include "tests/plugins/stores_shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct target {
    struct store *st;
    struct berth_txn *t;
};

static int put_record(void *arg, const struct berth_record *r)
{
    struct target *to = arg;

    return to->st->ops.insert(to->t, r, to->st->err);
}

static int put_link(void *arg, const struct berth_link *l)
{
    struct target *to = arg;

    return to->st->ops.link(to->t, l, to->st->err);
}

static int put_exit(void *arg, const struct berth_exit *e)
{
    struct target *to = arg;

    return to->st->ops.exit_put(to->t, e, to->st->err);
}

static void good(int r, struct store *a, struct store *b)
{
    ck_assert_msg(r == 0, "%d %s%s", r, testhost_error_text(a->err),
                  testhost_error_text(b->err));
}

/* Move all that is in one store into another, which is empty.  Containers come before
 * their pods and volumes, so links are looked at when all is there. */
static void move(struct store *from, struct store *into)
{
    struct berth_scan all = {.size = sizeof(all), .want = BERTH_REC_ALL};
    struct berth_store_config c = {.size = sizeof(c)};
    struct target to = {into, NULL};
    struct berth_txn *t = store_begin(from, 0);

    to.t = store_begin(into, BERTH_TXN_WRITE | BERTH_TXN_BULK);
    good(from->ops.scan(t, &all, put_record, &to, from->err), from, into);
    for (uint32_t kind = BERTH_LINK_DEPENDS; kind <= BERTH_LINK_EXEC; kind++)
        if (kind != BERTH_LINK_NETWORK)
            good(from->ops.links(t, kind, BERTH_ANY, NULL, put_link, &to, from->err), from,
                 into);
    good(from->ops.exit_scan(t, put_exit, &to, from->err), from, into);
    good(from->ops.config_get(t, &c, from->err), from, into);
    good(into->ops.config_put(to.t, &c, into->err), from, into);
    store_commit(into, to.t);
    store_commit(from, t);
}

static char *dump(struct store *st)
{
    struct berth_txn *t = store_begin(st, 0);
    char *text = store_dump(st, t);

    store_commit(st, t);
    return text;
}

START_TEST(there_and_back)
{
    static const char *const modules[] = {"state_sqlite", "state_memory", "state_lmdb",
                                          "state_sqlite"};
    const char *top = getenv("top_srcdir");
    char path[512], *data, *text[4];
    struct store st[4];
    size_t len;

    for (int i = 0; i < 4; i++)
        store_init(&st[i], modules[i], 0);
    snprintf(path, sizeof(path), "%s/tests/fixtures/podman-5.4/db.sql", top ? top : ".");
    data = store_slurp(path, &len);
    ck_assert_msg(data != NULL, "no %s", path);
    snprintf(path, sizeof(path), "%s/db.sql", st[0].dir);
    store_spit(path, data, len);
    free(data);
    for (int i = 0; i < 4; i++) {
        store_open(&st[i], i ? BERTH_STATE_CREATE : 0);
        if (i)
            move(&st[i - 1], &st[i]);
        text[i] = dump(&st[i]);
        ck_assert_uint_gt(strlen(text[i]), 5000);
        store_same_text(text[i], text[0]);
        store_check_clean(&st[i]);
    }
    for (int i = 0; i < 4; i++) {
        free(text[i]);
        store_fini(&st[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store-moves");
    TCase *tc = tcase_create("moves");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, there_and_back);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
