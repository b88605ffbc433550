/* SPDX-License-Identifier: Apache-2.0 */
/* setup.c - joining a network namespace to networks and leaving them; see cni.h. */
#include "cni.h"

#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------------- request */

static int add_pair(json *args, const char *key, const char *value)
{
    json *pair = json_object_new_array();

    if (js_append(pair, json_object_new_string(key)) < 0 ||
        js_append(pair, json_object_new_string(value)) < 0) {
        json_object_put(pair);
        return -ENOMEM;
    }
    return js_append(args, pair);
}

static json *make_args(const json *request, const json *options)
{
    json *args = json_object_new_array();
    int r = args ? add_pair(args, "IgnoreUnknown", "1") : -ENOMEM;

    if (r == 0)
        r = add_pair(args, "K8S_POD_NAME", js_str(request, "container_name"));
    if (r == 0 && *js_str(options, "static_mac"))
        r = add_pair(args, "MAC", js_str(options, "static_mac"));
    if (r == 0 && js_len(options, "static_ips") == 1)
        r = add_pair(args, "IP", json_object_get_string(js_at(options, "static_ips", 0)));
    if (r < 0) {
        json_object_put(args);
        return NULL;
    }
    return args;
}

static int add_port(json *list, const json *mapping, int64_t offset, const char *protocol)
{
    json *port = json_object_new_object();
    int r = port ? 0 : -ENOMEM;

    if (r == 0)
        r = js_set(port, "hostPort",
                   json_object_new_int64(json_object_get_int64(js_get(mapping, "host_port")) +
                                         offset));
    if (r == 0)
        r = js_set(port, "containerPort",
                   json_object_new_int64(
                       json_object_get_int64(js_get(mapping, "container_port")) + offset));
    if (r == 0)
        r = js_set_str(port, "protocol", protocol);
    if (r == 0 && *js_str(mapping, "host_ip"))
        r = js_set_str(port, "hostIP", js_str(mapping, "host_ip"));
    if (r == 0)
        r = js_append(list, json_object_get(port));
    json_object_put(port);
    return r;
}

/* One entry for each port and protocol. */
static json *make_ports(const json *request)
{
    json *list = json_object_new_array();
    int r = list ? 0 : -ENOMEM;

    for (size_t i = 0; i < js_len(request, "port_mappings"); i++) {
        const json *m = js_at(request, "port_mappings", i);
        int64_t range = json_object_get_int64(js_get(m, "range"));
        char protocols[64], *save = NULL;

        snprintf(protocols, sizeof(protocols), "%s", js_str(m, "protocol"));
        for (char *p = strtok_r(protocols, ",", &save); p; p = strtok_r(NULL, ",", &save))
            for (int64_t k = 0; r == 0 && k < (range < 1 ? 1 : range) && k < 65536; k++)
                r = add_port(list, m, k, p);
    }
    if (r < 0) {
        json_object_put(list);
        return NULL;
    }
    return list;
}

static json *make_capabilities(const json *request, const char *name, const json *options)
{
    json *can = json_object_new_object(), *aliases = json_object_new_object();
    int r = can && aliases ? 0 : -ENOMEM;

    if (r == 0 && js_len(options, "aliases")) {
        r = js_set(aliases, name, json_object_get(js_get(options, "aliases")));
        if (r == 0)
            r = js_set(can, "aliases", json_object_get(aliases));
    }
    if (r == 0 && js_len(options, "static_ips") > 1)
        r = js_set(can, "ips", json_object_get(js_get(options, "static_ips")));
    if (r == 0 && js_len(request, "port_mappings"))
        r = js_set(can, "portMappings", make_ports(request));
    json_object_put(aliases);
    if (r < 0) {
        json_object_put(can);
        return NULL;
    }
    return can;
}

/* The first CNI plugin is told of addresses that were asked for, whatever it says of itself. */
static int offer_addresses(json *list, const json *options)
{
    json *first = js_at(list, "plugins", 0), *can = js_get(first, "capabilities");

    if (js_len(options, "static_ips") == 0 || js_bool(can, "ips", false))
        return 0;
    if (!can || !json_object_is_type(can, json_type_object)) {
        can = json_object_new_object();
        if (js_set(first, "capabilities", can) < 0)
            return -ENOMEM;
    }
    return js_set_bool(can, "ips", true);
}

/* Strings are lent by the request.  list is NULL where there is no such conflist. */
static int make_run(struct berth_net *n, const char *netns, const json *request,
                    const char *name, const json *options, struct cni_run *run,
                    struct berth_error *err)
{
    int r;

    *run = (struct cni_run){.netns = netns ? netns : "",
                            .container = js_str(request, "container_id"),
                            .interface = js_str(options, "interface_name"),
                            .network = name};
    r = list_read(n, name, &run->text, &run->text_len);
    if (r == 0)
        run->list = js_parse((struct berth_blob){run->text, run->text_len});
    run->args = make_args(request, options);
    run->capabilities = make_capabilities(request, name, options);
    if (r == -ENOMEM || !run->args || !run->capabilities ||
        (run->list && offer_addresses(run->list, options) < 0))
        return NO_MEMORY(n, err);
    return 0;
}

/* ---------------------------------------------------------------------- setup */

/* The prefix of the subnet that an address is in. */
static int prefix_of(const json *net, const struct addr *a)
{
    struct cidr c;

    for (size_t i = 0; i < js_len(net, "subnets"); i++)
        if (cidr_parse(js_str(js_at(net, "subnets", i), "subnet"), &c) && cidr_has(&c, a))
            return (int)c.bits;
    return (int)a->len * 8;
}

/* Where the cache is lost: a result with the addresses that the container is known to have, for
 * those CNI plugins that work from nothing else.  NULL: none are known. */
static json *made_up_result(struct berth_net *n, const struct cni_run *run, const json *options)
{
    json *result = json_object_new_object(), *ips = json_object_new_array();
    json *interfaces = json_object_new_array(), *one = json_object_new_object();
    int r = result && ips && interfaces && one ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < js_len(options, "static_ips"); i++) {
        const char *text = json_object_get_string(js_at(options, "static_ips", i));
        json *ip = json_object_new_object();
        char *address = NULL;
        struct addr a;

        if (ip && text && addr_parse(text, &a))
            address = na_format("%s/%d", text, prefix_of(js_get(n->nets, run->network), &a));
        if (!address || js_set_str(ip, "version", a.len == 4 ? "4" : "6") < 0 ||
            js_set(ip, "interface", json_object_new_int(0)) < 0 ||
            js_set_str(ip, "address", address) < 0 || json_object_array_add(ips, ip) < 0) {
            json_object_put(ip);
            r = -ENOMEM;
        }
        free(address);
    }
    if (r == 0)
        r = js_set_str(one, "name", run->interface);
    if (r == 0)
        r = js_set_str(one, "sandbox", run->netns);
    if (r == 0 && json_object_array_add(interfaces, json_object_get(one)) < 0)
        r = -ENOMEM;
    if (r == 0)
        r = js_set_str(result, "cniVersion", js_str(run->list, "cniVersion"));
    if (r == 0)
        r = js_set(result, "interfaces", json_object_get(interfaces));
    if (r == 0)
        r = js_set(result, "ips", json_object_get(ips));
    if (r == 0 && json_object_array_length(ips) == 0)
        r = -ENOENT;
    json_object_put(one);
    json_object_put(ips);
    json_object_put(interfaces);
    if (r < 0) {
        json_object_put(result);
        return NULL;
    }
    return result;
}

static int leave_one(struct berth_net *n, const char *netns, const json *request,
                     const char *name, const json *options, struct berth_error *err)
{
    struct cni_run run;
    json *previous = NULL;
    int r = make_run(n, netns, request, name, options, &run, err);

    if (r == 0 && cache_read(n, &run, &previous) < 0) {
        if (run.list)
            berth_log(
                n->h, BERTH_LOG_INFO,
                "Failed to load cached network config: network %s not found in CNI cache, "
                "falling back to loading network %s from disk",
                name, name);
        else
            r = berth_fail(n->h, err, ENOENT, "network %s: network not found", name);
        if (run.list)
            previous = made_up_result(n, &run, options);
    }
    if (r == 0)
        r = cni_del(n, &run, previous, err);
    if (r == 0)
        cache_remove(n, &run);
    json_object_put(previous);
    cni_run_free(&run);
    return r;
}

static int join_one(struct berth_net *n, const char *netns, const json *request,
                    const char *name, const json *options, json *all, struct berth_error *err)
{
    struct cni_run run;
    json *result = NULL, *status = NULL;
    int r = make_run(n, netns, request, name, options, &run, err);

    if (r == 0 && !run.list)
        r = berth_fail(n->h, err, ENOENT, "network %s: network not found", name);
    if (r == 0)
        r = cni_add(n, &run, &result, err);
    if (r == 0) {
        r = cache_write(n, &run, result, err);
        if (r == 0 && !(status = cni_status(n, result, err)))
            r = -EREMOTEIO;
        if (r == 0 && js_set(all, name, json_object_get(status)) < 0)
            r = NO_MEMORY(n, err);
        if (r < 0) {
            cni_del(n, &run, result, NULL);
            cache_remove(n, &run);
        }
    }
    json_object_put(result);
    json_object_put(status);
    cni_run_free(&run);
    return r;
}

static int setup_locked(struct berth_net *n, const char *netns, const json *request,
                        const json *networks, struct berth_buf *out, struct berth_error *err)
{
    const char **names = nets_in_order(networks);
    json *all = json_object_new_object();
    int r = names && all ? 0 : NO_MEMORY(n, err);
    size_t done = 0;

    for (size_t i = 0; r == 0 && names[i]; i++)
        r = nets_check_options(n, names[i], js_get(networks, names[i]), err);
    if (r == 0) {
        r = links_loopback_up(netns);
        if (r < 0)
            r = berth_fail(n->h, err, -r, "failed to set the loopback adapter up in %s", netns);
    }
    while (r == 0 && names[done]) {
        r = join_one(n, netns, request, names[done], js_get(networks, names[done]), all, err);
        done += r == 0;
    }
    if (r == 0 && js_write(n->h, all, false, out) < 0)
        r = NO_MEMORY(n, err);
    while (r < 0 && done-- > 0)
        if (leave_one(n, netns, request, names[done], js_get(networks, names[done]), NULL) < 0)
            berth_log(n->h, BERTH_LOG_ERROR, "container %s: network %s is not taken down whole",
                      js_str(request, "container_id"), names[done]);
    free(names);
    json_object_put(all);
    return r;
}

int cni_setup(struct berth_net *n, const char *netns, struct berth_blob options,
              struct berth_buf *out, struct berth_error *err)
{
    json *request = NULL, *networks = NULL;
    int r;

    if (!netns || !*netns)
        return berth_fail(n->h, err, EINVAL, "namespacePath is empty");
    r = nets_read_request(n, options, &request, &networks, err);
    if (r == 0)
        r = cni_lock(n, err);
    if (r == 0) {
        r = setup_locked(n, netns, request, networks, out, err);
        nets_unlock(n);
    }
    json_object_put(networks);
    json_object_put(request);
    return r;
}

/* ------------------------------------------------------------------- teardown */

static int teardown_locked(struct berth_net *n, const char *netns, const json *request,
                           const json *networks, struct berth_error *err)
{
    const char **names = nets_in_order(networks);
    int first = names ? 0 : NO_MEMORY(n, err);

    for (size_t i = 0; names && names[i]; i++) {
        int r = leave_one(n, netns, request, names[i], js_get(networks, names[i]),
                          first < 0 ? NULL : err);

        if (r < 0 && first < 0)
            berth_log(n->h, BERTH_LOG_ERROR, "container %s: leaving network %s failed too",
                      js_str(request, "container_id"), names[i]);
        if (first == 0)
            first = r;
    }
    free(names);
    return first;
}

int cni_teardown(struct berth_net *n, const char *netns, struct berth_blob options,
                 struct berth_error *err)
{
    json *request = NULL, *networks = NULL;
    int r = nets_read_request(n, options, &request, &networks, err);

    if (r == 0)
        r = cni_lock(n, err);
    if (r == 0) {
        r = teardown_locked(n, netns, request, networks, err);
        nets_unlock(n);
    }
    json_object_put(networks);
    json_object_put(request);
    return r;
}
