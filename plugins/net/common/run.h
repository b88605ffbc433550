/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - the environment and the deadline of programs that network plugins run. */
#ifndef BERTH_NET_RUN_H
#define BERTH_NET_RUN_H

#include "net_common.h"

struct env {
    char **v; /* ended by NULL */
    size_t n;
    bool failed; /* no memory: something is missing */
};

/* This program's own, but variables that begin with one of `without` (ended by NULL); PATH is
 * there once and leads to iptables. */
void env_make(struct env *e, const char *const *without);
void env_add(struct env *e, const char *name, const char *value);
void env_free(struct env *e);

/* When a program that is started now is to have ended. */
berth_deadline run_deadline(const struct berth_net *n);

#endif
