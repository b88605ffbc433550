/* SPDX-License-Identifier: Apache-2.0 */
/* migrate_doc.c - see migrate_doc.h. */
#include "engine/migrate_doc.h"
#include "base/str.h"

static const char *const record_words[] = {NULL, "container", "pod", "volume"};
static const char *const link_words[] = {NULL, "depends", "volume", "network", "exec"};

static uint32_t word_index(const char *const *words, size_t n, const char *word)
{
    for (uint32_t i = 1; i < n; i++)
        if (str_eq(words[i], word))
            return i;
    return 0;
}

const char *record_word(uint32_t kind)
{
    return kind < ARRAY_LEN(record_words) && kind ? record_words[kind] : "record";
}

const char *link_word(uint32_t kind)
{
    return kind < ARRAY_LEN(link_words) && kind ? link_words[kind] : "link";
}

uint32_t record_kind_of(const char *word)
{
    return word_index(record_words, ARRAY_LEN(record_words), word);
}

uint32_t link_kind_of(const char *word)
{
    return word_index(link_words, ARRAY_LEN(link_words), word);
}

/* ------------------------------------------------------------ network links */

void net_links_free(struct net_links *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].from);
        free(l->v[i].to);
        free(l->v[i].value);
    }
    free(l->v);
    *l = (struct net_links){0};
}

int net_links_add(struct net_links *l, const char *from, const char *to,
                  struct berth_blob value)
{
    struct net_link one;

    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 32;
        struct net_link *more = realloc(l->v, cap * sizeof(*more));

        if (!more)
            return -ENOMEM;
        l->v = more;
        l->cap = cap;
    }
    one = (struct net_link){strdup(from), strdup(to),
                            value.len ? strndup(value.data, value.len) : strdup("")};
    l->v[l->n++] = one;
    return one.from && one.to && one.value ? 0 : -ENOMEM;
}

static int by_ends(const void *a, const void *b)
{
    const struct net_link *x = a, *y = b;
    int r = strcmp(x->from, y->from);

    return r ? r : strcmp(x->to, y->to);
}

void net_links_sort(struct net_links *l)
{
    if (l->n)
        SORT(l->v, l->n, by_ends);
}

const struct net_link *net_links_of(const struct net_links *l, const char *from, size_t *n)
{
    size_t low = 0, high = l->n, end;

    *n = 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (strcmp(l->v[mid].from, from) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (end = low; end < l->n && str_eq(l->v[end].from, from); end++)
        ++*n;
    return *n ? &l->v[low] : NULL;
}

struct gather_nets {
    struct txn *t;
    struct net_links *out;
    struct berth_error *err;
};

static int gather_net(void *arg, const struct berth_link *link)
{
    struct gather_nets *g = arg;
    int r = link_is_live(g->t, link, g->err);

    if (r == 1 && net_links_add(g->out, link->from, link->to, link->value) < 0)
        return fail(g->err, ENOMEM, "out of memory");
    return r < 0 ? r : 0;
}

/* podman before 4.0 had the container's ID in place of options; podman 4 makes of it, for
 * the n-th network of a container, what is made here. */
static int modernise(struct net_link *link, size_t index)
{
    char *options;

    if (!str_eq(link->value, link->from) && !str_empty(link->value))
        return 0;
    options = str_printf("{\"aliases\":[\"%.12s\"],\"interface_name\":\"eth%zu\"}", link->from,
                         index);
    if (!options)
        return -ENOMEM;
    free(link->value);
    link->value = options;
    return 0;
}

int net_links_read(struct txn *t, uint64_t caps, struct net_links *out, struct berth_error *err)
{
    struct gather_nets g = {t, out, err};
    size_t index = 0;
    int r;

    if (!(caps & BERTH_STATE_CAP_NETWORKS))
        return 0;
    r = txn_links(t, BERTH_LINK_NETWORK, BERTH_ANY, NULL, gather_net, &g, err);
    net_links_sort(out);
    for (size_t i = 0; r == 0 && i < out->n; i++) {
        index = i && str_eq(out->v[i].from, out->v[i - 1].from) ? index + 1 : 0;
        if (modernise(&out->v[i], index) < 0)
            return fail(err, ENOMEM, "out of memory");
    }
    return r;
}

static int is_there(struct txn *t, uint32_t kind, const char *id, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    struct berth_record rec = {.size = sizeof(rec)};
    int r = txn_get(t, kind, id, 0, &rec, &why);

    if (r == 0 || r == -ENOENT)
        return r == 0;
    error_move(err, &why);
    return r;
}

int link_is_live(struct txn *t, const struct berth_link *link, struct berth_error *err)
{
    uint32_t to = link->kind == BERTH_LINK_VOLUME ? BERTH_VOLUME : BERTH_CONTAINER;
    int r = 1;

    if (link->kind == BERTH_LINK_DEPENDS && str_eq(link->from, link->to))
        return 0;
    if (link->kind != BERTH_LINK_EXEC)
        r = is_there(t, BERTH_CONTAINER, link->from, err);
    if (r == 1 && link->kind != BERTH_LINK_NETWORK)
        r = is_there(t, to, link->to, err);
    return r;
}

/* ------------------------------------------------------------------ records */

void moving_free(struct moving *m)
{
    buf_free(&m->config);
    buf_free(&m->state);
    free(m->ns);
    free(m->netns);
    free(m->infra);
    free(m->storage_id);
    json_putp(&m->networks);
    *m = (struct moving){0};
}

static int take_text(struct berth_blob value, char **out)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (!value.data || json_text_str(value, &text) < 0 || text.len == 0)
        return 0;
    return str_set(out, buf_str(&text));
}

/* Is the text of a value something other than null, [] or {}? */
static bool has_content(struct berth_blob value)
{
    const char *s = value.data;

    return s && value.len > 2 && memcmp(s, "null", MIN(value.len, 4)) != 0;
}

/* Put a member at the end of an object that has none of that name. */
static int splice(struct berth_blob doc, const char *member, const char *value,
                  struct berth_buf *out)
{
    const char *text = doc.data, *end = text + doc.len, *before;

    while (end > text && end[-1] != '}')
        end--;
    before = end - 1;
    while (before > text && strchr(" \t\r\n", before[-1]))
        before--;
    buf_put(out, text, (size_t)(before - text));
    buf_printf(out, "%s\"%s\":", before > text && before[-1] == '{' ? "" : ",", member);
    buf_puts(out, value);
    return buf_putc(out, '}');
}

/* -------------------------------------------------------------------- ports */

static int64_t port_of(const json *port, const char *member)
{
    return (int64_t)(uint16_t)json_i64(port, member, 0);
}

static int by_ports(const void *a, const void *b)
{
    const json *x = *(json *const *)a, *y = *(json *const *)b;
    static const char *const words[] = {"hostIP", "protocol"};
    static const char *const numbers[] = {"hostPort", "containerPort"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        int r = strcmp(str_or(json_str(x, words[i]), ""), str_or(json_str(y, words[i]), ""));

        if (r)
            return r;
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        int64_t m = json_i64(x, numbers[i], 0), n = json_i64(y, numbers[i], 0);

        if (m != n)
            return m < n ? -1 : 1;
    }
    return 0;
}

/* The list of ports that podman before 4.0 wrote, in today's form: neighbours become one
 * range.  Only that form is known to podman 5 in a store of its own. */
static json *new_ports(const json *old)
{
    size_t n = json_len(old), used = 0;
    _cleanup_free_ json **sorted = calloc(n + 1, sizeof(*sorted));
    json *list = json_new_array(), *last = NULL;

    for (size_t i = 0; sorted && i < n; i++)
        if (json_object_is_type(json_item(old, i), json_type_object))
            sorted[used++] = json_item(old, i);
    if (used)
        SORT(sorted, used, by_ports);
    for (size_t i = 0; i < used; i++) {
        const char *ip = str_or(json_str(sorted[i], "hostIP"), "");
        const char *protocol = str_or(json_str(sorted[i], "protocol"), "");
        int64_t host = port_of(sorted[i], "hostPort"), range;
        int64_t inside = port_of(sorted[i], "containerPort");

        range = last ? json_i64(last, "range", 1) : 0;
        if (last && str_eq(json_str(last, "host_ip"), ip) &&
            str_eq(json_str(last, "protocol"), protocol) &&
            json_i64(last, "host_port", 0) + range == host &&
            json_i64(last, "container_port", 0) + range == inside) {
            json_set_i64(last, "range", range + 1);
            continue;
        }
        last = json_new();
        json_set_str(last, "host_ip", ip);
        json_set_i64(last, "container_port", inside);
        json_set_i64(last, "host_port", host);
        json_set_i64(last, "range", 1);
        json_set_str(last, "protocol", protocol);
        json_add(list, last);
    }
    return list;
}

/* ------------------------------------------------------------ configuration */

enum { C_NETWORKS, C_NAMESPACE, C_OLD_PORTS, C_PORTS, C_STORAGE, C_MODE };

/* Networks of a container go into its configuration. */
static int networks_inside(struct moving *m, const struct net_link *nets, size_t n,
                           struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT, out = BUF_INIT;

    buf_putc(&text, '{');
    for (size_t i = 0; i < n; i++) {
        buf_puts(&text, i ? "," : "");
        json_write_str(nets[i].to, strlen(nets[i].to), 0, &text);
        buf_putc(&text, ':');
        buf_puts(&text, nets[i].value);
    }
    buf_putc(&text, '}');
    if (splice(m->rec.config, "newNetworks", buf_str(&text), &out) < 0 || buf_error(&text))
        return fail(err, ENOMEM, "out of memory");
    buf_free(&m->config);
    m->config = out;
    out = BUF_INIT;
    m->rec.config = buf_blob(&m->config);
    return 0;
}

/* Rewrite the configuration as a tree: what is rare. */
static int rework_config(struct moving *m, bool take_networks, bool ports,
                         struct berth_error *err)
{
    _cleanup_json_ json *config = NULL;
    _cleanup_buf_ struct berth_buf out = BUF_INIT;
    int r = json_parse_object(m->rec.config, "configuration", &config, err);

    if (r < 0)
        return r;
    if (take_networks) {
        m->networks = json_ref(json_get(config, "newNetworks"));
        json_del(config, "newNetworks");
    }
    if (ports)
        json_set(config, "newPortMappings", new_ports(json_get(config, "portMappings")));
    if (json_write(config, 0, &out) < 0)
        return fail(err, ENOMEM, "out of memory");
    buf_free(&m->config);
    m->config = out;
    out = BUF_INIT;
    m->rec.config = buf_blob(&m->config);
    return 0;
}

static const char *back_over_space(const char *at, const char *start)
{
    while (at > start && strchr(" \t\r\n", at[-1]))
        at--;
    return at;
}

/* Cut a member out of the text of an object, by the place of its value.  false: its key is
 * not written plainly. */
static bool cut_member(struct berth_blob doc, struct berth_blob value, const char *key,
                       struct berth_buf *out)
{
    const char *text = doc.data, *end = text + doc.len, *start, *stop;
    size_t len = strlen(key);

    start = back_over_space(value.data, text);
    if (start == text || start[-1] != ':')
        return false;
    start = back_over_space(start - 1, text);
    if (start < text + len + 2 || start[-1] != '"' || start[-(ptrdiff_t)len - 2] != '"' ||
        memcmp(start - len - 1, key, len) != 0)
        return false;
    start -= len + 2;
    stop = (const char *)value.data + value.len;
    while (stop < end && strchr(" \t\r\n", *stop))
        stop++;
    if (stop < end && *stop == ',') {
        stop++;
    } else {
        start = back_over_space(start, text);
        start -= start > text && start[-1] == ',';
    }
    buf_put(out, text, (size_t)(start - text));
    return buf_put(out, stop, (size_t)(end - stop)) == 0;
}

/* Take the networks out of the configuration, as text: of many containers, most have some.
 * 1; or 0, where only a tree will do. */
static int cut_networks(struct moving *m, struct berth_blob value, struct berth_error *err)
{
    static const char *const names[] = {"newNetworks"};
    _cleanup_buf_ struct berth_buf out = BUF_INIT;
    struct berth_blob left;
    int r;

    if (!cut_member(m->rec.config, value, names[0], &out) ||
        json_project(buf_blob(&out), names, 1, &left, NULL) < 0 || left.data)
        return 0;
    r = json_parse(value, "newNetworks", &m->networks, err);
    if (r < 0)
        return r;
    buf_free(&m->config);
    m->config = out;
    out = BUF_INIT;
    m->rec.config = buf_blob(&m->config);
    return 1;
}

static int move_config(struct moving *m, uint64_t from, uint64_t to,
                       const struct net_links *nets, struct berth_error *err)
{
    static const char *const names[] = {
        [C_NETWORKS] = "newNetworks",   [C_NAMESPACE] = "namespace",
        [C_OLD_PORTS] = "portMappings", [C_PORTS] = "newPortMappings",
        [C_STORAGE] = "storageID",      [C_MODE] = "networkMode"};
    struct berth_blob found[ARRAY_LEN(names)];
    bool inside = !(from & BERTH_STATE_CAP_NETWORKS), links = to & BERTH_STATE_CAP_NETWORKS;
    bool container = m->rec.kind == BERTH_CONTAINER, take, ports;
    const struct net_link *own = NULL;
    size_t n = 0;
    int r = json_project(m->rec.config, names, ARRAY_LEN(names), found, err);

    if (r < 0)
        return r;
    if (!m->rec.ns && !(from & BERTH_STATE_CAP_NAMESPACES) && m->rec.kind != BERTH_VOLUME)
        r = take_text(found[C_NAMESPACE], &m->ns);
    if (r == 0 && m->rec.kind == BERTH_VOLUME && !m->rec.storage_id)
        r = take_text(found[C_STORAGE], &m->storage_id);
    if (r < 0)
        return fail(err, ENOMEM, "out of memory");
    if (m->ns)
        m->rec.ns = m->ns;
    if (m->storage_id)
        m->rec.storage_id = m->storage_id;
    if (!container)
        return 0;
    m->on_networks = found[C_MODE].len == 8 && memcmp(found[C_MODE].data, "\"bridge\"", 8) == 0;
    take = inside && links && found[C_NETWORKS].data;
    ports = has_content(found[C_OLD_PORTS]) && !has_content(found[C_PORTS]);
    if (!inside && nets)
        own = net_links_of(nets, m->rec.id, &n);
    if (!inside && !links && found[C_NETWORKS].data && n)
        take = true; /* leftovers of an older podman: the links are right */
    if (take) {
        r = cut_networks(m, found[C_NETWORKS], err);
        take = r == 0;
        r = r < 0 ? r : 0;
    }
    if (r == 0 && (take || ports))
        r = rework_config(m, take, ports, err);
    if (r == 0 && !inside && !links && n) {
        json_putp(&m->networks);
        m->networks = NULL;
        r = networks_inside(m, own, n, err);
    }
    if (r == 0 && !inside && links && n) {
        m->networks = json_new();
        for (size_t i = 0; r == 0 && i < n; i++) {
            json *options = NULL;

            r = json_parse((struct berth_blob){own[i].value, strlen(own[i].value)},
                           "options of a network", &options, err);
            if (r == 0)
                json_set(m->networks, own[i].to, options);
        }
    }
    return r;
}

/* -------------------------------------------------------------------- state */

enum { S_STATUS, S_EXIT, S_NETNS, S_INFRA };

/* The state document with or without its member netns. */
static int rework_state(struct moving *m, const char *netns, struct berth_error *err)
{
    _cleanup_json_ json *state = NULL;
    int r = json_parse_object(m->rec.state, "state", &state, err);

    if (r < 0)
        return r;
    json_opt_str(state, "netns", netns);
    if (json_write(state, 0, &m->state) < 0)
        return fail(err, ENOMEM, "out of memory");
    m->rec.state = buf_blob(&m->state);
    return 0;
}

static int move_netns(struct moving *m, uint64_t to, struct berth_blob inside,
                      struct berth_error *err)
{
    bool attribute = to & BERTH_STATE_CAP_NETWORKS;

    if (take_text(inside, &m->netns) < 0)
        return fail(err, ENOMEM, "out of memory");
    if (!m->rec.netns)
        m->rec.netns = m->netns;
    if (attribute)
        return inside.data ? rework_state(m, NULL, err) : 0;
    if (str_eq(m->rec.netns ? m->rec.netns : "", m->netns ? m->netns : ""))
        return 0;
    return rework_state(m, m->rec.netns, err);
}

static int move_state(struct moving *m, uint64_t to, struct berth_error *err)
{
    static const char *const names[] = {[S_STATUS] = "state",
                                        [S_EXIT] = "exitCode",
                                        [S_NETNS] = "netns",
                                        [S_INFRA] = "InfraContainerID"};
    struct berth_blob found[ARRAY_LEN(names)];
    int64_t status = 0, code = 0;
    int r = json_project(m->rec.state, names, ARRAY_LEN(names), found, err);

    if (r < 0)
        return r;
    if (m->rec.kind == BERTH_POD && !m->rec.infra) {
        if (take_text(found[S_INFRA], &m->infra) < 0)
            return fail(err, ENOMEM, "out of memory");
        m->rec.infra = m->infra;
    }
    if (m->rec.kind != BERTH_CONTAINER)
        return 0;
    json_text_i64(found[S_STATUS], &status);
    json_text_i64(found[S_EXIT], &code);
    m->rec.status = status < 0 || status > INT32_MAX ? 0 : (int32_t)status;
    /* Beside the document some formats hold no other codes. */
    m->rec.exit_code = (int32_t)(code < -1 ? -1 : code > 255 ? 255 : code);
    return move_netns(m, to, found[S_NETNS], err);
}

int moving_make(struct moving *m, const struct berth_record *rec, uint64_t from, uint64_t to,
                const struct net_links *nets, bool raw, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    const char *what = "configuration";
    int r;

    m->rec = *rec;
    m->rec.size = sizeof(m->rec);
    m->rec.has = BERTH_REC_ALL;
    if (!m->rec.name)
        m->rec.name = m->rec.id;
    if (!rec->state.data || !rec->state.len) {
        /* What podman takes an absent state for. */
        buf_puts(&m->state, rec->kind == BERTH_VOLUME ? "{\"mountCount\":0}" : "{}");
        m->rec.state = buf_blob(&m->state);
        if (buf_error(&m->state))
            return fail(err, ENOMEM, "out of memory");
    }
    r = move_config(m, from, to, nets, &why);
    if (r == -EUCLEAN && raw && m->rec.config.data) {
        error_clear(&why);
        r = 0;
    }
    if (r == 0) {
        what = "state";
        r = move_state(m, to, &why);
    }
    if (r == -EUCLEAN && raw) {
        error_clear(&why);
        r = 0;
    }
    if (r == 0)
        return 0;
    error_move(err, &why);
    return error_wrap(err, "%s %s: %s", record_word(rec->kind), rec->id, what);
}

int moving_link_networks(struct moving *m, struct txn *t, uint64_t caps,
                         struct berth_error *err)
{
    struct berth_link link = {
        .size = sizeof(link), .kind = BERTH_LINK_NETWORK, .from = m->rec.id};
    int r = 0;

    if (!(caps & BERTH_STATE_CAP_NETWORKS) || m->rec.kind != BERTH_CONTAINER)
        return 0;
    if (m->networks && json_object_object_length(m->networks) > 0) {
        json_object_object_foreach (m->networks, name, options) {
            _cleanup_buf_ struct berth_buf text = BUF_INIT;

            if (str_empty(name))
                return fail(err, EUCLEAN, "container %s is on a network without a name",
                            m->rec.id);
            json_write(options, 0, &text);
            link.to = name;
            link.value = buf_blob(&text);
            r = txn_link(t, &link, err);
            if (r < 0)
                return error_wrap(err, "container %s, network %s", m->rec.id, name);
        }
        return 0;
    }
    if (!m->on_networks)
        return 0;
    /* On networks, and on none at the moment.  podman tells that from a container of a very
     * old release by the place for links, which a link leaves behind. */
    link.to = "none";
    link.value = (struct berth_blob){"{}", 2};
    r = txn_link(t, &link, err);
    return r < 0 ? r : txn_unlink(t, BERTH_LINK_NETWORK, link.from, link.to, err);
}

int moving_insert(struct moving *m, struct txn *t, uint64_t caps, struct berth_error *err)
{
    struct berth_record rec = m->rec;
    int r;

    if (!(caps & BERTH_STATE_CAP_NAMESPACES))
        rec.ns = NULL;
    if (!(caps & BERTH_STATE_CAP_NETWORKS))
        rec.netns = NULL;
    r = txn_insert(t, &rec, err);
    if (r < 0)
        return error_wrap(err, "%s %s (%s)", record_word(rec.kind), rec.id, rec.name);
    return moving_link_networks(m, t, caps, err);
}

/* The canonical text of a document; raw bytes where it is none. */
static void canonical(struct berth_blob doc, struct berth_buf *out)
{
    _cleanup_json_ json *tree = NULL;

    if (!doc.data || !doc.len)
        return;
    if (json_parse(doc, "document", &tree, NULL) < 0)
        buf_put(out, doc.data, doc.len);
    else
        json_write(tree, JSON_SORTED, out);
}

bool documents_equal(struct berth_blob a, struct berth_blob b)
{
    _cleanup_buf_ struct berth_buf x = BUF_INIT, y = BUF_INIT;

    if (a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0))
        return true;
    canonical(a, &x);
    canonical(b, &y);
    return !buf_error(&x) && !buf_error(&y) && str_eq(buf_str(&x), buf_str(&y));
}
