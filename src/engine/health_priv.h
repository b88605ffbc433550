/* SPDX-License-Identifier: Apache-2.0 */
/* health_priv.h - what the health*.c files share. */
#ifndef BERTH_ENGINE_HEALTH_PRIV_H
#define BERTH_ENGINE_HEALTH_PRIV_H

#include "engine/health.h"

/* The record's healthcheck; NULL: none. */
json *health_config(const struct ctr *c);

/* Put a log in place, as a whole; c's lock is held. */
int health_log_save(const struct ctr *c, const json *log, struct berth_error *err);

/* Restart an unhealthy container. */
int health_restart(struct ctr *c, struct berth_error *err);

#endif
