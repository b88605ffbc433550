/* SPDX-License-Identifier: Apache-2.0 */
/* system_signals.h - SIGTERM and SIGINT, which may come at any time. */
#ifndef BERTH_ENGINE_SYSTEM_SIGNALS_H
#define BERTH_ENGINE_SYSTEM_SIGNALS_H

#include <signal.h>

/*
 * End the program as podman does: SIGTERM with status 0, SIGINT with 1.  Nothing else need be
 * done: transactions that are open are rolled back, locks are given to the next one with a
 * note, and what must not be cut short holds the signals back.
 */
void signals_handle(void);

/* Hold both back, for this thread, until signals_release(). */
void signals_hold(sigset_t *old);
void signals_release(const sigset_t *old);

#endif
