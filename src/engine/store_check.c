/* SPDX-License-Identifier: Apache-2.0 */
/* store_check.c - see store_check.h. */
#include "engine/store_check.h"
#include "base/str.h"
#include "engine/migrate_doc.h"

/* One record, as far as others refer to it. */
struct seen {
    uint32_t kind;
    char *id, *name, *pod, *infra;
    int64_t lock; /* -1: none */
};

/* A link that a configuration names. */
struct named_link {
    uint32_t kind;
    char *from, *to;
};

struct check {
    struct txn *t;
    uint64_t caps;
    struct seen *v;
    size_t n, cap;
    struct named_link *named, *bad;
    size_t n_named, cap_named, n_bad, cap_bad;
    struct berth_list *report;
    size_t known; /* lines of the report that are the backend's */
    int64_t found;
    struct berth_error *err;
};

static void check_free(struct check *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->v[i].id);
        free(c->v[i].name);
        free(c->v[i].pod);
        free(c->v[i].infra);
    }
    for (size_t i = 0; i < c->n_named; i++) {
        free(c->named[i].from);
        free(c->named[i].to);
    }
    for (size_t i = 0; i < c->n_bad; i++) {
        free(c->bad[i].from);
        free(c->bad[i].to);
    }
    free(c->v);
    free(c->named);
    free(c->bad);
}
#define _cleanup_check_ _cleanup_(check_free)

static int say(struct check *c, const char *fmt, ...) _printf_(2, 3);

static int say(struct check *c, const char *fmt, ...)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    c->found++;
    return list_add(c->report, buf_str(&text)) < 0 ? fail(c->err, ENOMEM, "out of memory") : 0;
}

/* Did the backend tell of this already?  Its words are its own, the names are not. */
static bool is_known(const struct check *c, const char *a, const char *b)
{
    for (size_t i = 0; i < c->known; i++)
        if (strstr(c->report->items[i], a) && (!b || strstr(c->report->items[i], b)))
            return true;
    return false;
}

static int keep_link(struct named_link **list, size_t *n, size_t *cap, uint32_t kind,
                     const char *from, const char *to)
{
    if (*n == *cap) {
        size_t more = *cap ? *cap * 2 : 32;
        struct named_link *v = realloc(*list, more * sizeof(*v));

        if (!v)
            return -ENOMEM;
        *list = v;
        *cap = more;
    }
    (*list)[*n] = (struct named_link){kind, strdup(from), strdup(to)};
    ++*n;
    return (*list)[*n - 1].from && (*list)[*n - 1].to ? 0 : -ENOMEM;
}

/* ------------------------------------------------------------------ records */

static const char *or_none(const char *s)
{
    return str_empty(s) ? "(none)" : s;
}

/* What a document repeats must be what the record says. */
static int compare(struct check *c, const struct berth_record *rec, const char *what,
                   const char *record, const char *document)
{
    if (str_eq(record ? record : "", document ? document : ""))
        return 0;
    return say(c, "%s %s: its %s is %s, but %s in its configuration", record_word(rec->kind),
               rec->id, what, or_none(record), or_none(document));
}

static const char *const joined[] = {"ipcNsCtr",  "mountNsCtr", "netNsCtr",   "pidNsCtr",
                                     "userNsCtr", "utsNsCtr",   "cgroupNsCtr"};

static int note_named(struct check *c, uint32_t kind, const char *from, const char *to)
{
    if (str_empty(to))
        return 0;
    for (size_t i = c->n_named; i > 0 && str_eq(c->named[i - 1].from, from); i--)
        if (c->named[i - 1].kind == kind && str_eq(c->named[i - 1].to, to))
            return 0;
    return keep_link(&c->named, &c->n_named, &c->cap_named, kind, from, to) < 0
               ? fail(c->err, ENOMEM, "out of memory")
               : 0;
}

static int note_container(struct check *c, const struct berth_record *rec, const json *config)
{
    json *list = json_get(config, "Dependencies");
    int r = compare(c, rec, "pod", rec->pod, json_str(config, "pod"));

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(joined); i++)
        r = note_named(c, BERTH_LINK_DEPENDS, rec->id, json_str(config, joined[i]));
    for (size_t i = 0; r == 0 && i < json_len(list); i++)
        r = note_named(c, BERTH_LINK_DEPENDS, rec->id, json_item_str(list, i));
    list = json_get(config, "namedVolumes");
    for (size_t i = 0; r == 0 && i < json_len(list); i++)
        r = note_named(c, BERTH_LINK_VOLUME, rec->id,
                       json_str(json_item(list, i), "volumeName"));
    return r;
}

static int documents(struct check *c, const struct berth_record *rec, json **config,
                     json **state)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    const char *word = record_word(rec->kind);

    *config = *state = NULL;
    if (!rec->config.data) {
        if (!is_known(c, rec->id, "no configuration"))
            return say(c, "%s %s has no configuration", word, rec->id);
    } else if (json_parse_object(rec->config, "configuration", config, &why) < 0) {
        return say(c, "%s %s: %s", word, rec->id, error_text(&why));
    }
    error_clear(&why);
    if (rec->state.data && json_parse_object(rec->state, "state", state, &why) < 0)
        return say(c, "%s %s: %s", word, rec->id, error_text(&why));
    if (!rec->state.data && rec->kind != BERTH_VOLUME && !is_known(c, rec->id, "no state"))
        return say(c, "%s %s has no state", word, rec->id);
    return 0;
}

static int note_record(struct check *c, const struct berth_record *rec, const json *config,
                       const json *state)
{
    struct seen *one;

    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 64;
        struct seen *more = realloc(c->v, cap * sizeof(*more));

        if (!more)
            return fail(c->err, ENOMEM, "out of memory");
        c->v = more;
        c->cap = cap;
    }
    one = &c->v[c->n++];
    *one = (struct seen){.kind = rec->kind, .lock = json_i64(config, "lockID", -1)};
    if (str_set(&one->id, rec->id) < 0 ||
        str_set(&one->name, rec->name ? rec->name : rec->id) < 0 ||
        str_set(&one->pod, rec->pod) < 0 ||
        str_set(&one->infra,
                rec->kind == BERTH_POD ? json_str(state, "InfraContainerID") : NULL) < 0)
        return fail(c->err, ENOMEM, "out of memory");
    return 0;
}

static int check_record(void *arg, const struct berth_record *rec)
{
    struct check *c = arg;
    _cleanup_json_ json *config = NULL, *state = NULL;
    const char *name = rec->name ? rec->name : rec->id;
    size_t max = rec->kind == BERTH_VOLUME ? BERTH_STATE_KEY_MAX : BERTH_STATE_ID_MAX;
    int r = documents(c, rec, &config, &state);

    if (r == 0 && (strlen(rec->id) > max || strlen(name) > BERTH_STATE_KEY_MAX))
        r = say(c, "%s %.80s: its ID or name is too long", record_word(rec->kind), rec->id);
    if (r == 0 && config && json_str(config, rec->kind == BERTH_VOLUME ? "name" : "id"))
        r = compare(c, rec, "ID", rec->id,
                    json_str(config, rec->kind == BERTH_VOLUME ? "name" : "id"));
    if (r == 0 && config && rec->kind != BERTH_VOLUME && json_str(config, "name"))
        r = compare(c, rec, "name", name, json_str(config, "name"));
    if (r == 0 && config && rec->kind != BERTH_VOLUME && (c->caps & BERTH_STATE_CAP_NAMESPACES))
        r = compare(c, rec, "namespace", rec->ns, json_str(config, "namespace"));
    if (r == 0 && config && rec->kind == BERTH_VOLUME)
        r = compare(c, rec, "storage container", rec->storage_id,
                    json_str(config, "storageID"));
    if (r == 0 && config && rec->kind == BERTH_CONTAINER)
        r = note_container(c, rec, config);
    return r < 0 ? r : note_record(c, rec, config, state);
}

/* --------------------------------------------------------- between records */

static int by_id(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    int r = strcmp(x->id, y->id);

    return r ? r : (x->kind > y->kind) - (x->kind < y->kind);
}

static int by_name(const void *a, const void *b)
{
    const struct seen *x = *(struct seen *const *)a, *y = *(struct seen *const *)b;

    return strcmp(x->name, y->name);
}

static int by_lock(const void *a, const void *b)
{
    const struct seen *x = *(struct seen *const *)a, *y = *(struct seen *const *)b;

    return (x->lock > y->lock) - (x->lock < y->lock);
}

static const struct seen *find(const struct check *c, uint32_t kind, const char *id)
{
    size_t low = 0, high = c->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (strcmp(c->v[mid].id, id) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < c->n && str_eq(c->v[low].id, id); low++)
        if (c->v[low].kind == kind)
            return &c->v[low];
    return NULL;
}

static int check_pods(struct check *c)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < c->n; i++) {
        const struct seen *one = &c->v[i], *infra;

        if (i && one->kind != BERTH_VOLUME && str_eq(one->id, c->v[i - 1].id) &&
            !is_known(c, one->id, "container and"))
            r = say(c, "%s is the ID of a container and of a pod", one->id);
        if (r == 0 && !str_empty(one->pod) && !find(c, BERTH_POD, one->pod) &&
            !is_known(c, one->id, "pod"))
            r = say(c, "container %s is in pod %s, which is not there", one->id, one->pod);
        if (r < 0 || str_empty(one->infra))
            continue;
        infra = find(c, BERTH_CONTAINER, one->infra);
        if (!infra)
            r = say(c, "pod %s: its infra container %s is not there", one->id, one->infra);
        else if (!str_eq(infra->pod, one->id))
            r = say(c, "pod %s: its infra container %s is not in it", one->id, one->infra);
    }
    return r;
}

static int check_names_and_locks(struct check *c)
{
    _cleanup_free_ struct seen **sorted = calloc(c->n + 1, sizeof(*sorted));
    size_t n = 0;
    int r = 0;

    if (!sorted)
        return fail(c->err, ENOMEM, "out of memory");
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].kind != BERTH_VOLUME)
            sorted[n++] = &c->v[i];
    if (n)
        SORT(sorted, n, by_name);
    for (size_t i = 1; r == 0 && i < n; i++) {
        const struct seen *a = sorted[i - 1], *b = sorted[i];

        if (!str_eq(a->name, b->name) ||
            (a->kind != b->kind && (c->caps & BERTH_STATE_CAP_SAME_NAMES)))
            continue;
        r = say(c, "the name \"%s\" is that of %s %s and of %s %s", a->name,
                record_word(a->kind), a->id, record_word(b->kind), b->id);
    }
    n = 0;
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].lock >= 0)
            sorted[n++] = &c->v[i];
    if (n)
        SORT(sorted, n, by_lock);
    for (size_t i = 1; r == 0 && i < n; i++) {
        const struct seen *a = sorted[i - 1], *b = sorted[i];

        if (a->lock == b->lock)
            r = say(c, "lock number %lld is that of %s %s and of %s %s", (long long)a->lock,
                    record_word(a->kind), a->id, record_word(b->kind), b->id);
    }
    return r;
}

/* -------------------------------------------------------------------- links */

static int check_link(void *arg, const struct berth_link *link)
{
    struct check *c = arg;
    bool from = link->kind == BERTH_LINK_EXEC || find(c, BERTH_CONTAINER, link->from);
    uint32_t to_kind = link->kind == BERTH_LINK_VOLUME ? BERTH_VOLUME : BERTH_CONTAINER;
    bool to = link->kind == BERTH_LINK_NETWORK || find(c, to_kind, link->to);
    bool itself = link->kind == BERTH_LINK_DEPENDS && str_eq(link->from, link->to);
    int r = 0;

    if (from && to && !itself)
        return 0;
    if (keep_link(&c->bad, &c->n_bad, &c->cap_bad, link->kind, link->from, link->to) < 0)
        return fail(c->err, ENOMEM, "out of memory");
    if (is_known(c, link->from, link->to))
        return 0;
    if (itself)
        return say(c, "container %s depends on itself", link->from);
    if (!from)
        r = say(c, "link %s %s -> %s: container %s is not there", link_word(link->kind),
                link->from, link->to, link->from);
    else
        r = say(c, "link %s %s -> %s: %s %s is not there", link_word(link->kind), link->from,
                link->to, record_word(to_kind), link->to);
    return r;
}

static int check_links(struct check *c)
{
    int r = 0;

    for (uint32_t kind = BERTH_LINK_DEPENDS; r == 0 && kind <= BERTH_LINK_EXEC; kind++)
        if (kind != BERTH_LINK_NETWORK || (c->caps & BERTH_STATE_CAP_NETWORKS))
            r = txn_links(c->t, kind, BERTH_ANY, NULL, check_link, c, c->err);
    return r;
}

/* 1 where the link is missing and both ends are there: it can be put in. */
static int check_named(struct check *c, const struct named_link *link)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    struct berth_link is = {.size = sizeof(is)};
    bool volume = link->kind == BERTH_LINK_VOLUME;
    int r;

    if (!find(c, volume ? BERTH_VOLUME : BERTH_CONTAINER, link->to))
        return say(c, "container %s %s %s %s, which is not there", link->from,
                   volume ? "uses" : "needs", volume ? "volume" : "container", link->to);
    if (str_eq(link->from, link->to))
        return 0;
    r = txn_linked(c->t, link->kind, link->from, link->to, &is, &why);
    if (r == -ENOENT) {
        r = say(c, "container %s %s %s, but no link says so", link->from,
                volume ? "uses volume" : "needs container", link->to);
        return r < 0 ? r : 1;
    }
    if (r < 0)
        error_move(c->err, &why);
    return r;
}

static int check_exit(void *arg, const struct berth_exit *code)
{
    if (code->code >= -1 && code->code <= 255)
        return 0;
    return say(arg, "exit code %d of %s is not within -1 to 255", code->code, code->id);
}

/* ------------------------------------------------------------------- repair */

static int mend(struct check *c, const struct named_link *missing, size_t n,
                struct berth_list *deeds)
{
    for (size_t i = 0; i < c->n_bad; i++) {
        const struct named_link *l = &c->bad[i];
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        int r = txn_unlink(c->t, l->kind, l->from, l->to, &why);

        if (r == -ENOENT) /* the backend was quicker, or cannot reach it */
            continue;
        if (r < 0)
            return error_move(c->err, &why), r;
        list_addf(deeds, "repaired: removed link %s %s -> %s", link_word(l->kind), l->from,
                  l->to);
    }
    for (size_t i = 0; i < n; i++) {
        struct berth_link link = {.size = sizeof(link),
                                  .kind = missing[i].kind,
                                  .from = missing[i].from,
                                  .to = missing[i].to};
        int r = txn_link(c->t, &link, c->err);

        if (r < 0)
            return r;
        list_addf(deeds, "repaired: added link %s %s -> %s", link_word(link.kind), link.from,
                  link.to);
    }
    return deeds->error ? fail(c->err, ENOMEM, "out of memory") : 0;
}

static int check_all(struct check *c, bool repair, struct berth_list *deeds)
{
    struct berth_scan all = {.size = sizeof(all), .want = BERTH_REC_ALL};
    size_t n_missing = 0;
    int r = txn_scan(c->t, &all, check_record, c, c->err);

    if (r == 0 && c->n)
        SORT(c->v, c->n, by_id);
    if (r == 0)
        r = check_pods(c);
    if (r == 0)
        r = check_names_and_locks(c);
    if (r == 0)
        r = check_links(c);
    for (size_t i = 0; r == 0 && i < c->n_named; i++) {
        r = check_named(c, &c->named[i]);
        if (r == 1) {
            struct named_link swap = c->named[n_missing];

            c->named[n_missing++] = c->named[i];
            c->named[i] = swap;
            r = 0;
        }
    }
    if (r == 0)
        r = txn_exit_scan(c->t, check_exit, c, c->err);
    if (r == 0 && repair && (c->n_bad || n_missing))
        r = mend(c, c->named, n_missing, deeds);
    return r;
}

int64_t store_check(struct state *s, bool repair, struct berth_list *report,
                    struct berth_list *deeds, struct berth_error *err)
{
    _cleanup_check_ struct check c = {.caps = state_caps(s), .report = report, .err = err};
    _cleanup_txn_ struct txn *t = NULL;
    int64_t own = state_check(s, repair, report, err);
    int r;

    if (own == -ENOTSUP) {
        error_clear(err);
        own = 0;
    }
    if (own < 0)
        return own;
    c.known = report->n;
    r = state_begin(s, repair ? BERTH_TXN_WRITE : 0, BERTH_WAIT_FOREVER, &t, err);
    if (r == -EUCLEAN && own > 0) {
        /* Too damaged to be read: what the backend said is all there is to say. */
        error_clear(err);
        return own;
    }
    if (r < 0)
        return r;
    c.t = t;
    r = check_all(&c, repair, deeds);
    if (r == -EUCLEAN && own > 0) {
        error_clear(err);
        return own + c.found;
    }
    if (r == 0 && repair && deeds->n)
        r = txn_commit(&t, err);
    return r < 0 ? r : own + c.found;
}
