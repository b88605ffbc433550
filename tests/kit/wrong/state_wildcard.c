/* SPDX-License-Identifier: Apache-2.0 */
/* A prefix is taken for a pattern, as LIKE would take it. */
#include "wrong.h"
#include <fnmatch.h>

struct match {
    char pattern[600];
    berth_record_fn *fn;
    void *arg;
};

static int match(void *arg, const struct berth_record *rec)
{
    struct match *m = arg;

    return fnmatch(m->pattern, rec->id, FNM_NOESCAPE) == 0 ? m->fn(m->arg, rec) : 0;
}

static int scan(struct berth_txn *t, const struct berth_scan *what, berth_record_fn *fn,
                void *arg, struct berth_error *err)
{
    struct match m = {.fn = fn, .arg = arg};
    struct berth_scan all = *what;
    size_t n = 0;

    for (const char *p = what->prefix ? what->prefix : ""; *p && n < 300; p++)
        m.pattern[n++] = *p == '_' ? '?' : *p == '%' ? '*' : *p;
    m.pattern[n++] = '*';
    all.prefix = NULL;
    return RIGHT->scan(t, &all, match, &m, err);
}

WRONG(state_wildcard, CAPS, .scan = scan);
