/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the program; all of it is in src/cmd. */
#include "base/str.h"
#include "cmd/cli.h"
#include "rootless/rootless.h"

int main(int argc, char **argv)
{
    if (argc == 1 && str_eq(argv[0], ROOTLESS_PAUSE))
        rootless_pause();
    return cli_main(argc, argv);
}
