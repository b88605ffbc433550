/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kit_lock.h - the conformance kit's part for lock plugins.
 *
 * It checks what berth/lock.h promises on any plugin file.  Each case runs in a process
 * of its own, so that one which crashes or hangs fails alone.
 */
#ifndef BERTH_KIT_LOCK_H
#define BERTH_KIT_LOCK_H

/*
 * Run all cases on the plugin file PATH and print TAP lines, numbered from *NUMBER + 1 on
 * (no plan line).  OPTIONS are "name=value" strings for the plugin's options, ending with
 * NULL.  The locks are thrown away again and again: the options and the place, a new
 * directory below $TMPDIR, must not lead to locks that anybody uses.  ONLY: run only the cases
 * whose names contain this text; NULL: all.  *NUMBER becomes the number of the last case. Gives
 * how many cases failed, or -1 with a line on standard error if the file cannot be used.
 */
int kit_lock_run(const char *path, const char *const *options, const char *only,
                 unsigned *number);

/* ------------------------------------------- for the cases, within the kit */

#include <berth/lock.h>

#include "tests/lib/testhost.h"

#include <semaphore.h>
#include <sys/types.h>

/* What all processes of a case see. */
struct kit_shared {
    sem_t step[8];
    char failure[512];
    uint32_t ids[64];
    int inside[4];
    volatile int sum[4];
};

struct kit_lock {
    const struct berth_plugin *plugin;
    const char *only;
    struct berth_lock_ops ops;
    struct testhost *th;
    struct berth_host host;
    struct berth_config *cfg;
    struct berth_place place;
    struct berth_error *err;
    struct kit_shared *shared;
    int limited, parallel; /* capabilities that cases often ask for */
    struct berth_locks *open[4];
};

struct kit_lock_case {
    const char *name;
    uint64_t caps; /* without one of these the case is skipped */
    int threads;   /* the case starts threads: for BERTH_THREADS_PARALLEL only */
    int (*run)(struct kit_lock *k);
};

extern const struct kit_lock_case kit_lock_single[]; /* end with a NULL name */
extern const struct kit_lock_case kit_lock_procs[];

/* Note why the case fails; gives -1.  Only the first reason is kept. */
int kit_failed(struct kit_lock *k, const char *file, int line, const char *what);

#define NEED(k, cond)                                                                          \
    do {                                                                                       \
        if (!(cond))                                                                           \
            return kit_failed((k), __FILE__, __LINE__, #cond);                                 \
    } while (0)

/* R is success (GIVES), and nothing was said; or -CODE, described exactly once. */
#define GIVES(k, value, r) NEED(k, kit_is(k, (r), (value)))
#define FAILS(k, code, r)  NEED(k, kit_is(k, (r), -(code)))
int kit_is(struct kit_lock *k, int r, int want);

/* Open the locks, all of them free; or those that another process made fresh. */
struct berth_locks *kit_fresh(struct kit_lock *k);
struct berth_locks *kit_again(struct kit_lock *k);
void kit_close(struct kit_lock *k, struct berth_locks *l);

/* In a child made by fork(), tell the plugin for all that are open; kit_spawn() does. */
void kit_forked(struct kit_lock *k);

/* What acquire() gives when the last owner died. */
int kit_orphaned(const struct kit_lock *k);

/* Make cancelled() say so, from any thread. */
void kit_cancel(int on);

berth_deadline kit_now(void);
void kit_sleep(unsigned ms);

/* Let another process or thread pass step N; wait for that (0, or -1 after a minute). */
void kit_post(struct kit_lock *k, int n);
int kit_wait(struct kit_lock *k, int n);

/* Start a process that runs FN, and dies with its parent; wait for it: FN's result, or -1
 * if it was killed. */
pid_t kit_spawn(struct kit_lock *k, int (*fn)(struct kit_lock *k, int arg), int arg);
int kit_join(pid_t pid);

/* Run FN on a thread to its end and give its result. */
int kit_on_thread(struct kit_lock *k, int (*fn)(struct kit_lock *k, void *arg), void *arg);

#endif
