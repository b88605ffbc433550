/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctr.h - one container: its record in memory, and what can be done to it.
 *
 * Functions that change a container take its lock themselves unless their name ends in
 * _locked.  Texts of errors are podman's.
 */
#ifndef BERTH_ENGINE_CTR_H
#define BERTH_ENGINE_CTR_H

#include "engine/engine.h"

/* libpod's numbers, as the store has them. */
enum ctr_status {
    CTR_UNKNOWN = 0,
    CTR_CONFIGURED = 1, /* shown as "created" */
    CTR_CREATED = 2,    /* "initialized" */
    CTR_RUNNING = 3,
    CTR_STOPPED = 4,
    CTR_PAUSED = 5,
    CTR_EXITED = 6,
    CTR_REMOVING = 7,
    CTR_STOPPING = 8,
};

struct ctr {
    struct engine *e;
    char id[ID_LEN + 1];
    char *name;
    char *pod;    /* NULL: none */
    char *ns;     /* libpod namespace; NULL: none */
    char *netns;  /* path; NULL: none of its own */
    json *config; /* ContainerConfig, whole */
    json *state;  /* ContainerState, whole, unknown members included */
    bool locked;  /* this process holds its lock */
    bool removed; /* its record is gone */

    struct net_programs *programs; /* of its network, until its monitor has them; NULL: none */

    uint32_t preserve_fds; /* descriptors from 3 on that its next run inherits */

    json *addresses; /* network status; its next run gets the same addresses; NULL: any */

    /* While `defer` is set, store_save() only notes what it was asked to write; the next
     * save, or the removal, writes it in one transaction with its own. */
    bool defer;
    bool unsaved;
    int32_t unsaved_code; /* exit code that goes with it; EXIT_NONE: none */
};

void ctr_free(struct ctr *c);
static inline void ctr_freep(struct ctr **c)
{
    ctr_free(*c);
}
#define _cleanup_ctr_ _cleanup_(ctr_freep)

/* Words of podman for a status, and back (-EINVAL). */
const char *ctr_status_name(int status);
int ctr_status_parse(const char *word, int *out);

static inline int ctr_status(const struct ctr *c)
{
    return (int)json_i64(c->state, "state", CTR_UNKNOWN);
}

/* Places: all from the record.  Borrowed strings. */
const char *ctr_static_dir(const struct ctr *c); /* the bundle too */
const char *ctr_run_dir(const struct ctr *c);

/* Number of its lock. */
uint32_t ctr_lock_id(const struct ctr *c);

/* Name of the OCI runtime it records. */
const char *ctr_runtime(const struct ctr *c);

/* Running, paused or about to stop: there is a process. */
bool ctr_alive(const struct ctr *c);

/* ------------------------------------------------------------- lock and sync */

/*
 * Take the lock, read the record again and let it follow reality: a container whose exit
 * file is there, or whose monitor and process are gone, becomes stopped (event `died`, exit
 * code recorded).  -ENOENT: it was removed meanwhile.
 */
int ctr_lock(struct ctr *c, struct berth_error *err);
/* The lock of a container that is new, and has no record yet. */
int ctr_lock_new(struct ctr *c, struct berth_error *err);
void ctr_unlock(struct ctr *c);

/* Only the second half; the lock is held. */
int ctr_sync_locked(struct ctr *c, struct berth_error *err);

/* It is known to be ending: wait for that, at most until the deadline, and record it.  What is
 * left when somebody took the exit file and was killed is recorded as -1. */
int ctr_sync_end(struct ctr *c, berth_deadline deadline, struct berth_error *err);

/* Would a sync change it?  Looks for the exit file and at the processes only, so listings
 * can ask for each container: numbers as in the state document. */
bool ctr_is_stale(struct engine *e, const char *id, int status, int64_t pid,
                  int64_t conmon_pid);

/* ---------------------------------------------------------------- operations */

struct ctr_options;

/* Create from what the user typed.  *out is the caller's, unlocked. */
int ctr_create(struct engine *e, const struct ctr_options *o, struct ctr **out,
               struct berth_error *err);

/* Create and start; attach_fd as in ctr_start().  The record is written while the monitor
 * starts up.  *out: the container, also when it could not be started; NULL: it could not be
 * created. */
int ctr_run(struct engine *e, const struct ctr_options *o, int *attach_fd, struct ctr **out,
            struct berth_error *err);

/* Operations and the states they accept: container-lifecycle table of podman.  A state that
 * does not fit: -EINVAL with "container state improper". */
int ctr_init(struct ctr *c, struct berth_error *err);

/* attach_fd NULL: detached; else *attach_fd is a connected stream socket (berth/oci.h)
 * that misses nothing. */
int ctr_start(struct ctr *c, int *attach_fd, struct berth_error *err);

/* seconds: how long to wait for the stop signal to do it. -ESRCH: it was not running. */
int ctr_stop(struct ctr *c, uint32_t seconds, struct berth_error *err);
/* Stop it if it runs, as ctr_stop() does, and start it.  -EINVAL: it is paused. */
int ctr_restart(struct ctr *c, uint32_t seconds, struct berth_error *err);
int ctr_kill(struct ctr *c, int signal, struct berth_error *err);
int ctr_pause(struct ctr *c, struct berth_error *err);
int ctr_unpause(struct ctr *c, struct berth_error *err);
int ctr_cleanup(struct ctr *c, struct berth_error *err);

/* What came of a checkpoint or a restoration. */
struct ctr_checkpoint_report {
    uint64_t usec; /* how long the runtime took */
    json *stats;   /* criu's numbers, podman's names; the caller's; NULL: not asked for */
};

#define CTR_CHECKPOINT_KEEP            (1u << 0) /* logs; of a restoration: the checkpoint too */
#define CTR_CHECKPOINT_LEAVE_RUNNING   (1u << 1)
#define CTR_CHECKPOINT_TCP_ESTABLISHED (1u << 2)
#define CTR_CHECKPOINT_FILE_LOCKS      (1u << 3)
#define CTR_CHECKPOINT_PRE             (1u << 4) /* its memory only, in advance; it runs on */
#define CTR_CHECKPOINT_WITH_PREVIOUS   (1u << 5) /* only what changed since then */
#define CTR_CHECKPOINT_STATS           (1u << 6)
#define CTR_RESTORE_ANY_IP             (1u << 7) /* it need not have its old addresses */
#define CTR_RESTORE_ANY_MAC            (1u << 8)

/*
 * Write the processes of a running container into its static directory, and end them; and
 * start a container from what was written, with the same addresses.  -ENOTSUP: the runtime
 * cannot do it; -EINVAL: its state, or there is no checkpoint.  After a failure the files are
 * what they were.
 */
int ctr_checkpoint(struct ctr *c, unsigned flags, struct ctr_checkpoint_report *out,
                   struct berth_error *err);
int ctr_restore(struct ctr *c, unsigned flags, struct ctr_checkpoint_report *out,
                struct berth_error *err);

/* -EEXIST: another container or pod has that name. */
int ctr_rename(struct ctr *c, const char *name, struct berth_error *err);

/* Change the limits that are given in the options; the record keeps them, and one that runs
 * gets them at once. */
int ctr_update(struct ctr *c, const struct ctr_options *o, struct berth_error *err);

/* How a container is to be connected to a network; NULL and empty: as it comes. */
struct ctr_connection {
    const struct berth_list *aliases;
    const char *ip, *ip6, *mac;
};

/*
 * Connect it to one more network, at once if it is alive; disconnect it.  `network` is a name
 * or the beginning of an ID; `typed` is how the user calls the container.  -EINVAL: its mode
 * is not `bridge`, or an option is wrong; -EEXIST: connected already (not of one that never
 * ran: that is podman's rule); -ENOENT.  force: disconnect it even if there is no such network
 * any more, or the backend fails.
 */
int ctr_network_connect(struct ctr *c, const char *typed, const char *network,
                        const struct ctr_connection *how, struct berth_error *err);
int ctr_network_disconnect(struct ctr *c, const char *typed, const char *network, bool force,
                           struct berth_error *err);

/* Leave all networks and join them again with the same addresses, so that rules of the
 * firewall come back.  -EINVAL: its mode is not `bridge`, or it is not alive. */
int ctr_network_reload(struct ctr *c, struct berth_error *err);

/* Connect to the streams of a running or initialized container; *out_fd is the caller's. */
int ctr_attach(struct ctr *c, int *out_fd, struct berth_error *err);

/* Tell its terminal how large ours is. */
int ctr_resize(struct ctr *c, struct berth_tty_size size, struct berth_error *err);

/* Wait for the end and give the exit code; ctr_wait() waits for the cleanup of it too. */
int ctr_end(struct ctr *c, int32_t *out_code, struct berth_error *err);
/* Wait for the end and remove it, in one transaction. -ENOENT: somebody else removed it;
 * *out_code is set then too. */
int ctr_end_remove(struct ctr *c, int32_t *out_code, struct berth_error *err);
int ctr_wait(struct ctr *c, int32_t *out_code, struct berth_error *err);
/* Wait until its status is one of a mask (bit per enum ctr_status), looking every `interval`
 * nanoseconds.  *out_code is -1, but the exit code where it waited for the end. */
int ctr_wait_status(struct ctr *c, uint32_t mask, int64_t interval, int32_t *out_code,
                    struct berth_error *err);

#define CTR_REMOVE_FORCE   (1u << 0) /* running and paused ones too */
#define CTR_REMOVE_VOLUMES (1u << 1) /* with its anonymous volumes */
#define CTR_REMOVE_INFRA   (1u << 2) /* also if it is the infra container of a pod */
/* timeout: seconds for the stop of a running one; UINT32_MAX: its own. */
int ctr_remove(struct ctr *c, unsigned flags, uint32_t timeout, struct berth_error *err);

/* Seconds that it is given to stop, and the signal. */
uint32_t ctr_stop_timeout(const struct ctr *c);
int ctr_stop_signal(const struct ctr *c);

/* As the runtime plugins see it: a copy, which the next read of the record leaves alone. */
struct ctr_view {
    struct berth_container c;
    struct berth_list strings;
    struct berth_list exit_command;
    struct berth_buf config, state;
};
int ctr_view_make(struct ctr *c, struct ctr_view *view, struct berth_error *err);
void ctr_view_free(struct ctr_view *view);
#define _cleanup_view_ _cleanup_(ctr_view_free)

#endif
