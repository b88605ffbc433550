/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kit_state.h - the conformance kit's part for state plugins.
 *
 * It checks what berth/state.h promises on any plugin file.  Each case runs in a process and
 * in a directory of its own; what a plugin does not claim among its capabilities is not
 * asked of it.  After each case the plugin's own check() must find nothing.
 */
#ifndef BERTH_KIT_STATE_H
#define BERTH_KIT_STATE_H

#include "tests/kit/kit_run.h"

/* ------------------------------------------- for the cases, within the kit */

#include <berth/state.h>

#include "tests/lib/testhost.h"

#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#define KEY_IDS 16

/* What all processes of a case see. */
struct kit_shared {
    sem_t step[8];
    char failure[768];
};

struct kit_state {
    const struct berth_plugin *plugin;
    struct berth_state_ops ops;
    uint64_t caps;
    struct testhost *th;
    struct berth_host host;
    struct berth_config *cfg;
    struct berth_place place;
    struct berth_error *err;
    struct kit_shared *shared;
    struct berth_state *s;                                   /* the open store; NULL: none */
    char root[256];                                          /* of all cases */
    char dir[288];                                           /* of this case */
    const char *ctr[KEY_IDS], *pod[KEY_IDS], *exec[KEY_IDS]; /* IDs, in order */
    char keys[3 * KEY_IDS][BERTH_STATE_ID_MAX + 1];
    int arg; /* of the case */
    const char *only;
};

struct kit_state_case {
    const char *name;
    uint64_t caps; /* without one of these the case is skipped */
    int (*run)(struct kit_state *k);
    int arg; /* put into kit_state.arg */
};

/* All end with a NULL name. */
extern const struct kit_state_case kit_state_records[], kit_state_scans[], kit_state_links[],
    kit_state_sides[], kit_state_txns[], kit_state_hosts[], kit_state_procs[];

/* Note why the case fails; gives -1.  Only the first reason is kept. */
int kst_failed(struct kit_state *k, const char *file, int line, const char *what, int64_t got);

/* clang-format off */
#define NEED(k, cond)                                                                          \
    do {                                                                                       \
        if (!(cond))                                                                           \
            return kst_failed((k), __FILE__, __LINE__, #cond, 0);                              \
    } while (0)

/* CALL gives VALUE, and nothing was said; or -CODE, described exactly once. */
#define GIVES(k, value, call)                                                                  \
    do {                                                                                       \
        int64_t got_ = (call);                                                                 \
        if (!kst_is((k), got_, (value)))                                                       \
            return kst_failed((k), __FILE__, __LINE__, #value " from " #call, got_);           \
    } while (0)
#define FAILS(k, code, call) GIVES(k, -(code), call)
#define OK(k, call)          GIVES(k, 0, call)

/* CALL is a case or a helper that has said what is wrong. */
#define TRY(call)                                                                              \
    do {                                                                                       \
        if ((call) < 0)                                                                        \
            return -1;                                                                         \
    } while (0)
/* clang-format on */

int kst_is(struct kit_state *k, int64_t r, int64_t want);

/* Open the store of this case (0 or -1), and close it; flags as open()'s. */
int kit_open(struct kit_state *k, uint32_t flags);
void kst_close(struct kit_state *k);

/* Begin a transaction, waiting; NULL on failure, which is noted.  The store is opened, and
 * made, if it is not. */
struct berth_txn *kit_begin(struct kit_state *k, uint32_t flags);
#define kit_read(k)  kit_begin((k), 0)
#define kit_write(k) kit_begin((k), BERTH_TXN_WRITE)
int kit_commit(struct kit_state *k, struct berth_txn *t);
/* Commit, and begin another of the same kind; or rather undo. */
int kit_next(struct kit_state *k, struct berth_txn **t);
int kit_undo(struct kit_state *k, struct berth_txn **t);

/* A whole record of a kind; documents agree with the attributes and tell records apart.
 * What it points to lives in *m. */
struct kit_made {
    struct berth_record rec;
    char config[512], state[256];
};
void kit_make(struct kit_made *m, uint32_t kind, const char *id, const char *name,
              const char *pod);

/* Insert such a record: 0 or -1. */
int kit_add(struct kit_state *k, struct berth_txn *t, uint32_t kind, const char *id,
            const char *name, const char *pod);

/* A record has the members of `want`, all others left out, as they were put. */
int kit_same(struct kit_state *k, const struct berth_record *got,
             const struct berth_record *put, uint64_t want);

/* Read it and compare. */
int kit_holds(struct kit_state *k, struct berth_txn *t, const struct berth_record *put);

/* IDs that a scan visits, "a b c"; and the other ends of links.  0 or -1. */
int kit_scanned(struct kit_state *k, struct berth_txn *t, const struct berth_scan *scan,
                const char *expected);
int kit_linked(struct kit_state *k, struct berth_txn *t, uint32_t kind, uint32_t end,
               const char *key, const char *expected);
struct berth_scan kit_scan(uint32_t kind, const char *prefix);
struct berth_link kit_link(uint32_t kind, const char *from, const char *to, const char *value);

/* A fingerprint of all files in the case's directory: names, sizes, bytes. */
uint64_t kit_files(struct kit_state *k);

/* Number of open descriptors; with `open_only`, of those that are not close-on-exec. */
int kit_fds(int inherited_only);

berth_deadline kst_now(void);

/* Let another process pass step N; wait for that (0, or -1 after a minute). */
void kst_post(struct kit_state *k, int n);
int kst_wait(struct kit_state *k, int n);

/* Start a process that runs FN with no store open, and dies with its parent; wait for it:
 * 0 if FN gave 0, else -1. */
pid_t kst_spawn(struct kit_state *k, int (*fn)(struct kit_state *k, int arg), int arg);
int kst_join(pid_t pid);

#endif
