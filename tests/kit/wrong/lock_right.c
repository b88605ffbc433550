/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is wrong here: the kit must find nothing. */
#include "wrong_lock.h"

WRONG(lock_right, .probe = right_probe);
