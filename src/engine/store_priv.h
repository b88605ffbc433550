/* SPDX-License-Identifier: Apache-2.0 */
/* store_priv.h - what the files of the store layer share; see store.h. */
#ifndef BERTH_ENGINE_STORE_PRIV_H
#define BERTH_ENGINE_STORE_PRIV_H

#include "engine/store.h"

#define STORE_DOCUMENTS (BERTH_REC_NAME | BERTH_REC_ATTRS | BERTH_REC_CONFIG | BERTH_REC_STATE)

/* Does a record's namespace (NULL: none) hide it from this engine? */
bool store_hidden(const struct engine *e, const char *ns);

/* Are two namespaces (NULL: none) the same, as far as the store has them? */
bool store_same_namespace(const struct engine *e, const char *a, const char *b);

/* The object is still valid and in our namespace.  -ENOENT. */
int store_ctr_valid(const struct ctr *c, struct berth_error *err);

/* What a backend's "not there" means for a container: it is marked as removed. */
int store_ctr_gone(struct ctr *c, int r, struct berth_error *err);

/* Write its state, and the exit code that was noted. */
int store_ctr_put_state(struct ctr *c, struct txn *t, struct berth_error *err);

/* Load one within a transaction; *out is the caller's. */
int store_ctr_load(struct engine *e, struct txn *t, const char *id, struct ctr **out,
                   struct berth_error *err);

/* IDs of existing containers that depend on c. */
int store_ctr_dependents(struct ctr *c, struct txn *t, struct berth_list *out,
                         struct berth_error *err);

/* Remove the links that c has made, and its exec sessions. */
int store_ctr_unlink(struct ctr *c, struct txn *t, struct berth_error *err);

/* Networks of a new container have names, and names of interfaces.  -EINVAL. */
int store_networks_check(json *networks, struct berth_error *err);

/* Neither a container nor a pod has this ID or name.  -EEXIST. */
int store_check_free(struct txn *t, const char *id, const char *name, struct berth_error *err);

/* Put the `from` ends of the links of a kind to `to` into a list; those that no longer exist
 * as containers are left out. */
int store_link_users(struct engine *e, struct txn *t, uint32_t kind, const char *to,
                     struct berth_list *out, struct berth_error *err);

/* An array of objects that grows: room for one more at (*items)[*n]. */
int store_room(void *items, size_t n, size_t *cap, struct berth_error *err);

#endif
