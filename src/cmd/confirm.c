/* SPDX-License-Identifier: Apache-2.0 */
/* confirm.c - see confirm.h. */
#include "cmd/confirm.h"
#include "base/attr.h"

int confirm(const char *flag, struct berth_error *err)
{
    char answer[16] = "";

    if (!isatty(STDIN_FILENO))
        return fail(err, EPERM, "standard input is no terminal to ask on: give %s to go ahead",
                    flag);
    fputs("Are you sure you want to continue? [y/N] ", stdout);
    fflush(stdout);
    if (!fgets(answer, sizeof(answer), stdin))
        return 0;
    return answer[0] == 'y' || answer[0] == 'Y';
}
