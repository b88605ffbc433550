/* SPDX-License-Identifier: Apache-2.0 */
/* ports.h - published ports are kept from other programs as long as a container runs. */
#ifndef BERTH_ENGINE_PORTS_H
#define BERTH_ENGINE_PORTS_H

#include "engine/ctr.h"

/* Descriptors that hold host ports; free with ports_free(). */
struct ports {
    int *fds;
    size_t n;
};

/*
 * Bind every TCP and UDP port of the host that c publishes, where the configuration wants it
 * and the ports are redirected rather than forwarded by a program.  Nothing listens: what
 * gets past the redirection is refused.  A port that is taken: -EADDRINUSE and others, with
 * podman's text.
 */
int ports_reserve(const struct ctr *c, struct ports *out, struct berth_error *err);

/* One more to be held with them: a copy. */
int ports_add(struct ports *p, int fd, struct berth_error *err);
void ports_free(struct ports *p);

/* Call for each protocol ("tcp", "udp", "sctp") of each of a container's port mappings, until
 * one call fails; gives what the last call gave. */
typedef int ports_fn(void *arg, const json *mapping, const char *protocol,
                     struct berth_error *err);
int ports_each(const json *mappings, ports_fn *fn, void *arg, struct berth_error *err);
#define _cleanup_ports_ _cleanup_(ports_free)

#endif
