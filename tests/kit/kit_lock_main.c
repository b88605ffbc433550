/* SPDX-License-Identifier: Apache-2.0 */
/* kit-lock: the lock part of the conformance kit on its own.  See kit_lock.h. */
#include "tests/kit/kit_lock.h"
#include "tests/kit/kit_tap.h"

int main(int argc, char **argv)
{
    return kit_program(argc, argv, "kit-lock", kit_lock_run);
}
