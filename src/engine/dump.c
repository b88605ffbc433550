/* SPDX-License-Identifier: Apache-2.0 */
/* dump.c - see dump.h. */
#include "engine/dump.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/migrate_doc.h"

struct dump {
    struct txn *t;
    uint64_t caps; /* they tell what stands inside documents */
    dump_line_fn *fn;
    void *arg;
    struct berth_list links;  /* gathered, to be sorted */
    struct berth_buf line;    /* of the record at hand */
    struct berth_buf state;   /* its state */
    struct berth_list values; /* texts that its documents gave */
    struct berth_error *err;
};

static int put_line(struct dump *d, json *line)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (json_write(line, JSON_SORTED, &text) < 0)
        return fail(d->err, ENOMEM, "out of memory");
    return d->fn(d->arg, text.data, text.len, d->err);
}

/* ------------------------------------------------------------------ records */

/* A document, sorted.  Damage is told by record and kind. */
static int put_document(struct dump *d, const struct berth_record *rec, struct berth_blob text,
                        const char *what, struct json_pick *picks, size_t n,
                        struct berth_buf *out)
{
    char name[BERTH_STATE_KEY_MAX + 64];
    _cleanup_json_ json *tree = NULL;
    int r = json_sort(text, picks, n, out);

    if (r != 0)
        return r < 0 ? fail(d->err, ENOMEM, "out of memory") : 0;
    snprintf(name, sizeof(name), "%s of %s", what, rec->id);
    r = json_parse_object(text, name, &tree, d->err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        _cleanup_buf_ struct berth_buf value = BUF_INIT;
        json *member = json_get(tree, picks[i].name);

        picks[i].value = (struct berth_blob){0};
        if (member && json_write(member, 0, &value) == 0 &&
            list_add(&d->values, buf_str(&value)) == 0)
            picks[i].value = (struct berth_blob){d->values.items[d->values.n - 1], value.len};
        if (picks[i].leave_out)
            json_del(tree, picks[i].name);
    }
    return r < 0 ? r : json_write(tree, JSON_SORTED, out);
}

/* Takes the value. */
static int add_link_line(struct dump *d, uint32_t kind, const char *from, const char *to,
                         json *value)
{
    _cleanup_json_ json *line = json_new();
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    json_set_str(line, "kind", "link");
    json_set_str(line, "link", link_word(kind));
    json_set_str(line, "from", from);
    json_set_str(line, "to", to);
    json_set(line, "value", value);
    json_write(line, JSON_SORTED, &text);
    return list_add(&d->links, buf_str(&text)) < 0 ? fail(d->err, ENOMEM, "out of memory") : 0;
}

/* Networks that stand in a configuration. */
static int add_network_lines(struct dump *d, const char *id, struct berth_blob text)
{
    _cleanup_json_ json *networks = NULL;
    char name[BERTH_STATE_KEY_MAX + 64];
    int r;

    if (!text.data || (text.len == 4 && memcmp(text.data, "null", 4) == 0))
        return 0;
    snprintf(name, sizeof(name), "configuration of %s: newNetworks", id);
    r = json_parse_object(text, name, &networks, d->err);
    if (r < 0)
        return r;
    json_object_object_foreach (networks, network, options) {
        r = add_link_line(d, BERTH_LINK_NETWORK, id, network, json_ref(options));
        if (r < 0)
            return r;
    }
    return 0;
}

static void put_text(struct dump *d, const char *key, const char *value)
{
    buf_printf(&d->line, ",\"%s\":", key);
    json_write_str(str_or(value, ""), strlen(str_or(value, "")), 0, &d->line);
}

/* The text of a value that a document had; NULL: none. */
static const char *text_of(struct dump *d, struct berth_blob value)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (json_text_str(value, &text) < 0 || text.len == 0 ||
        list_add(&d->values, buf_str(&text)) < 0)
        return NULL;
    return d->values.items[d->values.n - 1];
}

static int put_config(struct dump *d, const struct berth_record *rec, const char **ns)
{
    struct json_pick picks[] = {{.name = "namespace"},
                                {.name = "newNetworks", .leave_out = true}};
    bool inside = rec->kind == BERTH_CONTAINER && !(d->caps & BERTH_STATE_CAP_NETWORKS);
    int r = 0;

    buf_puts(&d->line, "{\"config\":");
    if (rec->config.data)
        r = put_document(d, rec, rec->config, "configuration", picks, inside ? 2 : 1, &d->line);
    else
        buf_puts(&d->line, "null");
    if (r == 0 && inside)
        r = add_network_lines(d, rec->id, picks[1].value);
    *ns = rec->ns;
    if (!*ns && !(d->caps & BERTH_STATE_CAP_NAMESPACES))
        *ns = text_of(d, picks[0].value);
    return r;
}

/* An absent state is shown as what it is taken for. */
static int put_state(struct dump *d, const struct berth_record *rec, const char **netns)
{
    struct json_pick pick = {.name = "netns", .leave_out = true};
    int r;

    if (!rec->state.data)
        return buf_puts(&d->state, rec->kind == BERTH_VOLUME ? "{\"mountCount\":0}" : "{}");
    r = put_document(d, rec, rec->state, "state", &pick, rec->kind == BERTH_CONTAINER,
                     &d->state);
    *netns = rec->netns ? rec->netns : text_of(d, pick.value);
    return r;
}

static int dump_record(void *arg, const struct berth_record *rec)
{
    struct dump *d = arg;
    const char *ns = NULL, *netns = rec->netns;
    int r;

    buf_reset(&d->line);
    buf_reset(&d->state);
    list_free(&d->values);
    d->values = (struct berth_list)LIST_INIT;
    r = put_config(d, rec, &ns);
    if (r == 0)
        r = put_state(d, rec, &netns);
    if (r < 0)
        return r;
    if (rec->kind != BERTH_VOLUME)
        put_text(d, "id", rec->id);
    put_text(d, "kind", record_word(rec->kind));
    put_text(d, "name", rec->name ? rec->name : rec->id);
    put_text(d, "namespace", ns);
    if (rec->kind == BERTH_CONTAINER) {
        put_text(d, "netns", netns);
        put_text(d, "pod", rec->pod);
    }
    buf_puts(&d->line, ",\"state\":");
    buf_put(&d->line, d->state.data, d->state.len);
    buf_putc(&d->line, '}');
    return buf_error(&d->line) || buf_error(&d->state)
               ? fail(d->err, ENOMEM, "out of memory")
               : d->fn(d->arg, d->line.data, d->line.len, d->err);
}

/* -------------------------------------------------------------------- links */

static int dump_link(void *arg, const struct berth_link *link)
{
    struct dump *d = arg;
    int r = link_is_live(d->t, link, d->err);

    return r == 1 ? add_link_line(d, link->kind, link->from, link->to, NULL) : r;
}

static int dump_network_links(struct dump *d)
{
    _cleanup_nets_ struct net_links nets = {0};
    int r = net_links_read(d->t, d->caps, &nets, d->err);

    for (size_t i = 0; r == 0 && i < nets.n; i++) {
        struct berth_blob text = {nets.v[i].value, strlen(nets.v[i].value)};
        json *value = NULL;

        r = json_parse(text, "options of a network", &value, d->err);
        if (r < 0)
            return error_wrap(d->err, "container %s, network %s", nets.v[i].from, nets.v[i].to);
        r = add_link_line(d, BERTH_LINK_NETWORK, nets.v[i].from, nets.v[i].to, value);
    }
    return r;
}

static int dump_links(struct dump *d)
{
    int r = dump_network_links(d);

    for (uint32_t kind = BERTH_LINK_DEPENDS; r == 0 && kind <= BERTH_LINK_EXEC; kind++)
        if (kind != BERTH_LINK_NETWORK)
            r = txn_links(d->t, kind, BERTH_ANY, NULL, dump_link, d, d->err);
    list_sort(&d->links);
    for (size_t i = 0; r == 0 && i < d->links.n; i++)
        r = d->fn(d->arg, d->links.items[i], strlen(d->links.items[i]), d->err);
    return r;
}

/* --------------------------------------------------- exit codes and identity */

berth_date dump_second(berth_date date)
{
    berth_date rest = date % 1000000000;

    if (date < INT64_MIN + 1000000000)
        return date;
    return date - (rest < 0 ? rest + 1000000000 : rest);
}

static int gather_exit(void *arg, const struct berth_exit *code)
{
    _cleanup_json_ json *line = json_new();
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    char date[TIME_TEXT_MAX];

    json_set_str(line, "id", code->id);
    json_set_str(line, "kind", "exit");
    json_set_i64(line, "code", code->code);
    json_set_str(line, "time", time_format_utc(dump_second(code->date), date));
    /* "id" sorts behind "code": the ID in front of the text gives the order of IDs. */
    buf_printf(&text, "%s ", code->id);
    json_write(line, JSON_SORTED, &text);
    return list_add(arg, buf_str(&text));
}

static int dump_exits(struct dump *d)
{
    _cleanup_list_ struct berth_list lines = LIST_INIT;
    int r = txn_exit_scan(d->t, gather_exit, &lines, d->err);

    list_sort(&lines);
    for (size_t i = 0; r == 0 && i < lines.n; i++) {
        const char *text = strchr(lines.items[i], ' ') + 1;

        r = d->fn(d->arg, text, strlen(text), d->err);
    }
    return r;
}

static void set_text(json *line, const char *key, const char *value)
{
    json_set_str(line, key, str_or(value, ""));
}

static int dump_identity(struct dump *d)
{
    struct berth_store_config has = {.size = sizeof(has)};
    _cleanup_json_ json *line = json_new();
    int r = txn_config_get(d->t, &has, d->err);

    if (r == -ENOENT)
        error_clear(d->err);
    else if (r < 0)
        return r;
    json_set_str(line, "kind", "store");
    set_text(line, "os", has.os);
    set_text(line, "static_dir", has.static_dir);
    set_text(line, "tmp_dir", has.tmp_dir);
    set_text(line, "graph_root", has.graph_root);
    set_text(line, "run_root", has.run_root);
    set_text(line, "graph_driver", has.graph_driver);
    set_text(line, "volume_path", has.volume_path);
    return put_line(d, line);
}

int dump_state(struct state *s, dump_line_fn *fn, void *arg, struct berth_error *err)
{
    struct dump d = {.fn = fn, .arg = arg, .err = err};
    struct berth_scan all = {.size = sizeof(all), .want = BERTH_REC_ALL};
    _cleanup_txn_ struct txn *t = NULL;
    int r = state_begin(s, 0, BERTH_WAIT_FOREVER, &t, err);

    d.t = t;
    d.caps = state_caps(s);
    if (r == 0)
        r = dump_identity(&d);
    if (r == 0)
        r = txn_scan(t, &all, dump_record, &d, err);
    if (r == 0)
        r = dump_links(&d);
    if (r == 0)
        r = dump_exits(&d);
    list_free(&d.links);
    list_free(&d.values);
    buf_free(&d.line);
    buf_free(&d.state);
    return r;
}

int dump_open(struct conf *conf, const char *from, struct state **out, struct berth_error *err)
{
    _cleanup_free_ char *type = NULL, *path = NULL;
    struct conf_override override = {"path", NULL};
    struct berth_place place;
    const char *colon = from ? strchr(from, ':') : NULL;

    if (!colon || colon == from || !colon[1])
        return fail(err, EINVAL,
                    "\"%s\" does not name a store: TYPE:PATH is needed, as in "
                    "boltdb:/srv/bolt_state.db",
                    from ? from : "");
    type = strndup(from, (size_t)(colon - from));
    path = path_absolute(colon + 1);
    if (!type || !path)
        return fail(err, ENOMEM, "out of memory");
    override.value = path;
    conf_place(conf, &place);
    place.flags |= BERTH_PLACE_READONLY;
    return state_open(conf, type, &place, &override, 1, 0, out, err);
}
