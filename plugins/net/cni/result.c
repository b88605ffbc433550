/* SPDX-License-Identifier: Apache-2.0 */
/* result.c - from what CNI plugins answer to podman's status of a network; see cni.h. */
#include "cni.h"

#include <string.h>

static int add_subnet(json *subnets, const json *ip)
{
    json *s = json_object_new_object();
    int r = s ? js_set_str(s, "ipnet", js_str(ip, "address")) : -ENOMEM;

    if (r == 0 && *js_str(ip, "gateway"))
        r = js_set_str(s, "gateway", js_str(ip, "gateway"));
    if (r < 0 || json_object_array_add(subnets, s) < 0) {
        json_object_put(s);
        return -ENOMEM;
    }
    return 0;
}

/* An interface within the container, with the addresses that point to it. */
static int add_interface(json *interfaces, const json *result, size_t index)
{
    const json *interface = js_at(result, "interfaces", index);
    json *one = json_object_new_object(), *subnets = json_object_new_array();
    int r = one && subnets ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < js_len(result, "ips"); i++) {
        const json *ip = js_at(result, "ips", i), *at = js_get(ip, "interface");

        if (at && json_object_is_type(at, json_type_int) &&
            json_object_get_int64(at) == (int64_t)index)
            r = add_subnet(subnets, ip);
    }
    if (r == 0 && json_object_array_length(subnets))
        r = js_set(one, "subnets", json_object_get(subnets));
    if (r == 0)
        r = js_set_str(one, "mac_address", js_str(interface, "mac"));
    if (r == 0)
        r = js_set(interfaces, js_str(interface, "name"), json_object_get(one));
    json_object_put(one);
    json_object_put(subnets);
    return r;
}

static int add_list(json *status, const char *key, const json *from, const char *member)
{
    return js_len(from, member) ? js_set(status, key, json_object_get(js_get(from, member)))
                                : 0;
}

static int check_indices(struct berth_net *n, const json *result, struct berth_error *err)
{
    for (size_t i = 0; i < js_len(result, "ips"); i++) {
        const json *ip = js_at(result, "ips", i), *at = js_get(ip, "interface");
        struct cidr c;

        if (at && json_object_is_type(at, json_type_int) &&
            (json_object_get_int64(at) < 0 ||
             (uint64_t)json_object_get_int64(at) >= js_len(result, "interfaces")))
            return berth_fail(n->h, err, EREMOTEIO,
                              "invalid cni result, interface index %lld out of range",
                              (long long)json_object_get_int64(at));
        if (!cidr_parse(js_str(ip, "address"), &c))
            return berth_fail(n->h, err, EREMOTEIO, "invalid cni result, address \"%s\"",
                              js_str(ip, "address"));
    }
    return 0;
}

json *cni_status(struct berth_net *n, const json *result, struct berth_error *err)
{
    json *status = json_object_new_object(), *interfaces = json_object_new_object();
    int r = status && interfaces ? check_indices(n, result, err) : NO_MEMORY(n, err);

    for (size_t i = 0; r == 0 && i < js_len(result, "interfaces"); i++) {
        const json *interface = js_at(result, "interfaces", i);

        if (*js_str(interface, "sandbox") && *js_str(interface, "name") &&
            add_interface(interfaces, result, i) < 0)
            r = NO_MEMORY(n, err);
    }
    if (r == 0 &&
        ((json_object_object_length(interfaces) &&
          js_set(status, "interfaces", json_object_get(interfaces)) < 0) ||
         add_list(status, "dns_server_ips", js_get(result, "dns"), "nameservers") < 0 ||
         add_list(status, "dns_search_domains", js_get(result, "dns"), "search") < 0))
        r = NO_MEMORY(n, err);
    json_object_put(interfaces);
    if (r < 0) {
        json_object_put(status);
        return NULL;
    }
    return status;
}
