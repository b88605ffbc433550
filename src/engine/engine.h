/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - what libpod means, once, above all backends.
 *
 * The engine is the only caller of src/wrap.  Commands (src/cmd) call the engine and print.
 * Objects live for one command; nothing here is shared between threads.
 *
 * Order of locks, outermost first: alive lock, pod, container, volume (lockorder.h), then a
 * state transaction.  A transaction is a leaf: no lock is taken, no program run and no network
 * used inside one.
 */
#ifndef BERTH_ENGINE_ENGINE_H
#define BERTH_ENGINE_ENGINE_H

#include "base/error.h"
#include "base/id.h"
#include "base/json.h"
#include "conf/conf.h"
#include "wrap/wrap.h"

struct storage;

struct ctr;

/* Expand a Go template over the description of a container, whose record is up to date, as
 * `inspect` shows it.  *out is the caller's.  -EINVAL: the template is wrong. */
typedef int engine_expand_fn(struct ctr *c, const char *text, char **out,
                             struct berth_error *err);

struct engine {
    struct conf *conf;        /* lent; its paths are merged with the store's record */
    struct berth_place place; /* lends from conf */
    struct state *state;      /* open from engine_open() on */
    struct locks *locks;      /* opened by engine_locks() */
    struct net *net;          /* opened by engine_net() */
    struct storage *storage;  /* opened by engine_storage() */
    struct engine_oci *ocis;  /* runtimes opened so far */
    size_t n_ocis;
    bool refreshed;           /* this process put the store right after a boot */
    int alive_fd;             /* alive lock (boot.h); -1: not held */
    engine_expand_fn *expand; /* for tags of logs; NULL: they stay what they are */
};

/* engine_open() flags */
#define ENGINE_READONLY (1u << 0) /* look only: no refresh, no directories, no lock segment */
#define ENGINE_NO_BOOT  (1u << 1) /* skip boot detection (renumber, reset) */
#define ENGINE_EXISTING (1u << 2) /* no store is made where there is none: -ENOENT */

/*
 * Open the store, merge and check its record of paths, and put everything right after a
 * boot.  Errors: the store cannot be had; it was made for other paths (EINVAL).
 */
int engine_open(struct conf *conf, unsigned flags, struct engine **out,
                struct berth_error *err);
void engine_close(struct engine *e);

static inline void engine_closep(struct engine **e)
{
    engine_close(*e);
}
#define _cleanup_engine_ _cleanup_(engine_closep)

/* Parts that only some commands need, opened at first use.  Borrowed. */
int engine_locks(struct engine *e, struct locks **out, struct berth_error *err);
int engine_net(struct engine *e, struct net **out, struct berth_error *err);
int engine_storage(struct engine *e, struct storage **out, struct berth_error *err);

/* The OCI runtime that a container names, or the default where `name` is NULL or empty.  The
 * default is there or it is an error (-ENOEXEC, -ENOENT); for one that a container records
 * and that is gone, something stands in which cannot run anything. */
int engine_oci(struct engine *e, const char *name, struct oci **out, struct berth_error *err);

/* Name of the default runtime as containers record it ("crun"). */
const char *engine_oci_default(const struct engine *e);

/* Our own program with the global flags that make it work on the same containers: the start
 * of a command line, to which a command is added. */
int engine_self(const struct engine *e, struct berth_list *out, struct berth_error *err);

/* Arguments of the command that conmon runs when a container ends, without session and
 * container ID (container-lifecycle: our own program, global flags, `container cleanup`). */
int engine_exit_command(const struct engine *e, bool auto_remove, struct berth_list *out,
                        struct berth_error *err);

#endif
