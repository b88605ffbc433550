/* SPDX-License-Identifier: Apache-2.0 */
/* making.h - what differs from backend to backend, and what does not: a new network while it is
 * made, and the operations of plugins that are the same. */
#ifndef BERTH_NET_MAKING_H
#define BERTH_NET_MAKING_H

#include "net_common.h"

#include <sys/types.h>

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
    const char *default_device;
    const char *default_id; /* NULL: it follows from the name, and the lock's taker sets it */
    bool other_ranges; /* addresses may be given out of ranges that no definition tells of */
    bool names_only;   /* only an equal name is taken; else the beginning of an ID is too */
    /* Take the lock and read the definitions; nets_unlock() is the reverse. */
    int (*lock)(struct berth_net *n, struct berth_error *err);
    int (*check_ipam)(struct making *m, const char *ipam);
    /* Drivers but bridge. */
    int (*make_other)(struct making *m, const char *driver, const char *ipam);
    int (*save)(struct berth_net *n, json *net, struct berth_error *err);
};

int making_check_mtu(struct making *m, const char *text);
int making_set_ipam(struct making *m, const char *driver);

/* ----------------------------------------------------------------- instance */

/* When its members are filled in: may they be used?  `pools` is read into it. */
int nets_check_instance(struct berth_net *n, const char *pools, struct berth_error *err);

/* NULL is nothing. */
void nets_close(struct berth_net *n);

/* All directories of a path, the last with this mode. */
int nets_make_dirs(struct berth_net *n, char *path, mode_t mode, struct berth_error *err);

/* *out is left as it is where there is no file and none may be made. */
int nets_lock_file(struct berth_net *n, const char *path, int *out, struct berth_error *err);
void nets_unlock(struct berth_net *n);

/* Operations of struct berth_net_ops. */
const char *nets_default_name(struct berth_net *n);
int nets_create(struct berth_net *n, struct berth_blob network, uint32_t flags,
                struct berth_buf *out, struct berth_error *err);
int nets_inspect(struct berth_net *n, const char *name_or_id, struct berth_buf *out,
                 struct berth_error *err);
int nets_list(struct berth_net *n, berth_net_fn *fn, void *arg, struct berth_error *err);

/* ----------------------------------------------------------------- requests */

/* Parse what the engine asks for: *networks is a copy that may be changed.  Both are the
 * caller's, also after an error. */
int nets_read_request(struct berth_net *n, struct berth_blob text, json **request,
                      json **networks, struct berth_error *err);

/* What a container wants of one network, before anything is set up; the lock is held. */
int nets_check_options(struct berth_net *n, const char *name, const json *options,
                       struct berth_error *err);

/* Names in the order of their interfaces, ended by NULL; they lend from it.  Freed by the
 * caller; NULL: no memory. */
const char **nets_in_order(const json *networks);

#endif
