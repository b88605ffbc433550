/* SPDX-License-Identifier: Apache-2.0 */
/* create.c - new networks: rules of their own, and their conflists as podman writes them; see
 * cni.h. */
#include "cni.h"
#include "sha256.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void list_id(const char *name, char out[65])
{
    uint8_t digest[32];

    sha256(name, strlen(name), digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* ------------------------------------------------------------ network -> list */

/* Members are set one after the other; the first failure stays. */
struct maker {
    json *o;
    int r;
};

static void put(struct maker *m, const char *key, json *value)
{
    if (m->r == 0)
        m->r = js_set(m->o, key, value);
    else
        json_object_put(value);
}

static void put_str(struct maker *m, const char *key, const char *value)
{
    put(m, key, json_object_new_string(value));
}

static struct maker make(void)
{
    struct maker m = {json_object_new_object(), 0};

    m.r = m.o ? 0 : -ENOMEM;
    return m;
}

/* The object, or NULL. */
static json *made(struct maker *m)
{
    if (m->r == 0)
        return m->o;
    json_object_put(m->o);
    return NULL;
}

/* The list, or NULL. */
static json *listed(json *list, int r)
{
    if (r == 0)
        return list;
    json_object_put(list);
    return NULL;
}

static json *capability(const char *name)
{
    struct maker m = make();

    put(&m, name, json_object_new_boolean(true));
    return made(&m);
}

static json *one_range(const json *subnet, bool internal)
{
    const json *lease = js_get(subnet, "lease_range");
    json *list = json_object_new_array();
    struct maker m = make();

    put_str(&m, "subnet", js_str(subnet, "subnet"));
    if (*js_str(lease, "start_ip"))
        put_str(&m, "rangeStart", js_str(lease, "start_ip"));
    if (*js_str(lease, "end_ip"))
        put_str(&m, "rangeEnd", js_str(lease, "end_ip"));
    if (!internal && *js_str(subnet, "gateway"))
        put_str(&m, "gateway", js_str(subnet, "gateway"));
    return listed(list, js_append(list, made(&m)));
}

static json *default_routes(const json *net)
{
    json *routes = json_object_new_array();
    bool seen[2] = {false, false};
    int r = 0;

    for (size_t i = 0; r == 0 && i < js_len(net, "subnets"); i++) {
        bool v6 = strchr(js_str(js_at(net, "subnets", i), "subnet"), ':') != NULL;
        struct maker m;

        if (seen[v6])
            continue;
        seen[v6] = true;
        m = make();
        put_str(&m, "dst", v6 ? "::/0" : "0.0.0.0/0");
        r = js_append(routes, made(&m));
    }
    return listed(routes, r);
}

static json *ranges_of(const json *net, bool internal)
{
    json *ranges = json_object_new_array();
    int r = 0;

    for (size_t i = 0; r == 0 && i < js_len(net, "subnets"); i++)
        r = js_append(ranges, one_range(js_at(net, "subnets", i), internal));
    return listed(ranges, r);
}

static json *ipam_of(const json *net)
{
    const char *driver = js_str(js_get(net, "ipam_options"), "driver");
    bool internal = js_bool(net, "internal", false);
    struct maker m = make();

    put_str(&m, "type", strcmp(driver, "none") == 0 ? "" : *driver ? driver : "host-local");
    if (!*driver || strcmp(driver, "host-local") == 0) {
        if (!internal)
            put(&m, "routes", default_routes(net));
        put(&m, "ranges", ranges_of(net, internal));
    }
    return made(&m);
}

static void put_number(struct maker *m, const json *net, const char *key)
{
    int value = atoi(js_str(js_get(net, "options"), key));

    if (value)
        put(m, key, json_object_new_int(value));
}

static json *first_plugin(const json *net)
{
    const char *driver = js_str(net, "driver");
    const char *ipam = js_str(js_get(net, "ipam_options"), "driver");
    const char *mode = js_str(js_get(net, "options"), "mode");
    bool internal = js_bool(net, "internal", false);
    struct maker m = make();

    put_str(&m, "type", driver);
    if (strcmp(driver, "bridge") == 0) {
        put_str(&m, "bridge", js_str(net, "network_interface"));
        put(&m, "isGateway", json_object_new_boolean(!internal));
        if (!internal)
            put(&m, "ipMasq", json_object_new_boolean(true));
        put_number(&m, net, "mtu");
        put(&m, "hairpinMode", json_object_new_boolean(true));
        put_number(&m, net, "vlan");
        put(&m, "ipam", ipam_of(net));
    } else {
        put_str(&m, "master", js_str(net, "network_interface"));
        put(&m, "ipam", ipam_of(net));
        put_number(&m, net, "mtu");
        if (*mode)
            put_str(&m, "mode", mode);
    }
    if (!*ipam || strcmp(ipam, "host-local") == 0)
        put(&m, "capabilities", capability("ips"));
    return made(&m);
}

static json *other_plugin(const char *type, const json *net)
{
    bool isolate = strcmp(js_str(js_get(net, "options"), "isolate"), "true") == 0;
    struct maker m = make();

    put_str(&m, "type", type);
    if (strcmp(type, "portmap") == 0)
        put(&m, "capabilities", capability("portMappings"));
    if (strcmp(type, "firewall") == 0) {
        put_str(&m, "backend", "");
        if (isolate)
            put_str(&m, "ingressPolicy", "same-bridge");
    }
    if (strcmp(type, "dnsname") == 0) {
        put_str(&m, "domainName", "dns.podman");
        put(&m, "capabilities", capability("aliases"));
    }
    return made(&m);
}

static json *plugins_of(const json *net)
{
    static const char *const others[] = {"portmap", "firewall", "tuning"};
    bool bridge = strcmp(js_str(net, "driver"), "bridge") == 0;
    json *list = json_object_new_array();
    int r = js_append(list, first_plugin(net));

    for (size_t i = 0; r == 0 && bridge && i < 3; i++)
        r = js_append(list, other_plugin(others[i], net));
    if (r == 0 && bridge && js_bool(net, "dns_enabled", false))
        r = js_append(list, other_plugin("dnsname", net));
    return listed(list, r);
}

char *list_text(struct berth_net *n, const json *net)
{
    json *labels = js_get(net, "labels"), *options = js_get(net, "options");
    struct berth_buf *text = n->h->buf_new(n->h->core);
    struct maker m = make(), args = make();
    char *out = NULL;

    if (labels)
        put(&args, "podman_labels", json_object_get(labels));
    if (options)
        put(&args, "podman_options", json_object_get(options));
    if (labels || options)
        put(&m, "args", json_object_get(args.o));
    json_object_put(args.o);
    put_str(&m, "cniVersion", "0.4.0");
    put_str(&m, "name", js_str(net, "name"));
    put(&m, "plugins", plugins_of(net));
    if (m.r == 0 && args.r == 0 && text && js_write_indented(n->h, m.o, "   ", text) == 0)
        out = strdup(n->h->buf_data(n->h->core, text).data);
    json_object_put(m.o);
    n->h->buf_free(n->h->core, text);
    return out;
}

/* --------------------------------------------------------------------- rules */

static int check_ipam(struct making *m, const char *ipam)
{
    bool dns = js_bool(m->net, "dns_enabled", false);
    char *dnsname = dns ? cni_find(m->n, "dnsname") : NULL;

    if (dns && js_bool(m->net, "internal", false)) {
        berth_log(m->n->h, BERTH_LOG_WARNING,
                  "dnsname and internal networks are incompatible. dnsname plugin not "
                  "configured for network %s",
                  js_str(m->net, "name"));
        dns = false;
    }
    dns = dns && dnsname;
    free(dnsname);
    if (js_set_bool(m->net, "dns_enabled", dns) < 0)
        return NO_MEMORY(m->n, m->err);
    if (strcmp(ipam, "none") == 0 || strcmp(ipam, "dhcp") == 0)
        return js_len(m->net, "subnets")
                   ? BAD(m, EINVAL, "%s ipam driver is set but subnets are given", ipam)
                   : 0;
    return !*ipam || strcmp(ipam, "host-local") == 0
               ? 0
               : BAD(m, EINVAL, "unsupported ipam driver \"%s\"", ipam);
}

static bool mode_known(const char *driver, const char *mode)
{
    static const char *const macvlan[] = {"bridge", "private", "vepa", "passthru", NULL};
    static const char *const ipvlan[] = {"l2", "l3", "l3s", NULL};

    for (const char *const *w = strcmp(driver, "macvlan") == 0 ? macvlan : ipvlan; *w; w++)
        if (strcmp(mode, *w) == 0)
            return true;
    return false;
}

static int vlan_options(struct making *m, const char *driver)
{
    json *options = js_get(m->net, "options");
    const char *parent = js_str(options, "parent");
    int r = 0;

    if (!options || !json_object_is_type(options, json_type_object))
        return 0;
    if (*parent && strcmp(driver, "macvlan") == 0) {
        if (js_set_str(m->net, "network_interface", parent) < 0)
            return NO_MEMORY(m->n, m->err);
        json_object_object_del(options, "parent");
    }
    json_object_object_foreach (options, key, value) {
        (void)value;
        if (r < 0)
            break;
        if (strcmp(key, "isolate") == 0)
            r = BAD(m, EINVAL, "isolate option is only supported with the bridge driver");
        else if (strcmp(key, "mode") == 0)
            r = mode_known(driver, js_str(options, key))
                    ? 0
                    : BAD(m, EINVAL, "unknown %s mode \"%s\"", driver, js_str(options, key));
        else if (strcmp(key, "mtu") == 0)
            r = making_check_mtu(m, js_str(options, key));
        else
            r = BAD(m, EINVAL, "unsupported network option %s", key);
    }
    return r;
}

/* macvlan and ipvlan. */
static int make_other(struct making *m, const char *driver, const char *ipam)
{
    const char *parent;
    bool subnets = js_len(m->net, "subnets") > 0;
    int r;

    if (strcmp(driver, "macvlan") != 0 && strcmp(driver, "ipvlan") != 0)
        return BAD(m, EINVAL, "unsupported driver %s: invalid argument", driver);
    r = vlan_options(m, driver);
    if (r < 0)
        return r;
    parent = js_str(m->net, "network_interface");
    if (*parent && if_nametoindex(parent) == 0)
        return BAD(m, ENODEV, "parent interface %s does not exist", parent);
    if (strcmp(ipam, "host-local") == 0 && !subnets)
        return BAD(m, EINVAL, "host-local ipam driver set but no subnets are given");
    if (!*ipam)
        ipam = subnets ? "host-local" : "dhcp";
    if (strcmp(ipam, "dhcp") == 0 && js_bool(m->net, "internal", false))
        return BAD(m, EINVAL, "internal is not supported with macvlan and dhcp ipam driver");
    return making_set_ipam(m, ipam);
}

static int save(struct berth_net *n, json *net, struct berth_error *err)
{
    const char *name = js_str(net, "name");
    char *path = list_path(n, name), *text, id[65];
    int r;

    list_id(name, id);
    r = js_set_str(net, "id", id);
    text = path && r == 0 ? list_text(n, net) : NULL;
    if (!text)
        r = NO_MEMORY(n, err);
    else if (access(path, F_OK) == 0) /* or there would be a network of this name */
        r = berth_fail(n->h, err, EEXIST,
                       "%s is there and does not define a network %s: rename or remove it",
                       path, name);
    else if ((r = file_write(path, text, strlen(text), 0644)) < 0)
        r = berth_fail(n->h, err, -r, "writing %s", path);
    free(path);
    free(text);
    return r;
}

const struct net_flavor cni_flavor = {
    .device = "cni-podman",
    .default_device = "cni-podman0",
    .other_ranges = true,
    .names_only = true,
    .lock = cni_lock,
    .check_ipam = check_ipam,
    .make_other = make_other,
    .save = save,
};
