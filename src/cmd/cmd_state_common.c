/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_state_common.c - see cmd_state.h. */
#include "base/proc.h"
#include "cmd/cmd_state.h"

#define BAR 40

static bool shown;

void state_progress(void *arg _unused_, const char *what, size_t done, size_t total)
{
    char bar[BAR + 1];
    size_t full;

    if (!isatty(STDERR_FILENO) || total == 0)
        return;
    full = done >= total ? BAR : done * BAR / total;
    for (size_t i = 0; i < BAR; i++)
        bar[i] = i < full ? '#' : ' ';
    bar[BAR] = '\0';
    fprintf(stderr, "\r%-9s [%s] %3zu%%", what, bar, done >= total ? 100 : done * 100 / total);
    fflush(stderr);
    shown = true;
}

void state_progress_end(void)
{
    if (shown)
        fprintf(stderr, "\r%*s\r", BAR + 20, "");
    shown = false;
}

static void on_signal(int number _unused_)
{
    proc_cancelled = 1;
}

void state_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}
