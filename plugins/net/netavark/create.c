/* SPDX-License-Identifier: Apache-2.0 */
/* create.c - what is netavark's own in making networks; see netavark.h. */
#include "netavark.h"

#include <net/if.h>
#include <string.h>

static int macvlan_options(struct making *m)
{
    static const char *const modes[] = {"bridge", "private", "vepa", "passthru"};
    json *options = js_get(m->net, "options");
    int r = 0;

    if (!options || !json_object_is_type(options, json_type_object))
        return 0;
    json_object_object_foreach (options, key, value) {
        const char *text = js_str(options, key);
        bool known = false;

        (void)value;
        if (r < 0)
            break;
        if (strcmp(key, "mode") == 0) {
            for (size_t i = 0; i < 4; i++)
                known = known || strcmp(text, modes[i]) == 0;
            if (!known)
                r = BAD(m, EINVAL, "unknown macvlan mode \"%s\"", text);
        } else if (strcmp(key, "mtu") == 0) {
            r = making_check_mtu(m, text);
        } else {
            r = BAD(m, EINVAL, "unsupported macvlan network option %s", key);
        }
    }
    return r;
}

static int make_macvlan(struct making *m, const char *ipam)
{
    json *options = js_get(m->net, "options");
    const char *parent = js_str(options, "parent");
    int r = 0;

    if (*parent) {
        if (js_set_str(m->net, "network_interface", parent) < 0)
            return NO_MEMORY(m->n, m->err);
        json_object_object_del(options, "parent");
    }
    parent = js_str(m->net, "network_interface");
    if (*parent && if_nametoindex(parent) == 0)
        return BAD(m, ENODEV, "parent interface %s does not exist", parent);
    if (!*ipam && js_len(m->net, "subnets") == 0)
        return BAD(
            m, EINVAL,
            "macvlan driver needs at least one subnet specified, DHCP is not yet supported "
            "with netavark");
    if (strcmp(ipam, "host-local") == 0 && js_len(m->net, "subnets") == 0)
        return BAD(
            m, EINVAL,
            "macvlan driver needs at least one subnet specified, when the host-local ipam "
            "driver is set");
    if (!*ipam)
        r = making_set_ipam(m, "host-local");
    return r < 0 ? r : macvlan_options(m);
}

static int check_ipam(struct making *m, const char *ipam)
{
    if (!*ipam || strcmp(ipam, "host-local") == 0)
        return 0;
    if (strcmp(ipam, "none") == 0)
        return js_len(m->net, "subnets")
                   ? BAD(m, EINVAL, "none ipam driver is set but subnets are given")
                   : 0;
    if (strcmp(ipam, "dhcp") == 0)
        return BAD(m, EINVAL, "dhcp ipam driver is not yet supported with netavark");
    return BAD(m, EINVAL, "unsupported ipam driver \"%s\"", ipam);
}

static int make_other(struct making *m, const char *driver, const char *ipam)
{
    return strcmp(driver, "macvlan") == 0
               ? make_macvlan(m, ipam)
               : BAD(m, EINVAL, "unsupported driver %s: invalid argument", driver);
}

const struct net_flavor netavark_flavor = {
    .device = "podman",
    .default_device = "podman0",
    .default_id = "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9",
    .lock = na_lock,
    .check_ipam = check_ipam,
    .make_other = make_other,
    .save = defs_save,
};
