/* SPDX-License-Identifier: Apache-2.0 */
/* network_check.c - see network_check.h. */
#include "engine/network_check.h"
#include "base/fs.h"
#include "base/str.h"
#include "engine/boot.h"
#include "engine/ctr_life.h"
#include "engine/net_shared.h"
#include "engine/netns.h"
#include "engine/store.h"
#include "engine/system_marker.h"
#include <dirent.h>

struct look {
    struct engine *e;
    json *joined;                  /* for the plugin */
    struct berth_list netnss;      /* namespaces that containers have */
    const struct berth_list *only; /* what was found the first time; NULL: this is that time */
    struct berth_list found, bad;  /* lines; and paths of namespaces */
    size_t n_done;                 /* so many of `found` are done with, or removed */
    bool repair;
    struct berth_error *err;
};

static void look_free(struct look *l)
{
    json_putp(&l->joined);
    list_free(&l->netnss);
    list_free(&l->found);
    list_free(&l->bad);
}

/* --------------------------------------------------------- who has something */

/* Nothing is known but the ID: it may be on any network. */
static void add_stranger(struct look *l, const char *id)
{
    json *one = json_new();

    json_set_str(one, "container_id", id);
    json_add(l->joined, one);
}

static int add_joined(struct look *l, struct ctr *c)
{
    json *one, *networks = NULL;
    int r = list_add(&l->netnss, c->netns);

    if (r < 0)
        return fail(l->err, ENOMEM, "out of memory");
    r = ctr_net_joined(c, &networks, l->err);
    if (r < 0)
        return r;
    one = json_new();
    json_set_str(one, "container_id", c->id);
    json_set_str(one, "container_name", c->name);
    json_set(one, "networks", networks);
    json_add(l->joined, one);
    return 0;
}

/* One that is starting has no namespace in its record yet. */
static int add_own(struct look *l, struct ctr *c)
{
    _cleanup_free_ char *noted = ctr_net_noted(c);

    if (!str_empty(c->netns) && (!noted || str_eq(noted, c->netns)))
        return add_joined(l, c);
    if (!noted)
        return 0;
    add_stranger(l, c->id);
    if ((!str_empty(c->netns) && list_add(&l->netnss, c->netns) < 0) ||
        list_add(&l->netnss, noted) < 0)
        return fail(l->err, ENOMEM, "out of memory");
    return 0;
}

/* Of another store's. */
static int add_record(void *arg, const struct berth_record *rec)
{
    struct look *l = arg;

    add_stranger(l, rec->id);
    if (!str_empty(rec->netns) && list_add(&l->netnss, rec->netns) < 0)
        return fail(l->err, ENOMEM, "out of memory");
    return 0;
}

static int add_other(void *arg, const struct boot_marker *m)
{
    struct berth_scan scan = {
        .size = sizeof(scan), .kind = BERTH_CONTAINER, .want = BERTH_REC_ATTRS};
    struct look *l = arg;
    struct state *s = NULL;
    int r = boot_marker_open(l->e->conf, m, BERTH_PLACE_READONLY, &s, l->err);

    if (r == 0) {
        _cleanup_txn_ struct txn *t = NULL;

        r = state_begin(s, 0, BERTH_WAIT_FOREVER, &t, l->err);
        if (r == 0)
            r = txn_scan(t, &scan, add_record, l, l->err);
    }
    state_close(s);
    return r < 0 ? error_wrap(l->err, "reading the store in %s", m->static_dir) : 0;
}

/* The ID behind conmon's option -c; the arguments end with a NUL each. */
static const char *monitored(const struct berth_buf *args)
{
    const char *end = args->data + args->len, *last = "";

    if (args->len == 0 || !strstr(args->data, "conmon"))
        return NULL;
    for (const char *a = args->data; a < end; a += strlen(a) + 1) {
        if (str_eq(last, "-c") && id_is_full(a))
            return a;
        last = a;
    }
    return NULL;
}

/* Stores that nobody has noted, as of `podman --root`: their containers have a monitor. */
static int add_monitored(struct look *l)
{
    DIR *d = opendir("/proc");
    struct dirent *entry;
    int r = 0;

    while (d && r >= 0 && (entry = readdir(d))) {
        _cleanup_buf_ struct berth_buf text = BUF_INIT;
        char path[64];
        const char *id;

        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || strlen(entry->d_name) > 20)
            continue;
        snprintf(path, sizeof(path), "/proc/%.20s/cmdline", entry->d_name);
        if (fs_read(path, 1u << 20, &text, NULL) < 0 || !(id = monitored(&text)))
            continue;
        r = store_has(l->e, BERTH_CONTAINER, id, l->err);
        if (r == 0)
            add_stranger(l, id);
    }
    if (d)
        closedir(d);
    return r < 0 ? r : 0;
}

static int gather(struct look *l)
{
    struct ctr **ctrs = NULL;
    size_t n = 0;
    int r = ctr_load_all(l->e, 0, &ctrs, &n, l->err);

    l->joined = json_new_array();
    for (size_t i = 0; r == 0 && i < n; i++)
        r = add_own(l, ctrs[i]);
    ctr_free_all(ctrs, n);
    if (r == 0)
        r = boot_marker_each_other(l->e->conf, add_other, l);
    return r < 0 ? r : add_monitored(l);
}

/* ------------------------------------------------------------------ looking */

static int note(struct look *l, const char *what)
{
    l->n_done = l->found.n;
    if (l->only && !list_has(l->only, what))
        return 0;
    if (list_add(&l->found, what) < 0)
        return fail(l->err, ENOMEM, "out of memory");
    return l->only && l->repair;
}

static int left_over(void *arg, const char *container _unused_, const char *what)
{
    return note(arg, what);
}

static int look_at_namespaces(struct look *l)
{
    int r = netns_left(l->e->conf, &l->netnss, &l->bad);

    if (r < 0)
        return fail(l->err, ENOMEM, "out of memory");
    for (size_t i = 0; r == 0 && i < l->bad.n; i++) {
        _cleanup_free_ char *what =
            str_printf("namespace: %s is of no container", l->bad.items[i]);

        r = what ? note(l, what) : fail(l->err, ENOMEM, "out of memory");
        if (r > 0)
            r = netns_remove(l->bad.items[i], l->err);
        if (r == 0)
            l->n_done = l->found.n;
    }
    return r;
}

/* What the plugin is to look at, and whom to tell. */
struct question {
    struct look *l;
    struct net *net;
    struct berth_buf joined;
    struct berth_buf *out; /* in another process: the lines, for the one that asks */
};

static int tell(void *arg, const char *container, const char *what)
{
    struct question *q = arg;

    buf_printf(q->out, "%s\n", what);
    return left_over(q->l, container, what);
}

static int ask_inside(void *arg, struct berth_buf *out, struct berth_error *err)
{
    struct question *q = arg;

    q->out = out;
    return net_check(q->net, buf_blob(&q->joined), tell, q, err);
}

/* Networks of a user are where only a process of their own gets to. */
static int ask_user(struct question *q, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf lines = BUF_INIT;
    int r = net_shared_look(q->l->e->conf, ask_inside, q, &lines, err);
    char *save = NULL;

    buf_str(&lines);
    for (char *line = lines.len ? strtok_r(lines.data, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save))
        note(q->l, line);
    return r;
}

static int ask_plugin(struct look *l, struct berth_error *err)
{
    struct question q = {.l = l, .joined = BUF_INIT};
    int r = engine_net(l->e, &q.net, err);

    if (r == 0 && json_write(l->joined, 0, &q.joined) < 0)
        r = fail(err, ENOMEM, "out of memory");
    if (r == 0)
        r = l->e->conf->rootless ? ask_user(&q, err)
                                 : net_check(q.net, buf_blob(&q.joined), left_over, l, err);
    buf_free(&q.joined);
    return r;
}

static int look(struct look *l)
{
    int r = gather(l);

    /* Interfaces go with the namespaces that they are in, and bridges are free then. */
    if (r == 0)
        r = look_at_namespaces(l);
    if (r == 0)
        r = ask_plugin(l, l->err);
    if (r == -ENOTSUP) { /* a backend that keeps nothing */
        error_clear(l->err);
        r = 0;
    }
    if (r == 0)
        l->n_done = l->found.n;
    return r;
}

int64_t network_check(struct engine *e, bool repair, struct berth_list *report,
                      struct berth_error *err)
{
    struct look first = {.e = e, .err = err};
    struct look second = {.e = e, .err = err, .only = &first.found, .repair = repair};
    size_t n = 0;
    int r = look(&first);

    if (r == 0 && first.found.n) {
        sleep(1);
        r = look(&second);
    }
    /* What was removed is told, also when something else could not be. */
    while ((r == 0 || repair) && n < second.n_done &&
           list_add(report, second.found.items[n]) == 0)
        n++;
    if (r == 0 && n < second.n_done)
        r = fail(err, ENOMEM, "out of memory");
    look_free(&first);
    look_free(&second);
    return r < 0 ? r : (int64_t)n;
}
