/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_life.h - the steps of a container's life that the ctr_*.c files share.  The
 * container's lock is held in all of them. */
#ifndef BERTH_ENGINE_CTR_LIFE_H
#define BERTH_ENGINE_CTR_LIFE_H

#include "engine/ctr.h"
#include <signal.h>

/* Network namespace: made and joined to its networks, where the container has one of its
 * own and it is not there yet; c->netns is its path.  The reverse takes what is there. */
int ctr_net_setup(struct ctr *c, struct berth_error *err);
/* For containers with a user namespace, whose network namespace the runtime makes inside of
 * it: once their first process is there. */
int ctr_net_setup_late(struct ctr *c, struct berth_error *err);
int ctr_net_teardown(struct ctr *c, struct berth_error *err);

/* A namespace that is being joined to its networks, or that a process left that was killed
 * meanwhile.  Fresh memory; NULL: there is none, or it is none of ours. */
char *ctr_net_noted(const struct ctr *c);

/* Take down what a process left that was killed before it could record it. */
void ctr_net_recover(struct ctr *c);

/* What a network plugin is told of a container and some of its networks (name -> options). */
int ctr_net_request(struct ctr *c, json *networks, struct berth_buf *out,
                    struct berth_error *err);

/* Join its namespace to some of its networks: *out is the plugin's answer, name -> status.
 * And leave them. */
int ctr_net_join(struct ctr *c, json *networks, json **out, struct berth_error *err);
int ctr_net_leave(struct ctr *c, json *networks, struct berth_error *err);

/* The networks that it may be joined to, by its record: those that it wants, and those of its
 * last status; the options have the addresses that it was given. */
int ctr_net_joined(struct ctr *c, json **out, struct berth_error *err);

/*
 * Programs that make the network of a container (mode slirp4netns), or forward its ports
 * (rootless bridge networks).  They run as long as somebody has the writing end of a pipe:
 * this process, which lets go of it when the monitor has it.
 *
 * start: for the namespace c->netns; pid: of a process in it, where the runtime made it;
 * is_new: it has never been used, so it gets its pasta too, which lives as long as the
 * namespace.  On failure none is left.  hold: the descriptor that the monitor has to keep; -1:
 * there is no such program.  end: all of them, whoever started them.
 */
int ctr_net_start_programs(struct ctr *c, int64_t pid, bool is_new, struct berth_error *err);
/* Its addresses are others now: ports go to the first of them. */
void ctr_net_moved(const struct ctr *c);
int ctr_net_hold(struct ctr *c, int *out_fd, struct berth_error *err);
void ctr_net_let_go(struct ctr *c);
void ctr_net_end_programs(struct ctr *c);

/* The namespace that had this path is gone: pasta, if it was that, follows. */
void ctr_net_end_pasta(const struct ctr *c, const char *netns);

/* The options of its slirp4netns; texts are lent by its record. */
struct slirp_options;
int ctr_net_slirp(const struct ctr *c, struct slirp_options *out, struct berth_error *err);

/* How a container comes to be in the runtime. */
struct ctr_making {
    bool restart;           /* keep the count of restarts */
    const char *checkpoint; /* directory to restore it from, and it runs then; NULL: afresh */
    uint32_t flags;         /* BERTH_OCI_CREATE_*, besides those of the configuration */
    int (*prepare)(struct ctr *c, struct berth_error *err); /* when all is mounted; or NULL */
    uint64_t usec;                                          /* set: how long the runtime took */

    /* A new container has no record yet: this makes it, and becomes NULL then.  signals: what
     * was held back for it, and is let go when the runtime has it. */
    int (*record)(void *arg, struct berth_error *err);
    void *arg;
    const sigset_t *signals;

    /* Its own: whether all is ready for the runtime, and what was in the way. */
    struct ctr *c;
    bool ready;
    int failure;
    struct berth_error *err;
};

/* Prepare, write config.json, create or restore in the runtime, save: state CREATED or
 * RUNNING.  On failure everything is undone but the record. */
int ctr_make_locked(struct ctr *c, struct ctr_making *m, struct berth_error *err);

/* The same, and the event. */
int ctr_init_locked(struct ctr *c, bool restart, struct berth_error *err);

/* Init if need be, attach if wanted, start, save. */
int ctr_start_locked(struct ctr *c, int *attach_fd, struct berth_error *err);

/* The same of a container that is new, and was not locked.  What fails before the record was
 * made leaves nothing. */
int ctr_start_new(struct ctr *c, struct ctr_making *m, int *attach_fd, struct berth_error *err);

/* Ask, then make it stop; the state is saved before and after, and the lock is given up
 * while waiting.  -ESRCH: it did not run. */
int ctr_stop_locked(struct ctr *c, uint32_t seconds, struct berth_error *err);

/* Undo what preparing and the runtime did: exit file, runtime, mounts, network.  The first
 * failure is returned, the others are logged. */
int ctr_cleanup_parts(struct ctr *c, struct berth_error *err);

/* A container that the record calls configured or exited, with a monitor's files in its run
 * directory: its creation may never have been recorded, because the engine died. */
bool ctr_left_in_runtime(const struct ctr *c);

/* The process that had the lock died with it: record what the runtime says, where that can
 * tell more than the record. */
int ctr_sync_orphaned(struct ctr *c, struct berth_error *err);

/* Does the restart policy ask for another run?  And the run: restartCount grows. */
bool ctr_should_restart(const struct ctr *c);
int ctr_restart_by_policy(struct ctr *c, struct berth_error *err);

/* The n descriptors from 3 on, with which this program was started; fresh memory or NULL. */
int *ctr_inherited(uint32_t n);

/* SIGINT and SIGTERM wait until what was done is recorded; *old for sigprocmask(). */
void ctr_hold_signals(sigset_t *old);

/* A failed runtime call: append podman's words for its kind.  Returns r. */
int ctr_classify(int r, struct berth_error *err);

#endif
