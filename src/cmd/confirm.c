/* SPDX-License-Identifier: Apache-2.0 */
/* confirm.c - see confirm.h. */
#include "cmd/confirm.h"
#include "base/attr.h"

int ask(void)
{
    char answer[16] = "";

    fputs("Are you sure you want to continue? [y/N] ", stdout);
    fflush(stdout);
    if (!fgets(answer, sizeof(answer), stdin))
        return -ENODATA;
    return answer[0] == 'y' || answer[0] == 'Y';
}

int confirm(const char *flag, struct berth_error *err)
{
    if (!isatty(STDIN_FILENO))
        return fail(err, EPERM, "standard input is no terminal to ask on: give %s to go ahead",
                    flag);
    return ask() == 1;
}
