/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the program; all of it is in src/cmd. */
#include "cmd/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
