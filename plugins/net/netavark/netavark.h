/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netavark.h - what the files of the network plugin `netavark` share.
 *
 * Definitions of networks are files of podman's, addresses are handed out from podman's
 * ipam.db, and the program netavark does the rest.  Every operation holds podman's lock
 * from its beginning to its end, so both engines can use the same networks.
 */
#ifndef BERTH_NETAVARK_H
#define BERTH_NETAVARK_H

#include "plugins/net/common/links.h"
#include "plugins/net/common/making.h"
#include "plugins/net/common/net_common.h"
#include "plugins/net/common/run.h"

#include <stdlib.h>

/* Take podman's lock and read the definitions; the reverse. */
int na_lock(struct berth_net *n, struct berth_error *err);

/* What is netavark's own in making networks. */
extern const struct net_flavor netavark_flavor;

/* -------------------------------------------------------------- definitions */

/* Read every definition of the directory, and make the default network if none is there. */
int defs_load(struct berth_net *n, struct berth_error *err);

/* Write a definition to its file. */
int defs_save(struct berth_net *n, json *net, struct berth_error *err);
int defs_unlink(struct berth_net *n, const char *name, struct berth_error *err);

/* --------------------------------------------------------------------- IPAM */

/* Does this network take its addresses from here? */
bool ipam_is_used(const json *net);

/* Hand out addresses for all networks of a container in one transaction, and put them into
 * each network's static_ips, one per subnet, in the order of the subnets. */
int ipam_allocate(struct berth_net *n, const char *id, json *networks, struct berth_error *err);

/* Put the addresses that a container has into static_ips.  Networks of which nothing is
 * known are left alone; the first such is described. */
int ipam_read(struct berth_net *n, const char *id, json *networks, struct berth_error *err);

/* Give all addresses that a container has on these networks back. */
int ipam_release(struct berth_net *n, const char *id, const json *networks,
                 struct berth_error *err);

/* Who has which addresses: network -> container ID -> array of addresses. */
int ipam_list(struct berth_net *n, json **out, struct berth_error *err);

/* Forget a network that was removed. */
int ipam_forget(struct berth_net *n, const char *network, struct berth_error *err);

/* ------------------------------------------------------------------- program */

/* Path of netavark (-ENOENT, in podman's words) and of aardvark-dns (NULL: none). */
int prog_find(struct berth_net *n, char **out, struct berth_error *err);
char *prog_find_dns(struct berth_net *n);

/* Run `netavark VERB NETNS` on a document; out (may be NULL) becomes its answer. */
#define PROG_GONE 1 /* a teardown found that part of it was gone already */
int prog_run(struct berth_net *n, const char *verb, const char *netns, const json *document,
             json **out, struct berth_error *err);

/* Does an error of a teardown tell of nothing but things that were gone already? */
bool prog_only_gone(const char *text);

/* Tell netavark of the DNS servers of a network whose containers run. */
int prog_update(struct berth_net *n, const json *net, struct berth_error *err);

/* Run another program of the host, by its name in $PATH: its status, or -errno (-ENOENT: there
 * is none).  out: its standard output. */
int prog_other(struct berth_net *n, const char *const *argv, struct berth_buf *out,
               struct berth_error *err);

/* ------------------------------------------------------- one that outlives its command */

/* Note that netavark runs, and that it has ended.  Under podman's lock. */
void running_note(struct berth_net *n);
void running_forget(struct berth_net *n);

/* Where a note was left by a command that was killed: wait until its netavark has ended.
 * -ECANCELED, or 0. */
int running_wait(struct berth_net *n, struct berth_error *err);

/* ---------------------------------------------------------------- DNS server */

/* The whole of a small file; 0 or -errno. */
int na_read_text(const char *path, char **out);

/* netavark changes the files under this lock: a descriptor or -errno. */
int dns_lock(struct berth_net *n, struct berth_error *err);

/* Does aardvark-dns run?  Let it read its files again; put one of them in place. */
bool dns_runs(struct berth_net *n);
void dns_tell(struct berth_net *n);
int dns_write(struct berth_net *n, const char *path, const char *head, const char *rest);

/* Take a container's entries on some networks out of its files. */
void dns_drop(struct berth_net *n, const char *id, const json *networks);

/* --------------------------------------------------------------- operations */

/* Take out bridges of these networks without containers, and rules for no address in use: where
 * netavark was killed, or did not find what it begins with. */
void na_sweep(struct berth_net *n, const json *networks);

int na_check(struct berth_net *n, struct berth_blob joined, berth_net_left_fn *fn, void *arg,
             struct berth_error *err);
int na_update(struct berth_net *n, const char *name_or_id, struct berth_blob change,
              struct berth_error *err);
int na_setup(struct berth_net *n, const char *netns, struct berth_blob options,
             struct berth_buf *out, struct berth_error *err);
int na_teardown(struct berth_net *n, const char *netns, struct berth_blob options,
                struct berth_error *err);

#endif
