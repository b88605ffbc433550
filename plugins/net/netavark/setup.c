/* SPDX-License-Identifier: Apache-2.0 */
/* setup.c - joining a network namespace to networks and leaving them; see netavark.h. */
#include "netavark.h"

#include <stdio.h>
#include <string.h>

/* ----------------------------------------------------------------- document */

static json *order_options(const json *options)
{
    static const char *const order[] = {"static_ips", "aliases", "static_mac",
                                        "interface_name"};
    json *to = json_object_new_object();
    int r = to ? 0 : -ENOMEM;

    for (size_t i = 0; i < 4 && r == 0; i++) {
        json *value = js_get(options, order[i]);
        bool empty = !value || (json_object_is_type(value, json_type_array) &&
                                json_object_array_length(value) == 0);

        if (!empty && !(i == 2 && !*js_str(options, order[i])))
            r = js_set(to, order[i], json_object_get(value));
    }
    if (r == 0 && js_get(options, "options"))
        r = js_set(to, "options", json_object_get(js_get(options, "options")));
    if (r < 0) {
        json_object_put(to);
        return NULL;
    }
    return to;
}

/* What netavark reads.  static_ips are filled in. */
static json *make_document(struct berth_net *n, const json *request, const json *networks)
{
    json *doc = json_object_new_object(), *nets = json_object_new_object();
    json *info = json_object_new_object();
    const char **names = js_sorted(networks);
    int r = doc && nets && info && names ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && names[i]; i++) {
        r = js_set(nets, names[i], order_options(js_get(networks, names[i])));
        if (r == 0)
            r = js_set(info, names[i], json_object_get(js_get(n->nets, names[i])));
    }
    if (r == 0)
        r = js_set_str(doc, "container_id", js_str(request, "container_id"));
    if (r == 0)
        r = js_set_str(doc, "container_name", js_str(request, "container_name"));
    if (r == 0 && js_len(request, "port_mappings"))
        r = js_set(doc, "port_mappings", json_object_get(js_get(request, "port_mappings")));
    if (r == 0)
        r = js_set(doc, "networks", json_object_get(nets));
    if (r == 0)
        r = js_set(doc, "network_info", json_object_get(info));
    free(names);
    json_object_put(nets);
    json_object_put(info);
    if (r < 0) {
        json_object_put(doc);
        return NULL;
    }
    return doc;
}

/* ------------------------------------------------------------------- answer */

static int copy_list(json *to, const json *from, const char *key)
{
    return js_len(from, key) ? js_set(to, key, json_object_get(js_get(from, key))) : 0;
}

static json *order_subnets(const json *interface)
{
    json *list = json_object_new_array();

    for (size_t i = 0; list && i < js_len(interface, "subnets"); i++) {
        const json *s = js_at(interface, "subnets", i);
        json *to = json_object_new_object();
        int r = to ? 0 : -ENOMEM;

        if (r == 0 && *js_str(s, "ipnet"))
            r = js_set_str(to, "ipnet", js_str(s, "ipnet"));
        if (r == 0 && *js_str(s, "gateway"))
            r = js_set_str(to, "gateway", js_str(s, "gateway"));
        if (r < 0 || json_object_array_add(list, to) < 0) {
            json_object_put(to);
            json_object_put(list);
            return NULL;
        }
    }
    return list;
}

/* One network's part of the answer as podman keeps it: empty members left out. */
static json *order_status(const json *status)
{
    json *to = json_object_new_object(), *interfaces = json_object_new_object();
    json *from = js_get(status, "interfaces");
    int r = to && interfaces ? 0 : -ENOMEM;

    if (from && json_object_is_type(from, json_type_object)) {
        json_object_object_foreach (from, name, value) {
            json *one = json_object_new_object(), *subnets = order_subnets(value);

            if (!one || !subnets)
                r = -ENOMEM;
            if (r == 0 && json_object_array_length(subnets))
                r = js_set(one, "subnets", json_object_get(subnets));
            if (r == 0 && *js_str(value, "mac_address"))
                r = js_set_str(one, "mac_address", js_str(value, "mac_address"));
            if (r == 0)
                r = js_set(interfaces, name, json_object_get(one));
            json_object_put(one);
            json_object_put(subnets);
        }
    }
    if (r == 0 && json_object_object_length(interfaces))
        r = js_set(to, "interfaces", json_object_get(interfaces));
    if (r == 0)
        r = copy_list(to, status, "dns_server_ips");
    if (r == 0)
        r = copy_list(to, status, "dns_search_domains");
    json_object_put(interfaces);
    if (r < 0) {
        json_object_put(to);
        return NULL;
    }
    return to;
}

/* Networks in the order of their interfaces. */
static int give_answer(struct berth_net *n, const json *networks, const json *answer,
                       struct berth_buf *out, struct berth_error *err)
{
    const char **names = nets_in_order(networks);
    json *all = json_object_new_object();
    int r = names && all ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && names[i]; i++)
        r = js_set(all, names[i], order_status(js_get(answer, names[i])));
    if (r == 0)
        r = js_write(n->h, all, false, out);
    free(names);
    json_object_put(all);
    return r < 0 ? NO_MEMORY(n, err) : 0;
}

static int check_answer(struct berth_net *n, const json *networks, const json *answer,
                        struct berth_error *err)
{
    int want = json_object_object_length(networks), got = json_object_object_length(answer);

    json_object_object_foreach (networks, name, options) {
        (void)options;
        if (!js_get(answer, name) && got == want)
            return berth_fail(n->h, err, EREMOTEIO,
                              "netavark: its answer says nothing of network %s", name);
    }
    if (want != got)
        return berth_fail(n->h, err, EREMOTEIO,
                          "unexpected netavark result length, want (%d), got (%d) networks",
                          want, got);
    return 0;
}

/* ------------------------------------------------------------------- setup */

static void warn_without_dns(struct berth_net *n, const json *networks)
{
    char *dns = prog_find_dns(n);

    if (!dns) {
        json_object_object_foreach (networks, name, options) {
            (void)options;
            if (js_bool(js_get(n->nets, name), "dns_enabled", false)) {
                berth_log(n->h, BERTH_LOG_WARNING,
                          "aardvark-dns binary not found, container dns will not be enabled");
                break;
            }
        }
    }
    free(dns);
}

/* netavark leaves a bridge and rules behind when a network fails halfway. */
static void undo(struct berth_net *n, const char *netns, const char *id, const json *networks,
                 const json *document)
{
    int r;

    if (document)
        prog_run(n, "teardown", netns, document, NULL, NULL);
    r = ipam_release(n, id, networks, NULL);
    if (r < 0)
        berth_log(n->h, BERTH_LOG_ERROR, "cannot give back the addresses of container %s: %s",
                  id, strerror(-r));
}

static int setup_locked(struct berth_net *n, const char *netns, const json *request,
                        json *networks, struct berth_buf *out, struct berth_error *err)
{
    const char *id = js_str(request, "container_id");
    json *document = NULL, *answer = NULL;
    char *program = NULL;
    int r = 0;

    json_object_object_foreach (networks, name, options) {
        if (r == 0)
            r = nets_check_options(n, name, options, err);
    }
    if (r == 0)
        r = prog_find(n, &program, err);
    free(program);
    if (r == 0)
        r = ipam_allocate(n, id, networks, err);
    if (r < 0)
        return r;
    warn_without_dns(n, networks);
    document = make_document(n, request, networks);
    r = document ? prog_run(n, "setup", netns, document, &answer, err) : NO_MEMORY(n, err);
    if (r == 0)
        r = check_answer(n, networks, answer, err);
    if (r == 0)
        r = give_answer(n, networks, answer, out, err);
    if (r < 0)
        undo(n, netns, id, networks, document);
    json_object_put(document);
    json_object_put(answer);
    return r;
}

int na_setup(struct berth_net *n, const char *netns, struct berth_blob options,
             struct berth_buf *out, struct berth_error *err)
{
    json *request = NULL, *networks = NULL;
    int r;

    if (!netns || !*netns)
        return berth_fail(n->h, err, EINVAL, "namespacePath is empty");
    r = nets_read_request(n, options, &request, &networks, err);
    if (r == 0)
        r = na_lock(n, err);
    if (r == 0) {
        r = setup_locked(n, netns, request, networks, out, err);
        nets_unlock(n);
    }
    json_object_put(networks);
    json_object_put(request);
    return r;
}

/* ----------------------------------------------------------------- teardown */

/* netavark cannot take down what it knows no definition of, but the interface can go. */
static void leave_unknown(struct berth_net *n, const char *netns, const char *name,
                          const json *options)
{
    const char *interface = js_str(options, "interface_name");
    int r = netns && *interface ? links_delete(netns, interface) : 0;

    berth_log(n->h, BERTH_LOG_ERROR,
              "network %s is not defined any more: its bridge and rules may stay", name);
    if (r < 0)
        berth_log(n->h, BERTH_LOG_ERROR, "deleting interface %s in %s: %s", interface, netns,
                  strerror(-r));
}

/* Networks that are defined; NULL: no memory. */
static json *known_networks(struct berth_net *n, const char *netns, const json *networks)
{
    json *known = json_object_new_object();

    json_object_object_foreach (networks, name, options) {
        if (!js_get(n->nets, name))
            leave_unknown(n, netns, name, options);
        else if (known && js_set(known, name, json_object_get(options)) < 0) {
            json_object_put(known);
            return NULL;
        }
    }
    return known;
}

/* netavark wants one address for each subnet, and ends in a panic without.  Where there are
 * none, the container was never joined to the network. */
static void drop_unset(struct berth_net *n, const char *id, json *networks)
{
    const char **names = js_sorted(networks);

    for (size_t i = 0; names && names[i]; i++) {
        const json *net = js_get(n->nets, names[i]);

        if (js_len(js_get(networks, names[i]), "static_ips") >= js_len(net, "subnets") ||
            !ipam_is_used(net))
            continue;
        berth_log(n->h, BERTH_LOG_WARNING,
                  "container %s has no addresses on network %s: it is not taken down", id,
                  names[i]);
        json_object_object_del(networks, names[i]);
        i = (size_t)-1;
        free(names);
        names = js_sorted(networks);
    }
    free(names);
}

/* Without a namespace there is no interface to be deleted, but rules of ports are to go, and
 * netavark wants to see one: a new one will do. */
static int run_teardown(struct berth_net *n, const char *netns, const json *document,
                        struct berth_error *err)
{
    char path[64];
    pid_t pid;
    int r;

    if (netns)
        return prog_run(n, "teardown", netns, document, NULL, err);
    pid = links_hold_empty();
    if (pid < 0)
        return berth_fail(n->h, err, -pid, "making a network namespace");
    snprintf(path, sizeof(path), "/proc/%ld/ns/net", (long)pid);
    r = prog_run(n, "teardown", path, document, NULL, err);
    links_let_go(pid);
    return r;
}

static int teardown_locked(struct berth_net *n, const char *netns, const json *request,
                           json *networks, struct berth_error *err)
{
    const char *id = js_str(request, "container_id");
    json *known = known_networks(n, netns, networks), *document = NULL;
    int r = known ? 0 : NO_MEMORY(n, err), released, gone;

    if (r == 0) {
        ipam_read(n, id, known, NULL);
        drop_unset(n, id, known);
    }
    if (r == 0 && json_object_object_length(known) > 0) {
        document = make_document(n, request, known);
        r = document ? run_teardown(n, netns, document, err) : NO_MEMORY(n, err);
    }
    /* netavark gives up at the first network of which there are none. */
    if (known)
        dns_drop(n, id, known);
    gone = r;
    released = ipam_release(n, id, networks, r < 0 ? NULL : err);
    if (gone && known) {
        dns_tell(n); /* netavark may not have got to it */
        na_sweep(n, known);
    }
    if (r == PROG_GONE)
        r = 0;
    if (released < 0 && r < 0)
        berth_log(n->h, BERTH_LOG_ERROR, "cannot give back the addresses of container %s: %s",
                  id, strerror(-released));
    json_object_put(document);
    json_object_put(known);
    return r < 0 ? r : released;
}

int na_teardown(struct berth_net *n, const char *netns, struct berth_blob options,
                struct berth_error *err)
{
    json *request = NULL, *networks = NULL;
    int r = nets_read_request(n, options, &request, &networks, err);

    if (r == 0)
        r = na_lock(n, err);
    if (r == 0) {
        r = teardown_locked(n, netns, request, networks, err);
        nets_unlock(n);
    }
    json_object_put(networks);
    json_object_put(request);
    return r;
}
