/* SPDX-License-Identifier: Apache-2.0 */
/* system_numbers.c - see system_numbers.h. */
#include "engine/system_numbers.h"
#include "base/str.h"

void numbers_free(struct numbers *all)
{
    for (size_t i = 0; i < all->n; i++) {
        free(all->items[i].id);
        free(all->items[i].name);
    }
    free(all->items);
    *all = (struct numbers){0};
}

const char *numbered_kind(uint32_t kind)
{
    switch (kind) {
    case BERTH_CONTAINER:
        return "container";
    case BERTH_POD:
        return "pod";
    default:
        return "volume";
    }
}

static int64_t number_of(struct berth_blob config)
{
    static const char *const names[] = {"lockID"};
    struct berth_blob value;
    int64_t lock = -1;

    if (json_project(config, names, 1, &value, NULL) < 0 || json_text_i64(value, &lock) < 0 ||
        lock < 0 || lock > UINT32_MAX)
        return -1;
    return lock;
}

static int add_number(void *arg, const struct berth_record *rec)
{
    struct numbers *all = arg;
    struct numbered *one;

    if (all->n == all->cap) {
        size_t cap = all->cap ? all->cap * 2 : 32;
        struct numbered *more = realloc(all->items, cap * sizeof(*more));

        if (!more)
            return -ENOMEM;
        all->items = more;
        all->cap = cap;
    }
    one = &all->items[all->n];
    *one = (struct numbered){.kind = rec->kind, .lock = number_of(rec->config)};
    if (str_set(&one->id, rec->id) < 0 || str_set(&one->name, rec->name) < 0) {
        free(one->id);
        return -ENOMEM;
    }
    all->n++;
    return 0;
}

int numbers_scan(struct state *s, struct numbers *out, struct berth_error *err)
{
    struct berth_scan scan = {.size = sizeof(scan), .want = BERTH_REC_CONFIG | BERTH_REC_NAME};
    _cleanup_txn_ struct txn *t = NULL;
    int r = state_begin(s, 0, BERTH_WAIT_FOREVER, &t, err);

    if (r == 0)
        r = txn_scan(t, &scan, add_number, out, err);
    if (r == -ENOMEM)
        return fail(err, ENOMEM, "out of memory");
    return r < 0 ? error_wrap(err, "reading the lock numbers of the store") : 0;
}

static int write_one(struct txn *t, struct numbered *one, uint32_t lock,
                     struct berth_error *err)
{
    struct berth_record rec = {.size = sizeof(rec)};
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_json_ json *config = NULL;
    int r = txn_get(t, one->kind, one->id, BERTH_REC_CONFIG, &rec, err);

    if (r == -ENOENT) {
        error_clear(err);
        return 0;
    }
    if (r == 0)
        r = json_parse_object(rec.config, one->id, &config, err);
    if (r < 0)
        return error_wrap(err, "%s %s", numbered_kind(one->kind), one->id);
    json_set_i64(config, "lockID", lock);
    if (json_write(config, 0, &text) < 0)
        return fail(err, ENOMEM, "out of memory");
    rec = (struct berth_record){.size = sizeof(rec),
                                .kind = one->kind,
                                .id = one->id,
                                .has = BERTH_REC_CONFIG,
                                .config = buf_blob(&text)};
    return txn_update(t, &rec, err);
}

int numbers_write(struct state *s, struct numbered *const *picked, const uint32_t *locks,
                  size_t n, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r = state_begin(s, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &t, err);

    for (size_t i = 0; r == 0 && i < n; i++)
        r = write_one(t, picked[i], locks[i], err);
    if (r == 0)
        r = txn_commit(&t, err);
    if (r < 0)
        return error_wrap(err, "writing new lock numbers");
    for (size_t i = 0; i < n; i++)
        picked[i]->lock = locks[i];
    return 0;
}

static int by_number(const void *a, const void *b, void *arg)
{
    const struct numbers *all = arg;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;

    if (all->items[i].lock != all->items[j].lock)
        return all->items[i].lock < all->items[j].lock ? -1 : 1;
    return i < j ? -1 : 1;
}

size_t *numbers_sorted(const struct numbers *all, size_t *n)
{
    size_t *order = calloc(all->n + 1, sizeof(*order));

    *n = 0;
    for (size_t i = 0; order && i < all->n; i++)
        if (all->items[i].lock >= 0)
            order[(*n)++] = i;
    if (order)
        qsort_r(order, *n, sizeof(*order), by_number, (void *)(uintptr_t)all);
    return order;
}
