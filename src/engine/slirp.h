/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slirp.h - slirp4netns: a network in user space, of which nobody but this process and the
 * container knows.  What podman means by its options, and how it calls the program.
 */
#ifndef BERTH_ENGINE_SLIRP_H
#define BERTH_ENGINE_SLIRP_H

#include "base/json.h"
#include "conf/conf.h"
#include <netinet/in.h>

struct slirp_options {
    const char *cidr; /* NULL: the usual one */
    const char *outbound, *outbound6;
    uint32_t network; /* address of it, in the host's byte order */
    uint32_t mtu;
    bool host_loopback;
    bool ipv6;
    bool sandbox;
    bool forwards; /* ports by itself, through its socket */
};

/* Those of the configuration, then those of a container (array of "name=value", or NULL); the
 * texts are borrowed.  -EINVAL with podman's text. */
int slirp_options(const struct conf *conf, const json *given, struct slirp_options *out,
                  struct berth_error *err);

/* Addresses in its network. */
#define SLIRP_GATEWAY   2
#define SLIRP_DNS       3
#define SLIRP_CONTAINER 100
const char *slirp_address(const struct slirp_options *o, uint32_t number,
                          char buf[static INET_ADDRSTRLEN]);

/* Where it is to work. */
struct slirp_place {
    const char *netns;  /* path of the network namespace */
    int64_t pid;        /* of a process in it, which the program is told instead; 0: none */
    const char *socket; /* for slirp_forward(); NULL: none */
    int end_fd;         /* it ends when the writing end of this pipe is closed; -1: never */
};

/* Start it and wait until it is ready. */
int slirp_start(const struct conf *conf, const struct slirp_options *o,
                const struct slirp_place *place, pid_t *out, struct berth_error *err);

/* Let it forward ports: array of podman's port mappings.  `pid` is the program's. */
int slirp_forward(const char *socket, pid_t pid, const json *mappings, struct berth_error *err);

#endif
