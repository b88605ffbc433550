/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap.h - the only callers of plugins.
 *
 * One thin function per operation, with the contract that berth/<kind>.h gives it.  The
 * wrappers load the plugin, hold its mutex as its thread model asks, trace
 * (BERTH_TRACE=state,lock,oci,net or all), turn an operation that is missing into
 * -ENOTSUP, and see to it that a failure comes with a description.  Fault injection for
 * tests sits here too.
 */
#ifndef BERTH_WRAP_WRAP_H
#define BERTH_WRAP_WRAP_H

#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"
#include "conf/conf.h"
#include <berth/lock.h>
#include <berth/net.h>
#include <berth/oci.h>
#include <berth/state.h>

/* Open instances. */
struct state; /* a state store */
struct txn;   /* a transaction in one */
struct locks; /* a lock manager */
struct oci;   /* an OCI runtime */
struct net;   /* a network backend */

/* Load a plugin and check its options, no more: what cannot be used is refused before
 * anything is made. */
int wrap_prepare(const struct conf *c, uint32_t kind, const char *name,
                 struct berth_error *err);

/*
 * open: `name` is the plugin's; options come from the section `section` (NULL: the
 * plugin's module name) and the overrides.  close takes NULL.
 */
int state_probe(const struct conf *c, const char *name, const struct berth_place *place,
                struct berth_error *err);
int state_open(const struct conf *c, const char *name, const struct berth_place *place,
               const struct conf_override *overrides, size_t n, uint32_t flags,
               struct state **out, struct berth_error *err);
int lock_open(const struct conf *c, const char *name, const struct berth_place *place,
              const struct conf_override *overrides, size_t n, uint32_t flags,
              struct locks **out, struct berth_error *err);
int oci_open(const struct conf *c, const char *name, const char *section,
             const struct berth_place *place, const struct conf_override *overrides, size_t n,
             struct oci **out, struct berth_error *err);
/* A runtime that containers name but that is gone: its containers can be listed and
 * inspected and their exit files read; all else fails with -ENOEXEC in podman's words. */
int oci_open_missing(const char *runtime, struct oci **out, struct berth_error *err);
bool oci_is_missing(const struct oci *r);

int net_open(const struct conf *c, const char *name, const struct berth_place *place,
             const struct conf_override *overrides, size_t n, struct net **out,
             struct berth_error *err);

/* Capabilities: the descriptor's, for OCI what open() found out. */
uint64_t state_caps(const struct state *s);
uint64_t lock_caps(const struct locks *l);
uint64_t oci_caps(const struct oci *r);
uint64_t net_caps(const struct net *n);

/* Name of the plugin behind an instance. */
const char *state_plugin(const struct state *s);
const char *lock_plugin(const struct locks *l);
const char *oci_plugin(const struct oci *r);
const char *net_plugin(const struct net *n);

/* A transaction that is rolled back unless it was committed:
 *      _cleanup_txn_ struct txn *t = NULL;
 *      state_begin(s, 0, BERTH_WAIT_FOREVER, &t, err) ... return txn_commit(&t, err); */

/* state: see berth/state.h */
void state_close(struct state *s);
void state_forked(struct state *s);
int state_begin(struct state *s, uint32_t flags, berth_deadline deadline, struct txn **out,
                struct berth_error *err);
int txn_commit(struct txn **t, struct berth_error *err);
void txn_rollback(struct txn *t);
int txn_get(struct txn *t, uint32_t kind, const char *id, uint64_t want,
            struct berth_record *out, struct berth_error *err);
int txn_resolve(struct txn *t, uint32_t kind, const char *name, uint32_t *out_kind,
                const char **out_id, struct berth_error *err);
int txn_scan(struct txn *t, const struct berth_scan *what, berth_record_fn *fn, void *arg,
             struct berth_error *err);
int txn_insert(struct txn *t, const struct berth_record *rec, struct berth_error *err);
int txn_update(struct txn *t, const struct berth_record *rec, struct berth_error *err);
int txn_remove(struct txn *t, uint32_t kind, const char *id, struct berth_error *err);
int txn_link(struct txn *t, const struct berth_link *link, struct berth_error *err);
int txn_unlink(struct txn *t, uint32_t kind, const char *from, const char *to,
               struct berth_error *err);
int64_t txn_unlink_all(struct txn *t, uint32_t kind, uint32_t end, const char *key,
                       struct berth_error *err);
int txn_linked(struct txn *t, uint32_t kind, const char *from, const char *to,
               struct berth_link *out, struct berth_error *err);
int txn_links(struct txn *t, uint32_t kind, uint32_t end, const char *key, berth_link_fn *fn,
              void *arg, struct berth_error *err);
int txn_exit_put(struct txn *t, const struct berth_exit *e, struct berth_error *err);
int txn_exit_get(struct txn *t, const char *id, struct berth_exit *out,
                 struct berth_error *err);
int txn_exit_scan(struct txn *t, berth_exit_fn *fn, void *arg, struct berth_error *err);
int64_t txn_exit_prune(struct txn *t, berth_date before, int keep_live,
                       struct berth_error *err);
int txn_config_get(struct txn *t, struct berth_store_config *out, struct berth_error *err);
int txn_config_put(struct txn *t, const struct berth_store_config *in, struct berth_error *err);
int64_t state_check(struct state *s, int repair, struct berth_list *report,
                    struct berth_error *err);
int state_backup(struct state *s, int fd, struct berth_error *err);
int state_files(struct state *s, struct berth_list *paths, struct berth_error *err);

/* lock: see berth/lock.h */
void lock_close(struct locks *l);
void lock_forked(struct locks *l);
int lock_allocate(struct locks *l, uint32_t *out_id, struct berth_error *err);
int lock_claim(struct locks *l, uint32_t id, struct berth_error *err);
int lock_release(struct locks *l, uint32_t id, struct berth_error *err);
int lock_release_all(struct locks *l, struct berth_error *err);
int lock_count(struct locks *l, struct berth_lock_count *out, struct berth_error *err);
int lock_held(struct locks *l, berth_lock_fn *fn, void *arg, struct berth_error *err);
int lock_acquire(struct locks *l, uint32_t id, berth_deadline deadline,
                 struct berth_error *err);
int lock_drop(struct locks *l, uint32_t id, struct berth_error *err);

/* oci: see berth/oci.h */
void oci_close(struct oci *r);
int oci_info(struct oci *r, struct berth_buf *out, struct berth_error *err);
int oci_create(struct oci *r, const struct berth_container *c,
               const struct berth_oci_create *how, struct berth_oci_status *out,
               uint64_t *out_usec, struct berth_error *err);
int oci_start(struct oci *r, const struct berth_container *c, struct berth_error *err);
int oci_status(struct oci *r, const struct berth_container *c, struct berth_oci_status *out,
               struct berth_error *err);
int oci_kill(struct oci *r, const struct berth_container *c, int32_t signal, uint32_t flags,
             struct berth_error *err);
int oci_stop(struct oci *r, const struct berth_container *c, berth_deadline deadline,
             uint32_t flags, struct berth_error *err);
int oci_remove(struct oci *r, const struct berth_container *c, struct berth_error *err);
int oci_pause(struct oci *r, const struct berth_container *c, struct berth_error *err);
int oci_unpause(struct oci *r, const struct berth_container *c, struct berth_error *err);
int oci_update(struct oci *r, const struct berth_container *c, struct berth_blob resources,
               struct berth_error *err);
int oci_attach(struct oci *r, const struct berth_container *c, const char *session, int *out_fd,
               struct berth_error *err);
int oci_resize(struct oci *r, const struct berth_container *c, const char *session,
               struct berth_tty_size to, struct berth_error *err);
int oci_exec(struct oci *r, const struct berth_container *c, const struct berth_oci_exec *what,
             int *out_fd, int32_t *out_pid, struct berth_error *err);
int oci_exec_stop(struct oci *r, const struct berth_container *c, const char *session,
                  berth_deadline deadline, struct berth_error *err);
int oci_exec_status(struct oci *r, const struct berth_container *c, const char *session,
                    int32_t *out_code, struct berth_error *err);
int oci_monitored(struct oci *r, const struct berth_container *c, struct berth_error *err);
int oci_path(struct oci *r, const struct berth_container *c, uint32_t which,
             const char *session, struct berth_buf *out, struct berth_error *err);
int oci_checkpoint(struct oci *r, const struct berth_container *c,
                   const struct berth_oci_checkpoint *how, uint64_t *out_usec,
                   struct berth_error *err);
int oci_wait(struct oci *r, const struct berth_container *c, const char *session,
             berth_deadline deadline, struct berth_oci_status *out, struct berth_error *err);

/* net: see berth/net.h */
void net_close(struct net *n);
int net_info(struct net *n, struct berth_buf *out, struct berth_error *err);
int net_drivers(struct net *n, struct berth_list *out, struct berth_error *err);
const char *net_default_name(struct net *n);
int net_create(struct net *n, struct berth_blob network, uint32_t flags, struct berth_buf *out,
               struct berth_error *err);
int net_remove(struct net *n, const char *name_or_id, struct berth_error *err);
int net_inspect(struct net *n, const char *name_or_id, struct berth_buf *out,
                struct berth_error *err);
int net_list(struct net *n, berth_net_fn *fn, void *arg, struct berth_error *err);
int net_update(struct net *n, const char *name_or_id, struct berth_blob change,
               struct berth_error *err);
int net_setup(struct net *n, const char *netns, struct berth_blob options,
              struct berth_buf *out, struct berth_error *err);
int net_teardown(struct net *n, const char *netns, struct berth_blob options,
                 struct berth_error *err);
/* -ENOTSUP: the plugin cannot check. */
int net_check(struct net *n, struct berth_blob joined, berth_net_left_fn *fn, void *arg,
              struct berth_error *err);

static inline void txn_rollbackp(struct txn **t)
{
    txn_rollback(*t);
    *t = NULL;
}
#define _cleanup_txn_ _cleanup_(txn_rollbackp)

#endif
