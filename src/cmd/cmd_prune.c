/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_prune.c - `berth container prune`: remove what does not run. */
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/ps.h"
#include "cmd/when.h"

struct prune_opts {
    bool force;
    struct berth_list filter;
};

#define STOPPED                                                                                \
    (1u << CTR_CONFIGURED | 1u << CTR_CREATED | 1u << CTR_STOPPED | 1u << CTR_EXITED)

/* Conditions that podman has here: the ones of ps that are about labels and age, and a
 * label that must not be there. */
struct conditions {
    struct berth_list positive, unwanted;
};

static void conditions_free(struct conditions *c)
{
    list_free(&c->positive);
    list_free(&c->unwanted);
}

static int sort_conditions(const struct berth_list *given, struct conditions *out,
                           struct berth_error *err)
{
    for (size_t i = 0; i < given->n; i++) {
        const char *text = given->items[i], *label = str_starts(text, "label!=");
        int len = (int)strcspn(text, "=");

        if (!text[len])
            return fail(err, EINVAL,
                        "filter input must be in the form of filter=value: %s is invalid",
                        text);
        if (label)
            list_addf(&out->unwanted, "label=%s", label);
        else if (str_starts(text, "label=") || str_starts(text, "until="))
            list_add(&out->positive, text);
        else
            return fail(err, EINVAL, "%.*s is an invalid filter", len, text);
    }
    return 0;
}

static int prune_row(struct engine *e, const struct row *row, struct berth_error *err)
{
    _cleanup_ctr_ struct ctr *c = NULL;
    int r = ctr_load(e, row->id, &c, err);

    if (r == 0)
        r = ctr_remove(c, 0, UINT32_MAX, err);
    if (r == 0)
        puts(row->id);
    /* Gone, or started by somebody meanwhile: both are fine. */
    if (r == -ENOENT || r == -EBUSY) {
        error_clear(err);
        r = 0;
    }
    return r;
}

static int prune(struct engine *e, const struct berth_list *given, struct berth_error *err)
{
    _cleanup_(conditions_free) struct conditions conditions = {0};
    _cleanup_rows_ struct rows rows = {0};
    struct ps_filter *wanted = NULL, *unwanted = NULL;
    unsigned want = 0;
    int r = sort_conditions(given, &conditions, err), last = 0;

    if (r == 0)
        r = ps_filter_parse(&conditions.positive, &wanted, &want, err);
    if (r == 0)
        r = ps_filter_parse(&conditions.unwanted, &unwanted, &want, err);
    if (r == 0)
        r = rows_read(e, want, &rows, err);
    for (size_t i = 0; r == 0 && i < rows.n; i++) {
        const struct row *row = &rows.items[i];
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        int one;

        if (!(STOPPED & 1u << row->status) || row->pod || !ps_filter_match(wanted, row) ||
            (conditions.unwanted.n && ps_filter_match(unwanted, row)))
            continue;
        one = prune_row(e, row, &why);
        if (one < 0) {
            if (last < 0)
                cli_print_error(err);
            error_move(err, &why);
            last = one;
        }
    }
    ps_filter_free(wanted);
    ps_filter_free(unwanted);
    return r < 0 ? r : last;
}

static int prune_run(struct cli *cli, void *opts, int argc _unused_, char **argv _unused_,
                     struct berth_error *err)
{
    const struct prune_opts *o = opts;
    struct engine *e;
    int r = 1;

    if (!o->force) {
        puts("WARNING! This will remove all non running containers.");
        r = confirm("--force", err);
    }
    if (r <= 0)
        return r;
    r = cli_engine(cli, 0, &e, err);
    return r < 0 ? r : prune(e, &o->filter, err);
}

static const struct opt prune_options[] = {
    {"filter", 0, OPT_LIST, offsetof(struct prune_opts, filter), "condition", "",
     "Remove those only that fit a condition: label, label! or until"},
    {"force", 'f', OPT_BOOL, offsetof(struct prune_opts, force), "", "",
     "Do not ask; needed where standard input is no terminal"},
    {""}};

const struct cmd cmd_container_prune = {
    .name = "container prune",
    .args = "[options]",
    .summary = "Remove all containers that do not run",
    .opts = prune_options,
    .size = sizeof(struct prune_opts),
    .interspersed = true,
    .run = prune_run,
};
