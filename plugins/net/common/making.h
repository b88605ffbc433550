/* SPDX-License-Identifier: Apache-2.0 */
/* making.h - a new network while it is made: what differs from backend to backend. */
#ifndef BERTH_NET_MAKING_H
#define BERTH_NET_MAKING_H

#include "net_common.h"

struct making {
    struct berth_net *n;
    json *net;
    struct cidr *used; /* of networks and of the host's interfaces */
    size_t n_used;
    struct berth_error *err;
};

#define BAD(m, code, ...) berth_fail((m)->n->h, (m)->err, code, __VA_ARGS__)

struct net_flavor {
    const char *device; /* names of bridges are this and a number */
    const char *default_device, *default_id;
    bool names_only; /* only an equal name is taken; else the beginning of an ID is too */
    int (*check_ipam)(struct making *m, const char *ipam);
    /* Drivers but bridge. */
    int (*make_other)(struct making *m, const char *driver, const char *ipam);
    int (*save)(struct berth_net *n, json *net, struct berth_error *err);
};

int making_check_mtu(struct making *m, const char *text);
int making_set_ipam(struct making *m, const char *driver);

#endif
