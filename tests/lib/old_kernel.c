/* SPDX-License-Identifier: Apache-2.0 */
/*
 * old_kernel.c - runs a command where system calls are not known.
 *
 *   old_kernel NAME[,NAME...] COMMAND [ARG...]
 */
#include "lib/without.h"
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: old_kernel NAME[,NAME...] COMMAND [ARG...]\n");
        return 2;
    }
    /* A test with what is still there would say nothing. */
    if (without_syscalls(argv[1]) < 0 || syscalls_gone(argv[1]) < 0) {
        perror(argv[1]);
        return 2;
    }
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
