/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.h - exec sessions: commands run inside a container that runs.
 *
 * A session is recorded twice, as podman does: in the state document (newExecSessions) and
 * as a link from the session to its container.
 */
#ifndef BERTH_ENGINE_EXEC_H
#define BERTH_ENGINE_EXEC_H

#include "engine/ctr.h"

struct exec_options {
    struct berth_list command; /* at least one word */
    struct berth_list env;     /* "NAME=value" */
    char *user;                /* NULL: the container's */
    char *cwd;                 /* NULL: the container's */
    char *detach_keys;         /* NULL: the default */
    bool terminal, interactive, privileged, detach;
    uint64_t preserve_fds;
    const char *health; /* of a health check: the status before it, which an event tells in
                           the place of `exec`; NULL: no health check */
};

/* Make a session and record it.  -EINVAL: the container does not run. */
int exec_create(struct ctr *c, const struct exec_options *o, char session[static ID_LEN + 1],
                struct berth_error *err);

/* Start it.  out_fd NULL: detached; else *out_fd is its stream socket.  The options are
 * those that it was created with. */
int exec_start(struct ctr *c, const char *session, const struct exec_options *o, int *out_fd,
               struct berth_error *err);

/* Wait for its end, record its exit code and remove its files; the record goes too if
 * `forget`. */
int exec_finish(struct ctr *c, const char *session, bool forget, int32_t *out_code,
                struct berth_error *err);

/* The exit command's work: note the end of a session if nobody has. */
int exec_cleanup(struct ctr *c, const char *session, bool remove, struct berth_error *err);

/* Is a session of c alive?  Looks at the processes.  The lock is held. */
bool exec_any_alive(struct ctr *c);

/* Stop and forget all of them, for the removal of c; failures are logged.  Lock held. */
void exec_remove_all(struct ctr *c);

#endif
