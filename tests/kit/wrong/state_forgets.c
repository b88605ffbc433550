/* SPDX-License-Identifier: Apache-2.0 */
/* It claims to survive the process, and writes nothing anywhere. */
#include "wrong.h"

WRONG(state_forgets, CAPS | BERTH_STATE_CAP_PERSISTENT, .probe = right_probe);
