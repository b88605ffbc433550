/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - what the engine asks for when a container joins or leaves networks. */
#include "making.h"

#include <string.h>

int nets_read_request(struct berth_net *n, struct berth_blob text, json **request,
                      json **networks, struct berth_error *err)
{
    json *nets;

    *networks = NULL;
    *request = js_parse(text);
    nets = js_get(*request, "networks");
    if (!*request || !nets || !json_object_is_type(nets, json_type_object))
        return berth_fail(n->h, err, EINVAL, "network options are not what they should be");
    /* Its ID becomes part of names of files. */
    if (!defs_name_ok(js_str(*request, "container_id")))
        return berth_fail(n->h, err, EINVAL, "ContainerID is empty");
    if (json_object_object_length(nets) == 0)
        return berth_fail(n->h, err, EINVAL, "must specify at least one network");
    return json_object_deep_copy(nets, networks, NULL) < 0 ? NO_MEMORY(n, err) : 0;
}

static int check_address(struct berth_net *n, const char *name, json *item, bool any_subnet,
                         struct berth_error *err)
{
    const json *net = js_get(n->nets, name);
    const char *text =
        item && json_object_is_type(item, json_type_string) ? json_object_get_string(item) : "";
    struct cidr subnet;
    struct addr a;

    if (!addr_parse(text, &a))
        return berth_fail(n->h, err, EINVAL, "invalid ip address \"%s\" on network %s", text,
                          name);
    for (size_t k = 0; !any_subnet && k < js_len(net, "subnets"); k++)
        any_subnet = cidr_parse(js_str(js_at(net, "subnets", k), "subnet"), &subnet) &&
                     cidr_has(&subnet, &a);
    return any_subnet ? 0
                      : berth_fail(n->h, err, EINVAL,
                                   "requested static ip %s not in any subnet on network %s",
                                   text, name);
}

int nets_check_options(struct berth_net *n, const char *name, const json *options,
                       struct berth_error *err)
{
    const json *net = js_get(n->nets, name);
    const char *interface = js_str(options, "interface_name");
    const char *ipam = js_str(js_get(net, "ipam_options"), "driver");
    bool any_subnet = *ipam && strcmp(ipam, "host-local") != 0;
    int r = 0;

    if (n->flavor->other_ranges && js_len(net, "subnets") == 0)
        any_subnet = true;
    if (!net)
        return berth_fail(n->h, err, ENOENT,
                          "unable to find network with name or ID %s: network not found", name);
    if (!*interface)
        return berth_fail(n->h, err, EINVAL, "interface name on network %s is empty", name);
    if (strlen(interface) > 15 || strcmp(interface, "lo") == 0 || strpbrk(interface, "/: \t"))
        return berth_fail(n->h, err, EINVAL,
                          "interface name \"%s\" on network %s is not usable", interface, name);
    for (size_t i = 0; r == 0 && i < js_len(options, "static_ips"); i++)
        r = check_address(n, name, js_at(options, "static_ips", i), any_subnet, err);
    return r;
}

const char **nets_in_order(const json *networks)
{
    const char **names = js_sorted(networks);

    for (size_t i = 1; names && names[0] && names[i]; i++)
        for (size_t k = i; k > 0; k--) {
            const char *a = js_str(js_get(networks, names[k - 1]), "interface_name");
            const char *b = js_str(js_get(networks, names[k]), "interface_name");
            const char *held = names[k];

            if (strverscmp(a, b) <= 0)
                break;
            names[k] = names[k - 1];
            names[k - 1] = held;
        }
    return names;
}
