/* SPDX-License-Identifier: Apache-2.0 */
/* Records are visited in the wrong order. */
#include "wrong.h"

struct ids {
    char ids[20000][80];
    uint32_t kinds[20000];
    int n;
};

static int keep(void *arg, const struct berth_record *rec)
{
    struct ids *all = arg;

    if (all->n == 20000)
        return -ENOMEM;
    all->kinds[all->n] = rec->kind;
    strncpy(all->ids[all->n++], rec->id, 79);
    return 0;
}

static int scan(struct berth_txn *t, const struct berth_scan *what, berth_record_fn *fn,
                void *arg, struct berth_error *err)
{
    struct ids *all = calloc(1, sizeof(*all));
    struct berth_record rec;
    int r = all ? RIGHT->scan(t, what, keep, all, err) : -ENOMEM;

    while (r == 0 && all->n-- > 0) {
        rec = (struct berth_record){.size = sizeof(rec)};
        r = RIGHT->get(t, all->kinds[all->n], all->ids[all->n], what->want, &rec, err);
        if (r == 0)
            r = fn(arg, &rec);
    }
    free(all);
    return r;
}

WRONG(state_backwards, CAPS, .scan = scan);
