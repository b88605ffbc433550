/* SPDX-License-Identifier: Apache-2.0 */
/* kit-state: the state part of the conformance kit on its own.  See kit_state.h. */
#include "tests/kit/kit_state.h"
#include "tests/kit/kit_tap.h"

int main(int argc, char **argv)
{
    return kit_program(argc, argv, "kit-state", kit_state_run);
}
