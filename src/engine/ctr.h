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

#endif
