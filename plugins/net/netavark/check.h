/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - looking for what containers left behind: what the parts of it share. */
#ifndef BERTH_NETAVARK_CHECK_H
#define BERTH_NETAVARK_CHECK_H

#include "netavark.h"

struct check {
    struct berth_net *n;
    json *joined;    /* container ID -> its networks; null: not known */
    json *addresses; /* text of an address that a container has -> true */
    json *networks;  /* name of a network that a container is on -> true */
    berth_net_left_fn *fn;
    void *arg;
    struct berth_error *err;
};

/* Ask about one thing: 1: it is to be removed. */
int check_left(struct check *k, const char *container, const char *fmt, ...) BERTH_PRINTF(3, 4);

/* May the container be on this network? */
bool check_is_on(const struct check *k, const char *id, const char *network);

/* Does a container have an address in this subnet? */
bool check_subnet_used(const struct check *k, const struct cidr *subnet);

/* ipam.db.  It completes k->addresses and k->networks, so it comes first. */
int check_ipam(struct check *k);

/* Files of aardvark-dns. */
int check_dns(struct check *k);

/* iptables, for IPv4 and IPv6. */
int check_firewall(struct check *k);

/* Bridges of networks that nobody is on. */
int check_bridges(struct check *k);

#endif
