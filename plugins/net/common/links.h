/* SPDX-License-Identifier: Apache-2.0 */
/* links.h - a little of what the program `ip` does, in the network namespace of a container. */
#ifndef BERTH_NET_LINKS_H
#define BERTH_NET_LINKS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct link {
    char name[IF_NAMESIZE];
    int index, master; /* 0: none */
    bool bridge;
};

/* All interfaces of this namespace; *out is the caller's.  0 or -errno. */
int links_list(struct link **out, size_t *n);

/* Delete an interface in the namespace bound to this path (NULL: in this one); one that is not
 * there is fine.  0 or -errno. */
int links_delete(const char *netns, const char *name);

/* A process that does nothing, in a network namespace of its own, or -errno; and its end. */
pid_t links_hold_empty(void);
void links_let_go(pid_t pid);

/* Bring the loopback interface up. */
int links_loopback_up(const char *netns);

#endif
