/* SPDX-License-Identifier: Apache-2.0 */
/* confirm.h - asking before something is lost. */
#ifndef BERTH_CMD_CONFIRM_H
#define BERTH_CMD_CONFIRM_H

#include "base/error.h"

/* Ask whether to go on, wherever standard input is: 1 yes, 0 no, -ENODATA: no answer. */
int ask(void);

/* Ask on the terminal: 1 yes, 0 no.  -EPERM, naming the flag that answers for the user, where
 * standard input is no terminal. */
int confirm(const char *flag, struct berth_error *err);

#endif
