/* SPDX-License-Identifier: Apache-2.0 */
/* spec_hosts.c - the text of a container's /etc/hosts. */
#include "engine/ctr_life.h"
#include "engine/slirp.h"
#include "engine/spec_priv.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#define HOSTS_MAX (4u << 20)

/* Names that the lines so far have. */
struct hosts {
    struct berth_buf *out;
    struct berth_list names;
};

static void remember(struct hosts *h, const char *line)
{
    _cleanup_list_ struct berth_list part = LIST_INIT;

    list_split(&part, line, ' ', false);
    for (size_t i = 0; i < part.n; i++)
        list_add(&h->names, part.items[i]);
}

/* Lines of a base file: comments cut, blanks made one, at least two fields. */
static void base_lines(struct hosts *h, char *text)
{
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        _cleanup_buf_ struct berth_buf names = BUF_INIT;
        char *word, *inner = NULL, *ip;

        line[strcspn(line, "#")] = '\0';
        ip = strtok_r(line, " \t\r\v\f", &inner);
        while (ip && (word = strtok_r(NULL, " \t\r\v\f", &inner)))
            buf_printf(&names, "%s%s", names.len ? " " : "", word);
        if (!names.len)
            continue;
        buf_printf(h->out, "%s\t%s\n", ip, buf_str(&names));
        remember(h, buf_str(&names));
    }
}

/* A line with those of the names that no line has yet. */
static void line_unless(const struct hosts *h, const char *ip, const char *a, const char *b)
{
    bool use_a = !str_empty(a) && !list_has(&h->names, a);
    bool use_b = !str_empty(b) && !list_has(&h->names, b);

    if (use_a || use_b)
        buf_printf(h->out, "%s\t%s%s%s\n", ip, use_a ? a : "", use_a && use_b ? " " : "",
                   use_b ? b : "");
}

static int base_file(struct spec_final *f, struct hosts *h, struct berth_error *err)
{
    const char *base = f->c->e->conf->base_hosts_file;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_close_ int fd = -1;
    bool optional = str_empty(base);
    int r;

    if (str_eq(base, "none"))
        return 0;
    if (str_eq(base, "image"))
        fd = spec_open_in_root(f->root, "/etc/hosts", O_RDONLY);
    else
        fd = open(optional ? "/etc/hosts" : base, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        r = str_eq(base, "image") ? -fd : errno;
        fd = -1;
        return r == ENOENT && (optional || str_eq(base, "image"))
                   ? 0
                   : spec_fail_errno(err, r, "reading hosts file %s",
                                     optional ? "/etc/hosts" : base);
    }
    r = fs_read_fd(fd, "hosts file", HOSTS_MAX, &text, err);
    if (r >= 0 && text.data)
        base_lines(h, text.data);
    return r < 0 ? r : 0;
}

/* Visit the container's interfaces: network by network, as they were given. */
typedef void subnet_fn(void *arg, const char *address, const char *gateway);

static void each_subnet(const json *status, subnet_fn *fn, void *arg)
{
    json *all = spec_object(status);

    if (!all)
        return;
    json_object_object_foreach (all, name, net) {
        json *interfaces = spec_object(json_get(net, "interfaces"));

        (void)name;
        if (!interfaces)
            continue;
        json_object_object_foreach (interfaces, iface, value) {
            const json *subnets = json_get(value, "subnets");

            (void)iface;
            for (size_t i = 0; i < json_len(subnets); i++)
                fn(arg, json_str(json_item(subnets, i), "ipnet"),
                   json_str(json_item(subnets, i), "gateway"));
        }
    }
}

struct gateways {
    const char *v4, *v6;
};

static void pick_gateway(void *arg, const char *address, const char *gateway)
{
    struct gateways *g = arg;

    (void)address;
    if (gateway && !strchr(gateway, ':') && !g->v4)
        g->v4 = gateway;
    if (gateway && strchr(gateway, ':') && !g->v6)
        g->v6 = gateway;
}

/* The host's first address that others can reach. */
static bool host_address(char buf[static INET6_ADDRSTRLEN])
{
    struct ifaddrs *all = NULL;
    bool found = false, v6 = false;

    if (getifaddrs(&all) < 0)
        return false;
    for (struct ifaddrs *i = all; i && !(found && !v6); i = i->ifa_next) {
        if (!i->ifa_addr)
            continue;
        if (i->ifa_addr->sa_family == AF_INET) {
            const struct sockaddr_in *in = (const void *)i->ifa_addr;
            uint32_t a = ntohl(in->sin_addr.s_addr);

            if (a >> 24 == 127 || a == 0 || a >> 16 == 0xa9fe || a >> 28 >= 0xe)
                continue;
            inet_ntop(AF_INET, &in->sin_addr, buf, INET6_ADDRSTRLEN);
            found = true;
            v6 = false;
        } else if (i->ifa_addr->sa_family == AF_INET6 && !found) {
            const struct sockaddr_in6 *in = (const void *)i->ifa_addr;

            if (IN6_IS_ADDR_LOOPBACK(&in->sin6_addr) || IN6_IS_ADDR_LINKLOCAL(&in->sin6_addr) ||
                IN6_IS_ADDR_MULTICAST(&in->sin6_addr) ||
                IN6_IS_ADDR_UNSPECIFIED(&in->sin6_addr))
                continue;
            inet_ntop(AF_INET6, &in->sin6_addr, buf, INET6_ADDRSTRLEN);
            found = v6 = true;
        }
    }
    freeifaddrs(all);
    return found;
}

struct addresses {
    const struct hosts *h;
    const char *hostname, *name;
};

static void address_line(void *arg, const char *address, const char *gateway)
{
    const struct addresses *a = arg;
    char ip[INET6_ADDRSTRLEN + 4];

    (void)gateway;
    if (!address)
        return;
    snprintf(ip, sizeof(ip), "%.*s", (int)strcspn(address, "/"), address);
    line_unless(a->h, ip, a->hostname, a->name);
}

static bool has_network_entry(const struct spec_final *f, bool *with_path)
{
    const json *list = json_at(f->config, "spec", "linux", "namespaces", NULL);

    for (size_t i = 0; i < json_len(list); i++) {
        if (str_eq(json_str(json_item(list, i), "type"), "network")) {
            *with_path = !str_empty(json_str(json_item(list, i), "path"));
            return true;
        }
    }
    return false;
}

int spec_hosts(struct spec_final *f, struct berth_buf *out, struct berth_error *err)
{
    const struct conf *conf = f->c->e->conf;
    const json *add = json_get(f->config, "hostsAdd");
    const json *status = json_get(f->c->state, "networkStatus");
    const char *internal = conf->host_containers_internal_ip;
    char short_id[ID_SHORT_LEN + 1], ip[INET6_ADDRSTRLEN];
    struct hosts h = {.out = out};
    struct addresses a = {&h, spec_hostname(f->c, short_id), f->c->name};
    struct gateways g = {0};
    struct slirp_options slirp;
    bool with_path = false;
    int r;

    for (size_t i = 0; i < json_len(add); i++) {
        const char *entry = str_or(json_item_str(add, i), "");
        size_t len = strcspn(entry, ":");

        if (!entry[len] || len == 0 || !entry[len + 1]) {
            list_free(&h.names);
            return fail(err, EINVAL, "unable to parse host entry \"%s\": incorrect format",
                        entry);
        }
        buf_printf(out, "%s\t%.*s\n", entry + len + 1, (int)len, entry);
        list_addf(&h.names, "%.*s", (int)len, entry);
    }
    r = base_file(f, &h, err);
    if (r < 0) {
        list_free(&h.names);
        return r;
    }
    line_unless(&h, "127.0.0.1", "localhost", NULL);
    if (!list_has(&h.names, "localhost"))
        line_unless(&h, "::1", "localhost", NULL);
    /* Behind the gateway of a user's network is not the host. */
    if (!conf->rootless)
        each_subnet(status, pick_gateway, &g);
    if (str_empty(internal))
        internal = g.v4 ? g.v4 : g.v6 ? g.v6 : host_address(ip) ? ip : "none";
    if (!str_eq(internal, "none"))
        line_unless(&h, internal, "host.containers.internal", NULL);
    if (json_flag(f->config, "createNetNS", false)) {
        if (str_eq(json_str(f->config, "networkMode"), "slirp4netns") &&
            (r = ctr_net_slirp(f->c, &slirp, err)) == 0)
            line_unless(&h, slirp_address(&slirp, SLIRP_CONTAINER, ip), a.hostname, a.name);
        else
            each_subnet(status, address_line, &a);
    } else if (has_network_entry(f, &with_path) && !with_path) {
        line_unless(&h, "127.0.0.1", a.hostname, a.name);
    }
    list_free(&h.names);
    if (r < 0)
        return r;
    return buf_error(out) ? fail(err, ENOMEM, "out of memory") : 0;
}
