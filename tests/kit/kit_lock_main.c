/* SPDX-License-Identifier: Apache-2.0 */
/* kit-lock: the lock part of the conformance kit on its own.  See kit_lock.h. */
#include "tests/kit/kit_lock.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *options[64];
    const char *only = NULL;
    unsigned n = 0, number = 0;
    int failures, i = 1;

    for (; i + 1 < argc && strcmp(argv[i], "-o") == 0 && n < 63; i += 2)
        options[n++] = argv[i + 1];
    options[n] = NULL;
    if (i + 1 < argc && strcmp(argv[i], "-r") == 0) {
        only = argv[i + 1];
        i += 2;
    }
    if (i + 1 != argc) {
        fprintf(stderr, "usage: kit-lock [-o OPTION=VALUE]... [-r PART-OF-NAME] PLUGIN.so\n");
        return 2;
    }
    failures = kit_lock_run(argv[i], options, only, &number);
    if (failures < 0)
        return 2;
    printf("1..%u\n", number);
    return failures ? 1 : 0;
}
