/* SPDX-License-Identifier: Apache-2.0 */
/* system_signals.c - see system_signals.h. */
#include "engine/system_signals.h"
#include <stddef.h>
#include <unistd.h>

static void end(int signal)
{
    _exit(signal == SIGTERM ? 0 : 1);
}

/* A signal that the caller ignores (nohup, a job in the background) stays ignored. */
static void handle(int signal)
{
    struct sigaction old, action = {.sa_handler = end};

    if (sigaction(signal, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
        sigaction(signal, &action, NULL);
}

void signals_handle(void)
{
    handle(SIGTERM);
    handle(SIGINT);
}

void signals_hold(sigset_t *old)
{
    sigset_t held;

    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigprocmask(SIG_BLOCK, &held, old);
}

void signals_release(const sigset_t *old)
{
    sigprocmask(SIG_SETMASK, old, NULL);
}
