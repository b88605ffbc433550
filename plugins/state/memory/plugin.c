/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_memory - a store that lives and dies with the process: for transient
 * engines, and the model that other stores are compared with.  What another
 * format would keep in a file, and the option to name it, do not exist here.
 */
#include "memory.h"
#include <stdio.h>
#include <stdlib.h>

static int probe(const struct berth_host *h, const struct berth_place *place,
                 const struct berth_config *cfg, struct berth_error *err)
{
    (void)h, (void)place, (void)cfg, (void)err;
    return BERTH_PROBE_NONE;
}

static int open_store(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, uint32_t flags, struct berth_state **out,
                      struct berth_error *err)
{
    struct berth_state *s;
    int r;

    (void)cfg;
    if (!(flags & BERTH_STATE_CREATE) || (place->flags & BERTH_PLACE_READONLY))
        return berth_fail(h, err, ENOENT, "a memory store does not outlive its process");
    s = calloc(1, sizeof(*s));
    if (!s)
        return berth_fail(h, err, ENOMEM, "out of memory");
    s->host = h;
    s->table.dice = 0x9e3779b97f4a7c15u;
    r = mem_gate_init(&s->gate);
    if (r < 0) {
        free(s);
        return berth_fail(h, err, -r, "cannot make a lock");
    }
    *out = s;
    return 0;
}

static void close_store(struct berth_state *s)
{
    if (!s)
        return;
    mem_table_free(&s->table);
    mem_gate_fini(&s->gate);
    free(s);
}

static void forked(struct berth_state *s)
{
    if (!s)
        return;
    /* The gate may have been held by a thread that is not here: it is left as it is. */
    mem_table_free(&s->table);
    free(s);
}

static int begin(struct berth_state *s, uint32_t flags, berth_deadline deadline,
                 struct berth_txn **out, struct berth_error *err)
{
    int write = (flags & BERTH_TXN_WRITE) != 0;
    struct berth_txn *t = calloc(1, sizeof(*t));
    int r;

    if (!t)
        return berth_fail(s->host, err, ENOMEM, "out of memory");
    r = mem_gate_enter(&s->gate, s->host, write, deadline);
    if (r < 0) {
        free(t);
        return berth_fail(s->host, err, -r, "another transaction has the memory store");
    }
    t->s = s;
    t->flags = flags;
    *out = t;
    return 0;
}

static void finish(struct berth_txn *t)
{
    mem_gate_leave(&t->s->gate, (t->flags & BERTH_TXN_WRITE) != 0);
    free(t);
}

static void rollback(struct berth_txn *t)
{
    if (!t)
        return;
    mem_undo_to(t, NULL);
    finish(t);
}

struct complaint {
    const struct berth_host *h;
    struct berth_error *err;
};

static int refuse(void *arg, const char *line)
{
    struct complaint *c = arg;

    return berth_fail(c->h, c->err, ENOENT, "%s", line);
}

static int commit(struct berth_txn *t, struct berth_error *err)
{
    struct complaint c = {t->s->host, err};
    int r = 0;

    if ((t->flags & BERTH_TXN_BULK) && t->undo)
        r = mem_dangling(&t->s->table, refuse, &c);
    if (r < 0) {
        rollback(t);
        return r;
    }
    mem_settle(t);
    finish(t);
    return 0;
}

/* -------------------------------------------------------------- exit codes */

static int exit_put(struct berth_txn *t, const struct berth_exit *e, struct berth_error *err)
{
    struct mem_exit *value;
    int r;

    if ((r = mem_may_write(t, err)) < 0)
        return r;
    if (!BERTH_FITS(e, id) || !e->id || !*e->id || e->code < -1 || e->code > 255)
        return berth_fail(t->s->host, err, EINVAL,
                          "an exit code without container or outside -1 to 255");
    value = malloc(sizeof(*value));
    if (value) {
        value->code = e->code;
        value->date = e->date;
    }
    if (!value || mem_put(t, T_EXIT, e->id, "", value) < 0) {
        free(value);
        return mem_no_memory(t, err);
    }
    return 0;
}

static int exit_get(struct berth_txn *t, const char *id, struct berth_exit *out,
                    struct berth_error *err)
{
    struct mem_entry *e = id ? mem_find(&t->s->table, T_EXIT, id, "") : NULL;
    const struct mem_exit *x;
    struct berth_exit r;

    if (!e)
        return berth_fail(t->s->host, err, ENOENT, "no exit code of container %s",
                          id ? id : "(none)");
    x = e->value;
    r = (struct berth_exit){out->size, x->code, x->date, e->a};
    memcpy(out, &r, out->size < sizeof(r) ? out->size : sizeof(r));
    return 0;
}

static struct mem_entry *first_exit(struct berth_txn *t)
{
    struct mem_entry *e = mem_seek(&t->s->table, T_EXIT, "", "");

    return e && e->tag == T_EXIT ? e : NULL;
}

static int exit_scan(struct berth_txn *t, berth_exit_fn *fn, void *arg, struct berth_error *err)
{
    (void)err;
    for (struct mem_entry *e = first_exit(t); e; e = mem_next(e, T_EXIT, NULL)) {
        const struct mem_exit *x = e->value;
        struct berth_exit out = {sizeof(out), x->code, x->date, e->a};
        int r = fn(arg, &out);

        if (r)
            return r;
    }
    return 0;
}

static int64_t exit_prune(struct berth_txn *t, berth_date before, int keep_live,
                          struct berth_error *err)
{
    struct mem_undo *mark = t->undo;
    struct mem_entry *e, *next;
    int64_t n = 0;
    int r;

    if ((r = mem_may_write(t, err)) < 0)
        return r;
    for (e = first_exit(t); e; e = next) {
        const struct mem_exit *x = e->value;

        next = mem_next(e, T_EXIT, NULL);
        if (x->date >= before ||
            (keep_live && mem_find(&t->s->table, T_RECORD + BERTH_CONTAINER, e->a, "")))
            continue;
        if (mem_take(t, e) < 0) {
            mem_undo_to(t, mark);
            return mem_no_memory(t, err);
        }
        n++;
    }
    return n;
}

/* ---------------------------------------------------------------- identity */

/* The strings of an identity, as an array and back. */
#define MEMBERS 7

static void take_members(const struct berth_store_config *c, const char *to[MEMBERS])
{
    to[0] = c->os;
    to[1] = c->static_dir;
    to[2] = c->tmp_dir;
    to[3] = c->graph_root;
    to[4] = c->run_root;
    to[5] = c->graph_driver;
    to[6] = c->volume_path;
}

static void set_members(struct berth_store_config *c, const char *const from[MEMBERS])
{
    c->os = from[0];
    c->static_dir = from[1];
    c->tmp_dir = from[2];
    c->graph_root = from[3];
    c->run_root = from[4];
    c->graph_driver = from[5];
    c->volume_path = from[6];
}

static int config_get(struct berth_txn *t, struct berth_store_config *out,
                      struct berth_error *err)
{
    struct mem_entry *e = mem_find(&t->s->table, T_IDENTITY, "", "");
    struct berth_store_config c;

    if (!e)
        return berth_fail(t->s->host, err, ENOENT, "the store has no identity yet");
    c = ((struct mem_identity *)e->value)->config;
    c.size = out->size;
    memcpy(out, &c, out->size < sizeof(c) ? out->size : sizeof(c));
    return 0;
}

static int config_put(struct berth_txn *t, const struct berth_store_config *in,
                      struct berth_error *err)
{
    const char *members[MEMBERS];
    struct mem_identity *value;
    size_t size = sizeof(*value);
    char *text;
    int r;

    if ((r = mem_may_write(t, err)) < 0)
        return r;
    if (!BERTH_FITS(in, volume_path))
        return berth_fail(t->s->host, err, EINVAL, "an identity that is too short");
    take_members(in, members);
    for (size_t i = 0; i < MEMBERS; i++)
        size += members[i] ? strlen(members[i]) + 1 : 0;
    value = malloc(size);
    if (!value)
        return mem_no_memory(t, err);
    value->config =
        (struct berth_store_config){.size = sizeof(value->config), .schema = in->schema};
    text = (char *)(value + 1);
    for (size_t i = 0; i < MEMBERS; i++) {
        if (!members[i])
            continue;
        size = strlen(members[i]) + 1;
        members[i] = memcpy(text, members[i], size);
        text += size;
    }
    set_members(&value->config, members);
    if (mem_put(t, T_IDENTITY, "", "", value) < 0) {
        free(value);
        return mem_no_memory(t, err);
    }
    return 0;
}

/* ------------------------------------------------------------------ upkeep */

struct findings {
    const struct berth_host *h;
    struct berth_list *report;
    int64_t n;
};

static int finding(void *arg, const char *line)
{
    struct findings *f = arg;

    f->n++;
    return f->report ? f->h->add(f->h->core, f->report, line) : 0;
}

/* Every record has its entries in the indexes. */
static int check_indexes(struct mem_table *table, struct findings *f)
{
    char line[1024];

    for (uint32_t kind = BERTH_CONTAINER; kind <= BERTH_VOLUME; kind++) {
        int index = T_RECORD + (int)kind;
        struct mem_entry *e = mem_seek(table, index, "", "");

        for (; e && e->tag == index; e = e->next[0]) {
            const struct mem_attrs *a = e->value;
            const char *missing = NULL;
            int r;

            if (kind != BERTH_VOLUME && !mem_find(table, T_NAME + (int)kind, a->name, e->a))
                missing = "name";
            else if (a->pod && !mem_find(table, T_MEMBER, a->pod, e->a))
                missing = "pod";
            else if (a->storage_id && !mem_find(table, T_STORAGE, a->storage_id, e->a))
                missing = "storage container";
            else if (!mem_find(table, T_CONFIG + (int)kind, e->a, ""))
                missing = "configuration";
            if (!missing)
                continue;
            snprintf(line, sizeof(line), "%s %s is not found by its %s", mem_kind_name(kind),
                     e->a, missing);
            if ((r = finding(f, line)) < 0)
                return r;
        }
    }
    return 0;
}

static int64_t check(struct berth_state *s, int repair, struct berth_list *report,
                     struct berth_error *err)
{
    struct findings f = {s->host, report, 0};
    int r;

    (void)repair; /* no other program can damage it, so there is nothing to mend */
    r = mem_gate_enter(&s->gate, s->host, 0, BERTH_NO_WAIT);
    if (r < 0)
        return berth_fail(s->host, err, -r, "the memory store is in a transaction");
    r = check_indexes(&s->table, &f);
    if (r == 0)
        r = mem_dangling(&s->table, finding, &f);
    mem_gate_leave(&s->gate, 0);
    return r < 0 ? berth_fail(s->host, err, -r, "cannot report findings") : f.n;
}

static int files(struct berth_state *s, struct berth_list *paths, struct berth_error *err)
{
    (void)s, (void)paths, (void)err;
    return 0;
}

static const struct berth_state_ops ops = {
    .size = sizeof(ops),
    .probe = probe,
    .open = open_store,
    .close = close_store,
    .forked = forked,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .get = mem_get,
    .resolve = mem_resolve,
    .scan = mem_scan,
    .insert = mem_insert,
    .update = mem_update,
    .remove = mem_remove,
    .link = mem_link,
    .unlink = mem_unlink,
    .unlink_all = mem_unlink_all,
    .linked = mem_linked,
    .links = mem_links,
    .exit_put = exit_put,
    .exit_get = exit_get,
    .exit_scan = exit_scan,
    .exit_prune = exit_prune,
    .config_get = config_get,
    .config_put = config_put,
    .check = check,
    .files = files,
};

BERTH_STATE_PLUGIN(state_memory, &ops, .name = "memory", .version = "0.1.0",
                   .summary = "keeps containers in memory, for as long as the process lives",
                   .license = "Apache-2.0", .contact = "the maintainers of berth",
                   .caps = BERTH_STATE_CAP_TIMEOUT | BERTH_STATE_CAP_NAMESPACES |
                           BERTH_STATE_CAP_SAME_NAMES | BERTH_STATE_CAP_NETWORKS,
                   .threads = BERTH_THREADS_PARALLEL);
