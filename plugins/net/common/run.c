/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - the environment and the deadline of programs; see run.h. */
#include "run.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define SBIN "/usr/sbin" /* iptables is there; users' paths often lack it */

/* Takes the entry; NULL: there was no memory for it. */
static void add(struct env *e, char *entry)
{
    char **more = entry && !e->failed ? realloc(e->v, (e->n + 2) * sizeof(*more)) : NULL;

    if (!more) {
        free(entry);
        e->failed = true;
        return;
    }
    e->v = more;
    e->v[e->n++] = entry;
    e->v[e->n] = NULL;
}

void env_add(struct env *e, const char *name, const char *value)
{
    add(e, na_format("%s=%s", name, value));
}

static bool begins_with_one(const char *entry, const char *const *beginnings)
{
    for (; *beginnings; beginnings++)
        if (strncmp(entry, *beginnings, strlen(*beginnings)) == 0)
            return true;
    return false;
}

void env_make(struct env *e, const char *const *without)
{
    bool path = false;

    *e = (struct env){0};
    for (char **at = environ; at && *at; at++) {
        if (strncmp(*at, "PATH=", 5) == 0) {
            if (!path) /* of several the first counts */
                add(e, na_format("%s%s", *at, strstr(*at, SBIN) ? "" : ":" SBIN));
            path = true;
        } else if (!begins_with_one(*at, without)) {
            add(e, strdup(*at));
        }
    }
    if (!path)
        env_add(e, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

void env_free(struct env *e)
{
    for (size_t i = 0; i < e->n; i++)
        free(e->v[i]);
    free(e->v);
}

berth_deadline run_deadline(const struct berth_net *n)
{
    struct timespec now;

    if (n->timeout <= 0 || clock_gettime(CLOCK_MONOTONIC, &now) < 0)
        return BERTH_WAIT_FOREVER;
    return (berth_deadline)now.tv_sec * 1000000000u + (berth_deadline)now.tv_nsec +
           (berth_deadline)n->timeout;
}
