/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cni.h - what the files of the network plugin `cni` share.
 *
 * Networks are conflists, which podman's CNI backend and other programs read too.  Joining one
 * is running its CNI plugins one after the other; what they answered is kept in the cache of
 * libcni, which leaving it works from.  Every operation holds podman's lock.
 *
 * Of the instance (net_common.h), helper_dirs are the directories of CNI plugins, run_dir is
 * the cache.
 */
#ifndef BERTH_CNI_H
#define BERTH_CNI_H

#include "plugins/net/common/links.h"
#include "plugins/net/common/making.h"
#include "plugins/net/common/net_common.h"
#include "plugins/net/common/run.h"

/* Take podman's lock and read the conflists; nets_unlock() is the reverse. */
int cni_lock(struct berth_net *n, struct berth_error *err);

/* ---------------------------------------------------------------- conflists */

/* A conflist that was read; the members of the network that it means. */
int lists_load(struct berth_net *n, struct berth_error *err);

/* A conflist that can be run: an object with a name and plugins that have a type.  NULL, or
 * what is wrong. */
const char *list_problem(const json *list);

/* The file of a new network; that of one that is there is in n->files. */
char *list_path(struct berth_net *n, const char *name);

/* The text of a conflist as podman writes it for a network; NULL: no memory. */
char *list_text(struct berth_net *n, const json *net);

/* What libcni would read now for a network: its file, or the text of the default one.
 * -ENOENT. */
int list_read(struct berth_net *n, const char *name, char **text, size_t *len);

extern const struct net_flavor cni_flavor;

/* The ID that podman gives a network. */
void list_id(const char *name, char out[65]);

/* ------------------------------------------------------------------ running */

/* One network of one container. */
struct cni_run {
    const char *netns; /* "": it is gone */
    const char *container, *interface, *network;
    json *list;         /* the conflist */
    json *args;         /* [["IgnoreUnknown","1"],...] */
    json *capabilities; /* what may go to runtimeConfig */
    char *text;         /* the conflist as it stands in its file or in the cache */
    size_t text_len;
};

void cni_run_free(struct cni_run *run);

/* Path of a CNI plugin; NULL: there is none. */
char *cni_find(struct berth_net *n, const char *type);

/* ADD or DEL of one of its plugins.  previous may be NULL; out (may be NULL) becomes
 * the result. */
int cni_exec(struct berth_net *n, const struct cni_run *run, const char *command,
             const json *plugin, const json *previous, json **out, struct berth_error *err);

/* The whole chain: ADD, and nothing is left when one of its plugins fails; DEL. */
int cni_add(struct berth_net *n, const struct cni_run *run, json **out,
            struct berth_error *err);
int cni_del(struct berth_net *n, const struct cni_run *run, const json *previous,
            struct berth_error *err);

/* -------------------------------------------------------------------- cache */

int cache_write(struct berth_net *n, const struct cni_run *run, json *result,
                struct berth_error *err);
/* Fill in list, text, args and capabilities; *result may become NULL.  -ENOENT: there is none
 * that can be used. */
int cache_read(struct berth_net *n, struct cni_run *run, json **result);
void cache_remove(struct berth_net *n, const struct cni_run *run);

/* --------------------------------------------------------------- operations */

int cni_setup(struct berth_net *n, const char *netns, struct berth_blob options,
              struct berth_buf *out, struct berth_error *err);
int cni_teardown(struct berth_net *n, const char *netns, struct berth_blob options,
                 struct berth_error *err);

/* What the last plugin answered, as podman's status of a network; NULL with the error. */
json *cni_status(struct berth_net *n, const json *result, struct berth_error *err);

#endif
