/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is wrong here: the kit must find nothing. */
#include "wrong.h"

WRONG(state_right, CAPS, .probe = right_probe);
