/* SPDX-License-Identifier: Apache-2.0 */
/* links.h - a little of what the program `ip` does, in the network namespace of a container. */
#ifndef BERTH_NET_LINKS_H
#define BERTH_NET_LINKS_H

/* Delete an interface in the namespace bound to this path; one that is not there is fine.  0 or
 * -errno. */
int links_delete(const char *netns, const char *name);

/* Bring the loopback interface up. */
int links_loopback_up(const char *netns);

#endif
