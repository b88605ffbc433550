/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_state.h - what the commands of `berth state` share. */
#ifndef BERTH_CMD_STATE_H
#define BERTH_CMD_STATE_H

#include "cmd/cmd.h"

/* A bar on the terminal while long work goes on; nothing elsewhere.  copy_progress_fn. */
void state_progress(void *arg, const char *what, size_t done, size_t total);

/* Take it away, before anything else is printed. */
void state_progress_end(void);

/* From here on Ctrl-C and SIGTERM ask the work to stop, which it does where nothing is lost. */
void state_catch_signals(void);

#endif
