/* SPDX-License-Identifier: Apache-2.0 */
/* each.c - see each.h. */
#include "cmd/each.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/time.h"
#include "cmd/ps.h"
#include "engine/spec_priv.h"
#include "engine/store.h"

static int check_selection(const struct each_select *w, struct berth_error *err)
{
    bool files = w->cidfiles && w->cidfiles->n;
    bool filters = w->filters && w->filters->n;
    bool flags = w->all || w->latest || filters;

    if (w->all && w->latest)
        return fail(err, EINVAL, "--all and --latest cannot be used together");
    if (files && flags)
        return fail(err, EINVAL, "--all, --latest, and --cidfile cannot be used together");
    if (flags && w->n_names > 0)
        return fail(err, EINVAL,
                    w->all    ? "no arguments are needed with --all"
                    : filters ? "--filter takes no arguments"
                              : "--latest and containers cannot be used together");
    if (w->n_names == 0 && !flags && !files)
        return fail(err, EINVAL, "you must provide at least one name or id");
    return 0;
}

struct newest {
    berth_date date;
    char id[ID_LEN + 1];
};

static int newer(void *arg, const struct berth_record *rec)
{
    static const char *const names[] = {"createdTime"};
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct newest *newest = arg;
    struct berth_blob value;
    berth_date date;

    if (json_project(rec->config, names, 1, &value, NULL) < 0 ||
        json_text_str(value, &text) < 0 || time_parse(buf_str(&text), &date) < 0)
        return 0;
    if (!newest->id[0] || date > newest->date) {
        newest->date = date;
        snprintf(newest->id, sizeof(newest->id), "%s", rec->id);
    }
    return 0;
}

int ctr_latest(struct engine *e, struct ctr **out, struct berth_error *err)
{
    struct newest newest = {0};
    struct txn *t = NULL;
    int r = store_begin(e, false, &t, err);

    if (r == 0)
        r = store_scan(e, t, BERTH_CONTAINER, BERTH_REC_CONFIG, newer, &newest, err);
    txn_rollback(t);
    if (r < 0)
        return r;
    if (!newest.id[0])
        return fail(err, ENOENT, "no containers found: no such container");
    return ctr_load(e, newest.id, out, err);
}

struct each_state {
    struct engine *e;
    const struct each_select *which;
    each_fn *fn;
    void *arg;
    struct berth_error *err;
    int result;
};

static void do_one(struct each_state *s, struct ctr *c, const char *name)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r = s->fn(c, name, s->arg, &why);

    if (r == 0)
        puts(name);
    else if (r < 0 && !((s->which->ignore || s->which->all) && r == -ENOENT))
        cli_keep_last(s->err, &why, r, &s->result);
}

/* What the user typed: the container, and what it is called on output. */
struct named {
    struct ctr *c;
    char *name;
};

struct all_named {
    struct named *list;
    size_t n;
};

static void free_named(struct all_named *all)
{
    for (size_t i = 0; i < all->n; i++) {
        ctr_free(all->list[i].c);
        free(all->list[i].name);
    }
    free(all->list);
}

/* The list has room for it. */
static int find_named(struct each_state *s, const char *name, struct all_named *all,
                      struct berth_error *err)
{
    struct named *one = &all->list[all->n];
    int r = ctr_lookup(s->e, name, &one->c, err);

    if (r == -ENOENT && s->which->ignore) {
        error_clear(err);
        return 0;
    }
    if (r < 0)
        return r;
    all->n++;
    one->name = strdup(name);
    return one->name ? 0 : fail(err, ENOMEM, "out of memory");
}

static int find_in_file(struct each_state *s, const char *path, struct all_named *all,
                        struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = fs_read(path, 4096, &text, err);

    if (r == -ENOENT && s->which->ignore) {
        error_clear(err);
        return 0;
    }
    if (r < 0) {
        spec_lower(err, -r, r);
        return error_wrap(err, "reading CIDFile");
    }
    if (text.len)
        text.data[strcspn(text.data, "\n")] = '\0';
    return find_named(s, buf_str(&text), all, err);
}

/* podman's rule: one unknown name, and nothing is done to the others either. */
static int do_named(struct each_state *s, struct berth_error *err)
{
    _cleanup_(free_named) struct all_named all = {0};
    const struct each_select *w = s->which;
    size_t n_files = w->cidfiles ? w->cidfiles->n : 0;
    int r = 0;

    all.list = calloc(n_files + (size_t)w->n_names + 1, sizeof(*all.list));
    if (!all.list)
        return fail(err, ENOMEM, "out of memory");
    for (size_t i = 0; r == 0 && i < n_files; i++)
        r = find_in_file(s, w->cidfiles->items[i], &all, err);
    for (int i = 0; r == 0 && i < w->n_names; i++)
        r = find_named(s, w->names[i], &all, err);
    for (size_t i = 0; r == 0 && i < all.n; i++)
        do_one(s, all.list[i].c, all.list[i].name);
    return r;
}

/* Those that fit the conditions, as if they had been named by their IDs. */
static int do_filtered(struct each_state *s, struct berth_error *err)
{
    _cleanup_rows_ struct rows rows = {0};
    struct ps_filter *filter = NULL;
    unsigned want = 0;
    int r = ps_filter_parse(s->which->filters, &filter, &want, err);

    if (r < 0)
        return r;
    r = rows_read(s->e, want, &rows, err);
    if (r == 0)
        r = ps_filter_prepare(filter, &rows, err);
    for (size_t i = 0; r == 0 && i < rows.n; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        _cleanup_ctr_ struct ctr *c = NULL;

        if (!ps_filter_match(filter, &rows.items[i]))
            continue;
        if (ctr_load(s->e, rows.items[i].id, &c, &why) < 0)
            cli_keep_last(s->err, &why, why.code ? -why.code : -EIO, &s->result);
        else
            do_one(s, c, c->id);
    }
    ps_filter_free(filter);
    return r;
}

int each_ctr(struct engine *e, const struct each_select *w, each_fn *fn, void *arg,
             struct berth_error *err)
{
    struct each_state s = {.e = e, .which = w, .fn = fn, .arg = arg, .err = err};
    _cleanup_ctr_ struct ctr *latest = NULL;
    struct ctr **all = NULL;
    size_t n = 0;
    int r = check_selection(w, err);

    if (r == 0 && w->filters && w->filters->n) {
        r = do_filtered(&s, err);
        return r < 0 ? r : s.result;
    }
    if (r == 0 && w->latest)
        r = ctr_latest(e, &latest, err);
    if (r == 0 && w->all)
        r = ctr_load_all(e, w->all_mask, &all, &n, err);
    if (r < 0)
        return r;
    if (latest)
        do_one(&s, latest, latest->id);
    for (size_t i = 0; i < n; i++)
        do_one(&s, all[i], all[i]->id);
    ctr_free_all(all, n);
    r = do_named(&s, err);
    return r < 0 ? r : s.result;
}
