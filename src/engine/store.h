/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - what libpod's State interface means, on the primitives of a state plugin.
 *
 * Names are unique over containers and pods, dependencies must exist and stay inside a
 * pod, a partial ID must fit one object, and a libpod namespace hides the others: all of it
 * is decided here, once for every backend.  Texts of errors are podman's.
 *
 * An object whose record turns out to be gone is marked so (`removed`) and refused from then
 * on, -ENOENT; so is one that the engine's namespace hides.
 *
 * Functions with a struct txn work in that transaction; the others begin one of their own.
 */
#ifndef BERTH_ENGINE_STORE_H
#define BERTH_ENGINE_STORE_H

#include "engine/ctr.h"
#include "engine/pod.h"
#include "engine/volume.h"

/* A transaction, waiting as long as it takes. */
int store_begin(struct engine *e, bool write, struct txn **out, struct berth_error *err);

/* ------------------------------------------------------------------ look up */

/* Full ID from a full ID, a name, or the first bytes of an ID.  kind: BERTH_CONTAINER,
 * BERTH_POD.  -ENOENT: none; -EEXIST: several fit. */
int store_find(struct engine *e, struct txn *t, uint32_t kind, const char *name_or_id,
               char out[static ID_LEN + 1], struct berth_error *err);

/* Visit records of the engine's namespace. */
int store_scan(struct engine *e, struct txn *t, uint32_t kind, uint64_t want,
               berth_record_fn *fn, void *arg, struct berth_error *err);

/* Full IDs of all containers (status_mask: bit per enum ctr_status; 0: any), in order. */
int store_ids(struct engine *e, uint32_t kind, uint32_t status_mask, struct berth_list *out,
              struct berth_error *err);

/* Is there an object with this full ID (of a volume, name), in our namespace?  1, 0, or
 * -EINVAL where the ID is empty. */
int store_has(struct engine *e, uint32_t kind, const char *id, struct berth_error *err);

/* Name of the container or pod with this full ID; *out is freed or NULL before, and the
 * caller's.  -ENOENT. */
int store_name(struct engine *e, const char *id, char **out, struct berth_error *err);

/* Does the state document of a record (scanned with BERTH_REC_STATE) have one of these
 * statuses?  Status is read from the document, as not every format keeps it beside. */
bool store_status_is(const struct berth_record *rec, uint32_t status_mask);

/* ---------------------------------------------------------------- containers */

/* Load one container: configuration and state.  ctr_lookup() takes what the user typed.
 * *out is the caller's.  -ENOENT. */
int ctr_load(struct engine *e, const char *id, struct ctr **out, struct berth_error *err);
int ctr_lookup(struct engine *e, const char *name_or_id, struct ctr **out,
               struct berth_error *err);

/* Full ID of what the user typed, without loading it. */
int engine_lookup_ctr(struct engine *e, const char *name_or_id, char out[static ID_LEN + 1],
                      struct berth_error *err);

/* Every container that matches, loaded in one transaction. */
int ctr_load_all(struct engine *e, uint32_t status_mask, struct ctr ***out, size_t *n,
                 struct berth_error *err);
void ctr_free_all(struct ctr **ctrs, size_t n);

/* Read state, name and network namespace again (and the configuration, which a rename or
 * renumbering may have changed).  -ENOENT: it is gone. */
int store_reload(struct ctr *c, struct berth_error *err);

/* Put a new container into the store, with links to what it needs; with c->pod, as a member
 * of that.  networks: object of PerNetworkOptions, or NULL.  -EEXIST: ID or name in use. */
int store_add(struct ctr *c, json *networks, struct berth_error *err);

/* Write the state.  `code`: put this exit code into the side table too (EXIT_NONE: none).
 * With c->defer, only note that it has to be written; store_flush() does it then. */
#define EXIT_NONE INT32_MIN
int store_save(struct ctr *c, int32_t code, struct berth_error *err);
int store_flush(struct ctr *c, struct berth_error *err);

/* Write the configuration, under a new name if c->name differs from old_name. */
int store_rewrite(struct ctr *c, const char *old_name, struct berth_error *err);

/* Remove it, and its links; an exit code that was noted is recorded.  -ENOTEMPTY: containers
 * depend on it. */
int store_remove(struct ctr *c, struct berth_error *err);

/* IDs of containers that depend on it. */
int store_dependents(struct ctr *c, struct berth_list *out, struct berth_error *err);

/* IDs of containers that it depends on: namespaces it joins and explicit ones. */
int ctr_dependencies(const struct ctr *c, struct berth_list *out);

/* Networks of a container: object of name -> PerNetworkOptions, never NULL; the caller's.
 * Only with the mode `bridge` a container has any. */
int store_networks(struct ctr *c, json **out, struct berth_error *err);

/* Record that it is connected to one more network, that the options of a connection are
 * others, or that it is connected no longer.  options: PerNetworkOptions, lent.  Whether
 * there is such a network is not looked at.  -EINVAL; -EEXIST: connected already; -ENOENT:
 * not connected, or its mode is not `bridge`.  The lock of the container is held. */
int store_network_connect(struct ctr *c, const char *name, json *options,
                          struct berth_error *err);
int store_network_modify(struct ctr *c, const char *name, json *options,
                         struct berth_error *err);
int store_network_disconnect(struct ctr *c, const char *name, struct berth_error *err);

/* Exit code of a container that may be gone.  -ENOENT. */
int store_exit_code(struct engine *e, const char *id, int32_t *out, struct berth_error *err);

/* Forget exit codes older than five minutes of containers that are gone.  Quick when
 * there is nothing to do: looks in a reading transaction first. */
int store_exit_prune(struct engine *e, struct berth_error *err);

/* ---------------------------------------------------------------------- pods */

/* As for containers.  *out is the caller's. */
int pod_load(struct engine *e, const char *id, struct pod **out, struct berth_error *err);
int pod_lookup(struct engine *e, const char *name_or_id, struct pod **out,
               struct berth_error *err);
int pod_load_all(struct engine *e, struct pod ***out, size_t *n, struct berth_error *err);
void pod_free_all(struct pod **pods, size_t n);

/* Read it again. */
int store_pod_reload(struct pod *p, struct berth_error *err);

/* -EEXIST: ID or name in use, by a container or a pod. */
int store_pod_add(struct pod *p, struct berth_error *err);

/* Write the state; write the configuration, which must not change ID or name. */
int store_pod_save(struct pod *p, struct berth_error *err);
int store_pod_rewrite(struct pod *p, struct berth_error *err);

/* -ENOTEMPTY: it has members. */
int store_pod_remove(struct pod *p, struct berth_error *err);

/* Remove all members, whatever depends on what among them, in one transaction.  -EEXIST: a
 * container outside depends on one. */
int store_pod_remove_ctrs(struct pod *p, struct berth_error *err);

/* Add a member, whose configuration names the pod; remove one. */
int store_pod_add_ctr(struct pod *p, struct ctr *c, json *networks, struct berth_error *err);
int store_pod_remove_ctr(struct pod *p, struct ctr *c, struct berth_error *err);

/* Is the container with this full ID a member?  1 or 0. */
int store_pod_has(struct pod *p, const char *id, struct berth_error *err);

/* IDs of all members, in order; all members, loaded, freed by ctr_free_all(). */
int store_pod_ids(struct pod *p, struct berth_list *out, struct berth_error *err);
int store_pod_ctrs(struct pod *p, struct ctr ***out, size_t *n, struct berth_error *err);

/* ------------------------------------------------------------------- volumes */

/* By its name, or by what only its name begins with.  *out is the caller's.  -ENOENT;
 * -EEXIST: several begin so. */
int volume_load(struct engine *e, const char *name, struct volume **out,
                struct berth_error *err);
int volume_lookup(struct engine *e, const char *name, struct volume **out,
                  struct berth_error *err);
int volume_load_all(struct engine *e, struct volume ***out, size_t *n, struct berth_error *err);
void volume_free_all(struct volume **volumes, size_t n);

/* Read it again; add it (-EEXIST); write its state; write its configuration. */
int store_vol_reload(struct volume *v, struct berth_error *err);
int store_vol_add(struct volume *v, struct berth_error *err);
int store_vol_save(struct volume *v, struct berth_error *err);
int store_vol_rewrite(struct volume *v, struct berth_error *err);

/* Write its state and that of a container, whose lock is held, in one transaction. */
int store_vol_save_with(struct volume *v, struct ctr *c, struct berth_error *err);

/* -EBUSY: containers use it. */
int store_vol_remove(struct volume *v, struct berth_error *err);

/* IDs of the containers that use it and exist. */
int store_vol_users(struct volume *v, struct berth_list *out, struct berth_error *err);

/* Is a container of the storage with this ID the ground of a volume?  1 or 0. */
int store_is_volume_ctr(struct engine *e, const char *id, struct berth_error *err);

/* ------------------------------------------------------------- exec sessions */

int store_exec_add(struct ctr *c, const char *session, struct berth_error *err);
int store_exec_remove(struct ctr *c, const char *session, struct berth_error *err);
int store_exec_remove_all(struct ctr *c, struct berth_error *err);

/* IDs of the sessions of a container. */
int store_exec_list(struct ctr *c, struct berth_list *out, struct berth_error *err);

/* ID of the container of a session.  -ENOENT. */
int store_exec_find(struct engine *e, const char *session, char out[static ID_LEN + 1],
                    struct berth_error *err);

/* ------------------------------------------------------------------ identity */

/* Merge the store's record of its paths into the configuration, and check it: what the user
 * chose must agree, the rest is taken over; what is missing is written.  -EINVAL. */
int store_validate(struct engine *e, bool readonly, struct berth_error *err);

/* After a boot: in one transaction, forget what no longer runs.  keep: IDs of containers that
 * are of this boot and are left alone, and with them, if there are any, all pods and volumes.
 * fn, unless it is NULL, may change the state of each of the others before it is written. */
typedef void store_refresh_fn(void *arg, const char *id, json *state);
int store_refresh(struct engine *e, const struct berth_list *keep, store_refresh_fn *fn,
                  void *arg, struct berth_error *err);

#endif
