/* SPDX-License-Identifier: Apache-2.0 */
/* migrate_copy.c - see migrate_copy.h. */
#include "engine/migrate_copy.h"
#include "base/proc.h"
#include "base/str.h"
#include "engine/dump.h"
#include "engine/migrate_doc.h"

/* One walk over the source. */
struct walk {
    const struct copy *c;
    struct net_links nets;
    const char *what; /* for the progress */
    size_t done, total;
    struct berth_error *err;
};

int copy_cancelled(struct berth_error *err)
{
    return proc_cancelled ? fail(err, ECANCELED, "stopped on request") : 0;
}

static void advance(struct walk *w)
{
    if (w->c->progress && (w->done % 64 == 0 || w->done == w->total))
        w->c->progress(w->c->progress_arg, w->what, w->done, w->total);
    w->done++;
}

static int count_record(void *arg, const struct berth_record *rec _unused_)
{
    ++*(size_t *)arg;
    return 0;
}

static int count_all(struct txn *t, uint32_t kind, size_t *n, struct berth_error *err)
{
    struct berth_scan scan = {.size = sizeof(scan), .kind = kind};

    *n = 0;
    return txn_scan(t, &scan, count_record, n, err);
}

static int walk_start(struct walk *w, const char *what)
{
    w->what = what;
    w->done = 0;
    if (w->c->progress) {
        int r = count_all(w->c->from, 0, &w->total, w->err);

        if (r < 0)
            return r;
    }
    return net_links_read(w->c->from, w->c->from_caps, &w->nets, w->err);
}

static void walk_free(struct walk *w)
{
    net_links_free(&w->nets);
}

static int scan_all(struct txn *t, berth_record_fn *fn, void *arg, struct berth_error *err)
{
    struct berth_scan all = {.size = sizeof(all), .want = BERTH_REC_ALL};

    return txn_scan(t, &all, fn, arg, err);
}

static const uint32_t plain_links[] = {BERTH_LINK_DEPENDS, BERTH_LINK_VOLUME, BERTH_LINK_EXEC};

static int visit_links(struct txn *t, berth_link_fn *fn, void *arg, struct berth_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(plain_links); i++)
        r = txn_links(t, plain_links[i], BERTH_ANY, NULL, fn, arg, err);
    return r;
}

static bool code_is_possible(const struct berth_exit *code)
{
    return code->code >= -1 && code->code <= 255;
}

/* ------------------------------------------------------------------- survey */

struct surveying {
    struct walk w;
    struct survey *out;
};

void survey_free(struct survey *s)
{
    list_free(&s->problems);
    list_free(&s->blockers);
    list_free(&s->notes);
    list_free(&s->running);
}

/* Lookups inside a walk: 1, 0 or -errno, without touching the walk's error on a miss. */
static int has_record(struct txn *t, uint32_t kind, const char *id, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    struct berth_record rec = {.size = sizeof(rec)};
    int r = txn_get(t, kind, id, 0, &rec, &why);

    if (r < 0 && r != -ENOENT)
        error_move(err, &why);
    return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

static int has_name(struct txn *t, uint32_t kind, const char *name, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    const char *id;
    uint32_t found;
    int r = txn_resolve(t, kind, name, &found, &id, &why);

    if (r < 0 && r != -ENOENT)
        error_move(err, &why);
    return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

static int survey_container(struct surveying *s, const struct berth_record *rec,
                            const struct moving *m)
{
    static const char *const names[] = {"exitCode"};
    struct berth_blob value;
    int64_t code = 0;
    int r;

    if (m->rec.status == 3 || m->rec.status == 5 || m->rec.status == 8)
        list_add(&s->out->running, m->rec.name);
    if (json_project(m->rec.state, names, 1, &value, NULL) == 0 &&
        json_text_i64(value, &code) == 0 && (code < -1 || code > 255))
        list_addf(&s->out->notes,
                  "container %s: its exit code %lld is not within -1 to 255: kept in its state",
                  rec->id, (long long)code);
    if (str_empty(rec->pod))
        return 0;
    r = has_record(s->w.c->from, BERTH_POD, rec->pod, s->w.err);
    if (r == 0)
        list_addf(&s->out->blockers, "container %s is in pod %s, which is not there", rec->id,
                  rec->pod);
    return r < 0 ? r : 0;
}

static int survey_name(struct surveying *s, const struct berth_record *rec, const char *name)
{
    int r;

    if (strlen(rec->id) >
        (rec->kind == BERTH_VOLUME ? BERTH_STATE_KEY_MAX : BERTH_STATE_ID_MAX))
        list_addf(&s->out->blockers, "%s %.40s...: its ID is too long", record_word(rec->kind),
                  rec->id);
    else if (str_empty(rec->id) || str_empty(name) || strlen(name) > BERTH_STATE_KEY_MAX)
        list_addf(&s->out->blockers, "%s %s: its name is empty or too long",
                  record_word(rec->kind), rec->id);
    if (rec->kind != BERTH_POD || (s->w.c->to_caps & BERTH_STATE_CAP_SAME_NAMES))
        return 0;
    r = has_name(s->w.c->from, BERTH_CONTAINER, name, s->w.err);
    if (r == 1)
        list_addf(&s->out->blockers,
                  "the name \"%s\" is that of a container and of a pod: rename one of them",
                  name);
    return r < 0 ? r : 0;
}

static int survey_record(void *arg, const struct berth_record *rec)
{
    struct surveying *s = arg;
    _cleanup_moving_ struct moving m = {0};
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    const struct copy *c = s->w.c;
    int r = copy_cancelled(s->w.err);

    if (r < 0)
        return r;
    advance(&s->w);
    s->out->records++;
    r = survey_name(s, rec, rec->name ? rec->name : rec->id);
    if (r < 0)
        return r;
    if (!rec->config.data || !rec->config.len) {
        list_addf(&s->out->blockers, "%s %s has no configuration", record_word(rec->kind),
                  rec->id);
        return 0;
    }
    if (!rec->state.data && rec->kind != BERTH_VOLUME)
        list_addf(&s->out->notes, "%s %s has no state: it gets an empty one",
                  record_word(rec->kind), rec->id);
    r = moving_make(&m, rec, c->from_caps, c->to_caps, &s->w.nets, false, &why);
    if (r == -EUCLEAN) {
        list_add(&s->out->problems, error_text(&why));
        return 0;
    }
    if (r < 0)
        return error_move(s->w.err, &why), r;
    if (m.rec.ns && !(c->to_caps & BERTH_STATE_CAP_NAMESPACES))
        list_addf(&s->out->notes,
                  "%s %s is in namespace \"%s\": the new store keeps that in its configuration "
                  "only",
                  record_word(rec->kind), rec->id, m.rec.ns);
    return rec->kind == BERTH_CONTAINER ? survey_container(s, rec, &m) : 0;
}

static int survey_link(void *arg, const struct berth_link *link)
{
    struct surveying *s = arg;
    int r = link_is_live(s->w.c->from, link, s->w.err);

    if (r == 0)
        list_addf(&s->out->notes, "link %s %s -> %s leads to nothing: left out",
                  link_word(link->kind), link->from, link->to);
    else
        s->out->links++;
    return r < 0 ? r : 0;
}

static int survey_exit(void *arg, const struct berth_exit *code)
{
    struct surveying *s = arg;

    s->out->exits++;
    if (!code_is_possible(code))
        list_addf(&s->out->problems, "exit code %d of %s is not within -1 to 255", code->code,
                  code->id);
    return 0;
}

int copy_survey(const struct copy *c, struct survey *out, struct berth_error *err)
{
    _cleanup_(walk_free) struct walk w = {.c = c, .err = err};
    struct surveying s = {.out = out};
    int r = walk_start(&w, "looking");

    s.w = w;
    if (r == 0)
        r = scan_all(c->from, survey_record, &s, err);
    if (r == 0)
        r = visit_links(c->from, survey_link, &s, err);
    if (r == 0)
        r = txn_exit_scan(c->from, survey_exit, &s, err);
    if (r == 0 && (out->problems.error || out->blockers.error || out->notes.error))
        r = fail(err, ENOMEM, "out of memory");
    return r;
}

/* --------------------------------------------------------------------- copy */

static int copy_record(void *arg, const struct berth_record *rec)
{
    struct walk *w = arg;
    _cleanup_moving_ struct moving m = {0};
    int r = copy_cancelled(w->err);

    if (r < 0)
        return r;
    advance(w);
    r = moving_make(&m, rec, w->c->from_caps, w->c->to_caps, &w->nets, w->c->force, w->err);
    return r < 0 ? r : moving_insert(&m, w->c->to, w->c->to_caps, w->err);
}

static int copy_link(void *arg, const struct berth_link *link)
{
    struct walk *w = arg;
    struct berth_link plain = {
        .size = sizeof(plain), .kind = link->kind, .from = link->from, .to = link->to};
    int r = link_is_live(w->c->from, link, w->err);

    return r == 1 ? txn_link(w->c->to, &plain, w->err) : r;
}

static int copy_exit(void *arg, const struct berth_exit *code)
{
    struct walk *w = arg;
    struct berth_exit plain = *code;

    plain.size = sizeof(plain);
    if (!code_is_possible(code))
        return w->c->force ? 0
                           : fail(w->err, EINVAL, "exit code %d of %s is not within -1 to 255",
                                  code->code, code->id);
    return txn_exit_put(w->c->to, &plain, w->err);
}

static int copy_identity(const struct copy *c, struct berth_error *err)
{
    struct berth_store_config has = {.size = sizeof(has)};
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r = txn_config_get(c->from, &has, &why);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return error_move(err, &why), r;
    has.schema = 0;
    return txn_config_put(c->to, &has, err);
}

/* What others name comes first: a store that checks references needs not look for those that
 * wait for it. */
static int copy_records(struct walk *w)
{
    static const uint32_t kinds[] = {BERTH_POD, BERTH_VOLUME, BERTH_CONTAINER};
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++) {
        struct berth_scan of_kind = {
            .size = sizeof(of_kind), .kind = kinds[i], .want = BERTH_REC_ALL};

        r = txn_scan(w->c->from, &of_kind, copy_record, w, w->err);
    }
    return r;
}

int copy_all(const struct copy *c, struct berth_error *err)
{
    _cleanup_(walk_free) struct walk w = {.c = c, .err = err};
    int r = walk_start(&w, "copying");

    if (r == 0)
        r = copy_identity(c, err);
    if (r == 0)
        r = copy_records(&w);
    if (r == 0)
        r = visit_links(c->from, copy_link, &w, err);
    if (r == 0)
        r = txn_exit_scan(c->from, copy_exit, &w, err);
    if (r == 0 && c->progress)
        c->progress(c->progress_arg, "copying", w.total, w.total);
    return r;
}

/* ------------------------------------------------------------------- verify */

static int differs(struct walk *w, const struct berth_record *rec, const char *what)
{
    return fail(w->err, EUCLEAN, "%s %s: the copy has another %s", record_word(rec->kind),
                rec->id, what);
}

static bool same(const char *a, const char *b)
{
    return str_eq(a ? a : "", b ? b : "");
}

/* The network links of one container of the target are those of m. */
static int verify_networks(struct walk *w, const struct moving *m)
{
    json *networks = m->networks;

    if (!(w->c->to_caps & BERTH_STATE_CAP_NETWORKS) || !networks)
        return 0;
    json_object_object_foreach (networks, name, options) {
        struct berth_link link = {.size = sizeof(link)};
        _cleanup_buf_ struct berth_buf text = BUF_INIT;
        int r = txn_linked(w->c->to, BERTH_LINK_NETWORK, m->rec.id, name, &link, w->err);

        if (r < 0)
            return r;
        json_write(options, 0, &text);
        if (!documents_equal(buf_blob(&text), link.value))
            return differs(w, &m->rec, "network");
    }
    w->done += (size_t)json_object_object_length(networks);
    return 0;
}

static int verify_record(void *arg, const struct berth_record *rec)
{
    struct walk *w = arg;
    _cleanup_moving_ struct moving m = {0};
    struct berth_record to = {.size = sizeof(to)};
    uint64_t caps = w->c->to_caps;
    int r = copy_cancelled(w->err);

    if (r == 0)
        r = moving_make(&m, rec, w->c->from_caps, caps, &w->nets, w->c->force, w->err);
    if (r == 0)
        r = txn_get(w->c->to, rec->kind, rec->id, BERTH_REC_ALL, &to, w->err);
    if (r < 0)
        return r;
    if (!same(m.rec.name, to.name ? to.name : to.id))
        return differs(w, rec, "name");
    if (!same(m.rec.pod, to.pod))
        return differs(w, rec, "pod");
    if ((caps & BERTH_STATE_CAP_NAMESPACES) && !same(m.rec.ns, to.ns))
        return differs(w, rec, "namespace");
    if ((caps & BERTH_STATE_CAP_NETWORKS) && !same(m.rec.netns, to.netns))
        return differs(w, rec, "network namespace");
    if (!documents_equal(m.rec.config, to.config))
        return differs(w, rec, "configuration");
    if (!documents_equal(m.rec.state, to.state))
        return differs(w, rec, "state");
    return verify_networks(w, &m);
}

static int verify_link(void *arg, const struct berth_link *link)
{
    struct walk *w = arg;
    struct berth_link to = {.size = sizeof(to)};
    int r = link_is_live(w->c->from, link, w->err);

    if (r == 1) {
        w->done++;
        r = txn_linked(w->c->to, link->kind, link->from, link->to, &to, w->err);
    }
    return r;
}

static int verify_exit(void *arg, const struct berth_exit *code)
{
    struct walk *w = arg;
    struct berth_exit to = {.size = sizeof(to)};
    int r;

    if (!code_is_possible(code))
        return 0;
    w->done++;
    r = txn_exit_get(w->c->to, code->id, &to, w->err);
    if (r == 0 && (to.code != code->code || dump_second(to.date) != dump_second(code->date)))
        r = fail(w->err, EUCLEAN, "exit code of %s: the copy has another", code->id);
    return r;
}

static int count_link(void *arg, const struct berth_link *link _unused_)
{
    ++*(size_t *)arg;
    return 0;
}

static int count_exit(void *arg, const struct berth_exit *code _unused_)
{
    ++*(size_t *)arg;
    return 0;
}

static int count_links(struct txn *t, uint64_t caps, size_t *n, struct berth_error *err)
{
    int r = visit_links(t, count_link, n, err);

    if (r == 0 && (caps & BERTH_STATE_CAP_NETWORKS))
        r = txn_links(t, BERTH_LINK_NETWORK, BERTH_ANY, NULL, count_link, n, err);
    return r;
}

static int verify_identity(const struct copy *c, struct berth_error *err)
{
    struct berth_store_config a = {.size = sizeof(a)}, b = {.size = sizeof(b)};
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r = txn_config_get(c->from, &a, &why);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return error_move(err, &why), r;
    r = txn_config_get(c->to, &b, err);
    if (r < 0)
        return r;
    if (same(a.os, b.os) && same(a.static_dir, b.static_dir) && same(a.tmp_dir, b.tmp_dir) &&
        same(a.graph_root, b.graph_root) && same(a.run_root, b.run_root) &&
        same(a.graph_driver, b.graph_driver) && same(a.volume_path, b.volume_path))
        return 0;
    return fail(err, EUCLEAN, "the copy was made for other paths");
}

int copy_verify(const struct copy *c, struct berth_error *err)
{
    _cleanup_(walk_free) struct walk w = {.c = c, .err = err};
    size_t expected = 0, found = 0;
    int r = net_links_read(c->from, c->from_caps, &w.nets, err);

    for (uint32_t kind = BERTH_CONTAINER; r == 0 && kind <= BERTH_VOLUME; kind++) {
        r = count_all(c->from, kind, &expected, err);
        if (r == 0)
            r = count_all(c->to, kind, &found, err);
        if (r == 0 && expected != found)
            return fail(err, EUCLEAN, "the copy has %zu %ss, not %zu", found, record_word(kind),
                        expected);
    }
    if (r == 0)
        r = verify_identity(c, err);
    if (r == 0)
        r = scan_all(c->from, verify_record, &w, err);
    if (r == 0)
        r = visit_links(c->from, verify_link, &w, err);
    if (r == 0)
        r = txn_exit_scan(c->from, verify_exit, &w, err);
    found = 0;
    if (r == 0)
        r = count_links(c->to, c->to_caps, &found, err);
    if (r == 0)
        r = txn_exit_scan(c->to, count_exit, &found, err);
    if (r == 0 && found != w.done)
        r = fail(err, EUCLEAN, "the copy has %zu links and exit codes, not %zu", found, w.done);
    return r;
}

int copy_is_empty(struct txn *t, uint64_t caps, struct berth_error *err)
{
    size_t n = 0, rest = 0;
    int r = count_all(t, 0, &n, err);

    if (r == 0)
        r = count_links(t, caps, &rest, err);
    return r < 0 ? r : n + rest == 0;
}

/* ---------------------------------------------------------------------- sum */

/* FNV-1a: it tells whether somebody used a store in between, no more. */
static void mix(uint64_t *sum, const void *data, size_t len)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i++)
        *sum = (*sum ^ p[i]) * 0x100000001b3u;
    *sum = (*sum ^ 0xff) * 0x100000001b3u;
}

static void mix_text(uint64_t *sum, const char *s)
{
    mix(sum, s ? s : "", s ? strlen(s) : 0);
}

static int mix_record(void *arg, const struct berth_record *rec)
{
    mix(arg, &rec->kind, sizeof(rec->kind));
    mix_text(arg, rec->id);
    mix_text(arg, rec->name);
    mix_text(arg, rec->pod);
    mix_text(arg, rec->netns);
    mix(arg, rec->config.data, rec->config.data ? rec->config.len : 0);
    mix(arg, rec->state.data, rec->state.data ? rec->state.len : 0);
    return 0;
}

/* Links and exit codes come in an order of the format's own: they are added up. */
static int mix_link(void *arg, const struct berth_link *link)
{
    uint64_t one = link->kind, *sum = arg;

    mix_text(&one, link->from);
    mix_text(&one, link->to);
    mix(&one, link->value.data, link->value.data ? link->value.len : 0);
    *sum += one;
    return 0;
}

static int mix_exit(void *arg, const struct berth_exit *code)
{
    uint64_t one = (uint64_t)(uint32_t)code->code, *sum = arg;
    berth_date date = dump_second(code->date);

    mix_text(&one, code->id);
    mix(&one, &date, sizeof(date));
    *sum += one;
    return 0;
}

int copy_sum(struct txn *t, uint64_t caps, uint64_t *out, struct berth_error *err)
{
    uint64_t sum = 0xcbf29ce484222325u;
    int r = scan_all(t, mix_record, &sum, err);

    if (r == 0)
        r = visit_links(t, mix_link, &sum, err);
    if (r == 0 && (caps & BERTH_STATE_CAP_NETWORKS))
        r = txn_links(t, BERTH_LINK_NETWORK, BERTH_ANY, NULL, mix_link, &sum, err);
    if (r == 0)
        r = txn_exit_scan(t, mix_exit, &sum, err);
    *out = sum;
    return r;
}
