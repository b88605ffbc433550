/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge.c - see merge.h.
 *
 * Everything is tried in one transaction of the configured store, which is committed when
 * nothing is left to ask.  After a crash between the commit and the rename, another run
 * finds all records the same, and only renames.
 */
#include "engine/merge.h"
#include "base/str.h"
#include "engine/boot.h"
#include "engine/dump.h"
#include "engine/migrate_doc.h"
#include "engine/store.h"
#include "load/load.h"

struct merging {
    struct merge *m;
    struct engine *e;
    struct state *other;
    struct txn *here, *there;
    uint64_t here_caps, there_caps;
    struct net_links here_nets, there_nets;
    enum merge_prefer prefer;
    bool retire; /* the other is a store of this host */
    int lock_fd, alive_fd;
    struct berth_list kept;  /* containers whose record here counts: their links too */
    struct berth_list locks; /* lock numbers in use here, as text */
    size_t blocked;          /* what no preference can resolve */
    struct berth_error *err;
};

static void merging_end(struct merging *g)
{
    txn_rollback(g->here);
    txn_rollback(g->there);
    state_close(g->other);
    engine_close(g->e);
    if (g->alive_fd >= 0)
        close(g->alive_fd);
    if (g->lock_fd >= 0)
        close(g->lock_fd);
    net_links_free(&g->here_nets);
    net_links_free(&g->there_nets);
    list_free(&g->kept);
    list_free(&g->locks);
}
#define _cleanup_merging_ _cleanup_(merging_end)

static void say(const struct merging *g, const char *fmt, ...) _printf_(2, 3);

static void say(const struct merging *g, const char *fmt, ...)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    va_list ap;

    if (!g->m->say)
        return;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    g->m->say(g->m->say_arg, buf_str(&text));
}

/* ------------------------------------------------------------------ opening */

/* The one store of another type in the places of this host. */
static int find_other(struct merging *g, char **type)
{
    _cleanup_list_ struct berth_list names = LIST_INIT, found = LIST_INIT;
    _cleanup_free_ char *all = NULL;
    int r = plugin_names(g->m->conf, BERTH_KIND_STATE, &names, g->err);

    for (size_t i = 0; r == 0 && i < names.n; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        if (!str_eq(names.items[i], state_plugin(g->e->state)) &&
            state_probe(g->m->conf, names.items[i], &g->e->place, &why) == BERTH_PROBE_MINE)
            list_add(&found, names.items[i]);
    }
    if (r < 0)
        return r;
    if (found.n == 0)
        return fail(g->err, ENOENT,
                    "there is no other state store on this host; --from names one");
    all = list_join(&found, ", ");
    if (found.n > 1)
        return fail(g->err, EEXIST,
                    "there are several other stores (%s): name one with --from TYPE:PATH",
                    str_or(all, ""));
    return str_set(type, found.items[0]) < 0 ? fail(g->err, ENOMEM, "out of memory") : 0;
}

static int open_other(struct merging *g)
{
    _cleanup_free_ char *type = NULL;
    int r;

    if (g->m->from)
        return dump_open(g->m->conf, g->m->from, &g->other, g->err);
    r = find_other(g, &type);
    if (r < 0)
        return r;
    g->retire = true;
    return state_open(g->m->conf, type, &g->e->place, NULL, 0, 0, &g->other, g->err);
}

static int read_prefer(struct merging *g)
{
    const char *word = g->m->prefer, *here = state_plugin(g->e->state);
    const char *there = state_plugin(g->other);

    if (str_empty(word))
        g->prefer = MERGE_ASK;
    else if (str_eq(word, "this") || (str_eq(word, here) && !str_eq(here, there)))
        g->prefer = MERGE_THIS;
    else if (str_eq(word, "other") || (str_eq(word, there) && !str_eq(here, there)))
        g->prefer = MERGE_OTHER;
    else
        return fail(g->err, EINVAL, "--prefer must be this (%s) or other (%s), not \"%s\"",
                    here, there, word);
    return 0;
}

static int note_lock(void *arg, const struct berth_record *rec)
{
    static const char *const names[] = {"lockID"};
    struct merging *g = arg;
    struct berth_blob value;

    if (json_project(rec->config, names, 1, &value, NULL) < 0 || !value.data)
        return 0;
    return list_addf(&g->locks, "%.*s", (int)value.len, (const char *)value.data);
}

static int merging_begin(struct merging *g)
{
    struct berth_scan all = {.size = sizeof(all), .want = BERTH_REC_CONFIG};
    int r;

    g->lock_fd = migrate_lock(g->m->conf, g->err);
    if (g->lock_fd < 0)
        return g->lock_fd;
    r = engine_open(g->m->conf, 0, &g->e, g->err);
    if (r == 0)
        r = open_other(g);
    if (r == 0)
        r = read_prefer(g);
    if (r < 0)
        return r;
    g->alive_fd = boot_lock_alive(g->m->conf, g->err);
    if (g->alive_fd < 0)
        return g->alive_fd;
    g->here_caps = state_caps(g->e->state);
    g->there_caps = state_caps(g->other);
    r = state_begin(g->e->state, BERTH_TXN_WRITE | BERTH_TXN_BULK, BERTH_WAIT_FOREVER, &g->here,
                    g->err);
    /* A writing transaction, though nothing is written: it keeps other writers out. */
    if (r == 0)
        r = state_begin(g->other, g->retire ? BERTH_TXN_WRITE : 0, BERTH_WAIT_FOREVER,
                        &g->there, g->err);
    if (r == 0)
        r = net_links_read(g->here, g->here_caps, &g->here_nets, g->err);
    if (r == 0)
        r = net_links_read(g->there, g->there_caps, &g->there_nets, g->err);
    if (r == 0)
        r = txn_scan(g->here, &all, note_lock, g, g->err);
    list_sort(&g->locks);
    return r;
}

/* Stores of two installations have nothing in common but their format. */
static int check_identity(struct merging *g)
{
    struct berth_store_config a = {.size = sizeof(a)}, b = {.size = sizeof(b)};
    _cleanup_error_ struct berth_error why = ERROR_INIT;

    if (txn_config_get(g->here, &a, &why) < 0 || txn_config_get(g->there, &b, &why) < 0)
        return 0;
    if (str_eq(str_or(a.graph_root, ""), str_or(b.graph_root, "")) &&
        str_eq(str_or(a.volume_path, ""), str_or(b.volume_path, "")))
        return 0;
    return fail(g->err, EINVAL,
                "the other store was made for graph root %s and volumes in %s, this one for %s "
                "and %s",
                str_or(b.graph_root, "?"), str_or(b.volume_path, "?"),
                str_or(a.graph_root, "?"), str_or(a.volume_path, "?"));
}

/* ------------------------------------------------------------------ records */

static json *tree_of(struct berth_blob doc)
{
    json *tree = NULL;

    if (!doc.data || json_parse(doc, "document", &tree, NULL) < 0)
        tree = json_new();
    return tree;
}

static void compare_texts(const char *what, const char *a, const char *b,
                          struct berth_list *out)
{
    a = a ? a : "";
    b = b ? b : "";
    if (!str_eq(a, b))
        list_addf(out, "%s: %s | %s", what, *a ? a : "(none)", *b ? b : "(none)");
}

static void compare_networks(const struct merging *g, const struct moving *m,
                             struct berth_list *out)
{
    _cleanup_json_ json *here = json_new(), *none = json_new();
    const struct net_link *own;
    size_t n;

    if (!(g->here_caps & BERTH_STATE_CAP_NETWORKS))
        return; /* they are in the configurations, which are compared */
    own = net_links_of(&g->here_nets, m->rec.id, &n);
    for (size_t i = 0; i < n; i++)
        json_set(here, own[i].to,
                 tree_of((struct berth_blob){own[i].value, strlen(own[i].value)}));
    diff_documents("networks", here, m->networks ? m->networks : none, out);
}

/* In which members do the record here and the one that came differ? */
static void compare(const struct merging *g, const struct berth_record *here,
                    const struct moving *m, struct berth_list *out)
{
    if (!str_eq(here->name ? here->name : here->id, m->rec.name))
        compare_texts("name", here->name, m->rec.name, out);
    compare_texts("pod", here->pod, m->rec.pod, out);
    if (g->here_caps & BERTH_STATE_CAP_NETWORKS)
        compare_texts("netns", here->netns, m->rec.netns, out);
    if (!documents_equal(here->config, m->rec.config)) {
        _cleanup_json_ json *a = tree_of(here->config), *b = tree_of(m->rec.config);

        diff_documents("config", a, b, out);
    }
    if (!documents_equal(here->state, m->rec.state)) {
        _cleanup_json_ json *a = tree_of(here->state), *b = tree_of(m->rec.state);

        diff_documents("state", a, b, out);
    }
    if (m->rec.kind == BERTH_CONTAINER)
        compare_networks(g, m, out);
}

/* The record that came takes the place of the one here, with its links. */
static int replace(struct merging *g, struct moving *m)
{
    static const uint32_t own[] = {BERTH_LINK_DEPENDS, BERTH_LINK_VOLUME, BERTH_LINK_NETWORK};
    struct berth_record rec = m->rec;
    int64_t n = 0;
    int r;

    if (!(g->here_caps & BERTH_STATE_CAP_NAMESPACES))
        rec.ns = NULL;
    if (!(g->here_caps & BERTH_STATE_CAP_NETWORKS))
        rec.netns = NULL;
    r = txn_update(g->here, &rec, g->err);
    for (size_t i = 0; r == 0 && rec.kind == BERTH_CONTAINER && i < ARRAY_LEN(own); i++) {
        if (own[i] == BERTH_LINK_NETWORK && !(g->here_caps & BERTH_STATE_CAP_NETWORKS))
            continue;
        n = txn_unlink_all(g->here, own[i], BERTH_FROM, rec.id, g->err);
        r = n < 0 ? (int)n : 0;
    }
    return r < 0 ? r : moving_link_networks(m, g->here, g->here_caps, g->err);
}

static int both_have(struct merging *g, const struct berth_record *here, struct moving *m)
{
    _cleanup_list_ struct berth_list members = LIST_INIT;
    const char *word = record_word(m->rec.kind);

    compare(g, here, m, &members);
    if (members.error)
        return fail(g->err, ENOMEM, "out of memory");
    if (members.n == 0) {
        g->m->same++;
        return 0;
    }
    g->m->conflicts++;
    for (size_t i = 0; i < members.n; i++)
        say(g, "conflict: %s %s (%s): %s", word, m->rec.id, m->rec.name, members.items[i]);
    if (g->prefer == MERGE_OTHER)
        return replace(g, m);
    return list_add(&g->kept, m->rec.id) < 0 ? fail(g->err, ENOMEM, "out of memory") : 0;
}

/* 1: somebody here has the name; *kind and id say who. */
static int name_taken(struct merging *g, const struct moving *m, uint32_t *kind, char **id)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    bool own = g->here_caps & BERTH_STATE_CAP_SAME_NAMES;
    const char *found;
    int r;

    if (m->rec.kind == BERTH_VOLUME)
        return 0;
    r = txn_resolve(g->here, own ? m->rec.kind : 0, m->rec.name, kind, &found, &why);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return error_move(g->err, &why), r;
    return str_set(id, found) < 0 ? fail(g->err, ENOMEM, "out of memory") : 1;
}

/* Give the record that came a name that nobody has: none is dropped for its name. */
static int rename_moving(struct merging *g, struct moving *m, char **name)
{
    _cleanup_json_ json *config = NULL;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = json_parse_object(m->rec.config, "configuration", &config, g->err);

    if (r < 0)
        return r;
    *name = str_printf("%.200s-%.12s", m->rec.name, m->rec.id);
    if (!*name)
        return fail(g->err, ENOMEM, "out of memory");
    json_set_str(config, "name", *name);
    json_write(config, 0, &text);
    buf_reset(&m->config);
    if (buf_put(&m->config, text.data, text.len) < 0)
        return fail(g->err, ENOMEM, "out of memory");
    m->rec.config = buf_blob(&m->config);
    m->rec.name = *name;
    return 0;
}

static int add_record(struct merging *g, struct moving *m)
{
    static const char *const lock_member[] = {"lockID"};
    _cleanup_free_ char *owner = NULL, *name = NULL;
    const char *word = record_word(m->rec.kind);
    struct berth_blob lock;
    uint32_t kind = 0;
    int r = name_taken(g, m, &kind, &owner);

    if (r < 0)
        return r;
    if (r == 1) {
        g->m->conflicts++;
        say(g, "conflict: %s %s has the name \"%s\", which is that of %s %s here", word,
            m->rec.id, m->rec.name, record_word(kind), owner);
        if (g->prefer == MERGE_ASK)
            return 0;
        r = rename_moving(g, m, &name);
        if (r < 0)
            return r;
        say(g, "%s %s gets the name \"%s\"", word, m->rec.id, name);
    }
    if (json_project(m->rec.config, lock_member, 1, &lock, NULL) == 0 && lock.data) {
        _cleanup_free_ char *number = strndup(lock.data, lock.len);

        if (number && list_has(&g->locks, number))
            say(g,
                "%s %s has lock number %s, which is in use here: `podman system renumber` "
                "sets that right",
                word, m->rec.id, number);
    }
    r = moving_insert(m, g->here, g->here_caps, g->err);
    if (r < 0)
        return r;
    g->m->added++;
    say(g, "%s %s (%s): added", word, m->rec.id, m->rec.name);
    return 0;
}

/* Is the ID that of something of another kind here? */
static int other_kind(struct merging *g, const struct berth_record *rec)
{
    uint32_t kind = rec->kind == BERTH_POD ? BERTH_CONTAINER : BERTH_POD;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    struct berth_record found = {.size = sizeof(found)};
    int r;

    if (rec->kind == BERTH_VOLUME)
        return 0;
    r = txn_get(g->here, kind, rec->id, 0, &found, &why);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return error_move(g->err, &why), r;
    g->blocked++;
    say(g, "conflict: %s %s has the ID of a %s here", record_word(rec->kind), rec->id,
        record_word(kind));
    return 1;
}

static int merge_record(void *arg, const struct berth_record *rec)
{
    struct merging *g = arg;
    _cleanup_moving_ struct moving m = {0};
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    struct berth_record here = {.size = sizeof(here)};
    int r = copy_cancelled(g->err);

    if (r == 0)
        r = moving_make(&m, rec, g->there_caps, g->here_caps, &g->there_nets, false, g->err);
    if (r < 0)
        return r;
    r = txn_get(g->here, rec->kind, rec->id, BERTH_REC_ALL, &here, &why);
    if (r == 0)
        return both_have(g, &here, &m);
    if (r != -ENOENT)
        return error_move(g->err, &why), r;
    r = other_kind(g, rec);
    return r ? (r < 0 ? r : 0) : add_record(g, &m);
}

/* ------------------------------------------------------ links and exit codes */

static int merge_link(void *arg, const struct berth_link *link)
{
    struct merging *g = arg;
    const char *owner = link->kind == BERTH_LINK_EXEC ? link->to : link->from;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    struct berth_link plain = {
        .size = sizeof(plain), .kind = link->kind, .from = link->from, .to = link->to};
    int r = link_is_live(g->there, link, g->err);

    if (r != 1 || list_has(&g->kept, owner))
        return r < 0 ? r : 0;
    r = txn_link(g->here, &plain, &why);
    if (r == -ENOENT && g->prefer == MERGE_ASK && (g->m->conflicts || g->blocked))
        return 0; /* its end is one of the conflicts, and nothing is going to be written */
    if (r == -EEXIST) {
        g->blocked++;
        say(g, "conflict: exec session %s is of another container here", link->from);
        return 0;
    }
    if (r < 0)
        error_move(g->err, &why);
    return r;
}

static int merge_exit(void *arg, const struct berth_exit *code)
{
    struct merging *g = arg;
    struct berth_exit here = {.size = sizeof(here)}, plain = *code;
    int r = txn_exit_get(g->here, code->id, &here, NULL);

    plain.size = sizeof(plain);
    if (code->code < -1 || code->code > 255 || (r == 0 && here.date >= code->date))
        return 0;
    return txn_exit_put(g->here, &plain, g->err);
}

/* ----------------------------------------------------------------- together */

struct look_running {
    struct merging *g;
    struct berth_list names;
};

static int look_running(void *arg, const struct berth_record *rec)
{
    static const char *const names[] = {"state", "pid", "conmonPid"};
    struct look_running *l = arg;
    struct berth_blob found[ARRAY_LEN(names)];
    int64_t status = 0, pid = 0, conmon = 0;

    if (json_project(rec->state, names, ARRAY_LEN(names), found, NULL) < 0)
        return 0;
    json_text_i64(found[0], &status);
    json_text_i64(found[1], &pid);
    json_text_i64(found[2], &conmon);
    if ((status != CTR_RUNNING && status != CTR_PAUSED && status != CTR_STOPPING) ||
        ctr_is_stale(l->g->e, rec->id, (int)status, pid, conmon))
        return 0;
    return list_add(&l->names, rec->name ? rec->name : rec->id);
}

/* What runs will be cleaned up after by a program that looks into the other store. */
static int refuse_running(struct merging *g)
{
    struct look_running l = {.g = g};
    struct berth_scan scan = {.size = sizeof(scan),
                              .kind = BERTH_CONTAINER,
                              .want = BERTH_REC_NAME | BERTH_REC_STATE};
    _cleanup_free_ char *all = NULL;
    int r = 0;

    if (g->retire && !g->m->force && !g->m->dry_run)
        r = txn_scan(g->there, &scan, look_running, &l, g->err);
    all = list_join(&l.names, ", ");
    if (r == 0 && l.names.n)
        r = fail(g->err, EBUSY,
                 "containers of the other store are running: %s; stop them, or use --force",
                 str_or(all, ""));
    list_free(&l.names);
    return r;
}

static int merge_all(struct merging *g)
{
    static const uint32_t kinds[] = {BERTH_LINK_DEPENDS, BERTH_LINK_VOLUME, BERTH_LINK_EXEC};
    struct berth_scan all = {.size = sizeof(all), .want = BERTH_REC_ALL};
    int r = txn_scan(g->there, &all, merge_record, g, g->err);

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++)
        r = txn_links(g->there, kinds[i], BERTH_ANY, NULL, merge_link, g, g->err);
    return r < 0 ? r : txn_exit_scan(g->there, merge_exit, g, g->err);
}

static int put_away(struct merging *g)
{
    _cleanup_list_ struct berth_list files = LIST_INIT;
    _cleanup_free_ char *suffix = NULL;
    int r = state_files(g->other, &files, g->err);

    if (r == 0)
        r = migrate_retire(&files, "merged", &suffix, g->err);
    if (r < 0)
        return error_wrap(g->err, "the records are merged, but the other store is still there");
    say(g, "the other store is kept as %s%s", files.items[0], suffix);
    return 0;
}

int merge_run(struct merge *m, struct berth_error *err)
{
    _cleanup_merging_ struct merging g = {.m = m, .lock_fd = -1, .alive_fd = -1, .err = err};
    int r = merging_begin(&g);

    if (r == 0)
        r = check_identity(&g);
    if (r == 0)
        r = refuse_running(&g);
    if (r == 0)
        r = merge_all(&g);
    if (r < 0)
        return r;
    if (g.blocked || (m->conflicts && g.prefer == MERGE_ASK)) {
        m->conflicts += g.blocked;
        return 1;
    }
    if (m->dry_run)
        return 0;
    r = txn_commit(&g.here, err);
    if (r == 0 && g.retire)
        r = put_away(&g);
    return r;
}
