/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_dump.c - see load_dump.h.
 *
 * Two passes: the first gathers which records there are and the networks of containers, so
 * that the second can put each record whole, whatever the order of the lines, and knows of
 * each link whether its ends are there.
 */
#include "engine/load_dump.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/migrate_doc.h"

/* Keys of a kind, sorted after the first pass, with the line of each. */
struct key {
    char *text;
    size_t line;
};

struct keys {
    struct key *v;
    size_t n, cap;
};

struct loading {
    struct load *l;
    struct txn *t; /* NULL: check only */
    uint64_t caps;
    bool own_paths;
    size_t line, lines;
    struct keys records[BERTH_VOLUME + 1], names[BERTH_POD + 1], exits;
    struct net_links nets;
    bool has_store;
    struct berth_error *err;
};

/* The caps of the dump itself: a fact stands in its canonical place. */
#define DUMP_CAPS (BERTH_STATE_CAP_NETWORKS | BERTH_STATE_CAP_NAMESPACES)

/* --------------------------------------------------------------------- keys */

static int keys_add(struct keys *k, const char *text, size_t line)
{
    if (k->n == k->cap) {
        size_t cap = k->cap ? k->cap * 2 : 64;
        struct key *more = realloc(k->v, cap * sizeof(*more));

        if (!more)
            return -ENOMEM;
        k->v = more;
        k->cap = cap;
    }
    k->v[k->n] = (struct key){strdup(text), line};
    return k->v[k->n++].text ? 0 : -ENOMEM;
}

static void keys_free(struct keys *k)
{
    for (size_t i = 0; i < k->n; i++)
        free(k->v[i].text);
    free(k->v);
}

static int by_key(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int r = strcmp(x->text, y->text);

    return r ? r : (x->line > y->line) - (x->line < y->line);
}

static void keys_sort(struct keys *k)
{
    if (k->n)
        SORT(k->v, k->n, by_key);
}

static int key_compare(const void *key, const void *member)
{
    return strcmp(key, ((const struct key *)member)->text);
}

static bool keys_have(const struct keys *k, const char *text)
{
    return k->n && bsearch(text, k->v, k->n, sizeof(*k->v), key_compare);
}

/* The second of two equal keys, or NULL. */
static const struct key *keys_twice(const struct keys *k)
{
    for (size_t i = 1; i < k->n; i++)
        if (str_eq(k->v[i].text, k->v[i - 1].text))
            return &k->v[i];
    return NULL;
}

static void loading_free(struct loading *d)
{
    for (size_t i = 0; i < ARRAY_LEN(d->records); i++)
        keys_free(&d->records[i]);
    for (size_t i = 0; i < ARRAY_LEN(d->names); i++)
        keys_free(&d->names[i]);
    keys_free(&d->exits);
    net_links_free(&d->nets);
}

/* -------------------------------------------------------------------- lines */

#define bad(d, ...)                                                                            \
    (fail((d)->err, EUCLEAN, __VA_ARGS__), error_wrap((d)->err, "line %zu", (d)->line))

typedef int line_fn(struct loading *d, const json *line, const char *kind);

/* How many bytes the character at p has; 0: it is none. */
static size_t utf8_len(const unsigned char *p, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;
    uint32_t c = n > 1 ? p[0] & (0x7fu >> n) : p[0];

    if (n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    return n < 2 || (c >= least[n] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff)) ? n : 0;
}

static bool is_utf8(struct berth_blob text)
{
    const unsigned char *p = text.data, *end = p + text.len;

    while (p < end) {
        size_t n = utf8_len(p, (size_t)(end - p));

        if (n == 0)
            return false;
        p += n;
    }
    return true;
}

static int one_line(struct loading *d, struct berth_blob text, line_fn *fn)
{
    _cleanup_json_ json *line = NULL;
    const char *kind;
    int r;

    if (text.len > LOAD_LINE_MAX)
        return bad(d, "it has %zu bytes", text.len);
    if (memchr(text.data, 0, text.len))
        return bad(d, "it holds a zero byte");
    if (!is_utf8(text))
        return bad(d, "it is not UTF-8");
    r = json_parse_object(text, "record", &line, d->err);
    if (r < 0)
        return error_wrap(d->err, "line %zu", d->line);
    kind = json_str(line, "kind");
    if (!kind)
        return bad(d, "it has no \"kind\"");
    return fn(d, line, kind);
}

static int every_line(struct loading *d, struct berth_blob text, const char *what, line_fn *fn)
{
    const char *at = text.data, *end = at + text.len;
    int r = 0;

    for (d->line = 1; r == 0 && at < end; d->line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct berth_blob line = {at, (size_t)((stop ? stop : end) - at)};

        r = copy_cancelled(d->err);
        if (r == 0)
            r = line.len ? one_line(d, line, fn) : bad(d, "it is empty");
        if (d->l->progress && d->line % 64 == 0)
            d->l->progress(d->l->progress_arg, what, (size_t)(at - (const char *)text.data),
                           text.len);
        at = stop ? stop + 1 : end;
    }
    if (r == 0 && d->l->progress)
        d->l->progress(d->l->progress_arg, what, text.len, text.len);
    return r;
}

/* A text member: there, a string, not too long, and not empty unless allowed. */
static int get_text(struct loading *d, const json *line, const char *member, size_t max,
                    bool may_lack, const char **out)
{
    json *value = NULL;

    *out = "";
    if (!json_object_object_get_ex(line, member, &value) || !value)
        return may_lack ? 0 : bad(d, "it has no \"%s\"", member);
    if (!json_object_is_type(value, json_type_string))
        return bad(d, "\"%s\" is no string", member);
    *out = json_object_get_string(value);
    if (strlen(*out) != (size_t)json_object_get_string_len(value))
        return bad(d, "\"%s\" holds a zero byte", member);
    if (!may_lack && str_empty(*out))
        return bad(d, "\"%s\" is empty", member);
    if (strlen(*out) > max)
        return bad(d, "\"%s\" has %zu bytes, more than %zu", member, strlen(*out), max);
    return 0;
}

/* Only members that a dump has: what is not understood is not loaded in silence. */
static int only_members(struct loading *d, const json *line, const char *const *known)
{
    json_object_object_foreach (line, name, value) {
        const char *const *k = known;

        (void)value;
        while (*k && !str_eq(*k, name))
            k++;
        if (!*k)
            return bad(d, "unknown member \"%s\"", name);
    }
    return 0;
}

static int get_document(struct loading *d, const json *line, const char *member, json **out)
{
    *out = json_get(line, member);
    if (!*out)
        return bad(d, "it has no \"%s\"", member);
    if (!json_object_is_type(*out, json_type_object))
        return bad(d, "\"%s\" is no object", member);
    return 0;
}

/* ------------------------------------------------------------ the first pass */

static int note_record(struct loading *d, const json *line, uint32_t kind)
{
    static const char *const known[] = {"kind",  "id",     "name",  "namespace", "pod",
                                        "netns", "config", "state", NULL};
    size_t id_max = kind == BERTH_VOLUME ? BERTH_STATE_KEY_MAX : BERTH_STATE_ID_MAX;
    const char *id, *name = "", *ignored, *inside;
    json *config, *state;
    int r = only_members(d, line, known);

    if (r == 0)
        r = get_text(d, line, "name", BERTH_STATE_KEY_MAX, false, &name);
    id = name;
    if (r == 0 && kind != BERTH_VOLUME)
        r = get_text(d, line, "id", id_max, false, &id);
    if (r == 0)
        r = get_text(d, line, "namespace", BERTH_STATE_KEY_MAX, true, &ignored);
    if (r == 0)
        r = get_text(d, line, "netns", 4096, true, &ignored);
    if (r == 0)
        r = get_text(d, line, "pod", BERTH_STATE_ID_MAX, true, &ignored);
    if (r == 0)
        r = get_document(d, line, "config", &config);
    if (r == 0)
        r = get_document(d, line, "state", &state);
    if (r < 0)
        return r;
    inside = json_str(config, kind == BERTH_VOLUME ? "name" : "id");
    if (inside && !str_eq(inside, id))
        return bad(d, "%s %s: its configuration is that of %s", record_word(kind), id, inside);
    if (keys_add(&d->records[kind], id, d->line) < 0 ||
        (kind != BERTH_VOLUME && keys_add(&d->names[kind], name, d->line) < 0))
        return fail(d->err, ENOMEM, "out of memory");
    return 0;
}

static int note_link(struct loading *d, const json *line)
{
    static const char *const known[] = {"kind", "link", "from", "to", "value", NULL};
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const char *word = "", *from = "", *to = "";
    json *value = json_get(line, "value");
    uint32_t kind;
    int r = only_members(d, line, known);

    if (r == 0)
        r = get_text(d, line, "link", 16, false, &word);
    if (r < 0)
        return r;
    kind = link_kind_of(word);
    if (!kind)
        return bad(d, "there are no links of kind \"%s\"", word);
    r = get_text(d, line, "from", BERTH_STATE_ID_MAX, false, &from);
    if (r == 0)
        r = get_text(d, line, "to", BERTH_STATE_KEY_MAX, false, &to);
    if (r < 0)
        return r;
    if (kind != BERTH_LINK_NETWORK)
        return value ? bad(d, "a link of kind \"%s\" has no value", word) : 0;
    if (!value || !json_object_is_type(value, json_type_object))
        return bad(d, "the options of network %s are no object", to);
    json_write(value, 0, &text);
    return net_links_add(&d->nets, from, to, buf_blob(&text)) < 0 || buf_error(&text)
               ? fail(d->err, ENOMEM, "out of memory")
               : 0;
}

static int note_exit(struct loading *d, const json *line)
{
    static const char *const known[] = {"kind", "id", "code", "time", NULL};
    json *code = json_get(line, "code");
    const char *id = "", *time = "";
    berth_date date;
    int r = only_members(d, line, known);

    if (r == 0)
        r = get_text(d, line, "id", BERTH_STATE_ID_MAX, false, &id);
    if (r == 0)
        r = get_text(d, line, "time", TIME_TEXT_MAX, false, &time);
    if (r < 0)
        return r;
    if (!code || !json_object_is_type(code, json_type_int) ||
        json_object_get_int64(code) < -1 || json_object_get_int64(code) > 255)
        return bad(d, "\"code\" is no number from -1 to 255");
    if (time_parse(time, &date) < 0)
        return bad(d, "\"%s\" is no time", time);
    return keys_add(&d->exits, id, d->line) < 0 ? fail(d->err, ENOMEM, "out of memory") : 0;
}

static int note_store(struct loading *d, const json *line)
{
    static const char *const known[] = {"kind",         "os",          "static_dir",
                                        "tmp_dir",      "graph_root",  "run_root",
                                        "graph_driver", "volume_path", NULL};
    const char *ignored;
    int r = only_members(d, line, known);

    if (d->has_store)
        return bad(d, "a second record of the store's own");
    d->has_store = true;
    for (size_t i = 1; r == 0 && known[i]; i++)
        r = get_text(d, line, known[i], 4096, true, &ignored);
    return r;
}

static int note_line(struct loading *d, const json *line, const char *kind)
{
    uint32_t record = record_kind_of(kind);

    d->lines++;
    if (record)
        return note_record(d, line, record);
    if (str_eq(kind, "link"))
        return note_link(d, line);
    if (str_eq(kind, "exit"))
        return note_exit(d, line);
    if (str_eq(kind, "store"))
        return note_store(d, line);
    return bad(d, "there are no records of kind \"%s\"", kind);
}

/* -------------------------------------------------- between the two passes */

static int twice(struct loading *d, const struct keys *k, const char *what)
{
    const struct key *second = keys_twice(k);

    if (!second)
        return 0;
    d->line = second->line;
    return bad(d, "%s %s comes twice", what, second->text);
}

/* Keys that two lists share. */
static int shared(struct loading *d, const struct keys *a, const struct keys *b,
                  const char *what)
{
    for (size_t i = 0; i < b->n; i++)
        if (keys_have(a, b->v[i].text)) {
            d->line = b->v[i].line;
            return bad(d, "%s %s is that of a container and of a pod", what, b->v[i].text);
        }
    return 0;
}

static int check_keys(struct loading *d)
{
    int r = 0;

    for (uint32_t kind = BERTH_CONTAINER; kind <= BERTH_VOLUME; kind++)
        keys_sort(&d->records[kind]);
    for (uint32_t kind = BERTH_CONTAINER; kind <= BERTH_POD; kind++)
        keys_sort(&d->names[kind]);
    keys_sort(&d->exits);
    net_links_sort(&d->nets);
    for (uint32_t kind = BERTH_CONTAINER; r == 0 && kind <= BERTH_VOLUME; kind++)
        r = twice(d, &d->records[kind], record_word(kind));
    for (uint32_t kind = BERTH_CONTAINER; r == 0 && kind <= BERTH_POD; kind++)
        r = twice(d, &d->names[kind], "name");
    if (r == 0)
        r = twice(d, &d->exits, "exit code of");
    if (r == 0)
        r = shared(d, &d->records[BERTH_CONTAINER], &d->records[BERTH_POD], "ID");
    if (r == 0 && !(d->caps & BERTH_STATE_CAP_SAME_NAMES))
        r = shared(d, &d->names[BERTH_CONTAINER], &d->names[BERTH_POD], "name");
    for (size_t i = 1; r == 0 && i < d->nets.n; i++)
        if (str_eq(d->nets.v[i].from, d->nets.v[i - 1].from) &&
            str_eq(d->nets.v[i].to, d->nets.v[i - 1].to))
            r = fail(d->err, EUCLEAN, "container %s is linked to network %s twice",
                     d->nets.v[i].from, d->nets.v[i].to);
    return r;
}

/* ----------------------------------------------------------- the second pass */

static int put_record(struct loading *d, const json *line, uint32_t kind)
{
    _cleanup_buf_ struct berth_buf config = BUF_INIT, state = BUF_INIT;
    _cleanup_moving_ struct moving m = {0};
    struct berth_record rec = {.size = sizeof(rec), .kind = kind, .has = BERTH_REC_ALL};
    const char *ns = json_str(line, "namespace"), *netns = json_str(line, "netns");
    const char *pod = json_str(line, "pod");
    int r;

    rec.name = json_str(line, "name");
    rec.id = kind == BERTH_VOLUME ? rec.name : json_str(line, "id");
    rec.ns = str_empty(ns) ? NULL : ns;
    rec.netns = str_empty(netns) || kind != BERTH_CONTAINER ? NULL : netns;
    rec.pod = str_empty(pod) || kind != BERTH_CONTAINER ? NULL : pod;
    if (rec.pod && !keys_have(&d->records[BERTH_POD], rec.pod))
        return bad(d, "container %s is in pod %s, which does not come", rec.id, rec.pod);
    if (json_write(json_get(line, "config"), 0, &config) < 0 ||
        json_write(json_get(line, "state"), 0, &state) < 0)
        return fail(d->err, ENOMEM, "out of memory");
    rec.config = buf_blob(&config);
    rec.state = buf_blob(&state);
    r = moving_make(&m, &rec, DUMP_CAPS, d->caps, &d->nets, false, d->err);
    if (r == 0 && d->t)
        r = moving_insert(&m, d->t, d->caps, d->err);
    if (r < 0)
        return error_wrap(d->err, "line %zu", d->line);
    d->l->containers += kind == BERTH_CONTAINER;
    d->l->pods += kind == BERTH_POD;
    d->l->volumes += kind == BERTH_VOLUME;
    return 0;
}

static int put_link(struct loading *d, const json *line)
{
    struct berth_link link = {.size = sizeof(link)};
    uint32_t to;
    int r = 0;

    link.kind = link_kind_of(json_str(line, "link"));
    link.from = json_str(line, "from");
    link.to = json_str(line, "to");
    to = link.kind == BERTH_LINK_VOLUME ? BERTH_VOLUME : BERTH_CONTAINER;
    if (link.kind != BERTH_LINK_EXEC && !keys_have(&d->records[BERTH_CONTAINER], link.from))
        return bad(d, "it links container %s, which does not come", link.from);
    if (link.kind != BERTH_LINK_NETWORK && !keys_have(&d->records[to], link.to))
        return bad(d, "it links to %s %s, which does not come", record_word(to), link.to);
    if (link.kind == BERTH_LINK_DEPENDS && str_eq(link.from, link.to))
        return bad(d, "container %s depends on itself", link.from);
    d->l->links++;
    if (link.kind != BERTH_LINK_NETWORK && d->t)
        r = txn_link(d->t, &link, d->err);
    return r < 0 ? error_wrap(d->err, "line %zu", d->line) : 0;
}

static int put_exit(struct loading *d, const json *line)
{
    struct berth_exit code = {.size = sizeof(code)};
    int r = 0;

    code.id = json_str(line, "id");
    code.code = (int32_t)json_i64(line, "code", 0);
    time_parse(json_str(line, "time"), &code.date);
    d->l->exits++;
    if (d->t)
        r = txn_exit_put(d->t, &code, d->err);
    return r < 0 ? error_wrap(d->err, "line %zu", d->line) : 0;
}

/* One path of the record of paths. */
static int same_path(struct loading *d, const json *line, const char *member, const char *has)
{
    const char *text = json_str(line, member);

    if (str_empty(text) || str_empty(has) || str_eq(text, has))
        return 0;
    return bad(d, "the dump was made of a store for %s %s, this one is for %s", member, text,
               has);
}

static int put_store(struct loading *d, const json *line)
{
    struct berth_store_config has = {.size = sizeof(has)}, put = {.size = sizeof(put)};
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r = 0;

    if (!d->t)
        return 0;
    if (d->own_paths && txn_config_get(d->t, &has, &why) == 0) {
        r = same_path(d, line, "static_dir", has.static_dir);
        if (r == 0)
            r = same_path(d, line, "graph_root", has.graph_root);
        if (r == 0)
            r = same_path(d, line, "volume_path", has.volume_path);
        return r;
    }
    put.os = json_str(line, "os");
    put.static_dir = json_str(line, "static_dir");
    put.tmp_dir = json_str(line, "tmp_dir");
    put.graph_root = json_str(line, "graph_root");
    put.run_root = json_str(line, "run_root");
    put.graph_driver = json_str(line, "graph_driver");
    put.volume_path = json_str(line, "volume_path");
    /* A store that had no such record has a line of empty texts. */
    if (str_empty(put.os) && str_empty(put.static_dir) && str_empty(put.graph_root))
        return 0;
    r = txn_config_put(d->t, &put, d->err);
    return r < 0 ? error_wrap(d->err, "line %zu", d->line) : 0;
}

static int put_line(struct loading *d, const json *line, const char *kind)
{
    uint32_t record = record_kind_of(kind);

    if (record)
        return put_record(d, line, record);
    if (str_eq(kind, "link"))
        return put_link(d, line);
    return str_eq(kind, "exit") ? put_exit(d, line) : put_store(d, line);
}

static int load(struct loading *d, struct berth_blob text)
{
    int r = every_line(d, text, "checking", note_line);

    if (r == 0 && d->lines == 0)
        return fail(d->err, EUCLEAN, "the dump is empty");
    if (r == 0)
        r = check_keys(d);
    return r < 0 ? r : every_line(d, text, "loading", put_line);
}

int load_dump_check(struct berth_blob text, struct load *l, struct berth_error *err)
{
    _cleanup_(loading_free) struct loading d = {
        .l = l, .caps = DUMP_CAPS | BERTH_STATE_CAP_SAME_NAMES, .err = err};

    return load(&d, text);
}

int load_dump(struct state *s, struct berth_blob text, bool own_paths, struct load *l,
              struct berth_error *err)
{
    _cleanup_(loading_free) struct loading d = {
        .l = l, .caps = state_caps(s), .own_paths = own_paths, .err = err};
    _cleanup_txn_ struct txn *t = NULL;
    int64_t pruned;
    int r = state_begin(s, BERTH_TXN_WRITE | BERTH_TXN_BULK, BERTH_WAIT_FOREVER, &t, err);

    if (r == 0)
        r = copy_is_empty(t, d.caps, err);
    if (r == 0)
        r = fail(err, ENOTEMPTY, "the store is not empty");
    if (r < 0)
        return r;
    pruned = txn_exit_prune(t, INT64_MAX, false, err);
    if (pruned < 0)
        return (int)pruned;
    d.t = t;
    r = load(&d, text);
    return r < 0 ? r : txn_commit(&t, err);
}
