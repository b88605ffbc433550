/* SPDX-License-Identifier: Apache-2.0 */
/* spec_resolv.c - the text of a container's /etc/resolv.conf. */
#include "engine/ctr_life.h"
#include "engine/slirp.h"
#include "engine/spec_priv.h"

#define RESOLV_MAX (1u << 20)

struct resolv {
    struct berth_list servers, search, options;
};

static void resolv_free(struct resolv *r)
{
    list_free(&r->servers);
    list_free(&r->search);
    list_free(&r->options);
}

static void parse(char *text, struct resolv *out)
{
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        _cleanup_list_ struct berth_list word = LIST_INIT;
        struct berth_list *to = NULL;

        line[strcspn(line, "#")] = '\0';
        for (char *c = line; *c; c++)
            if (*c == '\t' || *c == '\r')
                *c = ' ';
        list_split(&word, line, ' ', false);
        if (word.n == 0)
            continue;
        if (str_eq(word.items[0], "nameserver")) {
            if (word.n == 2)
                list_add(&out->servers, word.items[1]);
            continue;
        }
        if (str_eq(word.items[0], "search"))
            to = &out->search;
        else if (str_eq(word.items[0], "options"))
            to = &out->options;
        if (!to)
            continue;
        list_free(to); /* the last line wins */
        for (size_t i = 1; i < word.n; i++)
            list_add(to, word.items[i]);
    }
}

static void read_file(const char *path, struct resolv *out)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (fs_read(path, RESOLV_MAX, &text, NULL) >= 0 && text.data)
        parse(text.data, out);
}

/* The host's file, or the one behind a local stub that containers cannot reach. */
static void read_host(struct resolv *out, const char *netns, bool host_net)
{
    static const struct {
        const char *stub, *real;
    } stubs[] = {
        {"127.0.0.53", "/run/systemd/resolve/resolv.conf"},
        {"127.0.0.1", "/run/NetworkManager/no-stub-resolv.conf"},
    };

    if (netns && !str_starts(netns, "/proc/")) {
        _cleanup_free_ char *path = str_printf("/etc/netns/%s/resolv.conf", path_base(netns));

        if (path && fs_exists(path)) {
            read_file(path, out);
            return;
        }
    }
    read_file("/etc/resolv.conf", out);
    for (size_t i = 0; i < ARRAY_LEN(stubs) && !host_net; i++) {
        if (out->servers.n == 1 && str_eq(out->servers.items[0], stubs[i].stub) &&
            fs_exists(stubs[i].real)) {
            resolv_free(out);
            read_file(stubs[i].real, out);
            return;
        }
    }
}

static void only_reachable(struct resolv *host, bool v6)
{
    for (size_t i = host->servers.n; i-- > 0;) {
        const char *s = host->servers.items[i];

        if (str_starts(s, "127.") || str_eq(s, "::1") || (strchr(s, ':') && !v6))
            list_drop(&host->servers, i);
    }
    if (host->servers.n)
        return;
    list_add(&host->servers, "8.8.8.8");
    list_add(&host->servers, "8.8.4.4");
    if (v6) {
        list_add(&host->servers, "2001:4860:4860::8888");
        list_add(&host->servers, "2001:4860:4860::8844");
    }
}

/* Name servers and search domains of the networks; whether the container has IPv6. */
static void from_networks(const json *status, struct resolv *own, bool *v6)
{
    json *all = spec_object(status);

    if (!all)
        return;
    json_object_object_foreach (all, name, net) {
        json *interfaces = spec_object(json_get(net, "interfaces"));

        (void)name;
        json_to_list(json_get(net, "dns_server_ips"), &own->servers);
        json_to_list(json_get(net, "dns_search_domains"), &own->search);
        if (!interfaces)
            continue;
        json_object_object_foreach (interfaces, iface, value) {
            const json *subnets = json_get(value, "subnets");

            (void)iface;
            for (size_t i = 0; i < json_len(subnets); i++) {
                const char *ip = json_str(json_item(subnets, i), "ipnet");

                *v6 = *v6 || (ip && strchr(ip, ':'));
            }
        }
    }
}

/* The same of whatever network the container has; `own` NULL: only the latter. */
static int of_network(const struct spec_final *f, struct resolv *own, bool *v6,
                      struct berth_error *err)
{
    struct resolv ignored = {0};
    struct slirp_options slirp;
    char ip[INET_ADDRSTRLEN];
    int r = 0;

    if (str_eq(json_str(f->config, "networkMode"), "slirp4netns")) {
        r = ctr_net_slirp(f->c, &slirp, err);
        if (r == 0 && own)
            list_add(&own->servers, str_or(slirp_address(&slirp, SLIRP_DNS, ip), ""));
        *v6 = r == 0 && slirp.ipv6;
    } else {
        from_networks(json_get(f->c->state, "networkStatus"), own ? own : &ignored, v6);
    }
    resolv_free(&ignored);
    return r;
}

static void append(struct berth_list *to, const struct berth_list *from)
{
    for (size_t i = 0; i < from->n; i++)
        list_add(to, from->items[i]);
}

static void put_line(struct berth_buf *out, const char *word, const struct berth_list *list)
{
    _cleanup_free_ char *joined = NULL;

    if (list->n == 0 || (list->n == 1 && str_eq(list->items[0], ".")))
        return;
    joined = list_join(list, " ");
    buf_printf(out, "%s %s\n", word, str_or(joined, ""));
}

void spec_resolv_edit(const struct spec_resolv_edit *e, const char *old, struct berth_buf *out)
{
    _cleanup_free_ char *text = strdup(old);
    struct resolv now = {0};

    if (text)
        parse(text, &now);
    put_line(out, "search", &now.search);
    for (size_t i = 0; i < e->add.n; i++)
        buf_printf(out, "nameserver %s\n", e->add.items[i]);
    for (size_t i = 0; i < now.servers.n; i++)
        if (!list_has(&e->add, now.servers.items[i]) &&
            !list_has(&e->drop, now.servers.items[i]))
            buf_printf(out, "nameserver %s\n", now.servers.items[i]);
    put_line(out, "options", &now.options);
    resolv_free(&now);
    if (!text)
        out->error = -ENOMEM;
}

int spec_resolv_conf(struct spec_final *f, struct berth_buf *out, struct berth_error *err)
{
    const struct conf *conf = f->c->e->conf;
    const json *list = json_at(f->config, "spec", "linux", "namespaces", NULL);
    const char *netns = f->c->netns;
    struct resolv own = {0}, host = {0};
    bool host_net = true, keep, v6 = false;
    int r;

    for (size_t i = 0; i < json_len(list); i++) {
        if (str_eq(json_str(json_item(list, i), "type"), "network")) {
            host_net = false;
            if (!netns)
                netns = json_str(json_item(list, i), "path");
        }
    }
    for (size_t i = 0; i < conf->dns_servers.n; i++)
        if (!str_eq(conf->dns_servers.items[i], "none"))
            list_add(&own.servers, conf->dns_servers.items[i]);
    json_to_list(json_get(f->config, "dnsServer"), &own.servers);
    keep = own.servers.n == 0;
    r = of_network(f, keep ? &own : NULL, &v6, err);
    if (r < 0) {
        resolv_free(&own);
        return r;
    }
    if (conf->dns_searches.n || json_len(json_get(f->config, "dnsSearch"))) {
        list_free(&own.search);
        append(&own.search, &conf->dns_searches);
        json_to_list(json_get(f->config, "dnsSearch"), &own.search);
    }
    append(&own.options, &conf->dns_options);
    json_to_list(json_get(f->config, "dnsOption"), &own.options);

    read_host(&host, netns, host_net);
    if (!host_net)
        only_reachable(&host, v6);
    if (own.servers.n == 0 || keep)
        append(&own.servers, &host.servers);
    if (own.search.n == 0 || (keep && !list_has(&own.search, ".")))
        append(&own.search, &host.search);
    if (list_has(&own.search, ".")) {
        list_free(&own.search);
    }
    if (own.options.n == 0 || keep)
        append(&own.options, &host.options);
    put_line(out, "search", &own.search);
    for (size_t i = 0; i < own.servers.n; i++)
        buf_printf(out, "nameserver %s\n", own.servers.items[i]);
    put_line(out, "options", &own.options);
    resolv_free(&own);
    resolv_free(&host);
    return buf_error(out) ? fail(err, ENOMEM, "out of memory") : 0;
}
